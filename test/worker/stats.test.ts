// Figures: every fact counts once, whatever breaks between; they reach D1, /v1/stats and /metrics.
import { createExecutionContext, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { api } from '../../src/api/app.ts';
import { type ArrivalCount, callbackLogNameOf } from '../../src/core/arrival.ts';
import { ledgerNameOf, shardNameOf } from '../../src/core/channel.ts';
import type { FactInput } from '../../src/core/record.ts';
import { hourOf, type Tally } from '../../src/core/tally.ts';
import { Dispatcher } from '../../src/objects/dispatcher.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { Tallier } from '../../src/objects/tallier.ts';
import { readMarks } from '../../src/store/ledger-outbox.ts';
import { upgradeLedgerTables } from '../../src/store/ledger-schema.ts';
import { putRollups, type Rollup } from '../../src/store/rollups.ts';
import { anyStory } from '../core/facts.ts';
import { call, makeChannel, makeKey } from './api-world.ts';
import { config, fact, ledger, origin, paid, refunded } from './ledger-kit.ts';
import { readOpenMetrics } from './open-metrics.ts';

/** Late in its hour: what happened half an hour before belongs to the same one. */
const NOW = hourOf(Date.now()) + 3_300_000;
/** The ten minutes before belong to this hour or the one before: both are asked for. */
const FROM = new Date(hourOf(NOW) - 3_600_000).toISOString();

async function recordOf(id: string) {
  const record = await env.REGISTRY.getByName('registry').readChannel(id);
  if (!record) throw new Error('the channel was just made');
  return record;
}

async function told(channel: string, facts: readonly FactInput[]): Promise<string> {
  const { dispatch, channel: known } = await recordOf(channel);
  const name = ledgerNameOf(known, 'any');
  await ledger(name).record({ v: 1, facts, dispatch });
  return name;
}

const at = (receivedAt: number, event: FactInput['event'], source: FactInput['source'] = 'callback'): FactInput => ({
  ...fact(event),
  receivedAt,
  source,
});

/** What an isolate tells the channel's log, and the log D1. */
async function arrived(channel: string, counts: readonly ArrivalCount[]): Promise<void> {
  const log = callbackLogNameOf((await recordOf(channel)).channel.uid);
  tellings += 1;
  const batch = {
    v: 1,
    log,
    channelId: channel,
    isolate: 'one',
    number: tellings,
    counts,
    samples: [],
  } as const;
  await env.CALLBACK_LOG.getByName(log).note(batch);
  await runDurableObjectAlarm(env.CALLBACK_LOG.getByName(log));
}
let tellings = 0;

const figures = async (channel: string, more = '') =>
  (await call('GET', `/v1/stats?channel=${channel}&from=${FROM}${more}`)).body;

/** A life of its own over the shard's tables, whose flush is made when the test says so. */
const counting = <T>(name: string, world: Env, use: (tallier: Tallier) => Promise<T>) =>
  runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
    await storage.deleteAlarm(); // the other life stands still
    const shard = { env: world, storage, name, epoch: 'second', leaseMs: 60_000 };
    return use(new Tallier(shard, new Dispatcher(shard, readMarks(storage.sql), NOW), NOW));
  });

const flushAll = async (tallier: Tallier) => {
  for (let next = tallier.nextAt(); next !== null; next = tallier.nextAt()) await tallier.flush(next);
};

