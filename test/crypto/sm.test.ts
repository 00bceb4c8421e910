// SM2, SM3 and SM4-GCM: agreement with OpenSSL, the published vectors and the textbook, and calm before anything else.
import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/crypto/bytes.ts';
import { certificateFieldsOf } from '../../src/crypto/certificate.ts';
import { openSm4Gcm, sm2PublicKeyOf, sm3Of, verifySm2 } from '../../src/crypto/sm.ts';
import { makeCertificate } from '../../src/sandbox/certificate.ts';
import openssl from '../fixtures/openssl-sm2.json' with { type: 'json' };
import { derPair, makeSm2Certificate, makeSm2Key, sealSm4Gcm, signSm2, sm2PublicPem } from '../fixtures/textbook-sm.ts';

const N = 0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123n;
const bytes = (from: Uint8Array) => new Uint8Array(from);
const hex = (text: string) => Uint8Array.fromHex(text.toLowerCase());

describe('SM2', () => {
  const { message, signature, signatureByAnotherName } = openssl;

  it.each(['certificate', 'publicKey'] as const)('verifies what OpenSSL signed, by its %s', (kind) => {
    const key = sm2PublicKeyOf(openssl[kind]);
    if (key === null) throw new Error('not read');
    expect(verifySm2(key, Uint8Array.fromBase64(signature), utf8(message))).toBe(true);
    expect(verifySm2(key, Uint8Array.fromBase64(signature), utf8(`${message} `))).toBe(false);
    expect(verifySm2(key, Uint8Array.fromBase64(signatureByAnotherName), utf8(message))).toBe(false);
  });

  it('verifies what the textbook signs, and nothing that was changed', () => {
    const key = makeSm2Key();
    const known = sm2PublicKeyOf(sm2PublicPem(key));
    if (known === null) throw new Error('not read');
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(), fc.integer({ min: 1, max: 255 }), (text, at, flip) => {
        const genuine = bytes(signSm2(key, text));
        expect(verifySm2(known, genuine, bytes(text))).toBe(true);
        const changed = genuine.map((byte, index) => (index === at % genuine.length ? byte ^ flip : byte));
        expect(verifySm2(known, changed, bytes(text))).toBe(false);
        expect(verifySm2(known, genuine, bytes(Uint8Array.of(...text, 0)))).toBe(false);
      }),
      { numRuns: 30 },
    );
  });

  it('takes a signature in its canonical form alone', () => {
    const key = makeSm2Key();
    const known = sm2PublicKeyOf(sm2PublicPem(key));
    if (known === null) throw new Error('not read');
    const genuine = signSm2(key, utf8('x'));
    const numbers = [...genuine.toString('hex').matchAll(/02(2[01])/g)];
    expect(numbers.length).toBeGreaterThan(0);
    const rLength = genuine[3] ?? 0;
    const r = BigInt(`0x${genuine.subarray(4, 4 + rLength).toString('hex')}`);
    const s = BigInt(`0x${genuine.subarray(6 + rLength).toString('hex')}`);
    expect(verifySm2(known, bytes(derPair(r, s)), utf8('x'))).toBe(true);
    for (const pair of [derPair(r + N, s), derPair(r, s + N), derPair(0n, s), derPair(r, 0n), derPair(r, N)]) {
      expect(verifySm2(known, bytes(pair), utf8('x'))).toBe(false);
    }
    const padded = Buffer.concat([
      Buffer.from([0x30, (genuine[1] ?? 0) + 1, 0x02, rLength + 1, 0]),
      genuine.subarray(4),
    ]);
    for (const odd of [padded, Buffer.concat([genuine, Buffer.from([0])]), genuine.subarray(0, -1), Buffer.alloc(0)]) {
      expect(verifySm2(known, bytes(odd), utf8('x'))).toBe(false);
    }
  });

  it('never throws for bytes that are no signature', () => {
    const known = sm2PublicKeyOf(openssl.publicKey);
    if (known === null) throw new Error('not read');
    fc.assert(fc.property(fc.uint8Array(), (odd) => void expect(verifySm2(known, bytes(odd), utf8('x'))).toBe(false)));
  });

  it('reads no key that is of another kind, off the curve or cut short', () => {
    const notBefore = new Date('2025-01-01T00:00:00Z');
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ type: 'spki', format: 'pem' });
    const key = makeSm2Key();
    const off = {
      ...key,
      point: Buffer.concat([key.point.subarray(0, -1), Buffer.from([(key.point.at(-1) ?? 0) ^ 1])]),
    };
    for (const pem of [
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      makeCertificate({ serial: '01', notBefore, notAfter: new Date('2030-01-01T00:00:00Z'), privateKey }),
      p256.toString(),
      sm2PublicPem(off),
      sm2PublicPem({ ...key, point: key.point.subarray(0, 33) }),
      openssl.publicKey.slice(0, 80),
      '',
    ]) {
      expect(sm2PublicKeyOf(pem)).toBeNull();
    }
  });
});

