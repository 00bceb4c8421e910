// A configured provider end to end, through the Worker's own door: the channel made by /v1, callbacks in JSON, form and
// XML, answers as the channel chose them, incomplete callbacks completed by the provider, payments asked for.
import { env, exports } from 'cloudflare:workers';
import { Buffer } from 'node:buffer';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TOKENIM_SPOILS, Tokenim, type TokenimSpoil } from '../../src/sandbox/tokenim.ts';
import { DEFAULT_SCHEME, type Form, type Message, type Scheme } from '../../src/sandbox/tokenim-signing.ts';
import { call, makeChannel as makeAny, unique } from './api-world.ts';
import { later, MINUTE_MS, shortenProviderWaits, startClock } from './order-world.ts';

const SECRET = 'a-secret-of-our-own-making-2026';
const API_KEY = 'k-123';
const FORMS = ['json', 'form', 'xml'] as const;

const headers = { authorization: 'Bearer {apiKey}' };
const sign = { algorithm: 'hmac-sha256', in: 'field', name: 'sign', encoding: 'hex', content: 'sorted-fields' };
const post = (path: string) => ({ method: 'POST', url: `https://api.pay.example/api/${path}`, headers, sign });
const templates = {
  apiKey: API_KEY,
  query: {
    ...post('query'),
    body: { order_id: '{orderNo}', transaction_id: '{transactionId}' },
    response: {
      ...{ error: 'code', notFound: ['NO_ORDER'], state: 'status', amount: 'amount', currency: 'currency' },
      ...{ orderNo: 'order_id', transactionId: 'transaction_id', occurredAt: 'changed_at' },
    },
  },
  pay: {
    ...post('pay'),
    bodyFormat: 'form',
    body: { order_id: '{orderNo}', amount: '{amountMinor}', currency: '{currency}', notify_url: '{notifyUrl}' },
    response: { codeUrl: 'code_url', error: 'code', alreadyPaid: ['PAID'] },
  },
};
/** Everything else that it can be asked, in one form. */
const moneyTemplates = (bodyFormat: Form) => ({
  ...templates,
  close: {
    ...{ ...post('close'), bodyFormat, body: { order_id: '{orderNo}' } },
    response: { error: 'code', notFound: ['NO_ORDER'], alreadyPaid: ['PAID'], state: 'status' },
  },
  refund: {
    ...{ ...post('refund'), bodyFormat },
    body: { order_id: '{orderNo}', refund_no: '{refundNo}', refund_amount: '{refundAmountMinor}' },
    response: { error: 'code', state: 'status', refundId: 'refund_id', insufficientBalance: ['NOT_ENOUGH'] },
  },
  refundQuery: {
    ...{ ...post('refund/query'), bodyFormat },
    body: { order_id: '{orderNo}', refund_no: '{refundNo}' },
    response: {
      ...{ error: 'code', notFound: ['NO_ORDER', 'NO_REFUND'], state: 'status', amount: 'refund_amount' },
      ...{ currency: 'currency', refundNo: 'refund_no', refundId: 'refund_id', occurredAt: 'changed_at' },
    },
  },
});

const makeChannel = (credentials: object = {}, more: object = {}) =>
  makeAny({ provider: 'tokenim', credentials: { secrets: [SECRET], ...credentials }, ...more });

const carry = async (url: string, { headers: sent, body }: Message) => {
  const response = await exports.default.fetch(new Request(url, { method: 'POST', headers: sent, body }));
  return { status: response.status, body: await response.text() };
};
const addressOf = (channel: string) => `http://127.0.0.1:8787/callbacks/${channel}`;
const sandbox = (changes: Partial<Scheme> = {}) =>
  new Tokenim({ scheme: { ...DEFAULT_SCHEME, secret: SECRET, ...changes }, apiKey: API_KEY, post: carry });

