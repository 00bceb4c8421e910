// Figures add up: over shards, hours and channels, in any order, and percentiles of the sum are told within a bucket.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factKey } from '../../src/core/event.ts';
import {
  add,
  bucketsOf,
  type CountedFact,
  HOUR_MS,
  hourOf,
  LATENCY_BOUNDS_MS,
  latencyOf,
  merge,
  missShareOf,
  summaryOf,
  tallyOf,
} from '../../src/core/tally.ts';
import { paid as paidOf } from './facts.ts';

const paid = (orderNo: string, change: Parameters<typeof paidOf>[2] = {}) => paidOf(`tx-${orderNo}`, 100, change);

const fact = (change: Partial<CountedFact> = {}): CountedFact => ({
  factKey: factKey(paid('A')),
  verdict: 'applied',
  type: 'payment.succeeded',
  source: 'callback',
  occurredAt: 1_000,
  receivedAt: 1_450,
  refundedMinor: null,
  refundedCurrency: null,
  ...change,
});

describe('a sum of tallies', () => {
  const tally = fc.dictionary(fc.constantFrom('a', 'b', 'gross.CNY'), fc.nat(1_000_000));
  const lastAt = fc.option(fc.nat(), { nil: null });
  const hour = fc.record({ counters: tally, money: tally, minutes: tally, lastAt });

  it('is the same whoever adds first', () => {
    fc.assert(
      fc.property(hour, hour, hour, (a, b, c) => {
        expect(merge(a, merge(b, c))).toEqual(merge(merge(a, b), c));
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(add(a.counters, {})).toEqual(a.counters);
      }),
    );
  });

  it('keeps every hour apart', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2_000_000_000_000 }), (at) => {
        expect(at - hourOf(at)).toBeGreaterThanOrEqual(0);
        expect(at - hourOf(at)).toBeLessThan(HOUR_MS);
        expect(hourOf(at) % HOUR_MS).toBe(0);
      }),
    );
  });
});

describe('percentiles', () => {
  it('lie in the bucket of the true value, whatever was added to what', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 90_000_000 }), { minLength: 1, maxLength: 300 }), (all) => {
        const half = all.length >> 1;
        const sum = (part: readonly number[]) => add(...part.map((ms) => latencyOf('paidToVerified', ms)));
        const told = summaryOf(bucketsOf(add(sum(all.slice(0, half)), sum(all.slice(half))), 'paidToVerified'));
        const sorted = all.toSorted((a, b) => a - b);
        for (const [share, ms] of [
          [0.5, told.p50Ms],
          [0.95, told.p95Ms],
          [0.99, told.p99Ms],
        ] as const) {
          const exact = sorted[Math.ceil(share * all.length) - 1] ?? 0;
          expect(ms).toBe(LATENCY_BOUNDS_MS.find((bound) => exact <= bound));
        }
        expect(told.count).toBe(all.length);
      }),
      { numRuns: 100 },
    );
  });

  it('are unknown where nothing was measured, and a clock that runs ahead measures nothing below zero', () => {
    expect(summaryOf(bucketsOf({}, 'paidToVerified'))).toEqual({ count: 0, p50Ms: null, p95Ms: null, p99Ms: null });
    const tally = latencyOf('verifiedToDelivered', -300);
    expect(tally['verifiedToDelivered.ms']).toBe(0);
    expect(bucketsOf(latencyOf('paidToVerified', Number.MAX_SAFE_INTEGER), 'paidToVerified').at(-1)).toBe(1);
  });
});

describe('a fact', () => {
  it('counts by its source, its event, its money and how late it was', () => {
    expect(tallyOf(fact())).toEqual({
      counters: {
        'facts.callback': 1,
        'events.payment.succeeded': 1,
        'learnt.callback': 1,
        'paidToVerified.5': 1,
        'paidToVerified.ms': 450,
        'gross.CNY': 100,
      },
      money: {},
      minutes: { 0: 1 },
      lastAt: 1_450,
    });
    expect(tallyOf(fact({ receivedAt: HOUR_MS - 1 })).minutes).toEqual({ 59: 1 });
  });

  it('counts money where it came in, whatever the event says of it', () => {
    const second = fact({ type: 'order.flagged', verdict: 'odd' });
    expect(tallyOf(second).counters).toMatchObject({ 'gross.CNY': 100, 'events.order.flagged': 1 });
    expect(tallyOf(second).counters['learnt.callback']).toBeUndefined();
    const part = factKey(paid('A', { flags: ['underpaid'] }));
    expect(tallyOf(fact({ factKey: part, type: 'payment.pending' })).counters['gross.CNY']).toBe(100);
    expect(tallyOf(fact({ verdict: 'stale' })).counters['gross.CNY']).toBeUndefined();
    const odd = factKey(paid('A', { transactionId: 'a|b|succeeded|7|USD' }));
    expect(tallyOf(fact({ factKey: odd })).counters['gross.CNY']).toBe(100);
    const pending = factKey(paid('A', { status: 'pending' }));
    expect(tallyOf(fact({ factKey: pending, type: 'payment.pending' })).counters['gross.CNY']).toBeUndefined();
  });

  it('counts nothing while it waits for its registration', () => {
    expect(tallyOf(fact({ verdict: 'parked', type: null }))).toEqual({
      counters: {},
      money: {},
      minutes: {},
      lastAt: null,
    });
  });

  it('is no callback that came where it was asked for', () => {
    expect(tallyOf(fact({ source: 'query' }))).toMatchObject({ counters: { 'learnt.query': 1 }, lastAt: null });
  });
});

it('tells the share of payments that no callback told first', () => {
  expect(missShareOf({ 'learnt.callback': 6, 'learnt.query': 3, 'learnt.bill': 1 })).toBe(0.4);
  expect(missShareOf({})).toBeNull();
});
