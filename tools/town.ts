// Everything that `npm start` starts, in a child process with a state of its own, for whatever looks at pages.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SECRETS_FILE } from './launch.ts';
import { claimPort } from './ports.ts';

export type Town = {
  readonly gateway: string;
  readonly wechat: string;
  readonly merchant: string;
  /** A call of /v1 with the admin key. */
  readonly call: (method: string, path: string, body?: object) => Promise<Record<string, unknown>>;
  readonly stop: () => Promise<void>;
};

const READY = 'Ctrl-C\n';

export async function startTown(): Promise<Town> {
  const stateDir = mkdtempSync(join(tmpdir(), 'tollgate-browser-'));
  const [port, wechat, merchant] = [await claimPort(0, '--port'), await claimPort(0, '-'), await claimPort(0, '-')];
  const ports = ['--port', port, '--wechat-port', wechat, '--merchant-port', merchant].map(String);
  const child = spawn(process.execPath, ['tools/run.mjs', 'tools/start.ts', '--state', stateDir, ...ports], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await printed(child, READY);
  const url = (at: number) => `http://127.0.0.1:${at}`;
  const key = /^TOLLGATE_ADMIN_KEY="(.*)"$/m.exec(readFileSync(SECRETS_FILE, 'utf8'))?.[1];
  const call: Town['call'] = async (method, path, body) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) };
    const response = await fetch(url(port) + path, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const stop = async () => {
    const ended = new Promise((done) => child.once('close', done));
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await ended;
    rmSync(stateDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  return { gateway: url(port), wechat: url(wechat), merchant: url(merchant), call, stop };
}

/** Waits for the text; a process that ends first is a failure that shows what it said. */
function printed(child: ChildProcess, wanted: string): Promise<void> {
  let text = '';
  return new Promise((done, fail) => {
    const hear = (chunk: Buffer) => {
      text += chunk.toString('utf8');
      if (text.includes(wanted)) done();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('close', () => fail(new Error(`ended without printing "${wanted}":\n${text}`)));
  });
}
