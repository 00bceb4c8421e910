// The callback log: exact counts, bounded samples, kept notices, and a projection that repeats without harm.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type Arrival,
  type ArrivalBatch,
  callbackLogNameOf,
  type KeptNotice,
  minuteOf,
} from '../../src/core/arrival.ts';
import {
  ARRIVAL_BUFFER_MAX,
  ARRIVAL_COUNTS_KEPT_MS,
  ARRIVAL_SAMPLES_MAX,
  ARRIVAL_SAMPLES_PER_MINUTE_MAX,
} from '../../src/core/limits.ts';
import {
  logProjectionStatements,
  noteBatch,
  readLogProjection,
  settleLogProjection,
} from '../../src/store/callback-log.ts';

const AT = Date.now();
let uid = 0;
let channelId = '';
let log: DurableObjectStub<import('../../src/index.ts').CallbackLog>;
beforeEach(async () => {
  await env.DB.batch([env.DB.prepare('DELETE FROM callbacks'), env.DB.prepare('DELETE FROM callback_counts')]);
  uid += 1;
  channelId = `shop-${uid}`;
  log = env.CALLBACK_LOG.getByName(callbackLogNameOf(`uid${uid}`));
});

const sampleOf = (id: string, more: Partial<Arrival> = {}): Arrival => ({
  id,
  at: AT,
  verdict: 'rejected',
  reason: 'signature_invalid',
  detail: 'The signature is wrong.',
  remoteAddress: '203.0.113.9',
  orderNo: null,
  noticeType: null,
  digest: 'ab'.repeat(32),
  bytes: 12,
  ...more,
});

function batchOf(number: number, samples: readonly Arrival[], more: Partial<ArrivalBatch> = {}): ArrivalBatch {
  const counts = [
    { minute: minuteOf(AT), verdict: 'rejected', reason: 'signature_invalid', count: samples.length },
  ] as const;
  return { v: 1, log: 'unused', channelId, isolate: 'isolate', number, counts, samples, ...more };
}

const noticeOf = (key: string): KeptNotice => ({
  v: 1,
  channelId,
  arrival: sampleOf(`cb_${key}`, { verdict: 'ignored', reason: null, noticeType: 'COUPON.USE' }),
  evidence: {
    contentType: 'application/json',
    headers: { 'x-signature': 'abc' },
    body: new TextEncoder().encode(`{"id":"${key}"}`),
    remoteAddress: '203.0.113.9',
    digest: 'ab'.repeat(32),
  },
  key,
});

const shown = async () =>
  (await env.DB.prepare('SELECT * FROM callbacks WHERE channel = ? ORDER BY at, id').bind(channelId).all()).results;
const shownCounts = async () =>
  (
    await env.DB.prepare('SELECT minute, verdict, reason, count FROM callback_counts WHERE channel = ?')
      .bind(channelId)
      .all()
  ).results;

