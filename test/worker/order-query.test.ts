// Orders that nobody tells of are asked about by the clock. Messages may be lost, doubled or cut off anywhere, and the
// provider may be away: the payment is found, once, and nobody is asked more often than the channel says.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AskMessage, Timer } from '../../src/core/timer.ts';
import { OrderLedger } from '../../src/objects/order-ledger.ts';
import { poke } from '../../src/reconcile/poke.ts';
import { call, makeKey } from './api-world.ts';
import { config } from './ledger-kit.ts';
import { readOpenMetrics } from './open-metrics.ts';
import { down, forged, HOUR_MS, later, MINUTE_MS, Shop, startClock } from './order-world.ts';

let shop: Shop;
let queue: ReturnType<typeof startClock>;

beforeEach(async () => {
  queue = startClock();
  shop = await Shop.open();
});
afterEach(() => vi.restoreAllMocks());

const stateOf = async (orderNo: string) => (await shop.read(orderNo)).body.order?.state;
const factsOf = async (orderNo: string) =>
  [...((await shop.read(orderNo)).body.timeline ?? [])]
    .filter(({ kind }) => String(kind) === 'fact')
    .map(({ type, source }) => `${type} ${source}`);
const dueOf = async (orderNo: string) =>
  (await shop.timers(orderNo)).map(({ kind, dueAt }) => `${kind} ${Math.round((dueAt - Date.now()) / MINUTE_MS)}`);
async function messageOf(orderNo: string): Promise<AskMessage> {
  const [timer] = await shop.timers(orderNo);
  if (timer?.kind !== 'query') throw new Error('no question is due');
  later(Math.max(0, timer.dueAt - Date.now()));
  return { v: 1, channel: shop.channel, timer: { ...timer, kind: timer.kind } };
}
/** Lets the shard's own alarm run, at this time. */
const wake = async (orderNo: string) => runDurableObjectAlarm(await shop.ledger(orderNo));

