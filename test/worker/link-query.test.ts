// Facts whose order nobody knows: the provider is asked which one it is, and its answer brings them there.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { locatorNameOf } from '../../src/core/channel.ts';
import type { AskMessage } from '../../src/core/record.ts';
import { hearUnlinked } from './incomplete-world.ts';
import { down, HOUR_MS, later, MINUTE_MS, Shop, startClock } from './order-world.ts';

let shop: Shop;
let queue: ReturnType<typeof startClock>;

beforeEach(async () => {
  queue = startClock();
  shop = await Shop.open({ settings: { querySeconds: [60, 300], queryForSeconds: 3_600 } });
});
afterEach(() => vi.restoreAllMocks());

const refundOf = (linkId: string, refundNo = 'R1') => ({
  ...{ events: [], noticeType: 'refund', noticeId: null },
  unlinked: [
    {
      ...({ kind: 'refund', state: 'succeeded', refundNo, providerRefundId: null, transactionId: linkId } as const),
      ...{
        amount: { minor: 300, currency: 'CNY' },
        occurredAt: Date.now(),
        providerState: 'SUCCESS',
        test: false,
        linkId,
      },
    },
  ],
});

async function locatorOf(linkId: string) {
  const record = await env.REGISTRY.getByName('registry').readChannel(shop.channel);
  if (!record) throw new Error('the channel is gone');
  return env.LOCATOR.getByName(locatorNameOf(record.channel, linkId));
}

type Row = { readonly dueAt: number; readonly linkId: string };
const asksOf = async (linkId: string) =>
  runInDurableObject(await locatorOf(linkId), (_, { storage }) =>
    storage.sql.exec<Row>('SELECT due_at AS dueAt, link_id AS linkId FROM asks').toArray(),
  );
async function carryAsk(linkId: string): Promise<AskMessage> {
  const [ask] = await asksOf(linkId);
  if (!ask) throw new Error('nothing is asked');
  later(Math.max(0, ask.dueAt - Date.now()));
  const timer = { dueAt: ask.dueAt, orderNo: '', kind: 'link', ref: linkId } as const;
  const message: AskMessage = { v: 1, channel: shop.channel, timer };
  await shop.carry(message);
  return message;
}
const inMinutes = async (linkId: string) =>
  (await asksOf(linkId)).map(({ dueAt }) => Math.round((dueAt - Date.now()) / MINUTE_MS));

/** A payment at the provider that nobody here has heard of. */
async function paidThere() {
  const orderNo = await shop.sell({ closeOnExpiry: false });
  shop.payUnnoticed(orderNo);
  const transactionId = shop.book.get(orderNo)?.transactionId;
  if (!transactionId) throw new Error('not paid');
  shop.calls.length = 0;
  return { orderNo, transactionId };
}

describe('a refund that names no order', () => {
  it('brings the order that its transaction belongs to, by the locator’s own word', async () => {
    queue.back();
    const { orderNo, transactionId } = await paidThere();
    expect(await hearUnlinked(shop, refundOf(transactionId))).toEqual(['parked']);
    const locator = await locatorOf(transactionId);
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(locator);
        expect((await shop.read(orderNo)).body.order).toMatchObject({ state: 'partially_refunded' });
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(shop.asked().filter((line) => line.includes(transactionId))).toEqual([
      `GET transactions/id/${transactionId}`,
    ]);
    expect(await asksOf(transactionId)).toEqual([]);
  });

  it('is asked about at once and then by the schedule, and no more after its time', async () => {
    await hearUnlinked(shop, refundOf('4200000000000000000000000001'));
    const id = '4200000000000000000000000001';
    const waits: number[][] = [];
    for (let i = 0; i < 3; i++) {
      await carryAsk(id);
      waits.push(await inMinutes(id));
    }
    expect(waits).toEqual([[1], [4], []]);
  });

  it('that waits beside another of the same payment asks once', async () => {
    const { transactionId } = await paidThere();
    await hearUnlinked(shop, refundOf(transactionId, 'R1'));
    await hearUnlinked(shop, refundOf(transactionId, 'R2'));
    expect(await asksOf(transactionId)).toHaveLength(1);
  });

  it('survives a provider that is down, and messages that come twice', async () => {
    const { orderNo, transactionId } = await paidThere();
    await hearUnlinked(shop, refundOf(transactionId));
    shop.play(down);
    const message = await carryAsk(transactionId);
    expect(await inMinutes(transactionId)).toEqual([1]);
    shop.play();
    await shop.carry(message);
    await runDurableObjectAlarm(await locatorOf(transactionId));
    await vi.waitFor(
      async () => expect((await shop.read(orderNo)).body.order).toMatchObject({ state: 'partially_refunded' }),
      { timeout: 5_000 },
    );
    later(HOUR_MS);
    shop.calls.length = 0;
    await runDurableObjectAlarm(await locatorOf(transactionId));
    expect([shop.asked(), await asksOf(transactionId)]).toEqual([[], []]);
  });
});
