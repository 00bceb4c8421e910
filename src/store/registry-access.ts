// SQL of the registry's API keys, which are stored as hashes alone, and of the writes it remembers by Idempotency-Key.
import { IDEMPOTENCY_KEPT_MS, KEY_USE_NOTED_MS } from '../core/limits.ts';
import type { ApiKey, ApiKeyChange, ApiKeyCopy, ApiKeyDraft, Scope, WriteReply, WriteStamp } from '../core/registry.ts';

type ApiKeyRow = {
  id: string;
  name: string;
  scopes: string;
  ending: string;
  created_at: number;
  revoked_at: number | null;
  expires_at: number | null;
  last_used_at: number | null;
};

function apiKeyOf(row: ApiKeyRow): ApiKey {
  const scopes: readonly Scope[] = JSON.parse(row.scopes);
  const { id, name, ending } = row;
  const { created_at: createdAt, revoked_at: revokedAt, expires_at: expiresAt, last_used_at: lastUsedAt } = row;
  return { id, name, scopes, ending, createdAt, revokedAt, expiresAt, lastUsedAt };
}

const KEY_COLUMNS = 'id, name, scopes, ending, created_at, revoked_at, expires_at, last_used_at';

export function insertApiKey(sql: SqlStorage, draft: ApiKeyDraft, now: number): ApiKey {
  const row = sql
    .exec<ApiKeyRow>(
      `INSERT INTO api_keys (id, name, hash, scopes, ending, created_at, revoked_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, NULL, ?) RETURNING ${KEY_COLUMNS}`,
      draft.id,
      draft.name,
      draft.hash,
      JSON.stringify(draft.scopes),
      draft.ending,
      now,
      draft.expiresAt,
    )
    .one();
  return apiKeyOf(row);
}

export function listApiKeyRows(sql: SqlStorage): readonly ApiKey[] {
  return sql
    .exec<ApiKeyRow>(`SELECT ${KEY_COLUMNS} FROM api_keys ORDER BY created_at DESC, id DESC`)
    .toArray()
    .map(apiKeyOf);
}

/** The first revocation stands; null when there is no such key. */
export function revokeApiKeyRow(sql: SqlStorage, id: string, now: number): ApiKey | null {
  const row = sql
    .exec<ApiKeyRow>(
      `UPDATE api_keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING ${KEY_COLUMNS}`,
      now,
      id,
    )
    .toArray()[0];
  return row ? apiKeyOf(row) : null;
}

/** Null when there is no such key, or it was revoked. */
export function changeApiKeyRow(sql: SqlStorage, id: string, { name, expiresAt }: ApiKeyChange): ApiKey | null {
  const row = sql
    .exec<ApiKeyRow>(
      `UPDATE api_keys SET name = coalesce(?1, name), expires_at = CASE WHEN ?2 THEN ?3 ELSE expires_at END
       WHERE id = ?4 AND revoked_at IS NULL RETURNING ${KEY_COLUMNS}`,
      name ?? null,
      expiresAt === undefined ? 0 : 1,
      expiresAt ?? null,
      id,
    )
    .toArray()[0];
  return row ? apiKeyOf(row) : null;
}

/** Written once an hour and key at most, however many isolates tell. */
export function noteKeyUse(sql: SqlStorage, id: string, now: number): void {
  sql.exec(
    'UPDATE api_keys SET last_used_at = ?1 WHERE id = ?2 AND (last_used_at IS NULL OR last_used_at <= ?1 - ?3)',
    now,
    id,
    KEY_USE_NOTED_MS,
  );
}

type CopyRow = { id: string; hash: string; scopes: string; expiresAt: number | null; lastUsedAt: number | null };

export function listLiveApiKeys(sql: SqlStorage): readonly ApiKeyCopy[] {
  return sql
    .exec<CopyRow>(
      `SELECT id, hash, scopes, expires_at AS expiresAt, last_used_at AS lastUsedAt FROM api_keys
       WHERE revoked_at IS NULL`,
    )
    .toArray()
    .map(({ scopes, ...row }) => ({ ...row, scopes: JSON.parse(scopes) }));
}

export const countLiveApiKeys = (sql: SqlStorage): number =>
  sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM api_keys WHERE revoked_at IS NULL').one().n;

/**
 * Runs a write once per Idempotency-Key: the same request again gets the first reply, another request is refused.
 * To be called inside a transaction. Only what was done is remembered; a refusal may be mended and sent again.
 */
export function writeOnce<T>(
  sql: SqlStorage,
  { key, digest, now }: WriteStamp,
  write: () => WriteReply<T>,
): WriteReply<T> {
  if (key === null) return write();
  const remembered = sql
    .exec<{ digest: string; reply: string }>(
      'SELECT digest, reply FROM writes WHERE key = ? AND at > ?',
      key,
      now - IDEMPOTENCY_KEPT_MS,
    )
    .toArray()[0];
  if (remembered) {
    if (remembered.digest !== digest) return { kind: 'key_reused' };
    return { kind: 'done', value: JSON.parse(remembered.reply), repeated: true };
  }
  const reply = write();
  if (reply.kind === 'done') {
    sql.exec(
      'INSERT OR REPLACE INTO writes (key, digest, reply, at) VALUES (?, ?, ?, ?)',
      key,
      digest,
      JSON.stringify(reply.value),
      now,
    );
  }
  return reply;
}

export function forgetOldWrites(sql: SqlStorage, now: number): void {
  sql.exec('DELETE FROM writes WHERE at <= ?', now - IDEMPOTENCY_KEPT_MS);
}
