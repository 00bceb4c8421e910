// Alipay's gateway: requests signed as the documents say, answers believed only when their signature holds over the raw
// text.
import { AlipaySdk } from 'alipay-sdk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rawMembers } from '../../src/providers/alipay/raw-members.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, QueryTarget } from '../../src/providers/provider.ts';
import { answered, expectProblem, failed, plain, signedParameters, unsigned } from '../fixtures/alipay/gateway.ts';
import {
  alipayCertificate,
  alipayKey,
  bareOf,
  entered,
  enteredWithCertificates,
  merchantKey,
  NOW,
  privatePemOf,
  strangerKey,
} from '../fixtures/alipay/merchant.ts';

const provider = providerOf('alipay');
const { query, pay } = provider ?? {};
if (!provider || !query || !pay) throw new Error('alipay lacks a capability');

const HOUR_MS = 3_600_000;
const context = { now: NOW, nonce: '593BEC0C930BF1AFEB40B4A08C8FB242' };
const credentialsOf = (changes: object = {}, base: object = entered) =>
  provider.credentials.parse({ ...base, ...changes });
const sdk = (more: object = {}) =>
  new AlipaySdk({
    appId: entered.appId,
    privateKey: bareOf(privatePemOf(merchantKey, 'pkcs1')),
    alipayPublicKey: entered.alipayPublicKey,
    ...more,
  });

