// What leaves in one flush, inside one transaction: rows that are due, events that pass the head. Puts into flight what
// has a permit and makes rows for what must wait. Asks nobody and sends nothing.
import type { DispatchOrigin } from '../core/channel.ts';
import { firstWaitMs } from '../core/delivery.ts';
import { DISPATCH_AGAIN_MS } from '../core/limits.ts';
import { type Filtered, matches } from '../core/origin-filter.ts';
import { heldFrom } from '../store/ledger-holds.ts';
import { laneWaits } from '../store/ledger-lanes.ts';
import * as outbox from '../store/ledger-outbox.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Flight } from './flights.ts';

/** Events and rows that may go, if their origins' gates let them. */
export type Candidates = {
  readonly fresh: readonly outbox.FreshEvent[];
  readonly due: ReadonlyMap<string, readonly outbox.DueRow[]>;
};

/** An event that did not leave. */
export type Stood = Pick<outbox.FreshEvent, 'seq' | 'orderNo'>;

/** What each origin's gate granted and is not spent; `probe`: its one permit tries an origin that is left alone. */
export type Granted = Map<string, { left: number; readonly probe: boolean }>;

export class Departure {
  readonly #dispatcher: Dispatcher;
  readonly #sql: SqlStorage;
  readonly #granted: Granted;
  readonly #now: number;

  constructor(dispatcher: Dispatcher, granted: Granted, now: number) {
    this.#dispatcher = dispatcher;
    this.#sql = dispatcher.shard.storage.sql;
    this.#granted = granted;
    this.#now = now;
  }

  /** Those that nobody has go first: they have left before. */
  idle(flights: readonly Flight[]): void {
    for (const flight of flights) Object.assign(flight, this.#spend(flight.originId) ?? {});
  }

  rows(rows: readonly outbox.DueRow[]): void {
    for (const row of rows) this.#row(row);
  }

  /** Takes one permit of this origin, if there is one. */
  #spend(originId: string): { readonly permit: true; readonly probe: boolean } | null {
    const grant = this.#granted.get(originId);
    if (!grant || grant.left <= 0) return null;
    grant.left -= 1;
    return { permit: true, probe: grant.probe };
  }

