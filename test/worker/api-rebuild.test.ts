// D1 lost with everything in it: one call, and the lists show again what the ledgers and the callback logs hold.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { callbackLogNameOf } from '../../src/core/arrival.ts';
import { call } from './api-world.ts';
import { makeOrigin, makeShop, settled } from './delivery-world.ts';
import { unique, until } from './ledger-kit.ts';
import { paid, post } from './receive-world.ts';

/** With the rows that one order and one refusal make; sums are of the hour and of its eight hours. */
const ROWS = { orders: 1, events: 1, deliveries: 1, callbacks: 1, callback_counts: 1, arrivals: 2 } as const;
const TABLES = Object.keys(ROWS);

it('a lost D1 is rebuilt by one call, and a second call changes nothing', async () => {
  const shop = await makeShop(await makeOrigin());
  const orderNo = unique('LOST');
  const { body, headers } = await paid(orderNo);
  expect((await post(shop.channelId, body, headers)).status).toBe(204);
  expect((await post(shop.channelId, `${body} `, headers)).status).toBe(401);
  await settled(shop, orderNo);
  const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(shop.uid));
  const shown = async () => {
    await runDurableObjectAlarm(log);
    const tables = await env.DB.batch<Record<string, unknown>>(
      TABLES.map((table) => env.DB.prepare(`SELECT * FROM ${table} WHERE channel = ?`).bind(shop.channelId)),
    );
    // A delivery's updated_at is when D1 was told of it; an event's cursor is its place since then, never given twice.
    const rows = tables.flatMap(({ results }) => results.map(({ updated_at: _, cursor: __, ...row }) => row));
    return tables.every(({ results }, index) => results.length === Object.values(ROWS)[index]) ? rows : null;
  };
  const before = await until(shop.shard, shown, 200);

  await env.DB.batch(TABLES.map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
  const list = `/v1/orders?channel=${shop.channelId}`;
  expect((await call('GET', list)).body.items).toEqual([]);
  const rebuilt = await call('POST', '/v1/projection/rebuild');
  expect([rebuilt.status, Number(rebuilt.body.orders) > 0]).toEqual([200, true]);
  expect(await until(shop.shard, shown, 200)).toEqual(before);
  expect((await call('GET', list)).body.items?.map((item) => item.orderNo)).toEqual([orderNo]);

  expect((await call('POST', '/v1/projection/rebuild')).status).toBe(200);
  await runDurableObjectAlarm(env.LEDGER.getByName(shop.shard));
  expect(await until(shop.shard, shown)).toEqual(before);
});
