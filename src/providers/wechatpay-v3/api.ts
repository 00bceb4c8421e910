// Describes calls to the WeChat Pay v3 API and reads their answers: platform certificates and Native prepay.
// Never makes a call, and believes no answer whose signature does not verify.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import type { PaymentRequest } from '../../core/order.ts';
import type { Rejection } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fromUtf8, toBase64, utf8 } from '../../crypto/bytes.ts';
import { certificateFieldsOf } from '../../crypto/certificate.ts';
import { importRsaPrivateKey, type RsaPrivateKey, signRsa } from '../../crypto/rsa.ts';
import { readCertificate } from '../../crypto/x509.ts';
import type { Provider, ProviderAnswer, ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';
import { type Credentials, isPublicKeyId, serialOf } from './credentials.ts';
import { isOpened, type Notice, parseJson, Sealed, unseal } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';

const HOST = 'https://api.mch.weixin.qq.com';
const SCHEME = 'WECHATPAY2-SHA256-RSA2048';
const CERTIFICATES_PATH = '/v3/certificates';
const NATIVE_PATH = '/v3/pay/transactions/native';
const NATIVE_PARTNER_PATH = '/v3/pay/partner/transactions/native';

/** A code_url works this long, whatever the order's own expiry (Native prepay documentation). */
const CODE_VALID_MS = 2 * 3_600_000;
/** How long a payer has when the merchant did not say. WeChat Pay's own default, 7 days, outlives the code. */
const EXPIRY_DEFAULT_MS = 30 * 60_000;
/** WeChat Pay refuses an expiry nearer than this. */
const EXPIRY_MIN_MS = 60_000;
const DESCRIPTION_CHARS_MAX = 127;
const BEIJING_AHEAD_MS = 8 * 3_600_000;

type Definition = Provider<Credentials, Notice>;

export const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

export const keys: NonNullable<Definition['keys']> = {
  wanted: (credentials) => credentials.merchantPrivateKey !== undefined,
  brought: (credentials) => Object.keys(credentials.platformKeys).length > 0,
  request: async (credentials, context) => {
    const request = await signedRequest('GET', certificatesPath(credentials), null, credentials, context);
    if (!request.ok) throw new Error(`${request.error.detail} (keys.wanted was not asked)`);
    return request.value;
  },
  read: readCertificates,
};

/** Without the query WeChat Pay lists RSA certificates alone (docs: fetching platform certificates). */
function certificatesPath({ signatureTypes }: Credentials): string {
  if (!signatureTypes.includes('SM2')) return CERTIFICATES_PATH;
  return `${CERTIFICATES_PATH}?algorithm_type=${signatureTypes.includes('RSA') ? 'ALL' : 'SM2'}`;
}

export const pay: NonNullable<Definition['pay']> = { request: requestNative, read: readNative };

export async function signedRequest(
  method: ProviderRequest['method'],
  path: string,
  body: string | null,
  credentials: Credentials,
  context: RequestContext,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const key = await privateKeyOf(credentials);
  if (key === null || credentials.merchantSerial === undefined) {
    return problem(
      'not_configured',
      'merchantSerial and merchantPrivateKey are needed to call WeChat Pay: add both to the channel.',
    );
  }
  const timestamp = Math.floor(context.now / 1000);
  // Five lines, each ended by a line feed; an absent body is an empty line (docs: request signing).
  const message = `${method}\n${path}\n${timestamp}\n${context.nonce}\n${body ?? ''}\n`;
  const signature = toBase64(await signRsa(key, utf8(message)));
  const fields = {
    mchid: credentials.partner?.spMchId ?? credentials.mchId,
    nonce_str: context.nonce,
    timestamp: `${timestamp}`,
    serial_no: credentials.merchantSerial.toUpperCase(),
    signature,
  };
  const values = Object.entries(fields).map(([name, value]) => `${name}="${value}"`);
  // Asks for an answer signed with the public key, where one is configured (docs: public key mode).
  const publicKeyId = Object.keys(credentials.platformKeys).find(isPublicKeyId);
  return ok({
    method,
    url: HOST + path,
    headers: {
      accept: 'application/json',
      authorization: `${SCHEME} ${values.join(',')}`,
      'user-agent': 'Tollgate',
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...(publicKeyId === undefined ? {} : { 'wechatpay-serial': publicKeyId }),
    },
    body,
  });
}

// Handles, not secrets, are kept: they go when the credentials object does.
const privateKeys = new WeakMap<Credentials, RsaPrivateKey>();

async function privateKeyOf(credentials: Credentials): Promise<RsaPrivateKey | null> {
  const known = privateKeys.get(credentials);
  if (known) return known;
  const key =
    credentials.merchantPrivateKey === undefined ? null : await importRsaPrivateKey(credentials.merchantPrivateKey);
  if (key !== null) privateKeys.set(credentials, key);
  return key;
}

const ErrorBody = z.object({ code: z.string().max(64), message: z.string().nullish() });

/** What an answer without success means; null for success. An error changes nothing, so it need not be signed. */
export function failureOf(answer: ProviderAnswer): ProviderProblem | null {
  if (answer.status === 200) return null;
  const parsed = ErrorBody.safeParse(parseJson(answer.body));
  const said = parsed.success ? `${parsed.data.code}: ${(parsed.data.message ?? '').slice(0, 200)}` : 'no reason given';
  const detail = `WeChat Pay answered ${answer.status}, ${said}.`;
  // Classified by status first: codes of one meaning have several spellings.
  if (answer.status === 429 || answer.status >= 500 || answer.status < 400) return { code: 'unavailable', detail };
  if (answer.status === 401) {
    return {
      code: 'refused',
      detail: `${detail} Check that merchantSerial and merchantPrivateKey belong together and to this merchant.`,
    };
  }
  return { code: 'refused', detail };
}

export const unverified = (rejection: Rejection): ProviderProblem => ({
  code: 'unverified',
  detail: `WeChat Pay's answer is not proved: ${rejection.detail} Ask again.`,
});

/** Merchants in public key mode have no platform certificates, and are told so by this code. */
const hasNoCertificates = (answer: ProviderAnswer) =>
  answer.status === 404 && ErrorBody.safeParse(parseJson(answer.body)).data?.code === 'RESOURCE_NOT_EXISTS';

const PUBLIC_KEY_MODE: ProviderProblem = {
  code: 'not_configured',
  detail:
    'WeChat Pay has no platform certificates for this merchant, which is in public key mode: add ' +
    'the WeChat Pay public key to platformKeys under its PUB_KEY_ID_….',
};

const CertificateList = z.object({
  data: z.array(z.object({ serial_no: z.string(), encrypt_certificate: Sealed })).max(50),
});

async function readCertificates(
  answer: ProviderAnswer,
  credentials: Credentials,
  known: readonly FetchedKey[],
  now: number,
): Promise<Result<readonly FetchedKey[], ProviderProblem>> {
  const failure = failureOf(answer);
  if (failure !== null) return err(hasNoCertificates(answer) ? PUBLIC_KEY_MODE : failure);
  const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, known), now);
  const isFirst = !proof.ok && proof.error.reason === 'unknown_key';
  if (!proof.ok && !isFirst) return err(unverified(proof.error));
  const fetched = await openCertificates(answer.body, credentials);
  if (!fetched.ok) return fetched;
  // The first download meets no key to be verified with: what opened under the APIv3 key then vouches for the answer.
  const late = isFirst
    ? await proveSigned(answer.headers, answer.body, keyringOf(credentials, fetched.value), now)
    : proof;
  return late.ok ? ok(fetched.value.filter((key) => key.expiresAt > now)) : err(unverified(late.error));
}

