// Replays: deliveries asked for again, one order's or many by a filter. Pure data; fields may be added, never changed
// in meaning.
import type { EventType } from './event.ts';
import type { Actor, DeliveryState } from './record.ts';

/** What a ledger is asked to deliver again: an event, or all that the order told. */
export type ReplayRequest = {
  readonly v: 1;
  readonly orderNo: string;
  readonly eventId?: string | undefined;
  readonly sequence?: number | undefined;
  /** One origin of the channel, whether it got the event before or not; left out: those that did. */
  readonly originId?: string | undefined;
  readonly actor: Actor;
  /** The bulk replay that asks; it moves each delivery once, however often it asks. */
  readonly job?: string | undefined;
};

/**
 * Why nothing moved: it is on its way, a person has to release it, two people ended it, nobody takes it, or this bulk
 * replay did it.
 */
export type Unmoved = 'under_way' | 'held' | 'discarded' | 'no_origin' | 'done';
export type ReplayReply =
  | { readonly kind: 'replayed'; readonly deliveries: number }
  | { readonly kind: 'nothing'; readonly why: Unmoved }
  | { readonly kind: 'missing' };

/** States that a replay can begin from. */
export const REPLAYABLE_STATES = ['dead', 'delivered', 'cancelled', 'skipped'] as const satisfies DeliveryState[];
export type ReplayableState = (typeof REPLAYABLE_STATES)[number];

/** Which deliveries a bulk replay means, by when their events arrived: `from` included, `to` not. */
export type ReplayFilter = {
  readonly state: ReplayableState;
  readonly channel: string | null;
  readonly origin: string | null;
  readonly type: EventType | null;
  readonly from: number | null;
  readonly to: number;
};

/** The place of a delivery in the projection; a bulk replay goes from place to place, the oldest first. */
export type ReplayPlace = { readonly createdAt: number; readonly eventId: string; readonly origin: string };

export type ReplayDraft = {
  readonly id: string;
  readonly filter: ReplayFilter;
  readonly perSecond: number;
  readonly actor: Actor;
  /** How many deliveries matched when it began. */
  readonly count: number;
  readonly now: number;
  /** The caller's Idempotency-Key in the caller's own name, and what the key came with. */
  readonly key: string | null;
  readonly digest: string;
};

export type ReplayState = 'running' | 'done' | 'cancelled';

export type ReplayJob = Omit<ReplayDraft, 'now' | 'key' | 'digest'> & {
  readonly state: ReplayState;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  /** Deliveries looked at so far, and of those the ones that go again. */
  readonly seen: number;
  readonly replayed: number;
  readonly place: ReplayPlace | null;
  /** What keeps it from going on; it tries again by itself. */
  readonly problem: string | null;
};

export const beginJob = ({ now, key: _, digest: __, ...draft }: ReplayDraft): ReplayJob => ({
  ...draft,
  state: 'running',
  createdAt: now,
  finishedAt: null,
  seen: 0,
  replayed: 0,
  place: null,
  problem: null,
});

/** `busy`: as many run as may at once. */
export type StartReply =
  | { readonly kind: 'started'; readonly job: ReplayJob }
  | { readonly kind: 'busy' | 'key_reused' };
