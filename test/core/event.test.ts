// The key of a fact: equal for two reports of the same fact, different for two facts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factKey, type PaymentEvent, readFactKey } from '../../src/core/event.ts';
import { cny, dispute, paid, refund, T0 } from './facts.ts';

// Merchants may put these into their own numbers.
const id = fc.string({ unit: fc.constantFrom('a', '|', 'succeeded', '1', '@', '*'), minLength: 1, maxLength: 4 });
const money = fc.record({ minor: fc.nat(120), currency: fc.constantFrom('CNY', 'USD') });

const anyFact: fc.Arbitrary<PaymentEvent> = fc.oneof(
  fc
    .record({ id, amount: fc.option(money), status: fc.constantFrom('pending', 'succeeded', 'failed', 'closed') })
    .map(({ id, amount, status }) => paid(id, 0, { amount, status })),
  fc
    .record({ id, amount: money, state: fc.constantFrom('pending', 'succeeded', 'failed', 'needs_attention') })
    .map(({ id, amount, state }) => refund(id, 0, state, { amount })),
  fc
    .record({ id, amount: fc.option(money), state: fc.constantFrom('open', 'won', 'lost') })
    .map(({ id, amount, state }) => dispute(id, state, { amount })),
);

/** What makes a fact that fact, in another form than the key's. */
const essence = (fact: PaymentEvent) => {
  const amount = fact.amount && [fact.amount.minor, fact.amount.currency];
  switch (fact.kind) {
    case 'payment':
      return JSON.stringify([fact.kind, fact.transactionId, fact.status, amount]);
    case 'refund':
      return JSON.stringify([fact.kind, fact.refundNo, fact.state, amount]);
    case 'dispute':
      return JSON.stringify([fact.kind, fact.disputeId, fact.state, amount]);
  }
};

describe('two facts', () => {
  it('have the same key exactly when they are the same fact', () => {
    fc.assert(
      fc.property(anyFact, anyFact, (a, b) => {
        expect(factKey(a) === factKey(b)).toBe(essence(a) === essence(b));
      }),
      { numRuns: 3_000 },
    );
  });

  it('are the same whatever else the reports say', () => {
    const told = paid('t1', 100, { payer: { id: 'o1' }, attach: 'x', method: 'wallet', bank: 'CMB' });
    const again = paid('t1', 100, { occurredAt: T0 + 1, providerState: 'TRADE_SUCCESS', test: true });
    expect(factKey(told)).toBe(factKey(again));
    const asked = refund('r1', 40, 'succeeded', { reason: 'tea was cold', providerRefundId: null, occurredAt: T0 + 9 });
    expect(factKey(asked)).toBe(factKey(refund('r1', 40)));
  });

  it('are not the same in another state: a pending notice cannot mask the success', () => {
    expect(factKey(paid('t1', 100, { status: 'pending' }))).not.toBe(factKey(paid('t1', 100)));
    expect(factKey(refund('r1', 40, 'pending'))).not.toBe(factKey(refund('r1', 40)));
  });

  it('are not the same under another number: a second partial refund is no duplicate', () => {
    expect(factKey(refund('r1', 40))).not.toBe(factKey(refund('r2', 40)));
  });

  it('are not the same with another amount or currency', () => {
    expect(factKey(paid('t1', 100))).not.toBe(factKey(paid('t1', 101)));
    expect(factKey(paid('t1', 100))).not.toBe(factKey(paid('t1', 0, { amount: { ...cny(100), currency: 'USD' } })));
  });
});

describe('a key, read for people', () => {
  it('gives back the id and the amount, whatever the id looks like, and after a refund came back', () => {
    fc.assert(
      fc.property(anyFact, fc.boolean(), (fact, isBack) => {
        const key = factKey(fact) + (isBack && fact.kind === 'refund' ? `|${T0}` : '');
        const id =
          fact.kind === 'payment' ? fact.transactionId : fact.kind === 'refund' ? fact.refundNo : fact.disputeId;
        expect(readFactKey(key)).toEqual({ id, amount: fact.amount });
      }),
    );
  });

  it('gives back nothing where it is none', () => {
    expect(readFactKey('')).toEqual({ id: null, amount: null });
  });
});
