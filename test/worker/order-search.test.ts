// Orders are found by whatever somebody has of them: numbers, states, flags, times, amounts. The answer is the same
// however short the stretches are that one page looks through.
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import { type OrderFilter, type OrderPlace, searchOrders } from '../../src/store/order-search.ts';
import { call, makeChannel, unique } from './api-world.ts';
import { Visitor } from './console-world.ts';
import { fact, ledger, paid, refunded, until } from './ledger-kit.ts';

const T = 1_790_000_000_000;
const STATES = ['paid', 'pending', 'paid', 'refunded', 'failed'];
const FLAGS = ['[]', '[]', '["overpaid"]', '["late_payment","overpaid"]', '[]', '["late_payment"]'];

const orders = Array.from({ length: 90 }, (_, n) => ({
  channel: ['a', 'b', 'c'][n % 3] ?? '',
  order_no: `S${(n * 37) % 90}`,
  version: 1,
  state: STATES[n % 5] ?? '',
  flags: FLAGS[n % 6] ?? '',
  amount_minor: 100 + (n % 11),
  currency: n % 7 === 0 ? 'USD' : 'CNY',
  paid_minor: 100,
  refunded_minor: 0,
  sequence: 1,
  registered: 1,
  test: 0,
  created_at: T + Math.floor(n / 4),
  updated_at: T,
  paid_at: null,
}));
/** One number may be of several orders, and one order may have several. */
const ids = orders.flatMap(({ channel, order_no }, n) => [
  ...(n % 2 === 0 ? [{ id: `TX${n % 30}`, channel, order_no, kind: 'transaction' }] : []),
  ...(n % 9 === 0 ? [{ id: `S${n}R`, channel, order_no, kind: 'refund' }] : []),
  ...(n % 9 === 0 ? [{ id: `TX${n}`, channel, order_no, kind: 'provider_refund' }] : []),
]);

const insert = (table: string, rows: readonly Record<string, unknown>[]) =>
  env.DB.batch(
    rows.map((row) => {
      const marks = Object.keys(row).map(() => '?');
      const into = `INSERT INTO ${table} (${Object.keys(row)}) VALUES (${marks})`;
      return env.DB.prepare(into).bind(...Object.values(row));
    }),
  );

beforeAll(async () => {
  await insert('orders', orders);
  await insert('order_ids', ids);
});

const KINDS = { transaction: ['transaction'], refund: ['refund', 'provider_refund'] };
function isFound(order: (typeof orders)[number], filter: OrderFilter): boolean {
  const { id, channel, state, flag, currency, amountMin = 0, amountMax = 1e9, from = 0, to = 1e15 } = filter;
  const own = ids.filter((one) => one.channel === order.channel && one.order_no === order.order_no);
  const kinds = id?.kind === 'transaction' || id?.kind === 'refund' ? KINDS[id.kind] : null;
  const texts = [
    ...(id?.kind === 'order' || id?.kind === 'any' ? [order.order_no] : []),
    ...(id?.kind === 'order' ? [] : own.filter(({ kind }) => kinds?.includes(kind) ?? true).map((one) => one.id)),
  ];
  return [
    id === undefined || texts.some((text) => text.startsWith(id.text)),
    channel === undefined || channel === order.channel,
    state === undefined || state === order.state,
    flag === undefined || JSON.parse(order.flags).includes(flag),
    currency === undefined || currency === order.currency,
    order.amount_minor >= amountMin && order.amount_minor <= amountMax,
    order.created_at >= from && order.created_at < to,
  ].every(Boolean);
}
const nameOf = (row: { channel: string; order_no: string }) => `${row.channel}/${row.order_no}`;

async function walk(filter: OrderFilter, limit: number, scanMax: number): Promise<string[]> {
  const seen: string[] = [];
  let place: OrderPlace | null = null;
  for (let page = 0; page < 500; page++) {
    const found = await searchOrders(env.DB, filter, place, limit, scanMax);
    expect(found.rows.length).toBeLessThanOrEqual(limit);
    seen.push(...found.rows.map(nameOf));
    place = found.next;
    if (place === null) return seen;
  }
  throw new Error('the search does not end');
}

