// The messages between the verbs and the ledger. Pure data; fields may be added, never changed in meaning, because
// a Worker and an object of different versions may talk while a deployment rolls out.
import type { DispatchConfig } from './channel.ts';
import type { Fact, Link, Source, UnlinkedEvent, UnlinkedFlag, UnlinkedPartial } from './event.ts';
import type { Money } from './money.ts';
import type { Order, OrderState, PaymentRequest, Registration } from './order.ts';
import type { Reserved } from './refund-request.ts';

/** The bytes that proved a fact, kept with it. `digest` is the SHA-256 of the body, hex. */
export type Evidence = {
  readonly contentType: string | null;
  /** Only the headers that the provider's signature needs, lower-cased. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly remoteAddress: string | null;
  readonly digest: string;
};

export type FactInput = {
  /** Becomes the event's id if the fact is new: `evt_` and 26 characters. */
  readonly eventId: string;
  readonly event: Fact;
  readonly source: Source;
  readonly receivedAt: number;
  readonly evidence: Evidence | null;
  /** Of whatever brought it; left out by older versions, and where nothing but the gateway did. */
  readonly trace?: string;
};

/** A fact that does not name its order. */
export type UnlinkedInput = Omit<FactInput, 'event'> & {
  readonly event: UnlinkedEvent | UnlinkedFlag | UnlinkedPartial;
};

export type LocateRequest = {
  readonly v: 1;
  readonly uid: string;
  readonly shards: number;
  readonly dispatch: DispatchConfig;
  readonly links: readonly Link[];
  readonly unlinked: readonly UnlinkedInput[];
  readonly now: number;
  /** Two ids for the events that a reused transaction would raise. */
  readonly flagIds: readonly [string, string];
};
/** For each unlinked fact its order, or null: it waits here and goes to its ledger by itself. */
export type LocateReply = { readonly orderNos: readonly (string | null)[] };

export type RecordRequest = {
  readonly v: 1;
  /** All of one shard. */
  readonly facts: readonly FactInput[];
  /** As JSON from who records often: as text it crosses to the object at a tenth of what it costs as an object. */
  readonly dispatch: DispatchConfig | string;
};

/**
 * `refused`: the order already holds more facts than any real order has; nothing was written. `incomplete`: kept, and
 * told once the provider has said the rest.
 */
export type RecordVerdict = 'applied' | 'duplicate' | 'stale' | 'odd' | 'incomplete' | 'parked' | 'refused';
export type RecordReply = readonly { readonly orderNo: string; readonly verdict: RecordVerdict }[];

export type RegisterRequest = {
  readonly v: 1;
  readonly orderNo: string;
  readonly registration: Registration;
  readonly dispatch: DispatchConfig;
  /** The id of the event that a difference with what was already paid would raise. */
  readonly eventId: string;
  /** The merchant wants the provider's payment: from now on the order has an end. Left out where it does not. */
  readonly pay?: {
    /** Until when it may be paid, where the registration does not say. */
    readonly payBy: number;
    readonly closeOnExpiry: boolean;
  };
};
/** An Idempotency-Key, kept in the shard that its own text falls to: the key may come with any order. */
export type ClaimKeyRequest = {
  readonly v: 1;
  readonly key: string;
  /** Of the whole request, SHA-256, hex. */
  readonly digest: string;
  readonly dispatch: DispatchConfig;
};

/** `same`: registered before with equal data. `conflict`: registered before, and `field` differs. */
export type RegisterReply =
  | { readonly kind: 'created' | 'same'; readonly order: Order }
  | { readonly kind: 'conflict'; readonly field: string };

/** Who did something, why, and from where: an API key's id, or a person's e-mail. */
export type Actor = { readonly key: string; readonly reason: string | null; readonly address?: string | null };

/** A refund that the merchant wants: reserved in the ledger before any provider hears of it. */
export type ReserveRequest = {
  readonly v: 1;
  readonly orderNo: string;
  readonly refundNo: string;
  readonly amount: Money;
  readonly reason: string | null;
  /** The payment it gives back, where the order has several. */
  readonly transactionId: string | null;
  readonly actor: Actor;
  /** When nobody has told what became of it by then, the ledger has it asked. */
  readonly askAgainAt: number;
};
/**
 * `same`: this refund was reserved, or exists, before. `transactionId`: the payment it gives back, null where that is
 * open; `paid`: that payment's amount, or the whole order's.
 */
export type ReserveReply =
  | {
      readonly kind: 'reserved' | 'same';
      readonly order: Order;
      readonly transactionId: string | null;
      readonly paid: Money;
    }
  | Exclude<Reserved, { readonly kind: 'reserved' | 'same' }>
  | { readonly kind: 'missing' };

/** The provider refused for good, or somebody gave it up: what was set aside is free again. */
export type DropRequest = {
  readonly v: 1;
  readonly orderNo: string;
  readonly refundNo: string;
  /** Of the request that was refused: a later one under the same number is not freed by it. */
  readonly requestedAt: number;
  /** Why. */
  readonly detail: string;
  /** The API key that gave it up; left out: the provider refused. */
  readonly abandonedBy?: string;
  readonly address?: string | null;
};

