// Watches when the keys and certificates of channels end, and says so to a person in time. Opens credentials and shows
// nothing of them but dates and serials; changes no key.
import type { Alarm, AlarmKey } from '../core/alarm.ts';
import type { Channel } from '../core/channel.ts';
import { daysLeft, type KeyEnd, keyEndsOf, lastOnes, warnedSince } from '../core/key-ends.ts';
import { KEY_WATCH_MS } from '../core/limits.ts';
import { readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import { isNews, listWanting } from '../store/registry-alarms.ts';
import { listChannelRows, recordOf } from '../store/registry-channels.ts';
import { openCredentials } from '../store/registry-copy.ts';
import { endOf } from './alarm-book.ts';

/** A serial may be an address; the alarm's subject is short. */
const SERIAL_CHARS_MAX = 60;

export class KeyWatch {
  readonly #sql: SqlStorage;
  readonly #env: Env;
  #lookedAt: number | null = null;

  constructor(sql: SqlStorage, env: Env) {
    this.#sql = sql;
    this.#env = env;
  }

  /** The warnings that nobody has had yet. Looks once an hour at most; one channel's trouble is its own. */
  async due(now: number): Promise<readonly Alarm[]> {
    if (this.#lookedAt !== null && Math.abs(now - this.#lookedAt) < KEY_WATCH_MS) return [];
    this.#lookedAt = now;
    const alarms: Alarm[] = [];
    for (const channel of listChannelRows(this.#sql)) {
      if (channel.status === 'disabled') continue;
      alarms.push(...(await this.#warningsOf(channel, now)));
    }
    return alarms;
  }

  async #warningsOf(channel: Channel, now: number): Promise<readonly Alarm[]> {
    const warned = new Set<string>();
    const ends = await this.#endsOf(channel);
    const warnings = lastOnes(ends.keys).flatMap((key) => {
      const since = warnedSince(key.expiresAt, now);
      const subject = `channel/${channel.id}/${key.serial.slice(-SERIAL_CHARS_MAX)}`;
      if (since !== null) warned.add(subject);
      const alarm = { code: 'key_expiring' as const, subject, detail: detailOf(key, now), at: now };
      return since !== null && isNews(this.#sql, alarm, since) ? [alarm] : [];
    });
    if (!ends.isAll) return warnings; // what cannot be seen has not ended
    // Another one outlasts it, or it was taken out.
    const isOver = ({ subject }: AlarmKey) => subject.startsWith(`channel/${channel.id}/`) && !warned.has(subject);
    const over = listWanting(this.#sql, 'key_expiring').filter(isOver);
    return [...warnings, ...over.map(({ subject }) => endOf('key_expiring', subject, now))];
  }

  /** `isAll` false: the credentials do not open, so only what was fetched is known. */
  async #endsOf(channel: Channel): Promise<{ readonly keys: readonly KeyEnd[]; readonly isAll: boolean }> {
    const provider = providerOf(channel.provider);
    const record = recordOf(this.#sql, channel);
    // One that is fetched when a callback names it is fetched anew in the same way.
    const fetched = provider?.keys?.byId ? [] : record.keys;
    try {
      const credentials = await openCredentials(record, readConfig(this.#env).masterKey);
      return { keys: keyEndsOf(fetched, provider?.expiries?.(credentials) ?? []), isAll: true };
    } catch (error) {
      console.error(JSON.stringify({ hop: 'key-watch', channel: channel.id, error: String(error) }));
      return { keys: keyEndsOf(fetched, []), isAll: false };
    }
  }
}

function detailOf({ source, field, serial, expiresAt }: KeyEnd, now: number): string {
  const [days, at] = [daysLeft(expiresAt, now), new Date(expiresAt).toISOString()];
  const when = days < 0 ? `ended on ${at}` : `ends on ${at}, in ${days} ${days === 1 ? 'day' : 'days'}`;
  return source === 'fetched'
    ? `The last key fetched from the provider (${serial}) ${when}, and no newer one came: see why it cannot be fetched.`
    : `The certificate ${serial} in ${field} ${when}: get the next one and rotate it in, or remove it if it is unused.`;
}
