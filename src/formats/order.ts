// The order and the event as a merchant reads them (design: what the merchant receives). Pure. Never leaves a field out.
import type { PaymentEvent, Source } from '../core/event.ts';
import type { Money } from '../core/money.ts';
import { disputeOf, type Order, paidOf, refundedOf, stateOf } from '../core/order.ts';

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** The order as it stands, in the public shape; used by events, the API and the console alike. */
export function renderOrder(order: Order) {
  const firstPaid = order.payments[0];
  const paid = paidOf(order);
  return {
    orderNo: order.orderNo,
    state: stateOf(order),
    dispute: disputeOf(order),
    flags: order.flags,
    amountChecked: order.registration !== null,
    amount: order.registration?.amount ?? firstPaid?.amount ?? null,
    paid: paid ?? zeroOf(order),
    refunded: refundedOf(order) ?? zeroOf(order),
    paidAt: iso(firstPaid?.paidAt ?? null),
    providerState: order.providerState,
    payments: order.payments.map((payment) => ({ ...payment, paidAt: iso(payment.paidAt) })),
    refunds: order.refunds.map((refund) => ({ ...refund, at: iso(refund.at) })),
    attach: order.attach,
    metadata: order.registration?.metadata ?? {},
    expiresAt: iso(order.registration?.expiresAt ?? null),
  };
}

const zeroOf = (order: Order): Money | null =>
  order.registration ? { minor: 0, currency: order.registration.amount.currency } : null;

export type RenderedOrder = ReturnType<typeof renderOrder>;

/** The fixed snapshot of an event: everything under `data`, as it stood when the fact was committed. */
export function renderEventData(input: {
  readonly eventId: string;
  readonly sequence: number;
  readonly source: Source;
  readonly receivedAt: number;
  readonly channelId: string;
  readonly provider: string;
  readonly order: Order;
  readonly event: PaymentEvent | null;
}) {
  const { order, event } = input;
  const refund = event?.kind === 'refund' ? order.refunds.find((r) => r.refundNo === event.refundNo) : undefined;
  return {
    id: input.eventId,
    sequence: input.sequence,
    source: input.source,
    receivedAt: iso(input.receivedAt),
    channel: input.channelId,
    provider: input.provider,
    test: order.test,
    order: renderOrder(order),
    payer: order.payer,
    refund: refund ? { ...refund, at: iso(refund.at) } : null,
    provenance: order.payerSource === null ? {} : { payer: order.payerSource },
  };
}
