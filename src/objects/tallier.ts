// Counts what one shard does, by hour, for charts, reports and alarms. Facts are counted from their table, so that none
// is missed or counted twice; deliveries and answers from memory, of which a crash loses a few seconds. D1 only delays.
import { backoffMs } from '../core/delivery.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, PROJECT_TIMEOUT_MS, TALLY_DELAY_MS, TALLY_FACTS_MAX } from '../core/limits.ts';
import type { Settlement } from '../core/record.ts';
import {
  add,
  attemptTally,
  type HourTally,
  hourOf,
  latenciesOf,
  latencyOf,
  merge,
  moneyOf,
  NO_TALLY,
  type Tally,
  tallyOf,
} from '../core/tally.ts';
import { within } from '../core/within.ts';
import * as tallies from '../store/ledger-tallies.ts';
import { putRollups, type Rollup } from '../store/rollups.ts';
import type { Dispatcher, Shard } from './dispatcher.ts';

/** Rows that D1 is told at once after it was lost. */
const UNTOLD_MAX = 100;
/** Deliveries that memory holds until they are counted; more are not counted while D1 is away. */
const DELIVERED_MAX = 20_000;
/** Waits that memory holds before it sums them. */
const WAITS_MAX = 1_000;

/** One delivery that an origin took. */
type Delivered = { readonly seq: number; readonly at: number; readonly settledAt: number };

export class Tallier {
  readonly #shard: Shard;
  readonly #sql: SqlStorage;
  readonly #dispatcher: Dispatcher;
  #delivered: Delivered[] = [];
  /** What no table tells, by hour. */
  #seen = new Map<number, Tally>();
  /** How long callbacks waited in the hour of the last of them. */
  #waits: number[] = [];
  #waitedAt = 0;
  #upto: number;
  #at: number | null;
  #failures = 0;
  /** The version of the last try, whatever became of it. */
  #tried = 0;

