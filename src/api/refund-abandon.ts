// Gives up a refund that was set aside and that the provider has never heard of, so that its amount is free again.
// Never frees what the provider knows, or may know.
import { askerOf } from '../call-provider/ask.ts';
import { findRefund, refundIn, requestIn } from '../call-provider/refund.ts';
import { ABANDON_AFTER_MS_MIN } from '../core/limits.ts';
import type { Order } from '../core/order.ts';
import { refundableOf } from '../core/refund-request.ts';
import { ledgerOf } from '../record.ts';
import { requires, WriteHeaders, whoOf } from './auth.ts';
import { iso, Money } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, orNull, z } from './kit.ts';
import { bodyOfOrder, claimedProblem, disabledProblem, OrderParams, placeOfOrder } from './order-answer.ts';
import { OrderBody } from './order-shape.ts';
import { notFound, type Problem, problemResponse, refuse } from './problem.ts';
import { problemOf } from './provider-problem.ts';

const ASK_AGAIN = 'Nothing was freed: send this again to ask once more.';

const RefundParams = OrderParams.extend({
  refundNo: z.string().openapi({ param: { name: 'refundNo', in: 'path' } }),
});

const AbandonInput = z
  .strictObject({
    reason: z
      .string()
      .trim()
      .min(1)
      .max(500)
      .openapi({ description: 'Kept with the order, with the key that said so.' }),
  })
  .openapi('AbandonInput');

const AbandonedBody = z
  .object({
    order: OrderBody,
    refundable: orNull('Money', Money).openapi({ description: 'What is left to give back, this amount included.' }),
  })
  .openapi('AbandonedRefund');

export const refundAbandon = newApp();

refundAbandon.openapi(
  createRoute({
    method: 'post',
    path: '/orders/{channel}/{orderNo}/refunds/{refundNo}/abandon',
    summary: 'Give up a refund that the provider has never heard of',
    description:
      'The provider is asked first. What it knows is recorded and stays (409); where it cannot say, nothing is ' +
      'freed. Not within 2 minutes of the request.',
    middleware: requires('operate'),
    request: { params: RefundParams, headers: WriteHeaders, body: bodyOf(AbandonInput) },
    responses: { 200: jsonOf('Given up: its amount is free again.', AbandonedBody), ...problemResponse },
  }),
  async (c) => {
    const { refundNo, ...params } = c.req.valid('param');
    const { reason: detail } = c.req.valid('json');
    const place = await placeOfOrder(c.env, params);
    if (!place.ok) return refuse(c, place.error);
    const { record, orderNo, detail: known } = place.value;
    const disabled = disabledProblem(record) ?? (await claimedProblem(c, record));
    if (disabled) return refuse(c, disabled);
    const request = known && requestIn(known.order, refundNo);
    if (!request) return refuse(c, unreserved(known?.order ?? null, refundNo));
    const from = request.requestedAt + ABANDON_AFTER_MS_MIN;
    if (Date.now() < from) return refuse(c, tooEarly(from));
    const found = await findRefund(await askerOf(c.env, record), known.order, request);
    if (found === null) return refuse(c, unasked(record.channel.provider));
    if (!found.ok) return refuse(c, problemOf(found.error, ASK_AGAIN));
    const ledger = ledgerOf(c.env, record, orderNo);
    const { requestedAt } = request;
    const { actor: abandonedBy, address } = whoOf(c);
    const drop = { v: 1, orderNo, refundNo, requestedAt, detail, abandonedBy, address } as const;
    const isFree = !found.value && (await ledger.dropRefund(drop));
    const order = (await ledger.readOrder(orderNo))?.order ?? known.order;
    if (!isFree) return refuse(c, unreserved(order, refundNo));
    const refundable = refundableOf(order);
    return c.json({ order: bodyOfOrder(order), refundable: refundable && { ...refundable } }, 200);
  },
);

/** What the refund is, where nothing is set aside for it. */
function unreserved(order: Order | null, refundNo: string): Problem {
  const told = order && refundIn(order, refundNo);
  if (!told) return notFound(`A refund ${refundNo} that is set aside for this order`);
  const detail = `The provider knows refund ${refundNo}: it is ${told.state}, and cannot be given up.`;
  return { code: 'wrong_status', detail };
}

const tooEarly = (from: number): Problem => ({
  code: 'wrong_status',
  detail: `The refund was only just asked for, and the request may be on its way. Give it up from ${iso(from)}.`,
});

const unasked = (provider: string): Problem => ({
  code: 'query_not_supported',
  detail: `${provider} cannot be asked about a refund, so nothing was freed: look at its console.`,
});
