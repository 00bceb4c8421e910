// `node tools/bench/bill.ts`: reads, checks and compares bills of 10 thousand, 100 thousand and 1 million rows, each in
// a process of its own, and prints rows a second and the most memory held. Judges nothing.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import type { BillRow } from '../../src/core/bill.ts';
import type { BillLayout } from '../../src/core/bill-layout.ts';
import { BillMapping } from '../../src/core/bill-mapping.ts';
import { readBill } from '../../src/core/bill-stream.ts';
import { FIRST_CURSOR } from '../../src/core/compare-tally.ts';
import { mappedLayout } from '../../src/core/mapped-bill.ts';
import { Comparison } from '../../src/core/reconcile-compare.ts';
import { NO_FLOW, settle } from '../../src/core/settlement.ts';
import { wechatpayV3 } from '../../src/providers/wechatpay-v3.ts';
import { DAY, heldAt, tradeAt } from '../../test/fixtures/bills/trades.ts';
import { ALL_COLUMNS, line, MCH_ID, tradeCells, yuan } from '../../test/fixtures/bills/wechat.ts';
import { measureRun, type RunFigures } from './bill-run.ts';

const SIZES = [10_000, 100_000, 1_000_000] as const;
const MAPPED_ROWS = 100_000;
const NOW = Date.parse('2026-03-02T03:00:00Z');

type Figures = {
  readonly rows: number;
  readonly fileMb: number;
  readonly unpackedMb: number;
  readonly readRowsPerSecond: number;
  readonly compareRowsPerSecond: number;
  /** Heap and buffers above what the process held before it began, garbage included. */
  readonly peakMb: number;
  /** The same at the end of the comparison, once the garbage was collected. */
  readonly heldMb: number;
  /** The same bill brought to the gateway, to the end of its run. */
  readonly run: RunFigures;
};

type Read = Omit<Figures, 'fileMb' | 'unpackedMb' | 'run'>;

/** A whole bill as text, never held at once. */
function* textOf(rows: number): Generator<string> {
  yield `\uFEFF${ALL_COLUMNS}\r\n`;
  const sums = { paid: 0, back: 0, fee: 0 };
  for (let from = 0; from < rows; from += 1_000) {
    const lines: string[] = [];
    for (let at = from; at < Math.min(rows, from + 1_000); at++) {
      const trade = tradeAt(at);
      sums[trade.kind === 'refund' ? 'back' : 'paid'] += trade.fen;
      sums.fee += trade.feeFen;
      lines.push(line(tradeCells(trade)));
    }
    yield `${lines.join('\r\n')}\r\n`;
  }
  const [paid, back] = [yuan(sums.paid), yuan(sums.back)];
  yield '总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n';
  yield `${line([`${rows}`, paid, back, '0.00', (sums.fee / 100).toFixed(5), paid, back])}\r\n`;
}

async function write(path: string, rows: number): Promise<{ readonly sha1: string; readonly bytes: number }> {
  const hash = createHash('sha1');
  let bytes = 0;
  const hashed = function* () {
    for (const text of textOf(rows)) {
      const part = Buffer.from(text);
      hash.update(part);
      bytes += part.length;
      yield part;
    }
  };
  await pipeline(Readable.from(hashed()), createGzip(), createWriteStream(path));
  return { sha1: hash.digest('hex'), bytes };
}

function layoutOf(): BillLayout<BillRow> {
  const { bill } = wechatpayV3;
  if (!bill) throw new Error('The provider has no bill.');
  return bill.trades({ mchId: MCH_ID, appIds: [], partner: undefined });
}

/** The most that heap and buffers held together, looked at after each piece. */
class Peak {
  readonly #before = Peak.#now();
  #most = 0;

  static #now(): number {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  }

  look(): void {
    this.#most = Math.max(this.#most, Peak.#now() - this.#before);
  }

