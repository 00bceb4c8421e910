// Genuine notices that lack a field: acknowledged and kept, completed by asking, told once and whole; flagged only when
// nobody could say the rest in time.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PaymentFact } from '../../src/core/event.ts';
import { hear } from './incomplete-world.ts';
import { down, later, MINUTE_MS, Shop, startClock } from './order-world.ts';

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
