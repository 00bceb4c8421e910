// Order: what the merchant sold, and what its facts add up to. Pure. Never reads a clock or a database; how a fact
// changes an order is in transition.ts.
import type { Who } from './act.ts';
import type { Outcome } from './booking.ts';
import { type Heard, heardAt, type RowOf } from './cell.ts';
import type {
  Discount,
  DisputeState,
  EventType,
  PartialNotice,
  Payer,
  Received,
  RefundState,
  Source,
} from './event.ts';
import type { Money } from './money.ts';
import type { RefundRequest } from './refund-request.ts';

/** `parked`: its facts wait for a registration, and nothing of it has left. */
export type OrderState = 'parked' | 'pending' | 'paid' | 'failed' | 'closed' | 'partially_refunded' | 'refunded';

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

/** How the order stands: set and taken back by its facts, whatever came first. The other flags remember an arrival. */
export const STANDING_FLAGS: readonly Flag[] = [
  'currency_mismatch',
  'underpaid',
  'overpaid',
  'late_payment',
  'paid_twice',
  'refund_exceeds_payment',
  'refund_abnormal',
];

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
  /** What the provider itself finds odd about it. */
  readonly flags: readonly Flag[];
};

export type Refund = Heard & {
  readonly refundNo: string;
  readonly providerRefundId: string | null;
  readonly amount: Money;
  /** All that was refunded up to this refund, where the provider tells no other amount; `amount` is derived from it. */
  readonly cumulative?: Money;
  /** The same, where `amount` was told besides. */
  readonly total?: Money;
  readonly state: RefundState;
  readonly reason: string | null;
};

export type Dispute = Heard & {
  readonly disputeId: string;
  readonly state: DisputeState;
  readonly amount: Money | null;
};

export type Registration = {
  readonly amount: Money;
  readonly description: string | null;
  readonly expiresAt: number | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly registeredAt: number;
  readonly by?: Who; // not where a scan or a test registered it, nor in older ones
};

/** The payment request a provider gave us, so that the merchant can show it to the payer. */
export type PaymentRequest = {
  readonly codeUrl: string;
  readonly codeExpiresAt: number;
  /** The provider's own id of the request, where somebody else than the payer's camera needs it. */
  readonly reference?: string;
};

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
  /** Since when its facts wait for a registration; null when they do not. */
  readonly parkedAt: number | null;
  /** Until when it may be paid, where a payment was asked for and the registration does not say. */
  readonly payBy: number | null;
  /** When a payment was first asked for; null while none was. */
  readonly payAskedAt: number | null;
  /** At its end the provider is told to take no payment any more. */
  readonly closeOnExpiry: boolean;
  readonly paymentState: PaymentState;
  readonly closedAt: number | null;
  /** How reports count it; null while it is open. */
  readonly outcome: Outcome | null;
  readonly providerState: string | null;
  /** Distinct transactions, the earliest paid first. */
  readonly payments: readonly Payment[];
  /** One for each refund number, the earliest first. */
  readonly refunds: readonly Refund[];
  readonly refundRequests: readonly RefundRequest[];
  readonly disputes: readonly Dispute[];
  readonly flags: readonly Flag[];
  /** What the provider found odd before the order was paid; its payments say it then. */
  readonly told: readonly Flag[];
  readonly payer: Payer | null;
  readonly payerSource: Source | null;
  readonly attach: string | null;
  readonly partial: PartialNotice | null;
  /** Where each field came from that an incomplete notice lacked or said; empty where one notice said all. */
  readonly provenance: { readonly [field in 'state' | 'amount' | 'transactionId']?: Source };
  readonly test: boolean;
  /** SHA-256 over all its facts so far, hex: each link holds the one before. Null before the first. */
  readonly chain: string | null;
};

/** Where the payment part of an order is; refunds are added by stateOf. */
export type PaymentState = 'pending' | 'failed' | 'closed' | 'paid';

/**
 * What a provider's word about a payment amounts to. Its success is the `whole` amount, together with the payments
 * before it; or a `part` of it; or money in a `foreign` currency.
 */
export const PAYMENT_WORDS = ['pending', 'failed', 'closed', 'part', 'foreign', 'whole'] as const;
export type PaymentWord = (typeof PAYMENT_WORDS)[number];

/** What a word becomes, by where the payment part is. Paid is never left, whatever arrives late. */
// biome-ignore format: read by its columns
export const PAYMENT_TABLE: Readonly<Record<PaymentState, RowOf<typeof PAYMENT_WORDS>>> = {
  //         pending            failed            closed            part               foreign    whole
  pending: ['payment.pending', 'payment.failed', 'payment.closed', 'payment.pending', 'flagged', 'payment.succeeded'],
  failed:  ['stale',           'stale',          'payment.closed', 'payment.pending', 'flagged', 'payment.succeeded'],
  closed:  ['stale',           'stale',          'stale',          'payment.pending', 'flagged', 'payment.succeeded'],
  paid:    ['stale',           'stale',          'stale',          'flagged',         'flagged', 'flagged'],
};

