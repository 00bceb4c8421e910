// What an origin may choose beyond its address, as /v1/origins takes and shows it. Shows no secret: kinds, names and
// endings alone. Knows no default: those are the core's.

import { EVENT_TYPES } from '../core/event.ts';
import { ORIGIN_AUTH_MAX } from '../core/limits.ts';
import { isCurrency } from '../core/money.ts';
import { FLAGS } from '../core/order.ts';
import type { Breaker, OriginFilter, OriginSettings } from '../core/origin.ts';
import type { SuccessCriterion } from '../core/success.ts';
import { criterionOf, Success } from '../formats/index.ts';
import { Id } from './fields.ts';
import { orNull, z } from './kit.ts';
import { ORDER_STATES } from './order-shape.ts';
import { AuthInput } from './origin-auth.ts';

const PAUSE_AFTER_SECONDS_MAX = 30 * 86_400;
const LISTED_MAX = 100;

const bound = z.int('must be a whole number of the smallest unit: 100 is 1.00 CNY').min(0).nullable();

const AmountRange = z
  .strictObject({
    min: bound.default(null),
    max: bound.default(null),
    currency: z.string().refine(isCurrency, 'must be three capital letters, such as CNY'),
  })
  .refine(({ min, max }) => min !== null || max !== null, 'must have min, max or both')
  .refine(({ min, max }) => min === null || max === null || min <= max, 'has a min above its max');

const Filter = z
  .strictObject({
    types: z.array(z.enum(EVENT_TYPES)).default([]),
    states: z.array(z.enum(ORDER_STATES)).default([]),
    flags: z.array(z.enum(FLAGS)).default([]),
    channels: z.array(Id).max(LISTED_MAX).default([]),
    amount: AmountRange.nullable().default(null),
    metadata: z.record(z.string().max(100), z.string().max(1_000)).default({}),
  })
  .openapi('OriginFilter', {
    description:
      'Which events this origin gets: all that is named has to hold, and of a list one. Left out or empty: any. ' +
      'Between the events that it gets, `sequence` may have gaps.',
  });

const BreakerInput = z
  .strictObject({
    failureShare: z.number().gt(0, 'must be above 0: a share such as 0.5').max(1, 'must be at most 1: a share'),
    windowSeconds: z.int().min(10, 'must be at least 10 seconds').max(600, 'must be at most 10 minutes: 600'),
    attemptsMin: z.int().min(1).max(10_000),
    probeAfterSeconds: z.int().min(1).max(3_600, 'must be at most an hour: 3600'),
  })
  .openapi('Breaker', {
    description:
      'When so large a share of at least `attemptsMin` attempts within the window failed, the origin is left alone, ' +
      'and one delivery asks again after `probeAfterSeconds`. No attempt of a delivery is used up meanwhile.',
  });

const Binding = z
  .string()
  .regex(/^(MTLS|PRIVATE)_[A-Z0-9_]{1,50}$/, 'must be the name of a binding that begins with MTLS_ or PRIVATE_')
  .openapi({
    description:
      'Deliveries go through this binding of the Worker: MTLS_… is an mtls_certificates binding, PRIVATE_… a service ' +
      'binding or a Workers VPC service. See docs/origins.md.',
  });

