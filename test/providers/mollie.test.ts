// Mollie: the conformance suite for notices that prove nothing, and the pitfalls of believing them.
import { describe, expect, it } from 'vitest';
import { factKey, type PaymentEvent } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import { answerOf, entered, NOW, noticeOf, PAYMENT_ID, payment, plain } from '../fixtures/mollie/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('mollie');
if (provider === null) throw new Error('mollie is not registered');

const URL_FORM = /^https:\/\/api\.mollie\.com\/v2\/payments\/tr_[A-Za-z0-9]{1,64}\?embed=refunds,chargebacks$/;
const refundsOf = (payment: { _embedded: { refunds: readonly unknown[] } }, index: number) => ({
  refunds: [payment._embedded.refunds[index]],
  chargebacks: [],
});
/** What the API says of each id that the suite names. */
const PAYMENTS: Readonly<Record<string, object>> = {
  [PAYMENT_ID]: payment(),
  tr_open: plain({ id: 'tr_open', status: 'open', paidAt: undefined }),
  // Payments that already ended, so that a refund is all there is to tell.
  tr_refund1: payment({ id: 'tr_refund1', status: 'unheard of', _embedded: refundsOf(payment(), 0) }),
  tr_refund2: payment({ id: 'tr_refund2', status: 'unheard of', _embedded: refundsOf(payment(), 1) }),
  tr_strange: plain({ id: 'tr_strange', status: 'unheard of' }),
};

