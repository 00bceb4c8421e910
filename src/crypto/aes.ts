// AES-256: GCM with a 12-byte nonce and the 16-byte tag behind the ciphertext; ECB with PKCS#7 for the one dialect that
// has nothing better, which proves nothing. Never throws for hostile input.
import { createDecipheriv } from 'node:crypto';
import { concat } from './bytes.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Imports 32 bytes as a key that only opens; throws for another length, which callers have checked. */
export async function importGcmKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  if (bytes.length !== 32) throw new Error(`an AES-256 key has 32 bytes, got ${bytes.length}`);
  return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['decrypt']);
}

/** Opens a sealed text; null when the key, nonce, associated data or bytes are not the ones it was sealed with. */
export async function openGcm(
  key: CryptoKey,
  nonce: Uint8Array<ArrayBuffer>,
  associated: Uint8Array<ArrayBuffer>,
  sealed: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) return null;
  try {
    const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: associated, tagLength: TAG_BYTES * 8 };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed));
  } catch {
    return null; // the tag does not match: an expected form of hostile or misconfigured input
  }
}

/** Seals with 32 bytes of key: the ciphertext with its tag behind it. */
export async function sealGcm(
  key: Uint8Array<ArrayBuffer>,
  nonce: Uint8Array<ArrayBuffer>,
  associated: Uint8Array<ArrayBuffer>,
  plain: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const imported = await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt']);
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: associated, tagLength: TAG_BYTES * 8 };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, imported, plain));
}

/**
 * Decrypts ECB, which WebCrypto lacks; null where key, length or padding do not fit. What comes out is not proved:
 * blocks can be cut, repeated and put together anew.
 */
export function openEcb(key: Uint8Array, sealed: Uint8Array): Uint8Array<ArrayBuffer> | null {
  if (key.length !== 32) throw new Error(`an AES-256 key has 32 bytes, got ${key.length}`);
  try {
    const decipher = createDecipheriv('aes-256-ecb', key, null);
    return concat(decipher.update(sealed), decipher.final());
  } catch {
    return null; // wrong padding: an expected form of hostile or misconfigured input
  }
}
