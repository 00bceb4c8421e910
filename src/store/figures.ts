// Figures by channel and time, read from D1 for charts, reports, /metrics and the look at silences. Few rows each:
// hours, and eight of them where steps allow. Never truth about an order, never written here.
import { coverOf, type Span } from '../core/cover.ts';
import { DAY_MS } from '../core/limits.ts';
import type { BookedSum } from '../core/report.ts';
import { hoursToKnow } from '../core/silence.ts';
import { HOUR_MS, hourOf, type Tally } from '../core/tally.ts';

const MINUTE_MS = 60_000;
/** Rows that are in memory at once: more are asked for by some channels at a time. */
const ROWS_MAX = 6_000;
/** What they hold in one step is one text of D1: it takes 2 MB. */
const CHANNELS_MAX = 500;

/** Rows of `table` as f: those of the channels in ?1 that the cover in ?2 names. */
const covered = (table: 'figures' | 'arrivals') =>
  `FROM json_each(?1) c CROSS JOIN json_each(?2) t CROSS JOIN ${table} f ON f.channel = c.value
     AND f.hours = t.value ->> '$[0]' AND f.at >= t.value ->> '$[1]' AND f.at < t.value ->> '$[2]'`;

type Source = readonly [table: 'figures' | 'arrivals', column: 'doc' | 'money' | 'minutes'];
const DOCS: readonly Source[] = [
  ['figures', 'doc'],
  ['arrivals', 'doc'],
];
type Channels = { readonly channels: readonly string[] };
/** What the rows of one step hold: of one channel, or of all of them. */
type Told = { readonly channel: string; readonly step: number; readonly docs: readonly Tally[] };
const EACH = 'f.channel';
const TOGETHER = "''";

/** What the rows of these channels hold that the cover of the time names, some channels at a time. */
async function readDocs(
  db: D1Database,
  { channels, ...span }: Span & Channels,
  sources: readonly Source[],
  by: typeof EACH | typeof TOGETHER,
  take: (told: Told) => void,
): Promise<void> {
  const cover = coverOf(span);
  const each = cover.reduce((sum, [hours, from, to]) => sum + (to - from) / (hours * HOUR_MS), 0);
  const some = Math.min(CHANNELS_MAX, Math.max(1, Math.floor(ROWS_MAX / Math.max(1, each))));
  const asked = sources.map(([table, column]) =>
    db.prepare(
      `SELECT ${by} AS channel, CAST((f.at + ?3) / ?4 AS INTEGER) AS step,
         '[' || group_concat(f.${column}) || ']' AS docs ${covered(table)} WHERE f.${column} IS NOT NULL GROUP BY 1, 2`,
    ),
  );
  for (let at = 0; at < channels.length; at += some) {
    const bound = [JSON.stringify(channels.slice(at, at + some)), JSON.stringify(cover), span.offsetMs, span.stepMs];
    type Row = Omit<Told, 'docs'> & { readonly docs: string };
    const found = await db.batch<Row>(asked.map((statement) => statement.bind(...bound)));
    for (const { docs, ...row } of found.flatMap(({ results }) => results)) take({ ...row, docs: JSON.parse(docs) });
  }
}

function addTo(sum: Record<string, number>, docs: readonly Tally[]): Record<string, number> {
  for (const doc of docs) for (const name in doc) sum[name] = (sum[name] ?? 0) + (doc[name] ?? 0);
  return sum;
}

/** Each step's figures by its beginning, those without any left out. */
export async function sumFigures(db: D1Database, span: Span & Channels): Promise<ReadonlyMap<number, Tally>> {
  const steps = new Map<number, Record<string, number>>();
  await readDocs(db, span, DOCS, TOGETHER, ({ step, docs }) => {
    const beginning = step * span.stepMs - span.offsetMs;
    steps.set(beginning, addTo(steps.get(beginning) ?? {}, docs));
  });
  return steps;
}

/** The same of whole days of UTC together, by channel. */
export async function sumByChannel(
  db: D1Database,
  span: Channels & Pick<Span, 'from' | 'to'>,
): Promise<ReadonlyMap<string, Tally>> {
  const sums = new Map<string, Record<string, number>>();
  const days = { ...span, stepMs: DAY_MS, offsetMs: 0 };
  await readDocs(db, days, DOCS, EACH, ({ channel, docs }) => {
    sums.set(channel, addTo(sums.get(channel) ?? {}, docs));
  });
  return sums;
}

export type BookedSpan = Channels & {
  /** Days since 1970, both included. */
  readonly first: number;
  readonly last: number;
  readonly offsetMs: number;
};

