// How a channel treats its orders, as /v1/channels takes and shows it. Knows no default: those are the core's.
import type { ChannelSettings as Settings } from '../core/channel.ts';
import { isCurrency } from '../core/money.ts';
import { FLAGS } from '../core/order.ts';
import { Money } from './fields.ts';
import { z } from './kit.ts';

const PARK_AGE_SECONDS_MAX = 30 * 86_400;

const descriptions = {
  parkAgeSeconds: 'How long an event may wait for its order before the alarm unmatched; 600 unless set.',
  hold: 'Flags whose orders wait for a person: the event that raises one, and all later ones of that order.',
  releaseConfirmAbove:
    'An order above this amount, or in another currency, is let go only once a second API key agrees; null: none.',
} as const;

export const ChannelSettingsInput = z
  .strictObject({
    parkAgeSeconds: z
      .int('must be a whole number of seconds')
      .min(1, 'must be at least 1 second')
      .max(PARK_AGE_SECONDS_MAX, 'must be at most 30 days: 2592000')
      .optional()
      .openapi({ description: descriptions.parkAgeSeconds }),
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
  })
  .openapi('ChannelSettingsInput');

export const ChannelSettings = z
  .object({
    parkAgeSeconds: z.int().openapi({ description: descriptions.parkAgeSeconds }),
    hold: z.array(z.enum(FLAGS)).openapi({ description: descriptions.hold }),
    releaseConfirmAbove: Money.nullable().openapi({ description: descriptions.releaseConfirmAbove }),
  })
  .openapi('ChannelSettings');

/** The members that were named: a member that is undefined must not hide what stands. */
export const namedSettings = ({
  parkAgeSeconds,
  hold,
  releaseConfirmAbove,
}: z.infer<typeof ChannelSettingsInput>): Partial<Settings> => ({
  ...(parkAgeSeconds === undefined ? {} : { parkAgeSeconds }),
  ...(hold === undefined ? {} : { hold }),
  ...(releaseConfirmAbove === undefined ? {} : { releaseConfirmAbove }),
});

export const renderSettings = ({ parkAgeSeconds, hold, releaseConfirmAbove }: Settings) => ({
  parkAgeSeconds,
  hold: [...hold],
  releaseConfirmAbove,
});
