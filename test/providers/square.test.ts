// Square: the conformance suite, and the pitfalls that most integrations fall into.
import { createHmac } from 'node:crypto';
import { WebhooksHelper } from 'square';
import { describe, expect, it } from 'vitest';
import {
  ACCESS_TOKEN,
  callbackOf,
  dispute,
  entered,
  eventOf,
  NOTIFICATION_URL,
  NOW,
  payment,
  refund,
  SIGNATURE_KEY,
  signatureOf,
  signed,
} from '../fixtures/square/merchant.ts';
import { conformance } from './conformance.ts';
import { dialectOf, withHeaders } from './dialect.ts';

const { provider, told, factOf, reasonOf, detailOf, ask, answer } = dialectOf('square', entered, NOW);

const paid = (changes: object = {}) => signed(eventOf('payment.updated', { payment: { ...payment, ...changes } }));
const refunded = (changes: object = {}) => signed(eventOf('refund.updated', { refund: { ...refund, ...changes } }));

conformance({
  provider,
  entered,
  stranger: { ...entered, signatureKey: 'another-sellers-key-2' },
  now: NOW,
  genuine: {
    'payment completed': paid(),
    'payment approved': signed(eventOf('payment.created', { payment: { ...payment, status: 'APPROVED' } })),
    'payment canceled': paid({ status: 'CANCELED' }),
    'refund without an order number': refunded(),
    'dispute without an order number': signed(eventOf('dispute.created', { dispute })),
  },
  redelivery: {
    callback: signed(
      eventOf(
        'payment.updated',
        { payment: { ...payment, version: 4 } },
        { event_id: 'another', created_at: '2026-01-01T03:00:00Z' },
      ),
    ),
    now: NOW + 3_600_000,
  },
  replacement: {
    entered: { ...entered, signatureKey: 'tollgate-square-key-2' },
    callback: signed(eventOf('payment.updated', { payment }), 'tollgate-square-key-2'),
    third: signed(eventOf('payment.updated', { payment }), 'tollgate-square-key-3'),
  },
  weak: {
    'the key is empty': { ...entered, signatureKey: '' },
    'the key is short': { ...entered, signatureKey: 'short' },
    'the key is white space': { ...entered, signatureKey: ' '.repeat(20) },
    'the address is empty': { ...entered, notificationUrl: '' },
    'the address is none': { ...entered, notificationUrl: 'pay.example.com/square' },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [refunded(), refunded({ id: 'another_refund' })],
  linked: {
    payment: paid(),
    later: { 'a refund': refunded(), 'a dispute': signed(eventOf('dispute.created', { dispute })) },
  },
  excused: {
    discounts: 'discounts are part of Square’s order, which its events do not carry',
  },
  otherAccount: signed(eventOf('payment.updated', { payment }, { merchant_id: 'MLSTRANGER01' })),
  unknownType: signed(eventOf('inventory.count.updated', { inventory_counts: [] })),
  signedHeaders: ['x-square-hmacsha256-signature'],
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

describe('the signature', () => {
  it('is the one that Square’s own library takes', async () => {
    const requestBody = JSON.stringify(eventOf('payment.updated', { payment }));
    const signatureHeader = signatureOf(requestBody);
    const proved = { requestBody, signatureHeader, signatureKey: SIGNATURE_KEY, notificationUrl: NOTIFICATION_URL };
    expect(await WebhooksHelper.verifySignature(proved)).toBe(true);
    expect(await reasonOf(callbackOf(requestBody, signatureHeader))).toBe('accepted');
  });

  it('is taken over the raw bytes: the same JSON in other spacing does not verify (pitfall 1)', async () => {
    const callback = paid();
    const spaced = JSON.stringify(JSON.parse(new TextDecoder().decode(callback.body)), null, 1);
    const body = new TextEncoder().encode(spaced);
    expect(await reasonOf({ ...callback, body })).toBe('signature_invalid');
  });

  it.each([
    'https://pay.example.com/square/hook?shop=2',
    'https://pay.example.com/square/hook',
    'https://pay.example.com/square/hook/?shop=1',
    'https://PAY.example.com/square/hook?shop=1',
    'http://pay.example.com/square/hook?shop=1',
  ])('covers the subscription’s address to the letter, not %s', async (url) => {
    expect(await reasonOf(signed(eventOf('payment.updated', { payment }), SIGNATURE_KEY, url))).toBe(
      'signature_invalid',
    );
  });

  it('does not depend on the address that was called: behind a proxy that is another one (pitfall 16)', async () => {
    const proxied = withHeaders(paid(), { host: 'gateway.internal', 'x-forwarded-host': 'elsewhere.example.com' });
    expect(await reasonOf(proxied)).toBe('accepted');
  });

  it('in the old header, which is SHA-1, proves nothing', async () => {
    const callback = paid();
    const body = new TextDecoder().decode(callback.body);
    const sha1 = createHmac('sha1', SIGNATURE_KEY)
      .update(NOTIFICATION_URL + body)
      .digest('base64');
    const old = { 'x-square-signature': sha1, 'x-square-hmacsha256-signature': undefined };
    expect(await reasonOf(withHeaders(callback, old))).toBe('header_missing');
    expect(await reasonOf(withHeaders(callback, { 'x-square-hmacsha256-signature': sha1 }))).toBe('signature_invalid');
  });

  it('of garbage is refused and never throws, and an empty key is never used (pitfall 18)', async () => {
    const callback = paid();
    for (const garbage of ['=', '====', 'AAAA', '\u0000', 'é', 'A'.repeat(10_000), signatureOf('x').replace('=', '')]) {
      const odd = withHeaders(callback, { 'x-square-hmacsha256-signature': garbage });
      expect(await reasonOf(odd)).toBe('signature_invalid');
    }
    expect(await reasonOf(signed(eventOf('payment.updated', { payment }), ''))).toBe('signature_invalid');
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await told(paid())).toEqual({
      events: [
        {
          kind: 'payment',
          orderNo: 'TG20260101-0001',
          occurredAt: Date.parse('2026-01-01T02:34:52Z'),
          providerState: 'COMPLETED',
          test: false,
          status: 'succeeded',
          transactionId: 'hYy9pRFVxpDsO1FB05SunFWUe9JZY',
          amount: { minor: 2300, currency: 'USD' },
          payerAmount: { minor: 2300, currency: 'USD' },
          method: 'card',
          providerMethod: 'CARD',
          payer: {
            id: 'W92WH6P11H4Z77CTET0RNTGFW8',
            idType: 'customer',
            account: 'payer@example.com',
            name: 'Erika Mustermann',
          },
          attach: 'two espressos',
        },
      ],
      links: [{ id: 'hYy9pRFVxpDsO1FB05SunFWUe9JZY', orderNo: 'TG20260101-0001' }],
      noticeType: 'payment.updated',
      noticeId: '13b867cf-db3d-4b1c-90b6-2f32a9d78124',
    });
  });

  it.each([
    ['APPROVED', 'pending'],
    ['PENDING', 'pending'],
    ['COMPLETED', 'succeeded'],
    ['CANCELED', 'closed'],
    ['FAILED', 'failed'],
  ])('that is %s is %s', async (status, ours) => {
    expect(await factOf(paid({ status }))).toMatchObject({ status: ours, providerState: status });
  });

  it('counts whole cents with the tip, and refuses anything that is none (pitfall 10)', async () => {
    const of = (amount: unknown, currency = 'USD') => paid({ total_money: { amount, currency } });
    expect(await factOf(of(29))).toMatchObject({ amount: { minor: 29, currency: 'USD' } });
    expect(await factOf(of(500, 'JPY'))).toMatchObject({ amount: { minor: 500, currency: 'JPY' } });
    expect(await factOf(paid({ total_money: null }))).toMatchObject({ amount: { minor: 2000, currency: 'USD' } });
    for (const amount of [20.5, '2000', 1e300, -1, null]) {
      expect(await detailOf(of(amount))).toContain('total_money.amount');
    }
  });

  it('that needs nothing else survives without details, and is refused with the name of what it needs', async () => {
    const bare = { id: 'p1', status: 'COMPLETED', amount_money: { amount: 5, currency: 'JPY' }, reference_id: 'R1' };
    expect(await factOf(signed(eventOf('payment.updated', { payment: bare })))).toMatchObject({
      amount: { minor: 5, currency: 'JPY' },
      occurredAt: Date.parse('2026-01-01T02:34:53.500Z'),
    });
    expect(await detailOf(paid({ amount_money: { amount: 1.5, currency: 'USD' } }))).toContain('amount_money.amount');
    for (const status of ['BRAND_NEW', 'constructor']) expect(await detailOf(paid({ status }))).toContain(status);
    expect(await reasonOf(signed(eventOf('payment.updated', { loyalty: {} })))).toBe('malformed');
    expect(await reasonOf(signed({ type: 'payment.updated' }))).toBe('malformed');
  });

  it('at a sandbox is a test', async () => {
    expect((await told(paid(), { environment: 'test' })).events[0]?.test).toBe(true);
  });
});

describe('the order number', () => {
  it('is reference_id, else Square’s own order', async () => {
    for (const reference_id of [undefined, '']) {
      expect(await factOf(paid({ reference_id }))).toMatchObject({ orderNo: 'CAISENgvlJ6jLWAzERDzjyHVybY' });
    }
  });

  it('is where the channel says, and then nowhere else', async () => {
    const path = { orderNoPath: 'note' };
    const { events } = await told(paid({ note: 'N-1' }), path);
    expect(events[0]).toMatchObject({ orderNo: 'N-1' });
    const { events: none, unlinked } = await told(paid(), path);
    expect(none).toEqual([]);
    expect(unlinked).toMatchObject([{ linkId: payment.id, status: 'succeeded' }]);
  });

  it('that is missing leaves the payment to be found by its own id', async () => {
    const { events, unlinked } = await told(paid({ reference_id: null, order_id: null }));
    expect(events).toEqual([]);
    expect(unlinked).toMatchObject([{ linkId: payment.id }]);
  });
});

describe('a refund', () => {
  it('is told in our words, and found by its payment, never by an order of its own', async () => {
    expect((await told(refunded())).unlinked).toEqual([
      {
        kind: 'refund',
        linkId: payment.id,
        occurredAt: Date.parse('2026-01-02T00:01:00Z'),
        providerState: 'COMPLETED',
        test: false,
        state: 'succeeded',
        refundNo: refund.id,
        providerRefundId: refund.id,
        transactionId: payment.id,
        amount: { minor: 900, currency: 'USD' },
        reason: 'cold',
        account: 'CARD',
      },
    ]);
  });

  it.each([
    ['PENDING', 'pending'],
    ['COMPLETED', 'succeeded'],
    ['REJECTED', 'failed'],
    ['FAILED', 'failed'],
  ])('that is %s is %s', async (status, state) => {
    expect(await factOf(refunded({ status }))).toMatchObject({ state });
  });

  it('that belongs to no payment is no order’s', async () => {
    expect(await told(refunded({ payment_id: null, unlinked: true }))).toMatchObject({ events: [] });
  });
});

describe('a dispute', () => {
  it.each([
    ['INQUIRY_EVIDENCE_REQUIRED', 'open'],
    ['PROCESSING', 'open'],
    ['INQUIRY_CLOSED', 'won'],
    ['WON', 'won'],
    ['LOST', 'lost'],
    ['ACCEPTED', 'lost'],
  ])('that is %s is %s, and found by its payment', async (state, ours) => {
    const { unlinked } = await told(signed(eventOf('dispute.state.updated', { dispute: { ...dispute, state } })));
    expect(unlinked).toMatchObject([{ kind: 'dispute', disputeId: dispute.id, linkId: payment.id, state: ours }]);
  });

  it('goes by its old name too, and must say which payment it is about', async () => {
    const { id, ...rest } = dispute;
    const old = signed(eventOf('dispute.created', { dispute: { ...rest, dispute_id: id } }));
    expect(await factOf(old)).toMatchObject({ disputeId: id });
    const lost = signed(eventOf('dispute.created', { dispute: { ...dispute, disputed_payment: null } }));
    expect(await detailOf(lost)).toContain('disputed_payment.payment_id');
  });
});

it('takes any seller where the channel names none', async () => {
  const theirs = signed(eventOf('payment.updated', { payment }, { merchant_id: 'MLSTRANGER01' }));
  expect(await reasonOf(theirs, { merchantIds: [] })).toBe('accepted');
});

describe('asking Square', () => {
  it('goes to its API alone, in the channel’s environment', async () => {
    expect(await ask({ transactionId: payment.id })).toEqual({
      ok: true,
      value: {
        method: 'GET',
        url: `https://connect.squareup.com/v2/payments/${payment.id}`,
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${ACCESS_TOKEN}`,
          'square-version': '2026-09-16',
        },
        body: null,
      },
    });
    expect(await ask({ reference: `refund:${refund.id}` }, { environment: 'test' })).toMatchObject({
      value: { url: `https://connect.squareupsandbox.com/v2/refunds/${refund.id}` },
    });
  });

  it('needs a token, and an id of Square’s', async () => {
    const keyless = await ask({ transactionId: payment.id }, { accessToken: undefined });
    expect(keyless).toMatchObject({ ok: false, error: { code: 'not_configured' } });
    for (const target of [{ orderNo: 'TG1' }, { transactionId: '../locations' }, { reference: 'customer:1' }]) {
      expect(await ask(target)).toMatchObject({ ok: false, error: { code: 'refused' } });
    }
  });

  it('reads a payment, a refund and a dispute as their events say', async () => {
    expect(await answer(200, { payment })).toMatchObject({
      value: { events: [{ orderNo: 'TG20260101-0001', status: 'succeeded' }] },
    });
    expect(await answer(200, { refund })).toMatchObject({ value: { unlinked: [{ state: 'succeeded' }] } });
    expect(await answer(200, { dispute })).toMatchObject({ value: { unlinked: [{ state: 'open' }] } });
  });

  it('gives the facts of a known transaction to the order that asked', async () => {
    const read = await answer(200, { refund }, { transactionId: payment.id, orderNo: 'ASKED-1' });
    expect(read).toMatchObject({ value: { events: [{ kind: 'refund', orderNo: 'ASKED-1' }], unlinked: [] } });
  });

  it('knows nothing of what is not there, and says why it got no answer', async () => {
    expect(await answer(404, { errors: [{ code: 'NOT_FOUND' }] })).toMatchObject({ ok: true, value: { events: [] } });
    const because = { errors: [{ category: 'X', code: 'UNAUTHORIZED', detail: 'Because.' }] };
    for (const [status, code] of [
      [401, 'refused'],
      [400, 'refused'],
      [429, 'unavailable'],
      [503, 'unavailable'],
    ] as const) {
      const read = await answer(status, because);
      expect(read).toMatchObject({ ok: false, error: { code, detail: expect.stringContaining('Because.') } });
      if (!read.ok) expect(read.error.detail).not.toContain(ACCESS_TOKEN);
    }
    for (const body of ['', '{}', '{"payment":{}}', '[]']) {
      expect(await answer(200, body)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    }
  });
});

it('never lets a secret into a refusal', async () => {
  const details = [
    await detailOf(signed(eventOf('payment.updated', { payment }), 'another-sellers-key-2')),
    await detailOf(signed(eventOf('payment.updated', { payment }, { merchant_id: 'MLSTRANGER01' }))),
    await detailOf(paid({ status: 'X' })),
  ];
  for (const detail of details) {
    expect(detail).not.toBe('');
    expect(detail).not.toContain(SIGNATURE_KEY);
  }
});
