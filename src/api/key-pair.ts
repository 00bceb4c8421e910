// Pairs of keys as PEM, made here and now: for an origin that wants one, and for one test callback. Keeps none.
import { toBase64 } from '../crypto/bytes.ts';
import type { TestKeys } from '../providers/provider/test-callback.ts';

export const RSA_BITS = 2_048;

const ALGORITHMS = {
  rsa: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: RSA_BITS,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  ed25519: { name: 'Ed25519' },
} as const;

/** SPKI and PKCS#8. */
export async function newPair(kind: keyof typeof ALGORITHMS): Promise<TestKeys> {
  const made = await crypto.subtle.generateKey(ALGORITHMS[kind], true, ['sign', 'verify']);
  if (!('privateKey' in made)) throw new Error('Such keys come in pairs.');
  return {
    privateKey: await pemOf('pkcs8', made.privateKey, 'PRIVATE KEY'),
    publicKey: await pemOf('spki', made.publicKey, 'PUBLIC KEY'),
  };
}

async function pemOf(format: 'pkcs8' | 'spki', key: CryptoKey, label: string): Promise<string> {
  const der = await crypto.subtle.exportKey(format, key);
  if (!(der instanceof ArrayBuffer)) throw new Error('An exported key came without bytes.');
  const lines = toBase64(new Uint8Array(der)).replace(/.{64}/g, '$&\n').trimEnd();
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
