// PaymentEvent: one canonical fact about one order, in our words. Pure. Types rise in trust:
// Callback (bytes) → Notification (authentic, the provider's words) → PaymentEvent (canonical, ours).
import type { Money } from './money.ts';

export type Source = 'callback' | 'query' | 'bill' | 'operator' | 'merchant';

export const EVENT_TYPES = [
  'payment.pending',
  'payment.succeeded',
  'payment.failed',
  'payment.closed',
  'refund.pending',
  'refund.succeeded',
  'refund.failed',
  'dispute.opened',
  'dispute.won',
  'dispute.lost',
  'order.flagged',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export type PaymentStatus = 'pending' | 'succeeded' | 'failed' | 'closed';
export type RefundState = 'pending' | 'succeeded' | 'failed' | 'needs_attention';
export type DisputeState = 'open' | 'won' | 'lost';

/** What a crypto provider saw on the chain; shown, never summed. */
export type Received = { readonly amount: string; readonly asset: string; readonly network: string };

export type Discount = { readonly id: string; readonly name?: string; readonly amount: Money };

export type Payer = {
  readonly id?: string;
  readonly idType?: string;
  readonly account?: string;
  readonly name?: string;
};

type FactBase = {
  readonly orderNo: string;
  /** When it happened at the provider, epoch milliseconds. */
  readonly occurredAt: number;
  /** The provider's own word for the state, verbatim. */
  readonly providerState: string;
  readonly test: boolean;
};

export type PaymentFact = FactBase & {
  readonly kind: 'payment';
  readonly status: PaymentStatus;
  /** Null while the provider has not given one: unpaid orders have none. */
  readonly transactionId: string | null;
  /** The order amount as the provider counts it, before discounts. Null when it does not say. */
  readonly amount: Money | null;
  readonly payerAmount?: Money;
  readonly discounts?: readonly Discount[];
  readonly method?: string;
  readonly providerMethod?: string;
  readonly bank?: string;
  readonly received?: Received;
  readonly payer?: Payer;
  readonly attach?: string;
  /** What the provider itself finds odd about it, where no amount of ours could tell. */
  readonly flags?: readonly ProviderFlag[];
};

export type ProviderFlag = 'underpaid' | 'overpaid' | 'late_payment' | 'risk_review';

export type RefundFact = FactBase & {
  readonly kind: 'refund';
  readonly state: RefundState;
  /** The merchant's refund number; the provider's id when the merchant gave none. */
  readonly refundNo: string;
  readonly providerRefundId: string | null;
  readonly transactionId: string | null;
  readonly amount: Money;
  /** The amount is all that was refunded so far, this refund included; some providers tell no other. */
  readonly cumulative?: true;
  /** All that was refunded so far, this refund included, where the amount is its own and the provider tells both. */
  readonly total?: Money;
  readonly reason?: string;
  /** Where the money went, in the provider's words. */
  readonly account?: string;
};

export type DisputeFact = FactBase & {
  readonly kind: 'dispute';
  readonly disputeId: string;
  readonly state: DisputeState;
  readonly amount: Money | null;
  readonly reason?: string;
};

/** Something odd that no single thing of the provider's says: two orders that claim one transaction, say. */
export type FlagFact = FactBase & {
  readonly kind: 'flag';
  readonly flag: 'transaction_reused' | 'risk_review' | 'origin_disagrees' | 'incomplete';
  /** What it is about: the provider's id, or the origin and the event. */
  readonly about: string;
};

/** An authentic notice of a payment that does not say enough: kept, and the provider is asked for the rest. */
export type PartialFact = FactBase & {
  readonly kind: 'partial';
  readonly transactionId: string | null;
  readonly amount: Money | null;
  /** The first field that it needs and does not have. */
  readonly lacks: 'status' | 'amount' | 'transactionId';
  readonly payer?: Payer;
  readonly attach?: string;
};

/** What an incomplete notice said, while nobody has said the rest. */
export type PartialNotice = {
  /** When the first such notice was committed. */
  readonly since: number;
  readonly source: Source;
  readonly transactionId: string | null;
  readonly amount: Money | null;
  readonly lacks: 'status' | 'amount' | 'transactionId';
};

export type PaymentEvent = PaymentFact | RefundFact | DisputeFact;

/** What a ledger records: what providers tell, and what only the gateway can notice. */
export type Fact = PaymentEvent | FlagFact | PartialFact;

type Unlinked<Event> = Event extends PaymentEvent ? Omit<Event, 'orderNo'> & { readonly linkId: string } : never;

/** A fact whose notice does not name the order. `linkId` is the provider's id of what does: a transaction, say. */
export type UnlinkedEvent = Unlinked<PaymentEvent>;

/** An oddity whose notice does not name the order. */
export type UnlinkedFlag = Omit<FlagFact, 'orderNo'> & { readonly linkId: string };

/** A notice that says too little, its order included. */
export type UnlinkedPartial = Omit<PartialFact, 'orderNo'> & { readonly linkId: string };

/** The provider's id that names this order from now on. */
export type Link = { readonly id: string; readonly orderNo: string };

/**
 * Two reports of the same fact have the same key: kind, the thing's own provider id, its canonical status and amount.
 * Never the order's derived state, never ids or nonces that change per retry (protocol: record 2).
 */
export function factKey(event: Fact): string {
  switch (event.kind) {
    case 'payment':
      // An oddity is news of its own: `pending` must not hide `pending, underpaid`.
      return keyOf('payment', event.transactionId ?? '', [event.status, ...(event.flags ?? [])].join(), event.amount);
    case 'refund':
      return keyOf('refund', event.refundNo, event.state, event.amount);
    case 'dispute':
      return keyOf('dispute', event.disputeId, event.state, event.amount);
    case 'partial':
      return keyOf('partial', event.transactionId ?? '', event.lacks, event.amount);
    case 'flag':
      return keyOf('flag', event.about, event.flag, null);
  }
}

const keyOf = (kind: string, id: string, status: string, amount: Money | null) =>
  [kind, id, status, amount?.minor ?? '', amount?.currency ?? ''].join('|');

/** What a key says, for people: the thing's own id and its amount. A refund that came back has its time at the end. */
export function readFactKey(key: string): { readonly id: string | null; readonly amount: Money | null } {
  const [, id = '', minor = '', currency = ''] = /^\w+\|(.*)\|[\w,]*\|(-?\d*)\|([A-Z]*)(?:\|\d+)?$/s.exec(key) ?? [];
  return { id: id || null, amount: minor === '' || currency === '' ? null : { minor: Number(minor), currency } };
}
