// What helps whoever is lost: POST /v1/channels/{id}/diagnose over the whole way from outside to the origin, and
// POST /v1/channels/check of credentials before they are kept.

import { runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { callbackLogNameOf, UNKNOWN_LOG } from '../../src/core/arrival.ts';
import { rehearsalNoOf } from '../../src/crypto/rehearsal-no.ts';
import {
  call,
  credentials,
  identity,
  type Json,
  makeChannel,
  makeKey,
  makeOrigin,
  type ProviderCall,
  playProvider,
  unique,
} from './api-world.ts';
import { down, later, MINUTE_MS, Shop, startClock } from './order-world.ts';

type Found = { readonly code: string; readonly verdict: string; readonly seen: string; readonly fix: string | null };

const findingsOf = (body: Json): Found[] =>
  [...(body.steps ?? [])].flatMap(({ findings }) => [...(findings ?? [])]) as unknown as Found[]; // as its schema says
const codesOf = (body: Json) => findingsOf(body).map(({ code }) => code);
const find = (body: Json, code: string) => findingsOf(body).find((one) => one.code === code);
const causeOf = ({ cause }: Json) => cause && [String(cause.step), String(cause.finding?.code)];

const diagnose = (channel: string, body: object = {}, key?: string) =>
  call('POST', `/v1/channels/${channel}/diagnose`, body, key === undefined ? {} : { key });

/** The outside, in which our own address leads back to us. */
const outside = async ({ url, init }: ProviderCall, genuine: () => Promise<Response>): Promise<Response> =>
  new URL(url).pathname.startsWith('/callbacks/') ? exports.default.fetch(new Request(url, init)) : genuine();

async function uidOf(channel: string): Promise<string> {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  return record?.channel.uid ?? '';
}

/** Sends a callback that is refused, and waits until the lists show it. */
async function refuse(channel: string, called = channel): Promise<void> {
  await exports.default.fetch(
    new Request(`http://127.0.0.1:8787/callbacks/${called}`, { method: 'POST', body: '{"a":1}' }),
  );
  const log = called === channel ? callbackLogNameOf(await uidOf(channel)) : UNKNOWN_LOG;
  const sql = "SELECT sum(count) n FROM callback_counts WHERE channel = ? AND reason NOT IN ('method_not_allowed', '')";
  await vi.waitUntil(
    async () => {
      await runDurableObjectAlarm(env.CALLBACK_LOG.getByName(log));
      return (
        Number(
          await env.DB.prepare(sql)
            .bind(called === channel ? channel : '-')
            .first('n'),
        ) > 0
      );
    },
    { timeout: 8_000, interval: 100 },
  );
}

let shop: Shop;
beforeEach(async () => {
  startClock();
  shop = await Shop.open({ origins: [await makeOrigin()] });
  shop.play(outside);
});

describe('a diagnosis of an order', () => {
  it('finds a payment that no callback told of, takes it in, and says that the callback was lost', async () => {
    const orderNo = await shop.sell({ closeOnExpiry: false });
    shop.payUnnoticed(orderNo);
    const first = await diagnose(shop.channel, { orderNo });
    expect([first.status, causeOf(first.body)]).toEqual([200, ['provider', 'provider_repaired']]);
    expect(find(first.body, 'provider_repaired')?.seen).toContain('It says SUCCESS, which nobody had told.');
    expect(find(first.body, 'arrived_never')?.verdict).toBe('problem');
    const { body } = await shop.read(orderNo);
    expect([body.order?.state, body.timeline?.find(({ kind }) => String(kind) === 'fact')?.source]).toEqual([
      'paid',
      'query',
    ]);
    const again = await diagnose(shop.channel, { orderNo });
    expect(causeOf(again.body)).toEqual(['recorded', 'order_learnt']);
    expect(codesOf(again.body)).toContain('provider_same');
  });

  it('finds it by the number of its transaction', async () => {
    const orderNo = await shop.sellPaid();
    const { body } = await shop.read(orderNo);
    const transactionId = String([...(body.order?.payments ?? [])][0]?.transactionId);
    const reply = await diagnose(shop.channel, { transactionId });
    expect(reply.body.orderNo).toBe(orderNo);
    const unknown = await diagnose(shop.channel, { transactionId: '4200000000000000000000000000' });
    expect([unknown.body.orderNo, unknown.status]).toEqual([null, 200]);
  });

  it('finds it by what the lists know of a transaction, for a key that may ask nobody', async () => {
    const [orderNo, transactionId] = [unique('LISTED'), unique('4200')];
    const put = "INSERT INTO order_ids (id, channel, order_no, kind) VALUES (?, ?, ?, 'transaction')";
    await env.DB.prepare(put).bind(transactionId, shop.channel, orderNo).run();
    const { body } = await diagnose(shop.channel, { transactionId }, await makeKey('read'));
    expect(body.orderNo).toBe(orderNo);
    const other = await Shop.open();
    expect((await diagnose(other.channel, { transactionId }, await makeKey('read'))).body.orderNo).toBeNull();
  });

  it('tells alarms that explain nothing apart, and none that were over before', async () => {
    const subject = `channel/${shop.channel}`;
    const at = Date.now();
    const alarms = (['discrepancies_open', 'decrypt_failed', 'wrong_merchant'] as const).map((code) => ({ code }));
    const registry = env.REGISTRY.getByName('registry');
    await registry.raiseAlarms(alarms.map(({ code }) => ({ code, subject, detail: code, at: at - 60 * MINUTE_MS })));
    const over = { code: 'wrong_merchant', subject, detail: '', at: at - 50 * MINUTE_MS, ended: true } as const;
    await registry.raiseAlarms([over]);
    const alarmsIn = (findings: Json | undefined) =>
      [...(findings ?? [])].filter(({ code }) => String(code) === 'alarmed').map(({ given }) => String(given?.alarm));
    const { body } = await diagnose(shop.channel, { orderNo: unique('NOBODY') });
    const steps = [...(body.steps ?? [])].flatMap(({ findings }) => alarmsIn(findings));
    expect([steps, alarmsIn(body.remarks)]).toEqual([['decrypt_failed'], ['discrepancies_open']]);
    const unpaid = await shop.sell({ closeOnExpiry: false });
    const well = (await diagnose(shop.channel, { orderNo: unpaid })).body;
    expect([well.cause, String(well.answer?.finding?.code)]).toEqual([null, 'provider_unpaid']);
    expect(alarmsIn(well.remarks).sort()).toEqual(['decrypt_failed', 'discrepancies_open']);
  });

  it('names a number that neither the provider nor the gateway knows', async () => {
    const { body } = await diagnose(shop.channel, { orderNo: unique('NOBODY') });
    expect(codesOf(body)).toEqual(expect.arrayContaining(['order_unknown', 'provider_unknown']));
  });

  it('knows a test callback, and asks nobody about it', async () => {
    const seed = crypto.getRandomValues(new Uint8Array(32));
    const orderNo = await rehearsalNoOf(env.TOLLGATE_MASTER_KEY, '260101', seed);
    shop.calls.length = 0;
    const { body } = await diagnose(shop.channel, { orderNo });
    expect(codesOf(body)).toEqual(expect.arrayContaining(['order_rehearsal', 'origin_no_tests']));
    expect(shop.asked().filter((line) => line.includes('out-trade-no'))).toEqual([]);
  });

  it('takes a provider that is away for an outage, and tells the rest all the same', async () => {
    const orderNo = await shop.sell({ closeOnExpiry: false });
    shop.play((asked, genuine) => (asked.url.includes('/callbacks/') ? outside(asked, genuine) : down()));
    const { body } = await diagnose(shop.channel, { orderNo });
    expect(causeOf(body)).toEqual(['provider', 'provider_away']);
    expect(codesOf(body)).toContain('order_waits');
  });

  it('asks nobody for a key that may only read', async () => {
    const orderNo = await shop.sell({ closeOnExpiry: false });
    shop.payUnnoticed(orderNo);
    shop.calls.length = 0;
    const { body, status } = await diagnose(shop.channel, { orderNo }, await makeKey('read'));
    expect([status, shop.calls]).toEqual([200, []]);
    expect(codesOf(body)).toEqual(expect.arrayContaining(['reach_skipped', 'provider_skipped']));
    expect(String((await shop.read(orderNo)).body.order?.state)).toBe('pending');
    expect((await diagnose(shop.channel, {}, await makeKey('orders'))).status).toBe(403);
  });

  it('leads on by requests of this API', async () => {
    const orderNo = await shop.sellPaid();
    const { body } = await diagnose(shop.channel, { orderNo });
    const next = findingsOf(body).flatMap((one) => [...((one as unknown as Json).next ?? [])]);
    const paths = next.map(({ method, path }) => `${method} ${path}`);
    expect(paths).toContain(`GET /v1/orders/${shop.channel}/${orderNo}`);
    for (const { method, path } of next.filter((one) => String(one.method) === 'GET')) {
      expect([method, path, (await call('GET', String(path))).status]).toEqual([method, path, 200]);
    }
  });
});

describe('a diagnosis of a time', () => {
  it('tells what was refused, and why, and how to mend it', async () => {
    await refuse(shop.channel);
    const { body } = await diagnose(shop.channel);
    expect(causeOf(body)).toEqual(['refusals', 'refused']);
    const refused = find(body, 'refused');
    expect(refused?.seen).toMatch(/^1 refused: Signature headers missing\. /);
    expect(refused?.fix).toContain('no proxy or firewall');
  });

  it('sees calls that went to a misspelt address', async () => {
    const misspelt = `${shop.channel}x`;
    await refuse(shop.channel, misspelt);
    const { body } = await diagnose(shop.channel);
    const elsewhere = find(body, 'arrived_elsewhere');
    expect([elsewhere?.verdict, elsewhere?.seen.includes(misspelt)]).toEqual(['problem', true]);
  });

  it('looks at ten minutes around it', async () => {
    later(60 * MINUTE_MS);
    const at = new Date(Date.now() - 30 * MINUTE_MS).toISOString();
    const { body } = await diagnose(shop.channel, { at });
    expect([Date.parse(at) - Date.parse(String(body.from)), Date.parse(String(body.to)) - Date.parse(at)]).toEqual([
      10 * MINUTE_MS,
      10 * MINUTE_MS,
    ]);
    expect(codesOf(body)).toEqual(expect.arrayContaining(['arrived_none', 'arrived_first', 'nothing_named']));
  });

  it('refuses what is no time, no number and no channel', async () => {
    expect((await diagnose(shop.channel, { at: 'yesterday' })).status).toBe(422);
    expect((await diagnose(shop.channel, { orderNo: 'a b' })).status).toBe(422);
    expect((await diagnose('nobody')).status).toBe(404);
  });
});

describe('the way from outside', () => {
  it.each([
    ['redirect', () => new Response(null, { status: 302, headers: { location: 'https://login.example/' } })],
    ['blocked', () => new Response('who are you?', { status: 403 })],
    ['stranger', () => new Response('<h1>this domain is for sale</h1>')],
    ['failed', () => Promise.reject(new TypeError('no route'))],
  ] as const)('tells when it is no way: %s', async (kind, answer) => {
    const channel = await makeChannel();
    shop.play((asked, genuine) => (asked.url.includes('/callbacks/') ? answer() : genuine()));
    const { body } = await diagnose(channel);
    expect(causeOf(body)).toEqual(['reach', `reach_${kind}`]);
  });

  it('is called once by many who ask at once, and not with a POST', async () => {
    const channel = await makeChannel();
    await Promise.all(Array.from({ length: 5 }, () => diagnose(channel)));
    const probes = shop.calls.filter(({ url }) => url.endsWith(`/callbacks/${channel}`));
    expect(probes.map(({ init }) => [init.method, init.redirect])).toEqual([['GET', 'manual']]);
    expect(codesOf((await diagnose(channel)).body)).toContain('reach_local');
  });

  it('says which origin does not take anything', async () => {
    const [gone, paused] = [await makeOrigin(), await makeOrigin()];
    const channel = await makeChannel({ origins: [gone, paused] });
    await call('POST', `/v1/origins/${paused}/pause`);
    await call('POST', `/v1/channels/${channel}/pause`);
    const codes = codesOf((await diagnose(channel)).body);
    expect(codes).toEqual(expect.arrayContaining(['origin_paused', 'origin_ready']));
  });
});

describe('a look at an origin', () => {
  it.each([
    ['answered', 'ok', () => new Response(null, { status: 200 })],
    ['post_only', 'ok', () => new Response(null, { status: 405 })],
    ['nothing_there', 'unknown', () => new Response(null, { status: 404 })],
    ['guarded', 'unknown', () => new Response(null, { status: 403 })],
    ['redirect', 'problem', () => Response.redirect('https://www.shop.example/')],
    ['failing', 'problem', () => new Response(null, { status: 502 })],
    ['unreachable', 'problem', () => Promise.reject(new TypeError('no route'))],
  ] as const)('tells %s, and posts nothing', async (code, verdict, answer) => {
    const origin = await makeOrigin();
    const channel = await makeChannel({ origins: [origin] });
    const calls = playProvider(() => answer());
    const { body, status } = await call('POST', `/v1/origins/${origin}/check`);
    expect([status, body.code, body.verdict, [...(body.channels ?? [])]]).toEqual([200, code, verdict, [channel]]);
    const looks = calls.filter(({ url }) => url.startsWith('https://shop.example/'));
    expect(looks.map(({ init }) => [init.method, init.redirect])).toEqual([['HEAD', 'manual']]);
  });

  it('goes the way of deliveries, or not at all', async () => {
    const origin = await makeOrigin();
    await env.REGISTRY.getByName('registry').updateOrigin(
      origin,
      { url: 'https://10.0.0.1/hooks' },
      { now: Date.now(), key: null, digest: '' },
    );
    const calls = playProvider();
    const { body } = await call('POST', `/v1/origins/${origin}/check`);
    expect([String(body.code), calls]).toEqual(['not_sent', []]);
    expect((await call('POST', '/v1/origins/nobody/check')).status).toBe(404);
  });
});

describe('whom an allowlist would have refused', () => {
  it('is told by address, the genuine ones first, for ranges that are only tried too', async () => {
    const channel = await makeChannel({ allowlist: { mode: 'monitor', ranges: ['203.0.113.0/24'] } });
    const event = (address: string, at: number) =>
      env.DB.prepare(
        `INSERT INTO events (event_id, channel, order_no, sequence, type, verdict, source, remote_address, digest,
           occurred_at, received_at, data) VALUES (?, ?, 'A-1', 1, NULL, 'applied', 'callback', ?, NULL, ?, ?, NULL)`,
      ).bind(unique('evt'), channel, address, at, at);
    const sample = (address: string | null, verdict: string) =>
      env.DB.prepare(
        "INSERT INTO callbacks (at, id, channel, verdict, reason, remote_address) VALUES (?, ?, ?, ?, 'x', ?)",
      ).bind(Date.now(), unique('cb'), channel, verdict, address);
    const old = Date.now() - 8 * 24 * 60 * MINUTE_MS;
    await env.DB.batch([
      ...['203.0.113.7', '198.51.100.9', '198.51.100.9'].map((address) => event(address, Date.now())),
      event('192.0.2.1', old),
      sample('192.0.2.200', 'rejected'),
      sample('192.0.2.201', 'duplicate'),
      sample('203.0.113.8', 'rejected'),
      sample('198.51.100.9', 'accepted'), // counted by its event
      sample(null, 'rejected'),
    ]);
    const read = async (query = '') => {
      const { body, status } = await call('GET', `/v1/channels/${channel}/outsiders${query}`);
      const items = [...(body.items ?? [])].map((one) => [one.address, one.genuine, one.refused].join(' '));
      return { status, items, ranges: body.ranges };
    };
    const found = await read();
    expect(found.items.slice(0, 2)).toEqual(['198.51.100.9 2 0', '192.0.2.201 1 0']);
    expect(found.items.slice(2).sort()).toEqual([' 0 1', '192.0.2.200 0 1']);
    expect(found.ranges).toEqual(['203.0.113.0/24']);
    expect((await read('?days=31')).items).toContain('192.0.2.1 1 0');
    expect((await read('?ranges=198.51.100.0/24,192.0.2.0/24')).items[0]).toBe('203.0.113.7 1 0');
    expect((await read('?ranges=nonsense')).status).toBe(422);
    expect((await call('GET', '/v1/channels/nobody/outsiders')).status).toBe(404);
  });
});

describe('the check of credentials', () => {
  const check = (body: object, key?: string) =>
    call('POST', '/v1/channels/check', body, key === undefined ? {} : { key });
  const wechat = (more: object = {}) => ({ provider: 'wechatpay-v3', credentials: { ...credentials, ...more } });
  const codesIn = (body: Json) =>
    [...(body.fields ?? [])].flatMap(({ field, code }) => (String(code) === 'sound' ? [] : [`${field} ${code}`]));

  it('proves them by the word of the provider that there is no such order, and keeps nothing', async () => {
    shop.calls.length = 0;
    const { status, body } = await check(wechat());
    expect([status, body.ok, body.provider?.code]).toEqual([200, true, 'proved']);
    expect(shop.asked()).toEqual([expect.stringMatching(/^GET transactions\/out-trade-no\/CHECK[0-9A-F]{20}$/)]);
    expect(JSON.stringify(body)).not.toContain(identity.apiV3Key);
  });

  it('fetches the keys that the answers are verified with, and with that proves the rest', async () => {
    playProvider(undefined, 'certificate');
    const { platformKeys: _, ...fetching } = credentials;
    const { body } = await check({ provider: 'wechatpay-v3', credentials: fetching });
    expect([body.ok, body.provider?.code]).toEqual([true, 'proved']);
    const other = { ...fetching, apiV3Key: 'x'.repeat(32) };
    const wrong = await check({ provider: 'wechatpay-v3', credentials: other });
    expect([wrong.body.ok, String(wrong.body.provider?.code)]).toEqual([false, 'refused']);
  });

  it('says which field was pasted wrongly, and how', async () => {
    const pem = credentials.merchantPrivateKey;
    const { publicPem } = identity.publicKey;
    const cases: readonly (readonly [object, readonly string[]])[] = [
      [{ merchantPrivateKey: publicPem }, ['credentials.merchantPrivateKey public_key']],
      [{ merchantPrivateKey: pem.replace(/^.*\n/, '') }, ['credentials.merchantPrivateKey no_begin']],
      [{ platformKeys: { [identity.publicKey.serial]: pem } }, ['private_key']],
      [{ apiV3Key: `${identity.apiV3Key} ` }, ['credentials.apiV3Key spaces']],
      [{ apiV3Key: 'short' }, ['credentials.apiV3Key refused']],
      [{ mchId: 'x', apiV3Key: '"quoted"' }, ['credentials.mchId refused', 'credentials.apiV3Key quotes']],
    ];
    for (const [more, expected] of cases) {
      const { body } = await check(wechat(more));
      const codes = codesIn(body);
      expect([body.ok, body.provider?.code]).toEqual([false, 'skipped']);
      expect(codes.length).toBe(expected.length);
      for (const one of expected) expect(codes.join()).toContain(one);
      expect(JSON.stringify(body)).not.toContain(pem.slice(40, 80));
    }
  });

  it('tells credentials for tests from those for live payments', async () => {
    const stripe = { signingSecrets: [`whsec_${'a'.repeat(32)}`], apiKey: `sk_test_${'b'.repeat(24)}` };
    const asked = { provider: 'stripe', credentials: stripe, ask: false };
    const live = await check({ ...asked, environment: 'live' });
    expect([live.body.ok, codesIn(live.body)]).toEqual([false, ['environment environment']]);
    expect((await check({ ...asked, environment: 'test' })).body.ok).toBe(true);
  });

  it('lets a provider that is away, or cannot be asked, prove nothing and refuse nothing', async () => {
    shop.play(down);
    const away = await check(wechat());
    expect([away.body.ok, String(away.body.provider?.code)]).toEqual([true, 'away']);
    const nowpayments = { provider: 'nowpayments', credentials: { ipnSecret: 'a-secret-of-thirty-two-characters' } };
    const cannot = await check(nowpayments);
    expect([cannot.body.ok, ['cannot', 'unset']]).toEqual([true, expect.arrayContaining([cannot.body.provider?.code])]);
  });

  it('checks what is to rotate over what stands', async () => {
    const good = await check({
      channel: shop.channel,
      credentials: { merchantPrivateKey: credentials.merchantPrivateKey },
    });
    expect([good.body.ok, String(good.body.provider?.code)]).toEqual([true, 'proved']);
    const bad = await check({
      channel: shop.channel,
      credentials: { merchantPrivateKey: identity.certificate.privatePem },
    });
    expect([bad.body.ok, String(bad.body.provider?.code)]).toEqual([false, 'refused']);
    const elsewhere = await check({ channel: shop.channel, credentials: { mchId: '1900000999' } });
    expect([elsewhere.status, elsewhere.body.errors?.[0]?.field]).toEqual([422, 'credentials.mchId']);
    expect((await check({ channel: 'nobody', credentials: {} })).status).toBe(404);
    expect((await check({ credentials: {} })).status).toBe(422);
    expect((await check({ provider: 'nobody', credentials: {} })).status).toBe(422);
    expect((await check(wechat(), await makeKey('operate', 'orders', 'read'))).status).toBe(403);
  });
});
