// Describes calls to the WeChat Pay v2 API and reads their answers: order query, refund query, Native payment. Never
// makes a call, and believes no answer whose signature does not verify.
import type { PaymentEvent } from '../../core/event.ts';
import type { PaymentRequest } from '../../core/order.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { printXml, xmlSafe } from '../../core/xml.ts';
import type { Provider, ProviderAnswer, ProviderProblem, ProviderRequest, QueryTarget } from '../provider.ts';
import { type Credentials, SIGN_TYPES } from './credentials.ts';
import { type Notice, readFields } from './notice.ts';
import { type Payee, payeeOf, readReference } from './reference.ts';
import { type Fields, signatureOf, signatureProblem } from './signature.ts';
import { checkMerchant, paymentOf, refundsOf, statusOf } from './translate.ts';

const HOST = 'https://api.mch.weixin.qq.com';
export const NATIVE_PATH = '/pay/unifiedorder';
const SUCCESS = 'SUCCESS';

/** A code_url works this long, whatever the order's own expiry. */
export const CODE_VALID_MS = 2 * 3_600_000;
/** How long a payer has when the merchant did not say. */
const EXPIRY_DEFAULT_MS = 30 * 60_000;
/** WeChat Pay wants an expiry farther off than this. */
const EXPIRY_MIN_MS = 60_000;
const DESCRIPTION_CHARS_MAX = 127;
const BEIJING_AHEAD_MS = 8 * 3_600_000;

type Definition = Provider<Credentials, Notice>;

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

export const query: NonNullable<Definition['query']> = {
  request: (target, credentials, { nonce }) => requestQuery(target, credentials, nonce),
  read: (answer, target, credentials, _keys, now) => readQuery(answer, target, credentials, now),
};

export const pay: NonNullable<Definition['pay']> = {
  request: (order, credentials, { now, nonce }) => requestNative(order, credentials, now, nonce),
  read: (answer, credentials, _keys, now, expiresAt) => readNative(answer, credentials, now, expiresAt ?? null),
};

export async function signedRequest(
  path: string,
  payee: Payee,
  own: Readonly<Record<string, string>>,
  credentials: Credentials,
  nonce: string,
): Promise<ProviderRequest> {
  const signType = credentials.signTypes[0] ?? SIGN_TYPES[0];
  const fields = { ...payee, mch_id: credentials.mchId, nonce_str: nonce.slice(0, 32), sign_type: signType, ...own };
  const sign = await signatureOf(new Map(Object.entries(fields)), credentials.apiKey, signType);
  return {
    method: 'POST',
    url: HOST + path,
    headers: { 'content-type': 'text/xml; charset=utf-8', 'user-agent': 'Tollgate' },
    body: printXml('xml', { ...fields, sign }),
  };
}

/** The proved fields of an answer, whatever its result_code; without a proof nothing of it is believed. */
export async function provedFields(
  answer: ProviderAnswer,
  credentials: Credentials,
): Promise<Result<Fields, ProviderProblem>> {
  if (answer.status !== 200) return problem('unavailable', `WeChat Pay answered ${answer.status}.`);
  const fields = readFields(answer.body, 'xml');
  if (!fields.ok) return problem('malformed', `WeChat Pay's answer cannot be read: ${fields.error}.`);
  if (fields.value.get('return_code') !== SUCCESS) {
    // Unsigned, and it changes nothing: the request itself was not understood.
    const said = (fields.value.get('return_msg') ?? 'no reason given').slice(0, 200);
    return problem('refused', `WeChat Pay refused the request: ${said}. Check mchId, appIds and apiKey.`);
  }
  const unproved = await signatureProblem(fields.value, credentials);
  if (unproved !== null) {
    return problem('unverified', `WeChat Pay's answer is not proved: ${unproved.detail} Ask again.`);
  }
  const stranger = checkMerchant(fields.value, credentials);
  return stranger === null ? fields : problem('malformed', `WeChat Pay's answer is another merchant's.`);
}

/** What a proved answer without success means. */
export function failureOf(fields: Fields): ProviderProblem {
  const code = fields.get('err_code') ?? '';
  const detail = `WeChat Pay answered ${code}: ${(fields.get('err_code_des') ?? '').slice(0, 200)}.`;
  const isPassing = /^(?:SYSTEM_?ERROR|FREQUENCY_LIMIT(?:ED)?|BIZERR_NEED_RETRY)$/.test(code);
  return { code: isPassing ? 'unavailable' : 'refused', detail };
}

