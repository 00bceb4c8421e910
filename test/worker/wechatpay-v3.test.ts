// WeChat Pay v3 in workerd: the same keys, signatures and seals hold in the runtime that serves them.
import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer } from '../../src/providers/provider.ts';
import fixture from '../fixtures/wechatpay-v3/signed.json';

const provider = providerOf('wechatpay-v3');
if (provider?.keys === undefined || provider.pay === undefined) throw new Error('wechatpay-v3 lacks a capability');
const { keys, pay } = provider;

const { now, entered, callbacks, answers, serials } = fixture;
const credentials = provider.credentials.parse(entered);

const callbackOf = ({ headers, body }: { headers: Record<string, string>; body: string }): Callback => ({
  channelId: 'shop',
  headers,
  body: new TextEncoder().encode(body),
  remoteAddress: null,
  receivedAt: now,
});
const answerOf = ({ headers, body }: { headers: Record<string, string>; body: string }): ProviderAnswer => ({
  status: 200,
  headers,
  body: new TextEncoder().encode(body),
});

async function outcomeOf(callback: Callback, known = credentials): Promise<string> {
  const notice = await provider?.verify(callback, known, [], now);
  if (!notice?.ok) return notice?.error.reason ?? '';
  const translation = provider?.translate(notice.value, known);
  if (!translation?.ok) return translation?.error.reason ?? '';
  return translation.value.events.map((event) => `${event.kind} ${event.orderNo} ${event.amount?.minor}`).join();
}

async function merchantKeys() {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  };
  const pair = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  if (!('privateKey' in pair)) throw new Error('no key pair');
  const der = await crypto.subtle.exportKey('pkcs8', pair.privateKey);
  if (!(der instanceof ArrayBuffer)) throw new Error('no DER');
  const base64 = new Uint8Array(der).toBase64().replace(/.{64}/g, '$&\n');
  const pkcs8 = `-----BEGIN PRIVATE KEY-----\n${base64}\n-----END PRIVATE KEY-----\n`;
  const pkcs1 = createPrivateKey(pkcs8).export({ type: 'pkcs1', format: 'pem' }).toString();
  return { publicKey: pair.publicKey, pkcs8, pkcs1 };
}

describe('in workerd', () => {
  it('reads certificates and public keys', async () => {
    expect(await provider.inspectCredentials?.(credentials)).toEqual({ ok: true, value: null });
    const { [serials.certificate]: pem } = entered.platformKeys as Record<string, string>; // keyed by serial
    const other = provider.credentials.parse({ ...entered, platformKeys: { ABCD: pem } });
    expect(await provider.inspectCredentials?.(other)).toMatchObject({
      ok: false,
      error: { field: 'platformKeys.ABCD' },
    });
  });

  it.each([
    ['certificate', 'payment TG20260101-0001 100'],
    ['publicKey', 'payment TG20260101-0001 100'],
    ['refund', 'refund TG20260101-0001 40'],
    ['otherKey', 'decrypt_failed'],
  ] as const)('verifies, opens and translates: %s', async (name, outcome) => {
    expect(await outcomeOf(callbackOf(callbacks[name]))).toBe(outcome);
  });

  it('refuses a changed body, and signatures of any shape, without throwing', async () => {
    const genuine = callbackOf(callbacks.certificate);
    const body = genuine.body.map((byte, index) => (index === 5 ? byte ^ 1 : byte));
    expect(await outcomeOf({ ...genuine, body })).toBe('signature_invalid');
    for (const signature of ['AAAA', '~', 'A'.repeat(344), `${'A'.repeat(342)}==`, 'A'.repeat(4_000), '/////w==']) {
      const headers = { ...genuine.headers, 'wechatpay-signature': signature };
      expect(await outcomeOf({ ...genuine, headers })).toBe('signature_invalid');
    }
    const headers = { ...genuine.headers, 'wechatpay-signature': 'WECHATPAY/SIGNTEST/AAAA' };
    expect(await outcomeOf({ ...genuine, headers })).toBe('signature_probe');
  });

  it('refuses credentials whose keys cannot be read, without throwing', async () => {
    const hollow = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----';
    const known = provider.credentials.parse({ ...entered, platformKeys: { [serials.certificate]: hollow } });
    expect(await provider.inspectCredentials?.(known)).toMatchObject({ ok: false });
    expect(await outcomeOf(callbackOf(callbacks.certificate), known)).toBe('unknown_key');
  });

  it('reads the answers of the API', async () => {
    const native = await pay.read(answerOf(answers.native), credentials, [], now);
    expect(native).toMatchObject({ ok: true, value: { codeUrl: 'weixin://wxpay/bizpayurl?pr=p4lpSuKzz' } });
    const { pkcs8 } = await merchantKeys();
    const bare = { ...entered, platformKeys: {}, merchantSerial: 'ABCD', merchantPrivateKey: pkcs8 };
    const fetched = await keys.read(answerOf(answers.certificates), provider.credentials.parse(bare), [], now);
    expect(fetched).toMatchObject({ ok: true, value: [{ serial: serials.certificate }] });
  });

  it('signs requests with a key in PKCS#8 or PKCS#1', async () => {
    const { publicKey, pkcs8, pkcs1 } = await merchantKeys();
    for (const merchantPrivateKey of [pkcs8, pkcs1]) {
      const known = provider.credentials.parse({ ...entered, merchantSerial: 'ABCD', merchantPrivateKey });
      expect(await provider.inspectCredentials?.(known)).toEqual({ ok: true, value: null });
      const request = await keys.request(known, { now, nonce: 'abc' });
      const signature = /signature="([^"]+)"/.exec(request.headers.authorization ?? '')?.[1] ?? '';
      const message = new TextEncoder().encode(`GET\n/v3/certificates\n${now / 1000}\nabc\n\n`);
      const bytes = Uint8Array.fromBase64(signature);
      expect(await crypto.subtle.verify('RSASSA-PKCS1-v1_5', publicKey, bytes, message)).toBe(true);
    }
  });
});
