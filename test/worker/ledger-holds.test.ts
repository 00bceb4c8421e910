// Held orders: a flag that the channel names keeps the event and all later ones from the origin until a person decides.

import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';
import type { Money } from '../../src/core/money.ts';
import { Dispatcher } from '../../src/objects/dispatcher.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { release as releaseIn } from '../../src/objects/release-desk.ts';
import { readMarks } from '../../src/store/ledger-outbox.ts';
import { config, fact, ledger, origin, paid, refunded, unique, until } from './ledger-kit.ts';

const shop = origin('nobody-here');
const holding = (releaseConfirmAbove: Money | null = null) =>
  config([shop], { settings: { ...DEFAULT_CHANNEL_SETTINGS, hold: ['overpaid', 'paid_twice'], releaseConfirmAbove } });

const record = (name: string, events: Parameters<typeof fact>[0][], dispatch = holding()) =>
  ledger(name).record({ v: 1, facts: events.map(fact), dispatch });

async function overpaid(name: string, orderNo: string, dispatch = holding()) {
  await ledger(name).register({
    v: 1,
    orderNo,
    registration: {
      amount: { minor: 60, currency: 'CNY' },
      description: null,
      expiresAt: null,
      metadata: {},
      registeredAt: Date.now(),
    },
    dispatch,
    eventId: `evt_${unique('r')}`,
  });
  await record(name, [paid(orderNo)], dispatch);
}

const release = (name: string, orderNo: string, key = 'key_a', discard = false) =>
  ledger(name).release({ v: 1, orderNo, actor: { key, reason: 'looked at it' }, discard });

const statesOf = async (name: string, orderNo: string) =>
  (await ledger(name).readOrder(orderNo))?.deliveries.map(({ state }) => state);

const heldStates = (name: string, orderNo: string, count = 1) =>
  until(name, async () => {
    const states = (await statesOf(name, orderNo)) ?? [];
    return states.length === count && states.every((state) => state === 'held') && states;
  });

/** A life of its own over the shard's tables; `meanwhile` runs while the origin's gate is asked for permits. */
const departing = (name: string, meanwhile: (dispatcher: Dispatcher) => void) =>
  runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
    await storage.deleteAlarm(); // the other life stands still
    const sent: string[] = [];
    const sendBatch = async (messages: readonly { readonly body: { readonly eventId: string } }[]) =>
      void sent.push(...messages.map(({ body }) => body.eventId));
    const take = async ({ wanted }: { readonly wanted: number }) => {
      meanwhile(dispatcher);
      return { granted: wanted, retryAt: 0, probe: false, shut: false, slow: false };
    };
    const stubs = { ORIGIN_GATE: { getByName: () => ({ take }) }, DELIVER: { sendBatch } };
    const world = { ...env, ...stubs } as unknown as Env; // what comes between two lines
    const shard = { env: world, storage, name, epoch: 'second', leaseMs: 60_000 };
    const dispatcher: Dispatcher = new Dispatcher(shard, readMarks(storage.sql), Date.now());
    await dispatcher.flush(Date.now() + 1_000);
    return { sent, dispatcher, storage };
  });

