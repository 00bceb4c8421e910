// Writes a test callback as Coinbase Commerce would: a confirmed charge, signed with the shared secret.
import { withText } from '../../core/json-body.ts';
import { printMoney } from '../../core/money.ts';
import { toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';

type Credentials = { readonly sharedSecret: string; readonly orderNoPath: string };

export const write: WriteShared<Credentials> = async (
  { orderNo, amount },
  { sharedSecret, orderNoPath },
  { now, nonce },
) => {
  const time = new Date(now).toISOString();
  const local = { amount: printMoney(amount), currency: amount.currency };
  const charge = {
    id: nonce,
    code: nonce.slice(0, 8).toUpperCase(),
    pricing: { local },
    timeline: [
      { status: 'NEW', time },
      { status: 'PENDING', time },
      { status: 'COMPLETED', time },
    ],
    payments: [],
  };
  const event = { id: nonce, type: 'charge:confirmed', created_at: time, data: withText(charge, orderNoPath, orderNo) };
  return jsonTest({ id: nonce, scheduled_for: time, attempt_number: 1, event }, async (body) => ({
    'x-cc-webhook-signature': toHex(await hmacSha256(utf8(sharedSecret), body)),
  }));
};
