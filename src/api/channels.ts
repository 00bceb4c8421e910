// /v1/channels: create, read, change, pause, resume, disable, enable. Credentials go in and never come out.
import { type Channel, type ChannelRecord, DEFAULT_CHANNEL_SETTINGS, type FetchedKey } from '../core/channel.ts';
import { SHARDS_DEFAULT, SHARDS_MAX } from '../core/limits.ts';
import type { StatusChange } from '../core/registry.ts';
import { err, ok, type Result } from '../core/result.ts';
import { seal } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import { PROVIDER_IDS, providerOf } from '../providers/index.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { newId, newIv, requires, stampOf, WriteHeaders } from './auth.ts';
import { ChannelSettings, ChannelSettingsInput, namedSettings, renderSettings } from './channel-settings.ts';
import { Allowlist, AllowlistInput, Id, IdParam, iso, Time } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { fieldErrors, invalid, type Problem, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const LOCATION_HINTS = [
  'wnam',
  'enam',
  'sam',
  'weur',
  'eeur',
  'apac',
  'apac-ne',
  'apac-se',
  'oc',
  'afr',
  'me',
] as const;
const ORIGINS_MAX = 16;

const Origins = z
  .array(Id)
  .max(ORIGINS_MAX)
  .refine((ids) => new Set(ids).size === ids.length, 'names an origin twice')
  .openapi({ description: 'Ids of the origins that receive the events of this channel.' });
const Credentials = z
  .record(z.string(), z.unknown())
  .openapi({ description: 'What the provider needs; GET /v1/providers lists the fields. Never returned.' });

const Mode = z.enum(['open', 'registered']).openapi({
  description:
    'open: a callback may create its order, whose amount is then not checked. registered: events of an order that ' +
    'is not registered are parked until it is.',
});

const ChannelInput = z
  .strictObject({
    id: Id,
    provider: z.string().openapi({ example: PROVIDER_IDS[0] }),
    origins: Origins,
    credentials: Credentials,
    mode: Mode.default('open'),
    environment: z.enum(['live', 'test']).default('live'),
    allowlist: AllowlistInput.optional(),
    settings: ChannelSettingsInput.default({}),
    shards: z.int().min(1).max(SHARDS_MAX).default(SHARDS_DEFAULT),
    locationHint: z.enum(LOCATION_HINTS).optional(),
  })
  .openapi('ChannelInput');

const ChannelPatch = z
  .strictObject({
    origins: Origins.optional(),
    credentials: Credentials.optional(),
    allowlist: AllowlistInput.optional(),
    mode: Mode.optional(),
    settings: ChannelSettingsInput.optional(),
  })
  .openapi('ChannelPatch', {
    description: 'Only what is named changes, also within settings. Credentials are replaced as a whole.',
  });

const ChannelBody = z
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
    createdAt: Time,
    updatedAt: Time,
  })
  .openapi('Channel');

const ChannelDetail = ChannelBody.extend({
  keys: z
    .array(z.object({ serial: z.string(), effectiveAt: Time, expiresAt: Time }))
    .openapi({ description: 'Verification keys that were fetched from the provider.' }),
}).openapi('ChannelDetail');

const renderChannel = (c: Context, channel: Channel) => {
  const { uid: _, credentials: __, createdAt, updatedAt, origins, allowlist, settings, ...plain } = channel;
  const { publicUrl } = readConfig(c.env);
  return {
    ...plain,
    origins: [...origins],
    allowlist: { mode: allowlist.mode, ranges: [...allowlist.ranges] },
    settings: renderSettings(settings),
    callbackUrl: publicUrl === null ? null : `${publicUrl}/callbacks/${channel.id}`,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
  };
};

const renderDetail = (c: Context, { channel, keys }: ChannelRecord) => ({
  ...renderChannel(c, channel),
  keys: keys.map(({ serial, effectiveAt, expiresAt }: FetchedKey) => ({
    serial,
    effectiveAt: iso(effectiveAt),
    expiresAt: iso(expiresAt),
  })),
});

/** Where nothing is published there is nothing to watch for: every callback would seem to come from outside. */
const defaultAllowlist = ({ sourceRanges: ranges }: AnyProvider) => ({
  mode: ranges.length > 0 ? ('monitor' as const) : ('off' as const),
  ranges,
});

type Checked = { readonly provider: AnyProvider; readonly credentials: unknown };

/** Parses the credentials as the provider's own file asks, keys included; each problem names its field. */
async function checkCredentials(
  providerId: string,
  credentials: Record<string, unknown>,
): Promise<Result<Checked, Problem>> {
  const provider = providerOf(providerId);
  if (!provider) {
    return err(
      invalid({ field: 'provider', message: `is not a provider here: choose one of ${PROVIDER_IDS.join(', ')}` }),
    );
  }
  const parsed = provider.credentials.safeParse(credentials);
  if (!parsed.success) return err(invalid(...fieldErrors(parsed.error, 'credentials.')));
  const inspected = (await provider.inspectCredentials?.(parsed.data)) ?? ok(null);
  if (!inspected.ok) {
    return err(invalid({ field: `credentials.${inspected.error.field}`, message: inspected.error.message }));
  }
  return ok({ provider, credentials: parsed.data });
}

