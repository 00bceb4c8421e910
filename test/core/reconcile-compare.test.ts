// A bill beside the ledger: what differs, what is repaired, what a person decides, and that stopping changes nothing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BillRow, dayEnd } from '../../src/core/bill.ts';
import { type CompareCursor, FIRST_CURSOR } from '../../src/core/compare-tally.ts';
import type { Difference } from '../../src/core/discrepancy.ts';
import { Comparison, type ComparisonRules, DIFFERENCES_GIVEN_MAX } from '../../src/core/reconcile-compare.ts';
import { DAY, DAY_START, type HeldOrder, ledgerOf, type Trade, tradesOf } from '../fixtures/bills/trades.ts';
import { CNY, rowOf } from './bill-kit.ts';

const NOW = dayEnd(DAY) + 11 * 3_600_000;
const rules: ComparisonRules = {
  channel: 'shop',
  day: DAY,
  kind: 'trade',
  exclusive: true,
  orderNoPattern: null,
  mayCreate: true,
  feeRate: null,
  test: false,
  now: NOW,
};

const trades = tradesOf(30);
const rows = trades.map((trade) => rowOf(trade));
const ledger = ledgerOf(trades);

/** One pass over a bill, in chunks of this size; `stopAfter` chunks it stops, and its cursor tells where. */
function compare(
  bill: readonly BillRow[],
  orders: ReadonlyMap<string, HeldOrder>,
  given: Partial<ComparisonRules> = {},
  { cursor = FIRST_CURSOR, chunk = 7, stopAfter = Number.POSITIVE_INFINITY }: Partial<Pass> = {},
) {
  const comparison = new Comparison({ ...rules, ...given }, cursor);
  const differences: Difference[] = [];
  const cleared: string[] = [];
  for (let from = 0, taken = 0; from < bill.length; from += chunk, taken++) {
    if (taken >= stopAfter) return { differences, cleared, cursor: comparison.cursor };
    const part = bill.slice(from, from + chunk);
    const wanted = comparison.wants(from + 1, part);
    const known = new Map([...orders].filter(([orderNo]) => wanted.includes(orderNo)));
    const found = comparison.take(from + 1, part, known);
    differences.push(...found.differences);
    cleared.push(...found.cleared);
  }
  comparison.endBill();
  differences.push(...comparison.absent([...orders.values()]));
  return { differences, cleared, cursor: comparison.cursor };
}
type Pass = { cursor: CompareCursor; chunk: number; stopAfter: number };

const kinds = (differences: readonly Difference[]) => differences.map(({ kind }) => kind);
const without = (orders: ReadonlyMap<string, HeldOrder>, orderNo: string) =>
  new Map([...orders].filter(([known]) => known !== orderNo));
const withOrder = (change: (order: HeldOrder) => HeldOrder, at = 0) => {
  const orderNo = trades[at]?.orderNo ?? '';
  const order = ledger.get(orderNo);
  if (!order) throw new Error('no such order');
  return new Map([...ledger, [orderNo, change(order)]]);
};
const payment = (order: HeldOrder, changes: object) => ({
  ...order,
  payments: order.payments.map((one) => ({ ...one, ...changes })),
});
const refund = (order: HeldOrder, changes: object) => ({
  ...order,
  refunds: order.refunds.map((one) => ({ ...one, ...changes })),
});

describe('a bill that says what the ledger says', () => {
  it('differs in nothing, and its sums are those of the trades', () => {
    const { differences, cleared, cursor } = compare(rows, ledger);
    expect({ differences, cleared }).toEqual({ differences: [], cleared: [] });
    const sum = (kind: Trade['kind']) =>
      trades.filter((trade) => trade.kind === kind).reduce((total, { fen }) => total + fen, 0);
    expect(cursor).toMatchObject({ row: 30, isBillDone: true, tally: { rows: 30, matched: 30, outside: 0 } });
    expect(cursor.tally.money.CNY).toMatchObject({ gross: sum('payment'), refunded: sum('refund') });
  });
});

