// When a person hears that a key ends: 30, 7 and 1 days before, once each, and never for one that others outlast.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysLeft, type KeyEnd, keyEndsOf, lastOnes, warnedSince } from '../../src/core/key-ends.ts';
import { DAY_MS } from '../../src/core/limits.ts';

const END = 1_800_000_000_000;
const key = (serial: string, expiresAt: number, field: string | null = null): KeyEnd => ({
  serial,
  source: field === null ? 'fetched' : 'configured',
  field,
  effectiveAt: 0,
  expiresAt,
});

describe('the warnings before an end', () => {
  it('are three, however often somebody looks', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -40, max: 5 * 1_440 }), { maxLength: 200 }), (minutes) => {
        const looks = [...minutes.map((m) => END - m * 60_000), END - 45 * DAY_MS, END].sort((a, b) => a - b);
        let last = Number.NEGATIVE_INFINITY;
        let told = 0;
        for (let at = END - 60 * DAY_MS; at <= END + DAY_MS; at += 6 * 3_600_000) looks.push(at);
        for (const now of looks.sort((a, b) => a - b)) {
          const since = warnedSince(END, now);
          if (since === null || last >= since) continue;
          last = now;
          told += 1;
        }
        expect(told).toBe(3);
      }),
      { numRuns: 50 },
    );
  });

  it('begin thirty days before, to the millisecond', () => {
    expect(warnedSince(END, END - 30 * DAY_MS - 1)).toBeNull();
    expect(warnedSince(END, END - 30 * DAY_MS)).toBe(END - 30 * DAY_MS);
    expect(warnedSince(END, END - 7 * DAY_MS)).toBe(END - 7 * DAY_MS);
    expect(warnedSince(END, END + 400 * DAY_MS)).toBe(END - DAY_MS);
  });

  it('count whole days, and days past as negative ones', () => {
    expect(daysLeft(END, END - 30 * DAY_MS)).toBe(30);
    expect(daysLeft(END, END - 30 * DAY_MS + 1)).toBe(29);
    expect(daysLeft(END, END + 1)).toBe(-1);
  });
});

describe('the keys of a channel', () => {
  it('are listed by their end, each with where it comes from', () => {
    const fetched = { serial: 'F', pem: 'PEM', effectiveAt: 1, expiresAt: 20 };
    const configured = { field: 'cert', serial: 'C', effectiveAt: 2, expiresAt: 10 };
    expect(keyEndsOf([fetched], [configured])).toEqual([
      { serial: 'C', source: 'configured', field: 'cert', effectiveAt: 2, expiresAt: 10 },
      { serial: 'F', source: 'fetched', field: null, effectiveAt: 1, expiresAt: 20 },
    ]);
  });

  it('matter where nothing of their kind outlasts them', () => {
    const keys = [key('old', 1), key('new', 2), key('a', 5, 'cert'), key('b', 4, 'cert'), key('c', 3, 'root')];
    expect(lastOnes(keys).map(({ serial }) => serial)).toEqual(['new', 'a', 'c']);
  });
});