let tokenim = sandbox();
const calls: string[] = [];
beforeEach(() => {
  tokenim = sandbox();
  calls.length = 0;
  vi.stubGlobal('fetch', async (input: URL | string, init: RequestInit = {}) => {
    const url = new URL(input);
    calls.push(url.href);
    if (url.host !== 'api.pay.example') return new Response('nobody lives here', { status: 404 });
    const answer = await tokenim.answer({
      ...{ method: init.method ?? 'GET', target: url.pathname, path: url.pathname, query: url.searchParams },
      headers: Object.fromEntries(new Headers(init.headers)),
      body: Buffer.from(typeof init.body === 'string' ? init.body : ''),
      hungUp: init.signal ?? new AbortController().signal,
    });
    init.signal?.throwIfAborted();
    return new Response(answer.body ?? null, { status: answer.status, headers: answer.headers ?? {} });
  });
});

const orderOf = async (channel: string, orderNo: string) => {
  const reply = await call('GET', `/v1/orders/${channel}/${orderNo}`);
  return reply.status === 200 ? reply.body.order : null;
};

describe.each(FORMS)('a payment told in %s', (form) => {
  it('is acknowledged in the channel’s words, kept once, and refunded by its number', async () => {
    const channel = await makeChannel();
    const order = tokenim.open(unique('T'), 1999);
    const sent = await tokenim.pay(order.orderId, form, addressOf(channel), 'duplicate');
    expect(sent.map(({ status, body }) => [status, body])).toEqual([
      [200, 'success'],
      [200, 'success'],
    ]);
    expect(await orderOf(channel, order.orderId)).toMatchObject({
      ...{ state: 'paid', sequence: 1, paid: { minor: 1999, currency: 'CNY' } },
      payments: [{ transactionId: order.transactionId }],
    });
    order.refunds.set('R1', { amount: 500, state: 'PROCESSING' });
    expect(await tokenim.refunded(order.orderId, 'R1', form, addressOf(channel))).toMatchObject([{ status: 200 }]);
    expect(await orderOf(channel, order.orderId)).toMatchObject({
      ...{ state: 'partially_refunded', refunded: { minor: 500, currency: 'CNY' } },
      refunds: [{ refundNo: 'R1', state: 'succeeded' }],
    });
  });

  const spoils = Object.keys(TOKENIM_SPOILS).filter((spoil) => spoil !== 'duplicate') as TokenimSpoil[]; // its keys
  it.each(spoils)('and spoiled is refused and leaves no order: %s', async (spoil) => {
    const channel = await makeChannel();
    const order = tokenim.open(unique('T'), 1999);
    const [sent] = await tokenim.pay(order.orderId, form, addressOf(channel), spoil);
    expect(sent?.status).toBeGreaterThanOrEqual(400);
    expect(sent?.body).toBe('fail');
    expect(await orderOf(channel, order.orderId)).toBeNull();
  });
});

