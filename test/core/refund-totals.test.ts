// Refunds told as running totals, by providers that tell no other amount, beside refunds told with their own.
import { describe, expect, it } from 'vitest';
import type { PaymentFact, RefundFact } from '../../src/core/event.ts';
import { newOrder, type Order, refundedOf, stateOf } from '../../src/core/order.ts';
import { applyFact } from '../../src/core/transition.ts';

const cny = (minor: number) => ({ minor, currency: 'CNY' });
const base = { orderNo: 'A1', providerState: 'X', test: false, transactionId: 'T1' } as const;
const payment: PaymentFact = { ...base, kind: 'payment', status: 'succeeded', occurredAt: 1_000, amount: cny(100) };
const own = (refundNo: string, minor: number, occurredAt: number): RefundFact => ({
  ...base,
  kind: 'refund',
  state: 'succeeded',
  occurredAt,
  refundNo,
  providerRefundId: null,
  amount: cny(minor),
});
const total = (refundNo: string, minor: number, occurredAt: number): RefundFact => ({
  ...own(refundNo, minor, occurredAt),
  cumulative: true,
});

const orderAfter = (...facts: readonly RefundFact[]): Order =>
  [payment, ...facts].reduce((order, fact) => applyFact(order, fact, 'callback', 5_000).order, newOrder('A1', 0));
const sumsOf = (order: Order) => order.refunds.map(({ refundNo, amount }) => `${refundNo} ${amount.minor}`);

describe('running totals', () => {
  it('are counted apart, whichever comes first', () => {
    for (const facts of [
      [total('R1', 10, 2_000), total('R2', 30, 3_000)],
      [total('R2', 30, 3_000), total('R1', 10, 2_000)],
    ]) {
      const order = orderAfter(...facts);
      expect(sumsOf(order)).toEqual(['R1 10', 'R2 20']);
      expect(refundedOf(order)).toEqual(cny(30));
    }
  });

  it('of one height under two names are one refund', () => {
    const order = orderAfter(total('R1', 100, 2_000), total('T1-100', 100, 4_000));
    expect(sumsOf(order)).toEqual(['R1 100']);
    expect(stateOf(order)).toBe('refunded');
    expect(applyFact(order, total('T1-100', 100, 4_500), 'query', 5_000)).toMatchObject({
      verdict: 'stale',
      type: null,
    });
  });

  it('agree with a query that tells the refund’s own amount', () => {
    const order = orderAfter(total('R1', 10, 2_000), total('R2', 30, 3_000), own('R2', 20, 3_001));
    expect(sumsOf(order)).toEqual(['R1 10', 'R2 20']);
    expect(order.flags).toEqual([]);
  });

  it('agree with an own amount that came before them', () => {
    const order = orderAfter(
      own('R1', 10, 2_000),
      total('R1', 10, 2_000),
      own('R2', 20, 3_000),
      total('R2', 30, 3_000),
    );
    expect(sumsOf(order)).toEqual(['R1 10', 'R2 20']);
    expect(order.flags).toEqual([]);
  });

  it('hold what a lost notice would have told, once a query has told it', () => {
    for (const facts of [
      [total('R1', 10, 2_000), own('R2', 20, 3_000), total('R3', 70, 4_000)],
      [total('R3', 70, 4_000), total('R1', 10, 2_000), own('R2', 20, 3_000)],
    ]) {
      expect(sumsOf(orderAfter(...facts))).toEqual(['R1 10', 'R2 20', 'R3 40']);
    }
  });

  it('tell of no refund where those that told their own amount make them up', () => {
    const order = orderAfter(own('R1', 40, 2_000), own('R2', 60, 3_000));
    for (const at of [3_000, 9_000]) {
      expect(applyFact(order, total('T1-100', 100, at), 'query', 9_000)).toMatchObject({ verdict: 'stale', order });
    }
  });

  it('are not made up by what came after them in the same second', () => {
    const order = orderAfter(total('R1', 30, 3_000), own('R2', 50, 3_000));
    expect(sumsOf(order)).toEqual(['R1 30', 'R2 50']);
  });

  it('have their place beside an own amount that told its total too, whatever the clocks say', () => {
    for (const facts of [
      [total('R1', 30, 3_000), { ...own('R2', 20, 3_000), total: cny(50) }, total('R3', 90, 3_000)],
      [total('R3', 90, 3_000), { ...own('R2', 20, 8_000), total: cny(50) }, total('R1', 30, 3_000)],
    ]) {
      const order = orderAfter(...facts);
      expect(sumsOf(order).sort()).toEqual(['R1 30', 'R2 20', 'R3 40']);
      expect(applyFact(order, total('T1-50', 50, 9_000), 'query', 9_000).verdict).toBe('stale');
    }
  });

  it('that a query contradicts are flagged', () => {
    expect(orderAfter(total('R1', 10, 2_000), own('R1', 11, 2_001)).flags).toContain('provider_disagrees');
    expect(orderAfter(total('R1', 10, 2_000), total('R1', 11, 2_001)).flags).toContain('provider_disagrees');
  });
});
