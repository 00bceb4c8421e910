// Channels that go quiet: found by cron from the roll-ups of all channels at once, told once, and again when
// it lasts.

import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { DAY_MS, SILENCE_AGAIN_MS } from '../../src/core/limits.ts';
import { HOUR_MS, hourOf } from '../../src/core/tally.ts';
import { poke } from '../../src/reconcile/poke.ts';
import { watchSilence } from '../../src/reconcile/silence.ts';
import { putRollups } from '../../src/store/rollups.ts';
import { call, makeChannel } from './api-world.ts';
import { later, Shop, startClock } from './order-world.ts';

const MINUTE_MS = 60_000;
/** Far from the making of the channels, which begins a new time too. */
const NOW = hourOf(Date.now() + 40 * DAY_MS) + 35 * MINUTE_MS;

/** So many callbacks each hour for five weeks, over two shards, the last at this time. */
async function past(channel: string, perHour: number, lastAt: number, weeks = 5) {
  const first = hourOf(NOW - weeks * 7 * DAY_MS);
  const hours = Array.from({ length: (lastAt - first) / HOUR_MS }, (_, n) => first + n * HOUR_MS);
  const rows = [...hours, hourOf(lastAt)].flatMap((hour, n) =>
    ['0', '1'].map((shard) => {
      const doc = { 'facts.callback': perHour / 2, 'facts.query': 9 };
      return { channel, hour, shard, version: n + 1, last_at: hour === hourOf(lastAt) ? lastAt : hour, doc };
    }),
  );
  for (let at = 0; at < rows.length; at += 500) await putRollups(env.DB, rows.slice(at, at + 500));
}

afterEach(() => vi.restoreAllMocks());

const records = () => env.REGISTRY.getByName('registry').listChannels();
async function alarmsOf(channel: string) {
  const items = (await call('GET', '/v1/alarms?limit=200')).body.items ?? ([] as never);
  return [...items].filter(({ code, subject }) => `${code} ${subject}` === `channel_silent channel/${channel}`);
}

it('tells a person once of a channel that is quiet beyond its past, and of no other', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const [quiet, slow, lively, young, fresh] = await Promise.all([0, 1, 2, 3, 4].map(() => makeChannel({ shards: 1 })));
  await past(quiet ?? '', 40, NOW - 35 * MINUTE_MS);
  await past(slow ?? '', 2, NOW - 35 * MINUTE_MS);
  await past(lively ?? '', 40, NOW - 2 * MINUTE_MS);
  await past(young ?? '', 40, NOW - 35 * MINUTE_MS, 1);
  for (let tick = 0; tick < 3; tick++) await watchSilence(env, await records(), NOW + tick * MINUTE_MS);
  const [alarm, ...more] = await alarmsOf(quiet ?? '');
  expect(more).toEqual([]);
  expect(String(alarm?.detail)).toContain('normally 40 an hour, none for 35 minutes');
  expect(Number(alarm?.count)).toBe(1);
  for (const other of [slow, lively, young, fresh]) expect(await alarmsOf(other ?? '')).toEqual([]);
  await watchSilence(env, await records(), NOW + SILENCE_AGAIN_MS + 5 * MINUTE_MS);
  expect((await alarmsOf(quiet ?? '')).map(({ count }) => Number(count))).toEqual([2]);
  await call('POST', `/v1/channels/${quiet}/disable`);
  await watchSilence(env, await records(), NOW + 3 * SILENCE_AGAIN_MS);
  expect((await alarmsOf(quiet ?? '')).map(({ count }) => Number(count))).toEqual([2]);
});

it('is looked for by cron, whose other work goes on without D1', async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const channel = await makeChannel({ shards: 1 });
  await past(channel, 60, NOW - 50 * MINUTE_MS);
  const DB = { prepare: () => ({ bind: () => null }), batch: () => Promise.reject(new Error('D1 is down')) };
  await poke({ ...env, DB } as unknown as Env, NOW); // the outage
  expect(errors.mock.calls.map(String).filter((line) => line.includes('"name":"silence"'))).toHaveLength(1);
  expect(await alarmsOf(channel)).toEqual([]);
  await poke(env, NOW + MINUTE_MS); // not a minute of looking
  expect(await alarmsOf(channel)).toEqual([]);
  await poke(env, NOW + 5 * MINUTE_MS);
  expect(await alarmsOf(channel)).toHaveLength(1);
});

it('asks the provider about orders that wait, says how many were paid, and repairs them', async () => {
  const queue = startClock();
  const shop = await Shop.open();
  await past(shop.channel, 40, NOW - 35 * MINUTE_MS);
  later(NOW - 30 * MINUTE_MS - Date.now());
  const [one, two] = [await shop.sell(), await shop.sell()];
  for (const orderNo of [one, two]) shop.payUnnoticed(orderNo);
  queue.back();
  const looking = watchSilence(env, await records(), NOW);
  const stateOf = async (orderNo: string) => (await shop.read(orderNo)).body.order?.state;
  await vi.waitFor(
    async () => {
      for (const orderNo of [one, two]) {
        await runDurableObjectAlarm(await shop.ledger(orderNo));
        expect(await stateOf(orderNo)).toBe('paid');
      }
    },
    { timeout: 10_000, interval: 50 },
  );
  await looking;
  const [alarm] = await alarmsOf(shop.channel);
  expect(String(alarm?.detail)).toContain("none for 35 minutes. The provider's query says 2 were paid");
});
