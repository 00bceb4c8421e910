// What the tests of reconciliations share: a provider that has a day's bills, a channel with orders of that day, and
// the reconciler's alarms, run until a run is over. Only the outside is played.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { dayAfter, dayOf, dayStart } from '../../src/core/bill.ts';
import { ledgerNameOf } from '../../src/core/channel.ts';
import type { Fact } from '../../src/core/event.ts';
import { reconcilerNameOf } from '../../src/core/reconciliation.ts';
import { signMessage } from '../../src/sandbox/signature.ts';
import type { Trade } from '../fixtures/bills/trades.ts';
import { APP_ID, flowBill, MCH_ID, tradeBill } from '../fixtures/bills/wechat.ts';
import { call, identity, makeChannel, playProvider, type Reply } from './api-world.ts';
import { fact, paid, refunded } from './ledger-kit.ts';

/** Two days ago, in Beijing: its bill is there. */
export const DAY = dayAfter(dayOf(Date.now()), -2);
export const START = dayStart(DAY);

export function trade(orderNo: string, more: Partial<Trade> = {}): Trade {
  const [refundNo, providerRefundId] = ['', ''];
  const base = { kind: 'payment' as const, orderNo, transactionId: `42${orderNo}`, refundNo, providerRefundId };
  return { ...base, fen: 1_000, feeFen: 6, name: '茶', at: START + 3_600_000, ...more };
}

export const refundOf = (orderNo: string, more: Partial<Trade> = {}): Trade =>
  trade(orderNo, {
    ...{ kind: 'refund', refundNo: `R${orderNo}`, providerRefundId: `50${orderNo}`, fen: 400, feeFen: -2 },
    at: START + 7_200_000,
    ...more,
  });

/** The fact that a callback would have told of a row. */
export const told = (one: Trade, change: object = {}): Fact =>
  one.kind === 'payment'
    ? paid(one.orderNo, {
        ...{ transactionId: one.transactionId, amount: CNY(one.fen), occurredAt: one.at },
        ...change,
      })
    : refunded(one.orderNo, one.refundNo, {
        ...{ providerRefundId: one.providerRefundId, transactionId: one.transactionId },
        ...{ amount: CNY(one.fen), occurredAt: one.at },
        ...change,
      });

export const CNY = (minor: number) => ({ minor, currency: 'CNY' });

export type Files = { trade: string | null; fundflow: string | null };
export const filesOf = (trades: readonly Trade[], flow = trades): Files => ({
  trade: tradeBill(trades),
  fundflow: flowBill(flow),
});

/** A merchant with a channel, and a provider that has bills. `files` may be changed while it goes. */
export class Merchant {
  readonly channel: string;
  files: Files;
  /** Of the packed bytes, what the answer says they hash to; null: what they do. */
  sha1: string | null = null;
  /** Answers instead of the provider. */
  instead: ((path: string) => Response | null) | null = null;
  /** Waited for before the answer. */
  slow: ((path: string) => Promise<void>) | null = null;
  asked: string[] = [];

  static async open(files: Files, more: object = {}): Promise<Merchant> {
    return new Merchant(await makeChannel(more), files);
  }

  private constructor(channel: string, files: Files) {
    this.channel = channel;
    this.files = files;
    this.play();
  }

  /** From now on the provider answers so; a test that begins takes it away. */
  play(): void {
    playProvider(({ url }, genuine) => {
      const { pathname, search } = new URL(url);
      const path = pathname + search;
      if (!pathname.startsWith('/v3/bill')) return genuine();
      this.asked.push(path);
      const answer = () => this.instead?.(path) ?? this.#answer(path);
      return this.slow === null ? answer() : this.slow(path).then(answer);
    });
  }

