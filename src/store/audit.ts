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
  /** What it was done to: `order/shop/1001`, `channel/shop`, `key/key_…`. */
  readonly subject: string;
  readonly remote_address: string | null;
};
export type AuditFilter = {
  readonly actor?: string | undefined;
  readonly act?: string | undefined;
  readonly subject?: string | undefined;
  readonly channel?: string | undefined;
  /** Epoch milliseconds, the first included, the second not. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
};
export type AuditPlace = readonly [at: number, id: string];

const FIELDS = 'at, id, channel, order_no, act, actor, about, reason, subject, remote_address';
const PUT = `INSERT INTO audit (${FIELDS})
  SELECT ${FIELDS.split(', ')
    .map((name) => `j.value ->> '$.${name}'`)
    .join(', ')}
  FROM json_each(?1) j WHERE true ON CONFLICT DO NOTHING`;

export async function putAudit(db: D1Database, rows: readonly AuditRow[]): Promise<void> {
  await db.prepare(PUT).bind(JSON.stringify(rows)).run();
}

/** One row more than the limit, so that the caller knows whether another page follows. */
export async function listAudit(
  db: D1Database,
  { actor, act, subject, channel, from, to }: AuditFilter,
  place: AuditPlace | null,
  limit: number,
): Promise<readonly AuditRow[]> {
  const [at, id] = place ?? [Number.MAX_SAFE_INTEGER, ''];
  const terms: readonly (readonly [sql: string, value: string | number | undefined])[] = [
    ['actor = ?', actor],
    ['act = ?', act],
    ['subject = ?', subject],
    ['channel = ?', channel],
    ['at >= ?', from],
    ['at < ?', to],
  ];
  const given = terms.flatMap(([sql, value]) => (value === undefined ? [] : [{ sql, value }]));
  const where = ['(at, id) < (?, ?)', ...given.map(({ sql }) => sql)].join(' AND ');
  const { results } = await db
    .prepare(`SELECT ${FIELDS} FROM audit WHERE ${where} ORDER BY at DESC, id DESC LIMIT ?`)
    .bind(at, id, ...given.map(({ value }) => value), limit + 1)
    .all<AuditRow>();
  return results;
}
