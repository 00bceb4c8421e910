// /v1/orders: register and read. One order is read from its ledger; the list, which asks D1, is in order-list.ts.
import type { Who } from '../core/act.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { PAY_WITHIN_MS_DEFAULT } from '../core/limits.ts';
import type { Order } from '../core/order.ts';
import type { RegisterReply, RegisterRequest } from '../core/record.ts';
import { isRehearsalNo } from '../crypto/rehearsal-no.ts';
import { readConfig } from '../env.ts';
import { ledgerOf } from '../record.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { newId, requires, WriteHeaders, whoOf } from './auth.ts';
import { Id, MoneyInput, OrderNo } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, z } from './kit.ts';
import {
  bodyOfOrder,
  claimedProblem,
  disabledProblem,
  OrderParams,
  placeOfOrder,
  renderDetail,
} from './order-answer.ts';
import { OrderReadBody, RegisteredBody } from './order-shape.ts';
import { paymentOf, payProblem, renderPayment } from './pay.ts';
import { invalid, notFound, problemResponse, refuse } from './problem.ts';

const METADATA_KEYS_MAX = 20;

const OrderInput = z
  .strictObject({
    channel: Id,
    orderNo: OrderNo,
    amount: MoneyInput,
    description: z.string().min(1).max(500).optional(),
    expiresAt: z.iso.datetime({ offset: true }).optional().openapi({ description: 'When a payment comes too late.' }),
    metadata: z
      .record(z.string().min(1).max(64), z.string().max(500))
      .refine(
        (metadata) => Object.keys(metadata).length <= METADATA_KEYS_MAX,
        `has more than ${METADATA_KEYS_MAX} keys`,
      )
      .default({})
      .openapi({ description: 'Comes back with every event of this order.' }),
    pay: z.boolean().default(false).openapi({ description: 'Also asks the provider for a payment.' }),
    closeOnExpiry: z.boolean().default(true).openapi({
      description: 'With pay: at its end (expiresAt, or 30 minutes) the order is closed at the provider.',
    }),
  })
  .openapi('OrderInput');

export const orders = newApp();

orders.openapi(
  createRoute({
    method: 'post',
    path: '/orders',
    summary: 'Register an order, and ask for its payment',
    description: 'The same order again with the same data answers 200; with other data 409, naming the field.',
    middleware: requires('orders'),
    request: { headers: WriteHeaders, body: bodyOf(OrderInput) },
    responses: {
      200: jsonOf('The order was registered before, with the same data.', RegisteredBody),
      201: jsonOf('The order is registered.', RegisteredBody),
      ...problemResponse,
    },
  }),
  async (c) => {
    const input = c.req.valid('json');
    const now = Date.now();
    const record = await readChannelCopy(c.env, input.channel, now);
    if (!record) return refuse(c, invalid({ field: 'channel', message: 'is not a channel: create it first' }));
    const problem =
      disabledProblem(record) ?? (input.pay ? payProblem(c.env, record) : null) ?? (await claimedProblem(c, record));
    if (problem) return refuse(c, problem);
    if (await isRehearsalNo(readConfig(c.env).masterKey, input.orderNo)) {
      return refuse(c, invalid({ field: 'orderNo', message: OF_A_TEST }));
    }
    const request = registerRequest(record, input, whoOf(c), now);
    const reply = await ledgerOf(c.env, record, input.orderNo).register(request);
    if (reply.kind === 'conflict') {
      return refuse(c, {
        code: 'order_conflict',
        detail: `Order ${input.orderNo} is registered with another ${reply.field}: the first registration stands.`,
        errors: [{ field: reply.field, message: 'differs from what was registered' }],
      });
    }
    const payment = input.pay ? await paymentOf(c.env, record, reply.order, mayBeAsked(reply, request)) : null;
    if (payment && !payment.ok) return refuse(c, payment.error);
    const shown = payment?.value ? await renderPayment(c.env, record, input.orderNo, payment.value) : null;
    return c.json({ order: bodyOfOrder(reply.order), payment: shown }, reply.kind === 'created' ? 201 : 200);
  },
);

/** Its real callback would be refused at /callbacks, where such a number says that nobody paid. */
const OF_A_TEST = 'is the number of a test callback: give the order one of your own';

function registerRequest(
  { dispatch }: ChannelRecord,
  input: z.infer<typeof OrderInput>,
  by: Who,
  now: number,
): RegisterRequest {
  return {
    v: 1,
    orderNo: input.orderNo,
    registration: {
      amount: input.amount,
      description: input.description ?? null,
      expiresAt: input.expiresAt === undefined ? null : Date.parse(input.expiresAt),
      metadata: input.metadata,
      registeredAt: now,
      by,
    },
    dispatch,
    eventId: newId('evt'),
    ...(input.pay ? { pay: { payBy: now + PAY_WITHIN_MS_DEFAULT, closeOnExpiry: input.closeOnExpiry } } : {}),
  };
}

/** False where this very request gave the order its end: nobody can have asked for its payment before. */
function mayBeAsked(reply: Exclude<RegisterReply, { kind: 'conflict' }>, { registration, pay }: RegisterRequest) {
  const isEndOurs = registration.expiresAt === null && reply.order.payBy === pay?.payBy;
  return reply.kind === 'same' && !isEndOurs;
}

orders.openapi(
  createRoute({
    method: 'get',
    path: '/orders/{channel}/{orderNo}',
    summary: 'Read an order with its history',
    middleware: requires('read', 'orders'),
    request: { params: OrderParams },
    responses: { 200: jsonOf('The order, from its ledger.', OrderReadBody), ...problemResponse },
  }),
  async (c) => {
    const { channel, orderNo } = c.req.valid('param');
    const place = await placeOfOrder(c.env, { channel, orderNo });
    if (!place.ok) return refuse(c, place.error);
    const { detail, record } = place.value;
    if (!detail) return refuse(c, notFound(`Order ${channel}/${orderNo}`));
    const payment = await payableNow(c.env, record, detail.order, Date.now());
    return c.json({ ...renderDetail(detail), payment }, 200);
  },
);

/** The code that was given out before, while it can be paid; asks nobody. */
async function payableNow(env: Env, record: ChannelRecord, order: Order, now: number) {
  const { paymentState, paymentRequest } = order;
  const isOpen = paymentState !== 'paid' && paymentState !== 'closed';
  if (!isOpen || paymentRequest === null || paymentRequest.codeExpiresAt <= now) return null;
  return readConfig(env).publicUrl === null ? null : renderPayment(env, record, order.orderNo, paymentRequest);
}
