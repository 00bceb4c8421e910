// /v1/origins: create, read, change, pause, resume, rotate. A secret is shown once, by the call that made it.
import type { Origin } from '../core/channel.ts';
import {
  ORIGIN_CONCURRENT_DEFAULT,
  ORIGIN_PER_SECOND_DEFAULT,
  ORIGIN_TIMEOUT_MS_DEFAULT,
  ORIGIN_TIMEOUT_MS_MAX,
  RETRY_LADDER_SECONDS,
  SECRET_OVERLAP_MS_DEFAULT,
} from '../core/limits.ts';
import { readConfig } from '../env.ts';
import { FORMAT_NAMES } from '../formats/index.ts';
import { openOriginSecrets } from '../store/registry-copy.ts';
import { requires, stampOf, WriteHeaders } from './auth.ts';
import { Id, IdParam, iso, isoOrNull, Time } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { addressProblem } from './origin-address.ts';
import { makeSecret } from './origin-secret.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { invalid, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const LADDER_STEPS_MAX = 30;
const LADDER_WAIT_SECONDS_MAX = 7 * 86_400;
const OVERLAP_SECONDS_MAX = 30 * 86_400;

const settings = {
  url: z.string().openapi({ example: 'https://shop.example/hooks/tollgate' }),
  format: z.enum(FORMAT_NAMES),
  timeoutMs: z.int().min(500).max(ORIGIN_TIMEOUT_MS_MAX),
  ladderSeconds: z
    .array(z.int().min(0).max(LADDER_WAIT_SECONDS_MAX))
    .min(1)
    .max(LADDER_STEPS_MAX)
    .openapi({ description: 'Waits before each attempt, in seconds, the first before the first one.' }),
  perSecond: z.int().min(1).max(10_000),
  concurrent: z.int().min(1).max(1_000),
};
const Signature = z.enum(['hmac', 'ed25519']);
const GivenSecret = z
  .string()
  .max(200)
  .openapi({ description: 'Left out: one is made. HMAC: whsec_ and 24 to 64 bytes in base64.' });

const OriginInput = z
  .strictObject({
    id: Id,
    url: settings.url,
    format: settings.format.default('standard'),
    secret: GivenSecret.optional(),
    signature: Signature.default('hmac'),
    timeoutMs: settings.timeoutMs.default(ORIGIN_TIMEOUT_MS_DEFAULT),
    ladderSeconds: settings.ladderSeconds.default([...RETRY_LADDER_SECONDS]),
    perSecond: settings.perSecond.default(ORIGIN_PER_SECOND_DEFAULT),
    concurrent: settings.concurrent.default(ORIGIN_CONCURRENT_DEFAULT),
  })
  .openapi('OriginInput');

const OriginPatch = z
  .strictObject(settings)
  .partial()
  .openapi('OriginPatch', { description: 'Only what is named changes.' });

const Rotation = z
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

const OriginBody = z
  .object({
    id: z.string(),
    ...settings,
    format: z.string(),
    status: z.enum(['active', 'paused']),
    pauseReason: z.string().nullable(),
    signature: Signature,
    publicKey: z.string().nullable().openapi({ description: 'whpk_… when the newest secret is ed25519.' }),
    secrets: z.array(
      z.object({ kind: Signature, publicKey: z.string().nullable(), createdAt: Time, expiresAt: Time.nullable() }),
    ),
    version: z.int(),
    createdAt: Time,
    updatedAt: Time,
  })
  .openapi('Origin');

const OriginWithSecret = OriginBody.extend({
  secret: z.string().openapi({ description: 'Shown this once: keep it where the origin verifies signatures.' }),
}).openapi('OriginWithSecret');

