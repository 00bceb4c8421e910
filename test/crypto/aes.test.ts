// AES-256-GCM: official vectors, agreement with node:crypto and the npm SDK, and null for everything else.
import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Aes } from 'wechatpay-axios-plugin';
import { importGcmKey, openEcb, openGcm } from '../../src/crypto/aes.ts';
import { fromBase64, fromUtf8, utf8 } from '../../src/crypto/bytes.ts';

const hex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));
const bytes = (array: Uint8Array) => new Uint8Array(array);
const none = new Uint8Array();

it('opens test cases 14 and 16 of the GCM specification', async () => {
  const zero = await importGcmKey(hex('00'.repeat(32)));
  const sealed = hex('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919');
  expect(await openGcm(zero, hex('00'.repeat(12)), none, sealed)).toEqual(hex('00'.repeat(16)));

  const key = await importGcmKey(hex('feffe9928665731c6d6a8f9467308308'.repeat(2)));
  const text =
    'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a31' +
    '8a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39';
  const cipher =
    '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555' +
    'd1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662';
  const associated = hex('feedfacedeadbeeffeedfacedeadbeefabaddad2');
  const opened = await openGcm(
    key,
    hex('cafebabefacedbaddecaf888'),
    associated,
    hex(`${cipher}76fc6ece0f4e1768cddf8853bb2d551b`),
  );
  expect(opened).toEqual(hex(text));
});

it('opens what node:crypto seals, and nothing that was changed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 32, maxLength: 32 }),
      fc.uint8Array({ minLength: 12, maxLength: 12 }),
      fc.uint8Array({ maxLength: 16 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.nat(),
      async (secret, nonce, associated, plain, at) => {
        const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(associated);
        const sealed = bytes(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
        const key = await importGcmKey(bytes(secret));
        expect(await openGcm(key, bytes(nonce), bytes(associated), sealed)).toEqual(bytes(plain));
        const changed = sealed.map((byte, index) => (index === at % sealed.length ? byte ^ 1 : byte));
        expect(await openGcm(key, bytes(nonce), bytes(associated), changed)).toBeNull();
        expect(await openGcm(key, bytes(nonce), bytes(new Uint8Array([...associated, 0])), sealed)).toBeNull();
      },
    ),
  );
});

it('opens what the SDK seals', async () => {
  const key = await importGcmKey(utf8('k'.repeat(32)));
  const sealed = fromBase64(Aes.AesGcm.encrypt('支付成功', 'k'.repeat(32), 'twelve-bytes', 'refund')) ?? none;
  const opened = await openGcm(key, utf8('twelve-bytes'), utf8('refund'), sealed);
  expect(opened && fromUtf8(opened)).toBe('支付成功');
});

it.each([0, 1, 6, 11, 13, 16])('opens nothing under a nonce of %i bytes', async (length) => {
  const key = await importGcmKey(new Uint8Array(32));
  expect(await openGcm(key, new Uint8Array(length), none, new Uint8Array(32))).toBeNull();
});

it('opens nothing shorter than its tag', async () => {
  const key = await importGcmKey(new Uint8Array(32));
  for (const length of [0, 1, 15])
    expect(await openGcm(key, new Uint8Array(12), none, new Uint8Array(length))).toBeNull();
});

it('takes no key of another length, which would be a bug of ours', async () => {
  for (const length of [0, 16, 24, 31, 33])
    await expect(importGcmKey(new Uint8Array(length))).rejects.toThrow(/32 bytes/);
});

it('opens ECB as FIPS 197 and the npm SDK write it', () => {
  const key = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
  const padded = '9f3b7504926f8bd36e3118e903a4cd4a'; // sixteen times 16, under the same key
  const sealed = hex(`8ea2b7ca516745bfeafc49904b496089${padded}`);
  expect(openEcb(key, sealed)).toEqual(hex('00112233445566778899aabbccddeeff'));
  const ascii = 'a-key-of-exactly-32-characters!!';
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => {
      const plain = openEcb(utf8(ascii), fromBase64(Aes.AesEcb.encrypt(text, ascii)) ?? none);
      fc.pre(utf8(text).length % 16 !== 0); // the SDK leaves a whole last block unpadded
      expect(fromUtf8(plain ?? none)).toBe(text);
    }),
  );
});

it('answers null to ECB of another key, length or padding', () => {
  const key = utf8('a-key-of-exactly-32-characters!!');
  const sealed = fromBase64(Aes.AesEcb.encrypt('a text of some length', 'a-key-of-exactly-32-characters!!')) ?? none;
  for (const wrong of [none, sealed.slice(1), sealed.slice(0, 16)]) expect(openEcb(key, wrong)).toBeNull();
  expect(openEcb(utf8('another-key-of-32-characters-!!!'), sealed)).toBeNull();
  expect(() => openEcb(utf8('short'), sealed)).toThrow(/32 bytes/);
});