describe('a flag that the channel holds', () => {
  it('lets nothing leave that is discarded while the gate is asked for it', async () => {
    const name = unique('shard');
    await overpaid(name, 'RACE');
    const { sent } = await departing(name, (dispatcher) => {
      const request = { v: 1, orderNo: 'RACE', actor: { key: 'key_a', reason: 'looked' }, discard: true } as const;
      dispatcher.shard.storage.transactionSync(() => releaseIn(dispatcher, request, Date.now()));
    });
    expect(sent).toEqual([]);
    expect(await statesOf(name, 'RACE')).toEqual(['cancelled']);
  });

  it('lets nothing leave that a filter excludes which came while the gate was asked', async () => {
    const name = unique('shard');
    const dispatch = config([shop]);
    await record(name, [paid('FILTERED')], dispatch);
    const none = { states: [], flags: [], channels: [], amount: null, metadata: {} };
    const filter = { ...none, types: ['refund.succeeded' as const] };
    const { sent } = await departing(name, (dispatcher) => {
      dispatcher.configure(config([{ ...shop, version: 2, filter }], { channelVersion: 2 }), Date.now());
    });
    expect(sent).toEqual([]);
  });

  it('does not keep events for a configuration that came meanwhile and filters nothing otherwise', async () => {
    const name = unique('shard');
    await record(name, [paid('PLAIN')], config([shop]));
    const { sent } = await departing(name, (dispatcher) => {
      // As while a new version of the gateway, whose providers can be asked, takes turns with the old one.
      dispatcher.configure(config([shop], { asks: dispatcher.config.asks !== true }), Date.now());
    });
    expect(sent).toHaveLength(1);
  });

  it('keeps its event and every later one of the order, and of no other order', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1');
    await record(name, [refunded('H1', 'R1')]);
    await record(name, [paid('H2')]);
    await heldStates(name, 'H1', 2);
    expect((await ledger(name).readOrder('H1'))?.held).toBe(true);
    expect((await ledger(name).readOrder('H2'))?.held).toBe(false);
    expect(await until(name, async () => !(await statesOf(name, 'H2'))?.includes('held'))).toBe(true);
  });

  it.each([
    ['held', 'its turn', {}],
    ['paused', 'an origin that is paused by now', { paused: true }],
  ])('is among the %s in D1 though it waited long for %s', async (state, _, change) => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const settings = state === 'held' ? holding().settings : DEFAULT_CHANNEL_SETTINGS;
    const shut = config([{ ...shop, concurrent: 0 }], { channelId, settings });
    await record(name, [paid('FIRST')], shut);
    await overpaid(name, 'LATE', shut);
    const inD1 = (from: string) =>
      env.DB.prepare(`SELECT 1 FROM ${from} AND channel = ? AND order_no = 'LATE'`).bind(channelId).first();
    await until(name, () => inD1('events WHERE true'));
    await ledger(name).configure(config([{ ...shop, version: 2, ...change }], { channelId, settings }));
    const told = until(name, () => inD1(`deliveries WHERE state = '${state}'`), 120);
    expect(await told.catch(() => null)).not.toBeNull();
  });

  it('calls a person when it is let go and its origin has left meanwhile', async () => {
    const name = unique('shard');
    const left = origin(unique('left'));
    const dispatch = { ...holding(), origins: [left] };
    await overpaid(name, 'H7', dispatch);
    await heldStates(name, 'H7');
    await ledger(name).configure({ ...dispatch, channelVersion: 2, origins: [shop] });
    expect(await release(name, 'H7')).toEqual({ kind: 'released', deliveries: 1 });
    const alarm = await until(name, async () =>
      (await env.REGISTRY.getByName('registry').listAlarms({ limit: 200, after: null })).find(
        ({ code, subject }) => code === 'origin_removed' && subject === `origin/${left.id}`,
      ),
    );
    expect(alarm.detail).toContain('1 deliveries of channel ch-ledger wait for it');
  });

  it('calls a person at once', async () => {
    const name = unique('shard');
    const orderNo = unique('H');
    await overpaid(name, orderNo);
    const registry = env.REGISTRY.getByName('registry');
    const alarm = await until(name, async () =>
      (await registry.listAlarms({ limit: 200, after: null })).find(
        ({ code, subject }) => code === 'order_held' && subject === `order/ch-ledger/${orderNo}`,
      ),
    );
    expect(alarm.detail).toContain('overpaid');
  });

  it('still holds after a restart', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1');
    await heldStates(name, 'H1');
    await evictDurableObject(ledger(name));
    await record(name, [refunded('H1', 'R1')]);
    await heldStates(name, 'H1', 2);
  });

  it('holds nothing where the channel does not name it', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1', config([shop]));
    expect((await ledger(name).readOrder('H1'))?.held).toBe(false);
  });
});

