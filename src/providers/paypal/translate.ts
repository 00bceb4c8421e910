// Puts an authentic event into our words. Only a completed capture or sale is a payment: an order that the payer
// approved still wants capturing. Never reads a refund's own reference as the order's.
import type { z } from 'zod';
import type {
  Discount,
  DisputeState,
  PaymentEvent,
  PaymentStatus,
  RefundState,
  UnlinkedEvent,
} from '../../core/event.ts';
import { textAt } from '../../core/json-body.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';
import {
  Dispute,
  moneyOf,
  namesOf,
  Order,
  type OrderNoField,
  orderIdOf,
  paymentOf,
  Transaction,
  type Unit,
} from './objects.ts';

export type Seen = {
  readonly at: number;
  readonly type: string;
  readonly test: boolean;
  readonly orderNoFrom: OrderNoField | undefined;
};
type Fact = PaymentEvent extends infer One ? (One extends PaymentEvent ? Omit<One, 'orderNo'> : never) : never;
type Facts = Pick<Translation, 'events' | 'unlinked' | 'links'>;

/** What an event says of the payment that is its resource. */
const PAYMENTS: ReadonlyMap<string, PaymentStatus> = new Map([
  ['PAYMENT.CAPTURE.PENDING', 'pending'],
  ['PAYMENT.CAPTURE.COMPLETED', 'succeeded'],
  ['PAYMENT.CAPTURE.DENIED', 'failed'],
  ['PAYMENT.CAPTURE.DECLINED', 'failed'],
  ['PAYMENT.SALE.PENDING', 'pending'],
  ['PAYMENT.SALE.COMPLETED', 'succeeded'],
  ['PAYMENT.SALE.DENIED', 'failed'],
  ['PAYMENT.AUTHORIZATION.CREATED', 'pending'],
  ['PAYMENT.AUTHORIZATION.VOIDED', 'closed'],
]);
const REFUNDS: ReadonlySet<string> = new Set([
  'PAYMENT.CAPTURE.REFUNDED',
  'PAYMENT.SALE.REFUNDED',
  'PAYMENT.REFUND.PENDING',
  'PAYMENT.REFUND.COMPLETED',
  'PAYMENT.REFUND.FAILED',
]);
const REVERSALS: ReadonlySet<string> = new Set(['PAYMENT.CAPTURE.REVERSED', 'PAYMENT.SALE.REVERSED']);
/** Approved is not paid: it still wants capturing. Of completed orders the captures tell themselves. */
const ORDERS: ReadonlyMap<string, PaymentStatus> = new Map([
  ['CHECKOUT.ORDER.APPROVED', 'pending'],
  ['CHECKOUT.ORDER.VOIDED', 'closed'],
]);

export function translate(notice: Notice, { environment, orderNoFrom }: Credentials): Result<Translation, Rejection> {
  const { event_type: type, resource } = notice;
  const seen: Seen = { at: Date.parse(notice.create_time), type, test: environment === 'sandbox', orderNoFrom };
  const facts = factsOf(resource, seen);
  if (facts.ok) return ok({ ...facts.value, noticeType: type, noticeId: notice.id });
  return err(reject('malformed', `An authentic ${type} event without a readable ${facts.error}.`));
}

/** An error is the name of the member that cannot be read. */
function factsOf(resource: unknown, seen: Seen): Result<Facts, string> {
  const { type } = seen;
  const status = PAYMENTS.get(type);
  if (status !== undefined) return read(Transaction, resource, (one) => ofPayment(one, resource, status, seen));
  if (REFUNDS.has(type)) return read(Transaction, resource, (one) => ofRefund(one, seen));
  if (REVERSALS.has(type)) return read(Transaction, resource, (one) => ofReversal(one, seen));
  const orderStatus = ORDERS.get(type);
  if (orderStatus !== undefined) return read(Order, resource, (one) => ofOrder(one, orderStatus, seen));
  if (/^CUSTOMER\.DISPUTE\.(?:CREATED|UPDATED|RESOLVED)$/.test(type)) {
    return read(Dispute, resource, (one) => ofDispute(one, seen));
  }
  return ok({ events: [] });
}

