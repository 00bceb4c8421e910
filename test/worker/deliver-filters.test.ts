// Several origins of one channel, each with its filter and its first wait: who gets what, and what a restart makes
// of it.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OriginFilter } from '../../src/core/channel.ts';
import {
  carry,
  deliveriesOf,
  eventually,
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

vi.setConfig({ testTimeout: 30_000 });
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
    await until(shop.shard, async () => (await deliveriesOf(shop, orderNo)).every(({ state }) => state !== 'waiting'));
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
