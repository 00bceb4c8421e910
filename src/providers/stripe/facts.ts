// What one Stripe object says of an order, in our words: facts, and the ids by which later notices will mean it. The
// same whether the object came with an event or as the answer to a question. Never guesses an order number.
import type { DisputeState, PaymentStatus, RefundState } from '../../core/event.ts';
import { own } from '../../core/json-body.ts';
import type { Money } from '../../core/money.ts';
import { ok, type Result, unreachable } from '../../core/result.ts';
import type { Credentials } from './credentials.ts';
import { ofDoubt, riskOf } from './doubt.ts';
import type { StripeObject } from './objects.ts';
import { type Charge, type Dispute, type Intent, idOf, moneyOf, type Refund, type Session } from './objects.ts';
import {
  type Context,
  type Fact,
  type Facts,
  NOTHING,
  orderNoOf,
  type Seen,
  timeOf,
  told,
  unreadable,
} from './told.ts';
import { attachOf, payerOf, paymentWords } from './words.ts';

/** An error is the name of the member that cannot be read. */
export function factsOf(object: StripeObject, seen: Seen, credentials: Credentials): Result<Facts, string> {
  const context = { seen, credentials };
  switch (object.object) {
    case 'payment_intent':
      return ofIntent(object, context);
    case 'charge':
      return ofCharge(object, context);
    case 'checkout.session':
      return ofSession(object, context);
    case 'refund':
      return ofRefund(object, context);
    case 'dispute':
      return ofDispute(object, context);
    case 'review':
    case 'radar.early_fraud_warning':
      return ofDoubt(object, context);
    default:
      return unreachable(object);
  }
}

function ofIntent(intent: Intent, { seen, credentials }: Context): Result<Facts, string> {
  const status = own(INTENT_STATES, intent.status);
  if (status === undefined) return unreadable(`status, which is ${JSON.stringify(intent.status)}`);
  const paid = status === 'succeeded' ? (intent.amount_received ?? intent.amount) : intent.amount;
  const amount = moneyOf(paid, intent.currency);
  if (amount === null) return unreadable('amount');
  const charge = idOf(intent.latest_charge);
  const fact: Fact = {
    kind: 'payment',
    occurredAt: timeOf(intent, seen),
    providerState: intent.status,
    test: seen.test,
    status,
    transactionId: intent.id,
    amount,
    ...paymentWords(intent, soleOf(intent.payment_method_types), status === 'succeeded' ? amount : null),
    ...payerOf(intent.customer, intent.receipt_email, null),
    ...attachOf(intent),
    ...(intent.review == null ? {} : { flags: ['risk_review'] }),
  };
  const flags = intent.review == null ? [] : [riskOf(idOf(intent.review) ?? intent.id, fact)];
  return told([fact], orderNoOf(intent, credentials), intent.id, [intent.id, charge], flags);
}

// A failed attempt leaves the intent payable, so it is pending; what was authorised and not captured is pending too.
const INTENT_STATES: Readonly<Record<string, PaymentStatus>> = {
  succeeded: 'succeeded',
  processing: 'pending',
  requires_action: 'pending',
  requires_capture: 'pending',
  requires_confirmation: 'pending',
  requires_payment_method: 'pending',
  canceled: 'closed',
};

const soleOf = (types: readonly string[] | null | undefined) => (types?.length === 1 ? (types[0] ?? null) : null);

/** An intent's charge is one try: it may pay the intent, and never fails or closes it. */
function ofCharge(charge: Charge, { seen, credentials }: Context): Result<Facts, string> {
  const intent = idOf(charge.payment_intent);
  const status = chargeState(charge);
  if (status === null) return unreadable(`status, which is ${JSON.stringify(charge.status)}`);
  const paid = status === 'succeeded' ? (charge.amount_captured ?? charge.amount) : charge.amount;
  const amount = moneyOf(paid, charge.currency);
  if (amount === null) return unreadable('amount');
  const isTry = intent !== null && (status === 'failed' || status === 'closed');
  const isDoubted = charge.review != null || charge.outcome?.type === 'manual_review';
  const email = charge.billing_details?.email ?? charge.receipt_email;
  const payment: Fact = {
    kind: 'payment',
    // Later events of a charge are about its refunds.
    occurredAt: seen.type?.startsWith('charge.refund') ? charge.created * 1000 : timeOf(charge, seen),
    providerState: charge.status,
    test: seen.test,
    status,
    transactionId: intent ?? charge.id,
    amount,
    ...paymentWords(charge, charge.payment_method_details?.type ?? null, status === 'succeeded' ? amount : null),
    ...payerOf(charge.customer, email, charge.billing_details?.name),
    ...attachOf(charge),
    ...(isDoubted ? { flags: ['risk_review'] } : {}),
  };
  const facts: Fact[] = isTry ? [] : [payment];
  for (const refund of charge.refunds?.data ?? []) {
    const fact = refundFact(refund, intent ?? charge.id, { ...seen, at: null });
    if (fact === null) return unreadable('refunds.data');
    facts.push(fact);
  }
  const flags = isDoubted && !isTry ? [riskOf(idOf(charge.review) ?? charge.id, payment)] : [];
  return told(facts, orderNoOf(charge, credentials), intent ?? charge.id, [intent, charge.id], flags);
}

function chargeState({ status, captured, refunded }: Charge): PaymentStatus | null {
  if (status === 'pending' || status === 'failed') return status;
  if (status !== 'succeeded') return null;
  if (captured) return 'succeeded';
  return refunded ? 'closed' : 'pending'; // an authorisation that was let go is called refunded
}

