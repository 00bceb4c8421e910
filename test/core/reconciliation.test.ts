// A day that is being compared: what may take its place, and what would leave a bill half judged.
import { expect, it } from 'vitest';
import type { BillKind } from '../../src/core/bill.ts';
import { isUnderWay, type RunState, type RunStep } from '../../src/core/reconciliation.ts';

const BOTH: readonly BillKind[] = ['trade', 'fundflow'];

it.each<[RunState, RunStep, readonly BillKind[], boolean]>([
  ['running', 'fetch', BOTH, true],
  ['waiting', 'fetch', ['trade'], false],
  ['waiting', 'compare', ['fundflow'], true],
  ['waiting', 'absent', ['trade'], true],
  ['waiting', 'compare', BOTH, false],
  ['done', 'done', ['trade'], false],
  ['refused', 'fetch', ['trade'], false],
])('a day that is %s at %s keeps its place from %j: %s', (state, step, asked, holds) => {
  expect(isUnderWay({ state, step, kinds: BOTH }, asked)).toBe(holds);
});
