// Many orders to origins that answer at random, while shards and gates restart, people replay and 410 pauses: each
// order arrives in its sequence, one event at a time, nothing is lost, and an event keeps its id.
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  deliveriesOf,
  hang,
  makeOrigin,
  makeShop,
  ok,
  originIs,
  type Post,
  record,
  refuse,
  resumeOrigin,
  type ScriptedOrigin,
  type Shop,
} from './delivery-world.ts';
import { ledger, paid, refunded, unique, until } from './ledger-kit.ts';

vi.setConfig({ testTimeout: 60_000 });
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A small seeded generator (mulberry32): the same seed, the same story. */
const randomOf = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

type Watched = { readonly origin: ScriptedOrigin; readonly taken: Map<string, number[]>; readonly broken: string[] };

/** An origin that answers by dice and watches that nothing overtakes. `wants`: what its filter lets through. */
async function diceOrigin(random: () => number, wants: readonly number[], settings: object = {}): Promise<Watched> {
  const taken = new Map<string, number[]>();
  const broken: string[] = [];
  const soon = refuse(429, { 'retry-after': '1' });
  const bad = [refuse(500), refuse(404), hang, () => Promise.reject(new TypeError('reset'))];
  const answerOf = (dice: number) => {
    if (dice < 0.65) return ok;
    if (dice < 0.67) return refuse(410);
    return dice < 0.69 ? soon : (bad[Math.floor(dice * 1_000) % bad.length] ?? ok);
  };
  const respond = async (post: Post, nth: number) => {
    const before = taken.get(post.orderNo) ?? [];
    const isReplay = post.headers.get('tollgate-replay') === 'true';
    const due = wants.filter((sequence) => sequence < post.sequence);
    const isBehind = before.some((sequence) => sequence > post.sequence);
    if (!isReplay && (isBehind || due.some((sequence) => !before.includes(sequence)))) {
      broken.push(`${post.orderNo}: ${post.sequence} after ${before.join(' ')}`);
    }
    if (isReplay && !before.includes(post.sequence)) broken.push(`${post.orderNo}: ${post.sequence} is no replay`);
    const response = await answerOf(random())(post, nth);
    if (response.ok) taken.set(post.orderNo, [...before, post.sequence]);
    return response;
  };
  const breaker = { failureShare: 0.6, windowSeconds: 10, attemptsMin: 8, probeAfterSeconds: 1 };
  const ladderSeconds = Array(100).fill(0);
  const draft = { timeoutMs: 60, ladderSeconds, settings: { breaker, ...settings } };
  return { origin: await makeOrigin(respond, draft), taken, broken };
}

async function isOver(shop: Shop, orders: readonly string[]): Promise<boolean> {
  for (const orderNo of orders) {
    const deliveries = await deliveriesOf(shop, orderNo);
    if (deliveries.length === 0 || deliveries.some(({ state }) => state !== 'delivered')) return false;
  }
  return true;
}

const REFUNDS = { types: ['refund.succeeded'], states: [], flags: [], channels: [], amount: null, metadata: {} };

describe('origins that answer at random', () => {
  it.each([11, 12, 13])('get every order in its sequence, one event at a time (seed %d)', async (seed) => {
    const random = randomOf(seed);
    const all = await diceOrigin(random, [1, 2, 3]);
    const some = await diceOrigin(random, [2, 3], { filter: REFUNDS });
    // The one behind a filter is first every other time: it goes without rows.
    const shop = await (seed % 2 === 0 ? makeShop(some.origin, all.origin) : makeShop(all.origin, some.origin));
    const orders = Array.from({ length: 8 }, () => unique(`T${seed}`));
    for (const refundNo of ['', 'R1', 'R2']) {
      await record(shop, ...orders.map((one) => (refundNo === '' ? paid(one) : refunded(one, refundNo))));
    }
    const resumeAll = async () => {
      for (const { origin } of [all, some]) {
        if ((await originIs(origin.id)).status === 'paused') await resumeOrigin(origin.id);
      }
    };
    for (let evictions = 0; evictions < 4; evictions++) {
      await new Promise((resolve) => setTimeout(resolve, 100 + 300 * random()));
      await resumeAll();
      await deliveriesOf(shop, orders[0] ?? ''); // it runs, so that there is something to evict
      await evictDurableObject(ledger(shop.shard));
      if (random() < 0.5) {
        const gate = env.ORIGIN_GATE.getByName(`v1:${all.origin.id}`);
        await gate.state();
        await evictDurableObject(gate);
      }
      // Whatever of these is over goes again, in its lane.
      const orderNo = orders[Math.floor(random() * orders.length)] ?? '';
      await ledger(shop.shard).replay({ v: 1, orderNo, actor: { key: 'key', reason: null } });
    }
    await until(
      shop.shard,
      async () => {
        await resumeAll();
        return isOver(shop, orders);
      },
      1_000,
    );
    expect([...all.broken, ...some.broken]).toEqual([]);
    for (const { origin, taken, wants } of [
      { ...all, wants: [1, 2, 3] },
      { ...some, wants: [2, 3] },
    ]) {
      expect(origin.mostOpen).toBe(1);
      for (const orderNo of orders) {
        expect([...new Set(taken.get(orderNo))].sort()).toEqual(wants);
        const posts = origin.posts.filter((post) => post.orderNo === orderNo);
        expect(new Set(posts.map(({ id, sequence }) => `${sequence} ${id}`)).size).toBe(wants.length);
      }
    }
  });

  it('do not hold the other orders when one is never taken, and its own later events follow a dead one', async () => {
    const bad = unique('BAD');
    const origin = await makeOrigin(({ orderNo, sequence }) =>
      orderNo === bad && sequence === 1 ? new Response('no', { status: 500 }) : ok(),
    );
    const shop = await makeShop(origin);
    const orders = [bad, ...Array.from({ length: 9 }, () => unique('T'))];
    await record(shop, ...orders.flatMap((orderNo) => [paid(orderNo), refunded(orderNo, 'R1')]));
    await until(shop.shard, () => isOver(shop, orders.slice(1)), 400);
    await until(shop.shard, async () => (await deliveriesOf(shop, bad)).at(-1)?.state === 'delivered', 400);
    expect((await deliveriesOf(shop, bad)).map(({ state }) => state)).toEqual(['dead', 'delivered']);
    const last = origin.posts.findLast((post) => post.orderNo === bad);
    // Its body carries the whole order: nothing is missing for want of the first.
    expect(JSON.parse(last?.body ?? '{}').data.order).toMatchObject({ state: 'partially_refunded' });
  });
});
