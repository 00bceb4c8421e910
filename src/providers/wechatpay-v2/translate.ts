// Puts an authentic WeChat Pay v2 message into our words: payments, the answers of queries, and what a refund notice
// asks us to look up. Never guesses: a message that lacks what an order needs is refused with the field's name.
import { z } from 'zod';
import type { Discount, PaymentEvent, PaymentFact, PaymentStatus, RefundFact, RefundState } from '../../core/event.ts';
import { type Money, money } from '../../core/money.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import { statusOf } from '../wechatpay/rules.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';
import { referenceOf } from './reference.ts';
import type { Fields } from './signature.ts';

/** Documented as CNY whenever a message leaves it out. */
const CURRENCY_DEFAULT = 'CNY';
const BEIJING_AHEAD_MS = 8 * 3_600_000;
const SUCCESS = 'SUCCESS';

const Id = z.string().max(64);
const Fen = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);
const Currency = z.string().regex(/^[A-Z]{3}$/);

/** `20091225091010` or `2009-12-25 09:10:10`, Beijing time; null for anything else, 31 February included. */
function instantOf(text: string): number | null {
  const digits = /^(\d{4})-?(\d\d)-?(\d\d) ?(\d\d):?(\d\d):?(\d\d)$/.exec(text);
  if (digits === null) return null;
  const [year = 0, month = 0, ...rest] = digits.slice(1).map(Number);
  const local = Date.UTC(year, month - 1, rest[0], rest[1], rest[2], rest[3]);
  const same = new Date(local).toISOString().slice(0, 19).replace(/\D/g, '') === digits.slice(1).join('');
  return same ? local - BEIJING_AHEAD_MS : null;
}
const Instant = z.string().transform((text, context) => {
  const at = instantOf(text);
  if (at !== null) return at;
  context.addIssue('not a Beijing time');
  return z.NEVER;
});

const Payment = z.object({
  out_trade_no: Id,
  transaction_id: Id.optional(),
  total_fee: Fen.optional(),
  fee_type: Currency.optional(),
  cash_fee: Fen.optional(),
  cash_fee_type: Currency.optional(),
  time_end: Instant.optional(),
  trade_type: Id.optional(),
  bank_type: Id.optional(),
  openid: z.string().max(128).optional(),
  sub_openid: z.string().max(128).optional(),
  attach: z.string().max(1_024).optional(),
});

const Refund = z.object({
  out_trade_no: Id,
  transaction_id: Id.optional(),
  out_refund_no: Id,
  refund_id: Id.optional(),
  refund_fee: Fen,
  fee_type: Currency.optional(),
  refund_status: z.enum(['SUCCESS', 'CHANGE', 'REFUNDCLOSE', 'PROCESSING']),
  refund_success_time: Instant.optional(),
  refund_recv_accout: z.string().max(256).optional(),
});

/** The values that are there: an empty element says no more than none. */
const present = (fields: Fields) => Object.fromEntries([...fields].filter(([, value]) => value !== ''));

const fieldOf = (error: z.ZodError) => error.issues[0]?.path.join('.') || 'content';

export function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const merchant = checkMerchant(notice.fields, credentials);
  if (merchant !== null) return err(merchant);
  switch (notice.kind) {
    case 'payment':
      return paymentNotice(notice.fields);
    case 'refund':
      return ok(refundNotice(notice.fields, notice.refund, credentials));
    case 'contract':
      return ok({ events: [], noticeType: `contract.${notice.fields.get('change_type')}`, noticeId: null });
    case 'product':
      return productAsk(notice.fields);
    case 'unknown':
      return ok({ events: [], noticeType: notice.kind, noticeId: null });
  }
}

function paymentNotice(fields: Fields): Result<Translation, Rejection> {
  const isPaid = fields.get('return_code') === SUCCESS && fields.get('result_code') === SUCCESS;
  // Ordinary notices have no trade_state; a contract deduction's has, and it may say that the payment failed.
  const tradeState = isPaid ? fields.get('trade_state') || SUCCESS : 'FAIL';
  const status = statusOf(tradeState, fields.get('trade_type') ?? '');
  const noticeType = `payment.${tradeState}`;
  // A failure that does not say when is no fact of an order; it is kept for people.
  const isTold = status === 'succeeded' || (fields.get('time_end') ?? '') !== '';
  if (status === null || !isTold) return ok({ events: [], noticeType, noticeId: null });
  const event = paymentOf(fields, status, tradeState, null);
  return event.ok ? ok({ events: [event.value], noticeType, noticeId: null }) : err(incomplete(event.error));
}

