// Brings a reconciler's rows to D1: runs, discrepancies, and what people did. D1's trouble touches no run: what was not
// told waits, and is told again.
import { dayOf } from '../core/bill.ts';
import type { Channel } from '../core/channel.ts';
import { PROJECT_TIMEOUT_MS, PRUNE_BATCH_MAX } from '../core/limits.ts';
import { runIdOf } from '../core/reconciliation.ts';
import { cutoffOf } from '../core/retention.ts';
import { RUN_PROJECT_MAX } from '../core/run-limits.ts';
import { within } from '../core/within.ts';
import { putAudit } from '../store/audit.ts';
import { dropDiscrepancies, settledBefore } from '../store/reconcile-differences.ts';
import {
  putRunProjection,
  readRunProjection,
  settleRunProjection,
  unlistDiscrepancies,
} from '../store/reconcile-projection.ts';
import { channelOfRuns, dropRunActs, runActs } from '../store/reconcile-runs.ts';

/** Batches of each in one alarm at most; the next alarm follows at once. */
const STEPS_MAX = 20;

export const hasUntold = (sql: SqlStorage): boolean => readRunProjection(sql) !== null || runActs(sql, 1).length > 0;

/** Whether D1 has heard of everything, of a part, or does not listen. Never throws. */
export async function tellRuns(env: Env, sql: SqlStorage): Promise<'all' | 'part' | 'nothing'> {
  try {
    for (let step = 0; step < STEPS_MAX; step++) {
      const isActsLeft = await tellActs(env, sql);
      const projection = readRunProjection(sql);
      if (projection === null && !isActsLeft) return 'all';
      if (projection === null) continue;
      await within(putRunProjection(env.DB, projection), PROJECT_TIMEOUT_MS, 'D1');
      settleRunProjection(sql, projection);
    }
    return 'part';
  } catch (error) {
    console.error(JSON.stringify({ hop: 'reconcile', channel: channelOfRuns(sql), error: String(error) }));
    return 'nothing';
  }
}

/** Lets a few of the settled discrepancies go that are older than the channel keeps its events; an open one stays. */
export async function pruneDiscrepancies(env: Env, sql: SqlStorage, { id, settings }: Channel, now: number) {
  const first = runIdOf(id, dayOf(cutoffOf(settings.retention.eventsDays, now)));
  const ids = settledBefore(sql, first, PRUNE_BATCH_MAX);
  if (ids.length === 0) return;
  await within(unlistDiscrepancies(env.DB, ids), PROJECT_TIMEOUT_MS, 'D1');
  dropDiscrepancies(sql, ids);
}

/** Whether there may be more of them. */
async function tellActs({ DB }: Env, sql: SqlStorage): Promise<boolean> {
  const acts = runActs(sql, RUN_PROJECT_MAX);
  const last = acts.at(-1);
  if (last === undefined) return false;
  const channel = channelOfRuns(sql);
  const rows = acts.map(({ id, at, kind, orderNo, actor, address, about, reason, subject }) => {
    const what = { channel, order_no: orderNo, subject: subject ?? `channel/${channel}` };
    return {
      at,
      id: `${channel}/bills/${at}/${id}`,
      ...what,
      act: kind,
      actor,
      about,
      reason,
      remote_address: address,
    };
  });
  await within(putAudit(DB, rows), PROJECT_TIMEOUT_MS, 'D1');
  dropRunActs(sql, last.id);
  return acts.length === RUN_PROJECT_MAX;
}
