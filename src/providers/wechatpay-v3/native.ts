// Native QR payments of WeChat Pay v3: asks for one, closes an order, and reads the answers. Never makes a call, and
// believes no code whose answer does not verify.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import type { PaymentRequest } from '../../core/order.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, ProviderRequest, RequestContext } from '../provider.ts';
import { errorCodeOf, failureOf, type Meanings, problem, signedRequest, subMerchantOf, unverified } from './api.ts';
import type { Credentials } from './credentials.ts';
import { type Notice, parseJson } from './notice.ts';
import { keyringOf, proveSigned } from './signature.ts';

const NATIVE_PATH = '/v3/pay/transactions/native';
const NATIVE_PARTNER_PATH = '/v3/pay/partner/transactions/native';

/** A code_url works this long, whatever the order's own expiry (Native prepay documentation). */
const CODE_VALID_MS = 2 * 3_600_000;
/** How long a payer has when the merchant did not say. WeChat Pay's own default, 7 days, outlives the code. */
const EXPIRY_DEFAULT_MS = 30 * 60_000;
/** WeChat Pay refuses an expiry nearer than this. */
const EXPIRY_MIN_MS = 60_000;
const DESCRIPTION_CHARS_MAX = 127;
const BEIJING_AHEAD_MS = 8 * 3_600_000;

type Definition = Provider<Credentials, Notice>;

export const pay: NonNullable<Definition['pay']> = {
  appSchemes: ['weixin:'],
  request: requestNative,
  read: readNative,
};
export const close: NonNullable<Definition['close']> = { request: requestClose, read: readClose };

/** What a refused payment request means (docs: Native prepay, business errors). */
const PAY_MEANINGS: Meanings = {
  ORDERPAID: { code: 'already_paid', mend: 'Query the order: its payment notice is on the way or was lost.' },
  ORDERCLOSED: {
    code: 'refused',
    mend: 'A closed order stays closed at WeChat Pay: register the sale again under another orderNo.',
  },
  OUTTRADENOUSED: {
    code: 'refused',
    mend:
      'WeChat Pay knows this order number with another amount, description, expiry or callback address: register the ' +
      'sale under another orderNo.',
  },
};

type PayOrder = Parameters<NonNullable<Definition['pay']>['request']>[0];

async function requestNative(
  order: PayOrder,
  credentials: Credentials,
  context: RequestContext,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { amount, description, expiresAt } = order.registration;
  const payee = payeeOf(credentials);
  if (!payee.ok) return payee;
  if (!/^[0-9A-Za-z_*-]{6,32}$/.test(order.orderNo)) {
    return problem(
      'refused',
      'WeChat Pay takes order numbers of 6 to 32 letters, digits, _, - and *: choose another orderNo.',
    );
  }
  if (amount.currency !== 'CNY' || amount.minor < 1) {
    return problem('refused', 'WeChat Pay Native takes amounts in CNY of at least 0.01: change the order’s amount.');
  }
  const payBy = expiresAt ?? context.now + EXPIRY_DEFAULT_MS;
  if (payBy < context.now + EXPIRY_MIN_MS) {
    return problem(
      'refused',
      'The order expires in less than a minute, which WeChat Pay refuses: choose a later expiresAt.',
    );
  }
  const body = JSON.stringify({
    ...payee.value,
    description: [...(description ?? `订单 ${order.orderNo}`)].slice(0, DESCRIPTION_CHARS_MAX).join(''),
    out_trade_no: order.orderNo,
    time_expire: beijingTime(payBy),
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
const beijingTime = (at: number) => `${new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19)}+08:00`;

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
