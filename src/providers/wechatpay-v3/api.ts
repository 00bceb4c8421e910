// What all calls to the WeChat Pay v3 API share: the signed request, and what an answer without success means. Never
// makes a call.
import { z } from 'zod';
import type { Rejection } from '../../core/rejection.ts';
import { ok, type Result } from '../../core/result.ts';
import { toBase64, utf8 } from '../../crypto/bytes.ts';
import { importRsaPrivateKey, type RsaPrivateKey, signRsa } from '../../crypto/rsa.ts';
import type { ProviderAnswer, ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';
import { type Meanings, problem } from '../wechatpay/rules.ts';
import { type Credentials, isPublicKeyId } from './credentials.ts';
import { parseJson } from './notice.ts';

const HOST = 'https://api.mch.weixin.qq.com';
const SCHEME = 'WECHATPAY2-SHA256-RSA2048';

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

/** What WeChat Pay calls its refusal, without the underscores that come and go: `ORDERPAID`. Empty where none. */
export const errorCodeOf = ({ status, body }: ProviderAnswer): string =>
  status < 300 ? '' : (ErrorBody.safeParse(parseJson(body)).data?.code ?? '').toUpperCase().replaceAll('_', '');

/** The same request may succeed later, whatever status these come with. */
const PASSING: readonly string[] = [
  'SYSTEMERROR',
  'BIZERRNEEDRETRY',
  'FREQUENCYLIMITED',
  'RATELIMITEXCEEDED',
  'INVALIDREQTOOMUCH',
  'USERPAYING',
];

/** What an answer without success means; null for success. An error changes nothing, so it need not be signed. */
export function failureOf(answer: ProviderAnswer, meanings: Meanings = {}): ProviderProblem | null {
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
  const code = errorCodeOf(answer);
  if (PASSING.includes(code)) return { code: 'unavailable', detail };
  const meaning = meanings[code];
  return meaning === undefined
    ? { code: 'refused', detail }
    : { code: meaning.code, detail: `${detail} ${meaning.mend}` };
}

export const unverified = (rejection: Rejection): ProviderProblem => ({
  code: 'unverified',
  detail: `WeChat Pay's answer is not proved: ${rejection.detail} Ask again.`,
});

/** The one sub-merchant that a request can mean; null when the channel takes several or any. */
export function subMerchantOf({ mchId, partner }: Credentials): string | null {
  if (partner !== undefined && mchId !== partner.spMchId) return mchId;
  const [only, ...more] = partner?.subMchIds ?? [];
  return only === undefined || more.length > 0 ? null : only;
}
