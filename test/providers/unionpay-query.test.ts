// UnionPay asked about a transaction: the request's signature checked with node:crypto alone, and what becomes of
// answers, genuine and not.
import { createHash, verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { QueryTarget } from '../../src/providers/provider.ts';
import {
  chain,
  entered,
  MER_ID,
  makeCertificate,
  NOW,
  nextChain,
  type Parameters,
  payment,
  refund,
  rsaKey,
  type Signing,
  signed,
  signedForm,
} from '../fixtures/unionpay/merchant.ts';
import { dialectOf } from './dialect.ts';

const key = rsaKey();
const pkcs8 = key.export({ type: 'pkcs8', format: 'pem' }).toString();
const signCert = makeCertificate({ CN: '041@8310000000083040@Some Shop@00016493', key, issuer: chain.middle });
const asking = { ...entered, signCert, signKey: pkcs8 };

const { provider, credentialsOf, told, ask, answer } = dialectOf('unionpay', asking, NOW);
const { orderId = '', txnTime = '' } = payment;
const target = { orderNo: orderId, reference: txnTime };

/** An answer as the gateway writes it: nothing is escaped. */
const plain = (parameters: Parameters, signing: Signing = chain) =>
  Object.entries(signedForm(parameters, signing))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
/** A card payment whose merchant words hold no separator outside of braces. */
const found: Parameters = {
  ...payment,
  reqReserved: '{basket=b-17&table=7 + 50%}',
  origRespCode: '00',
  origRespMsg: '成功[0000000]',
};
const answered = (more: Parameters = {}) => answer(200, plain({ ...found, ...more }), target);

async function requested(changes: object = {}) {
  const request = await ask(target, changes);
  if (!request.ok) throw new Error(request.error.detail);
  return { ...request.value, form: new URLSearchParams(request.value.body ?? '') };
}

describe('the question', () => {
  it('is a form with order, time and the serial of the certificate in decimal', async () => {
    const { method, url, headers, form } = await requested();
    expect([method, url]).toEqual(['POST', 'https://gateway.95516.com/gateway/api/queryTrans.do']);
    expect(headers).toEqual({ 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' });
    const { signature, ...rest } = Object.fromEntries(form);
    expect(signature).toMatch(/^[\w+/]{342}==$/);
    expect(rest).toEqual({
      version: '5.1.0',
      encoding: 'UTF-8',
      signMethod: '01',
      txnType: '00',
      txnSubType: '00',
      bizType: '000000',
      accessType: '0',
      merId: MER_ID,
      orderId,
      txnTime,
      certId: BigInt(`0x${new X509Certificate(signCert).serialNumber}`).toString(10),
    });
  });

  it('is signed over the hexadecimal digest of the sorted parameters', async () => {
    const { form } = await requested();
    const { signature = '', ...rest } = Object.fromEntries(form);
    const text = Object.entries(rest)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`)
      .join('&');
    const digest = createHash('sha256').update(text).digest('hex');
    const check = (over: string) =>
      verify('sha256', Buffer.from(over), new X509Certificate(signCert).publicKey, Buffer.from(signature, 'base64'));
    expect([check(digest), check(text)]).toEqual([true, false]);
  });

  it('goes to the test environment where the channel is of it', async () => {
    const { url } = await requested({ sandbox: true });
    expect(url).toBe('https://gateway.test.95516.com/gateway/api/queryTrans.do');
  });

  it('takes a reference that names the order too, such as a refund of its own number', async () => {
    const request = await ask({ orderNo: orderId, reference: '20260102090000/20260102090000' });
    const form = new URLSearchParams(request.ok ? (request.value.body ?? '') : '');
    expect([form.get('orderId'), form.get('txnTime')]).toEqual(['20260102090000', '20260102090000']);
  });

  const orderAsked = async (more: QueryTarget) => {
    const request = await ask({ orderNo: orderId, ...more });
    const form = new URLSearchParams(request.ok ? (request.value.body ?? '') : '');
    return [form.get('orderId'), form.get('txnTime')];
  };

  it('takes the time that the merchant registered with the order, and a reference before it', async () => {
    const metadata = { txnTime };
    expect(await orderAsked({ metadata })).toEqual([orderId, txnTime]);
    expect(await orderAsked({ metadata, occurredAt: NOW })).toEqual([orderId, txnTime]);
    expect(await orderAsked({ metadata, reference: '20260101103999' })).toEqual([orderId, '20260101103999']);
  });

  it('after a notice takes the time of the payment that it told of, in Beijing', async () => {
    const [event] = (await told(signed({ ...payment, traceTime: txnTime.slice(4) }))).events;
    expect(event).toBeDefined();
    expect(await orderAsked({ occurredAt: event?.occurredAt ?? 0 })).toEqual([orderId, txnTime]);
    const lastSecond = Date.parse('2025-12-31T15:59:59Z');
    expect(await orderAsked({ occurredAt: lastSecond + 999 })).toEqual([orderId, '20251231235959']);
    expect(await orderAsked({ occurredAt: lastSecond + 1_000 })).toEqual([orderId, '20260101000000']);
  });

  it('about a refund takes its own number and time, never those of the order', async () => {
    expect(await orderAsked({ refundNo: 'R20260102', reference: '20260102090000' })).toEqual([
      'R20260102',
      '20260102090000',
    ]);
    expect(await orderAsked({ refundNo: 'R20260102', metadata: { txnTime }, occurredAt: NOW })).toEqual([null, null]);
  });

  it('without certificate and key is not configured', async () => {
    const without = { signCert: undefined, signKey: undefined };
    expect(await ask(target, without)).toMatchObject({ ok: false, error: { code: 'not_configured' } });
  });

  it.each([
    {},
    { orderNo: orderId },
    { reference: txnTime },
    { orderNo: orderId, reference: '2026' },
    { orderNo: 'a&txnType=04', reference: txnTime },
    { orderNo: orderId, reference: `a&b=cdefg/${txnTime}` },
    { orderNo: orderId, metadata: { table: '7' } },
    { orderNo: orderId, metadata: { txnTime: '2026-01-01 10:30:12' }, occurredAt: NOW },
    { orderNo: 'order-1', metadata: { txnTime } },
    { occurredAt: NOW },
    { orderNo: orderId, occurredAt: Number.NaN },
  ])('of %j is refused with how to mend it, because it names no transaction', async (odd) => {
    const detail = expect.stringContaining('metadata.txnTime');
    expect(await ask(odd)).toMatchObject({ ok: false, error: { code: 'refused', detail } });
  });
});

describe('the answer', () => {
  it('tells of a paid order the facts that its notice told', async () => {
    const { origRespCode: _, origRespMsg: __, ...noticed } = found;
    const notice = await told(signed(noticed));
    expect(notice.events).toMatchObject([{ status: 'succeeded', attach: '{basket=b-17&table=7 + 50%}' }]);
    expect(await answered()).toEqual({ ok: true, value: notice });
  });

  it.each([
    ['00', 'succeeded'],
    ['03', 'pending'],
    ['04', 'pending'],
    ['05', 'pending'],
    ['36', 'failed'],
  ])('with origRespCode %s is %s, though the question itself succeeded', async (origRespCode, status) => {
    expect(await answered({ origRespCode })).toMatchObject({
      ok: true,
      value: { events: [{ kind: 'payment', orderNo: orderId, status, providerState: origRespCode }] },
    });
  });

  it('that knows no such transaction tells nothing', async () => {
    const { accessType = '', bizType = '', encoding = '', merId = '', signMethod = '', version = '' } = payment;
    const none = { accessType, bizType, encoding, merId, orderId, signMethod, txnTime, version };
    const unknown = { ...none, txnType: '00', respCode: '34', respMsg: '查无此交易[2600000]' };
    expect(await answer(200, plain(unknown), target)).toMatchObject({ ok: true, value: { events: [] } });
    expect(await answered({ origRespCode: '34' })).toMatchObject({ ok: true, value: { events: [] } });
  });

  it('that knows no transaction of a time that the merchant did not say proves nothing', async () => {
    const [asked, notSent] = [{ orderNo: orderId, occurredAt: NOW }, '20260101103500'];
    const { accessType = '', bizType = '', encoding = '', merId = '', signMethod = '', version = '' } = payment;
    const none = { accessType, bizType, encoding, merId, orderId, signMethod, txnTime: notSent, version };
    for (const one of [
      { ...none, txnType: '00', respCode: '34', respMsg: '查无此交易[2600000]' },
      { ...found, txnTime: notSent, origRespCode: '34' },
    ]) {
      expect(await answer(200, plain(one), asked)).toMatchObject({
        ok: false,
        error: { code: 'refused', detail: expect.stringContaining('metadata.txnTime') },
      });
    }
  });

  it('about a refund is found by its payment, and says why it failed', async () => {
    const about = { reference: `${refund.orderId}/${refund.txnTime}` };
    const read = (more: Parameters) => answer(200, plain({ ...found, ...refund, reqReserved: 'x', ...more }), about);
    expect(await read({})).toMatchObject({
      value: { events: [], unlinked: [{ kind: 'refund', linkId: payment.queryId, state: 'succeeded' }] },
    });
    expect(await read({ origRespCode: '36', origRespMsg: '退货金额超限' })).toMatchObject({
      value: { unlinked: [{ state: 'failed', reason: '退货金额超限' }] },
    });
    const wordless = await read({ origRespCode: '36', origRespMsg: '' });
    expect(wordless.ok && wordless.value.unlinked?.[0]).not.toHaveProperty('reason');
  });

  it('about another transaction or merchant is believed of none', async () => {
    for (const more of [{ orderId: '20260101103013' }, { txnTime: '20260101103013' }, { merId: '777290058110097' }]) {
      expect(await answered(more)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    }
  });

  it('without what became of the transaction is never taken for paid', async () => {
    expect(await answered({ origRespCode: '' })).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });

  it.each([
    ['02', 'unavailable'],
    ['03', 'unavailable'],
    ['05', 'unavailable'],
    ['06', 'unavailable'],
    ['10', 'refused'],
    ['11', 'refused'],
    ['A6', 'refused'],
  ])('with respCode %s is %s and says UnionPay’s words', async (respCode, code) => {
    expect(await answered({ respCode, respMsg: '原因' })).toMatchObject({
      ok: false,
      error: { code, detail: expect.stringContaining('原因') },
    });
  });

  it('is verified as a notice is: no byte changed, by the pinned chain, in date', async () => {
    const text = plain({ ...found, origRespCode: '03' });
    const forged = [
      text.replace('origRespCode=03', 'origRespCode=00'),
      plain(found, nextChain),
      plain(found, { key, certificate: signCert }),
      text.replace(/&signature=.*/, ''),
      text.replace(/&signPubKeyCert=[^&]*/, ''),
      text.replace('txnAmt=2599', 'txnAmt=2598'),
    ];
    for (const one of forged) {
      expect(await answer(200, one, target)).toMatchObject({ ok: false, error: { code: 'unverified' } });
    }
    const body = new TextEncoder().encode(text);
    const later = await provider.query?.read({ status: 200, headers: {}, body }, target, credentialsOf(), [], NOW * 2);
    expect(later).toMatchObject({ ok: false, error: { code: 'unverified' } });
  });

  it('in which the merchant’s words hold a bare separator cannot be read, and is never half believed', async () => {
    expect(await answered({ reqReserved: 'a=1&b=2' })).toMatchObject({ ok: false, error: { code: 'unverified' } });
    expect(await answered({ reqReserved: 'a&b' })).toMatchObject({ ok: false, error: { code: 'malformed' } });
    expect(await answered({ reqReserved: 'a&txnAmt=1' })).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });

  it.each(['', '&', '=', 'x', '<html>', '{', 'a=1&a=2', '__proto__=1', '[['])(
    'of garbage is an error and never throws: %j',
    async (text) => {
      const read = await answer(200, text, target);
      expect(read.ok ? 'ok' : read.error.code).toMatch(/^(malformed|unverified)$/);
    },
  );

  it.each([
    [302, 'refused'],
    [404, 'refused'],
    [429, 'unavailable'],
    [503, 'unavailable'],
  ])('with status %i is %s, whatever it holds', async (status, code) => {
    expect(await answer(status, plain(found), target)).toMatchObject({ ok: false, error: { code } });
  });
});

describe('the signing certificate and key', () => {
  const inspected = (changes: object) => provider.inspectCredentials?.(credentialsOf(changes));
  const problemOf = (field: string, words: string) => ({
    ok: false,
    error: { field, message: expect.stringContaining(words) },
  });

  it('come together or not at all', () => {
    for (const [missing, field] of [
      [{ ...entered, signCert }, 'signKey'],
      [{ ...entered, signKey: pkcs8 }, 'signCert'],
    ] as const) {
      const parsed = provider.credentials.safeParse(missing);
      expect(parsed.error?.issues).toMatchObject([{ path: [field], message: expect.stringContaining(field) }]);
    }
  });

  it('are taken as openssl exports them, with words around, in either form of key', async () => {
    const pkcs1 = key.export({ type: 'pkcs1', format: 'pem' }).toString();
    const words = 'Bag Attributes\n    localKeyID: 01 00 00 00\n';
    expect(await inspected({})).toEqual({ ok: true, value: null });
    const exported = { signCert: words + signCert, signKey: `${words}Key Attributes: <No Attributes>\n${pkcs1}` };
    expect(await inspected(exported)).toEqual({ ok: true, value: null });
    const request = await ask(target, exported);
    expect(request).toEqual(await ask(target));
    expect(request.ok).toBe(true);
  });

  it('that do not serve say which field is wrong and how to mend it', async () => {
    const pemOf = (bits: number) => rsaKey(bits).export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(await inspected({ signKey: pemOf(2048) })).toMatchObject(problemOf('signKey', 'same .pfx'));
    expect(await inspected({ signKey: pemOf(1024) })).toMatchObject(problemOf('signKey', '1024 bits'));
    expect(await inspected({ signKey: signCert })).toMatchObject(problemOf('signKey', '-nodes'));
    expect(await inspected({ signCert: pkcs8 })).toMatchObject(problemOf('signCert', 'no certificate'));
    expect(await inspected({ signCert: signCert + chain.middleCert })).toMatchObject(problemOf('signCert', '-clcerts'));
    const sealed = key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString();
    expect(await inspected({ signKey: sealed })).toMatchObject(problemOf('signKey', '-nodes'));
  });
});
