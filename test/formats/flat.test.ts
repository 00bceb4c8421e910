// Forms and XML as legacy backends read them, and signatures checked by a receiver that shares no code with ours.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanXml } from '../../src/formats/xml-text.ts';
import { anyStart, anyStory, fresh, paid, registered } from '../core/facts.ts';
import {
  complaintsAbout,
  formFields,
  hmacHex,
  hmacSecret,
  inputFor,
  inputOf,
  isRsaSigned,
  md5Hex,
  OLD_SECRET,
  payment,
  problemOf,
  refunded,
  rendered,
  rsaSecret,
  signedString,
  textOf,
  xmlFields,
} from './input.ts';

const form = (options: object = {}) => ({ name: 'form', options });
const xml = (options: object = {}) => ({ name: 'xml', options });

/** Any UTF-16 text, lone surrogates and control characters included. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 40 });

describe('flat fields', () => {
  it('are these, under these names', async () => {
    const made = await rendered(form(), inputOf({ facts: [payment, refunded] }));
    const { sign, ...fields } = formFields(made);
    expect(made.contentType).toBe('application/x-www-form-urlencoded');
    expect(sign).toMatch(/^[0-9A-F]{64}$/);
    expect(fields).toEqual({
      event_id: 'evt_01',
      event_type: 'refund.succeeded',
      sequence: '2',
      occurred_at: '1767225660',
      sent_at: '1767225690',
      source: 'callback',
      channel: 'shop',
      provider: 'wechatpay-v2',
      test: '0',
      order_no: 'N1',
      state: 'partially_refunded',
      provider_state: 'SUCCESS',
      amount_checked: '1',
      amount: '100',
      paid: '100',
      refunded: '30',
      currency: 'CNY',
      transaction_id: '4200001',
      payer_amount: '90',
      method: 'wallet',
      bank: 'OTHERS',
      paid_at: '1767225600',
      payer_id: 'oUpF8',
      attach: 'table 5 & <6>',
      refund_no: 'R1',
      refund_id: 'p-R1',
      refund_amount: '30',
      refund_state: 'succeeded',
      refund_reason: 'cold tea',
      refund_at: '1767225660',
    });
  });

  it('say the same as XML', async () => {
    const input = inputOf({ facts: [payment, refunded] });
    expect(xmlFields(await rendered(xml(), input))).toEqual(formFields(await rendered(form(), input)));
  });

  it('are only those that the origin chose, under its names', async () => {
    const fields = { eventId: 'id', type: 'what', orderNo: 'out_trade_no', amount: 'total_fee', paidAt: 'time_end' };
    const options = { fields, amountUnit: 'decimal', timeForm: 'compact', utcOffsetMinutes: 480 };
    const { sign: _, ...sent } = formFields(await rendered(form(options)));
    expect(sent).toEqual({
      id: 'evt_01',
      what: 'payment.succeeded',
      out_trade_no: 'N1',
      total_fee: '1.00',
      time_end: '20260101080000',
    });
  });

  it.each([
    ['seconds', 0, '1767225600'],
    ['milliseconds', 0, '1767225600000'],
    ['iso', 0, '2026-01-01T00:00:00.000Z'],
    ['iso', 480, '2026-01-01T08:00:00.000+08:00'],
    ['iso', -210, '2025-12-31T20:30:00.000-03:30'],
    ['plain', 480, '2026-01-01 08:00:00'],
    ['compact', -60, '20251231230000'],
  ])('write times as %s at %i minutes: %s', async (timeForm, utcOffsetMinutes, written) => {
    expect(formFields(await rendered(form({ timeForm, utcOffsetMinutes }))).occurred_at).toBe(written);
  });

  it.each([
    ['JPY', '100'],
    ['CNY', '1.00'],
    ['KWD', '0.100'],
  ])('write decimals of %s with its own places', async (currency, written) => {
    const facts = [paid('t1', 100, { amount: { minor: 100, currency } })];
    const made = await rendered(form({ amountUnit: 'decimal' }), inputOf({ start: fresh(), facts }));
    expect(formFields(made).amount).toBe(written);
  });

  it('leave out what is not known instead of sending it empty', async () => {
    const fields = formFields(await rendered(form(), inputOf({ facts: [] })));
    expect(Object.values(fields)).not.toContain('');
    expect(fields).not.toHaveProperty('transaction_id');
  });

  it('keep marks readable where any text is true', async () => {
    const facts = [paid('t1', 100, { test: true })];
    expect(formFields(await rendered(form(), inputOf({ start: fresh(), facts })))).toMatchObject({
      test: '1',
      amount_checked: '0',
    });
  });
});

describe('the house’s signature', () => {
  it('is what PHP, Java and .NET would compute', async () => {
    const fields = { eventId: 'event_id', type: 'event_type', orderNo: 'order_no', amount: 'amount' };
    const { sign } = formFields(await rendered(form({ fields })));
    const text = 'amount=100&event_id=evt_01&event_type=payment.succeeded&order_no=N1';
    expect(sign).toBe(hmacHex(text).toUpperCase());
  });

  it.each([
    ['hmac-sha256', (text: string, sign: string) => sign === hmacHex(text).toUpperCase()],
    ['md5', (text: string, sign: string) => sign === md5Hex(text).toUpperCase()],
    ['rsa-sha256', isRsaSigned],
  ])('with %s holds for every story and text, in form and XML', async (algorithm, isSigned) => {
    const options = { signature: { algorithm, algorithmField: 'sign_type' } };
    await fc.assert(
      fc.asyncProperty(anyStart, anyStory, anyText, async (start, facts, attach) => {
        const told = facts.map((fact) => (fact.kind === 'payment' ? { ...fact, attach } : fact));
        const input = inputOf({ start, facts: told, secrets: [hmacSecret, rsaSecret] });
        const forms = formFields(await rendered(form(options), input));
        expect(isSigned(signedString(forms), forms.sign ?? '')).toBe(true);
        const cdata = xmlFields(await rendered(xml(options), input));
        expect(isSigned(signedString(cdata), cdata.sign ?? '')).toBe(true);
        const escaped = xmlFields(await rendered(xml({ ...options, cdata: false }), input));
        expect(escaped).toEqual(cdata);
      }),
      { numRuns: algorithm === 'rsa-sha256' ? 20 : 60 },
    );
  });

  it('breaks when any field changes', async () => {
    const { sign, ...fields } = formFields(await rendered(form()));
    for (const name of Object.keys(fields)) {
      expect(hmacHex(signedString({ ...fields, [name]: `${fields[name]}1` })).toUpperCase()).not.toBe(sign);
    }
  });

  it('stands in the field, letters and with the tail that the origin chose', async () => {
    const signature = {
      algorithm: 'md5',
      field: 'mac',
      letters: 'lower',
      algorithmField: 'mac_type',
      tail: '{secret}!',
    };
    const { mac, ...fields } = formFields(await rendered(form({ signature })));
    expect(fields.mac_type).toBe('MD5');
    const text = `${signedString(fields, 'mac')}${hmacSecret.secret}!`;
    expect(mac).toBe(createHash('md5').update(text).digest('hex'));
  });

  it('stays with the old secret until its overlap ends, while the headers carry both', async () => {
    const input = inputOf({ secrets: [hmacSecret, { kind: 'hmac', secret: OLD_SECRET }] });
    const made = await rendered(form(), input);
    const { sign, ...fields } = formFields(made);
    expect(sign).toBe(hmacHex(signedString(fields), OLD_SECRET).toUpperCase());
    expect(made.headers['webhook-signature']?.split(' ')).toHaveLength(2);
    const after = formFields(await rendered(form(), inputOf()));
    expect(after.sign).toBe(hmacHex(signedString(after)).toUpperCase());
  });

  it('is a problem, and no empty field, without a secret of its kind', async () => {
    const rsaOnly = inputOf({ secrets: [rsaSecret] });
    expect(await problemOf(form(), rsaOnly)).toBe('secret_missing');
    expect(await problemOf(xml({ signature: { algorithm: 'rsa-sha256' } }), inputOf())).toBe('secret_missing');
    const broken = inputOf({ secrets: [{ kind: 'rsa', secret: 'no key' }] });
    expect(await problemOf(form({ signature: { algorithm: 'rsa-sha256' } }), broken)).toBe('secret_unreadable');
    expect(await rendered(form({ signature: { algorithm: 'rsa-sha256' } }), rsaOnly)).toBeTruthy();
  });
});

describe('XML', () => {
  it('is read back to the letter by a maintained parser, escaped or in CDATA', async () => {
    const attach = fc.oneof(
      anyText,
      fc.constantFrom(']]>', 'a]]>b<![CDATA[c', '&amp;&#60;', '<xml>', '" \' ', '茶 🍵'),
    );
    await fc.assert(
      fc.asyncProperty(attach, fc.boolean(), fc.boolean(), async (text, cdata, declaration) => {
        const input = inputOf({ start: fresh(), facts: [paid('t1', 1, { attach: text })] });
        const fields = xmlFields(await rendered(xml({ cdata, declaration }), input));
        expect(fields.attach ?? '').toBe(cleanXml(text));
      }),
    );
  });

  it('has the root, the type and the beginning that the origin chose', async () => {
    const made = await rendered(xml({ root: 'notify', declaration: false, contentType: 'application/xml' }));
    expect(made.contentType).toBe('application/xml; charset=utf-8');
    expect(textOf(made)).toMatch(/^<notify><event_id><!\[CDATA\[evt_01\]\]><\/event_id>.*<\/notify>$/s);
    expect(textOf(await rendered(xml()))).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?><xml>/);
  });

  it('leaves out what XML cannot carry, and what is left is what is signed', async () => {
    const fields = xmlFields(await rendered(xml(), inputFor('a\u0000b\ud800c\rd')));
    expect(fields.order_no).toBe('ab\ufffdc\nd');
    expect(fields.sign).toBe(hmacHex(signedString(fields)).toUpperCase());
  });
});

describe('a form', () => {
  it('carries every text', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, async (attach) => {
        const input = inputOf({ start: fresh(), facts: [paid('t1', 1, { attach })] });
        expect(formFields(await rendered(form(), input)).attach ?? '').toBe(attach.toWellFormed());
      }),
    );
  });
});

describe('options', () => {
  it.each([
    ['a name twice', { fields: { eventId: 'a', type: 'a', orderNo: 'b' } }, 'options.fields.type'],
    ['the signature’s name', { fields: { eventId: 'sign', type: 'a', orderNo: 'b' } }, 'options.signature.field'],
    ['no order number', { fields: { eventId: 'a', type: 'b' } }, 'options.fields: fields lacks orderNo'],
    ['a name that is none', { fields: { eventId: '1 a', type: 'b', orderNo: 'c' } }, 'options.fields.eventId'],
    ['a field that there is not', { fields: { secret: 'a' } }, 'options.fields'],
    ['MD5 without a secret', { signature: { algorithm: 'md5', tail: '' } }, 'options.signature.tail'],
    ['RSA with one', { signature: { algorithm: 'rsa-sha256', tail: '{secret}' } }, 'options.signature.tail'],
    ['an option that there is not', { colour: 'red' }, 'options: '],
    ['an offset of no clock', { utcOffsetMinutes: 10_000 }, 'options.utcOffsetMinutes'],
  ])('refuse %s', (_what, options, where) => {
    expect(complaintsAbout(form(options))[0]).toContain(where);
    expect(complaintsAbout(xml(options))[0]).toContain(where);
  });

  it('send an amount that was registered even before it was paid', async () => {
    const fields = formFields(await rendered(form(), inputOf({ start: registered(100), facts: [] })));
    expect(fields).toMatchObject({ amount: '100', paid: '0', currency: 'CNY' });
  });
});
