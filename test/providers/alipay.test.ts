// Alipay: the conformance suite, and the pitfalls that most integrations fall into.
import { AlipaySdk } from 'alipay-sdk';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey, type PaymentEvent } from '../../src/core/event.ts';
import { decodeText, readForm } from '../../src/providers/alipay/form.ts';
import { providerOf } from '../../src/providers/index.ts';
import {
  alipayCertificate,
  alipayKey,
  bareOf,
  bytesIn,
  callbackOf,
  classCertificate,
  entered,
  enteredWithCertificates,
  type Fields,
  formOf,
  leafOf,
  merchantKey,
  NOW,
  nextAlipayKey,
  paid,
  privatePemOf,
  publicPemOf,
  refunded,
  type Signer,
  signed,
  signedFields,
  strangerKey,
  weakKey,
} from '../fixtures/alipay/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('alipay');
if (provider === null) throw new Error('alipay is not registered');

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const success = { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'success' };
const suite = {
  provider,
  now: NOW,
  genuine: {
    'payment in UTF-8': signed(),
    'payment in GBK': signed({ ...paid, charset: 'gbk' }),
    'payment pending': signed({ ...paid, trade_status: 'WAIT_BUYER_PAY', gmt_payment: undefined }),
    'trade finished': signed({ ...paid, trade_status: 'TRADE_FINISHED' }),
    'trade closed unpaid': signed({
      ...paid,
      trade_status: 'TRADE_CLOSED',
      gmt_payment: undefined,
      gmt_close: paid.gmt_create,
    }),
    'partial refund': signed(refunded('10.00', 'R1')),
  },
  redelivery: { callback: signed({ ...paid, notify_time: '2026-01-01 11:34:58' }), now: NOW + HOUR_MS },
  unknownType: signed({ ...paid, notify_type: 'open_app_auth_notify' }),
  // Without gmt_payment a notice tells its refund alone.
  partialRefunds: [
    signed(refunded('10.00', 'R1', { gmt_payment: undefined })),
    signed(refunded('30.00', 'R2', { gmt_payment: undefined })),
  ] as const,
  otherAccount: signed({ ...paid, app_id: '2021001161683775' }),
  excused: { linked: 'every notice names its out_trade_no' },
  signedHeaders: [],
  unsigned: {
    'left out': callbackOf(formOf({ ...paid, sign_type: 'RSA2' })),
    blank: callbackOf(formOf({ ...signedFields(paid), sign: '' })),
    'of no known type': callbackOf(formOf({ ...signedFields(paid), sign_type: 'none' })),
  },
  signsValues: true as const,
  isDated: false,
  answers: { accepted: success, refused: { body: 'fail' } },
};
conformance({
  ...suite,
  entered,
  stranger: { ...entered, alipayPublicKey: publicPemOf(strangerKey) },
  rotation: {
    entered: {
      ...entered,
      alipayPublicKey: publicPemOf(nextAlipayKey),
      previousAlipayPublicKey: entered.alipayPublicKey,
    },
    callbacks: [signed(), signed(paid, { key: nextAlipayKey })],
  },
  weak: {
    'an empty key': { ...entered, alipayPublicKey: '' },
    'no key': { ...entered, alipayPublicKey: undefined },
    'the first line of a key': { ...entered, alipayPublicKey: entered.alipayPublicKey.slice(0, 64) },
  },
});
describe('in certificate mode', () => {
  const stranger = { ...enteredWithCertificates, alipayCert: leafOf(strangerKey, '77') + classCertificate };
  conformance({
    ...suite,
    entered: enteredWithCertificates,
    stranger,
    rotation: {
      entered: {
        ...enteredWithCertificates,
        alipayCert: leafOf(nextAlipayKey, '0fee') + alipayCertificate + classCertificate,
      },
      callbacks: [signed(), signed(paid, { key: nextAlipayKey })],
    },
    weak: { 'an empty certificate': { ...enteredWithCertificates, alipayCert: '' } },
  });
});

type Seen = { readonly reason: string; readonly detail: string; readonly events: readonly PaymentEvent[] };

