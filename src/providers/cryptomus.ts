// Cryptomus: crypto invoices, told by callbacks whose signature stands inside the JSON body. The `sign` member is cut
// out of the raw text, so that what is verified is what was sent. Never writes the body anew, never sums coins.
import { z } from 'zod';
import { byStatus } from '../core/acknowledgement.ts';
import type { PaymentEvent, PaymentFact, PaymentStatus, ProviderFlag, RefundState } from '../core/event.ts';
import { parseJsonBody } from '../core/json-body.ts';
import { type Money, parseMoney, plainDecimal } from '../core/money.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import { byStatuses } from '../core/success.ts';
import { equalBytes, fromHex, fromUtf8, toBase64, toHex, utf8 } from '../crypto/bytes.ts';
import { md5 } from '../crypto/md5.ts';
import { write as writeTest } from './cryptomus/test-callback.ts';
import { type Provider, type ProviderProblem, provider, type Translation } from './provider.ts';

const INFO_URL = 'https://api.cryptomus.com/v1/payment/info';

const Credentials = z.strictObject({
  paymentApiKey: z
    .string('paymentApiKey must be text: copy the payment API key.')
    .regex(
      /^[0-9A-Za-z_-]{16,256}$/,
      'paymentApiKey is too short or holds other signs than letters and digits: copy it whole at Settings → API.',
    )
    .meta({
      label: { en: 'Payment API key', zh: '收款 API 密钥' },
      help: {
        en: 'Cryptomus → merchant → Settings → Payment API key. Not the payout API key.',
        zh: 'Cryptomus → 商户 → Settings → Payment API key；不是 payout 密钥。',
      },
      secret: true,
    }),
  merchantId: z
    .guid('merchantId must be the merchant UUID, such as 8b03432e-385b-4670-8d06-064591096795.')
    .optional()
    .meta({
      label: { en: 'Merchant UUID', zh: '商户 UUID' },
      help: {
        en: 'Cryptomus → merchant → Settings → Merchant UUID. Needed to ask about a payment.',
        zh: 'Cryptomus → 商户 → Settings → Merchant UUID；主动查询时需要。',
      },
    }),
});
type Credentials = z.infer<typeof Credentials>;

const Text = z.string().max(256);
const Payment = z.object({
  type: Text.nullish(),
  uuid: z.string().min(1).max(64),
  order_id: z.string().min(1).max(64),
  amount: Text.nullish(),
  currency: Text.nullish(),
  payment_amount: Text.nullish(),
  payment_amount_usd: Text.nullish(),
  payer_currency: Text.nullish(),
  network: Text.nullish(),
  from: Text.nullish(),
  is_final: z.boolean().nullish(),
  additional_data: z.string().max(1_024).nullish().catch(null),
  status: z.string().min(1).max(64),
});
type Payment = z.infer<typeof Payment>;
/** A callback carries no time: when it came is the best there is. */
type Notice = { readonly payment: Payment; readonly at: number };

async function verify(
  { body, receivedAt }: { readonly body: Uint8Array; readonly receivedAt: number },
  { paymentApiKey }: Credentials,
): Promise<Result<Notice, Rejection>> {
  const content = parseJsonBody(body);
  const cut = content === undefined ? null : cutSign(fromUtf8(body) ?? '');
  if (cut === null) return err(reject('signature_invalid', 'The body is no JSON object with one member sign.'));
  const sign = /^[0-9a-f]{32}$/.test(cut.sign) ? fromHex(cut.sign) : null;
  if (sign === null || !equalBytes(sign, signatureOf(cut.signed, paymentApiKey))) {
    return err(reject('signature_invalid', 'sign does not verify: compare paymentApiKey with the merchant settings.'));
  }
  const parsed = Payment.safeParse(content);
  if (parsed.success) return ok({ payment: parsed.data, at: receivedAt });
  const field = parsed.error.issues[0]?.path.join('.') || 'body';
  return err(reject('malformed', `An authentic callback without a readable ${field}.`));
}

/** MD5 of the text in base64, followed by the key (docs: webhook). */
const signatureOf = (text: string, key: string) => md5(utf8(toBase64(utf8(text)) + key));