describe('the figures of a channel', () => {
  it('tell what came, by whom it was told first, the money and how long it took', async () => {
    const channel = await makeChannel({ shards: 1 });
    const event = (orderNo: string, ago: number) => paid(orderNo, { occurredAt: NOW - ago });
    const name = await told(channel, [
      at(NOW, event('A', 300)),
      at(NOW, event('B', 900)),
      at(NOW, event('C', 50_000), 'query'),
      at(NOW, event('D', 2_000_000), 'bill'),
      at(NOW, refunded('A', 'R1')),
      at(NOW, paid('E', { status: 'failed', transactionId: null, amount: null })),
    ]);
    await counting(name, env, async (tallier) => {
      tallier.noteSettled({ seq: 1, at: NOW + 80, ms: 15, outcome: 'delivered' }, false, NOW + 100);
      tallier.noteSettled({ seq: 2, at: NOW, ms: 15, outcome: 'refused' }, true, NOW + 100);
      tallier.noteSettled({ seq: 2, at: NOW, ms: 15, outcome: 'timed_out' }, false, NOW + 100);
      tallier.noteAcknowledged([NOW + 70], NOW + 100);
      await flushAll(tallier);
    });
    const { total, items, by } = await figures(channel);
    expect(String(by)).toBe('hour');
    expect([...(items ?? [])]).toHaveLength(1);
    expect(total).toMatchObject({
      callbacks: { accepted: 4, duplicate: 0, rejected: 0 },
      payments: { succeeded: 4, byCallback: 2, byQuery: 1, byBill: 1, missShare: 0.5 },
      refunds: 1,
      delivered: 1,
      attempts: { refused: 1, unreachable: 0, timedOut: 1, dead: 1, successShare: 1 / 3 },
      sums: [{ currency: 'CNY', gross: 400, refunded: 30 }],
      latencies: {
        paidToVerified: { count: 4, p50Ms: 1_000, p99Ms: 3_600_000 },
        verifiedToDelivered: { count: 1, p50Ms: 100 },
        deliveredToSettled: { count: 1, p50Ms: 10 },
        paidToDelivered: { count: 1, p50Ms: 500 },
        acknowledged: { count: 1, p50Ms: 50 },
      },
    });
  });

  it('come by themselves, through the shard’s own alarm', async () => {
    const channel = await makeChannel({ shards: 1 });
    // Two origins of one event, told at once, and an echo: each attempt counts once.
    const origins = ['shop', 'books'].map((id) => origin(id, { paused: true, ladderSeconds: [0] }));
    const name = ledgerNameOf((await recordOf(channel)).channel, 'any');
    const dispatch = config(origins, { channelId: channel });
    await ledger(name).record({ v: 1, facts: [at(NOW, paid('A')), at(NOW, paid('B'))], dispatch });
    const attempt = { seq: 1, claim: 'anybody', attempt: 1, at: NOW, ms: 5, detail: '', retryAfterSeconds: null };
    await vi.waitFor(async () => expect((await ledger(name).readOrder('A'))?.deliveries).toHaveLength(2));
    await ledger(name).settle([
      { ...attempt, originId: 'shop', outcome: 'delivered', status: 200 },
      { ...attempt, originId: 'books', outcome: 'refused', status: 500 },
      { ...attempt, originId: 'books', outcome: 'refused', status: 500 },
    ]);
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(ledger(name));
        expect((await figures(channel)).total).toMatchObject({
          payments: { succeeded: 2 },
          ...{ delivered: 1, attempts: { refused: 1, dead: 1, successShare: 0.5 } },
          latencies: { paidToDelivered: { count: 1 } },
        });
      },
      { timeout: 12_000, interval: 300 },
    );
  }, 15_000);

  it('by day begin where the merchant’s days do', async () => {
    const channel = await makeChannel({ shards: 1 });
    const before = Date.parse('2026-03-01T15:59:59Z'); // the last second of March 1st in Beijing
    const name = await told(channel, [at(before, paid('A')), at(before + 1_000, paid('B'))]);
    await counting(name, env, flushAll);
    const span = 'from=2026-02-28T16:00:00Z&to=2026-03-03T16:00:00Z&by=day';
    const beijing = await call('GET', `/v1/stats?channel=${channel}&${span}&utcOffsetMinutes=480`);
    const days = beijing.body.items?.map((one) => String(one.at));
    expect(days).toEqual(['2026-02-28T16:00:00.000Z', '2026-03-01T16:00:00.000Z']);
    const utc = await call('GET', `/v1/stats?channel=${channel}&${span}`);
    expect(utc.body.items?.map((one) => String(one.at))).toEqual(['2026-03-01T00:00:00.000Z']);
  });

  it('are refused in lengths that are no chart', async () => {
    const channel = await makeChannel({ shards: 1 });
    const ask = (query: string) => call('GET', `/v1/stats?channel=${channel}&${query}`);
    expect((await ask('from=2020-01-01T00:00:00Z')).status).toBe(422);
    expect((await ask('from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z')).status).toBe(422);
    expect((await call('GET', '/v1/stats?channel=no-such')).status).toBe(404);
    expect((await call('GET', '/v1/stats')).status).toBe(200);
  });
});

