// Reconciliations: a day's bills fetched, checked, compared, repaired and settled by the reconciler, and what becomes
// of them when something fails. The provider behind fetch is the only thing that is played.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { dayAfter } from '../../src/core/bill.ts';
import { BILL_REFUSED_MAX } from '../../src/core/run-limits.ts';
import { putRun, readRun } from '../../src/store/reconcile-runs.ts';
import { call, type Json } from './api-world.ts';
import { alarmsOf, CNY, DAY, filesOf, Merchant, refundOf, START, signed, told, trade } from './reconcile-world.ts';

vi.setConfig({ testTimeout: 30_000 });
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const kindsOf = (items: readonly Json[]) =>
  items.map(({ kind, orderNo }) => `${String(kind)} ${String(orderNo)}`).sort();
const statusesOf = (items: readonly Json[]) => items.map(({ id, status }) => `${String(id)} ${String(status)}`);

const same = trade('A-same');
const lost = trade('A-lost');
const dear = trade('A-dear', { fen: 2_000, feeFen: 12 });
const fee = trade('A-fee', { feeFen: 60 });
const refunded = trade('A-refunded');
const refund = refundOf('A-refunded');
const foreign = trade('B-other');
const absent = trade('A-absent');
const trades = [same, lost, dear, fee, refunded, refund, foreign, same];
const found = [
  'amount A-dear',
  'duplicate A-same',
  'fee A-fee',
  'missing_here A-lost',
  'missing_there A-absent',
  'state A-refunded',
];

/** A merchant of a shared account, to whom a callback or two were lost on that day. */
async function opened(more: object = {}) {
  const merchant = await Merchant.open(filesOf(trades), { settings: { orderNoPattern: 'A-*' }, ...more });
  await merchant.hear(told(same), told(dear, { amount: CNY(1_999) }), told(fee), told(refunded), told(absent));
  await merchant.hear(told(refund, { state: 'pending' }));
  return merchant;
}

describe('a day with every kind of difference', () => {
  it('is fetched, compared, repaired and settled', async () => {
    const merchant = await opened();
    const body = await merchant.run();
    expect(merchant.asked.map((path) => path.split('?')[0])).toEqual([
      '/v3/bill/tradebill',
      '/v3/billdownload/trade',
      '/v3/bill/fundflowbill',
      '/v3/billdownload/fund',
    ]);
    expect(body).toMatchObject({ state: 'done', step: 'done', runs: 1, begunBy: 'hand', problem: null });
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
    const [tradeBill] = [...(body.bills ?? [])];
    expect(tradeBill).toMatchObject({ kind: 'trade', state: 'done', rows: 8, source: 'provider' });
    expect(tradeBill?.tally).toMatchObject({ repaired: 2, foreign: 1, matched: 2 });
    expect([...(body.settlement ?? [])]).toMatchObject([
      { currency: 'CNY', gross: '80.00000', difference: '0.00000', balanceDifference: '0.00000' },
    ]);
    expect(body.untied).toEqual({ bill: 0, account: 0, sums: [] });
    expect(await alarmsOf(merchant.channel)).toEqual(['discrepancies_open']);
  });

  it('shows what ties to nothing, counted and summed by kind', async () => {
    const merchant = await Merchant.open(filesOf([same, lost, refunded, refund], [same, refunded, refund, absent]));
    const { untied, untiedLines, settlement } = await merchant.run();
    const sum = (side: string, kind: string, minor: number) => ({ side, kind, lines: 1, amount: CNY(minor) });
    expect(untied).toEqual({
      ...{ bill: 2, account: 2 },
      sums: [
        ...[sum('account', 'payment', 1_000), sum('account', 'fee', 6)],
        ...[sum('bill', 'payment', 1_000), sum('bill', 'fee', 6)],
      ],
    });
    expect([...(untiedLines ?? [])]).toHaveLength(4);
    expect([...(settlement ?? [])]).toMatchObject([{ difference: '0.00000' }]);
  });

  it('is repaired through the ledgers, late payments flagged, and other shops left alone', async () => {
    const merchant = await opened();
    await merchant.run();
    const order = (await merchant.order('A-lost')).body;
    expect(order.order).toMatchObject({ state: 'paid', flags: ['late_payment'] });
    const [fact] = [...(order.timeline ?? [])];
    expect(fact).toMatchObject({ source: 'bill', type: 'payment.succeeded' });
    expect((await merchant.order('A-refunded')).body.order).toMatchObject({ state: 'partially_refunded' });
    expect((await merchant.order('B-other')).status).toBe(404);
    const [fixed] = await merchant.discrepancies('&kind=missing_here');
    expect(fixed).toMatchObject({ status: 'fixed', repaired: true });
    expect(String(fixed?.eventId)).toBe(String(fact?.eventId));
  });

  it('finds the same under the same ids when it runs again, and tells nobody twice', async () => {
    const merchant = await opened();
    await merchant.run();
    const before = await merchant.discrepancies();
    expect(await merchant.run()).toMatchObject({ runs: 2 });
    expect(statusesOf(await merchant.discrepancies())).toEqual(statusesOf(before));
    expect([...((await merchant.order('A-lost')).body.timeline ?? [])]).toHaveLength(1);
  });

  it('calls fixed what the next run does not find any more', async () => {
    const merchant = await opened();
    await merchant.run();
    await call('PATCH', `/v1/channels/${merchant.channel}`, { settings: { orderNoPattern: 'A-s*' } });
    merchant.files = filesOf(trades.filter((one) => one !== same).concat(same));
    await merchant.run();
    const [twice] = await merchant.discrepancies('&kind=duplicate');
    expect(twice).toMatchObject({ status: 'fixed' });
    expect(String(twice?.note)).toContain('Run 2');
  });
});

