// /v1 as a whole: who gets in, how refusals look, the contract it publishes about itself, and whether it is well.
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { api } from '../../src/api/app.ts';
import { ADMIN_KEY, call, makeKey, unique } from './api-world.ts';

afterEach(() => vi.restoreAllMocks());

const document = (await call('GET', '/openapi.json', undefined, { key: null })).body;
const OPERATIONS = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
  Object.keys(item).map((method) => [method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'x')] as const),
);

describe('the door of /v1', () => {
  it.each(OPERATIONS)('lets nobody in without a key: %s %s', async (method, path) => {
    const reply = await call(method, path, undefined, { key: null });
    expect(reply.status).toBe(401);
    expect(reply.body.code).toBe('unauthorized');
    expect(reply.headers.get('www-authenticate')).toBe('Bearer');
  });

  it.each([
    ['another key', 'tg_another_key_that_was_never_made_012345'],
    ['the key without its last letter', ADMIN_KEY.slice(0, -1)],
    ['the key and more', `${ADMIN_KEY}x`],
    ['no key form at all', 'password'],
    ['a blank', ''],
  ])('refuses %s', async (_, key) => {
    expect((await call('GET', '/v1/channels', undefined, { key })).status).toBe(401);
  });

  const NAMES = OPERATIONS.map(([method, path]) => `${method} ${path}`);
  /** What shows a payer's data, or who did what. */
  const PROOF = ['GET /v1/archives', 'GET /v1/archives/lines', 'GET /v1/audit', 'GET /v1/orders/x/x/evidence'];
  const MAY: Readonly<Record<string, readonly string[]>> = {
    read: [
      ...NAMES.filter(
        (name) => name.startsWith('GET ') && !/^GET .v1.(api-keys|access)|.test.x$/.test(name) && !PROOF.includes(name),
      ),
      'POST /v1/channels/x/diagnose',
      'POST /v1/sessions/end',
    ],
    orders: [
      'GET /v1/me',
      'POST /v1/sessions/end',
      ...['GET /v1/orders', 'GET /v1/orders/x/x', 'GET /v1/orders/x/x/refunds', 'POST /v1/orders'],
      ...['GET /v1/products/x/qr.png', 'GET /v1/products/x/qr.svg', 'POST /v1/orders/x/x/query'],
    ],
    operate: [
      'GET /v1/me',
      'POST /v1/sessions/end',
      ...['query', 'close', 'refunds', 'release', 'replay'].map((action) => `POST /v1/orders/x/x/${action}`),
      ...PROOF,
      'GET /v1/channels/x/test/x',
      'POST /v1/channels/x/test/echo',
      ...['pause', 'resume', 'disable', 'enable', 'diagnose', 'test'].map((action) => `POST /v1/channels/x/${action}`),
      ...['pause', 'resume', 'preview', 'check'].map((action) => `POST /v1/origins/x/${action}`),
      'POST /v1/alarms/x/acknowledge',
      'POST /v1/alarms/x/resolve',
      'POST /v1/orders/x/x/refunds/x/abandon',
      'POST /v1/products',
      'PATCH /v1/products/x',
      'POST /v1/replays',
      'POST /v1/replays/x/cancel',
      ...['POST /v1/reconciliations', 'POST /v1/reconciliations/bills', 'PATCH /v1/discrepancies/x'],
    ],
    metrics: ['GET /v1/me', 'POST /v1/sessions/end'],
    admin: NAMES,
  };
  it.each(Object.keys(MAY))('lets a key with the scope %s do what that scope says and no more', async (scope) => {
    const key = await makeKey(scope);
    const admitted: string[] = [];
    for (const [method, path] of OPERATIONS) {
      const { status } = await call(method, path, undefined, { key });
      expect(status).not.toBe(401);
      if (status !== 403) admitted.push(`${method} ${path}`);
    }
    expect(admitted.sort()).toEqual([...(MAY[scope] ?? [])].sort());
  });

  it('refuses a key at once where it was revoked', async () => {
    const key = await makeKey('read');
    expect((await call('GET', '/v1/channels', undefined, { key })).status).toBe(200);
    const { items } = (await call('GET', '/v1/api-keys?limit=200')).body;
    const id = items?.find((one) => String(one.ending) === key.slice(-4))?.id;
    expect((await call('DELETE', `/v1/api-keys/${id}`)).body.revokedAt).not.toBeNull();
    expect((await call('GET', '/v1/channels', undefined, { key })).status).toBe(401);
    expect((await call('DELETE', '/v1/api-keys/key_none')).status).toBe(404);
  });
});

