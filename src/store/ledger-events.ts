// The ledger's event rows: written once, linked to the one before, never changed but for their settlement. Synchronous,
// inside one transaction. Decides nothing.
import type { Booking } from '../core/booking.ts';
import type { KeptCallback, StoredCallback } from '../core/callback.ts';
import type { EventType, Source } from '../core/event.ts';
import type { Evidence, EvidenceEntry, RecordVerdict, ToldEvent, WhichEvent } from '../core/record.ts';
import { chainLink } from '../crypto/chain-link.ts';

export type NewEvent = {
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
  readonly trace?: string | undefined;
  /** What it changes of the sums in reports; left out: nothing. */
  readonly booked?: readonly Booking[];
};

type Told = Omit<EvidenceEntry, 'archive' | 'body' | 'chain' | 'sequence' | 'type' | 'verdict'>;

/** Adds an event to its order's chain, and answers its row and its link. */
export function appendEvent(sql: SqlStorage, previous: string | null, event: NewEvent): { seq: number; chain: string } {
  const told = toldOf(event);
  const chain = chainLink(previous, coveredBy(event.orderNo, told));
  return { seq: insertEvent(sql, event, told, chain), chain };
}

/** Keeps an event out of the chain: a parked one is written anew when its order is registered. */
export function parkEvent(sql: SqlStorage, event: NewEvent): void {
  insertEvent(sql, event, toldOf(event), null);
}

const toldOf = ({ eventId, key: factKey, source, occurredAt, receivedAt, evidence }: NewEvent): Told => ({
  eventId,
  factKey,
  source,
  occurredAt,
  receivedAt,
  remoteAddress: evidence?.remoteAddress ?? null,
  contentType: evidence?.contentType ?? null,
  headers: evidence ? JSON.stringify(evidence.headers) : null,
  digest: evidence?.digest ?? null,
});

function insertEvent(sql: SqlStorage, event: NewEvent, told: Told, link: string | null): number {
  return sql
    .exec<{ seq: number }>(
      `INSERT INTO events (order_no, fact_key, sequence, event_id, type, verdict, source, occurred_at, received_at,
         data, content_type, headers, body, remote_address, digest, settled, chain, booked,
         trace)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq`,
      event.orderNo,
      told.factKey,
      event.sequence,
      told.eventId,
      event.type,
      event.verdict,
      told.source,
      told.occurredAt,
      told.receivedAt,
      event.data,
      told.contentType,
      told.headers,
      event.evidence?.body ?? null,
      told.remoteAddress,
      told.digest,
      event.type === null ? '{"state":"none"}' : null, // nothing to deliver: settled from the start
      link,
      event.booked?.length ? JSON.stringify(event.booked) : null,
      event.trace ?? null,
    )
    .one().seq;
}

/** What each link covers after the link before it, in this order; the export shows the same array. */
export const coveredBy = (orderNo: string, told: Told): readonly (string | number | null)[] => [
  orderNo,
  told.eventId,
  told.factKey,
  told.source,
  told.occurredAt,
  told.receivedAt,
  told.remoteAddress,
  told.contentType,
  told.headers,
  told.digest,
];

export const hasFact = (sql: SqlStorage, orderNo: string, key: string) =>
  sql.exec('SELECT 1 FROM events WHERE order_no = ? AND fact_key = ?', orderNo, key).toArray().length > 0;

export const countFacts = (sql: SqlStorage, orderNo: string) =>
  sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM events WHERE order_no = ?', orderNo).one().n;

type EvidenceRow = {
  eventId: string;
  factKey: string;
  sequence: number | null;
  type: string | null;
  verdict: string;
  source: Source;
  occurredAt: number;
  receivedAt: number;
  remoteAddress: string | null;
  contentType: string | null;
  headers: string | null;
  body: ArrayBuffer | null;
  digest: string | null;
  chain: string | null;
  archive: string | null;
};

/** Everything that proves an order, in the order of its commit. */
export const evidenceOf = (sql: SqlStorage, orderNo: string): EvidenceEntry[] =>
  sql
    .exec<EvidenceRow>(
      `SELECT event_id AS eventId, fact_key AS factKey, sequence, type, verdict, source, occurred_at AS occurredAt,
         received_at AS receivedAt, remote_address AS remoteAddress, content_type AS contentType, headers, body, digest,
         chain, (SELECT key FROM archives a WHERE a.id = e.archive) AS archive
       FROM events e WHERE order_no = ? ORDER BY seq`,
      orderNo,
    )
    .toArray()
    .map(({ body, ...row }) => ({ ...row, body: body === null ? null : new Uint8Array(body) }));

/**
 * The callback that told of an event; null where an answer, a bill or a person did. A callback that made the gateway
 * ask is kept with what was answered then: it came from an address, which an answer does not.
 */
export function callbackAt(sql: SqlStorage, seq: number): KeptCallback | null {
  const [row] = sql
    .exec<{ contentType: string | null; headers: string | null; body: ArrayBuffer | null }>(
      `SELECT content_type AS contentType, headers, body FROM events
       WHERE seq = ? AND (source = 'callback' OR remote_address IS NOT NULL)`,
      seq,
    )
    .toArray();
  if (!row || row.body === null) return null;
  const headers: Readonly<Record<string, string>> = JSON.parse(row.headers ?? '{}');
  return { contentType: row.contentType, headers, body: new Uint8Array(row.body) };
}

/** The last callbacks that proved a fact here, the newest first, among the last facts of the shard. */
export const recentCallbacks = (sql: SqlStorage, factsMax: number, limit: number): StoredCallback[] =>
  sql
    .exec<{ contentType: string | null; headers: string; body: ArrayBuffer; receivedAt: number }>(
      `SELECT content_type AS contentType, headers, body, received_at AS receivedAt FROM events
       WHERE seq > (SELECT max(seq) FROM events) - ? AND source = 'callback' AND body IS NOT NULL
       ORDER BY seq DESC LIMIT ?`,
      factsMax,
      limit,
    )
    .toArray()
    .map(({ headers, body, ...row }) => ({ ...row, headers: JSON.parse(headers), body: new Uint8Array(body) }));

/** An event as it goes out, by its place among the order's or by its id; null for what is told to nobody. */
export function toldAt(sql: SqlStorage, orderNo: string, which: WhichEvent): ToldEvent | null {
  const [column, value] = 'sequence' in which ? ['sequence', which.sequence] : ['event_id', which.eventId];
  return (
    sql
      .exec<ToldEvent>(
        `SELECT seq, event_id AS id, type, occurred_at AS occurredAt, data, trace FROM events
         WHERE order_no = ? AND ${column} = ? AND type IS NOT NULL AND data IS NOT NULL`,
        orderNo,
        value,
      )
      .toArray()[0] ?? null
  );
}
