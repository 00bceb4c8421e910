// Figures: every fact counts once, whatever breaks between; they reach D1, /v1/stats and /metrics.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import type { FactInput } from '../../src/core/record.ts';
import { hourOf } from '../../src/core/tally.ts';
import { Dispatcher } from '../../src/objects/dispatcher.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { Tallier } from '../../src/objects/tallier.ts';
import { readMarks } from '../../src/store/ledger-outbox.ts';
import { call, makeChannel, makeKey } from './api-world.ts';
import { fact, ledger, paid, refunded } from './ledger-kit.ts';

const NOW = Date.now();
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
    const name = await told(channel, [at(NOW, paid('A')), at(NOW, paid('B'))]);
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(ledger(name));
        expect((await figures(channel)).total).toMatchObject({ payments: { succeeded: 2 } });
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
    expect(text).toContain(`tollgate_paid_to_verified_seconds_bucket{channel="${channel}",le="1"} 1\n`);
    expect(text).toContain(`tollgate_paid_to_verified_seconds_count{channel="${channel}"} 2\n`);
    expect(text).toMatch(/tollgate_deliveries_open\{state="dead"\} \d+\n# EOF\n$/);
    const shape = /^(# (TYPE|HELP|UNIT) \S+ .+|# EOF|[a-z_]+\{([a-z]+="[^"\\]*",?)+\} \d+(\.\d+)?)$/;
    expect(
      text
        .trim()
        .split('\n')
        .filter((line) => !shape.test(line)),
    ).toEqual([]);
    for (const scope of ['read', 'orders', 'operate']) {
      expect((await call('GET', '/metrics', undefined, { key: await makeKey(scope) })).status).toBe(403);
    }
    expect((await call('GET', '/metrics', undefined, { key: null })).status).toBe(401);
  });
});
