// What a Square payment, refund or dispute says of an order, in our words. The same whether it came with an event or as
// the answer to a question. Never guesses an order number.
import { z } from 'zod';
import type { DisputeState, Payer, PaymentFact, PaymentStatus, RefundState } from '../../core/event.ts';
import { own, textAt } from '../../core/json-body.ts';
import { type Money, money } from '../../core/money.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { Instant } from './notice.ts';

const Id = z.string().min(1).max(255);
const FreeText = z.string().nullish();
const Amount = z.object({ amount: z.int().nonnegative(), currency: z.string().regex(/^[A-Z]{3}$/) });

const Payment = z.looseObject({
  id: Id,
  status: z.string().max(64),
  amount_money: Amount,
  total_money: Amount.nullish(),
  updated_at: Instant.nullish(),
  order_id: Id.nullish(),
  reference_id: FreeText,
  source_type: z.string().max(64).nullish(),
  customer_id: FreeText,
  buyer_email_address: FreeText,
  note: FreeText,
});

const Refund = z.object({
  id: Id,
  status: z.string().max(64),
  amount_money: Amount,
  payment_id: Id.nullish(),
  reason: FreeText,
  destination_type: z.string().max(64).nullish(),
  updated_at: Instant.nullish(),
});

const Dispute = z.object({
  id: Id.nullish(),
  /** What it was called in older API versions. */
  dispute_id: Id.nullish(),
  state: z.string().max(64),
  amount_money: Amount.nullish(),
  reason: FreeText,
  disputed_payment: z.object({ payment_id: Id.nullish() }).nullish(),
  updated_at: Instant.nullish(),
});

/** Exactly one of them is there. */
export const SquareObject = z.union([
  z.object({ payment: Payment }),
  z.object({ refund: Refund }),
  z.object({ dispute: Dispute }),
]);
export type SquareObject = z.infer<typeof SquareObject>;

export type Facts = Pick<Translation, 'events' | 'unlinked' | 'links'>;

const NOTHING: Facts = { events: [] };

/** `at`: when it was told, for objects that do not say. An error is the name of the member that cannot be read. */
export function factsOf(object: SquareObject, at: number, credentials: Credentials): Result<Facts, string> {
  if ('payment' in object) return ofPayment(object.payment, at, credentials);
  if ('refund' in object) return ofRefund(object.refund, at, credentials);
  return ofDispute(object.dispute, at, credentials);
}

