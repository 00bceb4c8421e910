// What a provider is told while a part of the gateway is down, slow or flooded. Faults are put into the bindings; the
// gateway's own code runs as it is.
import {
  createExecutionContext,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ArrivalBatch, callbackLogNameOf } from '../../src/core/arrival.ts';
import { ledgerNameOf } from '../../src/core/channel.ts';
import { ARRIVAL_BUFFER_MAX, ARRIVAL_FLUSH_MS } from '../../src/core/limits.ts';
import type { RecordRequest } from '../../src/core/record.ts';
import { receive } from '../../src/receive.ts';
import { makeChannel, makeSigner, noticeOf, paid, registry, requestTo, signatureHeaders } from './receive-world.ts';

const FAILURE = '{"code":"FAIL","message":"失败"}';
type Record = (request: RecordRequest, really: () => Promise<unknown>) => Promise<unknown>;

/** The real bindings but for one, whose every stub answers as told. */
const withBinding = (name: 'LEDGER' | 'REGISTRY' | 'CALLBACK_LOG', stubOf: (name: string) => object): Env =>
  ({ ...env, [name]: { getByName: stubOf } }) as unknown as Env; // a stub of the platform's, not of ours

const withLedger = (record: Record): Env =>
  withBinding('LEDGER', (name) => ({
    record: (request: RecordRequest) => record(request, () => env.LEDGER.getByName(name).record(request)),
  }));

const platformError = (marks: object): Error => Object.assign(new Error('the object was reset'), marks);

const orderAt = (uid: string, orderNo: string) =>
  env.LEDGER.getByName(ledgerNameOf({ uid, shards: 2 }, orderNo)).readOrder(orderNo);

async function send(
  channelId: string,
  faulty: Env,
  callback: { body: string; headers: globalThis.Record<string, string> },
) {
  const ctx = createExecutionContext();
  open.add(ctx);
  const answer = await receive(requestTo(channelId, callback.body, callback.headers), faulty, ctx);
  return { answer, done: () => waitOnExecutionContext(ctx) };
}

/** Contexts whose flush may still be to come: it would carry the next test's arrivals. */
const open = new Set<ExecutionContext>();
async function drain() {
  await Promise.all([...open].map(waitOnExecutionContext));
  open.clear();
}

async function sendBody(channelId: string, body: ReadableStream<Uint8Array>) {
  const ctx = createExecutionContext();
  open.add(ctx);
  return { answer: await receive(requestTo(channelId, body, {}), env, ctx), done: () => waitOnExecutionContext(ctx) };
}

/** The one refusal of a channel, in the words that a person reads. */
async function expectSample(channelId: string, uid: string, words: RegExp) {
  expect(await countsOf(channelId, uid)).toEqual([{ verdict: 'rejected', reason: 'overloaded', count: 1 }]);
  const query = 'SELECT detail FROM callbacks WHERE channel = ?';
  expect((await env.DB.prepare(query).bind(channelId).first())?.detail).toMatch(words);
}

async function expectFailure(answer: Response) {
  expect([answer.status, await answer.text()]).toEqual([503, FAILURE]);
}

