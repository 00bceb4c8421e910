// A limit a minute, by name: exact within the minute, fresh in the next, and bounded in names.
import { expect, it } from 'vitest';
import { PerMinute } from '../../src/core/per-minute.ts';

const T = 1_790_000_040_000; // the start of a minute

it('allows so many a minute to each name', () => {
  const limit = new PerMinute(2);
  const takes = [T, T + 1, T + 59_999, T + 60_000].map((now) => limit.allows('a', now));
  expect([takes, limit.allows('b', T + 60_000)]).toEqual([[true, true, false, true], true]);
});

it('forgets names before they fill the memory', () => {
  const limit = new PerMinute(1);
  for (let i = 0; i < 5_000; i++) expect(limit.allows(`name-${i}`, T)).toBe(true);
});
