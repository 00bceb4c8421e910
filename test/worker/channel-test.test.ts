// Test callbacks of the gateway's own: they go the whole way, reach only who asks for them, count nowhere, and their
// bytes are worth nothing where real callbacks go.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, vi } from 'vitest';
import { newPair } from '../../src/api/key-pair.ts';
import { callbackLogNameOf } from '../../src/core/arrival.ts';
import { rehearsalDispatch, rehearsalLedgerOf } from '../../src/core/rehearsal.ts';
import { envelopeOf, genuinePost } from '../../src/sandbox/notice.ts';
import unionpayFixture from '../fixtures/unionpay/signed.json';
import { call, identity, type Json, makeChannel, makeKey, playProvider } from './api-world.ts';
import {
  alarmsOf,
  dispatchOf,
  makeOrigin,
  makeShop,
  makeShopOf,
  originIs,
  pauseOrigin,
  record,
  refuse,
  type ScriptedOrigin,
  type Shop,
} from './delivery-world.ts';
import { ledger, paid, unique } from './ledger-kit.ts';
import { platform, post, registry, setStatus } from './receive-world.ts';

const ACCEPTS = { settings: { acceptsTest: true } };
const edKey = await newPair('ed25519');
const RAZORPAY = { provider: 'razorpay', secrets: { webhookSecrets: ['a-webhook-secret-of-razorpay'] } };

const send = (shop: Shop, headers: Record<string, string> = {}) =>
  call('POST', `/v1/channels/${shop.channelId}/test`, undefined, { headers });
const read = async (shop: Shop, orderNo: string) =>
  (await call('GET', `/v1/channels/${shop.channelId}/test/${orderNo}`)).body;
const ledgerOf = (shop: Shop, orderNo: string) =>
  env.LEDGER.getByName(rehearsalLedgerOf(shop.uid, orderNo.slice(5, 11)));

/** Waits until the first delivery of the test stands so. */
async function stands(shop: Shop, orderNo: string, state: string, index = 0): Promise<Json> {
  const at = async () => listOf((await read(shop, orderNo)).deliveries)[index];
  return vi.waitUntil(
    async () => {
      await runDurableObjectAlarm(ledgerOf(shop, orderNo));
      const delivery = await at();
      return String(delivery?.deliveryState) === state ? delivery : null;
    },
    { timeout: 10_000, interval: 30 },
  );
}

const listOf = (list: Json | undefined): readonly Json[] => (list === undefined ? [] : [...list]);

/** The very bytes and headers of the test, sent where real callbacks go. */
async function resend(shop: Shop, orderNo: string): Promise<Response> {
  const kept = await ledgerOf(shop, orderNo).readCallback(1);
  if (!kept) throw new Error('no callback was kept');
  const { contentType, headers, body } = kept;
  return post(shop.channelId, body as BufferSource, { ...headers, 'content-type': contentType ?? '' }); // plain bytes
}

const verified = (origin: ScriptedOrigin, { body, headers }: Json) => {
  const given = Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]);
  return new Webhook(origin.secrets[0] ?? '').verify(String(body), Object.fromEntries(given));
};

const countsOf = (sql: SqlStorage) =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'counts'").toArray().length === 0
    ? []
    : sql.exec('SELECT verdict, reason FROM counts').toArray();

const countsIn = async (shop: Shop) => {
  const tables = ['orders', 'events', 'deliveries'];
  const counts = tables.map((table) =>
    env.DB.prepare(`SELECT COUNT(*) AS n FROM ${table} WHERE channel = ?`).bind(shop.channelId).first('n'),
  );
  return Promise.all(counts);
};

