// What a person or a program may do to one order: ask the provider about it, close it, let held events go.
import { askerOf } from '../call-provider/ask.ts';
import { type Closing, closeOrder } from '../call-provider/close.ts';
import { query, targetOf } from '../call-provider/query.ts';
import { AskBudget } from '../core/ask-budget.ts';
import { ASKS_PER_SECOND_MAX } from '../core/limits.ts';
import type { ReleaseReply } from '../core/record.ts';
import { err, type Result, unreachable } from '../core/result.ts';
import { ledgerOf } from '../record.ts';
import { actorOf, requires, WriteHeaders } from './auth.ts';
import { iso } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, z } from './kit.ts';
import {
  claimedProblem,
  disabledProblem,
  OrderParams,
  type Place,
  placeOfOrder,
  renderDetail,
} from './order-answer.ts';
import { OrderDetailBody } from './order-shape.ts';
import { notFound, type Problem, problemResponse, refuse } from './problem.ts';
import { problemOf } from './provider-problem.ts';

const ASK_AGAIN = 'Send the same request again to ask once more.';

/** Shared by all who ask a provider because somebody called /v1. */
export const askBudget = new AskBudget(ASKS_PER_SECOND_MAX);

const BUSY: Problem = {
  code: 'rate_limited',
  detail: `A provider is asked ${ASKS_PER_SECOND_MAX} times a second for one channel at most: send this again.`,
};

export const orderActions = newApp();

/** The order of the path, whose provider may be asked now. */
async function askable(c: Context, params: z.infer<typeof OrderParams>): Promise<Result<Place, Problem>> {
  const place = await placeOfOrder(c.env, params);
  if (!place.ok) return place;
  const { record } = place.value;
  const problem = disabledProblem(record) ?? (await claimedProblem(c, record));
  if (problem) return err(problem);
  return askBudget.take(record.channel.uid, 1, Date.now()) ? place : err(BUSY);
}

const QueriedBody = OrderDetailBody.extend({
  query: z.object({
    found: z.boolean().openapi({ description: 'The provider knows the order.' }),
    providerState: z.string().nullable().openapi({ description: "The provider's own word for how it stands." }),
  }),
}).openapi('QueriedOrder');

orderActions.openapi(
  createRoute({
    method: 'post',
    path: '/orders/{channel}/{orderNo}/query',
    summary: 'Ask the provider how an order stands',
    description:
      'What the provider says is recorded as its callback would be. An order that only it knows is taken in.',
    middleware: requires('operate', 'orders'),
    request: { params: OrderParams, headers: WriteHeaders },
    responses: {
      200: jsonOf('The order as it stands now, and what the provider said.', QueriedBody),
      ...problemResponse,
    },
  }),
  async (c) => {
    const params = c.req.valid('param');
    const place = await askable(c, params);
    if (!place.ok) return refuse(c, place.error);
    const { record, orderNo, detail } = place.value;
    const heard = await query(await askerOf(c.env, record), targetOf(orderNo, detail?.order ?? null));
    if (heard === null) {
      return refuse(c, {
        code: 'query_not_supported',
        detail: `${record.channel.provider} answers no queries from here.`,
      });
    }
    if (!heard.ok) return refuse(c, problemOf(heard.error, ASK_AGAIN));
    const { isFound: found, providerState } = heard.value;
    const ledger = ledgerOf(c.env, record, orderNo);
    await ledger.noteAct(orderNo, 'queried', actorOf(c, null), providerState ?? '');
    const now = await ledger.readOrder(orderNo);
    if (!now) return refuse(c, notFound(`Order ${record.channel.id}/${orderNo}`));
    return c.json({ ...renderDetail(now), query: { found, providerState } }, 200);
  },
);

