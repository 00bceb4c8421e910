// Carries notices to the merchant's notify_url and repeats each on WeChat Pay's schedule until it is acknowledged.
// A repeat has the same body and id, and where it is signed in its headers a new timestamp, nonce and signature.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Identity } from './identity.ts';
import {
  bodyOf,
  isReceipt,
  isSpoil,
  isVariant,
  type Misbehaviour,
  type NoticeContent,
  type Post,
  postOf,
  type SigningKey,
  type Spoil,
  signingKeyOf,
  varied,
} from './notice.ts';

/** Waits before each repeat (merchant docs 4012082053): 24 h 4 min in all. */
// biome-ignore format: reads as the documentation prints it
export const RETRY_SCHEDULE_SECONDS: readonly number[] = [
  15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600,
];
/** The receiver has this long to answer (partner docs: notification considerations). */
export const ANSWER_TIMEOUT_MS = 5_000;

export type Attempt = {
  readonly at: number;
  /** How it was spoiled; null for a genuine one. */
  readonly spoiled: string | null;
  /** Null when nobody answered. */
  readonly status: number | null;
  readonly tookMs: number;
  readonly answer: string;
  readonly acknowledged: boolean;
};

export type Notice = {
  readonly id: string;
  readonly orderNo: string;
  readonly eventType: string;
  readonly url: string;
  readonly body: string;
  readonly content: NoticeContent;
  readonly attempts: Attempt[];
  state: 'waiting' | 'sending' | 'acknowledged' | 'given_up' | 'stopped';
  /** When the next repeat is due; null when none is. */
  nextAt: number | null;
};

export type SendOptions = {
  readonly misbehave?: Misbehaviour | undefined;
  readonly copies?: number | undefined;
  readonly delayMs?: number | undefined;
  /** How many attempts are spoiled before the genuine ones. */
  readonly times?: number | undefined;
  /** At most so many attempts in all; the schedule's length unless given. */
  readonly attempts?: number | undefined;
  readonly signWith?: SigningKey | undefined;
};

export type CourierOptions = {
  readonly identity: Identity;
  /** Stretches or shrinks the schedule: 0.001 makes 15 s into 15 ms. */
  readonly timeScale: number;
  readonly signWith: SigningKey;
  /** Lets time pass; the clock of this machine unless another is played. */
  readonly wait?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
  /** Carries one post; the network unless it is played too. */
  readonly carry?: ((url: string, post: Post) => Promise<Carried>) | undefined;
  readonly onSending?: ((notice: Notice) => void) | undefined;
  readonly onAttempt?: ((notice: Notice, attempt: Attempt) => void) | undefined;
};

/** How many notices are remembered for people to look at. */
const NOTICES_MAX = 1_000;
const REORDER_WAIT_MS = 60_000;

/** What came back; no status for no answer in time, and for no connection. */
export type Carried = { readonly status: number | null; readonly answer: string };

const realWait = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal });

