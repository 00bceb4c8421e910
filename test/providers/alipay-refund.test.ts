// Giving money back through Alipay: what is asked, what counts as done, and what leaves open what was done.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, RefundOrder } from '../../src/providers/provider.ts';
import {
  answered,
  contentOf,
  expectProblem,
  failed,
  plain,
  signedParameters,
  unsigned,
} from '../fixtures/alipay/gateway.ts';
import { entered, NOW, strangerKey } from '../fixtures/alipay/merchant.ts';

const provider = providerOf('alipay');
const { refund, close } = provider ?? {};
if (!provider || !refund || !close) throw new Error('alipay lacks a capability');

const context = { now: NOW, nonce: '593BEC0C930BF1AFEB40B4A08C8FB242' };
const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });
const method = 'alipay.trade.refund';
const TRADE_NO = '2026010122001404560012345678';

const asked: RefundOrder = {
  orderNo: 'TG20260101_0001',
  transactionId: TRADE_NO,
  refundNo: 'R2',
  amount: { minor: 2_000, currency: 'CNY' },
  paid: { minor: 8_888, currency: 'CNY' },
  reason: '少发一件',
  notifyUrl: 'https://pay.example/callbacks/shop',
};
const done = {
  code: '10000',
  msg: 'Success',
  buyer_logon_id: 'wan***@sandbox.example',
  fund_change: 'Y',
  gmt_refund_pay: '2026-01-02 09:00:01',
  out_trade_no: asked.orderNo,
  refund_fee: '30.00',
  send_back_fee: '0.00',
  trade_no: TRADE_NO,
};
const read = (answer: ProviderAnswer, order: RefundOrder = asked, changes: object = {}) =>
  refund.read(answer, order, credentialsOf(changes), [], NOW);

describe('asking Alipay for a refund', () => {
  const ask = async (changes: Partial<RefundOrder> = {}, at = context) => {
    const request = await refund.request({ ...asked, ...changes }, credentialsOf(), at);
    if (!request.ok) throw new Error(request.error.detail);
    return request.value;
  };

  it('names the refund by the merchant’s number, so that asking twice gives back once', async () => {
    const request = await ask();
    const { method: named, notify_url: notifyUrl } = signedParameters(request);
    expect([named, notifyUrl]).toEqual([method, undefined]);
    expect(contentOf(request)).toEqual({
      trade_no: TRADE_NO,
      refund_amount: '20.00',
      out_request_no: 'R2',
      refund_reason: '少发一件',
    });
    expect(contentOf(await ask({}, { now: NOW + 90_000, nonce: 'x' }))).toEqual(contentOf(request));
  });

  it('goes by the order’s number where the trade’s is not known, and cuts what is too long', async () => {
    expect(contentOf(await ask({ transactionId: null, reason: null }))).toEqual({
      out_trade_no: asked.orderNo,
      refund_amount: '20.00',
      out_request_no: 'R2',
    });
    expect(contentOf(await ask({ reason: '👍'.repeat(300) }))).toMatchObject({ refund_reason: '👍'.repeat(256) });
  });

  it('refuses what Alipay would refuse, with the mend, and needs the private key', async () => {
    const refused = (changes: Partial<RefundOrder>, credentials = credentialsOf()) =>
      refund.request({ ...asked, ...changes }, credentials, context);
    expectProblem(await refused({ refundNo: '退款' }), 'refused', /refundNo/);
    expectProblem(await refused({ refundNo: 'R'.repeat(65) }), 'refused', /refundNo/);
    expectProblem(await refused({ amount: { minor: 0, currency: 'CNY' } }), 'refused', /0\.01/);
    expectProblem(await refused({ amount: { minor: 100, currency: 'USD' } }), 'refused', /CNY/);
    expectProblem(await refused({}, credentialsOf({ privateKey: undefined })), 'not_configured', /privateKey/);
  });
});

