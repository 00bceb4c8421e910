// Standard Webhooks in: the conformance suite with the standard's own library as signer, ed25519 beside it, and what
// the specification leaves to the receiver.
import { generateKeyPairSync, sign } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { providerOf } from '../../src/providers/index.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('standard-webhooks');
if (provider === null) throw new Error('standard-webhooks is not registered');

const NOW = Date.parse('2026-11-21T12:00:00Z');
const secretOf = (letter: string, bytes = 32) => `whsec_${Buffer.from(letter.repeat(bytes)).toString('base64')}`;
const [SECRET, OLD_SECRET] = [secretOf('n'), secretOf('o')];

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const RAW_KEY_BYTES = 32;
const spki = publicKey.export({ type: 'spki', format: 'der' });
const WHPK = `whpk_${spki.subarray(spki.length - RAW_KEY_BYTES).toString('base64')}`;

const mapping = {
  formats: ['json'],
  fields: {
    ...{ orderNo: '/data/order/no', transactionId: '/data/id', status: '/data/status', kind: '/type' },
    ...{ amount: '/data/total', currency: '/data/currency', occurredAt: '/timestamp', merchantId: '/account' },
    ...{ refundNo: '/data/refund/no', refundAmount: '/data/refund/total', payerAmount: '/data/paid' },
    ...{ payerId: '/data/customer', method: '/data/method', attach: '/data/metadata' },
  },
  kinds: { 'payment.changed': 'payment', 'refund.changed': 'refund' },
  statuses: { payment: { paid: 'succeeded' }, refund: { done: 'succeeded' } },
  ...{ methods: { visa: 'card' }, linkByTransaction: true },
  ...{ amountUnit: 'decimal', timeUnit: 'iso', merchantIds: ['acct_1'] },
  acknowledgement: { success: { status: 204, body: '' }, failure: { contentType: 'application/json', body: '{}' } },
};
const entered = { secrets: [SECRET], ...mapping };

const paid = {
  ...{ type: 'payment.changed', timestamp: '2026-11-21T11:59:58Z', account: 'acct_1' },
  data: {
    ...{ id: 'pay_1', order: { no: 'SW-1' }, status: 'paid', total: '19.99', paid: '18.99', currency: 'EUR' },
    ...{ customer: 'cus_1', method: 'visa', metadata: 'shelf-3' },
  },
};
const refunded = (no: string, order: object = { order: { no: 'SW-1' } }) => ({
  ...{ type: 'refund.changed', timestamp: '2026-11-21T11:59:58Z', account: 'acct_1' },
  data: { id: 'pay_1', ...order, status: 'done', currency: 'EUR', refund: { no, total: '5.00' } },
});

type Signer = (id: string, at: Date, body: string) => string;
const hmac =
  (secret: string): Signer =>
  (id, at, body) =>
    new Webhook(secret).sign(id, at, body);
const ed25519: Signer = (id, at, body) =>
  `v1a,${sign(null, Buffer.from(`${id}.${at.getTime() / 1_000}.${body}`), privateKey).toString('base64')}`;

function signed(content: unknown, signer: Signer = hmac(SECRET), at = NOW): Callback {
  const body = typeof content === 'string' ? content : JSON.stringify(content);
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(at / 1_000),
    'webhook-signature': signer('msg_1', new Date(at), body),
  };
  return { channelId: 'shop', headers, body: new TextEncoder().encode(body), remoteAddress: null, receivedAt: at };
}

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
