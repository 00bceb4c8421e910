// What becomes of a delivery beyond the plain one: an origin's other signature, its contradiction, its silence, its
// filter, what the gateway itself cannot prepare, and what is kept of the attempts.

import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ATTEMPTS_KEPT_FIRST, ATTEMPTS_KEPT_LAST, BREAKER_DEFAULT, RETRY_JITTER_SHARE } from '../../src/core/limits.ts';
import type { OriginFilter } from '../../src/core/origin.ts';
import type { DeliveryMessage } from '../../src/core/record.ts';
import { call } from './api-world.ts';
import {
  alarmsOf,
  carry,
  deliveriesOf,
  eventually,
  hang,
  makeOrigin,
  makeShop,
  nextMessage,
  ok,
  record,
  refuse,
  type ScriptedOrigin,
  type Shop,
  settled,
  takeMessages,
} from './delivery-world.ts';
import { ledger, paid, refunded, unique, until } from './ledger-kit.ts';
import { registry } from './receive-world.ts';

vi.setConfig({ testTimeout: 20_000 });

vi.setConfig({ testTimeout: 30_000 });

vi.setConfig({ testTimeout: 60_000 });

describe('an origin that chose ed25519', () => {
  it('a delivery is signed with ed25519 for an origin that chose it, and verified by its public key', async () => {
    const origin = await makeOrigin();
    const rotated = await call('POST', `/v1/origins/${origin.id}/rotate`, { signature: 'ed25519', overlapSeconds: 0 });
    const shop = await makeShop(origin);
    const orderNo = unique('ED');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect((await deliveriesOf(shop, orderNo))[0]?.attempts).toHaveLength(1);
    const [post] = origin.posts;
    const [version, signature = ''] = post?.headers.get('webhook-signature')?.split(',') ?? [];
    expect(version).toBe('v1a');
    const raw = Uint8Array.fromBase64(String(rotated.body.publicKey).replace('whpk_', ''));
    const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    const isGood = (text: string) =>
      crypto.subtle.verify('Ed25519', key, Uint8Array.fromBase64(signature), new TextEncoder().encode(text));
    const signed = `${post?.id}.${post?.headers.get('webhook-timestamp')}.${post?.body}`;
    expect([await isGood(signed), await isGood(`${signed} `)]).toEqual([true, false]);
  });
});

describe('an origin that repeats what it was told', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined); // the alarms
  });

  async function shopThatAnswers(answer: object, echoCheck = true) {
    const origin = await makeOrigin(() => Response.json(answer));
    await call('PATCH', `/v1/origins/${origin.id}`, { echoCheck });
    return { origin, shop: await makeShop(origin) };
  }

  it('a contradiction flags the order with an event, and raises an alarm that says what was answered', async () => {
    const { origin, shop } = await shopThatAnswers({ amount: 99 });
    const orderNo = unique('E');
    await record(shop, paid(orderNo));
    await eventually(shop, () => origin.posts.length === 2);
    expect(origin.posts.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['payment.succeeded', 1],
      ['order.flagged', 2],
    ]);
    expect(JSON.parse(origin.posts[1]?.body ?? '{}').data).toMatchObject({
      source: 'merchant',
      order: { state: 'paid', flags: ['origin_disagrees'] },
    });
    const subject = `order/${shop.channelId}/${orderNo}`;
    await vi.waitUntil(async () => (await alarmsOf(subject)).length > 0, { timeout: 5_000 });
    expect((await alarmsOf(subject))[0]).toMatchObject({
      code: 'origin_disagrees',
      detail: expect.stringContaining('amount is 99, and 100 CNY in minor units was sent'),
    });
  });

  it('the delivery stays delivered, and an origin that goes on contradicting is not told without end', async () => {
    const { origin, shop } = await shopThatAnswers({ orderNo: 'another' });
    const orderNo = unique('E');
    await record(shop, paid(orderNo), refunded(orderNo, 'R1'));
    await eventually(shop, () => origin.posts.length === 3);
    await vi.waitUntil(async () => (await deliveriesOf(shop, orderNo)).every(({ state }) => state === 'delivered'));
    const detail = await ledger(shop.shard).readOrder(orderNo);
    expect(detail?.order.sequence).toBe(3);
    expect(detail?.deliveries.map(({ attempts }) => attempts.length)).toEqual([1, 1, 1]);
  });

  it('agreement, and an origin that nobody asked to repeat anything, change nothing', async () => {
    const agreeing = await shopThatAnswers({ amount: 100, sequence: 1 });
    const unasked = await shopThatAnswers({ amount: 99 }, false);
    for (const { origin, shop } of [agreeing, unasked]) {
      const orderNo = unique('E');
      await record(shop, paid(orderNo));
      await settled(shop, orderNo);
      expect((await ledger(shop.shard).readOrder(orderNo))?.order).toMatchObject({ sequence: 1, flags: [] });
      expect(origin.posts).toHaveLength(1);
    }
  });
});

