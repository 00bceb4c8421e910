// What a profile makes of a callback's content: where values stand, what words mean, and what is refused, asked for or
// kept instead of guessed.
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { Translation } from '../../src/providers/provider.ts';
import type { Fields } from '../../src/sandbox/tokenim-signing.ts';
import { callbackOf, NOW, ORDER_NO, payment, refund, SECONDS, SECRET, scheme } from '../fixtures/tokenim/merchant.ts';

const tokenim = providerOf('tokenim');
const generic = providerOf('generic');
if (tokenim === null || generic === null) throw new Error('the profile dialects are not registered');

const entered = { secrets: [SECRET] };
const QUERY = { method: 'GET', url: 'https://api.pay.example/orders/{orderNo}', response: { state: 'status' } };

async function judge(callback: Callback, credentials: object = {}, provider = tokenim) {
  const parsed = provider?.credentials.parse({ ...entered, ...credentials });
  const notice = await provider?.verify(callback, parsed, [], NOW);
  return notice?.ok ? provider?.translate(notice.value, parsed) : notice;
}
async function told(callback: Callback, credentials: object = {}): Promise<Translation> {
  const judged = await judge(callback, credentials);
  if (!judged?.ok) throw new Error(`${judged?.error.reason}: ${judged?.error.detail}`);
  return judged.value as Translation; // translate gives nothing else
}
const refusal = async (callback: Callback, credentials: object = {}) => {
  const judged = await judge(callback, credentials);
  return judged?.ok === false ? judged.error : null;
};
/** A body as it is, signed over its raw bytes. */
function rawJson(body: string, type = 'application/json'): Callback {
  const made = callbackOf({}, 'json', scheme({ content: 'raw', name: 'X-Sign' }));
  return { ...made, body: new TextEncoder().encode(body), headers: { ...made.headers, 'content-type': type } };
}
const RAW = { signature: { content: 'raw', name: 'X-Sign' }, timestamp: null };
async function signedRaw(body: string, type?: string): Promise<Callback> {
  const callback = rawJson(body, type);
  const key = await crypto.subtle.importKey(
    'raw',
    new TextEncoder().encode(SECRET),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const signature = new Uint8Array(await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(body))).toHex();
  return { ...callback, headers: { ...callback.headers, 'x-sign': signature } };
}

