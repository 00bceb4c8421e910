// RSA signatures, RSASSA-PKCS1-v1_5 with SHA-256, or SHA-1 where a provider still has it: import, verify, sign (SHA-256
// alone). Never throws for hostile input; null says the text held no such key. Imported public keys are kept for the
// life of the isolate; private ones never are.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { utf8 } from './bytes.ts';
import { pemKindOf } from './pem.ts';
import { readCertificate } from './x509.ts';

const RSA_SHA256 = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

/** SHA-1 is for verifying alone, and only where a channel's credentials allow it. */
export type RsaHash = 'SHA-256' | 'SHA-1';

/** More keys than one isolate meets: two or three a channel. Past it the oldest is imported again. */
const PUBLIC_KEYS_KEPT_MAX = 256;

export type RsaPublicKey = {
  readonly key: CryptoKey;
  readonly bits: number;
  /** What the certificate says of itself; null for a bare public key. */
  readonly certificate: { readonly serial: string; readonly notBefore: number; readonly notAfter: number } | null;
};

export type RsaPrivateKey = { readonly key: CryptoKey; readonly bits: number };

const publicKeys = new Map<string, RsaPublicKey>();

/** Imports a PEM certificate or public key (SPKI or PKCS#1), once per isolate; null when it holds no RSA key. */
export async function rsaPublicKeyOf(pem: string, hash: RsaHash = 'SHA-256'): Promise<RsaPublicKey | null> {
  const name = `${hash} ${pem}`;
  const known = publicKeys.get(name);
  if (known) return known;
  const imported = await importPublic(pem, hash);
  if (imported === null) return null;
  const [oldest] = publicKeys.keys();
  if (publicKeys.size >= PUBLIC_KEYS_KEPT_MAX && oldest !== undefined) publicKeys.delete(oldest);
  publicKeys.set(name, imported);
  return imported;
}

async function importPublic(pem: string, hash: RsaHash): Promise<RsaPublicKey | null> {
  switch (pemKindOf(pem)) {
    case 'certificate': {
      const certificate = readCertificate(pem);
      const key = certificate && (await importSpki(certificate.spki, hash));
      return key && { key, bits: bitsOf(key), certificate };
    }
    case 'public_key': {
      const spki = spkiOf(pem);
      const key = spki && (await importSpki(spki, hash));
      return key && { key, bits: bitsOf(key), certificate: null };
    }
    default:
      return null; // a private key is never taken for a public one
  }
}

function spkiOf(pem: string): Uint8Array<ArrayBuffer> | null {
  try {
    return new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
  } catch {
    return null; // not a key
  }
}

async function importSpki(spki: Uint8Array<ArrayBuffer>, hash: RsaHash): Promise<CryptoKey | null> {
  try {
    return await crypto.subtle.importKey('spki', spki, { ...RSA_SHA256, hash }, false, ['verify']);
  } catch {
    return null; // a key, but not RSA
  }
}

/** Imports a PEM private key, PKCS#8 or PKCS#1; null when it holds no RSA key. The caller keeps the handle. */
export async function importRsaPrivateKey(pem: string): Promise<RsaPrivateKey | null> {
  if (pemKindOf(pem) !== 'private_key') return null;
  try {
    // WebCrypto reads PKCS#8 alone; node:crypto reads both.
    const pkcs8 = new Uint8Array(createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' }));
    const key = await crypto.subtle.importKey('pkcs8', pkcs8, RSA_SHA256, false, ['sign']);
    return { key, bits: bitsOf(key) };
  } catch {
    return null; // not a key, or not RSA
  }
}

const bitsOf = (key: CryptoKey): number =>
  'modulusLength' in key.algorithm && typeof key.algorithm.modulusLength === 'number' ? key.algorithm.modulusLength : 0;

/** With the hash that the key was imported for. */
export async function verifyRsa(
  key: RsaPublicKey,
  signature: Uint8Array<ArrayBuffer>,
  message: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  try {
    return await crypto.subtle.verify(RSA_SHA256.name, key.key, signature, message);
  } catch {
    return false; // a signature the runtime will not even look at is a wrong signature
  }
}

/** Signs with a PEM key that was made a moment ago: one that cannot be read is a bug. */
export async function signRsaPem(pem: string, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const key = await importRsaPrivateKey(pem);
  if (key === null) throw new Error('an RSA key that was just made cannot be read');
  return signRsa(key, message);
}

export async function signRsa(key: RsaPrivateKey, message: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign(RSA_SHA256, key.key, message));
}

const PROBE = utf8('do they belong together');

/** Whether what the private key signs is what the public key, or the certificate's, verifies. */
export const belongTogether = async (privateKey: RsaPrivateKey, publicKey: RsaPublicKey): Promise<boolean> =>
  verifyRsa(publicKey, await signRsa(privateKey, PROBE), PROBE);
