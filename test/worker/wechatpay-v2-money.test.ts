// One WeChat Pay v2 order's money through the Worker's own doors: a code, closing, refunds under a certificate, static
// codes. The pretend WeChat Pay answers behind fetch and brings its notices to the callback door.
import { env, exports } from 'cloudflare:workers';
import { Buffer } from 'node:buffer';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dayOf } from '../../src/core/bill.ts';
import { DAY_MS } from '../../src/core/limits.ts';
import { BillDesk } from '../../src/sandbox/bill-desk.ts';
import { Courier } from '../../src/sandbox/courier.ts';
import { credentialsOfV2 } from '../../src/sandbox/identity.ts';
import { Magic } from '../../src/sandbox/magic.ts';
import { OrderBook } from '../../src/sandbox/orders.ts';
import { Play } from '../../src/sandbox/play.ts';
import { answerV2 } from '../../src/sandbox/v2-api.ts';
import { scan } from '../../src/sandbox/v2-scan.ts';
import { call, identity, unique } from './api-world.ts';
import { later, MINUTE_MS, Shop, startClock } from './order-world.ts';
import { reconciled } from './reconcile-world.ts';

const BINDING = 'MTLS_SANDBOX';
const shop = await Shop.open({ provider: 'wechatpay-v2', credentials: credentialsOfV2(identity) });
let book: OrderBook;
let play: Play;
/** What WeChat Pay was asked, and whether the certificate was shown. */
let asked: [path: string, isCertified: boolean][] = [];
/** No notice arrives. */
let isCut = false;

beforeEach(() => {
  startClock();
  later(MINUTE_MS); // the budget of the test before is earned again
  asked = [];
  isCut = false;
  book = new OrderBook(null);
  const courier = new Courier({ identity, timeScale: 0.001, signWith: 'public-key' });
  play = new Play(identity, null, book, courier);
  const magic = new Magic();
  const onRefund = (...refund: Parameters<Play['endRefund']>) => play.endRefund(...refund);
  const answerTo =
    (isCertified: boolean) =>
    async (input: URL | string, init: RequestInit = {}) => {
      const url = new URL(input);
      const body = typeof init.body === 'string' ? init.body : '';
      if (url.pathname.startsWith('/callbacks/')) {
        if (isCut) return new Response(null, { status: 502 });
        return exports.default.fetch(new Request(url, { method: 'POST', headers: new Headers(init.headers), body }));
      }
      asked.push([url.pathname, isCertified]);
      const hungUp = init.signal ?? new AbortController().signal;
      const request = {
        method: 'POST',
        target: url.pathname,
        path: url.pathname,
        query: url.searchParams,
        headers: {},
      };
      const answer = await answerV2(
        { ...request, body: Buffer.from(body), hungUp },
        { identity, orders: book, magic, onRefund, bills: new BillDesk(book, 'at-once') },
      );
      return new Response(Buffer.from(answer.bytes ?? answer.body ?? ''), { status: answer.status });
    };
  vi.stubGlobal('fetch', answerTo(false));
  Reflect.set(env, BINDING, { fetch: answerTo(true) });
});
afterEach(() => {
  vi.restoreAllMocks();
  Reflect.deleteProperty(env, BINDING);
});

const paid = async (): Promise<string> => {
  const orderNo = await shop.sell();
  await play.pay({ outTradeNo: orderNo }).first;
  asked = [];
  return orderNo;
};
const give = (orderNo: string, refundNo: string, minor = 400) =>
  shop.post(orderNo, 'refunds', { refundNo, amount: { minor, currency: 'CNY' }, reason: '少发一件' });
const orderOf = async (orderNo: string) => (await shop.read(orderNo)).body.order;
const refundable = async (orderNo: string) => (await shop.read(orderNo, '/refunds')).body.refundable?.minor;

it('a code is asked for, and its payment arrives', async () => {
  const orderNo = await paid();
  expect(await orderOf(orderNo)).toMatchObject({ state: 'paid', paid: { minor: 1_000 }, flags: [] });
});

it('an order that nobody paid is closed, asked about before and after', async () => {
  const orderNo = await shop.sell();
  later(6 * MINUTE_MS);
  asked = [];
  expect((await shop.post(orderNo, 'close')).body.order).toMatchObject({ state: 'closed' });
  expect(asked.map(([path]) => path)).toEqual(['/pay/orderquery', '/pay/closeorder', '/pay/orderquery']);
});

