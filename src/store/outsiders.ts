// From which addresses a channel was called lately: one bounded read of the lists in D1. Never written here.

/** Newest rows of each list that one question reads at most: a flood must not make it slow. */
const ROWS_READ_MAX = 20_000;
const ADDRESSES_MAX = 1_000;

export type Caller = {
  readonly address: string | null;
  /** Callbacks that proved genuine: taken, repeated, or about no order. */
  readonly genuine: number;
  /** Those that were refused all the same. */
  readonly refused: number;
  readonly lastAt: number;
};

// What a ledger took is an event; the samples of the log hold the rest.
const CALLERS = `SELECT address, SUM(genuine) AS genuine, SUM(1 - genuine) AS refused, MAX(at) AS lastAt FROM (
  SELECT remote_address AS address, 1 AS genuine, received_at AS at FROM (
    SELECT channel, source, remote_address, received_at FROM events WHERE received_at >= ?2
    ORDER BY received_at DESC LIMIT ${ROWS_READ_MAX}
  ) WHERE channel = ?1 AND source = 'callback'
  UNION ALL
  SELECT remote_address, verdict <> 'rejected', at FROM (
    SELECT remote_address, verdict, at FROM callbacks WHERE channel = ?1 AND at >= ?2
    ORDER BY at DESC LIMIT ${ROWS_READ_MAX}
  ) WHERE verdict NOT IN ('accepted', 'parked')
) GROUP BY 1 ORDER BY genuine DESC, refused DESC LIMIT ${ADDRESSES_MAX}`;

export async function listCallers(db: D1Database, channel: string, since: number): Promise<readonly Caller[]> {
  return (await db.prepare(CALLERS).bind(channel, since).all<Caller>()).results;
}
