// A provider that fails at random, call by call, while a merchant asks again and again and the ledger asks by time. In
// the end, when it is well, there is one payment, one refund, one closing: there and here.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { call, type ProviderCall } from './api-world.ts';
import { down, forged, hanging, later, MINUTE_MS, Shop, shortenProviderWaits, startClock } from './order-world.ts';

const RUNS = 20;

beforeEach(() => {
  startClock();
  shortenProviderWaits();
});
afterEach(() => vi.restoreAllMocks());

/** `lost`: done, and the answer never arrives. `hung`: not done, and no answer. */
const FAULTS = ['fine', 'down', 'lost', 'hung', 'forged'] as const;
type Fault = (typeof FAULTS)[number];

/** Each call meets the next fault; when there are no more, the provider is well. */
const meeting = (faults: readonly Fault[]) => {
  let next = 0;
  return async (asked: ProviderCall, genuine: () => Promise<Response>): Promise<Response> => {
    switch (faults[next++] ?? 'fine') {
      case 'fine':
        return genuine();
      case 'down':
        return down();
      case 'lost':
        await genuine();
        return hanging(asked);
      case 'hung':
        return hanging(asked);
      case 'forged':
        return forged(await genuine());
    }
  };
};

/** What happens while the provider fails: the merchant asks, twice at once, or the ledger's question is due. */
const STEPS = ['ask', 'ask twice', 'timer'] as const;
const story = fc.record({
  faults: fc.array(fc.constantFrom(...FAULTS), { maxLength: 12 }),
  steps: fc.array(fc.constantFrom(...STEPS), { minLength: 1, maxLength: 4 }),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

async function live({ faults, steps }: Story, shop: Shop, ask: () => Promise<unknown>, timer: () => Promise<unknown>) {
  shop.play(meeting(faults));
  for (const step of steps) {
    if (step === 'timer') await timer();
    else await Promise.all(step === 'ask' ? [ask()] : [ask(), ask()]);
  }
  shop.play();
}

const runTimer = async (shop: Shop, orderNo: string) => {
  if ((await shop.timers(orderNo)).length > 0) await shop.runTimer(orderNo);
};

const check = (tell: (story: Story, shop: Shop) => Promise<void>) =>
  fc.assert(
    fc.asyncProperty(story, async (one) => tell(one, await Shop.open({ settings: { querySeconds: [] } }))),
    { numRuns: RUNS },
  );

describe('whatever fails at the provider', () => {
  it('a refund is one refund, and known here when it is known there', { timeout: 60_000 }, async () => {
    await check(async (one, shop) => {
      const orderNo = await shop.sellPaid();
      const input = { refundNo: 'R1', amount: { minor: 700, currency: 'CNY' } };
      const ask = () => shop.post(orderNo, 'refunds', input);
      await live(one, shop, ask, () => runTimer(shop, orderNo));
      const other = await shop.post(orderNo, 'refunds', { ...input, refundNo: 'R2' });
      const before = shop.book.get(orderNo)?.refunds ?? [];
      expect(before.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(1_000);
      const last = await ask();
      const refunds = shop.book.get(orderNo)?.refunds ?? [];
      const listed = [...((await shop.read(orderNo, '/refunds')).body.items ?? [])].map(({ refundNo, state }) => [
        String(refundNo),
        String(state),
      ]);
      expect(refunds).toHaveLength(1);
      expect(listed).toEqual([[refunds[0]?.outRefundNo, 'pending']]);
      // Whichever was first took the amount: the other is refused by name.
      expect([other.status, last.status]).toEqual(other.status === 201 ? [201, 409] : [409, last.status]);
    });
  });

  it('an order is asked for in the same words, and its code is the one that is kept', { timeout: 60_000 }, async () => {
    await check(async (one, shop) => {
      const input = shop.order({ pay: true });
      const ask = () => call('POST', '/v1/orders', input);
      await ask(); // registered
      await live(one, shop, ask, async () => later(MINUTE_MS));
      const reply = await ask();
      expect(reply.status).toBe(200);
      const view = await (await shop.ledger(input.orderNo)).readPayment(input.orderNo);
      expect(view?.request?.codeUrl).toBe(reply.body.payment?.codeUrl);
      expect(shop.book.all()).toHaveLength(1);
      const words = shop.calls.filter(({ url }) => url.endsWith('/native')).map(({ init }) => String(init.body));
      expect(new Set(words).size).toBeLessThanOrEqual(1);
    });
  });

  it('an order at its end is closed or paid, as the provider has it', { timeout: 60_000 }, async () => {
    await check(async (one, shop) => {
      const orderNo = await shop.sell();
      later(6 * MINUTE_MS);
      const isPaid = one.steps.length % 2 === 0;
      await live(
        one,
        shop,
        () => shop.post(orderNo, 'close'),
        async () => {
          if (isPaid && shop.book.get(orderNo)?.state === 'NOTPAY') shop.payUnnoticed(orderNo);
          await runTimer(shop, orderNo);
        },
      );
      // It is asked about until its end, and then closed.
      for (let i = 0; i < 20 && (await shop.timers(orderNo)).length > 0; i++) await runTimer(shop, orderNo);
      const { order, timeline } = (await shop.read(orderNo)).body;
      const there = shop.book.get(orderNo)?.state;
      expect(String(order?.state)).toBe(there === 'CLOSED' ? 'closed' : 'paid');
      expect([...(timeline ?? [])].filter(({ kind }) => String(kind) === 'fact')).toHaveLength(1);
      expect(await shop.timers(orderNo)).toEqual([]);
    });
  });
});
