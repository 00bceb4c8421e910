// The life of one shard between its calls: working memory made from the tables, transactions, the one alarm. Knows no
// single operation of the ledger. Its alarm never throws and always re-arms.
import type { DispatchConfig } from '../core/channel.ts';
import { BACKOFF_MS_MIN, DISPATCH_AGAIN_MS } from '../core/limits.ts';
import type { RecordRequest } from '../core/record.ts';
import { rehearsalEndOf } from '../core/rehearsal.ts';
import { type Backlog, NO_BACKLOG } from '../core/vitals.ts';
import { readConfig } from '../env.ts';
import { backlogOf } from '../store/ledger-backlog.ts';
import * as outbox from '../store/ledger-outbox.ts';
import { createLedgerTables, hasLedgerTables, upgradeLedgerTables } from '../store/ledger-schema.ts';
import { postAlarms } from './alarm-post.ts';
import { postAudit } from './audit-post.ts';
import { ClaimDesk } from './claim-desk.ts';
import { Dispatcher } from './dispatcher.ts';
import { Projector } from './projector.ts';
import { prune } from './pruner.ts';
import { Tallier } from './tallier.ts';
import { Timekeeper } from './timekeeper.ts';

/** The shard's working memory; rebuilt from its tables whenever it may have come apart from them. */
export type Memory = {
  readonly dispatcher: Dispatcher;
  readonly desk: ClaimDesk;
  readonly projector: Projector;
  readonly timekeeper: Timekeeper;
  readonly tallier: Tallier;
};

export class LedgerLife {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  #memory: Memory | null = null;
  #alarmAt: number | null = null;
  #isPruning = false;

  constructor(ctx: DurableObjectState, env: Env) {
    this.#ctx = ctx;
    this.#env = env;
  }

  get sql(): SqlStorage {
    return this.#ctx.storage.sql;
  }

  get name(): string {
    return this.#ctx.id.name ?? '';
  }