orderActions.openapi(
  createRoute({
    method: 'post',
    path: '/orders/{channel}/{orderNo}/close',
    summary: 'Close an order at the provider, so that nobody can pay it any more',
    description:
      'The provider is asked before and after. Closing twice is closing once. Not within 5 minutes of creation.',
    middleware: requires('operate'),
    request: { params: OrderParams, headers: WriteHeaders },
    responses: { 200: jsonOf('The order, closed.', OrderDetailBody), ...problemResponse },
  }),
  async (c) => {
    const place = await askable(c, c.req.valid('param'));
    if (!place.ok) return refuse(c, place.error);
    const { record, orderNo, detail } = place.value;
    if (!detail) return refuse(c, notFound(`Order ${record.channel.id}/${orderNo}`));
    const asker = await askerOf(c.env, record);
    const { close } = asker.provider;
    if (!close) {
      return refuse(c, { code: 'close_not_supported', detail: `${record.channel.provider} closes no orders.` });
    }
    const closing = await closeOrder({ ...asker, close }, detail.order, Date.now());
    if (closing.kind !== 'closed') return refuse(c, unclosed(closing, orderNo));
    const ledger = ledgerOf(c.env, record, orderNo);
    await ledger.noteAct(orderNo, 'closed', actorOf(c, null), '');
    const now = await ledger.readOrder(orderNo);
    return now ? c.json(renderDetail(now), 200) : refuse(c, notFound(`Order ${record.channel.id}/${orderNo}`));
  },
);

const TOO_EARLY = 'The order was only just made, and a provider may refuse to close it so soon.';
const STILL_PAYABLE = 'The provider has no such order until somebody scans its code, and the code still works.';

function unclosed(closing: Exclude<Closing, { readonly kind: 'closed' }>, orderNo: string): Problem {
  switch (closing.kind) {
    case 'paid':
      return { code: 'order_paid', detail: `Order ${orderNo} is paid: refund it instead.` };
    case 'too_early':
      return { code: 'wrong_status', detail: `${TOO_EARLY} Close it from ${iso(closing.from)}.` };
    case 'payable':
      return { code: 'wrong_status', detail: `${STILL_PAYABLE} Close it from ${iso(closing.until)}.` };
    case 'problem':
      return problemOf(closing.problem, ASK_AGAIN);
    default:
      return unreachable(closing);
  }
}

const ReleaseInput = z
  .strictObject({
    reason: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .openapi({ description: 'Kept with the order, with the key that said so.' }),
    discard: z.boolean().default(false).openapi({ description: 'True: what is held is never delivered.' }),
  })
  .openapi('ReleaseInput');

orderActions.openapi(
  createRoute({
    method: 'post',
    path: '/orders/{channel}/{orderNo}/release',
    summary: 'Let held events of an order go, or discard them',
    middleware: requires('operate'),
    request: { params: OrderParams, headers: WriteHeaders, body: bodyOf(ReleaseInput) },
    responses: {
      200: jsonOf(
        'How many deliveries were let go, or discarded.',
        z.object({ released: z.int() }).openapi('Released'),
      ),
      202: jsonOf(
        'Noted. Another API key has to send the same before anything moves.',
        z.object({ confirmation: z.literal('needed') }).openapi('ReleaseNoted'),
      ),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { channel, orderNo } = c.req.valid('param');
    const { reason, discard } = c.req.valid('json');
    const place = await placeOfOrder(c.env, { channel, orderNo });
    if (!place.ok) return refuse(c, place.error);
    const { record } = place.value;
    const problem = await claimedProblem(c, record);
    if (problem) return refuse(c, problem);
    const actor = { ...actorOf(c, reason), reason };
    const reply = await ledgerOf(c.env, record, orderNo).release({ v: 1, orderNo, actor, discard });
    if (reply.kind === 'released') return c.json({ released: reply.deliveries }, 200);
    if (reply.kind === 'confirm') return c.json({ confirmation: 'needed' as const }, 202);
    return refuse(c, unreleased(reply.kind, `Order ${channel}/${orderNo}`));
  },
);

type Unreleased = Exclude<ReleaseReply['kind'], 'released' | 'confirm'>;

function unreleased(kind: Unreleased, what: string): Problem {
  switch (kind) {
    case 'same_key':
      return { code: 'second_key_needed', detail: `${what} is waiting for another API key to say the same.` };
    case 'not_held':
      return { code: 'wrong_status', detail: `${what} holds no events: there is nothing to let go.` };
    case 'missing':
      return notFound(what);
  }
}
