// Settles a day: what its trades should have moved beside what moved on the merchant's account, to the last digit, and
// each line tied to its trade. Keeps only the result, so that a restart begins this step anew and changes nothing.
import { dayAfter } from '../core/bill.ts';
import {
  billOf,
  coversDay,
  type Reconciliation,
  type RunBill,
  type UntiedCounts,
  withBill,
} from '../core/reconciliation.ts';
import { TIED_ROWS_AT_ONCE, UNTIED_GIVEN_MAX } from '../core/run-limits.ts';
import { type FlowTally, NO_FLOW, settle, Ties, tallyFlow, type Untied, type UntiedSum } from '../core/settlement.ts';
import { putUntied, readRun } from '../store/reconcile-runs.ts';
import type { ReconcileDesk, Step } from './reconcile-desk.ts';

export async function* settleStep(desk: ReconcileDesk): Step {
  const account = billOf(desk.run, 'fundflow');
  if (account?.state === 'checked') yield* goThrough(desk, account);
  desk.save((run) => ({ ...settled(desk, run), step: 'done' }));
}

/** With the sums of an earlier run's bill, where this one is not about it. A part of the day settles nothing. */
function settled(desk: ReconcileDesk, run: Reconciliation): Reconciliation {
  const trades = billOf(run, 'trade');
  const money = coversDay(trades) ? trades.tally?.money : undefined;
  const flow = billOf(run, 'fundflow')?.flow;
  if (money === undefined || flow == null) return { ...run, settlement: null };
  const before = readRun(desk.sql, dayAfter(run.day, -1));
  const closed = Object.entries((before && billOf(before, 'fundflow')?.flow?.money) ?? {}).flatMap(
    ([currency, { closing }]): [string, number][] => (closing === null ? [] : [[currency, closing]]),
  );
  return { ...run, settlement: settle(money, flow, Object.fromEntries(closed)) };
}

/** The account's bill alone for its sums; with the trades of the same run, to tie its lines. */
async function* goThrough(desk: ReconcileDesk, account: RunBill): Step {
  const trades = billOf(desk.run, 'trade');
  const isHere = coversDay(trades) && trades.state === 'done' && (trades.file !== null || trades.none);
  let flow: FlowTally = NO_FLOW;
  const untied = new Samples();
  const ties = isHere ? new Ties(Math.ceil(((trades.rows ?? 0) + (account.rows ?? 0)) / TIED_ROWS_AT_ONCE) || 1) : null;
  if (ties === null) {
    for await (const { from, rows } of desk.rowsOf(account, desk.flowLayout())) {
      flow = tallyFlow(flow, from, rows);
      yield { rows: rows.length, calls: 0 };
    }
  }
  while (ties?.next() && trades) {
    for await (const { rows } of desk.rowsOf(trades, desk.tradeLayout(trades))) {
      ties.addTrades(rows);
      yield { rows: rows.length, calls: 0 };
    }
    for await (const { from, rows } of desk.rowsOf(account, desk.flowLayout())) {
      flow = tallyFlow(flow, from, rows);
      untied.add(ties.tieFlow(from, rows));
      yield { rows: rows.length, calls: 0 };
    }
    for await (const { from, rows } of desk.rowsOf(trades, desk.tradeLayout(trades))) {
      untied.add(ties.tieTrades(from, rows));
      yield { rows: rows.length, calls: 0 };
    }
  }
  desk.storage.transactionSync(() => {
    putUntied(desk.sql, desk.day, untied.given);
    const counts = ties ? untied.counts : null;
    desk.save((run) => ({ ...withBill(run, 'fundflow', { state: 'done', flow, row: flow.row }), untied: counts }));
  });
}

/** All are counted and summed, and the first ones of each side kept. */
class Samples {
  readonly #counts = { bill: 0, account: 0 };
  readonly #sums = new Map<string, UntiedSum>();
  readonly given: Untied[] = [];

  get counts(): UntiedCounts {
    return { ...this.#counts, sums: [...this.#sums.values()] };
  }

  add(lines: readonly Untied[]): void {
    for (const line of lines) {
      const { side, kind, currency, minor } = line;
      const name = `${side} ${kind} ${currency}`;
      const sum = this.#sums.get(name) ?? { side, kind, currency, minor: 0, lines: 0 };
      this.#sums.set(name, { ...sum, minor: sum.minor + minor, lines: sum.lines + 1 });
      this.#counts[line.side] += 1;
      if (this.#counts[line.side] <= UNTIED_GIVEN_MAX) this.given.push(line);
    }
  }
}
