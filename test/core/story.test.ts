// Properties of an order over any story: what is true in the end, what leaves, and what can never happen on the way.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaymentEvent } from '../../src/core/event.ts';
import {
  covers,
  type Order,
  paidOf,
  type Registration,
  refundedOf,
  STANDING_FLAGS,
  stateOf,
} from '../../src/core/order.ts';
import { refundableIn } from '../../src/core/refund-request.ts';
import { cny, paid, refund, T0, truthOf, unheard } from './facts.ts';
import { hold, LONG_MS } from './runs.ts';
import { anyParked, anySteps, anyTwoTellings, Book, live, type Step, tell } from './stories.ts';

const anyMode = fc.constantFrom('open' as const, 'registered' as const);
const register = (registration: Registration): Step => ({ do: 'register', registration });

/** What an order's facts say by themselves, in whatever order: counted anew, by other means than the core's. */
function countOf(facts: readonly PaymentEvent[], what: Registration | null) {
  const payments = new Map<string, { minor: number; currency: string; at: number }>();
  for (const fact of facts) {
    if (fact.kind !== 'payment' || fact.status !== 'succeeded' || !fact.transactionId || !fact.amount) continue;
    payments.set(fact.transactionId, { ...fact.amount, at: fact.occurredAt });
  }
  const rank = { pending: 0, needs_attention: 1, failed: 2, succeeded: 2 };
  const refunds = new Map<string, PaymentEvent & { kind: 'refund' }>();
  for (const fact of facts) {
    if (fact.kind !== 'refund') continue;
    const best = refunds.get(fact.refundNo);
    const better =
      !best ||
      rank[fact.state] - rank[best.state] ||
      fact.occurredAt - best.occurredAt ||
      (fact.state === 'succeeded' ? 1 : -1);
    if (better === true || (typeof better === 'number' && better > 0)) refunds.set(fact.refundNo, fact);
  }
  const first = [...payments].sort(([a, p], [b, q]) => p.at - q.at || (a < b ? -1 : 1))[0]?.[1];
  const currency = what?.amount.currency ?? first?.currency;
  const add = (sums: readonly { minor: number; currency: string }[], unit: string | undefined) =>
    sums.filter((one) => one.currency === unit).reduce((total, { minor }) => total + minor, 0);
  const succeeded = [...refunds.values()].filter(({ state }) => state === 'succeeded').map(({ amount }) => amount);
  const told = new Set(facts.flatMap((fact) => (fact.kind === 'payment' ? [fact.status] : [])));
  const paidMinor = add([...payments.values()], currency);
  const isPaid = what
    ? paidMinor >= what.amount.minor && [...payments.values()].some((one) => one.currency === currency)
    : payments.size > 0;
  const unpaid = told.has('closed') ? 'closed' : told.has('failed') ? 'failed' : 'pending';
  return { currency, paidMinor, succeeded, add, transactions: payments.size, paymentState: isPaid ? 'paid' : unpaid };
}

describe('the end of a story', () => {
  it('is what its facts say, however often and in whatever order they are told', { timeout: LONG_MS }, () => {
    hold(
      fc.property(anyTwoTellings, ({ facts, what, one }) => {
        const { order } = live([...(what ? [register(what)] : []), ...one.map(tell)]);
        const count = countOf(facts, what);
        expect(order.paymentState).toBe(count.paymentState);
        expect(order.payments).toHaveLength(count.transactions);
        const refundCurrency = count.currency ?? order.refunds[0]?.amount.currency;
        expect(paidOf(order)?.minor ?? 0).toBe(count.paidMinor);
        expect(refundedOf(order)?.minor ?? 0).toBe(count.add(count.succeeded, refundCurrency));
      }),
    );
  });

  it('depends on the set of its facts alone, wherever the registration stands', { timeout: LONG_MS }, () => {
    hold(
      fc.property(anyTwoTellings, ({ what, at, one, other }) => {
        const first = live([...(what ? [register(what)] : []), ...one.map(tell)]).order;
        const place = at % (other.length + 1);
        const steps = other.map(tell);
        const second = live(what ? steps.toSpliced(place, 0, register(what)) : steps).order;
        const [a, b] = [truthOf(first), truthOf(second)];
        if (what === null || covers(first.payments, what.amount)) {
          expect(b).toEqual(a);
          return;
        }
        // Told as paid before a larger amount was registered: that is not taken back, and flagged. All else is equal.
        const { payments, refunds, paid: sum, refunded, dispute } = a;
        expect(b).toMatchObject({ payments, refunds, paid: sum, refunded, dispute });
        if (stateOf(second) !== stateOf(first)) {
          expect(second.paymentState).toBe('paid');
          expect(second.flags.some((flag) => flag === 'underpaid' || flag === 'currency_mismatch')).toBe(true);
        }
      }),
    );
  });

  it('is the same for facts that were parked and for those that came after', { timeout: LONG_MS }, () => {
    hold(
      fc.property(anyParked, ({ told, what }) => {
        const before = live([register(what), ...told.map(tell)]);
        const after = live([...told.map(tell), register(what)], 'registered');
        const comparable = ({ version: _, updatedAt: __, parkedAt: ___, registration, ...order }: Order) => order;
        expect(comparable(after.order)).toEqual(comparable(before.order));
        const sent = ({ events }: Book) => events.map(({ type, sequence, order }) => [type, sequence, truthOf(order)]);
        expect(sent(after)).toEqual(sent(before));
      }),
    );
  });

  it('holds running totals: the largest is what was refunded, whichever comes first', { timeout: LONG_MS }, () => {
    const anyTotals = fc
      .uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 5 })
      .map((totals) => totals.sort((a, b) => a - b))
      .chain((totals) => {
        const facts = totals.map((minor, index) =>
          refund(`r${index}`, minor, 'succeeded', { cumulative: true, occurredAt: T0 + index }),
        );
        return fc.tuple(
          fc.constant(totals),
          fc.shuffledSubarray([...facts, ...facts], { minLength: 2 * facts.length }),
        );
      });
    hold(
      fc.property(anyTotals, ([totals, facts]) => {
        const { order } = live([tell(paid('t1', 100)), ...facts.map(tell)]);
        expect(refundedOf(order)).toEqual(cny(totals.at(-1) ?? 0));
        expect(order.refunds.map(({ amount }) => amount.minor)).toEqual(
          totals.map((total, index) => total - (totals[index - 1] ?? 0)),
        );
        expect(order.flags).toEqual([]);
      }),
    );
  });
});

