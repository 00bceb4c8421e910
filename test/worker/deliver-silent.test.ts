// An origin that does not answer, in one queue with others: they do not wait for it, and it loses nothing by that.
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { DeliveryMessage } from '../../src/core/record.ts';
import {
  deliveriesOf,
  eventually,
  hang,
  makeOrigin,
  makeShop,
  ok,
  record,
  type Shop,
  settled,
} from './delivery-world.ts';
import { paid, unique } from './ledger-kit.ts';

vi.setConfig({ testTimeout: 30_000 });
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
