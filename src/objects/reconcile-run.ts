// One reconciliation from its first step to its last. It says after each durable piece of work what it used up, so that
// an alarm may stop it there; begun anew after a restart it goes on from what is durable.
import { unreachable } from '../core/result.ts';
import { countOpen } from '../store/reconcile-differences.ts';
import { dropFile } from '../store/reconcile-runs.ts';
import { endAlarms, type ReconcileDesk, type Step } from './reconcile-desk.ts';
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
