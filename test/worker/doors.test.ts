// The doors of /v1 and of the console, each one there is, taken from the contract and from the pages themselves: who is
// let in, what is said to those who are not, and what the audit log says of whoever did something.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { API_KEYS_MAX } from '../../src/core/limits.ts';
import { SCOPES, type Scope } from '../../src/core/registry.ts';
import worker from '../../src/index.ts';
import {
  ADMIN_KEY,
  call,
  channelInput,
  credentials,
  type Json,
  makeChannel,
  makeKey,
  type Reply,
  unique,
} from './api-world.ts';
import { BASE, tokenIn, Visitor } from './console-world.ts';
import { down, HOUR_MS, later, MINUTE_MS, Shop, startClock } from './order-world.ts';
import { DAY, filesOf, Merchant, trade } from './reconcile-world.ts';

type Door = {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly scopes: readonly string[];
};

const list = (value: Json | undefined): readonly Json[] => (value === undefined ? [] : [...value]);
const { body: contract } = await call('GET', '/openapi.json', undefined, { key: null });
const doors: readonly Door[] = Object.entries(contract.paths ?? {}).flatMap(([path, item]) =>
  Object.entries(item).map(([verb, operation]) => ({
    name: `${verb} ${path}`,
    method: verb.toUpperCase(),
    path: path.replaceAll(/\{\w+\}/g, 'none'),
    scopes: list(operation.security).flatMap(({ key }) => list(key).map(String)),
  })),
);
const isWrite = ({ method }: Door): boolean => method !== 'GET';

const keys = new Map<string, Promise<string>>();
const keyWith = (scopes: readonly Scope[]): Promise<string> => {
  const known = keys.get(scopes.join());
  if (known) return known;
  const made = makeKey(...scopes);
  keys.set(scopes.join(), made);
  return made;
};

const ask = ({ method, path }: Door, key: string | null, headers: Record<string, string> = {}): Promise<Reply> =>
  call(method, path, method === 'GET' ? undefined : {}, { key, headers });

const problemOf = ({ status, headers, body }: Reply) => ({
  status,
  type: headers.get('content-type'),
  code: String(body.code),
  isTold: String(body.detail).length > 10,
  kept: headers.get('cache-control'),
  sniffed: headers.get('x-content-type-options'),
  by: headers.get('strict-transport-security'),
});
const REFUSED = {
  type: 'application/problem+json',
  isTold: true,
  kept: 'no-store',
  sniffed: 'nosniff',
  by: 'max-age=31536000',
};

