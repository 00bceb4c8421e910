// Facts for the tests of the order: plain ones, any of them, and the ledger's rule that a known key is a duplicate.
import fc from 'fast-check';
import type { Applied } from '../../src/core/applied.ts';
import { type Heard, heardAt } from '../../src/core/cell.ts';
import type { DisputeFact, PaymentEvent, PaymentFact, RefundFact, Source } from '../../src/core/event.ts';
import {
  disputeOf,
  newOrder,
  type Order,
  paidAtOf,
  paidOf,
  type Registration,
  refundedOf,
  stateOf,
} from '../../src/core/order.ts';
import { registerOrder } from '../../src/core/registration.ts';
import { admit } from '../../src/core/repeat.ts';
import { applyFact } from '../../src/core/transition.ts';

export const T0 = Date.parse('2026-01-01T00:00:00Z');
export const cny = (minor: number) => ({ minor, currency: 'CNY' });
const base = { orderNo: 'N1', occurredAt: T0, providerState: 'SUCCESS', test: false };

export const paid = (transactionId: string, minor: number, change: Partial<PaymentFact> = {}): PaymentFact => ({
  ...base,
  kind: 'payment',
  status: 'succeeded',
  transactionId,
  amount: cny(minor),
  ...change,
});

export const unpaid = (status: 'pending' | 'failed' | 'closed', change: Partial<PaymentFact> = {}): PaymentFact => ({
  ...base,
  kind: 'payment',
  status,
  transactionId: null,
  amount: null,
  providerState: status,
  ...change,
});

export const refund = (
  refundNo: string,
  minor: number,
  state: RefundFact['state'] = 'succeeded',
  change: Partial<RefundFact> = {},
): RefundFact => ({
  ...base,
  kind: 'refund',
  state,
  refundNo,
  providerRefundId: `p-${refundNo}`,
  transactionId: null,
  amount: cny(minor),
  ...change,
});

export const dispute = (
  disputeId: string,
  state: DisputeFact['state'],
  change: Partial<DisputeFact> = {},
): DisputeFact => ({ ...base, kind: 'dispute', disputeId, state, amount: cny(10), ...change });

export const registration = (minor: number, change: Partial<Registration> = {}): Registration => ({
  amount: cny(minor),
  description: null,
  expiresAt: null,
  metadata: {},
  registeredAt: T0,
  ...change,
});

/** An order that the merchant registered, before any fact. */
export function registered(minor: number, change: Partial<Registration> = {}): Order {
  const result = registerOrder(newOrder('N1', T0), registration(minor, change), T0);
  if (result.kind === 'conflict') throw new Error(result.field);
  return result.order;
}

export const fresh = (): Order => newOrder('N1', T0);

export type Step = Applied | { readonly verdict: 'duplicate'; readonly type: null; readonly order: Order };

/** Applies facts as the ledger does: a key that is known changes nothing but the time of a last word. */
export function history(start: Order, facts: readonly PaymentEvent[], source: Source = 'callback'): Step[] {
  const keys = new Set<string>();
  let order = start;
  return facts.map((fact, index) => {
    const admitted = admit(order, fact, (key) => keys.has(key));
    if (admitted.kind === 'known') {
      order = admitted.order;
      return { verdict: 'duplicate', type: null, order };
    }
    keys.add(admitted.key);
    const step = applyFact(order, fact, source, T0 + index);
    order = step.order;
    return step;
  });
}

export const orderOf = (start: Order, facts: readonly PaymentEvent[]): Order =>
  history(start, facts).at(-1)?.order ?? start;

export const typesOf = (start: Order, facts: readonly PaymentEvent[]) => history(start, facts).map((step) => step.type);

/**
 * Flags that remember how facts arrived and are right to differ with their order: money after the close, a refund
 * before its payment, a refund taken back, a contradiction (the first word stands). amount_mismatch tells that the
 * registration came after the money; the rest are raised elsewhere.
 */
const ABOUT_ARRIVAL: readonly string[] = [
  'amount_mismatch',
  'paid_after_close',
  'refund_before_payment',
  'refund_reversed',
  'transaction_reused',
  'unmatched',
  'provider_disagrees',
  'origin_disagrees',
  'risk_review',
  'incomplete',
];

/** By its last word: when it came to be so is told by the word that came first. */
const byLastWord = <T extends Heard>(thing: T) => ({ ...thing, at: heardAt(thing), lastAt: undefined });

/** The order without what a word that is no news may move, and nobody sees. */
export const unheard = (order: Order): Order => ({
  ...order,
  refunds: order.refunds.map(({ lastAt: _, ...refund }) => refund),
  disputes: order.disputes.map(({ lastAt: _, ...one }) => one),
  payments: order.payments.map((payment) => ({ ...payment, flags: [] })),
  told: [],
});

