// Permits: whatever the shards do, an origin gets no more at once and no more a second than it allows.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PERMIT_LEASE_MS } from '../../src/core/limits.ts';
import { freshPermits, type PermitReply, type PermitState, takePermits } from '../../src/core/permit.ts';

const SHARDS = ['a', 'b', 'c'] as const;
type Call = {
  readonly shard: (typeof SHARDS)[number];
  readonly afterMs: number;
  readonly wanted: number;
  /** Of those it holds, in percent. */
  readonly returning: number;
  readonly restarts: boolean;
};

const allowance = fc.record({
  perSecond: fc.integer({ min: 1, max: 20 }),
  concurrent: fc.integer({ min: 1, max: 30 }),
});
const calls: fc.Arbitrary<Call[]> = fc.array(
  fc.record({
    shard: fc.constantFrom(...SHARDS),
    afterMs: fc.oneof(fc.nat(400), fc.constantFrom(0, 999, 1_000, 1_001)),
    wanted: fc.nat(40),
    returning: fc.constantFrom(0, 50, 100),
    restarts: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  }),
  { maxLength: 60 },
);

type World = {
  state: PermitState;
  now: number;
  readonly held: Record<string, number>;
  readonly grants: { readonly at: number; readonly count: number }[];
};
const world = (): World => ({ state: freshPermits, now: 1_000_000, held: {}, grants: [] });

/** What the shard still holds when it calls. */
const keptOf = (it: World, { shard, returning, restarts }: Call) =>
  restarts ? 0 : Math.ceil(((it.held[shard] ?? 0) * (100 - returning)) / 100);

function play(it: World, call: Call, limits: { perSecond: number; concurrent: number }): PermitReply {
  const { shard } = call;
  it.now += call.afterMs;
  const holding = keptOf(it, call);
  const [state, reply] = takePermits(it.state, { shard, holding, wanted: call.wanted, allowance: limits }, it.now);
  it.state = state;
  it.held[shard] = holding + reply.granted;
  it.grants.push({ at: it.now, count: reply.granted });
  return reply;
}

const outstanding = ({ held }: World) => Object.values(held).reduce((sum, count) => sum + count, 0);

describe('permits', () => {
  it('are never more at once than the origin takes', () => {
    fc.assert(
      fc.property(allowance, calls, (limits, all) => {
        const it = world();
        for (const call of all) {
          play(it, call, limits);
          expect(outstanding(it)).toBeLessThanOrEqual(limits.concurrent);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are never more in any second than the origin takes', () => {
    fc.assert(
      fc.property(allowance, calls, (limits, all) => {
        const it = world();
        for (const call of all) play(it, call, limits);
        for (const { at } of it.grants) {
          const inSecond = it.grants.filter((grant) => grant.at >= at && grant.at < at + 1_000);
          expect(inSecond.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(limits.perSecond);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are granted as far as both limits leave room, and never more than were asked for', () => {
    fc.assert(
      fc.property(allowance, calls, (limits, all) => {
        const it = world();
        for (const call of all) {
          const before = { ...it.held };
          const reply = play(it, call, limits);
          const recent = it.grants.filter(({ at }) => at > it.now - 1_000).slice(0, -1);
          const byRate = limits.perSecond - recent.reduce((sum, { count }) => sum + count, 0);
          const kept = keptOf({ ...it, held: before }, call);
          const elsewhere = Object.entries(before).reduce((sum, [id, n]) => (id === call.shard ? sum : sum + n), 0);
          expect(reply.granted).toBe(Math.min(call.wanted, byRate, limits.concurrent - elsewhere - kept));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('that were refused for the rate are there at the time the reply names', () => {
    const limits = { perSecond: 5, concurrent: 100 };
    const it = world();
    const ask = { shard: 'a', wanted: 9, returning: 0, restarts: false } as const;
    const first = play(it, { ...ask, afterMs: 0 }, limits);
    expect(first.granted).toBe(5);
    expect(play(it, { ...ask, afterMs: first.retryAt - it.now - 1 }, limits).granted).toBe(0);
    expect(play(it, { ...ask, afterMs: 1 }, limits).granted).toBe(4 + 1);
  });

  it('of a shard that restarted are free again', () => {
    const limits = { perSecond: 100, concurrent: 10 };
    const it = world();
    const ask = { wanted: 10, returning: 0, afterMs: 0, restarts: false } as const;
    expect(play(it, { ...ask, shard: 'a' }, limits).granted).toBe(10);
    expect(play(it, { ...ask, shard: 'b' }, limits).granted).toBe(0);
    expect(play(it, { ...ask, shard: 'a', restarts: true, wanted: 4 }, limits).granted).toBe(4);
    expect(play(it, { ...ask, shard: 'b' }, limits).granted).toBe(6);
  });

  it('that were never given back are free again after the lease', () => {
    const limits = { perSecond: 100, concurrent: 10 };
    const it = world();
    const ask = { wanted: 10, returning: 0, restarts: false } as const;
    play(it, { ...ask, shard: 'a', afterMs: 0 }, limits);
    expect(play(it, { ...ask, shard: 'b', afterMs: PERMIT_LEASE_MS - 1 }, limits).granted).toBe(0);
    expect(play(it, { ...ask, shard: 'b', afterMs: 1 }, limits).granted).toBe(10);
  });

  it('stay out while their shard still calls', () => {
    const limits = { perSecond: 100, concurrent: 10 };
    const it = world();
    const ask = { returning: 0, restarts: false } as const;
    play(it, { ...ask, shard: 'a', wanted: 10, afterMs: 0 }, limits);
    play(it, { ...ask, shard: 'a', wanted: 0, afterMs: PERMIT_LEASE_MS - 1 }, limits);
    expect(play(it, { ...ask, shard: 'b', wanted: 10, afterMs: 2 }, limits).granted).toBe(0);
  });

  it('granted in a reply that was lost are free again with the next call', () => {
    const ask = { shard: 'a', holding: 0, wanted: 10, allowance: { perSecond: 100, concurrent: 10 } };
    const [lost] = takePermits(freshPermits, ask, 0);
    expect(takePermits(lost, { ...ask, shard: 'b' }, 10)[1].granted).toBe(0);
    expect(takePermits(lost, ask, 10)[1].granted).toBe(10);
  });

  it('are remembered by the shards when the gate forgets them', () => {
    const ask = { wanted: 10, allowance: { perSecond: 100, concurrent: 10 } };
    const [state] = takePermits(freshPermits, { ...ask, shard: 'a', holding: 8 }, 0);
    expect(takePermits(state, { ...ask, shard: 'b', holding: 0 }, 1)[1].granted).toBe(0);
  });

  it('follow an allowance that shrinks', () => {
    const it = world();
    const ask = { shard: 'a', wanted: 10, returning: 0, restarts: false } as const;
    expect(play(it, { ...ask, afterMs: 0 }, { perSecond: 50, concurrent: 10 }).granted).toBe(10);
    expect(play(it, { ...ask, afterMs: 2_000 }, { perSecond: 50, concurrent: 2 }).granted).toBe(0);
  });

  it('do not stop when the clock steps back', () => {
    const ask = { shard: 'a', holding: 0, wanted: 5, allowance: { perSecond: 5, concurrent: 5 } };
    const [state] = takePermits(freshPermits, ask, 10_000_000);
    expect(takePermits(state, ask, 1_000_000)[1].granted).toBe(5);
  });
});
