// WeChat Pay v3: the conformance suite, and the pitfalls that most integrations fall into.

import { sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Formatter, Rsa } from 'wechatpay-axios-plugin';
import type { Callback } from '../../src/core/callback.ts';
import type { FetchedKey } from '../../src/core/channel.ts';
import type { PaymentEvent } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import {
  API_V3_KEY,
  CERTIFICATE_SERIAL,
  callbackOf,
  certificateOf,
  entered,
  NOW,
  noticeOf,
  oldPlatform,
  PUBLIC_KEY_ID,
  platform,
  platformKey,
  publicPemOf,
  type Signer,
  signatureHeaders,
  signed,
} from '../fixtures/wechatpay-v3/merchant.ts';
import refund from '../fixtures/wechatpay-v3/refund.json' with { type: 'json' };
import transaction from '../fixtures/wechatpay-v3/transaction.json' with { type: 'json' };
import partnerTransaction from '../fixtures/wechatpay-v3/transaction-partner.json' with { type: 'json' };
import { conformance } from './conformance.ts';

const provider = providerOf('wechatpay-v3');
if (provider === null) throw new Error('wechatpay-v3 is not registered');

const HOUR_MS = 3_600_000;
const OTHER_API_KEY = 'y'.repeat(32);
const paid = () => noticeOf('TRANSACTION.SUCCESS', transaction);
const stranger = {
  ...entered,
  apiV3Key: 'x'.repeat(32),
  platformKeys: { [CERTIFICATE_SERIAL]: certificateOf({ ...oldPlatform, serial: CERTIFICATE_SERIAL }) },
};

conformance({
  provider,
  entered,
  stranger,
  now: NOW,
  genuine: {
    'payment signed by a platform certificate': signed(paid()),
    'payment signed by the WeChat Pay public key': signed(paid(), platformKey),
    'payment signed by the certificate that is being replaced': signed(paid(), oldPlatform),
    'refund succeeded': signed(noticeOf('REFUND.SUCCESS', refund)),
    'refund abnormal': signed(noticeOf('REFUND.ABNORMAL', { ...refund, refund_status: 'ABNORMAL' })),
    'refund closed': signed(noticeOf('REFUND.CLOSED', { ...refund, refund_status: 'CLOSED' })),
  },
  redelivery: {
    callback: signed(noticeOf('TRANSACTION.SUCCESS', transaction, { nonce: 'another12byt' }), platform, NOW + HOUR_MS),
    now: NOW + HOUR_MS,
  },
  rotation: {
    entered,
    callbacks: [signed(paid(), oldPlatform), signed(paid(), platform), signed(paid(), platformKey)],
  },
  // The APIv3 key and the platform's key, both at once: what one of them opens is read with that one's own.
  replacement: {
    entered: {
      ...entered,
      apiV3Key: OTHER_API_KEY,
      platformKeys: { [PUBLIC_KEY_ID]: publicPemOf(platformKey.privateKey) },
    },
    callback: signed(noticeOf('TRANSACTION.SUCCESS', transaction, { key: OTHER_API_KEY }), platformKey),
    third: signed(noticeOf('TRANSACTION.SUCCESS', transaction, { key: 'z'.repeat(32) }), platformKey),
  },
  weak: {
    'there is no APIv3 key': { ...entered, apiV3Key: undefined },
    'the APIv3 key is empty': { ...entered, apiV3Key: '' },
    'the APIv3 key is a letter short': { ...entered, apiV3Key: entered.apiV3Key.slice(1) },
    'there is nothing to verify with': { mchId: entered.mchId, apiV3Key: entered.apiV3Key, platformKeys: {} },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [
    signed(noticeOf('REFUND.SUCCESS', refund)),
    signed(noticeOf('REFUND.SUCCESS', { ...refund, out_refund_no: 'second', refund_id: '2' })),
  ],
  otherAccount: signed(noticeOf('TRANSACTION.SUCCESS', { ...transaction, mchid: '1900000110' })),
  excused: { linked: 'every notice names its out_trade_no' },
  unknownType: signed(noticeOf('PAYSCORE.USER_OPEN_SERVICE', { anything: ['goes', 1] })),
  signedHeaders: ['wechatpay-serial', 'wechatpay-timestamp', 'wechatpay-nonce', 'wechatpay-signature'],
  isDated: true,
  answers: {
    accepted: { status: 204, headers: {}, body: '' },
    refused: { body: '{"code":"FAIL","message":"失败"}' },
  },
});

const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });
const verify = (callback: Callback, changes: object = {}, keys: readonly FetchedKey[] = [], now = NOW) =>
  provider.verify(callback, credentialsOf(changes), keys, now);

