// The projection: ledger rows read into plain rows, and those rows put into D1 in one batch. The newest version wins,
// so that a repeated or late write changes nothing. Never read by the ledger.
import type { Order } from '../core/order.ts';
import { paidAtOf, paidOf, refundedOf, stateOf } from '../core/order.ts';
import type { InlineSettlement } from './ledger-outbox.ts';

export type ProjectionBatch = {
  readonly orders: readonly Record<string, unknown>[];
  /** What orders are looked for by beside their number. */
  readonly ids: readonly Record<string, unknown>[];
  readonly events: readonly Record<string, unknown>[];
  readonly deliveries: readonly Record<string, unknown>[];
};

// What a parked row holds is for the ledger alone: nothing was told to anybody yet. `withheld` 1: not in the feed while
// it is held, or for good since it was discarded. 2: older than the lists are kept; only D1 knows whether that is news.
const EVENT_COLUMNS = `e.seq, e.event_id, e.order_no, e.sequence, e.type, e.verdict, e.source, e.remote_address,
  e.digest, e.occurred_at, e.received_at, CASE e.verdict WHEN 'parked' THEN NULL ELSE e.data END AS data,
  CASE WHEN e.decision IS 'discarded'
      OR EXISTS (SELECT 1 FROM holds h WHERE h.order_no = e.order_no AND h.from_seq <= e.seq) THEN 1
    WHEN e.received_at < ?1 THEN 2 ELSE 0 END AS withheld`;

/** Facts after the cursor, in the order of their commit. `keptSince`: the lists let go of what came before. */
export const eventsAfter = (sql: SqlStorage, keptSince: number, cursor: number, limit: number): EventRow[] =>
  sql
    .exec<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM events e WHERE e.seq > ?2 ORDER BY e.seq LIMIT ?3`,
      keptSince,
      cursor,
      limit,
    )
    .toArray();

/** Events of these orders, up to the cursor, that were held and let go: D1 may still have them as held. */
export const eventsReleased = (
  sql: SqlStorage,
  keptSince: number,
  orderNos: readonly string[],
  cursor: number,
): EventRow[] =>
  sql
    .exec<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM json_each(?2) j JOIN events e ON e.order_no = j.value
       WHERE e.decision = 'released' AND e.seq <= ?3 ORDER BY e.seq`,
      keptSince,
      JSON.stringify(orderNos),
      cursor,
    )
    .toArray();

/** All of one order's, up to the cursor. D1 was told nothing of it from `fromSeq` on, however old that is by now. */
export const eventsOf = (
  sql: SqlStorage,
  keptSince: number,
  { orderNo, fromSeq }: { readonly orderNo: string; readonly fromSeq: number },
  cursor: number,
): EventRow[] =>
  sql
    .exec<EventRow>(
      `SELECT ${EVENT_COLUMNS} FROM events e WHERE e.order_no = ?2 AND e.seq <= ?3 ORDER BY e.seq`,
      keptSince,
      orderNo,
      cursor,
    )
    .toArray()
    .map((row) => (row.seq >= fromSeq && row['withheld'] === 2 ? { ...row, withheld: 0 } : row));

type EventRow = Record<string, SqlStorageValue> & { readonly seq: number; readonly order_no: string };

/** Orders changed since `since`, by number: the sweep after a restart that lost the memory of them. */
export const ordersChangedSince = (sql: SqlStorage, after: string, since: number, limit: number): string[] =>
  sql
    .exec<{ order_no: string }>(
      'SELECT order_no FROM orders WHERE order_no > ? AND updated_at >= ? ORDER BY order_no LIMIT ?',
      after,
      since,
      limit,
    )
    .toArray()
    .map((row) => row.order_no);

/** The rows of these orders, and of the ids that they are found by. */
export function orderRows(
  sql: SqlStorage,
  channel: string,
  orderNos: readonly string[],
): Pick<ProjectionBatch, 'orders' | 'ids'> {
  const orders = sql
    .exec<{ doc: string }>(
      'SELECT o.doc FROM json_each(?) j JOIN orders o ON o.order_no = j.value',
      JSON.stringify(orderNos),
    )
    .toArray()
    .map(({ doc }) => JSON.parse(doc) as Order); // written by ledger-book.ts alone
  return {
    orders: orders.map((order) => orderRow(channel, order)),
    ids: orders.flatMap((order) => idRows(channel, order)),
  };
}

