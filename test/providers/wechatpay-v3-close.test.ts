// WeChat Pay v3: closing an order, and what the answers to a payment request mean.
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer } from '../../src/providers/provider.ts';
import { answered, asked, context, probed, unsigned } from '../fixtures/wechatpay-v3/calls.ts';
import { entered, NOW } from '../fixtures/wechatpay-v3/merchant.ts';

const provider = providerOf('wechatpay-v3');
const { close, pay } = provider ?? {};
if (!provider || !close || !pay) throw new Error('wechatpay-v3 lacks a capability');

const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });
const read = (answer: ProviderAnswer) => close.read(answer, credentialsOf(), [], NOW);
const said = (code: string, status: number) => answered({ code, message: '说明' }, status);
const problem = (code: string, detail = /\.$/) => ({
  ok: false,
  error: { code, detail: expect.stringMatching(detail) },
});

describe('closing an order', () => {
  const ask = (orderNo: string, changes: object = {}) => close.request({ orderNo }, credentialsOf(changes), context);

  it('names the order in the path and the merchant in the body', async () => {
    const request = await ask('TG*2026');
    if (!request.ok) throw new Error(request.error.detail);
    expect(asked(request.value)).toEqual({
      method: 'POST',
      path: '/v3/pay/transactions/out-trade-no/TG*2026/close',
      body: { mchid: '1900000109' },
      signedBy: '1900000109',
    });
  });

  it('names both numbers in partner mode', async () => {
    const partner = { spMchId: '1230000109', subMchIds: [] };
    const request = await ask('TG2026', { partner });
    if (!request.ok) throw new Error(request.error.detail);
    expect(asked(request.value)).toMatchObject({
      path: '/v3/pay/partner/transactions/out-trade-no/TG2026/close',
      body: { sp_mchid: '1230000109', sub_mchid: '1900000109' },
    });
    expect(await ask('TG2026', { partner, mchId: '1230000109' })).toMatchObject(problem('not_configured', /mchId/));
  });

  it('believes the empty answer by the signature over its empty line', async () => {
    const good = answered(undefined, 204);
    expect(await read(good)).toEqual({ ok: true, value: 'closed' });
    expect(await read(unsigned(good))).toMatchObject(problem('unverified', /Ask again/));
    expect(await read(probed(good))).toMatchObject(problem('unverified'));
    expect(await read({ ...good, body: new TextEncoder().encode('\n') })).toMatchObject(problem('unverified'));
  });

  it.each([
    ['ORDER_CLOSED', 400, 'closed'],
    ['ORDERCLOSED', 400, 'closed'],
    ['ORDERPAID', 400, 'paid'],
    ['ORDER_PAID', 400, 'paid'],
    ['ORDER_NOT_EXIST', 404, 'unknown'],
    ['ORDERNOTEXIST', 404, 'unknown'],
    ['RESOURCE_NOT_EXISTS', 404, 'unknown'],
  ])('tells apart what stands in the way: %s (%i) is %s', async (code, status, outcome) => {
    expect(await read(said(code, status))).toEqual({ ok: true, value: outcome });
  });

  it.each([
    ['USER_PAYING', 202, 'unavailable'],
    ['SYSTEM_ERROR', 500, 'unavailable'],
    ['FREQUENCY_LIMITED', 429, 'unavailable'],
    ['MCH_NOT_EXISTS', 400, 'refused'],
    ['SIGN_ERROR', 401, 'refused'],
  ])('does not call it closed after %s (%i) (pitfall 11)', async (code, status, meaning) => {
    expect(await read(said(code, status))).toMatchObject(problem(meaning));
  });
});

describe('a payment that was asked for before', () => {
  const order = {
    orderNo: 'TG20260101-0001',
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
    const first = await pay.request(order, credentialsOf(), context);
    const again = await pay.request(order, credentialsOf(), { now: NOW + 1_800_000, nonce: 'another' });
    expect(first.ok && again.ok && first.value.body === again.value.body).toBe(true);
  });

  it.each([
    ['ORDERPAID', 400, 'already_paid', /Query the order/],
    ['ORDER_PAID', 403, 'already_paid', /Query the order/],
    ['ORDER_CLOSED', 400, 'refused', /another orderNo/],
    ['OUT_TRADE_NO_USED', 403, 'refused', /another amount.*another orderNo/],
    ['SYSTEM_ERROR', 500, 'unavailable', /500/],
    ['RATELIMIT_EXCEEDED', 429, 'unavailable', /429/],
    ['NO_AUTH', 403, 'refused', /NO_AUTH: 说明/],
  ])('%s (%i) is %s', async (code, status, meaning, detail) => {
    const answer = await pay.read(said(code, status), credentialsOf(), [], NOW, order.registration.expiresAt);
    expect(answer).toMatchObject(problem(meaning, detail));
  });
});
