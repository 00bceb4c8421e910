// What is measured, and in which order: every round takes each thing once, side by side, because machines drift. Judges
// nothing.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Identity } from '../../src/sandbox/identity.ts';
import { Sentence } from '../terminal.ts';
import type { Load, Loaded, Question } from './driver.ts';
import type { CommitRate, Pipe, Rate, RowsPerOrder, Stateful, Stateless } from './figures.ts';
import { median } from './median.ts';
import type { SinkCount, SinkQuestion } from './sink.ts';
import { CHANNEL, type LedgerClass, type Stage, type Theatre } from './stage.ts';
import { Thread } from './thread.ts';

export type Plan = {
  readonly rounds: number;
  readonly shards: number;
  /** Before anything is timed: code is compiled, objects are made. */
  readonly warmSeconds: number;
  readonly openSeconds: number;
  readonly closedSeconds: number;
  readonly manySeconds: number;
  readonly rowsSeconds: number;
  /** Callbacks signed beforehand: no run may need more orders than these. */
  readonly orders: number;
};

/** Open loop: well below saturation, and what the design's figures were taken at. */
export const OPEN_PER_SECOND = 400;
export const LANES = 16;
/** Enough that several callbacks wait for each shard: only then can they share a commit. */
export const LANES_MANY = 64;
const RHYTHMS = {
  open: { perSecond: OPEN_PER_SECOND },
  closed: { lanes: LANES },
  many: { lanes: LANES_MANY },
  single: { lanes: 1 },
} as const;
const LOOP_TIMES = 50;
const LOOP_TURNS = 3;
const DRAIN_STALLED_MS = 30_000;
/** Longer than the ledger waits before it projects: what it does after the delivery belongs to the order too. */
const AFTERMATH_MS = 1_500;
/** Callbacks are fresh for 300 s either way: dated ahead a little, they last longer. */
const DATED_AHEAD_MS = 120_000;
const FRESH_FOR_MS = DATED_AHEAD_MS + 240_000;

export class Bench {
  readonly #theatre: Theatre;
  readonly #identity: Identity;
  readonly #plan: Plan;
  readonly #driver = new Thread<Question, Loaded | null>(join(import.meta.dirname, 'driver.ts'));
  readonly #sink = new Thread<SinkQuestion, SinkCount>(join(import.meta.dirname, 'sink.ts'));
  #sinkPort = 0;
  #staleAt = 0;
  /** What went wrong on the way, for people: a figure beside these is worth little. */
  readonly troubles = new Set<string>();

  constructor(theatre: Theatre, identity: Identity, plan: Plan) {
    this.#theatre = theatre;
    this.#identity = identity;
    this.#plan = plan;
  }

  async prepare(): Promise<void> {
    this.#sinkPort = (await this.#sink.ask('listen')).port;
    await this.#freshen();
  }

  async end(): Promise<void> {
    await Promise.all([this.#driver.end(), this.#sink.end()]);
  }

  stateless(): Promise<Stateless> {
    return this.#on('QuietLedger', this.#plan.shards, async (stage) => {
      const bareWorker = await this.#rate(stage, '/bench/worker', false);
      const bareCrypto = await this.#rate(stage, '/bench/crypto', false);
      const verify = await this.#rate(stage, '/bench/verify', false);
      return { bareWorker, bareCrypto, verify, ...(await this.#loops(stage)) };
    });
  }

  /** One after the other on fresh disks; turned round every other time, so that drift favours none. */
  async stateful(shards: number, reversed: boolean): Promise<Stateful> {
    const commits = (path: string, unique: boolean) =>
      this.#on('QuietLedger', shards, (stage) => this.#commitRate(stage, path, unique));
    const insert = () => commits('/bench/insert', false);
    const proven = () => commits('/bench/proven-insert', false);
    const accept = () => commits(`/callbacks/${CHANNEL}`, true);
    const deliver = () => this.#on('OrderLedger', shards, (stage) => this.#pipe(stage));
    if (!reversed) {
      const [bareInsert, bareProvenInsert] = [await insert(), await proven()];
      return { bareInsert, bareProvenInsert, accepted: await accept(), pipe: await deliver() };
    }
    const [pipe, accepted] = [await deliver(), await accept()];
    return { pipe, accepted, bareProvenInsert: await proven(), bareInsert: await insert() };
  }

  rowsPerOrder(): Promise<RowsPerOrder> {
    return this.#on('CountingLedger', this.#plan.shards, async (stage) => {
      await this.#warm(stage, `/callbacks/${CHANNEL}`, true);
      await sleep(2 * AFTERMATH_MS);
      const before = await stage.rows();
      await this.#sink.ask('forget');
      const { answered } = await this.#load(stage, `/callbacks/${CHANNEL}`, this.#plan.rowsSeconds, true, 'open');
      await this.#drain(answered);
      await sleep(2 * AFTERMATH_MS);
      const after = await stage.rows();
      const alarms = (after.alarms - before.alarms) / answered;
      return {
        ledger: (after.ledger - before.ledger) / answered + alarms,
        d1: (after.d1 - before.d1) / answered,
        alarms,
      };
    });
  }

