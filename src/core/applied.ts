// What became of a fact: its verdict, the event that it is to the origin, and the order after it. Pure.
import type { EventType } from './event.ts';
import { advance, type Flag, type Order, withFlags } from './order.ts';

/**
 * `type` null: nothing to tell the origin. `stale`: kept in the timeline only. `odd`: true and unexpected; a flag and
 * an event.
 */
export type Applied = {
  readonly verdict: 'applied' | 'stale' | 'odd';
  readonly type: EventType | null;
  readonly order: Order;
};

export const stale = (order: Order): Applied => ({ verdict: 'stale', type: null, order });

/** The next order with its flags renewed and its event; odd when the event or a new flag says so. */
export function applied(
  before: Order,
  next: Order,
  type: EventType,
  now: number,
  arrival: readonly Flag[] = [],
): Applied {
  const order = advance(withFlags(next, arrival), now);
  const isOdd = type === 'order.flagged' || order.flags.some((flag) => !before.flags.includes(flag));
  return { verdict: isOdd ? 'odd' : 'applied', type, order };
}