describe('a request', () => {
  it('is signed with every parameter that it sends, in the address and the form', async () => {
    const request = await query.request({ orderNo: 'TG20260101_0001' }, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(request.value).toMatchObject({
      method: 'POST',
      url: expect.stringMatching(/^https:\/\/openapi\.alipay\.com\/gateway\.do\?/),
    });
    expect(request.value.headers['content-type']).toBe('application/x-www-form-urlencoded;charset=utf-8');
    const { sign: _, biz_content: content, ...rest } = signedParameters(request.value);
    expect(rest).toEqual({
      app_id: entered.appId,
      method: 'alipay.trade.query',
      format: 'JSON',
      charset: 'utf-8',
      sign_type: 'RSA2',
      timestamp: '2026-01-01 10:35:00',
      version: '1.0',
    });
    expect(JSON.parse(content ?? '')).toEqual({
      out_trade_no: 'TG20260101_0001',
      query_options: ['fund_bill_list', 'voucher_detail_list'],
    });
  });

  it.each(['pkcs1', 'pkcs8'] as const)('is signed by a key in %s, with or without its lines', async (type) => {
    for (const privateKey of [privatePemOf(merchantKey, type), bareOf(privatePemOf(merchantKey, type))]) {
      const request = await query.request({ orderNo: 'X' }, credentialsOf({ privateKey }), context);
      if (!request.ok) throw new Error(request.error.detail);
      signedParameters(request.value);
    }
  });

  it('names the certificates in certificate mode as the SDK does', async () => {
    const { config } = sdk({
      appCertContent: enteredWithCertificates.appCert,
      alipayPublicCertContent: alipayCertificate,
      alipayRootCertContent: enteredWithCertificates.alipayRootCert,
    });
    const request = await query.request({ orderNo: 'X' }, credentialsOf({}, enteredWithCertificates), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(signedParameters(request.value)).toMatchObject({
      app_cert_sn: config.appCertSn,
      alipay_root_cert_sn: config.alipayRootCertSn,
    });
    expect(config.appCertSn).toMatch(/^[0-9a-f]{32}$/);
  });

  it('goes to the sandbox where the keys are of the sandbox', async () => {
    const request = await query.request({ orderNo: 'X' }, credentialsOf({ sandbox: true }), context);
    expect(request).toMatchObject({
      value: { url: expect.stringMatching(/^https:\/\/openapi-sandbox\.dl\.alipaydev\.com\//) },
    });
  });

  it('needs the application’s private key', async () => {
    expectProblem(
      await query.request({ orderNo: 'X' }, credentialsOf({ privateKey: undefined }), context),
      'not_configured',
      /privateKey/,
    );
    expectProblem(
      await query.request({ refundNo: 'R1' }, credentialsOf(), context),
      'refused',
      /orderNo or transactionId/,
    );
  });
});

describe('an answer', () => {
  const content = { code: '10000', msg: 'Success', out_trade_no: 'TG1', qr_code: 'https://qr.alipay.com/bax03431' };
  const method = 'alipay.trade.precreate';
  const read = (answer: ProviderAnswer, credentials = credentialsOf()) => pay.read(answer, credentials, [], NOW);

  it('is believed when the SDK believes it, and refused when it does not', async () => {
    for (const key of [alipayKey, strangerKey]) {
      const answer = answered(method, content, { key, space: 2 });
      const text = new TextDecoder().decode(answer.body);
      const { sign: signature } = JSON.parse(text);
      const check = () => sdk().checkResponseSign(text, 'alipay_trade_precreate_response', signature, '');
      if (key === alipayKey) expect(check).not.toThrow();
      else expect(check).toThrow();
      expect((await read(answer)).ok).toBe(key === alipayKey);
    }
  });

  it('is verified as it was written: slashes, spaces and braces in strings included', async () => {
    for (const odd of ['}', '"sign":"', '{"sign":"x"}', '\\', 'é"}', 'alipay_trade_precreate_response']) {
      expect((await read(answered(method, { ...content, msg: odd }, { space: 1 }))).ok).toBe(true);
    }
    const answer = answered(method, content);
    const rewritten = new TextDecoder().decode(answer.body).replaceAll('\\/', '/');
    expectProblem(await read(plain(200, rewritten)), 'unverified', /Ask again/);
  });

  it('that is unsigned, signed by anyone else or doubled is not believed', async () => {
    expectProblem(await read(plain(200, JSON.stringify({ alipay_trade_precreate_response: content }))), 'unverified');
    expectProblem(await read(answered(method, content, { key: strangerKey })), 'unverified');
    const text = new TextDecoder().decode(answered(method, content).body);
    const doubled = text.replace(
      '{',
      '{"alipay_trade_precreate_response":{"code":"10000","qr_code":"https://evil.example/"},',
    );
    expectProblem(await read(plain(200, doubled)), 'malformed');
  });

  it('about another method is not believed, signed or not', async () => {
    expectProblem(await read(answered('alipay.trade.query', content)), 'malformed');
  });

  it('in certificate mode is verified with the certificate that it names', async () => {
    const certified = credentialsOf({}, enteredWithCertificates);
    const { alipayCertSn: certSn = '' } = sdk({
      appCertContent: enteredWithCertificates.appCert,
      alipayPublicCertContent: alipayCertificate,
      alipayRootCertContent: enteredWithCertificates.alipayRootCert,
    }).config;
    expect((await read(answered(method, content, { certSn }), certified)).ok).toBe(true);
    expectProblem(
      await read(answered(method, content, { certSn: 'f'.repeat(32) }), certified),
      'unverified',
      /new certificate/,
    );
  });

  it.each([
    ['20000', 'aop.unknow-error', 'unavailable', /20000/],
    ['40004', 'ACQ.SYSTEM_ERROR', 'unavailable', /SYSTEM_ERROR/],
    ['40004', 'aop.ACQ.SYSTEM_ERROR', 'unavailable', /SYSTEM_ERROR/],
    ['40002', 'isv.invalid-signature', 'refused', /privateKey/],
    ['40006', 'isv.insufficient-isv-permissions', 'refused', /permissions/],
  ])('of %s %s is %s, signed or not', async (code, subCode, outcome, detail) => {
    const failure = failed(subCode, '没有成功', code);
    expectProblem(await read(unsigned(method, failure)), outcome, detail);
    expectProblem(await read(answered(method, failure)), outcome, detail);
    expectProblem(await read(plain(200, JSON.stringify({ error_response: failure }))), outcome, detail);
  });

  it.each([
    ['ACQ.TRADE_HAS_SUCCESS', 'already_paid', /is paid/],
    ['ACQ.TRADE_HAS_CLOSE', 'refused', /another orderNo\.$/],
    ['ACQ.CONTEXT_INCONSISTENT', 'refused', /another amount, subject or expiry .*: choose another\.$/],
    ['ACQ.EXIST_FORBIDDEN_WORD', 'refused', /FORBIDDEN_WORD, 订单信息中包含违禁词/],
    ['constructor', 'refused', /constructor/],
  ])('to a payment request of %s is %s, and believed only when it is signed', async (subCode, outcome, detail) => {
    const failure = failed(subCode, '订单信息中包含违禁词');
    expectProblem(await read(answered(method, failure)), outcome, detail);
    expectProblem(await read(unsigned(method, failure)), 'unverified');
    expectProblem(await read(answered(method, failure, { key: strangerKey })), 'unverified');
  });

  it('that is no answer is none', async () => {
    for (const text of ['', '<html>', '[]', 'null', '{}', '{"alipay_trade_precreate_response":1}']) {
      expectProblem(await read(plain(200, text)), 'malformed');
    }
    expectProblem(await read(plain(502, '<html>')), 'unavailable', /502/);
    expectProblem(await read({ ...plain(200, ''), body: Uint8Array.of(0xff, 0xfe) }), 'malformed');
  });
});

describe('raw members', () => {
  it('are the text of each value, whatever JSON it is', () => {
    const name = fc.string().filter((one) => one !== '__proto__');
    const object = fc.dictionary(name, fc.jsonValue(), { maxKeys: 5 });
    fc.assert(
      fc.property(object, fc.nat(3), (value, space) => {
        const members = rawMembers(JSON.stringify(value, null, space));
        expect([...(members ?? [])].map(([key, raw]) => [key, JSON.parse(raw)])).toEqual(
          Object.entries(JSON.parse(JSON.stringify(value))),
        );
      }),
    );
  });

  it('of anything else are none, and nothing throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void rawMembers(text)));
    for (const text of ['[]', '"{}"', '{"a":1,"a":2}', '{"a":1} x', '1']) expect(rawMembers(text)).toBeNull();
  });
});

describe('asking for a trade', () => {
  const method = 'alipay.trade.query';
  const trade = {
    code: '10000',
    msg: 'Success',
    buyer_logon_id: 'wan***@sandbox.example',
    buyer_pay_amount: '80.00',
    buyer_user_id: '2088102177846880',
    fund_bill_list: [{ amount: '80.00', fund_channel: 'ALIPAYACCOUNT' }],
    out_trade_no: 'TG20260101_0001',
    send_pay_date: '2026-01-01 10:34:56',
    total_amount: '88.88',
    trade_no: '2026010122001404560012345678',
    trade_status: 'TRADE_SUCCESS',
    voucher_detail_list: [{ id: '2026010100073002', name: '新年券', amount: '8.88' }],
  };
  const target = { orderNo: 'TG20260101_0001' };
  const read = (content: unknown, asked: QueryTarget = target, changes: object = {}) =>
    query.read(answered(method, content), asked, credentialsOf(changes), [], NOW);

  it('goes by the provider’s number where there is one', async () => {
    const request = await query.request({ ...target, transactionId: trade.trade_no }, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(JSON.parse(signedParameters(request.value).biz_content ?? '')).toMatchObject({ trade_no: trade.trade_no });
  });

  it('tells the payment as its notice would', async () => {
    expect(await read(trade)).toMatchObject({
      ok: true,
      value: {
        noticeType: method,
        events: [
          {
            kind: 'payment',
            status: 'succeeded',
            orderNo: 'TG20260101_0001',
            occurredAt: Date.parse('2026-01-01T02:34:56Z'),
            amount: { minor: 8888, currency: 'CNY' },
            payerAmount: { minor: 8000 },
            providerMethod: 'ALIPAYACCOUNT',
            discounts: [{ id: '2026010100073002' }],
            payer: { id: '2088102177846880', idType: 'alipay_user_id' },
            test: false,
          },
        ],
      },
    });
    expect(await read(trade, target, { sandbox: true })).toMatchObject({ value: { events: [{ test: true }] } });
  });

  it('tells a finished trade as paid, a waiting one as pending and an unpaid closed one as closed', async () => {
    const { send_pay_date: _, ...unpaid } = trade;
    const first = async (content: object) => {
      const told = await read(content);
      return told.ok
        ? told.value.events.map((event) => ('status' in event ? event.status : event.kind))
        : told.error.detail;
    };
    expect(await first({ ...trade, trade_status: 'TRADE_FINISHED' })).toEqual(['succeeded']);
    expect(await first({ ...unpaid, trade_status: 'WAIT_BUYER_PAY' })).toEqual(['pending']);
    expect(await first({ ...unpaid, trade_status: 'TRADE_CLOSED' })).toEqual(['closed']);
    expect(await first({ ...trade, trade_status: 'TRADE_CLOSED' })).toEqual(['succeeded', 'refund']);
  });

  it('takes a code that nobody scanned for nothing yet, when Alipay signs that', async () => {
    const unknown = { code: '40004', msg: 'Business Failed', sub_code: 'ACQ.TRADE_NOT_EXIST', sub_msg: '交易不存在' };
    expect(await read(unknown)).toMatchObject({ ok: true, value: { events: [] } });
    expectProblem(await query.read(unsigned(method, unknown), target, credentialsOf(), [], NOW), 'unverified');
    expectProblem(await read(failed('ACQ.INVALID_PARAMETER')), 'refused', /INVALID_PARAMETER/);
  });

  it('believes no answer about another trade, and none that lacks what matters', async () => {
    expectProblem(await read({ ...trade, out_trade_no: 'TG2' }), 'malformed', /something else/);
    expectProblem(await read(trade, { transactionId: 'T2' }), 'malformed', /something else/);
    expectProblem(await read({ ...trade, send_pay_date: undefined }), 'malformed', /send_pay_date/);
    expectProblem(await read({ ...trade, total_amount: '1e2' }), 'malformed', /total_amount/);
    expectProblem(await read({ ...trade, trade_status: 'PAID' }), 'malformed', /trade_status/);
  });
});

describe('asking for a refund', () => {
  const method = 'alipay.trade.fastpay.refund.query';
  const refund = {
    code: '10000',
    msg: 'Success',
    gmt_refund_pay: '2026-01-02 09:00:01',
    out_request_no: 'R2',
    out_trade_no: 'TG20260101_0001',
    refund_amount: '20.00',
    refund_reason: '少发一件',
    refund_status: 'REFUND_SUCCESS',
    total_amount: '88.88',
    trade_no: '2026010122001404560012345678',
  };
  const target = { orderNo: 'TG20260101_0001', refundNo: 'R2' };
  const read = (content: unknown) => query.read(answered(method, content), target, credentialsOf(), [], NOW);

  it('names the merchant’s refund number', async () => {
    const request = await query.request(target, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    expect(signedParameters(request.value)).toMatchObject({ method });
    expect(JSON.parse(signedParameters(request.value).biz_content ?? '')).toEqual({
      out_trade_no: 'TG20260101_0001',
      out_request_no: 'R2',
      query_options: ['gmt_refund_pay'],
    });
  });

  it('tells this refund’s own amount', async () => {
    const told = await read(refund);
    expect(told).toMatchObject({
      value: {
        events: [
          {
            kind: 'refund',
            state: 'succeeded',
            refundNo: 'R2',
            amount: { minor: 2000, currency: 'CNY' },
            occurredAt: Date.parse('2026-01-02T01:00:01Z'),
            reason: '少发一件',
          },
        ],
      },
    });
    expect(JSON.stringify(told)).not.toContain('cumulative');
  });

  it('tells nothing of a refund that Alipay does not call a success', async () => {
    for (const content of [
      { ...refund, refund_status: undefined },
      { code: '10000', msg: 'Success' },
      { ...refund, refund_status: 'X' },
    ]) {
      expect(await read(content)).toMatchObject({ ok: true, value: { events: [] } });
    }
  });

  it('believes no answer about another refund', async () => {
    expectProblem(await read({ ...refund, out_request_no: 'R1' }), 'malformed', /something else/);
  });
});

describe('asking for a payment', () => {
  const orderOf = (changes: object = {}) => ({
    orderNo: 'TG20260101_0001',
    notifyUrl: 'https://pay.example/callbacks/shop',
    registration: {
      amount: { minor: 8888, currency: 'CNY' },
      description: '大乐透',
      expiresAt: NOW + HOUR_MS,
      metadata: {},
      registeredAt: NOW,
      ...changes,
    },
  });
  const contentOf = async (order = orderOf()): Promise<unknown> => {
    const request = await pay.request(order, credentialsOf(), context);
    if (!request.ok) throw new Error(request.error.detail);
    const parameters = signedParameters(request.value);
    expect(parameters).toMatchObject({ method: 'alipay.trade.precreate', notify_url: order.notifyUrl });
    return JSON.parse(parameters.biz_content ?? '');
  };

  it('sends what the documents require', async () => {
    expect(await contentOf()).toEqual({
      out_trade_no: 'TG20260101_0001',
      total_amount: '88.88',
      subject: '大乐透',
      time_expire: '2026-01-01 11:35:00',
    });
  });

  it('asks for the same whenever it is asked, so that the same order gets another code', async () => {
    const order = orderOf({ expiresAt: NOW + HOUR_MS + 999, description: null });
    const [first, later] = [context, { now: NOW + 1_800_500, nonce: 'x' }].map(async (at) => {
      const request = await pay.request(order, credentialsOf(), at);
      if (!request.ok) throw new Error(request.error.detail);
      const { sign: _, timestamp: __, ...rest } = signedParameters(request.value);
      return rest;
    });
    expect(await later).toEqual(await first);
  });

  it('gives half an hour and a subject where the merchant gave none, and drops forbidden letters', async () => {
    expect(await contentOf(orderOf({ expiresAt: null, description: null }))).toMatchObject({
      subject: '订单 TG20260101_0001',
      time_expire: '2026-01-01 11:05:00',
    });
    expect(await contentOf(orderOf({ description: 'a/b=c&d' }))).toMatchObject({ subject: 'a b c d' });
    expect(await contentOf(orderOf({ description: '👍'.repeat(300) }))).toMatchObject({ subject: '👍'.repeat(256) });
  });

  it('refuses what Alipay would refuse, with the mend', async () => {
    const ask = (order: ReturnType<typeof orderOf>) => pay.request(order, credentialsOf(), context);
    expectProblem(await ask({ ...orderOf(), orderNo: 'a-b' }), 'refused', /orderNo/);
    expectProblem(await ask(orderOf({ amount: { minor: 100, currency: 'USD' } })), 'refused', /CNY/);
    expectProblem(await ask(orderOf({ amount: { minor: 0, currency: 'CNY' } })), 'refused', /0\.01/);
    expectProblem(await ask(orderOf({ expiresAt: NOW + 59_000 })), 'refused', /expiresAt/);
  });

  it('reads the code, which lasts two hours and no longer than the order', async () => {
    const codeUrl = 'https://qr.alipay.com/bax03431ljhokirwl38f00a7';
    const content = { code: '10000', msg: 'Success', out_trade_no: 'TG20260101_0001', qr_code: codeUrl };
    const read = (expiresAt?: number | null, changes: object = {}) =>
      pay.read(answered('alipay.trade.precreate', { ...content, ...changes }), credentialsOf(), [], NOW, expiresAt);
    expect(await read(NOW + HOUR_MS)).toEqual({ ok: true, value: { codeUrl, codeExpiresAt: NOW + HOUR_MS } });
    expect(await read(NOW + 5 * HOUR_MS)).toMatchObject({ value: { codeExpiresAt: NOW + 2 * HOUR_MS } });
    expect(await read()).toMatchObject({ value: { codeExpiresAt: NOW + HOUR_MS / 2 } });
    for (const qr_code of ['http://qr.alipay.com/x', 'javascript:alert(1)', '', 7, undefined]) {
      expectProblem(await read(null, { qr_code }), 'malformed', /qr_code/);
    }
  });
});
