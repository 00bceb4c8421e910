// The verdict of the drill: waits, sending nothing, until all is delivered, projected and settled; then compares what
// the gateway, its lists and the merchant say with what was acknowledged.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Client } from '../client.ts';
import type { Merchant } from './merchant.ts';
import { ABSENT, type DrillOrder, possibleShapes, type Shape, shapeOf } from './orders.ts';
import type { Sender } from './sender.ts';

/** Without any progress for so long, what is missing is stuck. Shorter than a minute, so that no cron rescues it. */
const STALL_MS = 20_000;
const LOOK_MS = 250;
const SAY_MS = 2_000;
const READERS = 8;
const WORDS_MAX = 10;

export type Say = (text: string) => void;

const Sum = z.object({ minor: z.int() }).nullable();
const Row = z.object({ orderNo: z.string(), state: z.string(), sequence: z.int(), paid: Sum, refunded: Sum });
type Row = z.infer<typeof Row>;
const Detail = z.object({
  order: Row,
  deliveries: z.array(z.object({ eventId: z.string(), state: z.string() })),
});
type Detail = z.infer<typeof Detail>;
const Listed = z.object({ eventId: z.string(), state: z.string() });
const page = <Item extends z.ZodType>(item: Item) => z.object({ items: z.array(item), next: z.string().nullable() });

export type Verdict = {
  /** Facts that were acknowledged. */
  readonly acked: number;
  /** Of those, the ones whose event the merchant accepted. */
  readonly delivered: number;
  readonly lost: number;
  /** Deliveries of an event beyond its first one. */
  readonly duplicates: number;
  /** Orders whose state or sums are not what their facts imply. */
  readonly wrongState: number;
  /** Events that came before their predecessor, or twice with different words. */
  readonly outOfOrder: number;
  /** Orders with a delivery that the ledger does not know to have arrived. */
  readonly unsettled: number;
  /** Orders whose rows in the lists disagree with the ledger. */
  readonly unprojected: number;
  /** What is wrong, for people; the first of each kind. */
  readonly complaints: readonly string[];
};

export async function judge(client: Client, sender: Sender, merchant: Merchant, say: Say): Promise<Verdict> {
  const facts = sender.acknowledged;
  const missing = () => facts.filter((fact) => !merchant.hasFact(fact.id));
  const settle = settler(say);
  await settle('events to arrive', async () => missing().length);
  // The lists are looked at before any ledger is: reading a ledger would wake it.
  const begun = sender.orders.filter((order) => !possibleShapes(order).has(ABSENT));
  await settle('rows to be projected', async () => unprojected(begun, await readLists(client)));
  let details = new Map<string, Detail>();
  const unsettledNow = async () => {
    details = await readOrders(client, sender.orders);
    return [...details.values()].filter(isUnsettled).length;
  };
  await settle('deliveries to be settled', unsettledNow);
  const compare = async () => apart(details, await readLists(client));
  await settle('lists to agree', async () => (await compare()).length);

  const lost = missing();
  const wrong = sender.orders.filter((order) => !possibleShapes(order).has(shapeOfDetail(details.get(order.orderNo))));
  const unsettled = [...details.values()].filter(isUnsettled);
  const listedApart = await compare();
  const { duplicates, complaints, forged } = merchant.report;
  const words = [
    ...lost.map(({ id }) => `lost: the event of ${id} was acknowledged and never delivered`),
    ...wrong.map((order) => `wrong state: ${differenceOf(order, details.get(order.orderNo))}`),
    ...complaints.map((text) => `out of order: ${text}`),
    ...unsettled.map(({ order, deliveries }) => `unsettled: ${order.orderNo} ${JSON.stringify(deliveries)}`),
    ...listedApart.map((text) => `unprojected: ${text}`),
    ...(forged > 0 ? [`${forged} deliveries were not genuine`] : []),
  ];
  return {
    acked: facts.length,
    delivered: facts.length - lost.length,
    lost: lost.length,
    duplicates,
    wrongState: wrong.length,
    outOfOrder: complaints.length,
    unsettled: unsettled.length,
    unprojected: listedApart.length,
    complaints: words.slice(0, WORDS_MAX),
  };
}

