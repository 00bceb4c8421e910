// The shard's tallies: one row for each hour, with how far the facts were counted. Synchronous SQL; counts nothing.
import type { CountedFact, HourTally, Tally } from '../core/tally.ts';

export type TallyRow = HourTally & { readonly hour: number; readonly version: number };

/** Facts up to here are in the tallies. */
export const countedUpto = (sql: SqlStorage): number =>
  sql.exec<{ upto: number | null }>('SELECT max(upto) AS upto FROM tallies').one().upto ?? 0;

export const factsToCount = (
  sql: SqlStorage,
  after: number,
  limit: number,
): (CountedFact & { readonly seq: number })[] =>
  sql
    .exec<CountedFact & { readonly seq: number }>(
      `SELECT seq, fact_key AS factKey, verdict, type, source, occurred_at AS occurredAt, received_at AS receivedAt,
         CASE type WHEN 'refund.succeeded' THEN data ->> '$.refund.amount.minor' END AS refundedMinor,
         CASE type WHEN 'refund.succeeded' THEN data ->> '$.refund.amount.currency' END AS refundedCurrency
       FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,
      after,
      limit,
    )
    .toArray();

/** When these facts came, by their place. */
export const receivedAtOf = (sql: SqlStorage, seqs: readonly number[]): ReadonlyMap<number, number> =>
  new Map(
    sql
      .exec<{ seq: number; at: number }>(
        'SELECT seq, received_at AS at FROM events WHERE seq IN (SELECT value FROM json_each(?))',
        JSON.stringify(seqs),
      )
      .toArray()
      .map(({ seq, at }) => [seq, at]),
  );

type Stored = { hour: number; version: number; lastAt: number | null; doc: string };
const COLUMNS = 'SELECT hour, version, last_at AS lastAt, doc FROM tallies';
const rowOf = ({ doc, ...row }: Stored): TallyRow => {
  const counters: Tally = JSON.parse(doc);
  return { ...row, counters };
};

export const talliesOf = (sql: SqlStorage, hours: readonly number[]): TallyRow[] =>
  sql
    .exec<Stored>(`${COLUMNS} WHERE hour IN (SELECT value FROM json_each(?))`, JSON.stringify(hours))
    .toArray()
    .map(rowOf);

/** What D1 has to be told again after it was lost. */
export const untold = (sql: SqlStorage, limit: number): TallyRow[] =>
  sql.exec<Stored>(`${COLUMNS} WHERE told = 0 ORDER BY hour LIMIT ?`, limit).toArray().map(rowOf);

export function writeTallies(sql: SqlStorage, rows: readonly TallyRow[], upto: number): void {
  for (const { hour, version, lastAt, counters } of rows) {
    sql.exec(
      `INSERT INTO tallies (hour, version, upto, last_at, doc, told) VALUES (?, ?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET version = excluded.version, upto = excluded.upto, last_at = excluded.last_at,
         doc = excluded.doc, told = 1`,
      hour,
      version,
      upto,
      lastAt,
      JSON.stringify(counters),
    );
  }
}

export const tellAgain = (sql: SqlStorage) => sql.exec('UPDATE tallies SET told = 0');
