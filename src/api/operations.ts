// /v1/api-keys, /v1/projection: what an operator looks at and turns. A key is shown once.
import { callbackLogNameOf, UNKNOWN_LOG } from '../core/arrival.ts';
import { shardNameOf } from '../core/channel.ts';
import { type ApiKey, SCOPES } from '../core/registry.ts';
import { sha256, toBase64Url, toHex, utf8 } from '../crypto/bytes.ts';
import { open, seal } from '../crypto/seal.ts';
import { readConfig } from '../env.ts';
import { forgetApiKeyCopies } from '../store/registry-copy.ts';
import { newId, newIv, requires, stampOf, WriteHeaders } from './auth.ts';
import { IdParam, iso, isoOrNull, Time } from './fields.ts';
import { bodyOf, createRoute, jsonOf, newApp, registryOf, z } from './kit.ts';
import { cutById, PageQuery, pageOf } from './page.ts';
import { problemResponse, refuse } from './problem.ts';
import { refuseWrite } from './write-problem.ts';

const KEY_BYTES = 32;
const KEY_CONTEXT = 'api-key';
/** Shards that rebuild at the same time: each reads all its orders. */
const REBUILDS_AT_ONCE = 4;

export const operations = newApp();

const ApiKeyInput = z
  .strictObject({
    name: z.string().min(1).max(100),
    scopes: z
      .array(z.enum(SCOPES))
      .min(1)
      .max(SCOPES.length)
      .openapi({ description: 'viewer = read; operator = read, orders, operate; admin = admin.' }),
  })
  .openapi('ApiKeyInput');

const ApiKeyBody = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    ending: z.string().openapi({ description: "The key's last four characters." }),
    createdAt: Time,
    revokedAt: Time.nullable(),
  })
  .openapi('ApiKey');

const ApiKeyWithKey = ApiKeyBody.extend({
  key: z.string().openapi({ description: 'Shown this once; only its hash is kept.' }),
}).openapi('ApiKeyWithKey');

const renderApiKey = ({ scopes, createdAt, revokedAt, ...key }: ApiKey) => ({
  ...key,
  scopes: [...scopes],
  createdAt: iso(createdAt),
  revokedAt: isoOrNull(revokedAt),
});

operations.openapi(
  createRoute({
    method: 'post',
    path: '/api-keys',
    summary: 'Create an API key',
    middleware: requires(),
    request: { headers: WriteHeaders, body: bodyOf(ApiKeyInput) },
    responses: { 201: jsonOf('The key, this once.', ApiKeyWithKey), ...problemResponse },
  }),
  async (c) => {
    const { name, scopes } = c.req.valid('json');
    const { masterKey } = readConfig(c.env);
    const key = `tg_${toBase64Url(crypto.getRandomValues(new Uint8Array(KEY_BYTES)))}`;
    const draft = {
      id: newId('key'),
      name,
      scopes: SCOPES.filter((scope) => scopes.includes(scope)),
      ending: key.slice(-4),
      hash: toHex(await sha256(utf8(key))),
      sealed: await seal(key, masterKey, KEY_CONTEXT, newIv()),
    };
    const reply = await registryOf(c.env).createApiKey(draft, await stampOf(c));
    if (reply.kind !== 'done') return refuseWrite(c, reply, `API key ${name}`);
    forgetApiKeyCopies();
    // A repeated call shows the key that the first one made.
    const shown = await open(reply.value.sealed, masterKey, KEY_CONTEXT);
    return c.json({ ...renderApiKey(reply.value.key), key: shown }, 201);
  },
);

operations.openapi(
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

operations.openapi(
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

operations.openapi(
  createRoute({
    method: 'post',
    path: '/projection/rebuild',
    summary: 'Rebuild D1 from the ledgers and the callback logs',
    description: 'Each ledger projects all its orders again, in the background; the newest version wins.',
    middleware: requires(),
    request: { headers: WriteHeaders },
    responses: {
      200: jsonOf(
        'What is being projected again.',
        z.object({ channels: z.int(), shards: z.int(), orders: z.int() }).openapi('Rebuild'),
      ),
      ...problemResponse,
    },
  }),
  async (c) => {
    const records = await registryOf(c.env).listChannels();
    const names = records.flatMap(({ channel }) =>
      Array.from({ length: channel.shards }, (_, shard) => shardNameOf(channel, shard)),
    );
    const logs = [UNKNOWN_LOG, ...records.map(({ channel }) => callbackLogNameOf(channel.uid))];
    await Promise.all(logs.map((name) => c.env.CALLBACK_LOG.getByName(name).rebuild()));
    let orders = 0;
    for (let at = 0; at < names.length; at += REBUILDS_AT_ONCE) {
      const some = names.slice(at, at + REBUILDS_AT_ONCE);
      const rebuilt = await Promise.all(some.map((name) => c.env.LEDGER.getByName(name).rebuild()));
      orders += rebuilt.reduce((sum, shard) => sum + shard.orders, 0);
    }
    return c.json({ channels: records.length, shards: names.length, orders }, 200);
  },
);
