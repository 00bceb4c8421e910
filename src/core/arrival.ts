// Arrival: a callback that changed no order, as people look it up. Pure. Counts are exact; samples are bounded.
import type { Verdict } from './callback.ts';
import { ARRIVAL_BUFFER_MAX, ARRIVAL_FLUSH_MS } from './limits.ts';
import type { Evidence } from './record.ts';
import type { RejectionReason } from './rejection.ts';

export type Arrival = {
  readonly id: string;
  readonly at: number;
  readonly verdict: Verdict;
  /** Why it was refused; on another verdict, what would have refused it: `source_not_allowed` while only monitored. */
  readonly reason: RejectionReason | null;
  readonly detail: string | null;
  readonly remoteAddress: string | null;
  readonly orderNo: string | null;
  readonly noticeType: string | null;
  /** SHA-256 of the body, hex; null where the body was never read. */
  readonly digest: string | null;
  readonly bytes: number | null;
};

export type ArrivalCount = {
  /** Start of the minute, epoch milliseconds. */
  readonly minute: number;
  readonly verdict: Verdict;
  readonly reason: RejectionReason | null;
  readonly count: number;
};

/** What one isolate tells one log at a time. The log knows (isolate, number), so a repeated batch changes nothing. */
export type ArrivalBatch = {
  readonly v: 1;
  readonly log: string;
  readonly channelId: string;
  readonly isolate: string;
  readonly number: number;
  readonly counts: readonly ArrivalCount[];
  readonly samples: readonly Arrival[];
};

/** An authentic notice that touches no order, kept whole before it is acknowledged. */
export type KeptNotice = {
  readonly v: 1;
  readonly channelId: string;
  readonly arrival: Arrival;
  readonly evidence: Evidence;
  /** The same notice again has the same key: the provider's id of it, else the body's digest. */
  readonly key: string;
};

/** Stands for the channel where there is none; no channel can be called so. */
export const NO_CHANNEL = '-';
/** All unknown channels share one log, so that outsiders cannot make objects. */
export const UNKNOWN_LOG = 'v1:unknown';
export const callbackLogNameOf = (channelUid: string): string => `v1:${channelUid}`;

const MINUTE_MS = 60_000;
export const minuteOf = (at: number): number => at - (at % MINUTE_MS);

/** A flush that was promised and never came (its request was cancelled) is promised again after this. */
const FLUSH_LOST_MS = 10 * ARRIVAL_FLUSH_MS;

export type ArrivalMark = Pick<Arrival, 'at' | 'verdict' | 'reason'>;
/** Room that only the first of a verdict, reason and minute may take: a flood of one reason must not hide another. */
const FIRSTS_RESERVED = 40;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OpenBatch = { channelId: string; counts: Map<string, Mutable<ArrivalCount>>; samples: Arrival[] };

/** Holds arrivals back between two flushes. One an isolate. */
export class ArrivalBuffer {
  readonly #isolate: string;
  readonly #open = new Map<string, OpenBatch>();
  /** Taken and not yet confirmed: at most one a log, sent again as it was. */
  readonly #unsent = new Map<string, ArrivalBatch>();
  #number = 0;
  #samples = 0;
  #promisedAt: number | null = null;

  constructor(isolate: string) {
    this.#isolate = isolate;
  }

  /** Counts one arrival. True when a sample is wanted: there is room, and one more like it would tell something. */
  count(log: string, channelId: string, mark: ArrivalMark): boolean {
    const open = this.#openOf(log, channelId);
    const minute = minuteOf(mark.at);
    const key = `${minute}|${mark.verdict}|${mark.reason}`;
    const known = open.counts.get(key);
    if (known) known.count += 1;
    else open.counts.set(key, { minute, verdict: mark.verdict, reason: mark.reason, count: 1 });
    if (mark.reason === 'signature_probe') return false;
    if (known === undefined) return this.#samples < ARRIVAL_BUFFER_MAX;
    if (mark.verdict === 'accepted') return false; // an accepted callback is kept whole with its order
    return this.#samples < ARRIVAL_BUFFER_MAX - FIRSTS_RESERVED;
  }

  addSample(log: string, channelId: string, sample: Arrival): void {
    if (this.#samples >= ARRIVAL_BUFFER_MAX) return;
    this.#openOf(log, channelId).samples.push(sample);
    this.#samples += 1;
  }

  #openOf(log: string, channelId: string): OpenBatch {
    const open: OpenBatch = this.#open.get(log) ?? { channelId, counts: new Map(), samples: [] };
    this.#open.set(log, open);
    return open;
  }

  /** True for the one caller who should flush after ARRIVAL_FLUSH_MS. */
  promiseFlush(now: number): boolean {
    if (this.#promisedAt !== null && Math.abs(now - this.#promisedAt) < FLUSH_LOST_MS) return false;
    this.#promisedAt = now;
    return true;
  }

  /** Everything to send now. Each batch comes again until `confirm` names it. */
  take(): readonly ArrivalBatch[] {
    this.#promisedAt = null;
    for (const [log, { channelId, counts, samples }] of this.#open) {
      if (this.#unsent.has(log)) continue;
      this.#number += 1;
      const batch = { v: 1, log, channelId, isolate: this.#isolate, number: this.#number } as const;
      this.#unsent.set(log, { ...batch, counts: [...counts.values()], samples });
      this.#open.delete(log);
    }
    return [...this.#unsent.values()];
  }

  confirm(batch: ArrivalBatch): void {
    if (this.#unsent.get(batch.log) !== batch) return;
    this.#unsent.delete(batch.log);
    this.#samples -= batch.samples.length;
  }

  /** True while a flush would send something. */
  get isWaiting(): boolean {
    return this.#open.size > 0 || this.#unsent.size > 0;
  }
}

/** Lets one through per key and interval. Forgets everything rather than grow without bound. */
export class OncePer {
  readonly #intervalMs: number;
  readonly #keysMax: number;
  readonly #last = new Map<string, number>();

  constructor(intervalMs: number, keysMax = 1_000) {
    this.#intervalMs = intervalMs;
    this.#keysMax = keysMax;
  }

  allows(key: string, now: number): boolean {
    const last = this.#last.get(key);
    if (last !== undefined && Math.abs(now - last) < this.#intervalMs) return false;
    if (this.#last.size >= this.#keysMax) this.#last.clear();
    this.#last.set(key, now);
    return true;
  }
}
