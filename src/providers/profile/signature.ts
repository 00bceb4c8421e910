// Proves a callback as its profile says, and signs requests the same way. Verification first, over the bytes that came;
// compared in constant time on decoded bytes. Never throws for hostile input.
import { type Callback, isFresh } from '../../core/callback.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { concat, equalBytes, fromBase64, toBase64, toHex, utf8 } from '../../crypto/bytes.ts';
import { ed25519PublicKeyOf, importEd25519PrivateKey, signEd25519, verifyEd25519 } from '../../crypto/ed25519.ts';
import { hmacSha256, hmacSha512 } from '../../crypto/hmac.ts';
import { md5 } from '../../crypto/md5.ts';
import { importRsaPrivateKey, rsaPublicKeyOf, signRsa, verifyRsa } from '../../crypto/rsa.ts';
import { canonical, type Signable } from './canonical.ts';
import { claimedForm, type Document, type Format, parseDocument } from './document.ts';
import type { TimeUnit } from './mapping-schema.ts';
import { segmentsOf, textAt } from './path.ts';
import { isShared, type Signing, secretBytes, type Timestamp, tailOf } from './proof-schema.ts';

export type Proof = {
  readonly formats: readonly Format[];
  readonly secrets: readonly string[];
  readonly secretEncoding: 'utf8' | 'hex' | 'base64';
  readonly publicKeys: readonly string[];
  readonly signature: Signing;
  readonly timestamp: Timestamp;
};

/** An authentic callback as a tree, in the provider's words. */
export type Notice = {
  readonly document: Document;
  /** When the provider says it was sent; null where it says nothing. */
  readonly sentAt: number | null;
  readonly receivedAt: number;
};

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)$/;

/** Epoch milliseconds; null when the text is no such time. */
export function timeOf(text: string, unit: TimeUnit): number | null {
  if (unit === 'iso') {
    const at = INSTANT.test(text) ? Date.parse(text) : Number.NaN;
    return Number.isFinite(at) ? at : null;
  }
  return /^\d{1,14}$/.test(text) ? Number(text) * (unit === 'seconds' ? 1_000 : 1) : null;
}

/** The body as a tree, if it is in one of the channel's forms and in the one that its Content-Type claims. */
export function readDocument(callback: Callback, formats: readonly Format[]): Result<Document, Rejection> {
  const document = parseDocument(callback.body);
  if (document === null) return err(reject('malformed', 'The body is neither JSON, form fields nor XML in UTF-8.'));
  const claimed = claimedForm(callback.headers['content-type'] ?? '');
  if (claimed !== null && claimed !== document.format) {
    return err(reject('malformed', `Content-Type claims ${claimed} and the body is ${document.format}.`));
  }
  if (!formats.includes(document.format)) {
    return err(reject('malformed', `The body is ${document.format}; this channel takes ${formats.join(', ')}.`));
  }
  return ok(document);
}

export async function proveCallback(callback: Callback, proof: Proof, now: number): Promise<Result<Notice, Rejection>> {
  const { signature: signing, timestamp } = proof;
  // A header that is not there costs no parsing.
  const early = signing.in === 'header' ? headerOf(callback, signing.name) : ok('');
  if (!early.ok) return early;
  const document = readDocument(callback, proof.formats);
  if (!document.ok) return document;
  const written = signing.in === 'header' ? early : fieldOf(document.value, signing.name, [signing.name]);
  if (!written.ok) return written;
  const claimed = decoded(written.value, signing);
  if (claimed === null) {
    return err(
      reject('signature_invalid', `${signing.name} is not ${signing.encoding} after ${show(signing.prefix)}.`),
    );
  }
  const sent = timestamp === null ? ok(null) : sentAtOf(callback, document.value, timestamp, now);
  if (!sent.ok) return sent;
  const words: Readonly<Record<string, string>> = sent.value === null ? {} : { timestamp: sent.value.text };
  const signable = { body: callback.body, fields: document.value.root, words };
  if (!(await isProved(claimed, proof, signable))) {
    return err(reject('signature_invalid', `${signing.name} does not verify: compare algorithm, content and key.`));
  }
  return ok({ document: document.value, sentAt: sent.value?.at ?? null, receivedAt: now });
}

/** Untrusted text for people: short and on one line. */
const show = (text: string) => JSON.stringify(text.slice(0, 40));

const missing = (what: string) => err(reject('header_missing', `${what} is missing or blank.`));

function headerOf({ headers }: Callback, name: string): Result<string, Rejection> {
  const key = name.toLowerCase();
  const value = Object.hasOwn(headers, key) ? (headers[key] ?? '').trim() : '';
  return value === '' ? missing(`The header ${name}`) : ok(value);
}