describe('a payment that the ledger has not', () => {
  const [first = rowOf(trades[0] as Trade)] = rows; // the first is there
  const orders = without(ledger, first.orderNo ?? '');

  it('is told to the ledger where the account is exclusive, with the bill’s own time and amount', () => {
    const { differences, cursor } = compare(rows, orders);
    expect(kinds(differences)).toEqual(['missing_here']);
    expect(differences[0]).toMatchObject({ row: 1, orderNo: first.orderNo, about: 'payment' });
    expect(differences[0]?.repair).toEqual({
      kind: 'payment',
      orderNo: first.orderNo,
      occurredAt: DAY_START,
      providerState: 'PAID',
      test: false,
      status: 'succeeded',
      transactionId: first.transactionId,
      amount: first.amount,
      flags: ['late_payment'],
    });
    expect(cursor.tally).toMatchObject({ repaired: 1, matched: 29 });
  });

  it('is late when it is older than a day, and not before', () => {
    const flagsAt = (now: number) => {
      const fact = compare(rows, orders, { now }).differences[0]?.repair;
      return fact?.kind === 'payment' ? fact.flags : null;
    };
    expect(flagsAt(DAY_START + 24 * 3_600_000)).toBeUndefined();
    expect(flagsAt(DAY_START + 24 * 3_600_000 + 1)).toEqual(['late_payment']);
  });

  it('is told to the ledger where its number follows the pattern', () => {
    const { differences } = compare(rows, orders, { exclusive: false, orderNoPattern: 'A0000*' });
    expect(differences).toMatchObject([{ kind: 'missing_here', repair: { orderNo: first.orderNo } }]);
  });

  it('is another shop’s where its number does not follow the pattern: counted, and no discrepancy', () => {
    const { differences, cursor } = compare(rows, orders, { exclusive: false, orderNoPattern: 'B*' });
    expect({ differences, foreign: cursor.tally.foreign }).toEqual({ differences: [], foreign: 1 });
  });

  it('is unknown, and never a fact, where nobody said whose it is', () => {
    const { differences } = compare(rows, orders, { exclusive: false });
    expect(differences).toMatchObject([{ kind: 'unknown_here', repair: null }]);
  });

  it.each(['two words', '订单1', 'A'.repeat(65)])(
    'is for a person where no order can have its number: %s',
    (orderNo) => {
      const renamed = rows.map((row, at) => (at === 0 ? { ...row, orderNo } : row));
      expect(compare(renamed, orders).differences).toMatchObject([{ kind: 'missing_here', orderNo, repair: null }]);
    },
  );

  it('is another shop’s where its own columns say so, even on an exclusive account', () => {
    const strangers = rows.map((row, at) => (at === 0 ? { ...row, isStranger: true } : row));
    const { differences, cursor } = compare(strangers, orders);
    expect({ differences, foreign: cursor.tally.foreign }).toEqual({ differences: [], foreign: 1 });
  });

  it('is repaired without a pattern where the ledger knows the order and not this payment', () => {
    const unpaid = withOrder((order) => ({ ...order, payments: [] }));
    const { differences } = compare(rows, unpaid, { exclusive: false });
    expect(differences).toMatchObject([{ kind: 'missing_here', repair: { transactionId: first.transactionId } }]);
  });

  it('of nothing is never told, unless the order was registered with nothing to pay', () => {
    const free = rows.map((row, at) => (at === 0 ? { ...row, amount: CNY(0), settled: CNY(0) } : row));
    const found = (orders: typeof ledger) =>
      compare(free, orders).differences.filter(({ kind }) => kind === 'missing_here');
    expect(found(orders)).toMatchObject([{ repair: null, detail: expect.stringContaining('0.00') }]);
    const unpaid = (registered: object | null) => withOrder((order) => ({ ...order, payments: [], registered }));
    expect(found(unpaid(null))).toMatchObject([{ repair: null }]);
    expect(found(unpaid(CNY(1_000)))).toMatchObject([{ repair: null }]);
    expect(found(unpaid(CNY(0)))).toMatchObject([{ repair: { kind: 'payment', amount: CNY(0) } }]);
    const refunds = rows.map((row) => (row.kind === 'refund' ? { ...row, amount: CNY(0) } : row));
    const noRefunds = new Map([...ledger].map(([orderNo, order]) => [orderNo, { ...order, refunds: [] }]));
    const told = compare(refunds, noRefunds).differences.filter(({ about }) => about === 'refund');
    expect(told.length).toBeGreaterThan(0);
    expect(told.every(({ repair }) => repair === null)).toBe(true);
  });

  it('is left to a person where the bill names no order', () => {
    const nameless = rows.map((row, at) => (at === 0 ? { ...row, orderNo: null } : row));
    expect(compare(nameless, orders).differences).toMatchObject([{ kind: 'missing_here', repair: null }]);
  });
});