describe('/v1/stats/callbacks', () => {
  it('tells each minute what came, and what was repeated or refused', async () => {
    const channel = await makeChannel({ shards: 1 });
    const minute = Math.floor(NOW / 60_000) * 60_000;
    const came = [minute - 60_000, minute - 60_000, minute - 3 * 60_000];
    const name = await told(
      channel,
      came.map((time, n) => at(time, paid(`M-${n}`))),
    );
    await counting(name, env, flushAll);
    await arrived(channel, [
      { minute: minute - 60_000, verdict: 'rejected', reason: 'malformed', count: 7 },
      // Taken, and said to be from outside of an allowlist that only watches: its ledger counts it.
      { minute: minute - 60_000, verdict: 'accepted', reason: 'source_not_allowed', count: 2 },
    ]);
    const ask = (more: string) => call('GET', `/v1/stats/callbacks?channel=${channel}&${more}`);
    const span = `from=${new Date(minute - 4 * 60_000).toISOString()}&to=${new Date(minute).toISOString()}`;
    const { body } = await ask(span);
    expect([...(body.items ?? [])].map((one) => [one.accepted, one.rejected].map(Number))).toEqual([
      [0, 0],
      [1, 0],
      [0, 0],
      [2, 7],
    ]);
    for (const step of [60, 360, 480]) {
      const hours = await ask(`stepMinutes=${step}`);
      const sums = ['accepted', 'rejected'].map((verdict) =>
        [...(hours.body.items ?? [])].reduce((sum, one) => sum + Number(one[verdict]), 0),
      );
      expect(sums).toEqual([3, 7]);
    }
    expect((await figures(channel)).total).toMatchObject({ callbacks: { accepted: 3, rejected: 7 } });
    expect((await ask('stepMinutes=7')).status).toBe(422);
    expect((await ask('from=2020-01-01T00:00:00Z&stepMinutes=1440')).status).toBe(422);
    expect((await call('GET', '/v1/stats/callbacks?channel=no-such')).status).toBe(404);
    expect([...((await call('GET', '/v1/stats/callbacks')).body.items ?? [])].length).toBeGreaterThanOrEqual(60);
  });
});

describe('/v1/stats/waiting', () => {
  it('tells what waits, since when, and what the ledgers told at the last look', async () => {
    const channel = await makeChannel({ shards: 1 });
    const put = (state: string, at: number) =>
      env.DB.prepare("INSERT INTO deliveries VALUES (?, ?, 'o', ?, 'N', 1, 1, ?, NULL, 1, NULL, NULL, NULL, 1)")
        .bind(at, `evt-${state}-${at}`, channel, state)
        .run();
    for (const at of [5_000, 3_000, 4_000]) await put('waiting', at);
    await put('dead', 7_000);
    await env.ALARM_DESK.getByName('alarms').noteVitals({
      at: Date.now(),
      backlogs: [{ channel, waiting: 9, oldestAt: 2_000, originId: 'o' }],
    });
    const { body } = await call('GET', `/v1/stats/waiting?channel=${channel}`);
    expect([...(body.states ?? [])]).toMatchObject([
      { state: 'waiting', count: 3, isMore: false, oldestAt: '1970-01-01T00:00:03.000Z' },
      { state: 'paused', count: 0, oldestAt: null },
      { state: 'held', count: 0 },
      { state: 'dead', count: 1 },
    ]);
    expect(body.backlog).toMatchObject({ waiting: 9, oldestAt: '1970-01-01T00:00:02.000Z' });
    const other = await makeChannel({ shards: 1 });
    expect((await call('GET', `/v1/stats/waiting?channel=${other}`)).body).toMatchObject({
      backlog: { waiting: 0, oldestAt: null },
    });
    expect((await call('GET', '/v1/stats/waiting?channel=no-such')).status).toBe(404);
  });
});

