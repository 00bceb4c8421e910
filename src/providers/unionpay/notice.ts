// Opens a back notice of the ACP gateway 5.1.0: the form, the certificate in it, then the signature. Never trusts that
// certificate by itself: pinned ones must vouch for it, and it must be UnionPay's own.
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fromBase64, fromUtf8, sha256, toHex, utf8 } from '../../crypto/bytes.ts';
import { commonNameOf } from '../../crypto/certificate.ts';
import { type ChainLink, certificatesIn, chainTo, invalidityOf } from '../../crypto/chain.ts';
import { rsaPublicKeyOf, verifyRsa } from '../../crypto/rsa.ts';
import type { Credentials } from './credentials.ts';

/** A notice has some forty parameters. */
const PARAMETERS_MAX = 200;
const RSA_BITS_MIN = 2048;
/** UnionPay signs with one certificate at a time, with two while it changes. */
const CHAINS_KEPT_MAX = 8;

/** An authentic notice in UnionPay's words: its parameters, without the empty ones. */
export type Notice = ReadonlyMap<string, string>;

export async function openNotice(
  body: Uint8Array,
  credentials: Credentials,
  now: number,
): Promise<Result<Notice, Rejection>> {
  const form = readForm(body);
  if (form === null) return err(reject('malformed', 'The body is no form of name=value pairs in UTF-8, each once.'));
  return proveForm(form, credentials, now);
}

/** An answer of the gateway is signed as a notice is, and differs in one thing: nothing in it is escaped. */
export async function openAnswer(
  body: Uint8Array,
  credentials: Credentials,
  now: number,
): Promise<Result<Notice, Rejection>> {
  const form = readPlain(body);
  if (form === null) return err(reject('malformed', 'The answer is no list of name=value pairs in UTF-8, each once.'));
  return proveForm(form, credentials, now);
}

async function proveForm(
  form: ReadonlyMap<string, string>,
  credentials: Credentials,
  now: number,
): Promise<Result<Notice, Rejection>> {
  const signature = fromBase64(form.get('signature') ?? '');
  const method = form.get('signMethod');
  if (!form.get('signature')) return err(reject('signature_invalid', 'The parameter signature is missing.'));
  if (method !== '01' || !form.has('signPubKeyCert')) {
    return err(
      reject('signature_invalid', 'Not signed with RSA and a certificate: use version 5.1.0 with signMethod 01.'),
    );
  }
  const certificate = provenCertificate(form.get('signPubKeyCert') ?? '', credentials, now);
  if (!certificate.ok) return certificate;
  const key = await rsaPublicKeyOf(certificate.value.pem);
  const isStrong = key !== null && key.bits >= RSA_BITS_MIN;
  if (!isStrong || signature === null || !(await isSigned(form, signature, key))) {
    return err(reject('signature_invalid', 'The signature does not verify with the certificate of the notice.'));
  }
  return ok(new Map([...form].filter(([, value]) => value !== '')));
}

/** What is signed of these parameters: the hexadecimal SHA-256 of them all, sorted (5.1.0, signMethod 01). */
export async function digestOf(form: ReadonlyMap<string, string>, names: readonly string[]) {
  const text = [...names].sort().map((name) => `${name}=${form.get(name)}`);
  return utf8(toHex(await sha256(utf8(text.join('&')))));
}

/** Kits differ in whether empty parameters count: both are the same. */
async function isSigned(
  form: ReadonlyMap<string, string>,
  signature: Uint8Array<ArrayBuffer>,
  key: NonNullable<Awaited<ReturnType<typeof rsaPublicKeyOf>>>,
): Promise<boolean> {
  const names = [...form.keys()].filter((name) => name !== 'signature');
  const filled = names.filter((name) => form.get(name) !== '');
  for (const counted of filled.length < names.length ? [names, filled] : [names]) {
    if (await verifyRsa(key, signature, await digestOf(form, counted))) return true;
  }
  return false;
}

// Chains are built once per credentials and certificate, and kept when proven; their dates are looked at each time.
const proven = new WeakMap<Credentials, Map<string, readonly ChainLink[]>>();

function provenCertificate(pem: string, credentials: Credentials, now: number): Result<ChainLink, Rejection> {
  const chain = chainOf(pem, credentials);
  const [leaf] = chain ?? [];
  if (chain === null || leaf === undefined) {
    return err(
      reject(
        'unknown_key',
        'Signed with a certificate that middleCert and rootCert do not vouch for, or that is not UnionPay’s: where ' +
          'UnionPay has changed its certificates, download them again.',
      ),
    );
  }
  const invalidity = invalidityOf(chain, now);
  if (invalidity === null) return ok(leaf);
  return err(reject('unknown_key', `The certificate of the notice, or one that vouches for it, ${invalidity}.`));
}

function chainOf(pem: string, credentials: Credentials): readonly ChainLink[] | null {
  const known = proven.get(credentials) ?? new Map<string, readonly ChainLink[]>();
  proven.set(credentials, known);
  const found = known.get(pem);
  if (found) return found;
  const [leaf, ...more] = certificatesIn(pem);
  if (leaf === undefined || more.length > 0 || leaf.x509.ca || !isUnionPays(leaf, credentials)) return null;
  const middles = certificatesIn(credentials.middleCert);
  const chain = chainTo(certificatesIn(credentials.rootCert), leaf, middles);
  // The authority signs for whole China: only what its pinned branch has issued is meant.
  const isPinned = chain !== null && middles.some(({ pem: middle }) => middle === chain[1]?.pem);
  if (!isPinned) return null;
  if (known.size >= CHAINS_KEPT_MAX) known.clear();
  known.set(pem, chain);
  return chain;
}

/** Common names read 041@8310000000083040@中国银联股份有限公司@00016493; older test certificates name a number there. */
function isUnionPays(leaf: ChainLink, { sandbox }: Credentials): boolean {
  const owner = commonNameOf(leaf.fields)?.split('@')[2] ?? '';
  return owner === '中国银联股份有限公司' || (sandbox && owner.startsWith('00040000:SIGN'));
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** Null for anything but name=value pairs in UTF-8, each name once. */
export function readForm(body: Uint8Array): ReadonlyMap<string, string> | null {
  const form = new Map<string, string>();
  // ASCII stays as it is; whatever else there is, is refused below.
  const pairs = new TextDecoder('latin1').decode(body).split('&');
  if (pairs.length > PARAMETERS_MAX) return null;
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const [name, value] = [pair.slice(0, at), unescaped(pair.slice(at + 1))];
    if (at < 1 || !NAME.test(name) || value === null || form.has(name)) return null;
    form.set(name, value);
  }
  return form;
}

/** Undoes form encoding once: `+` is a space, `%xx` a byte. */
function unescaped(text: string): string | null {
  if (!/^(?:[\x21-\x24\x26-\x7e]|%[0-9A-Fa-f]{2})*$/.test(text)) return null;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null; // not UTF-8
  }
}

/** A pair ends at `&`, save for one inside of {…} or […], as in UnionPay's own kits. */
const PAIRS = /(?:\{[^}]{0,4096}\}|\[[^\]]{0,4096}\]|[^&])+/g;

/** As readForm, of text where nothing is escaped. */
function readPlain(body: Uint8Array): ReadonlyMap<string, string> | null {
  const form = new Map<string, string>();
  const pairs = fromUtf8(body)?.match(PAIRS) ?? [];
  if (pairs.length > PARAMETERS_MAX) return null;
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (at < 1 || !NAME.test(name) || form.has(name)) return null;
    form.set(name, pair.slice(at + 1));
  }
  return form.size === 0 ? null : form;
}
