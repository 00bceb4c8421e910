// POST /v1/channels/{id}/rotate through the Worker's own door: nothing is lost while one secret takes another's place,
// nothing is taken afterwards, and what says whose callbacks are meant does not rotate.
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createHash, createHmac } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callbackLogNameOf } from '../../src/core/arrival.ts';
import { REGISTRY_COPY_FRESH_MS } from '../../src/core/limits.ts';
import { open } from '../../src/crypto/seal.ts';
import { eventOf } from '../fixtures/stripe/merchant.ts';
import { intent } from '../fixtures/stripe/objects.ts';
import { call, identity, makeChannel, unique, credentials as wechatpay } from './api-world.ts';
import { arrivals, post } from './receive-world.ts';

afterEach(() => vi.restoreAllMocks());

const [OLD, NEW, THIRD] = ['the-old-secret-of-this-shop', 'the-new-secret-of-this-shop', 'a-third-secret-of-nobody'];
const INTERVAL_MS = 60_000;
const allowlist = { mode: 'off', ranges: [] };
const registry = () => env.REGISTRY.getByName('registry');
const rotate = (id: string, body: object, options = {}) => call('POST', `/v1/channels/${id}/rotate`, body, options);
const read = async (id: string) => (await call('GET', `/v1/channels/${id}`)).body;
const isKnown = async (channel: string, orderNo: string) =>
  (await call('GET', `/v1/orders/${channel}/${orderNo}`)).status === 200;

/** Later by the clock, so that this isolate's copy of the channel is asked for anew. */
const pass = (ms: number) => vi.spyOn(Date, 'now').mockReturnValue(Date.now() + ms);

async function uidOf(id: string): Promise<string> {
  const record = await registry().readChannel(id);
  if (record === null) throw new Error('no such channel');
  return record.channel.uid;
}

async function reasonsOf(id: string, count = 1): Promise<unknown[]> {
  const seen = await arrivals(id, callbackLogNameOf(await uidOf(id)), count);
  return seen.map(({ reason }) => reason);
}

/** One secret by design: NOWPayments, the HMAC-SHA512 of the sorted JSON. */
const coins = {
  make: (more: object = {}) =>
    makeChannel({
      provider: 'nowpayments',
      credentials: { ipnSecret: OLD, apiKey: 'ABCDEFG-HIJKLMN-OPQRSTU' },
      allowlist,
      ...more,
    }),
  entered: (secret: string) => ({ ipnSecret: secret }),
  send(id: string, secret: string, orderNo: string) {
    const body = JSON.stringify({
      actually_paid: 15,
      order_id: orderNo,
      pay_amount: 15,
      pay_currency: 'usdttrc20',
      payment_id: 5_000_000_000 + orderNo.length,
      payment_status: 'finished',
      price_amount: 15,
      price_currency: 'usd',
      updated_at: 1_767_262_980_000,
    });
    const signature = createHmac('sha512', secret).update(body).digest('hex');
    return post(id, body, { 'content-type': 'application/json', 'x-nowpayments-sig': signature });
  },
};

/** A list of secrets: Stripe. */
const stripe = {
  make: (more: object = {}) =>
    makeChannel({ provider: 'stripe', credentials: { signingSecrets: [`whsec_${OLD}`] }, allowlist, ...more }),
  entered: (secret: string) => ({ signingSecrets: [`whsec_${secret}`] }),
  send(id: string, secret: string, orderNo: string) {
    const metadata = { orderNo };
    const event = eventOf('payment_intent.succeeded', { ...intent, id: `pi_${orderNo.replaceAll('-', '')}`, metadata });
    const [body, at] = [JSON.stringify(event), Math.floor(Date.now() / 1_000)];
    const signature = createHmac('sha256', `whsec_${secret}`).update(`${at}.${body}`).digest('hex');
    return post(id, body, { 'content-type': 'application/json', 'stripe-signature': `t=${at},v1=${signature}` });
  },
};

