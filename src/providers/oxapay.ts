// OxaPay: crypto invoices, told by callbacks signed over their raw bytes with the merchant API key. Reads today's form
// and the legacy one. Counts the invoice's price, shows what arrived on the chain, and never sums coins.
import { z } from 'zod';
import type { Acknowledgement, Answer } from '../core/acknowledgement.ts';
import type { PaymentFact, PaymentStatus, ProviderFlag, Received } from '../core/event.ts';
import { type Money, parseMoney, plainDecimal } from '../core/money.ts';
import { type Rejection, reject, wireOf } from '../core/rejection.ts';
import { err, ok, type Result, unreachable } from '../core/result.ts';
import { byWord } from '../core/success.ts';
import { parseWritten, WrittenNumber } from '../core/written-json.ts';
import { concat, fromHex, utf8 } from '../crypto/bytes.ts';
import { verifyHmac } from '../crypto/hmac.ts';
import { write as writeTest } from './oxapay/test-callback.ts';
import { type Provider, type ProviderProblem, provider, type Translation } from './provider.ts';

const SIGNATURE = 'hmac';
const HOST = 'https://api.oxapay.com';

const Credentials = z.strictObject({
  merchantApiKey: z
    .string('merchantApiKey must be text: copy the merchant API key.')
    .regex(
      /^[0-9A-Za-z-]{16,128}$/,
      'merchantApiKey has the wrong form: it is groups of letters and digits such as XXXXXX-XXXXXX-XXXXXX-XXXXXX. ' +
        'The legacy word “sandbox” is no key, because anybody can sign with it.',
    )
    .meta({
      label: { en: 'Merchant API key', zh: '商户 API 密钥' },
      help: {
        en: 'OxaPay → Merchant Service → Merchant API keys. Not the payout API key, nor the general one.',
        zh: 'OxaPay → Merchant Service → Merchant API keys；不是 payout 或 general 密钥。',
      },
      secret: true,
    }),
});
type Credentials = z.infer<typeof Credentials>;

/** Numbers come as numbers or as texts; either way as they were written. */
const Text = z.union([z.string().max(256), z.instanceof(WrittenNumber).transform(({ text }) => text)]);
const Seconds = Text.pipe(z.string().regex(/^\d{1,11}$/)).transform((text) => Number(text) * 1000);

const Tx = z.object({
  status: Text.nullish(),
  tx_hash: Text.nullish(),
  received_amount: Text.nullish(),
  sent_amount: Text.nullish(),
  currency: Text.nullish(),
  network: Text.nullish(),
  sender_address: Text.nullish(),
  date: Seconds.nullish().catch(null),
});
type Tx = z.infer<typeof Tx>;

/** One shape for both forms: legacy names are camel-cased, and one transaction stands in the invoice itself. */
const Invoice = z.object({
  type: Text.nullish(),
  status: Text,
  track_id: Text.nullish(),
  trackId: Text.nullish(),
  order_id: Text.nullish(),
  orderId: Text.nullish(),
  amount: Text.nullish(),
  currency: Text.nullish(),
  email: Text.nullish(),
  description: z.string().max(1_024).nullish().catch(null),
  date: Seconds,
  txs: z.array(z.unknown()).max(1_000).nullish(),
  txID: Text.nullish(),
  payAmount: Text.nullish(),
  payCurrency: Text.nullish(),
  network: Text.nullish(),
  payDate: Seconds.nullish().catch(null),
});
type Invoice = z.infer<typeof Invoice>;
type Notice = { readonly invoice: Invoice; readonly trackId: string };

async function verify(
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
  { merchantApiKey }: Credentials,
): Promise<Result<Notice, Rejection>> {
  const header = headers[SIGNATURE]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', 'The header HMAC is missing or blank.'));
  const signature = fromHex(header);
  if (signature === null || !(await verifyHmac('SHA-512', utf8(merchantApiKey), signature, concat(body)))) {
    return err(
      reject(
        'signature_invalid',
        'HMAC does not verify: merchantApiKey must be the key that the invoice was made with; payouts have another.',
      ),
    );
  }
  return readInvoice(parseWritten(body));
}

function readInvoice(content: unknown): Result<Notice, Rejection> {
  const parsed = Invoice.safeParse(content);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') || 'body';
    return err(reject('malformed', `An authentic callback without a readable ${field}.`));
  }
  const invoice = parsed.data;
  const trackId = invoice.track_id || invoice.trackId;
  if (trackId && trackId.length <= 64) return ok({ invoice, trackId });
  return err(reject('malformed', 'An authentic callback without a readable track_id.'));
}

// Today's states and the legacy ones (docs: payment status table, legacy webhook). Refunds have no documented callback
// and no amount: they are kept and change nothing.
const STATUSES: ReadonlyMap<string, PaymentStatus> = new Map([
  ['new', 'pending'],
  ['waiting', 'pending'],
  ['confirming', 'pending'],
  ['paying', 'pending'],
  ['underpaid', 'pending'],
  ['paid', 'succeeded'],
  ['manual_accept', 'succeeded'],
  ['failed', 'failed'],
  ['expired', 'closed'],
]);
/** A person accepted less than the price. */
const UNDERPAID: ReadonlySet<string> = new Set(['underpaid', 'manual_accept']);

