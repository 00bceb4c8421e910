// Facts that name no order, brought to it by the provider's ids: before, after and beside their payment.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { type ChannelRecord, ledgerNameOf, locatorNameOf } from '../../src/core/channel.ts';
import type { RefundFact, UnlinkedEvent } from '../../src/core/event.ts';
import { ORDER_FACTS_MAX } from '../../src/core/limits.ts';
import type { OrderDetail, RecordRequest } from '../../src/core/record.ts';
import type { Locator } from '../../src/objects/locator.ts';
import type { Translation } from '../../src/providers/provider.ts';
import { recordTold } from '../../src/record.ts';
import { putForward } from '../../src/store/locator.ts';
import { fact, paid, refunded, unique } from './ledger-kit.ts';
import { makeChannel } from './receive-world.ts';

async function channelOf(): Promise<ChannelRecord> {
  const { id } = await makeChannel({ shards: 4 });
  const record = await env.REGISTRY.getByName('registry').readChannel(id);
  if (!record) throw new Error('the channel was just made');
  return record;
}

const tell = (record: ChannelRecord, translation: Partial<Translation>) =>
  recordTold(
    {
      env,
      record,
      deadline: Date.now() + 4_000,
      receivedAt: Date.now(),
      evidence: {
        contentType: 'application/json',
        headers: {},
        body: new TextEncoder().encode('{"id":"re_1"}'),
        remoteAddress: null,
        digest: 'd'.repeat(64),
      },
    },
    [{ source: 'callback', translation: { events: [], noticeType: 'test', noticeId: null, ...translation } }],
  );

const payment = (orderNo: string, id: string) => ({
  events: [paid(orderNo, { transactionId: id })],
  links: [{ id, orderNo }],
});

function refund(id: string, refundNo: string): { unlinked: UnlinkedEvent[] } {
  const { orderNo: _, ...event } = refunded('', refundNo, { transactionId: id });
  return { unlinked: [{ ...event, linkId: id }] };
}

const read = ({ channel }: ChannelRecord, orderNo: string) =>
  env.LEDGER.getByName(ledgerNameOf(channel, orderNo)).readOrder(orderNo);

