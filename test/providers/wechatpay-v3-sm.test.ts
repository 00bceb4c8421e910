// WeChat Pay v3 with the national algorithms (SM2, SM3, SM4): the conformance suite, and that only the channel's
// credentials choose them.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Callback } from '../../src/core/callback.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer } from '../../src/providers/provider.ts';
import {
  entered as enteredWithRsa,
  NOW,
  noticeOf,
  PUBLIC_KEY_ID,
  platformKey,
  publicPemOf,
  signatureHeaders,
  signed,
} from '../fixtures/wechatpay-v3/merchant.ts';
import {
  enteredWithSm,
  SIGNATURE_TYPE,
  SM_SERIAL,
  sealSm,
  smCertificateOf,
  smNoticeOf,
  smPlatform,
  smPlatformKey,
  smSignatureHeaders,
  smSigned,
  smStranger,
} from '../fixtures/wechatpay-v3/merchant-sm.ts';
import refund from '../fixtures/wechatpay-v3/refund.json' with { type: 'json' };
import transaction from '../fixtures/wechatpay-v3/transaction.json' with { type: 'json' };
import { conformance } from './conformance.ts';

const provider = providerOf('wechatpay-v3');
if (provider?.keys === undefined) throw new Error('wechatpay-v3 lacks a capability');
const { keys } = provider;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const paid = () => smNoticeOf('TRANSACTION.SUCCESS', transaction);

conformance({
  provider,
  entered: enteredWithSm,
  stranger: {
    ...enteredWithSm,
    apiV3Key: 'x'.repeat(32),
    platformKeys: { [SM_SERIAL]: smCertificateOf(smStranger) },
  },
  now: NOW,
  genuine: {
    'payment signed by an SM2 certificate': smSigned(paid()),
    'payment signed by an SM2 public key': smSigned(paid(), smPlatformKey),
    'refund succeeded': smSigned(smNoticeOf('REFUND.SUCCESS', refund)),
  },
  redelivery: {
    callback: smSigned(
      smNoticeOf('TRANSACTION.SUCCESS', transaction, undefined, 'another12byt'),
      smPlatform,
      NOW + HOUR_MS,
    ),
    now: NOW + HOUR_MS,
  },
  rotation: { entered: enteredWithSm, callbacks: [smSigned(paid(), smPlatform), smSigned(paid(), smPlatformKey)] },
  weak: {
    'the APIv3 key is empty': { ...enteredWithSm, apiV3Key: '' },
    'there is nothing to verify with': { ...enteredWithSm, platformKeys: {} },
  },
  partialRefunds: [
    smSigned(smNoticeOf('REFUND.SUCCESS', refund)),
    smSigned(smNoticeOf('REFUND.SUCCESS', { ...refund, out_refund_no: 'second', refund_id: '2' })),
  ],
  excused: { linked: 'every notice names its out_trade_no' },
  otherAccount: smSigned(smNoticeOf('TRANSACTION.SUCCESS', { ...transaction, mchid: '1900000110' })),
  unknownType: smSigned(smNoticeOf('PAYSCORE.USER_OPEN_SERVICE', { anything: ['goes', 1] })),
  signedHeaders: ['wechatpay-serial', 'wechatpay-timestamp', 'wechatpay-nonce', 'wechatpay-signature'],
  isDated: true,
  answers: {
    accepted: { status: 204, headers: {}, body: '' },
    refused: { body: '{"code":"FAIL","message":"失败"}' },
  },
});

async function reasonOf(callback: Callback, base: object, changes: object = {}, now = NOW): Promise<string> {
  const credentials = provider?.credentials.parse({ ...base, ...changes });
  const notice = await provider?.verify(callback, credentials, [], now);
  return notice?.ok ? 'accepted' : (notice?.error.reason ?? '');
}
/** In the middle of a move: both kinds of keys are there. */
const enteredWithBoth = {
  ...enteredWithSm,
  platformKeys: { ...enteredWithSm.platformKeys, [PUBLIC_KEY_ID]: publicPemOf(platformKey.privateKey) },
  signatureTypes: ['RSA', 'SM2'],
};
const smOff = { ...enteredWithBoth, signatureTypes: ['RSA'] };
const withType = (callback: Callback, type: string): Callback => ({
  ...callback,
  headers: { ...callback.headers, 'wechatpay-signature-type': type },
});

describe('the message never chooses', () => {
  const rsa = signed(noticeOf('TRANSACTION.SUCCESS', transaction), platformKey);

  it('SM2: it is off unless the credentials allow it', async () => {
    expect(provider.credentials.parse(enteredWithRsa)).toMatchObject({ signatureTypes: ['RSA'] });
    expect(await reasonOf(smSigned(paid()), smOff)).toBe('signature_invalid');
    expect(await reasonOf(smSigned(paid()), enteredWithBoth)).toBe('accepted');
  });

  it('RSA: it is off when only SM2 is allowed, named or not', async () => {
    expect(await reasonOf(rsa, enteredWithBoth)).toBe('accepted');
    expect(await reasonOf(rsa, enteredWithBoth, { signatureTypes: ['SM2'] })).toBe('signature_invalid');
    expect(
      await reasonOf(withType(rsa, 'WECHATPAY2-SHA256-RSA2048'), enteredWithBoth, { signatureTypes: ['SM2'] }),
    ).toBe('signature_invalid');
  });

  it('a key of another kind than its signature', async () => {
    expect(await reasonOf(withType(rsa, SIGNATURE_TYPE), enteredWithBoth)).toBe('unknown_key');
    expect(await reasonOf(withType(smSigned(paid()), 'WECHATPAY2-SHA256-RSA2048'), enteredWithBoth)).toBe(
      'unknown_key',
    );
    expect(await reasonOf(withType(smSigned(paid()), 'WECHATPAY-BRAND-SHA256-RSA2048'), enteredWithBoth)).toBe(
      'signature_invalid',
    );
  });

  it('the seal: SM4 opens only where SM2 is allowed, AES only where RSA is', async () => {
    const sealedWithAes = smSigned(noticeOf('TRANSACTION.SUCCESS', transaction));
    expect(await reasonOf(sealedWithAes, enteredWithSm)).toBe('decrypt_failed');
    expect(await reasonOf(sealedWithAes, enteredWithBoth)).toBe('accepted');
    expect(await reasonOf(signed(paid(), platformKey), smOff)).toBe('decrypt_failed');
    expect(
      await reasonOf(smSigned(smNoticeOf('TRANSACTION.SUCCESS', transaction, 'y'.repeat(32))), enteredWithSm),
    ).toBe('decrypt_failed');
  });
});