function translate({ invoice, trackId }: Notice): Result<Translation, Rejection> {
  const word = invoice.status.toLowerCase();
  const status = STATUSES.get(word);
  const type = invoice.type?.toLowerCase() ?? '';
  const about = { noticeType: `${type || 'payment'}.${invoice.status}`.slice(0, 64), noticeId: trackId };
  if (status === undefined || type === 'payout') return ok({ events: [], ...about });
  const orderNo = invoice.order_id || invoice.orderId || trackId;
  if (orderNo.length > 64) {
    return err(reject('malformed', `order_id of invoice ${trackId} is longer than 64 characters.`));
  }
  const flags: ProviderFlag[] = UNDERPAID.has(word) ? ['underpaid'] : [];
  return ok({ events: [factOf({ invoice, trackId }, orderNo, status, flags)], ...about });
}

function factOf(
  { invoice, trackId }: Notice,
  orderNo: string,
  status: PaymentStatus,
  flags: readonly ProviderFlag[],
): PaymentFact {
  const txs = txsOf(invoice);
  const tx = txs.findLast((one) => one.status?.toLowerCase() === 'confirmed') ?? txs.at(-1);
  const received = tx && receivedOf(tx);
  const payer = {
    ...(tx?.sender_address ? { id: tx.sender_address, idType: 'address' } : {}),
    ...(invoice.email ? { account: invoice.email } : {}),
  };
  return {
    kind: 'payment',
    orderNo,
    occurredAt: (status === 'succeeded' ? tx?.date : null) ?? invoice.date,
    providerState: invoice.status,
    // The sandbox has no word of its own in a callback; its transactions are called so (unconfirmed).
    test: txs.some((one) => one.tx_hash === 'sandbox'),
    status,
    transactionId: trackId,
    amount: amountOf(invoice),
    method: 'crypto',
    ...(tx?.network ? { providerMethod: tx.network } : {}),
    ...(received ? { received } : {}),
    ...(Object.keys(payer).length > 0 ? { payer } : {}),
    ...(invoice.description ? { attach: invoice.description } : {}),
    ...(flags.length > 0 ? { flags } : {}),
  };
}

/** The price that was set; null where there was none, or in coins that no amount of ours can hold. */
function amountOf({ amount, currency }: Invoice): Money | null {
  const parsed = amount && currency ? parseMoney(plainDecimal(amount) ?? '', currency.toUpperCase()) : null;
  return parsed?.ok && parsed.value.minor > 0 ? parsed.value : null;
}

// Transactions explain an invoice and do not make it: one that cannot be read must not cost the payment.
function txsOf({ txs, txID, payAmount, payCurrency, network, payDate }: Invoice): Tx[] {
  if (txs == null) {
    const legacy = { tx_hash: txID, received_amount: payAmount, currency: payCurrency, network, date: payDate };
    return txID ? [legacy] : [];
  }
  return txs.flatMap((tx) => {
    const { success, data } = Tx.safeParse(tx);
    return success ? [data] : [];
  });
}

function receivedOf({ received_amount, sent_amount, currency, network }: Tx): Received | null {
  const amount = plainDecimal(received_amount || sent_amount || '');
  return amount !== null && currency ? { amount, asset: currency, network: network ?? '' } : null;
}

type Query = NonNullable<Provider<Credentials, Notice>['query']>;
const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

const query: Query = {
  request: async ({ transactionId }, { merchantApiKey }) => {
    if (transactionId === undefined || !/^[0-9A-Za-z_-]{1,64}$/.test(transactionId)) {
      return problem('refused', 'OxaPay knows an invoice by its track_id alone, and none is known for this order.');
    }
    const headers = { accept: 'application/json', merchant_api_key: merchantApiKey, 'user-agent': 'Tollgate' };
    return ok({ method: 'GET', url: `${HOST}/v1/payment/${transactionId}`, headers, body: null });
  },
  read: async ({ status, body }, { transactionId }) => {
    if (status === 404) return ok({ events: [], noticeType: 'unknown', noticeId: null });
    if (status === 429 || status >= 500) return problem('unavailable', `OxaPay answered ${status}.`);
    if (status !== 200) return problem('refused', `OxaPay answered ${status}: check merchantApiKey.`);
    const answer = z.object({ data: z.unknown() }).safeParse(parseWritten(body));
    const invoice = answer.success ? readInvoice(answer.data.data) : null;
    if (!invoice?.ok || invoice.value.trackId !== transactionId) {
      return problem('malformed', 'OxaPay answered in a form that cannot be read, or about another invoice.');
    }
    const translation = translate(invoice.value);
    return translation.ok ? translation : problem('malformed', translation.error.detail);
  },
};

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };

// Only 200 with the body "ok" is a receipt (docs: webhook).
function acknowledge(acknowledgement: Acknowledgement): Answer {
  switch (acknowledgement.kind) {
    case 'accepted':
      return { status: 200, headers: TEXT, body: 'ok' };
    case 'rejected':
      return { status: wireOf(acknowledgement.rejection.reason).status, headers: TEXT, body: 'failed' };
    case 'unavailable':
      return { status: 503, headers: TEXT, body: 'failed' };
    default:
      return unreachable(acknowledgement);
  }
}

export const oxapay = provider<Credentials, Notice>({
  id: 'oxapay',
  name: { en: 'OxaPay', zh: 'OxaPay' },
  credentials: Credentials,
  // No deadline is published.
  ackDeadlineMs: 5_000,
  // No source addresses are published (read 2026-11).
  sourceRanges: [],
  evidenceHeaders: [SIGNATURE],
  // Five attempts in all (docs: webhook).
  retryScheduleSeconds: [60, 180, 1_800, 10_800],
  verify,
  translate,
  acknowledge,
  // 200 with the word ok (docs: webhook).
  readAcknowledgement: (status, body) => (status === 200 ? byWord('ok')(status, body) : 'refused'),
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
