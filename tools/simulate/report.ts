// Whether the gateway's report of each day says what the provider's truth adds up to: payments and refunds, day by day,
// through /v1 alone. Late news must have been counted on the day that they are about.
import { z } from 'zod';
import { dayOf } from '../../src/core/bill.ts';
import type { SandboxOrder } from '../../src/sandbox/orders.ts';
import type { Finding } from './verdict.ts';
import { CHANNEL, type World } from './world.ts';

const Report = z.object({
  items: z.array(
    z.object({
      day: z.string(),
      currency: z.string().nullable(),
      gross: z.int(),
      refunded: z.int(),
      refunds: z.int(),
      orders: z.object({ paid: z.int() }),
    }),
  ),
});

type Day = { gross: number; refunded: number; refunds: number };

function truthByDay(orders: readonly SandboxOrder[]): Map<string, Day> {
  const days = new Map<string, Day>();
  const dayAt = (at: number): Day => {
    const day = dayOf(at);
    const known = days.get(day) ?? { gross: 0, refunded: 0, refunds: 0 };
    days.set(day, known);
    return known;
  };
  for (const { transactionId, paidAt, total, earlier = [], refunds } of orders) {
    if (transactionId === null || paidAt === null) continue;
    for (const one of [...earlier, { paidAt }]) dayAt(one.paidAt).gross += total;
    for (const { status, succeededAt, amount } of refunds) {
      if (status !== 'SUCCESS' || succeededAt === null) continue;
      const day = dayAt(succeededAt);
      day.refunded += amount;
      day.refunds += 1;
    }
  }
  return days;
}

/** `orderNos`: the channel's own; the provider has other shops' as well. */
export async function judgeReport({ client, wechat }: World, orderNos: readonly string[]): Promise<Finding[]> {
  const own = new Set(orderNos);
  const orders = wechat.orders().filter(({ outTradeNo }) => own.has(outTradeNo));
  const truth = truthByDay(orders);
  const days = [...truth.keys()].sort();
  const path = `/v1/reports?channel=${CHANNEL}&from=${days[0]}&to=${days.at(-1)}`;
  const { items } = await client.get(path, Report);
  const told = new Map(items.filter(({ currency }) => currency !== null).map((item) => [item.day, item]));
  const paid = items.reduce((sum, item) => sum + item.orders.paid, 0);
  const paidTruly = orders.filter(({ transactionId }) => transactionId !== null).length;
  return [
    ...days.flatMap((day) => differences(truth.get(day), told.get(day)).map((what) => ({ orderNo: day, what }))),
    ...[...told.keys()]
      .filter((day) => !truth.has(day))
      .map((day) => ({ orderNo: day, what: 'is reported for nothing' })),
    ...(paid === paidTruly
      ? []
      : [{ orderNo: 'report', what: `${paid} orders are told as paid, and ${paidTruly} are` }]),
  ];
}

const NAMES = ['gross', 'refunded', 'refunds'] as const;

const differences = (truth: Day | undefined, told: Day | undefined): string[] =>
  NAMES.filter((name) => truth?.[name] !== told?.[name]).map(
    (name) => `${name}: ${truth?.[name]} at the provider, and ${told?.[name]} is reported`,
  );
