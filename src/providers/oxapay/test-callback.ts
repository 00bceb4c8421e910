// Writes a test callback as OxaPay would: a paid invoice, signed with the merchant API key.
import { printMoney } from '../../core/money.ts';
import { toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha512 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';

export const write: WriteShared<{ readonly merchantApiKey: string }> = (
  { orderNo, amount, sandbox },
  { merchantApiKey },
  { now, nonce },
) => {
  const date = Math.floor(now / 1_000);
  const content = {
    track_id: nonce.slice(0, 12),
    status: 'Paid',
    type: 'invoice',
    order_id: orderNo,
    amount: printMoney(amount),
    currency: amount.currency,
    date,
    // What the sandbox calls its transactions (unconfirmed).
    txs: sandbox ? [{ status: 'confirmed', tx_hash: 'sandbox', date }] : [],
  };
  return jsonTest(content, async (body) => ({ hmac: toHex(await hmacSha512(utf8(merchantApiKey), body)) }));
};
