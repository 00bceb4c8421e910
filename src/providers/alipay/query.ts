// Asks Alipay what it knows of a trade or of one refund, and reads the answer. Never makes a call, and believes no
// answer whose signature does not verify.
import { z } from 'zod';
import { ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { problem, type Reply, readReply, signedRequest } from './gateway.ts';
import type { Notice } from './notice.ts';
import { Instant, instantOf, isAmount, paymentOf, type Trade, Yuan, yuan } from './trade.ts';

const TRADE_QUERY = 'alipay.trade.query';
const REFUND_QUERY = 'alipay.trade.fastpay.refund.query';
/** A QR code that nobody scanned is no trade yet, so this is no failure (docs: precreate). */
const TRADE_NOT_EXIST = /^(?:ACQ\.)?TRADE_NOT_EXIST$/;
const Id = z.string().min(1).max(64);
const FreeText = z.string().nullish();
const List = z.array(z.unknown()).nullish();

type Definition = Provider<Credentials, Notice>;

export const query: NonNullable<Definition['query']> = {
  request: async (target, credentials, context) => {
    const { orderNo, transactionId, refundNo } = target;
    if (orderNo === undefined && transactionId === undefined) {
      return problem('refused', 'Alipay is asked by orderNo or transactionId: give one of them.');
    }
    // Where both are given Alipay goes by trade_no alone.
    const named = transactionId === undefined ? { out_trade_no: orderNo } : { trade_no: transactionId };
    if (refundNo !== undefined) {
      const content = { ...named, out_request_no: refundNo, query_options: ['gmt_refund_pay'] };
      return signedRequest(REFUND_QUERY, content, credentials, context);
    }
    const content = { ...named, query_options: ['fund_bill_list', 'voucher_detail_list'] };
    return signedRequest(TRADE_QUERY, content, credentials, context);
  },
  read: (answer, target, credentials, _keys, now) =>
    target.refundNo === undefined
      ? readTrade(answer, target, credentials, now)
      : readRefund(answer, target, target.refundNo, credentials, now),
};

const TradeAnswer = z
  .object({
    out_trade_no: Id,
    trade_no: Id,
    trade_status: z.enum(['WAIT_BUYER_PAY', 'TRADE_SUCCESS', 'TRADE_FINISHED', 'TRADE_CLOSED']),
    total_amount: Yuan,
    trans_currency: z
      .string()
      .regex(/^[A-Z]{3}$/)
      .optional(),
    buyer_pay_amount: Yuan.optional(),
    send_pay_date: Instant.optional(),
    buyer_user_id: FreeText,
    buyer_open_id: FreeText,
    buyer_logon_id: FreeText,
    passback_params: FreeText,
    fund_bill_list: List,
    voucher_detail_list: List,
  })
  .refine((trade) => isAmount(trade.total_amount, trade.trans_currency), { path: ['total_amount'] });
type TradeAnswer = z.infer<typeof TradeAnswer>;

const told = (noticeType: string, events: Translation['events'] = []): Translation => ({
  events,
  noticeType,
  noticeId: null,
});

/** No trade is an answer as well; any other failure is a problem. */
const nothingOf = (method: string, { subCode, detail }: Extract<Reply, { kind: 'failed' }>) =>
  TRADE_NOT_EXIST.test(subCode) ? ok(told(method)) : problem('refused', detail);

async function readTrade(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Promise<Result<Translation, ProviderProblem>> {
  const reply = await readReply(TRADE_QUERY, answer, credentials, now);
  if (!reply.ok) return reply;
  if (reply.value.kind === 'failed') return nothingOf(TRADE_QUERY, reply.value);
  const parsed = TradeAnswer.safeParse(reply.value.content);
  if (!parsed.success) return unreadable(TRADE_QUERY, parsed.error);
  if (!isAbout(target, parsed.data)) return stranger(TRADE_QUERY);
  const paidAt = instantOf(parsed.data.send_pay_date);
  const trade = tradeOf(parsed.data, credentials.sandbox);
  switch (parsed.data.trade_status) {
    // The answer does not say since when; the fact is the same whenever it is told.
    case 'WAIT_BUYER_PAY':
      return ok(told(TRADE_QUERY, [paymentOf(trade, 'pending', now)]));
    case 'TRADE_SUCCESS':
    case 'TRADE_FINISHED':
      return paidAt === null ? missingTime() : ok(told(TRADE_QUERY, [paymentOf(trade, 'succeeded', paidAt)]));
    case 'TRADE_CLOSED':
      return ok(
        told(TRADE_QUERY, paidAt === null ? [paymentOf(trade, 'closed', now)] : refundedWhole(trade, paidAt, now)),
      );
  }
}

/** Paid and closed means refunded whole; the answer names no refund, so the total does, as for a notice without one. */
function refundedWhole(trade: Trade, paidAt: number, now: number): Translation['events'] {
  const amount = yuan(trade.totalAmount, trade.currency);
  return [
    paymentOf(trade, 'succeeded', paidAt),
    {
      kind: 'refund',
      orderNo: trade.orderNo,
      occurredAt: now,
      providerState: trade.state,
      test: trade.test,
      state: 'succeeded',
      refundNo: `${trade.tradeNo}-${amount.minor}`,
      providerRefundId: null,
      transactionId: trade.tradeNo,
      amount,
      cumulative: true,
    },
  ];
}

const tradeOf = (answer: TradeAnswer, test: boolean): Trade => ({
  orderNo: answer.out_trade_no,
  tradeNo: answer.trade_no,
  state: answer.trade_status,
  totalAmount: answer.total_amount,
  currency: answer.trans_currency,
  payerAmount: answer.buyer_pay_amount,
  buyerId: answer.buyer_user_id,
  buyerOpenId: answer.buyer_open_id,
  buyerAccount: answer.buyer_logon_id,
  attach: answer.passback_params,
  fundBills: answer.fund_bill_list ?? [],
  vouchers: answer.voucher_detail_list ?? [],
  test,
});

const RefundAnswer = z.object({
  out_trade_no: Id,
  trade_no: Id,
  out_request_no: Id,
  refund_amount: Yuan,
  refund_reason: z.string().nullish(),
  gmt_refund_pay: Instant.nullish(),
});
const RefundState = z.object({ refund_status: z.string().nullish() });

/** Only REFUND_SUCCESS says that the money went back; without it the refund failed or is not there yet (docs). */
async function readRefund(
  answer: ProviderAnswer,
  target: QueryTarget,
  refundNo: string,
  credentials: Credentials,
  now: number,
): Promise<Result<Translation, ProviderProblem>> {
  const reply = await readReply(REFUND_QUERY, answer, credentials, now);
  if (!reply.ok) return reply;
  if (reply.value.kind === 'failed') return nothingOf(REFUND_QUERY, reply.value);
  const { content } = reply.value;
  if (RefundState.safeParse(content).data?.refund_status !== 'REFUND_SUCCESS') return ok(told(REFUND_QUERY));
  const parsed = RefundAnswer.safeParse(content);
  if (!parsed.success) return unreadable(REFUND_QUERY, parsed.error);
  const refund = parsed.data;
  if (!isAbout(target, refund) || refund.out_request_no !== refundNo) return stranger(REFUND_QUERY);
  return ok(
    told(REFUND_QUERY, [
      {
        kind: 'refund',
        orderNo: refund.out_trade_no,
        occurredAt: instantOf(refund.gmt_refund_pay ?? undefined) ?? now,
        providerState: 'REFUND_SUCCESS',
        test: credentials.sandbox,
        state: 'succeeded',
        refundNo,
        providerRefundId: null,
        transactionId: refund.trade_no,
        // This refund's own, unlike a notice's.
        amount: yuan(refund.refund_amount),
        ...(refund.refund_reason ? { reason: refund.refund_reason } : {}),
      },
    ]),
  );
}

type Named = { readonly out_trade_no: string; readonly trade_no: string };
const isAbout = ({ orderNo, transactionId }: QueryTarget, seen: Named): boolean =>
  (orderNo === undefined || seen.out_trade_no === orderNo) &&
  (transactionId === undefined || seen.trade_no === transactionId);

const stranger = (method: string) => problem('malformed', `Alipay answered ${method} about something else. Ask again.`);
const missingTime = () =>
  problem('malformed', `Alipay answered ${TRADE_QUERY} with a paid trade without send_pay_date.`);
const unreadable = (method: string, error: z.ZodError) =>
  problem('malformed', `Alipay answered ${method} without a readable ${error.issues[0]?.path.join('.') || 'content'}.`);
