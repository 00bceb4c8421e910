// Stripe: the conformance suite, and the pitfalls that most integrations fall into.
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { factKey } from '../../src/core/event.ts';
import {
  API_KEY,
  callbackOf,
  entered,
  eventOf,
  headerOf,
  NOW,
  OLD_SECRET,
  SECRET,
  signed,
  thinOf,
} from '../fixtures/stripe/merchant.ts';
import { charge, dispute, intent, refund, session } from '../fixtures/stripe/objects.ts';
import { conformance } from './conformance.ts';
import { dialectOf, withHeaders } from './dialect.ts';

const { provider, credentialsOf, told, factOf, reasonOf, detailOf, ask, answer } = dialectOf('stripe', entered, NOW);

const paid = () => signed(eventOf('payment_intent.succeeded', intent));
const other = { ...refund, id: 're_3Qx0Tollgate0002' };

const review = {
  id: 'prv_1QxTollgate0001',
  object: 'review',
  charge: charge.id,
  closed_reason: null,
  created: 1_767_234_802,
  livemode: true,
  open: true,
  opened_reason: 'rule',
  payment_intent: intent.id,
  reason: 'rule',
};

conformance({
  provider,
  entered,
  stranger: { signingSecrets: [OLD_SECRET] },
  now: NOW,
  genuine: {
    'payment intent succeeded': paid(),
    'payment intent failed an attempt': signed(
      eventOf('payment_intent.payment_failed', { ...intent, status: 'requires_payment_method', amount_received: 0 }),
    ),
    'checkout session completed': signed(eventOf('checkout.session.completed', session)),
    'checkout session expired': signed(
      eventOf('checkout.session.expired', { ...session, status: 'expired', payment_status: 'unpaid' }),
    ),
    'charge succeeded': signed(eventOf('charge.succeeded', charge)),
    'refund without an order number': signed(eventOf('refund.created', refund)),
    'dispute without an order number': signed(eventOf('charge.dispute.created', dispute)),
    'review of a payment, which only flags': signed(eventOf('review.opened', review)),
  },
  redelivery: {
    callback: signed(eventOf('payment_intent.succeeded', intent, { pending_webhooks: 2 }), SECRET, NOW + 3_600_000),
    now: NOW + 3_600_000,
  },
  rotation: {
    entered: { signingSecrets: [SECRET, OLD_SECRET] },
    callbacks: [paid(), signed(eventOf('payment_intent.succeeded', intent), OLD_SECRET)],
  },
  weak: {
    'there is no secret': { signingSecrets: [] },
    'a secret is empty': { signingSecrets: [''] },
    'a secret is its prefix alone': { signingSecrets: ['whsec_'] },
    'a secret is short': { signingSecrets: ['whsec_short'] },
    'a secret is an API key': { signingSecrets: [API_KEY] },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [signed(eventOf('refund.created', refund)), signed(eventOf('refund.created', other))],
  linked: {
    payment: paid(),
    later: {
      'a refund of its intent': signed(eventOf('refund.created', refund)),
      'a refund of its charge': signed(eventOf('refund.created', { ...refund, payment_intent: null })),
      'a dispute': signed(eventOf('charge.dispute.created', dispute)),
    },
  },
  otherAccount: signed(eventOf('payment_intent.succeeded', intent, { account: 'acct_1Stranger' })),
  unknownType: signed(eventOf('customer.created', { id: 'cus_1', object: 'customer' })),
  signedHeaders: ['stripe-signature'],
  isDated: true,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

describe('the signature', () => {
  it('is taken over the raw bytes: the same JSON in other spacing does not verify (pitfall 1)', async () => {
    const callback = paid();
    const compact = JSON.stringify(JSON.parse(new TextDecoder().decode(callback.body)));
    expect(await reasonOf({ ...callback, body: new TextEncoder().encode(compact) })).toBe('signature_invalid');
  });

  it('may be any of several v1, wherever it stands, and other schemes are ignored', async () => {
    const payload = JSON.stringify(eventOf('payment_intent.succeeded', intent));
    const [time, good] = headerOf(payload).split(',');
    const bad = `v1=${'0'.repeat(64)}`;
    for (const parts of [
      [time, bad, good],
      [time, good, bad],
      [bad, good, time],
      [time, 'v0=6f', good, 'v2=x'],
      [time, 'v1=', 'v1=zz', good],
    ]) {
      expect(await reasonOf(callbackOf(payload, parts.join(',')))).toBe('accepted');
    }
    const underV0 = good?.replace('v1=', 'v0=');
    expect(await reasonOf(callbackOf(payload, [time, underV0].join(',')))).toBe('signature_invalid');
  });

  it('has the whole secret as its key, prefix included', async () => {
    const payload = JSON.stringify(eventOf('payment_intent.succeeded', intent));
    const seconds = NOW / 1000;
    const hex = createHmac('sha256', SECRET.slice('whsec_'.length)).update(`${seconds}.${payload}`).digest('hex');
    expect(await reasonOf(callbackOf(payload, `t=${seconds},v1=${hex}`))).toBe('signature_invalid');
  });

  it('is not taken for another time than the one it signs', async () => {
    const payload = JSON.stringify(eventOf('payment_intent.succeeded', intent));
    const header = headerOf(payload);
    const moved = header.replace(`t=${NOW / 1000}`, `t=${NOW / 1000 + 1}`);
    expect(await reasonOf(callbackOf(payload, moved))).toBe('signature_invalid');
    for (const time of ['', 't=', 't=now', 't=1e9', 't=-1', `t=${NOW / 1000},t=${NOW / 1000}`]) {
      const broken = header.replace(`t=${NOW / 1000}`, time);
      expect(await reasonOf(callbackOf(payload, broken))).toBe('timestamp_stale');
    }
  });

  it('from the future is refused, which the SDK would accept (pitfall 17)', async () => {
    const future = signed(eventOf('payment_intent.succeeded', intent), SECRET, NOW + 301_000);
    expect(await reasonOf(future)).toBe('timestamp_stale');
  });

  it('of garbage is refused and never throws, and an empty key is never used (pitfall 18)', async () => {
    const callback = paid();
    for (const header of ['v1', '=', ',', 't,v1', `t=${NOW / 1000},v1=${'g'.repeat(64)}`, '\u0000', 'v1=v1=v1']) {
      expect(['signature_invalid', 'timestamp_stale']).toContain(
        await reasonOf(withHeaders(callback, { 'stripe-signature': header })),
      );
    }
    const payload = new TextDecoder().decode(callback.body);
    const hex = createHmac('sha256', '')
      .update(`${NOW / 1000}.${payload}`)
      .digest('hex');
    expect(await reasonOf(callbackOf(payload, `t=${NOW / 1000},v1=${hex}`))).toBe('signature_invalid');
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await told(paid())).toEqual({
      events: [
        {
          kind: 'payment',
          orderNo: 'TG20260101-0001',
          occurredAt: 1_767_234_890_000,
          providerState: 'succeeded',
          test: false,
          status: 'succeeded',
          transactionId: 'pi_3Qx0Tollgate0001',
          amount: { minor: 2599, currency: 'EUR' },
          payerAmount: { minor: 2599, currency: 'EUR' },
          method: 'card',
          providerMethod: 'card',
          payer: { id: 'cus_Tollgate01', idType: 'customer', account: 'payer@example.com' },
          attach: '{"orderNo":"TG20260101-0001","basket":"b-17"}',
        },
      ],
      links: [
        { id: 'pi_3Qx0Tollgate0001', orderNo: 'TG20260101-0001' },
        { id: 'ch_3Qx0Tollgate0001', orderNo: 'TG20260101-0001' },
      ],
      noticeType: 'payment_intent.succeeded',
      noticeId: 'evt_1QxTollgate0001',
    });
  });

  it('is one fact whether the intent, its charge or its session tells of it', async () => {
    const facts = await Promise.all(
      [
        paid(),
        signed(eventOf('charge.succeeded', charge)),
        signed(eventOf('checkout.session.completed', session)),
        signed(eventOf('charge.refunded', { ...charge, amount_refunded: 1000 })),
      ].map((callback) => factOf(callback)),
    );
    const keys = facts.map((fact) => factKey({ ...fact, orderNo: 'TG20260101-0001' }));
    expect(new Set(keys).size).toBe(1);
    expect(facts[1]).toMatchObject({
      method: 'bank_transfer',
      providerMethod: 'ideal',
      bank: 'ing',
      payer: { name: 'Erika Mustermann' },
    });
  });

  it.each([
    ['paid', 'complete', 'succeeded'],
    ['no_payment_required', 'complete', 'succeeded'],
    ['unpaid', 'complete', 'pending'],
  ])(
    'of a completed session that is %s (%s) is %s: completed is not paid (pitfall 17)',
    async (state, status, ours) => {
      const object = { ...session, payment_status: state, status };
      const fact = await factOf(signed(eventOf('checkout.session.completed', object)));
      expect(fact).toMatchObject({ kind: 'payment', status: ours, providerState: state });
    },
  );

  it('of a session that settles later is told by its later events', async () => {
    const late = { ...session, payment_status: 'unpaid' };
    const failed = await factOf(signed(eventOf('checkout.session.async_payment_failed', late)));
    expect(failed).toMatchObject({ status: 'failed' });
    const settled = await factOf(signed(eventOf('checkout.session.async_payment_succeeded', session)));
    expect(settled).toMatchObject({ status: 'succeeded', orderNo: 'TG20260101-0001' });
  });

  it('of a session carries the discount that was taken off already', async () => {
    expect(await factOf(signed(eventOf('checkout.session.completed', session)))).toMatchObject({
      amount: { minor: 2599, currency: 'EUR' },
      discounts: [{ id: 'promo_1Tollgate', amount: { minor: 400, currency: 'EUR' } }],
    });
  });

  it('is not made by a session that only keeps a card', async () => {
    const setup = { ...session, mode: 'setup', payment_status: 'no_payment_required', amount_total: null };
    expect((await told(signed(eventOf('checkout.session.completed', setup)))).events).toEqual([]);
  });

  it.each([
    ['payment_intent.processing', 'processing', 'pending'],
    ['payment_intent.requires_action', 'requires_action', 'pending'],
    ['payment_intent.amount_capturable_updated', 'requires_capture', 'pending'],
    ['payment_intent.payment_failed', 'requires_payment_method', 'pending'],
    ['payment_intent.canceled', 'canceled', 'closed'],
  ])('intent that sends %s is %s and so %s', async (type, status, ours) => {
    const fact = await factOf(signed(eventOf(type, { ...intent, status, amount_received: 0 })));
    expect(fact).toMatchObject({ status: ours, providerState: status, amount: { minor: 2599 } });
    expect(fact).not.toHaveProperty('payerAmount');
  });

  it('that was authorised and not captured is pending, and what is captured counts', async () => {
    const held = { ...charge, captured: false, amount_captured: 0 };
    expect(await factOf(signed(eventOf('charge.succeeded', held)))).toMatchObject({ status: 'pending' });
    const part = { ...charge, amount_captured: 2000 };
    const captured = await factOf(signed(eventOf('charge.captured', part)));
    expect(captured).toMatchObject({ status: 'succeeded', amount: { minor: 2000 } });
  });

  it('is neither failed nor closed by one charge of its intent, only by a charge of its own', async () => {
    const failed = { ...charge, status: 'failed', captured: false };
    expect((await told(signed(eventOf('charge.failed', failed)))).events).toEqual([]);
    const alone = { ...failed, payment_intent: null };
    expect(await factOf(signed(eventOf('charge.failed', alone)))).toMatchObject({
      status: 'failed',
      transactionId: charge.id,
    });
    const expired = { ...charge, payment_intent: null, captured: false, refunded: true };
    expect(await factOf(signed(eventOf('charge.expired', expired)))).toMatchObject({ status: 'closed' });
  });

  it.each([
    ['jpy', 500, { minor: 500, currency: 'JPY' }],
    ['krw', 1, { minor: 1, currency: 'KRW' }],
    ['kwd', 1230, { minor: 1230, currency: 'KWD' }],
    ['isk', 50_000, { minor: 500, currency: 'ISK' }],
    ['ugx', 50_000, { minor: 500, currency: 'UGX' }],
    ['mga', 500, { minor: 50_000, currency: 'MGA' }],
    ['huf', 50_000, { minor: 50_000, currency: 'HUF' }],
    ['usd', 0, { minor: 0, currency: 'USD' }],
  ])('in %s of %i is counted in our minor units (pitfall 10)', async (currency, amount, ours) => {
    const object = { ...intent, currency, amount, amount_received: amount };
    expect(await factOf(signed(eventOf('payment_intent.succeeded', object)))).toMatchObject({ amount: ours });
  });

  it('in a currency without decimals is refused where it has some', async () => {
    const object = { ...intent, currency: 'isk', amount: 50_050, amount_received: 50_050 };
    expect(await reasonOf(signed(eventOf('payment_intent.succeeded', object)))).toBe('malformed');
  });

  it('that was shown in another currency says what the payer saw', async () => {
    const shown = { presentment_details: { presentment_amount: 3000, presentment_currency: 'usd' } };
    expect(await factOf(signed(eventOf('payment_intent.succeeded', { ...intent, ...shown })))).toMatchObject({
      amount: { minor: 2599, currency: 'EUR' },
      payerAmount: { minor: 3000, currency: 'USD' },
    });
  });

  it('survives details that cannot be read, and is refused with the name of one that it needs', async () => {
    const odd = { billing_details: 7, payment_method_details: [], presentment_details: 'x', metadata: charge.metadata };
    expect(await factOf(signed(eventOf('charge.succeeded', { ...charge, ...odd })))).toMatchObject({
      status: 'succeeded',
    });
    const missing = signed(eventOf('payment_intent.succeeded', { ...intent, currency: null }));
    expect(await reasonOf(missing)).toBe('malformed');
    expect(await detailOf(missing)).toContain('currency');
    const strange = signed(eventOf('payment_intent.succeeded', { ...intent, status: 'brand_new' }));
    expect(await detailOf(strange)).toContain('brand_new');
    const inherited = signed(eventOf('payment_intent.succeeded', { ...intent, status: 'constructor' }));
    expect(await reasonOf(inherited)).toBe('malformed');
  });

  it('says that it is a test when Stripe says so', async () => {
    const object = { ...intent, livemode: false };
    const fact = await factOf(signed(eventOf('payment_intent.succeeded', object, { livemode: false })));
    expect(fact.test).toBe(true);
  });
});

describe('the order number', () => {
  const bare = { ...intent, metadata: {} };

  it('is metadata.orderNo, and client_reference_id of a session without it', async () => {
    const both = { ...session, metadata: { orderNo: 'FROM-METADATA' } };
    expect(await factOf(signed(eventOf('checkout.session.completed', both)))).toMatchObject({
      orderNo: 'FROM-METADATA',
    });
    expect(await factOf(signed(eventOf('checkout.session.completed', session)))).toMatchObject({
      orderNo: 'TG20260101-0001',
    });
  });

  it('is where the channel says, and then nowhere else', async () => {
    const path = { orderNoPath: 'metadata.order_id' };
    const object = { ...intent, metadata: { order_id: 'ELSEWHERE-7' } };
    expect(await factOf(signed(eventOf('payment_intent.succeeded', object)), path)).toMatchObject({
      orderNo: 'ELSEWHERE-7',
    });
    const { events, unlinked } = await told(signed(eventOf('checkout.session.completed', session)), path);
    expect([events.length, unlinked?.length]).toEqual([0, 1]);
  });

  it('that is missing leaves the payment to be found by the intent, and the session links it', async () => {
    const { events, unlinked } = await told(signed(eventOf('payment_intent.succeeded', bare)));
    expect(events).toEqual([]);
    expect(unlinked).toMatchObject([{ linkId: intent.id, status: 'succeeded' }]);
    const { links } = await told(signed(eventOf('checkout.session.completed', session)));
    expect(links).toContainEqual({ id: intent.id, orderNo: 'TG20260101-0001' });
  });

  it.each(['', ' ', 'a b', 'x'.repeat(65), 'naïve'])('is not read from what could be none: %j', async (orderNo) => {
    const { events, unlinked } = await told(
      signed(eventOf('payment_intent.succeeded', { ...intent, metadata: { orderNo } })),
    );
    expect([events.length, unlinked?.length]).toEqual([0, 1]);
  });

  it('is not taken from members that only pretend to be there', async () => {
    const text = JSON.stringify(eventOf('payment_intent.succeeded', bare)).replace(
      '"metadata":{}',
      '"__proto__":{"metadata":{"orderNo":"FORGED"}}',
    );
    const { events, unlinked } = await told(callbackOf(text, headerOf(text)));
    expect([events.length, unlinked?.length]).toEqual([0, 1]);
  });
});

describe('a refund', () => {
  it('is told in our words, and found by the payment intent', async () => {
    expect((await told(signed(eventOf('refund.updated', refund)))).unlinked).toEqual([
      {
        kind: 'refund',
        linkId: 'pi_3Qx0Tollgate0001',
        occurredAt: 1_767_234_890_000,
        providerState: 'succeeded',
        test: false,
        state: 'succeeded',
        refundNo: 're_3Qx0Tollgate0001',
        providerRefundId: 're_3Qx0Tollgate0001',
        transactionId: 'pi_3Qx0Tollgate0001',
        amount: { minor: 1000, currency: 'EUR' },
        reason: 'requested_by_customer',
        account: 'card',
      },
    ]);
  });

  it('of a charge without an intent is found by the charge', async () => {
    const { unlinked } = await told(signed(eventOf('refund.created', { ...refund, payment_intent: null })));
    expect(unlinked).toMatchObject([{ linkId: 'ch_3Qx0Tollgate0001' }]);
  });

  it.each([
    ['pending', 'pending'],
    ['requires_action', 'pending'],
    ['succeeded', 'succeeded'],
    ['failed', 'failed'],
    ['canceled', 'failed'],
  ])('that is %s is %s', async (status, state) => {
    expect(await factOf(signed(eventOf('refund.updated', { ...refund, status })))).toMatchObject({ state });
  });

  it('is the same fact in the list of its charge, and two in it are two', async () => {
    const list = { object: 'list', data: [refund, { ...refund, id: 're_3Qx0Tollgate0002' }] };
    const refunded = { ...charge, amount_refunded: 2000, refunds: list };
    const { events } = await told(signed(eventOf('charge.refunded', refunded)));
    const keys = events.filter(({ kind }) => kind === 'refund').map(factKey);
    expect(keys).toHaveLength(2);
    const single = await factOf(signed(eventOf('refund.created', refund)));
    expect(keys[0]).toBe(factKey({ ...single, orderNo: 'TG20260101-0001' }));
  });

  it('that its charge does not name is asked for where there is a key, and never made up', async () => {
    const callback = signed(eventOf('charge.refunded', { ...charge, amount_refunded: 1000 }));
    const { events, hints } = await told(callback);
    expect(events.map(({ kind }) => kind)).toEqual(['payment']);
    expect(hints).toEqual([{ reference: charge.id }]);
    expect(await told(callback, { apiKey: undefined })).not.toHaveProperty('hints');
  });
});

describe('a dispute', () => {
  it.each([
    ['needs_response', 'open'],
    ['under_review', 'open'],
    ['warning_needs_response', 'open'],
    ['warning_closed', 'won'],
    ['prevented', 'won'],
    ['won', 'won'],
    ['lost', 'lost'],
  ])('that is %s is %s, and found by the payment intent', async (status, state) => {
    const { unlinked } = await told(signed(eventOf('charge.dispute.closed', { ...dispute, status })));
    expect(unlinked).toMatchObject([
      {
        kind: 'dispute',
        disputeId: dispute.id,
        state,
        linkId: intent.id,
        amount: { minor: 2599 },
        reason: 'fraudulent',
      },
    ]);
  });
});

describe('Stripe’s doubt about a payment is the flag risk_review', () => {
  const flag = { kind: 'flag', flag: 'risk_review', about: review.id, test: false };

  it('where a review is opened, found by its payment', async () => {
    const { events, unlinked, unlinkedFlags } = await told(signed(eventOf('review.opened', review)));
    expect([events, unlinked]).toEqual([[], []]);
    expect(unlinkedFlags).toEqual([
      { ...flag, linkId: intent.id, occurredAt: 1_767_234_890_000, providerState: 'review.opened' },
    ]);
    const old = { ...review, payment_intent: undefined };
    expect((await told(signed(eventOf('review.opened', old)))).unlinkedFlags).toMatchObject([{ linkId: charge.id }]);
  });

  it('where the card’s bank warns of fraud', async () => {
    const warning = {
      id: 'issfr_1QxTollgate0001',
      object: 'radar.early_fraud_warning',
      actionable: true,
      charge: charge.id,
      created: 1_767_420_000,
      fraud_type: 'unauthorized_use_of_card',
      livemode: true,
      payment_intent: intent.id,
    };
    const { unlinkedFlags } = await told(signed(eventOf('radar.early_fraud_warning.created', warning)));
    expect(unlinkedFlags).toMatchObject([{ ...flag, about: warning.id, linkId: intent.id }]);
  });

  it.each([
    ['charge.succeeded', { ...charge, outcome: { type: 'manual_review', risk_level: 'elevated' } }, charge.id],
    ['charge.succeeded', { ...charge, review: review.id }, review.id],
    ['payment_intent.succeeded', { ...intent, review: review.id }, review.id],
    ['payment_intent.succeeded', { ...intent, review }, review.id],
  ])('on the payment itself, and beside it for a payment that is known: %s %#', async (type, object, about) => {
    const { events, flags } = await told(signed(eventOf(type, object)));
    expect(events).toMatchObject([{ kind: 'payment', status: 'succeeded', flags: ['risk_review'] }]);
    expect(flags).toMatchObject([{ ...flag, about, orderNo: 'TG20260101-0001' }]);
    const unnamed = await told(signed(eventOf(type, { ...object, metadata: {} })));
    expect(unnamed.flags).toBe(undefined);
    expect(unnamed.unlinkedFlags).toMatchObject([{ ...flag, about, linkId: intent.id }]);
  });

  it.each([
    ['charge.succeeded', { ...charge, outcome: { type: 'authorized' }, review: null }],
    ['payment_intent.succeeded', { ...intent, review: null }],
    ['review.opened', { ...review, open: false }],
    ['review.closed', { ...review, open: false, reason: 'approved' }],
    ['charge.failed', { ...charge, status: 'failed', outcome: { type: 'blocked' } }],
  ])('and not where there is none: %s %#', async (type, object) => {
    const { events, flags, unlinkedFlags } = await told(signed(eventOf(type, object)));
    expect([flags, unlinkedFlags]).toEqual([undefined, undefined]);
    for (const event of events) expect(event).not.toHaveProperty('flags');
  });

  it('asked for by a thin event, and told of the order that was asked about', async () => {
    const { hints } = await told(signed(thinOf('v1.review.opened', review.id)));
    expect(hints).toEqual([{ reference: review.id }]);
    expect(await ask(hints?.[0] ?? {})).toMatchObject({
      value: { url: `https://api.stripe.com/v1/reviews/${review.id}` },
    });
    expect(await answer(200, review, hints?.[0])).toMatchObject({ value: { unlinkedFlags: [{ linkId: intent.id }] } });
    expect(await ask({ reference: 'issfr_1' })).toMatchObject({
      value: { url: 'https://api.stripe.com/v1/radar/early_fraud_warnings/issfr_1' },
    });
    const asked = { orderNo: 'MINE-1', transactionId: intent.id };
    const doubted = { ...intent, metadata: {}, review: review.id };
    expect(await answer(200, doubted, asked)).toMatchObject({
      value: { events: [{ orderNo: 'MINE-1' }], flags: [{ ...flag, orderNo: 'MINE-1' }] },
    });
  });
});

describe('a thin event', () => {
  it('proves nothing but an id, which Stripe is asked about', async () => {
    const thin = thinOf('v1.payment_intent.succeeded', intent.id, { data: { object: intent } });
    expect(await told(signed(thin))).toEqual({
      events: [],
      hints: [{ reference: intent.id }],
      noticeType: 'v1.payment_intent.succeeded',
      noticeId: 'evt_65Tollgate0001',
    });
    expect(await ask({ reference: intent.id }, { apiKey: undefined })).toMatchObject({
      ok: false,
      error: { code: 'not_configured', detail: expect.stringContaining('apiKey') },
    });
  });

  it('of an unknown type, or one about nothing, is acknowledged', async () => {
    expect((await told(signed(thinOf('v1.customer.created', 'cus_1')))).hints).toBe(undefined);
    expect((await told(signed(thinOf('v1.charge.refunded', 'x', { related_object: null })))).hints).toBe(undefined);
  });
});

describe('another account', () => {
  const accounts = ['acct_1Ours0001'];

  it('in a genuine event is refused unless the channel is for it', async () => {
    const theirs = (account: string) => signed(eventOf('payment_intent.succeeded', intent, { account }));
    expect(await reasonOf(theirs('acct_1Ours0001'), { accounts })).toBe('accepted');
    expect(await reasonOf(theirs('acct_1Other001'), { accounts })).toBe('wrong_merchant');
    expect(await reasonOf(theirs('acct_1Ours0001'))).toBe('wrong_merchant');
    expect(await reasonOf(paid(), { accounts })).toBe('wrong_merchant');
  });

  it('of a thin event is its context, and goes along with the question', async () => {
    const thin = thinOf('v1.payment_intent.succeeded', intent.id, { context: 'acct_1Ours0001' });
    expect(await reasonOf(signed(thin))).toBe('wrong_merchant');
    const { hints } = await told(signed(thin), { accounts });
    expect(hints).toEqual([{ reference: `acct_1Ours0001:${intent.id}` }]);
    expect(await ask(hints?.[0] ?? {}, { accounts })).toMatchObject({
      ok: true,
      value: {
        url: expect.stringMatching(/\/v1\/payment_intents\/pi_3Qx0Tollgate0001\?/),
        headers: { 'stripe-account': 'acct_1Ours0001' },
      },
    });
  });
});

describe('asking Stripe', () => {
  it('goes to its API alone, with the key and a fixed version', async () => {
    expect(await ask({ transactionId: intent.id })).toEqual({
      ok: true,
      value: {
        method: 'GET',
        url: 'https://api.stripe.com/v1/payment_intents/pi_3Qx0Tollgate0001?expand[]=latest_charge.refunds',
        headers: {
          accept: 'application/json',
          authorization: `Bearer ${API_KEY}`,
          'stripe-version': '2026-10-28.endive',
        },
        body: null,
      },
    });
  });

  it('by order number searches the metadata, with quotes kept harmless', async () => {
    const asked = await ask({ orderNo: "A'1\\" });
    const url = new URL(asked.ok ? asked.value.url : '');
    expect(url.searchParams.get('query')).toBe("metadata['orderNo']:'A\\'1\\\\'");
    expect(await ask({ orderNo: 'A1' }, { orderNoPath: 'client_reference_id' })).toMatchObject({ ok: false });
  });

  it.each(['../v1/accounts', 'pi_1/../../x', 'cus_1', 'pi_1?x=1', ''])(
    'never goes where an id does not belong: %j',
    async (id) => {
      expect(await ask({ transactionId: id })).toMatchObject({ ok: false, error: { code: 'refused' } });
    },
  );

  it('reads a payment with its charge and refunds', async () => {
    const latest = { ...charge, refunds: { object: 'list', data: [refund] } };
    const read = await answer(200, { ...intent, latest_charge: latest }, { transactionId: intent.id });
    if (!read.ok) throw new Error(read.error.detail);
    expect(read.value.events.map(({ kind, occurredAt }) => [kind, occurredAt])).toEqual([
      ['payment', charge.created * 1000],
      ['refund', refund.created * 1000],
      ['payment', intent.created * 1000],
    ]);
    expect(read.value.events[0]).toMatchObject({ bank: 'ing', orderNo: 'TG20260101-0001' });
  });

  it('gives the facts of a known transaction to the order that asked', async () => {
    const bare = { ...intent, metadata: {} };
    const read = await answer(200, bare, { transactionId: intent.id, orderNo: 'ASKED-1' });
    expect(read).toMatchObject({ ok: true, value: { events: [{ orderNo: 'ASKED-1' }], unlinked: [] } });
    const other = await answer(200, bare, { transactionId: 'pi_other', orderNo: 'ASKED-1' });
    expect(other).toMatchObject({ ok: true, value: { events: [], unlinked: [{ linkId: intent.id }] } });
  });

  it('reads what a search found, and nothing where there is nothing', async () => {
    const found = { object: 'search_result', data: [intent], has_more: false };
    expect(await answer(200, found)).toMatchObject({ ok: true, value: { events: [{ status: 'succeeded' }] } });
    const nothing = { ok: true, value: { events: [] } };
    expect(await answer(200, { ...found, data: [] })).toMatchObject(nothing);
    expect(await answer(404, { error: { message: 'No such payment_intent' } })).toMatchObject(nothing);
  });

  it('tells a session that failed after it was completed by its intent', async () => {
    const unpaid = { ...session, payment_status: 'unpaid' };
    const left = { ...intent, status: 'requires_payment_method' };
    expect(await answer(200, { ...unpaid, payment_intent: left })).toMatchObject({
      value: { events: [{ status: 'failed' }] },
    });
    const going = { ...intent, status: 'processing' };
    expect(await answer(200, { ...unpaid, payment_intent: going })).toMatchObject({
      value: { events: [{ status: 'pending' }] },
    });
  });

  it('sees a refund that failed later as failed now', async () => {
    expect(await answer(200, { ...refund, status: 'failed' })).toMatchObject({
      value: { unlinked: [{ state: 'failed', occurredAt: NOW, test: false }] },
    });
    expect(await answer(200, refund, {}, { apiKey: 'rk_test_0123456789' })).toMatchObject({
      value: { unlinked: [{ occurredAt: refund.created * 1000, test: true }] },
    });
  });

  it.each([
    [401, 'refused'],
    [403, 'refused'],
    [400, 'refused'],
    [429, 'unavailable'],
    [500, 'unavailable'],
    [302, 'unavailable'],
  ])('says why it got no answer: %i is %s', async (status, code) => {
    const read = await answer(status, { error: { message: 'Because.' } });
    expect(read).toMatchObject({ ok: false, error: { code, detail: expect.stringContaining('Because.') } });
    if (!read.ok) expect(read.error.detail).not.toContain(API_KEY);
  });

  it.each(['', 'null', '{}', '{"object":"customer"}', '[]', '{"object":"search_result"}'])(
    'believes nothing it cannot read: %j',
    async (body) => {
      expect(await answer(200, body)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    },
  );
});

it('never lets a secret into a refusal', async () => {
  const details = [
    await detailOf(signed(eventOf('payment_intent.succeeded', intent), OLD_SECRET)),
    await detailOf(signed(eventOf('payment_intent.succeeded', intent, { account: 'acct_1Stranger' }))),
    await detailOf(signed({ object: 'event' })),
  ];
  for (const detail of details) {
    expect(detail).not.toBe('');
    expect(detail).not.toContain('whsec_');
    expect(detail).not.toContain(API_KEY);
  }
  expect(() => credentialsOf({ signingSecrets: ['whsec_bad one'] })).toThrow(/Reveal it at Dashboard/);
});