describe('certificates', () => {
  it('that OpenSSL made are read as OpenSSL prints them', () => {
    expect(certificateFieldsOf(openssl.certificate)).toMatchObject({
      serial: '7F00AA55',
      signatureAlgorithm: '1.2.156.10197.1.501',
      issuer: [
        { type: '2.5.4.6', value: 'CN' },
        { type: '2.5.4.10', value: 'Pretend Tenpay' },
        { type: '2.5.4.3', value: 'Pretend SM sign' },
      ],
      notBefore: Date.parse('2026-11-21T22:35:18Z'),
      notAfter: Date.parse('2046-01-20T22:35:18Z'),
      publicKey: { algorithm: '1.2.840.10045.2.1', curve: '1.2.156.10197.1.301' },
    });
  });

  it('are read or not, and nothing throws', () => {
    const der = Uint8Array.fromBase64(openssl.certificate.replace(/-----[^-]+-----|\s/g, ''));
    fc.assert(
      fc.property(fc.nat(der.length - 1), fc.integer({ min: 1, max: 255 }), fc.nat(der.length), (at, flip, length) => {
        const changed = der.map((byte, index) => (index === at ? byte ^ flip : byte)).slice(0, length);
        const pem = `-----BEGIN CERTIFICATE-----\n${changed.toBase64()}\n-----END CERTIFICATE-----\n`;
        certificateFieldsOf(pem);
        sm2PublicKeyOf(pem);
      }),
    );
  });

  it('of the textbook are read too', () => {
    const key = makeSm2Key();
    const [notBefore, notAfter] = [new Date('2025-01-01T00:00:00Z'), new Date('2045-06-07T08:09:10Z')];
    const pem = makeSm2Certificate(key, { serial: '00f1b2', notBefore, notAfter });
    expect(sm2PublicKeyOf(pem)).toEqual({
      point: key.point.toString('hex'),
      certificate: { serial: 'F1B2', notBefore: notBefore.getTime(), notAfter: notAfter.getTime() },
    });
  });
});

it('SM3 is OpenSSL’s', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (text) => {
      expect(sm3Of(bytes(text)).toHex()).toBe(createHash('sm3').update(text).digest('hex'));
    }),
  );
});

describe('SM4-GCM', () => {
  it('opens the vector of RFC 8998', () => {
    const sealed =
      '17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735D82710CA5C22F0CCFA7CBF93D496AC15' +
      'A56834CBCF98C397B4024A2691233B8D83DE3541E4C2B58177E065A9BF7B62EC';
    const text = openSm4Gcm(
      hex('0123456789ABCDEFFEDCBA9876543210'),
      hex('00001234567800000000ABCD'),
      hex('FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2'),
      hex(sealed),
    );
    expect(text?.toHex()).toBe(['aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'ee', 'aa'].map((pair) => pair.repeat(8)).join(''));
  });

  const of = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  it('opens what the textbook seals, and nothing that was changed', () => {
    fc.assert(
      fc.property(
        of(16),
        of(12),
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(),
        (...from) => {
          const [key, nonce, associated, text, at] = from;
          const sealed = bytes(sealSm4Gcm(key, nonce, associated, text));
          const open = (changed: Uint8Array<ArrayBuffer>) =>
            openSm4Gcm(bytes(key), bytes(nonce), bytes(associated), changed);
          expect(open(sealed)).toEqual(bytes(text));
          expect(open(sealed.map((byte, index) => (index === at % sealed.length ? byte ^ 1 : byte)))).toBeNull();
          expect(open(sealed.slice(0, -1))).toBeNull();
          expect(openSm4Gcm(bytes(key), bytes(nonce), bytes(Uint8Array.of(...associated, 1)), sealed)).toBeNull();
        },
      ),
    );
  });

  it('refuses odd nonces and short texts, and throws for a key of another length, which is a bug', () => {
    const key = new Uint8Array(16);
    for (const length of [0, 1, 6, 11, 13, 16]) {
      expect(openSm4Gcm(key, new Uint8Array(length), new Uint8Array(), new Uint8Array(32))).toBeNull();
    }
    expect(openSm4Gcm(key, new Uint8Array(12), new Uint8Array(), new Uint8Array(15))).toBeNull();
    expect(() => openSm4Gcm(new Uint8Array(32), new Uint8Array(12), new Uint8Array(), new Uint8Array(32))).toThrow(
      /16 bytes/,
    );
  });
});
