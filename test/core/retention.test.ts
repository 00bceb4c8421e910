// What may be let go of: nothing that something may still come of, and nothing for ever left behind.
import { describe, expect, it } from 'vitest';
import { DAY_MS } from '../../src/core/limits.ts';
import { newOrder } from '../../src/core/order.ts';
import { cutoffOf, isAtRest, walkAgain } from '../../src/core/retention.ts';

const order = newOrder('A', 0);
const cny = (minor: number) => ({ minor, currency: 'CNY' });
const refund = (state: 'pending' | 'succeeded' | 'failed' | 'needs_attention') => ({
  ...{ refundNo: 'R', providerRefundId: null, transactionId: null, amount: cny(1), state, reason: null, at: 0 },
});
const dispute = (state: 'open' | 'won' | 'lost') => ({ disputeId: 'D', state, amount: null, at: 0 });

describe('an order at rest', () => {
  it.each([
    ['nothing under way', order, true],
    ['a refund that ended', { ...order, refunds: [refund('succeeded'), refund('failed')] }, true],
    ['a dispute that was decided', { ...order, disputes: [dispute('won'), dispute('lost')] }, true],
    ['a refund under way', { ...order, refunds: [refund('succeeded'), refund('pending')] }, false],
    ['a refund that is stuck', { ...order, refunds: [refund('needs_attention')] }, false],
    ['an open dispute', { ...order, disputes: [dispute('won'), dispute('open')] }, false],
    ['facts that wait for its registration', { ...order, parkedAt: 1 }, false],
    [
      'a refund that nobody has heard of yet',
      {
        ...order,
        refundRequests: [{ refundNo: 'R', amount: cny(1), reason: null, transactionId: null, requestedAt: 0 }],
      },
      false,
    ],
  ])('%s', (_, one, expected) => {
    expect(isAtRest(one)).toBe(expected);
  });
});

describe('a walk over old things', () => {
  it('goes back for what it left, once a day', () => {
    const walk = { seq: 90, skipped: 40, startedAt: 5 };
    expect(walkAgain(walk, 5 + DAY_MS - 1)).toBe(walk);
    expect(walkAgain(walk, 5 + DAY_MS)).toEqual({ seq: 39, skipped: null, startedAt: 5 + DAY_MS });
    expect(walkAgain({ ...walk, skipped: null }, 5 + DAY_MS)).toMatchObject({ seq: 90 });
  });

  it('counts days back from now', () => {
    expect(cutoffOf(180, 200 * DAY_MS)).toBe(20 * DAY_MS);
  });
});
