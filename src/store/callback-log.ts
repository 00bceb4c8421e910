// A channel's callback log: its own tables and its part of the D1 projection. All SQL, synchronous but for D1's.
// Samples are written many to a row and numbered by how many came before, so that a flood costs a row a flush.
import type { Arrival, ArrivalBatch, KeptNotice } from '../core/arrival.ts';
import { minuteOf } from '../core/arrival.ts';
import { ARRIVAL_COUNTS_KEPT_MS, ARRIVAL_SAMPLES_MAX, NOTICES_KEPT_MAX } from '../core/limits.ts';
import { cutoffOf, DEFAULT_RETENTION, type Retention } from '../core/retention.ts';
import type { Archived } from './archive.ts';
import { foldMinutes, forgetArrivals } from './fold.ts';

const TABLES = `
CREATE TABLE IF NOT EXISTS chunks (
  kind INTEGER NOT NULL, upto INTEGER NOT NULL, doc TEXT NOT NULL, PRIMARY KEY (kind, upto)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counts (
  minute INTEGER NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, dirty INTEGER NOT NULL,
  PRIMARY KEY (minute, verdict, reason)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS counts_dirty ON counts (minute) WHERE dirty = 1;
CREATE TABLE IF NOT EXISTS notices (
  upto INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, content_type TEXT, headers TEXT NOT NULL, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS isolates (id TEXT PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS marks (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
`;

/** Kinds of chunk, and how many samples of each are kept. */
const RECENT = 0;
const FIRST = 1;
export const NOTICE = 2;
const KEPT_MAX = [ARRIVAL_SAMPLES_MAX, ARRIVAL_SAMPLES_MAX, NOTICES_KEPT_MAX] as const;

/** An isolate that has said nothing for this long has ended. */
const ISOLATE_KEPT_MS = 3_600_000;
/** Chunks and counts in one write to D1. */
const CHUNKS_MAX = 20;
const COUNTS_MAX = 500;

export function hasLogTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'marks'").toArray().length > 0;
}

export function createLogTables(sql: SqlStorage, channelId: string): void {
  sql.exec(TABLES);
  sql.exec("INSERT INTO marks VALUES ('channel', ?), ('folded', 1) ON CONFLICT DO NOTHING", channelId);
}

/** Adds a batch of an isolate, once: the same batch again changes nothing. The first of a reason is always wanted. */
export function noteBatch(sql: SqlStorage, batch: ArrivalBatch, now: number, isWanted = (_: Arrival) => true): void {
  const [known] = sql.exec<{ number: number }>('SELECT number FROM isolates WHERE id = ?', batch.isolate).toArray();
  if (known && known.number >= batch.number) return;
  if (!known) sql.exec('DELETE FROM isolates WHERE at < ?', now - ISOLATE_KEPT_MS);
  sql.exec(
    'INSERT INTO isolates VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET number = excluded.number, at = excluded.at',
    batch.isolate,
    batch.number,
    now,
  );
  const opened = new Set<string>(); // minutes that had none of this verdict and reason yet
  for (const { minute, verdict, reason, count } of batch.counts) {
    if (addCount(sql, minute, verdict, reason, count)) opened.add(`${minute}|${verdict}|${reason}`);
  }
  const [first, recent]: [Arrival[], Arrival[]] = [[], []];
  for (const sample of batch.samples) {
    if (opened.delete(`${minuteOf(sample.at)}|${sample.verdict}|${sample.reason}`)) first.push(sample);
    else if (isWanted(sample)) recent.push(sample);
  }
  addChunk(sql, FIRST, first);
  addChunk(sql, RECENT, recent);
}

