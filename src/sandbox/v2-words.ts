// Orders and refunds in the words of WeChat Pay API v2. Field names are WeChat Pay's; times are Beijing's.
import { type RefundStatus, type SandboxOrder, type SandboxRefund, STATE_WORDS } from './orders.ts';
import type { Fields } from './v2-signing.ts';

const REFUND_STATES: Readonly<Record<RefundStatus, string>> = {
  SUCCESS: 'SUCCESS',
  PROCESSING: 'PROCESSING',
  ABNORMAL: 'CHANGE',
  CLOSED: 'REFUNDCLOSE',
};

const beijingDigits = (ms: number): string =>
  new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace(/\D/g, '');
const beijingSpaced = (ms: number): string => new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');

/** Whose order it is; part of every message. */
export const whoOf = ({ appId, mchId, partner }: SandboxOrder): Fields => ({
  appid: appId,
  mch_id: mchId,
  ...(partner === null ? {} : { sub_mch_id: partner.subMchId }),
});

/** What a payment notice and the answer to an order query say of a payment. */
export function paymentFields(order: SandboxOrder): Fields {
  const { coupon, total, currency, transactionId, paidAt } = order;
  if (transactionId === null || paidAt === null) return { out_trade_no: order.outTradeNo };
  return {
    openid: order.openid,
    is_subscribe: 'N',
    trade_type: 'NATIVE',
    bank_type: 'OTHERS',
    total_fee: `${total}`,
    fee_type: currency,
    cash_fee: `${total - coupon}`,
    cash_fee_type: currency,
    ...(coupon === 0
      ? {}
      : { coupon_fee: `${coupon}`, coupon_count: '1', coupon_id_0: '109519', coupon_fee_0: `${coupon}` }),
    transaction_id: transactionId,
    out_trade_no: order.outTradeNo,
    ...(order.attach === null ? {} : { attach: order.attach }),
    time_end: beijingDigits(paidAt),
  };
}

export const orderAnswer = (order: SandboxOrder): Fields => ({
  ...paymentFields(order),
  trade_state: order.state,
  trade_state_desc: STATE_WORDS[order.state],
});

/** The answer to a refund request: it names no state. */
export const takenAnswer = (order: SandboxOrder, refund: SandboxRefund): Fields => ({
  transaction_id: order.transactionId ?? '',
  out_trade_no: order.outTradeNo,
  out_refund_no: refund.outRefundNo,
  refund_id: refund.refundId,
  refund_fee: `${refund.amount}`,
  total_fee: `${order.total}`,
  fee_type: order.currency,
  cash_fee: `${order.total - order.coupon}`,
});

/** The answer to a refund query: each refund's fields are numbered. */
export function refundsAnswer(order: SandboxOrder, refunds: readonly SandboxRefund[]): Fields {
  const numbered = refunds.flatMap((refund, n) => Object.entries(refundFields(refund, n)));
  return {
    transaction_id: order.transactionId ?? '',
    out_trade_no: order.outTradeNo,
    total_fee: `${order.total}`,
    fee_type: order.currency,
    cash_fee: `${order.total - order.coupon}`,
    refund_count: `${refunds.length}`,
    refund_fee: `${refunds.reduce((sum, { amount }) => sum + amount, 0)}`,
    ...Object.fromEntries(numbered),
  };
}

const refundFields = (refund: SandboxRefund, n: number): Fields => ({
  [`out_refund_no_${n}`]: refund.outRefundNo,
  [`refund_id_${n}`]: refund.refundId,
  [`refund_channel_${n}`]: 'ORIGINAL',
  [`refund_fee_${n}`]: `${refund.amount}`,
  [`refund_status_${n}`]: REFUND_STATES[refund.status],
  [`refund_recv_accout_${n}`]: '支付用户零钱',
  ...(refund.succeededAt === null ? {} : { [`refund_success_time_${n}`]: beijingSpaced(refund.succeededAt) }),
});

/** What a refund notice seals. */
export const refundNoticeFields = (order: SandboxOrder, refund: SandboxRefund): Fields => ({
  transaction_id: order.transactionId ?? '',
  out_trade_no: order.outTradeNo,
  refund_id: refund.refundId,
  out_refund_no: refund.outRefundNo,
  total_fee: `${order.total}`,
  settlement_total_fee: `${order.total}`,
  refund_fee: `${refund.amount}`,
  settlement_refund_fee: `${refund.amount}`,
  refund_status: REFUND_STATES[refund.status],
  ...(refund.succeededAt === null ? {} : { success_time: beijingSpaced(refund.succeededAt) }),
  refund_recv_accout: '支付用户零钱',
  refund_account: 'REFUND_SOURCE_UNSETTLED_FUNDS',
  refund_request_source: 'API',
});
