// Does what trades should have moved equal what moved on the account? To the last digit, and from any line.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlowRow } from '../../src/core/bill.ts';
import { FIRST_CURSOR, type MoneySums } from '../../src/core/compare-tally.ts';
import { printDecimal } from '../../src/core/decimal.ts';
import { Comparison } from '../../src/core/reconcile-compare.ts';
import { type FlowTally, NO_FLOW, settle, Ties, tallyFlow, toMinor, type Untied } from '../../src/core/settlement.ts';
import { DAY, tradesOf } from '../fixtures/bills/trades.ts';
import { flowBill, tradeBill } from '../fixtures/bills/wechat.ts';
import { bytesOf, CNY, flowLayoutOf, readAll, tradesLayout } from './bill-kit.ts';

const trades = tradesOf(40);
const rules = {
  channel: 'shop',
  day: DAY,
  kind: 'trade',
  feeRate: null,
  test: false,
  now: 0,
  orderNoPattern: null,
  mayCreate: true,
} as const;
const bill = await readAll(bytesOf(tradeBill(trades)), { layout: tradesLayout() });
const flow = await readAll(bytesOf(flowBill(trades, 100_000, 50_000)), { layout: flowLayoutOf() });

function moneyOf(): Readonly<Record<string, MoneySums>> {
  const comparison = new Comparison({ ...rules, exclusive: false }, FIRST_CURSOR);
  comparison.take(1, bill.rows, new Map());
  return comparison.cursor.tally.money;
}

const tallied = (rows: readonly FlowRow[], chunk = 6, tally: FlowTally = NO_FLOW): FlowTally => {
  let next = tally;
  for (let from = 0; from < rows.length; from += chunk)
    next = tallyFlow(next, from + 1, rows.slice(from, from + chunk));
  return next;
};

describe('a day’s settlement', () => {
  it('is even where every trade and every fee moved the account once', () => {
    const [line, ...more] = settle(moneyOf(), tallied(flow.rows), { CNY: 100_000 });
    expect(more).toEqual([]);
    expect(line).toMatchObject({
      currency: 'CNY',
      difference: { units: 0 },
      balanceDifference: { units: 0 },
      overnightDifference: { units: 0 },
      brokenAt: null,
    });
    if (!line) throw new Error('no line');
    const { gross, refunds, fees, net, others, opening, closing } = line;
    expect(gross.units - refunds.units - fees.units).toBe(net.units);
    expect(printDecimal(others)).toBe('-500.00000');
    expect(printDecimal(opening ?? net)).toBe('1000.00000');
    expect((closing?.units ?? 0) - (opening?.units ?? 0)).toBe(net.units + others.units);
  });

  it('shows what is missing, to the fen', () => {
    const rows = flow.rows.filter((_, at) => at !== 2);
    const missing = flow.rows[2]?.amount.minor ?? 0;
    const [line] = settle(moneyOf(), tallied(rows));
    expect(line && toMinor(line.difference, 'CNY')).toBe(missing);
    expect(line).toMatchObject({ brokenAt: 3, overnightDifference: null });
    expect(line && toMinor(line.balanceDifference ?? line.net, 'CNY')).toBe(missing);
  });

  it('shows a balance that changed overnight', () => {
    const [line] = settle(moneyOf(), tallied(flow.rows), { CNY: 99_000 });
    expect(line && toMinor(line.overnightDifference ?? line.net, 'CNY')).toBe(1_000);
  });

  it('keeps fees finer than a fen, and rounds them only for people', () => {
    const money = { CNY: { gross: 100, refunded: 0, fee: 49_999 } };
    const [line] = settle(money, NO_FLOW);
    expect(line && printDecimal(line.net)).toBe('0.50001');
    expect([49_999, 50_000, 500, 499, -500, -499].map((units) => toMinor({ units, scale: 5 }, 'CNY'))).toEqual([
      50, 50, 1, 0, -1, 0,
    ]);
    expect(toMinor({ units: 150_000, scale: 5 }, 'JPY')).toBe(2);
  });

  it('has a line for each currency that either side names', () => {
    const row: FlowRow = { ...(flow.rows[0] as FlowRow), amount: { minor: 7, currency: 'USD' }, balance: null };
    const lines = settle({ JPY: { gross: 5, refunded: 0, fee: 0 } }, tallyFlow(NO_FLOW, 1, [row]));
    expect(lines.map(({ currency, opening, difference }) => [currency, opening, printDecimal(difference)])).toEqual([
      ['JPY', null, '5.00000'],
      ['USD', null, '-0.07000'],
    ]);
  });

  it('is the same from whatever line it goes on', () => {
    const whole = tallied(flow.rows);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: flow.rows.length }), fc.integer({ min: 1, max: 9 }), (stop, chunk) => {
        const kept: FlowTally = JSON.parse(JSON.stringify(tallied(flow.rows.slice(0, stop))));
        expect(tallied(flow.rows, chunk, kept)).toEqual(whole);
      }),
    );
  });
});

describe('lines of the account and trades', () => {
  const tie = (lines: readonly FlowRow[], rows = bill.rows) => {
    const untied = (parts: number) => {
      const ties = new Ties(parts);
      const found: Untied[] = [];
      while (ties.next()) {
        ties.addTrades(rows);
        found.push(...ties.tieFlow(1, lines), ...ties.tieTrades(1, rows));
      }
      return found;
    };
    // In however many parts the keys are held, the same is untied.
    const whole = untied(1);
    for (const parts of [2, 3, 7]) expect(untied(parts)).toEqual(whole);
    return whole;
  };

  it('tie by business number and amount; a payout ties to nothing and need not', () => {
    expect(tie(flow.rows)).toEqual([]);
  });

  it('tell a line without its trade, and a trade without its line', () => {
    const stranger: FlowRow = { ...(flow.rows[0] as FlowRow), businessNo: 'T9' };
    const found = tie([stranger, ...flow.rows.slice(1)]);
    expect(found).toMatchObject([
      { side: 'account', kind: 'payment', id: 'T9', minor: trades[0]?.fen },
      { side: 'bill', kind: 'payment', id: trades[0]?.transactionId, row: 1 },
    ]);
  });

  it('tell an amount that differs on both sides', () => {
    const other: FlowRow = { ...(flow.rows[0] as FlowRow), amount: CNY(99) };
    expect(tie([other, ...flow.rows.slice(1)]).map(({ side, minor }) => [side, minor])).toEqual([
      ['account', 99],
      ['bill', trades[0]?.fen],
    ]);
  });

  it('tie by order number where the account knows no other', () => {
    const byOrder = flow.rows.map((row) => {
      const trade = trades.find(({ transactionId, providerRefundId }) =>
        [transactionId, providerRefundId].includes(row.businessNo),
      );
      return { ...row, businessNo: '', orderNo: trade?.orderNo ?? null };
    });
    expect(tie(byOrder)).toEqual([]);
  });
});
