// A silence is told when the channel's own past does not explain it: never while it is learning, never of a slow
// channel too soon, and the longer the surer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS, SILENCE_CHANCE } from '../../src/core/limits.ts';
import { chanceOfNone, hoursToKnow, type Past, silenceOf, silenceText, wordText } from '../../src/core/silence.ts';
import { HOUR_MS, hourOf } from '../../src/core/tally.ts';

const NOW = Date.parse('2026-11-20T12:35:00Z');
const WEEK_MS = 7 * DAY_MS;

/** So many each hour for five weeks. */
const steady = (perHour: number, lastAt: number, weeks = 5): Past => {
  const first = hourOf(NOW - weeks * WEEK_MS);
  const hours = Array.from({ length: (weeks * WEEK_MS) / HOUR_MS }, (_, n) => [first + n * HOUR_MS, perHour] as const);
  return { counts: new Map(hours), firstHour: first, lastAt };
};

describe('a silence', () => {
  it('of a channel that usually has 40 an hour is told within half an hour, with its rate', () => {
    expect(silenceOf(steady(40, NOW - 15 * 60_000), NOW)).toEqual({ kind: 'usual' });
    const silence = silenceOf(steady(40, NOW - 35 * 60_000), NOW);
    expect(silence).toMatchObject({ kind: 'silent', forMs: 35 * 60_000 });
    expect(silence.kind === 'silent' && silenceText(silence)).toBe('normally 40 an hour, none for 35 minutes');
  });

  it('is told exactly when the chance of it is small enough', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 23 * 60 }), (perHour, minutes) => {
        const { kind } = silenceOf(steady(perHour, NOW - minutes * 60_000), NOW);
        const isRare = chanceOfNone((perHour * minutes) / 60) < SILENCE_CHANCE;
        expect(kind).toBe(isRare ? 'silent' : 'usual');
      }),
    );
  });

  it('that was told is told of every longer one, until the channel speaks', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(20 * 60), fc.nat(3 * 60), (perHour, minutes, more) => {
        const quiet = (ago: number) => silenceOf(steady(perHour, NOW - ago * 60_000), NOW).kind;
        if (quiet(minutes) === 'silent') expect(quiet(minutes + more)).toBe('silent');
        expect(silenceOf(steady(perHour, NOW), NOW).kind).toBe('usual');
      }),
    );
  });

  it('is not told while the channel is learning, whatever it did', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1.9, noNaN: true }),
        (perHour, weeks) => {
          const past = steady(perHour, NOW - 20 * HOUR_MS, 5);
          const firstHour = hourOf(NOW - 20 * HOUR_MS - weeks * WEEK_MS);
          expect(silenceOf({ ...past, firstHour }, NOW).kind).toBe('learning');
          expect(silenceOf({ ...past, firstHour: null }, NOW).kind).toBe('learning');
        },
      ),
    );
  });

  it('is explained by one quiet week: a holiday, a campaign that ended', () => {
    const past = steady(100, NOW - 3 * HOUR_MS);
    expect(silenceOf(past, NOW).kind).toBe('silent');
    const counts = new Map(
      [...past.counts].map(([hour, n]) => [hour, Math.abs(NOW - 2 * WEEK_MS - hour) < DAY_MS ? 0 : n]),
    );
    expect(silenceOf({ ...past, counts }, NOW).kind).toBe('usual');
  });

  it('at night is compared with nights', () => {
    const past = steady(100, NOW - 6 * HOUR_MS);
    const counts = new Map([...past.counts].map(([hour, n]) => [hour, new Date(hour).getUTCHours() < 13 ? 0 : n]));
    expect(silenceOf({ ...past, counts }, NOW).kind).toBe('usual');
  });

  it('needs no hour of the past that is not asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3 * DAY_MS }), fc.integer({ min: 0, max: WEEK_MS }), (quietMs, shift) => {
        const now = NOW + shift;
        const past = { ...steady(60, now - quietMs, 7), firstHour: 0 };
        const known = new Set(hoursToKnow(now));
        const asked = new Map([...past.counts].filter(([hour]) => known.has(hour)));
        expect(silenceOf({ ...past, counts: asked }, now)).toEqual(silenceOf(past, now));
      }),
    );
  });
});

it('says small rates with a digit and long silences in hours', () => {
  expect(silenceText({ forMs: 11 * HOUR_MS, perHour: 2.345 })).toBe('normally 2.3 an hour, none for 11 hours');
});

it('says what the provider answered, and when nobody could ask it', () => {
  expect(wordText(null)).toBe('This provider cannot be asked what it knows.');
  expect(wordText({ asked: 0, paid: 0 })).toContain('nothing to ask');
  expect(wordText({ asked: 8, paid: 0 })).toContain('asked about 8 that wait, and no payment');
  expect(wordText({ asked: 0, paid: 1 })).toBe("The provider's query says 1 was paid: callbacks are lost.");
});
