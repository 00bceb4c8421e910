// What is kept of a delivery's attempts: bounded, in order, each with what came next.
import { beforeEach, expect, it, vi } from 'vitest';
import { ATTEMPTS_KEPT_FIRST, ATTEMPTS_KEPT_LAST, BREAKER_DEFAULT, RETRY_JITTER_SHARE } from '../../src/core/limits.ts';
import { call } from './api-world.ts';
import { deliveriesOf, eventually, makeOrigin, makeShop, ok, record, refuse, settled } from './delivery-world.ts';
import { paid, unique } from './ledger-kit.ts';

vi.setConfig({ testTimeout: 60_000 });
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
