// WeChat Pay v3 API: requests signed as the documents say, answers believed only when their signature holds.
import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Aes, Formatter, Rsa } from 'wechatpay-axios-plugin';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, ProviderRequest } from '../../src/providers/provider.ts';
import {
  API_V3_KEY,
  certificateOf,
  entered,
  MERCHANT_SERIAL,
  merchantKey,
  NOW,
  oldPlatform,
  PUBLIC_KEY_ID,
  platform,
  platformKey,
  privatePemOf,
  publicPemOf,
  type Signer,
  signatureHeaders,
} from '../fixtures/wechatpay-v3/merchant.ts';

const provider = providerOf('wechatpay-v3');
const { keys, pay } = provider ?? {};
if (!provider || !keys || !pay) throw new Error('wechatpay-v3 lacks a capability');

const HOST = 'https://api.mch.weixin.qq.com';
const HOUR_MS = 3_600_000;
const context = { now: NOW, nonce: '593BEC0C930BF1AFEB40B4A08C8FB242' };
const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });

function authorizationOf(request: ProviderRequest): Record<string, string> {
  const [scheme, rest = ''] = (request.headers.authorization ?? '').split(/ (.*)/s);
  expect(scheme).toBe('WECHATPAY2-SHA256-RSA2048');
  return Object.fromEntries([...rest.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

function expectSigned(request: ProviderRequest): void {
  const fields = authorizationOf(request);
  const { pathname, search } = new URL(request.url);
  const message = Formatter.request(
    request.method,
    pathname + search,
    fields.timestamp ?? '',
    fields.nonce_str ?? '',
    request.body ?? '',
  );
  const publicKey = createPublicKey(publicPemOf(merchantKey));
  expect(Rsa.verify(message, fields.signature ?? '', publicKey)).toBe(true);
  expect(fields).toMatchObject({ serial_no: MERCHANT_SERIAL, nonce_str: context.nonce, timestamp: String(NOW / 1000) });
}

const plain = (status: number, body: unknown): ProviderAnswer => ({
  status,
  headers: {},
  body: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)),
});
function answered(body: unknown, signer: Signer = platform, at = NOW): ProviderAnswer {
  const text = JSON.stringify(body);
  return { ...plain(200, text), headers: signatureHeaders(text, signer, at) };
}

const expectProblem = (result: unknown, code: string, detail = /\.$/) =>
  expect(result).toMatchObject({ ok: false, error: { code, detail: expect.stringMatching(detail) } });

describe('fetching platform certificates', () => {
  const sealedOf = (pem: string, key = API_V3_KEY) => ({
    algorithm: 'AEAD_AES_256_GCM',
    nonce: '61f9c719728a',
    associated_data: 'certificate',
    ciphertext: Aes.AesGcm.encrypt(pem, key, '61f9c719728a', 'certificate'),
  });
  const item = (signer: Signer, pem = certificateOf(signer)) => ({
    serial_no: signer.serial,
    effective_time: '2025-09-23T00:00:00+08:00',
    expire_time: '2028-09-23T00:00:00+08:00',
    encrypt_certificate: sealedOf(pem),
  });
  const both = { data: [item(oldPlatform), item(platform)] };
  /** A channel that knows no key yet. */
  const bare = credentialsOf({ platformKeys: {} });
  const read = (answer: ProviderAnswer, credentials = bare) => keys.read(answer, credentials, [], NOW);

  it('is wanted where there is a merchant key to sign with', () => {
    expect(keys.wanted(bare)).toBe(true);
    expect(keys.wanted(credentialsOf({ merchantSerial: undefined, merchantPrivateKey: undefined }))).toBe(false);
  });

  it('tells whether callbacks can be verified without a download', () => {
    expect(keys.brought(bare)).toBe(false);
    expect(keys.brought(credentialsOf())).toBe(true);
  });

  it.each(['pkcs1', 'pkcs8'] as const)('asks with a signed request, its key in %s', async (type) => {
    const credentials = credentialsOf({ merchantPrivateKey: privatePemOf(merchantKey, type), platformKeys: {} });
    const request = await keys.request(credentials, context);
    expect(request).toMatchObject({ method: 'GET', url: `${HOST}/v3/certificates`, body: null });
    expect(request.headers).toMatchObject({ accept: 'application/json', 'user-agent': expect.any(String) });
    expectSigned(request);
    expect(authorizationOf(request).mchid).toBe('1900000109');
  });

  it('gives every certificate of the first download, which vouches for its own answer', async () => {
    const fetched = await read(answered(both));
    expect(fetched).toMatchObject({ ok: true, value: [{ serial: oldPlatform.serial }, { serial: platform.serial }] });
    if (!fetched.ok) return;
    expect(fetched.value[0]).toEqual({
      serial: oldPlatform.serial,
      pem: certificateOf(oldPlatform),
      effectiveAt: NOW - 100 * 24 * HOUR_MS,
      expiresAt: NOW + 1_000 * 24 * HOUR_MS,
    });
  });

  it('keeps a certificate that is not valid yet and drops one that has expired', async () => {
    const next = { ...oldPlatform, serial: 'AA01' };
    const past = { ...oldPlatform, serial: 'AA02' };
    const data = [item(platform), item(next, certificateOf(next, 2, 9)), item(past, certificateOf(past, -9, -2))];
    const fetched = await read(answered({ data }));
    expect(fetched.ok && fetched.value.map((key) => key.serial)).toEqual([platform.serial, 'AA01']);
  });

  it('passes over certificates of other algorithms', async () => {
    const sm = { serial_no: 'AA03', encrypt_certificate: { ...sealedOf('x'), algorithm: 'AEAD_SM4_GCM' } };
    const fetched = await read(answered({ data: [sm, item(platform)] }));
    expect(fetched.ok && fetched.value.map((key) => key.serial)).toEqual([platform.serial]);
  });

  it('believes no answer that is unsigned, probed, stale or signed by anyone else (pitfall 2)', async () => {
    expectProblem(await read(plain(200, both)), 'unverified');
    expectProblem(await read(plain(200, 'read before it is proved')), 'unverified');
    expectProblem(await read(answered(both, platform, NOW - HOUR_MS)), 'unverified');
    expectProblem(await read(answered(both, { ...platformKey, serial: platform.serial })), 'unverified');
    expectProblem(await read(answered(both, platformKey)), 'unverified');
    const good = answered(both);
    const probe = { ...good.headers, 'wechatpay-signature': 'WECHATPAY/SIGNTEST/x' };
    expectProblem(await read({ ...good, headers: probe }), 'unverified');
    expectProblem(await read({ ...good, headers: probe }, credentialsOf()), 'unverified');
    expectProblem(await read({ ...good, body: new TextEncoder().encode(`${JSON.stringify(both)} `) }), 'unverified');
  });

  it('holds an answer against a known key before anything is opened', async () => {
    expect((await read(answered(both, platformKey), credentialsOf())).ok).toBe(true);
    const forged = answered({ data: [] }, { ...oldPlatform, serial: platform.serial });
    expectProblem(await read(forged, credentialsOf()), 'unverified');
  });

  it('refuses a certificate under another’s serial', async () => {
    const swapped = { data: [item(platform), { ...item(oldPlatform), serial_no: 'ABCD' }] };
    expectProblem(await read(answered(swapped)), 'malformed');
    expectProblem(
      await read(answered({ data: [{ ...item(platform), encrypt_certificate: sealedOf('no pem') }] })),
      'malformed',
    );
    expectProblem(await read(answered({ data: 'x' })), 'malformed');
  });

  it('says so when the APIv3 key does not open them', async () => {
    const alien = {
      data: [{ ...item(platform), encrypt_certificate: sealedOf(certificateOf(platform), 'y'.repeat(32)) }],
    };
    expectProblem(await read(answered(alien)), 'not_configured', /apiV3Key/);
  });

  it('names the public key mode where there are no certificates', async () => {
    const answer = plain(404, { code: 'RESOURCE_NOT_EXISTS', message: '无可用的平台证书' });
    expectProblem(await read(answer), 'not_configured', /public key mode.*PUB_KEY_ID_/);
    expectProblem(await read(plain(404, 'not found')), 'refused');
  });

  it.each([
    [401, 'refused', /merchantSerial and merchantPrivateKey/],
    [403, 'refused', /NO_AUTH/],
    [429, 'unavailable', /429/],
    [500, 'unavailable', /500/],
    [302, 'unavailable', /302/],
  ])('tells an answer %i apart as %s', async (status, code, detail) => {
    expectProblem(await read(plain(status, { code: 'NO_AUTH', message: 'x' })), code, detail);
  });
});

describe('asking for a Native payment', () => {
  const orderOf = (changes: object = {}) => ({
    orderNo: 'TG20260101-0001',
    notifyUrl: 'https://pay.example/callbacks/shop',
    registration: {
      amount: { minor: 100, currency: 'CNY' },
      description: 'Image形象店-深圳腾大-QQ公仔',
      expiresAt: NOW + HOUR_MS,
      metadata: {},
      registeredAt: NOW,
      ...changes,
    },
  });
  const ask = (order = orderOf(), changes: object = {}) => pay.request(order, credentialsOf(changes), context);

  async function bodyOf(order = orderOf(), changes: object = {}): Promise<Record<string, unknown>> {
    const request = await ask(order, changes);
    if (!request.ok) throw new Error(request.error.detail);
    expectSigned(request.value);
    return JSON.parse(request.value.body ?? '');
  }

  it('sends what the documents require, signed over exactly these bytes', async () => {
    const request = await ask();
    expect(request).toMatchObject({
      ok: true,
      value: {
        method: 'POST',
        url: `${HOST}/v3/pay/transactions/native`,
        headers: { 'content-type': 'application/json' },
      },
    });
    expect(await bodyOf()).toEqual({
      appid: 'wxd678efh567hg6787',
      mchid: '1900000109',
      description: 'Image形象店-深圳腾大-QQ公仔',
      out_trade_no: 'TG20260101-0001',
      time_expire: '2026-01-01T11:35:00+08:00',
      notify_url: 'https://pay.example/callbacks/shop',
      amount: { total: 100, currency: 'CNY' },
    });
  });

  it('asks for an answer signed by the public key where one is configured', async () => {
    expect(await ask()).toMatchObject({ value: { headers: { 'wechatpay-serial': PUBLIC_KEY_ID } } });
  });

  it('gives half an hour and a description where the merchant gave none', async () => {
    const body = await bodyOf(orderOf({ expiresAt: null, description: null }));
    expect(body).toMatchObject({ time_expire: '2026-01-01T11:05:00+08:00', description: '订单 TG20260101-0001' });
  });

  it('cuts a long description between characters', async () => {
    const { description } = await bodyOf(orderOf({ description: '👍'.repeat(200) }));
    expect(description).toBe('👍'.repeat(127));
  });

  it('names payer-side and merchant-side numbers in partner mode, and signs as the service provider', async () => {
    const partner = { spMchId: '1230000109', spAppId: 'wx8888888888888888' };
    const request = await ask(orderOf(), { partner });
    if (!request.ok) throw new Error(request.error.detail);
    expect(request.value.url).toBe(`${HOST}/v3/pay/partner/transactions/native`);
    expect(authorizationOf(request.value).mchid).toBe('1230000109');
    expect(await bodyOf(orderOf(), { partner })).toMatchObject({
      sp_appid: 'wx8888888888888888',
      sp_mchid: '1230000109',
      sub_appid: 'wxd678efh567hg6787',
      sub_mchid: '1900000109',
    });
    const only = { partner: { ...partner, subMchIds: ['1900000777'] }, mchId: '1230000109', appIds: [] };
    expect(await bodyOf(orderOf(), only)).toMatchObject({ sub_mchid: '1900000777' });
    expectProblem(await ask(orderOf(), { partner, mchId: '1230000109' }), 'not_configured', /mchId/);
    expectProblem(await ask(orderOf(), { partner: { spMchId: '1230000109' } }), 'not_configured', /spAppId/);
  });

  it.each([
    ['appIds', { appIds: [] }],
    ['merchantPrivateKey', { merchantSerial: undefined, merchantPrivateKey: undefined }],
  ])('says that the channel lacks %s', async (field, changes) => {
    expectProblem(await ask(orderOf(), changes), 'not_configured', new RegExp(field));
  });

  it('refuses what WeChat Pay would refuse, with the mend', async () => {
    expectProblem(await ask({ ...orderOf(), orderNo: 'short' }), 'refused', /orderNo/);
    expectProblem(await ask({ ...orderOf(), orderNo: 'TG"}0001' }), 'refused', /orderNo/);
    expectProblem(await ask(orderOf({ amount: { minor: 100, currency: 'USD' } })), 'refused', /CNY/);
    expectProblem(await ask(orderOf({ amount: { minor: 0, currency: 'CNY' } })), 'refused', /0\.01/);
    expectProblem(await ask(orderOf({ expiresAt: NOW + 59_000 })), 'refused', /expiresAt/);
  });

  const codeUrl = 'weixin://wxpay/bizpayurl?pr=p4lpSuKzz';
  const read = (answer: ProviderAnswer, expiresAt?: number | null) =>
    pay.read(answer, credentialsOf(), [], NOW, expiresAt);

  it('reads the code, which lasts two hours and no longer than the order', async () => {
    const answer = answered({ code_url: codeUrl }, platformKey);
    expect(await read(answer, NOW + HOUR_MS)).toEqual({ ok: true, value: { codeUrl, codeExpiresAt: NOW + HOUR_MS } });
    expect(await read(answer, NOW + 5 * HOUR_MS)).toMatchObject({ value: { codeExpiresAt: NOW + 2 * HOUR_MS } });
    expect(await read(answer)).toMatchObject({ value: { codeExpiresAt: NOW + HOUR_MS / 2 } });
  });

  it('believes no code that is unsigned or probed: whoever paid it would pay a stranger', async () => {
    const answer = answered({ code_url: codeUrl });
    expectProblem(await read(plain(200, { code_url: codeUrl })), 'unverified', /Ask again/);
    const headers = { ...answer.headers, 'wechatpay-signature': 'WECHATPAY/SIGNTEST/x' };
    expectProblem(await read({ ...answer, headers }), 'unverified');
    expectProblem(await read(answered({ code_url: codeUrl }, { ...platform, serial: 'FFFF' })), 'unverified');
  });

  it('refuses a code that is no WeChat Pay code', async () => {
    for (const code_url of ['https://evil.example/', 'javascript:alert(1)', '', 7]) {
      expectProblem(await read(answered({ code_url })), 'malformed');
    }
  });

  it('passes on why WeChat Pay said no', async () => {
    const answer = plain(400, { code: 'OUT_TRADE_NO_USED', message: '商户订单号重复' });
    expectProblem(await read(answer), 'refused', /OUT_TRADE_NO_USED: 商户订单号重复/);
    expectProblem(await read(plain(500, '<html>')), 'unavailable');
  });
});
