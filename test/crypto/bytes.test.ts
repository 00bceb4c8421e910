// Bytes and their texts: exact inverses, agreement with Buffer, null for what is neither.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  concat,
  equalBytes,
  fromBase64,
  fromUtf8,
  sha256,
  toBase64,
  toBase64Url,
  toHex,
  utf8,
} from '../../src/crypto/bytes.ts';

describe('base64', () => {
  it('agrees with Buffer both ways on any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(fromBase64(toBase64(bytes))).toEqual(new Uint8Array(bytes));
      }),
    );
  });

  it('has one text for each value: another text is none', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const bytes = fromBase64(text);
        expect(bytes === null || toBase64(bytes) === text).toBe(true);
      }),
    );
    // 44 characters whose last two bits are not zero, missing padding, whitespace, the other alphabet.
    for (const text of ['AB==', `${'A'.repeat(42)}B=`, 'AAA', 'AAAA\n', ' AAAA', 'A A A A', '-_-_', '=', 'A', 'é']) {
      expect(fromBase64(text)).toBeNull();
    }
    expect(fromBase64('')).toEqual(new Uint8Array());
  });
});

describe('UTF-8', () => {
  it('is read back whole', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => fromUtf8(utf8(text)) === text));
    expect(fromUtf8(utf8('\uFEFF订单'))).toBe('\uFEFF订单');
  });

  it.each([[[0xff]], [[0xc3]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xf8, 0x88, 0x80, 0x80, 0x80]]])(
    'is not seen in bytes that are none: %j',
    (bytes) => {
      expect(fromUtf8(new Uint8Array(bytes))).toBeNull();
    },
  );

  it.each([
    ['cut off in a character', [0xe4, 0xb8]],
    ['with a stray byte', [0x61, 0xff, 0x62]],
  ])('is read right after bytes that were none: %s', (_, broken) => {
    expect(fromUtf8(new Uint8Array(broken))).toBeNull();
    expect(fromUtf8(utf8('\ufeff元'))).toBe('\ufeff元');
  });
});

it('compares by value, whatever the lengths', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 8 }), fc.uint8Array({ maxLength: 8 }), (a, b) => {
      expect(equalBytes(a, b)).toBe(toHex(a) === toHex(b));
      expect(equalBytes(a, new Uint8Array(a))).toBe(true);
    }),
  );
});

it('joins in order', () => {
  expect(concat(utf8('a'), utf8(''), utf8('bc'))).toEqual(utf8('abc'));
  expect(concat()).toEqual(new Uint8Array());
});

it('digests as FIPS 180-4 says', async () => {
  expect(toHex(await sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
