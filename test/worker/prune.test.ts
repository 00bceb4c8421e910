// What time takes away: the bytes of old callbacks, old rows of the lists, old refusals; a little at a time.
// Nothing that is not settled, and nothing that the archive does not have.
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { callbackLogNameOf, minuteOf } from '../../src/core/arrival.ts';
import { ledgerNameOf } from '../../src/core/channel.ts';
import type { Fact } from '../../src/core/event.ts';
import { DAY_MS, PRUNE_BATCH_MAX } from '../../src/core/limits.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { prune } from '../../src/objects/pruner.ts';
import { readMarks } from '../../src/store/ledger-outbox.ts';
import { call, type Json, makeChannel, makeKey, makeOrigin, unique } from './api-world.ts';
import { fact, ledger, paid, refunded, until } from './ledger-kit.ts';

const NOW = Date.now();
const LONG_AGO = NOW - 800 * DAY_MS;
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const isBehind = () => false;
const registry = () => env.REGISTRY.getByName('registry');

async function recordOf(id: string) {
  const record = await registry().readChannel(id);
  if (!record) throw new Error('the channel was just made');
  return record;
}

/** Tells a fact that came so long ago, with bytes of its own. */
async function told(channel: string, event: Fact, receivedAt: number, text = `body of ${event.orderNo}`) {
  const { dispatch, channel: known } = await recordOf(channel);
  const body = new TextEncoder().encode(text);
  const input = fact(event);
  const evidence = input.evidence && { ...input.evidence, body, digest: sha256(body) };
  const name = ledgerNameOf(known, event.orderNo);
  await ledger(name).record({ v: 1, facts: [{ ...input, receivedAt, evidence }], dispatch });
  return name;
}

/** Everything settled and in D1. */
const settled = (name: string) =>
  until(name, () =>
    runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
      const { low, projected } = readMarks(storage.sql);
      const { last } = storage.sql.exec<{ last: number }>('SELECT max(seq) AS last FROM events').one();
      return low === last && projected === last;
    }),
  );

async function nudge(channel: string, times = 1) {
  const { dispatch, channel: known } = await recordOf(channel);
  for (let n = 0; n < times; n++) {
    for (let shard = 0; shard < known.shards; shard++) {
      await ledger(`v1:${known.uid}:${known.shards}:${shard}`).poke(dispatch);
    }
  }
}

const evidence = async (channel: string, orderNo: string) =>
  (await call('GET', `/v1/orders/${channel}/${orderNo}/evidence`)).body;
const prunedOf = (body: Json) => [...(body.entries ?? [])].map(({ pruned }) => String(pruned) === 'true');
const inLists = async (table: 'events' | 'deliveries', channel: string) =>
  (await env.DB.prepare(`SELECT order_no FROM ${table} WHERE channel = ? ORDER BY 1`).bind(channel).all()).results.map(
    (row) => row.order_no,
  );

const linesOf = (key: string) => call('GET', `/v1/archives/lines?key=${encodeURIComponent(key)}`);

