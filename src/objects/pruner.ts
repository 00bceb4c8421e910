// Lets a shard's old evidence and its old rows in the lists go, a little at each of cron's nudges. Nothing unsettled,
// held, parked or disputed; with an archive configured, nothing that the archive does not have.
import type { DispatchConfig } from '../core/channel.ts';
import { PROJECT_TIMEOUT_MS, PRUNE_BATCH_MAX } from '../core/limits.ts';
import { cutoffOf, isAtRest, type Walk, walkAgain } from '../core/retention.ts';
import { within } from '../core/within.ts';
import { archiveOf, putArchive } from '../store/archive.ts';
import { readOrder } from '../store/ledger-book.ts';
import {
  dropBodies,
  eventsFrom,
  type OldEvent,
  readWalk,
  rowsWithBody,
  type WalkKind,
  writeWalk,
} from '../store/ledger-prune.ts';
import { pruneLists } from '../store/prune-lists.ts';

export type Prunable = {
  readonly env: Env;
  readonly storage: DurableObjectStorage;
  readonly shard: string;
  readonly config: DispatchConfig;
  /** At or below: settled, or with a row of its own in deliveries. */
  readonly low: number;
};

/** One batch of each walk. Never throws: what fails is tried again at the next nudge. */
export async function prune(what: Prunable, now: number): Promise<void> {
  const { evidenceDays, eventsDays } = what.config.settings.retention;
  for (const [kind, days] of [
    ['evidence', evidenceDays],
    ['events', eventsDays],
  ] as const) {
    try {
      await step(what, kind, cutoffOf(days, now), now);
    } catch (error) {
      console.error(JSON.stringify({ hop: 'prune', kind, shard: what.shard, error: String(error) }));
    }
  }
}

async function step(what: Prunable, kind: WalkKind, cutoff: number, now: number): Promise<void> {
  const { storage, low } = what;
  const walk = readWalk(storage.sql, kind);
  const seen = eventsFrom(storage.sql, walk.seq, low, PRUNE_BATCH_MAX);
  const young = seen.findIndex(({ receivedAt }) => receivedAt >= cutoff);
  const old = young < 0 ? seen : seen.slice(0, young);
  const key = kind === 'evidence' ? await archive(what, old) : null;
  if (kind === 'events') {
    const rows = old
      .filter((event) => mayGo(storage.sql, event))
      .map(({ eventId: id, receivedAt: at }) => ({ id, at }));
    await within(pruneLists(what.env.DB, rows), PROJECT_TIMEOUT_MS, 'D1');
  }
  storage.transactionSync(() => {
    // Again, because somebody may have opened a dispute while the archive was being written.
    const going = old.filter((event) => mayGo(storage.sql, event));
    const bodies = going.filter(({ hasBody }) => hasBody).map(({ seq }) => seq);
    if (kind === 'evidence' && bodies.length > 0) dropBodies(storage.sql, bodies, key, now);
    const left = old.find((event) => !going.includes(event))?.seq ?? null;
    const next: Walk = {
      seq: old.at(-1)?.seq ?? walk.seq,
      skipped: walk.skipped ?? left,
      startedAt: walk.startedAt,
    };
    const isThrough = old.length < PRUNE_BATCH_MAX;
    const after = isThrough ? walkAgain(next, now) : next;
    if (after.seq !== walk.seq || after.skipped !== walk.skipped) writeWalk(storage.sql, kind, after);
  });
}

function mayGo(sql: SqlStorage, { orderNo, isOpen }: OldEvent): boolean {
  const order = isOpen ? null : readOrder(sql, orderNo);
  return order !== null && isAtRest(order);
}

/** Null where no bucket is configured, or nothing has bytes. */
async function archive({ env, storage, shard, config }: Prunable, old: readonly OldEvent[]): Promise<string | null> {
  const bucket = archiveOf(env);
  const seqs = old.filter((event) => event.hasBody && mayGo(storage.sql, event)).map(({ seq }) => seq);
  if (bucket === null || seqs.length === 0) return null;
  const rows = rowsWithBody(storage.sql, seqs);
  return within(putArchive(bucket, { channel: config.channelId, shard, rows }), PROJECT_TIMEOUT_MS, 'The archive');
}
