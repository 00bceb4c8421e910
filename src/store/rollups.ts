// The roll-ups in D1: figures by channel, hour and shard, put by the ledgers and summed for charts. Absolute values:
// the newest version wins, so that a repeated write changes nothing.
import { BOOKED, type Booked } from '../core/booking.ts';
import { DAY_MS } from '../core/limits.ts';
import type { BookedSum } from '../core/report.ts';
import { hoursToKnow } from '../core/silence.ts';
import { HOUR_MS, type Tally } from '../core/tally.ts';

export type Rollup = {
  readonly channel: string;
  readonly hour: number;
  readonly shard: string;
  readonly version: number;
  readonly last_at: number | null;
  readonly doc: Tally;
  /** Left out of what is written; its sums are rows of takings. */
  readonly money?: Tally | null;
  /** Null where it holds nothing. */
  readonly minutes?: Tally | null;
};

// The same version once more may know more: a shard that ended between D1 and its own row counts again.
const FIELDS = ['channel', 'hour', 'shard', 'version', 'last_at', 'doc', 'minutes'];
const PUT = putOf('rollups', FIELDS, 3);
const SUMS_OF = ['channel', 'hour', 'shard', 'currency', 'version', ...BOOKED];
const PUT_TAKINGS = putOf('takings', SUMS_OF, 4);

/** An upsert of a JSON array of rows whose key is the first so many fields. */
function putOf(table: string, fields: readonly string[], key: number): string {
  const update = fields.slice(key).map((name) => `${name} = excluded.${name}`);
  return `INSERT INTO ${table} (${fields.join(', ')})
    SELECT ${fields.map((name) => `value ->> '$.${name}'`).join(', ')} FROM json_each(?1) WHERE true
    ON CONFLICT DO UPDATE SET ${update.join(', ')} WHERE excluded.version >= ${table}.version`;
}

/** One transaction in D1; what reports sum has rows of its own, narrow ones, for they are read by the year. */
export async function putRollups(db: D1Database, rows: readonly Rollup[]): Promise<void> {
  if (rows.length === 0) return;
  const takings = rows.flatMap(takingsOf);
  const put = (statement: string, some: readonly object[]) => db.prepare(statement).bind(JSON.stringify(some));
  if (takings.length === 0) await put(PUT, rows).run();
  else await db.batch([put(PUT, rows), put(PUT_TAKINGS, takings)]);
}

function takingsOf({ channel, hour, shard, version, money }: Rollup) {
  const names = Object.keys(money ?? {});
  const currencies = [...new Set(names.map((name) => name.split('.')[1] ?? ''))];
  return currencies.map((currency) => {
    const sums = BOOKED.map((name) => [name, money?.[`${name}.${currency}`] ?? 0]);
    return { channel, hour, shard, version, currency, ...Object.fromEntries(sums) };
  });
}

export type Span = {
  readonly channels: readonly string[];
  readonly from: number;
  readonly to: number;
  /** The length of one point of the chart, and how far its days begin from UTC's. */
  readonly stepMs: number;
  readonly offsetMs: number;
};

// Numbers are bound as REAL: the quotient is cut to the step by hand.
const SUMS = `SELECT CAST((hour + ?4) / ?5 AS INTEGER) AS step, j.key AS name, SUM(j.value) AS total
  FROM rollups, json_each(rollups.doc) j
  WHERE channel IN (SELECT value FROM json_each(?1)) AND hour >= ?2 AND hour < ?3 GROUP BY 1, 2`;
const COUNTS = `SELECT CAST((minute + ?4) / ?5 AS INTEGER) AS step, 'callbacks.' || verdict AS name, SUM(count) AS total
  FROM callback_counts WHERE channel IN (SELECT value FROM json_each(?1)) AND minute >= ?2 AND minute < ?3
  GROUP BY 1, 2`;

type Sum = { readonly step: number; readonly name: string; readonly total: number };

