// Native mode 1: a payer scanned a static code, and WeChat Pay waits for a prepaid order in the answer to its callback.
// Describes the call and writes the signed answer. Never decides what a product costs.
import type { ProductOutcome } from '../../core/product.ts';
import { err, ok } from '../../core/result.ts';
import { printXml } from '../../core/xml.ts';
import { sha256, toHex, utf8 } from '../../crypto/bytes.ts';
import type { Provider } from '../provider.ts';
import * as rules from '../wechatpay/rules.ts';
import * as api from './api.ts';
import type { Credentials } from './credentials.ts';
import * as native from './native.ts';
import type { Notice } from './notice.ts';
import { payeeOf } from './reference.ts';
import { type Fields, signatureOf, signTypeOf } from './signature.ts';

const SUCCESS = 'SUCCESS';

/** What the payer reads on the phone. */
const TOLD_PAYER: Readonly<Record<Exclude<ProductOutcome['kind'], 'prepared'>, string>> = {
  unknown: '商品不存在',
  disabled: '商品已下架',
  paid: '订单已支付',
  failed: '系统繁忙，请稍后重新扫码',
};

type Definition = Provider<Credentials, Notice>;

const textOf = (fields: Fields, name: string): string => fields.get(name) ?? '';

export const product: NonNullable<Definition['product']> = {
  currency: 'CNY',
  codeUrl: async (productId, credentials, { now, nonce }) => {
    const payee = payeeOf(credentials);
    if (payee === null) return err({ code: 'not_configured', detail: api.NEEDS_PAYEE });
    const own = { appid: payee.appid, mch_id: credentials.mchId, product_id: productId };
    const fields = { ...own, time_stamp: `${Math.floor(now / 1_000)}`, nonce_str: nonce.slice(0, 32) };
    // The address names no algorithm, so it is the default one where the channel allows it (docs: Native mode 1).
    const signType = credentials.signTypes.includes('MD5') ? 'MD5' : 'HMAC-SHA256';
    const sign = await signatureOf(new Map(Object.entries(fields)), credentials.apiKey, signType);
    return ok(`weixin://wxpay/bizpayurl?${new URLSearchParams({ sign, ...fields })}`);
  },
  // WeChat Pay repeats a scan with the same nonce; 30 hex digits of a digest are no chance meeting, and 32 fit.
  orderNoOf: async ({ fields }) => {
    const scan = ['product_id', 'openid', 'nonce_str'].map((name) => textOf(fields, name)).join('\n');
    return `QR${toHex(await sha256(utf8(scan))).slice(0, 30)}`;
  },
  request: async ({ fields }, order, credentials, { nonce }) => {
    const payee = payeeOf(credentials, textOf(fields, 'appid'), textOf(fields, 'sub_mch_id'));
    if (payee === null) return err({ code: 'not_configured', detail: api.NEEDS_PAYEE });
    // No time_expire: the same scan told again must be the same request, and what it gives lasts two hours anyway.
    const own = { ...native.nativeFields(order), product_id: textOf(fields, 'product_id') };
    return ok(await api.signedRequest(native.NATIVE_PATH, payee, own, credentials, nonce));
  },
  read: async (answer, credentials, _keys, now) => {
    const proved = await api.provedFields(answer, credentials);
    if (!proved.ok) return proved;
    if (textOf(proved.value, 'result_code') !== SUCCESS) return err(api.failureOf(proved.value, rules.PAY_MEANINGS));
    const codeUrl = native.codeUrlOf(proved.value);
    const reference = textOf(proved.value, 'prepay_id');
    return codeUrl !== null && /^[0-9A-Za-z_-]{1,64}$/.test(reference)
      ? ok({ codeUrl, codeExpiresAt: now + rules.CODE_VALID_MS, reference })
      : err({ code: 'malformed', detail: 'WeChat Pay answered the payment request without code_url and prepay_id.' });
  },
  reply: async ({ fields }, outcome, credentials, { nonce }) => {
    const told =
      outcome.kind === 'prepared'
        ? { prepay_id: outcome.reference, result_code: SUCCESS }
        : { result_code: 'FAIL', err_code_des: TOLD_PAYER[outcome.kind] };
    const appid = textOf(fields, 'appid');
    const own = { return_code: SUCCESS, appid, mch_id: credentials.mchId, nonce_str: nonce.slice(0, 32), ...told };
    // Nothing in the answer names an algorithm: it is that of the question.
    const signType = signTypeOf(textOf(fields, 'sign')) ?? 'MD5';
    const sign = await signatureOf(new Map(Object.entries(own)), credentials.apiKey, signType);
    const headers = { 'content-type': 'text/xml; charset=utf-8' };
    return { status: 200, headers, body: printXml('xml', { ...own, sign }) };
  },
};
