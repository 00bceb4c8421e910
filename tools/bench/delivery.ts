// `npm run bench -- --delivery`: deliveries a second to origins that answer late, what a dead origin does to a healthy
// one in the same channel, and the runtime's memory over very many deliveries. Judges nothing.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createIdentity, type Identity } from '../../src/sandbox/identity.ts';
import { stopOnSignals } from '../terminal.ts';
import type { Loaded, Question } from './driver.ts';
import type { SinkCount, SinkQuestion } from './sink.ts';
import { buildTheatre, CHANNEL, type Stage, type StageOptions, type Theatre } from './stage.ts';
import { Thread } from './thread.ts';

export type SlowSink = {
  readonly answersAfterMs: number;
  readonly perSecond: number;
  /** Delivered within the time given, of so many. */
  readonly delivered: number;
  readonly offered: number;
};
export type Beside = {
  /** What the other origin of the channel does. */
  readonly other: 'answers' | 'refuses' | 'hangs';
  readonly lagP50Ms: number;
  readonly lagP99Ms: number;
  /** To the same beside an origin that answers. */
  readonly ratioP50: number;
  readonly ratioP99: number;
  readonly undelivered: number;
};
export type DeliveryReport = {
  readonly sinks: readonly SlowSink[];
  readonly beside: readonly Beside[];
  readonly memory: { readonly deliveries: number; readonly mb: readonly { deliveries: number; mb: number | null }[] };
  readonly troubles: readonly string[];
};

type Plan = {
  readonly sinkSeconds: number;
  readonly besidePerSecond: number;
  readonly besideSeconds: number;
  readonly memoryOrders: number;
  readonly memorySeconds: number;
};
const FULL: Plan = {
  sinkSeconds: 15,
  besidePerSecond: 50,
  besideSeconds: 30,
  memoryOrders: 20_000,
  memorySeconds: 180,
};
const QUICK: Plan = { sinkSeconds: 3, besidePerSecond: 40, besideSeconds: 2, memoryOrders: 500, memorySeconds: 8 };
const SHARDS = 8;
/** One callback is so many deliveries, where their number is what counts. */
const FANNED_OUT = 5;
const BUDGET = 1.5;
/** Nothing listens there: the port of a service that no machine runs. */
const DEAD_PORT = 9;

class Hall {
  readonly driver = new Thread<Question, Loaded | null>(join(import.meta.dirname, 'driver.ts'));
  readonly sink = new Thread<SinkQuestion, SinkCount>(join(import.meta.dirname, 'sink.ts'));
  readonly other = new Thread<SinkQuestion, SinkCount>(join(import.meta.dirname, 'sink.ts'));
  readonly troubles = new Set<string>();
  readonly theatre: Theatre;
  readonly #identity: Identity;

  constructor(theatre: Theatre, identity: Identity) {
    this.theatre = theatre;
    this.#identity = identity;
  }

