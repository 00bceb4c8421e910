// UnionPay in workerd, through the Worker's own door: the certificate in a notice, its chain and its signature are
// proved by the runtime that serves them, and what was paid is in the ledger. Asked about an order, the same holds.
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';
import { SEAL_IV_BYTES, seal } from '../../src/crypto/seal.ts';
import { providerOf } from '../../src/providers/index.ts';
import fixture from '../fixtures/unionpay/signed.json';
import { call, makeChannel, unique } from './api-world.ts';
import { playApi } from './play-api.ts';
import { registry } from './receive-world.ts';

const { entered, callbacks, answer } = fixture;
const ORDER_NO = '20260101103012';

const channelOf = (credentials: object = entered.today) => makeChannel({ provider: 'unionpay', credentials });

async function send(channel: string, body: string): Promise<readonly [number, string]> {
  const { headers } = callbacks.today;
  const { status, text } = await call('POST', `/callbacks/${channel}`, body, { key: null, headers });
  return [status, text];
}

const orderOf = (channel: string) => call('GET', `/v1/orders/${channel}/${ORDER_NO}`);

describe('a notice', () => {
  it.each(['today', 'older'] as const)(
    'of the chain of %s, signed with SHA-256 or SHA-1, pays its order',
    async (name) => {
      const channel = await channelOf(entered[name]);
      expect(await send(channel, callbacks[name].body)).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({
        state: 'paid',
        paid: { minor: 2599, currency: 'CNY' },
        payments: [{ transactionId: '662601011030121234568' }],
        flags: [],
      });
    },
  );

  it('that comes again is acknowledged and counted once', async () => {
    const channel = await channelOf();
    for (let n = 0; n < 3; n++) expect(await send(channel, callbacks.today.body)).toEqual([200, '']);
    expect([...((await orderOf(channel)).body.order?.payments ?? [])]).toHaveLength(1);
  });

  it('of a refund finds its order by the payment, also when it comes first (pitfall 9)', async () => {
    const channel = await channelOf();
    expect(await send(channel, callbacks.refund.body)).toEqual([200, '']);
    expect((await orderOf(channel)).status).toBe(404);
    expect(await send(channel, callbacks.today.body)).toEqual([200, '']);
    await vi.waitFor(async () => {
      expect((await orderOf(channel)).body.order).toMatchObject({
        state: 'partially_refunded',
        refunded: { minor: 1000, currency: 'CNY' },
      });
    });
  });
});

describe('a forged notice', () => {
  const { body } = callbacks.today;
  const forged: Readonly<Record<string, string>> = {
    'with another amount': body.replace('txnAmt=2599', 'txnAmt=1'),
    'with another order': body.replace(`orderId=${ORDER_NO}`, 'orderId=20260101103099'),
    'with a signature that is none': body.replace(/signature=[^&]*/, 'signature=AAAA'),
    'without a signature': body.replace(/&?signature=[^&]*/, ''),
    'with another certificate of the chain': body.replace(
      /signPubKeyCert=[^&]*/,
      certificateOf(callbacks.customer.body),
    ),
    'with a certificate that its sender made': callbacks.selfMade.body,
    'of another customer of the authority': callbacks.customer.body,
    'of another chain': callbacks.older.body,
  };

  it.each(Object.entries(forged))('%s is refused and changes nothing', async (_what, text) => {
    expect(text).not.toBe(body);
    const channel = await channelOf();
    const [status, said] = await send(channel, text);
    expect([401, 503]).toContain(status);
    expect(said).toBe('');
    expect((await orderOf(channel)).status).toBe(404);
    expect(await send(channel, body)).toEqual([200, '']);
    expect((await orderOf(channel)).body.order).toMatchObject({ state: 'paid', paid: { minor: 2599 } });
  });
});

function certificateOf(form: string): string {
  return /signPubKeyCert=[^&]*/.exec(form)?.[0] ?? '';
}

it('reads certificates when a channel is made, and an answer of the gateway', async () => {
  const provider = providerOf('unionpay');
  for (const credentials of Object.values(entered)) {
    const parsed = provider?.credentials.parse(credentials);
    expect(await provider?.inspectCredentials?.(parsed)).toEqual({ ok: true, value: null });
  }
  const parsed = provider?.credentials.parse(entered.today);
  const target = { orderNo: '20260101103013', metadata: { txnTime: ORDER_NO } };
  const read = async (text: string) => {
    const body = new TextEncoder().encode(text);
    return provider?.query?.read({ status: 200, headers: {}, body }, target, parsed, [], Date.now());
  };
  expect(await read(answer)).toMatchObject({ ok: true, value: { events: [{ status: 'succeeded' }] } });
  const forged = answer.replace('txnAmt=2599', 'txnAmt=9999');
  expect(await read(forged)).toMatchObject({ ok: false, error: { code: 'unverified' } });
});

