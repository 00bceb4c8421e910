// WeChat Pay v2: refunds and closing, word by word under the independent signer, and what each answer means.
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, RefundOrder } from '../../src/providers/provider.ts';
import { answered, asked, context, refused } from '../fixtures/wechatpay-v2/calls.ts';
import {
  answerOf,
  entered,
  type Fields,
  NOW,
  queriedOrder,
  queriedRefund,
  xmlOf,
} from '../fixtures/wechatpay-v2/merchant.ts';

const provider = providerOf('wechatpay-v2');
const { refund, close, query, pay } = provider ?? {};
if (!provider || !refund || !close || !query || !pay) throw new Error('wechatpay-v2 lacks a capability');

const certified = { ...entered, refundCertBinding: 'MTLS_WECHATPAY' };
const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...certified, ...changes });
const problem = (code: string, detail = /\.$/) => ({
  ok: false,
  error: { code, detail: expect.stringMatching(detail) },
});
const whose = {
  appid: 'wx2421b1c4370ec43b',
  mch_id: '1900000109',
  nonce_str: context.nonce,
  sign_type: 'HMAC-SHA256',
};

const order: RefundOrder = {
  orderNo: '1409811653',
  transactionId: '1004400740201409030005092168',
  refundNo: '131811191610442717309',
  amount: { minor: 40, currency: 'CNY' },
  paid: { minor: 100, currency: 'CNY' },
  reason: '商品已售完',
  notifyUrl: 'https://pay.example/callbacks/shop',
};

const accepted: Fields = {
  result_code: 'SUCCESS',
  transaction_id: '1004400740201409030005092168',
  out_trade_no: '1409811653',
  out_refund_no: '131811191610442717309',
  refund_id: '50000408942018111907145868882',
  refund_fee: '40',
  total_fee: '100',
  cash_fee: '80',
};

const ask = (changes: Partial<RefundOrder> = {}, entering: object = {}, at = context) =>
  refund.request({ ...order, ...changes }, credentialsOf(entering), at);
const read = (answer: ProviderAnswer) => refund.read(answer, order, credentialsOf(), [], NOW);

async function saidOf(changes: Partial<RefundOrder> = {}, entering: object = {}) {
  const request = await ask(changes, entering);
  if (!request.ok) throw new Error(request.error.detail);
  return asked(request.value);
}

describe('asking for a refund', () => {
  it('sends what the documents require', async () => {
    expect(await saidOf()).toEqual({
      path: '/secapi/pay/refund',
      fields: {
        ...whose,
        transaction_id: '1004400740201409030005092168',
        out_refund_no: '131811191610442717309',
        total_fee: '100',
        refund_fee: '40',
        refund_fee_type: 'CNY',
        refund_desc: '商品已售完',
        notify_url: 'https://pay.example/callbacks/shop',
      },
    });
  });

  it('names the certificate that the call must show', async () => {
    expect(await ask()).toMatchObject({ value: { certificateBinding: 'MTLS_WECHATPAY' } });
    const bare = await ask({}, { refundCertBinding: undefined });
    expect(bare).toMatchObject(problem('not_configured', /npx wrangler mtls-certificate upload .*mtls_certificates/));
    for (const name of ['LEDGER', 'mtls_shop', 'MTLS_', 'MTLS_A B']) {
      const parsed = provider.credentials.safeParse({ ...entered, refundCertBinding: name });
      expect(parsed.error?.issues[0]?.message).toMatch(/refundCertBinding.*MTLS_WECHATPAY/);
    }
  });

  it('shows no certificate where none is wanted', async () => {
    const asks = [
      query.request({ orderNo: '1409811653' }, credentialsOf(), context),
      close.request({ orderNo: '1409811653' }, credentialsOf(), context),
    ];
    for (const request of await Promise.all(asks)) {
      expect(request.ok && Object.keys(request.value)).not.toContain('certificateBinding');
    }
  });

  it('names the order where the payment is not known, and no reason where there is none', async () => {
    const { fields } = await saidOf({ transactionId: null, reason: null });
    expect(fields).toMatchObject({ out_trade_no: '1409811653' });
    expect(Object.keys(fields)).not.toContain('transaction_id');
    expect(Object.keys(fields)).not.toContain('refund_desc');
  });

  it('says the same whenever it is asked again', async () => {
    const later = await ask({}, {}, { now: NOW + 90_000, nonce: 'another' });
    if (!later.ok) throw new Error(later.error.detail);
    const { nonce_str: _, ...again } = asked(later.value).fields;
    const { nonce_str: __, ...first } = (await saidOf()).fields;
    expect(again).toEqual(first);
  });

  it('cuts a reason to 80 bytes between characters, and leaves out what XML cannot carry', async () => {
    expect((await saidOf({ reason: `${'退'.repeat(40)}` })).fields.refund_desc).toBe('退'.repeat(26));
    expect((await saidOf({ reason: 'a\u0008]]>b' })).fields.refund_desc).toBe('a]]>b');
  });

  it('refuses what WeChat Pay would refuse, and says what the channel lacks', async () => {
    for (const refundNo of ['', 'R 1', 'R/1', 'R'.repeat(65)]) {
      expect(await ask({ refundNo })).toMatchObject(problem('refused', /refundNo/));
    }
    expect(await ask({ amount: { minor: 1, currency: 'USD' } })).toMatchObject(problem('refused', /CNY/));
    expect(await ask({ amount: { minor: 0, currency: 'CNY' } })).toMatchObject(problem('refused', /0\.01/));
    expect(await ask({}, { appIds: [] })).toMatchObject(problem('not_configured', /appIds/));
    expect((await saidOf({}, { subMchIds: ['1900000201'] })).fields.sub_mch_id).toBe('1900000201');
  });
});

