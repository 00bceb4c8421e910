// Orders that nobody has registered, in a channel that wants it: their facts are durable, nothing of them leaves, and
// they are applied in the order of their arrival when the registration comes.

import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { config, fact, ledger, origin, paid, refunded, unique, until } from './ledger-kit.ts';

const strict = config([origin('shop-parked')], { mode: 'registered' });

const record = (name: string, events: Parameters<typeof fact>[0][], dispatch = strict) =>
  ledger(name).record({ v: 1, facts: events.map(fact), dispatch });

const register = (name: string, orderNo: string, minor = 100, dispatch = strict) =>
  ledger(name).register({
    v: 1,
    orderNo,
    registration: {
      amount: { minor, currency: 'CNY' },
      description: null,
      expiresAt: null,
      metadata: {},
      registeredAt: Date.now(),
    },
    dispatch,
    eventId: `evt_${unique('r')}`,
  });

const stateOf = async (orderNo: string) => {
  const { results } = await env.DB.prepare('SELECT state, flags FROM orders WHERE channel = ? AND order_no = ?')
    .bind('ch-ledger', orderNo)
    .all();
  return results[0];
};

describe('a fact of an order that nobody registered', () => {
  it('is parked: durable, shown, and told to nobody', async () => {
    const name = unique('shard');
    const orderNo = unique('P');
    expect(await record(name, [paid(orderNo)])).toEqual([{ orderNo, verdict: 'parked' }]);
    const detail = await ledger(name).readOrder(orderNo);
    expect(detail?.order).toMatchObject({ sequence: 0, payments: [], paymentState: 'pending' });
    expect(detail?.order.parkedAt).toBeGreaterThan(0);
    expect(detail?.deliveries).toEqual([]);
    expect(detail?.timeline).toMatchObject([{ kind: 'fact', verdict: 'parked', type: null }]);
    expect(await until(name, () => stateOf(orderNo))).toMatchObject({ state: 'parked' });
  });

  it('is parked once, however often it is told', async () => {
    const name = unique('shard');
    await record(name, [paid('P1')]);
    expect(await record(name, [paid('P1')])).toEqual([{ orderNo: 'P1', verdict: 'duplicate' }]);
    expect((await ledger(name).readOrder('P1'))?.timeline).toHaveLength(1);
  });

  it('is applied when the order is registered, with all that came after it, in the order of arrival', async () => {
    const name = unique('shard');
    const orderNo = unique('P');
    await record(name, [paid(orderNo)]);
    await record(name, [refunded(orderNo, 'R1')]);
    const parked = (await ledger(name).readOrder(orderNo))?.timeline.map(({ eventId }) => eventId);
    const reply = await register(name, orderNo);
    expect(reply).toMatchObject({ kind: 'created', order: { paymentState: 'paid', sequence: 2, parkedAt: null } });
    const detail = await ledger(name).readOrder(orderNo);
    expect(detail?.order.refunds).toMatchObject([{ refundNo: 'R1', state: 'succeeded' }]);
    expect(detail?.deliveries.map(({ sequence }) => sequence)).toEqual([1, 2]);
    // The same events, so that a merchant who looks for one finds it.
    expect(detail?.deliveries.map(({ eventId }) => eventId)).toEqual(parked);
    expect(await record(name, [paid(orderNo)])).toEqual([{ orderNo, verdict: 'duplicate' }]);
  });

  it('leaves no trace of its first place in the lists when the registration comes at once', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const orderNo = unique('P');
    const dispatch = { ...strict, channelId };
    await record(name, [paid(orderNo)], dispatch);
    await register(name, orderNo, 100, dispatch);
    const rows = () => env.DB.prepare('SELECT order_no, verdict FROM events WHERE channel = ?').bind(channelId).all();
    await until(name, async () => (await rows()).results.length > 0);
    expect((await rows()).results).toEqual([{ order_no: orderNo, verdict: 'applied' }]);
    expect(await env.DB.prepare("SELECT channel FROM events WHERE event_id = ''").first()).toBeNull();
  });

  it('is compared with the registration like any other', async () => {
    const name = unique('shard');
    await record(name, [paid('P1')]);
    await register(name, 'P1', 150);
    const order = (await ledger(name).readOrder('P1'))?.order;
    expect(order).toMatchObject({ paymentState: 'pending', flags: ['underpaid'], sequence: 1 });
  });

  it('comes into the feed of events as a new one when it is applied', async () => {
    const name = unique('shard');
    const orderNo = unique('P');
    await record(name, [paid(orderNo)]);
    const eventsOf = async () =>
      (
        await env.DB.prepare('SELECT cursor, verdict, type, data FROM events WHERE order_no = ?').bind(orderNo).all()
      ).results.at(0);
    const parked = await until(name, eventsOf);
    expect(parked).toMatchObject({ verdict: 'parked', type: null, data: null });
    await register(name, orderNo);
    const applied = await until(name, async () => {
      const row = await eventsOf();
      return row?.verdict === 'applied' && row;
    });
    expect(applied.type).toBe('payment.succeeded');
    expect(Number(applied.cursor)).toBeGreaterThan(Number(parked.cursor));
  });

  it('leaves when it is applied, also where the shard had passed it and nothing came since', async () => {
    const name = unique('shard');
    const orderNo = unique('P');
    await record(name, [paid(orderNo)]);
    await until(name, () => stateOf(orderNo)); // a look at the outbox, and one at the projection
    await register(name, orderNo);
    const left = await until(name, async () => {
      const [delivery] = (await ledger(name).readOrder(orderNo))?.deliveries ?? [];
      return delivery?.state !== 'waiting' && delivery;
    });
    expect(left.sequence).toBe(1);
    const told = await until(name, async () => {
      const applied = env.DB.prepare("SELECT type FROM events WHERE order_no = ? AND verdict = 'applied'");
      return (await applied.bind(orderNo).all()).results.at(0);
    });
    expect(told.type).toBe('payment.succeeded');
  });

  it('keeps the bytes that proved it through the registration', async () => {
    const name = unique('shard');
    await record(name, [paid('P1')]);
    await register(name, 'P1');
    const entries = (await ledger(name).readEvidence('P1'))?.entries ?? [];
    expect(entries.map(({ type }) => type)).toEqual(['payment.succeeded']);
    expect(new TextDecoder().decode(entries[0]?.body ?? new Uint8Array())).toBe('{"raw":true}');
    expect(entries[0]?.headers).toBe('{"x-signature":"abc"}');
  });

  it('calls a person when the registration does not come, and is forgiven when it does', async () => {
    const name = unique('shard');
    const orderNo = unique('P');
    const soon = { ...strict, settings: { ...DEFAULT_CHANNEL_SETTINGS, parkAgeSeconds: 0 } };
    await record(name, [paid(orderNo)], soon);
    const row = await until(name, async () => {
      const known = await stateOf(orderNo);
      return known?.flags === '["unmatched"]' && known;
    });
    expect(row.state).toBe('parked');
    const registry = env.REGISTRY.getByName('registry');
    const alarm = await until(name, async () =>
      (await registry.listAlarms({ limit: 200, after: null })).find(
        ({ code, subject }) => code === 'unmatched' && subject === `order/ch-ledger/${orderNo}`,
      ),
    );
    expect(alarm.detail).toContain('register it');
    await register(name, orderNo);
    expect((await ledger(name).readOrder(orderNo))?.order.flags).toEqual([]);
  });

  it('is told of though the order of a timer before it cannot be read', async () => {
    const name = unique('shard');
    const [bad, good] = [unique('BAD'), unique('GOOD')];
    const soon = { ...strict, settings: { ...DEFAULT_CHANNEL_SETTINGS, parkAgeSeconds: 0 } };
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await runInDurableObject(ledger(name), async (instance: OrderLedger, { storage }) => {
      const facts = [bad, good].map((orderNo) => fact(paid(orderNo)));
      await instance.record({ v: 1, facts, dispatch: soon });
      storage.sql.exec("UPDATE orders SET doc = '{' WHERE order_no = ?", bad);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await instance.alarm();
      const left = storage.sql.exec("SELECT order_no FROM timers WHERE kind = 'park'").toArray();
      expect(left).toEqual([{ order_no: bad }]);
      await storage.deleteAlarm();
    });
    expect((await ledger(name).readOrder(good))?.order.flags).toEqual(['unmatched']);
    vi.restoreAllMocks();
  });

  it('outlives a restart of the shard', async () => {
    const name = unique('shard');
    await record(name, [paid('P1')]);
    await evictDurableObject(ledger(name));
    expect(await register(name, 'P1')).toMatchObject({ kind: 'created', order: { paymentState: 'paid' } });
  });
});

describe('a registered channel', () => {
  it('applies facts of registered orders at once', async () => {
    const name = unique('shard');
    await register(name, 'A1');
    expect(await record(name, [paid('A1')])).toEqual([{ orderNo: 'A1', verdict: 'applied' }]);
  });

  it('that was open before goes on with the orders it made then', async () => {
    const name = unique('shard');
    await record(name, [paid('A1')], config([origin('shop-parked')]));
    const later = { ...strict, channelVersion: 2 };
    expect(await record(name, [refunded('A1', 'R1')], later)).toEqual([{ orderNo: 'A1', verdict: 'applied' }]);
    expect(await record(name, [paid('A2')], later)).toEqual([{ orderNo: 'A2', verdict: 'parked' }]);
  });
});
