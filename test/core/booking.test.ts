// What reports sum is what the orders themselves say, whatever was told in which order.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Booking, bookingsOf, withOutcome } from '../../src/core/booking.ts';
import { factKey, type PaymentEvent } from '../../src/core/event.ts';
import type { Order } from '../../src/core/order.ts';
import { hourOf, moneyOf } from '../../src/core/tally.ts';
import { applyFact } from '../../src/core/transition.ts';
import { anyFacts, anyStart, anyStory, fresh, paid, refund, registered, T0, unpaid } from './facts.ts';
import { hold, LONG_MS } from './runs.ts';

const DAY_MS = 86_400_000;

/** As the ledger does, which takes the same fact once. */
function told(start: Order, facts: readonly PaymentEvent[]): { order: Order; booked: Booking[] } {
  const keys = new Set<string>();
  let order = start;
  const booked: Booking[] = [];
  for (const [index, fact] of facts.entries()) {
    const key = factKey(fact);
    if (keys.has(key)) continue;
    keys.add(key);
    const step = applyFact(order, fact, 'callback', T0 + index);
    const amount = fact.kind === 'payment' ? fact.amount?.currency : undefined;
    const next = withOutcome(order, step.order, fact.occurredAt, amount);
    booked.push(...bookingsOf(order, next));
    order = next;
  }
  return { order, booked };
}

function sums(booked: readonly Booking[], name: string, day?: number): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [at, key, value] of booked) {
    const [sum = '', currency = ''] = key.split('.');
    if (sum !== name || (day !== undefined && at !== day)) continue;
    found[currency] = (found[currency] ?? 0) + value;
  }
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== 0));
}

const byCurrency = (amounts: readonly { readonly minor: number; readonly currency: string }[]) => {
  const found: Record<string, number> = {};
  for (const { minor, currency } of amounts) found[currency] = (found[currency] ?? 0) + minor;
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== 0));
};

function less(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  const all = [...names].map((name) => [name, (a[name] ?? 0) - (b[name] ?? 0)] as const);
  return Object.fromEntries(all.filter(([, value]) => value !== 0));
}

const DAYS = Array.from({ length: 6 }, (_, day) => T0 + day * DAY_MS);

describe('the sums in reports', () => {
  it('are those of the orders, day by day', { timeout: LONG_MS }, () => {
    hold(
      fc.property(anyStart, fc.oneof(anyFacts, anyStory), (start, facts) => {
        const { order, booked } = told(start, facts);
        for (const day of DAYS) {
          const then = order.payments.filter(({ paidAt }) => paidAt === day);
          expect(sums(booked, 'gross', day)).toEqual(byCurrency(then.map(({ amount }) => amount)));
        }
        const stands = order.refunds.filter(({ state }) => state === 'succeeded');
        const given = byCurrency(stands.map(({ amount }) => amount));
        expect(less(sums(booked, 'refunded'), sums(booked, 'reversed'))).toEqual(given);
        const counted = less(sums(booked, 'refunds'), sums(booked, 'reversals'));
        expect(counted).toEqual(byCurrency(stands.map(({ amount: { currency } }) => ({ minor: 1, currency }))));
      }),
    );
  });

  it('count every order once, as it ended', { timeout: LONG_MS }, () => {
    hold(
      fc.property(anyStart, anyStory, (start, facts) => {
        const { order, booked } = told(start, facts);
        const ended = ['paid', 'failed', 'closed'].map((as) => Object.values(sums(booked, as)));
        const { paymentState } = order;
        expect(ended).toEqual(['paid', 'failed', 'closed'].map((as) => (as === paymentState ? [1] : [])));
      }),
    );
  });

  it('hold nothing of a test order, and of one that turns out to be one', () => {
    const test = (fact: PaymentEvent): PaymentEvent => ({ ...fact, test: true });
    expect(told(fresh(), [test(paid('t1', 100)), test(refund('r1', 40))]).booked).toEqual([]);
    const { booked } = told(fresh(), [paid('t1', 100), refund('r1', 40), test(paid('t2', 50))]);
    for (const name of ['gross', 'refunded', 'reversed', 'refunds', 'paid']) expect(sums(booked, name)).toEqual({});
  });

  it('leave the day of a refund as it was when the refund is reversed later', () => {
    const { booked } = told(fresh(), [
      paid('t1', 100),
      refund('r1', 40, 'succeeded', { occurredAt: T0 + DAY_MS }),
      refund('r1', 40, 'failed', { occurredAt: T0 + 3 * DAY_MS }),
    ]);
    expect(booked.slice(2)).toEqual([
      [T0 + DAY_MS, 'refunded.CNY', 40],
      [T0 + DAY_MS, 'refunds.CNY', 1],
      [T0 + 3 * DAY_MS, 'reversed.CNY', 40],
      [T0 + 3 * DAY_MS, 'reversals.CNY', 1],
    ]);
  });

  it('take back that an order was closed when its payment comes after all', () => {
    const { booked } = told(registered(100), [
      unpaid('closed', { occurredAt: T0 + DAY_MS }),
      paid('t1', 100, { occurredAt: T0 + 2 * DAY_MS }),
    ]);
    expect(booked).toEqual([
      [T0 + DAY_MS, 'closed.CNY', 1],
      [T0 + 2 * DAY_MS, 'gross.CNY', 100],
      [T0 + DAY_MS, 'closed.CNY', -1],
      [T0 + 2 * DAY_MS, 'paid.CNY', 1],
    ]);
  });

  it('go to the hours that they belong to', () => {
    const { booked } = told(fresh(), [paid('t1', 100, { occurredAt: T0 + 1 }), paid('t2', 7, { occurredAt: T0 + 2 })]);
    expect([...moneyOf(booked)]).toEqual([[hourOf(T0), { 'gross.CNY': 107, 'paid.CNY': 1 }]]);
  });
});
