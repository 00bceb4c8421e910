// What happens in the outside world: payers pay, refunds succeed or do not, and the notices that follow go out.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { newComplaint } from './complaints.ts';
import type { Courier, Notice, SendOptions } from './courier.ts';
import type { Identity } from './identity.ts';
import { canMisbehave, type Misbehaviour, type NoticeContent, SPOILS, TIMINGS, VARIANTS } from './notice.ts';
import {
  newRefundId,
  newTransactionId,
  type OrderBook,
  refundNoticeOf,
  type SandboxOrder,
  type SandboxRefund,
  transactionOf,
} from './orders.ts';
import { endOf, refundWordOf } from './refunds.ts';
import { paymentFields, refundNoticeFields, whoOf } from './v2-words.ts';

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
  /** Makes an order that the sandbox never saw one of the XML API. */
  api: z.literal('v2').optional(),
  /** Pays once more, by another transaction. */
  again: z.boolean().optional(),
  /** What the platform keeps of it, as its bill says; 0.6 % unless given. */
  feeFen: z.int().min(0).optional(),
  /** It was paid so many days ago: a bill of that day has it. */
  daysAgo: z.int().min(0).max(90).default(0),
  /** Another application's: an order of another shop on the same account, for an order that the sandbox never saw. */
  appId: z.string().min(1).max(32).optional(),
  /** Pays though the order is closed, as a payer does who was a moment faster. */
  evenIfClosed: z.boolean().optional(),
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
export const Complain = z.strictObject({
  outTradeNo: z.string().min(1).max(64),
  notifyUrl: z.url().optional(),
  ...Misbehave,
});

export type Pay = z.input<typeof Pay>;
export type RefundRequest = z.infer<typeof RefundRequest>;
export type Complain = z.infer<typeof Complain>;
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
    const known = this.#orders.get(request.outTradeNo);
    const stranger = () => this.#stranger(request.outTradeNo, request.amount, 'amount', request.api);
    const order = known ?? { ...stranger(), ...(request.appId === undefined ? {} : { appId: request.appId }) };
    if (order.state === 'CLOSED' && !request.evenIfClosed) {
      throw new Refused(`Order ${order.outTradeNo} is closed: it cannot be paid, unless evenIfClosed says so.`);
    }
    const now = Date.now() - (request.daysAgo ?? 0) * DAY_MS;
    const isAgain = request.again === true;
    const { transactionId, paidAt, earlier = [] } = order;
    const before = isAgain && transactionId !== null && paidAt !== null ? [{ transactionId, paidAt }] : [];
    const paid = this.#orders.put({
      ...order,
      ...(before.length === 0 ? {} : { earlier: [...earlier, ...before] }),
      ...(request.feeFen === undefined ? {} : { feeFen: request.feeFen }),
      state: order.refunds.length > 0 ? 'REFUND' : 'SUCCESS',
      total: request.amount ?? order.total,
      coupon: request.coupon ?? order.coupon,
      openid: request.openid ?? order.openid,
      attach: request.attach ?? order.attach,
      transactionId: isAgain ? newTransactionId() : (transactionId ?? newTransactionId()),
      paidAt: isAgain ? now : (paidAt ?? now),
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
      ...(old?.notifyUrl === undefined ? {} : { notifyUrl: old.notifyUrl }),
    };
    const others = order.refunds.filter((one) => one !== old);
    const changed = this.#orders.put({
      ...order,
      state: 'REFUND',
      transactionId: order.transactionId ?? newTransactionId(),
      paidAt: order.paidAt ?? now,
      refunds: [...others, refund],
    });
    return this.#send(changed, request.notifyUrl, refundNotice(changed, refund), request);
  }

  /** Ends a refund that the API took in, as its number says; most succeed. */
  endRefund(order: SandboxOrder, outRefundNo: string, notifyUrl: string | null): void {
    const end = (status: RefundRequest['status']) => ({
      ...{ outTradeNo: order.outTradeNo, outRefundNo, status },
      ...(notifyUrl === null ? {} : { notifyUrl }),
    });
    const word = refundWordOf(outRefundNo);
    if (word === 'silent') {
      this.#settle(order.outTradeNo, outRefundNo);
      return;
    }
    this.refund(end(endOf(outRefundNo)));
    if (word !== 'recovers') return;
    this.#courier.after(RECOVERY_MS, () => this.refund(end('SUCCESS')));
  }

  /** Nobody is told. */
  #settle(outTradeNo: string, outRefundNo: string): void {
    const order = this.#orders.get(outTradeNo);
    if (!order) return;
    const refunds = order.refunds.map((one) =>
      one.outRefundNo === outRefundNo ? { ...one, status: 'SUCCESS' as const, succeededAt: Date.now() } : one,
    );
    this.#orders.put({ ...order, refunds });
  }

  /** The payer complains at WeChat Pay, whose notice names the complaint alone. */
  complain({ outTradeNo, notifyUrl, ...options }: Complain): Sent {
    const order = this.#orders.get(outTradeNo);
    if (!order?.transactionId) throw new Refused(`Order ${outTradeNo} is not paid: POST /sandbox/pay first.`);
    const complaint = newComplaint(Date.now());
    const { v2: _, ...changed } = this.#orders.put({
      ...order,
      complaints: [...(order.complaints ?? []), complaint],
    });
    const content: NoticeContent = {
      eventType: 'COMPLAINT.CREATE',
      originalType: 'complaint',
      summary: '产生新投诉',
      resource: { complaint_id: complaint.id, action_type: 'CREATE_COMPLAINT' },
    };
    return this.#send(changed, notifyUrl, content, options);
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
    if (options.misbehave !== undefined && !canMisbehave(content, options.misbehave)) {
      throw new Refused(`Notices in XML cannot be spoiled as ${options.misbehave}: they are not signed in headers.`);
    }
    return this.#courier.send(order.outTradeNo, url, content, options);
  }

  /** An order that was made elsewhere: the merchant's own code asked for the payment. */
  #stranger(outTradeNo: string, total: number | undefined, field: string, api?: 'v2'): SandboxOrder {
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
      ...(api === undefined ? {} : { v2: { signType: 'MD5', prepayId: '' } }),
    };
  }
}

const DAY_MS = 86_400_000;
/** How long a refund that recovers stays abnormal. */
const RECOVERY_MS = 10_000;

const paymentNotice = (order: SandboxOrder): NoticeContent => ({
  eventType: 'TRANSACTION.SUCCESS',
  originalType: 'transaction',
  summary: '支付成功',
  resource: transactionOf(order),
  ...(order.v2 === undefined
    ? {}
    : { v2: { signType: order.v2.signType, fields: { ...whoOf(order), ...paymentFields(order) } } }),
});

const REFUND_SUMMARIES = { SUCCESS: '退款成功', ABNORMAL: '退款异常', CLOSED: '退款关闭', PROCESSING: '退款处理中' };

const refundNotice = (order: SandboxOrder, refund: SandboxRefund): NoticeContent => ({
  eventType: `REFUND.${refund.status}`,
  originalType: 'refund',
  summary: REFUND_SUMMARIES[refund.status],
  resource: refundNoticeOf(order, refund),
  ...(order.v2 === undefined
    ? {}
    : { v2: { signType: order.v2.signType, fields: whoOf(order), sealed: refundNoticeFields(order, refund) } }),
});
