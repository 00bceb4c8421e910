// What the ledger has asked by time: orders at their end, refunds on their way. Each may be cut off anywhere and come
// twice, and ends in what the provider says or with a person.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Timer } from '../../src/core/record.ts';
import type { RefundStatus } from '../../src/sandbox/orders.ts';
import { call, type ProviderCall } from './api-world.ts';
import {
  down,
  forged,
  HOUR_MS,
  hanging,
  later,
  MINUTE_MS,
  Shop,
  shortenProviderWaits,
  startClock,
} from './order-world.ts';

let shop: Shop;
let queue: ReturnType<typeof startClock>;

beforeEach(async () => {
  queue = startClock();
  shop = await Shop.open({ settings: { querySeconds: [] } }); // questions on the way there: order-query.test.ts
});
afterEach(() => vi.restoreAllMocks());

const stateOf = async (orderNo: string) => (await shop.read(orderNo)).body.order?.state;
const factsOf = async (orderNo: string) =>
  [...((await shop.read(orderNo)).body.timeline ?? [])]
    .filter(({ kind }) => String(kind) === 'fact')
    .map(({ type, source }) => `${type} ${source}`);
/** In how many minutes the order is asked about next; null when never. */
const dueInMinutes = async (orderNo: string) => {
  const [timer] = await shop.timers(orderNo);
  return timer === undefined ? null : Math.round((timer.dueAt - Date.now()) / MINUTE_MS);
};

/** What the provider knows of the order. */
function bookOrder(orderNo: string) {
  const order = shop.book.get(orderNo);
  if (!order) throw new Error(`${orderNo} is not known to the provider`);
  return order;
}

