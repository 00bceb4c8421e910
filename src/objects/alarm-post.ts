// Brings what wants a person from a shard to the registry. The rows stay until the registry has them.
import { DISPATCH_BATCH_MAX, REGISTRY_READ_TIMEOUT_MS } from '../core/limits.ts';
import { within } from '../core/within.ts';
import * as outbox from '../store/ledger-outbox.ts';

const AGAIN_AFTER_FAILURE_MS = 5_000;

/** Raises one batch. Answers in how many milliseconds to try again; null when nothing is left. Never throws for the
 * registry's sake, and waits for it no longer than a while: the alarm that calls this has deliveries to dispatch. */
export async function postAlarms(env: Env, sql: SqlStorage, shard: string): Promise<number | null> {
  const pending = outbox.pendingAlarms(sql, DISPATCH_BATCH_MAX);
  const last = pending.at(-1);
  if (!last) return null;
  try {
    const raised = env.REGISTRY.getByName('registry').raiseAlarms(pending.map(({ alarm }) => alarm));
    await within(raised, REGISTRY_READ_TIMEOUT_MS, 'The registry');
  } catch (error) {
    console.error(JSON.stringify({ hop: 'alarm', shard, error: String(error) }));
    return AGAIN_AFTER_FAILURE_MS;
  }
  outbox.dropAlarms(sql, last.id);
  return pending.length < DISPATCH_BATCH_MAX ? null : 0;
}
