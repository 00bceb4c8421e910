// Writes a test callback as Cryptomus would: a paid invoice, its signature inside the body.
import { printMoney } from '../../core/money.ts';
import { ok } from '../../core/result.ts';
import { toBase64, toHex, utf8 } from '../../crypto/bytes.ts';
import { md5 } from '../../crypto/md5.ts';
import type { WriteShared } from '../provider/test-callback.ts';

export const write: WriteShared<{ readonly paymentApiKey: string }> = async (
  { orderNo, amount },
  { paymentApiKey },
  { nonce },
) => {
  const content = {
    type: 'payment',
    uuid: nonce,
    order_id: orderNo,
    amount: printMoney(amount),
    currency: amount.currency,
    is_final: true,
    status: 'paid',
  };
  // MD5 of the text in base64, followed by the key (docs: webhook).
  const sign = toHex(md5(utf8(toBase64(utf8(JSON.stringify(content))) + paymentApiKey)));
  const body = utf8(JSON.stringify({ ...content, sign }));
  return ok({ contentType: 'application/json', headers: {}, body });
};