describe('a payment', () => {
  it('fills everything that its fields tell', async () => {
    const { events, noticeId, noticeType } = await told(callbackOf(payment, 'json'));
    expect(events).toEqual([
      {
        kind: 'payment',
        orderNo: ORDER_NO,
        occurredAt: (SECONDS - 5) * 1_000,
        providerState: 'SUCCESS',
        test: false,
        status: 'succeeded',
        transactionId: 'TK0001',
        amount: { minor: 1999, currency: 'CNY' },
        payerAmount: { minor: 1899, currency: 'CNY' },
        method: 'card',
        providerMethod: 'CARD',
        payer: { id: 'u-77', account: 'ming@example.com', name: '王小明' },
        attach: 'shelf-3',
      },
    ]);
    expect([noticeId, noticeType]).toEqual(['N1', 'payment.SUCCESS']);
  });

  it('says the same in JSON, as a form and in XML', async () => {
    const [json, form, xml] = await Promise.all(
      (['json', 'form', 'xml'] as const).map(async (one) => (await told(callbackOf(payment, one))).events),
    );
    expect(form).toEqual(json);
    expect(xml).toEqual(json);
  });

  it('is read at pointers into nested JSON, with other places for a form', async () => {
    const fields = {
      orderNo: { json: '/data/order/no', form: 'order[no]' },
      transactionId: { json: '/data/ids/1', form: 'tid' },
      status: { json: '/data/state~1now', form: 'state' },
      amount: { json: '/data/a~0mount', form: 'amount' },
    };
    const nested = { data: { order: { no: 'N-1' }, ids: ['x', 't-1'], 'state/now': 'PAID', 'a~mount': 5 } };
    const body = JSON.stringify({ ...nested, currency: 'CNY' });
    const wanted = [{ orderNo: 'N-1', transactionId: 't-1', status: 'succeeded', amount: { minor: 5 } }];
    expect((await told(await signedRaw(body), { ...RAW, fields })).events).toMatchObject(wanted);
    const form = 'order%5Bno%5D=N-1&tid=t-1&state=PAID&amount=5&currency=CNY';
    const type = 'application/x-www-form-urlencoded';
    expect((await told(await signedRaw(form, type), { ...RAW, fields })).events).toMatchObject(wanted);
  });

  it('is read at a path through nested XML, repeated elements by their place', async () => {
    const body = '<n><head><no>N-2</no></head><item><id>a</id></item><item><id>t-2</id></item><s>PAID</s><m>7</m></n>';
    const fields = { orderNo: '/head/no', transactionId: '/item/1/id', status: 's', amount: 'm' };
    const { events } = await told(await signedRaw(body, 'text/xml'), { ...RAW, fields, currency: 'CNY' });
    expect(events).toMatchObject([{ orderNo: 'N-2', transactionId: 't-2', amount: { minor: 7, currency: 'CNY' } }]);
  });

  it('is never read by a name that every object inherits', async () => {
    const body = `{"__proto__":{"order_id":"evil"},"status":"PAID","amount":1,"currency":"CNY"}`;
    expect(await refusal(await signedRaw(body), RAW)).toMatchObject({
      reason: 'malformed',
      detail: expect.stringMatching(/orderNo/),
    });
    const fields = { orderNo: '/constructor/name' };
    expect(await refusal(await signedRaw(body), { ...RAW, fields })).toMatchObject({ reason: 'malformed' });
    const own = await told(await signedRaw(body), { ...RAW, fields: { orderNo: '/__proto__/order_id' } });
    expect(own.events).toMatchObject([{ orderNo: 'evil' }]);
    expect(({} as { order_id?: string }).order_id).toBeUndefined();
    const status = callbackOf({ ...payment, status: 'constructor' }, 'json');
    expect(await refusal(status)).toMatchObject({ reason: 'malformed' });
  });

  it('without a time of its own happened when it was sent, or else when it arrived', async () => {
    const { changed_at: _, ...timeless } = payment;
    expect((await told(callbackOf(timeless, 'json'))).events).toMatchObject([{ occurredAt: NOW }]);
    const body = '{"order_id":"1","status":"FAILED"}';
    expect((await told(await signedRaw(body), RAW)).events).toMatchObject([{ occurredAt: NOW, amount: null }]);
  });

  it('of a test is told as one', async () => {
    expect((await told(callbackOf({ ...payment, test: 'true' }, 'json'))).events).toMatchObject([{ test: true }]);
    expect((await told(callbackOf({ ...payment, test: 'false' }, 'json'))).events).toMatchObject([{ test: false }]);
  });

  it.each([
    ['0.29', 'decimal', 29],
    ['1234567.80', 'decimal', 123_456_780],
    ['19.990', 'decimal', 1_999],
    ['1999', 'minor', 1_999],
    ['19.99', 'minor', null],
    ['1e3', 'minor', null],
    ['-5', 'decimal', null],
    ['1.999', 'decimal', null],
    ['99999999999999999', 'minor', null],
    ['０', 'minor', null],
  ])('of %s in %s units is exact or refused', async (amount, amountUnit, minor) => {
    const callback = callbackOf({ ...payment, amount, paid_amount: '' }, 'form');
    if (minor === null) expect(await refusal(callback, { amountUnit })).toMatchObject({ reason: 'malformed' });
    else expect((await told(callback, { amountUnit })).events).toMatchObject([{ amount: { minor } }]);
  });

  it('written as a JSON number is read by its digits and never as a float (pitfall 10)', async () => {
    const body = '{"order_id":"1","transaction_id":"2","status":"PAID","amount":4503599627370.07,"currency":"CNY"}';
    const { events } = await told(await signedRaw(body), { ...RAW, amountUnit: 'decimal' });
    expect(events).toMatchObject([{ amount: { minor: 450_359_962_737_007 } }]);
  });

  it('for another merchant account is wrong_merchant, and one that names none is malformed', async () => {
    const mine = { merchantIds: ['M1', 'M3'] };
    expect((await told(callbackOf(payment, 'json'), mine)).events).toHaveLength(1);
    const other = callbackOf({ ...payment, merchant_id: 'M2' }, 'json');
    expect(await refusal(other, mine)).toMatchObject({ reason: 'wrong_merchant' });
    const { merchant_id: _, ...silent } = payment;
    expect(await refusal(callbackOf(silent, 'json'), mine)).toMatchObject({ reason: 'malformed' });
  });
});

