// Deliveries asked for again, in one shard: the old snapshot with its old sequence, in its lane, its attempts counted
// anew. Called inside one transaction; never sends anything, and never moves what is on its way or held.
import type { DispatchOrigin } from '../core/channel.ts';
import type { ReplayReply, ReplayRequest, Unmoved } from '../core/replay.ts';
import { hasAct, putAct } from '../store/ledger-acts.ts';
import { readOrder } from '../store/ledger-book.ts';
import { readHold } from '../store/ledger-holds.ts';
import { laneWaits } from '../store/ledger-lanes.ts';
import * as outbox from '../store/ledger-outbox.ts';
import { eventsToReplay, isDiscarded, moveOut, noteReplayed, type ReplayEvent } from '../store/ledger-replays.ts';
import { takes } from './departure.ts';
import type { Dispatcher } from './dispatcher.ts';
import { needsTwo } from './release-desk.ts';

/** What an origin's delivery stands at, as far as a replay needs it. */
type Before = { readonly attempt: number; readonly rev: number };
type Found = { readonly event: ReplayEvent; readonly origin: DispatchOrigin; readonly before: Before };

export function replay(dispatcher: Dispatcher, request: ReplayRequest, now: number): ReplayReply {
  const { sql } = dispatcher.shard.storage;
  const { orderNo } = request;
  const events = eventsToReplay(sql, request);
  const order = readOrder(sql, orderNo);
  if (events.length === 0 || order === null) return { kind: 'missing' };
  const endedByTwo = needsTwo(order, dispatcher.config);
  const heldFrom = readHold(sql, orderNo)?.fromSeq ?? Number.POSITIVE_INFINITY;
  const reasons = new Set<Unmoved>();
  const moved = events.flatMap((event) => {
    if (event.seq >= heldFrom) {
      reasons.add('held');
      return [];
    }
    if (endedByTwo && isDiscarded(sql, event)) {
      reasons.add('discarded');
      return [];
    }
    const found = originsFor(dispatcher, event, request, reasons);
    for (const one of found) move(dispatcher, one, request, now);
    if (found.length > 0 && event.settled !== null) noteReplayed(sql, event.seq, event.settled);
    return found;
  });
  if (moved.length === 0) return { kind: 'nothing', why: whyOf(reasons) };
  outbox.touchOrder(sql, orderNo, now);
  dispatcher.again(now);
  return { kind: 'replayed', deliveries: moved.length };
}

const whyOf = (reasons: ReadonlySet<Unmoved>): Unmoved =>
  (['held', 'discarded', 'under_way', 'done'] as const).find((reason) => reasons.has(reason)) ?? 'no_origin';

/** The origins that get this event again, with what they got before. */
function originsFor(
  dispatcher: Dispatcher,
  event: ReplayEvent,
  { orderNo, originId, job }: ReplayRequest,
  reasons: Set<Unmoved>,
): Found[] {
  const { sql } = dispatcher.shard.storage;
  const { config, marks } = dispatcher;
  return config.origins
    .filter(({ id }) => originId === undefined || id === originId)
    .flatMap((origin): Found[] => {
      const before = beforeOf(dispatcher, event, origin, originId !== undefined);
      if (event.seq > marks.head || before === 'under_way') reasons.add('under_way');
      else if (job !== undefined && hasAct(sql, orderNo, 'replayed', aboutOf(event, origin, job))) reasons.add('done');
      else if (before !== 'not_taken') return [{ event, origin, before }];
      return [];
    });
}

/** An origin that never had the event gets it when it is named, or when nobody had it and it takes such events now. */
function beforeOf(
  dispatcher: Dispatcher,
  { seq, settled, type, data }: ReplayEvent,
  origin: DispatchOrigin,
  isNamed: boolean,
): Before | 'under_way' | 'not_taken' {
  const row = outbox.rowOf(dispatcher.shard.storage.sql, seq, origin.id);
  if (row) {
    const isOver = row.state === 'delivered' || row.state === 'dead' || row.state === 'cancelled';
    return isOver ? { attempt: row.attempt, rev: row.rev } : 'under_way';
  }
  if (dispatcher.flights.has(seq, origin.id)) return 'under_way';
  if (settled?.state === 'delivered' && settled.originId === origin.id) {
    return { attempt: settled.attempt.attempt, rev: 1 };
  }
  const nobodyHad = (settled?.state === 'skipped' || settled?.state === 'cancelled') && settled.replayed !== true;
  const mayHave = isNamed || (nobodyHad && takes(origin, dispatcher.config.channelId, { type, data }));
  return mayHave ? { attempt: 0, rev: 0 } : 'not_taken';
}

/** Waits behind whatever of its lane is on its way or waits already. */
function move(dispatcher: Dispatcher, { event, origin, before }: Found, request: ReplayRequest, now: number): void {
  const { sql } = dispatcher.shard.storage;
  const { seq, settled } = event;
  const { orderNo, actor, job } = request;
  const behind = dispatcher.flights.laneBusy(orderNo, origin.id) || laneWaits(sql, orderNo, origin.id);
  if (settled?.state === 'delivered' && settled.originId === origin.id) {
    moveOut(sql, seq, origin.id, settled.attempt);
  }
  const { attempt, rev } = before;
  const waiting = { state: 'waiting', reason: behind ? 'behind' : 'replay', dueAt: behind ? null : now } as const;
  outbox.putRow(sql, { seq, originId: origin.id, orderNo, attempt, failures: 0, rev: rev + 1, ...waiting });
  putAct(sql, { orderNo, at: now, kind: 'replayed', actor, about: aboutOf(event, origin, job) });
}

const aboutOf = ({ eventId }: ReplayEvent, { id }: DispatchOrigin, job: string | undefined): string =>
  `${eventId} to ${id}${job === undefined ? '' : ` by ${job}`}`;
