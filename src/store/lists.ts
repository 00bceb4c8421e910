// The lists of /v1, read from the projection in D1: keyset pages, newest first, each along an index. Never truth, never
// written here.
import type { Verdict } from '../core/callback.ts';
import { LIST_SCAN_MAX } from '../core/limits.ts';
import { all, given, type Page, readStretches, type Term, term, type Walk } from './stretch.ts';

const scanMax = (limit: number) => Math.max(LIST_SCAN_MAX, limit + 1);

/** When, epoch milliseconds; `to` is not included. */
type Span = { readonly from?: number | undefined; readonly to?: number | undefined };
const spanOf = (column: string, { from, to }: Span): Term[] =>
  given([from !== undefined && term(`${column} >= ?`, from), to !== undefined && term(`${column} < ?`, to)]);
const is = (column: string, value: string | undefined): Term | false =>
  value !== undefined && term(`${column} = ?`, value);

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
export type DeliveryFilter = Span & {
  readonly channel?: string | undefined;
  readonly state?: string | undefined;
  readonly origin?: string | undefined;
  readonly orderNo?: string | undefined;
};

export function listDeliveries(
  db: D1Database,
  filter: DeliveryFilter,
  place: DeliveryPlace | null,
  limit: number,
): Promise<Page<DeliveryRow>> {
  const { channel, state, origin, orderNo } = filter;
  // The partial index holds everything but the delivered majority, and the key itself is in the order of the time.
  const isOpen = state !== undefined && state !== 'delivered';
  const where = all(
    given([
      isOpen && term("state = ? AND state <> 'delivered'", state),
      ...spanOf('created_at', filter),
      place && term('(created_at, event_id, origin) < (?, ?, ?)', ...place),
    ]),
  );
  const walk: Walk = {
    along: {
      sql: `FROM deliveries ${isOpen ? 'INDEXED BY deliveries_open' : ''} WHERE ${where.sql}
        ORDER BY created_at DESC, event_id DESC, origin DESC`,
      values: where.values,
    },
    columns: `created_at, event_id, origin, channel, order_no, sequence, state, reason, attempts, last_outcome,
      last_status, due_at, updated_at`,
    by: ['created_at', 'event_id', 'origin'],
    isDown: true,
    sift: given([!isOpen && is('state', state), is('channel', channel), is('origin', origin), is('order_no', orderNo)]),
  };
  return readStretches(db, [walk], limit, scanMax(limit));
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
export type CallbackFilter = Span & {
  readonly channel?: string | undefined;
  readonly verdict?: Verdict | undefined;
  readonly reason?: string | undefined;
  readonly orderNo?: string | undefined;
};

/** What a ledger committed was accepted, or parked; the rest of the verdicts never reach a ledger's table. */
const EVENT_VERDICT = "CASE verdict WHEN 'parked' THEN 'parked' ELSE 'accepted' END";
/** An accepted callback from outside a monitored allowlist left a sample that says so. */
const MONITORED = `(SELECT c.reason FROM callbacks c WHERE c.at = events.received_at AND c.channel = events.channel
  AND c.order_no = events.order_no AND c.verdict IN ('accepted', 'parked') LIMIT 1)`;

/** Every arrival: those that became a fact of an order, and those that changed none. */
export function listCallbacks(
  db: D1Database,
  filter: CallbackFilter,
  place: CallbackPlace | null,
  limit: number,
): Promise<Page<CallbackRow>> {
  const { verdict, reason } = filter;
  const isFact = verdict === 'accepted' || verdict === 'parked';
  const walks = [
    ...(verdict !== undefined && !isFact ? [] : [walkOfFacts(filter, place)]),
    // Of an accepted one a sample is all that knows a reason, and that is shown with its fact.
    ...(isFact ? [] : [walkOfOthers(filter, place)]),
  ];
  return readStretches(db, reason === undefined || !isFact ? walks : walks.slice(0, 1), limit, scanMax(limit));
}

const COLUMNS = 'at, id, channel, verdict, reason, detail, remote_address, order_no, notice_type, digest, bytes';

function walkOfFacts(filter: CallbackFilter, place: CallbackPlace | null): Walk {
  const where = all(
    given([...spanOf('received_at', filter), place && term('(received_at, event_id) < (?, ?)', ...place)]),
  );
  return {
    along: {
      sql: `FROM events INDEXED BY events_by_time WHERE ${where.sql} ORDER BY received_at DESC, event_id DESC`,
      values: where.values,
    },
    columns: `received_at AS at, event_id AS id, channel, ${EVENT_VERDICT} AS verdict, ${MONITORED} AS reason,
      NULL AS detail, remote_address, order_no, NULL AS notice_type, digest, NULL AS bytes, source`,
    by: ['received_at', 'event_id'],
    isDown: true,
    sift: [term("source = 'callback'"), ...siftsOf(filter), ...given([is('verdict', filter.verdict)])],
  };
}

function walkOfOthers(filter: CallbackFilter, place: CallbackPlace | null): Walk {
  const { channel, orderNo, verdict } = filter;
  const isOfOrder = channel !== undefined && orderNo !== undefined;
  const index = isOfOrder ? 'INDEXED BY callbacks_by_order' : channel ? 'INDEXED BY callbacks_by_channel' : '';
  const where = all(
    given([
      is('channel', channel),
      isOfOrder && is('order_no', orderNo),
      ...spanOf('at', filter),
      place && term('(at, id) < (?, ?)', ...place),
    ]),
  );
  return {
    along: { sql: `FROM callbacks ${index} WHERE ${where.sql} ORDER BY at DESC, id DESC`, values: where.values },
    columns: COLUMNS,
    by: ['at', 'id'],
    isDown: true,
    sift: [
      ...siftsOf(filter),
      verdict === undefined ? term("verdict NOT IN ('accepted', 'parked')") : term('verdict = ?', verdict),
    ],
  };
}

const siftsOf = ({ channel, reason, orderNo }: CallbackFilter): Term[] =>
  given([is('channel', channel), is('reason', reason), is('order_no', orderNo)]);

export type RejectionCount = {
  readonly channel: string;
  readonly minute: number;
  readonly reason: string;
  readonly count: number;
};

/** Exact counts of refusals by minute since then, newest first; of each channel that anything arrived for. */
export async function countRejections(
  db: D1Database,
  channel: string | undefined,
  since: number,
  limit: number,
): Promise<readonly RejectionCount[]> {
  // The key begins with the channel: without one, each is looked up by its own beginning, and none is read through.
  const channels = `WITH RECURSIVE c (channel) AS (SELECT MIN(channel) FROM callback_counts UNION ALL
    SELECT (SELECT MIN(o.channel) FROM callback_counts o WHERE o.channel > c.channel) FROM c
    WHERE c.channel IS NOT NULL)`;
  const [begin, from] = channel === undefined ? [channels, 'c'] : ['', '(SELECT ? AS channel) c'];
  const { results } = await db
    .prepare(
      `${begin} SELECT r.channel, r.minute, r.reason, r.count FROM ${from}
       CROSS JOIN callback_counts r ON r.channel = c.channel AND r.minute >= ? AND r.verdict = 'rejected'
       ORDER BY r.minute DESC, r.channel, r.reason LIMIT ?`,
    )
    .bind(...(channel === undefined ? [] : [channel]), since, limit)
    .all<RejectionCount>();
  return results;
}

export const WAITING_STATES = ['waiting', 'paused', 'held', 'dead'] as const;
const OPEN_COUNTED_MAX = 10_000;

/** How many deliveries are in each state that is not the end, up to a bound; from the partial index alone. */
export async function countOpenDeliveries(db: D1Database): Promise<readonly { state: string; count: number }[]> {
  const counting = db.prepare(
    `SELECT COUNT(*) AS count FROM (SELECT 1 FROM deliveries WHERE state = ? AND state <> 'delivered' LIMIT ?)`,
  );
  const found = await db.batch<{ count: number }>(
    WAITING_STATES.map((state) => counting.bind(state, OPEN_COUNTED_MAX)),
  );
  return WAITING_STATES.map((state, index) => ({ state, count: found[index]?.results[0]?.count ?? 0 }));
}

type WaitingCount = {
  readonly state: (typeof WAITING_STATES)[number];
  readonly count: number;
  readonly isMore: boolean;
  readonly oldestAt: number | null;
};

/** The same with the oldest of each, among the oldest so many; null: of all channels. */
export async function countWaiting(
  db: D1Database,
  channel: string | null,
  max: number,
): Promise<readonly WaitingCount[]> {
  const counting = db.prepare(
    `SELECT COUNT(*) AS seen, SUM(?3 IS NULL OR channel = ?3) AS count,
       MIN(CASE WHEN ?3 IS NULL OR channel = ?3 THEN created_at END) AS oldestAt
     FROM (SELECT created_at, channel FROM deliveries WHERE state = ?1 AND state <> 'delivered'
       ORDER BY created_at LIMIT ?2)`,
  );
  type Row = { readonly seen: number; readonly count: number | null; readonly oldestAt: number | null };
  const found = await db.batch<Row>(WAITING_STATES.map((state) => counting.bind(state, max, channel)));
  return WAITING_STATES.map((state, index) => {
    const { seen = 0, count = 0, oldestAt = null } = found[index]?.results[0] ?? {};
    return { state, count: count ?? 0, isMore: seen >= max, oldestAt };
  });
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
