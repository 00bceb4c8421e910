// The audit log in D1: acts of people, told by the ledgers. Newest first for the API; never truth.
export type AuditRow = {
  readonly at: number;
  readonly id: string;
  readonly channel: string;
  readonly order_no: string;
  readonly act: string;
  readonly actor: string;
  readonly about: string;
  readonly reason: string | null;
};
export type AuditPlace = readonly [at: number, id: string];

const FIELDS = 'at, id, channel, order_no, act, actor, about, reason';
const PUT = `INSERT INTO audit (${FIELDS})
  SELECT ${FIELDS.split(', ')
    .map((name) => `j.value ->> '$.${name}'`)
    .join(', ')}
  FROM json_each(?1) j WHERE true ON CONFLICT DO NOTHING`;

export async function putAudit(db: D1Database, rows: readonly AuditRow[]): Promise<void> {
  await db.prepare(PUT).bind(JSON.stringify(rows)).run();
}

/** One row more than the limit, so that the caller knows whether another page follows. */
export async function listAudit(db: D1Database, place: AuditPlace | null, limit: number): Promise<readonly AuditRow[]> {
  const [at, id] = place ?? [Number.MAX_SAFE_INTEGER, ''];
  const { results } = await db
    .prepare(`SELECT ${FIELDS} FROM audit WHERE (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ?`)
    .bind(at, id, limit + 1)
    .all<AuditRow>();
  return results;
}