export class Courier {
  readonly #options: CourierOptions;
  readonly #wait: NonNullable<CourierOptions['wait']>;
  #signWith: SigningKey;
  readonly #notices = new Map<string, Notice>();
  readonly #closing = new AbortController();
  /** Called when a notice for the order was sent: what a held-back one waits for. */
  readonly #held = new Map<string, () => void>();

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#wait = options.wait ?? realWait;
    this.#signWith = options.signWith;
  }

  /** From now on, also what waits to be sent again. */
  signFromNowOn(key: SigningKey): void {
    this.#signWith = key;
  }

  /** Does it later, unless closed before. */
  after(ms: number, act: () => void): void {
    void this.#wait(ms * this.#options.timeScale, this.#closing.signal).then(act, () => {});
  }

  /** Begins to send; the returned promise is settled after the first attempt, repeats go on without it. */
  send(
    orderNo: string,
    url: string,
    content: NoticeContent,
    options: SendOptions,
  ): { notice: Notice; first: Promise<void> } {
    const kind = options.misbehave;
    const said = kind !== undefined && isVariant(kind) ? varied(content, kind) : content;
    const id = randomUUID();
    const body = bodyOf(id, said, this.#options.identity, Date.now());
    const { eventType } = said;
    const notice: Notice = {
      id,
      orderNo,
      eventType,
      url,
      body,
      content: said,
      attempts: [],
      state: 'waiting',
      nextAt: null,
    };
    this.#remember(notice);
    return { notice, first: this.#start(notice, options) };
  }

  get(id: string): Notice | undefined {
    return this.#notices.get(id);
  }

  all(): Notice[] {
    return [...this.#notices.values()];
  }

  /** Stops every repeat. */
  close(): void {
    this.#closing.abort();
  }

  #start(notice: Notice, options: SendOptions): Promise<void> {
    return new Promise((resolve) => {
      this.#run(notice, options, resolve)
        .catch(() => {
          // The only throw is the end of a wait that close() cut short.
          notice.state = 'stopped';
        })
        .finally(resolve);
    });
  }

  async #run(notice: Notice, options: SendOptions, firstDone: () => void): Promise<void> {
    if (options.misbehave === 'lost') {
      notice.state = 'acknowledged';
      return;
    }
    await this.#waitForTurn(notice, options);
    const limit = Math.min(options.attempts ?? Number.POSITIVE_INFINITY, RETRY_SCHEDULE_SECONDS.length + 1);
    for (let index = 0; index < limit; index += 1) {
      const acknowledged = await this.#attempt(notice, options, index);
      if (index === 0) {
        firstDone();
        this.#letGo(notice);
      }
      if (acknowledged) {
        notice.state = 'acknowledged';
        if (options.misbehave === 'duplicate') await this.#repeat(notice, options);
        return;
      }
      const wait = RETRY_SCHEDULE_SECONDS[index];
      if (wait === undefined || index + 1 >= limit) break;
      await this.#pause(notice, wait * 1_000 * this.#options.timeScale);
    }
    notice.state = 'given_up';
  }

  async #waitForTurn(notice: Notice, options: SendOptions): Promise<void> {
    const { signal } = this.#closing;
    if (options.misbehave === 'delay') await this.#wait(options.delayMs ?? 5_000, signal);
    if (options.misbehave !== 'reorder') return;
    const waited = new AbortController();
    this.#held.set(notice.orderNo, () => waited.abort());
    await this.#wait(REORDER_WAIT_MS, AbortSignal.any([signal, waited.signal])).catch(() => {});
    if (signal.aborted) throw new Error('closed');
  }

  /** Lets the held-back notice of this order follow. */
  #letGo(notice: Notice): void {
    const release = this.#held.get(notice.orderNo);
    this.#held.delete(notice.orderNo);
    release?.();
  }

  async #pause(notice: Notice, waitMs: number): Promise<void> {
    notice.state = 'waiting';
    notice.nextAt = Date.now() + waitMs;
    await this.#wait(waitMs, this.#closing.signal);
    notice.nextAt = null;
  }

  /** One turn of the schedule; several posts at once when asked for. True when any was acknowledged. */
  async #attempt(notice: Notice, options: SendOptions, index: number): Promise<boolean> {
    const { misbehave, times = 1, copies = 3 } = options;
    const spoil = misbehave !== undefined && isSpoil(misbehave) && index < times ? misbehave : null;
    const posts = misbehave === 'concurrent' && index === 0 ? copies : 1;
    notice.state = 'sending';
    const outcomes = await Promise.all(Array.from({ length: posts }, () => this.#post(notice, options, spoil)));
    return outcomes.some((attempt) => attempt.acknowledged);
  }

  async #repeat(notice: Notice, options: SendOptions): Promise<void> {
    for (let copy = 0; copy < (options.copies ?? 2); copy += 1) await this.#post(notice, options, null);
  }

  async #post(notice: Notice, options: SendOptions, spoil: Spoil | null): Promise<Attempt> {
    const { identity } = this.#options;
    const key = signingKeyOf(identity, options.signWith ?? this.#signWith);
    const at = Date.now();
    const post = postOf(notice, spoil, identity, key, at);
    this.#options.onSending?.(notice);
    const startedAt = performance.now();
    const { status, answer } = await (this.#options.carry ?? overNetwork)(notice.url, post);
    const tookMs = Math.round((performance.now() - startedAt) * 10) / 10;
    const acknowledged = isReceipt(notice.content, status, answer);
    const attempt: Attempt = { at, spoiled: spoil, status, tookMs, answer, acknowledged };
    notice.attempts.push(attempt);
    this.#options.onAttempt?.(notice, attempt);
    return attempt;
  }

  #remember(notice: Notice): void {
    this.#notices.set(notice.id, notice);
    for (const id of this.#notices.keys()) {
      if (this.#notices.size <= NOTICES_MAX) break;
      this.#notices.delete(id);
    }
  }
}

/** Posts once; no answer in time, or no connection, is no status. */
export async function overNetwork(url: string, post: Post): Promise<Carried> {
  try {
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
    const { headers, body } = post;
    const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
    return { status: response.status, answer: (await response.text()).slice(0, 500) };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return { status: null, answer: cause instanceof Error ? cause.message : String(cause) };
  }
}
