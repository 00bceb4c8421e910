// Pace: how fast one shard may send questions: its share of what the channel's provider takes, and none for a while
// after one that it did not answer. Memory alone; time is an argument.
import { backoffMs } from './delivery.ts';
import { PROVIDER_AWAY_MS_MAX, PROVIDER_AWAY_MS_MIN } from './limits.ts';

export class Pace {
  #tokens = 1;
  #at = 0;
  #awayUntil = 0;
  #failures = 0;

  /** How many questions may leave now. */
  room(perSecond: number, now: number): number {
    this.#fill(perSecond, now);
    return now < this.#awayUntil ? 0 : Math.floor(this.#tokens);
  }

  take(count: number): void {
    this.#tokens -= count;
  }

  /** When the next one may leave. */
  readyAt(perSecond: number, now: number): number {
    this.#fill(perSecond, now);
    const waitMs = this.#tokens >= 1 ? 0 : ((1 - this.#tokens) / perSecond) * 1000;
    return Math.max(this.#awayUntil, now + Math.ceil(waitMs));
  }

  /** The provider did not answer: nobody is asked for a while, ever longer. */
  noteAway(now: number): void {
    if (now < this.#awayUntil) return; // questions that left together are one failure
    this.#failures += 1;
    this.#awayUntil = now + backoffMs(this.#failures, PROVIDER_AWAY_MS_MIN, PROVIDER_AWAY_MS_MAX);
  }

  noteThere(): void {
    this.#failures = 0;
    this.#awayUntil = 0;
  }

  /** A clock that stepped back adds nothing and takes nothing. */
  #fill(perSecond: number, now: number): void {
    const earned = (Math.max(0, now - this.#at) / 1000) * perSecond;
    this.#tokens = Math.min(Math.max(1, perSecond), this.#tokens + earned);
    this.#at = now;
  }
}
