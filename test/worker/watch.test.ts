// What the minute's look finds (breakers, backlogs, refusals), what ends, and one trace from a callback to the origin:
// in the log, in the order's history and in the origin's own headers. No secret is in any line of it.
import { createExecutionContext, runInDurableObject, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliveryMessage } from '../../src/core/record.ts';
import { deliver } from '../../src/deliver.ts';
import { Flights } from '../../src/objects/flights.ts';
import { Sender } from '../../src/objects/sender.ts';
import { receive } from '../../src/receive.ts';
import { poke } from '../../src/reconcile/poke.ts';
import { watchRefusals } from '../../src/reconcile/watch.ts';
import { call, makeKey } from './api-world.ts';
import {
  alarmsOf,
  eventually,
  makeOrigin,
  makeShop,
  makeShopOf,
  nextMessage,
  ok,
  record,
  refuse,
  settled,
  takeMessages,
} from './delivery-world.ts';
import { paid, unique } from './ledger-kit.ts';
import { readOpenMetrics } from './open-metrics.ts';
import { API_V3_KEY, noticeOf, requestTo, signatureHeaders, transactionOf } from './receive-world.ts';

beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const MINUTE_MS = 60_000;
const NO_BACKLOG = { backlogCount: 0, backlogBytes: 0 };
const stateOf = async (subject: string, code: string) =>
  (await alarmsOf(subject)).find((alarm) => alarm.code === code)?.state;

describe('a breaker', () => {
  it('that opens is an alarm, which ends when it closes', async () => {
    const id = unique('o');
    const gate = env.ORIGIN_GATE.getByName(`v1:${id}`);
    const ask = { shard: 'a', wanted: 0, holding: 0, allowance: { perSecond: 10, concurrent: 10 } };
    const outcomes = { successes: 0, failures: 0, waitUntil: 0, probe: null, slow: false };
    await gate.take({ ...ask, outcomes: { ...outcomes, failures: 50 } });
    await vi.waitFor(async () => expect(await stateOf(`origin/${id}`, 'breaker_open')).toBe('open'));
    const rules = {
      version: 1,
      breaker: { failureShare: 0.5, windowSeconds: 60, attemptsMin: 20, probeAfterSeconds: 1 },
    };
    const changed = { ...rules, pauseAfterSeconds: null, quietSecondsMax: 60 };
    await gate.take({ ...ask, rules: changed }); // whoever changed the origin wants it tried afresh
    await vi.waitFor(async () => expect(await stateOf(`origin/${id}`, 'breaker_open')).toBe('resolved'));
  });
});

