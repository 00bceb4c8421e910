// The ledger alone: commits, duplicates, order, lanes, claims, settlements, projection. The queue is real;
// these tests settle as its consumer would.
import { evictDurableObject, listDurableObjectIds, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import type { Settlement } from '../../src/core/record.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { config, fact, ledger, origin, paid, refunded, unique, until } from './ledger-kit.ts';

const record = (name: string, events: Parameters<typeof fact>[0][], dispatch = config([])) =>
  ledger(name).record({ v: 1, facts: events.map(fact), dispatch });

const rows = (name: string, query: string) =>
  runInDurableObject(ledger(name), (_: OrderLedger, state) => state.storage.sql.exec(query).toArray());

describe('record', () => {
  it('commits a payment once, however often it is told', async () => {
    const name = unique('shard');
    expect(await record(name, [paid('A1')])).toEqual([{ orderNo: 'A1', verdict: 'applied' }]);
    expect(await record(name, [paid('A1')])).toEqual([{ orderNo: 'A1', verdict: 'duplicate' }]);
    const detail = await ledger(name).readOrder('A1');
    expect(detail?.order).toMatchObject({ sequence: 1, version: 1, paymentState: 'paid' });
    expect(await rows(name, 'SELECT COUNT(*) AS n FROM events')).toEqual([{ n: 1 }]);
  });

  it('commits concurrent equal callbacks once', async () => {
    const name = unique('shard');
    const replies = await Promise.all(Array.from({ length: 20 }, () => record(name, [paid('A1')])));
    const verdicts = replies.flat().map((reply) => reply.verdict);
    expect(verdicts.filter((verdict) => verdict === 'applied')).toHaveLength(1);
    expect(verdicts.filter((verdict) => verdict === 'duplicate')).toHaveLength(19);
  });

  it('keeps what arrived late in the timeline only', async () => {
    const name = unique('shard');
    await record(name, [paid('A1')]);
    const pending = paid('A1', { status: 'pending', transactionId: null, providerState: 'NOTPAY' });
    expect(await record(name, [pending])).toEqual([{ orderNo: 'A1', verdict: 'stale' }]);
    const detail = await ledger(name).readOrder('A1');
    expect(detail?.order.paymentState).toBe('paid');
    expect(detail?.timeline.filter((entry) => entry.kind === 'fact')).toHaveLength(2);
  });

  it('flags the same transaction with another amount instead of calling it a duplicate', async () => {
    const name = unique('shard');
    await record(name, [paid('A1')]);
    expect(await record(name, [paid('A1', { amount: { minor: 99, currency: 'CNY' } })])).toEqual([
      { orderNo: 'A1', verdict: 'odd' },
    ]);
    expect((await ledger(name).readOrder('A1'))?.order.flags).toEqual(['provider_disagrees']);
  });

  it('knows a refund that succeeds again after it was reversed from a repeat of the first success', async () => {
    const name = unique('shard');
    const [first, reversed, second] = [0, 1, 2].map((day) => 1_790_000_001_000 + day * 86_400_000);
    const tell = (state: 'succeeded' | 'failed', occurredAt = 0) =>
      record(name, [refunded('A1', 'R1', { state, occurredAt })]).then(([reply]) => reply?.verdict);
    await record(name, [paid('A1')]);
    expect(await tell('succeeded', first)).toBe('applied');
    expect(await tell('failed', reversed)).toBe('odd');
    expect(await tell('succeeded', first)).toBe('duplicate');
    expect(await tell('succeeded', second)).not.toBe('duplicate');
    expect(await tell('succeeded', second)).toBe('duplicate');
    const detail = await ledger(name).readOrder('A1');
    expect(detail?.order.refunds).toMatchObject([{ refundNo: 'R1', state: 'succeeded' }]);
    expect(detail?.order.sequence).toBe(4);
  });

  it('lets no older reversal outdo a success that was told again since', async () => {
    const name = unique('shard');
    const at = (day: number) => ({ occurredAt: 1_790_000_001_000 + day * 86_400_000 });
    const tell = (day: number, state: 'succeeded' | 'failed' = 'succeeded') =>
      record(name, [refunded('A1', 'R1', { ...at(day), state })]).then(([reply]) => reply?.verdict);
    await record(name, [paid('A1')]);
    expect([await tell(0), await tell(2), await tell(2), await tell(1, 'failed')]).toEqual([
      ...['applied', 'duplicate', 'duplicate', 'stale'],
    ]);
    await evictDurableObject(ledger(name));
    expect([await tell(1, 'failed'), await tell(3, 'failed')]).toEqual(['duplicate', 'odd']);
    const { order } = (await ledger(name).readOrder('A1')) ?? {};
    expect(order).toMatchObject({ sequence: 3, refunds: [{ refundNo: 'R1', state: 'failed' }] });
  });

  it('keeps the bytes that proved a fact', async () => {
    const name = unique('shard');
    await record(name, [paid('A1')]);
    const [row] = await rows(name, 'SELECT body, headers, remote_address FROM events');
    expect(new TextDecoder().decode(row?.body as ArrayBuffer)).toBe('{"raw":true}');
    expect(row?.remote_address).toBe('203.0.113.7');
  });

  it('makes no storage for a question about an order it never saw', async () => {
    const name = unique('shard');
    expect(await ledger(name).readOrder('nobody')).toBeNull();
    await ledger(name).poke(config([origin('o')]));
    await ledger(name).configure(config([origin('o')]));
    expect(await rows(name, "SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'")).toEqual([]);
    expect((await listDurableObjectIds(env.LEDGER)).length).toBeGreaterThan(0);
  });

  it('survives an eviction between any two steps', async () => {
    const name = unique('shard');
    await record(name, [paid('A1')], config([origin('shop')]));
    await evictDurableObject(ledger(name));
    expect(await record(name, [paid('A1')], config([origin('shop')]))).toEqual([
      { orderNo: 'A1', verdict: 'duplicate' },
    ]);
    await record(name, [refunded('A1', 'R1')], config([origin('shop')]));
    await evictDurableObject(ledger(name));
    expect((await ledger(name).readOrder('A1'))?.order).toMatchObject({ sequence: 2, paymentState: 'paid' });
  });
});

describe('register', () => {
  const registration = {
    amount: { minor: 100, currency: 'CNY' },
    description: 'tea',
    expiresAt: null,
    metadata: {},
    registeredAt: 1,
  };
  const register = (name: string, orderNo: string, change = {}) =>
    ledger(name).register({
      v: 1,
      orderNo,
      registration: { ...registration, ...change },
      dispatch: config([]),
      eventId: 'evt_reg',
    });

  it('registers once, answers the same again, and names the field that differs', async () => {
    const name = unique('shard');
    expect(await register(name, 'B1')).toMatchObject({ kind: 'created', order: { version: 1, sequence: 0 } });
    expect(await register(name, 'B1', { registeredAt: 2 })).toMatchObject({ kind: 'same' });
    expect(await register(name, 'B1', { amount: { minor: 101, currency: 'CNY' } })).toEqual({
      kind: 'conflict',
      field: 'amount.minor',
    });
  });

  it('tells an underpayment as pending and ships only when the sum covers the amount', async () => {
    const name = unique('shard');
    await register(name, 'B2');
    await record(name, [paid('B2', { transactionId: 't1', amount: { minor: 40, currency: 'CNY' } })]);
    expect((await ledger(name).readOrder('B2'))?.order).toMatchObject({
      paymentState: 'pending',
      flags: ['underpaid'],
    });
    await record(name, [paid('B2', { transactionId: 't2', amount: { minor: 60, currency: 'CNY' } })]);
    expect((await ledger(name).readOrder('B2'))?.order).toMatchObject({ paymentState: 'paid', flags: [] });
  });

  it('raises an event when a callback paid another amount than is registered later', async () => {
    const name = unique('shard');
    await record(name, [paid('B3')]);
    await register(name, 'B3', { amount: { minor: 500, currency: 'CNY' } });
    const detail = await ledger(name).readOrder('B3');
    expect(detail?.order.flags).toEqual(['amount_mismatch', 'underpaid']);
    expect(detail?.timeline.some((entry) => entry.type === 'order.flagged')).toBe(true);
  });
});

describe('project', () => {
  it('brings orders, facts and settled deliveries to D1, and changes nothing when it is repeated', async () => {
    const name = unique('shard');
    const orderNo = unique('C');
    const dispatch = config([], { channelId: unique('ch') });
    await record(name, [paid(orderNo)], dispatch);
    const row = await until(name, () =>
      env.DB.prepare('SELECT * FROM orders WHERE channel = ? AND order_no = ?')
        .bind(dispatch.channelId, orderNo)
        .first(),
    );
    expect(row).toMatchObject({ state: 'paid', version: 1, amount_minor: 100, currency: 'CNY', registered: 0 });
    const delivery = await until(name, () =>
      env.DB.prepare('SELECT * FROM deliveries WHERE order_no = ?').bind(orderNo).first(),
    );
    expect(delivery).toMatchObject({ state: 'skipped' });
    await env.DB.prepare("UPDATE orders SET state = 'tampered', version = 0 WHERE order_no = ?").bind(orderNo).run();
    expect(await ledger(name).rebuild()).toEqual({ orders: 1 });
    await until(name, async () => {
      const again = await env.DB.prepare('SELECT state FROM orders WHERE order_no = ?').bind(orderNo).first('state');
      return again === 'paid';
    });
    const count = await env.DB.prepare('SELECT COUNT(*) AS n FROM events WHERE order_no = ?').bind(orderNo).first('n');
    expect(count).toBe(1);
  });

  it('names the currency of a refund that came before its payment', async () => {
    const name = unique('shard');
    const orderNo = unique('C');
    await record(name, [refunded(orderNo, 'R1')], config([]));
    const row = await until(name, () =>
      env.DB.prepare('SELECT * FROM orders WHERE order_no = ?').bind(orderNo).first(),
    );
    expect(row).toMatchObject({ state: 'pending', paid_minor: null, refunded_minor: 30, currency: 'CNY' });
  });

  it('brings a registration that no callback followed', async () => {
    const name = unique('shard');
    const orderNo = unique('C');
    const registration = {
      amount: { minor: 5, currency: 'JPY' },
      description: null,
      expiresAt: null,
      metadata: {},
      registeredAt: 1,
    };
    await ledger(name).register({
      v: 1,
      orderNo,
      registration,
      dispatch: config([]),
      eventId: 'evt_x',
    });
    await evictDurableObject(ledger(name)); // the memory of it is gone; the mark is not
    const row = await until(name, () =>
      env.DB.prepare('SELECT * FROM orders WHERE order_no = ?').bind(orderNo).first(),
    );
    expect(row).toMatchObject({ state: 'pending', amount_minor: 5, registered: 1 });
    await until(name, async () => (await rows(name, 'SELECT dirty_since FROM marks'))[0]?.dirty_since === null);
  });
});

describe('claim and settle', () => {
  const shop = config([origin('nobody-home')]);
  const settlement = (claim: string, change: Partial<Settlement>): Settlement => ({
    seq: 1,
    originId: 'nobody-home',
    claim,
    attempt: 1,
    outcome: 'delivered',
    at: Date.now(),
    ms: 3,
    status: 200,
    detail: 'ok',
    retryAfterSeconds: null,
    ...change,
  });

  it('accepts delivered from anybody and remembers it in the event row', async () => {
    const name = unique('shard');
    await record(name, [paid('D1')], shop);
    await ledger(name).settle([settlement('anything', {})]);
    const [delivery] = (await ledger(name).readOrder('D1'))?.deliveries ?? [];
    expect(delivery).toMatchObject({ state: 'delivered', attempts: [{ outcome: 'delivered', attempt: 1 }] });
    await ledger(name).settle([settlement('anything', { outcome: 'refused', status: 500 })]);
    expect((await ledger(name).readOrder('D1'))?.deliveries[0]?.state).toBe('delivered');
  });

  it('walks the ladder to the end, then is dead, alarmed, and lets the next event go', async () => {
    const name = unique('shard');
    const dispatch = config([origin('nobody-home', { ladderSeconds: [0, 3600], paused: true })]);
    await record(name, [paid('D2'), refunded('D2', 'R1')], dispatch);
    await until(name, async () => (await rows(name, 'SELECT * FROM deliveries')).length === 2);
    expect(await rows(name, 'SELECT seq, reason, due_at IS NULL AS held FROM deliveries ORDER BY seq')).toEqual([
      { seq: 1, reason: 'paused', held: 0 },
      { seq: 2, reason: 'behind', held: 1 },
    ]);
    await ledger(name).settle([settlement('x', { outcome: 'refused', status: 500 })]);
    expect(await rows(name, 'SELECT state, reason, failures FROM deliveries WHERE seq = 1')).toEqual([
      { state: 'waiting', reason: 'retry', failures: 1 },
    ]);
    await ledger(name).settle([settlement('x', { outcome: 'refused', status: 500 })]); // an old attempt's echo
    expect(await rows(name, 'SELECT failures FROM deliveries WHERE seq = 1')).toEqual([{ failures: 1 }]);
    await ledger(name).settle([settlement('x', { attempt: 2, outcome: 'timed_out', status: null })]);
    expect(await rows(name, 'SELECT state FROM deliveries WHERE seq = 1')).toEqual([{ state: 'dead' }]);
    expect(await rows(name, 'SELECT due_at IS NULL AS held FROM deliveries WHERE seq = 2')).toEqual([{ held: 0 }]);
    const alarm = await until(name, async () => {
      const list = await env.REGISTRY.getByName('registry').listAlarms({ limit: 50, after: null });
      return list.find(({ code, detail }) => code === 'delivery_dead' && detail.includes('D2'));
    });
    expect(alarm.subject).toBe('origin/nobody-home');
  });

  it('counts no attempt twice when an early one is heard to have succeeded after later ones failed', async () => {
    const name = unique('shard');
    const dispatch = config([origin('nobody-home', { ladderSeconds: [0, 0], paused: true })]);
    await record(name, [paid('D4')], dispatch);
    await until(name, async () => (await rows(name, 'SELECT * FROM deliveries')).length === 1);
    for (const attempt of [1, 2]) {
      await ledger(name).settle([settlement('x', { attempt, outcome: 'timed_out', status: null })]);
    }
    await ledger(name).settle([settlement('first', { attempt: 1 })]);
    expect(await rows(name, 'SELECT state, attempt FROM deliveries')).toEqual([{ state: 'delivered', attempt: 2 }]);
    await ledger(name).replay({ v: 1, orderNo: 'D4', actor: { key: 'key_op', reason: 'lost' } });
    await ledger(name).settle([settlement('again', { attempt: 3 })]);
    const [delivery] = (await ledger(name).readOrder('D4'))?.deliveries ?? [];
    expect(delivery?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('settles what an origin took though what it answered cannot be noted', async () => {
    const name = unique('shard');
    await record(name, [paid('D5'), paid('D6')], shop);
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await runInDurableObject(ledger(name), async (instance: OrderLedger, { storage }) => {
      storage.sql.exec("UPDATE orders SET doc = '{' WHERE order_no = 'D5'");
      const disagreement = { eventId: 'evt_d', detail: 'amount 1 instead of 100' };
      instance.settle([settlement('x', { disagreement }), settlement('x', { seq: 2 })]);
      await storage.deleteAlarm();
    });
    vi.restoreAllMocks();
    expect(await rows(name, "SELECT settled ->> '$.state' AS state FROM events")).toEqual([
      { state: 'delivered' },
      { state: 'delivered' },
    ]);
    expect(await rows(name, "SELECT doc ->> '$.code' AS code FROM alarms")).toEqual([{ code: 'origin_disagrees' }]);
  });

  it('answers a claim it does not know with no', async () => {
    const name = unique('shard');
    await record(name, [paid('D3')], shop);
    const reply = await ledger(name).claim([{ seq: 1, originId: 'nobody-home', attempt: 1, epoch: 'another life' }]);
    expect(reply).toEqual([{ go: false, why: 'stale' }]);
  });
});