/** Keeps an authentic notice whole. False when it was kept before; it is counted either way. */
export function keepNotice(sql: SqlStorage, notice: KeptNotice): boolean {
  const { arrival, evidence, key } = notice;
  addCount(sql, minuteOf(arrival.at), arrival.verdict, arrival.reason, 1);
  if (sql.exec('SELECT 1 FROM notices WHERE key = ?', key).toArray().length > 0) return false;
  const upto = addChunk(sql, NOTICE, [arrival]);
  sql.exec(
    'INSERT INTO notices VALUES (?, ?, ?, ?, ?)',
    upto,
    key,
    evidence.contentType,
    JSON.stringify(evidence.headers),
    evidence.body,
  );
  sql.exec('DELETE FROM notices WHERE upto <= ?', upto - NOTICES_KEPT_MAX);
  return true;
}

/** True when this minute had none of this verdict and reason yet. */
function addCount(sql: SqlStorage, minute: number, verdict: string, reason: string | null, count: number): boolean {
  const { total } = sql
    .exec<{ total: number }>(
      `INSERT INTO counts VALUES (?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET count = count + excluded.count, dirty = 1 RETURNING count AS total`,
      minute,
      verdict,
      reason ?? '',
      count,
    )
    .one();
  return total === count;
}

/** Appends samples of one kind and lets the oldest go; those that D1 shows go when D1 has let go of them. */
function addChunk(sql: SqlStorage, kind: 0 | 1 | 2, samples: readonly Arrival[]): number {
  const last = lastOf(sql, kind);
  if (samples.length === 0) return last;
  const upto = last + samples.length;
  sql.exec('INSERT INTO chunks VALUES (?, ?, ?)', kind, upto, JSON.stringify(samples));
  const expired = upto - KEPT_MAX[kind];
  sql.exec('DELETE FROM chunks WHERE kind = ? AND upto > ? AND upto <= ?', kind, projectedOf(sql, kind), expired);
  return upto;
}

const lastOf = (sql: SqlStorage, kind: number): number =>
  sql.exec<{ upto: number | null }>('SELECT max(upto) AS upto FROM chunks WHERE kind = ?', kind).one().upto ?? 0;

function markOf(sql: SqlStorage, name: string): SqlStorageValue {
  return sql.exec('SELECT value FROM marks WHERE name = ?', name).toArray()[0]?.value ?? null;
}

const projectedOf = (sql: SqlStorage, kind: number): number => Number(markOf(sql, `projected:${kind}`) ?? 0);

export const projectedAtOf = (sql: SqlStorage): number => Number(markOf(sql, 'projectedAt') ?? 0);

function setMark(sql: SqlStorage, name: string, value: number): void {
  sql.exec('INSERT INTO marks VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', name, value);
}

type Chunk = { kind: number; upto: number; doc: string };

/** One step of the projection: what D1 does not show yet, and what it shows and should not. */
export type LogProjection = {
  readonly channelId: string;
  readonly added: readonly Chunk[];
  readonly expired: readonly Chunk[];
  /** Those of the expired that grew old; the others were pushed out by newer ones before their time. */
  readonly aged: readonly Chunk[];
  /** JSON of counts that changed, as absolute values. */
  readonly counts: string | null;
  readonly countsBefore: number;
};

/** The next step; null when D1 shows everything. */
export function readLogProjection(sql: SqlStorage, now: number): LogProjection | null {
  const added: Chunk[] = [];
  const expired: Chunk[] = [];
  const aged: Chunk[] = [];
  for (const [kind, keptMax] of KEPT_MAX.entries()) {
    const [projected, kept] = [projectedOf(sql, kind), lastOf(sql, kind) - keptMax];
    added.push(...chunksOf(sql, kind, projected, Number.MAX_SAFE_INTEGER));
    const old = agedOf(sql, kind, now);
    const going = chunksOf(sql, kind, 0, Math.min(projected, Math.max(kept, old)));
    expired.push(...going);
    aged.push(...going.filter(({ upto }) => upto <= old));
  }
  const counts = sql
    .exec('SELECT minute, verdict, reason, count FROM counts WHERE dirty = 1 ORDER BY minute LIMIT ?', COUNTS_MAX)
    .toArray();
  if (added.length === 0 && expired.length === 0 && counts.length === 0) return null;
  return {
    channelId: String(markOf(sql, 'channel')),
    added,
    expired,
    aged,
    counts: counts.length > 0 ? JSON.stringify(counts) : null,
    countsBefore: minuteOf(countsFrom(sql, now)),
  };
}

