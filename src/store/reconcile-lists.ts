// Lists of runs and discrepancies, read from D1: keyset pages, newest first. Never truth, never written here. Each asks
// for one row more than a page, so that the caller knows whether another follows.
import type { Discrepancy } from '../core/discrepancy.ts';
import type { Reconciliation } from '../core/reconciliation.ts';

type Doc = { readonly doc: string };
type Filter = Readonly<Record<string, string | undefined>>;

/** Column names come from here alone, never from a caller. */
async function page<T>(
  db: D1Database,
  { table, columns, key }: { readonly table: string; readonly columns: Filter; readonly key: string },
  place: readonly (string | number)[] | null,
  limit: number,
): Promise<readonly T[]> {
  const given = Object.entries(columns).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const terms = given.map(([column]) => `${column} = ?`);
  const marks = key.split(', ').map(() => '?');
  if (place !== null) terms.push(`(${key}) < (${marks.join(', ')})`);
  const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`;
  const order = key.replaceAll(',', ' DESC,');
  const { results } = await db
    .prepare(`SELECT doc FROM ${table} ${where} ORDER BY ${order} DESC LIMIT ?`)
    .bind(...given.map(([, value]) => value), ...(place ?? []), limit + 1)
    .all<Doc>();
  return results.map(({ doc }) => JSON.parse(doc) as T); // told by the reconcilers alone
}

export const listRuns = (
  db: D1Database,
  { channel, state, day }: Filter,
  place: readonly [day: string, channel: string] | null,
  limit: number,
): Promise<readonly Reconciliation[]> =>
  page<Reconciliation>(
    db,
    { table: 'reconciliations', columns: { channel, state, day }, key: 'day, channel' },
    place,
    limit,
  );

export const listDiscrepancies = (
  db: D1Database,
  { status, kind, channel, day, owner, orderNo }: Filter,
  place: readonly [foundAt: number, id: string] | null,
  limit: number,
): Promise<readonly Discrepancy[]> =>
  page<Discrepancy>(
    db,
    { table: 'discrepancies', columns: { status, kind, channel, day, owner, order_no: orderNo }, key: 'found_at, id' },
    place,
    limit,
  );

export type BilledFee = {
  readonly channel: string;
  readonly day: string;
  readonly currency: string;
  /** At FEE_SCALE. */
  readonly units: number;
};

/**
 * The fees of each day's bill that was compared to its end and holds no row of another shop: all of them are ours. A
 * table of a part of the day says nothing of the rest.
 */
export async function readBilledFees(
  db: D1Database,
  channels: readonly string[],
  first: string,
  last: string,
): Promise<readonly BilledFee[]> {
  const { results } = await db
    .prepare(
      `SELECT r.channel, r.day, m.key AS currency, m.value ->> '$.fee' AS units
       FROM reconciliations r, json_each(r.doc, '$.bills') b, json_each(b.value, '$.tally.money') m
       WHERE r.day >= ?2 AND r.day <= ?3 AND r.channel IN (SELECT value FROM json_each(?1)) AND r.state = 'done'
         AND b.value ->> '$.kind' = 'trade' AND b.value ->> '$.tally.foreign' = 0
         AND coalesce(b.value ->> '$.covers', 'all') = 'all'`,
    )
    .bind(JSON.stringify(channels), first, last)
    .all<BilledFee>();
  return results;
}

const OPEN_COUNTED_MAX = 100_000;

/** Open discrepancies of each channel that has any, up to a bound; from an index alone. */
export async function countOpenDiscrepancies(
  db: D1Database,
): Promise<readonly { readonly channel: string; readonly kind: string; readonly count: number }[]> {
  const { results } = await db
    .prepare(
      `SELECT channel, kind, COUNT(*) AS count FROM
         (SELECT channel, kind FROM discrepancies WHERE status = 'open' LIMIT ?) GROUP BY channel, kind`,
    )
    .bind(OPEN_COUNTED_MAX)
    .all<{ channel: string; kind: string; count: number }>();
  return results;
}