function ofSession(session: Session, { seen, credentials }: Context): Result<Facts, string> {
  if (session.mode === 'setup') return ok(NOTHING); // keeps a card for later: nobody paid
  const status = sessionState(session, seen);
  if (status === null) return unreadable(`payment_status, which is ${JSON.stringify(session.payment_status)}`);
  const { amount_total: total, currency } = session;
  const amount = total == null || currency == null ? null : moneyOf(total, currency);
  if (amount === null && (status === 'succeeded' || total != null)) return unreadable('amount_total');
  const [intent, invoice] = [idOf(session.payment_intent), idOf(session.invoice)];
  const fact: Fact = {
    kind: 'payment',
    occurredAt: timeOf(session, seen),
    providerState: session.status === 'expired' ? 'expired' : session.payment_status,
    test: seen.test,
    status,
    // Subscriptions are paid by invoice; what costs nothing has neither.
    transactionId: intent ?? invoice ?? (status === 'succeeded' ? session.id : null),
    amount,
    ...discountsOf(session, currency ?? ''),
    ...paymentWords(session, soleOf(session.payment_method_types), status === 'succeeded' ? amount : null),
    ...payerOf(session.customer, session.customer_details?.email, session.customer_details?.name),
    ...attachOf(session),
  };
  const ids = [session.id, intent, invoice, idOf(session.subscription)];
  return told([fact], orderNoOf(session, credentials), intent ?? session.id, ids);
}

// A completed session is not always paid: bank debits and vouchers settle days later, or never (docs: fulfil orders).
function sessionState(session: Session, { type }: Seen): PaymentStatus | null {
  const { status, payment_status: paid, payment_intent: intent } = session;
  if (paid === 'paid' || (paid === 'no_payment_required' && status === 'complete')) return 'succeeded';
  if (type === 'checkout.session.async_payment_failed') return 'failed';
  if (status === 'expired') return 'closed';
  if (paid !== 'unpaid' && paid !== 'no_payment_required') return null;
  // Asked for with its intent: one that wants another method after the session was completed has failed.
  const left = status === 'complete' && typeof intent === 'object' && intent !== null ? intent.status : null;
  return left === 'requires_payment_method' || left === 'canceled' ? 'failed' : 'pending';
}

function discountsOf({ total_details: totals, discounts }: Session, currency: string) {
  const amount = totals && totals.amount_discount > 0 ? moneyOf(totals.amount_discount, currency) : null;
  if (amount === null) return {};
  const [only, ...more] = discounts ?? [];
  const id = more.length === 0 ? (idOf(only?.promotion_code) ?? idOf(only?.coupon)) : null;
  return { discounts: [{ id: id ?? 'discounts', amount }] };
}

function ofRefund(refund: Refund, { seen, credentials }: Context): Result<Facts, string> {
  const [intent, charge] = [idOf(refund.payment_intent), idOf(refund.charge)];
  const fact = refundFact(refund, intent ?? charge, seen);
  if (fact === null) return unreadable(`amount or status, which is ${JSON.stringify(refund.status)}`);
  return told([fact], orderNoOf(refund, credentials), intent ?? charge, [intent, charge]);
}

// A refund that was cancelled or returned by the bank is back with the merchant (docs: failed refunds).
const REFUND_STATES: Readonly<Record<string, RefundState>> = {
  pending: 'pending',
  requires_action: 'pending',
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'failed',
};

function refundFact(refund: Refund, transactionId: string | null, seen: Seen): Fact | null {
  const state = own(REFUND_STATES, refund.status ?? '');
  const amount = moneyOf(refund.amount, refund.currency);
  if (state === undefined || amount === null) return null;
  const reason = refund.failure_reason ?? refund.reason;
  return {
    kind: 'refund',
    occurredAt: timeOf(refund, seen),
    providerState: refund.status ?? '',
    test: seen.test,
    state,
    refundNo: refund.id,
    providerRefundId: refund.id,
    transactionId,
    amount,
    ...(reason ? { reason } : {}),
    ...(refund.destination_details ? { account: refund.destination_details.type } : {}),
  };
}

// An inquiry that was closed, and a dispute that was prevented, took no money from the merchant (docs: dispute object).
const DISPUTE_STATES: Readonly<Record<string, DisputeState>> = {
  warning_needs_response: 'open',
  warning_under_review: 'open',
  needs_response: 'open',
  under_review: 'open',
  appeal_needs_response: 'open',
  appeal_under_review: 'open',
  warning_closed: 'won',
  prevented: 'won',
  won: 'won',
  lost: 'lost',
};

function ofDispute(dispute: Dispute, { seen, credentials }: Context): Result<Facts, string> {
  const state = own(DISPUTE_STATES, dispute.status);
  const amount: Money | null = moneyOf(dispute.amount, dispute.currency);
  if (state === undefined) return unreadable(`status, which is ${JSON.stringify(dispute.status)}`);
  if (amount === null) return unreadable('amount');
  const fact: Fact = {
    kind: 'dispute',
    occurredAt: timeOf(dispute, seen),
    providerState: dispute.status,
    test: seen.test,
    disputeId: dispute.id,
    state,
    amount,
    ...(dispute.reason ? { reason: dispute.reason } : {}),
  };
  const [intent, charge] = [idOf(dispute.payment_intent), idOf(dispute.charge)];
  return told([fact], orderNoOf(dispute, credentials), intent ?? charge, [intent, charge]);
}
