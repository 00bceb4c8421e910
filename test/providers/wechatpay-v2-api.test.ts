// WeChat Pay v2: what is asked of its API, byte for byte under the independent signer, and which answers are believed.
import { describe, expect, it } from 'vitest';
import { Hash, Transformer } from 'wechatpay-axios-plugin';
import { factKey } from '../../src/core/event.ts';
import { fieldsOf, parseXml } from '../../src/core/xml.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderRequest, QueryTarget } from '../../src/providers/provider.ts';
import {
  API_KEY,
  answerOf,
  entered,
  type Fields,
  NOW,
  payment,
  prepaid,
  queriedOrder,
  queriedRefund,
  refund,
  refundNotice,
  signedXml,
  signOf,
  xmlOf,
} from '../fixtures/wechatpay-v2/merchant.ts';

const provider = providerOf('wechatpay-v2');
if (provider?.query === undefined || provider.pay === undefined) throw new Error('wechatpay-v2 lacks a capability');
const { query, pay } = provider;

const context = { now: NOW, nonce: '5K8264ILTKCH16CQ2502SI8ZNMTM67VS' };
const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });
const refundTarget: QueryTarget = { reference: '131811191610442717309', orderNo: '1409811653' };

/** What the request says, when the independent signer agrees with its signature. */
function said(request: ProviderRequest): Fields {
  const parsed = parseXml(request.body ?? '');
  const read = parsed.ok ? fieldsOf(parsed.value) : parsed;
  if (!read.ok) throw new Error(read.error);
  const fields = Object.fromEntries(read.value);
  expect(Transformer.toObject(request.body ?? '')).toEqual(fields);
  expect(fields.sign).toBe(Hash.sign(fields.sign_type === 'MD5' ? 'MD5' : 'HMAC-SHA256', fields, API_KEY));
  const { sign: _, ...rest } = fields;
  return rest;
}

async function asked(target: QueryTarget, changes: object = {}) {
  const request = await query.request(target, credentialsOf(changes), context);
  return request.ok ? { url: request.value.url, ...said(request.value) } : request.error;
}

const read = (body: string, target: QueryTarget = {}, changes: object = {}, status = 200) =>
  query.read(answerOf(body, status), target, credentialsOf(changes), [], NOW);

async function codeOf(body: string, target: QueryTarget = {}, status = 200): Promise<string> {
  const answer = await read(body, target, {}, status);
  return answer.ok ? 'ok' : answer.error.code;
}

describe('a query', () => {
  const whose = {
    appid: 'wx2421b1c4370ec43b',
    mch_id: '1900000109',
    nonce_str: context.nonce,
    sign_type: 'HMAC-SHA256',
  };

  it('asks for an order by its number, or by the transaction where that is all', async () => {
    const url = 'https://api.mch.weixin.qq.com/pay/orderquery';
    expect(await asked({ orderNo: '1409811653' })).toEqual({ url, ...whose, out_trade_no: '1409811653' });
    expect(await asked({ orderNo: '1', transactionId: '2' })).toEqual({ url, ...whose, out_trade_no: '1' });
    expect(await asked({ transactionId: '2' })).toEqual({ url, ...whose, transaction_id: '2' });
    expect(await asked({})).toMatchObject({ code: 'refused' });
  });

  it('asks for a refund by its number', async () => {
    const url = 'https://api.mch.weixin.qq.com/pay/refundquery';
    expect(await asked(refundTarget)).toEqual({ url, ...whose, out_refund_no: '131811191610442717309' });
  });

  it('asks under the name that a refund notice gave', async () => {
    const notice = refundNotice(refund, { appid: 'wxanother', sub_mch_id: '1900000201' });
    const credentials = credentialsOf({ appIds: [] });
    const opened = await provider.verify(notice, credentials, [], NOW);
    const translated = opened.ok ? provider.translate(opened.value, credentials) : opened;
    const [hint = {}] = translated.ok ? (translated.value.hints ?? []) : [];
    expect(await asked(hint, { appIds: [] })).toMatchObject({
      appid: 'wxanother',
      sub_mch_id: '1900000201',
      out_refund_no: '131811191610442717309',
    });
  });

  it('is signed with the first algorithm that the merchant allows', async () => {
    expect(await asked({ orderNo: '1' }, { signTypes: ['MD5'] })).toMatchObject({ sign_type: 'MD5' });
    expect(await asked({ orderNo: '1' }, { signTypes: ['MD5', 'HMAC-SHA256'] })).toMatchObject({ sign_type: 'MD5' });
  });

  it('names the sub-merchant, and says what is missing where there is none to name', async () => {
    expect(await asked({ orderNo: '1' }, { subMchIds: ['1900000201'] })).toMatchObject({ sub_mch_id: '1900000201' });
    const several = { subMchIds: ['1900000201', '1900000202'] };
    expect(await asked({ orderNo: '1' }, several)).toMatchObject({ code: 'not_configured' });
    expect(await asked({ orderNo: '1' }, { appIds: [] })).toMatchObject({ code: 'not_configured' });
    expect(await asked(refundTarget, { appIds: [] })).toMatchObject({ code: 'not_configured' });
  });

  it('cannot be made to say more by an odd reference', async () => {
    for (const reference of ['', '/', 'a b', 'a</out_refund_no>', 'a/wx1/1900000201/b', 'a/wx 1', 'a/wx1/x']) {
      expect(await asked({ reference })).toMatchObject({ code: 'not_configured' });
    }
    expect(await asked({ orderNo: ']]><x>\r\u0008' })).toMatchObject({ out_trade_no: ']]><x>\n' });
  });
});