describe('/v1/reports', () => {
  type Money = { minor: number; currency: string };
  type Told = {
    state: string;
    payments: { amount: Money; paidAt: string }[];
    refunds: { amount: Money; state: string; at: string }[];
  };
  type Line = {
    day: string;
    currency: string;
    gross: number;
    refunded: number;
    reversed: number;
    orders: Record<string, number>;
  };
  const SPAN = 'from=2025-12-31&to=2026-01-31';
  const linesOf = async (channel: string, more = '') =>
    (await call('GET', `/v1/reports?channel=${channel}&${SPAN}${more}`)).body.items as unknown as Line[];
  const dayIn = (time: string, offsetMs: number) => new Date(Date.parse(time) + offsetMs).toISOString().slice(0, 10);
  const put = (sums: Record<string, number>, key: string, value: number) => {
    sums[key] = (sums[key] ?? 0) + value;
    if (sums[key] === 0) delete sums[key];
  };

  it('sum what the orders themselves say', async () => {
    const channel = await makeChannel({ shards: 1 });
    const stories = fc.sample(anyStory, 25).filter((story) => story.length > 0);
    const facts = stories.flatMap((story, n) =>
      story.map((event, m) => at(NOW + m, { ...event, orderNo: `S-${n}` } as FactInput['event'])),
    );
    const name = await told(channel, facts);
    await counting(name, env, flushAll);
    for (const hours of [8, 0, 9, -5]) {
      const [gross, kept]: Record<string, number>[] = [{}, {}];
      const ended: Record<string, number> = { paid: 0, failed: 0, closed: 0 };
      for (const n of stories.keys()) {
        const { body } = await call('GET', `/v1/orders/${channel}/S-${n}`);
        const order = body.order as unknown as Told;
        for (const { amount, paidAt } of order.payments) {
          put(gross ?? {}, `${dayIn(paidAt, hours * 3_600_000)} ${amount.currency}`, amount.minor);
        }
        for (const { amount, state } of order.refunds) {
          if (state === 'succeeded') put(kept ?? {}, amount.currency, amount.minor);
        }
        const as = /refunded|paid/.test(order.state) ? 'paid' : order.state;
        if (as in ended) ended[as] = (ended[as] ?? 0) + 1;
      }
      const lines = await linesOf(channel, `&utcOffsetMinutes=${hours * 60}`);
      const [told2, back]: Record<string, number>[] = [{}, {}];
      const counted: Record<string, number> = { paid: 0, failed: 0, closed: 0 };
      for (const line of lines) {
        put(told2 ?? {}, `${line.day} ${line.currency}`, line.gross);
        put(back ?? {}, line.currency, line.refunded - line.reversed);
        for (const as of Object.keys(counted)) counted[as] = (counted[as] ?? 0) + (line.orders[as] ?? 0);
      }
      expect(told2).toEqual(gross);
      expect(back).toEqual(kept);
      expect(counted).toEqual(ended);
    }
  });

  it('count an order on the day it was paid, however late that was heard, and no test order', async () => {
    const channel = await makeChannel({ shards: 1 });
    const time = (text: string) => Date.parse(text);
    const occurredAt = time('2026-01-05T15:59:59Z'); // the last second of January 5th in Beijing
    const name = await told(channel, [
      at(NOW, paid('A', { occurredAt }), 'bill'),
      at(NOW, paid('B', { occurredAt: occurredAt + 1_000, amount: { minor: 55, currency: 'JPY' } })),
      at(NOW, paid('T', { occurredAt, test: true })),
      at(NOW, refunded('A', 'R', { occurredAt: occurredAt + 1_000 })),
      at(NOW, paid('F', { status: 'failed', transactionId: null, amount: null, occurredAt })),
    ]);
    await counting(name, env, flushAll);
    expect(await linesOf(channel)).toMatchObject([
      { day: '2026-01-05', currency: null, gross: 0, orders: { failed: 1, successRate: 0 } },
      { day: '2026-01-05', currency: 'CNY', gross: 100, net: 100, fees: null, orders: { paid: 1, successRate: 1 } },
      { day: '2026-01-06', currency: 'CNY', gross: 0, refunded: 30, refunds: 1, net: -30, orders: { paid: 0 } },
      { day: '2026-01-06', currency: 'JPY', gross: 55 },
    ]);
    const months = await call('GET', `/v1/reports?channel=${channel}&${SPAN}&groupBy=month`);
    expect(months.body.items?.map((one) => `${one.day} ${one.currency} ${one.net}`)).toEqual([
      '2026-01 null 0',
      '2026-01 CNY 70',
      '2026-01 JPY 55',
    ]);
    const csv = await call('GET', `/v1/reports?channel=${channel}&${SPAN}&format=csv`);
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8');
    expect(csv.headers.get('content-disposition')).toContain(`report-${channel}-2025-12-31-2026-01-31.csv`);
    const rows = csv.text.split('\r\n');
    expect(rows[0]).toBe(
      'day,channel,currency,gross,refunded,reversed,net_before_fees,fees,net,orders_paid,orders_failed,orders_closed,' +
        'refunds,reversals,success_rate',
    );
    expect(rows[2]).toBe(`2026-01-05,${channel},CNY,1.00,0.00,0.00,1.00,,,1,0,0,0,0,1.0000`);
    expect(rows[4]).toBe(`2026-01-06,${channel},JPY,55,0,0,55,,,1,0,0,0,0,1.0000`);
  });

  it('tell fees where a bill told them for every day, and says nothing of the others', async () => {
    const channel = await makeChannel({ shards: 1 });
    const days = [5, 6].map((day) => Date.parse(`2026-01-0${day}T04:00:00Z`));
    const name = await told(
      channel,
      days.map((occurredAt, n) => at(NOW, paid(`F${n}`, { occurredAt, amount: { minor: 1_000, currency: 'CNY' } }))),
    );
    await counting(name, env, flushAll);
    const bill = (day: string, foreign: number, state = 'done') => {
      const money = { CNY: { gross: 1_000, refunded: 0, fee: 6_000 } };
      const doc = JSON.stringify({
        bills: [
          { kind: 'trade', tally: { foreign, money } },
          { kind: 'fundflow', tally: null },
        ],
      });
      return env.DB.prepare('INSERT OR REPLACE INTO reconciliations VALUES (?, ?, ?, 1, 1, 1, ?)')
        .bind(channel, day, state, doc)
        .run();
    };
    const feesOf = async (more = '') => (await linesOf(channel, more)).map((line) => Reflect.get(line, 'fees'));
    await bill('2026-01-05', 0);
    expect(await feesOf()).toEqual([{ units: 6_000, scale: 5 }, null]);
    expect(await feesOf('&utcOffsetMinutes=0')).toEqual([null, null]); // other days than the bills'
    expect(await feesOf('&groupBy=month')).toEqual([null]);
    await bill('2026-01-06', 3);
    expect(await feesOf('&groupBy=month')).toEqual([null]);
    await bill('2026-01-06', 0);
    const [month] = await linesOf(channel, '&groupBy=month');
    // 20.00 less 0.12
    expect(month).toMatchObject({ fees: { units: 12_000, scale: 5 }, netAfterFees: { units: 1_988_000, scale: 5 } });
    const csv = await call('GET', `/v1/reports?channel=${channel}&${SPAN}&groupBy=month&format=csv`);
    expect(csv.text).toContain(`2026-01,${channel},CNY,20.00,0.00,0.00,20.00,0.12000,19.88000,2,`);
  });

  it('are refused where they would be too long, wrong or of nobody', async () => {
    const ask = async (query: string) => (await call('GET', `/v1/reports?${query}`)).status;
    expect(await ask('from=2025-01-01&to=2026-01-02')).toBe(422);
    expect(await ask('from=2026-02-30')).toBe(422);
    expect(await ask('from=2026-01-02&to=2026-01-01')).toBe(422);
    expect(await ask('utcOffsetMinutes=45')).toBe(422);
    expect(await ask('channel=no-such')).toBe(404);
    expect(await ask('from=2026-01-01&to=2026-12-31')).toBe(200);
  });
});