function idRows(channel: string, { orderNo, payments, refunds }: Order): Record<string, unknown>[] {
  const row = (kind: string, id: string | null) => (id ? [{ id, channel, order_no: orderNo, kind }] : []);
  return [
    ...payments.flatMap(({ transactionId }) => row('transaction', transactionId)),
    ...refunds.flatMap(({ refundNo, providerRefundId }) => [
      ...row('refund', refundNo),
      ...row('provider_refund', providerRefundId),
    ]),
  ];
}

function orderRow(channel: string, order: Order): Record<string, unknown> {
  const amount = order.registration?.amount ?? order.payments[0]?.amount ?? null;
  return {
    channel,
    order_no: order.orderNo,
    version: order.version,
    state: stateOf(order),
    flags: JSON.stringify(order.flags),
    amount_minor: amount?.minor ?? null,
    // A refund may be all that is known: its sum has a currency too.
    currency: (amount ?? refundedOf(order))?.currency ?? null,
    paid_minor: paidOf(order)?.minor ?? null,
    refunded_minor: refundedOf(order)?.minor ?? null,
    sequence: order.sequence,
    registered: order.registration ? 1 : 0,
    test: order.test ? 1 : 0,
    created_at: order.createdAt,
    updated_at: order.updatedAt,
    paid_at: paidAtOf(order),
  };
}

type DeliveryRead = {
  event_id: string;
  order_no: string;
  sequence: number;
  received_at: number;
  settled: string | null;
  origin_id: string | null;
  state: string | null;
  reason: string | null;
  due_at: number | null;
  attempt: number | null;
  rev: number | null;
  last: string | null;
};

/** Deliveries of these orders that have an outcome or a row; a first attempt under way is not told yet. */
export function deliveryRows(sql: SqlStorage, channel: string, orderNos: readonly string[], now: number) {
  return sql
    .exec<DeliveryRead>(
      `SELECT e.event_id, e.order_no, e.sequence, e.received_at, e.settled, d.origin_id, d.state, d.reason, d.due_at,
         d.attempt, d.rev, (SELECT a.doc FROM attempts a WHERE a.seq = d.seq AND a.origin_id = d.origin_id
           AND a.attempt = d.attempt) AS last
       FROM json_each(?) j JOIN events e ON e.order_no = j.value AND e.type IS NOT NULL
       LEFT JOIN deliveries d ON d.seq = e.seq
       WHERE e.settled IS NOT NULL OR d.seq IS NOT NULL`,
      JSON.stringify(orderNos),
    )
    .toArray()
    .flatMap((row) => [inlineRow(channel, row, now), waitingRow(channel, row, now)])
    .filter((row) => row !== null);
}

type LastAttempt = { readonly outcome: string; readonly status: number | null };

function inlineRow(channel: string, row: DeliveryRead, now: number): Record<string, unknown> | null {
  const settled = row.settled === null ? null : (JSON.parse(row.settled) as InlineSettlement); // by settleInline alone
  if (settled?.state === 'skipped' || settled?.state === 'cancelled') {
    const { state, replayed } = settled;
    const why = settled.state === 'skipped' ? (settled.reason ?? 'no_origin') : 'discarded';
    const [reason, version] = replayed ? ['replayed', 2] : [why, 1];
    return { ...common(channel, row, now), origin: '', version, state, reason, attempts: 0 };
  }
  if (settled?.state !== 'delivered') return null;
  const { originId: origin, attempt } = settled;
  const last = { attempts: attempt.attempt, last_outcome: attempt.outcome, last_status: attempt.status };
  return { ...common(channel, row, now), origin, version: 1, state: 'delivered', ...last };
}

function waitingRow(channel: string, row: DeliveryRead, now: number): Record<string, unknown> | null {
  if (row.origin_id === null) return null;
  const last = row.last === null ? null : (JSON.parse(row.last) as LastAttempt); // written by putAttempt alone
  return {
    ...common(channel, row, now),
    origin: row.origin_id,
    version: row.rev,
    state: row.reason === 'paused' && row.state === 'waiting' ? 'paused' : row.state,
    reason: row.reason,
    attempts: row.attempt,
    last_outcome: last?.outcome ?? null,
    last_status: last?.status ?? null,
    due_at: row.due_at,
  };
}

const common = (channel: string, row: DeliveryRead, now: number) => ({
  created_at: row.received_at,
  event_id: row.event_id,
  channel,
  order_no: row.order_no,
  sequence: row.sequence,
  reason: null,
  last_outcome: null,
  last_status: null,
  due_at: null,
  updated_at: now,
});

