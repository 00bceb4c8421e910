// The gateway as a process of its own, workerd included, that can be killed like a power cut: `npm run dev` in its own
// process group. Never shares memory with what it kills, and never starts again before the port was seen closed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../launch.ts';
import { HOST } from '../ports.ts';
import { Sentence } from '../terminal.ts';

const READY_TIMEOUT_MS = 60_000;
const DEAD_TIMEOUT_MS = 10_000;
const LOOK_MS = 20;
const OUTPUT_KEPT_CHARS = 20_000;

export type RuntimeOptions = {
  readonly port: number;
  readonly stateDir: string;
  readonly vars: Readonly<Record<string, string>>;
};

export class Runtime {
  readonly url: string;
  readonly #options: RuntimeOptions;
  #child: ChildProcess | null = null;
  #output = '';

  constructor(options: RuntimeOptions) {
    this.#options = options;
    this.url = `http://${HOST}:${options.port}`;
  }

  /** What the gateway printed last, over all its lives. */
  get output(): string {
    return this.#output;
  }

  spawn(): void {
    const { port, stateDir, vars } = this.#options;
    const args = [join(ROOT, 'tools/dev.ts'), '--port', String(port), '--state', stateDir];
    // Nothing of the surroundings may send the gateway elsewhere: it must find no provider to ask.
    const own = { TOLLGATE_PUBLIC_URL: this.url, TOLLGATE_PROVIDER_BASE: '', ...vars };
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...own },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        this.#output = (this.#output + chunk.toString('utf8')).slice(-OUTPUT_KEPT_CHARS);
      });
    }
    this.#child = child;
  }

  /** Waits until it answers that all its parts do. */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (!(await this.#isHealthy())) {
      const isGone = this.#child === null || this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (isGone || Date.now() > deadline) {
        throw new Sentence(`The gateway did not start. It said:\n${this.#output.slice(-3_000)}`);
      }
      await sleep(LOOK_MS);
    }
  }

  /** SIGKILL of the whole group at once; returns when the port was seen closed. */
  async killGroup(): Promise<void> {
    this.killAtOnce();
    await until(async () => !(await this.#isOpen()), 'The port stayed open after the whole group was killed.');
    this.#child = null;
  }

  /** SIGKILL of the group without waiting, for the end of our own process. */
  killAtOnce(): void {
    if (this.#child?.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // kill throws ErrnoException
    }
  }

  /** SIGKILL of workerd alone; its owner starts another one. Returns when that one answers. */
  async killWorkerd(): Promise<void> {
    const pid = this.#workerd();
    process.kill(pid, 'SIGKILL');
    await until(async () => !isAlive(pid), 'workerd lives on after SIGKILL.');
    await this.ready();
    if (this.#workerd() === pid) throw new Error('The workerd that answers is the one that was killed.');
  }

  /** SIGKILL of workerd's owner alone: workerd is left behind and goes on answering (the protocol's local runtime). */
  async killOwner(): Promise<void> {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('The gateway does not run.');
    process.kill(pid, 'SIGKILL');
    await until(async () => this.#child?.signalCode === 'SIGKILL', 'The owner of workerd lives on after SIGKILL.');
    if (!(await this.#isOpen())) throw new Error('workerd ended with its owner: the drill no longer shows an orphan.');
  }

  /** The process id of the workerd that belongs to our child. */
  #workerd(): number {
    const owner = this.#child?.pid;
    const found = processes().find(({ parent, name }) => parent === owner && name.includes('workerd'));
    if (!found) throw new Error('There is no workerd below the gateway.');
    return found.pid;
  }

  async #isHealthy(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
      await response.arrayBuffer();
      return response.status === 200;
    } catch {
      return false; // not up, or just killed: asked again
    }
  }

  #isOpen(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.#options.port, HOST);
      const done = (open: boolean) => {
        socket.destroy();
        resolve(open);
      };
      socket.once('connect', () => done(true));
      socket.once('error', () => done(false));
    });
  }
}

type Process = { readonly pid: number; readonly parent: number; readonly name: string };

/** Every process of the machine: from /proc where there is one (small images have no ps), from ps elsewhere. */
function processes(): Process[] {
  if (!existsSync('/proc/self/stat')) {
    const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' }).trim().split('\n');
    return rows.map((row) => {
      const [pid, parent, ...name] = row.trim().split(/\s+/);
      return { pid: Number(pid), parent: Number(parent), name: name.join(' ') };
    });
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        // proc(5): pid (name) state ppid …; the name may hold anything, so the last bracket ends it.
        const [, name = '', parent] = /\((.*)\) \S+ (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return [{ pid: Number(pid), parent: Number(parent), name }];
      } catch {
        return []; // ended while we looked
      }
    });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function until(look: () => Promise<boolean>, otherwise: string): Promise<void> {
  const deadline = Date.now() + DEAD_TIMEOUT_MS;
  while (!(await look())) {
    if (Date.now() > deadline) throw new Error(otherwise);
    await sleep(LOOK_MS);
  }
}
