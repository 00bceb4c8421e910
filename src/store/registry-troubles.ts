// SQL of the channels whose provider does not answer: one row for each, gone with the first answer. Decides nothing.
import type { Trouble } from '../core/provider-health.ts';

const TROUBLE = 'SELECT channel, kind, since, last_at AS lastAt, count, detail FROM provider_troubles';

export const readTrouble = (sql: SqlStorage, channel: string): Trouble | null =>
  sql.exec<Trouble>(`${TROUBLE} WHERE channel = ?`, channel).toArray()[0] ?? null;

export const listTroubles = (sql: SqlStorage): readonly Trouble[] =>
  sql.exec<Trouble>(`${TROUBLE} ORDER BY channel`).toArray();

export function putTrouble(sql: SqlStorage, { channel, kind, since, lastAt, count, detail }: Trouble): void {
  sql.exec(
    `INSERT OR REPLACE INTO provider_troubles (channel, kind, since, last_at, count, detail)
     VALUES (?, ?, ?, ?, ?, ?)`,
    channel,
    kind,
    since,
    lastAt,
    count,
    detail,
  );
}

export function dropTrouble(sql: SqlStorage, channel: string): void {
  sql.exec('DELETE FROM provider_troubles WHERE channel = ?', channel);
}

/** Those of which nobody heard for so long that nobody knows. */
export function forgetTroubles(sql: SqlStorage, before: number): void {
  sql.exec('DELETE FROM provider_troubles WHERE last_at < ?', before);
}
