// Native QR payments of WeChat Pay v2, mode 2: asks for one, closes an order, and reads the answers. Never makes a
// call, and believes no code whose answer does not verify.
import type { PaymentRequest } from '../../core/order.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { xmlSafe } from '../../core/xml.ts';
import type { Provider, ProviderAnswer, ProviderProblem, ProviderRequest } from '../provider.ts';
import {
  beijingClock,
  CODE_VALID_MS,
  cutDescription,
  EXPIRY_DEFAULT_MS,
  PAY_MEANINGS,
  type PayOrder,
  payByOf,
  problem,
} from '../wechatpay/rules.ts';
import { errorCodeOf, failureOf, NEEDS_PAYEE, provedFields, SUCCESS, signedRequest } from './api.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';
import { payeeOf } from './reference.ts';
import type { Fields } from './signature.ts';

export const NATIVE_PATH = '/pay/unifiedorder';
const CLOSE_PATH = '/pay/closeorder';

type Definition = Provider<Credentials, Notice>;

export const pay: NonNullable<Definition['pay']> = {
  appSchemes: ['weixin:'],
  request: (order, credentials, { now, nonce }) => requestNative(order, credentials, now, nonce),
  read: (answer, credentials, _keys, now, expiresAt) => readNative(answer, credentials, now, expiresAt ?? null),
};

export const close: NonNullable<Definition['close']> = {
  request: async ({ orderNo }, credentials, { nonce }) => {
    const payee = payeeOf(credentials);
    if (payee === null) return problem('not_configured', NEEDS_PAYEE);
    return ok(await signedRequest(CLOSE_PATH, payee, { out_trade_no: xmlSafe(orderNo) }, credentials, nonce));
  },
  read: (answer, credentials) => readClose(answer, credentials),
};

async function requestNative(
  order: PayOrder,
  credentials: Credentials,
  now: number,
  nonce: string,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { orderNo } = order;
  const payee = payeeOf(credentials);
  if (payee === null) return problem('not_configured', NEEDS_PAYEE);
  if (!/^[0-9A-Za-z_|*@-]{1,32}$/.test(orderNo)) {
    return problem(
      'refused',
      'WeChat Pay takes order numbers of up to 32 letters, digits, _, -, |, * and @: choose another orderNo.',
    );
  }
  const payBy = payByOf(order, now);
  if (!payBy.ok) return payBy;
  const own = { ...nativeFields(order), time_expire: beijingTime(payBy.value), product_id: orderNo };
  return ok(await signedRequest(NATIVE_PATH, payee, own, credentials, nonce));
}

/** What both modes of Native tell of an order. */
export const nativeFields = ({ orderNo, registration: { amount, description }, notifyUrl }: PayOrder) => ({
  body: cutDescription(xmlSafe(description ?? `订单 ${orderNo}`)),
  out_trade_no: orderNo,
  total_fee: `${amount.minor}`,
  // Required, and of the machine that asks; an edge has no address of its own to name.
  spbill_create_ip: '127.0.0.1',
  notify_url: notifyUrl,
  trade_type: 'NATIVE',
});

/** `20091227091010`, Beijing time. */
const beijingTime = (at: number) => beijingClock(at).replace(/\D/g, '');

async function readNative(
  answer: ProviderAnswer,
  credentials: Credentials,
  now: number,
  expiresAt: number | null,
): Promise<Result<PaymentRequest, ProviderProblem>> {
  const proved = await provedFields(answer, credentials);
  if (!proved.ok) return proved;
  if (proved.value.get('result_code') !== SUCCESS) return err(failureOf(proved.value, PAY_MEANINGS));
  const codeUrl = codeUrlOf(proved.value);
  if (codeUrl === null) return problem('malformed', 'WeChat Pay answered the payment request without a code_url.');
  return ok({ codeUrl, codeExpiresAt: Math.min(now + CODE_VALID_MS, expiresAt ?? now + EXPIRY_DEFAULT_MS) });
}

/** Null for anything that is no code of WeChat Pay's. */
export function codeUrlOf(fields: Fields): string | null {
  const codeUrl = fields.get('code_url') ?? '';
  return /^weixin:\/\/[\x21-\x7e]{1,500}$/.test(codeUrl) ? codeUrl : null;
}

/** Closing what is closed is no failure, and neither is an order that was paid meanwhile. */
const CLOSE_OUTCOMES: Readonly<Record<string, 'closed' | 'paid' | 'unknown'>> = {
  ORDERPAID: 'paid',
  ORDERCLOSED: 'closed',
  ORDERNOTEXIST: 'unknown',
  ORDERNOTEXISTS: 'unknown',
};

async function readClose(
  answer: ProviderAnswer,
  credentials: Credentials,
): Promise<Result<'closed' | 'paid' | 'unknown', ProviderProblem>> {
  const proved = await provedFields(answer, credentials);
  if (!proved.ok) return proved;
  if (proved.value.get('result_code') === SUCCESS) return ok('closed');
  const outcome = CLOSE_OUTCOMES[errorCodeOf(proved.value)];
  return outcome === undefined ? err(failureOf(proved.value)) : ok(outcome);
}