async function see(callback: Callback, changes: object = {}, base: object = entered, now = NOW): Promise<Seen> {
  const credentials = provider?.credentials.parse({ ...base, ...changes });
  const notice = await provider?.verify(callback, credentials, [], now);
  if (!notice?.ok) return { reason: '', detail: '', ...notice?.error, events: [] };
  const translation = provider?.translate(notice.value, credentials);
  if (!translation?.ok) return { reason: '', detail: '', ...translation?.error, events: [] };
  return { reason: 'accepted', detail: '', events: translation.value.events };
}
const reasonOf = async (callback: Callback, changes: object = {}, base: object = entered, now = NOW) =>
  (await see(callback, changes, base, now)).reason;

async function eventsOf(fields: Fields, changes: object = {}): Promise<readonly PaymentEvent[]> {
  const { reason, detail, events } = await see(signed(fields), changes);
  if (reason !== 'accepted') throw new Error(`${reason}: ${detail}`);
  return events;
}

const sdk = (alipayPublicKey = entered.alipayPublicKey) =>
  new AlipaySdk({ appId: entered.appId, privateKey: bareOf(privatePemOf(merchantKey, 'pkcs1')), alipayPublicKey });

describe('the signature', () => {
  it('that the official SDK takes is taken, and the one it refuses is refused', async () => {
    const cases: readonly (readonly [Fields, Signer])[] = [
      [paid, {}],
      [refunded('10.00', 'R1'), {}],
      [{ ...paid, subject: 'a=b&c=d', passback_params: '%E4%BD%A0+1' }, {}],
      [paid, { key: strangerKey }],
    ];
    for (const [fields, signer] of cases) {
      const parameters = signedFields(fields, signer);
      const isGenuine = sdk().checkNotifySignV2({ ...parameters });
      expect(isGenuine).toBe(signer.key === undefined);
      expect(await reasonOf(callbackOf(formOf(parameters)))).toBe(isGenuine ? 'accepted' : 'signature_invalid');
    }
  });

  it('is over values that were decoded once: + and % and JSON stay as they came (pitfall 13)', async () => {
    // Pitfall 13: decoding twice throws on 100% and makes spaces of plus signs.
    const subject = '100% +1 %2B %zz';
    const [payment] = await eventsOf({ ...paid, subject, passback_params: 'a%2Bb+c%25 d' });
    expect(payment).toMatchObject({ attach: 'a%2Bb+c%25 d' });
    const once = signedFields({ ...paid, subject });
    expect(await reasonOf(callbackOf(formOf({ ...once, subject: subject.replaceAll('+', ' ') })))).toBe(
      'signature_invalid',
    );
  });

  it('is over the JSON of a parameter as it was written, not as a parser would write it (pitfall 1)', async () => {
    const spaced = '[ {"amount" : "88.88","fundChannel":"ALIPAYACCOUNT"} ]';
    const fields = signedFields({ ...paid, fund_bill_list: spaced });
    expect(await reasonOf(callbackOf(formOf(fields)))).toBe('accepted');
    const rewritten = { ...fields, fund_bill_list: JSON.stringify(JSON.parse(spaced)) };
    expect(await reasonOf(callbackOf(formOf(rewritten)))).toBe('signature_invalid');
  });

  it('reads a notice as it should be after one whose letters were cut', async () => {
    const cut = readForm(new TextEncoder().encode('a=%B4%F3%C0%D6%CD'))?.get('a') ?? new Uint8Array();
    const whole = readForm(new TextEncoder().encode('a=%B4%F3%C0%D6%CD%B8'))?.get('a') ?? new Uint8Array();
    for (let round = 0; round < 3; round++) {
      expect([decodeText(cut, 'gbk'), decodeText(whole, 'GBK'), decodeText(cut, 'utf-8')]).toEqual([
        null,
        '大乐透',
        null,
      ]);
    }
  });

  it.each(['gbk', 'GBK', 'gb2312'])('is over the original bytes of a notice in %s', async (charset) => {
    const { reason, events } = await see(signed({ ...paid, charset, subject: '丂乐透', buyer_logon_id: '王***' }));
    expect(reason).toBe('accepted');
    expect(events).toMatchObject([{ payer: { account: '王***' }, discounts: [{ name: '新年券' }] }]);
    const fields = signedFields({ ...paid, charset });
    expect(await reasonOf(callbackOf(formOf(fields, 'utf-8'), charset))).toBe('signature_invalid');
  });

  it('reads a notice that names no charset as the credentials say', async () => {
    const fields = { ...signedFields({ ...paid, charset: 'gbk' }) };
    const { charset: _, sign: __, sign_type: ___, ...rest } = fields;
    const gbkBytes = { ...rest, buyer_logon_id: '王***' };
    // Signed over GBK bytes, without the parameter that says so.
    const { createSign } = await import('node:crypto');
    const message = Object.entries(gbkBytes)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([n, v]) => `${n}=${v}`);
    const sign = createSign('sha256')
      .update(bytesIn('gbk', message.join('&')))
      .sign(alipayKey, 'base64');
    const callback = callbackOf(formOf({ ...gbkBytes, sign_type: 'RSA2', sign }, 'gbk'));
    expect((await see(callback, { charset: 'gbk' })).events).toMatchObject([{ payer: { account: '王***' } }]);
    expect((await see(callback)).events).toMatchObject([{ payer: { id: paid.buyer_id } }]);
  });

  it('does not cover sign_type for payments, and does for types that the credentials name (pitfall 13)', async () => {
    const covered = signed({ ...paid, notify_type: 'servicewindow_notify' }, { coversSignType: true });
    expect(await reasonOf(covered)).toBe('signature_invalid');
    expect(await reasonOf(covered, { signTypeSignedFor: ['servicewindow_notify'] })).toBe('accepted');
    const payment = signed(paid, { coversSignType: true });
    expect(await reasonOf(payment, { signTypeSignedFor: ['servicewindow_notify'] })).toBe('signature_invalid');
  });

  it('is RSA2 unless the credentials allow RSA: the notice never chooses', async () => {
    const old = signed(paid, { signType: 'RSA' });
    expect(await see(old)).toMatchObject({ reason: 'signature_invalid', detail: expect.stringMatching(/signTypes/) });
    expect(await reasonOf(old, { signTypes: ['RSA2', 'RSA'] })).toBe('accepted');
    expect(await reasonOf(signed(), { signTypes: ['RSA'] })).toBe('signature_invalid');
    for (const signType of ['', 'MD5', 'rsa2', '__proto__']) {
      const fields = { ...signedFields(paid), sign_type: signType };
      expect(await reasonOf(callbackOf(formOf(fields)), { signTypes: ['RSA2', 'RSA'] })).toBe('signature_invalid');
    }
    const relabelled = { ...signedFields(paid), sign_type: 'RSA' };
    expect(await reasonOf(callbackOf(formOf(relabelled)), { signTypes: ['RSA2', 'RSA'] })).toBe('signature_invalid');
  });

  it('of a weak key is verified only where RSA is allowed', async () => {
    const alipayPublicKey = publicPemOf(weakKey);
    const credentials = provider.credentials.parse({ ...entered, alipayPublicKey });
    expect(await provider.inspectCredentials?.(credentials)).toMatchObject({
      ok: false,
      error: { field: 'alipayPublicKey' },
    });
    const allowed = provider.credentials.parse({ ...entered, alipayPublicKey, signTypes: ['RSA'] });
    expect(await provider.inspectCredentials?.(allowed)).toEqual({ ok: true, value: null });
    expect(
      await reasonOf(signed(paid, { key: weakKey, signType: 'RSA' }), { alipayPublicKey, signTypes: ['RSA'] }),
    ).toBe('accepted');
  });

  it('is taken under the old key and the new one while keys are being changed', async () => {
    const changes = { alipayPublicKey: publicPemOf(nextAlipayKey), previousAlipayPublicKey: entered.alipayPublicKey };
    expect(await reasonOf(signed(), changes)).toBe('accepted');
    expect(await reasonOf(signed(paid, { key: nextAlipayKey }), changes)).toBe('accepted');
    expect(await reasonOf(signed(paid, { key: strangerKey }), changes)).toBe('signature_invalid');
    expect(await reasonOf(signed(), { alipayPublicKey: publicPemOf(nextAlipayKey) })).toBe('signature_invalid');
  });

  it.each(['not base64!', 'AAAA', 'A'.repeat(43), `${'A'.repeat(342)}==`, '====', 'é', '%00'])(
    'that is garbage is refused and does not throw: %s (pitfall 18)',
    async (sign) => {
      expect(await reasonOf(callbackOf(formOf({ ...signedFields(paid), sign })))).toBe('signature_invalid');
    },
  );

  it('that is missing is no signature', async () => {
    const { sign: _, ...rest } = signedFields(paid);
    expect(await reasonOf(callbackOf(formOf(rest)))).toBe('signature_invalid');
    expect(await reasonOf(callbackOf(formOf({ ...rest, sign: '' })))).toBe('signature_invalid');
  });

  it('holds whatever empty parameters come along, as the rule leaves them out', async () => {
    const body = formOf({ ...signedFields(paid), refund_fee: '', out_biz_no: '' });
    const { reason, events } = await see(callbackOf(body));
    expect(reason).toBe('accepted');
    expect(events.map(({ kind }) => kind)).toEqual(['payment']);
  });
});