describe('the answer to a refund request', () => {
  it('that it was accepted is a pending refund and no more (pitfall 8)', async () => {
    expect(await read(answered(accepted))).toEqual({
      ok: true,
      value: {
        noticeType: 'refund',
        noticeId: null,
        events: [
          {
            kind: 'refund',
            orderNo: '1409811653',
            occurredAt: NOW,
            providerState: 'PROCESSING',
            test: false,
            state: 'pending',
            refundNo: '131811191610442717309',
            providerRefundId: '50000408942018111907145868882',
            transactionId: '1004400740201409030005092168',
            amount: { minor: 40, currency: 'CNY' },
          },
        ],
      },
    });
  });

  it.each([
    ['NOTENOUGH', 'insufficient_balance', /Top up.*same refundNo/],
    ['NOT_ENOUGH', 'insufficient_balance', /Top up/],
    ['USER_ACCOUNT_ABNORMAL', 'refused', /another way/],
    ['TRADE_OVERDUE', 'refused', /another way/],
    ['CERT_ERROR', 'refused', /refundCertBinding/],
    ['REFUND_FEE_MISMATCH', 'refused', /REFUND_FEE_MISMATCH: 说明/],
    ['INVALID_TRANSACTIONID', 'refused', /INVALID_TRANSACTIONID/],
    ['ERROR', 'refused', /ERROR/],
    ['SYSTEMERROR', 'unavailable', /SYSTEMERROR/],
    ['BIZERR_NEED_RETRY', 'unavailable', /RETRY/],
    ['FREQUENCY_LIMITED', 'unavailable', /FREQUENCY/],
    ['INVALID_REQ_TOO_MUCH', 'unavailable', /MUCH/],
    ['ORDER_NOT_READY', 'unavailable', /READY/],
  ])('%s is %s', async (code, meaning, detail) => {
    expect(await read(refused(code))).toMatchObject(problem(meaning, detail));
  });

  it('of a gateway that is down leaves open what was done', async () => {
    expect(await read(answerOf('<html>', 502))).toMatchObject(problem('unavailable', /502/));
    const failed = (return_msg: string) => answerOf(xmlOf({ return_code: 'FAIL', return_msg }));
    expect(await read(failed('系统繁忙，请稍后再试'))).toMatchObject(problem('unavailable'));
    expect(await read(failed('证书校验错误'))).toMatchObject(problem('refused', /证书校验错误/));
  });

  it('leaves open what no proof comes with: it is asked about, and never given twice', async () => {
    const text = new TextDecoder().decode(answered(accepted).body);
    const forged = [text.replace(/<sign>.*<\/sign>/, ''), text.replace('<refund_fee>40', '<refund_fee>41')];
    for (const body of forged) expect(await read(answerOf(body))).toMatchObject(problem('unverified', /Ask again/));
  });

  it('believes nothing about another refund or merchant, and nothing that it cannot read', async () => {
    for (const changes of [
      { out_refund_no: '1' },
      { out_trade_no: '1' },
      { mch_id: '1999999999' },
      { refund_fee: '' },
    ]) {
      expect(await read(answered({ ...accepted, ...changes }))).toMatchObject(problem('malformed'));
    }
  });
});

