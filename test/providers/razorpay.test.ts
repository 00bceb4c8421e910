// Razorpay: the conformance suite, and the pitfalls that most integrations fall into.
import Razorpay from 'razorpay';
import { describe, expect, it } from 'vitest';
import {
  callbackOf,
  dispute,
  entered,
  eventOf,
  KEY_SECRET,
  NOW,
  OLD_SECRET,
  order,
  payment,
  refund,
  SECRET,
  signatureOf,
  signed,
} from '../fixtures/razorpay/merchant.ts';
import { conformance } from './conformance.ts';
import { dialectOf, withHeaders } from './dialect.ts';

const { provider, told, factOf, reasonOf, detailOf, ask, answer } = dialectOf('razorpay', entered, NOW);

/** As Razorpay sends it where the merchant put no number into the payment's notes. */
const bare = { ...payment, notes: [] };
const captured = (changes: object = {}) => signed(eventOf('payment.captured', { payment: { ...payment, ...changes } }));
const refunded = (changes: object = {}, of: object = bare) =>
  signed(eventOf('refund.processed', { refund: { ...refund, ...changes }, payment: of }));
const disputed = (changes: object = {}) =>
  signed(eventOf('payment.dispute.created', { payment: bare, dispute: { ...dispute, ...changes } }));

