// Callbacks that go on to a merchant's backend: whose answer means yes, until when a clock believes them, and that what
// is written anew is what the provider's own library takes.
import { Paddle } from '@paddle/paddle-node-sdk';
import { Webhook } from 'standardwebhooks';
import Stripe from 'stripe';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Callback, KeptCallback } from '../../src/core/callback.ts';
import { factKey, type PaymentFact } from '../../src/core/event.ts';
import { REJECTION_REASONS, reject } from '../../src/core/rejection.ts';
import type { Retold } from '../../src/core/retold.ts';
import { PROVIDER_IDS, providerOf } from '../../src/providers/index.ts';
import * as paddle from '../fixtures/paddle/merchant.ts';
import * as standard from '../fixtures/standard-webhooks/merchant.ts';
import * as stripe from '../fixtures/stripe/merchant.ts';
import * as tokenim from '../fixtures/tokenim/merchant.ts';
import * as wechatpayV2 from '../fixtures/wechatpay-v2/merchant.ts';
import * as wechatpayV3 from '../fixtures/wechatpay-v3/merchant.ts';
import { dialectOf } from './dialect.ts';

afterEach(() => {
  vi.useRealTimers();
});

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = (kept: Pick<KeptCallback, 'body'>) => new TextDecoder().decode(kept.body);
const LATER_MS = 600_000;
const nonce = '0123456789abcdef0123456789abcdef';

function must(id: string) {
  const provider = providerOf(id);
  if (provider === null) throw new Error(`${id} is not registered`);
  return provider;
}

/** Credentials where the words of the answer are the channel's own. */
const ENTERED: Readonly<Record<string, object>> = {
  tokenim: tokenim.enteredFor(tokenim.scheme()),
  generic: { ...tokenim.enteredFor(tokenim.scheme()), ...standard.entered, secrets: [tokenim.SECRET] },
  'standard-webhooks': standard.entered,
};
const credentialsFor = (id: string) => (ENTERED[id] ? must(id).credentials.parse(ENTERED[id]) : undefined);

/** As the ledger keeps it. */
function kept(id: string, { headers, body }: Callback, credentials: unknown): KeptCallback {
  const provider = must(id);
  const names = provider.evidenceHeadersOf?.(credentials) ?? provider.evidenceHeaders;
  const own = Object.entries(headers).filter(([name]) => names.includes(name));
  return { contentType: headers['content-type'] ?? null, headers: Object.fromEntries(own), body };
}

const arrives = ({ contentType, headers, body }: KeptCallback, receivedAt: number): Callback => ({
  channelId: 'shop',
  headers: { ...headers, ...(contentType === null ? {} : { 'content-type': contentType }) },
  body,
  remoteAddress: null,
  receivedAt,
});

describe('a backend that answers as the gateway does', () => {
  it.each(PROVIDER_IDS)('is understood: %s', (id) => {
    const provider = must(id);
    const credentials = credentialsFor(id);
    const verdictOf = (acknowledgement: Parameters<typeof provider.acknowledge>[0]) => {
      const { status, body } = provider.acknowledge(acknowledgement, credentials);
      return provider.readAcknowledgement?.(status, bytes(body), credentials);
    };
    expect(verdictOf({ kind: 'accepted' })).toBe('accepted');
    expect(verdictOf({ kind: 'unavailable' })).toBe('refused');
    for (const reason of REJECTION_REASONS) {
      expect(verdictOf({ kind: 'rejected', rejection: reject(reason, '') })).toBe('refused');
    }
  });

  it.each(PROVIDER_IDS)('is never read as yes for a status that is none: %s', (id) => {
    const provider = must(id);
    const credentials = credentialsFor(id);
    const { body } = provider.acknowledge({ kind: 'accepted' }, credentials);
    for (const status of [301, 302, 400, 404, 410, 429, 500, 502, 503]) {
      expect(provider.readAcknowledgement?.(status, bytes(body), credentials)).toBe('refused');
    }
  });
});

const XML_OK = '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>';

