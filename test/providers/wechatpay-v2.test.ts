// WeChat Pay v2: the conformance suite, and the pitfalls that most integrations fall into.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Callback } from '../../src/core/callback.ts';
import type { PaymentFact } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import { signatureOf } from '../../src/providers/wechatpay-v2/signature.ts';
import {
  API_KEY,
  answerOf,
  callbackOf,
  entered,
  type Fields,
  NOW,
  payment,
  queriedRefund,
  refund,
  refundNotice,
  signed,
  signedXml,
  signOf,
  xmlOf,
} from '../fixtures/wechatpay-v2/merchant.ts';
import { conformance } from './conformance.ts';

const provider = providerOf('wechatpay-v2');
if (provider === null) throw new Error('wechatpay-v2 is not registered');

const OTHER_KEY = 'x'.repeat(32);
const FAILED = '<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[失败]]></return_msg></xml>';
const contract: Fields = {
  change_type: 'ADD',
  contract_code: '100001256',
  mch_id: '1900000109',
  result_code: 'SUCCESS',
  return_code: 'SUCCESS',
};

conformance({
  provider,
  entered,
  stranger: { ...entered, apiKey: OTHER_KEY },
  now: NOW,
  genuine: {
    'payment signed with MD5': signed(payment),
    'payment signed with HMAC-SHA256': signed(payment, 'HMAC-SHA256'),
    'payment without coupons': signed(without(payment, /^coupon|^cash|^attach/)),
  },
  redelivery: { callback: signed({ ...payment, nonce_str: 'another' }, 'HMAC-SHA256'), now: NOW + 3_600_000 },
  replacement: {
    entered: { ...entered, apiKey: OTHER_KEY },
    callback: signed(payment, 'MD5', OTHER_KEY),
    third: signed(payment, 'MD5', 'y'.repeat(32)),
  },
  weak: {
    'there is no key': { ...entered, apiKey: undefined },
    'the key is empty': { ...entered, apiKey: '' },
    'the key is a letter short': { ...entered, apiKey: API_KEY.slice(1) },
    'there is a field nobody knows': { ...entered, verify: false },
  },
  // A refund notice only says what to ask about.
  partialRefunds: [refundNotice(refund), refundNotice({ ...refund, out_refund_no: 'second' })],
  asked: ({ reference = '' }) => {
    const [refundNo = ''] = reference.split('/');
    return answerOf(signedXml({ ...queriedRefund, out_refund_no_0: refundNo }));
  },
  otherAccount: signed({ ...payment, mch_id: '1900000110' }),
  excused: {
    linked: 'every notice names its out_trade_no',
  },
  unknownType: signed(contract),
  signedHeaders: [],
  unsigned: {
    'left out': callbackOf(xmlOf(payment)),
    blank: callbackOf(xmlOf({ ...payment, sign: '' })),
    'a space': callbackOf(xmlOf({ ...payment, sign: ' ' })),
    'made without a key': signed(payment, 'MD5', ''),
  },
  signsValues: true,
  isDated: false,
  answers: {
    accepted: {
      status: 200,
      headers: { 'content-type': 'text/xml; charset=utf-8' },
      body: '<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>',
    },
    refused: { body: FAILED },
  },
});

function without(fields: Fields, names: RegExp): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !names.test(name)));
}

const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });

async function outcomeOf(callback: Callback, changes: object = {}) {
  const credentials = credentialsOf(changes);
  const notice = await provider?.verify(callback, credentials, [], NOW);
  if (!notice?.ok) return { reason: notice?.error.reason, detail: notice?.error.detail ?? '' };
  const translated = provider?.translate(notice.value, credentials);
  if (!translated?.ok) return { reason: translated?.error.reason, detail: translated?.error.detail ?? '' };
  return { reason: 'accepted', detail: '', translation: translated.value };
}

const reasonOf = async (callback: Callback, changes: object = {}) => (await outcomeOf(callback, changes)).reason;
const detailOf = async (callback: Callback, changes: object = {}) => (await outcomeOf(callback, changes)).detail;
const told = async (callback: Callback, changes: object = {}) => (await outcomeOf(callback, changes)).translation;

