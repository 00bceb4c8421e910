// HMAC over bytes with a shared secret, made and compared in constant time. Never takes an empty key: with one, anybody
// can sign. Imported keys are kept for the life of the isolate.
import { equalBytes } from './bytes.ts';

export type HmacHash = 'SHA-256' | 'SHA-512';

/** More keys than one isolate meets: one or two a channel. Past it the oldest is imported again. */
const KEYS_KEPT_MAX = 256;

const keys = new Map<string, CryptoKey>();

/** Throws for an empty key: callers check the length of what a merchant entered. */
export async function hmac(
  hash: HmacHash,
  key: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign('HMAC', await keyOf(hash, key), message));
}

export const hmacSha256 = (key: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>) =>
  hmac('SHA-256', key, message);

export const hmacSha512 = (key: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>) =>
  hmac('SHA-512', key, message);

/** True when the signature is the message's under this key. One that was cut short is a wrong one. */
export async function verifyHmac(
  hash: HmacHash,
  key: Uint8Array<ArrayBuffer>,
  signature: Uint8Array,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  return equalBytes(await hmac(hash, key, message), signature);
}

async function keyOf(hash: HmacHash, key: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (key.length === 0) throw new Error('an HMAC key must not be empty: check its length where it is entered');
  const name = `${hash} ${key.toBase64()}`;
  const known = keys.get(name);
  if (known) return known;
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash }, false, ['sign']);
  const [oldest] = keys.keys();
  if (keys.size >= KEYS_KEPT_MAX && oldest !== undefined) keys.delete(oldest);
  keys.set(name, imported);
  return imported;
}
