// What is due at a time: what an object remembers of it, what it sends to be asked, and what it hears of it. Pure data.

/**
 * Something of an order that is due at a time. `ref` tells two of one kind apart: a refund number, `incomplete` for a
 * question that completes a notice, or a provider's id.
 */
export type Timer = {
  readonly dueAt: number;
  readonly orderNo: string;
  /** The first four are asked of the provider, `link` by the locator; the others are the ledger's own. */
  readonly kind: 'expire' | 'refund' | 'query' | 'link' | 'park' | 'hold' | 'incomplete';
  readonly ref: string;
};

export type FinishTimer = {
  readonly v: 1;
  readonly timer: Timer;
  /** When it is due again; null: it is done. */
  readonly next: number | null;
  /**
   * Of a `query`: the ledger plans what is due after it. `go_on`: by its schedule, and no later than `next` where that
   * is said; `end`: no question more, but the order's end. Left out: `next` is all.
   */
  readonly plan?: 'go_on' | 'end';
  /** The provider did not answer (`away`) or did: its shard asks no more for a while, or goes on. */
  readonly provider?: 'away' | 'there';
};

/** One queue message asks the provider one thing (the ledger says when, and hears what came of it). */
export type AskMessage = {
  readonly v: 1;
  readonly channel: string;
  readonly timer: Timer & { readonly kind: 'expire' | 'refund' | 'query' | 'link' };
};
