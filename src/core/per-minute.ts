// PerMinute: how often something may happen within one minute of the clock, by name. Memory alone and bounded; time is
// an argument. Never waits: what is over the limit does not happen.

/** Past this many names all counts are forgotten: whoever floods with names gains a minute's limit more. */
const NAMES_MAX = 1_000;
const MINUTE_MS = 60_000;

export class PerMinute {
  readonly #max: number;
  readonly #counts = new Map<string, number>();
  #minute = 0;

  constructor(max: number) {
    this.#max = max;
  }

  allows(name: string, now: number): boolean {
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== this.#minute || this.#counts.size >= NAMES_MAX) this.#counts.clear();
    this.#minute = minute;
    const count = this.#counts.get(name) ?? 0;
    if (count >= this.#max) return false;
    this.#counts.set(name, count + 1);
    return true;
  }
}
