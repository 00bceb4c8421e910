// Lets a shard's old evidence and its old rows in the lists go, in bounded slices at cron's nudges. Nothing unsettled,
// held, parked or disputed; with an archive configured, nothing that the archive does not have.
import type { DispatchConfig } from '../core/channel.ts';
import { PROJECT_TIMEOUT_MS, PRUNE_BATCH_MAX, PRUNE_BATCHES_MAX, PRUNE_TIME_MS } from '../core/limits.ts';
import { cutoffOf, isAtRest, type Walk, walkAgain } from '../core/retention.ts';
import { within } from '../core/within.ts';
import { chainLink } from '../crypto/chain-link.ts';
import { type Archived, archiveOf, eventLines, evidenceLines, putArchive } from '../store/archive.ts';
import { readOrder } from '../store/ledger-book.ts';
import {
  dropBodies,
  eventsFrom,
  type OldEvent,
  readWalk,
  rowsOfLists,
  rowsWithBody,
  type WalkKind,
  writeWalk,
} from '../store/ledger-prune.ts';
import { deliveryRows } from '../store/projection.ts';
import { pruneLists } from '../store/prune-lists.ts';

export type Prunable = {
  readonly env: Env;
  readonly storage: DurableObjectStorage;
  readonly shard: string;
  readonly config: DispatchConfig;
  /** At or below: settled, or with a row of its own in deliveries. */
  readonly low: number;
  /** Whether D1 may lack what the order did last: of that nothing goes. */
  readonly isBehind: (orderNo: string) => boolean;
};

/**
 * A batch of each walk, and more of them until `untilMs`. Never throws: what fails is tried again at the next nudge.
 */
export async function prune(what: Prunable, now: number, untilMs = now + PRUNE_TIME_MS): Promise<void> {
  const { evidenceDays, eventsDays } = what.config.settings.retention;
  for (const [kind, days] of [
    ['evidence', evidenceDays],
    ['events', eventsDays],
  ] as const) {
    try {
      for (let left = PRUNE_BATCHES_MAX; left > 0; left--) {
        const isThrough = await step(what, kind, cutoffOf(days, now), now);
        if (isThrough || Date.now() >= untilMs) break;
      }
    } catch (error) {
      console.error(JSON.stringify({ hop: 'prune', kind, shard: what.shard, error: String(error) }));
    }
  }
}

/** True when the walk is through with what is old. */
async function step(what: Prunable, kind: WalkKind, cutoff: number, now: number): Promise<boolean> {
  const { storage, low } = what;
  const walk = readWalk(storage.sql, kind);
  const seen = eventsFrom(storage.sql, walk.seq, low, PRUNE_BATCH_MAX);
  const young = seen.findIndex(({ receivedAt }) => receivedAt >= cutoff);
  const old = young < 0 ? seen : seen.slice(0, young);
  const resting = old.filter((event) => mayGo(what, event));
  const key = await archive(what, kind, resting);
  if (kind === 'events') {
    const rows = resting.map(({ eventId: id, receivedAt: at }) => ({ id, at }));
    await within(pruneLists(what.env.DB, rows), PROJECT_TIMEOUT_MS, 'D1');
  }
  const isThrough = old.length < PRUNE_BATCH_MAX;
  storage.transactionSync(() => {
    // Again, because somebody may have opened a dispute while the archive was being written; and only what is in it.
    const going = resting.filter((event) => mayGo(what, event));
    const bodies = going.filter(({ hasBody }) => hasBody).map(({ seq }) => seq);
    if (kind === 'evidence' && bodies.length > 0) dropBodies(storage.sql, bodies, key, now);
    const left = old.find((event) => !going.includes(event))?.seq ?? null;
    const next: Walk = {
      seq: old.at(-1)?.seq ?? walk.seq,
      skipped: walk.skipped ?? left,
      startedAt: walk.startedAt,
    };
    const after = isThrough ? walkAgain(next, now) : next;
    if (after.seq !== walk.seq || after.skipped !== walk.skipped) writeWalk(storage.sql, kind, after);
  });
  return isThrough;
}

function mayGo({ storage: { sql }, isBehind }: Prunable, { orderNo, isOpen }: OldEvent): boolean {
  if (orderNo === '') return true; // the bare number of what was parked: of no order
  const order = isOpen || isBehind(orderNo) ? null : readOrder(sql, orderNo);
  return order !== null && isAtRest(order);
}

/** Null where no bucket is configured, or nothing is to be kept. */
async function archive(what: Prunable, kind: WalkKind, going: readonly OldEvent[]): Promise<string | null> {
  const { env, storage, shard, config } = what;
  const bucket = archiveOf(env);
  const kept = going.filter(({ hasBody, orderNo }) => (kind === 'evidence' ? hasBody : orderNo !== ''));
  const seqs = kept.map(({ seq }) => seq);
  if (bucket === null || seqs.length === 0) return null;
  const { channelId: channel } = config;
  const lines = kind === 'evidence' ? evidenceLines(rowsWithBody(storage.sql, seqs)) : told(storage.sql, channel, seqs);
  // Of just these rows: a kill may come after this, and a later walk of fewer must not take this one's place.
  const place = `${shard}-${seqs[0]}-${seqs.at(-1)}-${chainLink(null, seqs).slice(0, 16)}`;
  return within(putArchive(bucket, { kind, channel, place, lines }), PROJECT_TIMEOUT_MS, 'The archive');
}

function told(sql: SqlStorage, channel: string, seqs: readonly number[]): Archived['lines'] {
  const rows = rowsOfLists(sql, seqs);
  return eventLines(rows, deliveryRows(sql, channel, [...new Set(rows.map(({ orderNo }) => orderNo))], 0));
}
