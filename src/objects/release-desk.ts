// Held events in one shard: a person lets them go, or decides that they never go. Above the channel's amount two keys
// have to say so. Called inside one transaction; never sends anything.
import type { DispatchConfig } from '../core/channel.ts';
import { type Order, paidOf, refundedOf } from '../core/order.ts';
import type { ReleaseReply, ReleaseRequest } from '../core/record.ts';
import { type ActKind, putAct } from '../store/ledger-acts.ts';
import { readOrder } from '../store/ledger-book.ts';
import { askRelease, endHold, type Hold, readHold } from '../store/ledger-holds.ts';
import { laneWaits } from '../store/ledger-lanes.ts';
import * as outbox from '../store/ledger-outbox.ts';
import type { Dispatcher } from './dispatcher.ts';
import { waitsForGone } from './origin-change.ts';

export function release(dispatcher: Dispatcher, request: ReleaseRequest, now: number): ReleaseReply {
  const { sql } = dispatcher.shard.storage;
  const { orderNo, actor, discard } = request;
  const order = readOrder(sql, orderNo);
  if (order === null) return { kind: 'missing' };
  const hold = readHold(sql, orderNo);
  if (hold === null) return { kind: 'not_held' };
  const note = (kind: ActKind) => putAct(sql, { orderNo, at: now, kind, actor, about: hold.flags.join(', ') });
  if (needsTwo(order, dispatcher.config)) {
    if (hold.asked === null || hold.asked.discard !== discard) {
      askRelease(sql, orderNo, { key: actor.key, discard, at: now });
      note('release_asked');
      return { kind: 'confirm' };
    }
    if (hold.asked.key === actor.key) return { kind: 'same_key' };
  }
  const decision = discard ? 'discarded' : 'released';
  endHold(sql, hold, decision);
  dispatcher.noteDecided();
  const subject = `order/${dispatcher.config.channelId}/${orderNo}`;
  outbox.putAlarm(sql, { code: 'order_held', subject, detail: '', at: now, ended: true });
  outbox.touchOrder(sql, orderNo, now); // a restart must find it among what D1 has not heard of
  note(decision);
  return { kind: 'released', deliveries: discard ? cancel(sql, hold) : letGo(dispatcher, hold, now) };
}

/** Above the channel's amount, by all the money that it is about: what was to be paid, what came, what went back. */
export function needsTwo(order: Order, { settings }: DispatchConfig): boolean {
  const bound = settings.releaseConfirmAbove;
  if (bound === null) return false;
  const sums = [order.registration?.amount ?? null, paidOf(order), refundedOf(order)].filter((sum) => sum !== null);
  const amounts = [...sums, ...[...order.payments, ...order.refunds].map(({ amount }) => amount)];
  return (
    amounts.length === 0 || amounts.some(({ minor, currency }) => currency !== bound.currency || minor > bound.minor)
  );
}

/** The first of each lane goes now, unless an earlier event of the order is still on its way; the rest follow it. */
function letGo(dispatcher: Dispatcher, { orderNo }: Hold, now: number): number {
  const { sql } = dispatcher.shard.storage;
  const rows = outbox.heldRows(sql, orderNo);
  const begun = new Set<string>();
  for (const row of rows) {
    const { originId } = row;
    const isBusy = begun.has(originId) || dispatcher.flights.laneBusy(orderNo, originId);
    const behind = isBusy || laneWaits(sql, orderNo, originId);
    begun.add(originId);
    const dueAt = behind ? null : now;
    outbox.putRow(sql, { ...row, state: 'waiting', reason: behind ? 'behind' : 'dispatch', dueAt, rev: row.rev + 1 });
  }
  // Held for an origin that has left since: nothing else would tell anybody that it does not go.
  const gone = Map.groupBy(rows, ({ originId }) => originId);
  for (const { id } of dispatcher.config.origins) gone.delete(id);
  for (const [originId, its] of gone) {
    outbox.putAlarm(sql, waitsForGone(dispatcher.config.channelId, originId, its.length, now));
  }
  dispatcher.again(now);
  return rows.length;
}

/** What is held is never delivered, and neither is what was committed since and has not come by the dispatcher yet. */
function cancel(sql: SqlStorage, { orderNo, fromSeq }: Hold): number {
  const rows = outbox.heldRows(sql, orderNo);
  const ended = { state: 'cancelled', reason: 'discarded', dueAt: null } as const;
  for (const row of rows) outbox.putRow(sql, { ...row, ...ended, rev: row.rev + 1 });
  return rows.length + outbox.cancelUndispatched(sql, orderNo, fromSeq);
}
