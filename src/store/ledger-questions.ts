// The questions that the ledger has due: what of an order is asked of its provider, and when. Synchronous, inside one
// transaction. Plans in the order's own terms (core/query-plan.ts) and never asks anybody.
import type { DispatchConfig } from '../core/channel.ts';
import type { Order } from '../core/order.ts';
import { isOpen, nextCompletion, type Planned, planOf, worthUntil } from '../core/query-plan.ts';
import type { FinishTimer, Timer } from '../core/timer.ts';
import { dropTimer, moveTimer, putTimer } from './ledger-timers.ts';

/**
 * One timer an order: each question sets the next, and the last one is the order's end. An order that is paid meanwhile
 * writes nothing for it: the timer fires and finds nothing to do.
 */
export function putPlan(sql: SqlStorage, { settings, asks = false }: DispatchConfig, order: Order, now: number): void {
  const planned = planOf(order, settings, asks, now);
  if (planned !== null) putTimer(sql, { ...planned, orderNo: order.orderNo, ref: '' });
}

/** Tells a question for what a notice lacks from those of the clock. */
const COMPLETION = 'incomplete';

/** What a notice lacks is asked for at once, and within a limit. */
export function putCompletion(sql: SqlStorage, { settings }: DispatchConfig, { orderNo }: Order, now: number): void {
  putTimer(sql, { dueAt: now, orderNo, kind: 'query', ref: COMPLETION });
  putTimer(sql, { dueAt: now + settings.incompleteAfterSeconds * 1000, orderNo, kind: 'incomplete', ref: '' });
}

/** Whether a notice still waits for what it lacks, and nobody was told. */
export const isIncomplete = ({ partial, flags }: Order): boolean => partial !== null && !flags.includes('incomplete');

/** A refund that the provider told of is followed until it is over, whoever began it. */
export function followRefund(
  sql: SqlStorage,
  { settings, asks = false }: DispatchConfig,
  before: Order,
  { orderNo, refunds }: Order,
  refundNo: string,
  now: number,
): void {
  const isUnderWay = ({ refunds: told }: Pick<Order, 'refunds'>) =>
    told.some(({ refundNo: no, state }) => no === refundNo && (state === 'pending' || state === 'needs_attention'));
  const isFollowed = isUnderWay(before) || before.refundRequests.some(({ refundNo: no }) => no === refundNo);
  if (!asks || isFollowed || !isUnderWay({ refunds })) return;
  const [waitSeconds = 0] = settings.refundQuerySeconds;
  putTimer(sql, { dueAt: now + waitSeconds * 1000, orderNo, kind: 'refund', ref: refundNo });
}

/** Whether an answer to this timer's question could still be news. */
export function isAskable(order: Order, { kind, ref }: Timer): boolean {
  if (kind === 'query') return ref === COMPLETION ? isIncomplete(order) : isOpen(order);
  if (kind === 'expire') return order.paymentState !== 'paid' && order.paymentState !== 'closed';
  if (order.refundRequests.some(({ refundNo }) => refundNo === ref)) return true;
  const refund = order.refunds.find(({ refundNo }) => refundNo === ref);
  return refund?.state === 'pending' || refund?.state === 'needs_attention';
}

/** A question has come back: what is due next, as the order now stands. */
export function finishQuery(
  sql: SqlStorage,
  { settings, asks = false }: DispatchConfig,
  order: Order | null,
  { timer, next, plan }: FinishTimer,
  now: number,
): void {
  if (timer.ref === COMPLETION) {
    finishCompletion(sql, settings, order, timer, plan === 'go_on', now);
    return;
  }
  const planned = order && planOf(order, settings, asks && plan === 'go_on', now);
  const again = order && next !== null && isOpen(order) && next < worthUntil(order, settings) ? next : null;
  const due: Planned | null = earlier(planned, again === null ? null : { kind: 'query', dueAt: again });
  if (due === null) dropTimer(sql, timer);
  else moveTimer(sql, timer, due);
}

const earlier = (a: Planned | null, b: Planned | null): Planned | null =>
  a === null || b === null ? (a ?? b) : b.dueAt < a.dueAt ? b : a;

/** A provider that cannot be asked at all leaves nothing to wait for. */
function finishCompletion(
  sql: SqlStorage,
  settings: DispatchConfig['settings'],
  order: Order | null,
  timer: Timer,
  goesOn: boolean,
  now: number,
): void {
  const partial = order !== null && isIncomplete(order) ? order.partial : null;
  const next = partial && (goesOn ? nextCompletion(partial.since, settings, now) : now);
  if (next === null) dropTimer(sql, timer);
  else moveTimer(sql, timer, { kind: goesOn ? 'query' : 'incomplete', dueAt: next });
}

/** Payments first heard of by asking, since then; of the newest facts, `most` of them. */
export const paidByQuery = (sql: SqlStorage, since: number, most: number): number =>
  sql
    .exec<{ paid: number }>(
      `SELECT COUNT(*) AS paid FROM (SELECT source, type, received_at FROM events ORDER BY seq DESC LIMIT ?)
       WHERE source = 'query' AND type = 'payment.succeeded' AND received_at >= ?`,
      most,
      since,
    )
    .one().paid;