describe('an origin that does not answer', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const settledFor = async (shop: Shop, orders: readonly string[], originId: string) => {
    const views = await Promise.all(orders.map((orderNo) => deliveriesOf(shop, orderNo)));
    return views.flat().filter((one) => one.originId === originId && one.attempts.length > 0);
  };

  it('does not hold up the others of its batch, nor the batches behind it', async () => {
    const silent = await makeOrigin(hang, { timeoutMs: 5_000, ladderSeconds: [0, 3_600] });
    const well = await makeOrigin(ok);
    const shop = await makeShop(silent, well);
    const orders = Array.from({ length: 12 }, () => unique('Q'));
    await record(shop, ...orders.map((orderNo) => paid(orderNo)));
    await eventually(shop, () => well.posts.length === 12);
    const later = unique('Q');
    await record(shop, paid(later));
    await eventually(shop, () => well.posts.length === 13);
    expect(await settledFor(shop, [...orders, later], silent.id)).toEqual([]); // it had not even timed out
    expect(silent.posts.length).toBeGreaterThan(0);
  });

  it('is served the slow way at once, and what was not begun burns no attempt', async () => {
    const silent = await makeOrigin(hang, { timeoutMs: 4_000 });
    const shop = await makeShop(silent);
    const queue: Queue<DeliveryMessage> = env.DELIVER_SLOW;
    const slowly = vi.spyOn(queue, 'sendBatch');
    const orders = Array.from({ length: 10 }, () => unique('Q'));
    await record(shop, ...orders.map((orderNo) => paid(orderNo)));
    const sent = () => slowly.mock.calls.flatMap(([messages]) => [...messages].map(({ body }) => body));
    await eventually(shop, () => sent().some(({ originId }) => originId === silent.id));
    expect(sent().find(({ originId }) => originId === silent.id)?.attempt).toBe(1);
    silent.respond = ok;
    for (const orderNo of orders) await settled(shop, orderNo);
    const views = (await Promise.all(orders.map((orderNo) => deliveriesOf(shop, orderNo)))).flat();
    // Six were posted and hung; the others were delivered by their first attempt.
    const atOnce = views.filter(({ attempts }) => attempts.length === 1 && attempts[0]?.outcome === 'delivered');
    expect(atOnce.length).toBeGreaterThanOrEqual(4);
  });
});

describe('a failure of the gateway itself', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('a delivery that the gateway itself cannot prepare ends dead and alarmed, not in silence', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const broken = await makeOrigin(undefined, { format: 'unheard-of', ladderSeconds: [0, 0] });
    const shop = await makeShop(broken);
    const orderNo = unique('D');
    await record(shop, paid(orderNo));
    const [delivery] = await settled(shop, orderNo, 'dead');
    expect(delivery?.attempts[0]).toMatchObject({ outcome: 'unreachable', status: null });
    expect(delivery?.attempts[0]?.detail).toContain('unheard-of');
    expect(broken.posts).toEqual([]);
  }, 15_000);
});

