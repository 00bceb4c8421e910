// SQL of a reconciler: its runs, one row a day, and the files of the bills while they are compared. Tables are made
// with the first run. Synchronous; whoever calls wraps what belongs together in one transaction.
import type { Act } from '../core/act.ts';
import type { BillDay } from '../core/bill.ts';
import { IDEMPOTENCY_KEPT_MS } from '../core/limits.ts';
import type { Reconciliation } from '../core/reconciliation.ts';
import type { WriteStamp } from '../core/registry.ts';
import { BILL_PART_BYTES } from '../core/run-limits.ts';
import type { Untied } from '../core/settlement.ts';

const TABLES = `
CREATE TABLE runs (
  day TEXT PRIMARY KEY, state TEXT NOT NULL, retry_at INTEGER, told INTEGER NOT NULL, version INTEGER NOT NULL,
  doc TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX runs_open ON runs (retry_at, day) WHERE retry_at IS NOT NULL;
CREATE INDEX runs_untold ON runs (day) WHERE told = 0;
CREATE TABLE files (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL);
CREATE TABLE parts (
  file INTEGER NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (file, part)
) WITHOUT ROWID;
CREATE TABLE discrepancies (
  id TEXT PRIMARY KEY, day TEXT NOT NULL, bill TEXT NOT NULL, kind TEXT NOT NULL, status TEXT NOT NULL,
  run INTEGER NOT NULL, todo TEXT, told INTEGER NOT NULL, version INTEGER NOT NULL, doc TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX discrepancies_open ON discrepancies (day, bill, id) WHERE status = 'open';
CREATE INDEX discrepancies_todo ON discrepancies (day, id) WHERE todo IS NOT NULL;
CREATE INDEX discrepancies_untold ON discrepancies (id) WHERE told = 0;
CREATE TABLE untied (day TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE acts (id INTEGER PRIMARY KEY AUTOINCREMENT, doc TEXT NOT NULL);
CREATE TABLE keys (key TEXT PRIMARY KEY, digest TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE marks (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
`;

export const hasRunTables = (sql: SqlStorage): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'runs'").toArray().length > 0;

export function createRunTables(sql: SqlStorage, channel: string): void {
  if (hasRunTables(sql)) return;
  sql.exec(TABLES);
  sql.exec("INSERT INTO marks VALUES ('channel', ?)", channel);
}

/** The channel whose runs these are. */
export const channelOfRuns = (sql: SqlStorage): string =>
  sql.exec<{ value: string }>("SELECT value FROM marks WHERE name = 'channel'").one().value;

type RunRow = { readonly doc: string };
const runOf = ({ doc }: RunRow): Reconciliation => JSON.parse(doc) as Reconciliation; // written by putRun alone

/** Keeps it under a newer version than any that this channel's name ever had. */
export function putRun(sql: SqlStorage, run: Reconciliation, now: number): Reconciliation {
  const kept = { ...run, updatedAt: now, version: Math.max(run.version + 1, now) };
  sql.exec(
    `INSERT INTO runs (day, state, retry_at, told, version, doc) VALUES (?, ?, ?, 0, ?, ?)
     ON CONFLICT DO UPDATE SET state = excluded.state, retry_at = excluded.retry_at, told = 0,
       version = excluded.version, doc = excluded.doc`,
    kept.day,
    kept.state,
    kept.retryAt,
    kept.version,
    JSON.stringify(kept),
  );
  return kept;
}

export function readRun(sql: SqlStorage, day: BillDay): Reconciliation | null {
  const [row] = sql.exec<RunRow>('SELECT doc FROM runs WHERE day = ?', day).toArray();
  return row ? runOf(row) : null;
}

/** Lines that tie to nothing, apart from their run: D1 need not hear of each. */
export function putUntied(sql: SqlStorage, day: BillDay, lines: readonly Untied[]): void {
  sql.exec('INSERT OR REPLACE INTO untied VALUES (?, ?)', day, JSON.stringify(lines));
}

export function readUntied(sql: SqlStorage, day: BillDay): readonly Untied[] {
  const [row] = sql.exec<RunRow>('SELECT doc FROM untied WHERE day = ?', day).toArray();
  return row ? (JSON.parse(row.doc) as Untied[]) : []; // written by putUntied alone
}

/** The one that has waited longest of those that want something done; and when the first of them does. */
export function nextRun(sql: SqlStorage): Reconciliation | null {
  const [row] = sql
    .exec<RunRow>('SELECT doc FROM runs WHERE retry_at IS NOT NULL ORDER BY retry_at, day LIMIT 1')
    .toArray();
  return row ? runOf(row) : null;
}

/** Whether one is under way: what only waits for its bill is none. */
export const isRunning = (sql: SqlStorage): boolean =>
  sql.exec("SELECT 1 FROM runs WHERE retry_at IS NOT NULL AND state = 'running' LIMIT 1").toArray().length > 0;

