// Tally: what a comparison has counted so far, and where it stopped. Plain data, to be kept with its run.
import type { DifferenceKind } from './discrepancy.ts';

/** Sums of one currency, over all rows of the bill, whoever they belong to: `fee` at FEE_SCALE. */
export type MoneySums = { readonly gross: number; readonly refunded: number; readonly fee: number };

export type Tally = {
  readonly rows: number;
  readonly payments: number;
  readonly refunds: number;
  readonly matched: number;
  readonly repaired: number;
  /** Rows of another day than the bill's: a few are late entries, all are the wrong file. */
  readonly outside: number;
  /** Other shops' on the same account. */
  readonly foreign: number;
  /** In the ledger and not in the bill, and nobody can say yet in which day's bill it belongs. */
  readonly unjudged: number;
  readonly differences: Readonly<Record<DifferenceKind, number>>;
  readonly money: Readonly<Record<string, MoneySums>>;
};

/** Where a comparison stopped; plain data, to be kept with its run. */
export type CompareCursor = {
  /** Rows up to this one are judged. */
  readonly row: number;
  /** The bill is through: the ledger's orders of the day come next. */
  readonly isBillDone: boolean;
  readonly tally: Tally;
};

const NO_DIFFERENCES: Readonly<Record<DifferenceKind, number>> = {
  missing_here: 0,
  missing_there: 0,
  amount: 0,
  currency: 0,
  state: 0,
  fee: 0,
  duplicate: 0,
  unknown_here: 0,
};

export const FIRST_CURSOR: CompareCursor = {
  row: 0,
  isBillDone: false,
  tally: {
    rows: 0,
    payments: 0,
    refunds: 0,
    matched: 0,
    repaired: 0,
    outside: 0,
    foreign: 0,
    unjudged: 0,
    differences: NO_DIFFERENCES,
    money: {},
  },
};
