// The consumer's counter in one shard: claims, confirmations and outcomes. Never sends a message, never posts.
import { nextStep } from '../core/delivery.ts';
import type { Attempt, ClaimItem, ClaimReply, ConfirmItem, Settlement } from '../core/record.ts';
import * as outbox from '../store/ledger-outbox.ts';
import { isRepeated, wasDelivered } from '../store/ledger-replays.ts';
import type { Dispatcher } from './dispatcher.ts';
import type { Flight } from './flights.ts';

/** An outcome that counted. `isDead`: the delivery is out of attempts. */
export type Settled = { readonly settlement: Settlement; readonly orderNo: string; readonly isDead: boolean };

export class ClaimDesk {
  readonly #dispatcher: Dispatcher;
  readonly #sql: SqlStorage;
  #claims = 0;

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
    this.#sql = dispatcher.shard.storage.sql;
  }

  /** Gives each delivery to at most one consumer, with the event as it was committed. */
  claim(items: readonly ClaimItem[], now: number): ClaimReply[] {
    return items.map((item) => this.#claimOne(item, now));
  }

  #claimOne(item: ClaimItem, now: number): ClaimReply {
    const { shard, flights } = this.#dispatcher;
    const flight = flights.get(item.seq, item.originId);
    const event = outbox.eventAt(this.#sql, item.seq);
    if (!flight || !event) return { go: false, why: event?.settled ? 'settled' : 'stale' };
    if (item.epoch !== shard.epoch || item.attempt !== flight.attempt) return { go: false, why: 'stale' };
    if (flight.claim !== null) return { go: false, why: 'claimed' };
    const origin = this.#dispatcher.originOf(item.originId);
    if (!origin || this.#dispatcher.isPaused(item.originId)) {
      this.#dispatcher.putBack(flight, now);
      return { go: false, why: 'paused' };
    }
    const { eventId, type, occurredAt, data, orderNo, trace } = event;
    if (type === null || data === null) return { go: false, why: 'stale' };
    this.#claims += 1;
    flight.claim = `${shard.epoch}.${this.#claims}`;
    flight.ready = false;
    flight.until = now + shard.leaseMs;
    // The first attempt of a delivery is no replay, and only what has a row can have had another.
    const replay = flight.hasRow && flight.attempt > 1 && wasDelivered(this.#sql, item.seq, item.originId);
    const claimed = { claim: flight.claim, originVersion: origin.version, replay };
    const channel = this.#dispatcher.config.channelId;
    return { go: true, ...claimed, eventId, type, occurredAt, data, trace, orderNo, channel };
  }

  /** Whether each claimed delivery may still be posted; extends the lease of those that may. */
  confirm(items: readonly ConfirmItem[], now: number): boolean[] {
    return items.map(({ seq, originId, claim }) => {
      const flight = this.#dispatcher.flights.get(seq, originId);
      if (!flight || flight.claim !== claim) return false;
      if (this.#dispatcher.isPaused(originId)) {
        this.#dispatcher.putBack(flight, now);
        return false;
      }
      flight.until = now + this.#dispatcher.shard.leaseMs;
      return true;
    });
  }

  /**
   * The dead-letter consumer's word: these messages never reached us. They go again, no attempt burned, unless
   * another message of theirs did reach us meanwhile.
   */
  nudge(items: readonly ClaimItem[], now: number): void {
    const { shard, flights } = this.#dispatcher;
    for (const { seq, originId, attempt, epoch } of items) {
      const flight = flights.get(seq, originId);
      if (flight?.claim === null && flight.attempt === attempt && shard.epoch === epoch) flights.lose(flight);
    }
    this.#dispatcher.again(now);
  }

  /** A consumer did not begin these items and found these origins silent: the items go again, slowly. */
  giveBack(items: readonly ConfirmItem[], slow: readonly string[], now: number): void {
    const { flights } = this.#dispatcher;
    for (const originId of slow) this.#dispatcher.noteSlow(originId, now);
    for (const { seq, originId, claim } of items) {
      const flight = flights.get(seq, originId);
      if (flight?.claim === claim) flights.lose(flight);
    }
    this.#dispatcher.again(now);
  }

  /** Settles outcomes; called inside one transaction. `random` in [0, 1) jitters the ladder. */
  settle(settlements: readonly Settlement[], now: number, random: () => number): Settled[] {
    return settlements.flatMap((settlement) => {
      const settled = this.#settleOne(settlement, now, random);
      return settled ? [settled] : [];
    });
  }

  #settleOne(settlement: Settlement, now: number, random: () => number): Settled | null {
    const { seq, originId, outcome } = settlement;
    const event = outbox.settlingAt(this.#sql, seq);
    if (!event) return null;
    const flight = this.#dispatcher.flights.get(seq, originId);
    const row = flight?.hasRow === false ? null : outbox.rowOf(this.#sql, seq, originId);
    if (row ? row.state === 'delivered' : event.settled !== null) return null;
    const { attempt: number, at, status, ms, detail } = settlement;
    // Settled before a replay was asked for, and told again after.
    if (row && number <= row.attempt && isRepeated(this.#sql, seq, originId, number)) return null;
    const attempt: Attempt = { attempt: number, at, outcome, status, ms, detail };
    if (outcome !== 'delivered' && !this.#isCurrent(settlement, row, flight)) return null;
    if (outcome === 'timed_out') this.#dispatcher.noteSlow(originId, now);
    const goesOn =
      outcome === 'delivered'
        ? this.#settleDelivered(seq, originId, event.orderNo, attempt, row)
        : this.#settleFailed(settlement, attempt, row, event, now, random);
    this.#dispatcher.noteOutcome(settlement, flight, now);
    if (flight) this.#dispatcher.land(flight, now);
    // The order's next event may go; a dead one does not block it (protocol: dispatch 9).
    if (goesOn) this.#dispatcher.releaseNext(event.orderNo, originId, now);
    return { settlement, orderNo: event.orderNo, isDead: outcome !== 'delivered' && goesOn };
  }

  /** A failure counts only for the attempt that is under way, reported by whoever claimed it. */
  #isCurrent(settlement: Settlement, row: outbox.DeliveryRow | null, flight: Flight | undefined): boolean {
    if (row && row.state !== 'waiting' && row.state !== 'in_flight') return false;
    if (settlement.attempt !== (row?.attempt ?? 0) + 1) return false;
    return flight === undefined || flight.claim === null || flight.claim === settlement.claim;
  }

  /** A first attempt that succeeds is one write, into the event's own row. */
  #settleDelivered(
    seq: number,
    originId: string,
    orderNo: string,
    attempt: Attempt,
    row: outbox.DeliveryRow | null,
  ): true {
    if (!row) {
      outbox.settleInline(this.#sql, seq, { state: 'delivered', originId, attempt });
      return true;
    }
    const { failures, rev } = row;
    const delivered = { state: 'delivered', reason: null, dueAt: null } as const;
    outbox.putAttempt(this.#sql, seq, originId, attempt);
    outbox.putRow(this.#sql, {
      seq,
      originId,
      orderNo,
      attempt: Math.max(row.attempt, attempt.attempt), // an answer that comes late is of an earlier one
      failures,
      rev: rev + 1,
      ...delivered,
    });
    return true;
  }

  /** True when the delivery is dead; otherwise it waits for its next step of the ladder. */
  #settleFailed(
    settlement: Settlement,
    attempt: Attempt,
    row: outbox.DeliveryRow | null,
    { eventId, orderNo }: outbox.SettlingEvent,
    now: number,
    random: () => number,
  ): boolean {
    const { seq, originId, outcome } = settlement;
    const failures = (row?.failures ?? 0) + 1;
    const base = { seq, originId, orderNo, attempt: attempt.attempt, failures, rev: (row?.rev ?? 0) + 1 };
    outbox.putAttempt(this.#sql, seq, originId, attempt);
    const ladder = this.#dispatcher.originOf(originId)?.ladderSeconds ?? [];
    const step = nextStep(failures, ladder, settlement.retryAfterSeconds, random());
    if (step.kind === 'retry') {
      const dueAt = now + step.waitMs;
      outbox.putRow(this.#sql, { ...base, state: 'waiting', reason: 'retry', dueAt });
      this.#dispatcher.again(dueAt);
      return false;
    }
    outbox.putRow(this.#sql, { ...base, state: 'dead', reason: null, dueAt: null });
    const detail =
      `${eventId} of order ${orderNo} was not delivered in ${failures} attempts; the last was ${outcome}` +
      ` (${settlement.detail.slice(0, 120)}). Mend the origin, then replay the delivery.`;
    outbox.putAlarm(this.#sql, { code: 'delivery_dead', subject: `origin/${originId}`, detail, at: now });
    return true;
  }
}
