// Cron's tick: whatever lost its alarm comes back, and nothing is made that was not there.
import { createScheduledController, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { ledgerNameOf, shardOf } from '../../src/core/channel.ts';
import { reconcilerNameOf } from '../../src/core/reconciliation.ts';
import { poke } from '../../src/reconcile/poke.ts';
import { makeChannel, paid, post, registry } from './receive-world.ts';

const tick = () => poke(env, createScheduledController().scheduledTime);

const inD1 = (orderNo: string) => env.DB.prepare('SELECT state FROM orders WHERE order_no = ?').bind(orderNo).first();

async function eventually<T>(check: () => Promise<T | null>): Promise<T> {
  for (let i = 0; i < 200; i++) {
    const value = await check();
    if (value !== null) return value;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('it never came');
}

describe('poke', () => {
  it('wakes the reconciler of a channel with bills once an hour, at a minute of its own', async () => {
    const { id } = await makeChannel();
    const record = await env.REGISTRY.getByName('registry').readChannel(id);
    if (!record) throw new Error('the channel was just made');
    const reconciler = env.RECONCILER.getByName(reconcilerNameOf(record.channel));
    const alarm = () => runInDurableObject(reconciler, (_, { storage }) => storage.getAlarm());
    const hour = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    const minute = shardOf(record.channel.uid, 60);
    await poke(env, hour + ((minute + 1) % 60) * 60_000);
    expect(await alarm()).toBeNull();
    await poke(env, hour + minute * 60_000);
    expect(await alarm()).toBeGreaterThan(Date.now()); // the first bill is still to come
  });

  it('arms a shard whose alarm the platform lost, so that its facts still reach D1', async () => {
    const channel = await makeChannel();
    const record = await env.REGISTRY.getByName('registry').readChannel(channel.id);
    if (!record) throw new Error('the channel was just made');
    const { body, headers } = await paid('POKE-1');
    const answer = await post(channel.id, body, headers);
    expect(answer.ok).toBe(true);
    const shard = env.LEDGER.getByName(ledgerNameOf(record.channel, 'POKE-1'));
    await runInDurableObject(shard, (_, state) => state.storage.deleteAlarm());
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await inD1('POKE-1')).toBeNull(); // without an alarm nothing moves
    await tick();
    expect(await eventually(() => inD1('POKE-1'))).toEqual({ state: 'paid' });
  });

  it('does no harm when it runs twice at once, and makes no tables where there was nothing', async () => {
    const channel = await makeChannel();
    await Promise.all([tick(), tick()]);
    const record = await env.REGISTRY.getByName('registry').readChannel(channel.id);
    if (!record) throw new Error('the channel was just made');
    const shard = env.LEDGER.getByName(ledgerNameOf(record.channel, 'POKE-2'));
    const tables = await runInDurableObject(shard, (_, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'marks'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  it('reaches every shard although the registry cannot do its own part of the tick', async () => {
    const channel = await makeChannel();
    const record = await registry().readChannel(channel.id);
    if (!record) throw new Error('the channel was just made');
    const { body, headers } = await paid('POKE-3');
    expect((await post(channel.id, body, headers)).ok).toBe(true);
    const shard = env.LEDGER.getByName(ledgerNameOf(record.channel, 'POKE-3'));
    await runInDurableObject(shard, (_, state) => state.storage.deleteAlarm());
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const ill = { tick: () => Promise.reject(new Error('overloaded')), listChannels: () => registry().listChannels() };
    const REGISTRY = { getByName: () => ill } as unknown as typeof env.REGISTRY; // the outage
    await poke({ ...env, REGISTRY }, Date.now());
    expect(await eventually(() => inD1('POKE-3'))).toEqual({ state: 'paid' });
    vi.restoreAllMocks();
  });
});
