// Bulk replays through the API: what a dry run says, the rate, the progress, cancelling, and a restart in between.
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, makeKey } from './api-world.ts';
import { Visitor } from './console-world.ts';
import { makeOrigin, makeShop, record, refuse, type Shop, settled } from './delivery-world.ts';
import { paid, unique, until } from './ledger-kit.ts';

vi.setConfig({ testTimeout: 30_000 });
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const desk = () => env.REPLAYS.getByName('replays');

/** A shop whose orders are all dead, and D1 knows it. */
async function deadShop(orders: number) {
  const settings = { breaker: { failureShare: 1, windowSeconds: 1, attemptsMin: 10_000, probeAfterSeconds: 1 } };
  const origin = await makeOrigin(refuse(500), { ladderSeconds: [0], settings });
  const shop = await makeShop(origin);
  const orderNos = Array.from({ length: orders }, () => unique('B'));
  await record(shop, ...orderNos.map((orderNo) => paid(orderNo)));
  for (const orderNo of orderNos) await settled(shop, orderNo, 'dead');
  await projected(shop, 'dead', orders);
  origin.posts.length = 0;
  origin.respond = () => new Response('ok');
  return { origin, shop, orderNos };
}

const projected = (shop: Shop, state: string, count: number) =>
  until(
    shop.shard,
    async () => {
      const asked = env.DB.prepare('SELECT COUNT(*) AS n FROM deliveries WHERE channel = ? AND state = ?');
      return (await asked.bind(shop.channelId, state).first('n')) === count;
    },
    200,
  );

/** Runs the desk's alarm, as time would, until the replay stands as told. */
async function finished(id: string, state = 'done') {
  for (let tries = 0; tries < 100; tries++) {
    const { body } = await call('GET', `/v1/replays/${id}`);
    if (String(body.state) === state) return body;
    await runDurableObjectAlarm(desk());
  }
  throw new Error(`the replay did not become ${state}`);
}

describe('POST /v1/orders/{channel}/{orderNo}/replay', () => {
  it('delivers again what is over, and says what it is when nothing is', async () => {
    const { origin, shop, orderNos } = await deadShop(1);
    const path = `/v1/orders/${shop.channelId}/${orderNos[0]}/replay`;
    const reply = await call('POST', path);
    expect([reply.status, reply.body]).toEqual([200, { replayed: 1 }]);
    await settled(shop, orderNos[0] ?? '');
    expect(origin.posts).toHaveLength(1);
    const named = await call('POST', path, { sequence: 1, origin: origin.id, reason: 'asked for' });
    expect([named.status, named.body]).toEqual([200, { replayed: 1 }]);
    expect((await call('POST', path, { origin: 'nobody' })).body).toMatchObject({ code: 'wrong_status' });
    expect((await call('POST', path, { eventId: 'evt_x' })).status).toBe(404);
    expect((await call('POST', `/v1/orders/${shop.channelId}/nobody/replay`)).status).toBe(404);
    expect((await call('POST', path, { sequence: 0 })).status).toBe(422);
  });

  it('wants the scope operate', async () => {
    const key = await makeKey('read', 'orders');
    expect((await call('POST', '/v1/orders/a/b/replay', undefined, { key })).status).toBe(403);
    expect((await call('POST', '/v1/replays', {}, { key })).status).toBe(403);
  });
});

