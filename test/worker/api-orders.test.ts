// /v1/orders: registering, reading, asking for a payment, and every way in which the provider may fail at that.
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { api } from '../../src/api/app.ts';
import { ledgerNameOf } from '../../src/core/channel.ts';
import { PROVIDER_ANSWER_BYTES_MAX, PROVIDER_CALL_TIMEOUT_MS } from '../../src/core/limits.ts';
import { ADMIN_KEY, call, credentials, identity, makeChannel, playProvider, unique } from './api-world.ts';

afterEach(() => vi.restoreAllMocks());

const channel = await makeChannel();

const order = (more: object = {}) => ({
  channel,
  orderNo: unique('ORDER'),
  amount: { minor: 1_234, currency: 'CNY' },
  ...more,
});

/** The calls that ask for a payment; keys may be fetched beside them. */
const payCalls = (calls: ReturnType<typeof playProvider>) => calls.filter(({ url }) => url.endsWith('/native'));

/** What the order's ledger keeps of a payment request. */
async function kept(orderNo: string) {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  if (!record) throw new Error('the channel is gone');
  const detail = await env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo)).readOrder(orderNo);
  return detail?.order.paymentRequest;
}

describe('registering an order', () => {
  it('creates it, and the same again is the same order', async () => {
    const input = order({ description: 'Tea', expiresAt: '2099-01-01T08:00:00+08:00', metadata: { cart: '7' } });
    const created = await call('POST', '/v1/orders', input);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      order: {
        orderNo: input.orderNo,
        state: 'pending',
        amountChecked: true,
        amount: { minor: 1_234, currency: 'CNY' },
        metadata: { cart: '7' },
        expiresAt: '2099-01-01T00:00:00.000Z',
      },
      payment: null,
    });
    const again = await call('POST', '/v1/orders', input);
    expect([again.status, again.text]).toEqual([200, created.text]);
  });

  it('takes an Idempotency-Key for one request only, whatever shards the orders fall to', async () => {
    const key = unique('key');
    const input = order();
    const send = (body: object) => call('POST', '/v1/orders', body, { headers: { 'idempotency-key': key } });
    expect((await send(input)).status).toBe(201);
    expect((await send(input)).status).toBe(200);
    for (let i = 0; i < 9; i++) {
      const other = order();
      const refused = await send(other);
      expect([refused.status, refused.body.code]).toEqual([422, 'idempotency_key_reused']);
      expect((await call('GET', `/v1/orders/${channel}/${other.orderNo}`)).status).toBe(404);
    }
  });

  it.each<[object, string]>([
    [{ amount: { minor: 1_235, currency: 'CNY' } }, 'amount.minor'],
    [{ amount: { minor: 1_234, currency: 'USD' } }, 'amount.currency'],
    [{ description: 'Coffee' }, 'description'],
    [{ expiresAt: '2099-01-01T00:00:01Z' }, 'expiresAt'],
    [{ metadata: { cart: '8' } }, 'metadata'],
  ])('is refused when it is registered with other data: %j', async (change, field) => {
    const input = order();
    await call('POST', '/v1/orders', input);
    const reply = await call('POST', '/v1/orders', { ...input, ...change });
    expect([reply.status, reply.body.code]).toEqual([409, 'order_conflict']);
    expect(reply.body.errors?.map((one) => one.field)).toEqual([field]);
  });

  it.each<[object, string]>([
    [{ channel: 'nowhere' }, 'channel'],
    [{ amount: { minor: 0, currency: 'CNY' } }, 'amount.minor'],
    [{ amount: { minor: 2 ** 53, currency: 'CNY' } }, 'amount.minor'],
    [{ amount: { minor: '100', currency: 'CNY' } }, 'amount.minor'],
    [{ amount: { minor: 100, currency: 'cny' } }, 'amount.currency'],
    [{ orderNo: '' }, 'orderNo'],
    [{ orderNo: 'x'.repeat(65) }, 'orderNo'],
    [{ expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ metadata: { a: 1 } }, 'metadata.a'],
    [{ pay: 'yes' }, 'pay'],
  ])('is refused for %j, naming the field', async (change, field) => {
    const reply = await call('POST', '/v1/orders', order(change));
    expect(reply.status).toBe(422);
    expect(reply.body.errors?.map((one) => one.field)).toContain(field);
  });

  it('is refused on a channel that is disabled, and taken on one that is paused', async () => {
    const closed = await makeChannel();
    await call('POST', `/v1/channels/${closed}/pause`);
    expect((await call('POST', '/v1/orders', order({ channel: closed }))).status).toBe(201);
    await call('POST', `/v1/channels/${closed}/disable`);
    await vi.waitFor(
      async () => {
        // This isolate knew the channel: it learns of the change within the copy's ten seconds.
        vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 10_001);
        expect((await call('POST', '/v1/orders', order({ channel: closed }))).body.code).toBe('wrong_status');
      },
      { timeout: 2_000 },
    );
  });
});

