// Report: what each day brought in each channel and currency, from the sums that orders booked. Pure. Whole minor units
// throughout; a sum that no safe integer holds is refused rather than told wrongly.
import { BOOKED, type Booked } from './booking.ts';
import { type Decimal, printDecimal } from './decimal.ts';
import { DAY_MS } from './limits.ts';
import { decimalsOf, printMoney } from './money.ts';

/** One sum of one channel and day, `name` as bookings name it; `day` in days since 1970 where the report's days are. */
export type BookedSum = {
  readonly day: number;
  readonly channel: string;
  readonly name: string;
  readonly total: number;
};

export const GROUPS = ['day', 'month'] as const;
export type Group = (typeof GROUPS)[number];

export type ReportLine = Readonly<Record<Booked, number>> & {
  /** `2026-03-01`, or `2026-03` by month. */
  readonly day: string;
  readonly channel: string;
  /** Null where an order ended unpaid and nobody said a currency. */
  readonly currency: string | null;
  /** What is left before fees. */
  readonly net: number;
  /** Of the currency's main unit; null where no bill told them for all of these days. */
  readonly fees: Decimal | null;
  readonly netAfterFees: Decimal | null;
  /** Orders that were paid, of those that ended; null where none did. */
  readonly successRate: number | null;
};

/** Fees that a bill told: of one channel, day and currency. */
export type ToldFee = {
  readonly day: number;
  readonly channel: string;
  readonly currency: string;
  readonly fee: Decimal;
};

export const dayText = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10);

/** Days since 1970; null for what is no date. */
export function dayOf(text: string): number | null {
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(at) || dayText(at / DAY_MS) !== text ? null : at / DAY_MS;
}

type Sums = { -readonly [name in Booked]: number };
type Cell = {
  readonly day: string;
  readonly channel: string;
  readonly currency: string;
  readonly sums: Sums;
  /** Days that brought money, and those whose fees are known. */
  readonly days: Set<number>;
  readonly fees: Map<number, Decimal>;
};

const isBooked = (name: string): name is Booked => BOOKED.some((one) => one === name);
const zero = (): Sums => Object.fromEntries(BOOKED.map((name) => [name, 0])) as Sums; // all of its names

/** By day, channel and currency, in this order. */
export function reportLines(sums: readonly BookedSum[], fees: readonly ToldFee[], group: Group): readonly ReportLine[] {
  const label = (day: number) => dayText(day).slice(0, group === 'day' ? 10 : 7);
  const cells = new Map<string, Cell>();
  const cellOf = (day: number, channel: string, currency: string): Cell => {
    const key = [label(day), channel, currency].join('|');
    const known = cells.get(key);
    if (known) return known;
    const made = { day: label(day), channel, currency, sums: zero(), days: new Set<number>(), fees: new Map() };
    cells.set(key, made);
    return made;
  };
  for (const { day, channel, name, total } of sums) {
    const [sum = '', currency = ''] = name.split('.');
    if (!isBooked(sum)) continue;
    const cell = cellOf(day, channel, currency);
    cell.sums[sum] += total;
    if (total !== 0) cell.days.add(day);
  }
  for (const { day, channel, currency, fee } of fees) cellOf(day, channel, currency).fees.set(day, fee);
  return [...cells]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, cell]) => lineOf(cell))
    .filter(holdsSomething);
}

const holdsSomething = (line: ReportLine): boolean =>
  BOOKED.some((name) => line[name] !== 0) || (line.fees?.units ?? 0) !== 0;

function lineOf({ day, channel, currency, sums, days, fees }: Cell): ReportLine {
  const told = [...days].every((one) => fees.has(one)) ? [...fees.values()] : null;
  return { day, channel, ...amounts(currency, sums, told && sumOf(told)) };
}

function amounts(currency: string, sums: Sums, fees: Decimal | null): Omit<ReportLine, 'day' | 'channel'> {
  const net = sums.gross - sums.refunded + sums.reversed;
  const ended = sums.paid + sums.failed + sums.closed;
  return {
    ...sums,
    currency: currency === '' ? null : currency,
    net,
    fees,
    netAfterFees: fees && lessFees(net, currency, fees),
    successRate: ended <= 0 ? null : sums.paid / ended,
  };
}

const lessFees = (net: number, currency: string, { units, scale }: Decimal): Decimal => ({
  units: net * 10 ** (scale - decimalsOf(currency)) - units,
  scale,
});

function sumOf(fees: readonly Decimal[]): Decimal | null {
  const [first] = fees;
  if (first === undefined) return null;
  return { units: fees.reduce((sum, { units }) => sum + units, 0), scale: first.scale };
}

export type ReportTotal = Omit<ReportLine, 'day' | 'channel'>;

/** All lines of each currency together. */
export function reportTotals(lines: readonly ReportLine[]): readonly ReportTotal[] {
  const currencies = [...new Set(lines.map(({ currency }) => currency ?? ''))].sort();
  return currencies.map((currency) => {
    const own = lines.filter((line) => (line.currency ?? '') === currency);
    const sums = zero();
    for (const line of own) for (const name of BOOKED) sums[name] += line[name];
    const fees = own.map((line) => line.fees);
    return amounts(currency, sums, fees.every((fee) => fee !== null) ? sumOf(fees) : null);
  });
}

/** False where a number would have to be rounded. */
export const isExact = (line: ReportTotal): boolean =>
  [...BOOKED.map((name) => line[name]), line.net, line.fees?.units ?? 0, line.netAfterFees?.units ?? 0].every(
    Number.isSafeInteger,
  );

/** Of a table for a spreadsheet. */
export const REPORT_COLUMNS = [
  ...['day', 'channel', 'currency', 'gross', 'refunded', 'reversed', 'net_before_fees', 'fees', 'net'],
  ...['orders_paid', 'orders_failed', 'orders_closed', 'refunds', 'reversals', 'success_rate'],
];

/** One line of it; amounts as decimals, so that nobody divides by a hundred. */
export function reportCells(line: ReportLine): readonly unknown[] {
  const { currency, fees, netAfterFees, successRate } = line;
  const money = (minor: number) => (currency === null ? '' : printMoney({ minor, currency }));
  return [
    ...[line.day, line.channel, currency],
    ...[line.gross, line.refunded, line.reversed, line.net].map(money),
    ...[fees, netAfterFees].map((told) => (told === null ? '' : printDecimal(told))),
    ...[line.paid, line.failed, line.closed, line.refunds, line.reversals],
    successRate === null ? '' : successRate.toFixed(4),
  ];
}