describe('the file of refunds alone', () => {
  it('is fetched when it is asked for, and leaves what is known of the trades', async () => {
    const merchant = await opened();
    await merchant.run();
    merchant.files.trade = filesOf([refund]).trade;
    const body = await merchant.run({ kinds: ['refund'] });
    expect(merchant.asked.slice(4)[0]).toContain('bill_type=REFUND');
    const bills = [...(body.bills ?? [])].map(({ kind, rows }) => `${kind} ${rows}`).sort();
    expect(bills).toEqual(['fundflow 16', 'refund 1', 'trade 8']);
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
  });
});

describe('a run that is cut off', () => {
  /** The object is thrown away in the middle of its alarms, so many times. */
  it.each([1, 2, 3, 4])('ends as if nothing had happened (%i)', async (kills) => {
    const merchant = await opened();
    const reconciler = await merchant.reconciler();
    await merchant.start();
    for (let kill = 0; kill < kills; kill++) {
      const alarm = runDurableObjectAlarm(reconciler).catch(() => false);
      await new Promise((resolve) => setTimeout(resolve, 3 * kill));
      await evictDurableObject(reconciler).catch(() => undefined); // over already
      await alarm;
    }
    await merchant.until('done');
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
    expect([...((await merchant.order('A-lost')).body.timeline ?? [])]).toHaveLength(1);
    const [tradeBill] = [...((await merchant.view()).body.bills ?? [])];
    expect(tradeBill?.tally).toMatchObject({ repaired: 2, foreign: 1, matched: 2, payments: 7, refunds: 1 });
  });

  it('tells a repair again that the ledger took before the restart, and it stays one event', async () => {
    const merchant = await opened();
    await merchant.run();
    // As if it had been killed between the ledger's commit and its own.
    await runInDurableObject(await merchant.reconciler(), (_, { storage }) => {
      storage.sql.exec("UPDATE discrepancies SET todo = json_extract(doc, '$.eventId') WHERE kind = 'missing_here'");
      const run = readRun(storage.sql, DAY);
      if (run) putRun(storage.sql, { ...run, state: 'running', step: 'repair', retryAt: Date.now() }, Date.now());
    });
    const [before] = await merchant.discrepancies('&kind=missing_here');
    await merchant.until('done');
    const [after] = await merchant.discrepancies('&kind=missing_here');
    expect(after).toMatchObject({ status: 'fixed', eventId: String(before?.eventId) });
    expect([...((await merchant.order('A-lost')).body.timeline ?? [])]).toHaveLength(1);
  });

  it('calls nothing fixed that the ledger did not take, however often it is told', async () => {
    const [gone, early] = [trade('A-gone'), refundOf('A-gone')];
    const merchant = await Merchant.open(filesOf([gone, early]));
    // The provider gave it up after it had said that it went through: the bill tells the older of the two words.
    await merchant.hear(told(gone), told(early, { state: 'failed', occurredAt: early.at + 3_600_000 }));
    for (const runs of [1, 2, 3]) {
      expect(await merchant.run()).toMatchObject({ runs });
      const found = await merchant.discrepancies();
      expect(found).toMatchObject([{ kind: 'state', status: 'open', repaired: false }]);
      expect(String(found[0]?.detail)).toContain('look at the order');
    }
  });

  it('leaves open what waits for its registration, and calls it fixed when that came', async () => {
    const merchant = await Merchant.open(filesOf([trade('A-unregistered')]), { mode: 'registered' });
    await merchant.hear(told(trade('A-unregistered'), { status: 'pending' }));
    for (const runs of [1, 2]) {
      expect(await merchant.run()).toMatchObject({ runs });
      const found = await merchant.discrepancies();
      expect(found).toMatchObject([{ kind: 'missing_here', status: 'open', repaired: false }]);
      expect(String(found[0]?.detail)).toContain('register the order');
    }
    const order = { channel: merchant.channel, orderNo: 'A-unregistered', amount: CNY(1_000) };
    expect((await call('POST', '/v1/orders', order)).status).toBe(201);
    await merchant.run();
    expect(await merchant.discrepancies()).toMatchObject([{ kind: 'missing_here', status: 'fixed' }]);
  });
});

