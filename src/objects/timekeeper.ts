// What is due by time in one shard: what a person must hear of, and what a provider has to be asked. Sends questions to
// the queue and never asks a provider itself; one that nobody came back from is sent again after a lease.
import { backoffMs } from '../core/delivery.ts';
import { ASK_LEASE_MS, BACKOFF_MS_MAX, BACKOFF_MS_MIN, DISPATCH_BATCH_MAX, QUEUE_TIMEOUT_MS } from '../core/limits.ts';
import type { AskMessage, FinishTimer, Timer } from '../core/record.ts';
import { within } from '../core/within.ts';
import { readOrder, writeOrder } from '../store/ledger-book.ts';
import { alarmHeld, HOLD_ALARM_MS, readHold } from '../store/ledger-holds.ts';
import { putAlarm } from '../store/ledger-outbox.ts';
import { dropTimer, firstTimers, putTimer } from '../store/ledger-timers.ts';
import type { Dispatcher, Shard } from './dispatcher.ts';
import type { Projector } from './projector.ts';

const keyOf = ({ dueAt, orderNo, kind, ref }: Timer) => JSON.stringify([dueAt, orderNo, kind, ref]);

/** The timers that a provider has to answer. */
const isAsked = (timer: Timer): timer is AskMessage['timer'] => timer.kind === 'expire' || timer.kind === 'refund';

export class Timekeeper {
  readonly #shard: Shard;
  readonly #sql: SqlStorage;
  readonly #dispatcher: Dispatcher;
  readonly #projector: Projector;
  /** Questions on their way, with the end of their lease. Memory alone: after a restart they are sent again. */
  readonly #sent = new Map<string, number>();
  /** Undefined: to be looked up. */
  #nextAt: number | null | undefined;
  #blockedUntil = 0;
  #failures = 0;

  constructor(shard: Shard, dispatcher: Dispatcher, projector: Projector) {
    this.#shard = shard;
    this.#sql = shard.storage.sql;
    this.#dispatcher = dispatcher;
    this.#projector = projector;
  }

  /** A timer was set or dropped. */
  noteChanged(): void {
    this.#nextAt = undefined;
  }

  nextAt(): number | null {
    this.#nextAt ??= this.#lookUp();
    return this.#nextAt === null ? null : Math.max(this.#nextAt, this.#blockedUntil);
  }

  #lookUp(): number | null {
    const first = firstTimers(this.#sql, this.#sent.size + 1).find((timer) => !this.#sent.has(keyOf(timer)));
    const times = [...this.#sent.values(), ...(first ? [first.dueAt] : [])];
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** Does what is due. Never throws for the queue's sake. */
  async run(now: number): Promise<void> {
    const next = this.nextAt();
    if (next === null || now < next) return;
    this.noteChanged();
    for (const [key, until] of this.#sent) if (until <= now) this.#sent.delete(key);
    const due = firstTimers(this.#sql, this.#sent.size + DISPATCH_BATCH_MAX).filter(
      (timer) => timer.dueAt <= now && !this.#sent.has(keyOf(timer)),
    );
    const asked = this.#shard.storage.transactionSync(() => due.filter((timer) => this.#mustBeAsked(timer, now)));
    await this.#send(asked.filter(isAsked), now);
  }

  /** Inside one transaction: settles what the shard can settle alone; true for what a provider has to answer. */
  #mustBeAsked(timer: Timer, now: number): boolean {
    switch (timer.kind) {
      case 'park':
        this.#unmatched(timer, now);
        return false;
      case 'hold':
        this.#remindOfHold(timer, now);
        return false;
      case 'expire':
      case 'refund': {
        const isOpen = this.#isOpen(timer);
        if (!isOpen) dropTimer(this.#sql, timer);
        return isOpen;
      }
    }
  }

  #isOpen({ kind, orderNo, ref }: Timer): boolean {
    const order = readOrder(this.#sql, orderNo);
    if (order === null) return false;
    if (kind === 'expire') return order.paymentState !== 'paid' && order.paymentState !== 'closed';
    if (order.refundRequests.some(({ refundNo }) => refundNo === ref)) return true;
    const refund = order.refunds.find(({ refundNo }) => refundNo === ref);
    return refund?.state === 'pending' || refund?.state === 'needs_attention';
  }

  #unmatched(timer: Timer, now: number): void {
    dropTimer(this.#sql, timer);
    const order = readOrder(this.#sql, timer.orderNo);
    if (order === null || order.parkedAt === null) return;
    const { channelId } = this.#dispatcher.config;
    const { orderNo } = order;
    writeOrder(this.#sql, { ...order, flags: ['unmatched'], version: order.version + 1, updatedAt: now });
    const detail = 'An authentic callback waits for this order, which nobody registered: register it, or find out why.';
    putAlarm(this.#sql, { code: 'unmatched', subject: `order/${channelId}/${orderNo}`, detail, at: now });
    this.#projector.noteChanged(orderNo, null, now);
  }

  #remindOfHold(timer: Timer, now: number): void {
    dropTimer(this.#sql, timer);
    const hold = readHold(this.#sql, timer.orderNo);
    if (hold === null) return;
    alarmHeld(this.#sql, this.#dispatcher.config.channelId, hold, now);
    putTimer(this.#sql, { ...timer, dueAt: now + HOLD_ALARM_MS });
  }

  async #send(timers: readonly AskMessage['timer'][], now: number): Promise<void> {
    if (timers.length === 0) return;
    const { channelId: channel } = this.#dispatcher.config;
    const messages = timers.map((timer) => ({ body: { v: 1, channel, timer } satisfies AskMessage }));
    try {
      await within(this.#shard.env.ASK.sendBatch(messages), QUEUE_TIMEOUT_MS, 'The queue');
      for (const timer of timers) this.#sent.set(keyOf(timer), now + ASK_LEASE_MS);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#blockedUntil = now + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      console.error(JSON.stringify({ hop: 'ask', shard: this.#shard.name, error: String(error) }));
    }
    this.noteChanged();
  }

  /** Whoever asked came back: the timer is done, or due again. Called inside one transaction. */
  finish({ timer, next }: FinishTimer): void {
    dropTimer(this.#sql, timer);
    if (next !== null) putTimer(this.#sql, { ...timer, dueAt: next });
    this.#sent.delete(keyOf(timer));
    this.noteChanged();
  }
}
