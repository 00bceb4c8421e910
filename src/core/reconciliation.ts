// Reconciliation: the comparison of one channel's books with its provider's for one day, as it stands; and what is said
// between the API, the reconciler and the ledgers about it. Pure data: the steps are decided here, done elsewhere.
import type { BillCoverage, BillDay, BillKind } from './bill.ts';
import type { TotalCheck } from './bill-reader.ts';
import type { LedgerOrder } from './compare-rules.ts';
import type { Tally } from './compare-tally.ts';
import type { Discrepancy, DiscrepancyChange } from './discrepancy.ts';
import type { WriteStamp } from './registry.ts';
import type { FlowTally, SettlementLine, Untied, UntiedSum } from './settlement.ts';

/** In this order: what is repaired is in the ledger when the ledger is asked what the bill lacks. */
export const RUN_STEPS = ['fetch', 'check', 'compare', 'repair', 'absent', 'settle', 'done'] as const;
export type RunStep = (typeof RUN_STEPS)[number];

/**
 * `waiting`: the bill is not there yet, or something is away; it goes on by itself. `refused`: the bill failed its
 * checks and nothing was judged by it. `missing`: no bill came for as long as is tried.
 */
export const RUN_STATES = ['running', 'waiting', 'done', 'refused', 'missing'] as const;
export type RunState = (typeof RUN_STATES)[number];

/** What is known of one bill of the day. The file itself is kept until its run is over. */
export type RunBill = {
  readonly kind: BillKind;
  readonly state: 'wanted' | 'here' | 'checked' | 'compared' | 'done' | 'refused';
  /** The provider said that nothing was traded: as good as a bill without rows. */
  readonly none: boolean;
  readonly source: 'provider' | 'upload';
  /** Left out: all of it. */
  readonly covers?: BillCoverage;
  /** Where its bytes are while its run lasts. */
  readonly file: number | null;
  /** As kept, packed. */
  readonly bytes: number;
  /** What the provider told, over the unpacked file; it held when the bill is past `here`. */
  readonly checksum: { readonly algorithm: 'SHA-1' | 'SHA-256'; readonly hex: string } | null;
  /** SHA-256 over the bytes as they came, hex. */
  readonly digest: string | null;
  readonly rows: number | null;
  /** Rows of another day. */
  readonly outside: number;
  readonly totals: readonly TotalCheck[];
  /** How far it was compared, or gone through: rows. */
  readonly row: number;
  readonly tally: Tally | null;
  readonly flow: FlowTally | null;
  /** Why it was refused, for people. */
  readonly problem: string | null;
};

/** How many trades and lines of the account tie to nothing, and their sums; a thousand a side can be looked at. */
export type UntiedCounts = {
  readonly bill: number;
  readonly account: number;
  /** Left out in runs of an older version. */
  readonly sums?: readonly UntiedSum[];
};

/** One channel and day; run again it keeps its id, and `runs` counts. */
export type Reconciliation = {
  /** `channel~day`. */
  readonly id: string;
  readonly channel: string;
  readonly day: BillDay;
  readonly state: RunState;
  readonly step: RunStep;
  /** Who began it: the clock, a person, or a bill that was brought. */
  readonly begunBy: 'clock' | 'hand' | 'upload';
  /** The bills that this run is about. */
  readonly kinds: readonly BillKind[];
  readonly runs: number;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly finishedAt: number | null;
  /** When it tries again, and how often it failed in a row. */
  readonly retryAt: number | null;
  readonly failures: number;
  /** What keeps it from going on, for people. */
  readonly problem: string | null;
  /** Of each kind the last one, of earlier runs too. */
  readonly bills: readonly RunBill[];
  /** How far the search for what the bill lacks is. */
  readonly absent: { readonly shard: number; readonly seq: number };
  readonly settlement: readonly SettlementLine[] | null;
  /** Null where there is no bill of the account, or no whole bill of trades in the same run. */
  readonly untied: UntiedCounts | null;
  /** Plus one with every change; the newest wins in the projection. */
  readonly version: number;
};

/** A run with the first of its untied lines. */
export type ReconciliationView = { readonly run: Reconciliation; readonly untied: readonly Untied[] };

export const runIdOf = (channel: string, day: BillDay): string => `${channel}~${day}`;

/** Channel and day that an id of a run or of a discrepancy begins with; null for no such id. */
export function placeOfRun(id: string): { readonly channel: string; readonly day: BillDay } | null {
  const match = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})~(\d{4}-\d\d-\d\d)(?:~|$)/.exec(id);
  const [, channel, day] = match ?? [];
  return channel === undefined || day === undefined ? null : { channel, day };
}

/** The object that owns a channel's runs and discrepancies. */
export const reconcilerNameOf = ({ uid }: { readonly uid: string }): string => `v1:${uid}`;

/** Begun anew without a bill that it is in the middle of, that bill would never be judged to its end. */
export const isUnderWay = (
  { state, step, kinds }: Pick<Reconciliation, 'state' | 'step' | 'kinds'>,
  asked: readonly BillKind[],
): boolean =>
  state === 'running' || (state === 'waiting' && step !== 'fetch' && kinds.some((kind) => !asked.includes(kind)));

/** It has no bill to judge yet, and goes on by itself: what it has is kept, and what it lacks may be brought. */
export const waitsForBills = ({ state, step, retryAt }: Pick<Reconciliation, 'state' | 'step' | 'retryAt'>): boolean =>
  state !== 'running' && step === 'fetch' && retryAt !== null;

/** Whether it has every payment and every refund of the day; no bill has none of them. */
export const coversDay = (bill: RunBill | null): bill is RunBill => bill !== null && (bill.covers ?? 'all') === 'all';

