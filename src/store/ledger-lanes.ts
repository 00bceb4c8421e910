// Lanes of the ledger's outbox: the events of one order on their way to one origin, one at a time. Synchronous SQL.
import { type DeliveryRow, OPEN, putRow, ROW } from './ledger-outbox.ts';

/** True when an earlier event of this order still waits for this origin, or flies as a row. */
export const laneWaits = (sql: SqlStorage, orderNo: string, originId: string): boolean =>
  sql
    .exec(`SELECT 1 FROM deliveries WHERE ${OPEN} AND order_no = ? AND origin_id = ? LIMIT 1`, orderNo, originId)
    .toArray().length > 0;

/**
 * Lets the next event of a lane go, now that its predecessor settled; one that was never tried waits for its first step
 * of the ladder. Answers when it is due, null when there is none.
 */
export function releaseNext(
  sql: SqlStorage,
  orderNo: string,
  originId: string,
  now: number,
  waitMs: number,
): number | null {
  const [next] = sql
    .exec<DeliveryRow>(
      `${ROW} WHERE ${OPEN} AND order_no = ? AND origin_id = ? AND state = 'waiting' ORDER BY seq LIMIT 1`,
      orderNo,
      originId,
    )
    .toArray();
  if (!next || next.dueAt !== null) return null;
  const dueAt = next.attempt > 0 || waitMs === 0 ? now : Math.max(now, receivedAtOf(sql, next.seq) + waitMs);
  putRow(sql, { ...next, dueAt, reason: 'dispatch', rev: next.rev + 1 });
  return dueAt;
}

const receivedAtOf = (sql: SqlStorage, seq: number): number =>
  sql.exec<{ at: number }>('SELECT received_at AS at FROM events WHERE seq = ?', seq).one().at;