async function countsOf(channelId: string, uid: string) {
  await runDurableObjectAlarm(env.CALLBACK_LOG.getByName(callbackLogNameOf(uid)));
  const query = 'SELECT verdict, reason, sum(count) AS count FROM callback_counts WHERE channel = ? GROUP BY 1, 2';
  return (await env.DB.prepare(query).bind(channelId).all()).results;
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('a ledger', () => {
  it('that hangs costs no more than the deadline: then the provider is asked to call again (pitfall 7)', async () => {
    const { id, uid } = await makeChannel();
    const callback = await paid('H1');
    const asked = Promise.withResolvers<void>();
    const hanging = withLedger(() => {
      asked.resolve();
      return new Promise(() => {});
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const sending = send(id, hanging, callback);
    await asked.promise;
    let answered = false;
    void sending.then(() => {
      answered = true;
    });
    await vi.advanceTimersByTimeAsync(2_000);
    expect(answered).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    const { answer, done } = await sending;
    await expectFailure(answer);
    await vi.advanceTimersByTimeAsync(ARRIVAL_FLUSH_MS);
    await done();
    expect(await countsOf(id, uid)).toEqual([{ verdict: 'rejected', reason: 'overloaded', count: 1 }]);
    vi.useRealTimers();
    expect((await send(id, env, callback)).answer.status).toBe(204);
  });

  it('that says nothing of a fact has not taken it: the provider is asked to call again', async () => {
    const { id } = await makeChannel();
    vi.spyOn(console, 'error').mockImplementation(() => {});
    const { answer } = await send(
      id,
      withLedger(async () => []),
      await paid('M1'),
    );
    await expectFailure(answer);
    await drain();
  });

  it('that throws is not asked again, and the provider is', async () => {
    const { id, uid } = await makeChannel();
    const record = vi.fn<Record>(async () => {
      throw new Error('a bug');
    });
    const { answer } = await send(id, withLedger(record), await paid('T1'));
    await expectFailure(answer);
    expect(record).toHaveBeenCalledOnce();
    expect(await orderAt(uid, 'T1')).toBeNull();
  });

  it('that was moved under the call is asked once more, with the same event ids', async () => {
    const { id, uid } = await makeChannel();
    const ids: string[] = [];
    const record = vi.fn<Record>(async ({ facts }, really) => {
      ids.push(...facts.map(({ eventId }) => eventId));
      const reply = await really();
      if (ids.length === 1) throw platformError({ retryable: true });
      return reply;
    });
    const { answer } = await send(id, withLedger(record), await paid('T2'));
    expect(answer.status).toBe(204);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
    expect((await orderAt(uid, 'T2'))?.order.version).toBe(1);
  });

  it('that stays away is asked twice and no more', async () => {
    const { id } = await makeChannel();
    const record = vi.fn<Record>().mockRejectedValue(platformError({ retryable: true }));
    const { answer } = await send(id, withLedger(record), await paid('T3'));
    await expectFailure(answer);
    expect(record).toHaveBeenCalledTimes(2);
  });

  it('that is overloaded is left alone', async () => {
    await drain();
    const { id, uid } = await makeChannel();
    const record = vi.fn<Record>().mockRejectedValue(platformError({ retryable: true, overloaded: true }));
    const { answer, done } = await send(id, withLedger(record), await paid('T4'));
    await expectFailure(answer);
    expect(record).toHaveBeenCalledOnce();
    await done();
    expect(await countsOf(id, uid)).toEqual([{ verdict: 'rejected', reason: 'overloaded', count: 1 }]);
  });
});

describe('the registry', () => {
  const down = withBinding('REGISTRY', () => ({
    readChannel: () => Promise.reject(new Error('unreachable')),
    raiseAlarms: () => Promise.reject(new Error('unreachable')),
  }));

  it('may be away as long as this isolate has met the channel before', async () => {
    const { id, uid } = await makeChannel();
    const [first, second] = [await paid('G1'), await paid('G2', undefined, Date.now() + 3_600_000)];
    expect((await send(id, env, first)).answer.status).toBe(204);
    vi.setSystemTime(Date.now() + 3_600_000);
    expect((await send(id, down, second)).answer.status).toBe(204);
    expect(await orderAt(uid, 'G2')).not.toBeNull();
  });

  it('that is away before this isolate met the channel makes the provider call again', async () => {
    const { id } = await makeChannel();
    const { answer } = await send(id, down, await paid('G3'));
    expect([answer.status, await answer.text()]).toEqual([503, '']);
    expect((await send(id, env, await paid('G3'))).answer.status).toBe(204);
  });

  it('is asked for keys once for many unknown serials, and never for a probe (pitfall 5)', async () => {
    const { id } = await makeChannel();
    const refreshKeys = vi.fn(async () => 'refreshed');
    const counting = withBinding('REGISTRY', () => ({
      readChannel: (name: string) => registry().readChannel(name),
      refreshKeys,
    }));
    const stranger = await makeSigner('PUB_KEY_ID_NOBODY');
    const { body, headers } = await paid('G4', stranger);
    const probe = { ...headers, 'wechatpay-signature': `WECHATPAY/SIGNTEST/${headers['wechatpay-signature']}` };
    await send(id, counting, { body, headers: probe });
    expect(refreshKeys).not.toHaveBeenCalled();
    for (let n = 0; n < 20; n++) {
      await send(id, counting, { body, headers: { ...headers, 'wechatpay-serial': `PUB_KEY_ID_${n}` } });
    }
    expect(refreshKeys).toHaveBeenCalledOnce();
  });

  it('hears of a genuine notice for another merchant once a minute, not once a notice', async () => {
    const { id } = await makeChannel();
    const raiseAlarms = vi.fn(async () => {});
    const counting = withBinding('REGISTRY', () => ({
      readChannel: (name: string) => registry().readChannel(name),
      raiseAlarms,
    }));
    const body = await noticeOf({ mchid: '1900000999', out_trade_no: 'X', trade_state: 'SUCCESS' });
    for (let n = 0; n < 5; n++) await send(id, counting, { body, headers: await signatureHeaders(body) });
    expect(raiseAlarms).toHaveBeenCalledExactlyOnceWith([
      expect.objectContaining({ code: 'wrong_merchant', subject: `channel/${id}` }),
    ]);
  });
});

describe('the callback log', () => {
  it('that is away does not keep a genuine payment from being acknowledged', async () => {
    await drain();
    const { id, uid } = await makeChannel({ allowlist: { mode: 'monitor', ranges: [] } });
    const away = withBinding('CALLBACK_LOG', () => ({ note: () => Promise.reject(new Error('unreachable')) }));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { answer, done } = await send(id, away, await paid('C1'));
    expect(answer.status).toBe(204);
    await vi.advanceTimersByTimeAsync(20 * ARRIVAL_FLUSH_MS);
    await done();
    vi.useRealTimers();
    // What could not be told goes with the next arrival, and is counted once.
    const next = await send(id, env, await paid('C2'));
    await next.done();
    await vi.waitFor(async () =>
      expect(await countsOf(id, uid)).toEqual([{ verdict: 'accepted', reason: 'source_not_allowed', count: 2 }]),
    );
  });

  it('that is away keeps a notice without an order from being acknowledged', async () => {
    const { id } = await makeChannel();
    const away = withBinding('CALLBACK_LOG', () => ({
      note: () => Promise.resolve(),
      keep: () => Promise.reject(new Error('unreachable')),
    }));
    const body = await noticeOf({ anything: 1 }, 'COUPON.USE');
    const { answer } = await send(id, away, { body, headers: await signatureHeaders(body) });
    await expectFailure(answer);
  });

  it('is told of a flood of refusals in a few writes, with an exact count', async () => {
    await drain();
    const { id, uid } = await makeChannel();
    const batches: ArrivalBatch[] = [];
    const counting = withBinding('CALLBACK_LOG', (name) => ({
      note: (batch: ArrivalBatch) => {
        batches.push(batch);
        return env.CALLBACK_LOG.getByName(name).note(batch);
      },
    }));
    const ctx = createExecutionContext();
    const flood = 5_000;
    for (let n = 0; n < flood; n++) {
      const answer = await receive(requestTo(id, '{}', { 'cf-connecting-ip': '198.51.100.1' }), counting, ctx);
      if (n % 1_000 === 0) expect(answer.status).toBe(401);
    }
    await waitOnExecutionContext(ctx);
    const mine = batches.filter((batch) => batch.channelId === id);
    const samples = mine.reduce((total, batch) => total + batch.samples.length, 0);
    expect(await countsOf(id, uid)).toEqual([{ verdict: 'rejected', reason: 'header_missing', count: flood }]);
    expect(mine.length).toBeLessThan(flood / 100);
    expect(samples).toBeLessThanOrEqual(mine.length * ARRIVAL_BUFFER_MAX);
    const rows = await runInDurableObject(env.CALLBACK_LOG.getByName(callbackLogNameOf(uid)), (_, { storage }) =>
      Number(storage.sql.exec('SELECT count(*) AS n FROM chunks').one().n),
    );
    expect(rows).toBeLessThanOrEqual(2 * mine.length);
  });
});

describe('D1', () => {
  it('that is down is not missed, even where this isolate never met the channel', async () => {
    const { id, uid } = await makeChannel();
    const touched = vi.fn();
    const DB = new Proxy(
      {},
      { get: (_, name) => touched(name) ?? (() => Promise.reject(new Error('D1_ERROR: down'))) },
    );
    const { answer, done } = await send(id, { ...env, DB } as unknown as Env, await paid('DB1')); // D1 down
    expect(answer.status).toBe(204);
    await done();
    expect((await orderAt(uid, 'DB1'))?.order.paymentState).toBe('paid');
    expect(touched).not.toHaveBeenCalled();
  });
});

describe('a sender', () => {
  it('that never ends its body is not taken for an outage of the ledger', async () => {
    const { id, uid } = await makeChannel();
    const lines = vi.spyOn(console, 'error').mockImplementation(() => {});
    const begun = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      pull: (stream) => {
        if (stream.desiredSize === 1) stream.enqueue(new TextEncoder().encode('{'));
        begun.resolve();
        return new Promise(() => {});
      },
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const sending = sendBody(id, body);
    await begun.promise;
    await vi.advanceTimersByTimeAsync(4_000);
    const { answer, done } = await sending;
    await expectFailure(answer);
    await vi.advanceTimersByTimeAsync(ARRIVAL_FLUSH_MS);
    await done();
    expect(lines.mock.calls).toEqual([]);
    await expectSample(id, uid, /^The body broke off/);
  });

  it('that breaks off in the middle of its body is not taken for an outage of the ledger', async () => {
    const { id, uid } = await makeChannel();
    const lines = vi.spyOn(console, 'error').mockImplementation(() => {});
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => stream.enqueue(new TextEncoder().encode('{')),
      pull: (stream) => stream.error(new Error('Network connection lost.')),
    });
    const { answer, done } = await sendBody(id, body);
    await expectFailure(answer);
    await done();
    expect(lines.mock.calls).toEqual([]);
    await expectSample(id, uid, /^The body broke off/);
  });
});