async function openCertificates(
  body: Uint8Array,
  credentials: Credentials,
): Promise<Result<readonly FetchedKey[], ProviderProblem>> {
  const list = CertificateList.safeParse(parseJson(body));
  if (!list.success) return problem('malformed', 'WeChat Pay answered /v3/certificates in a form that cannot be read.');
  const fetched: FetchedKey[] = [];
  for (const { serial_no: serial, encrypt_certificate: sealed } of list.data.data) {
    if (!isOpened(sealed.algorithm, credentials)) continue; // of a type that this channel does not take
    const pem = await unseal(sealed, credentials);
    if (pem === null) {
      return problem(
        'not_configured',
        'The downloaded certificates do not open with apiV3Key: compare it with the APIv3 key in the merchant portal.',
      );
    }
    const key = certificateKey(serial, fromUtf8(pem) ?? '');
    if (key === null) return problem('malformed', 'A downloaded certificate is not the one its serial_no names.');
    fetched.push(key);
  }
  return ok(fetched);
}

function certificateKey(serialNo: string, pem: string): FetchedKey | null {
  const certificate = readCertificate(pem) ?? certificateFieldsOf(pem); // the runtime reads no SM2 keys
  if (certificate === null || certificate.serial !== serialOf(serialNo)) return null;
  return { serial: serialNo, pem, effectiveAt: certificate.notBefore, expiresAt: certificate.notAfter };
}

