// When a provider is asked again: ever more slowly, never twice at once, and not for ever.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askedBy, CLOSE_SCHEDULE, refundSchedule } from '../../src/core/ask-schedule.ts';
import { DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';

const REFUND_SCHEDULE = refundSchedule(DEFAULT_CHANNEL_SETTINGS);

const T = 1_790_000_000_000;
const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

/** Asks each time when it is due; gives the times in minutes after the first. */
function walk(schedule: typeof CLOSE_SCHEDULE, lateMs = 0): number[] {
  const times = [0];
  for (let { next } = askedBy(schedule, T, T + lateMs); next !== null; ) {
    times.push((next - T) / MINUTE);
    ({ next } = askedBy(schedule, T, next + lateMs));
  }
  return times;
}

describe('the times of asking', () => {
  it('of an order at its end', () => {
    expect(walk(CLOSE_SCHEDULE).slice(0, 8)).toEqual([0, 1, 6, 21, 81, 441, 1_881, 3_321]);
  });

  it('of a refund', () => {
    expect(walk(REFUND_SCHEDULE).slice(0, 6)).toEqual([0, 10, 70, 430, 1_870, 3_310]);
  });

  it.each([CLOSE_SCHEDULE, REFUND_SCHEDULE])('end after a month: %j', (schedule) => {
    const last = walk(schedule).at(-1) ?? 0;
    expect(last * MINUTE).toBeLessThanOrEqual(30 * DAY);
    expect(last * MINUTE).toBeGreaterThan(29 * DAY);
    expect(askedBy(schedule, T, T + 31 * DAY).next).toBeNull();
  });

  it('are the same when every question comes a little late', () => {
    expect(walk(CLOSE_SCHEDULE, 5_000)).toEqual(walk(CLOSE_SCHEDULE));
  });

  it('are counted by what was due, so that the third fruitless one is known as such', () => {
    const counts = walk(CLOSE_SCHEDULE).map((minutes) => askedBy(CLOSE_SCHEDULE, T, T + minutes * MINUTE).count);
    expect(counts.slice(0, 5)).toEqual([1, 2, 3, 4, 5]);
  });

  it('lie ahead of whoever asks, at whatever moment, and a clock that stepped back asks at once', () => {
    fc.assert(
      fc.property(fc.integer({ min: -DAY, max: 40 * DAY }), (passed) => {
        const { count, next } = askedBy(REFUND_SCHEDULE, T, T + passed);
        expect(count).toBeGreaterThanOrEqual(1);
        if (next !== null) expect(next - (T + Math.max(0, passed))).toBeGreaterThanOrEqual(30_000);
      }),
    );
  });
});
