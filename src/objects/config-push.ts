// Brings a changed configuration to every shard of a channel: at once, and again from the registry's alarm until each
// shard has taken it. Holds no state of its own: what is not finished is a row.
import { type Channel, type DispatchConfig, shardNameOf } from '../core/channel.ts';
import { BACKOFF_MS_MIN, PUSH_TIMEOUT_MS } from '../core/limits.ts';
import { rehearsalDispatch, rehearsalLedgersAt } from '../core/rehearsal.ts';
import { within } from '../core/within.ts';
import { readChannelRow } from '../store/registry-channels.ts';
import { finishPush, listDuePushes, nextPushAt, notePush, postponePush, readPush } from '../store/registry-pushes.ts';
import { recordOf } from './channel-record.ts';

/** The first try is made at once; the alarm comes only after it must have ended. */
const FIRST_ALARM_MS = PUSH_TIMEOUT_MS + BACKOFF_MS_MIN;

export class ConfigPush {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#storage = storage;
    this.#env = env;
  }

  /** To be called in the transaction that makes the change, so that a crash cannot part the two. */
  note(channelId: string, now: number): void {
    notePush(this.#storage.sql, channelId, crypto.randomUUID(), now + FIRST_ALARM_MS);
  }

  /** Pushes what is noted for these channels; returns when every shard has answered or timed out. Never throws. */
  async push(channelIds: readonly string[]): Promise<void> {
    try {
      await this.arm();
      await Promise.all(channelIds.map((id) => this.#pushOne(id)));
      await this.arm();
    } catch (error) {
      console.error(JSON.stringify({ hop: 'push', error: String(error) }));
    }
  }

  async pushDue(now: number): Promise<void> {
    await this.push(listDuePushes(this.#storage.sql, now).map(({ channel }) => channel));
  }

  /** The alarm stands at the earliest push that is due; it has no other use in this object. */
  async arm(): Promise<void> {
    const at = nextPushAt(this.#storage.sql);
    await (at === null ? this.#storage.deleteAlarm() : this.#storage.setAlarm(at));
  }

  async #pushOne(channelId: string): Promise<void> {
    const push = readPush(this.#storage.sql, channelId);
    const channel = readChannelRow(this.#storage.sql, channelId);
    if (!push || !channel) return;
    const { dispatch } = recordOf(this.#storage.sql, channel);
    const shards = Array.from({ length: channel.shards }, (_, shard) => shardNameOf(channel, shard));
    const rehearsals = rehearsalLedgersAt(channel.uid, Date.now());
    const outcomes = await Promise.allSettled([
      ...shards.map((name) => this.#configure(channel, name, dispatch)),
      ...rehearsals.map((name) => this.#configure(channel, name, rehearsalDispatch(dispatch))),
    ]);
    const missed = [...shards, ...rehearsals].filter((_, index) => outcomes[index]?.status === 'rejected');
    if (missed.length === 0) return finishPush(this.#storage.sql, push);
    postponePush(this.#storage.sql, push, Date.now());
    console.warn(JSON.stringify({ hop: 'push', channel: channelId, shards: missed }));
  }

  async #configure(channel: Channel, name: string, dispatch: DispatchConfig): Promise<void> {
    const hint = channel.locationHint as DurableObjectLocationHint | null; // checked when it was set
    const ledger = this.#env.LEDGER.getByName(name, hint === null ? {} : { locationHint: hint });
    await within(ledger.configure(dispatch), PUSH_TIMEOUT_MS, name);
  }
}
