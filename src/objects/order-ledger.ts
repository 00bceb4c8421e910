// The ledger: the Durable Object that owns a slice of a channel's orders. Thin: decisions are in core/, SQL in store/,
// dispatch, claims, projection and times beside it. The only writer of an order.
import type { DispatchConfig } from '../core/channel.ts';
import { SILENCE_FACTS_MAX } from '../core/limits.ts';
import type { Order, PaymentRequest } from '../core/order.ts';
import type {
  Actor,
  ClaimItem,
  ClaimKeyRequest,
  ClaimReply,
  ConfirmItem,
  DropRequest,
  RecordReply,
  RecordRequest,
  RegisterReply,
  RegisterRequest,
  ReleaseReply,
  ReleaseRequest,
  ReserveReply,
  ReserveRequest,
  Settlement,
} from '../core/record.ts';
import type { ReplayReply, ReplayRequest } from '../core/replay.ts';
import type { FinishTimer } from '../core/timer.ts';
import type { Backlog } from '../core/vitals.ts';
import { type ActKind, postAgain, putAct } from '../store/ledger-acts.ts';
import * as book from '../store/ledger-book.ts';
import { paidByQuery } from '../store/ledger-questions.ts';
import { recordRefusal, recordReservation } from '../store/ledger-refunds.ts';
import { hurryQueries } from '../store/ledger-timers.ts';
import { recordDisagreements } from './disagreement.ts';
import { GroupCommit } from './group-commit.ts';
import type { LedgerLife, Memory } from './ledger-life.ts';
import { replay } from './ledger-replay.ts';
import { ReadableLedger } from './readable-ledger.ts';
import { release } from './release-desk.ts';

