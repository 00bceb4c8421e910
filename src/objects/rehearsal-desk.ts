// Test callbacks in the ledger for them: who sent one, how many there may be, and what became of it. Whatever else
// happens to their orders is what happens to real ones.
import { DAY_MS, REHEARSALS_PER_DAY_MAX, REHEARSALS_PER_MINUTE_MAX } from '../core/limits.ts';
import type { RehearsalOutcome, RehearsalReply, RehearsalRequest } from '../core/rehearsal.ts';
import { countActs, hasAct, putAct } from '../store/ledger-acts.ts';

const MINUTE_MS = 60_000;

/** Inside one transaction. */
export function beginRehearsal(sql: SqlStorage, { orderNo, actor }: RehearsalRequest, now: number): RehearsalReply {
  if (hasAct(sql, orderNo, 'test_sent', orderNo)) return { kind: 'known' };
  const perMinute = countActs(sql, 'test_sent', now - MINUTE_MS) >= REHEARSALS_PER_MINUTE_MAX;
  // The ledger is a day's own: what is in it was sent on that day.
  if (perMinute || countActs(sql, 'test_sent', now - 2 * DAY_MS) >= REHEARSALS_PER_DAY_MAX) {
    return { kind: 'busy', perMinute };
  }
  putAct(sql, { orderNo, at: now, kind: 'test_sent', actor, about: orderNo });
  return { kind: 'begun' };
}

const keyOf = (orderNo: string) => `rehearsal/${orderNo}`;

export function keepOutcome({ kv }: DurableObjectStorage, outcome: RehearsalOutcome): void {
  if (kv.get(keyOf(outcome.orderNo)) === undefined) kv.put(keyOf(outcome.orderNo), outcome);
}

export const readOutcome = ({ kv }: DurableObjectStorage, orderNo: string): RehearsalOutcome | null =>
  kv.get<RehearsalOutcome>(keyOf(orderNo)) ?? null;
