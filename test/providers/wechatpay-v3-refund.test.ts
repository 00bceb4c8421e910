// WeChat Pay v3 refunds: what is asked, word by word, and what each answer means for the merchant's money.
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, RefundOrder } from '../../src/providers/provider.ts';
import { answered, asked, context, probed, unsigned } from '../fixtures/wechatpay-v3/calls.ts';
import { entered, NOW, platformKey } from '../fixtures/wechatpay-v3/merchant.ts';

const provider = providerOf('wechatpay-v3');
const { refund, query } = provider ?? {};
if (!provider || !refund || !query) throw new Error('wechatpay-v3 lacks a capability');

const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });

const order: RefundOrder = {
  orderNo: 'TG20260101-0001',
  transactionId: '4200002700202601010123456789',
  refundNo: 'RF20260101-0001',
  amount: { minor: 40, currency: 'CNY' },
  paid: { minor: 100, currency: 'CNY' },
  reason: '商品已售完',
  notifyUrl: 'https://pay.example/callbacks/shop',
};

const accepted = {
  refund_id: '50300908092026010112345678901',
  out_refund_no: order.refundNo,
  transaction_id: order.transactionId,
  out_trade_no: order.orderNo,
  channel: 'ORIGINAL',
  user_received_account: '招商银行信用卡0403',
  create_time: '2026-01-01T10:34:56+08:00',
  status: 'PROCESSING',
  funds_account: 'AVAILABLE',
  amount: { total: 100, refund: 40, payer_total: 90, payer_refund: 36, currency: 'CNY' },
};

async function bodyOf(changes: Partial<RefundOrder> = {}, entering: object = {}) {
  const request = await refund?.request({ ...order, ...changes }, credentialsOf(entering), context);
  if (!request?.ok) throw new Error(request?.error.detail);
  return asked(request.value);
}

const ask = (changes: Partial<RefundOrder> = {}, entering: object = {}) =>
  refund.request({ ...order, ...changes }, credentialsOf(entering), context);
const read = (answer: ProviderAnswer) => refund.read(answer, order, credentialsOf(), [], NOW);
const problem = (code: string, detail = /\.$/) => ({
  ok: false,
  error: { code, detail: expect.stringMatching(detail) },
});

describe('asking for a refund', () => {
  it('sends what the documents require, signed over exactly these bytes', async () => {
    expect(await bodyOf()).toEqual({
      method: 'POST',
      path: '/v3/refund/domestic/refunds',
      signedBy: '1900000109',
      body: {
        transaction_id: '4200002700202601010123456789',
        out_refund_no: 'RF20260101-0001',
        reason: '商品已售完',
        notify_url: 'https://pay.example/callbacks/shop',
        amount: { refund: 40, total: 100, currency: 'CNY' },
      },
    });
  });

  it('names the order where the payment is not known, and no reason where there is none', async () => {
    const { body } = await bodyOf({ transactionId: null, reason: null });
    expect(body).toMatchObject({ out_trade_no: 'TG20260101-0001' });
    expect(Object.keys(body)).not.toContain('transaction_id');
    expect(Object.keys(body)).not.toContain('reason');
  });

  it('is the identical request whenever it is asked again', async () => {
    const later = await refund.request(order, credentialsOf(), { now: NOW + 90_000, nonce: 'another' });
    const first = await ask();
    expect(first.ok && later.ok && first.value.body === later.value.body).toBe(true);
  });

  it('cuts a reason to 80 bytes between characters', async () => {
    expect((await bodyOf({ reason: '退'.repeat(40) })).body.reason).toBe('退'.repeat(26));
    expect((await bodyOf({ reason: `a${'👍'.repeat(40)}` })).body.reason).toBe(`a${'👍'.repeat(19)}`);
  });

  it('names the sub-merchant and signs as the service provider', async () => {
    const partner = { spMchId: '1230000109', spAppId: 'wx8888888888888888' };
    const { body, signedBy } = await bodyOf({}, { partner });
    expect([body.sub_mchid, signedBy]).toEqual(['1900000109', '1230000109']);
    expect(await ask({}, { partner, mchId: '1230000109' })).toMatchObject(problem('not_configured', /mchId/));
  });

  it('refuses what WeChat Pay would refuse, and says what the channel lacks', async () => {
    for (const refundNo of ['', 'R 1', 'R/1', 'R'.repeat(65)]) {
      expect(await ask({ refundNo })).toMatchObject(problem('refused', /refundNo/));
    }
    expect(await ask({ amount: { minor: 1, currency: 'USD' } })).toMatchObject(problem('refused', /CNY/));
    expect(await ask({ amount: { minor: 0, currency: 'CNY' } })).toMatchObject(problem('refused', /0\.01/));
    const bare = { merchantSerial: undefined, merchantPrivateKey: undefined };
    expect(await ask({}, bare)).toMatchObject(problem('not_configured', /merchantPrivateKey/));
  });
});

