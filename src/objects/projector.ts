// Projects one shard into D1: walks the facts, then whatever changed behind the walk. D1's trouble never touches
// dispatch; what a crash forgets is walked or swept again, and versions make that harmless.
import { backoffMs } from '../core/delivery.ts';
import {
  ASIDE_REFUSALS,
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  PROJECT_BATCH_MAX,
  PROJECT_DELAY_MS,
  PROJECT_TIMEOUT_MS,
} from '../core/limits.ts';
import { cutoffOf } from '../core/retention.ts';
import { within } from '../core/within.ts';
import type { SetAside } from '../store/ledger-aside.ts';
import * as outbox from '../store/ledger-outbox.ts';
import { forgetWalk, walkBackTo } from '../store/ledger-prune.ts';
import * as projection from '../store/projection.ts';
import type { Dispatcher, Shard } from './dispatcher.ts';
import { Aside } from './set-aside.ts';

/** Beyond this many, memory gives up and the sweep finds them: bounds the shard while D1 is down. */
const DIRTY_ORDERS_MAX = 10_000;

/** The lowest fact of an order whose delivery changed, 0 for a change of no fact; and whether its own row changed. */
type Dirty = { readonly seq: number; readonly isOrder: boolean };

export class Projector {
  readonly #shard: Shard;
  readonly #sql: SqlStorage;
  readonly #dispatcher: Dispatcher;
  #written: outbox.Marks;
  #dirtySince: number | null;
  /** Facts up to here have been told to D1 in this life. */
  #cursor: number;
  /** Orders that changed at or below the cursor. */
  #dirty = new Map<string, Dirty>();
  #sweep: { after: string; readonly since: number } | null;
  #at: number | null;
  #failures = 0;
  /** Halved at each failure: a batch may be too large for D1, which bounds a value at 2 MB. */
  #batchMax = PROJECT_BATCH_MAX;
  /** Orders that D1 refuses for themselves, and how often it refused those that are under suspicion. */
  readonly #aside: Aside;
  readonly #refused = new Map<string, number>();
  /** Orders that D1 is being told of. */
  #telling: ReadonlySet<string> = new Set();

  constructor(shard: Shard, marks: outbox.Marks, dispatcher: Dispatcher, now: number) {
    this.#shard = shard;
    this.#sql = shard.storage.sql;
    this.#dispatcher = dispatcher;
    this.#aside = new Aside(shard.storage);
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
    else this.#remember(orderNo, { seq: passed ? 0 : (seq ?? 0), isOrder: seq === null });
  }