describe('an order that UnionPay is asked about', () => {
  const ASKED_NO = '20260101103013';
  const ask = (channel: string, orderNo: string) => call('POST', `/v1/orders/${channel}/${orderNo}/query`);

  /** Made without the checks of the API: the key is made when the test starts, and has no certificate. */
  async function askingChannel(): Promise<string> {
    const id = unique('unionpay');
    const uid = id.replace('-', '');
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, hash: 'SHA-256' };
    const generated = { ...algorithm, publicExponent: new Uint8Array([1, 0, 1]) };
    const pair = await crypto.subtle.generateKey(generated, true, ['sign', 'verify']);
    if (!('privateKey' in pair)) throw new Error('no key pair');
    const der = await crypto.subtle.exportKey('pkcs8', pair.privateKey);
    if (!(der instanceof ArrayBuffer)) throw new Error('no DER');
    const lines = new Uint8Array(der).toBase64().replace(/.{64}/g, '$&\n');
    const signKey = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
    const credentials = { ...entered.today, signCert: entered.today.middleCert, signKey };
    const iv = crypto.getRandomValues(new Uint8Array(SEAL_IV_BYTES));
    const created = await registry().createChannel(
      {
        ...{ id, uid, provider: 'unionpay', mode: 'open', settings: DEFAULT_CHANNEL_SETTINGS, environment: 'live' },
        ...{ shards: 2, locationHint: null, origins: [], allowlist: { mode: 'off', ranges: [] } },
        credentials: await seal(JSON.stringify(credentials), env.TOLLGATE_MASTER_KEY, `channel/${uid}`, iv),
      },
      { now: Date.now(), key: null, digest: '' },
    );
    if (created.kind !== 'done') throw new Error(`the channel was not made: ${created.kind}`);
    return id;
  }

  const register = (channel: string, metadata: object) =>
    call('POST', '/v1/orders', { channel, orderNo: ASKED_NO, amount: { minor: 2599, currency: 'CNY' }, metadata });

  it('by the time that it was registered with is paid by the signed answer, though no notice came', async () => {
    const channel = await askingChannel();
    expect((await register(channel, { txnTime: ORDER_NO })).status).toBe(201);
    const calls = playApi(() => new Response(answer));
    const { status, body } = await ask(channel, ASKED_NO);
    expect([status, body.query]).toEqual([200, { found: true, providerState: '00' }]);
    expect(body.order).toMatchObject({ state: 'paid', paid: { minor: 2599, currency: 'CNY' }, flags: [] });
    expect(calls.map(({ url }) => url)).toEqual(['https://gateway.95516.com/gateway/api/queryTrans.do']);
    const form = new URLSearchParams(String(calls[0]?.init.body));
    expect([form.get('orderId'), form.get('txnTime')]).toEqual([ASKED_NO, ORDER_NO]);
  });

  it('is not taken for paid by an answer that does not verify', async () => {
    const channel = await askingChannel();
    await register(channel, { txnTime: ORDER_NO });
    playApi(() => new Response(answer.replace('txnAmt=2599', 'txnAmt=9999')));
    expect((await ask(channel, ASKED_NO)).status).toBeGreaterThanOrEqual(500);
    const { order } = (await call('GET', `/v1/orders/${channel}/${ASKED_NO}`)).body;
    expect(order).toMatchObject({ state: 'pending' });
  });

  it('without its time is not asked about, and the merchant hears what to register', async () => {
    const channel = await askingChannel();
    await register(channel, { table: '7' });
    const calls = playApi(() => new Response(answer));
    const { status, text } = await ask(channel, ASKED_NO);
    expect([status, calls]).toEqual([422, []]);
    expect(text).toContain('metadata.txnTime');
  });

  it('after a notice is asked about at the time that the notice told', async () => {
    const channel = await askingChannel();
    expect(await send(channel, callbacks.today.body)).toEqual([200, '']);
    const calls = playApi(() => new Response('', { status: 503 }));
    await ask(channel, ORDER_NO);
    const form = new URLSearchParams(String(calls[0]?.init.body));
    expect([form.get('orderId'), form.get('txnTime')]).toEqual([ORDER_NO, '20260101103045']);
  });
});
