// What the lists in D1 know of one channel and one time, for a diagnosis: a handful of bounded reads in one round trip.
// Never truth, never written here.

import { minuteOf, NO_CHANNEL } from '../core/arrival.ts';
import type { Verdict } from '../core/callback.ts';
import type { Arrivals, SeenArrival } from '../core/diagnosis.ts';
import { SILENCE_WINDOW_MS } from '../core/limits.ts';
import { silenceOf } from '../core/silence.ts';
import { hourOf } from '../core/tally.ts';
import { readPasts } from './figures.ts';

/** Rows that one question reads at most, so that a flood cannot make it slow: more is told as "at least". */
const FACTS_READ_MAX = 20_000;
const DELIVERIES_COUNTED_MAX = 1_000;
const SAMPLES_MAX = 20;

export type Look = {
  readonly channel: string;
  /** The other channels of its provider. */
  readonly others: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly orderNo: string | null;
  /** When the channel was made or changed: its silence begins no earlier. */
  readonly changedAt: number;
};

type SampleRow = {
  readonly at: number;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly noticeType: string | null;
};
const SAMPLE = 'SELECT at, verdict, reason, detail, notice_type AS noticeType FROM callbacks WHERE channel = ?1';
const COUNTS = `SELECT verdict, nullif(reason, '') AS reason, SUM(count) AS count FROM callback_counts
  WHERE channel = ?1 AND minute >= ?2 AND minute <= ?3 GROUP BY 1, 2 ORDER BY 3 DESC`;
const TAKEN = `SELECT channel, COUNT(*) AS count FROM (
  SELECT channel, source FROM events WHERE received_at >= ?1 AND received_at <= ?2 LIMIT ${FACTS_READ_MAX}
) WHERE source = 'callback' GROUP BY 1`;
const LAST = `SELECT last_at AS lastAt FROM figures WHERE channel = ?1 AND hours = 1 AND last_at IS NOT NULL
  ORDER BY at DESC LIMIT 1`;
// The second half lets SQLite use the partial index, which holds everything but the delivered majority.
const OPEN = `SELECT COUNT(*) AS count FROM (SELECT 1 FROM deliveries
  WHERE state = ?4 AND state <> 'delivered' AND created_at >= ?2 AND created_at <= ?3 AND channel = ?1
  LIMIT ${DELIVERIES_COUNTED_MAX})`;
const OPEN_STATES = ['dead', 'held', 'paused', 'waiting'] as const;

/** The order that a payment of this number belongs to. */
export async function findOrderNo(db: D1Database, channel: string, transactionId: string): Promise<string | null> {
  const sql = "SELECT order_no FROM order_ids WHERE id = ? AND channel = ? AND kind = 'transaction' LIMIT 1";
  return (await db.prepare(sql).bind(transactionId, channel).first<string>('order_no')) ?? null;
}

export async function readArrivals(db: D1Database, look: Look): Promise<Arrivals> {
  const { channel, others, from, to, orderNo, changedAt } = look;
  const minutes = [minuteOf(from), to] as const;
  const samples = (more: string) =>
    db.prepare(`${SAMPLE} AND at >= ?2 AND at <= ?3 ${more} ORDER BY at DESC LIMIT ${SAMPLES_MAX}`);
  const asked = [
    db.prepare(COUNTS).bind(channel, ...minutes),
    db.prepare(COUNTS).bind(NO_CHANNEL, ...minutes),
    samples("AND verdict = 'rejected'").bind(channel, from, to),
    samples("AND reason = 'unknown_channel'").bind(NO_CHANNEL, from, to),
    samples('AND order_no = ?4').bind(channel, from, to, orderNo ?? ''),
    db.prepare(TAKEN).bind(from, to),
    db.prepare(LAST).bind(channel),
    ...OPEN_STATES.map((state) => db.prepare(OPEN).bind(channel, from, to, state)),
  ];
  const since = hourOf(to - SILENCE_WINDOW_MS);
  const [found, pasts] = await Promise.all([
    db.batch<Record<string, unknown>>(asked),
    readPasts(db, [channel], since, to),
  ]);
  const rowsOf = <Row>(index: number): readonly Row[] => (found[index]?.results ?? []) as readonly Row[]; // as asked
  const taken = rowsOf<{ channel: string; count: number }>(5);
  const past = pasts.get(channel);
  const lastAt = Math.max(past?.lastAt ?? since, changedAt);
  const strangers = rowsOf<Arrivals['counts'][number]>(1).filter(({ reason }) => reason === 'unknown_channel');
  return {
    taken: taken.find((row) => row.channel === channel)?.count ?? 0,
    isMore: taken.reduce((sum, { count }) => sum + count, 0) >= FACTS_READ_MAX,
    counts: rowsOf(0),
    refusals: rowsOf<SampleRow>(2),
    strangers: rowsOf<SeenArrival>(3),
    strangersCount: strangers.reduce((sum, { count }) => sum + count, 0),
    aboutOrder: orderNo === null ? [] : rowsOf<SeenArrival>(4),
    lastAt: rowsOf<{ lastAt: number }>(6)[0]?.lastAt ?? null,
    others: { count: others.length, heard: taken.filter((row) => others.includes(row.channel)).length },
    open: OPEN_STATES.flatMap((state, index) => {
      const count = rowsOf<{ count: number }>(7 + index)[0]?.count ?? 0;
      return count > 0 ? [{ state, count }] : [];
    }),
    silence: silenceOf({ counts: past?.counts ?? new Map(), firstHour: past?.firstHour ?? null, lastAt }, to),
  };
}
