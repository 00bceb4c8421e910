// Comparison: goes once through the bill of a day, beside the orders that the ledger holds; says what differs. Pure.
// It remembers eight bytes of each row and its sums: any row is a place to stop at and to go on from.
import {
  type BillCoverage,
  type BillKind,
  type BillRow,
  dayEnd,
  dayOf,
  dayStart,
  FEE_SCALE,
  hasAllOf,
} from './bill.ts';
import {
  type About,
  type CompareRules,
  differ,
  factOf,
  isOfNothing,
  isToldByTotal,
  keysOf,
  type LedgerOrder,
  lacksNumber,
  mayBeHeld,
  paymentDifferences,
  paymentIn,
  paymentKeys,
  refundDifferences,
  refundIn,
  refundKeys,
  sumKey,
} from './compare-rules.ts';
import { type CompareCursor, FIRST_CURSOR, type MoneySums, type Tally } from './compare-tally.ts';
import { type Difference, type DifferenceKind, differenceId, keyOfDifference } from './discrepancy.ts';
import { KeySet } from './key-set.ts';
import { printMoney } from './money.ts';
import { matcherOf } from './order-no-pattern.ts';

export type ComparisonRules = CompareRules & {
  readonly kind: Exclude<BillKind, 'fundflow'>;
  /** Everything on the merchant's account is this channel's. */
  readonly exclusive: boolean;
  /** Which order numbers are this channel's; null: nobody said. */
  readonly orderNoPattern: string | null;
  /** An order that nobody registered may come to be by what a bill says of it. */
  readonly mayCreate: boolean;
  /** The channel's environment: orders of the other one are in no bill of it. */
  readonly test: boolean;
  /** The provider's day, where it is not Beijing's. */
  readonly offsetMinutes?: number;
  /** Left out: all of it. */
  readonly covers?: BillCoverage;
};

/** Of one kind, in one run, to be looked at one by one: a shared account may have a million rows that nobody knows. */
export const DIFFERENCES_GIVEN_MAX = 1_000;

