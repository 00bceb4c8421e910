// /v1/channels: create, read, change, pause, resume, disable, enable. Credentials go in and never come out.
import { DEFAULT_CHANNEL_SETTINGS } from '../core/channel.ts';
import { SECRET_OVERLAP_MS_DEFAULT, SHARDS_DEFAULT, SHARDS_MAX } from '../core/limits.ts';
import type { StatusChange } from '../core/registry.ts';
import { PROVIDER_IDS } from '../providers/index.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { newId, requires, stampOf, WriteHeaders } from './auth.ts';
import {
  Credentials,
  checkCredentials,
  refreshInBackground,
  rotatedCredentials,
  sealCredentials,
} from './channel-credentials.ts';
import { ChannelSettingsInput, namedSettings } from './channel-settings.ts';
import { ChannelBody, ChannelDetail, Mode, renderChannel, renderDetail } from './channel-shape.ts';
import { AllowlistInput, Id, IdParam } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { problemResponse, refuse } from './problem.ts';
import { RotationTrial, tryCredentials } from './rotation-trial.ts';
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
    description:
      'Only what is named changes, also within settings. Credentials are replaced as a whole and at once: what was ' +
      'signed with the old ones is refused from then on. The rotate route is the way that loses nothing.',
  });

const OVERLAP_SECONDS_MAX = 30 * 86_400;
const ChannelRotation = z
  .strictObject({
    credentials: z.record(z.string(), z.unknown()).openapi({
      description:
        'The fields that change; null takes one away, and all others stay. GET /v1/providers says which rotate.',
    }),
    overlapSeconds: z
      .int('must be a whole number of seconds')
      .min(0, 'must not be below 0: 0 ends the old credentials at once')
      .max(OVERLAP_SECONDS_MAX, `must be at most 30 days: ${OVERLAP_SECONDS_MAX}`)
      .default(SECRET_OVERLAP_MS_DEFAULT / 1_000)
      .openapi({ description: 'How long callbacks of the old credentials are still taken; a day unless set.' }),
    dryRun: z.boolean().default(false).openapi({
      description: 'True: nothing changes. Stored callbacks are verified with the new credentials and with the old.',
    }),
  })
  .openapi('ChannelRotation');

/** Where nothing is published there is nothing to watch for: every callback would seem to come from outside. */
const defaultAllowlist = ({ sourceRanges: ranges }: AnyProvider) => ({
  mode: ranges.length > 0 ? ('monitor' as const) : ('off' as const),
  ranges,
});

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
    const page = cutById(rows, c.req.valid('query'), ({ record }) => record);
    if (!page.ok) return refuse(c, page.error);
    const items = await Promise.all(page.value.items.map((record) => renderDetail(c, record)));
    return c.json({ items, next: page.value.next }, 200);
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
    return record ? c.json(await renderDetail(c, record), 200) : refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
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

channels.openapi(
  createRoute({
    method: 'post',
    path: '/channels/{id}/rotate',
    summary: 'Rotate the credentials of a channel',
    description:
      'The new credentials are used from now on, and callbacks that only the old ones prove are still taken until ' +
      'the overlap ends. One earlier set is kept: another rotation ends the overlap of the one before. The ' +
      'credentials that stand, sent again, only move the end of the overlap.',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders, body: bodyOf(ChannelRotation) },
    responses: {
      200: jsonOf(
        'The channel as it stands now; with dryRun, what the trial found.',
        z.union([ChannelBody, RotationTrial]),
      ),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const record = await registryOf(c.env).readChannel(id);
    if (!record) return refuseWrite(c, { kind: 'missing' }, `Channel ${id}`);
    const rotated = await rotatedCredentials(c, record.channel, c.req.valid('json'));
    if (!rotated.ok) return refuse(c, rotated.error);
    const { rotation, checked } = rotated.value;
    if (c.req.valid('json').dryRun) return c.json(await tryCredentials(c, record, checked), 200);
    const reply = await registryOf(c.env).updateChannel(id, { rotation }, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Channel ${id}`);
    if (!reply.repeated) refreshInBackground(c, id, checked);
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
