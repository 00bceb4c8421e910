// The pretend Alipay over real HTTP, judged by code that somebody else wrote, the npm SDK alipay-sdk, and by the
// gateway's own dialect: calls, signatures, notices in both charsets, and every way to misbehave.
import { randomBytes, sign, verify } from 'node:crypto';
import { AlipaySdk } from 'alipay-sdk';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, ProviderRequest, RefundOrder } from '../../src/providers/provider.ts';
import { type Alipay, startAlipay } from '../../src/sandbox/alipay.ts';
import {
  ALIPAY_RETRY_SECONDS,
  ALIPAY_SPOILS,
  ALIPAY_VARIANTS,
  type AlipayMisbehaviour,
} from '../../src/sandbox/alipay-courier.ts';
import { type AlipayIdentity, alipayCredentialsOf, createAlipayIdentity } from '../../src/sandbox/alipay-identity.ts';
import { type Listening, serve } from '../../src/sandbox/http.ts';
import { bytesIn, formOf } from '../fixtures/alipay/merchant.ts';

const provider = providerOf('alipay');
const { query, pay, close, refund } = provider ?? {};
if (!provider || !query || !pay || !close || !refund) throw new Error('alipay lacks a capability');

let identity: AlipayIdentity;
let sandbox: Listening & { alipay: Alipay };
let receiver: Listening;
let credentials: unknown;
let arrivals: { readonly body: string; readonly verdict: string; readonly events: unknown }[] = [];
/** What the receiver answers, one after the other; `success` when none is left. */
let answers: string[] = [];

beforeAll(async () => {
  identity = await createAlipayIdentity();
  credentials = provider.credentials.parse(alipayCredentialsOf(identity));
  receiver = await serve(0, async ({ headers, body }) => {
    const now = Date.now();
    const callback = { channelId: 'shop', headers, body, remoteAddress: null, receivedAt: now };
    const notice = await provider.verify(callback, credentials, [], now);
    const told = notice.ok ? provider.translate(notice.value, credentials) : notice;
    const events = told.ok && 'events' in told.value ? told.value.events : null;
    arrivals.push({ body: body.toString('latin1'), verdict: told.ok ? 'accepted' : told.error.reason, events });
    return { status: 200, body: answers.shift() ?? (told.ok ? 'success' : 'fail') };
  });
  sandbox = await startAlipay(0, { identity, notifyUrl: receiver.url, timeScale: 0.00001 });
});
beforeEach(() => {
  arrivals = [];
  answers = [];
});
afterAll(async () => {
  await sandbox.close();
  await receiver.close();
});

const orderNo = (word = '') => `T${word}_${randomBytes(8).toString('hex')}`;
const sdk = (more: object = {}) =>
  new AlipaySdk({
    appId: identity.appId,
    privateKey: identity.merchant.privatePem,
    keyType: 'PKCS8',
    alipayPublicKey: identity.platform.publicPem,
    gateway: `${sandbox.url}/gateway.do`,
    ...more,
  });
const exec = (method: string, bizContent: object, more: object = {}) =>
  sdk(more).exec(method, { notify_url: receiver.url, bizContent }, { validateSign: true });
const precreate = (outTradeNo: string, total = '1.00', more: object = {}) =>
  exec('alipay.trade.precreate', { out_trade_no: outTradeNo, total_amount: total, subject: '茶', ...more });
const paidOrder = async (word = '') => {
  const no = orderNo(word);
  await precreate(no);
  await sandbox.alipay.pay({ outTradeNo: no }).first;
  return no;
};
const notices = (no: string) => arrivals.filter(({ body }) => body.includes(no));