describe('an incomplete callback', () => {
  const lacking = (name: string) => {
    const { [name]: _, ...rest }: Fields = payment;
    return told(callbackOf(rest, 'json'), { query: QUERY });
  };

  it.each([
    ['amount', 'amount'],
    ['transaction_id', 'transactionId'],
  ])('without %s is told as it is: the ledger asks for the rest', async (name, field) => {
    const { events, partial = [] } = await lacking(name);
    expect([events, partial]).toMatchObject([[{ status: 'succeeded', [field]: null }], []]);
  });

  it('without a status tells no event, and what it says is kept', async () => {
    const { events, partial } = await lacking('status');
    expect(events).toEqual([]);
    expect(partial).toMatchObject([
      { kind: 'partial', lacks: 'status', orderNo: payment.order_id, transactionId: payment.transaction_id },
    ]);
  });

  it('without its order is found by its transaction', async () => {
    const { events, unlinkedPartial } = await lacking('order_id');
    expect([events, unlinkedPartial]).toMatchObject([[], [{ kind: 'partial', linkId: payment.transaction_id }]]);
  });

  it('without an amount and without a query is told as it is, for a person to see', async () => {
    const { amount: _, ...rest } = payment;
    const { events } = await told(callbackOf(rest, 'json'));
    expect(events).toMatchObject([{ status: 'succeeded', amount: null }]);
  });

  it('that names neither order nor transaction is refused even where there is a query', async () => {
    const { order_id: _, transaction_id: __, ...rest } = payment;
    expect(await refusal(callbackOf(rest, 'json'), { query: QUERY })).toMatchObject({ reason: 'malformed' });
  });
});

describe('an unknown word', () => {
  it('for the kind is acknowledged, kept and touches no order', async () => {
    const { events, noticeType } = await told(callbackOf({ ...payment, type: 'payout' }, 'json'));
    expect([events, noticeType]).toEqual([[], 'payout.SUCCESS']);
  });

  it('for the status is refused with the mend, until it is configured or said to be acknowledged', async () => {
    const callback = callbackOf({ ...payment, status: 'OK' }, 'json');
    expect(await refusal(callback)).toMatchObject({
      reason: 'malformed',
      detail: expect.stringMatching(/"OK": add the word to statuses/),
    });
    expect((await told(callback, { unknownStatus: 'acknowledge' })).events).toEqual([]);
    const statuses = { payment: { OK: 'succeeded' } };
    expect((await told(callback, { statuses })).events).toMatchObject([{ status: 'succeeded', providerState: 'OK' }]);
  });
});

describe('a refund', () => {
  it('is told by its number, with its own amount and state', async () => {
    const { events } = await told(callbackOf(refund('R1', 500, { refund_id: 'PR1', reason: 'broken' }), 'form'));
    expect(events).toEqual([
      {
        kind: 'refund',
        orderNo: ORDER_NO,
        occurredAt: (SECONDS - 5) * 1_000,
        providerState: 'SUCCESS',
        test: false,
        state: 'succeeded',
        refundNo: 'R1',
        providerRefundId: 'PR1',
        transactionId: 'TK0001',
        amount: { minor: 500, currency: 'CNY' },
        reason: 'broken',
      },
    ]);
  });

  it('without a kind is known by its refund number', async () => {
    const { type: _, ...rest } = refund('R1', 500);
    expect((await told(callbackOf(rest, 'json'))).events).toMatchObject([{ kind: 'refund', refundNo: 'R1' }]);
  });

  it.each([
    ['FAILED', 'failed'],
    ['PROCESSING', 'pending'],
    ['ABNORMAL', 'needs_attention'],
  ])('that is %s is %s', async (status, state) => {
    expect((await told(callbackOf({ ...refund('R1', 5), status }, 'xml'))).events).toMatchObject([{ state }]);
  });

  it.each(['refund_no', 'refund_amount', 'status'])('without %s is refused', async (name) => {
    const { [name]: _, ...rest } = refund('R1', 500);
    expect(await refusal(callbackOf(rest as Fields, 'json'))).toMatchObject({ reason: 'malformed' });
  });

  it('that names the transaction alone finds its order by the payment, where the channel says so', async () => {
    const { order_id: _, ...rest } = refund('R1', 500);
    expect(await refusal(callbackOf(rest, 'json'))).toMatchObject({
      detail: expect.stringMatching(/linkByTransaction/),
    });
    const linked = { linkByTransaction: true };
    const { events, unlinked } = await told(callbackOf(rest, 'json'), linked);
    expect([events, unlinked]).toMatchObject([[], [{ kind: 'refund', refundNo: 'R1', linkId: 'TK0001' }]]);
    const paid = await told(callbackOf(payment, 'json'), linked);
    expect(paid.links).toEqual([{ id: 'TK0001', orderNo: ORDER_NO }]);
    expect((await told(callbackOf(payment, 'json'))).links).toBeUndefined();
  });
});

