// Permits: how many deliveries an origin may get now, by rate and by concurrency. Pure; time is an argument.
import { PERMIT_LEASE_MS } from './limits.ts';

export type Allowance = { readonly perSecond: number; readonly concurrent: number };

/** What one shard holds. `life` is the shard's epoch: a restarted shard holds nothing of its former life. */
type Holding = { readonly life: string; readonly count: number; readonly expiresAt: number };

export type PermitState = {
  /** Tokens of the rate bucket at `at`. */
  readonly tokens: number;
  readonly at: number;
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

/** A fresh gate starts with a full second's worth. */
export const freshPermits = (allowance: Allowance, now: number): PermitState => ({
  tokens: allowance.perSecond,
  at: now,
  holdings: new Map(),
});

/** Takes back what settled, drops expired leases, then grants what rate and concurrency leave. */
export function takePermits(state: PermitState, request: PermitRequest, now: number): [PermitState, PermitReply] {
  const { shard, life, allowance } = request;
  const holdings = new Map([...state.holdings].filter(([, holding]) => holding.expiresAt > now));
  const own = holdings.get(shard);
  const kept = own?.life === life ? Math.max(0, own.count - request.returning) : 0;
  holdings.delete(shard);
  const elsewhere = [...holdings.values()].reduce((sum, holding) => sum + holding.count, 0);
  const elapsedMs = Math.max(0, now - state.at);
  const tokens = Math.min(allowance.perSecond, state.tokens + (elapsedMs * allowance.perSecond) / 1000);
  const free = Math.max(0, allowance.concurrent - elsewhere - kept);
  const granted = Math.min(request.wanted, free, Math.floor(tokens));
  if (kept + granted > 0) holdings.set(shard, { life, count: kept + granted, expiresAt: now + PERMIT_LEASE_MS });
  const waitMs = tokens - granted < 1 ? Math.ceil((1000 * (1 - (tokens - granted))) / allowance.perSecond) : 250;
  return [
    { tokens: tokens - granted, at: now, holdings },
    { granted, retryAt: now + waitMs },
  ];
}
