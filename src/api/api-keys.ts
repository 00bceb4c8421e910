// /v1/api-keys: who may call, with which scopes, until when. A key is shown once, when it is made; its hash is kept.
import { type ApiKey, SCOPES } from '../core/registry.ts';
import { sha256, toBase64Url, toHex, utf8 } from '../crypto/bytes.ts';
import { open, seal } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import { forgetApiKeyCopies } from '../store/registry-copy.ts';
import { newId, newIv, requires, stampOf, WriteHeaders } from './auth.ts';
import { IdParam, iso, isoOrNull, Time } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { invalid, notFound, problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const KEY_BYTES = 32;
const KEY_CONTEXT = 'api-key';

export const apiKeys = newApp();

const Name = z.string().trim().min(1).max(100);
const End = z.iso.datetime({ offset: true }).nullable();

const ApiKeyInput = z
  .strictObject({
    name: Name,
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .max(SCOPES.length)
      .openapi({ description: 'viewer = read; operator = read, orders, operate; admin = admin.' }),
    expiresAt: End.optional().openapi({ description: 'From then on it is refused; left out or null: never.' }),
  })
  .openapi('ApiKeyInput');

const ApiKeyPatch = z
  .strictObject({ name: Name.optional(), expiresAt: End.optional() })
  .openapi('ApiKeyPatch', { description: 'Scopes cannot change: make another key.' });

export const ApiKeyBody = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    ending: z.string().openapi({ description: "The key's last four characters." }),
    createdAt: Time,
    expiresAt: Time.nullable(),
    lastUsedAt: Time.nullable().openapi({ description: 'To the hour; null: not yet.' }),
    revokedAt: Time.nullable(),
  })
  .openapi('ApiKey');

export const ApiKeyWithKey = ApiKeyBody.extend({
  key: z.string().openapi({ description: 'Shown this once; only its hash is kept.' }),
}).openapi('ApiKeyWithKey');

const renderApiKey = ({ scopes, createdAt, revokedAt, expiresAt, lastUsedAt, ...key }: ApiKey) => ({
  ...key,
  scopes: [...scopes],
  createdAt: iso(createdAt),
  expiresAt: isoOrNull(expiresAt),
  lastUsedAt: isoOrNull(lastUsedAt),
  revokedAt: isoOrNull(revokedAt),
});

/** Undefined where it was not named; a problem where it is over already. */
function endOf(text: string | null | undefined, now: number) {
  if (text === undefined || text === null) return { at: text };
  const at = Date.parse(text);
  return at > now
    ? { at }
    : { problem: invalid({ field: 'expiresAt', message: 'is over already: name a later time' }) };
}

apiKeys.openapi(
  createRoute({
    method: 'post',
    path: '/api-keys',
    summary: 'Create an API key',
    middleware: requires(),
    request: { headers: WriteHeaders, body: bodyOf(ApiKeyInput) },
    responses: { 201: jsonOf('The key, this once.', ApiKeyWithKey), ...problemResponse },
  }),
  async (c) => {
    const { name, scopes, expiresAt } = c.req.valid('json');
    const end = endOf(expiresAt, Date.now());
    if (end.problem) return refuse(c, end.problem);
    const { masterKey } = readConfig(c.env);
    const key = `tg_${toBase64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))}`;
    const draft = {
      id: newId('key'),
      name,
      scopes: SCOPES.filter((scope) => scopes.includes(scope)),
      expiresAt: end.at ?? null,
      ending: key.slice(-4),
      hash: toHex(await sha256(utf8(key))),
      sealed: await seal(key, masterKey, KEY_CONTEXT, newIv()),
    };
    const reply = await registryOf(c.env).createApiKey(draft, await stampOf(c, `api-key/${draft.id}`));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `API key ${name}`);
    forgetApiKeyCopies();
    // A repeated call shows the key that the first one made.
    const shown = await open(reply.value.sealed, masterKey, KEY_CONTEXT);
    return c.json({ ...renderApiKey(reply.value.key), key: shown }, 201);
  },
);

apiKeys.openapi(
  createRoute({
    method: 'get',
    path: '/api-keys',
    summary: 'List the API keys',
    middleware: requires(),
    request: { query: PageQuery },
    responses: {
      200: jsonOf('Keys by id, the revoked ones too.', pageOf('ApiKeyPage', ApiKeyBody)),
      ...problemResponse,
    },
  }),
  async (c) => {
    const page = cutById(await registryOf(c.env).listApiKeys(), c.req.valid('query'), renderApiKey);
    return page.ok ? c.json(page.value, 200) : refuse(c, page.error);
  },
);

apiKeys.openapi(
  createRoute({
    method: 'get',
    path: '/api-keys/{id}',
    summary: 'Read an API key, without the key itself',
    middleware: requires(),
    request: { params: IdParam },
    responses: { 200: jsonOf('The key as it stands.', ApiKeyBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const found = (await registryOf(c.env).listApiKeys()).find((key) => key.id === id);
    return found ? c.json(renderApiKey(found), 200) : refuse(c, notFound(`API key ${id}`));
  },
);

apiKeys.openapi(
  createRoute({
    method: 'patch',
    path: '/api-keys/{id}',
    summary: 'Rename an API key, or change when it ends',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders, body: bodyOf(ApiKeyPatch) },
    responses: { 200: jsonOf('The key as it stands now.', ApiKeyBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const { name, expiresAt } = c.req.valid('json');
    const end = endOf(expiresAt, Date.now());
    if (end.problem) return refuse(c, end.problem);
    const reply = await registryOf(c.env).changeApiKey(id, { name, expiresAt: end.at }, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `API key ${id} that is not revoked`);
    forgetApiKeyCopies();
    return c.json(renderApiKey(reply.value), 200);
  },
);

apiKeys.openapi(
  createRoute({
    method: 'delete',
    path: '/api-keys/{id}',
    summary: 'Revoke an API key',
    description: 'It is refused everywhere within 10 seconds.',
    middleware: requires(),
    request: { params: IdParam, headers: WriteHeaders },
    responses: { 200: jsonOf('The key as it stands now.', ApiKeyBody), ...problemResponse },
  }),
  async (c) => {
    const { id } = c.req.valid('param');
    const reply = await registryOf(c.env).revokeApiKey(id, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `API key ${id}`);
    forgetApiKeyCopies();
    return c.json(renderApiKey(reply.value), 200);
  },
);