describe('a channel', () => {
  it('chooses algorithm, place and answers', async () => {
    const acknowledgement = {
      success: { status: 202, contentType: 'application/json', body: '{"code":0}' },
      failure: { status: 500, contentType: 'application/json', body: '{"code":1}' },
    };
    const signature = { algorithm: 'md5', in: 'field', name: 'sign', content: 'sorted-fields' };
    const channel = await makeChannel({ signature, timestamp: null, acknowledgement });
    tokenim = sandbox({ algorithm: 'md5', content: 'sorted-fields', place: 'field', name: 'sign', timeHeader: null });
    const order = tokenim.open(unique('T'), 5);
    const genuine = await tokenim.pay(order.orderId, 'form', addressOf(channel));
    expect(genuine).toMatchObject([{ status: 202, body: '{"code":0}' }]);
    const forged = await tokenim.pay(order.orderId, 'form', addressOf(channel), 'forged');
    expect(forged).toMatchObject([{ status: 500, body: '{"code":1}' }]);
    const wrongMethod = await exports.default.fetch(new Request(addressOf(channel)));
    expect([wrongMethod.status, await wrongMethod.text()]).toEqual([500, '{"code":1}']);
  });

  it('whose refunds name the transaction alone finds their orders, the refund first as well', async () => {
    const channel = await makeChannel({ linkByTransaction: true });
    const order = tokenim.open(unique('T'), 100);
    order.refunds.set('R1', { amount: 40, state: 'SUCCESS' });
    const { order_id: _, ...unnamed } = Tokenim.refundFields(order, 'R1', Math.floor(Date.now() / 1_000));
    expect(await tokenim.send(unnamed, 'json', addressOf(channel))).toMatchObject([{ status: 200 }]);
    expect(await orderOf(channel, order.orderId)).toBeNull();
    await tokenim.pay(order.orderId, 'json', addressOf(channel));
    await vi.waitFor(
      async () => expect(await orderOf(channel, order.orderId)).toMatchObject({ state: 'partially_refunded' }),
      { timeout: 5_000 },
    );
  });

  it('takes the old secret and the new one until the old is taken away', async () => {
    const secrets = ['the-new-secret-of-two-of-them', SECRET];
    const channel = await makeChannel({ secrets });
    const order = tokenim.open(unique('T'), 100);
    expect(await tokenim.pay(order.orderId, 'json', addressOf(channel))).toMatchObject([{ status: 200 }]);
    tokenim = sandbox({ secret: 'the-new-secret-of-two-of-them' });
    const other = tokenim.open(unique('T'), 100);
    expect(await tokenim.pay(other.orderId, 'json', addressOf(channel))).toMatchObject([{ status: 200 }]);
  });

  it('lets in whom its allowlist names', async () => {
    const channel = await makeChannel({}, { allowlist: { mode: 'enforce', ranges: ['203.0.113.0/24'] } });
    const from = (address: string) =>
      new Tokenim({
        scheme: { ...DEFAULT_SCHEME, secret: SECRET },
        apiKey: API_KEY,
        post: (url, message) =>
          carry(url, { ...message, headers: { ...message.headers, 'CF-Connecting-IP': address } }),
      });
    const [stranger, friend] = [from('198.51.100.7'), from('203.0.113.7')];
    stranger.open('A-1', 1);
    friend.open('A-1', 1);
    expect(await stranger.pay('A-1', 'json', addressOf(channel))).toMatchObject([{ status: 503, body: 'fail' }]);
    expect(await friend.pay('A-1', 'json', addressOf(channel))).toMatchObject([{ status: 200 }]);
  });

  it('that would prove nothing is not made, and says why', async () => {
    const id = unique('channel');
    const input = { id, provider: 'tokenim', origins: [], credentials: { secrets: ['short'] } };
    const reply = await call('POST', '/v1/channels', input);
    expect(reply.status).toBe(422);
    expect(reply.text).toMatch(/secrets\.0 has 5 bytes; make one of at least 16/);
    expect(reply.text).not.toMatch(/"short"/);
  });
});

describe('an incomplete callback', () => {
  const lacking = (name: string, form: Form, channel: string, orderId: string) => {
    const order = tokenim.open(orderId, 4_200);
    order.state = 'SUCCESS';
    const fields = Tokenim.paymentFields(order, Math.floor(Date.now() / 1_000));
    const rest = Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name));
    return tokenim.send(rest, form, addressOf(channel));
  };

  it.each(['status', 'amount', 'transaction_id', 'order_id'])(
    'without %s is acknowledged, and completed by asking the provider at once',
    async (name) => {
      const channel = await makeChannel(templates);
      const orderId = unique('T');
      expect(await lacking(name, 'json', channel, orderId)).toMatchObject([{ status: 200 }]);
      await vi.waitFor(
        async () =>
          expect(await orderOf(channel, orderId)).toMatchObject({ state: 'paid', paid: { minor: 4_200 }, flags: [] }),
        { timeout: 10_000, interval: 50 },
      );
      expect(calls).toEqual(['https://api.pay.example/api/query']);
    },
  );

  it('of a provider that does not answer is acknowledged all the same, and kept', async () => {
    const channel = await makeChannel({ ...templates, apiKey: 'a-key-that-was-revoked' });
    const orderId = unique('T');
    expect(await lacking('status', 'xml', channel, orderId)).toMatchObject([{ status: 200, body: 'success' }]);
    expect(await orderOf(channel, orderId)).toMatchObject({ state: 'pending', sequence: 0, flags: [] });
  });

  it('of a channel that cannot ask goes out flagged at once', async () => {
    const channel = await makeChannel();
    const orderId = unique('T');
    expect(await lacking('amount', 'json', channel, orderId)).toMatchObject([{ status: 200 }]);
    await vi.waitFor(
      async () => expect(await orderOf(channel, orderId)).toMatchObject({ flags: ['incomplete'], sequence: 1 }),
      { timeout: 10_000, interval: 50 },
    );
  });
});

