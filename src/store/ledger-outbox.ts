// The ledger's outbox: marks over the events, rows for what must wait, attempts. Synchronous SQL; decides nothing.

import type { Alarm } from '../core/alarm.ts';
import { type DispatchConfig, wholeDispatch } from '../core/channel.ts';
import type { EventType } from '../core/event.ts';
import { ATTEMPTS_KEPT_FIRST, ATTEMPTS_KEPT_LAST } from '../core/limits.ts';
import type { Attempt, DeliveryState } from '../core/record.ts';

export type Marks = {
  /** Considered for dispatch up to here. */
  readonly head: number;
  /** At or below: settled, or has a row of its own in deliveries. */
  readonly low: number;
  /** At or below: in the projection, settlement included. */
  readonly projected: number;
  /** Since when orders may have changed without being projected; null when none has. */
  readonly dirtySince: number | null;
};

export function readMarks(sql: SqlStorage): Marks & { config: DispatchConfig } {
  const row = sql
    .exec<{ head: number; low: number; projected: number; dirty_since: number | null; config: string }>(
      'SELECT head, low, projected, dirty_since, config FROM marks WHERE id = 1',
    )
    .one();
  const { head, low, projected, dirty_since: dirtySince, config } = row;
  return { head, low, projected, dirtySince, config: wholeDispatch(JSON.parse(config)) };
}

export function writeMarks(sql: SqlStorage, marks: Marks): void {
  const { head, low, projected, dirtySince } = marks;
  sql.exec(
    'UPDATE marks SET head = ?, low = ?, projected = ?, dirty_since = ? WHERE id = 1',
    head,
    low,
    projected,
    dirtySince,
  );
}

export function writeConfig(sql: SqlStorage, config: DispatchConfig): void {
  sql.exec('UPDATE marks SET config = ? WHERE id = 1', JSON.stringify(config));
}

export type FreshEvent = {
  readonly seq: number;
  readonly orderNo: string;
  readonly sequence: number | null;
  readonly eventId: string;
  readonly type: EventType | null;
  readonly receivedAt: number;
  readonly settled: string | null;
  /** Null: committed by a version that had none. */
  readonly trace: string | null;
  /** The snapshot, where a filter has to look at it; else null. */
  readonly data: string | null;
};

const freshColumns = (withData: boolean) =>
  `SELECT seq, order_no AS orderNo, sequence, event_id AS eventId, type, received_at AS receivedAt, settled, trace,
     ${withData ? 'data' : 'NULL AS data'} FROM events`;

export const freshEvents = (sql: SqlStorage, head: number, limit: number, withData: boolean): FreshEvent[] =>
  sql.exec<FreshEvent>(`${freshColumns(withData)} WHERE seq > ? ORDER BY seq LIMIT ?`, head, limit).toArray();

/**
 * Events that passed the head and have neither settled nor a row for the first origin: after a restart, nobody knows
 * what became of them. (Only the channel's first origin goes without rows; when it changes, rows are made.)
 */
export const eventsInDoubt = (
  sql: SqlStorage,
  { low, head }: Pick<Marks, 'low' | 'head'>,
  firstOriginId: string,
  withData: boolean,
): FreshEvent[] =>
  sql
    .exec<FreshEvent>(
      `${freshColumns(withData)} WHERE seq > ? AND seq <= ? AND settled IS NULL
         AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = events.seq AND d.origin_id = ?)`,
      low,
      head,
      firstOriginId,
    )
    .toArray();

export const hasFreshEvents = (sql: SqlStorage, head: number): boolean =>
  sql.exec('SELECT 1 FROM events WHERE seq > ? LIMIT 1', head).toArray().length > 0;

export type DeliveryRow = {
  readonly seq: number;
  readonly originId: string;
  readonly orderNo: string;
  readonly state: DeliveryState;
  readonly reason: string | null;
  readonly dueAt: number | null;
  /** Attempts made so far. */
  readonly attempt: number;
  /** Of those, the ones that count against the ladder. */
  readonly failures: number;
  readonly rev: number;
};

/** Both indexes hold these rows alone; a query that does not say so reads every delivery there ever was. */
export const OPEN = "state IN ('waiting', 'in_flight')";

