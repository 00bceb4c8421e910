// The locator's tables: which order a provider's id means, and the facts that wait for their order. Synchronous SQL.
import { type DispatchConfig, wholeDispatch } from '../core/channel.ts';
import type { Fact, Link } from '../core/event.ts';
import type { FactInput, UnlinkedInput } from '../core/record.ts';

const TABLES = `
CREATE TABLE links (id TEXT PRIMARY KEY, order_no TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE waiting (
  seq INTEGER PRIMARY KEY, link_id TEXT NOT NULL, fact_key TEXT NOT NULL, doc TEXT NOT NULL, body BLOB,
  received_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX waiting_by_fact ON waiting (link_id, fact_key);
CREATE TABLE forward (seq INTEGER PRIMARY KEY, order_no TEXT NOT NULL, doc TEXT NOT NULL, body BLOB);
CREATE TABLE settings (id INTEGER PRIMARY KEY, doc TEXT NOT NULL);
`;

/** Ids that have to be asked about: added later, so that a locator of an older version lacks it. */
const ASKS = `CREATE TABLE IF NOT EXISTS asks (
  due_at INTEGER NOT NULL, link_id TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (due_at, link_id)
) WITHOUT ROWID`;

export type LocatorSettings = { readonly shards: number; readonly uid: string; readonly dispatch: DispatchConfig };

export const hasLocatorTables = (sql: SqlStorage): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'links'").toArray().length > 0;

export function createLocatorTables(sql: SqlStorage): void {
  sql.exec(TABLES);
  upgradeLocatorTables(sql);
}

export function upgradeLocatorTables(sql: SqlStorage): void {
  sql.exec(ASKS);
}

/** `since`: when the first fact began to wait for this id. */
export type LinkAsk = { readonly dueAt: number; readonly linkId: string; readonly since: number };

export function putAsk(sql: SqlStorage, { dueAt, linkId, since }: LinkAsk): void {
  sql.exec('INSERT INTO asks (due_at, link_id, since) VALUES (?, ?, ?) ON CONFLICT DO NOTHING', dueAt, linkId, since);
}

/** Always false: nothing is left to ask. */
export function dropAsk(sql: SqlStorage, { dueAt, linkId }: LinkAsk): false {
  sql.exec('DELETE FROM asks WHERE due_at = ? AND link_id = ?', dueAt, linkId);
  return false;
}

export const firstAsks = (sql: SqlStorage, limit: number): LinkAsk[] =>
  sql
    .exec<LinkAsk>('SELECT due_at AS dueAt, link_id AS linkId, since FROM asks ORDER BY due_at LIMIT ?', limit)
    .toArray();

export const isWaiting = (sql: SqlStorage, linkId: string): boolean =>
  sql.exec('SELECT 1 FROM waiting WHERE link_id = ? LIMIT 1', linkId).toArray().length > 0;

export function writeSettings(sql: SqlStorage, settings: LocatorSettings): void {
  sql.exec(
    `INSERT INTO settings (id, doc) VALUES (1, ?)
     ON CONFLICT DO UPDATE SET doc = excluded.doc WHERE doc <> excluded.doc`,
    JSON.stringify(settings),
  );
}

export function readSettings(sql: SqlStorage): LocatorSettings {
  const { doc } = sql.exec<{ doc: string }>('SELECT doc FROM settings').one();
  const settings = JSON.parse(doc) as LocatorSettings; // writeSettings' own
  return { ...settings, dispatch: wholeDispatch(settings.dispatch) };
}

export const orderOf = (sql: SqlStorage, id: string): string | null =>
  sql.exec<{ order_no: string }>('SELECT order_no FROM links WHERE id = ?', id).toArray()[0]?.order_no ?? null;

/** The order that has this id already, when it is another one; else null, and the link stands. */
export function putLink(sql: SqlStorage, { id, orderNo }: Link): string | null {
  const known = orderOf(sql, id);
  if (known === null) sql.exec('INSERT INTO links (id, order_no) VALUES (?, ?)', id, orderNo);
  return known === null || known === orderNo ? null : known;
}

