// How a refund is named to the query: its number, and whose it is. Never trusted: it only says what to ask about.
import type { Credentials } from './credentials.ts';
import type { Fields } from './signature.ts';

export type RefundReference = { readonly refundNo: string; readonly payee: Payee };

/** Under whose name the API is called. */
export type Payee = { readonly appid: string; readonly sub_mch_id?: string };

const REFUND_NO = /^[0-9A-Za-z_|*@-]{1,64}$/;
const APP_ID = /^[0-9A-Za-z_-]{1,32}$/;
const MCH_ID = /^\d{6,32}$/;

/** `refundNo/appid/subMchId` as the notice names them; null where it names too little for a query. */
export function referenceOf(fields: Fields, refundNo: string, credentials: Credentials): string | null {
  const reference = [refundNo, fields.get('appid') ?? '', fields.get('sub_mch_id') ?? ''].join('/');
  return readReference(reference, credentials) === null ? null : reference;
}

/** A bare refund number is asked for under the channel's own AppID. */
export function readReference(reference: string, credentials: Credentials): RefundReference | null {
  const [refundNo = '', appId = '', subMchId = '', ...rest] = reference.split('/');
  const payee = payeeOf(credentials, appId, subMchId);
  return REFUND_NO.test(refundNo) && rest.length === 0 && payee !== null ? { refundNo, payee } : null;
}

/** Null where the channel does not say, or leaves a choice between several sub-merchants. */
export function payeeOf(credentials: Credentials, appId = '', subMchId = ''): Payee | null {
  const { appIds, subMchIds } = credentials;
  const appid = appId || (appIds[0] ?? '');
  const sub = subMchId || (subMchIds.length === 1 ? (subMchIds[0] ?? '') : '');
  if (!APP_ID.test(appid) || (sub === '' && subMchIds.length > 1)) return null;
  if (sub === '') return { appid };
  return MCH_ID.test(sub) ? { appid, sub_mch_id: sub } : null;
}
