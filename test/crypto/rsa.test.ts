// RSA, X.509 and PEM: agreement with node:crypto and the npm SDK, and calm in the face of anything else.
import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rsa } from 'wechatpay-axios-plugin';
import { utf8 } from '../../src/crypto/bytes.ts';
import { pemKindOf } from '../../src/crypto/pem.ts';
import { importRsaPrivateKey, rsaPublicKeyOf, signRsa, verifyRsa } from '../../src/crypto/rsa.ts';
import { plainSerial, readCertificate } from '../../src/crypto/x509.ts';
import { makeCertificate } from '../../src/sandbox/certificate.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const notBefore = new Date('2025-01-01T00:00:00Z');
const notAfter = new Date('2055-01-01T00:00:00Z');
const certificate = makeCertificate({ serial: '00F1B2', notBefore, notAfter, privateKey });

const publicPems = {
  'SPKI public key': publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  'PKCS#1 public key': publicKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  certificate,
};
const privatePems = {
  'PKCS#8': privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  'PKCS#1': privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
};
const encrypted = privateKey
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
  .toString();

describe('verification', () => {
  it('takes SHA-1 only from a key that was imported for it, and the other way round', async () => {
    const message = utf8('a notice from another decade');
    const [old, current] = ['sha1', 'sha256'].map((hash) => new Uint8Array(sign(hash, message, privateKey)));
    const pem = publicPems['SPKI public key'];
    const [sha1, sha256] = [await rsaPublicKeyOf(pem, 'SHA-1'), await rsaPublicKeyOf(pem)];
    if (!sha1 || !sha256 || !old || !current) throw new Error('not imported');
    expect([await verifyRsa(sha1, old, message), await verifyRsa(sha1, current, message)]).toEqual([true, false]);
    expect([await verifyRsa(sha256, old, message), await verifyRsa(sha256, current, message)]).toEqual([false, true]);
  });

  it.each(Object.entries(publicPems))('with a %s agrees with node:crypto on any message', async (_name, pem) => {
    const key = await rsaPublicKeyOf(pem);
    if (key === null) throw new Error('not imported');
    expect(key.bits).toBe(2048);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.uint8Array({ minLength: 1, maxLength: 3 }), async (message, more) => {
        const signature = new Uint8Array(sign('sha256', message, privateKey));
        expect(await verifyRsa(key, signature, new Uint8Array(message))).toBe(true);
        expect(await verifyRsa(key, signature, new Uint8Array([...message, ...more]))).toBe(false);
      }),
      { numRuns: 20 },
    );
  });

  it('is false for signatures of any other bytes or length', async () => {
    const key = await rsaPublicKeyOf(publicPems.certificate);
    if (key === null) throw new Error('not imported');
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await verifyRsa(key, new Uint8Array(bytes), new Uint8Array([1]))).toBe(false);
      }),
    );
  });

  it('imports a key once', async () => {
    expect(await rsaPublicKeyOf(certificate)).toBe(await rsaPublicKeyOf(certificate));
  });

  it.each([
    ['a private key', privatePems['PKCS#8']],
    ['an encrypted private key', encrypted],
    ['an elliptic key', ec.publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    ['two certificates', certificate + certificate],
    ['half a certificate', certificate.slice(0, 200)],
    ['a hollow certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'],
    ['a hollow key', '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----'],
    ['nothing', ''],
  ])('takes no key from %s', async (_name, pem) => {
    expect(await rsaPublicKeyOf(pem)).toBeNull();
  });
});

describe('signing', () => {
  it.each(Object.entries(privatePems))(
    'with a key in %s is what the SDK and node:crypto verify',
    async (_name, pem) => {
      const key = await importRsaPrivateKey(pem);
      if (key === null) throw new Error('not imported');
      const message = utf8('GET\n/v3/certificates\n1\nn\n\n');
      const signature = Buffer.from(await signRsa(key, message));
      expect(verify('sha256', message, publicKey, signature)).toBe(true);
      expect(signature.toString('base64')).toBe(Rsa.sign(new TextDecoder().decode(message), privateKey));
    },
  );

  it.each([
    ['a public key', publicPems['SPKI public key']],
    ['a certificate', certificate],
    ['an encrypted key', encrypted],
    ['an elliptic key', ec.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    ['nothing', ''],
  ])('takes no key from %s', async (_name, pem) => {
    expect(await importRsaPrivateKey(pem)).toBeNull();
  });
});

describe('a certificate', () => {
  it('gives its serial, validity and key', () => {
    const read = readCertificate(certificate);
    expect(read).toMatchObject({ serial: 'F1B2', notBefore: notBefore.getTime(), notAfter: notAfter.getTime() });
    const spki = createPublicKey({ key: Buffer.from(read?.spki ?? []), type: 'spki', format: 'der' });
    expect(spki.equals(publicKey)).toBe(true);
  });

  it('is not seen in any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => readCertificate(text) === null));
    expect(readCertificate(publicPems['SPKI public key'])).toBeNull();
  });

  it('has one serial, however it is written', () => {
    expect(['00ab', 'AB', '0AB', 'aB'].map(plainSerial)).toEqual(['AB', 'AB', 'AB', 'AB']);
    expect(plainSerial('0')).toBe('0');
  });
});

it('tells by its label what a PEM text holds', () => {
  expect(pemKindOf(certificate)).toBe('certificate');
  expect(pemKindOf(publicPems['PKCS#1 public key'])).toBe('public_key');
  expect(pemKindOf(privatePems['PKCS#1'])).toBe('private_key');
  expect(pemKindOf(encrypted)).toBe('encrypted_private_key');
  expect(pemKindOf(certificate + privatePems['PKCS#8'])).toBe('several');
  expect(pemKindOf('-----BEGIN CERTIFICATE REQUEST-----')).toBe('other');
  expect(pemKindOf('-----BEGIN constructor-----')).toBe('none');
  expect(pemKindOf('')).toBe('none');
});