describe('a test callback', () => {
  it('goes from the proof of its signature to the origin that asks for tests, and says what it is', async () => {
    const origin = await makeOrigin(undefined, ACCEPTS);
    const shop = await makeShop(origin);
    const { status, body } = await send(shop);
    expect(status).toBe(200);
    const orderNo = String(body.orderNo);
    expect(body).toMatchObject({
      channel: shop.channelId,
      test: true,
      signedWith: 'test_key',
      arrival: { verdict: 'accepted', reason: null, noticeType: 'TRANSACTION.SUCCESS' },
      answer: { status: 204, body: '' },
      events: [{ type: 'payment.succeeded', sequence: 1 }],
      deliveries: [{ origin: origin.id, format: 'standard', accepts: true, wouldSend: null }],
    });
    expect(orderNo).toMatch(/^TEST-\d{6}[0-9A-Z]{20}$/);
    const days = (Date.parse(String(body.keptUntil)) - Date.now()) / 86_400_000;
    expect(days > 1 && days <= 2).toBe(true);
    const delivery = await stands(shop, orderNo, 'delivered');
    expect(delivery.attempts).toMatchObject([{ outcome: 'delivered', status: 200 }]);
    expect(origin.posts).toMatchObject([{ orderNo, signedBy: origin.secrets, type: 'payment.succeeded' }]);
    expect(JSON.parse(origin.posts[0]?.body ?? '')).toMatchObject({
      data: { test: true, channel: shop.channelId, order: { orderNo, state: 'paid', amount: { minor: 1 } } },
    });
    expect(await read(shop, orderNo)).toMatchObject({ isDone: true });
  });

  it('is in no list, no figure and no ledger of real orders, and in the audit log', async () => {
    const origin = await makeOrigin(undefined, ACCEPTS);
    const shop = await makeShop(origin);
    const orderNo = String((await send(shop)).body.orderNo);
    await stands(shop, orderNo, 'delivered');
    await record(shop, paid('R-1')); // a real order beside it is projected
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledger(shop.shard));
        await runDurableObjectAlarm(ledgerOf(shop, orderNo));
        return Number((await countsIn(shop))[2]) > 0;
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(await countsIn(shop)).toEqual([1, 1, 1]);
    const isCounted = async () => {
      await runDurableObjectAlarm(ledger(shop.shard));
      const rows = await env.DB.prepare('SELECT doc FROM rollups WHERE channel = ?')
        .bind(shop.channelId)
        .all<{ doc: string }>();
      return rows.results.length > 0 ? rows.results.map(({ doc }) => JSON.parse(doc)) : null;
    };
    const docs = await vi.waitUntil(isCounted, { timeout: 15_000, interval: 200 });
    const sum = (name: string) => docs.reduce((total, doc) => total + (doc[name] ?? 0), 0);
    expect([sum('facts.callback'), sum('gross.CNY')]).toEqual([1, 100]);
    expect((await call('GET', `/v1/orders/${shop.channelId}/${orderNo}`)).status).toBe(404);
    const audit = await call('GET', '/v1/audit');
    expect(listOf(audit.body.items)).toContainEqual(
      expect.objectContaining({ act: 'test_sent', actor: 'admin', channel: shop.channelId, orderNo }),
    );
  });

  it('is sent to nobody who did not ask for tests: what would have been sent is shown, signed as theirs', async () => {
    const [taker, backend] = [await makeOrigin(undefined, ACCEPTS), await makeOrigin()];
    const shop = await makeShop(backend, taker);
    const { body } = await send(shop);
    const orderNo = String(body.orderNo);
    await stands(shop, orderNo, 'delivered', 1);
    const [first] = listOf((await read(shop, orderNo)).deliveries);
    expect(first).toMatchObject({ origin: backend.id, accepts: false, deliveryState: null, attempts: [] });
    const shown = first?.wouldSend;
    if (shown === undefined) throw new Error('nothing is shown');
    expect(verified(backend, shown)).toMatchObject({ data: { test: true, order: { orderNo } } });
    expect([backend.posts.length, taker.posts.length]).toEqual([0, 1]);
  });

  it('shows what an origin would get before there is one', async () => {
    const { body } = await send(await makeShop());
    const [only] = listOf(body.deliveries);
    expect(only).toMatchObject({ origin: null, format: 'standard', accepts: false, deliveryState: null });
    const shown = only?.wouldSend;
    const given = Object.entries(shown?.headers ?? {}).map(([name, value]) => [name, String(value)]);
    const told = new Webhook(String(shown?.sampleSecret)).verify(String(shown?.body), Object.fromEntries(given));
    expect(told).toMatchObject({ type: 'payment.succeeded', data: { test: true } });
    expect(body.isDone).toBe(true);
  });

  it('leaves out an origin whose filter leaves it out', async () => {
    const filter = {
      types: ['refund.succeeded' as const],
      states: [],
      flags: [],
      channels: [],
      amount: null,
      metadata: {},
    };
    const origin = await makeOrigin(undefined, { settings: { acceptsTest: true, filter } });
    const { body } = await send(await makeShop(origin));
    expect(listOf(body.deliveries)).toMatchObject([{ reason: 'filtered', deliveryState: null, wouldSend: null }]);
  });

  it('is registered first where the channel takes registered orders alone', async () => {
    const origin = await makeOrigin(undefined, ACCEPTS);
    const shop = await makeShop(origin);
    await registry().updateChannel(shop.channelId, { mode: 'registered' }, { now: Date.now(), key: null, digest: '' });
    const { body } = await send(shop);
    expect(body.arrival).toMatchObject({ verdict: 'accepted' });
    await stands(shop, String(body.orderNo), 'delivered');
    expect(JSON.parse(origin.posts[0]?.body ?? '')).toMatchObject({
      data: { order: { amountChecked: true, flags: [] } },
    });
  });

  it('waits while its origin is paused, which acts on tests at once too', async () => {
    const origin = await makeOrigin(refuse(503), { ...ACCEPTS, ladderSeconds: [0, 3_600] });
    const shop = await makeShop(origin);
    const orderNo = String((await send(shop)).body.orderNo);
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledgerOf(shop, orderNo));
        const [delivery] = listOf((await read(shop, orderNo)).deliveries);
        return listOf(delivery?.attempts).length > 0;
      },
      { timeout: 10_000, interval: 30 },
    );
    await pauseOrigin(origin.id);
    expect(listOf((await read(shop, orderNo)).deliveries)).toMatchObject([{ deliveryState: 'paused' }]);
  });

  it('goes no more to an origin that takes none any more, though an attempt was to come', async () => {
    const origin = await makeOrigin(refuse(503), { ...ACCEPTS, ladderSeconds: [0, 1, 1, 1] });
    const shop = await makeShop(origin);
    const orderNo = String((await send(shop)).body.orderNo);
    await vi.waitUntil(() => origin.posts.length === 1, { timeout: 10_000, interval: 20 });
    origin.respond = () => new Response('ok');
    const path = `/v1/origins/${origin.id}`;
    expect((await call('PATCH', path, { acceptsTest: false })).status).toBe(200);
    const before = origin.posts.length;
    for (let tries = 0; tries < 40; tries++) {
      await runDurableObjectAlarm(ledgerOf(shop, orderNo));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(origin.posts.length).toBe(before);
    expect(listOf((await read(shop, orderNo)).deliveries)).toMatchObject([{ accepts: false }]);
    expect((await call('PATCH', path, { acceptsTest: true })).status).toBe(200);
    await stands(shop, orderNo, 'delivered');
  });

  it('is refused as a real one would be where the channel is disabled, in the provider’s words', async () => {
    const shop = await makeShop();
    await setStatus(shop.channelId, 'disabled');
    const { body } = await send(shop);
    expect(body).toMatchObject({
      arrival: { verdict: 'rejected', reason: 'channel_disabled' },
      answer: { status: 503, body: '{"code":"FAIL","message":"失败"}' },
      events: [],
      deliveries: [],
    });
  });

  it('goes to no origin for the sake of the sandbox, whose own notices do', async () => {
    const secrets = { signingSecrets: ['whsec_of_a_stripe_endpoint_long_enough'] };
    const backend = await makeOrigin();
    const shop = await makeShopOf({ provider: 'stripe', secrets, environment: 'test' }, backend);
    const { body } = await send(shop);
    expect(body).toMatchObject({ arrival: { verdict: 'accepted' }, signedWith: 'shared_secret' });
    await record(shop, paid('SANDBOX-1', { test: true }));
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledger(shop.shard));
        await runDurableObjectAlarm(ledgerOf(shop, String(body.orderNo)));
        return backend.posts.length > 0;
      },
      { timeout: 10_000, interval: 30 },
    );
    expect(backend.posts.map(({ orderNo }) => orderNo)).toEqual(['SANDBOX-1']);
  });
});

