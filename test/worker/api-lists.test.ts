// The lists of /v1 that D1 answers: order, filters, cursors, and what stays up when D1 is down.
import { env } from 'cloudflare:workers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { call, type Json, makeChannel, makeOrigin } from './api-world.ts';

afterEach(() => vi.restoreAllMocks());

const T = 1_790_000_000_000;
const insert = (table: string, rows: readonly Record<string, unknown>[]) =>
  env.DB.batch(
    rows.map((row) => {
      const names = Object.keys(row);
      const marks = names.map(() => '?').join(', ');
      return env.DB.prepare(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`).bind(...Object.values(row));
    }),
  );

const STATES = ['paid', 'pending', 'paid', 'refunded'];
/** Seven orders share each instant, so that the cursor has to tell them apart. */
const orders = Array.from({ length: 40 }, (_, n) => ({
  channel: n % 3 === 0 ? 'b' : 'a',
  order_no: `N${String((n * 7) % 40).padStart(3, '0')}`,
  version: 1,
  state: STATES[n % 4],
  flags: n === 5 ? '["overpaid"]' : '[]',
  amount_minor: 100 + n,
  currency: 'CNY',
  paid_minor: n % 4 === 1 ? 0 : 100 + n,
  refunded_minor: 0,
  sequence: 1,
  registered: n % 2,
  test: 0,
  created_at: T + Math.floor(n / 7),
  updated_at: T + n,
  paid_at: n % 4 === 1 ? null : T + n,
}));

const facts = Array.from({ length: 25 }, (_, n) => ({
  event_id: `evt_${String(n).padStart(3, '0')}`,
  channel: n % 2 === 0 ? 'a' : 'b',
  order_no: `N${n}`,
  sequence: 1,
  type: 'payment.succeeded',
  verdict: ['applied', 'odd', 'stale', 'parked'][n % 4],
  source: n % 5 === 4 ? 'query' : 'callback',
  remote_address: '203.0.113.9',
  digest: 'd1',
  occurred_at: T + n,
  received_at: T + Math.floor(n / 3),
  data: null,
}));

const others = Array.from({ length: 25 }, (_, n) => ({
  at: T + Math.floor(n / 3),
  id: `cb_${String(n).padStart(3, '0')}`,
  channel: n % 2 === 0 ? 'a' : '-',
  verdict: ['rejected', 'duplicate', 'ignored'][n % 3],
  reason: n % 3 === 0 ? 'signature_invalid' : null,
  detail: n % 3 === 0 ? 'The signature does not verify.' : null,
  remote_address: '2001:db8::1',
  order_no: n % 2 === 0 ? `M${n}` : null,
  notice_type: null,
  digest: null,
  bytes: 10 + n,
}));

const DELIVERY_STATES = ['delivered', 'dead', 'waiting', 'delivered'];
const deliveries = Array.from({ length: 30 }, (_, n) => ({
  created_at: T + Math.floor(n / 4),
  event_id: `evt_${String(n % 10).padStart(3, '0')}`,
  origin: `o${n % 3}`,
  channel: n % 2 === 0 ? 'a' : 'b',
  order_no: `N${n}`,
  sequence: 1,
  version: 1,
  state: DELIVERY_STATES[n % 4],
  reason: null,
  attempts: 1,
  last_outcome: 'delivered',
  last_status: 200,
  due_at: null,
  updated_at: T + n,
}));

beforeAll(async () => {
  await insert('orders', orders);
  await insert('events', facts);
  await insert('callbacks', others);
  await insert('deliveries', deliveries);
});

/** Walks a list to its end; fails when a page is larger than asked or the list does not end. */
async function walk(path: string, limit: number): Promise<readonly Json[]> {
  const seen: Json[] = [];
  let cursor = '';
  for (let page = 0; page < 100; page++) {
    const reply = await call('GET', `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);
    expect(reply.status).toBe(200);
    const items = [...(reply.body.items ?? [])];
    expect(items.length).toBeLessThanOrEqual(limit);
    seen.push(...items);
    if (reply.body.next === null) return seen;
    expect(items.length).toBe(limit);
    cursor = `&cursor=${reply.body.next}`;
  }
  throw new Error(`${path} does not end`);
}

/** Newest first; what is equally new falls by the rest of its key. */
const newestFirst = <Row>(rows: readonly Row[], ...keys: readonly ((row: Row) => string | number)[]) =>
  [...rows].sort((a, b) => {
    for (const key of keys) {
      const [x, y] = [key(a), key(b)];
      if (x !== y) return x < y ? 1 : -1;
    }
    return 0;
  });

describe('the list of orders', () => {
  const sorted = newestFirst(
    orders,
    (row) => row.created_at,
    (row) => row.channel,
    (row) => row.order_no,
  );
  const nameOf = (row: { channel: string; order_no: string }) => `${row.channel}/${row.order_no}`;

  it.each([1, 7, 13, 40, 200])('gives every order once, newest first, in pages of %i', async (limit) => {
    const seen = await walk('/v1/orders', limit);
    expect(seen.map((one) => `${one.channel}/${one.orderNo}`)).toEqual(sorted.map(nameOf));
  });

  it.each([
    ['channel=b', (row: (typeof orders)[number]) => row.channel === 'b'],
    ['state=paid', (row: (typeof orders)[number]) => row.state === 'paid'],
    ['channel=a&state=refunded', (row: (typeof orders)[number]) => row.channel === 'a' && row.state === 'refunded'],
    ['channel=none', () => false],
  ])('keeps to the filter %s over all its pages', async (filter, holds) => {
    const seen = await walk(`/v1/orders?${filter}`, 3);
    expect(seen.map((one) => `${one.channel}/${one.orderNo}`)).toEqual(sorted.filter(holds).map(nameOf));
  });

  it('loses none and repeats none when orders come in between two pages', async () => {
    const first = await call('GET', '/v1/orders?limit=10');
    await insert('orders', [{ ...orders[0], order_no: 'LATE', created_at: T + 1_000_000 }]);
    const second = await call('GET', `/v1/orders?limit=10&cursor=${first.body.next}`);
    const seen = [...(first.body.items ?? []), ...(second.body.items ?? [])].map(
      (one) => `${one.channel}/${one.orderNo}`,
    );
    expect(seen).toEqual(sorted.slice(0, 20).map(nameOf));
    await env.DB.prepare("DELETE FROM orders WHERE order_no = 'LATE'").run();
  });

  it('shows each order in the merchant’s words', async () => {
    const { items } = (await call('GET', '/v1/orders?limit=200')).body;
    expect(items?.find((one) => String(one.flags) === 'overpaid')).toEqual({
      channel: 'a',
      orderNo: 'N035',
      state: 'pending',
      flags: ['overpaid'],
      amountChecked: true,
      amount: { minor: 105, currency: 'CNY' },
      paid: { minor: 0, currency: 'CNY' },
      refunded: { minor: 0, currency: 'CNY' },
      sequence: 1,
      test: false,
      createdAt: new Date(T).toISOString(),
      updatedAt: new Date(T + 5).toISOString(),
      paidAt: null,
    });
  });
});

describe('the list of callbacks', () => {
  const verdictOf = (verdict: string | undefined) => (verdict === 'parked' ? 'parked' : 'accepted');
  const arrivals = [
    ...facts
      .filter(({ source }) => source === 'callback')
      .map((row) => ({ at: row.received_at, id: row.event_id, channel: row.channel, verdict: verdictOf(row.verdict) })),
    ...others.map(({ at, id, channel, verdict }) => ({ at, id, channel, verdict })),
  ];
  const sorted = newestFirst(
    arrivals,
    (row) => row.at,
    (row) => row.id,
  );

  it.each([1, 4, 50])('gives every arrival once, whichever table it lies in, in pages of %i', async (limit) => {
    const seen = await walk('/v1/callbacks', limit);
    expect(seen.map((one) => [one.id, one.verdict])).toEqual(sorted.map((row) => [row.id, row.verdict]));
  });

  it.each(['accepted', 'parked', 'duplicate', 'ignored', 'rejected'])('keeps to the verdict %s', async (verdict) => {
    const seen = await walk(`/v1/callbacks?verdict=${verdict}`, 2);
    expect(seen.map((one) => one.id)).toEqual(sorted.filter((row) => row.verdict === verdict).map((row) => row.id));
    expect(seen.length).toBeGreaterThan(3);
  });

  it('keeps to a channel, the one for unknown channels too', async () => {
    for (const channel of ['a', 'b', '-']) {
      const seen = await walk(`/v1/callbacks?channel=${channel}`, 5);
      expect(seen.map((one) => one.id)).toEqual(sorted.filter((row) => row.channel === channel).map((row) => row.id));
    }
  });

  it.each([
    ['reason=signature_invalid', (row: (typeof others)[number]) => row.reason === 'signature_invalid'],
    ['channel=a&orderNo=M4', (row: (typeof others)[number]) => row.channel === 'a' && row.order_no === 'M4'],
    [
      `verdict=ignored&from=${new Date(T + 1).toISOString()}&to=${new Date(T + 6).toISOString()}`,
      (row: (typeof others)[number]) => row.verdict === 'ignored' && row.at >= T + 1 && row.at < T + 6,
    ],
  ])('keeps to %s', async (query, holds) => {
    const seen = await walk(`/v1/callbacks?${query}`, 2);
    const expected = newestFirst(
      others.filter(holds),
      (row) => row.at,
      (row) => row.id,
    );
    expect(seen.map((one) => one.id)).toEqual(expected.map((row) => row.id));
    expect(seen.length).toBeGreaterThan(0);
    const { text } = await call('GET', `/v1/callbacks?${query}&format=csv`);
    expect(text.trim().split('\r\n')).toHaveLength(1 + seen.length);
  });

  it('shows an accepted callback from outside a monitored allowlist once, with that reason', async () => {
    const at = T + 500_000;
    const [fact] = facts;
    await insert('events', [{ ...fact, event_id: 'evt_out', order_no: 'OUT', received_at: at, source: 'callback' }]);
    const sample = { ...others[0], at, id: 'cb_out', channel: 'a', verdict: 'accepted', order_no: 'OUT' };
    await insert('callbacks', [{ ...sample, reason: 'source_not_allowed' }]);
    const { items } = (await call('GET', '/v1/callbacks?limit=2')).body;
    expect(items?.map((one) => one.orderNo)).toEqual(['OUT', 'M24']);
    expect(items?.[0]).toMatchObject({ id: 'evt_out', verdict: 'accepted', reason: 'source_not_allowed' });
    await env.DB.batch(
      ['events', 'callbacks'].map((table) => env.DB.prepare(`DELETE FROM ${table} WHERE order_no = 'OUT'`)),
    );
  });
});

describe('the list of rejections', () => {
  it('gives the refused ones alone, and counts by minute on the first page', async () => {
    const minute = Date.now() - (Date.now() % 60_000);
    const count = (channel: string, minutesAgo: number, verdict: string, count: number) => ({
      channel,
      minute: minute - minutesAgo * 60_000,
      verdict,
      reason: 'signature_invalid',
      count,
    });
    await insert('callback_counts', [
      count('a', 0, 'rejected', 5),
      count('a', 5, 'rejected', 7),
      count('b', 5, 'rejected', 1),
      count('a', 5, 'accepted', 99),
      count('a', 90, 'rejected', 3),
    ]);
    const reply = await call('GET', '/v1/rejections?limit=2');
    expect(reply.body.items?.map((one) => one.verdict)).toEqual(['rejected', 'rejected']);
    expect(reply.body.counts?.map((one) => [one.channel, one.count])).toEqual([
      ['a', 5],
      ['a', 7],
      ['b', 1],
    ]);
    expect(reply.body.counts?.[0]?.minute).toBe(new Date(minute).toISOString());
    const next = await call('GET', `/v1/rejections?limit=2&cursor=${reply.body.next}`);
    expect(next.body.counts).toEqual([]);
    const wide = await call('GET', '/v1/rejections?channel=a&minutes=120');
    expect(wide.body.counts?.map((one) => one.count)).toEqual([5, 7, 3]);
  });
});

describe('the list of deliveries', () => {
  const sorted = newestFirst(
    deliveries,
    (row) => row.created_at,
    (row) => row.event_id,
    (row) => row.origin,
  );
  const nameOf = (row: { event_id: string; origin: string; order_no: string }) =>
    `${row.event_id}/${row.origin}/${row.order_no}`;
  const shown = (one: Json) => `${one.eventId}/${one.origin}/${one.orderNo}`;

  it.each([1, 4, 30])('gives every delivery once, newest first, in pages of %i', async (limit) => {
    expect((await walk('/v1/deliveries', limit)).map(shown)).toEqual(sorted.map(nameOf));
  });

  it.each(['dead', 'waiting', 'delivered', 'held'])('keeps to the state %s', async (state) => {
    const seen = await walk(`/v1/deliveries?state=${state}`, 3);
    expect(seen.map(shown)).toEqual(sorted.filter((row) => row.state === state).map(nameOf));
  });

  it.each([
    ['state=dead&channel=b', (row: (typeof deliveries)[number]) => row.state === 'dead' && row.channel === 'b'],
    ['channel=a', (row: (typeof deliveries)[number]) => row.channel === 'a'],
    [
      'state=delivered&origin=o1',
      (row: (typeof deliveries)[number]) => row.state === 'delivered' && row.origin === 'o1',
    ],
    ['orderNo=N7', (row: (typeof deliveries)[number]) => row.order_no === 'N7'],
    [
      `from=${new Date(T + 2).toISOString()}&to=${new Date(T + 5).toISOString()}`,
      (row: (typeof deliveries)[number]) => row.created_at >= T + 2 && row.created_at < T + 5,
    ],
  ])('keeps to %s', async (query, holds) => {
    const seen = await walk(`/v1/deliveries?${query}`, 3);
    expect(seen.map(shown)).toEqual(sorted.filter(holds).map(nameOf));
    expect(seen.length).toBeGreaterThan(0);
  });

  it('comes as a table too', async () => {
    const { text } = await call('GET', '/v1/deliveries?format=csv&state=dead&limit=1');
    const lines = text.trim().split('\r\n');
    expect(lines[0]).toContain('createdAt,eventId,origin,channel');
    expect(lines).toHaveLength(1 + deliveries.filter(({ state }) => state === 'dead').length);
  });

  it('finds the open ones by an index and never by reading all', async () => {
    const plan = await env.DB.prepare(
      `EXPLAIN QUERY PLAN SELECT * FROM deliveries WHERE state = ?1 AND state <> 'delivered'
       AND (created_at, event_id, origin) < (?2, ?3, ?4) ORDER BY created_at DESC, event_id DESC, origin DESC LIMIT 51`,
    )
      .bind('dead', T, 'e', 'o')
      .all<{ detail: string }>();
    expect(plan.results.map(({ detail }) => detail).join()).toMatch(/SEARCH deliveries USING INDEX deliveries_open/);
    expect(plan.results.map(({ detail }) => detail).join()).not.toMatch(/TEMP B-TREE/);
  });
});

describe('with D1 down', () => {
  it('lists answer 503 in plain words, and what the registry and the ledgers know is still served', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const origin = await makeOrigin();
    const channel = await makeChannel({ origins: [origin] });
    await env.DB.batch(
      ['orders', 'events', 'deliveries', 'callbacks', 'callback_counts'].map((name) =>
        env.DB.prepare(`DROP TABLE ${name}`),
      ),
    );
    for (const path of ['orders', 'callbacks', 'rejections', 'deliveries']) {
      const reply = await call('GET', `/v1/${path}`);
      expect([path, reply.status, reply.body.code]).toEqual([path, 503, 'projection_unavailable']);
    }
    const input = { channel, orderNo: 'WITHOUT-D1', amount: { minor: 1, currency: 'CNY' } };
    expect((await call('POST', '/v1/orders', input)).status).toBe(201);
    expect((await call('GET', `/v1/orders/${channel}/WITHOUT-D1`)).body.order?.state).toBe('pending');
    for (const path of [
      `channels/${channel}`,
      `origins/${origin}`,
      'channels',
      'origins',
      'alarms',
      'api-keys',
      'providers',
    ]) {
      expect([path, (await call('GET', `/v1/${path}`)).status]).toEqual([path, 200]);
    }
    expect((await call('GET', '/healthz')).body.parts).toMatchObject({ registry: 'ok', projection: 'failed' });
  });
});