describe('on its way', () => {
  it('every step of any story keeps the promises', { timeout: LONG_MS }, () => {
    hold(
      fc.property(anySteps, anyMode, (steps, mode) => {
        const book = new Book(mode);
        for (const [index, step] of steps.entries()) {
          const before = book.order;
          const sent = book.events.length;
          const outcome = book.do(step, T0 + index);
          keepsSequence(before, book, sent);
          keepsQuietWhenStale(before, book, sent, outcome);
          keepsMoney(before, book.order, outcome);
        }
        expect(book.events.map(({ sequence }) => sequence)).toEqual(book.events.map((_, index) => index + 1));
        shipsOnce(book);
      }),
    );
  });
});

/** Sequences have no gaps, and versions never step back. */
function keepsSequence(before: Order, { order, events }: Book, sent: number) {
  const news = events.length - sent;
  if (order.sequence !== before.sequence + news)
    throw new Error(`${before.sequence} + ${news} is not ${order.sequence}`);
  if (order.version < before.version + news) throw new Error(`${news} events, and version ${order.version}`);
  if (order.version !== before.version) return;
  expect(unheard(order)).toEqual(unheard(before)); // no change that nobody could see
}

/** What is stale, a duplicate or parked leaves no event and changes nothing that is derived. */
function keepsQuietWhenStale(before: Order, { order, events }: Book, sent: number, outcome: string) {
  if (!['stale', 'duplicate', 'parked', 'same', 'dropped', 'asked'].includes(outcome)) return;
  expect(events.length).toBe(sent);
  const derived = (one: Order) => ({ ...truthOf({ ...unheard(one), parkedAt: null }), flags: one.flags });
  expect(derived(order)).toEqual(derived(before));
  if (outcome === 'same') expect(order).toBe(before);
  if (outcome === 'duplicate') expect(unheard(order)).toEqual(unheard(before));
}

/** No money is given back that was not paid, unless a flag says so; and none is set aside that is not there. */
function keepsMoney(before: Order, order: Order, outcome: string) {
  const [given, taken] = [refundedOf(order)?.minor ?? 0, paidOf(order)?.minor ?? 0];
  if (given > taken) {
    expect(order.flags.some((flag) => flag === 'refund_exceeds_payment' || flag === 'refund_before_payment')).toBe(
      true,
    );
  }
  if (outcome === 'asked') {
    const [asked] = order.refundRequests.slice(-1);
    if (!asked) throw new Error('set aside, and not there');
    expect(asked.amount.minor).toBeLessThanOrEqual(refundableIn(before, asked.amount.currency).minor);
  }
  expect(new Set(order.payments.map(({ transactionId }) => transactionId)).size).toBe(order.payments.length);
  expect(new Set(order.refunds.map(({ refundNo }) => refundNo)).size).toBe(order.refunds.length);
  for (const flag of before.flags) {
    const mayGo = STANDING_FLAGS.includes(flag) || flag === 'incomplete' || flag === 'unmatched';
    if (!mayGo && before.parkedAt === null) expect(order.flags).toContain(flag);
  }
}

/** `payment.succeeded` leaves at most once, and never before the money is there. */
function shipsOnce({ events, order }: Book) {
  const shipped = events.filter(({ type }) => type === 'payment.succeeded');
  expect(shipped.length).toBe(order.paymentState === 'paid' ? 1 : 0);
  for (const { order: then } of shipped) {
    const due = then.registration?.amount;
    const counted = then.payments.filter(({ amount }) => due === undefined || amount.currency === due.currency);
    const sum = counted.reduce((total, { amount }) => total + amount.minor, 0);
    expect(sum).toBeGreaterThanOrEqual(due?.minor ?? 1);
  }
}
