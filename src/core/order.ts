// Order: what the merchant sold, its legal moves, and how a fact changes it. Pure. Never reads a clock or a database.
import type {
  Discount,
  DisputeFact,
  DisputeState,
  EventType,
  Payer,
  PaymentEvent,
  PaymentFact,
  PaymentStatus,
  Received,
  RefundFact,
  RefundState,
  Source,
} from './event.ts';
import type { Money } from './money.ts';

export type OrderState = 'pending' | 'paid' | 'failed' | 'closed' | 'partially_refunded' | 'refunded';

export const FLAGS = [
  'amount_mismatch',
  'currency_mismatch',
  'underpaid',
  'overpaid',
  'late_payment',
  'paid_after_close',
  'paid_twice',
  'refund_before_payment',
  'refund_exceeds_payment',
  'refund_abnormal',
  'refund_reversed',
  'transaction_reused',
  'unmatched',
  'provider_disagrees',
  'origin_disagrees',
  'risk_review',
  'incomplete',
] as const;
export type Flag = (typeof FLAGS)[number];

export type Payment = {
  readonly transactionId: string;
  readonly amount: Money;
  readonly payerAmount: Money | null;
  readonly discounts: readonly Discount[];
  readonly method: string | null;
  readonly providerMethod: string | null;
  readonly bank: string | null;
  readonly received: Received | null;
  readonly paidAt: number;
};

export type Refund = {
  readonly refundNo: string;
  readonly providerRefundId: string | null;
  readonly amount: Money;
  readonly state: RefundState;
  readonly reason: string | null;
  readonly at: number;
};

export type Registration = {
  readonly amount: Money;
  readonly description: string | null;
  readonly expiresAt: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly registeredAt: number;
};

/** The payment request a provider gave us, so that the merchant can show it to the payer. */
export type PaymentRequest = { readonly codeUrl: string; readonly codeExpiresAt: number };

export type Order = {
  readonly orderNo: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Plus one on every visible change; newest wins in the projection. */
  readonly version: number;
  /** The last event's place in this order. */
  readonly sequence: number;
  readonly registration: Registration | null;
  readonly paymentRequest: PaymentRequest | null;
  /** The payment part alone; refunds are added by stateOf. */
  readonly paymentState: 'pending' | 'paid' | 'failed' | 'closed';
  readonly closedAt: number | null;
  readonly providerState: string | null;
  readonly payments: readonly Payment[];
  readonly refunds: readonly Refund[];
  readonly disputes: readonly { readonly disputeId: string; readonly state: DisputeState; readonly at: number }[];
  readonly flags: readonly Flag[];
  readonly payer: Payer | null;
  readonly payerSource: Source | null;
  readonly attach: string | null;
  readonly test: boolean;
};

/**
 * What became of a fact. `type` null: nothing to tell the origin. `stale`: kept in the timeline only.
 * `odd`: true and unexpected; a flag and an event.
 */
export type Applied = {
  readonly verdict: 'applied' | 'stale' | 'odd';
  readonly type: EventType | null;
  readonly order: Order;
};

/** Moves the payment part may make. Anything else is stale: paid is never left, whatever arrives late. */
export const LEGAL_MOVES: Readonly<Record<Order['paymentState'], readonly Order['paymentState'][]>> = {
  pending: ['pending', 'paid', 'failed', 'closed'],
  failed: ['paid', 'closed'],
  closed: ['paid'],
  paid: [],
};

export function newOrder(orderNo: string, now: number): Order {
  return {
    orderNo,
    createdAt: now,
    updatedAt: now,
    version: 0,
    sequence: 0,
    registration: null,
    paymentRequest: null,
    paymentState: 'pending',
    closedAt: null,
    providerState: null,
    payments: [],
    refunds: [],
    disputes: [],
    flags: [],
    payer: null,
    payerSource: null,
    attach: null,
    test: false,
  };
}

/** Sum of distinct payments in the order's currency: the registered one, else the first payment's. */
export function paidOf(order: Order): Money | null {
  const currency = order.registration?.amount.currency ?? order.payments[0]?.amount.currency;
  return currency === undefined
    ? null
    : {
        minor: sum(
          order.payments.map((p) => p.amount),
          currency,
        ),
        currency,
      };
}

