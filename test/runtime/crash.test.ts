// The crash drill in short, as anybody runs it: a real runtime with its state on disk, killed under load, and the
// figures of its last line.
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';

const count = z.int().min(0);
const Figures = z.object({
  kills: count,
  acked: count,
  delivered: count,
  lost: count,
  duplicates: count,
  wrongState: count,
  outOfOrder: count,
  unsettled: count,
  unprojected: count,
});

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };

function runChaos(args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [resolve('tools/chaos.ts'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGTERM')); // it takes the gateway with it
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString('utf8')));
  return new Promise((done) => child.on('close', (code) => done({ code, out, err })));
}

it.skipIf(process.platform === 'win32')(
  'loses no acknowledged event when all of it, or workerd alone, is killed under load',
  async () => {
    const { code, out, err } = await runChaos(['--kills', '3', '--seconds', '9', '--json']);
    expect(err).toBe('');
    const figures = Figures.parse(JSON.parse(out.trim().split('\n').at(-1) ?? ''));
    const { acked, lost, wrongState, outOfOrder, unsettled, unprojected } = figures;
    expect({ lost, wrongState, outOfOrder, unsettled, unprojected }).toEqual({
      lost: 0,
      wrongState: 0,
      outOfOrder: 0,
      unsettled: 0,
      unprojected: 0,
    });
    expect(figures).toMatchObject({ kills: 3, delivered: acked });
    expect(acked).toBeGreaterThan(50);
    expect(code).toBe(0);
    console.info(`crash drill: ${JSON.stringify(figures)}`);
  },
);
