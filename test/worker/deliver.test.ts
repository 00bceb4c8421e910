// One attempt and what becomes of it: what an origin is sent, what counts as delivered, how the ladder goes on.
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BREAKER_DEFAULT, ORIGIN_RESPONSE_BYTES_MAX, ORIGIN_RESPONSE_KEPT_CHARS } from '../../src/core/limits.ts';
import {
  alarmsOf,
  carry,
  deliveriesOf,
  eventually,
  hang,
  makeOrigin,
  makeShop,
  newSecret,
  nextMessage,
  ok,
  onceThenOk,
  type Post,
  record,
  refuse,
  sealSecret,
  settled,
  takeMessages,
} from './delivery-world.ts';
import { ledger, paid, refunded, unique } from './ledger-kit.ts';
import { registry } from './receive-world.ts';

vi.setConfig({ testTimeout: 30_000 });

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined); // alarms, of which there are many here
});
afterEach(() => {
  vi.restoreAllMocks();
});

const attemptsOf = async (shop: Parameters<typeof settled>[0], orderNo: string, nth = 0) =>
  (await deliveriesOf(shop, orderNo))[nth]?.attempts ?? [];

describe('a post', () => {
  it('is one signed JSON body whose id and bytes stay the same at every attempt', async () => {
    const origin = await makeOrigin(onceThenOk(refuse(500), 2));
    const shop = await makeShop(origin);
    const orderNo = unique('A');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(origin.posts).toHaveLength(3);
    const [first] = origin.posts;
    for (const post of origin.posts) {
      expect([post.id, post.body, post.signedBy]).toEqual([first?.id, first?.body, origin.secrets]);
      expect(post.headers.get('content-type')).toBe('application/json');
      expect(post.headers.get('user-agent')).toMatch(/^Tollgate/);
      expect(post.redirect).toBe('manual');
    }
    expect(JSON.parse(first?.body ?? '{}').data.id).toBe(first?.id);
    expect(await attemptsOf(shop, orderNo)).toMatchObject([
      { attempt: 1, outcome: 'refused', status: 500, detail: 'no' },
      { attempt: 2, outcome: 'refused', status: 500 },
      { attempt: 3, outcome: 'delivered', status: 200, detail: 'ok' },
    ]);
  });

  it('is signed with both secrets while a rotation overlaps, and with the new one alone after it', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const rotate = async (overlapMs: number) => {
      const secret = newSecret();
      const stamp = { now: Date.now(), key: null, digest: '' };
      await registry().rotateOrigin(origin.id, { secret: await sealSecret(origin.id, secret), overlapMs }, stamp);
      origin.secrets.unshift(secret);
    };
    const next = async (): Promise<Post | undefined> => {
      const orderNo = unique('A');
      await record(shop, paid(orderNo));
      await settled(shop, orderNo);
      return origin.posts.at(-1);
    };
    expect((await next())?.signedBy).toEqual(origin.secrets);
    await rotate(3_600_000);
    expect((await next())?.signedBy).toEqual(origin.secrets);
    expect(origin.secrets).toHaveLength(2);
    await rotate(0);
    expect((await next())?.signedBy).toEqual(origin.secrets.slice(0, 1));
  });

  it('goes where the origin is now, not where it was when the event was committed', async () => {
    const [before, after] = [await makeOrigin(), await makeOrigin()];
    const shop = await makeShop(before);
    const taken = takeMessages();
    const orderNo = unique('A');
    await record(shop, paid(orderNo));
    const message = await nextMessage(shop, taken);
    const stamp = { now: Date.now(), key: null, digest: '' };
    await registry().updateOrigin(before.id, { url: `https://${after.id}.example/moved` }, stamp);
    await carry([message]);
    expect([before.posts.length, after.posts.length]).toEqual([0, 1]);
  });
});

