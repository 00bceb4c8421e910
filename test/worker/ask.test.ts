// Notices that prove nothing, with a real provider whose API is played behind fetch: only what was fetched counts, and
// strangers cannot make the gateway ask without end.
import { runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callbackLogNameOf } from '../../src/core/arrival.ts';
import { ASKS_PER_SECOND_MAX, HINTS_PER_NOTICE_MAX } from '../../src/core/limits.ts';
import { providerOf } from '../../src/providers/index.ts';
import { askAll } from '../../src/receive/ask.ts';
import { call, makeChannel, type ProviderCall, unique } from './api-world.ts';

const API_KEY = `live_${'x'.repeat(30)}`; // made up for tests; valid nowhere

const payment = (id: string, orderNo: string, changes: object = {}) => ({
  resource: 'payment',
  id,
  mode: 'live',
  status: 'paid',
  amount: { value: '12.50', currency: 'EUR' },
  method: 'ideal',
  metadata: { order_id: orderNo },
  createdAt: '2026-01-01T10:00:00+00:00',
  paidAt: '2026-01-01T10:02:00+00:00',
  _embedded: { refunds: [], chargebacks: [] },
  ...changes,
});

const refund = (id: string, value: string, status = 'refunded') => ({
  id,
  status,
  amount: { value, currency: 'EUR' },
  createdAt: '2026-01-02T10:00:00+00:00',
});

/** The API behind fetch: what it knows by id, and what it was asked. */
function playApi(known: Readonly<Record<string, object>>, status = 200): ProviderCall[] {
  const calls: ProviderCall[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    calls.push({ url, init });
    const id = new URL(url).pathname.split('/').at(-1) ?? '';
    if (status !== 200) return new Response('{}', { status });
    return Object.hasOwn(known, id) ? Response.json(known[id]) : new Response('{"status":404}', { status: 404 });
  });
  return calls;
}

const channelOf = (more: object = {}) => makeChannel({ provider: 'mollie', credentials: { apiKey: API_KEY }, ...more });

async function notify(channel: string, body: string): Promise<{ status: number; text: string }> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const url = `http://127.0.0.1:8787/callbacks/${channel}`;
  const response = await exports.default.fetch(new Request(url, { method: 'POST', body, headers }));
  return { status: response.status, text: await response.text() };
}

const orderOf = (channel: string, orderNo: string) => call('GET', `/v1/orders/${channel}/${orderNo}`);

