// Money: safe integers of minor units; no float ever touches an amount.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimalsOf, isCurrency, money, parseMoney, printMoney } from '../../src/core/money.ts';

/** 0, 2 and 3 decimals. */
const CURRENCIES = ['JPY', 'KRW', 'CNY', 'USD', 'KWD', 'BHD'] as const;

describe('parsing and printing', () => {
  // parseMoney takes 15 whole digits at most.
  const minor = fc.integer({ min: -(10 ** 15 - 1), max: 10 ** 15 - 1 });

  it.each(CURRENCIES)('are each other’s inverse in %s', (currency) => {
    fc.assert(
      fc.property(minor, (amount) => {
        expect(parseMoney(printMoney({ minor: amount, currency }), currency)).toEqual({
          ok: true,
          value: { minor: amount, currency },
        });
      }),
    );
  });

  it.each(CURRENCIES)('print exactly the decimals of %s', (currency) => {
    fc.assert(
      fc.property(minor, (amount) => {
        const [, fraction = ''] = printMoney({ minor: amount, currency }).split('.');
        expect(fraction.length).toBe(decimalsOf(currency));
      }),
    );
  });

  it('never lose a cent where floats do', () => {
    expect(parseMoney('0.29', 'CNY')).toEqual({ ok: true, value: { minor: 29, currency: 'CNY' } });
    expect(parseMoney('1.005', 'KWD')).toEqual({ ok: true, value: { minor: 1005, currency: 'KWD' } });
    expect(parseMoney('4.35', 'USD')).toEqual({ ok: true, value: { minor: 435, currency: 'USD' } });
    expect(parseMoney('99999999999999.99', 'CNY')).toMatchObject({ ok: false });
    expect(parseMoney('90071992547409.91', 'CNY')).toEqual({
      ok: true,
      value: { minor: Number.MAX_SAFE_INTEGER, currency: 'CNY' },
    });
  });

  it.each([
    ['12', 'CNY', 1200],
    ['12.3', 'CNY', 1230],
    ['12.300', 'CNY', 1230],
    ['0.00', 'CNY', 0],
    ['-0.00', 'CNY', 0],
    ['-12.30', 'CNY', -1230],
    ['007.5', 'CNY', 750],
    ['500', 'JPY', 500],
    ['500.00', 'JPY', 500],
    ['1.5', 'KWD', 1500],
  ])('read %s %s as %i', (text, currency, expected) => {
    const parsed = parseMoney(text, currency);
    expect(parsed).toEqual({ ok: true, value: { minor: expected, currency } });
    expect(parsed.ok && Object.is(parsed.value.minor, -0)).toBe(false);
  });

  it.each([
    '',
    ' 1',
    '1 ',
    '1.',
    '.5',
    '1,5',
    '+1',
    '1e2',
    '0x10',
    'NaN',
    'Infinity',
    '1.2.3',
    '--1',
    '٣',
    '1'.repeat(16),
    '0.000000001',
  ])('refuse what is no decimal: %s', (text) => {
    expect(parseMoney(text, 'CNY').ok).toBe(false);
  });

  it('refuse decimals that the currency does not have', () => {
    expect(parseMoney('1.5', 'JPY').ok).toBe(false);
    expect(parseMoney('1.001', 'CNY').ok).toBe(false);
    expect(parseMoney('1.0001', 'KWD').ok).toBe(false);
  });

  it('refuse hostile text of any kind without throwing', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, currency) => {
        const parsed = parseMoney(text, currency);
        if (parsed.ok) expect(Number.isSafeInteger(parsed.value.minor) && isCurrency(parsed.value.currency)).toBe(true);
      }),
    );
  });
});

describe('building', () => {
  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])('refuses %d minor units', (minor) => {
    expect(money(minor, 'CNY').ok).toBe(false);
  });

  it.each(['', 'cny', 'CN', 'CNYY', 'C1Y', '__proto__', ' CNY'])('refuses the currency "%s"', (currency) => {
    expect(money(1, currency).ok).toBe(false);
    expect(parseMoney('1', currency).ok).toBe(false);
  });

  it('takes any safe integer', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (minor) => {
        expect(money(minor, 'CNY')).toEqual({ ok: true, value: { minor, currency: 'CNY' } });
      }),
    );
  });
});

it('knows how many decimals a currency has, and says 2 where it knows none', () => {
  expect(['JPY', 'CNY', 'KWD', 'XXX'].map(decimalsOf)).toEqual([0, 2, 3, 2]);
});