describe('a refusal', () => {
  it('is a problem document with a code, a title, a status and a sentence', async () => {
    const reply = await call('GET', '/v1/channels/nowhere');
    expect(reply.status).toBe(404);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply.body).toEqual({
      type: 'about:blank',
      title: 'There is no such thing here',
      status: 404,
      code: 'not_found',
      detail: 'Channel nowhere is not known.',
    });
  });

  it.each([
    ['GET', '/v1/nothing'],
    ['GET', '/v1'],
    ['GET', '/elsewhere'],
  ])('answers %s %s as not found, key or no key', async (method, path) => {
    for (const key of [ADMIN_KEY, null]) {
      const reply = await call(method, path, undefined, { key });
      expect([reply.status, reply.body.code]).toEqual([404, 'not_found']);
    }
  });

  it.each([
    ['PUT', '/v1/channels', 'POST, GET, HEAD'],
    ['DELETE', '/v1/channels/nowhere', 'GET, HEAD, PATCH'],
    ['POST', '/metrics', 'GET, HEAD'],
  ])('answers %s %s as a method that is not taken, and tells which are', async (method, path, allowed) => {
    const reply = await call(method, path);
    expect([reply.status, reply.body.code]).toEqual([405, 'method_not_allowed']);
    expect(reply.headers.get('allow')).toBe(allowed);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
  });

  it.each(['{', '', 'null garbage', '{"a":1,}'])('answers 400 to the body %j, which is not JSON', async (body) => {
    const reply = await call('POST', '/v1/origins', body);
    expect([reply.status, reply.body.code]).toEqual([400, 'invalid_json']);
  });

  it.each(['null', '[]', '3', '"text"'])('answers 422 to the JSON %s, which is no object', async (body) => {
    const reply = await call('POST', '/v1/origins', body);
    expect([reply.status, reply.body.code]).toEqual([422, 'validation_failed']);
    expect(reply.body.errors?.[0]?.field).toBe('body');
  });

  it('answers 415 to a body that does not say it is JSON', async () => {
    const reply = await call('POST', '/v1/origins', 'id=a', { headers: { 'content-type': 'text/plain' } });
    expect([reply.status, reply.body.code]).toEqual([415, 'unsupported_media_type']);
  });

  it('answers 413 to a body above the limit, whether or not its length was declared', async () => {
    const large = JSON.stringify({ id: 'x'.repeat(70_000) });
    expect((await call('POST', '/v1/origins', large)).body.code).toBe('body_too_large');
    const stream = new Blob([large]).stream();
    const request = new Request('http://127.0.0.1/v1/origins', {
      method: 'POST',
      body: stream,
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    });
    const reply = await api.fetch(request, env);
    expect(reply.status).toBe(413);
  });

  it('names each field that has to be mended, the unknown ones too', async () => {
    const reply = await call('POST', '/v1/orders', {
      channel: 'a',
      orderNo: 'has space',
      amount: { minor: 1.5 },
      pey: 1,
    });
    expect(reply.status).toBe(422);
    expect(reply.body.errors?.map((one) => one.field).sort()).toEqual([
      'amount.currency',
      'amount.minor',
      'orderNo',
      'pey',
    ]);
  });

  it.each([
    ['GET', '/v1/orders?limit=0'],
    ['GET', '/v1/orders?limit=201'],
    ['GET', '/v1/orders?limit=x'],
    ['GET', '/v1/orders?state=sold'],
    ['GET', '/v1/orders?cursor=%00'],
    ['GET', '/v1/orders?cursor=WyJhIl0'],
    ['GET', '/v1/callbacks?cursor=bnVsbA'],
    ['GET', '/v1/callbacks?verdict=maybe'],
    ['GET', '/v1/alarms?cursor=e30'],
    ['GET', '/v1/channels?cursor=WzFd'],
    ['GET', '/v1/deliveries?state=lost'],
    ['GET', '/v1/rejections?minutes=99999'],
  ])('answers 422 to %s %s', async (method, path) => {
    const reply = await call(method, path);
    expect([reply.status, reply.body.code]).toEqual([422, 'validation_failed']);
  });

  it('never becomes a 5xx, whatever JSON is sent', async () => {
    const nested = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const bodies = [
      nested,
      '{"__proto__":{"id":"x"}}',
      '{"id":"\\u0000"}',
      '{"credentials":[]}',
      '{"origins":{"0":1}}',
    ];
    for (const [method, path] of OPERATIONS.filter(([method]) => method !== 'GET')) {
      for (const body of bodies) expect((await call(method, path, body)).status).toBeLessThan(500);
    }
  });

  it('says nothing of the inside when the inside fails, and logs one line', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const broken = {
      ...env,
      REGISTRY: { getByName: () => ({ listChannels: () => Promise.reject(new Error('secret')) }) },
    };
    const request = new Request('http://x/v1/channels', { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    const reply = await api.fetch(request, broken as unknown as Env); // a binding that fails
    expect(reply.status).toBe(500);
    expect(await reply.text()).not.toContain('secret');
    expect(log).toHaveBeenCalledTimes(1);
    expect(log.mock.calls[0]?.[0]).toContain('"path":"/v1/channels"');
  });

  it('may not be cached', async () => {
    expect((await call('GET', '/v1/channels/nowhere')).headers.get('cache-control')).toBe('no-store');
  });
});