describe('real traffic to the same origin', () => {
  const breaker = { failureShare: 0.1, windowSeconds: 600, attemptsMin: 1, probeAfterSeconds: 3_600 };
  const ladderSeconds = [0, 0, 0, 0];
  const gateOf = (id: string) => env.ORIGIN_GATE.getByName(`v1:${id}`);

  it('has a breaker that hears nothing of a test that fails', async () => {
    const settings = { acceptsTest: true, breaker };
    const origin = await makeOrigin(refuse(503, { 'retry-after': '600' }), { settings, ladderSeconds });
    const shop = await makeShop(origin);
    const orderNo = String((await send(shop)).body.orderNo);
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledgerOf(shop, orderNo));
        return origin.posts.length >= 1;
      },
      { timeout: 10_000, interval: 30 },
    );
    origin.respond = refuse(500);
    await record(shop, paid('R-2'));
    const gate = gateOf(origin.id);
    // The one real failure opens it; the test before it neither opened it nor asked for a rest.
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledgerOf(shop, orderNo));
        await runDurableObjectAlarm(ledger(shop.shard));
        return (await gate.state()).breaker === 'open';
      },
      { timeout: 10_000, interval: 30 },
    );
    expect(await gate.state()).toMatchObject({ waitUntil: null });
    expect(origin.posts.filter((one) => one.orderNo === 'R-2')).toHaveLength(1);
  });

  it('is not paused by a test that was answered 410', async () => {
    const origin = await makeOrigin(refuse(410), { ...ACCEPTS, ladderSeconds: [0, 3_600] });
    const shop = await makeShop(origin);
    const orderNo = String((await send(shop)).body.orderNo);
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledgerOf(shop, orderNo));
        const [delivery] = listOf((await read(shop, orderNo)).deliveries);
        return listOf(delivery?.attempts).length > 0;
      },
      { timeout: 10_000, interval: 30 },
    );
    expect((await originIs(origin.id)).status).toBe('active');
    expect(await alarmsOf(`origin/${origin.id}`)).toEqual([]);
  });

  it('has a breaker that, while open, lets a test through, and stays open though the test is taken', async () => {
    const settings = { acceptsTest: true, breaker };
    const origin = await makeOrigin(refuse(500), { settings, ladderSeconds });
    const shop = await makeShop(origin);
    await record(shop, paid('R-3'));
    const gate = gateOf(origin.id);
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledger(shop.shard));
        return (await gate.state()).breaker === 'open';
      },
      { timeout: 10_000, interval: 30 },
    );
    origin.respond = () => new Response('ok');
    const before = await gate.state();
    const orderNo = String((await send(shop)).body.orderNo);
    await stands(shop, orderNo, 'delivered');
    await runDurableObjectAlarm(ledgerOf(shop, orderNo));
    expect(await gate.state()).toMatchObject({ breaker: 'open', probeAt: before.probeAt, since: before.since });
    expect(origin.posts.filter((one) => one.orderNo === 'R-3')).toHaveLength(1);
  });
});