/** Each step's figures by its beginning, those without any left out. */
export async function sumRollups(db: D1Database, span: Span): Promise<ReadonlyMap<number, Tally>> {
  const { channels, from, to, stepMs, offsetMs } = span;
  const bound = [JSON.stringify(channels), from, to, offsetMs, stepMs];
  const found = await db.batch<Sum>([SUMS, COUNTS].map((statement) => db.prepare(statement).bind(...bound)));
  const steps = new Map<number, Record<string, number>>();
  for (const { step, name, total } of found.flatMap(({ results }) => results)) {
    const at = step * stepMs - offsetMs;
    const tally = steps.get(at) ?? {};
    tally[name] = total;
    steps.set(at, tally);
  }
  return steps;
}

export type BookedSpan = {
  readonly channels: readonly string[];
  /** Days since 1970, both included. */
  readonly first: number;
  readonly last: number;
  readonly offsetMs: number;
};

type TakingsRow = Readonly<Record<Booked, number>> & Pick<BookedSum, 'channel' | 'day'> & { readonly currency: string };

/** What was booked on each day, by channel. */
export async function sumBooked(db: D1Database, span: BookedSpan): Promise<readonly BookedSum[]> {
  const { channels, first, last, offsetMs } = span;
  const { results } = await db
    .prepare(
      `SELECT channel, CAST((hour + ?4) / ${DAY_MS} AS INTEGER) AS day, currency,
         ${BOOKED.map((name) => `SUM(${name}) AS ${name}`).join(', ')}
       FROM takings WHERE channel IN (SELECT value FROM json_each(?1)) AND hour >= ?2 AND hour < ?3 GROUP BY 1, 2, 3`,
    )
    .bind(JSON.stringify(channels), first * DAY_MS - offsetMs, (last + 1) * DAY_MS - offsetMs, offsetMs)
    .all<TakingsRow>();
  return results.flatMap(({ channel, day, currency, ...sums }) =>
    BOOKED.map((name) => ({ channel, day, name: `${name}.${currency}`, total: sums[name] })),
  );
}

export type StepSpan = Omit<Span, 'offsetMs'>;
type StepCount = { readonly step: number; readonly verdict: string; readonly count: number };

/** Callbacks by verdict and step of whole minutes: those that became facts from the ledgers' rows, the rest counted. */
export async function countCallbacks(db: D1Database, span: StepSpan): Promise<readonly StepCount[]> {
  const { channels, from, to, stepMs } = span;
  const among = 'channel IN (SELECT value FROM json_each(?1))';
  const byMinute = `SELECT CAST((hour + j.key * 60000) / ?4 AS INTEGER) AS step, 'accepted' AS verdict,
    SUM(j.value) AS count FROM rollups, json_each(rollups.minutes) j
    WHERE ${among} AND hour > ?2 - ${HOUR_MS} AND hour < ?3 AND minutes IS NOT NULL
      AND hour + j.key * 60000 >= ?2 AND hour + j.key * 60000 < ?3 GROUP BY 1`;
  const byHour = `SELECT CAST(hour / ?4 AS INTEGER) AS step, 'accepted' AS verdict,
    SUM(doc ->> '$."facts.callback"') AS count FROM rollups WHERE ${among} AND hour >= ?2 AND hour < ?3 GROUP BY 1`;
  const others = `SELECT CAST(minute / ?4 AS INTEGER) AS step, verdict, SUM(count) AS count FROM callback_counts
    WHERE ${among} AND minute >= ?2 AND minute < ?3 GROUP BY 1, 2`;
  const bound = [JSON.stringify(channels), from, to, stepMs];
  const statements = [stepMs < HOUR_MS ? byMinute : byHour, others].map((sql) => db.prepare(sql).bind(...bound));
  const found = await db.batch<StepCount>(statements);
  return found.flatMap(({ results }) => results);
}

/** The same for one step, by channel. */
export async function sumByChannel(db: D1Database, channels: readonly string[], from: number, to: number) {
  const bound = [JSON.stringify(channels), from, to];
  const where = 'WHERE channel IN (SELECT value FROM json_each(?1)) AND';
  const sums = `SELECT channel, j.key AS name, SUM(j.value) AS total FROM rollups, json_each(rollups.doc) j
    ${where} hour >= ?2 AND hour < ?3 GROUP BY 1, 2`;
  const counts = `SELECT channel, 'callbacks.' || verdict AS name, SUM(count) AS total FROM callback_counts
    ${where} minute >= ?2 AND minute < ?3 GROUP BY 1, 2`;
  type Row = { readonly channel: string; readonly name: string; readonly total: number };
  const found = await db.batch<Row>([sums, counts].map((statement) => db.prepare(statement).bind(...bound)));
  const tallies = new Map<string, Record<string, number>>();
  for (const { channel, name, total } of found.flatMap(({ results }) => results)) {
    const tally = tallies.get(channel) ?? {};
    tally[name] = total;
    tallies.set(channel, tally);
  }
  return tallies;
}