/** What was booked on each day, by channel. */
export async function sumBooked(db: D1Database, span: BookedSpan): Promise<readonly BookedSum[]> {
  const { channels, first, last, offsetMs } = span;
  const [from, to] = [first * DAY_MS - offsetMs, (last + 1) * DAY_MS - offsetMs];
  const sums: BookedSum[] = [];
  const days = { channels, from, to, stepMs: DAY_MS, offsetMs };
  await readDocs(db, days, [['figures', 'money']], EACH, ({ channel, step, docs }) => {
    for (const [name, total] of Object.entries(addTo({}, docs))) sums.push({ channel, day: step, name, total });
  });
  return sums;
}

export type StepSpan = Channels & { readonly from: number; readonly to: number; readonly stepMs: number };

/** Callbacks by verdict in each step of UTC, by its number: of whole minutes, or hours where steps are of hours. */
export function countCallbacks(db: D1Database, span: StepSpan): Promise<readonly StepCount[]> {
  return span.stepMs < HOUR_MS ? countByMinute(db, span) : countByHour(db, span);
}

type StepCount = { readonly step: number; readonly verdict: string; readonly count: number };

async function countByHour(db: D1Database, { channels, ...span }: StepSpan): Promise<readonly StepCount[]> {
  const bound = [JSON.stringify(channels), JSON.stringify(coverOf({ ...span, offsetMs: 0 })), span.stepMs];
  const counting = [
    `SELECT CAST(f.at / ?3 AS INTEGER) AS step, 'accepted' AS verdict, SUM(f.accepted) AS count
     ${covered('figures')} GROUP BY 1`,
    `SELECT CAST(f.at / ?3 AS INTEGER) AS step, substr(j.key, 11) AS verdict, SUM(j.value) AS count
     ${covered('arrivals')} CROSS JOIN json_each(f.doc) j WHERE j.key LIKE 'callbacks.%' GROUP BY 1, 2`,
  ];
  const found = await db.batch<StepCount>(counting.map((sql) => db.prepare(sql).bind(...bound)));
  return found.flatMap(({ results }) => results);
}

async function countByMinute(db: D1Database, { channels, from, to, stepMs }: StepSpan): Promise<readonly StepCount[]> {
  const counts = new Map<string, StepCount>();
  const hours = { from: hourOf(from), to, stepMs: HOUR_MS, offsetMs: 0 };
  const both = [
    ['figures', 'minutes'],
    ['arrivals', 'minutes'],
  ] as const;
  await readDocs(db, { channels, ...hours }, both, TOGETHER, (hour) => {
    for (const [name, count] of Object.entries(addTo({}, hour.docs))) {
      const [verdict = '', minute] = name.includes('.') ? name.split('.') : ['accepted', name];
      const at = hour.step * HOUR_MS + Number(minute) * MINUTE_MS;
      if (at < from || at >= to) continue;
      const step = Math.floor(at / stepMs);
      const key = `${step} ${verdict}`;
      counts.set(key, { step, verdict, count: (counts.get(key)?.count ?? 0) + count });
    }
  });
  return [...counts.values()];
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
       (SELECT at FROM figures f WHERE f.channel = c.value AND f.hours = 1 AND last_at IS NOT NULL ORDER BY at LIMIT 1)
         AS firstHour,
       (SELECT MAX(last_at) FROM figures f WHERE f.channel = c.value AND f.hours = 1 AND f.at >= ?2) AS lastAt
     FROM json_each(?1) c`,
  );
  const counts = db.prepare(
    `SELECT f.channel, f.at AS hour, f.accepted AS count FROM json_each(?1) c CROSS JOIN json_each(?2) h
     CROSS JOIN figures f ON f.channel = c.value AND f.hours = 1 AND f.at = h.value`,
  );
  const ids = JSON.stringify(channels);
  type KnownRow = { channel: string; firstHour: number | null; lastAt: number | null };
  type CountRow = { channel: string; hour: number; count: number };
  const [first, second] = await db.batch<KnownRow & CountRow>([
    known.bind(ids, since),
    counts.bind(ids, JSON.stringify(hoursToKnow(now))),
  ]);
  const pasts = new Map<string, Known>();
  for (const { channel, firstHour, lastAt } of first?.results ?? []) {
    pasts.set(channel, { counts: new Map(), firstHour, lastAt });
  }
  for (const { channel, hour, count } of second?.results ?? []) pasts.get(channel)?.counts.set(hour, count);
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
