// Discrepancy: one difference between a provider's books and ours, and what became of it. Pure. Its id is made of what
// it is about, so that finding it again is finding the same.
import type { BillDay, RowKind } from './bill.ts';
import type { Fact } from './event.ts';
import { type Money, printMoney } from './money.ts';
import { err, ok, type Result } from './result.ts';

/**
 * `missing_here`: the bill has it, the ledger has not, and it is this channel's. `missing_there`: the ledger has it,
 * the bill of a closed day has not. `unknown_here`: the bill has it, and nobody can say whether it is this channel's.
 */
export const DIFFERENCE_KINDS = [
  'missing_here',
  'missing_there',
  'amount',
  'currency',
  'state',
  'fee',
  'duplicate',
  'unknown_here',
] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

/** How one side tells it. */
export type Side = {
  readonly amount: Money | null;
  readonly state: string;
  /** A decimal of the main unit; null where the side knows none. */
  readonly fee: string | null;
  readonly at: number;
};

export type Difference = {
  readonly id: string;
  readonly kind: DifferenceKind;
  readonly channel: string;
  readonly day: BillDay;
  readonly about: RowKind;
  readonly orderNo: string | null;
  readonly transactionId: string | null;
  readonly refundNo: string | null;
  /** Where in the bill, counted from 1; null where it is not in it. */
  readonly row: number | null;
  readonly there: Side | null;
  readonly here: Side | null;
  /** What the ledger is to be told (source `bill`); null: a person decides. */
  readonly repair: Fact | null;
  /** One sentence for a person. */
  readonly detail: string;
};

/** The same for the same channel, day, kind and thing; safe in an address, letters and marks of the parts kept. */
export const differenceId = (channel: string, day: BillDay, kind: DifferenceKind, key: string): string =>
  [channel, day, kind, key].map((part) => encodeURIComponent(part).replaceAll('~', '%7E')).join('~');

/** What it is about, as the comparison names it. */
export const keyOfDifference = (id: string): string => decodeURIComponent(id.split('~').at(-1) ?? '');

/**
 * `open` wants a person. `explained`: a person knows why, and it stays. `fixed`: it is no more, by a repair, by a later
 * bill or by hand.
 */
export const DISCREPANCY_STATUSES = ['open', 'explained', 'fixed'] as const;
export type DiscrepancyStatus = (typeof DISCREPANCY_STATUSES)[number];

export type Discrepancy = Difference & {
  readonly status: DiscrepancyStatus;
  readonly note: string | null;
  /** Who looks after it. */
  readonly owner: string | null;
  readonly foundAt: number;
  readonly updatedAt: number;
  /** The event that repaired it. */
  readonly eventId: string | null;
};

export type DiscrepancyChange = {
  readonly status?: DiscrepancyStatus;
  readonly note?: string | null;
  readonly owner?: string | null;
};

/** A change by a person. Whoever calls something explained or fixed says why. */
export function changeDiscrepancy(
  known: Discrepancy,
  change: DiscrepancyChange,
  now: number,
): Result<Discrepancy, { readonly field: 'note'; readonly detail: string }> {
  const note = change.note === undefined ? known.note : change.note;
  const status = change.status ?? known.status;
  const isClosing = status !== 'open' && status !== known.status;
  if (isClosing && (note === null || note.trim() === '')) {
    return err({ field: 'note', detail: `must say why it is ${status}: the next person will ask` });
  }
  const owner = change.owner === undefined ? known.owner : change.owner;
  return ok({ ...known, status, note, owner, updatedAt: now });
}

/**
 * The same difference found once more, by another run over the same day. What a person explained stays explained; what
 * was fixed and is there again is open again.
 */
export function foundAgain(known: Discrepancy, difference: Difference, now: number): Discrepancy {
  const { note, owner, foundAt, eventId } = known;
  // A repair that is found once more is on its way, or the ledger has it since.
  const isBack = known.status === 'fixed' && difference.repair === null;
  return { ...difference, status: isBack ? 'open' : known.status, note, owner, foundAt, eventId, updatedAt: now };
}

/** Of a table for a spreadsheet. */
export const DISCREPANCY_COLUMNS = [
  ...['id', 'kind', 'status', 'channel', 'day', 'about', 'orderNo', 'transactionId', 'refundNo', 'row'],
  ...['thereAmount', 'thereCurrency', 'thereState', 'thereFee', 'hereAmount', 'hereCurrency', 'hereState', 'hereFee'],
  ...['eventId', 'owner', 'note', 'detail'],
] as const;

/** One line of a table for a spreadsheet; amounts as decimals, so that nobody divides by a hundred. */
export function discrepancyCells(discrepancy: Discrepancy): readonly unknown[] {
  const { there, here } = discrepancy;
  const side = (name: 'there' | 'here', told: Side | null) => ({
    [`${name}Amount`]: told?.amount == null ? '' : printMoney(told.amount),
    [`${name}Currency`]: told?.amount?.currency ?? '',
    [`${name}State`]: told?.state ?? '',
    [`${name}Fee`]: told?.fee ?? '',
  });
  const cells: Readonly<Record<string, unknown>> = { ...discrepancy, ...side('there', there), ...side('here', here) };
  return DISCREPANCY_COLUMNS.map((column) => cells[column]);
}
