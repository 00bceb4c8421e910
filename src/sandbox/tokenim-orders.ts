// What the pretend Tokenim knows of an order, and how its messages word it. The dialect is our own: no public
// specification of the real one exists.
import type { Fields } from './tokenim-signing.ts';

export type TokenimOrder = {
  readonly orderId: string;
  readonly amount: number;
  readonly currency: string;
  readonly notifyUrl: string | null;
  readonly transactionId: string;
  state: 'PENDING' | 'SUCCESS' | 'CLOSED';
  readonly refunds: Map<string, { readonly amount: number; state: 'PROCESSING' | 'SUCCESS' }>;
};

/** What a callback about this order says. */
export const paymentFields = (order: TokenimOrder, seconds: number): Fields => ({
  type: 'payment',
  notify_id: `N${order.transactionId}`,
  order_id: order.orderId,
  transaction_id: order.transactionId,
  status: order.state,
  amount: order.amount,
  currency: order.currency,
  user_id: `user-of-${order.orderId}`,
  user_name: '王小明',
  changed_at: seconds,
});

export function refundFields(order: TokenimOrder, refundNo: string, seconds: number): Fields {
  const refund = order.refunds.get(refundNo);
  return {
    type: 'refund',
    order_id: order.orderId,
    transaction_id: order.transactionId,
    refund_no: refundNo,
    refund_amount: refund?.amount ?? 0,
    currency: order.currency,
    status: refund?.state ?? 'SUCCESS',
    changed_at: seconds,
  };
}
