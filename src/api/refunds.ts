// Refunds of one order: ask for one, list them. The amount is set aside in the ledger before the provider hears of it.
import { askerOf, leavesOpen, notifyUrlOf } from '../call-provider/ask.ts';
import { type RefundAsker, refundIn, requestIn, requestRefund } from '../call-provider/refund.ts';
import { askedBy, refundSchedule } from '../core/ask-schedule.ts';
import type { ChannelRecord } from '../core/channel.ts';
import type { Refund } from '../core/order.ts';
import type { ReserveReply } from '../core/record.ts';
import type { RefundRequest } from '../core/refund-request.ts';
import { paymentOfRequest, refundableOf } from '../core/refund-request.ts';
import { err, ok, type Result } from '../core/result.ts';
import { ledgerOf } from '../record.ts';
import { actorOf, requires, WriteHeaders } from './auth.ts';
import { iso, Money, MoneyInput, OrderNo } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, orNull, z } from './kit.ts';
import { bodyOfOrder, claimedProblem, disabledProblem, OrderParams, placeOfOrder } from './order-answer.ts';
import { OrderBody, RefundBody } from './order-shape.ts';
import { publicUrlMissing } from './pay.ts';
import { notFound, type Problem, problemResponse, refuse } from './problem.ts';
import { problemOf } from './provider-problem.ts';

const ASK_AGAIN = 'Send the same refund again, under the same refundNo, to ask once more.';

const NAME_ONE = 'The order has several payments: say by transactionId which one to give back.';

const RefundInput = z
  .strictObject({
    refundNo: OrderNo.openapi({ description: 'Yours, and never used for another refund of this channel.' }),
    amount: MoneyInput,
    reason: z.string().trim().min(1).max(80).optional().openapi({
      description: 'Some providers show it to the payer.',
    }),
    transactionId: z.string().min(1).max(128).optional().openapi({
      description: 'The payment to give back, where the order has several.',
    }),
  })
  .openapi('RefundInput');

const RefundedBody = z
  .object({
    refund: RefundBody,
    order: OrderBody,
    detail: z.string().nullable().openapi({ description: 'Why nobody knows yet; null when somebody does.' }),
  })
  .openapi('RefundedOrder');

const RefundList = z
  .object({
    items: z.array(RefundBody),
    refundable: orNull('Money', Money).openapi({
      description: 'What is left to give back; null while nothing was paid.',
    }),
    next: z.null(),
  })
  .openapi('RefundList');

const renderRefund = ({ at, refundNo, providerRefundId, amount, state, reason }: Refund) => ({
  refundNo,
  providerRefundId,
  amount: { ...amount },
  state,
  reason,
  at: iso(at),
});

const renderRequest = ({ refundNo, amount, reason, requestedAt }: RefundRequest) => ({
  refundNo,
  providerRefundId: null,
  amount: { ...amount },
  state: 'requested' as const,
  reason,
  at: iso(requestedAt),
});

export const refunds = newApp();

refunds.openapi(
  createRoute({
    method: 'post',
    path: '/orders/{channel}/{orderNo}/refunds',
    summary: 'Ask the provider to give money back',
    description:
      'The same refundNo with the same data is the same refund, and never a second one. 202: the provider has not ' +
      'said what became of it; the amount stays set aside, and the gateway goes on asking.',
    middleware: requires('operate'),
    request: { params: OrderParams, headers: WriteHeaders, body: bodyOf(RefundInput) },
    responses: {
      200: jsonOf('The refund was asked for before, with the same data.', RefundedBody),
      201: jsonOf('The provider has taken the refund.', RefundedBody),
      202: jsonOf('Nobody knows yet what became of it.', RefundedBody),
      ...problemResponse,
    },
  }),
  async (c) => {
    const input = c.req.valid('json');
    const place = await placeOfOrder(c.env, c.req.valid('param'));
    if (!place.ok) return refuse(c, place.error);
    const { record, orderNo } = place.value;
    const asker = await refundAskerOf(c.env, record);
    if (!asker.ok) return refuse(c, asker.error);
    const problem = disabledProblem(record) ?? (await claimedProblem(c, record));
    if (problem) return refuse(c, problem);
    const { refundNo, amount, reason = null, transactionId = null } = input;
    const now = Date.now();
    const actor = actorOf(c, reason);
    const askAgainAt = askedBy(refundSchedule(record.channel.settings), now, now).next ?? now;
    const ledger = ledgerOf(c.env, record, orderNo);
    const request = { v: 1, orderNo, refundNo, amount, reason, transactionId, actor, askAgainAt } as const;
    const reserved: ReserveReply = await ledger.reserveRefund(request);
    if (!('order' in reserved)) return refuse(c, unreserved(reserved, orderNo));
    const detail = await askedFor(asker.value, reserved, refundNo);
    if (!detail.ok) return refuse(c, detail.error);
    const order = (await ledger.readOrder(orderNo))?.order ?? reserved.order;
    const body = { order: bodyOfOrder(order), detail: detail.value };
    const told = refundIn(order, refundNo);
    if (told) return c.json({ ...body, refund: renderRefund(told) }, reserved.kind === 'same' ? 200 : 201);
    const open = requestIn(order, refundNo) ?? requestIn(reserved.order, refundNo);
    if (!open) throw new Error(`Refund ${refundNo} was set aside and is gone.`);
    return c.json({ ...body, refund: renderRequest(open) }, 202);
  },
);