it('counts a probe with a wrong SM2 signature as one', async () => {
  const callback = smSigned(paid());
  const headers = { ...callback.headers, 'wechatpay-signature': 'WECHATPAY/SIGNTEST/x' };
  expect(await reasonOf({ ...callback, headers }, enteredWithSm)).toBe('signature_probe');
});

it('refuses an SM2 certificate that is not valid now', async () => {
  for (const days of [-101, 5_001]) {
    const now = NOW + days * DAY_MS;
    expect(await reasonOf(smSigned(paid(), smPlatform, now), enteredWithSm, {}, now)).toBe('unknown_key');
    expect(await reasonOf(smSigned(paid(), smPlatformKey, now), enteredWithSm, {}, now)).toBe('accepted');
  }
});

describe('credentials', () => {
  const inspect = (entered: object) => provider.inspectCredentials?.(provider.credentials.parse(entered));

  it('say which type a key of the wrong kind needs', async () => {
    expect(await inspect(smOff)).toMatchObject({
      ok: false,
      error: { message: expect.stringMatching(/SM2 key.*add SM2/) },
    });
    const rsaOff = { ...enteredWithBoth, signatureTypes: ['SM2'] };
    expect(await inspect(rsaOff)).toMatchObject({
      error: { field: `platformKeys.${PUBLIC_KEY_ID}`, message: expect.stringMatching(/RSA key.*add RSA/) },
    });
    expect(await inspect(enteredWithBoth)).toEqual({ ok: true, value: null });
  });

  it('name a certificate by its own serial', async () => {
    const platformKeys = { ABCD: smCertificateOf(smPlatform) };
    expect(await inspect({ ...enteredWithSm, platformKeys })).toMatchObject({
      error: { field: 'platformKeys.ABCD', message: expect.stringContaining(SM_SERIAL.replace(/^0+/, '')) },
    });
  });

  it('name at least one type', () => {
    const parsed = provider.credentials.safeParse({ ...enteredWithSm, signatureTypes: [] });
    expect(z.prettifyError(parsed.error ?? new z.ZodError([]))).toMatch(/signatureTypes is empty/);
  });
});

describe('fetching certificates', () => {
  const { merchantSerial, merchantPrivateKey } = enteredWithRsa;
  const bare = (changes: object = {}) =>
    provider.credentials.parse({ ...enteredWithSm, platformKeys: {}, merchantSerial, merchantPrivateKey, ...changes });
  const nonce = '61f9c719728a';
  const body = JSON.stringify({
    data: [
      {
        serial_no: SM_SERIAL,
        encrypt_certificate: {
          algorithm: 'AEAD_SM4_GCM',
          nonce,
          associated_data: 'certificate',
          ciphertext: sealSm(smCertificateOf(smPlatform), nonce, 'certificate'),
        },
      },
    ],
  });
  const answer = (headers: Readonly<Record<string, string>>): ProviderAnswer => ({
    status: 200,
    headers,
    body: new TextEncoder().encode(body),
  });

  it('asks for the types that the channel takes', async () => {
    const urlOf = async (types: readonly string[]) =>
      (await keys.request(bare({ signatureTypes: types }), { now: NOW, nonce: 'abc' })).url;
    expect(await urlOf(['RSA'])).toBe('https://api.mch.weixin.qq.com/v3/certificates');
    expect(await urlOf(['SM2'])).toBe('https://api.mch.weixin.qq.com/v3/certificates?algorithm_type=SM2');
    expect(await urlOf(['RSA', 'SM2'])).toBe('https://api.mch.weixin.qq.com/v3/certificates?algorithm_type=ALL');
  });

  it('opens an SM2 certificate, which vouches for its own answer', async () => {
    const fetched = await keys.read(answer(smSignatureHeaders(body)), bare(), [], NOW);
    expect(fetched).toMatchObject({ ok: true, value: [{ serial: SM_SERIAL, expiresAt: NOW + 5_000 * DAY_MS }] });
    if (!fetched.ok) return;
    const callback = smSigned(paid());
    expect(await provider.verify(callback, bare(), fetched.value, NOW)).toMatchObject({ ok: true });
  });

  it('believes no answer that somebody else signed', async () => {
    const stranger = await keys.read(answer(smSignatureHeaders(body, smStranger)), bare(), [], NOW);
    expect(stranger).toMatchObject({ ok: false, error: { code: 'unverified' } });
    const rsa = await keys.read(answer(signatureHeaders(body, { ...platformKey, serial: SM_SERIAL })), bare(), [], NOW);
    expect(rsa).toMatchObject({ ok: false, error: { code: 'unverified' } });
  });
});