export class OrderLedger extends ReadableLedger {
  readonly #commits: GroupCommit;
  /** The last configuration that came as text: callbacks bring the same one again and again. */
  #told: { readonly text: string; readonly dispatch: DispatchConfig } | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#commits = new GroupCommit(
      ctx.storage,
      (requests) => this.#commitTogether(requests),
      (requests) => this.#life.noteAcknowledged(requests),
    );
    void ctx.blockConcurrencyWhile(() => this.#life.begin());
  }

  get #life(): LedgerLife {
    return this.life;
  }

  /** Commits facts of this shard and answers per fact. The reply leaves only when the commit is durable. */
  record(request: RecordRequest): Promise<RecordReply> {
    return this.#commits.add(request);
  }

  #commitTogether(requests: readonly RecordRequest[]): RecordReply[] {
    for (const request of requests) this.#life.meet(this.#dispatchOf(request));
    // A commit changes no memory but when to look, so that one that fails leaves what is under way alone.
    return this.#life.transact(
      () => this.#commit(requests),
      () => undefined,
    );
  }

  #commit(requests: readonly RecordRequest[]): RecordReply[] {
    const now = Date.now();
    let isNews = false;
    let isTimed = false;
    const replies = requests.map((request) => {
      const { config } = this.#life.open(this.#dispatchOf(request)).dispatcher;
      return request.facts.map((fact) => {
        const verdict = book.recordFact(this.#life.sql, config, fact, now);
        isNews ||= verdict !== 'duplicate' && verdict !== 'refused';
        const isTold = verdict === 'applied' && fact.event.kind !== 'refund';
        isTimed ||= isNews && !isTold;
        return { orderNo: fact.event.orderNo, verdict };
      });
    });
    const memory = this.#life.known();
    if (isNews && memory) {
      memory.dispatcher.noteFresh(now);
      memory.projector.noteFresh(now);
      memory.tallier.noteFresh(now);
      if (isTimed) memory.timekeeper.noteChanged();
      this.#life.armSoon();
    }
    return replies;
  }

  #dispatchOf({ dispatch: told }: RecordRequest): DispatchConfig {
    if (typeof told !== 'string') return told;
    if (this.#told?.text !== told) this.#told = { text: told, dispatch: JSON.parse(told) };
    return this.#told.dispatch;
  }

  /** Registers an order: what the merchant sold, before or after the callback. */
  register(request: RegisterRequest): RegisterReply {
    const now = Date.now();
    return this.#life.transact(() => {
      const memory = this.#life.open(request.dispatch);
      memory.dispatcher.configure(request.dispatch, now);
      const { config } = memory.dispatcher;
      const { changed, ...reply } = book.recordRegistration(this.#life.sql, config, request, now);
      if (changed) this.#life.noteChanged(memory, request.orderNo, now);
      return reply;
    });
  }

  /** Whether this Idempotency-Key came before with another request; remembered durably when it is new. */
  claimKey({ key, digest, dispatch }: ClaimKeyRequest): 'fresh' | 'reused' {
    return this.#life.transact(() => {
      this.#life.open(dispatch);
      return book.keyMeansAnother(this.#life.sql, key, digest, Date.now()) ? 'reused' : 'fresh';
    });
  }

  /** Keeps the code the payer scans. Null when the order is not here. */
  setPaymentRequest(orderNo: string, request: PaymentRequest): Order | null {
    const keep = (_: unknown, now: number) => book.recordPaymentRequest(this.#life.sql, orderNo, request, now);
    return this.#life.change(orderNo, null, keep, (order) => order?.paymentRequest === request);
  }

  /** Sets a refund aside before the provider is asked for it. */
  reserveRefund(request: ReserveRequest): ReserveReply {
    const missing: ReserveReply = { kind: 'missing' };
    const reserve = (_: unknown, now: number) => recordReservation(this.#life.sql, request, now);
    return this.#life.change(request.orderNo, missing, reserve, ({ kind }) => kind === 'reserved');
  }

  /** False: nothing was set aside any more. */
  dropRefund(request: DropRequest): boolean {
    const drop = (_: unknown, now: number) => recordRefusal(this.#life.sql, request, now);
    return this.#life.change(request.orderNo, false, drop, (isFreed) => isFreed);
  }

  /** Lets held events go, or ends them. */
  release(request: ReleaseRequest): ReleaseReply {
    const missing: ReleaseReply = { kind: 'missing' };
    const step = ({ dispatcher }: Memory, now: number) => release(dispatcher, request, now);
    return this.#life.change(request.orderNo, missing, step, ({ kind }) => kind === 'released' || kind === 'confirm');
  }

  /** Delivers again what was settled. */
  replay(request: ReplayRequest): ReplayReply {
    const missing: ReplayReply = { kind: 'missing' };
    const step = ({ dispatcher }: Memory, now: number) => replay(dispatcher, request, now);
    return this.#life.change(request.orderNo, missing, step, ({ kind }) => kind === 'replayed');
  }

  /** What somebody did about an order and the ledger had no part in. */
  noteAct(orderNo: string, kind: ActKind, actor: Actor, about: string): void {
    this.#life.change(orderNo, undefined, (_, at) => putAct(this.#life.sql, { orderNo, at, kind, actor, about }));
  }

  /** Whoever asked a provider at this timer's word has come back. */
  finishTimer(request: FinishTimer): void {
    const memory = this.#life.known();
    if (!memory) return;
    this.#life.transact(() => {
      memory.timekeeper.finish(request, Date.now());
      this.#life.armSoon(); // a question changes no order: what it brought came as a fact
    });
  }

  /** Asks at once about the orders whose questions are due first; answers how many that are. */
  hurry(most: number): number {
    const memory = this.#life.known();
    if (!memory) return 0;
    return this.#life.transact(() => {
      const asked = hurryQueries(this.#life.sql, most, Date.now());
      if (asked > 0) memory.timekeeper.noteChanged();
      this.#life.armSoon();
      return asked;
    });
  }

  /** Payments that were learnt by asking since then; looks through the newest facts alone. */
  paidByQuery(since: number): number {
    return this.#life.known() ? paidByQuery(this.#life.sql, since, SILENCE_FACTS_MAX) : 0;
  }

  /** A newer configuration from the registry; a shard without storage has nothing to change. */
  configure(dispatch: DispatchConfig): void {
    const memory = this.#life.known();
    if (!memory) return;
    memory.dispatcher.configure(dispatch, Date.now());
    this.#life.arm();
  }

  /** Cron's nudge, answered with what waits: whatever does gets an alarm, even if the platform lost the last one. */
  async poke(dispatch: DispatchConfig): Promise<Backlog> {
    this.configure(dispatch);
    await this.#life.rearm();
    const backlog = this.#life.backlog();
    await this.#life.prune(Date.now());
    return backlog;
  }

  claim(items: readonly ClaimItem[]): ClaimReply[] {
    const desk = this.#life.known()?.desk;
    if (!desk) return items.map(() => ({ go: false, why: 'stale' }));
    return this.#life.transact(() => desk.claim(items, Date.now()));
  }

  confirm(items: readonly ConfirmItem[]): boolean[] {
    const desk = this.#life.known()?.desk;
    return desk ? this.#life.transact(() => desk.confirm(items, Date.now())) : items.map(() => false);
  }

  settle(settlements: readonly Settlement[]): void {
    const memory = this.#life.known();
    if (!memory) return;
    const { desk, dispatcher, projector, tallier } = memory;
    const now = Date.now();
    this.#life.transact(() => {
      const settled = desk.settle(settlements, now, Math.random);
      for (const { settlement, orderNo, isDead } of settled) {
        projector.noteChanged(orderNo, settlement.seq, now);
        tallier.noteSettled(settlement, isDead, now);
      }
      const news = recordDisagreements(this.ctx.storage, dispatcher.config, settled, now);
      for (const orderNo of news) this.#life.noteChanged(memory, orderNo, now);
      this.#life.armSoon();
    });
  }

  /** What a consumer claimed and did not begin, and the origins that kept it waiting. */
  giveBack(items: readonly ConfirmItem[], slow: readonly string[]): void {
    this.#life.known()?.desk.giveBack(items, slow, Date.now());
    this.#life.arm();
  }

  nudge(items: readonly ClaimItem[]): void {
    this.#life.known()?.desk.nudge(items, Date.now());
    this.#life.arm();
  }

  /** Projects everything again; answers how many orders this shard has. */
  rebuild(): { orders: number } {
    const memory = this.#life.known();
    if (!memory) return { orders: 0 };
    postAgain(this.#life.sql);
    memory.projector.rebuild(Date.now());
    memory.tallier.rebuild(Date.now());
    this.#life.arm();
    return this.#life.sql.exec<{ orders: number }>('SELECT COUNT(*) AS orders FROM orders').one();
  }

  override alarm(): Promise<void> {
    return this.#life.alarm();
  }
}
