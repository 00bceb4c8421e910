// Queries, payments and refunds that a channel describes: requests as they go out, escaped and signed, and answers read
// without a guess. The sandbox answers with code of its own.
import { createHmac, createVerify, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderAnswer, ProviderRequest, RefundOrder } from '../../src/providers/provider.ts';
import { Tokenim } from '../../src/sandbox/tokenim.ts';
import { type Form, fieldsIn } from '../../src/sandbox/tokenim-signing.ts';
import { KEYS, NOW, SECONDS, SECRET, scheme } from '../fixtures/tokenim/merchant.ts';

const provider = providerOf('tokenim');
const { query, pay, refund } = provider ?? {};
if (!provider || !query || !pay || !refund) throw new Error('tokenim lacks a capability');

const HOST = 'https://api.pay.example';
const context = { now: NOW, nonce: 'n-1' };
const registration = {
  amount: { minor: 1999, currency: 'CNY' },
  description: 'Tea & "cake" <1>',
  expiresAt: NOW + 600_000,
  metadata: {},
  registeredAt: NOW,
};
const order = (orderNo: string) => ({ orderNo, registration, notifyUrl: 'https://gate.example/callbacks/shop' });
const asked: RefundOrder = {
  orderNo: 'T1',
  transactionId: 'TK1',
  refundNo: 'R1',
  amount: { minor: 500, currency: 'CNY' },
  paid: { minor: 1999, currency: 'CNY' },
  reason: null,
  notifyUrl: 'https://gate.example/callbacks/shop',
};

const sign = { algorithm: 'hmac-sha256', in: 'field', name: 'sign', encoding: 'hex', content: 'sorted-fields' };
const headers = { authorization: 'Bearer {apiKey}' };
const response = { error: 'code', state: 'status', amount: 'amount', currency: 'currency', notFound: ['NO_ORDER'] };
const templates = (bodyFormat: Form) => ({
  apiKey: 'k-123',
  query: {
    ...{ method: 'POST', url: `${HOST}/api/query`, headers, bodyFormat, sign },
    body: { order_id: '{orderNo}', transaction_id: '{transactionId}' },
    response: { ...response, orderNo: 'order_id', transactionId: 'transaction_id', occurredAt: 'changed_at' },
  },
  pay: {
    ...{ method: 'POST', url: `${HOST}/api/pay`, headers, bodyFormat, sign },
    body: {
      ...{ order_id: '{orderNo}', amount: '{amountMinor}', currency: '{currency}', subject: '{description}' },
      ...{ notify_url: '{notifyUrl}', expires: '{expiresAtSeconds}' },
    },
    response: { codeUrl: 'code_url', error: 'code' },
  },
  refund: {
    ...{ method: 'POST', url: `${HOST}/api/refund`, headers, bodyFormat, sign },
    body: { order_id: '{orderNo}', refund_no: '{refundNo}', refund_amount: '{refundAmountMinor}', why: '{reason}' },
    response: { error: 'code', state: 'status', transactionId: 'refund_id' },
  },
});
const credentialsOf = (more: object) => provider.credentials.parse({ secrets: [SECRET], ...more });
type Templates = ReturnType<typeof templates>;
const changed = <N extends 'query' | 'pay' | 'refund'>(name: N, part: object) => {
  const all: Templates = templates('json');
  return credentialsOf({ ...all, [name]: { ...all[name], ...part } });
};

function sandbox() {
  const tokenim = new Tokenim({ scheme: scheme(), apiKey: 'k-123', now: () => NOW });
  const carry = (request: ProviderRequest): ProviderAnswer => {
    const { pathname, search, searchParams } = new URL(request.url);
    const answer = tokenim.answer({
      ...{ method: request.method, target: pathname + search, path: pathname, query: searchParams },
      ...{ headers: request.headers, body: Buffer.from(request.body ?? ''), hungUp: new AbortController().signal },
    });
    return { status: answer.status, headers: { ...answer.headers }, body: Buffer.from(answer.body ?? '') };
  };
  return { tokenim, carry };
}

