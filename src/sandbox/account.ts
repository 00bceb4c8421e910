// The account of a pretend merchant: what each payment and refund moved, the fees of both, and what it held after each.
// This is the sandbox's own truth, which its bills tell. Moves no money.
import { dayEnd, dayStart, isBillDay } from '../core/bill.ts';

/** What the platform keeps of a payment, and gives back with a refund, unless the order says otherwise. */
const FEE_PER_MILLE = 6;
/** What the account held before its first movement. */
const OPENING_FEN = 10_000_000;

export type Moved = {
  readonly kind: 'payment' | 'refund';
  /** Never negative. */
  readonly fen: number;
  /** What the platform keeps; below zero: gives back. */
  readonly feeFen: number;
  readonly at: number;
};

export const feeOf = (fen: number): number => Math.round((fen * FEE_PER_MILLE) / 1_000);

export const inOrder = <M extends Moved>(movements: readonly M[]): M[] => movements.toSorted((a, b) => a.at - b.at);

/** One line of the account: a movement itself, or its fee. `fen` is below zero for what leaves. */
export type AccountLine<M extends Moved> = {
  readonly of: M;
  readonly isFee: boolean;
  readonly fen: number;
  readonly heldFen: number;
};

/** The lines of a day, each with what the account held afterwards. `movements` are all there ever were, in order. */
export function linesOf<M extends Moved>(movements: readonly M[], { from, until }: Day): AccountLine<M>[] {
  const lines: AccountLine<M>[] = [];
  let heldFen = OPENING_FEN;
  for (const of of movements) {
    if (of.at >= until) break;
    const signed = of.kind === 'refund' ? 0 - of.fen : of.fen;
    for (const [fen, isFee] of [[signed, false] as const, [0 - of.feeFen, true] as const]) {
      if (fen === 0) continue;
      heldFen += fen;
      if (of.at >= from) lines.push({ of, isFee, fen, heldFen });
    }
  }
  return lines;
}

/** From the first instant of a Beijing day to the first that is not in it. */
export type Day = { readonly from: number; readonly until: number };

export const dayNamed = (day: string): Day | null =>
  isBillDay(day) ? { from: dayStart(day), until: dayEnd(day) } : null;

export const isIn = ({ from, until }: Day, { at }: Moved): boolean => at >= from && at < until;

/** `at-once`: a bill of any day can be had, today's too. `next-morning`: at nine of the next one, as the real ones. */
export type BillHours = 'at-once' | 'next-morning';

const NINE_HOURS_MS = 9 * 3_600_000;

export const isMade = ({ until }: Day, hours: BillHours, now: number): boolean =>
  hours === 'at-once' || now >= until + NINE_HOURS_MS;

export const sumOf = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
export const yuanOf = (fen: number): string => (fen / 100).toFixed(2);
/** Beijing's, as bills print it. */
export const localTimeOf = (at: number): string =>
  new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
