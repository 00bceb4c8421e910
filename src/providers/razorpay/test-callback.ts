// Writes a test callback as Razorpay would: a captured payment, signed with the webhook's newest secret.
import { withText } from '../../core/json-body.ts';
import { toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';
import { ORDER_NO_PATH } from './facts.ts';
import { SIGNATURE_HEADER } from './notice.ts';

export const write: WriteShared<Credentials> = (
  { orderNo, amount },
  { webhookSecrets, accountIds, orderNoPath = ORDER_NO_PATH },
  { now, nonce },
) => {
  const created_at = Math.floor(now / 1_000);
  const payment = {
    id: `pay_${nonce.slice(0, 14)}`,
    status: 'captured',
    captured: true,
    amount: amount.minor,
    currency: amount.currency,
    method: 'upi',
    created_at,
  };
  const entity = withText(payment, orderNoPath, orderNo);
  const account_id = accountIds[0] ?? 'acc_TollgateTest';
  const event = {
    entity: 'event',
    account_id,
    event: 'payment.captured',
    created_at,
    payload: { payment: { entity } },
  };
  return jsonTest(event, async (body) => ({
    [SIGNATURE_HEADER]: toHex(await hmacSha256(utf8(webhookSecrets[0] ?? ''), body)),
  }));
};
