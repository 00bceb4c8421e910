// How a batch of deliveries is worked off: a few at a time, a turn for each origin, and nobody waits for the silent.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Lanes } from '../src/deliver/lanes.ts';

type Job = { readonly to: string; readonly ms: number };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const NEVER = 1e9;

function stage(jobs: readonly Job[], patienceMs: number, count = 6) {
  const begun: Job[] = [];
  const done: Job[] = [];
  let open = 0;
  let most = 0;
  const work = async (job: Job) => {
    begun.push(job);
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setTimeout(resolve, job.ms));
    open -= 1;
    done.push(job);
  };
  const lanes = new Lanes(jobs, { lanes: count, patienceMs, calledBy: ({ to }) => to, work });
  return { lanes, begun, done, most: () => most };
}

const jobsTo = (to: string, ms: number, count: number): Job[] => Array.from({ length: count }, () => ({ to, ms }));

describe('the lanes of a batch', () => {
  it('do everything, and never more at once than there are', async () => {
    const job = fc.record({ to: fc.constantFrom('a', 'b', 'c'), ms: fc.nat(3_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 40 }), fc.integer({ min: 1, max: 6 }), async (jobs, count) => {
        const { lanes, done, most } = stage(jobs, Number.POSITIVE_INFINITY, count);
        const ended = lanes.run();
        await vi.runAllTimersAsync();
        expect(await ended).toEqual([]);
        expect(done).toHaveLength(jobs.length);
        expect(most()).toBeLessThanOrEqual(count);
      }),
      { numRuns: 100 },
    );
  });

  it('begin each job once or hand it back, whoever is silent', async () => {
    const job = fc.record({ to: fc.constantFrom('a', 'b', 'c', 'd'), ms: fc.constantFrom(5, 300, 1_500, 20_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(job, { maxLength: 40 }), async (jobs) => {
        const { lanes, begun, done } = stage(jobs, 1_000);
        const ended = lanes.run();
        await vi.runAllTimersAsync();
        const left = await ended;
        expect(new Set([...begun, ...left]).size).toBe(jobs.length);
        expect(begun.length + left.length).toBe(jobs.length);
        await lanes.rest();
        expect(done).toHaveLength(begun.length);
      }),
      { numRuns: 200 },
    );
  });

  it('are shared: an origin that never answers does not hold up the one that does', async () => {
    const { lanes, done } = stage([...jobsTo('dead', NEVER, 50), ...jobsTo('well', 5, 50)], 1_000);
    const ended = lanes.run();
    await vi.advanceTimersByTimeAsync(100);
    expect(done).toHaveLength(50);
    await vi.advanceTimersByTimeAsync(900);
    const left = await ended;
    expect(left.map(({ to }) => to)).toEqual(Array(44).fill('dead'));
    expect(lanes.silent()).toEqual(['dead']);
  });

  it('belong to whoever is alone', async () => {
    const { lanes, most } = stage(jobsTo('a', 500, 12), 1_000);
    const ended = lanes.run();
    await vi.runAllTimersAsync();
    expect(await ended).toEqual([]);
    expect(most()).toBe(6);
  });

  it('wait for an origin that is slow and answers', async () => {
    const { lanes, done } = stage(jobsTo('slow', 900, 30), 1_000);
    const ended = lanes.run();
    await vi.runAllTimersAsync();
    expect(await ended).toEqual([]);
    expect(done).toHaveLength(30);
    expect(lanes.silent()).toEqual([]);
  });

  it('end at once when there is nothing to do', async () => {
    expect(await stage([], 1_000).lanes.run()).toEqual([]);
  });
});
