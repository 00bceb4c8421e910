// SQL of the registry's channels, and what a shard keeps of one. Knows no secret but sealed ones.
import {
  type Channel,
  type ChannelRecord,
  type ChannelSettings,
  type ChannelStatus,
  DEFAULT_CHANNEL_SETTINGS,
  type DispatchConfig,
  type PreviousCredentials,
} from '../core/channel.ts';
import type { Origin } from '../core/origin.ts';
import type { ChannelChange, ChannelDraft } from '../core/registry.ts';
import { credentialsAfter } from '../core/rotation.ts';
import { forgetFetchedKeys, readFetchedKeys } from './registry-keys.ts';
import { readOriginRow } from './registry-origins.ts';

type ChannelRow = {
  id: string;
  uid: string;
  version: number;
  provider: string;
  status: ChannelStatus;
  status_at: number;
  mode: Channel['mode'];
  environment: Channel['environment'];
  shards: number;
  location_hint: string | null;
  origins: string;
  allowlist: string;
  credentials: string;
  settings: string;
  previous: string | null;
  created_at: number;
  updated_at: number;
};

function channelOf(row: ChannelRow): Channel {
  const origins: readonly string[] = JSON.parse(row.origins);
  const allowlist: Channel['allowlist'] = JSON.parse(row.allowlist);
  const settings: Partial<ChannelSettings> = JSON.parse(row.settings);
  const previous: PreviousCredentials | null = row.previous === null ? null : JSON.parse(row.previous);
  return {
    id: row.id,
    uid: row.uid,
    version: row.version,
    provider: row.provider,
    status: row.status,
    mode: row.mode,
    settings: { ...DEFAULT_CHANNEL_SETTINGS, ...settings },
    environment: row.environment,
    shards: row.shards,
    locationHint: row.location_hint,
    origins,
    allowlist,
    credentials: row.credentials,
    previous,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export function readChannelRow(sql: SqlStorage, id: string): Channel | null {
  const row = sql.exec<ChannelRow>('SELECT * FROM channels WHERE id = ?', id).toArray()[0];
  return row ? channelOf(row) : null;
}

export function listChannelRows(sql: SqlStorage): readonly Channel[] {
  return sql.exec<ChannelRow>('SELECT * FROM channels ORDER BY id').toArray().map(channelOf);
}

export function listChannelIds(sql: SqlStorage): readonly string[] {
  return sql
    .exec<{ id: string }>('SELECT id FROM channels')
    .toArray()
    .map(({ id }) => id);
}

export function insertChannel(sql: SqlStorage, draft: ChannelDraft, now: number): Channel {
  const row = sql
    .exec<ChannelRow>(
      `INSERT INTO channels (id, uid, version, provider, status, status_at, mode, environment, shards, location_hint,
         origins, allowlist, credentials, created_at, updated_at, settings)
       VALUES (?1, ?2, 1, ?3, 'active', ?11, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12) RETURNING *`,
      draft.id,
      draft.uid,
      draft.provider,
      draft.mode,
      draft.environment,
      draft.shards,
      draft.locationHint,
      JSON.stringify(draft.origins),
      JSON.stringify(draft.allowlist),
      draft.credentials,
      now,
      JSON.stringify(draft.settings),
    )
    .one();
  return channelOf(row);
}

/**
 * Settings change member by member, everything else as a whole. Credentials that replace others at once may be another
 * merchant's: nothing that was fetched with the old ones is kept.
 */
export function changeChannel(sql: SqlStorage, channel: Channel, change: ChannelChange, now: number): void {
  const settings: ChannelSettings = { ...channel.settings, ...change.settings };
  const { credentials, previous } = credentialsAfter(channel, change, now);
  sql.exec(
    `UPDATE channels SET version = version + 1, updated_at = ?1, origins = coalesce(?2, origins),
       allowlist = coalesce(?3, allowlist), credentials = ?4, mode = coalesce(?5, mode), settings = ?6, previous = ?7
     WHERE id = ?8`,
    now,
    change.origins ? JSON.stringify(change.origins) : null,
    change.allowlist ? JSON.stringify(change.allowlist) : null,
    credentials,
    change.mode ?? null,
    JSON.stringify(settings),
    previous && JSON.stringify(previous),
    channel.id,
  );
  if (change.credentials !== undefined) forgetFetchedKeys(sql, channel.id);
}

export function setChannelStatus(sql: SqlStorage, id: string, status: ChannelStatus, now: number): void {
  sql.exec(
    'UPDATE channels SET version = version + 1, updated_at = ?1, status = ?2, status_at = ?1 WHERE id = ?3',
    now,
    status,
    id,
  );
}

/** Earlier credentials are not kept beyond their end. */
export function forgetEndedCredentials(sql: SqlStorage, now: number): void {
  sql.exec("UPDATE channels SET previous = NULL WHERE json_extract(previous, '$.until') <= ?", now);
}

/** Channels that have been paused since before `since`. */
export function listPausedChannels(sql: SqlStorage, since: number): readonly { id: string; pausedAt: number }[] {
  return sql
    .exec<{ id: string; pausedAt: number }>(
      "SELECT id, status_at AS pausedAt FROM channels WHERE status = 'paused' AND status_at <= ?",
      since,
    )
    .toArray();
}

export function listChannelsOfOrigin(sql: SqlStorage, originId: string): readonly Channel[] {
  return sql
    .exec<ChannelRow>(
      'SELECT * FROM channels WHERE EXISTS (SELECT 1 FROM json_each(channels.origins) WHERE value = ?) ORDER BY id',
      originId,
    )
    .toArray()
    .map(channelOf);
}

/** Everything an isolate keeps about a channel. */
export function recordOf(sql: SqlStorage, channel: Channel): ChannelRecord {
  const origins = channel.origins.map((id) => readOriginRow(sql, id)).filter((origin) => origin !== null);
  return { channel, keys: readFetchedKeys(sql, channel.id), dispatch: dispatchOf(channel, origins) };
}

/** A disabled channel takes nothing in; what it acknowledged before still goes out. */
export function dispatchOf(channel: Channel, origins: readonly Origin[]): DispatchConfig {
  return {
    channelId: channel.id,
    provider: channel.provider,
    channelVersion: channel.version,
    paused: channel.status === 'paused',
    mode: channel.mode,
    settings: channel.settings,
    origins: origins.map(({ id, version, status, ladderSeconds, perSecond, concurrent, settings }) => ({
      id,
      version,
      paused: status === 'paused',
      ladderSeconds,
      perSecond,
      concurrent,
      filter: settings.filter,
      breaker: settings.breaker,
      pauseAfterSeconds: settings.pauseAfterSeconds,
      acceptsTest: settings.acceptsTest,
    })),
  };
}