  get heldMb(): number {
    globalThis.gc?.();
    return (Peak.#now() - this.#before) / 1_048_576;
  }

  get mb(): number {
    return this.#most / 1_048_576;
  }
}

async function measure(path: string, sha1: string): Promise<Read> {
  const layout = layoutOf();
  const peak = new Peak();
  const started = performance.now();
  const checksum = { hash: createHash('sha1'), expected: sha1 };
  let rows = 0;
  for await (const piece of readBill(createReadStream(path), { layout, checksum })) {
    peak.look();
    if (piece.kind === 'problem') throw new Error(piece.problem.detail);
    if (piece.kind === 'end') rows = piece.count;
  }
  const read = performance.now();
  const rules = { channel: 'bench', day: DAY, kind: 'trade', feeRate: null, now: NOW, test: false } as const;
  const comparison = new Comparison({ ...rules, exclusive: true, orderNoPattern: null, mayCreate: true }, FIRST_CURSOR);
  for await (const piece of readBill(createReadStream(path), { layout })) {
    peak.look();
    if (piece.kind !== 'rows') continue;
    comparison.wants(piece.from, piece.rows);
    const held = piece.rows.map((_, at) => heldAt(piece.from + at - 1));
    const { differences } = comparison.take(piece.from, piece.rows, new Map(held.map((one) => [one.orderNo, one])));
    if (differences[0]) throw new Error(differences[0].detail);
  }
  comparison.endBill();
  for (let at = 0; at < rows; at += 500) {
    peak.look();
    const orders = Array.from({ length: Math.min(500, rows - at) }, (_, more) => heldAt(at + more));
    if (comparison.absent(orders).length > 0) throw new Error('The comparison missed what is there.');
  }
  const compared = performance.now();
  const { heldMb } = peak;
  settle(comparison.cursor.tally.money, NO_FLOW);
  return {
    rows,
    readRowsPerSecond: Math.round((rows / (read - started)) * 1_000),
    compareRowsPerSecond: Math.round((rows / (compared - read)) * 1_000),
    peakMb: peak.mb,
    heldMb,
  };
}

/** Runs this file again: what one size leaves behind must not count for the next. */
async function inOwnProcess(path: string, sha1: string): Promise<Read> {
  const self = fileURLToPath(import.meta.url);
  const flags = ['--expose-gc', self, '--file', path, sha1];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (text) => {
    said += String(text);
  });
  const code = await new Promise((done) => child.on('close', done));
  if (code !== 0) throw new Error(`The measuring process ended with ${code}.`);
  return JSON.parse(said) as Read; // printed by ourselves, below
}

/** The same trades as an operator's own table, quoted, read by a mapping. */
async function measureMapped(rows: number): Promise<number> {
  const columns = { orderNo: 'order', transactionId: 'id', amount: 'amount', at: 'time', kind: 'kind', fee: 'fee' };
  const kindWords = { payment: 'payment', refund: 'refund' };
  const layout = mappedLayout(
    BillMapping.parse({ columns, kindWords, currency: 'CNY', times: 'milliseconds' }),
    false,
    'trade',
  );
  const parts = [Buffer.from('order,id,amount,time,kind,fee,name\n')];
  for (let at = 0; at < rows; at++) {
    const { orderNo, transactionId, fen, feeFen, name, kind, at: time } = tradeAt(at);
    const cells = [orderNo, transactionId, yuan(fen), time, kind, yuan(feeFen), name.replaceAll('"', '""')];
    parts.push(Buffer.from(`${cells.map((cell) => `"${cell}"`).join(',')}\n`));
  }
  const file = Buffer.concat(parts);
  const started = performance.now();
  for await (const piece of readBill(Readable.from(piecesOf(file)), { layout })) {
    if (piece.kind === 'problem') throw new Error(piece.problem.detail);
  }
  return Math.round((rows / (performance.now() - started)) * 1_000);
}

function* piecesOf(file: Buffer): Generator<Buffer> {
  for (let from = 0; from < file.length; from += 65_536) yield file.subarray(from, from + 65_536);
}

async function main(): Promise<void> {
  const [flag, path = '', sha1 = ''] = process.argv.slice(2);
  if (flag === '--file') {
    console.log(JSON.stringify(await measure(path, sha1)));
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bill-'));
  const all: Figures[] = [];
  try {
    for (const rows of SIZES) {
      const file = join(folder, `${rows}.gz`);
      const written = await write(file, rows);
      const sizes = { fileMb: statSync(file).size / 1_048_576, unpackedMb: written.bytes / 1_048_576 };
      const run = await measureRun(file, rows);
      const figures = { ...(await inOwnProcess(file, written.sha1)), ...sizes, run };
      all.push(figures);
      const { readRowsPerSecond: read, compareRowsPerSecond: compared, fileMb, unpackedMb } = figures;
      const memory = `at most ${figures.peakMb.toFixed(1)} MB, of which ${figures.heldMb.toFixed(1)} MB are no garbage`;
      const size = `${fileMb.toFixed(1)} MB packed, ${unpackedMb.toFixed(1)} MB unpacked`;
      const speed = `read and checked ${read} rows/s, read and compared ${compared} rows/s`;
      console.error(`${rows} rows (${size}): ${speed}; ${memory}`);
      const cpu = run.cpuSeconds === null ? '' : `, ${run.cpuSeconds.toFixed(1)} s of CPU`;
      const held = run.peakMb === null ? '' : `, the process at most ${run.peakMb.toFixed(0)} MB more`;
      const live = `${run.heldMb.toFixed(1)} MB held that are no garbage`;
      console.error(`  as a run in workerd: ${run.rowsPerSecond} rows/s${cpu}; ${live}${held}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const mapped = await measureMapped(MAPPED_ROWS);
  console.error(`${MAPPED_ROWS} rows of a quoted table by its mapping: ${mapped} rows/s`);
  if (process.argv.includes('--json')) console.log(JSON.stringify({ bills: all, mappedRowsPerSecond: mapped }));
}

await main();
