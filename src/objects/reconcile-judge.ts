// Compares the rows of a bill with what the ledgers hold, and then what they hold with the bill. Every batch is one
// transaction: what was found, and how far it came; so that a kill at any line goes on from there.

import type { BillKind } from '../core/bill.ts';
import { dayEnd, dayStart } from '../core/bill.ts';
import { checkBill } from '../core/bill-stream.ts';
import { ledgerNameOf, shardNameOf } from '../core/channel.ts';
import type { LedgerOrder } from '../core/compare-rules.ts';
import { FIRST_CURSOR } from '../core/compare-tally.ts';
import { rateOf } from '../core/decimal.ts';
import { DIFFERENCE_KINDS } from '../core/discrepancy.ts';
import { PAGE_ITEMS_MAX } from '../core/limits.ts';
import { Comparison, DIFFERENCES_GIVEN_MAX, type Findings } from '../core/reconcile-compare.ts';
import { billOf, type Reconciliation, type RunBill, withBill } from '../core/reconciliation.ts';
import {
  BILL_AGAIN_MS_MAX,
  BILL_REFUSED_MAX,
  HELD_PAGE_MAX,
  HELD_PAGES_KEPT,
  LEARNT_AFTER_MS,
} from '../core/run-limits.ts';
import { newId } from '../record.ts';
import { keepDifferences, notFoundAgain, putDiscrepancy, readDiscrepancy } from '../store/reconcile-differences.ts';
import { dropFile } from '../store/reconcile-runs.ts';
import { type ReconcileDesk, type Step, tradeKinds } from './reconcile-desk.ts';

type TradeKind = Exclude<BillKind, 'fundflow'>;

/** Whole, unchanged, its sums right: nothing of a bill is believed before. */
export async function* checkStep(desk: ReconcileDesk): Step {
  const { day } = desk;
  for (const kind of desk.run.kinds) {
    const bill = billOf(desk.run, kind);
    if (bill?.state !== 'here') continue;
    const offsetMinutes = desk.offsetOf(bill);
    const zone = offsetMinutes === undefined ? {} : { offsetMinutes };
    const common = { day, ...zone, ...desk.checksumOf(bill) };
    const checked = bill.none
      ? ({ ok: true, value: { count: 0, outside: 0, totals: [] } } as const)
      : kind === 'fundflow'
        ? await checkBill(desk.bytesOf(bill), { layout: desk.flowLayout(), ...common })
        : await checkBill(desk.bytesOf(bill), { layout: desk.tradeLayout(bill), ...common });
    if (checked.ok) {
      const { count: rows, outside, totals } = checked.value;
      desk.save((run) => withBill(run, kind, { state: 'checked', rows, outside, totals }));
      yield { rows, calls: 0 };
      continue;
    }
    await refuse(desk, bill, checked.error.detail);
    yield { rows: 0, calls: 1 };
    if (kind !== 'fundflow') return;
  }
  desk.save((run) => ({ ...run, step: 'compare' }));
}

/** Without its trades a day is not judged; without the account's bill it is, and not settled. */
async function refuse(desk: ReconcileDesk, { kind, file, source }: RunBill, problem: string): Promise<void> {
  const { id } = desk.record.channel;
  const what = kind === 'fundflow' ? 'the account' : kind === 'refund' ? 'refunds' : 'trades';
  const whose = source === 'upload' ? 'that was uploaded' : 'of the provider';
  const bill = `The bill of ${what} of ${desk.day} ${whose} for ${id}`;
  const detail = `${bill} was refused, and nothing was judged by it. ${problem}`;
  await desk.tell('bill_refused', detail, 0);
  desk.save((run) => {
    if (file !== null) dropFile(desk.sql, file);
    const refused = withBill(run, kind, { state: 'refused', problem, file: null });
    if (kind === 'fundflow') return refused;
    const isTried = source === 'provider' && run.failures < BILL_REFUSED_MAX;
    const retryAt = isTried ? Date.now() + BILL_AGAIN_MS_MAX : null;
    const over = { finishedAt: Date.now(), retryAt, failures: run.failures + 1 };
    return { ...refused, state: 'refused', step: 'fetch', problem, ...over };
  });
}

/** Comparisons that remember their bill's rows; made again from its bytes where a restart forgot them. */
export type Comparisons = Map<TradeKind, Comparison>;

export async function* compareStep(desk: ReconcileDesk, known: Comparisons): Step {
  for (const kind of tradeKinds(desk.run)) {
    const bill = billOf(desk.run, kind);
    if (bill?.state !== 'checked') continue;
    yield* compare(desk, bill, known);
    desk.save((run) => withBill(run, kind, { state: 'compared' }));
  }
  desk.save((run) => ({ ...run, step: 'repair' }));
}

/** Goes through the bill; rows that were judged before are only remembered. */
async function* compare(desk: ReconcileDesk, bill: RunBill, known: Comparisons): Step {
  const comparison = newComparison(desk, bill);
  for await (const { from, rows } of desk.rowsOf(bill, desk.tradeLayout(bill))) {
    const wanted = comparison.wants(from, rows);
    const [orders, calls] = await lookUp(desk, wanted);
    const before = comparison.cursor.row;
    desk.storage.transactionSync(() => {
      const findings = comparison.take(from, rows, orders);
      if (comparison.cursor.row === before) return;
      keep(desk, bill.kind, findings);
      saveCursor(desk, bill.kind, comparison);
    });
    yield { rows: rows.length, calls };
  }
  comparison.endBill();
  saveCursor(desk, bill.kind, comparison);
  known.set(bill.kind as TradeKind, comparison); // only these are compared
}

