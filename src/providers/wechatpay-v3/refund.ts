// Refunds of WeChat Pay v3: asks for one, and reads what an answer says of it. Never makes a call, believes no answer
// whose signature does not verify, and none about another refund than was asked for.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import type { RefundFact } from '../../core/event.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type {
  Provider,
  ProviderAnswer,
  ProviderProblem,
  ProviderRequest,
  RefundOrder,
  RequestContext,
  Translation,
} from '../provider.ts';
import { cutReason, problem, REFUND_MEANINGS, refundProblem } from '../wechatpay/rules.ts';
import { failureOf, signedRequest, subMerchantOf, unverified } from './api.ts';
import type { Credentials } from './credentials.ts';
import { Currency, Fen, Id, Instant } from './fields.ts';
import { type Notice, parseJson } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';
import { REFUND_STATES } from './translate.ts';

export const REFUND_PATH = '/v3/refund/domestic/refunds';
export const refund: NonNullable<Provider<Credentials, Notice>['refund']> = {
  request: requestRefund,
  read: readRefund,
};

async function requestRefund(
  order: RefundOrder,
  credentials: Credentials,
  context: RequestContext,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { refundNo, amount, paid, reason, transactionId, orderNo, notifyUrl } = order;
  const sub = subMerchantOf(credentials);
  if (credentials.partner !== undefined && sub === null) {
    return problem('not_configured', 'mchId must name the sub-merchant that refunds; here it repeats partner.spMchId.');
  }
  const odd = refundProblem(order);
  if (odd !== null) return odd;
  const body = JSON.stringify({
    ...(sub === null ? {} : { sub_mchid: sub }),
    ...(transactionId === null ? { out_trade_no: orderNo } : { transaction_id: transactionId }),
    out_refund_no: refundNo,
    ...(reason === null || reason === '' ? {} : { reason: cutReason(reason) }),
    notify_url: notifyUrl,
    amount: { refund: amount.minor, total: paid.minor, currency: amount.currency },
  });
  return signedRequest('POST', REFUND_PATH, body, credentials, context);
}

async function readRefund(
  answer: ProviderAnswer,
  { refundNo, orderNo }: RefundOrder,
  credentials: Credentials,
  known: readonly FetchedKey[],
  now: number,
): Promise<Result<Translation, ProviderProblem>> {
  const failure = failureOf(answer, REFUND_MEANINGS);
  if (failure !== null) return err(failure);
  const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, known), now);
  if (!proof.ok) return err(unverified(proof.error));
  const fact = refundFactOf(parseJson(answer.body), refundNo, orderNo);
  return fact.ok
    ? ok({ events: [fact.value], noticeType: `refund.${fact.value.providerState}`, noticeId: null })
    : fact;
}

const RefundAnswer = z.object({
  out_trade_no: Id,
  transaction_id: Id.nullish(),
  out_refund_no: Id,
  refund_id: Id.nullish(),
  status: z.enum(['SUCCESS', 'CLOSED', 'PROCESSING', 'ABNORMAL']),
  success_time: Instant.nullish(),
  create_time: Instant,
  user_received_account: z.string().max(256).nullish(),
  amount: z.object({ refund: Fen, currency: Currency.nullish() }),
});

/** A refund as the refund API words it, whether it was asked for or asked about. An accepted one is no done one. */
export function refundFactOf(
  content: unknown,
  refundNo: string,
  orderNo?: string,
): Result<RefundFact, ProviderProblem> {
  const parsed = RefundAnswer.safeParse(content);
  if (!parsed.success) return problem('malformed', 'WeChat Pay told of the refund in a form that cannot be read.');
  const told = parsed.data;
  if (told.out_refund_no !== refundNo || (orderNo !== undefined && told.out_trade_no !== orderNo)) {
    return problem('malformed', 'WeChat Pay answered about another refund than was asked for.');
  }
  return ok({
    kind: 'refund',
    orderNo: told.out_trade_no,
    occurredAt: Date.parse(told.success_time ?? told.create_time),
    providerState: told.status,
    test: false,
    state: REFUND_STATES[told.status],
    refundNo: told.out_refund_no,
    providerRefundId: told.refund_id ?? null,
    transactionId: told.transaction_id ?? null,
    amount: { minor: told.amount.refund, currency: told.amount.currency ?? 'CNY' },
    ...(told.user_received_account ? { account: told.user_received_account } : {}),
  });
}