describe('the form', () => {
  const body = formOf(signedFields(paid));

  it.each([
    ['a name twice', `${body}&trade_status=TRADE_CLOSED`],
    ['an empty name', `${body}&=x`],
    ['no equals sign', `${body}&x`],
    ['half an escape', `${body}&x=%2`],
    ['an escape that is none', `${body}&x=%zz`],
    ['a raw space', `${body}&x=a b`],
    ['a raw letter outside ASCII', `${body}&x=é`],
    ['too many parameters', `${body}&${Array.from({ length: 300 }, (_, at) => `p${at}=1`).join('&')}`],
    ['JSON', JSON.stringify(signedFields(paid))],
    ['nothing', ''],
  ])('with %s is malformed', async (_name, text) => {
    expect(await reasonOf(callbackOf(text))).toBe('malformed');
  });

  it('takes prototype names for what they are: parameters', async () => {
    expect(await reasonOf(signed({ ...paid, ['__proto__']: 'x', constructor: 'y' }))).toBe('accepted');
  });

  it('may hold a title cut within a character, and no more than a title', async () => {
    const cut = bytesIn('utf-8', '标').subarray(0, 2).toString('latin1');
    const asBytes = (fields: Record<string, string>) => formOf(fields).replaceAll('%C3%A6%C2%A0', '%E6%A0');
    const { createSign } = await import('node:crypto');
    const sign = (fields: Record<string, string>) => {
      const text = Object.entries(fields)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([n, v]) => `${n}=${v}`)
        .join('&');
      const bytes = Buffer.from(Buffer.from(text).toString('hex').replaceAll('c3a6c2a0', 'e6a0'), 'hex');
      return createSign('sha256').update(bytes).sign(alipayKey, 'base64');
    };
    for (const [name, reason] of [
      ['subject', 'accepted'],
      ['passback_params', 'accepted'],
      ['trade_status', 'malformed'],
    ] as const) {
      const fields = { ...paid, [name]: cut };
      const body = asBytes({ ...fields, sign_type: 'RSA2', sign: sign(fields) });
      expect(body).toContain('%E6%A0&');
      expect(await reasonOf(callbackOf(body))).toBe(reason);
    }
  });

  it('in a charset that is not read is malformed', async () => {
    expect(await see(signed({ ...paid, charset: 'utf-16' }))).toMatchObject({
      reason: 'malformed',
      detail: expect.stringMatching(/charset/),
    });
  });
});

