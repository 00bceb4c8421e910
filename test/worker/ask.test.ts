// What the ledger has asked of providers by time, and one question to a provider's API: order of steps, faults, limits.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { callProvider } from '../../src/call-provider.ts';
import { callbackLogNameOf } from '../../src/core/arrival.ts';
import { ASKS_PER_SECOND_MAX, HINTS_PER_NOTICE_MAX } from '../../src/core/limits.ts';
import type { Timer } from '../../src/core/timer.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderRequest } from '../../src/providers/provider.ts';
import { askAll } from '../../src/receive/ask.ts';
import type { RefundStatus } from '../../src/sandbox/orders.ts';
import { call, makeChannel, type ProviderCall, unique } from './api-world.ts';
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

describe('asking', () => {
  const API_KEY = `live_${'x'.repeat(30)}`; // made up for tests; valid nowhere

  const payment = (id: string, orderNo: string, changes: object = {}) => ({
    resource: 'payment',
    id,
    mode: 'live',
    status: 'paid',
    amount: { value: '12.50', currency: 'EUR' },
    method: 'ideal',
    metadata: { order_id: orderNo },
    createdAt: '2026-01-01T10:00:00+00:00',
    paidAt: '2026-01-01T10:02:00+00:00',
    _embedded: { refunds: [], chargebacks: [] },
    ...changes,
  });

  const refund = (id: string, value: string, status = 'refunded') => ({
    id,
    status,
    amount: { value, currency: 'EUR' },
    createdAt: '2026-01-02T10:00:00+00:00',
  });

  /** The API behind fetch: what it knows by id, and what it was asked. */
  function playApi(known: Readonly<Record<string, object>>, status = 200): ProviderCall[] {
    const calls: ProviderCall[] = [];
    vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
      const url = input instanceof Request ? input.url : String(input);
      calls.push({ url, init });
      const id = new URL(url).pathname.split('/').at(-1) ?? '';
      if (status !== 200) return new Response('{}', { status });
      return Object.hasOwn(known, id) ? Response.json(known[id]) : new Response('{"status":404}', { status: 404 });
    });
    return calls;
  }

  const channelOf = (more: object = {}) =>
    makeChannel({ provider: 'mollie', credentials: { apiKey: API_KEY }, ...more });

  async function notify(channel: string, body: string): Promise<{ status: number; text: string }> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const url = `http://127.0.0.1:8787/callbacks/${channel}`;
    const response = await exports.default.fetch(new Request(url, { method: 'POST', body, headers }));
    return { status: response.status, text: await response.text() };
  }

  const orderOf = (channel: string, orderNo: string) => call('GET', `/v1/orders/${channel}/${orderNo}`);

  /** How many notices without an order the channel keeps whole. */
  async function keptOf(channel: string): Promise<number> {
    const record = await env.REGISTRY.getByName('registry').readChannel(channel);
    const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(record?.channel.uid ?? ''));
    return runInDurableObject(log, (_, { storage: { sql } }) => {
      if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'notices'").toArray().length === 0) return 0;
      return Number(sql.exec('SELECT count(*) AS count FROM notices').one().count);
    });
  }

  afterEach(() => {
    vi.useRealTimers();
  });

  describe('a notice that only names a payment', () => {
    it('makes the gateway ask, and the answer reaches the order with all that became of it', async () => {
      const channel = await channelOf();
      const calls = playApi({ tr_one: payment('tr_one', 'E1') });
      expect(await notify(channel, 'id=tr_one')).toEqual({ status: 200, text: '' });
      expect(calls.map(({ url }) => url)).toEqual([
        'https://api.mollie.com/v2/payments/tr_one?embed=refunds,chargebacks',
      ]);
      expect(new Headers(calls[0]?.init.headers).get('authorization')).toBe(`Bearer ${API_KEY}`);
      expect((await orderOf(channel, 'E1')).body).toMatchObject({
        order: { state: 'paid', paid: { minor: 1250, currency: 'EUR' } },
      });
      const refunds = [refund('re_1', '2.00'), refund('re_2', '3.00')];
      playApi({ tr_one: payment('tr_one', 'E1', { _embedded: { refunds, chargebacks: [] } }) });
      expect((await notify(channel, 'id=tr_one')).status).toBe(200);
      expect((await orderOf(channel, 'E1')).body).toMatchObject({
        order: { state: 'partially_refunded', refunded: { minor: 500, currency: 'EUR' } },
      });
      const before = (await orderOf(channel, 'E1')).body;
      expect((await notify(channel, 'id=tr_one')).status).toBe(200);
      expect((await orderOf(channel, 'E1')).body.order).toEqual(before.order);
    });

    it('is believed in nothing that it says itself', async () => {
      const channel = await channelOf();
      playApi({ tr_liar: payment('tr_liar', 'E2', { status: 'open', paidAt: null }) });
      expect((await notify(channel, 'id=tr_liar&status=paid&amount=12.50')).status).toBe(200);
      expect((await orderOf(channel, 'E2')).body).toMatchObject({ order: { state: 'pending' } });
    });

    it('about nothing that is known is answered alike, makes no order, and is counted and not kept', async () => {
      const channel = await channelOf();
      playApi({ tr_known: payment('tr_known', 'E3') });
      const known = await notify(channel, 'id=tr_known');
      expect(await notify(channel, 'id=tr_nobody')).toEqual(known);
      expect((await orderOf(channel, 'tr_nobody')).status).toBe(404);
      expect(await keptOf(channel)).toBe(0);
      // A payment that is known, in a state that nobody documents, is no stranger's word.
      playApi({ tr_odd: payment('tr_odd', 'E3', { status: 'dancing' }) });
      expect(await notify(channel, 'id=tr_odd')).toEqual(known);
      expect(await keptOf(channel)).toBe(1);
    });

    it('comes again while the API is away, or refuses the key', async () => {
      const channel = await channelOf();
      for (const status of [500, 429, 401]) {
        playApi({}, status);
        expect((await notify(channel, 'id=tr_later')).status).toBe(503);
      }
      playApi({ tr_later: payment('tr_later', 'E4') });
      expect((await notify(channel, 'id=tr_later')).status).toBe(200);
      expect((await orderOf(channel, 'E4')).body).toMatchObject({ order: { state: 'paid' } });
    });

    it('about a payment of the other environment changes nothing', async () => {
      const channel = await channelOf();
      playApi({ tr_test: payment('tr_test', 'E5', { mode: 'test' }) });
      expect((await notify(channel, 'id=tr_test')).status).toBe(503);
      expect((await orderOf(channel, 'E5')).status).toBe(404);
    });

    it('that names no payment asks nothing', async () => {
      const channel = await channelOf();
      const calls = playApi({});
      for (const body of ['id=tr_a/../../x', 'id=ord_1', '', `id=tr_${'a'.repeat(100)}`]) await notify(channel, body);
      expect(calls).toEqual([]);
    });
  });

  describe('strangers', () => {
    it('cannot make the gateway ask more often than its budget, and do not spend another channel’s', async () => {
      const [flooded, quiet] = [await channelOf(), await channelOf()];
      playApi({});
      // Both copies are read before time stops.
      await Promise.all([notify(flooded, 'id=ord_1'), notify(quiet, 'id=ord_1')]);
      vi.useFakeTimers({ toFake: ['Date'] });
      const calls = playApi({ tr_real: payment('tr_real', 'E6') });
      const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => notify(flooded, `id=tr_flood${i}`)));
      expect(calls).toHaveLength(ASKS_PER_SECOND_MAX);
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(ASKS_PER_SECOND_MAX);
      expect(answers.filter(({ status }) => status === 503)).toHaveLength(40 - ASKS_PER_SECOND_MAX);
      expect((await notify(quiet, 'id=tr_real')).status).toBe(200);
      expect((await notify(flooded, 'id=tr_real')).status).toBe(503);
      vi.setSystemTime(Date.now() + 1_000);
      expect((await notify(flooded, 'id=tr_real')).status).toBe(200);
      expect((await orderOf(flooded, 'E6')).body).toMatchObject({ order: { state: 'paid' } });
    });

    it('cannot name more things in one notice than a real one does', async () => {
      const channel = await channelOf({ id: unique('hints') });
      const record = await env.REGISTRY.getByName('registry').readChannel(channel);
      const provider = providerOf('mollie');
      if (!record || !provider) throw new Error('the channel was just made');
      const calls = playApi({});
      const targets = Array.from({ length: HINTS_PER_NOTICE_MAX + 1 }, (_, i) => ({ transactionId: `tr_${i}` }));
      const credentials = { apiKey: API_KEY, orderNoPath: 'metadata.order_id' };
      const asker = { env, provider, record, credentials, trace: 'a'.repeat(32) };
      const refused = await askAll(asker, targets);
      expect(refused).toMatchObject({ ok: false, error: { reason: 'malformed' } });
      expect(calls).toEqual([]);
      const asked = await askAll(asker, targets.slice(1));
      expect(asked.ok && asked.value.length).toBe(HINTS_PER_NOTICE_MAX);
    });
  });
});

