// The ledger's orders and facts: all of it synchronous, called inside one transaction. Never talks to anyone.
import { bookingsOf, withOutcome } from '../core/booking.ts';
import type { DispatchConfig } from '../core/channel.ts';
import type { Fact, Source } from '../core/event.ts';
import { IDEMPOTENCY_KEPT_MS, ORDER_FACTS_MAX } from '../core/limits.ts';
import { type Flag, newOrder, type Order, type PaymentRequest } from '../core/order.ts';
import { completed, keepPartial, partialOf } from '../core/partial.ts';
import type { FactInput, RecordVerdict, RegisterReply, RegisterRequest } from '../core/record.ts';
import { registerOrder, withPay } from '../core/registration.ts';
import { admit } from '../core/repeat.ts';
import { applyFact } from '../core/transition.ts';
import { renderEventData } from '../formats/order.ts';
import { appendEvent, countFacts, hasFact, type NewEvent } from './ledger-events.ts';
import { holdFlagged } from './ledger-holds.ts';
import { putAlarm } from './ledger-outbox.ts';
import { parkFact, takeParked, unparked } from './ledger-parked.ts';
import { followRefund, putCompletion, putPlan } from './ledger-questions.ts';

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
  if (!row) return null;
  const doc = JSON.parse(row.doc) as Order; // written by writeOrder alone; an older version's lacks what came later
  return { ...newOrder(orderNo, 0), ...doc };
}

