// NOWPayments: crypto payments, told by notices whose signature covers the JSON with its members sorted. Numbers stay
// as they were written, in the signature and in amounts. Counts the price, shows the coins, and never sums them.
import { z } from 'zod';
import { byStatus } from '../core/acknowledgement.ts';
import type { PaymentEvent, PaymentFact, PaymentStatus, ProviderFlag } from '../core/event.ts';
import { type Money, parseMoney, plainDecimal } from '../core/money.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import { byStatuses } from '../core/success.ts';
import { parseWritten, WrittenNumber } from '../core/written-json.ts';
import { fromHex, utf8 } from '../crypto/bytes.ts';
import { verifyHmac } from '../crypto/hmac.ts';
import { write as writeTest } from './nowpayments/test-callback.ts';
import { type Provider, type ProviderProblem, provider, type Translation } from './provider.ts';

const SIGNATURE = 'x-nowpayments-sig';
const HOST = 'https://api.nowpayments.io';
/** Notices nest one level. */
const DEPTH_MAX = 16;

const Credentials = z.strictObject({
  ipnSecret: z
    .string('ipnSecret must be text: copy the IPN secret key.')
    .regex(
      /^[\x21-\x7e]{16,256}$/,
      'ipnSecret is too short or holds spaces: copy it whole at Settings → Payments → Instant payment notifications.',
    )
    .meta({
      label: { en: 'IPN secret key', zh: 'IPN 密钥' },
      help: {
        en: 'NOWPayments → Settings → Payments → Instant payment notifications. It is shown once, when it is made.',
        zh: 'NOWPayments → Settings → Payments → Instant payment notifications；仅在生成时显示一次。',
      },
      secret: true,
    }),
  apiKey: z
    .string('apiKey must be text: copy the API key.')
    .regex(/^[\x21-\x7e]{16,128}$/, 'apiKey is too short or holds spaces: copy it whole at Settings → API keys.')
    .optional()
    .meta({
      label: { en: 'API key', zh: 'API 密钥' },
      help: {
        en: 'NOWPayments → Settings → API keys. Needed to ask about a payment.',
        zh: 'NOWPayments → Settings → API keys；主动查询时需要。',
      },
      secret: true,
    }),
});
type Credentials = z.infer<typeof Credentials>;

/** Ids and amounts come as numbers or as texts; either way as they were written. */
const Text = z.union([z.string().max(256), z.instanceof(WrittenNumber).transform(({ text }) => text)]);
const Time = z.iso.datetime({ offset: true });

const Payment = z.object({
  payment_id: Text.refine((id) => /^\w{1,64}$/.test(id)),
  parent_payment_id: Text.nullish(),
  payment_status: z.string().min(1).max(64),
  price_amount: Text.nullish(),
  price_currency: Text.nullish(),
  pay_amount: Text.nullish(),
  actually_paid: Text.nullish(),
  pay_currency: Text.nullish(),
  network: Text.nullish(),
  order_id: Text.nullish(),
  order_description: z.string().max(1_024).nullish().catch(null),
  updated_at: Time.nullish().catch(null),
});
type Payment = z.infer<typeof Payment>;
/** Notices carry no time of their own: when one came is the best there is. */
type Notice = { readonly payment: Payment | null; readonly at: number };

type Arrival = {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly receivedAt: number;
};

async function verify(
  { headers, body, receivedAt }: Arrival,
  { ipnSecret }: Credentials,
): Promise<Result<Notice, Rejection>> {
  const header = headers[SIGNATURE]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', 'The header x-nowpayments-sig is missing or blank.'));
  const content = parseWritten(body);
  const signature = fromHex(header);
  if (signature === null || !(await isSigned(content, signature, ipnSecret))) {
    return err(reject('signature_invalid', 'x-nowpayments-sig does not verify: compare ipnSecret with the dashboard.'));
  }
  // Payouts and custody have notices of their own, without a payment_id.
  const isPayment = typeof content === 'object' && content !== null && Object.hasOwn(content, 'payment_id');
  if (!isPayment) return ok({ payment: null, at: receivedAt });
  const parsed = Payment.safeParse(content);
  if (parsed.success) return ok({ payment: parsed.data, at: receivedAt });
  return err(reject('malformed', `An authentic notice without a readable ${fieldOf(parsed.error)}.`));
}

