// PayPal in workerd, through the Worker's own door: a certificate that nobody knows yet is fetched, from PayPal alone,
// and the repeat of the callback is taken.
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS, ledgerNameOf } from '../../src/core/channel.ts';
import { KEY_REFRESH_INTERVAL_MAX_MS, KEY_REFRESH_INTERVAL_MIN_MS } from '../../src/core/limits.ts';
import { SEAL_IV_BYTES, seal } from '../../src/crypto/seal.ts';
import { capture } from '../fixtures/paypal/objects.ts';
import fixture from '../fixtures/paypal/signed.json';
import { call } from './api-world.ts';
import { post, registry } from './receive-world.ts';

const { callbacks, certificates, entered } = fixture;
const PAID_URL = callbacks.paid.headers['paypal-cert-url'];
const NEXT_URL = callbacks.next.headers['paypal-cert-url'];

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

let channels = 0;

async function makeChannel(more: object = {}): Promise<string> {
  channels += 1;
  const [id, uid] = [`paypal-${channels}`, `paypaluid${channels}`];
  const iv = crypto.getRandomValues(new Uint8Array(SEAL_IV_BYTES));
  const created = await registry().createChannel(
    {
      id,
      uid,
      provider: 'paypal',
      mode: 'open',
      settings: DEFAULT_CHANNEL_SETTINGS,
      environment: 'live',
      shards: 2,
      locationHint: null,
      origins: [],
      allowlist: { mode: 'off', ranges: [] },
      credentials: await seal(JSON.stringify({ ...entered, ...more }), env.TOLLGATE_MASTER_KEY, `channel/${uid}`, iv),
    },
    { now: Date.now(), key: null, digest: '' },
  );
  if (created.kind !== 'done') throw new Error(`the channel was not made: ${created.kind}`);
  return id;
}

/** PayPal's certificates at their addresses; whatever else is fetched is noted and not found. */
function playPayPal(served: Readonly<Record<string, string>> = certificates): { url: string; redirect: unknown }[] {
  const calls: { url: string; redirect: unknown }[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    calls.push({ url, redirect: init.redirect });
    const text = served[url];
    return text === undefined ? new Response('no such certificate', { status: 404 }) : new Response(text);
  });
  return calls;
}

async function send(channelId: string, name: keyof typeof callbacks): Promise<number> {
  const { headers, body } = callbacks[name];
  return (await post(channelId, body, headers)).status;
}

async function orderOf(channelId: string, orderNo: string) {
  const record = await registry().readChannel(channelId);
  if (record === null) throw new Error('no such channel');
  return (await env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo)).readOrder(orderNo))?.order;
}

const keysOf = async (channelId: string) => (await registry().readChannel(channelId))?.keys.map(({ serial }) => serial);

/** Until this isolate's copy of the channel is renewed. */
const later = (ms: number) => vi.setSystemTime(Date.now() + ms);

describe('a certificate that is not known yet', () => {
  it('is fetched once, and the callback that named it is taken when it comes again', async () => {
    const calls = playPayPal();
    const channelId = await makeChannel();
    expect(await send(channelId, 'paid')).toBe(503);
    await vi.waitFor(async () => expect(await keysOf(channelId)).toEqual([PAID_URL]));
    later(11_000);
    expect(await send(channelId, 'paid')).toBe(200);
    expect(await send(channelId, 'refund')).toBe(200);
    expect(calls).toEqual([{ url: PAID_URL, redirect: 'manual' }]);
    expect(await orderOf(channelId, 'TG20260101-0001')).toMatchObject({
      paymentState: 'paid',
      payments: [{ transactionId: '29Y24445UY2083144', amount: { minor: 2599, currency: 'EUR' } }],
      refunds: [{ refundNo: '1JU08902781691411', amount: { minor: 1000 } }],
    });
  });

  it('lets a refund and a dispute that come before their payment reach its order (pitfall 9)', async () => {
    playPayPal();
    const channelId = await makeChannel();
    expect(await send(channelId, 'refund')).toBe(503);
    await vi.waitFor(async () => expect(await keysOf(channelId)).toEqual([PAID_URL]));
    later(11_000);
    for (const name of ['dispute', 'refund', 'paid', 'dispute', 'refund'] as const) {
      expect(await send(channelId, name)).toBe(200);
    }
    await vi.waitFor(async () => {
      const { order } = (await call('GET', `/v1/orders/${channelId}/TG20260101-0001`)).body;
      expect(order).toMatchObject({ state: 'partially_refunded', dispute: 'open', flags: [] });
      expect([[...(order?.payments ?? [])].length, [...(order?.refunds ?? [])].length]).toEqual([1, 1]);
    });
  });

  it('joins the one that is known, which goes on verifying (pitfall 4)', async () => {
    const calls = playPayPal();
    const channelId = await makeChannel();
    await send(channelId, 'paid');
    await vi.waitFor(async () => expect(await keysOf(channelId)).toEqual([PAID_URL]));
    later(KEY_REFRESH_INTERVAL_MIN_MS + 1_000);
    expect(await send(channelId, 'next')).toBe(503);
    await vi.waitFor(async () => expect((await keysOf(channelId))?.toSorted()).toEqual([PAID_URL, NEXT_URL].sort()));
    later(11_000);
    expect([await send(channelId, 'paid'), await send(channelId, 'next')]).toEqual([200, 200]);
    expect(calls.length).toBe(2);
  });

  it('is fetched from nowhere but PayPal, whatever a request says', async () => {
    const calls = playPayPal();
    const channelId = await makeChannel();
    expect(await send(channelId, 'elsewhere')).toBe(401);
    const forged = {
      ...callbacks.paid.headers,
      'paypal-cert-url': 'https://evil.example/v1/notifications/certs/CERT-1',
    };
    expect((await post(channelId, callbacks.paid.body, forged)).status).toBe(401);
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const url = 'https://evil.example/v1/notifications/certs/CERT-1';
    expect(await registry().refreshKeys(channelId, Date.now(), url)).toBe('failed');
    expect(calls).toEqual([]);
    expect(await keysOf(channelId)).toEqual([]);
  });

  it('is asked for at most once a minute, however many are named (pitfall 5)', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const calls = playPayPal();
    const channelId = await makeChannel();
    for (let n = 0; n < 10; n++) {
      const headers = { ...callbacks.paid.headers, 'paypal-cert-url': `${PAID_URL}-${n}` };
      expect((await post(channelId, callbacks.paid.body, headers)).status).toBe(503);
      await registry().refreshKeys(channelId, Date.now(), `${PAID_URL}-${n}`);
    }
    expect(calls.length).toBe(1);
  });

  it('is never asked for by time alone', async () => {
    const calls = playPayPal();
    const channelId = await makeChannel();
    expect(await registry().refreshKeys(channelId, Date.now())).toBe('not_wanted');
    await registry().tick(Date.now() + KEY_REFRESH_INTERVAL_MAX_MS + 1_000);
    expect(calls.filter(({ url }) => url.includes('paypal'))).toEqual([]);
  });

  it('that does not prove itself is not kept', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const [leaf = ''] = certificates[PAID_URL as keyof typeof certificates].split(/(?<=-----END CERTIFICATE-----\n)/);
    playPayPal({ [PAID_URL]: leaf });
    const channelId = await makeChannel();
    expect(await registry().refreshKeys(channelId, Date.now(), PAID_URL)).toBe('failed');
    expect(await keysOf(channelId)).toEqual([]);
  });
});

