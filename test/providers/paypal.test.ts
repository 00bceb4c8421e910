// PayPal: the conformance suite, and the pitfalls of a certificate that has to be fetched.
import { sign } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import { factKey } from '../../src/core/event.ts';
import { commonNameOf } from '../../src/crypto/certificate.ts';
import { certificatesIn, invalidityOf, isIssuedBy } from '../../src/crypto/chain.ts';
import { DIGICERT_ROOTS } from '../../src/providers/paypal/roots.ts';
import {
  bundle,
  CERT_URL,
  COMMON_NAME,
  entered,
  eventOf,
  fetched,
  key,
  leafCert,
  middle,
  middleCert,
  NOW,
  root,
  SANDBOX_CERT_URL,
  signed,
  WEBHOOK_ID,
} from '../fixtures/paypal/merchant.ts';
import { capture, dispute, order, refund, sale } from '../fixtures/paypal/objects.ts';
import { makeCertificate, rsaKey } from '../fixtures/unionpay/merchant.ts';
import { conformance } from './conformance.ts';
import { dialectOf, withHeaders } from './dialect.ts';

const asking = { clientId: `A${'b'.repeat(79)}`, clientSecret: `E${'c'.repeat(79)}` };
const { provider, credentialsOf, told, factOf, reasonOf, detailOf, ask, answer } = dialectOf('paypal', entered, NOW, [
  fetched,
]);
const paid = (more: object = {}) => signed(eventOf('PAYMENT.CAPTURE.COMPLETED', { ...capture, ...more }));
const refunded = (more: object = {}) => signed(eventOf('PAYMENT.CAPTURE.REFUNDED', { ...refund, ...more }));
const disputed = (type: string, more: object = {}) =>
  signed(eventOf(`CUSTOMER.DISPUTE.${type}`, { ...dispute, ...more }));

/** An order of 30.00 from which a coupon and the shipping were taken. */
const discounted = {
  ...order,
  purchase_units: [
    {
      ...order.purchase_units[0],
      amount: {
        currency_code: 'EUR',
        value: '25.99',
        breakdown: {
          item_total: { currency_code: 'EUR', value: '30.00' },
          shipping: { currency_code: 'EUR', value: '4.99' },
          discount: { currency_code: 'EUR', value: '4.01' },
          shipping_discount: { currency_code: 'EUR', value: '4.99' },
        },
      },
    },
  ],
};

