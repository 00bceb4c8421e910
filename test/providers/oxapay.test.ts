// OxaPay: the conformance suite, and the pitfalls of its two forms.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey, type PaymentFact } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import { entered, invoice, legacyPaid, MERCHANT_API_KEY, NOW, paid, signed } from '../fixtures/oxapay/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('oxapay');
if (provider === null) throw new Error('oxapay is not registered');

conformance({
  provider,
  entered,
  stranger: { merchantApiKey: 'ZZZZZ1-ZZZZZ2-ZZZZZ3-ZZZZZ4' },
  now: NOW,
  genuine: {
    'invoice paid': signed(paid),
    'invoice being paid': signed(invoice({ status: 'Paying' })),
    'legacy payment': signed(legacyPaid),
  },
  redelivery: { callback: signed(paid.replaceAll('\n', '')), now: NOW + 86_400_000 },
  replacement: {
    entered: { merchantApiKey: 'NEXTA1-NEXTB2-NEXTC3-NEXTD4' },
    callback: signed(paid, 'NEXTA1-NEXTB2-NEXTC3-NEXTD4'),
    third: signed(paid, 'THIRD1-THIRD2-THIRD3-THIRD4'),
  },
  weak: {
    'the key is empty': { merchantApiKey: '' },
    'the key is the legacy word sandbox': { merchantApiKey: 'sandbox' },
    'a field is unknown': { ...entered, payoutApiKey: 'x' },
  },
  excused: {
    partialRefunds: 'no callback of a refund is documented',
    linked: 'every callback holds its whole invoice',
    otherAccount: 'a callback names no merchant',
    payerAmount: 'what was paid is told in coins, and shown as received',
    discounts: 'crypto payments have none',
  },
  unknownType: signed(invoice({ status: 'Refunded' })),
  signedHeaders: ['hmac'],
  isDated: false,
  answers: {
    accepted: { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ok' },
    refused: { body: 'failed' },
  },
});

const credentials = provider.credentials.parse(entered);

async function read(callback: Callback) {
  const notice = await provider?.verify(callback, credentials, [], NOW);
  if (!notice?.ok) return { reason: notice?.error.reason ?? '', detail: notice?.error.detail ?? '', events: [] };
  const translated = provider?.translate(notice.value, credentials);
  if (!translated?.ok) return { reason: translated?.error.reason ?? '', detail: translated?.error.detail, events: [] };
  return { reason: 'accepted', detail: '', events: translated.value.events };
}

async function factOf(content: unknown): Promise<PaymentFact> {
  const { events, detail } = await read(signed(content));
  const [event] = events;
  if (event?.kind !== 'payment') throw new Error(`no payment: ${detail}`);
  return event;
}

describe('the signature', () => {
  it('is taken over the raw bytes: a body written anew is refused (pitfall 1)', async () => {
    const again = { ...signed(paid), body: new TextEncoder().encode(JSON.stringify(JSON.parse(paid))) };
    expect((await read(again)).reason).toBe('signature_invalid');
  });

  it('is no MD5 of base64 and key: that is another platform’s', async () => {
    const hash = createHash('md5').update(Buffer.from(paid).toString('base64') + MERCHANT_API_KEY);
    const callback = { ...signed(paid), headers: { hmac: hash.digest('hex') } };
    expect((await read(callback)).reason).toBe('signature_invalid');
  });

  it.each(['zz', 'abc', '', '00'.repeat(64), MERCHANT_API_KEY])('that is %o is refused (pitfall 18)', async (hmac) => {
    const { reason, detail } = await read({ ...signed(paid), headers: { hmac } });
    expect(reason).toBe(hmac === '' ? 'header_missing' : 'signature_invalid');
    expect(detail).not.toContain(MERCHANT_API_KEY);
  });

  it('of a payout, which has a key of its own, does not verify', async () => {
    expect((await read(signed(invoice({ type: 'payout' }), 'PAYOUT-API-KEY-123456'))).reason).toBe('signature_invalid');
  });
});

describe('an invoice', () => {
  it('is told in our words, whole', async () => {
    expect(await factOf(paid)).toEqual({
      kind: 'payment',
      orderNo: 'TG20260101-0001',
      occurredAt: 1_767_261_720_000,
      providerState: 'Paid',
      test: false,
      status: 'succeeded',
      transactionId: '140013835',
      amount: { minor: 1250, currency: 'USD' },
      method: 'crypto',
      providerMethod: 'Ethereum Network',
      received: { amount: '0.0015427329', asset: 'ETH', network: 'Ethereum Network' },
      payer: { id: '0x1230d0123b99e12345a6d7bde89fddc1a123bdf4', idType: 'address', account: 'payer@example.com' },
      attach: '咖啡 / table 7',
    });
  });

  it('of the legacy form is told in the same words', async () => {
    expect(await factOf(legacyPaid)).toEqual({
      kind: 'payment',
      orderNo: 'TG20260101-0002',
      occurredAt: 1_767_261_650_000,
      providerState: 'Paid',
      test: false,
      status: 'succeeded',
      transactionId: '11155478',
      amount: { minor: 1000, currency: 'USD' },
      method: 'crypto',
      providerMethod: 'Tron Network',
      received: { amount: '100.5', asset: 'TRX', network: 'Tron Network' },
    });
  });

  it.each([
    ['Waiting', 'pending'],
    ['Confirming', 'pending'],
    ['paying', 'pending'],
    ['PAID', 'succeeded'],
    ['Failed', 'failed'],
    ['Expired', 'closed'],
  ])('in the state %s is %s, whatever its case', async (status, expected) => {
    expect(await factOf(invoice({ status }))).toMatchObject({ status: expected, providerState: status });
  });

  it('that was paid in part says so, pending or accepted by a person', async () => {
    expect(await factOf(invoice({ status: 'underpaid' }))).toMatchObject({ status: 'pending', flags: ['underpaid'] });
    expect(await factOf(invoice({ status: 'manual_accept' }))).toMatchObject({
      status: 'succeeded',
      flags: ['underpaid'],
    });
    const part = factKey(await factOf(invoice({ status: 'underpaid' })));
    expect(part).not.toBe(factKey(await factOf(invoice({ status: 'Paying' }))));
  });

  it.each([
    ['0.29', 29],
    ['28.999999999999996', null],
    ['1e1', 1000],
    ['12.50', 1250],
    ['0', null],
    ['-5', null],
  ])('of %s USD is worth %s: digits are read, no float is made (pitfall 10)', async (amount, minor) => {
    const text = paid.replace('"amount": 12.5', `"amount": ${amount}`);
    const expected = minor === null ? null : { minor, currency: 'USD' };
    expect((await factOf(text)).amount).toEqual(expected);
  });

  it('priced in coins has no amount that could be counted', async () => {
    expect((await factOf(invoice({ currency: 'USDT' }))).amount).toBeNull();
    expect((await factOf(invoice({ currency: undefined }))).amount).toBeNull();
  });

  it('paid by two transactions shows one and adds nothing up', async () => {
    const [tx] = invoice().txs;
    const txs = [tx, { ...tx, received_amount: '7.5e-7', status: 'confirming' }];
    expect(await factOf(invoice({ txs }))).toMatchObject({ received: { amount: '0.0015427329' } });
    expect(await factOf(invoice({ txs: [txs[1]] }))).toMatchObject({ received: { amount: '0.00000075' } });
  });

  it('of the sandbox says that it is a test', async () => {
    expect(await factOf(invoice({ txs: [{ tx_hash: 'sandbox' }] }))).toMatchObject({ test: true });
  });

  it('survives details that cannot be read', async () => {
    const fact = await factOf(invoice({ txs: [null, 7, { date: 'x' }], description: { a: 1 }, email: null }));
    expect(fact).toMatchObject({ status: 'succeeded', occurredAt: 1_767_261_600_000 });
    expect(fact).not.toHaveProperty('received');
    expect(fact).not.toHaveProperty('payer');
  });

  it('without an order number is known by its track id', async () => {
    expect(await factOf(invoice({ order_id: '' }))).toMatchObject({ orderNo: '140013835' });
    expect((await read(signed(invoice({ order_id: 'x'.repeat(65) })))).reason).toBe('malformed');
  });

  it('that is a payout touches no order', async () => {
    expect(await read(signed(invoice({ type: 'payout' })))).toMatchObject({ reason: 'accepted', events: [] });
  });

  it.each(['status', 'track_id', 'date'])('without %s is malformed, and the field is named', async (field) => {
    const { reason, detail } = await read(signed(invoice({ [field]: undefined })));
    expect(reason).toBe('malformed');
    expect(detail).toContain(field);
  });
});

describe('asking about an invoice', () => {
  const context = { now: NOW, nonce: 'n' };
  const ask = (target: object) => provider.query?.request(target, credentials, context);
  const answer = (status: number, content: unknown) => ({
    status,
    headers: {},
    body: new TextEncoder().encode(JSON.stringify(content)),
  });
  const readAnswer = (status: number, content: unknown) =>
    provider.query?.read(answer(status, content), { transactionId: '140013835' }, credentials, [], NOW);

  it('names its track id, and nothing that could leave the path', async () => {
    expect(await ask({ transactionId: '140013835' })).toMatchObject({
      ok: true,
      value: { method: 'GET', url: 'https://api.oxapay.com/v1/payment/140013835' },
    });
    for (const target of [{}, { orderNo: 'A' }, { transactionId: '../payout' }, { transactionId: '1?x=2' }]) {
      expect(await ask(target)).toMatchObject({ ok: false, error: { code: 'refused' } });
    }
  });

  it('is answered with the same fact as the callback’s', async () => {
    const told = await readAnswer(200, { status: 200, data: invoice() });
    if (!told?.ok) throw new Error(told?.error.detail);
    expect(told.value.events.map(factKey)).toEqual([factKey(await factOf(paid))]);
  });

  it('believes no answer about another invoice, and tells trouble from a refusal', async () => {
    expect(await readAnswer(200, { data: invoice({ track_id: '1' }) })).toMatchObject({ error: { code: 'malformed' } });
    expect(await readAnswer(200, {})).toMatchObject({ error: { code: 'malformed' } });
    expect(await readAnswer(404, {})).toMatchObject({ ok: true, value: { events: [] } });
    expect(await readAnswer(401, {})).toMatchObject({ error: { code: 'refused' } });
    expect(await readAnswer(503, {})).toMatchObject({ error: { code: 'unavailable' } });
  });
});