describe('evidence', () => {
  it('is let go of after its days, and the chain over it still holds', async () => {
    const channel = await makeChannel({ shards: 1 });
    const old = unique('OLD');
    await told(channel, paid(old), NOW - 181 * DAY_MS);
    await told(channel, refunded(old, 'R1'), NOW - 10 * DAY_MS);
    const name = await told(channel, paid(unique('NEW')), NOW);
    await settled(name);
    expect(prunedOf(await evidence(channel, old))).toEqual([false, false]);
    await nudge(channel);
    const body = await evidence(channel, old);
    expect(prunedOf(body)).toEqual([true, false]);
    expect(body.intact).toBe(true);
    const [first] = [...(body.entries ?? [])];
    expect(String(first?.digest)).toBe(sha256(new TextEncoder().encode(`body of ${old}`)));
    expect(String(first?.body)).toBe('null');
  });

  it('is in the archive first, and is read there again', async () => {
    const channel = await makeChannel({ shards: 1 });
    const [one, other] = [unique('A'), unique('B')];
    await told(channel, paid(one), LONG_AGO);
    await settled(await told(channel, paid(other), LONG_AGO + DAY_MS));
    await nudge(channel);
    const body = await evidence(channel, one);
    const [entry] = [...(body.entries ?? [])];
    const key = String(entry?.archive);
    const listed = await call('GET', `/v1/archives?channel=${channel}`);
    expect(listed.body.items).toMatchObject([{ key, channel, items: 2, from: new Date(LONG_AGO).toISOString() }]);
    const whole = await linesOf(key);
    expect(
      whole.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).orderNo),
    ).toEqual([one, other]);
    const { text } = await call('GET', `/v1/archives/lines?key=${encodeURIComponent(key)}&orderNo=${one}`);
    const line = JSON.parse(text);
    expect(atob(line.body)).toBe(`body of ${one}`);
    expect(line.link).toBe(String(entry?.link));
    const read = await makeKey('read', 'orders');
    expect((await call('GET', `/v1/archives?channel=${channel}`, undefined, { key: read })).status).toBe(403);
    expect((await call('GET', '/v1/archives/lines?key=evidence/none')).status).toBe(404);
    expect((await call('GET', '/v1/archives/lines?key=other/object')).status).toBe(404);
  });

  it('is kept while the archive cannot take it', async () => {
    const channel = await makeChannel({ shards: 1 });
    const orderNo = unique('KEEP');
    const name = await told(channel, paid(orderNo), LONG_AGO);
    await settled(name);
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const { dispatch: config } = await recordOf(channel);
    const broken = { put: () => Promise.reject(new Error('the bucket is away')) };
    const attempt = (ARCHIVE: unknown) =>
      runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
        const world = { ...env, ARCHIVE } as unknown as Env; // the outage
        return prune({ env: world, storage, shard: name, config, low: readMarks(storage.sql).low, isBehind }, NOW);
      });
    await attempt(broken);
    expect(prunedOf(await evidence(channel, orderNo))).toEqual([false]);
    await attempt(undefined); // no bucket at all: it is gone, and says so
    const [entry] = [...((await evidence(channel, orderNo)).entries ?? [])];
    expect([String(entry?.pruned), String(entry?.archive)]).toEqual(['true', 'null']);
    vi.restoreAllMocks();
  });

  it('is let go of only with what the archive took, and no later walk takes that one’s place', async () => {
    const channel = await makeChannel({ shards: 1 });
    const dispute = (state: 'open' | 'won', orderNo: string): Fact => ({
      ...{ kind: 'dispute', disputeId: 'D', state, orderNo, amount: null, test: false, providerState: state },
      occurredAt: NOW,
    });
    const [first = '', middle = '', last = ''] = ['FIRST', 'MIDDLE', 'LAST'].map(unique);
    for (const orderNo of [first, middle, last]) await told(channel, paid(orderNo), LONG_AGO);
    const name = await told(channel, dispute('open', middle), NOW);
    await settled(name);
    const { dispatch: config } = await recordOf(channel);
    const bucket = new Map<string, unknown>();
    const walk = (andThen: () => Promise<void>) =>
      runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
        const put = async (key: string, bytes: unknown) => void bucket.set(key, bytes);
        const ARCHIVE = { put: (key: string, bytes: unknown) => put(key, bytes).then(andThen) };
        const world = { ...env, ARCHIVE } as unknown as Env; // what comes between two lines
        return prune({ env: world, storage, shard: name, config, low: readMarks(storage.sql).low, isBehind }, NOW);
      });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const killed = () => Promise.reject(new Error('killed'));
    await walk(killed);
    expect(bucket.size).toBe(2);
    await told(channel, dispute('won', middle), NOW);
    await settled(name);
    await walk(killed); // the same first and last, and the middle one between them
    expect(bucket.size).toBe(4);
    await told(channel, dispute('open', last), NOW);
    await settled(name);
    const isOver = async () => void (await told(channel, dispute('won', last), NOW));
    await walk(isOver);
    expect(prunedOf(await evidence(channel, middle))).toEqual([true, false, false]);
    expect(prunedOf(await evidence(channel, last))).toEqual([false, false, false]);
    vi.restoreAllMocks();
  });

  it('stays whole where something may still come of the order, and goes once that is over', async () => {
    const channel = await makeChannel({ shards: 1 });
    const dispute = (state: 'open' | 'won', orderNo: string): Fact => ({
      ...{ kind: 'dispute', disputeId: 'D', state, orderNo, amount: null, test: false, providerState: state },
      occurredAt: LONG_AGO,
    });
    const orderNo = unique('DISPUTED');
    await told(channel, paid(orderNo), LONG_AGO);
    const name = await told(channel, dispute('open', orderNo), LONG_AGO);
    await settled(name);
    await nudge(channel, 3);
    expect(prunedOf(await evidence(channel, orderNo))).toEqual([false, false]);
    await told(channel, dispute('won', orderNo), NOW);
    await settled(name);
    await runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
      storage.sql.exec('UPDATE walks SET started_at = started_at - ?', 2 * DAY_MS);
    });
    await nudge(channel, 3);
    expect(prunedOf(await evidence(channel, orderNo))).toEqual([true, true, false]);
  });

  it('stays whole while its event has not reached the origin, or is held', async () => {
    const origin = await makeOrigin();
    await call('POST', `/v1/origins/${origin}/pause`);
    const channel = await makeChannel({ shards: 1, origins: [origin], settings: { hold: ['paid_twice'] } });
    const orderNo = unique('WAITS');
    const name = await told(channel, paid(orderNo), LONG_AGO);
    await until(name, () =>
      runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => readMarks(storage.sql).low === 1),
    );
    await until(name, async () => (await inLists('events', channel)).length === 1);
    await nudge(channel, 2);
    expect(prunedOf(await evidence(channel, orderNo))).toEqual([false]);
    expect(await inLists('events', channel)).toEqual([orderNo]);
  });

  it('goes in slices, as many at a nudge as there is time for', async () => {
    const channel = await makeChannel({ shards: 1 });
    const count = 3 * PRUNE_BATCH_MAX + 20;
    const { dispatch, channel: known } = await recordOf(channel);
    const name = ledgerNameOf(known, 'x');
    const facts = Array.from({ length: count }, (_, n) => ({ ...fact(paid(`${channel}-${n}`)), receivedAt: LONG_AGO }));
    for (let at = 0; at < count; at += 60)
      await ledger(name).record({ v: 1, facts: facts.slice(at, at + 60), dispatch });
    await settled(name);
    const left = () =>
      runInDurableObject(
        ledger(name),
        (_: OrderLedger, { storage }) =>
          storage.sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM events WHERE body IS NOT NULL').one().n,
      );
    await runInDurableObject(ledger(name), (_: OrderLedger, { storage }) =>
      prune({ env, storage, shard: name, config: dispatch, low: count, isBehind }, NOW, NOW),
    );
    expect(await left()).toBe(2 * PRUNE_BATCH_MAX + 20);
    await nudge(channel);
    expect(await left()).toBe(0);
  });
});

