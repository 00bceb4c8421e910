// Puts an authentic Alipay notice into our words: payments and refunds, for this channel's application and sellers
// alone. Never guesses: a notice that lacks what an order needs is refused with the field's name.
import { z } from 'zod';
import type { PaymentEvent, RefundFact } from '../../core/event.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';
import { Instant, instantOf, isAmount, paymentOf, type Trade, Yuan, yuan } from './trade.ts';

/** The notices that are about trades; every other type is acknowledged and kept. */
const TRADE_NOTICE = 'trade_status_sync';

const Id = z.string().min(1).max(64);
// Free text may be unreadable where its charset was broken; nothing hangs on it.
const FreeText = z.string().nullish();

const Fields = z.object({
  app_id: Id,
  seller_id: Id.optional(),
  out_trade_no: Id,
  trade_no: Id,
  trade_status: z.enum(['WAIT_BUYER_PAY', 'TRADE_SUCCESS', 'TRADE_FINISHED', 'TRADE_CLOSED']),
  total_amount: Yuan,
  trans_currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .optional(),
  buyer_pay_amount: Yuan.optional(),
  refund_fee: Yuan.optional(),
  out_biz_no: Id.optional(),
  gmt_create: Instant.optional(),
  gmt_payment: Instant.optional(),
  gmt_refund: Instant.optional(),
  gmt_close: Instant.optional(),
  notify_time: Instant.optional(),
  buyer_id: FreeText,
  buyer_open_id: FreeText,
  buyer_logon_id: FreeText,
  passback_params: FreeText,
  fund_bill_list: FreeText,
  voucher_detail_list: FreeText,
});
const TradeNotice = Fields.refine(
  (notice) => [notice.total_amount, notice.refund_fee].every((sum) => isAmount(sum, notice.trans_currency)),
  { path: ['total_amount'] },
);
type TradeNotice = z.infer<typeof TradeNotice>;

export function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { type: noticeType, id: noticeId, fields } = notice;
  const appId = fields.app_id;
  if (typeof appId === 'string' && appId !== credentials.appId) return err(wrong('app_id', appId, credentials.appId));
  if (noticeType !== TRADE_NOTICE) return ok({ events: [], noticeType, noticeId });
  const parsed = TradeNotice.safeParse(fields);
  if (!parsed.success) return incomplete(parsed.error.issues[0]?.path.join('.') || 'content');
  const { seller_id: sellerId } = parsed.data;
  const { sellerIds } = credentials;
  if (sellerIds.length > 0 && sellerId === undefined) return incomplete('seller_id');
  if (sellerIds.length > 0 && sellerId !== undefined && !sellerIds.includes(sellerId)) {
    return err(wrong('seller_id', sellerId, sellerIds.join(', ')));
  }
  const events = eventsOf(parsed.data, credentials.sandbox);
  return events.ok ? ok({ events: events.value, noticeType, noticeId }) : events;
}

// TRADE_FINISHED is a payment that can no longer be refunded: it may come months after TRADE_SUCCESS, or first.
// TRADE_CLOSED is an unpaid trade that ran out, or a paid one that was refunded in full: only its traces tell.
function eventsOf(notice: TradeNotice, test: boolean): Result<readonly PaymentEvent[], Rejection> {
  const paidAt = instantOf(notice.gmt_payment);
  const trade = tradeOf(notice, test);
  switch (notice.trade_status) {
    case 'WAIT_BUYER_PAY': {
      const at = instantOf(notice.gmt_create) ?? instantOf(notice.notify_time);
      return at === null ? incomplete('gmt_create') : ok([paymentOf(trade, 'pending', at)]);
    }
    case 'TRADE_SUCCESS':
    case 'TRADE_FINISHED': {
      const refund = hasRefundTrace(notice) ? refundOf(notice, trade) : null;
      if (refund !== null && !refund.ok) return refund;
      if (paidAt === null && refund === null) return incomplete('gmt_payment');
      const payments = paidAt === null ? [] : [paymentOf(trade, 'succeeded', paidAt)];
      return ok([...payments, ...(refund === null ? [] : [refund.value])]);
    }
    case 'TRADE_CLOSED': {
      if (paidAt === null && !hasRefundTrace(notice)) {
        const at = instantOf(notice.gmt_close) ?? instantOf(notice.notify_time);
        return at === null ? incomplete('gmt_close') : ok([paymentOf(trade, 'closed', at)]);
      }
      const refund = refundOf(notice, trade);
      if (!refund.ok) return refund;
      return ok([...(paidAt === null ? [] : [paymentOf(trade, 'succeeded', paidAt)]), refund.value]);
    }
  }
}

const tradeOf = (notice: TradeNotice, test: boolean): Trade => ({
  orderNo: notice.out_trade_no,
  tradeNo: notice.trade_no,
  state: notice.trade_status,
  totalAmount: notice.total_amount,
  currency: notice.trans_currency,
  payerAmount: notice.buyer_pay_amount,
  buyerId: notice.buyer_id,
  buyerOpenId: notice.buyer_open_id,
  buyerAccount: notice.buyer_logon_id,
  attach: notice.passback_params,
  // Signed as the literal text, so it is parsed only here; what cannot be parsed explains nothing and costs nothing.
  fundBills: parsedList(notice.fund_bill_list),
  vouchers: parsedList(notice.voucher_detail_list),
  test,
});

function parsedList(text: string | null | undefined): readonly unknown[] {
  if (text == null) return [];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : [];
  } catch {
    return []; // a list that is no JSON
  }
}

/** A finished trade may repeat the total without saying which refund it was: that one was told by its own notice. */
const hasRefundTrace = ({ refund_fee: fee, gmt_refund: at, out_biz_no: no, trade_status: state }: TradeNotice) =>
  state === 'TRADE_FINISHED' ? isSome(fee) && no !== undefined : isSome(fee) || at !== undefined;

const isSome = (fee: string | undefined) => fee !== undefined && /[1-9]/.test(fee);

/** `refund_fee` is all that was refunded so far; a closed trade without one was refunded whole. */
function refundOf(notice: TradeNotice, trade: Trade): Result<RefundFact, Rejection> {
  const { refund_fee: fee, trade_status: state } = notice;
  const total = isSome(fee) ? fee : state === 'TRADE_CLOSED' ? notice.total_amount : undefined;
  if (total === undefined) return incomplete('refund_fee');
  const amount = yuan(total, notice.trans_currency);
  const at = [notice.gmt_refund, notice.gmt_close, notice.notify_time].map(instantOf).find((one) => one !== null);
  if (at == null) return incomplete('gmt_refund');
  return ok({
    kind: 'refund',
    orderNo: trade.orderNo,
    occurredAt: at,
    providerState: state,
    test: trade.test,
    state: 'succeeded',
    // The merchant's out_request_no; where the notice leaves it out, the total names the refund that reached it.
    refundNo: notice.out_biz_no ?? `${trade.tradeNo}-${amount.minor}`,
    providerRefundId: null,
    transactionId: trade.tradeNo,
    amount,
    cumulative: true,
  });
}

const wrong = (field: string, seen: string, ours: string) =>
  reject(
    'wrong_merchant',
    `A genuine notice for ${field} ${seen.slice(0, 64)}; this channel is for ${ours}. Correct notify_url or channel.`,
  );

const incomplete = (field: string) =>
  err(reject('malformed', `An authentic ${TRADE_NOTICE} notice without a readable ${field}.`));