describe('a refund that the ledger has not, or has otherwise', () => {
  it.each([
    ['the provider’s number alone, and we hold ours', { refundNo: null }, { providerRefundId: null }],
    [
      'our number alone, and we hold the provider’s',
      { providerRefundId: null },
      { refundNo: 'P1', providerRefundId: 'P1' },
    ],
  ])('is not told again where the bill has %s', (_, told, held) => {
    const at = trades.findIndex(({ kind }) => kind === 'refund');
    const sold = trades.findIndex(({ orderNo }) => orderNo === trades[at]?.orderNo);
    const bill = rows.map((row, index) => (index === at ? { ...row, ...told } : row));
    const { differences } = compare(
      bill,
      withOrder((order) => refund(order, held), sold),
    );
    const [doubt] = differences.filter(({ about, kind }) => about === 'refund' && kind === 'missing_here');
    expect([doubt?.repair, doubt?.detail]).toEqual([null, expect.stringContaining('find out whether it is the same')]);
  });

  const at = 9;
  const trade = trades[at] as Trade; // a refund, by its place

  it('is told to the ledger', () => {
    const orders = withOrder((order) => ({ ...order, refunds: [] }), at);
    const [found, ...more] = compare(rows, orders).differences;
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      kind: 'missing_here',
      refundNo: trade.refundNo,
      repair: { kind: 'refund', state: 'succeeded', refundNo: trade.refundNo, amount: CNY(trade.fen) },
    });
  });

  it.each([
    ['pending', 'succeeded', ['state'], true],
    ['needs_attention', 'succeeded', ['state'], true],
    ['failed', 'succeeded', ['state'], true],
    ['pending', 'failed', ['state'], true],
    ['pending', 'needs_attention', ['state'], true],
    ['succeeded', 'failed', ['state'], false],
    ['succeeded', 'closed', ['state'], false],
    ['succeeded', 'needs_attention', ['state'], false],
    ['succeeded', 'pending', [], false],
    ['needs_attention', 'pending', [], false],
    ['failed', 'needs_attention', [], false],
  ] as const)('that we hold as %s and the bill as %s', (here, there, found, isRepaired) => {
    const orders = withOrder((order) => refund(order, { state: here }), at);
    const bill = rows.map((row, index) => (index === at ? { ...row, state: there } : row));
    const { differences } = compare(bill, orders);
    expect(kinds(differences)).toEqual(found);
    expect(differences.some(({ repair }) => repair !== null)).toBe(isRepaired);
  });

  it('of another amount is a person’s, whatever its state', () => {
    const orders = withOrder((order) => refund(order, { state: 'pending', amount: CNY(1) }), at);
    const { differences } = compare(rows, orders);
    expect(kinds(differences)).toEqual(['amount', 'state']);
    expect(differences.every(({ repair }) => repair === null)).toBe(true);
  });

  it('is known by the provider’s id where the numbers differ', () => {
    const orders = withOrder((order) => refund(order, { refundNo: 'other' }), at);
    expect(compare(rows, orders).differences).toEqual([]);
  });

  it('told by its total alone is known by its amount', () => {
    const changes = { refundNo: 'made-up', providerRefundId: null, cumulative: CNY(trade.fen) };
    const orders = withOrder((order) => refund(order, changes), at);
    expect(compare(rows, orders).differences).toEqual([]);
  });
});