describe('reading an order', () => {
  it('gives the order, its timeline and its deliveries, from its ledger', async () => {
    const input = order();
    await call('POST', '/v1/orders', input);
    const reply = await call('GET', `/v1/orders/${channel}/${input.orderNo}`);
    expect(reply.status).toBe(200);
    expect(Object.keys(reply.body).sort()).toEqual(['deliveries', 'order', 'payment', 'timeline']);
    expect(reply.body.order).toMatchObject({ orderNo: input.orderNo, state: 'pending', held: false, sequence: 0 });
    const [first] = reply.body.timeline ?? [];
    expect(first).toMatchObject({ kind: 'registered' });
    expect(new Date(String(first?.at)).toISOString()).toBe(first?.at);
  });

  it('finds an order whose number needs escaping in a path', async () => {
    const input = order({ orderNo: `A/B?${unique('c')}%#` });
    expect((await call('POST', '/v1/orders', input)).status).toBe(201);
    const reply = await call('GET', `/v1/orders/${channel}/${encodeURIComponent(input.orderNo)}`);
    expect(reply.body.order?.orderNo).toBe(input.orderNo);
  });

  it.each(['nowhere/x', `${channel}/none`, `${channel}/%20`, `${channel}/${'x'.repeat(2_000)}`])(
    'answers 404 to %s',
    async (path) => expect((await call('GET', `/v1/orders/${path}`)).status).toBe(404),
  );
});

