// Orders of providers whose questions differ from most, asked about through the Worker's own doors.

import { createHmac } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { entered, INVOICE_ID, invoice, payment, STORE_ID, signed, webhook } from '../fixtures/btcpay/merchant.ts';
import { charge, dispute, intent, refund } from '../fixtures/stripe/objects.ts';
import { call, makeChannel } from './api-world.ts';
import { keptOf, playApi } from './play-api.ts';

describe('BTCPay', () => {
  const PATH = `/pay/api/v1/stores/${STORE_ID}/invoices/${INVOICE_ID}`;
  const ORDER_NO = 'TG20260101-0001';

  const channelOf = (changes: object = {}) =>
    makeChannel({ provider: 'btcpay', credentials: { ...entered, ...changes } });

  async function notify(channel: string, content: unknown): Promise<readonly [number, string]> {
    const { headers, body } = signed(content);
    const text = new TextDecoder().decode(body);
    const reply = await call('POST', `/callbacks/${channel}`, text, { key: null, headers });
    return [reply.status, reply.text];
  }

  const orderOf = (channel: string) => call('GET', `/v1/orders/${channel}/${ORDER_NO}`);
  const knows = (changes: object = {}) => playApi(() => Response.json(invoice(changes)));

  describe('a webhook that names an invoice', () => {
    it('makes the gateway ask the merchant’s own server, and the answer reaches the order', async () => {
      const channel = await channelOf();
      const calls = knows();
      expect(await notify(channel, webhook('InvoicePaymentSettled', payment))).toEqual([200, '']);
      expect(calls.map(({ url }) => url)).toEqual([`https://btcpay.example.com${PATH}`]);
      expect(new Headers(calls[0]?.init.headers).get('authorization')).toBe(`token ${entered.apiKey}`);
      expect((await orderOf(channel)).body.order).toMatchObject({
        state: 'paid',
        paid: { minor: 1250, currency: 'USD' },
        payments: [{ transactionId: INVOICE_ID, received: { amount: '0.00012500', asset: 'BTC' } }],
        flags: [],
      });
    });

    it('tells what the invoice is when it is asked, and not what the webhook says', async () => {
      const channel = await channelOf();
      knows({ status: 'Processing' });
      expect(await notify(channel, webhook('InvoiceSettled', { status: 'Settled' }))).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({ state: 'pending' });
      knows({ status: 'Expired', additionalStatus: 'PaidPartial' });
      expect(await notify(channel, webhook('InvoiceExpired'))).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({ state: 'pending', flags: ['underpaid'] });
      knows({ status: 'Settled', additionalStatus: 'Marked' });
      expect(await notify(channel, webhook('InvoiceSettled'))).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({ state: 'paid', flags: [] });
    });

    it('of an invoice that expired and was paid late is taken, and flagged (pitfall 11)', async () => {
      const channel = await channelOf();
      knows({ status: 'Expired' });
      expect(await notify(channel, webhook('InvoiceExpired'))).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({ state: 'closed', flags: [] });
      knows({ status: 'Settled', additionalStatus: 'PaidLate' });
      expect(await notify(channel, webhook('InvoiceSettled'))).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({
        state: 'paid',
        flags: ['late_payment', 'paid_after_close'],
      });
    });

    it('that comes again is acknowledged and counted once', async () => {
      const channel = await channelOf();
      knows();
      for (const deliveryId of ['one', 'two']) {
        expect(await notify(channel, webhook('InvoiceSettled', { deliveryId }))).toEqual([200, '']);
      }
      expect([...((await orderOf(channel)).body.order?.payments ?? [])]).toHaveLength(1);
    });
  });

  describe('while the merchant’s server does not tell', () => {
    it.each([
      ['cannot be reached', () => null],
      ['is away', () => new Response('bad gateway', { status: 502 })],
      ['is busy', () => new Response('{}', { status: 429 })],
      ['refuses the key', () => new Response('{}', { status: 401 })],
      ['answers from another address', () => new Response('<html>not found</html>', { status: 404 })],
      ['sends elsewhere', () => Response.redirect('https://evil.example/', 302)],
      ['answers about another invoice', () => Response.json(invoice({ id: 'Other' }))],
    ])(
      'because it %s, nothing is recorded and the webhook is told to come again (pitfall 6)',
      async (_why, respond) => {
        const channel = await channelOf();
        vi.spyOn(console, 'error').mockImplementation(() => undefined);
        const calls = playApi(respond);
        expect(await notify(channel, webhook('InvoiceSettled'))).toEqual([503, '']);
        expect(calls).toHaveLength(1);
        expect((await orderOf(channel)).status).toBe(404);
        expect(await keptOf(channel)).toBe(0);
        knows();
        expect(await notify(channel, webhook('InvoiceSettled'))).toEqual([200, '']);
        expect((await orderOf(channel)).body.order).toMatchObject({ state: 'paid' });
      },
    );
  });

  describe('a webhook that leads to nothing', () => {
    it('because the store has no such invoice is acknowledged and kept, and makes no order', async () => {
      const channel = await channelOf();
      const gone = { code: 'invoice-not-found', message: 'The invoice was not found' };
      playApi(() => Response.json(gone, { status: 404 }));
      expect(await notify(channel, webhook('InvoiceSettled'))).toEqual([200, '']);
      expect((await orderOf(channel)).status).toBe(404);
      expect(await keptOf(channel)).toBe(1);
    });

    it('because the channel has no key is acknowledged and kept, and asks nothing', async () => {
      const channel = await channelOf({ apiKey: undefined, baseUrl: undefined });
      const calls = knows();
      expect(await notify(channel, webhook('InvoiceSettled'))).toEqual([200, '']);
      expect(calls).toEqual([]);
      expect((await orderOf(channel)).status).toBe(404);
      expect(await keptOf(channel)).toBe(1);
    });

    it('because it is forged asks nothing and is not kept', async () => {
      const channel = await channelOf();
      const calls = knows();
      const { body } = signed(webhook('InvoiceSettled'));
      const { headers } = signed(webhook('InvoiceSettled'), 'another-secret-of-another-shop');
      const text = new TextDecoder().decode(body);
      expect((await call('POST', `/callbacks/${channel}`, text, { key: null, headers })).status).toBe(503);
      expect(calls).toEqual([]);
      expect(await keptOf(channel)).toBe(0);
    });
  });
});

