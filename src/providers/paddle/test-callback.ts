// Writes a test callback as Paddle would: a completed transaction, signed with the destination's newest secret.
import { withText } from '../../core/json-body.ts';
import { concat, toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';
import type { Credentials } from './credentials.ts';
import { ORDER_NO_PATH } from './facts.ts';
import { SIGNATURE_HEADER } from './notice.ts';

export const write: WriteShared<Credentials> = (
  { orderNo, amount },
  { secrets, orderNoPath = ORDER_NO_PATH },
  { now, nonce },
) => {
  const [time, total] = [new Date(now).toISOString(), String(amount.minor)];
  const transaction = {
    id: `txn_${nonce}`,
    status: 'completed',
    currency_code: amount.currency,
    details: { totals: { total, grand_total: total } },
    payments: [],
    billed_at: time,
    updated_at: time,
  };
  const data = withText(transaction, orderNoPath, orderNo);
  const seconds = Math.floor(now / 1_000);
  const event = { event_id: `evt_${nonce}`, event_type: 'transaction.completed', occurred_at: time, data };
  return jsonTest(event, async (body) => {
    const signature = await hmacSha256(utf8(secrets[0] ?? ''), concat(utf8(`${seconds}:`), body));
    return { [SIGNATURE_HEADER]: `ts=${seconds};h1=${toHex(signature)}` };
  });
};