function fieldOf(document: Document, name: string, path: readonly string[]): Result<string, Rejection> {
  const text = textAt(document, { json: path, form: path, xml: path })?.trim() ?? '';
  return text === '' ? missing(`The field ${name}`) : ok(text);
}

function decoded(text: string, { prefix, encoding }: Signing): Uint8Array<ArrayBuffer> | null {
  if (!text.startsWith(prefix)) return null;
  const rest = text.slice(prefix.length);
  if (encoding === 'base64') return rest === '' ? null : fromBase64(rest);
  // One case throughout: a letter that changed its case is a changed signature.
  return /^(?:(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+)$/.test(rest) ? secretBytes(rest, 'hex') : null;
}

function sentAtOf(
  callback: Callback,
  document: Document,
  { in: place, name, unit, toleranceSeconds }: NonNullable<Timestamp>,
  now: number,
): Result<{ readonly at: number; readonly text: string }, Rejection> {
  const text = place === 'header' ? headerOf(callback, name) : fieldOf(document, name, segmentsOf(name) ?? []);
  if (!text.ok) return text;
  const at = timeOf(text.value, unit);
  if (at === null) return err(reject('timestamp_stale', `${name} is not a time in ${unit}: ${show(text.value)}.`));
  if (isFresh(at / 1_000, now, toleranceSeconds)) return ok({ at, text: text.value });
  const off = Math.round((now - at) / 1_000);
  return err(reject('timestamp_stale', `${name} is ${off} s off; ${toleranceSeconds} s or more is refused.`));
}

async function isProved(claimed: Uint8Array<ArrayBuffer>, proof: Proof, signable: Signable): Promise<boolean> {
  const { signature: signing, secrets, publicKeys, secretEncoding } = proof;
  const base = canonical(signing, signable);
  if (base === null) return false;
  if (isShared(signing.algorithm)) {
    for (const secret of secrets) {
      const made = await sharedSignature(signing, base, secret, secretEncoding);
      if (made !== null && equalBytes(made, claimed)) return true;
    }
    return false;
  }
  const message = concat(base, utf8(tailOf(signing)));
  for (const pem of publicKeys) if (await isSignedBy(signing, pem, claimed, message)) return true;
  return false;
}

async function isSignedBy(
  { algorithm }: Signing,
  pem: string,
  claimed: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (algorithm === 'ed25519') {
    const key = await ed25519PublicKeyOf(pem);
    return key !== null && verifyEd25519(key, claimed, message);
  }
  const key = await rsaPublicKeyOf(pem);
  return key !== null && verifyRsa(key, claimed, message);
}

/** Null for a secret that is not what its encoding says; it verifies nothing. */
async function sharedSignature(
  signing: Signing,
  base: Uint8Array<ArrayBuffer>,
  secret: string,
  encoding: Proof['secretEncoding'],
): Promise<Uint8Array<ArrayBuffer> | null> {
  const message = concat(base, utf8(tailOf(signing).replaceAll('{secret}', () => secret)));
  const key = secretBytes(secret, encoding);
  if (key === null || key.length === 0) return null;
  switch (signing.algorithm) {
    case 'hmac-sha256':
      return hmacSha256(key, message);
    case 'hmac-sha512':
      return hmacSha512(key, message);
    case 'md5':
      return md5(message);
    default:
      return null;
  }
}

export type SigningKeys = {
  readonly secret: string | null;
  readonly secretEncoding: Proof['secretEncoding'];
  readonly privateKey: string | null;
};

/** A request's signature as it is written, prefix included; null when the key for it is missing or not one. */
export async function signatureOf(signing: Signing, signable: Signable, keys: SigningKeys): Promise<string | null> {
  const base = canonical(signing, signable);
  const made = base === null ? null : await madeWith(signing, base, keys);
  if (made === null) return null;
  return signing.prefix + (signing.encoding === 'hex' ? toHex(made) : toBase64(made));
}

async function madeWith(signing: Signing, base: Uint8Array<ArrayBuffer>, keys: SigningKeys) {
  if (isShared(signing.algorithm)) {
    return keys.secret === null ? null : sharedSignature(signing, base, keys.secret, keys.secretEncoding);
  }
  const message = concat(base, utf8(tailOf(signing)));
  if (keys.privateKey === null) return null;
  if (signing.algorithm === 'ed25519') {
    const key = await importEd25519PrivateKey(keys.privateKey);
    return key === null ? null : signEd25519(key, message);
  }
  const key = await importRsaPrivateKey(keys.privateKey);
  return key === null ? null : signRsa(key, message);
}