/** The run is due again now. */
const soon = async (merchant: Merchant) =>
  runInDurableObject(await merchant.reconciler(), (_, { storage }) => {
    const run = readRun(storage.sql, DAY);
    if (run?.retryAt != null) putRun(storage.sql, { ...run, retryAt: Date.now() }, Date.now());
    return storage.setAlarm(Date.now() + 60_000);
  });

describe('a bill that is not right', () => {
  it('is refused when its checksum is another, and nothing is judged by it', async () => {
    const merchant = await opened();
    merchant.sha1 = 'f'.repeat(40);
    await merchant.start();
    const body = await merchant.until('refused');
    expect(String(body.problem)).toContain('checksum');
    expect(await merchant.discrepancies()).toEqual([]);
    expect((await merchant.order('A-lost')).status).toBe(404);
    expect(await alarmsOf(merchant.channel)).toEqual(['bill_refused']);
    expect(body.retryAt).not.toBeNull();
    // A person looks, and runs it again: the alarm ends by itself.
    merchant.sha1 = null;
    await merchant.run();
    expect(await alarmsOf(merchant.channel)).toEqual(['discrepancies_open']);
  });

  it('is fetched anew though the provider was away meanwhile, and the day is compared', async () => {
    const merchant = await opened();
    merchant.sha1 = 'f'.repeat(40);
    await merchant.start();
    await merchant.until('refused');
    merchant.instead = () => new Response('down', { status: 500 });
    await soon(merchant);
    await merchant.until('waiting');
    merchant.instead = null;
    merchant.sha1 = null;
    await soon(merchant);
    await merchant.until('done');
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
  });

  it('is not fetched for ever', async () => {
    const merchant = await opened();
    merchant.sha1 = 'f'.repeat(40);
    await merchant.start();
    await merchant.until('refused');
    for (let tries = 0; tries < BILL_REFUSED_MAX; tries++) {
      expect((await merchant.view()).body.retryAt).not.toBeNull();
      await soon(merchant);
      await merchant.until('refused');
    }
    expect((await merchant.view()).body.retryAt).toBeNull();
    expect(await alarmsOf(merchant.channel)).toEqual(['bill_refused']);
  });

  it('of the trades that the provider refuses leaves the day to a person, though the account’s is there', async () => {
    const merchant = await opened();
    merchant.instead = (path) =>
      path.startsWith('/v3/bill/tradebill') ? signed({ code: 'NO_AUTH', message: 'no permission' }, 403) : null;
    await merchant.start();
    expect(await merchant.until('refused')).toMatchObject({ retryAt: null });
    expect(await alarmsOf(merchant.channel)).toEqual(['bill_missing']);
  });

  it('of the account alone leaves the day compared, and not settled', async () => {
    const merchant = await opened();
    merchant.files.fundflow = (merchant.files.fundflow ?? '').split('资金流水总笔数')[0] ?? '';
    const body = await merchant.run();
    expect(body).toMatchObject({ settlement: null, untied: null });
    expect([...(body.bills ?? [])]).toMatchObject([{ state: 'done' }, { kind: 'fundflow', state: 'refused' }]);
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
  });

  it('that does not exist is a day without trades', async () => {
    const merchant = await Merchant.open({ trade: null, fundflow: null });
    await merchant.hear(told(absent));
    const body = await merchant.run();
    expect([...(body.bills ?? [])]).toMatchObject([{ empty: true, rows: 0 }, { empty: true }]);
    expect(kindsOf(await merchant.discrepancies())).toEqual(['missing_there A-absent']);
  });
});