describe('asking what became of a refund', () => {
  const target = { refundNo: order.refundNo, orderNo: order.orderNo };
  const tell = (answer: ProviderAnswer) => query.read(answer, target, credentialsOf(), [], NOW);

  it('asks by the merchant’s own number', async () => {
    const request = await query.request(target, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    const fields = { ...whose, out_refund_no: '131811191610442717309' };
    expect(asked(request.value)).toEqual({ path: '/pay/refundquery', fields });
  });

  it.each([
    ['SUCCESS', 'succeeded'],
    ['PROCESSING', 'pending'],
    ['CHANGE', 'needs_attention'],
    ['REFUNDCLOSE', 'failed'],
  ])('%s is %s', async (refund_status_0, state) => {
    const told = await tell(answered({ ...queriedRefund, refund_status_0 }));
    expect(told).toMatchObject({ ok: true, value: { events: [{ kind: 'refund', state, refundNo: order.refundNo }] } });
  });

  it.each(['REFUNDNOTEXIST', 'REFUND_NOT_EXISTS', 'RESOURCE_NOT_EXISTS'])('%s is nothing to tell', async (code) => {
    expect(await tell(refused(code))).toMatchObject({ ok: true, value: { events: [] } });
  });

  it('takes a refunded order for a payment, and makes up no refund of it (pitfall 8)', async () => {
    const body = answered({ ...queriedOrder, trade_state: 'REFUND' });
    const told = await query.read(body, { orderNo: order.orderNo }, credentialsOf(), [], NOW);
    expect(told.ok && told.value.events.map((event) => event.kind)).toEqual(['payment']);
  });

  it('says how an order stands that nobody tried to pay', async () => {
    const waiting = { result_code: 'SUCCESS', out_trade_no: order.orderNo, trade_state: 'NOTPAY' };
    const told = await query.read(answered(waiting), { orderNo: order.orderNo }, credentialsOf(), [], NOW);
    expect(told).toMatchObject({ ok: true, value: { events: [], state: 'NOTPAY' } });
    const unknown = await query.read(refused('ORDERNOTEXIST'), { orderNo: order.orderNo }, credentialsOf(), [], NOW);
    expect(unknown.ok && unknown.value.state).toBe(undefined);
  });
});

describe('closing an order', () => {
  const told = (answer: ProviderAnswer) => close.read(answer, credentialsOf(), [], NOW);

  it('names the order and the merchant', async () => {
    const request = await close.request({ orderNo: '1409811653' }, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(asked(request.value)).toEqual({ path: '/pay/closeorder', fields: { ...whose, out_trade_no: '1409811653' } });
    const bare = await close.request({ orderNo: '1409811653' }, credentialsOf({ appIds: [] }), context);
    expect(bare).toMatchObject(problem('not_configured', /appIds/));
  });

  it.each([
    ['ORDERPAID', 'paid'],
    ['ORDER_PAID', 'paid'],
    ['ORDERCLOSED', 'closed'],
    ['ORDER_CLOSED', 'closed'],
    ['ORDERNOTEXIST', 'unknown'],
    ['ORDER_NOT_EXISTS', 'unknown'],
  ])('tells apart what stands in the way: %s is %s', async (code, outcome) => {
    expect(await told(refused(code))).toEqual({ ok: true, value: outcome });
  });

  it('calls it closed by a proved answer alone', async () => {
    const good = answered({ result_code: 'SUCCESS', result_msg: 'OK' });
    expect(await told(good)).toEqual({ ok: true, value: 'closed' });
    const text = new TextDecoder().decode(good.body);
    expect(await told(answerOf(text.replace(/<sign>.*<\/sign>/, '')))).toMatchObject(problem('unverified'));
    expect(await told(refused('SYSTEMERROR'))).toMatchObject(problem('unavailable'));
    expect(await told(refused('SIGNERROR'))).toMatchObject(problem('refused'));
  });
});

describe('a payment that was asked for before', () => {
  const asksFor = {
    orderNo: '1409811653',
    notifyUrl: 'https://pay.example/callbacks/shop',
    registration: {
      amount: { minor: 100, currency: 'CNY' },
      description: null,
      expiresAt: NOW + 3_600_000,
      metadata: {},
      registeredAt: NOW,
    },
  };

  it('is asked for again with identical parameters, whenever that is', async () => {
    const said = async (at: { now: number; nonce: string }) => {
      const request = await pay.request(asksFor, credentialsOf(), at);
      if (!request.ok) throw new Error(request.error.detail);
      const { nonce_str: _, ...fields } = asked(request.value).fields;
      return fields;
    };
    expect(await said({ now: NOW + 1_800_000, nonce: 'another' })).toEqual(await said(context));
  });

  it.each([
    ['ORDERPAID', 'already_paid', /Query the order/],
    ['ORDERCLOSED', 'refused', /another orderNo/],
    ['OUT_TRADE_NO_USED', 'refused', /another amount.*another orderNo/],
    ['SYSTEMERROR', 'unavailable', /SYSTEMERROR/],
    ['NOAUTH', 'refused', /NOAUTH: 说明/],
  ])('%s is %s', async (code, meaning, detail) => {
    const answer = await pay.read(refused(code), credentialsOf(), [], NOW, asksFor.registration.expiresAt);
    expect(answer).toMatchObject(problem(meaning, detail));
  });
});
