// The permits one shard holds: takes from each origin's gate, tells it what settled. Never sends anything.
import type { DispatchOrigin } from '../core/channel.ts';
import { backoffMs } from '../core/delivery.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, DISPATCH_DELAY_MS, PERMIT_TIMEOUT_MS } from '../core/limits.ts';
import type { PermitReply } from '../core/permit.ts';
import { within } from '../core/within.ts';

type Limited = Pick<DispatchOrigin, 'id' | 'perSecond' | 'concurrent'>;

export class PermitPurse {
  readonly #env: Env;
  readonly #shard: string;
  readonly #held = new Map<string, number>();
  /** Origins whose gate still counts more than we hold. */
  readonly #untold = new Set<string>();
  #failures = 0;
  readonly #lastGranted = new Map<string, number>();

  constructor(env: Env, shard: string) {
    this.#env = env;
    this.#shard = shard;
  }

  giveBack(originId: string, count: number): void {
    if (count <= 0) return;
    this.#hold(originId, -count);
    this.#untold.add(originId);
  }

  get owes(): boolean {
    return this.#untold.size > 0;
  }

  /** When to tell what is untold: soon, and ever more rarely while a gate is out of reach. */
  get tellAfterMs(): number {
    return this.#failures === 0 ? DISPATCH_DELAY_MS : backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
  }

  /** One call to the gate, which also tells what is held. A gate out of reach: half of what it last gave. */
  async take(origin: Limited, wanted: number, now: number): Promise<PermitReply> {
    if (wanted === 0 && !this.#untold.has(origin.id)) return { granted: 0, retryAt: now };
    this.#untold.delete(origin.id);
    const { perSecond, concurrent } = origin;
    const holding = this.#held.get(origin.id) ?? 0;
    try {
      const gate = this.#env.ORIGIN_GATE.getByName(`v1:${origin.id}`);
      const request = { shard: this.#shard, holding, wanted, allowance: { perSecond, concurrent } };
      const reply = await within(gate.take(request), PERMIT_TIMEOUT_MS, `The gate of ${origin.id}`);
      if (wanted > 0) this.#lastGranted.set(origin.id, reply.granted);
      this.#hold(origin.id, reply.granted);
      this.#failures = 0;
      return reply;
    } catch (error) {
      this.#failures += 1;
      this.#untold.add(origin.id);
      const half = Math.max(1, Math.floor((this.#lastGranted.get(origin.id) ?? 0) / 2));
      const granted = Math.max(0, Math.min(wanted, half, concurrent - holding));
      this.#hold(origin.id, granted);
      console.error(JSON.stringify({ hop: 'dispatch', origin: origin.id, error: String(error), granted }));
      return { granted, retryAt: now + BACKOFF_MS_MIN };
    }
  }

  /** Tells the gates of origins that are no longer among these: nobody else would, and we would owe them for ever. */
  async leave(origins: readonly Limited[], now: number): Promise<void> {
    const left = [...this.#untold].filter((id) => !origins.some((origin) => origin.id === id));
    await Promise.all(left.map((id) => this.take({ id, perSecond: 0, concurrent: 0 }, 0, now)));
  }

  #hold(originId: string, change: number): void {
    this.#held.set(originId, Math.max(0, (this.#held.get(originId) ?? 0) + change));
  }
}