describe('an order at its end', () => {
  it('is closed by the ledger’s own word, over the queue', async () => {
    queue.back();
    const orderNo = await shop.sell();
    expect(await dueInMinutes(orderNo)).toBe(30);
    later(30 * MINUTE_MS + 1_000);
    const ledger = await shop.ledger(orderNo);
    await vi.waitFor(
      async () => {
        await runDurableObjectAlarm(ledger);
        expect(await stateOf(orderNo)).toBe('closed');
        expect(await shop.timers(orderNo)).toEqual([]);
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(await factsOf(orderNo)).toEqual(['payment.closed query']);
    expect(shop.book.get(orderNo)?.state).toBe('CLOSED');
  });

  it('that was paid is found to be paid, and nothing is closed', async () => {
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    shop.calls.length = 0;
    await shop.runTimer(orderNo);
    expect(await stateOf(orderNo)).toBe('paid');
    expect(shop.asked()).toEqual([`GET transactions/out-trade-no/${orderNo}`]);
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('is left alone where the merchant does not want it closed', async () => {
    const orderNo = await shop.sell({ closeOnExpiry: false });
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('is not closed within five minutes of its making, however soon it ends', async () => {
    const orderNo = await shop.sell({ expiresAt: new Date(Date.now() + 2 * MINUTE_MS).toISOString() });
    expect(await dueInMinutes(orderNo)).toBe(5);
  });

  it('is asked about again, ever more slowly, and a person is told after the third time', async () => {
    const orderNo = await shop.sell();
    shop.play(down);
    const waits: (number | null)[] = [];
    const alarms: number[] = [];
    for (let i = 0; i < 5; i++) {
      await shop.runTimer(orderNo);
      waits.push(await dueInMinutes(orderNo));
      alarms.push((await shop.alarms(orderNo)).length);
    }
    expect(waits).toEqual([1, 5, 15, 60, 360]);
    expect(alarms).toEqual([0, 0, 1, 1, 1]);
    expect(await shop.alarms(orderNo)).toEqual(['close_failed']);
    shop.play();
    await shop.runTimer(orderNo);
    expect(await stateOf(orderNo)).toBe('closed');
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('is given up after a month, and stays with the person who was told', async () => {
    const orderNo = await shop.sell();
    shop.play(down);
    later(32 * 24 * HOUR_MS);
    await shop.runTimer(orderNo);
    expect(await shop.timers(orderNo)).toEqual([]);
    expect(await shop.alarms(orderNo)).toEqual(['close_failed']);
  });

  it.each([0, 1, 2])('may be cut off at question %i, and is taken up where it stood', async (place) => {
    const orderNo = await shop.sell();
    let calls = 0;
    shop.play((_, genuine) => (calls++ === place ? down() : genuine()));
    await shop.runTimer(orderNo);
    expect(await stateOf(orderNo)).toBe('pending');
    await shop.runTimer(orderNo);
    expect(await factsOf(orderNo)).toEqual(['payment.closed query']);
  });

  it('that is asked about twice at once is closed once', async () => {
    const orderNo = await shop.sell();
    const [timer] = await shop.timers(orderNo);
    if (timer?.kind !== 'expire') throw new Error('nothing is due');
    later(31 * MINUTE_MS);
    const message = { v: 1, channel: shop.channel, timer: { ...timer, kind: timer.kind } } as const;
    await Promise.all([shop.carry(message), shop.carry(message)]);
    await shop.carry(message);
    expect(await factsOf(orderNo)).toEqual(['payment.closed query']);
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('is believed closed by no probe', async () => {
    const orderNo = await shop.sell();
    shop.book.put({ ...bookOrder(orderNo), state: 'CLOSED' });
    shop.play(async (_, genuine) => forged(await genuine()));
    await shop.runTimer(orderNo);
    expect(new Set(shop.asked())).toEqual(new Set([`GET transactions/out-trade-no/${orderNo}`]));
    expect(shop.asked()).toHaveLength(3);
    expect([await stateOf(orderNo), await dueInMinutes(orderNo)]).toEqual(['pending', 1]);
  });
});

describe('a refund on its way', () => {
  const refund = { refundNo: 'R1', amount: { minor: 300, currency: 'CNY' } };
  const isSend = ({ url, init }: ProviderCall) => init.method === 'POST' && url.endsWith('/refund/domestic/refunds');
  const refundOf = async (orderNo: string) => [...((await shop.read(orderNo, '/refunds')).body.items ?? [])][0];
  const becomes = (orderNo: string, status: RefundStatus) => {
    const order = bookOrder(orderNo);
    const refunds = order.refunds.map((one) => ({ ...one, status, succeededAt: Date.now() }));
    shop.book.put({ ...order, refunds });
  };

  it('is asked about until it is over, though no notice of it ever comes', async () => {
    const orderNo = await shop.sellPaid();
    await shop.post(orderNo, 'refunds', refund);
    expect(await dueInMinutes(orderNo)).toBe(10);
    const waits: (number | null)[] = [];
    for (let i = 0; i < 4; i++) {
      await shop.runTimer(orderNo);
      waits.push(await dueInMinutes(orderNo));
    }
    expect(waits).toEqual([60, 360, 1_440, 1_440]);
    becomes(orderNo, 'SUCCESS');
    await shop.runTimer(orderNo);
    expect((await shop.read(orderNo)).body.order).toMatchObject({
      state: 'partially_refunded',
      refunded: refund.amount,
    });
    expect(await shop.timers(orderNo)).toEqual([]);
    expect(await shop.alarms(orderNo)).toEqual([]);
  });

  it('that was set aside and never sent is sent, once', async () => {
    const orderNo = await shop.sellPaid();
    const request = { ...refund, v: 1, orderNo, reason: null, transactionId: null } as const;
    const actor = { key: 'admin', reason: null };
    await (await shop.ledger(orderNo)).reserveRefund({ ...request, actor, askAgainAt: Date.now() + 10 * MINUTE_MS });
    await shop.runTimer(orderNo);
    expect(shop.asked()).toEqual(['GET domestic/refunds/R1', 'POST domestic/refunds']);
    expect((await refundOf(orderNo))?.state).toBe('pending');
    await shop.runTimer(orderNo);
    expect(shop.book.get(orderNo)?.refunds).toHaveLength(1);
  });

  it('that was taken unheard is found, and not sent again', async () => {
    shortenProviderWaits();
    const orderNo = await shop.sellPaid();
    shop.play(async (asked, genuine) => {
      if (isSend(asked)) await genuine();
      return hanging(asked);
    });
    expect((await shop.post(orderNo, 'refunds', refund)).status).toBe(202);
    expect(shop.book.get(orderNo)?.refunds).toHaveLength(1);
    shop.play();
    await shop.runTimer(orderNo);
    expect(shop.asked()).toEqual(['GET domestic/refunds/R1']);
    expect((await refundOf(orderNo))?.state).toBe('pending');
  });

  it('that the provider refuses for good is free again, and a person is told', async () => {
    const orderNo = await shop.sellPaid();
    shop.play(down);
    await shop.post(orderNo, 'refunds', refund);
    shop.play((asked, genuine) => (isSend(asked) ? new Response('{"code":"NOT_ENOUGH"}', { status: 403 }) : genuine()));
    await shop.runTimer(orderNo);
    expect(await refundOf(orderNo)).toBeUndefined();
    expect(await shop.alarms(orderNo)).toEqual(['refund_refused']);
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('of which nobody hears for long is a person’s business, and stays set aside', async () => {
    const orderNo = await shop.sellPaid();
    shop.play(down);
    await shop.post(orderNo, 'refunds', refund);
    for (let i = 0; i < 3; i++) await shop.runTimer(orderNo);
    expect(await shop.alarms(orderNo)).toEqual(['refund_needs_attention']);
    expect((await refundOf(orderNo))?.state).toBe('requested');
  });

  it('that is stuck at the provider is asked about further, and may succeed', async () => {
    const orderNo = await shop.sellPaid();
    await shop.post(orderNo, 'refunds', refund);
    becomes(orderNo, 'ABNORMAL');
    await shop.runTimer(orderNo);
    expect((await refundOf(orderNo))?.state).toBe('needs_attention');
    becomes(orderNo, 'SUCCESS');
    await shop.runTimer(orderNo);
    expect((await refundOf(orderNo))?.state).toBe('succeeded');
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('that was closed is failed, and what it held may be given back under another number', async () => {
    const orderNo = await shop.sellPaid();
    await shop.post(orderNo, 'refunds', { ...refund, amount: { minor: 1_000, currency: 'CNY' } });
    becomes(orderNo, 'CLOSED');
    await shop.runTimer(orderNo);
    expect((await refundOf(orderNo))?.state).toBe('failed');
    const same = await shop.post(orderNo, 'refunds', { ...refund, amount: { minor: 1_000, currency: 'CNY' } });
    expect([same.status, same.body.code]).toEqual([409, 'refund_conflict']);
    expect((await shop.post(orderNo, 'refunds', { ...refund, refundNo: 'R2' })).status).toBe(201);
  });
});

describe('a question of the queue', () => {
  it('about a channel that is disabled asks nobody, and waits', async () => {
    const orderNo = await shop.sell();
    await call('POST', `/v1/channels/${shop.channel}/pause`);
    await call('POST', `/v1/channels/${shop.channel}/disable`);
    later(MINUTE_MS);
    shop.calls.length = 0;
    await shop.runTimer(orderNo);
    expect(shop.asked()).toEqual([]);
    expect(await dueInMinutes(orderNo)).toBe(1);
  });

  it('about nothing that is known is acknowledged and forgotten', async () => {
    const timer: Timer & { kind: 'refund' } = { dueAt: Date.now(), orderNo: 'NOBODYKNOWS', kind: 'refund', ref: 'R1' };
    await shop.carry({ v: 1, channel: shop.channel, timer });
    await shop.carry({ v: 1, channel: 'nowhere', timer });
    expect(shop.asked()).toEqual([]);
  });
});
