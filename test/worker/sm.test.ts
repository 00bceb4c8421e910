// The national algorithms in workerd, whose BoringSSL has none of them: the library's arithmetic holds there too.
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/crypto/bytes.ts';
import { openSm4Gcm, sm2PublicKeyOf, sm3Of, verifySm2 } from '../../src/crypto/sm.ts';
import { providerOf } from '../../src/providers/index.ts';
import openssl from '../fixtures/openssl-sm2.json';
import fixture from '../fixtures/wechatpay-v3/signed-sm.json';

describe('in workerd', () => {
  it('writes the hex and the base64 of a view from its own start', () => {
    const view = Uint8Array.of(1, 2, 3, 4, 5).subarray(2, 4);
    expect([view.toHex(), view.toBase64()]).toEqual(['0304', 'AwQ=']);
  });

  it.each(['certificate', 'publicKey'] as const)('verifies what OpenSSL signed, by its %s', (kind) => {
    const key = sm2PublicKeyOf(openssl[kind]);
    if (key === null) throw new Error('not read');
    const message = utf8(openssl.message);
    const signature = Uint8Array.fromBase64(openssl.signature);
    expect(verifySm2(key, signature, message)).toBe(true);
    expect(verifySm2(key, signature, message.slice(1))).toBe(false);
  });

  it('knows SM3 and SM4-GCM', () => {
    // GB/T 32905, example 1.
    expect(sm3Of(utf8('abc')).toHex()).toBe('66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0');
    expect(openSm4Gcm(new Uint8Array(16), new Uint8Array(12), new Uint8Array(), new Uint8Array(16))).toBeNull();
  });

  it.each(['certificate', 'publicKey'] as const)('verifies and opens a notice signed by %s', async (name) => {
    const provider = providerOf('wechatpay-v3');
    const credentials = provider?.credentials.parse(fixture.entered);
    expect(await provider?.inspectCredentials?.(credentials)).toEqual({ ok: true, value: null });
    const { headers, body } = fixture.callbacks[name];
    const callback = {
      channelId: 'shop',
      headers,
      body: new TextEncoder().encode(body),
      remoteAddress: null,
      receivedAt: 0,
    };
    const notice = await provider?.verify(callback, credentials, [], fixture.now);
    expect(notice).toMatchObject({ ok: true, value: { content: { out_trade_no: 'TG20260101-0001' } } });
    const changed = { ...callback, body: callback.body.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) };
    expect(await provider?.verify(changed, credentials, [], fixture.now)).toMatchObject({
      ok: false,
      error: { reason: 'signature_invalid' },
    });
  });
});