  #remember(orderNo: string, { seq, isOrder }: Dirty): void {
    const known = this.#dirty.get(orderNo) ?? { seq, isOrder };
    this.#dirty.set(orderNo, { seq: Math.min(known.seq, seq), isOrder: known.isOrder || isOrder });
  }

  #rememberDirty(orderNo: string, seq: number | null, now: number): void {
    if (seq !== null) outbox.touchOrder(this.#sql, orderNo, now); // a change of the order itself wrote its time already
    if (this.#dirtySince !== null && this.#dirtySince <= now) return; // a clock may step back
    this.#dirtySince = now;
    outbox.writeDirtySince(this.#sql, now);
  }

  nextAt(): number | null {
    const at = this.#aside.nextAt();
    return at === null ? this.#at : Math.min(at, this.#at ?? at);
  }

  /** D1 may lack what this order did last. */
  isBehind(orderNo: string): boolean {
    const isWaiting = this.#dirty.has(orderNo) || this.#telling.has(orderNo) || this.#aside.has(orderNo);
    return isWaiting || this.#sweep !== null;
  }

  /** Tells D1 everything again, from the first fact; durably, so that a restart goes on with it. */
  rebuild(now: number): void {
    this.#cursor = 0;
    this.#sweep = { after: '', since: 0 };
    this.#dirtySince = 0;
    this.#at = now;
    this.#written = { ...this.#dispatcher.marks, projected: 0, dirtySince: 0 };
    outbox.writeMarks(this.#sql, this.#written);
    this.#aside.hurry(now);
    forgetWalk(this.#sql, 'events');
  }

  /** One batch, and one order that was set aside. Never throws: D1's refusal only moves the time of the next try. */
  async flush(now: number): Promise<void> {
    if (this.#at !== null && now >= this.#at) await this.#flushNext(now);
    const aside = this.#aside.due(now);
    if (aside !== null) await this.#tryAgain(aside, now);
  }

  async #flushNext(now: number): Promise<void> {
    this.#at = null;
    const batchMax = this.#batchMax;
    const keptSince = this.#keptSince(now);
    const events = projection.eventsAfter(this.#sql, keptSince, this.#cursor, batchMax);
    // The last resort is one order alone.
    const rest = batchMax === 1 && events.length > 0 ? 0 : batchMax;
    const taken = [...this.#dirty].slice(0, rest);
    for (const [orderNo] of taken) this.#dirty.delete(orderNo);
    const sweep = this.#sweep;
    const sweepMax = batchMax === 1 && taken.length > 0 ? 0 : rest;
    const swept = this.#nextSwept(sweepMax);
    const all = [...events.map((event) => event.order_no), ...taken.map(([no]) => no), ...swept];
    // The bare number of what was parked is of no order, and nobody's business.
    const isTold = (orderNo: string) => orderNo !== '' && !this.#aside.has(orderNo);
    const orderNos = [...new Set(all)].filter(isTold);
    // From here on these facts are read: one that settles while D1 is being told has changed behind the walk.
    const before = this.#cursor;
    this.#cursor = events.at(-1)?.seq ?? before;
    const rows = taken.filter(([, { isOrder }]) => isOrder).map(([no]) => no);
    const whole = new Set([...events.map((event) => event.order_no), ...rows, ...swept]);
    const changed = orderNos.filter((orderNo) => whole.has(orderNo)); // of the others only deliveries ended
    // What a person let go comes before whatever the same order did since.
    const released = projection.eventsReleased(this.#sql, keptSince, changed, before);
    const told = [...released, ...events].filter((event) => isTold(event.order_no));
    try {
      await this.#put(told, changed, orderNos, now);
    } catch (error) {
      this.#cursor = Math.min(this.#cursor, before); // a rebuild may have begun meanwhile
      for (const [orderNo, dirty] of taken) this.#remember(orderNo, dirty);
      this.#failures += 1;
      this.#batchMax = Math.max(1, batchMax >> 1);
      this.#at = Date.now() + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      const { name: shard } = this.#shard;
      console.error(JSON.stringify({ hop: 'project', shard, error: String(error), failures: this.#failures }));
      await this.#refuse(orderNos, events[0]?.seq ?? before + 1, String(error));
      return;
    }
    this.#failures = 0;
    this.#batchMax = Math.min(PROJECT_BATCH_MAX, batchMax * 2);
    // A sweep that began while D1 was being told has all its way to go.
    if (sweep && this.#sweep === sweep && sweepMax > 0)
      this.#sweep = swept.length < batchMax ? null : { ...sweep, after: swept.at(-1) ?? '' };
    const more = events.length === batchMax || this.#dirty.size > 0 || this.#sweep !== null;
    if (more) this.#at = Date.now();
  }

  /** One order alone, that a D1 which takes others has refused several times, must not keep these from the lists. */
  async #refuse([orderNo, ...others]: readonly string[], fromSeq: number, error: string): Promise<void> {
    if (orderNo === undefined || others.length > 0 || this.#aside.isFull) return;
    if (!(await this.#takesOthers())) return this.#refused.clear();
    const times = (this.#refused.get(orderNo) ?? 0) + 1;
    this.#refused.set(orderNo, times);
    if (times < ASIDE_REFUSALS) return;
    this.#refused.delete(orderNo);
    this.#aside.put(this.#dispatcher.config.channelId, { orderNo, fromSeq }, error, Date.now());
    this.#failures = 0;
    this.#at = Date.now();
  }

  async #takesOthers(): Promise<boolean> {
    try {
      await within(projection.tryProjection(this.#shard.env.DB), PROJECT_TIMEOUT_MS, 'D1');
      return true;
    } catch {
      return false;
    }
  }

  /** Whole: the walk is past it, and told nothing of it since. */
  async #tryAgain(aside: SetAside, now: number): Promise<void> {
    const { channelId } = this.#dispatcher.config;
    const { orderNo } = aside;
    const cursor = this.#cursor;
    try {
      const events = projection.eventsOf(this.#sql, this.#keptSince(now), aside, cursor);
      await this.#put(events, [orderNo], [orderNo], now);
      this.#aside.end(channelId, orderNo, now);
    } catch (error) {
      this.#aside.put(channelId, aside, String(error), now);
      console.error(JSON.stringify({ hop: 'project', shard: this.#shard.name, orderNo, error: String(error) }));
    }
  }

  #keptSince(now: number): number {
    return cutoffOf(this.#dispatcher.config.settings.retention.eventsDays, now);
  }

  #nextSwept(limit: number): string[] {
    if (!this.#sweep || limit === 0) return [];
    return projection.ordersChangedSince(this.#sql, this.#sweep.after, this.#sweep.since, limit);
  }

  /** `changed`: those of the orders whose own rows D1 needs. */
  async #put(
    events: readonly Record<string, unknown>[],
    changed: readonly string[],
    orderNos: readonly string[],
    now: number,
  ): Promise<void> {
    if (orderNos.length === 0) return;
    const { channelId: channel } = this.#dispatcher.config;
    const batch: projection.ProjectionBatch = {
      ...projection.orderRows(this.#sql, channel, changed),
      events: events.map((event) => ({ ...event, channel })),
      deliveries: projection.deliveryRows(this.#sql, channel, orderNos, now),
    };
    // Before D1 is told: a kill after it must not leave rows there that nobody goes back for.
    walkBackTo(this.#sql, orderNos);
    this.#telling = new Set(orderNos);
    try {
      await within(projection.putProjection(this.#shard.env.DB, batch), PROJECT_TIMEOUT_MS, 'D1');
    } finally {
      this.#telling = new Set();
    }
  }

  /** Writes the marks that moved; at most one row a flush. */
  saveMarks(): void {
    const { head, low } = this.#dispatcher.marks;
    const pending = [...this.#dirty.values()].filter(({ seq }) => seq > 0).map(({ seq }) => seq - 1);
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