  sign(count: number): Promise<unknown> {
    return this.driver.ask({ kind: 'sign', identity: this.#identity, count, at: Date.now() + 120_000 });
  }

  async on<T>(origins: StageOptions['origins'] & object, act: (stage: Stage) => Promise<T>): Promise<T> {
    await this.sink.ask('forget');
    const base = { ledger: 'OrderLedger', shards: SHARDS, identity: this.#identity, sinkPort: 0 } as const;
    const stage = await this.theatre.open({ ...base, origins });
    try {
      return await act(stage);
    } finally {
      for (const complaint of stage.complaints) {
        if (!complaint.includes('SQLite alarm overdue')) this.troubles.add(complaint.slice(0, 200));
      }
      await stage.close();
    }
  }

  async load({ port }: Stage, seconds: number, perSecond: number): Promise<number> {
    const path = `/callbacks/${CHANNEL}`;
    const loaded = await this.driver.ask({ kind: 'load', port, path, seconds, perSecond, unique: true });
    return loaded?.answered ?? 0;
  }

  /** Until so many came, or the time is over. */
  async until(events: number, seconds: number): Promise<SinkCount> {
    const end = Date.now() + seconds * 1_000;
    for (;;) {
      const count = await this.sink.ask('count');
      if (count.events >= events || Date.now() > end) return count;
      await sleep(50);
    }
  }

  async end(): Promise<void> {
    await Promise.all([this.driver.end(), this.sink.end(), this.other.end()]);
    await this.theatre.close();
  }
}

export async function benchDelivery(isQuick: boolean, say: (text: string) => void): Promise<DeliveryReport> {
  const plan = isQuick ? QUICK : FULL;
  say('bundling the Worker');
  let hall: Hall | null = null;
  const theatre = await buildTheatre(() => stopOnSignals(async () => hall?.end()));
  hall = new Hall(theatre, await createIdentity(Date.now()));
  try {
    const sinks: SlowSink[] = [];
    for (const answersAfterMs of [5, 50, 500]) {
      say(`an origin that answers after ${answersAfterMs} ms`);
      sinks.push(await slowSink(hall, answersAfterMs, plan));
    }
    const beside = await besideDead(hall, plan, say);
    say('the memory of many deliveries');
    const memory = await memoryOf(hall, plan);
    return { sinks, beside, memory, troubles: [...hall.troubles] };
  } finally {
    await hall.end();
  }
}

/** More than it takes is offered in the first seconds; the rate is that of what came while there was more. */
async function slowSink(hall: Hall, answersAfterMs: number, { sinkSeconds }: Plan): Promise<SlowSink> {
  const { port } = await hall.sink.ask({ answersAfterMs });
  const perSecond = answersAfterMs < 100 ? 400 : 100;
  const seconds = Math.min(5, sinkSeconds / 2);
  await hall.sign(perSecond * seconds);
  return hall.on([{ id: 'sink', port }], async (stage) => {
    const offered = await hall.load(stage, seconds, perSecond);
    const { events, firstAt, lastAt } = await hall.until(offered, sinkSeconds);
    const perSecondSeen = lastAt > firstAt ? (events - 1) / ((lastAt - firstAt) / 1_000) : 0;
    return { answersAfterMs, perSecond: perSecondSeen, delivered: events, offered };
  });
}

async function besideDead(hall: Hall, plan: Plan, say: (text: string) => void): Promise<Beside[]> {
  const { port } = await hall.sink.ask({ answersAfterMs: 0 });
  const measured: Omit<Beside, 'ratioP50' | 'ratioP99'>[] = [];
  for (const other of ['answers', 'refuses', 'hangs'] as const) {
    say(`a healthy origin beside one that ${other}`);
    const { port: otherPort } = await hall.other.ask({ answersAfterMs: other === 'hangs' ? null : 0 });
    await hall.sign(plan.besidePerSecond * plan.besideSeconds);
    // The other one is the channel's first, which takes the shorter way through the ledger.
    const origins = [
      { id: 'other', port: other === 'refuses' ? DEAD_PORT : otherPort },
      { id: 'sink', port },
    ];
    measured.push(
      await hall.on(origins, async (stage) => {
        const offered = await hall.load(stage, plan.besideSeconds, plan.besidePerSecond);
        const { events, lagP50Ms, lagP99Ms } = await hall.until(offered, 60);
        return { other, lagP50Ms, lagP99Ms, undelivered: offered - events };
      }),
    );
  }
  const [base] = measured;
  return measured.map((one) => ({
    ...one,
    ratioP50: one.lagP50Ms / (base?.lagP50Ms ?? 1),
    ratioP99: one.lagP99Ms / (base?.lagP99Ms ?? 1),
  }));
}

/** Every callback goes to several origins, which are one sink: what comes again there is a delivery too. */
async function memoryOf(hall: Hall, { memoryOrders, memorySeconds }: Plan): Promise<DeliveryReport['memory']> {
  const { port } = await hall.sink.ask({ answersAfterMs: 0 });
  await hall.sign(memoryOrders);
  const origins = Array.from({ length: FANNED_OUT }, (_, index) => ({ id: `sink${index}`, port }));
  return hall.on(origins, async (stage) => {
    const mb: { deliveries: number; mb: number | null }[] = [];
    const deliveriesOf = ({ events, repeats }: SinkCount) => events + repeats;
    const end = Date.now() + memorySeconds * 1_000;
    const perSecond = Math.ceil(memoryOrders / (memorySeconds * 0.8));
    const loading = hall.load(stage, memoryOrders / perSecond, perSecond);
    const wanted = memoryOrders * FANNED_OUT;
    let next = 0;
    for (;;) {
      const deliveries = deliveriesOf(await hall.sink.ask('count'));
      if (deliveries >= next) {
        mb.push({ deliveries, mb: stage.memoryMb() });
        next = deliveries + wanted / 10;
      }
      if (deliveries >= wanted || Date.now() > end) {
        await loading;
        mb.push({ deliveries, mb: stage.memoryMb() });
        return { deliveries, mb };
      }
      await sleep(100);
    }
  });
}

const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(2));

export function deliveryTableOf({ sinks, beside, memory, troubles }: DeliveryReport): string {
  return [
    '',
    '  an origin that answers after     deliveries/s',
    ...sinks.map(({ answersAfterMs, perSecond, delivered, offered }) => {
      const note = delivered < offered ? `  (${delivered} of ${offered} in the time given)` : '';
      return `  ${`${answersAfterMs} ms`.padStart(26)}${digits(perSecond).padStart(19)}${note}`;
    }),
    '',
    '  a healthy origin beside one that   lag p50 ms   lag p99 ms   ratio p50   ratio p99',
    ...beside.map(({ other, lagP50Ms, lagP99Ms, ratioP50, ratioP99, undelivered }) => {
      const cells = [lagP50Ms, lagP99Ms, ratioP50, ratioP99].map((value) => digits(value).padStart(12)).join(' ');
      return `  ${other.padStart(32)}${cells}${undelivered > 0 ? `  (${undelivered} undelivered)` : ''}`;
    }),
    `  (budget of the ratio: ${BUDGET}, printed and not asserted)`,
    '',
    `  memory of the whole runtime over ${memory.deliveries} deliveries, MB`,
    ...memory.mb.map(
      ({ deliveries, mb }) => `  ${String(deliveries).padStart(26)}${(mb?.toFixed(0) ?? '-').padStart(12)}`,
    ),
    ...(troubles.length > 0 ? ['', '  Troubles', ...troubles.map((one) => `  ${one}`)] : []),
    '',
  ].join('\n');
}
