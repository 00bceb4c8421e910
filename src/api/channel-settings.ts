// How a channel treats its orders, as /v1/channels takes and shows it. Knows no default: those are the core's.
import type { ChannelSettings as Settings } from '../core/channel.ts';
import { isCurrency } from '../core/money.ts';
import { FLAGS } from '../core/order.ts';
import { BillSettingsBody, BillSettingsInput, renderBillSettings } from './bill-settings.ts';
import { Money } from './fields.ts';
import { orNull, z } from './kit.ts';
import { RetentionBody, RetentionInput } from './retention-settings.ts';

const MONTH_SECONDS = 30 * 86_400;
const QUESTIONS_MAX = 30;
const QUERIES_PER_SECOND_MAX = 1_000;

const seconds = (description: string) =>
  z
    .int('must be a whole number of seconds')
    .min(1, 'must be at least 1 second')
    .max(MONTH_SECONDS, 'must be at most 30 days: 2592000')
    .openapi({ description });

const descriptions = {
  hold: 'Flags whose orders wait for a person: the event that raises one, and all later ones of that order.',
  releaseConfirmAbove:
    'An order above this amount, or in another currency, is let go only once a second API key agrees; null: none.',
  querySeconds:
    'When the provider is asked about an unpaid order, in seconds after its registration, rising; 60, 120, 300, 600, ' +
    '1200, 1800 and 3600 unless set. Empty: never by the clock.',
  refundQuerySeconds:
    'Waits in seconds between questions about a refund that is under way, the last one again and again for 30 days; ' +
    '600, 3600, 21600 and 86400 unless set.',
} as const;

const parkAgeSeconds = seconds('How long an event may wait for its order before the alarm unmatched; 600 unless set.');
const queryEverySeconds = seconds('The wait after the last of querySeconds, until the order ends; 3600 unless set.');
const queryFromSeconds = seconds(
  'An order that was registered without pay is asked about only at the querySeconds from here on; 300 unless set.',
);
const queryForSeconds = seconds('How long an order without expiresAt is asked about; 86400 unless set.');
const incompleteAfterSeconds = seconds(
  'A callback that lacks a field is completed by asking, or goes out flagged incomplete after this; 600 unless set.',
);
const queriesPerSecond = z
  .number('must be a number of questions a second')
  .min(0.1, 'must be at least 0.1: one question in 10 seconds')
  .max(QUERIES_PER_SECOND_MAX, `must be at most ${QUERIES_PER_SECOND_MAX}`)
  .openapi({ description: 'Questions that the clock asks the provider in a second at most; 10 unless set.' });

const rises = (all: readonly number[]) => all.every((one, index) => index === 0 || one > (all[index - 1] ?? 0));

export const ChannelSettingsInput = z
  .strictObject({
    parkAgeSeconds: parkAgeSeconds.optional(),
    hold: z
      .array(z.enum(FLAGS))
      .refine((flags) => new Set(flags).size === flags.length, 'names a flag twice')
      .optional()
      .openapi({ description: descriptions.hold }),
    releaseConfirmAbove: z
      .strictObject({
        minor: z
          .int('must be a whole number of the smallest unit: 100 is 1.00 CNY')
          .min(0, 'must not be below 0: 0 asks a second key for every order'),
        currency: z.string().refine(isCurrency, 'must be three capital letters, such as CNY'),
      })
      .nullable()
      .optional()
      .openapi({ description: descriptions.releaseConfirmAbove }),
    querySeconds: z
      .array(seconds('Seconds after the registration.'))
      .max(QUESTIONS_MAX, `must hold at most ${QUESTIONS_MAX} times`)
      .refine(rises, 'must rise: each time is counted from the registration')
      .optional()
      .openapi({ description: descriptions.querySeconds }),
    queryEverySeconds: queryEverySeconds.optional(),
    queryFromSeconds: queryFromSeconds.optional(),
    queryForSeconds: queryForSeconds.optional(),
    queriesPerSecond: queriesPerSecond.optional(),
    refundQuerySeconds: z
      .array(seconds('Seconds to wait.'))
      .min(1, 'must hold at least one wait')
      .max(QUESTIONS_MAX, `must hold at most ${QUESTIONS_MAX} waits`)
      .optional()
      .openapi({ description: descriptions.refundQuerySeconds }),
    incompleteAfterSeconds: incompleteAfterSeconds.optional(),
    retention: RetentionInput.optional(),
    ...BillSettingsInput,
  })
  .openapi('ChannelSettingsInput');

export const ChannelSettings = z
  .object({
    parkAgeSeconds,
    hold: z.array(z.enum(FLAGS)).openapi({ description: descriptions.hold }),
    releaseConfirmAbove: orNull('Money', Money).openapi({ description: descriptions.releaseConfirmAbove }),
    querySeconds: z.array(z.int()).openapi({ description: descriptions.querySeconds }),
    queryEverySeconds,
    queryFromSeconds,
    queryForSeconds,
    queriesPerSecond,
    refundQuerySeconds: z.array(z.int()).openapi({ description: descriptions.refundQuerySeconds }),
    incompleteAfterSeconds,
    retention: RetentionBody,
    ...BillSettingsBody,
  })
  .openapi('ChannelSettings');

/** The members that were named: a member that is undefined must not hide what stands. */
export const namedSettings = (input: z.infer<typeof ChannelSettingsInput>): Partial<Settings> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));

/** Member by member: what is not named here is never shown. */
export const renderSettings = (settings: Settings) => ({
  parkAgeSeconds: settings.parkAgeSeconds,
  hold: [...settings.hold],
  releaseConfirmAbove: settings.releaseConfirmAbove,
  querySeconds: [...settings.querySeconds],
  queryEverySeconds: settings.queryEverySeconds,
  queryFromSeconds: settings.queryFromSeconds,
  queryForSeconds: settings.queryForSeconds,
  queriesPerSecond: settings.queriesPerSecond,
  refundQuerySeconds: [...settings.refundQuerySeconds],
  incompleteAfterSeconds: settings.incompleteAfterSeconds,
  retention: settings.retention,
  ...renderBillSettings(settings),
});
