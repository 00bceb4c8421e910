// The pretend WeChat Pay v2 over real HTTP, judged by code that somebody else wrote: wechatpay-axios-plugin from npm.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Aes, Hash, Transformer } from 'wechatpay-axios-plugin';
import { providerOf } from '../../src/providers/index.ts';
import { createIdentity, credentialsOfV2, type Identity } from '../../src/sandbox/identity.ts';
import { startWeChatPay, type WeChatPay } from '../../src/sandbox/wechatpay.ts';
import { DialectMerchant } from './dialect-merchant.ts';
import { type Receiver, startReceiver, until } from './receiver.ts';

type Fields = Record<string, string>;
const RECEIPT = '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>';
const REFUSAL = '<xml><return_code><![CDATA[FAIL]]></return_code></xml>';

let identity: Identity;
let receiver: Receiver;
let sandbox: WeChatPay;
let shop: DialectMerchant;

beforeAll(async () => {
  identity = await createIdentity(Date.now());
  receiver = await startReceiver({ status: 200, body: RECEIPT });
  sandbox = await startWeChatPay({ port: 0, identity, notifyUrl: receiver.url, timeScale: 0.001 });
  shop = new DialectMerchant('wechatpay-v2', credentialsOfV2(identity), sandbox.url, receiver);
});
beforeEach(() => {
  receiver.arrivals.length = 0;
  receiver.receipts.length = 0;
});
afterAll(async () => {
  await sandbox.close();
  receiver.close();
});

const orderNo = () => `T${randomBytes(10).toString('hex')}`;
const fieldsOf = (body: string): Fields => Transformer.toObject(body) as Fields; // flat, by its type
const isSigned = ({ sign, ...fields }: Fields, signType: 'MD5' | 'HMAC-SHA256') =>
  sign === Hash.sign(signType, fields, identity.apiV2Key);

/** Calls the API as a merchant does: signed with the merchant's key. */
async function call(path: string, own: Fields, signType: 'MD5' | 'HMAC-SHA256' = 'MD5', key = identity.apiV2Key) {
  const nonce_str = randomBytes(16).toString('hex');
  const fields = { appid: identity.appId, mch_id: identity.mchId, nonce_str, sign_type: signType, ...own };
  const body = Transformer.toXml({ ...fields, sign: Hash.sign(signType, fields, key) });
  const response = await fetch(sandbox.url + path, { method: 'POST', body });
  return { status: response.status, fields: fieldsOf(await response.text()) };
}

const unified = (out_trade_no: string, more: Fields = {}): Fields => ({
  body: '一杯茶',
  out_trade_no,
  total_fee: '100',
  spbill_create_ip: '127.0.0.1',
  notify_url: receiver.url,
  trade_type: 'NATIVE',
  product_id: out_trade_no,
  ...more,
});

