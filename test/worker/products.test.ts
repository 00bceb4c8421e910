// Products and the scans of their static codes: /v1/products, and Native mode 1 through the Worker's own door.

import { exports } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { call, makeChannel, makeKey, playProvider, unique } from './api-world.ts';

const API_KEY = 'TollgateTestApiV2KeyOf32Letters0';
const FAIL = '<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[失败]]></return_msg></xml>';

type Fields = Readonly<Record<string, string>>;

const signOf = (fields: Fields) => {
  const filled = Object.entries(fields).filter(([name, value]) => name !== 'sign' && value !== '');
  const text = filled
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
  return createHash('md5').update(`${text}&key=${API_KEY}`).digest('hex').toUpperCase();
};
const xml = (fields: Fields) =>
  `<xml>${Object.entries(fields)
    .map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`)
    .join('')}</xml>`;
const signed = (fields: Fields) => xml({ ...fields, sign: signOf(fields) });
const fieldsOf = (body: string): Fields =>
  Object.fromEntries([...body.matchAll(/<(\w+)><!\[CDATA\[(.*?)\]\]><\/\1>/g)].map(([, name, value]) => [name, value]));

const makeShop = () =>
  makeChannel({
    provider: 'wechatpay-v2',
    credentials: { mchId: '1900000109', appIds: ['wx2421b1c4370ec43b'], apiKey: API_KEY, signTypes: ['MD5'] },
  });

async function makeProduct(channel: string, more: object = {}): Promise<string> {
  const id = unique('tea');
  const reply = await call('POST', '/v1/products', {
    id,
    channel,
    name: '龙井茶',
    amount: { minor: 1_200, currency: 'CNY' },
    ...more,
  });
  if (reply.status !== 201) throw new Error(`the product was not made: ${reply.text}`);
  return id;
}

const scanOf = (productId: string, more: Fields = {}) =>
  signed({
    appid: 'wx2421b1c4370ec43b',
    mch_id: '1900000109',
    openid: 'o8GeHuLAsgefS_80exEr1cTqekUs',
    is_subscribe: 'Y',
    nonce_str: 'UlyR9e1a2C0ZlIbf',
    product_id: productId,
    ...more,
  });

/** A pretend unifiedorder that gives another prepay_id each time; gives what it was told. */
function playUnifiedOrder(more: Fields = {}): Fields[] {
  const told: Fields[] = [];
  vi.stubGlobal('fetch', async (url: RequestInfo | URL, init: RequestInit = {}) => {
    expect(String(url)).toBe('https://api.mch.weixin.qq.com/pay/unifiedorder');
    told.push(fieldsOf(String(init.body)));
    const answer = {
      return_code: 'SUCCESS',
      result_code: 'SUCCESS',
      appid: 'wx2421b1c4370ec43b',
      mch_id: '1900000109',
      prepay_id: `wx2026${told.length}`,
      code_url: `weixin://wxpay/bizpayurl?pr=${told.length}`,
      ...more,
    };
    return new Response(signed(answer));
  });
  return told;
}

async function scan(channelId: string, body: string): Promise<{ status: number; body: string; fields: Fields }> {
  const headers = { 'content-type': 'text/xml', 'cf-connecting-ip': '101.226.103.7' };
  const request = new Request(`https://gate.example/callbacks/${channelId}`, { method: 'POST', body, headers });
  const response = await exports.default.fetch(request);
  const text = await response.text();
  const fields = fieldsOf(text);
  if (fields.sign !== undefined) expect(fields.sign).toBe(signOf(fields));
  return { status: response.status, body: text, fields };
}

beforeEach(() => {
  playProvider();
});

