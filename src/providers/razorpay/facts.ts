// What Razorpay's entities say of an order, in our words. The same whether they came with an event or as the answer to
// a question. Never guesses an order number.
import { z } from 'zod';
import type {
  DisputeState,
  Link,
  Payer,
  PaymentEvent,
  PaymentStatus,
  RefundState,
  UnlinkedEvent,
} from '../../core/event.ts';
import { own, textAt } from '../../core/json-body.ts';
import { type Money, money } from '../../core/money.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';

export const ORDER_NO_PATH = 'notes.orderNo';
/** Longest notes that go along with an order: Razorpay takes 15 of 256 letters. */
const ATTACH_CHARS_MAX = 8_192;

const Id = z.string().regex(/^[A-Za-z0-9_]{1,64}$/);
const FreeText = z.string().nullish();
const Amount = z.int().nonnegative();
const Currency = z.string().regex(/^[A-Z]{3}$/);
const Seconds = z.int().nonnegative().max(1e11);

export const Payment = z.looseObject({
  id: Id,
  status: z.string().max(64),
  amount: Amount,
  currency: Currency,
  captured: z.boolean().nullish(),
  order_id: Id.nullish(),
  method: z.string().max(64).nullish(),
  bank: FreeText,
  wallet: FreeText,
  vpa: FreeText,
  email: FreeText,
  customer_id: FreeText,
  notes: z.unknown().optional(),
  created_at: Seconds,
});
export type Payment = z.infer<typeof Payment>;

export const Order = z.looseObject({ id: Id, receipt: FreeText, notes: z.unknown().optional() });
export type Order = z.infer<typeof Order>;

export const Refund = z.object({
  id: Id,
  payment_id: Id,
  status: z.string().max(64),
  amount: Amount,
  currency: Currency,
  created_at: Seconds,
});

export const Dispute = z.object({
  id: Id,
  payment_id: Id,
  status: z.string().max(64),
  amount: Amount,
  amount_deducted: Amount.nullish(),
  currency: Currency,
  reason_code: FreeText,
  created_at: Seconds,
});

/** What one notice or answer is about: a payment and what goes with it, or a thing of a payment that it only names. */
export type Entities = {
  readonly payment: Payment | null;
  readonly order: Order | null;
  readonly refund: z.infer<typeof Refund> | null;
  readonly dispute: z.infer<typeof Dispute> | null;
};

export type Facts = Pick<Translation, 'events' | 'unlinked' | 'links'>;
type Fact = PaymentEvent extends infer One ? (One extends PaymentEvent ? Omit<One, 'orderNo'> : never) : never;

/** `at`: when it was told; null to go by each entity's own time. An error names the member that cannot be read. */
export function factsOf(entities: Entities, at: number | null, credentials: Credentials): Result<Facts, string> {
  const { payment, order, refund, dispute } = entities;
  const test = credentials.environment === 'test';
  const fact =
    refund !== null
      ? refundFact(refund, payment, at, test)
      : dispute !== null
        ? disputeFact(dispute, at, test)
        : payment !== null
          ? paymentFact(payment, at, test)
          : err('payment');
  if (!fact.ok) return fact;
  const paymentId = payment?.id ?? refund?.payment_id ?? dispute?.payment_id ?? null;
  const orderId = order?.id ?? payment?.order_id ?? null;
  const facts = fact.value === null ? [] : [fact.value];
  const orderNo = orderNoOf(entities, credentials);
  if (orderNo === null) {
    // Razorpay's order, where there is one: every try to pay it has a payment of its own.
    const linkId = orderId ?? paymentId;
    return ok({ events: [], unlinked: linkId === null ? [] : facts.map((one): UnlinkedEvent => ({ ...one, linkId })) });
  }
  const links = [orderId, paymentId].flatMap((id): Link[] => (id === null ? [] : [{ id, orderNo }]));
  return ok({ events: facts.map((one): PaymentEvent => ({ ...one, orderNo })), links });
}

/**
 * Razorpay's own order_id is not taken unless the channel says so: only some events name the merchant's number, and
 * one payment would be told of as two orders.
 */
function orderNoOf({ payment, order }: Entities, { orderNoPath }: Credentials): string | null {
  const path = orderNoPath ?? ORDER_NO_PATH;
  const named = textAt(payment, path) ?? textAt(order, path);
  const orderNo = named ?? (orderNoPath === undefined ? order?.receipt : null) ?? '';
  return ORDER_NO.test(orderNo) ? orderNo : null;
}

