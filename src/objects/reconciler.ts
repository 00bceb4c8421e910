// Reconciler: owns a channel's reconciliations and discrepancies, and does the runs in slices of its alarm. Thin: the
// steps are beside it, the SQL in store/. Never changes an order: it tells the ledgers what a bill has.
import { DurableObject } from 'cloudflare:workers';
import { type BillCoverage, type BillDay, dayEnd } from '../core/bill.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { backoffMs } from '../core/delivery.ts';
import { changeDiscrepancy, type Discrepancy } from '../core/discrepancy.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, PROJECT_DELAY_MS, PUSH_TIMEOUT_MS } from '../core/limits.ts';
import {
  type BringBill,
  beginRun,
  busyWith,
  type ChangeReply,
  type ChangeRequest,
  goOn,
  isUnderWay,
  type Reconciliation,
  type ReconciliationView,
  type RefusedField,
  type RunAsked,
  type RunBill,
  type StartRun,
  type StartRunReply,
  waitsForBills,
  wantedBill,
} from '../core/reconciliation.ts';
import type { WriteStamp } from '../core/registry.ts';
import { BILL_AGAIN_MS_MAX, RUN_SLICE_CALLS, RUN_SLICE_MS, RUN_SLICE_ROWS } from '../core/run-limits.ts';
import { within } from '../core/within.ts';
import { providerOf } from '../providers/index.ts';
import { discrepanciesOf, putDiscrepancy, readDiscrepancy } from '../store/reconcile-differences.ts';
import { untellRuns } from '../store/reconcile-projection.ts';
import * as store from '../store/reconcile-runs.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { beginDue, isDaily, nextDueAt } from './reconcile-clock.ts';
import { endAlarms, ReconcileDesk, type Step } from './reconcile-desk.ts';
import { type KeptFile, keepFile, TOO_LARGE } from './reconcile-fetch.ts';
import { reconcile } from './reconcile-run.ts';
import { hasUntold, pruneDiscrepancies, tellRuns } from './reconcile-told.ts';

const ALARM_LOST_MS = 60_000;
const RUN_AGAIN_MS_MIN = 5_000;
const PROBLEM_CHARS_MAX = 500;