describe('the answer to an order query', () => {
  const answered = (changes: Fields = {}, left = '') => {
    const { [left]: _, ...rest } = queriedOrder;
    return signedXml({ ...rest, ...changes }, 'HMAC-SHA256');
  };
  async function factOf(changes: Fields = {}, left = '') {
    const answer = await read(answered(changes, left), { orderNo: '1409811653' });
    if (!answer.ok) throw new Error(answer.error.detail);
    return answer.value.events[0];
  }

  it('tells of the payment as its notice does', async () => {
    const credentials = credentialsOf();
    const notice = await provider.verify(
      {
        channelId: '',
        headers: {},
        body: new TextEncoder().encode(signedXml(payment)),
        remoteAddress: null,
        receivedAt: 0,
      },
      credentials,
      [],
      NOW,
    );
    const translated = notice.ok ? provider.translate(notice.value, credentials) : notice;
    expect(translated.ok && translated.value.events).toEqual([await factOf()]);
  });

  it.each([
    ['SUCCESS', 'NATIVE', 'succeeded'],
    ['REFUND', 'NATIVE', 'succeeded'],
    ['USERPAYING', 'MICROPAY', 'pending'],
    ['PAYERROR', 'NATIVE', 'pending'],
    ['PAYERROR', 'MICROPAY', 'failed'],
    ['CLOSED', 'NATIVE', 'closed'],
    ['REVOKED', 'MICROPAY', 'closed'],
  ])('is canonical: %s of %s is %s', async (tradeState, tradeType, status) => {
    const fact = await factOf({ trade_state: tradeState, trade_type: tradeType });
    expect(fact).toMatchObject({ status, providerState: tradeState, orderNo: '1409811653' });
  });

  it('of an order that was closed unpaid has no transaction, and now for its time', async () => {
    const fields = {
      appid: 'wx2421b1c4370ec43b',
      mch_id: '1900000109',
      out_trade_no: '1409811653',
      return_code: 'SUCCESS',
      result_code: 'SUCCESS',
      trade_state: 'CLOSED',
      nonce_str: 'x',
    };
    const answer = await read(signedXml(fields), { orderNo: '1409811653' });
    expect(answer.ok && answer.value.events).toMatchObject([
      { status: 'closed', transactionId: null, amount: null, occurredAt: NOW },
    ]);
  });

  it('tells nothing of an order that is unpaid or unknown', async () => {
    const unknown = { ...queriedOrder, result_code: 'FAIL', err_code: 'ORDERNOTEXIST', err_code_des: '订单不存在' };
    for (const body of [answered({ trade_state: 'NOTPAY' }), signedXml(unknown)]) {
      expect(await read(body)).toMatchObject({ ok: true, value: { events: [], noticeType: 'orderquery' } });
    }
  });

  it('is believed only when it is proved and complete', async () => {
    expect(await codeOf(answered())).toBe('ok');
    expect(await codeOf(xmlOf({ ...queriedOrder, sign: signOf({ ...queriedOrder, total_fee: '1' }) }))).toBe(
      'unverified',
    );
    expect(await codeOf(xmlOf(queriedOrder))).toBe('unverified');
    const unsigned = { ...queriedOrder, result_code: 'FAIL', err_code: 'ORDERNOTEXIST' };
    expect(await codeOf(xmlOf(unsigned))).toBe('unverified');
    expect(await codeOf(signedXml(queriedOrder, 'MD5', 'x'.repeat(32)))).toBe('unverified');
    expect(await codeOf(answered({ trade_state: 'NEW' }))).toBe('malformed');
    expect(await codeOf(answered({}, 'total_fee'))).toBe('malformed');
    expect(await codeOf(answered({ mch_id: '1900000110' }))).toBe('malformed');
    expect(await codeOf(answered(), { orderNo: 'another' })).toBe('malformed');
    expect(await codeOf(`<!DOCTYPE xml>${answered()}`)).toBe('malformed');
    expect(await codeOf('')).toBe('malformed');
  });

  it('that is a failure is told apart: ours to mend, or the provider’s to pass', async () => {
    const failed = (err_code: string) => signedXml({ ...queriedOrder, result_code: 'FAIL', err_code });
    expect(await codeOf(failed('SYSTEMERROR'))).toBe('unavailable');
    expect(await codeOf(failed('FREQUENCY_LIMITED'))).toBe('unavailable');
    expect(await codeOf(failed('APPID_MCHID_NOT_MATCH'))).toBe('refused');
    expect(await codeOf('<html>502</html>', {}, 502)).toBe('unavailable');
    expect(await codeOf('', {}, 302)).toBe('unavailable');
    const misread = await read(xmlOf({ return_code: 'FAIL', return_msg: '签名错误' }));
    expect(misread).toMatchObject({
      ok: false,
      error: { code: 'refused', detail: expect.stringContaining('签名错误') },
    });
  });
});

