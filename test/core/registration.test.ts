// What the merchant says was sold: the first word stands, and money that came before it is compared.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Order, paidOf, stateOf } from '../../src/core/order.ts';
import { registerOrder } from '../../src/core/registration.ts';
import { anyFacts, cny, fresh, orderOf, paid, refund, registered, registration, T0, unpaid } from './facts.ts';

const NOW = T0 + 1_000;
const DAY = 86_400_000;

function created(order: Order, what = registration(100)): Order {
  const result = registerOrder(order, what, NOW);
  if (result.kind !== 'created') throw new Error(result.kind);
  return result.order;
}

describe('a registration', () => {
  it('of a new order is a visible change without an event', () => {
    expect(created(fresh())).toMatchObject({ version: 1, sequence: 0, flags: [], updatedAt: NOW });
    expect(stateOf(created(fresh()))).toBe('pending');
    expect(paidOf(created(fresh()))).toEqual(cny(0));
  });

  it('told again with the same data changes nothing, whatever the order of its metadata', () => {
    const order = registered(100, { metadata: { a: '1', b: '2' }, description: 'tea' });
    const again = registration(100, { metadata: { b: '2', a: '1' }, description: 'tea', registeredAt: NOW });
    expect(registerOrder(order, again, NOW)).toEqual({ kind: 'same', order });
  });

  it.each([
    ['amount.minor', { amount: cny(101) }],
    ['amount.currency', { amount: { minor: 100, currency: 'USD' } }],
    ['description', { description: 'coffee' }],
    ['expiresAt', { expiresAt: NOW }],
    ['metadata', { metadata: { table: '5' } }],
  ])('told again with another %s is a conflict that names it', (field, change) => {
    expect(registerOrder(registered(100), registration(100, change), NOW)).toEqual({ kind: 'conflict', field });
  });

  it('that agrees with what was paid flags nothing and raises no event', () => {
    const order = orderOf(fresh(), [paid('t1', 100)]);
    expect(created(order)).toMatchObject({ version: 2, sequence: 1, flags: [] });
  });

  it.each([
    ['less', [paid('t1', 40)], ['amount_mismatch', 'underpaid']],
    ['more', [paid('t1', 140)], ['amount_mismatch', 'overpaid']],
    ['another currency', [paid('t1', 0, { amount: { minor: 100, currency: 'USD' } })], ['currency_mismatch']],
    ['it after the expiry', [paid('t1', 100, { occurredAt: T0 + DAY + 1 })], ['late_payment']],
  ])('met by a payment of %s is flagged, with an event', (_, facts, flags) => {
    const order = created(orderOf(fresh(), facts), registration(100, { expiresAt: T0 + DAY }));
    expect(order).toMatchObject({ version: 2, sequence: 2, flags });
    expect(stateOf(order)).toBe('paid'); // payment.succeeded has left; it is never taken back
  });

  it('of the sum of two payments makes them one payment in two parts', () => {
    const twice = orderOf(fresh(), [paid('t1', 40), paid('t2', 60)]);
    expect(twice.flags).toEqual(['paid_twice']);
    expect(created(twice)).toMatchObject({ flags: [], sequence: twice.sequence });
  });

  it('of more than was paid lets the rest come, without a second payment.succeeded', () => {
    const short = created(orderOf(fresh(), [paid('t1', 40)]));
    const full = orderOf(short, [paid('t2', 60)]);
    expect(full.flags).toEqual(['amount_mismatch']);
    expect([stateOf(full), paidOf(full)]).toEqual(['paid', cny(100)]);
  });

  it('of an order without money compares nothing', () => {
    expect(created(orderOf(fresh(), [unpaid('closed')])).flags).toEqual([]);
    expect(created(orderOf(fresh(), [refund('r1', 40)])).flags).toEqual(['refund_before_payment']);
  });

  it('never changes what was paid or refunded, takes no event back, and flags once', () => {
    fc.assert(
      fc.property(anyFacts, fc.constantFrom(50, 100), (facts, minor) => {
        const before = orderOf(fresh(), facts);
        const after = created(before, registration(minor));
        const { payments, refunds, disputes, paymentState } = before;
        expect(after).toMatchObject({ payments, refunds, disputes, paymentState, version: before.version + 1 });
        const isNew = after.flags.some((flag) => !before.flags.includes(flag));
        expect(after.sequence).toBe(before.sequence + (isNew ? 1 : 0));
        expect(registerOrder(after, registration(minor), NOW + 1)).toEqual({ kind: 'same', order: after });
      }),
    );
  });
});
