// The life of an order at the pretend WeChat Pay, by both of its APIs, asked for and read by the gateway's own
// dialects: what the words in its numbers do, how refunds end, and what notices lead to.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PaymentEvent } from '../../src/core/event.ts';
import { createIdentity, credentialsOf, credentialsOfV2, type Identity } from '../../src/sandbox/identity.ts';
import { startWeChatPay, type WeChatPay } from '../../src/sandbox/wechatpay.ts';
import { DialectMerchant } from './dialect-merchant.ts';
import { type Receiver, startReceiver, until } from './receiver.ts';

/** What both APIs take for a receipt. */
const RECEIPT = { status: 200, body: '<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>' };

let identity: Identity;
let receiver: Receiver;
let sandbox: WeChatPay;

beforeAll(async () => {
  identity = await createIdentity(Date.now());
  receiver = await startReceiver(RECEIPT);
  sandbox = await startWeChatPay({ port: 0, identity, notifyUrl: receiver.url, timeScale: 0.001 });
});
beforeEach(() => {
  receiver.arrivals.length = 0;
});
afterAll(async () => {
  await sandbox.close();
  receiver.close();
});

const orderNo = (word = '') => `${word}T${randomBytes(6).toString('hex')}`;

async function control(path: string, body: object): Promise<number> {
  return (await fetch(`${sandbox.url}${path}`, { method: 'POST', body: JSON.stringify(body) })).status;
}

const wordFor = (event: PaymentEvent) => `${event.kind} ${event.kind === 'payment' ? event.status : event.state}`;

