// Dispute: how one dispute's fact changes it and its order. Pure. The order's own state is never touched.
import { type Applied, applied, stale } from './applied.ts';
import { type Cell, ifLater, told, unlessEarlier } from './cell.ts';
import type { DisputeFact, DisputeState } from './event.ts';
import { isSameMoney } from './money.ts';
import type { Order } from './order.ts';

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
  const known = order.disputes.find((dispute) => dispute.disputeId === disputeId);
  const type = told(DISPUTE_TABLE[known?.state ?? 'none'][state], at, known?.at ?? at);
  const next: Order = {
    ...order,
    disputes: [...order.disputes.filter((dispute) => dispute !== known), { disputeId, state, amount, at }],
    test: order.test || fact.test,
  };
  if (type === null) return stale(order);
  if (type !== 'again') return applied(order, next, type, now);
  if (!known?.amount || !amount || isSameMoney(known.amount, amount)) return stale(order);
  return applied(order, at > known.at ? next : order, 'order.flagged', now, ['provider_disagrees']);
}
