// Vitals: what a minute's look at every shard showed, for alarms and metrics. Pure. A snapshot: never truth.

/** What waits in one shard, or in all of a channel: deliveries that are neither over, held nor paused. */
export type Backlog = {
  /** Counted up to a bound. */
  readonly waiting: number;
  /** When the oldest of them was committed; null: none waits. */
  readonly oldestAt: number | null;
  /** Where the oldest should go. */
  readonly originId: string | null;
};
export const NO_BACKLOG: Backlog = { waiting: 0, oldestAt: null, originId: null };

export type ChannelBacklog = Backlog & { readonly channel: string };
export type Vitals = { readonly at: number; readonly backlogs: readonly ChannelBacklog[] };

export const sumBacklogs = (backlogs: readonly Backlog[]): Backlog =>
  backlogs.reduce((sum, one) => {
    const isOlder = one.oldestAt !== null && one.oldestAt < (sum.oldestAt ?? Number.POSITIVE_INFINITY);
    const { oldestAt, originId } = isOlder ? one : sum;
    return { waiting: sum.waiting + one.waiting, oldestAt, originId };
  }, NO_BACKLOG);

/** Refusals of one channel: in the minutes just past, and in the day before them. */
export type Refusals = {
  readonly recent: number;
  readonly recentMinutes: number;
  readonly before: number;
  readonly beforeMinutes: number;
};

export type SpikeRule = { readonly perMinute: number; readonly times: number };

/** Refusals a minute, now and usually, where that is a spike; null where it is none. */
export function spikeOf(refusals: Refusals, rule: SpikeRule): { readonly now: number; readonly usual: number } | null {
  const now = refusals.recent / refusals.recentMinutes;
  const usual = refusals.before / refusals.beforeMinutes;
  return now >= rule.perMinute && now >= rule.times * usual ? { now, usual } : null;
}