describe('an order whose callback never comes', () => {
  it('is found to be paid by the ledger’s own word, over the queue', async () => {
    queue.back();
    const orderNo = await shop.sell();
    expect(await dueOf(orderNo)).toEqual(['query 1']);
    shop.payUnnoticed(orderNo);
    later(MINUTE_MS + 1_000);
    await vi.waitFor(
      async () => {
        await wake(orderNo);
        expect(await stateOf(orderNo)).toBe('paid');
        expect(await shop.timers(orderNo)).toEqual([]);
      },
      { timeout: 10_000, interval: 50 },
    );
    expect(await factsOf(orderNo)).toEqual(['payment.succeeded query']);
  });

  it('is asked about ever more slowly, by one timer, until its end takes over', async () => {
    const orderNo = await shop.sell();
    const due: string[][] = [];
    for (let i = 0; i < 5; i++) {
      await shop.carry(await messageOf(orderNo));
      due.push(await dueOf(orderNo));
    }
    expect(due).toEqual([['query 1'], ['query 3'], ['query 5'], ['query 10'], ['expire 10']]);
    expect(new Set(shop.asked())).toEqual(
      new Set([`GET transactions/out-trade-no/${orderNo}`, 'POST transactions/native']),
    );
    await shop.runTimer(orderNo);
    expect(await stateOf(orderNo)).toBe('closed');
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('and that was registered without a payment is asked about from the fifth minute', async () => {
    const orderNo = await shop.sell({ pay: undefined });
    expect(await dueOf(orderNo)).toEqual(['query 5']);
    await shop.carry(await messageOf(orderNo));
    expect(await dueOf(orderNo)).toEqual(['query 5']);
    later(24 * HOUR_MS);
    await shop.carry(await messageOf(orderNo));
    expect(await shop.timers(orderNo)).toEqual([]);
  });

  it('and whose payment is asked for later is asked about from then on, by one chain of questions', async () => {
    const orderNo = await shop.sell({ pay: undefined });
    later(3 * MINUTE_MS);
    await call('POST', '/v1/orders', shop.order({ orderNo, pay: true }));
    expect(await dueOf(orderNo)).toEqual(['query 1', 'query 2']);
    for (let i = 0; i < 3; i++) await shop.carry(await messageOf(orderNo)); // a moment lies between the two chains
    expect(await dueOf(orderNo)).toEqual(['query 3']);
  });
});

describe('an order that is paid in time', () => {
  it('writes its one timer and drops it, and nobody is asked', async () => {
    const send = vi.mocked(env.ASK.sendBatch);
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    await shop.post(orderNo, 'query');
    expect(await shop.timers(orderNo)).toHaveLength(1);
    later(MINUTE_MS + 1_000);
    await wake(orderNo);
    expect(await shop.timers(orderNo)).toEqual([]);
    expect(send.mock.calls.flatMap(([messages]) => [...messages])).toEqual([]);
  });

  it('changes its order no more when the question comes late', async () => {
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    const message = await messageOf(orderNo);
    await shop.carry(message);
    const { version } = (await (await shop.ledger(orderNo)).readOrder(orderNo))?.order ?? {};
    await Promise.all([shop.carry(message), shop.carry(message)]);
    expect((await (await shop.ledger(orderNo)).readOrder(orderNo))?.order.version).toBe(version);
    expect([await factsOf(orderNo), await shop.timers(orderNo)]).toEqual([['payment.succeeded query'], []]);
  });
});

describe('a question', () => {
  it('that comes twice sets one timer', async () => {
    const orderNo = await shop.sell();
    const message = await messageOf(orderNo);
    await Promise.all([shop.carry(message), shop.carry(message)]);
    await shop.carry(message);
    expect(await dueOf(orderNo)).toEqual(['query 1']);
  });

  it('that is killed between its answer and its end is asked again, and counted once', async () => {
    const orderNo = await shop.sell();
    shop.payUnnoticed(orderNo);
    const message = await messageOf(orderNo);
    vi.spyOn(OrderLedger.prototype, 'finishTimer').mockImplementationOnce(died);
    await shop.carry(message);
    expect([await stateOf(orderNo), await shop.timers(orderNo)]).toEqual(['paid', [message.timer]]);
    await shop.carry(message);
    expect([await factsOf(orderNo), await shop.timers(orderNo)]).toEqual([['payment.succeeded query'], []]);
  });

  it('that nobody comes back from is sent again after its lease, and not before', async () => {
    const send = vi.mocked(env.ASK.sendBatch);
    const orderNo = await shop.sell();
    later(MINUTE_MS + 1_000);
    const sent = async () => {
      await wake(orderNo);
      return send.mock.calls.flatMap(([messages]) => [...messages]).length;
    };
    expect(await sent()).toBe(1);
    later(MINUTE_MS);
    expect(await sent()).toBe(1);
    later(MINUTE_MS + 1_000);
    expect(await sent()).toBe(2);
  });

  it('of a provider that is down comes again within minutes, however slow its schedule is by then', async () => {
    const orderNo = await shop.sell({ expiresAt: new Date(Date.now() + 12 * HOUR_MS).toISOString() });
    later(5 * HOUR_MS + 60_000);
    shop.play(down);
    await shop.carry(await messageOf(orderNo));
    const [due] = await dueOf(orderNo);
    expect(['query 5', 'query 6']).toContain(due);
    shop.play();
    shop.payUnnoticed(orderNo);
    await shop.carry(await messageOf(orderNo));
    expect([await stateOf(orderNo), await shop.timers(orderNo)]).toEqual(['paid', []]);
    expect(await shop.alarms(orderNo)).toEqual([]);
  });

  it('of a channel that was disabled asks nobody, and keeps its place', async () => {
    const orderNo = await shop.sell();
    await call('POST', `/v1/channels/${shop.channel}/pause`);
    await call('POST', `/v1/channels/${shop.channel}/disable`);
    later(11_000);
    shop.calls.length = 0;
    await shop.carry(await messageOf(orderNo));
    expect([shop.asked(), await dueOf(orderNo)]).toEqual([[], ['query 1']]);
  });

  it('of a channel that cannot be asked ends quietly, and its orders still end', async () => {
    const credentials = { secrets: ['a-secret-of-our-own-making-2026'] };
    const other = await Shop.open({ provider: 'tokenim', credentials });
    const orderNo = await other.sell({ pay: undefined });
    await other.runTimer(orderNo);
    expect([other.asked(), await other.timers(orderNo)]).toEqual([[], []]);
  });
});

const died = () => {
  throw new Error('killed');
};

describe('an order that waits for its registration', () => {
  const parkedOrder = async () => {
    const orderNo = await shop.sell({ closeOnExpiry: false }); // the provider knows it; the other channel does not
    shop.payUnnoticed(orderNo);
    const other = await Shop.open({ mode: 'registered' });
    other.play(undefined, shop.book);
    const told = {
      ...({ kind: 'payment', status: 'pending', orderNo, transactionId: null, amount: null } as const),
      ...{ occurredAt: Date.now(), providerState: 'NOTPAY', test: false },
    };
    const dispatch = await env.REGISTRY.getByName('registry').readChannel(other.channel);
    if (!dispatch) throw new Error('the channel is gone');
    const fact = { eventId: `evt_${orderNo}`, event: told, source: 'callback', receivedAt: Date.now(), evidence: null };
    await (await other.ledger(orderNo)).record({
      v: 1,
      facts: [{ ...fact, source: 'callback' }],
      dispatch: dispatch.dispatch,
    });
    return { orderNo, other };
  };

  it('is asked about at once, and what is heard waits with it', async () => {
    const { orderNo, other } = await parkedOrder();
    expect((await other.timers(orderNo)).map(({ kind }) => kind)).toEqual(['query', 'park']);
    await other.runTimer(orderNo);
    expect((await other.timers(orderNo)).map(({ kind }) => kind)).toEqual(['park']);
    expect((await other.read(orderNo)).body.order).toMatchObject({ state: 'parked', sequence: 0 });
    await call('POST', '/v1/orders', other.order({ orderNo }));
    expect((await other.read(orderNo)).body.order).toMatchObject({ state: 'paid' });
  });
});

describe('a refund that the provider tells of itself', () => {
  it('is followed until it is over', async () => {
    const orderNo = await shop.sellPaid();
    const order = shop.book.get(orderNo);
    if (!order) throw new Error('the provider forgot it');
    const { dispatch } = (await env.REGISTRY.getByName('registry').readChannel(shop.channel)) ?? {};
    if (!dispatch) throw new Error('the channel is gone');
    const event = {
      ...({ kind: 'refund', state: 'pending', orderNo, refundNo: 'C1', providerRefundId: null } as const),
      ...{ transactionId: null, amount: { minor: 300, currency: 'CNY' }, occurredAt: Date.now() },
      ...{ providerState: 'PROCESSING', test: false },
    };
    const fact = {
      eventId: `evt_${orderNo}`,
      event,
      source: 'callback',
      receivedAt: Date.now(),
      evidence: null,
    } as const;
    const ledger = await shop.ledger(orderNo);
    await ledger.record({ v: 1, facts: [fact], dispatch });
    await ledger.record({ v: 1, facts: [{ ...fact, event: { ...event, state: 'needs_attention' } }], dispatch });
    expect((await dueOf(orderNo)).filter((line) => line.startsWith('refund'))).toEqual(['refund 10']);
  });
});

describe('a shard', () => {
  const due = (dueAt: number, i: number): Timer => ({ dueAt, orderNo: `Q${i}`, kind: 'query', ref: '' });

  it('sends no more questions than its share, and the rest a moment later', async () => {
    const name = `v1:pace-${Date.now()}:2:0`;
    const ledger = env.LEDGER.getByName(name);
    const at = Date.now();
    const registration = { amount: { minor: 1, currency: 'CNY' }, description: null, expiresAt: null, metadata: {} };
    const dispatch = config([], { asks: true });
    for (let i = 0; i < 30; i++) {
      const request = { orderNo: `Q${i}`, registration: { ...registration, registeredAt: at }, eventId: `evt_q${i}` };
      await ledger.register({ v: 1, ...request, dispatch });
    }
    const send = vi.mocked(env.ASK.sendBatch);
    const sent = async (ms: number) => {
      later(ms);
      send.mockClear();
      await runDurableObjectAlarm(ledger);
      return send.mock.calls.flatMap(([messages]) => [...messages]).length;
    };
    // Ten a second, shared by two shards.
    expect(await sent(6 * MINUTE_MS)).toBe(5);
    expect(await sent(1_000)).toBe(5);
    expect(await sent(200)).toBe(1);
    const [first] = await timersOf(ledger);
    if (!first) throw new Error('nothing is due');
    await ledger.finishTimer({ v: 1, timer: first, next: null, plan: 'go_on', provider: 'away' });
    expect(await sent(4_000)).toBe(0);
    expect(await sent(1_100)).toBe(5);
  });

  it('reads the due timers alone, of 100,000', async () => {
    const ledger = env.LEDGER.getByName(`v1:many-${Date.now()}:1:0`);
    await ledger.claimKey({ v: 1, key: 'k', digest: 'd', dispatch: config([], { asks: true }) });
    const now = Date.now();
    await runInDurableObject(ledger, (_, { storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
         INSERT INTO timers SELECT ?1 + CASE WHEN i <= 50 THEN -i ELSE 3600000 + i END, 'M' || i, 'query', '' FROM n`,
        now,
      );
    });
    const reads = await runInDurableObject(ledger, (_, { storage }) => {
      const cursor = storage.sql.exec(
        'SELECT due_at, order_no, kind, ref FROM timers WHERE due_at <= ? ORDER BY due_at LIMIT 100',
        now,
      );
      return { due: cursor.toArray().length, rowsRead: cursor.rowsRead };
    });
    console.log(JSON.stringify({ timers: 100_000, ...reads }));
    expect(reads.due).toBe(50);
    expect(reads.rowsRead).toBeLessThanOrEqual(51);
  });

  it('moves a timer by few rows', async () => {
    const ledger = env.LEDGER.getByName(`v1:moves-${Date.now()}:1:0`);
    await ledger.claimKey({ v: 1, key: 'k', digest: 'd', dispatch: config([]) });
    const written = await runInDurableObject(ledger, (_, { storage }) => {
      const one = due(1, 1);
      const rows = (sql: string, ...values: SqlStorageValue[]) => storage.sql.exec(sql, ...values).rowsWritten;
      const insert = rows("INSERT INTO timers VALUES (?, ?, 'query', '')", one.dueAt, one.orderNo);
      const move = rows(
        "UPDATE OR REPLACE timers SET due_at = 2, kind = 'expire' WHERE due_at = 1 AND order_no = 'Q1'",
      );
      return { insert, move };
    });
    console.log(JSON.stringify(written));
    expect(written).toEqual({ insert: 1, move: 1 });
  });
});

const timersOf = (ledger: ReturnType<typeof env.LEDGER.getByName>) =>
  runInDurableObject(ledger, (_, { storage }) =>
    storage.sql
      .exec<Timer>('SELECT due_at AS dueAt, order_no AS orderNo, kind, ref FROM timers ORDER BY due_at')
      .toArray(),
  );

describe('a provider that answers no question', () => {
  const stands = async (code: string) => {
    await poke(env, Date.now());
    const { body } = await call('GET', '/v1/alarms?limit=200&state=all');
    const subject = `channel/${shop.channel}`;
    const found = body.items?.find((alarm) => String(alarm.subject) === subject && String(alarm.code) === code);
    return found && [String(found.state), String(found.detail)];
  };
  const troubleSeconds = async (kind: string) => {
    const { text } = await call('GET', '/metrics', undefined, { key: await makeKey('metrics') });
    const samples = readOpenMetrics(text).get('tollgate_provider_trouble_seconds')?.samples;
    return samples?.find(({ labels }) => labels.channel === shop.channel && labels.kind === kind)?.value;
  };
  const refused = () => new Response('{"code":"SIGN_ERROR","message":"sign"}', { status: 401 });

  it.each([
    ['away', 'provider_away', 'no answer', down],
    ['away', 'provider_away', 'no connection', () => Promise.reject(new TypeError('fetch failed'))],
    ['refuses', 'provider_refuses', 'refusing the credentials', refused],
  ] as const)('counts as %s: the alarm %s, after a while of %s', async (kind, code, _, answer) => {
    const orderNo = await shop.sell();
    shop.play(answer);
    await shop.post(orderNo, 'query');
    await shop.post(orderNo, 'query');
    expect(await stands(code)).toBeUndefined();
    later(4 * MINUTE_MS);
    await shop.post(orderNo, 'query');
    expect(await stands(code)).toBeUndefined();
    later(7 * MINUTE_MS);
    await shop.runTimer(orderNo);
    expect(await stands(code)).toEqual(['open', expect.stringMatching(/^For \d+ min no question was answered/)]);
    expect(await troubleSeconds(kind)).toBeGreaterThan(600);
    shop.play();
    await shop.post(orderNo, 'query');
    expect(await stands(code)).toEqual(['resolved', expect.any(String)]);
    expect(await troubleSeconds(kind)).toBe(0);
  });

  it('is told of as one that refuses when its answers prove nothing, and no longer as away', async () => {
    const orderNo = await shop.sell();
    shop.play(down);
    await shop.post(orderNo, 'query');
    later(11 * MINUTE_MS);
    await shop.post(orderNo, 'query');
    expect(await stands('provider_away')).toEqual(['open', expect.any(String)]);
    shop.play(async (_, genuine) => forged(await genuine()));
    later(2 * MINUTE_MS);
    await shop.post(orderNo, 'query');
    expect(await stands('provider_refuses')).toEqual(['open', expect.any(String)]);
    expect(await stands('provider_away')).toEqual(['resolved', expect.any(String)]);
  });

  it('and is left alone with a question that it refuses for the order’s own sake is no alarm', async () => {
    const orderNo = await shop.sell();
    for (const minutes of [0, 6, 6]) {
      later(minutes * MINUTE_MS);
      shop.play();
      await shop.post(orderNo, 'query');
      shop.play(refused);
      await shop.post(orderNo, 'refunds', { refundNo: `R${minutes}`, amount: { minor: 1, currency: 'CNY' } });
    }
    expect(await stands('provider_refuses')).toBeUndefined();
  });

  it('is heard to answer again by whoever asks, and by nobody once the channel is disabled', async () => {
    const registry = env.REGISTRY.getByName('registry');
    const other = await Shop.open();
    const trouble = { kind: 'away', detail: 'no answer' } as const;
    const told = async () => (await registry.listTroubles()).map(({ channel }) => channel);
    for (const one of [other, shop]) {
      await registry.noteProvider(one.channel, trouble, Date.now() - 11 * MINUTE_MS);
      await registry.noteProvider(one.channel, trouble, Date.now());
    }
    expect(await stands('provider_away')).toEqual(['open', expect.any(String)]);
    await other.post(await other.sell(), 'query');
    await vi.waitFor(async () => expect(await told()).not.toContain(other.channel));
    await call('POST', `/v1/channels/${shop.channel}/disable`);
    expect(await stands('provider_away')).toEqual(['resolved', expect.any(String)]);
    await registry.tick(Date.now() + 3 * HOUR_MS);
    expect(await told()).not.toContain(shop.channel);
  });
});
