// The JSON of a test callback as /v1 shows it: what arrived, what was answered, what was told and to whom. Schemas
// alone.
import { Money, Time } from './fields.ts';
import { orNull, z } from './kit.ts';
import { AttemptBody, DELIVERY_STATES } from './order-shape.ts';
import { PreviewBody } from './origin-preview.ts';

const Words = z.object({ en: z.string(), zh: z.string() });

/** By what a test callback is signed. */
const SignedWith = z.enum(['shared_secret', 'test_key']).openapi({
  description:
    'shared_secret: with the one that provider and channel share. test_key: only the provider could ' +
    'sign, so a key was made for this test, which this route alone takes.',
});

const Delivery = z.object({
  eventId: z.string(),
  origin: z
    .string()
    .nullable()
    .openapi({ description: 'null: the channel has none, and this shows what one would get.' }),
  format: z.string(),
  accepts: z.boolean().openapi({ description: 'The origin’s acceptsTest: only then anything is sent.' }),
  deliveryState: z.enum(DELIVERY_STATES).nullable().openapi({ description: 'null: nothing is sent to it.' }),
  reason: z.string().nullable().openapi({ description: 'Such as filtered: its filter leaves this event out.' }),
  dueAt: Time.nullable(),
  attempts: z.array(AttemptBody),
  wouldSend: orNull('Preview', PreviewBody).openapi({
    description: 'What would have been sent, for an origin that takes none.',
  }),
  problem: z.string().nullable().openapi({ description: 'Why that cannot be shown.' }),
});

export const TestBody = z
  .object({
    orderNo: z.string().openapi({ example: 'TEST-2601017Z3K9QF2XW4M8TJ6VB1C' }),
    channel: z.string(),
    test: z.literal(true),
    sentAt: Time,
    signedWith: SignedWith,
    arrival: z
      .object({
        verdict: z.enum(['accepted', 'duplicate', 'ignored', 'parked', 'rejected']),
        reason: z.string().nullable(),
        detail: z.string().nullable(),
        noticeType: z.string().nullable(),
      })
      .openapi({ description: 'What /callbacks would have made of it.' }),
    answer: z
      .object({ status: z.int(), headers: z.record(z.string(), z.string()), body: z.string() })
      .openapi({ description: 'What the provider would have been answered, to the byte.' }),
    events: z.array(z.object({ id: z.string(), type: z.string(), sequence: z.int(), at: Time })),
    deliveries: z.array(Delivery),
    isDone: z.boolean().openapi({ description: 'Nothing of it will change any more by itself.' }),
    keptUntil: Time,
  })
  .openapi('TestCallback');

export const PlanBody = z
  .object({
    channel: z.string(),
    possible: z.boolean(),
    why: Words.nullable().openapi({ description: 'Why there can be none, or none now.' }),
    amount: orNull('Money', Money),
    echo: z.boolean().openapi({ description: 'The provider calls on request: POST …/test/echo.' }),
    origins: z.array(z.object({ origin: z.string(), format: z.string(), accepts: z.boolean(), paused: z.boolean() })),
  })
  .openapi('TestPlan');
