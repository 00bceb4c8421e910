// POST /v1/channels/{id}/diagnose, over the whole way: the address called from outside, what arrived, what was refused,
// what the provider says, and what became of it.

import { runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { callbackLogNameOf, UNKNOWN_LOG } from '../../src/core/arrival.ts';
import { call, type Json, makeChannel, makeKey, makeOrigin, type ProviderCall, unique } from './api-world.ts';
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

  it('names a number that neither the provider nor the gateway knows', async () => {
    const { body } = await diagnose(shop.channel, { orderNo: unique('NOBODY') });
    expect(codesOf(body)).toEqual(expect.arrayContaining(['order_unknown', 'provider_unknown']));
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
