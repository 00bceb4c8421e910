// Which events an origin gets: its filter against one event and the order as the event's snapshot shows it. Pure. An
// empty list lets every value through; all that is named has to hold. Never looks at the order as it stands later.

import type { EventType } from './event.ts';
import type { Money } from './money.ts';
import type { Flag, OrderState } from './order.ts';
import type { OriginFilter } from './origin.ts';

/** What of an event a filter looks at; the public snapshot has these fields under `order`. */
export type Filtered = {
  readonly channel: string;
  readonly type: EventType;
  readonly order: {
    readonly state: OrderState;
    readonly flags: readonly Flag[];
    readonly amount: Money | null;
    readonly metadata: Readonly<Record<string, string>>;
  };
};

export function matches(filter: OriginFilter | null, { channel, type, order }: Filtered): boolean {
  if (filter === null) return true;
  return (
    lets(filter.types, type) &&
    lets(filter.states, order.state) &&
    lets(filter.channels, channel) &&
    (filter.flags.length === 0 || filter.flags.some((flag) => order.flags.includes(flag))) &&
    isWithin(filter.amount, order.amount) &&
    Object.entries(filter.metadata).every(([name, value]) => ownValue(order.metadata, name) === value)
  );
}

const lets = <T>(values: readonly T[], value: T): boolean => values.length === 0 || values.includes(value);

function isWithin(range: OriginFilter['amount'], amount: Money | null): boolean {
  if (range === null) return true;
  if (amount === null || amount.currency !== range.currency) return false;
  return amount.minor >= (range.min ?? amount.minor) && amount.minor <= (range.max ?? amount.minor);
}

/** The merchant named the fields: one that every object has by nature is none of them. */
const ownValue = (metadata: Readonly<Record<string, string>>, name: string): string | undefined =>
  Object.hasOwn(metadata, name) ? metadata[name] : undefined;
