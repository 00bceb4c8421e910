// Asking for a payment over an order's life: its end, its repeats, and a provider that may or may not have done it.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, type Reply } from './api-world.ts';
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

beforeEach(async () => {
  startClock();
  shop = await Shop.open();
});
afterEach(() => vi.restoreAllMocks());

const ask = (input: object): Promise<Reply> => call('POST', '/v1/orders', input);
const paying = (more: object = {}) => shop.order({ pay: true, ...more });
const isCreate = (url: string) => url.endsWith('/native');
const bodies = () => shop.calls.filter(({ url }) => isCreate(url)).map(({ init }) => String(init.body));

describe('the end of an order whose payment is asked for', () => {
  it('is half an hour off, said to the provider and shown, unless the merchant chose one', async () => {
    const reply = await ask(paying());
    const expiresAt = Date.parse(String(reply.body.order?.expiresAt));
    expect(Math.abs(expiresAt - Date.now() - 30 * MINUTE_MS)).toBeLessThan(MINUTE_MS);
    const { time_expire } = JSON.parse(bodies()[0] ?? '{}');
    expect(Math.abs(Date.parse(time_expire) - expiresAt)).toBeLessThan(1_000);
    expect(reply.body.payment?.codeExpiresAt).toBe(new Date(expiresAt).toISOString());
  });

  it('leaves a code that has run out to be asked for again in the same words', async () => {
    const input = paying({ expiresAt: new Date(Date.now() + 5 * HOUR_MS).toISOString() });
    const first = await ask(input);
    expect(Date.parse(String(first.body.payment?.codeExpiresAt))).toBeLessThan(Date.now() + 2 * HOUR_MS + MINUTE_MS);
    later(HOUR_MS);
    expect((await ask(input)).body.payment).toEqual(first.body.payment);
    later(HOUR_MS + MINUTE_MS);
    const fresh = await ask(input);
    expect(fresh.status).toBe(200);
    expect(fresh.body.payment?.codeUrl).not.toBe(first.body.payment?.codeUrl);
    expect(Date.parse(String(fresh.body.payment?.codeExpiresAt))).toBeGreaterThan(Date.now());
    expect(bodies()).toEqual([bodies()[0], bodies()[0]]);
  });

  it('says the same words again when the merchant chose none', async () => {
    const input = paying();
    shop.play(({ url }, genuine) => (isCreate(url) ? new Response('', { status: 302 }) : genuine()));
    expect((await ask(input)).status).toBe(502);
    const [asked] = bodies();
    shop.play();
    later(MINUTE_MS);
    expect((await ask(input)).status).toBe(200);
    expect(bodies()).toEqual([asked]);
  });

  it('is the end: afterwards no code is given, nor for an order that is closed', async () => {
    const [expired, closed] = [paying(), paying()];
    await ask(expired);
    await ask(closed);
    later(6 * MINUTE_MS);
    expect((await shop.post(closed.orderNo, 'close')).status).toBe(200);
    const refused = await ask(closed);
    expect([refused.status, refused.body.code]).toEqual([409, 'order_closed']);
    later(25 * MINUTE_MS);
    shop.calls.length = 0;
    const late = await ask(expired);
    expect([late.status, late.body.code]).toEqual([409, 'order_expired']);
    expect(shop.calls).toEqual([]);
  });
});

describe('a provider that has done more than we know', () => {
  it('says that the order is paid: the payment is recorded, and no code is shown', async () => {
    const input = paying({ expiresAt: new Date(Date.now() + 5 * HOUR_MS).toISOString() });
    await ask(input);
    shop.payUnnoticed(input.orderNo);
    later(2 * HOUR_MS + MINUTE_MS);
    const reply = await ask(input);
    expect([reply.status, reply.body.code]).toEqual([409, 'order_paid']);
    expect((await shop.read(input.orderNo)).body).toMatchObject({ order: { state: 'paid', paid: { minor: 1_000 } } });
    const again = await ask(input);
    expect([again.status, again.body.payment]).toEqual([200, null]);
  });

  it('did not answer in time: it is asked what it knows, and then once more', async () => {
    shortenProviderWaits();
    let creates = 0;
    shop.play(async (asked, genuine) => {
      if (!isCreate(asked.url)) return genuine();
      creates += 1;
      if (creates > 1) return genuine();
      await genuine(); // done, and nobody hears of it
      return hanging(asked);
    });
    const input = paying();
    const reply = await ask(input);
    expect(reply.status).toBe(201);
    expect(reply.body.payment?.codeUrl).toMatch(/^weixin:/);
    expect(shop.asked()).toEqual([
      'POST transactions/native',
      `GET transactions/out-trade-no/${input.orderNo}`,
      'POST transactions/native',
    ]);
    expect(bodies()[1]).toBe(bodies()[0]);
  });

  it('was down, and is down: nothing is asked a second time, and the merchant’s repeat asks first', async () => {
    shop.play(down);
    const input = paying();
    expect((await ask(input)).body.code).toBe('provider_unavailable');
    expect(shop.asked()).toEqual(['POST transactions/native', `GET transactions/out-trade-no/${input.orderNo}`]);
    shop.play(down);
    expect((await ask(input)).body.code).toBe('provider_unavailable');
    expect(shop.asked()).toEqual([`GET transactions/out-trade-no/${input.orderNo}`]);
    shop.play();
    expect((await ask(input)).body.payment?.codeUrl).toMatch(/^weixin:/);
    expect(shop.asked()).toEqual([`GET transactions/out-trade-no/${input.orderNo}`, 'POST transactions/native']);
  });

  it('took the request and was paid meanwhile: that is found, and no second request is made', async () => {
    shortenProviderWaits();
    const input = paying();
    shop.play(async (asked, genuine) => {
      const answer = await genuine();
      if (!isCreate(asked.url)) return answer;
      shop.payUnnoticed(input.orderNo);
      return hanging(asked);
    });
    const reply = await ask(input);
    expect([reply.status, reply.body.code]).toEqual([409, 'order_paid']);
    expect(bodies()).toHaveLength(1);
    expect((await shop.read(input.orderNo)).body.order?.state).toBe('paid');
  });

  it('sends probes instead of answers: they are not believed, and the same is asked twice more', async () => {
    let answers = 0;
    shop.play(async ({ url }, genuine) => {
      const answer = await genuine();
      if (!isCreate(url)) return answer;
      answers += 1;
      return answers < 3 ? forged(answer) : answer;
    });
    const reply = await ask(paying());
    expect(reply.body.payment?.codeUrl).toMatch(/^weixin:/);
    expect(new Set(bodies()).size).toBe(1);
    expect(bodies()).toHaveLength(3);
  });
});

describe('the same request at the same time', () => {
  it('ends with one code, shown to both and kept', async () => {
    const input = paying();
    const replies = await Promise.all([ask(input), ask(input), ask(input)]);
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 200, 201]);
    const codes = new Set(replies.map(({ body }) => String(body.payment?.codeUrl)));
    expect(codes.size).toBe(1);
    const view = await (await shop.ledger(input.orderNo)).readPayment(input.orderNo);
    expect([...codes]).toEqual([view?.request?.codeUrl]);
  });
});