describe('the answer to a refund', () => {
  it('that moved money is this refund, done, with its own amount, beside the running total', async () => {
    const told = await read(answered(method, done));
    expect(told).toEqual({
      ok: true,
      value: {
        noticeType: method,
        noticeId: null,
        events: [
          {
            kind: 'refund',
            orderNo: asked.orderNo,
            occurredAt: Date.parse('2026-01-02T01:00:01Z'),
            providerState: 'fund_change=Y',
            test: false,
            state: 'succeeded',
            refundNo: 'R2',
            providerRefundId: null,
            transactionId: TRADE_NO,
            amount: { minor: 2_000, currency: 'CNY' },
            total: { minor: 3_000, currency: 'CNY' },
            reason: '少发一件',
          },
        ],
      },
    });
    expect(await read(answered(method, done), asked, { sandbox: true })).toMatchObject({
      value: { events: [{ test: true }] },
    });
  });

  it('that moved none is pending, done before or not yet: 10000 alone is no success (pitfall 8)', async () => {
    for (const change of ['N', undefined, null, 'y']) {
      const told = await read(answered(method, { ...done, fund_change: change }));
      expect(told).toMatchObject({ ok: true, value: { events: [{ state: 'pending', occurredAt: NOW }] } });
    }
  });

  it('says when, and where it does not, now', async () => {
    const { gmt_refund_pay: _, refund_fee: __, ...bare } = done;
    expect(await read(answered(method, bare))).toMatchObject({
      value: { events: [{ state: 'succeeded', occurredAt: NOW }] },
    });
  });

  it('about another order or trade, or of less money than was asked for, is not believed', async () => {
    expectProblem(await read(answered(method, { ...done, out_trade_no: 'TG2' })), 'malformed', /something else/);
    expectProblem(await read(answered(method, { ...done, trade_no: 'T2' })), 'malformed', /something else/);
    expectProblem(await read(answered(method, { ...done, refund_fee: '19.99' })), 'malformed', /less than/);
    expectProblem(await read(answered(method, { ...done, trade_no: undefined })), 'malformed', /trade_no/);
    expectProblem(await read(answered('alipay.trade.query', done)), 'malformed');
  });

  it('that is unsigned or signed by anyone else changes nothing', async () => {
    expectProblem(await read(unsigned(method, done)), 'unverified');
    expectProblem(await read(answered(method, done, { key: strangerKey })), 'unverified');
  });

  it.each([
    ['ACQ.SELLER_BALANCE_NOT_ENOUGH', 'insufficient_balance', /top it up .* same refundNo\.$/],
    ['ACQ.REASON_TRADE_REFUND_FEE_ERR', 'refused', /REFUND_FEE_ERR/],
    ['ACQ.REASON_TRADE_BEEN_FREEZEN', 'refused', /FREEZEN/],
    ['ACQ.TRADE_HAS_FINISHED', 'refused', /FINISHED/],
    ['ACQ.TRADE_NOT_EXIST', 'refused', /NOT_EXIST/],
  ])('of %s is %s: final, and believed only when it is signed', async (subCode, outcome, detail) => {
    expectProblem(await read(answered(method, failed(subCode))), outcome, detail);
    expectProblem(await read(unsigned(method, failed(subCode))), 'unverified');
    expectProblem(await read(answered(method, failed(subCode), { key: strangerKey })), 'unverified');
  });

  it.each([
    ['40004', 'ACQ.SYSTEM_ERROR', 'unavailable'],
    ['20000', 'isp.unknow-error', 'unavailable'],
    ['40004', 'ACQ.REFUND_CHARGE_ERROR', 'unavailable'],
    ['40004', 'ACQ.DISCORDANT_REPEAT_REQUEST', 'malformed'],
  ])('of %s %s leaves open what was done', async (code, subCode, outcome) => {
    expectProblem(await read(answered(method, failed(subCode, '系统错误', code))), outcome);
  });

  it('never throws and never succeeds when any letter of it was changed', async () => {
    const { body } = answered(method, done);
    const inside = new TextDecoder().decode(body).indexOf(',"sign"');
    await fc.assert(
      fc.asyncProperty(fc.nat(inside - 1), fc.integer({ min: 0, max: 255 }), async (at, byte) => {
        fc.pre(body[at] !== byte);
        const changed = body.slice();
        changed[at] = byte;
        expect((await read({ ...plain(200, ''), body: changed })).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('closing an order at Alipay', () => {
  const closing = 'alipay.trade.close';
  const readClose = (answer: ProviderAnswer) => close.read(answer, credentialsOf(), [], NOW);

  it('asks to close, and never to cancel, which would give a paid order’s money back', async () => {
    const request = await close.request({ orderNo: asked.orderNo }, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(signedParameters(request.value)).toMatchObject({ method: 'alipay.trade.close' });
    expect(contentOf(request.value)).toEqual({ out_trade_no: asked.orderNo });
  });

  const success = { code: '10000', msg: 'Success', trade_no: TRADE_NO, out_trade_no: asked.orderNo };
  it.each<[string, object, string]>([
    ['done', success, 'closed'],
    ['that it was closed before', failed('ACQ.TRADE_HAS_CLOSE'), 'closed'],
    ['that nobody scanned its code', failed('ACQ.TRADE_NOT_EXIST'), 'unknown'],
    ['that it was paid', failed('ACQ.TRADE_HAS_SUCCESS'), 'paid'],
    ['that it was paid for good', failed('ACQ.TRADE_HAS_FINISHED'), 'paid'],
    ['that it does not wait for its payer', failed('ACQ.TRADE_STATUS_ERROR'), 'paid'],
    ['the same in other words', failed('ACQ.REASON_TRADE_STATUS_INVALID'), 'paid'],
    ['the same in older words', failed('ACQ.REASON_ILLEGAL_STATUS'), 'paid'],
  ])('is told %s, and believes it only when it is signed (pitfall 11)', async (_name, content, outcome) => {
    expect(await readClose(answered(closing, content))).toEqual({ ok: true, value: outcome });
    expectProblem(await readClose(unsigned(closing, content)), 'unverified');
    expectProblem(await readClose(answered(closing, content, { key: strangerKey })), 'unverified');
  });

  it('tells an outage and a refusal apart from an answer', async () => {
    expectProblem(await readClose(unsigned(closing, failed('ACQ.SYSTEM_ERROR'))), 'unavailable');
    expectProblem(await readClose(unsigned(closing, failed('aop.x', '', '20000'))), 'unavailable');
    expectProblem(await readClose(answered(closing, failed('ACQ.INVALID_PARAMETER'))), 'refused');
    expectProblem(await readClose(answered(closing, failed('__proto__'))), 'refused');
    expectProblem(await readClose(plain(504, '')), 'unavailable');
  });
});
