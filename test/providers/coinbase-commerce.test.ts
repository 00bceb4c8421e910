// Coinbase Commerce: the conformance suite, and the pitfalls of crypto charges.
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey, type PaymentFact } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import confirmed from '../fixtures/coinbase-commerce/confirmed.json' with { type: 'json' };
import legacy from '../fixtures/coinbase-commerce/legacy.json' with { type: 'json' };
import { entered, NOW, SHARED_SECRET, signed, webhook } from '../fixtures/coinbase-commerce/merchant.ts';
import { conformance } from './conformance.ts';
import { dialectOf } from './dialect.ts';

const provider = providerOf('coinbase-commerce');
if (provider === null) throw new Error('coinbase-commerce is not registered');

conformance({
  provider,
  entered,
  stranger: { sharedSecret: 'another-secret-of-another-shop-123' },
  now: NOW,
  genuine: {
    'charge confirmed': signed(confirmed),
    'charge created': signed(webhook('charge:created')),
    'charge failed': signed(webhook('charge:failed')),
    'older charge, resolved by hand': signed(legacy),
  },
  redelivery: {
    callback: signed(webhook('charge:confirmed', {}, { id: 'another', attempt_number: 7 })),
    now: NOW + 86_400_000,
  },
  replacement: {
    entered: { ...entered, sharedSecret: 'the-next-secret-of-this-shop-12345' },
    callback: signed(confirmed, 'the-next-secret-of-this-shop-12345'),
    third: signed(confirmed, 'a-third-secret-of-nobody-123456789'),
  },
  weak: {
    'the secret is empty': { sharedSecret: '' },
    'the secret is short': { sharedSecret: 'short' },
    'a field is unknown': { ...entered, secret: 'x' },
    'the API key is short': { ...entered, apiKey: 'x' },
    'the path is no path': { ...entered, orderNoPath: '__proto__[0]' },
  },
  excused: {
    partialRefunds: 'refunds are made from a wallet, and no webhook tells of them',
    linked: 'every webhook holds its whole charge',
    otherAccount: 'a webhook names no account',
    payerAmount: 'what was paid is told in coins, and shown as received',
    discounts: 'crypto payments have none',
  },
  unknownType: signed(webhook('invoice:viewed', { nothing: 'here' })),
  signedHeaders: ['x-cc-webhook-signature'],
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

const credentials = provider.credentials.parse(entered);

async function read(callback: Callback, given: unknown = credentials) {
  const notice = await provider?.verify(callback, given, [], NOW);
  if (!notice?.ok) return { reason: notice?.error.reason ?? '', detail: notice?.error.detail ?? '', events: [] };
  const translated = provider?.translate(notice.value, given);
  if (!translated?.ok) return { reason: translated?.error.reason ?? '', detail: translated?.error.detail, events: [] };
  return { reason: 'accepted', detail: '', events: translated.value.events };
}

async function factOf(content: unknown, given: unknown = credentials): Promise<PaymentFact> {
  const { events, detail } = await read(signed(content), given);
  const [event] = events;
  if (event?.kind !== 'payment') throw new Error(`no payment: ${detail}`);
  return event;
}

describe('the signature', () => {
  it('is taken over the raw bytes: a body written anew is refused (pitfall 1)', async () => {
    const indented = JSON.stringify(confirmed, null, 2);
    expect((await read(signed(indented))).reason).toBe('accepted');
    const again = { ...signed(indented), body: new TextEncoder().encode(JSON.stringify(confirmed)) };
    expect((await read(again)).reason).toBe('signature_invalid');
  });

  it.each(['zz', 'a', '00', SHARED_SECRET, '00'.repeat(32), '00'.repeat(33)])(
    'that is %s is refused (pitfall 18)',
    async (value) => {
      const callback = signed(confirmed);
      const forged = { ...callback, headers: { ...callback.headers, 'x-cc-webhook-signature': value } };
      const { reason, detail } = await read(forged);
      expect(reason).toBe('signature_invalid');
      expect(detail).not.toContain(SHARED_SECRET);
    },
  );

  it('of an empty key, which anybody can make, is never compared with', async () => {
    expect((await read(signed(confirmed, ''))).reason).toBe('signature_invalid');
  });
});

describe('a charge', () => {
  it('is told in our words, whole', async () => {
    expect(await factOf(confirmed)).toEqual({
      kind: 'payment',
      orderNo: 'TG20260101-0001',
      occurredAt: Date.parse('2026-01-01T10:02:00Z'),
      providerState: 'COMPLETED',
      test: false,
      status: 'succeeded',
      transactionId: 'XA6G6ZFR',
      amount: { minor: 1250, currency: 'USD' },
      method: 'crypto',
      providerMethod: 'base',
      received: { amount: '12.5', asset: 'USDC', network: 'base' },
      payer: { id: '0x1230d0123b99e12345a6d7bde89fddc1a123bdf4', idType: 'address' },
      attach: '{"order_id":"TG20260101-0001","note":"咖啡 / table 7"}',
    });
  });

  it.each([
    ['charge:created', 'pending'],
    ['charge:pending', 'pending'],
    ['charge:confirmed', 'succeeded'],
    ['charge:resolved', 'succeeded'],
    ['charge:delayed', 'pending'],
    ['charge:failed', 'closed'],
  ])('of the type %s is %s: seen on the chain is not yet paid', async (type, status) => {
    expect(await factOf(webhook(type))).toMatchObject({ status });
  });

  it('counts its price and never what the coins were worth', async () => {
    expect(await factOf(legacy)).toMatchObject({
      status: 'succeeded',
      amount: { minor: 10_000, currency: 'USD' },
      received: { amount: '0.00095000', asset: 'BTC', network: 'bitcoin' },
      flags: ['underpaid'],
      orderNo: '7C7V5ECK',
      transactionId: '7C7V5ECK',
    });
  });

  it('that was paid in part is pending and says so, not closed and not hidden by an earlier pending', async () => {
    const timeline = legacy.event.data.timeline.slice(0, 3);
    const part = await factOf(webhook('charge:failed', { timeline }));
    expect(part).toMatchObject({ status: 'pending', flags: ['underpaid'], providerState: 'UNRESOLVED' });
    expect(factKey(part)).not.toBe(factKey(await factOf(webhook('charge:pending'))));
  });

  it.each([
    ['OVERPAID', 'overpaid'],
    ['DELAYED', 'late_payment'],
    ['MULTIPLE', 'risk_review'],
    ['MANUAL', 'risk_review'],
  ])('that was unresolved as %s carries the flag %s', async (context, flag) => {
    const timeline = [...confirmed.event.data.timeline, { status: 'UNRESOLVED', context }];
    expect(await factOf(webhook('charge:resolved', { timeline }))).toMatchObject({ flags: [flag] });
  });

  it('that came late is flagged also without a timeline', async () => {
    expect(await factOf(webhook('charge:delayed', { timeline: null }))).toMatchObject({ flags: ['late_payment'] });
  });

  it('with two payments shows one of them and adds nothing up', async () => {
    const [one] = confirmed.event.data.payments;
    const two = { ...one, value: { crypto: { amount: '1', currency: 'USDC' } } };
    const fact = await factOf(webhook('charge:confirmed', { payments: [one, two] }));
    expect(fact).toMatchObject({ amount: { minor: 1250 }, received: { amount: '1', asset: 'USDC' } });
  });

  it('without a price is worth what its only payment was, and with two of them is not guessed', async () => {
    const [one] = confirmed.event.data.payments;
    const free = { pricing_type: 'no_price', pricing: undefined };
    expect(await factOf(webhook('charge:confirmed', free))).toMatchObject({ amount: { minor: 1250 } });
    expect(await factOf(webhook('charge:confirmed', { ...free, payments: [one, one] }))).toMatchObject({
      amount: null,
    });
  });

  it('that is priced in coins has no amount that could be counted', async () => {
    const pricing = { local: { amount: '0.00100000', currency: 'ETH' } };
    expect(await factOf(webhook('charge:confirmed', { pricing }))).toMatchObject({ amount: null });
  });

  it('is worth whole minor units: no float rounds it (pitfall 10)', async () => {
    const pricing = { local: { amount: '0.29', currency: 'USD' } };
    expect(await factOf(webhook('charge:confirmed', { pricing }))).toMatchObject({ amount: { minor: 29 } });
    const yen = { local: { amount: '500', currency: 'JPY' } };
    expect(await factOf(webhook('charge:confirmed', { pricing: yen }))).toMatchObject({ amount: { minor: 500 } });
  });

  it('survives payments and times that cannot be read', async () => {
    const fact = await factOf(webhook('charge:confirmed', { payments: [null, 7, { network: 5 }], timeline: null }));
    expect(fact).toMatchObject({ status: 'succeeded', occurredAt: Date.parse('2026-01-01T10:14:20Z') });
    expect(fact).not.toHaveProperty('received');
  });

  it('takes its order number from where the merchant put it, and its code where there is none', async () => {
    const elsewhere = provider.credentials.parse({ ...entered, orderNoPath: 'metadata.cart.number' });
    const metadata = { cart: { number: 4711 } };
    expect((await factOf(webhook('charge:confirmed', { metadata }), elsewhere)).orderNo).toBe('4711');
    for (const odd of [undefined, null, 'text', [], {}, { order_id: '' }, { order_id: ['x'] }, { order_id: 1.5 }]) {
      expect((await factOf(webhook('charge:confirmed', { metadata: odd }))).orderNo).toBe('XA6G6ZFR');
    }
    const long = await read(signed(webhook('charge:confirmed', { metadata: { order_id: 'x'.repeat(65) } })));
    expect(long).toMatchObject({ reason: 'malformed', detail: expect.stringContaining('metadata.order_id') });
  });
});

describe('an authentic webhook that cannot be read', () => {
  it.each(['', 'null', '[]', '{}', 'not json', '{"event":{}}', '{"event":{"id":"1","type":"charge:confirmed"}}'])(
    'is malformed: %s',
    async (text) => {
      expect((await read(signed(text))).reason).toBe('malformed');
    },
  );

  it('names the field that is missing', async () => {
    const { reason, detail } = await read(signed(webhook('charge:confirmed', { code: undefined })));
    expect(reason).toBe('malformed');
    expect(detail).toContain('code');
  });
});

it('is tried again for three days', () => {
  const seconds = provider.retryScheduleSeconds.reduce((sum, wait) => sum + wait, 0);
  expect(Math.round(seconds / 86_400)).toBe(3);
  expect(Math.max(...provider.retryScheduleSeconds)).toBe(3_600);
});

describe('a query', () => {
  const apiKey = '00000000-1111-2222-3333-444444444444';
  const { ask, answer } = dialectOf('coinbase-commerce', { ...entered, apiKey }, NOW);
  const charge = confirmed.event.data;
  const target = { transactionId: charge.code };
  const toldOf = async (changes: object) => {
    const told = await answer(200, { data: { ...charge, ...changes } }, target);
    if (!told.ok) throw new Error(told.error.detail);
    return told.value.events;
  };
  const ending = (status: string, context?: string) => ({
    timeline: [...charge.timeline.slice(0, 3), { status, context, time: '2026-01-01T10:14:19Z' }],
  });

  it('names the charge by code or id, with key and version', async () => {
    for (const asked of [{ transactionId: 'XA6G6ZFR' }, { reference: 'XA6G6ZFR' }, { orderNo: 'XA6G6ZFR' }]) {
      expect(await ask(asked)).toEqual({
        ok: true,
        value: {
          method: 'GET',
          url: 'https://api.commerce.coinbase.com/charges/XA6G6ZFR',
          headers: { accept: 'application/json', 'x-cc-api-key': apiKey, 'x-cc-version': '2018-03-22' },
          body: null,
        },
      });
    }
    expect(await ask({ reference: charge.id, transactionId: 'XA6G6ZFR' })).toMatchObject({
      value: { url: `https://api.commerce.coinbase.com/charges/${charge.id}` },
    });
  });

  it('without a key, or for what is no charge, says what to do', async () => {
    expect(await ask(target, { apiKey: undefined })).toMatchObject({ error: { code: 'not_configured' } });
    for (const odd of [{}, { orderNo: 'A-1001' }, { transactionId: '../charges' }, { reference: 'a/b?c=d' }]) {
      expect(await ask(odd)).toMatchObject({ ok: false, error: { code: 'refused' } });
    }
  });

  it('tells of a confirmed charge the fact that its webhook told', async () => {
    const [fact, ...more] = await toldOf({});
    expect(fact).toEqual(await factOf(confirmed));
    expect(more).toEqual([]);
    expect(await answer(200, { data: charge }, { reference: charge.id })).toMatchObject({ value: { events: [fact] } });
  });

  it.each([
    ['NEW', 'pending'],
    ['SIGNED', 'pending'],
    ['PENDING', 'pending'],
    ['COMPLETED', 'succeeded'],
    ['RESOLVED', 'succeeded'],
    ['EXPIRED', 'closed'],
    ['CANCELED', 'closed'],
  ])('of a charge whose last state is %s tells %s', async (state, status) => {
    expect(await toldOf(ending(state))).toMatchObject([{ status, providerState: state, transactionId: 'XA6G6ZFR' }]);
  });

  it('of an unresolved charge leaves it pending, with why', async () => {
    expect(await toldOf(ending('UNRESOLVED', 'UNDERPAID'))).toMatchObject([
      { status: 'pending', flags: ['underpaid'] },
    ]);
    expect(await toldOf(ending('UNRESOLVED', 'DELAYED'))).toMatchObject([
      { status: 'pending', flags: ['late_payment'] },
    ]);
  });

  it('of a state that nobody documents, or of a charge that is not there, tells nothing', async () => {
    expect(await toldOf(ending('REFUNDED'))).toEqual([]);
    expect(await answer(404, { error: { type: 'not_found' } }, target)).toMatchObject({
      ok: true,
      value: { events: [] },
    });
  });

  it.each([
    [200, '', 'malformed'],
    [200, '{"data":null}', 'malformed'],
    [200, JSON.stringify({ data: { ...charge, timeline: [] } }), 'malformed'],
    [200, JSON.stringify({ data: { ...charge, code: 'ZZZZZZZZ' } }), 'malformed'],
    [401, '{}', 'refused'],
    [302, '', 'refused'],
    [429, '', 'unavailable'],
    [503, 'oops', 'unavailable'],
  ])('that is answered %i %s is %s', async (status, body, code) => {
    expect(await answer(status, body, target)).toMatchObject({ ok: false, error: { code } });
  });
});
