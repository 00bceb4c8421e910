// Writes a test callback as NOWPayments would: a finished payment, signed over its members in the order of their names.
import { printMoney } from '../../core/money.ts';
import { toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha512 } from '../../crypto/hmac.ts';
import { jsonTest, type WriteShared } from '../provider/test-callback.ts';

export const write: WriteShared<{ readonly ipnSecret: string }> = (
  { orderNo, amount },
  { ipnSecret },
  { now, nonce },
) =>
  // Written in the order of their names, so that what is signed is what is sent.
  jsonTest(
    {
      order_id: orderNo,
      payment_id: nonce,
      payment_status: 'finished',
      price_amount: printMoney(amount),
      price_currency: amount.currency.toLowerCase(),
      updated_at: new Date(now).toISOString(),
    },
    async (body) => ({ 'x-nowpayments-sig': toHex(await hmacSha512(utf8(ipnSecret), body)) }),
  );
