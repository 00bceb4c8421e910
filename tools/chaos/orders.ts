// The orders of the drill: what is paid and refunded in each, as WeChat Pay would tell it, and what an order must look
// like when some of it is known. Sends nothing.
import type { Identity } from '../../src/sandbox/identity.ts';
import type { NoticeContent } from '../../src/sandbox/notice.ts';
import {
  newRefundId,
  newTransactionId,
  refundNoticeOf,
  type SandboxOrder,
  type SandboxRefund,
  transactionOf,
} from '../../src/sandbox/orders.ts';
import { draw, type Random } from './random.ts';

export type Fact = {
  /** How the merchant knows it: the transaction's id or the refund's number. */
  readonly id: string;
  readonly kind: 'payment' | 'refund';
  readonly minor: number;
  readonly content: NoticeContent;
  /** Sent once; again after it was acknowledged; several times at the same moment. */
  readonly manner: 'once' | 'again' | 'together';
  /** `begun`: sent, and nobody knows whether it was taken. */
  state: 'waiting' | 'begun' | 'acknowledged';
};

export type DrillOrder = {
  readonly orderNo: string;
  readonly total: number;
  /** Facts of one step are told at the same time, steps one after the other. */
  readonly steps: readonly (readonly Fact[])[];
};

export const factsOf = (order: DrillOrder): readonly Fact[] => order.steps.flat();

const SCRIPTS = { paid: 60, refunded: 15, refundedWhole: 8, refundFirst: 9, atOnce: 8 } as const;
const MANNERS = { once: 80, again: 10, together: 10 } as const;

export function makeOrder(orderNo: string, identity: Identity, random: Random): DrillOrder {
  const total = 2 + Math.floor(random() * 10_000);
  const part = 1 + Math.floor(random() * (total - 1));
  const now = Date.now();
  const paid: SandboxOrder = {
    outTradeNo: orderNo,
    partner: null,
    mchId: identity.mchId,
    appId: identity.appId,
    description: 'a cup of tea',
    attach: null,
    total,
    coupon: 0,
    currency: 'CNY',
    notifyUrl: '',
    codeUrl: '',
    terms: '',
    state: 'SUCCESS',
    openid: 'o-drill',
    transactionId: newTransactionId(),
    paidAt: now,
    refunds: [],
  };
  const payment = paymentOf(paid, draw(random, MANNERS));
  const refund = (no: number, amount: number) => refundOf(paid, `R${no}-${orderNo}`, amount, draw(random, MANNERS));
  const steps = {
    paid: () => [[payment]],
    refunded: () => [[payment], [refund(1, part)]],
    refundedWhole: () => [[payment], [refund(1, part)], [refund(2, total - part)]],
    refundFirst: () => [[refund(1, part)], [payment]],
    atOnce: () => [[payment, refund(1, part), refund(2, total - part)]],
  }[draw(random, SCRIPTS)]();
  return { orderNo, total, steps };
}

function paymentOf(order: SandboxOrder, manner: Fact['manner']): Fact {
  const content = {
    eventType: 'TRANSACTION.SUCCESS',
    originalType: 'transaction',
    summary: '支付成功',
    resource: transactionOf(order),
  };
  return { id: order.transactionId ?? '', kind: 'payment', minor: order.total, content, manner, state: 'waiting' };
}

function refundOf(order: SandboxOrder, outRefundNo: string, amount: number, manner: Fact['manner']): Fact {
  const at = order.paidAt ?? 0;
  const refund: SandboxRefund = {
    outRefundNo,
    refundId: newRefundId(),
    amount,
    status: 'SUCCESS',
    createdAt: at,
    succeededAt: at,
  };
  const resource = refundNoticeOf({ ...order, refunds: [refund] }, refund);
  const content = { eventType: 'REFUND.SUCCESS', originalType: 'refund', summary: '退款成功', resource };
  return { id: outRefundNo, kind: 'refund', minor: amount, content, manner, state: 'waiting' };
}

/** An order in short: its state and sums. `absent`: the gateway never heard of it. */
export type Shape = string;
export const ABSENT: Shape = 'absent';

export const shapeOf = (state: string, paidMinor: number, refundedMinor: number): Shape =>
  `${state}, paid ${paidMinor}, refunded ${refundedMinor}`;

/** Every shape the order may have: all that was acknowledged counts, and of what was only begun any part may. */
export function possibleShapes(order: DrillOrder): ReadonlySet<Shape> {
  const facts = factsOf(order);
  const sure = facts.filter((fact) => fact.state === 'acknowledged');
  const unsure = facts.filter((fact) => fact.state === 'begun');
  const choices = Array.from({ length: 2 ** unsure.length }, (_, choice) =>
    unsure.filter((_fact, place) => (choice >> place) % 2 === 1),
  );
  return new Set(choices.map((some) => impliedShape([...sure, ...some])));
}

function impliedShape(facts: readonly Fact[]): Shape {
  if (facts.length === 0) return ABSENT;
  const sum = (kind: Fact['kind']) =>
    facts.filter((fact) => fact.kind === kind).reduce((total, { minor }) => total + minor, 0);
  const [paid, refunded] = [sum('payment'), sum('refund')];
  if (paid === 0) return shapeOf('pending', paid, refunded);
  const state = refunded === 0 ? 'paid' : refunded < paid ? 'partially_refunded' : 'refunded';
  return shapeOf(state, paid, refunded);
}
