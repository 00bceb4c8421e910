// A whole reconciliation in the gateway’s own runtime: a bill is brought through /v1, kept, checked, compared and
// looked at from the other side by the reconciler. How long it takes, and what the runtime holds meanwhile.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createIdentity } from '../../src/sandbox/identity.ts';
import { DAY } from '../../test/fixtures/bills/trades.ts';
import { APP_ID, MCH_ID } from '../../test/fixtures/bills/wechat.ts';
import { bundle } from '../bundle.ts';
import { Client } from '../client.ts';
import { type BundledWorker, type Launched, launch, ROOT } from '../launch.ts';
import { BILL_SHARDS } from './bill-shards.ts';
import { Heap } from './heap.ts';
import { cpuMsOf, credentialsFor, memoryMbOf, runtimePids } from './stage.ts';

type Timed = {
  readonly rowsPerSecond: number;
  readonly cpuSeconds: number | null;
  /** Of the runtime, above what it held before the bill came. */
  readonly peakMb: number | null;
};
export type RunFigures = Timed & {
  /** Of the isolate that runs the Worker and all its objects, garbage aside, in a second run. */
  readonly heldMb: number;
};

const CHANNEL = 'bench';
const LOOK_MS = 50;
const HEAP_LOOK_MS = 100;

/** The last step is the whole: what it found must be nothing. */
const Run = z.object({
  state: z.string(),
  problem: z.string().nullable(),
  bills: z.array(z.object({ rows: z.int().nullable(), tally: z.object({ matched: z.int() }).nullable() })),
});

export async function measureRun(path: string, rows: number): Promise<RunFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bill-run-'));
  let gateway: Launched | null = null;
  try {
    const code = join(folder, 'bundle');
    const modules = await bundle(ROOT, code, 'tools/bench/bill-worker.ts');
    const durableObjects: BundledWorker['durableObjects'] = { LEDGER: { className: 'KnowingLedger', useSQLite: true } };
    const worker = { folder: code, modules, durableObjects };
    const vars = { BENCH_ROWS: String(rows), TOLLGATE_LOG: 'faults' };
    gateway = await launch({
      port: 0,
      stateDir: join(folder, 'state'),
      worker,
      vars,
      log: (l) => console.error(l.level, l.message),
    });
    const timed = await measure(gateway, path, rows);
    await gateway.dispose();
    gateway = await launch({ port: 0, stateDir: join(folder, 'again'), worker, vars, isInspected: true });
    const heap = await Heap.open(gateway);
    const heldMb = await heldMeanwhile(heap, measure(gateway, path, rows));
    heap.close();
    return { ...timed, heldMb };
  } finally {
    await gateway?.dispose();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** The most that the isolate held while that went on, above what it held before: looked at ten times a second. */
async function heldMeanwhile(heap: Heap, run: Promise<unknown>): Promise<number> {
  const before = await heap.heldMb();
  let isOver = false;
  const over = run.finally(() => {
    isOver = true;
  });
  let most = 0;
  while (!isOver) {
    most = Math.max(most, (await heap.heldMb()) - before);
    await sleep(HEAP_LOOK_MS);
  }
  await over;
  return most;
}

async function measure({ url, adminKey }: Launched, path: string, rows: number): Promise<Timed> {
  const client = new Client(url, adminKey);
  const identity = { ...(await createIdentity(Date.now())), mchId: MCH_ID, appId: APP_ID };
  const settings = { exclusive: true, fetchBills: false };
  const channel = { id: CHANNEL, provider: 'wechatpay-v3', origins: [], shards: BILL_SHARDS, settings };
  await client.send('POST', '/v1/channels', { ...channel, credentials: credentialsFor(identity) }, z.object({}));
  const pids = runtimePids();
  const before = { memory: memoryMbOf(pids) ?? 0, cpu: cpuMsOf(pids) ?? 0 };
  const startedAt = performance.now();
  const reply = await fetch(`${url}/v1/reconciliations/bills?channel=${CHANNEL}&day=${DAY}&covers=all`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/gzip' },
    body: readFileSync(path),
  });
  if (reply.status !== 202) throw new Error(`The bill was not taken: ${await reply.text()}`);
  let peak = 0;
  for (;;) {
    await sleep(LOOK_MS);
    peak = Math.max(peak, memoryMbOf(pids) ?? 0);
    const run = await client.get(`/v1/reconciliations/${CHANNEL}~${DAY}`, Run);
    if (run.state === 'running') continue;
    const [bill] = run.bills;
    if (run.state !== 'done' || bill?.rows !== rows || bill.tally?.matched !== rows) {
      throw new Error(`The run ended as ${run.state}: ${run.problem ?? JSON.stringify(run.bills)}`);
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    const cpuMs = cpuMsOf(pids);
    return {
      rowsPerSecond: Math.round(rows / seconds),
      cpuSeconds: cpuMs === null ? null : (cpuMs - before.cpu) / 1_000,
      peakMb: peak === 0 ? null : peak - before.memory,
    };
  }
}
