// API keys and the audit log: who may call and until when, and who did what to what, from where. Every act on the
// registry is on record with the act itself, and reaches D1 though D1 was away.
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Registry } from '../../src/objects/registry.ts';
import { ADMIN_KEY, call, type Json, makeChannel, makeKey, makeOrigin, unique } from './api-world.ts';
import { later, Shop, startClock } from './order-world.ts';

afterEach(() => vi.restoreAllMocks());

const registry = () => env.REGISTRY.getByName('registry');
const FROM = { 'cf-connecting-ip': '203.0.113.9' };
const HOUR_MS = 3_600_000;

const entries = async (query: string): Promise<Json[]> => [
  ...((await call('GET', `/v1/audit${query}`)).body.items ?? []),
];
const untilEntries = (query: string, count: number) =>
  vi.waitFor(
    async () => {
      const found = await entries(query);
      expect(found.length).toBeGreaterThanOrEqual(count);
      return found;
    },
    { timeout: 15_000, interval: 50 },
  );

describe('an API key', () => {
  const makeOne = async (more: object = {}) =>
    (await call('POST', '/v1/api-keys', { name: 'till', scopes: ['read'], ...more })).body;
  const readWith = async (key: Json | undefined) =>
    (await call('GET', '/v1/me', undefined, { key: String(key) })).status;

  it('is shown once, renamed, and never shown again', async () => {
    const { id, key } = await makeOne();
    expect(await readWith(key)).toBe(200);
    const renamed = await call('PATCH', `/v1/api-keys/${id}`, { name: 'the other till' });
    expect(renamed.body).toMatchObject({ name: 'the other till', scopes: ['read'], expiresAt: null });
    for (const path of [`/v1/api-keys/${id}`, '/v1/api-keys?limit=200']) {
      const { text } = await call('GET', path);
      expect(text).toContain('the other till');
      expect(text).not.toContain(String(key));
    }
    expect((await call('PATCH', `/v1/api-keys/${id}`, { scopes: ['admin'] })).status).toBe(422);
    await call('DELETE', `/v1/api-keys/${id}`);
    expect((await call('PATCH', `/v1/api-keys/${id}`, { name: 'again' })).status).toBe(404);
  });

  it('is refused from its end on, and cannot end in the past', async () => {
    const { back } = startClock();
    const expiresAt = new Date(Date.now() + 2 * HOUR_MS).toISOString();
    const { id, key } = await makeOne({ expiresAt });
    expect(await readWith(key)).toBe(200);
    later(HOUR_MS * 3);
    expect(await readWith(key)).toBe(401);
    expect((await call('PATCH', `/v1/api-keys/${id}`, { expiresAt })).status).toBe(422);
    await call('PATCH', `/v1/api-keys/${id}`, { expiresAt: null });
    expect(await readWith(key)).toBe(200);
    back();
  });

  it('says when it was last used, written once an hour at most', async () => {
    const { back } = startClock();
    const { id, key } = await makeOne();
    const used = async () => String((await call('GET', `/v1/api-keys/${id}`)).body.lastUsedAt);
    expect(await used()).toBe('null');
    await readWith(key);
    const first = await vi.waitFor(async () => {
      const at = await used();
      expect(at).not.toBe('null');
      return at;
    });
    for (let n = 0; n < 3; n++) await registry().noteKeyUse(String(id), Date.now() + n * 60_000);
    expect(await used()).toBe(first);
    later(2 * HOUR_MS);
    await readWith(key);
    await vi.waitFor(async () => expect(await used()).not.toBe(first));
    back();
  });
});