async function reasonOf(callback: Callback, changes: object = {}): Promise<string> {
  const credentials = credentialsOf(changes);
  const notice = await provider?.verify(callback, credentials, [], NOW);
  if (!notice?.ok) return notice?.error.reason ?? '';
  const translation = provider?.translate(notice.value, credentials);
  return translation?.ok ? 'accepted' : (translation?.error.reason ?? '');
}

async function detailOf(callback: Callback, changes: object = {}): Promise<string> {
  const credentials = credentialsOf(changes);
  const notice = await provider?.verify(callback, credentials, [], NOW);
  if (!notice?.ok) return notice?.error.detail ?? '';
  const translation = provider?.translate(notice.value, credentials);
  return translation?.ok ? '' : (translation?.error.detail ?? '');
}

async function eventOf(type: string, content: unknown, changes: object = {}): Promise<PaymentEvent | undefined> {
  const credentials = credentialsOf(changes);
  const notice = await provider?.verify(signed(noticeOf(type, content)), credentials, [], NOW);
  if (!notice?.ok) throw new Error(notice?.error.detail);
  const translation = provider?.translate(notice.value, credentials);
  if (!translation?.ok) throw new Error(translation?.error.detail);
  return translation.value.events[0];
}

const with_ = (callback: Callback, headers: Readonly<Record<string, string>>): Callback => ({
  ...callback,
  headers: { ...callback.headers, ...headers },
});

