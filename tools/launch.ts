// The one launcher: the Worker on workerd at a direct socket of this machine, as start, dev, chaos and bench run it.
// Never listens beyond 127.0.0.1, never puts a proxy between the caller and the Worker.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Miniflare, NoOpLog } from 'miniflare';
import { bundle, type Module } from './bundle.ts';
import { applyMigrations } from './migrate.ts';
import { claimPort, HOST, isFree } from './ports.ts';
import { assertSameMasterKey, readOrCreateSecrets } from './secrets.ts';
import { Sentence } from './terminal.ts';

export const ROOT = resolve(import.meta.dirname, '..');
/** Where local secrets live, for every state folder. */
export const SECRETS_FILE = join(ROOT, '.dev.vars');

const CRON_INTERVAL_MS = 60_000;
const READY_TIMEOUT_MS = 30_000;
const MIGRATION_TRIES = 5;
const MIGRATION_AGAIN_MS = 500;
const VARS = [
  'TOLLGATE_PUBLIC_URL',
  'TOLLGATE_PROVIDER_BASE',
  'TOLLGATE_LEASE_MS',
  'TOLLGATE_LOG',
  'TOLLGATE_MASTER_KEY',
  'TOLLGATE_ADMIN_KEY',
] as const;

export type LogLine = { readonly level: string; readonly message: string };

export type LaunchOptions = {
  /** 0 takes a free one. */
  readonly port: number;
  readonly stateDir: string;
  /** Over .dev.vars and wrangler.toml; an environment variable of the same name wins over these. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Runs this Worker, bundled before, over the same bindings and these; the gateway itself when absent. */
  readonly worker?: BundledWorker;
  /** What the Worker and the runtime print; nothing is printed when absent. */
  readonly log?: (line: LogLine) => void;
  /** Opens the runtime's inspector at a free port of this machine. */
  readonly isInspected?: boolean;
  /** Told as each step begins. */
  readonly onStep?: (step: 'bundle' | 'runtime' | 'migrations') => void;
};

export type BundledWorker = {
  readonly folder: string;
  readonly modules: readonly Module[];
  readonly durableObjects: Readonly<Record<string, { readonly className: string; readonly useSQLite: true }>>;
  /** Local runs put two workers of their own before one with assets: not where the way of a callback is measured. */
  readonly hasAssets?: boolean;
};

export type Launched = {
  readonly url: string;
  readonly port: number;
  readonly adminKey: string;
  /** Names of the migrations that this start applied. */
  readonly migrations: readonly string[];
  /** Runs the cron handler once, now. */
  readonly fireCron: () => Promise<void>;
  /** Stops workerd and everything that was started. */
  readonly dispose: () => Promise<void>;
  readonly miniflare: Miniflare;
};

export async function launch(options: LaunchOptions): Promise<Launched> {
  const port = await claimPort(options.port, '--port');
  const url = `http://${HOST}:${port}`;
  const stateDir = resolve(options.stateDir);
  const vars = varsOf(url, options.vars ?? {});
  mkdirSync(stateDir, { recursive: true, mode: 0o700 }); // orders and payers: for the owner alone
  assertSameMasterKey(stateDir, vars.TOLLGATE_MASTER_KEY ?? '');
  const release = await claimState(stateDir, port);

  options.onStep?.('bundle');
  const worker = options.worker ?? (await bundleGateway(join(stateDir, 'bundle')));
  options.onStep?.('runtime');
  const miniflare = await startRuntime({
    port,
    stateDir,
    vars,
    worker,
    hasAssets: worker.hasAssets ?? false,
    log: options.log,
    isInspected: options.isInspected,
  });
  try {
    options.onStep?.('migrations');
    const migrations = await migrate(miniflare);
    await answers(url);
    const fireCron = () => runCron(miniflare);
    const timer = setInterval(() => {
      fireCron().catch((error: unknown) => options.log?.({ level: 'error', message: `cron: ${String(error)}` }));
    }, CRON_INTERVAL_MS);
    const dispose = async () => {
      clearInterval(timer);
      await miniflare.dispose();
      release();
    };
    return { url, port, adminKey: vars.TOLLGATE_ADMIN_KEY ?? '', migrations, fireCron, dispose, miniflare };
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

/** A workerd that was killed meanwhile is started again, and what it had not applied is applied then. */
async function migrate(miniflare: Miniflare): Promise<string[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await applyMigrations(await miniflare.getD1Database('DB'), join(ROOT, 'migrations'));
    } catch (error) {
      if (tries === MIGRATION_TRIES || !String(error).includes('fetch failed')) throw error;
      await new Promise((done) => setTimeout(done, MIGRATION_AGAIN_MS));
    }
  }
}