describe('certificates', () => {
  const reason = (callback: Callback, changes: object = {}, now = NOW) =>
    reasonOf(callback, changes, enteredWithCertificates, now);

  it('prove a notice as the SDK in certificate mode does', async () => {
    const certified = new AlipaySdk({
      appId: entered.appId,
      privateKey: bareOf(privatePemOf(merchantKey, 'pkcs1')),
      appCertContent: enteredWithCertificates.appCert,
      alipayPublicCertContent: alipayCertificate,
      alipayRootCertContent: enteredWithCertificates.alipayRootCert,
    });
    const fields = signedFields(paid);
    expect(certified.checkNotifySignV2({ ...fields })).toBe(true);
    expect(await reason(callbackOf(formOf(fields)))).toBe('accepted');
  });

  it('that are being replaced both count, by name where the notice names one', async () => {
    const next = leafOf(nextAlipayKey, '0fee');
    const alipayCert = next + alipayCertificate + classCertificate;
    const { alipayCertSn: sn } = new AlipaySdk({
      appId: entered.appId,
      privateKey: bareOf(privatePemOf(merchantKey, 'pkcs1')),
      appCertContent: enteredWithCertificates.appCert,
      alipayPublicCertContent: next,
      alipayRootCertContent: enteredWithCertificates.alipayRootCert,
    }).config;
    expect(await reason(signed(), { alipayCert })).toBe('accepted');
    expect(await reason(signed(paid, { key: nextAlipayKey }), { alipayCert })).toBe('accepted');
    const named = { ...paid, alipay_cert_sn: sn };
    expect(await reason(signed(named, { key: nextAlipayKey }), { alipayCert })).toBe('accepted');
    expect(await reason(signed(named), { alipayCert })).toBe('signature_invalid');
    expect(await reason(signed({ ...paid, alipay_cert_sn: 'f'.repeat(32) }), { alipayCert })).toBe('unknown_key');
  });

  it('count only while they and what vouches for them are valid', async () => {
    expect(await reason(signed(), {}, NOW + 8_001 * DAY_MS)).toBe('unknown_key');
    expect(await reason(signed(), {}, NOW - 101 * DAY_MS)).toBe('unknown_key');
    const expired = leafOf(alipayKey, '11', [-100, -1]);
    const refused = await see(signed(), { alipayCert: expired + classCertificate }, enteredWithCertificates);
    expect(refused).toMatchObject({ reason: 'unknown_key', detail: expect.stringMatching(/expired on 2025-12-31/) });
    expect(await reason(signed(), { alipayCert: expired + alipayCertificate + classCertificate })).toBe('accepted');
  });
});

