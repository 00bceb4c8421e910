// What one origin's gate knows and answers: permits by rate and concurrency, the breaker, the origin's own Retry-After,
// and how long it has only failed. Pure; time is an argument.
import {
  type BreakerState,
  beginProbe,
  closedBreaker,
  endProbe,
  mayProbe,
  noteAttempts,
  type Tally,
  totalOf,
} from './breaker.ts';
import type { DispatchOrigin } from './channel.ts';
import {
  ALARM_INTERVAL_MIN_MS,
  BREAKER_DEFAULT,
  ORIGIN_FAILING_ALARM_AGAIN_MS,
  ORIGIN_FAILING_ALARM_MS,
  ORIGIN_FAILING_KEPT_MS,
  ORIGIN_FAILURES_MIN,
  ORIGIN_RETRY_AFTER_SECONDS_MAX,
  ORIGIN_RETRY_AFTER_SECONDS_UNSAID,
  ORIGIN_SLOW_FOR_MS,
  PERMIT_LEASE_MS,
  RETRY_JITTER_SHARE,
} from './limits.ts';
import type { Breaker } from './origin.ts';
import { freshPermits, type PermitReply, type PermitRequest, type PermitState, takePermits } from './permit.ts';
import type { Settlement } from './record.ts';
import { isRehearsalLedger } from './rehearsal.ts';

/** How attempts ended since a shard last told. */
export type Outcomes = Tally & {
  /** The origin asked not to be called before this; 0 when it did not. */
  readonly waitUntil: number;
  readonly probe: 'passed' | 'failed' | null;
  /** It timed out, or kept a consumer waiting. */
  readonly slow: boolean;
};

export const noOutcomes: Outcomes = { successes: 0, failures: 0, waitUntil: 0, probe: null, slow: false };

/** What of an origin's configuration its gate judges by. */
export type GateRules = Pick<DispatchOrigin, 'version' | 'breaker' | 'pauseAfterSeconds'> & {
  /** A failing origin is tried again at least this often while something waits for it. */
  readonly quietSecondsMax: number;
};

export type GateRequest = PermitRequest & {
  /** Absent in what an older shard asks, as are the next two. */
  readonly rules?: GateRules;
  readonly outcomes?: Outcomes;
  /** The shard has the probe on its way. */
  readonly probing?: boolean;
};

export type GateReply = PermitReply & {
  /** The one permit granted is the breaker's probe. */
  readonly probe: boolean;
  /** The origin is left alone until `retryAt`: a permit that comes back changes nothing. */
  readonly shut: boolean;
  /** Some shard found it slow lately. */
  readonly slow: boolean;
};

/** An origin that took nothing since `since`. */
export type FailingRun = { readonly since: number; readonly lastAt: number; readonly failures: number };

export type GateState = {
  readonly permits: PermitState;
  readonly version: number;
  readonly breaker: BreakerState;
  readonly waitUntil: number;
  readonly slowUntil: number;
  readonly failing: FailingRun | null;
  /** When a person was last told, and the registry last asked to pause it. */
  readonly alarmedAt: number;
  readonly pausedAt: number;
};

export const freshGate: GateState = {
  permits: freshPermits,
  version: 0,
  breaker: closedBreaker,
  waitUntil: 0,
  slowUntil: 0,
  failing: null,
  alarmedAt: 0,
  pausedAt: 0,
};

/** `failing`: a person should know. `pause`: it has failed for so long that its events had better wait. */
export type GateNews = { readonly kind: 'failing' | 'pause'; readonly run: FailingRun };

const DEFAULT_RULES: GateRules = { version: 0, breaker: BREAKER_DEFAULT, pauseAfterSeconds: null, quietSecondsMax: 0 };
/** While another shard's probe is out, nobody knows when it ends. */
const ASK_AGAIN_MS = 1_000;

/** A test callback, which a person asked for, goes though the breaker is open, and says nothing of real traffic. */
export function askGate(before: GateState, request: GateRequest, now: number): [GateState, GateReply, GateNews | null] {
  const { shard, rules = DEFAULT_RULES } = request;
  const isTest = isRehearsalLedger(shard);
  const outcomes = isTest ? noOutcomes : (request.outcomes ?? noOutcomes);
  const state = judged(before, request, rules, outcomes, now);
  const [told, news] = newsOf(state, rules, outcomes, now);
  const probe = !isTest && mayProbe(told.breaker, now) && now >= told.waitUntil && request.wanted > 0;
  const openAt = isTest ? told.waitUntil : opensAt(told, now);
  const shut = openAt > now && !probe;
  const wanted = shut ? 0 : probe ? 1 : request.wanted;
  const [permits, reply] = takePermits(told.permits, { ...request, wanted }, now);
  const isProbe = probe && reply.granted > 0;
  const breaker = isProbe ? beginProbe(told.breaker, shard, now) : told.breaker;
  const retryAt = shut ? openAt : isProbe ? now + ASK_AGAIN_MS : reply.retryAt;
  return [{ ...told, permits, breaker }, { ...reply, retryAt, probe: isProbe, shut, slow: now < told.slowUntil }, news];
}

