// Standard Webhooks in: the conformance suite with the standard's own library as signer, ed25519 beside it, and what
// the specification leaves to the receiver.
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { providerOf } from '../../src/providers/index.ts';
import {
  ed25519,
  entered,
  hmac,
  NOW,
  OLD_SECRET,
  paid,
  refunded,
  SECRET,
  secretOf,
  signed,
  WHPK,
} from '../fixtures/standard-webhooks/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('standard-webhooks');
if (provider === null) throw new Error('standard-webhooks is not registered');

describe.each([
  ['HMAC', [SECRET], hmac(SECRET)],
  ['ed25519', [WHPK], ed25519],
] as const)('with %s', (_name, secrets, signer) => {
  conformance({
    provider,
    entered: { ...entered, secrets },
    stranger: { ...entered, secrets: [OLD_SECRET] },
    now: NOW,
    genuine: { payment: signed(paid, signer), refund: signed(refunded('R1'), signer) },
    redelivery: { callback: signed(paid, signer, NOW + 3_600_000), now: NOW + 3_600_000 },
    rotation: {
      entered: { ...entered, secrets: [...secrets, OLD_SECRET] },
      callbacks: [signed(paid, signer), signed(paid, hmac(OLD_SECRET))],
    },
    weak: {
      'there is no secret': { ...entered, secrets: [] },
      'a secret has 23 bytes': { ...entered, secrets: [secretOf('n', 23)] },
      'a secret lacks its prefix': { ...entered, secrets: [SECRET.slice(6)] },
      'a public key has 31 bytes': { ...entered, secrets: [`whpk_${Buffer.alloc(31, 1).toString('base64')}`] },
    },
    partialRefunds: [signed(refunded('R1'), signer), signed(refunded('R2'), signer)],
    linked: {
      payment: signed(paid, signer),
      later: { 'a refund that names the transaction': signed(refunded('R1', {}), signer) },
    },
    excused: { discounts: 'a profile maps plain values, and discounts are a list' },
    otherAccount: signed({ ...paid, account: 'acct_2' }, signer),
    unknownType: signed({ ...paid, type: 'payout.changed' }, signer),
    signedHeaders: ['webhook-id', 'webhook-timestamp', 'webhook-signature'],
    isDated: true,
    answers: { accepted: { status: 204, headers: {}, body: '' }, refused: { body: '{}' } },
  });
});

const credentials = provider.credentials.parse(entered);
const withSignature = (callback: Callback, signature: string): Callback => ({
  ...callback,
  headers: { ...callback.headers, 'webhook-signature': signature },
});
const isGenuine = async (callback: Callback, secrets: readonly string[] = [SECRET]) =>
  (await provider.verify(callback, provider.credentials.parse({ ...entered, secrets }), [], NOW)).ok;

describe('the signature list', () => {
  const good = signed(paid);
  const value = good.headers['webhook-signature'] ?? '';

  it('is searched whole, versions that nobody knows skipped', async () => {
    const list = `v2,AAAA v1,not-base64! v1,${Buffer.alloc(32).toString('base64')} v1a,AAAA ${value}`;
    expect(await isGenuine(withSignature(good, list))).toBe(true);
  });

  it('of one algorithm is never proved with a key of the other', async () => {
    expect(await isGenuine(withSignature(good, value.replace('v1,', 'v1a,')))).toBe(false);
    expect(await isGenuine(withSignature(good, value), [WHPK])).toBe(false);
    // The public key is no secret: an HMAC made with it proves nothing.
    const forged = hmac(`whsec_${WHPK.slice(5)}`);
    expect(await isGenuine(signed(paid, forged), [WHPK])).toBe(false);
  });

  it('is taken over the raw bytes: the same JSON in other spacing does not verify (pitfall 1)', async () => {
    const spaced = JSON.stringify(JSON.parse(new TextDecoder().decode(good.body)), null, 1);
    expect(await isGenuine(good)).toBe(true);
    expect(await isGenuine({ ...good, body: new TextEncoder().encode(spaced) })).toBe(false);
  });

  it.each(['=', '====', 'é', '%00', 'A'.repeat(10_000), Buffer.alloc(32).toString('base64')])(
    'of garbage is refused and never throws: %s (pitfall 18)',
    async (garbage) => {
      for (const version of ['v1', 'v1a']) {
        expect(await isGenuine(withSignature(good, `${version},${garbage}`), [SECRET, WHPK])).toBe(false);
      }
    },
  );

  it('is not searched without an end', async () => {
    const list = `${'v1,AAAA '.repeat(500)}${value}`;
    expect(await isGenuine(withSignature(good, list))).toBe(false);
  });
});

describe('the content', () => {
  it('is mapped as the channel says', async () => {
    const notice = await provider.verify(signed(paid), credentials, [], NOW);
    if (!notice.ok) throw new Error(notice.error.detail);
    expect(provider.translate(notice.value, credentials)).toMatchObject({
      value: {
        noticeType: 'payment.changed.paid',
        events: [
          {
            ...{ orderNo: 'SW-1', transactionId: 'pay_1', amount: { minor: 1999, currency: 'EUR' } },
            occurredAt: Date.parse('2026-11-21T11:59:58Z'),
          },
        ],
      },
    });
  });
});
