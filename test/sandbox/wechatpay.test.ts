// The pretend WeChat Pay over real HTTP, judged by code that somebody else wrote: the npm SDK wechatpay-axios-plugin.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Aes, Formatter, Rsa } from 'wechatpay-axios-plugin';
import { RETRY_SCHEDULE_SECONDS } from '../../src/sandbox/courier.ts';
import { createIdentity, type Identity } from '../../src/sandbox/identity.ts';
import { startWeChatPay, type WeChatPay } from '../../src/sandbox/wechatpay.ts';

type Arrival = { headers: IncomingHttpHeaders; body: string; at: number };

let identity: Identity;
let sandbox: WeChatPay;
let receiver: Server;
let notifyUrl: string;
let arrivals: Arrival[] = [];
/** What the receiver answers, one after the other; 204 when none is left. */
let answers: number[] = [];

beforeAll(async () => {
  identity = await createIdentity(Date.now());
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      arrivals.push({ headers: request.headers, body: Buffer.concat(chunks).toString('utf8'), at: Date.now() });
      response.writeHead(answers.shift() ?? 204).end();
    });
  });
  await new Promise<void>((done) => receiver.listen(0, '127.0.0.1', done));
  const address = receiver.address();
  notifyUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/callbacks/shop`;
  sandbox = await startWeChatPay({ port: 0, identity, notifyUrl, timeScale: 0.001 });
});
beforeEach(() => {
  arrivals = [];
  answers = [];
});
afterAll(async () => {
  await sandbox.close();
  receiver.close();
});

const orderNo = () => `T${randomBytes(10).toString('hex')}`;

/** Calls the API as a merchant does: signed with the merchant's key. */
async function call(method: string, target: string, body?: object, change?: Record<string, string>) {
  const text = body ? JSON.stringify(body) : '';
  const [timestamp, nonce] = [String(Formatter.timestamp()), Formatter.nonce()];
  const signature = Rsa.sign(Formatter.request(method, target, timestamp, nonce, text), identity.merchant.privatePem);
  const authorization = Formatter.authorization(identity.mchId, nonce, signature, timestamp, identity.merchant.serial);
  const headers = { authorization, accept: 'application/json', 'user-agent': 'test', ...change };
  const response = await fetch(`${sandbox.url}${target}`, { method, headers, ...(body ? { body: text } : {}) });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const prepay = (outTradeNo: string, total = 100) =>
  call('POST', '/v3/pay/transactions/native', {
    appid: identity.appId,
    mchid: identity.mchId,
    description: 'a cup of tea',
    out_trade_no: outTradeNo,
    notify_url: notifyUrl,
    amount: { total, currency: 'CNY' },
  });

async function control(path: string, body: object) {
  const response = await fetch(`${sandbox.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, value: (await response.json()) as { notice: Notice; error?: string } };
}
type Notice = { id: string; state: string; attempts: { spoiled: string | null; acknowledged: boolean }[] };

const isSigned = (headers: Record<string, unknown>, body: string, publicPem: string): boolean => {
  const read = (name: string) => String(headers[`wechatpay-${name}`] ?? '');
  const message = Formatter.response(read('timestamp'), read('nonce'), body);
  return Rsa.verify(message, read('signature'), publicPem);
};
const plainOf = (body: string) => {
  const { resource } = JSON.parse(body);
  return JSON.parse(
    Aes.AesGcm.decrypt(resource.ciphertext, identity.apiV3Key, resource.nonce, resource.associated_data),
  );
};
const until = async (done: () => boolean) => {
  while (!done()) await new Promise((tick) => setTimeout(tick, 5));
};

it('gives a code_url for a signed order and signs its answer', async () => {
  const { status, headers, text } = await prepay(orderNo());
  expect(status).toBe(200);
  expect(JSON.parse(text).code_url).toMatch(/^weixin:\/\/wxpay\/bizpayurl\?pr=/);
  expect(headers.get('wechatpay-serial')).toBe(identity.publicKey.serial);
  expect(isSigned(Object.fromEntries(headers), text, identity.publicKey.publicPem)).toBe(true);
});

it('refuses an order whose signature does not fit', async () => {
  const { status, text } = await call('POST', '/v3/pay/transactions/native', { appid: 'x' }, { authorization: 'none' });
  expect(status).toBe(401);
  expect(JSON.parse(text).code).toBe('SIGN_ERROR');
});

