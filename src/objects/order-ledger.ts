// The ledger: the Durable Object that owns a slice of a channel's orders. Thin: decisions are in core/, SQL in store/,
// dispatch, claims and projection beside it. The only writer of an order. Its alarm never throws and always re-arms.
import { DurableObject } from 'cloudflare:workers';
import type { DispatchConfig } from '../core/channel.ts';
import { BACKOFF_MS_MIN, DISPATCH_AGAIN_MS, GROUP_COMMIT_FACTS_MAX } from '../core/limits.ts';
import type { Order, PaymentRequest } from '../core/order.ts';
import type {
  ClaimItem,
  ClaimKeyRequest,
  ClaimReply,
  ConfirmItem,
  OrderDetail,
  RecordReply,
  RecordRequest,
  RegisterReply,
  RegisterRequest,
  Settlement,
} from '../core/record.ts';
import { readConfig } from '../env.ts';
import { keyMeansAnother, recordFact, recordPaymentRequest, recordRegistration } from '../store/ledger-book.ts';
import { readDetail } from '../store/ledger-detail.ts';
import * as outbox from '../store/ledger-outbox.ts';
import { createLedgerTables, hasLedgerTables } from '../store/ledger-schema.ts';
import { postAlarms } from './alarm-post.ts';
import { ClaimDesk } from './claim-desk.ts';
import { Dispatcher } from './dispatcher.ts';
import { Projector } from './projector.ts';

/** The shard's working memory; rebuilt from its tables whenever it may have come apart from them. */
type Memory = { readonly dispatcher: Dispatcher; readonly desk: ClaimDesk; readonly projector: Projector };

type Waiting = {
  readonly request: RecordRequest;
  readonly resolve: (reply: RecordReply) => void;
  readonly reject: (error: unknown) => void;
};