conformance({
  provider,
  entered,
  stranger: { ...entered, webhookId: '0EH40505U7160970P' },
  now: NOW,
  keys: [fetched],
  genuine: {
    'capture completed': paid(),
    'capture denied': signed(eventOf('PAYMENT.CAPTURE.DENIED', { ...capture, status: 'DECLINED' })),
    'order approved': signed(eventOf('CHECKOUT.ORDER.APPROVED', order)),
    'order approved with a discount': signed(eventOf('CHECKOUT.ORDER.APPROVED', discounted)),
    'sale completed': signed(eventOf('PAYMENT.SALE.COMPLETED', sale)),
    'refund without the order number': refunded(),
    'dispute without the order number': disputed('CREATED'),
  },
  redelivery: {
    callback: signed(eventOf('PAYMENT.CAPTURE.COMPLETED', capture), {
      id: 'b02ef980-9fce-11eb-b0ec-5bc241fbaaf3',
      time: '2026-01-02T02:34:57Z',
    }),
    now: NOW + 86_400_000,
  },
  // PayPal changes its own keys; what a merchant replaces is the webhook, whose ID is part of what is signed.
  replacement: {
    entered: { ...entered, webhookId: '7NX12345AB678901C' },
    callback: signed(eventOf('PAYMENT.CAPTURE.COMPLETED', capture), { webhookId: '7NX12345AB678901C' }),
    third: signed(eventOf('PAYMENT.CAPTURE.COMPLETED', capture), { webhookId: '9ZZ98765CD432109E' }),
  },
  weak: {
    'there is no webhook': { environment: 'live' },
    'the webhook is the ID of an event': { ...entered, webhookId: 'WH-58D329510W468432D-8HN650336L201105X' },
    'the environment is unknown': { ...entered, environment: 'test' },
    'the secret has no name': { ...entered, clientSecret: asking.clientSecret },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  partialRefunds: [refunded(), refunded({ id: '1JU08902781691412' })],
  linked: { payment: paid(), later: { refund: refunded(), dispute: disputed('CREATED') } },
  excused: {
    otherAccount: 'the webhook’s ID is part of the signed text: what is meant for another does not verify',
  },
  unknownType: signed(eventOf('BILLING.PLAN.CREATED', { id: 'P-1' })),
  signedHeaders: [
    'paypal-auth-algo',
    'paypal-cert-url',
    'paypal-transmission-id',
    'paypal-transmission-sig',
    'paypal-transmission-time',
  ],
  isDated: false,
  answers: { accepted: { status: 200, headers: {}, body: '' }, refused: { body: '' } },
});

describe('the signature', () => {
  const event = eventOf('PAYMENT.CAPTURE.COMPLETED', capture);

  it('holds for checksums above 2^31, which a signed CRC32 makes negative (pitfall 14)', async () => {
    const high: Callback[] = [];
    for (let n = 0; high.length < 3; n++) {
      const callback = signed({ ...event, summary: `${n}` });
      if (crc32(callback.body) > 0x7fffffff) high.push(callback);
    }
    for (const callback of high) expect(await reasonOf(callback)).toBe('accepted');
    const [first] = high;
    const negative = crc32(first?.body ?? new Uint8Array()) | 0;
    expect(negative).toBeLessThan(0);
    const { headers } = first ?? signed(event);
    const [id, time] = [headers['paypal-transmission-id'], headers['paypal-transmission-time']];
    const text = `${id}|${time}|${WEBHOOK_ID}|${negative}`;
    const wrong = sign('sha256', Buffer.from(text), key).toString('base64');
    expect(await reasonOf(withHeaders(first ?? signed(event), { 'paypal-transmission-sig': wrong }))).toBe(
      'signature_invalid',
    );
  });

  it('is for the webhook of the channel, whatever the request says it is for (pitfall 14)', async () => {
    const other = signed(event, { webhookId: '0EH40505U7160970P' });
    expect(await reasonOf(other)).toBe('signature_invalid');
    expect(await reasonOf(withHeaders(other, { 'paypal-webhook-id': '0EH40505U7160970P' }))).toBe('signature_invalid');
  });

  it('is taken over the raw bytes: the same JSON in other spacing does not verify (pitfall 1)', async () => {
    const spaced = new TextEncoder().encode(JSON.stringify(event, null, 1));
    expect(await reasonOf({ ...signed(event), body: spaced })).toBe('signature_invalid');
    expect(await reasonOf(signed(JSON.stringify(event, null, 1)))).toBe('accepted');
  });

  it.each(['SHA1withRSA', 'sha256withrsa', 'none', 'SHA256withRSA,SHA1withRSA'])(
    'by %s is refused',
    async (algorithm) => {
      expect(await reasonOf(withHeaders(signed(event), { 'paypal-auth-algo': algorithm }))).toBe('signature_invalid');
    },
  );

  it.each(['=', 'zz', 'A'.repeat(344), '\u0000', '%%%'])(
    'of garbage is refused and never throws: %j (pitfall 18)',
    async (garbage) => {
      expect(await reasonOf(withHeaders(signed(event), { 'paypal-transmission-sig': garbage }))).toBe(
        'signature_invalid',
      );
    },
  );

  it('cannot be moved between the parts that a bar divides', async () => {
    const callback = signed(event, { id: 'a|b', time: '2026-01-01T02:34:57Z' });
    expect(await reasonOf(callback)).toBe('signature_invalid');
  });
});

describe('the address of the certificate', () => {
  const keyIdOf = async (url: string, changes: object = {}) => {
    const callback = signed(eventOf('PAYMENT.CAPTURE.COMPLETED', capture), { url });
    const outcome = await provider.verify(callback, credentialsOf(changes), [], NOW);
    return outcome.ok ? 'accepted' : [outcome.error.reason, outcome.error.keyId];
  };
  const requestOf = (keyId: string) => provider.keys?.request(credentialsOf(), { now: NOW, nonce: '', keyId });

  it('is asked for when it is PayPal’s and not known yet', async () => {
    for (const url of [CERT_URL, CERT_URL.replace('api.', 'api-m.')]) {
      expect(await keyIdOf(url)).toEqual(['unknown_key', url]);
      expect(await requestOf(url)).toMatchObject({ method: 'GET', url, body: null });
    }
    expect(await keyIdOf(SANDBOX_CERT_URL, { environment: 'sandbox' })).toEqual(['unknown_key', SANDBOX_CERT_URL]);
  });

  it.each([
    CERT_URL.replace('https', 'http'),
    CERT_URL.replace('api.paypal.com', 'evil.example'),
    CERT_URL.replace('api.paypal.com', 'api.paypal.com.evil.example'),
    CERT_URL.replace('api.paypal.com', 'api.paypal.com@evil.example'),
    CERT_URL.replace('api.paypal.com', 'user:secret@api.paypal.com'),
    CERT_URL.replace('api.paypal.com', 'api.paypal.com:8443'),
    CERT_URL.replace('api.paypal.com', 'api.paypal.com:443'),
    CERT_URL.replace('api.paypal.com', 'API.PayPal.com'),
    CERT_URL.replace('api.paypal.com', 'api.paypal.com\\@evil.example'),
    CERT_URL.replace('api.paypal.com', 'evil.example#api.paypal.com'),
    CERT_URL.replace('api.paypal.com', 'xapi.paypal.com'),
    CERT_URL.replace('api.paypal.com', 'www.paypal.com'),
    CERT_URL.replace('api.paypal.com', '169.254.169.254'),
    CERT_URL.replace('/v1/notifications/certs/', '/v1/notifications/certs/../webhooks/'),
    CERT_URL.replace('/v1/notifications/certs/', '/v1/notifications/certs/%2e%2e/'),
    CERT_URL.replace('/v1/notifications/certs/', '/redirect/'),
    `${CERT_URL}?url=https://evil.example`,
    `${CERT_URL}#x`,
    `${CERT_URL}/x`,
    ` ${CERT_URL}\n.`,
    SANDBOX_CERT_URL,
    'file:///etc/passwd',
    'CERT-360caa42',
  ])('is never followed anywhere else: %s (pitfall 14)', async (url) => {
    expect(await keyIdOf(url)).toEqual(['signature_invalid', undefined]);
    await expect(requestOf(url)).rejects.toThrow('not PayPal');
  });
});

describe('a fetched certificate', () => {
  const readOf = (text: string, changes: object = {}, status = 200, at = NOW) =>
    provider.keys?.read(
      { status, headers: {}, body: new TextEncoder().encode(text) },
      credentialsOf(changes),
      [],
      at,
      CERT_URL,
    );
  const own = rsaKey();
  const issued = (CN: string, more: object = {}) =>
    makeCertificate({ CN, key: own, issuer: middle, ...more }) + middleCert;

  it('is kept under its address, as long as its whole chain lasts', async () => {
    expect(await readOf(bundle)).toMatchObject({ ok: true, value: [{ serial: CERT_URL, pem: leafCert }] });
    const short = await readOf(issued(COMMON_NAME, { toDays: 5 }));
    expect(short).toMatchObject({ ok: true, value: [{ expiresAt: NOW + 5 * 86_400_000 }] });
  });

  it('proves callbacks until it expires, and another address proves nothing', async () => {
    const late = fetched.expiresAt;
    expect(await reasonOf(paid(), {}, late - 1)).toBe('accepted');
    expect(await reasonOf(paid(), {}, late)).toBe('unknown_key');
    const other = signed(eventOf('PAYMENT.CAPTURE.COMPLETED', capture), { url: `${CERT_URL}-2` });
    expect(await reasonOf(other)).toBe('unknown_key');
  });

  it('is believed only with a chain to a trusted root, in date and for PayPal', async () => {
    const lookalike = { subject: root.subject, privateKey: rsaKey() };
    const stranger = makeCertificate({ CN: 'Pretend EV CA', key: rsaKey(), issuer: lookalike, isAuthority: true });
    for (const text of [
      leafCert, // without what vouches for it
      leafCert + stranger,
      makeCertificate({ CN: COMMON_NAME, key: own }), // by itself
      issued('messageverificationcerts.paypal.com.evil.example'),
      issued('evil-paypal.com'),
      issued('paypal.com.evil.example'),
      issued(COMMON_NAME, { toDays: -1 }),
      issued(COMMON_NAME, { fromDays: 1 }),
      issued(COMMON_NAME, { isAuthority: true }),
      makeCertificate({ CN: COMMON_NAME, key: rsaKey(1024), issuer: middle }) + middleCert,
    ]) {
      expect(await readOf(text)).toMatchObject({ ok: false, error: { code: 'unverified' } });
    }
    expect(await readOf(bundle, { trustedCerts: undefined })).toMatchObject({ ok: false });
  });

  it('is not taken from a redirect, an error page or nothing', async () => {
    expect(await readOf(bundle, {}, 302)).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    expect(await readOf('<html>certificate</html>')).toMatchObject({ ok: false, error: { code: 'malformed' } });
    expect(await readOf('')).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });

  it('is fetched when it is named and never by time', () => {
    expect(provider.keys?.byId).toBe(true);
  });
});

describe('a payment', () => {
  it('is told in our words, whole', async () => {
    expect(await told(paid())).toEqual({
      events: [
        {
          kind: 'payment',
          orderNo: 'TG20260101-0001',
          occurredAt: Date.parse('2026-01-01T02:34:50Z'),
          providerState: 'COMPLETED',
          test: false,
          status: 'succeeded',
          transactionId: '29Y24445UY2083144',
          amount: { minor: 2599, currency: 'EUR' },
          payerAmount: { minor: 2599, currency: 'EUR' },
          method: 'wallet',
          payer: {
            id: 'QYR5Z8XDVJNXQ',
            idType: 'payer_id',
            account: 'payer@example.com',
            name: 'Erika Mustermann',
          },
          attach: 'INV-17',
        },
      ],
      links: [{ id: '29Y24445UY2083144', orderNo: 'TG20260101-0001' }],
      noticeType: 'PAYMENT.CAPTURE.COMPLETED',
      noticeId: 'WH-58D329510W468432D-8HN650336L201105X',
    });
  });

  it('is not made by an order that was approved: it still wants capturing (pitfall 14)', async () => {
    const approved = await factOf(signed(eventOf('CHECKOUT.ORDER.APPROVED', order)));
    expect(approved).toMatchObject({ status: 'pending', orderNo: 'TG20260101-0001', transactionId: null });
    const completed = await told(signed(eventOf('CHECKOUT.ORDER.COMPLETED', { ...order, status: 'COMPLETED' })));
    expect(completed.events).toEqual([]);
  });

  it.each([
    ['PAYMENT.CAPTURE.PENDING', 'pending'],
    ['PAYMENT.CAPTURE.DENIED', 'failed'],
    ['PAYMENT.CAPTURE.DECLINED', 'failed'],
    ['PAYMENT.AUTHORIZATION.CREATED', 'pending'],
    ['PAYMENT.AUTHORIZATION.VOIDED', 'closed'],
    ['CHECKOUT.ORDER.VOIDED', 'closed'],
  ])('of which %s is told is %s', async (type, status) => {
    const resource = type.startsWith('CHECKOUT') ? order : capture;
    expect(await factOf(signed(eventOf(type, resource)))).toMatchObject({ status });
  });

  it('that PayPal looks at before it lets the money go is flagged', async () => {
    const pending = (reason: string) =>
      factOf(signed(eventOf('PAYMENT.CAPTURE.PENDING', { ...capture, status: 'PENDING', status_details: { reason } })));
    expect(await pending('PENDING_REVIEW')).toMatchObject({ status: 'pending', flags: ['risk_review'] });
    for (const reason of ['ECHECK', '', 'pending_review']) expect(await pending(reason)).not.toHaveProperty('flags');
    expect(await factOf(paid({ status_details: ['PENDING_REVIEW'] }))).not.toHaveProperty('flags');
  });

  it('says what was taken off the order before the payer approved it', async () => {
    expect(await factOf(signed(eventOf('CHECKOUT.ORDER.APPROVED', discounted)))).toMatchObject({
      amount: { minor: 2599, currency: 'EUR' },
      discounts: [
        { id: 'discount', amount: { minor: 401, currency: 'EUR' } },
        { id: 'shipping_discount', amount: { minor: 499, currency: 'EUR' } },
      ],
    });
    const [unit] = discounted.purchase_units;
    for (const breakdown of [null, 'x', {}, { discount: { currency_code: 'EUR', value: '0.00' } }, { discount: 7 }]) {
      const units = [{ ...unit, amount: { ...unit?.amount, breakdown } }];
      const fact = await factOf(signed(eventOf('CHECKOUT.ORDER.APPROVED', { ...order, purchase_units: units })));
      expect(fact).toMatchObject({ amount: { minor: 2599 } });
      expect(fact).not.toHaveProperty('discounts');
    }
  });

  it('by an older sale is read in its own words', async () => {
    expect(await factOf(signed(eventOf('PAYMENT.SALE.COMPLETED', sale)))).toMatchObject({
      orderNo: 'TG20260101-0002',
      amount: { minor: 1455, currency: 'CAD' },
      providerState: 'completed',
    });
    const back = { id: 'R1', amount: { total: '-4.55', currency: 'CAD' }, state: 'completed', sale_id: sale.id };
    expect(await factOf(signed(eventOf('PAYMENT.SALE.REFUNDED', back)))).toMatchObject({
      linkId: sale.id,
      amount: { minor: 455, currency: 'CAD' },
    });
  });

  it.each([
    ['0.29', 'USD', 29],
    ['500', 'JPY', 500],
    ['5.00', 'TWD', 500],
  ])('of %s %s is %i minor units: no float rounds it (pitfall 10)', async (value, currency_code, minor) => {
    expect(await factOf(paid({ amount: { value, currency_code } }))).toMatchObject({ amount: { minor } });
  });

  it('is refused by name when its amount cannot be read', async () => {
    expect(await detailOf(paid({ amount: { value: '1e3', currency_code: 'EUR' } }))).toContain('resource.amount');
    expect(await detailOf(paid({ id: null }))).toContain('resource.id');
  });

  it('by card says so', async () => {
    const card = { processor_response: { response_code: '0000' }, network_transaction_reference: { network: 'VISA' } };
    expect(await factOf(paid(card))).toMatchObject({ method: 'card', providerMethod: 'VISA' });
  });

  it('in the sandbox is a test', async () => {
    const callback = signed(eventOf('PAYMENT.CAPTURE.COMPLETED', capture), { url: SANDBOX_CERT_URL });
    const sandbox = credentialsOf({ environment: 'sandbox' });
    const notice = await provider.verify(callback, sandbox, [{ ...fetched, serial: SANDBOX_CERT_URL }], NOW);
    const translated = notice.ok ? provider.translate(notice.value, sandbox) : null;
    expect(translated).toMatchObject({ ok: true, value: { events: [{ test: true }] } });
  });
});

describe('the order number', () => {
  it('is custom_id, then invoice_id, then PayPal’s own, or where the channel says', async () => {
    const orderNoOf = async (more: object, changes: object = {}) => {
      const { events } = await told(paid(more), changes);
      return events[0]?.orderNo;
    };
    expect(await orderNoOf({ custom_id: null })).toBe('INV-17');
    expect(await orderNoOf({ custom_id: 'has spaces' })).toBe('INV-17');
    expect(await orderNoOf({ custom_id: null, invoice_id: undefined })).toBe('89T257400V0473133');
    expect(await orderNoOf({}, { orderNoFrom: 'invoice_id' })).toBe('INV-17');
    expect(await orderNoOf({}, { orderNoFrom: 'order_id' })).toBe('89T257400V0473133');
  });

  it('that is nowhere leaves the payment for a person', async () => {
    const { events, unlinked } = await told(paid({ custom_id: null, invoice_id: null, supplementary_data: null }));
    expect([events, unlinked?.[0]?.linkId]).toEqual([[], '29Y24445UY2083144']);
  });

  it('of an order with several units is each unit’s own, and never PayPal’s for all of them', async () => {
    const [unit] = order.purchase_units;
    const units = [unit, { ...unit, custom_id: 'TG-2' }, { amount: unit?.amount }];
    const { events } = await told(signed(eventOf('CHECKOUT.ORDER.APPROVED', { ...order, purchase_units: units })));
    expect(events.map(({ orderNo }) => orderNo)).toEqual(['TG20260101-0001', 'TG-2']);
  });
});

describe('a refund', () => {
  it('is found by its capture, though it carries references of its own', async () => {
    const { events, unlinked } = await told(refunded());
    expect(events).toEqual([]);
    expect(unlinked).toMatchObject([
      {
        kind: 'refund',
        linkId: '29Y24445UY2083144',
        state: 'succeeded',
        refundNo: '1JU08902781691411',
        transactionId: '29Y24445UY2083144',
        amount: { minor: 1000, currency: 'EUR' },
        reason: 'Defective product',
      },
    ]);
  });

  it.each([
    ['PENDING', 'pending'],
    ['FAILED', 'failed'],
    ['CANCELLED', 'failed'],
  ])('that is %s is %s', async (status, state) => {
    expect(await factOf(refunded({ status }))).toMatchObject({ state });
  });

  it('without its capture, or in a state nobody knows, is refused by name', async () => {
    expect(await detailOf(refunded({ links: [] }))).toContain('links');
    expect(await detailOf(refunded({ status: 'BRAND_NEW' }))).toContain('BRAND_NEW');
  });
});

describe('a dispute', () => {
  it.each([
    ['CREATED', {}, 'open'],
    ['UPDATED', { status: 'UNDER_REVIEW' }, 'open'],
    ['RESOLVED', { dispute_outcome: { outcome_code: 'RESOLVED_SELLER_FAVOUR' } }, 'won'],
    ['RESOLVED', { dispute_outcome: { outcome_code: 'RESOLVED_WITH_PAYOUT' } }, 'won'],
    ['RESOLVED', { dispute_outcome: { outcome_code: 'CANCELED_BY_BUYER' } }, 'won'],
    ['RESOLVED', { dispute_outcome: { outcome_code: 'RESOLVED_BUYER_FAVOUR' } }, 'lost'],
    ['RESOLVED', { dispute_outcome: { outcome_code: 'ACCEPTED' } }, 'lost'],
    ['RESOLVED', { dispute_outcome: null }, 'open'],
  ])('that was %s with %o is %s', async (type, more, state) => {
    expect(await factOf(disputed(type, more))).toMatchObject({
      kind: 'dispute',
      state,
      disputeId: 'PP-000-003-648-191',
      linkId: '29Y24445UY2083144',
      amount: { minor: 2599, currency: 'EUR' },
    });
  });

  it('is what a reversal of PayPal’s opens, whether it tells of the reversal or of the capture', async () => {
    const reversed = (resource: object) => factOf(signed(eventOf('PAYMENT.CAPTURE.REVERSED', resource)));
    expect(await reversed(refund)).toMatchObject({ kind: 'dispute', state: 'open', linkId: '29Y24445UY2083144' });
    expect(await reversed(capture)).toMatchObject({ kind: 'dispute', state: 'open', linkId: '29Y24445UY2083144' });
  });
});

describe('the token that a query needs', () => {
  const { token } = provider;
  const request = async (changes: object) => token?.request(credentialsOf(changes), { now: NOW, nonce: 'nonce' });
  const read = async (status: number, content: unknown) => {
    const body = new TextEncoder().encode(typeof content === 'string' ? content : JSON.stringify(content));
    return token?.read({ status, headers: {}, body }, NOW);
  };
  const given = { scope: 's', access_token: 'A21AAgiven', token_type: 'Bearer', app_id: 'APP-1', expires_in: 31_668 };

  it('is asked for with the application’s name and secret, in its own environment', async () => {
    const asked = await request(asking);
    expect(asked).toMatchObject({
      ok: true,
      value: {
        method: 'POST',
        url: 'https://api-m.paypal.com/v1/oauth2/token',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: 'grant_type=client_credentials',
      },
    });
    const authorization = asked?.ok ? (asked.value.headers.authorization ?? '') : '';
    const told = Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString();
    expect(told).toBe(`${asking.clientId}:${asking.clientSecret}`);
    const sandbox = await request({ ...asking, environment: 'sandbox' });
    expect(sandbox).toMatchObject({ value: { url: 'https://api-m.sandbox.paypal.com/v1/oauth2/token' } });
    expect(await request({})).toMatchObject({ ok: false, error: { code: 'not_configured' } });
  });

  it('serves until a minute before it expires', async () => {
    const hours = { ok: true, value: { token: 'A21AAgiven', expiresAt: NOW + 31_608_000 } };
    expect(await read(200, given)).toEqual(hours);
    expect(await read(200, { ...given, expires_in: '31668' })).toEqual(hours);
    expect(await read(200, { ...given, expires_in: 30 })).toMatchObject({ value: { expiresAt: NOW } });
  });

  it('that was not given says why, and repeats no secret', async () => {
    const refusal = { error: 'invalid_client', error_description: 'Client Authentication failed' };
    expect(await read(401, refusal)).toMatchObject({
      ok: false,
      error: { code: 'refused', detail: expect.stringContaining('check clientId') },
    });
    for (const [status, code] of [
      [400, 'refused'],
      [404, 'refused'],
      [302, 'refused'],
      [429, 'unavailable'],
      [503, 'unavailable'],
    ] as const) {
      expect(await read(status, given)).toMatchObject({ ok: false, error: { code } });
    }
  });

  it.each([
    'x',
    '{}',
    { ...given, access_token: '' },
    { ...given, access_token: 'two\r\nlines' },
    { ...given, access_token: 7 },
    { ...given, expires_in: 'soon' },
    { ...given, expires_in: undefined },
  ])('that cannot be read is not used: %j', async (content) => {
    expect(await read(200, content)).toMatchObject({ ok: false, error: { code: 'malformed' } });
  });
});

describe('a query', () => {
  const target = { transactionId: capture.id };

  it('asks for a capture with the token that PayPal gave, and never with the secret itself', async () => {
    const request = await ask(target, asking, { token: 'A21AAfetched' });
    expect(request).toEqual({
      ok: true,
      value: {
        method: 'GET',
        url: `https://api-m.paypal.com/v2/payments/captures/${capture.id}`,
        headers: { accept: 'application/json', authorization: 'Bearer A21AAfetched' },
        body: null,
      },
    });
    const sandbox = await ask(target, { ...asking, environment: 'sandbox' }, { token: 'A21AAfetched' });
    expect(sandbox).toMatchObject({ value: { url: expect.stringContaining('https://api-m.sandbox.paypal.com/') } });
    expect(await ask(target, asking)).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  });

  it('says what is missing, and asks for nothing that is no capture', async () => {
    expect(await ask(target)).toMatchObject({ ok: false, error: { code: 'not_configured' } });
    for (const transactionId of ['', '../x', 'a b', undefined]) {
      const odd = transactionId === undefined ? {} : { transactionId };
      expect(await ask(odd, asking, { token: 'x' })).toMatchObject({ ok: false, error: { code: 'refused' } });
    }
  });

  it('answers with the same fact as the callback, whatever became of the capture later', async () => {
    const key = factKey({ ...(await factOf(paid())), orderNo: 'TG20260101-0001' });
    for (const later of [{}, { status: 'REFUNDED', update_time: '2026-01-03T00:00:00Z' }]) {
      const read = await answer(200, { ...capture, ...later }, target, asking);
      const [event] = read.ok ? read.value.events : [];
      expect(event && factKey(event)).toBe(key);
      expect(event?.occurredAt).toBe(Date.parse('2026-01-01T02:34:50Z'));
    }
  });

  it('gives the facts of the order it was asked for, though PayPal names none', async () => {
    const bare = { ...capture, custom_id: null, invoice_id: null, supplementary_data: null };
    const read = await answer(200, bare, { ...target, orderNo: 'MINE-1' }, asking);
    expect(read).toMatchObject({ ok: true, value: { events: [{ orderNo: 'MINE-1', status: 'succeeded' }] } });
  });

  it('tells what it does not know from what it could not ask', async () => {
    expect(await answer(404, {}, target, asking)).toMatchObject({ ok: true, value: { events: [] } });
    expect(await answer(401, {}, target, asking)).toMatchObject({ ok: false, error: { code: 'refused' } });
    expect(await answer(503, '', target, asking)).toMatchObject({ ok: false, error: { code: 'unavailable' } });
    expect(await answer(200, 'x', target, asking)).toMatchObject({ ok: false, error: { code: 'malformed' } });
    expect(await answer(200, { ...capture, id: 'OTHER00000' }, target, asking)).toMatchObject({ ok: false });
  });
});

it('ships roots that are authorities by themselves and in date', () => {
  const roots = certificatesIn(DIGICERT_ROOTS);
  expect(roots.map(({ fields }) => commonNameOf(fields))).toEqual([
    'DigiCert Global Root G2',
    'DigiCert TLS RSA4096 Root G5',
    'DigiCert Global Root CA',
    'DigiCert High Assurance EV Root CA',
  ]);
  for (const one of roots)
    expect([one.x509.ca, isIssuedBy(one, one), invalidityOf([one], NOW)]).toEqual([true, true, null]);
});

it('needs no certificate from the merchant, and takes none that is no authority', async () => {
  const plain = credentialsOf({ trustedCerts: undefined });
  expect(await provider.inspectCredentials?.(plain)).toEqual({ ok: true, value: null });
  for (const trustedCerts of [leafCert, 'x']) {
    expect(await provider.inspectCredentials?.(credentialsOf({ trustedCerts }))).toMatchObject({
      ok: false,
      error: { field: 'trustedCerts' },
    });
  }
});

it('is tried again for three days', () => {
  const seconds = provider.retryScheduleSeconds.reduce((sum, wait) => sum + wait, 0);
  expect([provider.retryScheduleSeconds.length, Math.round(seconds / 86_400)]).toEqual([25, 3]);
});
