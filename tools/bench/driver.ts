// The driver, in a thread of its own: signs genuine callbacks beforehand, then sends them over raw keep-alive
// connections, as fast as they are answered (closed loop) or at a fixed rate whatever the answers do (open loop).
import { randomBytes } from 'node:crypto';
import type { Identity } from '../../src/sandbox/identity.ts';
import { envelopeOf, genuinePost } from '../../src/sandbox/notice.ts';
import { beijing, newTransactionId } from '../../src/sandbox/orders.ts';
import { HOST } from '../ports.ts';
import { Connection } from './connection.ts';
import { answerQuestions } from './thread.ts';

export type Load = {
  readonly port: number;
  readonly path: string;
  readonly seconds: number;
  /** Closed loop: so many connections, each sending when it was answered. */
  readonly lanes?: number;
  /** Open loop: so many requests a second. */
  readonly perSecond?: number;
  /** A genuine callback of a new order each, until there are none left; otherwise they are sent again and again. */
  readonly unique: boolean;
};
export type Question =
  /** Makes callbacks whose signatures are dated `at`. */
  | { readonly kind: 'sign'; readonly identity: Identity; readonly count: number; readonly at: number }
  /** A fresh gateway has seen no order yet: begin with the first one again. */
  | { readonly kind: 'rewind' }
  | ({ readonly kind: 'load' } & Load);

export type Loaded = {
  readonly answered: number;
  /** Answers that were no 204, and requests without an answer, by status. */
  readonly failed: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
};

const OPEN_LANES = 64;
const ACCEPTED = 204;

let pool: Buffer[] = [];
let next = 0;

function sign({ identity, count, at }: Extract<Question, { kind: 'sign' }>): void {
  pool = Array.from({ length: count }, (_, index) => {
    const resource = {
      appid: identity.appId,
      mchid: identity.mchId,
      out_trade_no: `bench${index}x${randomBytes(6).toString('hex')}`,
      transaction_id: newTransactionId(),
      trade_type: 'NATIVE',
      bank_type: 'OTHERS',
      trade_state: 'SUCCESS',
      trade_state_desc: '支付成功',
      attach: 'shop=3',
      success_time: beijing(at),
      payer: { openid: `o${randomBytes(14).toString('base64url')}` },
      amount: { total: 100, currency: 'CNY', payer_total: 100, payer_currency: 'CNY' },
    };
    const content = { eventType: 'TRANSACTION.SUCCESS', originalType: 'transaction', summary: '支付成功', resource };
    const body = envelopeOf(randomBytes(16).toString('hex'), content, identity, at);
    const { headers } = genuinePost(body, identity.publicKey, at);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
    return Buffer.from(`${lines.join('')}${length}\r\n${body}`);
  });
  next = 0;
}

function take(unique: boolean): Buffer | null {
  if (unique && next >= pool.length) return null;
  return pool[next++ % pool.length] ?? null;
}

class Run {
  readonly #load: Load;
  readonly #head: Buffer;
  readonly #startedAt = performance.now();
  readonly #times: number[] = [];
  readonly #failed: Record<string, number> = {};
  #endedAt = 0;

  constructor(load: Load) {
    this.#load = load;
    this.#head = Buffer.from(`POST ${load.path} HTTP/1.1\r\nHost: ${HOST}:${load.port}\r\n`);
  }

  async closed(lanes: number): Promise<Loaded> {
    const until = this.#startedAt + this.#load.seconds * 1_000;
    const lane = async (connection: Connection) => {
      while (performance.now() < until && (await this.#send(connection, performance.now())));
      connection.close();
    };
    await Promise.all(Array.from({ length: lanes }, () => lane(new Connection(this.#load.port))));
    return this.#result();
  }

  /** A request is timed from when it was due to be sent: one that finds no free connection waits on the clock. */
  async open(perSecond: number): Promise<Loaded> {
    const connections = Array.from({ length: OPEN_LANES }, () => new Connection(this.#load.port));
    const free = [...connections];
    const due: number[] = [];
    const total = Math.round(perSecond * this.#load.seconds);
    let released = 0;
    let answered = 0;
    await new Promise<void>((resolve) => {
      const pump = () => {
        while (free.length > 0 && due.length > 0) {
          const connection = free.pop();
          const at = due.shift();
          if (connection === undefined || at === undefined) return;
          void this.#send(connection, at).then(() => {
            free.push(connection);
            answered += 1;
            if (answered === total) resolve();
            else if (due.length > 0) pump();
          });
        }
      };
      const tick = setInterval(() => {
        const now = performance.now();
        const wanted = Math.min(total, Math.floor(((now - this.#startedAt) / 1_000) * perSecond) + 1);
        for (; released < wanted; released++) due.push(now);
        if (released === total) clearInterval(tick);
        pump();
      }, 1);
    });
    for (const connection of connections) connection.close();
    return this.#result();
  }

  /** False when there is nothing left to send. */
  async #send(connection: Connection, dueAt: number): Promise<boolean> {
    const rest = take(this.#load.unique);
    if (rest === null) return false;
    const status = await connection.post(this.#head, rest);
    this.#endedAt = performance.now();
    if (status === ACCEPTED) this.#times.push(this.#endedAt - dueAt);
    else this.#failed[status] = (this.#failed[status] ?? 0) + 1;
    return true;
  }

  #result(): Loaded {
    const sorted = Float64Array.from(this.#times).sort();
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    const seconds = (this.#endedAt - this.#startedAt) / 1_000;
    return {
      answered: sorted.length,
      failed: this.#failed,
      seconds,
      perSecond: sorted.length / seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: at(1),
    };
  }
}

answerQuestions(async (question: Question): Promise<Loaded | null> => {
  switch (question.kind) {
    case 'sign':
      sign(question);
      return null;
    case 'rewind':
      next = 0;
      return null;
    case 'load': {
      const run = new Run(question);
      return question.perSecond === undefined ? run.closed(question.lanes ?? 1) : run.open(question.perSecond);
    }
  }
});