export class OrderLedger extends DurableObject<Env> {
  #memory: Memory | null = null;
  #alarmAt: number | null = null;
  #waiting: Waiting[] = [];
  #committing = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#known();
    });
  }

  /** Commits facts of this shard and answers per fact. The reply leaves only when the commit is durable. */
  record(request: RecordRequest): Promise<RecordReply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject });
      if (!this.#committing) void this.#commitGroups();
    });
  }

  /** Calls gather while the last group becomes durable, or for one turn when none does; no timer. */
  async #commitGroups(): Promise<void> {
    this.#committing = true;
    try {
      while (this.#waiting.length > 0) {
        await this.ctx.storage.sync().catch(() => undefined); // a failed commit has failed its own callers
        const group = this.#waiting.splice(0, GROUP_COMMIT_FACTS_MAX);
        // A group that fails is tried call by call, so that one bad fact cannot take its neighbours along.
        if (!this.#settleGroup(group) && group.length > 1) for (const call of group) this.#settleGroup([call], true);
      }
    } finally {
      this.#committing = false;
    }
  }

  /** Commits the calls together and answers them; false when they failed and may be tried alone. */
  #settleGroup(group: readonly Waiting[], alone = group.length === 1): boolean {
    try {
      for (const { request } of group) this.#meet(request.dispatch);
      // A commit changes no memory but when to look, so that one that fails leaves what is under way alone.
      const replies = this.#transact(
        () => this.#commit(group.map(({ request }) => request)),
        () => undefined,
      );
      for (const [index, { resolve }] of group.entries()) resolve(replies[index] ?? []);
      return true;
    } catch (error) {
      if (alone) for (const { reject } of group) reject(error);
      return false;
    }
  }

  /** Takes what a request knows of the channel, before its facts and apart from them. */
  #meet(dispatch: DispatchConfig): void {
    const { dispatcher } = this.#known() ?? this.#transact(() => this.#open(dispatch));
    if (dispatcher.configure(dispatch, Date.now())) this.#arm(this.#nextAt());
  }

  #commit(requests: readonly RecordRequest[]): RecordReply[] {
    const now = Date.now();
    let anew = false;
    const replies = requests.map(({ facts, dispatch }) => {
      const { config } = this.#open(dispatch).dispatcher;
      return facts.map((fact) => {
        const verdict = recordFact(this.ctx.storage.sql, config, fact, now);
        anew ||= verdict !== 'duplicate' && verdict !== 'refused';
        return { orderNo: fact.event.orderNo, verdict };
      });
    });
    if (anew && this.#memory) {
      this.#memory.dispatcher.noteFresh(now);
      this.#memory.projector.noteFresh(now);
      this.#arm(this.#nextSoon());
    }
    return replies;
  }

  /** Registers an order: what the merchant sold, before or after the callback. */
  register(request: RegisterRequest): RegisterReply {
    const now = Date.now();
    return this.#transact(() => {
      const { dispatcher, projector } = this.#open(request.dispatch);
      dispatcher.configure(request.dispatch, now);
      const { eventAdded, ...reply } = recordRegistration(this.ctx.storage.sql, dispatcher.config, request, now);
      if (reply.kind !== 'created') return reply;
      if (eventAdded) dispatcher.noteFresh(now);
      projector.noteChanged(request.orderNo, null, now);
      this.#arm(this.#nextAt());
      return reply;
    });
  }

  /** Whether this Idempotency-Key came before with another request; remembered durably when it is new. */
  claimKey({ key, digest, dispatch }: ClaimKeyRequest): 'fresh' | 'reused' {
    return this.#transact(() => {
      this.#open(dispatch);
      return keyMeansAnother(this.ctx.storage.sql, key, digest, Date.now()) ? 'reused' : 'fresh';
    });
  }

  /** Keeps the code the payer scans. Null when the order is not here. */
  setPaymentRequest(orderNo: string, request: PaymentRequest): Order | null {
    const memory = this.#known();
    if (!memory) return null;
    const now = Date.now();
    return this.#transact(() => {
      const order = recordPaymentRequest(this.ctx.storage.sql, orderNo, request, now);
      if (order) memory.projector.noteChanged(orderNo, null, now);
      this.#arm(this.#nextAt());
      return order;
    });
  }

  readOrder(orderNo: string): OrderDetail | null {
    const dispatcher = this.#known()?.dispatcher;
    if (!dispatcher) return null;
    return readDetail(this.ctx.storage.sql, orderNo, {
      isFlying: (seq, originId) => dispatcher.flights.has(seq, originId),
      isPaused: (originId) => dispatcher.isPaused(originId),
      firstOriginId: dispatcher.config.origins[0]?.id ?? null,
    });
  }

  /** A newer configuration from the registry; a shard without storage has nothing to change. */
  configure(dispatch: DispatchConfig): void {
    const memory = this.#known();
    if (!memory) return;
    memory.dispatcher.configure(dispatch, Date.now());
    this.#arm(this.#nextAt());
  }

  /** Cron's nudge: whatever waits gets an alarm, even if the platform lost the last one (protocol: alarms 17). */
  async poke(dispatch: DispatchConfig): Promise<void> {
    this.configure(dispatch);
    const at = await this.ctx.storage.getAlarm();
    const overdue = at !== null && at < Date.now() - 60_000;
    this.#alarmAt = overdue ? null : at;
    this.#arm(this.#nextAt());
  }

  claim(items: readonly ClaimItem[]): ClaimReply[] {
    const desk = this.#known()?.desk;
    return desk ? this.#transact(() => desk.claim(items, Date.now())) : items.map(() => ({ go: false, why: 'stale' }));
  }

  confirm(items: readonly ConfirmItem[]): boolean[] {
    const desk = this.#known()?.desk;
    return desk ? this.#transact(() => desk.confirm(items, Date.now())) : items.map(() => false);
  }

  settle(settlements: readonly Settlement[]): void {
    const memory = this.#known();
    if (!memory) return;
    const { desk, projector } = memory;
    const now = Date.now();
    this.#transact(() => {
      const changed = desk.settle(settlements, now, Math.random);
      for (const { seq, orderNo } of changed) projector.noteChanged(orderNo, seq, now);
      this.#arm(this.#nextSoon());
    });
  }

  nudge(items: readonly ClaimItem[]): void {
    this.#known()?.desk.nudge(items, Date.now());
    this.#arm(this.#nextAt());
  }

  /** Projects everything again; answers how many orders this shard has. */
  rebuild(): { orders: number } {
    const projector = this.#known()?.projector;
    if (!projector) return { orders: 0 };
    projector.rebuild(Date.now());
    this.#arm(this.#nextAt());
    return this.ctx.storage.sql.exec<{ orders: number }>('SELECT COUNT(*) AS orders FROM orders').one();
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = null;
    try {
      const skipped = (await this.#known()?.dispatcher.flush(Date.now())) ?? [];
      for (const { orderNo, seq } of skipped) this.#known()?.projector.noteChanged(orderNo, seq, Date.now());
      await this.#known()?.projector.flush(Date.now());
      this.#known()?.projector.saveMarks();
      const againMs = this.#known() ? await postAlarms(this.env, this.ctx.storage.sql, this.#name) : null;
      if (againMs !== null) this.#known()?.dispatcher.again(Date.now() + againMs);
    } catch (error) {
      console.error(JSON.stringify({ hop: 'alarm', shard: this.#name, error: String(error) }));
      this.#forget();
      this.#arm(Date.now() + BACKOFF_MS_MIN); // with the tables out of reach, nothing else would wake the shard
    } finally {
      const next = this.#nextAt();
      this.#arm(next === null ? null : Math.max(next, Date.now() + DISPATCH_AGAIN_MS));
    }
  }

  /** The memory, made with the tables on the shard's first write. */
  #open(dispatch: DispatchConfig): Memory {
    const known = this.#known();
    if (known) return known;
    createLedgerTables(this.ctx.storage.sql, JSON.stringify(dispatch));
    return this.#remember();
  }

  #remember(): Memory {
    const { storage } = this.ctx;
    const { leaseMs } = readConfig(this.env);
    const shard = { env: this.env, storage, name: this.#name, epoch: crypto.randomUUID(), leaseMs };
    const marks = outbox.readMarks(storage.sql);
    const dispatcher = new Dispatcher(shard, marks, Date.now());
    const projector = new Projector(shard, marks, dispatcher, Date.now());
    this.#memory = { dispatcher, desk: new ClaimDesk(dispatcher), projector };
    return this.#memory;
  }

  /** The memory; made again from what is durable after it was forgotten. Null while the shard has no tables. */
  #known(): Memory | null {
    if (this.#memory) return this.#memory;
    return hasLedgerTables(this.ctx.storage.sql) ? this.#remember() : null;
  }

  /** Memory may have come apart from the tables: the next call begins a new life from what is durable. */
  #forget(): void {
    this.#memory?.dispatcher.retire();
    this.#memory = null;
  }

  #transact<T>(step: () => T, afterFailure = () => this.#forget()): T {
    const alarmAt = this.#alarmAt;
    try {
      return this.ctx.storage.transactionSync(step);
    } catch (error) {
      this.#alarmAt = alarmAt; // the platform's own alarm was rolled back too
      afterFailure();
      throw error;
    }
  }

  get #name(): string {
    return this.ctx.id.name ?? '';
  }

  #nextSoon(): number | null {
    return earliest(this.#memory?.dispatcher.againAt, this.#memory?.projector.nextAt());
  }

  #nextAt(): number | null {
    return earliest(this.#memory?.dispatcher.nextAt(), this.#memory?.projector.nextAt());
  }

  /** Sets the alarm only if none is set or this one is earlier. Part of the transaction it is called in. */
  #arm(at: number | null): void {
    if (at === null || (this.#alarmAt !== null && this.#alarmAt <= at)) return;
    this.#alarmAt = at;
    void this.ctx.storage.setAlarm(Math.max(1, at)); // 0 says at once too, but the platform refuses it
  }
}

function earliest(...times: readonly (number | null | undefined)[]): number | null {
  const known = times.filter((at) => at != null);
  return known.length > 0 ? Math.min(...known) : null;
}
