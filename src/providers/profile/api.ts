// What a channel's templates can ask its provider: payments, orders, closing, refunds. Present for the dialect, and
// `not_configured` for a channel without the template. Makes no call.
import { printMoney } from '../../core/money.ts';
import { err, type Result } from '../../core/result.ts';
import type { Provider, ProviderProblem, RequestContext } from '../provider.ts';
import { readClose, readPay, readQuery, readRefund, readRefundQuery } from './answer.ts';
import type { Mapping } from './mapping-schema.ts';
import type { Notice, SigningKeys } from './signature.ts';
import { requestOf, type Values } from './template.ts';
import type { Template, TemplateName, Templates } from './template-schema.ts';

export type Asking = Mapping & Templates & { readonly apiKey?: string | undefined };

/** How long a payer has when the merchant did not say. */
const EXPIRY_DEFAULT_MS = 30 * 60_000;

const notConfigured = (name: TemplateName): Result<never, ProviderProblem> =>
  err({ code: 'not_configured', detail: `The channel has no ${name} template: add one under ${name}.` });

const isOurs = (template: Template | undefined): template is Template => template !== undefined;

function shared({ apiKey, merchantIds }: Asking): Values {
  return { apiKey: apiKey ?? null, merchantId: merchantIds[0] ?? null };
}

/** `keysOf`: what a channel of this dialect signs its requests with. */
export function capabilitiesOf<C extends Asking>(
  keysOf: (credentials: C) => SigningKeys,
): Required<Pick<Provider<C, Notice>, 'query' | 'pay' | 'close' | 'refund'>> {
  const ask = async (name: TemplateName, values: Values, credentials: C, context: RequestContext) => {
    const template = credentials[name];
    if (!isOurs(template)) return notConfigured(name);
    return requestOf(template, { ...shared(credentials), ...values }, keysOf(credentials), context);
  };
  return {
    query: {
      request: ({ orderNo = null, transactionId = null, refundNo }, credentials, context) =>
        refundNo === undefined
          ? ask('query', { orderNo, transactionId }, credentials, context)
          : ask('refundQuery', { orderNo, transactionId, refundNo }, credentials, context),
      read: async (answer, { refundNo, ...target }, credentials, _keys, now) => {
        const { query, refundQuery } = credentials;
        if (refundNo === undefined) {
          return isOurs(query) ? readQuery(answer, target, query, credentials, now) : notConfigured('query');
        }
        return isOurs(refundQuery)
          ? readRefundQuery(answer, { ...target, refundNo }, refundQuery, credentials, now)
          : notConfigured('refundQuery');
      },
    },
    pay: {
      request: ({ orderNo, registration, notifyUrl }, credentials, context) => {
        const { amount, description, expiresAt } = registration;
        const payBy = expiresAt ?? context.now + EXPIRY_DEFAULT_MS;
        const values = {
          ...{ orderNo, notifyUrl, currency: amount.currency, description: description ?? orderNo },
          ...{ amount: printMoney(amount), amountMinor: String(amount.minor) },
          ...{ expiresAt: new Date(payBy).toISOString(), expiresAtSeconds: String(Math.floor(payBy / 1_000)) },
        };
        return ask('pay', values, credentials, context);
      },
      read: async (answer, credentials, _keys, now, expiresAt = null) =>
        isOurs(credentials.pay) ? readPay(answer, credentials.pay, now, expiresAt) : notConfigured('pay'),
    },
    close: {
      request: ({ orderNo }, credentials, context) => ask('close', { orderNo }, credentials, context),
      read: async (answer, { close, ...credentials }) =>
        close === undefined ? notConfigured('close') : readClose(answer, close, credentials),
    },
    refund: {
      request: (refund, credentials, context) => {
        const { orderNo, transactionId, refundNo, amount, paid, reason, notifyUrl } = refund;
        const values = {
          ...{ orderNo, transactionId, refundNo, reason, notifyUrl, currency: amount.currency },
          ...{ refundAmount: printMoney(amount), refundAmountMinor: String(amount.minor) },
          ...{ amount: printMoney(paid), amountMinor: String(paid.minor) },
        };
        return ask('refund', values, credentials, context);
      },
      read: async (answer, refund, credentials, _keys, now) =>
        isOurs(credentials.refund)
          ? readRefund(answer, refund, credentials.refund, credentials, now)
          : notConfigured('refund'),
    },
  };
}
