// How orders reach D1, slowly and after faults: each change gets there all the same.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Settlement } from '../../src/core/record.ts';
import { ClaimDesk } from '../../src/objects/claim-desk.ts';
import { Dispatcher } from '../../src/objects/dispatcher.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { Projector } from '../../src/objects/projector.ts';
import { recordRegistration } from '../../src/store/ledger-book.ts';
import { readMarks } from '../../src/store/ledger-outbox.ts';
import { takeMessages } from './delivery-world.ts';
import { config, fact, ledger, origin, paid, refunded, unique, until } from './ledger-kit.ts';

describe('a slow D1', () => {
  /** The real D1; `meanwhile` runs after each batch was written and before anybody hears of it. */
  const slowly = (db: D1Database, meanwhile: () => Promise<void>): D1Database =>
    new Proxy(db, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        if (name !== 'batch') return member.bind(target);
        return async (...given: unknown[]) => {
          const result: unknown = await Reflect.apply(member, target, given);
          await meanwhile();
          return result;
        };
      },
    });

  const delivered = (seq: number): Settlement => ({
    seq,
    originId: 'shop',
    claim: 'any',
    attempt: 1,
    outcome: 'delivered',
    at: Date.now(),
    ms: 3,
    status: 200,
    detail: '',
    retryAfterSeconds: null,
  });

  /** A second life of the shard, with its own hands on the tables, so that the test decides what comes when. */
  function secondLife(name: string, storage: DurableObjectStorage, meanwhile: () => Promise<void>) {
    const now = Date.now();
    const shard = { env: { ...env, DB: slowly(env.DB, meanwhile) }, storage, name, epoch: 'second', leaseMs: 60_000 };
    const marks = readMarks(storage.sql);
    const dispatcher = new Dispatcher(shard, marks, now);
    return { desk: new ClaimDesk(dispatcher), projector: new Projector(shard, marks, dispatcher, now) };
  }

  async function flushAll(projector: Projector): Promise<void> {
    for (let at = projector.nextAt(); at !== null; at = projector.nextAt()) await projector.flush(at);
  }

  it('tells D1 of a delivery that settled while D1 was being told of its event', async () => {
    const name = unique('shard');
    const [first, second] = [unique('C'), unique('C')];
    const dispatch = config([origin('shop', { paused: true })], { channelId: unique('ch') });
    await ledger(name).record({ v: 1, facts: [paid(first), paid(second)].map(fact), dispatch });
    await runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
      await storage.deleteAlarm(); // the first life stands still
      let batches = 0;
      const { desk, projector } = secondLife(name, storage, async () => {
        batches += 1;
        if (batches > 1) return;
        for (const { settlement, orderNo } of desk.settle([delivered(2)], Date.now(), () => 0)) {
          projector.noteChanged(orderNo, settlement.seq, Date.now());
        }
      });
      await flushAll(projector);
    });
    const states = await env.DB.prepare('SELECT order_no, state FROM deliveries WHERE channel = ?')
      .bind(dispatch.channelId)
      .all();
    expect(states.results).toEqual([{ order_no: second, state: 'delivered' }]);
  });

  it('begins from the first fact when a rebuild is asked for while D1 is being told', async () => {
    const name = unique('shard');
    const dispatch = config([], { channelId: unique('ch') });
    await ledger(name).record({ v: 1, facts: [paid('A'), paid('B')].map(fact), dispatch });
    await runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
      await storage.deleteAlarm();
      let batches = 0;
      const { projector } = secondLife(name, storage, async () => {
        batches += 1;
        if (batches > 1) return;
        await env.DB.prepare('DELETE FROM orders WHERE channel = ?').bind(dispatch.channelId).run();
        projector.rebuild(Date.now());
      });
      await flushAll(projector);
    });
    const rows = await env.DB.prepare('SELECT order_no FROM orders WHERE channel = ? ORDER BY order_no')
      .bind(dispatch.channelId)
      .all();
    expect(rows.results).toEqual([{ order_no: 'A' }, { order_no: 'B' }]);
  });
});

describe('what could keep a change from D1', () => {
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
});