/** The step without letting go of what grew old; null when nothing is left to do. */
export function keepingAged(step: LogProjection): LogProjection | null {
  const expired = step.expired.filter((chunk) => !step.aged.includes(chunk));
  const isDone = step.added.length === 0 && expired.length === 0 && step.counts === null;
  return isDone ? null : { ...step, expired, aged: [] };
}

/** What grew old, for an archive: each arrival, and the bytes of a notice that was kept whole. */
export function agedArchive(
  sql: SqlStorage,
  log: string,
  { channelId: channel, aged }: LogProjection,
): Archived | null {
  const lines = aged.flatMap(({ kind, upto, doc }) => {
    const arrivals = JSON.parse(doc) as Arrival[]; // written by addChunk alone
    const notice = kind === NOTICE ? noticeAt(sql, upto) : null;
    return arrivals.map(({ at, ...rest }) => ({ at, line: { at: new Date(at).toISOString(), ...rest, ...notice } }));
  });
  if (lines.length === 0) return null;
  // Kind and number say which rows of this log these are: the same ones again are the same object.
  const [first, last] = [aged[0], aged.at(-1)].map((chunk) => `${chunk?.kind}.${chunk?.upto}`);
  return { kind: 'rejections', channel, place: `${log}-${first}-${last}`, lines };
}

function noticeAt(sql: SqlStorage, upto: number) {
  const [row] = sql
    .exec<{ content_type: string | null; headers: string; body: ArrayBuffer }>(
      'SELECT content_type, headers, body FROM notices WHERE upto = ?',
      upto,
    )
    .toArray();
  if (!row) return null;
  return { contentType: row.content_type, headers: row.headers, body: new Uint8Array(row.body).toBase64() };
}

/** How long the channel keeps what leaves no order; null: as many as there is room for. */
export type LogRetention = Pick<Retention, 'evidenceDays' | 'rejectionsDays'>;

export function setLogRetention(sql: SqlStorage, { evidenceDays, rejectionsDays }: LogRetention): void {
  if (daysOf(sql, 'evidenceDays') !== evidenceDays) setMark(sql, 'evidenceDays', evidenceDays);
  if (daysOf(sql, 'rejectionsDays') !== rejectionsDays) setMark(sql, 'rejectionsDays', rejectionsDays);
}

const daysOf = (sql: SqlStorage, name: 'evidenceDays' | 'rejectionsDays'): number =>
  Number(markOf(sql, name) ?? DEFAULT_RETENTION[name]);

const countsFrom = (sql: SqlStorage, now: number): number =>
  Math.max(now - ARRIVAL_COUNTS_KEPT_MS, cutoffOf(daysOf(sql, 'rejectionsDays'), now));

/** The last of the oldest chunks whose samples are all older than they are kept; 0 when none is. */
function agedOf(sql: SqlStorage, kind: number, now: number): number {
  const cutoff = cutoffOf(daysOf(sql, kind === NOTICE ? 'evidenceDays' : 'rejectionsDays'), now);
  const oldest = sql
    .exec<{ upto: number; at: number }>(
      "SELECT upto, doc ->> '$[#-1].at' AS at FROM chunks WHERE kind = ? ORDER BY upto LIMIT ?",
      kind,
      CHUNKS_MAX,
    )
    .toArray();
  const young = oldest.findIndex(({ at }) => at >= cutoff);
  return (young < 0 ? oldest.at(-1) : oldest[young - 1])?.upto ?? 0;
}