describe('a payment', () => {
  it('fills every field that the notice has', async () => {
    expect(await eventsOf(paid)).toEqual([
      {
        kind: 'payment',
        orderNo: 'TG20260101_0001',
        occurredAt: Date.parse('2026-01-01T02:34:56Z'),
        providerState: 'TRADE_SUCCESS',
        test: false,
        status: 'succeeded',
        transactionId: '2026010122001404560012345678',
        amount: { minor: 8888, currency: 'CNY' },
        payerAmount: { minor: 8000, currency: 'CNY' },
        discounts: [{ id: '2026010100073002', name: '新年券', amount: { minor: 888, currency: 'CNY' } }],
        method: 'wallet',
        providerMethod: 'PCREDIT+BANKCARD',
        bank: 'ICBC',
        payer: { id: '2088102177846880', idType: 'alipay_user_id', account: 'wan***@sandbox.example' },
        attach: 'merchantBizType%3d3C%26merchantBizNo%3d2016010101111',
      },
    ]);
  });

  it('names the payer by open id where applications no longer see the user id', async () => {
    const [payment] = await eventsOf({
      ...paid,
      buyer_id: undefined,
      buyer_open_id: '074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5',
    });
    expect(payment).toMatchObject({
      payer: { id: '074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5', idType: 'openid' },
    });
  });

  it('is read by its digits: no float touches 0.29 (pitfall 10)', async () => {
    // Pitfall 10.
    for (const [text, minor] of [
      ['0.29', 29],
      ['1.1', 110],
      ['100', 10_000],
      ['90071992547.99', 9_007_199_254_799],
    ] as const) {
      expect(await eventsOf({ ...paid, total_amount: text })).toMatchObject([{ amount: { minor, currency: 'CNY' } }]);
    }
    for (const text of ['-1.00', '1e2', '1.001', '1,00', '', 'NaN', '9'.repeat(20)]) {
      expect(await reasonOf(signed({ ...paid, total_amount: text }))).toBe('malformed');
    }
  });

  it('is told apart from the price: what coupons took off is not missing', async () => {
    expect(await eventsOf({ ...paid, buyer_pay_amount: '0.01' })).toMatchObject([
      { amount: { minor: 8888 }, payerAmount: { minor: 1 } },
    ]);
  });

  it('counts in the currency that a cross-border notice names', async () => {
    expect(await eventsOf({ ...paid, trans_currency: 'USD' })).toMatchObject([
      { amount: { minor: 8888, currency: 'USD' } },
    ]);
    expect(await reasonOf(signed({ ...paid, trans_currency: 'JPY' }))).toBe('malformed');
  });

  it('that is finished is the same payment, and may be the first we hear of it (pitfall 13)', async () => {
    // Pitfall 13: TRADE_FINISHED as the first status.
    const finished = await eventsOf({ ...paid, trade_status: 'TRADE_FINISHED' });
    expect(finished).toMatchObject([{ status: 'succeeded', providerState: 'TRADE_FINISHED' }]);
    expect(finished.map(factKey)).toEqual((await eventsOf(paid)).map(factKey));
  });

  it('that waits is pending, and another fact than the success', async () => {
    const waiting = await eventsOf({ ...paid, trade_status: 'WAIT_BUYER_PAY', gmt_payment: undefined });
    expect(waiting).toMatchObject([{ status: 'pending', occurredAt: Date.parse('2026-01-01T02:34:50Z') }]);
    expect(waiting.map(factKey)).not.toEqual((await eventsOf(paid)).map(factKey));
  });

  it('is not thrown away with a list that cannot be read', async () => {
    const fields = { ...paid, fund_bill_list: '[{', voucher_detail_list: '{"a":[1]}' };
    expect(await eventsOf(fields)).toMatchObject([{ status: 'succeeded', discounts: [] }]);
    expect(await eventsOf({ ...paid, voucher_detail_list: '[1,{"id":"x"},null]' })).toMatchObject([{ discounts: [] }]);
  });

  it.each(['out_trade_no', 'trade_no', 'trade_status', 'total_amount', 'gmt_payment', 'app_id', 'seller_id'])(
    'without %s is refused by that name',
    async (name) => {
      expect(await see(signed({ ...paid, [name]: undefined }))).toMatchObject({
        reason: 'malformed',
        detail: expect.stringContaining(name),
      });
    },
  );

  it.each(['2026-01-01T10:34:56', '2026-13-01 10:34:56', 'yesterday', '1767234896'])(
    'paid at %s is refused',
    async (at) => {
      expect(await reasonOf(signed({ ...paid, gmt_payment: at }))).toBe('malformed');
    },
  );

  it('in the sandbox is a test', async () => {
    expect(await eventsOf(paid, { sandbox: true })).toMatchObject([{ test: true }]);
  });
});