/** Whether a day is left whose bill nobody could fetch or read. */
export const hasFailed = (sql: SqlStorage): boolean =>
  sql.exec("SELECT 1 FROM runs WHERE state IN ('missing', 'refused') LIMIT 1").toArray().length > 0;

/** Days from then on whose trade bill came from the provider, or is being asked for; and those still under way. */
export function daysAsked(sql: SqlStorage, since: BillDay): ReadonlySet<BillDay> {
  const rows = sql.exec<RunRow>('SELECT doc FROM runs WHERE day >= ?', since).toArray().map(runOf);
  const isAsked = ({ bills, retryAt }: Reconciliation) =>
    retryAt !== null || bills.some(({ source }) => source === 'provider');
  return new Set(rows.filter(isAsked).map(({ day }) => day));
}

/** What a person did, until the audit log has it. */
export type RunAct = Act & { readonly at: number; readonly orderNo: string };

export function putRunAct(sql: SqlStorage, act: RunAct): void {
  sql.exec('INSERT INTO acts (doc) VALUES (?)', JSON.stringify(act));
}

export const runActs = (sql: SqlStorage, limit: number): readonly (RunAct & { readonly id: number })[] =>
  sql
    .exec<RunRow & { id: number }>('SELECT id, doc FROM acts ORDER BY id LIMIT ?', limit)
    .toArray()
    .map(({ id, doc }) => ({ ...(JSON.parse(doc) as RunAct), id })); // written by putRunAct alone

export function dropRunActs(sql: SqlStorage, upto: number): void {
  sql.exec('DELETE FROM acts WHERE id <= ?', upto);
}

/** Whether this Idempotency-Key came before, with this request or another; remembered when it is new. */
export function claimRunKey(sql: SqlStorage, { key, digest, now }: WriteStamp): 'fresh' | 'same' | 'reused' {
  if (key === null) return 'fresh';
  sql.exec('DELETE FROM keys WHERE at < ?', now - IDEMPOTENCY_KEPT_MS);
  const [known] = sql.exec<{ digest: string }>('SELECT digest FROM keys WHERE key = ?', key).toArray();
  if (known) return known.digest === digest ? 'same' : 'reused';
  sql.exec('INSERT INTO keys VALUES (?, ?, ?)', key, digest, now);
  return 'fresh';
}

/** What it was claimed for was not done. */
export function forgetRunKey(sql: SqlStorage, { key }: WriteStamp): void {
  if (key !== null) sql.exec('DELETE FROM keys WHERE key = ?', key);
}

export const newFile = (sql: SqlStorage, now: number): number =>
  sql.exec<{ id: number }>('INSERT INTO files (at) VALUES (?) RETURNING id', now).one().id;

export function putPart(sql: SqlStorage, file: number, part: number, bytes: Uint8Array): void {
  sql.exec('INSERT INTO parts VALUES (?, ?, ?)', file, part, bytes);
}

export function dropFile(sql: SqlStorage, file: number): void {
  sql.exec('DELETE FROM parts WHERE file = ?', file);
  sql.exec('DELETE FROM files WHERE id = ?', file);
}

/** Files that no run holds: what a restart left behind. */
export function looseFiles(sql: SqlStorage): readonly number[] {
  const rows = sql.exec<{ id: number }>('SELECT id FROM files').toArray();
  if (rows.length === 0) return [];
  const held = sql.exec<RunRow>('SELECT doc FROM runs WHERE retry_at IS NOT NULL').toArray().map(runOf);
  const files = new Set(held.flatMap(({ bills }) => bills.map(({ file }) => file)));
  return rows.map(({ id }) => id).filter((id) => !files.has(id));
}

/** The bytes of a file, a part at a time. */
export async function* partsOf(sql: SqlStorage, file: number): AsyncGenerator<Uint8Array> {
  for (let part = 0; ; part++) {
    const [row] = sql
      .exec<{ bytes: ArrayBuffer }>('SELECT bytes FROM parts WHERE file = ? AND part = ?', file, part)
      .toArray();
    if (row === undefined) return;
    yield new Uint8Array(row.bytes);
  }
}

/** Cuts what comes into parts of one size, each written as soon as it is whole. Returns how many bytes there were. */
export async function keepParts(
  sql: SqlStorage,
  file: number,
  bytes: AsyncIterable<Uint8Array>,
  bytesMax: number,
): Promise<number | null> {
  const held = new Uint8Array(BILL_PART_BYTES);
  let [length, part, all] = [0, 0, 0];
  for await (const piece of bytes) {
    all += piece.length;
    if (all > bytesMax) return null;
    for (let from = 0; from < piece.length; ) {
      const some = piece.subarray(from, from + held.length - length);
      held.set(some, length);
      length += some.length;
      from += some.length;
      if (length < held.length) continue;
      putPart(sql, file, part++, held);
      length = 0;
    }
  }
  if (length > 0) putPart(sql, file, part, held.subarray(0, length));
  return all;
}
