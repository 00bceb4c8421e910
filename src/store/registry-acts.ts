// SQL of what people did to the registry: written in the transaction of the act itself, never changed, and told to D1
// until D1 has it.
import type { Act } from '../core/act.ts';

export function putAct(sql: SqlStorage, { kind, subject, actor, address, about, reason }: Act, at: number): void {
  sql.exec(
    `INSERT INTO acts (at, kind, subject, actor, address, about, reason, posted) VALUES (?, ?, ?, ?, ?, ?, ?, 0)`,
    at,
    kind,
    subject ?? '',
    actor,
    address,
    about,
    reason,
  );
}

export type ActRow = {
  readonly id: number;
  readonly at: number;
  readonly kind: string;
  readonly subject: string;
  readonly actor: string;
  readonly address: string | null;
  readonly about: string;
  readonly reason: string | null;
};

export const actsToPost = (sql: SqlStorage, limit: number): ActRow[] =>
  sql
    .exec<ActRow>(
      `SELECT id, at, kind, subject, actor, address, about, reason FROM acts WHERE posted = 0 ORDER BY id LIMIT ?`,
      limit,
    )
    .toArray();

export function markPosted(sql: SqlStorage, throughId: number): void {
  sql.exec('UPDATE acts SET posted = 1 WHERE posted = 0 AND id <= ?', throughId);
}

/** D1 is told everything again. */
export function postAgain(sql: SqlStorage): void {
  sql.exec('UPDATE acts SET posted = 0');
}

/** The oldest few that D1 has and that came before. */
export function forgetOldActs(sql: SqlStorage, before: number): void {
  sql.exec(
    'DELETE FROM acts WHERE id IN (SELECT id FROM acts ORDER BY id LIMIT 100) AND posted = 1 AND at < ?',
    before,
  );
}

/** How many of a kind came since then, up to a bound. */
export const countActs = (sql: SqlStorage, kind: string, since: number, max: number): number =>
  sql
    .exec<{ n: number }>(
      'SELECT COUNT(*) AS n FROM (SELECT 1 FROM acts WHERE kind = ? AND at >= ? LIMIT ?)',
      kind,
      since,
      max,
    )
    .one().n;
