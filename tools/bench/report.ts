// Puts the rounds together: medians, and ratios taken inside each round before their median, because machines drift
// between rounds. Prints budgets beside what was measured and asserts none of them.

import type { CommitRate, Pipe, Rate, RowsPerOrder, Stateful, Stateless } from './figures.ts';
import { LANES, LANES_MANY } from './measure.ts';
import { median } from './median.ts';

export type Round = Stateless & Stateful;
export type ShardsRow = { readonly shards: number } & ReturnType<typeof statefulOf>;

const digits = (value: number): number => Number(value.toPrecision(4));

/** The median of each field; null where some round has none. */
function mediansOf<T extends Record<string, number | null>>(records: readonly T[]): T {
  const [first] = records;
  if (!first) throw new Error('no round was measured');
  const fields = Object.keys(first).map((name) => {
    const values = records.map((record) => record[name] ?? null);
    const known = values.filter((value) => value !== null);
    return [name, known.length < values.length ? null : digits(median(known))];
  });
  return Object.fromEntries(fields) as T; // the same fields
}

const ratio = <T>(rounds: readonly T[], of: (round: T) => number): number => digits(median(rounds.map(of)));

const over = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a / b);

const cpuRatio = <T>(rounds: readonly T[], of: (round: T) => number | null): number | null =>
  mediansOf(rounds.map((round) => ({ value: of(round) }))).value;

export function statefulOf(rounds: readonly Stateful[]) {
  return {
    bareInsert: mediansOf<CommitRate>(rounds.map((round) => round.bareInsert)),
    bareProvenInsert: mediansOf<CommitRate>(rounds.map((round) => round.bareProvenInsert)),
    accepted: mediansOf<CommitRate>(rounds.map((round) => round.accepted)),
    pipe: mediansOf<Pipe>(rounds.map((round) => round.pipe)),
    ratios: {
      acceptedToBareInsert: ratio(rounds, ({ accepted, bareInsert }) => accepted.perSecond / bareInsert.perSecond),
      acceptedToBareInsertMany: ratio(
        rounds,
        ({ accepted, bareInsert }) => accepted.perSecondMany / bareInsert.perSecondMany,
      ),
      // Where others use the same cores, CPU tells more than the clock.
      acceptedCpuToBareInsert: cpuRatio(rounds, ({ accepted, bareInsert }) => over(accepted.cpuMs, bareInsert.cpuMs)),
      acceptedToBareProvenInsert: ratio(
        rounds,
        ({ accepted, bareProvenInsert }) => accepted.perSecond / bareProvenInsert.perSecond,
      ),
      acceptedToBareProvenInsertMany: ratio(
        rounds,
        ({ accepted, bareProvenInsert }) => accepted.perSecondMany / bareProvenInsert.perSecondMany,
      ),
      pipeToBareInsert: ratio(rounds, ({ pipe, bareInsert }) => pipe.perSecond / bareInsert.perSecond),
      ackP99ToBareInsert: ratio(rounds, ({ accepted, bareInsert }) => accepted.p99Ms / bareInsert.p99Ms),
      ackP99WithPipeToBareInsert: ratio(rounds, ({ pipe, bareInsert }) => pipe.p99Ms / bareInsert.p99Ms),
    },
  };
}

export function reportOf(rounds: readonly Round[], rowsPerOrder: RowsPerOrder, shards: readonly ShardsRow[]) {
  const { ratios, ...stateful } = statefulOf(rounds);
  const cpu = {
    cpuPerOrderToBareWorker: cpuRatio(rounds, (round) => over(round.pipe.cpuMsPerOrder, round.bareWorker.cpuMs)),
    cpuPerOrderOpenToBareWorker: cpuRatio(rounds, (round) =>
      over(round.pipe.cpuMsPerOrderOpen, round.bareWorker.cpuMsOpen),
    ),
  };
  return {
    bareWorker: mediansOf<Rate>(rounds.map((round) => round.bareWorker)),
    bareCrypto: mediansOf<Rate>(rounds.map((round) => round.bareCrypto)),
    verify: mediansOf<Rate>(rounds.map((round) => round.verify)),
    ...stateful,
    rowsPerOrder: mediansOf([rowsPerOrder]),
    ratios: { verifyToCrypto: ratio(rounds, (round) => round.verifyUs / round.cryptoUs), ...ratios, ...cpu },
    cryptoUs: ratio(rounds, (round) => round.cryptoUs),
    verifyUs: ratio(rounds, (round) => round.verifyUs),
    rounds: rounds.length,
    ...(shards.length > 0 ? { shards } : {}),
  };
}

export type Report = ReturnType<typeof reportOf>;

const show = (value: number | null): string => (value === null ? '-' : String(digits(value)));

function rateLine(name: string, rate: Rate): string {
  const many = 'perSecondMany' in rate ? (rate as CommitRate).perSecondMany : null; // the field says which it is
  const cells = [rate.perSecond, many, rate.p50Ms, rate.p99Ms, rate.cpuMs, rate.cpuMsOpen];
  return `  ${name.padEnd(34)}${cells.map((value) => show(value).padStart(9)).join('')}`;
}

