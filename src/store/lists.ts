// The lists of /v1, read from the projection in D1: keyset pages, newest first. Never truth, never written here.
// Each list asks for one row more than a page, so that the caller knows whether another page follows.
import type { Verdict } from '../core/callback.ts';

type Term = { readonly sql: string; readonly values: readonly (string | number)[] };
const term = (sql: string, ...values: readonly (string | number)[]): Term => ({ sql, values });

async function select<Row>(
  db: D1Database,
  columns: string,
  terms: readonly (Term | null | undefined | '')[],
  order: string,
  limit: number,
): Promise<readonly Row[]> {
  const given = terms.filter((one) => one !== null && one !== undefined && one !== '');
  const where = given.length === 0 ? '' : `WHERE ${given.map(({ sql }) => sql).join(' AND ')}`;
  const statement = db.prepare(`SELECT ${columns} ${where} ORDER BY ${order} LIMIT ?`);
  const { results } = await statement.bind(...given.flatMap(({ values }) => values), limit + 1).all<Row>();
  return results;
}

export type DeliveryRow = {
  readonly created_at: number;
  readonly event_id: string;
  readonly origin: string;
  readonly channel: string;
  readonly order_no: string;
  readonly sequence: number;
  readonly state: string;
  readonly reason: string | null;
  readonly attempts: number;
  readonly last_outcome: string | null;
  readonly last_status: number | null;
  readonly due_at: number | null;
  readonly updated_at: number;
};
export type DeliveryPlace = readonly [createdAt: number, eventId: string, origin: string];
export type DeliveryFilter = { readonly channel?: string | undefined; readonly state?: string | undefined };

export function listDeliveries(
  db: D1Database,
  filter: DeliveryFilter,
  place: DeliveryPlace | null,
  limit: number,
): Promise<readonly DeliveryRow[]> {
  // The second half lets SQLite use the partial index, which holds everything but the delivered majority.
  const open = filter.state !== undefined && filter.state !== 'delivered' ? " AND state <> 'delivered'" : '';
  return select<DeliveryRow>(
    db,
    `created_at, event_id, origin, channel, order_no, sequence, state, reason, attempts, last_outcome, last_status,
     due_at, updated_at FROM deliveries`,
    [
      filter.channel && term('channel = ?', filter.channel),
      filter.state && term(`state = ?${open}`, filter.state),
      place && term('(created_at, event_id, origin) < (?, ?, ?)', ...place),
    ],
    'created_at DESC, event_id DESC, origin DESC',
    limit,
  );
}

export type CallbackRow = {
  readonly at: number;
  readonly id: string;
  readonly channel: string;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly remote_address: string | null;
  readonly order_no: string | null;
  readonly notice_type: string | null;
  readonly digest: string | null;
  readonly bytes: number | null;
};
export type CallbackPlace = readonly [at: number, id: string];
export type CallbackFilter = { readonly channel?: string | undefined; readonly verdict?: Verdict | undefined };

/** What a ledger committed was accepted, or parked; the rest of the verdicts never reach a ledger's table. */
const EVENT_VERDICT = "CASE verdict WHEN 'parked' THEN 'parked' ELSE 'accepted' END";
/** An accepted callback from outside a monitored allowlist left a sample that says so. */
const MONITORED = `(SELECT c.reason FROM callbacks c WHERE c.at = events.received_at AND c.channel = events.channel
  AND c.order_no = events.order_no AND c.verdict IN ('accepted', 'parked') LIMIT 1)`;

/** Every arrival: those that became a fact of an order, and those that changed none. */
export async function listCallbacks(
  db: D1Database,
  filter: CallbackFilter,
  place: CallbackPlace | null,
  limit: number,
): Promise<readonly CallbackRow[]> {
  const { verdict } = filter;
  const isFact = verdict === 'accepted' || verdict === 'parked';
  const [facts, others] = await Promise.all([
    verdict === undefined || isFact ? listFacts(db, filter, place, limit) : [],
    verdict === undefined || !isFact ? listOthers(db, filter, place, limit) : [],
  ]);
  return [...facts, ...others].sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1)).slice(0, limit + 1);
}

function listFacts(db: D1Database, filter: CallbackFilter, place: CallbackPlace | null, limit: number) {
  return select<CallbackRow>(
    db,
    `received_at AS at, event_id AS id, channel, ${EVENT_VERDICT} AS verdict, ${MONITORED} AS reason, NULL AS detail,
     remote_address, order_no, NULL AS notice_type, digest, NULL AS bytes FROM events`,
    [
      term("source = 'callback'"),
      filter.channel && term('channel = ?', filter.channel),
      filter.verdict && term(`${EVENT_VERDICT} = ?`, filter.verdict),
      place && term('(received_at, event_id) < (?, ?)', ...place),
    ],
    'received_at DESC, event_id DESC',
    limit,
  );
}

function listOthers(db: D1Database, filter: CallbackFilter, place: CallbackPlace | null, limit: number) {
  return select<CallbackRow>(
    db,
    'at, id, channel, verdict, reason, detail, remote_address, order_no, notice_type, digest, bytes FROM callbacks',
    [
      filter.channel && term('channel = ?', filter.channel),
      filter.verdict ? term('verdict = ?', filter.verdict) : term("verdict NOT IN ('accepted', 'parked')"),
      place && term('(at, id) < (?, ?)', ...place),
    ],
    'at DESC, id DESC',
    limit,
  );
}

export type RejectionCount = {
  readonly channel: string;
  readonly minute: number;
  readonly reason: string;
  readonly count: number;
};

/** Exact counts of refusals by minute since then, newest first. */
export async function countRejections(
  db: D1Database,
  channel: string | undefined,
  since: number,
  limit: number,
): Promise<readonly RejectionCount[]> {
  const rows = await select<RejectionCount>(
    db,
    'channel, minute, reason, count FROM callback_counts',
    [channel && term('channel = ?', channel), term("minute >= ? AND verdict = 'rejected'", since)],
    'minute DESC, channel, reason',
    limit,
  );
  return rows.slice(0, limit);
}

const OPEN_STATES = ['waiting', 'paused', 'held', 'dead'] as const;
const OPEN_COUNTED_MAX = 10_000;

/** How many deliveries are in each state that is not the end, up to a bound; from the partial index alone. */
export async function countOpenDeliveries(db: D1Database): Promise<readonly { state: string; count: number }[]> {
  const counting = db.prepare(
    `SELECT COUNT(*) AS count FROM (SELECT 1 FROM deliveries WHERE state = ? AND state <> 'delivered' LIMIT ?)`,
  );
  const found = await db.batch<{ count: number }>(OPEN_STATES.map((state) => counting.bind(state, OPEN_COUNTED_MAX)));
  return OPEN_STATES.map((state, index) => ({ state, count: found[index]?.results[0]?.count ?? 0 }));
}

/** Which order an event is of; null while it is not projected. */
export const orderOfEvent = (db: D1Database, eventId: string) =>
  db
    .prepare('SELECT channel, order_no AS orderNo FROM events WHERE event_id = ?')
    .bind(eventId)
    .first<{ channel: string; orderNo: string }>();

/** Answers, and with that shows that D1 does and that its tables are there. */
export async function pingProjection(db: D1Database): Promise<void> {
  await db.prepare('SELECT 1 FROM orders LIMIT 1').all();
}
