// Asks a provider to give money back, for an amount that the ledger has set aside before. What an earlier request left
// open is asked about before the same refund is sent again. Never sends it under a second number.
import { type Order, paidOf, type Refund, type RefundRequest } from '../core/order.ts';
import { paymentOfRequest } from '../core/refund-request.ts';
import { err, type Result } from '../core/result.ts';
import type { AnyProvider, RefundOrder } from '../providers/provider.ts';
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
    const known = await lookUp(asker, order, refund.refundNo);
    if (known !== 'unknown') return known;
  }
  const first = await send(asker, refund);
  if (first.ok) return { kind: 'told' };
  if (!leavesOpen(first.error)) {
    // What never left says nothing of what was asked before.
    const isOpen = mayBeAsked && !first.error.wasSent;
    return isOpen ? { kind: 'open', problem: first.error } : refused(asker, order, request, first.error);
  }
  const known = await lookUp(asker, order, refund.refundNo);
  if (known !== 'unknown') return known.kind === 'open' ? { kind: 'open', problem: first.error } : known;
  const second = await send(asker, refund);
  if (second.ok) return { kind: 'told' };
  if (leavesOpen(second.error)) return { kind: 'open', problem: second.error };
  return refused(asker, order, request, second.error);
}

/** What the provider knows of the refund, recorded. A provider that cannot be asked knows nothing. */
export async function lookUp(
  asker: Asker,
  order: Order,
  refundNo: string,
): Promise<Exclude<Refunding, { readonly kind: 'refused' }> | 'unknown'> {
  const heard = await query(asker, { ...targetOf(order.orderNo, order), refundNo });
  if (heard === null) return 'unknown';
  if (!heard.ok) return leavesOpen(heard.error) ? { kind: 'open', problem: heard.error } : 'unknown';
  return heard.value.facts.some((fact) => fact.kind === 'refund' && fact.refundNo === refundNo)
    ? { kind: 'told' }
    : 'unknown';
}

async function send(asker: RefundAsker, refund: RefundOrder): Promise<Result<Heard, AskProblem>> {
  const { refund: capability, credentials } = asker;
  const said = await askProvider(asker, {
    request: (context) => capability.request(refund, credentials, context),
    read: (answer, keys, now) => capability.read(answer, refund, credentials, keys, now),
  });
  return said.ok ? hear(asker, said.value) : err(said.error);
}

/** Refused for good, unless somebody else's request for the same refund was taken meanwhile. */
async function refused(
  asker: RefundAsker,
  order: Order,
  { refundNo, requestedAt }: RefundRequest,
  problem: AskProblem,
): Promise<Refunding> {
  if (problem.wasSent) {
    const known = await lookUp(asker, order, refundNo);
    if (known !== 'unknown') return known;
  }
  const { orderNo } = order;
  const drop = { v: 1, orderNo, refundNo, requestedAt, detail: problem.detail } as const;
  await ledgerOf(asker.env, asker.record, orderNo).dropRefund(drop);
  return { kind: 'refused', problem };
}