/** Bytes from the providers' documents, and what careless handlers make of them. */
describe('a handler’s answer', () => {
  it.each([
    ['wechatpay-v2', 200, XML_OK, 'accepted'],
    ['wechatpay-v2', 200, `\ufeff<?xml version="1.0"?>\n${XML_OK.replaceAll('><', '>\n  <')}\n`, 'accepted'],
    ['wechatpay-v2', 200, '<xml><return_code>SUCCESS</return_code></xml>', 'accepted'],
    ['wechatpay-v2', 200, XML_OK.replace('SUCCESS', 'FAIL'), 'refused'],
    ['wechatpay-v2', 200, 'SUCCESS', 'refused'],
    ['wechatpay-v2', 200, '<html><body>Fatal error: SUCCESS</body></html>', 'refused'],
    ['wechatpay-v2', 200, '', 'refused'],
    ['wechatpay-v2', 500, XML_OK, 'refused'],
    ['wechatpay-v3', 200, '', 'accepted'],
    ['wechatpay-v3', 204, '', 'accepted'],
    ['wechatpay-v3', 200, '{"code":"SUCCESS","message":"成功"}', 'accepted'],
    ['wechatpay-v3', 500, '{"code":"FAIL","message":"失败"}', 'refused'],
    ['wechatpay-v3', 400, '{"code":"FAIL","message":"失败"}', 'refused'],
    ['alipay', 200, 'success', 'accepted'],
    ['alipay', 200, 'success\r\n', 'accepted'],
    ['alipay', 200, 'fail', 'refused'],
    ['alipay', 200, 'SUCCESS', 'refused'],
    ['alipay', 200, '<html>success</html>', 'refused'],
    ['alipay', 200, '', 'refused'],
    ['unionpay', 200, 'ok', 'accepted'],
    ['unionpay', 201, '', 'refused'],
    ['adyen', 200, '[accepted]', 'accepted'],
    ['adyen', 202, '', 'accepted'],
    ['stripe', 200, '{"received":true}', 'accepted'],
    ['stripe', 400, 'Webhook Error', 'refused'],
    ['oxapay', 200, 'ok', 'accepted'],
    ['oxapay', 200, 'OK', 'refused'],
    ['oxapay', 201, 'ok', 'refused'],
    ['paddle', 200, '', 'accepted'],
    ['paddle', 202, '', 'refused'],
    ['tokenim', 200, 'success', 'accepted'],
    ['tokenim', 200, 'fail', 'refused'],
    ['tokenim', 200, '', 'refused'],
    ['standard-webhooks', 200, 'whatever', 'accepted'],
  ] as const)('to %s: %i %j is %s', (id, status, body, taken) => {
    expect(must(id).readAcknowledgement?.(status, bytes(body), credentialsFor(id))).toBe(taken);
  });
});

const paidOf = (retold: Partial<Retold>): Retold => ({
  type: 'payment.succeeded',
  occurredAt: 0,
  orderNo: 'N1',
  payment: null,
  refund: null,
  payer: null,
  attach: null,
  test: false,
  callback: null,
  ...retold,
});

/** What an event of ours would hand back to the dialect that told it. */
function retoldOf(fact: PaymentFact, callback: KeptCallback | null): Retold {
  const { transactionId, amount } = fact;
  if (transactionId === null || amount === null) throw new Error('no payment that succeeded');
  const { payerAmount = null, providerMethod = null, bank = null, occurredAt, orderNo, test } = fact;
  const payment = { transactionId, amount, payerAmount, providerMethod, bank, received: null, paidAt: occurredAt };
  const { payer = null, attach = null } = fact;
  return paidOf({ occurredAt, orderNo, test, payment, payer, attach, callback });
}

async function resigned(id: string, retold: Retold, credentials: unknown, now: number): Promise<KeptCallback> {
  const made = await must(id).resign?.(retold, credentials, { now, nonce });
  if (!made?.ok) throw new Error(made?.error ?? `${id} cannot sign`);
  return made.value;
}