function pipeLines(pipe: Pipe): string[] {
  return [
    `  delivered ${show(pipe.perSecond)}/s while ${show(pipe.acceptedPerSecond)}/s were accepted; backlog at the end ` +
      `of the load ${pipe.backlog}, gone after ${show(pipe.drainMs)} ms`,
    `  undelivered ${pipe.undelivered}, delivered twice ${pipe.repeats}`,
    `  at 400/s: ack p50 ${show(pipe.p50Ms)} ms, p99 ${show(pipe.p99Ms)} ms; callback to origin p50 ` +
      `${show(pipe.lagP50Ms)} ms, p99 ${show(pipe.lagP99Ms)} ms`,
    `  CPU an order, end to end: ${show(pipe.cpuMsPerOrder)} ms at saturation, ` +
      `${show(pipe.cpuMsPerOrderOpen)} ms at 400/s`,
  ];
}

function budgetLines({ ratios, rowsPerOrder, pipe }: Report): string[] {
  const line = (name: string, value: number | null, sign: '≤' | '≥', budget: number) => {
    const met = value !== null && (sign === '≤' ? value <= budget : value >= budget);
    const verdict = value === null ? 'unknown here' : met ? 'met' : 'missed';
    return `  ${name.padEnd(52)}${show(value).padStart(8)}  ${sign} ${String(budget).padEnd(5)}${verdict}`;
  };
  return [
    line('verify + decode, to the bare crypto', ratios.verifyToCrypto, '≤', 1.5),
    line('accepted/s, to the bare insert', ratios.acceptedToBareInsert, '≥', 1),
    line(`the same with ${LANES_MANY} connections`, ratios.acceptedToBareInsertMany, '≥', 1),
    line('whole pipe/s, to the bare insert', ratios.pipeToBareInsert, '≥', 0.6),
    line('p99 of the ack at 400/s, to the bare insert', ratios.ackP99ToBareInsert, '≤', 3),
    line('the same with the pipe running', ratios.ackP99WithPipeToBareInsert, '≤', 5),
    line('CPU an order, to the bare Worker, at saturation', ratios.cpuPerOrderToBareWorker, '≤', 12),
    line('the same at 400/s', ratios.cpuPerOrderOpenToBareWorker, '≤', 12),
    line('CPU an order at saturation, ms', pipe.cpuMsPerOrder, '≤', 1.2),
    line('the same at 400/s', pipe.cpuMsPerOrderOpen, '≤', 1.2),
    line('ledger rows an order', rowsPerOrder.ledger, '≤', 5),
    line('D1 rows an order', rowsPerOrder.d1, '≤', 8),
  ];
}

function shardLines(rows: readonly ShardsRow[]): string[] {
  const columns = [
    ['shards', 6],
    ['bareInsert/s', 14],
    ['accepted/s', 12],
    ['of many', 10],
    ['p99 ms', 10],
    ['delivered/s', 13],
    ['CPU an order', 14],
    ['at 400/s', 10],
    ['ack p99', 10],
    ['lag p50', 9],
    ['accepted CPU/bare', 19],
  ] as const;
  return [
    `  ${columns.map(([head, width]) => head.padStart(width)).join('')}`,
    ...rows.map(({ shards, bareInsert, accepted, pipe, ratios }) => {
      const values = [
        shards,
        bareInsert.perSecond,
        accepted.perSecond,
        accepted.perSecondMany,
        accepted.p99Ms,
        pipe.perSecond,
        pipe.cpuMsPerOrder,
        pipe.cpuMsPerOrderOpen,
        pipe.p99Ms,
        pipe.lagP50Ms,
        ratios.acceptedCpuToBareInsert,
      ];
      return `  ${values.map((value, index) => show(value).padStart(columns[index]?.[1] ?? 9)).join('')}`;
    }),
  ];
}

export function tableOf(report: Report, troubles: ReadonlySet<string>): string {
  const { shards = [], rowsPerOrder } = report;
  const heads = ['per s', 'of many', 'p50 ms', 'p99 ms', 'CPU ms', 'at 400/s'].map((head) => head.padStart(9)).join('');
  return [
    '',
    `  ${`medians of ${report.rounds} rounds`.padEnd(34)}${heads}`,
    rateLine('bareWorker: answers, nothing else', report.bareWorker),
    rateLine('bareCrypto: RSA + AES + JSON', report.bareCrypto),
    rateLine('verify: the gateway’s own', report.verify),
    rateLine('bareInsert: unverified, one INSERT', report.bareInsert),
    rateLine('bareProvenInsert: RSA + AES, INSERT', report.bareProvenInsert),
    rateLine('accepted: verified and committed', report.accepted),
    `  (per s and CPU: closed loop, ${LANES} connections, of many ${LANES_MANY}; p50, p99: open loop at 400/s)`,
    '',
    ...pipeLines(report.pipe),
    '',
    `  verify + decode without HTTP: ${show(report.verifyUs)} µs; the bare crypto ${show(report.cryptoUs)} µs`,
    `  rows an order at 400/s: ledger ${show(rowsPerOrder.ledger)} (alarms ${show(rowsPerOrder.alarms)} of it), ` +
      `D1 ${show(rowsPerOrder.d1)}`,
    '',
    `  accepted/s to a bare insert that proves first: ${show(report.ratios.acceptedToBareProvenInsert)}; with ` +
      `${LANES_MANY} connections ${show(report.ratios.acceptedToBareProvenInsertMany)}`,
    `  CPU of an accepted callback, to that of the bare insert: ${show(report.ratios.acceptedCpuToBareInsert)}`,
    '',
    '  Budgets (printed, not asserted: this machine shares its cores, ratios count)',
    ...budgetLines(report),
    ...(shards.length > 0 ? ['', ...shardLines(shards)] : []),
    ...(troubles.size > 0
      ? ['', '  Troubles: figures beside these are worth little', ...[...troubles].map((one) => `  ${one}`)]
      : []),
    '',
  ].join('\n');
}
