// Cryptomus: the conformance suite, and the pitfalls of a signature inside the body.
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey, type PaymentEvent } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import {
  callbackOf,
  entered,
  NOW,
  PAYMENT_API_KEY,
  payment,
  phpJson,
  signed,
  signOf,
} from '../fixtures/cryptomus/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('cryptomus');
if (provider === null) throw new Error('cryptomus is not registered');

conformance({
  provider,
  entered,
  stranger: { paymentApiKey: 'another-key-of-another-shop-123456789' },
  now: NOW,
  genuine: {
    'invoice paid': signed(payment()),
    'invoice expired': signed(payment({ status: 'cancel' })),
    'static wallet paid': signed(payment({ type: 'wallet', currency: 'USDT', amount: '14.999' })),
    'refund paid': signed(payment({ status: 'refund_paid' })),
  },
  redelivery: {
    callback: { ...signed(payment({ commission: '0.16' })), receivedAt: NOW + 86_400_000 },
    now: NOW + 86_400_000,
  },
  replacement: {
    entered: { ...entered, paymentApiKey: 'the-next-key-of-this-shop-123456789' },
    callback: signed(payment(), 'the-next-key-of-this-shop-123456789'),
    third: signed(payment(), 'a-third-key-of-nobody-1234567890123'),
  },
  weak: {
    'the key is empty': { paymentApiKey: '' },
    'the key is short': { paymentApiKey: 'short' },
    'the merchant is no UUID': { ...entered, merchantId: '1' },
  },
  excused: {
    partialRefunds:
      'a refund is asked for without an amount, and its callbacks repeat the invoice: there is one of each',
    linked: 'every callback holds its whole invoice',
    otherAccount: 'a callback names no merchant',
    discounts: 'a callback tells of none; the answer of a query tells one in coins, which is no money of ours',
  },
  unknownType: signed(payment({ status: 'something_new' })),
  signedHeaders: [],
  unsigned: {
    missing: callbackOf(phpJson(payment())),
    'of the wrong length': callbackOf(phpJson({ ...payment(), sign: 'abcdef' })),
    'no text': callbackOf(phpJson({ ...payment(), sign: 7 })),
  },
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
  const text = phpJson(payment());
  const sign = signOf(text);

  it('covers the raw text around it: escaped slashes, Chinese and all (pitfall 1)', async () => {
    expect(text).toContain('咖啡 \\/ table 7');
    expect((await read(signed(payment()))).reason).toBe('accepted');
    const plain = JSON.stringify({ ...payment(), sign });
    expect((await read(callbackOf(plain))).reason).toBe('signature_invalid');
  });

  it('may stand first, in the middle or last', async () => {
    const middle = text.replace(',"amount"', `,"sign":"${sign}","amount"`);
    for (const body of [`{"sign":"${sign}",${text.slice(1)}`, middle, `${text.slice(0, -1)},"sign":"${sign}"}`]) {
      expect((await read(callbackOf(body))).reason).toBe('accepted');
    }
  });

  it('of an object with nothing else in it is cut out too', async () => {
    expect((await read(callbackOf(`{"sign":"${signOf('{}')}"}`))).reason).toBe('malformed');
  });

  it('is the outer one: a member of that name further in is content', async () => {
    const inner = phpJson(payment({ convert: { sign: 'x', list: ['sign', { sign: 1 }] }, txid: '","sign":"' }));
    expect((await read(callbackOf(`${inner.slice(0, -1)},"sign":"${signOf(inner)}"}`))).reason).toBe('accepted');
  });

  it('that is there twice, by any spelling, is refused', async () => {
    for (const other of ['"sign"', '"si\\u0067n"']) {
      const body = `{${other}:"x",${text.slice(1, -1)},"sign":"${sign}"}`;
      expect((await read(callbackOf(body))).reason).toBe('signature_invalid');
    }
  });

  it.each(['null', '7', '""', '[]', '{"a":"b"}', '"x"', `"${'0'.repeat(32)}"`])(
    'that is %s is refused (pitfall 18)',
    async (value) => {
      const body = `${text.slice(0, -1)},"sign":${value}}`;
      expect((await read(callbackOf(body))).reason).toBe('signature_invalid');
    },
  );

  it('that is missing is refused, and so is a body that is no object', async () => {
    for (const body of [text, '', '[]', '["sign"]', '"sign"', '{"a":["sign","x"]}', 'null']) {
      expect((await read(callbackOf(body))).reason).toBe('signature_invalid');
    }
  });

  it('by a hash without the key is refused, and no refusal tells the key', async () => {
    const bare = createHash('md5').update(Buffer.from(text).toString('base64')).digest('hex');
    const { reason, detail } = await read(callbackOf(`${text.slice(0, -1)},"sign":"${bare}"}`));
    expect(reason).toBe('signature_invalid');
    expect(detail).not.toContain(PAYMENT_API_KEY);
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await eventOf()).toEqual({
      kind: 'payment',
      orderNo: 'TG20260101-0001',
      occurredAt: NOW,
      providerState: 'paid',
      test: false,
      status: 'succeeded',
      transactionId: '62f88b36-a9d5-4fa6-aa26-e040c3dbf26d',
      amount: { minor: 1500, currency: 'USD' },
      method: 'crypto',
      providerMethod: 'tron',
      payerAmount: { minor: 1500, currency: 'USD' },
      received: { amount: '14.99900000', asset: 'USDT', network: 'tron' },
      payer: { id: 'THgEWubVc8tPKXLJ4VZ5zbiiAK7AgqSeGH', idType: 'address' },
      attach: '咖啡 / table 7',
    });
  });

  it.each([
    ['process', 'pending'],
    ['check', 'pending'],
    ['confirm_check', 'pending'],
    ['paid', 'succeeded'],
    ['fail', 'failed'],
    ['system_fail', 'failed'],
    ['cancel', 'closed'],
  ])('in the state %s is %s', async (status, expected) => {
    expect(await eventOf({ status })).toMatchObject({ kind: 'payment', status: expected, providerState: status });
  });

  it.each([
    [{ status: 'paid_over' }, 'succeeded', 'overpaid'],
    [{ status: 'wrong_amount', is_final: true }, 'failed', 'underpaid'],
    [{ status: 'wrong_amount', is_final: false }, 'pending', 'underpaid'],
    [{ status: 'wrong_amount_waiting', is_final: false }, 'pending', 'underpaid'],
    [{ status: 'locked' }, 'pending', 'risk_review'],
  ])('%o is %s and flagged %s', async (changes, status, flag) => {
    const event = await eventOf(changes);
    expect(event).toMatchObject({ status, flags: [flag], amount: { minor: 1500, currency: 'USD' } });
    expect(factKey(event)).not.toBe(factKey(await eventOf({ status: 'check' })));
  });

  it('to a static wallet counts what it was worth, cut to cents (pitfall 10)', async () => {
    const wallet = { type: 'wallet', currency: 'USDT', amount: '14.999', payment_amount_usd: '14.9989' };
    expect(await eventOf(wallet)).toMatchObject({ amount: { minor: 1499, currency: 'USD' } });
  });

  it('says what the coins that came are worth, beside the price', async () => {
    const short = await eventOf({ status: 'wrong_amount', payment_amount_usd: '14.4589' });
    expect(short).toMatchObject({ amount: { minor: 1500 }, payerAmount: { minor: 1445, currency: 'USD' } });
    for (const payment_amount_usd of [null, '', '0', '0.009', '-1', 'x', undefined]) {
      expect(await eventOf({ status: 'check', payment_amount_usd })).not.toHaveProperty('payerAmount');
    }
  });

  it('priced in coins has no amount that could be counted', async () => {
    expect(await eventOf({ currency: 'USDT' })).toMatchObject({ status: 'succeeded', amount: null });
    expect(await eventOf({ currency: 'BTC', amount: '0.00012000' })).toMatchObject({ amount: null });
  });

  it('survives details that are missing', async () => {
    const event = await eventOf({ from: null, network: null, payer_currency: null, additional_data: null });
    expect(event).toMatchObject({ status: 'succeeded' });
    for (const field of ['payer', 'received', 'attach', 'providerMethod']) expect(event).not.toHaveProperty(field);
  });

  it.each(['uuid', 'order_id', 'status'])('without %s is malformed, and the field is named', async (field) => {
    const { reason, detail } = await read(signed(payment({ [field]: undefined })));
    expect(reason).toBe('malformed');
    expect(detail).toContain(field);
  });

  it('that is a payout touches no order', async () => {
    expect(await read(signed(payment({ type: 'payout' })))).toMatchObject({ reason: 'accepted', events: [] });
  });
});