describe('the callback log', () => {
  it('shows samples and counts in D1 after its alarm', async () => {
    await log.note(batchOf(1, [sampleOf('cb_1'), sampleOf('cb_2')]));
    expect(await runDurableObjectAlarm(log)).toBe(true);
    expect(await shown()).toMatchObject([
      {
        id: 'cb_1',
        at: AT,
        verdict: 'rejected',
        reason: 'signature_invalid',
        remote_address: '203.0.113.9',
        bytes: 12,
      },
      { id: 'cb_2', detail: 'The signature is wrong.', order_no: null, digest: 'ab'.repeat(32) },
    ]);
    expect(await shownCounts()).toEqual([
      { minute: minuteOf(AT), verdict: 'rejected', reason: 'signature_invalid', count: 2 },
    ]);
  });

  it('counts a batch once however often it is sent, also after a restart', async () => {
    const batch = batchOf(1, [sampleOf('cb_1')]);
    await log.note(batch);
    await log.note(batch);
    await evictDurableObject(log);
    await log.note(batch);
    await runDurableObjectAlarm(log);
    expect(await shownCounts()).toMatchObject([{ count: 1 }]);
    expect(await shown()).toHaveLength(1);
  });

  it('adds up what several isolates counted in the same minute', async () => {
    await log.note(batchOf(1, [sampleOf('cb_1')]));
    await log.note(batchOf(1, [sampleOf('cb_2')], { isolate: 'another' }));
    await log.note(batchOf(2, [sampleOf('cb_3')]));
    await runDurableObjectAlarm(log);
    expect(await shownCounts()).toMatchObject([{ count: 3 }]);
  });

  it('keeps the last samples whole and the first of each reason and minute, also in D1', async () => {
    await log.note(
      batchOf(1, [sampleOf('cb_first', { reason: 'malformed' })], {
        counts: [{ minute: minuteOf(AT), verdict: 'rejected', reason: 'malformed', count: 1 }],
      }),
    );
    const flushes = 8;
    for (let n = 0; n < flushes; n++) {
      const samples = Array.from({ length: ARRIVAL_BUFFER_MAX }, (_, i) => sampleOf(`cb_${n}_${i}`, { at: AT + n }));
      await runInDurableObject(log, async (_, { storage }) => {
        noteBatch(storage.sql, batchOf(2 + n, samples), AT); // as over some minutes
        await storage.setAlarm(Date.now() + 60_000);
      });
      if (n % 2 === 0) await runDurableObjectAlarm(log);
    }
    await runDurableObjectAlarm(log);
    const ids = (await shown()).map((row) => row.id);
    expect(ids.length).toBeGreaterThanOrEqual(ARRIVAL_SAMPLES_MAX);
    expect(ids.length).toBeLessThanOrEqual(ARRIVAL_SAMPLES_MAX + ARRIVAL_BUFFER_MAX);
    expect(ids).toContain('cb_first');
    expect(ids).toContain('cb_0_0'); // the first of its reason
    expect(ids).not.toContain('cb_0_1');
    expect(ids).toContain(`cb_${flushes - 1}_${ARRIVAL_BUFFER_MAX - 1}`);
    expect(await shownCounts()).toContainEqual(expect.objectContaining({ count: flushes * ARRIVAL_BUFFER_MAX }));
  });

  it('writes a few rows a flush, not one a sample', async () => {
    const samples = Array.from({ length: ARRIVAL_BUFFER_MAX }, (_, i) => sampleOf(`cb_${i}`));
    await log.note(batchOf(1, samples));
    const written = await runInDurableObject(log, (_, { storage }) => {
      let rows = 0;
      const exec = storage.sql.exec.bind(storage.sql);
      const counting = vi.spyOn(storage.sql, 'exec').mockImplementation((query: string, ...values: unknown[]) => {
        const cursor = exec(query, ...values);
        const { rowsWritten } = cursor;
        rows += rowsWritten;
        return cursor;
      });
      noteBatch(storage.sql, batchOf(2, samples), AT);
      counting.mockRestore();
      return rows;
    });
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThanOrEqual(6);
  });

  it('writes so many rows to D1 a minute in a flood of refusals, and counts every one of them', async () => {
    const reasons = ['signature_invalid', 'malformed', 'timestamp_stale'] as const;
    let refused = 0;
    for (let n = 0; n < 60; n++) {
      const samples = Array.from({ length: ARRIVAL_BUFFER_MAX }, (_, i) =>
        sampleOf(`cb_${n}_${i}`, { reason: reasons[i % 3] ?? 'malformed', orderNo: `N-${i}` }),
      );
      const counts = reasons.map((reason) => ({
        ...{ minute: minuteOf(AT), verdict: 'rejected' as const, reason, count: 1_000 },
      }));
      refused += 3_000;
      await log.note(batchOf(1 + n, samples, { counts }));
    }
    const written = await runInDurableObject(log, async (_, { storage }) => {
      let rows = 0;
      for (;;) {
        const step = readLogProjection(storage.sql, Date.now());
        if (step === null) return rows;
        const results = await env.DB.batch(logProjectionStatements(env.DB, step));
        for (const { meta } of results) rows += meta.rows_written;
        settleLogProjection(storage.sql, step, Date.now());
      }
    });
    // Each sample is a row and one in either index. The clock may have begun another minute meanwhile.
    expect(written).toBeGreaterThan(ARRIVAL_SAMPLES_PER_MINUTE_MAX);
    expect(written).toBeLessThanOrEqual(2 * (3 * (ARRIVAL_SAMPLES_PER_MINUTE_MAX + 3) + 10));
    expect((await shownCounts()).reduce((sum, row) => sum + Number(row.count), 0)).toBe(refused);
    const told = await env.DB.prepare('SELECT doc FROM arrivals WHERE channel = ? ORDER BY hours')
      .bind(channelId)
      .all();
    expect(told.results.map(({ doc }) => JSON.parse(String(doc))['callbacks.rejected'])).toEqual([refused, refused]);
  });

  it('projects again without a trace when it did not learn that D1 had written', async () => {
    await log.note(batchOf(1, [sampleOf('cb_1')]));
    await runDurableObjectAlarm(log);
    const before = [await shown(), await shownCounts()];
    await log.rebuild();
    await runDurableObjectAlarm(log);
    expect([await shown(), await shownCounts()]).toEqual(before);
  });

  it('shows everything again after D1 was lost', async () => {
    await log.note(batchOf(1, [sampleOf('cb_1')]));
    await log.keep(noticeOf('n1'));
    await runDurableObjectAlarm(log);
    await env.DB.batch([env.DB.prepare('DELETE FROM callbacks'), env.DB.prepare('DELETE FROM callback_counts')]);
    await log.rebuild();
    await runDurableObjectAlarm(log);
    expect(await shown()).toHaveLength(2);
    expect(await shownCounts()).toHaveLength(2);
  });

  it('survives an alarm while D1 refuses and projects at the next one', async () => {
    await log.note(batchOf(1, [sampleOf('cb_1')]));
    await env.DB.prepare('ALTER TABLE callbacks RENAME TO hidden').run();
    await runDurableObjectAlarm(log); // throws nothing
    await env.DB.prepare('ALTER TABLE hidden RENAME TO callbacks').run();
    expect(await runInDurableObject(log, (_, { storage }) => storage.getAlarm())).not.toBeNull();
    await runDurableObjectAlarm(log);
    expect(await shown()).toHaveLength(1);
  });

  it('arms no alarm once D1 shows everything, and waits a minute between two projections', async () => {
    const alarmAt = () => runInDurableObject(log, (_, { storage }) => storage.getAlarm());
    await log.note(batchOf(1, [sampleOf('cb_1')]));
    expect(await alarmAt()).toBeLessThan(Date.now() + 5_000);
    await runDurableObjectAlarm(log);
    expect(await alarmAt()).toBeNull();
    await log.note(batchOf(2, [sampleOf('cb_2')]));
    expect(await alarmAt()).toBeGreaterThan(Date.now() + 50_000);
  });

  it('forgets counts after their time, here and in D1', async () => {
    const minute = minuteOf(AT - ARRIVAL_COUNTS_KEPT_MS - 120_000);
    await log.note(batchOf(1, [], { counts: [{ minute, verdict: 'rejected', reason: 'malformed', count: 9 }] }));
    await runDurableObjectAlarm(log);
    await log.note(batchOf(2, [sampleOf('cb_1')]));
    await runDurableObjectAlarm(log);
    expect(await shownCounts()).toMatchObject([{ reason: 'signature_invalid' }]);
    const left = await runInDurableObject(log, (_, { storage }) =>
      storage.sql.exec('SELECT count(*) AS n FROM counts').one(),
    );
    expect(left).toEqual({ n: 1 });
  });

  it('keeps a notice whole, once, and shows it in D1', async () => {
    expect(await log.keep(noticeOf('n1'))).toBe('kept');
    expect(await log.keep(noticeOf('n1'))).toBe('known');
    await runDurableObjectAlarm(log);
    expect(await shown()).toMatchObject([{ id: 'cb_n1', verdict: 'ignored', notice_type: 'COUPON.USE' }]);
    expect(await shownCounts()).toEqual([{ minute: minuteOf(AT), verdict: 'ignored', reason: '', count: 2 }]);
    const kept = await runInDurableObject(log, (_, { storage }) => {
      const row = storage.sql.exec<{ body: ArrayBuffer; headers: string }>('SELECT body, headers FROM notices').one();
      return { body: new TextDecoder().decode(row.body), headers: JSON.parse(row.headers) };
    });
    expect(kept).toEqual({ body: '{"id":"n1"}', headers: { 'x-signature': 'abc' } });
  });

  it('lets no flood of refusals push a kept notice out', async () => {
    await log.keep(noticeOf('n1'));
    for (let n = 0; n < 8; n++) {
      const samples = Array.from({ length: ARRIVAL_BUFFER_MAX }, (_, i) => sampleOf(`cb_${n}_${i}`));
      await log.note(batchOf(1 + n, samples));
    }
    await runDurableObjectAlarm(log);
    expect((await shown()).map((row) => row.id)).toContain('cb_n1');
  });

  it('makes no storage when asked to show what it never had', async () => {
    await log.rebuild();
    expect(await runInDurableObject(log, (_, { storage }) => storage.sql.databaseSize)).toBeLessThanOrEqual(4096);
    expect(await runDurableObjectAlarm(log)).toBe(false);
  });
});