describe('WeChat Pay v3', () => {
  const callback = wechatpayV3.signed(wechatpayV3.noticeOf('TRANSACTION.SUCCESS', {}));
  const credentials = must('wechatpay-v3').credentials.parse(wechatpayV3.entered);

  it('is fresh for as long as our own check, which is the official kits’, takes it', async () => {
    const until = must('wechatpay-v3').freshUntil?.(kept('wechatpay-v3', callback, credentials), credentials) ?? 0;
    const proofAt = (now: number) => must('wechatpay-v3').verify(callback, credentials, [], now);
    expect(await proofAt(until)).toMatchObject({ ok: true });
    expect(await proofAt(until + 1)).toMatchObject({ ok: false, error: { reason: 'timestamp_stale' } });
    expect(must('wechatpay-v3').resign).toBeUndefined();
  });

  it('without a time that can be read is neither', () => {
    const blank = { contentType: null, headers: {}, body: bytes('') };
    for (const id of ['wechatpay-v3', 'stripe', 'paddle', 'standard-webhooks', 'tokenim']) {
      expect(must(id).freshUntil?.(blank, credentialsFor(id))).toBeNull();
    }
  });
});

describe('Stripe', () => {
  const library = new Stripe('sk_test_unused');
  const callback = stripe.signed(stripe.eventOf('payment_intent.succeeded', { id: 'pi_1' }));
  const credentials = must('stripe').credentials.parse(stripe.entered);
  const original = kept('stripe', callback, credentials);
  const takes = ({ headers, ...rest }: KeptCallback, now: number) =>
    library.webhooks.constructEvent(
      textOf({ headers, ...rest } as KeptCallback), // the rest of itself
      headers['stripe-signature'] ?? '',
      stripe.SECRET,
      undefined,
      undefined,
      now,
    );

  it('is fresh for as long as its library takes it', () => {
    const until = must('stripe').freshUntil?.(original, credentials) ?? 0;
    expect(takes(original, until)).toBeTruthy();
    expect(() => takes(original, until + 1)).toThrow(/tolerance/);
  });

  it('signs the same bytes with today’s time', async () => {
    const now = stripe.NOW + LATER_MS;
    const again = await resigned('stripe', paidOf({ callback: original }), credentials, now);
    expect(again.body).toEqual(original.body);
    expect(takes(again, now)).toMatchObject({ type: 'payment_intent.succeeded' });
    expect(await must('stripe').resign?.(paidOf({}), credentials, { now, nonce })).toMatchObject({ ok: false });
  });
});

describe('Paddle', () => {
  const callback = paddle.signed(paddle.eventOf('transaction.completed', paddle.transaction));
  const credentials = must('paddle').credentials.parse(paddle.entered);
  const original = kept('paddle', callback, credentials);
  const takes = (one: KeptCallback, now: number) => {
    vi.useFakeTimers({ now, toFake: ['Date'] });
    return new Paddle('unused').webhooks.isSignatureValid(
      textOf(one),
      paddle.SECRET,
      one.headers['paddle-signature'] ?? '',
    );
  };

  it('is fresh for as long as its library takes it', async () => {
    const until = must('paddle').freshUntil?.(original, credentials) ?? 0;
    expect(await takes(original, until)).toBe(true);
    expect(await takes(original, until + 1)).toBe(false);
  });

  it('signs the same bytes with today’s time, the newest secret last', async () => {
    const rotating = { ...paddle.entered, secrets: [paddle.SECRET, paddle.OLD_SECRET] };
    const now = paddle.NOW + LATER_MS;
    const again = await resigned(
      'paddle',
      paidOf({ callback: original }),
      must('paddle').credentials.parse(rotating),
      now,
    );
    expect(again.body).toEqual(original.body);
    expect(await takes(again, now)).toBe(true);
    expect(await must('paddle').resign?.(paidOf({}), credentials, { now, nonce })).toMatchObject({ ok: false });
  });
});

