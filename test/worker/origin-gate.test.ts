// The gate of one origin as the shards meet it: real objects, real calls; the arithmetic has its own pure tests.
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import {
  alarmsOf,
  carry,
  deliveriesOf,
  eventually,
  makeOrigin,
  makeShop,
  ok,
  originIs,
  record,
  refuse,
  resumeOrigin,
  type ScriptedOrigin,
  type Shop,
  settled,
  takeMessages,
} from './delivery-world.ts';
import { fact, ledger, paid, refunded, unique } from './ledger-kit.ts';
import { makeChannel, registry } from './receive-world.ts';

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => {
  vi.restoreAllMocks();
});

const gateOf = (id: string) => env.ORIGIN_GATE.getByName(`v1:${id}`);

describe('a gate', () => {
  it('shares its permits between shards and takes back what they no longer hold', async () => {
    const gate = gateOf(unique('o'));
    const ask = { wanted: 10, allowance: { perSecond: 1_000, concurrent: 12 } };
    expect((await gate.take({ ...ask, shard: 'a', holding: 0 })).granted).toBe(10);
    expect((await gate.take({ ...ask, shard: 'b', holding: 0 })).granted).toBe(2);
    expect((await gate.take({ ...ask, shard: 'b', holding: 2 })).granted).toBe(0);
    expect((await gate.take({ ...ask, shard: 'a', wanted: 0, holding: 4 })).granted).toBe(0);
    expect((await gate.take({ ...ask, shard: 'b', holding: 2 })).granted).toBe(6);
  });

  it('that was evicted learns what is out from the shards that call', async () => {
    const gate = gateOf(unique('o'));
    const ask = { wanted: 10, allowance: { perSecond: 1_000, concurrent: 10 } };
    expect((await gate.take({ ...ask, shard: 'a', holding: 0 })).granted).toBe(10);
    await evictDurableObject(gate);
    expect((await gate.take({ ...ask, shard: 'a', holding: 10 })).granted).toBe(0);
    expect((await gate.take({ ...ask, shard: 'b', holding: 0 })).granted).toBe(0);
  });
});

describe('the shards of a channel', () => {
  async function shopWithShards(limits: { perSecond?: number; concurrent?: number }, orders: number) {
    const origin = await makeOrigin(ok, limits);
    const { id, uid } = await makeChannel({ origins: [origin.id], shards: 4 });
    const record = await registry().readChannel(id);
    if (!record) throw new Error('no channel');
    const orderNos = Array.from({ length: orders }, () => unique('W'));
    const shards = Map.groupBy(orderNos, (orderNo) => ledgerNameOf({ uid, shards: 4 }, orderNo));
    for (const [shard, mine] of shards) {
      const facts = mine.map((orderNo) => fact(paid(orderNo)));
      await ledger(shard).record({ v: 1, facts, dispatch: record.dispatch });
    }
    return { origin, orderNos };
  }

  it('together never have more posts open at an origin than it takes', async () => {
    let open = 0;
    let most = 0;
    const { origin, orderNos } = await shopWithShards({ concurrent: 2 }, 16);
    origin.respond = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 10));
      open -= 1;
      return ok();
    };
    await vi.waitUntil(() => origin.posts.length === orderNos.length, { timeout: 20_000, interval: 50 });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });

  it('together never put more into the queue in a second than the origin takes', async () => {
    const taken = takeMessages();
    const at: number[] = [];
    const { origin, orderNos } = await shopWithShards({ perSecond: 5 }, 14);
    while (origin.posts.length < orderNos.length) {
      const mine = taken.splice(0).filter(({ body }) => body.originId === origin.id);
      at.push(...mine.map(() => Date.now()));
      if (mine.length > 0) await carry(mine.map(({ body }) => body));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const start of at) {
      // A permit is taken a moment before its message is seen here; the moment is what the slack is for.
      expect(at.filter((time) => time >= start && time < start + 500).length).toBeLessThanOrEqual(5);
    }
  });
});

