// Writes a payment notice as WeChat Pay v2 would, for the merchant's own backend: the key is shared, so what proves it
// to the backend is the same. Payments alone: a refund notice names accounts that only WeChat Pay knows.

import type { KeptCallback } from '../../core/callback.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Retold, RetoldPayment } from '../../core/retold.ts';
import { printXml, xmlSafe } from '../../core/xml.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { NEEDS_PAYEE } from './api.ts';
import type { Credentials } from './credentials.ts';
import { payeeOf } from './reference.ts';
import { signatureOf } from './signature.ts';

const SUCCESS = 'SUCCESS';
const BEIJING_AHEAD_MS = 8 * 3_600_000;

const beijing = (at: number): string => new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19).replace(/\D/g, '');

/** What is not known is left out, save for what the documents call required: nobody follows, a bank unnamed. */
function fieldsOf({ orderNo, payer, attach }: Retold, payment: RetoldPayment): Record<string, string> {
  const { amount, payerAmount, transactionId, paidAt, bank, providerMethod } = payment;
  const cash = payerAmount ?? amount;
  const coupons = cash.currency === amount.currency ? amount.minor - cash.minor : 0;
  return {
    return_code: SUCCESS,
    result_code: SUCCESS,
    ...(payer?.id === undefined ? {} : { openid: payer.id }),
    is_subscribe: 'N',
    trade_type: providerMethod ?? 'NATIVE',
    bank_type: bank ?? 'OTHERS',
    total_fee: String(amount.minor),
    fee_type: amount.currency,
    cash_fee: String(cash.minor),
    cash_fee_type: cash.currency,
    ...(coupons > 0 ? { coupon_fee: String(coupons) } : {}),
    transaction_id: transactionId,
    out_trade_no: orderNo,
    ...(attach === null ? {} : { attach: xmlSafe(attach.toWellFormed()) }),
    time_end: beijing(paidAt),
  };
}

export async function resign(
  retold: Retold,
  credentials: Credentials,
  { nonce }: { readonly nonce: string },
): Promise<Result<KeptCallback, string>> {
  if (retold.payment === null) return err('Only the notice of a payment can be written anew.');
  const payee = payeeOf(credentials);
  if (payee === null) return err(NEEDS_PAYEE);
  const { appid, ...sub } = payee;
  const own = { appid, mch_id: credentials.mchId, ...sub, nonce_str: nonce.slice(0, 32) };
  const fields = { ...own, ...fieldsOf(retold, retold.payment) };
  // A notice names no algorithm: it is MD5 unless the order asked for the other.
  const signType = credentials.signTypes.includes('MD5') ? 'MD5' : 'HMAC-SHA256';
  const sign = await signatureOf(new Map(Object.entries(fields)), credentials.apiKey, signType);
  return ok({ contentType: 'text/xml; charset=utf-8', headers: {}, body: utf8(printXml('xml', { ...fields, sign })) });
}
