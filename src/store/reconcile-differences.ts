// SQL of a reconciler's discrepancies: found, found again, repaired, changed by a person. A row's `todo` is the id of
// the event that will repair it, until the ledger has heard. Synchronous.
import type { BillDay, BillKind } from '../core/bill.ts';
import { type Difference, type DifferenceKind, type Discrepancy, foundAgain } from '../core/discrepancy.ts';

type Row = { readonly doc: string };
const discrepancyOf = ({ doc }: Row): Discrepancy => JSON.parse(doc) as Discrepancy; // written by `put` alone

export function readDiscrepancy(sql: SqlStorage, id: string): Discrepancy | null {
  const [row] = sql.exec<Row>('SELECT doc FROM discrepancies WHERE id = ?', id).toArray();
  return row ? discrepancyOf(row) : null;
}

/** A change of one that is known; whatever it is about stays. Its repair is no more to be done, unless `isTodo`. */
export function putDiscrepancy(sql: SqlStorage, discrepancy: Discrepancy, now: number, isTodo = false): void {
  sql.exec(
    `UPDATE discrepancies SET status = ?, todo = CASE WHEN ? THEN todo END, told = 0,
       version = MAX(version + 1, ?), doc = ? WHERE id = ?`,
    discrepancy.status,
    isTodo ? 1 : 0,
    now,
    JSON.stringify(discrepancy),
    discrepancy.id,
  );
}

export type Found = {
  readonly bill: BillKind;
  readonly run: number;
  readonly now: number;
  /** An id for the event that a repair would become. */
  readonly newEventId: () => string;
};

/** Keeps what a comparison found; what was known by its id is found again. */
export function keepDifferences(sql: SqlStorage, differences: readonly Difference[], found: Found): void {
  const { bill, run, now, newEventId } = found;
  for (const difference of differences) {
    const known = readDiscrepancy(sql, difference.id);
    const discrepancy = known ? foundAgain(known, difference, now) : newOf(difference, now);
    const isTodo = difference.repair !== null && discrepancy.status !== 'explained';
    const todo = isTodo ? (known?.eventId ?? newEventId()) : null;
    sql.exec(
      `INSERT INTO discrepancies (id, day, bill, kind, status, run, todo, told, version, doc)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)
       ON CONFLICT DO UPDATE SET bill = excluded.bill, status = excluded.status, run = excluded.run, told = 0,
         todo = CASE WHEN excluded.todo IS NULL THEN NULL ELSE coalesce(discrepancies.todo, excluded.todo) END,
         version = MAX(discrepancies.version + 1, excluded.version), doc = excluded.doc`,
      difference.id,
      difference.day,
      bill,
      difference.kind,
      discrepancy.status,
      run,
      todo,
      now,
      JSON.stringify(discrepancy),
    );
  }
}

const newOf = (difference: Difference, now: number): Discrepancy => ({
  ...difference,
  status: 'open',
  note: null,
  owner: null,
  foundAt: now,
  updatedAt: now,
  eventId: null,
});

/** Repairs of the day that the ledgers have not heard of, each with the id of its event. */
export const repairsOf = (sql: SqlStorage, day: BillDay, after: string, limit: number) =>
  sql
    .exec<Row & { todo: string; bill: BillKind }>(
      'SELECT doc, todo, bill FROM discrepancies WHERE day = ? AND todo IS NOT NULL AND id > ? ORDER BY id LIMIT ?',
      day,
      after,
      limit,
    )
    .toArray()
    .map((row) => ({ discrepancy: discrepancyOf(row), eventId: row.todo, bill: row.bill }));

type NotFound = {
  readonly day: BillDay;
  readonly bill: BillKind;
  readonly run: number;
  readonly kinds: readonly DifferenceKind[];
  readonly after: string;
};

/** Open ones of a bill that its last run did not find any more, by id. */
export const notFoundAgain = (
  sql: SqlStorage,
  { day, bill, run, kinds, after }: NotFound,
  limit: number,
): readonly Discrepancy[] =>
  sql
    .exec<Row>(
      `SELECT doc FROM discrepancies WHERE day = ? AND bill = ? AND status = 'open' AND id > ? AND run < ?
         AND kind IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?`,
      day,
      bill,
      after,
      run,
      JSON.stringify(kinds),
      limit,
    )
    .toArray()
    .map(discrepancyOf);

/** A run's discrepancies by id, a page at a time. `run`: its id, which theirs begin with. */
export const discrepanciesOf = (sql: SqlStorage, run: string, after: string, limit: number): readonly Discrepancy[] =>
  sql
    .exec<Row>(
      'SELECT doc FROM discrepancies WHERE id > ? AND id < ? ORDER BY id LIMIT ?',
      after === '' ? `${run}~` : after,
      `${run}~\u{10ffff}`,
      limit,
    )
    .toArray()
    .map(discrepancyOf);

/** Settled ones of days before; ids begin with channel and day. */
export const settledBefore = (sql: SqlStorage, run: string, limit: number): readonly string[] =>
  sql
    .exec<{ id: string }>(
      "SELECT id FROM discrepancies WHERE id < ? AND status <> 'open' ORDER BY id LIMIT ?",
      run,
      limit,
    )
    .toArray()
    .map(({ id }) => id);

export function dropDiscrepancies(sql: SqlStorage, ids: readonly string[]): void {
  sql.exec('DELETE FROM discrepancies WHERE id IN (SELECT value FROM json_each(?))', JSON.stringify(ids));
}

/** How many want a person: of a day, or of all. */
export function countOpen(sql: SqlStorage, day?: BillDay): number {
  const open = "SELECT COUNT(*) AS n FROM discrepancies WHERE status = 'open'";
  const counted =
    day === undefined ? sql.exec<{ n: number }>(open) : sql.exec<{ n: number }>(`${open} AND day = ?`, day);
  return counted.one().n;
}
