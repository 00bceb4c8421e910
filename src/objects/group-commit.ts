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
  /** Told of committed calls once what they brought is durable: then their answers leave. */
  readonly #onDurable: (requests: readonly RecordRequest[]) => void;
  #waiting: Waiting[] = [];
  #committing = false;

  constructor(
    storage: DurableObjectStorage,
    commit: (requests: readonly RecordRequest[]) => readonly RecordReply[],
    onDurable: (requests: readonly RecordRequest[]) => void,
  ) {
    this.#storage = storage;
    this.#commit = commit;
    this.#onDurable = onDurable;
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
      await this.#isDurable();
      while (this.#waiting.length > 0) {
        const group = this.#waiting.splice(0, GROUP_COMMIT_FACTS_MAX);
        const committed = this.#settleEach(group);
        if (await this.#isDurable()) this.#tellDurable(committed);
      }
    } finally {
      this.#committing = false;
    }
  }

  /** Whoever is told only counts: what goes wrong with it keeps nobody waiting. */
  #tellDurable(committed: readonly Waiting[]): void {
    try {
      this.#onDurable(committed.map(({ request }) => request));
    } catch (error) {
      console.error(JSON.stringify({ hop: 'commit', error: String(error) }));
    }
  }

  /** Waits for whatever was written; false when it was lost, which has failed its own callers. */
  #isDurable(): Promise<boolean> {
    return this.#storage.sync().then(
      () => true,
      () => false,
    );
  }

  /** The calls that were committed. A group that fails is tried call by call: one bad fact takes no neighbour along. */
  #settleEach(group: readonly Waiting[]): readonly Waiting[] {
    if (this.#settle(group)) return group;
    return group.length > 1 ? group.filter((call) => this.#settle([call], true)) : [];
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
