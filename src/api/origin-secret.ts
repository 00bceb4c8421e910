// Signing secrets of origins: made or taken, checked, sealed. A secret is shown once, by the call that made it.
// The forms are Standard Webhooks': https://github.com/standard-webhooks/standard-webhooks (spec/standard-webhooks.md)
import type { OriginSecretDraft } from '../core/registry.ts';
import { err, ok, type Result } from '../core/result.ts';
import { concat, fromBase64, toBase64 } from '../crypto/bytes.ts';
import { seal } from '../crypto/seal.ts';
import { ED25519_PKCS8_HEADER } from '../crypto/standard-webhook.ts';
import { newIv } from './auth.ts';

export type Signature = 'hmac' | 'ed25519';
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
  const bytes = given === undefined ? crypto.getRandomValues(new Uint8Array(SECRET_BYTES)) : bytesOf(given, signature);
  if (bytes === null) return err(signature === 'hmac' ? HMAC_MEND : ED25519_MEND);
  const secret = `${signature === 'hmac' ? 'whsec_' : 'whsk_'}${toBase64(bytes)}`;
  const sealed = await seal(secret, masterKey, `origin/${originId}`, newIv());
  if (signature === 'hmac') return ok({ secret, draft: { kind: 'hmac', sealed } });
  return ok({ secret, draft: { kind: 'ed25519', sealed, publicKey: await publicKeyOf(bytes) } });
}

const HMAC_MEND = `must be whsec_ and ${HMAC_BYTES_MIN} to ${HMAC_BYTES_MAX} random bytes in base64, or left out`;
const ED25519_MEND = `must be whsk_ and the ${SECRET_BYTES} bytes of the private seed in base64, or left out`;

function bytesOf(secret: string, signature: Signature): Uint8Array<ArrayBuffer> | null {
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
