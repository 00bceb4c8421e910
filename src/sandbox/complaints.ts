// Complaints that payers make at the pretend WeChat Pay: a notice names the complaint alone, and the API tells the
// rest. Invents nothing about the payer.
import { randomInt } from 'node:crypto';
import { beijing, type OrderBook, type SandboxOrder } from './orders.ts';

export type SandboxComplaint = { readonly id: string; readonly at: number; readonly state: 'PENDING' | 'PROCESSED' };

export const newComplaint = (at: number): SandboxComplaint => ({
  id: `2002018${Array.from({ length: 20 }, () => randomInt(10)).join('')}`,
  at,
  state: 'PENDING',
});

/** The complaint as GET /v3/merchant-service/complaints-v2/{id} tells it; null when there is none. */
export function complaintAnswerOf(orders: OrderBook, id: string): Record<string, unknown> | null {
  const order = orders.find((one) => complaintIn(one, id) !== undefined);
  const complaint = order && complaintIn(order, id);
  if (!order || !complaint) return null;
  return {
    complaint_id: complaint.id,
    complaint_time: beijing(complaint.at),
    complaint_detail: '沙箱投诉',
    complaint_state: complaint.state,
    complainted_mchid: order.partner?.subMchId ?? order.mchId,
    payer_openid: order.openid,
    complaint_order_info: [
      { transaction_id: order.transactionId, out_trade_no: order.outTradeNo, amount: order.total },
    ],
    complaint_full_refunded: false,
    incoming_user_response: false,
    user_complaint_times: 1,
  };
}

const complaintIn = ({ complaints = [] }: SandboxOrder, id: string) => complaints.find((one) => one.id === id);
