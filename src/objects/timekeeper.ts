// What is due by time in one shard: what a person must hear of, and what a provider has to be asked. Sends questions to
// the queue, no faster than the shard's share, and never asks a provider itself; one that nobody came back from is sent
// again after a lease.
import { shardsIn } from '../core/channel.ts';
import { backoffMs } from '../core/delivery.ts';
import type { FlagFact } from '../core/event.ts';
import {
  ASK_LEASE_MS,
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  DISPATCH_BATCH_MAX,
  HOLD_ALARM_MS,
  QUEUE_TIMEOUT_MS,
  TIMER_AGAIN_MS,
} from '../core/limits.ts';
import { Pace } from '../core/pace.ts';
import type { AskMessage, FinishTimer, Timer } from '../core/timer.ts';
import { within } from '../core/within.ts';
import { newId } from '../record.ts';
import { readOrder, recordFact, writeOrder } from '../store/ledger-book.ts';
import { alarmHeld, readHold } from '../store/ledger-holds.ts';
import { putAlarm } from '../store/ledger-outbox.ts';
import { finishQuery, isAskable, isIncomplete } from '../store/ledger-questions.ts';
import { dropTimer, dueTimers, firstTimers, moveTimer } from '../store/ledger-timers.ts';
import type { Dispatcher, Shard } from './dispatcher.ts';
import type { Projector } from './projector.ts';

const keyOf = ({ dueAt, orderNo, kind, ref }: Timer) => JSON.stringify([dueAt, orderNo, kind, ref]);

const OWN_KINDS: readonly Timer['kind'][] = ['park', 'hold', 'incomplete'];
/** The timers that a provider has to answer. */
const isAsked = (timer: Timer): timer is AskMessage['timer'] => !OWN_KINDS.includes(timer.kind);

export class Timekeeper {
  readonly #shard: Shard;
  readonly #sql: SqlStorage;
  readonly #dispatcher: Dispatcher;
  readonly #projector: Projector;
  readonly #shards: number;
  /** Questions on their way, with the end of their lease. Memory alone: after a restart they are sent again. */
  readonly #sent = new Map<string, number>();
  readonly #pace = new Pace();
  /** Undefined: to be looked up. */
  #nextAt: number | null | undefined;
  #blockedUntil = 0;
  #failures = 0;

  constructor(shard: Shard, dispatcher: Dispatcher, projector: Projector) {
    this.#shard = shard;
    this.#sql = shard.storage.sql;
    this.#dispatcher = dispatcher;
    this.#projector = projector;
    this.#shards = shardsIn(shard.name);
  }

  /** A timer was set or dropped. */
  noteChanged(): void {
    this.#nextAt = undefined;
  }

  nextAt(): number | null {
    if (this.#nextAt === undefined) this.#nextAt = this.#lookUp(Date.now()); // null is known too: there is none
    return this.#nextAt;
  }

  /** Every shard's share of what the channel's provider takes. */
  get #perSecond(): number {
    return this.#dispatcher.config.settings.queriesPerSecond / this.#shards;
  }

