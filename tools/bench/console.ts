// `npm run bench -- --console`: every list, search and page of the console over a million orders, beside ten thousand,
// in one runtime; with the rows that each reads. Judges nothing.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../bundle.ts';
import { launch, ROOT } from '../launch.ts';
import { Sentence, stopOnSignals } from '../terminal.ts';
import { SEEDED, SHOP_IDS } from './console-seed.ts';
import { median } from './median.ts';

const SEED_STEP = 20_000;
const CALLS = 40;
const FLOOR_BUDGET = 10;

export type ConsoleRow = {
  readonly what: string;
  readonly path: string;
  /** Milliseconds, p95 of the calls, the way over a local socket included. */
  readonly few: number;
  readonly many: number;
  readonly ratio: number;
  readonly rowsRead: number;
  /** Beside `SELECT 1` in the same database, medians. */
  readonly toFloor: number;
};
export type ConsoleReport = {
  readonly orders: number;
  readonly few: number;
  readonly seedSeconds: number;
  readonly rows: readonly ConsoleRow[];
};

const { shop, orderNo, transactionId, refundNo } = SEEDED;
const monthAgo = () => new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 16);

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

/** What people open. Paths of /v1 are asked with the admin key, the others as a logged in operator. */
const PAGES: readonly { readonly what: string; readonly path: () => string }[] = [
  { what: 'overview', path: () => '/console' },
  { what: 'overview of a channel, an hour', path: () => `/console?range=1h&channel=${shop}` },
  { what: 'overview, fresh, 7 days', path: () => '/console/live?range=7d' },
  { what: 'overview, fresh, 30 days', path: () => '/console/live?range=30d' },
  { what: 'orders, newest', path: () => '/console/orders' },
  { what: 'orders of a channel', path: () => `/console/orders?channel=${shop}` },
  { what: 'orders that are pending', path: () => '/console/orders?state=pending' },
  { what: 'orders that are paid', path: () => '/console/orders?state=paid' },
  { what: 'orders of a channel, failed', path: () => `/console/orders?channel=${shop}&state=failed` },
  { what: 'orders with a rare flag', path: () => '/console/orders?flag=risk_review' },
  { what: 'orders of a rare amount', path: () => '/console/orders?currency=CNY&amountMin=999&amountMax=999.01' },
  { what: 'orders of a month ago', path: () => `/console/orders?to=${monthAgo()}` },
  { what: 'search: an order', path: () => `/console/orders?search=${orderNo}` },
  { what: 'search: how an order begins', path: () => `/console/orders?search=${orderNo.slice(0, 3)}` },
  { what: 'search: a transaction', path: () => `/console/orders?search=${transactionId}` },
  { what: 'search: how transactions begin', path: () => `/console/orders?search=${transactionId.slice(0, 10)}` },
  { what: 'search: a refund', path: () => `/console/orders?search=${refundNo}` },
  { what: 'search: nothing', path: () => '/console/orders?search=zzzz' },
  { what: 'deliveries, newest', path: () => '/console/deliveries' },
  { what: 'dead letters', path: () => '/console/deliveries?state=dead' },
  { what: 'deliveries of an order', path: () => `/console/deliveries?orderNo=${orderNo}` },
  { what: 'dry run of a bulk replay', path: () => `/console/new/replay?state=dead&channel=${shop}` },
  { what: 'callbacks, newest', path: () => '/console/callbacks' },
  { what: 'refusals with counts', path: () => '/console/callbacks?verdict=rejected' },
  { what: 'parked callbacks: none', path: () => '/console/callbacks?verdict=parked' },
  { what: 'callbacks of an order', path: () => `/console/callbacks?channel=${shop}&orderNo=${orderNo}` },
  { what: 'alarms', path: () => '/console/alarms' },
  { what: 'audit', path: () => '/console/audit' },
  { what: 'channels', path: () => '/console/channels' },
  { what: 'origins', path: () => '/console/origins' },
  { what: 'reports', path: () => '/console/reports' },
  { what: 'reports of Tokyo', path: () => '/console/reports?utcOffsetMinutes=540' },
  { what: 'report of a channel, 90 days', path: () => `/v1/reports?channel=${shop}&from=${daysAgo(90)}` },
  { what: 'report of all channels, 90 days', path: () => `/v1/reports?from=${daysAgo(90)}&format=csv` },
  { what: 'reconciliations', path: () => '/console/reconciliations' },
  { what: 'discrepancies', path: () => '/console/discrepancies' },
  { what: '/v1/orders', path: () => '/v1/orders' },
  { what: '/v1/events, the newest', path: () => '/v1/events?limit=50' },
  { what: '/v1/stats, a day', path: () => '/v1/stats' },
  { what: '/v1/stats, 30 days', path: () => '/v1/stats?by=day' },
  { what: '/v1/stats, 30 days of Tokyo', path: () => '/v1/stats?by=day&utcOffsetMinutes=540' },
  { what: '/metrics', path: () => '/metrics' },
];