describe('Standard Webhooks', () => {
  const callback = standard.signed(standard.paid);
  const credentials = must('standard-webhooks').credentials.parse(standard.entered);
  const original = kept('standard-webhooks', callback, credentials);
  const takes = (one: KeptCallback, now: number) => {
    vi.useFakeTimers({ now, toFake: ['Date'] });
    return () => new Webhook(standard.SECRET).verify(textOf(one), { ...one.headers });
  };

  it('is fresh for as long as its library takes it', () => {
    const until = must('standard-webhooks').freshUntil?.(original, credentials) ?? 0;
    expect(takes(original, until)).not.toThrow();
    expect(takes(original, until + 1)).toThrow(/too old/);
  });

  it('signs the same message with today’s time where the secret is shared', async () => {
    const now = standard.NOW + LATER_MS;
    const again = await resigned('standard-webhooks', paidOf({ callback: original }), credentials, now);
    expect(again.headers['webhook-id']).toBe('msg_1');
    expect(takes(again, now)()).toEqual(standard.paid);
    const publicOnly = must('standard-webhooks').credentials.parse({ ...standard.entered, secrets: [standard.WHPK] });
    const retold = paidOf({ callback: original });
    expect(await must('standard-webhooks').resign?.(retold, publicOnly, { now, nonce })).toMatchObject({ ok: false });
  });
});

describe('WeChat Pay v2', () => {
  const { factOf, provider } = dialectOf('wechatpay-v2', wechatpayV2.entered, wechatpayV2.NOW);
  const paymentFact = async (callback: Callback, changes: object = {}): Promise<PaymentFact> => {
    const fact = await factOf(callback, changes);
    if (fact.kind !== 'payment' || !('orderNo' in fact)) throw new Error('no payment');
    return fact;
  };

  it.each([
    ['MD5', {}],
    ['HMAC-SHA256', { signTypes: ['HMAC-SHA256'] }],
    ['MD5', { subMchIds: ['1900000110'] }],
  ] as const)('writes a payment anew that says the same, signed with %s: %j', async (signType, changes) => {
    const own = 'subMchIds' in changes ? { sub_mch_id: changes.subMchIds[0] } : {};
    const fields = { ...wechatpayV2.payment, ...own };
    const original = await paymentFact(wechatpayV2.signed(fields, signType), changes);
    const fact = { ...original, attach: 'a ]]> & b' };
    const credentials = provider.credentials.parse({ ...wechatpayV2.entered, ...changes });
    const again = await resigned('wechatpay-v2', retoldOf(fact, null), credentials, wechatpayV2.NOW + LATER_MS);
    const { Transformer } = await import('wechatpay-axios-plugin');
    const { sign, ...read } = Transformer.toObject(textOf(again)) as Record<string, string>; // flat XML
    expect(sign).toBe(wechatpayV2.signOf(read, signType));
    expect(read).toMatchObject({
      ...own,
      attach: 'a ]]> & b',
      total_fee: '100',
      cash_fee: '80',
      time_end: '20260101103456',
    });
    const told = await paymentFact(arrives(again, wechatpayV2.NOW), changes);
    expect(factKey(told)).toBe(factKey(fact));
    const { discounts: _, ...same } = fact;
    expect(told).toMatchObject(same);
  });

  it('does not invent what only WeChat Pay knows', async () => {
    const credentials = provider.credentials.parse(wechatpayV2.entered);
    const nameless = provider.credentials.parse({ ...wechatpayV2.entered, appIds: [] });
    const context = { now: wechatpayV2.NOW, nonce };
    expect(await provider.resign?.(paidOf({ type: 'refund.succeeded' }), credentials, context)).toMatchObject({
      ok: false,
    });
    const fact = await paymentFact(wechatpayV2.signed(wechatpayV2.payment));
    expect(await provider.resign?.(retoldOf(fact, null), nameless, context)).toMatchObject({
      error: expect.stringContaining('appIds'),
    });
  });
});