describe('the lists', () => {
  it('let events and deliveries go after their days, and keep them gone after a rebuild', async () => {
    const channel = await makeChannel({ shards: 1 });
    const [old, young] = [unique('OLD'), unique('YOUNG')];
    await told(channel, paid(old), LONG_AGO);
    const name = await told(channel, paid(young), NOW - 700 * DAY_MS);
    await settled(name);
    expect(await inLists('deliveries', channel)).toHaveLength(2);
    await nudge(channel);
    expect(await inLists('events', channel)).toEqual([young]);
    expect(await inLists('deliveries', channel)).toEqual([young]);
    expect((await call('GET', `/v1/orders/${channel}/${old}`)).body.timeline).toHaveLength(1); // the ledger's own
    await ledger(name).rebuild();
    await until(name, async () => (await inLists('events', channel)).length === 2);
    await settled(name);
    await nudge(channel);
    expect(await inLists('events', channel)).toEqual([young]);
  });

  it('are in the archive first, with what became of each delivery', async () => {
    const channel = await makeChannel({ shards: 1 });
    const orderNo = unique('GONE');
    await settled(await told(channel, paid(orderNo), LONG_AGO));
    await nudge(channel);
    expect(await inLists('events', channel)).toEqual([]);
    const [item] = [...((await call('GET', `/v1/archives?channel=${channel}&kind=events`)).body.items ?? [])];
    expect(item).toMatchObject({ channel, items: 1, from: new Date(LONG_AGO).toISOString() });
    const line = JSON.parse((await linesOf(String(item?.key))).text);
    expect(line).toMatchObject({ orderNo, sequence: 1, type: 'payment.succeeded', verdict: 'applied' });
    expect(line.data.order).toMatchObject({ orderNo, state: 'paid' });
    expect(line.deliveries).toMatchObject([{ origin: '', state: 'skipped', reason: 'no_origin' }]);
  });

  it('let rows go once more that a late fact brought back', async () => {
    const channel = await makeChannel({ shards: 1 });
    const orderNo = unique('LATE');
    const name = await told(channel, paid(orderNo), LONG_AGO);
    await settled(name);
    await nudge(channel);
    expect(await inLists('deliveries', channel)).toEqual([]);
    await told(channel, refunded(orderNo, 'R1'), NOW);
    await settled(name);
    const rows = async () =>
      (await env.DB.prepare('SELECT sequence FROM deliveries WHERE channel = ?').bind(channel).all()).results.length;
    expect(await rows()).toBe(2);
    await runInDurableObject(ledger(name), (_: OrderLedger, { storage }) => {
      storage.sql.exec('UPDATE walks SET started_at = started_at - ?', 2 * DAY_MS);
    });
    await nudge(channel, 3);
    expect(await rows()).toBe(1);
  });

  it('keep what the channel says', async () => {
    const channel = await makeChannel({ shards: 1, settings: { retention: { eventsDays: 30 } } });
    const orderNo = unique('MONTH');
    await settled(await told(channel, paid(orderNo), NOW - 31 * DAY_MS));
    await nudge(channel);
    expect(await inLists('events', channel)).toEqual([]);
    const shown = (await call('GET', `/v1/channels/${channel}`)).body.settings;
    expect(shown?.retention).toEqual({ evidenceDays: 180, eventsDays: 30, rejectionsDays: 32 });
    const patched = await call('PATCH', `/v1/channels/${channel}`, { settings: { retention: { evidenceDays: 0 } } });
    expect([patched.status, String(patched.body.detail)]).toEqual([422, expect.stringContaining('at least 1 day')]);
  });
});

