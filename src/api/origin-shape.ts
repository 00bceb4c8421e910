// The JSON of origins as /v1 takes and shows it. Schemas and rendering alone; a secret is shown by the call that made
// it and by no other.

import {
  ORIGIN_CONCURRENT_DEFAULT,
  ORIGIN_PER_SECOND_DEFAULT,
  ORIGIN_TIMEOUT_MS_DEFAULT,
  ORIGIN_TIMEOUT_MS_MAX,
  RETRY_LADDER_SECONDS,
  SECRET_OVERLAP_MS_DEFAULT,
} from '../core/limits.ts';
import type { Origin } from '../core/origin.ts';
import { FORMATS } from '../formats/index.ts';
import { Id, iso, isoOrNull, Time } from './fields.ts';
import { z } from './kit.ts';
import { renderSettings, settingsBody, settingsFields } from './origin-settings.ts';

const LADDER_STEPS_MAX = 30;
const LADDER_WAIT_SECONDS_MAX = 7 * 86_400;
const OVERLAP_SECONDS_MAX = 30 * 86_400;

const basics = {
  url: z.string().openapi({ example: 'https://shop.example/hooks/tollgate' }),
  format: z.enum([...new Set(FORMATS.map(({ name }) => name))]),
  timeoutMs: z.int().min(500).max(ORIGIN_TIMEOUT_MS_MAX),
  ladderSeconds: z
    .array(z.int().min(0).max(LADDER_WAIT_SECONDS_MAX))
    .min(1)
    .max(LADDER_STEPS_MAX)
    .openapi({ description: 'Waits before each attempt, in seconds, the first before the first one.' }),
  perSecond: z.int().min(1).max(10_000),
  concurrent: z.int().min(1).max(1_000),
};
const Signature = z.enum(['hmac', 'ed25519', 'rsa']);
const GivenSecret = z.string().max(10_000).openapi({
  description: 'Left out: one is made. HMAC: whsec_ and 24 to 64 bytes in base64. RSA: a PEM private key.',
});

const optional = <Shape extends z.ZodRawShape>(shape: Shape) => z.object(shape).partial().shape;

/** The format and nothing else, each member where it is named. */
export const formatFields = optional({
  format: basics.format,
  formatVersion: settingsFields.formatVersion,
  formatOptions: settingsFields.formatOptions,
});

export const OriginInput = z
  .strictObject({
    id: Id,
    url: basics.url,
    format: basics.format.default('standard'),
    secret: GivenSecret.optional(),
    signature: Signature.default('hmac'),
    timeoutMs: basics.timeoutMs.default(ORIGIN_TIMEOUT_MS_DEFAULT),
    ladderSeconds: basics.ladderSeconds.default([...RETRY_LADDER_SECONDS]),
    perSecond: basics.perSecond.default(ORIGIN_PER_SECOND_DEFAULT),
    concurrent: basics.concurrent.default(ORIGIN_CONCURRENT_DEFAULT),
    ...optional(settingsFields),
  })
  .openapi('OriginInput');

export const OriginPatch = z
  .strictObject({ ...optional(basics), ...optional(settingsFields) })
  .openapi('OriginPatch', { description: 'Only what is named changes; lists and filters are replaced as a whole.' });

export const Rotation = z
  .strictObject({
    secret: GivenSecret.optional(),
    signature: Signature.optional().openapi({ description: 'The kind of the new secret; as before when left out.' }),
    overlapSeconds: z
      .int()
      .min(0)
      .max(OVERLAP_SECONDS_MAX)
      .default(SECRET_OVERLAP_MS_DEFAULT / 1_000)
      .openapi({ description: 'How long the old secret goes on signing beside the new one.' }),
  })
  .openapi('Rotation');

export const OriginBody = z
  .object({
    id: z.string(),
    ...basics,
    ...settingsBody,
    format: z.string(),
    status: z.enum(['active', 'paused']),
    pauseReason: z.string().nullable(),
    signature: Signature,
    publicKey: z
      .string()
      .nullable()
      .openapi({ description: 'whpk_… when the newest secret is ed25519, PEM when it is RSA.' }),
    secrets: z.array(
      z.object({ kind: Signature, publicKey: z.string().nullable(), createdAt: Time, expiresAt: Time.nullable() }),
    ),
    version: z.int(),
    createdAt: Time,
    updatedAt: Time,
  })
  .openapi('Origin');

export const OriginWithSecret = OriginBody.extend({
  secret: z.string().openapi({ description: 'Shown this once: keep it where the origin verifies signatures.' }),
}).openapi('OriginWithSecret');

export const renderOrigin = ({ secrets, ladderSeconds, settings, createdAt, updatedAt, ...plain }: Origin) => ({
  ...plain,
  ...renderSettings(settings),
  ladderSeconds: [...ladderSeconds],
  signature: secrets[0]?.kind ?? 'hmac',
  publicKey: secrets[0]?.publicKey ?? null,
  secrets: secrets.map((secret) => ({
    kind: secret.kind,
    publicKey: secret.publicKey ?? null,
    createdAt: iso(secret.createdAt),
    expiresAt: isoOrNull(secret.expiresAt),
  })),
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
});