describe('a backlog', () => {
  it('is an alarm when its oldest is too old, is in /metrics, and is over when it was delivered', async () => {
    let isWell = false;
    const origin = await makeOrigin((post, nth) => (isWell ? ok() : refuse(500)(post, nth)), {
      ladderSeconds: [0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
    });
    const shop = await makeShop(origin);
    const subject = `channel/${shop.channelId}`;
    await record(shop, paid('B1'), paid('B2'));
    await eventually(shop, () => origin.posts.length >= 2);
    await settled(shop, 'B1', 'waiting');
    await poke(env, Date.now());
    expect(await stateOf(subject, 'backlog_age')).toBeUndefined();
    await poke(env, Date.now() + 20 * MINUTE_MS);
    const [alarm] = await alarmsOf(subject);
    expect(alarm?.detail).toMatch(
      new RegExp(`^2 deliveries wait, the oldest for \\d+ minutes: for origin ${origin.id}`),
    );
    const { text } = await call('GET', '/metrics', undefined, { key: await makeKey('metrics') });
    const families = readOpenMetrics(text);
    const mine = ({ labels }: { labels: Readonly<Record<string, string>> }) => labels.channel === shop.channelId;
    expect(families.get('tollgate_backlog_deliveries')?.samples.find(mine)?.value).toBe(2);
    const open = families.get('tollgate_alarms_open')?.samples.find(({ labels }) => labels.code === 'backlog_age');
    expect(open?.value).toBeGreaterThan(0);
    const states = families.get('tollgate_breaker')?.samples.filter(({ labels }) => labels.origin === origin.id);
    expect(states?.map(({ value }) => value).sort()).toEqual([0, 0, 1]);
    isWell = true;
    for (const orderNo of ['B1', 'B2']) await settled(shop, orderNo);
    await poke(env, Date.now() + 21 * MINUTE_MS);
    expect(await stateOf(subject, 'backlog_age')).toBe('resolved');
  });

  it('of a channel that somebody paused is none', async () => {
    const origin = await makeOrigin(refuse(500), { ladderSeconds: [0, 3_600] });
    const shop = await makeShop(origin);
    await record(shop, paid('P1'));
    await settled(shop, 'P1', 'waiting');
    await call('POST', `/v1/channels/${shop.channelId}/pause`);
    await poke(env, Date.now() + 20 * MINUTE_MS);
    expect(await stateOf(`channel/${shop.channelId}`, 'backlog_age')).toBeUndefined();
  });
});

it('refusals far beyond the usual are an alarm, which ends with them', async () => {
  const [noisy, calm] = [unique('noisy'), unique('calm')];
  const now = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
  const put = (channel: string, minutesAgo: number, count: number, reason = 'signature_invalid') =>
    env.DB.prepare('INSERT INTO callback_counts VALUES (?, ?, ?, ?, ?)').bind(
      channel,
      now - minutesAgo * MINUTE_MS,
      'rejected',
      reason,
      count,
    );
  const minutes = Array.from({ length: 10 }, (_, n) => n + 3);
  await env.DB.batch([
    ...minutes.map((ago) => put(noisy, ago, 30)),
    ...minutes.map((ago) => put(calm, ago, 5)),
    ...minutes.map((ago) => put(calm, ago, 500, 'signature_probe')),
  ]);
  await watchRefusals(env, [noisy, calm], now);
  const [alarm] = await alarmsOf(`channel/${noisy}`);
  expect(alarm).toMatchObject({
    code: 'rejection_spike',
    state: 'open',
    detail: expect.stringContaining('30.0 callbacks'),
  });
  expect(await alarmsOf(`channel/${calm}`)).toEqual([]);
  await watchRefusals(env, [noisy, calm], now + 30 * MINUTE_MS);
  expect(await stateOf(`channel/${noisy}`, 'rejection_spike')).toBe('resolved');
});

describe('a trace', () => {
  const loud: Env = { ...env, TOLLGATE_LOG: 'hops' };

  it('is one from the callback to the origin, in each line of the log and in the order’s history', async () => {
    const lines: string[] = [];
    for (const level of ['log', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((...said) => void lines.push(said.map(String).join(' ')));
    }
    const origin = await makeOrigin();
    const shop = await makeShopOf({ allowlist: { mode: 'off', ranges: [] } }, origin);
    const taken = takeMessages();
    const orderNo = unique('T');
    const body = await noticeOf(transactionOf(orderNo));
    const headers = await signatureHeaders(body);
    const send = async (sent: string) => {
      const ctx = createExecutionContext();
      const given = requestTo(shop.channelId, sent, { ...headers, 'cf-ray': 'ray-1' });
      expect(given.headers.get('cf-ray')).toBe('ray-1');
      const answer = await receive(given, loud, ctx);
      await waitOnExecutionContext(ctx);
      return answer.status;
    };
    expect(await send(body)).toBe(204);
    expect(await send(`${body} `)).toBe(401);
    const message = await nextMessage(shop, taken);
    const acks: string[] = [];
    const one = { body: message, ack: () => acks.push('ack'), retry: () => acks.push('retry') };
    await deliver({ queue: 'deliver', messages: [one] } as unknown as MessageBatch<DeliveryMessage>, loud);
    expect(acks).toEqual(['ack']);

    const hops = lines.flatMap((line) => (line.startsWith('{"hop":') ? [JSON.parse(line)] : []));
    const [received] = hops.filter(({ hop, outcome }) => hop === 'receive' && outcome === 'accepted');
    const trace = received.trace;
    expect(trace).toMatch(/^[0-9a-f]{32}$/);
    expect(received).toMatchObject({ channel: shop.channelId, orderNo, ray: 'ray-1', ms: expect.any(Number) });
    const mine = hops.filter((line) => line.trace === trace).map(({ hop, outcome }) => [hop, outcome]);
    expect(mine).toEqual([
      ['record', 'applied'],
      ['receive', 'accepted'],
      ['deliver', 'delivered'],
      ['settle', 'settled'],
    ]);
    const delivered = hops.find(({ hop }) => hop === 'deliver');
    expect(delivered).toMatchObject({ channel: shop.channelId, orderNo, origin: origin.id, attempt: 1, status: 200 });
    const KEYS = ['hop', 'trace', 'channel', 'orderNo', 'eventId', 'outcome', 'ms'];
    for (const line of hops.filter(({ error }) => error === undefined))
      expect(Object.keys(line).slice(0, 7)).toEqual(KEYS);
    expect(hops.find(({ hop, outcome }) => hop === 'receive' && outcome === 'rejected')?.reason).toBe(
      'signature_invalid',
    );

    const [post] = origin.posts;
    expect(post?.headers.get('traceparent')).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
    const { body: detail } = await call('GET', `/v1/orders/${shop.channelId}/${orderNo}`);
    expect(detail.timeline?.find(({ kind }) => String(kind) === 'fact')?.trace).toBe(trace);
    expect(detail.deliveries?.map((delivery) => String(delivery.trace))).toEqual([trace]);

    const secrets = [
      ...[API_V3_KEY, env.TOLLGATE_MASTER_KEY, env.TOLLGATE_ADMIN_KEY, ...origin.secrets],
      ...[headers['wechatpay-signature'], JSON.parse(body).resource.ciphertext, body],
      ...[post?.body ?? '', post?.headers.get('webhook-signature') ?? ''],
    ];
    const all = lines.join('\n');
    for (const secret of secrets) expect(all).not.toContain(secret);
  });

  it('is found in the line of each batch that its event was dispatched with', async () => {
    const lines: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
    const queue = { ...env.DELIVER, sendBatch: async () => ({ metadata: { metrics: NO_BACKLOG } }) };
    const flights = new Flights();
    const storage = await runInDurableObject(env.LEDGER.getByName(unique('v1:sender')), (_, state) => state.storage);
    const shard = { env: { ...loud, DELIVER: queue }, storage, name: 'v1:x:1:0', epoch: 'e', leaseMs: 60_000 };
    const sender = new Sender(shard, flights);
    const fly = (seq: number, trace: string | null) => {
      const eventId = `evt_0000000000000000000000000${seq}`;
      const flight = { seq, orderNo: `A${seq}`, originId: 'o', eventId, trace, attempt: 1, hasRow: false };
      flights.add({ ...flight, until: Date.now() + 60_000, ready: true, permit: true });
    };
    fly(1, 'a'.repeat(32));
    await sender.send();
    fly(2, 'b'.repeat(32));
    fly(3, null);
    await sender.send();
    const [one, two] = lines.map((line) => JSON.parse(line));
    expect([one.hop, one.trace, one.traces]).toEqual(['dispatch', 'a'.repeat(32), undefined]);
    expect([two.trace, two.traces]).toEqual([null, ['b'.repeat(32), expect.stringMatching(/^[0-9a-f]{32}$/)]]);
  });

  it('of an event that was committed without one is told from its id, the same at each attempt', async () => {
    const origin = await makeOrigin((post, nth) => (nth === 1 ? refuse(500)(post, nth) : ok()));
    const shop = await makeShop(origin);
    await record(shop, paid('old'));
    await settled(shop, 'old');
    const traces = origin.posts.map(({ headers }) => headers.get('traceparent')?.split('-') ?? []);
    expect(new Set(traces.map(([, trace]) => trace)).size).toBe(1);
    expect(new Set(traces.map(([, , span]) => span)).size).toBe(2);
  });
});