describe('every operation of the contract', () => {
  it('refuses whoever brings no key, or none that counts, and says so', async () => {
    expect(doors.length).toBeGreaterThan(70);
    for (const door of doors) {
      for (const authorization of [null, 'Bearer tg_nobody', 'Bearer ', 'Basic YTpi', 'tg_nobody']) {
        const reply = await ask(door, null, authorization === null ? {} : { authorization });
        expect(problemOf(reply), `${door.name} ${authorization}`).toEqual({
          ...REFUSED,
          status: 401,
          code: 'unauthorized',
        });
        expect(reply.headers.get('www-authenticate')).toBe('Bearer');
      }
    }
  });

  it('refuses a key that has every scope but those that suffice, and says which would', async () => {
    for (const door of doors) {
      const others = SCOPES.filter((scope) => scope !== 'admin' && !door.scopes.includes(scope));
      if (others.length === 0) continue; // whoever has a key may ask who it is, and log out
      const reply = await ask(door, await keyWith(others));
      expect(problemOf(reply), door.name).toEqual({ ...REFUSED, status: 403, code: 'forbidden' });
      for (const scope of door.scopes) expect(String(reply.body.detail), door.name).toContain(scope);
    }
  });

  it('lets in whoever has one of those scopes, and no other', async () => {
    for (const door of doors.filter((one) => !isWrite(one))) {
      for (const scope of SCOPES.filter((one) => one !== 'admin' && door.scopes.includes(one))) {
        const { status } = await ask(door, await keyWith([scope]));
        expect([401, 403], `${door.name} ${scope}`).not.toContain(status);
      }
    }
  });

  it('is written by nobody who may only look, and things that prove somebody are changed by admins alone', () => {
    const writers = doors.filter(isWrite);
    const byReaders = writers.filter(({ scopes }) => scopes.includes('read')).map(({ name }) => name);
    expect(byReaders.sort()).toEqual(['post /v1/channels/{id}/diagnose', 'post /v1/sessions/end']);
    const byMetrics = doors.filter(({ scopes }) => scopes.includes('metrics')).map(({ name }) => name);
    expect(byMetrics.sort()).toEqual(['get /v1/me', 'post /v1/sessions/end']);
    const forAdmins = doors.filter(({ scopes }) => scopes.join() === 'admin').map(({ name }) => name);
    expect(forAdmins).toEqual(
      expect.arrayContaining([
        ...['get /v1/api-keys', 'post /v1/api-keys', 'patch /v1/api-keys/{id}', 'delete /v1/api-keys/{id}'],
        ...['get /v1/access', 'put /v1/access', 'post /v1/channels', 'patch /v1/channels/{id}'],
        ...['post /v1/channels/{id}/rotate', 'post /v1/origins', 'patch /v1/origins/{id}'],
        ...['post /v1/origins/{id}/rotate', 'put /v1/alarm-rules', 'post /v1/alarm-destinations'],
      ]),
    );
  });
});

