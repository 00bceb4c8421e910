// Dispatch inside one shard: which events may go to the queue now. Holds flights, lanes and permits in memory, and in
// the outbox tables whatever must outlive it. Never posts to an origin, never judges an outcome (claim-desk.ts does).
import { type DispatchConfig, type DispatchOrigin, mergeDispatch } from '../core/channel.ts';
import { firstWaitMs } from '../core/delivery.ts';
import { outcomeOf } from '../core/gate.ts';
import {
  DISPATCH_AGAIN_MS,
  DISPATCH_BATCH_MAX,
  DISPATCH_DELAY_MS,
  DISPATCH_OUTSTANDING_MAX,
  ORIGIN_OUTSTANDING_MAX,
} from '../core/limits.ts';
import type { Settlement } from '../core/record.ts';
import { isRehearsalLedger } from '../core/rehearsal.ts';
import { releaseNext } from '../store/ledger-lanes.ts';
import * as outbox from '../store/ledger-outbox.ts';
import { type Candidates, Departure, type Granted, type Stood, takes } from './departure.ts';
import { type Flight, Flights } from './flights.ts';
import { allFilters, filteredBy, leftBehind } from './origin-change.ts';
import { PermitPurse } from './permit-purse.ts';
import { Sender } from './sender.ts';

export type Shard = {
  readonly env: Env;
  readonly storage: DurableObjectStorage;
  readonly name: string;
  /** A new one for every life of the object. */
  readonly epoch: string;
  readonly leaseMs: number;
};

/** Of an origin that is left alone: the probe is the one of these that failed least. */
const PROBE_CHOICE = 10;

export class Dispatcher {
  readonly shard: Shard;
  readonly flights = new Flights();
  config: DispatchConfig;
  readonly #sql: SqlStorage;
  readonly #purse: PermitPurse;
  readonly #sender: Sender;
  readonly #isRehearsal: boolean;
  #head: number;
  /** When events above the head should be looked at; null while there are none. */
  #freshAt: number | null;
  #againAt: number | null = null;
  #retired = false;
  /** Grows when events that a flush has read may be what they were no more. */
  #turn = 0;
  /** Came to a stand since the last flush. */
  readonly #stood: Stood[] = [];

