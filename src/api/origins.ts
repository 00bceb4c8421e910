// /v1/origins: create, read, change, pause, resume, rotate. A secret is shown once, by the call that made it.
import type { Origin } from '../core/origin.ts';
import { readConfig } from '../env.ts';
import { formatOf } from '../prepare.ts';
import { openOriginSecrets } from '../store/registry-copy.ts';
import { requires, stampOf, WriteHeaders } from './auth.ts';
import { IdParam } from './fields.ts';
import { bodyOf, type Context, createRoute, jsonOf, newApp, registryOf } from './kit.ts';
import { kindsOf, readChoice } from './origin-choice.ts';
import { OriginWithGate, readGate } from './origin-gate.ts';
import { makeSecret } from './origin-secret.ts';
import { OriginBody, OriginInput, OriginPatch, OriginWithSecret, Rotation, renderOrigin } from './origin-shape.ts';
import { signingProblem } from './origin-signable.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { invalid, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

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
    const { id, secret: given, signature, ...input } = c.req.valid('json');
    const choice = await readChoice(c.env, id, input, { signature });
    if (!choice.ok) return refuse(c, invalid(...choice.error));
    const made = await makeSecret(id, signature, given, readConfig(c.env).masterKey);
    if (!made.ok) return refuse(c, invalid({ field: 'secret', message: made.error }));
    const { url, format, timeoutMs, ladderSeconds, perSecond, concurrent } = input;
    const basics = { url, format, timeoutMs, ladderSeconds, perSecond, concurrent };
    const draft = { id, ...basics, settings: choice.value.settings, secret: made.value.draft };
    const reply = await registryOf(c.env).createOrigin(draft, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Origin ${id}`);
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
    responses: {
      200: jsonOf('The origin, without its secrets, and how it stands.', OriginWithGate),
      ...problemResponse,
    },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const origin = await registryOf(c.env).readOrigin(id);
    if (!origin) return refuseWrite(c, { kind: 'missing' }, `Origin ${id}`);
    return c.json({ ...renderOrigin(origin), gate: await readGate(c.env, id) }, 200);
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
    const entered = c.req.valid('json');
    const origin = await registryOf(c.env).readOrigin(id);
    if (!origin) return refuseWrite(c, { kind: 'missing' }, `Origin ${id}`);
    const choice = await readChoice(c.env, id, entered, origin);
    if (!choice.ok) return refuse(c, invalid(...choice.error));
    const { url, format, timeoutMs, ladderSeconds, perSecond, concurrent } = entered;
    const { settings, leansOnKnown } = choice.value;
    const ifVersion = leansOnKnown ? origin.version : undefined;
    const change = { url, format, timeoutMs, ladderSeconds, perSecond, concurrent, settings, ifVersion };
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
    const overlapping = asked.overlapSeconds > 0 ? kindsOf(origin.secrets, Date.now()) : [];
    const unsigned = await signingProblem(formatOf(origin), [kind, ...overlapping], Date.now());
    if (unsigned !== null) return refuse(c, invalid({ field: 'signature', message: unsigned }));
    const made = await makeSecret(id, kind, asked.secret, readConfig(c.env).masterKey);
    if (!made.ok) return refuse(c, invalid({ field: 'secret', message: made.error }));
    const rotation = { secret: made.value.draft, overlapMs: asked.overlapSeconds * 1_000 };
    const reply = await registryOf(c.env).rotateOrigin(id, rotation, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `Origin ${id}`);
    return c.json(await renderWithSecret(c, reply.value), 200);
  },
);