const fieldOf = (error: z.ZodError) => error.issues[0]?.path.join('.') || 'body';

/** The documents' own sorting makes objects of lists; their Python example leaves them lists. Both are the content. */
async function isSigned(content: unknown, signature: Uint8Array, secret: string): Promise<boolean> {
  const forms = new Set([sorted(content, false), sorted(content, true)]);
  for (const form of forms) {
    if (form !== null && (await verifyHmac('SHA-512', utf8(secret), signature, utf8(form)))) return true;
  }
  return false;
}

/** Compact JSON, the members of each object in the order of their names. Null for what is no object, or too deep. */
function sorted(content: unknown, listsAreObjects: boolean): string | null {
  const isNoObject = Array.isArray(content) || content instanceof WrittenNumber;
  if (typeof content !== 'object' || content === null || isNoObject) return null;
  const write = (value: unknown, depthLeft: number): string => {
    if (value instanceof WrittenNumber) return value.text;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    if (depthLeft === 0) throw new RangeError('nested too deeply');
    if (Array.isArray(value) && !listsAreObjects) return `[${value.map((one) => write(one, depthLeft - 1)).join()}]`;
    const members = Object.entries(value);
    if (!Array.isArray(value)) members.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${write(one, depthLeft - 1)}`).join()}}`;
  };
  try {
    return write(content, DEPTH_MAX);
  } catch {
    return null; // nested too deeply: an expected form of hostile input
  }
}

const STATUSES: ReadonlyMap<string, PaymentStatus> = new Map([
  ['waiting', 'pending'],
  ['confirming', 'pending'],
  ['confirmed', 'pending'],
  ['sending', 'pending'],
  ['partially_paid', 'pending'],
  ['finished', 'succeeded'],
  ['failed', 'failed'],
  ['expired', 'closed'],
]);

function translate({ payment, at }: Notice): Result<Translation, Rejection> {
  if (payment === null) return ok({ events: [], noticeType: 'other', noticeId: null });
  const about = { noticeType: `payment.${payment.payment_status}`, noticeId: payment.payment_id };
  const orderNo = payment.order_id || payment.payment_id;
  if (orderNo.length > 64) {
    return err(reject('malformed', `order_id of payment ${payment.payment_id} is longer than 64 characters.`));
  }
  const event = eventOf(payment, orderNo, payment.updated_at ? Date.parse(payment.updated_at) : at);
  return ok({ events: event === null ? [] : [event], ...about });
}

/** Null for states that nobody documents, and for a refund of what had no price in a currency. */
function eventOf(payment: Payment, orderNo: string, occurredAt: number): PaymentEvent | null {
  const providerState = payment.payment_status;
  const base = { orderNo, occurredAt, providerState, test: false, transactionId: payment.payment_id };
  const amount = amountOf(payment);
  if (providerState === 'refunded') {
    const refund = {
      kind: 'refund',
      state: 'succeeded',
      refundNo: payment.payment_id,
      providerRefundId: null,
    } as const;
    return amount === null ? null : { ...base, ...refund, amount };
  }
  const status = STATUSES.get(providerState);
  return status === undefined ? null : { ...base, kind: 'payment', status, amount, ...detailsOf(payment) };
}

function detailsOf(payment: Payment): Partial<PaymentFact> {
  const coins = plainDecimal(payment.actually_paid ?? '');
  const { pay_currency: asset, network, order_description: attach } = payment;
  const isReceived = coins !== null && /[1-9]/.test(coins) && asset;
  const flags = flagsOf(payment);
  return {
    method: 'crypto',
    ...(asset ? { providerMethod: asset } : {}),
    ...(isReceived ? { received: { amount: coins, asset, network: network ?? '' } } : {}),
    ...(attach ? { attach } : {}),
    ...(flags.length > 0 ? { flags } : {}),
  };
}