conformance({
  provider,
  entered,
  stranger: { webhookSecrets: [OLD_SECRET] },
  now: NOW,
  genuine: {
    'payment captured': captured(),
    'payment authorised': signed(
      eventOf('payment.authorized', { payment: { ...payment, status: 'authorized', captured: false } }),
    ),
    'payment failed': signed(eventOf('payment.failed', { payment: { ...payment, status: 'failed', captured: false } })),
    'order paid': signed(eventOf('order.paid', { payment: bare, order })),
    'refund without an order number': refunded(),
    'dispute without an order number': disputed(),
  },
  redelivery: {
    callback: signed(eventOf('payment.captured', { payment }, { created_at: 1_767_238_490 })),
    now: NOW + 3_600_000,
  },
  rotation: {
    entered: { webhookSecrets: [SECRET, OLD_SECRET] },
    callbacks: [captured(), signed(eventOf('payment.captured', { payment }), OLD_SECRET)],
  },
  weak: {
    'there is no secret': { webhookSecrets: [] },
    'a secret is empty': { webhookSecrets: [''] },
    'a secret is white space': { webhookSecrets: [' '.repeat(20)] },
    'a secret is short': { webhookSecrets: ['12345678901'] },
    'the key has no secret': { ...entered, keySecret: undefined },
    'the secret has no key': { ...entered, keyId: undefined },
    'the key is of the other environment': { ...entered, environment: 'test' },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [refunded(), refunded({ id: 'rfnd_Tollgate00002' })],
  linked: {
    payment: captured(),
    later: {
      'a refund': refunded(),
      'a refund of a payment without an order': refunded({}, { ...bare, order_id: null }),
      'a dispute': disputed(),
      'the payment of another try': captured({ id: 'pay_Tollgate000002', notes: [] }),
    },
  },
  excused: { discounts: 'an event names the offer that was taken and not what it was worth' },
  otherAccount: signed(eventOf('payment.captured', { payment }, { account_id: 'acc_Stranger00001' })),
  unknownType: signed(eventOf('settlement.processed', { settlement: { id: 'setl_1' } })),
  signedHeaders: ['x-razorpay-signature'],
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

describe('the signature', () => {
  it('is the one that Razorpay’s own library takes', async () => {
    const body = JSON.stringify(eventOf('payment.captured', { payment }));
    const signature = signatureOf(body);
    expect(Razorpay.validateWebhookSignature(body, signature, SECRET)).toBe(true);
    expect(await reasonOf(callbackOf(body, signature))).toBe('accepted');
  });

  it('is taken over the raw bytes: the same JSON in other spacing does not verify (pitfall 1)', async () => {
    const callback = captured();
    const spaced = JSON.stringify(JSON.parse(new TextDecoder().decode(callback.body)), null, 2);
    expect(await reasonOf({ ...callback, body: new TextEncoder().encode(spaced) })).toBe('signature_invalid');
  });

  it('of garbage is refused and never throws, and an empty key is never used (pitfall 18)', async () => {
    const hex = captured().headers['x-razorpay-signature'] ?? '';
    for (const garbage of ['0', 'zz', hex.slice(1), `${hex}00`, hex.toUpperCase(), '\u0000', 'é'.repeat(64)]) {
      expect(await reasonOf(withHeaders(captured(), { 'x-razorpay-signature': garbage }))).toBe('signature_invalid');
    }
    const unkeyed = eventOf('payment.captured', { payment });
    expect(await reasonOf(signed(unkeyed, ''))).toBe('signature_invalid');
  });

  it('does not cover the event’s id, which is not believed', async () => {
    const renamed = withHeaders(captured(), { 'x-razorpay-event-id': 'of-another-event' });
    expect(await told(renamed)).toEqual(await told(captured()));
    expect((await told(renamed)).noticeId).toBe(null);
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await told(captured())).toEqual({
      events: [
        {
          kind: 'payment',
          orderNo: 'TG20260101-0001',
          occurredAt: 1_767_234_890_000,
          providerState: 'captured',
          test: false,
          status: 'succeeded',
          transactionId: 'pay_Tollgate000001',
          amount: { minor: 50000, currency: 'INR' },
          payerAmount: { minor: 50000, currency: 'INR' },
          method: 'bank_transfer',
          providerMethod: 'netbanking',
          bank: 'HDFC',
          payer: { id: 'cust_Tollgate00001', idType: 'customer', account: 'payer@example.com' },
          attach: '{"orderNo":"TG20260101-0001","colour":"red"}',
        },
      ],
      links: [
        { id: 'order_Tollgate0001', orderNo: 'TG20260101-0001' },
        { id: 'pay_Tollgate000001', orderNo: 'TG20260101-0001' },
      ],
      noticeType: 'payment.captured',
      noticeId: null,
    });
  });

  it.each([
    ['payment.authorized', 'authorized', 'order_Tollgate0001', 'pending'],
    ['payment.pending', 'pending', 'order_Tollgate0001', 'pending'],
    ['payment.failed', 'failed', 'order_Tollgate0001', 'pending'],
    ['payment.failed', 'failed', null, 'failed'],
    ['payment.captured', 'captured', null, 'succeeded'],
    ['payment.captured', 'refunded', null, 'succeeded'],
  ])('that sends %s with status %s for order %s is %s', async (type, status, order_id, ours) => {
    const fact = await factOf(signed(eventOf(type, { payment: { ...payment, status, order_id } })));
    expect(fact).toMatchObject({ status: ours, providerState: status });
  });

  it.each(['brand_new', 'constructor', '__proto__'])('in a state nobody knows is refused: %s', async (status) => {
    expect(await detailOf(captured({ status }))).toContain(status);
  });

  it('counts whole paise, and refuses anything that is none (pitfall 10)', async () => {
    for (const [amount, currency] of [
      [29, 'INR'],
      [500, 'JPY'],
    ] as const) {
      expect(await factOf(captured({ amount, currency }))).toMatchObject({ amount: { minor: amount, currency } });
    }
    for (const amount of [500.5, '50000', 1e300, -1, null]) {
      expect(await detailOf(captured({ amount }))).toContain('payment.amount');
    }
  });

  it('is refused with the name of what it lacks', async () => {
    expect(await detailOf(captured({ amount: '500.00' }))).toContain('payment.amount');
    expect(await detailOf(signed(eventOf('payment.captured', {})))).toContain('payment');
    expect(await detailOf(signed(eventOf('refund.created', { payment })))).toContain('refund');
    expect(await reasonOf(signed({ entity: 'event' }))).toBe('malformed');
  });

  it('survives without details, and does not take Razorpay’s own address for the payer’s', async () => {
    const { bank: _b, email: _e, customer_id: _c, method: _m, ...rest } = payment;
    expect(await factOf(signed(eventOf('payment.captured', { payment: rest })))).not.toHaveProperty('payer');
    const [event] = (await told(captured({ customer_id: null, email: 'void@razorpay.com' }))).events;
    expect(event).not.toHaveProperty('payer');
  });

  it('by UPI names the payer’s address', async () => {
    expect(await factOf(captured({ method: 'upi', vpa: 'payer@okbank', bank: null }))).toMatchObject({
      method: 'bank_transfer',
      providerMethod: 'upi',
      payer: { account: 'payer@okbank' },
    });
  });

  it('is a test where the channel’s credentials are', async () => {
    const test = { environment: 'test', keyId: 'rzp_test_Tollgate000001' };
    expect((await told(captured(), test)).events[0]?.test).toBe(true);
  });
});

describe('the order number', () => {
  it('is notes.orderNo of the payment or the order, else the order’s receipt', async () => {
    expect(await factOf(signed(eventOf('order.paid', { payment: bare, order })))).toMatchObject({
      orderNo: 'TG20260101-0001',
    });
    const noted = { ...order, notes: { orderNo: 'NOTED-1' } };
    expect(await factOf(signed(eventOf('order.paid', { payment: bare, order: noted })))).toMatchObject({
      orderNo: 'NOTED-1',
    });
    expect(await factOf(signed(eventOf('order.paid', { payment, order: noted })))).toMatchObject({
      orderNo: 'TG20260101-0001',
    });
  });

  it('that only the order has is linked by order.paid: until then the payment waits for it', async () => {
    const { events, unlinked } = await told(captured({ notes: [] }));
    expect(events).toEqual([]);
    expect(unlinked).toMatchObject([{ linkId: 'order_Tollgate0001', status: 'succeeded' }]);
    const { links } = await told(signed(eventOf('order.paid', { payment: bare, order })));
    expect(links?.map(({ id }) => id)).toEqual(['order_Tollgate0001', 'pay_Tollgate000001']);
  });

  it('is where the channel says, Razorpay’s own order included', async () => {
    expect(await factOf(captured(), { orderNoPath: 'order_id' })).toMatchObject({ orderNo: 'order_Tollgate0001' });
    expect(await factOf(captured({ notes: { ref: 7 } }), { orderNoPath: 'notes.ref' })).toMatchObject({ orderNo: '7' });
    const receipt = signed(eventOf('order.paid', { payment, order }));
    expect(await factOf(receipt, { orderNoPath: 'receipt' })).toMatchObject({ orderNo: 'TG20260101-0001' });
    expect((await told(captured(), { orderNoPath: 'receipt' })).events).toEqual([]);
  });
});

describe('a refund', () => {
  it('is told in our words, with the order that its payment names', async () => {
    expect((await told(refunded({}, payment))).events).toEqual([
      {
        kind: 'refund',
        orderNo: 'TG20260101-0001',
        occurredAt: 1_767_234_890_000,
        providerState: 'processed',
        test: false,
        state: 'succeeded',
        refundNo: 'rfnd_Tollgate00001',
        providerRefundId: 'rfnd_Tollgate00001',
        transactionId: 'pay_Tollgate000001',
        amount: { minor: 20000, currency: 'INR' },
        account: 'netbanking',
      },
    ]);
  });

  it.each([
    ['refund.created', 'pending', 'pending'],
    ['refund.created', 'processed', 'succeeded'],
    ['refund.processed', 'processed', 'succeeded'],
    ['refund.failed', 'failed', 'failed'],
  ])('that sends %s with status %s is %s', async (type, status, state) => {
    const event = eventOf(type, { refund: { ...refund, status }, payment: bare });
    expect(await factOf(signed(event))).toMatchObject({ kind: 'refund', state });
  });

  it('of what was never captured is no refund: that payment has failed', async () => {
    const authorised = { ...payment, status: 'authorized', captured: false };
    expect(await factOf(refunded({}, authorised))).toMatchObject({
      kind: 'payment',
      status: 'failed',
      transactionId: payment.id,
    });
    const pending = refunded({ status: 'pending' }, authorised);
    expect((await told(pending)).events).toEqual([]);
  });
});

describe('a dispute', () => {
  it.each([
    ['open', 0, 'open'],
    ['under_review', 0, 'open'],
    ['won', 0, 'won'],
    ['lost', 50000, 'lost'],
    ['closed', 0, 'won'],
    ['closed', 50000, 'lost'],
  ])('that is %s with %i deducted is %s', async (status, amount_deducted, state) => {
    const { unlinked } = await told(disputed({ status, amount_deducted }));
    expect(unlinked).toMatchObject([
      { kind: 'dispute', disputeId: dispute.id, state, reason: dispute.reason_code, linkId: 'order_Tollgate0001' },
    ]);
  });
});

it('takes any account where the channel names none', async () => {
  const theirs = signed(eventOf('payment.captured', { payment }, { account_id: 'acc_Stranger00001' }));
  expect(await reasonOf(theirs, { accountIds: [] })).toBe('accepted');
});

describe('asking Razorpay', () => {
  const urlOf = async (target: object, changes: object = {}) => {
    const asked = await ask(target, changes);
    return asked.ok ? asked.value.url : asked.error.code;
  };

  it('goes to its API alone, with the key', async () => {
    expect(await ask({ transactionId: payment.id })).toEqual({
      ok: true,
      value: {
        method: 'GET',
        url: 'https://api.razorpay.com/v1/payments/pay_Tollgate000001',
        headers: {
          accept: 'application/json',
          authorization: `Basic ${Buffer.from(`rzp_live_Tollgate000001:${KEY_SECRET}`).toString('base64')}`,
        },
        body: null,
      },
    });
  });

  it('finds an order by its receipt, or by Razorpay’s own number', async () => {
    expect(await urlOf({ orderNo: 'A&B=1' })).toBe(
      'https://api.razorpay.com/v1/orders?receipt=A%26B%3D1&expand[]=payments',
    );
    expect(await urlOf({ orderNo: 'order_Abc1' }, { orderNoPath: 'order_id' })).toBe(
      'https://api.razorpay.com/v1/orders/order_Abc1/payments',
    );
    expect(await urlOf({ orderNo: 'A1' }, { orderNoPath: 'notes.ref' })).toBe('refused');
    expect(await urlOf({ reference: refund.id })).toBe(`https://api.razorpay.com/v1/refunds/${refund.id}`);
  });

  it('needs a key, and an id of Razorpay’s', async () => {
    expect(await urlOf({ transactionId: payment.id }, { keyId: undefined, keySecret: undefined })).toBe(
      'not_configured',
    );
    for (const id of ['pay_1/../x', 'cust_1', '']) expect(await urlOf({ transactionId: id })).toBe('refused');
  });

  it('reads an order with all its payments', async () => {
    const tried = { ...bare, id: 'pay_Tollgate000000', status: 'failed' };
    const found = { ...order, payments: { entity: 'collection', count: 2, items: [tried, bare] } };
    const read = await answer(200, { entity: 'collection', count: 1, items: [found] });
    if (!read.ok) throw new Error(read.error.detail);
    expect(read.value.events.map((event) => [event.orderNo, event.providerState, event.occurredAt])).toEqual([
      ['TG20260101-0001', 'failed', payment.created_at * 1000],
      ['TG20260101-0001', 'captured', payment.created_at * 1000],
    ]);
  });

  it('reads a payment, a refund, a dispute and a list of payments', async () => {
    expect(await answer(200, payment)).toMatchObject({ value: { events: [{ orderNo: 'TG20260101-0001' }] } });
    expect(await answer(200, refund)).toMatchObject({ value: { unlinked: [{ kind: 'refund', linkId: payment.id }] } });
    expect(await answer(200, { ...refund, status: 'failed' })).toMatchObject({
      value: { unlinked: [{ occurredAt: NOW }] },
    });
    expect(await answer(200, { ...dispute, status: 'won' })).toMatchObject({
      value: { unlinked: [{ kind: 'dispute', state: 'won', occurredAt: NOW }] },
    });
    const list = { entity: 'collection', count: 1, items: [payment] };
    expect(await answer(200, list)).toMatchObject({ value: { events: [{ status: 'succeeded' }] } });
    expect(await answer(200, { entity: 'collection', count: 0, items: [] })).toMatchObject({ value: { events: [] } });
  });

  it('gives the facts of a known transaction to the order that asked', async () => {
    const target = { transactionId: payment.id, orderNo: 'ASKED-1' };
    expect(await answer(200, bare, target)).toMatchObject({
      value: { events: [{ orderNo: 'ASKED-1' }], unlinked: [] },
    });
    const another = { ...bare, id: 'pay_Another' };
    expect(await answer(200, another, target)).toMatchObject({ value: { events: [] } });
  });

  it('knows nothing of what is not there, and says why it got no answer', async () => {
    const because = (description: string) => ({ error: { code: 'BAD_REQUEST_ERROR', description } });
    const unknown = await answer(400, because('The id provided does not exist'));
    expect(unknown).toMatchObject({ ok: true, value: { events: [] } });
    for (const [status, code] of [
      [400, 'refused'],
      [401, 'refused'],
      [429, 'unavailable'],
      [502, 'unavailable'],
    ] as const) {
      const read = await answer(status, because('Because.'));
      expect(read).toMatchObject({ ok: false, error: { code, detail: expect.stringContaining('Because.') } });
      if (!read.ok) expect(read.error.detail).not.toContain(KEY_SECRET);
    }
    for (const body of ['', '{}', '{"entity":"payment"}', '[]']) {
      expect(await answer(200, body)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    }
  });
});

it('never lets a secret into a refusal', async () => {
  const details = [
    await detailOf(signed(eventOf('payment.captured', { payment }), OLD_SECRET)),
    await detailOf(signed(eventOf('payment.captured', { payment }, { account_id: 'acc_Stranger00001' }))),
    await detailOf(captured({ status: 'x' })),
  ];
  for (const detail of details) {
    expect(detail).not.toBe('');
    expect(detail).not.toContain('tollgate webhook secret');
    expect(detail).not.toContain(KEY_SECRET);
  }
});
