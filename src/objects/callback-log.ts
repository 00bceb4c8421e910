// CallbackLog: what arrived at one channel and changed no order. Owns its samples, counts and kept notices, and their
// rows in D1. Never on the way of a payment: only a notice without an order waits for it.
import { DurableObject } from 'cloudflare:workers';
import { type ArrivalBatch, type KeptNotice, NO_CHANNEL } from '../core/arrival.ts';
import {
  ARRIVAL_PROJECT_MS,
  ARRIVAL_SAMPLES_PER_MINUTE_MAX,
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  HINTS_PER_MINUTE_MAX,
  PROJECT_DELAY_MS,
  PROJECT_TIMEOUT_MS,
} from '../core/limits.ts';
import { PerMinute } from '../core/per-minute.ts';
import { DEFAULT_RETENTION } from '../core/retention.ts';
import { within } from '../core/within.ts';
import { archiveOf, putArchive } from '../store/archive.ts';
import {
  agedArchive,
  createLogTables,
  hasLogTables,
  keepingAged,
  keepNotice,
  type LogProjection,
  type LogRetention,
  logProjectionStatements,
  noteBatch,
  projectedAtOf,
  readLogProjection,
  setLogRetention,
  settleLogProjection,
  tellCountsAgain,
  unproject,
} from '../store/callback-log.ts';
import { keptSince } from '../store/kept-notices.ts';

/** Writes to D1 in one alarm at most; the rest waits for the next. */
const STEPS_MAX = 20;

export class CallbackLog extends DurableObject<Env> {
  readonly #followed = new PerMinute(HINTS_PER_MINUTE_MAX);
  readonly #sampled = new PerMinute(ARRIVAL_SAMPLES_PER_MINUTE_MAX);
  #hasTables = false;
  /** When the alarm goes off; null when none is set. */
  #armedAt: number | null = null;
  #failures = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.blockConcurrencyWhile(async () => {
      this.#armedAt = await ctx.storage.getAlarm();
      this.#hasTables = hasLogTables(ctx.storage.sql);
    });
  }

  /** Adds what an isolate held back; the same batch again changes nothing. */
  async note(batch: ArrivalBatch): Promise<void> {
    const now = Date.now();
    const isWanted = () => this.#sampled.allows('', now);
    this.#write(batch.channelId, () => noteBatch(this.ctx.storage.sql, batch, now, isWanted));
  }

  /** Keeps a notice whole; replies once it is durable. `known`: it was kept before. */
  async keep(notice: KeptNotice): Promise<'kept' | 'known'> {
    return this.#write(notice.channelId, () => (keepNotice(this.ctx.storage.sql, notice) ? 'kept' : 'known'));
  }

  /** When the last notice of this type was kept; null when none was since then. */
  keptSince(noticeType: string, since: number): number | null {
    return this.#hasTables ? keptSince(this.ctx.storage.sql, noticeType, since) : null;
  }

  /** Shows everything that is kept in D1 again, because D1 was lost or is being rebuilt. */
  async rebuild(): Promise<void> {
    if (!this.#hasTables) return; // an object that never wrote must not begin to
    this.ctx.storage.transactionSync(() => {
      unproject(this.ctx.storage.sql);
      this.#arm(Date.now() + PROJECT_DELAY_MS);
    });
  }

  /** Whether one more callback that cannot be verified may be followed; writes nothing. */
  mayFollow(now: number): boolean {
    return this.#followed.allows('', now);
  }

  /** Cron's nudge: an alarm that the platform lost is set again. */
  async poke(retention: LogRetention = DEFAULT_RETENTION): Promise<void> {
    if (this.#hasTables) {
      setLogRetention(this.ctx.storage.sql, retention);
      tellCountsAgain(this.ctx.storage.sql);
    }
    if (!this.#hasTables || (await this.ctx.storage.getAlarm()) !== null) return;
    this.#armedAt = null;
    if (readLogProjection(this.ctx.storage.sql, Date.now()) !== null) this.#arm(Date.now());
  }

  override async alarm(): Promise<void> {
    this.#armedAt = null;
    let next: number | null = null;
    try {
      next = (await this.#project()) ? null : Date.now() + ARRIVAL_PROJECT_MS;
      this.#failures = 0;
    } catch (error) {
      next = Date.now() + Math.min(BACKOFF_MS_MIN * 2 ** this.#failures, BACKOFF_MS_MAX);
      this.#failures = Math.min(this.#failures + 1, 16);
      if (this.#failures === 1) console.error(JSON.stringify({ hop: 'project', error: `${error}` }));
    } finally {
      if (next !== null) this.#arm(next);
    }
  }

  /** One transaction: the tables if need be, the write, the alarm. */
  #write<T>(channelId: string, write: () => T): T {
    const { sql } = this.ctx.storage;
    const now = Date.now();
    const result = this.ctx.storage.transactionSync(() => {
      if (!this.#hasTables) createLogTables(sql, channelId);
      const written = write();
      this.#arm(Math.max(now + PROJECT_DELAY_MS, projectedAtOf(sql) + ARRIVAL_PROJECT_MS));
      return written;
    });
    this.#hasTables = true;
    return result;
  }

  /** True when D1 shows everything; false when there is more than one alarm should carry. */
  async #project(): Promise<boolean> {
    const { sql } = this.ctx.storage;
    if (!this.#hasTables) return true;
    for (let step = 0; step < STEPS_MAX; step++) {
      const projection = await this.#withArchive(readLogProjection(sql, Date.now()));
      if (projection === null) return true;
      await within(this.env.DB.batch(logProjectionStatements(this.env.DB, projection)), PROJECT_TIMEOUT_MS, 'D1');
      this.ctx.storage.transactionSync(() => settleLogProjection(sql, projection, Date.now()));
    }
    return false;
  }

  /** Old arrivals are in the archive before they go. While it is away they stay, and all else goes on. */
  async #withArchive(projection: LogProjection | null): Promise<LogProjection | null> {
    const bucket = archiveOf(this.env);
    const archived = projection && bucket && agedArchive(this.ctx.storage.sql, this.ctx.id.name ?? '', projection);
    if (!archived || archived.channel === NO_CHANNEL) return projection;
    try {
      await within(putArchive(bucket, archived), PROJECT_TIMEOUT_MS, 'The archive');
      return projection;
    } catch (error) {
      console.error(JSON.stringify({ hop: 'archive', channel: archived.channel, error: String(error) }));
      return keepingAged(projection);
    }
  }

  /** Sets the alarm unless an earlier one is set. One that is a minute late is taken for stuck and set again. */
  #arm(at: number): void {
    const isStuck = this.#armedAt !== null && this.#armedAt < Date.now() - ARRIVAL_PROJECT_MS;
    if (this.#armedAt !== null && this.#armedAt <= at && !isStuck) return;
    this.#armedAt = at;
    void this.ctx.storage.setAlarm(at); // committed together with the write around it
  }
}