  #lookUp(now: number): number | null {
    const first = firstTimers(this.#sql, this.#sent.size + 1).find((timer) => !this.#sent.has(keyOf(timer)));
    const mayAt = first && isAsked(first) ? Math.max(this.#blockedUntil, this.#pace.readyAt(this.#perSecond, now)) : 0;
    const times = [...this.#sent.values(), ...(first ? [Math.max(first.dueAt, mayAt)] : [])];
    return times.length > 0 ? Math.min(...times) : null;
  }

  /** Does what is due. Never throws for the queue's sake. */
  async run(now: number): Promise<void> {
    const next = this.nextAt();
    if (next === null || now < next) return;
    this.noteChanged();
    for (const [key, until] of this.#sent) if (until <= now) this.#sent.delete(key);
    const room = now < this.#blockedUntil ? 0 : Math.min(DISPATCH_BATCH_MAX, this.#pace.room(this.#perSecond, now));
    const due = this.#due(now);
    const asked = this.#shard.storage.transactionSync(() => due.filter((one) => this.#isOpenApart(one, now)));
    await this.#send(asked.filter(isAsked).slice(0, room), now);
  }

  /** The oldest first. Questions that have to wait for their turn do not keep the shard's own timers from theirs. */
  #due(now: number): Timer[] {
    const limit = this.#sent.size + DISPATCH_BATCH_MAX;
    const first = firstTimers(this.#sql, limit, now);
    const due = first.filter((timer) => !this.#sent.has(keyOf(timer)));
    const isAll = first.length < limit || due.some((timer) => !isAsked(timer));
    return isAll ? due : [...due, ...dueTimers(this.#sql, OWN_KINDS, now, DISPATCH_BATCH_MAX)];
  }

  /** One timer that fails, of an order that cannot be read, say, must not keep the others and the shard from theirs. */
  #isOpenApart(timer: Timer, now: number): boolean {
    const { storage, name: shard } = this.#shard;
    try {
      return storage.transactionSync(() => this.#isOpen(timer, now));
    } catch (error) {
      const { kind, orderNo } = timer;
      console.error(JSON.stringify({ hop: 'timer', shard, kind, orderNo, error: String(error) }));
      moveTimer(this.#sql, timer, { kind, dueAt: now + TIMER_AGAIN_MS });
      return false;
    }
  }

  /** Inside one transaction: settles what the shard can settle alone; true for what a provider has to answer. */
  #isOpen(timer: Timer, now: number): boolean {
    switch (timer.kind) {
      case 'park':
        this.#unmatched(timer, now);
        return false;
      case 'hold':
        this.#remindOfHold(timer, now);
        return false;
      case 'incomplete':
        this.#unfinished(timer, now);
        return false;
      case 'expire':
      case 'refund':
      case 'query':
      case 'link': {
        const order = readOrder(this.#sql, timer.orderNo);
        const isOpen = order !== null && isAskable(order, timer);
        if (!isOpen) dropTimer(this.#sql, timer);
        return isOpen;
      }
    }
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

  /** Nobody said what a notice lacks: it goes out as it is, for a person to see. */
  #unfinished(timer: Timer, now: number): void {
    dropTimer(this.#sql, timer);
    const order = readOrder(this.#sql, timer.orderNo);
    if (order === null || !isIncomplete(order)) return;
    const { orderNo, partial, test } = order;
    const event: FlagFact = {
      ...({ kind: 'flag', flag: 'incomplete', about: partial?.transactionId ?? '', orderNo } as const),
      ...{ occurredAt: now, providerState: order.providerState ?? '', test },
    };
    const fact = { eventId: newId('evt'), event, source: 'callback', receivedAt: now, evidence: null } as const;
    recordFact(this.#sql, this.#dispatcher.config, fact, now);
    this.#dispatcher.noteFresh(now);
    this.#projector.noteFresh(now);
  }

  #remindOfHold(timer: Timer, now: number): void {
    const hold = readHold(this.#sql, timer.orderNo);
    if (hold === null) {
      dropTimer(this.#sql, timer);
      return;
    }
    alarmHeld(this.#sql, this.#dispatcher.config.channelId, hold, now);
    moveTimer(this.#sql, timer, { kind: timer.kind, dueAt: now + HOLD_ALARM_MS });
  }

  async #send(timers: readonly AskMessage['timer'][], now: number): Promise<void> {
    if (timers.length === 0) return;
    const { channelId: channel } = this.#dispatcher.config;
    const messages = timers.map((timer) => ({ body: { v: 1, channel, timer } satisfies AskMessage }));
    this.#pace.take(timers.length);
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
  finish(request: FinishTimer, now: number): void {
    const { timer, next, provider } = request;
    if (provider === 'away') this.#pace.noteAway(now);
    if (provider === 'there') this.#pace.noteThere();
    const order = request.plan === undefined ? null : readOrder(this.#sql, timer.orderNo);
    if (request.plan !== undefined) finishQuery(this.#sql, this.#dispatcher.config, order, request, now);
    else if (next === null) dropTimer(this.#sql, timer);
    else moveTimer(this.#sql, timer, { kind: timer.kind, dueAt: next });
    this.#sent.delete(keyOf(timer));
    this.noteChanged();
  }
}
