// `npm start` and `npm run dev` as a stranger runs them: whole runtimes in child processes, looked at from outside.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { SECRETS_FILE } from '../../tools/launch.ts';
import { claimPort, isFree } from '../../tools/ports.ts';
import { readOrCreateSecrets } from '../../tools/secrets.ts';

let folder: string;
const running = new Set<ChildProcess>();

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-start-test-'));
});
afterEach(() => {
  for (const child of running) if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

type Run = {
  readonly child: ChildProcess;
  /** Everything printed so far, both streams. */
  readonly text: () => string;
  readonly code: Promise<number | null>;
};

/** Runs a tool through tools/run.mjs in a process group of its own. */
function run(...args: string[]): Run {
  const child = spawn(process.execPath, ['tools/run.mjs', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8');
    });
  }
  const code = new Promise<number | null>((done) => {
    child.on('close', (status) => {
      running.delete(child);
      done(status);
    });
  });
  return { child, text: () => text, code };
}

/** Waits until the text was printed; the process ending first is a failure that shows what it said. */
async function printed(one: Run, wanted: string): Promise<void> {
  let ended = false;
  one.code.then(() => {
    ended = true;
  });
  while (!one.text().includes(wanted)) {
    if (ended) throw new Error(`ended without printing "${wanted}":\n${one.text()}`);
    await new Promise((tick) => setTimeout(tick, 50));
  }
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? '';
const freePort = () => claimPort(0, '--port');

it('drives one payment through with --once and prints its figures as the last line', async () => {
  const one = run('tools/start.ts', '--once');
  expect(await one.code, one.text()).toBe(0);
  expect(JSON.parse(lastLine(one.text()))).toEqual({
    delivered: true,
    orderNo: expect.stringMatching(/^demo\d+/),
    eventId: expect.stringMatching(/^evt_/),
    ackMs: expect.any(Number),
    deliveredMs: expect.any(Number),
  });
});

it('stays up, stops everything on Ctrl-C, and a second start finds the first one’s orders', async () => {
  const [port, wechat, merchant] = [await freePort(), await freePort(), await freePort()];
  const flags = [
    '--port',
    port,
    '--wechat-port',
    wechat,
    '--merchant-port',
    merchant,
    '--state',
    join(folder, 'start'),
  ];
  const start = () => run('tools/start.ts', ...flags.map(String));
  const first = start();
  await printed(first, 'What to do next');
  const orderNo = /demo\d{13}[0-9a-f]+/.exec(first.text())?.[0];
  const paid = await fetch(`http://127.0.0.1:${wechat}/sandbox/pay`, {
    method: 'POST',
    body: JSON.stringify({ outTradeNo: 'made-elsewhere-1', amount: 250 }),
  });
  expect(await paid.json()).toMatchObject({ notice: { state: 'acknowledged' } });
  process.kill(-(first.child.pid ?? 0), 'SIGINT'); // a terminal signals the whole group
  expect(await first.code, first.text()).toBe(0);
  for (const one of [port, wechat, merchant]) expect(await isFree(one)).toBe(true);

  const second = start();
  await printed(second, 'What to do next');
  const known = await fetch(`http://127.0.0.1:${wechat}/sandbox/orders`);
  const orders = ((await known.json()) as { items: { outTradeNo: string }[] }).items.map((order) => order.outTradeNo);
  expect(orders).toEqual(expect.arrayContaining([orderNo, 'made-elsewhere-1']));
  const headers = { authorization: `Bearer ${readOrCreateSecrets(SECRETS_FILE).TOLLGATE_ADMIN_KEY}` };
  const kept = await fetch(`http://127.0.0.1:${port}/v1/orders/demo-wechat/made-elsewhere-1`, { headers });
  expect(await kept.json()).toMatchObject({ order: { state: 'paid', paid: { minor: 250, currency: 'CNY' } } });
  second.child.kill('SIGTERM');
  expect(await second.code, second.text()).toBe(0);
  for (const one of [port, wechat, merchant]) expect(await isFree(one)).toBe(true);
});

it('runs the gateway alone with --port and --state, and refuses the same state twice', async () => {
  const port = await freePort();
  const stateDir = join(folder, 'dev');
  const dev = run('tools/dev.ts', '--port', String(port), '--state', stateDir);
  await printed(dev, 'Ctrl-C');
  const health = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect([health.status, await health.json()]).toMatchObject([200, { status: 'ok' }]);
  const other = run('tools/dev.ts', '--port', String(await freePort()), '--state', stateDir);
  expect(await other.code).toBe(1);
  expect(other.text()).toContain('is in use by the gateway');
  process.kill(-(dev.child.pid ?? 0), 'SIGINT');
  expect(await dev.code, dev.text()).toBe(0);
  expect(await isFree(port)).toBe(true);
});

it.each([
  ['tools/start.ts', ['--once', '--port']],
  ['tools/dev.ts', ['--port']],
])('says in a sentence which port of %s is taken and which flag changes it', async (tool, flags) => {
  const blocker = createServer();
  await new Promise<void>((done) => blocker.listen(0, '127.0.0.1', done));
  const address = blocker.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const one = run(tool, ...flags, String(port), '--state', join(folder, 'taken'));
  expect(await one.code).toBe(1);
  expect(one.text()).toContain(`Port ${port} on 127.0.0.1 is taken by another program.`);
  expect(one.text()).toContain('--port');
  expect(one.text()).not.toContain('    at ');
  if (flags.includes('--once')) expect(JSON.parse(lastLine(one.text()))).toMatchObject({ delivered: false });
  await new Promise((done) => blocker.close(done));
});

it.each([
  ['tools/start.ts', '--bogus', 'Unknown option'],
  ['tools/dev.ts', '--port=abc', 'needs a port'],
  ['tools/nothing.ts', '', 'There is no tools/nothing.ts'],
  ['no-such-tool', '', 'There is no tool named no-such-tool'],
])('refuses %s %s in a sentence', async (tool, flag, sentence) => {
  const one = run(tool, ...(flag ? [flag] : []));
  expect(await one.code).toBe(1);
  expect(one.text()).toContain(sentence);
  expect(one.text()).not.toContain('    at ');
});
