// The order and the event as a merchant reads them. Pure. Never leaves a field out: what is unknown is null.
import type { Fact, Payer, Source } from '../core/event.ts';
import { disputeOf, expiryOf, type Order, paidAtOf, paidOf, type Refund, refundedOf, stateOf } from '../core/order.ts';

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

/** The order as it stands, in the public shape; used by events, the API and the console alike. */
export function renderOrder(order: Order) {
  return {
    orderNo: order.orderNo,
    state: stateOf(order),
    dispute: disputeOf(order),
    flags: order.flags,
    amountChecked: order.registration !== null,
    amount: order.registration?.amount ?? order.payments[0]?.amount ?? null,
    paid: paidOf(order),
    refunded: refundedOf(order),
    paidAt: iso(paidAtOf(order)),
    providerState: order.providerState,
    payments: order.payments.map(({ flags: _, ...payment }) => ({ ...payment, paidAt: iso(payment.paidAt) })),
    refunds: order.refunds.map(renderRefund),
    attach: order.attach,
    metadata: order.registration?.metadata ?? {},
    expiresAt: iso(expiryOf(order)),
  };
}

const renderRefund = ({ refundNo, providerRefundId, amount, state, reason, at }: Refund) => ({
  refundNo,
  providerRefundId,
  amount,
  state,
  reason,
  at: iso(at),
});

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
  readonly event: Fact | null;
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
    payer: payerOf(order.payer),
    refund: refund ? renderRefund(refund) : null,
    provenance: { ...(order.payerSource === null ? {} : { payer: order.payerSource }), ...order.provenance },
  };
}

const payerOf = (payer: Payer | null) =>
  payer && {
    id: payer.id ?? null,
    idType: payer.idType ?? null,
    account: payer.account ?? null,
    name: payer.name ?? null,
  };