describe('sums without shards', () => {
  type Row = { at: number; hours: number; doc: string; money: string | null; accepted: number };
  type Texts = { doc: string; money: string | null };
  const plus = (sum: Record<string, number>, more: Tally) => {
    for (const [name, value] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + value;
    return sum;
  };
  /** What the ledgers themselves have counted, by the beginning of each row. */
  async function counted(names: readonly string[], unit: number) {
    const rows = new Map<number, { doc: Record<string, number>; money: Record<string, number> }>();
    for (const name of names) {
      await runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
        const tallies = storage.sql
          .exec<{ hour: number; doc: string; money: string }>('SELECT * FROM tallies')
          .toArray();
        for (const { hour, doc, money } of tallies) {
          const row = rows.get(hour - (hour % unit)) ?? { doc: {}, money: {} };
          rows.set(hour - (hour % unit), row);
          plus(row.doc, JSON.parse(doc));
          plus(row.money, JSON.parse(money));
        }
      });
    }
    return rows;
  }
  async function expectTruth(channel: string, names: readonly string[]) {
    const { results } = await env.DB.prepare('SELECT * FROM figures WHERE channel = ?').bind(channel).all<Row>();
    for (const hours of [1, 8]) {
      const told = results
        .filter((row) => row.hours === hours)
        .map(({ at: time, doc, money, accepted }) => {
          expect(accepted).toBe(JSON.parse(doc)['facts.callback'] ?? 0);
          return [time, { doc: JSON.parse(doc), money: JSON.parse(money ?? '{}') }] as const;
        });
      expect(new Map(told)).toEqual(await counted(names, hours * 3_600_000));
    }
    const all = plus({}, {});
    for (const { doc } of (await counted(names, 1)).values()) plus(all, doc);
    for (const more of ['&by=hour', '&by=day', '&by=day&utcOffsetMinutes=480', '&by=day&utcOffsetMinutes=540']) {
      const from = new Date(hourOf(NOW) - 100 * 3_600_000).toISOString();
      const { body } = await call('GET', `/v1/stats?channel=${channel}&from=${from}${more}`);
      const of = (name: string) => all[name] ?? 0;
      expect(body.total).toMatchObject({
        callbacks: { accepted: of('facts.callback') },
        payments: { succeeded: of('events.payment.succeeded') },
        refunds: of('events.refund.succeeded'),
        latencies: { paidToVerified: { count: of('events.payment.succeeded') } },
      });
    }
  }

  it('are what the ledgers counted, whatever comes late, twice, at once or after an end', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined); // whoever counts second says so
    const channel = await makeChannel({ shards: 3 });
    const { channel: known, dispatch } = await recordOf(channel);
    const names = [0, 1, 2].map((shard) => shardNameOf(known, shard));
    const stories = fc.sample(anyStory, 40).filter((story) => story.length > 0);
    for (let round = 0; round < 4; round++) {
      const facts = stories.flatMap((story, n) =>
        n % 4 === round
          ? story.map((event, m) =>
              at(NOW - ((n * 7) % 30) * 3_600_000 + m, { ...event, orderNo: `S-${n}` } as FactInput['event']),
            )
          : [],
      );
      for (const name of names) {
        const own = facts.filter(({ event }) => ledgerNameOf(known, event.orderNo) === name);
        if (own.length > 0) await ledger(name).record({ v: 1, facts: own, dispatch });
      }
      // All at once; each shard in two lives that count the same.
      await Promise.all(
        names.map((name) =>
          counting(name, env, (first) =>
            counting(name, env, async (second) => {
              await Promise.all([flushAll(first), flushAll(second)]);
              await Promise.all([flushAll(first), flushAll(second)]);
            }),
          ),
        ),
      );
      await expectTruth(channel, names);
    }
    // An older telling that arrives late, and the same ones again.
    const rows = await env.DB.prepare('SELECT * FROM rollups WHERE channel = ?')
      .bind(channel)
      .all<Omit<Rollup, keyof Texts> & Texts>();
    const again = rows.results.map(
      (row): Rollup => ({
        ...row,
        ...{ doc: JSON.parse(row.doc), minutes: null, money: row.money === null ? null : JSON.parse(row.money) },
      }),
    );
    await putRollups(
      env.DB,
      again.map((row) => ({ ...row, version: row.version - 1, doc: { wrong: 1 } })),
    );
    await Promise.all([putRollups(env.DB, again), putRollups(env.DB, again)]);
    await expectTruth(channel, names);
    // The shards’ memory ends, and D1 is lost.
    await env.DB.batch([env.DB.prepare('DELETE FROM rollups'), env.DB.prepare('DELETE FROM figures')]);
    for (const name of names) await ledger(name).rebuild();
    for (const name of names) await counting(name, env, flushAll);
    await expectTruth(channel, names);
    vi.restoreAllMocks();
  });

  it('tell hours of an older version again by themselves', async () => {
    const channel = await makeChannel({ shards: 1 });
    const name = await told(channel, [at(NOW, paid('A')), at(NOW - 50 * 3_600_000, paid('B'))]);
    await counting(name, env, flushAll);
    await env.DB.prepare('DELETE FROM figures WHERE channel = ?').bind(channel).run();
    await runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
      // As a shard of before that step is.
      storage.sql.exec('UPDATE marks SET schema = 7');
      storage.sql.exec('DROP TABLE aside');
      upgradeLedgerTables(storage.sql);
    });
    await counting(name, env, flushAll);
    await expectTruth(channel, [name]);
  });
});