describe('the callback log', () => {
  it('lets refusals go after their days, here and in D1', async () => {
    const channel = await makeChannel({ shards: 1, settings: { retention: { rejectionsDays: 7 } } });
    const { channel: known } = await recordOf(channel);
    const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(known.uid));
    const sample = (id: string, at: number) => ({
      ...{ id, at, verdict: 'rejected' as const, reason: 'signature_invalid' as const, detail: null },
      ...{ remoteAddress: null, orderNo: null, noticeType: null, digest: null, bytes: 1 },
    });
    const batch = (number: number, at: number) => ({
      ...{ v: 1 as const, log: callbackLogNameOf(known.uid), channelId: channel, isolate: 'one', number },
      counts: [
        {
          minute: minuteOf(at),
          verdict: 'rejected' as const,
          reason: 'signature_invalid' as const,
          count: 1,
        },
      ],
      samples: [sample(`s${number}`, at)],
    });
    await log.note(batch(1, NOW - 8 * DAY_MS));
    await log.note(batch(2, NOW));
    const shown = async () =>
      (await env.DB.prepare('SELECT id FROM callbacks WHERE channel = ?').bind(channel).all()).results.map(
        ({ id }) => id,
      );
    const run = () => runInDurableObject(log, (instance) => instance.alarm());
    await run();
    expect(await shown()).toHaveLength(2);
    await runInDurableObject(log, (_, { storage }) => storage.deleteAlarm());
    await log.poke(known.settings.retention);
    await run();
    expect(await shown()).toEqual(['s2']);
    const counts = await env.DB.prepare('SELECT COUNT(*) AS n FROM callback_counts WHERE channel = ?')
      .bind(channel)
      .first();
    expect(counts).toEqual({ n: 1 });
    const [item] = [...((await call('GET', `/v1/archives?channel=${channel}&kind=rejections`)).body.items ?? [])];
    const line = JSON.parse((await linesOf(String(item?.key))).text);
    expect(line).toMatchObject({ id: 's1', reason: 'signature_invalid', at: new Date(NOW - 8 * DAY_MS).toISOString() });
  });

  it('keeps old notices with their bytes in the archive, and keeps them here while it is away', async () => {
    const channel = await makeChannel({ shards: 1, settings: { retention: { evidenceDays: 7 } } });
    const { channel: known } = await recordOf(channel);
    const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(known.uid));
    const body = new TextEncoder().encode('a complaint');
    const at = NOW - 8 * DAY_MS;
    await log.keep({
      ...{ v: 1, channelId: channel, key: 'one' },
      arrival: {
        ...{ id: unique('n'), at, verdict: 'ignored', reason: null, detail: null, remoteAddress: null, orderNo: null },
        ...{ noticeType: 'COMPLAINT', digest: sha256(body), bytes: body.length },
      },
      evidence: { contentType: 'text/plain', headers: {}, body, remoteAddress: null, digest: sha256(body) },
    });
    await log.poke(known.settings.retention);
    const { ARCHIVE } = env as unknown as { ARCHIVE: R2Bucket }; // bound in tests
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const notices = () =>
      runInDurableObject(log, (_, { storage }) => storage.sql.exec('SELECT 1 FROM notices').toArray().length);
    const put = vi.spyOn(ARCHIVE, 'put').mockRejectedValue(new Error('the bucket is away'));
    await runInDurableObject(log, (instance) => instance.alarm());
    expect(await notices()).toBe(1);
    put.mockRestore();
    await runInDurableObject(log, (instance) => instance.alarm());
    expect(await notices()).toBe(0);
    vi.restoreAllMocks();
    const [item] = [...((await call('GET', `/v1/archives?channel=${channel}&kind=rejections`)).body.items ?? [])];
    const line = JSON.parse((await linesOf(String(item?.key))).text);
    expect([line.noticeType, atob(line.body)]).toEqual(['COMPLAINT', 'a complaint']);
  });
});