const chunksOf = (sql: SqlStorage, kind: number, after: number, upto: number): Chunk[] =>
  sql
    .exec<Chunk>(
      'SELECT kind, upto, doc FROM chunks WHERE kind = ? AND upto > ? AND upto <= ? ORDER BY upto LIMIT ?',
      kind,
      after,
      upto,
      CHUNKS_MAX,
    )
    .toArray();

/** The step as statements of one D1 batch. Repeating it changes nothing. */
export function logProjectionStatements(db: D1Database, step: LogProjection): D1PreparedStatement[] {
  const { channelId, added, expired, counts, countsBefore } = step;
  const field = (name: string) => `value ->> '$.${name}'`;
  const fields = ['verdict', 'reason', 'detail', 'remoteAddress', 'orderNo', 'noticeType', 'digest', 'bytes'];
  const add = `INSERT INTO callbacks
    (channel, at, id, verdict, reason, detail, remote_address, order_no, notice_type, digest, bytes)
    SELECT ?2, ${['at', 'id', ...fields].map(field).join(', ')} FROM json_each(?1) WHERE true ON CONFLICT DO NOTHING`;
  const remove = `DELETE FROM callbacks WHERE (at, id) IN (SELECT ${field('at')}, ${field('id')} FROM json_each(?1))`;
  const count = `INSERT INTO callback_counts (channel, minute, verdict, reason, count)
    SELECT ?2, ${['minute', 'verdict', 'reason', 'count'].map(field).join(', ')} FROM json_each(?1) WHERE true
    ON CONFLICT DO UPDATE SET count = excluded.count WHERE excluded.count > callback_counts.count`;
  const forget = `DELETE FROM callback_counts WHERE channel = ?1 AND (minute, verdict, reason) IN (
    SELECT minute, verdict, reason FROM callback_counts WHERE channel = ?1 AND minute < ?2 LIMIT ${COUNTS_MAX})`;
  return [
    ...added.map(({ doc }) => db.prepare(add).bind(doc, channelId)),
    ...expired.map(({ doc }) => db.prepare(remove).bind(doc)),
    ...(counts === null ? [] : [db.prepare(count).bind(counts, channelId), ...foldMinutes(db, channelId, counts)]),
    ...[db.prepare(forget).bind(channelId, countsBefore), forgetArrivals(db, channelId, countsBefore)],
  ];
}

/** Marks a step as done. What changed while D1 was writing stays to be done. */
export function settleLogProjection(sql: SqlStorage, step: LogProjection, now: number): void {
  for (const { kind, upto } of step.added) setMark(sql, `projected:${kind}`, upto);
  for (const { kind, upto } of step.expired) {
    sql.exec('DELETE FROM chunks WHERE kind = ? AND upto = ?', kind, upto);
    if (kind === NOTICE) sql.exec('DELETE FROM notices WHERE upto <= ?', upto);
  }
  if (step.counts !== null) {
    sql.exec(
      `UPDATE counts SET dirty = 0 WHERE dirty = 1 AND (minute, verdict, reason, count) IN (
         SELECT value ->> '$.minute', value ->> '$.verdict', value ->> '$.reason', value ->> '$.count'
         FROM json_each(?))`,
      step.counts,
    );
  }
  sql.exec(
    `DELETE FROM counts WHERE (minute, verdict, reason) IN (
       SELECT minute, verdict, reason FROM counts WHERE minute < ? AND dirty = 0 LIMIT ${COUNTS_MAX})`,
    step.countsBefore,
  );
  setMark(sql, 'projectedAt', now);
}

/** D1 adds counts up while it is told them: what a log told before that is told again, once. */
export function tellCountsAgain(sql: SqlStorage): void {
  if (markOf(sql, 'folded') !== null) return;
  sql.exec('UPDATE counts SET dirty = 1');
  setMark(sql, 'folded', 1);
}

/** Everything is to be shown again: D1 was lost or is being rebuilt. */
export const unproject = (sql: SqlStorage) =>
  sql.exec("DELETE FROM marks WHERE name LIKE 'projected:%'; UPDATE counts SET dirty = 1");
