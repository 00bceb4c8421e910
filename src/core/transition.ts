// Transition: how one fact changes an order. Pure. The order in which facts arrive does not change what is true in the
// end; only flags that tell of an arrival remember it.
import type { DisputeFact, Fact, PaymentFact, PaymentStatus, Source } from './event.ts';
import { isSameMoney, type Money } from './money.ts';
import {
  type Applied,
  applied,
  covers,
  type Dispute,
  type Flag,
  LEGAL_MOVES,
  type Order,
  type Payment,
  stale,
} from './order.ts';
import { applyRefund } from './refund.ts';
import { dropRequest } from './refund-request.ts';

/** Applies one fact. The same fact once more is stale, even where the ledger did not notice it by its key. */
export function applyFact(order: Order, fact: Fact, source: Source, now: number): Applied {
  switch (fact.kind) {
    case 'payment':
      return fact.status === 'succeeded'
        ? applyPaid(order, fact, source, now)
        : applyUnpaid(order, fact, fact.status, now);
    case 'refund':
      return withoutRequest(applyRefund(order, fact, now), fact.refundNo, now);
    case 'dispute':
      return applyDispute(order, fact, now);
    case 'flag':
      return order.flags.includes(fact.flag) ? stale(order) : applied(order, order, 'order.flagged', now, [fact.flag]);
  }
}

/** What was set aside for a refund is the refund's own from its first fact on. */
function withoutRequest(step: Applied, refundNo: string, now: number): Applied {
  const order = dropRequest(step.order, refundNo, now);
  return order === step.order ? step : { ...step, order };
}

function applyPaid(order: Order, fact: PaymentFact, source: Source, now: number): Applied {
  const { transactionId, amount } = fact;
  const known = order.payments.find((payment) => payment.transactionId === transactionId);
  if (known) {
    if (amount === null || isSameMoney(amount, known.amount)) return stale(order);
    return applied(order, order, 'order.flagged', now, ['provider_disagrees']); // the amount that came first stands
  }
  // Never guessed: a query completes it.
  if (transactionId === null || amount === null) return applied(order, order, 'order.flagged', now, ['incomplete']);
  const paid: Order = {
    ...order,
    payments: inOrder([...order.payments, paymentOf(fact, transactionId, amount)]),
    providerState: fact.providerState,
    payer: order.payer ?? fact.payer ?? null,
    payerSource: order.payer ? order.payerSource : fact.payer ? source : null,
    attach: order.attach ?? fact.attach ?? null,
    test: order.test || fact.test,
  };
  if (order.paymentState === 'paid') return applied(order, paid, 'order.flagged', now);
  const due = order.registration?.amount ?? null;
  const arrival: Flag[] = order.paymentState === 'closed' ? ['paid_after_close'] : [];
  if (due && amount.currency !== due.currency) return applied(order, paid, 'order.flagged', now, arrival);
  if (!covers(paid.payments, due)) {
    return { ...applied(order, paid, 'payment.pending', now, arrival), verdict: 'odd' };
  }
  const complete: Order = { ...paid, paymentState: 'paid', flags: paid.flags.filter((flag) => flag !== 'incomplete') };
  return applied(order, complete, 'payment.succeeded', now, arrival);
}

const inOrder = (payments: readonly Payment[]): Payment[] =>
  payments.toSorted((a, b) => a.paidAt - b.paidAt || (a.transactionId < b.transactionId ? -1 : 1));

function paymentOf(fact: PaymentFact, transactionId: string, amount: Money): Payment {
  return {
    transactionId,
    amount,
    payerAmount: fact.payerAmount ?? null,
    discounts: fact.discounts ?? [],
    method: fact.method ?? null,
    providerMethod: fact.providerMethod ?? null,
    bank: fact.bank ?? null,
    received: fact.received ?? null,
    paidAt: fact.occurredAt,
    flags: fact.flags ?? [],
  };
}

const UNPAID_TYPES = { pending: 'payment.pending', failed: 'payment.failed', closed: 'payment.closed' } as const;

function applyUnpaid(
  order: Order,
  fact: PaymentFact,
  status: Exclude<PaymentStatus, 'succeeded'>,
  now: number,
): Applied {
  if (!LEGAL_MOVES[order.paymentState].includes(status)) {
    // Money on an order that does not move is a person's business; a paid order's own payments say how it stands.
    const isNews = order.paymentState !== 'paid' && fact.flags?.some((flag) => !order.flags.includes(flag));
    return isNews ? applied(order, { ...order, told: told(order, fact) }, 'order.flagged', now) : stale(order);
  }
  const moved: Order = {
    ...order,
    paymentState: status,
    closedAt: status === 'closed' ? fact.occurredAt : order.closedAt,
    providerState: fact.providerState,
    told: told(order, fact),
    attach: order.attach ?? fact.attach ?? null,
    test: order.test || fact.test,
  };
  return applied(order, moved, UNPAID_TYPES[status], now);
}

const told = (order: Order, { flags = [] }: PaymentFact): readonly Flag[] => [...new Set([...order.told, ...flags])];

const DISPUTE_TYPES = { open: 'dispute.opened', won: 'dispute.won', lost: 'dispute.lost' } as const;

function applyDispute(order: Order, fact: DisputeFact, now: number): Applied {
  const known = order.disputes.find((dispute) => dispute.disputeId === fact.disputeId);
  const { disputeId, state, amount, occurredAt: at } = fact;
  const next: Order = {
    ...order,
    disputes: [...order.disputes.filter((dispute) => dispute !== known), { disputeId, state, amount, at }],
    test: order.test || fact.test,
  };
  if (known?.state === state && known.amount && amount && !isSameMoney(known.amount, amount)) {
    return applied(order, at > known.at ? next : order, 'order.flagged', now, ['provider_disagrees']);
  }
  if (known && !disputeMoves(known, fact)) return stale(order);
  return applied(order, next, DISPUTE_TYPES[state], now);
}

/** A decided dispute is not opened again; of two decisions the later stands, and of two at once the worse. */
function disputeMoves(known: Dispute, { state, occurredAt }: DisputeFact): boolean {
  if (state === known.state || state === 'open') return false;
  return known.state === 'open' || occurredAt > known.at || (occurredAt === known.at && state === 'lost');
}