/** A product nobody could have put into a code is refused as malformed. */
function productAsk(fields: Fields): Result<Translation, Rejection> {
  const productId = fields.get('product_id') ?? '';
  const isWhole = productId !== '' && (fields.get('openid') ?? '') !== '' && (fields.get('nonce_str') ?? '') !== '';
  if (!isWhole) return err(reject('malformed', 'An authentic scan without a product_id, openid or nonce_str.'));
  return ok({ events: [], asks: { productId }, noticeType: 'product', noticeId: null });
}

const incomplete = (field: string) => reject('malformed', `An authentic payment notice without a readable ${field}.`);

/** A payment in a notice, or an answer; the name of what is missing. `now`, of an answer: where no time is told. */
export function paymentOf(
  fields: Fields,
  status: PaymentStatus,
  providerState: string,
  now: number | null,
): Result<PaymentFact, string> {
  const parsed = Payment.safeParse(present(fields));
  if (!parsed.success) return err(fieldOf(parsed.error));
  const trade = parsed.data;
  const isPaid = status === 'succeeded';
  // What a notice lacks is asked for; an answer that lacks it is none.
  if (isPaid && now !== null && trade.transaction_id === undefined) return err('transaction_id');
  if (isPaid && now !== null && trade.total_fee === undefined) return err('total_fee');
  const occurredAt = trade.time_end ?? (isPaid ? null : now);
  if (occurredAt === null) return err('time_end');
  const payerId = trade.sub_openid ?? trade.openid;
  return ok({
    kind: 'payment',
    orderNo: trade.out_trade_no,
    occurredAt,
    providerState,
    test: false,
    status,
    transactionId: trade.transaction_id ?? null,
    amount: trade.total_fee === undefined ? null : fen(trade.total_fee, trade.fee_type),
    ...(trade.cash_fee === undefined ? {} : { payerAmount: fen(trade.cash_fee, trade.cash_fee_type) }),
    discounts: discountsOf(fields, trade.fee_type),
    method: 'wallet',
    ...(trade.trade_type === undefined ? {} : { providerMethod: trade.trade_type }),
    ...(trade.bank_type === undefined ? {} : { bank: trade.bank_type }),
    ...(payerId === undefined ? {} : { payer: { id: payerId, idType: 'openid' } }),
    ...(trade.attach === undefined ? {} : { attach: trade.attach }),
  });
}

/** Numbered from 0 or from 1, in any order. Discounts explain the amount: one that cannot be read costs no payment. */
function discountsOf(fields: Fields, currency: string | undefined): Discount[] {
  const numbers = numbersOf(fields, 'coupon_id_');
  return numbers.flatMap((n) => {
    const id = Id.safeParse(fields.get(`coupon_id_${n}`));
    const fee = Fen.safeParse(fields.get(`coupon_fee_${n}`));
    return id.success && id.data !== '' && fee.success ? [{ id: id.data, amount: fen(fee.data, currency) }] : [];
  });
}

/** The n of every field `prefix{n}`, smallest first. */
const numbersOf = (fields: Fields, prefix: string): number[] =>
  [...fields.keys()]
    .filter((name) => name.startsWith(prefix) && /^\d{1,3}$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)))
    .sort((a, b) => a - b);

// CHANGE wants the merchant's own doing and may still succeed: a failure would invite a second refund.
const REFUND_STATES: Readonly<Record<z.infer<typeof Refund>['refund_status'], RefundState>> = {
  SUCCESS: 'succeeded',
  PROCESSING: 'pending',
  REFUNDCLOSE: 'failed',
  CHANGE: 'needs_attention',
};

/** A refund that was taken in: the answer tells no state and no time, so it is pending as of now (docs: refund). */
export function acceptedRefundOf(fields: Fields, now: number): Result<RefundFact, string> {
  const numbered = [...fields].map(([name, value]): [string, string] => [`${name}_0`, value]);
  return refundOf(new Map([...fields, ...numbered, ['refund_status_0', 'PROCESSING']]), 0, now);
}

