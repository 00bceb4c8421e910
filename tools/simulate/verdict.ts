// Compares the provider's truth with what the gateway says, order by order and through /v1 alone, and with what reached
// the merchant. Repairs nothing, and believes neither side's own counts.
import { z } from 'zod';
import type { ReceivedEvent } from '../../src/sandbox/merchant.ts';
import type { SandboxOrder } from '../../src/sandbox/orders.ts';
import type { Client } from '../client.ts';
import { CHANNEL, type World } from './world.ts';

const Amount = z.object({ minor: z.int(), currency: z.literal('CNY') });
const Detail = z.object({
  order: z.object({
    state: z.string(),
    flags: z.array(z.string()),
    held: z.boolean(),
    paid: Amount.nullable(),
    refunded: Amount.nullable(),
    payments: z.array(z.object({ transactionId: z.string(), amount: Amount })),
    refunds: z.array(
      z.object({ refundNo: z.string(), providerRefundId: z.string().nullable(), amount: Amount, state: z.string() }),
    ),
  }),
  timeline: z.array(z.looseObject({ at: z.string(), kind: z.string(), source: z.string() })),
  deliveries: z.array(z.object({ state: z.string() })),
});
type Detail = z.infer<typeof Detail>;

export type Finding = { readonly orderNo: string; readonly what: string };

/** What both sides must agree on, in the same words. */
type Books = { readonly paid: readonly string[]; readonly refunds: readonly string[]; readonly state: string };

const REFUND_WORDS = { SUCCESS: 'succeeded', ABNORMAL: 'needs_attention', CLOSED: 'failed', PROCESSING: 'pending' };
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

function truthOf(order: SandboxOrder | undefined): Books {
  const ids =
    order?.transactionId == null ? [] : [...(order.earlier ?? []).map((one) => one.transactionId), order.transactionId];
  const refunds = order?.refunds ?? [];
  const paid = ids.length * (order?.total ?? 0);
  const refunded = sum(refunds.map(({ status, amount }) => (status === 'SUCCESS' ? amount : 0)));
  const state = paid === 0 ? 'unpaid' : refunded === 0 ? 'paid' : refunded >= paid ? 'refunded' : 'partially_refunded';
  return {
    paid: ids.map((id) => `${id} ${order?.total}`).sort(),
    refunds: refunds
      .map((one) => `${one.outRefundNo} ${one.refundId} ${one.amount} ${REFUND_WORDS[one.status]}`)
      .sort(),
    state,
  };
}

const UNPAID: readonly string[] = ['pending', 'closed'];

function saidOf({ order }: Detail): Books {
  return {
    paid: order.payments.map(({ transactionId, amount }) => `${transactionId} ${amount.minor}`).sort(),
    refunds: order.refunds
      .map((one) => `${one.refundNo} ${one.providerRefundId} ${one.amount.minor} ${one.state}`)
      .sort(),
    state: UNPAID.includes(order.state) ? 'unpaid' : order.state,
  };
}

/** The source of the first word of the payment, and how long after the payment it came. */
export type Learnt = { readonly source: string; readonly afterMs: number };

export type Verdict = {
  readonly findings: readonly Finding[];
  readonly learnt: readonly Learnt[];
  readonly flags: Readonly<Record<string, number>>;
};

export async function judge({ client, wechat, received }: World, orderNos: readonly string[]): Promise<Verdict> {
  const truth = new Map(wechat.orders().map((order) => [order.outTradeNo, order]));
  const arrived = Map.groupBy(received, ({ body }) => body.data.order.orderNo);
  const findings: Finding[] = [];
  const learnt: Learnt[] = [];
  const flags: Record<string, number> = {};
  const states = new Map<string, string>();
  for (const orderNo of orderNos) {
    const order = truth.get(orderNo);
    const detail = await client.find(`/v1/orders/${CHANNEL}/${orderNo}`, Detail);
    const wrongs =
      detail === null ? missing(order) : [...compared(order, detail), ...told(detail, arrived.get(orderNo) ?? [])];
    findings.push(...wrongs.map((what) => ({ orderNo, what })));
    if (detail !== null) states.set(orderNo, detail.order.state);
    for (const flag of detail?.order.flags ?? []) flags[flag] = (flags[flag] ?? 0) + 1;
    const first = detail?.timeline.find(
      ({ kind, fact }) => kind === 'fact' && /^payment\b.*\bsucceeded\b/.test(String(fact)),
    );
    if (first && order?.paidAt != null) {
      const paidAt = order.earlier?.[0]?.paidAt ?? order.paidAt;
      learnt.push({ source: first.source, afterMs: Date.parse(first.at) - paidAt });
    }
  }
  const known = new Set(orderNos);
  for (const { orderNo, state } of await listed(client)) {
    if (!known.has(orderNo)) findings.push({ orderNo, what: 'is another shop’s, and the gateway has it' });
    else if (state !== states.get(orderNo)) findings.push({ orderNo, what: `is listed as ${state}` });
    states.delete(orderNo);
  }
  for (const orderNo of states.keys()) findings.push({ orderNo, what: 'is in no list' });
  return { findings, learnt, flags };
}

/** An order that nobody paid and nobody registered may be unknown. */
const missing = (order: SandboxOrder | undefined): string[] =>
  order === undefined ? [] : [`is unknown to the gateway, and ${order.state} at the provider`];

function compared(order: SandboxOrder | undefined, detail: Detail): string[] {
  const [truth, said] = [truthOf(order), saidOf(detail)];
  const differ = (name: keyof Books) =>
    String(truth[name]) === String(said[name]) ? [] : [`${name}: is ${truth[name]}, the gateway says ${said[name]}`];
  const undelivered = detail.deliveries.filter(({ state }) => state !== 'delivered');
  return [
    ...differ('paid'),
    ...differ('refunds'),
    ...differ('state'),
    ...undelivered.map(({ state }) => `a delivery is ${state}`),
  ];
}

/** What reached the merchant's own code. */
function told({ order }: Detail, events: readonly ReceivedEvent[]): string[] {
  const successes = events.filter(({ body }) => body.type === 'payment.succeeded');
  const wanted = order.payments.length > 0 ? 1 : 0;
  const sequences = events.map(({ body }) => body.data.sequence);
  const last = events.at(-1)?.body.data.order.state;
  return [
    ...(successes.length === wanted ? [] : [`payment.succeeded reached the merchant ${successes.length} times`]),
    ...(sequences.every((one, at) => one === at + 1) ? [] : [`sequences came as ${sequences.join(' ')}`]),
    ...events.filter(({ times }) => times > 1).map(({ id, times }) => `event ${id} came ${times} times`),
    ...(last === undefined || last === order.state
      ? []
      : [`the merchant was told ${last} last, and it is ${order.state}`]),
  ];
}

const Listed = z.object({
  items: z.array(z.object({ orderNo: z.string(), state: z.string() })),
  next: z.string().nullable(),
});
type Listed = z.infer<typeof Listed>;

/** As the lists show them, which are derived. */
async function listed(client: Client): Promise<Listed['items']> {
  const items: Listed['items'] = [];
  for (let cursor = ''; ; ) {
    const page = await client.get(`/v1/orders?channel=${CHANNEL}&limit=200${cursor}`, Listed);
    items.push(...page.items);
    if (page.next === null) return items;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

/** Of sorted numbers, the one that this share of them does not pass. */
export const percentile = (numbers: readonly number[], share: number): number | null =>
  numbers.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(numbers.length * share) - 1)] ?? null;
