// Counts what one shard does, by hour, for charts and alarms. Facts are counted from their table, so that none is
// missed or counted twice; deliveries from memory, of which a crash loses a few seconds. D1's trouble only delays it.
import { backoffMs } from '../core/delivery.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, PROJECT_TIMEOUT_MS, TALLY_DELAY_MS, TALLY_FACTS_MAX } from '../core/limits.ts';
import { add, type HourTally, hourOf, latencyOf, merge, type Tally, tallyOf } from '../core/tally.ts';
import { within } from '../core/within.ts';
import * as tallies from '../store/ledger-tallies.ts';
import { putRollups, type Rollup } from '../store/rollups.ts';
import type { Dispatcher, Shard } from './dispatcher.ts';

/** Rows that D1 is told at once after it was lost. */
const UNTOLD_MAX = 100;
/** Deliveries that memory holds until they are counted; more are not counted while D1 is away. */
const DELIVERED_MAX = 20_000;

/** One delivery that an origin took. */
type Delivered = { readonly seq: number; readonly at: number; readonly settledAt: number };

export class Tallier {
  readonly #shard: Shard;
  readonly #sql: SqlStorage;
  readonly #dispatcher: Dispatcher;
  #delivered: Delivered[] = [];
  #upto: number;
  #at: number | null;
  #failures = 0;

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

  noteDelivered(
    { seq, at, ms }: { readonly seq: number; readonly at: number; readonly ms: number },
    now: number,
  ): void {
    if (this.#delivered.length < DELIVERED_MAX) this.#delivered.push({ seq, at: at + ms, settledAt: now });
    this.noteFresh(now);
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
    const delivered = this.#delivered;
    this.#delivered = [];
    const rows = this.#nextRows(facts, delivered);
    const known = tallies.untold(this.#sql, UNTOLD_MAX).filter(({ hour }) => rows.every((row) => row.hour !== hour));
    const upto = facts.at(-1)?.seq ?? this.#upto;
    try {
      const all = [...rows, ...known];
      const told = putRollups(
        this.#shard.env.DB,
        all.map((row) => this.#rollupOf(row)),
      );
      await within(told, PROJECT_TIMEOUT_MS, 'D1');
      this.#shard.storage.transactionSync(() => this.#write(all, rows, upto));
    } catch (error) {
      this.#delivered.unshift(...delivered);
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
  #write(all: readonly tallies.TallyRow[], counted: readonly tallies.TallyRow[], upto: number): void {
    const stored = new Map(
      tallies
        .talliesOf(
          this.#sql,
          counted.map(({ hour }) => hour),
        )
        .map((row) => [row.hour, row]),
    );
    const isOther = counted.some(({ hour, version }) => (stored.get(hour)?.version ?? 0) !== version - 1);
    if (isOther) throw new Error('Somebody else counted meanwhile: counting again.');
    tallies.writeTallies(this.#sql, all, upto);
  }

  /** The hours that these change, as they will stand. */
  #nextRows(facts: ReturnType<typeof tallies.factsToCount>, delivered: readonly Delivered[]): tallies.TallyRow[] {
    const hours = new Map<number, HourTally>();
    const count = (at: number, tally: HourTally) => {
      const hour = hourOf(at);
      const known = hours.get(hour);
      hours.set(hour, known ? merge(known, tally) : tally);
    };
    for (const fact of facts) count(fact.receivedAt, tallyOf(fact));
    const receivedAt = tallies.receivedAtOf(
      this.#sql,
      delivered.map(({ seq }) => seq),
    );
    for (const one of delivered) count(one.settledAt, { counters: deliveredTally(one, receivedAt), lastAt: null });
    const stored = new Map(tallies.talliesOf(this.#sql, [...hours.keys()]).map((row) => [row.hour, row]));
    return [...hours].map(([hour, tally]) => {
      const before = stored.get(hour);
      return { hour, version: (before?.version ?? 0) + 1, ...(before ? merge(before, tally) : tally) };
    });
  }

  #rollupOf({ hour, version, lastAt, counters }: tallies.TallyRow): Rollup {
    const shard = this.#shard.name.split(':').at(-1) ?? '';
    return { channel: this.#dispatcher.config.channelId, hour, shard, version, last_at: lastAt, doc: counters };
  }
}

function deliveredTally({ seq, at, settledAt }: Delivered, receivedAt: ReadonlyMap<number, number>): Tally {
  const verifiedAt = receivedAt.get(seq);
  return add(
    { delivered: 1 },
    verifiedAt === undefined ? {} : latencyOf('verifiedToDelivered', at - verifiedAt),
    latencyOf('deliveredToSettled', settledAt - at),
  );
}
