// The contract every provider's dialect fulfils. Pure: I/O is described here, done by a shell. One value per provider.
import type { z } from 'zod';
import type { Acknowledgement, Answer } from '../core/acknowledgement.ts';
import type { Callback } from '../core/callback.ts';
import type { FetchedKey } from '../core/channel.ts';
import type { CredentialProblem, Expiring } from '../core/credential.ts';
import type { FlagFact, Link, PaymentEvent, UnlinkedEvent, UnlinkedFlag } from '../core/event.ts';
import type { Money } from '../core/money.ts';
import type { PaymentRequest, Registration } from '../core/order.ts';
import type { ProductOutcome } from '../core/product.ts';
import type { Rejection } from '../core/rejection.ts';
import type { Result } from '../core/result.ts';
import type { Beside } from './provider/bill.ts';
import type { Unfinished } from './provider/unfinished.ts';

/** An authentic notification in our words. One that tells of no order is acknowledged and kept, and touches none. */
export type Translation = Unfinished & {
  readonly events: readonly PaymentEvent[];
  /** What the provider finds odd about an order beside what happened to it: a complaint, a review. */
  readonly flags?: readonly FlagFact[];
  /** Facts that name no order: found by a provider's id, now or when its payment arrives. Needs `linksById`. */
  readonly unlinked?: readonly UnlinkedEvent[];
  /** The same for what is odd: a review of a charge, say. Needs `linksById`. */
  readonly unlinkedFlags?: readonly UnlinkedFlag[];
  /** Ids by which later notices will mean these orders. Needs `linksById`. */
  readonly links?: readonly Link[];
  /** Things the notice names and proves nothing about: the provider is asked before anything is believed. */
  readonly hints?: readonly QueryTarget[];
  /** No fact but a question: a payer scanned this product's static code. Needs `product`; its reply is the answer. */
  readonly asks?: { readonly productId: string };
  /** Unsigned, and the provider knows nothing of what it names: anybody's word. Counted, and never kept. */
  readonly unproven?: true;
  /** Why the notice proves nothing and nobody can be asked, in one sentence: it is kept, and a person is told. */
  readonly unconfirmed?: string;
  /** Of an answer: the provider's own word for what stands and no fact tells. Left out: it knows nothing of it. */
  readonly state?: string;
  /** The provider's own name for this notice, e.g. `TRANSACTION.SUCCESS`. */
  readonly noticeType: string;
  /** The provider's id of this notice, for people; never used to deduplicate. */
  readonly noticeId: string | null;
};

/** What a query asks for: whichever of these the provider knows it by. */
export type QueryTarget = {
  readonly orderNo?: string;
  readonly transactionId?: string;
  /** The merchant's number of a refund: what became of it is asked, not of the order. */
  readonly refundNo?: string;
  /** A provider's id of another kind, in the words of its own file. */
  readonly reference?: string;
  /** What the merchant registered beside the order: some providers want to hear a part of it again. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** When the order's known payment says that it happened, epoch milliseconds. */
  readonly occurredAt?: number;
};

/** A request to the provider's API, described and not made. `url` is absolute and on one of the provider's hosts. */
export type ProviderRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Shorter than the gateway's own limit; never longer. */
  readonly timeoutMs?: number;
  /** The `mtls_certificates` binding whose client certificate the provider wants to see. */
  readonly certificateBinding?: string;
};

