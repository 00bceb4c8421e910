// Works the jobs of one batch off, a few at a time, so that an origin that is silent keeps neither the others of the
// batch waiting nor the batch itself. Knows nothing of what a job is.

export type LanesOptions<Job> = {
  /** Jobs at the same time. */
  readonly lanes: number;
  /** How long somebody may be silent before nobody waits for him any more. */
  readonly patienceMs: number;
  /** Who a job calls. */
  readonly calledBy: (job: Job) => string;
  /** Never rejects. */
  readonly work: (job: Job) => Promise<void>;
};

type Line<Job> = { readonly waiting: Job[]; readonly begunAt: Set<{ readonly at: number }>; answeredAt: number };

export class Lanes<Job> {
  readonly #options: LanesOptions<Job>;
  readonly #lines = new Map<string, Line<Job>>();
  readonly #begun: Promise<void>[] = [];
  #open = 0;
  #wake: () => void = () => undefined;
  /** Wakes when somebody may have turned silent; too early after an answer, which then sets the next one. */
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(jobs: readonly Job[], options: LanesOptions<Job>) {
    this.#options = options;
    for (const [called, waiting] of Map.groupBy(jobs, options.calledBy)) {
      this.#lines.set(called, { waiting, begunAt: new Set(), answeredAt: 0 });
    }
  }

  /** Ends when every job is done, or when all that is left calls the silent: answers the jobs that were not begun. */
  async run(): Promise<readonly Job[]> {
    for (;;) {
      const woken = new Promise<void>((wake) => {
        this.#wake = wake;
      });
      this.#begin();
      if (this.#open === 0 || this.#isStalled()) break;
      this.#timer ??= this.#untilSilent();
      await woken;
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    return this.#all().flatMap(({ waiting }) => waiting);
  }

  /** Those nobody waits for any more. */
  silent(): readonly string[] {
    return [...this.#lines].filter(([, line]) => this.#isSilent(line)).map(([called]) => called);
  }

  /** What was begun and may still go on. */
  async rest(): Promise<void> {
    await Promise.all(this.#begun);
  }

  #all(): Line<Job>[] {
    return [...this.#lines.values()];
  }

  #begin(): void {
    while (this.#open < this.#options.lanes) {
      const next = this.#pick();
      const job = next?.[1].waiting.shift();
      if (!next || job === undefined) return;
      // Behind the others: each has a turn.
      this.#lines.delete(next[0]);
      this.#lines.set(...next);
      this.#begun.push(this.#do(next[1], job));
    }
  }

  /** While others wait, nobody has more than half of the lanes; the silent have no more than they have. */
  #pick(): readonly [string, Line<Job>] | undefined {
    const waiting = [...this.#lines].filter(([, line]) => line.waiting.length > 0);
    const most = waiting.length > 1 ? Math.ceil(this.#options.lanes / 2) : this.#options.lanes;
    return waiting.find(([, line]) => line.begunAt.size < most && !this.#isSilent(line));
  }

  async #do(line: Line<Job>, job: Job): Promise<void> {
    const entry = { at: Date.now() };
    line.begunAt.add(entry);
    this.#open += 1;
    try {
      await this.#options.work(job);
    } finally {
      line.begunAt.delete(entry);
      line.answeredAt = Date.now();
      this.#open -= 1;
      this.#wake();
    }
  }

  #silentAt({ begunAt, answeredAt }: Line<Job>): number {
    const [oldest] = begunAt; // a set keeps the order in which they were added
    return oldest ? Math.max(oldest.at, answeredAt) + this.#options.patienceMs : Number.POSITIVE_INFINITY;
  }

  #isSilent(line: Line<Job>): boolean {
    return Date.now() >= this.#silentAt(line);
  }

  #isStalled(): boolean {
    return this.#all().every((line) => line.begunAt.size === 0 || this.#isSilent(line));
  }

  #untilSilent(): ReturnType<typeof setTimeout> | null {
    const now = Date.now();
    const next = Math.min(
      ...this.#all()
        .map((line) => this.#silentAt(line))
        .filter((at) => at > now),
    );
    if (next === Number.POSITIVE_INFINITY) return null;
    return setTimeout(() => {
      this.#timer = null;
      this.#wake();
    }, next - now);
  }
}