describe('counting', () => {
  const down = {
    ...env,
    DB: { prepare: () => ({ bind: () => ({ run: () => Promise.reject(new Error('D1 is down')) }) }) },
  };

  it('counts every fact once, when D1 is away, when a life ends too early, and in two lives at once', async () => {
    const channel = await makeChannel({ shards: 1 });
    const name = await told(channel, [at(NOW, paid('A')), at(NOW, paid('B'))]);
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const world = down as unknown as Env; // the outage
    await counting(name, world, async (tallier) => tallier.flush(tallier.nextAt() ?? 0));
    // D1 has it, the shard's own row was lost: the next life counts again from where the row stands.
    await counting(name, env, flushAll);
    await runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
      storage.sql.exec('DELETE FROM tallies');
    });
    await counting(name, env, flushAll);
    await told(channel, [at(NOW, paid('C'))]);
    await counting(name, env, (first) =>
      counting(name, env, async (second) => {
        await Promise.all([flushAll(first), flushAll(second)]);
        await Promise.all([flushAll(first), flushAll(second)]);
      }),
    );
    expect((await figures(channel)).total).toMatchObject({ payments: { succeeded: 3 }, sums: [{ gross: 300 }] });
    vi.restoreAllMocks();
  });

  it('keeps what was counted last, though D1 hears late of a try that an earlier life gave up', async () => {
    const channel = await makeChannel({ shards: 1 });
    const name = await told(channel, [at(NOW, paid('A'))]);
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const late: (() => Promise<unknown>)[] = [];
    const giveUp = (real: () => Promise<unknown>) => {
      late.push(real);
      return Promise.reject(new Error('too slow'));
    };
    const DB = {
      prepare: (sql: string) => ({
        bind: (...values: unknown[]) => env.DB.prepare(sql).bind(...values),
      }),
      batch: (statements: D1PreparedStatement[]) => giveUp(() => env.DB.batch(statements)),
    };
    const slow = { ...env, DB } as unknown as Env; // the answer that does not come in time
    await counting(name, slow, (tallier) => tallier.flush(NOW + 10_000));
    await told(channel, [at(NOW, paid('B'))]);
    await counting(name, env, (tallier) => tallier.flush(NOW + 20_000));
    expect(late).toHaveLength(1);
    for (const write of late) await write();
    expect((await figures(channel)).total).toMatchObject({ payments: { succeeded: 2 }, sums: [{ gross: 200 }] });
    vi.restoreAllMocks();
  });

  it('tells D1 all again after it was lost', async () => {
    const channel = await makeChannel({ shards: 1 });
    const hours = Array.from({ length: 130 }, (_, n) =>
      at(NOW - n * 3_600_000, paid(`H-${n}`, { occurredAt: NOW - n * 3_600_000 })),
    );
    const name = await told(channel, hours.slice(0, 60));
    await told(channel, hours.slice(60, 120));
    await told(channel, hours.slice(120));
    await counting(name, env, flushAll);
    const rows = () =>
      env.DB.prepare('SELECT COUNT(*) AS n FROM rollups WHERE channel = ?').bind(channel).first<{ n: number }>();
    expect(await rows()).toEqual({ n: 130 });
    await env.DB.prepare('DELETE FROM rollups WHERE channel = ?').bind(channel).run();
    await ledger(name).rebuild();
    await counting(name, env, flushAll);
    expect(await rows()).toEqual({ n: 130 });
  });
});

