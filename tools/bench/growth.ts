// `npm run bench -- --growth`: what `record` takes in a shard that holds 100,000 orders, beside an empty one, in
// turns in one runtime. Judges nothing.
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../bundle.ts';
import { launch, ROOT } from '../launch.ts';
import { Sentence, stopOnSignals } from '../terminal.ts';
import { median } from './median.ts';

/** Medians over the rounds, µs a call; the ratio is taken inside each round. */
export type GrowthRow = {
  readonly what: string;
  readonly emptyUs: number;
  readonly fullUs: number;
  readonly ratio: number;
};
export type GrowthReport = {
  readonly orders: number;
  readonly megabytes: number;
  readonly fillSeconds: number;
  readonly rounds: number;
  readonly rows: readonly GrowthRow[];
};

const BUDGET = 1.3;
const FILL_STEP = 5_000;
const CALLS = 256;
const LANES = 32;
const FULL = 'full';
/** Order numbers that begin with a time, and random ones: the worst case, because each lands on another page. */
const NUMBERS = ['dated', 'random'] as const;

/** Orders that nobody recorded before: the next thousands. */
let nextOrder = 1_000_000;
const fresh = (thousands = 1): number => {
  nextOrder += thousands * 1_000;
  return nextOrder - thousands * 1_000;
};

type Kind = {
  readonly what: string;
  readonly calls: number;
  /** `at`: how orders are numbered, and the shard. */
  readonly path: (at: string, round: number, orders: number) => string;
};
const KINDS: readonly Kind[] = [
  { what: 'a new order, one at a time', calls: CALLS, path: (at) => `new/${at}/${fresh()}/${CALLS}/1` },
  {
    what: `new orders, ${LANES} at once`,
    calls: 4 * CALLS,
    path: (at) => `new/${at}/${fresh(2)}/${4 * CALLS}/${LANES}`,
  },
  {
    what: 'a refund of an order that is there',
    calls: CALLS,
    // In the full shard of orders that lie apart, others in each round; in the empty one of its first.
    path: (at, round, orders) => {
      const isFull = at.endsWith(FULL);
      return `refund/${at}/${isFull ? round : 0}/${CALLS}/${isFull ? Math.floor(orders / CALLS) : 1}`;
    },
  },
];

export async function benchGrowth(orders: number, rounds: number, say: (text: string) => void): Promise<GrowthReport> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.once('exit', remove);
  say('bundling the Worker');
  const code = join(folder, 'bundle');
  const modules = await bundle(ROOT, code, 'tools/bench/growth-worker.ts');
  const durableObjects = { LEDGER: { className: 'StillLedger', useSQLite: true as const } };
  const stateDir = join(folder, 'state');
  const gateway = await launch({ port: 0, stateDir, worker: { folder: code, modules, durableObjects } });
  const stop = async () => {
    await gateway.dispose();
    remove();
  };
  stopOnSignals(stop);
  try {
    say(`filling ${NUMBERS.length} shards with ${orders} orders each`);
    const startedAt = performance.now();
    for (const numbers of NUMBERS) {
      const at = `${numbers}/${numbers}-${FULL}`;
      for (let from = 0; from < orders; from += FILL_STEP) await call(gateway.url, `fill/${at}/${from}/${FILL_STEP}`);
    }
    const fillSeconds = Math.round((performance.now() - startedAt) / 1_000);
    const megabytes = Math.round(bytesUnder(stateDir) / 1e6 / NUMBERS.length);
    const rows: GrowthRow[] = [];
    for (const numbers of NUMBERS) rows.push(...(await measure(gateway.url, numbers, { orders, rounds, say })));
    return { orders, megabytes, fillSeconds, rounds, rows };
  } finally {
    await stop();
  }
}

type Plan = { readonly orders: number; readonly rounds: number; readonly say: (text: string) => void };

async function measure(url: string, numbers: string, { orders, rounds, say }: Plan): Promise<GrowthRow[]> {
  const taken = KINDS.map(() => ({ empty: [] as number[], full: [] as number[] })); // filled below
  for (let round = 0; round <= rounds; round++) {
    say(`${numbers}: ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`);
    const shards = { empty: `${numbers}-empty-${round}`, full: `${numbers}-${FULL}` };
    await call(url, `new/${numbers}/${shards.empty}/0/${CALLS}/1`); // makes its tables, and orders to refund
    for (const [index, { calls, path }] of KINDS.entries()) {
      for (const side of round % 2 === 0 ? (['empty', 'full'] as const) : (['full', 'empty'] as const)) {
        const startedAt = performance.now();
        await call(url, path(`${numbers}/${shards[side]}`, round, orders));
        const us = ((performance.now() - startedAt) * 1_000) / calls;
        if (round > 0) taken[index]?.[side].push(us);
      }
    }
  }
  return KINDS.map(({ what }, index): GrowthRow => {
    const { empty = [], full = [] } = taken[index] ?? {};
    const ratio = median(full.map((us, round) => us / (empty[round] ?? us)));
    return {
      what: `${what}, numbers ${numbers}`,
      emptyUs: digits(median(empty)),
      fullUs: digits(median(full)),
      ratio: digits(ratio),
    };
  });
}

const digits = (value: number) => Number(value.toPrecision(3));

async function call(url: string, path: string): Promise<void> {
  const response = await fetch(`${url}/${path}`);
  const text = await response.text();
  if (response.status !== 204) throw new Sentence(`${path} did not run: ${text || response.status}`);
}

const bytesUnder = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

export function growthTableOf({ orders, megabytes, fillSeconds, rounds, rows }: GrowthReport): string {
  const line = (what: string, cells: readonly (string | number)[]) =>
    `  ${what.padEnd(56)}${cells.map((cell) => String(cell).padStart(12)).join('')}`;
  return [
    '',
    `  record in a shard of ${orders} orders (${megabytes} MB, both in ${fillSeconds} s); medians of ${rounds} rounds`,
    line('', ['empty µs', 'full µs', 'ratio', `≤ ${BUDGET}`]),
    ...rows.map(({ what, emptyUs, fullUs, ratio }) =>
      line(what, [emptyUs, fullUs, ratio, ratio <= BUDGET ? 'met' : 'missed']),
    ),
    '',
  ].join('\n');
}
