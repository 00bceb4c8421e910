// The JSON of orders, as the merchant reads them, and of their history. Schemas alone; formats/order.ts renders.
import { FLAGS } from '../core/order.ts';
import { Money, Time } from './fields.ts';
import { orNull, z } from './kit.ts';

export const ORDER_STATES = [
  'parked',
  'pending',
  'paid',
  'failed',
  'closed',
  'partially_refunded',
  'refunded',
] as const;
export const DELIVERY_STATES = [
  'waiting',
  'in_flight',
  'delivered',
  'dead',
  'held',
  'paused',
  'cancelled',
  'skipped',
] as const;

const Payment = z.object({
  transactionId: z.string(),
  amount: Money,
  payerAmount: orNull('Money', Money),
  discounts: z.array(z.object({ id: z.string(), name: z.string().optional(), amount: Money })),
  method: z.string().nullable(),
  providerMethod: z.string().nullable(),
  bank: z.string().nullable(),
  received: z.object({ amount: z.string(), asset: z.string(), network: z.string() }).nullable(),
  paidAt: Time.nullable(),
});

const REFUND_STATES = ['pending', 'succeeded', 'failed', 'needs_attention'] as const;

export const RefundShape = z.object({
  refundNo: z.string(),
  providerRefundId: z.string().nullable(),
  amount: Money,
  state: z.enum(REFUND_STATES),
  reason: z.string().nullable(),
  at: Time.nullable(),
});

/** A refund as its own routes answer it: it may have been asked for and not told of yet. */
export const RefundBody = RefundShape.extend({
  state: z.enum(['requested', ...REFUND_STATES]).openapi({
    description: 'requested: nobody knows yet what became of it; the gateway goes on asking.',
  }),
}).openapi('Refund');

export const OrderBody = z
  .object({
    orderNo: z.string(),
    state: z.enum(ORDER_STATES),
    dispute: z.enum(['open', 'won', 'lost']).nullable(),
    flags: z.array(z.enum(FLAGS)),
    amountChecked: z.boolean(),
    amount: orNull('Money', Money),
    paid: orNull('Money', Money),
    refunded: orNull('Money', Money),
    paidAt: Time.nullable(),
    providerState: z.string().nullable(),
    payments: z.array(Payment),
    refunds: z.array(RefundShape),
    attach: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    expiresAt: Time.nullable(),
  })
  .openapi('Order');

export const AttemptBody = z
  .object({
    attempt: z.int(),
    at: Time,
    outcome: z.enum(['delivered', 'refused', 'unreachable', 'timed_out']),
    status: z.int().nullable().openapi({ description: 'HTTP status; null when no answer came.' }),
    ms: z.number(),
    detail: z.string().openapi({ description: 'The start of the answer, secrets masked, or why none came.' }),
    nextAt: Time.nullable().openapi({ description: 'When the next attempt was, or is due; null: there is none.' }),
  })
  .openapi('Attempt');

export const OrderDetailBody = z
  .object({
    order: OrderBody.extend({
      held: z.boolean(),
      sequence: z.int().openapi({ description: "The last event's place in this order." }),
    }),
    timeline: z.array(
      z.looseObject({ at: Time, kind: z.string(), source: z.string() }).openapi({
        description: 'Facts, registration and attempts in the order they came to be known; more members by kind.',
      }),
    ),
    deliveries: z.array(
      z.object({
        eventId: z.string(),
        trace: z.string().openapi({ description: 'As in `traceparent` and in the log.' }),
        origin: z.string(),
        sequence: z.int(),
        state: z.enum(DELIVERY_STATES),
        reason: z.string().nullable(),
        dueAt: Time.nullable(),
        attempts: z.array(AttemptBody),
      }),
    ),
  })
  .openapi('OrderDetail');

export const PaymentBody = z
  .object({
    codeUrl: z.string(),
    codeExpiresAt: Time,
    qrSvg: z.string().openapi({ description: 'The code as an SVG image, with its quiet zone.' }),
    payUrl: z.string().openapi({
      description: 'A page for the payer: the code, the amount, the time left, and paid as soon as it is.',
    }),
  })
  .openapi('Payment');

export const OrderReadBody = OrderDetailBody.extend({
  payment: orNull('Payment', PaymentBody).openapi({
    description: 'What the payer may scan now; null when there is nothing.',
  }),
}).openapi('OrderRead');

export const RegisteredBody = z
  .object({
    order: OrderBody,
    payment: orNull('Payment', PaymentBody).openapi({
      description: 'What the payer scans; null when none was asked for, or the order is paid.',
    }),
  })
  .openapi('RegisteredOrder');

export const OrderItem = z
  .object({
    channel: z.string(),
    orderNo: z.string(),
    state: z.enum(ORDER_STATES),
    flags: z.array(z.string()),
    amountChecked: z.boolean(),
    amount: orNull('Money', Money),
    paid: orNull('Money', Money),
    refunded: orNull('Money', Money),
    sequence: z.int(),
    test: z.boolean(),
    createdAt: Time,
    updatedAt: Time,
    paidAt: Time.nullable(),
  })
  .openapi('OrderItem');
