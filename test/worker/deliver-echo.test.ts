// An origin that repeats what it was told: where it repeats something else, the order says so and a person hears of it.
import { beforeEach, expect, it, vi } from 'vitest';
import { call } from './api-world.ts';
import { alarmsOf, deliveriesOf, eventually, makeOrigin, makeShop, record, settled } from './delivery-world.ts';
import { ledger, paid, refunded, unique } from './ledger-kit.ts';

vi.setConfig({ testTimeout: 20_000 });
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