describe('a scan', () => {
  it('makes the order at the product’s price and answers with its signed prepay_id', async () => {
    const channel = await makeShop();
    const product = await makeProduct(channel);
    const told = playUnifiedOrder();
    const { status, fields } = await scan(channel, scanOf(product));
    expect(status).toBe(200);
    expect(fields).toMatchObject({
      return_code: 'SUCCESS',
      result_code: 'SUCCESS',
      prepay_id: 'wx20261',
      mch_id: '1900000109',
      appid: 'wx2421b1c4370ec43b',
      sign: expect.stringMatching(/^[0-9A-F]{32}$/),
    });
    expect(told).toMatchObject([
      {
        total_fee: '1200',
        body: '龙井茶',
        product_id: product,
        notify_url: `http://127.0.0.1:8787/callbacks/${channel}`,
      },
    ]);
    const orderNo = told[0]?.out_trade_no ?? '';
    expect(orderNo).toMatch(/^QR[0-9a-f]{30}$/);
    expect((await call('GET', `/v1/orders/${channel}/${orderNo}`)).body.order).toMatchObject({
      state: 'pending',
      amount: { minor: 1_200, currency: 'CNY' },
      amountChecked: true,
      metadata: { product },
    });
  });

  it('told again gets the same prepay_id, whatever the product costs by then, and makes no second order', async () => {
    const channel = await makeShop();
    const product = await makeProduct(channel);
    const told = playUnifiedOrder();
    const first = await scan(channel, scanOf(product));
    await call('PATCH', `/v1/products/${product}`, { amount: { minor: 9_900, currency: 'CNY' } });
    const again = await scan(channel, scanOf(product));
    expect(again.fields.prepay_id).toBe(first.fields.prepay_id);
    expect(told).toHaveLength(1);
    const another = await scan(channel, scanOf(product, { nonce_str: 'another' }));
    expect(another.fields.prepay_id).not.toBe(first.fields.prepay_id);
    expect(new Set(told.map(({ out_trade_no }) => out_trade_no)).size).toBe(2);
  });

  it('is followed by the payment notice, and told again is refused as paid', async () => {
    const channel = await makeShop();
    const product = await makeProduct(channel);
    const asked = playUnifiedOrder();
    await scan(channel, scanOf(product));
    const orderNo = asked[0]?.out_trade_no ?? '';
    const paid = signed({
      appid: 'wx2421b1c4370ec43b',
      mch_id: '1900000109',
      nonce_str: 'n',
      return_code: 'SUCCESS',
      result_code: 'SUCCESS',
      out_trade_no: orderNo,
      transaction_id: `42000027${orderNo}`,
      total_fee: '1200',
      time_end: '20260101103456',
      trade_type: 'NATIVE',
    });
    expect((await scan(channel, paid)).fields).toEqual({ return_code: 'SUCCESS', return_msg: 'OK' });
    expect((await call('GET', `/v1/orders/${channel}/${orderNo}`)).body.order).toMatchObject({
      state: 'paid',
      flags: [],
    });
    const again = await scan(channel, scanOf(product));
    expect(again.fields).toMatchObject({ result_code: 'FAIL', err_code_des: '订单已支付' });
  });

  it('of an unknown, disabled or foreign product is told so, signed, and asks nobody', async () => {
    const channel = await makeShop();
    const disabled = await makeProduct(channel, { enabled: false });
    const foreign = await makeProduct(await makeShop());
    const told = playUnifiedOrder();
    for (const [product, why] of [
      ['nothing', '商品不存在'],
      [disabled, '商品已下架'],
      [foreign, '商品不存在'],
    ] as const) {
      const { status, fields } = await scan(channel, scanOf(product));
      expect(status).toBe(200);
      expect(fields).toMatchObject({ return_code: 'SUCCESS', result_code: 'FAIL', err_code_des: why });
      expect(fields.sign).toBeDefined();
      expect(fields.prepay_id).toBeUndefined();
    }
    expect(told).toEqual([]);
  });

  it('that the provider refuses or leaves waiting is told so in time', async () => {
    const channel = await makeShop();
    const product = await makeProduct(channel);
    playUnifiedOrder({ result_code: 'FAIL', err_code: 'NOAUTH' });
    expect((await scan(channel, scanOf(product))).fields).toMatchObject({
      result_code: 'FAIL',
      err_code_des: '系统繁忙，请稍后重新扫码',
    });
    vi.stubGlobal(
      'fetch',
      (_: unknown, init: RequestInit = {}) =>
        new Promise((_, giveUp) => init.signal?.addEventListener('abort', () => giveUp(new Error('aborted')))),
    );
    const late = await scan(channel, scanOf(product, { nonce_str: 'late' }));
    expect(late.fields).toMatchObject({ return_code: 'SUCCESS', result_code: 'FAIL' });
    playUnifiedOrder();
    expect((await scan(channel, scanOf(product))).fields).toMatchObject({ result_code: 'SUCCESS' });
  });

  it('that was changed on its way gets the documented failure', async () => {
    const channel = await makeShop();
    const product = await makeProduct(channel);
    const told = playUnifiedOrder();
    const { status, body } = await scan(channel, scanOf('cheap').replace('cheap', product));
    expect([status, body]).toEqual([401, FAIL]);
    expect(told).toEqual([]);
  });
});

