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
      const pending = store.pendingForwards(sql, 1).length > 0;
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
      store.putForward(sql, flagOf(orderNo, link.id, flagIds[index] ?? '', now));
    }
    if (other !== null) return;
    for (const input of store.takeWaiting(sql, link.id, link.orderNo)) store.putForward(sql, input);
  }

  #find(input: UnlinkedInput, { dispatch, now }: LocateRequest): string | null {
    const { sql } = this.ctx.storage;
    const { linkId } = input.event;
    const orderNo = store.orderOf(sql, linkId);
    if (orderNo !== null) return orderNo;
    const isFirst = !store.isWaiting(sql, linkId);
    store.putWaiting(sql, input, factKey({ ...input.event, orderNo: '' }));
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
    const isPending = store.pendingForwards(this.ctx.storage.sql, 1).length > 0;
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
    const { count, oldestAt } = store.waitingSummary(sql);
    if (oldestAt === null || now - oldestAt < UNLINKED_ALARM_MS) return;
    const since = new Date(oldestAt).toISOString();
    const detail = `${count} notices name no order that is known here, the first since ${since}.`;
    const subject = `channel/${dispatch.channelId}`;
    await this.env.REGISTRY.getByName('registry').raiseAlarms([{ code: 'unlinked', subject, detail, at: now }]);
  }

  /** True when a ledger did not take what is its own; that keeps nothing from the others. */
  async #forward(): Promise<boolean> {
    const { sql } = this.ctx.storage;
    const { uid, shards, dispatch } = store.readSettings(sql);
    let failed = false;
    for (const { seq, input } of store.pendingForwards(sql, FORWARDS_AT_ONCE)) {
      const { orderNo } = input.event;
      try {
        await this.env.LEDGER.getByName(ledgerNameOf({ uid, shards }, orderNo)).record({
          v: 1,
          facts: [input],
          dispatch,
        });
        store.dropForward(sql, seq); // after the ledger's commit; again does no harm
      } catch (error) {
        failed = true;
        console.error(JSON.stringify({ hop: 'forward', locator: this.ctx.id.name, orderNo, error: String(error) }));
      }
    }
    return failed;
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
