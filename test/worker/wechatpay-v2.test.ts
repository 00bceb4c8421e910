// WeChat Pay v2 through the Worker's own door: paid, refunded by the queried answer alone, and never by a trick of XML.

import { exports } from 'cloudflare:workers';
import { createCipheriv, createHash, createHmac } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { call, makeChannel, unique } from './api-world.ts';

const API_KEY = 'TollgateTestApiV2KeyOf32Letters0';
const SUCCESS = '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>';
const FAIL = '<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[失败]]></return_msg></xml>';

type Fields = Readonly<Record<string, string>>;

/** Written apart from the gateway's own, from the documents. */
function signed(fields: Fields, hash: 'md5' | 'sha256' = 'md5'): string {
  const filled = Object.entries(fields).filter(([, value]) => value !== '');
  const text = filled
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
  const made = hash === 'md5' ? createHash('md5') : createHmac('sha256', API_KEY);
  return xml({ ...fields, sign: made.update(`${text}&key=${API_KEY}`).digest('hex').toUpperCase() });
}

const xml = (fields: Fields, root = 'xml') =>
  `<${root}>${Object.entries(fields)
    .map(([name, value]) => `<${name}><![CDATA[${value}]]></${name}>`)
    .join('\n')}</${root}>`;

function sealed(fields: Fields): string {
  const cipher = createCipheriv('aes-256-ecb', createHash('md5').update(API_KEY).digest('hex'), null);
  return Buffer.concat([cipher.update(xml(fields, 'root'), 'utf8'), cipher.final()]).toString('base64');
}

const merchant = { appid: 'wx2421b1c4370ec43b', mch_id: '1900000109', nonce_str: 'n' };
const well = { return_code: 'SUCCESS', result_code: 'SUCCESS' };

const paid = (orderNo: string, more: Fields = {}): Fields => ({
  ...merchant,
  ...well,
  out_trade_no: orderNo,
  transaction_id: `42000027${orderNo}`,
  total_fee: '100',
  cash_fee: '100',
  time_end: '20260101103456',
  trade_type: 'NATIVE',
  openid: 'oUpF8uMEb4qRXf22hE3X68TekukE',
  ...more,
});

const refundNotice = (orderNo: string, more: Fields = {}) =>
  xml({
    ...merchant,
    return_code: 'SUCCESS',
    req_info: sealed({
      out_trade_no: orderNo,
      out_refund_no: `R${orderNo}`,
      refund_fee: '100',
      refund_status: 'SUCCESS',
      ...more,
    }),
  });

const refundAnswer = (orderNo: string, more: Fields = {}): string =>
  signed({
    ...merchant,
    ...well,
    out_trade_no: orderNo,
    transaction_id: `42000027${orderNo}`,
    refund_count: '1',
    out_refund_no_0: `R${orderNo}`,
    refund_id_0: `5000${orderNo}`,
    refund_fee_0: '40',
    refund_status_0: 'SUCCESS',
    refund_success_time_0: '2026-01-02 10:00:00',
    ...more,
  });

const makeShop = (more: object = {}) =>
  makeChannel({
    provider: 'wechatpay-v2',
    credentials: { mchId: '1900000109', appIds: ['wx2421b1c4370ec43b'], apiKey: API_KEY, ...more },
  });

async function post(channelId: string, body: string): Promise<{ status: number; body: string }> {
  const headers = { 'content-type': 'text/xml', 'cf-connecting-ip': '101.226.103.7' };
  const request = new Request(`https://gate.example/callbacks/${channelId}`, { method: 'POST', body, headers });
  const response = await exports.default.fetch(request);
  return { status: response.status, body: await response.text() };
}

/** Answers every call to a provider with this; gives the bodies that were sent. */
function playApi(answer: () => Response): string[] {
  const calls: string[] = [];
  vi.stubGlobal('fetch', async (url: RequestInfo | URL, init: RequestInit = {}) => {
    calls.push(`${url} ${init.body}`);
    return answer();
  });
  return calls;
}

const orderOf = async (channelId: string, orderNo: string) =>
  (await call('GET', `/v1/orders/${channelId}/${orderNo}`)).body.order;

