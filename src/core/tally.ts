// Tally: what happened in one hour, as counters that add up over shards, hours and channels; latencies in fixed
// buckets, so that percentiles of any sum can be told. Pure.
import type { Booking } from './booking.ts';
import type { EventType, Source } from './event.ts';
import type { AttemptOutcome } from './record.ts';

/** Each counter by its name; one that is not there is 0. All are whole numbers. */
export type Tally = Readonly<Record<string, number>>;
export type HourTally = {
  readonly counters: Tally;
  /** What reports sum, by name and currency: see booking.ts. */
  readonly money: Tally;
  /** Facts that callbacks brought, by the minute of the hour. */
  readonly minutes: Tally;
  /** When the last callback of it came; null: none did. */
  readonly lastAt: number | null;
};
export const NO_TALLY: HourTally = { counters: {}, money: {}, minutes: {}, lastAt: null };

export const HOUR_MS = 3_600_000;
export const hourOf = (at: number): number => at - (at % HOUR_MS);

/** Upper ends in milliseconds; what is longer than the last is counted in it. */
export const LATENCY_BOUNDS_MS: readonly number[] = [
  10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000,
  3_600_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 259_200_000, 2_678_400_000,
];

/**
 * From a callback's arrival to its facts being durable, when it is acknowledged; from paid at the provider to verified
 * here, from there to delivered, from there to settled in the ledger; and the whole way from paid to delivered.
 */
export const LATENCIES = [
  'acknowledged',
  'paidToVerified',
  'verifiedToDelivered',
  'deliveredToSettled',
  'paidToDelivered',
] as const;
export type Latency = (typeof LATENCIES)[number];

export const latencyOf = (name: Latency, ms: number): Tally => latenciesOf(name, [ms]);

/** Many waits at once: one record however many there are. */
export function latenciesOf(name: Latency, waits: readonly number[]): Tally {
  const tally: Record<string, number> = {};
  let sum = 0;
  for (const ms of waits) {
    const whole = Math.max(0, Math.round(ms)); // clocks differ
    const found = LATENCY_BOUNDS_MS.findIndex((bound) => whole <= bound);
    const bucket = `${name}.${found < 0 ? LATENCY_BOUNDS_MS.length - 1 : found}`;
    tally[bucket] = (tally[bucket] ?? 0) + 1;
    sum += whole;
  }
  return { ...tally, [`${name}.ms`]: sum };
}

export function add(...tallies: readonly Tally[]): Tally {
  const sum: Record<string, number> = {};
  for (const tally of tallies) {
    for (const [name, value] of Object.entries(tally)) sum[name] = (sum[name] ?? 0) + value;
  }
  return sum;
}

export const merge = (a: HourTally, b: HourTally): HourTally => ({
  counters: add(a.counters, b.counters),
  money: add(a.money, b.money),
  minutes: add(a.minutes, b.minutes),
  lastAt: a.lastAt === null || b.lastAt === null ? (a.lastAt ?? b.lastAt) : Math.max(a.lastAt, b.lastAt),
});

export type CountedFact = {
  readonly factKey: string;
  readonly verdict: string;
  readonly type: EventType | null;
  readonly source: Source;
  readonly occurredAt: number;
  readonly receivedAt: number;
  /** Of a refund that succeeded: what it gave back. */
  readonly refundedMinor: number | null;
  readonly refundedCurrency: string | null;
};

/** What a fact changed of the sums in reports, in the hours that they belong to. */
export function moneyOf(booked: readonly Booking[]): ReadonlyMap<number, Tally> {
  const hours = new Map<number, Tally>();
  for (const [at, name, value] of booked) {
    hours.set(hourOf(at), add(hours.get(hourOf(at)) ?? {}, { [name]: value }));
  }
  return hours;
}

/** One attempt of a delivery; `isDead`: it was the last. */
export const attemptTally = (outcome: AttemptOutcome, isDead: boolean): Tally =>
  outcome === 'delivered' ? {} : { [`attempts.${outcome}`]: 1, ...(isDead ? { dead: 1 } : {}) };

/** What a committed fact counts for. One that waits for its registration counts when it is applied. */
export function tallyOf(fact: CountedFact): HourTally {
  const { verdict, type, source, occurredAt, receivedAt } = fact;
  if (verdict === 'parked') return NO_TALLY;
  const parts: Tally[] = [{ [`facts.${source}`]: 1 }];
  if (type !== null) parts.push({ [`events.${type}`]: 1 });
  if (type === 'payment.succeeded') {
    parts.push({ [`learnt.${source}`]: 1 }, latencyOf('paidToVerified', receivedAt - occurredAt));
  }
  const gross = verdict === 'stale' ? null : paymentIn(fact.factKey);
  if (gross) parts.push({ [`gross.${gross.currency}`]: gross.minor });
  if (type === 'refund.succeeded' && fact.refundedMinor !== null && fact.refundedCurrency !== null) {
    parts.push({ [`refunded.${fact.refundedCurrency}`]: fact.refundedMinor });
  }
  const isCallback = source === 'callback';
  const minutes: Tally = isCallback ? { [minuteIn(receivedAt)]: 1 } : {};
  return { counters: add(...parts), money: {}, minutes, lastAt: isCallback ? receivedAt : null };
}

const minuteIn = (at: number): number => Math.floor((at - hourOf(at)) / 60_000);

/** The money of a payment that succeeded, read from its key; ids in the middle may hold anything. */
function paymentIn(factKey: string): { readonly minor: number; readonly currency: string } | null {
  const [kind, ...rest] = factKey.split('|');
  const [status = '', minor = '', currency = ''] = rest.slice(-3);
  if (kind !== 'payment' || !/^succeeded(,|$)/.test(status) || minor === '' || currency === '') return null;
  return { minor: Number(minor), currency };
}

export type LatencySummary = {
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
};

/** Spelled once: a chart looks up thousands. */
const BUCKETS = new Map(LATENCIES.map((name) => [name, LATENCY_BOUNDS_MS.map((_, bucket) => `${name}.${bucket}`)]));

export const bucketsOf = (tally: Tally, name: Latency): readonly number[] =>
  (BUCKETS.get(name) ?? []).map((bucket) => tally[bucket] ?? 0);

/** Percentiles as the upper end of the bucket they fall into. */
export function summaryOf(buckets: readonly number[]): LatencySummary {
  const count = buckets.reduce((sum, one) => sum + one, 0);
  const at = (share: number) => percentile(buckets, count, share);
  return { count, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) };
}

function percentile(buckets: readonly number[], count: number, share: number): number | null {
  let seen = 0;
  for (const [bucket, n] of buckets.entries()) {
    seen += n;
    if (n > 0 && seen >= share * count) return LATENCY_BOUNDS_MS[bucket] ?? null;
  }
  return null;
}

/** The share of attempts that an origin took; null where there were none. */
export function successShareOf(tally: Tally): number | null {
  const delivered = tally.delivered ?? 0;
  const failed = ['refused', 'unreachable', 'timed_out'].reduce((sum, how) => sum + (tally[`attempts.${how}`] ?? 0), 0);
  return delivered + failed === 0 ? null : delivered / (delivered + failed);
}

/** The share of payments that no callback told first; null where there were none. */
export function missShareOf(tally: Tally): number | null {
  const [callback, query, bill] = ['callback', 'query', 'bill'].map((source) => tally[`learnt.${source}`] ?? 0);
  const all = (callback ?? 0) + (query ?? 0) + (bill ?? 0);
  return all === 0 ? null : ((query ?? 0) + (bill ?? 0)) / all;
}