const ORDER_FIELDS = `channel order_no version state flags amount_minor currency paid_minor refunded_minor sequence
  registered test created_at updated_at paid_at`.split(/\s+/);
const EVENT_FIELDS = `event_id channel order_no sequence type verdict source remote_address digest occurred_at
  received_at data`.split(/\s+/);
const DELIVERY_FIELDS = `created_at event_id origin channel order_no sequence version state reason attempts
  last_outcome last_status due_at updated_at`.split(/\s+/);

/** An upsert of a JSON array of rows. `conflict` says what happens to a row that is there already. */
function upsert(table: string, fields: readonly string[], conflict: string): string {
  return `INSERT INTO ${table} (${fields.join(', ')}) SELECT ${valuesOf(fields)} FROM json_each(?1) j
    WHERE true ${conflict}`;
}

function valuesOf(fields: readonly string[]): string {
  return fields.map((name) => `j.value ->> '$.${name}'`).join(', ');
}

/** Newest version wins; the key and the order's creation stay as they were first told. */
function replaceOlder(table: string, fields: readonly string[], key: readonly string[]): string {
  const changing = fields.filter((name) => !key.includes(name) && name !== 'created_at');
  const updates = changing.map((name) => `${name} = excluded.${name}`).join(', ');
  return `ON CONFLICT (${key.join(', ')}) DO UPDATE SET ${updates} WHERE excluded.version > ${table}.version`;
}

const ORDER_KEY = ['channel', 'order_no'];
const DELIVERY_KEY = ['created_at', 'event_id', 'origin'];
const PUT_ORDERS = upsert('orders', ORDER_FIELDS, replaceOlder('orders', ORDER_FIELDS, ORDER_KEY));
const ID_FIELDS = ['id', 'channel', 'order_no', 'kind'];
const PUT_IDS = upsert('order_ids', ID_FIELDS, 'ON CONFLICT DO NOTHING');
// An event that waited here, for its registration or for a person, comes once more under its id: the feed has to meet
// it as a new one, behind all that it has given. Any other that is here was told, or is never told. What is old and not
// here was told before the lists let go of it: a rebuild brings it, and nobody is told it again.
const WAITED = "o.verdict = 'parked' OR (o.withheld = 1 AND j.value ->> '$.withheld' <> 1)";
const OF_EVENT = "SELECT 1 FROM events o WHERE o.event_id = j.value ->> '$.event_id'";
const PUT_EVENTS = `INSERT OR REPLACE INTO events (${EVENT_FIELDS.join(', ')}, withheld)
  SELECT ${valuesOf(EVENT_FIELDS)},
    CASE WHEN j.value ->> '$.withheld' = 2 AND EXISTS (${OF_EVENT} AND (${WAITED})) THEN 0
      ELSE j.value ->> '$.withheld' END
  FROM json_each(?1) j WHERE NOT EXISTS (${OF_EVENT} AND NOT (${WAITED})) ORDER BY j.key`;
const PUT_DELIVERIES = upsert('deliveries', DELIVERY_FIELDS, replaceOlder('deliveries', DELIVERY_FIELDS, DELIVERY_KEY));

/** Fails where D1 refuses every projection, as without a table of it or while it takes no writes. Writes nothing. */
export async function tryProjection(db: D1Database): Promise<void> {
  const all = [PUT_ORDERS, PUT_IDS, PUT_EVENTS, PUT_DELIVERIES];
  await db.batch(all.map((statement) => db.prepare(statement).bind('[]')));
}

/** One transaction in D1; nothing is written for a table that has no rows. Returns the rows D1 says it wrote. */
export async function putProjection(db: D1Database, batch: ProjectionBatch): Promise<number> {
  const parts: [string, readonly Record<string, unknown>[]][] = [
    [PUT_ORDERS, batch.orders],
    [PUT_IDS, batch.ids],
    [PUT_EVENTS, batch.events],
    [PUT_DELIVERIES, batch.deliveries],
  ];
  const statements = parts
    .filter(([, rows]) => rows.length > 0)
    .map(([statement, rows]) => db.prepare(statement).bind(JSON.stringify(rows)));
  if (statements.length === 0) return 0;
  const results = await db.batch(statements);
  return results.reduce((sum, result) => sum + (result.meta.rows_written ?? 0), 0);
}