async function factOf(changes: Fields, left: RegExp = /^$/): Promise<PaymentFact | undefined> {
  const translation = await told(signed({ ...without(payment, left), ...changes }));
  const [event] = translation?.events ?? [];
  return event?.kind === 'payment' ? event : undefined;
}

describe('the signature', () => {
  it('is the documented one', async () => {
    const fields = new Map([
      ['appid', 'wxd930ea5d5a258f4f'],
      ['mch_id', '10000100'],
      ['device_info', '1000'],
      ['body', 'test'],
      ['nonce_str', 'ibuaiVcKdpRxkhJA'],
    ]);
    const key = '192006250b4c09247ec02edce69f6a2d';
    expect(await signatureOf(fields, key, 'MD5')).toBe('9A0A8659F005D6984697E2CA0A9CF3B7');
    expect(await signatureOf(fields, key, 'HMAC-SHA256')).toBe(
      '6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6',
    );
  });

  it('leaves out empty values and keeps "0" (pitfall 12)', async () => {
    const empties = { device_info: '', coupon_count: '0', settlement_total_fee: '' };
    expect(await reasonOf(signed({ ...payment, ...empties }))).toBe('accepted');
    const { coupon_count: _, ...rest } = payment;
    const sign = signOf(rest);
    expect(await reasonOf(callbackOf(xmlOf({ ...rest, coupon_count: '0', sign })))).toBe('signature_invalid');
  });

  it('tolerates fields that nobody has heard of, and counts them in', async () => {
    const more = { ...payment, brand_new: 'x & y', 新: '字' };
    expect(await reasonOf(callbackOf(signedXml(more)))).toBe('accepted');
    expect(await reasonOf(callbackOf(xmlOf({ ...more, sign: signOf(payment) })))).toBe('signature_invalid');
  });

  it('is over values and not bytes: white space, order and CDATA are free', async () => {
    const sign = signOf(payment);
    const bare = Object.entries({ sign, ...payment }).reverse();
    const body = bare.map(([name, value]) => `  <${name}>${value}</${name}>\r\n`).join('');
    expect(await reasonOf(callbackOf(`<xml>\n${body}</xml>\n`))).toBe('accepted');
    const escaped = { ...payment, attach: '<a> & "b"' };
    const xml = xmlOf({ ...escaped, sign: signOf(escaped) });
    const references = xml.replace('<![CDATA[<a> & "b"]]>', '&lt;a&gt; &#38; &quot;b&#x22;');
    expect(references).not.toBe(xml);
    expect(await reasonOf(callbackOf(xml))).toBe('accepted');
    expect(await reasonOf(callbackOf(references))).toBe('accepted');
  });

  it('goes by its length and not by what the message says of it (pitfall 12)', async () => {
    const says = { ...payment, sign_type: 'HMAC-SHA256' };
    expect(await reasonOf(signed(says, 'MD5'))).toBe('accepted');
    expect(await reasonOf(signed({ ...payment, sign_type: 'MD5' }, 'HMAC-SHA256'))).toBe('accepted');
  });

  it('is refused where the merchant does not allow its algorithm', async () => {
    const strict = { signTypes: ['HMAC-SHA256'] };
    expect(await reasonOf(signed(payment, 'MD5'), strict)).toBe('signature_invalid');
    expect(await detailOf(signed(payment, 'MD5'), strict)).toMatch(/signTypes/);
    expect(await reasonOf(signed(payment, 'HMAC-SHA256'), strict)).toBe('accepted');
    expect(await reasonOf(signed(payment, 'HMAC-SHA256'), { signTypes: ['MD5'] })).toBe('signature_invalid');
  });

  it.each(['', ' ', 'A', 'é', '0'.repeat(32), '0'.repeat(64), 'G'.repeat(32), 'SUCCESS', '%00', '0'.repeat(4_000)])(
    'that is garbage is refused and does not throw: %j (pitfall 18)',
    async (sign) => {
      expect(await reasonOf(callbackOf(xmlOf({ ...payment, sign })))).toBe('signature_invalid');
    },
  );

  it('is needed, and needed once', async () => {
    expect(await reasonOf(callbackOf(xmlOf(payment)))).toBe('signature_invalid');
    const sign = signOf(payment);
    const twice = xmlOf({ ...payment, sign }).replace('</xml>', `<sign>${sign}</sign></xml>`);
    expect(await reasonOf(callbackOf(twice))).toBe('malformed');
    expect(await reasonOf(callbackOf(xmlOf({ ...payment, sign: sign.toLowerCase() })))).toBe('signature_invalid');
  });

  it('holds whatever the values are', async () => {
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('0', '', ' ', '&key=', 'a=b&c=d', ']]'));
    const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,12}$/).filter((one) => !(one in payment) && one !== 'sign');
    const clean = (text: string) => text.replace(/[\r\p{Cc}]|\]\]>/gu, '');
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, value.map(clean), { maxKeys: 5 }), async (more) => {
        const { req_info: _, change_type: __, ...rest } = more;
        expect(await reasonOf(signed({ ...payment, ...rest }, 'HMAC-SHA256'))).toBe('accepted');
      }),
    );
  });
});