export type ReleaseRequest = {
  readonly v: 1;
  readonly orderNo: string;
  readonly actor: Actor & { readonly reason: string };
  /** True: what is held is never delivered. */
  readonly discard: boolean;
};
/** `confirm`: noted, and another key has to say so too. `released` tells how many deliveries moved. */
export type ReleaseReply =
  | { readonly kind: 'released'; readonly deliveries: number }
  | { readonly kind: 'confirm' | 'same_key' | 'not_held' | 'missing' };

/** What the payer's page shows, and whoever asks the provider for a payment needs. */
export type PaymentView = {
  readonly state: OrderState;
  readonly amount: Money | null;
  readonly request: PaymentRequest | null;
  readonly payBy: number | null;
};

/** A fact with all that proves it. `chain`: its link; null while it is parked. */
export type EvidenceEntry = {
  readonly eventId: string;
  readonly factKey: string;
  readonly sequence: number | null;
  readonly type: string | null;
  readonly verdict: string;
  readonly source: Source;
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly remoteAddress: string | null;
  readonly contentType: string | null;
  /** JSON, as the link covers it. */
  readonly headers: string | null;
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly digest: string | null;
  readonly chain: string | null;
  /** Where the bytes are now that are no longer here; null: nowhere, or they are here. */
  readonly archive?: string | null;
};

/** One event of an order: by its place there, or by its id. */
export type WhichEvent = { readonly sequence: number } | { readonly eventId: string };

/** An event as it was committed, with its place in the shard. */
export type ToldEvent = {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly occurredAt: number;
  readonly data: string;
  readonly trace: string | null;
};

export type DeliveryState =
  | 'waiting'
  | 'in_flight'
  | 'delivered'
  | 'dead'
  | 'held'
  | 'paused'
  | 'cancelled'
  | 'skipped';
export type AttemptOutcome = 'delivered' | 'refused' | 'unreachable' | 'timed_out';

/** One HTTP try of a delivery and what became of it. */
export type Attempt = {
  readonly attempt: number;
  readonly at: number;
  readonly outcome: AttemptOutcome;
  /** HTTP status; null when no answer came. */
  readonly status: number | null;
  readonly ms: number;
  /** The start of the origin's answer, or why none came; for people. */
  readonly detail: string;
};

export type DeliveryView = {
  readonly eventId: string;
  /** As the origin sees it in `traceparent`. */
  readonly trace: string;
  readonly originId: string;
  readonly sequence: number;
  readonly state: DeliveryState;
  /** Why it waits: `retry`, `behind`, `paused`, `second_origin`, `dispatch`; null when it does not. */
  readonly reason: string | null;
  /** When the next attempt is due; null when none is planned. */
  readonly dueAt: number | null;
  readonly attempts: readonly Attempt[];
};

/** One line of an order's history: facts, registration, attempts, in the order they came to be known. */
export type TimelineEntry = {
  readonly at: number;
  readonly kind: 'registered' | 'fact' | 'attempt' | 'payment_requested' | 'act';
  readonly source: Source | 'gateway';
  readonly [detail: string]: string | number | null;
};

export type OrderDetail = {
  readonly order: Order;
  readonly held: boolean;
  readonly timeline: readonly TimelineEntry[];
  readonly deliveries: readonly DeliveryView[];
};

/** One queue message is one attempt of one delivery (protocol: dispatch 11). */
export type DeliveryMessage = {
  readonly v: 1;
  readonly shard: string;
  readonly seq: number;
  readonly eventId: string;
  readonly originId: string;
  readonly attempt: number;
  /** Changes whenever the shard restarts; a claim of an older life is refused. */
  readonly epoch: string;
};

export type ClaimItem = Pick<DeliveryMessage, 'seq' | 'originId' | 'attempt' | 'epoch'>;
/** `no` says why: settled, paused, claimed, stale. `go` carries the event's fixed snapshot. */
export type ClaimReply =
  | { readonly go: false; readonly why: 'settled' | 'paused' | 'claimed' | 'stale' }
  | {
      readonly go: true;
      /** Names this claim: only its own failures count. */
      readonly claim: string;
      readonly originVersion: number;
      readonly eventId: string;
      readonly type: string;
      readonly occurredAt: number;
      /** JSON of the event's `data` as it stood at commit. */
      readonly data: string;
      /** For the log, and for the origin's; left out by older versions. */
      readonly trace?: string | null;
      readonly orderNo?: string;
      readonly channel?: string;
      /** Asked for again after it was settled; left out: no. */
      readonly replay?: boolean;
    };

/** Asked again before a POST that starts a while after its claim, so that a pause acts within a second. */
export type ConfirmItem = Pick<DeliveryMessage, 'seq' | 'originId'> & { readonly claim: string };

export type Settlement = ConfirmItem & {
  readonly attempt: number;
  readonly outcome: AttemptOutcome;
  readonly at: number;
  readonly ms: number;
  readonly status: number | null;
  readonly detail: string;
  /** From Retry-After, seconds; null when the origin did not say. */
  readonly retryAfterSeconds: number | null;
  /** What of the origin's answer contradicts what it was told, and the id of the event that says so. */
  readonly disagreement?: { readonly eventId: string; readonly detail: string };
};
