// SQL of the registry's settings of Cloudflare Access, and of the times at which sessions were ended. Holds no secret:
// what proves a person is signed elsewhere.
import { type AccessSettings, type Logouts, NO_ACCESS } from '../core/access.ts';
import { LOGOUTS_MAX, LOGOUTS_OF_ONE_MAX } from '../core/limits.ts';

/** Who means everybody. An API key has no such id, and a person an @. */
const EVERYBODY = '*';

export type KeptAccess = { readonly version: number; readonly settings: AccessSettings };

export function readAccess(sql: SqlStorage): KeptAccess {
  const [row] = sql.exec<{ version: number; doc: string }>('SELECT version, doc FROM access WHERE id = 1').toArray();
  if (!row) return { version: 0, settings: NO_ACCESS };
  return { version: row.version, settings: JSON.parse(row.doc) as AccessSettings }; // written by putAccess alone
}

export function putAccess(sql: SqlStorage, settings: AccessSettings, now: number): KeptAccess {
  sql.exec(
    `INSERT INTO access (id, version, doc, updated_at) VALUES (1, 1, ?1, ?2)
     ON CONFLICT DO UPDATE SET version = version + 1, doc = excluded.doc, updated_at = excluded.updated_at`,
    JSON.stringify(settings),
    now,
  );
  return readAccess(sql);
}

/** `actor` null: everybody. `whose` is given where it is one session alone. */
export function putLogout(sql: SqlStorage, actor: string | null, now: number, whose: string | null = null): void {
  sql.exec(
    'INSERT INTO logouts (actor, at, whose) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)',
    actor ?? EVERYBODY,
    now,
    whose,
  );
  if (whose !== null) foldOldest(sql, 'whose = ?', [whose], LOGOUTS_OF_ONE_MAX, whose);
  foldOldest(sql, 'actor <> ?', [EVERYBODY], LOGOUTS_MAX, EVERYBODY);
}

/**
 * Every isolate reads all of these every few seconds. The oldest ones give way to one that ends more: older sessions of
 * the same person, or of everybody. Never does a session that was ended come back.
 */
function foldOldest(sql: SqlStorage, where: string, given: readonly string[], most: number, into: string): void {
  const over = sql
    .exec<{ actor: string; at: number }>(
      `SELECT actor, at FROM logouts WHERE ${where} ORDER BY at DESC, actor LIMIT -1 OFFSET ?`,
      ...given,
      most,
    )
    .toArray();
  const [newest] = over;
  if (!newest) return;
  for (const { actor } of over) sql.exec('DELETE FROM logouts WHERE actor = ?', actor);
  putLogout(sql, into, newest.at);
}

export function readLogouts(sql: SqlStorage): Logouts {
  const rows = sql.exec<{ actor: string; at: number }>('SELECT actor, at FROM logouts').toArray();
  const of = Object.fromEntries(rows.filter(({ actor }) => actor !== EVERYBODY).map(({ actor, at }) => [actor, at]));
  return { all: rows.find(({ actor }) => actor === EVERYBODY)?.at ?? 0, of };
}

/** Sessions of that time are over by themselves. */
export function forgetOldLogouts(sql: SqlStorage, before: number): void {
  sql.exec('DELETE FROM logouts WHERE at < ?', before);
}