describe('a payment', () => {
  it.each(['md5', 'sha256'] as const)(
    'signed with %s makes the order paid and is acknowledged byte for byte',
    async (hash) => {
      const [channel, orderNo] = [await makeShop(), unique('V2')];
      expect(await post(channel, signed(paid(orderNo), hash))).toEqual({ status: 200, body: SUCCESS });
      expect(await orderOf(channel, orderNo)).toMatchObject({
        state: 'paid',
        paid: { minor: 100, currency: 'CNY' },
        payments: [{ transactionId: `42000027${orderNo}`, providerMethod: 'NATIVE' }],
      });
      // Again with another nonce and the other algorithm: the same fact.
      const again = signed(paid(orderNo, { nonce_str: 'again' }), hash === 'md5' ? 'sha256' : 'md5');
      expect(await post(channel, again)).toEqual({ status: 200, body: SUCCESS });
      expect(await orderOf(channel, orderNo)).toMatchObject({ state: 'paid', flags: [], sequence: 1 });
    },
  );

  it('that was changed on its way changes nothing and is answered with FAIL', async () => {
    const [channel, orderNo] = [await makeShop(), unique('V2')];
    const body = signed(paid(orderNo)).replace('[100]', '[900]');
    expect(await post(channel, body)).toEqual({ status: 401, body: FAIL });
    expect(await orderOf(channel, orderNo)).toBeUndefined();
  });
});

describe('a refund notice', () => {
  it('changes its order by what the query answers, not by what it says', async () => {
    const [channel, orderNo] = [await makeShop(), unique('V2')];
    await post(channel, signed(paid(orderNo)));
    const calls = playApi(() => new Response(refundAnswer(orderNo)));
    expect(await post(channel, refundNotice(orderNo))).toEqual({ status: 200, body: SUCCESS });
    expect(calls).toHaveLength(1);
    expect(calls[0]).toContain('https://api.mch.weixin.qq.com/pay/refundquery');
    expect(calls[0]).toContain(`<out_refund_no><![CDATA[R${orderNo}]]></out_refund_no>`);
    expect(await orderOf(channel, orderNo)).toMatchObject({
      state: 'partially_refunded',
      refunded: { minor: 40 },
      refunds: [{ refundNo: `R${orderNo}`, state: 'succeeded' }],
    });
  });

  it('that the query does not know changes nothing', async () => {
    const [channel, orderNo] = [await makeShop(), unique('V2')];
    await post(channel, signed(paid(orderNo)));
    playApi(
      () =>
        new Response(signed({ ...merchant, return_code: 'SUCCESS', result_code: 'FAIL', err_code: 'REFUNDNOTEXIST' })),
    );
    expect(await post(channel, refundNotice(orderNo))).toEqual({ status: 200, body: SUCCESS });
    expect(await orderOf(channel, orderNo)).toMatchObject({ state: 'paid', refunds: [] });
  });

  it('that cannot be confirmed is asked for again', async () => {
    const [channel, orderNo] = [await makeShop(), unique('V2')];
    await post(channel, signed(paid(orderNo)));
    const forged = refundAnswer(orderNo).replace('[40]', '[90]');
    for (const answer of [() => new Response('', { status: 502 }), () => new Response(forged)]) {
      playApi(answer);
      expect(await post(channel, refundNotice(orderNo))).toEqual({ status: 503, body: FAIL });
    }
    expect(await orderOf(channel, orderNo)).toMatchObject({ state: 'paid', refunds: [] });
  });

  it('is kept and asks nobody where nobody can be asked', async () => {
    const [channel, orderNo] = [await makeShop({ appIds: [] }), unique('V2')];
    await post(channel, signed(paid(orderNo)));
    const calls = playApi(() => new Response(refundAnswer(orderNo)));
    const body = refundNotice(orderNo).replace('wx2421b1c4370ec43b', '');
    expect(await post(channel, body)).toEqual({ status: 200, body: SUCCESS });
    expect(calls).toEqual([]);
    expect(await orderOf(channel, orderNo)).toMatchObject({ state: 'paid', refunds: [] });
    const alarms = await vi.waitFor(async () => {
      const { body } = await call('GET', '/v1/alarms');
      const mine = (body.items ?? []).filter(({ subject }) => String(subject) === `channel/${channel}`);
      expect(mine).toHaveLength(1);
      return mine;
    });
    expect(alarms.map(({ code }) => String(code))).toEqual(['unconfirmed_notice']);
  });
});

describe('hostile XML', () => {
  it.each([
    '<!DOCTYPE xml [<!ENTITY xxe SYSTEM "http://tst.qq.com/xxe_inject/1">]>',
    '<!DOCTYPE xml [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]>',
    '<?xml-stylesheet href="http://127.0.0.1/"?>',
  ])('gets the documented failure and fetches nothing: %s', async (prefix) => {
    const [channel, orderNo] = [await makeShop(), unique('V2')];
    const calls = playApi(() => new Response(''));
    expect(await post(channel, prefix + signed(paid(orderNo)))).toEqual({ status: 400, body: FAIL });
    expect(calls).toEqual([]);
    expect(await orderOf(channel, orderNo)).toBeUndefined();
  });
});
