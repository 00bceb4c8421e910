// Asks a provider to give money back, for an amount that the ledger has set aside before. What an earlier request left
// open is asked about before the same refund is sent again. Never sends it under a second number.
import { type Order, paidOf, type Refund } from '../core/order.ts';
import type { RefundRequest } from '../core/refund-request.ts';
import { paymentOfRequest } from '../core/refund-request.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { AnyProvider, QueryTarget, RefundOrder } from '../providers/provider.ts';
import { ledgerOf } from '../record.ts';
import { type Asker, type AskProblem, askProvider, leavesOpen } from './ask.ts';
import { type Heard, hear, query, targetOf } from './query.ts';

export type RefundAsker = Asker & {
  readonly refund: NonNullable<AnyProvider['refund']>;
  readonly notifyUrl: string;
};

export type Refunding =
  /** A fact of it is recorded: it is as the order says. */
  | { readonly kind: 'told' }
  /** Nobody knows yet; the ledger has it asked again. */
  | { readonly kind: 'open'; readonly problem: AskProblem }
  /** The provider refused for good, and the amount is free again. */
  | { readonly kind: 'refused'; readonly problem: AskProblem };

/** The refund's fact as the order has it; null while nobody has told of it. */
export const refundIn = (order: Order, refundNo: string): Refund | null =>
  order.refunds.find((refund) => refund.refundNo === refundNo) ?? null;

/** What was set aside for the refund; null where nothing is. */
export const requestIn = (order: Order, refundNo: string): RefundRequest | null =>
  order.refundRequests.find((request) => request.refundNo === refundNo) ?? null;

/** What the provider is told of a refund that was set aside. */
function refundOrderOf(order: Order, request: RefundRequest, notifyUrl: string): RefundOrder {
  const { orderNo } = order;
  const { refundNo, amount, reason } = request;
  const payment = paymentOfRequest(order, request);
  const paid = payment?.amount ?? paidOf(order) ?? amount;
  return { orderNo, transactionId: payment?.transactionId ?? null, refundNo, amount, paid, reason, notifyUrl };
}

/** Asks for the refund that was set aside. `mayBeAsked`: an earlier request for it may have reached the provider. */
export async function requestRefund(
  asker: RefundAsker,
  order: Order,
  request: RefundRequest,
  mayBeAsked: boolean,
): Promise<Refunding> {
  const refund = refundOrderOf(order, request, asker.notifyUrl);
  if (mayBeAsked) {
    const known = await lookUp(asker, order, request);
    if (known !== 'unknown') return known;
  }
  const first = await send(asker, refund);
  if (first.ok) return { kind: 'told' };
  if (!leavesOpen(first.error)) {
    // What never left says nothing of what was asked before.
    const isOpen = mayBeAsked && !first.error.wasSent;
    return isOpen ? { kind: 'open', problem: first.error } : refused(asker, order, request, first.error);
  }
  const known = await lookUp(asker, order, request);
  if (known !== 'unknown') return known.kind === 'open' ? { kind: 'open', problem: first.error } : known;
  const second = await send(asker, refund);
  if (second.ok) return { kind: 'told' };
  if (leavesOpen(second.error)) return { kind: 'open', problem: second.error };
  return refused(asker, order, request, second.error);
}

/** What the provider knows of the refund, recorded. A provider that cannot be asked knows nothing. */
async function lookUp(
  asker: Asker,
  order: Order,
  request: RefundRequest,
): Promise<Exclude<Refunding, { readonly kind: 'refused' }> | 'unknown'> {
  const found = await findRefund(asker, order, request);
  if (found === null) return 'unknown';
  if (!found.ok) return leavesOpen(found.error) ? { kind: 'open', problem: found.error } : 'unknown';
  return found.value ? { kind: 'told' } : 'unknown';
}

/** Whether the provider knows the refund; what it says is recorded. Null where it cannot be asked at all. */
export async function findRefund(
  asker: Asker,
  order: Order,
  request: RefundRequest,
): Promise<Result<boolean, AskProblem> | null> {
  const { refundNo } = request;
  const heard = await query(asker, { ...refundTargetOf(order, request), refundNo });
  if (heard === null || !heard.ok) return heard;
  return ok(heard.value.facts.some((fact) => fact.kind === 'refund' && fact.refundNo === refundNo));
}

/** By the payment that it gives back, and by the order alone where that is open: as it was asked for. */
function refundTargetOf(order: Order, request: RefundRequest): QueryTarget {
  const { transactionId: _, ...target } = targetOf(order.orderNo, order);
  const payment = paymentOfRequest(order, request);
  return payment ? { ...target, transactionId: payment.transactionId, occurredAt: payment.paidAt } : target;
}

async function send(asker: RefundAsker, refund: RefundOrder): Promise<Result<Heard, AskProblem>> {
  const { refund: capability, credentials } = asker;
  const said = await askProvider(asker, {
    orderNo: refund.orderNo,
    request: (context) => capability.request(refund, credentials, context),
    read: (answer, keys, now) => capability.read(answer, refund, credentials, keys, now),
  });
  return said.ok ? hear(asker, said.value) : err(said.error);
}

/** Refused for good, unless somebody else's request for the same refund was taken meanwhile. */
async function refused(
  asker: RefundAsker,
  order: Order,
  request: RefundRequest,
  problem: AskProblem,
): Promise<Refunding> {
  if (problem.wasSent) {
    const known = await lookUp(asker, order, request);
    if (known !== 'unknown') return known;
  }
  const { orderNo } = order;
  const { refundNo, requestedAt } = request;
  const drop = { v: 1, orderNo, refundNo, requestedAt, detail: problem.detail } as const;
  await ledgerOf(asker.env, asker.record, orderNo).dropRefund(drop);
  return { kind: 'refused', problem };
}
