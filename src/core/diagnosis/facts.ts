// What a diagnosis is made from, gathered by a shell: what was seen of the way from the provider to the origin, and
// what follows from it at once. All that strangers wrote is cut to a length before it comes here.
import type { Verdict } from '../callback.ts';
import type { AllowlistMode, ChannelStatus } from '../channel.ts';
import type { GateView } from '../gate.ts';
import type { OrderDetail } from '../record.ts';
import type { Silence } from '../silence.ts';

/** What became of one call from outside to the channel's own callback URL. */
export type Reach =
  | { readonly kind: 'skipped' }
  | { readonly kind: 'answered'; readonly ms: number }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  | { readonly kind: 'blocked' | 'stranger'; readonly status: number }
  | { readonly kind: 'failed'; readonly host: string }
  | { readonly kind: 'late'; readonly host: string; readonly ms: number };

export type CountedArrivals = { readonly verdict: Verdict; readonly reason: string | null; readonly count: number };
export type SeenArrival = {
  readonly at: number;
  readonly verdict: Verdict;
  readonly reason: string | null;
  readonly detail: string | null;
  readonly noticeType: string | null;
};

/** What the lists know of the time that is looked at. */
export type Arrivals = {
  /** Callbacks that the ledgers took; `isMore`: at least so many. */
  readonly taken: number;
  readonly isMore: boolean;
  /** What left no fact: refusals, duplicates, notices about no order. */
  readonly counts: readonly CountedArrivals[];
  /** Samples of refusals, newest first. */
  readonly refusals: readonly SeenArrival[];
  /** Arrivals that named the order and changed nothing, newest first. */
  readonly aboutOrder: readonly SeenArrival[];
  /** Calls for channels that do not exist, newest first, and how many there were. */
  readonly strangers: readonly SeenArrival[];
  readonly strangersCount: number;
  /** When the channel last took one; null: never. */
  readonly lastAt: number | null;
  /** The other channels of this provider, and how many of them took some. */
  readonly others: { readonly count: number; readonly heard: number };
  /** Deliveries of what arrived in that time that are not over, by state. */
  readonly open: readonly { readonly state: string; readonly count: number }[];
  readonly silence: Silence;
};

export type Asked =
  /** `not_named`: there is no order to ask about. */
  | { readonly kind: 'not_named' | 'cannot' | 'skipped' | 'busy' | 'disabled' | 'unknown' | 'nameless' }
  | {
      readonly kind: 'problem';
      readonly code:
        | 'refused'
        | 'already_paid'
        | 'insufficient_balance'
        | 'not_configured'
        | 'timed_out'
        | 'unverified'
        | 'unavailable'
        | 'malformed';
      readonly detail: string;
    }
  /** `isPaid`: it told of a payment. `isNews`: what it said was not known here. */
  | { readonly kind: 'found'; readonly providerState: string; readonly isPaid: boolean; readonly isNews: boolean };

type Told = Pick<DiagnosisFacts, 'order' | 'asked'>;

/** The order came by callback. */
export const hasArrived = ({ order }: Pick<Told, 'order'>): boolean =>
  order?.timeline.some(({ kind, source }) => kind === 'fact' && source === 'callback') ?? false;

/** By the provider's own word nothing was paid, and nobody here knows better. */
export const isUnpaid = ({ order, asked }: Told): boolean =>
  asked.kind === 'found' && !asked.isNews && !asked.isPaid && order?.order.paymentState !== 'paid';

export type OriginSeen = {
  readonly id: string;
  /** Null: it does not exist any more. */
  readonly pauseReason: string | null;
  readonly status: 'active' | 'paused' | 'missing';
  readonly hasFilter: boolean;
  readonly acceptsTest: boolean;
  /** Null: it cannot be read now. */
  readonly gate: Pick<GateView, 'breaker' | 'probeAt' | 'waitUntil'> | null;
};

export type DiagnosisFacts = {
  readonly now: number;
  readonly channel: {
    readonly id: string;
    readonly status: ChannelStatus;
    readonly allowlist: AllowlistMode;
    readonly origins: readonly OriginSeen[];
  };
  /** Null while the gateway has no public address. */
  readonly callbackUrl: string | null;
  readonly isLocal: boolean;
  readonly reach: Reach;
  /** The time that is looked at. */
  readonly from: number;
  readonly to: number;
  /** Null while the lists cannot be read. */
  readonly arrivals: Arrivals | null;
  readonly alarms: readonly { readonly code: string; readonly detail: string }[];
  /** Null: none was named, nor found by its transaction. */
  readonly orderNo: string | null;
  /** The number is one of the gateway's own test callbacks, which leave no order. */
  readonly isRehearsal: boolean;
  /** As the ledger has it, what the provider said just now included; null: it has none of this number. */
  readonly order: OrderDetail | null;
  readonly asked: Asked;
};