describe('the attempts that are kept', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined); // the alarms
  });

  it('the first attempts of a long story are kept, and the last, and their number says what is missing', async () => {
    const tries = ATTEMPTS_KEPT_FIRST + ATTEMPTS_KEPT_LAST + 3;
    const origin = await makeOrigin((_, nth) => (nth < tries ? new Response(`no ${nth}`, { status: 500 }) : ok()), {
      ladderSeconds: Array(tries).fill(0),
      settings: { breaker: { ...BREAKER_DEFAULT, attemptsMin: 1_000 } }, // it is not what is looked at here
    });
    const shop = await makeShop(origin);
    const orderNo = unique('L');
    await record(shop, paid(orderNo));
    await eventually(shop, () => origin.posts.length > tries / 2);
    await eventually(shop, () => origin.posts.length === tries);
    const [delivery] = await settled(shop, orderNo);
    const numbers = delivery?.attempts.map(({ attempt }) => attempt) ?? [];
    expect(numbers).toHaveLength(ATTEMPTS_KEPT_FIRST + ATTEMPTS_KEPT_LAST);
    expect(numbers.slice(0, ATTEMPTS_KEPT_FIRST + 1)).toEqual([1, 2, 3, 4, 5, 9]);
    expect(numbers.at(-1)).toBe(tries);
    expect(delivery?.attempts[0]).toMatchObject({ outcome: 'refused', status: 500, detail: 'no 1' });
  });

  it('each attempt tells when the next one was, or is due', async () => {
    const origin = await makeOrigin(refuse(500), { ladderSeconds: [0, 0, 3_600] });
    const shop = await makeShop(origin);
    const orderNo = unique('L');
    await record(shop, paid(orderNo));
    await vi.waitUntil(
      async () => {
        await settled(shop, orderNo, 'waiting');
        return (await deliveriesOf(shop, orderNo))[0]?.attempts.length === 2;
      },
      { timeout: 10_000 },
    );
    const { body } = await call('GET', `/v1/orders/${shop.channelId}/${orderNo}`);
    const [first, second] = [...(body.deliveries?.[0]?.attempts ?? [])];
    expect(first?.nextAt).toBe(second?.at);
    const waitMs = Date.parse(String(second?.nextAt)) - Date.parse(String(second?.at));
    expect(waitMs).toBeGreaterThanOrEqual(3_600_000);
    expect(waitMs).toBeLessThan(3_600_000 * (1 + RETRY_JITTER_SHARE) + 60_000);
  });

  it('the last attempt of a delivery has none after it', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const orderNo = unique('L');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    const { body } = await call('GET', `/v1/orders/${shop.channelId}/${orderNo}`);
    expect(body.deliveries?.[0]?.attempts).toMatchObject([{ attempt: 1, nextAt: null }]);
  });
});

