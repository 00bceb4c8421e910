// Brings the acts of a shard to the audit log in D1. They wait until D1 has them; its trouble touches no order.
import { BACKOFF_MS_MAX, DISPATCH_BATCH_MAX, PROJECT_TIMEOUT_MS } from '../core/limits.ts';
import { within } from '../core/within.ts';
import { putAudit } from '../store/audit.ts';
import { actsToPost, markPosted } from '../store/ledger-acts.ts';

/** Posts one batch. Answers in how many milliseconds to try again; null when nothing is left. Never throws. */
export async function postAudit(env: Env, sql: SqlStorage, shard: string, channel: string): Promise<number | null> {
  const acts = actsToPost(sql, DISPATCH_BATCH_MAX);
  const last = acts.at(-1);
  if (!last) return null;
  const rows = acts.map(({ id, orderNo, at, kind, actor, about, reason, address = null }) => {
    const what = { channel, order_no: orderNo, subject: `order/${channel}/${orderNo}` };
    return { at, id: `${shard}/${id}`, ...what, act: kind, actor, about, reason, remote_address: address };
  });
  try {
    await within(putAudit(env.DB, rows), PROJECT_TIMEOUT_MS, 'D1');
  } catch (error) {
    console.error(JSON.stringify({ hop: 'audit', shard, error: String(error) }));
    return BACKOFF_MS_MAX;
  }
  markPosted(sql, last.id);
  return acts.length < DISPATCH_BATCH_MAX ? null : 0;
}
