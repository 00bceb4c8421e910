// SQL of the registry's origins. Knows no secret but sealed ones; a secret that no longer signs is forgotten.
import { DEFAULT_ORIGIN_SETTINGS, type Origin, type OriginSecret, type OriginSettings } from '../core/origin.ts';
import type { OriginChange, OriginDraft, OriginPause, OriginResume, Rotation } from '../core/registry.ts';

type OriginRow = {
  id: string;
  version: number;
  url: string;
  format: string;
  status: Origin['status'];
  pause_reason: string | null;
  secrets: string;
  timeout_ms: number;
  ladder_seconds: string;
  per_second: number;
  concurrent: number;
  settings: string;
  created_at: number;
  updated_at: number;
};

function originOf(row: OriginRow): Origin {
  const secrets: readonly OriginSecret[] = JSON.parse(row.secrets);
  const ladderSeconds: readonly number[] = JSON.parse(row.ladder_seconds);
  const settings: Partial<OriginSettings> = JSON.parse(row.settings);
  return {
    id: row.id,
    version: row.version,
    url: row.url,
    format: row.format,
    settings: { ...DEFAULT_ORIGIN_SETTINGS, ...settings },
    status: row.status,
    pauseReason: row.pause_reason,
    secrets,
    timeoutMs: row.timeout_ms,
    ladderSeconds,
    perSecond: row.per_second,
    concurrent: row.concurrent,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function readOriginRow(sql: SqlStorage, id: string): Origin | null {
  const row = sql.exec<OriginRow>('SELECT * FROM origins WHERE id = ?', id).toArray()[0];
  return row ? originOf(row) : null;
}

export function listOriginRows(sql: SqlStorage): readonly Origin[] {
  return sql.exec<OriginRow>('SELECT * FROM origins ORDER BY id').toArray().map(originOf);
}

export function insertOrigin(sql: SqlStorage, draft: OriginDraft, now: number): Origin {
  const secret: OriginSecret = { ...draft.secret, createdAt: now, expiresAt: null };
  const row = sql
    .exec<OriginRow>(
      `INSERT INTO origins (id, version, url, format, status, pause_reason, secrets, timeout_ms, ladder_seconds,
         per_second, concurrent, created_at, updated_at, settings)
       VALUES (?1, 1, ?2, ?3, 'active', NULL, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10) RETURNING *`,
      draft.id,
      draft.url,
      draft.format,
      JSON.stringify([secret]),
      draft.timeoutMs,
      JSON.stringify(draft.ladderSeconds),
      draft.perSecond,
      draft.concurrent,
      now,
      JSON.stringify({ ...DEFAULT_ORIGIN_SETTINGS, ...draft.settings }),
    )
    .one();
  return originOf(row);
}

/** Settings change member by member. */
export function changeOrigin(sql: SqlStorage, { id, settings }: Origin, change: OriginChange, now: number): void {
  sql.exec(
    `UPDATE origins SET version = version + 1, updated_at = ?1, url = coalesce(?2, url), format = coalesce(?3, format),
       timeout_ms = coalesce(?4, timeout_ms), ladder_seconds = coalesce(?5, ladder_seconds),
       per_second = coalesce(?6, per_second), concurrent = coalesce(?7, concurrent), settings = ?9
     WHERE id = ?8`,
    now,
    change.url ?? null,
    change.format ?? null,
    change.timeoutMs ?? null,
    change.ladderSeconds ? JSON.stringify(change.ladderSeconds) : null,
    change.perSecond ?? null,
    change.concurrent ?? null,
    id,
    JSON.stringify({ ...settings, ...change.settings }),
  );
}

/** The new secret signs at once; those before it go on signing until the overlap ends, or their own end if sooner. */
export function rotateSecrets(sql: SqlStorage, origin: Origin, rotation: Rotation, now: number): void {
  const endsAt = now + rotation.overlapMs;
  const older = origin.secrets
    .map((secret) => ({ ...secret, expiresAt: Math.min(secret.expiresAt ?? endsAt, endsAt) }))
    .filter((secret) => secret.expiresAt > now);
  const newest: OriginSecret = { ...rotation.secret, createdAt: now, expiresAt: null };
  sql.exec(
    'UPDATE origins SET version = version + 1, updated_at = ?1, secrets = ?2 WHERE id = ?3',
    now,
    JSON.stringify([newest, ...older]),
    origin.id,
  );
}

/** True when something changed: an older version than the current one and what is already so change nothing. */
export function pauseOriginRow(sql: SqlStorage, { id, version, reason, now }: OriginPause): boolean {
  const changed = sql.exec(
    `UPDATE origins SET version = version + 1, updated_at = ?1, status = 'paused', pause_reason = ?2
     WHERE id = ?3 AND version <= coalesce(?4, version)
       AND (status = 'active' OR (?2 = 'operator' AND pause_reason <> 'operator')) RETURNING id`,
    now,
    reason,
    id,
    version,
  );
  return changed.toArray().length > 0;
}

/** A person, who names no version, has an active origin tried afresh: each new version closes its breaker. */
export function resumeOriginRow(sql: SqlStorage, { id, version, now }: OriginResume): boolean {
  const changed = sql.exec(
    `UPDATE origins SET version = version + 1, updated_at = ?1, status = 'active', pause_reason = NULL
     WHERE id = ?2 AND version <= coalesce(?3, version) AND (status = 'paused' OR ?3 IS NULL) RETURNING id`,
    now,
    id,
    version,
  );
  return changed.toArray().length > 0;
}