/** Credentials are sealed as they came, so that a later version of the provider's schema reads what was meant. */
const sealCredentials = (c: Context, uid: string, credentials: Record<string, unknown>) =>
  seal(JSON.stringify(credentials), readConfig(c.env).masterKey, `channel/${uid}`, newIv());

function refreshInBackground(c: Context, id: string, { provider, credentials }: Checked): void {
  if (provider.keys?.wanted(credentials)) c.executionCtx.waitUntil(registryOf(c.env).refreshKeys(id, Date.now()));
}

export const channels = newApp();

channels.openapi(
  createRoute({
    method: 'post',
    path: '/channels',
    summary: 'Create a channel',
    middleware: requires(),
    request: { headers: WriteHeaders, body: bodyOf(ChannelInput) },
    responses: { 201: jsonOf('The channel, without its credentials.', ChannelBody), ...problemResponse },
  }),
  async (c) => {
    const input = c.req.valid('json');
    const checked = await checkCredentials(input.provider, input.credentials);
    if (!checked.ok) return refuse(c, checked.error);
    const uid = newId('ch');
    const draft = {
      ...input,
      uid,
      locationHint: input.locationHint ?? null,
      allowlist: input.allowlist ?? defaultAllowlist(checked.value.provider),
      settings: { ...DEFAULT_CHANNEL_SETTINGS, ...namedSettings(input.settings) },
      credentials: await sealCredentials(c, uid, input.credentials),
    };
    const reply = await registryOf(c.env).createChannel(draft, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Channel ${input.id}`);
    if (!reply.repeated) refreshInBackground(c, input.id, checked.value);
    return c.json(renderChannel(c, reply.value), 201);
  },
);

channels.openapi(
  createRoute({
    method: 'get',
    path: '/channels',
    summary: 'List the channels',
    middleware: requires('read'),
    request: { query: PageQuery },
    responses: { 200: jsonOf('Channels by id.', pageOf('ChannelPage', ChannelDetail)), ...problemResponse },
  }),
  async (c) => {
    const records = await registryOf(c.env).listChannels();
    const rows = records.map((record) => ({ id: record.channel.id, record }));
    const page = cutById(rows, c.req.valid('query'), ({ record }) => renderDetail(c, record));
    return page.ok ? c.json(page.value, 200) : refuse(c, page.error);
  },
);

channels.openapi(
  createRoute({
    method: 'get',
    path: '/channels/{id}',
    summary: 'Read a channel',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: { 200: jsonOf('The channel, without its credentials.', ChannelDetail), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const record = await registryOf(c.env).readChannel(id);
    return record ? c.json(renderDetail(c, record), 200) : refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
  },
);

channels.openapi(
  createRoute({
    method: 'patch',
    path: '/channels/{id}',
    summary: 'Change a channel',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders, body: bodyOf(ChannelPatch) },
    responses: { 200: jsonOf('The channel as it stands now.', ChannelBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const { credentials, settings, ...rest } = c.req.valid('json');
    const record = await registryOf(c.env).readChannel(id);
    if (!record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    const checked = credentials && (await checkCredentials(record.channel.provider, credentials));
    if (checked && !checked.ok) return refuse(c, checked.error);
    const sealed = credentials && (await sealCredentials(c, record.channel.uid, credentials));
    const change = { ...rest, settings: settings && namedSettings(settings), credentials: sealed };
    const reply = await registryOf(c.env).updateChannel(id, change, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Channel ${id}`);
    if (checked && !reply.repeated) refreshInBackground(c, id, checked.value);
    return c.json(renderChannel(c, reply.value), 200);
  },
);

const STATUS_CHANGES: Readonly<Record<'pause' | 'resume' | 'disable' | 'enable', StatusChange>> = {
  pause: { to: 'paused', from: ['active'] },
  resume: { to: 'active', from: ['paused'] },
  disable: { to: 'disabled', from: ['active', 'paused'] },
  enable: { to: 'active', from: ['disabled'] },
};
const SUMMARIES = {
  pause: 'Take callbacks in, deliver nothing',
  resume: 'Deliver again, in order',
  disable: 'Acknowledge nothing any more',
  enable: 'Take callbacks in again',
} as const;

for (const action of ['pause', 'resume', 'disable', 'enable'] as const) {
  channels.openapi(
    createRoute({
      method: 'post',
      path: `/channels/{id}/${action}` as const,
      summary: SUMMARIES[action],
      middleware: requires('operate'),
      request: { params: IdParam, headers: WriteHeaders },
      responses: { 200: jsonOf('The channel as it stands now.', ChannelBody), ...problemResponse },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const reply = await registryOf(c.env).setChannelStatus(id, STATUS_CHANGES[action], await stampOf(c));
      if (reply.kind !== 'done') return refuseWrite(c, reply, `Channel ${id}`);
      return c.json(renderChannel(c, reply.value), 200);
    },
  );
}
