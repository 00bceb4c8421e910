// Puts an authentic WeChat Pay v3 notice into our words: payments and refunds, for this channel's merchant alone.
// Never guesses: a notice that lacks what an order needs is refused with the field's name.
import { z } from 'zod';
import type { Discount, Payer, PaymentEvent, RefundState } from '../../core/event.ts';
import { type Money, money } from '../../core/money.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import { statusOf } from '../wechatpay/rules.ts';
import { complaintHint, isComplaint } from './complaint.ts';
import { type Credentials, isOwnMerchant, payeesOf } from './credentials.ts';
import { Currency, Fen, Id, Instant } from './fields.ts';
import { isKnownType, type Notice } from './notice.ts';

/** Documented as CNY whenever a notice leaves it out. */
const CURRENCY_DEFAULT = 'CNY';

// Nulls and absent members mean the same; the official model makes every member optional.
const Merchant = z.object({
  mchid: Id.nullish(),
  appid: Id.nullish(),
  sp_mchid: Id.nullish(),
  sp_appid: Id.nullish(),
  sub_mchid: Id.nullish(),
  sub_appid: Id.nullish(),
});

const Transaction = Merchant.extend({
  out_trade_no: Id,
  transaction_id: Id.nullish(),
  trade_type: z.string().max(64).nullish(),
  trade_state: z.string().max(64),
  bank_type: z.string().max(64).nullish(),
  attach: z.string().max(1_024).nullish(),
  success_time: Instant.nullish(),
  payer: z
    .object({ openid: z.string().nullish(), sp_openid: z.string().nullish(), sub_openid: z.string().nullish() })
    .nullish(),
  amount: z
    .object({
      total: Fen,
      payer_total: Fen.nullish(),
      currency: Currency.nullish(),
      payer_currency: Currency.nullish(),
    })
    .nullish(),
  promotion_detail: z.array(z.unknown()).nullish(),
});
type Transaction = z.infer<typeof Transaction>;

const Promotion = z.object({ coupon_id: Id, name: z.string().nullish(), amount: Fen, currency: Currency.nullish() });

const Refund = Merchant.extend({
  out_trade_no: Id,
  transaction_id: Id.nullish(),
  out_refund_no: Id,
  refund_id: Id.nullish(),
  refund_status: z.enum(['SUCCESS', 'CLOSED', 'PROCESSING', 'ABNORMAL']),
  success_time: Instant.nullish(),
  user_received_account: z.string().max(256).nullish(),
  amount: z.object({ refund: Fen, currency: Currency.nullish() }),
});

export function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { type: noticeType, id: noticeId } = notice;
  if (isComplaint(noticeType)) return ok(complaintHint(notice, credentials));
  if (!isKnownType(noticeType)) return ok({ events: [], noticeType, noticeId });
  const event = noticeType === 'TRANSACTION.SUCCESS' ? paymentOf(notice, credentials) : refundOf(notice, credentials);
  return event.ok ? ok({ events: [event.value], noticeType, noticeId }) : event;
}

/** A payment as a notice or a query tells it: both have the same members. */
export function paymentOf(notice: Notice, credentials: Credentials): Result<PaymentEvent, Rejection> {
  const parsed = Transaction.safeParse(notice.content);
  if (!parsed.success) return incomplete(notice, fieldOf(parsed.error));
  const trade = parsed.data;
  const merchant = checkMerchant(trade, credentials, notice) ?? checkApp(trade, credentials, notice);
  if (merchant !== null) return err(merchant);
  const status = statusOf(trade.trade_state, trade.trade_type ?? '');
  if (status === null) return incomplete(notice, `trade_state, which is ${JSON.stringify(trade.trade_state)}`);
  const occurredAt = instantOf(trade.success_time ?? (status === 'succeeded' ? null : notice.createTime));
  if (occurredAt === null) return incomplete(notice, 'success_time');
  const payer = payerOf(trade);
  const payerTotal = trade.amount?.payer_total;
  return ok({
    kind: 'payment',
    orderNo: trade.out_trade_no,
    occurredAt,
    providerState: trade.trade_state,
    test: false,
    status,
    transactionId: trade.transaction_id ?? null,
    amount: trade.amount == null ? null : fen(trade.amount.total, trade.amount.currency),
    ...(payerTotal == null ? {} : { payerAmount: fen(payerTotal, trade.amount?.payer_currency) }),
    discounts: discountsOf(trade.promotion_detail ?? []),
    method: 'wallet',
    ...(trade.trade_type == null ? {} : { providerMethod: trade.trade_type }),
    ...(trade.bank_type == null ? {} : { bank: trade.bank_type }),
    ...(payer === null ? {} : { payer }),
    ...(trade.attach == null || trade.attach === '' ? {} : { attach: trade.attach }),
  });
}

// ABNORMAL may still succeed once the merchant acts, so it is not a failure: that would invite a second refund.
export const REFUND_STATES: Readonly<Record<z.infer<typeof Refund>['refund_status'], RefundState>> = {
  SUCCESS: 'succeeded',
  PROCESSING: 'pending',
  CLOSED: 'failed',
  ABNORMAL: 'needs_attention',
};

