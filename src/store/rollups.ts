// The roll-ups in D1: what each shard counted by channel and hour, put by the ledgers with what all shards add up to.
// Absolute values: the newest version wins, so that a repeated write changes nothing. Nobody reads them but the sums.
import type { Tally } from '../core/tally.ts';
import { foldShards } from './fold.ts';

export type Rollup = {
  readonly channel: string;
  readonly hour: number;
  readonly shard: string;
  readonly version: number;
  readonly last_at: number | null;
  readonly doc: Tally;
  /** What reports sum; null where it holds nothing, like the next. */
  readonly money?: Tally | null;
  readonly minutes?: Tally | null;
};

// The same version once more may know more: a shard that ended between D1 and its own row counts again.
const KEY = ['channel', 'hour', 'shard'];
const VALUES = ['version', 'last_at', 'doc', 'money', 'minutes'];
const PUT = `INSERT INTO rollups (${[...KEY, ...VALUES].join(', ')})
  SELECT ${[...KEY, ...VALUES].map((name) => `value ->> '$.${name}'`).join(', ')} FROM json_each(?1) WHERE true
  ON CONFLICT DO UPDATE SET ${VALUES.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE excluded.version >= rollups.version`;

/** One transaction in D1. */
export async function putRollups(db: D1Database, rows: readonly Rollup[]): Promise<void> {
  if (rows.length === 0) return;
  await db.batch([db.prepare(PUT).bind(JSON.stringify(rows)), ...foldShards(db, rows)]);
}
