// What the ledger lets go of: how far each walk came, what is old, and the bytes of callbacks. Synchronous SQL. Never
// takes away a row, a digest or a link, so that the chain of evidence still holds.
import type { Walk } from '../core/retention.ts';

export type WalkKind = 'evidence' | 'events';

export const readWalk = (sql: SqlStorage, kind: WalkKind): Walk =>
  sql.exec<Walk>('SELECT seq, skipped, started_at AS startedAt FROM walks WHERE kind = ?', kind).toArray()[0] ?? {
    seq: 0,
    skipped: null,
    startedAt: 0,
  };

export function writeWalk(sql: SqlStorage, kind: WalkKind, { seq, skipped, startedAt }: Walk): void {
  sql.exec(
    `INSERT INTO walks (kind, seq, skipped, started_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET seq = excluded.seq, skipped = excluded.skipped, started_at = excluded.started_at`,
    kind,
    seq,
    skipped,
    startedAt,
  );
}

/** D1 is told everything again: what it lets go of, it lets go of again. */
export const forgetWalk = (sql: SqlStorage, kind: WalkKind) => sql.exec('DELETE FROM walks WHERE kind = ?', kind);

export type OldEvent = {
  readonly seq: number;
  readonly orderNo: string;
  readonly eventId: string;
  readonly receivedAt: number;
  readonly hasBody: number;
  /** Parked, held, or with a delivery that is neither done nor dead. */
  readonly isOpen: number;
};

/** Facts after the walk, settled or with rows of their own, in the order of their commit. */
export const eventsFrom = (sql: SqlStorage, after: number, low: number, limit: number): OldEvent[] =>
  sql
    .exec<OldEvent>(
      `SELECT seq, order_no AS orderNo, event_id AS eventId, received_at AS receivedAt, body IS NOT NULL AS hasBody,
         verdict = 'parked' OR EXISTS (SELECT 1 FROM holds h WHERE h.order_no = e.order_no)
           OR EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = e.seq
             AND d.state NOT IN ('delivered', 'dead', 'cancelled', 'skipped')) AS isOpen
       FROM events e WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?`,
      after,
      low,
      limit,
    )
    .toArray();

export type PrunedRow = {
  readonly seq: number;
  readonly order_no: string;
  readonly event_id: string;
  readonly fact_key: string;
  readonly source: string;
  readonly occurred_at: number;
  readonly received_at: number;
  readonly remote_address: string | null;
  readonly content_type: string | null;
  readonly headers: string | null;
  readonly body: ArrayBuffer | null;
  readonly digest: string | null;
  readonly chain: string | null;
};

/** Facts with their bytes, for an archive. */
export const rowsWithBody = (sql: SqlStorage, seqs: readonly number[]): PrunedRow[] =>
  sql
    .exec<PrunedRow>(
      `SELECT seq, order_no, event_id, fact_key, source, occurred_at, received_at, remote_address, content_type,
         headers, body, digest, chain FROM events WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`,
      JSON.stringify(seqs),
    )
    .toArray();

export type PrunedEvent = {
  readonly orderNo: string;
  readonly eventId: string;
  readonly sequence: number | null;
  readonly type: string | null;
  readonly verdict: string;
  readonly source: string;
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly remoteAddress: string | null;
  readonly digest: string | null;
  /** JSON, as it went out. */
  readonly data: string | null;
};

/** Facts as the lists show them, for an archive. */
export const rowsOfLists = (sql: SqlStorage, seqs: readonly number[]): PrunedEvent[] =>
  sql
    .exec<PrunedEvent>(
      `SELECT order_no AS orderNo, event_id AS eventId, sequence, type, verdict, source, occurred_at AS occurredAt,
         received_at AS receivedAt, remote_address AS remoteAddress, digest, data
       FROM events WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq`,
      JSON.stringify(seqs),
    )
    .toArray();

/**
 * These orders' rows were told to the lists again. What the walk had taken away there it goes back for, with what it
 * left, within a day.
 */
export function walkBackTo(sql: SqlStorage, orderNos: readonly string[]): void {
  const { seq } = readWalk(sql, 'events');
  if (seq === 0) return;
  const { first } = sql
    .exec<{ first: number | null }>(
      `SELECT MIN(e.seq) AS first FROM json_each(?) j JOIN events e ON e.order_no = j.value WHERE e.seq <= ?`,
      JSON.stringify(orderNos),
      seq,
    )
    .one();
  if (first === null) return;
  sql.exec(
    "UPDATE walks SET skipped = MIN(IFNULL(skipped, ?1), ?1) WHERE kind = 'events' AND IFNULL(skipped > ?1, 1)",
    first,
  );
}

/** Takes the bytes away; `key` says where they are now, null nowhere. */
export function dropBodies(sql: SqlStorage, seqs: readonly number[], key: string | null, now: number): void {
  const archive =
    key === null
      ? null
      : sql.exec<{ id: number }>('INSERT INTO archives (key, at) VALUES (?, ?) RETURNING id', key, now).one().id;
  sql.exec(
    'UPDATE events SET body = NULL, archive = ? WHERE seq IN (SELECT value FROM json_each(?))',
    archive,
    JSON.stringify(seqs),
  );
}
