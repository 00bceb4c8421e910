// WeChat Pay v3 queries: requests signed as the documents say, answers believed only when their signature holds.
import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Formatter, Rsa } from 'wechatpay-axios-plugin';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, QueryTarget } from '../../src/providers/provider.ts';
import {
  entered,
  merchantKey,
  NOW,
  platform,
  publicPemOf,
  signatureHeaders,
} from '../fixtures/wechatpay-v3/merchant.ts';
import transaction from '../fixtures/wechatpay-v3/transaction.json' with { type: 'json' };

const provider = providerOf('wechatpay-v3');
const query = provider?.query;
if (!provider || !query) throw new Error('wechatpay-v3 lacks its query');

const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });
const context = { now: NOW, nonce: '593BEC0C930BF1AFEB40B4A08C8FB242' };
const partner = { spMchId: '1800000001', subMchIds: [] };

function answered(body: unknown, status = 200): ProviderAnswer {
  const text = JSON.stringify(body);
  return { status, headers: signatureHeaders(text, platform, NOW), body: new TextEncoder().encode(text) };
}

const read = (answer: ProviderAnswer, target: QueryTarget, changes: object = {}) =>
  query.read(answer, target, credentialsOf(changes), [], NOW);

describe('a query', () => {
  it.each<[string, QueryTarget, object, string]>([
    ['an order', { orderNo: 'A*1' }, {}, '/v3/pay/transactions/out-trade-no/A*1?mchid=1900000109'],
    ['a transaction', { transactionId: '42' }, {}, '/v3/pay/transactions/id/42?mchid=1900000109'],
    ['a refund', { reference: 'R|1' }, {}, '/v3/refund/domestic/refunds/R%7C1'],
    [
      'an order of a sub-merchant',
      { orderNo: 'A1' },
      { partner },
      '/v3/pay/partner/transactions/out-trade-no/A1?sp_mchid=1800000001&sub_mchid=1900000109',
    ],
    [
      'a refund of a sub-merchant',
      { reference: 'R1' },
      { partner },
      '/v3/refund/domestic/refunds/R1?sub_mchid=1900000109',
    ],
  ])('asks for %s with a signed request', async (_, target, changes, path) => {
    const request = await query.request(target, credentialsOf({ mchId: '1900000109', ...changes }), context);
    if (!request.ok) throw new Error(request.error.detail);
    const { url, method, headers } = request.value;
    expect(url).toBe(`https://api.mch.weixin.qq.com${path}`);
    const fields = Object.fromEntries(
      [...(headers.authorization ?? '').matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const message = Formatter.request(method, path, fields.timestamp ?? '', fields.nonce_str ?? '', '');
    expect(Rsa.verify(message, fields.signature ?? '', createPublicKey(publicPemOf(merchantKey)))).toBe(true);
  });

  it('asks for nothing when the channel cannot say whose order it is', async () => {
    const many = { mchId: partner.spMchId, partner: { ...partner, subMchIds: ['1900000111', '1900000112'] } };
    const request = await query.request({ orderNo: 'A1' }, credentialsOf(many), context);
    expect(request).toMatchObject({ ok: false, error: { code: 'not_configured' } });
    expect(await query.request({}, credentialsOf(), context)).toMatchObject({ ok: false, error: { code: 'refused' } });
  });
});

describe('the answer about an order', () => {
  const target = { orderNo: transaction.out_trade_no };

  it('is the same fact as the notice of it', async () => {
    const result = await read(answered(transaction), target);
    if (!result.ok) throw new Error(result.error.detail);
    expect(result.value.events).toMatchObject([
      {
        kind: 'payment',
        status: 'succeeded',
        orderNo: transaction.out_trade_no,
        transactionId: transaction.transaction_id,
      },
    ]);
  });

  it.each([
    ['NOTPAY', []],
    ['USERPAYING', [{ status: 'pending' }]],
    ['CLOSED', [{ status: 'closed', occurredAt: NOW }]],
    ['REFUND', [{ status: 'succeeded' }]],
  ])('%s means what the documents say', async (state, events) => {
    const { success_time: _, transaction_id: __, ...waiting } = transaction;
    const body = state === 'REFUND' ? transaction : waiting;
    const result = await read(answered({ ...body, trade_state: state }), target);
    if (!result.ok) throw new Error(result.error.detail);
    expect(result.value.events).toHaveLength(events.length);
    expect(result.value.events).toMatchObject(events);
    expect(result.value.state).toBe(state === 'NOTPAY' ? 'NOTPAY' : undefined);
  });

  it('that there is no such order is nothing to tell', async () => {
    const unknown = answered({ code: 'ORDER_NOT_EXIST', message: '订单不存在' }, 404);
    const nothing = await read(unknown, target);
    expect(nothing).toMatchObject({ ok: true, value: { events: [] } });
    expect(nothing.ok && nothing.value.state).toBe(undefined);
    expect(await read(answered({ code: 'SYSTEM_ERROR' }, 500), target)).toMatchObject({
      ok: false,
      error: { code: 'unavailable' },
    });
  });

  it('is not believed unsigned, changed, about another order or about another merchant', async () => {
    const good = answered(transaction);
    const changed = new TextEncoder().encode(JSON.stringify({ ...transaction, trade_state: 'CLOSED' }));
    const cases: [ProviderAnswer, QueryTarget, string][] = [
      [{ ...good, headers: {} }, target, 'unverified'],
      [{ ...good, body: changed }, target, 'unverified'],
      [good, { orderNo: 'another' }, 'malformed'],
      [good, { transactionId: 'another' }, 'malformed'],
      [answered({ ...transaction, mchid: '1999999999' }), target, 'malformed'],
    ];
    for (const [answer, asked, code] of cases) {
      expect(await read(answer, asked)).toMatchObject({ ok: false, error: { code } });
    }
  });
});

describe('the answer about a refund', () => {
  const refund = {
    refund_id: '50000000382019052709732678859',
    out_refund_no: 'R1',
    transaction_id: '4200000000',
    out_trade_no: 'ORDER-1',
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    create_time: '2026-06-08T10:34:56+08:00',
    status: 'PROCESSING',
    amount: { total: 100, refund: 30, currency: 'CNY' },
  };

  it.each([
    ['SUCCESS', 'succeeded'],
    ['PROCESSING', 'pending'],
    ['CLOSED', 'failed'],
    ['ABNORMAL', 'needs_attention'],
  ])('%s is %s', async (status, state) => {
    const result = await read(answered({ ...refund, status }), { reference: 'R1' });
    if (!result.ok) throw new Error(result.error.detail);
    expect(result.value.events).toMatchObject([
      { kind: 'refund', refundNo: 'R1', orderNo: 'ORDER-1', state, amount: { minor: 30, currency: 'CNY' } },
    ]);
  });

  it('is refused when it is about another refund', async () => {
    const result = await read(answered(refund), { reference: 'R2' });
    expect(result).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });
});
