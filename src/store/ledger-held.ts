// What a shard holds, for a comparison with a bill: the orders of given numbers, and those of a time. Reads only, in
// bounded pages, so that no bill keeps a payment waiting.
import type { LedgerOrder } from '../core/compare-rules.ts';
import type { Order } from '../core/order.ts';
import type { HeldReply, HeldRequest } from '../core/reconciliation.ts';

export const heldOrders = (sql: SqlStorage, orderNos: readonly string[]): readonly LedgerOrder[] =>
  sql
    .exec<{ doc: string }>(
      'SELECT o.doc FROM json_each(?) j JOIN orders o ON o.order_no = j.value',
      JSON.stringify(orderNos),
    )
    .toArray()
    .map(({ doc }) => {
      const { orderNo, payments, refunds, test, registration } = JSON.parse(doc) as Order; // by ledger-book.ts alone
      return { orderNo, payments, refunds, test, registered: registration?.amount ?? null };
    });

/** Facts are gone through in the order of their commit; an order is given with the first of its facts of the time. */
export function heldOf(sql: SqlStorage, request: HeldRequest): HeldReply {
  const { learntFrom, learntUntil, from, until, limit } = request;
  const after = request.after > 0 ? request.after : seqBefore(sql, learntFrom);
  const facts = sql
    .exec<{ seq: number; received_at: number }>(
      'SELECT seq, received_at FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
      after,
      limit,
    )
    .toArray();
  const last = facts.at(-1);
  if (last === undefined) return { orders: [], next: null };
  const orderNos = sql
    .exec<{ order_no: string }>(
      `SELECT DISTINCT e.order_no FROM events e
       WHERE e.seq > ?1 AND e.seq <= ?2 AND e.occurred_at >= ?3 AND e.occurred_at < ?4
         AND NOT EXISTS (SELECT 1 FROM events p WHERE p.order_no = e.order_no AND p.seq <= ?1
           AND p.occurred_at >= ?3 AND p.occurred_at < ?4)`,
      after,
      last.seq,
      from,
      until,
    )
    .toArray();
  const isOver = facts.length < limit || last.received_at >= learntUntil;
  const orders = heldOrders(
    sql,
    orderNos.map(({ order_no }) => order_no),
  );
  return { orders, next: isOver ? null : last.seq };
}

/** Facts are committed about as they arrive, so the place is found by halving; the caller's time leaves a margin. */
function seqBefore(sql: SqlStorage, time: number): number {
  let { low, high } = sql
    .exec<{ low: number | null; high: number | null }>('SELECT MIN(seq) AS low, MAX(seq) AS high FROM events')
    .toArray()
    .map((row) => ({ low: (row.low ?? 1) - 1, high: row.high ?? 0 }))[0] ?? { low: 0, high: 0 };
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [next] = sql
      .exec<{ seq: number; received_at: number }>(
        'SELECT seq, received_at FROM events WHERE seq > ? ORDER BY seq LIMIT 1',
        middle,
      )
      .toArray();
    if (next === undefined || next.received_at >= time) high = middle;
    else low = next.seq;
  }
  return low;
}
