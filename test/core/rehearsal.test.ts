// Test callbacks: which ledgers are theirs, when those go, and by what their order numbers are known.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardNameOf } from '../../src/core/channel.ts';
import {
  dayIn,
  isRehearsalLedger,
  rehearsalDayOf,
  rehearsalEndOf,
  rehearsalLedgerOf,
  rehearsalLedgersAt,
} from '../../src/core/rehearsal.ts';
import { isRehearsalNo, rehearsalNoOf } from '../../src/crypto/rehearsal-no.ts';

const AT = Date.parse('2026-11-22T23:59:59Z');
const KEY = Buffer.alloc(32, 7).toString('base64');
const numberOf = (seed = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), key = KEY) =>
  rehearsalNoOf(key, rehearsalDayOf(AT), seed);

describe('the ledgers of test callbacks', () => {
  it('are one a channel and day, and never one of real orders', () => {
    expect(rehearsalLedgerOf('ch_1', rehearsalDayOf(AT))).toBe('v1:ch_1:rehearsal:261122');
    expect(isRehearsalLedger('v1:ch_1:rehearsal:261122')).toBe(true);
    for (const shard of [0, 7, 31]) {
      expect(isRehearsalLedger(shardNameOf({ uid: 'ch_1', shards: 32 }, shard))).toBe(false);
      expect(rehearsalEndOf(shardNameOf({ uid: 'ch_1', shards: 32 }, shard))).toBeNull();
    }
  });

  it('go when the day after their own is over, and are reached once more then', () => {
    const name = rehearsalLedgerOf('ch_1', '261122');
    const end = rehearsalEndOf(name);
    expect(end).toBe(Date.parse('2026-11-24T00:00:00Z'));
    for (const at of [AT, Date.parse('2026-11-23T12:00:00Z'), Number(end) + 60_000]) {
      expect(rehearsalLedgersAt('ch_1', at)).toContain(name);
    }
    expect(rehearsalLedgersAt('ch_1', Number(end) + 86_400_000)).not.toContain(name);
  });
});

describe('the order number of a test', () => {
  it('names its day, and fits every provider', async () => {
    const number = await numberOf();
    expect(number).toMatch(/^TEST-261122[0-9A-Z]{20}$/);
    expect([number.length, dayIn(number)]).toEqual([31, '261122']);
  });

  it('is known by the channel and the master key that made it, and by no other', async () => {
    const number = await numberOf();
    expect(await isRehearsalNo(KEY, number)).toBe(true);
    expect(await isRehearsalNo(Buffer.alloc(32, 8).toString('base64'), number)).toBe(false);
  });

  it('is no longer one with any letter changed, and nobody finds one by its form', async () => {
    const number = await numberOf();
    const letters = fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTVWXYZ');
    await fc.assert(
      fc.asyncProperty(fc.nat(number.length - 1), letters, async (at, letter) => {
        fc.pre(number.charAt(at) !== letter);
        expect(await isRehearsalNo(KEY, number.slice(0, at) + letter + number.slice(at + 1))).toBe(false);
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^TEST-\d{6}[0-9A-HJKMNP-TV-Z]{20}$/), async (text) => {
        expect(await isRehearsalNo(KEY, text)).toBe(false);
      }),
    );
    for (const text of ['', 'TEST-', 'TEST-1', number.toLowerCase(), ` ${number}`, `${number}0`]) {
      expect(await isRehearsalNo(KEY, text)).toBe(false);
    }
  });
});
