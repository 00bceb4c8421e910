// Ed25519 against the vectors of RFC 8032 and against node:crypto, and what must not be taken for a key.
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  ed25519PublicKeyOf,
  ed25519RawKeyOf,
  importEd25519PrivateKey,
  signEd25519,
  verifyEd25519,
} from '../../src/crypto/ed25519.ts';

const plain = (bytes: Uint8Array) => new Uint8Array(bytes);
const hex = (text: string) => plain(Buffer.from(text, 'hex'));

// RFC 8032, 7.1, tests 1 and 2.
const VECTORS = [
  [
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555' +
      'fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
      '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
] as const;

const pair = generateKeyPairSync('ed25519');
const publicPem = String(pair.publicKey.export({ type: 'spki', format: 'pem' }));
const privatePem = String(pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const rsaPem = String(rsa.publicKey.export({ type: 'spki', format: 'pem' }));
const message = plain(new TextEncoder().encode('a message'));

async function keyOf(importing: Promise<CryptoKey | null>): Promise<CryptoKey> {
  const key = await importing;
  if (key === null) throw new Error('the key was not taken');
  return key;
}

describe('Ed25519', () => {
  it.each(VECTORS)('verifies the vector of RFC 8032 with key %s', async (key, text, signature) => {
    const imported = await keyOf(ed25519RawKeyOf(hex(key)));
    expect(await verifyEd25519(imported, hex(signature), hex(text))).toBe(true);
    expect(await verifyEd25519(imported, hex(signature), hex(`${text}00`))).toBe(false);
  });

  it('verifies what node signed, and node verifies what it signs', async () => {
    const key = await keyOf(ed25519PublicKeyOf(publicPem));
    const signature = plain(sign(null, message, pair.privateKey));
    expect(await verifyEd25519(key, signature, message)).toBe(true);
    const own = await signEd25519(await keyOf(importEd25519PrivateKey(privatePem)), message);
    expect(verify(null, message, createPublicKey(publicPem), own)).toBe(true);
  });

  it('takes no signature of another length, and never throws for one', async () => {
    const key = await keyOf(ed25519PublicKeyOf(publicPem));
    for (const length of [0, 1, 63, 65, 1_000]) {
      expect(await verifyEd25519(key, new Uint8Array(length), message)).toBe(false);
    }
    expect(await verifyEd25519(key, new Uint8Array(64).fill(255), message)).toBe(false);
  });

  it('takes no key of another kind, a private one for a public one included', async () => {
    for (const text of [rsaPem, privatePem, '', 'AAAA', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----']) {
      expect(await ed25519PublicKeyOf(text)).toBeNull();
    }
    const rsaPrivate = String(rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    for (const text of [rsaPrivate, publicPem, '']) expect(await importEd25519PrivateKey(text)).toBeNull();
    for (const length of [0, 31, 33]) expect(await ed25519RawKeyOf(new Uint8Array(length))).toBeNull();
  });
});
