// Transition: how one fact changes an order. Pure. The order in which facts arrive does not change what is true in the
// end; only flags that tell of an arrival remember it.
import { type Applied, applied, stale } from './applied.ts';
import { told } from './cell.ts';
import { applyDispute } from './dispute.ts';
import type { EventType, Fact, PaymentFact, PaymentStatus, RefundFact, Source } from './event.ts';
import { isSameMoney, type Money } from './money.ts';
import {
  covers,
  FLAGS,
  type Flag,
  type Order,
  PAYMENT_TABLE,
  PAYMENT_WORDS,
  type Payment,
  type PaymentWord,
  STANDING_FLAGS,
  STATE_AFTER,
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
      return withoutRequest(applyRefund(order, withReason(order, fact), now), fact.refundNo, now);
    case 'dispute':
      return applyDispute(order, fact, now);
    case 'partial':
      return applied(order, order, 'order.flagged', now, ['incomplete']);
    case 'flag':
      return order.flags.includes(fact.flag) ? stale(order) : applied(order, order, 'order.flagged', now, [fact.flag]);
  }
}

/** Why, as the merchant said when asking: providers do not repeat it. */
function withReason(order: Order, fact: RefundFact): RefundFact {
  const asked = order.refundRequests.find(({ refundNo }) => refundNo === fact.refundNo);
  const reason = fact.reason ?? asked?.reason ?? undefined;
  return reason === undefined ? fact : { ...fact, reason };
}

/** What was set aside for a refund is the refund's own from its first fact on. */
function withoutRequest(step: Applied, refundNo: string, now: number): Applied {
  const order = dropRequest(step.order, refundNo, now);
  return order === step.order ? step : { ...step, order };
}

function applyPaid(order: Order, fact: PaymentFact, source: Source, now: number): Applied {
  const { transactionId, amount } = fact;
  const known = order.payments.find((payment) => payment.transactionId === transactionId);
  if (known) return paidAgain(order, known, fact, now);
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
  const word = wordOf(paid, amount);
  const type = moveOf(order, word) ?? 'order.flagged'; // money is never stale
  const arrival: Flag[] = order.paymentState === 'closed' ? ['paid_after_close'] : [];
  const paymentState = STATE_AFTER[type] ?? order.paymentState;
  const isPaid = type === 'payment.succeeded';
  const flags = isPaid ? order.flags.filter((flag) => flag !== 'incomplete') : order.flags;
  const step = applied(order, { ...paid, paymentState, flags }, type, now, arrival);
  return isPaid ? step : { ...step, verdict: 'odd' };
}

/** The same transaction once more: the amount that came first stands; what the provider finds odd by now is news. */
function paidAgain(order: Order, known: Payment, { amount, flags = [] }: PaymentFact, now: number): Applied {
  const isOther = amount !== null && !isSameMoney(amount, known.amount);
  const odd = together(known.flags, flags);
  const payments = order.payments.map((payment) => (payment === known ? { ...payment, flags: odd } : payment));
  // Kept though the order stands so by its sums already: these may change, and what the provider said does not.
  const next = odd.length === known.flags.length ? order : { ...order, payments };
  if (!isOther && flags.every((flag) => order.flags.includes(flag))) return stale(next);
  return applied(order, next, 'order.flagged', now, isOther ? ['provider_disagrees'] : []);
}

/** What the order's table says of this word; null: no news. */
function moveOf({ paymentState }: Order, word: PaymentWord): EventType | null {
  const cell = PAYMENT_TABLE[paymentState][PAYMENT_WORDS.indexOf(word)] ?? 'stale'; // every word has its column
  const type = told(cell, 0, 0);
  return type === 'again' ? null : type;
}

/** What this payment makes of the order, together with those before it. */
function wordOf({ registration, payments }: Order, amount: Money): PaymentWord {
  const due = registration?.amount ?? null;
  if (due !== null && amount.currency !== due.currency) return 'foreign';
  return covers(payments, due) ? 'whole' : 'part';
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
    flags: together([], fact.flags),
  };
}

function applyUnpaid(
  order: Order,
  fact: PaymentFact,
  status: Exclude<PaymentStatus, 'succeeded'>,
  now: number,
): Applied {
  const type = moveOf(order, status);
  const isPaid = order.paymentState === 'paid';
  if (type === null) {
    // Money on an order that does not move is a person's business; a paid order's own payments say how it stands.
    const odd = (fact.flags ?? []).filter((flag) => !order.flags.includes(flag) && !(isPaid && isStanding(flag)));
    const told = together(order.told, fact.flags);
    const next = isPaid || told.length === order.told.length ? order : { ...order, told };
    return odd.length === 0 ? stale(next) : applied(order, next, 'order.flagged', now, odd);
  }
  const moved: Order = {
    ...order,
    paymentState: STATE_AFTER[type] ?? order.paymentState,
    closedAt: status === 'closed' ? fact.occurredAt : order.closedAt,
    providerState: fact.providerState,
    told: together(order.told, fact.flags),
    attach: order.attach ?? fact.attach ?? null,
    test: order.test || fact.test,
  };
  return applied(order, moved, type, now);
}

const isStanding = (flag: Flag): boolean => STANDING_FLAGS.includes(flag);

/** Each once and in their one order, whichever was told first. */
const together = (known: readonly Flag[], told: readonly Flag[] = []): readonly Flag[] =>
  FLAGS.filter((flag) => known.includes(flag) || told.includes(flag));