describe('a closed trade', () => {
  const closed = { ...paid, trade_status: 'TRADE_CLOSED', gmt_close: '2026-01-01 11:05:00' };

  it('that was never paid is closed (pitfall 13)', async () => {
    // Pitfall 13: TRADE_CLOSED is ambiguous.
    expect(await eventsOf({ ...closed, gmt_payment: undefined })).toMatchObject([
      { kind: 'payment', status: 'closed', occurredAt: Date.parse('2026-01-01T03:05:00Z') },
    ]);
  });

  it('that was paid was refunded whole, whichever trace says so (pitfall 13)', async () => {
    const whole = { kind: 'refund', state: 'succeeded', amount: { minor: 8888, currency: 'CNY' }, cumulative: true };
    const payment = { kind: 'payment', status: 'succeeded' };
    expect(await eventsOf(closed)).toMatchObject([
      payment,
      { ...whole, refundNo: '2026010122001404560012345678-8888' },
    ]);
    const told = { ...closed, refund_fee: '88.88', gmt_refund: '2026-01-02 09:00:01', out_biz_no: 'R9' };
    expect(await eventsOf(told)).toMatchObject([payment, { ...whole, refundNo: 'R9' }]);
    expect(await eventsOf({ ...told, gmt_payment: undefined })).toMatchObject([{ ...whole, refundNo: 'R9' }]);
  });
});

