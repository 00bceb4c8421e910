// Days of bills, decimals, keys, patterns: the small parts that every bill stands on.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billReadyAt, dayAfter, dayEnd, dayOf, dayStart, daysDue, isBillDay, localTime } from '../../src/core/bill.ts';
import { decimalOf, printDecimal, rateOf, unitsOf } from '../../src/core/decimal.ts';
import { KeySet } from '../../src/core/key-set.ts';
import { matcherOf, OrderNoPattern } from '../../src/core/order-no-pattern.ts';

describe('a day of bills', () => {
  it('begins at midnight in Beijing', () => {
    expect(dayStart('2026-03-01')).toBe(Date.parse('2026-03-01T00:00:00+08:00'));
    expect(dayEnd('2026-02-28')).toBe(dayStart('2026-03-01'));
    expect([dayOf(dayStart('2026-03-01') - 1), dayOf(dayStart('2026-03-01'))]).toEqual(['2026-02-28', '2026-03-01']);
  });

  it('follows another zone where a provider does', () => {
    expect(dayStart('2026-03-01', -300)).toBe(Date.parse('2026-03-01T00:00:00-05:00'));
    expect(dayOf(Date.parse('2026-03-01T03:00:00Z'), -300)).toBe('2026-02-28');
  });

  it('holds every instant exactly once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000_000 }), fc.constantFrom(480, 0, -300, 345), (at, offset) => {
        const day = dayOf(at, offset);
        expect(dayStart(day, offset) <= at && at < dayEnd(day, offset)).toBe(true);
        expect(dayStart(dayAfter(day), offset)).toBe(dayEnd(day, offset));
      }),
    );
  });

  it.each(['2026-02-29', '2026-13-01', '2026-3-1', '20260301', '', '2026-03-01T00:00'])('is not %j', (text) => {
    expect(isBillDay(text)).toBe(false);
  });

  it('may be the 29 February of a leap year', () => {
    expect(isBillDay('2028-02-29')).toBe(true);
  });
});

describe('the days that are due', () => {
  const calendar = { offsetMinutes: 480, readyAfterHours: 10, keptDays: 90 };
  const at = (text: string) => Date.parse(`${text}+08:00`);
  const due = (now: string, done: string[] = [], since = '2026-01-01', most = 3) =>
    daysDue(calendar, new Set(done), since, at(now), most);

  it('begin with yesterday from ten in the morning on', () => {
    expect(due('2026-03-02T09:59:59', [], '2026-02-27')).toEqual(['2026-02-28', '2026-02-27']);
    expect(due('2026-03-02T10:00:00', [], '2026-02-27')).toEqual(['2026-03-01', '2026-02-28', '2026-02-27']);
    expect(billReadyAt('2026-03-01', calendar)).toBe(at('2026-03-02T10:00:00'));
  });

  it('are those that were not compared, however long ago, as many as one tick takes', () => {
    expect(due('2026-03-05T12:00:00', ['2026-03-04', '2026-03-02'])).toEqual([
      '2026-03-03',
      '2026-03-01',
      '2026-02-28',
    ]);
  });

  it('are none before the channel was there, and none that the provider has thrown away', () => {
    expect(due('2026-03-05T12:00:00', [], '2026-03-05')).toEqual([]);
    expect(due('2026-12-31T12:00:00', [], '2020-01-01', 1_000)).toHaveLength(90);
  });
});

describe('a time as bills print it', () => {
  it.each([
    ['2026-03-01 00:00:00', '2026-03-01T00:00:00+08:00'],
    ['2026/3/1 9:05', '2026-03-01T09:05:00+08:00'],
    ['2016-05-04  02:18:18', '2016-05-04T02:18:18+08:00'],
    ['2026-03-01T23:59:59', '2026-03-01T23:59:59+08:00'],
    ['2026-03-01', '2026-03-01T00:00:00+08:00'],
  ])('%s is Beijing’s', (text, iso) => {
    expect(localTime(text)).toBe(Date.parse(iso));
  });

  it.each(['', '2026-02-30 00:00:00', '2026-03-01 24:00:00', '2026-03-01 00:60:00', '03/01/2026', '2026-00-10'])(
    '%j is none',
    (text) => {
      expect(localTime(text)).toBeNull();
    },
  );
});

describe('a decimal', () => {
  it.each([
    ['0.00600', 600],
    ['-0.06', -6_000],
    ['45.0', 4_500_000],
    ['+1', 100_000],
    ['.5', 50_000],
    ['7.', 700_000],
    ['0.000000', 0],
    ['-0', 0],
  ])('%s at five decimals', (text, units) => {
    expect(unitsOf(text, 5)).toBe(units);
  });

  it.each(['', '-', '.', '1,000.00', '1e5', '0.000001', '１', '1.2.3', '9'.repeat(20), '90071992547409.92'])(
    '%j is none, or too fine, or too large',
    (text) => {
      expect(unitsOf(text, 5)).toBeNull();
    },
  );

  it('is printed as it was read', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 0, max: 8 }), (units, scale) => {
        const text = printDecimal({ units, scale });
        expect(decimalOf(text, scale)).toEqual({ units: units === 0 ? 0 : units, scale });
      }),
    );
  });

  it('is a rate with a percent sign or without', () => {
    expect(rateOf('0.60%')).toEqual({ units: 600_000, scale: 8 });
    expect(rateOf('0.006')).toEqual({ units: 6_000, scale: 6 });
    expect([rateOf(''), rateOf('%'), rateOf('free')]).toEqual([null, null, null]);
  });
});

describe('a set of keys', () => {
  it('knows what was put into it and nothing else, whatever it grew to', () => {
    const set = new KeySet();
    for (let at = 0; at < 50_000; at++) expect(set.add(`payment 4200${at}`)).toBe(true);
    for (let at = 0; at < 50_000; at++) expect(set.add(`payment 4200${at}`)).toBe(false);
    for (let at = 50_000; at < 60_000; at++) expect(set.has(`payment 4200${at}`)).toBe(false);
    expect(set.size).toBe(50_000);
  });

  it('agrees with a set of texts', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 12 }), { maxLength: 200 }), (texts) => {
        const [set, known] = [new KeySet(), new Set<string>()];
        for (const text of texts) {
          expect(set.add(text)).toBe(!known.has(text));
          known.add(text);
        }
        expect(set.size).toBe(known.size);
      }),
    );
  });
});

describe('a pattern of order numbers', () => {
  it.each([
    ['A2026*', ['A2026', 'A20261'], ['B2026', 'xA2026']],
    ['?-*-shop', ['1-22-shop', 'a--shop'], ['11-22-shop', '1-22-shops']],
    ['a.b+c', ['a.b+c'], ['aXb+c', 'a.bbc']],
    ['*7', ['7', '17'], ['71']],
  ])('%s', (pattern, ours, others) => {
    const isOurs = matcherOf(OrderNoPattern.parse(pattern));
    expect(ours.filter(isOurs)).toEqual(ours);
    expect(others.filter(isOurs)).toEqual([]);
  });

  it.each(['', '*', '**', 'a b', 'a*b*c*d*', 'x'.repeat(65)])('cannot be %j', (pattern) => {
    expect(OrderNoPattern.safeParse(pattern).success).toBe(false);
  });

  it('takes no long time over any number', () => {
    expect(matcherOf('*a*a*b')('a'.repeat(64))).toBe(false);
    expect(matcherOf('A*')(`A${'1'.repeat(64)}`)).toBe(false);
  });
});
