// Asks WeChat Pay v2 for one order or one refund and reads the answer. Never makes the call, believes no answer whose
// signature does not verify, and none about another thing than was asked for.
import type { PaymentEvent } from '../../core/event.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { xmlSafe } from '../../core/xml.ts';
import type {
  Provider,
  ProviderAnswer,
  ProviderProblem,
  ProviderRequest,
  QueryTarget,
  Translation,
} from '../provider.ts';
import { problem, statusOf } from '../wechatpay/rules.ts';
import { errorCodeOf, failureOf, NEEDS_PAYEE, provedFields, SUCCESS, signedRequest } from './api.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';
import { payeeOf, readReference } from './reference.ts';
import type { Fields } from './signature.ts';
import { paymentOf, refundsOf } from './translate.ts';

export const query: NonNullable<Provider<Credentials, Notice>['query']> = {
  request: (target, credentials, { nonce }) => requestQuery(target, credentials, nonce),
  read: (answer, target, credentials, _keys, now) => readQuery(answer, target, credentials, now),
};

/** A refund by its number, or as its notice named it. */
const refundOf = (target: QueryTarget): string | undefined => target.reference ?? target.refundNo;

async function requestQuery(
  target: QueryTarget,
  credentials: Credentials,
  nonce: string,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { orderNo, transactionId } = target;
  const reference = refundOf(target);
  if (reference !== undefined) {
    const read = readReference(reference, credentials);
    if (read === null) return problem('not_configured', NEEDS_PAYEE);
    const own = { out_refund_no: read.refundNo };
    return ok(await signedRequest('/pay/refundquery', read.payee, own, credentials, nonce));
  }
  const payee = payeeOf(credentials);
  if (payee === null) return problem('not_configured', NEEDS_PAYEE);
  // Unpaid orders are known by the merchant's number alone.
  const name = orderNo === undefined ? transactionId : orderNo;
  if (name === undefined) return problem('refused', 'A query needs an order number, a transaction or a refund.');
  const own = orderNo === undefined ? { transaction_id: xmlSafe(name) } : { out_trade_no: xmlSafe(name) };
  return ok(await signedRequest('/pay/orderquery', payee, own, credentials, nonce));
}

/** What the provider has never heard of: nothing has happened, as far as it can tell. */
const UNKNOWN = /^(?:ORDERNOTEXIST|REFUNDNOTEXIST|RESOURCENOTEXIST)S?$/;

const NOTPAY = 'NOTPAY';

type Read = Result<Translation, ProviderProblem>;

async function readQuery(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Promise<Read> {
  const proved = await provedFields(answer, credentials);
  if (!proved.ok) return proved;
  const fields = proved.value;
  const noticeType = refundOf(target) === undefined ? 'orderquery' : 'refundquery';
  const told = (events: PaymentEvent[]): Read => ok({ events, noticeType, noticeId: null });
  if (fields.get('result_code') !== SUCCESS) {
    return UNKNOWN.test(errorCodeOf(fields)) ? told([]) : err(failureOf(fields));
  }
  // Nobody has tried to pay yet.
  if (noticeType === 'orderquery' && fields.get('trade_state') === NOTPAY) {
    return ok({ events: [], state: NOTPAY, noticeType, noticeId: null });
  }
  const events = refundOf(target) === undefined ? orderIn(fields, now) : refundIn(fields, target, credentials, now);
  if (!events.ok) return problem('malformed', `WeChat Pay answered the query without a readable ${events.error}.`);
  const isOther = (event: PaymentEvent) => target.orderNo !== undefined && event.orderNo !== target.orderNo;
  return events.value.some(isOther)
    ? problem('malformed', 'WeChat Pay answered for another order than the one that was asked about.')
    : told(events.value);
}

function orderIn(fields: Fields, now: number): Result<PaymentEvent[], string> {
  const tradeState = fields.get('trade_state') ?? '';
  const status = statusOf(tradeState, fields.get('trade_type') ?? '');
  if (status === null) return err('trade_state');
  const payment = paymentOf(fields, status, tradeState, now);
  return payment.ok ? ok([payment.value]) : payment;
}

/** The refund that was asked about, and no other of the same order. */
function refundIn(
  fields: Fields,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Result<PaymentEvent[], string> {
  const refundNo = readReference(refundOf(target) ?? '', credentials)?.refundNo;
  const refunds = refundsOf(fields, now);
  if (!refunds.ok) return refunds;
  const asked = refunds.value.filter((event) => event.kind === 'refund' && event.refundNo === refundNo);
  return asked.length === 1 ? ok(asked) : err('out_refund_no');
}
