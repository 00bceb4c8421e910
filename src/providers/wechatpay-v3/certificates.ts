// The platform certificates of WeChat Pay v3: asks for them and reads the answer. Never makes the call, and takes no
// certificate from an answer whose signature does not verify.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fromUtf8 } from '../../crypto/bytes.ts';
import { certificateFieldsOf } from '../../crypto/certificate.ts';
import { readCertificate } from '../../crypto/x509.ts';
import type { Provider, ProviderAnswer, ProviderProblem } from '../provider.ts';
import { problem } from '../wechatpay/rules.ts';
import { errorCodeOf, failureOf, signedRequest, unverified } from './api.ts';
import { type Credentials, serialOf } from './credentials.ts';
import { isOpened, type Notice, parseJson, Sealed, unseal } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';

const CERTIFICATES_PATH = '/v3/certificates';

export const keys: NonNullable<Provider<Credentials, Notice>['keys']> = {
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

/** Merchants in public key mode have no platform certificates, and are told so by this code. */
const hasNoCertificates = (answer: ProviderAnswer) =>
  answer.status === 404 && errorCodeOf(answer) === 'RESOURCENOTEXISTS';

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