/** How many notices without an order the channel keeps whole. */
async function keptOf(channel: string): Promise<number> {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(record?.channel.uid ?? ''));
  return runInDurableObject(log, (_, { storage: { sql } }) => {
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'notices'").toArray().length === 0) return 0;
    return Number(sql.exec('SELECT count(*) AS count FROM notices').one().count);
  });
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a notice that only names a payment', () => {
  it('makes the gateway ask, and the answer reaches the order with all that became of it', async () => {
    const channel = await channelOf();
    const calls = playApi({ tr_one: payment('tr_one', 'E1') });
    expect(await notify(channel, 'id=tr_one')).toEqual({ status: 200, text: '' });
    expect(calls.map(({ url }) => url)).toEqual([
      'https://api.mollie.com/v2/payments/tr_one?embed=refunds,chargebacks',
    ]);
    expect(new Headers(calls[0]?.init.headers).get('authorization')).toBe(`Bearer ${API_KEY}`);
    expect((await orderOf(channel, 'E1')).body).toMatchObject({
      order: { state: 'paid', paid: { minor: 1250, currency: 'EUR' } },
    });
    const refunds = [refund('re_1', '2.00'), refund('re_2', '3.00')];
    playApi({ tr_one: payment('tr_one', 'E1', { _embedded: { refunds, chargebacks: [] } }) });
    expect((await notify(channel, 'id=tr_one')).status).toBe(200);
    expect((await orderOf(channel, 'E1')).body).toMatchObject({
      order: { state: 'partially_refunded', refunded: { minor: 500, currency: 'EUR' } },
    });
    const before = (await orderOf(channel, 'E1')).body;
    expect((await notify(channel, 'id=tr_one')).status).toBe(200);
    expect((await orderOf(channel, 'E1')).body.order).toEqual(before.order);
  });

  it('is believed in nothing that it says itself', async () => {
    const channel = await channelOf();
    playApi({ tr_liar: payment('tr_liar', 'E2', { status: 'open', paidAt: null }) });
    expect((await notify(channel, 'id=tr_liar&status=paid&amount=12.50')).status).toBe(200);
    expect((await orderOf(channel, 'E2')).body).toMatchObject({ order: { state: 'pending' } });
  });

  it('about nothing that is known has the same answer, makes no order, and is counted without being kept', async () => {
    const channel = await channelOf();
    playApi({ tr_known: payment('tr_known', 'E3') });
    const known = await notify(channel, 'id=tr_known');
    expect(await notify(channel, 'id=tr_nobody')).toEqual(known);
    expect((await orderOf(channel, 'tr_nobody')).status).toBe(404);
    expect(await keptOf(channel)).toBe(0);
    // A payment that is known, in a state that nobody documents, is no stranger's word.
    playApi({ tr_odd: payment('tr_odd', 'E3', { status: 'dancing' }) });
    expect(await notify(channel, 'id=tr_odd')).toEqual(known);
    expect(await keptOf(channel)).toBe(1);
  });

  it('comes again while the API is away, or refuses the key', async () => {
    const channel = await channelOf();
    for (const status of [500, 429, 401]) {
      playApi({}, status);
      expect((await notify(channel, 'id=tr_later')).status).toBe(503);
    }
    playApi({ tr_later: payment('tr_later', 'E4') });
    expect((await notify(channel, 'id=tr_later')).status).toBe(200);
    expect((await orderOf(channel, 'E4')).body).toMatchObject({ order: { state: 'paid' } });
  });

  it('about a payment of the other environment changes nothing', async () => {
    const channel = await channelOf();
    playApi({ tr_test: payment('tr_test', 'E5', { mode: 'test' }) });
    expect((await notify(channel, 'id=tr_test')).status).toBe(503);
    expect((await orderOf(channel, 'E5')).status).toBe(404);
  });

  it('that names no payment asks nothing', async () => {
    const channel = await channelOf();
    const calls = playApi({});
    for (const body of ['id=tr_a/../../x', 'id=ord_1', '', `id=tr_${'a'.repeat(100)}`]) await notify(channel, body);
    expect(calls).toEqual([]);
  });
});

describe('strangers', () => {
  it('cannot make the gateway ask more often than its budget, and do not spend another channel’s', async () => {
    const [flooded, quiet] = [await channelOf(), await channelOf()];
    playApi({});
    // Both copies are read before time stops.
    await Promise.all([notify(flooded, 'id=ord_1'), notify(quiet, 'id=ord_1')]);
    vi.useFakeTimers({ toFake: ['Date'] });
    const calls = playApi({ tr_real: payment('tr_real', 'E6') });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => notify(flooded, `id=tr_flood${i}`)));
    expect(calls).toHaveLength(ASKS_PER_SECOND_MAX);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(ASKS_PER_SECOND_MAX);
    expect(answers.filter(({ status }) => status === 503)).toHaveLength(40 - ASKS_PER_SECOND_MAX);
    expect((await notify(quiet, 'id=tr_real')).status).toBe(200);
    expect((await notify(flooded, 'id=tr_real')).status).toBe(503);
    vi.setSystemTime(Date.now() + 1_000);
    expect((await notify(flooded, 'id=tr_real')).status).toBe(200);
    expect((await orderOf(flooded, 'E6')).body).toMatchObject({ order: { state: 'paid' } });
  });

  it('cannot name more things in one notice than a real one does', async () => {
    const channel = await channelOf({ id: unique('hints') });
    const record = await env.REGISTRY.getByName('registry').readChannel(channel);
    const provider = providerOf('mollie');
    if (!record || !provider) throw new Error('the channel was just made');
    const calls = playApi({});
    const targets = Array.from({ length: HINTS_PER_NOTICE_MAX + 1 }, (_, i) => ({ transactionId: `tr_${i}` }));
    const credentials = { apiKey: API_KEY, orderNoPath: 'metadata.order_id' };
    const refused = await askAll(env, provider, record, credentials, targets);
    expect(refused).toMatchObject({ ok: false, error: { reason: 'malformed' } });
    expect(calls).toEqual([]);
    const asked = await askAll(env, provider, record, credentials, targets.slice(1));
    expect(asked.ok && asked.value.length).toBe(HINTS_PER_NOTICE_MAX);
  });
});
