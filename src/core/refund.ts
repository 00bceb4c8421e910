// Refund: how one refund's fact changes it and its order. Pure. What failed may be asked for again by the merchant, so
// nothing that could still succeed is ever called failed.
import { type Applied, applied, stale } from './applied.ts';
import { heardAt, hearing, ifLater, type RowOf, told, unlessEarlier } from './cell.ts';
import type { EventType, RefundFact, RefundState } from './event.ts';
import { isSameMoney, type Money } from './money.ts';
import { type Flag, type Order, type Refund, withFlags } from './order.ts';

export const REFUND_WORDS = ['pending', 'needs_attention', 'failed', 'succeeded'] as const;

/**
 * What a word about a refund becomes, by where the refund is. One that is stuck is a person's business; between two
 * final words the later one, by the provider's clock, stands, and of two at once the success.
 */
// biome-ignore format: read by its columns
export const REFUND_TABLE: Readonly<Record<'none' | RefundState, RowOf<typeof REFUND_WORDS>>> = {
  //                 pending           needs_attention  failed                    succeeded
  none:            ['refund.pending', 'flagged',       'refund.failed',          'refund.succeeded'],
  pending:         ['again',          'flagged',       'refund.failed',          'refund.succeeded'],
  needs_attention: ['stale',          'again',         'refund.failed',          'refund.succeeded'],
  failed:          ['stale',          'stale',         'again',                  unlessEarlier('refund.succeeded')],
  succeeded:       ['stale',          'stale',         ifLater('refund.failed'), 'again'],
};

/** What the table says of this fact; null: no news. */
function moveOf(known: Refund | undefined, { state, occurredAt }: RefundFact): EventType | 'again' | null {
  const cell = REFUND_TABLE[known?.state ?? 'none'][REFUND_WORDS.indexOf(state)] ?? 'stale'; // each state has its own
  return told(cell, occurredAt, known ? heardAt(known) : occurredAt);
}

export function applyRefund(order: Order, fact: RefundFact, now: number): Applied {
  const known = order.refunds.find((refund) => refund.refundNo === fact.refundNo);
  if (known === undefined && isToldByTotal(order, fact)) return stale(order);
  const type = moveOf(known, fact);
  const disagrees = known !== undefined && !isSameMoney(comparable(known, fact), fact.amount);
  if (type === null) return stale(order);
  if (type === 'again' && !disagrees) return stale(hearRefund(order, fact));
  if (type === 'again' && known && fact.occurredAt <= heardAt(known)) {
    return applied(order, order, 'order.flagged', now, ['provider_disagrees']);
  }
  const one = refundOf(fact, known);
  const refunds = inOrder(apart([...order.refunds.filter((refund) => refund !== known), one]));
  if (known === undefined && leavesNothing(refunds, one)) return stale(order);
  const next: Order = {
    ...order,
    refunds,
    test: order.test || fact.test,
  };
  const arrival: Flag[] = disagrees ? ['provider_disagrees'] : [];
  if (known?.state === 'succeeded' && fact.state === 'failed') arrival.push('refund_reversed');
  if (fact.state === 'succeeded' && order.payments.length === 0) arrival.push('refund_before_payment');
  const isOver = fact.state === 'succeeded' && withFlags(next).flags.includes('refund_exceeds_payment');
  return applied(order, next, type === 'again' || isOver ? 'order.flagged' : type, now, arrival);
}

/** One total is reached by one refund: under a second name it is the same, as when a query knows no number for it. */
const isToldByTotal = (order: Order, { cumulative, state, amount }: RefundFact): boolean =>
  cumulative === true &&
  state === 'succeeded' &&
  order.refunds.some((one) => one.state === state && isSameMoney(reachedBy(one) ?? NOTHING, amount));

/** Nor does a total tell of one where those that told their own amount make it up: a refund is never of nothing. */
const leavesNothing = (refunds: readonly Refund[], { refundNo, state, cumulative }: Refund): boolean =>
  state === 'succeeded' &&
  cumulative !== undefined &&
  refunds.some((one) => one.refundNo === refundNo && one.amount.minor === 0);

/** All that was refunded once this one was, as far as anybody told. */
const reachedBy = ({ cumulative, total }: Refund): Money | undefined => cumulative ?? total;
const NOTHING: Money = { minor: 0, currency: '' };

/** What of the known refund the fact's amount speaks of: its total or its own. A total that nobody told is none. */
const comparable = (known: Refund, fact: RefundFact): Money =>
  fact.cumulative ? (known.cumulative ?? fact.amount) : known.amount;

/** What was told of it before is news again: it stands otherwise now, and this word is the newer one. */
export function refundComesBack(order: Order, fact: RefundFact): boolean {
  const known = order.refunds.find((refund) => refund.refundNo === fact.refundNo);
  const type = known === undefined ? null : moveOf(known, fact);
  if (known === undefined || type !== 'again') return type !== null;
  return fact.occurredAt > heardAt(known) && !isSameMoney(comparable(known, fact), fact.amount);
}

/** The word that the refund stands by, told once more: no older word of another state outdoes it from now on. */
export function hearRefund(order: Order, { refundNo, state, occurredAt }: RefundFact): Order {
  const known = order.refunds.find((refund) => refund.refundNo === refundNo);
  const heard = known?.state === state ? hearing(known, occurredAt) : known;
  if (heard === undefined || heard === known) return order;
  return { ...order, refunds: order.refunds.map((refund) => (refund === known ? heard : refund)) };
}

const inOrder = (refunds: readonly Refund[]): Refund[] =>
  refunds.toSorted((a, b) => a.at - b.at || (a.refundNo < b.refundNo ? -1 : 1));

/**
 * Each refund's own amount, where only running totals are told: what its total adds to the next smaller one, less what
 * others between the two told of themselves. So two totals say the same whichever arrives first.
 */
function apart(refunds: readonly Refund[]): Refund[] {
  const succeeded = refunds.filter(({ state }) => state === 'succeeded');
  const totals = succeeded
    .map((refund) => ({ minor: reachedBy(refund)?.minor ?? 0, at: refund.at }))
    .sort((a, b) => a.minor - b.minor);
  const unplaced = succeeded.filter((refund) => reachedBy(refund) === undefined);
  return refunds.map((refund) => {
    const { cumulative, state, at } = refund;
    if (!cumulative || state !== 'succeeded') return refund;
    const before = totals.findLast(({ minor }) => minor > 0 && minor < cumulative.minor) ?? { minor: 0, at: -Infinity };
    const added = cumulative.minor - before.minor;
    const between = unplaced.filter((one) => one.at > before.at && one.at < at);
    // Clocks of whole seconds: what would not fit into the total came after it.
    const beside = sumOf(unplaced.filter((one) => one.at === at && one.at > before.at));
    const own = sumOf(between) + (sumOf(between) + beside <= added ? beside : 0);
    return { ...refund, amount: { ...cumulative, minor: Math.max(0, added - own) } };
  });
}

const sumOf = (refunds: readonly Refund[]): number => refunds.reduce((sum, { amount }) => sum + amount.minor, 0);

const refundOf = (fact: RefundFact, known: Refund | undefined): Refund => ({
  refundNo: fact.refundNo,
  providerRefundId: fact.providerRefundId ?? known?.providerRefundId ?? null,
  amount: fact.amount,
  ...(fact.cumulative ? { cumulative: fact.amount } : {}),
  ...(fact.total ? { total: fact.total } : {}),
  state: fact.state,
  reason: fact.reason ?? known?.reason ?? null,
  at: fact.occurredAt,
});