describe('a provider that has no bill yet', () => {
  it('is asked again, ever more slowly, and after a day a person hears of it', async () => {
    const merchant = await opened();
    merchant.instead = () => signed({ code: 'STATEMENT_CREATING', message: 'later' }, 400);
    await merchant.start();
    const waiting = await merchant.until('waiting');
    expect(String(waiting.problem)).toContain('has not made the bill');
    expect(Date.parse(String(waiting.retryAt))).toBeGreaterThan(Date.now());
    await runInDurableObject(await merchant.reconciler(), (_, { storage }) => {
      const run = readRun(storage.sql, DAY);
      const startedAt = Date.now() - 25 * 3_600_000;
      if (run) putRun(storage.sql, { ...run, startedAt, retryAt: Date.now() }, Date.now());
    });
    await merchant.until('missing');
    expect(await alarmsOf(merchant.channel)).toEqual(['bill_missing']);
    // It comes at last, and the run goes on by itself.
    merchant.instead = null;
    await runInDurableObject(await merchant.reconciler(), (_, { storage }) => {
      const run = readRun(storage.sql, DAY);
      if (run) putRun(storage.sql, { ...run, retryAt: Date.now() }, Date.now());
    });
    await merchant.until('done');
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
  });

  const creating = (part: string) => (path: string) =>
    path.includes(part) ? signed({ code: 'STATEMENT_CREATING', message: 'later' }, 400) : null;
  const upload = (merchant: Merchant, kind: 'trade' | 'fundflow') =>
    call('POST', `/v1/reconciliations/bills?channel=${merchant.channel}&day=${DAY}&kind=${kind}`, merchant.text(kind), {
      headers: { 'content-type': 'text/csv' },
    });

  it('of the account is given it by a person, and the trades that are here are compared', async () => {
    const merchant = await opened();
    merchant.instead = creating('fundflowbill');
    await merchant.start();
    await merchant.until('waiting');
    const asked = merchant.asked.length;
    expect((await upload(merchant, 'fundflow')).body).toMatchObject({ runs: 1, begunBy: 'hand' });
    const body = await merchant.until('done');
    expect(merchant.asked).toHaveLength(asked);
    expect([...(body.kinds ?? [])].map(String)).toEqual(['trade', 'fundflow']);
    expect([...(body.bills ?? [])]).toMatchObject([
      { kind: 'trade', source: 'provider', state: 'done' },
      { kind: 'fundflow', source: 'upload', state: 'done' },
    ]);
    expect([...(body.settlement ?? [])]).toMatchObject([{ difference: '0.00000' }]);
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
  });

  it('of the trades is given it by a person, keeps it when run by hand, and still has the account come', async () => {
    const merchant = await opened();
    merchant.instead = creating('/v3/bill/');
    await merchant.start();
    await merchant.until('waiting');
    await upload(merchant, 'trade');
    await merchant.until('waiting');
    expect((await merchant.start()).body).toMatchObject({ runs: 1 });
    await merchant.until('waiting');
    merchant.instead = null;
    await soon(merchant);
    const body = await merchant.until('done');
    const sources = [...(body.bills ?? [])].map(({ kind, source }) => `${kind} ${source}`);
    expect(sources).toEqual(['trade upload', 'fundflow provider']);
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
  });

  it('and answers while a person brings it has the person’s bill compared', async () => {
    const merchant = await opened();
    merchant.instead = creating('/v3/bill/');
    await merchant.start();
    await merchant.until('waiting');
    await soon(merchant);
    const asking = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<void>();
    merchant.slow = async (path) => {
      if (!path.includes('tradebill')) return;
      asking.resolve();
      await answered.promise;
    };
    merchant.instead = creating('fundflowbill');
    const alarm = runDurableObjectAlarm(await merchant.reconciler());
    await asking.promise;
    const brought = upload(merchant, 'trade');
    expect((await brought).status).toBe(202);
    answered.resolve();
    await alarm;
    await merchant.until('waiting');
    expect([...((await merchant.view()).body.bills ?? [])]).toMatchObject([{ source: 'upload', state: 'here' }, {}]);
  });

  it.each([
    ['cannot be reached', () => Promise.reject(new TypeError('connection refused')) as unknown as Response],
    ['answers 500', () => new Response('down', { status: 500 })],
    ['sends its file to another address', () => Response.redirect('https://elsewhere.example/', 302)],
  ])('and one that %s is asked again later', async (_, instead) => {
    const merchant = await opened();
    merchant.instead = (path) => (path.startsWith('/v3/billdownload') || path.includes('bill_type') ? instead() : null);
    await merchant.start();
    expect(String((await merchant.until('waiting')).problem)).not.toBe('null');
    expect(await merchant.discrepancies()).toEqual([]);
  });
});