describe('every write of the contract', () => {
  it('that a key does not allow is in the audit log, so far and no further', async () => {
    later(2 * HOUR_MS); // what was refused before is another hour's
    const from = new Date(Date.now()).toISOString();
    const { id: actor, key } = (await call('POST', '/v1/api-keys', { name: 'only looks', scopes: ['read'] })).body;
    const as = { key: String(key), headers: { 'cf-connecting-ip': '203.0.113.66' } };
    const refused = doors.filter((door) => isWrite(door) && !door.scopes.includes('read'));
    for (const { method, path } of [...refused, ...refused]) {
      expect((await call(method, path, {}, as)).status, path).toBe(403);
    }
    const told = await vi.waitFor(async () => {
      const { body } = await call('GET', `/v1/audit?actor=${actor}&limit=200`);
      const items = list(body.items);
      expect(items.length).toBe(refused.length);
      return items;
    });
    expect(new Set(told.map(({ act, remoteAddress }) => `${act} ${remoteAddress}`))).toEqual(
      new Set(['write.refused 203.0.113.66']),
    );
    const abouts = told.map(({ about, subject }) => `${about} ${subject}`);
    expect(abouts).toContain('channel.pause channel/none');
    expect(abouts).toContain('order.refunds order/none/none');
    expect(abouts).toContain('api-key.create ');
    const act = { kind: 'write.refused', subject: '', about: '', reason: null, actor: 'flood', address: null };
    const registry = env.REGISTRY.getByName('registry');
    for (let n = 0; n < 80; n++) await registry.noteAct(act, Date.now());
    await vi.waitFor(async () => {
      const { body } = await call('GET', `/v1/audit?act=write.refused&limit=200&from=${from}`);
      expect(list(body.items)).toHaveLength(60);
    });
  });

  beforeEach(() => {
    startClock();
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => vi.restoreAllMocks());

  /** What changes nothing here: it asks, or shows. A registration is in its order's own history. */
  const UNTOLD = [
    'post /v1/channels/check',
    'post /v1/origins/{id}/check',
    'post /v1/origins/{id}/preview',
    'post /v1/orders',
  ];

  it('is in the audit log: who did it, to what, from where', async () => {
    const FROM = '203.0.113.99';
    const { id: actor, key } = (await call('POST', '/v1/api-keys', { name: 'who', scopes: ['admin'] })).body;
    const as = { key: String(key), headers: { 'cf-connecting-ip': FROM } };
    /** What was written, by the name of its operation: the act and its subject. */
    const expected = new Map<string, readonly [act: string, subject: string]>();
    const write = async (name: string, act: string, subject: string, given: object, body?: unknown) => {
      const [verb = '', pattern = ''] = name.split(' ');
      const path = Object.entries(given).reduce(
        (now, [part, value]) => now.replace(`{${part}}`, encodeURIComponent(String(value))),
        pattern,
      );
      const reply = await call(verb.toUpperCase(), path, body, as);
      expect([200, 201, 202], `${name}: ${reply.text}`).toContain(reply.status);
      const [bare = pattern] = pattern.split('?');
      expected.set(`${verb} ${bare}`, [act, subject.replace('{made}', String(reply.body.id))]);
      return reply;
    };

    const id = unique('who');
    await write('post /v1/origins', 'origin.create', `origin/${id}`, {}, { id, url: 'https://a.example/' });
    await write('patch /v1/origins/{id}', 'origin.change', `origin/${id}`, { id }, { timeoutMs: 5_000 });
    for (const verb of ['pause', 'resume', 'rotate']) {
      await write(`post /v1/origins/{id}/${verb}`, `origin.${verb}`, `origin/${id}`, { id });
    }
    const channel = channelInput({ id });
    await write('post /v1/channels', 'channel.create', `channel/${id}`, {}, channel);
    await write('patch /v1/channels/{id}', 'channel.change', `channel/${id}`, { id }, { mode: 'open' });
    await write('post /v1/channels/{id}/rotate', 'channel.rotate', `channel/${id}`, { id }, { credentials });
    for (const verb of ['pause', 'resume', 'disable', 'enable']) {
      await write(`post /v1/channels/{id}/${verb}`, `channel.${verb}`, `channel/${id}`, { id });
    }
    const about = `channel/${id}`;
    await write('post /v1/channels/{id}/test', 'channel.test', about, { id });
    await write('post /v1/channels/{id}/test/echo', 'channel.test.echo', about, { id });
    const scanned = await makeChannel({
      provider: 'wechatpay-v2',
      credentials: { mchId: '1900000109', appIds: ['wx2421b1c4370ec43b'], apiKey: 'k'.repeat(32), signTypes: ['MD5'] },
    });
    const product = { id, channel: scanned, name: 'Tea', amount: { minor: 100, currency: 'CNY' } };
    await write('post /v1/products', 'product.create', `product/${id}`, {}, product);
    await write('patch /v1/products/{id}', 'product.change', `product/${id}`, { id }, { enabled: false });

    const made = await write(
      'post /v1/api-keys',
      'api-key.create',
      'api-key/{made}',
      {},
      { name: 'x', scopes: ['read'] },
    );
    const keyId = String(made.body.id);
    await write('patch /v1/api-keys/{id}', 'api-key.change', `api-key/${keyId}`, { id: keyId }, { name: 'y' });
    await write('delete /v1/api-keys/{id}', 'api-key.revoke', `api-key/${keyId}`, { id: keyId });
    await write('put /v1/access', 'access.change', 'access', {}, { issuer: null, audiences: [], rules: [] });
    await write('post /v1/sessions/end', 'session.end', `session/${actor}`, {});
    await write('post /v1/projection/rebuild', 'projection.rebuild', 'projection', {});

    const [desk, url] = ['alarm-destination', 'https://alarms.example/hook'];
    await write('post /v1/alarm-destinations', `${desk}.create`, `${desk}/${id}`, {}, { id, kind: 'webhook', url });
    await write('patch /v1/alarm-destinations/{id}', `${desk}.change`, `${desk}/${id}`, { id }, { enabled: true });
    await write('post /v1/alarm-destinations/{id}/test', `${desk}.test`, `${desk}/${id}`, { id });
    await write('delete /v1/alarm-destinations/{id}', `${desk}.revoke`, `${desk}/${id}`, { id });
    const { rules } = (await call('GET', '/v1/alarm-rules')).body;
    await write('put /v1/alarm-rules', 'alarm-rule.change', 'alarm-rules', {}, { rules });
    await env.REGISTRY.getByName('registry').raiseAlarms([
      { code: 'breaker_open', subject: `origin/${id}`, detail: 'A test.', at: Date.now() },
    ]);
    const alarms = list((await call('GET', '/v1/alarms?limit=200')).body.items);
    const alarm = String(alarms.find((one) => String(one.subject) === `origin/${id}`)?.id);
    for (const verb of ['acknowledge', 'resolve']) {
      await write(`post /v1/alarms/{id}/${verb}`, `alarm.${verb}`, `alarm/${alarm}`, { id: alarm });
    }

    const shop = await Shop.open({ origins: [id], settings: { hold: ['overpaid'] } });
    const act = (orderNo: string, verb: string, name: string, body?: unknown) => {
      const given = { channel: shop.channel, orderNo, refundNo: 'R1' };
      return write(
        `post /v1/orders/{channel}/{orderNo}/${verb}`,
        name,
        `order/${shop.channel}/${orderNo}`,
        given,
        body,
      );
    };
    const held = await shop.sell({ closeOnExpiry: false });
    shop.payUnnoticed(held);
    const order = shop.book.get(held);
    if (order) shop.book.put({ ...order, total: 1_200 });
    const asked = { id: shop.channel };
    await write('post /v1/channels/{id}/diagnose', 'channel.diagnose', `channel/${shop.channel}`, asked, {
      orderNo: held,
    });
    await act(held, 'query', 'queried');
    await act(held, 'release', 'discarded', { reason: 'asked the payer', discard: true });
    const ordered = shop.order();
    expect((await call('POST', '/v1/orders', ordered, as)).status).toBe(201);
    const again = await call('POST', '/v1/orders', ordered); // the first registration stands
    expect(again.status).toBe(200);
    const [registered] = list((await shop.read(ordered.orderNo)).body.timeline);
    expect(registered).toMatchObject({ kind: 'registered', actor, address: FROM });
    expect(again.text).not.toContain(FROM);

    const unpaid = await shop.sell({ closeOnExpiry: false });
    later(HOUR_MS);
    await act(unpaid, 'close', 'closed');
    const paidNo = await shop.sellPaid();
    shop.play(down);
    const refund = { refundNo: 'R1', amount: { minor: 300, currency: 'CNY' }, reason: 'cold' };
    await act(paidNo, 'refunds', 'refund_requested', refund);
    shop.play();
    later(3 * MINUTE_MS);
    await act(paidNo, 'refunds/{refundNo}/abandon', 'refund_abandoned', { reason: 'another cup' });
    const ledger = await shop.ledger(held);
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(ledger);
      expect(String([...((await shop.read(held)).body.deliveries ?? [])][0]?.state)).toBe('cancelled');
    });
    await act(held, 'replay', 'replayed', { reason: 'again' });
    const bulk = { state: 'dead', reason: 'the mended till', channel: shop.channel };
    const replay = await write('post /v1/replays', 'replay.create', 'replay/{made}', {}, bulk);
    const replayId = String(replay.body.id);
    await write('post /v1/replays/{id}/cancel', 'replay.cancel', `replay/${replayId}`, { id: replayId });

    const merchant = await Merchant.open(filesOf([trade('A-1')]));
    const day = { channel: merchant.channel, day: DAY };
    const run = `reconciliation/${merchant.channel}~${DAY}`;
    await write('post /v1/reconciliations', 'reconciliation.create', run, {}, day);
    await merchant.until('done');
    const [odd] = await merchant.discrepancies();
    const oddId = String(odd?.id);
    const change = { status: 'explained', note: 'seen' };
    await write('patch /v1/discrepancies/{id}', 'discrepancy.change', `discrepancy/${oddId}`, { id: oddId }, change);
    const bills = await call('POST', `/v1/reconciliations/bills?${new URLSearchParams(day)}`, merchant.text('trade'), {
      key: String(key),
      headers: { ...as.headers, 'content-type': 'text/csv' },
    });
    expect(bills.status).toBe(202);
    expected.set('post /v1/reconciliations/bills', ['reconciliation.bills', run]);
    vi.restoreAllMocks();

    const names = doors.filter(isWrite).map(({ name }) => name);
    expect([...expected.keys(), ...UNTOLD].sort()).toEqual(names.sort());
    const wanted = [...expected.values()].map(([name, subject]) => `${name} ${subject} ${FROM}`);
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(await merchant.reconciler()); // its own clock was set ahead
        const { body } = await call('GET', `/v1/audit?actor=${actor}&limit=200`);
        const told = list(body.items).map(({ act, subject, remoteAddress }) => `${act} ${subject} ${remoteAddress}`);
        expect(wanted.filter((one) => !told.includes(one))).toEqual([]);
      },
      { timeout: 20_000, interval: 200 },
    );
  }, 60_000);
});

