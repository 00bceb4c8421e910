// One reconciliation from its first step to its last. It says after each durable piece of work what it used up, so that
// an alarm may stop it there; begun anew after a restart it goes on from what is durable.
import { DIFFERENCE_KINDS } from '../core/discrepancy.ts';
import { PAGE_ITEMS_MAX } from '../core/limits.ts';
import { DIFFERENCES_GIVEN_MAX } from '../core/reconcile-compare.ts';
import { billOf } from '../core/reconciliation.ts';
import { unreachable } from '../core/result.ts';
import { countOpen, notFoundAgain, putDiscrepancy } from '../store/reconcile-differences.ts';
import { dropFile } from '../store/reconcile-runs.ts';
import { endAlarms, type ReconcileDesk, type Step, tradeKinds } from './reconcile-desk.ts';
import { fetchStep } from './reconcile-fetch.ts';
import { absentStep, type Comparisons, checkStep, compareStep } from './reconcile-judge.ts';
import { repairStep } from './reconcile-repair.ts';
import { settleStep } from './reconcile-settle.ts';

/** Ends when the run is over, or waits for a time. */
export async function* reconcile(desk: ReconcileDesk): Step {
  const comparisons: Comparisons = new Map();
  for (;;) {
    const { step, retryAt } = desk.run;
    if (retryAt === null || retryAt > Date.now()) return;
    switch (step) {
      case 'fetch':
        yield* fetchStep(desk);
        break;
      case 'check':
        yield* checkStep(desk);
        break;
      case 'compare':
        yield* compareStep(desk, comparisons);
        break;
      case 'repair':
        yield* repairStep(desk);
        break;
      case 'absent':
        yield* absentStep(desk, comparisons);
        comparisons.clear(); // their memory is wanted for the ties
        break;
      case 'settle':
        yield* settleStep(desk);
        break;
      case 'done':
        yield* finish(desk);
        return;
      default:
        unreachable(step);
    }
  }
}

async function* finish(desk: ReconcileDesk): Step {
  for (const kind of tradeKinds(desk.run)) yield* fixGone(desk, kind);
  const open = countOpen(desk.sql, desk.day);
  if (open > 0) {
    const detail =
      `The bill of ${desk.day} left ${open} discrepancies that want a person: ` +
      `GET /v1/discrepancies?channel=${desk.record.channel.id}&day=${desk.day}&status=open.`;
    await desk.tell('discrepancies_open', detail, 0);
  }
  desk.save((run) => {
    for (const { file } of run.bills) if (file !== null) dropFile(desk.sql, file);
    const bills = run.bills.map((bill) => ({ ...bill, file: null }));
    const now = Date.now();
    return { ...run, bills, state: 'done', failures: 0, problem: null, retryAt: null, finishedAt: now };
  });
  // Nothing waits for this: the next run ends what a failure leaves standing.
  await endAlarms(desk.env, desk.sql).catch((error) =>
    console.error(JSON.stringify({ hop: 'reconcile', error: `${error}` })),
  );
}

/** What this run did not find any more is no more; a kind of which there were too many to give is left alone. */
async function* fixGone(desk: ReconcileDesk, kind: 'trade' | 'refund'): Step {
  const { runs, bills } = desk.run;
  const counts = billOf({ ...desk.run, bills }, kind)?.tally?.differences;
  if (runs < 2 || counts === undefined) return;
  const kinds = DIFFERENCE_KINDS.filter((name) => counts[name] <= DIFFERENCES_GIVEN_MAX);
  for (;;) {
    const gone = notFoundAgain(desk.sql, desk.day, kind, runs, kinds, PAGE_ITEMS_MAX);
    if (gone.length === 0) return;
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
