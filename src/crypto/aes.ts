// AES-256-GCM with a 12-byte nonce and the 16-byte tag behind the ciphertext. Never throws for hostile input.

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
