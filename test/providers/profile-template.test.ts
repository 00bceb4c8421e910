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
const { query, pay, close, refund } = provider ?? {};
if (!provider || !query || !pay || !close || !refund) throw new Error('tokenim lacks a capability');

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
    response: { codeUrl: 'code_url', error: 'code', alreadyPaid: ['PAID'] },
  },
  close: {
    ...{ method: 'POST', url: `${HOST}/api/close`, headers, bodyFormat, sign },
    body: { order_id: '{orderNo}' },
    response: { error: 'code', state: 'status', notFound: ['NO_ORDER'], alreadyPaid: ['PAID'] },
  },
  refund: {
    ...{ method: 'POST', url: `${HOST}/api/refund`, headers, bodyFormat, sign },
    body: { order_id: '{orderNo}', refund_no: '{refundNo}', refund_amount: '{refundAmountMinor}', why: '{reason}' },
    response: { error: 'code', state: 'status', transactionId: 'refund_id', insufficientBalance: ['NOT_ENOUGH'] },
  },
  refundQuery: {
    ...{ method: 'POST', url: `${HOST}/api/refund/query`, headers, bodyFormat, sign },
    body: { order_id: '{orderNo}', transaction_id: '{transactionId}', refund_no: '{refundNo}' },
    response: {
      ...{ error: 'code', notFound: ['NO_ORDER', 'NO_REFUND'], state: 'status', amount: 'refund_amount' },
      ...{ currency: 'currency', orderNo: 'order_id', refundNo: 'refund_no', refundId: 'refund_id' },
      ...{ transactionId: 'transaction_id', occurredAt: 'changed_at' },
    },
  },
});
const credentialsOf = (more: object) => provider.credentials.parse({ secrets: [SECRET], ...more });
type Templates = ReturnType<typeof templates>;
const changed = (name: Exclude<keyof Templates, 'apiKey'>, part: object) => {
  const all: Templates = templates('json');
  return credentialsOf({ ...all, [name]: { ...all[name], ...part } });
};