/** Sum of succeeded refunds in the order's currency. */
export function refundedOf(order: Order): Money | null {
  const currency = paidOf(order)?.currency ?? order.refunds[0]?.amount.currency;
  if (currency === undefined) return null;
  return {
    minor: sum(
      order.refunds.filter((r) => r.state === 'succeeded').map((r) => r.amount),
      currency,
    ),
    currency,
  };
}

const sum = (amounts: readonly Money[], currency: string) =>
  amounts.reduce((total, amount) => (amount.currency === currency ? total + amount.minor : total), 0);

/** The order's state, derived from its facts; it may fall back when a refund is reversed. */
export function stateOf(order: Order): OrderState {
  if (order.paymentState !== 'paid') return order.paymentState;
  const refunded = refundedOf(order)?.minor ?? 0;
  if (refunded <= 0) return 'paid';
  return refunded >= (paidOf(order)?.minor ?? 0) ? 'refunded' : 'partially_refunded';
}

/** The dispute that still matters: the one that changed last. */
export function disputeOf(order: Order): DisputeState | null {
  return (
    order.disputes.reduce<Order['disputes'][number] | null>((a, b) => (a && a.at > b.at ? a : b), null)?.state ?? null
  );
}

/** Applies one fact. The same fact twice is the ledger's to notice (factKey); here it would be stale. */
export function applyFact(order: Order, fact: PaymentEvent, source: Source, now: number): Applied {
  switch (fact.kind) {
    case 'payment':
      return fact.status === 'succeeded'
        ? applyPaid(order, fact, source, now)
        : applyUnpaid(order, fact, fact.status, now);
    case 'refund':
      return applyRefund(order, fact, now);
    case 'dispute':
      return applyDispute(order, fact, now);
  }
}

function applyPaid(order: Order, fact: PaymentFact, source: Source, now: number): Applied {
  const { transactionId, amount } = fact;
  if (transactionId === null || amount === null) return flagged(order, ['incomplete'], now); // never guessed: a query completes it
  const known = order.payments.find((p) => p.transactionId === transactionId);
  if (known) return flagged(order, ['provider_disagrees'], now); // the same transaction with another amount
  const wasPaid = order.paymentState === 'paid';
  const paid: Order = {
    ...order,
    payments: [...order.payments, paymentOf(fact, transactionId, amount)],
    providerState: fact.providerState,
    payer: order.payer ?? fact.payer ?? null,
    payerSource: order.payer ? order.payerSource : fact.payer ? source : null,
    attach: order.attach ?? fact.attach ?? null,
    test: order.test || fact.test,
  };
  if (wasPaid) return flagged(paid, ['paid_twice', ...overpaidFlag(paid)], now);
  const due = order.registration?.amount ?? null;
  if (due && amount.currency !== due.currency) return flagged(paid, ['currency_mismatch'], now);
  if (due && (paidOf(paid)?.minor ?? 0) < due.minor) {
    return { verdict: 'odd', type: 'payment.pending', order: bump(withFlags(paid, ['underpaid']), now) };
  }
  const flags: Flag[] = [...overpaidFlag(paid)];
  if (order.paymentState === 'closed') flags.push('paid_after_close');
  if (isLate(order, fact)) flags.push('late_payment');
  const covered = withFlags(
    { ...paid, paymentState: 'paid', flags: paid.flags.filter((f) => f !== 'underpaid') },
    flags,
  );
  return { verdict: flags.length ? 'odd' : 'applied', type: 'payment.succeeded', order: bump(covered, now) };
}

const overpaidFlag = (order: Order): Flag[] => {
  const due = order.registration?.amount;
  return due && (paidOf(order)?.minor ?? 0) > due.minor ? ['overpaid'] : [];
};

const isLate = (order: Order, fact: PaymentFact) =>
  order.registration?.expiresAt != null && fact.occurredAt > order.registration.expiresAt;

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
  };
}

const UNPAID_TYPES = { pending: 'payment.pending', failed: 'payment.failed', closed: 'payment.closed' } as const;

