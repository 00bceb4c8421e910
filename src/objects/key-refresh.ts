// Fetches a channel's verification keys from its provider, at most once a minute, and keeps them beside the channel.
// Believes only what the provider's file has verified. A failure is an alarm only when nothing is left to verify with.
import { callProvider } from '../call-provider.ts';
import type { Alarm } from '../core/alarm.ts';
import type { Channel, FetchedKey } from '../core/channel.ts';
import {
  KEY_ENDING_INTERVAL_MS,
  KEY_ENDING_MS,
  KEY_REFRESH_INTERVAL_MAX_MS,
  KEY_REFRESH_INTERVAL_MIN_MS,
} from '../core/limits.ts';
import type { KeyRefresh } from '../core/registry.ts';
import { err, type Result } from '../core/result.ts';
import { readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { listChannelRows, readChannelRow, recordOf } from '../store/registry-channels.ts';
import { openCredentials } from '../store/registry-copy.ts';
import { markKeyFetch, readFetchedKeys, readKeyFetchAt, storeFetchedKeys } from '../store/registry-keys.ts';
import { endOf } from './alarm-book.ts';

type Keys = NonNullable<AnyProvider['keys']>;

export class KeyRefresher {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #raise: (alarms: readonly Alarm[]) => void;
  readonly #running = new Map<string, Promise<KeyRefresh>>();

  constructor(storage: DurableObjectStorage, env: Env, raise: (alarms: readonly Alarm[]) => void) {
    this.#storage = storage;
    this.#env = env;
    this.#raise = raise;
  }

  /** Callers who come while a download is under way wait for that one. */
  refresh(channelId: string, now: number, keyId?: string): Promise<KeyRefresh> {
    const running = this.#running.get(channelId);
    if (running) return running;
    const refreshing = this.#refresh(channelId, now, keyId).finally(() => this.#running.delete(channelId));
    this.#running.set(channelId, refreshing);
    return refreshing;
  }

  /** Looks again where keys are old, and each minute where none is left. Never throws. */
  async refreshDue(now: number): Promise<void> {
    const due = listChannelRows(this.#storage.sql).map(async (channel) => {
      if (await this.#isDue(channel, now)) await this.refresh(channel.id, now);
    });
    for (const outcome of await Promise.allSettled(due)) {
      if (outcome.status === 'rejected') console.error(JSON.stringify({ hop: 'keys', error: String(outcome.reason) }));
    }
  }

  async #isDue(channel: Channel, now: number): Promise<boolean> {
    const keys = providerOf(channel.provider)?.keys;
    if (!keys || keys.byId || channel.status === 'disabled') return false;
    const askedAt = readKeyFetchAt(this.#storage.sql, channel.id);
    if (askedAt === null || now - askedAt >= KEY_REFRESH_INTERVAL_MAX_MS) return true;
    const lasting = validKeys(readFetchedKeys(this.#storage.sql, channel.id), now).map(({ expiresAt }) => expiresAt);
    if (lasting.length === 0) return !(await this.#brings(channel, keys));
    return now - askedAt >= KEY_ENDING_INTERVAL_MS && Math.max(...lasting) - now < KEY_ENDING_MS;
  }

  async #refresh(channelId: string, now: number, keyId?: string): Promise<KeyRefresh> {
    const { sql } = this.#storage;
    const channel = readChannelRow(sql, channelId);
    const keys = channel && providerOf(channel.provider)?.keys;
    if (!channel || !keys || (keys.byId && keyId === undefined)) return 'not_wanted';
    const askedAt = readKeyFetchAt(sql, channelId);
    if (askedAt !== null && now - askedAt < KEY_REFRESH_INTERVAL_MIN_MS) return 'recent';
    const credentials = await this.#open(channel);
    if (credentials !== null && !keys.wanted(credentials)) return 'not_wanted';
    markKeyFetch(sql, channelId, now); // durable before the request leaves: the platform holds it until then
    const fetched = await this.#fetch(channel, keys, credentials, now, keyId);
    if (fetched.ok && this.#keep(channel, fetched.value, now)) {
      this.#raise([endOf('keys_unavailable', `channel/${channelId}`, now)]);
      return 'refreshed';
    }
    const detail = fetched.ok ? 'The credentials changed during the download.' : fetched.error;
    console.warn(JSON.stringify({ hop: 'keys', channel: channelId, detail }));
    await this.#alarmWhenBare(channel, keys, detail, now);
    return 'failed';
  }

  async #fetch(
    channel: Channel,
    keys: Keys,
    credentials: unknown,
    now: number,
    keyId?: string,
  ): Promise<Result<readonly FetchedKey[], string>> {
    if (credentials === null) return err('The credentials do not open: see the log.');
    try {
      const nonce = crypto.randomUUID().replaceAll('-', '');
      const context = keyId === undefined ? { now, nonce } : { now, nonce, keyId };
      const answer = await callProvider(await keys.request(credentials, context), readConfig(this.#env));
      if (!answer.ok) return err(answer.error.detail);
      const known = validKeys(readFetchedKeys(this.#storage.sql, channel.id), now);
      const read = await keys.read(answer.value, credentials, known, now, keyId);
      return read.ok ? read : err(read.error.detail);
    } catch (error) {
      return err(String(error));
    }
  }

  /** False when the credentials changed meanwhile: what was fetched with the old ones may be another merchant's. */
  #keep(channel: Channel, keys: readonly FetchedKey[], now: number): boolean {
    return this.#storage.transactionSync(() => {
      if (readChannelRow(this.#storage.sql, channel.id)?.credentials !== channel.credentials) return false;
      storeFetchedKeys(this.#storage.sql, channel.id, keys, now);
      return true;
    });
  }

  /** Null when they do not open: the log says why, and never what is inside. */
  async #open(channel: Channel): Promise<unknown> {
    try {
      return await openCredentials(recordOf(this.#storage.sql, channel), readConfig(this.#env).masterKey);
    } catch (error) {
      console.error(JSON.stringify({ hop: 'keys', channel: channel.id, error: String(error) }));
      return null;
    }
  }

  async #brings(channel: Channel, keys: Keys): Promise<boolean> {
    const credentials = await this.#open(channel);
    return credentials !== null && keys.brought(credentials);
  }

  async #alarmWhenBare(channel: Channel, keys: Keys, detail: string, now: number): Promise<void> {
    if (validKeys(readFetchedKeys(this.#storage.sql, channel.id), now).length > 0) return;
    if (await this.#brings(channel, keys)) return;
    this.#raise([{ code: 'keys_unavailable', subject: `channel/${channel.id}`, detail, at: now }]);
  }
}

const validKeys = (keys: readonly FetchedKey[], now: number): readonly FetchedKey[] =>
  keys.filter((key) => key.effectiveAt <= now && now < key.expiresAt);
