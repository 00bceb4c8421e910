// Orders that D1 refused while it took others: what they have to tell waits here, so that the walk goes on. Synchronous
// SQL; a row only where something is wrong.

export type SetAside = {
  readonly orderNo: string;
  /** The first fact that D1 was never told; facts before it may have been told, and let go of there since. */
  readonly fromSeq: number;
  readonly since: number;
  readonly dueAt: number;
};

export const readAside = (sql: SqlStorage): SetAside[] =>
  sql
    .exec<SetAside>('SELECT order_no AS orderNo, from_seq AS fromSeq, since, due_at AS dueAt FROM aside ORDER BY since')
    .toArray();

export function putAside(sql: SqlStorage, { orderNo, fromSeq, since, dueAt }: SetAside, error: string): void {
  sql.exec(
    `INSERT INTO aside (order_no, from_seq, since, due_at, error) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET due_at = excluded.due_at, error = excluded.error`,
    orderNo,
    fromSeq,
    since,
    dueAt,
    error.slice(0, 500),
  );
}

export const dropAside = (sql: SqlStorage, orderNo: string) =>
  sql.exec('DELETE FROM aside WHERE order_no = ?', orderNo);

/** By hand: all of them are tried again now. */
export const hurryAside = (sql: SqlStorage, now: number) => sql.exec('UPDATE aside SET due_at = ?', now);
