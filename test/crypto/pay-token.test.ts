// Tokens of payers' pages: the same order gives the same one, every other text is none.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payTokenOf, payUrlOf, readPayToken } from '../../src/crypto/pay-token.ts';

const KEY = btoa('k'.repeat(32));
const OTHER_KEY = btoa('o'.repeat(32));
const NAME = { channel: 'tea-house', orderNo: 'tea-0001' };

const visible = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) });
const names = fc.record({
  channel: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/),
  orderNo: visible.filter((text) => text.length > 0 && text.length <= 64),
});

describe('the token of a payer’s page', () => {
  it('brings back the order it was made of, and is the same each time', async () => {
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        const token = await payTokenOf(KEY, name);
        expect(token).toMatch(/^[A-Za-z0-9_-]{38,300}$/);
        expect(await payTokenOf(KEY, name)).toBe(token);
        expect(await readPayToken(KEY, token)).toEqual(name);
      }),
      { numRuns: 200 },
    );
  });

  it('is another for another channel, another order and another master key', async () => {
    const tokens = await Promise.all([
      payTokenOf(KEY, NAME),
      payTokenOf(KEY, { ...NAME, orderNo: 'tea-0002' }),
      payTokenOf(KEY, { ...NAME, channel: 'tea-room' }),
      payTokenOf(OTHER_KEY, NAME),
    ]);
    const starts = tokens.map((token) => token.slice(0, 16)); // the nonces
    expect(new Set(starts).size).toBe(4);
  });

  it('shows nothing of the order, and hides how long its name is within a block', async () => {
    const tokens = await Promise.all(
      ['t', 'tea-00'].map((orderNo) => payTokenOf(KEY, { channel: 'tea-house', orderNo })),
    );
    expect(new Set(tokens.map((token) => token.length)).size).toBe(1);
    expect(atob(tokens[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '')).not.toContain('tea');
  });

  it('is refused with any character changed, cut off or put on', async () => {
    const token = await payTokenOf(KEY, NAME);
    const forged = [...token].flatMap((old, i) =>
      ['A', 'B', 'w', '_', '=']
        .filter((other) => other !== old)
        .map((other) => token.slice(0, i) + other + token.slice(i + 1)),
    );
    const longer = ['A', 'AA', 'AAAA', '=', '%', ' '].flatMap((more) => [token + more, more + token]);
    const shorter = Array.from({ length: token.length }, (_, length) => token.slice(0, length));
    for (const text of [...forged, ...longer, ...shorter])
      expect([text, await readPayToken(KEY, text)]).toEqual([text, null]);
  });

  it('is refused under another master key', async () => {
    expect(await readPayToken(OTHER_KEY, await payTokenOf(KEY, NAME))).toBeNull();
  });

  it.each(['', '.', '../..', 'x', '%00', 'A'.repeat(38), 'A'.repeat(100), 'A'.repeat(100_000), '订单'.repeat(30)])(
    'is no text that somebody made up: %#',
    async (text) => expect(await readPayToken(KEY, text)).toBeNull(),
  );

  it('makes the address of the page', async () => {
    const url = await payUrlOf('https://gate.example', KEY, NAME.channel, NAME.orderNo);
    expect(url).toBe(`https://gate.example/pay/${await payTokenOf(KEY, NAME)}`);
  });
});
