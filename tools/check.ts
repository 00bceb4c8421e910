// `npm run check`: everything that must hold before a change is shared. Each step is named; the first failure ends it.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from './launch.ts';
import { main, paint, Sentence } from './terminal.ts';

type Step = { readonly name: string; readonly command: readonly string[]; readonly mend: string };

const TYPES = ['wrangler', 'types', '--check', '--include-runtime=false', '--strict-vars=false'];
const STEPS: readonly Step[] = [
  { name: 'format', command: ['biome', 'format', '.'], mend: 'npm run format' },
  {
    name: 'lint',
    command: ['biome', 'check', '--formatter-enabled=false', '--error-on-warnings', '.'],
    mend: 'npm run format',
  },
  { name: 'binding types', command: TYPES, mend: 'npm run types' },
  { name: 'types', command: ['tsc'], mend: 'tsc names the lines' },
  { name: 'tests', command: ['vitest', 'run'], mend: 'vitest names the tests' },
];

main(async () => {
  for (const { name, command, mend } of STEPS) {
    console.log(`\n${paint('bold', name)} ${paint('dim', command.join(' '))}`);
    const startedAt = performance.now();
    const [tool = '', ...args] = command;
    const { status } = spawnSync(process.execPath, [join(ROOT, 'tools/run.mjs'), tool, ...args], {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
    });
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
    if (status !== 0) throw new Sentence(`\n${name} failed after ${seconds} s. To mend it: ${mend}`);
    console.log(paint('green', `${name} is good (${seconds} s)`));
  }
});