export class Reconciler extends DurableObject<Env> {
  #hasTables = false;
  /** The run that is under way in this life, with all that it remembers; begun anew where there is none. */
  #going: { readonly day: BillDay; readonly step: Step } | null = null;
  /** Files that are being brought: no run holds them yet. */
  #isBringing = 0;
  #failures = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#hasTables = store.hasRunTables(ctx.storage.sql);
  }

  get #sql(): SqlStorage {
    return this.ctx.storage.sql;
  }

  /** Runs a day by hand; one that is under way goes on as it is. */
  async start(request: StartRun): Promise<StartRunReply> {
    const { channel, day, stamp } = request;
    const { now } = stamp;
    const record = await this.#record(channel, now);
    const bill = providerOf(record.channel.provider)?.bill;
    if (!bill) return refused('channel', `${record.channel.provider} has no bills to fetch: upload one instead.`);
    const kinds = request.kinds ?? bill.kinds.filter((kind) => kind !== 'refund');
    const unknown = kinds.find((kind) => !bill.kinds.includes(kind));
    if (unknown !== undefined) return refused('kinds', `${record.channel.provider} has no bill of kind ${unknown}.`);
    if (now < dayEnd(day, bill.offsetMinutes)) return refused('day', 'is not over yet: there is no bill of it');
    return this.ctx.storage.transactionSync(() => {
      this.#open(channel);
      const known = store.readRun(this.#sql, day);
      const claim = store.claimRunKey(this.#sql, stamp);
      if (claim === 'reused') return { kind: 'key_reused' };
      if (known && (isUnderWay(known, kinds) || claim === 'same')) return { kind: 'under_way', run: known };
      const asked = { channel, day, kinds, begunBy: 'hand' } as const;
      const bills = kinds.map((kind) => wantedBill(kind));
      const run = this.#begin(known, asked, bills, now);
      this.#note(stamp, run.id);
      return { kind: 'started', run };
    });
  }

  /** Takes a bill that somebody brings, and runs its day with it. */
  async bring(request: BringBill, bytes: ReadableStream<Uint8Array>): Promise<StartRunReply> {
    const { channel, kind, stamp } = request;
    const record = await this.#record(channel, stamp.now);
    const problem = layoutProblem(record, kind);
    if (problem !== null) return problem;
    // A provider's own file has its sums to prove it whole; a table has nothing.
    const isTable = record.channel.settings.billMapping !== null && kind !== 'fundflow';
    const covers = request.covers ?? (isTable ? 'part' : 'all');
    this.#open(channel);
    this.#isBringing += 1;
    try {
      const kept = await keepFile(this.ctx.storage, bytes);
      if (kept === null) return refused('body', TOO_LARGE);
      if (kept.bytes === 0) return refused('body', 'is empty: send the file itself');
      const reply = this.ctx.storage.transactionSync(() => this.#brought(request, covers, kept));
      if (reply.kind !== 'started' && kept.file !== null) store.dropFile(this.#sql, kept.file);
      return reply;
    } finally {
      this.#isBringing -= 1;
    }
  }

  /** Anything may have happened while the file came. */
  #brought({ channel, day, kind, stamp }: BringBill, covers: BillCoverage, kept: KeptFile): StartRunReply {
    const { now } = stamp;
    const known = store.readRun(this.#sql, day);
    // Another file under the same key is another request: it is never taken for the first one.
    const claim = store.claimRunKey(this.#sql, { ...stamp, digest: `${stamp.digest} ${kept.digest}` });
    if (claim === 'reused') return { kind: 'key_reused' };
    if (known && claim === 'same') return { kind: 'under_way', run: known };
    const detail = known && busyWith(known, kind, covers);
    if (detail !== null) {
      // Tried again under the same key once that run is over, this bill must be taken, and not the other run answered.
      store.forgetRunKey(this.#sql, stamp);
      return { kind: 'busy', detail };
    }
    const asked = { channel, day, kinds: [kind], begunBy: 'upload' } as const;
    const bill = { ...wantedBill(kind, 'upload'), covers, state: 'here' as const, ...kept };
    const run = this.#begin(known, asked, [bill], now);
    this.#note(stamp, `${run.id} ${kind} ${kept.digest ?? ''}`);
    return { kind: 'started', run };
  }

  /** A run that waits for bills goes on with these; any other day begins anew, and its files are of no use. */
  #begin(known: Reconciliation | null, asked: RunAsked, bills: readonly RunBill[], now: number): Reconciliation {
    const waiting = known !== null && waitsForBills(known) ? known : null;
    if (waiting === null && this.#going?.day === asked.day) this.#going = null;
    const run = waiting === null ? beginRun(known, asked, bills, now) : goOn(waiting, bills, now);
    const held = new Set(run.bills.map(({ file }) => file));
    for (const { file } of known?.bills ?? []) if (file !== null && !held.has(file)) store.dropFile(this.#sql, file);
    void this.ctx.storage.setAlarm(now);
    return store.putRun(this.#sql, run, now);
  }

  async read(day: BillDay): Promise<ReconciliationView | null> {
    const run = this.#hasTables ? store.readRun(this.#sql, day) : null;
    return run && { run, untied: store.readUntied(this.#sql, day) };
  }

  /** A run's discrepancies by id. */
  async list(run: string, after: string, limit: number): Promise<readonly Discrepancy[]> {
    return this.#hasTables ? discrepanciesOf(this.#sql, run, after, limit) : [];
  }

  async readDiscrepancy(id: string): Promise<Discrepancy | null> {
    return this.#hasTables ? readDiscrepancy(this.#sql, id) : null;
  }

  /** What a person says of a discrepancy. */
  async change(request: ChangeRequest): Promise<ChangeReply> {
    const reply = this.ctx.storage.transactionSync(() => this.#change(request));
    if (reply.kind === 'changed') {
      await this.#armBy(request.stamp.now + PROJECT_DELAY_MS);
      // What fails here is ended by the next run.
      if (reply.discrepancy.status !== 'open') this.ctx.waitUntil(endAlarms(this.env, this.#sql).catch(() => null));
    }
    return reply;
  }

  #change({ id, change, stamp }: ChangeRequest): ChangeReply {
    const known = this.#hasTables ? readDiscrepancy(this.#sql, id) : null;
    if (known === null) return { kind: 'missing' };
    const { now } = stamp;
    const changed = changeDiscrepancy(known, change, now);
    if (!changed.ok) return { kind: 'refused', ...changed.error };
    const { value: discrepancy } = changed;
    putDiscrepancy(this.#sql, discrepancy, now, discrepancy.status === 'open');
    const { status, note, owner, orderNo } = discrepancy;
    this.#note(stamp, `${status}${owner === null ? '' : `, ${owner}`}`, orderNo ?? '', note);
    return { kind: 'changed', discrepancy };
  }

  /** Cron's nudge: an alarm that the platform lost is set again, and a channel that has bills begins to be compared. */
  async poke(channel: string): Promise<void> {
    const record = await this.#record(channel, Date.now());
    if (!this.#hasTables && !isDaily(record.channel)) return;
    this.#open(channel);
    const now = Date.now();
    await this.#armBy(await this.#nextAt(now));
    if (hasUntold(this.#sql) || store.looseFiles(this.#sql).length > 0) await this.#armBy(now);
    await pruneDiscrepancies(this.env, this.#sql, record.channel, now);
  }

  /** Shows everything that is kept in D1 again. */
  async rebuild(): Promise<void> {
    if (!this.#hasTables) return;
    untellRuns(this.#sql);
    await this.#armBy(Date.now() + PROJECT_DELAY_MS);
  }

  override async alarm(): Promise<void> {
    let again: number | null = null;
    try {
      await this.#slice();
      const told = await tellRuns(this.env, this.#sql);
      this.#failures = told === 'nothing' ? this.#failures + 1 : 0;
      if (told === 'part') again = Date.now();
      if (told === 'nothing') again = Date.now() + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      await this.#armBy(await this.#nextAt(Date.now()));
    } catch (error) {
      this.#failures += 1;
      again = Date.now() + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      console.error(JSON.stringify({ hop: 'reconcile', name: this.ctx.id.name, error: String(error) }));
    } finally {
      await this.#armBy(again);
    }
  }

  /** As much of the run that is due as one alarm should do. A failure is kept with the run, and tried again. */
  async #slice(): Promise<void> {
    if (this.#isBringing === 0) for (const file of store.looseFiles(this.#sql)) store.dropFile(this.#sql, file);
    const began = Date.now();
    const record = await this.#record(store.channelOfRuns(this.#sql), began);
    beginDue(this.#sql, record.channel, began);
    const due = store.nextRun(this.#sql);
    if (due === null || (due.retryAt ?? 0) > began) return;
    try {
      if (this.#going?.day !== due.day) {
        const desk = await ReconcileDesk.open(this.env, this.ctx.storage, record, due);
        this.#going = { day: due.day, step: reconcile(desk) };
      }
      const { step } = this.#going;
      for (let [rows, calls] = [0, 0]; rows < RUN_SLICE_ROWS && calls < RUN_SLICE_CALLS; ) {
        const { done, value } = await step.next();
        if (done && this.#going?.step === step) this.#going = null;
        if (done || Date.now() - began > RUN_SLICE_MS) return;
        rows += value.rows;
        calls += value.calls;
      }
    } catch (error) {
      this.#setBack(due, error);
    }
  }

  #setBack({ day, runs }: Reconciliation, error: unknown): void {
    const run = store.readRun(this.#sql, day);
    if (run?.runs !== runs) return; // begun anew meanwhile
    this.#going = null;
    console.error(JSON.stringify({ hop: 'reconcile', name: this.ctx.id.name, day, error: String(error) }));
    if (run.retryAt === null) return;
    const failures = run.failures + 1;
    const retryAt = Date.now() + backoffMs(failures, RUN_AGAIN_MS_MIN, BILL_AGAIN_MS_MAX);
    const problem = `It stopped and goes on by itself: ${String(error).slice(0, PROBLEM_CHARS_MAX)}`;
    store.putRun(this.#sql, { ...run, state: 'waiting', failures, retryAt, problem }, Date.now());
  }

  /** When something is to be done; null when nothing is. */
  async #nextAt(now: number): Promise<number | null> {
    const { channel } = await this.#record(store.channelOfRuns(this.#sql), now);
    const times = [store.nextRun(this.#sql)?.retryAt ?? null, nextDueAt(this.#sql, channel, now)];
    const known = times.filter((at) => at !== null);
    return known.length === 0 ? null : Math.min(...known);
  }

  #open(channel: string): void {
    store.createRunTables(this.#sql, channel);
    this.#hasTables = true;
  }

  #note({ act, now: at }: WriteStamp, about: string, orderNo = '', reason: string | null = null): void {
    if (act) store.putRunAct(this.#sql, { ...act, at, about, orderNo, reason });
  }

  async #record(channel: string, now: number): Promise<ChannelRecord> {
    // Not this isolate's copy of it: whoever has just changed a setting runs the day again because of it.
    const asking = this.env.REGISTRY.getByName('registry').readChannel(channel);
    const asked = within(asking, PUSH_TIMEOUT_MS, 'The registry');
    const record = await asked.catch(() => readChannelCopy(this.env, channel, now));
    if (record === null) throw new Error(`Channel ${channel} is not known.`);
    return record;
  }

  /** Sets the alarm, or leaves the earlier one that is set; one that is long overdue was lost. */
  async #armBy(at: number | null): Promise<void> {
    if (at === null) return;
    const known = await this.ctx.storage.getAlarm();
    const isLost = known !== null && known < Date.now() - ALARM_LOST_MS;
    if (known === null || known > at || isLost) await this.ctx.storage.setAlarm(Math.max(at, 1));
  }
}

const refused = (field: RefusedField, detail: string) => ({ kind: 'refused', field, detail }) as const;

/** Whether a bill that somebody brings could be read at all; null: it could. */
function layoutProblem({ channel }: ChannelRecord, kind: BringBill['kind']) {
  const bill = providerOf(channel.provider)?.bill;
  if (kind === 'fundflow') {
    if (bill?.flow) return null;
    return refused('kind', `${channel.provider} tells no movements of the account: upload its trades`);
  }
  if (channel.settings.billMapping !== null || bill) return null;
  return refused('channel', 'The channel has no billMapping: say in its settings what the columns are called.');
}
