// Adyen: the conformance suite, and the pitfalls of batches that come in order.
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey } from '../../src/core/event.ts';
import type { Translation } from '../../src/providers/provider.ts';
import { batchOf, entered, NOW, OLD_KEY, signed, signedItem } from '../fixtures/adyen/merchant.ts';
import { authorisation, HMAC_KEY, type ItemContent, modification } from '../fixtures/adyen/objects.ts';
import { conformance } from './conformance.ts';
import { dialectOf } from './dialect.ts';

const { provider, told, factOf, reasonOf, detailOf } = dialectOf('adyen', entered, NOW);
const manual = { manualCapture: true };
const with_ = (more: ItemContent): Callback => signed({ ...authorisation, ...more });

/** What the HMAC covers: not the date, the details and whether it is a test. */
const signedPart = ({ events, unlinked = [], links, noticeType, noticeId }: Translation) => {
  const facts = [...events, ...unlinked].map((fact) => [
    fact.kind,
    'linkId' in fact ? fact.linkId : fact.orderNo,
    fact.kind === 'payment' ? fact.status : fact.state,
    fact.kind === 'dispute' ? fact.disputeId : fact.transactionId,
    fact.amount,
  ]);
  return { facts, links, noticeType, noticeId };
};

conformance({
  provider,
  entered,
  stranger: { ...entered, hmacKeys: [OLD_KEY] },
  now: NOW,
  genuine: {
    authorisation: signed(authorisation),
    'authorisation in the payer’s own currency': with_({
      additionalData: { authorisedAmountValue: '2899', authorisedAmountCurrency: 'USD' },
    }),
    'refused authorisation': with_({ success: 'false', reason: 'Refused' }),
    'capture without the order number': signed(modification('CAPTURE')),
    'refund without the order number': signed(modification('REFUND')),
    'chargeback without the order number': signed(modification('CHARGEBACK')),
    'manual review, which only flags': signed(modification('MANUAL_REVIEW_REJECT')),
    'batch of two orders': signed(authorisation, {
      ...authorisation,
      merchantReference: 'TG20260101-0002',
      pspReference: 'NQ5C5Z5Z5Z5Z5Z66',
    }),
  },
  redelivery: {
    callback: with_({ additionalData: { retry: '1' }, eventDate: '2026-01-01T03:34:50+01:00' }),
    now: NOW + 86_400_000,
  },
  rotation: {
    entered: { ...entered, hmacKeys: [OLD_KEY, HMAC_KEY] },
    callbacks: [signed(authorisation), batchOf([signedItem(authorisation, OLD_KEY)])],
  },
  weak: {
    'there is no key': { ...entered, hmacKeys: [] },
    'a key is empty': { ...entered, hmacKeys: [''] },
    'a key is short': { ...entered, hmacKeys: [HMAC_KEY.slice(2)] },
    'a key is no hex': { ...entered, hmacKeys: ['Z'.repeat(64)] },
    'there is no account': { ...entered, merchantAccounts: [] },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [signed(modification('REFUND')), signed(modification('REFUND', { pspReference: 'MOD000000000002' }))],
  linked: {
    payment: signed(authorisation),
    later: {
      capture: signed(modification('CAPTURE')),
      refund: signed(modification('REFUND')),
      'refund that failed': signed(modification('REFUND_FAILED')),
      cancellation: signed(modification('CANCELLATION')),
      chargeback: signed(modification('CHARGEBACK')),
    },
  },
  excused: {
    otherAccount: 'one refused message holds up the queue of the company, so it is acknowledged, kept and shown',
    discounts: 'a message tells of none',
  },
  unsigned: {
    'left out': batchOf([authorisation]),
    empty: batchOf([{ ...authorisation, additionalData: { hmacSignature: '' } }]),
  },
  unknownType: signed(modification('REPORT_AVAILABLE', { amount: { currency: 'EUR', value: 0 } })),
  signedHeaders: [],
  signsValues: true,
  signedPart,
  isDated: false,
  answers: {
    accepted: { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: '[accepted]' },
    refused: { body: '' },
  },
});

describe('a batch', () => {
  const second = { ...authorisation, merchantReference: 'TG20260101-0002', pspReference: 'NQ5C5Z5Z5Z5Z5Z66' };

  it('is proved item by item: a forged one behind a genuine one refuses all of it (pitfall 15)', async () => {
    for (const items of [
      [signedItem(authorisation), signedItem(second, OLD_KEY)],
      [signedItem(second, OLD_KEY), signedItem(authorisation)],
      [signedItem(authorisation), { ...signedItem(second), amount: { currency: 'EUR', value: 1 } }],
      [signedItem(authorisation), { ...second, additionalData: signedItem(authorisation).additionalData }],
      [signedItem(authorisation), second],
    ]) {
      expect(await reasonOf(batchOf(items))).toBe('signature_invalid');
    }
  });

  it('is told in its order', async () => {
    const { events } = await told(signed(second, authorisation));
    expect(events.map(({ orderNo }) => orderNo)).toEqual(['TG20260101-0002', 'TG20260101-0001']);
  });

  it('that is empty proves nothing', async () => {
    expect(await reasonOf(batchOf([]))).toBe('malformed');
  });

  it('with an event code that nobody knows is acknowledged, or it would block the queue (pitfall 15)', async () => {
    const { events, noticeType } = await told(signed(modification('BRAND_NEW'), authorisation));
    expect(events.map(({ orderNo }) => orderNo)).toEqual(['TG20260101-0001']);
    expect(noticeType).toBe('BRAND_NEW, AUTHORISATION');
  });

  it('about another account of the company changes nothing and says so, and is never refused', async () => {
    const other = { ...second, merchantAccountCode: 'AnotherShop' };
    const alone = await told(signed(other));
    expect(alone).toMatchObject({ events: [], unlinked: [], links: [], noticeType: 'AUTHORISATION of AnotherShop' });
    const mixed = await told(signed(other, authorisation));
    expect(mixed.events.map(({ orderNo }) => orderNo)).toEqual(['TG20260101-0001']);
    expect(mixed.links).toEqual([{ id: authorisation.pspReference, orderNo: 'TG20260101-0001' }]);
    expect(mixed.noticeType).toBe('AUTHORISATION of AnotherShop, AUTHORISATION');
  });

  it('of the test environment says so', async () => {
    const { events } = await told(batchOf([signedItem(authorisation)], 'false'));
    expect(events[0]?.test).toBe(true);
    expect((await factOf(signed(authorisation))).test).toBe(false);
  });
});

describe('the signature', () => {
  it('of a known example of the documents holds', async () => {
    // The example of docs.adyen.com, verify HMAC signatures; its key is HMAC_KEY.
    const example = {
      additionalData: { hmacSignature: 'coqCmt/IZ4E3CzPvMY8zTjQVL5hYJUiBRg8UU+iCWo0=' },
      amount: { value: 1130, currency: 'EUR' },
      pspReference: '7914073381342284',
      eventCode: 'AUTHORISATION',
      eventDate: '2019-05-06T17:15:34.121+02:00',
      merchantAccountCode: 'TestMerchant',
      merchantReference: 'TestPayment-1407325143704',
      paymentMethod: 'visa',
      success: 'true',
    };
    const accounts = { merchantAccounts: ['TestMerchant'] };
    expect(await reasonOf(batchOf([example]), accounts)).toBe('accepted');
  });

  it('cannot be moved to other fields that join to the same text', async () => {
    const item = signedItem({ ...authorisation, merchantReference: 'a:b' });
    expect(await reasonOf(batchOf([item]))).toBe('accepted');
    const moved = { ...item, merchantAccountCode: 'TollgateECOM:a', merchantReference: 'b' };
    expect(await reasonOf(batchOf([moved]))).toBe('malformed');
    const shifted = { ...item, pspReference: 'NQ5C5Z5Z5Z5Z5Z65:', originalReference: undefined };
    expect(['malformed', 'signature_invalid']).toContain(await reasonOf(batchOf([shifted])));
  });

  it.each(['', ' ', '=', 'x', 'A'.repeat(44), 'zz', 'é'.repeat(44), 7, null, ['x']])(
    'of garbage is refused and never throws: %j (pitfall 18)',
    async (hmacSignature) => {
      const item = { ...authorisation, additionalData: { hmacSignature } };
      expect(await reasonOf(batchOf([item]))).toBe('signature_invalid');
    },
  );

  it('that is missing is explained to the merchant', async () => {
    expect(await detailOf(batchOf([authorisation]))).toContain('generate an HMAC key');
  });

  it('with an empty key, which anybody can make, is never compared with', async () => {
    expect(await reasonOf(batchOf([signedItem(authorisation, '')]))).toBe('signature_invalid');
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await told(signed(authorisation))).toEqual({
      events: [
        {
          kind: 'payment',
          orderNo: 'TG20260101-0001',
          occurredAt: Date.parse('2026-01-01T02:34:50Z'),
          providerState: 'AUTHORISATION',
          test: false,
          status: 'succeeded',
          transactionId: 'NQ5C5Z5Z5Z5Z5Z65',
          amount: { minor: 2599, currency: 'EUR' },
          method: 'card',
          providerMethod: 'visa',
          payer: { id: 'shopper-17', idType: 'shopperReference', account: 'payer@example.com', name: 'E. Mustermann' },
          attach: '{"basket":"b-17"}',
        },
      ],
      unlinked: [],
      links: [{ id: 'NQ5C5Z5Z5Z5Z5Z65', orderNo: 'TG20260101-0001' }],
      noticeType: 'AUTHORISATION',
      noticeId: 'NQ5C5Z5Z5Z5Z5Z65 AUTHORISATION true',
    });
  });

  it('succeeds by the text "true" and by nothing else: "false" is a failure (pitfall 15)', async () => {
    expect(await factOf(with_({ success: 'false' }))).toMatchObject({ status: 'failed' });
    for (const success of ['TRUE', '1', '', 'yes']) {
      expect((await told(with_({ success }))).events).toEqual([]);
    }
    expect(await reasonOf(with_({ success: true }))).toBe('malformed');
  });

  it('that is captured by hand is pending until it is, and each capture counts by itself', async () => {
    expect(await factOf(signed(authorisation), manual)).toMatchObject({ status: 'pending' });
    const captures = [
      signed(modification('CAPTURE')),
      signed(modification('CAPTURE', { pspReference: 'MOD2', amount: { currency: 'EUR', value: 1599 } })),
    ];
    const facts = await Promise.all(captures.map((callback) => factOf(callback, manual)));
    expect(facts).toMatchObject([
      { status: 'succeeded', transactionId: 'MOD000000000001', amount: { minor: 1000 }, linkId: 'NQ5C5Z5Z5Z5Z5Z65' },
      { status: 'succeeded', transactionId: 'MOD2', amount: { minor: 1599 }, linkId: 'NQ5C5Z5Z5Z5Z5Z65' },
    ]);
  });

  it('that is captured at once is one fact, authorised or captured', async () => {
    const captured = await factOf(signed(modification('CAPTURE', { amount: authorisation.amount })));
    const whole = factKey({ ...captured, orderNo: 'TG20260101-0001' });
    expect(whole).toBe(factKey({ ...(await factOf(signed(authorisation))), orderNo: 'TG20260101-0001' }));
  });

  it.each([
    ['PENDING', 'pending'],
    ['OFFER_CLOSED', 'failed'],
  ])('of which %s is told is %s', async (eventCode, status) => {
    expect(await factOf(with_({ eventCode }))).toMatchObject({ status, orderNo: 'TG20260101-0001' });
  });

  it.each(['CANCELLATION', 'TECHNICAL_CANCEL', 'EXPIRE'])('that ended by %s is closed, or given back', async (code) => {
    expect(await factOf(signed(modification(code)), manual)).toMatchObject({ kind: 'payment', status: 'closed' });
    expect(await factOf(signed(modification(code)))).toMatchObject({ kind: 'refund', state: 'succeeded' });
  });

  it('of nothing, which only keeps or checks a card, is none', async () => {
    const nothing = await told(with_({ amount: { currency: 'EUR', value: 0 } }));
    expect([...nothing.events, ...(nothing.unlinked ?? [])]).toEqual([]);
  });

  it.each([
    { fraudManualReview: 'true' },
    { fraudManualReview: 'true', fraudResultType: 'GREEN' },
    { fraudManualReview: 'false', fraudResultType: 'AMBER' },
    { fraudResultType: 'RED' },
    { fraudResultType: 'FRAUD' },
  ])('that Adyen doubts is flagged: %j', async (additionalData) => {
    const fact = await factOf(with_({ additionalData }));
    expect(fact).toMatchObject({ status: 'succeeded', flags: ['risk_review'] });
    const captured = await factOf(signed(modification('CAPTURE', { additionalData })), manual);
    expect(captured).toMatchObject({ status: 'succeeded', flags: ['risk_review'] });
  });

  it.each([{ fraudManualReview: 'false', fraudResultType: 'GREEN' }, { fraudResultType: 'green' }, {}])(
    'that Adyen does not doubt is not: %j',
    async (additionalData) => {
      expect(await factOf(with_({ additionalData }))).not.toHaveProperty('flags');
    },
  );

  it('says what the payer’s bank let go, where Adyen tells it', async () => {
    const told = (value: string, currency = 'USD') => ({
      authorisedAmountValue: value,
      authorisedAmountCurrency: currency,
    });
    const fact = async (additionalData: object, success = 'true') => factOf(with_({ additionalData, success }));
    expect(await fact(told('2899'))).toMatchObject({
      amount: { minor: 2599, currency: 'EUR' },
      payerAmount: { minor: 2899, currency: 'USD' },
    });
    expect(await fact(told('5000', 'ISK'))).toMatchObject({ payerAmount: { minor: 50, currency: 'ISK' } });
    for (const odd of [told('28.99'), told(''), told('-1'), told('2899', 'dollars'), { authorisedAmountValue: '1' }]) {
      expect(await fact(odd)).not.toHaveProperty('payerAmount');
    }
    expect(await fact(told('2899'), 'false')).not.toHaveProperty('payerAmount');
  });

  it.each([
    ['JPY', 500, { minor: 500, currency: 'JPY' }],
    ['KWD', 1230, { minor: 1230, currency: 'KWD' }],
    ['ISK', 50_000, { minor: 500, currency: 'ISK' }],
    ['CLP', 50_000, { minor: 500, currency: 'CLP' }],
    ['CLP', 50_050, null],
    ['IDR', 15_000, { minor: 1_500_000, currency: 'IDR' }],
    ['euro', 100, null],
  ])('in %s of %i is counted in our minor units (pitfall 10)', async (currency, value, amount) => {
    expect(await factOf(with_({ amount: { currency, value } }))).toMatchObject({ amount });
  });

  it.each(['', 'a b', 'x'.repeat(65), 'naïve', undefined])(
    'whose reference can be no order number waits for a person and blocks nothing: %j',
    async (merchantReference) => {
      const { events, unlinked, links } = await told(with_({ merchantReference }));
      expect([events, links]).toEqual([[], []]);
      expect(unlinked).toMatchObject([{ linkId: 'NQ5C5Z5Z5Z5Z5Z65', status: 'succeeded' }]);
    },
  );

  it('survives details and dates that cannot be read', async () => {
    const { hmacSignature } = signedItem(authorisation).additionalData as { hmacSignature: string }; // just signed
    const odd = { additionalData: { hmacSignature, 'metadata.x': 7, shopperEmail: null }, eventDate: 'yesterday' };
    const fact = await factOf(batchOf([{ ...authorisation, ...odd, paymentMethod: 7, reason: [] }]));
    expect(fact).toMatchObject({ status: 'succeeded', occurredAt: NOW });
    expect(fact).not.toHaveProperty('attach');
  });

  it.each([
    ['visa_applepay', 'wallet'],
    ['mc', 'card'],
    ['ideal', 'bank_transfer'],
    ['klarna_paynow', 'pay_later'],
    ['sepadirectdebit', 'bank_debit'],
  ])('by %s is by %s', async (paymentMethod, method) => {
    expect(await factOf(with_({ paymentMethod }))).toMatchObject({ method, providerMethod: paymentMethod });
  });
});