/** A bill of the run that the provider is still asked for. */
export function isAskedFor(run: Reconciliation, kind: BillKind): boolean {
  const bill = billOf(run, kind);
  return bill?.source === 'provider' && (bill.state === 'wanted' || bill.state === 'refused');
}

const UNDER_WAY = 'The day is being compared: look at its run, and upload the bill when that is over.';
const STANDS_FOR_NONE =
  'The run of the day wants the whole bill, and a file of a part of the day cannot stand for it: upload it with ' +
  'covers=all if it has every payment and every refund of the day, or when that run is over.';

/** Why the run of the day takes no such bill as it stands; null: it does. */
export function busyWith(known: Reconciliation, kind: BillKind, covers: BillCoverage): string | null {
  if (isUnderWay(known, [kind])) return UNDER_WAY;
  if (!waitsForBills(known) || !known.kinds.includes(kind)) return null;
  const isWhole = (one: BillCoverage = 'all') => one === 'all' || (kind === 'refund' && one === 'refunds');
  return isWhole(billOf(known, kind)?.covers) && !isWhole(covers) ? STANDS_FOR_NONE : null;
}

/** A run that waits for its bills goes on: what is brought takes its place, what is wanted is asked for at once. */
export function goOn(known: Reconciliation, bills: readonly RunBill[], now: number): Reconciliation {
  const added = bills.filter(({ kind, state }) => {
    const have = billOf(known, kind);
    return state === 'here' || have === null || !known.kinds.includes(kind) || have.state === 'refused';
  });
  const has = known.bills.map(({ kind }) => kind);
  return {
    ...known,
    kinds: [...new Set([...known.kinds, ...added.map(({ kind }) => kind)])],
    bills: [
      ...known.bills.map((bill) => added.find(({ kind }) => kind === bill.kind) ?? bill),
      ...added.filter(({ kind }) => !has.includes(kind)),
    ],
    ...{ state: 'running', retryAt: now, finishedAt: null, failures: 0, problem: null },
  };
}

export type RunAsked = Pick<Reconciliation, 'channel' | 'day' | 'kinds' | 'begunBy'>;

/** A day's run begins, or begins again: bills of other kinds stay as the run before left them. */
export function beginRun(
  known: Reconciliation | null,
  asked: RunAsked,
  bills: readonly RunBill[],
  now: number,
): Reconciliation {
  const others = (known?.bills ?? []).filter(({ kind }) => !asked.kinds.includes(kind));
  return {
    id: runIdOf(asked.channel, asked.day),
    ...asked,
    state: 'running',
    step: 'fetch',
    runs: (known?.runs ?? 0) + 1,
    startedAt: now,
    updatedAt: now,
    finishedAt: null,
    retryAt: now,
    failures: 0,
    problem: null,
    bills: [...others.map((bill) => ({ ...bill, file: null })), ...bills],
    absent: { shard: 0, seq: 0 },
    settlement: known?.settlement ?? null,
    untied: known?.untied ?? null,
    version: known?.version ?? 0,
  };
}

export const wantedBill = (kind: BillKind, source: RunBill['source'] = 'provider'): RunBill => ({
  kind,
  state: 'wanted',
  none: false,
  source,
  file: null,
  bytes: 0,
  checksum: null,
  digest: null,
  rows: null,
  outside: 0,
  totals: [],
  row: 0,
  tally: null,
  flow: null,
  problem: null,
});

export const billOf = (run: Reconciliation, kind: BillKind): RunBill | null =>
  run.bills.find((bill) => bill.kind === kind) ?? null;

export const withBill = (run: Reconciliation, kind: BillKind, change: Partial<RunBill>): Reconciliation => ({
  ...run,
  bills: run.bills.map((bill) => (bill.kind === kind ? { ...bill, ...change } : bill)),
});

export type StartRun = {
  readonly v: 1;
  readonly channel: string;
  readonly day: BillDay;
  /** Null: what the provider has beside `refund`. */
  readonly kinds: readonly BillKind[] | null;
  readonly stamp: WriteStamp;
};
/** `under_way`: it ran already, and goes on as it is. */
export type StartRunReply =
  | { readonly kind: 'started' | 'under_way'; readonly run: Reconciliation }
  | { readonly kind: 'key_reused' }
  /** The run of the day does not take this bill as it stands. */
  | { readonly kind: 'busy'; readonly detail: string }
  | { readonly kind: 'refused'; readonly field: RefusedField; readonly detail: string };
export type RefusedField = 'channel' | 'day' | 'kind' | 'kinds' | 'body';

export type BringBill = {
  readonly v: 1;
  readonly channel: string;
  readonly day: BillDay;
  readonly kind: BillKind;
  /** Null: a provider's own file has all, a table a part. */
  readonly covers: BillCoverage | null;
  readonly stamp: WriteStamp;
};

export type ChangeRequest = {
  readonly v: 1;
  readonly id: string;
  readonly change: DiscrepancyChange;
  readonly stamp: WriteStamp;
};
export type ChangeReply =
  | { readonly kind: 'changed'; readonly discrepancy: Discrepancy }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly field: 'note'; readonly detail: string };

/** Asked of each ledger shard: what it holds of a time, in the order of its facts. */
export type HeldRequest = {
  readonly v: 1;
  /** Facts learnt from then on are looked at, epoch milliseconds. */
  readonly learntFrom: number;
  readonly learntUntil: number;
  /** Of those, the orders with something that happened then. */
  readonly from: number;
  readonly until: number;
  /** The place the page before ended at; 0 for the first. */
  readonly after: number;
  readonly limit: number;
};
/** `next`: the place to go on from; null when there is no more. */
export type HeldReply = { readonly orders: readonly LedgerOrder[]; readonly next: number | null };