  #answer(path: string): Response {
    if (path.startsWith('/v3/billdownload/')) {
      const bytes = gzipSync(this.#textOf(path.includes('fund')));
      return new Response(bytes);
    }
    const isFund = path.includes('fundflowbill');
    const text = isFund ? this.files.fundflow : this.files.trade;
    if (text === null) return signed({ code: 'NO_STATEMENT_EXIST', message: 'none' }, 400);
    const hash_value = this.sha1 ?? createHash('sha1').update(this.#textOf(isFund)).digest('hex');
    const download_url = `https://api.mch.weixin.qq.com/v3/billdownload/${isFund ? 'fund' : 'trade'}?token=x`;
    return signed({ hash_type: 'SHA1', hash_value, download_url });
  }

  #textOf(isFund: boolean): string {
    const text = (isFund ? this.files.fundflow : this.files.trade) ?? '';
    return text.replaceAll(MCH_ID, identity.mchId).replaceAll(APP_ID, identity.appId);
  }

  /** A file as the provider would send it. */
  text(kind: 'trade' | 'fundflow'): string {
    return this.#textOf(kind === 'fundflow');
  }

  async record() {
    const record = await env.REGISTRY.getByName('registry').readChannel(this.channel);
    if (!record) throw new Error('the channel is not known');
    return record;
  }

  /** Callbacks that arrived, as the ledger heard of them. */
  async hear(...facts: readonly Fact[]): Promise<void> {
    const { channel, dispatch } = await this.record();
    for (const event of facts) {
      const ledger = env.LEDGER.getByName(ledgerNameOf(channel, event.orderNo));
      await ledger.record({ v: 1, facts: [fact(event)], dispatch });
    }
  }

  async reconciler() {
    return env.RECONCILER.getByName(reconcilerNameOf((await this.record()).channel));
  }

  /** Begins a run by hand. */
  start(more: object = {}): Promise<Reply> {
    return call('POST', '/v1/reconciliations', { channel: this.channel, day: DAY, ...more });
  }

  view(): Promise<Reply> {
    return call('GET', `/v1/reconciliations/${this.channel}~${DAY}`);
  }

  /** Runs alarms until the run stands so, and D1 has heard of it. */
  async until(state: string): Promise<Reply['body']> {
    for (let tries = 0; tries < 200; tries++) {
      await runDurableObjectAlarm(await this.reconciler());
      const { body } = await this.view();
      const listed = await call('GET', `/v1/reconciliations?channel=${this.channel}`);
      const known = [...(listed.body.items ?? [])][0];
      if (String(body.state) === state && String(known?.updatedAt) === String(body.updatedAt)) return body;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`the run did not become ${state}: ${(await this.view()).text}`);
  }

  async run(more: object = {}): Promise<Reply['body']> {
    const started = await this.start(more);
    if (started.status !== 202) throw new Error(started.text);
    return this.until('done');
  }

  async discrepancies(query = ''): Promise<Reply['body'][]> {
    const { body } = await call('GET', `/v1/discrepancies?channel=${this.channel}&limit=200${query}`);
    return [...(body.items ?? [])];
  }

  async order(orderNo: string): Promise<Reply> {
    return call('GET', `/v1/orders/${this.channel}/${orderNo}`);
  }
}

export const signed = (value: object, status = 200): Response => {
  const body = JSON.stringify(value);
  const headers = signMessage(body, identity.publicKey, Math.floor(Date.now() / 1_000));
  return new Response(body, { status, headers: { 'content-type': 'application/json', ...headers } });
};

/** What wants a person about a channel, by code. */
export async function alarmsOf(channel: string): Promise<string[]> {
  const { body } = await call('GET', '/v1/alarms?limit=200');
  const own = [...(body.items ?? [])].filter(({ subject }) => String(subject) === `channel/${channel}`);
  return own.filter(({ state }) => String(state) !== 'resolved').map(({ code }) => String(code));
}

/** Runs a day by hand, and its alarms until nothing is left to do. */
export async function reconciled(channel: string, day: string): Promise<Reply['body']> {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  if (!record) throw new Error('the channel is not known');
  const reconciler = env.RECONCILER.getByName(reconcilerNameOf(record.channel));
  const begun = await call('POST', '/v1/reconciliations', { channel, day });
  if (begun.status !== 202) throw new Error(begun.text);
  for (let tries = 0; tries < 200; tries++) {
    await runDurableObjectAlarm(reconciler);
    const { body } = await call('GET', `/v1/reconciliations/${channel}~${day}`);
    if (String(body.finishedAt) !== 'null') return body;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the run did not end');
}
