// Native mode 1 of WeChat Pay v2: the scan that asks, the order that it makes, and the signed answer.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Hash, Transformer } from 'wechatpay-axios-plugin';
import type { ProductOutcome } from '../../src/core/product.ts';
import { providerOf } from '../../src/providers/index.ts';
import {
  API_KEY,
  answerOf,
  callbackOf,
  entered,
  type Fields,
  NOW,
  payment,
  prepaid,
  scan,
  signed,
  signedXml,
  xmlOf,
} from '../fixtures/wechatpay-v2/merchant.ts';

const provider = providerOf('wechatpay-v2');
if (provider?.product === undefined) throw new Error('wechatpay-v2 answers no scans');
const { product, verify, translate } = provider;

const context = { now: NOW, nonce: '5K8264ILTKCH16CQ2502SI8ZNMTM67VS' };
const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });

async function opened(fields: Fields, signType: 'MD5' | 'HMAC-SHA256' = 'MD5', changes: object = {}) {
  const notice = await verify(signed(fields, signType), credentialsOf(changes), [], NOW);
  if (!notice.ok) throw new Error(notice.error.detail);
  return notice.value;
}

const said = (body: string | null): Fields => Transformer.toObject(body ?? '') as Fields; // flat by its form

describe('a printed code', () => {
  it('carries the signature of its own fields, and is the same for the same time and nonce', async () => {
    const codeUrl = await product.codeUrl('sku-1', credentialsOf(), context);
    if (!codeUrl.ok) throw new Error(codeUrl.error.detail);
    expect(codeUrl.value).toMatch(/^weixin:\/\/wxpay\/bizpayurl\?/);
    const { sign, ...fields } = Object.fromEntries(new URL(codeUrl.value).searchParams);
    expect(Object.keys(fields).sort()).toEqual(['appid', 'mch_id', 'nonce_str', 'product_id', 'time_stamp']);
    expect(sign).toBe(Hash.sign('MD5', fields, API_KEY));
    expect(await product.codeUrl('sku-1', credentialsOf(), context)).toEqual(codeUrl);
  });

  it('is not made without an AppID', async () => {
    const made = await product.codeUrl('sku-1', credentialsOf({ appIds: [] }), context);
    expect(made).toMatchObject({ ok: false, error: { code: 'not_configured' } });
  });
});

describe('a scan', () => {
  it('is known by its product_id without a result_code', async () => {
    const asked = translate(await opened(scan), credentialsOf());
    expect(asked).toEqual({
      ok: true,
      value: { events: [], asks: { productId: 'tea-1' }, noticeType: 'product', noticeId: null },
    });
    const paid = translate(await opened({ ...payment, product_id: 'tea-1' }), credentialsOf());
    expect(paid.ok && paid.value.asks).toBeUndefined();
    expect(paid.ok && paid.value.events).toHaveLength(1);
  });

  it.each(['product_id', 'openid', 'nonce_str'])('without %s is refused', async (name) => {
    const asked = translate(await opened({ ...scan, [name]: '' }), credentialsOf());
    expect(asked).toMatchObject({ ok: false, error: { reason: 'malformed' } });
  });

  it('is refused unsigned, changed or for another merchant', async () => {
    expect(await verify(callbackOf(xmlOf(scan)), credentialsOf(), [], NOW)).toMatchObject({ ok: false });
    const changed = signedXml(scan).replace('tea-1', 'tea-2');
    expect(await verify(callbackOf(changed), credentialsOf(), [], NOW)).toMatchObject({
      ok: false,
      error: { reason: 'signature_invalid' },
    });
    const other = translate(await opened({ ...scan, mch_id: '1900000110' }), credentialsOf());
    expect(other).toMatchObject({ ok: false, error: { reason: 'wrong_merchant' } });
  });

  it('makes one order for each product, payer and nonce, and the same one again', async () => {
    const orderNoOf = async (changes: Fields) => product.orderNoOf(await opened({ ...scan, ...changes }));
    const first = await orderNoOf({});
    expect(first).toMatch(/^QR[0-9a-f]{30}$/);
    expect(await orderNoOf({ is_subscribe: 'N' })).toBe(first);
    for (const changes of [{ product_id: 'tea-2' }, { openid: 'another' }, { nonce_str: 'another' }]) {
      expect(await orderNoOf(changes)).not.toBe(first);
    }
  });
});

