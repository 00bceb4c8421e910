// Signing secrets of origins: made or taken, checked, sealed. A secret is shown once, by the call that made it.
// The forms are Standard Webhooks': https://github.com/standard-webhooks/standard-webhooks (spec/standard-webhooks.md)
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { OriginSecret } from '../core/origin.ts';
import type { OriginSecretDraft } from '../core/registry.ts';
import { err, ok, type Result } from '../core/result.ts';
import { concat, fromBase64, toBase64 } from '../crypto/bytes.ts';
import { pemKindOf } from '../crypto/pem.ts';
import { seal } from '../crypto/seal.ts';
import { ED25519_PKCS8_HEADER } from '../crypto/standard-webhook.ts';
import { newIv } from './auth.ts';
import { newPair, RSA_BITS } from './key-pair.ts';

type Signature = OriginSecret['kind'];
export type MadeSecret = { readonly secret: string; readonly draft: OriginSecretDraft };

const SECRET_BYTES = 32;
const HMAC_BYTES_MIN = 24;
const HMAC_BYTES_MAX = 64;

/** Seals the given secret, or a new one; refuses a given one in words that say what to write. */
export async function makeSecret(
  originId: string,
  signature: Signature,
  given: string | undefined,
  masterKey: string,
): Promise<Result<MadeSecret, string>> {
  const made = await pairOf(signature, given);
  if (made === null) return err(MENDS[signature]);
  const { secret, publicKey } = made;
  const sealed = await seal(secret, masterKey, `origin/${originId}`, newIv());
  return ok({ secret, draft: { kind: signature, sealed, ...(publicKey === null ? {} : { publicKey }) } });
}

const pairOf = (signature: Signature, given?: string): Promise<Pair | null> =>
  signature === 'rsa' ? rsaPair(given) : plainSecret(signature, given);

/** A new secret of a kind, which nobody keeps. */
export async function newSecretOf(signature: Signature): Promise<string> {
  const made = await pairOf(signature);
  if (made === null) throw new Error('A secret that was just made is one.');
  return made.secret;
}

/** A given secret in its form, or a new one; null where the given one is none: `HMAC_MEND` says what to write. */
export async function hmacSecretFrom(given: string | undefined): Promise<string | null> {
  return (await pairOf('hmac', given))?.secret ?? null;
}

type Pair = { readonly secret: string; readonly publicKey: string | null };

async function plainSecret(signature: 'hmac' | 'ed25519', given: string | undefined): Promise<Pair | null> {
  const bytes = given === undefined ? crypto.getRandomValues(new Uint8Array(SECRET_BYTES)) : bytesOf(given, signature);
  if (bytes === null) return null;
  if (signature === 'hmac') return { secret: `whsec_${toBase64(bytes)}`, publicKey: null };
  return { secret: `whsk_${toBase64(bytes)}`, publicKey: await publicKeyOf(bytes) };
}

async function rsaPair(given: string | undefined): Promise<Pair | null> {
  const { privateKey, publicKey } = given === undefined ? await newPair('rsa') : rsaPairOf(given);
  return privateKey === null ? null : { secret: privateKey, publicKey };
}

/** In the forms that are stored; nulls where the text is no private RSA key of a size that anybody should sign with. */
function rsaPairOf(pem: string) {
  const none = { privateKey: null, publicKey: null };
  if (pemKindOf(pem) !== 'private_key') return none;
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'rsa' || (key.asymmetricKeyDetails?.modulusLength ?? 0) < RSA_BITS) return none;
    return {
      privateKey: String(key.export({ type: 'pkcs8', format: 'pem' })),
      publicKey: String(createPublicKey(pem).export({ type: 'spki', format: 'pem' })),
    };
  } catch {
    return none; // a key's frame with something else inside
  }
}

const HMAC_BYTES = `${HMAC_BYTES_MIN} to ${HMAC_BYTES_MAX} random bytes`;
export const HMAC_MEND = `must be whsec_ and ${HMAC_BYTES} in base64, or left out`;
const ED25519_MEND = `must be whsk_ and the ${SECRET_BYTES} bytes of the private seed in base64, or left out`;

const RSA_MEND = `must be a PEM private RSA key of at least ${RSA_BITS} bits, not encrypted, or left out`;
const MENDS: Readonly<Record<Signature, string>> = { hmac: HMAC_MEND, ed25519: ED25519_MEND, rsa: RSA_MEND };

function bytesOf(secret: string, signature: 'hmac' | 'ed25519'): Uint8Array<ArrayBuffer> | null {
  const prefix = signature === 'hmac' ? 'whsec_' : 'whsk_';
  const bytes = secret.startsWith(prefix) ? fromBase64(secret.slice(prefix.length)) : null;
  if (bytes === null) return null;
  if (signature === 'ed25519') return bytes.length === SECRET_BYTES ? bytes : null;
  return bytes.length >= HMAC_BYTES_MIN && bytes.length <= HMAC_BYTES_MAX ? bytes : null;
}

async function publicKeyOf(seed: Uint8Array): Promise<string> {
  const key = await crypto.subtle.importKey('pkcs8', concat(ED25519_PKCS8_HEADER, seed), 'Ed25519', true, ['sign']);
  const jwk = await crypto.subtle.exportKey('jwk', key);
  if (jwk instanceof ArrayBuffer || jwk.x === undefined)
    throw new Error('An Ed25519 key came without its public half.');
  return `whpk_${toBase64(Uint8Array.fromBase64(jwk.x, { alphabet: 'base64url' }))}`;
}
