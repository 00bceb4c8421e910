// Projects one shard into D1: walks the facts, then whatever changed behind the walk. D1's trouble never touches
// dispatch; what a crash forgets is walked or swept again, and versions make that harmless.
import { backoffMs } from '../core/delivery.ts';
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  PROJECT_BATCH_MAX,
  PROJECT_DELAY_MS,
  PROJECT_TIMEOUT_MS,
} from '../core/limits.ts';
import { cutoffOf } from '../core/retention.ts';
import { within } from '../core/within.ts';
import * as outbox from '../store/ledger-outbox.ts';
import { forgetWalk, walkBackTo } from '../store/ledger-prune.ts';
import * as projection from '../store/projection.ts';
import type { Dispatcher, Shard } from './dispatcher.ts';

/** Beyond this many, memory gives up and the sweep finds them: bounds the shard while D1 is down. */
const DIRTY_ORDERS_MAX = 10_000;

export class Projector {
  readonly #shard: Shard;
  readonly #sql: SqlStorage;
  readonly #dispatcher: Dispatcher;
  #written: outbox.Marks;
  #dirtySince: number | null;
  /** Facts up to here have been told to D1 in this life. */
  #cursor: number;
  /** Orders that changed at or below the cursor, with the lowest fact that changed; 0 is a change of no fact. */
  #dirty = new Map<string, number>();
  #sweep: { after: string; readonly since: number } | null;
  #at: number | null;
  #failures = 0;
  /** Halved at each failure: a batch may be too large for D1, which bounds a value at 2 MB. */
  #batchMax = PROJECT_BATCH_MAX;

  constructor(shard: Shard, marks: outbox.Marks, dispatcher: Dispatcher, now: number) {
    this.#shard = shard;
    this.#sql = shard.storage.sql;
    this.#dispatcher = dispatcher;
    this.#written = marks;
    this.#cursor = marks.projected;
    this.#dirtySince = marks.dirtySince;
    this.#sweep = marks.dirtySince === null ? null : { after: '', since: marks.dirtySince };
    this.#at = this.#sweep || outbox.hasFreshEvents(this.#sql, this.#cursor) ? now : null;
  }

  noteFresh(now: number): void {
    this.#at ??= now + PROJECT_DELAY_MS;
  }

