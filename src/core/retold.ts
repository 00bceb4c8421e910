// What goes on to a merchant's backend in the provider's own words: what a dialect says of it, and what it needs to
// write it anew, one event of one order in our words. Pure data.
import type { KeptCallback } from './callback.ts';
import type { EventType, Payer, Received } from './event.ts';
import type { Money } from './money.ts';
import type { Result } from './result.ts';
import type { Taken } from './success.ts';

export type RetoldPayment = {
  readonly transactionId: string;
  readonly amount: Money;
  readonly payerAmount: Money | null;
  readonly providerMethod: string | null;
  readonly bank: string | null;
  readonly received: Received | null;
  readonly paidAt: number;
};

export type RetoldRefund = {
  readonly refundNo: string;
  readonly providerRefundId: string | null;
  readonly amount: Money;
  readonly state: string;
  readonly reason: string | null;
  readonly at: number;
};

export type Retold = {
  readonly type: EventType;
  readonly occurredAt: number;
  readonly orderNo: string;
  /** The payment that a `payment.succeeded` is about; null for every other event. */
  readonly payment: RetoldPayment | null;
  readonly refund: RetoldRefund | null;
  readonly payer: Payer | null;
  readonly attach: string | null;
  readonly test: boolean;
  /** The callback that told of it, where one did. */
  readonly callback: KeptCallback | null;
};

/** What a dialect tells of callbacks that go on to the merchant's backend as they came. */
export type SentOn<Credentials> = {
  /** Reads the backend's answer as the provider would: some handlers say no with a 200. */
  readonly readAcknowledgement?: (status: number, body: Uint8Array, credentials: Credentials) => Taken;
  /**
   * The last moment, in epoch milliseconds, at which a backend that checks the clock believes the callback; null where
   * it carries no readable time. Left out: nobody compares a time.
   */
  readonly freshUntil?: (kept: KeptCallback, credentials: Credentials) => number | null;
  /**
   * Writes the callback that would tell this, signed with the secret that the channel shares with the provider; or says
   * why it cannot. Left out: only the provider can sign.
   */
  readonly resign?: (
    retold: Retold,
    credentials: Credentials,
    context: { readonly now: number; readonly nonce: string },
  ) => Promise<Result<KeptCallback, string>>;
};
