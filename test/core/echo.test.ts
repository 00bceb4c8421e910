// What an origin may answer without contradicting what it was told, and what is a contradiction.
import { describe, expect, it } from 'vitest';
import { contradictionOf } from '../../src/core/echo.ts';

const data = JSON.stringify({ sequence: 3, order: { orderNo: '1001', amount: { minor: 100, currency: 'CNY' } } });
const answered = (answer: unknown, of = data) =>
  contradictionOf(of, new TextEncoder().encode(typeof answer === 'string' ? answer : JSON.stringify(answer)));

describe('an answer contradicts nothing', () => {
  it.each([
    '',
    'ok',
    'SUCCESS',
    '"SUCCESS"',
    '[1,2]',
    'null',
    '{"orderNo":',
    { code: 0 },
    { orderNo: '1001', amount: 100, sequence: 3 },
    { orderNo: 1001, amount: '100', sequence: '3' },
    { amount: { minor: 100, currency: 'CNY' } },
    { amount: { minor: 100 } },
    { sequence: 4 },
    { orderNo: null, amount: null, sequence: null },
    { order: { amount: 5 } },
  ])('that is %j', (answer) => {
    expect(answered(answer)).toBeNull();
  });

  it('that names an amount where the order has none', () => {
    expect(answered({ amount: 5 }, JSON.stringify({ sequence: 1, order: { orderNo: 'a', amount: null } }))).toBeNull();
  });

  it('that is no text', () => {
    expect(contradictionOf(data, new Uint8Array([0xff, 0xfe, 0x7b]))).toBeNull();
  });
});

describe('an answer contradicts', () => {
  it.each<[unknown, string]>([
    [{ orderNo: '1002' }, 'orderNo is "1002", and 1001 was sent'],
    [{ amount: 90 }, 'amount is 90, and 100 CNY in minor units was sent'],
    [{ amount: '1.00' }, 'amount is "1.00", and 100 CNY in minor units was sent'],
    [
      { amount: { minor: 100, currency: 'USD' } },
      'amount is {"minor":100,"currency":"USD"}, and 100 CNY in minor units was sent',
    ],
    [{ amount: {} }, 'amount is {}, and 100 CNY in minor units was sent'],
    [{ sequence: 2 }, 'sequence is 2, and 3 was sent'],
    [{ sequence: 'x' }, 'sequence is "x", and 3 was sent'],
    [{ sequence: 3.5 }, 'sequence is 3.5, and 3 was sent'],
    [{ orderNo: 'b', sequence: 1 }, 'orderNo is "b", and 1001 was sent; sequence is 1, and 3 was sent'],
  ])('%j', (answer, words) => {
    expect(answered(answer)).toBe(words);
  });

  it('in few words, however many it needed', () => {
    expect(answered({ orderNo: 'x'.repeat(10_000) })?.length).toBeLessThan(200);
  });
});