async function refundAskerOf(env: Env, record: ChannelRecord): Promise<Result<RefundAsker, Problem>> {
  const { channel } = record;
  const asker = await askerOf(env, record);
  const { refund } = asker.provider;
  if (!refund) {
    return err({ code: 'refund_not_supported', detail: `${channel.provider} takes no refund requests from here.` });
  }
  const notifyUrl = notifyUrlOf(env, channel);
  return notifyUrl === null ? err(publicUrlMissing) : ok({ ...asker, refund, notifyUrl });
}

type Reserved = Extract<ReserveReply, { readonly kind: 'reserved' | 'same' }>;

/** Asks the provider, unless it has told of this refund before. Gives why nobody knows yet; null when somebody does. */
async function askedFor(
  asker: RefundAsker,
  { kind, order }: Reserved,
  refundNo: string,
): Promise<Result<string | null, Problem>> {
  const request = requestIn(order, refundNo);
  if (!request) return ok(null);
  const refunding = await requestRefund(asker, order, request, kind === 'same');
  switch (refunding.kind) {
    case 'told':
      return ok(null);
    case 'open':
      return leavesOpen(refunding.problem)
        ? ok(refunding.problem.detail)
        : err(problemOf(refunding.problem, ASK_AGAIN));
    case 'refused': {
      const problem = problemOf(refunding.problem, ASK_AGAIN);
      const isAnyOf = paymentOfRequest(order, request) === null && order.payments.length > 1;
      return err(isAnyOf ? { ...problem, detail: `${problem.detail} ${NAME_ONE}` } : problem);
    }
  }
}

function unreserved(reply: Exclude<ReserveReply, Reserved>, orderNo: string): Problem {
  switch (reply.kind) {
    case 'conflict':
      return {
        code: 'refund_conflict',
        detail: CONFLICTS[reply.field],
        errors: [{ field: reply.field, message: 'differs from the refund that this number stands for' }],
      };
    case 'exceeds': {
      const { minor, currency } = reply.refundable;
      const left = `${minor} ${currency} in the smallest unit`;
      const detail = `Order ${orderNo} has ${left} left to give back: ask for no more than that.`;
      return { code: 'refund_exceeds_payment', detail };
    }
    case 'not_paid':
      return { code: 'wrong_status', detail: `Order ${orderNo} is not paid: there is nothing to give back.` };
    case 'missing':
      return notFound(`Order ${orderNo}`);
  }
}

const CONFLICTS: Readonly<Record<Extract<ReserveReply, { kind: 'conflict' }>['field'], string>> = {
  amount: 'This refundNo stands for a refund of another amount: choose another refundNo for another refund.',
  reason: 'This refundNo stands for a refund with another reason: choose another refundNo for another refund.',
  transactionId: 'The order has no such payment, or this refundNo stands for a refund of another one.',
  refundNo: 'This refundNo stands for a refund that failed: choose another refundNo to try again.',
};

refunds.openapi(
  createRoute({
    method: 'get',
    path: '/orders/{channel}/{orderNo}/refunds',
    summary: 'List the refunds of an order, and what is left to give back',
    middleware: requires('read', 'orders'),
    request: { params: OrderParams },
    responses: { 200: jsonOf('All refunds, the earliest first.', RefundList), ...problemResponse },
  }),
  async (c) => {
    const place = await placeOfOrder(c.env, c.req.valid('param'));
    if (!place.ok) return refuse(c, place.error);
    const { record, orderNo, detail } = place.value;
    if (!detail) return refuse(c, notFound(`Order ${record.channel.id}/${orderNo}`));
    const { order } = detail;
    const items = [...order.refunds.map(renderRefund), ...order.refundRequests.map(renderRequest)];
    const refundable = refundableOf(order);
    return c.json({ items, refundable: refundable && { ...refundable }, next: null }, 200);
  },
);
