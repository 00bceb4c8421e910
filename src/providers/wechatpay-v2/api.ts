// What all calls to the WeChat Pay v2 API share: the signed request, the proof of an answer, and what an answer without
// success means. Never makes a call.
import type { Result } from '../../core/result.ts';
import { printXml } from '../../core/xml.ts';
import type { ProviderAnswer, ProviderProblem, ProviderRequest } from '../provider.ts';
import { type Meanings, problem } from '../wechatpay/rules.ts';
import { type Credentials, SIGN_TYPES, type SignType } from './credentials.ts';
import { readFields } from './notice.ts';
import type { Payee } from './reference.ts';
import { type Fields, signatureOf, signatureProblem } from './signature.ts';
import { checkMerchant } from './translate.ts';

const HOST = 'https://api.mch.weixin.qq.com';
export const SUCCESS = 'SUCCESS';

export async function signedRequest(
  path: string,
  payee: Payee,
  own: Readonly<Record<string, string>>,
  credentials: Credentials,
  nonce: string,
  certificateBinding?: string,
  /** Where an interface takes one alone; else the channel's first. */
  signType: SignType = credentials.signTypes[0] ?? SIGN_TYPES[0],
): Promise<ProviderRequest> {
  const fields = { ...payee, mch_id: credentials.mchId, nonce_str: nonce.slice(0, 32), sign_type: signType, ...own };
  const sign = await signatureOf(new Map(Object.entries(fields)), credentials.apiKey, signType);
  return {
    method: 'POST',
    url: HOST + path,
    headers: { 'content-type': 'text/xml; charset=utf-8', 'user-agent': 'Tollgate' },
    body: printXml('xml', { ...fields, sign }),
    ...(certificateBinding === undefined ? {} : { certificateBinding }),
  };
}

/** An outage that did not get as far as an err_code. */
const OUTAGE = /系统|繁忙|超时|SYSTEM|BUSY|TIMEOUT/i;

/** The proved fields of an answer, whatever its result_code; without a proof nothing of it is believed. */
export async function provedFields(
  answer: ProviderAnswer,
  credentials: Credentials,
): Promise<Result<Fields, ProviderProblem>> {
  if (answer.status !== 200) return problem('unavailable', `WeChat Pay answered ${answer.status}.`);
  const fields = readFields(answer.body, 'xml');
  if (!fields.ok) return problem('malformed', `WeChat Pay's answer cannot be read: ${fields.error}.`);
  if (fields.value.get('return_code') !== SUCCESS) {
    // Unsigned, and it changes nothing: the request itself was not understood.
    const said = (fields.value.get('return_msg') ?? 'no reason given').slice(0, 200);
    if (OUTAGE.test(said)) return problem('unavailable', `WeChat Pay answered: ${said}.`);
    return problem('refused', `WeChat Pay refused the request: ${said}. Check mchId, appIds and apiKey.`);
  }
  const unproved = await signatureProblem(fields.value, credentials);
  if (unproved !== null) {
    return problem('unverified', `WeChat Pay's answer is not proved: ${unproved.detail} Ask again.`);
  }
  const stranger = checkMerchant(fields.value, credentials);
  return stranger === null ? fields : problem('malformed', `WeChat Pay's answer is another merchant's.`);
}

/** The same request may succeed later (docs: error codes of each interface). */
const PASSING: readonly string[] = [
  'SYSTEMERROR',
  'BIZERRNEEDRETRY',
  'FREQUENCYLIMIT',
  'FREQUENCYLIMITED',
  'INVALIDREQTOOMUCH',
  'ORDERNOTREADY',
  'USERPAYING',
];

/** What WeChat Pay calls its refusal, without the underscores that come and go: `ORDERPAID`. */
export const errorCodeOf = (fields: Fields): string =>
  (fields.get('err_code') ?? '').slice(0, 64).toUpperCase().replaceAll('_', '');

/** What a proved answer without success means. */
export function failureOf(fields: Fields, meanings: Meanings = {}): ProviderProblem {
  const said = (fields.get('err_code') ?? '').slice(0, 64);
  const detail = `WeChat Pay answered ${said}: ${(fields.get('err_code_des') ?? '').slice(0, 200)}.`;
  const code = errorCodeOf(fields);
  if (PASSING.includes(code)) return { code: 'unavailable', detail };
  const meaning = meanings[code];
  if (meaning === undefined) return { code: 'refused', detail };
  return { code: meaning.code, detail: `${detail} ${meaning.mend}` };
}

export const NEEDS_PAYEE =
  'WeChat Pay wants to know who asks: put the AppID first into appIds, and for a service provider exactly one ' +
  'number into subMchIds.';
