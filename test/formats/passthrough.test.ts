// The provider's own callback at a backend that already speaks it: the backends here are the providers' own libraries.
import { createHmac } from 'node:crypto';
import { AlipaySdk } from 'alipay-sdk';
import fc from 'fast-check';
import Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { Aes, Formatter, Hash, Rsa, Transformer } from 'wechatpay-axios-plugin';
import type { Callback, KeptCallback } from '../../src/core/callback.ts';
import type { PaymentEvent } from '../../src/core/event.ts';
import type { Retold } from '../../src/core/retold.ts';
import type { Dialect, Rendered } from '../../src/formats/index.ts';
import { providerOf } from '../../src/providers/index.ts';
import { dispute, fresh, paid, refund, registered, unpaid } from '../core/facts.ts';
import * as alipay from '../fixtures/alipay/merchant.ts';
import * as standard from '../fixtures/standard-webhooks/merchant.ts';
import * as stripe from '../fixtures/stripe/merchant.ts';
import * as tokenim from '../fixtures/tokenim/merchant.ts';
import * as wechatpayV2 from '../fixtures/wechatpay-v2/merchant.ts';
import * as wechatpayV3 from '../fixtures/wechatpay-v3/merchant.ts';
import {
  bytesOf,
  complaintsAbout,
  formFields,
  inputOf,
  payment,
  problemOf,
  refunded,
  rendered,
  SECRET,
  textOf,
} from './input.ts';

const TEN_MINUTES_MS = 600_000;
const passthrough = (options: object = { fallback: { name: 'form' } }) => ({ name: 'passthrough', options });

function providerNamed(id: string) {
  const provider = providerOf(id);
  if (provider === null) throw new Error(`${id} is not registered`);
  return provider;
}

/** What the ledger keeps of an arrival. */
function kept(id: string, { headers, body }: Callback, credentials: unknown): KeptCallback {
  const provider = providerNamed(id);
  const names = provider.evidenceHeadersOf?.(credentials) ?? provider.evidenceHeaders;
  const own = Object.entries(headers).filter(([name]) => names.includes(name));
  return { contentType: headers['content-type'] ?? null, headers: Object.fromEntries(own), body };
}

/** What the shell tells a format about the dialect. */
function dialectFor(id: string, credentials: unknown, callback: KeptCallback | null, now: number): Dialect {
  const { freshUntil, resign } = providerNamed(id);
  return {
    freshUntil: callback && freshUntil ? freshUntil(callback, credentials) : null,
    resign: resign ? (retold: Retold) => resign(retold, credentials, { now, nonce: 'n'.repeat(32) }) : null,
  };
}

type Sent = { readonly id: string; readonly entered: object; readonly callback: Callback | null; readonly now: number };

async function sentOn(sent: Sent, options?: object, facts: readonly PaymentEvent[] = [payment]): Promise<Rendered> {
  const { id, entered, now } = sent;
  const credentials = providerNamed(id).credentials.parse(entered);
  const callback = sent.callback && kept(id, sent.callback, credentials);
  const dialect = dialectFor(id, credentials, callback, now);
  return rendered(passthrough(options), inputOf({ facts, callback, dialect, now }));
}

/** Byte for byte, with the type and every header that the signature needs. */
function expectAsItCame(made: Rendered, callback: Callback, signed: readonly string[]): void {
  expect(bytesOf(made).equals(Buffer.from(callback.body))).toBe(true);
  expect(made.contentType).toBe(callback.headers['content-type']);
  for (const name of signed) expect(made.headers[name]).toBe(callback.headers[name]);
  expect(made.answersAs).toBe('provider');
}

