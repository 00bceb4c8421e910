// One Alipay order's money through the Worker's own doors: a code, closing, refunds and what an unreliable gateway
// makes of them. The pretend Alipay answers behind fetch and brings its notices to the callback door.
import { exports } from 'cloudflare:workers';
import { Buffer } from 'node:buffer';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { dayOf } from '../../src/core/bill.ts';
import { DAY_MS } from '../../src/core/limits.ts';
import { Alipay } from '../../src/sandbox/alipay.ts';
import { alipayCredentialsOf, createAlipayIdentity } from '../../src/sandbox/alipay-identity.ts';
import { call, unique } from './api-world.ts';
import { later, MINUTE_MS, Shop, shortenProviderWaits, startClock } from './order-world.ts';
import { reconciled } from './reconcile-world.ts';

const identity = await createAlipayIdentity();
const shop = await Shop.open({ provider: 'alipay', credentials: alipayCredentialsOf(identity) });
let alipay: Alipay;
let asked: string[] = [];
/** No notice arrives. */
let isCut = false;

beforeEach(() => {
  startClock();
  later(MINUTE_MS); // the budget of the test before is earned again
  asked = [];
  isCut = false;
  alipay = new Alipay({
    identity,
    now: () => Date.now(),
    post: async (url, { headers, body }) => {
      if (isCut) return { status: 502, body: '' };
      const response = await exports.default.fetch(new Request(url, { method: 'POST', headers, body }));
      return { status: response.status, body: await response.text() };
    },
  });
  vi.stubGlobal('fetch', async (input: URL | string, init: RequestInit = {}) => {
    const { pathname, search, searchParams } = new URL(input);
    asked.push(searchParams.get('method')?.replace('alipay.trade.', '') ?? '');
    const { signal } = init;
    const answer = await alipay.answer({
      ...{ method: init.method ?? 'GET', target: pathname + search, path: pathname, query: searchParams },
      headers: Object.fromEntries(new Headers(init.headers)),
      body: Buffer.from(typeof init.body === 'string' ? init.body : ''),
      hungUp: signal ?? new AbortController().signal,
    });
    signal?.throwIfAborted();
    return new Response(Buffer.from(answer?.bytes ?? ''), { status: answer?.status ?? 404 });
  });
});
afterEach(() => vi.restoreAllMocks());

const numbered = (word = '') => unique(`A${word}`).replace('-', '_');
const sell = (word = '') => shop.sell({ orderNo: numbered(word) });
const paid = async () => {
  const orderNo = await sell();
  await alipay.pay({ outTradeNo: orderNo }).first;
  asked = [];
  return orderNo;
};
const orderOf = async (orderNo: string) => (await shop.read(orderNo)).body.order;
const give = (orderNo: string, refundNo: string, minor = 400) =>
  shop.post(orderNo, 'refunds', { refundNo, amount: { minor, currency: 'CNY' }, reason: '少发一件' });
const CLOSE_FROM_MS = 5 * MINUTE_MS + 1_000;