/** What must be the same however the facts arrived. */
export const truthOf = (order: Order) => ({
  state: stateOf(order),
  paid: paidOf(order),
  // Of refunds alone, in several currencies, the one told first names the order's.
  refunded: paidOf(order) === null ? null : refundedOf(order),
  paidAt: paidAtOf(order),
  dispute: disputeOf(order),
  payments: order.payments,
  refunds: order.refunds.map(byLastWord).sort((a, b) => (a.refundNo < b.refundNo ? -1 : 1)),
  flags: order.flags.filter((flag) => !ABOUT_ARRIVAL.includes(flag)),
});

// — any of them —

const when = fc.integer({ min: 0, max: 5 }).map((days) => T0 + days * 86_400_000);
const amount = fc
  .tuple(fc.constantFrom(1, 20, 40, 50, 60, 100, 150), fc.constantFrom('CNY', 'CNY', 'CNY', 'USD'))
  .map(([minor, currency]) => ({ minor, currency }));

/** Now and then the provider itself finds something odd about it, at once or when it tells it again. */
const flagged = (fact: PaymentFact): fc.Arbitrary<PaymentFact[]> =>
  fc
    .subarray<PaymentFact['flags']>([undefined, ['overpaid'], ['underpaid', 'risk_review'], ['late_payment']], {
      minLength: 1,
      maxLength: 2,
    })
    .map((told) => told.map((flags) => ({ ...fact, ...(flags ? { flags } : {}) })));

/** Payments of distinct transactions: the provider says one amount and one time for each. */
export const anyPayments = fc
  .uniqueArray(fc.record({ id: fc.constantFrom('t1', 't2', 't3', 't4'), amount, at: when }), {
    selector: ({ id }) => id,
    maxLength: 4,
  })
  .chain((all) =>
    fc.tuple(...all.map(({ id, amount: money, at }) => flagged(paid(id, 0, { amount: money, occurredAt: at })))),
  )
  .map((all) => all.flat());

/** For each of some refunds, several of its states, each told at several times. One amount and currency a refund. */
export const anyRefunds = fc
  .uniqueArray(
    fc.record({
      refundNo: fc.constantFrom('r1', 'r2', 'r3'),
      amount,
      states: fc.uniqueArray(
        fc.record({ state: fc.constantFrom('pending', 'needs_attention', 'failed', 'succeeded'), at: when }),
        { selector: ({ state, at }) => `${state} ${at}`, minLength: 1, maxLength: 6 },
      ),
    }),
    { selector: ({ refundNo }) => refundNo, maxLength: 3 },
  )
  .map((all) =>
    all.flatMap(({ refundNo, amount: money, states }) =>
      states.map(({ state, at }) => refund(refundNo, 0, state, { amount: money, occurredAt: at })),
    ),
  );

export const anyUnpaid = fc
  .subarray(['pending', 'failed', 'closed'] as const)
  .chain((all) => fc.tuple(...all.map((status) => flagged(unpaid(status)))))
  .map((all) => all.flat());

export const anyDisputes = fc
  .uniqueArray(
    fc.record({
      id: fc.constantFrom('d1', 'd2'),
      state: fc.constantFrom('open' as const, 'won' as const, 'lost' as const),
      at: when,
    }),
    { selector: ({ id, state, at }) => `${id} ${state} ${at}`, maxLength: 6 },
  )
  .map((all) => all.map(({ id, state, at }) => dispute(id, state, { occurredAt: at })));

/** Any facts of one order, none of which contradicts another, in any order. */
export const anyFacts: fc.Arbitrary<PaymentEvent[]> = fc
  .tuple(anyPayments, anyRefunds, anyUnpaid, anyDisputes)
  .map((parts): PaymentEvent[] => parts.flat())
  .chain((facts) => fc.shuffledSubarray(facts, { minLength: facts.length }));

/** An order to begin with: registered, with or without an expiry, or made by its first callback. */
export const anyStart: fc.Arbitrary<Order> = fc.constantFrom(
  fresh(),
  registered(100),
  registered(100, { expiresAt: T0 + 2 * 86_400_000 }),
  registered(100, { amount: { minor: 100, currency: 'USD' } }),
);

/** Facts that contradict each other too: the same transaction or refund with another amount. */
export const anyStory: fc.Arbitrary<PaymentEvent[]> = fc
  .tuple(anyFacts, fc.array(fc.tuple(fc.nat(), fc.constantFrom(7, 8, 100_000)), { maxLength: 3 }))
  .chain(([facts, lies]) => {
    const contradictions = lies.flatMap(([pick, minor]): PaymentEvent[] => {
      const fact = facts[pick % Math.max(1, facts.length)];
      return fact ? [{ ...fact, amount: cny(minor) }] : [];
    });
    const all = [...facts, ...contradictions];
    return fc.shuffledSubarray(all, { minLength: all.length });
  });
