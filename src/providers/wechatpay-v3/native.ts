// Native QR payments of WeChat Pay v3: asks for one, closes an order, and reads the answers. Never makes a call, and
// believes no code whose answer does not verify.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import type { PaymentRequest } from '../../core/order.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';
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
import { errorCodeOf, failureOf, signedRequest, subMerchantOf, unverified } from './api.ts';
import type { Credentials } from './credentials.ts';
import { type Notice, parseJson } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';

const NATIVE_PATH = '/v3/pay/transactions/native';
const NATIVE_PARTNER_PATH = '/v3/pay/partner/transactions/native';

type Definition = Provider<Credentials, Notice>;

export const pay: NonNullable<Definition['pay']> = {
  appSchemes: ['weixin:'],
  request: requestNative,
  read: readNative,
};
export const close: NonNullable<Definition['close']> = { request: requestClose, read: readClose };

async function requestNative(
  order: PayOrder,
  credentials: Credentials,
  context: RequestContext,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { amount, description } = order.registration;
  const payee = payeeOf(credentials);
  if (!payee.ok) return payee;
  if (!/^[0-9A-Za-z_*-]{6,32}$/.test(order.orderNo)) {
    return problem(
      'refused',
      'WeChat Pay takes order numbers of 6 to 32 letters, digits, _, - and *: choose another orderNo.',
    );
  }
  const payBy = payByOf(order, context.now);
  if (!payBy.ok) return payBy;
  const body = JSON.stringify({
    ...payee.value,
    description: cutDescription(description ?? `订单 ${order.orderNo}`),
    out_trade_no: order.orderNo,
    time_expire: beijingTime(payBy.value),
    notify_url: order.notifyUrl,
    amount: { total: amount.minor, currency: amount.currency },
  });
  const path = credentials.partner === undefined ? NATIVE_PATH : NATIVE_PARTNER_PATH;
  return signedRequest('POST', path, body, credentials, context);
}

/** The members that say who is paid; a problem names the field that is missing. */
function payeeOf(credentials: Credentials): Result<Readonly<Record<string, string>>, ProviderProblem> {
  const { mchId, appIds, partner } = credentials;
  const [appId] = appIds;
  if (partner === undefined) {
    if (appId === undefined) {
      return problem(
        'not_configured',
        'appIds is empty: add the AppID that payments are asked for, first in the list.',
      );
    }
    return ok({ appid: appId, mchid: mchId });
  }
  if (partner.spAppId === undefined) {
    return problem('not_configured', 'partner.spAppId is missing: it is needed to ask for payments.');
  }
  const sub = subMerchantOf(credentials);
  if (sub === null) {
    return problem('not_configured', 'mchId must name the sub-merchant that is paid; here it repeats partner.spMchId.');
  }
  const own = appId === undefined ? {} : { sub_appid: appId };
  return ok({ sp_appid: partner.spAppId, sp_mchid: partner.spMchId, ...own, sub_mchid: sub });
}

/** RFC 3339 in whole seconds with WeChat Pay's own offset. */
const beijingTime = (at: number) => `${beijingClock(at)}+08:00`;

const NativeAnswer = z.object({ code_url: z.string().regex(/^weixin:\/\/[\x21-\x7e]{1,500}$/) });

async function readNative(
  answer: ProviderAnswer,
  credentials: Credentials,
  known: readonly FetchedKey[],
  now: number,
  expiresAt: number | null = null,
): Promise<Result<PaymentRequest, ProviderProblem>> {
  const failure = failureOf(answer, PAY_MEANINGS);
  if (failure !== null) return err(failure);
  const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, known), now);
  if (!proof.ok) return err(unverified(proof.error));
  const parsed = NativeAnswer.safeParse(parseJson(answer.body));
  if (!parsed.success) return problem('malformed', 'WeChat Pay answered the payment request without a code_url.');
  const codeExpiresAt = Math.min(now + CODE_VALID_MS, expiresAt ?? now + EXPIRY_DEFAULT_MS);
  return ok({ codeUrl: parsed.data.code_url, codeExpiresAt });
}

/** Closing what is closed is no failure, and neither is an order that was paid meanwhile. */
const CLOSE_OUTCOMES: Readonly<Record<string, 'closed' | 'paid' | 'unknown'>> = {
  ORDERPAID: 'paid',
  ORDERCLOSED: 'closed',
  ORDERNOTEXIST: 'unknown',
  RESOURCENOTEXISTS: 'unknown',
};

async function requestClose(
  { orderNo }: { readonly orderNo: string },
  credentials: Credentials,
  context: RequestContext,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { partner, mchId } = credentials;
  const named = `transactions/out-trade-no/${encodeURIComponent(orderNo)}/close`;
  if (partner === undefined) {
    return signedRequest('POST', `/v3/pay/${named}`, JSON.stringify({ mchid: mchId }), credentials, context);
  }
  const sub = subMerchantOf(credentials);
  if (sub === null) {
    return problem('not_configured', 'mchId must name the sub-merchant of the order; here it repeats partner.spMchId.');
  }
  const body = JSON.stringify({ sp_mchid: partner.spMchId, sub_mchid: sub });
  return signedRequest('POST', `/v3/pay/partner/${named}`, body, credentials, context);
}

async function readClose(
  answer: ProviderAnswer,
  credentials: Credentials,
  known: readonly FetchedKey[],
  now: number,
): Promise<Result<'closed' | 'paid' | 'unknown', ProviderProblem>> {
  const outcome = CLOSE_OUTCOMES[errorCodeOf(answer)];
  if (outcome !== undefined) return ok(outcome);
  const failure = answer.status === 204 ? null : failureOf(answer);
  if (failure !== null) return err(failure);
  // No body, so its line in what is signed is empty.
  const proof = await proveSigned(answer.headers, answer.body, keyringOf(credentials, known), now);
  return proof.ok ? ok('closed') : err(unverified(proof.error));
}
