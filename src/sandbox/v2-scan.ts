// A payer scans a static code (Native mode 1): the pretend WeChat Pay asks the merchant what to charge, and shows what
// it answered. Pays nothing: that is /sandbox/pay with the order number that comes of it.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { ANSWER_TIMEOUT_MS } from './courier.ts';
import type { Identity } from './identity.ts';
import type { OrderBook } from './orders.ts';
import { V2_HEADERS } from './v2-notice.ts';
import { type Fields, newNonce, readXml, type SignType, signedXml, signOf } from './v2-signing.ts';

export const Scan = z.strictObject({
  /** What the printed code says. */
  codeUrl: z.string().startsWith('weixin://wxpay/bizpayurl?'),
  /** The callback that the merchant entered in the portal. */
  notifyUrl: z.url(),
  openid: z.string().min(1).optional(),
  /** The same nonce is the same scan, told again. */
  nonce: z
    .string()
    .regex(/^[0-9A-Za-z]{1,32}$/)
    .optional(),
});

export type Scanned = {
  readonly asked: Fields;
  readonly status: number | null;
  readonly answer: Fields | string;
  readonly isSigned: boolean;
  /** The order that the scan made; null when the merchant made none. */
  readonly outTradeNo: string | null;
};

/** What is wrong with the code, in a sentence; or the merchant's answer. */
export async function scan(
  { codeUrl, notifyUrl, openid, nonce }: z.infer<typeof Scan>,
  identity: Identity,
  orders: OrderBook,
): Promise<Scanned | string> {
  const code: Fields = Object.fromEntries(new URLSearchParams(codeUrl.slice(codeUrl.indexOf('?') + 1)));
  const signType: SignType = code.sign?.length === 64 ? 'HMAC-SHA256' : 'MD5';
  if (code.mch_id !== identity.mchId) return 'The code is not of the merchant that the sandbox knows.';
  if (code.sign !== signOf(code, identity.apiV2Key, signType)) return 'The code is not signed with the APIv2 key.';
  const asked: Fields = {
    appid: code.appid ?? '',
    openid: openid ?? `o${randomBytes(20).toString('base64url')}`,
    mch_id: identity.mchId,
    is_subscribe: 'N',
    nonce_str: nonce ?? newNonce(),
    product_id: code.product_id ?? '',
  };
  const body = signedXml(asked, identity.apiV2Key, signType);
  const { status, text } = await post(notifyUrl, body);
  const answer = readXml(text);
  if (typeof answer === 'string')
    return { asked, status, answer: text.slice(0, 500), isSigned: false, outTradeNo: null };
  const isSigned = answer.sign === signOf(answer, identity.apiV2Key, signType);
  const order = answer.prepay_id ? orders.find((one) => one.v2?.prepayId === answer.prepay_id) : undefined;
  return { asked, status, answer, isSigned, outTradeNo: order?.outTradeNo ?? null };
}

async function post(url: string, body: string): Promise<{ status: number | null; text: string }> {
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const response = await fetch(url, { method: 'POST', headers: V2_HEADERS, body, redirect: 'manual', signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    return { status: null, text: String(error) };
  }
}
