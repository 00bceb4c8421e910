// The ledger's orders and facts: all of it synchronous, called inside one transaction. Never talks to anyone.
import type { DispatchConfig } from '../core/channel.ts';
import { type EventType, type Fact, factKey, type Source } from '../core/event.ts';
import { IDEMPOTENCY_KEPT_MS, ORDER_FACTS_MAX } from '../core/limits.ts';
import { newOrder, type Order, type PaymentRequest } from '../core/order.ts';
import type { Evidence, FactInput, RecordVerdict, RegisterReply, RegisterRequest } from '../core/record.ts';
import { comesBack } from '../core/refund.ts';
import { registerOrder } from '../core/registration.ts';
import { applyFact } from '../core/transition.ts';
import { renderEventData } from '../formats/order.ts';

type Snapshot = (order: Order, event: Fact | null, input: SnapshotInput) => string;
type SnapshotInput = { readonly eventId: string; readonly source: Source; readonly receivedAt: number };

const snapshotFor =
  (config: DispatchConfig): Snapshot =>
  (order, event, { eventId, source, receivedAt }) =>
    JSON.stringify(
      renderEventData({
        eventId,
        sequence: order.sequence,
        source,
        receivedAt,
        channelId: config.channelId,
        provider: config.provider,
        order,
        event,
      }),
    );

export function readOrder(sql: SqlStorage, orderNo: string): Order | null {
  const [row] = sql.exec<{ doc: string }>('SELECT doc FROM orders WHERE order_no = ?', orderNo).toArray();
  return row ? (JSON.parse(row.doc) as Order) : null; // written by writeOrder alone
}

function writeOrder(sql: SqlStorage, order: Order): void {
  sql.exec(
    `INSERT INTO orders (order_no, doc, updated_at) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET doc = excluded.doc, updated_at = excluded.updated_at`,
    order.orderNo,
    JSON.stringify(order),
    order.updatedAt,
  );
}

/**
 * Commits one fact: dedupe, transition, sequence and event row. A duplicate writes nothing. `refused`: the order
 * already holds more facts than any real order has, and nothing was written.
 */
export function recordFact(sql: SqlStorage, config: DispatchConfig, fact: FactInput, now: number): RecordVerdict {
  const { event } = fact;
  const known = readOrder(sql, event.orderNo);
  let key = factKey(event);
  if (known && hasFact(sql, event.orderNo, key)) {
    if (event.kind !== 'refund' || !comesBack(known, event)) return 'duplicate';
    key = `${key}|${event.occurredAt}`;
    if (hasFact(sql, event.orderNo, key)) return 'duplicate';
  }
  if (known && countFacts(sql, event.orderNo) >= ORDER_FACTS_MAX) return 'refused';
  const { verdict, type, order } = applyFact(known ?? newOrder(event.orderNo, now), event, fact.source, now);
  insertEvent(sql, {
    orderNo: event.orderNo,
    key,
    sequence: type === null ? null : order.sequence,
    eventId: fact.eventId,
    type,
    verdict,
    source: fact.source,
    occurredAt: event.occurredAt,
    receivedAt: fact.receivedAt,
    data: type === null ? null : snapshotFor(config)(order, event, fact),
    evidence: fact.evidence,
  });
  if (verdict !== 'stale') writeOrder(sql, order);
  return verdict;
}

/** Commits a registration; the first one of an order that a callback made is compared, and a difference is an event. */
export function recordRegistration(
  sql: SqlStorage,
  config: DispatchConfig,
  request: RegisterRequest,
  now: number,
): RegisterReply & { readonly eventAdded: boolean } {
  const known = readOrder(sql, request.orderNo);
  const result = registerOrder(known ?? newOrder(request.orderNo, now), request.registration, now);
  if (result.kind !== 'created') return { ...result, eventAdded: false };
  const { order } = result;
  writeOrder(sql, order);
  const eventAdded = known !== null && order.sequence > known.sequence;
  if (eventAdded) {
    const input: SnapshotInput = { eventId: request.eventId, source: 'merchant', receivedAt: now };
    insertEvent(sql, {
      orderNo: order.orderNo,
      key: 'registration',
      sequence: order.sequence,
      eventId: request.eventId,
      type: 'order.flagged',
      verdict: 'odd',
      source: 'merchant',
      occurredAt: now,
      receivedAt: now,
      data: snapshotFor(config)(order, null, input),
      evidence: null,
    });
  }
  return { kind: 'created', order, eventAdded };
}

// The oldest few at each claim, so that the table is never read whole.
const FORGET_REQUESTS = `DELETE FROM requests WHERE seq IN
  (SELECT seq FROM (SELECT seq, at FROM requests ORDER BY seq LIMIT 20) WHERE at <= ?)`;

/** Whether an Idempotency-Key came before with another request. Kept as long as the API promises. */
export function keyMeansAnother(sql: SqlStorage, key: string, digest: string, now: number): boolean {
  const [known] = sql
    .exec<{ digest: string; at: number }>('SELECT digest, at FROM requests WHERE key = ?', key)
    .toArray();
  if (known && now - known.at < IDEMPOTENCY_KEPT_MS) return known.digest !== digest;
  if (known) sql.exec('DELETE FROM requests WHERE key = ?', key);
  sql.exec(FORGET_REQUESTS, now - IDEMPOTENCY_KEPT_MS);
  sql.exec('INSERT INTO requests (key, digest, at) VALUES (?, ?, ?)', key, digest, now);
  return false;
}

export function recordPaymentRequest(
  sql: SqlStorage,
  orderNo: string,
  request: PaymentRequest,
  now: number,
): Order | null {
  const known = readOrder(sql, orderNo);
  if (!known) return null;
  const order: Order = { ...known, paymentRequest: request, version: known.version + 1, updatedAt: now };
  writeOrder(sql, order);
  return order;
}

const hasFact = (sql: SqlStorage, orderNo: string, key: string) =>
  sql.exec('SELECT 1 FROM events WHERE order_no = ? AND fact_key = ?', orderNo, key).toArray().length > 0;

const countFacts = (sql: SqlStorage, orderNo: string) =>
  sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM events WHERE order_no = ?', orderNo).one().n;

type NewEvent = {
  readonly orderNo: string;
  readonly key: string;
  readonly sequence: number | null;
  readonly eventId: string;
  readonly type: EventType | null;
  readonly verdict: RecordVerdict;
  readonly source: Source;
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly data: string | null;
  readonly evidence: Evidence | null;
};

function insertEvent(sql: SqlStorage, event: NewEvent): void {
  const { evidence } = event;
  sql.exec(
    `INSERT INTO events (order_no, fact_key, sequence, event_id, type, verdict, source, occurred_at, received_at,
       data, content_type, headers, body, remote_address, digest, settled)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    event.orderNo,
    event.key,
    event.sequence,
    event.eventId,
    event.type,
    event.verdict,
    event.source,
    event.occurredAt,
    event.receivedAt,
    event.data,
    evidence?.contentType ?? null,
    evidence ? JSON.stringify(evidence.headers) : null,
    evidence?.body ?? null,
    evidence?.remoteAddress ?? null,
    evidence?.digest ?? null,
    event.type === null ? '{"state":"none"}' : null, // nothing to deliver: settled from the start
  );
}
