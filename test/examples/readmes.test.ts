// The commands of each example's README, run as they stand beside a real `npm start`; only ports and folders differ.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claimPort } from '../../tools/ports.ts';
import { isOpen, RECEIVERS } from './receivers.ts';

const hasShell = ['bash', 'curl', 'sed'].every(
  (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0,
);
const running = new Set<ChildProcess>();

/** A process group of its own, so that all that it starts ends with it. */
function run(command: string, ...args: string[]) {
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  let isOver = false;
  const over = new Promise<void>((done) => {
    child.on('close', () => {
      isOver = true;
      running.delete(child);
      done();
    });
  });
  return { child, over, text: () => text, isOver: () => isOver };
}
type Run = ReturnType<typeof run>;

const end = async ({ child, over }: Run) => {
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  await over;
};

/** Waits until it is so; the process ending first is a failure that shows what it said. */
async function until(isSo: () => boolean | Promise<boolean>, one: Run): Promise<void> {
  while (!(await isSo())) {
    if (one.isOver()) throw new Error(one.text());
    await sleep(100);
  }
}

let folder: string;
let town: Run;
let env: Record<string, string> = {};
const ports = { 8787: 0, 8788: 0, 8789: 0, 3000: 0 };

/** As it stands, but for where things are. */
const here = (text: string) =>
  text
    .replace(/\b(8787|8788|3000)\b/g, (port) => String(ports[Number(port) as keyof typeof ports])) // one of these three
    .replaceAll('.tollgate/', `${folder}/`);
const blocksOf = (page: string) => [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => here(block));

/** With orders of its own, and looking again where the page waits two seconds: a busy machine may want longer. */
function patient(block: string, day: number): string {
  const [act = '', look = ''] = block.replace('$(date +%s)', `$(date +%s)-${day}`).split('sleep 2\n');
  const again = `said=$(${look}); [[ "$said" == *'"state":"delivered"'* ]] && break; sleep 0.2`;
  return `${act}for _ in {1..200}; do ${again}; done; echo "$said"`;
}

describe.skipIf(!hasShell || process.platform === 'win32')('the commands of the README', () => {
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tollgate-readmes-test-'));
    for (const port of [8787, 8788, 8789, 3000] as const) ports[port] = await claimPort(0, '--port');
    env = { PORT: String(ports[3000]) };
    const flags = ['--port', ports[8787], '--wechat-port', ports[8788], '--merchant-port', ports[8789]];
    town = run(process.execPath, 'tools/run.mjs', 'tools/start.ts', ...flags.map(String), '--state', folder);
    await until(() => town.text().includes('What to do next'), town);
  });
  afterAll(async () => {
    if (!town.isOver()) town.child.kill('SIGTERM');
    await town.over;
    for (const { pid } of running) if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  for (const { name, source, missing, read } of RECEIVERS) {
    const why = missing === null ? '' : ` (skipped: ${missing})`;
    it.skipIf(missing !== null)(`in ${name} bring a payment to the receiver, today and another day${why}`, async () => {
      const page = readFileSync(join('examples', source, '..', 'README.md'), 'utf8');
      const [receive = '', pay = ''] = blocksOf(page);
      const store = /STORE=(\S+)/.exec(receive)?.[1] ?? '';
      const channel = /"channel":"([\w-]+)"/.exec(pay)?.[1];
      for (const day of [1, 2]) {
        const receiver = run('bash', '-c', receive);
        await until(() => isOpen(ports[3000]), receiver);
        const payer = run('bash', '-c', `set -e\n${patient(pay, day)}\necho "the order is $ORDER"`);
        await payer.over;
        const order = /the order is (\S+)/.exec(payer.text())?.[1];
        expect(order, payer.text()).toBeDefined();
        expect(payer.text(), receiver.text()).toContain('"state":"delivered"');
        const known = read(store);
        expect(known.get(`${channel}/${order}`)).toEqual({ sequence: 1, state: 'paid', shipments: 1, notes: [] });
        expect(known.size).toBe(day);
        await end(receiver);
      }
    });
  }
});