function applyUnpaid(
  order: Order,
  fact: PaymentFact,
  status: Exclude<PaymentStatus, 'succeeded'>,
  now: number,
): Applied {
  if (!LEGAL_MOVES[order.paymentState].includes(status)) return { verdict: 'stale', type: null, order };
  const moved: Order = {
    ...order,
    paymentState: status,
    closedAt: status === 'closed' ? fact.occurredAt : order.closedAt,
    providerState: fact.providerState,
    attach: order.attach ?? fact.attach ?? null,
    test: order.test || fact.test,
  };
  return { verdict: 'applied', type: UNPAID_TYPES[status], order: bump(moved, now) };
}

// A refund only moves up these ranks; between two final words the later one, by the provider's clock, stands.
const REFUND_RANK: Readonly<Record<RefundState, number>> = { pending: 0, needs_attention: 1, failed: 2, succeeded: 2 };

function applyRefund(order: Order, fact: RefundFact, now: number): Applied {
  const known = order.refunds.find((r) => r.refundNo === fact.refundNo);
  if (known && !refundMoves(known, fact)) return { verdict: 'stale', type: null, order };
  const refund: Refund = {
    refundNo: fact.refundNo,
    providerRefundId: fact.providerRefundId ?? known?.providerRefundId ?? null,
    amount: fact.amount,
    state: fact.state,
    reason: fact.reason ?? known?.reason ?? null,
    at: fact.occurredAt,
  };
  const next: Order = {
    ...order,
    refunds: [...order.refunds.filter((r) => r !== known), refund],
    test: order.test || fact.test,
  };
  const flags = refundFlags(order, next, known, refund);
  if (fact.state === 'needs_attention' || flags.includes('refund_exceeds_payment')) return flagged(next, flags, now);
  const type = `refund.${fact.state}` as const;
  return { verdict: flags.length ? 'odd' : 'applied', type, order: bump(withFlags(next, flags), now) };
}

function refundMoves(known: Refund, fact: RefundFact): boolean {
  const [from, to] = [REFUND_RANK[known.state], REFUND_RANK[fact.state]];
  if (known.state === fact.state) return known.amount.minor !== fact.amount.minor && fact.occurredAt > known.at;
  if (from !== to) return to > from;
  return fact.occurredAt > known.at || (fact.occurredAt === known.at && fact.state === 'succeeded');
}

function refundFlags(before: Order, after: Order, known: Refund | undefined, refund: Refund): Flag[] {
  const flags: Flag[] = [];
  if (refund.state === 'needs_attention') flags.push('refund_abnormal');
  if (known?.state === 'succeeded' && refund.state === 'failed') flags.push('refund_reversed');
  if (known && known.amount.minor !== refund.amount.minor) flags.push('provider_disagrees');
  if (before.paymentState !== 'paid' && refund.state === 'succeeded') flags.push('refund_before_payment');
  else if ((refundedOf(after)?.minor ?? 0) > (paidOf(after)?.minor ?? 0)) flags.push('refund_exceeds_payment');
  return flags;
}

const DISPUTE_TYPES = { open: 'dispute.opened', won: 'dispute.won', lost: 'dispute.lost' } as const;

function applyDispute(order: Order, fact: DisputeFact, now: number): Applied {
  const known = order.disputes.find((d) => d.disputeId === fact.disputeId);
  if (known && known.state !== 'open' && (fact.state === 'open' || fact.occurredAt <= known.at)) {
    return { verdict: 'stale', type: null, order };
  }
  const dispute = { disputeId: fact.disputeId, state: fact.state, at: fact.occurredAt };
  const next: Order = { ...order, disputes: [...order.disputes.filter((d) => d !== known), dispute] };
  return { verdict: 'applied', type: DISPUTE_TYPES[fact.state], order: bump(next, now) };
}

const flagged = (order: Order, flags: readonly Flag[], now: number): Applied => ({
  verdict: 'odd',
  type: 'order.flagged',
  order: bump(withFlags(order, flags), now),
});

const withFlags = (order: Order, flags: readonly Flag[]): Order => ({
  ...order,
  flags: FLAGS.filter((flag) => order.flags.includes(flag) || flags.includes(flag)),
});

/** A visible change: the next version and, because every change carries an event, the next sequence. */
const bump = (order: Order, now: number): Order => ({
  ...order,
  version: order.version + 1,
  sequence: order.sequence + 1,
  updatedAt: now,
});
