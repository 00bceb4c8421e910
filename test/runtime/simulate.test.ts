// The simulated month in short, as anybody runs it: a shop's days on a clock that is moved ahead, and the figures of
// the last line.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';

const count = z.int().min(0);
const Figures = z.object({
  orders: count,
  callbacksLost: count,
  repairedByQuery: count,
  repairedByBill: count,
  paidToRepairedP95Ms: count,
  wrong: count,
  unexplained: count,
});

it('finds what never came, by asking and by the bill, and explains every difference', async () => {
  const args = ['--days', '2', '--orders', '120', '--seed', '8', '--json'];
  const child = spawn(process.execPath, [resolve('tools/simulate.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGTERM'));
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
  const code = await new Promise((done) => child.on('close', done));
  const line = out.trim().split('\n').at(-1) ?? '';
  if (code !== 0) throw new Error(`${line}\n${err}`);
  const figures = Figures.parse(JSON.parse(line));
  expect(figures).toMatchObject({ orders: 120, wrong: 0, unexplained: 0 });
  expect(Math.min(figures.callbacksLost, figures.repairedByQuery, figures.repairedByBill)).toBeGreaterThan(0);
  console.info(`simulation: ${line}`);
});
