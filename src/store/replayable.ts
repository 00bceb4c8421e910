// Deliveries that a bulk replay may mean, read from the projection in D1 from place to place, the oldest first. Never
// truth: the ledger decides which of them it moves.
import type { ReplayFilter, ReplayPlace } from '../core/replay.ts';

export type Replayable = {
  readonly created_at: number;
  readonly event_id: string;
  /** Empty where nobody was told. */
  readonly origin: string;
  readonly channel: string;
  readonly order_no: string;
  readonly type: string;
  /** Of the event's data, as every format renders it. */
  readonly bytes: number;
};

export const placeOfReplayable = ({ created_at, event_id, origin }: Replayable): ReplayPlace => ({
  createdAt: created_at,
  eventId: event_id,
  origin,
});

type Where = { readonly sql: string; readonly values: readonly (string | number)[] };

function whereOf({ state, channel, origin, type, from, to }: ReplayFilter): Where {
  // The second half lets SQLite use the partial index, which holds everything but the delivered majority.
  const parts = [state === 'delivered' ? "d.state = 'delivered'" : `d.state = ? AND d.state <> 'delivered'`];
  const values: (string | number)[] = state === 'delivered' ? [] : [state];
  const add = (sql: string, ...given: readonly (string | number)[]) => {
    parts.push(sql);
    values.push(...given);
  };
  add('d.created_at < ?', to);
  if (from !== null) add('d.created_at >= ?', from);
  if (channel !== null) add('d.channel = ?', channel);
  if (origin !== null) add("d.origin IN (?, '')", origin); // what nobody was told has no origin yet
  if (type !== null) add('e.type = ?', type);
  if (state === 'skipped' || state === 'cancelled') add("(d.reason IS NULL OR d.reason <> 'replayed')");
  return { sql: parts.join(' AND '), values };
}

const FROM = 'FROM deliveries d JOIN events e ON e.event_id = d.event_id';

export async function listReplayable(
  db: D1Database,
  filter: ReplayFilter,
  after: ReplayPlace | null,
  limit: number,
): Promise<readonly Replayable[]> {
  const { sql, values } = whereOf(filter);
  const beyond = after === null ? '' : 'AND (d.created_at, d.event_id, d.origin) > (?, ?, ?)';
  const place = after === null ? [] : [after.createdAt, after.eventId, after.origin];
  const statement = db.prepare(
    `SELECT d.created_at, d.event_id, d.origin, d.channel, d.order_no, e.type, length(CAST(e.data AS BLOB)) AS bytes
     ${FROM} WHERE ${sql} ${beyond} ORDER BY d.created_at, d.event_id, d.origin LIMIT ?`,
  );
  return (await statement.bind(...values, ...place, limit).all<Replayable>()).results;
}

/** How many there are; no further than `most`, so that nobody's dry run reads a year of deliveries. */
export async function countReplayable(db: D1Database, filter: ReplayFilter, most: number): Promise<number> {
  const { sql, values } = whereOf(filter);
  const statement = db.prepare(`SELECT COUNT(*) AS n FROM (SELECT 1 ${FROM} WHERE ${sql} LIMIT ?)`);
  return (await statement.bind(...values, most).first<number>('n')) ?? 0;
}
