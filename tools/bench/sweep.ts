// `npm run bench -- --sweep`: what one turn of the ledgers' clocks reads where a million orders wait to be asked about,
// beside ten thousand with as many due. Judges nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { bundle } from '../bundle.ts';
import { launch, ROOT } from '../launch.ts';
import { stopOnSignals } from '../terminal.ts';

export type SweepRow = {
  readonly orders: number;
  readonly due: number;
  readonly asked: number;
  readonly rowsRead: number;
  readonly ms: number;
};

const SHARDS = 8;
/** In each shard: as many as it looks at in one turn. */
const DUE = 20;

const Swept = z.object({ rowsRead: z.int(), asked: z.int() });

export async function benchSweep(counts: readonly number[], say: (text: string) => void): Promise<SweepRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.once('exit', remove);
  say('bundling the Worker');
  const code = join(folder, 'bundle');
  const modules = await bundle(ROOT, code, 'tools/bench/sweep-worker.ts');
  const durableObjects = { LEDGER: { className: 'SweepLedger', useSQLite: true as const } };
  const gateway = await launch({
    port: 0,
    stateDir: join(folder, 'state'),
    worker: { folder: code, modules, durableObjects },
  });
  const stop = async () => {
    await gateway.dispose();
    remove();
  };
  stopOnSignals(stop);
  const call = async (path: string) => {
    const response = await fetch(`${gateway.url}/${path}`);
    if (!response.ok) throw new Error(`${path} did not run: ${await response.text()}`);
    return response.json();
  };
  try {
    const rows: SweepRow[] = [];
    for (const orders of counts) {
      const shards = Array.from({ length: SHARDS }, (_, shard) => `v1:sweep${orders}:${SHARDS}:${shard}`);
      say(`filling ${SHARDS} shards with ${orders} orders`);
      for (const shard of shards) await call(`fill/${shard}/${orders / SHARDS}/${DUE}`);
      const row = { orders, due: SHARDS * DUE, asked: 0, rowsRead: 0 };
      const startedAt = performance.now();
      for (const shard of shards) {
        const { rowsRead, asked } = Swept.parse(await call(`sweep/${shard}`));
        row.rowsRead += rowsRead;
        row.asked += asked;
      }
      rows.push({ ...row, ms: Math.round(performance.now() - startedAt) });
    }
    return rows;
  } finally {
    await stop();
  }
}

export function sweepTableOf(rows: readonly SweepRow[]): string {
  const line = (...cells: readonly (string | number)[]) =>
    `  ${cells.map((cell) => String(cell).padStart(14)).join('')}`;
  return [
    '',
    `  one turn of the clocks of ${SHARDS} shards; a shard asks no faster than its share of the provider's pace`,
    line('orders', 'due', 'rows read', 'asked now', 'ms'),
    ...rows.map(({ orders, due, rowsRead, asked, ms }) => line(orders, due, rowsRead, asked, ms)),
    '',
  ].join('\n');
}