/** Strings and punctuation; what lies between them is numbers, words and space. Of valid JSON alone. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** The text without its own `sign` member and that member's value; null when it has none, or two. */
function cutSign(text: string): { readonly signed: string; readonly sign: string } | null {
  const tokens = [...text.matchAll(TOKENS)].map((match) => ({ token: match[0], from: match.index }));
  const names: number[] = [];
  let depth = 0;
  for (const [index, { token }] of tokens.entries()) {
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    if (depth !== 1 || !token.startsWith('"') || tokens[index + 1]?.token !== ':') continue;
    if (JSON.parse(token) === 'sign') names.push(index);
  }
  const [name, second] = names;
  if (name === undefined || second !== undefined) return null;
  const [before, start, , value, after] = tokens.slice(name - 1, name + 4);
  if (!before || !start || !value?.token.startsWith('"') || !after) return null;
  const end = value.from + value.token.length;
  // With the comma that joins it to its neighbour: the one before it, or the one behind where it comes first.
  const to = before.token !== ',' && after.token === ',' ? after.from + 1 : end;
  const from = before.token === ',' ? before.from : start.from;
  return { signed: text.slice(0, from) + text.slice(to), sign: String(JSON.parse(value.token)) };
}

type Meaning =
  | { readonly status: PaymentStatus; readonly flags: readonly ProviderFlag[] }
  | { readonly refund: RefundState };

const payment = (status: PaymentStatus, ...flags: ProviderFlag[]): Meaning => ({ status, flags });

// Docs: payment statuses. `locked` is held for money-laundering checks.
const MEANINGS: ReadonlyMap<string, Meaning> = new Map([
  ['process', payment('pending')],
  ['check', payment('pending')],
  ['confirm_check', payment('pending')],
  ['wrong_amount_waiting', payment('pending', 'underpaid')],
  ['locked', payment('pending', 'risk_review')],
  ['paid', payment('succeeded')],
  ['paid_over', payment('succeeded', 'overpaid')],
  ['fail', payment('failed')],
  ['system_fail', payment('failed')],
  ['cancel', payment('closed')],
  ['refund_process', { refund: 'pending' }],
  ['refund_paid', { refund: 'succeeded' }],
  ['refund_fail', { refund: 'failed' }],
]);

/** Less than the price came: over when the invoice is, or the payer may still add to it. */
const meaningOf = ({ status, is_final }: Payment): Meaning | undefined =>
  status === 'wrong_amount' ? payment(is_final === true ? 'failed' : 'pending', 'underpaid') : MEANINGS.get(status);

function translate({ payment: told, at }: Notice): Result<Translation, Rejection> {
  const meaning = told.type === 'payout' ? undefined : meaningOf(told);
  const event = meaning === undefined ? null : eventOf(told, at, meaning);
  const noticeType = `${told.type ?? 'payment'}.${told.status}`.slice(0, 64);
  return ok({ events: event === null ? [] : [event], noticeType, noticeId: told.uuid });
}

/** Null for a refund of something that had no price: how much it was nobody says. */
function eventOf(told: Payment, occurredAt: number, meaning: Meaning): PaymentEvent | null {
  const base = { orderNo: told.order_id, occurredAt, providerState: told.status, test: false };
  const amount = amountOf(told);
  if ('refund' in meaning) {
    // A refund is asked for by the invoice alone, without an amount, so its id is the refund's (docs: refund).
    const refund = { kind: 'refund', refundNo: told.uuid, providerRefundId: null, transactionId: told.uuid } as const;
    return amount === null ? null : { ...base, ...refund, state: meaning.refund, amount };
  }
  return { ...base, ...paymentOf(told), status: meaning.status, amount, ...flagged(meaning.flags) };
}

const flagged = (flags: readonly ProviderFlag[]) => (flags.length > 0 ? { flags } : {});

function paymentOf(told: Payment): Pick<PaymentFact, 'kind' | 'transactionId' | 'method'> & Partial<PaymentFact> {
  const coins = plainDecimal(told.payment_amount ?? '');
  const asset = told.payer_currency;
  const worth = worthOf(told);
  return {
    kind: 'payment',
    transactionId: told.uuid,
    method: 'crypto',
    ...(told.network ? { providerMethod: told.network } : {}),
    ...(worth === null ? {} : { payerAmount: worth }),
    ...(coins !== null && asset ? { received: { amount: coins, asset, network: told.network ?? '' } } : {}),
    ...(told.from ? { payer: { id: told.from, idType: 'address' } } : {}),
    ...(told.additional_data ? { attach: told.additional_data } : {}),
  };
}