describe.each([
  ['one secret', coins],
  ['a list of secrets', stripe],
])('a rotation of %s', (_what, provider) => {
  it('takes callbacks of both secrets until the overlap ends, and then of the new one alone', async () => {
    const id = await provider.make();
    expect((await provider.send(id, OLD, 'BEFORE')).status).toBe(200);
    const rotated = await rotate(id, { credentials: provider.entered(NEW), overlapSeconds: 600 });
    expect([rotated.status, rotated.body.version]).toEqual([200, 2]);
    pass(REGISTRY_COPY_FRESH_MS);
    expect((await provider.send(id, OLD, 'OLD-DURING')).status).toBe(200);
    expect((await provider.send(id, NEW, 'NEW-DURING')).status).toBe(200);
    expect((await provider.send(id, THIRD, 'THIRD')).status).toBeGreaterThanOrEqual(400);
    pass(600_000);
    expect((await provider.send(id, OLD, 'OLD-AFTER')).status).toBeGreaterThanOrEqual(400);
    expect((await provider.send(id, NEW, 'NEW-AFTER')).status).toBe(200);
    const orders = ['BEFORE', 'OLD-DURING', 'NEW-DURING', 'NEW-AFTER', 'THIRD', 'OLD-AFTER'];
    const known = await Promise.all(orders.map((orderNo) => isKnown(id, orderNo)));
    expect(known).toEqual([true, true, true, true, false, false]);
    vi.restoreAllMocks();
    expect(await reasonsOf(id, 2)).toEqual(['signature_invalid', 'signature_invalid']);
  });

  it('refuses the old secret at once when no overlap is wanted', async () => {
    const id = await provider.make();
    const rotated = await rotate(id, { credentials: provider.entered(NEW), overlapSeconds: 0 });
    expect(rotated.body.previousUntil).toBeNull();
    expect((await provider.send(id, OLD, 'LATE')).status).toBeGreaterThanOrEqual(400);
    expect((await provider.send(id, NEW, 'NEW')).status).toBe(200);
    expect(await isKnown(id, 'LATE')).toBe(false);
  });

  it('is over when the credentials are replaced by PATCH', async () => {
    const id = await provider.make();
    await rotate(id, { credentials: provider.entered(NEW) });
    const patched = await call('PATCH', `/v1/channels/${id}`, { credentials: provider.entered(THIRD) });
    expect(patched.body.previousUntil).toBeNull();
    for (const secret of [OLD, NEW]) {
      expect((await provider.send(id, secret, 'LATE')).status).toBeGreaterThanOrEqual(400);
    }
    expect((await provider.send(id, THIRD, 'NEWEST')).status).toBe(200);
  });
});