  /** When all that is here goes; null for the ledger of real orders. */
  get #endAt(): number | null {
    return rehearsalEndOf(this.name);
  }

  async begin(): Promise<void> {
    this.#alarmAt = await this.#ctx.storage.getAlarm();
    this.known();
  }

  /** The memory; made again from what is durable after it was forgotten. Null while the shard has no tables. */
  known(): Memory | null {
    if (this.#memory) return this.#memory;
    return hasLedgerTables(this.sql) ? this.#remember() : null;
  }

  /** The memory, made with the tables on the shard's first write. */
  open(dispatch: DispatchConfig): Memory {
    const known = this.known();
    if (known) return known;
    createLedgerTables(this.sql, JSON.stringify(dispatch));
    return this.#remember();
  }

  /** Takes what a request knows of the channel, before its facts and apart from them. */
  meet(dispatch: DispatchConfig): void {
    const { dispatcher } = this.known() ?? this.transact(() => this.open(dispatch));
    if (dispatcher.configure(dispatch, Date.now())) this.arm();
  }

  #remember(): Memory {
    const { storage } = this.#ctx;
    storage.transactionSync(() => upgradeLedgerTables(storage.sql));
    const { leaseMs } = readConfig(this.#env);
    const shard = { env: this.#env, storage, name: this.name, epoch: crypto.randomUUID(), leaseMs };
    const marks = outbox.readMarks(storage.sql);
    const dispatcher = new Dispatcher(shard, marks, Date.now());
    const projector = new Projector(shard, marks, dispatcher, Date.now());
    const timekeeper = new Timekeeper(shard, dispatcher, projector);
    const tallier = new Tallier(shard, dispatcher, Date.now());
    this.#memory = { dispatcher, desk: new ClaimDesk(dispatcher), projector, timekeeper, tallier };
    return this.#memory;
  }

  /** Memory may have come apart from the tables: the next call begins a new life from what is durable. */
  #forget(): void {
    this.#memory?.dispatcher.retire();
    this.#memory = null;
  }

  transact<T>(step: () => T, afterFailure = () => this.#forget()): T {
    const alarmAt = this.#alarmAt;
    try {
      return this.#ctx.storage.transactionSync(step);
    } catch (error) {
      this.#alarmAt = alarmAt; // the platform's own alarm was rolled back too
      afterFailure();
      throw error;
    }
  }

  /** One change of one order in one transaction; `missing` where this shard has no tables. */
  change<T>(
    orderNo: string,
    missing: T,
    step: (memory: Memory, now: number) => T,
    isChange: (reply: T) => boolean = () => true,
  ): T {
    const memory = this.known();
    if (!memory) return missing;
    const now = Date.now();
    return this.transact(() => {
      const reply = step(memory, now);
      if (isChange(reply)) this.noteChanged(memory, orderNo, now);
      return reply;
    });
  }

  /** An order changed; there may be events and timers of it. */
  noteChanged({ dispatcher, projector, timekeeper, tallier }: Memory, orderNo: string, now: number): void {
    dispatcher.noteFresh(now);
    projector.noteChanged(orderNo, null, now);
    timekeeper.noteChanged();
    tallier.noteFresh(now);
    this.arm();
  }

  /** What these brought is durable now, and their answers leave: so long have callbacks waited. */
  noteAcknowledged(requests: readonly RecordRequest[]): void {
    const callbacks = requests.flatMap(({ facts }) => facts.filter(({ source }) => source === 'callback'));
    const times = callbacks.map(({ receivedAt }) => receivedAt);
    if (times.length > 0) this.#memory?.tallier.noteAcknowledged(times, Date.now());
  }

  async alarm(): Promise<void> {
    this.#alarmAt = null;
    try {
      if (this.#endAt !== null && this.#endAt <= Date.now()) return await this.#end();
      const kept = (await this.known()?.dispatcher.flush(Date.now())) ?? [];
      for (const { orderNo, seq } of kept) this.known()?.projector.noteChanged(orderNo, seq, Date.now());
      await this.#tell();
      await this.known()?.timekeeper.run(Date.now());
      await this.#post();
    } catch (error) {
      console.error(JSON.stringify({ hop: 'alarm', shard: this.name, error: String(error) }));
      this.#forget();
      this.arm(Date.now() + BACKOFF_MS_MIN); // with the tables out of reach, nothing else would wake the shard
    } finally {
      const next = this.#nextAt();
      this.arm(next === null ? null : Math.max(next, Date.now() + DISPATCH_AGAIN_MS));
    }
  }

  /** Tells D1 what lists and figures show. Of a rehearsal nothing. */
  async #tell(): Promise<void> {
    if (this.#endAt === null) await this.known()?.projector.flush(Date.now());
    this.known()?.projector.saveMarks();
    if (this.#endAt === null) await this.known()?.tallier.flush(Date.now());
  }

  /** Whoever still delivers finds nothing to settle. */
  async #end(): Promise<void> {
    this.#forget();
    await this.#ctx.storage.deleteAll();
  }

  /** Tells the registry and the audit log what people should find there. A failed rehearsal is nobody's alarm. */
  async #post(): Promise<void> {
    const channelId = this.known()?.dispatcher.config.channelId;
    if (channelId === undefined) return;
    const waits = [
      this.#endAt === null ? await postAlarms(this.#env, this.sql, this.name) : null,
      await postAudit(this.#env, this.sql, this.name, channelId),
    ];
    for (const waitMs of waits) if (waitMs !== null) this.known()?.dispatcher.again(Date.now() + waitMs);
  }

  /** Whatever waits gets an alarm, even if the platform lost the last one. */
  async rearm(): Promise<void> {
    const at = await this.#ctx.storage.getAlarm();
    const overdue = at !== null && at < Date.now() - 60_000;
    this.#alarmAt = overdue ? null : at;
    this.arm();
  }

  /** Lets some of what is old go, one walk at a time; in a shard without tables nothing is. */
  async prune(now: number): Promise<void> {
    const dispatcher = this.known()?.dispatcher;
    // A rehearsal goes whole, and into no archive.
    if (!dispatcher || this.#endAt !== null || this.#isPruning) return;
    const { config, marks } = dispatcher;
    this.#isPruning = true;
    const shard = { env: this.#env, storage: this.#ctx.storage, shard: this.name };
    const isBehind = (orderNo: string) => this.#memory?.projector.isBehind(orderNo) ?? true;
    await prune({ ...shard, config, low: marks.low, isBehind }, now).finally(() => {
      this.#isPruning = false;
    });
  }

  /** What is neither over, held nor paused. */
  backlog(): Backlog {
    const dispatcher = this.known()?.dispatcher;
    if (!dispatcher || dispatcher.config.paused) return NO_BACKLOG;
    const { config, flights, marks } = dispatcher;
    const originIds = config.origins.filter(({ paused }) => !paused).map(({ id }) => id);
    const flying = flights.withoutRow().filter(({ originId }) => originIds.includes(originId));
    return backlogOf(this.sql, { head: marks.head, flying: flying.map(({ seq }) => seq), originIds });
  }

  /** For the way of every callback: looks up no row that waits. */
  armSoon(): void {
    const { dispatcher, timekeeper } = this.#memory ?? {};
    this.arm(earliest(dispatcher?.againAt, timekeeper?.nextAt(), this.#nextTellAt()));
  }

  #nextAt(): number | null {
    const { dispatcher, timekeeper } = this.#memory ?? {};
    return earliest(dispatcher?.nextAt(), timekeeper?.nextAt(), this.#nextTellAt());
  }

  #nextTellAt(): number | null {
    if (this.#memory === null) return null;
    const { projector, tallier } = this.#memory;
    return this.#endAt ?? earliest(projector.nextAt(), tallier.nextAt());
  }

  /** Sets the alarm only if none is set or this one is earlier. Part of the transaction it is called in. */
  arm(at: number | null = this.#nextAt()): void {
    if (at === null || (this.#alarmAt !== null && this.#alarmAt <= at)) return;
    this.#alarmAt = at;
    void this.#ctx.storage.setAlarm(Math.max(1, at)); // 0 says at once too, but the platform refuses it
  }
}

function earliest(...times: readonly (number | null | undefined)[]): number | null {
  const known = times.filter((at) => at != null);
  return known.length > 0 ? Math.min(...known) : null;
}