function read<Schema extends z.ZodType>(
  schema: Schema,
  resource: unknown,
  then: (value: z.infer<Schema>) => Result<Facts, string>,
): Result<Facts, string> {
  const parsed = schema.safeParse(resource);
  return parsed.success ? then(parsed.data) : err(`resource.${parsed.error.issues[0]?.path.join('.') ?? ''}`);
}

/** A fact of the order that is named, or of whatever `linkId` turns out to mean. */
function told(fact: Fact, orderNo: string | null, linkId: string): Facts {
  if (orderNo === null) {
    const unlinked = { ...fact, linkId } as UnlinkedEvent; // the spread loses the union's arms
    return { events: [], unlinked: [unlinked] };
  }
  const event = { ...fact, orderNo } as PaymentEvent; // likewise
  return { events: [event], links: [{ id: linkId, orderNo }] };
}

const momentOf = (
  object: { create_time?: string | null | undefined; update_time?: string | null | undefined },
  at: number,
) => (object.update_time || object.create_time ? Date.parse(object.update_time ?? object.create_time ?? '') : at);

export function ofPayment(
  transaction: Transaction,
  resource: unknown,
  status: PaymentStatus,
  { at, type, test, orderNoFrom }: Seen,
): Result<Facts, string> {
  const amount = moneyOf(transaction.amount);
  if (amount === null) return err('resource.amount');
  const { orderNo, attach } = namesOf(transaction, orderIdOf(resource), orderNoFrom);
  const fact: Fact = {
    kind: 'payment',
    occurredAt: momentOf(transaction, at),
    providerState: transaction.status ?? transaction.state ?? type,
    test,
    status,
    transactionId: transaction.id,
    amount,
    ...(status === 'succeeded' ? { payerAmount: amount } : {}),
    ...wordsOf(resource),
    ...(attach === undefined ? {} : { attach }),
    // PayPal looks at it before it lets the money go (docs: capture status details).
    ...(transaction.status_details?.reason === 'PENDING_REVIEW' ? { flags: ['risk_review'] } : {}),
  };
  return ok(told(fact, orderNo, transaction.id));
}

/** A card that PayPal processed leaves its network's marks; everything else is PayPal's own wallet (unconfirmed). */
function wordsOf(resource: unknown) {
  const network = textAt(resource, 'network_transaction_reference.network');
  const isCard = network !== null || textAt(resource, 'processor_response.response_code') !== null;
  const [id, account] = [textAt(resource, 'payer.payer_id'), textAt(resource, 'payer.email_address')];
  const name = ['given_name', 'surname'].flatMap((part) => textAt(resource, `payer.name.${part}`) ?? []).join(' ');
  const payer = {
    ...(id ? { id, idType: 'payer_id' } : {}),
    ...(account ? { account } : {}),
    ...(name ? { name } : {}),
  };
  return {
    method: isCard ? 'card' : 'wallet',
    ...(network === null ? {} : { providerMethod: network }),
    ...(Object.keys(payer).length > 0 ? { payer } : {}),
  };
}

const REFUND_STATES: ReadonlyMap<string, RefundState> = new Map([
  ['COMPLETED', 'succeeded'],
  ['PENDING', 'pending'],
  ['FAILED', 'failed'],
  ['CANCELLED', 'failed'],
]);

