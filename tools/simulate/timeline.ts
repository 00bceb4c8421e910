// What happens when, in played time: steps from one event to the next, moves the gateway's clock and our own together,
// and goes on only when both sides are at rest. What falls into one step happens at its end.
import { z } from 'zod';
import { Sentence } from '../terminal.ts';
import { moveClockTo, playedNow } from './clock.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

type Happening = { readonly at: number; readonly turn: number; readonly act: () => unknown };

const State = z.object({
  now: z.number(),
  nextAt: z.number().nullable(),
  next: z.string().nullable(),
  running: z.int(),
  queued: z.int(),
  isAtRest: z.boolean(),
});
type State = z.infer<typeof State>;

export type TimelineOptions = {
  readonly url: string;
  /** Resolution: happenings closer to each other than this share a step. */
  readonly stepMs: number;
  /** Alarms may ring so late, as real ones do, so that several share a step. */
  readonly alarmsLateMs: number;
  /** How often the cron ticks, once it did so each minute for an hour: some things have a minute of their own in it. */
  readonly tickEveryMs: number;
};

export class Timeline {
  readonly #options: TimelineOptions;
  /** By time; the last one is the next. */
  #happenings: Happening[] = [];
  #isSorted = true;
  #turns = 0;
  #inFlight = 0;
  #nextTickAt: number;
  readonly #oftenUntil: number;
  #failure: unknown;
  steps = 0;

  constructor(options: TimelineOptions) {
    this.#options = options;
    this.#nextTickAt = playedNow();
    this.#oftenUntil = this.#nextTickAt + HOUR_MS;
  }

  at(time: number, act: () => unknown): void {
    this.#turns += 1;
    this.#happenings.push({ at: time, turn: this.#turns, act });
    this.#isSorted = false;
  }

  /** For whoever waits in played time: rejects when the signal comes first. */
  readonly wait = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      const end = () => reject(new Error('the wait was cut short'));
      if (signal.aborted) return end();
      signal.addEventListener('abort', end, { once: true });
      this.at(playedNow() + ms, resolve);
    });

  /** Nothing moves on while this is on its way. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#inFlight += 1;
    try {
      return await work;
    } finally {
      this.#inFlight -= 1;
    }
  }

  /** Begins something that goes on by itself; its failure ends the run. */
  begin(work: Promise<unknown>): void {
    void this.during(work).catch((error: unknown) => {
      this.#failure ??= error;
    });
  }

  async run(until: number): Promise<void> {
    let state = await this.#rest();
    for (;;) {
      const next = Math.min(
        this.#peek(),
        this.#nextTickAt,
        (state.nextAt ?? Number.POSITIVE_INFINITY) + this.#options.alarmsLateMs,
      );
      if (next > until) return;
      state = await this.#step(next);
    }
  }

  async #step(next: number): Promise<State> {
    const { stepMs, tickEveryMs } = this.#options;
    this.steps += 1;
    moveClockTo(Math.max(Math.ceil(next / stepMs) * stepMs, playedNow()));
    const now = playedNow();
    const isQuiet = this.#peek() > now && this.#nextTickAt > now;
    if (isQuiet) return this.#whenAtRest(await this.#ask(`to=${now}&rest`));
    await this.#ask(`to=${now}`);
    while (this.#peek() <= now) await this.#happenings.pop()?.act();
    if (this.#nextTickAt <= now) {
      const every = now < this.#oftenUntil ? MINUTE_MS : tickEveryMs;
      this.#nextTickAt = (Math.floor(now / every) + 1) * every;
      await this.#ask('tick');
    }
    return this.#rest();
  }

  /** Until neither side has anything left to do now. */
  async #rest(): Promise<State> {
    while (this.#inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    return this.#whenAtRest(await this.#ask('rest'));
  }

  async #whenAtRest(state: State): Promise<State> {
    if (this.#failure !== undefined) throw this.#failure;
    if (!state.isAtRest) throw new Sentence(`The gateway does not come to rest: ${JSON.stringify(state)}.`);
    if (this.#inFlight === 0 && this.#peek() > playedNow()) return state;
    while (this.#peek() <= playedNow()) await this.#happenings.pop()?.act();
    return this.#rest();
  }

  #peek(): number {
    if (!this.#isSorted) {
      this.#happenings.sort((a, b) => b.at - a.at || b.turn - a.turn);
      this.#isSorted = true;
    }
    return this.#happenings.at(-1)?.at ?? Number.POSITIVE_INFINITY;
  }

  /** `to`: moves the gateway's clock. `tick`: its cron's. `rest`: answers once it has nothing left to do. */
  async #ask(how: string): Promise<State> {
    const response = await fetch(`${this.#options.url}/simulate?${how}`, { method: 'POST' });
    return State.parse(await response.json());
  }
}
