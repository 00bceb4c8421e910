// Refund requests: what is set aside, what frees it, and that no run of requests gives back more than was paid.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Order } from '../../src/core/order.ts';
import { dropRequest, paymentOfRequest, refundableOf, reserveRefund } from '../../src/core/refund-request.ts';
import { applyFact } from '../../src/core/transition.ts';
import { cny, fresh, orderOf, paid, refund, T0 } from './facts.ts';

const request = (refundNo: string, minor: number, change: object = {}) => ({
  refundNo,
  amount: cny(minor),
  reason: null,
  transactionId: null,
  requestedAt: T0,
  ...change,
});

function reserved(order: Order, refundNo: string, minor: number): Order {
  const reply = reserveRefund(order, request(refundNo, minor), T0);
  if (reply.kind !== 'reserved') throw new Error(reply.kind);
  return reply.order;
}

const tell = (order: Order, ...[no, minor, state]: Parameters<typeof refund>) =>
  applyFact(order, refund(no, minor, state), 'query', T0).order;

describe('a refund request', () => {
  const order = orderOf(fresh(), [paid('t1', 100)]);

  it('sets its amount aside, as a visible change', () => {
    const next = reserved(order, 'R1', 60);
    expect(next.version).toBe(order.version + 1);
    expect(refundableOf(next)).toEqual(cny(40));
  });

  it('is refused beyond what is left, and says what is', () => {
    const next = reserved(order, 'R1', 60);
    expect(reserveRefund(next, request('R2', 41), T0)).toEqual({ kind: 'exceeds', refundable: cny(40) });
    expect(reserveRefund(next, request('R2', 40), T0).kind).toBe('reserved');
  });

  it('in another currency than the order is refused', () => {
    const other = request('R1', 1, { amount: { minor: 1, currency: 'USD' } });
    expect(reserveRefund(order, other, T0).kind).toBe('exceeds');
  });

  it('gives back money of a currency that nobody asked for, in that currency and no more than came', () => {
    const usd = { minor: 20, currency: 'USD' };
    const mixed = orderOf(fresh(), [paid('t1', 100), paid('t2', 0, { amount: usd, occurredAt: T0 + 1 })]);
    expect(refundableOf(mixed)).toEqual(cny(100));
    expect(reserveRefund(mixed, request('R1', 0, { amount: { ...usd, minor: 21 } }), T0)).toEqual({
      kind: 'exceeds',
      refundable: usd,
    });
    const asked = reserveRefund(mixed, request('R1', 0, { amount: usd, transactionId: 't2' }), T0);
    if (asked.kind !== 'reserved') throw new Error(asked.kind);
    expect(refundableOf(asked.order)).toEqual(cny(100));
    expect(reserveRefund(asked.order, request('R2', 0, { amount: { ...usd, minor: 1 } }), T0).kind).toBe('exceeds');
  });

  it('of an order that nobody paid is refused', () => {
    expect(reserveRefund(fresh(), request('R1', 1), T0)).toEqual({ kind: 'not_paid' });
  });

  it('told again is the same, and with other data names what differs', () => {
    const next = reserved(order, 'R1', 60);
    expect(reserveRefund(next, request('R1', 60), T0 + 9)).toMatchObject({ kind: 'same', order: next });
    expect(reserveRefund(next, request('R1', 61), T0)).toEqual({ kind: 'conflict', field: 'amount' });
    expect(reserveRefund(next, request('R1', 60, { reason: 'x' }), T0)).toEqual({ kind: 'conflict', field: 'reason' });
  });

  it('names a payment of this order, or none', () => {
    const twice = orderOf(fresh(), [paid('t1', 100), paid('t2', 100, { occurredAt: T0 + 1 })]);
    const second = request('R1', 100, { transactionId: 't2' });
    expect(reserveRefund(twice, second, T0).kind).toBe('reserved');
    expect(paymentOfRequest(twice, second)?.transactionId).toBe('t2');
    expect(paymentOfRequest(twice, request('R1', 100))).toBeNull();
    expect(paymentOfRequest(order, request('R1', 100))?.transactionId).toBe('t1');
    expect(reserveRefund(order, request('R1', 1, { transactionId: 't9' }), T0)).toEqual({
      kind: 'conflict',
      field: 'transactionId',
    });
  });

  it('is taken over by the first fact of its refund, and counts once', () => {
    const pending = tell(reserved(order, 'R1', 60), 'R1', 60, 'pending');
    expect(pending.refundRequests).toEqual([]);
    expect(refundableOf(pending)).toEqual(cny(40));
    expect(refundableOf(tell(pending, 'R1', 60, 'needs_attention'))).toEqual(cny(40));
    expect(refundableOf(tell(pending, 'R1', 60, 'succeeded'))).toEqual(cny(40));
    expect(refundableOf(tell(pending, 'R1', 60, 'failed'))).toEqual(cny(100));
  });

  it('may not use the number of a refund that failed', () => {
    const failed = tell(order, 'R1', 60, 'failed');
    expect(reserveRefund(failed, request('R1', 60), T0)).toEqual({ kind: 'conflict', field: 'refundNo' });
  });

  it('of a refund made elsewhere under this number is the same', () => {
    const told = tell(order, 'R1', 60, 'pending');
    expect(reserveRefund(told, request('R1', 60), T0).kind).toBe('same');
    expect(reserveRefund(told, request('R1', 50), T0)).toEqual({ kind: 'conflict', field: 'amount' });
  });

  it('that the provider refused frees its amount', () => {
    const dropped = dropRequest(reserved(order, 'R1', 60), 'R1', T0);
    expect(refundableOf(dropped)).toEqual(cny(100));
    expect(dropRequest(dropped, 'R1', T0)).toBe(dropped);
  });

  it('never lets what is given back, set aside and pending together exceed what was paid', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('ask' as const), no: fc.nat(5), minor: fc.integer({ min: 1, max: 80 }) }),
      fc.record({ kind: fc.constant('drop' as const), no: fc.nat(5) }),
      fc.record({
        kind: fc.constant('tell' as const),
        no: fc.nat(5),
        state: fc.constantFrom('pending' as const, 'succeeded' as const, 'failed' as const, 'needs_attention' as const),
      }),
    );
    const sumOf = ({ refunds, refundRequests }: Order) =>
      [...refunds.filter(({ state }) => state !== 'failed'), ...refundRequests].reduce(
        (sum, { amount }) => sum + amount.minor,
        0,
      );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let now = order;
        const asked = new Map<string, number>();
        for (const one of steps) {
          const no = `R${one.no}`;
          if (one.kind === 'ask') {
            const reply = reserveRefund(now, request(no, one.minor), T0);
            if (reply.kind === 'reserved') asked.set(no, one.minor);
            if (reply.kind === 'reserved') now = reply.order;
          } else if (one.kind === 'drop') now = dropRequest(now, no, T0);
          // A provider tells of refunds that were asked for, and of no other.
          else if (now.refundRequests.some(({ refundNo }) => refundNo === no)) {
            now = tell(now, no, asked.get(no) ?? 0, one.state);
          }
          if (sumOf(now) > 100) throw new Error(`${sumOf(now)} of 100 given back`);
        }
        expect(sumOf(now) + (refundableOf(now)?.minor ?? 0)).toBe(100);
      }),
      { numRuns: 2_000 },
    );
  });
});
