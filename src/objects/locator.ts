// The locator: which order a provider's id means, for channels whose notices do not always name it. Keeps a fact that
// came before its payment until the link appears, then hands it to the ledger. Never changes an order itself.
import { DurableObject } from 'cloudflare:workers';
import { type DispatchConfig, ledgerNameOf } from '../core/channel.ts';
import { backoffMs } from '../core/delivery.ts';
import { factKey, type Link } from '../core/event.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, UNLINKED_ALARM_MS } from '../core/limits.ts';
import type { FactInput, LocateReply, LocateRequest, UnlinkedInput } from '../core/record.ts';
import type { FinishTimer } from '../core/timer.ts';
import * as store from '../store/locator.ts';
import { LinkAsker } from './link-asker.ts';

const FORWARDS_AT_ONCE = 50;
/** A ledger that did not take so many facts is left alone until the next alarm. */
const FORWARDS_FAILED_MAX = 10;

export class Locator extends DurableObject<Env> {
  readonly #asker: LinkAsker;
  #hasTables = false;
  #failures = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#asker = new LinkAsker(env, ctx.storage.sql, ctx.id.name ?? '');
    void ctx.blockConcurrencyWhile(async () => {
      this.#hasTables = store.hasLocatorTables(ctx.storage.sql);
      if (this.#hasTables) store.upgradeLocatorTables(ctx.storage.sql);
    });
  }

  /**
   * Keeps links and waiting facts of this shard; replies once they are durable. A fact whose link is known comes back
   * with its order, to be recorded by the caller; one that waits is forwarded from here when its link appears.
   */
  locate(request: LocateRequest): LocateReply {
    const { sql } = this.ctx.storage;
    const reply = this.ctx.storage.transactionSync(() => {
      if (!this.#hasTables) store.createLocatorTables(sql);
      store.writeSettings(sql, { uid: request.uid, shards: request.shards, dispatch: request.dispatch });
      for (const link of request.links) this.#link(link, request);
      const orderNos = request.unlinked.map((input) => this.#find(input, request));
      const pending = store.pendingForwards(sql, 0, 1).length > 0;
      if (pending || orderNos.some((one) => one === null)) void this.ctx.storage.setAlarm(Date.now());
      return orderNos;
    });
    this.#hasTables = true;
    return { orderNos: reply };
  }

  #link(link: Link, { now, flagIds }: LocateRequest): void {
    const { sql } = this.ctx.storage;
    const other = store.putLink(sql, link);
    for (const [index, orderNo] of (other === null ? [] : [other, link.orderNo]).entries()) {
      store.putForward(sql, flagOf(orderNo, link.id, flagIds[index] ?? '', now), now);
    }
    if (other !== null) return;
    for (const input of store.takeWaiting(sql, link.id, link.orderNo)) store.putForward(sql, input, now);
  }

  #find(input: UnlinkedInput, { dispatch, now }: LocateRequest): string | null {
    const { sql } = this.ctx.storage;
    const { linkId } = input.event;
    const orderNo = store.orderOf(sql, linkId);
    if (orderNo !== null) return orderNo;
    const isFirst = !store.isWaiting(sql, linkId);
    store.putWaiting(sql, input, waitingKey(input.event));
    if (isFirst && dispatch.asks === true) store.putAsk(sql, { dueAt: now, linkId, since: now });
    return null;
  }