describe('the order of a scan', () => {
  const registration = {
    amount: { minor: 1_200, currency: 'CNY' },
    description: '龙井茶',
    expiresAt: null,
    metadata: {},
    registeredAt: NOW,
  };
  const order = { orderNo: 'QR0', registration, notifyUrl: 'https://pay.example/callbacks/shop' };

  async function asked(changes: Fields = {}, credentials: object = {}) {
    const known = credentialsOf(credentials);
    const request = await product.request(await opened({ ...scan, ...changes }), order, known, context);
    return request.ok ? { url: request.value.url, ...said(request.value.body) } : request.error;
  }

  it('is asked for at the product’s price, the same each time', async () => {
    const expected = {
      url: 'https://api.mch.weixin.qq.com/pay/unifiedorder',
      appid: 'wx2421b1c4370ec43b',
      mch_id: '1900000109',
      nonce_str: context.nonce,
      sign_type: 'HMAC-SHA256',
      body: '龙井茶',
      out_trade_no: 'QR0',
      total_fee: '1200',
      spbill_create_ip: '127.0.0.1',
      notify_url: 'https://pay.example/callbacks/shop',
      trade_type: 'NATIVE',
      product_id: 'tea-1',
    };
    const { sign, ...rest } = { sign: '', ...(await asked()) };
    expect(rest).toEqual(expected);
    const { url: _, ...fields } = expected;
    expect(sign).toBe(Hash.sign('HMAC-SHA256', fields, API_KEY));
  });

  it('is asked for under the name that the scan came with', async () => {
    const partner = { appid: 'wxanother', sub_mch_id: '1900000201' };
    expect(await asked(partner, { appIds: [] })).toMatchObject(partner);
  });

  it('is read from a proved answer alone', async () => {
    const read = async (body: string) => {
      const answer = await product.read(answerOf(body), credentialsOf(), [], NOW);
      return answer.ok ? answer.value : answer.error.code;
    };
    expect(await read(signedXml(prepaid))).toEqual({
      codeUrl: prepaid.code_url,
      codeExpiresAt: NOW + 2 * 3_600_000,
      reference: prepaid.prepay_id,
    });
    expect(await read(xmlOf(prepaid))).toBe('unverified');
    expect(await read(signedXml({ ...prepaid, prepay_id: '' }))).toBe('malformed');
    expect(await read(signedXml({ ...prepaid, prepay_id: '</xml>' }))).toBe('malformed');
    expect(await read(signedXml({ ...prepaid, result_code: 'FAIL', err_code: 'NOAUTH' }))).toBe('refused');
    expect(await read(signedXml({ ...prepaid, result_code: 'FAIL', err_code: 'SYSTEMERROR' }))).toBe('unavailable');
  });
});

describe('the answer to a scan', () => {
  async function answered(outcome: ProductOutcome, signType: 'MD5' | 'HMAC-SHA256' = 'MD5', fields = scan) {
    const { status, headers, body } = await product.reply(
      await opened(fields, signType),
      outcome,
      credentialsOf(),
      context,
    );
    expect([status, headers]).toEqual([200, { 'content-type': 'text/xml; charset=utf-8' }]);
    const { sign, ...rest } = said(body);
    expect(sign).toBe(Hash.sign(signType, rest, API_KEY));
    return { body, rest };
  }
  const prepared = { kind: 'prepared', reference: 'wx2014' } as const;

  it('carries the prepay_id, signed, and nothing else', async () => {
    const { body, rest } = await answered(prepared);
    expect(rest).toEqual({
      return_code: 'SUCCESS',
      appid: 'wx2421b1c4370ec43b',
      mch_id: '1900000109',
      nonce_str: context.nonce,
      prepay_id: 'wx2014',
      result_code: 'SUCCESS',
    });
    expect(body).toMatch(/^<xml><return_code><!\[CDATA\[SUCCESS\]\]><\/return_code>.*<\/xml>$/);
  });

  it.each(['unknown', 'disabled', 'paid', 'failed'] as const)(
    'of a scan that is %s tells the payer why',
    async (kind) => {
      const { rest } = await answered({ kind });
      expect(rest).toMatchObject({ return_code: 'SUCCESS', result_code: 'FAIL' });
      expect(rest.err_code_des).toMatch(/[一-龥]/);
      expect(rest.prepay_id).toBeUndefined();
    },
  );

  it('is signed as the question was', async () => {
    await answered(prepared, 'HMAC-SHA256');
    await answered({ kind: 'unknown' }, 'HMAC-SHA256');
  });

  it('is whole XML whatever the scan said', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1 }).map((text) => text.replace(/[\r\p{Cc}]|\]\]>/gu, '') || 'x'),
        async (text) => {
          await answered({ kind: 'unknown' }, 'MD5', { ...scan, product_id: text, attach: text });
        },
      ),
    );
  });
});