describe('a dry run', () => {
  it('counts what would be sent, shows the first of it, and sends nothing', async () => {
    const { origin, shop, orderNos } = await deadShop(12);
    const { status, body } = await call('POST', '/v1/replays', { channel: shop.channelId, dryRun: true });
    expect(status).toBe(200);
    expect(body.count).toBe(12);
    const sample = [...(body.sample ?? [])];
    expect(sample).toHaveLength(10);
    expect(sample[0]).toMatchObject({
      type: 'payment.succeeded',
      channel: shop.channelId,
      origin: origin.id,
    });
    expect(orderNos).toContain(String(sample[0]?.orderNo));
    expect(Number(sample[0]?.bytes)).toBeGreaterThan(300);
    // As its origin would get it: the request itself, and of the first few alone.
    const preview = sample[0]?.preview;
    expect(String(preview?.headers?.['webhook-id'])).toBe(String(sample[0]?.eventId));
    expect(JSON.parse(String(preview?.body)).data.order.orderNo).toBe(String(sample[0]?.orderNo));
    expect(sample.map((one) => one.preview !== null).lastIndexOf(true)).toBe(2);
    const narrow = async (more: object) =>
      (await call('POST', '/v1/replays', { channel: shop.channelId, dryRun: true, ...more })).body.count;
    expect(await narrow({ type: 'payment.succeeded', origin: origin.id })).toBe(12);
    expect(await narrow({ type: 'refund.succeeded' })).toBe(0);
    expect(await narrow({ origin: 'nobody' })).toBe(0);
    expect(await narrow({ state: 'delivered' })).toBe(0);
    expect(await narrow({ to: '2026-01-01T00:00:00Z' })).toBe(0);
    expect(await narrow({ from: '2026-01-01T00:00:00+08:00' })).toBe(12);
    expect(origin.posts).toEqual([]);
    expect((await call('POST', '/v1/replays', { state: 'held' })).status).toBe(422);
  });
});

describe('a bulk replay', () => {
  it('goes through all of it, at its rate, and tells how far it is', async () => {
    const { origin, shop, orderNos } = await deadShop(5);
    const { status, body } = await call('POST', '/v1/replays', { channel: shop.channelId, perSecond: 2, reason: 'up' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ state: 'running', count: 5, seen: 0, replayed: 0, reason: 'up', finishedAt: null });
    const id = String(body.id);
    await runDurableObjectAlarm(desk());
    const [first] = [(await call('GET', `/v1/replays/${id}`)).body];
    expect(Number(first.seen)).toBeLessThanOrEqual(4); // its own alarm may have run as well
    expect(await finished(id)).toMatchObject({ seen: 5, replayed: 5, problem: null });
    for (const orderNo of orderNos) await settled(shop, orderNo);
    expect(origin.posts.map(({ orderNo }) => orderNo).sort()).toEqual([...orderNos].sort());
    const list = await call('GET', '/v1/replays?limit=1');
    expect([...(list.body.items ?? [])]).toMatchObject([{ id }]);
  });

  it('goes on from its place after a restart, and moves nothing twice', async () => {
    const { origin, shop, orderNos } = await deadShop(6);
    const { body } = await call('POST', '/v1/replays', { channel: shop.channelId, perSecond: 2 });
    const id = String(body.id);
    await runDurableObjectAlarm(desk());
    await evictDurableObject(desk());
    expect(await finished(id)).toMatchObject({ seen: 6, replayed: 6 });
    for (const orderNo of orderNos) await settled(shop, orderNo);
    expect(origin.posts).toHaveLength(6);
  });

  it('that is cancelled stops where it is', async () => {
    const { origin, shop } = await deadShop(6);
    const { body } = await call('POST', '/v1/replays', { channel: shop.channelId, perSecond: 1 });
    const id = String(body.id);
    await runDurableObjectAlarm(desk());
    const cancelled = await call('POST', `/v1/replays/${id}/cancel`);
    expect(cancelled.body).toMatchObject({ state: 'cancelled' });
    const { seen } = cancelled.body;
    await runDurableObjectAlarm(desk());
    expect((await call('GET', `/v1/replays/${id}`)).body).toMatchObject({ state: 'cancelled', seen });
    expect(Number(seen)).toBeLessThan(6);
    expect(origin.posts.length).toBeLessThan(6);
    expect((await call('POST', `/v1/replays/${id}/cancel`)).body).toMatchObject({ state: 'cancelled' });
    expect((await call('POST', '/v1/replays/rpl_nobody/cancel')).status).toBe(404);
    expect((await call('GET', '/v1/replays/rpl_nobody')).status).toBe(404);
  });

  it('waits while D1 is away, says so, and goes on', async () => {
    const { shop } = await deadShop(2);
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const really = env.DB.prepare.bind(env.DB);
    const outage = vi.spyOn(env.DB, 'prepare').mockImplementation((statement) => {
      if (statement.includes('ORDER BY d.created_at')) throw new Error('D1 is away'); // the count is asked before
      return really(statement);
    });
    const { body } = await call('POST', '/v1/replays', { channel: shop.channelId });
    const id = String(body.id);
    await runDurableObjectAlarm(desk());
    await vi.waitUntil(async () => {
      const { problem } = (await call('GET', `/v1/replays/${id}`)).body;
      return String(problem).includes('D1 is away');
    });
    outage.mockRestore();
    expect(await finished(id)).toMatchObject({ seen: 2, problem: null });
  });

  it('asked for twice with one Idempotency-Key is one', async () => {
    const { shop } = await deadShop(1);
    const headers = { 'idempotency-key': unique('key') };
    const ask = (perSecond: number) => call('POST', '/v1/replays', { channel: shop.channelId, perSecond }, { headers });
    const [one, two] = [await ask(1), await ask(1)];
    expect(two.body.id).toBe(one.body.id);
    expect((await ask(2)).body).toMatchObject({ code: 'idempotency_key_reused' });
    await finished(String(one.body.id));
  });

  it('of what was skipped leaves it once it was sent', async () => {
    const shop = await makeShop();
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await projected(shop, 'skipped', 1);
    const origin = await makeOrigin();
    await call('PATCH', `/v1/channels/${shop.channelId}`, { origins: [origin.id] });
    const ask = (more: object) => call('POST', '/v1/replays', { channel: shop.channelId, state: 'skipped', ...more });
    const { body } = await ask({ origin: origin.id });
    await finished(String(body.id));
    await settled(shop, orderNo);
    await projected(shop, 'delivered', 1);
    expect((await ask({ dryRun: true })).body.count).toBe(0);
  });
});