function newComparison(desk: ReconcileDesk, { kind, row, tally, state, covers = 'all', ...bill }: RunBill): Comparison {
  const { id: channel, settings, environment, mode } = desk.record.channel;
  const { exclusive, orderNoPattern, feeRate } = settings;
  const offsetMinutes = desk.offsetOf(bill);
  const rules = {
    channel,
    day: desk.day,
    kind: kind as TradeKind, // only these are compared
    feeRate: feeRate === null ? null : rateOf(feeRate),
    now: Date.now(),
    exclusive,
    orderNoPattern,
    mayCreate: mode === 'open',
    test: environment === 'test',
    covers,
    ...(offsetMinutes === undefined ? {} : { offsetMinutes }),
  };
  const isBillDone = state === 'compared';
  return new Comparison(rules, tally === null ? FIRST_CURSOR : { row, isBillDone, tally });
}

function saveCursor(
  desk: ReconcileDesk,
  kind: BillKind,
  comparison: Comparison,
  absent: Reconciliation['absent'] = { shard: 0, seq: 0 },
): void {
  const { row, tally } = comparison.cursor;
  const well = { state: 'running', failures: 0, problem: null, absent } as const;
  desk.save((run) => withBill({ ...run, ...well }, kind, { row, tally }));
}

async function lookUp(
  { env, record }: ReconcileDesk,
  orderNos: readonly string[],
): Promise<[ReadonlyMap<string, LedgerOrder>, calls: number]> {
  const shards = Map.groupBy(orderNos, (orderNo) => ledgerNameOf(record.channel, orderNo));
  const found = await Promise.all([...shards].map(([name, some]) => env.LEDGER.getByName(name).readOrdersFor(some)));
  return [new Map(found.flat().map((order) => [order.orderNo, order])), shards.size];
}

function keep(desk: ReconcileDesk, bill: BillKind, { differences, cleared }: Findings): void {
  const { runs } = desk.run;
  const now = Date.now();
  keepDifferences(desk.sql, differences, { bill, run: runs, now, newEventId: () => newId('evt') });
  for (const id of cleared) {
    const known = readDiscrepancy(desk.sql, id);
    if (known?.status !== 'open') continue;
    const note = `The bill of ${desk.day} has it.`;
    putDiscrepancy(desk.sql, { ...known, status: 'fixed', note, updatedAt: now }, now);
  }
}

/** What the ledgers hold of the day and the bill has not, shard by shard and page by page. */
export async function* absentStep(desk: ReconcileDesk, known: Comparisons): Step {
  for (const kind of tradeKinds(desk.run)) {
    const bill = billOf(desk.run, kind);
    if (bill?.state !== 'compared') continue;
    const comparison = known.get(kind) ?? (yield* remembered(desk, bill));
    yield* findAbsent(desk, bill, comparison);
    yield* fixGone(desk, kind, comparison);
    desk.save((run) => ({ ...withBill(run, kind, { state: 'done' }), absent: { shard: 0, seq: 0 } }));
  }
  desk.save((run) => ({ ...run, step: 'settle' }));
}

async function* remembered(
  desk: ReconcileDesk,
  bill: RunBill,
): AsyncGenerator<{ rows: number; calls: number }, Comparison> {
  const comparison = newComparison(desk, bill);
  for await (const { from, rows } of desk.rowsOf(bill, desk.tradeLayout(bill))) {
    comparison.take(from, rows, new Map());
    yield { rows: rows.length, calls: 0 };
  }
  return comparison;
}

async function* findAbsent(desk: ReconcileDesk, bill: RunBill, comparison: Comparison): Step {
  const { env, day } = desk;
  const { channel } = desk.record;
  const offset = desk.offsetOf(bill);
  const [from, until] = [dayStart(day, offset), dayEnd(day, offset)];
  const time = { learntFrom: from - 3_600_000, learntUntil: until + LEARNT_AFTER_MS, from, until };
  let { shard, seq: after } = desk.run.absent;
  for (let page = 1; shard < channel.shards; page++) {
    const ledger = env.LEDGER.getByName(shardNameOf(channel, shard));
    const { orders, next } = await ledger.readHeld({ v: 1, ...time, after, limit: HELD_PAGE_MAX });
    const differences = comparison.absent(orders);
    [shard, after] = next === null ? [shard + 1, 0] : [shard, next];
    const absent = { shard, seq: after };
    if (differences.length > 0 || shard === channel.shards || page % HELD_PAGES_KEPT === 0) {
      desk.storage.transactionSync(() => {
        keep(desk, bill.kind, { differences, cleared: [] });
        saveCursor(desk, bill.kind, comparison, absent);
      });
    }
    yield { rows: orders.length, calls: 1 };
  }
}

/** What this run did not find any more is no more; a kind of which there were too many to give is left alone. */
async function* fixGone(desk: ReconcileDesk, kind: TradeKind, comparison: Comparison): Step {
  const { runs, day } = desk;
  if (runs < 2) return;
  const { differences } = comparison.cursor.tally;
  const kinds = DIFFERENCE_KINDS.filter((name) => differences[name] <= DIFFERENCES_GIVEN_MAX);
  for (let after = ''; ; ) {
    const open = notFoundAgain(desk.sql, { day, bill: kind, run: runs, kinds, after }, PAGE_ITEMS_MAX);
    const last = open.at(-1);
    if (last === undefined) return;
    after = last.id;
    const gone = open.filter((known) => comparison.wouldShow(known));
    const now = Date.now();
    desk.storage.transactionSync(() => {
      for (const known of gone) {
        const note = known.note ?? `Run ${runs} of the day did not find it any more.`;
        putDiscrepancy(desk.sql, { ...known, status: 'fixed', note, updatedAt: now }, now);
      }
    });
    yield { rows: 0, calls: 0 };
  }
}