describe('a verdict of risk is the flag risk_review', () => {
  const { originalReference: _, ...own } = modification('MANUAL_REVIEW_REJECT', { pspReference: 'NQ5C5Z5Z5Z5Z5Z65' });
  const flag = { kind: 'flag', flag: 'risk_review', linkId: 'NQ5C5Z5Z5Z5Z5Z65', test: false };

  it.each(['MANUAL_REVIEW_ACCEPT', 'MANUAL_REVIEW_REJECT', 'NOTIFICATION_OF_FRAUD'])(
    'found by the payment: %s',
    async (eventCode) => {
      const { events, unlinked, unlinkedFlags, links } = await told(signed(modification(eventCode)));
      expect([events, unlinked, links]).toEqual([[], [], []]);
      expect(unlinkedFlags).toEqual([
        {
          ...flag,
          about: 'MOD000000000001',
          providerState: eventCode,
          occurredAt: Date.parse('2026-01-02T09:00:00Z'),
        },
      ]);
    },
  );

  it('whether it names the payment as its original or is known by the payment’s own reference', async () => {
    for (const item of [own, { ...own, originalReference: '' }]) {
      const { unlinkedFlags } = await told(signed(item));
      expect(unlinkedFlags).toMatchObject([{ ...flag, about: 'NQ5C5Z5Z5Z5Z5Z65' }]);
    }
  });

  it('and none where the account is another’s, or nothing was decided', async () => {
    expect(await told(signed({ ...own, merchantAccountCode: 'AnotherShop' }))).not.toHaveProperty('unlinkedFlags');
    expect(await told(signed({ ...own, success: 'false' }))).not.toHaveProperty('unlinkedFlags');
  });
});