/** When it is worth asking again; not after `now` where it may be called. */
function opensAt({ breaker, waitUntil }: GateState, now: number): number {
  switch (breaker.phase) {
    case 'closed':
      return waitUntil;
    case 'open':
      return Math.max(breaker.probeAt, waitUntil);
    case 'half_open':
      return Math.max(now + ASK_AGAIN_MS, waitUntil);
  }
}

/** What the shard tells, and what time itself tells. Whoever changed or resumed the origin wants it tried afresh. */
function judged(
  before: GateState,
  { shard, probing = false }: GateRequest,
  rules: GateRules,
  outcomes: Outcomes,
  now: number,
): GateState {
  const isNewer = rules.version > before.version;
  const known: GateState = isNewer ? { ...freshGate, permits: before.permits, version: rules.version } : before;
  const { breaker: settings } = rules;
  const isLost = outcomes.probe === null && !probing;
  const ended = outcomes.probe ?? (isLost ? 'lost' : null);
  const probed = ended === null ? known.breaker : endProbe(known.breaker, settings, shard, ended, now);
  return {
    ...known,
    breaker: noteAttempts(withoutExpired(probed, settings, now), settings, outcomes, now),
    waitUntil: Math.max(known.waitUntil, Math.min(outcomes.waitUntil, now + ORIGIN_RETRY_AFTER_SECONDS_MAX * 1_000)),
    slowUntil: outcomes.slow ? now + ORIGIN_SLOW_FOR_MS : known.slowUntil,
    failing: runAfter(known.failing, outcomes, rules.quietSecondsMax, now),
  };
}

/** The shard that had the probe may be gone for good. */
function withoutExpired(state: BreakerState, rules: Breaker, now: number): BreakerState {
  if (state.phase !== 'half_open' || Math.abs(now - state.probe.at) < PERMIT_LEASE_MS) return state;
  return endProbe(state, rules, state.probe.shard, 'lost', now);
}

/** One success ends the run; so does a long silence, in which nobody tried. */
function runAfter(run: FailingRun | null, { successes, failures }: Tally, quietSecondsMax: number, now: number) {
  if (successes > 0) return null;
  if (failures === 0) return run;
  if (run === null || now - run.lastAt > quietSecondsMax * 1_000) return { since: now, lastAt: now, failures };
  return { since: run.since, lastAt: now, failures: run.failures + failures };
}

/** How the breaker and the run of failures turned between two states: each begins or ends an alarm. */
export function turnsOf(before: GateState, after: GateState): readonly ('opened' | 'closed' | 'well')[] {
  const [was, is] = [before, after].map(({ breaker }) => breaker.phase !== 'closed');
  const { failing } = before;
  const isWell = failing !== null && after.failing === null && before.alarmedAt >= failing.since;
  return [
    ...(is && !was ? ['opened' as const] : []),
    ...(was && !is ? ['closed' as const] : []),
    ...(isWell ? ['well' as const] : []),
  ];
}

function newsOf(state: GateState, rules: GateRules, outcomes: Outcomes, now: number): [GateState, GateNews | null] {
  const { failing: run } = state;
  if (run === null || outcomes.failures === 0 || run.failures < ORIGIN_FAILURES_MIN) return [state, null];
  const failedMs = now - run.since;
  const { pauseAfterSeconds } = rules;
  if (pauseAfterSeconds !== null && failedMs >= pauseAfterSeconds * 1_000) {
    if (now - state.pausedAt < ALARM_INTERVAL_MIN_MS) return [state, null];
    return [
      { ...state, pausedAt: now },
      { kind: 'pause', run },
    ];
  }
  if (failedMs < ORIGIN_FAILING_ALARM_MS || now - state.alarmedAt < ORIGIN_FAILING_ALARM_AGAIN_MS) return [state, null];
  return [
    { ...state, alarmedAt: now },
    { kind: 'failing', run },
  ];
}

