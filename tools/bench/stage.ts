// One stage: a fresh gateway on an empty disk, a channel and an origin set up through /v1, and its runtime's CPU time.
// Each measurement gets its own, so that nothing is inherited.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { credentialsOf, type Identity } from '../../src/sandbox/identity.ts';
import { bundle } from '../bundle.ts';
import { Client } from '../client.ts';
import { type BundledWorker, type Launched, launch, ROOT } from '../launch.ts';
import { HOST } from '../ports.ts';

/** Which class of the bench's Worker keeps the ledger; see worker.ts. */
export type LedgerClass = 'OrderLedger' | 'QuietLedger' | 'CountingLedger';

export type StageOptions = {
  readonly ledger: LedgerClass;
  readonly shards: number;
  readonly identity: Identity;
  readonly sinkPort: number;
  /** Instead of the sink alone: the channel's origins in their order, each at its port. */
  readonly origins?: readonly { readonly id: string; readonly port: number }[];
};

export type Stage = {
  readonly port: number;
  /** CPU time that the runtime has used so far, user and system; null where the system does not tell. */
  readonly cpuMs: () => number | null;
  /** What the runtime holds in memory, all told; null where the system does not tell. */
  readonly memoryMb: () => number | null;
  readonly rows: () => Promise<Rows>;
  /** What the gateway printed as a warning or an error. */
  readonly complaints: readonly string[];
  readonly close: () => Promise<void>;
};

const Rows = z.object({ ledger: z.int(), alarms: z.int(), d1: z.int() });
export type Rows = z.infer<typeof Rows>;

export const CHANNEL = 'bench';
const ORIGIN = 'sink';
const COMPLAINTS_MAX = 20;

export type Theatre = { readonly open: (options: StageOptions) => Promise<Stage>; readonly close: () => Promise<void> };

/** Bundles once; every stage runs the same bytes. `onLaunch` is called after each start of the runtime. */
export async function buildTheatre(onLaunch: () => void): Promise<Theatre> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const code = join(folder, 'bundle');
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.once('exit', remove);
  const modules = await bundle(ROOT, code, 'tools/bench/worker.ts');
  let runs = 0;
  let running: Launched | null = null;
  const open = async (options: StageOptions) => {
    const stateDir = join(folder, `run-${runs++}`);
    const complaints: string[] = [];
    const gateway = await launch({
      port: 0,
      stateDir,
      worker: workerOf(code, modules, options),
      vars: {
        BENCH_CREDENTIALS: JSON.stringify(credentialsFor(options.identity)),
        BENCH_SHARDS: String(options.shards),
        TOLLGATE_LOG: 'faults', // lines leave through this process, whose time is the benchmark's
      },
      log: ({ level, message }) => {
        if ((level === 'error' || level === 'warn') && complaints.length < COMPLAINTS_MAX) complaints.push(message);
      },
    });
    running = gateway;
    onLaunch();
    await setUp(gateway, options);
    const close = async () => {
      running = null;
      await gateway.dispose();
      rmSync(stateDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    };
    const pids = runtimePids();
    const rows = async () => Rows.parse(await (await fetch(`${gateway.url}/bench/rows`)).json());
    return {
      port: gateway.port,
      cpuMs: () => cpuMsOf(pids),
      memoryMb: () => memoryMbOf(pids),
      rows,
      complaints,
      close,
    };
  };
  const close = async () => {
    await running?.dispose();
    remove();
  };
  return { open, close };
}

const workerOf = (folder: string, modules: BundledWorker['modules'], { ledger }: StageOptions): BundledWorker => ({
  folder,
  modules,
  durableObjects: {
    LEDGER: { className: ledger, useSQLite: true },
    BARE_INSERT: { className: 'BareInsert', useSQLite: true },
  },
});

/** Without the merchant's own key: then there is nothing to fetch from the provider. */
export function credentialsFor(identity: Identity) {
  const { merchantSerial: _serial, merchantPrivateKey: _key, ...credentials } = credentialsOf(identity);
  return credentials;
}

async function setUp({ url, adminKey }: Launched, options: StageOptions): Promise<void> {
  const { sinkPort, shards, identity, origins = [{ id: ORIGIN, port: sinkPort }] } = options;
  const client = new Client(url, adminKey);
  const Any = z.object({ id: z.string() });
  for (const { id, port } of origins) {
    const origin = { id, url: `http://${HOST}:${port}/`, perSecond: 10_000, concurrent: 1_000 };
    await client.send('POST', '/v1/origins', origin, Any);
  }
  const credentials = credentialsFor(identity);
  const ids = origins.map(({ id }) => id);
  const channel = { id: CHANNEL, provider: 'wechatpay-v3', origins: ids, credentials, shards };
  await client.send('POST', '/v1/channels', channel, Any);
}

/** Clock ticks per second of /proc: 100 on every Linux that Node runs on. */
const TICK_MS = 10;

/** The runtimes that this process started; none where there is no /proc. */
export function runtimePids(): number[] {
  try {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map(Number).filter((pid) => {
      const [command, fields] = readStat(pid);
      return command.startsWith('workerd') && Number(fields[1]) === process.pid;
    });
  } catch {
    return [];
  }
}

export function cpuMsOf(pids: readonly number[]): number | null {
  if (pids.length === 0) return null;
  return pids.reduce((sum, pid) => {
    const [, fields] = readStat(pid);
    return sum + (Number(fields[11]) + Number(fields[12])) * TICK_MS; // utime and stime
  }, 0);
}

export function memoryMbOf(pids: readonly number[]): number | null {
  if (pids.length === 0) return null;
  const [, kb] = /VmRSS:\s+(\d+) kB/.exec(pids.map(statusOf).join('\n')) ?? [];
  return kb === undefined ? null : Number(kb) / 1_024;
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return ''; // it ended while we looked
  }
}

/** The command, and the fields behind it: state, ppid, … (man 5 proc_pid_stat). */
function readStat(pid: number): [string, string[]] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const end = text.lastIndexOf(')');
    return [text.slice(text.indexOf('(') + 1, end), text.slice(end + 2).split(' ')];
  } catch {
    return ['', []]; // it ended while we looked
  }
}
