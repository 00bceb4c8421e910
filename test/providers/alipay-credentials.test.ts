// Alipay credentials: what a merchant may paste wrongly, and the sentence that mends it.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import { makeChainedCertificate } from '../fixtures/alipay/authority.ts';
import {
  alipayCertificate,
  appCertificate,
  bareOf,
  classCertificate,
  entered,
  enteredWithCertificates,
  impostorLeaf,
  leafOf,
  merchantKey,
  NOW,
  privatePemOf,
  publicPemOf,
  rootCertificate,
  strangerKey,
  weakKey,
} from '../fixtures/alipay/merchant.ts';

const provider = providerOf('alipay');
if (provider === null) throw new Error('alipay is not registered');

function refusalOf(changes: object, base: object = entered): { field: string; message: string } {
  const parsed = provider?.credentials.safeParse({ ...base, ...changes });
  const issue = parsed?.error?.issues[0];
  return { field: issue?.path.join('.') ?? '', message: issue?.message ?? '' };
}
const inspect = (changes: object, base: object = entered) =>
  provider.inspectCredentials?.(provider.credentials.parse({ ...base, ...changes }));

describe('credentials', () => {
  it('have defaults for everything that most merchants leave out', () => {
    const { appId, alipayPublicKey } = entered;
    expect(provider.credentials.parse({ appId, alipayPublicKey })).toEqual({
      appId,
      alipayPublicKey,
      sellerIds: [],
      charset: 'utf-8',
      signTypes: ['RSA2'],
      signTypeSignedFor: [],
      sandbox: false,
    });
  });

  it.each([
    ['appId', { appId: 'wx0123' }, entered, /APPID/],
    ['sellerIds.0', { sellerIds: ['shop@example.com'] }, entered, /2088/],
    ['alipayPublicKey', { alipayPublicKey: undefined }, entered, /alipayPublicKey is missing.*certificates/],
    ['alipayPublicKey', { alipayPublicKey: entered.alipayPublicKey }, enteredWithCertificates, /exclude each other/],
    ['appCert', { appCert: undefined }, enteredWithCertificates, /appCert is missing/],
    ['alipayRootCert', { alipayRootCert: undefined }, enteredWithCertificates, /all three/],
  ])('are refused at %s', (field, changes, base, message) => {
    expect(refusalOf(changes, base)).toMatchObject({ field, message: expect.stringMatching(message) });
  });

  it.each(['alipayPublicKey', 'previousAlipayPublicKey', 'privateKey'])('are refused with an empty %s', (field) => {
    expect(refusalOf({ [field]: '' })).toMatchObject({ field, message: expect.stringMatching(/too short/) });
  });

  it('are refused without any signature type, and with one that nobody makes', () => {
    expect(refusalOf({ signTypes: [] }).field).toBe('signTypes');
    expect(refusalOf({ signTypes: ['MD5'] }).field).toBe('signTypes.0');
  });

  it('take keys as the console shows them and as files', async () => {
    for (const alipayPublicKey of [
      entered.alipayPublicKey,
      publicPemOf(strangerKey),
      `\n ${entered.alipayPublicKey}\n`,
    ]) {
      expect(await inspect({ alipayPublicKey })).toEqual({ ok: true, value: null });
    }
  });

  const elliptic = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  it.each([
    ['alipayPublicKey', { alipayPublicKey: entered.alipayPublicKey.slice(0, 200) }, /cannot be read/],
    ['alipayPublicKey', { alipayPublicKey: alipayCertificate }, /alipayCert/],
    ['alipayPublicKey', { alipayPublicKey: privatePemOf(strangerKey) }, /private key/],
    ['alipayPublicKey', { alipayPublicKey: publicPemOf(weakKey) }, /1024 bits/],
    ['alipayPublicKey', { alipayPublicKey: elliptic.publicKey.export({ type: 'spki', format: 'pem' }) }, /RSA/],
    ['previousAlipayPublicKey', { previousAlipayPublicKey: 'x'.repeat(300) }, /cannot be read/],
    ['privateKey', { privateKey: publicPemOf(merchantKey) }, /private key/],
    ['privateKey', { privateKey: bareOf(privatePemOf(merchantKey)).slice(0, 300) }, /whole/],
    ['privateKey', { privateKey: privatePemOf(weakKey) }, /1024 bits/],
  ])('cannot have in %s what does not belong there (%#)', async (field, changes, message) => {
    expect(await inspect(changes)).toMatchObject({
      ok: false,
      error: { field, message: expect.stringMatching(message) },
    });
  });
});

describe('certificates', () => {
  const inspectThem = (changes: object) => inspect(changes, enteredWithCertificates);
  const dates = { notBefore: new Date(NOW), notAfter: new Date(NOW + 1e10) };
  const someone = {
    C: 'CN',
    O: 'Pretend Financial',
    OU: 'Merchant',
    CN: 'somebody with a certificate of the same class',
  };
  /** Vouched for by a genuine certificate that is no authority. */
  const merchantMade = makeChainedCertificate({
    ...dates,
    serial: '2222',
    subject: { ...someone, CN: 'alipay' },
    publicKeyOf: strangerKey,
    issuer: { subject: { ...someone, OU: 'Alipay', CN: '2021001161683774' }, privateKey: merchantKey },
    isAuthority: false,
  });

  it('that hold together are taken, in any order', async () => {
    expect(await inspectThem({})).toEqual({ ok: true, value: null });
    expect(await inspectThem({ alipayCert: classCertificate + alipayCertificate })).toEqual({ ok: true, value: null });
    expect(
      await inspectThem({ alipayRootCert: rootCertificate + classCertificate, alipayCert: alipayCertificate }),
    ).toEqual({
      ok: true,
      value: null,
    });
  });

  it.each([
    ['alipayCert', { alipayCert: alipayCertificate }, /vouches/],
    ['alipayCert', { alipayCert: impostorLeaf + classCertificate }, /vouches/],
    ['alipayCert', { alipayCert: merchantMade + appCertificate + classCertificate }, /vouches/],
    ['alipayCert', { alipayCert: appCertificate + classCertificate }, /own application certificate/],
    ['alipayCert', { alipayCert: classCertificate }, /authority/],
    ['alipayCert', { alipayCert: 'x'.repeat(300) }, /no certificate/],
    ['alipayRootCert', { alipayRootCert: 'x'.repeat(300) }, /RSA root certificate/],
    ['appCert', { appCert: 'x'.repeat(300) }, /no certificate/],
    ['privateKey', { appCert: leafOf(strangerKey, '33') }, /does not belong to appCert/],
  ])('cannot have in %s what does not belong there (%#)', async (field, changes, message) => {
    expect(await inspectThem(changes)).toMatchObject({
      ok: false,
      error: { field, message: expect.stringMatching(message) },
    });
  });

  it('never lets a private key into a refusal', async () => {
    const refusal = JSON.stringify(await inspectThem({ privateKey: bareOf(privatePemOf(merchantKey)).slice(0, 300) }));
    expect(refusal).not.toContain(bareOf(privatePemOf(merchantKey)).slice(30, 80));
  });
});
