// WeChat Pay v3 credentials: what a merchant may paste wrongly, and the sentence that mends it.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { providerOf } from '../../src/providers/index.ts';
import { makeCertificate } from '../../src/sandbox/certificate.ts';
import {
  CERTIFICATE_SERIAL,
  certificateOf,
  entered,
  MERCHANT_SERIAL,
  merchantKey,
  PUBLIC_KEY_ID,
  platform,
  platformKey,
  privatePemOf,
  publicPemOf,
  weakKey,
} from '../fixtures/wechatpay-v3/merchant.ts';

const provider = providerOf('wechatpay-v3');
if (provider === null) throw new Error('wechatpay-v3 is not registered');

/** The first issue: its field and its sentence. */
function refusalOf(changes: object): { field: string; message: string } {
  const parsed = provider?.credentials.safeParse({ ...entered, ...changes });
  if (!parsed || parsed.success) throw new Error('accepted');
  const [issue] = parsed.error.issues;
  return { field: issue?.path.join('.') ?? '', message: issue?.message ?? '' };
}

async function inspect(changes: object) {
  const credentials = provider?.credentials.parse({ ...entered, ...changes });
  return provider?.inspectCredentials?.(credentials);
}

describe('the shape', () => {
  it.each([
    ['mchId', { mchId: '' }],
    ['mchId', { mchId: 1900000109 }],
    ['mchId', { mchId: undefined }],
    ['mchId', { mchId: '19000001O9' }],
    ['appIds.0', { appIds: ['wx 1'] }],
    ['apiV3Key', { apiV3Key: undefined }],
    ['apiV3Key', { apiV3Key: '' }],
    ['apiV3Key', { apiV3Key: 'x'.repeat(31) }],
    ['apiV3Key', { apiV3Key: 'x'.repeat(33) }],
    ['apiV3Key', { apiV3Key: `${'x'.repeat(31)} ` }],
    ['apiV3Key', { apiV3Key: '密'.repeat(32) }],
    ['merchantSerial', { merchantSerial: 'not hex' }],
    ['merchantSerial', { merchantSerial: undefined }],
    ['merchantPrivateKey', { merchantPrivateKey: undefined }],
    ['platformKeys', { platformKeys: ['x'] }],
    ['platformKeys', { platformKeys: {}, merchantSerial: undefined, merchantPrivateKey: undefined }],
    ['partner.spMchId', { partner: {} }],
    ['partner.spMchId', { partner: { spMchId: 'x' } }],
  ])('refuses a wrong %s with a sentence that names it: %o', (field, changes) => {
    const refusal = refusalOf(changes);
    expect(refusal.field).toBe(field);
    expect(refusal.message).toContain(field.replace('.0', ''));
    expect(refusal.message).toMatch(/\.$/);
  });

  it('refuses fields it does not know, by name', () => {
    expect(refusalOf({ apiKey: 'x' }).message).toContain('apiKey');
    expect(refusalOf({ partner: { spMchId: '1230000109', subMchId: '1' } }).message).toContain('subMchId');
  });

  it('refuses a name of a key that is no serial, and does not repeat it', () => {
    const pem = privatePemOf(merchantKey);
    const parsed = provider.credentials.safeParse({ ...entered, platformKeys: { [pem]: CERTIFICATE_SERIAL } });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).not.toContain('PRIVATE KEY');
  });

  it('takes the least that verifies: one platform key, or the means to fetch them', () => {
    const { mchId, apiV3Key, platformKeys, merchantSerial, merchantPrivateKey } = entered;
    expect(provider.credentials.parse({ mchId, apiV3Key, platformKeys })).toMatchObject({ appIds: [] });
    const fetching = { mchId, apiV3Key, merchantSerial, merchantPrivateKey };
    expect(provider.credentials.parse(fetching)).toMatchObject({ platformKeys: {} });
  });

  it('can be shown as JSON Schema with its labels, helps and secrets', () => {
    const schema = z.toJSONSchema(provider.credentials, { io: 'input' });
    const secrets = Object.entries(schema.properties ?? {}).filter(
      ([, field]) => typeof field === 'object' && field.secret,
    );
    expect(secrets.map(([name]) => name)).toEqual(['apiV3Key', 'merchantPrivateKey']);
    expect(schema.properties?.partner).toMatchObject({ label: { zh: '服务商模式' } });
  });
});