describe('an answer', () => {
  it.each([200, 201, 202, 204])('of %d is delivered', async (status) => {
    const origin = await makeOrigin(() => new Response(status === 204 ? null : 'fine', { status }));
    const shop = await makeShop(origin);
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(await attemptsOf(shop, orderNo)).toMatchObject([{ outcome: 'delivered', status }]);
  });

  it.each([301, 302, 304, 307, 308, 400, 401, 404, 409, 429, 500, 502, 503])('of %d is refused', async (status) => {
    const elsewhere = await makeOrigin();
    const respond = refuse(status, { location: `https://${elsewhere.id}.example/` });
    const origin = await makeOrigin(status === 304 ? () => new Response(null, { status }) : respond, {
      ladderSeconds: [0],
    });
    const shop = await makeShop(origin);
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo, 'dead');
    expect(await attemptsOf(shop, orderNo)).toMatchObject([{ outcome: 'refused', status }]);
    expect([origin.posts.length, elsewhere.posts.length]).toEqual([1, 0]); // a redirect is never followed
  });

  it('that does not come in time is timed_out, and the next attempt goes the slow way', async () => {
    const origin = await makeOrigin(onceThenOk(hang), { timeoutMs: 100 });
    const shop = await makeShop(origin);
    const taken = takeMessages();
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await eventually(shop, () => taken.length > 0);
    expect(taken.map(({ queue }) => queue)).toEqual(['deliver']);
    await carry(taken.splice(0).map(({ body }) => body));
    expect(await attemptsOf(shop, orderNo)).toMatchObject([
      { outcome: 'timed_out', status: null, detail: 'No answer within 100 ms.' },
    ]);
    await eventually(shop, () => taken.length > 0);
    expect(taken.map(({ queue, body }) => [queue, body.attempt])).toEqual([['deliver-slow', 2]]);
    await carry(
      taken.splice(0).map(({ body }) => body),
      'deliver-slow',
    );
    await settled(shop, orderNo);
  });

  it('that never comes, for want of an origin, is unreachable', async () => {
    const origin = await makeOrigin(() => Promise.reject(new TypeError('connection refused')), { ladderSeconds: [0] });
    const shop = await makeShop(origin);
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo, 'dead');
    expect(await attemptsOf(shop, orderNo)).toMatchObject([
      { outcome: 'unreachable', status: null, detail: 'TypeError: connection refused' },
    ]);
  });

  it('with Retry-After lengthens the wait', async () => {
    const origin = await makeOrigin(refuse(429, { 'retry-after': '3000' }), { ladderSeconds: [0, 5, 5] });
    const shop = await makeShop(origin);
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await eventually(shop, () => origin.posts.length === 1);
    const [delivery] = await settled(shop, orderNo, 'waiting');
    await vi.waitUntil(async () => (await attemptsOf(shop, orderNo)).length === 1);
    const [attempt] = await attemptsOf(shop, orderNo);
    const dueAt = (await deliveriesOf(shop, orderNo))[0]?.dueAt ?? 0;
    expect(delivery?.sequence).toBe(1);
    expect(dueAt - (attempt?.at ?? 0)).toBeGreaterThanOrEqual(3_000_000);
  });

  it('without end is read to its limit and no further, and its status stands', async () => {
    let bytes = 0;
    let cancelled = false;
    const endless = () =>
      new ReadableStream({
        pull(controller) {
          bytes += 4_096;
          controller.enqueue(new TextEncoder().encode('x'.repeat(4_096)));
        },
        cancel() {
          cancelled = true;
        },
      });
    const origin = await makeOrigin(() => new Response(endless()));
    const shop = await makeShop(origin);
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(cancelled).toBe(true);
    expect(bytes).toBeLessThanOrEqual(2 * ORIGIN_RESPONSE_BYTES_MAX);
    const [attempt] = await attemptsOf(shop, orderNo);
    expect(attempt).toMatchObject({ outcome: 'delivered', detail: 'x'.repeat(ORIGIN_RESPONSE_KEPT_CHARS) });
  });

  it('whose body hangs after its status is what the status says', async () => {
    const body = (post: Post) =>
      new ReadableStream({
        start: (controller) => post.signal?.addEventListener('abort', () => controller.error(post.signal?.reason)),
      });
    const origin = await makeOrigin((post) => new Response(body(post)), { timeoutMs: 100 });
    const shop = await makeShop(origin);
    const orderNo = unique('B');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(await attemptsOf(shop, orderNo)).toMatchObject([{ outcome: 'delivered', status: 200 }]);
  });
});

describe('the end of the ladder', () => {
  it('is dead, with an alarm that says what to do; the next event of the order goes', async () => {
    const origin = await makeOrigin(({ sequence }) => new Response('no', { status: sequence === 1 ? 500 : 200 }), {
      ladderSeconds: [0, 0],
    });
    const shop = await makeShop(origin);
    const orderNo = unique('D');
    await record(shop, paid(orderNo), refunded(orderNo, 'R1'));
    await eventually(shop, () => origin.posts.length === 3);
    await vi.waitUntil(async () => (await deliveriesOf(shop, orderNo))[1]?.state === 'delivered');
    expect((await deliveriesOf(shop, orderNo)).map(({ state }) => state)).toEqual(['dead', 'delivered']);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 1, 2]);
    await vi.waitUntil(async () => (await alarmsOf(`origin/${origin.id}`)).length > 0, { timeout: 5_000 });
    expect(await alarmsOf(`origin/${origin.id}`)).toMatchObject([{ code: 'delivery_dead', count: 1 }]);
  });
});

