// The merchant's own fields: looked up, replaced and written as asked, and never found where nothing stands.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyStart, anyStory, cny, fresh } from '../core/facts.ts';
import {
  complaintsAbout,
  formFields,
  hmacHex,
  inputOf,
  payment,
  refunded,
  rendered,
  signedString,
  textOf,
  xmlFields,
} from './input.ts';

const mapped = (fields: readonly object[], options: object = {}) => ({
  name: 'mapped',
  options: { fields, ...options },
});

async function jsonOf(fields: readonly object[], options: object = {}, input = inputOf()): Promise<unknown> {
  return JSON.parse(textOf(await rendered(mapped(fields, options), input)));
}

describe('mapped fields', () => {
  it('nest in JSON, with constants, value maps and forms', async () => {
    const fields = [
      { name: 'head.version', constant: 3 },
      { name: 'head.event', from: 'type', words: { 'payment.succeeded': 'PAID' }, otherwise: 'OTHER' },
      { name: 'order.no', from: 'data.order.orderNo' },
      { name: 'order.amount', from: 'data.order.amount', as: 'decimal' },
      { name: 'order.fen', from: 'data.order.amount', as: 'minor' },
      { name: 'order.currency', from: 'data.order.amount', as: 'currency' },
      { name: 'order.whole', from: 'data.order.amount' },
      { name: 'order.paidAt', from: 'data.order.paidAt', as: 'plain' },
      { name: 'order.tx', from: 'data.order.payments.-1.transactionId' },
      { name: 'order.first', from: 'data.order.payments.0.transactionId', as: 'number' },
      { name: 'order.ok', from: 'data.order.amountChecked' },
      { name: 'order.table', from: 'data.order.metadata.table', otherwise: 'none' },
      { name: 'sent', from: 'sentAt', as: 'seconds' },
      { name: 'id', from: 'id' },
    ];
    expect(await jsonOf(fields, { utcOffsetMinutes: 480 })).toEqual({
      head: { version: 3, event: 'PAID' },
      order: {
        no: 'N1',
        amount: '1.00',
        fen: 100,
        currency: 'CNY',
        whole: cny(100),
        paidAt: '2026-01-01 08:00:00',
        tx: '4200001',
        first: 4_200_001,
        ok: true,
        table: 'none',
      },
      sent: '1767225690',
      id: 'evt_01',
    });
  });

  it('are flat texts in a form, and elements in XML', async () => {
    const fields = [
      { name: 'flags', from: 'data.order.flags' },
      { name: 'amount', from: 'data.order.amount' },
      { name: 'ok', from: 'data.order.amountChecked', words: { true: '1', false: '0' } },
      { name: 'refund', from: 'data.refund.amount', as: 'decimal' },
      { name: 'note', from: 'data.refund.reason' },
    ];
    const input = inputOf({ facts: [payment, refunded] });
    const expected = { amount: '100', ok: '1', refund: '0.30', note: 'cold tea' };
    expect(formFields(await rendered(mapped(fields, { body: 'form' }), input))).toEqual(expected);
    expect(xmlFields(await rendered(mapped(fields, { body: 'xml' }), input))).toEqual(expected);
    const nested = mapped(
      [
        { name: 'a.b', from: 'type' },
        { name: 'a.c', constant: 1 },
      ],
      { body: 'xml', xml: { root: 'r' } },
    );
    expect(xmlFields(await rendered(nested), 'r')).toEqual({ a: { b: 'payment.succeeded', c: '1' } });
  });

  it('are signed by the house’s rule where the origin asks for it', async () => {
    const fields = [
      { name: 'zeta', from: 'data.order.orderNo' },
      { name: 'alpha', constant: 'x & y' },
      { name: 'none', constant: '' },
    ];
    for (const body of ['form', 'xml']) {
      for (const empty of ['keep', 'skip']) {
        const made = await rendered(mapped(fields, { body, empty, signature: { letters: 'lower' } }));
        const got = body === 'form' ? formFields(made) : xmlFields(made);
        expect(got.sign).toBe(hmacHex('alpha=x & y&zeta=N1'));
        expect(got.sign).toBe(hmacHex(signedString(got)));
        expect('none' in got).toBe(empty === 'keep');
      }
    }
  });

  it('that are not there are left out, or kept as nothing', async () => {
    const fields = [
      { name: 'a', from: 'data.refund.reason' },
      { name: 'b', from: 'type' },
    ];
    expect(await jsonOf(fields)).toEqual({ b: 'payment.succeeded' });
    expect(await jsonOf(fields, { empty: 'keep' })).toEqual({ a: null, b: 'payment.succeeded' });
  });

  it.each([
    'data.constructor',
    'data.order.__proto__',
    'data.order.payments.length',
    'data.order.payments.7.transactionId',
    'data.order.orderNo.length',
    'data.order.toString.name',
  ])('find nothing at %s', async (from) => {
    expect(await jsonOf([{ name: 'a', from }], { empty: 'keep' })).toEqual({ a: null });
  });

  it('do not take what every object inherits for a word of the map', async () => {
    const order = { ...fresh(), orderNo: 'constructor' };
    const fields = [{ name: 'constructor', from: 'data.order.orderNo', words: { x: 'y' } }];
    expect(await jsonOf(fields, {}, inputOf({ start: order, facts: [] }))).toEqual({ constructor: 'constructor' });
  });

  it('give nothing where a value has not the form that was asked for', async () => {
    const from = 'data.order.orderNo';
    const names = ['minor', 'decimal', 'currency', 'number', 'seconds', 'plain'] as const;
    const fields = names.map((as) => ({ name: as, from, as }));
    expect(await jsonOf(fields, { empty: 'keep' })).toEqual(Object.fromEntries(names.map((name) => [name, null])));
  });

  it('render every story, to what a parser reads', async () => {
    const fields = [
      { name: 'no', from: 'data.order.orderNo' },
      { name: 'all', from: 'data', as: 'json' },
    ];
    await fc.assert(
      fc.asyncProperty(anyStart, anyStory, async (start, facts) => {
        const input = inputOf({ start, facts });
        const expected = { no: 'N1', all: input.event.data };
        expect(await jsonOf(fields, {}, input)).toEqual(expected);
        expect(formFields(await rendered(mapped(fields, { body: 'form' }), input))).toEqual(expected);
        expect(xmlFields(await rendered(mapped(fields, { body: 'xml' }), input))).toEqual(expected);
      }),
    );
  });
});