/** The refunds in the answer of a refund query; the name of the field that is missing. */
export function refundsOf(fields: Fields, now: number): Result<PaymentEvent[], string> {
  const refunds: PaymentEvent[] = [];
  for (const n of numbersOf(fields, 'out_refund_no_')) {
    const refund = refundOf(fields, n, now);
    if (!refund.ok) return refund;
    refunds.push(refund.value);
  }
  return ok(refunds);
}

function refundOf(fields: Fields, n: number, now: number): Result<RefundFact, string> {
  const own = Object.keys(Refund.shape).map((name): [string, string] => [name, fields.get(`${name}_${n}`) ?? '']);
  const shared = ['out_trade_no', 'transaction_id', 'fee_type'].map((name): [string, string] => [
    name,
    fields.get(name) ?? '',
  ]);
  const parsed = Refund.safeParse(present(new Map([...own, ...shared])));
  if (!parsed.success) return err(`${fieldOf(parsed.error)}_${n}`);
  const refund = parsed.data;
  return ok({
    kind: 'refund',
    orderNo: refund.out_trade_no,
    occurredAt: refund.refund_success_time ?? now,
    providerState: refund.refund_status,
    test: false,
    state: REFUND_STATES[refund.refund_status],
    refundNo: refund.out_refund_no,
    providerRefundId: refund.refund_id ?? null,
    transactionId: refund.transaction_id ?? null,
    amount: fen(refund.refund_fee, refund.fee_type),
    ...(refund.refund_recv_accout === undefined ? {} : { account: refund.refund_recv_accout }),
  });
}

/**
 * A refund notice has no signature and its cipher no integrity, so it says only what to ask about: the refund changes
 * its order when a query has confirmed it, or not at all.
 */
function refundNotice(fields: Fields, refund: Fields, credentials: Credentials): Translation {
  const noticeType = `refund.${refund.get('refund_status') || 'unknown'}`;
  const noticeId = refund.get('refund_id') ? `${refund.get('refund_id')} ${refund.get('refund_status')}` : null;
  const reference = referenceOf(fields, refund.get('out_refund_no') ?? '', credentials);
  if (reference === null) return { events: [], unconfirmed: UNCONFIRMED, noticeType, noticeId };
  const orderNo = refund.get('out_trade_no');
  const transactionId = refund.get('transaction_id');
  const hint = { reference, ...(orderNo ? { orderNo } : {}), ...(transactionId ? { transactionId } : {}) };
  return { events: [], hints: [hint], noticeType, noticeId };
}

const UNCONFIRMED =
  'A refund notice names too little to ask WeChat Pay about it, and proves nothing by itself: add appIds to the ' +
  'channel (and one of subMchIds for a service provider), and look at the refund in the merchant portal.';

/** Null when the message is for this channel's merchant. */
export function checkMerchant(fields: Fields, credentials: Credentials): Rejection | null {
  const { mchId, appIds, subMchIds } = credentials;
  // A contract's notice calls them otherwise (docs: contract result notice).
  const seenMchId = fields.get('mch_id') ?? fields.get('mchid') ?? '';
  const appId = fields.get('appid') ?? '';
  const subMchId = fields.get('sub_mch_id') ?? '';
  if (seenMchId !== mchId) return wrong('mch_id', seenMchId, mchId);
  if (appId !== '' && appIds.length > 0 && !appIds.includes(appId)) return wrong('appid', appId, appIds.join(', '));
  if (subMchIds.length > 0 && !subMchIds.includes(subMchId)) return wrong('sub_mch_id', subMchId, subMchIds.join(', '));
  return null;
}

const wrong = (field: string, seen: string, ours: string) =>
  reject(
    'wrong_merchant',
    `A genuine notice for ${field} ${seen || 'missing'}; this channel is for ${ours}. ` +
      'Correct the notify address or the channel.',
  );

/** The schema has seen to both parts, so a refusal here is a bug. */
function fen(minor: number, currency: string = CURRENCY_DEFAULT): Money {
  const amount = money(minor, currency);
  if (!amount.ok) throw new Error(amount.error);
  return amount.value;
}