describe('a rotation', () => {
  const until = async (id: string) => Date.parse(String((await read(id)).previousUntil));

  it('lasts a day unless chosen, says until when, and shows no secret', async () => {
    const id = await coins.make();
    const before = Date.now();
    const { text } = await rotate(id, { credentials: coins.entered(NEW) });
    const end = await until(id);
    expect(end).toBeGreaterThanOrEqual(before + 86_400_000);
    expect(end).toBeLessThanOrEqual(Date.now() + 86_400_000);
    const shown = text + (await call('GET', `/v1/channels/${id}`)).text + (await call('GET', '/v1/channels')).text;
    expect(shown).not.toMatch(/secret-of-this-shop|"v1\.[0-9a-f]{8}\.|sealed/);
  });

  it('changes what is named, takes away what is null, and keeps the rest', async () => {
    const id = await coins.make();
    await rotate(id, { credentials: coins.entered(NEW) });
    const standing = async () => {
      const sealed = (await registry().readChannel(id))?.channel.credentials ?? '';
      return JSON.parse(await open(sealed, env.TOLLGATE_MASTER_KEY, `channel/${await uidOf(id)}`));
    };
    expect(await standing()).toEqual({ ipnSecret: NEW, apiKey: 'ABCDEFG-HIJKLMN-OPQRSTU' });
    await rotate(id, { credentials: { apiKey: null } });
    expect(await standing()).toEqual({ ipnSecret: NEW });
  });

  it('sent twice moves the end and keeps the earlier secret', async () => {
    const id = await coins.make();
    await rotate(id, { credentials: coins.entered(NEW), overlapSeconds: 600 });
    await rotate(id, { credentials: coins.entered(NEW), overlapSeconds: 6_000 });
    expect(await until(id)).toBeGreaterThan(Date.now() + 5_000_000);
    expect((await coins.send(id, OLD, 'OLD')).status).toBe(200);
    const ended = await rotate(id, { credentials: {}, overlapSeconds: 0 });
    expect(ended.body.previousUntil).toBeNull();
    pass(REGISTRY_COPY_FRESH_MS);
    expect((await coins.send(id, OLD, 'LATE')).status).toBe(401);
    expect((await coins.send(id, NEW, 'NEW')).status).toBe(200);
  });

  it('forgets the earlier credentials at their end', async () => {
    const id = await coins.make();
    await rotate(id, { credentials: coins.entered(NEW), overlapSeconds: 60 });
    const kept = () =>
      runInDurableObject(registry(), (_, { storage }) => {
        return storage.sql.exec('SELECT previous FROM channels WHERE id = ?', id).one().previous;
      });
    await registry().tick(Date.now() + INTERVAL_MS - 5_000);
    expect(await kept()).toMatch(/"sealed":"v1\./);
    await registry().tick(Date.now() + INTERVAL_MS);
    expect(await kept()).toBeNull();
    expect((await read(id)).previousUntil).toBeNull();
  });

  it('is remembered by its Idempotency-Key without anything sealed', async () => {
    const id = await coins.make();
    const headers = { 'idempotency-key': unique('rotate') };
    const one = await rotate(id, { credentials: coins.entered(NEW) }, { headers });
    const two = await rotate(id, { credentials: coins.entered(NEW) }, { headers });
    expect(two.body).toEqual(one.body);
    expect((await read(id)).version).toBe(2);
    const replies = await runInDurableObject(registry(), (_, { storage }) =>
      storage.sql.exec("SELECT reply FROM writes WHERE json_extract(reply, '$.id') = ?", id).toArray(),
    );
    expect(replies.length).toBe(1);
    expect(JSON.stringify(replies)).not.toMatch(/v1\.[0-9a-f]{8}\./);
  });

  it('is refused where others changed the credentials meanwhile', async () => {
    const id = await coins.make();
    const rotation = { credentials: 'v1.new', after: 'v1.seen', isSame: false, until: Date.now() + 1_000 };
    const reply = await registry().updateChannel(id, { rotation }, { now: Date.now(), key: null, digest: '' });
    expect(reply).toEqual({ kind: 'changed' });
    expect((await read(id)).version).toBe(1);
  });

  it('keeps the keys that were fetched, which are the same merchant’s', async () => {
    const id = await makeChannel();
    const fetched = async () => (await read(id)).keys?.filter(({ source }) => String(source) === 'fetched');
    const serials = async () => (await fetched())?.map((key) => String(key.serial)).sort();
    await vi.waitFor(async () => expect((await serials())?.length).toBe(2));
    const before = await serials();
    const rotated = await rotate(id, { credentials: { apiV3Key: 'n'.repeat(32) } });
    expect(rotated.status).toBe(200);
    expect(await serials()).toEqual(before);
  });

  it.each<[string, string, object, object, string]>([
    ['a store', 'btcpay', { secret: OLD, storeId: 'StoreOne' }, { storeId: 'StoreTwo' }, 'storeId'],
    ['a store that was any', 'btcpay', { secret: OLD }, { secret: NEW, storeId: 'StoreTwo' }, 'storeId'],
    ['a store that becomes any', 'btcpay', { secret: OLD, storeId: 'StoreOne' }, { storeId: null }, 'storeId'],
    [
      'the server that is asked',
      'btcpay',
      { secret: OLD, apiKey: 'a'.repeat(40), baseUrl: 'https://btcpay.example.com' },
      { baseUrl: 'https://btcpay.example.net' },
      'baseUrl',
    ],
    ['a merchant', 'wechatpay-v3', wechatpay, { mchId: '1900000999' }, 'mchId'],
    [
      'the environment',
      'paypal',
      { webhookId: '5GP028458E2496506', environment: 'live' },
      { environment: 'sandbox' },
      'environment',
    ],
  ])('is refused for %s, by the name of the field', async (_what, provider, credentials, named, field) => {
    const id = await makeChannel({ provider, credentials });
    const refused = await rotate(id, { credentials: named });
    expect([refused.status, refused.body.code]).toEqual([422, 'validation_failed']);
    expect(refused.body.errors?.map((error) => error.field)).toEqual([`credentials.${field}`]);
    expect(String(refused.body.detail)).toContain('PATCH');
    expect(await read(id)).toMatchObject({ version: 1, previousUntil: null });
  });

  it.each<[string, string, object, object]>([
    [
      'the ID of a webhook that was made anew',
      'paypal',
      { webhookId: '5GP028458E2496506', environment: 'live' },
      { webhookId: '0EH40505U7160970P' },
    ],
    [
      'the address that is part of what is signed',
      'square',
      { signatureKey: OLD, notificationUrl: 'https://one.example/square' },
      { signatureKey: NEW, notificationUrl: 'https://two.example/square' },
    ],
    [
      'the platform’s public keys',
      'wechatpay-v3',
      wechatpay,
      { platformKeys: { PUB_KEY_ID_2026: identity.publicKey.publicPem } },
    ],
  ])('may change %s', async (_what, provider, credentials, named) => {
    const id = await makeChannel({ provider, credentials });
    expect((await rotate(id, { credentials: named })).status).toBe(200);
  });

  it.each<[string, object, string]>([
    ['an overlap below zero', { credentials: {}, overlapSeconds: -1 }, 'overlapSeconds'],
    ['more than 30 days', { credentials: {}, overlapSeconds: 2_592_001 }, 'overlapSeconds'],
    ['no credentials', { overlapSeconds: 60 }, 'credentials'],
    ['a secret that is too short', { credentials: { ipnSecret: 'short' } }, 'credentials.ipnSecret'],
    ['a field nobody knows', { credentials: { verify: false } }, 'credentials.verify'],
    ['a needed field taken away', { credentials: { ipnSecret: null } }, 'credentials.ipnSecret'],
  ])('with %s is refused', async (_what, body, field) => {
    const id = await coins.make();
    const refused = await rotate(id, body);
    expect([refused.status, refused.body.errors?.map((error) => error.field)]).toEqual([422, [field]]);
    expect((await read(id)).version).toBe(1);
  });

  it('of a channel that is not there is refused', async () => {
    expect((await rotate('nowhere', { credentials: {} })).status).toBe(404);
  });
});

it('every provider says what rotates, and never what says whose callbacks are meant', async () => {
  const { body } = await call('GET', '/v1/providers?limit=200');
  const fields = new Map(
    [...(body.items ?? [])].map(({ id, credentials }) => [
      String(id),
      credentials?.filter(({ rotates }) => Boolean(rotates)).map(({ field }) => String(field)) ?? [],
    ]),
  );
  expect(fields.get('alipay')).toContain('alipayPublicKey');
  expect(fields.get('unionpay')).toEqual(['rootCert', 'middleCert', 'signCert', 'signKey']);
  expect(fields.get('paypal')).toEqual(['webhookId', 'clientSecret', 'trustedCerts']);
  expect([...fields].filter(([, names]) => names.length === 0)).toEqual([]);
  const whose =
    /^(?:mchId|merId|appIds?|sellerIds|subMchIds|partner|merchantAccounts|merchantIds?|accounts|accountIds|storeId)$/;
  const where = /^(?:environment|sandbox|baseUrl|clientId|fields|acknowledgement|query|pay|refund)$/;
  for (const [id, names] of fields) {
    expect([id, names.filter((name) => whose.test(name) || where.test(name))]).toEqual([id, []]);
  }
});

it('a scan that the old key signed is answered with the old key', async () => {
  const [old, next] = ['o'.repeat(32), 'n'.repeat(32)];
  type Fields = Readonly<Record<string, string>>;
  const signOf = ({ sign: _, ...fields }: Fields, key: string) => {
    const filled = Object.entries(fields).filter(([, value]) => value !== '');
    const text = filled.sort(([a], [b]) => (a < b ? -1 : 1)).map((pair) => pair.join('='));
    return createHash('md5')
      .update(`${text.join('&')}&key=${key}`)
      .digest('hex')
      .toUpperCase();
  };
  const merchant = { mchId: '1900000109', appIds: ['wx2421b1c4370ec43b'], signTypes: ['MD5'] };
  const id = await makeChannel({ provider: 'wechatpay-v2', credentials: { ...merchant, apiKey: old } });
  await rotate(id, { credentials: { apiKey: next } });
  for (const key of [old, next]) {
    const asked = {
      appid: 'wx2421b1c4370ec43b',
      mch_id: '1900000109',
      openid: 'o',
      nonce_str: 'n',
      product_id: 'none',
    };
    const members = Object.entries({ ...asked, sign: signOf(asked, key) });
    const body = `<xml>${members.map(([name, value]) => `<${name}>${value}</${name}>`).join('')}</xml>`;
    const answer = await (await post(id, body, { 'content-type': 'text/xml' })).text();
    const found = [...answer.matchAll(/<(\w+)><!\[CDATA\[(.*?)\]\]><\/\1>/g)].map(([, name, value]) => [name, value]);
    const fields: Fields = Object.fromEntries(found);
    expect(fields).toMatchObject({ result_code: 'FAIL', sign: signOf(fields, key) });
  }
});