/** The schema has seen to both parts, so a refusal here is a bug. */
function moneyOf({ amount, currency }: { readonly amount: number; readonly currency: string }): Money {
  const made = money(amount, currency);
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

const METHODS: Readonly<Record<string, string>> = {
  card: 'card',
  emi: 'card',
  wallet: 'wallet',
  netbanking: 'bank_transfer',
  upi: 'bank_transfer',
  bank_transfer: 'bank_transfer',
  emandate: 'bank_debit',
  nach: 'bank_debit',
  paylater: 'pay_later',
  cardless_emi: 'pay_later',
  cod: 'cash',
};

function paymentFact(payment: Payment, at: number | null, test: boolean): Result<Fact, string> {
  const status = statusOf(payment);
  if (status === null) return err(`status, which is ${JSON.stringify(payment.status)}`);
  const { method: word } = payment;
  const method = own(METHODS, word ?? '');
  const bank = payment.bank ?? payment.wallet;
  const amount = moneyOf(payment);
  return ok({
    kind: 'payment',
    occurredAt: at ?? payment.created_at * 1000,
    providerState: payment.status,
    test,
    status,
    transactionId: payment.id,
    amount,
    ...(status === 'succeeded' ? { payerAmount: amount } : {}),
    ...(method === undefined ? {} : { method }),
    ...(word ? { providerMethod: word } : {}),
    ...(bank ? { bank } : {}),
    ...payerOf(payment),
    ...attachOf(payment),
  });
}

// A failed payment leaves Razorpay's order payable by another, so it is pending; without an order it was the only try.
// What was authorised and never captured is sent back by Razorpay itself.
function statusOf({ status, captured, order_id: orderId }: Payment): PaymentStatus | null {
  switch (status) {
    case 'captured':
      return 'succeeded';
    case 'refunded':
      return captured === false ? 'failed' : 'succeeded';
    case 'created':
    case 'pending':
    case 'authorized':
      return 'pending';
    case 'failed':
      return orderId == null ? 'failed' : 'pending';
    default:
      return null;
  }
}

function payerOf({ customer_id: id, email, vpa }: Payment): { readonly payer?: Payer } {
  // What Razorpay writes where the payer gave no address.
  const account = vpa || (email === 'void@razorpay.com' ? null : email);
  const payer: Payer = { ...(id ? { id, idType: 'customer' } : {}), ...(account ? { account } : {}) };
  return Object.keys(payer).length === 0 ? {} : { payer };
}

/** The merchant's own notes, as JSON. Razorpay writes an empty list where there are none. */
function attachOf({ notes }: Payment): { readonly attach?: string } {
  if (typeof notes !== 'object' || notes === null || Object.keys(notes).length === 0) return {};
  const attach = JSON.stringify(notes);
  return attach.length > ATTACH_CHARS_MAX ? {} : { attach };
}

const REFUND_STATES: Readonly<Record<string, RefundState>> = {
  created: 'pending',
  pending: 'pending',
  processed: 'succeeded',
  failed: 'failed',
};

/** Null for the start of an automatic refund: nothing was paid, so nothing is refunded yet. */
function refundFact(
  refund: z.infer<typeof Refund>,
  payment: Payment | null,
  at: number | null,
  test: boolean,
): Result<Fact | null, string> {
  const state = own(REFUND_STATES, refund.status);
  if (state === undefined) return err(`status, which is ${JSON.stringify(refund.status)}`);
  // Razorpay gives back what was authorised and never captured (docs: refunds webhooks, auto-refunds): the order was
  // not paid, and that payment has failed.
  if (payment?.captured === false) {
    if (state !== 'succeeded') return ok(null);
    return paymentFact({ ...payment, status: 'refunded' }, at, test);
  }
  return ok({
    kind: 'refund',
    occurredAt: at ?? refund.created_at * 1000,
    providerState: refund.status,
    test,
    state,
    refundNo: refund.id,
    providerRefundId: refund.id,
    transactionId: refund.payment_id,
    amount: moneyOf(refund),
    ...(payment?.method ? { account: payment.method } : {}),
  });
}

const DISPUTE_STATES: Readonly<Record<string, DisputeState>> = {
  open: 'open',
  under_review: 'open',
  won: 'won',
  lost: 'lost',
};

function disputeFact(dispute: z.infer<typeof Dispute>, at: number | null, test: boolean): Result<Fact, string> {
  const { id: disputeId, status, amount_deducted: deducted, reason_code: reason } = dispute;
  // Closed without a winner: what was taken tells.
  const state = status === 'closed' ? ((deducted ?? 0) > 0 ? 'lost' : 'won') : own(DISPUTE_STATES, status);
  if (state === undefined) return err(`status, which is ${JSON.stringify(status)}`);
  return ok({
    kind: 'dispute',
    occurredAt: at ?? dispute.created_at * 1000,
    providerState: status,
    test,
    disputeId,
    state,
    amount: moneyOf(dispute),
    ...(reason ? { reason } : {}),
  });
}
