// When an order is asked about: soon and then ever more slowly, until it ends; the same plan whenever it is made.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ChannelSettings, DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';
import { newOrder, type Order } from '../../src/core/order.ts';
import { nextCompletion, planOf } from '../../src/core/query-plan.ts';

const T = 1_790_000_000_000;
const MINUTE = 60_000;
const registration = {
  amount: { minor: 100, currency: 'CNY' },
  description: null,
  expiresAt: null,
  metadata: {},
  registeredAt: T,
};
const registered = (change: Partial<Order> = {}): Order => ({ ...newOrder('P1', T), registration, ...change });
const paying = (minutes: number, change: Partial<Order> = {}) =>
  registered({ payBy: T + minutes * MINUTE, payAskedAt: T, closeOnExpiry: true, ...change });

/** Asks each time when it is due; gives `kind minutes` until there is no more. */
function walk(order: Order, settings: Partial<ChannelSettings> = {}, lateMs = 0): string[] {
  const all = { ...DEFAULT_CHANNEL_SETTINGS, ...settings };
  const lines: string[] = [];
  for (let now = T; lines.length < 200; ) {
    const planned = planOf(order, all, true, now);
    if (planned === null) return lines;
    lines.push(`${planned.kind} ${(planned.dueAt - T) / MINUTE}`);
    if (planned.kind === 'expire') return lines;
    now = planned.dueAt + lateMs;
  }
  throw new Error('asked without end');
}

describe('an order', () => {
  it('whose payment was asked for is asked about until it ends, and then closed', () => {
    const first = [1, 2, 5, 10, 20];
    expect(walk(paying(30))).toEqual([...first.map((minutes) => `query ${minutes}`), 'expire 30']);
    expect(walk(paying(200)).slice(5)).toEqual(['query 30', 'query 60', 'query 120', 'query 180', 'expire 200']);
  });

  it('that nobody may close is asked about at its end too', () => {
    expect(walk(paying(3, { closeOnExpiry: false }))).toEqual(['query 1', 'query 2', 'query 3']);
    expect(walk(paying(3, { closeOnExpiry: false })).at(-1)).toBe('query 3');
  });

  it('that was registered alone is asked about from the fifth minute, for a day', () => {
    const lines = walk(registered());
    expect(lines.slice(0, 6)).toEqual(['query 5', 'query 10', 'query 20', 'query 30', 'query 60', 'query 120']);
    expect(lines.slice(-2)).toEqual(['query 1380', 'query 1440']);
    expect(lines).toHaveLength(4 + 24);
  });

  it('is asked about as its channel says', () => {
    const settings = {
      querySeconds: [120, 240],
      queryEverySeconds: 600,
      queryFromSeconds: 180,
      queryForSeconds: 1_500,
    };
    expect(walk(registered(), settings)).toEqual(['query 4', 'query 14', 'query 24', 'query 25']);
    expect(walk(paying(10), { querySeconds: [] })).toEqual(['expire 10']);
    expect(walk(registered(), { querySeconds: [] })).toEqual([]);
  });

  it('is not closed within five minutes of its payment request', () => {
    expect(walk(paying(3))).toEqual(['query 1', 'query 2', 'expire 5']);
  });

  it('whose provider cannot be asked is only closed', () => {
    expect(planOf(paying(30), DEFAULT_CHANNEL_SETTINGS, false, T)).toEqual({ kind: 'expire', dueAt: T + 30 * MINUTE });
    expect(planOf(registered(), DEFAULT_CHANNEL_SETTINGS, false, T)).toBeNull();
  });

  it.each(['paid', 'closed'] as const)('that is %s is asked about no more', (paymentState) => {
    expect(walk(paying(30, { paymentState }))).toEqual([]);
  });

  it('of which a payment failed may still be paid, and is asked about', () => {
    expect(walk(paying(30, { paymentState: 'failed' }))).toHaveLength(6);
  });

  it('that waits for its registration is asked about until a person is told', () => {
    expect(walk({ ...newOrder('P1', T), parkedAt: T })).toEqual(['query 1', 'query 2', 'query 5']);
  });

  it('that a callback made and nobody registered is left to the callbacks', () => {
    expect(walk(newOrder('P1', T))).toEqual([]);
  });

  it('has one plan: late questions and two at once come to the same times', () => {
    expect(walk(paying(200), {}, 4_000)).toEqual(walk(paying(200)));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7_200_000 }), fc.integer({ min: 0, max: 60_000 }), (passed, apart) => {
        const order = paying(300);
        const one = planOf(order, DEFAULT_CHANNEL_SETTINGS, true, T + passed);
        const other = planOf(order, DEFAULT_CHANNEL_SETTINGS, true, T + passed + apart);
        expect(one && one.dueAt).toBeGreaterThan(T + passed);
        expect(other && one && other.dueAt).toBeGreaterThanOrEqual(one?.dueAt ?? 0);
      }),
    );
  });
});

describe('what an incomplete notice lacks', () => {
  it('is asked for five times within its limit, ever more slowly', () => {
    const times = [0];
    for (let next = nextCompletion(T, DEFAULT_CHANNEL_SETTINGS, T); next !== null; ) {
      times.push((next - T) / 1000);
      next = nextCompletion(T, DEFAULT_CHANNEL_SETTINGS, next);
    }
    expect(times).toEqual([0, 37.5, 75, 150, 300]);
  });
});