it('answers the same order again with a fresh code and refuses other terms under its number', async () => {
  const no = orderNo();
  const first = JSON.parse((await prepay(no)).text).code_url;
  expect(JSON.parse((await prepay(no)).text).code_url).not.toBe(first);
  expect((await prepay(no, 200)).status).toBe(403);
});

it('notifies a payment with a signature and a ciphertext that the SDK accepts', async () => {
  const no = orderNo();
  await prepay(no, 321);
  const { value } = await control('/sandbox/pay', { outTradeNo: no, coupon: 21 });
  expect(value.notice.state).toBe('acknowledged');
  const [arrival] = arrivals;
  if (!arrival) throw new Error('nothing arrived');
  expect(isSigned(arrival.headers, arrival.body, identity.publicKey.publicPem)).toBe(true);
  expect(arrival.headers['cf-connecting-ip']).toBe('101.226.103.20');
  expect(JSON.parse(arrival.body)).toMatchObject({
    event_type: 'TRANSACTION.SUCCESS',
    resource_type: 'encrypt-resource',
  });
  expect(plainOf(arrival.body)).toMatchObject({
    mchid: identity.mchId,
    appid: identity.appId,
    out_trade_no: no,
    trade_state: 'SUCCESS',
    amount: { total: 321, payer_total: 300, currency: 'CNY' },
  });
});

it('repeats on the schedule until it is acknowledged: same body, new signature', async () => {
  answers = [500, 503, 302];
  const { value } = await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 1 });
  await until(() => arrivals.length === 4);
  expect(new Set(arrivals.map((arrival) => arrival.body)).size).toBe(1);
  expect(new Set(arrivals.map((arrival) => arrival.headers['wechatpay-nonce'])).size).toBe(4);
  for (const { headers, body } of arrivals) expect(isSigned(headers, body, identity.publicKey.publicPem)).toBe(true);
  expect(JSON.parse(arrivals[0]?.body ?? '').id).toBe(value.notice.id);
});

it('has the documented schedule of 24 hours and 4 minutes', () => {
  expect(RETRY_SCHEDULE_SECONDS).toHaveLength(15);
  expect(RETRY_SCHEDULE_SECONDS.reduce((sum, wait) => sum + wait, 0)).toBe(24 * 3_600 + 4 * 60);
});

it.each(['tampered-amount', 'wrong-serial', 'forged', 'signtest', 'missing-signature'])(
  'spoils the first attempt with %s so that it cannot verify, then sends the good one',
  async (misbehave) => {
    answers = [401];
    await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 5, misbehave });
    await until(() => arrivals.length === 2);
    const [bad, good] = arrivals;
    if (!bad || !good) throw new Error('two must arrive');
    const knowsSerial = bad.headers['wechatpay-serial'] === identity.publicKey.serial;
    expect(knowsSerial && isSigned(bad.headers, bad.body, identity.publicKey.publicPem)).toBe(false);
    expect(isSigned(good.headers, good.body, identity.publicKey.publicPem)).toBe(true);
    expect(plainOf(bad.body).amount.total).toBe(misbehave === 'tampered-amount' ? 1 : 5);
    expect(String(bad.headers['wechatpay-signature']).startsWith('WECHATPAY/SIGNTEST/')).toBe(misbehave === 'signtest');
  },
);

it('signs a stale notice correctly, 301 seconds ago', async () => {
  answers = [401];
  await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 5, misbehave: 'stale', attempts: 1 });
  const [arrival] = arrivals;
  if (!arrival) throw new Error('nothing arrived');
  expect(isSigned(arrival.headers, arrival.body, identity.publicKey.publicPem)).toBe(true);
  expect(Math.floor(arrival.at / 1000) - Number(arrival.headers['wechatpay-timestamp'])).toBeGreaterThanOrEqual(301);
});

it('sends duplicates after the acknowledgement and concurrent copies before it', async () => {
  await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 5, misbehave: 'duplicate', copies: 3 });
  await until(() => arrivals.length === 4);
  arrivals = [];
  await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 5, misbehave: 'concurrent', copies: 4 });
  expect(arrivals).toHaveLength(4);
});

it('holds a reordered notice back until the next one of its order was sent', async () => {
  const no = orderNo();
  await control('/sandbox/pay', { outTradeNo: no, amount: 5, misbehave: 'reorder' });
  expect(arrivals).toHaveLength(0);
  await control('/sandbox/refund', { outTradeNo: no, amount: 2 });
  await until(() => arrivals.length === 2);
  expect(arrivals.map((arrival) => JSON.parse(arrival.body).event_type)).toEqual([
    'REFUND.SUCCESS',
    'TRANSACTION.SUCCESS',
  ]);
});