describe('a modification', () => {
  it('is found by the payment, though it carries a reference of its own', async () => {
    const { events, unlinked } = await told(signed(modification('REFUND')));
    expect(events).toEqual([]);
    expect(unlinked).toMatchObject([
      {
        kind: 'refund',
        linkId: 'NQ5C5Z5Z5Z5Z5Z65',
        state: 'succeeded',
        refundNo: 'MOD000000000001',
        transactionId: 'NQ5C5Z5Z5Z5Z5Z65',
        amount: { minor: 1000, currency: 'EUR' },
      },
    ]);
  });

  it.each([
    ['REFUND', 'false', 'failed'],
    ['REFUND_FAILED', 'true', 'failed'],
    ['REFUNDED_REVERSED', 'true', 'failed'],
    ['POSTPONED_REFUND', 'true', 'pending'],
    ['CAPTURE_FAILED', 'true', 'succeeded'],
  ])('%s with success %s is a refund that is %s', async (eventCode, success, state) => {
    expect(await factOf(signed(modification(eventCode, { success })))).toMatchObject({ kind: 'refund', state });
  });

  it('of which only Adyen knows whether it cancels or refunds goes by its action', async () => {
    const by = (action?: string) =>
      signed(modification('CANCEL_OR_REFUND', { additionalData: action ? { 'modification.action': action } : {} }));
    expect(await factOf(by('refund'), manual)).toMatchObject({ kind: 'refund', state: 'succeeded' });
    expect(await factOf(by('cancel'), manual)).toMatchObject({ kind: 'payment', status: 'closed' });
    expect((await told(by())).unlinked).toEqual([]);
  });

  it('that Adyen could not do changes nothing', async () => {
    for (const code of ['CAPTURE', 'CANCELLATION', 'EXPIRE', 'CHARGEBACK', 'CANCEL_OR_REFUND']) {
      expect((await told(signed(modification(code, { success: 'false' })))).unlinked).toEqual([]);
    }
  });

  it('without the payment that it modifies is acknowledged and kept', async () => {
    expect(await told(signed(modification('REFUND', { originalReference: undefined })))).toMatchObject({
      events: [],
      unlinked: [],
    });
  });
});