  /**
   * An order changed without a new fact; called inside the transaction that changed it. `seq` is the fact whose
   * delivery changed, null when the order itself did. What the durable mark has passed is remembered durably.
   */
  noteChanged(orderNo: string, seq: number | null, now: number): void {
    this.#at ??= now + PROJECT_DELAY_MS;
    if (seq !== null && seq > this.#cursor) return; // the walk will meet it
    const full = this.#dirty.size >= DIRTY_ORDERS_MAX;
    const passed = seq === null || seq <= this.#written.projected || full;
    if (passed) this.#rememberDirty(orderNo, seq, now);
    // From the start again: a sweep under way may have passed this order.
    if (full) this.#sweep = { after: '', since: Math.min(this.#sweep?.since ?? now, this.#dirtySince ?? now) };
    else
      this.#dirty.set(orderNo, Math.min(this.#dirty.get(orderNo) ?? Number.MAX_SAFE_INTEGER, passed ? 0 : (seq ?? 0)));
  }

  #rememberDirty(orderNo: string, seq: number | null, now: number): void {
    if (seq !== null) outbox.touchOrder(this.#sql, orderNo, now); // a change of the order itself wrote its time already
    if (this.#dirtySince !== null && this.#dirtySince <= now) return; // a clock may step back
    this.#dirtySince = now;
    outbox.writeDirtySince(this.#sql, now);
  }

  nextAt(): number | null {
    return this.#at;
  }

  /** Tells D1 everything again, from the first fact; durably, so that a restart goes on with it. */
  rebuild(now: number): void {
    this.#cursor = 0;
    this.#sweep = { after: '', since: 0 };
    this.#dirtySince = 0;
    this.#at = now;
    this.#written = { ...this.#dispatcher.marks, projected: 0, dirtySince: 0 };
    outbox.writeMarks(this.#sql, this.#written);
    forgetWalk(this.#sql, 'events');
  }

  /** One batch. Never throws: D1's refusal only moves the time of the next try. */
  async flush(now: number): Promise<void> {
    if (this.#at === null || now < this.#at) return;
    this.#at = null;
    const batchMax = this.#batchMax;
    const keptSince = cutoffOf(this.#dispatcher.config.settings.retention.eventsDays, now);
    const events = projection.eventsAfter(this.#sql, keptSince, this.#cursor, batchMax);
    const taken = [...this.#dirty].slice(0, batchMax);
    for (const [orderNo] of taken) this.#dirty.delete(orderNo);
    const sweep = this.#sweep;
    const swept = this.#nextSwept();
    const orderNos = [...new Set([...events.map((event) => event.order_no), ...taken.map(([no]) => no), ...swept])];
    // From here on these facts are read: one that settles while D1 is being told has changed behind the walk.
    const before = this.#cursor;
    this.#cursor = events.at(-1)?.seq ?? before;
    // What a person let go comes before whatever the same order did since.
    const released = projection.eventsReleased(this.#sql, keptSince, orderNos, before);
    try {
      await this.#put([...released, ...events], orderNos, now);
    } catch (error) {
      this.#cursor = Math.min(this.#cursor, before); // a rebuild may have begun meanwhile
      for (const [orderNo, seq] of taken) this.#dirty.set(orderNo, Math.min(this.#dirty.get(orderNo) ?? seq, seq));
      this.#failures += 1;
      this.#batchMax = Math.max(1, batchMax >> 1);
      this.#at = Date.now() + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      const { name: shard } = this.#shard;
      console.error(JSON.stringify({ hop: 'project', shard, error: String(error), failures: this.#failures }));
      return;
    }
    this.#failures = 0;
    this.#batchMax = Math.min(PROJECT_BATCH_MAX, batchMax * 2);
    // A sweep that began while D1 was being told has all its way to go.
    if (sweep && this.#sweep === sweep)
      this.#sweep = swept.length < batchMax ? null : { ...sweep, after: swept.at(-1) ?? '' };
    const more = events.length === batchMax || this.#dirty.size > 0 || this.#sweep !== null;
    if (more) this.#at = Date.now();
  }

  #nextSwept(): string[] {
    if (!this.#sweep) return [];
    return projection.ordersChangedSince(this.#sql, this.#sweep.after, this.#sweep.since, this.#batchMax);
  }

  async #put(events: readonly Record<string, unknown>[], orderNos: readonly string[], now: number): Promise<void> {
    if (orderNos.length === 0) return;
    const { channelId: channel } = this.#dispatcher.config;
    const batch: projection.ProjectionBatch = {
      ...projection.orderRows(this.#sql, channel, orderNos),
      events: events.map((event) => ({ ...event, channel })),
      deliveries: projection.deliveryRows(this.#sql, channel, orderNos, now),
    };
    // Before D1 is told: a kill after it must not leave rows there that nobody goes back for.
    walkBackTo(this.#sql, orderNos);
    await within(projection.putProjection(this.#shard.env.DB, batch), PROJECT_TIMEOUT_MS, 'D1');
  }

  /** Writes the marks that moved; at most one row a flush. */
  saveMarks(): void {
    const { head, low } = this.#dispatcher.marks;
    const pending = [...this.#dirty.values()].filter((seq) => seq > 0).map((seq) => seq - 1);
    const projected = Math.max(this.#written.projected, Math.min(this.#cursor, low, ...pending));
    const dirtySince = this.#dirty.size === 0 && this.#sweep === null ? null : this.#dirtySince;
    const marks = { head, low, projected, dirtySince };
    const same = (['head', 'low', 'projected', 'dirtySince'] as const).every(
      (key) => marks[key] === this.#written[key],
    );
    if (same && dirtySince === this.#dirtySince) return;
    outbox.writeMarks(this.#sql, marks);
    this.#written = marks;
    this.#dirtySince = dirtySince;
  }
}