  async #on<T>(ledger: LedgerClass, shards: number, act: (stage: Stage) => Promise<T>): Promise<T> {
    await this.#freshen();
    await this.#driver.ask({ kind: 'rewind' });
    await this.#sink.ask('forget');
    const stage = await this.#theatre.open({ ledger, shards, identity: this.#identity, sinkPort: this.#sinkPort });
    try {
      return await act(stage);
    } finally {
      for (const complaint of stage.complaints) {
        // The runtime's own note that an alarm ran some milliseconds off its plan, as alarms do under load.
        if (complaint.includes('SQLite alarm overdue')) continue;
        this.troubles.add(`the gateway printed: ${complaint.slice(0, 300)}`);
      }
      await stage.close();
    }
  }

  async #freshen(): Promise<void> {
    const now = Date.now();
    if (now < this.#staleAt) return;
    this.#staleAt = now + FRESH_FOR_MS;
    const { orders: count } = this.#plan;
    await this.#driver.ask({ kind: 'sign', identity: this.#identity, count, at: now + DATED_AHEAD_MS });
  }

  async #load(
    { port }: Stage,
    path: string,
    seconds: number,
    unique: boolean,
    how: keyof typeof RHYTHMS,
  ): Promise<Loaded> {
    const rhythm = RHYTHMS[how];
    const load: Load = { port, path, seconds, unique, ...rhythm };
    const loaded = await this.#driver.ask({ kind: 'load', ...load });
    if (loaded === null || loaded.answered === 0) {
      const seen = JSON.stringify(loaded?.failed ?? {});
      throw new Sentence(
        `Nothing was accepted at ${path}; answers by status (0: none): ${seen}. ${[...this.troubles].join(' ')}`,
      );
    }
    const failed = Object.entries(loaded.failed).map(([status, times]) => `${times} × ${status}`);
    if (failed.length > 0) this.troubles.add(`${path} answered ${failed.join(', ')} (0: no answer)`);
    return loaded;
  }

  #warm(stage: Stage, path: string, unique: boolean): Promise<Loaded> {
    return this.#load(stage, path, this.#plan.warmSeconds, unique, 'closed');
  }

  async #rate(stage: Stage, path: string, unique: boolean): Promise<Rate> {
    await this.#warm(stage, path, unique);
    const cpuAtStart = stage.cpuMs();
    const open = await this.#load(stage, path, this.#plan.openSeconds, unique, 'open');
    const cpuBefore = stage.cpuMs();
    const closed = await this.#load(stage, path, this.#plan.closedSeconds, unique, 'closed');
    const { p50Ms, p99Ms } = open;
    const cpuMs = perOrder(cpuBefore, stage.cpuMs(), closed.answered);
    const cpuMsOpen = perOrder(cpuAtStart, cpuBefore, open.answered);
    return { perSecond: closed.perSecond, p50Ms, p99Ms, cpuMs, cpuMsOpen };
  }

  async #commitRate(stage: Stage, path: string, unique: boolean): Promise<CommitRate> {
    const rate = await this.#rate(stage, path, unique);
    const many = await this.#load(stage, path, this.#plan.manySeconds, unique, 'many');
    return { ...rate, perSecondMany: many.perSecond };
  }

  /** In turns and by the median, so that neither code still being compiled nor a busy machine decides. */
  async #loops(stage: Stage): Promise<Pick<Stateless, 'cryptoUs' | 'verifyUs'>> {
    const us = { crypto: [] as number[], verify: [] as number[] }; // filled below
    for (let turn = 0; turn <= LOOP_TURNS; turn++) {
      for (const name of ['crypto', 'verify'] as const) {
        const seconds = this.#plan.warmSeconds / 2;
        const { p50Ms } = await this.#load(stage, `/bench/loop/${name}/${LOOP_TIMES}`, seconds, false, 'single');
        if (turn > 0) us[name].push((p50Ms * 1_000) / LOOP_TIMES);
      }
    }
    return { cryptoUs: median(us.crypto), verifyUs: median(us.verify) };
  }

  async #pipe(stage: Stage): Promise<Pipe> {
    const path = `/callbacks/${CHANNEL}`;
    const warm = await this.#warm(stage, path, true);
    await this.#drain(warm.answered);
    await sleep(AFTERMATH_MS);

    await this.#sink.ask('forget');
    const cpuAtStart = stage.cpuMs();
    const open = await this.#load(stage, path, this.#plan.openSeconds, true, 'open');
    const { lagP50Ms, lagP99Ms } = await this.#drain(open.answered);
    await sleep(AFTERMATH_MS);
    const cpuMsPerOrderOpen = perOrder(cpuAtStart, stage.cpuMs(), open.answered);

    await this.#sink.ask('forget');
    const cpuBefore = stage.cpuMs();
    const startedAt = Date.now();
    const closed = await this.#load(stage, path, this.#plan.closedSeconds, true, 'closed');
    const endedAt = Date.now();
    const backlog = closed.answered - (await this.#sink.ask('count')).events;
    const { events, repeats, lastAt } = await this.#drain(closed.answered);
    await sleep(AFTERMATH_MS);
    return {
      perSecond: events / ((lastAt - startedAt) / 1_000),
      acceptedPerSecond: closed.perSecond,
      backlog,
      drainMs: Math.max(0, lastAt - endedAt),
      undelivered: closed.answered - events,
      repeats,
      p50Ms: open.p50Ms,
      p99Ms: open.p99Ms,
      lagP50Ms,
      lagP99Ms,
      cpuMsPerOrder: perOrder(cpuBefore, stage.cpuMs(), closed.answered),
      cpuMsPerOrderOpen,
    };
  }

  /** Waits until so many events arrived, or until none has come for long. */
  async #drain(wanted: number): Promise<SinkCount> {
    let last = Date.now();
    let before = -1;
    for (;;) {
      const count = await this.#sink.ask('count');
      if (count.events >= wanted) return count;
      if (count.events !== before) last = Date.now();
      before = count.events;
      if (Date.now() - last > DRAIN_STALLED_MS) {
        this.troubles.add(`${wanted - count.events} of ${wanted} events had not arrived when the bench gave up`);
        return count;
      }
      await sleep(50);
    }
  }
}

const perOrder = (before: number | null, after: number | null, orders: number): number | null =>
  before === null || after === null ? null : (after - before) / orders;
