// Filters of origins: an empty one lets everything through, and each thing named narrows it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../src/core/event.ts';
import { FLAGS } from '../../src/core/order.ts';
import type { OriginFilter } from '../../src/core/origin.ts';
import { type Filtered, matches } from '../../src/core/origin-filter.ts';

const STATES = ['pending', 'paid', 'failed', 'closed', 'partially_refunded', 'refunded'] as const;
const CHANNELS = ['wx', 'ali'] as const;
const metadata = fc.dictionary(fc.constantFrom('shop', 'vip'), fc.constantFrom('1', '2', ''));
const money = fc.record({ minor: fc.nat(1_000), currency: fc.constantFrom('CNY', 'USD') });
const some = <T>(values: readonly T[]) => fc.uniqueArray(fc.constantFrom(...values), { maxLength: 2 });

const event: fc.Arbitrary<Filtered> = fc.record({
  channel: fc.constantFrom(...CHANNELS),
  type: fc.constantFrom(...EVENT_TYPES),
  order: fc.record({
    state: fc.constantFrom(...STATES),
    flags: some(FLAGS),
    amount: fc.option(money),
    metadata,
  }),
});
const filter: fc.Arbitrary<OriginFilter> = fc.record({
  types: some(EVENT_TYPES),
  states: some(STATES),
  flags: some(FLAGS),
  channels: some(CHANNELS),
  amount: fc.option(
    fc.record({
      min: fc.option(fc.nat(1_000)),
      max: fc.option(fc.nat(1_000)),
      currency: fc.constantFrom('CNY', 'USD'),
    }),
  ),
  metadata,
});
const EMPTY: OriginFilter = { types: [], states: [], flags: [], channels: [], amount: null, metadata: {} };

describe('a filter', () => {
  it('that is none, or empty, lets everything through', () => {
    fc.assert(
      fc.property(event, (one) => {
        expect([matches(null, one), matches(EMPTY, one)]).toEqual([true, true]);
      }),
    );
  });

  it('lets through what each of its parts alone lets through, and nothing else', () => {
    fc.assert(
      fc.property(filter, event, (whole, one) => {
        const parts = Object.entries(whole).map(([name, part]) => ({ ...EMPTY, [name]: part }));
        expect(matches(whole, one)).toBe(parts.every((part) => matches(part, one)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('lets through one of the values it names', () => {
    fc.assert(
      fc.property(event, fc.constantFrom(...EVENT_TYPES), fc.constantFrom(...STATES), (one, type, state) => {
        expect(matches({ ...EMPTY, types: [type] }, one)).toBe(one.type === type);
        expect(matches({ ...EMPTY, types: [type, one.type] }, one)).toBe(true);
        expect(matches({ ...EMPTY, states: [state] }, one)).toBe(one.order.state === state);
        expect(matches({ ...EMPTY, channels: ['elsewhere'] }, one)).toBe(false);
      }),
    );
  });

  it('by flags wants one of them on the order', () => {
    fc.assert(
      fc.property(event, some(FLAGS), (one, flags) => {
        const has = flags.some((flag) => one.order.flags.includes(flag));
        expect(matches({ ...EMPTY, flags }, one)).toBe(flags.length === 0 || has);
      }),
    );
  });

  it('by amount includes both bounds, and knows one currency', () => {
    const paid = (minor: number, currency = 'CNY'): Filtered => ({
      channel: 'wx',
      type: 'payment.succeeded',
      order: { state: 'paid', flags: [], amount: { minor, currency }, metadata: {} },
    });
    const within = (min: number | null, max: number | null) => ({ ...EMPTY, amount: { min, max, currency: 'CNY' } });
    expect([99, 100, 200, 201].map((minor) => matches(within(100, 200), paid(minor)))).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect([99, 100].map((minor) => matches(within(100, null), paid(minor)))).toEqual([false, true]);
    expect([100, 101].map((minor) => matches(within(null, 100), paid(minor)))).toEqual([true, false]);
    expect(matches(within(null, null), paid(5))).toBe(true);
    expect(matches(within(null, null), paid(5, 'USD'))).toBe(false);
    const { order, ...rest } = paid(1);
    expect(matches(within(null, null), { ...rest, order: { ...order, amount: null } })).toBe(false);
  });

  it('by metadata wants each field to be there with its value, whatever its name', () => {
    const one = (metadata: Record<string, string>): Filtered => ({
      channel: 'wx',
      type: 'payment.succeeded',
      order: { state: 'paid', flags: [], amount: null, metadata },
    });
    const shop = { ...EMPTY, metadata: { shop: '1' } };
    expect([{ shop: '1', x: 'y' }, { shop: '2' }, {}].map((data) => matches(shop, one(data)))).toEqual([
      true,
      false,
      false,
    ]);
    expect(matches({ ...EMPTY, metadata: JSON.parse('{"__proto__":"1"}') }, one({}))).toBe(false);
    expect(matches({ ...EMPTY, metadata: { toString: '1' } }, one({}))).toBe(false);
  });
});