function sandbox() {
  const tokenim = new Tokenim({ scheme: scheme(), apiKey: 'k-123', now: () => NOW });
  const carry = async (request: ProviderRequest, hungUp = new AbortController().signal): Promise<ProviderAnswer> => {
    const { pathname, search, searchParams } = new URL(request.url);
    const answer = await tokenim.answer({
      ...{ method: request.method, target: pathname + search, path: pathname, query: searchParams },
      ...{ headers: request.headers, body: Buffer.from(request.body ?? ''), hungUp },
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
    const payment = await carry(value(await pay.request(order('T1'), credentials, context)));
    const code = value(await pay.read(payment, credentials, [], NOW, registration.expiresAt));
    expect(code).toEqual({ codeUrl: expect.stringMatching(/^tokenim:\/\/pay\//), codeExpiresAt: NOW + 600_000 });
    expect(tokenim.orders.get('T1')).toMatchObject({ amount: 1999, notifyUrl: 'https://gate.example/callbacks/shop' });

    const known = tokenim.open('T1', 0);
    known.state = 'SUCCESS';
    for (const target of [{ orderNo: 'T1' }, { transactionId: known.transactionId }]) {
      const answer = await carry(value(await query.request(target, credentials, context)));
      expect(value(await query.read(answer, target, credentials, [], NOW)).events).toMatchObject([
        {
          ...{ kind: 'payment', orderNo: 'T1', status: 'succeeded', transactionId: known.transactionId },
          ...{ amount: { minor: 1999, currency: 'CNY' }, occurredAt: NOW },
        },
      ]);
    }

    const refunding = await carry(value(await refund.request(asked, credentials, context)));
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
    const about = { orderNo: 'T1', transactionId: known.transactionId, refundNo: 'R1' };
    const asking = await carry(value(await query.request(about, credentials, context)));
    expect(value(await query.read(asking, about, credentials, [], NOW)).events).toEqual([
      {
        ...{ kind: 'refund', orderNo: 'T1', refundNo: 'R1', providerRefundId: 'RFR1', state: 'succeeded' },
        ...{ providerState: 'SUCCESS', transactionId: known.transactionId, amount: asked.amount },
        ...{ occurredAt: NOW, test: false },
      },
    ]);
    const more = { ...asked, refundNo: 'R2', amount: { minor: 1500, currency: 'CNY' } };
    const tooMuch = await carry(value(await refund.request(more, credentials, context)));
    expect(await refund.read(tooMuch, more, credentials, [], NOW)).toMatchObject({
      error: { code: 'refused', detail: expect.stringMatching(/TOO_MUCH/) },
    });
  });

  it('closes an order that nobody has paid, says of a paid one that it is, and does not know others', async () => {
    const credentials = credentialsOf(templates(form));
    const { tokenim, carry } = sandbox();
    const end = async (orderNo: string) => {
      const answer = await carry(value(await close.request({ orderNo }, credentials, context)));
      return value(await close.read(answer, credentials, [], NOW));
    };
    tokenim.open('T1', 1999);
    expect([await end('T1'), await end('T1'), await end('none')]).toEqual(['closed', 'closed', 'unknown']);
    expect(tokenim.orders.get('T1')?.state).toBe('CLOSED');
    tokenim.open('T2', 1999).state = 'SUCCESS';
    expect(await end('T2')).toBe('paid');
    const again = await carry(value(await pay.request(order('T2'), credentials, context)));
    expect(await pay.read(again, credentials, [], NOW)).toMatchObject({ error: { code: 'already_paid' } });
  });

  it('whose account does not hold enough says so, and gives back when it is asked again', async () => {
    const credentials = credentialsOf(templates(form));
    const { tokenim, carry } = sandbox();
    tokenim.open('T1', 1999).state = 'SUCCESS';
    const short = { ...asked, refundNo: 'R-NOTENOUGH' };
    const give = async () => {
      const answer = await carry(value(await refund.request(short, credentials, context)));
      return refund.read(answer, short, credentials, [], NOW);
    };
    expect(await give()).toMatchObject({
      error: { code: 'insufficient_balance', detail: expect.stringMatching(/same refundNo\.$/) },
    });
    expect(value(await give()).events).toMatchObject([{ state: 'pending' }]);
  });

  it('that knows no such refund tells nothing', async () => {
    const credentials = credentialsOf(templates(form));
    const { tokenim, carry } = sandbox();
    tokenim.open('T1', 1999).state = 'SUCCESS';
    for (const target of [
      { orderNo: 'T1', refundNo: 'R9' },
      { orderNo: 'none', refundNo: 'R9' },
    ]) {
      const answer = await carry(value(await query.request(target, credentials, context)));
      expect(value(await query.read(answer, target, credentials, [], NOW)).events).toEqual([]);
    }
  });

  it('that knows no such order tells nothing', async () => {
    const credentials = credentialsOf(templates(form));
    const answer = await sandbox().carry(value(await query.request({ orderNo: 'none' }, credentials, context)));
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
      await close.request({ orderNo: 'T1' }, bare, context),
      await refund.request(asked, bare, context),
      await query.request({ orderNo: 'T1', refundNo: 'R1' }, bare, context),
      await query.read({ status: 200, headers: {}, body: new Uint8Array() }, { refundNo: 'R1' }, bare, [], NOW),
      await close.read({ status: 200, headers: {}, body: new Uint8Array() }, bare, [], NOW),
    ];
    expect(refusals.map((one) => !one.ok && one.error.code)).toEqual(Array(7).fill('not_configured'));
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

  const end = (body: unknown, part: object = {}, status = 200) =>
    close.read(answered(body, status), changed('close', part), [], NOW);

  it('to closing without a word of the state means that it is done', async () => {
    const part = { response: { error: 'code', alreadyClosed: ['CLOSED'] } };
    expect(await end({ code: 'OK' }, part)).toEqual({ ok: true, value: 'closed' });
    expect(await end({ code: 'CLOSED' }, part)).toEqual({ ok: true, value: 'closed' });
    expect(await end({ code: 'CLOSED' }, part, 409)).toEqual({ ok: true, value: 'closed' });
    expect(await end({ code: 'NO' }, part)).toMatchObject({ error: { code: 'refused' } });
  });

  it('to closing is translated by the template’s own words, then by those for payments', async () => {
    const response = {
      error: 'code',
      state: 'status',
      states: { VOID: 'closed', HELD: 'unknown', PENDING: 'unknown' },
    };
    const words = ['VOID', 'HELD', 'PENDING', 'CLOSED', 'PAID'];
    const read = await Promise.all(words.map(async (status) => value(await end({ code: 'OK', status }, { response }))));
    expect(read).toEqual(['closed', 'unknown', 'unknown', 'closed', 'paid']);
  });

  it('to closing that does not say how the order ended is no answer', async () => {
    for (const body of [
      { code: 'OK' },
      { code: 'OK', status: 'PENDING' },
      { code: 'OK', status: 'constructor' },
      'x',
    ]) {
      expect(await end(body)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    }
    expect(await end({ code: 'E' }, {}, 500)).toMatchObject({ error: { code: 'unavailable' } });
    expect(await end('', {}, 404)).toEqual({ ok: true, value: 'unknown' });
  });

  const known = { code: 'OK', status: 'SUCCESS', refund_amount: 500, currency: 'CNY', refund_no: 'R1', order_id: 'T1' };
  const readRefundQuery = (body: unknown, part: object = {}, status = 200) =>
    query.read(answered(body, status), { orderNo: 'T1', refundNo: 'R1' }, changed('refundQuery', part), [], NOW);

  it.each([
    ['another refund', { ...known, refund_no: 'R2' }, /another refund/],
    ['another order', { ...known, order_id: 'T2' }, /another refund/],
    ['no amount', { ...known, refund_amount: undefined }, /amount/],
    ['no currency', { ...known, currency: undefined }, /amount/],
    ['a state nobody knows', { ...known, status: '__proto__' }, /statuses\.refund/],
    ['a time that is none', { ...known, changed_at: 'now' }, /occurredAt/],
  ])('about a refund with %s is no answer', async (_name, body, detail) => {
    const read = await readRefundQuery(body);
    expect(read).toMatchObject({ ok: false, error: { code: 'malformed', detail: expect.stringMatching(detail) } });
  });

  it('about a refund that fails and one that is stuck says so, and 404 says nothing', async () => {
    const states = await Promise.all(
      ['FAILED', 'ABNORMAL', 'PROCESSING'].map(async (status) => value(await readRefundQuery({ ...known, status }))),
    );
    expect(states.flatMap(({ events }) => events)).toMatchObject([
      { state: 'failed' },
      { state: 'needs_attention' },
      { state: 'pending', occurredAt: NOW },
    ]);
    expect(value(await readRefundQuery('', {}, 404)).events).toEqual([]);
    expect(await readRefundQuery({ code: 'E' })).toMatchObject({ error: { code: 'refused' } });
  });

  it('counts as known words only those of its own template', async () => {
    const body = { code: 'NOT_ENOUGH' };
    const bare = { response: { error: 'code' } };
    expect(await refund.read(answered(body), asked, changed('refund', bare), [], NOW)).toMatchObject({
      error: { code: 'refused' },
    });
    expect(await refund.read(answered(body, 403), asked, changed('refund', {}), [], NOW)).toMatchObject({
      error: { code: 'insufficient_balance' },
    });
  });
});

describe('the pretend Tokenim', () => {
  const hung = () => AbortSignal.abort();
  const paying = async (orderNo: string) =>
    value(await pay.request(order(orderNo), credentialsOf(templates('json')), context));

  it('takes a number that says TIMEOUT and does not answer, and answers the next time', async () => {
    const { tokenim, carry } = sandbox();
    expect((await carry(await paying('T-TIMEOUT-1'), hung())).status).toBe(504);
    expect(tokenim.orders.get('T-TIMEOUT-1')).toMatchObject({ state: 'PENDING', amount: 1999 });
    expect((await carry(await paying('T-TIMEOUT-1'))).status).toBe(200);
  });

  it('does nothing for a number that says LOST or SYSTEMERROR, every time where ALWAYS follows', async () => {
    const { tokenim, carry } = sandbox();
    const statuses: number[] = [];
    for (const no of ['T-LOST', 'T-SYSTEMERROR', 'T-systemerroralways', 'T-systemerroralways', 'T-SYSTEMERROR']) {
      statuses.push((await carry(await paying(no), hung())).status);
    }
    expect(statuses).toEqual([504, 503, 503, 503, 200]);
    expect([...tokenim.orders.keys()]).toEqual(['T-SYSTEMERROR']);
  });

  it('finishes a refund whose number says SLOW when it is asked for the second time', async () => {
    const credentials = credentialsOf(templates('json'));
    const { tokenim, carry } = sandbox();
    tokenim.open('T1', 1999).state = 'SUCCESS';
    const slow = { ...asked, refundNo: 'R-SLOW' };
    await carry(value(await refund.request(slow, credentials, context)));
    const target = { orderNo: 'T1', refundNo: 'R-SLOW' };
    const state = async () => {
      const answer = await carry(value(await query.request(target, credentials, context)));
      return value(await query.read(answer, target, credentials, [], NOW)).events;
    };
    expect([await state(), await state()]).toMatchObject([[{ state: 'pending' }], [{ state: 'succeeded' }]]);
  });
});