conformance({
  provider,
  entered,
  stranger: { apiKey: `live_${'x'.repeat(30)}` },
  now: NOW,
  genuine: { 'payment paid': noticeOf(`id=${PAYMENT_ID}`), 'payment open': noticeOf('id=tr_open') },
  asked: ({ transactionId }) => answerOf(PAYMENTS[transactionId ?? ''] ?? {}),
  hearsay: URL_FORM,
  redelivery: { callback: noticeOf(`id=${PAYMENT_ID}`, { via: '1.1 proxy' }), now: NOW + 3_600_000 },
  replacement: { entered: { apiKey: `live_${'n'.repeat(30)}` }, callback: noticeOf(`id=${PAYMENT_ID}`) },
  weak: {
    'the key is empty': { apiKey: '' },
    'the key has no mode': { apiKey: 'x'.repeat(35) },
    'the key is short': { apiKey: 'live_short' },
  },
  partialRefunds: [noticeOf('id=tr_refund1'), noticeOf('id=tr_refund2')],
  excused: {
    linked: 'the payment that is asked for names its order',
    otherAccount: 'a key sees the payments of its own account alone, so that others are unknown',
    payerAmount: 'the payer pays the amount of the payment',
    discounts: 'a payment has none',
  },
  unknownType: noticeOf('id=tr_strange'),
  signedHeaders: [],
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

const credentials = provider.credentials.parse(entered);
const context = { now: NOW, nonce: 'n' };

async function read(body: string) {
  const notice = await provider?.verify(noticeOf(body), credentials, [], NOW);
  if (!notice?.ok) return { reason: notice?.error.reason ?? '', value: null };
  const translated = provider?.translate(notice.value, credentials);
  return { reason: 'accepted', value: translated?.ok ? translated.value : null };
}

async function eventsOf(content: unknown, given: unknown = credentials, now = NOW): Promise<readonly PaymentEvent[]> {
  const told = await provider?.query?.read(answerOf(content), { transactionId: PAYMENT_ID }, given, [], now);
  if (!told?.ok) throw new Error(told?.error.detail);
  return told.value.events;
}

describe('a notice', () => {
  it('says only what to ask about, whatever else it claims', async () => {
    const { value } = await read(`id=${PAYMENT_ID}&status=paid&amount=1000000`);
    expect(value).toMatchObject({ events: [], hints: [{ transactionId: PAYMENT_ID }] });
  });

  it.each([
    '',
    'id=',
    'id',
    'tr_5B8cwPMGnU6qLbRvo7qEZo',
    'id=tr_',
    'id=tr_abc/../../v2/customers',
    'id=tr_abc%2F..%2Frefunds',
    'id=tr_abc?x=1',
    'id=tr_abc%0d%0aHost:evil',
    'id=https://evil.example/tr_abc',
    'id=tr_abc&id=tr_def',
    'id[]=tr_abc',
    'id=xx_abc',
    `id=tr_${'a'.repeat(65)}`,
    `id=tr_abc&x=${'a'.repeat(2_000)}`,
    '{"id":"tr_abc"}',
  ])('that could lead anywhere but to a payment is malformed, and nothing is asked: %s', async (body) => {
    expect((await read(body)).reason).toBe('malformed');
  });

  it.each(['ord_abc', 're_abc', 'chb_abc', 'pl_abc'])(
    'about %s is acknowledged, asks nothing and is nobody’s word',
    async (id) => {
      const { value } = await read(`id=${id}`);
      expect(value).toMatchObject({ events: [], unproven: true });
      expect(value?.hints ?? []).toEqual([]);
    },
  );
});

describe('the question', () => {
  it('goes to Mollie alone, with the key in a header', async () => {
    const request = await provider.query?.request({ transactionId: PAYMENT_ID }, credentials, context);
    expect(request).toMatchObject({
      ok: true,
      value: {
        method: 'GET',
        url: `https://api.mollie.com/v2/payments/${PAYMENT_ID}?embed=refunds,chargebacks`,
        headers: { authorization: `Bearer ${entered.apiKey}` },
      },
    });
    for (const target of [{}, { orderNo: 'A' }, { transactionId: 'ord_1' }, { transactionId: 'tr_1/../x' }]) {
      expect(await provider.query?.request(target, credentials, context)).toMatchObject({ error: { code: 'refused' } });
    }
  });

  it('about an unknown payment has an answer like any other: nobody learns which there are', async () => {
    for (const status of [404, 410]) {
      const told = await provider.query?.read(answerOf({}, status), { transactionId: 'tr_x' }, credentials, [], NOW);
      expect(told).toMatchObject({ ok: true, value: { events: [], unproven: true } });
    }
    expect(provider.acknowledge({ kind: 'accepted' }).status).toBe(200);
  });

  it.each([
    [401, 'refused'],
    [403, 'refused'],
    [429, 'unavailable'],
    [500, 'unavailable'],
  ])('that is answered with %s is %s, so that the notice comes again', async (status, code) => {
    const told = await provider.query?.read(answerOf({}, status), { transactionId: 'tr_x' }, credentials, [], NOW);
    expect(told).toMatchObject({ error: { code } });
  });

  it('believes no answer about another payment, and none that cannot be read', async () => {
    const odd = [
      plain({ id: 'tr_other' }),
      {},
      null,
      plain({ mode: 'x' }),
      plain({ amount: null }),
      plain({ createdAt: 'yesterday' }),
      plain({ metadata: { order_id: 'x'.repeat(65) } }),
    ];
    for (const content of odd) {
      const target = { transactionId: PAYMENT_ID };
      expect(await provider.query?.read(answerOf(content), target, credentials, [], NOW)).toMatchObject({
        error: { code: 'malformed' },
      });
    }
  });
});

describe('a payment', () => {
  it('is told in our words, whole, with all that became of it', async () => {
    const base = { orderNo: 'TG20260101-0001', test: false };
    expect(await eventsOf(payment())).toEqual([
      {
        ...base,
        kind: 'payment',
        transactionId: PAYMENT_ID,
        occurredAt: Date.parse('2026-01-01T10:02:00Z'),
        providerState: 'paid',
        status: 'succeeded',
        amount: { minor: 7500, currency: 'EUR' },
        method: 'bank_transfer',
        providerMethod: 'ideal',
        bank: 'ABNANL2A',
        payer: { account: 'NL02ABNA0123456789', name: 'A. Example' },
        attach: 'Order #12345, 咖啡',
      },
      {
        ...base,
        kind: 'refund',
        transactionId: PAYMENT_ID,
        occurredAt: Date.parse('2026-01-02T10:00:00Z'),
        providerState: 'refunded',
        state: 'succeeded',
        refundNo: 're_4qqhO89gsT',
        providerRefundId: 're_4qqhO89gsT',
        amount: { minor: 595, currency: 'EUR' },
        reason: 'One cup was cold',
      },
      {
        ...base,
        kind: 'refund',
        transactionId: PAYMENT_ID,
        occurredAt: Date.parse('2026-01-03T10:00:00Z'),
        providerState: 'processing',
        state: 'pending',
        refundNo: 're_4qqhO89gsU',
        providerRefundId: 're_4qqhO89gsU',
        amount: { minor: 1000, currency: 'EUR' },
      },
      {
        ...base,
        kind: 'dispute',
        occurredAt: Date.parse('2026-01-04T10:00:00Z'),
        providerState: 'chargeback',
        disputeId: 'chb_ls7ahg',
        state: 'open',
        amount: { minor: 5905, currency: 'EUR' },
        reason: 'Account identifier incorrect (i.e. invalid IBAN)',
      },
    ]);
  });

  it.each([
    ['open', 'pending', {}],
    ['pending', 'pending', {}],
    ['authorized', 'pending', {}],
    ['paid', 'succeeded', { paidAt: '2026-01-01T11:00:00Z' }],
    ['canceled', 'closed', { canceledAt: '2026-01-01T11:00:00Z' }],
    ['expired', 'closed', { expiredAt: '2026-01-01T11:00:00Z' }],
    ['failed', 'failed', { failedAt: '2026-01-01T11:00:00Z' }],
  ])('that is %s is %s: authorised is not paid', async (status, expected, times) => {
    const [event] = await eventsOf(plain({ status, paidAt: undefined, ...times }));
    const at = status in { open: 0, pending: 0, authorized: 0 } ? '2026-01-01T10:00:00Z' : '2026-01-01T11:00:00Z';
    expect(event).toMatchObject({ status: expected, providerState: status, occurredAt: Date.parse(at) });
  });

  it('of the test mode says so', async () => {
    const events = await eventsOf(payment({ mode: 'test' }));
    expect(events.length).toBe(4);
    expect(events.every((event) => event.test)).toBe(true);
  });

  it.each([
    ['10.00', 'EUR', 1000],
    ['0.29', 'EUR', 29],
    ['500', 'JPY', 500],
    ['10.001', 'EUR', null],
    ['1e3', 'EUR', null],
  ])('of %s %s is %s of the smallest unit (pitfall 10)', async (value, currency, minor) => {
    const [event] = await eventsOf(plain({ amount: { value, currency } }));
    expect(event?.amount).toEqual(minor === null ? null : { minor, currency });
  });

  it.each([
    ['creditcard', 'card'],
    ['paypal', 'wallet'],
    ['directdebit', 'bank_debit'],
    ['klarnapaylater', 'pay_later'],
    ['giftcard', 'gift_card'],
    ['a-new-one', undefined],
  ])('by %s is by %s', async (providerMethod, method) => {
    const [event] = await eventsOf(plain({ method: providerMethod }));
    expect(event).toMatchObject({ providerMethod });
    expect(event && 'method' in event ? event.method : undefined).toBe(method);
  });

  it('by card tells who held it and its last digits alone', async () => {
    const details = { cardHolder: 'A. Example', cardNumber: '6787' };
    const [event] = await eventsOf(plain({ details, customerId: 'cst_8wmqcHMN4U' }));
    expect(event).toMatchObject({
      payer: { id: 'cst_8wmqcHMN4U', idType: 'mollie_customer', account: '6787', name: 'A. Example' },
    });
  });

  it('takes its order number from where the merchant put it, and its id where there is none', async () => {
    const whole = provider.credentials.parse({ ...entered, orderNoPath: 'metadata' });
    expect((await eventsOf(plain({ metadata: 'A-1' }), whole))[0]?.orderNo).toBe('A-1');
    for (const metadata of [null, {}, 'text', ['x'], { order_id: '' }]) {
      expect((await eventsOf(plain({ metadata })))[0]?.orderNo).toBe(PAYMENT_ID);
    }
  });
});

describe('a refund', () => {
  const [first] = payment()._embedded.refunds;
  const refunded = (...refunds: object[]) => eventsOf(payment({ _embedded: { refunds, chargebacks: [] } }));

  it.each([
    ['queued', 'pending'],
    ['pending', 'pending'],
    ['processing', 'pending'],
    ['refunded', 'succeeded'],
    ['failed', 'failed'],
    ['canceled', 'failed'],
  ])('that is %s is %s', async (status, state) => {
    expect((await refunded({ ...first, status }))[1]).toMatchObject({ kind: 'refund', state, providerState: status });
  });

  it('that failed after it succeeded is the later word', async () => {
    const [, done] = await refunded({ ...first, status: 'refunded' });
    const [, failed] = await refunded({ ...first, status: 'failed' });
    expect(failed?.occurredAt).toBeGreaterThan(done?.occurredAt ?? Number.POSITIVE_INFINITY);
  });

  it('is told apart from another of the same amount by its id', async () => {
    const [, one, two] = await refunded({ ...first }, { ...first, id: 're_another' });
    expect(one && two && factKey(one) !== factKey(two)).toBe(true);
  });

  it('in a state that nobody documents, or of an amount that cannot be read, is not guessed', async () => {
    const odd = [
      { ...first, status: 'dancing' },
      { ...first, amount: { value: 'x', currency: 'EUR' } },
    ];
    expect((await refunded(...odd)).map(({ kind }) => kind)).toEqual(['payment']);
  });
});

describe('a chargeback', () => {
  it('is won when it was reversed', async () => {
    const [chargeback] = payment()._embedded.chargebacks;
    const chargebacks = [{ ...chargeback, reversedAt: '2026-01-05T09:00:00+00:00', reason: null }];
    const [, dispute] = await eventsOf(payment({ _embedded: { refunds: null, chargebacks } }));
    expect(dispute).toMatchObject({
      kind: 'dispute',
      state: 'won',
      disputeId: 'chb_ls7ahg',
      occurredAt: Date.parse('2026-01-05T09:00:00Z'),
    });
    expect(dispute).not.toHaveProperty('reason');
  });
});

it('never puts the key into a refusal', async () => {
  const told = await provider.query?.read(answerOf({}, 401), { transactionId: 'tr_x' }, credentials, [], NOW);
  expect(JSON.stringify(told)).not.toContain(entered.apiKey);
});
