// WeChat Pay v2: the certificate that refunds need is looked at when it is entered, not when the first refund fails.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import { makeCertificate } from '../../src/sandbox/certificate.ts';
import { entered, NOW } from '../fixtures/wechatpay-v2/merchant.ts';

const provider = providerOf('wechatpay-v2');
if (!provider) throw new Error('wechatpay-v2 is not registered');

const DAY_MS = 86_400_000;
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const [own, other] = [rsa(), rsa()];
const pem = (key = own) => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const certificate = (commonName = entered.mchId, untilDays = 300) =>
  makeCertificate({
    serial: '3775B6A45ACD588826D15E583A95F5DD8C4F0E2A',
    notBefore: new Date(NOW - 100 * DAY_MS),
    notAfter: new Date(NOW + untilDays * DAY_MS),
    privateKey: own,
    commonName,
  });

const inspect = (refundCert: string, refundKey: string) =>
  provider.inspectCredentials?.(provider.credentials.parse({ ...entered, refundCert, refundKey }), NOW);

describe('the certificate for refunds', () => {
  it('is taken when it is this merchant’s, valid, and its key belongs to it', async () => {
    expect(await inspect(certificate(), pem())).toEqual({ ok: true, value: null });
    const pkcs1 = own.export({ type: 'pkcs1', format: 'pem' }).toString();
    expect(await inspect(certificate(), pkcs1)).toEqual({ ok: true, value: null });
  });

  it.each([
    ['another merchant’s', () => [certificate('1900000110'), pem()], 'refundCert', /1900000110.*mchId is 1900000109/],
    [
      'expired',
      () => [certificate(entered.mchId, -1), pem()],
      'refundCert',
      /expired on 2025-12-31.*apply for a new one/,
    ],
    ['not its key’s', () => [certificate(), pem(other)], 'refundKey', /does not belong to refundCert/],
    ['broken', () => [certificate().replace(/\n[^\n]{64}\n/, '\n'), pem()], 'refundCert', /paste apiclient_cert\.pem/],
    [
      'with a broken key',
      () => [certificate(), pem().replace(/\n[^\n]{64}\n/, '\n')],
      'refundKey',
      /apiclient_key\.pem/,
    ],
  ])('is refused when it is %s, and the mend is named', async (_what, make, field, message) => {
    const [cert = '', key = ''] = make();
    const inspected = await inspect(cert, key);
    expect(inspected).toMatchObject({ ok: false, error: { field, message: expect.stringMatching(message) } });
    expect(JSON.stringify(inspected)).not.toContain(key.split('\n')[1]);
  });

  it('is not judged by a clock that nobody gave', async () => {
    const credentials = provider.credentials.parse({
      ...entered,
      refundCert: certificate(entered.mchId, -1),
      refundKey: pem(),
    });
    expect(await provider.inspectCredentials?.(credentials)).toEqual({ ok: true, value: null });
  });
});