describe('its bytes at /callbacks', () => {
  it('are refused where a key was made for the test', async () => {
    const shop = await makeShop();
    const orderNo = String((await send(shop)).body.orderNo);
    expect((await resend(shop, orderNo)).status).toBe(503);
    expect(await ledger(shop.shard).readOrder(orderNo)).toBeNull();
    const seen = await call('GET', `/v1/rejections?channel=${shop.channelId}`);
    expect(seen.status).toBe(200);
  });

  it('are refused where the shared secret signed them, by their order number, and a person is told', async () => {
    const shop = await makeShopOf(RAZORPAY);
    const { body } = await send(shop);
    expect(body).toMatchObject({ signedWith: 'shared_secret', arrival: { verdict: 'accepted' } });
    const orderNo = String(body.orderNo);
    expect((await resend(shop, orderNo)).status).toBe(503);
    expect(await ledger(shop.shard).readOrder(orderNo)).toBeNull();
    const told = () => alarmsOf(`channel/${shop.channelId}`);
    const [alarm] = await vi.waitUntil(async () => ((await told()).length > 0 ? told() : null), { timeout: 5_000 });
    expect(alarm).toMatchObject({ code: 'wrong_environment', detail: expect.stringContaining('test callback') });
  });

  const alipay = { appId: '2014072300007148', alipayPublicKey: platform.pem, sellerIds: ['2088102116773037'] };
  const paypal = { webhookId: '0EH40505U7160970P', environment: 'live' };
  const stripe = { signingSecrets: ['whsec_of_a_stripe_endpoint_long_enough'] };
  const tokenim = { secrets: ['a secret of the channel, long enough'] };
  const ed25519 = { algorithm: 'ed25519', in: 'header', name: 'X-Sign', encoding: 'base64', content: 'raw' };
  const ownKey = { publicKeys: [edKey.publicKey], signature: ed25519, timestamp: null };
  it.each([
    ['alipay', alipay, 'test_key', 'signature_invalid'],
    ['paypal', paypal, 'test_key', 'unknown_key'],
    ['unionpay', unionpayFixture.entered.today, 'test_key', 'unknown_key'],
    ['tokenim', ownKey, 'test_key', 'signature_invalid'],
    ['tokenim', tokenim, 'shared_secret', 'wrong_environment'],
    ['stripe', stripe, 'shared_secret', 'wrong_environment'],
  ])('are refused in the words of each dialect: %s %j', async (provider, secrets, signedWith, reason) => {
    const shop = await makeShopOf({ provider, secrets });
    const { body } = await send(shop);
    expect(body).toMatchObject({
      signedWith,
      arrival: { verdict: 'accepted' },
      events: [{ type: 'payment.succeeded' }],
    });
    const orderNo = String(body.orderNo);
    expect((await resend(shop, orderNo)).status).toBeGreaterThanOrEqual(400);
    expect(await ledger(shop.shard).readOrder(orderNo)).toBeNull();
    const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(shop.uid));
    const reasons = () => runInDurableObject(log, (_, { storage }) => countsOf(storage.sql));
    await vi.waitUntil(async () => (await reasons()).length > 0, { timeout: 5_000, interval: 50 });
    expect(await reasons()).toEqual([{ verdict: 'rejected', reason }]);
  });

  it('are refused by another channel with the same secret too', async () => {
    const [shop, other] = [await makeShopOf(RAZORPAY), await makeShopOf(RAZORPAY)];
    const orderNo = String((await send(shop)).body.orderNo);
    const kept = await ledgerOf(shop, orderNo).readCallback(1);
    const body = kept?.body as BufferSource; // plain bytes
    // Genuine by its secret, and no payment: an origin that keeps what it was sent must not make it one there.
    expect((await post(other.channelId, body, kept?.headers ?? {})).status).not.toBe(200);
    expect((await read(other, orderNo)).code).toBe('not_found');
  });
});

