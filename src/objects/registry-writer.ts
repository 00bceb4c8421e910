// How the registry writes: one transaction, once per Idempotency-Key; then the shards that it touches are told.
// Never waits for anybody inside a transaction.

import type { Act } from '../core/act.ts';
import type { WriteReply, WriteStamp } from '../core/registry.ts';
import { writeOnce } from '../store/registry-access.ts';
import { putAct } from '../store/registry-acts.ts';
import type { ConfigPush } from './config-push.ts';

/** Says that a channel's shards have to be told what changed. */
export type Note = (channelId: string) => void;

export const done = <T>(value: T): WriteReply<T> => ({ kind: 'done', value, repeated: false });
/** It stood so before: nothing was done, and nothing is noted. */
export const already = <T>(value: T): WriteReply<T> => ({ kind: 'done', value, repeated: true });
export const doneOr = <T>(value: T | null, kind: 'missing' | 'exists'): WriteReply<T> =>
  value === null ? { kind } : done(value);

export class RegistryWriter {
  readonly #storage: DurableObjectStorage;
  readonly #push: ConfigPush;
  readonly #tell: () => void;

  /** `tell` brings acts to the audit log; it is not waited for. */
  constructor(storage: DurableObjectStorage, push: ConfigPush, tell: () => void) {
    this.#tell = tell;
    this.#storage = storage;
    this.#push = push;
  }

  /** What was done is noted for the audit log in the same transaction, and told in the background. */
  write<T>(stamp: WriteStamp, write: () => WriteReply<T>): WriteReply<T> {
    const reply = this.#storage.transactionSync(() => {
      const reply = writeOnce(this.#storage.sql, stamp, write);
      if (reply.kind === 'done' && !reply.repeated && stamp.act)
        putAct(this.#storage.sql, actOf(stamp.act, reply.value), stamp.now);
      return reply;
    });
    this.#tell();
    return reply;
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

/** What was made names itself. */
function actOf(act: Act, made: unknown): Act {
  if (act.subject !== null) return act;
  const id = typeof made === 'object' && made !== null && 'id' in made ? String(made.id) : '';
  return { ...act, subject: `${act.kind.slice(0, act.kind.lastIndexOf('.'))}/${id}` };
}