describe('asking for a payment', () => {
  it('gives the code to scan, as text and as a QR image, and asks the provider once', async () => {
    const calls = playProvider();
    const input = order({ pay: true, description: 'Tea' });
    const reply = await call('POST', '/v1/orders', input);
    expect(reply.status).toBe(201);
    expect(reply.body.payment?.codeUrl).toMatch(/^weixin:\/\//);
    expect(reply.body.payment?.qrSvg).toMatch(/^<svg .*<\/svg>$/s);
    expect(Date.parse(String(reply.body.payment?.codeExpiresAt))).toBeGreaterThan(Date.now());
    const payUrl = String(reply.body.payment?.payUrl);
    expect(payUrl).toMatch(/^http:\/\/127\.0\.0\.1:8787\/pay\/[\w-]+$/);
    const status = await call('GET', `${new URL(payUrl).pathname}/status`, undefined, { key: null });
    expect([status.status, status.body.codeExpiresAt]).toEqual([200, reply.body.payment?.codeExpiresAt]);
    const [asked, ...more] = payCalls(calls);
    expect(more).toEqual([]);
    expect(asked?.url).toBe('https://api.mch.weixin.qq.com/v3/pay/transactions/native');
    expect(asked?.init.redirect).toBe('manual');
    expect(asked?.init.signal).toBeInstanceOf(AbortSignal);
    expect(JSON.parse(String(asked?.init.body))).toMatchObject({
      out_trade_no: input.orderNo,
      notify_url: `http://127.0.0.1:8787/callbacks/${channel}`,
      amount: { total: 1_234, currency: 'CNY' },
    });
  });

  it('shows the payment that there is when it is asked for again', async () => {
    const calls = playProvider();
    const input = order({ pay: true });
    const first = await call('POST', '/v1/orders', input);
    const again = await call('POST', '/v1/orders', input);
    expect(again.status).toBe(200);
    expect(again.body.payment).toEqual(first.body.payment);
    expect(payCalls(calls).length).toBe(1);
    expect((await kept(input.orderNo))?.codeUrl).toBe(first.body.payment?.codeUrl);
  });

  it('may follow on an order that was registered without one', async () => {
    const input = order();
    await call('POST', '/v1/orders', input);
    const reply = await call('POST', '/v1/orders', { ...input, pay: true });
    expect(reply.status).toBe(200);
    expect(reply.body.payment?.codeUrl).toMatch(/^weixin:/);
  });

  const forged = (response: Response) => {
    const headers = new Headers(response.headers);
    headers.set('wechatpay-signature', btoa('x'.repeat(256)));
    return new Response(response.body, { status: response.status, headers });
  };

  it('asks twice more with the identical request when the answer does not verify', async () => {
    let answers = 0;
    const calls = playProvider(async (asked, genuine) => {
      if (!asked.url.endsWith('/native')) return genuine();
      answers += 1;
      return answers < 3 ? forged(await genuine()) : genuine();
    });
    const reply = await call('POST', '/v1/orders', order({ pay: true }));
    expect(reply.body.payment?.codeUrl).toMatch(/^weixin:/);
    const asked = payCalls(calls).map(({ url, init }) => ({ url, body: init.body, headers: init.headers }));
    expect(asked.length).toBe(3);
    expect(asked[1]).toEqual(asked[0]);
    expect(asked[2]).toEqual(asked[0]);
  });

  it('believes no answer that never verifies', async () => {
    const calls = playProvider(async (asked, genuine) => {
      const answer = await genuine();
      return asked.url.endsWith('/native') ? forged(answer) : answer;
    });
    const input = order({ pay: true });
    const reply = await call('POST', '/v1/orders', input);
    expect([reply.status, reply.body.code]).toEqual([502, 'provider_unavailable']);
    expect(payCalls(calls).length).toBe(3);
    expect(await kept(input.orderNo)).toBeNull();
  });

  const down = () => new Response('{"code":"SYSTEM_ERROR","message":"later"}', { status: 500 });
  it.each<[string, () => Response | Promise<Response>, number, string]>([
    ['is down', down, 502, 'provider_unavailable'],
    ['cannot be reached', () => Promise.reject(new TypeError('fetch failed')), 502, 'provider_unavailable'],
    ['refuses', () => new Response('{"code":"PARAM_ERROR"}', { status: 400 }), 422, 'provider_refused'],
    [
      'redirects',
      () => new Response(null, { status: 302, headers: { location: 'https://a.b/' } }),
      502,
      'provider_unavailable',
    ],
    ['sends too much', () => new Response('x'.repeat(PROVIDER_ANSWER_BYTES_MAX + 1)), 502, 'provider_unavailable'],
  ])('says so when the provider %s, and the order stays registered', async (_, respond, status, code) => {
    playProvider(respond);
    const input = order({ pay: true });
    const reply = await call('POST', '/v1/orders', input);
    expect([reply.status, reply.body.code]).toEqual([status, code]);
    expect(reply.text).not.toContain(credentials.apiV3Key);
    playProvider();
    const again = await call('POST', '/v1/orders', input);
    expect(again.status).toBe(200);
    expect(again.body.payment?.codeUrl).toMatch(/^weixin:/);
  });

  it('says so when the provider does not answer in time, and hangs up', async () => {
    const real = setTimeout;
    vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) =>
      real(run, ms === PROVIDER_CALL_TIMEOUT_MS ? 20 : ms)) as typeof setTimeout); // that one wait is shortened
    const calls = playProvider(
      ({ init }) =>
        new Promise((_, refuse) => {
          init.signal?.addEventListener('abort', () => refuse(init.signal?.reason));
        }),
    );
    const reply = await call('POST', '/v1/orders', order({ pay: true }));
    expect([reply.status, reply.body.code]).toEqual([504, 'provider_timeout']);
    expect(payCalls(calls)[0]?.init.signal?.aborted).toBe(true);
  });

  it('is refused before anything is written when what it needs is not configured', async () => {
    const { merchantSerial: _, merchantPrivateKey: __, ...without } = credentials;
    const bare = await makeChannel({ credentials: without });
    const reply = await call('POST', '/v1/orders', order({ channel: bare, pay: true }));
    expect([reply.status, reply.body.code]).toEqual([422, 'provider_not_configured']);
    expect(reply.body.detail).toContain('merchantPrivateKey');
  });

  const asAdmin = (input: object) =>
    new Request('http://gate/v1/orders', {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(input),
    });

  it('is refused without a public URL, and registers nothing', async () => {
    const input = order({ pay: true });
    const reply = await api.fetch(asAdmin(input), { ...env, TOLLGATE_PUBLIC_URL: '' });
    expect(reply.status).toBe(422);
    expect(await reply.json()).toMatchObject({ code: 'public_url_missing' });
    expect((await call('GET', `/v1/orders/${channel}/${input.orderNo}`)).status).toBe(404);
  });

  it('goes to the base that a local run names, with path and query kept', async () => {
    const calls = playProvider();
    const local = { ...env, TOLLGATE_PROVIDER_BASE: 'http://127.0.0.1:8790/wechatpay' };
    const reply = await api.fetch(asAdmin(order({ pay: true })), local);
    expect(payCalls(calls).map(({ url }) => url)).toEqual([
      'http://127.0.0.1:8790/wechatpay/v3/pay/transactions/native',
    ]);
    expect(reply.status).not.toBe(201); // the signature covers another path there, and the pretend provider says so
  });

  it('fetches the key that an answer is signed with when it is not known yet, and asks again', async () => {
    playProvider(undefined, 'certificate');
    const fresh = await makeChannel({ credentials: { ...credentials, platformKeys: {} } });
    const reply = await call('POST', '/v1/orders', order({ channel: fresh, pay: true }));
    expect(reply.body.payment?.codeUrl).toMatch(/^weixin:/);
    const { keys } = (await call('GET', `/v1/channels/${fresh}`)).body;
    expect(keys?.map((key) => key.serial)).toContain(identity.certificate.serial);
  });
});
