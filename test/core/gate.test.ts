// The gate of one origin: what an open breaker and a Retry-After let through, and when people and the registry hear.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  askGate,
  freshGate,
  type GateNews,
  type GateReply,
  type GateRequest,
  type GateState,
  lastingOf,
  noOutcomes,
  outcomeOf,
  plus,
  turnsOf,
  viewOfGate,
  waitAskedBy,
} from '../../src/core/gate.ts';
import { ORIGIN_RETRY_AFTER_SECONDS_MAX, PERMIT_LEASE_MS } from '../../src/core/limits.ts';

const T0 = 1_790_000_000_000;
const RULES: NonNullable<GateRequest['rules']> = {
  version: 1,
  breaker: { failureShare: 0.5, windowSeconds: 60, attemptsMin: 10, probeAfterSeconds: 30 },
  pauseAfterSeconds: null,
  quietSecondsMax: 100_000,
};
const allowance = { perSecond: 100, concurrent: 50 };

/** A gate with a clock, and shards that ask it. */
class World {
  state: GateState = freshGate;
  now = T0;
  readonly news: GateNews[] = [];

  ask(change: Partial<GateRequest> = {}, shard = 'a'): GateReply {
    const request = { shard, holding: 0, wanted: 0, allowance, rules: RULES, outcomes: noOutcomes, ...change };
    const [state, reply, news] = askGate(this.state, request, this.now);
    this.state = state;
    if (news) this.news.push(news);
    return reply;
  }

  tell(outcomes: Partial<typeof noOutcomes>, change: Partial<GateRequest> = {}, shard = 'a'): GateReply {
    return this.ask({ outcomes: plus(noOutcomes, outcomes), ...change }, shard);
  }
}

const openWorld = () => {
  const world = new World();
  world.tell({ failures: 10 });
  return world;
};