/** False when this fact waits already. */
export function putWaiting(sql: SqlStorage, input: UnlinkedInput, key: string): boolean {
  const { evidence, ...rest } = input;
  const doc = JSON.stringify({ ...rest, evidence: evidence && { ...evidence, body: null } });
  const cursor = sql.exec(
    `INSERT INTO waiting (link_id, fact_key, doc, body, received_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    input.event.linkId,
    key,
    doc,
    evidence?.body ?? null,
    input.receivedAt,
  );
  return cursor.rowsWritten > 0;
}

type WaitingRow = { readonly seq: number; readonly doc: string; readonly body: ArrayBuffer | null };

/** What waited for this id, now that its order is known: taken out, in the order of arrival. */
export function takeWaiting(sql: SqlStorage, id: string, orderNo: string): FactInput[] {
  const rows = sql
    .exec<WaitingRow>('SELECT seq, doc, body FROM waiting WHERE link_id = ? ORDER BY seq', id)
    .toArray()
    .map(({ doc, body }) => {
      const { event, ...rest } = withBody<UnlinkedInput>(doc, body);
      const { linkId: _, ...named } = { ...event, orderNo };
      return { ...rest, event: named as Fact }; // the union loses its arms in the spread; only orderNo was missing
    });
  if (rows.length > 0) sql.exec('DELETE FROM waiting WHERE link_id = ?', id);
  return rows;
}

/** The evidence's bytes live beside the JSON. */
function withBody<T extends { readonly evidence: FactInput['evidence'] }>(doc: string, body: ArrayBuffer | null): T {
  const input = JSON.parse(doc) as T; // written by putWaiting or putForward alone
  const evidence = input.evidence && body ? { ...input.evidence, body: new Uint8Array(body) } : input.evidence;
  return { ...input, evidence };
}

export function putForward(sql: SqlStorage, input: FactInput, now: number): void {
  const { evidence, ...rest } = input;
  sql.exec(
    'INSERT INTO forward (order_no, doc, body) VALUES (?, ?, ?)',
    input.event.orderNo,
    JSON.stringify({ ...rest, evidence: evidence && { ...evidence, body: null }, since: now }),
    evidence?.body ?? null,
  );
}

export type Forward = { readonly seq: number; readonly input: FactInput };

export const pendingForwards = (sql: SqlStorage, after: number, limit: number): Forward[] =>
  sql
    .exec<WaitingRow>('SELECT seq, doc, body FROM forward WHERE seq > ? ORDER BY seq LIMIT ?', after, limit)
    .toArray()
    .map(({ seq, doc, body }) => {
      const { since: _, ...input } = withBody<FactInput & { readonly since?: number }>(doc, body);
      return { seq, input };
    });

export function dropForward(sql: SqlStorage, seq: number): void {
  sql.exec('DELETE FROM forward WHERE seq = ?', seq);
}

export type Summary = { readonly count: number; readonly oldestAt: number | null };

/** How many facts wait for an order, and since when the first of them. */
export const waitingSummary = (sql: SqlStorage): Summary =>
  sql.exec<Summary>('SELECT COUNT(*) AS count, MIN(received_at) AS oldestAt FROM waiting').one();

/** How many facts wait to be brought to their order, and since when the first of them. */
export const forwardSummary = (sql: SqlStorage): Summary =>
  sql.exec<Summary>("SELECT COUNT(*) AS count, MIN(doc ->> '$.since') AS oldestAt FROM forward").one();

export const askOf = (sql: SqlStorage, dueAt: number, linkId: string): LinkAsk | null =>
  sql
    .exec<LinkAsk>(
      'SELECT due_at AS dueAt, link_id AS linkId, since FROM asks WHERE due_at = ? AND link_id = ?',
      dueAt,
      linkId,
    )
    .toArray()[0] ?? null;
