// What a reconciler tells D1: its runs and discrepancies as they stand. The newest version wins, so that a repeated or
// late write changes nothing. Never read by the reconciler.
import { RUN_PROJECT_MAX } from '../core/run-limits.ts';

type Untold = { readonly id: string; readonly version: number; readonly doc: string };

export type RunProjection = { readonly runs: readonly Untold[]; readonly discrepancies: readonly Untold[] };

/** The next rows that D1 has not heard of; null when it knows everything. */
export function readRunProjection(sql: SqlStorage): RunProjection | null {
  const runs = untold(sql, 'SELECT day AS id, version, doc FROM runs WHERE told = 0 ORDER BY day LIMIT ?');
  const discrepancies = untold(sql, 'SELECT id, version, doc FROM discrepancies WHERE told = 0 ORDER BY id LIMIT ?');
  return runs.length + discrepancies.length === 0 ? null : { runs, discrepancies };
}

const untold = (sql: SqlStorage, query: string): readonly Untold[] =>
  sql.exec<Untold>(query, RUN_PROJECT_MAX).toArray();

/** D1 has heard; what changed meanwhile is still to be told. */
export function settleRunProjection(sql: SqlStorage, { runs, discrepancies }: RunProjection): void {
  for (const { id, version } of runs) {
    sql.exec('UPDATE runs SET told = 1 WHERE day = ? AND version = ?', id, version);
  }
  for (const { id, version } of discrepancies) {
    sql.exec('UPDATE discrepancies SET told = 1 WHERE id = ? AND version = ?', id, version);
  }
}

/** Everything is to be told again: D1 was lost or is being rebuilt. */
export function untellRuns(sql: SqlStorage): void {
  sql.exec('UPDATE runs SET told = 0');
  sql.exec('UPDATE discrepancies SET told = 0');
}

const field = (name: string) => `j.value ->> '$.doc.${name}'`;
const RUN_FIELDS = ['channel', 'day', 'state', 'startedAt', 'updatedAt'];
const DIFFERENCE_FIELDS = ['id', 'channel', 'day', 'kind', 'status', 'owner', 'orderNo', 'foundAt', 'updatedAt'];

const PUT_RUNS = `INSERT INTO reconciliations (channel, day, state, started_at, updated_at, version, doc)
  SELECT ${RUN_FIELDS.map(field).join(', ')}, j.value ->> '$.version', j.value -> '$.doc'
  FROM json_each(?1) j WHERE true
  ON CONFLICT (day, channel) DO UPDATE SET state = excluded.state, started_at = excluded.started_at,
    updated_at = excluded.updated_at, version = excluded.version, doc = excluded.doc
  WHERE excluded.version > reconciliations.version`;
const PUT_DIFFERENCES = `INSERT INTO discrepancies
    (id, channel, day, kind, status, owner, order_no, found_at, updated_at, version, doc)
  SELECT ${DIFFERENCE_FIELDS.map(field).join(', ')}, j.value ->> '$.version', j.value -> '$.doc'
  FROM json_each(?1) j WHERE true
  ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, status = excluded.status, owner = excluded.owner,
    found_at = excluded.found_at, updated_at = excluded.updated_at, version = excluded.version, doc = excluded.doc
  WHERE excluded.version > discrepancies.version`;

/** One transaction in D1. */
export async function putRunProjection(db: D1Database, { runs, discrepancies }: RunProjection): Promise<void> {
  const parts: [string, readonly Untold[]][] = [
    [PUT_RUNS, runs],
    [PUT_DIFFERENCES, discrepancies],
  ];
  const statements = parts
    .filter(([, rows]) => rows.length > 0)
    .map(([statement, rows]) => db.prepare(statement).bind(`[${rows.map(jsonOf).join(',')}]`));
  await db.batch(statements);
}

/** D1 lets go of what its owner lets go of. */
export async function unlistDiscrepancies(db: D1Database, ids: readonly string[]): Promise<void> {
  const gone = 'DELETE FROM discrepancies WHERE id IN (SELECT value FROM json_each(?))';
  await db.prepare(gone).bind(JSON.stringify(ids)).run();
}

/** The document is JSON already. */
const jsonOf = ({ version, doc }: Untold): string => `{"version":${version},"doc":${doc}}`;
