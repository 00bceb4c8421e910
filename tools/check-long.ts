// `npm run check:long`: the properties of an order over 100,000 random stories each, where `npm test` takes 5,000.
// Names its seed, by which a run can be had again.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { readFlags } from './flags.ts';
import { ROOT } from './launch.ts';
import { main, Sentence } from './terminal.ts';

const USAGE = `npm run check:long -- [--runs N] [--seed N]

  --runs N   how many stories each property is tried with (100000)
  --seed N   the stories of an earlier run
  --help     this text`;

const FILES = ['test/core/story.test.ts'];
const SEED_MAX = 0x7fff_ffff;

main(async () => {
  const flags = readFlags(USAGE, ['runs', 'seed']);
  const runs = whole(flags.text('runs') ?? '100000', '--runs');
  const seed = whole(flags.text('seed') ?? String(Math.floor(Math.random() * SEED_MAX)), '--seed');
  console.log(`${runs} stories for each property, seed ${seed}`);
  const args = ['vitest', 'run', ...FILES, '--project', 'pure', '--reporter', 'verbose', '--disable-console-intercept'];
  const { status } = spawnSync(process.execPath, [join(ROOT, 'tools/run.mjs'), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, CHECK_RUNS: String(runs), CHECK_SEED: String(seed) },
  });
  if (status !== 0) throw new Sentence(`A property broke. To see it again: npm run check:long -- --seed ${seed}`);
});

function whole(text: string, flag: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= SEED_MAX) return value;
  throw new Sentence(`${flag} needs a whole number from 1 to ${SEED_MAX}, not "${text}".\n\n${USAGE}`);
}
