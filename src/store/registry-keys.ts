// SQL of the verification keys fetched from providers, and of when they were last asked for. Public keys only.
import type { FetchedKey } from '../core/channel.ts';
import { FETCHED_KEYS_MAX } from '../core/limits.ts';

type KeyRow = { serial: string; pem: string; effectiveAt: number; expiresAt: number };

export function readFetchedKeys(sql: SqlStorage, channelId: string): readonly FetchedKey[] {
  return sql
    .exec<KeyRow>(
      `SELECT serial, pem, effective_at AS effectiveAt, expires_at AS expiresAt FROM fetched_keys
       WHERE channel = ? ORDER BY expires_at DESC, serial`,
      channelId,
    )
    .toArray();
}

/** Adds what was fetched, then drops the expired and all but the longest-lived. */
export function storeFetchedKeys(sql: SqlStorage, channelId: string, keys: readonly FetchedKey[], now: number): void {
  for (const { serial, pem, effectiveAt, expiresAt } of keys) {
    sql.exec(
      `INSERT INTO fetched_keys (channel, serial, pem, effective_at, expires_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (channel, serial) DO UPDATE SET pem = excluded.pem, effective_at = excluded.effective_at,
         expires_at = excluded.expires_at`,
      channelId,
      serial,
      pem,
      effectiveAt,
      expiresAt,
    );
  }
  sql.exec('DELETE FROM fetched_keys WHERE channel = ? AND expires_at <= ?', channelId, now);
  sql.exec(
    `DELETE FROM fetched_keys WHERE channel = ?1 AND serial NOT IN
       (SELECT serial FROM fetched_keys WHERE channel = ?1 ORDER BY expires_at DESC, serial LIMIT ?2)`,
    channelId,
    FETCHED_KEYS_MAX,
  );
}

export function forgetFetchedKeys(sql: SqlStorage, channelId: string): void {
  sql.exec('DELETE FROM fetched_keys WHERE channel = ?', channelId);
  sql.exec('DELETE FROM key_fetches WHERE channel = ?', channelId);
}

/** When keys were last asked for, answered or not; null when never. */
export function readKeyFetchAt(sql: SqlStorage, channelId: string): number | null {
  return sql.exec<{ at: number }>('SELECT at FROM key_fetches WHERE channel = ?', channelId).toArray()[0]?.at ?? null;
}

export function markKeyFetch(sql: SqlStorage, channelId: string, now: number): void {
  sql.exec(
    'INSERT INTO key_fetches (channel, at) VALUES (?, ?) ON CONFLICT (channel) DO UPDATE SET at = excluded.at',
    channelId,
    now,
  );
}
