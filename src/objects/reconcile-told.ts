// Brings a reconciler's rows to D1: runs, discrepancies, and what people did. D1's trouble touches no run: what was not
// told waits, and is told again.
import { PROJECT_TIMEOUT_MS } from '../core/limits.ts';
import { RUN_PROJECT_MAX } from '../core/run-limits.ts';
import { within } from '../core/within.ts';
import { putAudit } from '../store/audit.ts';
import { putRunProjection, readRunProjection, settleRunProjection } from '../store/reconcile-projection.ts';
import { channelOfRuns, dropRunActs, runActs } from '../store/reconcile-runs.ts';

/** Writes to D1 in one alarm at most; the rest waits for the next. */
const STEPS_MAX = 20;

/** True when D1 has heard of everything. Never throws. */
export async function tellRuns(env: Env, sql: SqlStorage): Promise<boolean> {
  try {
    await tellActs(env, sql);
    for (let step = 0; step < STEPS_MAX; step++) {
      const projection = readRunProjection(sql);
      if (projection === null) return true;
      await within(putRunProjection(env.DB, projection), PROJECT_TIMEOUT_MS, 'D1');
      settleRunProjection(sql, projection);
    }
    return false;
  } catch (error) {
    console.error(JSON.stringify({ hop: 'reconcile', channel: channelOfRuns(sql), error: String(error) }));
    return false;
  }
}

async function tellActs({ DB }: Env, sql: SqlStorage): Promise<void> {
  const acts = runActs(sql, RUN_PROJECT_MAX);
  const last = acts.at(-1);
  if (last === undefined) return;
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
}