describe('a hostile document', () => {
  const sign = signOf(payment);
  const genuine = xmlOf({ ...payment, sign });
  const inside = (text: string) => genuine.replace('<xml>', `<xml>${text}`);
  const secret = '<!DOCTYPE xml [<!ENTITY xxe SYSTEM "file:///etc/passwd">]>';
  // WeChat Pay's own scanner posts the second of these (XXE notice of July 2018).
  it.each([
    ['an external entity', `${secret}${inside('<a>&xxe;</a>')}`],
    [
      'a scanner’s parameter entity',
      `<!DOCTYPE a [<!ENTITY % x SYSTEM "http://tst.qq.com/xxe_inject/1">%x;]>${genuine}`,
    ],
    ['an entity bomb', `<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>${inside('<a>&c;</a>')}`],
    ['a DTD alone', `<!DOCTYPE xml>${genuine}`],
    ['a DTD in small letters', `<!doctype xml>${genuine}`],
    ['a DTD behind a declaration', `<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE xml>${genuine}`],
    ['an undeclared entity', inside('<a>&xxe;</a>')],
    ['a processing instruction', `<?xml-stylesheet href="http://127.0.0.1/"?>${genuine}`],
    ['a comment', inside('<!-- -->')],
    ['a comment inside a value', genuine.replace('<total_fee>100', '<total_fee>1<!-- -->00')],
    ['an element twice', inside('<total_fee>1</total_fee>')],
    ['an element twice with the same value', inside('<total_fee>100</total_fee>')],
    ['an element inside another', inside('<a><total_fee>1</total_fee></a>')],
    ['a value inside a value', genuine.replace('<total_fee>100', '<total_fee><b>1</b>100')],
    ['a name that reaches into objects', inside('<__proto__>1</__proto__>')],
    ['another root', genuine.replaceAll('xml>', 'root>')],
    ['attributes', genuine.replace('<total_fee>', '<total_fee a="1">')],
    ['an XInclude', inside('<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="http://127.0.0.1/"/>')],
    ['deep nesting', inside('<a>'.repeat(200) + '</a>'.repeat(200))],
    ['very many elements', inside('<a/>'.repeat(5_000))],
    ['UTF-16', String.fromCharCode(...Buffer.from(genuine, 'utf16le'))],
    ['no XML', '{"return_code":"SUCCESS"}'],
    ['nothing', ''],
  ])('is refused with the documented failure, and nothing is fetched: %s (pitfall 12)', async (_name, body) => {
    const outcome = await outcomeOf(callbackOf(body));
    expect(outcome.reason).toBe('malformed');
    const answer = provider.acknowledge({ kind: 'rejected', rejection: { reason: 'malformed', detail: '' } });
    expect(answer).toMatchObject({ status: 400, body: FAILED });
  });

  it('of bytes that are no UTF-8 is refused', async () => {
    const bytes = new Uint8Array([...Buffer.from(genuine.slice(0, -6)), 0xff, ...Buffer.from('</xml>')]);
    expect(await reasonOf({ ...callbackOf(''), body: bytes })).toBe('malformed');
  });

  it('never throws and is never taken for genuine, however it was changed', async () => {
    const edit = fc.record({
      at: fc.nat(genuine.length),
      cut: fc.nat(8),
      put: fc.oneof(fc.string({ maxLength: 6 }), fc.constantFrom('<!', '<?', '&x;', '<a/>', ']]>', '<sign>', '0')),
    });
    await fc.assert(
      fc.asyncProperty(edit, async ({ at, cut, put }) => {
        const text = genuine.slice(0, at) + put + genuine.slice(at + cut);
        fc.pre(text.replace(/>\s+</g, '><').trim() !== genuine);
        const outcome = await outcomeOf(callbackOf(text));
        // Cutting or putting white space, empty elements or CDATA around the same values changes nothing.
        const same = outcome.translation?.events[0];
        if (outcome.reason === 'accepted') expect(same).toEqual((await told(callbackOf(genuine)))?.events[0]);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a payment notice', () => {
  it('fills everything that the documents have', async () => {
    expect(await factOf({})).toEqual({
      kind: 'payment',
      orderNo: '1409811653',
      occurredAt: Date.parse('2026-01-01T10:34:56+08:00'),
      providerState: 'SUCCESS',
      test: false,
      status: 'succeeded',
      transactionId: '1004400740201409030005092168',
      amount: { minor: 100, currency: 'CNY' },
      payerAmount: { minor: 80, currency: 'CNY' },
      discounts: [
        { id: '10000', amount: { minor: 15, currency: 'CNY' } },
        { id: '10001', amount: { minor: 5, currency: 'CNY' } },
      ],
      method: 'wallet',
      providerMethod: 'NATIVE',
      bank: 'CFT',
      payer: { id: 'oUpF8uMEb4qRXf22hE3X68TekukE', idType: 'openid' },
      attach: '支付测试',
    });
  });

  it('counts the order’s amount and not what the payer paid or the merchant gets (pitfall 10)', async () => {
    const fact = await factOf({ settlement_total_fee: '90', cash_fee: '1' });
    expect(fact?.amount?.minor).toBe(100);
    expect(fact?.payerAmount?.minor).toBe(1);
  });

  it('takes the currency as told, and CNY where none is', async () => {
    expect((await factOf({ fee_type: 'HKD', cash_fee_type: 'CNY' }))?.amount?.currency).toBe('HKD');
    expect((await factOf({}, /^fee_type/))?.amount?.currency).toBe('CNY');
    expect((await factOf({ fee_type: '' }))?.amount?.currency).toBe('CNY');
  });

  it('survives coupons that cannot be read', async () => {
    const fact = await factOf({ coupon_fee_0: 'x', coupon_id_7: '7', coupon_id_x: '8', coupon_id_99999: '9' });
    expect(fact?.discounts).toEqual([{ id: '10001', amount: { minor: 5, currency: 'CNY' } }]);
  });

  it('is paid only when both return_code and result_code say so', async () => {
    expect(await factOf({ result_code: 'FAIL' })).toMatchObject({ status: 'pending', providerState: 'FAIL' });
    const failed = await factOf({ result_code: 'FAIL', trade_type: 'MICROPAY' });
    expect(failed).toMatchObject({ status: 'failed' });
    expect(await factOf({ return_code: 'FAIL' })).toMatchObject({ status: 'pending', providerState: 'FAIL' });
    expect(await told(signed({ ...without(payment, /^time_end/), result_code: 'FAIL' }))).toMatchObject({ events: [] });
    // A deduction under a contract succeeds as a message and fails as a payment.
    expect(await factOf({ trade_state: 'PAY_FAIL', trade_type: 'PAP' })).toMatchObject({ status: 'failed' });
  });

  it('without its time is refused by that name', async () => {
    const callback = signed(without(payment, /^time_end$/));
    expect(await reasonOf(callback)).toBe('malformed');
    expect(await detailOf(callback)).toContain('time_end');
  });

  it.each([
    ['transaction_id', 'transactionId'],
    ['total_fee', 'amount'],
  ])('without %s is told as it is: the ledger asks for the rest', async (name, field) => {
    const translation = await told(signed(without(payment, new RegExp(`^${name}$`))));
    expect(translation).toMatchObject({ events: [{ status: 'succeeded', [field]: null }] });
  });

  it.each([
    ['total_fee', '1.00'],
    ['total_fee', '-1'],
    ['total_fee', '1e2'],
    ['total_fee', '9'.repeat(20)],
    ['time_end', '20260231103456'],
    ['time_end', '2026-01-01T10:34:56'],
    ['fee_type', 'yuan'],
  ])('with an odd %s is refused by that name: %s', async (name, value) => {
    expect(await detailOf(signed({ ...payment, [name]: value }))).toContain(name);
  });

  it('for another merchant, AppID or sub-merchant is refused as another merchant’s', async () => {
    expect(await reasonOf(signed({ ...payment, mch_id: '1900000110' }))).toBe('wrong_merchant');
    expect(await reasonOf(signed({ ...payment, appid: 'wxother' }))).toBe('wrong_merchant');
    expect(await reasonOf(signed({ ...payment, appid: 'wxother' }), { appIds: [] })).toBe('accepted');
    const partner = { subMchIds: ['1900000201', '1900000202'] };
    expect(await reasonOf(signed({ ...payment, sub_mch_id: '1900000202' }), partner)).toBe('accepted');
    expect(await reasonOf(signed({ ...payment, sub_mch_id: '1900000203' }), partner)).toBe('wrong_merchant');
    expect(await reasonOf(signed(payment), partner)).toBe('wrong_merchant');
  });

  it('names the sub-merchant’s payer where there is one', async () => {
    expect((await factOf({ sub_openid: 'oSub', sub_mch_id: '1900000201' }))?.payer?.id).toBe('oSub');
  });
});

describe('a refund notice', () => {
  it('changes nothing by itself and says what to ask about (pitfall 12)', async () => {
    expect(await told(refundNotice(refund))).toEqual({
      events: [],
      hints: [
        {
          reference: '131811191610442717309/wx2421b1c4370ec43b/',
          orderNo: '1409811653',
          transactionId: '1004400740201409030005092168',
        },
      ],
      noticeType: 'refund.SUCCESS',
      noticeId: '50000408942018111907145868882 SUCCESS',
    });
  });

  it('is kept and not applied where nobody can be asked', async () => {
    const bare = { ...refund, out_refund_no: '' };
    expect(await told(refundNotice(bare))).toMatchObject({ events: [], noticeType: 'refund.SUCCESS' });
    expect((await told(refundNotice(bare)))?.hints).toBeUndefined();
    const nameless = refundNotice(refund, { appid: '' });
    expect((await told(nameless, { appIds: [] }))?.hints).toBeUndefined();
    expect((await told(nameless))?.hints).toHaveLength(1);
  });

  it('opens also where the key’s MD5 begins with zeros (pitfall 12)', async () => {
    const isShort = (key: string) => createHash('md5').update(key).digest('hex').startsWith('0');
    const keys = Array.from({ length: 200 }, (_, n) => `${n}`.padStart(32, 'k')).filter(isShort);
    expect(keys.length).toBeGreaterThan(0);
    for (const apiKey of keys) {
      expect((await told(refundNotice(refund, {}, apiKey), { apiKey }))?.hints).toHaveLength(1);
    }
  });

  it('opens whatever the length of its content', async () => {
    for (let more = 0; more < 32; more++) {
      const content = { ...refund, refund_recv_accout: 'x'.repeat(more) };
      expect(await reasonOf(refundNotice(content))).toBe('accepted');
    }
  });

  it('may break its base64 over lines', async () => {
    const text = new TextDecoder().decode(refundNotice(refund).body);
    const broken = text.replace(/(<req_info><!\[CDATA\[[^\]]{76})/, '$1\r\n');
    expect(broken).not.toBe(text);
    expect(await reasonOf(callbackOf(broken))).toBe('accepted');
  });

  it('under another key is refused without an alarm: anybody can send one', async () => {
    expect(await reasonOf(refundNotice(refund, {}, OTHER_KEY))).toBe('signature_invalid');
    for (const req_info of ['AAAA', '!', 'A'.repeat(64), `${'A'.repeat(43)}=`, ' ']) {
      expect(await reasonOf(refundNotice(refund, { req_info }))).toBe('signature_invalid');
    }
  });

  it('whose content is hostile is refused as any other', async () => {
    for (const content of [
      '<!DOCTYPE root [<!ENTITY x SYSTEM "http://127.0.0.1/">]><root><a>&x;</a></root>',
      '<root><out_refund_no>1</out_refund_no><out_refund_no>2</out_refund_no></root>',
      '<root><a><b>1</b></a></root>',
      '<xml><out_refund_no>1</out_refund_no></xml>',
    ]) {
      expect(await reasonOf(refundNotice(content))).toBe('signature_invalid');
    }
  });

  it('put together from blocks of others still only asks', async () => {
    const bytes = Buffer.from(/CDATA\[([^\]]{100,})\]/.exec(textOf(refundNotice(refund)))?.[1] ?? '', 'base64');
    const other = refundNotice({ ...refund, refund_fee: '99', refund_status: 'CHANGE' });
    const others = Buffer.from(/CDATA\[([^\]]{100,})\]/.exec(textOf(other))?.[1] ?? '', 'base64');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }), async (picks) => {
        const spliced = Buffer.from(bytes);
        for (const [block, isOther] of picks.entries()) {
          if (isOther) others.copy(spliced, block * 16, block * 16, block * 16 + 16);
        }
        const translation = await told(refundNotice(refund, { req_info: spliced.toString('base64') }));
        expect(translation?.events ?? []).toEqual([]);
      }),
    );
  });

  it('with a sign that does not hold is refused', async () => {
    expect(await reasonOf(refundNotice(refund, { sign: '0'.repeat(32) }))).toBe('signature_invalid');
    const text = textOf(refundNotice(refund));
    const fields = Object.fromEntries([...text.matchAll(/<(\w+)><!\[CDATA\[(.*?)\]\]>/g)].map((m) => [m[1], m[2]]));
    expect((await told(signed(fields as Fields)))?.hints).toHaveLength(1); // every name has a value
  });

  it('for another merchant is refused as another merchant’s', async () => {
    expect(await reasonOf(refundNotice(refund, { mch_id: '1900000110' }))).toBe('wrong_merchant');
    expect(await reasonOf(refundNotice(refund, { appid: 'wxother' }))).toBe('wrong_merchant');
  });
});