export type ProviderAnswer = {
  readonly status: number;
  /** Names lower-cased, as Headers gives them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

/**
 * Why a provider's API did not give what was asked. `refused`, `not_configured`, `insufficient_balance` and
 * `already_paid` are final: nothing was done. `unverified` (the answer's signature failed), `unavailable` and
 * `malformed` leave open what was done: ask before trying again.
 */
export type ProviderProblem = {
  readonly code:
    | 'unverified'
    | 'refused'
    | 'unavailable'
    | 'malformed'
    | 'not_configured'
    /** The merchant's account cannot cover the refund now. */
    | 'insufficient_balance'
    /** A payment was asked for, and the order is paid. */
    | 'already_paid';
  readonly detail: string;
};

/** A refund that the merchant asks for. */
export type RefundOrder = {
  readonly orderNo: string;
  readonly transactionId: string | null;
  readonly refundNo: string;
  readonly amount: Money;
  /** What was paid, where the provider wants to hear it again. */
  readonly paid: Money;
  readonly reason: string | null;
  readonly notifyUrl: string;
};

/** Things a pure function may not fetch for itself. */
export type RequestContext = {
  readonly now: number;
  readonly nonce: string;
  /** The key that a callback named, where keys are fetched `byId`. Untrusted: `request` throws for one not to fetch. */
  readonly keyId?: string;
  /** What the provider's `token` gave, where it has one; still good at `now`. */
  readonly token?: string;
};

/** What the provider's API takes as proof of who asks, until it expires (epoch milliseconds). Secret. */
export type AccessToken = { readonly token: string; readonly expiresAt: number };

export type Provider<Credentials, Notification> = Beside<Credentials> &
  Expiring<Credentials> & {
    /** URL word, column value and folder of fixtures. */
    readonly id: string;
    readonly name: { readonly en: string; readonly zh: string };
    /**
     * Each field carries `.meta({ label, help, secret?, rotates? })`; the API and the console build forms from it.
     * What is secret or `rotates` may change while earlier values are still taken: never what says whose callbacks it
     * is.
     */
    readonly credentials: z.ZodType<Credentials>;
    /** Checks that need keys parsed: says which field is wrong and how to mend it. */
    readonly inspectCredentials?: (
      credentials: Credentials,
      /** Left out: whether a certificate is in its validity is not judged. */
      now?: number,
    ) => Promise<Result<null, CredentialProblem>>;
    /** How long the provider waits for an answer before it counts the callback as failed, less a margin. */
    readonly ackDeadlineMs: number;
    /** The published source ranges (CIDR); the default of a channel's allowlist. */
    readonly sourceRanges: readonly string[];
    /** The headers that its signature needs, lower-cased: kept with each fact, so that it can be proved again. */
    readonly evidenceHeaders: readonly string[];
    /** The same where the channel chooses the headers. */
    readonly evidenceHeadersOf?: (credentials: Credentials) => readonly string[];
    /** When the provider calls again after a failure: waits in seconds. */
    readonly retryScheduleSeconds: readonly number[];
    /** Proves the raw bytes genuine, then parses them. Never throws for hostile bytes. */
    readonly verify: (
      callback: Callback,
      credentials: Credentials,
      keys: readonly FetchedKey[],
      now: number,
    ) => Promise<Result<Notification, Rejection>>;
    /** Puts an authentic notification into our words; refuses one meant for another merchant. */
    readonly translate: (notification: Notification, credentials: Credentials) => Result<Translation, Rejection>;
    /** Without credentials where they could not be read: the provider's defaults. */
    readonly acknowledge: (acknowledgement: Acknowledgement, credentials?: Credentials) => Answer;
    /** Verification keys that can be fetched. `wanted`: these credentials allow it. */
    readonly keys?: {
      /** Keys are fetched one by one, each when a callback first names it (`keyId` of its rejection), never by time. */
      readonly byId?: true;
      readonly wanted: (credentials: Credentials) => boolean;
      /** True when the credentials bring keys of their own, so that a failed download leaves callbacks verifiable. */
      readonly brought: (credentials: Credentials) => boolean;
      readonly request: (credentials: Credentials, context: RequestContext) => Promise<ProviderRequest>;
      readonly read: (
        answer: ProviderAnswer,
        credentials: Credentials,
        keys: readonly FetchedKey[],
        now: number,
        keyId?: string,
      ) => Promise<Result<readonly FetchedKey[], ProviderProblem>>;
    };
    /** Later notices name a payment only by the provider's id: the channel keeps a locator for them. */
    readonly linksById?: true;
    /** Its API is asked with a token that is fetched first, and kept for these very credentials until it expires. */
    readonly token?: {
      readonly request: (
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Result<ProviderRequest, ProviderProblem>>;
      readonly read: (answer: ProviderAnswer, now: number) => Promise<Result<AccessToken, ProviderProblem>>;
    };
    /** Asks the provider what it knows of one thing; the answer enters by the ledger's same door. */
    readonly query?: {
      readonly request: (
        target: QueryTarget,
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Result<ProviderRequest, ProviderProblem>>;
      /** No events: the provider knows nothing of it yet, or nothing has happened. */
      readonly read: (
        answer: ProviderAnswer,
        target: QueryTarget,
        credentials: Credentials,
        keys: readonly FetchedKey[],
        now: number,
      ) => Promise<Result<Translation, ProviderProblem>>;
    };
    /** Asks the provider for a payment that the payer can complete by a QR code. */
    readonly pay?: {
      /** Schemes besides `https:` of codes that a phone opens as a link, in the wallet's own app. */
      readonly appSchemes?: readonly string[];
      readonly request: (
        order: { readonly orderNo: string; readonly registration: Registration; readonly notifyUrl: string },
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Result<ProviderRequest, ProviderProblem>>;
      readonly read: (
        answer: ProviderAnswer,
        credentials: Credentials,
        keys: readonly FetchedKey[],
        now: number,
        /** The order's own expiry: the code lasts no longer. Null or left out: the expiry `request` chose itself. */
        expiresAt?: number | null,
      ) => Promise<Result<PaymentRequest, ProviderProblem>>;
    };
    /** Asks the provider to let nobody pay an order any more. Closing twice is closing once. */
    readonly close?: {
      readonly request: (
        order: { readonly orderNo: string },
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Result<ProviderRequest, ProviderProblem>>;
      /**
       * `closed`: nobody can pay it any more. `paid`: it was paid before. `unknown`: the provider has no such order
       * yet, and whoever holds a code of it might still pay.
       */
      readonly read: (
        answer: ProviderAnswer,
        credentials: Credentials,
        keys: readonly FetchedKey[],
        now: number,
      ) => Promise<Result<'closed' | 'paid' | 'unknown', ProviderProblem>>;
    };
    /** Static codes of fixed-price products: the provider asks what to charge, and waits for the answer. */
    readonly product?: {
      /** What products may be priced in. */
      readonly currency: string;
      /** What the product's printed code says; the same for the same `context`. */
      readonly codeUrl: (
        productId: string,
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Result<string, ProviderProblem>>;
      /** The order that this scan makes. The same scan told again is the same order. */
      readonly orderNoOf: (notification: Notification) => Promise<string>;
      readonly request: (
        notification: Notification,
        order: { readonly orderNo: string; readonly registration: Registration; readonly notifyUrl: string },
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Result<ProviderRequest, ProviderProblem>>;
      /** `reference` is what `reply` needs. */
      readonly read: (
        answer: ProviderAnswer,
        credentials: Credentials,
        keys: readonly FetchedKey[],
        now: number,
      ) => Promise<Result<PaymentRequest & { readonly reference: string }, ProviderProblem>>;
      readonly reply: (
        notification: Notification,
        outcome: ProductOutcome,
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Answer>;
    };
    /** Asks the provider to give money back. The same refund number asked twice is one refund. */
    readonly refund?: {
      readonly request: (
        refund: RefundOrder,
        credentials: Credentials,
        context: RequestContext,
      ) => Promise<Result<ProviderRequest, ProviderProblem>>;
      /** What the provider says has become of it; the refund's own fact among the events. */
      readonly read: (
        answer: ProviderAnswer,
        refund: RefundOrder,
        credentials: Credentials,
        keys: readonly FetchedKey[],
        now: number,
      ) => Promise<Result<Translation, ProviderProblem>>;
    };
  };

/** A provider whose types have been widened, as the registry of providers holds it. */
export type AnyProvider = Provider<unknown, unknown>;

/**
 * Infers a provider's own types, then widens them so that one table can hold all of them.
 * The widening is sound as long as callers pass back only what `credentials.parse` and `verify` gave.
 */
export function provider<Credentials, Notification>(definition: Provider<Credentials, Notification>): AnyProvider {
  return definition as unknown as AnyProvider; // see above: the values only ever travel in a closed circle
}
