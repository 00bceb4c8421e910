// What the tests of one order's life at its provider share: a shop, a provider that remembers, a clock that can be set
// ahead, and the timers that are due. Only the outside is played.
import { createExecutionContext, createMessageBatch, getQueueResult, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import { PROVIDER_CALL_TIMEOUT_MS } from '../../src/core/limits.ts';
import type { AskMessage, Timer } from '../../src/core/timer.ts';
import worker from '../../src/index.ts';
import { newTransactionId, OrderBook } from '../../src/sandbox/orders.ts';
import { call, makeChannel, type ProviderCall, playProvider, type Reply, type Respond, unique } from './api-world.ts';

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

const realNow = Date.now.bind(Date);
let aheadMs = 0;

/** From now on it is so much later; until the next test. */
export function later(ms: number): void {
  aheadMs += ms;
}

/**
 * Call before each test. A shop of the test before may remember later times: open a new one. What the ledger wants
 * asked goes nowhere, unless a test carries it or gives `back` the queue.
 */
export function startClock(): { readonly back: () => void } {
  aheadMs = 0;
  const queue = vi.spyOn(env.ASK, 'sendBatch');
  queue.mockResolvedValue({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } });
  vi.spyOn(Date, 'now').mockImplementation(() => realNow() + aheadMs);
  return { back: () => queue.mockRestore() };
}

/** Waits for a provider are cut short, so that one that hangs can be met. */
export function shortenProviderWaits(): void {
  const real = setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) =>
    real(run, ms === PROVIDER_CALL_TIMEOUT_MS ? 20 : ms)) as typeof setTimeout); // that one wait is shortened
}

/** A connection that is never answered. */
export const hanging = ({ init }: ProviderCall): Promise<never> =>
  new Promise((_, refuse) => {
    init.signal?.addEventListener('abort', () => refuse(init.signal?.reason));
  });

export const down = () => new Response('{"code":"SYSTEM_ERROR","message":"later"}', { status: 500 });

/** The answer as it was, with a signature that does not hold. */
export function forged(response: Response): Response {
  const headers = new Headers(response.headers);
  headers.set('wechatpay-signature', `WECHATPAY/SIGNTEST/${btoa('x'.repeat(256))}`);
  return new Response(response.body, { status: response.status, headers });
}

export class Shop {
  readonly channel: string;
  readonly book = new OrderBook(null);
  calls: ProviderCall[] = [];

  static async open(more: object = {}): Promise<Shop> {
    return new Shop(await makeChannel(more));
  }

  private constructor(channel: string) {
    this.channel = channel;
    this.play();
  }

  /** From now on the provider answers so; it knows what it knew before. */
  play(respond?: Respond, book = this.book): void {
    this.calls = playProvider(respond, 'public-key', book);
  }

  /** What the provider was asked, as words: method and the end of the path. Fetched keys are not told. */
  asked(): string[] {
    return this.calls
      .map(({ url, init }) => `${init.method} ${new URL(url).pathname.replace(/^\/v3\/(pay|refund)\//, '')}`)
      .filter((line) => !line.endsWith('/v3/certificates'));
  }

  order(more: object = {}) {
    return { channel: this.channel, orderNo: unique('ORDER'), amount: { minor: 1_000, currency: 'CNY' }, ...more };
  }

  /** Registers an order, with its payment unless told otherwise; gives its number. */
  async sell(more: object = {}): Promise<string> {
    const input = this.order({ pay: true, ...more });
    const reply = await call('POST', '/v1/orders', input);
    if (reply.status !== 201) throw new Error(`not registered: ${reply.text}`);
    return input.orderNo;
  }

  /** The payer pays at the provider, and no notice of it arrives. */
  payUnnoticed(orderNo: string): void {
    const order = this.book.get(orderNo);
    if (!order) throw new Error(`${orderNo} is not known to the provider`);
    this.book.put({ ...order, state: 'SUCCESS', transactionId: newTransactionId(), paidAt: Date.now() });
  }

  /** An order that is paid, here and there. */
  async sellPaid(more: object = {}): Promise<string> {
    const orderNo = await this.sell({ closeOnExpiry: false, ...more });
    this.payUnnoticed(orderNo);
    const reply = await this.post(orderNo, 'query');
    if (String(reply.body.order?.state) !== 'paid') throw new Error(`not paid: ${reply.text}`);
    this.calls.length = 0;
    return orderNo;
  }

  post(orderNo: string, action: string, body?: unknown, key?: string): Promise<Reply> {
    const path = `/v1/orders/${this.channel}/${encodeURIComponent(orderNo)}/${action}`;
    return call('POST', path, body, key === undefined ? {} : { key });
  }

  read(orderNo: string, what = ''): Promise<Reply> {
    return call('GET', `/v1/orders/${this.channel}/${encodeURIComponent(orderNo)}${what}`);
  }

  async ledger(orderNo: string) {
    const record = await env.REGISTRY.getByName('registry').readChannel(this.channel);
    if (!record) throw new Error('the channel is gone');
    return env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo));
  }

  /** What is due for the order, earliest first. */
  async timers(orderNo: string): Promise<Timer[]> {
    const sql = 'SELECT due_at AS dueAt, order_no AS orderNo, kind, ref FROM timers WHERE order_no = ? ORDER BY due_at';
    return runInDurableObject(await this.ledger(orderNo), (_, { storage }) =>
      storage.sql.exec<Timer>(sql, orderNo).toArray(),
    );
  }

  /** Waits until the order's next timer is due, and gives it to the Worker as the queue does. */
  async runTimer(orderNo: string): Promise<void> {
    const [timer] = await this.timers(orderNo);
    if (timer?.kind !== 'expire' && timer?.kind !== 'refund' && timer?.kind !== 'query') {
      throw new Error(`nothing of ${orderNo} is due`);
    }
    later(Math.max(0, timer.dueAt - Date.now()));
    await this.carry({ v: 1, channel: this.channel, timer: { ...timer, kind: timer.kind } });
  }

  async carry(body: AskMessage): Promise<void> {
    const batch = createMessageBatch<AskMessage>('ask', [{ id: 'm', timestamp: new Date(), attempts: 1, body }]);
    await worker.queue(batch, env);
    const { explicitAcks } = await getQueueResult(batch, createExecutionContext());
    if (explicitAcks.length !== 1) throw new Error('the message was not acknowledged');
  }

  /** Alarms about the order, newest first. */
  async alarms(orderNo: string): Promise<string[]> {
    const { body } = await call('GET', '/v1/alarms?limit=200');
    const subject = `order/${this.channel}/${orderNo}`;
    return [...(body.items ?? [])].filter((alarm) => String(alarm.subject) === subject).map(({ code }) => String(code));
  }
}