describe('refunds', () => {
  it('are two events of one transaction, with running totals, and no second payment (pitfall 9)', async () => {
    // Pitfall 9.
    const [first, second] = [await eventsOf(refunded('10.00', 'R1')), await eventsOf(refunded('30.00', 'R2'))];
    expect(first[1]).toEqual({
      kind: 'refund',
      orderNo: 'TG20260101_0001',
      occurredAt: Date.parse('2026-01-02T01:00:01.123Z'),
      providerState: 'TRADE_SUCCESS',
      test: false,
      state: 'succeeded',
      refundNo: 'R1',
      providerRefundId: null,
      transactionId: '2026010122001404560012345678',
      amount: { minor: 1000, currency: 'CNY' },
      cumulative: true,
    });
    expect(second[1]).toMatchObject({ refundNo: 'R2', amount: { minor: 3000 }, cumulative: true });
    const keys = [first, second].map((events) => events.map(factKey));
    expect(keys[0]?.[0]).toBe(keys[1]?.[0]);
    expect(keys[0]?.[1]).not.toBe(keys[1]?.[1]);
    expect((await eventsOf(paid)).map(factKey)).toEqual([keys[0]?.[0]]);
  });

  it('without a number of the merchant’s are named by the total that they reached', async () => {
    const fields = refunded('10.00', 'R1', { out_biz_no: undefined });
    expect((await eventsOf(fields))[1]).toMatchObject({ refundNo: '2026010122001404560012345678-1000' });
  });

  it('whose notice says nothing of the payment are told alone', async () => {
    const events = await eventsOf(refunded('10.00', 'R1', { gmt_payment: undefined }));
    expect(events).toMatchObject([{ kind: 'refund', refundNo: 'R1' }]);
  });

  it('of nothing are none', async () => {
    expect(await eventsOf({ ...paid, refund_fee: '0.00' })).toMatchObject([{ kind: 'payment' }]);
  });

  it('are not told again by a finished trade that repeats the total', async () => {
    const finished = {
      ...paid,
      trade_status: 'TRADE_FINISHED',
      refund_fee: '30.00',
      gmt_refund: '2026-01-02 09:00:01',
    };
    expect(await eventsOf(finished)).toMatchObject([{ kind: 'payment', status: 'succeeded' }]);
    expect(await eventsOf({ ...finished, out_biz_no: 'R2' })).toMatchObject([{ kind: 'payment' }, { refundNo: 'R2' }]);
  });
});

describe('another merchant', () => {
  it('in a genuine notice is refused, by application and by seller (pitfall 13)', async () => {
    // Pitfall 13: skipping the checks of app_id and seller_id.
    expect(await reasonOf(signed(), { appId: '2021001161683775' })).toBe('wrong_merchant');
    expect(await reasonOf(signed(), { sellerIds: ['2088102146225136'] })).toBe('wrong_merchant');
    expect(await reasonOf(signed(), { sellerIds: ['2088102146225136', '2088102146225135'] })).toBe('accepted');
    expect(await reasonOf(signed({ ...paid, seller_id: undefined }), { sellerIds: [] })).toBe('accepted');
  });

  it('is refused in notices of other types as well', async () => {
    const other = signed({ notify_type: 'open_app_auth_notify', app_id: '2021001161683775', charset: 'utf-8' });
    expect(await reasonOf(other)).toBe('wrong_merchant');
  });
});

describe('the answer', () => {
  it('is seven bytes, or fail: no mark before it, no line after it (pitfall 13)', () => {
    const bytes = new TextEncoder().encode(provider.acknowledge({ kind: 'accepted' }).body);
    expect([...bytes]).toEqual([0x73, 0x75, 0x63, 0x63, 0x65, 0x73, 0x73]);
    expect(provider.acknowledge({ kind: 'unavailable' })).toMatchObject({ status: 503, body: 'fail' });
  });

  it('is awaited through about 25 hours of documented retries', () => {
    const hours = provider.retryScheduleSeconds.reduce((sum, seconds) => sum + seconds, 0) / 3_600;
    expect(hours).toBeGreaterThan(24);
    expect(hours).toBeLessThan(25);
  });
});

it('never lets a secret into a refusal', async () => {
  const seen = await Promise.all([
    see(signed(paid, { key: strangerKey })),
    see(signed(), { appId: '2021001161683775' }),
    see(signed(paid, { signType: 'MD5' })),
  ]);
  for (const { detail } of seen) {
    expect(detail).not.toBe('');
    expect(detail).not.toContain(entered.privateKey.slice(50, 90));
  }
});
