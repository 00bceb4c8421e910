// Refund requests in the ledger: set aside before the provider is asked, freed when it refused for good or somebody
// gave them up. Synchronous, inside one transaction. What becomes of a refund comes as a fact (ledger-book.ts).
import { printMoney } from '../core/money.ts';
import { paidOf } from '../core/order.ts';
import type { DropRequest, ReserveReply, ReserveRequest } from '../core/record.ts';
import { dropRequest, paymentOfRequest, reserveRefund } from '../core/refund-request.ts';
import { putAct } from './ledger-acts.ts';
import { readOrder, writeOrder } from './ledger-book.ts';
import { putTimer } from './ledger-timers.ts';

export function recordReservation(sql: SqlStorage, request: ReserveRequest, now: number): ReserveReply {
  const { orderNo, refundNo, amount, reason, transactionId, actor, askAgainAt } = request;
  const order = readOrder(sql, orderNo);
  if (order === null) return { kind: 'missing' };
  const asked = { refundNo, amount, reason, transactionId, requestedAt: now };
  const reserved = reserveRefund(order, asked, now);
  if (!('order' in reserved)) return reserved;
  if (reserved.kind === 'reserved') {
    writeOrder(sql, reserved.order);
    putTimer(sql, { dueAt: askAgainAt, orderNo, kind: 'refund', ref: refundNo });
    const about = `${refundNo}: ${printMoney(amount)} ${amount.currency}`;
    putAct(sql, { orderNo, at: now, kind: 'refund_requested', actor, about });
  }
  const payment = paymentOfRequest(reserved.order, reserved.request);
  const paid = payment?.amount ?? paidOf(reserved.order) ?? amount;
  return { kind: reserved.kind, order: reserved.order, transactionId: payment?.transactionId ?? null, paid };
}

/**
 * Frees what was set aside. A request that is not there was taken over by a fact, one of another time is a later try:
 * then nothing is freed, and the answer is false.
 */
export function recordRefusal(sql: SqlStorage, request: DropRequest, now: number): boolean {
  const { orderNo, refundNo, requestedAt, detail, abandonedBy, address = null } = request;
  const order = readOrder(sql, orderNo);
  const reserved = order?.refundRequests.find((one) => one.refundNo === refundNo);
  if (!order || reserved?.requestedAt !== requestedAt) return false;
  writeOrder(sql, dropRequest(order, refundNo, now));
  const kind = abandonedBy === undefined ? 'refund_refused' : 'refund_abandoned';
  const actor = { key: abandonedBy ?? 'provider', reason: detail, address };
  putAct(sql, { orderNo, at: now, kind, actor, about: refundNo });
  return true;
}
