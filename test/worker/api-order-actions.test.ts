// Asking about an order, closing it, letting what it holds go: what each route does, and refuses, and leaves behind.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ASKS_PER_SECOND_MAX } from '../../src/core/limits.ts';
import { newTransactionId } from '../../src/sandbox/orders.ts';
import { HMAC_KEY } from '../fixtures/adyen/objects.ts';
import { call, makeKey, makeOrigin } from './api-world.ts';
import { down, forged, hanging, later, MINUTE_MS, Shop, shortenProviderWaits, startClock } from './order-world.ts';

let shop: Shop;
const CLOSE_FROM_MS = 5 * MINUTE_MS + 1_000;

beforeEach(async () => {
  startClock();
  shop = await Shop.open();
});
afterEach(() => vi.restoreAllMocks());

const stateOf = async (orderNo: string) => (await shop.read(orderNo)).body.order?.state;
const types = async (orderNo: string) =>
  [...((await shop.read(orderNo)).body.timeline ?? [])]
    .filter(({ kind }) => String(kind) === 'fact')
    .map(({ type, source }) => `${type} ${source}`);

describe('asking the provider about an order', () => {
  it('records what it says as a callback would, with the bytes that said it', async () => {
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    const reply = await shop.post(orderNo, 'query');
    expect(reply.status).toBe(200);
    expect(reply.body).toMatchObject({
      order: { orderNo, state: 'paid', paid: { minor: 1_000, currency: 'CNY' }, sequence: 1, held: false },
      query: { found: true, providerState: 'SUCCESS' },
    });
    expect(await types(orderNo)).toEqual(['payment.succeeded query']);
    const fact = [...(reply.body.timeline ?? [])].find(({ kind }) => String(kind) === 'fact');
    expect(String(fact?.digest)).toMatch(/^[0-9a-f]{64}$/);
    const again = await shop.post(orderNo, 'query');
    expect(again.body.order).toEqual(reply.body.order);
  });

  it('says so when nobody has tried to pay, and when the provider has no such order', async () => {
    const waiting = await shop.sell();
    expect((await shop.post(waiting, 'query')).body).toMatchObject({
      order: { state: 'pending', sequence: 0 },
      query: { found: true, providerState: 'NOTPAY' },
    });
    const unknown = await shop.sell({ pay: false });
    expect((await shop.post(unknown, 'query')).body).toMatchObject({
      order: { state: 'pending', sequence: 0 },
      query: { found: false, providerState: null },
    });
  });

  it('takes in an order that only the provider knows, and answers 404 for one that nobody knows', async () => {
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    const other = await Shop.open();
    other.play((_, genuine) => genuine());
    const known = shop.book.get(orderNo);
    if (known) other.book.put(known);
    expect((await other.read(orderNo)).status).toBe(404);
    expect((await other.post(orderNo, 'query')).body.order).toMatchObject({ state: 'paid', amountChecked: false });
    expect((await other.post('NOBODYKNOWS', 'query')).status).toBe(404);
  });

  it('believes no probe, and says when no answer came', async () => {
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    shop.play(async (_, genuine) => forged(await genuine()));
    expect((await shop.post(orderNo, 'query')).body.code).toBe('provider_unavailable');
    expect(shop.asked()).toHaveLength(3);
    shop.play(down);
    expect((await shop.post(orderNo, 'query')).body.code).toBe('provider_unavailable');
    shortenProviderWaits();
    shop.play(hanging);
    const late = await shop.post(orderNo, 'query');
    expect([late.status, late.body.code]).toEqual([504, 'provider_timeout']);
    expect(await stateOf(orderNo)).toBe('pending');
  });

  it('is bounded per channel', async () => {
    const orderNo = await shop.sell();
    vi.spyOn(Date, 'now').mockReturnValue(Date.now());
    const replies = await Promise.all(
      Array.from({ length: ASKS_PER_SECOND_MAX + 2 }, () => shop.post(orderNo, 'query')),
    );
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(ASKS_PER_SECOND_MAX);
    expect(replies.filter(({ body }) => String(body.code) === 'rate_limited')).toHaveLength(2);
  });

  it('needs a channel whose provider answers, and a key that may', async () => {
    const credentials = { hmacKeys: [HMAC_KEY], merchantAccounts: ['TollgateTestECOM'] };
    const mute = await Shop.open({ provider: 'adyen', credentials });
    const orderNo = await mute.sell({ pay: false });
    const asked = await mute.post(orderNo, 'query');
    expect([asked.status, asked.body.code]).toEqual([422, 'query_not_supported']);
    const closing = await mute.post(orderNo, 'close');
    expect([closing.status, closing.body.code]).toEqual([422, 'close_not_supported']);
    const known = await shop.sell();
    expect((await shop.post(known, 'query', undefined, await makeKey('orders'))).status).toBe(200);
    expect((await shop.post(known, 'query', undefined, await makeKey('read'))).status).toBe(403);
    expect((await shop.post(known, 'close', undefined, await makeKey('orders'))).status).toBe(403);
  });
});