describe('the signature', () => {
  it('is taken over the raw bytes, so that members in any order and spacing verify (pitfall 1)', async () => {
    const { resource, ...rest } = paid();
    const reordered = { resource: Object.fromEntries(Object.entries(resource).reverse()), ...rest };
    expect(await reasonOf(signed(JSON.stringify(reordered, null, 3)))).toBe('accepted');
    const escaped = JSON.stringify(paid()).replaceAll('/', '\\/').replaceAll('支', '\\u652f');
    expect(await reasonOf(signed(escaped))).toBe('accepted');
    const reserialised = { ...signed(escaped), body: new TextEncoder().encode(JSON.stringify(JSON.parse(escaped))) };
    expect(await reasonOf(reserialised)).toBe('signature_invalid');
  });

  it('of a probe is refused on the wire exactly as a wrong one, and counted apart (pitfall 2)', async () => {
    const callback = signed(paid());
    const wrong = with_(callback, { 'wechatpay-signature': 'AAAA' });
    for (const tail of ['', 'OSd8WuZLOZ', callback.headers['wechatpay-signature'] ?? '']) {
      const probe = with_(callback, { 'wechatpay-signature': `WECHATPAY/SIGNTEST/${tail}` });
      const [a, b] = [await verify(probe), await verify(wrong)];
      if (a.ok || b.ok) throw new Error('a wrong signature was accepted');
      expect([a.error.reason, b.error.reason]).toEqual(['signature_probe', 'signature_invalid']);
      expect(provider.acknowledge({ kind: 'rejected', rejection: a.error })).toEqual(
        provider.acknowledge({ kind: 'rejected', rejection: b.error }),
      );
    }
    expect(await reasonOf(callback)).toBe('accepted');
  });

  it('of a probe with an unknown serial asks for no key', async () => {
    const probe = { 'wechatpay-serial': 'ABCD', 'wechatpay-signature': 'WECHATPAY/SIGNTEST/x' };
    expect(await reasonOf(with_(signed(paid()), probe))).toBe('signature_probe');
  });

  it('of a probe is not excused from a fresh time', async () => {
    const probe = with_(signed(paid(), platform, NOW - HOUR_MS), { 'wechatpay-signature': 'WECHATPAY/SIGNTEST/x' });
    expect(await reasonOf(probe)).toBe('timestamp_stale');
  });

  it.each(['not base64!', 'AAAA', 'A'.repeat(43), `${'A'.repeat(342)}==`, '====', 'é', '%00'])(
    'that is garbage is refused and does not throw: %s (pitfall 18)',
    async (signature) => {
      expect(await reasonOf(with_(signed(paid()), { 'wechatpay-signature': signature }))).toBe('signature_invalid');
    },
  );

  it.each(['WECHATPAY2-SM2-WITH-SM3', 'WECHATPAY-BRAND-SHA256-RSA2048', 'none', ''])(
    'type is not chosen by the message: %s',
    async (type) => {
      const callback = with_(signed(paid()), { 'wechatpay-signature-type': type });
      expect(await reasonOf(callback)).toBe('signature_invalid');
    },
  );

  it('type may name RSA', async () => {
    const callback = with_(signed(paid()), { 'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048' });
    expect(await reasonOf(callback)).toBe('accepted');
  });

  it.each(['abc', '1e9', '+1767234900', '0x6955', '1767234900.0', '1767234900000000', 'NaN', 'Infinity', '-1'])(
    'time must be plain seconds: %s',
    async (timestamp) => {
      const body = JSON.stringify(paid());
      const nonce = 'n'.repeat(32);
      const headers = {
        'wechatpay-serial': CERTIFICATE_SERIAL,
        'wechatpay-timestamp': timestamp,
        'wechatpay-nonce': nonce,
        'wechatpay-signature': Rsa.sign(Formatter.response(timestamp, nonce, body), platform.privateKey),
      };
      expect(await reasonOf(callbackOf(body, headers))).toBe('timestamp_stale');
    },
  );
});

describe('the key', () => {
  const fetchedKey = (signer: Signer, fromDays?: number, toDays?: number): FetchedKey => ({
    serial: signer.serial,
    pem: certificateOf(signer, fromDays, toDays),
    effectiveAt: 0,
    expiresAt: 0,
  });

  it('is chosen by serial for each message while certificates and keys live side by side (pitfall 4)', async () => {
    for (const signer of [platform, oldPlatform, platformKey, platform]) {
      expect(await reasonOf(signed(paid(), signer))).toBe('accepted');
    }
  });

  it('of one serial does not vouch for a message that names another', async () => {
    const swapped = with_(signed(paid(), platform), { 'wechatpay-serial': PUBLIC_KEY_ID });
    expect(await reasonOf(swapped)).toBe('signature_invalid');
  });

  it('that nobody knows is told apart, so that it can be fetched', async () => {
    expect(await reasonOf(signed(paid(), { ...platform, serial: 'FFFF' }))).toBe('unknown_key');
    expect(await reasonOf(signed(paid(), { ...platform, serial: '__proto__' }))).toBe('unknown_key');
  });

  it('may be a fetched one', async () => {
    const changes = { platformKeys: { [PUBLIC_KEY_ID]: publicPemOf(platformKey.privateKey) } };
    expect((await verify(signed(paid()), changes)).ok).toBe(false);
    expect((await verify(signed(paid()), changes, [fetchedKey(platform)])).ok).toBe(true);
  });

  it('that was configured comes before a fetched one of the same serial', async () => {
    const imposter = fetchedKey({ ...oldPlatform, serial: CERTIFICATE_SERIAL });
    expect((await verify(signed(paid()), {}, [imposter])).ok).toBe(true);
  });

  it('of a certificate outside its validity is refused, configured or fetched', async () => {
    for (const [from, to] of [
      [-100, -1],
      [1, 100],
    ]) {
      const platformKeys = { [CERTIFICATE_SERIAL]: certificateOf(platform, from, to) };
      expect(await reasonOf(signed(paid()), { platformKeys })).toBe('unknown_key');
      const other = { platformKeys: { [PUBLIC_KEY_ID]: publicPemOf(platformKey.privateKey) } };
      const fetched = await verify(signed(paid()), other, [fetchedKey(platform, from, to)]);
      expect(fetched).toMatchObject({ ok: false, error: { reason: 'unknown_key' } });
    }
  });

  it('may be named in lower case by the merchant', async () => {
    const platformKeys = { [CERTIFICATE_SERIAL.toLowerCase()]: certificateOf(platform) };
    expect(await reasonOf(signed(paid()), { platformKeys })).toBe('accepted');
  });
});

