// Orders of one channel by how their number begins, read from the projection in D1 by its primary key. Never truth.
import type { OrderRow } from './lists.ts';

export type NumberFilter = {
  readonly channel: string;
  readonly prefix: string;
  readonly state?: string | undefined;
};

/** Order numbers are visible ASCII: this sorts after every one that begins with the prefix. */
const AFTER_ALL = '\x7f';

/** By number, from behind `after`; one row more than the limit. */
export async function listOrdersByNumber(
  db: D1Database,
  { channel, prefix, state }: NumberFilter,
  after: string | null,
  limit: number,
): Promise<readonly OrderRow[]> {
  // The plus keeps SQLite on the primary key: no other index knows numbers.
  const statement = db.prepare(
    `SELECT channel, order_no, state, flags, amount_minor, currency, paid_minor, refunded_minor, sequence, registered,
       test, created_at, updated_at, paid_at
     FROM orders
     WHERE channel = ?1 AND order_no >= ?2 AND order_no < ?3 AND order_no > ?4 AND (?5 IS NULL OR +state = ?5)
     ORDER BY order_no LIMIT ?6`,
  );
  const { results } = await statement
    .bind(channel, prefix, prefix + AFTER_ALL, after ?? '', state ?? null, limit + 1)
    .all<OrderRow>();
  return results;
}
