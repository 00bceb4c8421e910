// Calls to Alipay's OpenAPI gateway, described and not made, and its answers, believed only when the signature over the
// raw text of the answer's own member holds.
import { z } from 'zod';
import { err, ok, type Result } from '../../core/result.ts';
import { fromUtf8, toBase64, utf8 } from '../../crypto/bytes.ts';
import { signRsa } from '../../crypto/rsa.ts';
import type { ProviderAnswer, ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';
import { appCertSnOf, rootCertSnOf } from './certificates.ts';
import { type Credentials, privateKeyOf } from './credentials.ts';
import { rawMembers } from './raw-members.ts';
import { proveBytes } from './signature.ts';

const GATEWAY = 'https://openapi.alipay.com/gateway.do';
const SANDBOX_GATEWAY = 'https://openapi-sandbox.dl.alipaydev.com/gateway.do';
const BEIJING_AHEAD_MS = 8 * 3_600_000;

export const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** Beijing's time without saying so, as Alipay takes it. */
export const beijingTime = (at: number): string =>
  new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19).replace('T', ' ');

export async function signedRequest(
  method: string,
  content: Readonly<Record<string, unknown>>,
  credentials: Credentials,
  context: RequestContext,
  more: Readonly<Record<string, string>> = {},
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const key = await privateKeyOf(credentials);
  if (key === null) {
    return problem(
      'not_configured',
      'privateKey is needed to call Alipay: add the application private key to the channel.',
    );
  }
  const serials = certificateSerials(credentials);
  const parameters: Readonly<Record<string, string>> = {
    app_id: credentials.appId,
    method,
    format: 'JSON',
    charset: 'utf-8',
    sign_type: 'RSA2',
    timestamp: beijingTime(context.now),
    version: '1.0',
    ...serials,
    ...more,
  };
  const bizContent = JSON.stringify(content);
  // Requests sign sign_type too, unlike notices (docs: signing requests).
  const signed = Object.entries({ ...parameters, biz_content: bizContent }).sort(([a], [b]) => (a < b ? -1 : 1));
  const sign = toBase64(await signRsa(key, utf8(signed.map(([name, value]) => `${name}=${value}`).join('&'))));
  return ok({
    method: 'POST',
    // The charset must stand in the address: the body is read by it.
    url: `${credentials.sandbox ? SANDBOX_GATEWAY : GATEWAY}?${new URLSearchParams({ ...parameters, sign })}`,
    headers: {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded;charset=utf-8',
      'user-agent': 'Tollgate',
    },
    body: new URLSearchParams({ biz_content: bizContent }).toString(),
  });
}

/** In certificate mode Alipay is told which certificates we hold. */
function certificateSerials({ appCert, alipayRootCert }: Credentials): Readonly<Record<string, string>> {
  const appCertSn = appCert === undefined ? null : appCertSnOf(appCert);
  if (appCertSn === null || alipayRootCert === undefined) return {};
  return { app_cert_sn: appCertSn, alipay_root_cert_sn: rootCertSnOf(alipayRootCert) };
}

const Code = z.object({
  code: z.string().max(16),
  msg: z.string().nullish(),
  sub_code: z.string().max(128).nullish(),
  sub_msg: z.string().nullish(),
});

/** What Alipay says of a call, once its signature held: what was asked for, or the business reason why not. */
export type Reply =
  | { readonly kind: 'done'; readonly content: unknown }
  | { readonly kind: 'failed'; readonly subCode: string; readonly detail: string };

/** The call reached the product, which says no; every other code is the gateway's own (docs: public codes). */
const BUSINESS_FAILED = '40004';

export async function readReply(
  method: string,
  answer: ProviderAnswer,
  credentials: Credentials,
  now: number,
): Promise<Result<Reply, ProviderProblem>> {
  if (answer.status !== 200) return problem('unavailable', `Alipay answered ${answer.status}.`);
  const text = fromUtf8(answer.body);
  const members = text === null ? null : rawMembers(text);
  const raw = members?.get(`${method.replaceAll('.', '_')}_response`) ?? members?.get('error_response');
  const content = raw === undefined ? undefined : parsed(raw);
  const code = Code.safeParse(content);
  if (!members || raw === undefined || !code.success) {
    return problem('malformed', `Alipay answered ${method} in a form that cannot be read.`);
  }
  const isDone = code.data.code === '10000';
  const failure = isDone ? null : failureOf(code.data);
  // What leaves everything open need not be signed, and a failure about our own signature never is.
  if (failure !== null && (failure.code === 'unavailable' || code.data.code !== BUSINESS_FAILED)) return err(failure);
  const [sign, certSn] = [textOf(members.get('sign')), textOf(members.get('alipay_cert_sn'))];
  // Answers are signed as requests are: with RSA2 (docs: verifying answers).
  const proof = await proveBytes(utf8(raw), sign ?? '', 'RSA2', certSn, credentials, now);
  if (!proof.ok) return problem('unverified', `Alipay's answer is not proved: ${proof.error.detail} Ask again.`);
  if (failure === null) return ok({ kind: 'done', content });
  return ok({ kind: 'failed', subCode: code.data.sub_code ?? '', detail: failure.detail });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema accepts it
  }
}

function textOf(raw: string | undefined): string | null {
  const value = raw === undefined ? null : parsed(raw);
  return typeof value === 'string' ? value : null;
}

function failureOf({ code, msg, sub_code: subCode, sub_msg: subMsg }: z.infer<typeof Code>): ProviderProblem {
  const reason = [subCode ?? msg, subMsg].filter(Boolean).join(', ').slice(0, 240);
  const detail = `Alipay answered ${code}: ${reason || 'no reason given'}.`;
  // 20000: the gateway is down; SYSTEM_ERROR: the product behind it is (docs: public error codes).
  if (code === '20000' || /SYSTEM_ERROR$/i.test(subCode ?? '')) return { code: 'unavailable', detail };
  if (/signature|cert/i.test(subCode ?? '')) {
    return {
      code: 'refused',
      detail: `${detail} Check that appId and privateKey belong together, and the certificates.`,
    };
  }
  return { code: 'refused', detail };
}