function value<T>(result: { ok: true; value: T } | { ok: false; error: { code: string; detail: string } }): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.detail}`);
  return result.value;
}

describe.each(['json', 'form', 'xml'] as const)('a provider that speaks %s', (form) => {
  it('is asked for a payment, for the order and for a refund', async () => {
    const credentials = credentialsOf(templates(form));
    const { tokenim, carry } = sandbox();
    const payment = carry(value(await pay.request(order('T1'), credentials, context)));
    const code = value(await pay.read(payment, credentials, [], NOW, registration.expiresAt));
    expect(code).toEqual({ codeUrl: expect.stringMatching(/^tokenim:\/\/pay\//), codeExpiresAt: NOW + 600_000 });
    expect(tokenim.orders.get('T1')).toMatchObject({ amount: 1999, notifyUrl: 'https://gate.example/callbacks/shop' });

    const known = tokenim.open('T1', 0);
    known.state = 'SUCCESS';
    for (const target of [{ orderNo: 'T1' }, { transactionId: known.transactionId }]) {
      const answer = carry(value(await query.request(target, credentials, context)));
      expect(value(await query.read(answer, target, credentials, [], NOW)).events).toMatchObject([
        {
          ...{ kind: 'payment', orderNo: 'T1', status: 'succeeded', transactionId: known.transactionId },
          ...{ amount: { minor: 1999, currency: 'CNY' }, occurredAt: NOW },
        },
      ]);
    }

    const refunding = carry(value(await refund.request(asked, credentials, context)));
    expect(value(await refund.read(refunding, asked, credentials, [], NOW)).events).toMatchObject([
      {
        kind: 'refund',
        orderNo: 'T1',
        refundNo: 'R1',
        providerRefundId: 'RFR1',
        state: 'pending',
        amount: asked.amount,
      },
    ]);
    expect(tokenim.orders.get('T1')?.refunds.get('R1')).toMatchObject({ amount: 500 });
    const more = { ...asked, refundNo: 'R2', amount: { minor: 1500, currency: 'CNY' } };
    const tooMuch = carry(value(await refund.request(more, credentials, context)));
    expect(await refund.read(tooMuch, more, credentials, [], NOW)).toMatchObject({
      error: { code: 'refused', detail: expect.stringMatching(/TOO_MUCH/) },
    });
  });

  it('that knows no such order tells nothing', async () => {
    const credentials = credentialsOf(templates(form));
    const answer = sandbox().carry(value(await query.request({ orderNo: 'none' }, credentials, context)));
    expect(value(await query.read(answer, { orderNo: 'none' }, credentials, [], NOW)).events).toEqual([]);
  });

  it('is sent every letter as it was given', async () => {
    const request = value(await pay.request(order('T1'), credentialsOf(templates(form)), context));
    expect(fieldsIn(request.body ?? '', request.headers['content-type'] ?? '').subject).toBe('Tea & "cake" <1>');
  });
});

describe('a channel without a template', () => {
  it('answers not_configured for each capability', async () => {
    const bare = credentialsOf({});
    const refusals = [
      await query.request({ orderNo: 'T1' }, bare, context),
      await pay.request(order('T1'), bare, context),
      await refund.request(asked, bare, context),
    ];
    expect(refusals.map((one) => !one.ok && one.error.code)).toEqual(Array(3).fill('not_configured'));
  });
});

describe('a request', () => {
  const url = (path: string) => changed('query', { method: 'GET', body: undefined, sign: undefined, url: HOST + path });

  it('keeps its host and its path whatever an order is called', async () => {
    for (const orderNo of ['../../admin', 'x?y=1#z', '@evil.example', '//evil.example', '%2e%2e/', 'a\\b', 'é']) {
      const request = value(await query.request({ orderNo }, url('/o/{orderNo}?k=1'), context));
      const made = new URL(request.url);
      expect([made.host, made.search, made.hash]).toEqual(['api.pay.example', '?k=1', '']);
      expect(made.pathname).toBe(`/o/${encodeURIComponent(orderNo)}`);
    }
    for (const orderNo of ['.', '..']) {
      expect(await query.request({ orderNo }, url('/o/{orderNo}/x'), context)).toMatchObject({
        error: { code: 'refused' },
      });
    }
  });

  it('never grows a parameter, a field or a header', async () => {
    const parameter = value(await query.request({ orderNo: '1&admin=1' }, url('/o?no={orderNo}'), context));
    expect([...new URL(parameter.url).searchParams]).toEqual([['no', '1&admin=1']]);
    const header = changed('query', { headers: { 'x-order': 'no {orderNo}' } });
    expect(await query.request({ orderNo: '1\r\nx-evil: 1' }, header, context)).toMatchObject({
      error: { code: 'refused' },
    });
    const twice = value(await query.request({ orderNo: '{apiKey}' }, changed('query', {}), context));
    expect(JSON.parse(twice.body ?? '')).toMatchObject({ order_id: '{apiKey}' });
  });

  it('leaves out the field that it has nothing for, and refuses an address that would have a gap', async () => {
    const request = value(await query.request({ orderNo: 'T1' }, changed('query', {}), context));
    expect(Object.keys(JSON.parse(request.body ?? ''))).toEqual(['order_id', 'sign']);
    expect(await query.request({ orderNo: 'T1' }, url('/o/{transactionId}'), context)).toMatchObject({
      error: { code: 'refused', detail: expect.stringMatching(/\{transactionId\}/) },
    });
  });

  it('carries nested JSON with numbers that are numbers', async () => {
    const body = {
      amount: { total: '{amountMinor:number}', text: '{amount} {currency}' },
      list: ['{orderNo}', 1, true],
    };
    const request = value(await pay.request(order('T1'), changed('pay', { body, sign: undefined }), context));
    expect(JSON.parse(request.body ?? '')).toEqual({
      amount: { total: 1999, text: '19.99 CNY' },
      list: ['T1', 1, true],
    });
    expect([request.timeoutMs, request.headers['content-type']]).toEqual([10_000, 'application/json']);
  });

  it('is signed over method, path, time, nonce and body where its template says so', async () => {
    const content = { content: 'template', template: '{method}\n{path}\n{timestamp}\n{nonce}\n{body}' };
    const header = { in: 'header', name: 'X-Sign', encoding: 'base64', prefix: 'v1=', ...content };
    const hmac = changed('pay', { sign: { algorithm: 'hmac-sha512', ...header } });
    const request = value(await pay.request(order('T1'), hmac, context));
    const text = `POST\n/api/pay\n${SECONDS}\nn-1\n${request.body}`;
    expect(request.headers['x-sign']).toBe(`v1=${createHmac('sha512', SECRET).update(text).digest('base64')}`);
    for (const algorithm of ['rsa-sha256', 'ed25519'] as const) {
      const keys = algorithm === 'ed25519' ? KEYS.ed25519 : KEYS.rsa;
      const all = { ...templates('json'), privateKey: keys.privateKey };
      const signed = credentialsOf({ ...all, pay: { ...all.pay, sign: { algorithm, ...header } } });
      const { body, headers: sent } = value(await pay.request(order('T1'), signed, context));
      const message = Buffer.from(`POST\n/api/pay\n${SECONDS}\nn-1\n${body}`);
      const bytes = Buffer.from(sent['x-sign']?.slice(3) ?? '', 'base64');
      const isGenuine =
        algorithm === 'ed25519'
          ? verify(null, message, keys.publicKey, bytes)
          : createVerify('sha256').update(message).verify(keys.publicKey, bytes);
      expect(isGenuine).toBe(true);
    }
  });

  it('is signed in its query where it has no body', async () => {
    const get = { method: 'GET', body: undefined, url: `${HOST}/o?no={orderNo}&at={timestamp}` };
    const request = value(await query.request({ orderNo: 'b a' }, changed('query', get), context));
    const wanted = createHmac('sha256', SECRET).update(`at=${SECONDS}&no=b a`).digest('hex');
    expect(new URL(request.url).searchParams.get('sign')).toBe(wanted);
  });

  it('without the key that signs it says which field is missing', async () => {
    const rsa = changed('pay', { sign: { ...sign, algorithm: 'rsa-sha256' } });
    expect(await pay.request(order('T1'), rsa, context)).toMatchObject({
      error: { code: 'not_configured', detail: expect.stringMatching(/privateKey/) },
    });
  });
});

describe('an answer', () => {
  const answered = (body: unknown, status = 200): ProviderAnswer => ({
    status,
    headers: {},
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });
  const ok = { code: 'OK', status: 'SUCCESS', amount: 5, currency: 'CNY', order_id: 'T1', transaction_id: 'TK1' };
  const readQuery = (answer: ProviderAnswer) =>
    query.read(answer, { orderNo: 'T1' }, credentialsOf(templates('json')), [], NOW);

  it.each([
    ['an outage', answered('', 502), 'unavailable'],
    ['too many requests', answered('', 429), 'unavailable'],
    ['a redirect', answered('', 302), 'unavailable'],
    ['a refusal', answered({ code: 'NO_AUTH' }, 401), 'refused'],
    ['an error within a success', answered({ ...ok, code: 'E1' }), 'refused'],
    ['a page', answered('no such thing, sorry'), 'malformed'],
    ['a status nobody knows', answered({ ...ok, status: 'HUH' }), 'malformed'],
    ['no status', answered({ code: 'OK' }), 'malformed'],
    ['another order', answered({ ...ok, order_id: 'T2' }), 'malformed'],
    ['an amount that is none', answered({ ...ok, amount: '5 yuan' }), 'malformed'],
    ['a time that is none', answered({ ...ok, changed_at: 'now' }), 'malformed'],
  ])('of %s is a problem of its own', async (_name, answer, code) => {
    expect(await readQuery(answer)).toMatchObject({ ok: false, error: { code } });
  });

  it('about another transaction than the one that was asked for is a problem of its own', async () => {
    const credentials = credentialsOf(templates('json'));
    const read = (transactionId: string) => query.read(answered(ok), { transactionId }, credentials, [], NOW);
    expect(await read('TK2')).toMatchObject({ ok: false, error: { code: 'malformed' } });
    expect(value(await read('TK1')).events).toMatchObject([{ orderNo: 'T1', transactionId: 'TK1' }]);
  });

  it('of 404 to a query means that nothing is known yet', async () => {
    expect(value(await readQuery(answered('', 404))).events).toEqual([]);
  });

  it.each(['javascript:alert(1)', 'data:text/html,x', '', 'no address', 'https://a b'])(
    'with the code %j is not shown to a payer',
    async (codeUrl) => {
      const read = await pay.read(answered({ code_url: codeUrl }), credentialsOf(templates('json')), [], NOW);
      expect(read).toMatchObject({ ok: false, error: { code: 'malformed' } });
    },
  );
});