export function writeOrder(sql: SqlStorage, order: Order): void {
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
 * already holds more facts than any real order has, and nothing was written. `parked`: kept until it is registered.
 */
export function recordFact(sql: SqlStorage, config: DispatchConfig, fact: FactInput, now: number): RecordVerdict {
  const { event } = fact;
  const known = readOrder(sql, event.orderNo);
  const before = known ?? newOrder(event.orderNo, now);
  const admitted = admit(before, event, (key) => isTold(sql, known, key));
  if (admitted.kind === 'known') {
    if (admitted.order !== known) writeOrder(sql, admitted.order);
    return 'duplicate';
  }
  const { key } = admitted;
  if (known && countFacts(sql, event.orderNo) >= ORDER_FACTS_MAX) return 'refused';
  if (known ? known.parkedAt !== null : config.mode === 'registered') {
    writeOrder(sql, parkFact(sql, config, known, fact, key, now));
    return 'parked';
  }
  const { verdict, type, order: next } = stepOf(config, before, fact, now);
  const told = event.kind === 'payment' ? event.amount?.currency : undefined;
  const order = withOutcome(before, next, event.occurredAt, told);
  const row: NewEvent = {
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
    trace: fact.trace,
    booked: bookingsOf(before, order),
  };
  const { seq, chain } = appendEvent(sql, before.chain, row);
  writeOrder(sql, { ...order, chain });
  if (type !== null) noteFlags(sql, config, before, order, seq, now);
  if (verdict === 'incomplete' && before.partial === null) putCompletion(sql, config, order, now);
  if (event.kind === 'refund') followRefund(sql, config, before, order, event.refundNo, now);
  return verdict;
}

const isTold = (sql: SqlStorage, known: Order | null, key: string): boolean =>
  known !== null && hasFact(sql, known.orderNo, key);

/** What the fact does; one that lacks something waits, untold, for what the provider says when it is asked. */
function stepOf({ asks = false }: DispatchConfig, before: Order, { event, source }: FactInput, now: number) {
  const partial = asks ? partialOf(event) : null;
  if (partial === null) return completed(before, applyFact(before, event, source, now), event, source);
  const kept = keepPartial(before, partial, source, now);
  return { ...kept, verdict: kept.verdict === 'odd' ? 'incomplete' : kept.verdict } as const;
}

/** Flags that no step of the order's own makes good: two truths about money, or more of it than there should be. */
const MONEY_IS_WRONG: readonly Flag[] = [
  'provider_disagrees',
  'transaction_reused',
  'paid_twice',
  'currency_mismatch',
  'refund_exceeds_payment',
];

/** What a person has to know of, or to decide, because of flags that this event raised. */
function noteFlags(sql: SqlStorage, config: DispatchConfig, before: Order, order: Order, seq: number, now: number) {
  if (order.flags === before.flags) return;
  holdFlagged(sql, config, before, order, seq, now);
  const subject = `order/${config.channelId}/${order.orderNo}`;
  const wrong = order.flags.filter((flag) => MONEY_IS_WRONG.includes(flag) && !before.flags.includes(flag));
  if (wrong.length > 0) {
    const told = `${wrong.join(', ')}: the order's page says what to do.`;
    putAlarm(sql, { code: 'order_flagged', subject, detail: told, at: now });
  }
  if (!order.flags.includes('refund_abnormal') || before.flags.includes('refund_abnormal')) return;
  const stuck = order.refunds.filter(({ state }) => state === 'needs_attention').map(({ refundNo }) => refundNo);
  const detail = `Refund ${stuck.join(', ')} is stuck at the provider: settle it in the provider's console.`;
  putAlarm(sql, { code: 'refund_needs_attention', subject, detail, at: now });
}

/**
 * Commits a registration. The first one of an order that a callback made is compared, and a difference is an event;
 * facts that waited for it are applied in the order of their arrival.
 */
export function recordRegistration(
  sql: SqlStorage,
  config: DispatchConfig,
  request: RegisterRequest,
  now: number,
): RegisterReply & { readonly changed: boolean } {
  const { orderNo, registration, pay } = request;
  const known = readOrder(sql, orderNo);
  const parked = known !== null && known.parkedAt !== null ? takeParked(sql, orderNo) : [];
  const before = known === null ? newOrder(orderNo, now) : known.parkedAt === null ? known : unparked(known);
  const result = registerOrder(before, registration, now);
  if (result.kind === 'conflict') return { ...result, changed: false };
  const order = pay ? withPay(result.order, pay, now) : result.order;
  if (order === before) return { kind: result.kind, order, changed: false };
  const isNews = order.sequence > before.sequence;
  const chain = isNews ? recordDifference(sql, config, before, order, request.eventId, now) : order.chain;
  writeOrder(sql, { ...order, chain });
  for (const fact of parked) recordFact(sql, config, fact, now);
  if (known?.flags.includes('unmatched') && known.parkedAt !== null) {
    const subject = `order/${config.channelId}/${orderNo}`;
    putAlarm(sql, { code: 'unmatched', subject, detail: '', at: now, ended: true });
  }
  const next = parked.length > 0 ? (readOrder(sql, orderNo) ?? order) : order;
  putPlan(sql, config, next, now);
  return { kind: result.kind, order: next, changed: true };
}

/** The event that tells how the registration differs from what was paid before. Answers its link of the chain. */
function recordDifference(
  sql: SqlStorage,
  config: DispatchConfig,
  before: Order,
  order: Order,
  eventId: string,
  now: number,
): string {
  const row: NewEvent = {
    orderNo: order.orderNo,
    key: 'registration',
    sequence: order.sequence,
    eventId,
    type: 'order.flagged',
    verdict: 'odd',
    source: 'merchant',
    occurredAt: now,
    receivedAt: now,
    data: snapshotFor(config)(order, null, { eventId, source: 'merchant', receivedAt: now }),
    evidence: null,
  };
  const { seq, chain } = appendEvent(sql, before.chain, row);
  noteFlags(sql, config, before, order, seq, now);
  return chain;
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
  // Of two requests at once the first code stands, and both callers show that one.
  if (known.paymentRequest !== null && known.paymentRequest.codeExpiresAt > now) return known;
  const order: Order = { ...known, paymentRequest: request, version: known.version + 1, updatedAt: now };
  writeOrder(sql, order);
  return order;
}