describe('a payment request', () => {
  const order = (channel: string) => ({
    ...{ channel, orderNo: unique('T'), amount: { minor: 1_234, currency: 'CNY' }, pay: true },
  });

  it('gives the code that the provider’s answer holds', async () => {
    const input = order(await makeChannel(templates));
    const reply = await call('POST', '/v1/orders', input);
    expect(reply.body.payment).toMatchObject({ codeUrl: expect.stringMatching(/^tokenim:\/\/pay\//) });
    expect(tokenim.orders.get(input.orderNo)).toMatchObject({
      ...{ amount: 1_234, notifyUrl: `${env.TOLLGATE_PUBLIC_URL}/callbacks/${input.channel}` },
    });
  });

  it('of a channel without the template says that it is not configured', async () => {
    const reply = await call('POST', '/v1/orders', order(await makeChannel()));
    expect(reply.body).toMatchObject({ code: 'provider_not_configured' });
    expect(calls).toEqual([]);
  });
});

describe.each(FORMS)('a provider that is asked in %s', (form) => {
  beforeEach(startClock);
  afterEach(() => vi.restoreAllMocks());
  const pending = async () => {
    const channel = await makeChannel(moneyTemplates(form));
    const input = { channel, orderNo: unique('T'), amount: { minor: 1_234, currency: 'CNY' }, pay: true };
    expect((await call('POST', '/v1/orders', input)).status).toBe(201);
    return { channel, orderNo: input.orderNo };
  };
  const act = (channel: string, orderNo: string, action: string, body?: unknown) =>
    call('POST', `/v1/orders/${channel}/${orderNo}/${action}`, body);

  it('closes an order that nobody paid, and learns of one that somebody did', async () => {
    const [first, other] = [await pending(), await pending()];
    later(6 * MINUTE_MS);
    expect((await act(first.channel, first.orderNo, 'close')).body.order).toMatchObject({ state: 'closed' });
    expect(tokenim.orders.get(first.orderNo)?.state).toBe('CLOSED');
    const paid = tokenim.open(other.orderNo, 0);
    paid.state = 'SUCCESS';
    const reply = await act(other.channel, other.orderNo, 'close');
    expect([reply.status, reply.body.code]).toEqual([409, 'order_paid']);
    expect(await orderOf(other.channel, other.orderNo)).toMatchObject({ state: 'paid' });
  });

  it('gives money back once for each number, whatever became of its answers', async () => {
    const { channel, orderNo } = await pending();
    tokenim.open(orderNo, 0).state = 'SUCCESS';
    await act(channel, orderNo, 'query');
    shortenProviderWaits();
    const give = (refundNo: string, minor: number) =>
      act(channel, orderNo, 'refunds', { refundNo, amount: { minor, currency: 'CNY' } });
    expect((await give('R-1', 34)).body.refund).toMatchObject({ state: 'pending', providerRefundId: 'RFR-1' });
    expect((await give('R-NOTENOUGH', 100)).body.code).toBe('insufficient_balance');
    expect((await give('R-NOTENOUGH', 100)).status).toBe(201);
    for (const word of ['TIMEOUT', 'LOST', 'SYSTEMERROR']) expect((await give(`R-${word}`, 200)).status).toBe(201);
    expect((await give('R-2', 501)).body.code).toBe('refund_exceeds_payment');
    const refunds = [...(tokenim.orders.get(orderNo)?.refunds ?? [])].map(([no, { amount }]) => [no, amount]);
    expect(Object.fromEntries(refunds)).toEqual({
      ...{ 'R-1': 34, 'R-NOTENOUGH': 100, 'R-TIMEOUT': 200, 'R-LOST': 200, 'R-SYSTEMERROR': 200 },
    });
    expect(await orderOf(channel, orderNo)).toMatchObject({ state: 'partially_refunded', flags: [] });
  });
});
