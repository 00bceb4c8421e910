// Asks a merchant's BTCPay Server about one invoice and puts its answer into our words. Never makes a call, and never
// asks another address than the channel's.
import { z } from 'zod';
import type { PaymentFact, PaymentStatus, ProviderFlag } from '../../core/event.ts';
import { parseJsonBody, textAt } from '../../core/json-body.ts';
import { type Money, parseMoney, plainDecimal } from '../../core/money.ts';
import { err, ok } from '../../core/result.ts';
import { utf8 } from '../../crypto/bytes.ts';
import type { Provider, ProviderProblem, Translation } from '../provider.ts';
import { type Credentials, ID } from './credentials.ts';

const ATTACH_CHARS_MAX = 1_024;
/** Leaves time to record what it says before the webhook must be answered. */
const ASK_TIMEOUT_MS = 6_000;
const Word = z.string().max(128);
const NOTHING: Translation = { events: [], noticeType: 'unknown', noticeId: null };

/** What goes with a question and comes back with its answer: whose invoice, when, and the coins the webhook told of. */
const About = z.object({
  storeId: z.string().regex(ID),
  at: z.int(),
  received: z.object({ amount: z.string(), asset: z.string(), network: z.string() }).optional(),
});
export type About = z.infer<typeof About>;

type Query = NonNullable<Provider<Credentials, unknown>['query']>;
const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

const Invoice = z.object({
  id: z.string(),
  storeId: z.string().nullish(),
  amount: Word.nullish(),
  currency: Word.nullish(),
  status: z.string().min(1).max(64),
  additionalStatus: Word.nullish(),
  metadata: z.unknown().optional(),
});
type Invoice = z.infer<typeof Invoice>;

/** Which invoice of which store; null when the question was not made here. */
function aboutOf(reference: string | undefined, { storeId }: Credentials, now: number): About | null {
  const about = About.safeParse(reference === undefined ? undefined : parseJsonBody(utf8(reference)));
  return about.success ? about.data : storeId === undefined ? null : { storeId, at: now };
}

export const query: Query = {
  request: async ({ transactionId, reference }, credentials, { now }) => {
    const { apiKey, baseUrl } = credentials;
    if (apiKey === undefined || baseUrl === undefined) {
      return problem(
        'not_configured',
        'apiKey and baseUrl are needed to ask about an invoice: add both to the channel.',
      );
    }
    const about = aboutOf(reference, credentials, now);
    if (about === null || transactionId === undefined || !ID.test(transactionId)) {
      return problem('refused', 'BTCPay Server knows an invoice by its id and storeId; add storeId to the channel.');
    }
    const url = `${baseUrl.replace(/\/+$/, '')}/api/v1/stores/${about.storeId}/invoices/${transactionId}`;
    const headers = { accept: 'application/json', authorization: `token ${apiKey}`, 'user-agent': 'Tollgate' };
    return ok({ method: 'GET', url, headers, body: null, timeoutMs: ASK_TIMEOUT_MS });
  },
  read: async ({ status, body }, { transactionId, reference }, credentials, _keys, now) => {
    if (status === 429 || status >= 500) return problem('unavailable', `BTCPay Server answered ${status}.`);
    const content = parseJsonBody(body);
    // The store is there and has no such invoice. Any other 404 is of another address, or of another store.
    if (status === 404 && textAt(content, 'code') === 'invoice-not-found') return ok(NOTHING);
    if (status !== 200) {
      return problem('refused', `BTCPay Server answered ${status}: check baseUrl, and that apiKey may view invoices.`);
    }
    const invoice = Invoice.safeParse(content);
    const about = aboutOf(reference, credentials, now);
    if (!invoice.success || invoice.data.id !== transactionId || about === null) {
      return problem('malformed', 'BTCPay Server answered in a form that cannot be read, or about another invoice.');
    }
    const orderNo = textAt(content, credentials.orderNoPath) || invoice.data.id;
    if (orderNo.length > 64) return problem('malformed', `${credentials.orderNoPath} is longer than 64 characters.`);
    const fact = factOf(invoice.data, orderNo, about);
    const noticeType = `invoice.${invoice.data.status}`;
    return ok({ events: fact === null ? [] : [fact], noticeType, noticeId: null });
  },
};

// Money on an expired invoice is not closed: a person decides, and marks it settled or gives it back.
function meaningOf({ status, additionalStatus }: Invoice): readonly [PaymentStatus, ...ProviderFlag[]] | null {
  const flags = FLAGS.get(additionalStatus ?? '') ?? [];
  switch (status) {
    case 'New':
    case 'Processing':
      return ['pending', ...flags];
    case 'Settled':
      return ['succeeded', ...flags];
    case 'Expired':
      return flags.length > 0 ? ['pending', ...flags] : ['closed'];
    case 'Invalid':
      return ['failed'];
    default:
      return null;
  }
}

const FLAGS: ReadonlyMap<string, readonly ProviderFlag[]> = new Map([
  ['PaidPartial', ['underpaid']],
  ['PaidOver', ['overpaid']],
  ['PaidLate', ['late_payment']],
]);

/** Null in a state that nobody documents. */
function factOf(invoice: Invoice, orderNo: string, { at, received }: About): PaymentFact | null {
  const meaning = meaningOf(invoice);
  if (meaning === null) return null;
  const [status, ...flags] = meaning;
  const [account, name] = ['metadata.buyerEmail', 'metadata.buyerName'].map((path) => textAt(invoice, path));
  const payer = { ...(account ? { account } : {}), ...(name ? { name } : {}) };
  const attach = invoice.metadata == null ? '' : JSON.stringify(invoice.metadata);
  const { status: word, additionalStatus: more } = invoice;
  return {
    kind: 'payment',
    orderNo,
    occurredAt: at,
    providerState: more && more !== 'None' ? `${word}/${more}` : word,
    test: false,
    status,
    transactionId: invoice.id,
    amount: amountOf(invoice),
    method: 'crypto',
    ...(received ? { received, providerMethod: received.network } : {}),
    ...(Object.keys(payer).length > 0 ? { payer } : {}),
    ...(attach.length > 2 && attach.length <= ATTACH_CHARS_MAX ? { attach } : {}),
    ...(flags.length > 0 ? { flags } : {}),
  };
}

/** The invoice's price; null in coins, and for a top-up that nobody paid yet. */
function amountOf({ amount, currency }: Invoice): Money | null {
  const parsed = parseMoney(plainDecimal(amount ?? '') ?? '', currency ?? '');
  return parsed.ok && parsed.value.minor > 0 ? parsed.value : null;
}
