// The feed in D1: events by the cursor that D1 gave them. One writer gives cursors as it commits, so that none becomes
// visible behind a later one. Never truth, never written here.
import type { EventType } from '../core/event.ts';

export type FeedFilter = { readonly channel?: string | undefined; readonly type?: EventType | undefined };
export type FeedRow = {
  readonly cursor: number;
  readonly type: EventType;
  readonly occurred_at: number;
  readonly data: string;
};
export type FeedPage = {
  readonly generation: string;
  /** The highest cursor that was ever given. */
  readonly head: number;
  /** Everything up to here was looked at. */
  readonly seen: number;
  /** Up to here events may have been let go of. */
  readonly pruned: number;
  readonly rows: readonly FeedRow[];
};

const WINDOW = '(SELECT cursor FROM events WHERE cursor > ?1 ORDER BY cursor LIMIT ?2)';
const STATE = `SELECT generation, (SELECT max(cursor) FROM ${WINDOW}) AS seen,
  (SELECT count(*) FROM ${WINDOW}) = ?2 AS isFull,
  (SELECT seq FROM sqlite_sequence WHERE name = 'events') AS head,
  (SELECT max(cursor) FROM feed_pruned WHERE ?3 IS NULL OR channel = ?3) AS pruned FROM feed`;
const ROWS = `SELECT cursor, type, occurred_at, data FROM events
  WHERE cursor > ?1 AND cursor <= (SELECT max(cursor) FROM ${WINDOW}) AND type IS NOT NULL AND withheld = 0
    AND (?3 IS NULL OR channel = ?3) AND (?4 IS NULL OR type = ?4) ORDER BY cursor LIMIT ?5`;

type State = {
  readonly generation: string;
  readonly seen: number | null;
  readonly isFull: number;
  readonly head: number | null;
  readonly pruned: number | null;
};

/** Events after a cursor. However few match, no more rows than the window are looked at. */
export async function readFeed(
  db: D1Database,
  { channel = null, type = null }: { readonly [K in keyof FeedFilter]?: FeedFilter[K] | null },
  after: number,
  limit: number,
  windowRows: number,
): Promise<FeedPage> {
  const [states, rows] = await db.batch([
    db.prepare(STATE).bind(after, windowRows, channel),
    db.prepare(ROWS).bind(after, windowRows, channel, type, limit),
  ]);
  const state = states?.results[0] as State | undefined; // the columns of STATE
  if (!state) throw new Error('D1_ERROR: the feed has no generation: apply the migrations.');
  const { generation, isFull, pruned } = state;
  const head = state.head ?? 0;
  const found = (rows?.results ?? []) as FeedRow[]; // the columns of ROWS
  const last = found.length < limit ? undefined : found.at(-1)?.cursor;
  // The newest rows may be gone: beyond a window that is not full there is nothing up to the head.
  const windowEnd = isFull ? (state.seen ?? after) : Math.max(after, head);
  return { generation, head, seen: last ?? windowEnd, pruned: pruned ?? 0, rows: found };
}
