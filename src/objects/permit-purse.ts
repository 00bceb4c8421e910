// The permits one shard holds and owes: takes from each origin's gate, gives back what settled. Never sends anything.
import type { DispatchOrigin } from '../core/channel.ts';
import { BACKOFF_MS_MIN } from '../core/limits.ts';
import type { PermitReply } from '../core/permit.ts';

export class PermitPurse {
  readonly #env: Env;
  readonly #shard: string;
  readonly #life: string;
  readonly #owed = new Map<string, number>();
  readonly #lastGranted = new Map<string, number>();

  constructor(env: Env, shard: string, life: string) {
    this.#env = env;
    this.#shard = shard;
    this.#life = life;
  }

  giveBack(originId: string, count: number): void {
    if (count > 0) this.#owed.set(originId, (this.#owed.get(originId) ?? 0) + count);
  }

  get owes(): boolean {
    return this.#owed.size > 0;
  }

  /** One call to the gate, which also returns what is owed. A gate out of reach: half of what it last gave. */
  async take(origin: DispatchOrigin, wanted: number, now: number): Promise<PermitReply> {
    const returning = this.#owed.get(origin.id) ?? 0;
    if (wanted === 0 && returning === 0) return { granted: 0, retryAt: now };
    this.#owed.delete(origin.id);
    const { perSecond, concurrent } = origin;
    try {
      const gate = this.#env.ORIGIN_GATE.getByName(`v1:${origin.id}`);
      const allowance = { perSecond, concurrent };
      const reply = await gate.take({ shard: this.#shard, life: this.#life, returning, wanted, allowance });
      if (wanted > 0) this.#lastGranted.set(origin.id, reply.granted);
      return reply;
    } catch (error) {
      this.giveBack(origin.id, returning);
      const granted = Math.min(wanted, Math.floor((this.#lastGranted.get(origin.id) ?? 2) / 2));
      this.#lastGranted.set(origin.id, Math.max(2, granted)); // at least one goes at each try
      console.error(JSON.stringify({ hop: 'dispatch', origin: origin.id, error: String(error), granted }));
      return { granted, retryAt: now + BACKOFF_MS_MIN };
    }
  }
}