type Known = {
  readonly counts: Map<number, number>;
  readonly firstHour: number | null;
  readonly lastAt: number | null;
};

/** What the past of these channels is, for a look at their silence: short reads in one round trip. */
export async function readPasts(
  db: D1Database,
  channels: readonly string[],
  since: number,
  now: number,
): Promise<ReadonlyMap<string, Known>> {
  const known = db.prepare(
    `SELECT c.value AS channel,
       (SELECT hour FROM rollups r WHERE r.channel = c.value AND last_at IS NOT NULL ORDER BY hour LIMIT 1)
         AS firstHour,
       (SELECT MAX(last_at) FROM rollups r WHERE r.channel = c.value AND r.hour >= ?2) AS lastAt
     FROM json_each(?1) c`,
  );
  const counts = db.prepare(
    `SELECT r.channel, r.hour, SUM(r.doc ->> '$."facts.callback"') AS count FROM json_each(?1) c JOIN json_each(?2) h
     JOIN rollups r ON r.channel = c.value AND r.hour = h.value GROUP BY 1, 2`,
  );
  const ids = JSON.stringify(channels);
  type KnownRow = { channel: string; firstHour: number | null; lastAt: number | null };
  type CountRow = { channel: string; hour: number; count: number | null };
  const [first, second] = await db.batch<KnownRow & CountRow>([
    known.bind(ids, since),
    counts.bind(ids, JSON.stringify(hoursToKnow(now))),
  ]);
  const pasts = new Map<string, Known>();
  for (const { channel, firstHour, lastAt } of first?.results ?? []) {
    pasts.set(channel, { counts: new Map(), firstHour, lastAt });
  }
  for (const { channel, hour, count } of second?.results ?? []) pasts.get(channel)?.counts.set(hour, count ?? 0);
  return pasts;
}

type Refused = { readonly recent: number; readonly before: number };

/** Refusals of each channel from `recent` on and in the time before; what providers send to be refused is not one. */
export async function readRefusals(
  db: D1Database,
  channels: readonly string[],
  { from, recent, to }: { readonly from: number; readonly recent: number; readonly to: number },
): Promise<ReadonlyMap<string, Refused>> {
  const counting = db.prepare(
    `SELECT c.value AS channel, SUM(CASE WHEN minute >= ?3 THEN count ELSE 0 END) AS recent,
       SUM(CASE WHEN minute < ?3 THEN count ELSE 0 END) AS before
     FROM json_each(?1) c JOIN callback_counts n ON n.channel = c.value AND n.minute >= ?2 AND n.minute < ?4
     WHERE n.verdict = 'rejected' AND n.reason <> 'signature_probe' GROUP BY 1`,
  );
  const { results } = await counting
    .bind(JSON.stringify(channels), from, recent, to)
    .all<Refused & { readonly channel: string }>();
  return new Map(results.map(({ channel, ...counts }) => [channel, counts]));
}

type Rejected = { readonly channel: string; readonly reason: string; readonly count: number };

/** Refusals of these channels since then, by reason. */
export async function countRejectionsBy(
  db: D1Database,
  channels: readonly string[],
  since: number,
): Promise<readonly Rejected[]> {
  const counting = db.prepare(
    `SELECT c.value AS channel, n.reason, SUM(n.count) AS count FROM json_each(?1) c
     JOIN callback_counts n ON n.channel = c.value AND n.minute >= ?2 WHERE n.verdict = 'rejected'
     GROUP BY 1, 2 ORDER BY 1, 2`,
  );
  return (await counting.bind(JSON.stringify(channels), since).all<Rejected>()).results;
}