describe('the answer to a refund query', () => {
  async function factOf(changes: Fields = {}) {
    const answer = await read(signedXml({ ...queriedRefund, ...changes }), refundTarget);
    return answer.ok ? answer.value.events : answer.error;
  }

  it('tells of the refund', async () => {
    expect(await factOf()).toEqual([
      {
        kind: 'refund',
        orderNo: '1409811653',
        occurredAt: Date.parse('2026-01-02T16:24:13+08:00'),
        providerState: 'SUCCESS',
        test: false,
        state: 'succeeded',
        refundNo: '131811191610442717309',
        providerRefundId: '50000408942018111907145868882',
        transactionId: '1004400740201409030005092168',
        amount: { minor: 40, currency: 'CNY' },
        account: '支付用户零钱',
      },
    ]);
  });

  it.each([
    ['SUCCESS', 'succeeded'],
    ['PROCESSING', 'pending'],
    ['REFUNDCLOSE', 'failed'],
    ['CHANGE', 'needs_attention'],
  ])('is canonical: %s is %s (pitfall 8)', async (status, state) => {
    expect(await factOf({ refund_status_0: status, refund_success_time_0: '' })).toMatchObject([
      { state, providerState: status, occurredAt: NOW },
    ]);
  });

  it('counts this refund and neither the sum of all nor its neighbours, numbered from 0 or from 1', async () => {
    const neighbour = {
      refund_fee: '70',
      refund_count: '2',
      out_refund_no_1: 'second',
      refund_id_1: '2',
      refund_fee_1: '30',
      refund_status_1: 'PROCESSING',
    };
    expect(await factOf(neighbour)).toMatchObject([{ refundNo: '131811191610442717309', amount: { minor: 40 } }]);
    const second = await read(signedXml({ ...queriedRefund, ...neighbour }), { reference: 'second' });
    expect(second.ok && second.value.events).toMatchObject([{ refundNo: 'second', amount: { minor: 30 } }]);
    const fromOne = Object.entries(queriedRefund).map(([name, value]) => [name.replace(/_0$/, '_1'), value]);
    const answer = await read(signedXml(Object.fromEntries(fromOne)), refundTarget);
    expect(answer.ok && answer.value.events).toMatchObject([{ amount: { minor: 40 }, state: 'succeeded' }]);
  });

  it('two partial refunds of one payment are two facts, and the same one twice is one', async () => {
    const keyOf = async (changes: Fields) => {
      const { out_refund_no_0: reference = '' } = { ...queriedRefund, ...changes };
      const answer = await read(signedXml({ ...queriedRefund, ...changes }), { reference });
      return answer.ok ? answer.value.events.map(factKey) : answer.error;
    };
    const first = await keyOf({});
    expect(await keyOf({ nonce_str: 'again' })).toEqual(first);
    expect(await keyOf({ out_refund_no_0: 'second', refund_id_0: '2' })).not.toEqual(first);
  });

  it('tells nothing where the refund is unknown', async () => {
    expect(await factOf({ result_code: 'FAIL', err_code: 'REFUNDNOTEXIST' })).toEqual([]);
  });

  it('is refused where it is about something else', async () => {
    expect(await factOf({ out_refund_no_0: 'another' })).toMatchObject({ code: 'malformed' });
    expect(await factOf({ out_trade_no: 'another' })).toMatchObject({ code: 'malformed' });
    expect(await factOf({ refund_fee_0: '' })).toMatchObject({ code: 'malformed' });
    expect(await factOf({ refund_status_0: 'ODD' })).toMatchObject({ code: 'malformed' });
  });
});