describe('an origin that fails', () => {
  const breaker = { failureShare: 0.5, windowSeconds: 60, attemptsMin: 4, probeAfterSeconds: 1 };
  const shopOf = async (origin: ScriptedOrigin, orders: number): Promise<[Shop, string[]]> => {
    const shop = await makeShop(origin);
    const orderNos = Array.from({ length: orders }, () => unique('F'));
    await record(shop, ...orderNos.map((orderNo) => paid(orderNo)));
    return [shop, orderNos];
  };
  const attemptsOf = async (shop: Shop, orderNos: readonly string[]) => {
    const views = await Promise.all(orderNos.map((orderNo) => deliveriesOf(shop, orderNo)));
    return views.flat().flatMap(({ attempts }) => attempts);
  };

  it('is left alone but for one probe at a time, no attempts burned, and gets everything once it is well', async () => {
    const settings = { breaker };
    const origin = await makeOrigin(refuse(500), { settings, perSecond: 6, ladderSeconds: [0, 0, 0, 0] });
    const [shop, orderNos] = await shopOf(origin, 20);
    const gate = gateOf(origin.id);
    await vi.waitUntil(async () => (await gate.state()).breaker !== 'closed', { timeout: 10_000, interval: 20 });
    const atOpening = origin.posts.length;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    // Six a second were on their way when it opened; then a probe after one second, and one two seconds later.
    expect(origin.posts.length - atOpening).toBeLessThanOrEqual(6 + 2);
    expect((await gate.state()).failingSince).not.toBeNull();
    origin.respond = ok;
    for (const orderNo of orderNos) await settled(shop, orderNo);
    expect(await gate.state()).toMatchObject({ breaker: 'closed', since: null, failingSince: null });
    expect((await attemptsOf(shop, orderNos)).length).toBe(origin.posts.length); // none for what was not posted
  });

  it('is tried at once when a person says that it is well, however long it was to be left alone', async () => {
    const settings = { breaker: { ...breaker, probeAfterSeconds: 600 } };
    const origin = await makeOrigin(refuse(500), { settings, perSecond: 6, ladderSeconds: [0, 0, 0, 0] });
    const [shop, orderNos] = await shopOf(origin, 8);
    const gate = gateOf(origin.id);
    await vi.waitUntil(async () => (await gate.state()).breaker === 'open', { timeout: 10_000, interval: 20 });
    origin.respond = ok;
    await resumeOrigin(origin.id);
    for (const orderNo of orderNos) await settled(shop, orderNo);
    expect(await gate.state()).toMatchObject({ breaker: 'closed', since: null });
  });

  it('keeps being left alone when its gate lost its memory', async () => {
    const gate = gateOf(unique('o'));
    const rules = { version: 1, breaker, pauseAfterSeconds: null, quietSecondsMax: 60 };
    const ask = { shard: 'a', holding: 0, wanted: 5, allowance: { perSecond: 100, concurrent: 10 }, rules };
    const outcomes = { successes: 0, failures: 9, waitUntil: 0, probe: null, slow: false };
    const before = await gate.take({ ...ask, outcomes });
    await evictDurableObject(gate);
    expect(await gate.take(ask)).toEqual(before);
    expect(before).toMatchObject({ granted: 0, shut: true });
  });

  it('and says when to come back gets nothing at all before', async () => {
    const origin = await makeOrigin(refuse(503, { 'retry-after': '2' }), { perSecond: 2, ladderSeconds: [0, 0, 0, 0] });
    const [shop, orderNos] = await shopOf(origin, 6);
    await eventually(shop, () => origin.posts.length === 2);
    origin.respond = ok;
    const refusedAt = Date.now();
    await eventually(shop, () => origin.posts.length > 2);
    expect(Date.now() - refusedAt).toBeGreaterThanOrEqual(1_500); // what is left of two seconds
    for (const orderNo of orderNos) await settled(shop, orderNo);
  });

  it('for too long is paused and alarmed; its events wait, and go in order when it is resumed', async () => {
    const settings = { breaker: { ...breaker, attemptsMin: 1_000 }, pauseAfterSeconds: 1 };
    const ladderSeconds = Array.from({ length: 200 }, () => 0);
    const origin = await makeOrigin(refuse(500), { settings, perSecond: 20, ladderSeconds });
    const shop = await makeShop(origin);
    const orderNo = unique('F');
    await record(shop, paid(orderNo), refunded(orderNo, 'R1'));
    await eventually(shop, () => origin.posts.length > 5);
    await vi.waitUntil(async () => (await originIs(origin.id)).status === 'paused', { timeout: 20_000, interval: 50 });
    expect((await originIs(origin.id)).pauseReason).toBe('failing');
    await settled(shop, orderNo, 'paused');
    const alarms = await vi.waitUntil(async () => {
      const list = await alarmsOf(`origin/${origin.id}`);
      return list.length > 0 && list;
    });
    expect(alarms).toMatchObject([{ code: 'origin_paused', count: 1 }]);
    origin.respond = ok;
    origin.posts.length = 0;
    await resumeOrigin(origin.id);
    await settled(shop, orderNo);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});
