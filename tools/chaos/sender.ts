// The provider of the drill: signs callbacks in many lanes at a steady rate and repeats each until it is acknowledged,
// whatever happens to the gateway meanwhile. Counts an acknowledgement only when its whole answer has arrived.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Identity } from '../../src/sandbox/identity.ts';
import { envelopeOf, genuinePost } from '../../src/sandbox/notice.ts';
import { type DrillOrder, type Fact, factsOf, makeOrder } from './orders.ts';
import type { Random } from './random.ts';

const ANSWER_TIMEOUT_MS = 5_000;
const REPEAT_MS = 150;
const COPIES = 3;

export type SenderOptions = {
  /** Where the callbacks go. */
  readonly url: string;
  readonly identity: Identity;
  readonly random: Random;
  /** Callbacks a second while the gateway answers. */
  readonly rate: number;
  readonly lanes: number;
};

export class Sender {
  readonly orders: DrillOrder[] = [];
  /** How often each answer came; `none` when there was no answer. */
  readonly answers = new Map<string, number>();
  readonly #options: SenderOptions;
  readonly #end = new AbortController();
  #running: Promise<unknown> = Promise.resolve();
  #nextTurn = 0;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: this.#options.lanes }, () => this.#lane()));
  }

  /** Ends the sending at once: what has no answer yet stays in doubt, as when a provider gives up. */
  async abandon(): Promise<void> {
    this.#end.abort();
    await this.#running;
  }

  get acknowledged(): readonly Fact[] {
    return this.orders.flatMap(factsOf).filter((fact) => fact.state === 'acknowledged');
  }

  async #lane(): Promise<void> {
    const { identity, random } = this.#options;
    while (!this.#end.signal.aborted) {
      const order = makeOrder(`drill-${String(this.orders.length + 1).padStart(6, '0')}`, identity, random);
      this.orders.push(order);
      for (const step of order.steps) await Promise.all(step.map((fact) => this.#tell(fact)));
    }
  }

  async #tell(fact: Fact): Promise<void> {
    const body = this.#noticeOf(fact);
    const copies = fact.manner === 'together' ? COPIES : 1;
    await Promise.all(Array.from({ length: copies }, () => this.#repeat(fact, body)));
    if (fact.manner !== 'again') return;
    await this.#repeat(fact, body); // the same notice once more
    await this.#repeat(fact, this.#noticeOf(fact)); // the same fact in a new notice
  }

  #noticeOf(fact: Fact): string {
    return envelopeOf(randomUUID(), fact.content, this.#options.identity, Date.now());
  }

  async #repeat(fact: Fact, body: string): Promise<void> {
    const { signal } = this.#end;
    for (;;) {
      await this.#turn();
      if (signal.aborted) return;
      if (fact.state === 'waiting') fact.state = 'begun';
      if (await this.#post(body)) {
        fact.state = 'acknowledged';
        return;
      }
      await sleep(REPEAT_MS);
    }
  }

  /** One place in a row that moves at the rate; nobody saves up turns while the gateway is down. */
  async #turn(): Promise<void> {
    const now = performance.now();
    this.#nextTurn = Math.max(now, this.#nextTurn) + 1_000 / this.#options.rate;
    await sleep(this.#nextTurn - now);
  }

  async #post(body: string): Promise<boolean> {
    const { url, identity } = this.#options;
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    let answer = 'none';
    try {
      const response = await fetch(url, {
        method: 'POST',
        signal,
        ...genuinePost(body, identity.publicKey, Date.now()),
      });
      await response.arrayBuffer();
      answer = String(response.status);
    } catch {
      // Refused, cut off or too late: nobody knows whether it was taken, so it is repeated.
    }
    this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1);
    return answer === '200' || answer === '204';
  }
}