const some = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const Filters = fc.record({
  id: some(
    fc.record({
      kind: fc.constantFrom('any' as const, 'order' as const, 'transaction' as const, 'refund' as const),
      text: fc.constantFrom('S', 'S1', 'S45', 'TX', 'TX1', 'TX18', 'S0R', 'none'),
    }),
  ),
  channel: some(fc.constantFrom('a', 'b', 'nowhere')),
  state: some(fc.constantFrom('paid', 'pending', 'refunded', 'closed')),
  flag: some(fc.constantFrom('overpaid', 'late_payment', 'risk_review')),
  currency: some(fc.constantFrom('CNY', 'USD')),
  amountMin: some(fc.integer({ min: 95, max: 110 })),
  amountMax: some(fc.integer({ min: 100, max: 115 })),
  from: some(fc.integer({ min: T - 2, max: T + 25 })),
  to: some(fc.integer({ min: T, max: T + 30 })),
});
describe('a search', () => {
  it('finds what a look at every order finds, each once or by each of its numbers, however it is cut', async () => {
    const limits = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 2, max: 60 }));
    await fc.assert(
      fc.asyncProperty(Filters, limits, async ({ id, ...rest }, [limit, scanMax]) => {
        const filter: OrderFilter = { ...rest, ...(id === undefined ? {} : { id }) };
        const seen = await walk(filter, limit, Math.max(scanMax, limit + 1));
        const expected = orders.filter((order) => isFound(order, filter)).map(nameOf);
        expect([...new Set(seen)].sort()).toEqual(expected.sort());
        if (id === undefined) expect(seen).toHaveLength(expected.length);
      }),
      { numRuns: 150 },
    );
  });

  it('passes by no order though another leaves the stretch while a page is read', async () => {
    const channel = unique('z');
    const [order] = orders;
    const some = Array.from({ length: 8 }, (_, n) => ({
      ...{ ...order, channel, order_no: `Z${n}`, created_at: T + n, amount_minor: n === 4 ? 9_000 : 100 },
    }));
    await insert('orders', some);
    let batches = 0;
    const leaving = async (statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch(statements);
      batches += 1;
      const leave = env.DB.prepare('DELETE FROM orders WHERE channel = ? AND order_no = ?');
      if (batches === 1) await leave.bind(channel, 'Z6').run();
      return results;
    };
    const db = { prepare: (sql: string) => env.DB.prepare(sql), batch: leaving } as unknown as D1Database; // a busy one
    const found: string[] = [];
    let place: OrderPlace | null = null;
    do {
      const page = await searchOrders(db, { channel, amountMin: 5_000 }, place, 1, 3);
      found.push(...page.rows.map(({ order_no }) => order_no));
      place = page.next;
    } while (place !== null);
    expect(found).toEqual(['Z4']);
  });

  it('reads no more than its stretch where next to nothing is found', async () => {
    const { rows, next } = await searchOrders(env.DB, { amountMin: 5_000 }, null, 10, 20);
    expect([rows, next?.[0]]).toEqual([[], T + 17]);
  });
});