describe('a payment that both have', () => {
  it('of another amount or another currency is a person’s', () => {
    expect(
      compare(
        rows,
        withOrder((order) => payment(order, { amount: CNY(1) })),
      ).differences,
    ).toMatchObject([{ kind: 'amount', repair: null, there: { amount: CNY(100) }, here: { amount: CNY(1) } }]);
    const dollars = withOrder((order) => payment(order, { amount: { minor: 100, currency: 'USD' } }));
    expect(kinds(compare(rows, dollars).differences)).toEqual(['currency']);
  });

  it('that the bill takes back is a person’s', () => {
    const bill = rows.map((row, at): BillRow => (at === 0 ? { ...row, kind: 'other', state: 'closed' } : row));
    const { differences } = compare([...bill, rowOf(trades[0] as Trade)], ledger); // the first is there
    expect(kinds(differences)).toEqual(['state']);
  });

  it('twice in the bill is a duplicate', () => {
    const { differences } = compare([...rows, ...rows.slice(0, 1)], ledger);
    expect(differences).toMatchObject([{ kind: 'duplicate', row: 31, repair: null }]);
  });

  it.each([
    ['its own rate', null, 2_000],
    ['the agreed rate', { units: 38, scale: 4 }, 1_999],
  ] as const)('with a fee a whole fen off %s is told', (_, feeRate, off) => {
    const order = 1; // 80.19 yuan at 0.60 %: 0.48114, at 0.38 %: 0.30472
    const exact = feeRate === null ? 48_114 : 30_472;
    const withFee = (units: number) =>
      rows
        .slice(0, 2)
        .map((row, at) =>
          at === order
            ? { ...row, amount: CNY(8_019), settled: CNY(8_019), fee: { units, scale: 5 } }
            : { ...row, fee: null },
        );
    const held = withOrder((one) => payment(one, { amount: CNY(8_019) }), order);
    expect(kinds(compare(withFee(exact + 999), held, { feeRate, now: DAY_START }).differences)).toEqual([]);
    expect(kinds(compare(withFee(exact + off), held, { feeRate, now: DAY_START }).differences)).toEqual(['fee']);
  });
});

describe('what the ledger has and the bill has not', () => {
  const rest = rows.slice(1);

  it('is missing there once the day is closed', () => {
    const { differences } = compare(rest, ledger);
    expect(differences).toMatchObject([{ kind: 'missing_there', orderNo: trades[0]?.orderNo, there: null }]);
  });

  it('is not missing before the day is over', () => {
    const { differences, cursor } = compare(rest, ledger, { now: dayEnd(DAY) - 1 });
    expect({ differences, unjudged: cursor.tally.unjudged }).toEqual({ differences: [], unjudged: 1 });
    expect(kinds(compare(rest, ledger, { now: dayEnd(DAY) }).differences)).toEqual(['missing_there']);
  });

  it('and happened a moment before or after the day is no matter of this bill', () => {
    for (const paidAt of [DAY_START - 1, dayEnd(DAY)]) {
      expect(
        compare(
          rest,
          withOrder((order) => payment(order, { paidAt })),
        ).differences,
      ).toEqual([]);
    }
    for (const paidAt of [DAY_START, dayEnd(DAY) - 1]) {
      expect(
        kinds(
          compare(
            rest,
            withOrder((order) => payment(order, { paidAt })),
          ).differences,
        ),
      ).toEqual(['missing_there']);
    }
  });

  it('is no matter of a bill of refunds alone', () => {
    const refunds = rows.filter(({ kind }) => kind === 'refund');
    expect(compare(refunds, ledger, { kind: 'refund' }).differences).toEqual([]);
  });

  it('and is a test is in no live bill', () => {
    expect(
      compare(
        rest,
        withOrder((order) => ({ ...order, test: true })),
      ).differences,
    ).toEqual([]);
  });

  it('is a refund of an older payment: its day may be an earlier one, so nobody judges it', () => {
    const bill = rows.toSpliced(9, 1);
    const old = withOrder((order) => payment(order, { paidAt: DAY_START - 1 }), 9);
    const { differences, cursor } = compare(bill.toSpliced(8, 1), old);
    expect({ differences, unjudged: cursor.tally.unjudged }).toEqual({ differences: [], unjudged: 1 });
    expect(compare(bill, ledger).differences).toMatchObject([{ kind: 'missing_there', about: 'refund' }]);
  });

  it('is found in the next day’s bill: what was missing there is cleared by its id', () => {
    const orders = withOrder((order) => payment(order, { paidAt: DAY_START - 1 }));
    const yesterday = '2026-02-28';
    const missed = compare([], orders, { day: yesterday }).differences;
    expect(missed).toMatchObject([{ kind: 'missing_there', day: yesterday }]);
    expect(compare(rows, orders).cleared).toEqual([missed[0]?.id]);
  });

  it('throws when it is asked before the bill came to its end', () => {
    expect(() => new Comparison(rules).absent([])).toThrow('read to its end');
  });
});

