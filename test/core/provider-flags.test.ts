// What a provider itself finds odd about a payment: it reaches the order as a flag, and hides behind no duplicate.
import { describe, expect, it } from 'vitest';
import { factKey } from '../../src/core/event.ts';
import { newOrder } from '../../src/core/order.ts';
import { applyFact } from '../../src/core/transition.ts';
import { cny, orderOf, paid, registered, T0, unpaid } from './facts.ts';

const underpaid = unpaid('pending', { transactionId: 'T1', amount: cny(100), flags: ['underpaid'] });
const pending = unpaid('pending', { transactionId: 'T1', amount: cny(100) });

describe('an oddity that a provider tells', () => {
  it('is news after the same state without it', () => {
    expect(factKey(underpaid)).not.toBe(factKey(pending));
    expect(factKey({ ...underpaid, occurredAt: T0 + 1, providerState: 'other' })).toBe(factKey(underpaid));
  });

  it('flags a pending order, and is gone when the payment is whole', () => {
    const first = applyFact(newOrder('N1', T0), underpaid, 'callback', T0);
    expect(first).toMatchObject({ verdict: 'odd', type: 'payment.pending', order: { flags: ['underpaid'] } });
    const whole = applyFact(first.order, paid('T1', 100), 'callback', T0 + 1);
    expect(whole).toMatchObject({ type: 'payment.succeeded', order: { paymentState: 'paid', flags: [] } });
  });

  it('rides on the success that it belongs to', () => {
    const over = applyFact(newOrder('N1', T0), paid('T1', 100, { flags: ['overpaid'] }), 'callback', T0);
    expect(over).toMatchObject({ verdict: 'odd', type: 'payment.succeeded', order: { flags: ['overpaid'] } });
  });

  it('about a closed order wants a person and does not open it again', () => {
    const closed = applyFact(newOrder('N1', T0), unpaid('closed'), 'callback', T0).order;
    const late = { ...pending, flags: ['late_payment'] as const };
    const told = applyFact(closed, late, 'callback', T0 + 1);
    expect(told).toMatchObject({ type: 'order.flagged', order: { paymentState: 'closed', flags: ['late_payment'] } });
    expect(applyFact(told.order, late, 'callback', T0 + 2)).toMatchObject({ verdict: 'stale', type: null });
  });

  it('that comes after the order was paid changes nothing', () => {
    const whole = applyFact(newOrder('N1', T0), paid('T1', 100), 'callback', T0).order;
    expect(applyFact(whole, underpaid, 'callback', T0 + 1)).toMatchObject({ verdict: 'stale', order: { flags: [] } });
  });

  it('about a payment that is known already is news all the same, and the state does not change', () => {
    const whole = applyFact(newOrder('N1', T0), paid('T1', 100), 'callback', T0).order;
    const over = paid('T1', 100, { flags: ['overpaid'] });
    const told = applyFact(whole, over, 'callback', T0 + 1);
    expect(told).toMatchObject({ verdict: 'odd', type: 'order.flagged', order: { flags: ['overpaid'], sequence: 2 } });
    expect(told.order.payments).toHaveLength(1);
    expect(applyFact(told.order, over, 'callback', T0 + 2)).toMatchObject({ verdict: 'stale', order: told.order });
  });

  it('stays where the order stood so by its own sums when it was told, and these change', () => {
    const [part, rest] = [paid('T1', 40), paid('T2', 60)];
    const doubted = { ...part, flags: ['underpaid'] as const };
    for (const facts of [
      [part, doubted, rest],
      [doubted, part, rest],
      [part, rest, doubted],
    ]) {
      expect(orderOf(registered(100), facts)).toMatchObject({ paymentState: 'paid', flags: ['underpaid'] });
    }
    const late = unpaid('closed', { flags: ['late_payment'] });
    const closed = orderOf(registered(100, { expiresAt: T0 - 1 }), [unpaid('closed'), paid('T1', 40), late]);
    expect(closed.told).toEqual(['late_payment']);
  });

  it('that doubts a paid order wants a person, whichever of the two came first', () => {
    const doubted = { ...pending, flags: ['risk_review'] as const };
    const whole = applyFact(newOrder('N1', T0), paid('T1', 100), 'callback', T0).order;
    const told = applyFact(whole, doubted, 'callback', T0 + 1);
    expect(told).toMatchObject({ type: 'order.flagged', order: { paymentState: 'paid', flags: ['risk_review'] } });
    const before = applyFact(newOrder('N1', T0), doubted, 'callback', T0).order;
    expect(applyFact(before, paid('T1', 100), 'callback', T0 + 1).order.flags).toEqual(['risk_review']);
  });
});
