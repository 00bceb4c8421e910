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
      const { orderNo, payments, refunds, test } = JSON.parse(doc) as Order; // written by ledger-book.ts alone
      return { orderNo, payments, refunds, test };
    });

/** Facts of a page are read in the order of their commit; only orders with something of the time are given. */
export function heldOf(sql: SqlStorage, request: HeldRequest): HeldReply {
  const { learntFrom, learntUntil, from, until, limit } = request;
  const after = request.after > 0 ? request.after : seqBefore(sql, learntFrom);
  const facts = sql
    .exec<{ seq: number; order_no: string; occurred_at: number; received_at: number }>(
      'SELECT seq, order_no, occurred_at, received_at FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
      after,
      limit,
    )
    .toArray();
  const last = facts.at(-1);
  const orderNos = new Set<string>();
  for (const { order_no, occurred_at } of facts) if (occurred_at >= from && occurred_at < until) orderNos.add(order_no);
  const isOver = last === undefined || facts.length < limit || last.received_at >= learntUntil;
  return { orders: heldOrders(sql, [...orderNos]), next: isOver ? null : last.seq };
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