describe('a WeChat Pay v3 backend', () => {
  const content = { out_trade_no: 'N1', transaction_id: '4200001', trade_state: 'SUCCESS', amount: { total: 100 } };
  const callback = wechatpayV3.signed(wechatpayV3.noticeOf('TRANSACTION.SUCCESS', content));
  const sent = { id: 'wechatpay-v3', entered: wechatpayV3.entered, callback };
  const SIGNED = ['wechatpay-serial', 'wechatpay-timestamp', 'wechatpay-nonce', 'wechatpay-signature'];

  /** As the library's own page shows it: the clock, the signature, then the seal. */
  function receive(made: Rendered, now: number, checksClock = true): unknown {
    const { 'wechatpay-timestamp': timestamp = '', 'wechatpay-nonce': nonce = '', ...headers } = made.headers;
    if (checksClock && Math.abs(now / 1000 - Number(timestamp)) >= 300) throw new Error('stale');
    const body = textOf(made);
    const key = wechatpayV3.publicPemOf(wechatpayV3.platform.privateKey);
    if (!Rsa.verify(Formatter.response(timestamp, nonce, body), headers['wechatpay-signature'] ?? '', key)) {
      throw new Error('not signed');
    }
    const { resource } = JSON.parse(body);
    return JSON.parse(
      Aes.AesGcm.decrypt(resource.ciphertext, wechatpayV3.API_V3_KEY, resource.nonce, resource.associated_data),
    );
  }

  it('verifies and opens it as if WeChat Pay had called', async () => {
    const now = wechatpayV3.NOW + 2_000;
    const made = await sentOn({ ...sent, now });
    expectAsItCame(made, callback, SIGNED);
    expect(receive(made, now)).toEqual(content);
    expect(made.headers).not.toHaveProperty('tollgate-stale');
  });

  it('is told ten minutes later that the clock no longer proves anything', async () => {
    const now = wechatpayV3.NOW + TEN_MINUTES_MS;
    const made = await sentOn({ ...sent, now });
    expectAsItCame(made, callback, SIGNED);
    expect(made.headers['tollgate-stale']).toBe('true');
    expect(() => receive(made, now)).toThrow('stale');
    expect(receive(made, now, false)).toEqual(content);
  });

  it('gets the fallback instead, ten minutes later, where the origin prefers it', async () => {
    const options = { fallback: { name: 'form' }, stale: 'fallback' };
    const late = await sentOn({ ...sent, now: wechatpayV3.NOW + TEN_MINUTES_MS }, options);
    expect([late.answersAs, formFields(late).order_no]).toEqual(['origin', 'N1']);
    expectAsItCame(await sentOn({ ...sent, now: wechatpayV3.NOW + 2_000 }, options), callback, SIGNED);
  });
});

describe('an Alipay backend', () => {
  const backend = new AlipaySdk({
    appId: alipay.entered.appId,
    privateKey: alipay.privatePemOf(alipay.merchantKey),
    keyType: 'PKCS8',
    alipayPublicKey: alipay.publicPemOf(alipay.alipayKey),
  });
  const sent = { id: 'alipay', entered: alipay.entered };

  it.each([0, TEN_MINUTES_MS])('verifies it %i ms later: its signature knows no clock', async (later) => {
    const callback = alipay.signed();
    const made = await sentOn({ ...sent, callback, now: alipay.NOW + later });
    expectAsItCame(made, callback, []);
    expect(backend.checkNotifySignV2(formFields(made))).toBe(true);
    expect(made.headers).not.toHaveProperty('tollgate-stale');
  });

  it('gets the very bytes where they are no UTF-8', async () => {
    const callback = alipay.signed({ ...alipay.paid, charset: 'gbk' });
    expectAsItCame(await sentOn({ ...sent, callback, now: alipay.NOW }), callback, []);
  });
});

describe('a Stripe backend', () => {
  const library = new Stripe('sk_test_unused');
  const event = stripe.eventOf('payment_intent.succeeded', { id: 'pi_1', amount: 100 });
  const callback = stripe.signed(event);
  const sent = { id: 'stripe', entered: stripe.entered, callback };
  const receive = (made: Rendered, now: number, tolerance?: number) => {
    const header = made.headers['stripe-signature'] ?? '';
    return library.webhooks.constructEvent(bytesOf(made), header, stripe.SECRET, tolerance, undefined, now);
  };

  it('takes it as if Stripe had called', async () => {
    const now = stripe.NOW + 2_000;
    const made = await sentOn({ ...sent, now });
    expectAsItCame(made, callback, ['stripe-signature']);
    expect(receive(made, now)).toEqual(event);
  });

  it('takes it ten minutes later only without looking at the clock, and is told so', async () => {
    const now = stripe.NOW + TEN_MINUTES_MS;
    const made = await sentOn({ ...sent, now });
    expect(made.headers['tollgate-stale']).toBe('true');
    expect(() => receive(made, now)).toThrow(/tolerance/);
    expect(receive(made, now, 0)).toEqual(event);
  });

  it('takes it ten minutes later unchanged where it is signed anew', async () => {
    const now = stripe.NOW + TEN_MINUTES_MS;
    const made = await sentOn({ ...sent, now }, { fallback: 'resign', stale: 'fallback' });
    expect(bytesOf(made).equals(Buffer.from(callback.body))).toBe(true);
    expect(made.headers).not.toHaveProperty('tollgate-stale');
    expect(receive(made, now)).toEqual(event);
  });
});

