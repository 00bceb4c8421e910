// Asks Razorpay what it knows of a payment, refund or dispute, or of an order by its receipt, and reads the answer.
// Never makes a call.
import { z } from 'zod';
import type { PaymentEvent } from '../../core/event.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { toBase64, utf8 } from '../../crypto/bytes.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { Dispute, type Entities, type Facts, factsOf, Order, Payment, Refund } from './facts.ts';
import type { Notice } from './notice.ts';

const HOST = 'https://api.razorpay.com';

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** A reference is the id of a refund or dispute, or Razorpay's own order. */
export const query: NonNullable<Provider<Credentials, Notice>['query']> = {
  request: async (target, credentials) => {
    const { keyId, keySecret } = credentials;
    if (keyId === undefined || keySecret === undefined) {
      return problem('not_configured', 'keyId and keySecret are needed to ask Razorpay: add both to the channel.');
    }
    const path = pathOf(target, credentials);
    if (!path.ok) return path;
    const authorization = `Basic ${toBase64(utf8(`${keyId}:${keySecret}`))}`;
    return ok({
      method: 'GET',
      url: HOST + path.value,
      headers: { accept: 'application/json', authorization },
      body: null,
    });
  },
  read: async (answer, target, credentials, _keys, now) => readAnswer(answer, target, credentials, now),
};

const PATHS: readonly (readonly [RegExp, (id: string) => string])[] = [
  [/^pay_[A-Za-z0-9]{1,60}$/, (id) => `/v1/payments/${id}`],
  [/^order_[A-Za-z0-9]{1,58}$/, (id) => `/v1/orders/${id}/payments`],
  [/^rfnd_[A-Za-z0-9]{1,59}$/, (id) => `/v1/refunds/${id}`],
  [/^disp_[A-Za-z0-9]{1,59}$/, (id) => `/v1/disputes/${id}`],
];

function pathOf(
  { reference, transactionId, orderNo }: QueryTarget,
  { orderNoPath }: Credentials,
): Result<string, ProviderProblem> {
  const id = reference ?? transactionId ?? (orderNoPath === 'order_id' ? orderNo : undefined);
  if (id !== undefined) {
    const found = PATHS.find(([form]) => form.test(id));
    if (found) return ok(found[1](id));
    return problem('refused', 'Razorpay is asked by an id that begins with pay_, order_, rfnd_ or disp_.');
  }
  const isReceipt = orderNoPath === undefined || orderNoPath === 'receipt';
  if (orderNo === undefined || !isReceipt) {
    return problem('refused', 'Razorpay can be asked by orderNo only where it is the receipt: give the transactionId.');
  }
  return ok(`/v1/orders?receipt=${encodeURIComponent(orderNo)}&expand[]=payments`);
}

const Many = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item).max(100) });
const OrderWithPayments = Order.extend({ entity: z.literal('order'), payments: Many(Payment).nullish() });
const NONE: Entities = { payment: null, order: null, refund: null, dispute: null };

/** An answer as what it is about; each order beside its payments. */
const Answer = z.union([
  Payment.extend({ entity: z.literal('payment') }).transform((payment): Entities[] => [{ ...NONE, payment }]),
  Refund.extend({ entity: z.literal('refund') }).transform((refund): Entities[] => [{ ...NONE, refund }]),
  Dispute.extend({ entity: z.literal('dispute') }).transform((dispute): Entities[] => [{ ...NONE, dispute }]),
  Many(z.union([Payment.extend({ entity: z.literal('payment') }), OrderWithPayments])).transform(({ items }) =>
    items.flatMap((item): Entities[] =>
      item.entity === 'payment'
        ? [{ ...NONE, payment: item }]
        : (item.payments?.items ?? []).map((payment) => ({ ...NONE, payment, order: item })),
    ),
  ),
]);

function readAnswer(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Result<Translation, ProviderProblem> {
  const failure = failureOf(answer);
  const about = { noticeType: 'query', noticeId: null };
  if (failure !== null) return failure === 'unknown' ? ok({ events: [], ...about }) : err(failure);
  const parsed = Answer.safeParse(parseJsonBody(answer.body));
  if (!parsed.success) return problem('malformed', 'Razorpay answered in a form that cannot be read.');
  const facts: Facts[] = [];
  for (const entities of parsed.data) {
    const read = factsOf(entities, timeOf(entities, now), credentials);
    if (!read.ok) return problem('malformed', `Razorpay answered without a readable ${read.error}.`);
    facts.push(named(read.value, entities, target));
  }
  return ok({
    events: facts.flatMap(({ events }) => events),
    unlinked: facts.flatMap(({ unlinked }) => unlinked ?? []),
    links: facts.flatMap(({ links }) => links ?? []),
    ...about,
  });
}

/** That a refund failed or a dispute ended is seen now; the rest happened when it was made. */
function timeOf({ refund, dispute }: Entities, now: number): number | null {
  const isOver = dispute !== null && dispute.status !== 'open' && dispute.status !== 'under_review';
  return refund?.status === 'failed' || isOver ? now : null;
}

/** Whoever asks for a transaction of a known order gets that order's facts, though Razorpay does not name it. */
function named(facts: Facts, { payment, refund, dispute }: Entities, { orderNo, transactionId }: QueryTarget): Facts {
  const { events, unlinked = [] } = facts;
  const paymentId = payment?.id ?? refund?.payment_id ?? dispute?.payment_id;
  if (orderNo === undefined || paymentId !== transactionId) return facts;
  // The spread loses the union's arms; only the order number was missing.
  const found = unlinked.map(({ linkId: _, ...fact }) => ({ ...fact, orderNo }) as PaymentEvent); // see above
  return { ...facts, events: [...events, ...found], unlinked: [] };
}

const ErrorBody = z.object({ error: z.object({ code: z.string().nullish(), description: z.string().nullish() }) });

/** Null for success. Razorpay says 400 of an id that it does not know. */
function failureOf(answer: ProviderAnswer): ProviderProblem | 'unknown' | null {
  if (answer.status === 200) return null;
  const said = ErrorBody.safeParse(parseJsonBody(answer.body)).data?.error.description?.slice(0, 200);
  const isUnknown = answer.status === 400 && /does not exist/i.test(said ?? '');
  if (answer.status === 404 || isUnknown) return 'unknown';
  const detail = `Razorpay answered ${answer.status}: ${said ?? 'no reason given'}`;
  if (answer.status === 401 || answer.status === 403) {
    return { code: 'refused', detail: `${detail} Check keyId and keySecret: they belong together.` };
  }
  const isOutage = answer.status === 429 || answer.status >= 500 || answer.status < 400;
  return { code: isOutage ? 'unavailable' : 'refused', detail };
}