async function eventually(check: () => Promise<OrderDetail | null>, holds: (detail: OrderDetail) => boolean) {
  for (let i = 0; i < 100; i++) {
    const detail = await check();
    if (detail && holds(detail)) return detail;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the order never came to be as expected');
}

/** One alarm of the id's locator with these to forward, where no ledger takes what is of the `poor` order. */
async function runForwards({ channel }: ChannelRecord, id: string, facts: readonly RefundFact[], poor: string) {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const recordAt = (name: string) => (request: RecordRequest) =>
    request.facts.some(({ event }) => event.orderNo === poor)
      ? Promise.reject(new Error('this one breaks'))
      : env.LEDGER.getByName(name).record(request);
  const LEDGER = { getByName: (name: string) => ({ record: recordAt(name) }) };
  const locator = env.LOCATOR.getByName(locatorNameOf(channel, id));
  const left = await runInDurableObject(locator, async (instance: Locator, { storage }) => {
    for (const event of facts) putForward(storage.sql, fact(event), Date.now());
    Reflect.set(instance, 'env', { ...env, LEDGER });
    await instance.alarm();
    await storage.deleteAlarm();
    Reflect.set(instance, 'env', env);
    return storage.sql.exec('SELECT order_no FROM forward').toArray();
  });
  vi.restoreAllMocks();
  return left;
}

describe('a refund that names no order', () => {
  it('is recorded at once when its payment is known', async () => {
    const record = await channelOf();
    const id = unique('pi');
    expect(await tell(record, payment('L1', id))).toEqual(['applied']);
    expect(await tell(record, refund(id, 'R1'))).toEqual(['applied']);
    expect((await read(record, 'L1'))?.order.refunds).toMatchObject([{ refundNo: 'R1', state: 'succeeded' }]);
    expect(await tell(record, refund(id, 'R1'))).toEqual(['duplicate']);
  });

  it('waits durably for its payment, survives an eviction, and reaches the order once with its bytes', async () => {
    const record = await channelOf();
    const id = unique('pi');
    expect(await tell(record, refund(id, 'R1'))).toEqual(['parked']);
    expect(await tell(record, refund(id, 'R1'))).toEqual(['parked']);
    await evictDurableObject(env.LOCATOR.getByName(locatorNameOf(record.channel, id)));
    expect(await tell(record, payment('L2', id))).toEqual(['applied']);
    const detail = await eventually(
      () => read(record, 'L2'),
      ({ order }) => order.refunds.length === 1,
    );
    expect(detail.timeline.filter((entry) => entry.kind === 'fact')).toHaveLength(2);
    const shard = env.LEDGER.getByName(ledgerNameOf(record.channel, 'L2'));
    const bodies = await runInDurableObject(shard, (_, state) =>
      state.storage.sql.exec<{ body: ArrayBuffer }>('SELECT body FROM events ORDER BY seq').toArray(),
    );
    expect(bodies.map(({ body }) => new TextDecoder().decode(body))).toEqual(['{"id":"re_1"}', '{"id":"re_1"}']);
  });

  it('keeps two partial refunds apart, in whatever order they come', async () => {
    const record = await channelOf();
    const id = unique('pi');
    await tell(record, refund(id, 'R2'));
    await tell(record, payment('L3', id));
    await tell(record, refund(id, 'R1'));
    const detail = await eventually(
      () => read(record, 'L3'),
      ({ order }) => order.refunds.length === 2,
    );
    expect(detail.order.refunds.map((one) => one.refundNo).sort()).toEqual(['R1', 'R2']);
  });
});

describe('words about one refund that wait for its order', () => {
  it('are all kept, so that the newest stands though it was said before', async () => {
    const record = await channelOf();
    const id = unique('pi');
    const word = (state: 'succeeded' | 'failed', occurredAt: number): { unlinked: UnlinkedEvent[] } => {
      const { orderNo: _, ...event } = refunded('', 'R1', { transactionId: id, state, occurredAt });
      return { unlinked: [{ ...event, linkId: id }] };
    };
    const at = Date.now() - 60_000;
    await tell(record, word('succeeded', at));
    await tell(record, word('failed', at + 1_000));
    await tell(record, word('succeeded', at + 2_000));
    await tell(record, word('succeeded', at + 2_000));
    await tell(record, payment('L6', id));
    const facts = (detail: OrderDetail) => detail.timeline.filter((entry) => entry.kind === 'fact');
    const detail = await eventually(
      () => read(record, 'L6'),
      (one) => facts(one).length >= 4 || one.order.refunds[0]?.state === 'failed',
    );
    expect(detail.order.refunds).toMatchObject([{ refundNo: 'R1', state: 'succeeded' }]);
    expect(facts(detail)).toHaveLength(4);
  });
});

describe('a transaction that two orders claim', () => {
  it('flags both, once', async () => {
    const record = await channelOf();
    const id = unique('pi');
    await tell(record, payment('L4', id));
    await tell(record, payment('L5', id));
    await tell(record, payment('L5', id));
    for (const orderNo of ['L4', 'L5']) {
      const detail = await eventually(
        () => read(record, orderNo),
        ({ order }) => order.flags.includes('transaction_reused'),
      );
      expect(detail.timeline.filter((entry) => entry.type === 'order.flagged')).toHaveLength(1);
    }
  });
});

describe('the locator', () => {
  it('makes no tables for a nudge, and tells a person what waits too long', async () => {
    const record = await channelOf();
    const id = unique('pi');
    const locator = env.LOCATOR.getByName(locatorNameOf(record.channel, id));
    const tables = () =>
      runInDurableObject(locator, (_: Locator, state) =>
        state.storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'links'").toArray(),
      );
    await locator.poke(record.dispatch, Date.now());
    expect(await tables()).toEqual([]);
    await tell(record, refund(id, 'R1'));
    await locator.poke(record.dispatch, Date.now() + 11 * 60_000);
    const alarms = await env.REGISTRY.getByName('registry').listAlarms({ limit: 50, after: null });
    expect(alarms.filter(({ code }) => code === 'unlinked')).toMatchObject([
      { subject: `channel/${record.channel.id}` },
    ]);
  });

  it('brings a fact to its order though another’s ledger does not take what waits before it', async () => {
    const record = await channelOf();
    const [poor, good, id] = [unique('POOR'), unique('GOOD'), unique('pi')];
    await tell(record, payment(good, id));
    const left = await runForwards(record, id, [refunded(poor, 'R1'), refunded(good, 'R1')], poor);
    expect(left).toEqual([{ order_no: poor }]);
    expect((await read(record, good))?.order.refunds).toMatchObject([{ refundNo: 'R1' }]);
  });

  it('lets no number of facts that one ledger does not take keep those of others waiting', async () => {
    const record = await channelOf();
    const [poor, good, id] = [unique('POOR'), unique('GOOD'), unique('pi')];
    await tell(record, payment(good, id));
    await runForwards(
      record,
      id,
      [...Array.from({ length: 60 }, (_, i) => refunded(poor, `R${i}`)), refunded(good, 'R1')],
      poor,
    );
    expect((await read(record, good))?.order.refunds).toMatchObject([{ refundNo: 'R1' }]);
  });

  it('keeps a fact that its order has no room for, and tells a person', async () => {
    const record = await channelOf();
    const [full, id] = [unique('FULL'), unique('pi')];
    await tell(record, payment(full, id));
    const shard = env.LEDGER.getByName(ledgerNameOf(record.channel, full));
    await runInDurableObject(shard, (_, { storage }) => {
      for (let i = 0; i < ORDER_FACTS_MAX; i++) {
        storage.sql.exec(
          `INSERT INTO events (order_no, fact_key, event_id, verdict, source, occurred_at, received_at, settled)
           VALUES (?, ?, ?, 'stale', 'callback', 1, 1, '{"state":"none"}')`,
          full,
          `key ${i}`,
          unique('evt'),
        );
      }
    });
    const left = await runForwards(record, id, [refunded(full, 'R1')], '');
    expect(left).toEqual([{ order_no: full }]);
    await env.LOCATOR.getByName(locatorNameOf(record.channel, id)).poke(record.dispatch, Date.now() + 11 * 60_000);
    const alarms = await env.REGISTRY.getByName('registry').listAlarms({ limit: 50, after: null });
    const mine = alarms.filter(({ subject }) => subject === `channel/${record.channel.id}`);
    expect(mine).toMatchObject([{ code: 'unlinked', detail: expect.stringContaining('cannot be brought') }]);
  });
});
