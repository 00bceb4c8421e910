// What becomes of deliveries under way when something else changes: origins that come, go and change places, messages
// given up, facts that cannot be committed. Nothing is lost, nothing goes astray, and the shard comes to rest.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DispatchConfig } from '../../src/core/channel.ts';
import { BACKOFF_MS_MAX, DISPATCH_OUTSTANDING_MAX } from '../../src/core/limits.ts';
import type { DeliveryMessage, Settlement } from '../../src/core/record.ts';
import { PermitPurse } from '../../src/objects/permit-purse.ts';
import { laneWaits, releaseNext } from '../../src/store/ledger-lanes.ts';
import * as outbox from '../../src/store/ledger-outbox.ts';
import { type Carried, takeMessages } from './delivery-world.ts';
import { config, fact, ledger, origin, paid, refunded, unique, until } from './ledger-kit.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const record = (name: string, events: Parameters<typeof fact>[0][], dispatch: DispatchConfig) =>
  ledger(name).record({ v: 1, facts: events.map(fact), dispatch });
const sql = (name: string, query: string) =>
  runInDurableObject(ledger(name), (_, { storage }) => storage.sql.exec(query).toArray());
const alarmAt = (name: string) => runInDurableObject(ledger(name), (_, { storage }) => storage.getAlarm());

const messagesOf = (taken: readonly Carried[], name: string, originId: string): DeliveryMessage[] =>
  taken.map(({ body }) => body).filter((body) => body.shard === name && body.originId === originId);
const messageTo = (taken: readonly Carried[], name: string, originId: string) =>
  until(name, async () => messagesOf(taken, name, originId).at(-1));

const claim = async (name: string, { seq, originId, attempt, epoch }: DeliveryMessage) => {
  const [reply] = await ledger(name).claim([{ seq, originId, attempt, epoch }]);
  return reply;
};
const outcome = ({ seq, originId, attempt }: DeliveryMessage, change: Partial<Settlement> = {}): Settlement => ({
  seq,
  originId,
  claim: 'any',
  attempt,
  outcome: 'delivered',
  at: Date.now(),
  ms: 3,
  status: 200,
  detail: '',
  retryAfterSeconds: null,
  ...change,
});
const atRest = (name: string) => until(name, async () => (await alarmAt(name)) === null, 500);

describe('an origin that is taken off the channel', () => {
  it('while it holds a permit leaves no shard that wakes for ever', async () => {
    const [name, a] = [unique('shard'), unique('a')];
    const taken = takeMessages();
    await record(name, [paid('O1')], config([origin(a)]));
    const message = await messageTo(taken, name, a);
    await claim(name, message);
    await ledger(name).configure(config([], { channelVersion: 2 }));
    await ledger(name).settle([outcome(message)]);
    await atRest(name);
  }, 20_000);

  it('and comes back gets what was on its way when the shard restarted in between', async () => {
    const [name, a, b] = [unique('shard'), unique('a'), unique('b')];
    const taken = takeMessages();
    await record(name, [paid('O1')], config([origin(b), origin(a)]));
    await messageTo(taken, name, a);
    await ledger(name).configure(config([origin(b)], { channelVersion: 2 }));
    await evictDurableObject(ledger(name));
    await ledger(name).readOrder('O1');
    await ledger(name).configure(config([origin(b), origin(a)], { channelVersion: 3 }));
    taken.length = 0;
    const again = await messageTo(taken, name, a);
    expect((await claim(name, again))?.go).toBe(true);
  });

  it('while deliveries wait for it is told to a person', async () => {
    const [name, a] = [unique('shard'), unique('a')];
    await record(name, [paid('O1')], config([origin(a, { paused: true })]));
    await until(name, async () => (await ledger(name).readOrder('O1'))?.deliveries[0]?.state === 'paused');
    await ledger(name).configure(config([], { channelVersion: 2 }));
    const alarm = await until(name, async () => {
      const list = await env.REGISTRY.getByName('registry').listAlarms({ limit: 50, after: null });
      return list.find(({ code, subject }) => code === 'origin_removed' && subject === `origin/${a}`);
    });
    expect(alarm.detail).toMatch(/^1 deliveries/);
  });

  it('is not told to a new first origin, even when the shard restarts at once', async () => {
    const [name, a, b] = [unique('shard'), unique('a'), unique('b')];
    const taken = takeMessages();
    await record(name, [paid('O1')], config([origin(a)]));
    await messageTo(taken, name, a);
    await ledger(name).configure(config([origin(b)], { channelVersion: 2 }));
    await evictDurableObject(ledger(name));
    await record(name, [refunded('O1', 'R1')], config([origin(b)], { channelVersion: 2 }));
    await messageTo(taken, name, b);
    const sentBefore = messagesOf(taken, name, b).length;
    await until(name, async () => messagesOf(taken, name, b).length > sentBefore); // the lease of all has run out
    expect(new Set(messagesOf(taken, name, b).map(({ seq }) => seq))).toEqual(new Set([2]));
    const deliveries = (await ledger(name).readOrder('O1'))?.deliveries ?? [];
    expect(deliveries.map(({ originId, sequence }) => [originId, sequence])).toEqual([
      [a, 1],
      [b, 2],
    ]);
  });
});

