// A JSON body from outside: what is read, and what is not found.
import { describe, expect, it } from 'vitest';
import { DOTTED_PATH, own, parseJsonBody, textAt } from '../../src/core/json-body.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('a JSON body', () => {
  it('is a value when it is JSON in UTF-8', () => {
    expect(parseJsonBody(bytes('{"a":["字",1]}'))).toEqual({ a: ['字', 1] });
    expect(parseJsonBody(bytes('null'))).toBe(null);
  });

  it.each(['', '{', '\uFEFF{}', "{'a':1}", 'NaN'])('is undefined when it is something else: %j', (text) => {
    expect(parseJsonBody(bytes(text))).toBe(undefined);
  });

  it('is undefined when it is not UTF-8', () => {
    expect(parseJsonBody(new Uint8Array([34, 0xff, 34]))).toBe(undefined);
  });
});

describe('the text at a path', () => {
  const value = { metadata: { orderNo: 'A-1', count: 7, half: 0.5, list: ['x'], none: null } };

  it('is a string, or a whole number in digits', () => {
    expect(textAt(value, 'metadata.orderNo')).toBe('A-1');
    expect(textAt(value, 'metadata.count')).toBe('7');
    expect(textAt(value, 'metadata.list.0')).toBe('x');
  });

  it.each(['metadata', 'metadata.half', 'metadata.none', 'metadata.gone', 'metadata.orderNo.length', 'gone.orderNo'])(
    'is null where there is none: %s',
    (path) => {
      expect(textAt(value, path)).toBe(null);
    },
  );

  it('is never what every object inherits', () => {
    expect(textAt({}, 'constructor.name')).toBe(null);
    expect(textAt(JSON.parse('{"a":{"__proto__":{"orderNo":"X"}}}'), 'a.orderNo')).toBe(null);
    expect(textAt(JSON.parse('{"metadata":null}'), '__proto__.orderNo')).toBe(null);
  });

  it('has a path of at most eight names', () => {
    expect(DOTTED_PATH.test('metadata.order_id')).toBe(true);
    for (const odd of ['', '.', 'a..b', 'a.', '$.a', 'a[0]', 'a.b.c.d.e.f.g.h.i'])
      expect(DOTTED_PATH.test(odd)).toBe(false);
  });
});

it('holds no word in a table that was not put there', () => {
  const table = { paid: 1 };
  expect([own(table, 'paid'), own(table, 'constructor'), own(table, '__proto__'), own(table, '')]).toEqual([
    1,
    undefined,
    undefined,
    undefined,
  ]);
});