describe('the answer to a refund request', () => {
  it('that it was accepted is a pending refund and no more (pitfall 8)', async () => {
    expect(await read(answered(accepted))).toEqual({
      ok: true,
      value: {
        noticeType: 'refund.PROCESSING',
        noticeId: null,
        events: [
          {
            kind: 'refund',
            orderNo: 'TG20260101-0001',
            occurredAt: Date.parse(accepted.create_time),
            providerState: 'PROCESSING',
            test: false,
            state: 'pending',
            refundNo: 'RF20260101-0001',
            providerRefundId: '50300908092026010112345678901',
            transactionId: '4200002700202601010123456789',
            amount: { minor: 40, currency: 'CNY' },
            account: '招商银行信用卡0403',
          },
        ],
      },
    });
  });

  it.each([
    ['SUCCESS', 'succeeded'],
    ['CLOSED', 'failed'],
    ['ABNORMAL', 'needs_attention'],
  ])('tells what became of a refund that was asked for before: %s is %s', async (status, state) => {
    const result = await read(answered({ ...accepted, status, success_time: '2026-01-01T10:34:59+08:00' }));
    expect(result).toMatchObject({ ok: true, value: { events: [{ state, providerState: status }] } });
  });

  it.each([
    [403, 'NOT_ENOUGH', 'insufficient_balance', /Top up.*same refundNo/],
    [403, 'NOTENOUGH', 'insufficient_balance', /Top up/],
    [403, 'USER_ACCOUNT_ABNORMAL', 'refused', /another way/],
    [400, 'INVALID_REQUEST', 'refused', /INVALID_REQUEST: 说明/],
    [404, 'RESOURCE_NOT_EXISTS', 'refused', /RESOURCE_NOT_EXISTS/],
    [404, 'MCH_NOT_EXISTS', 'refused', /MCH_NOT_EXISTS/],
    [401, 'SIGN_ERROR', 'refused', /merchantPrivateKey/],
    [429, 'FREQUENCY_LIMITED', 'unavailable', /429/],
    [403, 'FREQUENCY_LIMITED', 'unavailable', /FREQUENCY/],
    [400, 'BIZERR_NEED_RETRY', 'unavailable', /RETRY/],
    [500, 'SYSTEM_ERROR', 'unavailable', /500/],
    [502, 'NOT_ENOUGH', 'unavailable', /502/],
  ])('%i %s is %s', async (status, code, meaning, detail) => {
    expect(await read(answered({ code, message: '说明' }, status))).toMatchObject(problem(meaning, detail));
  });

  it('leaves open what no proof comes with: it is asked about, and never given twice (pitfall 2)', async () => {
    const good = answered(accepted);
    const changed = { ...good, body: new TextEncoder().encode(JSON.stringify({ ...accepted, status: 'CLOSED' })) };
    for (const answer of [unsigned(good), probed(good), changed, answered(accepted, 200, platformKey, NOW - 301_000)]) {
      expect(await read(answer)).toMatchObject(problem('unverified', /Ask again/));
    }
  });

  it('believes nothing about another refund, and nothing that it cannot read', async () => {
    for (const other of [
      { ...accepted, out_refund_no: 'RF20260101-0002' },
      { ...accepted, out_trade_no: 'TG20260101-0002' },
      { ...accepted, status: 'REFUNDED' },
      { ...accepted, create_time: 'yesterday' },
      [],
    ]) {
      expect(await read(answered(other))).toMatchObject(problem('malformed'));
    }
  });
});

describe('asking what became of a refund', () => {
  const target = { refundNo: order.refundNo, orderNo: order.orderNo };
  const tell = (answer: ProviderAnswer) => query.read(answer, target, credentialsOf(), [], NOW);

  it('asks by the merchant’s own number', async () => {
    const request = await query.request({ refundNo: 'RF|1', orderNo: 'TG20260101-0001' }, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(asked(request.value)).toMatchObject({
      method: 'GET',
      path: '/v3/refund/domestic/refunds/RF%7C1',
      body: null,
    });
  });

  it('gives the same fact as the answer to the request', async () => {
    const [told, answer] = [await tell(answered(accepted)), await read(answered(accepted))];
    expect(told.ok && answer.ok && told.value.events).toEqual(answer.ok && answer.value.events);
  });

  it('has nothing to tell of a refund that WeChat Pay never heard of', async () => {
    const unknown = answered({ code: 'RESOURCE_NOT_EXISTS', message: '退款单不存在' }, 404);
    expect(await tell(unknown)).toMatchObject({ ok: true, value: { events: [] } });
    expect(await tell(answered({ code: 'SYSTEM_ERROR' }, 500))).toMatchObject(problem('unavailable'));
  });

  it('believes nothing about another order’s refund', async () => {
    expect(await tell(answered({ ...accepted, out_trade_no: 'other' }))).toMatchObject(problem('malformed'));
    expect(await tell(unsigned(answered(accepted)))).toMatchObject(problem('unverified'));
  });

  it('takes a refunded order for a payment, and makes up no refund of it (pitfall 8)', async () => {
    const refunded = {
      mchid: '1900000109',
      appid: 'wxd678efh567hg6787',
      out_trade_no: order.orderNo,
      transaction_id: order.transactionId,
      trade_state: 'REFUND',
      trade_type: 'NATIVE',
      success_time: '2026-01-01T10:34:56+08:00',
      amount: { total: 100, currency: 'CNY' },
    };
    const told = await query.read(answered(refunded), { orderNo: order.orderNo }, credentialsOf(), [], NOW);
    expect(told.ok && told.value.events.map((event) => event.kind)).toEqual(['payment']);
  });
});
