// Bill: what a provider says happened on one day, row by row, in our words; and what its days are. Pure. A row is the
// provider's claim about its own books: it becomes a fact only where reconcile-compare.ts says so.
import type { Decimal } from './decimal.ts';
import type { RefundState } from './event.ts';
import type { Money } from './money.ts';

/** `trade`: all trades of a day. `refund`: its refunds alone. `fundflow`: each movement of the merchant's account. */
export const BILL_KINDS = ['trade', 'refund', 'fundflow'] as const;
export type BillKind = (typeof BILL_KINDS)[number];

/** What of its day a bill of trades or refunds has in full: only of that can be judged what it lacks. */
export const BILL_COVERAGE = ['all', 'payments', 'refunds', 'part'] as const;
export type BillCoverage = (typeof BILL_COVERAGE)[number];

/** Whether all rows of that kind are in it. */
export const hasAllOf = (covers: BillCoverage, kind: RowKind): boolean =>
  covers === 'all' || (covers === 'payments' && kind === 'payment') || (covers === 'refunds' && kind === 'refund');

export const ROW_KINDS = ['payment', 'refund', 'fee', 'other'] as const;
export type RowKind = (typeof ROW_KINDS)[number];

/** Fees are told with up to five decimals of the currency's main unit. */
export const FEE_SCALE = 5;

/** Rows of one bill at most: what a Worker's memory can remember of each, three keys for a refund (key-set.ts). */
export const BILL_ROWS_MAX = 2_000_000;
/** Longest row, in characters: no provider's comes near it, and a quote that is never closed would swallow a file. */
export const ROW_CHARS_MAX = 64 * 1024;
/** All of an unpacked bill: two million rows of a thousand bytes. Bounds what a packed file can blow up to. */
export const BILL_BYTES_MAX = 2_147_483_648;
/** Files in one archive: a provider sends a table and its summary, a merchant perhaps one for each shop. */
export const BILL_FILES_MAX = 100;
/** A table packs to a tenth, one of equal rows to a fiftieth. What unpacks to more than this is made to do harm. */
export const UNPACKED_TIMES_MAX = 200;
/** Below this nobody is harmed. */
export const UNPACKED_BYTES_FREE = 16 * 1024 * 1024;

/** What became of a payment or a refund, as the bill of its day says; later days may say more. */
export type RowState = RefundState | 'closed';

/** One line of a trade or refund bill. Amounts are never negative: the kind says which way the money goes. */
export type BillRow = {
  readonly kind: RowKind;
  readonly orderNo: string | null;
  readonly transactionId: string | null;
  readonly refundNo: string | null;
  readonly providerRefundId: string | null;
  /** What the order or the refund is about, before discounts: what callbacks tell. */
  readonly amount: Money;
  /** What it moves in the merchant's account, before the fee; null where the bill does not say. */
  readonly settled: Money | null;
  readonly payerAmount: Money | null;
  /** At FEE_SCALE. Above zero: it costs the merchant; below: it is given back. */
  readonly fee: Decimal | null;
  readonly feeRate: Decimal | null;
  readonly state: RowState;
  /** The provider's own word for the state, verbatim. */
  readonly providerState: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly test: boolean;
  /** Of another shop on the same account, as its own columns say: never this channel's. */
  readonly isStranger: boolean;
};

/** One movement of the merchant's account. */
export type FlowRow = {
  /** The trade side that it belongs to; `other`: payouts, top-ups and whatever else is no trade. */
  readonly kind: RowKind;
  readonly flowNo: string;
  /** The business number that ties it to a trade: the provider's id of a payment or a refund. */
  readonly businessNo: string;
  readonly orderNo: string | null;
  /** Above zero: into the account. */
  readonly amount: Money;
  /** What the account held afterwards; null where the bill does not say. */
  readonly balance: Money | null;
  /** The provider's own word for the movement, verbatim. */
  readonly name: string;
  readonly at: number;
};

/** A day of bills, as `2026-01-31`, in the provider's own time. */
export type BillDay = string;

/** Bills of mainland providers follow Beijing, which knows no summer time. */
export const BEIJING_MINUTES = 480;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Only days that exist: 2026-02-30 is none. */
export function isBillDay(text: string): boolean {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  return match !== null && new Date(`${text}T00:00:00Z`).toJSON()?.slice(0, 10) === text;
}

/** When the day begins; `day` must be one. */
export const dayStart = (day: BillDay, offsetMinutes = BEIJING_MINUTES): number =>
  Date.parse(`${day}T00:00:00Z`) - offsetMinutes * MINUTE_MS;

/** The first instant that is not in the day any more. */
export const dayEnd = (day: BillDay, offsetMinutes = BEIJING_MINUTES): number => dayStart(day, offsetMinutes) + DAY_MS;

export const dayOf = (at: number, offsetMinutes = BEIJING_MINUTES): BillDay =>
  new Date(at + offsetMinutes * MINUTE_MS).toISOString().slice(0, 10);

export const dayAfter = (day: BillDay, days = 1): BillDay => dayOf(dayStart(day, 0) + days * DAY_MS, 0);

const LOCAL = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?)?$/;

/** A time without a zone, as bills print it: `2026-01-31 23:59:59`. Null for none, 31 February included. */
export function localTime(text: string, offsetMinutes = BEIJING_MINUTES): number | null {
  const match = LOCAL.exec(text);
  if (match === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const at = Date.UTC(year, month - 1, day, hour, minute, second);
  const isReal = hour < 24 && minute < 60 && second < 60 && month >= 1 && month <= 12 && day >= 1;
  return isReal && new Date(at).getUTCDate() === day ? at - offsetMinutes * MINUTE_MS : null;
}

export type BillCalendar = {
  readonly offsetMinutes: number;
  readonly readyAfterHours: number;
  readonly keptDays: number;
};

/** When the bill of a day is there at the soonest. */
export const billReadyAt = (day: BillDay, { offsetMinutes, readyAfterHours }: BillCalendar): number =>
  dayEnd(day, offsetMinutes) + readyAfterHours * 3_600_000;

/** When the next bill that is not there yet will be. */
export function nextReadyAt(now: number, calendar: BillCalendar): number {
  let at = billReadyAt(dayAfter(dayOf(now, calendar.offsetMinutes), -2), calendar);
  while (at <= now) at += DAY_MS;
  return at;
}

/**
 * The days whose bills can be asked for and were not compared yet, the newest first: none before `since`, the first day
 * of the channel, and none that the provider no longer keeps.
 */
export function daysDue(
  calendar: BillCalendar,
  done: ReadonlySet<BillDay>,
  since: BillDay,
  now: number,
  most: number,
): readonly BillDay[] {
  const today = dayOf(now, calendar.offsetMinutes);
  const days: BillDay[] = [];
  for (let back = 1; back <= calendar.keptDays && days.length < most; back++) {
    const day = dayAfter(today, -back);
    if (day < since) break;
    if (billReadyAt(day, calendar) <= now && !done.has(day)) days.push(day);
  }
  return days;
}