  constructor(shard: Shard, marks: outbox.Marks & { config: DispatchConfig }, now: number) {
    this.shard = shard;
    this.#sql = shard.storage.sql;
    this.#purse = new PermitPurse(shard.env, shard.name);
    this.#sender = new Sender(shard, this.flights);
    this.#isRehearsal = isRehearsalLedger(shard.name);
    this.config = marks.config;
    this.#head = marks.head;
    this.#freshAt = outbox.hasFreshEvents(this.#sql, marks.head) ? now : null;
    // In doubt: a consumer may be posting these on the word of our former life, so they wait one lease.
    const until = now + shard.leaseMs;
    const [first] = marks.config.origins; // the only one that goes without rows
    const events = first ? outbox.eventsInDoubt(this.#sql, marks, first.id, first.filter !== null) : [];
    for (const event of events.filter((one) => first && this.takes(first, one))) {
      const { seq, orderNo, eventId, trace } = event;
      this.flights.add({ seq, orderNo, eventId, trace, originId: first?.id ?? '', attempt: 1, hasRow: false, until });
    }
    for (const row of outbox.rowsInFlight(this.#sql)) {
      this.flights.add({ ...row, attempt: row.attempt + 1, hasRow: true, until });
    }
  }

  get marks(): Pick<outbox.Marks, 'head' | 'low'> {
    const unsettled = this.flights.withoutRow().map((flight) => flight.seq);
    return { head: this.#head, low: Math.min(this.#head, ...unsettled.map((seq) => seq - 1)) };
  }

  /** A commit brought events: they may go a moment later, together with what comes until then. */
  noteFresh(now: number): void {
    this.#freshAt ??= now + DISPATCH_DELAY_MS;
    this.again(this.#freshAt);
  }

  /** Its deliveries go the slow way for a while; the other shards hear it from the gate. */
  noteSlow(originId: string, now: number): void {
    this.#sender.noteSlow(originId, now);
    this.#purse.note(originId, { slow: true });
  }

  /** A person decided about events that have not passed the head. */
  noteDecided(): void {
    this.#turn += 1;
  }

  again(at: number): void {
    this.#againAt = Math.min(this.#againAt ?? at, at);
  }

  /** Whether the origin gets this event: by its filter, and a test callback's only where it asked for them. */
  takes(origin: DispatchOrigin, event: Pick<outbox.FreshEvent, 'type' | 'data'>): boolean {
    return this.#asksFor(origin) && takes(origin, this.config.channelId, event);
  }

  #asksFor = ({ acceptsTest }: DispatchOrigin): boolean => !this.#isRehearsal || acceptsTest === true;

  /** What waits for an origin goes on waiting; so does a test that the origin takes no more. */
  isPaused(originId: string): boolean {
    const origin = this.originOf(originId);
    return this.config.paused || origin?.paused !== false || !this.#asksFor(origin);
  }

  originOf(originId: string): DispatchOrigin | undefined {
    return this.config.origins.find((origin) => origin.id === originId);
  }

  /** A flight came down, whatever became of it: its lane is free and its permit goes back. */
  land(flight: Flight, now: number): void {
    this.flights.land(flight);
    if (flight.probe) this.#purse.setProbing(flight.originId, false);
    if (!flight.permit) return;
    this.#purse.giveBack(flight.originId, 1);
    // The gate should not miss its permits for long; whoever was short of them may go on at once.
    this.again(this.#purse.unblock(flight.originId) ? now : now + DISPATCH_DELAY_MS);
  }

  /** How an attempt ended: the origin's gate judges by it. */
  noteOutcome(settlement: Settlement, flight: Flight | undefined, now: number): void {
    this.#purse.note(settlement.originId, outcomeOf(settlement, flight?.probe === true, now));
    this.again(now + DISPATCH_DELAY_MS);
  }

  /** A pause met a delivery on its way: it waits as a row, no attempt burned, until the origin resumes. */
  putBack(flight: Flight, now: number): void {
    const { seq, originId, orderNo } = flight;
    const row = outbox.rowOf(this.#sql, seq, originId);
    const { attempt, failures, rev } = row ?? { attempt: 0, failures: 0, rev: 0 };
    const waiting = { state: 'waiting', reason: 'paused', dueAt: now } as const;
    outbox.putRow(this.#sql, { seq, originId, orderNo, attempt, failures, rev: rev + 1, ...waiting });
    this.land(flight, now);
    this.#stood.push({ seq, orderNo });
  }

  /** The order's next event for this origin may go. */
  releaseNext(orderNo: string, originId: string, now: number): void {
    const waitMs = firstWaitMs(this.originOf(originId)?.ladderSeconds ?? [], Math.random());
    const dueAt = releaseNext(this.#sql, orderNo, originId, now, waitMs);
    if (dueAt !== null) this.again(dueAt);
  }

  /** When this wants to run again, as far as memory knows. */
  get againAt(): number | null {
    return this.#againAt;
  }

  /**
   * Takes what is newer; false when nothing is. When the first origin or its filter changes, what flew without a row
   * gets one: else a restart would look for these events among those that the new one was told.
   */
  configure(next: DispatchConfig, now: number): boolean {
    const config = mergeDispatch(this.config, next);
    if (!config) return false;
    const firstChanged = filteredBy(this.config.origins[0]) !== filteredBy(config.origins[0]);
    const rowless = firstChanged ? this.flights.withoutRow() : [];
    this.shard.storage.transactionSync(() => {
      outbox.writeConfig(this.#sql, config);
      for (const { seq, originId, orderNo } of rowless) {
        const blank = { seq, originId, orderNo, dueAt: null, attempt: 0, failures: 0, rev: 1 };
        outbox.putRow(this.#sql, { ...blank, state: 'in_flight', reason: null });
      }
      if (firstChanged) outbox.raiseLow(this.#sql);
      for (const alarm of leftBehind(this.#sql, this.config, config, now)) outbox.putAlarm(this.#sql, alarm);
    });
    for (const flight of rowless) flight.hasRow = true;
    // Two versions of the gateway may take turns with what else is in it: that must not keep events waiting.
    if (allFilters(this.config) !== allFilters(config)) this.#turn += 1;
    this.config = config;
    this.#purse.unblockAll();
    this.again(now);
    return true;
  }

  /**
   * Hands what may go to the queue. Whatever could not be sent stays ready and is sent later. Answers what
   * came to a stand: D1 may have been told of it before it had anything to show.
   */
  async flush(now: number): Promise<readonly Stood[]> {
    this.flights.expire(now);
    if (now < this.#sender.blockedUntil) return this.#stood.splice(0);
    this.#againAt = null;
    const turn = this.#turn;
    const candidates = this.#candidates(now);
    const granted = await this.#permits(candidates, now);
    if (this.#retired) return [];
    // Discarded while the gate was asked, or read without what a new filter looks at: to be read anew.
    const isOld = turn !== this.#turn;
    if (isOld && candidates.fresh.length > 0) this.#freshAt = now;
    const current = isOld ? { ...candidates, fresh: [] } : candidates;
    const kept = this.shard.storage.transactionSync(() => this.#depart(current, granted, Date.now()));
    await this.#sender.send();
    return [...this.#stood.splice(0), ...kept];
  }

  /** The tables have another reader now: this one must not write any more. */
  retire(): void {
    this.#retired = true;
  }

  /** When flush should run next; null when nothing here waits for time alone. */
  nextAt(): number | null {
    const times = [this.#againAt, this.flights.nextUntil()];
    if (this.flights.ready(1).length > 0) times.push(this.#sender.blockedUntil); // the queue refused them
    if (this.#room > 0) {
      for (const { id } of this.config.origins) {
        const dueAt = this.isPaused(id) ? null : outbox.nextDueAt(this.#sql, id);
        if (dueAt !== null) times.push(Math.max(dueAt, this.#purse.blockedUntil(id)));
      }
      if (this.#freshAt !== null) times.push(this.#freshAt);
    }
    const next = Math.min(...times.filter((at) => at !== null));
    return next === Number.POSITIVE_INFINITY ? null : Math.max(next, this.#sender.blockedUntil);
  }

  get #room(): number {
    return Math.min(DISPATCH_BATCH_MAX, DISPATCH_OUTSTANDING_MAX - this.flights.size);
  }

  /** An origin that hangs must leave room for the others; one that is left alone gets one delivery at most. */
  #roomOf(originId: string): number {
    if (this.#purse.isNarrow(originId)) return PROBE_CHOICE;
    const most = this.config.origins.length > 1 ? ORIGIN_OUTSTANDING_MAX : DISPATCH_OUTSTANDING_MAX;
    return most - this.flights.countOf(originId);
  }

  #candidates(now: number): Candidates {
    let room = this.#room; // none: landing makes some and flushes again
    const due = new Map<string, readonly outbox.DueRow[]>();
    for (const { id } of this.config.origins) {
      const most = Math.min(room, this.#roomOf(id));
      if (most <= 0 || this.isPaused(id) || now < this.#purse.blockedUntil(id)) continue;
      const rows = outbox.dueRows(this.#sql, id, now, most);
      due.set(id, rows);
      room -= rows.length;
    }
    if (room <= 0 || this.#freshAt === null || now < this.#freshAt) return { fresh: [], due };
    const isFiltered = this.config.origins.some(({ filter }) => filter !== null);
    const fresh = outbox.freshEvents(this.#sql, this.#head, room, isFiltered);
    this.#freshAt = fresh.length < room ? null : now + DISPATCH_AGAIN_MS;
    return { fresh, due };
  }

  async #permits({ fresh, due }: Candidates, now: number): Promise<Granted> {
    const granted: Granted = new Map();
    const unpermitted = this.flights.readyWithoutPermit();
    const take = async (origin: DispatchOrigin, index: number) => {
      const anew = unpermitted.filter((flight) => flight.originId === origin.id).length;
      const all = (due.get(origin.id)?.length ?? 0) + (index === 0 ? fresh.length : 0);
      const wanted = anew + Math.max(0, Math.min(all, this.#roomOf(origin.id)));
      const reply = await this.#purse.take(origin, this.isPaused(origin.id) ? 0 : wanted, now);
      granted.set(origin.id, { left: reply.granted, probe: reply.probe });
      if (reply.slow) this.#sender.noteSlow(origin.id, now);
      if (anew > 0 && !this.isPaused(origin.id) && reply.granted < wanted) this.again(reply.retryAt);
    };
    await Promise.all([...this.config.origins.map(take), this.#purse.leave(this.config.origins, now)]);
    return granted;
  }

  /** Inside one transaction: passes the head, makes rows for what must wait, puts the rest into flight. */
  #depart({ fresh, due }: Candidates, granted: Granted, now: number): readonly Stood[] {
    // Nobody has these, and their origin is paused or gone: they must not take up the room of the others.
    for (const flight of this.flights.idle()) if (this.isPaused(flight.originId)) this.putBack(flight, now);
    const purse = this.#purse;
    const departure = new Departure(this, granted, now);
    departure.idle(this.flights.readyWithoutPermit());
    const firstId = this.config.origins[0]?.id ?? '';
    const isProbe = (originId: string) => granted.get(originId)?.probe === true;
    for (const [id, rows] of due) if (!isProbe(id)) departure.rows(rows);
    const { head, kept } = departure.fresh(fresh);
    // A probe that fails costs its delivery an attempt: a fresh event makes it, else the row that failed least.
    const byFailures = (a: outbox.DueRow, b: outbox.DueRow) => a.failures - b.failures;
    for (const [id, rows] of due) if (isProbe(id)) departure.rows(rows.toSorted(byFailures));
    if (fresh.length > 0 && head !== fresh.at(-1)?.seq) {
      this.#freshAt = Math.max(now + DISPATCH_AGAIN_MS, purse.blockedUntil(firstId));
    }
    for (const [originId, { left, probe }] of granted) {
      purse.giveBack(originId, left);
      if (probe) purse.setProbing(originId, left === 0);
    }
    if (purse.owes) this.again(now + purse.tellAfterMs);
    if (head !== null) {
      this.#head = head;
      outbox.writeHead(this.#sql, head); // durable before anything is sent: a restart must know what may be out
    }
    return kept;
  }
}
