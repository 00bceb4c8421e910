// The retry ladder, Retry-After and the backoff.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs, firstWaitMs, nextStep, parseRetryAfter } from '../../src/core/delivery.ts';
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  RETRY_AFTER_SECONDS_MAX,
  RETRY_JITTER_SHARE,
  RETRY_LADDER_SECONDS,
} from '../../src/core/limits.ts';

const ladder = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 20 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const retryAfter = fc.option(fc.nat(200_000));

describe('the ladder', () => {
  it('gives as many attempts as it has steps, then is dead', () => {
    fc.assert(
      fc.property(ladder, retryAfter, random, (steps, asked, jitter) => {
        let attempts = 1; // the first is made without a failure before it
        while (nextStep(attempts, steps, asked, jitter).kind === 'retry') attempts += 1;
        expect(attempts).toBe(steps.length);
        expect(nextStep(attempts + 1, steps, asked, jitter)).toEqual({ kind: 'dead' });
      }),
    );
  });

  it('begins with the wait before the first attempt, stretched as the others are', () => {
    fc.assert(
      fc.property(ladder, random, (steps, jitter) => {
        const plainMs = (steps[0] ?? 0) * 1_000;
        const waitMs = firstWaitMs(steps, jitter);
        expect(waitMs).toBeGreaterThanOrEqual(plainMs);
        expect(waitMs).toBeLessThanOrEqual(Math.ceil(plainMs * (1 + RETRY_JITTER_SHARE)));
      }),
    );
    expect(firstWaitMs([], 0)).toBe(0);
  });

  it('waits its step, stretched by the jitter share at most', () => {
    fc.assert(
      fc.property(ladder, random, fc.nat(18), (steps, jitter, failures) => {
        const step = nextStep(failures + 1, steps, null, jitter);
        if (step.kind === 'dead') return;
        const plainMs = (steps[failures + 1] ?? 0) * 1_000;
        expect(step.waitMs).toBeGreaterThanOrEqual(plainMs);
        expect(step.waitMs).toBeLessThanOrEqual(Math.ceil(plainMs * (1 + RETRY_JITTER_SHARE)));
        expect(Number.isInteger(step.waitMs)).toBe(true);
      }),
    );
  });

  it('is lengthened by Retry-After and never shortened', () => {
    fc.assert(
      fc.property(ladder, random, fc.nat(200_000), (steps, jitter, asked) => {
        const [plain, longer] = [nextStep(1, steps, null, jitter), nextStep(1, steps, asked, jitter)];
        if (plain.kind === 'dead' || longer.kind === 'dead') {
          expect(longer).toEqual(plain);
          return;
        }
        const askedMs = Math.min(asked, RETRY_AFTER_SECONDS_MAX) * 1_000;
        expect(longer.waitMs).toBe(Math.max(plain.waitMs, askedMs));
      }),
    );
  });

  it('goes on for days by default, the first attempt at once', () => {
    expect(RETRY_LADDER_SECONDS[0]).toBe(0);
    expect(RETRY_LADDER_SECONDS).toHaveLength(13);
    const days = RETRY_LADDER_SECONDS.reduce((sum, seconds) => sum + seconds, 0) / 86_400;
    expect(days).toBeGreaterThan(3);
    expect([...RETRY_LADDER_SECONDS].sort((a, b) => a - b)).toEqual(RETRY_LADDER_SECONDS);
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-11-20T10:00:00.000Z');

  it.each([
    ['120', 120],
    [' 120 ', 120],
    ['86401', RETRY_AFTER_SECONDS_MAX],
    ['99999999999999999999', RETRY_AFTER_SECONDS_MAX],
    ['Fri, 20 Nov 2026 10:00:30 GMT', 30],
    ['Friday, 20-Nov-26 10:00:30 GMT', 30],
    ['Fri Nov 20 10:00:30 2026', 30],
    ['Tue Dec  1 10:00:00 2026', RETRY_AFTER_SECONDS_MAX],
    ['Sat, 01 Jan 2050 00:00:00 GMT', RETRY_AFTER_SECONDS_MAX],
  ])('%j is read as %d s', (value, seconds) => {
    expect(parseRetryAfter(value, now)).toBe(seconds);
  });

  it.each([
    null,
    '',
    '0',
    '-5',
    '1.5',
    '1e3',
    'soon',
    '5, 10',
    'Fri, 20 Nov 2026 09:59:59 GMT',
    'Fri, 20 Nov 2026 10:00:00 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'Fri, 20 Foo 2026 10:00:30 GMT',
    '2026-11-20T10:00:30Z',
    'Fri, 20 Nov 2026 10:00:30 CET',
  ])('%j asks for nothing', (value) => {
    expect(parseRetryAfter(value, now)).toBeNull();
  });

  it('is null or a positive number of seconds within its limit, whatever was sent', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 4e12 }), (value, at) => {
        const seconds = parseRetryAfter(value, at);
        if (seconds === null) return;
        expect(seconds).toBeGreaterThan(0);
        expect(seconds).toBeLessThanOrEqual(RETRY_AFTER_SECONDS_MAX);
      }),
    );
  });

  it('as a date says the same as in seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 86_400 }), (seconds) => {
        const date = new Date(now + seconds * 1_000).toUTCString();
        expect(parseRetryAfter(date, now)).toBe(seconds);
      }),
    );
  });
});

describe('the backoff', () => {
  it('begins at its least, doubles, and stays at its most', () => {
    expect([1, 2, 3].map((failures) => backoffMs(failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX))).toEqual([
      500, 1_000, 2_000,
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), (failures) => {
        const waitMs = backoffMs(failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
        expect(waitMs).toBeGreaterThanOrEqual(BACKOFF_MS_MIN);
        expect(waitMs).toBeLessThanOrEqual(BACKOFF_MS_MAX);
        expect(backoffMs(failures + 1, BACKOFF_MS_MIN, BACKOFF_MS_MAX)).toBeGreaterThanOrEqual(waitMs);
      }),
    );
  });
});
