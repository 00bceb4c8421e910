// Hands flights to the queues, the quick one and the slow one, and waits when they refuse. Decides nothing about a
// delivery: what was not sent stays ready, and what was sent twice is claimed once.
import { backoffMs } from '../core/delivery.ts';
import {
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  DISPATCH_BATCH_MAX,
  ORIGIN_SLOW_FOR_MS,
  QUEUE_TIMEOUT_MS,
} from '../core/limits.ts';
import type { DeliveryMessage } from '../core/record.ts';
import { traceOfEvent } from '../core/trace.ts';
import { within } from '../core/within.ts';
import { logHop } from '../log.ts';
import type { Shard } from './dispatcher.ts';
import type { Flight, Flights } from './flights.ts';

export class Sender {
  readonly #shard: Shard;
  readonly #flights: Flights;
  readonly #slowUntil = new Map<string, number>();
  #failures = 0;
  /** The queue refused: nothing is sent before this. */
  blockedUntil = 0;

  constructor(shard: Shard, flights: Flights) {
    this.#shard = shard;
    this.#flights = flights;
  }

  noteSlow(originId: string, now: number): void {
    this.#slowUntil.set(originId, now + ORIGIN_SLOW_FOR_MS);
  }

  async send(): Promise<void> {
    const now = Date.now();
    const ready = this.#flights.ready(DISPATCH_BATCH_MAX);
    const slow = ready.filter((flight) => (this.#slowUntil.get(flight.originId) ?? 0) > now);
    const quick = ready.filter((flight) => !slow.includes(flight));
    try {
      if (quick.length > 0) await this.#sendTo(this.#shard.env.DELIVER, quick);
      if (slow.length > 0) await this.#sendTo(this.#shard.env.DELIVER_SLOW, slow);
      this.#failures = 0;
    } catch (error) {
      this.#failures += 1;
      this.blockedUntil = Date.now() + backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
      const { name: shard } = this.#shard;
      console.error(JSON.stringify({ hop: 'dispatch', shard, error: String(error), failures: this.#failures }));
    }
  }

  async #sendTo(queue: Queue<DeliveryMessage>, flights: readonly Flight[]): Promise<void> {
    const { name: shard, epoch } = this.#shard;
    const messages = flights.map(({ seq, eventId, originId, attempt }) => ({
      body: { v: 1, shard, seq, eventId, originId, attempt, epoch } as const,
    }));
    const begunAt = Date.now();
    await within(queue.sendBatch(messages), QUEUE_TIMEOUT_MS, 'The queue');
    const more = { count: messages.length, shard };
    const traces = flights.map(({ trace, eventId }) => trace ?? traceOfEvent(eventId));
    logHop(this.#shard.env, { hop: 'dispatch', outcome: 'sent', ms: Date.now() - begunAt, more, traces });
    this.#flights.markSent(flights, Date.now() + this.#shard.leaseMs);
  }
}
