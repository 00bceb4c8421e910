// Where an order lives: shard numbers and object names, which may never change for a channel that exists.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS, ledgerNameOf, shardNameOf, shardOf, wholeDispatch } from '../../src/core/channel.ts';
import { SHARDS_MAX } from '../../src/core/limits.ts';
import { DEFAULT_ORIGIN_SETTINGS } from '../../src/core/origin.ts';

describe('the shard of an order', () => {
  it('is the FNV-1a of its UTF-8 bytes, by the published vectors', () => {
    // http://www.isthe.com/chongo/src/fnv/test_fnv.c, fnv_test_vector 32-bit FNV-1a
    const vectors: [string, number][] = [
      ['', 0x811c9dc5],
      ['a', 0xe40c292c],
      ['foobar', 0xbf9cf968],
    ];
    for (const [text, hash] of vectors) expect(shardOf(text, 2 ** 32)).toBe(hash);
  });

  it('is always one of the shards there are, and always the same one', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 1, max: SHARDS_MAX }), (orderNo, shards) => {
        const shard = shardOf(orderNo, shards);
        expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true);
        expect(shardOf(orderNo, shards)).toBe(shard);
      }),
    );
  });

  it('spreads numbered orders over all shards', () => {
    const counts = new Array<number>(8).fill(0);
    for (let n = 0; n < 8_000; n++) {
      const shard = shardOf(`ORDER-2026-${n}`, 8);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(600);
    expect(Math.max(...counts)).toBeLessThan(1_400);
  });
});

describe('the name of a ledger', () => {
  it('carries the uid and the count of shards, so that neither can change under an order', () => {
    const channel = { uid: 'u1', shards: 8 };
    expect(shardNameOf(channel, 3)).toBe('v1:u1:8:3');
    expect(ledgerNameOf(channel, 'a')).toBe(`v1:u1:8:${0xe40c292c % 8}`);
    expect(ledgerNameOf({ uid: 'u2', shards: 8 }, 'a')).not.toBe(ledgerNameOf(channel, 'a'));
    expect(ledgerNameOf({ uid: 'u1', shards: 4 }, 'a')).not.toBe(ledgerNameOf(channel, 'a'));
  });
});

describe('a configuration that a shard stored before channels and origins had settings', () => {
  const stored = { channelId: 'c', provider: 'p', channelVersion: 3, paused: true, origins: [] };

  it('is read as an open channel with the usual settings', () => {
    expect(wholeDispatch(stored)).toEqual({ ...stored, mode: 'open', settings: DEFAULT_CHANNEL_SETTINGS });
  });

  it('keeps what it has', () => {
    const { mode, settings } = wholeDispatch({ ...stored, mode: 'registered', settings: { parkAgeSeconds: 5 } });
    expect([mode, settings]).toEqual(['registered', { ...DEFAULT_CHANNEL_SETTINGS, parkAgeSeconds: 5 }]);
  });

  const origin = { id: 'o', version: 1, paused: false, ladderSeconds: [0], perSecond: 1, concurrent: 1 };

  it('lets its origins have every event, and the usual breaker', () => {
    const { breaker, pauseAfterSeconds } = DEFAULT_ORIGIN_SETTINGS;
    const { origins } = wholeDispatch({ ...stored, origins: [origin] });
    expect(origins).toEqual([{ ...origin, filter: null, breaker, pauseAfterSeconds }]);
  });

  it('keeps what its origins have, never pausing by itself included', () => {
    const { origins } = wholeDispatch({ ...stored, origins: [{ ...origin, pauseAfterSeconds: null }] });
    expect(origins[0]?.pauseAfterSeconds).toBeNull();
  });
});
