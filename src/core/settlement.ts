// Settlement: does the money that trades should have moved equal what moved on the merchant's account? Gross, refunds,
// fees against the account's own lines, and its balance from line to line. Pure; it shows the difference to the last
// digit and explains none away.
import { type BillRow, FEE_SCALE, type FlowRow } from './bill.ts';
import type { MoneySums } from './compare-tally.ts';
import type { Decimal } from './decimal.ts';
import { KeySet, partOf } from './key-set.ts';
import { decimalsOf } from './money.ts';

/** One currency of an account over one day, in minor units; what leaves it is below zero. */
export type FlowSums = {
  readonly payments: number;
  readonly refunds: number;
  readonly fees: number;
  /** Payouts, top-ups and whatever is no trade. */
  readonly others: number;
  /** Before the first line and after the last one; null where the bill shows no balance. */
  readonly opening: number | null;
  readonly closing: number | null;
  /** The first line whose balance does not follow from the one before; null: each does. */
  readonly brokenAt: number | null;
};

export type FlowTally = { readonly row: number; readonly money: Readonly<Record<string, FlowSums>> };

export const NO_FLOW: FlowTally = { row: 0, money: {} };
const NO_SUMS: FlowSums = {
  payments: 0,
  refunds: 0,
  fees: 0,
  others: 0,
  opening: null,
  closing: null,
  brokenAt: null,
};

/** The tally after these lines. Lines that it is past are passed over, so that any line is a place to go on from. */
export function tallyFlow(tally: FlowTally, from: number, rows: readonly FlowRow[]): FlowTally {
  const money: Record<string, FlowSums> = { ...tally.money };
  let { row: last } = tally;
  rows.forEach((row, index) => {
    if (from + index <= last) return;
    last = from + index;
    const { currency } = row.amount;
    money[currency] = withLine(money[currency] ?? NO_SUMS, row, last);
  });
  return { row: last, money };
}

const SUM_OF = { payment: 'payments', refund: 'refunds', fee: 'fees', other: 'others' } as const;

function withLine(sums: FlowSums, { kind, amount: { minor }, balance }: FlowRow, number: number): FlowSums {
  const name = SUM_OF[kind];
  const next = { ...sums, [name]: sums[name] + minor };
  if (balance === null) return next;
  const before = balance.minor - minor;
  const isBroken = sums.brokenAt === null && sums.closing !== null && sums.closing !== before;
  return {
    ...next,
    opening: sums.opening ?? before,
    closing: balance.minor,
    brokenAt: isBroken ? number : sums.brokenAt,
  };
}

/** What a day's trades and its account say of one currency. Decimals are at FEE_SCALE, of the currency's main unit. */
export type SettlementLine = {
  readonly currency: string;
  readonly gross: Decimal;
  readonly refunds: Decimal;
  readonly fees: Decimal;
  /** Gross − refunds − fees. */
  readonly net: Decimal;
  /** What payments, refunds and fees moved on the account. */
  readonly moved: Decimal;
  /** Net − moved: zero when the trades explain the account. */
  readonly difference: Decimal;
  readonly others: Decimal;
  readonly opening: Decimal | null;
  readonly closing: Decimal | null;
  /** Closing − (opening + all that moved); null where no balance is told. */
  readonly balanceDifference: Decimal | null;
  /** Opening − the closing balance of the day before; null where either is unknown. */
  readonly overnightDifference: Decimal | null;
  readonly brokenAt: number | null;
};

/** One line for each currency that either side names. `closedAt`: yesterday's closing balances in minor units. */
export function settle(
  trades: Readonly<Record<string, MoneySums>>,
  flow: FlowTally,
  closedAt: Readonly<Record<string, number>> = {},
): readonly SettlementLine[] {
  const currencies = [...new Set([...Object.keys(trades), ...Object.keys(flow.money)])].sort();
  return currencies.map((currency) => {
    const { gross, refunded, fee } = trades[currency] ?? { gross: 0, refunded: 0, fee: 0 };
    const sums = flow.money[currency] ?? NO_SUMS;
    const fine = (minor: number): Decimal => ({ units: minor * unitOf(currency), scale: FEE_SCALE });
    const moved = sums.payments + sums.refunds + sums.fees;
    const net = { units: fine(gross - refunded).units - fee, scale: FEE_SCALE };
    const { opening, closing, brokenAt } = sums;
    const yesterday = closedAt[currency] ?? null;
    return {
      currency,
      gross: fine(gross),
      refunds: fine(refunded),
      fees: { units: fee, scale: FEE_SCALE },
      net,
      moved: fine(moved),
      difference: { units: net.units - fine(moved).units, scale: FEE_SCALE },
      others: fine(sums.others),
      opening: opening === null ? null : fine(opening),
      closing: closing === null ? null : fine(closing),
      balanceDifference: opening === null || closing === null ? null : fine(closing - (opening + moved + sums.others)),
      overnightDifference: opening === null || yesterday === null ? null : fine(opening - yesterday),
      brokenAt,
    };
  });
}

/** How many units at FEE_SCALE the smallest unit of the currency is. */
const unitOf = (currency: string): number => 10 ** (FEE_SCALE - decimalsOf(currency));