describe('the contract', () => {
  it('has every route that the application has under /v1, and no other', () => {
    const served = api.routes
      .filter(({ method, path }) => method !== 'ALL' && path.startsWith('/v1/'))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
    const told = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(told.sort()).toEqual([...new Set(served)].sort());
    expect(told.length).toBeGreaterThan(25);
  });

  it('names only schemas that it has, and tells a problem document for every operation', () => {
    const text = JSON.stringify(document);
    const named = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => String(name));
    expect(named.filter((name) => document.components?.schemas?.[name] === undefined)).toEqual([]);
    for (const item of Object.values(document.paths ?? {})) {
      for (const operation of Object.values(item)) {
        expect(operation.responses?.['4XX']).toEqual({ $ref: '#/components/responses/Problem' });
        expect(operation.summary?.length).toBeGreaterThan(5);
      }
    }
    expect(document.openapi).toBe('3.1.0');
    expect(document.components?.securitySchemes?.key?.scheme).toBe('bearer');
  });

  it('declares the parameters that stand in each path', () => {
    for (const [path, item] of Object.entries(document.paths ?? {})) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const operation of Object.values(item)) {
        const told = (operation.parameters ?? []).filter((one) => String(one.in) === 'path').map((one) => one.name);
        expect(told).toEqual(inPath);
      }
    }
  });

  it('is shown to people on a page that loads nothing from elsewhere and runs nothing inline', async () => {
    const page = await call('GET', '/docs', undefined, { key: null });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toMatch(
      /default-src 'none'; style-src 'self'; script-src 'self'/,
    );
    expect(page.text).not.toMatch(/<script(?! src="\/docs\/)|<style|\sstyle=|\son\w+=|(?:src|href)="(?:https?:)?\/\//);
    for (const path of Object.keys(document.paths ?? {})) expect(page.text).toContain(path);
    for (const name of Object.keys(document.components?.schemas ?? {}))
      expect(page.text).toContain(`id="schema-${name}"`);
    const dead = [...page.text.matchAll(/href="#([^"]+)"/g)].filter(([, id]) => !page.text.includes(`id="${id}"`));
    expect(dead).toEqual([]);
    expect(page.text).toContain('<code>idempotency_key_reused</code>');
    expect(page.text).not.toContain('[object Object]');
    for (const [file, type] of [
      ['style.css', 'text/css'],
      ['script.js', 'text/javascript'],
    ]) {
      const reply = await call('GET', `/docs/${file}`, undefined, { key: null });
      expect([reply.status, reply.headers.get('content-type')]).toEqual([200, `${type}; charset=utf-8`]);
    }
  });
});