/** The schema has seen to both parts, so a refusal here is a bug. */
function moneyOf({ amount, currency }: z.infer<typeof Amount>): Money {
  const made = money(amount, currency);
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

const timeOf = (text: string | null | undefined, at: number) => (text == null ? at : Date.parse(text));

const PAYMENT_STATES: Readonly<Record<string, PaymentStatus>> = {
  APPROVED: 'pending', // authorised, not captured
  PENDING: 'pending',
  COMPLETED: 'succeeded',
  CANCELED: 'closed',
  FAILED: 'failed',
};

const METHODS: Readonly<Record<string, string>> = {
  CARD: 'card',
  WALLET: 'wallet',
  SQUARE_ACCOUNT: 'wallet',
  BANK_ACCOUNT: 'bank_debit',
  BUY_NOW_PAY_LATER: 'pay_later',
  CASH: 'cash',
};

function ofPayment(payment: z.infer<typeof Payment>, at: number, credentials: Credentials): Result<Facts, string> {
  const status = own(PAYMENT_STATES, payment.status);
  if (status === undefined) return err(`status, which is ${JSON.stringify(payment.status)}`);
  const { source_type: source, id: transactionId } = payment;
  const method = own(METHODS, source ?? '');
  const bank = textAt(payment, 'bank_account_details.bank_name');
  // With the tip: it is what was paid, and what may be refunded.
  const amount = moneyOf(payment.total_money ?? payment.amount_money);
  const fact: Omit<PaymentFact, 'orderNo'> = {
    kind: 'payment',
    occurredAt: timeOf(payment.updated_at, at),
    providerState: payment.status,
    test: credentials.environment === 'test',
    status,
    transactionId,
    amount,
    ...(status === 'succeeded' ? { payerAmount: amount } : {}),
    ...(method === undefined ? {} : { method }),
    ...(source == null ? {} : { providerMethod: source }),
    ...(bank === null ? {} : { bank }),
    ...payerOf(payment),
    ...(payment.note ? { attach: payment.note } : {}),
  };
  const orderNo = orderNoOf(payment, credentials);
  if (orderNo === null) return ok({ events: [], unlinked: [{ ...fact, linkId: transactionId }] });
  return ok({ events: [{ ...fact, orderNo }], links: [{ id: transactionId, orderNo }] });
}

function orderNoOf(payment: z.infer<typeof Payment>, { orderNoPath }: Credentials): string | null {
  const named = orderNoPath === undefined ? payment.reference_id || payment.order_id : textAt(payment, orderNoPath);
  return named != null && ORDER_NO.test(named) ? named : null;
}

function payerOf(payment: z.infer<typeof Payment>): { readonly payer?: Payer } {
  const name = textAt(payment, 'card_details.card.cardholder_name');
  const payer: Payer = {
    ...(payment.customer_id ? { id: payment.customer_id, idType: 'customer' } : {}),
    ...(payment.buyer_email_address ? { account: payment.buyer_email_address } : {}),
    ...(name ? { name } : {}),
  };
  return Object.keys(payer).length === 0 ? {} : { payer };
}

const REFUND_STATES: Readonly<Record<string, RefundState>> = {
  PENDING: 'pending',
  COMPLETED: 'succeeded',
  REJECTED: 'failed',
  FAILED: 'failed',
};

function ofRefund(refund: z.infer<typeof Refund>, at: number, { environment }: Credentials): Result<Facts, string> {
  const state = own(REFUND_STATES, refund.status);
  if (state === undefined) return err(`status, which is ${JSON.stringify(refund.status)}`);
  // Money given to a card that paid nothing here is no order's refund.
  if (refund.payment_id == null) return ok(NOTHING);
  const fact = {
    kind: 'refund',
    linkId: refund.payment_id,
    occurredAt: timeOf(refund.updated_at, at),
    providerState: refund.status,
    test: environment === 'test',
    state,
    refundNo: refund.id,
    providerRefundId: refund.id,
    transactionId: refund.payment_id,
    amount: moneyOf(refund.amount_money),
    ...(refund.reason ? { reason: refund.reason } : {}),
    ...(refund.destination_type ? { account: refund.destination_type } : {}),
  } as const;
  return ok({ events: [], unlinked: [fact] });
}

const DISPUTE_STATES: Readonly<Record<string, DisputeState>> = {
  INQUIRY_EVIDENCE_REQUIRED: 'open',
  INQUIRY_PROCESSING: 'open',
  INQUIRY_CLOSED: 'won', // no money was taken
  EVIDENCE_REQUIRED: 'open',
  PROCESSING: 'open',
  WON: 'won',
  LOST: 'lost',
  ACCEPTED: 'lost', // the seller gave in
};

function ofDispute(dispute: z.infer<typeof Dispute>, at: number, { environment }: Credentials): Result<Facts, string> {
  const state = own(DISPUTE_STATES, dispute.state);
  if (state === undefined) return err(`state, which is ${JSON.stringify(dispute.state)}`);
  const disputeId = dispute.id ?? dispute.dispute_id;
  if (disputeId == null) return err('id');
  const linkId = dispute.disputed_payment?.payment_id;
  if (linkId == null) return err('disputed_payment.payment_id');
  const fact = {
    kind: 'dispute',
    linkId,
    occurredAt: timeOf(dispute.updated_at, at),
    providerState: dispute.state,
    test: environment === 'test',
    disputeId,
    state,
    amount: dispute.amount_money == null ? null : moneyOf(dispute.amount_money),
    ...(dispute.reason ? { reason: dispute.reason } : {}),
  } as const;
  return ok({ events: [], unlinked: [fact] });
}
