// What is due when in one shard. A timer is never looked up to be cancelled: it fires and finds nothing left to do.
import type { Timer } from '../core/timer.ts';

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

/** The same timer at another time, perhaps of another kind. One that is gone stays gone: it was finished before. */
export function moveTimer(sql: SqlStorage, from: Timer, to: Pick<Timer, 'kind' | 'dueAt'>): void {
  sql.exec(
    `UPDATE OR REPLACE timers SET due_at = ?, kind = ?
     WHERE due_at = ? AND order_no = ? AND kind = ? AND ref = ?`,
    to.dueAt,
    to.kind,
    from.dueAt,
    from.orderNo,
    from.kind,
    from.ref,
  );
}

/** Those of these kinds that are due, by time: reads past all others. */
export const dueTimers = (sql: SqlStorage, kinds: readonly Timer['kind'][], now: number, limit: number): Timer[] =>
  sql
    .exec<Timer>(
      `SELECT due_at AS dueAt, order_no AS orderNo, kind, ref FROM timers
       WHERE due_at <= ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY due_at LIMIT ?`,
      now,
      JSON.stringify(kinds),
      limit,
    )
    .toArray();

/** The first ones up to this time, in its order: no other row is read. */
export const firstTimers = (sql: SqlStorage, limit: number, until: number = Number.MAX_SAFE_INTEGER): Timer[] =>
  sql
    .exec<Timer>(
      'SELECT due_at AS dueAt, order_no AS orderNo, kind, ref FROM timers WHERE due_at <= ? ORDER BY due_at LIMIT ?',
      until,
      limit,
    )
    .toArray();

/** Brings the questions of the clock that are due first forward to now; answers how many are due by then. */
export function hurryQueries(sql: SqlStorage, most: number, now: number): number {
  const next = sql
    .exec<Timer>(
      `SELECT due_at AS dueAt, order_no AS orderNo, kind, ref FROM timers WHERE kind = 'query' ORDER BY due_at LIMIT ?`,
      most,
    )
    .toArray();
  for (const timer of next) if (timer.dueAt > now) moveTimer(sql, timer, { kind: timer.kind, dueAt: now });
  return next.length;
}