describe('whatever is answered', () => {
  it.each(['/v1/channels', '/openapi.json', '/docs', '/healthz', '/nowhere'])(
    'is taken by browsers for what it says it is: %s',
    async (path) => {
      const reply = await call('GET', path, undefined, { key: null });
      expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
    },
  );

  it('to anybody who asks for the contract is made once, however often it is asked for', async () => {
    for (const path of ['/openapi.json', '/docs']) await call('GET', path, undefined, { key: null });
    const making = vi.spyOn(api, 'getOpenAPI31Document');
    const replies = await Promise.all(
      ['/openapi.json', '/docs', '/openapi.json', '/docs'].map((path) => call('GET', path, undefined, { key: null })),
    );
    expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(replies[1]?.text).toEqual(replies[3]?.text);
    expect(making).not.toHaveBeenCalled();
  });
});

describe('/healthz', () => {
  it('answers 200 when configuration, registry and D1 do, without a key', async () => {
    const reply = await call('GET', '/healthz', undefined, { key: null });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({ status: 'ok', parts: { configuration: 'ok', registry: 'ok', projection: 'ok' } });
  });

  const broken = { getByName: () => ({ ping: () => Promise.reject(new Error('down')) }) };
  it.each([
    ['registry', { REGISTRY: broken }],
    ['projection', { DB: { prepare: () => ({ all: () => Promise.reject(new Error('D1_ERROR')) }) } }],
    ['configuration', { TOLLGATE_MASTER_KEY: 'c2hvcnQ=' }],
  ])('answers 503 and names the %s when that is what fails, and shows no secret', async (part, change) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const changed = { ...env, ...change } as unknown as Env; // broken on purpose
    const reply = await api.fetch(new Request('http://x/healthz'), changed);
    expect(reply.status).toBe(503);
    const text = await reply.text();
    const { parts } = JSON.parse(text);
    expect(Object.entries(parts).filter(([, finding]) => finding !== 'ok')).toEqual([[part, 'failed']]);
    expect(text).not.toContain('c2hvcnQ=');
    expect(text).not.toContain(ADMIN_KEY);
  });
});

describe('/v1/api-keys', () => {
  it('shows a key once, to its maker, and keeps no more than its hash and its ending', async () => {
    const name = unique('key');
    const reply = await call('POST', '/v1/api-keys', { name, scopes: ['operate', 'read', 'read'] });
    expect(reply.status).toBe(201);
    expect(reply.body.key).toMatch(/^tg_[\w-]{43}$/);
    expect(reply.body.scopes).toEqual(['read', 'operate']);
    const list = await call('GET', '/v1/api-keys?limit=200');
    expect(list.text).toContain(name);
    expect(list.text).not.toContain(String(reply.body.key));
    expect(list.text).not.toContain('hash');
  });

  it('shows the same key again to the same request with the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': unique('once') };
    const [one, two] = [
      await call('POST', '/v1/api-keys', { name: 'a', scopes: ['read'] }, { headers }),
      await call('POST', '/v1/api-keys', { name: 'a', scopes: ['read'] }, { headers }),
    ];
    expect(two.body).toEqual(one.body);
  });
});
