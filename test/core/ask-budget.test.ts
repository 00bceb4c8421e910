// The budget for questions that strangers cause: so many a second and channel, and no channel pays for another.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AskBudget } from '../../src/core/ask-budget.ts';

const T0 = Date.parse('2026-01-01T00:00:00Z');

describe('an ask budget', () => {
  it('lets a burst through, refuses what is beyond it, and fills up again', () => {
    const budget = new AskBudget(10);
    const taken = Array.from({ length: 12 }, () => budget.take('a', 1, T0));
    expect(taken.filter(Boolean)).toHaveLength(10);
    expect(budget.take('a', 1, T0 + 99)).toBe(false);
    expect(budget.take('a', 1, T0 + 200)).toBe(true);
    expect(Array.from({ length: 20 }, () => budget.take('a', 1, T0 + 60_000)).filter(Boolean)).toHaveLength(10);
  });

  it('takes all that a notice asks for, or nothing', () => {
    const budget = new AskBudget(10);
    expect(budget.take('a', 8, T0)).toBe(true);
    expect(budget.take('a', 3, T0)).toBe(false);
    expect(budget.take('a', 2, T0)).toBe(true);
    expect(budget.take('a', 0, T0)).toBe(true);
  });

  it('is each channel’s own', () => {
    const budget = new AskBudget(1);
    expect(budget.take('a', 1, T0)).toBe(true);
    expect(budget.take('b', 1, T0)).toBe(true);
    expect(budget.take('a', 1, T0)).toBe(false);
  });

  it('never exceeds its rate by more than one burst, whatever the clock does', () => {
    const step = fc.record({ waitMs: fc.integer({ min: -500, max: 500 }), count: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const budget = new AskBudget(10);
        let [now, forward, taken] = [T0, 0, 0];
        for (const { waitMs, count } of steps) {
          now += waitMs;
          forward += Math.max(0, waitMs);
          if (budget.take('a', count, now)) taken += count;
        }
        expect(taken).toBeLessThanOrEqual(10 + forward / 100 + 1e-6);
      }),
    );
  });

  it('stays small however many channels it met', () => {
    const budget = new AskBudget(1);
    for (let i = 0; i < 5_000; i++) expect(budget.take(`c${i}`, 1, T0 + i * 10)).toBe(true);
    expect(budget.take('c4999', 1, T0 + 4_999 * 10)).toBe(false);
  });
});
