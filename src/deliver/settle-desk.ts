// Gathers outcomes per shard and settles them in groups; a message is acknowledged after its settle returned.
// Never decides what comes next: the ledger does.
import { LEDGER_UNREACHABLE_RETRY_SECONDS, SETTLE_BATCH_MAX, SETTLE_WAIT_MS } from '../core/limits.ts';
import type { DeliveryMessage, Settlement } from '../core/record.ts';
import { logHop } from '../log.ts';

type Settled = {
  readonly settlement: Settlement;
  readonly message: Message<DeliveryMessage>;
  readonly trace: string;
};

export class SettleDesk {
  readonly #env: Env;
  readonly #groups = new Map<string, Settled[]>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #settling: Promise<void>[] = [];

  constructor(env: Env) {
    this.#env = env;
  }

  add(shard: string, settled: Settled): void {
    const group = this.#groups.get(shard) ?? [];
    group.push(settled);
    this.#groups.set(shard, group);
    if (group.length >= SETTLE_BATCH_MAX) this.#flush(shard);
    else if (!this.#timers.has(shard))
      this.#timers.set(
        shard,
        setTimeout(() => this.#flush(shard), SETTLE_WAIT_MS),
      );
  }

  async finish(): Promise<void> {
    for (const shard of [...this.#groups.keys()]) this.#flush(shard);
    await Promise.all(this.#settling);
  }

  #flush(shard: string): void {
    clearTimeout(this.#timers.get(shard));
    this.#timers.delete(shard);
    const group = this.#groups.get(shard) ?? [];
    this.#groups.delete(shard);
    if (group.length > 0) this.#settling.push(this.#settle(shard, group));
  }

  async #settle(shard: string, group: readonly Settled[]): Promise<void> {
    const begunAt = Date.now();
    for (let tries = 3; tries > 0; tries--) {
      try {
        await this.#env.LEDGER.getByName(shard).settle(group.map(({ settlement }) => settlement));
        for (const { message } of group) message.ack();
        const more = { count: group.length, shard };
        const traces = group.map(({ trace }) => trace);
        logHop(this.#env, { hop: 'settle', outcome: 'settled', ms: Date.now() - begunAt, more, traces });
        return;
      } catch (error) {
        console.error(JSON.stringify({ hop: 'settle', shard, error: String(error), tries }));
        await new Promise((resolve) => setTimeout(resolve, 200 * (4 - tries)));
      }
    }
    // Not settled: the lease runs out and the ledger sends again. The origin knows the event by its id.
    for (const { message } of group) message.retry({ delaySeconds: LEDGER_UNREACHABLE_RETRY_SECONDS });
  }
}