describe('the keys', () => {
  it('may be public keys and certificates together, and a private key in PKCS#1 or PKCS#8', async () => {
    for (const type of ['pkcs1', 'pkcs8'] as const) {
      expect(await inspect({ merchantPrivateKey: privatePemOf(merchantKey, type) })).toEqual({ ok: true, value: null });
    }
  });

  it('may be pasted with Windows line ends', async () => {
    const platformKeys = { [PUBLIC_KEY_ID]: publicPemOf(platformKey.privateKey).replaceAll('\n', '\r\n') };
    expect(await inspect({ platformKeys })).toEqual({ ok: true, value: null });
  });

  it('may be the bare public key of a certificate, by its serial', async () => {
    const platformKeys = { [CERTIFICATE_SERIAL]: publicPemOf(platform.privateKey) };
    expect(await inspect({ platformKeys })).toEqual({ ok: true, value: null });
  });

  const ecKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encrypted = merchantKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();
  const encryptedPkcs1 = merchantKey
    .export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
    .toString();

  it.each([
    ['a certificate under a public key ID', PUBLIC_KEY_ID, certificateOf(platform), /pub_key\.pem/],
    ['another certificate', 'ABCDEF', certificateOf(platform), new RegExp(CERTIFICATE_SERIAL)],
    [
      'the merchant’s own certificate',
      MERCHANT_SERIAL,
      certificateOf({ ...platform, serial: MERCHANT_SERIAL }),
      /apiclient_cert/,
    ],
    ['a private key', PUBLIC_KEY_ID, privatePemOf(merchantKey), /private key.*merchantPrivateKey/],
    ['an encrypted private key', PUBLIC_KEY_ID, encrypted, /private key/],
    ['a weak key', PUBLIC_KEY_ID, publicPemOf(weakKey()), /1024 bits/],
    ['an elliptic key', PUBLIC_KEY_ID, ecKey.publicKey.export({ type: 'spki', format: 'pem' }).toString(), /RSA/],
    ['a chain', CERTIFICATE_SERIAL, certificateOf(platform) + certificateOf(platform), /more than one/],
    ['a key whose line breaks were lost', PUBLIC_KEY_ID, publicPemOf(platformKey.privateKey).slice(0, 60), /whole/],
    ['no PEM at all', PUBLIC_KEY_ID, 'MIIBIjANBgkq', /whole/],
    ['nothing', CERTIFICATE_SERIAL, '', /whole/],
  ])('under platformKeys cannot be %s', async (_name, serial, pem, mend) => {
    const field = `platformKeys.${serial}`;
    const refusal = await inspect({ platformKeys: { [serial]: pem } });
    expect(refusal).toMatchObject({ ok: false, error: { field, message: expect.stringMatching(mend) } });
    expect(refusal).toMatchObject({ error: { message: expect.stringContaining(field) } });
  });

  it.each([
    ['a public key', publicPemOf(platformKey.privateKey), /public key.*apiclient_key/],
    ['a certificate', certificateOf(platform), /certificate.*apiclient_key/],
    ['encrypted', encrypted, /password/],
    ['encrypted in the old form', encryptedPkcs1, /password/],
    ['weak', privatePemOf(weakKey()), /1024 bits/],
    ['elliptic', ecKey.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), /RSA/],
    ['cut short', privatePemOf(merchantKey).slice(0, 300), /whole/],
    ['no PEM', 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC'.repeat(4), /whole/],
  ])('of the merchant cannot be %s', async (_name, merchantPrivateKey, mend) => {
    const refusal = await inspect({ merchantPrivateKey });
    expect(refusal).toMatchObject({
      ok: false,
      error: { field: 'merchantPrivateKey', message: expect.stringMatching(mend) },
    });
    expect(JSON.stringify(refusal)).not.toContain(merchantPrivateKey.slice(30, 80));
  });
});

describe('the merchant’s own certificate', () => {
  const DAY = 86_400_000;
  const now = Date.UTC(2026, 0, 15);
  const certificate = (more: object = {}) =>
    makeCertificate({
      serial: MERCHANT_SERIAL,
      notBefore: new Date(now - DAY),
      notAfter: new Date(now + DAY),
      privateKey: merchantKey,
      commonName: entered.mchId,
      ...more,
    });
  const check = async (merchantCertificate: string, more: object = {}, at = now) => {
    const credentials = provider.credentials.parse({ ...entered, merchantCertificate, ...more });
    const found = await provider.inspectCredentials?.(credentials, at);
    return found?.ok ? null : found?.error;
  };

  it('is taken where it fits, and its end is told', async () => {
    expect(await check(certificate())).toBeNull();
    const credentials = provider.credentials.parse({ ...entered, merchantCertificate: certificate() });
    const ends = provider.expiries?.(credentials).filter(({ field }) => field === 'merchantCertificate');
    expect(ends?.map(({ expiresAt }) => expiresAt)).toEqual([now + DAY]);
  });

  it.each([
    ['another serial', { serial: '1234ABCD' }, 'merchantSerial', '1234ABCD'],
    ['another merchant', { commonName: '1900000999' }, 'merchantCertificate', '1900000999'],
    [
      'another key',
      { publicKey: createPublicKey(publicPemOf(platformKey.privateKey)) },
      'merchantPrivateKey',
      'does not belong',
    ],
  ])('is refused with %s', async (_, more, field, words) => {
    const found = await check(certificate(more));
    expect([found?.field, found?.message.includes(words)]).toEqual([field, true]);
  });

  it('is refused when it is over, when it is no certificate, and without its key', async () => {
    expect((await check(certificate(), {}, now + 2 * DAY))?.message).toContain('expired on 2026-01-16');
    expect((await check(publicPemOf(platformKey.privateKey)))?.field).toBe('merchantCertificate');
    const alone = { merchantCertificate: certificate(), merchantSerial: undefined, merchantPrivateKey: undefined };
    expect(refusalOf(alone).field).toBe('merchantPrivateKey');
  });
});