describe('whose an order is', () => {
  it('nobody says: what the ledger has never seen is left to a person and becomes no fact', async () => {
    const merchant = await opened({ settings: {} });
    await merchant.run();
    const unknown = await merchant.discrepancies('&kind=unknown_here');
    expect(kindsOf(unknown)).toEqual(['unknown_here A-lost', 'unknown_here B-other']);
    expect((await merchant.order('A-lost')).status).toBe(404);
  });

  it('the channel is exclusive: all of it is its own', async () => {
    const merchant = await opened({ settings: { exclusive: true } });
    await merchant.run();
    expect((await merchant.order('B-other')).body.order).toMatchObject({ state: 'paid' });
  });

  it('only registered orders count: a payment of another is shown, and no order is made of it', async () => {
    const merchant = await opened({ mode: 'registered', settings: { orderNoPattern: 'A-*' } });
    await merchant.run();
    const [missing] = await merchant.discrepancies('&kind=missing_here&orderNo=A-lost');
    expect(missing).toMatchObject({ status: 'open', repaired: false });
    expect(String(missing?.detail)).toContain('register it');
    expect((await merchant.order('A-lost')).status).toBe(404);
  });
});

describe('with D1 away', () => {
  it('a run does its work, and D1 hears of it later', async () => {
    const merchant = await opened();
    const outage = vi.spyOn(env.DB, 'batch').mockRejectedValue(new Error('D1 is away'));
    await merchant.start();
    await vi.waitUntil(
      async () => {
        await runDurableObjectAlarm(await merchant.reconciler());
        return (await merchant.view()).body.state === ('done' as unknown as Json); // a word
      },
      { timeout: 20_000 },
    );
    expect(await merchant.discrepancies()).toEqual([]);
    outage.mockRestore();
    await merchant.until('done');
    expect(kindsOf(await merchant.discrepancies())).toEqual(found);
  });
});

describe('the clock', () => {
  it('runs each day that is due since the channel began, the newest first, and none twice', async () => {
    const merchant = await opened();
    const began = Date.now();
    // The channel is of today: tomorrow and the day after, the bills of both days are there.
    vi.spyOn(Date, 'now').mockImplementation(() => began + 2 * 86_400_000 + 12 * 3_600_000);
    merchant.files = { trade: null, fundflow: null };
    const reconciler = await merchant.reconciler();
    await reconciler.poke(merchant.channel);
    for (let alarms = 0; alarms < 6; alarms++) await runDurableObjectAlarm(reconciler);
    const { body } = await call('GET', `/v1/reconciliations?channel=${merchant.channel}`);
    const days = [...(body.items ?? [])].map(({ day, begunBy, state }) => [day, begunBy, state].map(String));
    const today = dayAfter(DAY, 2);
    expect(days).toEqual([
      [dayAfter(today, 1), 'clock', 'done'],
      [today, 'clock', 'done'],
    ]);
    const asked = merchant.asked.length;
    await reconciler.poke(merchant.channel);
    await runDurableObjectAlarm(reconciler);
    expect(merchant.asked).toHaveLength(asked);
    expect(START).toBeLessThan(began);
  });
});