/** Each as it is when it is named; which of them a call needs is the call's to say. */
export const settingsFields = {
  formatVersion: z.int().min(1).openapi({ description: 'Pinned; the newest one unless chosen.' }),
  formatOptions: z
    .record(z.string(), z.unknown())
    .openapi({ description: 'The options of the format, checked by the format itself; see docs/formats.md.' }),
  success: Success.unwrap().openapi({
    description: 'What counts as success: "status" (any 2xx), or a 2xx whose body equals or contains a text.',
  }),
  filter: orNull('OriginFilter', Filter),
  breaker: BreakerInput.partial(),
  pauseAfterSeconds: z
    .int('must be a whole number of seconds')
    .min(60, 'must be at least a minute: 60')
    .max(PAUSE_AFTER_SECONDS_MAX, `must be at most 30 days: ${PAUSE_AFTER_SECONDS_MAX}`)
    .nullable()
    .openapi({ description: 'An origin that took nothing for this long is paused; null: never.' }),
  binding: Binding.nullable(),
  echoCheck: z.boolean().openapi({
    description: 'Whether a JSON answer with orderNo, amount or sequence is compared with what was sent.',
  }),
  acceptsTest: z.boolean().openapi({
    description:
      'Whether test callbacks are delivered here. Their events say test: true; no unless set, because a backend that ' +
      'does not look at it would ship goods.',
  }),
  auth: z
    .array(AuthInput)
    .max(ORIGIN_AUTH_MAX)
    .openapi({ description: 'What the origin asks to see besides the signature. Replaced as a whole; never shown.' }),
};

const AuthBody = z.object({
  kind: z.enum(['basic', 'bearer', 'header']),
  name: z.string().nullable().openapi({ description: 'The user of basic, the name of a header.' }),
  ending: z.string().nullable().openapi({ description: 'The last four characters of a long secret.' }),
});

export const settingsBody = {
  formatVersion: z.int(),
  formatOptions: z.record(z.string(), z.unknown()),
  success: settingsFields.success,
  filter: orNull('OriginFilter', Filter),
  breaker: BreakerInput,
  pauseAfterSeconds: z.int().nullable(),
  binding: z.string().nullable(),
  echoCheck: z.boolean(),
  acceptsTest: z.boolean(),
  auth: z.array(AuthBody),
};

const enteredOf = (criterion: SuccessCriterion): Success => {
  if (criterion.kind === 'status') return 'status';
  return criterion.kind === 'equals' ? { bodyEquals: criterion.text } : { bodyContains: criterion.text };
};

const shownFilter = ({ types, states, flags, channels, amount, metadata }: OriginFilter) => ({
  types: [...types],
  states: [...states],
  flags: [...flags],
  channels: [...channels],
  amount,
  metadata,
});

export const renderSettings = (settings: OriginSettings) => ({
  formatVersion: settings.formatVersion,
  formatOptions: z.record(z.string(), z.unknown()).parse(JSON.parse(settings.formatOptions)),
  success: enteredOf(settings.success),
  filter: settings.filter && shownFilter(settings.filter),
  breaker: settings.breaker,
  pauseAfterSeconds: settings.pauseAfterSeconds,
  binding: settings.binding,
  echoCheck: settings.echoCheck,
  acceptsTest: settings.acceptsTest,
  auth: settings.auth.map(({ kind, name, ending }) => ({ kind, name, ending })),
});

type Entered = { readonly [K in keyof typeof settingsFields]?: z.infer<(typeof settingsFields)[K]> | undefined };

/** The members that were named, of those that need nothing else to be understood. */
export const plainSettings = (
  { success, filter, breaker, pauseAfterSeconds, binding, echoCheck, acceptsTest }: Entered,
  known: Breaker,
): Partial<OriginSettings> => ({
  ...(success === undefined ? {} : { success: criterionOf(success) }),
  ...(filter === undefined ? {} : { filter }),
  ...(breaker === undefined ? {} : { breaker: mergedBreaker(known, breaker) }),
  ...(pauseAfterSeconds === undefined ? {} : { pauseAfterSeconds }),
  ...(binding === undefined ? {} : { binding }),
  ...(echoCheck === undefined ? {} : { echoCheck }),
  ...(acceptsTest === undefined ? {} : { acceptsTest }),
});

const mergedBreaker = (known: Breaker, named: NonNullable<Entered['breaker']>): Breaker => ({
  failureShare: named.failureShare ?? known.failureShare,
  windowSeconds: named.windowSeconds ?? known.windowSeconds,
  attemptsMin: named.attemptsMin ?? known.attemptsMin,
  probeAfterSeconds: named.probeAfterSeconds ?? known.probeAfterSeconds,
});
