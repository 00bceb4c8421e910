// Permits: how many deliveries an origin may get now, by rate and by concurrency. Pure; time is an argument.
import { PERMIT_LEASE_MS } from './limits.ts';

export type Allowance = { readonly perSecond: number; readonly concurrent: number };

/** What one shard holds. `life` is the shard's epoch: a restarted shard holds nothing of its former life. */
type Holding = { readonly life: string; readonly count: number; readonly expiresAt: number };

export type PermitState = {
  /** What was granted within the last second, oldest first. */
  readonly recent: readonly { readonly at: number; readonly count: number }[];
  readonly holdings: ReadonlyMap<string, Holding>;
};

export type PermitRequest = {
  readonly shard: string;
  readonly life: string;
  /** Permits that settled since the last call. */
  readonly returning: number;
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
 * Takes back what settled, drops expired leases, then grants what rate and concurrency leave. The rate holds over every
 * window of one second, not on average: a bucket would let twice as many through around a refill.
 */
export function takePermits(state: PermitState, request: PermitRequest, now: number): [PermitState, PermitReply] {
  const { shard, life, allowance } = request;
  const holdings = new Map([...state.holdings].filter(([, holding]) => holding.expiresAt > now));
  const own = holdings.get(shard);
  const kept = own?.life === life ? Math.max(0, own.count - request.returning) : 0;
  holdings.delete(shard);
  const elsewhere = total([...holdings.values()]);
  // A clock that stepped back must not close the gate: what lies ahead of now is dropped too.
  const recent = state.recent.filter(({ at }) => Math.abs(now - at) < RATE_WINDOW_MS);
  const byRate = Math.max(0, allowance.perSecond - total(recent));
  const byConcurrency = Math.max(0, allowance.concurrent - elsewhere - kept);
  const granted = Math.min(request.wanted, byConcurrency, byRate);
  if (kept + granted > 0) holdings.set(shard, { life, count: kept + granted, expiresAt: now + PERMIT_LEASE_MS });
  const oldest = recent[0]?.at ?? now;
  const retryAt = byRate <= byConcurrency ? oldest + RATE_WINDOW_MS : now + ASK_AGAIN_MS;
  const next = granted > 0 ? [...recent, { at: now, count: granted }] : recent;
  return [
    { recent: next, holdings },
    { granted, retryAt },
  ];
}

const total = (parts: readonly { readonly count: number }[]) => parts.reduce((sum, { count }) => sum + count, 0);
