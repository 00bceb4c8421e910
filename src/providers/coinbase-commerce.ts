// Coinbase Commerce: crypto charges, told by webhooks signed over their raw bytes. Counts the charge's local price and
// shows what arrived on the chain. Never sums coins, never takes a charge for paid before it is confirmed.
import { z } from 'zod';
import { byStatus } from '../core/acknowledgement.ts';
import type { PaymentFact, PaymentStatus, ProviderFlag, Received } from '../core/event.ts';
import { DOTTED_PATH, parseJsonBody, textAt } from '../core/json-body.ts';
import { type Money, parseMoney } from '../core/money.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import { byStatuses } from '../core/success.ts';
import { concat, fromHex, utf8 } from '../crypto/bytes.ts';
import { verifyHmac } from '../crypto/hmac.ts';
import { write as writeTest } from './coinbase-commerce/test-callback.ts';
import { type Provider, type ProviderProblem, provider, type Translation } from './provider.ts';

const SIGNATURE = 'x-cc-webhook-signature';
const HOST = 'https://api.commerce.coinbase.com';
const ATTACH_CHARS_MAX = 1_024;

const Credentials = z.strictObject({
  sharedSecret: z
    .string('sharedSecret must be text: copy the webhook shared secret.')
    .regex(
      /^[\x21-\x7e]{16,256}$/,
      'sharedSecret is too short or holds spaces: copy it whole at Settings → Notifications → Show shared secret.',
    )
    .meta({
      label: { en: 'Webhook shared secret', zh: 'Webhook 共享密钥' },
      help: {
        en: 'Coinbase Commerce → Settings → Notifications → Webhook subscriptions → Show shared secret.',
        zh: 'Coinbase Commerce → Settings → Notifications → Webhook subscriptions → Show shared secret，完整复制。',
      },
      secret: true,
    }),
  apiKey: z
    .string('apiKey must be text: copy the API key.')
    .regex(
      /^[\x21-\x7e]{16,256}$/,
      'apiKey is too short or holds spaces: copy it whole at Settings → Security → API keys.',
    )
    .optional()
    .meta({
      label: { en: 'API key', zh: 'API 密钥' },
      help: {
        en: 'Coinbase Commerce → Settings → Security → New API key. Needed only to ask about a charge.',
        zh: 'Coinbase Commerce → Settings → Security → New API key。仅在主动查询时需要。',
      },
      secret: true,
    }),
  orderNoPath: z
    .string('orderNoPath must be text: a path such as metadata.order_id.')
    .regex(DOTTED_PATH, 'orderNoPath must be names joined by dots, such as metadata.order_id.')
    .default('metadata.order_id')
    .meta({
      label: { en: 'Path of the order number', zh: '商户订单号的位置' },
      help: {
        en: 'Where a charge holds your order number. A charge without one is known by its code.',
        zh: 'charge 中商户订单号的位置；没有该字段的 charge 以其 code 作为订单号。',
      },
    }),
});
type Credentials = z.infer<typeof Credentials>;

const Text = z.string().max(256);
const Time = z.iso.datetime({ offset: true });
const Price = z.object({ amount: z.string().max(40), currency: Text });

/** An authentic webhook: the event in Coinbase Commerce's words, its data unread. */
const Notice = z.object({
  event: z.object({
    id: z.string().min(1).max(128),
    type: z.string().min(1).max(64),
    created_at: Time,
    data: z.unknown().optional(),
  }),
});
type Notice = z.infer<typeof Notice>['event'];

const Entry = z.object({ status: z.string().max(64), context: Text.nullish(), time: Time.nullish() });
const Charge = z.object({
  id: Text.nullish(),
  code: z.string().min(1).max(64),
  pricing: z.object({ local: Price.nullish() }).nullish(),
  metadata: z.unknown().optional(),
  timeline: z.array(Entry).max(1_000).nullish(),
  payments: z.array(z.unknown()).max(1_000).nullish(),
});
type Charge = z.infer<typeof Charge>;

/** Older charges name the address and chain otherwise; whatever is missing is left out. */
const Payment = z.object({
  network: Text.nullish(),
  status: Text.nullish(),
  detected_at: Time.nullish(),
  value: z.object({ local: Price.nullish(), crypto: Price.nullish() }).nullish(),
  payer_addresses: z.array(Text).nullish(),
});
type Payment = z.infer<typeof Payment>;