/** The invoice's price. A static wallet has none: what came counts by its worth in USD, as Cryptomus tells it. */
const amountOf = (told: Payment): Money | null =>
  told.type === 'wallet' ? worthOf(told) : positive(plainDecimal(told.amount ?? ''), told.currency);

/** What the coins that came are worth. Told with more decimals than money has; less than a cent was not paid. */
const worthOf = ({ payment_amount_usd: usd }: Payment): Money | null =>
  positive(plainDecimal(usd ?? '')?.replace(/(\.\d\d)\d+$/, '$1'), 'USD');

function positive(text: string | null | undefined, currency: string | null | undefined): Money | null {
  const parsed = parseMoney(text ?? '', currency ?? '');
  return parsed.ok && parsed.value.minor > 0 ? parsed.value : null;
}

type Query = NonNullable<Provider<Credentials, Notice>['query']>;
const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

const Info = z.object({
  result: Payment.omit({ status: true }).extend({
    status: Text.nullish(),
    payment_status: Text.nullish(),
    updated_at: z.iso.datetime({ offset: true }).nullish().catch(null),
  }),
});

const query: Query = {
  request: async ({ orderNo, transactionId }, { paymentApiKey, merchantId }) => {
    if (merchantId === undefined) {
      return problem('not_configured', 'merchantId is needed to ask Cryptomus about a payment: add it to the channel.');
    }
    if (orderNo === undefined && transactionId === undefined) {
      return problem('refused', 'Cryptomus knows a payment by its uuid or order_id; neither is known.');
    }
    const body = JSON.stringify(transactionId === undefined ? { order_id: orderNo } : { uuid: transactionId });
    const sign = toHex(signatureOf(body, paymentApiKey));
    const headers = { 'content-type': 'application/json', merchant: merchantId, sign, 'user-agent': 'Tollgate' };
    return ok({ method: 'POST', url: INFO_URL, headers, body });
  },
  read: async ({ status, body }, { orderNo, transactionId }, _credentials, _keys, now) => {
    if (status === 404) return ok({ events: [], noticeType: 'unknown', noticeId: null });
    if (status === 429 || status >= 500) return problem('unavailable', `Cryptomus answered ${status}.`);
    if (status !== 200) return problem('refused', `Cryptomus answered ${status}: check merchantId and paymentApiKey.`);
    const info = Info.safeParse(parseJsonBody(body));
    const told = info.success ? { ...info.data.result, status: statusOf(info.data.result) } : null;
    if (told === null || told.status === '' || (transactionId ?? told.uuid) !== told.uuid) {
      return problem('malformed', 'Cryptomus answered in a form that cannot be read, or about another payment.');
    }
    if (orderNo !== undefined && orderNo !== told.order_id) return problem('malformed', 'Another order was answered.');
    const translation = translate({ payment: told, at: told.updated_at ? Date.parse(told.updated_at) : now });
    return translation.ok ? translation : problem('malformed', translation.error.detail);
  },
};

const statusOf = (told: { readonly status?: string | null | undefined; readonly payment_status?: unknown }): string =>
  told.status || (typeof told.payment_status === 'string' ? told.payment_status : '');

export const cryptomus = provider<Credentials, Notice>({
  id: 'cryptomus',
  name: { en: 'Cryptomus', zh: 'Cryptomus' },
  credentials: Credentials,
  // No deadline is published.
  ackDeadlineMs: 5_000,
  // The one address that callbacks come from (docs: webhook, read 2026-11).
  sourceRanges: ['91.227.144.54/32'],
  // The signature is in the body.
  evidenceHeaders: [],
  // No schedule is published.
  retryScheduleSeconds: [],
  verify,
  translate,
  // Any success is a receipt; no body is asked for.
  acknowledge: byStatus(200),
  readAcknowledgement: byStatuses(200),
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
