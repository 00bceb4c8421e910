// Which provider's ids have to be asked about, and when: facts wait for their orders in one shard of the locator. Sends
// questions to the queue, no faster than the shard's share; one that nobody came back from is sent again.
import { shardsIn } from '../core/channel.ts';
import { backoffMs } from '../core/delivery.ts';
import { ASK_LEASE_MS, BACKOFF_MS_MAX, BACKOFF_MS_MIN, DISPATCH_BATCH_MAX, QUEUE_TIMEOUT_MS } from '../core/limits.ts';
import { Pace } from '../core/pace.ts';
import { nextQuestion } from '../core/query-plan.ts';
import type { AskMessage, FinishTimer } from '../core/timer.ts';
import { within } from '../core/within.ts';
import * as store from '../store/locator.ts';

export class LinkAsker {
  readonly #env: Env;
  readonly #sql: SqlStorage;
  readonly #shards: number;
  readonly #pace = new Pace();
  /** Questions on their way, with the end of their lease. */
  readonly #sent = new Map<string, number>();
  #blockedUntil = 0;
  #failures = 0;

  constructor(env: Env, sql: SqlStorage, name: string) {
    this.#env = env;
    this.#sql = sql;
    this.#shards = shardsIn(name);
  }

  /** Null: nobody has to be asked. */
  nextAt(now: number): number | null {
    const first = store.firstAsks(this.#sql, this.#sent.size + 1).find(({ linkId }) => !this.#sent.has(linkId));
    const mayAt = Math.max(this.#blockedUntil, this.#pace.readyAt(this.#perSecond, now));
    const times = [...this.#sent.values(), ...(first ? [Math.max(first.dueAt, mayAt)] : [])];
    return times.length > 0 ? Math.min(...times) : null;
  }

  get #perSecond(): number {
    return store.readSettings(this.#sql).dispatch.settings.queriesPerSecond / this.#shards;
  }

  /** Sends what is due. Never throws for the queue's sake. */
  async run(now: number): Promise<void> {
    for (const [linkId, until] of this.#sent) if (until <= now) this.#sent.delete(linkId);
    const room = now < this.#blockedUntil ? 0 : this.#pace.room(this.#perSecond, now);
    const asks = store
      .firstAsks(this.#sql, this.#sent.size + DISPATCH_BATCH_MAX)
      .filter((ask) => ask.dueAt <= now && !this.#sent.has(ask.linkId))
      .filter((ask) => store.isWaiting(this.#sql, ask.linkId) || store.dropAsk(this.#sql, ask))
      .slice(0, room);
    if (asks.length === 0) return;
    const channel = store.readSettings(this.#sql).dispatch.channelId;
    const messages = asks.map(({ dueAt, linkId }) => {
      const timer = { dueAt, orderNo: '', kind: 'link', ref: linkId } as const;
      return { body: { v: 1, channel, timer } satisfies AskMessage };
    });
    this.#pace.take(asks.length);
    try {
      await within(this.#env.ASK.sendBatch(messages), QUEUE_TIMEOUT_MS, 'The queue');
      for (const { linkId } of asks) this.#sent.set(linkId, now + ASK_LEASE_MS);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.#blockedUntil = now + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      console.error(JSON.stringify({ hop: 'ask', channel, error: String(error) }));
    }
  }

  /** Whoever asked came back. Called inside one transaction. */
  finish({ timer: { dueAt, ref: linkId }, next, plan, provider }: FinishTimer, now: number): void {
    if (provider === 'away') this.#pace.noteAway(now);
    if (provider === 'there') this.#pace.noteThere();
    this.#sent.delete(linkId);
    const ask = store.askOf(this.#sql, dueAt, linkId);
    if (ask === null) return;
    store.dropAsk(this.#sql, ask);
    if (plan !== 'go_on' || !store.isWaiting(this.#sql, linkId)) return;
    const planned = nextQuestion(store.readSettings(this.#sql).dispatch.settings, ask.since, now);
    if (planned !== null) store.putAsk(this.#sql, { ...ask, dueAt: Math.min(planned, next ?? planned) });
  }
}