it('a refund is asked for under the certificate, is pending, and is done when its notice was asked about', async () => {
  const orderNo = await paid();
  const reply = await give(orderNo, 'R-slow-1');
  expect([reply.status, reply.body.refund?.state]).toEqual([201, 'pending']);
  expect(asked).toEqual([['/secapi/pay/refund', true]]);
  await play.refund({ outTradeNo: orderNo, outRefundNo: 'R-slow-1', status: 'SUCCESS' }).first;
  expect(asked.slice(1)).toEqual([['/pay/refundquery', false]]);
  expect(await orderOf(orderNo)).toMatchObject({ state: 'partially_refunded', refunded: { minor: 400 } });
});

it('a refund that the account cannot cover is refused, and its amount is free again', async () => {
  const orderNo = await paid();
  const reply = await give(orderNo, 'R-notenough-1');
  expect([reply.status, reply.body.code]).toEqual([409, 'insufficient_balance']);
  expect(await refundable(orderNo)).toBe(1_000);
  expect((await give(orderNo, 'R-notenough-1')).status).toBeLessThan(300);
});

it('without the binding nothing is sent, nothing is set aside, and the answer says what to run', async () => {
  const orderNo = await paid();
  Reflect.deleteProperty(env, BINDING);
  const reply = await give(orderNo, 'R1');
  expect([reply.status, reply.body.code]).toEqual([422, 'provider_not_configured']);
  expect(reply.body.detail).toMatch(
    /npx wrangler mtls-certificate upload .*\[\[mtls_certificates\]\] binding = "MTLS_SANDBOX"/,
  );
  expect(asked).toEqual([]);
  expect(await refundable(orderNo)).toBe(1_000);
});

describe('a static code', () => {
  const notifyUrl = `http://127.0.0.1:8787/callbacks/${shop.channel}`;

  async function codeUrlOf(): Promise<string> {
    const amount = { minor: 250, currency: 'CNY' };
    const made = await call('POST', '/v1/products', {
      id: unique('tea'),
      channel: shop.channel,
      name: '一杯茶',
      amount,
    });
    if (made.status !== 201) throw new Error(made.text);
    return String(made.body.codeUrl);
  }

  async function scanned(codeUrl: string, payer: object = {}) {
    const outcome = await scan({ codeUrl, notifyUrl, ...payer }, identity, book);
    if (typeof outcome === 'string') throw new Error(outcome);
    return outcome;
  }

  it('is scanned, and its order paid', async () => {
    const { outTradeNo, ...answer } = await scanned(await codeUrlOf());
    expect(answer).toMatchObject({ status: 200, isSigned: true, answer: { result_code: 'SUCCESS' } });
    expect(outTradeNo).toMatch(/^QR/);
    await play.pay({ outTradeNo: outTradeNo ?? '' }).first;
    expect(await orderOf(outTradeNo ?? '')).toMatchObject({ state: 'paid', paid: { minor: 250 } });
  });

  it('tells the payer that the order is paid, though no notice of it has come', async () => {
    const [codeUrl, payer] = [await codeUrlOf(), { openid: 'o-payer', nonce: 'same1' }];
    const { outTradeNo } = await scanned(codeUrl, payer);
    const order = book.get(outTradeNo ?? '');
    if (!order) throw new Error('no order came of the scan');
    book.put({ ...order, state: 'SUCCESS', transactionId: '4200000000000000000000000001', paidAt: Date.now() });
    later(3 * 60 * MINUTE_MS);
    const again = await scanned(codeUrl, payer);
    expect(again.answer).toMatchObject({ result_code: 'FAIL', err_code_des: '订单已支付' });
  });
});

it('a day is compared with its bills, the answers themselves, and a lost notice is made up for', async () => {
  const day = dayOf(Date.now());
  await paid();
  isCut = true;
  const lost = await paid();
  later(DAY_MS + 12 * 3_600_000);
  const view = await reconciled(shop.channel, day);
  expect(asked).toEqual([
    ['/pay/downloadbill', false],
    ['/pay/downloadfundflow', true],
  ]);
  expect(view).toMatchObject({ state: 'done', problem: null, untied: { bill: 0, account: 0 } });
  expect([...(view.settlement ?? [])]).toMatchObject([{ difference: '0.00000', balanceDifference: '0.00000' }]);
  expect(await orderOf(lost)).toMatchObject({ state: 'paid', flags: expect.arrayContaining(['late_payment']) });
});