/** A bill and a ledger that differ in every way. */
const untidy = (): { bill: BillRow[]; orders: Map<string, HeldOrder> } => {
  const bill = rows.map((row, at): BillRow => {
    if (at % 11 === 3) return { ...row, amount: CNY(row.amount.minor + 1) };
    if (at % 13 === 4) return { ...row, amount: { ...row.amount, currency: 'USD' } };
    if (at % 9 === 2) return { ...row, fee: { units: 9_999_999, scale: 5 } };
    return row;
  });
  bill.push(...rows.slice(4, 6), rowOf({ ...(trades[0] as Trade), orderNo: 'X1', transactionId: 'T1' })); // 30 are
  const orders = new Map([...ledger].filter((_, at) => at % 5 !== 1));
  const later = tradesOf(34)
    .slice(30)
    .map((trade): Trade => ({ ...trade, at: DAY_START }));
  return { bill: bill.filter((_, at) => at % 7 !== 6), orders: new Map([...orders, ...ledgerOf(later)]) };
};

describe('a comparison that stops', () => {
  it('at any row and goes on finds what one finds that does not stop', () => {
    const { bill, orders } = untidy();
    const whole = compare(bill, orders, { exclusive: false, orderNoPattern: 'A*' });
    expect(new Set(kinds(whole.differences)).size).toBeGreaterThan(5);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 0, max: 40 }),
        fc.integer({ min: 1, max: 9 }),
        (a, stop, b) => {
          const given = { exclusive: false, orderNoPattern: 'A*' };
          const before = compare(bill, orders, given, { chunk: a, stopAfter: stop });
          const kept: CompareCursor = JSON.parse(JSON.stringify(before.cursor));
          if (before.cursor.isBillDone) return;
          const after = compare(bill, orders, given, { chunk: b, cursor: kept });
          expect([...before.differences, ...after.differences]).toEqual(whole.differences);
          expect(after.cursor).toEqual(whole.cursor);
        },
      ),
    );
  });

  it('before it could keep its cursor finds the same ids again, and no others', () => {
    const { bill, orders } = untidy();
    const ids = (differences: readonly Difference[]) => differences.map(({ id }) => id).sort();
    const twice = [compare(bill, orders), compare(bill, orders, { now: NOW + 86_400_000 })];
    expect(ids(twice[1]?.differences ?? [])).toEqual(ids(twice[0]?.differences ?? []));
  });

  it('after the ledger took the repairs finds nothing more to repair', () => {
    const [first] = rows;
    const orders = without(ledger, first?.orderNo ?? '');
    expect(kinds(compare(rows, orders).differences)).toEqual(['missing_here']);
    expect(compare(rows, ledger).differences).toEqual([]);
  });

  it('is not given rows out of their order', () => {
    const comparison = new Comparison(rules);
    expect(() => comparison.take(2, rows.slice(1, 2), new Map())).toThrow('Row 2 came after row 0');
  });
});

describe('more differences than a person reads', () => {
  const many = tradesOf(2_000).filter(({ kind }) => kind === 'payment');

  it('are counted, and given only so far', () => {
    const bill = many.map((trade) => rowOf(trade));
    const { differences, cursor } = compare(bill, new Map(), { exclusive: false });
    expect(differences).toHaveLength(DIFFERENCES_GIVEN_MAX);
    expect(cursor.tally.differences.unknown_here).toBe(many.length);
  });

  it('are all given where they repair something', () => {
    const { differences } = compare(
      many.map((trade) => rowOf(trade)),
      new Map(),
    );
    expect(differences).toHaveLength(many.length);
  });
});

describe('the id of a difference', () => {
  it('names channel, day, kind and thing, and two things never share one', () => {
    const { bill, orders } = untidy();
    const { differences } = compare(bill, orders);
    const things = differences.map(({ kind, about, row, orderNo, refundNo }) =>
      [kind, about, kind === 'duplicate' ? '' : row, orderNo, refundNo].join(),
    );
    expect(new Set(differences.map(({ id }) => id)).size).toBe(new Set(things).size);
    for (const { id } of differences) expect(id).toMatch(/^shop~2026-03-01~[a-z_]+~[A-Za-z0-9%_.-]+$/);
  });
});