describe('the options of a mapping', () => {
  const one = { name: 'a', from: 'type' };
  it.each([
    ['no fields', mapped([]), 'options.fields'],
    ['neither a source nor a constant', mapped([{ name: 'a' }]), 'options.fields.0.from'],
    ['both', mapped([{ ...one, constant: 1 }]), 'options.fields.0.from'],
    ['a path to anywhere', mapped([{ name: 'a', from: 'secrets' }]), 'options.fields.0.from'],
    ['an expression', mapped([{ name: 'a', from: 'data.order[0]' }]), 'options.fields.0.from'],
    ['a fraction', mapped([{ name: 'a', constant: 0.1 }]), 'options.fields.0.constant'],
    ['a name twice', mapped([one, one]), 'options.fields.0.name'],
    ['a value with values below', mapped([one, { ...one, name: 'a.b' }]), 'options.fields.0.name'],
    ['a prototype', mapped([{ ...one, name: 'a.__proto__' }]), 'options.fields.0.name'],
    ['nesting in a form', mapped([{ ...one, name: 'a.b' }], { body: 'form' }), 'options.fields.0.name'],
    [
      'the signature’s name',
      mapped([{ ...one, name: 'sign' }], { body: 'form', signature: {} }),
      'options.fields.0.name',
    ],
    ['signed JSON', mapped([one], { signature: {} }), 'options.signature'],
    ['signed nesting', mapped([{ ...one, name: 'a.b' }], { body: 'xml', signature: {} }), 'options.fields.0.name'],
  ])('refuse %s', (_what, entered, where) => {
    expect(complaintsAbout(entered)[0]).toContain(where);
  });
});
