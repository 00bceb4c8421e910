// What is due when in one shard. A timer is never looked up to be cancelled: it fires and finds nothing left to do.
import type { Timer } from '../core/record.ts';

export function putTimer(sql: SqlStorage, { dueAt, orderNo, kind, ref }: Timer): void {
  sql.exec(
    'INSERT INTO timers (due_at, order_no, kind, ref) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    dueAt,
    orderNo,
    kind,
    ref,
  );
}

export function dropTimer(sql: SqlStorage, { dueAt, orderNo, kind, ref }: Timer): void {
  sql.exec('DELETE FROM timers WHERE due_at = ? AND order_no = ? AND kind = ? AND ref = ?', dueAt, orderNo, kind, ref);
}

/** The first ones, by time. */
export const firstTimers = (sql: SqlStorage, limit: number): Timer[] =>
  sql
    .exec<Timer>('SELECT due_at AS dueAt, order_no AS orderNo, kind, ref FROM timers ORDER BY due_at LIMIT ?', limit)
    .toArray();