  /** Passes the head as far as it gets. Answers up to where, and what did not leave: skipped, held, behind. */
  fresh(events: readonly outbox.FreshEvent[]): { readonly head: number | null; readonly kept: Stood[] } {
    const held = events.length > 0 ? heldFrom(this.#sql) : new Map<string, number>();
    const kept: Stood[] = [];
    let head: number | null = null;
    for (const event of events) {
      if (event.type !== null && event.settled === null) {
        const isHeld = event.seq >= (held.get(event.orderNo) ?? Number.POSITIVE_INFINITY);
        const became = this.#pass(event, isHeld);
        if (became === 'stays') break;
        if (became === 'kept') kept.push(event);
      }
      head = event.seq;
    }
    return { head, kept };
  }

  #row(row: outbox.DueRow): void {
    const { flights, shard } = this.#dispatcher;
    const { seq, originId, orderNo, eventId, trace } = row;
    // The gate was asked in between: an outcome that came meanwhile has the last word.
    if (this.#dispatcher.isPaused(originId) || outbox.rowOf(this.#sql, seq, originId)?.rev !== row.rev) return;
    if (flights.laneBusy(orderNo, originId)) {
      outbox.putRow(this.#sql, { ...row, reason: 'behind', dueAt: null, rev: row.rev + 1 });
      return;
    }
    const permit = this.#spend(originId);
    if (!permit) return;
    // Durable before it is sent: a restart must know that a consumer may have it.
    outbox.putRow(this.#sql, { ...row, state: 'in_flight', dueAt: null, rev: row.rev + 1 });
    const flight = { seq, originId, orderNo, eventId, trace, attempt: row.attempt + 1, hasRow: true };
    flights.add({ ...flight, until: this.#now + shard.leaseMs, ready: true, ...permit });
  }

  #pass(event: outbox.FreshEvent, isHeld: boolean): 'passed' | 'kept' | 'stays' {
    const { origins } = this.#dispatcher.config;
    const takers = origins.filter((origin) => this.#dispatcher.takes(origin, event));
    if (takers.length === 0) {
      const reason = origins.length === 0 ? 'no_origin' : 'filtered';
      outbox.settleInline(this.#sql, event.seq, { state: 'skipped', reason });
      return 'kept';
    }
    if (isHeld) {
      for (const origin of takers) this.#hold(event, origin);
      return 'kept';
    }
    const first = takers.find((origin) => origin === origins[0]); // no other goes without a row
    const others = takers.filter((origin) => origin !== first);
    if (first && !this.#first(event, first, origins.length > 1)) return 'stays';
    for (const origin of others) this.#wait(event, origin, 'second_origin');
    if (others.length > 0) this.#dispatcher.again(this.#now + DISPATCH_AGAIN_MS);
    return first && this.#dispatcher.flights.has(event.seq, first.id) ? 'passed' : 'kept';
  }

  /** A person decides: until then it is no origin's turn, and neither is any later event of the order. */
  #hold({ seq, orderNo }: outbox.FreshEvent, { id: originId }: DispatchOrigin): void {
    const blank = { seq, orderNo, originId, dueAt: null, attempt: 0, failures: 0, rev: 1 };
    outbox.putRow(this.#sql, { ...blank, state: 'held', reason: 'held' });
  }

  /** Goes without a row. False when the event had better stay fresh: no permit, and no other origin behind it. */
  #first(event: outbox.FreshEvent, origin: DispatchOrigin, hasOthers: boolean): boolean {
    const { seq, orderNo, eventId, trace } = event;
    const mustWait = this.#dispatcher.isPaused(origin.id) || this.#laneBusy(event, origin.id);
    if (mustWait || (origin.ladderSeconds[0] ?? 0) > 0) {
      this.#wait(event, origin, 'ladder');
      return true;
    }
    const permit = this.#spend(origin.id);
    if (permit) {
      const { flights, shard } = this.#dispatcher;
      const flight = { seq, orderNo, eventId, trace, originId: origin.id, attempt: 1, hasRow: false };
      flights.add({ ...flight, until: this.#now + shard.leaseMs, ready: true, ...permit });
    } else if (hasOthers) this.#wait(event, origin, 'throttled');
    else return false;
    return true;
  }

  #wait(event: outbox.FreshEvent, origin: DispatchOrigin, reason: string): void {
    const { seq, orderNo } = event;
    const blank = { seq, orderNo, originId: origin.id, state: 'waiting', attempt: 0, failures: 0, rev: 1 } as const;
    if (this.#laneBusy(event, origin.id)) {
      outbox.putRow(this.#sql, { ...blank, reason: 'behind', dueAt: null });
      return;
    }
    const why = this.#dispatcher.isPaused(origin.id) ? 'paused' : reason;
    const waitMs = firstWaitMs(origin.ladderSeconds, Math.random());
    const dueAt = waitMs === 0 ? this.#now : Math.max(this.#now, event.receivedAt + waitMs);
    outbox.putRow(this.#sql, { ...blank, reason: why, dueAt });
  }

  #laneBusy(event: outbox.FreshEvent, originId: string): boolean {
    if (event.sequence === 1) return false; // an order's first event has nobody before it
    const { flights } = this.#dispatcher;
    return flights.laneBusy(event.orderNo, originId) || laneWaits(this.#sql, event.orderNo, originId);
  }
}

/** Whether the origin wants this event. Its snapshot was read when some filter has to look at it. */
export function takes(
  { filter }: DispatchOrigin,
  channel: string,
  { type, data }: Pick<outbox.FreshEvent, 'type' | 'data'>,
): boolean {
  if (filter === null || type === null || data === null) return true;
  const { order } = JSON.parse(data) as Pick<Filtered, 'order'>; // renderEventData wrote it
  return matches(filter, { channel, type, order });
}
