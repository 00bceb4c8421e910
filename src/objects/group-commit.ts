// Group commit: calls that already wait share one transaction and one wait for the disk. No timer. Never answers a
// caller before what it brought is durable.
import { GROUP_COMMIT_FACTS_MAX } from '../core/limits.ts';
import type { RecordReply, RecordRequest } from '../core/record.ts';

export type Waiting = {
  readonly request: RecordRequest;
  readonly resolve: (reply: RecordReply) => void;
  readonly reject: (error: unknown) => void;
};

export class GroupCommit {
  readonly #storage: DurableObjectStorage;
  /** Commits the calls in one transaction; throws when none of it was written. */
  readonly #commit: (requests: readonly RecordRequest[]) => readonly RecordReply[];
  #waiting: Waiting[] = [];
  #committing = false;

  constructor(storage: DurableObjectStorage, commit: (requests: readonly RecordRequest[]) => readonly RecordReply[]) {
    this.#storage = storage;
    this.#commit = commit;
  }

  add(request: RecordRequest): Promise<RecordReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (!this.#committing) void this.#commitGroups();
    });
  }

  /** Calls gather while the last group becomes durable, or for one turn when none does. */
  async #commitGroups(): Promise<void> {
    this.#committing = true;
    try {
      while (this.#waiting.length > 0) {
        await this.#storage.sync().catch(() => undefined); // a failed commit has failed its own callers
        const group = this.#waiting.splice(0, GROUP_COMMIT_FACTS_MAX);
        // A group that fails is tried call by call, so that one bad fact cannot take its neighbours along.
        if (!this.#settle(group) && group.length > 1) for (const call of group) this.#settle([call], true);
      }
    } finally {
      this.#committing = false;
    }
  }

  /** Commits the calls together and answers them; false when they failed and may be tried alone. */
  #settle(group: readonly Waiting[], alone = group.length === 1): boolean {
    try {
      const replies = this.#commit(group.map(({ request }) => request));
      for (const [index, { resolve }] of group.entries()) resolve(replies[index] ?? []);
      return true;
    } catch (error) {
      if (alone) for (const { reject } of group) reject(error);
      return false;
    }
  }
}
