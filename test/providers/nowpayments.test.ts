// NOWPayments: the conformance suite, and the pitfalls of a signature over sorted JSON.
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey, type PaymentEvent } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import { callbackOf, entered, hmacOf, IPN_SECRET, NOW, payment, signed } from '../fixtures/nowpayments/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('nowpayments');
if (provider === null) throw new Error('nowpayments is not registered');

conformance({
  provider,
  entered,
  stranger: { ipnSecret: 'another-secret-of-another-shop' },
  now: NOW,
  genuine: {
    'payment finished': signed(payment()),
    'payment waiting': signed(payment({ payment_status: 'waiting', actually_paid: 0 })),
    'payment refunded': signed(payment({ payment_status: 'refunded' })),
  },
  redelivery: {
    callback: { ...signed(payment({ outcome_amount: 14.9 })), receivedAt: NOW + 86_400_000 },
    now: NOW + 86_400_000,
  },
  replacement: {
    entered: { ...entered, ipnSecret: 'the-next-secret-of-this-shop' },
    callback: signed(payment(), 'the-next-secret-of-this-shop'),
    third: signed(payment(), 'a-third-secret-of-nobody'),
  },
  weak: {
    'the secret is empty': { ipnSecret: '' },
    'the secret is short': { ipnSecret: 'short' },
    'the API key is short': { ...entered, apiKey: 'x' },
  },
  excused: {
    partialRefunds: 'a refund is a state of the payment: no notice tells how much, or which of two it is',
    linked: 'every notice holds its whole payment',
    otherAccount: 'a notice names no account',
    payer: 'a notice tells nothing of who paid',
    payerAmount: 'what was paid is told in coins; of its worth (actually_paid_at_fiat) no document tells the currency',
    discounts: 'crypto payments have none',
  },
  unknownType: signed({ id: '123456789', status: 'CREATING', currency: 'usdttrc20', amount: '50' }),
  signedHeaders: ['x-nowpayments-sig'],
  signsValues: true,
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

const credentials = provider.credentials.parse(entered);

async function read(callback: Callback) {
  const notice = await provider?.verify(callback, credentials, [], NOW);
  if (!notice?.ok) return { reason: notice?.error.reason ?? '', detail: notice?.error.detail ?? '', events: [] };
  const translated = provider?.translate(notice.value, credentials);
  if (!translated?.ok) return { reason: translated?.error.reason ?? '', detail: translated?.error.detail, events: [] };
  return { reason: 'accepted', detail: '', events: translated.value.events };
}

async function eventOf(changes: object = {}): Promise<PaymentEvent> {
  const { events, detail } = await read(signed(payment(changes)));
  const [event] = events;
  if (event === undefined) throw new Error(`no event: ${detail}`);
  return event;
}

describe('the signature', () => {
  it('covers the content in the order of its names, in whatever order it came', async () => {
    const callback = signed(payment());
    const reversed = JSON.stringify(Object.fromEntries(Object.entries(payment()).reverse()), null, 2);
    expect((await read({ ...callback, body: new TextEncoder().encode(reversed) })).reason).toBe('accepted');
  });

  it('covers what is nested too: sorting by the names of the outside alone would leave it out', async () => {
    const fee = { currency: 'btc', depositFee: 9 };
    const changed = JSON.stringify(payment({ fee }));
    expect((await read({ ...signed(payment()), body: new TextEncoder().encode(changed) })).reason).toBe(
      'signature_invalid',
    );
    const names = Object.keys(payment()).sort();
    const outside = hmacOf(JSON.stringify(payment(), names));
    expect((await read(callbackOf(JSON.stringify(payment()), outside))).reason).toBe('signature_invalid');
  });

  it.each(['170', '170.0', '1e-7', '0.0000001', '12345678901234567890', '1E5'])(
    'covers a number as it was written: %s (pitfall 1)',
    async (number) => {
      const text = `{"payment_id":"1","payment_status":"finished","z":${number},"a":{"y":${number},"b":[${number}]}}`;
      const sorted = `{"a":{"b":[${number}],"y":${number}},"payment_id":"1","payment_status":"finished","z":${number}}`;
      expect((await read(callbackOf(text, hmacOf(sorted)))).reason).toBe('accepted');
      const other = text.replace(`"z":${number}`, `"z":${number}0`);
      expect((await read(callbackOf(other, hmacOf(sorted)))).reason).toBe('signature_invalid');
    },
  );

  it('covers lists, as lists or as the objects that the documents’ own code makes of them', async () => {
    const text = '{"payment_status":"finished","payment_id":1,"payment_extra_ids":[7,{"b":1,"a":2}]}';
    for (const ids of ['[7,{"a":2,"b":1}]', '{"0":7,"1":{"a":2,"b":1}}']) {
      const sorted = `{"payment_extra_ids":${ids},"payment_id":1,"payment_status":"finished"}`;
      expect((await read(callbackOf(text, hmacOf(sorted)))).reason).toBe('accepted');
    }
  });

  it('takes slashes and Chinese as they are, however the body spells them', async () => {
    const escaped = JSON.stringify(payment()).replaceAll('/', '\\/').replace('咖', '\\u5496');
    expect((await read({ ...signed(payment()), body: new TextEncoder().encode(escaped) })).reason).toBe('accepted');
  });

  it('of a body that is nested too deeply, or no object, is refused and does not throw', async () => {
    for (const text of ['[]', 'null', '"x"', '7', `{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`]) {
      expect((await read(callbackOf(text, hmacOf(text)))).reason).toBe('signature_invalid');
    }
  });

  it.each(['zz', 'abc', '00'.repeat(64)])(
    'that is %s is refused, and no refusal tells the secret (pitfall 18)',
    async (signature) => {
      const { reason, detail } = await read(callbackOf(JSON.stringify(payment()), signature));
      expect(reason).toBe('signature_invalid');
      expect(detail).not.toContain(IPN_SECRET);
    },
  );
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await eventOf()).toEqual({
      kind: 'payment',
      orderNo: 'TG20260101-0001',
      occurredAt: NOW,
      providerState: 'finished',
      test: false,
      status: 'succeeded',
      transactionId: '5745459419',
      amount: { minor: 1250, currency: 'USD' },
      method: 'crypto',
      providerMethod: 'usdttrc20',
      received: { amount: '15.75', asset: 'usdttrc20', network: 'trx' },
      attach: '咖啡 / table 7',
    });
  });

  it.each([
    ['waiting', 'pending'],
    ['confirming', 'pending'],
    ['confirmed', 'pending'],
    ['sending', 'pending'],
    ['partially_paid', 'pending'],
    ['finished', 'succeeded'],
    ['failed', 'failed'],
    ['expired', 'closed'],
  ])('in the state %s is %s: confirmed on the chain is not yet paid', async (payment_status, status) => {
    expect(await eventOf({ payment_status })).toMatchObject({ kind: 'payment', status, providerState: payment_status });
  });

  it('that was paid in part says so, and is not hidden by an earlier pending', async () => {
    const part = await eventOf({ payment_status: 'partially_paid', actually_paid: 3 });
    expect(part).toMatchObject({ status: 'pending', flags: ['underpaid'], received: { amount: '3' } });
    expect(factKey(part)).not.toBe(factKey(await eventOf({ payment_status: 'confirming' })));
  });

  it.each([
    ['15.75', '15.75', []],
    ['15.750', '15.75', []],
    ['20', '15.75', []],
    ['15.7499999999999999999', '15.75', ['underpaid']],
    ['1e-7', '0.0000002', ['underpaid']],
    ['9', '10', ['underpaid']],
  ])('that is finished with %s of %s carries %o', async (paid, asked, flags) => {
    const event = await eventOf({ actually_paid: paid, pay_amount: asked });
    expect(event).toMatchObject({ status: 'succeeded' });
    expect(event).toEqual(
      flags.length > 0 ? expect.objectContaining({ flags }) : expect.not.objectContaining({ flags }),
    );
  });

  it('sent again to an old address wants a person', async () => {
    expect(await eventOf({ parent_payment_id: 987654321 })).toMatchObject({ flags: ['risk_review'] });
  });

  it.each([
    ['0.29', 'usd', 29],
    ['500', 'jpy', 500],
    ['12.50', 'eur', 1_250],
    ['1e1', 'usd', 1_000],
  ])('of %s %s is worth %i minor units: digits are read, no float is made (pitfall 10)', async (price, unit, minor) => {
    const text = `{"payment_id":1,"payment_status":"finished","price_amount":${price},"price_currency":"${unit}"}`;
    const { events } = await read(callbackOf(text, hmacOf(text)));
    expect(events).toMatchObject([{ amount: { minor, currency: unit.toUpperCase() } }]);
  });

  it('priced in coins, or below nothing, has no amount that could be counted', async () => {
    for (const odd of [
      { price_currency: 'usdttrc20' },
      { price_currency: 'btc', price_amount: 0.00012 },
      { price_amount: 0 },
      { price_amount: -5 },
      { price_amount: 28.999999999999996 },
      { price_amount: null },
    ]) {
      expect(await eventOf(odd)).toMatchObject({ status: 'succeeded', amount: null });
    }
  });

  it('has an id whose digits are all kept', async () => {
    const text = '{"payment_id":12345678901234567890,"payment_status":"finished"}';
    const { events } = await read(callbackOf(text, hmacOf(text)));
    expect(events).toMatchObject([{ transactionId: '12345678901234567890', orderNo: '12345678901234567890' }]);
  });

  it('with an id that could leave a path, or without a state, is malformed', async () => {
    for (const [field, value] of [
      ['payment_id', '../1'],
      ['payment_id', ''],
      ['payment_status', undefined],
    ] as const) {
      const { reason, detail } = await read(signed(payment({ [field]: value })));
      expect(reason).toBe('malformed');
      expect(detail).toContain(field);
    }
    expect((await read(signed(payment({ order_id: 'x'.repeat(65) })))).reason).toBe('malformed');
  });

  it('in a state that nobody documents changes nothing', async () => {
    expect(await read(signed(payment({ payment_status: 'new_word' })))).toMatchObject({
      reason: 'accepted',
      events: [],
    });
  });
});