describe('the sealed resource', () => {
  const withResource = (changes: object, type = 'TRANSACTION.SUCCESS') => {
    const notice = noticeOf(type, transaction);
    return signed({ ...notice, resource: { ...notice.resource, ...changes } });
  };

  it('must be AEAD_AES_256_GCM: the message cannot choose a weaker one', async () => {
    for (const algorithm of ['AEAD_SM4_GCM', 'AEAD_AES_128_GCM', 'none', '']) {
      expect(await reasonOf(withResource({ algorithm }))).toBe('decrypt_failed');
    }
  });

  it('with a nonce of the wrong length is refused and does not throw', async () => {
    for (const nonce of ['', 'a', 'abcdef', 'abcdefghijklm', '支付支付']) {
      expect(await reasonOf(withResource({ nonce }))).toBe('decrypt_failed');
    }
  });

  it('sealed by another key, or tampered with and signed again, is refused', async () => {
    const alien = noticeOf('TRANSACTION.SUCCESS', transaction, { key: 'y'.repeat(32) });
    expect(await reasonOf(signed(alien))).toBe('decrypt_failed');
    expect(await reasonOf(withResource({ associated_data: 'refund' }))).toBe('decrypt_failed');
    expect(await reasonOf(withResource({ ciphertext: '' }))).toBe('decrypt_failed');
    expect(await reasonOf(withResource({ ciphertext: '~' }))).toBe('decrypt_failed');
  });

  it('takes absent and null associated data for empty', async () => {
    const notice = noticeOf('TRANSACTION.SUCCESS', transaction, { associated: '' });
    const { associated_data: _, ...resource } = notice.resource;
    for (const each of [notice.resource, resource, { ...resource, associated_data: null }]) {
      expect(await reasonOf(signed({ ...notice, resource: each }))).toBe('accepted');
    }
  });

  it('proves nothing by itself: without the signature it is refused', async () => {
    expect(await reasonOf(callbackOf(JSON.stringify(paid()), {}))).toBe('header_missing');
  });

  it('of an unknown type may be missing or unreadable; the notice is authentic all the same', async () => {
    const { resource: _, ...bare } = noticeOf('SECURITY_ECHO.SUCCESS', {});
    expect(await reasonOf(signed(bare))).toBe('accepted');
    expect(await reasonOf(signed({ ...bare, resource: 'text' }))).toBe('accepted');
    expect(await reasonOf(withResource({ algorithm: 'AEAD_SM4_GCM' }, 'COUPON.USE'))).toBe('accepted');
    expect(await reasonOf(signed(noticeOf('ENTRUST.SIGNING', 'not an object')))).toBe('accepted');
  });

  it('of an unknown type that does not open tells of a wrong key, as the self-test is meant to', async () => {
    const echo = noticeOf('SECURITY_ECHO.SUCCESS', { echo: 1 }, { key: 'y'.repeat(32) });
    expect(await reasonOf(signed(echo))).toBe('decrypt_failed');
  });
});

