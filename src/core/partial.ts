// Partial: an authentic notice that lacks what an event needs. Pure. Nothing of it is guessed and nothing is told
// before the provider has said the rest; what it did say is kept, and each field's source with it.
import { type Applied, stale } from './applied.ts';
import type { Fact, PartialFact, PartialNotice, PaymentFact, Source } from './event.ts';
import { isSameMoney } from './money.ts';
import { type Order, withFlags } from './order.ts';

/** The fact itself where it lacks something; null where it is whole. */
export function partialOf(fact: Fact): PartialFact | null {
  if (fact.kind === 'partial') return fact;
  if (fact.kind !== 'payment' || fact.status !== 'succeeded') return null;
  const { orderNo, occurredAt, providerState, test, transactionId, amount, payer, attach } = fact;
  if (transactionId !== null && amount !== null) return null;
  const lacks = transactionId === null ? 'transactionId' : 'amount';
  const said = { ...(payer ? { payer } : {}), ...(attach === undefined ? {} : { attach }) };
  return { kind: 'partial', orderNo, occurredAt, providerState, test, transactionId, amount, lacks, ...said };
}

/** Keeps what the notice said; no event. A notice about a payment that is known says nothing new. */
export function keepPartial(order: Order, fact: PartialFact, source: Source, now: number): Applied {
  const { transactionId, amount, lacks } = fact;
  const isKnown =
    transactionId === null
      ? order.paymentState === 'paid'
      : order.payments.some((payment) => payment.transactionId === transactionId);
  if (isKnown) return stale(order);
  const known = order.partial;
  const partial: PartialNotice = {
    since: known?.since ?? now,
    source,
    transactionId: transactionId ?? known?.transactionId ?? null,
    amount: amount ?? known?.amount ?? null,
    lacks,
  };
  const isFirstPayer = order.payer === null && fact.payer !== undefined;
  const next: Order = {
    ...order,
    partial,
    payer: order.payer ?? fact.payer ?? null,
    payerSource: isFirstPayer ? source : order.payerSource,
    attach: order.attach ?? fact.attach ?? null,
    test: order.test || fact.test,
    version: order.version + 1,
    updatedAt: now,
  };
  return { verdict: 'odd', type: null, order: next };
}

/** A payment fact may be what was missing: the order then says which source each field came from. */
export function completed(before: Order, step: Applied, fact: Fact, source: Source): Applied {
  const { partial } = before;
  if (partial === null || fact.kind !== 'payment' || !completes(partial, fact)) return step;
  const isSuccess = fact.status === 'succeeded';
  const provenance = {
    ...(partial.lacks === 'status' ? { state: source } : {}),
    ...(isSuccess ? { amount: partial.amount === null ? source : partial.source } : {}),
    ...(isSuccess ? { transactionId: partial.transactionId === null ? source : partial.source } : {}),
  };
  const differs = partial.amount !== null && fact.amount !== null && !isSameMoney(partial.amount, fact.amount);
  const kept = { ...step.order, partial: null, provenance };
  const order = differs && isSuccess ? withFlags(kept, ['provider_disagrees']) : kept;
  return { ...step, order, verdict: differs && isSuccess ? 'odd' : step.verdict };
}

function completes(partial: PartialNotice, fact: PaymentFact): boolean {
  if (fact.status !== 'succeeded') return partial.lacks === 'status' && fact.status !== 'pending';
  if (fact.transactionId === null || fact.amount === null) return false;
  return partial.transactionId === null || partial.transactionId === fact.transactionId;
}