describe('a WeChat Pay v2 backend', () => {
  const callback = wechatpayV2.signed({ ...wechatpayV2.payment, out_trade_no: 'N1' });
  const sent = { id: 'wechatpay-v2', entered: wechatpayV2.entered, now: wechatpayV2.NOW };
  function receive(made: Rendered) {
    const { sign, ...fields } = Transformer.toObject(textOf(made)) as Record<string, string>; // flat XML
    expect(sign).toBe(Hash.sign('MD5', fields, wechatpayV2.API_KEY));
    return fields;
  }

  it('takes the original, and one that was written anew because only a query told of the payment', async () => {
    const original = await sentOn({ ...sent, callback });
    expectAsItCame(original, callback, []);
    expect(receive(original)).toMatchObject({ out_trade_no: 'N1', total_fee: '100' });
    const anew = await sentOn({ ...sent, callback: null }, { fallback: 'resign' });
    expect(anew.answersAs).toBe('provider');
    expect(receive(anew)).toMatchObject({
      ...{ return_code: 'SUCCESS', result_code: 'SUCCESS', out_trade_no: 'N1', transaction_id: '4200001' },
      ...{ total_fee: '100', cash_fee: '90', attach: 'table 5 & <6>', openid: 'oUpF8' },
    });
  });

  it('gets the other format for what nobody can write anew', async () => {
    const options = { fallback: 'resign', otherwise: { name: 'xml' } };
    const made = await sentOn({ ...sent, callback: null }, options, [payment, refunded]);
    expect([made.answersAs, textOf(made).includes('<refund_no>')]).toEqual(['origin', true]);
  });
});

describe('Tollgate’s own headers', () => {
  it('let a backend believe a stale callback: they sign its bytes today', async () => {
    const now = alipay.NOW + TEN_MINUTES_MS;
    const callback = alipay.signed({ ...alipay.paid, charset: 'gbk' });
    const made = await sentOn({ id: 'alipay', entered: alipay.entered, callback, now });
    const key = Buffer.from(SECRET.slice('whsec_'.length), 'base64');
    const mac = createHmac('sha256', key)
      .update(`evt_01.${now / 1000}.`)
      .update(bytesOf(made))
      .digest('base64');
    for (const prefix of ['webhook', 'tollgate']) {
      expect(made.headers).toMatchObject({
        [`${prefix}-id`]: 'evt_01',
        [`${prefix}-timestamp`]: String(now / 1000),
        [`${prefix}-signature`]: `v1,${mac}`,
      });
    }
    expect(made.headers).toMatchObject({ 'tollgate-event': 'payment.succeeded', 'tollgate-sequence': '1' });
  });

  it('never take the place of a provider’s of the same name', async () => {
    const callback = standard.signed(standard.paid);
    const now = standard.NOW;
    const made = await sentOn({ id: 'standard-webhooks', entered: standard.entered, callback, now });
    expectAsItCame(made, callback, ['webhook-id', 'webhook-timestamp', 'webhook-signature']);
    expect(made.headers['tollgate-id']).toBe('evt_01');
  });

  it('are never mixed with a provider’s of the same names', async () => {
    const headers = { 'webhook-signature': 'theirs' };
    const callback = { contentType: null, headers, body: new TextEncoder().encode('{}') };
    const made = await rendered(passthrough(), inputOf({ callback }));
    expect(Object.keys(made.headers).filter((name) => name.startsWith('webhook-'))).toEqual(['webhook-signature']);
    expect(made.headers).toMatchObject({ ...headers, 'tollgate-signature': expect.stringMatching(/^v1,/) });
  });
});