describe('an authentic notice that cannot be read', () => {
  it.each(['', 'null', '[]', '{}', 'not json', '{"event_type":1}', '{"event_type":"TRANSACTION.SUCCESS"}', '\u0000'])(
    'is refused as malformed: %s',
    async (body) => {
      expect(await reasonOf(signed(body))).toBe('malformed');
    },
  );

  it('is refused as malformed when it is not UTF-8', async () => {
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const message = Buffer.concat([Buffer.from('1767234900\nabc\n'), body, Buffer.from('\n')]);
    const signature = sign('sha256', message, platform.privateKey).toString('base64');
    const headers = {
      ...signatureHeaders('', platform),
      'wechatpay-timestamp': '1767234900',
      'wechatpay-nonce': 'abc',
    };
    const callback = {
      ...callbackOf('', { ...headers, 'wechatpay-signature': signature }),
      body: new Uint8Array(body),
    };
    expect(await reasonOf(callback)).toBe('malformed');
  });

  it.each(['out_trade_no', 'trade_state', 'success_time', 'mchid', 'appid'])(
    'names the field that a payment lacks: %s',
    async (field) => {
      const callback = signed(noticeOf('TRANSACTION.SUCCESS', { ...transaction, [field]: undefined }));
      expect(await reasonOf(callback)).toBe('malformed');
      expect(await detailOf(callback)).toContain(field);
    },
  );

  it.each([
    ['transaction_id', 'transactionId'],
    ['amount', 'amount'],
  ])('tells a payment without %s as it is: the ledger asks for the rest', async (field, name) => {
    const told = await eventOf('TRANSACTION.SUCCESS', { ...transaction, [field]: undefined });
    expect(told).toMatchObject({ kind: 'payment', status: 'succeeded', [name]: null });
  });

  it.each(['out_trade_no', 'out_refund_no', 'refund_status', 'mchid', 'amount'])(
    'names the field that a refund lacks: %s',
    async (field) => {
      const callback = signed(noticeOf('REFUND.SUCCESS', { ...refund, [field]: undefined }));
      expect(await reasonOf(callback)).toBe('malformed');
      expect(await detailOf(callback)).toContain(field);
    },
  );

  it.each([{ total: '100' }, { total: 1.5 }, { total: -1 }, { total: 2 ** 53 }, { total: 100, currency: 'yuan' }])(
    'has an amount that is no whole number of fen: %o',
    async (amount) => {
      expect(await reasonOf(signed(noticeOf('TRANSACTION.SUCCESS', { ...transaction, amount })))).toBe('malformed');
    },
  );

  it('has an id that is no string, which would have lost its last digits', async () => {
    const text = JSON.stringify(transaction).replace(/"transaction_id":"(\d+)"/, '"transaction_id":$1');
    const content = JSON.parse(text);
    expect(typeof content.transaction_id).toBe('number');
    expect(await reasonOf(signed(noticeOf('TRANSACTION.SUCCESS', content)))).toBe('malformed');
  });

  it('has a state or time nobody documents', async () => {
    for (const odd of [
      { trade_state: 'DONE' },
      { success_time: 'yesterday' },
      { success_time: '2026-13-01T00:00:00+08:00' },
    ]) {
      expect(await reasonOf(signed(noticeOf('TRANSACTION.SUCCESS', { ...transaction, ...odd })))).toBe('malformed');
    }
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await eventOf('TRANSACTION.SUCCESS', transaction)).toEqual({
      kind: 'payment',
      orderNo: 'TG20260101-0001',
      occurredAt: Date.parse('2026-01-01T02:34:56Z'),
      providerState: 'SUCCESS',
      test: false,
      status: 'succeeded',
      transactionId: '4200002700202601010123456789',
      amount: { minor: 100, currency: 'CNY' },
      payerAmount: { minor: 90, currency: 'CNY' },
      discounts: [{ id: '109519', name: '单品惠-6', amount: { minor: 10, currency: 'CNY' } }],
      method: 'wallet',
      providerMethod: 'NATIVE',
      bank: 'CMB_DEBIT',
      payer: { id: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o', idType: 'openid' },
      attach: 'shop=3',
    });
  });

  it('counts the order’s total, never what the payer paid after coupons (pitfall 10)', async () => {
    const event = await eventOf('TRANSACTION.SUCCESS', { ...transaction, amount: { total: 100, payer_total: 1 } });
    expect(event).toMatchObject({
      amount: { minor: 100, currency: 'CNY' },
      payerAmount: { minor: 1, currency: 'CNY' },
    });
  });

  it.each([
    ['SUCCESS', 'NATIVE', 'succeeded'],
    ['REFUND', 'NATIVE', 'succeeded'],
    ['NOTPAY', 'NATIVE', 'pending'],
    ['USERPAYING', 'MICROPAY', 'pending'],
    ['ACCEPT', 'NATIVE', 'pending'],
    ['CLOSED', 'NATIVE', 'closed'],
    ['REVOKED', 'MICROPAY', 'closed'],
    ['PAYERROR', 'MICROPAY', 'failed'],
    ['PAYERROR', 'NATIVE', 'pending'],
    ['PAYERROR', 'JSAPI', 'pending'],
  ])(
    'in the state %s of %s is %s: a refund that exists does not unpay it (pitfall 8)',
    async (trade_state, trade_type, status) => {
      const event = await eventOf('TRANSACTION.SUCCESS', { ...transaction, trade_state, trade_type });
      expect(event).toMatchObject({ kind: 'payment', status, providerState: trade_state });
    },
  );

  it('that is not paid needs neither number nor amount', async () => {
    const { transaction_id: _t, amount: _a, success_time: _s, ...rest } = transaction;
    const event = await eventOf('TRANSACTION.SUCCESS', { ...rest, trade_state: 'CLOSED' });
    expect(event).toMatchObject({ status: 'closed', transactionId: null, amount: null });
  });

  it('survives details that cannot be read', async () => {
    const odd = {
      promotion_detail: [null, 7, { coupon_id: '1' }, { coupon_id: '2', amount: 3 }],
      payer: null,
      bank_type: null,
    };
    const event = await eventOf('TRANSACTION.SUCCESS', { ...transaction, ...odd });
    expect(event).toMatchObject({
      status: 'succeeded',
      discounts: [{ id: '2', amount: { minor: 3, currency: 'CNY' } }],
    });
    expect(event).not.toHaveProperty('payer');
  });
});

