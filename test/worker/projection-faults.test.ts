// What could keep a change from D1 for ever: a restart in the middle, a batch that D1 finds too large, a clock that
// steps back, an event that settles without anybody's word. Each change gets there all the same.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import { Dispatcher } from '../../src/objects/dispatcher.ts';
import { Projector } from '../../src/objects/projector.ts';
import { recordRegistration } from '../../src/store/ledger-book.ts';
import { readMarks } from '../../src/store/ledger-outbox.ts';
import { takeMessages } from './delivery-world.ts';
import { config, fact, ledger, origin, paid, unique, until } from './ledger-kit.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const record = (name: string, events: Parameters<typeof fact>[0][], dispatch = config([])) =>
  ledger(name).record({ v: 1, facts: events.map(fact), dispatch });
const inD1 = (table: 'orders' | 'deliveries', orderNo: string) =>
  env.DB.prepare(`SELECT * FROM ${table} WHERE order_no = ?`).bind(orderNo).first();
const sql = (name: string, query: string) =>
  runInDurableObject(ledger(name), (_, { storage }) => storage.sql.exec(query).toArray());

it('a rebuild goes on after the shard restarted', async () => {
  const name = unique('shard');
  const orderNo = unique('P');
  await record(name, [paid(orderNo)]);
  await until(name, () => inD1('deliveries', orderNo));
  await until(name, async () => (await sql(name, 'SELECT projected FROM marks'))[0]?.projected === 1);
  for (const table of ['orders', 'events', 'deliveries']) {
    await env.DB.prepare(`DELETE FROM ${table} WHERE order_no = ?`).bind(orderNo).run();
  }
  await ledger(name).rebuild();
  await evictDurableObject(ledger(name));
  await until(name, () => inD1('orders', orderNo));
});

it('events too large for one batch go in smaller ones', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const name = unique('shard');
  const orderNos = Array.from({ length: 100 }, () => unique('P'));
  const prepare = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, 'prepare').mockImplementation((query) => bounded(prepare(query)));
  await record(
    name,
    orderNos.map((orderNo) => paid(orderNo, { attach: 'x'.repeat(40_000) })),
  );
  await until(name, () => inD1('orders', orderNos.at(-1) ?? ''), 400);
});

/** Deployed, D1 takes no value above 2 MB; the local one takes it. */
const bounded = (statement: D1PreparedStatement): D1PreparedStatement => {
  const bind = statement.bind.bind(statement);
  statement.bind = (...values: unknown[]) => {
    if (values.some((value) => String(value).length > 2_000_000)) throw new Error('string or blob too big');
    return bind(...values);
  };
  return statement;
};

it('an event that no origin took since it was told is told as skipped', async () => {
  const name = unique('shard');
  const [first, second] = [unique('P'), unique('P')];
  takeMessages();
  await record(name, [paid(first), paid(second)], config([origin(unique('o'), { concurrent: 1 })]));
  await until(name, () => inD1('orders', second));
  expect(await sql(name, 'SELECT head FROM marks')).toEqual([{ head: 1 }]);
  await ledger(name).configure(config([], { channelVersion: 2 }));
  expect(await until(name, () => inD1('deliveries', second))).toMatchObject({ state: 'skipped' });
});

it('a registration made while the clock had stepped back is found after a restart', async () => {
  const name = unique('shard');
  const [before, after] = [unique('P'), unique('P')];
  await record(name, [paid(unique('P'))]);
  await runInDurableObject(ledger(name), async (_, { storage }) => {
    await storage.deleteAlarm(); // the first life stands still
    const dispatch = config([]);
    const shard = { env, storage, name, epoch: 'second', leaseMs: 60_000 };
    const life = (now: number) => {
      const marks = readMarks(storage.sql);
      return new Projector(shard, marks, new Dispatcher(shard, marks, now), now);
    };
    const registration = {
      amount: { minor: 5, currency: 'JPY' },
      description: null,
      expiresAt: null,
      metadata: {},
      registeredAt: 1,
    };
    const request = { v: 1, registration, idempotencyKey: null, dispatch, eventId: 'evt_x' } as const;
    const now = Date.now();
    const projector = life(now);
    for (const [orderNo, at] of [[before, now] as const, [after, now - 5_000] as const]) {
      recordRegistration(storage.sql, dispatch, { ...request, orderNo }, at);
      projector.noteChanged(orderNo, null, at);
    }
    await life(now + 1).flush(now + 1);
  });
  expect(await inD1('orders', before)).not.toBeNull();
  expect(await inD1('orders', after)).not.toBeNull();
});