describe('filters', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const filterOf = (change: Partial<OriginFilter>) => ({
    settings: { filter: { types: [], states: [], flags: [], channels: [], amount: null, metadata: {}, ...change } },
  });
  const REFUNDS = filterOf({ types: ['refund.succeeded'] });
  const PAYMENTS = filterOf({ types: ['payment.succeeded'] });
  const sequencesOf = (origin: ScriptedOrigin, orderNo: string) =>
    origin.posts.filter((post) => post.orderNo === orderNo).map(({ sequence }) => sequence);
  const rowsOf = (shop: Shop, query: string) =>
    runInDurableObject(ledger(shop.shard), (_, { storage }) => storage.sql.exec(query).toArray());

  describe('origins behind filters', () => {
    it('each get what they want in the sequence of the order, with gaps, and no row for the rest', async () => {
      const refunds = await makeOrigin(ok, REFUNDS);
      const everything = await makeOrigin(ok);
      const large = await makeOrigin(ok, filterOf({ amount: { min: 500, max: null, currency: 'CNY' } }));
      const shop = await makeShop(refunds, everything, large);
      const orderNo = unique('M');
      await record(shop, paid(orderNo), refunded(orderNo, 'R1'), refunded(orderNo, 'R2'));
      const deliveries = await settled(shop, orderNo);
      expect(sequencesOf(refunds, orderNo)).toEqual([2, 3]);
      expect(sequencesOf(everything, orderNo)).toEqual([1, 2, 3]);
      expect(sequencesOf(large, orderNo)).toEqual([]);
      expect(deliveries.map(({ originId, sequence }) => `${sequence} ${originId}`).sort()).toEqual(
        [`1 ${everything.id}`, ...[2, 3].flatMap((n) => [`${n} ${refunds.id}`, `${n} ${everything.id}`])].sort(),
      );
    });

    it('look at the order as it stood when the event was committed', async () => {
      const whole = await makeOrigin(ok, filterOf({ states: ['paid'] }));
      const shop = await makeShop(whole);
      const orderNo = unique('M');
      await record(shop, paid(orderNo), refunded(orderNo, 'R1')); // partially refunded by the time it is dispatched
      await eventually(shop, () => whole.posts.length === 1);
      await until(shop.shard, async () =>
        (await deliveriesOf(shop, orderNo)).every(({ state }) => state !== 'waiting'),
      );
      expect((await deliveriesOf(shop, orderNo)).map(({ state, reason }) => [state, reason])).toEqual([
        ['delivered', null],
        ['skipped', 'filtered'],
      ]);
      const row = await until(shop.shard, () =>
        env.DB.prepare("SELECT * FROM deliveries WHERE order_no = ? AND state = 'skipped'").bind(orderNo).first(),
      );
      expect(row).toMatchObject({ origin: '', sequence: 2, reason: 'filtered' });
    });

    it('that are first and did not want an event are not told of it after a restart', async () => {
      const first = await makeOrigin(ok, REFUNDS);
      const second = await makeOrigin(ok);
      const shop = await makeShop(first, second);
      const taken = takeMessages();
      const orderNo = unique('M');
      await record(shop, paid(orderNo));
      await nextMessage(shop, taken);
      await evictDurableObject(ledger(shop.shard));
      const again = await nextMessage(shop, taken);
      expect(again.originId).toBe(second.id);
      await carry([again]);
      while (second.posts.length === 0) await carry([await nextMessage(shop, taken)]); // some were of the former life
      await settled(shop, orderNo);
      await new Promise((resolve) => setTimeout(resolve, 400)); // more than a lease
      expect(taken.filter(({ body }) => body.shard === shop.shard && body.originId === first.id)).toEqual([]);
      expect((await deliveriesOf(shop, orderNo)).map(({ originId }) => originId)).toEqual([second.id]);
    });

    it('that change while an event is on its way keep that event, and restarts do not confuse the two', async () => {
      const first = await makeOrigin(ok);
      const shop = await makeShop(first);
      const taken = takeMessages();
      const [before, after] = [unique('M'), unique('M')];
      await record(shop, paid(before));
      await nextMessage(shop, taken);
      const stamp = { now: Date.now(), key: null, digest: '' };
      await registry().updateOrigin(first.id, REFUNDS, stamp);
      expect(await rowsOf(shop, 'SELECT state FROM deliveries')).toEqual([{ state: 'in_flight' }]);
      await record(shop, paid(after));
      await until(shop.shard, async () => (await deliveriesOf(shop, after))[0]?.state === 'skipped');
      await evictDurableObject(ledger(shop.shard));
      while (first.posts.length === 0) await carry([await nextMessage(shop, taken)]); // some were of the former life
      await settled(shop, before);
      expect(first.posts.map(({ orderNo }) => orderNo)).toEqual([before]);
      expect((await deliveriesOf(shop, after)).map(({ state, reason }) => [state, reason])).toEqual([
        ['skipped', 'filtered'],
      ]);
    });

    it('that want nothing settle without a row, whatever is committed', async () => {
      const picky = await makeOrigin(ok, PAYMENTS);
      const shop = await makeShop(picky);
      const orders = Array.from({ length: 5 }, () => unique('M'));
      await record(shop, ...orders.map((orderNo) => refunded(orderNo, 'R1')));
      for (const orderNo of orders) await settled(shop, orderNo, 'skipped');
      expect(await rowsOf(shop, 'SELECT COUNT(*) AS n FROM deliveries')).toEqual([{ n: 0 }]);
      expect(picky.posts).toEqual([]);
    });
  });

  describe('an origin that is left alone', () => {
    it('does not keep events from the others that it would not have got itself', async () => {
      const breaker = { failureShare: 0.5, windowSeconds: 60, attemptsMin: 2, probeAfterSeconds: 600 };
      const settings = { ...PAYMENTS.settings, breaker };
      const dead = await makeOrigin(refuse(500), { settings, ladderSeconds: [0, 600] });
      const healthy = await makeOrigin(ok, REFUNDS);
      const shop = await makeShop(dead, healthy);
      await record(shop, paid(unique('D')), paid(unique('D')));
      const gate = env.ORIGIN_GATE.getByName(`v1:${dead.id}`);
      await vi.waitUntil(async () => (await gate.state()).breaker === 'open', { timeout: 10_000, interval: 20 });
      const [waiting, refund] = [unique('D'), unique('D')];
      await record(shop, paid(waiting));
      await record(shop, refunded(refund, 'R1'));
      await settled(shop, refund);
      expect(sequencesOf(healthy, refund)).toEqual([1]);
      expect((await deliveriesOf(shop, waiting)).map(({ state, attempts }) => [state, attempts])).toEqual([
        ['waiting', []],
      ]);
    });
  });

  describe('the first step of the ladder', () => {
    it('is waited before the first attempt, by each event of an order, and after a restart too', async () => {
      const times: number[] = [];
      const origin = await makeOrigin(
        () => {
          times.push(Date.now());
          return ok();
        },
        { ladderSeconds: [1, 0] },
      );
      const shop = await makeShop(origin);
      const orderNo = unique('W');
      const committedAt = Date.now();
      await record(shop, paid(orderNo));
      await until(shop.shard, async () => (await deliveriesOf(shop, orderNo))[0]?.reason === 'ladder');
      await evictDurableObject(ledger(shop.shard));
      await new Promise((resolve) => setTimeout(resolve, 500));
      const secondAt = Date.now();
      await record(shop, refunded(orderNo, 'R1'));
      await settled(shop, orderNo);
      expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2]);
      expect(times[0]).toBeGreaterThanOrEqual(committedAt + 1_000);
      expect(times[1]).toBeGreaterThanOrEqual(secondAt + 1_000);
    });
  });
});