describe('closing an order', () => {
  it('asks before and after, and only then is the order closed', async () => {
    const orderNo = await shop.sell();
    const early = await shop.post(orderNo, 'close');
    expect([early.status, early.body.code]).toEqual([409, 'wrong_status']);
    expect(early.body.detail).toMatch(/Close it from \d{4}-/);
    later(CLOSE_FROM_MS);
    shop.calls.length = 0;
    const reply = await shop.post(orderNo, 'close');
    expect(reply.status).toBe(200);
    expect(reply.body.order).toMatchObject({ state: 'closed', providerState: 'CLOSED' });
    const named = `transactions/out-trade-no/${orderNo}`;
    expect(shop.asked()).toEqual([`GET ${named}`, `POST ${named}/close`, `GET ${named}`]);
    expect(shop.book.get(orderNo)?.state).toBe('CLOSED');
    expect(await types(orderNo)).toEqual(['payment.closed query']);
    shop.calls.length = 0;
    expect((await shop.post(orderNo, 'close')).status).toBe(200);
    expect(shop.asked()).toEqual([]);
  });

  it('comes no sooner than five minutes after its payment was asked for, however old the order is', async () => {
    const orderNo = await shop.sell({ pay: false });
    later(CLOSE_FROM_MS);
    const paying = await call('POST', '/v1/orders', shop.order({ orderNo, pay: true }));
    expect(paying.status).toBe(200);
    const early = await shop.post(orderNo, 'close');
    expect([early.status, early.body.code]).toEqual([409, 'wrong_status']);
    later(CLOSE_FROM_MS);
    expect((await shop.post(orderNo, 'close')).status).toBe(200);
  });

  it('finds a payment that nobody told of, and closes nothing', async () => {
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    later(CLOSE_FROM_MS);
    shop.calls.length = 0;
    const reply = await shop.post(orderNo, 'close');
    expect([reply.status, reply.body.code]).toEqual([409, 'order_paid']);
    expect(shop.asked()).toEqual([`GET transactions/out-trade-no/${orderNo}`]);
    expect(await stateOf(orderNo)).toBe('paid');
  });

  it('finds a payment that comes between the question and the closing', async () => {
    const orderNo = await shop.sell();
    later(CLOSE_FROM_MS);
    shop.play(({ url }, genuine) => {
      if (url.endsWith('/close')) shop.payUnnoticed(orderNo);
      return genuine();
    });
    expect((await shop.post(orderNo, 'close')).body.code).toBe('order_paid');
    expect(await stateOf(orderNo)).toBe('paid');
    expect(await types(orderNo)).toEqual(['payment.succeeded query']);
  });

  it('writes the fact down itself where the provider knows nothing of the order any more', async () => {
    const orderNo = await shop.sell({ pay: false });
    later(CLOSE_FROM_MS);
    const reply = await shop.post(orderNo, 'close');
    expect(reply.status).toBe(200);
    expect(reply.body.order).toMatchObject({ state: 'closed', providerState: 'unknown', payments: [] });
  });

  it('waits while somebody may still scan a code of which the provider has no order yet', async () => {
    const orderNo = await shop.sell();
    later(CLOSE_FROM_MS);
    shop.play(() => new Response('{"code":"ORDER_NOT_EXIST"}', { status: 404 }));
    const reply = await shop.post(orderNo, 'close');
    expect([reply.status, reply.body.code]).toEqual([409, 'wrong_status']);
    expect(await stateOf(orderNo)).toBe('pending');
    later(25 * MINUTE_MS);
    expect((await shop.post(orderNo, 'close')).status).toBe(200);
    expect(await stateOf(orderNo)).toBe('closed');
  });

  it.each([
    ['before', 0],
    ['at', 1],
    ['after', 2],
  ])('that is cut off %s the closing is not closed, and can be done again', async (_, place) => {
    const orderNo = await shop.sell();
    later(CLOSE_FROM_MS);
    let calls = 0;
    shop.play(async (_asked, genuine) => (calls++ === place ? down() : genuine()));
    const reply = await shop.post(orderNo, 'close');
    expect([reply.status, reply.body.code]).toEqual([502, 'provider_unavailable']);
    expect(await stateOf(orderNo)).toBe('pending');
    shop.play();
    expect((await shop.post(orderNo, 'close')).status).toBe(200);
    expect(await types(orderNo)).toEqual(['payment.closed query']);
  });

  it('leaves a payment that comes all the same to be seen: paid, and flagged', async () => {
    const orderNo = await shop.sell();
    later(CLOSE_FROM_MS);
    await shop.post(orderNo, 'close');
    const order = shop.book.get(orderNo);
    if (!order) throw new Error('the order is gone');
    shop.book.put({ ...order, state: 'SUCCESS', transactionId: newTransactionId(), paidAt: Date.now() });
    expect((await shop.post(orderNo, 'query')).body.order).toMatchObject({
      state: 'paid',
      flags: ['paid_after_close'],
    });
  });
});