it('a code is asked for with the same words until the payer has it', async () => {
  const orderNo = numbered('UNSIGNED_SYSTEMERROR');
  const input = shop.order({ orderNo, pay: true });
  const first = await call('POST', '/v1/orders', input);
  expect(first.body.payment).toMatchObject({ codeUrl: expect.stringMatching(/^https:\/\/qr\.alipay\.com\//) });
  expect(asked.filter((method) => method === 'precreate').length).toBeGreaterThan(1);
  expect(alipay.trades.all()).toHaveLength(1);
  await alipay.pay({ outTradeNo: orderNo, charset: 'gbk' }).first;
  expect(await orderOf(orderNo)).toMatchObject({ state: 'paid', paid: { minor: 1_000 }, flags: [] });
});

it('an order whose code nobody scanned can still be paid, and is closed only when the code has run out', async () => {
  const orderNo = await sell();
  later(CLOSE_FROM_MS);
  const early = await shop.post(orderNo, 'close');
  expect([early.status, early.body.code]).toEqual([409, 'wrong_status']);
  expect(early.body.detail).toMatch(/code still works/);
  later(2 * 60 * MINUTE_MS);
  expect((await shop.post(orderNo, 'close')).body.order).toMatchObject({ state: 'closed' });
  expect(asked).not.toContain('cancel');
});

it('an order that was scanned and not paid is closed, and one that was paid meanwhile is paid', async () => {
  const orderNo = await sell();
  alipay.scan(orderNo);
  later(CLOSE_FROM_MS);
  asked = [];
  expect((await shop.post(orderNo, 'close')).body.order).toMatchObject({ state: 'closed' });
  expect(asked).toEqual(['query', 'close', 'query']);
  expect(alipay.trades.get(orderNo)?.state).toBe('TRADE_CLOSED');
  const other = await sell();
  later(CLOSE_FROM_MS);
  await alipay.pay({ outTradeNo: other, misbehave: 'forged', attempts: 1 }).first;
  const reply = await shop.post(other, 'close');
  expect([reply.status, reply.body.code]).toEqual([409, 'order_paid']);
  expect(await orderOf(other)).toMatchObject({ state: 'paid' });
});

it('a refund is told by its answer with its own amount, and once though its notice tells the total', async () => {
  const orderNo = await paid();
  expect((await give(orderNo, 'R_1')).body.refund).toMatchObject({ state: 'succeeded', amount: { minor: 400 } });
  later(2_000);
  expect((await give(orderNo, 'R_2', 500)).status).toBe(201);
  later(2_000);
  await alipay.refund({ outTradeNo: orderNo, outRequestNo: 'CONSOLE', amount: 100 }).first;
  await vi.waitFor(async () => {
    expect(await orderOf(orderNo)).toMatchObject({
      state: 'refunded',
      refunded: { minor: 1_000 },
      flags: [],
      refunds: [
        { refundNo: 'R_1', amount: { minor: 400 }, state: 'succeeded', reason: '少发一件' },
        { refundNo: 'R_2', amount: { minor: 500 } },
        { refundNo: 'CONSOLE', amount: { minor: 100 } },
      ],
    });
  });
  expect((await give(orderNo, 'R_3', 1)).body.code).toBe('refund_exceeds_payment');
});

it('a refund that the account cannot cover is free again, and may be asked for again under its number', async () => {
  const orderNo = await paid();
  const short = await give(orderNo, 'R_NOTENOUGH', 1_000);
  expect(short.body.code).toBe('insufficient_balance');
  expect((await shop.read(orderNo, '/refunds')).body.refundable).toEqual({ minor: 1_000, currency: 'CNY' });
  expect((await give(orderNo, 'R_NOTENOUGH', 1_000)).body.refund).toMatchObject({ state: 'succeeded' });
});

it('a refund whose answer never came, was lost or unsigned is asked about, and given back once', async () => {
  shortenProviderWaits();
  for (const word of ['TIMEOUT', 'LOST', 'UNSIGNED', 'SYSTEMERROR']) {
    const orderNo = await paid();
    const reply = await give(orderNo, `R_${word}`);
    expect([word, reply.status, reply.body.refund?.state]).toEqual([word, 201, 'succeeded']);
    expect(asked.filter((method) => method === 'fastpay.refund.query')).toHaveLength(word === 'UNSIGNED' ? 0 : 1);
    expect(alipay.trades.get(orderNo)?.refunds).toMatchObject([{ no: `R_${word}`, fen: 400 }]);
    expect(await orderOf(orderNo)).toMatchObject({ state: 'partially_refunded', refunded: { minor: 400 } });
  }
});

it('a refund that takes its time is pending until a query says that it is done', async () => {
  const orderNo = await paid();
  expect((await give(orderNo, 'R_SLOW')).body.refund).toMatchObject({ state: 'pending' });
  expect((await shop.read(orderNo, '/refunds')).body.refundable).toEqual({ minor: 600, currency: 'CNY' });
  // The second of the three is the order's own end.
  for (let run = 0; run < 3; run += 1) await shop.runTimer(orderNo);
  expect(asked.filter((method) => method === 'fastpay.refund.query')).toHaveLength(2);
  expect(await orderOf(orderNo)).toMatchObject({
    state: 'partially_refunded',
    refunds: [{ refundNo: 'R_SLOW', state: 'succeeded', amount: { minor: 400 } }],
  });
});

it('a refund that Alipay refuses for good frees its amount', async () => {
  const orderNo = await paid();
  await alipay.finish({ outTradeNo: orderNo }).first;
  const reply = await give(orderNo, 'R_1');
  expect(reply.body).toMatchObject({ code: 'provider_refused', detail: expect.stringMatching(/TRADE_HAS_FINISHED/) });
  expect((await shop.read(orderNo, '/refunds')).body.refundable).toEqual({ minor: 1_000, currency: 'CNY' });
});

it('a day is compared with its bills, zipped tables in GBK, and what a lost notice left out is repaired', async () => {
  const day = dayOf(Date.now());
  await paid();
  isCut = true;
  const lost = await paid();
  later(DAY_MS + 12 * 3_600_000);
  const view = await reconciled(shop.channel, day);
  expect(view).toMatchObject({ state: 'done', problem: null });
  expect([...(view.bills ?? [])].map(({ kind, state }) => `${kind} ${state}`)).toEqual(['trade done', 'fundflow done']);
  expect([...(view.settlement ?? [])]).toMatchObject([{ difference: '0.00000', balanceDifference: '0.00000' }]);
  expect(view.untied).toEqual({ bill: 0, account: 0, sums: [] });
  expect(await orderOf(lost)).toMatchObject({ state: 'paid', flags: expect.arrayContaining(['late_payment']) });
});
