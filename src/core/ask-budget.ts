// AskBudget: how often strangers may make the gateway ask a provider's API. One bucket of tokens a channel. Pure; time
// is an argument. Never waits: what finds no token is refused, and its sender calls again.

type Bucket = { tokens: number; at: number };

/** Full buckets are forgotten past this many: a channel that asks rarely starts full anyway. */
const BUCKETS_KEPT_MAX = 1_000;

export class AskBudget {
  readonly #perSecondMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecondMax: number) {
    this.#perSecondMax = perSecondMax;
  }

  /** Takes as many tokens as there are things to ask, or none. */
  take(channelUid: string, count: number, now: number): boolean {
    if (count === 0) return true;
    const { tokens } = this.#filled(this.#buckets.get(channelUid), now);
    if (tokens < count) return false;
    this.#buckets.set(channelUid, { tokens: tokens - count, at: now });
    if (this.#buckets.size > BUCKETS_KEPT_MAX) this.#forgetFull(now);
    return true;
  }

  /** A clock that stepped back adds nothing and takes nothing. */
  #filled(bucket: Bucket | undefined, now: number): Bucket {
    if (bucket === undefined) return { tokens: this.#perSecondMax, at: now };
    const earned = (Math.max(0, now - bucket.at) / 1000) * this.#perSecondMax;
    return { tokens: Math.min(this.#perSecondMax, bucket.tokens + earned), at: now };
  }

  #forgetFull(now: number): void {
    for (const [uid, bucket] of this.#buckets) {
      if (this.#filled(bucket, now).tokens >= this.#perSecondMax) this.#buckets.delete(uid);
    }
  }
}
