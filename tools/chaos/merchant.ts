// The merchant of the drill: outlives every kill, proves each delivery genuine, remembers all of them, refuses a few.
// Knows the gateway by its deliveries alone.
import { setTimeout as sleep } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { z } from 'zod';
import { json, type Listening, type SandboxAnswer, type SandboxRequest, serve } from '../../src/sandbox/http.ts';
import type { Random } from './random.ts';

const Delivery = z.object({
  type: z.string(),
  data: z.object({
    id: z.string(),
    sequence: z.int(),
    order: z.object({ orderNo: z.string(), payments: z.array(z.object({ transactionId: z.string() })) }),
    refund: z.object({ refundNo: z.string() }).nullable(),
  }),
});

type Seen = { readonly body: string; times: number };

/** How many events are refused at their first arrival, so that ladders run across kills too. */
const REFUSED_SHARE = 0.04;
/** How many answers come late, and how late at most: what was accepted and not yet answered dies with a kill. */
const LATE_SHARE = 0.2;
const LATE_MS_MAX = 500;

export class Merchant {
  readonly #random: Random;
  readonly #events = new Map<string, Seen>();
  /** Facts that an accepted event told of: a transaction's id or a refund's number. */
  readonly #facts = new Set<string>();
  /** The sequence of the last event accepted, by order. */
  readonly #sequences = new Map<string, number>();
  /** Events that were refused once and are taken next time. */
  readonly #refused = new Set<string>();
  #server: Listening | null = null;
  #secret: string | null = null;
  #outUntil = 0;
  #duplicates = 0;
  #forged = 0;
  readonly #complaints: string[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  async start(): Promise<string> {
    this.#server = await serve(0, (request) => this.#answer(request));
    return `${this.#server.url}/events`;
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }

  trust(secret: string): void {
    this.#secret = secret;
  }

  /** Refuses everything for a while, so that the backlog outlives a restart. */
  goOut(ms: number): void {
    this.#outUntil = Date.now() + ms;
  }

  hasFact = (id: string): boolean => this.#facts.has(id);

  get report() {
    return {
      /** Distinct events accepted. */
      events: this.#events.size,
      duplicates: this.#duplicates,
      forged: this.#forged,
      /** Order broken, or one event told in two ways: each in a sentence. */
      complaints: this.#complaints as readonly string[], // read-only outside
    };
  }

  async #answer(request: SandboxRequest): Promise<SandboxAnswer> {
    const answer = this.#take(request);
    if (this.#random() < LATE_SHARE) await sleep(LATE_MS_MAX * this.#random());
    return answer;
  }

  #take(request: SandboxRequest): SandboxAnswer {
    const body = request.body.toString('utf8');
    if (!this.#isGenuine(body, request.headers)) {
      this.#forged += 1;
      return json(401, { error: 'not a genuine delivery' });
    }
    const { type, data } = Delivery.parse(JSON.parse(body));
    const known = this.#events.get(data.id);
    if (known) {
      known.times += 1;
      this.#duplicates += 1;
      if (known.body !== body) this.#complaints.push(`${data.id} came again with another body`);
      return { status: 204 };
    }
    const { orderNo, payments } = data.order;
    const last = this.#sequences.get(orderNo) ?? 0;
    // Nothing was filtered, so each event that is new follows the last one that was accepted.
    if (data.sequence !== last + 1) {
      this.#complaints.push(`${orderNo}: event ${data.sequence} (${type}, ${data.id}) came after event ${last}`);
    }
    if (Date.now() < this.#outUntil) return json(503, { error: 'out' });
    if (!this.#refused.has(data.id) && this.#random() < REFUSED_SHARE) {
      this.#refused.add(data.id);
      return json(500, { error: 'refused once, to make the ladder run' });
    }
    this.#sequences.set(orderNo, Math.max(last, data.sequence));
    this.#events.set(data.id, { body, times: 1 });
    const fact = data.refund?.refundNo ?? payments.at(-1)?.transactionId;
    if (fact !== undefined) this.#facts.add(fact);
    return { status: 204 };
  }

  #isGenuine(body: string, headers: Readonly<Record<string, string>>): boolean {
    if (this.#secret === null) return false;
    try {
      new Webhook(this.#secret).verify(body, { ...headers });
      return true;
    } catch {
      return false;
    }
  }
}
