// UnionPay: the conformance suite, and the pitfalls of a certificate that comes with the message.
import { createHash, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  chain,
  entered,
  formOf,
  makeCertificate,
  makeChain,
  NOW,
  nextChain,
  type Parameters,
  payment,
  refund,
  rsaKey,
  signatureOf,
  signed,
  signedForm,
  UNIONPAY,
} from '../fixtures/unionpay/merchant.ts';
import { conformance } from './conformance.ts';
import { dialectOf } from './dialect.ts';

const { provider, credentialsOf, told, factOf, reasonOf, detailOf } = dialectOf('unionpay', entered, NOW);
const paid = (more: Parameters = {}) => signed({ ...payment, ...more });
const { signature: _, ...unsigned } = signedForm(payment);

conformance({
  provider,
  entered,
  stranger: { ...entered, rootCert: nextChain.rootCert, middleCert: nextChain.middleCert },
  now: NOW,
  genuine: {
    payment: paid(),
    'payment that failed': paid({ respCode: '34' }),
    authorisation: paid({ txnType: '02' }),
    refund: signed(refund),
    revocation: signed({ ...refund, txnType: '31' }),
  },
  redelivery: { callback: paid({ reserved: '{again}' }), now: NOW + 300_000 },
  rotation: {
    entered: {
      ...entered,
      rootCert: chain.rootCert + nextChain.rootCert,
      middleCert: chain.middleCert + nextChain.middleCert,
    },
    callbacks: [paid(), signed(payment, nextChain)],
  },
  weak: {
    'there is no root': { ...entered, rootCert: '' },
    'there is no intermediate': { ...entered, middleCert: '' },
    'the merchant number is short': { ...entered, merId: '1' },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [signed(refund), signed({ ...refund, orderId: '20260102090001', queryId: '662601020900011234578' })],
  linked: {
    payment: paid(),
    later: { refund: signed(refund), revocation: signed({ ...refund, txnType: '31' }) },
  },
  otherAccount: paid({ merId: '777290058110097' }),
  excused: {
    payerAmount: 'what the payer paid less is told in issAddnData, whose form is not public',
    discounts: 'as payerAmount',
  },
  unsigned: { 'left out': formOf(unsigned), empty: formOf({ ...unsigned, signature: '' }) },
  unknownType: paid({ txnType: '79' }),
  signedHeaders: [],
  signsValues: true,
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

describe('the certificate of a notice', () => {
  const key = rsaKey();
  const issuedBy = (issuer: typeof chain.middle, more: Partial<Parameters> = {}) => ({
    key,
    certificate: makeCertificate({ CN: more.CN ?? UNIONPAY, key, issuer }),
  });

  it('is trusted for the pinned chain and for nothing that it says itself', async () => {
    const selfSigned = { key, certificate: makeCertificate({ CN: UNIONPAY, key }) };
    const stranger = makeChain();
    const lookalike = { subject: chain.middle.subject, privateKey: rsaKey() };
    for (const signing of [selfSigned, stranger, issuedBy(lookalike)]) {
      expect(await reasonOf(signed(payment, signing))).toBe('unknown_key');
    }
    expect(await reasonOf(signed(payment, issuedBy(chain.middle)))).toBe('accepted');
  });

  it('is trusted only below the pinned intermediate, not below another of the same root', async () => {
    expect(await reasonOf(signed(payment, issuedBy(chain.root)))).toBe('unknown_key');
    const cousinKey = rsaKey();
    const cousin = makeCertificate({ CN: 'Pretend OCA2', key: cousinKey, issuer: chain.root, isAuthority: true });
    const below = issuedBy({ subject: { ...chain.middle.subject, CN: 'Pretend OCA2' }, privateKey: cousinKey });
    expect(await reasonOf(signed(payment, below))).toBe('unknown_key');
    const bundle = { key, certificate: below.certificate + cousin };
    expect(await reasonOf(signed(payment, bundle))).toBe('unknown_key');
  });

  it('is UnionPay’s own: another customer of the same authority signs nothing here', async () => {
    for (const CN of [
      '041@8310000000083040@某某商贸有限公司@00016493',
      '中国银联股份有限公司',
      '041@中国银联股份有限公司@x@y',
      '041@Z12@00040000:SIGN00000062',
    ]) {
      expect(await reasonOf(signed(payment, issuedBy(chain.middle, { CN })))).toBe('unknown_key');
    }
    const old = issuedBy(chain.middle, { CN: '041@Z12@00040000:SIGN00000062' });
    expect(await reasonOf(signed(payment, old), { sandbox: true })).toBe('accepted');
  });

  it('of an authority, or of a merchant that has one, vouches for nothing', async () => {
    const authority = {
      key,
      certificate: makeCertificate({ CN: UNIONPAY, key, issuer: chain.middle, isAuthority: true }),
    };
    expect(await reasonOf(signed(payment, authority))).toBe('unknown_key');
    const below = issuedBy({ subject: { ...chain.middle.subject, CN: UNIONPAY }, privateKey: chain.key });
    expect(await reasonOf(signed(payment, below))).toBe('unknown_key');
  });

  it('is in date, and so is what vouches for it', async () => {
    const dated = (fromDays: number, toDays: number) => ({
      key,
      certificate: makeCertificate({ CN: UNIONPAY, key, issuer: chain.middle, fromDays, toDays }),
    });
    expect(await detailOf(signed(payment, dated(-10, -1)))).toContain('expired on 2025-12-31');
    expect(await detailOf(signed(payment, dated(1, 10)))).toContain('not valid before');
    expect(await reasonOf(signed(payment, dated(-10, 1)))).toBe('accepted');
    expect(await reasonOf(signed(payment, dated(-10, 1)), {}, NOW + 2 * 86_400_000)).toBe('unknown_key');
    expect(await reasonOf(paid(), {}, NOW + 1_000 * 86_400_000)).toBe('unknown_key');
  });

  it('with a short key is not used', async () => {
    const weak = rsaKey(1024);
    const signing = { key: weak, certificate: makeCertificate({ CN: UNIONPAY, key: weak, issuer: chain.middle }) };
    expect(await reasonOf(signed(payment, signing))).toBe('signature_invalid');
  });

  it.each([
    '',
    'x',
    '-----BEGIN CERTIFICATE-----\r\nAAAA\r\n-----END CERTIFICATE-----',
    chain.certificate.slice(0, 400),
  ])('that is none is refused and never throws: %j', async (certificate) => {
    expect(['unknown_key', 'signature_invalid']).toContain(await reasonOf(signed(payment, { key, certificate })));
  });
});

describe('the signature', () => {
  it('is over the hexadecimal digest, not over the parameters themselves', async () => {
    const { signature: _, ...rest } = signedForm(payment);
    const names = Object.keys(rest).sort() as (keyof typeof rest)[]; // its own names
    const text = names.map((name) => `${name}=${rest[name]}`).join('&');
    const once = sign('sha256', Buffer.from(text), chain.key).toString('base64');
    expect(await reasonOf(formOf({ ...rest, signature: once }))).toBe('signature_invalid');
    const upper = createHash('sha256').update(text).digest('hex').toUpperCase();
    const loud = sign('sha256', Buffer.from(upper), chain.key).toString('base64');
    expect(await reasonOf(formOf({ ...rest, signature: loud }))).toBe('signature_invalid');
    expect(await reasonOf(formOf({ ...rest, signature: signatureOf(rest) }))).toBe('accepted');
  });

  it('counts empty parameters or leaves them out, and reads them as missing either way', async () => {
    const empty = { ...payment, reserved: '', origQryId: '' };
    expect((await told(signed(empty))).events).toEqual((await told(paid())).events);
    const { signature = '', ...filled } = signedForm(payment);
    expect(await reasonOf(formOf({ ...filled, reserved: '', signature }))).toBe('accepted');
  });

  it('of another version or method is explained to the merchant', async () => {
    for (const more of [{ signMethod: '11' }, { signMethod: '02' }]) {
      expect(await detailOf(paid(more))).toContain('5.1.0');
    }
    const { signPubKeyCert: _, ...old } = signedForm({ ...payment, certId: '69629715588' });
    expect(await detailOf(formOf(old))).toContain('5.1.0');
  });

  it.each(['=', 'zz', 'A'.repeat(344), '\u0000', '%%%'])(
    'of garbage is refused and never throws: %j (pitfall 18)',
    async (garbage) => {
      expect(await reasonOf(formOf({ ...signedForm(payment), signature: garbage }))).toBe('signature_invalid');
    },
  );

  it('is not taken for a parameter that comes twice', async () => {
    const { body } = paid();
    const twice = new Uint8Array([...body, ...new TextEncoder().encode('&txnAmt=1')]);
    expect(await reasonOf({ ...paid(), body: twice })).toBe('malformed');
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await told(paid())).toEqual({
      events: [
        {
          kind: 'payment',
          orderNo: '20260101103012',
          occurredAt: Date.parse('2026-01-01T10:30:45+08:00'),
          providerState: '00',
          test: false,
          status: 'succeeded',
          transactionId: '662601011030121234568',
          amount: { minor: 2599, currency: 'CNY' },
          method: 'card',
          providerMethod: '0001',
          bank: '招商银行',
          payer: { account: '6226********0048' },
          attach: 'basket=b-17&table=7 + 50%',
        },
      ],
      links: [{ id: '662601011030121234568', orderNo: '20260101103012' }],
      noticeType: 'txnType 01',
      noticeId: '662601011030121234568',
    });
  });

  it.each([
    ['00', 'succeeded'],
    ['A6', 'succeeded'],
    ['03', 'pending'],
    ['05', 'pending'],
    ['34', 'failed'],
  ])('with respCode %s is %s', async (respCode, status) => {
    expect(await factOf(paid({ respCode }))).toMatchObject({ status });
  });

  it('that is only authorised is pending until it is completed or released', async () => {
    expect(await factOf(paid({ txnType: '02' }))).toMatchObject({ status: 'pending', orderNo: '20260101103012' });
    const later = (txnType: string) => factOf(signed({ ...refund, txnType }));
    expect(await later('03')).toMatchObject({ kind: 'payment', status: 'succeeded', linkId: payment.queryId });
    expect(await later('32')).toMatchObject({ kind: 'payment', status: 'closed', linkId: payment.queryId });
    expect((await told(signed({ ...refund, txnType: '03', respCode: '34' }))).unlinked).toBeUndefined();
  });

  it('is dated by Beijing time, over the end of the year too', async () => {
    const late = { txnTime: '20251231235950', traceTime: '0101000005' };
    expect((await factOf(paid(late))).occurredAt).toBe(Date.parse('2025-12-31T16:00:05Z'));
    const early = { txnTime: '20260101103012', traceTime: '0101103000' };
    expect((await factOf(paid(early))).occurredAt).toBe(Date.parse('2026-01-01T02:30:00Z'));
    expect((await factOf(paid({ traceTime: 'x' }))).occurredAt).toBe(Date.parse('2026-01-01T02:30:12Z'));
  });

  it('in a currency that is not known is never taken for yuan (pitfall 10)', async () => {
    expect(await factOf(paid({ currencyCode: '344' }))).toMatchObject({ amount: { minor: 2599, currency: 'HKD' } });
    expect(await factOf(paid({ currencyCode: '999' }))).toMatchObject({ amount: null });
    expect(await reasonOf(signed({ ...refund, currencyCode: '999' }))).toBe('malformed');
  });

  it('never shows a whole card number, nor one that is sealed for the merchant', async () => {
    expect(await factOf(paid({ accNo: '6226090000000048' }))).toMatchObject({ payer: { account: '622609****0048' } });
    expect(await factOf(paid({ accNo: 'A'.repeat(344) }))).not.toHaveProperty('payer');
  });

  it('of the test environment says so', async () => {
    const { events } = await told(paid(), { sandbox: true });
    expect(events[0]?.test).toBe(true);
  });

  it.each(['orderId', 'queryId', 'txnTime', 'txnAmt', 'respCode'])('without a %s is refused by name', async (name) => {
    const { [name]: _, ...rest } = payment;
    expect(await detailOf(signed(rest))).toContain(name);
  });
});

describe('a refund', () => {
  it('is found by the payment and named by its own order number', async () => {
    const { events, unlinked } = await told(signed(refund));
    expect(events).toEqual([]);
    expect(unlinked).toMatchObject([
      {
        kind: 'refund',
        linkId: '662601011030121234568',
        state: 'succeeded',
        refundNo: '20260102090000',
        providerRefundId: '662601020900001234578',
        transactionId: '662601011030121234568',
        amount: { minor: 1000, currency: 'CNY' },
      },
    ]);
  });

  it('that failed says why, and without its payment is refused by name', async () => {
    expect(await factOf(signed({ ...refund, respCode: '36', respMsg: '退货金额超限' }))).toMatchObject({
      state: 'failed',
      reason: '退货金额超限',
    });
    expect(await detailOf(signed({ ...refund, origQryId: '' }))).toContain('origQryId');
  });
});

describe('credentials', () => {
  it('that do not belong together say which field is wrong', async () => {
    const mixed = credentialsOf({ middleCert: nextChain.middleCert });
    expect(await provider.inspectCredentials?.(mixed)).toMatchObject({ ok: false, error: { field: 'middleCert' } });
    const swapped = credentialsOf({ middleCert: chain.certificate });
    expect(await provider.inspectCredentials?.(swapped)).toMatchObject({ ok: false, error: { field: 'middleCert' } });
    const none = credentialsOf({ rootCert: 'x'.repeat(400) });
    expect(await provider.inspectCredentials?.(none)).toMatchObject({ ok: false, error: { field: 'rootCert' } });
  });
});
