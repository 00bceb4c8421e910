// Asks WeChat Pay v3 for one order or one refund and reads the answer. Never makes the call, believes no answer whose
// signature does not verify, and none about another order than was asked for.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import type { PaymentEvent } from '../../core/event.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import { failureOf, problem, signedRequest, subMerchantOf, unverified } from './api.ts';
import type { Credentials } from './credentials.ts';
import { type Notice, parseJson } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';
import { Currency, Fen, Id, Instant, paymentOf, REFUND_STATES } from './translate.ts';

type Query = NonNullable<Provider<Credentials, Notice>['query']>;

/** Both spellings of "there is no such order" have been seen; a refund's is the third. */
const UNKNOWN_CODES: readonly string[] = ['ORDER_NOT_EXIST', 'ORDERNOTEXIST', 'RESOURCE_NOT_EXISTS'];

export const query: Query = {
  request: async (target, credentials, context) => {
    const path = pathOf(target, credentials);
    return path.ok ? signedRequest('GET', path.value, null, credentials, context) : path;
  },
  read: readAnswer,
};

/** `reference` is a refund number; else the order is asked for by the transaction, or by its own number. */
function pathOf(target: QueryTarget, credentials: Credentials): Result<string, ProviderProblem> {
  const { partner, mchId } = credentials;
  const sub = subMerchantOf(credentials);
  if (partner !== undefined && sub === null) {
    return problem('not_configured', 'mchId must name the sub-merchant to ask about; here it repeats partner.spMchId.');
  }
  if (target.reference !== undefined) {
    const whose = sub === null ? '' : `?sub_mchid=${encodeURIComponent(sub)}`;
    return ok(`/v3/refund/domestic/refunds/${encodeURIComponent(target.reference)}${whose}`);
  }
  const named =
    target.transactionId === undefined
      ? target.orderNo && `out-trade-no/${encodeURIComponent(target.orderNo)}`
      : `id/${encodeURIComponent(target.transactionId)}`;
  if (!named) return problem('refused', 'A query needs an order number, a transaction id or a refund number.');
  if (partner === undefined) return ok(`/v3/pay/transactions/${named}?mchid=${encodeURIComponent(mchId)}`);
  const whose = `sp_mchid=${encodeURIComponent(partner.spMchId)}&sub_mchid=${encodeURIComponent(sub ?? '')}`;
  return ok(`/v3/pay/partner/transactions/${named}?${whose}`);
}

const ErrorCode = z.object({ code: z.string() });

async function readAnswer(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  known: readonly FetchedKey[],
  now: number,
): Promise<Result<Translation, ProviderProblem>> {
  const failure = failureOf(answer);
  if (failure !== null) return isUnknown(answer) ? ok(nothing('query')) : err(failure);
  const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, known), now);
  if (!proof.ok) return err(unverified(proof.error));
  const content = parseJson(answer.body);
  return target.reference === undefined
    ? orderAnswer(content, target, credentials, now)
    : refundAnswer(content, target);
}

const isUnknown = (answer: ProviderAnswer): boolean =>
  answer.status === 404 && UNKNOWN_CODES.includes(ErrorCode.safeParse(parseJson(answer.body)).data?.code ?? '');

const nothing = (noticeType: string): Translation => ({ events: [], noticeType, noticeId: null });

const State = z.object({ out_trade_no: Id, transaction_id: Id.nullish(), trade_state: z.string() });

function orderAnswer(
  content: unknown,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Result<Translation, ProviderProblem> {
  const state = State.safeParse(content);
  if (!state.success) return problem('malformed', 'WeChat Pay answered the order query in a form that cannot be read.');
  const { out_trade_no: orderNo, transaction_id: transactionId, trade_state: tradeState } = state.data;
  const isAnother =
    (target.orderNo !== undefined && target.orderNo !== orderNo) ||
    (target.transactionId !== undefined && target.transactionId !== transactionId);
  if (isAnother) return problem('malformed', 'WeChat Pay answered about another order than was asked for.');
  if (tradeState === 'NOTPAY') return ok(nothing('query.NOTPAY')); // nobody has tried to pay yet
  // Only a payment has a time of its own; a closed or waiting order is as of the query, which changes nothing later.
  const notice: Notice = { id: null, type: 'query', createTime: new Date(now).toISOString(), content };
  const event = paymentOf(notice, credentials);
  if (!event.ok) return problem('malformed', event.error.detail);
  return ok({ ...nothing(`query.${tradeState}`), events: [event.value] });
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

function refundAnswer(content: unknown, target: QueryTarget): Result<Translation, ProviderProblem> {
  const parsed = RefundAnswer.safeParse(content);
  if (!parsed.success) {
    return problem('malformed', 'WeChat Pay answered the refund query in a form that cannot be read.');
  }
  const refund = parsed.data;
  if (refund.out_refund_no !== target.reference) {
    return problem('malformed', 'WeChat Pay answered about another refund than was asked for.');
  }
  const event: PaymentEvent = {
    kind: 'refund',
    orderNo: refund.out_trade_no,
    occurredAt: Date.parse(refund.success_time ?? refund.create_time),
    providerState: refund.status,
    test: false,
    state: REFUND_STATES[refund.status],
    refundNo: refund.out_refund_no,
    providerRefundId: refund.refund_id ?? null,
    transactionId: refund.transaction_id ?? null,
    amount: { minor: refund.amount.refund, currency: refund.amount.currency ?? 'CNY' },
    ...(refund.user_received_account ? { account: refund.user_received_account } : {}),
  };
  return ok({ ...nothing(`query.refund.${refund.status}`), events: [event] });
}
