// What a dialect needs to write a callback anew: one event of one order, in our words. Pure data.
import type { KeptCallback } from './callback.ts';
import type { EventType, Payer, Received } from './event.ts';
import type { Money } from './money.ts';

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