describe('the audit log', () => {
  it('tells who changed what, from where, and never what it was changed to', async () => {
    const channel = await makeChannel();
    const origin = await makeOrigin();
    const { id, key } = (await call('POST', '/v1/api-keys', { name: 'op', scopes: ['operate'] })).body;
    const as = { key: String(key), headers: FROM };
    await call(
      'PATCH',
      `/v1/channels/${channel}`,
      { mode: 'registered', settings: { parkAgeSeconds: 600 } },
      { headers: FROM },
    );
    await call('PATCH', `/v1/origins/${origin}`, { url: 'https://secret-path.example/hooks' }, { headers: FROM });
    await call('POST', `/v1/origins/${origin}/rotate`);
    await call('POST', `/v1/channels/${channel}/pause`, undefined, as);
    await call('POST', `/v1/channels/${channel}/pause`, undefined, as);
    const found = await untilEntries(`?subject=channel/${channel}`, 3);
    expect(found.map(({ act, actor, about, remoteAddress }) => [act, actor, about, remoteAddress].map(String))).toEqual(
      [
        ['channel.pause', String(id), '', '203.0.113.9'],
        ['channel.change', 'admin', 'mode, settings.parkAgeSeconds', '203.0.113.9'],
        ['channel.create', 'admin', '', 'null'],
      ],
    );
    const onOrigin = await untilEntries(`?subject=origin/${origin}`, 3);
    expect(onOrigin.map(({ act }) => String(act))).toEqual(['origin.rotate', 'origin.change', 'origin.create']);
    expect(JSON.stringify(onOrigin)).not.toContain('secret-path');
    await call('DELETE', `/v1/api-keys/${id}`);
    const onKey = await untilEntries(`?subject=api-key/${id}`, 2);
    expect(onKey.map(({ act }) => String(act))).toEqual(['api-key.revoke', 'api-key.create']);
  });

  it('is filtered by actor, act, channel and time, page by page', async () => {
    const origin = await makeOrigin();
    const key = await makeKey('operate');
    const { body: me } = await call('GET', '/v1/me', undefined, { key });
    for (const verb of ['pause', 'resume', 'pause']) {
      await call('POST', `/v1/origins/${origin}/${verb}`, undefined, { key });
    }
    const all = await untilEntries(`?actor=${me.id}`, 3);
    expect(all.map(({ act }) => String(act))).toEqual(['origin.pause', 'origin.resume', 'origin.pause']);
    expect(await entries(`?actor=${me.id}&act=origin.resume`)).toHaveLength(1);
    const page = await call('GET', `/v1/audit?actor=${me.id}&limit=2`);
    expect(await entries(`?actor=${me.id}&limit=2&cursor=${page.body.next}`)).toEqual([all[2]]);
    expect(await entries(`?actor=${me.id}&to=2020-01-01T00:00:00Z`)).toEqual([]);
    expect(await entries(`?actor=${me.id}&from=2020-01-01T00:00:00Z`)).toHaveLength(3);
    expect((await call('GET', '/v1/audit?from=yesterday')).status).toBe(422);
    expect((await call('GET', '/v1/audit', undefined, { key: await makeKey('read') })).status).toBe(403);
  });

  it('has what was asked of a provider about an order, with the address', async () => {
    const { back } = startClock();
    const shop = await Shop.open();
    const orderNo = await shop.sell({ closeOnExpiry: false });
    later(HOUR_MS);
    const path = `/v1/orders/${shop.channel}/${orderNo}`;
    await call('POST', `${path}/query`, undefined, { headers: FROM });
    await call('POST', `${path}/close`, undefined, { headers: FROM });
    back();
    vi.restoreAllMocks();
    const found = await untilEntries(`?channel=${shop.channel}&subject=order/${shop.channel}/${orderNo}`, 2);
    expect(found.map(({ act, remoteAddress }) => `${act} ${remoteAddress}`)).toEqual([
      'closed 203.0.113.9',
      'queried 203.0.113.9',
    ]);
  });

  it('has what other objects wrote: who is told of alarms, and when', async () => {
    const id = unique('desk');
    const url = 'https://alarms.example/hook';
    const made = await call('POST', '/v1/alarm-destinations', { id, kind: 'webhook', url }, { headers: FROM });
    expect(made.status).toBe(201);
    await call('PATCH', `/v1/alarm-destinations/${id}`, { enabled: false });
    await call('DELETE', `/v1/alarm-destinations/${id}`);
    const found = await untilEntries(`?subject=alarm-destination/${id}`, 3);
    expect(found.map(({ act, about }) => `${act} ${about}`)).toEqual([
      'alarm-destination.revoke ',
      'alarm-destination.change enabled',
      'alarm-destination.create ',
    ]);
    expect(JSON.stringify(found)).not.toContain(url);
  });

  it('says that a repeated write was done once', async () => {
    const id = unique('origin');
    const write = () =>
      call('POST', '/v1/origins', { id, url: 'https://a.example/' }, { headers: { 'idempotency-key': id } });
    await write();
    await write();
    await makeOrigin();
    expect(await untilEntries(`?subject=origin/${id}`, 1)).toHaveLength(1);
  });

  it('says that bulk replays and tests asked for twice were done once', async () => {
    const headers = { 'idempotency-key': unique('twice') };
    const channel = await makeChannel();
    const replay = () => call('POST', '/v1/replays', { channel, reason: 'mended' }, { headers });
    const [{ body }, again] = [await replay(), await replay()];
    expect(String(again.body.id)).toBe(String(body.id));
    const test = () => call('POST', `/v1/channels/${channel}/test`, undefined, { headers });
    expect([(await test()).status, (await test()).status]).toEqual([200, 200]);
    await makeOrigin();
    expect(await untilEntries(`?subject=replay/${body.id}`, 1)).toHaveLength(1);
    expect(await untilEntries(`?subject=channel/${channel}&act=channel.test`, 1)).toHaveLength(1);
  });

  it('hears of an act though D1 was away, and of all again after it was lost', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
      throw new Error('D1 is away');
    });
    const origin = await makeOrigin();
    await new Promise((resolve) => setTimeout(resolve, 50));
    vi.restoreAllMocks();
    expect(await entries(`?subject=origin/${origin}`)).toEqual([]);
    await registry().tick(Date.now());
    expect(await untilEntries(`?subject=origin/${origin}`, 1)).toHaveLength(1);
    await env.DB.prepare('DELETE FROM audit').run();
    await call('POST', '/v1/projection/rebuild');
    await untilEntries(`?subject=origin/${origin}`, 1);
    expect(await untilEntries('?act=projection.rebuild', 1)).toHaveLength(1);
  });

  it('is not flooded by failed logins', async () => {
    const act = {
      kind: 'login.failed',
      subject: 'console',
      about: '',
      reason: null,
      actor: '',
      address: '203.0.113.1',
    };
    const now = Date.now();
    await Promise.all(Array.from({ length: 80 }, () => registry().noteAct(act, now)));
    const { n } = await runInDurableObject(registry(), (_: Registry, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT COUNT(*) AS n FROM acts WHERE kind = 'login.failed'").one(),
    );
    expect(n).toBe(60);
    await registry().noteAct(act, now + 2 * HOUR_MS);
    expect(await untilEntries('?act=login.failed&limit=100', 61)).toHaveLength(61);
  });
});

it('lets only an admin make keys', async () => {
  expect(
    (await call('POST', '/v1/api-keys', { name: 'x', scopes: ['read'] }, { key: await makeKey('operate') })).status,
  ).toBe(403);
  expect((await call('GET', '/v1/api-keys', undefined, { key: ADMIN_KEY })).status).toBe(200);
});
