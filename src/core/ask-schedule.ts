// When a provider is asked again about an order's end or a refund. Pure; counted from when the first question was due,
// so that nothing has to be remembered between two of them.
import type { ChannelSettings } from './channel.ts';

export type AskSchedule = {
  /** Waits after the first question; the last one repeats. */
  readonly waitsSeconds: readonly number[];
  /** After this nobody asks any more. */
  readonly givesUpAfterSeconds: number;
};

const DAY_SECONDS = 86_400;

/** Closing an order that is over: soon, because somebody may still pay it. */
export const CLOSE_SCHEDULE: AskSchedule = {
  waitsSeconds: [60, 300, 900, 3_600, 21_600, DAY_SECONDS],
  givesUpAfterSeconds: 30 * DAY_SECONDS,
};

/** What became of a refund. */
export const refundSchedule = ({ refundQuerySeconds }: Pick<ChannelSettings, 'refundQuerySeconds'>): AskSchedule => ({
  waitsSeconds: refundQuerySeconds,
  givesUpAfterSeconds: 30 * DAY_SECONDS,
});

/** Nobody is asked twice within this, however late a question came. */
const APART_SECONDS_MIN = 30;

/** How many questions were due by `now`, the first at `since`; and when the next one is: null when no more is. */
export function askedBy(schedule: AskSchedule, since: number, now: number): { count: number; next: number | null } {
  const { waitsSeconds, givesUpAfterSeconds } = schedule;
  const passed = Math.max(0, now - since) / 1000;
  let count = 0;
  let due = 0;
  for (let asked = 0; due < passed + APART_SECONDS_MIN && due <= givesUpAfterSeconds; asked++) {
    if (due <= passed) count += 1;
    due += waitsSeconds[Math.min(asked, waitsSeconds.length - 1)] ?? DAY_SECONDS;
  }
  return { count, next: due <= givesUpAfterSeconds ? since + due * 1000 : null };
}
