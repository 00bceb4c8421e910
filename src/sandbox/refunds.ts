// How the pretend WeChat Pay takes a refund in, whichever API asked for it, and what becomes of it: the refund's own
// number may say. Words nothing: each API has its own words for it.
import type { Magic } from './magic.ts';
import { newRefundId, type OrderBook, type RefundStatus, type SandboxOrder, type SandboxRefund } from './orders.ts';

export const REFUND_WORDS = {
  abnormal: 'ends as abnormal: the payer’s card is gone, and the merchant must act',
  recovers: 'ends as abnormal, and succeeds ten seconds later',
  closed: 'ends as closed: the money stays with the merchant',
  silent: 'succeeds, and no notice tells of it',
  refused: 'is refused for good: the payer’s account is gone',
} as const;
export type RefundWord = keyof typeof REFUND_WORDS;

const WORDS = Object.keys(REFUND_WORDS) as RefundWord[]; // the keys of that very table

export function refundWordOf(outRefundNo: string): RefundWord | null {
  const text = outRefundNo.toLowerCase();
  return WORDS.find((word) => text.includes(word)) ?? null;
}

/** How a refund with such a number ends first. */
export function endOf(outRefundNo: string): Exclude<RefundStatus, 'PROCESSING'> {
  switch (refundWordOf(outRefundNo)) {
    case 'abnormal':
    case 'recovers':
      return 'ABNORMAL';
    case 'closed':
      return 'CLOSED';
    default:
      return 'SUCCESS';
  }
}

/** Called when a refund is to end now, so that its notice can follow. */
export type OnRefund = (order: SandboxOrder, outRefundNo: string, notifyUrl: string | null) => void;

export type RefundAsk = {
  readonly outTradeNo?: string | undefined;
  readonly transactionId?: string | undefined;
  readonly outRefundNo: string;
  readonly refund: number;
  readonly total: number;
  readonly notifyUrl?: string | undefined;
};

export type Taken =
  /** `endsNow`: it was not known before, and is not a slow one. */
  | { readonly kind: 'taken'; readonly order: SandboxOrder; readonly refund: SandboxRefund; readonly endsNow: boolean }
  | { readonly kind: 'not_paid' | 'account_gone' | 'other_total' | 'other_amount' | 'too_much' };

/** The same number is the same refund, however often it is asked for. */
export function takeRefund(orders: OrderBook, asked: RefundAsk): Taken {
  const order = orders.find(
    (one) =>
      (asked.outTradeNo !== undefined && one.outTradeNo === asked.outTradeNo) ||
      (asked.transactionId !== undefined && one.transactionId === asked.transactionId),
  );
  if (!order || order.transactionId === null) return { kind: 'not_paid' };
  const known = order.refunds.find((one) => one.outRefundNo === asked.outRefundNo);
  if (known) {
    return known.amount === asked.refund
      ? { kind: 'taken', order, refund: known, endsNow: false }
      : { kind: 'other_amount' };
  }
  if (refundWordOf(asked.outRefundNo) === 'refused') return { kind: 'account_gone' };
  const refunded = order.refunds.reduce((sum, one) => sum + (one.status === 'CLOSED' ? 0 : one.amount), 0);
  if (asked.total !== order.total) return { kind: 'other_total' };
  if (refunded + asked.refund > order.total) return { kind: 'too_much' };
  const refund: SandboxRefund = {
    outRefundNo: asked.outRefundNo,
    refundId: newRefundId(),
    amount: asked.refund,
    status: 'PROCESSING',
    createdAt: Date.now(),
    succeededAt: null,
    ...(asked.notifyUrl === undefined ? {} : { notifyUrl: asked.notifyUrl }),
  };
  const changed = orders.put({ ...order, state: 'REFUND', refunds: [...order.refunds, refund] });
  return { kind: 'taken', order: changed, refund, endsNow: !isSlow(asked.outRefundNo) };
}

const isSlow = (outRefundNo: string): boolean => outRefundNo.toLowerCase().includes('slow');

/** The refund and its order, by the merchant's own number. A slow one ends when it is asked about again. */
export function findRefund(
  orders: OrderBook,
  outRefundNo: string,
  ends: { readonly magic: Magic | undefined; readonly onRefund: OnRefund },
): { order: SandboxOrder; refund: SandboxRefund } | null {
  const found = lookUp(orders, outRefundNo);
  if (found?.refund.status !== 'PROCESSING' || !isSlow(outRefundNo)) return found;
  if (ends.magic?.wordIn('refundquery', outRefundNo, ['slow']) !== null) return found;
  ends.onRefund(found.order, outRefundNo, found.refund.notifyUrl ?? null);
  return lookUp(orders, outRefundNo);
}

function lookUp(orders: OrderBook, outRefundNo: string) {
  for (const order of orders.all()) {
    const refund = order.refunds.find((one) => one.outRefundNo === outRefundNo);
    if (refund) return { order, refund };
  }
  return null;
}