  /** Whoever asked the provider about an id at this shard's word has come back. */
  async finishAsk(request: FinishTimer): Promise<void> {
    if (!this.#hasTables) return;
    const now = Date.now();
    this.ctx.storage.transactionSync(() => this.#asker.finish(request, now));
    await this.#arm(now);
  }

  /** The alarm stands at whatever is due first. */
  async #arm(now: number): Promise<void> {
    const isPending = store.pendingForwards(this.ctx.storage.sql, 0, 1).length > 0;
    const waitMs = this.#failures > 0 ? backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX) : 0;
    const times = [...(isPending ? [now + waitMs] : []), ...[this.#asker.nextAt(now)].filter((at) => at !== null)];
    if (times.length > 0) await this.ctx.storage.setAlarm(Math.min(...times));
  }

  /** Cron's nudge: what waits to be forwarded is, and what waits too long for its order is told to a person. */
  async poke(dispatch: DispatchConfig, now: number): Promise<void> {
    if (!this.#hasTables) return;
    const { sql } = this.ctx.storage;
    store.writeSettings(sql, { ...store.readSettings(sql), dispatch });
    await this.#arm(now);
    const problems = [
      problemOf(store.waitingSummary(sql), 'notices name no order that is known here', now),
      problemOf(store.forwardSummary(sql), 'facts cannot be brought to their orders (the log says why)', now),
    ].filter((problem) => problem !== null);
    if (problems.length === 0) return;
    const alarm = {
      code: 'unlinked',
      subject: `channel/${dispatch.channelId}`,
      detail: problems.join(' '),
      at: now,
    } as const;
    await this.env.REGISTRY.getByName('registry').raiseAlarms([alarm]);
  }

  /** True when a ledger did not take what is its own; that keeps nothing from the others. */
  async #forward(): Promise<boolean> {
    const { sql } = this.ctx.storage;
    const { uid, shards, dispatch } = store.readSettings(sql);
    const failures = new Map<string, number>();
    for (let after = 0; ; ) {
      const page = store.pendingForwards(sql, after, FORWARDS_AT_ONCE);
      for (const { seq, input } of page) {
        const ledger = ledgerNameOf({ uid, shards }, input.event.orderNo);
        const failed = failures.get(ledger) ?? 0;
        if (failed >= FORWARDS_FAILED_MAX) continue;
        const hasTaken = await this.#hasTaken(ledger, input, dispatch);
        if (hasTaken) store.dropForward(sql, seq);
        else failures.set(ledger, failed + 1);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < FORWARDS_AT_ONCE || failures.size === 0) return failures.size > 0;
      after = last.seq;
    }
  }

  /** Whether the ledger has it now, durably; told again does no harm. */
  async #hasTaken(ledger: string, input: FactInput, dispatch: DispatchConfig): Promise<boolean> {
    const { orderNo } = input.event;
    try {
      const [reply] = await this.env.LEDGER.getByName(ledger).record({ v: 1, facts: [input], dispatch });
      if (reply === undefined) throw new Error('The ledger gave no verdict.');
      // Its provider was told that we have it: it is kept here, where a person hears of it.
      if (reply.verdict === 'refused') throw new Error('The order holds as many facts as it can.');
      return true;
    } catch (error) {
      console.error(JSON.stringify({ hop: 'forward', locator: this.ctx.id.name, orderNo, error: String(error) }));
      return false;
    }
  }

  override async alarm(): Promise<void> {
    try {
      const failed = await this.#forward();
      this.#failures = failed ? this.#failures + 1 : 0;
      await this.#asker.run(Date.now());
    } catch (error) {
      this.#failures += 1;
      console.error(JSON.stringify({ hop: 'locate', locator: this.ctx.id.name, error: String(error) }));
    } finally {
      await this.#arm(Date.now());
    }
  }
}

/** What waits too long, for a person; null: nothing does. */
function problemOf({ count, oldestAt }: store.Summary, what: string, now: number): string | null {
  if (oldestAt === null || now - oldestAt < UNLINKED_ALARM_MS) return null;
  return `${count} ${what}, the first since ${new Date(oldestAt).toISOString()}.`;
}

/** With its time where the same may be said again after something else: the newest word stands (core/repeat.ts). */
function waitingKey(event: UnlinkedInput['event']): string {
  const key = factKey({ ...event, orderNo: '' });
  return event.kind === 'refund' || event.kind === 'dispute' ? `${key}|${event.occurredAt}` : key;
}

/** A second order claims a transaction that was another's: both are flagged (design: the ledger). */
function flagOf(orderNo: string, about: string, eventId: string, now: number): FactInput {
  const fact = {
    kind: 'flag',
    flag: 'transaction_reused',
    about,
    orderNo,
    occurredAt: now,
    providerState: '',
  } as const;
  return { eventId, event: { ...fact, test: false }, source: 'callback', receivedAt: now, evidence: null };
}
