// What fails in the gateway itself before a post: it is told like any other failure, so that a person hears of it.
import { afterEach, expect, it, vi } from 'vitest';
import { makeOrigin, makeShop, record, settled } from './delivery-world.ts';
import { paid, unique } from './ledger-kit.ts';

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
