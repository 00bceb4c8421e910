// What waits in one shard, for a person's eyes: counted up to a bound, so that a long backlog is not read through each
// minute. Reads only.
import type { Backlog } from '../core/vitals.ts';
import { OPEN } from './ledger-outbox.ts';

const COUNTED_MAX = 5_000;
const NEVER = Number.MAX_SAFE_INTEGER;

type Counted = { readonly n: number; readonly first: number | null };
/** Where to look: from where the shard has yet to dispatch, what flies without a row, origins that are not paused. */
export type Looked = {
  readonly head: number;
  readonly flying: readonly number[];
  readonly originIds: readonly string[];
};

export function backlogOf(sql: SqlStorage, { head, flying, originIds }: Looked): Backlog {
  const [firstId] = originIds;
  if (firstId === undefined) return { waiting: 0, oldestAt: null, originId: null };
  const fresh = sql
    .exec<Counted>(
      `SELECT COUNT(*) AS n, MIN(seq) AS first FROM
         (SELECT seq FROM events WHERE seq > ? AND type IS NOT NULL AND settled IS NULL ORDER BY seq LIMIT ?)`,
      head,
      COUNTED_MAX,
    )
    .one();
  const all = [
    { originId: firstId, ...fresh },
    { originId: firstId, n: flying.length, first: flying.length === 0 ? null : Math.min(...flying) },
    ...originIds.map((originId) => ({ originId, ...waitingFor(sql, originId) })),
  ];
  const oldest = all.reduce((a, b) => ((b.first ?? NEVER) < (a.first ?? NEVER) ? b : a));
  const waiting = all.reduce((sum, { n }) => sum + n, 0);
  const oldestAt = oldest.first === null ? null : receivedAt(sql, oldest.first);
  return { waiting, oldestAt, originId: oldestAt === null ? null : oldest.originId };
}

/** Beyond the bound the oldest is looked for among those due first and those due last: it has been tried most often. */
function waitingFor(sql: SqlStorage, originId: string): Counted {
  const rows = `SELECT seq FROM deliveries WHERE ${OPEN} AND origin_id = ? ORDER BY state`;
  const look = (order: string) =>
    sql
      .exec<Counted>(`SELECT COUNT(*) AS n, MIN(seq) AS first FROM (${rows} ${order} LIMIT ?)`, originId, COUNTED_MAX)
      .one();
  const near = look(', due_at, seq');
  if (near.n < COUNTED_MAX) return near;
  const far = look('DESC, due_at DESC, seq DESC');
  return { n: near.n, first: Math.min(near.first ?? NEVER, far.first ?? NEVER) };
}

const receivedAt = (sql: SqlStorage, seq: number): number | null =>
  sql.exec<{ at: number }>('SELECT received_at AS at FROM events WHERE seq = ?', seq).toArray()[0]?.at ?? null;
