// Asks Mollie for a payment with its refunds and chargebacks, and puts the answer into our words. Never makes a call.
import { z } from 'zod';
import type {
  DisputeFact,
  Payer,
  PaymentEvent,
  PaymentFact,
  PaymentStatus,
  RefundFact,
  RefundState,
} from '../../core/event.ts';
import { parseJsonBody, textAt } from '../../core/json-body.ts';
import { type Money, parseMoney } from '../../core/money.ts';
import { err, ok } from '../../core/result.ts';
import type { Provider, ProviderProblem } from '../provider.ts';
import type { Credentials } from './credentials.ts';

const HOST = 'https://api.mollie.com';
const PAYMENT_ID = /^tr_[A-Za-z0-9]{1,64}$/;
/** Leaves time to record what it says before the notice must be answered. */
const ASK_TIMEOUT_MS = 7_000;

const Time = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));
const Word = z.string().max(256);
/** Money in decimals of its own currency; what cannot be read is null and never guessed. */
const Amount = z
  .object({ value: z.string().max(40), currency: z.string().max(8) })
  .transform(({ value, currency }): Money | null => {
    const parsed = parseMoney(value, currency);
    return parsed.ok ? parsed.value : null;
  });

const Refund = z.object({
  id: z.string().min(1).max(64),
  status: Word,
  amount: Amount,
  description: Word.nullish().catch(null),
  createdAt: Time,
});
const Chargeback = z.object({
  id: z.string().min(1).max(64),
  amount: Amount,
  createdAt: Time,
  reversedAt: Time.nullish(),
  reason: z.object({ code: Word.nullish(), description: Word.nullish() }).nullish().catch(null),
});

const Payment = z.object({
  id: z.string(),
  mode: z.enum(['live', 'test']),
  status: z.string().min(1).max(64),
  amount: Amount,
  method: Word.nullish(),
  description: z.string().max(1_024).nullish().catch(null),
  createdAt: Time,
  paidAt: Time.nullish(),
  canceledAt: Time.nullish(),
  expiredAt: Time.nullish(),
  failedAt: Time.nullish(),
  _embedded: z
    .object({
      refunds: z.array(Refund).max(100).nullish(),
      chargebacks: z.array(Chargeback).max(100).nullish(),
    })
    .nullish(),
});
type Payment = z.infer<typeof Payment>;

type Query = NonNullable<Provider<Credentials, unknown>['query']>;
const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

export const query: Query = {
  request: async ({ transactionId }, { apiKey }) => {
    if (transactionId === undefined || !PAYMENT_ID.test(transactionId)) {
      return problem('refused', 'Mollie knows a payment by its id tr_… alone, and none is known for this order.');
    }
    const url = `${HOST}/v2/payments/${transactionId}?embed=refunds,chargebacks`;
    const headers = { accept: 'application/hal+json', authorization: `Bearer ${apiKey}`, 'user-agent': 'Tollgate' };
    return ok({ method: 'GET', url, headers, body: null, timeoutMs: ASK_TIMEOUT_MS });
  },
  read: async ({ status, body }, { transactionId }, credentials, _keys, now) => {
    // Also what belongs to another account: a key sees its own payments alone.
    if (status === 404 || status === 410) {
      return ok({ events: [], unproven: true, noticeType: 'unknown', noticeId: null });
    }
    if (status === 429 || status >= 500) return problem('unavailable', `Mollie answered ${status}.`);
    if (status !== 200) return problem('refused', `Mollie answered ${status}: check apiKey.`);
    const content = parseJsonBody(body);
    const payment = Payment.safeParse(content);
    if (!payment.success || payment.data.id !== transactionId) {
      const field = payment.success ? 'id' : payment.error.issues[0]?.path.join('.');
      return problem('malformed', `Mollie's answer cannot be read at ${field || 'the body'}.`);
    }
    const orderNo = textAt(content, credentials.orderNoPath) || payment.data.id;
    if (orderNo.length > 64) return problem('malformed', `${credentials.orderNoPath} is longer than 64 characters.`);
    const events = eventsOf(payment.data, orderNo, content, now);
    return ok({ events, noticeType: `payment.${payment.data.status}`, noticeId: null });
  },
};

/** The payment itself and everything that became of it; what is known already is a duplicate. */
function eventsOf(payment: Payment, orderNo: string, content: unknown, now: number): PaymentEvent[] {
  const base = { orderNo, test: payment.mode === 'test', transactionId: payment.id };
  const fact = paymentOf(payment, base, content);
  const { refunds, chargebacks } = payment._embedded ?? {};
  return [
    ...(fact === null ? [] : [fact]),
    ...(refunds ?? []).flatMap((refund) => refundOf(refund, base, now) ?? []),
    ...(chargebacks ?? []).map((chargeback) => disputeOf(chargeback, base)),
  ];
}