describe('a refund', () => {
  it('is told in our words, whole', async () => {
    expect(await eventOf('REFUND.SUCCESS', refund)).toEqual({
      kind: 'refund',
      orderNo: 'TG20260101-0001',
      occurredAt: Date.parse('2026-01-01T03:34:56Z'),
      providerState: 'SUCCESS',
      test: false,
      state: 'succeeded',
      refundNo: 'RF20260101-0001',
      providerRefundId: '50300908092026010112345678901',
      transactionId: '4200002700202601010123456789',
      amount: { minor: 40, currency: 'CNY' },
      account: '招商银行信用卡0403',
    });
  });

  it('that is abnormal wants a person and is not failed: it may still succeed (pitfall 8)', async () => {
    const { success_time: _, ...rest } = refund;
    const event = await eventOf('REFUND.ABNORMAL', { ...rest, refund_status: 'ABNORMAL' });
    expect(event).toMatchObject({ state: 'needs_attention', occurredAt: Date.parse('2026-01-01T02:34:58Z') });
  });

  it('that was closed is failed, never refunded (pitfall 8)', async () => {
    const { success_time: _, ...rest } = refund;
    expect(await eventOf('REFUND.CLOSED', { ...rest, refund_status: 'CLOSED' })).toMatchObject({ state: 'failed' });
  });

  it('counts what was refunded, not the order’s total', async () => {
    expect(await eventOf('REFUND.SUCCESS', refund)).toMatchObject({ amount: { minor: 40, currency: 'CNY' } });
  });
});