describe('a real callback whose order number begins with TEST-', () => {
  it('is never one whose order was registered under the number of a test, for such an order is refused', async () => {
    const shop = await makeShopOf(RAZORPAY);
    const orderNo = String((await send(shop)).body.orderNo);
    const order = { channel: shop.channelId, orderNo, amount: { minor: 100, currency: 'INR' } };
    const { status, body } = await call('POST', '/v1/orders', order);
    expect([status, body.errors?.[0]?.field]).toEqual([422, 'orderNo']);
    expect((await call('POST', '/v1/orders', { ...order, orderNo: `${orderNo.slice(0, -1)}U` })).status).toBe(201);
  });

  it('is a real order', async () => {
    const [origin, number] = [await makeOrigin(), 'TEST-2611220123456789ABCDEFGHJK'];
    const shop = await makeShop(origin);
    await record(shop, paid(number));
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(ledger(shop.shard));
        return origin.posts.length > 0;
      },
      { timeout: 10_000, interval: 30 },
    );
    expect(JSON.parse(origin.posts[0]?.body ?? '')).toMatchObject({
      data: { test: false, order: { orderNo: number } },
    });
    expect((await read(shop, number)).code).toBe('not_found');
    expect((await call('GET', `/v1/orders/${shop.channelId}/${number}`)).body).toMatchObject({
      order: { orderNo: number },
    });
  });
});

describe('who may send one, and how many', () => {
  it('is whoever may operate; whoever may read sees what one would do', async () => {
    const shop = await makeShop(await makeOrigin(undefined, ACCEPTS));
    const [reader, operator] = [await makeKey('read'), await makeKey('read', 'operate')];
    const path = `/v1/channels/${shop.channelId}/test`;
    expect((await call('POST', path, undefined, { key: reader })).status).toBe(403);
    expect((await call('POST', path, undefined, { key: operator })).status).toBe(200);
    expect((await call('GET', path, undefined, { key: reader })).body).toMatchObject({
      possible: true,
      why: null,
      amount: { minor: 1, currency: 'CNY' },
      origins: [{ accepts: true, paused: false }],
    });
  });

  it('is ten a minute for one channel, and the same Idempotency-Key is the same test', async () => {
    const shop = await makeShopOf(RAZORPAY);
    const headers = { 'idempotency-key': unique('once') };
    const [first, again] = [await send(shop, headers), await send(shop, headers)];
    expect(again.body.orderNo).toBe(first.body.orderNo);
    for (let sent = 1; sent < 10; sent++) expect((await send(shop)).status).toBe(200);
    expect(await send(shop)).toMatchObject({ status: 429, body: { code: 'rate_limited' } });
    expect((await send(shop, headers)).status).toBe(200);
  });

  it('is the same test also where the first answer was cut off behind its fact', async () => {
    const shop = await makeShopOf(RAZORPAY);
    const headers = { 'idempotency-key': unique('cut') };
    const { body } = await send(shop, headers);
    const orderNo = String(body.orderNo);
    await runInDurableObject(ledgerOf(shop, orderNo), (_, { storage }) => storage.kv.delete(`rehearsal/${orderNo}`));
    const again = await send(shop, headers);
    expect(again.body).toMatchObject({ orderNo, signedWith: 'shared_secret', arrival: { verdict: 'accepted' } });
    expect(again.body.events).toEqual(body.events);
  });

  it('is nobody where only the provider knows what its notice is about', async () => {
    const shop = await makeShopOf({ provider: 'mollie', secrets: { apiKey: 'live_abcdefghijklmnopqrstuvwxyz1234' } });
    expect(await send(shop)).toMatchObject({ status: 422, body: { code: 'test_not_supported' } });
    expect((await call('GET', `/v1/channels/${shop.channelId}/test`)).body).toMatchObject({ possible: false });
  });
});