describe('the SDK', () => {
  it('gets a code, sees the trade at the scan, the payment, and parts given back', async () => {
    const no = orderNo();
    expect(await precreate(no)).toMatchObject({ code: '10000', qrCode: expect.stringMatching(/^https:\/\/qr\./) });
    const find = () => exec('alipay.trade.query', { out_trade_no: no });
    expect(await find()).toMatchObject({ code: '40004', subCode: 'ACQ.TRADE_NOT_EXIST' });
    sandbox.alipay.scan(no);
    expect(await find()).toMatchObject({ tradeStatus: 'WAIT_BUYER_PAY', totalAmount: '1.00' });
    await sandbox.alipay.pay({ outTradeNo: no }).first;
    expect(await find()).toMatchObject({ tradeStatus: 'TRADE_SUCCESS', buyerPayAmount: '1.00' });
    const give = (amount: string, refundNo: string) =>
      exec('alipay.trade.refund', { out_trade_no: no, refund_amount: amount, out_request_no: refundNo });
    expect(await give('0.30', 'R1')).toMatchObject({ fundChange: 'Y', refundFee: '0.30' });
    expect(await give('0.30', 'R1')).toMatchObject({ fundChange: 'N', refundFee: '0.30' });
    expect(await give('0.20', 'R1')).toMatchObject({ subCode: 'ACQ.DISCORDANT_REPEAT_REQUEST' });
    expect(await give('0.71', 'R2')).toMatchObject({ subCode: 'ACQ.REASON_TRADE_REFUND_FEE_ERR' });
    expect(await give('0.70', 'R3')).toMatchObject({ fundChange: 'Y', refundFee: '1.00' });
    expect(await find()).toMatchObject({ tradeStatus: 'TRADE_CLOSED', sendPayDate: expect.anything() });
    const about = { out_trade_no: no, out_request_no: 'R1', query_options: ['gmt_refund_pay'] };
    expect(await exec('alipay.trade.fastpay.refund.query', about)).toMatchObject({
      refundStatus: 'REFUND_SUCCESS',
      refundAmount: '0.30',
    });
  });

  it('gets the same order once more, refuses to be told other terms, and closes what waits', async () => {
    const no = orderNo();
    const [first, again] = [await precreate(no), await precreate(no)];
    expect(again).toMatchObject({ code: '10000' });
    expect(again.qrCode).not.toBe(first.qrCode);
    expect(await precreate(no, '2.00')).toMatchObject({ subCode: 'ACQ.CONTEXT_INCONSISTENT' });
    const end = () => exec('alipay.trade.close', { out_trade_no: no });
    expect(await end()).toMatchObject({ subCode: 'ACQ.TRADE_NOT_EXIST' });
    sandbox.alipay.scan(no);
    expect(await end()).toMatchObject({ code: '10000', outTradeNo: no });
    expect(await end()).toMatchObject({ subCode: 'ACQ.TRADE_STATUS_ERROR' });
    expect(await precreate(no)).toMatchObject({ subCode: 'ACQ.TRADE_HAS_CLOSE' });
    expect(await precreate(await paidOrder())).toMatchObject({ subCode: 'ACQ.TRADE_HAS_SUCCESS' });
  });

  it('is turned away with a stranger’s key, another APPID or a call that there is none of', async () => {
    const stranger = (await createAlipayIdentity()).merchant.privatePem;
    const find = (more: object) => sdk(more).exec('alipay.trade.query', { bizContent: { out_trade_no: '1' } });
    expect(await find({ privateKey: stranger })).toMatchObject({ subCode: 'isv.invalid-signature' });
    expect(await find({ appId: '2021000000000000' })).toMatchObject({ subCode: 'isv.invalid-app-id' });
    expect(await sdk().exec('constructor', { bizContent: {} })).toMatchObject({ subCode: 'isv.invalid-method' });
  });

  it('verifies a notice', async () => {
    const no = await paidOrder();
    const [notice] = notices(no);
    const fields = Object.fromEntries(new URLSearchParams(notice?.body));
    expect(fields).toMatchObject({ trade_status: 'TRADE_SUCCESS', total_amount: '1.00', subject: '茶' });
    expect(sdk().checkNotifySignV2(fields)).toBe(true);
    expect(sdk().checkNotifySignV2({ ...fields, total_amount: '0.01' })).toBe(false);
  });
});