/** `floor`: the median of `SELECT 1`, asked for between the calls: the machine is not always as quick. */
type Taken = { readonly p50: number; readonly p95: number; readonly floor: number; readonly rowsRead: number };

export type ConsolePlan = {
  readonly few: number;
  readonly orders: number;
  /** What names of pages hold; none: all pages. */
  readonly pages: readonly string[];
};

export async function benchConsole(plan: ConsolePlan, say: (text: string) => void): Promise<ConsoleReport> {
  const { few, orders } = plan;
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.once('exit', remove);
  say('bundling the Worker');
  const code = join(folder, 'bundle');
  const modules = await bundle(ROOT, code, 'tools/bench/console-worker.ts');
  const worker = { folder: code, modules, durableObjects: {}, hasAssets: true };
  const gateway = await launch({ port: 0, stateDir: join(folder, 'state'), worker });
  const stop = async () => {
    await gateway.dispose();
    remove();
  };
  stopOnSignals(stop);
  try {
    await openShops(gateway.url, gateway.adminKey);
    const visit = await visitorOf(gateway.url, gateway.adminKey);
    const wanted = PAGES.filter(
      ({ what }) => plan.pages.length === 0 || plan.pages.some((name) => what.includes(name)),
    );
    const pages = await existing(visit, wanted, say);
    await seed(gateway.url, 0, few, say);
    const before = await measured(visit, pages, say, few);
    const startedAt = performance.now();
    await seed(gateway.url, few, orders, say);
    const seedSeconds = Math.round((performance.now() - startedAt) / 1_000);
    const after = await measured(visit, pages, say, orders);
    const rows = pages.map(({ what, path }, index): ConsoleRow => {
      const [small, large] = [before[index], after[index]];
      if (!small || !large) throw new Error(`${what} was not measured`);
      return {
        ...{ what, path: path(), few: digits(small.p95), many: digits(large.p95), rowsRead: large.rowsRead },
        ratio: digits(large.p50 / small.p50),
        toFloor: digits(large.p50 / large.floor),
      };
    });
    return { orders, few, seedSeconds, rows };
  } finally {
    await stop();
  }
}

const digits = (value: number) => Number(value.toPrecision(3));

async function seed(url: string, from: number, to: number, say: (text: string) => void): Promise<void> {
  for (let at = from; at < to; at += SEED_STEP) {
    if (at % 100_000 === 0) say(`seeding: ${at} of ${to} orders`);
    const response = await fetch(`${url}/bench/seed/${at}/${Math.min(SEED_STEP, to - at)}`);
    if (response.status !== 204) throw new Sentence(`seeding failed at ${at}: ${await response.text()}`);
  }
  for (const isFirst of from === 0 ? [1, 0] : [0]) {
    say('adding up');
    const response = await fetch(`${url}/bench/fold/0/${isFirst}`);
    if (response.status !== 204) throw new Sentence(`adding up failed: ${await response.text()}`);
  }
}

