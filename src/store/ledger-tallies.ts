// The shard's tallies: one row for each hour, with how far the facts were counted. Synchronous SQL; counts nothing.
import type { Booking } from '../core/booking.ts';
import type { EventType } from '../core/event.ts';
import type { CountedFact, HourTally } from '../core/tally.ts';

export type TallyRow = HourTally & { readonly hour: number; readonly version: number };

/** Facts up to here are in the tallies. */
export const countedUpto = (sql: SqlStorage): number =>
  sql.exec<{ upto: number | null }>('SELECT max(upto) AS upto FROM tallies').one().upto ?? 0;

export type FactRow = CountedFact & { readonly seq: number; readonly booked: readonly Booking[] };
type StoredFact = Omit<FactRow, 'booked'> & { readonly booked: string | null };

export const factsToCount = (sql: SqlStorage, after: number, limit: number): FactRow[] =>
  sql
    .exec<StoredFact>(
      `SELECT seq, fact_key AS factKey, verdict, type, source, occurred_at AS occurredAt, received_at AS receivedAt,
         CASE type WHEN 'refund.succeeded' THEN data ->> '$.refund.amount.minor' END AS refundedMinor,
         CASE type WHEN 'refund.succeeded' THEN data ->> '$.refund.amount.currency' END AS refundedCurrency, booked
       FROM events WHERE seq > ? ORDER BY seq LIMIT ?`,
      after,
      limit,
    )
    .toArray()
    .map(({ booked, ...row }) => ({ ...row, booked: booked === null ? [] : JSON.parse(booked) }));

type Times = { readonly occurredAt: number; readonly receivedAt: number; readonly type: EventType | null };

/** When these facts happened and came, by their place. */
export const timesOf = (sql: SqlStorage, seqs: readonly number[]): ReadonlyMap<number, Times> =>
  new Map(
    sql
      .exec<Times & { readonly seq: number }>(
        `SELECT seq, occurred_at AS occurredAt, received_at AS receivedAt, type FROM events
         WHERE seq IN (SELECT value FROM json_each(?))`,
        JSON.stringify(seqs),
      )
      .toArray()
      .map(({ seq, ...times }) => [seq, times]),
  );

type Stored = Record<'doc' | 'money' | 'minutes', string> & { hour: number; version: number; lastAt: number | null };
const COLUMNS = 'SELECT hour, version, last_at AS lastAt, doc, money, minutes FROM tallies';
const rowOf = ({ doc, money, minutes, ...row }: Stored): TallyRow => ({
  ...row,
  counters: JSON.parse(doc),
  money: JSON.parse(money),
  minutes: JSON.parse(minutes),
});

export const talliesOf = (sql: SqlStorage, hours: readonly number[]): TallyRow[] =>
  sql
    .exec<Stored>(`${COLUMNS} WHERE hour IN (SELECT value FROM json_each(?))`, JSON.stringify(hours))
    .toArray()
    .map(rowOf);

/** What D1 has to be told again after it was lost. */
export const untold = (sql: SqlStorage, limit: number): TallyRow[] =>
  sql.exec<Stored>(`${COLUMNS} WHERE told = 0 ORDER BY hour LIMIT ?`, limit).toArray().map(rowOf);

export function writeTallies(sql: SqlStorage, rows: readonly TallyRow[], upto: number): void {
  for (const { hour, version, lastAt, counters, money, minutes } of rows) {
    sql.exec(
      `INSERT INTO tallies (hour, version, upto, last_at, doc, money, minutes, told) VALUES (?, ?, ?, ?, ?, ?, ?, 1)
       ON CONFLICT DO UPDATE SET version = excluded.version, upto = excluded.upto, last_at = excluded.last_at,
         doc = excluded.doc, money = excluded.money, minutes = excluded.minutes, told = 1`,
      hour,
      version,
      upto,
      lastAt,
      JSON.stringify(counters),
      JSON.stringify(money),
      JSON.stringify(minutes),
    );
  }
}

export const tellAgain = (sql: SqlStorage) => sql.exec('UPDATE tallies SET told = 0');