describe('a provider that calls on request', () => {
  const content = { eventType: 'SECURITY_ECHO.SUCCESS', originalType: 'security', summary: 'ok', resource: {} };
  const notify = (id: string) => {
    const { body, headers } = genuinePost(
      envelopeOf('EV-1', content, identity, Date.now()),
      identity.publicKey,
      Date.now(),
    );
    return post(id, body, headers);
  };

  it('is asked with the merchant’s own signature, and its genuine notice is waited for', async () => {
    const id = await makeChannel();
    const asked = playProvider(async ({ url }, genuine) => {
      const answer = await genuine();
      if (url.endsWith('/v3/security/echo')) expect((await notify(id)).status).toBe(204);
      return answer;
    });
    const { status, body } = await call('POST', `/v1/channels/${id}/test/echo`);
    expect([status, body]).toMatchObject([200, { channel: id, noticeType: 'SECURITY_ECHO.SUCCESS' }]);
    expect(Date.parse(String(body.arrivedAt))).toBeGreaterThan(Date.now() - 10_000);
    const echoes = asked.filter(({ url }) => url.includes('/security/')); // among certificates and posts
    expect(echoes.map(({ url, init }) => [new URL(url).pathname, JSON.parse(String(init.body))])).toEqual([
      ['/v3/security/echo', { notify_url: `http://127.0.0.1:8787/callbacks/${id}`, echo_message: 'Tollgate' }],
    ]);
    expect((await call('GET', `/v1/channels/${id}/test`)).body.echo).toBe(true);
  });

  it('says when the notice did not come, and what a provider refused', async () => {
    const id = await makeChannel();
    playProvider();
    expect((await call('POST', `/v1/channels/${id}/test/echo`)).body).toMatchObject({ arrivedAt: null });
    playProvider(() => new Response(JSON.stringify({ code: 'NO_AUTH', message: 'no' }), { status: 403 }));
    expect(await call('POST', `/v1/channels/${id}/test/echo`)).toMatchObject({
      status: 422,
      body: { code: 'provider_refused' },
    });
    const forged = new Response(JSON.stringify({ echo_message: 'Tollgate' }), { status: 200 });
    playProvider(() => forged.clone());
    expect((await call('POST', `/v1/channels/${id}/test/echo`)).status).toBe(502);
  });

  it('is none of those that call nobody', async () => {
    const shop = await makeShopOf(RAZORPAY);
    const reply = await call('POST', `/v1/channels/${shop.channelId}/test/echo`);
    expect(reply).toMatchObject({ status: 422, body: { code: 'test_not_supported' } });
  });
});

describe('what is kept of it', () => {
  it('goes with its day, all of it', async () => {
    const shop = await makeShop();
    const old = env.LEDGER.getByName(rehearsalLedgerOf(shop.uid, '200101'));
    const dispatch = rehearsalDispatch(await dispatchOf(shop));
    const actor = { key: 'admin', reason: null };
    await old.beginRehearsal({ v: 1, orderNo: 'TEST-200101', dispatch, actor });
    await runDurableObjectAlarm(old);
    const tables = await runInDurableObject(old, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name IN ('orders', 'acts')").toArray(),
    );
    expect(tables).toEqual([]);
    expect(await old.readRehearsal('TEST-200101')).toBeNull();
  });
});
