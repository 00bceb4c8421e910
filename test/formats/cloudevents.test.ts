// CloudEvents as a receiver reads them: structured and binary mode say the same, and the signature covers the body.
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import type { Rendered } from '../../src/formats/index.ts';
import { fresh, paid } from '../core/facts.ts';
import { complaintsAbout, inputFor, inputOf, payment, refunded, rendered, SECRET, textOf } from './input.ts';

const ce = (options: object = {}) => ({ name: 'cloudevents', options });

/** Binary mode read back: ce- headers percent-decoded, the body as data (HTTP binding 3.1.3.2). */
function readBinary({ headers, contentType, ...made }: Rendered): Record<string, unknown> {
  const own = Object.entries(headers).filter(([name]) => name.startsWith('ce-'));
  for (const [, value] of own) expect(value).toMatch(/^[\x21-\x7e]*$/);
  const attributes = own.map(([name, value]) => [name.slice(3), decodeURIComponent(value)]);
  const data: unknown = JSON.parse(textOf({ headers, contentType, ...made }));
  return { ...Object.fromEntries(attributes), datacontenttype: contentType, data };
}

describe('CloudEvents', () => {
  it('have the attributes of version 1.0 and the whole event as data', async () => {
    const input = inputOf({ facts: [payment, refunded] });
    const made = await rendered(ce({ source: 'https://pay.example.com/', typePrefix: 'com.example.' }), input);
    expect(made.contentType).toBe('application/cloudevents+json; charset=UTF-8');
    expect(JSON.parse(textOf(made))).toEqual({
      specversion: '1.0',
      id: 'evt_01',
      source: 'https://pay.example.com/channels/shop/orders/N1',
      type: 'com.example.refund.succeeded',
      subject: 'N1',
      time: '2026-01-01T00:01:00.000Z',
      datacontenttype: 'application/json',
      sequence: '0000000002',
      partitionkey: 'shop/N1',
      data: JSON.parse(input.event.data),
    });
  });

  it('say the same in headers, whatever the order is called', async () => {
    const anyOrderNo = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(anyOrderNo, fc.constantFrom('a b', '100%', '"', '茶', "it's (a) test!*")),
        async (orderNo) => {
          const structured: unknown = JSON.parse(textOf(await rendered(ce(), inputFor(orderNo))));
          expect(readBinary(await rendered(ce({ mode: 'binary' }), inputFor(orderNo)))).toEqual(structured);
        },
      ),
    );
  });

  it('keep the bytes of the snapshot as they were committed', async () => {
    const { event, ...rest } = inputOf();
    const data = event.data.replace('"sequence":1', '"sequence": 1');
    const input = { ...rest, event: { ...event, data } };
    expect(textOf(await rendered(ce(), input)).endsWith(`,"data":${data}}`)).toBe(true);
    expect(textOf(await rendered(ce({ mode: 'binary' }), input))).toBe(data);
  });

  it('number an order’s events so that texts compare as numbers do', async () => {
    const sequences = await Promise.all(
      [1, 2, 11].map(async (count) => {
        const facts = Array.from({ length: count }, (_, index) => paid(`t${index}`, 1));
        const event: { sequence: string } = JSON.parse(
          textOf(await rendered(ce(), inputOf({ start: fresh(), facts }))),
        );
        return event.sequence;
      }),
    );
    expect(sequences.toSorted()).toEqual(sequences);
  });

  it.each(['structured', 'binary'])('are signed as Standard Webhooks in %s mode', async (mode) => {
    const made = await rendered(ce({ mode }), { ...inputOf(), now: Date.now() });
    expect(new Webhook(SECRET).verify(textOf(made), { ...made.headers })).toBeTruthy();
  });

  it.each([
    [{ mode: 'batch' }, 'options.mode'],
    [{ source: 'no uri' }, 'options.source'],
    [{ typePrefix: 'com.example' }, 'options.typePrefix'],
  ])('refuse the options %j', (options, where) => {
    expect(complaintsAbout(ce(options))[0]).toContain(where);
  });
});
