// What the pretend WeChat Pay knows of orders and refunds, and how it words them. Kept in memory and, when given a
// file, on disk. Field names are WeChat Pay's.
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SandboxComplaint } from './complaints.ts';

export type RefundStatus = 'SUCCESS' | 'ABNORMAL' | 'CLOSED' | 'PROCESSING';

export type SandboxRefund = {
  outRefundNo: string;
  refundId: string;
  amount: number;
  status: RefundStatus;
  createdAt: number;
  succeededAt: number | null;
  /** Where its notice goes, if not where the order's goes. */
  notifyUrl?: string;
};

export type SandboxOrder = {
  outTradeNo: string;
  /** Null in direct mode. */
  partner: { spMchId: string; spAppId: string; subMchId: string; subAppId: string | null } | null;
  mchId: string;
  appId: string;
  description: string;
  attach: string | null;
  total: number;
  /** Taken off by a coupon: the payer pays so much less than the total. */
  coupon: number;
  currency: string;
  notifyUrl: string;
  codeUrl: string;
  /** What was asked for, so that the same question gets the same answer and another one is refused. */
  terms: string;
  state: 'NOTPAY' | 'SUCCESS' | 'CLOSED' | 'REFUND';
  openid: string;
  transactionId: string | null;
  paidAt: number | null;
  refunds: SandboxRefund[];
  /** Made by the XML API, and signed as it asked: its notices are XML too. Left out for API v3. */
  v2?: { signType: 'MD5' | 'HMAC-SHA256'; prepayId: string };
  complaints?: readonly SandboxComplaint[];
  /** Payments before the last one, of an order that was paid more than once. */
  earlier?: readonly { readonly transactionId: string; readonly paidAt: number }[];
  /** What the platform keeps of a payment; its usual share unless given. */
  feeFen?: number;
};

export const STATE_WORDS: Readonly<Record<SandboxOrder['state'], string>> = {
  NOTPAY: '订单未支付',
  SUCCESS: '支付成功',
  CLOSED: '订单已关闭',
  REFUND: '订单发生过退款',
};

const digits = (count: number) => Array.from({ length: count }, () => randomInt(10)).join('');
export const newTransactionId = () => `4200${digits(24)}`;
export const newRefundId = () => `503${digits(25)}`;

/** RFC 3339 in Beijing time, as WeChat Pay writes it. */
export function beijing(ms: number): string {
  return `${new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19)}+08:00`;
}

export class OrderBook {
  readonly #orders: Map<string, SandboxOrder>;
  readonly #file: string | null;

  constructor(file: string | null) {
    const known = file !== null && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
    this.#orders = new Map(known as [string, SandboxOrder][]); // this class alone writes the file
    this.#file = file;
  }

  get(outTradeNo: string): SandboxOrder | undefined {
    return this.#orders.get(outTradeNo);
  }

  find(test: (order: SandboxOrder) => boolean): SandboxOrder | undefined {
    return this.all().find(test);
  }

  all(): SandboxOrder[] {
    return [...this.#orders.values()];
  }

  put(order: SandboxOrder): SandboxOrder {
    this.#orders.set(order.outTradeNo, order);
    if (this.#file !== null) {
      mkdirSync(dirname(this.#file), { recursive: true });
      writeFileSync(this.#file, JSON.stringify([...this.#orders]));
    }
    return order;
  }
}

/** The transaction as queries answer it and payment notices carry it. */
export function transactionOf(order: SandboxOrder): Record<string, unknown> {
  const { partner } = order;
  const paid = order.transactionId !== null;
  const who = partner
    ? {
        sp_appid: partner.spAppId,
        sp_mchid: partner.spMchId,
        ...(partner.subAppId === null ? {} : { sub_appid: partner.subAppId }),
        sub_mchid: partner.subMchId,
      }
    : { appid: order.appId, mchid: order.mchId };
  return {
    ...who,
    out_trade_no: order.outTradeNo,
    ...(paid ? { transaction_id: order.transactionId, trade_type: 'NATIVE', bank_type: 'OTHERS' } : {}),
    trade_state: order.state,
    trade_state_desc: STATE_WORDS[order.state],
    attach: order.attach ?? '',
    ...(order.paidAt === null ? {} : { success_time: beijing(order.paidAt) }),
    ...(paid ? { payer: partner ? { sp_openid: order.openid } : { openid: order.openid } } : {}),
    amount: {
      total: order.total,
      currency: order.currency,
      ...(paid ? { payer_total: order.total - order.coupon, payer_currency: order.currency } : {}),
    },
    ...(paid && order.coupon > 0 ? { promotion_detail: [couponOf(order)] } : {}),
  };
}

const couponOf = (order: SandboxOrder) => ({
  coupon_id: '109519',
  name: '满减券',
  scope: 'GLOBAL',
  type: 'CASH',
  amount: order.coupon,
  stock_id: '931386',
  wechatpay_contribute: order.coupon,
  merchant_contribute: 0,
  other_contribute: 0,
  currency: order.currency,
});

const refundAmount = (order: SandboxOrder, refund: SandboxRefund) => ({
  total: order.total,
  refund: refund.amount,
  payer_total: order.total - order.coupon,
  payer_refund: Math.min(refund.amount, order.total - order.coupon),
});

/** A refund as the refund API answers it: the state is called `status` there. */
export function refundAnswerOf(order: SandboxOrder, refund: SandboxRefund): Record<string, unknown> {
  return {
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    transaction_id: order.transactionId,
    out_trade_no: order.outTradeNo,
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    ...(refund.succeededAt === null ? {} : { success_time: beijing(refund.succeededAt) }),
    create_time: beijing(refund.createdAt),
    status: refund.status,
    funds_account: 'AVAILABLE',
    amount: { ...refundAmount(order, refund), currency: order.currency },
  };
}

/** A refund as its notice carries it: the state is called `refund_status`, and the amount names no currency. */
export function refundNoticeOf(order: SandboxOrder, refund: SandboxRefund): Record<string, unknown> {
  const who = order.partner
    ? { sp_mchid: order.partner.spMchId, sub_mchid: order.partner.subMchId }
    : { mchid: order.mchId };
  return {
    ...who,
    out_trade_no: order.outTradeNo,
    transaction_id: order.transactionId,
    out_refund_no: refund.outRefundNo,
    refund_id: refund.refundId,
    refund_status: refund.status,
    ...(refund.succeededAt === null ? {} : { success_time: beijing(refund.succeededAt) }),
    user_received_account: '支付用户零钱',
    amount: refundAmount(order, refund),
  };
}
