// Cover: which rows of figures, of one hour and of eight, add up to a time by steps. Pure.
import { HOUR_MS } from './tally.ts';

/** Rows are kept of so many hours besides those of one: days of UTC, Beijing and California are whole in them. */
export const BLOCK_HOURS = 8;
export const BLOCK_MS = BLOCK_HOURS * HOUR_MS;

/** Rows of so many hours that begin at `from` or later and before `to`. */
export type Stretch = readonly [hours: 1 | typeof BLOCK_HOURS, from: number, to: number];

export type Span = {
  readonly from: number;
  /** Not included; an hour that began before it is counted whole. */
  readonly to: number;
  /** The length of a step, and how far days begin from UTC's. */
  readonly stepMs: number;
  readonly offsetMs: number;
};

export const stepOf = (at: number, { stepMs, offsetMs }: Pick<Span, 'stepMs' | 'offsetMs'>): number =>
  Math.floor((at + offsetMs) / stepMs);

/** Every hour of the time once, and no row that is in two steps; the earliest first. */
export function coverOf({ from, to, ...steps }: Span): readonly Stretch[] {
  const [first, last] = [ceil(from, HOUR_MS), ceil(to, HOUR_MS)];
  if (last <= first) return [];
  if (steps.stepMs < BLOCK_MS) return [[1, first, last]];
  const stretches: Stretch[] = [];
  for (let block = first - (first % BLOCK_MS); block < last; block += BLOCK_MS) {
    const end = block + BLOCK_MS;
    const isWhole = block >= first && end <= last && stepOf(block, steps) === stepOf(end - 1, steps);
    const [begin, stop] = isWhole ? [block, end] : [Math.max(block, first), Math.min(end, last)];
    const hours = isWhole ? BLOCK_HOURS : 1;
    const before = stretches.at(-1);
    if (before?.[0] === hours) stretches.splice(-1, 1, [hours, before[1], stop]);
    else stretches.push([hours, begin, stop]);
  }
  return stretches;
}

const ceil = (at: number, unit: number): number => Math.ceil(at / unit) * unit;