export function ofRefund(refund: Transaction, { at, type, test }: Seen): Result<Facts, string> {
  const word = refund.status ?? refund.state ?? '';
  const state = REFUND_STATES.get(word.toUpperCase());
  const amount = moneyOf(refund.amount);
  const capture = paymentOf(refund);
  if (state === undefined) return err(`resource.status, which is ${JSON.stringify(word.slice(0, 40))}`);
  if (amount === null) return err('resource.amount');
  if (capture === null) return err('resource.links, of which one leads up to the payment');
  const fact: Fact = {
    kind: 'refund',
    occurredAt: momentOf(refund, at),
    providerState: word || type,
    test,
    state,
    // Its custom_id may be the payment's, and then two refunds would be one.
    refundNo: refund.id,
    providerRefundId: refund.id,
    transactionId: capture,
    amount: amount.minor < 0 ? { ...amount, minor: -amount.minor } : amount,
    ...(refund.note_to_payer ? { reason: refund.note_to_payer } : {}),
  };
  return ok(told(fact, null, capture));
}

/** Money that PayPal took back. The resource is what took it, or the capture itself. */
function ofReversal(reversal: Transaction, { at, type, test }: Seen): Result<Facts, string> {
  const fact: Fact = {
    kind: 'dispute',
    occurredAt: momentOf(reversal, at),
    providerState: reversal.status ?? reversal.state ?? type,
    test,
    disputeId: reversal.id,
    state: 'open',
    amount: moneyOf(reversal.amount),
    reason: type,
  };
  return ok(told(fact, null, paymentOf(reversal) ?? reversal.id));
}

function ofOrder(
  order: z.infer<typeof Order>,
  status: PaymentStatus,
  { at, type, test, orderNoFrom }: Seen,
): Result<Facts, string> {
  // PayPal's own ID of an order of several units means none of them alone.
  const orderId = order.purchase_units.length === 1 ? order.id : null;
  const events = order.purchase_units.flatMap((unit): PaymentEvent[] => {
    const { orderNo, attach } = namesOf(unit, orderId, orderNoFrom);
    if (orderNo === null) return [];
    const fact = {
      kind: 'payment',
      orderNo,
      occurredAt: momentOf(order, at),
      providerState: order.status ?? type,
      test,
      status,
      transactionId: null,
      amount: moneyOf(unit.amount),
      ...discountsOf(unit),
    } as const;
    return [attach === undefined ? fact : { ...fact, attach }];
  });
  return ok({ events });
}

/** Off the unit's amount already. */
function discountsOf({ amount }: Unit): { readonly discounts?: readonly Discount[] } {
  const discounts = (['discount', 'shipping_discount'] as const).flatMap((id) => {
    const off = moneyOf(amount?.breakdown?.[id]);
    return off === null || off.minor <= 0 ? [] : [{ id, amount: off }];
  });
  return discounts.length === 0 ? {} : { discounts };
}

// Docs: dispute outcome. With a payout PayPal pays and the merchant keeps the money.
const OUTCOMES: ReadonlyMap<string, DisputeState> = new Map([
  ['RESOLVED_SELLER_FAVOUR', 'won'],
  ['RESOLVED_WITH_PAYOUT', 'won'],
  ['CANCELED_BY_BUYER', 'won'],
  ['DENIED', 'won'],
  ['RESOLVED_BUYER_FAVOUR', 'lost'],
  ['ACCEPTED', 'lost'],
]);

function ofDispute(dispute: z.infer<typeof Dispute>, { at, type, test }: Seen): Result<Facts, string> {
  const outcome = dispute.dispute_outcome?.outcome_code ?? '';
  const isOver = type === 'CUSTOMER.DISPUTE.RESOLVED' || dispute.status === 'RESOLVED';
  const captures = dispute.disputed_transactions.flatMap(({ seller_transaction_id: id }) => id ?? []);
  const [capture] = captures;
  if (capture === undefined) return err('resource.disputed_transactions');
  const fact: Fact = {
    kind: 'dispute',
    occurredAt: momentOf(dispute, at),
    providerState: outcome || dispute.status || type,
    test,
    disputeId: dispute.dispute_id,
    state: isOver ? (OUTCOMES.get(outcome) ?? 'open') : 'open',
    amount: moneyOf(dispute.dispute_amount),
    ...(dispute.reason ? { reason: dispute.reason } : {}),
  };
  return ok(told(fact, null, capture));
}