describe('a refund', () => {
  it.each([
    ['refund_process', 'pending'],
    ['refund_paid', 'succeeded'],
    ['refund_fail', 'failed'],
  ])('in the state %s is %s, under the invoice’s own id', async (status, state) => {
    expect(await eventOf({ status })).toEqual({
      kind: 'refund',
      orderNo: 'TG20260101-0001',
      occurredAt: NOW,
      providerState: status,
      test: false,
      state,
      refundNo: '62f88b36-a9d5-4fa6-aa26-e040c3dbf26d',
      providerRefundId: null,
      transactionId: '62f88b36-a9d5-4fa6-aa26-e040c3dbf26d',
      amount: { minor: 1500, currency: 'USD' },
    });
  });

  it('of something without a price is kept and not guessed', async () => {
    const callback = signed(payment({ status: 'refund_paid', currency: 'USDT' }));
    expect(await read(callback)).toMatchObject({ reason: 'accepted', events: [] });
  });
});

describe('asking about a payment', () => {
  const context = { now: NOW, nonce: 'n' };
  const target = { transactionId: '62f88b36-a9d5-4fa6-aa26-e040c3dbf26d' };
  const info = (changes: object = {}) => {
    const { status, ...rest } = payment(changes);
    return { state: 0, result: { ...rest, payment_status: status, updated_at: '2026-01-01T12:30:00+03:00' } };
  };
  const readAnswer = (status: number, content: unknown, about: object = target) => {
    const body = new TextEncoder().encode(JSON.stringify(content));
    return provider.query?.read({ status, headers: {}, body }, about, credentials, [], NOW);
  };

  it('is signed as the documents ask', async () => {
    const request = await provider.query?.request({ orderNo: 'A/1' }, credentials, context);
    if (!request?.ok || request.value.body === null) throw new Error('not asked');
    expect(JSON.parse(request.value.body)).toEqual({ order_id: 'A/1' });
    expect(request.value).toMatchObject({
      method: 'POST',
      url: 'https://api.cryptomus.com/v1/payment/info',
      headers: { merchant: entered.merchantId, sign: signOf(request.value.body) },
    });
  });

  it('needs the merchant’s UUID and something to ask for', async () => {
    const { merchantId: _, ...rest } = entered;
    const without = provider.credentials.parse(rest);
    expect(await provider.query?.request(target, without, context)).toMatchObject({
      error: { code: 'not_configured' },
    });
    expect(await provider.query?.request({}, credentials, context)).toMatchObject({ error: { code: 'refused' } });
  });

  it('is answered with the same fact as the callback’s, and with its time', async () => {
    const told = await readAnswer(200, info());
    if (!told?.ok) throw new Error(told?.error.detail);
    expect(told.value.events.map(factKey)).toEqual([factKey(await eventOf())]);
    expect(told.value.events[0]?.occurredAt).toBe(Date.parse('2026-01-01T09:30:00Z'));
  });

  it('believes no answer about another payment, and tells trouble from a refusal', async () => {
    expect(await readAnswer(200, info({ uuid: 'other' }))).toMatchObject({ error: { code: 'malformed' } });
    expect(await readAnswer(200, info(), { orderNo: 'other' })).toMatchObject({ error: { code: 'malformed' } });
    expect(await readAnswer(200, { state: 0 })).toMatchObject({ error: { code: 'malformed' } });
    expect(await readAnswer(404, {})).toMatchObject({ ok: true, value: { events: [] } });
    expect(await readAnswer(422, {})).toMatchObject({ error: { code: 'refused' } });
    expect(await readAnswer(502, {})).toMatchObject({ error: { code: 'unavailable' } });
  });
});
