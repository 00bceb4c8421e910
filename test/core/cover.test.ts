// Which rows of figures make up a time: every hour once, whatever steps and days.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_MS, coverOf } from '../../src/core/cover.ts';
import { HOUR_MS } from '../../src/core/tally.ts';

const DAY_MS = 24 * HOUR_MS;

describe('the cover of a time', () => {
  it('names every hour that begins in it once, and no eight hours that are in two steps', () => {
    const steps = fc.constantFrom(HOUR_MS, 6 * HOUR_MS, BLOCK_MS, DAY_MS);
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 400 * 24 }),
        fc.integer({ min: 1, max: 40 * DAY_MS }),
        steps,
        fc.integer({ min: -14, max: 14 }),
        (hour, ms, stepMs, offset) => {
          const offsetMs = offset * HOUR_MS;
          const from = 1_700_000_000_000 + hour * HOUR_MS + (ms % 7);
          const to = from + ms;
          const hours = coverOf({ from, to, stepMs, offsetMs }).flatMap(([each, begin, end]) => {
            const rows = Array.from({ length: (end - begin) / (each * HOUR_MS) }, (_, n) => begin + n * each * HOUR_MS);
            if (each !== 1) {
              for (const at of rows) {
                expect(at % BLOCK_MS).toBe(0);
                const stepOf = (time: number) => Math.floor((time + offsetMs) / stepMs);
                expect(stepOf(at)).toBe(stepOf(at + BLOCK_MS - 1));
              }
            }
            return rows.flatMap((at) => Array.from({ length: each }, (_, n) => at + n * HOUR_MS));
          });
          const first = Math.ceil(from / HOUR_MS) * HOUR_MS;
          const wanted = Array.from(
            { length: Math.max(0, Math.ceil((to - first) / HOUR_MS)) },
            (_, n) => first + n * HOUR_MS,
          );
          expect(hours).toEqual(wanted);
        },
      ),
    );
  });

  it('is three rows a day where days begin with one of them, and ten elsewhere', () => {
    const from = Date.parse('2026-01-01T00:00:00Z');
    const rowsOf = (offset: number) =>
      coverOf({
        from: from - offset * HOUR_MS,
        to: from + (30 * 24 - offset) * HOUR_MS,
        stepMs: DAY_MS,
        offsetMs: offset * HOUR_MS,
      }).reduce((sum, [hours, begin, end]) => sum + (end - begin) / (hours * HOUR_MS), 0);
    expect([0, 8, -8, 9, -5].map(rowsOf)).toEqual([90, 90, 90, 300, 300]);
  });
});
