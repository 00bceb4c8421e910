// Rehearsal: a test callback of the gateway's own, on the way of a real one. Pure. It has ledgers to itself, one a
// channel and day, which go whole: it cannot meet a real order, and nothing that counts or lists looks there.

import type { Answer } from './acknowledgement.ts';
import type { Verdict } from './callback.ts';
import type { DispatchConfig } from './channel.ts';
import { DAY_MS } from './limits.ts';
import type { Actor } from './record.ts';
import type { RejectionReason } from './rejection.ts';

/** A real order may be called so too: only the mark behind it, which crypto/rehearsal-no.ts makes, says whose it is. */
export const REHEARSAL_PREFIX = 'TEST-';

/** The day in UTC: year, month and day of two digits each. */
export const rehearsalDayOf = (at: number): string => new Date(at).toISOString().slice(2, 10).replaceAll('-', '');

/** The day that a rehearsal's order number names. */
export const dayIn = (orderNo: string): string => orderNo.slice(REHEARSAL_PREFIX.length, REHEARSAL_PREFIX.length + 6);

export const rehearsalLedgerOf = (channelUid: string, day: string): string => `v1:${channelUid}:rehearsal:${day}`;

const NAME = /^v1:[^:]*:rehearsal:(\d\d)(\d\d)(\d\d)$/;

export const isRehearsalLedger = (name: string): boolean => NAME.test(name);

/** When all of this ledger goes: a day after its own is over. Null for the ledger of real orders. */
export function rehearsalEndOf(name: string): number | null {
  const [, year, month, day] = NAME.exec(name) ?? [];
  return year === undefined ? null : Date.parse(`20${year}-${month}-${day}T00:00:00Z`) + 2 * DAY_MS;
}

/** The ledgers that may hold something now, the one that should just have gone included. */
export const rehearsalLedgersAt = (channelUid: string, now: number): readonly string[] =>
  [now, now - DAY_MS, now - 2 * DAY_MS].map((at) => rehearsalLedgerOf(channelUid, rehearsalDayOf(at)));

/** The channel's own, save that no provider is asked about what it never heard of. */
export const rehearsalDispatch = (dispatch: DispatchConfig): DispatchConfig => ({ ...dispatch, asks: false });

export type RehearsalRequest = {
  readonly v: 1;
  readonly orderNo: string;
  readonly dispatch: DispatchConfig;
  readonly actor: Actor;
};
/** `known`: this test was begun before. `busy`: too many of them lately, for so long. */
export type RehearsalReply =
  | { readonly kind: 'begun' }
  | { readonly kind: 'known' }
  | { readonly kind: 'busy'; readonly perMinute: boolean };

/** What became of the callback itself, kept beside its order. */
export type RehearsalOutcome = {
  readonly orderNo: string;
  readonly at: number;
  readonly verdict: Verdict;
  readonly reason: RejectionReason | null;
  readonly detail: string | null;
  readonly noticeType: string | null;
  /** What the provider would have been answered. */
  readonly answer: Answer;
  /** By what it was proved: the secret that provider and channel share, or a key made for this test. */
  readonly signedWith: 'shared_secret' | 'test_key';
};