describe('Stripe', () => {
  // Made up for tests, valid nowhere.
  const SECRET = 'whsec_tollgateTestSecretNumber1aaaaaaaaaaa';
  const API_KEY = 'rk_live_tollgateTestKeyValidNowhere';
  const ORDER_NO = 'TG20260101-0001';

  const channelOf = (changes: object = {}) =>
    makeChannel({ provider: 'stripe', credentials: { signingSecrets: [SECRET], apiKey: API_KEY, ...changes } });

  const thin = (type: string, relatedId: string, more: object = {}) => ({
    id: 'evt_65Tollgate0001',
    object: 'v2.core.event',
    created: '2026-01-01T02:34:50.123Z',
    livemode: true,
    related_object: { id: relatedId, type: 'payment_intent', url: `/v1/payment_intents/${relatedId}` },
    type,
    ...more,
  });

  async function notify(channel: string, event: object, secret = SECRET): Promise<readonly [number, string]> {
    const body = JSON.stringify(event);
    const seconds = Math.floor(Date.now() / 1000);
    const hex = createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex');
    const headers = { 'stripe-signature': `t=${seconds},v1=${hex}` };
    const reply = await call('POST', `/callbacks/${channel}`, body, { key: null, headers });
    return [reply.status, reply.text];
  }

  const orderOf = (channel: string) => call('GET', `/v1/orders/${channel}/${ORDER_NO}`);
  const paid = thin('v1.payment_intent.succeeded', intent.id);
  /** What Stripe knows, by the path that is asked. */
  const knows = (known: Readonly<Record<string, object>>) =>
    playApi((path) => {
      const object = known[path.split('?')[0] ?? ''];
      const missing = { error: { message: 'No such object', code: 'resource_missing' } };
      return object === undefined ? Response.json(missing, { status: 404 }) : Response.json(object);
    });

  describe('a thin event', () => {
    it('makes the gateway ask Stripe, and the answer reaches the order with its charge and refunds', async () => {
      const channel = await channelOf();
      const whole = { ...intent, latest_charge: { ...charge, refunds: { data: [refund] } } };
      const calls = knows({ [`/v1/payment_intents/${intent.id}`]: whole });
      expect(await notify(channel, paid)).toEqual([200, '']);
      expect(calls.map(({ url }) => url)).toEqual([
        `https://api.stripe.com/v1/payment_intents/${intent.id}?expand[]=latest_charge.refunds`,
      ]);
      const headers = new Headers(calls[0]?.init.headers);
      expect([headers.get('authorization'), headers.get('stripe-account')]).toEqual([`Bearer ${API_KEY}`, null]);
      expect((await orderOf(channel)).body.order).toMatchObject({
        state: 'partially_refunded',
        paid: { minor: 2599, currency: 'EUR' },
        payments: [{ transactionId: intent.id, providerMethod: 'ideal' }],
        refunded: { minor: 1000, currency: 'EUR' },
        flags: [],
      });
    });

    it('of a dispute that comes before its payment reaches its order', async () => {
      const channel = await channelOf();
      knows({ [`/v1/disputes/${dispute.id}`]: dispute, [`/v1/payment_intents/${intent.id}`]: intent });
      expect(await notify(channel, thin('v1.charge.dispute.created', dispute.id))).toEqual([200, '']);
      expect((await orderOf(channel)).status).toBe(404);
      expect(await notify(channel, paid)).toEqual([200, '']);
      await vi.waitFor(async () =>
        expect((await orderOf(channel)).body.order).toMatchObject({ state: 'paid', dispute: 'open' }),
      );
    });

    it('is believed in nothing that it says itself', async () => {
      const channel = await channelOf();
      knows({ [`/v1/payment_intents/${intent.id}`]: { ...intent, status: 'processing' } });
      expect(await notify(channel, { ...paid, data: { object: intent } })).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({ state: 'pending' });
    });

    it('of the other environment changes nothing, whatever the event says', async () => {
      const channel = await channelOf();
      knows({ [`/v1/payment_intents/${intent.id}`]: { ...intent, livemode: false } });
      expect((await notify(channel, paid))[0]).toBe(503);
      expect((await orderOf(channel)).status).toBe(404);
    });
  });

  describe('while Stripe does not tell', () => {
    it.each([
      ['cannot be reached', () => null],
      ['is away', () => new Response('', { status: 503 })],
      ['is busy', () => Response.json({ error: { message: 'Too many requests' } }, { status: 429 })],
      ['refuses the key', () => Response.json({ error: { message: 'Invalid API Key' } }, { status: 401 })],
      ['answers in a form that cannot be read', () => new Response('<html>')],
    ])('because it %s, nothing is recorded and the event is told to come again (pitfall 6)', async (_why, respond) => {
      const channel = await channelOf();
      vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const calls = playApi(respond);
      expect(await notify(channel, paid)).toEqual([503, '']);
      expect(calls).toHaveLength(1);
      expect((await orderOf(channel)).status).toBe(404);
      expect(await keptOf(channel)).toBe(0);
      knows({ [`/v1/payment_intents/${intent.id}`]: intent });
      expect(await notify(channel, paid)).toEqual([200, '']);
      expect((await orderOf(channel)).body.order).toMatchObject({ state: 'paid' });
    });

    it('because the channel has no key, the event comes again, so that one can be added in time', async () => {
      const channel = await channelOf({ apiKey: undefined });
      vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const calls = knows({ [`/v1/payment_intents/${intent.id}`]: intent });
      expect(await notify(channel, paid)).toEqual([503, '']);
      expect(calls).toEqual([]);
      expect(await keptOf(channel)).toBe(0);
    });
  });

  describe('a thin event that leads to nothing', () => {
    it('because Stripe knows no such object is acknowledged and kept, and makes no order', async () => {
      const channel = await channelOf();
      const calls = knows({});
      expect(await notify(channel, paid)).toEqual([200, '']);
      expect(calls).toHaveLength(1);
      expect((await orderOf(channel)).status).toBe(404);
      expect(await keptOf(channel)).toBe(1);
    });

    it('because it is about something else asks nothing, and is acknowledged and kept', async () => {
      const channel = await channelOf();
      const calls = knows({});
      expect(await notify(channel, thin('v1.customer.created', 'cus_1'))).toEqual([200, '']);
      expect(calls).toEqual([]);
      expect(await keptOf(channel)).toBe(1);
    });

    it('because it is forged asks nothing and is not kept', async () => {
      const channel = await channelOf();
      const calls = knows({});
      expect((await notify(channel, paid, `${SECRET}x`))[0]).toBe(401);
      expect(calls).toEqual([]);
      expect(await keptOf(channel)).toBe(0);
    });
  });
});