describe('a configured dialect', () => {
  const HEADER = { place: 'header', name: 'X-Signature' } as const;
  const FIELD = { place: 'field', name: 'sign' } as const;
  const ways = [
    { content: 'raw', ...HEADER, forms: ['json', 'form', 'xml'] },
    { content: 'template', ...HEADER, forms: ['json', 'form', 'xml'] },
    { content: 'sorted-fields', ...HEADER, forms: ['json', 'form', 'xml'] },
    { content: 'sorted-fields', ...FIELD, forms: ['json', 'form', 'xml'] },
    { content: 'sorted-json', ...FIELD, forms: ['json', 'form', 'xml'] },
    { content: 'base64-json', ...HEADER, forms: ['json'] },
    { content: 'base64-json', ...FIELD, forms: ['json'] },
  ] as const;
  const algorithms = ['hmac-sha256', 'hmac-sha512', 'md5'] as const;
  const cases = algorithms.flatMap((algorithm) =>
    ways.flatMap(({ forms, ...way }) =>
      forms.map((form) => ({
        name: `${algorithm} over ${way.content} in a ${way.place}, ${form}`,
        made: tokenim.scheme({ algorithm, ...way }),
        form,
        isKept: way.place === 'header' && way.content === 'template',
      })),
    ),
  );

  it.each(cases)('writes a payment anew that says the same: $name', async ({ made, form, isKept }) => {
    const entered = tokenim.enteredFor(made, { formats: [form], merchantIds: ['M1'] });
    const { factOf, provider, credentialsOf } = dialectOf('tokenim', entered, tokenim.NOW);
    const callback = tokenim.callbackOf({ ...tokenim.payment, attach: 'a&b=<c>' }, form, made);
    const fact = await factOf(callback);
    if (fact.kind !== 'payment' || !('orderNo' in fact)) throw new Error('no payment');
    const now = tokenim.NOW + LATER_MS;
    const credentials = credentialsOf();
    const again = await resigned('tokenim', retoldOf(fact, null), credentials, now);
    const later = dialectOf('tokenim', entered, now);
    expect(await later.factOf(arrives(again, now))).toEqual(fact);
    const original = kept('tokenim', callback, credentials);
    const until = provider.freshUntil?.(original, credentials) ?? 0;
    const at = (moment: number) => provider.verify(arrives(original, moment), credentials, [], moment);
    expect([(await at(until)).ok, (await at(until + 1)).ok]).toEqual([true, false]);
    const renewed = await resigned('tokenim', retoldOf(fact, original), credentials, now);
    expect((await later.factOf(arrives(renewed, now))).providerState).toBe('SUCCESS');
    if (isKept) expect(renewed.body).toEqual(original.body);
  });

  it('nests in JSON what its mapping nests, and says so where it cannot', async () => {
    const fields = { orderNo: '/data/order/no', transactionId: '/data/id', amount: '/data/total' };
    const nested = tokenim.enteredFor(tokenim.scheme(), { fields, formats: ['json'] });
    const { factOf, credentialsOf, provider } = dialectOf('tokenim', nested, tokenim.NOW);
    const plain = dialectOf('tokenim', tokenim.enteredFor(tokenim.scheme()), tokenim.NOW);
    const fact = await plain.factOf(tokenim.callbackOf(tokenim.payment, 'json'));
    if (fact.kind !== 'payment' || !('orderNo' in fact)) throw new Error('no payment');
    const retold = retoldOf(fact, null);
    const again = await resigned('tokenim', retold, credentialsOf(), tokenim.NOW);
    expect(JSON.parse(textOf(again))).toMatchObject({ data: { order: { no: tokenim.ORDER_NO }, total: 1999 } });
    expect(factKey({ ...(await factOf(arrives(again, tokenim.NOW))), orderNo: fact.orderNo })).toBe(factKey(fact));
    const context = { now: tokenim.NOW, nonce };
    for (const changes of [{ formats: ['form'] }, { fields: { ...fields, amount: '/data/0/total' } }]) {
      expect(await provider.resign?.(retold, credentialsOf(changes), context)).toMatchObject({ ok: false });
    }
  });

  it('is left to the provider where the provider alone can sign', async () => {
    const made = tokenim.scheme({ algorithm: 'rsa-sha256' });
    const { provider, credentialsOf } = dialectOf('tokenim', tokenim.enteredFor(made), tokenim.NOW);
    const retold = paidOf({ callback: { contentType: null, headers: {}, body: bytes('{}') } });
    expect(await provider.resign?.(retold, credentialsOf(), { now: 0, nonce })).toMatchObject({ ok: false });
  });
});