describe('/metrics', () => {
  it('shows the day’s figures of each channel as OpenMetrics, to keys with that scope', async () => {
    const channel = await makeChannel({ shards: 1 });
    const now = Date.now();
    const name = await told(channel, [at(now, paid('A', { occurredAt: now - 700 })), at(now, paid('B'), 'query')]);
    await counting(name, env, flushAll);
    const key = await makeKey('metrics');
    const { status, headers, text } = await call('GET', '/metrics', undefined, { key });
    expect([status, headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^application\/openmetrics-text/),
    ]);
    expect(text).toContain(`tollgate_payments_total{channel="${channel}",source="callback"} 1\n`);
    expect(text).toContain(`tollgate_payments_total{channel="${channel}",source="query"} 1\n`);
    expect(text).toContain(`tollgate_paid_to_verified_seconds_bucket{channel="${channel}",le="1.0"} 1\n`);
    expect(text).toContain(`tollgate_paid_to_verified_seconds_count{channel="${channel}"} 2\n`);
    const families = readOpenMetrics(text);
    expect(families.get('tollgate_deliveries_open')?.samples.map(({ labels }) => labels.state)).toContain('dead');
    const parts = families.get('tollgate_part_up')?.samples.map(({ labels, value }) => [labels.part, value]);
    expect(parts).toEqual(['figures', 'registry', 'gates', 'alarm_desk', 'projection'].map((part) => [part, 1]));
    for (const scope of ['read', 'orders', 'operate']) {
      expect((await call('GET', '/metrics', undefined, { key: await makeKey(scope) })).status).toBe(403);
    }
    expect((await call('GET', '/metrics', undefined, { key: null })).status).toBe(401);
  });

  it('say what they know while D1 is away, and which part does not answer', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const away = () => {
      throw new Error('D1_ERROR: away');
    };
    const DB = { prepare: () => ({ bind: away, all: away, first: away }), batch: away } as unknown as D1Database;
    const request = new Request('http://127.0.0.1:8787/metrics', {
      headers: { authorization: `Bearer ${env.TOLLGATE_ADMIN_KEY}` },
    });
    const answer = await api.fetch(request, { ...env, DB }, createExecutionContext());
    const families = readOpenMetrics(await answer.text());
    const parts = families.get('tollgate_part_up')?.samples.map(({ labels, value }) => `${labels.part} ${value}`);
    expect(parts).toEqual(['figures 0', 'registry 1', 'gates 1', 'alarm_desk 1', 'projection 0']);
    expect(families.has('tollgate_alarms_open')).toBe(true);
    expect(families.has('tollgate_callbacks')).toBe(false);
  });
});
