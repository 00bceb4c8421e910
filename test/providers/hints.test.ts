// What callbacks that cannot be verified are about, as far as their dialects can tell: a hint, and no more.
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';

const callbackOf = (body: string) => ({
  ...{ channelId: 'shop', headers: {}, remoteAddress: null, receivedAt: 0 },
  body: new TextEncoder().encode(body),
});

describe('Alipay', () => {
  const hint = (body: string) => providerOf('alipay')?.hint?.(callbackOf(body), {});

  it('names the order for everybody to read, so that anybody may have written it', async () => {
    expect(await hint('out_trade_no=A-1&trade_no=2')).toEqual({ isSealed: false, target: { orderNo: 'A-1' } });
  });

  it.each(['', 'out_trade_no=', 'out_trade_no=a%20b', 'out_trade_no=a&out_trade_no=b', '{"out_trade_no":"1"}', '%%%'])(
    'is silent where no order is named: %j',
    async (body) => expect(await hint(body)).toBeNull(),
  );
});

describe('UnionPay', () => {
  const hint = (body: string) => providerOf('unionpay')?.hint?.(callbackOf(body), {});

  it('names a payment by its order and its time', async () => {
    expect(await hint('txnType=01&orderId=20260101001&txnTime=20260101103012')).toEqual({
      ...{ isSealed: false, target: { orderNo: '20260101001', reference: '20260101103012' } },
    });
  });

  it.each(['', 'txnType=04&orderId=20260101001&txnTime=20260101103012', 'txnType=01&orderId=20260101001', '%'])(
    'is silent about anything else: %j',
    async (body) => expect(await hint(body)).toBeNull(),
  );
});

describe('WeChat Pay', () => {
  it.each(['', '{}', 'null', '{"event_type":"TRANSACTION.SUCCESS","resource":{}}'])(
    'is silent where nothing opens: %j',
    async (body) => {
      const credentials = { apiV3Key: 'k'.repeat(32), signatureTypes: ['RSA'] };
      expect(await providerOf('wechatpay-v3')?.hint?.(callbackOf(body), credentials)).toBeNull();
    },
  );
});
