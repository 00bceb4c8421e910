// The circuit breaker: when it opens, that it lets one delivery at a time through to try, and when it closes again.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BreakerState,
  beginProbe,
  closedBreaker,
  endProbe,
  mayProbe,
  noteAttempts,
} from '../../src/core/breaker.ts';
import { BREAKER_WAIT_MS_MAX } from '../../src/core/limits.ts';
import type { Breaker } from '../../src/core/origin.ts';

const RULES: Breaker = { failureShare: 0.5, windowSeconds: 60, attemptsMin: 10, probeAfterSeconds: 30 };
const T0 = 1_790_000_000_000;

const rules: fc.Arbitrary<Breaker> = fc.record({
  failureShare: fc.constantFrom(0.1, 0.25, 0.5, 0.9, 1),
  windowSeconds: fc.integer({ min: 1, max: 600 }),
  attemptsMin: fc.integer({ min: 1, max: 50 }),
  probeAfterSeconds: fc.integer({ min: 1, max: 900 }),
});
const told = fc.array(fc.record({ afterMs: fc.nat(20_000), successes: fc.nat(5), failures: fc.nat(5) }), {
  maxLength: 40,
});

const opened = (settings = RULES, at = T0) =>
  noteAttempts(closedBreaker, settings, { successes: 0, failures: settings.attemptsMin }, at);
const probeAtOf = (state: BreakerState): number => (state.phase === 'open' ? state.probeAt : Number.NaN);

describe('a closed breaker', () => {
  it('opens only on enough attempts and enough failures within the window, and then it does', () => {
    fc.assert(
      fc.property(rules, told, (settings, tallies) => {
        let state: BreakerState = closedBreaker;
        let now = T0;
        const seen: { at: number; successes: number; failures: number }[] = [];
        for (const { afterMs, ...tally } of tallies) {
          now += afterMs;
          seen.push({ at: now, ...tally });
          state = noteAttempts(state, settings, tally, now);
          const windowMs = settings.windowSeconds * 1_000;
          const sumOf = (withinMs: number) =>
            seen
              .filter(({ at }) => now - at < withinMs)
              .reduce((sum, one) => ({ ok: sum.ok + one.successes, bad: sum.bad + one.failures }), { ok: 0, bad: 0 });
          const whole = sumOf(windowMs);
          if (state.phase === 'open') {
            // The window slides by slices: what it counts began at most one window and a slice ago.
            const most = seen.filter(({ at }) => now - at < windowMs + windowMs / 12);
            const attempts = most.reduce((sum, one) => sum + one.successes + one.failures, 0);
            expect(attempts).toBeGreaterThanOrEqual(settings.attemptsMin);
            expect(most.some(({ failures }) => failures > 0)).toBe(true);
            return;
          }
          const isAll = whole.ok + whole.bad === seen.reduce((sum, one) => sum + one.successes + one.failures, 0);
          const mustOpen =
            isAll &&
            whole.bad > 0 &&
            whole.ok + whole.bad >= settings.attemptsMin &&
            whole.bad / (whole.ok + whole.bad) >= settings.failureShare;
          // A slice keeps the time of its beginning, so attempts may leave the window a slice early.
          if (mustOpen && now - T0 < windowMs) expect.unreachable('it should have opened');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never opens while everything succeeds, and remembers no more than a few slices', () => {
    fc.assert(
      fc.property(rules, told, (settings, tallies) => {
        let state: BreakerState = closedBreaker;
        let now = T0;
        for (const { afterMs, successes } of tallies) {
          now += afterMs;
          state = noteAttempts(state, settings, { successes, failures: 0 }, now);
          expect(state.phase).toBe('closed');
          if (state.phase === 'closed') expect(state.slices.length).toBeLessThanOrEqual(13);
        }
      }),
    );
  });

  it('forgets failures that left the window', () => {
    const before = noteAttempts(closedBreaker, RULES, { successes: 0, failures: 9 }, T0);
    expect(noteAttempts(before, RULES, { successes: 0, failures: 1 }, T0 + 59_999).phase).toBe('open');
    expect(noteAttempts(before, RULES, { successes: 0, failures: 1 }, T0 + 60_000).phase).toBe('closed');
  });

  it('is not stuck when the clock steps back', () => {
    const ahead = noteAttempts(closedBreaker, RULES, { successes: 0, failures: 9 }, T0 + 9_000_000);
    expect(noteAttempts(ahead, RULES, { successes: 0, failures: 9 }, T0).phase).toBe('closed');
  });
});

describe('an open breaker', () => {
  it('lets one delivery through at a time, not before its time', () => {
    const state = opened();
    expect(probeAtOf(state)).toBe(T0 + 30_000);
    expect(mayProbe(state, T0 + 29_999)).toBe(false);
    expect(beginProbe(state, 'a', T0 + 29_999)).toBe(state);
    const probing = beginProbe(state, 'a', T0 + 30_000);
    expect(probing.phase).toBe('half_open');
    expect(mayProbe(probing, T0 + 99_000)).toBe(false);
    expect(beginProbe(probing, 'b', T0 + 99_000)).toBe(probing);
  });

  it('does not count what was under way when it opened', () => {
    const state = opened();
    expect(noteAttempts(state, RULES, { successes: 50, failures: 50 }, T0 + 1)).toBe(state);
  });

  it('closes when the probe passes, with a clean slate', () => {
    const probing = beginProbe(opened(), 'a', T0 + 30_000);
    expect(endProbe(probing, RULES, 'a', 'passed', T0 + 31_000)).toEqual(closedBreaker);
  });

  it('believes nobody but the shard that has the probe', () => {
    const probing = beginProbe(opened(), 'a', T0 + 30_000);
    expect(endProbe(probing, RULES, 'b', 'passed', T0 + 31_000)).toBe(probing);
    expect(endProbe(opened(), RULES, 'a', 'passed', T0 + 31_000).phase).toBe('open');
  });

  it('lets another one go at once when the probe was lost', () => {
    const probing = beginProbe(opened(), 'a', T0 + 30_000);
    expect(mayProbe(endProbe(probing, RULES, 'a', 'lost', T0 + 30_500), T0 + 30_500)).toBe(true);
  });

  it('waits longer after each probe that fails, up to a limit, and remembers since when it is open', () => {
    fc.assert(
      fc.property(rules, fc.integer({ min: 1, max: 40 }), (settings, probes) => {
        let state = opened(settings);
        let now = probeAtOf(state);
        let waited = now - T0;
        for (let i = 0; i < probes; i++) {
          state = endProbe(beginProbe(state, 'a', now), settings, 'a', 'failed', now);
          const waitMs = probeAtOf(state) - now;
          expect(waitMs).toBeGreaterThanOrEqual(waited);
          expect(waitMs).toBeLessThanOrEqual(Math.max(BREAKER_WAIT_MS_MAX, settings.probeAfterSeconds * 1_000));
          expect(state).toMatchObject({ phase: 'open', since: T0 });
          waited = waitMs;
          now = probeAtOf(state);
        }
      }),
    );
  });
});
