// Dispute: how one dispute's fact changes it and its order. Pure. The order's own state is never touched.
import { type Applied, applied, stale } from './applied.ts';
import { type Cell, heardAt, hearing, ifLater, told, unlessEarlier } from './cell.ts';
import type { DisputeFact, DisputeState } from './event.ts';
import { isSameMoney, type Money } from './money.ts';
import { type Dispute, disputeOf, type Order } from './order.ts';

/**
 * What a word about a dispute becomes, by where the dispute is. A decided one is not opened again; of two decisions the
 * later stands, and of two at once the worse.
 */
// biome-ignore format: read by its columns
export const DISPUTE_TABLE: Readonly<Record<'none' | DisputeState, Readonly<Record<DisputeState, Cell>>>> = {
  none: { open: 'dispute.opened', won: 'dispute.won',          lost: 'dispute.lost' },
  open: { open: 'again',          won: 'dispute.won',          lost: 'dispute.lost' },
  won:  { open: 'stale',          won: 'again',                lost: unlessEarlier('dispute.lost') },
  lost: { open: 'stale',          won: ifLater('dispute.won'), lost: 'again' },
};

export function applyDispute(order: Order, fact: DisputeFact, now: number): Applied {
  const { disputeId, state, amount, occurredAt: at } = fact;
  const known = disputeIn(order, fact);
  const type = moveOf(known, fact);
  const next: Order = {
    ...order,
    disputes: [...order.disputes.filter((dispute) => dispute !== known), { disputeId, state, amount, at }],
    test: order.test || fact.test,
  };
  if (type === null) return stale(order);
  if (type !== 'again') return applied(order, next, type, now);
  if (known && isOther(known, amount)) {
    return applied(order, at > heardAt(known) ? next : order, 'order.flagged', now, ['provider_disagrees']);
  }
  const heard = hearingOf(order, fact);
  // Of several disputes this is the one that matters from now on.
  return disputeOf(heard) === disputeOf(order) ? stale(heard) : applied(order, heard, WORDS[state], now);
}

const WORDS = { open: 'dispute.opened', won: 'dispute.won', lost: 'dispute.lost' } as const;

const disputeIn = (order: Order, { disputeId }: DisputeFact): Dispute | undefined =>
  order.disputes.find((dispute) => dispute.disputeId === disputeId);

/** What the table says of this fact; null: no news. */
const moveOf = (known: Dispute | undefined, { state, occurredAt }: DisputeFact) =>
  told(DISPUTE_TABLE[known?.state ?? 'none'][state], occurredAt, known ? heardAt(known) : occurredAt);

/** Amounts that both were told, and differ. */
const isOther = (known: Dispute, amount: Money | null): boolean =>
  known.amount !== null && amount !== null && !isSameMoney(known.amount, amount);

/** What was told of it before is news again: it stands otherwise now, and this word is the newer one. */
export function disputeComesBack(order: Order, fact: DisputeFact): boolean {
  const known = disputeIn(order, fact);
  const type = known === undefined ? null : moveOf(known, fact);
  if (known === undefined || type !== 'again') return type !== null;
  if (isOther(known, fact.amount)) return fact.occurredAt > heardAt(known);
  return disputeOf(hearingOf(order, fact)) !== disputeOf(order);
}

/** The word that the dispute stands by, told once more, where nobody sees a change of it. */
export const hearDispute = (order: Order, fact: DisputeFact): Order => {
  const heard = hearingOf(order, fact);
  return disputeOf(heard) === disputeOf(order) ? heard : order;
};

function hearingOf(order: Order, fact: DisputeFact): Order {
  const known = disputeIn(order, fact);
  const heard = known?.state === fact.state ? hearing(known, fact.occurredAt) : known;
  if (heard === undefined || heard === known) return order;
  return { ...order, disputes: order.disputes.map((dispute) => (dispute === known ? heard : dispute)) };
}
