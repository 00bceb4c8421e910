// The circuit breaker of one origin: whether it is called at all, by how its last attempts went. Pure; time is an
// argument. Never counts what was under way when it opened: only its own probe closes it.

import { BREAKER_WAIT_MS_MAX } from './limits.ts';
import type { Breaker } from './origin.ts';

/** Attempts that ended within one slice of the window. */
type Slice = { readonly at: number; readonly successes: number; readonly failures: number };

export type BreakerState =
  | { readonly phase: 'closed'; readonly slices: readonly Slice[] }
  | {
      readonly phase: 'open';
      /** When it last left `closed`. */
      readonly since: number;
      readonly probeAt: number;
      /** Probes that failed since. */
      readonly failedProbes: number;
    }
  | {
      readonly phase: 'half_open';
      readonly since: number;
      readonly failedProbes: number;
      /** Who has the one delivery that is let through, and since when. */
      readonly probe: { readonly shard: string; readonly at: number };
    };

export type Tally = { readonly successes: number; readonly failures: number };

export const closedBreaker: BreakerState = { phase: 'closed', slices: [] };

const SLICES = 12;

/** What a closed breaker makes of attempts that ended; an open one waits for its probe. */
export function noteAttempts(state: BreakerState, rules: Breaker, tally: Tally, now: number): BreakerState {
  if (state.phase !== 'closed' || tally.successes + tally.failures === 0) return state;
  const windowMs = rules.windowSeconds * 1_000;
  const slices = added(state.slices, tally, now, windowMs);
  const { successes, failures } = totalOf(slices);
  const attempts = successes + failures;
  if (failures === 0 || attempts < rules.attemptsMin || failures / attempts < rules.failureShare) {
    return { phase: 'closed', slices };
  }
  return { phase: 'open', since: now, probeAt: now + waitMsOf(rules, 0), failedProbes: 0 };
}

/** The window slides by slices, so that memory stays small. A clock that stepped back drops what lies ahead. */
function added(known: readonly Slice[], tally: Tally, now: number, windowMs: number): readonly Slice[] {
  const slices = known.filter(({ at }) => at <= now && now - at < windowMs);
  const last = slices.at(-1);
  if (!last || now - last.at >= windowMs / SLICES) return [...slices, { at: now, ...tally }];
  const { at, successes, failures } = last;
  return [...slices.slice(0, -1), { at, successes: successes + tally.successes, failures: failures + tally.failures }];
}

export const totalOf = (slices: readonly Tally[]): Tally =>
  slices.reduce(
    (sum, { successes, failures }) => ({ successes: sum.successes + successes, failures: sum.failures + failures }),
    { successes: 0, failures: 0 },
  );

/** From the opening to its first probe, and longer after each one that failed. */
const waitMsOf = ({ probeAfterSeconds }: Breaker, failedProbes: number): number => {
  const firstMs = probeAfterSeconds * 1_000;
  return Math.min(firstMs * 2 ** Math.min(failedProbes, 30), Math.max(firstMs, BREAKER_WAIT_MS_MAX));
};

/** True when this shard may have the probe now. */
export const mayProbe = (state: BreakerState, now: number): boolean => state.phase === 'open' && now >= state.probeAt;

export function beginProbe(state: BreakerState, shard: string, now: number): BreakerState {
  if (!mayProbe(state, now) || state.phase !== 'open') return state;
  return { phase: 'half_open', since: state.since, failedProbes: state.failedProbes, probe: { shard, at: now } };
}

/** How the probe of this shard ended; `lost`: it was never made, and another one may go at once. */
export function endProbe(
  state: BreakerState,
  rules: Breaker,
  shard: string,
  outcome: 'passed' | 'failed' | 'lost',
  now: number,
): BreakerState {
  if (state.phase !== 'half_open' || state.probe.shard !== shard) return state;
  if (outcome === 'passed') return closedBreaker;
  const { since, failedProbes } = state;
  if (outcome === 'lost') return { phase: 'open', since, probeAt: now, failedProbes };
  const failed = failedProbes + 1;
  return { phase: 'open', since, probeAt: now + waitMsOf(rules, failed), failedProbes: failed };
}