it('reads of the deliveries only those that wait or fly, however many there were', async () => {
  const name = unique('shard');
  await record(name, [paid('O1')], config([]));
  await runInDurableObject(ledger(name), (_, { storage }) => {
    storage.sql.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
       INSERT INTO deliveries SELECT i, 'shop', 'order' || i, 'delivered', NULL, NULL, 1, 0, 1 FROM n`,
    );
    const read = counting(storage.sql);
    outbox.dueRows(read.sql, 'shop', Date.now(), 100);
    outbox.nextDueAt(read.sql, 'shop');
    laneWaits(read.sql, 'order1000', 'shop');
    releaseNext(read.sql, 'order1000', 'shop', Date.now(), 0);
    outbox.rowsInFlight(read.sql);
    expect(read.rows()).toBeLessThan(20);
  });
});

/** The real database, and how many rows it read. */
function counting(sql: SqlStorage) {
  const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const counted = new Proxy(sql, {
    get: (target, member) => {
      if (member !== 'exec') return Reflect.get(target, member);
      return (query: string, ...bindings: unknown[]) => {
        const cursor = target.exec(query, ...bindings);
        cursors.push(cursor);
        return cursor;
      };
    },
  });
  return { sql: counted, rows: () => cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0) };
}

describe('a paused origin', () => {
  it('does not keep the room of the others after a restart', async () => {
    const [name, a, b] = [unique('shard'), unique('a'), unique('b')];
    const taken = takeMessages();
    const both = (version: number, paused: boolean) => config([origin(a, { version, paused }), origin(b)]);
    await record(
      name,
      Array.from({ length: DISPATCH_OUTSTANDING_MAX }, (_, i) => paid(`O${i}`)),
      config([origin(a)]),
    );
    await until(name, async () => messagesOf(taken, name, a).length >= DISPATCH_OUTSTANDING_MAX);
    await evictDurableObject(ledger(name));
    await ledger(name).configure({ ...both(2, true), channelVersion: 2 });
    await record(name, [paid('LATE')], { ...both(2, true), channelVersion: 2 });
    const message = await messageTo(taken, name, b);
    expect(message.seq).toBe(DISPATCH_OUTSTANDING_MAX + 1);
    expect((await sql(name, `SELECT COUNT(*) AS n FROM deliveries WHERE reason = 'paused'`))[0]?.n).toBe(
      DISPATCH_OUTSTANDING_MAX + 1,
    );
  });
});

describe('the dead-letter consumer', () => {
  it('takes nothing from the consumer that holds the claim', async () => {
    const [name, a] = [unique('shard'), unique('a')];
    const taken = takeMessages();
    await record(name, [paid('O1')], config([origin(a)]));
    const message = await messageTo(taken, name, a);
    const reply = await claim(name, message);
    if (!reply?.go) throw new Error('the claim was refused');
    await ledger(name).nudge([message]);
    expect(await ledger(name).confirm([{ ...message, claim: reply.claim }])).toEqual([true]);
  });
});

describe('a fact that cannot be committed', () => {
  it('takes nothing from deliveries that are under way', async () => {
    const [name, a] = [unique('shard'), unique('a')];
    const taken = takeMessages();
    vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await record(name, [paid('O1')], config([origin(a)]));
    const message = await messageTo(taken, name, a);
    const reply = await claim(name, message);
    if (!reply?.go) throw new Error('the claim was refused');
    await sql(
      name,
      `CREATE TRIGGER poison BEFORE INSERT ON events WHEN NEW.order_no = 'POISON'
      BEGIN SELECT RAISE(ABORT, 'poison'); END`,
    );
    const both = await Promise.allSettled([
      record(name, [paid('POISON')], config([origin(a)])),
      record(name, [paid('O2')], config([origin(a)])),
      record(name, [paid('POISON')], config([origin(a)])),
      record(name, [paid('O3')], config([origin(a)])),
    ]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled']);
    expect(await ledger(name).confirm([{ ...message, claim: reply.claim }])).toEqual([true]);
  });
});

it('a queue that never answers is asked again, and its message goes', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const [name, a] = [unique('shard'), unique('a')];
  let calls = 0;
  vi.spyOn(env.DELIVER, 'sendBatch').mockImplementation(async (messages) => {
    const isMine = [...messages].some(({ body }) => (body as DeliveryMessage).shard === name); // all that is sent here
    if (isMine) calls += 1;
    if (isMine && calls === 1) await new Promise(() => undefined);
    return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  });
  await record(name, [paid('O1')], config([origin(a)]));
  await until(name, async () => calls > 1);
}, 20_000);

it('alarms that are more than one call takes are all raised, without anything else to wake the shard', async () => {
  const name = unique('shard');
  const orderNo = unique('P');
  await record(name, [paid(orderNo)], config([]));
  await atRest(name);
  await runInDurableObject(ledger(name), async (_, { storage }) => {
    for (let i = 0; i < 150; i++) {
      outbox.putAlarm(storage.sql, { code: 'delivery_dead', subject: `origin/${name}`, detail: `${i}`, at: i });
    }
    await storage.setAlarm(Date.now());
  });
  await until(name, async () => (await sql(name, 'SELECT COUNT(*) AS n FROM alarms'))[0]?.n === 0);
}, 20_000);

it('a gate out of reach is told of returned permits ever more rarely', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  const gate = { take: () => Promise.reject(new Error('unreachable')) };
  const ORIGIN_GATE = { ...env.ORIGIN_GATE, getByName: () => gate } as unknown as typeof env.ORIGIN_GATE; // the outage
  const purse = new PermitPurse({ ...env, ORIGIN_GATE }, 'shard');
  const waits: number[] = [];
  purse.giveBack('shop', 1);
  for (let i = 0; i < 10; i++) {
    await purse.take(origin('shop', { perSecond: 1, concurrent: 1 }), 0, i);
    expect(purse.owes).toBe(true);
    waits.push(purse.tellAfterMs);
  }
  expect(waits).toEqual([...waits].sort((a, b) => a - b));
  expect(waits.at(-1)).toBe(BACKOFF_MS_MAX);
});