describe('an order that D1 refuses for itself', () => {
  const refusing = async (eventId: string) => {
    const name = `refuse_${eventId}`;
    await env.DB.exec(
      `CREATE TRIGGER ${name} BEFORE INSERT ON events WHEN NEW.event_id = '${eventId}' ` +
        "BEGIN SELECT RAISE(ABORT, 'no such luck'); END",
    );
    return () => env.DB.exec(`DROP TRIGGER ${name}`);
  };
  const inD1 = async (channelId: string) =>
    (
      await env.DB.prepare('SELECT order_no AS orderNo, sequence FROM events WHERE channel = ? ORDER BY cursor')
        .bind(channelId)
        .all<{ orderNo: string; sequence: number }>()
    ).results.map(({ orderNo, sequence }) => `${orderNo} ${sequence}`);

  it('is set aside with an alarm, keeps no others from the lists, and comes whole when D1 takes it', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const dispatch = config([], { channelId });
    const bad = fact(paid('BAD'));
    const allow = await refusing(bad.eventId);
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const tell = (...facts: readonly ReturnType<typeof fact>[]) => ledger(name).record({ v: 1, facts, dispatch });
    await tell(fact(paid('FIRST')), bad, fact(paid('LAST')), { ...fact(refunded('BAD', 'R1')), receivedAt: 1 });
    const life = (step: (projector: Projector, sql: SqlStorage) => Promise<void>) =>
      runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
        await storage.deleteAlarm(); // the other life stands still
        const shard = { env, storage, name, epoch: 'second', leaseMs: 60_000 };
        const marks = readMarks(storage.sql);
        const projector = new Projector(shard, marks, new Dispatcher(shard, marks, Date.now()), Date.now());
        await step(projector, storage.sql);
        projector.saveMarks();
      });
    const alarms = (sql: SqlStorage) =>
      sql
        .exec<{ doc: string }>("SELECT doc FROM alarms WHERE doc LIKE '%projection_refused%'")
        .toArray()
        .map(({ doc }): unknown => JSON.parse(doc));
    await life(async (projector, sql) => {
      for (let tries = 0; tries < 30 && sql.exec('SELECT 1 FROM aside').toArray().length === 0; tries++) {
        await projector.flush(projector.nextAt() ?? 0);
      }
      for (let tries = 0; tries < 5; tries++) await projector.flush(Date.now());
      expect(projector.isBehind('BAD')).toBe(true);
      expect(alarms(sql)).toMatchObject([{ code: 'projection_refused', subject: `order/${channelId}/BAD` }]);
    });
    expect(await inD1(channelId)).toEqual(['FIRST 1', 'LAST 1']);
    await tell(fact(refunded('BAD', 'R2')));
    await life(async (projector) => {
      for (let tries = 0; tries < 5; tries++) await projector.flush(Date.now());
      expect(await inD1(channelId)).toEqual(['FIRST 1', 'LAST 1']); // nothing of it before what came first
      await projector.flush(Date.now() + 3_600_001); // still refused
      await allow();
      await projector.flush(Date.now() + 3 * 3_600_000);
    });
    expect(await inD1(channelId)).toEqual(['FIRST 1', 'LAST 1', 'BAD 1', 'BAD 2', 'BAD 3']);
    const withheld = env.DB.prepare('SELECT 1 FROM events WHERE channel = ? AND withheld <> 0').bind(channelId);
    expect(await withheld.first()).toBeNull();
    await life(async (projector, sql) => {
      expect(alarms(sql)).toMatchObject([{ detail: expect.stringContaining('no such luck') }, { ended: true }]);
      expect(projector.isBehind('BAD')).toBe(false);
    });
    vi.restoreAllMocks();
  });

  it('is not found among orders while D1 is away altogether', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    await ledger(name).record({ v: 1, facts: [fact(paid('A'))], dispatch: config([], { channelId }) });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const away = () => Promise.reject(new Error('D1 is down'));
    const DB = { batch: away, prepare: () => ({ bind: () => ({}), first: away }) } as unknown as D1Database;
    await runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
      await storage.deleteAlarm();
      const shard = { env: { ...env, DB }, storage, name, epoch: 'second', leaseMs: 60_000 };
      const marks = readMarks(storage.sql);
      const projector = new Projector(shard, marks, new Dispatcher(shard, marks, Date.now()), Date.now());
      for (let tries = 0; tries < 15; tries++) await projector.flush(projector.nextAt() ?? 0);
      expect(storage.sql.exec('SELECT 1 FROM aside').toArray()).toEqual([]);
    });
    vi.restoreAllMocks();
  });

  /** Flushes many orders into this D1, far beyond what one that refuses an order for itself needs. */
  async function flushLong(DB: D1Database, channelId: string, orders: number) {
    const name = unique('shard');
    const facts = Array.from({ length: orders }, (_, i) => fact(paid(`A${i}`)));
    await ledger(name).record({ v: 1, facts, dispatch: config([], { channelId }) });
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const after = await runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
      await storage.deleteAlarm();
      const shard = { env: { ...env, DB }, storage, name, epoch: 'second', leaseMs: 60_000 };
      const marks = readMarks(storage.sql);
      const projector = new Projector(shard, marks, new Dispatcher(shard, marks, Date.now()), Date.now());
      for (let tries = 0; tries < orders * 4; tries++) await projector.flush(projector.nextAt() ?? 0);
      return {
        aside: storage.sql.exec('SELECT 1 FROM aside').toArray().length,
        alarms: storage.sql.exec("SELECT 1 FROM alarms WHERE doc LIKE '%projection_refused%'").toArray().length,
      };
    });
    vi.restoreAllMocks();
    return after;
  }

  it('is none while D1 lacks a table or takes no writes at all', async () => {
    const batch = () => Promise.reject(new Error('D1_ERROR: no such column: withheld'));
    const DB = { batch, prepare: (sql: string) => env.DB.prepare(sql) } as unknown as D1Database;
    expect(await flushLong(DB, unique('ch'), 8)).toEqual({ aside: 0, alarms: 0 });
  });

  it('is one of few: a D1 that refuses them all is to blame itself, and no person is called for each', async () => {
    const channelId = unique('ch');
    const name = `full_${channelId.replaceAll('-', '_')}`;
    await env.DB.exec(
      `CREATE TRIGGER ${name} BEFORE INSERT ON events WHEN NEW.channel = '${channelId}' ` +
        "BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    const { aside, alarms } = await flushLong(env.DB, channelId, 30);
    await env.DB.exec(`DROP TRIGGER ${name}`);
    expect([aside, alarms]).toEqual([20, 20]);
  });
});