describe('another merchant', () => {
  const partner = { spMchId: '1230000109', spAppId: 'wx8888888888888888' };
  const sub = { partner, mchId: '1900000109', appIds: ['wxd678efh567hg6999'] };
  const asPartner = (content: object = {}) =>
    signed(noticeOf('TRANSACTION.SUCCESS', { ...partnerTransaction, ...content }));

  it('in a genuine notice is refused, by merchant number and by AppID', async () => {
    const callback = signed(paid());
    expect(await reasonOf(callback, { mchId: '1900000110' })).toBe('wrong_merchant');
    expect(await reasonOf(callback, { appIds: ['wx0000000000000000'] })).toBe('wrong_merchant');
    expect(await reasonOf(callback, { appIds: [] })).toBe('accepted');
    expect(await reasonOf(signed(noticeOf('REFUND.SUCCESS', refund)), { mchId: '1900000110' })).toBe('wrong_merchant');
  });

  it('is told from ours in partner mode by each of the four numbers', async () => {
    expect(await reasonOf(asPartner(), sub)).toBe('accepted');
    expect(await reasonOf(asPartner({ sp_mchid: '1230000110' }), sub)).toBe('wrong_merchant');
    expect(await reasonOf(asPartner({ sp_appid: 'wx7777777777777777' }), sub)).toBe('wrong_merchant');
    expect(await reasonOf(asPartner({ sub_mchid: '1900000110' }), sub)).toBe('wrong_merchant');
    expect(await reasonOf(asPartner({ sub_appid: 'wx7777777777777777' }), sub)).toBe('wrong_merchant');
    expect(await reasonOf(asPartner({ sub_appid: undefined }), sub)).toBe('accepted');
  });

  it('may be any sub-merchant where the channel says so, or those it lists', async () => {
    const any = { partner, mchId: partner.spMchId, appIds: [] };
    expect(await reasonOf(asPartner({ sub_mchid: '1999999999' }), any)).toBe('accepted');
    const listed = { ...any, partner: { ...partner, subMchIds: ['1900000109'] } };
    expect(await reasonOf(asPartner(), listed)).toBe('accepted');
    expect(await reasonOf(asPartner({ sub_mchid: '1999999999' }), listed)).toBe('wrong_merchant');
  });

  it('is what a direct channel sees in a partner’s notice, and the other way round', async () => {
    expect(await reasonOf(asPartner())).toBe('wrong_merchant');
    expect(await reasonOf(signed(paid()), sub)).toBe('wrong_merchant');
  });

  it('does not hide who paid a service provider', async () => {
    expect(await eventOf('TRANSACTION.SUCCESS', partnerTransaction, sub)).toMatchObject({
      payer: { id: 'oUpF8uN95-Ptaags6E_roPHg7AG0', idType: 'openid' },
    });
  });
});

describe('the answer', () => {
  it('is a status that makes WeChat Pay call again: never 200 with FAIL in the body (pitfall 3)', () => {
    const unavailable = provider.acknowledge({ kind: 'unavailable' });
    expect(unavailable).toMatchObject({ status: 503, body: '{"code":"FAIL","message":"失败"}' });
    expect(unavailable.headers['content-type']).toMatch(/^application\/json/);
  });

  it('is due before the five seconds are over, and the documented retries last 24 h 4 min', () => {
    expect(provider.ackDeadlineMs).toBeLessThan(5_000);
    expect(provider.retryScheduleSeconds.reduce((sum, seconds) => sum + seconds, 0)).toBe(24 * 3600 + 4 * 60);
  });
});

it('never lets a secret into a refusal', async () => {
  const details = [
    await detailOf(signed(noticeOf('TRANSACTION.SUCCESS', transaction, { key: 'y'.repeat(32) }))),
    await detailOf(with_(signed(paid()), { 'wechatpay-signature': 'AAAA' })),
    await detailOf(signed(paid()), { mchId: '1900000110' }),
  ];
  for (const detail of details) {
    expect(detail).not.toBe('');
    expect(detail).not.toContain(API_V3_KEY);
    expect(detail).not.toContain('PRIVATE KEY');
  }
});