it.each(['utf-8', 'gbk'])('a call in %s is verified over its own bytes, and so is the answer', async (charset) => {
  const fields = {
    app_id: identity.appId,
    biz_content: JSON.stringify({ out_trade_no: '无此订单' }),
    charset,
    method: 'alipay.trade.query',
    sign_type: 'RSA2',
    timestamp: '2026-01-01 10:35:00',
    version: '1.0',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  const signature = sign('sha256', bytesIn(charset, lines.join('&')), identity.merchant.privatePem).toString('base64');
  const { biz_content: content, ...rest } = { ...fields, sign: signature };
  const url = `${sandbox.url}/gateway.do?${formOf(rest, charset)}`;
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await fetch(url, { method: 'POST', headers, body: formOf({ biz_content: content }, charset) });
  const text = new TextDecoder(charset).decode(await response.arrayBuffer());
  const [, raw = '', answered = ''] = /^\{"alipay_trade_query_response":(.*),"sign":"(.*)"\}$/.exec(text) ?? [];
  expect(JSON.parse(raw)).toMatchObject({ sub_code: 'ACQ.TRADE_NOT_EXIST', sub_msg: '交易不存在' });
  const isGenuine = (bytes: Buffer) =>
    verify('sha256', bytes, identity.platform.publicPem, Buffer.from(answered, 'base64'));
  expect(isGenuine(bytesIn(charset, raw))).toBe(true);
  expect(isGenuine(Buffer.from(raw))).toBe(charset === 'utf-8');
});

describe('a notice', () => {
  it.each(['utf-8', 'gbk'] as const)('in %s is read by the gateway', async (charset) => {
    const no = orderNo();
    await sandbox.alipay.pay({ outTradeNo: no, amount: 250, charset }).first;
    expect(notices(no)).toMatchObject([
      { verdict: 'accepted', events: [{ orderNo: no, status: 'succeeded', amount: { minor: 250 } }] },
    ]);
    const subject = { 'utf-8': '%E5%88%AB', gbk: '%B1%F0' }[charset];
    expect(notices(no)[0]?.body).toContain(`subject=${subject}`);
  });

  it('tells of a refund with the running total, of closing, and of the end', async () => {
    const no = await paidOrder();
    await sandbox.alipay.refund({ outTradeNo: no, outRequestNo: 'R1', amount: 30 }).first;
    await sandbox.alipay.refund({ outTradeNo: no, outRequestNo: 'R2', amount: 20 }).first;
    await sandbox.alipay.finish({ outTradeNo: no }).first;
    expect(notices(no).map(({ events }) => events)).toMatchObject([
      [{ kind: 'payment', status: 'succeeded' }],
      [{ kind: 'payment' }, { kind: 'refund', refundNo: 'R1', amount: { minor: 30 }, cumulative: true }],
      [{ kind: 'payment' }, { kind: 'refund', refundNo: 'R2', amount: { minor: 50 }, cumulative: true }],
      [{ kind: 'payment', status: 'succeeded', providerState: 'TRADE_FINISHED' }],
    ]);
    const open = orderNo();
    await precreate(open);
    sandbox.alipay.scan(open);
    await exec('alipay.trade.close', { out_trade_no: open });
    await expect.poll(() => notices(open).length).toBe(1);
    expect(notices(open)).toMatchObject([{ events: [{ kind: 'payment', status: 'closed' }] }]);
  });

  it('comes again on Alipay’s schedule until the answer is success and nothing else', async () => {
    const no = orderNo();
    answers = ['success\n', '{"code":"success"}', 'fail'];
    const { notice } = sandbox.alipay.pay({ outTradeNo: no, amount: 100 });
    await expect.poll(() => notice.state).toBe('acknowledged');
    expect(notice.attempts.map(({ answer }) => answer)).toEqual(['success\n', '{"code":"success"}', 'fail', 'success']);
    expect(new Set(notices(no).map(({ body }) => body)).size).toBe(1);
    expect(ALIPAY_RETRY_SECONDS.reduce((sum, wait) => sum + wait)).toBe(87_840);
  });

  it('is given up after eight attempts', async () => {
    answers = Array(8).fill('fail');
    const { notice } = sandbox.alipay.pay({ outTradeNo: orderNo(), amount: 100 });
    await expect.poll(() => notice.state, { timeout: 4_000 }).toBe('given_up');
    expect(notice.attempts).toHaveLength(8);
  });

  /** What the gateway must make of each. */
  const wanted: Readonly<Record<AlipayMisbehaviour, readonly string[]>> = {
    'tampered-amount': ['signature_invalid'],
    forged: ['signature_invalid'],
    'missing-signature': ['signature_invalid'],
    'other-app': ['wrong_merchant'],
    'other-merchant': ['wrong_merchant'],
    'unknown-event': ['accepted'],
    duplicate: ['accepted', 'accepted'],
  };
  it.each(Object.entries({ ...ALIPAY_SPOILS, ...ALIPAY_VARIANTS }))(
    'that is %s (%s) gets its verdict',
    async (name) => {
      const misbehave = name as AlipayMisbehaviour; // the keys of those very tables
      const no = orderNo();
      await sandbox.alipay.pay({ outTradeNo: no, amount: 100, misbehave, attempts: 1 }).first;
      expect(notices(no).map(({ verdict }) => verdict)).toEqual(wanted[misbehave]);
    },
  );
});

describe('the gateway’s own calls', () => {
  const context = () => ({ now: Date.now(), nonce: randomBytes(16).toString('hex') });
  const carry = async (made: { ok: boolean; value?: ProviderRequest }, timeoutMs = 5_000): Promise<ProviderAnswer> => {
    if (!made.value) throw new Error(JSON.stringify(made));
    const { method, headers, body, url } = made.value;
    const { pathname, search } = new URL(url);
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(sandbox.url + pathname + search, { method, headers, body, signal });
    return { status: response.status, headers: {}, body: new Uint8Array(await response.arrayBuffer()) };
  };
  const order = (no: string) => ({
    orderNo: no,
    notifyUrl: receiver.url,
    registration: {
      amount: { minor: 100, currency: 'CNY' },
      description: '茶叶',
      expiresAt: Date.now() + 600_000,
      metadata: {},
      registeredAt: Date.now(),
    },
  });
  const asked = (no: string, refundNo: string): RefundOrder => ({
    orderNo: no,
    transactionId: null,
    refundNo,
    amount: { minor: 40, currency: 'CNY' },
    paid: { minor: 100, currency: 'CNY' },
    reason: '少发一件',
    notifyUrl: receiver.url,
  });
  const askPay = async (no: string, timeoutMs?: number) =>
    pay.read(await carry(await pay.request(order(no), credentials, context()), timeoutMs), credentials, [], Date.now());
  const askClose = async (no: string) =>
    close.read(await carry(await close.request({ orderNo: no }, credentials, context())), credentials, [], Date.now());
  const askRefund = async (no: string, refundNo: string, timeoutMs?: number) => {
    const answer = await carry(await refund.request(asked(no, refundNo), credentials, context()), timeoutMs);
    return refund.read(answer, asked(no, refundNo), credentials, [], Date.now());
  };
  const askQuery = async (target: { orderNo: string; refundNo?: string }) => {
    const answer = await carry(await query.request(target, credentials, context()));
    return query.read(answer, target, credentials, [], Date.now());
  };
  const timedOut = { name: 'TimeoutError' };

  it('ask for a payment, look it up, close it and learn that a paid one is paid', async () => {
    const no = orderNo();
    expect(await askPay(no)).toMatchObject({ ok: true, value: { codeUrl: expect.stringMatching(/^https:\/\/qr\./) } });
    expect(await askQuery({ orderNo: no })).toMatchObject({ ok: true, value: { events: [] } });
    expect(await askClose(no)).toEqual({ ok: true, value: 'unknown' });
    sandbox.alipay.scan(no);
    expect(await askQuery({ orderNo: no })).toMatchObject({ value: { events: [{ status: 'pending' }] } });
    expect(await askClose(no)).toEqual({ ok: true, value: 'closed' });
    expect(await askQuery({ orderNo: no })).toMatchObject({ value: { events: [{ status: 'closed' }] } });
    expect(await askPay(no)).toMatchObject({ error: { code: 'refused' } });
    const paid = await paidOrder();
    expect(await askClose(paid)).toEqual({ ok: true, value: 'paid' });
    expect(await askPay(paid)).toMatchObject({ error: { code: 'already_paid' } });
  });

  it('give money back, once for each number, and never more than was paid', async () => {
    const no = await paidOrder();
    expect(await askRefund(no, 'R1')).toMatchObject({
      value: { events: [{ kind: 'refund', state: 'succeeded', refundNo: 'R1', amount: { minor: 40 } }] },
    });
    expect(await askRefund(no, 'R1')).toMatchObject({ value: { events: [{ state: 'pending' }] } });
    expect(await askRefund(no, 'R2')).toMatchObject({ value: { events: [{ amount: { minor: 40 } }] } });
    expect(await askRefund(no, 'R3')).toMatchObject({ error: { code: 'refused' } });
    expect(await askQuery({ orderNo: no, refundNo: 'R2' })).toMatchObject({
      value: { events: [{ state: 'succeeded', amount: { minor: 40 }, reason: '少发一件' }] },
    });
    expect(await askQuery({ orderNo: no, refundNo: 'R3' })).toMatchObject({ value: { events: [] } });
  });

  it('meet TIMEOUT and LOST: the first was carried out, the second was not', async () => {
    const [late, lost] = [orderNo('TIMEOUT'), orderNo('LOST')];
    await expect(askPay(late, 300)).rejects.toMatchObject(timedOut);
    await expect(askPay(lost, 300)).rejects.toMatchObject(timedOut);
    expect(sandbox.alipay.trades.all().map(({ outTradeNo }) => outTradeNo)).toContain(late);
    expect(sandbox.alipay.trades.all().map(({ outTradeNo }) => outTradeNo)).not.toContain(lost);
    expect(await askPay(lost)).toMatchObject({ ok: true });
    const no = await paidOrder();
    await expect(askRefund(no, 'R_TIMEOUT', 300)).rejects.toMatchObject(timedOut);
    expect(await askQuery({ orderNo: no, refundNo: 'R_TIMEOUT' })).toMatchObject({
      value: { events: [{ state: 'succeeded' }] },
    });
  });

  it('meet UNSIGNED, SYSTEMERROR, NOTENOUGH and SLOW, and go on when they ask again', async () => {
    const no = orderNo('UNSIGNED_SYSTEMERROR');
    expect(await askPay(no)).toMatchObject({ error: { code: 'unavailable' } });
    expect(await askPay(no)).toMatchObject({ error: { code: 'unverified' } });
    expect(await askPay(no)).toMatchObject({ ok: true });
    const paid = await paidOrder();
    expect(await askRefund(paid, 'R_NOTENOUGH')).toMatchObject({ error: { code: 'insufficient_balance' } });
    expect(await askRefund(paid, 'R_NOTENOUGH')).toMatchObject({ value: { events: [{ state: 'succeeded' }] } });
    expect(await askRefund(paid, 'R_SLOW')).toMatchObject({ value: { events: [{ state: 'pending' }] } });
    const slow = { orderNo: paid, refundNo: 'R_SLOW' };
    expect(await askQuery(slow)).toMatchObject({ value: { events: [] } });
    expect(await askQuery(slow)).toMatchObject({ value: { events: [{ state: 'succeeded' }] } });
    await expect.poll(() => notices(paid).length).toBe(3);
    const other = await paidOrder();
    for (let times = 0; times < 3; times += 1) {
      expect(await askRefund(other, 'R_SYSTEMERRORALWAYS')).toMatchObject({ error: { code: 'unavailable' } });
    }
  });
});

describe('its control', () => {
  const control = async (path: string, asked?: object) => {
    const init = asked === undefined ? {} : { method: 'POST', body: JSON.stringify(asked) };
    const response = await fetch(`${sandbox.url}/sandbox/alipay${path}`, init);
    const text = await response.text();
    return { status: response.status, body: JSON.parse(text) as unknown }; // looked into by matchers alone
  };

  it('pays, refunds and shows what was sent, for people with curl', async () => {
    const no = orderNo();
    expect(await control('/pay', { outTradeNo: no })).toMatchObject({
      status: 400,
      body: { error: expect.stringMatching(/amount/) },
    });
    expect(await control('/pay', { outTradeNo: no, amount: 100 })).toMatchObject({
      status: 200,
      body: { notice: { state: 'acknowledged', attempts: [{ status: 200, answer: 'success' }] } },
    });
    const again = await control('/pay', { outTradeNo: no });
    expect(again).toMatchObject({ status: 400, body: { error: expect.stringMatching(/TRADE_SUCCESS/) } });
    expect((await control('/refund', { outTradeNo: no, outRequestNo: 'C1', amount: 10 })).status).toBe(200);
    const [newest] = [...(Object((await control('/notices')).body).items ?? [])];
    expect(newest).toMatchObject({ fields: { out_biz_no: 'C1', refund_fee: '0.10' } });
    expect(await control('')).toMatchObject({ body: { magicWords: { timeout: expect.anything() } } });
    const entered = (await control('/credentials')).body;
    expect(provider.credentials.safeParse(entered).success).toBe(true);
    expect((await control('/nothing')).status).toBe(404);
  });
});
