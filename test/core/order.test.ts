// The order: what facts make of it, whatever order they come in. Each rule of what the merchant receives has its test.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { factKey, type PaymentFact } from '../../src/core/event.ts';
import {
  disputeOf,
  FLAGS,
  PAYMENT_TABLE,
  PAYMENT_WORDS,
  type PaymentWord,
  paidAtOf,
  refundedOf,
  stateOf,
} from '../../src/core/order.ts';
import { applyFact } from '../../src/core/transition.ts';
import {
  anyFacts,
  anyStart,
  anyStory,
  cny,
  dispute,
  fresh,
  history,
  orderOf,
  paid,
  refund,
  registered,
  T0,
  truthOf,
  typesOf,
  unheard,
  unpaid,
} from './facts.ts';

const DAY = 86_400_000;

describe('the order in which facts arrive', () => {
  const shuffled = anyFacts.chain((facts) =>
    fc.tuple(fc.constant(facts), fc.shuffledSubarray(facts, { minLength: facts.length })),
  );

  it('does not change what is true in the end', () => {
    fc.assert(
      fc.property(anyStart, shuffled, (start, [one, other]) => {
        expect(truthOf(orderOf(start, other))).toEqual(truthOf(orderOf(start, one)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('is remembered by flags of the arrival alone', () => {
    expect(orderOf(fresh(), [unpaid('closed'), paid('t1', 100)]).flags).toEqual(['paid_after_close']);
    expect(orderOf(fresh(), [paid('t1', 100), unpaid('closed')]).flags).toEqual([]);
    expect(orderOf(fresh(), [refund('r1', 40), paid('t1', 100)]).flags).toEqual(['refund_before_payment']);
    expect(orderOf(fresh(), [paid('t1', 100), refund('r1', 40)]).flags).toEqual([]);
    const [good, bad] = [refund('r1', 40), refund('r1', 40, 'failed', { occurredAt: T0 + 1 })];
    expect(orderOf(fresh(), [paid('t1', 100), good, bad]).flags).toEqual(['refund_reversed']);
    expect(orderOf(fresh(), [paid('t1', 100), bad, good]).flags).toEqual([]);
  });
});

describe('a fact told twice', () => {
  it('has the same key, and changes nothing even where the key was missed', () => {
    fc.assert(
      fc.property(anyStart, anyStory, fc.nat(), (start, facts, pick) => {
        const order = orderOf(start, facts);
        const told = facts[pick % Math.max(1, facts.length)];
        if (!told) return;
        const steps = history(start, [...facts, told]);
        expect(steps.at(-1)).toEqual({ verdict: 'duplicate', type: null, order });
      }),
    );
    for (const fact of [paid('t1', 100), refund('r1', 40), dispute('d1', 'open'), unpaid('closed')]) {
      const order = orderOf(fresh(), [fact]);
      expect(applyFact(order, fact, 'query', T0 + DAY)).toEqual({ verdict: 'stale', type: null, order });
    }
  });
});

describe('every change', () => {
  it('raises version and sequence by one and carries one event; what is stale changes nothing', () => {
    fc.assert(
      fc.property(anyStart, anyStory, (start, facts) => {
        let before = start;
        for (const { verdict, type, order } of history(start, facts)) {
          const news = verdict === 'applied' || verdict === 'odd' ? 1 : 0;
          expect(order.version - before.version).toBe(news);
          expect(order.sequence - before.sequence).toBe(news);
          if (news === 0) expect(unheard(order)).toEqual(unheard(before));
          expect(type === null).toBe(news === 0);
          before = order;
        }
      }),
    );
  });

  it('keeps flags in their one order, each once', () => {
    fc.assert(
      fc.property(anyStart, anyStory, (start, facts) => {
        const { flags } = orderOf(start, facts);
        expect(flags).toEqual(FLAGS.filter((flag) => flags.includes(flag)));
      }),
    );
  });
});

describe('payment.succeeded', () => {
  it('leaves at most once, and only when distinct payments cover the registered amount in its currency', () => {
    fc.assert(
      fc.property(anyStart, anyStory, (start, facts) => {
        const told = history(start, facts).filter((step) => step.type === 'payment.succeeded');
        expect(told.length).toBeLessThanOrEqual(1);
        const due = start.registration?.amount;
        for (const { order } of told) {
          const counted = new Map(order.payments.map((one) => [one.transactionId, one.amount]));
          const sum = [...counted.values()]
            .filter(({ currency }) => due === undefined || currency === due.currency)
            .reduce((total, { minor }) => total + minor, 0);
          expect(sum).toBeGreaterThanOrEqual(due?.minor ?? 1);
          expect(stateOf(order)).not.toMatch(/pending|failed|closed/);
        }
        expect(told.length === 1).toBe(orderOf(start, facts).paymentState === 'paid');
      }),
      { numRuns: 500 },
    );
  });

  it('leaves at once where no amount is registered', () => {
    expect(typesOf(fresh(), [paid('t1', 1)])).toEqual(['payment.succeeded']);
  });

  it.each([
    ['a part, then the rest', [paid('t1', 40), paid('t2', 60)], ['payment.pending', 'payment.succeeded'], []],
    ['a part', [paid('t1', 40)], ['payment.pending'], ['underpaid']],
    ['too much', [paid('t1', 150)], ['payment.succeeded'], ['overpaid']],
    [
      'a second transaction',
      [paid('t1', 100), paid('t2', 100)],
      ['payment.succeeded', 'order.flagged'],
      ['overpaid', 'paid_twice'],
    ],
    [
      'another currency',
      [paid('t1', 0, { amount: { minor: 100, currency: 'USD' } })],
      ['order.flagged'],
      ['currency_mismatch'],
    ],
    [
      'money after the close',
      [unpaid('closed'), paid('t1', 100)],
      ['payment.closed', 'payment.succeeded'],
      ['paid_after_close'],
    ],
    ['success after failure', [unpaid('failed'), paid('t1', 100)], ['payment.failed', 'payment.succeeded'], []],
    [
      'money after the expiry',
      [paid('t1', 100, { occurredAt: T0 + DAY + 1 })],
      ['payment.succeeded'],
      ['late_payment'],
    ],
    ['money at the expiry', [paid('t1', 100, { occurredAt: T0 + DAY })], ['payment.succeeded'], []],
    ['no transaction id', [paid('', 100, { transactionId: null })], ['order.flagged'], ['incomplete']],
    ['no amount', [paid('t1', 0, { amount: null })], ['order.flagged'], ['incomplete']],
    [
      'what was incomplete at first',
      [paid('t1', 0, { amount: null }), paid('t1', 100)],
      ['order.flagged', 'payment.succeeded'],
      [],
    ],
    [
      'the same transaction with another amount',
      [paid('t1', 100), paid('t1', 90)],
      ['payment.succeeded', 'order.flagged'],
      ['provider_disagrees'],
    ],
  ])('or not, by %s', (_, facts, types, flags) => {
    const start = registered(100, { expiresAt: T0 + DAY });
    expect(typesOf(start, facts)).toEqual(types);
    expect(orderOf(start, facts).flags).toEqual(flags);
  });

  it('names the payment that completed the amount as the time of payment', () => {
    const [first, last] = [paid('t1', 40, { occurredAt: T0 + 5 }), paid('t2', 60, { occurredAt: T0 + 9 })];
    expect(paidAtOf(orderOf(registered(100), [first]))).toBeNull();
    expect(paidAtOf(orderOf(registered(100), [last, first]))).toBe(T0 + 9);
    expect(paidAtOf(orderOf(fresh(), [last, first]))).toBe(T0 + 5);
  });
});

describe('what the provider finds odd', () => {
  it('about a payment stays with the order, whatever comes after', () => {
    const facts = [paid('t1', 100, { flags: ['overpaid', 'risk_review'] }), refund('r1', 5, 'pending')];
    expect(typesOf(fresh(), facts)).toEqual(['payment.succeeded', 'refund.pending']);
    expect(history(fresh(), facts).map(({ order }) => order.flags)).toEqual([
      ['overpaid', 'risk_review'],
      ['overpaid', 'risk_review'],
    ]);
  });

  it('before it was paid goes when it is paid', () => {
    const part = unpaid('pending', { flags: ['underpaid'] });
    expect(orderOf(fresh(), [part, dispute('d1', 'open')]).flags).toEqual(['underpaid']);
    expect(orderOf(fresh(), [part, paid('t1', 100)]).flags).toEqual([]);
    expect(orderOf(fresh(), [paid('t1', 100), part]).flags).toEqual([]);
  });

  it('about an order that does not move is an event of its own, once', () => {
    const late = unpaid('pending', { flags: ['underpaid'] });
    expect(typesOf(fresh(), [unpaid('closed'), late])).toEqual(['payment.closed', 'order.flagged']);
    const order = orderOf(fresh(), [unpaid('closed'), late]);
    expect([stateOf(order), order.flags]).toEqual(['closed', ['underpaid']]);
    expect(applyFact(order, late, 'query', T0)).toEqual({ verdict: 'stale', type: null, order });
  });
});

describe('a final state', () => {
  const STATES = ['pending', 'failed', 'closed', 'paid'] as const;
  // Registered for 100 CNY, and reached by a first transaction where there is money.
  const reach = (state: (typeof STATES)[number]) =>
    orderOf(registered(100), state === 'pending' ? [] : [state === 'paid' ? paid('t1', 100) : unpaid(state)]);
  const tellings: Readonly<Record<PaymentWord, PaymentFact>> = {
    pending: unpaid('pending', { transactionId: 'second' }),
    failed: unpaid('failed', { transactionId: 'second' }),
    closed: unpaid('closed', { transactionId: 'second' }),
    part: paid('t2', 40),
    foreign: paid('t2', 0, { amount: { minor: 100, currency: 'USD' } }),
    whole: paid('t2', 100),
  };

  // Written out once more, so that no slip of the table's goes unseen.
  it.each([
    ['pending', 'pending failed closed pending pending paid'],
    ['failed', 'failed failed closed failed failed paid'],
    ['closed', 'closed closed closed closed closed paid'],
    ['paid', 'paid paid paid paid paid paid'],
  ] as const)('%s is left only as the table says', (from, ends) => {
    const steps = PAYMENT_WORDS.map((word) => applyFact(reach(from), tellings[word], 'callback', T0));
    expect(steps.map(({ order }) => order.paymentState).join(' ')).toBe(ends);
    const types = steps.map(({ type }) => (type === null ? 'stale' : type === 'order.flagged' ? 'flagged' : type));
    expect(types).toEqual(PAYMENT_TABLE[from]);
  });

  it('of payment is never left for pending, failed or closed', () => {
    fc.assert(
      fc.property(anyStart, anyStory, (start, facts) => {
        const states = history(start, facts).map(({ order }) => order.paymentState);
        const paidAt = states.indexOf('paid');
        if (paidAt >= 0) expect(new Set(states.slice(paidAt))).toEqual(new Set(['paid']));
        const closedAt = states.indexOf('closed');
        if (closedAt >= 0) expect(states.slice(closedAt)).not.toContain('failed');
        if (closedAt >= 0) expect(states.slice(closedAt)).not.toContain('pending');
      }),
    );
  });

  it('of payment is not even touched by a late word', () => {
    const order = orderOf(fresh(), [paid('t1', 100)]);
    for (const status of ['pending', 'failed', 'closed'] as const) {
      expect(applyFact(order, unpaid(status, { test: true }), 'query', T0 + 1)).toEqual({
        verdict: 'stale',
        type: null,
        order,
      });
    }
  });
});

describe('a refund', () => {
  const sold = orderOf(registered(100), [paid('t1', 100)]);

  it('moves the order to partially_refunded and refunded, and back when it is reversed', () => {
    const facts = [refund('r1', 40), refund('r2', 60), refund('r2', 60, 'failed', { occurredAt: T0 + 1 })];
    const steps = history(sold, facts);
    expect(steps.map(({ order }) => stateOf(order))).toEqual(['partially_refunded', 'refunded', 'partially_refunded']);
    expect(steps.map(({ type }) => type)).toEqual(['refund.succeeded', 'refund.succeeded', 'refund.failed']);
    expect(steps.map(({ order }) => order.flags)).toEqual([[], [], ['refund_reversed']]);
    expect(refundedOf(orderOf(sold, facts))).toEqual(cny(40));
  });

  it('of the same amount a second time is another refund, by its number', () => {
    expect(refundedOf(orderOf(sold, [refund('r1', 30), refund('r2', 30)]))).toEqual(cny(60));
  });

  it('that is pending or failed refunds nothing', () => {
    const order = orderOf(sold, [refund('r1', 40, 'pending'), refund('r2', 40, 'failed')]);
    expect([stateOf(order), refundedOf(order)]).toEqual(['paid', cny(0)]);
    expect(typesOf(sold, [refund('r1', 40, 'pending'), refund('r2', 40, 'failed')])).toEqual([
      'refund.pending',
      'refund.failed',
    ]);
  });

  it('that is stuck is flagged and never called failed; when it succeeds the flag goes', () => {
    const stuck = refund('r1', 40, 'needs_attention');
    const [flagged, done] = history(sold, [stuck, refund('r1', 40, 'succeeded', { occurredAt: T0 + 1 })]);
    expect([flagged?.type, flagged?.verdict, flagged?.order.flags]).toEqual([
      'order.flagged',
      'odd',
      ['refund_abnormal'],
    ]);
    expect(flagged && stateOf(flagged.order)).toBe('paid');
    expect([done?.type, done?.order.flags, done?.order.refunds[0]?.state]).toEqual([
      'refund.succeeded',
      [],
      'succeeded',
    ]);
    expect(typesOf(sold, [refund('r1', 40), stuck])).toEqual(['refund.succeeded', null]);
  });

  it('over the payment is flagged instead of told as a refund', () => {
    const [fine, over] = history(sold, [refund('r1', 60), refund('r2', 60)]);
    expect([fine?.type, over?.type, over?.order.flags]).toEqual([
      'refund.succeeded',
      'order.flagged',
      ['refund_exceeds_payment'],
    ]);
    expect(over && stateOf(over.order)).toBe('refunded');
  });

  it('over the payment that fails is told as failed, and one that only began as pending', () => {
    const facts = [refund('r1', 80), refund('r2', 80), refund('r3', 5, 'pending'), refund('r4', 5, 'failed')];
    expect(typesOf(sold, facts)).toEqual(['refund.succeeded', 'order.flagged', 'refund.pending', 'refund.failed']);
  });

  it('before its payment is told, flagged, and counted once the payment comes', () => {
    const [early, late] = history(registered(100), [refund('r1', 40), paid('t1', 100)]);
    expect([early?.type, early?.verdict, early && stateOf(early.order)]).toEqual([
      'refund.succeeded',
      'odd',
      'pending',
    ]);
    expect([late?.type, late && stateOf(late.order)]).toEqual(['payment.succeeded', 'partially_refunded']);
    expect(late?.order.flags).toEqual(['refund_before_payment']);
  });

  it('of a part payment is a refund like any other', () => {
    const order = orderOf(registered(100), [paid('t1', 40), refund('r1', 40)]);
    expect([stateOf(order), order.flags]).toEqual(['pending', ['underpaid']]);
  });

  it('in another currency is flagged and never summed', () => {
    const order = orderOf(sold, [refund('r1', 0, 'succeeded', { amount: { minor: 40, currency: 'USD' } })]);
    expect([stateOf(order), refundedOf(order), order.flags]).toEqual(['paid', cny(0), ['currency_mismatch']]);
  });

  it('told with another amount is flagged; the later word stands', () => {
    const later = refund('r1', 30, 'succeeded', { occurredAt: T0 + 1 });
    expect(typesOf(sold, [refund('r1', 40), later])).toEqual(['refund.succeeded', 'order.flagged']);
    expect(refundedOf(orderOf(sold, [refund('r1', 40), later]))).toEqual(cny(30));
    expect(refundedOf(orderOf(sold, [later, refund('r1', 40)]))).toEqual(cny(30));
    expect(orderOf(sold, [later, refund('r1', 40)]).flags).toEqual(['provider_disagrees']);
  });
});

describe('the newest word', () => {
  const sold = orderOf(registered(100), [paid('t1', 100)]);
  const at = (day: number) => ({ occurredAt: T0 + day * DAY });

  it('about a refund stands, though it was said before', () => {
    const good = (day: number) => refund('r1', 40, 'succeeded', at(day));
    const bad = (day: number) => refund('r1', 40, 'failed', at(day));
    expect(typesOf(sold, [good(0), good(2), bad(1)])).toEqual(['refund.succeeded', null, null]);
    expect(typesOf(sold, [bad(0), bad(2), good(1)])).toEqual(['refund.failed', null, null]);
    expect(typesOf(sold, [good(0), bad(1), good(1)])).toEqual([
      'refund.succeeded',
      'refund.failed',
      'refund.succeeded',
    ]);
    expect(typesOf(sold, [good(0), good(2), bad(1), bad(3), good(3), good(3)])).toEqual([
      ...['refund.succeeded', null, null, 'refund.failed', 'refund.succeeded', null],
    ]);
  });

  it('about a refund’s amount stands, though it was said before', () => {
    const told = (minor: number, day: number) => refund('r1', minor, 'succeeded', at(day));
    expect(refundedOf(orderOf(sold, [told(40, 0), told(30, 1), told(40, 2), told(30, 1)]))).toEqual(cny(40));
    expect(refundedOf(orderOf(sold, [told(40, 0), told(40, 2), told(30, 1)]))).toEqual(cny(40));
  });

  it('about a dispute stands, though it was said before', () => {
    const won = (day: number) => dispute('d1', 'won', at(day));
    const lost = (day: number) => dispute('d1', 'lost', at(day));
    expect(typesOf(sold, [won(0), won(2), lost(1)])).toEqual(['dispute.won', null, null]);
    expect(typesOf(sold, [lost(0), won(1), lost(2), lost(2)])).toEqual([
      ...['dispute.lost', 'dispute.won', 'dispute.lost', null],
    ]);
  });

  it('about several disputes makes one of them the one that matters, and tells so', () => {
    const facts = [dispute('d1', 'won', at(0)), dispute('d2', 'lost', at(1)), dispute('d1', 'won', at(2))];
    expect(typesOf(sold, facts)).toEqual(['dispute.won', 'dispute.lost', 'dispute.won']);
    expect(disputeOf(orderOf(sold, facts))).toBe('won');
  });
});

describe('a dispute', () => {
  const sold = orderOf(fresh(), [paid('t1', 100)]);

  it('is a field of its own and leaves the state alone', () => {
    const facts = [dispute('d1', 'open'), dispute('d1', 'lost', { occurredAt: T0 + 1 })];
    const steps = history(sold, facts);
    expect(steps.map(({ type }) => type)).toEqual(['dispute.opened', 'dispute.lost']);
    expect(steps.map(({ order }) => [stateOf(order), disputeOf(order)])).toEqual([
      ['paid', 'open'],
      ['paid', 'lost'],
    ]);
    expect(disputeOf(sold)).toBeNull();
  });

  it('that is decided is not opened again; of two decisions the later stands', () => {
    const won = dispute('d1', 'won', { occurredAt: T0 + 5 });
    const late = dispute('d1', 'open', { occurredAt: T0 + 9 });
    expect(typesOf(sold, [won, late, dispute('d1', 'lost', { occurredAt: T0 + 1 })])).toEqual([
      'dispute.won',
      null,
      null,
    ]);
    expect(disputeOf(orderOf(sold, [won, dispute('d1', 'lost', { occurredAt: T0 + 6 })]))).toBe('lost');
  });

  it('that is still open counts before one that was decided', () => {
    const facts = [dispute('d1', 'open'), dispute('d2', 'won', { occurredAt: T0 + 5 })];
    expect(disputeOf(orderOf(sold, facts))).toBe('open');
  });

  it('told with another amount is flagged', () => {
    const order = orderOf(sold, [
      dispute('d1', 'open'),
      dispute('d1', 'open', { amount: cny(99), occurredAt: T0 + 1 }),
    ]);
    expect([order.flags, order.disputes[0]?.amount]).toEqual([['provider_disagrees'], cny(99)]);
  });
});

describe('the payer', () => {
  const payer = { id: 'o1', idType: 'openid' };

  it('is whoever the first telling payment names, and by which source', () => {
    const [first] = history(fresh(), [paid('t1', 100, { payer, attach: 'a' })], 'query');
    expect(first?.order).toMatchObject({ payer, payerSource: 'query', attach: 'a' });
    const later = orderOf(fresh(), [paid('t1', 100), paid('t2', 1, { payer }), paid('t3', 1, { payer: { id: 'o2' } })]);
    expect(later).toMatchObject({ payer, payerSource: 'callback' });
  });

  it('may be unknown', () => {
    expect(orderOf(fresh(), [paid('t1', 100)])).toMatchObject({ payer: null, payerSource: null, attach: null });
  });
});

describe('keys of a story', () => {
  it('tell every fact of it apart', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const keys = facts.map((fact) => `${factKey(fact)} ${fact.occurredAt}`);
        expect(new Set(keys).size).toBe(facts.length);
      }),
    );
  });
});
