// Freshness: how far a provider's clock may differ from ours.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFresh } from '../../src/core/callback.ts';

const NOW = Date.UTC(2026, 0, 1);
const SECONDS = NOW / 1000;

describe('isFresh', () => {
  it.each([0, 1, -1, 299, -299, 299.999])('takes a clock that differs by %d s of 300', (offset) => {
    expect(isFresh(SECONDS + offset, NOW, 300)).toBe(true);
  });

  it.each([300, -300, 301, -301, 86_400, -86_400])('refuses a clock that differs by %d s of 300', (offset) => {
    expect(isFresh(SECONDS + offset, NOW, 300)).toBe(false);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, NOW])('refuses %d', (at) => {
    expect(isFresh(at, NOW, 300)).toBe(false);
  });

  it('treats early and late alike', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1_000, max: 1_000 }), (offset) => {
        expect(isFresh(SECONDS + offset, NOW, 300)).toBe(isFresh(SECONDS - offset, NOW, 300));
      }),
    );
  });
});