/** Figures and reports are of channels that are there. */
async function openShops(url: string, adminKey: string): Promise<void> {
  for (const id of SHOP_IDS) {
    const credentials = { ipnSecret: 'a-secret-of-the-bench-valid-nowhere' };
    const response = await fetch(`${url}/v1/channels`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id, provider: 'nowpayments', origins: [], credentials }),
    });
    if (response.status !== 201) throw new Sentence(`${id} was not made: ${await response.text()}`);
  }
}

type Visit = (path: string) => Promise<Response>;

/** Logged in as a browser is, by the page's own form. */
async function visitorOf(url: string, adminKey: string): Promise<Visit> {
  const page = await fetch(`${url}/console/login`);
  const [, token = ''] = /name="token" value="([^"]+)"/.exec(await page.text()) ?? [];
  const cookies = cookiesOf(page);
  const entered = await fetch(`${url}/console/login`, {
    method: 'POST',
    redirect: 'manual',
    headers: { origin: url, cookie: cookies, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token, key: adminKey }),
  });
  if (entered.status !== 303) throw new Sentence(`The console let nobody in: ${entered.status}.`);
  const session = `${cookiesOf(entered)}; tollgate-language=en`;
  return (path) =>
    fetch(url + path, {
      redirect: 'manual',
      headers: path.startsWith('/console') ? { cookie: session } : { authorization: `Bearer ${adminKey}` },
    });
}

const cookiesOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');

/** A page that this version does not have is said and left out. */
async function existing(visit: Visit, pages: typeof PAGES, say: (text: string) => void) {
  const found = await Promise.all(pages.map(async (page) => ({ page, status: (await visit(page.path())).status })));
  for (const { page, status } of found) if (status !== 200) say(`left out: ${page.what} answers ${status}`);
  return found.filter(({ status }) => status === 200).map(({ page }) => page);
}

async function measured(visit: Visit, pages: typeof PAGES, say: (text: string) => void, orders: number) {
  say(`measuring over ${orders} orders`);
  const all: Taken[] = [];
  for (const { path } of pages) all.push(await taken(visit, path()));
  return all;
}

async function taken(visit: Visit, path: string): Promise<Taken> {
  const [times, floors]: [number[], number[]] = [[], []];
  let rowsRead = 0;
  for (let call = -3; call < CALLS; call++) {
    const floor = await timed(visit, '/bench/floor');
    const page = await timed(visit, path);
    if (call >= 0) {
      times.push(page.ms);
      floors.push(floor.ms);
    }
    rowsRead = page.rowsRead;
  }
  times.sort((a, b) => a - b);
  const p95 = times[Math.floor(times.length * 0.95)] ?? 0;
  return { p50: median(times), p95, floor: median(floors), rowsRead };
}

async function timed(visit: Visit, path: string) {
  const startedAt = performance.now();
  const response = await visit(path);
  await response.arrayBuffer();
  const ms = performance.now() - startedAt;
  if (response.status !== 200) throw new Sentence(`${path} answered ${response.status}.`);
  return { ms, rowsRead: Number(response.headers.get('bench-rows-read')) };
}

export function consoleTableOf({ orders, few, seedSeconds, rows }: ConsoleReport): string {
  const line = (what: string, cells: readonly (string | number)[]) =>
    `  ${what.padEnd(34)}${cells.map((cell) => String(cell).padStart(13)).join('')}`;
  return [
    '',
    `  the console over ${orders} orders, beside ${few} (seeded in ${seedSeconds} s); p95 of ${CALLS} calls each, ms`,
    line('', [`${few}`, `${orders}`, 'p50 ratio', 'rows read', 'to SELECT 1', `≤ ${FLOOR_BUDGET}`]),
    ...rows.map(({ what, few: small, many, ratio, rowsRead, toFloor }) =>
      line(what, [small, many, ratio, rowsRead, toFloor, toFloor <= FLOOR_BUDGET ? 'met' : 'missed']),
    ),
    '',
  ].join('\n');
}
