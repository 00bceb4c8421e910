// JSON from outside: numbers stay as they were written, and nothing hostile throws.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainDecimal } from '../../src/core/money.ts';
import { parseWritten, WrittenNumber } from '../../src/core/written-json.ts';

const parse = (text: string) => parseWritten(new TextEncoder().encode(text));

describe('JSON', () => {
  it('keeps each number as it was written, and lets no object pretend to be one', () => {
    expect(parse('{"a":170.0,"b":[1e-7],"c":"170.0","d":{"text":"1"}}')).toEqual({
      a: new WrittenNumber('170.0'),
      b: [new WrittenNumber('1e-7')],
      c: '170.0',
      d: { text: '1' },
    });
    expect(parse('{"text":"1"}')).not.toBeInstanceOf(WrittenNumber);
  });

  it('is undefined where it is none, however deep, and never throws', () => {
    for (const text of ['', '{', 'NaN', "{'a':1}", '['.repeat(60_000), '\u0000']) {
      expect(parse(text)).toBeUndefined();
    }
    expect(parseWritten(new Uint8Array([0x22, 0xff, 0x22]))).toBeUndefined();
    const deep = '['.repeat(30_000) + ']'.repeat(30_000);
    expect(() => parse(deep)).not.toThrow();
    fc.assert(fc.property(fc.string(), (text) => void parse(text)));
  });
});

describe('a plain decimal', () => {
  it.each([
    ['1e-7', '0.0000001'],
    ['1.5E+3', '1500'],
    ['12.345e1', '123.45'],
    ['-2.50', '-2.50'],
    ['170.0', '170.0'],
    ['0', '0'],
    ['00.1', '0.1'],
    ['0.00012e2', '0.012'],
  ])('of %s is %s', (text, plain) => {
    expect(plainDecimal(text)).toBe(plain);
  });

  it.each(['', 'abc', '1e999', '1.', '.5', '0x10', '1_000', 'Infinity', `1${'0'.repeat(30)}`])(
    'is not made of %s',
    (text) => {
      expect(plainDecimal(text)).toBeNull();
    },
  );

  it('means the same number as what was written', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e20, max: 1e20 }), (number) => {
        const plain = plainDecimal(String(number));
        if (plain !== null) expect(Number(plain)).toBe(number === 0 ? Number(plain) : number);
      }),
    );
  });
});