describe('a capture that PayPal is asked about', () => {
  const ORDER_NO = 'TG20260101-0001';
  const application = { clientId: `A${'b'.repeat(79)}`, clientSecret: `E${'c'.repeat(79)}` }; // made up for tests
  const [TOKEN_URL, CAPTURE_URL] = [
    'https://api-m.paypal.com/v1/oauth2/token',
    `https://api-m.paypal.com/v2/payments/captures/${capture.id}`,
  ];

  /** PayPal's API, which takes the newest token alone; `said` collects what was asked with which. */
  function playApi(status = 200) {
    const said: string[] = [];
    let tokens = 0;
    vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
      const url = input instanceof Request ? input.url : String(input);
      const authorization = new Headers(init.headers).get('authorization') ?? '';
      said.push(`${init.method} ${url} ${authorization.split(' ')[0]} ${init.body ?? ''}`.trim());
      if (url === TOKEN_URL) {
        tokens += 1;
        const content = { access_token: `A21AA${tokens}`, token_type: 'Bearer', expires_in: 31_668 };
        return status === 200 ? Response.json(content) : Response.json({ error: 'invalid_client' }, { status });
      }
      if (url !== CAPTURE_URL) return new Response('', { status: 404 });
      return authorization === `Bearer A21AA${tokens}` ? Response.json(capture) : Response.json({}, { status: 401 });
    });
    return { said, revoke: () => (tokens += 1) };
  }

  /** A channel whose order is known by its callback. */
  async function knownOrder(more: object): Promise<string> {
    playPayPal();
    const channelId = await makeChannel(more);
    await send(channelId, 'paid');
    await vi.waitFor(async () => expect(await keysOf(channelId)).toEqual([PAID_URL]));
    later(11_000);
    expect(await send(channelId, 'paid')).toBe(200);
    return channelId;
  }

  const ask = (channelId: string) => call('POST', `/v1/orders/${channelId}/${ORDER_NO}/query`);
  const asked = {
    token: `POST ${TOKEN_URL} Basic grant_type=client_credentials`,
    capture: `GET ${CAPTURE_URL} Bearer`,
  };

  it('is asked for with a token that is fetched once, and anew when PayPal takes it no more', async () => {
    const channelId = await knownOrder(application);
    const { said, revoke } = playApi();
    for (let n = 0; n < 2; n++) {
      const { status, body } = await ask(channelId);
      expect([status, body.query, body.order?.state]).toEqual([
        200,
        { found: true, providerState: 'COMPLETED' },
        'paid',
      ]);
    }
    expect(said).toEqual([asked.token, asked.capture, asked.capture]);
    revoke();
    expect((await ask(channelId)).status).toBe(200);
    expect(said.slice(3)).toEqual([asked.capture, asked.token, asked.capture]);
  });

  it('is not asked for where PayPal gives no token, and the merchant hears why', async () => {
    const channelId = await knownOrder(application);
    const { said } = playApi(401);
    const { status, text } = await ask(channelId);
    expect(status).toBe(422);
    expect(text).toContain('check clientId, clientSecret and environment');
    expect(text).not.toContain(application.clientSecret);
    expect(said).toEqual([asked.token]);
  });

  it('is not asked for without the application’s name and secret', async () => {
    const channelId = await knownOrder({});
    const { said } = playApi();
    const { status, text } = await ask(channelId);
    expect([status, said]).toEqual([422, []]);
    expect(text).toContain('clientId and clientSecret are missing');
  });
});