it('tells of another merchant and of unknown events with an authentic signature', async () => {
  await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 5, misbehave: 'other-merchant' });
  await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 5, misbehave: 'unknown-event' });
  for (const { headers, body } of arrivals) expect(isSigned(headers, body, identity.publicKey.publicPem)).toBe(true);
  const [other, unknown] = arrivals;
  expect(plainOf(other?.body ?? '').mchid).not.toBe(identity.mchId);
  expect(JSON.parse(unknown?.body ?? '').event_type).toBe('SANDBOX.SOMETHING_NEW');
});

it.each(['SUCCESS', 'ABNORMAL', 'CLOSED'])('tells of a refund that ended %s', async (status) => {
  const outTradeNo = orderNo();
  await control('/sandbox/refund', { outTradeNo, total: 10, amount: 4, status });
  const [arrival] = arrivals;
  expect(JSON.parse(arrival?.body ?? '').event_type).toBe(`REFUND.${status}`);
  expect(plainOf(arrival?.body ?? '')).toMatchObject({ refund_status: status, amount: { total: 10, refund: 4 } });
});

it('answers queries, closes an unpaid order with an empty signed 204, and cannot close a paid one', async () => {
  const no = orderNo();
  const target = `/v3/pay/transactions/out-trade-no/${no}`;
  expect((await call('GET', `${target}?mchid=${identity.mchId}`)).status).toBe(404);
  await prepay(no);
  expect(JSON.parse((await call('GET', `${target}?mchid=${identity.mchId}`)).text).trade_state).toBe('NOTPAY');
  const closed = await call('POST', `${target}/close`, { mchid: identity.mchId });
  expect([closed.status, closed.text]).toEqual([204, '']);
  expect(isSigned(Object.fromEntries(closed.headers), '', identity.publicKey.publicPem)).toBe(true);
  const paid = orderNo();
  await prepay(paid);
  await control('/sandbox/pay', { outTradeNo: paid });
  expect(
    (await call('POST', `/v3/pay/transactions/out-trade-no/${paid}/close`, { mchid: identity.mchId })).status,
  ).toBe(400);
});

it('refunds a paid order once for each refund number and notifies it', async () => {
  const no = orderNo();
  await prepay(no, 100);
  await control('/sandbox/pay', { outTradeNo: no });
  const refund = { out_trade_no: no, out_refund_no: `R${no}`, amount: { refund: 60, total: 100, currency: 'CNY' } };
  const first = JSON.parse((await call('POST', '/v3/refund/domestic/refunds', refund)).text);
  const second = JSON.parse((await call('POST', '/v3/refund/domestic/refunds', refund)).text);
  expect(second.refund_id).toBe(first.refund_id);
  await until(() => arrivals.length === 2);
  expect(plainOf(arrivals[1]?.body ?? '')).toMatchObject({ refund_id: first.refund_id, refund_status: 'SUCCESS' });
  const more = { ...refund, out_refund_no: `S${no}` };
  expect(JSON.parse((await call('POST', '/v3/refund/domestic/refunds', more)).text).code).toBe('INVALID_REQUEST');
});

it('lists certificates that decrypt to what it signs with', async () => {
  const { data } = JSON.parse((await call('GET', '/v3/certificates')).text);
  expect(data).toHaveLength(2);
  const { ciphertext, nonce, associated_data } = data[0].encrypt_certificate;
  const pem = Aes.AesGcm.decrypt(ciphertext, identity.apiV3Key, nonce, associated_data);
  await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 5, signWith: 'certificate' });
  const [arrival] = arrivals;
  expect(arrival?.headers['wechatpay-serial']).toBe(data[0].serial_no);
  expect(isSigned(arrival?.headers ?? {}, arrival?.body ?? '', pem)).toBe(true);
});

it('says in a sentence what a control request lacks', async () => {
  const unknown = await control('/sandbox/pay', { outTradeNo: 'never-seen-1' });
  expect(unknown.status).toBe(400);
  expect(unknown.value.error).toContain('amount');
  expect((await control('/sandbox/pay', { outTradeNo: 'x', misbehave: 'nonsense' })).status).toBe(400);
});
