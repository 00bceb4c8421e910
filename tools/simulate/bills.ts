// What the gateway's reconciliations found, looked at as an operator would, through /v1: each day done by the clock and
// settled to the fen, and each difference that is left explained by what was done on purpose. Repairs nothing.
import { z } from 'zod';
import { dayAfter, dayOf } from '../../src/core/bill.ts';
import type { Client } from '../client.ts';
import type { PlannedOrder } from './plan.ts';
import type { Finding } from './verdict.ts';
import { CHANNEL } from './world.ts';

const Run = z.object({
  day: z.string(),
  state: z.string(),
  begunBy: z.string(),
  problem: z.string().nullable(),
  bills: z.array(z.object({ empty: z.boolean() })),
  settlement: z
    .array(
      z.object({
        difference: z.string(),
        balanceDifference: z.string().nullable(),
        overnightDifference: z.string().nullable(),
        brokenAt: z.int().nullable(),
      }),
    )
    .nullable(),
  untied: z.object({ bill: z.int(), account: z.int() }).nullable(),
});
type Run = z.infer<typeof Run>;

const Discrepancy = z.object({
  id: z.string(),
  kind: z.string(),
  status: z.string(),
  orderNo: z.string().nullable(),
  repaired: z.boolean(),
  detail: z.string(),
});
type Discrepancy = z.infer<typeof Discrepancy>;

const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

async function all<T extends z.ZodType>(client: Client, path: string, item: T): Promise<z.infer<T>[]> {
  const items: z.infer<T>[] = [];
  for (let cursor = ''; ; ) {
    const page = await client.get(`${path}&limit=200${cursor}`, pageOf(item));
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

/** The days that were sold on, each of which must have been compared. */
export async function judgeRuns(client: Client, startsAt: number, days: number): Promise<Finding[]> {
  const runs = new Map((await all(client, `/v1/reconciliations?channel=${CHANNEL}`, Run)).map((run) => [run.day, run]));
  const first = dayOf(startsAt);
  return Array.from({ length: days }, (_, n) => dayAfter(first, n)).flatMap((day) =>
    wrongsOf(runs.get(day)).map((what) => ({ orderNo: day, what })),
  );
}

function wrongsOf(run: Run | undefined): string[] {
  if (run === undefined) return ['was never compared'];
  if (run.state !== 'done') return [`is ${run.state}: ${run.problem}`];
  if (run.bills.every(({ empty }) => empty)) return []; // nothing was sold
  const lines = run.settlement ?? [];
  const sums = lines.flatMap((line) => [line.difference, line.balanceDifference, line.overnightDifference]);
  return [
    ...(run.begunBy === 'clock' ? [] : [`was begun by ${run.begunBy}`]),
    ...(lines.length === 1 && lines[0]?.brokenAt === null ? [] : ['is not settled']),
    ...sums.filter((sum) => sum !== null && /[1-9]/.test(sum)).map((sum) => `is ${sum} off`),
    ...(run.untied?.bill === 0 && run.untied.account === 0 ? [] : [`has untied lines: ${JSON.stringify(run.untied)}`]),
  ];
}

/** Says why to each difference that the simulation made; what is left is explained by nothing. */
export async function explain(client: Client, orders: readonly PlannedOrder[]): Promise<Finding[]> {
  const wrongFees = new Set(orders.filter((one) => one.feeFen !== null && one.paidAfterMs !== null).map(numberOf));
  const found = await all(client, `/v1/discrepancies?channel=${CHANNEL}`, Discrepancy);
  const left: Finding[] = [];
  for (const one of found) {
    const why = whyOf(one, wrongFees);
    if (why === null) left.push({ orderNo: one.orderNo ?? one.id, what: `${one.kind}, ${one.status}: ${one.detail}` });
    else if (one.status === 'open') await noted(client, one, why);
  }
  const noticed = new Set(found.filter(({ kind }) => kind === 'fee').map(({ orderNo }) => orderNo));
  const missed = [...wrongFees].filter((orderNo) => !noticed.has(orderNo));
  return [...left, ...missed.map((orderNo) => ({ orderNo, what: 'has a wrong fee, and nobody noticed' }))];
}

const numberOf = ({ orderNo }: PlannedOrder): string => orderNo;

function whyOf({ kind, status, orderNo, repaired }: Discrepancy, wrongFees: ReadonlySet<string>): string | null {
  if (status === 'fixed' && repaired) return 'The callback was lost, and the bill repaired it.';
  if (kind === 'fee' && orderNo !== null && wrongFees.has(orderNo)) return 'The simulated provider kept five fen more.';
  return null;
}

async function noted(client: Client, { id }: Discrepancy, note: string): Promise<void> {
  const change = { status: 'explained', note, owner: 'simulation' };
  await client.send('PATCH', `/v1/discrepancies/${encodeURIComponent(id)}`, change, z.looseObject({}));
}
