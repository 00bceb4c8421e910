// What happens in the outside world: payers pay, refunds succeed or do not, and the notices that follow go out.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Courier, Notice, SendOptions } from './courier.ts';
import type { Identity } from './identity.ts';
import { type Misbehaviour, type NoticeContent, SPOILS, TIMINGS, VARIANTS } from './notice.ts';
import {
  newRefundId,
  newTransactionId,
  type OrderBook,
  refundNoticeOf,
  type SandboxOrder,
  transactionOf,
} from './orders.ts';

const kinds = Object.keys({ ...SPOILS, ...VARIANTS, ...TIMINGS }) as Misbehaviour[]; // keys are typed as string
const Misbehave = {
  misbehave: z.enum(kinds).optional(),
  copies: z.int().min(1).max(100).optional(),
  delayMs: z.int().min(0).max(600_000).optional(),
  times: z.int().min(1).max(100).optional(),
  attempts: z.int().min(1).max(16).optional(),
  signWith: z.enum(['public-key', 'certificate', 'next-certificate']).optional(),
};
export const Pay = z.strictObject({
  outTradeNo: z.string().min(1).max(64),
  /** Fen. Needed for an order that the sandbox never saw. */
  amount: z.int().min(1).optional(),
  /** Fen that a coupon pays. */
  coupon: z.int().min(0).optional(),
  openid: z.string().optional(),
  attach: z.string().optional(),
  notifyUrl: z.url().optional(),
  ...Misbehave,
});
export const RefundRequest = z.strictObject({
  outTradeNo: z.string().min(1).max(64),
  outRefundNo: z.string().min(1).max(64).optional(),
  amount: z.int().min(1).optional(),
  /** What the order was worth, for an order that the sandbox never saw. */
  total: z.int().min(1).optional(),
  status: z.enum(['SUCCESS', 'ABNORMAL', 'CLOSED']).default('SUCCESS'),
  notifyUrl: z.url().optional(),
  ...Misbehave,
});
export const Again = z.strictObject({ outTradeNo: z.string().min(1).max(64), ...Misbehave });

export type Pay = z.infer<typeof Pay>;
export type RefundRequest = z.infer<typeof RefundRequest>;
export type Sent = { readonly notice: Notice; readonly first: Promise<void> };

/** A request that cannot be carried out; the message goes to whoever asked. */
export class Refused extends Error {}

export class Play {
  readonly #identity: Identity;
  /** Where callbacks go for orders that the sandbox never saw. */
  readonly #notifyUrl: string | null;
  readonly #orders: OrderBook;
  readonly #courier: Courier;

  constructor(identity: Identity, notifyUrl: string | null, orders: OrderBook, courier: Courier) {
    this.#identity = identity;
    this.#notifyUrl = notifyUrl;
    this.#orders = orders;
    this.#courier = courier;
  }

  pay(request: Pay): Sent {
    const order = this.#orders.get(request.outTradeNo) ?? this.#stranger(request.outTradeNo, request.amount, 'amount');
    if (order.state === 'CLOSED') throw new Refused(`Order ${order.outTradeNo} is closed: it cannot be paid.`);
    const paid = this.#orders.put({
      ...order,
      state: order.refunds.length > 0 ? 'REFUND' : 'SUCCESS',
      total: request.amount ?? order.total,
      coupon: request.coupon ?? order.coupon,
      openid: request.openid ?? order.openid,
      attach: request.attach ?? order.attach,
      transactionId: order.transactionId ?? newTransactionId(),
      paidAt: order.paidAt ?? Date.now(),
    });
    return this.#send(paid, request.notifyUrl, paymentNotice(paid), request);
  }

  refund(request: RefundRequest): Sent {
    const known = this.#orders.get(request.outTradeNo);
    const order = known ?? this.#stranger(request.outTradeNo, request.total ?? request.amount, 'total');
    const outRefundNo = request.outRefundNo ?? `R${Date.now()}${randomBytes(3).toString('hex')}`;
    const old = order.refunds.find((one) => one.outRefundNo === outRefundNo);
    const now = Date.now();
    const refund = {
      outRefundNo,
      refundId: old?.refundId ?? newRefundId(),
      amount: request.amount ?? old?.amount ?? order.total,
      status: request.status,
      createdAt: old?.createdAt ?? now,
      succeededAt: request.status === 'SUCCESS' ? now : null,
    };
    const others = order.refunds.filter((one) => one !== old);
    const changed = this.#orders.put({
      ...order,
      state: 'REFUND',
      transactionId: order.transactionId ?? newTransactionId(),
      paidAt: order.paidAt ?? now,
      refunds: [...others, refund],
    });
    const summary = { SUCCESS: '退款成功', ABNORMAL: '退款异常', CLOSED: '退款关闭' }[request.status];
    const content: NoticeContent = {
      eventType: `REFUND.${request.status}`,
      originalType: 'refund',
      summary,
      resource: refundNoticeOf(changed, refund),
    };
    return this.#send(changed, request.notifyUrl, content, request);
  }

  /** The same fact once more, as a new notice. */
  again(outTradeNo: string, options: SendOptions): Sent {
    const order = this.#orders.get(outTradeNo);
    if (!order?.transactionId) throw new Refused(`Order ${outTradeNo} is not paid: POST /sandbox/pay first.`);
    return this.#send(order, undefined, paymentNotice({ ...order, state: 'SUCCESS' }), options);
  }

  #send(order: SandboxOrder, notifyUrl: string | undefined, content: NoticeContent, options: SendOptions): Sent {
    const url = notifyUrl ?? order.notifyUrl;
    if (url === '') throw new Refused(`Nobody said where callbacks for ${order.outTradeNo} go: give its notifyUrl.`);
    return this.#courier.send(order.outTradeNo, url, content, options);
  }

  /** An order that was made elsewhere: the merchant's own code asked for the payment. */
  #stranger(outTradeNo: string, total: number | undefined, field: string): SandboxOrder {
    if (total === undefined) throw new Refused(`The sandbox never saw order ${outTradeNo}: give its ${field} in fen.`);
    return {
      outTradeNo,
      partner: null,
      mchId: this.#identity.mchId,
      appId: this.#identity.appId,
      description: 'made elsewhere',
      attach: null,
      total,
      coupon: 0,
      currency: 'CNY',
      notifyUrl: this.#notifyUrl ?? '',
      codeUrl: '',
      terms: '',
      state: 'NOTPAY',
      openid: `o${randomBytes(20).toString('base64url')}`,
      transactionId: null,
      paidAt: null,
      refunds: [],
    };
  }
}

const paymentNotice = (order: SandboxOrder): NoticeContent => ({
  eventType: 'TRANSACTION.SUCCESS',
  originalType: 'transaction',
  summary: '支付成功',
  resource: transactionOf(order),
});