describe('GET /v1/orders', () => {
  it('finds an order by its payment and its refund, as the ledger projected them', async () => {
    const channel = await makeChannel({ shards: 1 });
    const record = await env.REGISTRY.getByName('registry').readChannel(channel);
    if (!record) throw new Error('the channel was just made');
    const [orderNo, refundNo] = [unique('FIND'), unique('REFUND')];
    const name = ledgerNameOf(record.channel, orderNo);
    const payment = fact(paid(orderNo));
    await ledger(name).record({ v: 1, facts: [payment, fact(refunded(orderNo, refundNo))], dispatch: record.dispatch });
    const transactionId = 'transactionId' in payment.event ? String(payment.event.transactionId) : '';
    const found = async (query: string) =>
      [...((await call('GET', `/v1/orders?channel=${channel}&${query}`)).body.items ?? [])].map((one) => one.orderNo);
    await until(name, async () => (await found('')).length === 1);
    for (const query of [
      `orderNo=${orderNo}`,
      `transactionId=${transactionId}`,
      `refundNo=${refundNo.slice(0, -1)}`,
      `search=${refundNo}`,
      `search=${transactionId.slice(0, 5)}`,
    ]) {
      expect([query, await found(query)]).toEqual([query, [orderNo]]);
    }
    expect(await found(`refundNo=${transactionId}`)).toEqual([]);
  });

  it('gives all pages as one table that no spreadsheet runs', async () => {
    await insert('orders', [{ ...orders[0], channel: 'z', order_no: '=1+1', created_at: T, flags: '["overpaid"]' }]);
    const { status, text } = await call('GET', '/v1/orders?format=csv&channel=z');
    const [head, line, rest] = text.split('\r\n');
    expect([status, head?.slice(0, 29), rest]).toEqual([200, 'channel,orderNo,state,flags,c', '']);
    expect(line).toBe(
      `z,'=1+1,paid,overpaid,USD,1.00,1.00,0.00,true,false,${new Date(T).toISOString()},${new Date(T).toISOString()},`,
    );
    const every = await call('GET', '/v1/orders?format=csv&search=S');
    expect(every.text.split('\r\n')).toHaveLength(1 + 90 + 1);
    await env.DB.prepare("DELETE FROM orders WHERE channel = 'z'").run();
  });

  it.each([
    ['search=S1&orderNo=S1', 'orderNo'],
    ['amountMin=5', 'currency'],
    ['amountMin=1.5&currency=CNY', 'amountMin'],
    ['currency=yuan', 'currency'],
    ['flag=odd', 'flag'],
    ['from=yesterday', 'from'],
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'to'],
    [`search=S&cursor=${btoa(JSON.stringify([T, 'a', 'S1']))}`, 'cursor'],
    ['transactionId=a%20b', 'transactionId'],
  ])('refuses %s and names the field %s', async (query, field) => {
    const { status, body } = await call('GET', `/v1/orders?${query}`);
    expect([status, [...(body.errors ?? [])].map((one) => one.field)]).toEqual([422, [field]]);
  });
});

describe('/console/orders', () => {
  it('keeps the filter in its address, reads amounts and times as people write them, and gives the table', async () => {
    const visitor = await Visitor.in();
    const filter = 'search=S&currency=cny&amountMin=1.05&amountMax=1.06&from=2026-09-21T14%3A13&flag=overpaid';
    const { status, text } = await visitor.open(`/console/orders?${filter}`);
    expect(status).toBe(200);
    const expected = orders.filter((order) =>
      isFound(order, { currency: 'CNY', amountMin: 105, amountMax: 106, flag: 'overpaid' }),
    );
    expect(expected.length).toBeGreaterThan(2);
    for (const { channel, order_no } of expected)
      expect(text).toContain(`href="/console/orders/${channel}/${order_no}"`);
    for (const value of ['CNY', '1.05', '1.06', '2026-09-21T14:13']) expect(text).toContain(`value="${value}"`);
    const table = await visitor.open(`/console/orders.csv?${filter}`);
    expect(table.headers.get('content-disposition')).toContain('orders.csv');
    expect(table.text.split('\r\n')).toHaveLength(1 + expected.length + 1);
    const wrong = await visitor.open('/console/orders?amountMin=much&currency=CNY');
    expect([wrong.status, wrong.text.includes('aria-invalid="true"')]).toEqual([422, true]);
    expect((await visitor.open('/console/orders.csv?flag=odd')).headers.get('location')).toBe(
      '/console/orders?flag=odd',
    );
  });
});