export const ROW = `SELECT seq, origin_id AS originId, order_no AS orderNo, state, reason, due_at AS dueAt, attempt,
  failures, rev FROM deliveries`;

export function putRow(sql: SqlStorage, row: DeliveryRow): void {
  sql.exec(
    `INSERT INTO deliveries (seq, origin_id, order_no, state, reason, due_at, attempt, failures, rev)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason, due_at = excluded.due_at,
       attempt = excluded.attempt, failures = excluded.failures, rev = excluded.rev`,
    row.seq,
    row.originId,
    row.orderNo,
    row.state,
    row.reason,
    row.dueAt,
    row.attempt,
    row.failures,
    row.rev,
  );
}

export const rowOf = (sql: SqlStorage, seq: number, originId: string): DeliveryRow | null =>
  sql.exec<DeliveryRow>(`${ROW} WHERE seq = ? AND origin_id = ?`, seq, originId).toArray()[0] ?? null;

export type DueRow = DeliveryRow & { readonly eventId: string; readonly trace: string | null };

const DUE = `SELECT d.seq, d.origin_id AS originId, d.order_no AS orderNo, d.state, d.reason, d.due_at AS dueAt,
  d.attempt, d.failures, d.rev, e.event_id AS eventId, e.trace FROM deliveries d JOIN events e ON e.seq = d.seq`;

/** Rows of an origin that are due, in the order of their time and then of their commit. */
export const dueRows = (sql: SqlStorage, originId: string, now: number, limit: number): DueRow[] =>
  sql
    .exec<DueRow>(
      `${DUE} WHERE d.${OPEN} AND d.origin_id = ? AND d.state = 'waiting' AND d.due_at <= ?
       ORDER BY d.due_at, d.seq LIMIT ?`,
      originId,
      now,
      limit,
    )
    .toArray();

/** Deliveries of an origin that are neither delivered nor dead. */
export const countOpen = (sql: SqlStorage, originId: string): number =>
  sql
    .exec<{ n: number }>(
      "SELECT COUNT(*) AS n FROM deliveries WHERE origin_id = ? AND state IN ('waiting', 'in_flight')",
      originId,
    )
    .one().n;

export const nextDueAt = (sql: SqlStorage, originId: string): number | null =>
  sql
    .exec<{ at: number | null }>(
      `SELECT MIN(due_at) AS at FROM deliveries
       WHERE ${OPEN} AND origin_id = ? AND state = 'waiting' AND due_at IS NOT NULL`,
      originId,
    )
    .one().at;

/**
 * Rows that were with a consumer, or on their way to one, when the shard's former life ended; also those of origins
 * that the channel no longer has. Steps from origin to origin, so that a long backlog is not read through.
 */
export const rowsInFlight = (sql: SqlStorage): DueRow[] =>
  sql
    .exec<DueRow>(
      `WITH RECURSIVE known (id) AS (
         SELECT (SELECT MIN(origin_id) FROM deliveries WHERE ${OPEN})
         UNION ALL
         SELECT (SELECT MIN(origin_id) FROM deliveries WHERE ${OPEN} AND origin_id > known.id)
         FROM known WHERE known.id IS NOT NULL
       )
       ${DUE} JOIN known ON d.origin_id = known.id WHERE d.${OPEN} AND d.state = 'in_flight'`,
    )
    .toArray();

/** Of a delivery that is tried for long, the first attempts are kept and the last, and each one that succeeded. */
export function putAttempt(sql: SqlStorage, seq: number, originId: string, attempt: Attempt): void {
  sql.exec(
    'INSERT INTO attempts (seq, origin_id, attempt, doc) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    seq,
    originId,
    attempt.attempt,
    JSON.stringify(attempt),
  );
  const dropped = attempt.attempt - ATTEMPTS_KEPT_LAST;
  if (dropped <= ATTEMPTS_KEPT_FIRST) return;
  sql.exec(
    `DELETE FROM attempts WHERE seq = ? AND origin_id = ? AND attempt > ? AND attempt <= ?
       AND doc ->> '$.outcome' <> 'delivered'`,
    seq,
    originId,
    ATTEMPTS_KEPT_FIRST,
    dropped,
  );
}

