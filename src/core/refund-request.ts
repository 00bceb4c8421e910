// Refund requests: what of a payment may still be given back, and who asked for it first. Pure. Never asks a provider.
import { isSameMoney, type Money } from './money.ts';
import { type Order, paidOf } from './order.ts';

/** A refund asked for and not told of yet: it counts as spent, so that two at once cannot exceed the payment. */
export type RefundRequest = {
  readonly refundNo: string;
  readonly amount: Money;
  readonly reason: string | null;
  readonly transactionId: string | null;
  readonly requestedAt: number;
};

/** `refundNo`: it stands for a refund that failed, and a provider may take it for that one again. */
export type ConflictField = 'amount' | 'reason' | 'transactionId' | 'refundNo';

export type Reserved =
  | { readonly kind: 'reserved' | 'same'; readonly order: Order; readonly request: RefundRequest }
  | { readonly kind: 'conflict'; readonly field: ConflictField }
  | { readonly kind: 'exceeds'; readonly refundable: Money }
  | { readonly kind: 'not_paid' };

/**
 * What is left to give back: what was paid, less every refund that succeeded or may still succeed, less what was asked
 * for and not told of yet. Null while nothing was paid. Never below zero.
 */
export function refundableOf(order: Order): Money | null {
  const paid = paidOf(order);
  return paid === null || order.payments.length === 0 ? null : refundableIn(order, paid.currency);
}

/** Money in a currency that nobody asked for is the payer's too: each currency is counted by itself. */
export function refundableIn({ payments, refunds, refundRequests }: Order, currency: string): Money {
  const sum = (parts: readonly { readonly amount: Money }[]) =>
    parts.reduce((total, { amount }) => (amount.currency === currency ? total + amount.minor : total), 0);
  const told = refunds.filter(({ state }) => state !== 'failed');
  return { minor: Math.max(0, sum(payments) - sum(told) - sum(refundRequests)), currency };
}

/**
 * Sets the amount aside. The same refund number with the same data is the same request; with other data a conflict that
 * names the field. A refund that the provider told of itself is known by its number too.
 */
export function reserveRefund(order: Order, request: RefundRequest, now: number): Reserved {
  const { refundNo, amount } = request;
  const asked = order.refundRequests.find((one) => one.refundNo === refundNo);
  if (asked) {
    const field = differingField(asked, request);
    return field === null ? { kind: 'same', order, request: asked } : { kind: 'conflict', field };
  }
  const told = order.refunds.find((one) => one.refundNo === refundNo);
  if (told?.state === 'failed') return { kind: 'conflict', field: 'refundNo' };
  if (told && !isSameMoney(told.amount, amount)) return { kind: 'conflict', field: 'amount' };
  if (told) return { kind: 'same', order, request };
  const refundable = refundableOf(order);
  if (refundable === null) return { kind: 'not_paid' };
  if (!knowsTransaction(order, request)) return { kind: 'conflict', field: 'transactionId' };
  const isOwed = order.payments.some((payment) => payment.amount.currency === amount.currency);
  const left = isOwed ? refundableIn(order, amount.currency) : refundable;
  if (amount.currency !== left.currency || amount.minor > left.minor) return { kind: 'exceeds', refundable: left };
  const next: Order = { ...order, refundRequests: [...order.refundRequests, request] };
  return { kind: 'reserved', request, order: changed(next, now) };
}

const knowsTransaction = ({ payments }: Order, { transactionId }: RefundRequest) =>
  transactionId === null || payments.some((payment) => payment.transactionId === transactionId);

function differingField(a: RefundRequest, b: RefundRequest): ConflictField | null {
  if (!isSameMoney(a.amount, b.amount)) return 'amount';
  if (a.transactionId !== b.transactionId) return 'transactionId';
  return a.reason === b.reason ? null : 'reason';
}

/** Frees what was set aside: the provider refused for good, or a fact of this refund has come. */
export function dropRequest(order: Order, refundNo: string, now: number): Order {
  const refundRequests = order.refundRequests.filter((request) => request.refundNo !== refundNo);
  return refundRequests.length === order.refundRequests.length ? order : changed({ ...order, refundRequests }, now);
}

const changed = (order: Order, now: number): Order => ({ ...order, version: order.version + 1, updatedAt: now });

/** The payment that a refund gives back: the one it names, else the only one; null where there are several. */
export function paymentOfRequest({ payments }: Order, { transactionId }: RefundRequest) {
  if (transactionId !== null) return payments.find((payment) => payment.transactionId === transactionId) ?? null;
  return payments.length === 1 ? (payments[0] ?? null) : null;
}
