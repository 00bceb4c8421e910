// `npm run simulate`: a month of a shop in a few minutes. Callbacks are lost, doubled and overtaken, the gateway is cut
// off for six hours, the provider changes its certificate; in the end every order must be right, and every difference
// explained. Ends with exit code 1 when one is not.
import { seeded } from './chaos/random.ts';
import { readFlags } from './flags.ts';
import { accidentsOf } from './simulate/accidents.ts';
import { explain, judgeRuns } from './simulate/bills.ts';
import { installClock, playedNow } from './simulate/clock.ts';
import { Month } from './simulate/month.ts';
import { planOf } from './simulate/plan.ts';
import { judgeReport } from './simulate/report.ts';
import { type Finding, judge, percentile, type Verdict } from './simulate/verdict.ts';
import { buildWorld } from './simulate/world.ts';
import { main, paint, Sentence, stopOnSignals } from './terminal.ts';

const USAGE = `npm run simulate -- [--days N] [--orders N] [--seed N] [--json]

  --days N    how long the shop sells, in simulated days (30)
  --orders N  how many orders it has in that time (3000)
  --seed N    repeats the orders and the accidents of an earlier run (a new one)
  --json      the last line is one JSON object
  --help      this text`;

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const BEIJING_MS = 8 * HOUR_MS;

const newSeed = () => Math.floor(Math.random() * 2 ** 31);

main(async () => {
  const flags = readFlags(USAGE, ['days', 'orders', 'seed'], ['json']);
  const count = (name: string, usual: number) => countOf(flags.text(name), `--${name}`, usual);
  const options = { days: count('days', 30), orders: count('orders', 3_000), seed: count('seed', newSeed()) };
  installClock();
  const figures = await simulate(options);
  const { findings, ...numbers } = figures;
  for (const { orderNo, what } of findings.slice(0, 50)) console.error(`${orderNo} ${what}`);
  if (flags.has('json')) console.log(JSON.stringify({ ...numbers, seed: options.seed }));
  else console.log(summaryOf(numbers));
  process.exit(numbers.wrong + numbers.unexplained === 0 ? 0 : 1);
});

const summaryOf = (figures: Readonly<Record<string, number | null>>): string =>
  Object.entries(figures)
    .map(([name, value]) => `  ${name.padEnd(22)}${value ?? 'none'}`)
    .join('\n');

function countOf(text: string | undefined, flag: string, usual: number): number {
  if (text === undefined) return usual;
  if (/^\d{1,10}$/.test(text) && Number(text) >= 1) return Number(text);
  throw new Sentence(`${flag} needs a whole number of at least 1, not "${text}".\n\n${USAGE}`);
}

type Options = { readonly days: number; readonly orders: number; readonly seed: number };

async function simulate({ days, orders, seed }: Options) {
  const say = (text: string) => console.error(`${paint('dim', `${Math.round(performance.now() / 1_000)} s`)}  ${text}`);
  say(`the seed is ${seed}: repeat this month with --seed ${seed}`);
  // The month begins at midnight in Beijing.
  const startsAt = Math.ceil((playedNow() + BEIJING_MS + HOUR_MS) / DAY_MS) * DAY_MS - BEIJING_MS;
  const plan = planOf({ days, orders, random: seeded(seed) });
  const accidents = accidentsOf(startsAt, days);
  const world = await buildWorld({
    stepMs: MINUTE_MS,
    alarmsLateMs: MINUTE_MS,
    tickEveryMs: HOUR_MS,
    accidents,
  });
  stopOnSignals(world.close);
  try {
    const { timeline } = world;
    const month = new Month(world, startsAt, accidents);
    month.plan(plan);
    const endsAt = startsAt + (days + 2) * DAY_MS;
    for (let day = 0; startsAt + day * DAY_MS < endsAt; day++) {
      await timeline.run(startsAt + (day + 1) * DAY_MS);
      say(`day ${day + 1}: ${world.received.length} events reached the merchant, ${timeline.steps} steps`);
    }
    const orderNos = plan.orders.map(({ orderNo }) => orderNo);
    const verdict = await judge(world, orderNos);
    const reported = await judgeReport(world, orderNos);
    for (const line of toldBy(world.complaints)) say(line);
    say(`flags: ${JSON.stringify(verdict.flags)}`);
    const runs = await judgeRuns(world.client, startsAt, days);
    const unexplained = await explain(world.client, plan.orders);
    return figuresOf(plan.orders.length, month.callbacksLost, verdict, [...runs, ...reported, ...unexplained]);
  } finally {
    await world.close();
  }
}

const OTHERS_SHOWN = 10;

/** What the gateway told a person meanwhile: its alarms by their code, and a few of the lines that are none. */
function toldBy(complaints: readonly string[]): string[] {
  const codeOf = (line: string) => /"code":"(\w+)"/.exec(line)?.[1];
  const codes = Map.groupBy(complaints.filter(codeOf), codeOf);
  const others = complaints.filter((line) => codeOf(line) === undefined);
  return [
    ...[...codes].map(([code, lines]) => `alarm ${code}, ${lines.length} times`),
    ...others.slice(0, OTHERS_SHOWN),
  ];
}

function figuresOf(
  orders: number,
  callbacksLost: number,
  { findings, learnt }: Verdict,
  unexplained: readonly Finding[],
) {
  const repaired = learnt.filter(({ source }) => source === 'query' || source === 'bill');
  return {
    orders,
    callbacksLost,
    repairedByQuery: repaired.filter(({ source }) => source === 'query').length,
    repairedByBill: repaired.filter(({ source }) => source === 'bill').length,
    paidToRepairedP95Ms: percentile(
      repaired.map(({ afterMs }) => afterMs),
      0.95,
    ),
    wrong: new Set(findings.map(({ orderNo }) => orderNo)).size,
    unexplained: unexplained.length,
    findings: [...findings, ...unexplained],
  };
}
