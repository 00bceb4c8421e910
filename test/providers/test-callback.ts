// What every provider's test callback keeps: it is a payment of the order it was written for, in the provider's own
// form; signed by a secret that the channel shares, or by a key that the channel itself refuses.
import { expect } from 'vitest';
import { newPair } from '../../src/api/key-pair.ts';
import type { FetchedKey } from '../../src/core/channel.ts';
import type { AnyProvider } from '../../src/providers/provider.ts';

/** Excused by name: what their notices say, only the provider can say. */
const WITHOUT: Readonly<Record<string, string>> = {
  mollie: 'a notice names a payment, which Mollie alone knows',
  btcpay: 'a webhook names an invoice, which the merchant’s server alone knows',
};
/** Only the provider can sign: a key made for the test does. Of the others the channel's own secret does. */
const TEST_KEY: ReadonlySet<string> = new Set(['wechatpay-v3', 'alipay', 'paypal', 'unionpay']);
/** Dialects that are configuration hold public keys, or secrets. */
function isSignedElsewhere({ id }: AnyProvider, credentials: unknown): boolean {
  const text = JSON.stringify(credentials);
  return TEST_KEY.has(id) || /"publicKeys":\["/.test(text) || (text.includes('whpk_') && !text.includes('whsec_'));
}

const NONCE = '0123456789abcdef0123456789abcdef';
const ORDER_NO = 'TEST-261122ABCDEFGH0123456789AB';

export async function expectTestCallback(
  provider: AnyProvider,
  credentials: unknown,
  keys: readonly FetchedKey[],
  now: number,
): Promise<void> {
  const { testCallback } = provider;
  expect({ [provider.id]: 'without' in testCallback }).toEqual({ [provider.id]: provider.id in WITHOUT });
  if ('without' in testCallback) {
    expect(testCallback.without).toEqual({
      en: expect.stringMatching(/\.$/),
      zh: expect.stringMatching(/[一-龥].*。$/),
    });
    return;
  }
  const order = { orderNo: ORDER_NO, amount: { minor: 1, currency: testCallback.currency }, sandbox: false };
  const written = await testCallback.write(order, credentials, { now, nonce: NONCE, makeKeys: newPair });
  if (!written.ok) throw new Error(`not written: ${written.error}`);
  const { contentType, headers, body, provedBy } = written.value;
  expect(provedBy !== undefined).toBe(isSignedElsewhere(provider, credentials));
  const all = contentType === null ? headers : { ...headers, 'content-type': contentType };
  const callback = { channelId: 'shop', headers: all, body, remoteAddress: null, receivedAt: now };
  const proofs = { credentials: provedBy?.credentials ?? credentials, keys: provedBy?.keys ?? keys };
  const notice = await provider.verify(callback, proofs.credentials, proofs.keys, now);
  if (!notice.ok) throw new Error(`refused: ${notice.error.reason}: ${notice.error.detail}`);
  const told = provider.translate(notice.value, proofs.credentials);
  if (!told.ok) throw new Error(`not translated: ${told.error.reason}: ${told.error.detail}`);
  const { events, flags = [], unlinked = [], hints = [], partial = [] } = told.value;
  // Nothing that would have to be looked up: a test knows no other order, and asks nobody.
  expect([flags, unlinked, hints, partial]).toEqual([[], [], [], []]);
  expect(events).toMatchObject([{ kind: 'payment', orderNo: ORDER_NO, amount: { minor: 1 } }]);
  const kept = new Set(provider.evidenceHeadersOf?.(credentials) ?? provider.evidenceHeaders);
  expect(Object.keys(headers).filter((name) => !kept.has(name))).toEqual([]);
  if (provedBy === undefined) return;
  const elsewhere = await provider.verify(callback, credentials, keys, now);
  expect(elsewhere.ok).toBe(false);
  if (!elsewhere.ok) expect(['signature_invalid', 'unknown_key']).toContain(elsewhere.error.reason);
}
