// How the registry writes: one transaction, once per Idempotency-Key; then the shards that it touches are told.
// Never waits for anybody inside a transaction.
import type { WriteReply, WriteStamp } from '../core/registry.ts';
import { writeOnce } from '../store/registry-access.ts';
import type { ConfigPush } from './config-push.ts';

/** Says that a channel's shards have to be told what changed. */
export type Note = (channelId: string) => void;

export const done = <T>(value: T): WriteReply<T> => ({ kind: 'done', value, repeated: false });
export const doneOr = <T>(value: T | null, kind: 'missing' | 'exists'): WriteReply<T> =>
  value === null ? { kind } : done(value);

export class RegistryWriter {
  readonly #storage: DurableObjectStorage;
  readonly #push: ConfigPush;

  constructor(storage: DurableObjectStorage, push: ConfigPush) {
    this.#storage = storage;
    this.#push = push;
  }

  write<T>(stamp: WriteStamp, write: () => WriteReply<T>): WriteReply<T> {
    return this.#storage.transactionSync(() => writeOnce(this.#storage.sql, stamp, write));
  }

  /** The change is committed first; then the shards that it touches are told before the reply. */
  async writeAndPush<T>(stamp: WriteStamp, write: (note: Note) => WriteReply<T>): Promise<WriteReply<T>> {
    const noted: string[] = [];
    const reply = this.write(stamp, () =>
      write((channelId) => {
        this.#push.note(channelId, stamp.now);
        noted.push(channelId);
      }),
    );
    await this.#push.push(noted);
    return reply;
  }
}