describe('a release', () => {
  it('lets what was held go in sequence, and is kept with its reason', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1');
    await record(name, [refunded('H1', 'R1')]);
    await heldStates(name, 'H1', 2);
    expect(await release(name, 'H1')).toEqual({ kind: 'released', deliveries: 2 });
    const detail = await ledger(name).readOrder('H1');
    expect(detail?.held).toBe(false);
    expect(detail?.deliveries.map(({ sequence, reason }) => [sequence, reason])).toEqual([
      [1, 'dispatch'],
      [2, 'behind'],
    ]);
    expect(detail?.timeline.find(({ kind }) => kind === 'act')).toMatchObject({
      act: 'released',
      actor: 'key_a',
      reason: 'looked at it',
    });
  });

  it('ends the reminders, so that the order’s next hold has those of its own alone', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1');
    const reminders = () =>
      runInDurableObject(ledger(name), (_, { storage }) =>
        storage.sql.exec("SELECT due_at FROM timers WHERE order_no = 'H1' AND kind = 'hold'").toArray(),
      );
    expect(await reminders()).toHaveLength(1);
    await release(name, 'H1');
    expect(await reminders()).toEqual([]);
    await record(name, [paid('H1', { transactionId: 'tx-again' })]);
    expect(await reminders()).toHaveLength(1);
  });

  it('of an order that is not held says so', async () => {
    const name = unique('shard');
    expect(await release(name, 'nobody')).toEqual({ kind: 'missing' });
    await record(name, [paid('H2')]);
    expect(await release(name, 'H2')).toEqual({ kind: 'not_held' });
    expect(await release(name, 'nobody')).toEqual({ kind: 'missing' });
  });

  it('above the channel’s amount wants a second key', async () => {
    const name = unique('shard');
    const dispatch = holding({ minor: 50, currency: 'CNY' });
    await overpaid(name, 'H1', dispatch);
    await heldStates(name, 'H1');
    expect(await release(name, 'H1', 'key_a')).toEqual({ kind: 'confirm' });
    expect(await release(name, 'H1', 'key_a')).toEqual({ kind: 'same_key' });
    expect(await statesOf(name, 'H1')).toEqual(['held']);
    expect(await release(name, 'H1', 'key_b')).toEqual({ kind: 'released', deliveries: 1 });
  });

  it('up to the channel’s amount wants one, and in another currency two', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1', holding({ minor: 100, currency: 'CNY' }));
    await heldStates(name, 'H1');
    expect(await release(name, 'H1')).toMatchObject({ kind: 'released' });
    const other = unique('shard');
    await overpaid(other, 'H1', holding({ minor: 1_000_000, currency: 'USD' }));
    expect(await release(other, 'H1')).toEqual({ kind: 'confirm' });
  });

  it('wants a second key for what came, however little was asked for', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1', holding({ minor: 80, currency: 'CNY' }));
    expect(await release(name, 'H1')).toEqual({ kind: 'confirm' });
  });

  it('begins anew when another flag comes between the two keys', async () => {
    const name = unique('shard');
    const dispatch = holding({ minor: 50, currency: 'CNY' });
    await overpaid(name, 'H1', dispatch);
    expect(await release(name, 'H1', 'key_a')).toEqual({ kind: 'confirm' });
    await record(name, [paid('H1', { transactionId: 'tx-again' })], dispatch);
    expect(await release(name, 'H1', 'key_b')).toEqual({ kind: 'confirm' });
    expect(await release(name, 'H1', 'key_b')).toEqual({ kind: 'same_key' });
    expect(await release(name, 'H1', 'key_a')).toMatchObject({ kind: 'released' });
  });

  it('that the second key asks differently begins anew', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1', holding({ minor: 50, currency: 'CNY' }));
    await heldStates(name, 'H1');
    expect(await release(name, 'H1', 'key_a')).toEqual({ kind: 'confirm' });
    expect(await release(name, 'H1', 'key_b', true)).toEqual({ kind: 'confirm' });
    expect(await release(name, 'H1', 'key_a', true)).toEqual({ kind: 'released', deliveries: 1 });
    expect(await statesOf(name, 'H1')).toEqual(['cancelled']);
  });

  it('that two keys discarded is brought back by no single one, to no origin', async () => {
    const name = unique('shard');
    const dispatch = config([shop, origin('another')], {
      settings: {
        ...DEFAULT_CHANNEL_SETTINGS,
        hold: ['overpaid'],
        releaseConfirmAbove: { minor: 50, currency: 'CNY' },
      },
    });
    await overpaid(name, 'H1', dispatch);
    await heldStates(name, 'H1', 2);
    await record(name, [refunded('H1', 'R1')], dispatch);
    for (const key of ['key_a', 'key_b']) await release(name, 'H1', key, true);
    const actor = { key: 'key_a', reason: 'all the same' };
    for (const named of [{}, { originId: 'another' }, { sequence: 1 }, { sequence: 2 }, { job: 'rpl_1' }]) {
      const reply = await ledger(name).replay({ v: 1, orderNo: 'H1', actor, ...named });
      expect(reply, JSON.stringify(named)).toEqual({ kind: 'nothing', why: 'discarded' });
    }
    expect(await statesOf(name, 'H1')).toEqual(['cancelled', 'cancelled', 'cancelled']);
  });

  it('that one key discarded, as one may, is brought back by one', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1');
    await heldStates(name, 'H1');
    await release(name, 'H1', 'key_a', true);
    const actor = { key: 'key_a', reason: 'a mistake' };
    expect(await ledger(name).replay({ v: 1, orderNo: 'H1', actor })).toEqual({ kind: 'replayed', deliveries: 1 });
  });

  it('that discards ends what is held, and what was committed and has not come by yet', async () => {
    const name = unique('shard');
    await overpaid(name, 'H1');
    await heldStates(name, 'H1');
    await record(name, [refunded('H1', 'R1')]);
    expect(await release(name, 'H1', 'key_a', true)).toEqual({ kind: 'released', deliveries: 2 });
    await record(name, [refunded('H1', 'R2')]);
    const states = await until(name, async () => {
      const all = await statesOf(name, 'H1');
      return all?.[2] !== 'waiting' && all;
    });
    expect(states.slice(0, 2)).toEqual(['cancelled', 'cancelled']);
    expect(states[2]).not.toBe('cancelled');
  });
});