const { operators } = await import('../../src/console/app.tsx');
const forms = [...new Set(operators.routes.filter(({ method }) => method === 'POST').map(({ path }) => path))];
const pathOf = (pattern: string) => pattern.replaceAll(/:\w+(\{[^}]*\})?/g, 'none');

describe('every form of the console', () => {
  /** Whoever is in may do these, whatever the role; they change nobody's money, settings or secrets. */
  const OPEN_TO_ALL = ['login', 'login/person', 'logout', 'preferences', 'me/end', 'why'].map((at) => `/console/${at}`);
  const sentBy = async (visitor: Visitor, path: string, more: object, headers: Record<string, string>) => {
    const { text } = await visitor.open(visitor.cookies.has('tollgate-session') ? '/console/me' : '/console/login');
    const form = { token: tokenIn(text), once: 'once', next: '/console/orders', ...more };
    return visitor.ask('POST', path, { headers, form });
  };

  it('is refused without the visitor’s own token, or from another site, logged in or not', async () => {
    expect(forms.length).toBeGreaterThan(35);
    const seen: string[] = [];
    for (const pattern of forms) {
      const path = pathOf(pattern);
      const visitor = await Visitor.in();
      const cookie = visitor.cookies.get('tollgate-session');
      for (const [more, headers] of [
        [{ token: 'x'.repeat(32) }, { origin: BASE }],
        [{ token: '' }, { origin: BASE }],
        [{}, { origin: 'https://evil.example' }],
        [{}, { origin: 'null' }],
        [{}, { 'sec-fetch-site': 'cross-site' }],
        [{}, { 'sec-fetch-site': 'same-site' }],
        [{}, {}],
      ]) {
        const { status, headers: answered } = await sentBy(visitor, path, more ?? {}, headers ?? {});
        if (status !== 403 || answered.getSetCookie().length > 0)
          seen.push(`${path} ${JSON.stringify(headers)} ${status}`);
        const stranger = await sentBy(new Visitor(), path, { ...more, key: ADMIN_KEY }, headers ?? {});
        const isLogin = stranger.headers.get('location')?.startsWith('/console/login') === true;
        if (stranger.status !== 403 && !isLogin) seen.push(`stranger at ${path} ${JSON.stringify(headers)}`);
        if (/session=[^;]{10}/.test(stranger.headers.getSetCookie().join())) seen.push(`let in at ${path}`);
      }
      expect(visitor.cookies.get('tollgate-session')).toBe(cookie);
    }
    expect(seen).toEqual([]);
  });

  it('acts for nobody whose role does not allow it', async () => {
    const viewer = await Visitor.in(await makeKey('read'));
    const acted: string[] = [];
    for (const pattern of forms) {
      const path = pathOf(pattern);
      if (OPEN_TO_ALL.includes(path)) continue;
      const { status, headers } = await sentBy(viewer, path, {}, { origin: BASE });
      if (![403, 404, 422].includes(status)) acted.push(`${path} ${status} ${headers.get('location')}`);
    }
    expect(acted).toEqual([]);
  });
});