/** An event settled at its first attempt keeps its whole delivery in its own row: one write. */
export type InlineSettlement =
  | { readonly state: 'delivered'; readonly originId: string; readonly attempt: Attempt }
  /** Without a reason: no origin, as it was before there were others. */
  | { readonly state: 'skipped'; readonly reason?: SkipReason; readonly replayed?: true }
  | { readonly state: 'cancelled'; readonly replayed?: true }
  | { readonly state: 'none' };
/** `no_origin`: the channel had none. `filtered`: none of its origins wants such an event. */
export type SkipReason = 'no_origin' | 'filtered';

export function settleInline(sql: SqlStorage, seq: number, settlement: InlineSettlement): void {
  sql.exec('UPDATE events SET settled = ? WHERE seq = ?', JSON.stringify(settlement), seq);
}

export type ClaimedEvent = {
  readonly orderNo: string;
  readonly eventId: string;
  readonly type: string | null;
  readonly occurredAt: number;
  readonly data: string | null;
  readonly settled: string | null;
  readonly trace: string | null;
};

export const eventAt = (sql: SqlStorage, seq: number): ClaimedEvent | null =>
  sql
    .exec<ClaimedEvent>(
      `SELECT order_no AS orderNo, event_id AS eventId, type, occurred_at AS occurredAt, data, settled, trace
       FROM events WHERE seq = ?`,
      seq,
    )
    .toArray()[0] ?? null;

export type SettlingEvent = Pick<ClaimedEvent, 'orderNo' | 'eventId' | 'settled'>;

/** The same without its snapshot, which is most of its bytes. */
export const settlingAt = (sql: SqlStorage, seq: number): SettlingEvent | null =>
  sql
    .exec<SettlingEvent>('SELECT order_no AS orderNo, event_id AS eventId, settled FROM events WHERE seq = ?', seq)
    .toArray()[0] ?? null;

/** Held deliveries of an order, in its sequence. No index: an order has few events. */
export const heldRows = (sql: SqlStorage, orderNo: string): DeliveryRow[] =>
  sql
    .exec<DeliveryRow>(
      `${ROW} WHERE state = 'held' AND seq IN (SELECT seq FROM events WHERE order_no = ?) ORDER BY seq, origin_id`,
      orderNo,
    )
    .toArray();

/** Settles events from this one on that nobody has dispatched. Answers how many. */
export const cancelUndispatched = (sql: SqlStorage, orderNo: string, fromSeq: number): number =>
  sql
    .exec(
      `UPDATE events SET settled = '{"state":"cancelled"}' WHERE order_no = ? AND seq >= ? AND settled IS NULL
         AND type IS NOT NULL AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.seq = events.seq) RETURNING seq`,
      orderNo,
      fromSeq,
    )
    .toArray().length;

/** Alarms are kept here until the registry has them. */
export function putAlarm(sql: SqlStorage, alarm: Alarm): void {
  sql.exec('INSERT INTO alarms (doc) VALUES (?)', JSON.stringify(alarm));
}

export const pendingAlarms = (sql: SqlStorage, limit: number): { id: number; alarm: Alarm }[] =>
  sql
    .exec<{ id: number; doc: string }>('SELECT id, doc FROM alarms ORDER BY id LIMIT ?', limit)
    .toArray()
    .map(({ id, doc }) => ({ id, alarm: JSON.parse(doc) as Alarm })); // written by putAlarm alone

export function dropAlarms(sql: SqlStorage, throughId: number): void {
  sql.exec('DELETE FROM alarms WHERE id <= ?', throughId);
}

export function writeHead(sql: SqlStorage, head: number): void {
  sql.exec('UPDATE marks SET head = ? WHERE id = 1', head);
}

/** Everything up to the head has settled or has a row of its own. */
export function raiseLow(sql: SqlStorage): void {
  sql.exec('UPDATE marks SET low = head WHERE id = 1');
}

export function writeDirtySince(sql: SqlStorage, at: number): void {
  sql.exec('UPDATE marks SET dirty_since = ? WHERE id = 1', at);
}

/** Marks the order as changed without a new version: what its deliveries did belongs to it. */
export function touchOrder(sql: SqlStorage, orderNo: string, now: number): void {
  sql.exec('UPDATE orders SET updated_at = ? WHERE order_no = ?', now, orderNo);
}