describe('letting held events go', () => {
  /** An order whose events wait, because more was paid than it cost. */
  async function held(settings: object = {}): Promise<string> {
    shop = await Shop.open({ origins: [await makeOrigin()], settings: { hold: ['overpaid'], ...settings } });
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    const order = shop.book.get(orderNo);
    if (order) shop.book.put({ ...order, total: 1_200 });
    const { body } = await shop.post(orderNo, 'query');
    expect(body.order).toMatchObject({ flags: ['overpaid'], held: true });
    return orderNo;
  }
  const deliveries = async (orderNo: string) =>
    [...((await shop.read(orderNo)).body.deliveries ?? [])].map(({ state }) => String(state));
  const acts = async (orderNo: string) =>
    [...((await shop.read(orderNo)).body.timeline ?? [])]
      .filter(({ kind }) => String(kind) === 'act')
      .map(({ act, reason }) => `${act}: ${reason}`);
  /** Until the dispatcher has come by: then the delivery waits as held. */
  const settled = async (orderNo: string) => {
    const ledger = await shop.ledger(orderNo);
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(ledger);
      expect(await deliveries(orderNo)).toEqual(['held']);
    });
  };

  it('needs a reason, which stays with the order', async () => {
    const orderNo = await held();
    await settled(orderNo);
    expect((await shop.post(orderNo, 'release', {})).status).toBe(422);
    const reply = await shop.post(orderNo, 'release', { reason: 'asked the payer' });
    expect([reply.status, reply.body]).toEqual([200, { released: 1 }]);
    expect((await shop.read(orderNo)).body.order?.held).toBe(false);
    expect(await acts(orderNo)).toEqual(['queried: null', 'released: asked the payer']);
    const again = await shop.post(orderNo, 'release', { reason: 'asked the payer' });
    expect([again.status, again.body.code]).toEqual([409, 'wrong_status']);
  });

  it('or ending them is for who may operate, on an order that is there', async () => {
    const orderNo = await held();
    await settled(orderNo);
    const read = await makeKey('read', 'orders');
    expect((await shop.post(orderNo, 'release', { reason: 'mine' }, read)).status).toBe(403);
    const reply = await shop.post(orderNo, 'release', { reason: 'a mistake of ours', discard: true });
    expect([reply.status, reply.body]).toEqual([200, { released: 1 }]);
    expect(await deliveries(orderNo)).toEqual(['cancelled']);
    expect((await shop.post('NOBODYKNOWS', 'release', { reason: 'x' })).status).toBe(404);
  });

  it('takes two keys above the amount that the channel names', async () => {
    const orderNo = await held({ releaseConfirmAbove: { minor: 500, currency: 'CNY' } });
    await settled(orderNo);
    const [first, second] = [await makeKey('operate'), await makeKey('operate')];
    const noted = await shop.post(orderNo, 'release', { reason: 'fine' }, first);
    expect([noted.status, noted.body]).toEqual([202, { confirmation: 'needed' }]);
    const alone = await shop.post(orderNo, 'release', { reason: 'fine' }, first);
    expect([alone.status, alone.body.code]).toEqual([409, 'second_key_needed']);
    expect(await deliveries(orderNo)).toEqual(['held']);
    expect((await shop.post(orderNo, 'release', { reason: 'fine too' }, second)).body).toEqual({ released: 1 });
    expect(await acts(orderNo)).toEqual(['queried: null', 'release_asked: fine', 'released: fine too']);
  });
});
