// Writes a test callback as Square would: a completed payment, signed with the subscription's key over its address.
import { withText } from '../../core/json-body.ts';
import { concat, toBase64, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';
import { SIGNATURE_HEADER } from './notice.ts';

export const write: WriteShared<Credentials> = (
  { orderNo, amount },
  { signatureKey, notificationUrl, merchantIds, orderNoPath = 'reference_id' },
  { now, nonce },
) => {
  const time = new Date(now).toISOString();
  const money = { amount: amount.minor, currency: amount.currency };
  const plain = { id: nonce, status: 'COMPLETED', amount_money: money, total_money: money, updated_at: time };
  const event = {
    merchant_id: merchantIds[0] ?? 'TOLLGATETEST',
    type: 'payment.updated',
    event_id: nonce,
    created_at: time,
    data: { type: 'payment', id: nonce, object: { payment: withText(plain, orderNoPath, orderNo) } },
  };
  return jsonTest(event, async (body) => ({
    [SIGNATURE_HEADER]: toBase64(await hmacSha256(utf8(signatureKey), concat(utf8(notificationUrl), body))),
  }));
};
