// Proves that a message was signed by Alipay: notices and API answers alike. Works on original bytes, with the
// algorithms that the credentials allow and the keys that they hold or vouch for. Never lets the message choose either.
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { concat, fromBase64, utf8 } from '../../crypto/bytes.ts';
import { pemOf } from '../../crypto/pem.ts';
import { type RsaHash, rsaPublicKeyOf, verifyRsa } from '../../crypto/rsa.ts';
import { expiryOf, type SigningCertificate, signingCertificates } from './certificates.ts';
import type { Credentials, SignType } from './credentials.ts';
import { type Form, plainOf } from './form.ts';

const HASHES: Readonly<Record<SignType, RsaHash>> = { RSA2: 'SHA-256', RSA: 'SHA-1' };

/** Proves a notice by its own parameters `sign` and `sign_type`. */
export async function proveForm(form: Form, credentials: Credentials, now: number): Promise<Result<null, Rejection>> {
  const [sign, signType] = [plainOf(form, 'sign'), plainOf(form, 'sign_type')];
  if (sign === null) return err(reject('signature_invalid', 'The parameter sign is missing, empty or not ASCII.'));
  const allowed = credentials.signTypes.find((one) => one === signType);
  if (allowed === undefined) {
    const taken = credentials.signTypes.join(', ');
    return err(
      reject(
        'signature_invalid',
        `sign_type is ${show(signType ?? '')}; this channel's signTypes take ${taken}. Add it if Alipay signs so.`,
      ),
    );
  }
  // Which parameters are signed depends on the family of the notice (SDKs: rsaCheckV1, rsaCheckV2).
  const isCovered = credentials.signTypeSignedFor.includes(plainOf(form, 'notify_type') ?? '');
  const left = isCovered ? ['sign'] : ['sign', 'sign_type'];
  return proveBytes(signedBytes(form, left), sign, allowed, plainOf(form, 'alipay_cert_sn'), credentials, now);
}

/** Everything but these and the empty ones, sorted, as the bytes that Alipay signed: in its charset, not in ours. */
function signedBytes(form: Form, left: readonly string[]): Uint8Array<ArrayBuffer> {
  const names = [...form.keys()].filter((name) => !left.includes(name) && form.get(name)?.length !== 0).sort();
  const parts = names.flatMap((name, index) => [
    utf8(`${index === 0 ? '' : '&'}${name}=`),
    form.get(name) ?? new Uint8Array(),
  ]);
  return concat(...parts);
}

export async function proveBytes(
  message: Uint8Array<ArrayBuffer>,
  sign: string,
  signType: SignType,
  certSn: string | null,
  credentials: Credentials,
  now: number,
): Promise<Result<null, Rejection>> {
  const keys = keysOf(credentials, certSn, now);
  if (!keys.ok) return keys;
  const signature = fromBase64(sign);
  const wrong = reject('signature_invalid', 'The signature does not verify with the Alipay key of this channel.');
  if (signature === null) return err(wrong);
  let readable = 0;
  for (const pem of keys.value) {
    const key = await rsaPublicKeyOf(pem, HASHES[signType]);
    if (key === null) continue;
    readable += 1;
    if (await verifyRsa(key, signature, message)) return ok(null);
  }
  return err(
    readable > 0 ? wrong : reject('unknown_key', 'The Alipay key of this channel cannot be read: paste it again.'),
  );
}

/** The keys that may have signed: PEM, one at least. */
function keysOf(credentials: Credentials, certSn: string | null, now: number): Result<readonly string[], Rejection> {
  const { alipayPublicKey, previousAlipayPublicKey } = credentials;
  if (alipayPublicKey !== undefined) {
    const texts = [alipayPublicKey, ...(previousAlipayPublicKey === undefined ? [] : [previousAlipayPublicKey])];
    return ok(texts.map((text) => pemOf('PUBLIC KEY', text)));
  }
  const known = certificatesOf(credentials);
  if (!known.ok) return err(reject('unknown_key', `alipayCert ${known.error}`));
  const named = certSn === null ? known.value : known.value.filter(({ sn }) => sn === certSn);
  if (named.length === 0) {
    return err(
      reject(
        'unknown_key',
        `Signed with certificate ${show(certSn ?? '')}, which is not in alipayCert: download Alipay's new certificate.`,
      ),
    );
  }
  const valid = named.filter((one) => expiryOf(one, now) === null);
  if (valid.length > 0) return ok(valid.map(({ pem }) => pem));
  const [first] = named.flatMap((one) => expiryOf(one, now) ?? []);
  return err(
    reject('unknown_key', `alipayCert, or what vouches for it, ${first}: download it from the console again.`),
  );
}

// Chains are built once per credentials object; their dates are looked at each time.
const chains = new WeakMap<Credentials, Result<readonly SigningCertificate[], string>>();

function certificatesOf(credentials: Credentials): Result<readonly SigningCertificate[], string> {
  const known = chains.get(credentials);
  if (known) return known;
  const built = signingCertificates(credentials.alipayCert ?? '', credentials.alipayRootCert ?? '');
  chains.set(credentials, built);
  return built;
}

/** Untrusted text for people: short and on one line. */
const show = (text: string) => JSON.stringify(text.slice(0, 60));
