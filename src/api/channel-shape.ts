// What /v1/channels shows of a channel. Never its credentials, not even sealed.
import type { ChannelRecord, ChannelView } from '../core/channel.ts';
import { daysLeft, keyEndsOf } from '../core/key-ends.ts';
import { viewOf } from '../core/rotation.ts';
import { readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import { openCredentials } from '../store/registry-copy.ts';
import { ChannelSettings, renderSettings } from './channel-settings.ts';
import { Allowlist, iso, isoOrNull, Time } from './fields.ts';
import { type Context, z } from './kit.ts';

export const Mode = z.enum(['open', 'registered']).openapi({
  description:
    'open: a callback may create its order, whose amount is then not checked. registered: events of an order that ' +
    'is not registered are parked until it is.',
});

export const ChannelBody = z
  .object({
    id: z.string(),
    provider: z.string(),
    status: z.enum(['active', 'paused', 'disabled']),
    mode: Mode,
    settings: ChannelSettings,
    environment: z.enum(['live', 'test']),
    origins: z.array(z.string()),
    allowlist: Allowlist,
    shards: z.int(),
    locationHint: z.string().nullable(),
    callbackUrl: z
      .string()
      .nullable()
      .openapi({ description: 'What the provider is told to call; null while TOLLGATE_PUBLIC_URL is not set.' }),
    version: z.int(),
    previousUntil: Time.nullable().openapi({
      description:
        'Until when callbacks of the credentials before the last rotation are taken; null when they are not.',
    }),
    createdAt: Time,
    updatedAt: Time,
  })
  .openapi('Channel');

export const ChannelDetail = ChannelBody.extend({
  keys: z
    .array(
      z.object({
        serial: z.string(),
        source: z.enum(['fetched', 'configured']),
        field: z.string().nullable().openapi({ description: 'The field of the credentials that holds it.' }),
        effectiveAt: Time,
        expiresAt: Time,
        daysLeft: z.int().openapi({ description: 'Whole days; negative once it is over.' }),
      }),
    )
    .openapi({
      description:
        'Keys fetched from the provider and certificates among the credentials, the first to end first. A secret or ' +
        'a public key without an end is not listed.',
    }),
}).openapi('ChannelDetail');

/** Member by member: what is not named here is never shown. */
export const renderChannel = (c: Context, channel: ChannelView) => {
  const { id, provider, status, mode, environment, shards, locationHint, version, allowlist } = channel;
  const { publicUrl } = readConfig(c.env);
  return {
    id,
    provider,
    status,
    mode,
    settings: renderSettings(channel.settings),
    environment,
    origins: [...channel.origins],
    allowlist: { mode: allowlist.mode, ranges: [...allowlist.ranges] },
    shards,
    locationHint,
    callbackUrl: publicUrl === null ? null : `${publicUrl}/callbacks/${id}`,
    version,
    previousUntil: isoOrNull(channel.previousUntil),
    createdAt: iso(channel.createdAt),
    updatedAt: iso(channel.updatedAt),
  };
};

export async function renderDetail(c: Context, record: ChannelRecord) {
  const now = Date.now();
  const keys = keyEndsOf(record.keys, await configuredEnds(c, record));
  return {
    ...renderChannel(c, viewOf(record.channel, now)),
    keys: keys.map(({ effectiveAt, expiresAt, ...key }) => ({
      ...key,
      effectiveAt: iso(effectiveAt),
      expiresAt: iso(expiresAt),
      daysLeft: daysLeft(expiresAt, now),
    })),
  };
}

/** A channel whose credentials do not open is shown all the same. */
export async function configuredEnds(c: Pick<Context, 'env'>, record: ChannelRecord) {
  try {
    const credentials = await openCredentials(record, readConfig(c.env).masterKey);
    return providerOf(record.channel.provider)?.expiries?.(credentials) ?? [];
  } catch (error) {
    console.error(JSON.stringify({ hop: 'channels', channel: record.channel.id, error: String(error) }));
    return [];
  }
}
