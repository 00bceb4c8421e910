// BTCPay Server: the conformance suite, and the pitfalls of webhooks that only say what to ask about.
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey, type PaymentEvent } from '../../src/core/event.ts';
import { REJECTION_REASONS, reject, wireOf } from '../../src/core/rejection.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { Translation } from '../../src/providers/provider.ts';
import {
  answerOf,
  entered,
  INVOICE_ID,
  invoice,
  NOW,
  payment,
  SECRET,
  STORE_ID,
  signed,
  webhook,
} from '../fixtures/btcpay/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('btcpay');
if (provider === null) throw new Error('btcpay is not registered');

conformance({
  provider,
  entered,
  stranger: { secret: 'another-secret-of-another-shop' },
  now: NOW,
  genuine: {
    'payment settled': signed(webhook('InvoicePaymentSettled', payment)),
    'invoice settled': signed(webhook('InvoiceSettled', { manuallyMarked: false, overPaid: false })),
  },
  asked: ({ transactionId }) => answerOf(invoice({ id: transactionId })),
  redelivery: {
    callback: signed(webhook('InvoicePaymentSettled', { ...payment, deliveryId: 'other', isRedelivery: true })),
    now: NOW + 86_400_000,
  },
  replacement: {
    entered: { ...entered, secret: 'the-next-secret-of-this-shop' },
    callback: signed(webhook('InvoicePaymentSettled', payment), 'the-next-secret-of-this-shop'),
    third: signed(webhook('InvoicePaymentSettled', payment), 'a-third-secret-of-nobody'),
  },
  weak: {
    'the secret is empty': { ...entered, secret: '' },
    'the secret is short': { ...entered, secret: 'short' },
    'the address is plain http': { ...entered, baseUrl: 'http://btcpay.example.com' },
    'the address names a user': { ...entered, baseUrl: 'https://a:b@btcpay.example.com' },
    'the address has a query': { ...entered, baseUrl: 'https://btcpay.example.com/?x=1' },
    'the address is of a private network': { ...entered, baseUrl: 'https://10.0.0.7' },
    'the address is of a cloud’s inside': { ...entered, baseUrl: 'https://169.254.169.254' },
    'the address is of this machine': { ...entered, baseUrl: 'https://localhost' },
    'the address is a private name': { ...entered, baseUrl: 'https://btcpay.corp' },
    'the address is no address': { ...entered, baseUrl: 'btcpay' },
    'the address has no key': { ...entered, apiKey: undefined },
    'the key has no address': { ...entered, baseUrl: undefined },
  },
  otherAccount: signed(webhook('InvoiceSettled', { storeId: 'AnotherStore' })),
  excused: {
    partialRefunds: 'a refund is offered as a pull payment, whose payouts name no invoice',
    linked: 'the invoice that is asked for names its order',
    payerAmount: 'what was paid is told in coins, and shown as received',
    discounts: 'crypto payments have none',
  },
  unknownType: signed(webhook('PayoutApproved', { invoiceId: undefined, payoutId: 'x' })),
  signedHeaders: ['btcpay-sig'],
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

const credentials = provider.credentials.parse(entered);

async function read(callback: Callback, given: unknown = credentials) {
  const notice = await provider?.verify(callback, given, [], NOW);
  if (!notice?.ok) return { reason: notice?.error.reason ?? '', detail: notice?.error.detail ?? '', value: null };
  const translated = provider?.translate(notice.value, given);
  if (translated?.ok) return { reason: 'accepted', detail: '', value: translated.value };
  return { reason: translated?.error.reason ?? '', detail: translated?.error.detail ?? '', value: null };
}

async function hintOf(content: unknown) {
  const { value } = await read(signed(content));
  const [hint] = value?.hints ?? [];
  if (hint === undefined) throw new Error('nothing is asked');
  return hint;
}

/** What becomes of a webhook when the server answers with this invoice. */
async function told(changes: object, content: unknown = webhook('InvoiceSettled')): Promise<Translation> {
  const answer = answerOf(invoice(changes));
  const result = await provider?.query?.read(answer, await hintOf(content), credentials, [], NOW);
  if (!result?.ok) throw new Error(result?.error.detail);
  return result.value;
}

async function eventOf(changes: object = {}, content?: unknown): Promise<PaymentEvent> {
  const [event] = (await told(changes, content)).events;
  if (event === undefined) throw new Error('no event');
  return event;
}

describe('the signature', () => {
  it('is taken over the raw bytes: the body is indented, and written anew it is refused (pitfall 1)', async () => {
    const callback = signed(webhook('InvoiceSettled'));
    const compact = { ...callback, body: new TextEncoder().encode(JSON.stringify(webhook('InvoiceSettled'))) };
    expect((await read(callback)).reason).toBe('accepted');
    expect((await read(compact)).reason).toBe('signature_invalid');
  });

  it.each(['sha256=', 'sha256=zz', 'sha1=', 'sha256', `sha256=${'00'.repeat(32)}`, `SHA256=${'00'.repeat(32)}`])(
    'that is %s is refused, and no refusal tells the secret (pitfall 18)',
    async (value) => {
      const callback = signed(webhook('InvoiceSettled'));
      const { reason, detail } = await read({ ...callback, headers: { 'btcpay-sig': value } });
      expect(reason).toBe('signature_invalid');
      expect(detail).not.toContain(SECRET);
    },
  );

  it('without its prefix is refused', async () => {
    const callback = signed(webhook('InvoiceSettled'));
    const bare = callback.headers['btcpay-sig']?.slice('sha256='.length) ?? '';
    expect((await read({ ...callback, headers: { 'btcpay-sig': bare } })).reason).toBe('signature_invalid');
  });
});

describe('a webhook', () => {
  it('proves nothing but what to ask about', async () => {
    const { value } = await read(signed(webhook('InvoiceSettled', { amount: '1000000', status: 'Settled' })));
    expect(value?.events).toEqual([]);
    expect(value?.hints).toMatchObject([{ transactionId: INVOICE_ID }]);
  });

  it('without an API key is kept and not applied', async () => {
    const silent = provider.credentials.parse({ secret: SECRET });
    const { reason, value } = await read(signed(webhook('InvoiceSettled')), silent);
    expect(reason).toBe('accepted');
    expect(value).toEqual({ events: [], noticeType: 'InvoiceSettled', noticeId: 'DvuSA4SPxtYXVc5i5ZQHGD' });
  });

  it('is the same notice when it is delivered again', async () => {
    const again = webhook('InvoiceSettled', { deliveryId: 'another', isRedelivery: true });
    expect((await read(signed(again))).value?.noticeId).toBe('DvuSA4SPxtYXVc5i5ZQHGD');
  });

  it.each([
    [{ invoiceId: '__test__1234__test__' }],
    [{ invoiceId: '../../users/me' }],
    [{ invoiceId: undefined }],
    [{ storeId: undefined }],
  ])('about nothing that could be asked for is acknowledged and asks nothing: %o', async (more) => {
    const open = provider.credentials.parse({ ...entered, storeId: undefined });
    const { reason, value } = await read(signed(webhook('InvoiceSettled', more)), open);
    expect(reason).toBe('accepted');
    expect(value?.hints ?? []).toEqual([]);
  });

  it('of a refund that is only offered asks nothing', async () => {
    expect((await read(signed(webhook('InvoiceRefund')))).value?.hints ?? []).toEqual([]);
  });

  it.each(['type', 'timestamp'])('without %s is malformed, and the field is named', async (field) => {
    const { reason, detail } = await read(signed(webhook('InvoiceSettled', { [field]: undefined })));
    expect(reason).toBe('malformed');
    expect(detail).toContain(field);
  });
});

describe('the question', () => {
  const context = { now: NOW, nonce: 'n' };

  it('goes to the channel’s own server and nowhere else', async () => {
    const hint = await hintOf(webhook('InvoiceSettled', { baseUrl: 'https://evil.example', url: '//evil' }));
    const request = await provider.query?.request(hint, credentials, context);
    expect(request).toMatchObject({
      ok: true,
      value: {
        method: 'GET',
        url: `https://btcpay.example.com/pay/api/v1/stores/${STORE_ID}/invoices/${INVOICE_ID}`,
        headers: { authorization: `token ${entered.apiKey}` },
        body: null,
      },
    });
  });

  it('may be asked by a person, where the channel knows the store', async () => {
    const target = { transactionId: INVOICE_ID };
    expect(await provider.query?.request(target, credentials, context)).toMatchObject({ ok: true });
    const open = provider.credentials.parse({ ...entered, storeId: undefined });
    expect(await provider.query?.request(target, open, context)).toMatchObject({ error: { code: 'refused' } });
    const forged = { transactionId: INVOICE_ID, reference: '{"storeId":"../x","at":1}' };
    expect(await provider.query?.request(forged, open, context)).toMatchObject({ error: { code: 'refused' } });
    const silent = provider.credentials.parse({ secret: SECRET });
    expect(await provider.query?.request(target, silent, context)).toMatchObject({ error: { code: 'not_configured' } });
  });

  it.each([
    [404, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [429, 'unavailable'],
    [502, 'unavailable'],
  ])('that is answered with %s is %s, so that the webhook comes again', async (status, code) => {
    const hint = await hintOf(webhook('InvoiceSettled'));
    expect(await provider.query?.read(answerOf({}, status), hint, credentials, [], NOW)).toMatchObject({
      error: { code },
    });
  });

  it('that the store answers with no such invoice tells nothing; any other 404 is a wrong address', async () => {
    const hint = await hintOf(webhook('InvoiceSettled'));
    const read = async (content: unknown) => provider.query?.read(answerOf(content, 404), hint, credentials, [], NOW);
    expect(await read({ code: 'invoice-not-found', message: 'The invoice was not found' })).toMatchObject({
      ok: true,
      value: { events: [] },
    });
    for (const other of [{ code: 'store-not-found' }, '<html>', null, { code: ['invoice-not-found'] }]) {
      expect(await read(other)).toMatchObject({ ok: false, error: { code: 'refused' } });
    }
  });

  it('believes no answer about another invoice, and none that cannot be read', async () => {
    const hint = await hintOf(webhook('InvoiceSettled'));
    for (const content of [
      invoice({ id: 'Other' }),
      {},
      null,
      'x',
      invoice({ metadata: { orderId: 'x'.repeat(65) } }),
    ]) {
      expect(await provider.query?.read(answerOf(content), hint, credentials, [], NOW)).toMatchObject({
        error: { code: 'malformed' },
      });
    }
  });
});

describe('an invoice', () => {
  it('is told in our words, whole, with the coins that its payment’s webhook told of', async () => {
    expect(await eventOf({}, webhook('InvoicePaymentSettled', payment))).toEqual({
      kind: 'payment',
      orderNo: 'TG20260101-0001',
      occurredAt: 1_767_261_780_000,
      providerState: 'Settled',
      test: false,
      status: 'succeeded',
      transactionId: INVOICE_ID,
      amount: { minor: 1250, currency: 'USD' },
      method: 'crypto',
      providerMethod: 'BTC-CHAIN',
      received: { amount: '0.00012500', asset: 'BTC', network: 'BTC-CHAIN' },
      payer: { account: 'payer@example.com', name: 'Ada Example' },
      attach: JSON.stringify(invoice().metadata),
    });
  });

  it.each([
    ['New', 'None', 'pending', undefined],
    ['New', 'PaidPartial', 'pending', ['underpaid']],
    ['Processing', 'None', 'pending', undefined],
    ['Processing', 'PaidOver', 'pending', ['overpaid']],
    ['Settled', 'None', 'succeeded', undefined],
    ['Settled', 'PaidOver', 'succeeded', ['overpaid']],
    ['Settled', 'Marked', 'succeeded', undefined],
    ['Expired', 'None', 'closed', undefined],
    ['Expired', 'PaidPartial', 'pending', ['underpaid']],
    ['Expired', 'PaidLate', 'pending', ['late_payment']],
    ['Invalid', 'Marked', 'failed', undefined],
  ])('that is %s and %s is %s with %s', async (status, additionalStatus, expected, flags) => {
    const event = await eventOf({ status, additionalStatus });
    expect(event).toMatchObject({ kind: 'payment', status: expected });
    expect('flags' in event ? event.flags : undefined).toEqual(flags);
  });

  it('that was paid in part is not hidden by an earlier pending', async () => {
    const part = await eventOf({ status: 'New', additionalStatus: 'PaidPartial' });
    expect(factKey(part)).not.toBe(factKey(await eventOf({ status: 'New' })));
  });

  it('in a state that nobody documents changes nothing', async () => {
    expect((await told({ status: 'Dancing' })).events).toEqual([]);
  });

  it.each([
    ['0.29', 'USD', 29],
    ['500', 'JPY', 500],
    ['1E+1', 'USD', 1_000],
    ['28.999999999999996', 'USD', null],
  ])('of %s %s is %s minor units: digits are read, no float is made (pitfall 10)', async (amount, currency, minor) => {
    const expected = minor === null ? null : { minor, currency };
    expect((await eventOf({ amount, currency })).amount).toEqual(expected);
  });

  it('priced in coins, or a top-up that nobody paid, has no amount that could be counted', async () => {
    for (const odd of [{ currency: 'SATS' }, { currency: 'BTC', amount: '0.001' }, { amount: '0' }, { amount: null }]) {
      expect(await eventOf(odd)).toMatchObject({ amount: null });
    }
  });

  it('takes its order number from where the merchant put it, and its id where there is none', async () => {
    expect(await eventOf({ metadata: { orderId: 4711 } })).toMatchObject({ orderNo: '4711' });
    for (const metadata of [null, {}, { orderId: '' }, { orderId: {} }, 'x']) {
      expect(await eventOf({ metadata })).toMatchObject({ orderNo: INVOICE_ID });
    }
  });
});

describe('the answer', () => {
  it('to what the merchant can mend is a 503, because a 4xx is final', () => {
    for (const reason of REJECTION_REASONS) {
      const { status } = provider.acknowledge({ kind: 'rejected', rejection: reject(reason, '') });
      if (wireOf(reason).curable) expect(status).toBe(503);
      else expect(status).toBeGreaterThanOrEqual(400);
    }
  });
});
