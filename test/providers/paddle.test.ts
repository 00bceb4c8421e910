// Paddle Billing: the conformance suite, and the pitfalls that most integrations fall into.
import { Paddle } from '@paddle/paddle-node-sdk';
import { describe, expect, it, vi } from 'vitest';
import { factKey } from '../../src/core/event.ts';
import {
  API_KEY,
  callbackOf,
  chargeback,
  entered,
  eventOf,
  h1Of,
  headerOf,
  NOW,
  OLD_SECRET,
  refund,
  SECRET,
  signed,
  transaction,
} from '../fixtures/paddle/merchant.ts';
import { conformance } from './conformance.ts';
import { dialectOf, withHeaders } from './dialect.ts';

const { provider, told, factOf, reasonOf, detailOf, ask, answer } = dialectOf('paddle', entered, NOW);

const completed = (changes: object = {}) => signed(eventOf('transaction.completed', { ...transaction, ...changes }));
const adjusted = (changes: object = {}) => signed(eventOf('adjustment.updated', { ...refund, ...changes }));

conformance({
  provider,
  entered,
  stranger: { secrets: [OLD_SECRET] },
  now: NOW,
  genuine: {
    'transaction completed': completed(),
    'transaction paid': signed(eventOf('transaction.paid', { ...transaction, status: 'paid' })),
    'transaction canceled': signed(eventOf('transaction.canceled', { ...transaction, status: 'canceled' })),
    'refund without an order number': adjusted(),
    'chargeback without an order number': adjusted(chargeback),
  },
  redelivery: {
    callback: signed(eventOf('transaction.completed', transaction, { notification_id: 'ntf_2' }), SECRET, NOW + 60_000),
    now: NOW + 60_000,
  },
  rotation: {
    entered: { secrets: [SECRET, OLD_SECRET] },
    callbacks: [completed(), signed(eventOf('transaction.completed', transaction), OLD_SECRET)],
  },
  weak: {
    'there is no secret': { secrets: [] },
    'a secret is empty': { secrets: [''] },
    'a secret is its prefix alone': { secrets: ['pdl_ntfset_'] },
    'a secret is an API key': { secrets: [API_KEY] },
    'the API key is of the sandbox': { ...entered, apiKey: API_KEY.replace('live', 'sdbx') },
    'the tolerance is none': { ...entered, toleranceSeconds: 0 },
    'the tolerance is a day': { ...entered, toleranceSeconds: 86_400 },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [adjusted(), adjusted({ id: 'adj_01tollgate0000000000000002' })],
  linked: { payment: completed(), later: { 'a refund': adjusted(), 'a chargeback': adjusted(chargeback) } },
  excused: { otherAccount: 'no event names the account; each destination has a secret of its own' },
  unknownType: signed(eventOf('subscription.activated', { id: 'sub_1' })),
  signedHeaders: ['paddle-signature'],
  isDated: true,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

describe('the signature', () => {
  it('is the one that Paddle’s own library takes', async () => {
    const body = JSON.stringify(eventOf('transaction.completed', transaction));
    vi.useFakeTimers({ now: NOW });
    try {
      expect(await new Paddle(API_KEY).webhooks.isSignatureValid(body, SECRET, headerOf(body))).toBe(true);
    } finally {
      vi.useRealTimers();
    }
    expect(await reasonOf(callbackOf(body, headerOf(body)))).toBe('accepted');
  });

  it('is taken over the raw bytes: the same JSON in other spacing does not verify (pitfall 1)', async () => {
    const callback = completed();
    const spaced = JSON.stringify(JSON.parse(new TextDecoder().decode(callback.body)), null, 2);
    expect(await reasonOf({ ...callback, body: new TextEncoder().encode(spaced) })).toBe('signature_invalid');
  });

  it('may be any of several h1, not the last alone', async () => {
    const body = JSON.stringify(eventOf('transaction.completed', transaction));
    const [ts, good, bad] = [`ts=${NOW / 1000}`, `h1=${h1Of(body)}`, `h1=${'0'.repeat(64)}`];
    for (const parts of [
      [ts, good, bad],
      [ts, bad, good],
      [good, ts],
      [ts, ' ', good, 'h2=x'],
    ]) {
      expect(await reasonOf(callbackOf(body, parts.join(';')))).toBe('accepted');
    }
    expect(await reasonOf(callbackOf(body, `${ts};h2=${h1Of(body)}`))).toBe('signature_invalid');
  });

  it('is not taken for another time than the one it signs', async () => {
    const body = JSON.stringify(eventOf('transaction.completed', transaction));
    expect(await reasonOf(callbackOf(body, `ts=${NOW / 1000 + 1};h1=${h1Of(body)}`))).toBe('signature_invalid');
    for (const time of ['', 'ts=', 'ts=now', 'ts=1e9', `ts=${NOW / 1000};ts=${NOW / 1000}`]) {
      expect(await reasonOf(callbackOf(body, `${time};h1=${h1Of(body)}`))).toBe('timestamp_stale');
    }
  });

  it('is fresh for as long as the channel says, and no longer, either way', async () => {
    const at = async (seconds: number, toleranceSeconds: number) =>
      reasonOf(completed(), { toleranceSeconds }, NOW + seconds * 1000);
    expect(await at(4, 5)).toBe('accepted');
    expect(await at(5, 5)).toBe('timestamp_stale');
    expect(await at(-5, 5)).toBe('timestamp_stale');
    expect(await at(3_599, 3_600)).toBe('accepted');
    expect(await at(301, 300)).toBe('timestamp_stale');
  });

  it('of garbage is refused and never throws, and an empty key is never used (pitfall 18)', async () => {
    for (const header of ['h1', ';', '=', `ts=${NOW / 1000};h1=${'g'.repeat(64)}`, '\u0000', 'ts;h1']) {
      expect(['signature_invalid', 'timestamp_stale']).toContain(
        await reasonOf(withHeaders(completed(), { 'paddle-signature': header })),
      );
    }
    expect(await reasonOf(signed(eventOf('transaction.completed', transaction), ''))).toBe('signature_invalid');
  });
});

describe('a transaction', () => {
  it('is told in our words, whole', async () => {
    expect(await told(completed())).toEqual({
      events: [
        {
          kind: 'payment',
          orderNo: 'TG20260101-0001',
          occurredAt: Date.parse('2026-01-01T02:34:50.123Z'),
          providerState: 'completed',
          test: false,
          status: 'succeeded',
          transactionId: 'txn_01tollgate0000000000000001',
          amount: { minor: 16500, currency: 'USD' },
          payerAmount: { minor: 15500, currency: 'USD' },
          discounts: [{ id: 'dsc_01tollgate0000000000000001', amount: { minor: 500, currency: 'USD' } }],
          method: 'card',
          providerMethod: 'card',
          payer: { id: 'ctm_01tollgate0000000000000001', idType: 'customer', name: 'Erika Mustermann' },
          attach: '{"orderNo":"TG20260101-0001","seats":3}',
        },
      ],
      links: [{ id: 'txn_01tollgate0000000000000001', orderNo: 'TG20260101-0001' }],
      noticeType: 'transaction.completed',
      noticeId: 'evt_01tollgate0000000000000001',
    });
  });

  it('that is paid and then completed is one fact', async () => {
    const paid = await factOf(signed(eventOf('transaction.paid', { ...transaction, status: 'paid' })));
    const done = await factOf(completed());
    expect(factKey({ ...paid, orderNo: '1' })).toBe(factKey({ ...done, orderNo: '1' }));
  });

  it.each([
    ['transaction.created', 'draft', 'pending'],
    ['transaction.ready', 'ready', 'pending'],
    ['transaction.billed', 'billed', 'pending'],
    ['transaction.payment_failed', 'ready', 'pending'],
    ['transaction.past_due', 'past_due', 'pending'],
    ['transaction.paid', 'paid', 'succeeded'],
    ['transaction.revised', 'completed', 'succeeded'],
    ['transaction.canceled', 'canceled', 'closed'],
  ])('that sends %s with status %s is %s', async (type, status, ours) => {
    const fact = await factOf(signed(eventOf(type, { ...transaction, status })));
    expect(fact).toMatchObject({ status: ours, providerState: status });
  });

  it('has amounts that are text in the smallest unit, and is refused with anything else (pitfall 10)', async () => {
    const totals = { total: '500', grand_total: '500', discount: '0' };
    const yen = { currency_code: 'JPY', details: { totals } };
    expect(await factOf(completed(yen))).toMatchObject({ amount: { minor: 500, currency: 'JPY' } });
    expect(await factOf(completed(yen))).not.toHaveProperty('discounts');
    for (const total of ['5.00', '-5', '', '1e3', 500, '9'.repeat(16)]) {
      const odd = completed({ details: { totals: { ...totals, total } } });
      expect(await detailOf(odd)).toContain('details.totals.total');
    }
    expect(await detailOf(completed({ details: null }))).toContain('details.totals');
    for (const status of ['brand_new', 'constructor']) expect(await detailOf(completed({ status }))).toContain(status);
    expect(await reasonOf(signed({ event_type: 'transaction.paid' }))).toBe('malformed');
  });

  it('survives details that cannot be read', async () => {
    const fact = await factOf(completed({ payments: 'none', discount_id: null, customer_id: null }));
    expect(fact).toMatchObject({ status: 'succeeded', discounts: [{ id: 'discount' }] });
    expect(fact).not.toHaveProperty('payer');
    expect(fact).not.toHaveProperty('method');
  });

  it('at a sandbox is a test', async () => {
    const sandbox = { environment: 'test', apiKey: undefined };
    expect((await told(completed(), sandbox)).events[0]?.test).toBe(true);
  });
});

describe('the order number', () => {
  it('is custom_data.orderNo, or where the channel says', async () => {
    const path = { orderNoPath: 'custom_data.order_id' };
    const { events } = await told(completed({ custom_data: { order_id: 1234 } }), path);
    expect(events).toMatchObject([{ orderNo: '1234' }]);
    expect((await told(completed(), path)).unlinked).toMatchObject([{ linkId: transaction.id }]);
    expect((await told(completed({ custom_data: null }))).unlinked).toMatchObject([{ linkId: transaction.id }]);
  });

  it('of a renewal is not its first transaction’s, whose custom data it inherits', async () => {
    const renewal = completed({ id: 'txn_01tollgate0000000000000002', origin: 'subscription_recurring' });
    const { events, unlinked } = await told(renewal);
    expect(events).toEqual([]);
    expect(unlinked).toMatchObject([{ linkId: 'txn_01tollgate0000000000000002' }]);
    expect((await told(renewal, { orderNoPath: 'id' })).events).toMatchObject([
      { orderNo: 'txn_01tollgate0000000000000002' },
    ]);
  });
});

describe('an adjustment', () => {
  it('that refunds is told in our words, and found by its transaction', async () => {
    expect((await told(adjusted())).unlinked).toEqual([
      {
        kind: 'refund',
        linkId: transaction.id,
        occurredAt: Date.parse('2026-01-01T02:34:50.123Z'),
        providerState: 'refund approved',
        test: false,
        amount: { minor: 5000, currency: 'USD' },
        reason: 'one seat too many',
        state: 'succeeded',
        refundNo: refund.id,
        providerRefundId: refund.id,
        transactionId: transaction.id,
      },
    ]);
  });

  it.each([
    ['pending_approval', 'pending'],
    ['approved', 'succeeded'],
    ['rejected', 'failed'],
    ['reversed', 'failed'],
  ])('that refunds and is %s is %s', async (status, state) => {
    expect(await factOf(adjusted({ status }))).toMatchObject({ kind: 'refund', state });
  });

  it.each([
    ['chargeback', 'approved', 'open'],
    ['chargeback', 'reversed', 'won'],
    ['chargeback_reverse', 'approved', 'won'],
  ])('%s that is %s makes the one dispute of its transaction %s', async (action, status, state) => {
    const fact = await factOf(adjusted({ ...chargeback, id: `adj_${action}`, action, status }));
    expect(fact).toMatchObject({ kind: 'dispute', state, disputeId: `${transaction.id}/chargeback`, reason: 'fraud' });
  });

  it('that warns of a chargeback is a dispute of its own', async () => {
    const warned = await factOf(adjusted({ ...chargeback, action: 'chargeback_warning' }));
    expect(warned).toMatchObject({ state: 'open', disputeId: `${transaction.id}/chargeback_warning` });
    const over = await factOf(adjusted({ ...chargeback, action: 'chargeback_warning_reverse' }));
    expect(over).toMatchObject({ state: 'won', disputeId: `${transaction.id}/chargeback_warning` });
  });

  it.each([
    ['credit', 'approved'],
    ['credit_reverse', 'approved'],
    ['chargeback', 'rejected'],
  ])('%s that is %s moves no order’s money', async (action, status) => {
    expect(await told(adjusted({ action, status }))).toEqual({
      events: [],
      noticeType: 'adjustment.updated',
      noticeId: 'evt_01tollgate0000000000000001',
    });
  });
});

describe('asking Paddle', () => {
  it('goes to its API alone, in the channel’s environment', async () => {
    expect(await ask({ transactionId: transaction.id })).toEqual({
      ok: true,
      value: {
        method: 'GET',
        url: `https://api.paddle.com/transactions/${transaction.id}?include=adjustments`,
        headers: { accept: 'application/json', authorization: `Bearer ${API_KEY}`, 'paddle-version': '1' },
        body: null,
      },
    });
    const sandbox = { environment: 'test', apiKey: API_KEY.replace('live', 'sdbx') };
    expect(await ask({ reference: refund.id }, sandbox)).toMatchObject({
      value: { url: `https://sandbox-api.paddle.com/adjustments?id=${refund.id}` },
    });
  });

  it('needs a key, and an id of Paddle’s', async () => {
    const keyless = await ask({ transactionId: transaction.id }, { apiKey: undefined });
    expect(keyless).toMatchObject({ ok: false, error: { code: 'not_configured' } });
    for (const target of [{ orderNo: 'TG1' }, { transactionId: 'txn_1/../x' }, { reference: 'ctm_1' }]) {
      expect(await ask(target)).toMatchObject({ ok: false, error: { code: 'refused' } });
    }
    const byId = await ask({ orderNo: transaction.id }, { orderNoPath: 'id' });
    expect(byId).toMatchObject({ ok: true });
  });

  it('reads a transaction with its adjustments, all of one order', async () => {
    const read = await answer(200, { data: { ...transaction, adjustments: [refund, chargeback] }, meta: {} });
    if (!read.ok) throw new Error(read.error.detail);
    expect(read.value.unlinked).toEqual([]);
    expect(read.value.events.map(({ kind, orderNo, occurredAt }) => [kind, orderNo, occurredAt])).toEqual([
      ['payment', 'TG20260101-0001', Date.parse('2026-01-01T02:34:40Z')],
      ['refund', 'TG20260101-0001', Date.parse('2026-01-02T01:00:00Z')],
      ['dispute', 'TG20260101-0001', Date.parse('2026-01-02T01:00:00Z')],
    ]);
  });

  it('gives the facts of a known transaction to the order that asked, and of no other', async () => {
    const target = { transactionId: transaction.id, orderNo: 'ASKED-1' };
    const bare = { ...transaction, custom_data: null };
    expect(await answer(200, { data: bare }, target)).toMatchObject({
      value: { events: [{ orderNo: 'ASKED-1' }], unlinked: [] },
    });
    const other = { ...refund, transaction_id: 'txn_other' };
    expect(await answer(200, { data: [other] }, target)).toMatchObject({
      value: { events: [], unlinked: [{ linkId: 'txn_other' }] },
    });
  });

  it('knows nothing of what is not there, and says why it got no answer', async () => {
    expect(await answer(404, { error: { code: 'not_found' } })).toMatchObject({ ok: true, value: { events: [] } });
    expect(await answer(200, { data: [] })).toMatchObject({ ok: true, value: { events: [] } });
    for (const [status, code] of [
      [400, 'refused'],
      [403, 'refused'],
      [429, 'unavailable'],
      [500, 'unavailable'],
    ] as const) {
      const read = await answer(status, { error: { type: 'x', code: 'forbidden', detail: 'Because.' } });
      expect(read).toMatchObject({ ok: false, error: { code, detail: expect.stringContaining('Because.') } });
      if (!read.ok) expect(read.error.detail).not.toContain(API_KEY);
    }
    for (const body of ['', '{}', '{"data":{}}', '[]']) {
      expect(await answer(200, body)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    }
  });
});

it('never lets a secret into a refusal', async () => {
  const details = [
    await detailOf(signed(eventOf('transaction.completed', transaction), OLD_SECRET)),
    await detailOf(completed({ status: 'x' })),
  ];
  for (const detail of details) {
    expect(detail).not.toBe('');
    expect(detail).not.toContain('pdl_ntfset_');
    expect(detail).not.toContain(API_KEY);
  }
});
