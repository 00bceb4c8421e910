// Facts of orders that nobody has registered: committed and acknowledged, and applied when the registration comes. They
// are rows of the events table without a type, so that nothing of them leaves.
import type { DispatchConfig } from '../core/channel.ts';
import type { Fact, Source } from '../core/event.ts';
import { newOrder, type Order } from '../core/order.ts';
import type { FactInput } from '../core/record.ts';
import { parkEvent } from './ledger-events.ts';
import { putTimer } from './ledger-timers.ts';

/** Keeps the fact, and answers the order that waits. A person is told when nobody registers it in time. */
export function parkFact(
  sql: SqlStorage,
  { settings, asks }: DispatchConfig,
  known: Order | null,
  { eventId, event, source, receivedAt, evidence, trace }: FactInput,
  key: string,
  now: number,
): Order {
  const { orderNo, occurredAt } = event;
  const nothing = { sequence: null, type: null, verdict: 'parked' } as const;
  const data = JSON.stringify(event);
  parkEvent(sql, { orderNo, key, eventId, source, occurredAt, receivedAt, data, evidence, trace, ...nothing });
  const order = known ?? newOrder(orderNo, now);
  if (!known) {
    putTimer(sql, { dueAt: now + settings.parkAgeSeconds * 1_000, orderNo, kind: 'park', ref: '' });
    if (asks && settings.querySeconds.length > 0) putTimer(sql, { dueAt: now, orderNo, kind: 'query', ref: '' });
  }
  const test = order.test || event.test;
  return { ...order, parkedAt: order.parkedAt ?? now, test, version: order.version + 1, updatedAt: now };
}

/** The order as the first registration finds it: nothing has been applied to it yet. */
export const unparked = ({ orderNo, createdAt, version }: Order): Order => ({
  ...newOrder(orderNo, createdAt),
  version,
});

type ParkedRow = {
  seq: number;
  eventId: string;
  data: string;
  source: Source;
  receivedAt: number;
  remoteAddress: string | null;
  contentType: string | null;
  headers: string | null;
  body: ArrayBuffer | null;
  digest: string | null;
  trace: string | null;
};

/** What waited, in the order of its arrival; it is no longer kept here. */
export function takeParked(sql: SqlStorage, orderNo: string): FactInput[] {
  const rows = sql
    .exec<ParkedRow>(
      `SELECT seq, event_id AS eventId, data, source, received_at AS receivedAt, remote_address AS remoteAddress,
         content_type AS contentType, headers, body, digest, trace
       FROM events WHERE order_no = ? AND verdict = 'parked' ORDER BY seq`,
      orderNo,
    )
    .toArray();
  dropParked(sql, orderNo);
  return rows.map((row) => ({
    eventId: row.eventId,
    event: JSON.parse(row.data) as Fact, // written by parkFact alone
    source: row.source,
    receivedAt: row.receivedAt,
    evidence: evidenceOf(row),
    ...(row.trace === null ? {} : { trace: row.trace }),
  }));
}

/**
 * All but the shard's newest number: dispatch and projection are past it, and would pass by whatever came under it once
 * more. It stays, bare and of no order, until newer ones have come.
 */
function dropParked(sql: SqlStorage, orderNo: string): void {
  const isOlder = 'seq < (SELECT MAX(seq) FROM events)';
  sql.exec(`DELETE FROM events WHERE order_no = '' AND ${isOlder}`);
  sql.exec(`DELETE FROM events WHERE order_no = ? AND verdict = 'parked' AND ${isOlder}`, orderNo);
  sql.exec(
    `UPDATE events SET order_no = '', fact_key = '', event_id = '', verdict = 'stale', source = 'operator', data = NULL,
       content_type = NULL, headers = NULL, body = NULL, remote_address = NULL, digest = NULL
     WHERE order_no = ? AND verdict = 'parked'`,
    orderNo,
  );
}

function evidenceOf({ contentType, headers, body, remoteAddress, digest }: ParkedRow): FactInput['evidence'] {
  if (body === null || digest === null) return null;
  const kept: Readonly<Record<string, string>> = headers === null ? {} : JSON.parse(headers);
  return { contentType, headers: kept, body: new Uint8Array(body), remoteAddress, digest };
}
