// SQL of the configuration pushes that not every shard has taken yet. A row outlives a crash between change and push.
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN } from '../core/limits.ts';

/** A push that is not finished; `token` tells it from a later one for the same channel. */
export type Push = { readonly channel: string; readonly token: string; readonly failures: number };

/** Notes, in the transaction of the change itself, that the channel's shards have to be told. */
export function notePush(sql: SqlStorage, channelId: string, token: string, dueAt: number): void {
  sql.exec(
    `INSERT INTO pushes (channel, token, failures, due_at) VALUES (?1, ?2, 0, ?3)
     ON CONFLICT (channel) DO UPDATE SET token = excluded.token, failures = 0, due_at = excluded.due_at`,
    channelId,
    token,
    dueAt,
  );
}

export function readPush(sql: SqlStorage, channelId: string): Push | null {
  return (
    sql.exec<Push>('SELECT channel, token, failures FROM pushes WHERE channel = ?', channelId).toArray()[0] ?? null
  );
}

export function listDuePushes(sql: SqlStorage, now: number): readonly Push[] {
  return sql.exec<Push>('SELECT channel, token, failures FROM pushes WHERE due_at <= ? ORDER BY due_at', now).toArray();
}

/** Removes the push, unless the channel changed again while it was under way. */
export function finishPush(sql: SqlStorage, { channel, token }: Push): void {
  sql.exec('DELETE FROM pushes WHERE channel = ? AND token = ?', channel, token);
}

export function postponePush(sql: SqlStorage, { channel, token, failures }: Push, now: number): void {
  const waitMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** Math.min(failures, 20));
  sql.exec(
    'UPDATE pushes SET failures = failures + 1, due_at = ? WHERE channel = ? AND token = ?',
    now + waitMs,
    channel,
    token,
  );
}

export function nextPushAt(sql: SqlStorage): number | null {
  return sql.exec<{ at: number | null }>('SELECT min(due_at) AS at FROM pushes').one().at;
}
