// Callback: the HTTP request a provider sends, as untrusted bytes. Pure. Nothing here believes any of it.

export type Callback = {
  /** The channel named by the path. */
  readonly channelId: string;
  /** Names lower-cased; repeated headers joined with ", " as the platform does. */
  readonly headers: Readonly<Record<string, string>>;
  /** Exactly the bytes that arrived; verified before any parsing. */
  readonly body: Uint8Array;
  /** From CF-Connecting-IP only; null when the platform gave none. */
  readonly remoteAddress: string | null;
  /** When it arrived, epoch milliseconds. */
  readonly receivedAt: number;
};

/** What is kept of a callback with the fact that it proved: enough to send it on as it came. */
export type KeptCallback = {
  readonly contentType: string | null;
  /** Only the headers that the provider's signature needs, lower-cased. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/** The same with its time: what a check of other credentials needs. */
export type StoredCallback = KeptCallback & { readonly receivedAt: number };

/** What became of an arrival, for people; see /v1/callbacks. */
export type Verdict = 'accepted' | 'duplicate' | 'ignored' | 'parked' | 'rejected';

/** True when the two instants differ by less than the skew; false for NaN and at the bound itself. */
export function isFresh(atSeconds: number, nowMs: number, skewSeconds: number): boolean {
  return Math.abs(nowMs / 1000 - atSeconds) < skewSeconds;
}