describe('a Native payment', () => {
  const registration = {
    amount: { minor: 888, currency: 'CNY' },
    description: '腾讯充值中心-QQ会员充值',
    expiresAt: null,
    metadata: {},
    registeredAt: NOW,
  };
  const order = { orderNo: 'TG20260101-0001', registration, notifyUrl: 'https://pay.example/callbacks/shop' };
  async function asking(changes: object = {}, credentials: object = {}) {
    const request = await pay.request({ ...order, ...changes }, credentialsOf(credentials), context);
    return request.ok ? said(request.value) : request.error;
  }

  it('is asked for as mode 2 wants it', async () => {
    const request = await pay.request(order, credentialsOf(), context);
    expect(request.ok && request.value.url).toBe('https://api.mch.weixin.qq.com/pay/unifiedorder');
    expect(await asking()).toEqual({
      appid: 'wx2421b1c4370ec43b',
      mch_id: '1900000109',
      nonce_str: context.nonce,
      sign_type: 'HMAC-SHA256',
      body: '腾讯充值中心-QQ会员充值',
      out_trade_no: 'TG20260101-0001',
      total_fee: '888',
      spbill_create_ip: '127.0.0.1',
      time_expire: '20260101110500',
      notify_url: 'https://pay.example/callbacks/shop',
      trade_type: 'NATIVE',
      product_id: 'TG20260101-0001',
    });
  });

  it('carries any description that XML can, and no longer than allowed', async () => {
    const description = `]]>&<b>\u0000\r\n${'长'.repeat(200)}`;
    const request = await asking({ registration: { ...registration, description } });
    expect(request).toMatchObject({ body: `]]>&<b>\n${'长'.repeat(119)}` });
    expect(await asking({ registration: { ...registration, description: null } })).toMatchObject({
      body: '订单 TG20260101-0001',
    });
  });

  it.each([
    ['an order number that is too long', { orderNo: 'x'.repeat(33) }, 'refused'],
    ['an order number with other letters', { orderNo: '订单1' }, 'refused'],
    ['another currency', { registration: { ...registration, amount: { minor: 1, currency: 'USD' } } }, 'refused'],
    ['nothing', { registration: { ...registration, amount: { minor: 0, currency: 'CNY' } } }, 'refused'],
    ['an expiry in seconds', { registration: { ...registration, expiresAt: NOW + 59_000 } }, 'refused'],
  ])('is not asked for with %s', async (_name, changes, code) => {
    expect(await asking(changes)).toMatchObject({ code });
  });

  it('is not asked for without an AppID', async () => {
    expect(await asking({}, { appIds: [] })).toMatchObject({ code: 'not_configured' });
  });

  async function answered(body: string, expiresAt: number | null = null) {
    const answer = await pay.read(answerOf(body), credentialsOf(), [], NOW, expiresAt);
    return answer.ok ? answer.value : answer.error;
  }

  it('gives its code from a proved answer, valid no longer than the order', async () => {
    const codeUrl = 'weixin://wxpay/bizpayurl?pr=p4lpSuKzz';
    expect(await answered(signedXml(prepaid))).toEqual({ codeUrl, codeExpiresAt: NOW + 30 * 60_000 });
    const later = NOW + 24 * 3_600_000;
    expect(await answered(signedXml(prepaid), later)).toEqual({ codeUrl, codeExpiresAt: NOW + 2 * 3_600_000 });
  });

  it('is believed in no other case', async () => {
    expect(await answered(xmlOf(prepaid))).toMatchObject({ code: 'unverified' });
    expect(await answered(signedXml({ ...prepaid, code_url: 'https://evil.example/' }))).toMatchObject({
      code: 'malformed',
    });
    const paid = { ...prepaid, result_code: 'FAIL', err_code: 'ORDERPAID', err_code_des: '该订单已支付' };
    expect(await answered(signedXml(paid))).toMatchObject({
      code: 'already_paid',
      detail: expect.stringContaining('已支付'),
    });
  });
});