describe('a refund', () => {
  it('is the whole payment’s, under its id', async () => {
    expect(await eventOf({ payment_status: 'refunded' })).toEqual({
      kind: 'refund',
      orderNo: 'TG20260101-0001',
      occurredAt: NOW,
      providerState: 'refunded',
      test: false,
      state: 'succeeded',
      refundNo: '5745459419',
      providerRefundId: null,
      transactionId: '5745459419',
      amount: { minor: 1250, currency: 'USD' },
    });
  });

  it('of what had no price in a currency is kept and not guessed', async () => {
    const callback = signed(payment({ payment_status: 'refunded', price_currency: 'usdttrc20' }));
    expect(await read(callback)).toMatchObject({ reason: 'accepted', events: [] });
  });
});

describe('asking about a payment', () => {
  const context = { now: NOW, nonce: 'n' };
  const readAnswer = (status: number, content: unknown) => {
    const body = new TextEncoder().encode(JSON.stringify(content));
    const target = { transactionId: '5745459419' };
    return provider.query?.read({ status, headers: {}, body }, target, credentials, [], NOW);
  };

  it('names its id, with the key', async () => {
    expect(await provider.query?.request({ transactionId: '5745459419' }, credentials, context)).toMatchObject({
      ok: true,
      value: {
        url: 'https://api.nowpayments.io/v1/payment/5745459419',
        headers: { 'x-api-key': entered.apiKey },
      },
    });
    for (const target of [{}, { orderNo: 'A' }, { transactionId: '1/../x' }]) {
      expect(await provider.query?.request(target, credentials, context)).toMatchObject({ error: { code: 'refused' } });
    }
    const without = provider.credentials.parse({ ipnSecret: IPN_SECRET });
    expect(await provider.query?.request({ transactionId: '1' }, without, context)).toMatchObject({
      error: { code: 'not_configured' },
    });
  });

  it('is answered with the same fact as the notice’s, and with its time', async () => {
    const told = await readAnswer(200, payment({ updated_at: '2026-01-01T09:30:00.000Z' }));
    if (!told?.ok) throw new Error(told?.error.detail);
    expect(told.value.events.map(factKey)).toEqual([factKey(await eventOf())]);
    expect(told.value.events[0]?.occurredAt).toBe(Date.parse('2026-01-01T09:30:00Z'));
  });

  it('believes no answer about another payment, and tells trouble from a refusal', async () => {
    expect(await readAnswer(200, payment({ payment_id: 1 }))).toMatchObject({ error: { code: 'malformed' } });
    expect(await readAnswer(200, {})).toMatchObject({ error: { code: 'malformed' } });
    expect(await readAnswer(404, {})).toMatchObject({ ok: true, value: { events: [] } });
    expect(await readAnswer(403, {})).toMatchObject({ error: { code: 'refused' } });
    expect(await readAnswer(500, {})).toMatchObject({ error: { code: 'unavailable' } });
  });
});

it('is answered before its three seconds are over', () => {
  expect(provider.ackDeadlineMs).toBeLessThan(3_000);
});