/** Waits until nothing is left, for as long as it becomes less; after it gave up once it waits for nothing more. */
function settler(say: Say) {
  let isPatient = true;
  return async (what: string, left: () => Promise<number>): Promise<void> => {
    let least = Number.POSITIVE_INFINITY;
    let deadline = 0;
    let saidAt = Date.now();
    for (;;) {
      const now = await left();
      if (now === 0) return;
      if (now < least) {
        least = now;
        deadline = Date.now() + STALL_MS;
      }
      if (!isPatient) return;
      if (Date.now() > deadline) break;
      if (Date.now() - saidAt > SAY_MS) {
        say(`waiting for ${now} ${what}`);
        saidAt = Date.now();
      }
      await sleep(LOOK_MS);
    }
    isPatient = false;
    say(`gave up waiting for ${least} ${what}: nothing moved for ${STALL_MS / 1_000} s`);
  };
}

type Lists = { readonly orders: ReadonlyMap<string, Row>; readonly deliveries: ReadonlyMap<string, string> };

async function readLists(client: Client): Promise<Lists> {
  const orders = await readAll(client, '/v1/orders?limit=200', Row);
  const deliveries = await readAll(client, '/v1/deliveries?limit=200', Listed);
  return {
    orders: new Map(orders.map((row) => [row.orderNo, row])),
    deliveries: new Map(deliveries.map(({ eventId, state }) => [eventId, state])),
  };
}

async function readAll<Item extends z.ZodType>(client: Client, path: string, item: Item): Promise<z.infer<Item>[]> {
  const items: z.infer<Item>[] = [];
  const schema = page(item);
  for (let next: string | null = ''; next !== null; ) {
    const cursor: string = next === '' ? '' : `&cursor=${encodeURIComponent(next)}`;
    const found: z.infer<typeof schema> = await client.get(`${path}${cursor}`, schema);
    items.push(...found.items);
    next = found.next;
  }
  return items;
}

/** How much the lists lack, as far as one can know without asking the ledgers. */
function unprojected(orders: readonly DrillOrder[], lists: Lists): number {
  const rows = orders.filter((order) => !possibleShapes(order).has(shapeIn(lists.orders.get(order.orderNo))));
  return rows.length + [...lists.deliveries.values()].filter((state) => state !== 'delivered').length;
}

/** The orders whose rows are not what the ledger says, each in a sentence. */
function apart(details: ReadonlyMap<string, Detail>, lists: Lists): string[] {
  const known = new Set([...details.keys(), ...lists.orders.keys()]);
  return [...known].flatMap((orderNo) => {
    const detail = details.get(orderNo);
    const inLedger = [inShort(detail?.order), ...(detail?.deliveries ?? []).map(({ state }) => state)].join('; ');
    const rows = (detail?.deliveries ?? []).map(({ eventId }) => lists.deliveries.get(eventId) ?? ABSENT);
    const inLists = [inShort(lists.orders.get(orderNo)), ...rows].join('; ');
    return inLedger === inLists ? [] : [`${orderNo} is "${inLedger}" in its ledger and "${inLists}" in the lists`];
  });
}

const inShort = (row: Row | undefined): string => `${shapeIn(row)}, event ${row?.sequence ?? 0}`;

/** Reads every order from its ledger; those that no ledger knows are left out. */
async function readOrders(client: Client, orders: readonly DrillOrder[]): Promise<Map<string, Detail>> {
  const details = new Map<string, Detail>();
  let next = 0;
  const reader = async () => {
    for (let order = orders[next++]; order; order = orders[next++]) {
      const detail = await client.find(`/v1/orders/${CHANNEL}/${order.orderNo}`, Detail);
      if (detail) details.set(order.orderNo, detail);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
  return details;
}

export const CHANNEL = 'drill-wechat';

const isUnsettled = ({ order, deliveries }: Detail): boolean =>
  deliveries.length < order.sequence || deliveries.some(({ state }) => state !== 'delivered');

const shapeIn = (row: Row | undefined): Shape =>
  row ? shapeOf(row.state, row.paid?.minor ?? 0, row.refunded?.minor ?? 0) : ABSENT;

const shapeOfDetail = (detail: Detail | undefined): Shape => shapeIn(detail?.order);

const differenceOf = (order: DrillOrder, detail: Detail | undefined): string =>
  `${order.orderNo} is "${shapeOfDetail(detail)}", and its facts say "${[...possibleShapes(order)].join('" or "')}"`;