describe('/console/new/replay', () => {
  it('shows what would be sent, starts it once however often the form is sent, and tells how far it is', async () => {
    const { origin, shop } = await deadShop(3);
    const visitor = await Visitor.in();
    const page = `/console/new/replay?state=dead&channel=${shop.channelId}`;
    const seen = await visitor.open(page);
    expect([seen.status, seen.text.includes('3 would go again'), origin.posts.length]).toEqual([200, true, 0]);
    expect(seen.text).toContain('webhook-signature: ');
    const [, once = ''] = /name="once" value="([^"]+)"/.exec(seen.text) ?? [];
    const fields = { once, state: 'dead', channel: shop.channelId, reason: 'they came back' };
    const [first, second] = [
      await visitor.send('/console/new/replay', fields, page),
      await visitor.send('/console/new/replay', fields, page),
    ];
    const where = first.headers.get('location') ?? '';
    expect([first.status, second.headers.get('location')]).toEqual([303, where]);
    const running = await visitor.open(where);
    expect(running.text).toContain('data-live="yes"');
    await finished(where.split('/').at(-1) ?? '');
    const done = await visitor.open(where);
    expect(done.text).not.toContain('data-live="yes"');
    expect(done.text).toContain('3 of 3 looked at, 3 go again');
    expect((await visitor.open('/console/replays')).text).toContain(`href="${where}"`);
    const wrong = await visitor.open('/console/new/replay?state=dead&from=yesterday');
    expect([wrong.status, wrong.text.includes('Start</button>')]).toEqual([422, false]);
  });

  it('ends one where it is', async () => {
    const { shop } = await deadShop(3);
    const visitor = await Visitor.in();
    const page = `/console/new/replay?state=dead&channel=${shop.channelId}`;
    const fields = { once: unique('once'), state: 'dead', channel: shop.channelId, perSecond: '1' };
    const where = (await visitor.send('/console/new/replay', fields, page)).headers.get('location') ?? '';
    expect((await visitor.send(`${where}/cancel`, {}, where)).headers.get('location')).toBe(where);
    expect((await visitor.open(where)).text).toContain('Ended by hand');
  });
});
