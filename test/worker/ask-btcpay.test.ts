// BTCPay Server's webhooks through the Worker's own door: they name an invoice, the merchant's server is asked, and its
// answer alone changes an order. While it does not answer, the webhook is told to come again.
import { describe, expect, it, vi } from 'vitest';
import { entered, INVOICE_ID, invoice, payment, STORE_ID, signed, webhook } from '../fixtures/btcpay/merchant.ts';
import { call, makeChannel } from './api-world.ts';
import { keptOf, playApi } from './play-api.ts';

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
  ])('because it %s, nothing is recorded and the webhook is told to come again (pitfall 6)', async (_why, respond) => {
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
  });
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