function refundOf(notice: Notice, credentials: Credentials): Result<PaymentEvent, Rejection> {
  const parsed = Refund.safeParse(notice.content);
  if (!parsed.success) return incomplete(notice, fieldOf(parsed.error));
  const refund = parsed.data;
  const merchant = checkMerchant(refund, credentials, notice);
  if (merchant !== null) return err(merchant);
  // Only successful refunds have a success_time; the others happened when the notice was made.
  const occurredAt = instantOf(refund.success_time ?? notice.createTime);
  if (occurredAt === null) return incomplete(notice, 'success_time');
  return ok({
    kind: 'refund',
    orderNo: refund.out_trade_no,
    occurredAt,
    providerState: refund.refund_status,
    test: false,
    state: REFUND_STATES[refund.refund_status],
    refundNo: refund.out_refund_no,
    providerRefundId: refund.refund_id ?? null,
    transactionId: refund.transaction_id ?? null,
    amount: fen(refund.amount.refund, refund.amount.currency),
    ...(refund.user_received_account ? { account: refund.user_received_account } : {}),
  });
}

/** Null when the notice is for this channel's merchant. */
function checkMerchant(seen: z.infer<typeof Merchant>, credentials: Credentials, notice: Notice): Rejection | null {
  const { mchId, partner } = credentials;
  if (partner === undefined) {
    if (seen.mchid == null && seen.sp_mchid != null) return wrong('sp_mchid', seen.sp_mchid, 'no partner mode');
    if (seen.mchid == null) return incomplete(notice, 'mchid').error;
    return seen.mchid === mchId ? null : wrong('mchid', seen.mchid, mchId);
  }
  if (seen.sp_mchid == null && seen.mchid != null)
    return wrong('mchid', seen.mchid, `partner mode of ${partner.spMchId}`);
  if (seen.sp_mchid == null) return incomplete(notice, 'sp_mchid').error;
  if (seen.sp_mchid !== partner.spMchId) return wrong('sp_mchid', seen.sp_mchid, partner.spMchId);
  if (seen.sub_mchid == null) return incomplete(notice, 'sub_mchid').error;
  return isOwnMerchant(seen.sub_mchid, credentials)
    ? null
    : wrong('sub_mchid', seen.sub_mchid, payeesOf(credentials).join(', '));
}

/** Null when the AppID is one of the channel's. Refund notices carry none. */
function checkApp(seen: z.infer<typeof Merchant>, credentials: Credentials, notice: Notice): Rejection | null {
  const { appIds, partner } = credentials;
  if (partner === undefined) {
    if (appIds.length === 0) return null;
    if (seen.appid == null) return incomplete(notice, 'appid').error;
    return appIds.includes(seen.appid) ? null : wrong('appid', seen.appid, appIds.join(', '));
  }
  if (partner.spAppId !== undefined && seen.sp_appid !== partner.spAppId) {
    return seen.sp_appid == null
      ? incomplete(notice, 'sp_appid').error
      : wrong('sp_appid', seen.sp_appid, partner.spAppId);
  }
  // A sub-merchant need not have an AppID of its own.
  const isOurs = appIds.length === 0 || seen.sub_appid == null || appIds.includes(seen.sub_appid);
  return isOurs ? null : wrong('sub_appid', seen.sub_appid ?? '', appIds.join(', '));
}

const wrong = (field: string, seen: string, ours: string) =>
  reject(
    'wrong_merchant',
    `A genuine notice for ${field} ${seen}; this channel is for ${ours}. Correct the notify address or the channel.`,
  );

const incomplete = (notice: Notice, field: string) =>
  err(reject('malformed', `An authentic ${notice.type} notice without a readable ${field}.`));

const fieldOf = (error: z.ZodError) => error.issues[0]?.path.join('.') || 'content';

const instantOf = (text: string | null): number | null =>
  text !== null && Instant.safeParse(text).success ? Date.parse(text) : null;

/** The schema has seen to both parts, so a refusal here is a bug. */
function fen(minor: number, currency: string | null | undefined): Money {
  const amount = money(minor, currency ?? CURRENCY_DEFAULT);
  if (!amount.ok) throw new Error(amount.error);
  return amount.value;
}

function payerOf(trade: Transaction): Payer | null {
  const id = trade.payer?.openid ?? trade.payer?.sub_openid ?? trade.payer?.sp_openid;
  return id ? { id, idType: 'openid' } : null;
}

// Discounts explain the amount and do not make it: one that cannot be read must not cost the payment.
const discountsOf = (promotions: readonly unknown[]): Discount[] =>
  promotions.flatMap((promotion) => {
    const { success, data } = Promotion.safeParse(promotion);
    if (!success) return [];
    const { coupon_id: id, name, amount, currency } = data;
    return [{ id, ...(name ? { name } : {}), amount: fen(amount, currency) }];
  });