describe('a dispute', () => {
  it.each([
    ['REQUEST_FOR_INFORMATION', '', 'open'],
    ['NOTIFICATION_OF_CHARGEBACK', 'Undefended', 'open'],
    ['CHARGEBACK', 'Pending', 'open'],
    ['CHARGEBACK', 'Accepted', 'lost'],
    ['DISPUTE_DEFENSE_PERIOD_ENDED', 'Expired', 'lost'],
    ['CHARGEBACK_REVERSED', 'Pending', 'won'],
    ['PREARBITRATION_WON', 'Won', 'won'],
    ['SECOND_CHARGEBACK', 'Lost', 'lost'],
    ['PREARBITRATION_LOST', 'Lost', 'lost'],
  ])('of which %s (%s) is told is %s', async (eventCode, disputeStatus, state) => {
    const fact = await factOf(signed(modification(eventCode, { additionalData: { disputeStatus } })));
    expect(fact).toMatchObject({ kind: 'dispute', state, disputeId: 'MOD000000000001', linkId: 'NQ5C5Z5Z5Z5Z5Z65' });
  });
});

it('is tried again for thirty days', () => {
  const seconds = provider.retryScheduleSeconds.reduce((sum, wait) => sum + wait, 0);
  expect(Math.round(seconds / 86_400)).toBe(30);
});