async function verify(
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
  { sharedSecret }: Credentials,
): Promise<Result<Notice, Rejection>> {
  const header = headers[SIGNATURE]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', 'The header X-CC-Webhook-Signature is missing or blank.'));
  const signature = fromHex(header);
  if (signature === null || !(await verifyHmac('SHA-256', utf8(sharedSecret), signature, concat(body)))) {
    return err(
      reject('signature_invalid', 'X-CC-Webhook-Signature does not verify: compare sharedSecret with the dashboard.'),
    );
  }
  const notice = Notice.safeParse(parseJsonBody(body));
  if (notice.success) return ok(notice.data.event);
  return err(reject('malformed', `An authentic webhook without a readable ${fieldOf(notice.error)}.`));
}

const fieldOf = (error: z.ZodError) => error.issues[0]?.path.join('.') || 'body';

// charge:pending says that the payment was seen; only confirmed and resolved are final (docs: webhook fields).
const STATUSES: ReadonlyMap<string, PaymentStatus> = new Map([
  ['charge:created', 'pending'],
  ['charge:pending', 'pending'],
  ['charge:confirmed', 'succeeded'],
  ['charge:resolved', 'succeeded'],
  ['charge:delayed', 'pending'],
  ['charge:failed', 'closed'],
]);

function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { id: noticeId, type: noticeType } = notice;
  const told = STATUSES.get(noticeType);
  if (told === undefined) return ok({ events: [], noticeType, noticeId });
  const parsed = Charge.safeParse(notice.data);
  if (!parsed.success) {
    return err(reject('malformed', `An authentic ${noticeType} webhook without a readable ${fieldOf(parsed.error)}.`));
  }
  const charge = parsed.data;
  const orderNo = textAt(notice.data, credentials.orderNoPath) || charge.code;
  if (orderNo.length > 64) {
    const { orderNoPath } = credentials;
    return err(reject('malformed', `${orderNoPath} of charge ${charge.code} is longer than 64 characters.`));
  }
  const flags = flagsOf(charge, noticeType);
  // Money that came and was not enough: not closed, a person decides. It is charge:resolved when they did.
  const status = told === 'closed' && lastOf(charge)?.status === 'UNRESOLVED' ? 'pending' : told;
  return ok({ events: [factOf(notice, charge, orderNo, status, flags)], noticeType, noticeId });
}

function factOf(
  notice: Notice,
  charge: Charge,
  orderNo: string,
  status: PaymentStatus,
  flags: readonly ProviderFlag[],
): PaymentFact {
  const payments = paymentsOf(charge);
  const payment = payments.findLast((one) => one.status?.toUpperCase() !== 'PENDING') ?? payments.at(-1);
  const received = payment && receivedOf(payment);
  const payer = payment?.payer_addresses?.[0];
  const paidAt = charge.timeline?.find((entry) => entry.status === 'PENDING')?.time ?? payment?.detected_at;
  const attach = charge.metadata == null ? '' : JSON.stringify(charge.metadata);
  return {
    kind: 'payment',
    orderNo,
    // A payment counts from when it was seen: confirmations take their time, and the payer is not late for them.
    occurredAt: Date.parse((status === 'succeeded' ? paidAt : null) ?? notice.created_at),
    providerState: lastOf(charge)?.status ?? notice.type,
    test: false,
    status,
    transactionId: charge.code,
    amount: amountOf(charge, payments),
    method: 'crypto',
    ...(payment?.network ? { providerMethod: payment.network } : {}),
    ...(received ? { received } : {}),
    ...(payer ? { payer: { id: payer, idType: 'address' } } : {}),
    ...(attach.length > 2 && attach.length <= ATTACH_CHARS_MAX ? { attach } : {}),
    ...(flags.length > 0 ? { flags } : {}),
  };
}

const lastOf = (charge: Charge) => charge.timeline?.at(-1);

// What a charge was unresolved for stays in its timeline, also when it was resolved.
function flagsOf({ timeline }: Charge, noticeType: string): ProviderFlag[] {
  const unresolved = (timeline ?? []).filter((entry) => entry.status === 'UNRESOLVED');
  const flags = unresolved.map(({ context }): ProviderFlag => {
    if (context === 'UNDERPAID') return 'underpaid';
    if (context === 'OVERPAID') return 'overpaid';
    return context === 'DELAYED' ? 'late_payment' : 'risk_review';
  });
  if (noticeType === 'charge:delayed' && flags.length === 0) flags.push('late_payment');
  return [...new Set(flags)];
}