async function control(path: string, body: object) {
  const response = await fetch(`${sandbox.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: await response.json() };
}

describe('the API', () => {
  it.each(['MD5', 'HMAC-SHA256'] as const)('signs its answers with %s where the request did', async (signType) => {
    const { fields } = await call('/pay/unifiedorder', unified(orderNo()), signType);
    expect(fields).toMatchObject({ return_code: 'SUCCESS', result_code: 'SUCCESS', trade_type: 'NATIVE' });
    expect(fields.code_url).toMatch(/^weixin:\/\/wxpay\/bizpayurl\?pr=/);
    expect(isSigned(fields, signType)).toBe(true);
    const refused = await call('/pay/orderquery', { out_trade_no: orderNo() }, signType);
    expect(refused.fields).toMatchObject({ result_code: 'FAIL', err_code: 'ORDERNOTEXIST' });
    expect(isSigned(refused.fields, signType)).toBe(true);
  });

  it('takes nothing that the merchant did not sign, and says so unsigned', async () => {
    const forged = await call('/pay/unifiedorder', unified(orderNo()), 'MD5', 'x'.repeat(32));
    expect(forged.fields).toEqual({ return_code: 'FAIL', return_msg: '签名错误' });
    const other = await call('/pay/unifiedorder', unified(orderNo(), { mch_id: '1699999999' }));
    expect(other.fields.return_code).toBe('FAIL');
    const response = await fetch(`${sandbox.url}/pay/unifiedorder`, { method: 'POST', body: '<xml>' });
    expect(fieldsOf(await response.text()).return_code).toBe('FAIL');
  });

  it('gives a fresh code for the same order, and none for another under its number', async () => {
    const no = orderNo();
    const [first, again] = [await call('/pay/unifiedorder', unified(no)), await call('/pay/unifiedorder', unified(no))];
    expect(again.fields.prepay_id).toBe(first.fields.prepay_id);
    expect(again.fields.code_url).not.toBe(first.fields.code_url);
    const other = await call('/pay/unifiedorder', unified(no, { total_fee: '200' }));
    expect(other.fields.err_code).toBe('OUT_TRADE_NO_USED');
  });
});

describe('a notice', () => {
  it.each(['MD5', 'HMAC-SHA256'] as const)('of a payment is signed with %s as its order was', async (signType) => {
    const no = orderNo();
    await call('/pay/unifiedorder', unified(no, { attach: '支付测试' }), signType);
    await control('/sandbox/pay', { outTradeNo: no, coupon: 10 });
    const fields = fieldsOf(receiver.arrivals[0]?.body ?? '');
    expect(isSigned(fields, signType)).toBe(true);
    expect(fields).toMatchObject({ out_trade_no: no, total_fee: '100', cash_fee: '90', attach: '支付测试' });
    expect(receiver.arrivals[0]?.headers['content-type']).toBe('text/xml');
  });

  it('of a refund is sealed with the digest of the key and signed with nothing', async () => {
    const no = orderNo();
    await control('/sandbox/pay', { outTradeNo: no, amount: 100, api: 'v2' });
    await control('/sandbox/refund', { outTradeNo: no, amount: 40 });
    const { req_info = '', sign } = fieldsOf(receiver.arrivals[1]?.body ?? '');
    expect(sign).toBe(undefined);
    const plain = Aes.AesEcb.decrypt(req_info, Hash.md5(identity.apiV2Key));
    expect(fieldsOf(plain)).toMatchObject({ out_trade_no: no, refund_fee: '40', refund_status: 'SUCCESS' });
  });

  it('comes again until the words of a receipt are answered, whatever the status', async () => {
    receiver.receipts.push({ status: 200, body: REFUSAL }, { status: 200, body: '' }, { status: 503, body: RECEIPT });
    await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 100, api: 'v2' });
    await until(() => receiver.arrivals.length === 4);
    await new Promise((done) => setTimeout(done, 50));
    expect(new Set(receiver.arrivals.map(({ body }) => body)).size).toBe(1);
    expect(receiver.arrivals).toHaveLength(4);
  });

  it.each([
    ['tampered-amount', 'signature_invalid'],
    ['forged', 'signature_invalid'],
    ['missing-signature', 'signature_invalid'],
    ['other-merchant', 'wrong_merchant'],
  ])('%s must be refused, and the gateway does', async (misbehave, reason) => {
    receiver.receipts.push({ status: 401, body: REFUSAL });
    await control('/sandbox/pay', { outTradeNo: orderNo(), amount: 100, api: 'v2', misbehave, attempts: 1 });
    const [arrival] = receiver.arrivals;
    expect(arrival && (await shop.verdictOn(arrival))).toBe(reason);
  });

  it.each(['tampered-amount', 'forged'])('of a refund that is %s opens with no key of ours', async (misbehave) => {
    const no = orderNo();
    await control('/sandbox/pay', { outTradeNo: no, amount: 100, api: 'v2' });
    receiver.receipts.push({ status: 401, body: REFUSAL });
    await control('/sandbox/refund', { outTradeNo: no, amount: 40, misbehave, attempts: 1 });
    const arrival = receiver.arrivals.at(-1);
    expect(arrival && (await shop.verdictOn(arrival))).toBe('signature_invalid');
  });

  it('cannot be spoiled in ways that XML notices do not have', async () => {
    for (const misbehave of ['stale', 'signtest', 'wrong-serial', 'unknown-event']) {
      const asked = { outTradeNo: orderNo(), amount: 100, api: 'v2', misbehave };
      expect(await control('/sandbox/pay', asked)).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining('XML') },
      });
    }
  });
});

describe('a static code (Native mode 1)', () => {
  const provider = providerOf('wechatpay-v2');
  const product = provider?.product;
  if (!provider || !product) throw new Error('wechatpay-v2 lacks its products');

  async function codeOf(key = identity.apiV2Key): Promise<string> {
    const credentials = provider?.credentials.parse({ ...credentialsOfV2(identity), apiKey: key });
    const code = await product?.codeUrl('tea-1', credentials, { now: Date.now(), nonce: 'n0nce' });
    if (!code?.ok) throw new Error('no code');
    return code.value;
  }

  it('is scanned, and leads to the order that the merchant answers with', async () => {
    const no = orderNo();
    const { fields } = await call('/pay/unifiedorder', unified(no));
    const told = {
      return_code: 'SUCCESS',
      appid: identity.appId,
      mch_id: identity.mchId,
      nonce_str: 'x',
      result_code: 'SUCCESS',
    };
    const answer = { ...told, prepay_id: fields.prepay_id ?? '' };
    const body = Transformer.toXml({ ...answer, sign: Hash.sign('MD5', answer, identity.apiV2Key) });
    receiver.receipts.push({ status: 200, body });
    const scanned = await control('/sandbox/scan', {
      codeUrl: await codeOf(),
      notifyUrl: receiver.url,
      nonce: 'scan1',
    });
    expect(scanned.body).toMatchObject({ status: 200, isSigned: true, outTradeNo: no });
    const asked = fieldsOf(receiver.arrivals[0]?.body ?? '');
    expect(asked).toMatchObject({ product_id: 'tea-1', nonce_str: 'scan1', mch_id: identity.mchId });
    expect(isSigned(asked, 'MD5')).toBe(true);
  });

  it('is nobody’s where it is not signed by the merchant, and an answer is shown as it is', async () => {
    const forged = await control('/sandbox/scan', { codeUrl: await codeOf('y'.repeat(32)), notifyUrl: receiver.url });
    expect(forged).toMatchObject({ status: 400, body: { error: expect.stringContaining('not signed') } });
    receiver.receipts.push({ status: 503, body: 'down' });
    const scanned = await control('/sandbox/scan', { codeUrl: await codeOf(), notifyUrl: receiver.url });
    expect(scanned.body).toMatchObject({ status: 503, answer: 'down', isSigned: false, outTradeNo: null });
  });
});