/** `finished` also ends payments that a merchant's own tolerance covered: less came than was asked for. */
function flagsOf({ payment_status: state, parent_payment_id, pay_amount, actually_paid }: Payment): ProviderFlag[] {
  const flags: ProviderFlag[] = [];
  const isLess = state === 'finished' && isLessThan(actually_paid ?? '', pay_amount ?? '');
  if (state === 'partially_paid' || isLess) flags.push('underpaid');
  // Sent again to the address of an earlier payment: its price says nothing about it.
  if (parent_payment_id && state !== 'waiting') flags.push('risk_review');
  return flags;
}

/** By their digits. False where one of them is not told. */
function isLessThan(a: string, b: string): boolean {
  const [left, right] = [plainDecimal(a), plainDecimal(b)];
  if (left === null || right === null) return false;
  const decimals = Math.max(...[left, right].map((text) => (text.split('.')[1] ?? '').length));
  const units = (text: string) => {
    const [whole = '', fraction = ''] = text.split('.');
    return BigInt(whole + fraction.padEnd(decimals, '0'));
  };
  return units(left) < units(right);
}

/** The price that was set; null in coins that no amount of ours can hold. */
function amountOf({ price_amount, price_currency }: Payment): Money | null {
  const parsed = parseMoney(plainDecimal(price_amount ?? '') ?? '', (price_currency ?? '').toUpperCase());
  return parsed.ok && parsed.value.minor > 0 ? parsed.value : null;
}

type Query = NonNullable<Provider<Credentials, Notice>['query']>;
const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

const query: Query = {
  request: async ({ transactionId }, { apiKey }) => {
    if (apiKey === undefined) {
      return problem('not_configured', 'apiKey is needed to ask NOWPayments about a payment: add it to the channel.');
    }
    if (transactionId === undefined || !/^\w{1,64}$/.test(transactionId)) {
      return problem(
        'refused',
        'NOWPayments knows a payment by its payment_id alone, and none is known for this order.',
      );
    }
    const headers = { accept: 'application/json', 'x-api-key': apiKey, 'user-agent': 'Tollgate' };
    return ok({ method: 'GET', url: `${HOST}/v1/payment/${transactionId}`, headers, body: null });
  },
  read: async ({ status, body }, { transactionId }, _credentials, _keys, now) => {
    if (status === 404) return ok({ events: [], noticeType: 'unknown', noticeId: null });
    if (status === 429 || status >= 500) return problem('unavailable', `NOWPayments answered ${status}.`);
    if (status !== 200) return problem('refused', `NOWPayments answered ${status}: check apiKey.`);
    const payment = Payment.safeParse(parseWritten(body));
    if (!payment.success || payment.data.payment_id !== transactionId) {
      return problem('malformed', 'NOWPayments answered in a form that cannot be read, or about another payment.');
    }
    const translation = translate({ payment: payment.data, at: now });
    return translation.ok ? translation : problem('malformed', translation.error.detail);
  },
};

export const nowpayments = provider<Credentials, Notice>({
  id: 'nowpayments',
  name: { en: 'NOWPayments', zh: 'NOWPayments' },
  credentials: Credentials,
  // NOWPayments waits 3 s (help: IPN and how to setup).
  ackDeadlineMs: 2_500,
  // Help: IPN and how to setup (read 2026-11).
  sourceRanges: ['51.89.194.21/32', '51.75.77.69/32', '138.201.172.58/32', '65.21.158.36/32'],
  evidenceHeaders: [SIGNATURE],
  // The merchant sets number and wait in the dashboard; the documents' example is three, a minute apart.
  retryScheduleSeconds: [60, 60, 60],
  verify,
  translate,
  // A success is a receipt; no body is asked for.
  acknowledge: byStatus(200),
  readAcknowledgement: byStatuses(200),
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