const bundleGateway = async (folder: string): Promise<BundledWorker> => ({
  folder,
  modules: await bundle(ROOT, folder),
  durableObjects: {},
  hasAssets: true,
});

/** Refuses a state folder that another gateway serves: two runtimes on the same databases corrupt each other's work. */
async function claimState(stateDir: string, port: number): Promise<() => void> {
  const file = join(stateDir, 'running.json');
  const other = readRunning(file);
  if (other !== null && isAlive(other.pid) && !(await isFree(other.port))) {
    throw new Sentence(
      `The state in ${stateDir} is in use by the gateway at http://${HOST}:${other.port} (process ${other.pid}). ` +
        'Stop that one, or choose another folder with --state.',
    );
  }
  writeFileSync(file, `${JSON.stringify({ pid: process.pid, port })}\n`);
  return () => rmSync(file, { force: true });
}

function readRunning(file: string): { pid: number; port: number } | null {
  try {
    const { pid, port } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown; port?: unknown }; // checked below
    return typeof pid === 'number' && typeof port === 'number' ? { pid, port } : null;
  } catch {
    return null;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** wrangler.toml's own vars come below these, from wrangler. */
function varsOf(url: string, given: Readonly<Record<string, string>>): Record<string, string> {
  const vars: Record<string, string> = { TOLLGATE_PUBLIC_URL: url, ...readOrCreateSecrets(SECRETS_FILE), ...given };
  for (const name of VARS) {
    const value = process.env[name];
    if (value !== undefined) vars[name] = value;
  }
  return vars;
}

type RuntimeOptions = {
  port: number;
  stateDir: string;
  vars: Record<string, string>;
  worker: BundledWorker;
  /** The local stand-in for the platform's files is two more workers before ours: not where ours is measured. */
  hasAssets: boolean;
  log: LaunchOptions['log'];
  isInspected: LaunchOptions['isInspected'];
};

async function startRuntime(options: RuntimeOptions): Promise<Miniflare> {
  const { port, stateDir, vars, worker, hasAssets, log, isInspected } = options;
  // Imported late: wrangler is large, and a taken port should be told at once.
  process.env.WRANGLER_LOG ??= 'error';
  const { unstable_getMiniflareWorkerOptions: workerOptionsOf } = await import('wrangler');
  const { workerOptions } = workerOptionsOf(join(ROOT, 'wrangler.toml'));
  const { assets: _, ...withoutAssets } = workerOptions;
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      log: new NoOpLog(),
      handleStructuredLogs: ({ level, message }) => log?.({ level, message }),
      unsafeHandleRuntimeRestart: () => log?.({ level: 'warn', message: 'workerd had stopped and was started again' }),
      // The folder below the state that wrangler's own --persist-to uses.
      resourcePersistencePath: join(stateDir, 'v3'),
      cf: false,
      ...(isInspected ? { inspectorPort: 0, inspectorHost: HOST } : {}),
      telemetry: { enabled: false },
      workers: [
        {
          ...(hasAssets ? workerOptions : withoutAssets),
          modules: worker.modules.map(({ type, path }) => ({ type, path })),
          modulesRoot: worker.folder,
          // as object: wrangler gives it no type.
          durableObjects: { ...(workerOptions.durableObjects as object), ...worker.durableObjects }, // see above
          bindings: { ...(workerOptions.bindings as Record<string, string>), ...vars }, // all of ours are texts
          unsafeDirectSockets: [{ host: HOST, port }],
          stripCfConnectingIp: false,
        },
      ],
    }),
  );
  try {
    await miniflare.ready;
    return miniflare;
  } catch (error) {
    await miniflare.dispose();
    throw error;
  }
}

/** Waits until the direct socket answers anything at all. */
async function answers(url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      const response = await fetch(`${url}/healthz`);
      await response.arrayBuffer();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

async function runCron(miniflare: Miniflare): Promise<void> {
  const worker = await miniflare.getWorker();
  const { outcome } = await worker.scheduled({ scheduledTime: new Date(), cron: '* * * * *' });
  if (outcome !== 'ok') throw new Error(`the cron handler ended with "${outcome}"`);
}