describe('an answer that fails', () => {
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

  async function live(
    { faults, steps }: Story,
    shop: Shop,
    ask: () => Promise<unknown>,
    timer: () => Promise<unknown>,
  ) {
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

    it('an order is asked for in the same words, and its code is the one that is kept', {
      timeout: 60_000,
    }, async () => {
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
});

describe('the queue of questions', () => {
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
      shop.play((asked, genuine) =>
        isSend(asked) ? new Response('{"code":"NOT_ENOUGH"}', { status: 403 }) : genuine(),
      );
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
      const timer: Timer & { kind: 'refund' } = {
        dueAt: Date.now(),
        orderNo: 'NOBODYKNOWS',
        kind: 'refund',
        ref: 'R1',
      };
      await shop.carry({ v: 1, channel: shop.channel, timer });
      await shop.carry({ v: 1, channel: 'nowhere', timer });
      expect(shop.asked()).toEqual([]);
    });
  });
});

describe('a call to a provider', () => {
  const refund: ProviderRequest = {
    method: 'POST',
    url: 'https://api.mch.weixin.qq.com/secapi/pay/refund?a=1',
    headers: { 'content-type': 'text/xml' },
    body: '<xml/>',
    certificateBinding: 'MTLS_SHOP',
  };
  const live = { providerBase: null };

  /** A binding as `mtls_certificates` makes it: its fetch shows the certificate. Keeps what it was asked. */
  function bindingOf(answer = 'through the binding') {
    const asked: { url: string; method: string | undefined }[] = [];
    const fetcher = {
      asked,
      async fetch(this: unknown, url: URL, init?: RequestInit) {
        expect(this).toBe(fetcher);
        asked.push({ url: String(url), method: init?.method });
        return new Response(answer);
      },
    };
    return fetcher;
  }

  function globalFetch() {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: URL) => {
      asked.push(String(url));
      return new Response('through the open');
    });
    return asked;
  }

  const textOf = (body: Uint8Array) => new TextDecoder().decode(body);

  afterEach(() => vi.unstubAllGlobals());

  it('calls through the binding that the request names, and only through it', async () => {
    const inTheOpen = globalFetch();
    const binding = bindingOf();
    const answer = await callProvider(refund, live, { MTLS_SHOP: binding });
    expect(answer.ok && textOf(answer.value.body)).toBe('through the binding');
    expect(binding.asked).toEqual([{ url: refund.url, method: 'POST' }]);
    expect(inTheOpen).toEqual([]);
  });

  it('calls in the open where no certificate is wanted', async () => {
    const inTheOpen = globalFetch();
    const { certificateBinding: _, ...plain } = refund;
    const answer = await callProvider(plain, live, { MTLS_SHOP: bindingOf() });
    expect(answer.ok && textOf(answer.value.body)).toBe('through the open');
    expect(inTheOpen).toEqual([refund.url]);
  });

  it('sends nothing and says what to run where the binding is missing', async () => {
    const inTheOpen = globalFetch();
    const answer = await callProvider(refund, live);
    expect(answer).toMatchObject({ ok: false, error: { code: 'no_certificate' } });
    const detail = answer.ok ? '' : answer.error.detail;
    expect(detail).toContain('npx wrangler mtls-certificate upload --cert apiclient_cert.pem --key apiclient_key.pem');
    expect(detail).toContain('[[mtls_certificates]] binding = "MTLS_SHOP"');
    expect(inTheOpen).toEqual([]);
  });

  it('takes no other binding for a certificate, whatever a channel names', async () => {
    const other = bindingOf();
    for (const name of ['LEDGER', 'ASSETS', 'mtls_shop', 'MTLS_', '__proto__', 'constructor']) {
      const answer = await callProvider({ ...refund, certificateBinding: name }, live, {
        LEDGER: other,
        ASSETS: other,
      });
      expect(answer).toMatchObject({ ok: false, error: { code: 'no_certificate' } });
    }
    expect(await callProvider(refund, live, { MTLS_SHOP: 'text' })).toMatchObject({
      error: { code: 'no_certificate' },
    });
    expect(other.asked).toEqual([]);
  });

  it.each([
    'http://api.pay.example/x',
    'https://10.0.0.7/x',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::ffff:127.0.0.1]/x',
    'https://localhost/x',
    'https://metadata.google.internal/x',
    'https://10.0.0.1.nip.io/x',
  ])('calls no %s, whoever wrote that address down', async (url) => {
    const inTheOpen = globalFetch();
    const { certificateBinding: _, ...plain } = refund;
    const answer = await callProvider({ ...plain, url }, live);
    expect(answer).toMatchObject({ ok: false, error: { code: 'no_public_address' } });
    expect(inTheOpen).toEqual([]);
  });

  it('needs no certificate in a local run, where the base is the sandbox', async () => {
    const inTheOpen = globalFetch();
    const answer = await callProvider(refund, { providerBase: 'http://127.0.0.1:8788' });
    expect(answer.ok).toBe(true);
    expect(inTheOpen).toEqual(['http://127.0.0.1:8788/secapi/pay/refund?a=1']);
  });
});