export const NEEDS_PAYEE =
  'WeChat Pay wants to know who asks: put the AppID first into appIds, and for a service provider exactly one ' +
  'number into subMchIds.';

async function requestQuery(
  target: QueryTarget,
  credentials: Credentials,
  nonce: string,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { reference, orderNo, transactionId } = target;
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
const UNKNOWN = /^(?:ORDER_?NOT_?EXIST|REFUND_?NOT_?EXIST)$/;

type Read = Result<{ events: PaymentEvent[]; noticeType: string; noticeId: null }, ProviderProblem>;

async function readQuery(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Promise<Read> {
  const proved = await provedFields(answer, credentials);
  if (!proved.ok) return proved;
  const fields = proved.value;
  const noticeType = target.reference === undefined ? 'orderquery' : 'refundquery';
  const told = (events: PaymentEvent[]): Read => ok({ events, noticeType, noticeId: null });
  if (fields.get('result_code') !== SUCCESS) {
    return UNKNOWN.test(fields.get('err_code') ?? '') ? told([]) : err(failureOf(fields));
  }
  const events = target.reference === undefined ? orderIn(fields, now) : refundIn(fields, target, credentials, now);
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
  if (tradeState === 'NOTPAY') return ok([]); // nothing has happened
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
  const refundNo = readReference(target.reference ?? '', credentials)?.refundNo;
  const refunds = refundsOf(fields, now);
  if (!refunds.ok) return refunds;
  const asked = refunds.value.filter((event) => event.kind === 'refund' && event.refundNo === refundNo);
  return asked.length === 1 ? ok(asked) : err('out_refund_no');
}

export type PayOrder = Parameters<NonNullable<Definition['pay']>['request']>[0];

async function requestNative(
  order: PayOrder,
  credentials: Credentials,
  now: number,
  nonce: string,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { orderNo, registration } = order;
  const { amount, expiresAt } = registration;
  const payee = payeeOf(credentials);
  if (payee === null) return problem('not_configured', NEEDS_PAYEE);
  if (!/^[0-9A-Za-z_|*@-]{1,32}$/.test(orderNo)) {
    return problem(
      'refused',
      'WeChat Pay takes order numbers of up to 32 letters, digits, _, -, |, * and @: choose another orderNo.',
    );
  }
  if (amount.currency !== 'CNY' || amount.minor < 1) {
    return problem('refused', 'WeChat Pay Native takes amounts in CNY of at least 0.01: change the order’s amount.');
  }
  const payBy = expiresAt ?? now + EXPIRY_DEFAULT_MS;
  if (payBy < now + EXPIRY_MIN_MS) {
    return problem(
      'refused',
      'The order expires in less than a minute, which WeChat Pay refuses: choose a later expiresAt.',
    );
  }
  const own = { ...nativeFields(order), time_expire: beijingTime(payBy), product_id: orderNo };
  return ok(await signedRequest(NATIVE_PATH, payee, own, credentials, nonce));
}

/** What both modes of Native tell of an order. */
export const nativeFields = ({ orderNo, registration: { amount, description }, notifyUrl }: PayOrder) => ({
  body: [...xmlSafe(description ?? `订单 ${orderNo}`)].slice(0, DESCRIPTION_CHARS_MAX).join(''),
  out_trade_no: orderNo,
  total_fee: `${amount.minor}`,
  // Required, and of the machine that asks; an edge has no address of its own to name.
  spbill_create_ip: '127.0.0.1',
  notify_url: notifyUrl,
  trade_type: 'NATIVE',
});

/** `20091227091010`, Beijing time. */
const beijingTime = (at: number) => new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19).replace(/\D/g, '');

async function readNative(
  answer: ProviderAnswer,
  credentials: Credentials,
  now: number,
  expiresAt: number | null,
): Promise<Result<PaymentRequest, ProviderProblem>> {
  const proved = await provedFields(answer, credentials);
  if (!proved.ok) return proved;
  if (proved.value.get('result_code') !== SUCCESS) return err(failureOf(proved.value));
  const codeUrl = codeUrlOf(proved.value);
  if (codeUrl === null) return problem('malformed', 'WeChat Pay answered the payment request without a code_url.');
  return ok({ codeUrl, codeExpiresAt: Math.min(now + CODE_VALID_MS, expiresAt ?? now + EXPIRY_DEFAULT_MS) });
}

/** Null for anything that is no code of WeChat Pay's. */
export function codeUrlOf(fields: Fields): string | null {
  const codeUrl = fields.get('code_url') ?? '';
  return /^weixin:\/\/[\x21-\x7e]{1,500}$/.test(codeUrl) ? codeUrl : null;
}