describe('/v1/products', () => {
  it('creates, reads, lists by channel and changes', async () => {
    const [one, two] = [await makeShop(), await makeShop()];
    const [tea, cake] = [await makeProduct(one), await makeProduct(two, { name: ' 蛋糕 ', enabled: false })];
    expect((await call('GET', `/v1/products/${tea}`)).body).toMatchObject({
      id: tea,
      channel: one,
      name: '龙井茶',
      amount: { minor: 1_200, currency: 'CNY' },
      enabled: true,
      createdAt: expect.stringMatching(/Z$/),
    });
    expect((await call('GET', `/v1/products?channel=${two}`)).body.items).toMatchObject([
      { id: cake, name: '蛋糕', enabled: false },
    ]);
    expect((await call('PATCH', `/v1/products/${tea}`, { enabled: false })).body).toMatchObject({
      enabled: false,
      name: '龙井茶',
      amount: { minor: 1_200 },
    });
    const changed = await call('PATCH', `/v1/products/${tea}`, { name: '茶', amount: { minor: 5, currency: 'CNY' } });
    expect(changed.body).toMatchObject({ enabled: false, name: '茶', amount: { minor: 5 } });
  });

  it('pages through its list', async () => {
    const shop = await makeShop();
    const made = [await makeProduct(shop), await makeProduct(shop), await makeProduct(shop)].sort();
    const first = await call('GET', `/v1/products?channel=${shop}&limit=2`);
    const rest = await call('GET', `/v1/products?channel=${shop}&limit=2&cursor=${first.body.next}`);
    expect([...(first.body.items ?? []), ...(rest.body.items ?? [])].map(({ id }) => id)).toEqual(made);
    expect(rest.body.next).toBeNull();
  });

  it('answers a repeated write as the first time', async () => {
    const shop = await makeShop();
    const input = { id: unique('tea'), channel: shop, name: '茶', amount: { minor: 1, currency: 'CNY' } };
    const headers = { 'idempotency-key': unique('key') };
    const first = await call('POST', '/v1/products', input, { headers });
    expect(await call('POST', '/v1/products', input, { headers })).toMatchObject({ status: 201, body: first.body });
    expect(await call('POST', '/v1/products', input)).toMatchObject({ status: 409, body: { code: 'already_exists' } });
  });

  it('refuses what could not be sold, naming the field', async () => {
    const shop = await makeShop();
    const input = { id: unique('tea'), channel: shop, name: '茶', amount: { minor: 1, currency: 'CNY' } };
    const v3 = await makeChannel();
    for (const [changes, field] of [
      [{ channel: 'nowhere' }, 'channel'],
      [{ channel: v3 }, 'channel'],
      [{ amount: { minor: 1, currency: 'USD' } }, 'amount.currency'],
      [{ amount: { minor: 0, currency: 'CNY' } }, 'amount.minor'],
      [{ amount: { minor: 1.5, currency: 'CNY' } }, 'amount.minor'],
      [{ id: 'x'.repeat(33) }, 'id'],
      [{ id: '茶' }, 'id'],
      [{ name: '  ' }, 'name'],
      [{ price: 1 }, 'price'],
    ] as const) {
      const reply = await call('POST', '/v1/products', { ...input, ...changes });
      expect([reply.status, reply.body.errors?.[0]?.field]).toEqual([422, field]);
    }
    const product = await makeProduct(shop);
    expect((await call('PATCH', `/v1/products/${product}`, { amount: { minor: 1, currency: 'USD' } })).status).toBe(
      422,
    );
    expect((await call('PATCH', '/v1/products/nothing', { enabled: true })).status).toBe(404);
    expect((await call('GET', '/v1/products/nothing')).status).toBe(404);
  });

  it('lets nobody change a price who may only read or register orders', async () => {
    const product = await makeProduct(await makeShop());
    const key = await makeKey('read', 'orders');
    expect((await call('PATCH', `/v1/products/${product}`, { enabled: false }, { key })).status).toBe(403);
    expect((await call('GET', `/v1/products/${product}`, undefined, { key })).status).toBe(200);
    const operator = await makeKey('operate');
    expect((await call('PATCH', `/v1/products/${product}`, { enabled: false }, { key: operator })).status).toBe(200);
  });
});