describe('lanes', () => {
  it('hold the later events of one order and of one origin only', async () => {
    const gate = Promise.withResolvers<void>();
    const [slowOrder, other] = [unique('E'), unique('E')];
    const origin = await makeOrigin(async (post) => {
      if (post.orderNo === slowOrder && post.sequence === 1) await gate.promise;
      return ok();
    });
    const twin = await makeOrigin();
    const shop = await makeShop(origin, twin);
    const taken = takeMessages();
    await record(shop, paid(slowOrder), refunded(slowOrder, 'R1'), paid(other), refunded(other, 'R1'));
    const carrying: Promise<unknown>[] = [];
    const carryAll = () => {
      for (const { body } of taken.splice(0)) carrying.push(carry([body]));
    };
    await eventually(shop, () => {
      carryAll();
      return origin.posts.length === 3 && twin.posts.length === 4;
    });
    expect(origin.posts.map(({ orderNo, sequence }) => `${orderNo} ${sequence}`)).not.toContain(`${slowOrder} 2`);
    gate.resolve();
    await eventually(shop, () => {
      carryAll();
      return origin.posts.some(({ orderNo, sequence }) => orderNo === slowOrder && sequence === 2);
    });
    await Promise.all(carrying);
    expect([origin.mostOpen, twin.mostOpen]).toEqual([1, 1]);
  });

  it('of a bad origin do not hold a good one', async () => {
    const bad = await makeOrigin(refuse(500), { ladderSeconds: [0, 3_600] });
    const good = await makeOrigin();
    const shop = await makeShop(bad, good);
    const orders = Array.from({ length: 5 }, () => unique('E'));
    await record(shop, ...orders.flatMap((orderNo) => [paid(orderNo), refunded(orderNo, 'R1')]));
    await eventually(shop, () => good.posts.length === 10 && bad.posts.length === 5);
    for (const orderNo of orders) {
      expect(good.posts.filter((post) => post.orderNo === orderNo).map(({ sequence }) => sequence)).toEqual([1, 2]);
    }
    await vi.waitUntil(async () => {
      const views = (await Promise.all(orders.map((orderNo) => deliveriesOf(shop, orderNo)))).flat();
      return views.filter(({ originId, state }) => originId === good.id && state === 'delivered').length === 10;
    });
    const waiting = (await deliveriesOf(shop, orders[0] ?? '')).filter(({ originId }) => originId === bad.id);
    expect(waiting).toMatchObject([
      { sequence: 1, state: 'waiting', reason: 'retry' },
      { sequence: 2, state: 'waiting', reason: 'behind', dueAt: null },
    ]);
  });
});

describe('an origin that answers at random', () => {
  /** A small seeded generator (mulberry32): the same seed, the same story. */
  const randomOf = (seed: number) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };

  it.each([1, 2, 3])(
    'behind a queue that errs and a shard that is evicted (seed %d) gets everything, in sequence for each order',
    async (seed) => {
      const random = randomOf(seed);
      const succeeded = new Map<string, number[]>();
      const violations: string[] = [];
      const answers = [ok, ok, ok, refuse(500), refuse(503), () => Promise.reject(new TypeError('reset')), hang];
      const respond = async (post: Post, nth: number) => {
        const before = succeeded.get(post.orderNo) ?? [];
        const isNext = post.sequence === 1 || before.includes(post.sequence - 1);
        const isBehind = before.some((sequence) => sequence > post.sequence);
        if (!isNext || isBehind) violations.push(`${post.orderNo}: ${post.sequence} after ${before.join(' ')}`);
        const answer = answers[Math.floor(random() * answers.length)] ?? ok;
        const response = await answer(post, nth);
        if (response.ok) succeeded.set(post.orderNo, [...before, post.sequence]);
        return response;
      };
      // Nothing but the answers slows it down: the breaker has a story of its own.
      const settings = { breaker: { ...BREAKER_DEFAULT, attemptsMin: 10_000 } };
      const origin = await makeOrigin(respond, { timeoutMs: 60, ladderSeconds: Array(60).fill(0), settings });
      const shop = await makeShop(origin);
      const really = env.DELIVER.sendBatch.bind(env.DELIVER);
      vi.spyOn(console, 'error').mockImplementation(() => undefined);
      vi.spyOn(env.DELIVER, 'sendBatch').mockImplementation(async (messages) => {
        const dice = random();
        if (dice < 0.1) throw new Error('refused');
        const kept = [...messages].filter(() => random() > 0.1);
        const twice = kept.filter(() => random() < 0.2);
        return really([...kept, ...twice]);
      });
      const orders = Array.from({ length: 6 }, () => unique(`S${seed}`));
      for (const refundNo of ['', 'R1', 'R2']) {
        await record(shop, ...orders.map((one) => (refundNo === '' ? paid(one) : refunded(one, refundNo))));
      }
      for (let evictions = 0; evictions < 3; evictions++) {
        await new Promise((resolve) => setTimeout(resolve, 100 + 200 * random()));
        await deliveriesOf(shop, orders[0] ?? ''); // it runs, so that there is something to evict
        await evictDurableObject(ledger(shop.shard));
      }
      for (const orderNo of orders) await settled(shop, orderNo);
      expect(violations).toEqual([]);
      for (const orderNo of orders) {
        expect(new Set(succeeded.get(orderNo))).toEqual(new Set([1, 2, 3]));
        const ids = origin.posts
          .filter((post) => post.orderNo === orderNo)
          .map(({ id, sequence }) => `${sequence} ${id}`);
        expect(new Set(ids).size).toBe(3);
      }
      expect(origin.mostOpen).toBe(1);
      expect((await ledger(shop.shard).readOrder(orders[0] ?? ''))?.order.sequence).toBe(3);
    },
  );
});