type PayOrder = Parameters<NonNullable<Definition['pay']>['request']>[0];

async function requestNative(
  order: PayOrder,
  credentials: Credentials,
  context: RequestContext,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { amount, description, expiresAt } = order.registration;
  const payee = payeeOf(credentials);
  if (!payee.ok) return payee;
  if (!/^[0-9A-Za-z_*-]{6,32}$/.test(order.orderNo)) {
    return problem(
      'refused',
      'WeChat Pay takes order numbers of 6 to 32 letters, digits, _, - and *: choose another orderNo.',
    );
  }
  if (amount.currency !== 'CNY' || amount.minor < 1) {
    return problem('refused', 'WeChat Pay Native takes amounts in CNY of at least 0.01: change the order’s amount.');
  }
  const payBy = expiresAt ?? context.now + EXPIRY_DEFAULT_MS;
  if (payBy < context.now + EXPIRY_MIN_MS) {
    return problem(
      'refused',
      'The order expires in less than a minute, which WeChat Pay refuses: choose a later expiresAt.',
    );
  }
  const body = JSON.stringify({
    ...payee.value,
    description: [...(description ?? `订单 ${order.orderNo}`)].slice(0, DESCRIPTION_CHARS_MAX).join(''),
    out_trade_no: order.orderNo,
    time_expire: beijingTime(payBy),
    notify_url: order.notifyUrl,
    amount: { total: amount.minor, currency: amount.currency },
  });
  const path = credentials.partner === undefined ? NATIVE_PATH : NATIVE_PARTNER_PATH;
  return signedRequest('POST', path, body, credentials, context);
}

/** The members that say who is paid; a problem names the field that is missing. */
function payeeOf(credentials: Credentials): Result<Readonly<Record<string, string>>, ProviderProblem> {
  const { mchId, appIds, partner } = credentials;
  const [appId] = appIds;
  if (partner === undefined) {
    if (appId === undefined) {
      return problem(
        'not_configured',
        'appIds is empty: add the AppID that payments are asked for, first in the list.',
      );
    }
    return ok({ appid: appId, mchid: mchId });
  }
  if (partner.spAppId === undefined) {
    return problem('not_configured', 'partner.spAppId is missing: it is needed to ask for payments.');
  }
  const sub = subMerchantOf(credentials);
  if (sub === null) {
    return problem('not_configured', 'mchId must name the sub-merchant that is paid; here it repeats partner.spMchId.');
  }
  const own = appId === undefined ? {} : { sub_appid: appId };
  return ok({ sp_appid: partner.spAppId, sp_mchid: partner.spMchId, ...own, sub_mchid: sub });
}

/** The one sub-merchant that a request can mean; null when the channel takes several or any. */
export function subMerchantOf({ mchId, partner }: Credentials): string | null {
  if (partner !== undefined && mchId !== partner.spMchId) return mchId;
  const [only, ...more] = partner?.subMchIds ?? [];
  return only === undefined || more.length > 0 ? null : only;
}

/** RFC 3339 in whole seconds with WeChat Pay's own offset. */
const beijingTime = (at: number) => `${new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19)}+08:00`;

const NativeAnswer = z.object({ code_url: z.string().regex(/^weixin:\/\/[\x21-\x7e]{1,500}$/) });

async function readNative(
  answer: ProviderAnswer,
  credentials: Credentials,
  known: readonly FetchedKey[],
  now: number,
  expiresAt: number | null = null,
): Promise<Result<PaymentRequest, ProviderProblem>> {
  const failure = failureOf(answer);
  if (failure !== null) return err(failure);
  const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, known), now);
  if (!proof.ok) return err(unverified(proof.error));
  const parsed = NativeAnswer.safeParse(parseJson(answer.body));
  if (!parsed.success) return problem('malformed', 'WeChat Pay answered the payment request without a code_url.');
  const codeExpiresAt = Math.min(now + CODE_VALID_MS, expiresAt ?? now + EXPIRY_DEFAULT_MS);
  return ok({ codeUrl: parsed.data.code_url, codeExpiresAt });
}