describe('whoever knocks', () => {
  /** A body that never ends; `pulled` is how many pieces of 16 KiB were asked for. */
  const endless = () => {
    const told = { pulled: 0, isCancelled: false };
    const body = new ReadableStream<Uint8Array>({
      pull: (stream) => {
        told.pulled += 1;
        stream.enqueue(new Uint8Array(16_384).fill(32));
      },
      cancel: () => {
        told.isCancelled = true;
      },
    });
    return { told, body };
  };
  const knock = (path: string, body: ReadableStream, headers: Record<string, string>) => {
    const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const request = new Request(BASE + path, { method: 'POST', headers, body });
    return worker.fetch(request as never, env, context as never); // no edge, and nothing in the background
  };

  it.each([
    ['/v1/origins', 413],
    ['/v1/orders', 413],
    ['/v1/reconciliations/bills?channel=a&day=2026-01-01', 401],
    ['/console/login', 403],
    ['/console/new/bill', 303],
  ])('is not read on and on at %s without a key', async (path, status) => {
    const { told, body } = endless();
    const reply = await knock(path, body, { 'content-type': 'application/json', origin: BASE });
    expect([reply.status, told.pulled < 20]).toEqual([status, true]);
  });

  it('with another’s Idempotency-Key gets nothing of what the other made', async () => {
    const made = await Promise.all([1, 2].map(() => makeKey('admin')));
    const headers = { 'idempotency-key': unique('shared') };
    const asked = { name: 'till', scopes: ['read'] };
    const replies = await Promise.all(made.map((key) => call('POST', '/v1/api-keys', asked, { key, headers })));
    expect(replies.map(({ status }) => status)).toEqual([201, 201]);
    expect(new Set(replies.map(({ body }) => String(body.key))).size).toBe(2);
  });

  it('has one of so many keys: the one that would be too many is not made until another is revoked', async () => {
    const registry = env.REGISTRY.getByName('with many keys');
    const stamp = { now: Date.now(), key: null, digest: '' };
    const draft = { name: 'x', scopes: ['read' as const], expiresAt: null, ending: 'abcd', sealed: '' };
    const make = (n: number) => registry.createApiKey({ ...draft, id: `key_${n}`, hash: `${n}` }, stamp);
    for (let n = 0; n < API_KEYS_MAX; n++) expect((await make(n)).kind).toBe('done');
    expect(await make(API_KEYS_MAX)).toEqual({ kind: 'full', most: API_KEYS_MAX });
    await registry.revokeApiKey('key_7', stamp);
    expect((await make(API_KEYS_MAX)).kind).toBe('done');
  });

  it('learns nothing of which keys, channels or orders there are', async () => {
    const key = await makeKey('orders');
    const id = unique('real');
    await call('POST', '/v1/origins', { id, url: 'https://a.example/' });
    const { id: keyId } = (await call('POST', '/v1/api-keys', { name: 'x', scopes: ['read'] })).body;
    for (const [real, none] of [
      [`/v1/api-keys/${keyId}`, '/v1/api-keys/key_none'],
      [`/v1/origins/${id}`, '/v1/origins/none'],
    ] as const) {
      for (const by of [key, null]) {
        const replies = await Promise.all([real, none].map((path) => call('GET', path, undefined, { key: by })));
        expect(replies[0]?.text).toBe(replies[1]?.text);
      }
    }
  });
});