/** The longest that a failing origin is left alone while a delivery waits for its next step. */
export const quietSecondsOf = (ladderSeconds: readonly number[]): number =>
  Math.max(0, ...ladderSeconds) * (1 + RETRY_JITTER_SHARE) + 3_600;

/** Until when an answer asks the whole origin to be left alone; 0 when it does not. */
export function waitAskedBy(
  { status, retryAfterSeconds }: Pick<Settlement, 'status' | 'retryAfterSeconds'>,
  now: number,
) {
  const isAsked = status === 429 || status === 503;
  const seconds = retryAfterSeconds ?? (status === 429 ? ORIGIN_RETRY_AFTER_SECONDS_UNSAID : 0);
  return isAsked && seconds > 0 ? now + Math.min(seconds, ORIGIN_RETRY_AFTER_SECONDS_MAX) * 1_000 : 0;
}

/** How one attempt ended, as a gate counts it. */
export function outcomeOf(settlement: Settlement, isProbe: boolean, now: number): Partial<Outcomes> {
  const isDelivered = settlement.outcome === 'delivered';
  const probe = isDelivered ? 'passed' : 'failed';
  return {
    ...(isDelivered ? { successes: 1 } : { failures: 1, waitUntil: waitAskedBy(settlement, now) }),
    ...(isProbe ? { probe } : {}),
    ...(settlement.outcome === 'timed_out' ? { slow: true } : {}),
  };
}

export const plus = (a: Outcomes, b: Partial<Outcomes>): Outcomes => ({
  successes: a.successes + (b.successes ?? 0),
  failures: a.failures + (b.failures ?? 0),
  waitUntil: Math.max(a.waitUntil, b.waitUntil ?? 0),
  probe: b.probe ?? a.probe,
  slow: a.slow || b.slow === true,
});

/** What a gate that lost its memory should still know; null where that is nothing. */
export type Lasting = Omit<GateState, 'permits' | 'slowUntil'>;

export function lastingOf(state: GateState, now: number): Lasting | null {
  const { permits: _, slowUntil: __, breaker, failing, waitUntil, ...rest } = state;
  const run = failing !== null && failing.lastAt - failing.since >= ORIGIN_FAILING_KEPT_MS ? failing : null;
  if (breaker.phase === 'closed' && run === null && waitUntil <= now) return null;
  return {
    ...rest,
    waitUntil: waitUntil > now ? waitUntil : 0,
    failing: run && { ...run, lastAt: run.lastAt - (run.lastAt % ORIGIN_FAILING_KEPT_MS), failures: roughly(run) },
    breaker: asKept(breaker),
  };
}

/** Enough to know that they were many; the exact number would be a row each. */
const roughly = ({ failures }: FailingRun): number => 2 ** Math.floor(Math.log2(failures));

/** A probe under way is nobody's after a restart; what a closed breaker counted is a minute's business. */
function asKept(breaker: BreakerState): BreakerState {
  if (breaker.phase === 'closed') return closedBreaker;
  const { since, failedProbes } = breaker;
  return { phase: 'open', since, failedProbes, probeAt: breaker.phase === 'open' ? breaker.probeAt : breaker.probe.at };
}

/** How a gate stands, for people. Times are epoch milliseconds. */
export type GateView = {
  readonly breaker: BreakerState['phase'];
  /** Since when it is not closed. */
  readonly since: number | null;
  /** When the next delivery is let through to try. */
  readonly probeAt: number | null;
  /** The origin asked to be left alone until then. */
  readonly waitUntil: number | null;
  /** The first failure since its last success. */
  readonly failingSince: number | null;
  /** Within the breaker's window up to the last attempt; 0 while it is not closed. */
  readonly successes: number;
  readonly failures: number;
  /** Deliveries on their way to it. */
  readonly inFlight: number;
};

export function viewOfGate({ breaker, waitUntil, failing, permits }: GateState, now: number): GateView {
  const isClosed = breaker.phase === 'closed';
  const holdings = [...permits.holdings.values()].filter(({ expiresAt }) => expiresAt > now);
  return {
    breaker: breaker.phase,
    since: isClosed ? null : breaker.since,
    probeAt: breaker.phase === 'open' ? breaker.probeAt : null,
    waitUntil: waitUntil > now ? waitUntil : null,
    failingSince: failing?.since ?? null,
    ...(isClosed ? totalOf(breaker.slices) : { successes: 0, failures: 0 }),
    inFlight: holdings.reduce((sum, { count }) => sum + count, 0),
  };
}
