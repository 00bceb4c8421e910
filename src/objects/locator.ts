// The locator: which order a provider's id means, for channels whose notices do not always name it. Keeps a fact that
// came before its payment until the link appears, then hands it to the ledger. Never changes an order itself.
import { DurableObject } from 'cloudflare:workers';
import { type DispatchConfig, ledgerNameOf } from '../core/channel.ts';
import { backoffMs } from '../core/delivery.ts';
import { factKey, type Link } from '../core/event.ts';
import { BACKOFF_MS_MAX, BACKOFF_MS_MIN, UNLINKED_ALARM_MS } from '../core/limits.ts';
import type { FactInput, LocateReply, LocateRequest, UnlinkedInput } from '../core/record.ts';
import * as store from '../store/locator.ts';

const FORWARDS_AT_ONCE = 50;

export class Locator extends DurableObject<Env> {
  #hasTables = false;
  #failures = 0;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      this.#hasTables = store.hasLocatorTables(ctx.storage.sql);
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
      const orderNos = request.unlinked.map((input) => this.#find(input));
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

  #find(input: UnlinkedInput): string | null {
    const { sql } = this.ctx.storage;
    const orderNo = store.orderOf(sql, input.event.linkId);
    if (orderNo === null) store.putWaiting(sql, input, factKey({ ...input.event, orderNo: '' }));
    return orderNo;
  }

  /** Cron's nudge: what waits to be forwarded is, and what waits too long for its order is told to a person. */
  async poke(dispatch: DispatchConfig, now: number): Promise<void> {
    if (!this.#hasTables) return;
    const { sql } = this.ctx.storage;
    store.writeSettings(sql, { ...store.readSettings(sql), dispatch });
    if (store.pendingForwards(sql, 1).length > 0) await this.ctx.storage.setAlarm(now);
    const { count, oldestAt } = store.waitingSummary(sql);
    if (oldestAt === null || now - oldestAt < UNLINKED_ALARM_MS) return;
    const since = new Date(oldestAt).toISOString();
    const detail = `${count} notices name no order that is known here, the first since ${since}.`;
    const subject = `channel/${dispatch.channelId}`;
    await this.env.REGISTRY.getByName('registry').raiseAlarms([{ code: 'unlinked', subject, detail, at: now }]);
  }

  override async alarm(): Promise<void> {
    const { sql } = this.ctx.storage;
    try {
      const { uid, shards, dispatch } = store.readSettings(sql);
      for (const { seq, input } of store.pendingForwards(sql, FORWARDS_AT_ONCE)) {
        const ledger = this.env.LEDGER.getByName(ledgerNameOf({ uid, shards }, input.event.orderNo));
        await ledger.record({ v: 1, facts: [input], dispatch });
        store.dropForward(sql, seq); // after the ledger's commit; again does no harm
      }
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      console.error(JSON.stringify({ hop: 'locate', locator: this.ctx.id.name, error: String(error) }));
    } finally {
      if (store.pendingForwards(sql, 1).length > 0) {
        const waitMs = this.#failures > 0 ? backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX) : 0;
        await this.ctx.storage.setAlarm(Date.now() + waitMs);
      }
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