type Base = { readonly orderNo: string; readonly test: boolean; readonly transactionId: string };

// Authorised is not paid (docs: payment status).
const STATUSES: ReadonlyMap<string, PaymentStatus> = new Map([
  ['open', 'pending'],
  ['pending', 'pending'],
  ['authorized', 'pending'],
  ['paid', 'succeeded'],
  ['canceled', 'closed'],
  ['expired', 'closed'],
  ['failed', 'failed'],
]);

const METHODS: readonly (readonly [RegExp, string])[] = [
  [/^creditcard$/, 'card'],
  [/^(?:paypal|applepay|googlepay|mobilepay|swish|satispay|twint|mbway|vipps|alipay|wechatpay|paysafecard)$/, 'wallet'],
  [/^(?:ideal|bancontact|banktransfer|eps|giropay|kbc|belfius|trustly|blik)$/, 'bank_transfer'],
  [/^(?:multibanco|przelewy24|payconiq|sofort|paybybank)$/, 'bank_transfer'],
  [/^(?:directdebit|bacs)$/, 'bank_debit'],
  [/^(?:klarna\w*|in3|riverty|billie|alma)$/, 'pay_later'],
  [/^(?:giftcard|voucher)$/, 'gift_card'],
];

/** Null in a state that nobody documents. */
function paymentOf(payment: Payment, base: Base, content: unknown): PaymentFact | null {
  const status = STATUSES.get(payment.status);
  if (status === undefined) return null;
  const at = { pending: null, succeeded: payment.paidAt, failed: payment.failedAt, closed: closedAt(payment) }[status];
  const method = METHODS.find(([pattern]) => pattern.test(payment.method ?? ''))?.[1];
  const bank = textAt(content, 'details.consumerBic');
  const payer = payerOf(content);
  return {
    ...base,
    kind: 'payment',
    occurredAt: at ?? payment.createdAt,
    providerState: payment.status,
    status,
    amount: payment.amount,
    ...(method === undefined ? {} : { method }),
    ...(payment.method ? { providerMethod: payment.method } : {}),
    ...(bank ? { bank } : {}),
    ...(payer === null ? {} : { payer }),
    ...(payment.description ? { attach: payment.description } : {}),
  };
}

const closedAt = ({ canceledAt, expiredAt }: Payment) => canceledAt ?? expiredAt;

function payerOf(content: unknown): Payer | null {
  const first = (...paths: string[]) => paths.map((path) => textAt(content, path)).find((text) => text);
  const id = textAt(content, 'customerId') ?? textAt(content, 'details.paypalPayerId');
  const account = first('details.consumerAccount', 'details.cardNumber');
  const name = first('details.consumerName', 'details.cardHolder');
  const idType = id?.startsWith('cst_') ? 'mollie_customer' : 'paypal_payer';
  const payer = { ...(id ? { id, idType } : {}), ...(account ? { account } : {}), ...(name ? { name } : {}) };
  return Object.keys(payer).length > 0 ? payer : null;
}

const REFUND_STATES: ReadonlyMap<string, RefundState> = new Map([
  ['queued', 'pending'],
  ['pending', 'pending'],
  ['processing', 'pending'],
  ['refunded', 'succeeded'],
  ['failed', 'failed'],
  ['canceled', 'failed'],
]);

/** Null in a state that nobody documents, or without an amount that can be read. */
function refundOf(refund: z.infer<typeof Refund>, base: Base, now: number): RefundFact | null {
  const state = REFUND_STATES.get(refund.status);
  if (state === undefined || refund.amount === null) return null;
  return {
    ...base,
    kind: 'refund',
    // Only the making of a refund has a time. One that failed may have succeeded before, and is the later word.
    occurredAt: state === 'failed' ? now : refund.createdAt,
    providerState: refund.status,
    state,
    refundNo: refund.id,
    providerRefundId: refund.id,
    amount: refund.amount,
    ...(refund.description ? { reason: refund.description } : {}),
  };
}

/** The money is gone with the chargeback, and back when it was reversed. */
function disputeOf(chargeback: z.infer<typeof Chargeback>, { orderNo, test }: Base): DisputeFact {
  const { id, amount, createdAt, reversedAt, reason } = chargeback;
  const isReversed = reversedAt != null;
  const words = reason?.description || reason?.code;
  return {
    kind: 'dispute',
    orderNo,
    test,
    occurredAt: reversedAt ?? createdAt,
    providerState: isReversed ? 'chargeback reversed' : 'chargeback',
    disputeId: id,
    state: isReversed ? 'won' : 'open',
    amount,
    ...(words ? { reason: words } : {}),
  };
}