describe.each(['wechatpay-v3', 'wechatpay-v2'])('%s', (id) => {
  let shop: DialectMerchant;
  beforeAll(() => {
    const entered = id === 'wechatpay-v3' ? credentialsOf(identity) : credentialsOfV2(identity);
    shop = new DialectMerchant(id, entered, sandbox.url, receiver);
  });

  async function paidOrder(): Promise<string> {
    const no = orderNo();
    expect(await shop.pay(shop.sale(no))).toBe('ok');
    expect(await control('/sandbox/pay', { outTradeNo: no })).toBe(200);
    receiver.arrivals.length = 0;
    return no;
  }

  /** The facts that all notices so far led to. */
  async function heard(): Promise<string[]> {
    const told = await Promise.all(receiver.arrivals.map((arrival) => shop.heard(arrival)));
    return told.flat().flatMap(({ events }) => events.map(wordFor));
  }

  describe('an order', () => {
    it('is asked for, asked for again, closed once, and then neither asked for nor paid', async () => {
      const sale = shop.sale(orderNo());
      expect([await shop.pay(sale), await shop.pay(sale)]).toEqual(['ok', 'ok']);
      expect(await shop.query({ orderNo: sale.orderNo })).toBe('NOTPAY');
      expect([await shop.close(sale.orderNo), await shop.close(sale.orderNo)]).toEqual(['closed', 'closed']);
      expect(await shop.query({ orderNo: sale.orderNo })).toBe('closed');
      expect(await shop.pay(sale)).toBe('refused');
      expect(await control('/sandbox/pay', { outTradeNo: sale.orderNo })).toBe(400);
      expect(await control('/sandbox/pay', { outTradeNo: sale.orderNo, evenIfClosed: true })).toBe(200);
      expect(await heard()).toEqual(['payment succeeded']);
    });

    it('that is paid is neither asked for nor closed, and other data under its number are refused', async () => {
      const sale = shop.sale(orderNo());
      await shop.pay(sale);
      expect(await shop.pay(shop.sale(sale.orderNo, 200))).toBe('refused');
      await control('/sandbox/pay', { outTradeNo: sale.orderNo });
      expect(await shop.pay(sale)).toBe('already_paid');
      expect(await shop.close(sale.orderNo)).toBe('paid');
      expect(await shop.query({ orderNo: sale.orderNo })).toBe('succeeded');
      const stranger = orderNo();
      expect([await shop.close(stranger), await shop.query({ orderNo: stranger })]).toEqual(['unknown', 'unknown']);
    });

    it('can be paid twice, by two transactions', async () => {
      const no = orderNo();
      await shop.pay(shop.sale(no));
      await control('/sandbox/pay', { outTradeNo: no });
      await control('/sandbox/pay', { outTradeNo: no, again: true });
      const told = (await Promise.all(receiver.arrivals.map((arrival) => shop.heard(arrival)))).flat();
      const ids = told.flatMap(({ events }) => events.map((event) => 'transactionId' in event && event.transactionId));
      expect([ids.length, new Set(ids).size]).toEqual([2, 2]);
    });
  });

  describe('a word in the order’s number', () => {
    const words: [string, string, string][] = [
      ['timeout', 'silence', 'NOTPAY'],
      ['lost', 'silence', 'unknown'],
      ['systemerror', 'unavailable', 'unknown'],
      ['unsigned', 'unverified', 'NOTPAY'],
    ];
    if (id === 'wechatpay-v3') words.push(['signtest', 'unverified', 'NOTPAY']);

    it.each(words)('%s spoils the first request and no other', async (word, first, standing) => {
      const sale = shop.sale(orderNo(word));
      expect(await shop.pay(sale)).toBe(first);
      expect(await shop.query({ orderNo: sale.orderNo })).toBe(standing);
      expect(await shop.pay(sale)).toBe('ok');
      expect([await shop.close(sale.orderNo), await shop.close(sale.orderNo)]).toEqual([first, 'closed']);
    });

    it('works each time where ALWAYS follows it', async () => {
      const sale = shop.sale(orderNo('SYSTEMERRORALWAYS'));
      expect([await shop.pay(sale), await shop.pay(sale)]).toEqual(['unavailable', 'unavailable']);
    });
  });

  describe('a refund', () => {
    it('is accepted, ends at once, and is told of', async () => {
      const no = await paidOrder();
      expect(await shop.refund(shop.refundOrder(no, `R${no}`))).toBe('pending');
      await until(() => receiver.arrivals.length === 1);
      expect(await heard()).toEqual(['refund succeeded']);
      expect(await shop.query({ refundNo: `R${no}` })).toBe('succeeded');
      expect(await shop.query({ refundNo: 'never-asked-for' })).toBe('unknown');
      expect(await shop.query({ orderNo: no })).toBe('succeeded');
    });

    it.each([
      ['abnormal', 'needs_attention'],
      ['closed', 'failed'],
    ])('%s ends as its number says', async (word, state) => {
      const no = await paidOrder();
      expect(await shop.refund(shop.refundOrder(no, `R-${word}-${no}`))).toBe('pending');
      await until(() => receiver.arrivals.length === 1);
      expect(await heard()).toEqual([`refund ${state}`]);
    });

    it('that is abnormal may recover', async () => {
      const no = await paidOrder();
      expect(await shop.refund(shop.refundOrder(no, `R-recovers-${no}`))).toBe('pending');
      await until(() => receiver.arrivals.length === 2);
      expect((await heard()).at(-1)).toBe('refund succeeded');
    });

    it('that is silent or slow has to be asked about', async () => {
      const no = await paidOrder();
      expect(await shop.refund(shop.refundOrder(no, `R-silent-${no}`))).toBe('pending');
      expect(await shop.query({ refundNo: `R-silent-${no}` })).toBe('succeeded');
      expect(receiver.arrivals).toEqual([]);
      expect(await shop.refund(shop.refundOrder(no, `R-slow-${no}`))).toBe('pending');
      expect(await shop.query({ refundNo: `R-slow-${no}` })).toBe('pending');
      expect(await shop.query({ refundNo: `R-slow-${no}` })).toBe('succeeded');
    });

    /** The v2 API never says how a refund stands when it is asked for. */
    const known = id === 'wechatpay-v3' ? 'succeeded' : 'pending';
    it.each([
      ['notenough', ['insufficient_balance', 'pending'], 'succeeded'],
      ['notenoughalways', ['insufficient_balance', 'insufficient_balance'], 'unknown'],
      ['refused', ['refused', 'refused'], 'unknown'],
      ['systemerror', ['unavailable', 'pending'], 'succeeded'],
      ['lost', ['silence', 'pending'], 'succeeded'],
      ['timeout', ['silence', known], 'succeeded'],
      ['unsigned', ['unverified', known], 'succeeded'],
    ])('%s, asked for twice, is one refund at most', async (word, answers, standing) => {
      const no = await paidOrder();
      const order = shop.refundOrder(no, `R-${word}-${no}`);
      expect([await shop.refund(order), await shop.refund(order)]).toEqual(answers);
      expect(await shop.query({ refundNo: order.refundNo })).toBe(standing);
    });

    it('of more than is left, of another amount under its number, or of an unpaid order is refused', async () => {
      const no = await paidOrder();
      expect(await shop.refund(shop.refundOrder(no, `R${no}`, 60))).toBe('pending');
      expect(await shop.refund(shop.refundOrder(no, `S${no}`, 60))).toBe('refused');
      expect(await shop.refund(shop.refundOrder(no, `R${no}`, 50))).toBe('refused');
      const unpaid = orderNo();
      await shop.pay(shop.sale(unpaid));
      expect(await shop.refund(shop.refundOrder(unpaid, `R${unpaid}`))).toBe('refused');
    });
  });
});

it('a complaint leads to its order', async () => {
  const shop = new DialectMerchant('wechatpay-v3', credentialsOf(identity), sandbox.url, receiver);
  const no = orderNo();
  expect(await control('/sandbox/complain', { outTradeNo: no })).toBe(400);
  await shop.pay(shop.sale(no));
  await control('/sandbox/pay', { outTradeNo: no });
  expect(await control('/sandbox/complain', { outTradeNo: no })).toBe(200);
  const arrival = receiver.arrivals.at(-1);
  const told = arrival === undefined ? [] : await shop.heard(arrival);
  expect(told.map(({ flags = [] }) => flags.map((flag) => [flag.flag, flag.orderNo]))).toEqual([
    [],
    [['risk_review', no]],
  ]);
});
