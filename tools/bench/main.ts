// `npm run bench`: how fast the gateway is beside the least that could do the same work, all in one run on one machine.
// Measures on a direct socket, asserts nothing; its last line is the whole result as JSON when it is asked for.
import { createIdentity } from '../../src/sandbox/identity.ts';
import { readFlags } from '../flags.ts';
import { main, Sentence, stopOnSignals } from '../terminal.ts';
import { benchConsole, consoleTableOf } from './console.ts';
import { benchDelivery, deliveryTableOf } from './delivery.ts';
import type { Stateful } from './figures.ts';
import { benchGrowth, growthTableOf } from './growth.ts';
import { Bench, type Plan } from './measure.ts';
import { benchProviders, providersTableOf } from './providers.ts';
import { type Round, reportOf, type ShardsRow, statefulOf, tableOf } from './report.ts';
import { buildTheatre } from './stage.ts';
import { benchSweep, sweepTableOf } from './sweep.ts';

const USAGE = `npm run bench -- [--json] [--rounds N] [--shards LIST] [--quick] [--providers] [--growth] [--delivery]
                          [--console [--pages LIST]] [--sweep]

  --json         prints everything as one JSON object in the last line
  --rounds N     how often each thing is measured; the result is the median (3)
  --shards LIST  measures these shard counts too, such as 1,8,32
  --quick        a smoke run of half a minute; its figures mean nothing
  --providers    instead: verify and translate of each provider beside the bare cryptography of its callback
  --growth       instead: record in a shard of 100,000 orders beside an empty one
  --delivery     instead: slow origins, a dead one beside a healthy one, and the memory of many deliveries
  --console      instead: the pages of the console over a million orders beside ten thousand
  --pages LIST   of these only those whose names hold one of the words, such as overview,report
  --sweep        instead: what a turn of the clocks reads where a million orders wait, beside ten thousand
  --help         this text`;

const SHARDS = 8;
const FULL: Plan = {
  rounds: 3,
  shards: SHARDS,
  warmSeconds: 0.6,
  openSeconds: 3,
  closedSeconds: 2,
  manySeconds: 1.5,
  rowsSeconds: 4,
  orders: 20_000,
};
const QUICK: Plan = {
  ...FULL,
  rounds: 1,
  warmSeconds: 0.3,
  openSeconds: 0.5,
  closedSeconds: 0.5,
  manySeconds: 0.5,
  rowsSeconds: 1,
  orders: 5_000,
};

const startedAt = performance.now();
const say = (text: string) => {
  const seconds = `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`.padStart(6);
  console.error(`${seconds}  ${text}`);
};

async function measure(bench: Bench, plan: Plan, shardCounts: readonly number[]) {
  const rounds: Round[] = [];
  const byShards = new Map<number, Stateful[]>(shardCounts.map((shards) => [shards, []]));
  for (let round = 0; round < plan.rounds; round++) {
    say(`round ${round + 1} of ${plan.rounds}: what keeps nothing`);
    const stateless = await bench.stateless();
    say(`round ${round + 1} of ${plan.rounds}: what commits and delivers`);
    const reversed = round % 2 === 1;
    rounds.push({ ...stateless, ...(await bench.stateful(plan.shards, reversed)) });
    for (const [shards, measured] of byShards) {
      say(`round ${round + 1} of ${plan.rounds}: ${shards} shards`);
      measured.push(await bench.stateful(shards, reversed));
    }
  }
  say('rows written for each order');
  const rowsPerOrder = await bench.rowsPerOrder();
  const rows = [...byShards].map(([shards, measured]): ShardsRow => ({ shards, ...statefulOf(measured) }));
  return reportOf(rounds, rowsPerOrder, rows);
}

main(async () => {
  const flags = readFlags(
    USAGE,
    ['rounds', 'shards', 'pages'],
    ['json', 'quick', 'providers', 'growth', 'delivery', 'console', 'sweep'],
  );
  const base = flags.has('quick') ? QUICK : FULL;
  const [rounds = base.rounds] = wholes(flags.text('rounds'), '--rounds', 20);
  const shardCounts = wholes(flags.text('shards'), '--shards', 32);
  if (flags.has('providers')) {
    const table = await benchProviders(flags.text('rounds') === undefined && base === FULL ? 9 : rounds, say);
    console.log(providersTableOf(table));
    if (flags.has('json')) console.log(JSON.stringify(table));
    return;
  }
  if (flags.has('growth')) {
    const report = await benchGrowth(
      base === FULL ? 100_000 : 5_000,
      flags.text('rounds') === undefined ? 9 : rounds,
      say,
    );
    console.log(growthTableOf(report));
    if (flags.has('json')) console.log(JSON.stringify(report));
    return;
  }
  if (flags.has('delivery')) {
    const report = await benchDelivery(base === QUICK, say);
    console.log(deliveryTableOf(report));
    if (flags.has('json')) console.log(JSON.stringify(report));
    return;
  }
  if (flags.has('console')) {
    const [few, orders] = base === FULL ? [10_000, 1_000_000] : [1_000, 20_000];
    const pages = (flags.text('pages') ?? '').split(',').filter((name) => name !== '');
    const report = await benchConsole({ few, orders, pages }, say);
    console.log(consoleTableOf(report));
    if (flags.has('json')) console.log(JSON.stringify(report));
    return;
  }
  if (flags.has('sweep')) {
    const table = await benchSweep(base === FULL ? [10_000, 1_000_000] : [1_000, 20_000], say);
    console.log(sweepTableOf(table));
    if (flags.has('json')) console.log(JSON.stringify(table));
    return;
  }
  const plan = { ...base, rounds };
  say('bundling the Worker');
  // Each launch puts the runtime's own handlers beside ours, which end the process before anything is tidied.
  const theatre = await buildTheatre(() => stopOnSignals(stop));
  const bench = new Bench(theatre, await createIdentity(Date.now()), plan);
  const stop = async () => {
    await bench.end();
    await theatre.close();
  };
  try {
    say(`signing ${plan.orders} callbacks`);
    await bench.prepare();
    const report = await measure(bench, plan, shardCounts);
    console.log(tableOf(report, bench.troubles));
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    if (flags.has('json')) console.log(JSON.stringify({ ...report, seconds, troubles: [...bench.troubles] }));
  } finally {
    await stop();
  }
});

function wholes(text: string | undefined, flag: string, max: number): number[] {
  if (text === undefined) return [];
  return text.split(',').map((part) => {
    const value = Number(part);
    if (Number.isInteger(value) && value >= 1 && value <= max) return value;
    throw new Sentence(`${flag} needs whole numbers from 1 to ${max}, not "${part}".\n\n${USAGE}`);
  });
}