  constructor(shard: Shard, dispatcher: Dispatcher, now: number) {
    this.#shard = shard;
    this.#sql = shard.storage.sql;
    this.#dispatcher = dispatcher;
    this.#upto = tallies.countedUpto(this.#sql);
    const isBehind = tallies.factsToCount(this.#sql, this.#upto, 1).length > 0;
    this.#at = isBehind || tallies.untold(this.#sql, 1).length > 0 ? now + TALLY_DELAY_MS : null;
  }

  /** There are facts that nobody has counted. */
  noteFresh(now: number): void {
    this.#at ??= now + TALLY_DELAY_MS;
  }

  noteSettled(
    { seq, at, ms, outcome }: Pick<Settlement, 'seq' | 'at' | 'ms' | 'outcome'>,
    isDead: boolean,
    now: number,
  ): void {
    if (outcome !== 'delivered') this.#see(now, attemptTally(outcome, isDead));
    else if (this.#delivered.length < DELIVERED_MAX) this.#delivered.push({ seq, at: at + ms, settledAt: now });
    this.noteFresh(now);
  }

  /** What came at these times is durable now. Waits for whatever is counted next: repeated callbacks write nothing. */
  noteAcknowledged(receivedAt: readonly number[], now: number): void {
    if (hourOf(now) !== hourOf(this.#waitedAt) || this.#waits.length >= WAITS_MAX) this.#seeWaits();
    this.#waitedAt = now;
    for (const at of receivedAt) this.#waits.push(now - at);
  }

  /** Waits are kept as numbers until then: this is on the way of every callback. */
  #seeWaits(): void {
    if (this.#waits.length > 0) this.#see(this.#waitedAt, latenciesOf('acknowledged', this.#waits));
    this.#waits = [];
  }

  #see(now: number, ...tallies: readonly Tally[]): void {
    const hour = hourOf(now);
    this.#seen.set(hour, add(this.#seen.get(hour) ?? {}, ...tallies));
  }

  nextAt(): number | null {
    return this.#at;
  }

  /** Tells D1 everything again; durably, so that a restart goes on with it. */
  rebuild(now: number): void {
    tallies.tellAgain(this.#sql);
    this.#at = now;
  }

  /** One batch. Never throws: D1's refusal only moves the time of the next try. */
  async flush(now: number): Promise<void> {
    if (this.#at === null || now < this.#at) return;
    this.#at = null;
    const facts = tallies.factsToCount(this.#sql, this.#upto, TALLY_FACTS_MAX);
    this.#seeWaits();
    const delivered = this.#delivered;
    const seen = this.#seen;
    this.#delivered = [];
    this.#seen = new Map();
    const { rows, from } = this.#nextRows(facts, delivered, seen, now);
    const known = tallies.untold(this.#sql, UNTOLD_MAX).filter(({ hour }) => rows.every((row) => row.hour !== hour));
    const upto = facts.at(-1)?.seq ?? this.#upto;
    try {
      const all = [...rows, ...known];
      const told = putRollups(
        this.#shard.env.DB,
        all.map((row) => this.#rollupOf(row)),
      );
      await within(told, PROJECT_TIMEOUT_MS, 'D1');
      this.#shard.storage.transactionSync(() => this.#write(all, from, upto));
    } catch (error) {
      this.#delivered.unshift(...delivered);
      for (const [hour, tally] of seen) this.#see(hour, tally);
      this.#upto = tallies.countedUpto(this.#sql);
      this.#failures += 1;
      this.#at = Date.now() + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      console.error(JSON.stringify({ hop: 'tally', shard: this.#shard.name, error: String(error) }));
      return;
    }
    this.#failures = 0;
    this.#upto = upto;
    if (facts.length === TALLY_FACTS_MAX || known.length > 0) this.#at = Date.now();
  }

  /** An earlier life of the shard may still have been writing: what it counted must not count twice. */
  #write(all: readonly tallies.TallyRow[], from: Versions, upto: number): void {
    const stored = new Map(tallies.talliesOf(this.#sql, [...from.keys()]).map((row) => [row.hour, row.version]));
    const isOther = [...from].some(([hour, version]) => (stored.get(hour) ?? 0) !== version);
    if (isOther) throw new Error('Somebody else counted meanwhile: counting again.');
    tallies.writeTallies(this.#sql, all, upto);
  }

  /**
   * The hours that these change, as they will stand, and the versions that they stand on. A version is the time of its
   * try: D1 may hear of an earlier try late, of this life or a former, and keeps what was counted last.
   */
  #nextRows(
    facts: readonly tallies.FactRow[],
    delivered: readonly Delivered[],
    seen: ReadonlyMap<number, Tally>,
    now: number,
  ): { readonly rows: tallies.TallyRow[]; readonly from: Versions } {
    const hours = new Map<number, HourTally>();
    const count = (at: number, tally: Partial<HourTally>) => {
      const hour = hourOf(at);
      hours.set(hour, merge(hours.get(hour) ?? NO_TALLY, { ...NO_TALLY, ...tally }));
    };
    for (const fact of facts) {
      count(fact.receivedAt, tallyOf(fact));
      for (const [hour, money] of moneyOf(fact.booked)) count(hour, { money });
    }
    const times = tallies.timesOf(
      this.#sql,
      delivered.map(({ seq }) => seq),
    );
    for (const one of delivered) count(one.settledAt, { counters: deliveredTally(one, times.get(one.seq)) });
    for (const [hour, counters] of seen) count(hour, { counters });
    const stored = new Map(tallies.talliesOf(this.#sql, [...hours.keys()]).map((row) => [row.hour, row]));
    const versionOf = (hour: number) => stored.get(hour)?.version ?? 0;
    this.#tried = Math.max(now, this.#tried + 1, ...[...hours.keys()].map((hour) => versionOf(hour) + 1));
    const rows = [...hours].map(([hour, tally]) => {
      const before = stored.get(hour);
      return { hour, version: this.#tried, ...(before ? merge(before, tally) : tally) };
    });
    return { rows, from: new Map(rows.map(({ hour }) => [hour, versionOf(hour)])) };
  }

  #rollupOf({ hour, version, lastAt, counters, money, minutes }: tallies.TallyRow): Rollup {
    const channel = this.#dispatcher.config.channelId;
    const shard = this.#shard.name.split(':').at(-1) ?? '';
    const sums = { doc: counters, money: orNull(money), minutes: orNull(minutes) };
    return { channel, hour, shard, version, last_at: lastAt, ...sums };
  }
}

/** Of hours; 0: not there yet. */
type Versions = ReadonlyMap<number, number>;

const orNull = (tally: Tally): Tally | null => (Object.keys(tally).length === 0 ? null : tally);

type Times = { readonly occurredAt: number; readonly receivedAt: number; readonly type: string | null };

function deliveredTally({ at, settledAt }: Delivered, times: Times | undefined): Tally {
  const settled = add({ delivered: 1 }, latencyOf('deliveredToSettled', settledAt - at));
  if (times === undefined) return settled;
  const whole = times.type === 'payment.succeeded' ? latencyOf('paidToDelivered', at - times.occurredAt) : {};
  return add(settled, latencyOf('verifiedToDelivered', at - times.receivedAt), whole);
}
