// Which callers an allowlist lets in, over both families and every way of writing them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows, compileAllowlist, parseRange } from '../../src/core/allowlist.ts';

const list = (...ranges: string[]) => compileAllowlist(ranges);

describe('allows', () => {
  it.each([
    ['101.226.103.0/25', '101.226.103.0'],
    ['101.226.103.0/25', '101.226.103.127'],
    ['81.71.199.64', '81.71.199.64'],
    ['0.0.0.0/0', '8.8.8.8'],
    ['2001:db8::/32', '2001:db8:ffff::1'],
    ['2001:db8::1', '2001:0DB8:0:0::1'],
    ['10.0.0.0/8', '::ffff:10.1.2.3'],
    ['10.0.0.0/8', '::ffff:a01:203'],
    ['::ffff:10.0.0.0/104', '10.1.2.3'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::ffff:10.1.2.3', '::ffff:10.1.2.3'],
    ['::/0', '2001:db8::1'],
  ])('%s lets %s in', (range, address) => {
    expect(allows(list(range), address)).toBe(true);
  });

  it.each([
    ['101.226.103.0/25', '101.226.103.128'],
    ['81.71.199.64', '81.71.199.65'],
    ['2001:db8::/32', '2001:db9::1'],
    ['10.0.0.0/8', '::ffff:11.0.0.1'],
    ['::/0', '10.0.0.1'],
    ['0.0.0.0/0', '2001:db8::1'],
    ['10.0.0.0/8', ''],
    ['10.0.0.0/8', '10.0.0'],
    ['10.0.0.0/8', '0x0a.0.0.1'],
    ['10.0.0.0/8', '012.0.0.1'],
    ['10.0.0.0/8', '10.0.0.1, 10.0.0.2'],
    ['fe80::/10', 'fe80::1%eth0'],
  ])('%s keeps %j out', (range, address) => {
    expect(allows(list(range), address)).toBe(false);
  });

  it('keeps out a caller without an address, even from a list of everything', () => {
    expect(allows(list('0.0.0.0/0', '::/0'), null)).toBe(false);
  });

  it('lets nobody in when the list is empty or every range is malformed', () => {
    expect(allows(list(), '10.0.0.1')).toBe(false);
    expect(allows(list('10.0.0.0/33', 'everyone', '10.0.0.0/8/8'), '10.0.0.1')).toBe(false);
  });

  it('never throws, whatever the address says', () => {
    const everyone = list('0.0.0.0/0', '::/0');
    fc.assert(fc.property(fc.string(), (text) => typeof allows(everyone, text) === 'boolean'));
  });

  it('agrees with plain arithmetic on IPv4, mapped or not', () => {
    const address = fc.nat({ max: 0xffffffff });
    fc.assert(
      fc.property(address, address, fc.nat({ max: 32 }), fc.boolean(), (network, caller, prefix, mapped) => {
        const inside = prefix === 0 || (network ^ caller) >>> (32 - prefix) === 0;
        const from = mapped ? `::ffff:${dotted(caller)}` : dotted(caller);
        return allows(list(`${dotted(network)}/${prefix}`), from) === inside;
      }),
    );
  });
});

describe('parseRange', () => {
  it.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/a', 'a/8', '', '/8', '10.0.0.0/8 ', '1/8'])(
    'refuses %j',
    (text) => {
      expect(parseRange(text)).toBeNull();
    },
  );
});

const dotted = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