/** Where an event leaves the payment part; every other event leaves it where it is. */
export const STATE_AFTER: Readonly<Partial<Record<EventType, PaymentState>>> = {
  'payment.succeeded': 'paid',
  'payment.failed': 'failed',
  'payment.closed': 'closed',
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
    parkedAt: null,
    payBy: null,
    payAskedAt: null,
    closeOnExpiry: false,
    paymentState: 'pending',
    closedAt: null,
    outcome: null,
    providerState: null,
    payments: [],
    refunds: [],
    refundRequests: [],
    disputes: [],
    flags: [],
    told: [],
    payer: null,
    payerSource: null,
    attach: null,
    partial: null,
    provenance: {},
    test: false,
    chain: null,
  };
}

/** When a payment comes too late; null when never. */
export const expiryOf = (order: Order): number | null => order.registration?.expiresAt ?? order.payBy;

/** What the order counts in: the registered currency, else the earliest payment's. */
const currencyOf = (order: Order): string | undefined =>
  order.registration?.amount.currency ?? order.payments[0]?.amount.currency;

/** Sum of distinct payments in the order's currency: the registered one, else the earliest payment's. */
export function paidOf(order: Order): Money | null {
  const currency = currencyOf(order);
  return currency === undefined ? null : { minor: sum(order.payments, currency), currency };
}

/** Sum of succeeded refunds in the order's currency. */
export function refundedOf(order: Order): Money | null {
  const currency = currencyOf(order) ?? order.refunds[0]?.amount.currency;
  if (currency === undefined) return null;
  const succeeded = order.refunds.filter((refund) => refund.state === 'succeeded');
  return { minor: sum(succeeded, currency), currency };
}

const sum = (parts: readonly { readonly amount: Money }[], currency: string) =>
  parts.reduce((total, { amount }) => (amount.currency === currency ? total + amount.minor : total), 0);

/** True when these payments are enough: the registered amount in its currency, or any where none is registered. */
export function covers(payments: readonly Payment[], due: Money | null): boolean {
  if (due === null) return payments.length > 0;
  const counted = payments.filter((payment) => payment.amount.currency === due.currency);
  return counted.length > 0 && sum(counted, due.currency) >= due.minor;
}

/** When the order was paid: the payment that completed the amount. Null until it is paid. */
export function paidAtOf(order: Order): number | null {
  if (order.paymentState !== 'paid') return null;
  const due = order.registration?.amount ?? null;
  const completing = order.payments.find((_, index) => covers(order.payments.slice(0, index + 1), due));
  // Told as paid before a larger amount was registered: what was paid then counts.
  return (completing ?? order.payments[0])?.paidAt ?? null;
}

/** The order's state, derived from its facts; it may fall back when a refund is reversed. */
export function stateOf(order: Order): OrderState {
  if (order.parkedAt !== null) return 'parked';
  if (order.paymentState !== 'paid') return order.paymentState;
  const refunded = refundedOf(order)?.minor ?? 0;
  if (refunded <= 0) return 'paid';
  return refunded >= (paidOf(order)?.minor ?? 0) ? 'refunded' : 'partially_refunded';
}

/** The dispute that matters: an open one, else the one that was decided last, and of two at once the worse. */
export function disputeOf(order: Order): DisputeState | null {
  if (order.disputes.some((dispute) => dispute.state === 'open')) return 'open';
  const lastAt = Math.max(...order.disputes.map(heardAt));
  const last = order.disputes.filter((dispute) => heardAt(dispute) === lastAt);
  return last.some((dispute) => dispute.state === 'lost') ? 'lost' : (last[0]?.state ?? null);
}

/** The order after a change of its facts: its flags as it now stands, and these of the arrival itself. */
export function withFlags(order: Order, arrival: readonly Flag[] = []): Order {
  const standing = standingFlags(order);
  const kept = order.flags.filter((flag) => !STANDING_FLAGS.includes(flag));
  const flags = FLAGS.filter((flag) => standing.has(flag) || kept.includes(flag) || arrival.includes(flag));
  return { ...order, flags };
}

function standingFlags(order: Order): ReadonlySet<Flag> {
  const { payments, refunds, registration } = order;
  const flags = new Set(payments.flatMap((payment) => payment.flags));
  if (order.paymentState !== 'paid') for (const flag of order.told) flags.add(flag);
  const currency = currencyOf(order);
  if (refunds.some((refund) => refund.state === 'needs_attention')) flags.add('refund_abnormal');
  if (currency === undefined) return flags;
  const isForeign = ({ amount }: { readonly amount: Money }) => amount.currency !== currency;
  if (payments.some(isForeign) || refunds.some(isForeign)) flags.add('currency_mismatch');
  if (payments.length === 0) return flags;
  const paid = sum(payments, currency);
  const due = registration?.amount ?? null;
  if (due && paid < due.minor && !payments.every(isForeign)) flags.add('underpaid');
  if (due && paid > due.minor) flags.add('overpaid');
  if (payments.some((one) => covers(without(payments, one), due))) flags.add('paid_twice');
  const expiresAt = expiryOf(order);
  if (expiresAt !== null && payments.some((payment) => payment.paidAt > expiresAt)) flags.add('late_payment');
  if ((refundedOf(order)?.minor ?? 0) > paid) flags.add('refund_exceeds_payment');
  return flags;
}

const without = <T>(items: readonly T[], one: T): T[] => items.filter((item) => item !== one);

/** A visible change that carries an event: the next version and the next sequence. */
export const advance = (order: Order, now: number): Order => ({
  ...order,
  version: order.version + 1,
  sequence: order.sequence + 1,
  updatedAt: now,
});