export type Findings = {
  readonly differences: readonly Difference[];
  /** Ids of differences that another day's comparison may have found, and that are none: set them fixed. */
  readonly cleared: readonly string[];
};

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class Comparison {
  readonly #rules: ComparisonRules;
  readonly #isOurs: (orderNo: string) => boolean;
  readonly #seen = new KeySet();
  readonly #start: number;
  readonly #end: number;
  #row: number;
  #isBillDone: boolean;
  readonly #tally: Mutable<Tally> & { readonly differences: Record<DifferenceKind, number> };
  readonly #money: Record<string, Mutable<MoneySums>>;

  /** After a stop the bill is given again from its first row: what the cursor is past is remembered and not judged. */
  constructor(rules: ComparisonRules, cursor: CompareCursor = FIRST_CURSOR) {
    this.#rules = rules;
    const { exclusive, orderNoPattern, day, offsetMinutes } = rules;
    this.#start = dayStart(day, offsetMinutes);
    this.#end = dayEnd(day, offsetMinutes);
    this.#isOurs = exclusive ? () => true : orderNoPattern === null ? () => false : matcherOf(orderNoPattern);
    this.#row = cursor.row;
    this.#isBillDone = cursor.isBillDone;
    this.#money = structuredClone(cursor.tally.money);
    this.#tally = { ...cursor.tally, differences: { ...cursor.tally.differences }, money: this.#money };
  }

  get cursor(): CompareCursor {
    return { row: this.#row, isBillDone: this.#isBillDone, tally: structuredClone(this.#tally) };
  }

  /** The orders to look up for these rows; none where they were judged before. */
  wants(from: number, rows: readonly BillRow[]): readonly string[] {
    const wanted = new Set<string>();
    rows.forEach(({ orderNo }, index) => {
      if (orderNo !== null && from + index > this.#row) wanted.add(orderNo);
    });
    return [...wanted];
  }

  /** `orders`: of those that `wants` named, the ones that the ledger knows. */
  take(from: number, rows: readonly BillRow[], orders: ReadonlyMap<string, LedgerOrder>): Findings {
    const differences: Difference[] = [];
    const cleared: string[] = [];
    rows.forEach((row, index) => {
      const isAgain = this.#remember(row);
      const number = from + index;
      if (number <= this.#row) return;
      if (number !== this.#row + 1) throw new Error(`Row ${number} came after row ${this.#row}.`);
      this.#row = number;
      this.#count(row);
      const order = row.orderNo === null ? undefined : orders.get(row.orderNo);
      const about = { rules: this.#rules, row: number };
      differences.push(...this.#tallied(isAgain ? [repeated(row, about)] : this.#judge(row, order, about, cleared)));
    });
    return { differences, cleared };
  }

  /** The bill came to its end. */
  endBill(): void {
    this.#isBillDone = true;
  }

  /**
   * What the ledger has of this day and the bill has not. An order may be given more than once, and others than the
   * day's do no harm. Before the day is over nothing is missing yet.
   */
  absent(orders: readonly LedgerOrder[]): readonly Difference[] {
    if (!this.#isBillDone) throw new Error('What a bill lacks is judged when it was read to its end.');
    const { now, test, covers = 'all' } = this.#rules;
    const isClosed = now >= this.#end;
    const missing = orders
      .filter((order) => order.test === test)
      .flatMap((order) => [...this.#absentPayments(order), ...this.#absentRefunds(order)]);
    const judged = isClosed ? missing.filter(({ about }) => hasAllOf(covers, about)) : [];
    this.#tally.unjudged += missing.length - judged.length;
    return this.#tallied(judged);
  }

  /** Whether this bill would have shown a difference that was found before: one that it did not show is no more. */
  wouldShow({ id, about }: Pick<Difference, 'id' | 'about'>): boolean {
    return hasAllOf(this.#rules.covers ?? 'all', about) || this.#seen.has(keyOfDifference(id));
  }

  #absentPayments(order: LedgerOrder): Difference[] {
    if (this.#rules.kind === 'refund') return [];
    return order.payments.flatMap(({ transactionId, amount, paidAt: at }) => {
      const [key = ''] = paymentKeys(transactionId, order.orderNo);
      const isThere = !this.#isOfDay(at) || this.#seen.has(key) || this.#seen.has(`order ${order.orderNo}`);
      const side = { amount, state: 'succeeded', fee: null, at };
      return isThere ? [] : [this.#missing(order, 'payment', key, { transactionId, refundNo: null }, side)];
    });
  }

  /** A refund is in the bill of the day on which it was asked for, and we may know only when it arrived. */
  #absentRefunds(order: LedgerOrder): Difference[] {
    const paidAt = order.payments[0]?.paidAt;
    const isAskedToday = paidAt !== undefined && paidAt >= this.#start;
    return order.refunds.flatMap((refund) => {
      const { refundNo, amount, state, at } = refund;
      if (state === 'failed' || !this.#isOfDay(at)) return [];
      const keys = refundKeys(order.orderNo, refund);
      const isThere =
        keys.some((key) => this.#seen.has(key)) ||
        (isToldByTotal(refund) && this.#seen.has(sumKey(order.orderNo, amount.minor)));
      if (isThere) return [];
      if (!isAskedToday) {
        this.#tally.unjudged += 1;
        return [];
      }
      const side = { amount, state, fee: null, at };
      return [this.#missing(order, 'refund', keys[0] ?? '', { transactionId: null, refundNo }, side)];
    });
  }

  #missing(
    { orderNo }: LedgerOrder,
    about: 'payment' | 'refund',
    key: string,
    ids: Pick<Difference, 'transactionId' | 'refundNo'>,
    here: NonNullable<Difference['here']>,
  ): Difference {
    const { channel, day } = this.#rules;
    const detail = `We hold this ${about}, and the bill of its day does not: ask the provider for the order.`;
    const id = differenceId(channel, day, 'missing_there', key);
    const rest = { row: null, there: null, here, repair: null, detail };
    return { id, kind: 'missing_there', channel, day, about, orderNo, ...ids, ...rest };
  }

  readonly #isOfDay = (at: number): boolean => at >= this.#start && at < this.#end;

  /** True when a row of the same thing came before. */
  #remember(row: BillRow): boolean {
    const [own, ...more] = keysOf(row);
    const isNew = own === undefined || this.#seen.add(own);
    for (const key of more) this.#seen.add(key);
    return !isNew;
  }

  #judge(row: BillRow, order: LedgerOrder | undefined, about: About, cleared: string[]): readonly Difference[] {
    if (order === undefined) return this.#judgeUnknown(row, about);
    // A fee has no payment's amount; of what is neither payment nor refund only a reversal says something.
    if (row.kind === 'fee' || (row.kind === 'other' && row.state !== 'closed')) return [];
    const held = row.kind === 'refund' ? refundIn(order, row) : paymentIn(order, row);
    if (held === undefined) return this.#judgeMissing(row, about, order);
    const at = 'paidAt' in held ? held.paidAt : held.at;
    if (!this.#isOfDay(at)) cleared.push(this.#missingIdOn(at, row));
    const differences = 'paidAt' in held ? paymentDifferences(row, held, about) : refundDifferences(row, held, about);
    if (differences.length === 0) this.#tally.matched += 1;
    return differences;
  }

  /** Its time was another day's by our books: that day's bill did not have it, and this one does. */
  #missingIdOn(at: number, row: BillRow): string {
    const { channel, offsetMinutes } = this.#rules;
    return differenceId(channel, dayOf(at, offsetMinutes), 'missing_there', keysOf(row)[0] ?? '');
  }

  /** An order that the ledger has never seen: ours only where somebody said so. */
  #judgeUnknown(row: BillRow, about: About): readonly Difference[] {
    const { orderNoPattern, exclusive } = this.#rules;
    const isOurs = !row.isStranger && (exclusive || (row.orderNo !== null && this.#isOurs(row.orderNo)));
    if (isOurs) return this.#rules.mayCreate ? this.#judgeMissing(row, about) : this.#judgeUnregistered(row, about);
    if (row.isStranger || (orderNoPattern !== null && row.orderNo !== null)) {
      this.#tally.foreign += 1;
      return [];
    }
    if (row.kind !== 'payment' && row.kind !== 'refund') return [];
    const detail =
      'The bill has it and no order of ours does: another shop’s on the same account, or a callback that never ' +
      'came. Set orderNoPattern or exclusive on the channel to tell them apart.';
    return [differ(about, 'unknown_here', row, null, detail)];
  }

  /** Only what the merchant registered is an order of this channel; to know of its money is still his business. */
  #judgeUnregistered(row: BillRow, about: About): readonly Difference[] {
    if (row.kind !== 'payment' && row.kind !== 'refund') return [];
    const detail = 'The bill has it, and nobody registered the order: register it, then run the day again.';
    return [differ(about, 'missing_here', row, null, detail)];
  }

  #judgeMissing(row: BillRow, about: About, order?: LedgerOrder): readonly Difference[] {
    const isTold = row.kind === 'payment' ? row.state === 'succeeded' : row.kind === 'refund';
    if (!isTold) return [];
    if (order !== undefined && mayBeHeld(order, row)) {
      const doubt = 'We hold a refund of this amount by its other number alone: find out whether it is the same one.';
      return [differ(about, 'missing_here', row, null, doubt)];
    }
    if (isOfNothing(row, order)) {
      const what = row.kind === 'payment' ? 'paid' : 'given back';
      const nothing = `The row says ${printMoney(row.amount)}: nothing was ${what}, and no order is changed by it.`;
      return [differ(about, 'missing_here', row, null, `${nothing} Look at the row and at the mapping of amounts.`)];
    }
    const repair = factOf(row, this.#rules.now);
    const detail =
      repair === null
        ? lacksNumber(row)
        : 'The bill has it and we had not: the ledger is told, with the bill as its source.';
    return [differ(about, 'missing_here', row, null, detail, repair)];
  }

  /** Counts them all, and gives those that a person can still read; what repairs something is always given. */
  #tallied(differences: readonly Difference[]): readonly Difference[] {
    return differences.filter(({ kind, repair }) => {
      if (repair !== null) this.#tally.repaired += 1;
      this.#tally.differences[kind] += 1;
      return repair !== null || this.#tally.differences[kind] <= DIFFERENCES_GIVEN_MAX;
    });
  }

  #count({ kind, amount, settled, fee, at }: BillRow): void {
    const tally = this.#tally;
    tally.rows += 1;
    if (!this.#isOfDay(at)) tally.outside += 1;
    if (kind === 'payment') tally.payments += 1;
    if (kind === 'refund') tally.refunds += 1;
    const { currency } = amount;
    this.#money[currency] ??= { gross: 0, refunded: 0, fee: 0 };
    const sums = this.#money[currency];
    const minor = (settled ?? amount).minor;
    if (kind === 'payment') sums.gross += minor;
    if (kind === 'refund') sums.refunded += minor;
    if (fee !== null) sums.fee += fee.units;
    if (fee !== null && fee.scale !== FEE_SCALE) throw new Error(`A fee has ${fee.scale} decimals.`);
    const isExact = [sums.gross, sums.refunded, sums.fee].every(Number.isSafeInteger);
    if (!isExact) throw new Error(`The sums of ${currency} are past 2^53.`);
  }
}

const repeated = (row: BillRow, about: About): Difference =>
  differ(
    about,
    'duplicate',
    row,
    null,
    'The bill has the same thing twice: it may be counted twice. Ask the provider.',
  );
