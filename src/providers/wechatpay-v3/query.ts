// Asks WeChat Pay v3 for one order, refund or complaint and reads the answer. Never makes the call, believes no answer
// whose signature does not verify, and none about another thing than was asked for.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import { problem } from '../wechatpay/rules.ts';
import { errorCodeOf, failureOf, signedRequest, subMerchantOf, unverified } from './api.ts';
import { complaintAnswer, complaintIdOf, complaintPath } from './complaint.ts';
import type { Credentials } from './credentials.ts';
import { Id } from './fields.ts';
import { type Notice, parseJson } from './notice.ts';
import { REFUND_PATH, refundFactOf } from './refund.ts';
import { keyringOf, proveSigned } from './signature.ts';
import { paymentOf } from './translate.ts';

type Query = NonNullable<Provider<Credentials, Notice>['query']>;

/** Of an order, and of a refund. */
const UNKNOWN_CODES: readonly string[] = ['ORDERNOTEXIST', 'RESOURCENOTEXISTS'];

export const query: Query = {
  request: async (target, credentials, context) => {
    const path = pathOf(target, credentials);
    return path.ok ? signedRequest('GET', path.value, null, credentials, context) : path;
  },
  read: readAnswer,
};

/** Before there was a word for it, a refund was asked about by its number as the `reference`. */
const refundNoOf = (target: QueryTarget): string | undefined => target.refundNo ?? target.reference;

/** A complaint, a refund, or the order by its transaction or its own number. */
function pathOf(target: QueryTarget, credentials: Credentials): Result<string, ProviderProblem> {
  const { partner, mchId } = credentials;
  const complaintId = complaintIdOf(target);
  if (complaintId !== null) return ok(complaintPath(complaintId));
  const sub = subMerchantOf(credentials);
  if (partner !== undefined && sub === null) {
    return problem('not_configured', 'mchId must name the sub-merchant to ask about; here it repeats partner.spMchId.');
  }
  const refundNo = refundNoOf(target);
  if (refundNo !== undefined) {
    const whose = sub === null ? '' : `?sub_mchid=${encodeURIComponent(sub)}`;
    return ok(`${REFUND_PATH}/${encodeURIComponent(refundNo)}${whose}`);
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
  const complaintId = complaintIdOf(target);
  if (complaintId !== null) return complaintAnswer(content, complaintId, credentials);
  const refundNo = refundNoOf(target);
  return refundNo === undefined
    ? orderAnswer(content, target, credentials, now)
    : refundAnswer(content, refundNo, target.orderNo);
}

const isUnknown = (answer: ProviderAnswer): boolean =>
  answer.status === 404 && UNKNOWN_CODES.includes(errorCodeOf(answer));

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
  // Nobody has tried to pay yet.
  if (tradeState === 'NOTPAY') return ok({ ...nothing('query.NOTPAY'), state: tradeState });
  // Only a payment has a time of its own; a closed or waiting order is as of the query, which changes nothing later.
  const notice: Notice = { id: null, type: 'query', createTime: new Date(now).toISOString(), content };
  const event = paymentOf(notice, credentials);
  if (!event.ok) return problem('malformed', event.error.detail);
  return ok({ ...nothing(`query.${tradeState}`), events: [event.value] });
}

function refundAnswer(content: unknown, refundNo: string, orderNo?: string): Result<Translation, ProviderProblem> {
  const fact = refundFactOf(content, refundNo, orderNo);
  return fact.ok ? ok({ ...nothing(`query.refund.${fact.value.providerState}`), events: [fact.value] }) : fact;
}
