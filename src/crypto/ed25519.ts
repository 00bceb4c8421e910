// Ed25519 signatures: import, verify, sign. Never throws for hostile input; null says the text held no such key.
// Imported public keys are kept for the life of the isolate; private ones never are.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { pemKindOf } from './pem.ts';

/** More keys than one isolate meets. Past it the oldest is imported again. */
const PUBLIC_KEYS_KEPT_MAX = 256;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

const publicKeys = new Map<string, CryptoKey>();

/** Imports a PEM public key, once per isolate; null when it holds no Ed25519 key. */
export async function ed25519PublicKeyOf(pem: string): Promise<CryptoKey | null> {
  if (pemKindOf(pem) !== 'public_key') return null; // a private key is never taken for a public one
  return kept(pem, async () => {
    const spki = new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
    return crypto.subtle.importKey('spki', spki, 'Ed25519', false, ['verify']);
  });
}

/** Imports the bare 32 bytes of a public key, once per isolate; null when they are no key. */
export async function ed25519RawKeyOf(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey | null> {
  if (bytes.length !== KEY_BYTES) return null;
  return kept(bytes.toBase64(), () => crypto.subtle.importKey('raw', bytes, 'Ed25519', false, ['verify']));
}

async function kept(name: string, importing: () => Promise<CryptoKey>): Promise<CryptoKey | null> {
  const known = publicKeys.get(name);
  if (known) return known;
  try {
    const key = await importing();
    const [oldest] = publicKeys.keys();
    if (publicKeys.size >= PUBLIC_KEYS_KEPT_MAX && oldest !== undefined) publicKeys.delete(oldest);
    publicKeys.set(name, key);
    return key;
  } catch {
    return null; // not a key, or one of another kind
  }
}

export async function verifyEd25519(
  key: CryptoKey,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (signature.length !== SIGNATURE_BYTES) return false;
  try {
    return await crypto.subtle.verify('Ed25519', key, signature, message);
  } catch {
    return false; // a signature the runtime will not even look at is a wrong signature
  }
}

/** Imports a PEM private key; null when it holds no Ed25519 key. The caller keeps the handle. */
export async function importEd25519PrivateKey(pem: string): Promise<CryptoKey | null> {
  if (pemKindOf(pem) !== 'private_key') return null;
  try {
    const pkcs8 = new Uint8Array(createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }));
    return await crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
  } catch {
    return null; // not a key, or not Ed25519
  }
}

export async function signEd25519(key: CryptoKey, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign('Ed25519', key, message));
}