/** To the smallest unit of the currency, halves away from zero: what people read. */
export function toMinor({ units }: Decimal, currency: string): number {
  const rounded = Math.round(Math.abs(units) / unitOf(currency));
  return units < 0 && rounded !== 0 ? -rounded : rounded;
}

/** A trade without its line on the account, or a line without its trade; the amount as its own side tells it. */
export type Untied = {
  readonly side: 'bill' | 'account';
  readonly row: number;
  readonly kind: 'payment' | 'refund' | 'fee';
  readonly id: string;
  readonly orderNo: string | null;
  readonly minor: number;
  readonly currency: string;
};

/** All untied lines of one side, kind and currency together. */
export type UntiedSum = Pick<Untied, 'side' | 'kind' | 'currency' | 'minor'> & { readonly lines: number };

/**
 * Ties the account's lines to trades by business number (else by order number) and amount. Three passes: `addTrades`
 * over the trade bill, `tieFlow` over the account, `tieTrades` over the trade bill once more. Of bills whose keys are
 * too many to be held at once a part of the keys is held, and the passes are made for each part: the last one tells.
 */
export class Ties {
  readonly #parts: number;
  #part = -1;
  #trades = new KeySet();
  #flow = new KeySet();
  readonly #tiedTrades = new Marks();
  readonly #tiedFlow = new Marks();

  constructor(parts = 1) {
    this.#parts = parts;
  }

  /** Whether there is a part left to make the passes for. */
  next(): boolean {
    this.#part += 1;
    this.#trades = new KeySet();
    this.#flow = new KeySet();
    return this.#part < this.#parts;
  }

  get #isLast(): boolean {
    return this.#part === this.#parts - 1;
  }

  /** Its keys that are of this part. */
  #keysOf(tie: Tie): readonly string[] {
    const keys = tieKeys(tie);
    return this.#parts === 1 ? keys : keys.filter((key) => partOf(key, this.#parts) === this.#part);
  }

  addTrades(rows: readonly BillRow[]): void {
    for (const row of rows) for (const tie of tiesOf(row)) for (const key of this.#keysOf(tie)) this.#trades.add(key);
  }

  tieFlow(from: number, rows: readonly FlowRow[]): readonly Untied[] {
    return rows.flatMap((row, index) => {
      const { kind, businessNo: id, orderNo } = row;
      if (kind === 'other') return [];
      const { minor: signed, currency } = row.amount;
      const minor = kind === 'payment' ? signed : signed === 0 ? 0 : -signed;
      const tie: Tie = { kind, id, orderNo, minor, currency };
      const keys = this.#keysOf(tie);
      for (const key of keys) this.#flow.add(key);
      if (keys.some((key) => this.#trades.has(key))) this.#tiedFlow.add(from + index);
      if (!this.#isLast || this.#tiedFlow.has(from + index)) return [];
      return [{ side: 'account' as const, row: from + index, ...tie }];
    });
  }

  tieTrades(from: number, rows: readonly BillRow[]): readonly Untied[] {
    return rows.flatMap((row, index) => {
      const number = from + index;
      return tiesOf(row).flatMap((tie) => {
        const mark = 2 * number + (tie.kind === 'fee' ? 1 : 0);
        if (this.#keysOf(tie).some((key) => this.#flow.has(key))) this.#tiedTrades.add(mark);
        return this.#isLast && !this.#tiedTrades.has(mark) ? [{ side: 'bill' as const, row: number, ...tie }] : [];
      });
    });
  }
}

/** Which of some small numbers were marked, a bit each. */
class Marks {
  #bits = new Uint8Array(1 << 10);

  add(number: number): void {
    const at = number >> 3;
    if (at >= this.#bits.length) {
      const more = new Uint8Array(Math.max(at + 1, 2 * this.#bits.length));
      more.set(this.#bits);
      this.#bits = more;
    }
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (number & 7));
  }

  has(number: number): boolean {
    return ((this.#bits[number >> 3] ?? 0) & (1 << (number & 7))) !== 0;
  }
}

type Tie = Pick<Untied, 'kind' | 'id' | 'orderNo' | 'minor' | 'currency'>;

/** What a row of the trade bill should have moved: its amount, and its fee where it has one. */
function tiesOf({ kind, settled, amount, fee, orderNo, transactionId, providerRefundId, state }: BillRow): Tie[] {
  const { minor, currency } = settled ?? amount;
  const id = (kind === 'refund' ? providerRefundId : transactionId) ?? '';
  const feeMinor = fee === null ? 0 : toMinor(fee, currency);
  const isMoved = (kind === 'payment' || kind === 'refund') && state !== 'failed' && minor !== 0;
  return [
    ...(isMoved ? [{ kind, id, orderNo, minor, currency }] : []),
    ...(feeMinor === 0 ? [] : [{ kind: 'fee' as const, id: transactionId ?? '', orderNo, minor: feeMinor, currency }]),
  ];
}

const tieKeys = ({ kind, id, orderNo, minor, currency }: Tie): readonly string[] => [
  ...(id === '' ? [] : [`${kind} ${id} ${minor} ${currency}`]),
  ...(orderNo === null ? [] : [`${kind} order ${orderNo} ${minor} ${currency}`]),
];