describe('a body', () => {
  it('that was signed as JSON is not read anew as a form', async () => {
    const trap = '&order_id=X&transaction_id=T&status=PAID&amount=1&currency=CNY&x=';
    const body = JSON.stringify({ order_id: '1', status: 'FAILED', attach: trap });
    const form = 'application/x-www-form-urlencoded';
    expect(await refusal(await signedRaw(body, form), RAW)).toMatchObject({ reason: 'malformed' });
    for (const type of ['application/octet-stream', 'text/plain; charset=utf-8', '']) {
      expect((await told(await signedRaw(body, type), RAW)).events).toMatchObject([{ orderNo: '1', status: 'failed' }]);
    }
  });

  it('of a form that the channel does not take is refused', async () => {
    expect(await refusal(callbackOf(payment, 'xml'), { formats: ['json'] })).toMatchObject({
      reason: 'malformed',
      detail: expect.stringMatching(/xml/),
    });
  });

  it.each([
    ['a name twice in a form', 'order_id=1&order_id=2&status=PAID', 'application/x-www-form-urlencoded'],
    ['a broken escape', 'order_id=%zz', 'application/x-www-form-urlencoded'],
    ['an escape that is no UTF-8', 'order_id=%ff', 'application/x-www-form-urlencoded'],
    ['an entity', '<!DOCTYPE a [<!ENTITY x "1">]><a><order_id>&x;</order_id></a>', 'text/xml'],
    ['JSON nested past the limit', `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`, 'application/json'],
    ['JSON nested without an end', `{"a":${'['.repeat(60_000)}`, 'application/json'],
    ['a JSON list', '[{"order_id":"1"}]', 'application/json'],
    ['quotes without an end', `{"a":"${'\\"'.repeat(30_000)}`, 'application/json'],
    ['an order number with a space', '{"order_id":"1 2","status":"PAID"}', 'application/json'],
    ['an order number that is an object', '{"order_id":{"a":1},"status":"PAID"}', 'application/json'],
  ])('with %s is refused, though it is signed', async (_name, body, type) => {
    expect(await refusal(await signedRaw(body, type), RAW)).toMatchObject({ reason: 'malformed' });
  });
});

describe('generic', () => {
  it('assumes nothing: each thing that a channel must say is asked for by name', () => {
    const missing = generic.credentials.safeParse({}).error?.issues.map(({ path }) => path.join('.'));
    expect(missing).toEqual([
      'signature',
      'timestamp',
      'formats',
      'fields',
      'statuses',
      'amountUnit',
      'acknowledgement',
    ]);
  });

  it('takes the order number for the transaction where a provider has no other', async () => {
    const profile = {
      ...{ signature: { algorithm: 'hmac-sha256', in: 'header', name: 'X-Sign', encoding: 'hex', content: 'raw' } },
      ...{ timestamp: null, formats: ['json'], fields: { orderNo: 'no', status: 's', amount: 'a' }, currency: 'JPY' },
      ...{ statuses: { payment: { ok: 'succeeded' } }, amountUnit: 'decimal' },
      acknowledgement: { success: { status: 204, body: '' }, failure: { status: 500, body: '{}' } },
    };
    const judged = await judge(await signedRaw('{"no":"1","s":"ok","a":"120"}'), profile, generic);
    expect(judged).toMatchObject({ value: { events: [{ transactionId: '1', amount: { minor: 120 } }] } });
  });
});
