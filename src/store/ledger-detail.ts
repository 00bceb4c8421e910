// One order with its whole history, read from the ledger's tables. Reads only.

import { readFactKey, type Source } from '../core/event.ts';
import type { Order } from '../core/order.ts';
import type { Attempt, DeliveryState, DeliveryView, OrderDetail, TimelineEntry } from '../core/record.ts';
import { traceOfEvent } from '../core/trace.ts';
import { actsOf } from './ledger-acts.ts';
import { readOrder } from './ledger-book.ts';
import { readHold } from './ledger-holds.ts';
import type { InlineSettlement } from './ledger-outbox.ts';

type FactRow = {
  seq: number;
  event_id: string;
  sequence: number | null;
  type: string | null;
  verdict: string;
  source: Source;
  occurred_at: number;
  received_at: number;
  remote_address: string | null;
  digest: string | null;
  fact_key: string;
  trace: string | null;
  settled: string | null;
  state: string | null;
};

type DeliveryRead = {
  seq: number;
  origin_id: string;
  state: DeliveryState;
  reason: string | null;
  due_at: number | null;
};

/** What the dispatcher knows in memory: whether an event is on its way, and whether an origin is paused. */
export type Live = {
  readonly isFlying: (seq: number, originId: string) => boolean;
  readonly isPaused: (originId: string) => boolean;
  readonly firstOriginId: string | null;
};

export function readDetail(sql: SqlStorage, orderNo: string, live: Live): OrderDetail | null {
  const order = readOrder(sql, orderNo);
  if (!order) return null;
  const facts = sql
    .exec<FactRow>(
      `SELECT seq, event_id, sequence, type, verdict, source, occurred_at, received_at, remote_address, digest,
         fact_key, settled, trace, data ->> '$.order.state' AS state FROM events WHERE order_no = ? ORDER BY seq`,
      orderNo,
    )
    .toArray();
  const deliveries = facts.flatMap((fact) => deliveriesOf(sql, fact, live));
  const held = readHold(sql, orderNo) !== null;
  const timeline = [...timelineOf(order, facts, deliveries), ...actsOf(sql, orderNo)].sort((a, b) => a.at - b.at);
  return { order, held, timeline, deliveries };
}

function deliveriesOf(sql: SqlStorage, fact: FactRow, live: Live): DeliveryView[] {
  if (fact.type === null) return [];
  const base = { eventId: fact.event_id, trace: traceIn(fact), sequence: fact.sequence ?? 0 };
  const rows = sql
    .exec<DeliveryRead>('SELECT seq, origin_id, state, reason, due_at FROM deliveries WHERE seq = ?', fact.seq)
    .toArray()
    .map((row): DeliveryView => {
      const paused = row.state === 'waiting' && live.isPaused(row.origin_id);
      const state = paused ? 'paused' : row.state;
      const attempts = attemptsOf(sql, fact.seq, row.origin_id);
      return { ...base, originId: row.origin_id, state, reason: row.reason, dueAt: row.due_at, attempts };
    });
  return [...inlineDelivery(fact, base, rows, live), ...rows];
}

/** The delivery to the origin that was first when the event was dispatched has no row until an attempt failed. */
function inlineDelivery(
  fact: FactRow,
  base: Pick<DeliveryView, 'eventId' | 'trace' | 'sequence'>,
  rows: readonly DeliveryView[],
  live: Live,
): DeliveryView[] {
  const settled = fact.settled === null ? null : (JSON.parse(fact.settled) as InlineSettlement); // settleInline's
  if (settled?.state === 'delivered') {
    const { originId, attempt } = settled;
    return [{ ...base, originId, state: 'delivered', reason: null, dueAt: null, attempts: [attempt] }];
  }
  if (settled?.state === 'skipped' || settled?.state === 'cancelled') {
    if (settled.replayed && rows.length > 0) return []; // the rows tell what became of it
    const { state } = settled;
    const reason = settled.state === 'skipped' ? (settled.reason ?? 'no_origin') : 'discarded';
    return [{ ...base, originId: '', state, reason, dueAt: null, attempts: [] }];
  }
  const originId = live.firstOriginId;
  if (settled || originId === null || rows.some((row) => row.originId === originId)) return [];
  const isFlying = live.isFlying(fact.seq, originId);
  if (!isFlying && rows.length > 0) return []; // dispatched already, when another origin was the first
  const state = isFlying ? 'in_flight' : 'waiting';
  return [{ ...base, originId, state, reason: 'dispatch', dueAt: null, attempts: [] }];
}

const traceIn = ({ trace, event_id }: FactRow): string => trace ?? traceOfEvent(event_id);

const attemptsOf = (sql: SqlStorage, seq: number, originId: string): Attempt[] =>
  sql
    .exec<{ doc: string }>('SELECT doc FROM attempts WHERE seq = ? AND origin_id = ? ORDER BY attempt', seq, originId)
    .toArray()
    .map(({ doc }) => JSON.parse(doc) as Attempt); // written by putAttempt alone

/** A fact with what it was about, and how the order stood after it where anybody was told. */
function entryOf(fact: FactRow): TimelineEntry {
  const { id, amount } = readFactKey(fact.fact_key);
  return {
    at: fact.received_at,
    kind: 'fact',
    source: fact.source,
    eventId: fact.event_id,
    sequence: fact.sequence,
    type: fact.type,
    verdict: fact.verdict,
    fact: fact.fact_key,
    ref: id,
    minor: amount?.minor ?? null,
    currency: amount?.currency ?? null,
    state: fact.state,
    occurredAt: fact.occurred_at,
    address: fact.remote_address,
    digest: fact.digest,
    trace: traceIn(fact),
  };
}

function timelineOf(order: Order, facts: readonly FactRow[], deliveries: readonly DeliveryView[]): TimelineEntry[] {
  const entries: TimelineEntry[] = facts.map(entryOf);
  if (order.registration) {
    const { amount, registeredAt, by } = order.registration;
    entries.push({
      at: registeredAt,
      kind: 'registered',
      source: 'merchant',
      minor: amount.minor,
      currency: amount.currency,
      ...by,
    });
  }
  for (const delivery of deliveries) {
    for (const { at, attempt, outcome, status, ms, detail } of delivery.attempts) {
      const { eventId, sequence, originId: origin } = delivery;
      const tried = { eventId, sequence, origin, attempt, outcome, status, ms, detail };
      entries.push({ at, kind: 'attempt', source: 'gateway', ...tried });
    }
  }
  return entries;
}