const renderOrigin = ({ secrets, ladderSeconds, createdAt, updatedAt, ...plain }: Origin) => ({
  ...plain,
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

/** Opens what the registry holds, so that a repeated call shows the secret that the first one made. */
async function renderWithSecret(c: Context, origin: Origin) {
  const [newest] = await openOriginSecrets(origin, readConfig(c.env).masterKey);
  return { ...renderOrigin(origin), secret: newest?.secret ?? '' };
}

export const origins = newApp();

origins.openapi(
  createRoute({
    method: 'post',
    path: '/origins',
    summary: 'Create an origin',
    middleware: requires(),
    request: { headers: WriteHeaders, body: bodyOf(OriginInput) },
    responses: { 201: jsonOf('The origin, with its secret this once.', OriginWithSecret), ...problemResponse },
  }),
  async (c) => {
    const { secret: given, signature, ...input } = c.req.valid('json');
    const config = readConfig(c.env);
    const problem = addressProblem(input.url, config.isLocal);
    if (problem !== null) return refuse(c, invalid({ field: 'url', message: problem }));
    const made = await makeSecret(input.id, signature, given, config.masterKey);
    if (!made.ok) return refuse(c, invalid({ field: 'secret', message: made.error }));
    const draft = { ...input, secret: made.value.draft };
    const reply = await registryOf(c.env).createOrigin(draft, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Origin ${input.id}`);
    return c.json(await renderWithSecret(c, reply.value), 201);
  },
);

origins.openapi(
  createRoute({
    method: 'get',
    path: '/origins',
    summary: 'List the origins',
    middleware: requires('read'),
    request: { query: PageQuery },
    responses: { 200: jsonOf('Origins by id.', pageOf('OriginPage', OriginBody)), ...problemResponse },
  }),
  async (c) => {
    const page = cutById(await registryOf(c.env).listOrigins(), c.req.valid('query'), renderOrigin);
    return page.ok ? c.json(page.value, 200) : refuse(c, page.error);
  },
);

origins.openapi(
  createRoute({
    method: 'get',
    path: '/origins/{id}',
    summary: 'Read an origin',
    middleware: requires('read'),
    request: { params: IdParam },
    responses: { 200: jsonOf('The origin, without its secrets.', OriginBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const origin = await registryOf(c.env).readOrigin(id);
    return origin ? c.json(renderOrigin(origin), 200) : refuseWrite(c, { kind: 'missing' }, `Origin ${id}`);
  },
);

origins.openapi(
  createRoute({
    method: 'patch',
    path: '/origins/{id}',
    summary: 'Change an origin',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders, body: bodyOf(OriginPatch) },
    responses: { 200: jsonOf('The origin as it stands now.', OriginBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const change = c.req.valid('json');
    const problem = change.url === undefined ? null : addressProblem(change.url, readConfig(c.env).isLocal);
    if (problem !== null) return refuse(c, invalid({ field: 'url', message: problem }));
    const reply = await registryOf(c.env).updateOrigin(id, change, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Origin ${id}`);
    return c.json(renderOrigin(reply.value), 200);
  },
);

for (const action of ['pause', 'resume'] as const) {
  origins.openapi(
    createRoute({
      method: 'post',
      path: `/origins/{id}/${action}` as const,
      summary: action === 'pause' ? 'Keep deliveries waiting' : 'Deliver again, in order',
      middleware: requires('operate'),
      request: { params: IdParam, headers: WriteHeaders },
      responses: { 200: jsonOf('The origin as it stands now.', OriginBody), ...problemResponse },
    }),
    async (c) => {
      const { id } = c.req.valid('param');
      const reply = await registryOf(c.env).setOriginPaused(id, action === 'pause', await stampOf(c));
      if (reply.kind !== 'done') return refuseWrite(c, reply, `Origin ${id}`);
      return c.json(renderOrigin(reply.value), 200);
    },
  );
}

origins.openapi(
  createRoute({
    method: 'post',
    path: '/origins/{id}/rotate',
    summary: 'Give the origin a new signing secret',
    description: 'Both secrets sign during the overlap. The body may be left out.',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders, body: { ...bodyOf(Rotation), required: false } },
    responses: { 200: jsonOf('The origin, with its new secret this once.', OriginWithSecret), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const asked = Rotation.parse(c.req.valid('json')); // an absent body is not validated: defaults come from here
    const origin = await registryOf(c.env).readOrigin(id);
    if (!origin) return refuseWrite(c, { kind: 'missing' }, `Origin ${id}`);
    const kind = asked.signature ?? origin.secrets[0]?.kind ?? 'hmac';
    const made = await makeSecret(id, kind, asked.secret, readConfig(c.env).masterKey);
    if (!made.ok) return refuse(c, invalid({ field: 'secret', message: made.error }));
    const rotation = { secret: made.value.draft, overlapMs: asked.overlapSeconds * 1_000 };
    const reply = await registryOf(c.env).rotateOrigin(id, rotation, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Origin ${id}`);
    return c.json(await renderWithSecret(c, reply.value), 200);
  },
);
