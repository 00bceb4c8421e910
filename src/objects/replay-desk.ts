// Bulk replays: walks the deliveries that a filter means and asks their ledgers for each again, so many a second. One
// object; its place is durable, and a ledger moves each delivery once for each replay. Never posts anything itself.
import { DurableObject } from 'cloudflare:workers';
import { backoffMs } from '../core/delivery.ts';
import {
  BACKOFF_MS_MAX,
  PROJECT_TIMEOUT_MS,
  PUSH_TIMEOUT_MS,
  REPLAYS_KEPT_MAX,
  REPLAYS_RUNNING_MAX,
} from '../core/limits.ts';
import { beginJob, type ReplayDraft, type ReplayJob, type ReplayReply, type StartReply } from '../core/replay.ts';
import { within } from '../core/within.ts';
import { ledgerOf } from '../record.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import * as jobs from '../store/replay-jobs.ts';
import { listReplayable, placeOfReplayable, type Replayable } from '../store/replayable.ts';

const STEP_MS = 1_000;
const PROBLEM_CHARS_MAX = 200;

export class ReplayDesk extends DurableObject<Env> {
  #failures = 0;

  get #sql(): SqlStorage {
    return this.ctx.storage.sql;
  }

  /** Begins a replay in the background; the same key with the same request answers the one it began before. */
  async start(draft: ReplayDraft): Promise<StartReply> {
    return this.ctx.storage.transactionSync(() => {
      if (!jobs.hasReplayTables(this.#sql)) jobs.createReplayTables(this.#sql);
      const known = draft.key === null ? null : jobs.jobOfKey(this.#sql, draft.key);
      if (known) return known.digest === draft.digest ? { kind: 'started', job: known.job } : { kind: 'key_reused' };
      if (jobs.runningJobs(this.#sql).length >= REPLAYS_RUNNING_MAX) return { kind: 'busy' };
      const job = beginJob(draft);
      jobs.insertJob(this.#sql, job, draft.key, draft.digest);
      jobs.pruneJobs(this.#sql, REPLAYS_KEPT_MAX);
      void this.ctx.storage.setAlarm(draft.now);
      return { kind: 'started', job };
    });
  }

  async read(id: string): Promise<ReplayJob | null> {
    return jobs.hasReplayTables(this.#sql) ? jobs.readJob(this.#sql, id) : null;
  }

  async list(before: number | null, limit: number): Promise<ReturnType<typeof jobs.listJobs>> {
    return jobs.hasReplayTables(this.#sql) ? jobs.listJobs(this.#sql, before, limit) : [];
  }

  /** Ends it where it is; what went again already goes on. Null when there is none; one that is over stays as it is. */
  async cancel(id: string, now: number): Promise<ReplayJob | null> {
    const job = await this.read(id);
    if (job?.state !== 'running') return job;
    const cancelled: ReplayJob = { ...job, state: 'cancelled', finishedAt: now };
    jobs.putJob(this.#sql, cancelled);
    return cancelled;
  }

  /** Cron's nudge: an alarm that the platform lost is set again. */
  async poke(): Promise<void> {
    if (!jobs.hasReplayTables(this.#sql) || (await this.ctx.storage.getAlarm()) !== null) return;
    if (jobs.runningJobs(this.#sql).length > 0) await this.ctx.storage.setAlarm(Date.now());
  }

  override async alarm(): Promise<void> {
    const startedAt = Date.now();
    let isFailed = false;
    try {
      for (const job of jobs.runningJobs(this.#sql)) if (!(await this.#step(job))) isFailed = true;
    } finally {
      this.#failures = isFailed ? this.#failures + 1 : 0;
      const waitMs = isFailed ? backoffMs(this.#failures, STEP_MS, BACKOFF_MS_MAX) : STEP_MS;
      if (jobs.runningJobs(this.#sql).length > 0) await this.ctx.storage.setAlarm(startedAt + waitMs);
    }
  }

  /** One second's share. Its place is kept as far as it came, whatever stopped it; false when something did. */
  async #step(begun: ReplayJob): Promise<boolean> {
    const { id, filter, perSecond } = begun;
    let job: ReplayJob = { ...begun, problem: null };
    try {
      const listed = listReplayable(this.env.DB, filter, begun.place, perSecond);
      const rows = await within(listed, PROJECT_TIMEOUT_MS, 'D1');
      for (const row of rows) job = await this.#one(job, row);
      if (rows.length < perSecond) job = { ...job, state: 'done', finishedAt: Date.now() };
    } catch (error) {
      job = { ...job, problem: String(error).slice(0, PROBLEM_CHARS_MAX) };
      console.error(JSON.stringify({ hop: 'replay', id, error: job.problem }));
    }
    // Cancelled meanwhile: that stands, with the place it came to.
    const { state, finishedAt } = jobs.readJob(this.#sql, id) ?? job;
    jobs.putJob(this.#sql, state === 'cancelled' ? { ...job, state, finishedAt } : job);
    return job.problem === null;
  }

  async #one(job: ReplayJob, row: Replayable): Promise<ReplayJob> {
    const { id, filter, actor } = job;
    if (jobs.readJob(this.#sql, id)?.state !== 'running') return job;
    const record = await readChannelCopy(this.env, row.channel, Date.now());
    if (!record) throw new Error(`channel ${row.channel} cannot be read`);
    const originId = row.origin === '' ? (filter.origin ?? undefined) : row.origin;
    const asked = { v: 1, orderNo: row.order_no, eventId: row.event_id, originId, actor, job: id } as const;
    const ledger = ledgerOf(this.env, record, row.order_no);
    const what = `The ledger of ${row.channel}/${row.order_no}`;
    const reply = await within<ReplayReply>(ledger.replay(asked), PUSH_TIMEOUT_MS, what);
    const replayed = job.replayed + (reply.kind === 'replayed' ? reply.deliveries : 0);
    return { ...job, place: placeOfReplayable(row), seen: job.seen + 1, replayed };
  }
}
