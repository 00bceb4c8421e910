// `npm run bench -- --providers`: verify and translate of every provider beside the bare cryptography of its callback,
// in workerd, taking turns on one machine. Judges nothing: a ratio says what parsing and checking cost.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROVIDER_IDS } from '../../src/providers/index.ts';
import { bundle } from '../bundle.ts';
import { launch, ROOT } from '../launch.ts';
import { Sentence, stopOnSignals } from '../terminal.ts';
import { CASES, type Case } from './provider-cases.ts';
import type { Prepared } from './providers-worker.ts';

export type ProviderRow = {
  /** The id, and in brackets which of its variants. */
  readonly provider: string;
  readonly bare: string;
  readonly bytes: number;
  /** Medians, for one callback. */
  readonly bareUs: number | null;
  readonly providerUs: number;
  /** Taken inside each round, then its median. */
  readonly ratio: number | null;
};

export type ProvidersReport = {
  readonly runtime: 'workerd';
  readonly rounds: number;
  readonly providers: readonly ProviderRow[];
  /** Registered, and without a callback in provider-cases.ts. */
  readonly unmeasured: readonly string[];
};

/** Long enough that the request has no share in it, short enough that the machine does not drift meanwhile. */
const RUN_MS = 25;
const WARM_MS = 100;
const WARM_TIMES_FIRST = 8;

/** One thing that is run over and over: where, how often in a request, and what each round gave. */
type Runner = { readonly url: string; readonly times: number; readonly us: number[] };
type Subject = {
  readonly row: Pick<ProviderRow, 'provider' | 'bare' | 'bytes'>;
  readonly bare: Runner | null;
  readonly provider: Runner;
};

export async function benchProviders(rounds: number, say: (text: string) => void): Promise<ProvidersReport> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.once('exit', remove);
  say('bundling the Worker');
  const code = join(folder, 'bundle');
  const worker = { folder: code, modules: await bundle(ROOT, code, 'tools/bench/providers-worker.ts') };
  const gateway = await launch({
    port: 0,
    stateDir: join(folder, 'state'),
    worker: { ...worker, durableObjects: {} },
  });
  const stop = async () => {
    await gateway.dispose();
    remove();
  };
  stopOnSignals(stop);
  try {
    const subjects: Subject[] = [];
    for (const [name, make] of Object.entries(CASES)) subjects.push(await subjectOf(gateway.url, name, await make()));
    for (let round = 0; round < rounds; round++) {
      say(`round ${round + 1} of ${rounds}`);
      for (const { bare, provider } of subjects) {
        if (bare) bare.us.push(await perRun(bare.url, bare.times));
        provider.us.push(await perRun(provider.url, provider.times));
      }
    }
    const unmeasured = PROVIDER_IDS.filter((id) => !(id in CASES));
    return { runtime: 'workerd', rounds, providers: subjects.map(rowOf), unmeasured };
  } finally {
    await stop();
  }
}

async function subjectOf(
  url: string,
  name: string,
  { callback, entered, now, keys = [], bare, sealedBytes }: Case,
): Promise<Subject> {
  const here = `${url}/${encodeURIComponent(name)}`;
  const { headers, body } = callback;
  const bodyBase64 = Buffer.from(body).toString('base64');
  const id = name.split(' ')[0] ?? '';
  const operations = bare.map((operation) => ({
    operation,
    bytes: operation.endsWith('GCM') ? (sealedBytes ?? body.length) : body.length,
  }));
  const prepared: Prepared = {
    ...{ provider: id, entered, now, headers: { ...headers }, bodyBase64 },
    ...{ keys: [...keys], bare: operations },
  };
  await expectDone(await fetch(here, { method: 'POST', body: JSON.stringify(prepared) }), name);
  return {
    row: { provider: name, bare: bare.join(' + ') || 'none', bytes: body.length },
    bare: bare.length > 0 ? await warmed(`${here}/bare`) : null,
    provider: await warmed(`${here}/provider`),
  };
}

/** Runs it until its code is compiled, and finds how often it fits into a request. */
async function warmed(url: string): Promise<Runner> {
  const until = performance.now() + WARM_MS;
  let times = WARM_TIMES_FIRST;
  while (performance.now() < until) {
    const us = await perRun(url, times);
    times = Math.min(Math.max(Math.round((RUN_MS * 1_000) / us), 1), times * 4);
  }
  return { url, times, us: [] };
}

async function perRun(url: string, times: number): Promise<number> {
  const startedAt = performance.now();
  await expectDone(await fetch(`${url}/${times}`), url);
  return ((performance.now() - startedAt) * 1_000) / times;
}

async function expectDone(response: Response, what: string): Promise<void> {
  const text = await response.text();
  if (response.status !== 204) throw new Sentence(`${what} did not run: ${text || response.status}`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? high : (low + high) / 2;
}

const digits = (value: number) => Number(value.toPrecision(3));

function rowOf({ row, bare, provider }: Subject): ProviderRow {
  const ratios = bare?.us.map((us, round) => (provider.us[round] ?? 0) / us);
  return {
    ...row,
    bareUs: bare && digits(median(bare.us)),
    providerUs: digits(median(provider.us)),
    ratio: ratios ? digits(median(ratios)) : null,
  };
}

export function providersTableOf({ rounds, providers, unmeasured }: ProvidersReport): string {
  const line = (cells: readonly (string | number | null)[]) =>
    cells
      .map((cell, index) => (index < 2 ? String(cell).padEnd(28) : String(cell ?? '-').padStart(12)))
      .join('')
      .trimEnd();
  return [
    `verify + translate in workerd, beside the bare cryptography over as many bytes; medians of ${rounds} rounds`,
    '',
    line(['provider', 'bare', 'bytes', 'bare µs', 'provider µs', 'ratio']),
    ...providers.map((row) => line([row.provider, row.bare, row.bytes, row.bareUs, row.providerUs, row.ratio])),
    ...(unmeasured.length > 0 ? ['', `not measured, for want of a callback here: ${unmeasured.join(', ')}`] : []),
  ].join('\n');
}
