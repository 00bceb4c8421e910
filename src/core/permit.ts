// Permits: how many deliveries an origin may get now, by rate and by concurrency. Pure; time is an argument.
import { PERMIT_LEASE_MS } from './limits.ts';

export type Allowance = { readonly perSecond: number; readonly concurrent: number };

type Holding = { readonly count: number; readonly expiresAt: number };

export type PermitState = {
  /** What was granted within the last second, oldest first. */
  readonly recent: readonly { readonly at: number; readonly count: number }[];
  readonly holdings: ReadonlyMap<string, Holding>;
};

export type PermitRequest = {
  readonly shard: string;
  /** What the shard holds now, all told: a reply that was lost, or a gate or shard that restarted, leaks nothing. */
  readonly holding: number;
  readonly wanted: number;
  readonly allowance: Allowance;
};
export type PermitReply = {
  readonly granted: number /** When to ask again, if fewer were granted. */;
  readonly retryAt: number;
};

export const freshPermits: PermitState = { recent: [], holdings: new Map() };

const RATE_WINDOW_MS = 1_000;
/** When to ask again where nobody knows how soon a permit comes back. */
const ASK_AGAIN_MS = 250;

/**
 * Believes what the shard holds, drops expired leases, then grants what rate and concurrency leave. The rate holds over
 * every window of one second, not on average: a bucket would let twice as many through around a refill.
 */
export function takePermits(state: PermitState, request: PermitRequest, now: number): [PermitState, PermitReply] {
  const { shard, holding: kept, allowance } = request;
  const holdings = new Map([...state.holdings].filter(([, holding]) => holding.expiresAt > now));
  holdings.delete(shard);
  const elsewhere = total([...holdings.values()]);
  // A clock that stepped back must not close the gate: what lies ahead of now is dropped too.
  const recent = state.recent.filter(({ at }) => Math.abs(now - at) < RATE_WINDOW_MS);
  const byRate = Math.max(0, allowance.perSecond - total(recent));
  const byConcurrency = Math.max(0, allowance.concurrent - elsewhere - kept);
  const granted = Math.min(request.wanted, byConcurrency, byRate);
  if (kept + granted > 0) holdings.set(shard, { count: kept + granted, expiresAt: now + PERMIT_LEASE_MS });
  const oldest = recent[0]?.at ?? now;
  const retryAt = byRate <= byConcurrency ? oldest + RATE_WINDOW_MS : now + ASK_AGAIN_MS;
  const next = granted > 0 ? [...recent, { at: now, count: granted }] : recent;
  return [
    { recent: next, holdings },
    { granted, retryAt },
  ];
}

const total = (parts: readonly { readonly count: number }[]) => parts.reduce((sum, { count }) => sum + count, 0);