describe('an original body', () => {
  const callback: KeptCallback = { contentType: 'text/plain', headers: {}, body: new TextEncoder().encode('paid') };
  const options = { fallback: { name: 'form' } };
  type Told = readonly [what: string, facts: readonly PaymentEvent[], total: number | undefined];
  const told = (facts: readonly PaymentEvent[], total: number | undefined, more: object = {}) => {
    const start = total === undefined ? fresh() : registered(total);
    return rendered(passthrough({ ...options, ...more }), inputOf({ start, facts, callback }));
  };

  it.each<Told>([
    ['the payment that made the order paid', [paid('t1', 100)], undefined],
    ['a payment of more than was asked for', [paid('t1', 140)], 100],
    ['a payment under way', [unpaid('pending')], undefined],
    ['a payment that failed', [unpaid('failed')], undefined],
    ['a refund', [paid('t1', 100), refund('R1', 30)], undefined],
    ['a second refund', [paid('t1', 100), refund('R1', 30), refund('R2', 30)], undefined],
    ['a dispute', [paid('t1', 100), dispute('d1', 'open')], undefined],
  ])('goes out for %s', async (_what, facts, total) => {
    const made = await told(facts, total);
    expect([textOf(made), made.answersAs]).toEqual(['paid', 'provider']);
  });

  it.each<Told>([
    ['a part of the amount', [paid('t1', 40)], 100],
    ['the part that completes it', [paid('t1', 40), paid('t2', 60)], 100],
    ['a second payment', [paid('t1', 100), paid('t2', 100)], undefined],
    ['a payment in another currency', [paid('t1', 100, { amount: { minor: 100, currency: 'USD' } })], 100],
  ])('never says paid for %s', async (_what, facts, total) => {
    const made = await told(facts, total);
    expect(made.answersAs).toBe('origin');
    expect(formFields(made).order_no).toBe('N1');
  });

  it('goes out no more after the first success where the origin says so', async () => {
    const more = { afterSuccess: 'nothing' };
    expect(textOf(await told([paid('t1', 100)], 100, more))).toBe('paid');
    expect((await told([paid('t1', 100), refund('R1', 30)], 100, more)).answersAs).toBe('origin');
  });

  it('is kept byte for byte, whatever it holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (body) => {
        const made = await rendered(passthrough(), inputOf({ callback: { ...callback, body } }));
        expect(bytesOf(made).equals(Buffer.from(body))).toBe(true);
        expect(body).not.toBe(made.body);
      }),
    );
  });

  it('is not signed anew for what it must not say', async () => {
    const seen: Retold[] = [];
    const resign: Dialect['resign'] = async (retold) => {
      seen.push(retold);
      return { ok: true, value: callback };
    };
    const dialect = { freshUntil: null, resign };
    const entered = passthrough({ fallback: 'resign' });
    const parts = inputOf({ start: registered(100), facts: [paid('t1', 40)], callback, dialect });
    await rendered(entered, parts);
    expect(seen).toMatchObject([{ type: 'payment.pending', payment: null, callback: null }]);
    const twice = inputOf({ start: fresh(), facts: [paid('t1', 100), paid('t2', 100)], callback, dialect });
    expect(await problemOf(entered, twice)).toBe('not_rebuildable');
    expect(seen).toHaveLength(1);
  });
});

describe('an event without a callback', () => {
  it('is the fallback’s, and a problem where nothing can be written anew', async () => {
    const byQuery = inputOf({ callback: null });
    expect((await rendered(passthrough(), byQuery)).answersAs).toBe('origin');
    expect(await problemOf(passthrough({ fallback: 'resign' }), byQuery)).toBe('not_rebuildable');
    const made = await rendered(passthrough({ fallback: 'resign', otherwise: { name: 'xml' } }), byQuery);
    expect(textOf(made)).toContain('<order_no>');
  });

  it('is written anew in a configured dialect', async () => {
    const entered = tokenim.enteredFor(tokenim.scheme());
    const now = tokenim.NOW;
    const made = await sentOn({ id: 'tokenim', entered, callback: null, now }, { fallback: 'resign' });
    expect(JSON.parse(textOf(made))).toMatchObject({ order_id: 'N1', status: 'SUCCESS', amount: 100 });
    expect(made.headers['tokenim-signature']).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the options', () => {
  it.each([
    ['no fallback', {}, 'options.fallback'],
    [
      'itself as the fallback',
      { fallback: { name: 'passthrough', options: { fallback: 'resign' } } },
      'options.fallback',
    ],
    ['a fallback that is none', { fallback: 'form' }, 'options.fallback'],
    ['an alternative to a format', { fallback: { name: 'form' }, otherwise: { name: 'xml' } }, 'options.otherwise'],
    ['itself as the alternative', { fallback: 'resign', otherwise: { name: 'passthrough' } }, 'options.fallback'],
  ])('refuse %s', (_what, options, where) => {
    expect(complaintsAbout(passthrough(options))[0]).toContain(where);
  });
});
