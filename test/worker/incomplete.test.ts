// Notices without an order's number, or without all of it: kept, asked about, and brought to their order when it is
// known.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { locatorNameOf } from '../../src/core/channel.ts';
import type { PaymentFact } from '../../src/core/event.ts';
import type { AskMessage } from '../../src/core/timer.ts';
import { hear, hearUnlinked } from './incomplete-world.ts';
import { down, HOUR_MS, later, MINUTE_MS, Shop, startClock } from './order-world.ts';

describe('asking for what is missing a link', () => {
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
});

describe('a notice that lacks something', () => {
  let shop: Shop;

  beforeEach(async () => {
    startClock();
    shop = await Shop.open({ settings: { querySeconds: [] } });
  });
  afterEach(() => vi.restoreAllMocks());

  const partialOf = (orderNo: string, change: Partial<PaymentFact> = {}): PaymentFact => ({
    ...({ kind: 'payment', status: 'succeeded', orderNo, transactionId: null, amount: null } as const),
    ...{ occurredAt: Date.now(), providerState: 'SUCCESS', test: false, payer: { id: 'payer-1' }, ...change },
  });
  const orderOf = async (orderNo: string) => (await shop.read(orderNo)).body.order;
  const toldOf = async (orderNo: string, sequence: number) =>
    JSON.parse((await (await shop.ledger(orderNo)).readTold(orderNo, { sequence }))?.data ?? 'null');
  const kindsOf = async (orderNo: string) => (await shop.timers(orderNo)).map(({ kind }) => kind);
  const wake = async (orderNo: string) => runDurableObjectAlarm(await shop.ledger(orderNo));
  const unpaid = () => shop.sell({ closeOnExpiry: false });

  describe('an incomplete notice', () => {
    it('tells nobody anything, and its order is asked about at once', async () => {
      const orderNo = await unpaid();
      shop.payUnnoticed(orderNo);
      expect(await hear(shop, partialOf(orderNo))).toEqual(['incomplete']);
      expect(await orderOf(orderNo)).toMatchObject({ state: 'pending', sequence: 0, flags: [] });
      const [query, limit] = await shop.timers(orderNo);
      expect([query?.kind, limit?.kind]).toEqual(['query', 'incomplete']);
      expect((query?.dueAt ?? 0) - Date.now()).toBeLessThanOrEqual(0);
    });

    it('goes out complete, each field with its source', async () => {
      const orderNo = await unpaid();
      shop.payUnnoticed(orderNo);
      await hear(shop, partialOf(orderNo));
      await shop.runTimer(orderNo);
      expect(await orderOf(orderNo)).toMatchObject({ state: 'paid', sequence: 1, flags: [] });
      expect(await toldOf(orderNo, 1)).toMatchObject({
        ...{ source: 'query', payer: { id: 'payer-1' } },
        provenance: { payer: 'callback', amount: 'query', transactionId: 'query' },
      });
      expect(await kindsOf(orderNo)).toEqual(['incomplete']);
      later(10 * MINUTE_MS);
      await wake(orderNo);
      expect([await kindsOf(orderNo), (await orderOf(orderNo))?.sequence]).toEqual([[], 1]);
    });

    it('keeps what it did say, and a different word of the provider’s is flagged', async () => {
      const orderNo = await unpaid();
      shop.payUnnoticed(orderNo);
      await hear(shop, partialOf(orderNo, { amount: { minor: 999, currency: 'CNY' } }));
      await shop.runTimer(orderNo);
      expect(await orderOf(orderNo)).toMatchObject({ state: 'paid', flags: ['provider_disagrees'] });
      expect((await toldOf(orderNo, 1)).provenance).toEqual({
        ...{ payer: 'callback', amount: 'callback', transactionId: 'query' },
      });
    });

    it('that comes twice is one, and asks once', async () => {
      const orderNo = await unpaid();
      expect(await hear(shop, partialOf(orderNo))).toEqual(['incomplete']);
      expect(await hear(shop, partialOf(orderNo))).toEqual(['duplicate']);
      expect(await hear(shop, partialOf(orderNo, { transactionId: 'T-1' }))).toEqual(['incomplete']);
      expect(await kindsOf(orderNo)).toEqual(['query', 'incomplete']);
    });

    it('whose other half arrives as a callback is complete without a question', async () => {
      const orderNo = await unpaid();
      await hear(shop, partialOf(orderNo));
      const amount = { minor: 1_000, currency: 'CNY' };
      expect(await hear(shop, partialOf(orderNo, { transactionId: 'T-1', amount }))).toEqual(['applied']);
      shop.calls.length = 0;
      await wake(orderNo);
      expect([shop.asked(), await kindsOf(orderNo)]).toEqual([[], ['incomplete']]);
    });

    it('of a provider that is down is asked five times, and goes out flagged after the limit, once', async () => {
      const orderNo = await unpaid();
      shop.play(down);
      await hear(shop, partialOf(orderNo));
      for (let i = 0; i < 5; i++) await shop.runTimer(orderNo);
      expect(await kindsOf(orderNo)).toEqual(['incomplete']);
      expect((await orderOf(orderNo))?.sequence).toBe(0);
      later(6 * MINUTE_MS);
      await wake(orderNo);
      await wake(orderNo);
      expect(await orderOf(orderNo)).toMatchObject({ state: 'pending', sequence: 1, flags: ['incomplete'] });
      expect(await toldOf(orderNo, 1)).toMatchObject({ order: { flags: ['incomplete'] }, payer: { id: 'payer-1' } });
      shop.play();
      shop.payUnnoticed(orderNo);
      await shop.post(orderNo, 'query');
      expect(await orderOf(orderNo)).toMatchObject({ state: 'paid', sequence: 2, flags: [] });
    });

    it('is not completed by an answer that lacks the same', async () => {
      const orderNo = await unpaid();
      shop.payUnnoticed(orderNo);
      const order = shop.book.get(orderNo);
      if (!order) throw new Error('the provider forgot it');
      shop.book.put({ ...order, transactionId: null });
      await hear(shop, partialOf(orderNo));
      await shop.runTimer(orderNo);
      expect(await orderOf(orderNo)).toMatchObject({ state: 'pending', sequence: 0, flags: [] });
      expect(await kindsOf(orderNo)).toEqual(['query', 'incomplete']);
    });

    it('about a payment that is known says nothing new', async () => {
      const orderNo = await shop.sellPaid();
      expect(await hear(shop, partialOf(orderNo))).toEqual(['stale']);
      expect(await shop.timers(orderNo)).toEqual([]);
      expect(await hear(shop, partialOf(orderNo, { transactionId: 'T-OTHER' }))).toEqual(['incomplete']);
    });

    it('of an order that is not registered waits with it, and is asked about with its registration', async () => {
      shop = await Shop.open({ mode: 'registered', settings: { querySeconds: [] } });
      const order = shop.order();
      expect(await hear(shop, partialOf(order.orderNo))).toEqual(['parked']);
      const reply = await env.REGISTRY.getByName('registry').readChannel(shop.channel);
      if (!reply) throw new Error('the channel is gone');
      const registration = { amount: order.amount, description: null, expiresAt: null, metadata: {} };
      await (await shop.ledger(order.orderNo)).register({
        ...{ v: 1, orderNo: order.orderNo, eventId: `evt_${order.orderNo}`, dispatch: reply.dispatch },
        registration: { ...registration, registeredAt: Date.now() },
      });
      expect(await kindsOf(order.orderNo)).toEqual(expect.arrayContaining(['query', 'incomplete']));
    });
  });
});