// Payments explain a charge and do not make it: one that cannot be read must not cost the charge.
const paymentsOf = ({ payments }: Charge): Payment[] =>
  (payments ?? []).flatMap((payment) => {
    const { success, data } = Payment.safeParse(payment);
    return success ? [data] : [];
  });

/** The price that the merchant set; of a charge without one, what its only payment was worth. Null: unreadable. */
function amountOf({ pricing }: Charge, payments: readonly Payment[]): Money | null {
  const [only, ...others] = payments;
  const price = pricing?.local ?? (others.length === 0 ? only?.value?.local : null);
  const amount = price ? parseMoney(price.amount, price.currency) : null;
  return amount?.ok ? amount.value : null;
}

function receivedOf({ value, network }: Payment): Received | null {
  const coins = value?.crypto;
  return coins ? { amount: coins.amount, asset: coins.currency, network: network ?? '' } : null;
}

// A charge that is asked for has no event type: its last state stands for the webhook that told of it.
const TYPES: ReadonlyMap<string, string> = new Map([
  ['NEW', 'charge:created'],
  ['SIGNED', 'charge:pending'], // signed by the payer, not yet on the chain
  ['PENDING', 'charge:pending'],
  ['COMPLETED', 'charge:confirmed'],
  ['RESOLVED', 'charge:resolved'],
  ['UNRESOLVED', 'charge:failed'],
  ['EXPIRED', 'charge:failed'],
  ['CANCELED', 'charge:failed'],
  ['FAILED', 'charge:failed'],
]);

type Query = NonNullable<Provider<Credentials, Notice>['query']>;
const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** `reference` or `transactionId` is the code or the id of a charge; so is the order number of one without metadata. */
const askedOf = ({ reference, transactionId, orderNo = '' }: Parameters<Query['request']>[0]) =>
  reference ?? transactionId ?? (/^[A-Z0-9]{8}$/.test(orderNo) ? orderNo : '');

const query: Query = {
  request: async (target, { apiKey }) => {
    if (apiKey === undefined) {
      return problem(
        'not_configured',
        'apiKey is needed to ask Coinbase Commerce about a charge: add it to the channel.',
      );
    }
    const asked = askedOf(target);
    if (!/^[A-Za-z0-9-]{4,64}$/.test(asked)) {
      return problem('refused', 'Coinbase Commerce knows a charge by its code or id: give one as transactionId.');
    }
    const headers = { accept: 'application/json', 'x-cc-api-key': apiKey, 'x-cc-version': '2018-03-22' };
    return ok({ method: 'GET', url: `${HOST}/charges/${asked}`, headers, body: null });
  },
  read: async ({ status, body }, target, credentials, _keys, now) => {
    if (status === 404) return ok({ events: [], noticeType: 'unknown', noticeId: null });
    if (status === 429 || status >= 500) return problem('unavailable', `Coinbase Commerce answered ${status}.`);
    if (status !== 200) return problem('refused', `Coinbase Commerce answered ${status}: check apiKey.`);
    const { data } = z.object({ data: z.unknown() }).safeParse(parseJsonBody(body)).data ?? {};
    const charge = Charge.safeParse(data).data;
    const last = charge && lastOf(charge);
    if (!charge || !last || ![charge.code, charge.id].includes(askedOf(target))) {
      return problem('malformed', 'Coinbase Commerce answered in a form that cannot be read, or about another charge.');
    }
    const type = TYPES.get(last.status) ?? `charge ${last.status}`;
    const notice = { id: charge.code, type, created_at: last.time ?? new Date(now).toISOString(), data };
    const translation = translate(notice, credentials);
    return translation.ok ? translation : problem('malformed', translation.error.detail);
  },
};

export const coinbaseCommerce = provider<Credentials, Notice>({
  id: 'coinbase-commerce',
  name: { en: 'Coinbase Commerce', zh: 'Coinbase Commerce' },
  credentials: Credentials,
  // No deadline is published.
  ackDeadlineMs: 5_000,
  // No source addresses are published (read 2026-11).
  sourceRanges: [],
  evidenceHeaders: [SIGNATURE],
  // Exponential backoff for three days, at most an hour apart (docs: webhooks overview); its first steps are a guess.
  retryScheduleSeconds: [60, 120, 240, 480, 960, 1_920, ...Array.from({ length: 71 }, () => 3_600)],
  verify,
  translate,
  // 200 alone is a receipt; anything else is tried again for three days (docs: webhooks overview).
  acknowledge: byStatus(200),
  readAcknowledgement: byStatuses(200),
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