describe('an open breaker', () => {
  it('grants nothing but one probe, to whoever asks first after its time', () => {
    const it = openWorld();
    expect(it.ask({ wanted: 20 })).toEqual({ granted: 0, retryAt: T0 + 30_000, probe: false, shut: true, slow: false });
    it.now = T0 + 30_000;
    expect(it.ask({ wanted: 20 })).toMatchObject({ granted: 1, probe: true, shut: false });
    expect(it.ask({ wanted: 20 }, 'b')).toMatchObject({ granted: 0, probe: false, shut: true, slow: false });
    it.now += 5_000;
    expect(it.ask({ wanted: 5, holding: 1, probing: true })).toMatchObject({ granted: 0, shut: true });
    expect(viewOfGate(it.state, it.now)).toMatchObject({ breaker: 'half_open', since: T0, inFlight: 1 });
  });

  it('lets everybody through again when the probe passed', () => {
    const it = openWorld();
    it.now = T0 + 30_000;
    it.ask({ wanted: 20 });
    expect(it.tell({ successes: 1, probe: 'passed' }, { wanted: 20 })).toMatchObject({ granted: 20, shut: false });
    expect(it.ask({ wanted: 20 }, 'b').granted).toBe(20);
  });

  it('is not closed by what was under way when it opened', () => {
    const it = openWorld();
    it.tell({ successes: 30 }, {}, 'b');
    expect(it.ask({ wanted: 1 })).toMatchObject({ granted: 0, shut: true });
  });

  it('lets another probe go when the shard that had it restarted, or was never heard of again', () => {
    const it = openWorld();
    it.now = T0 + 30_000;
    it.ask({ wanted: 1 });
    expect(it.ask({ wanted: 1, holding: 0, probing: false })).toMatchObject({ granted: 1, probe: true });
    expect(it.ask({ wanted: 1 }, 'b')).toMatchObject({ granted: 0 });
    it.now += PERMIT_LEASE_MS;
    expect(it.ask({ wanted: 1 }, 'b')).toMatchObject({ granted: 1, probe: true });
  });

  it('has at most one delivery on its way, whatever the shards do', () => {
    const step = fc.record({
      shard: fc.constantFrom('a', 'b', 'c'),
      afterMs: fc.nat(40_000),
      wanted: fc.nat(5),
      ends: fc.constantFrom('failed', 'lost', null),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const it = openWorld();
        let holder: string | null = null;
        for (const { shard, afterMs, wanted, ends } of steps) {
          it.now += afterMs % 10_000;
          const mine = holder === shard;
          const probe = mine && ends === 'failed' ? ('failed' as const) : null;
          if (mine && ends !== null) holder = null;
          const held = holder === shard ? 1 : 0;
          const reply = it.tell(
            { probe, failures: probe ? 1 : 0 },
            { wanted, holding: held, probing: held > 0 },
            shard,
          );
          if (reply.granted === 0) continue;
          expect(reply).toMatchObject({ granted: 1, probe: true });
          expect(holder).toBeNull();
          holder = shard;
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is closed for an origin that somebody changed or resumed', () => {
    const it = openWorld();
    expect(it.ask({ wanted: 3, rules: { ...RULES, version: 2 } }).granted).toBe(3);
    expect(it.ask({ wanted: 3, rules: { ...RULES, version: 1 } }, 'b').granted).toBe(3); // a shard that lags behind
  });
});

describe('Retry-After', () => {
  it('of a 429 or a 503 holds for the whole origin, capped, and of another answer for its event alone', () => {
    expect(waitAskedBy({ status: 429, retryAfterSeconds: 7 }, T0)).toBe(T0 + 7_000);
    expect(waitAskedBy({ status: 503, retryAfterSeconds: 7 }, T0)).toBe(T0 + 7_000);
    expect(waitAskedBy({ status: 503, retryAfterSeconds: 86_400 }, T0)).toBe(
      T0 + ORIGIN_RETRY_AFTER_SECONDS_MAX * 1_000,
    );
    expect(waitAskedBy({ status: 429, retryAfterSeconds: null }, T0)).toBe(T0 + 1_000);
    expect(waitAskedBy({ status: 503, retryAfterSeconds: null }, T0)).toBe(0);
    expect(waitAskedBy({ status: 500, retryAfterSeconds: 7 }, T0)).toBe(0);
    expect(waitAskedBy({ status: null, retryAfterSeconds: null }, T0)).toBe(0);
  });

  it('keeps every shard waiting until then, and only the longest of several counts', () => {
    const it = new World();
    it.tell({ failures: 1, waitUntil: T0 + 9_000 });
    it.tell({ failures: 1, waitUntil: T0 + 4_000 }, {}, 'b');
    expect(it.ask({ wanted: 5 }, 'c')).toEqual({
      granted: 0,
      retryAt: T0 + 9_000,
      probe: false,
      shut: true,
      slow: false,
    });
    it.now = T0 + 9_000;
    expect(it.ask({ wanted: 5 }, 'c').granted).toBe(5);
  });

  it('keeps the probe waiting too', () => {
    const it = openWorld();
    it.tell({ waitUntil: T0 + 60_000 });
    it.now = T0 + 59_999;
    expect(it.ask({ wanted: 1 })).toMatchObject({ granted: 0, retryAt: T0 + 60_000 });
    it.now = T0 + 60_000;
    expect(it.ask({ wanted: 1 })).toMatchObject({ granted: 1, probe: true });
  });

  it('is told by the settlement that it came with', () => {
    const settlement = { seq: 1, originId: 'o', claim: 'c', attempt: 1, at: T0, ms: 1, detail: '' } as const;
    const refused = { ...settlement, outcome: 'refused', status: 429, retryAfterSeconds: 5 } as const;
    expect(outcomeOf(refused, true, T0)).toEqual({ failures: 1, waitUntil: T0 + 5_000, probe: 'failed' });
    const late = { ...settlement, outcome: 'timed_out', status: null, retryAfterSeconds: null } as const;
    expect(outcomeOf(late, false, T0)).toEqual({ failures: 1, waitUntil: 0, slow: true });
    const delivered = { ...settlement, outcome: 'delivered', status: 200, retryAfterSeconds: null } as const;
    expect(outcomeOf(delivered, false, T0)).toEqual({ successes: 1 });
  });
});

describe('an origin that only fails', () => {
  const failFor = (it: World, seconds: number, rules = RULES) => {
    const end = it.now + seconds * 1_000;
    for (; it.now < end; it.now += 60_000) it.tell({ failures: 1 }, { rules });
  };

  it('is told to a person after ten minutes, and again each hour', () => {
    const it = new World();
    failFor(it, 9 * 60);
    expect(it.news).toEqual([]);
    failFor(it, 120);
    expect(it.news).toMatchObject([{ kind: 'failing', run: { since: T0 } }]);
    failFor(it, 3_600);
    expect(it.news).toHaveLength(2);
  });

  it('is well again with its first success, and nobody is told so who was not told before', () => {
    const turnWith = (it: World) => {
      const before = it.state;
      it.tell({ successes: 1 });
      return turnsOf(before, it.state);
    };
    const brief = new World();
    brief.tell({ failures: 3 });
    expect(turnWith(brief)).toEqual([]);
    const long = new World();
    failFor(long, 11 * 60);
    expect(turnWith(long)).toContain('well');
    expect(turnWith(long)).not.toContain('well');
  });

  it('turns twice for a breaker: when it opens, and when its probe passed, whatever was probed between', () => {
    const it = new World();
    const turns: string[] = [];
    const step = (act: () => unknown) => {
      const before = it.state;
      act();
      turns.push(...turnsOf(before, it.state));
    };
    step(() => it.tell({ failures: 10 }));
    for (const probe of ['failed', 'passed'] as const) {
      it.now += 120_000;
      step(() => it.ask({ wanted: 1 }));
      step(() => it.tell({ probe, ...(probe === 'failed' ? { failures: 1 } : { successes: 1 }) }));
    }
    expect(turns).toEqual(['opened', 'closed']);
  });

  it('is paused after its time, not before, and the registry is asked once a minute at most', () => {
    const it = new World();
    const rules = { ...RULES, pauseAfterSeconds: 3_600 };
    failFor(it, 3_540, rules);
    expect(it.news.filter(({ kind }) => kind === 'pause')).toEqual([]);
    failFor(it, 180, rules);
    expect(it.news.filter(({ kind }) => kind === 'pause')).toHaveLength(2); // the registry did not do it
    const news = it.news.length;
    it.now -= 1_000;
    it.tell({ failures: 1 }, { rules });
    expect(it.news).toHaveLength(news);
  });

  it('starts its time anew with each success, and when nobody tried for long', () => {
    const it = new World();
    const rules = { ...RULES, pauseAfterSeconds: 3_600, quietSecondsMax: 1_800 };
    failFor(it, 3_000, rules);
    it.tell({ successes: 1, failures: 3 }, { rules });
    failFor(it, 3_000, rules);
    it.now += 2_000_000;
    failFor(it, 3_000, rules);
    expect(it.news.filter(({ kind }) => kind === 'pause')).toEqual([]);
    expect(viewOfGate(it.state, it.now).failingSince).toBeGreaterThan(T0 + 7_000_000);
  });

  it('is not judged by a handful of failures, however far apart', () => {
    const it = new World();
    const rules = { ...RULES, pauseAfterSeconds: 60 };
    for (let i = 0; i < 4; i++, it.now += 3_600_000) it.tell({ failures: 1 }, { rules });
    expect(it.news).toEqual([]);
  });
});

describe('an origin that is slow', () => {
  it('is known to be so by every shard, for a minute after the last of them said it', () => {
    const it = new World();
    expect(it.ask({ wanted: 1 }).slow).toBe(false);
    it.tell({ slow: true }, {}, 'b');
    it.now += 59_999;
    expect(it.ask({ wanted: 1 }).slow).toBe(true);
    it.now += 1;
    expect(it.ask({ wanted: 1 }).slow).toBe(false);
  });
});

describe('what outlives the memory of a gate', () => {
  const restart = (it: World) => {
    const kept = lastingOf(it.state, it.now);
    it.state = { ...freshGate, ...(kept === null ? {} : JSON.parse(JSON.stringify(kept))) };
  };

  it('is nothing while the origin is well', () => {
    const it = new World();
    it.tell({ successes: 50, failures: 3 }, { wanted: 10 });
    expect(lastingOf(it.state, it.now)).toBeNull();
  });

  it('is that the breaker is open, and the time of its next probe', () => {
    const it = openWorld();
    restart(it);
    expect(it.ask({ wanted: 5 })).toMatchObject({ granted: 0, retryAt: T0 + 30_000, shut: true });
    it.now = T0 + 30_000;
    it.ask({ wanted: 5 });
    restart(it); // the probe is nobody's now
    expect(it.ask({ wanted: 5 }, 'b')).toMatchObject({ granted: 1, probe: true });
  });

  it('is what the origin asked for, and since when it fails', () => {
    const it = new World();
    for (let i = 0; i < 20; i++, it.now += 60_000) it.tell({ failures: 1 });
    it.tell({ failures: 1, waitUntil: it.now + 90_000 });
    restart(it);
    expect(viewOfGate(it.state, it.now)).toMatchObject({ failingSince: T0, waitUntil: it.now + 90_000 });
    const lasting = JSON.stringify(lastingOf(it.state, it.now));
    it.tell({ failures: 1 });
    expect(JSON.stringify(lastingOf(it.state, it.now))).toBe(lasting); // no row for each failure
  });
});

describe('a test callback', () => {
  const REHEARSAL = 'v1:uid:rehearsal:261122';

  it('says nothing to the judgement of real traffic, whatever became of it', () => {
    const gate = new World();
    gate.tell({ failures: 50, waitUntil: T0 + 600_000, slow: true }, {}, REHEARSAL);
    expect(gate.state).toMatchObject({ breaker: { phase: 'closed', slices: [] }, waitUntil: 0, failing: null });
    expect(gate.ask({ wanted: 5 })).toMatchObject({ granted: 5, shut: false, slow: false });
    gate.tell({ failures: 10 });
    gate.tell({ successes: 500, probe: 'passed' }, {}, REHEARSAL);
    expect(gate.state.breaker.phase).toBe('open');
    expect(gate.state.failing).toMatchObject({ failures: 10 });
  });

  it('goes though the breaker is open, never as the probe, and within rate and concurrency', () => {
    const gate = openWorld();
    expect(gate.ask({ wanted: 2 }, REHEARSAL)).toMatchObject({ granted: 2, probe: false, shut: false });
    gate.now = T0 + 30_000;
    expect(gate.ask({ wanted: 1, holding: 2 }, REHEARSAL)).toMatchObject({ granted: 1, probe: false });
    expect(gate.ask({ wanted: 60 }, 'b')).toMatchObject({ granted: 1, probe: true });
    expect(gate.ask({ wanted: 60, holding: 3 }, REHEARSAL).granted).toBeLessThanOrEqual(46);
  });

  it('waits where the origin asked real traffic to wait', () => {
    const gate = new World();
    gate.tell({ failures: 1, waitUntil: T0 + 5_000 });
    expect(gate.ask({ wanted: 1 }, REHEARSAL)).toMatchObject({ granted: 0, retryAt: T0 + 5_000 });
  });
});