const textOf = (callback: Callback) => new TextDecoder().decode(callback.body);

describe('other messages', () => {
  it('are acknowledged and touch no order', async () => {
    expect(await told(signed(contract))).toEqual({ events: [], noticeType: 'contract.ADD', noticeId: null });
    const unheard = { mch_id: '1900000109', return_code: 'SUCCESS', something: 'new' };
    expect(await told(signed(unheard))).toMatchObject({ events: [], noticeType: 'unknown' });
    expect(await reasonOf(callbackOf(xmlOf(unheard)))).toBe('signature_invalid');
  });
});

describe('credentials', () => {
  const problemOf = (changes: object) => provider.credentials.safeParse({ ...entered, ...changes }).error?.issues[0];

  it.each([
    ['an APIv2 key that is empty', { apiKey: '' }, 'apiKey', /0 characters/],
    ['an APIv2 key that is short', { apiKey: API_KEY.slice(1) }, 'apiKey', /31 characters/],
    ['an APIv2 key with a space', { apiKey: `${API_KEY.slice(1)} ` }, 'apiKey', /spaces/],
    ['no APIv2 key', { apiKey: undefined }, 'apiKey', /32 characters/],
    ['a merchant number with letters', { mchId: 'm123456' }, 'mchId', /digits/],
    ['an AppID with a space', { appIds: ['wx 1'] }, 'appIds', /AppID/],
    ['no algorithm', { signTypes: [] }, 'signTypes', /empty/],
    ['an algorithm of its own', { signTypes: ['NONE'] }, 'signTypes', /HMAC-SHA256 and MD5/],
  ])('refuse %s by its name', (_name, changes, field, message) => {
    const problem = problemOf(changes);
    expect(problem?.path[0]).toBe(field);
    expect(problem?.message).toMatch(message);
    expect(problem?.message).not.toContain(API_KEY.slice(1));
  });

  const pem = (label: string) => `-----BEGIN ${label}-----\nAAAA\n-----END ${label}-----\n`;
  it.each([
    ['refundCert', { refundCert: pem('PRIVATE KEY'), refundKey: pem('PRIVATE KEY') }],
    ['refundKey', { refundCert: pem('CERTIFICATE'), refundKey: pem('CERTIFICATE') }],
    ['refundKey', { refundCert: pem('CERTIFICATE') }],
    ['refundCert', { refundKey: pem('PRIVATE KEY') }],
  ])('want a refund certificate and its key together: %s', async (field, changes) => {
    expect(await provider.inspectCredentials?.(credentialsOf(changes))).toMatchObject({ ok: false, error: { field } });
  });
});
