// A cut between any two hops on the way from the ledger to the origin: nothing is lost, nothing overtakes, and what is
// sent twice has the same id. Faults are put into the platform's bindings and into the tables; our own code runs as is.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeliveryMessage } from '../../src/core/record.ts';
import {
  alarmsOf,
  type Carried,
  carry,
  deliveriesOf,
  dispatchOf,
  eventually,
  makeOrigin,
  makeShop,
  nextMessage,
  ok,
  onceThenOk,
  pauseOrigin,
  record,
  refuse,
  resumeOrigin,
  type ScriptedOrigin,
  type Shop,
  settled,
  takeMessages,
} from './delivery-world.ts';
import { fact, ledger, paid, refunded, unique, until } from './ledger-kit.ts';
import { paid as callback, post } from './receive-world.ts';

vi.setConfig({ testTimeout: 30_000 }); // these wait for leases and backoffs

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined); // the outages are meant
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const sql = (shop: Shop, statement: string) =>
  runInDurableObject(ledger(shop.shard), (_, { storage }) => storage.sql.exec(statement).toArray());
const idsOf = (origin: ScriptedOrigin) => origin.posts.map(({ id }) => id);
const outcomesOf = async (shop: Shop, orderNo: string) =>
  (await deliveriesOf(shop, orderNo)).flatMap(({ attempts }) => attempts.map(({ outcome }) => outcome));

/** A shop whose shard has met its channel already. */
async function openShop(...origins: ScriptedOrigin[]): Promise<Shop> {
  const shop = await makeShop(...origins);
  const orderNo = unique('OPEN');
  await record(shop, paid(orderNo));
  await settled(shop, orderNo);
  for (const origin of origins) origin.posts.length = 0;
  return shop;
}

describe('the ledger', () => {
  it('that cannot write asks the platform to call again, and the event goes once it can (pitfall 6)', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const orderNo = unique('L');
    const { body, headers } = await callback(orderNo);
    await sql(shop, 'ALTER TABLE events RENAME TO events_away');
    expect((await post(shop.channelId, body, headers)).status).toBe(503);
    expect(await sql(shop, `SELECT * FROM orders WHERE order_no = '${orderNo}'`)).toEqual([]);
    await sql(shop, 'ALTER TABLE events_away RENAME TO events');
    expect((await post(shop.channelId, body, headers)).status).toBe(204);
    await settled(shop, orderNo);
    expect(origin.posts).toHaveLength(1);
  });

  it('whose tables fail under its alarm goes on by itself once they are back', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const orderNo = unique('L');
    await record(shop, paid(orderNo));
    await sql(shop, 'ALTER TABLE events RENAME TO events_away');
    await runDurableObjectAlarm(ledger(shop.shard));
    await runDurableObjectAlarm(ledger(shop.shard));
    await sql(shop, 'ALTER TABLE events_away RENAME TO events');
    await vi.waitUntil(() => origin.posts.length === 1, { timeout: 20_000, interval: 50 });
    await settled(shop, orderNo);
  });

  it('evicted after the commit delivers all the same', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const orderNo = unique('L');
    await record(shop, paid(orderNo), refunded(orderNo, 'R1'));
    await evictDurableObject(ledger(shop.shard));
    await settled(shop, orderNo);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });
});

describe('the queue', () => {
  it('that refuses is tried again later, and nothing is lost', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const [one, two] = [unique('Q'), unique('Q')];
    const send = vi
      .spyOn(env.DELIVER, 'sendBatch')
      .mockRejectedValueOnce(new Error('overloaded'))
      .mockRejectedValueOnce(new Error('overloaded'));
    await record(shop, paid(one), paid(two));
    await eventually(shop, () => send.mock.calls.length >= 2);
    expect(origin.posts).toEqual([]);
    await settled(shop, one);
    await settled(shop, two);
    expect(origin.posts.map(({ orderNo }) => orderNo).sort()).toEqual([one, two].sort());
  });

  it('that took the messages and said that it did not sends them twice, and each is posted once', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const orderNo = unique('Q');
    const really = env.DELIVER.sendBatch.bind(env.DELIVER);
    const send = vi.spyOn(env.DELIVER, 'sendBatch').mockImplementationOnce(async (messages) => {
      await really(messages);
      throw new Error('the connection broke');
    });
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(send).toHaveBeenCalled();
    expect(origin.posts).toHaveLength(1);
  });

  it('that loses a message is asked to carry it again after the lease, in the same attempt', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('Q');
    await record(shop, paid(orderNo));
    const lost = await nextMessage(shop, taken);
    const again = await nextMessage(shop, taken);
    expect(again).toEqual(lost);
    expect(await carry([again])).toEqual({ acked: 1, retried: 0 });
    expect((await settled(shop, orderNo))[0]?.attempts).toHaveLength(1);
  });

  it('that repeats a message, at once or late, has it posted once', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('Q');
    await record(shop, paid(orderNo));
    const message = await nextMessage(shop, taken);
    expect(await carry([message, message])).toEqual({ acked: 2, retried: 0 });
    await settled(shop, orderNo);
    expect(await carry([message])).toEqual({ acked: 1, retried: 0 });
    expect(origin.posts).toHaveLength(1);
  });

  it('that brings a message of an attempt long over has it not posted', async () => {
    const origin = await makeOrigin(onceThenOk(refuse(500), 2));
    const shop = await openShopRefusing(origin);
    const taken = takeMessages();
    const orderNo = unique('Q');
    await record(shop, paid(orderNo));
    const first = await nextMessage(shop, taken);
    await carry([first]);
    const second = await nextMessage(shop, taken);
    expect([first.attempt, second.attempt]).toEqual([1, 2]);
    expect(await carry([first])).toEqual({ acked: 1, retried: 0 });
    expect(origin.posts).toHaveLength(1);
    await carry([second]);
    expect(origin.posts).toHaveLength(2);
  });

  it("that gave a message up is answered by the ledger's own next dispatch, no attempt burned", async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('Q');
    await record(shop, paid(orderNo));
    const buried = await nextMessage(shop, taken);
    expect(await carry([buried], 'deliver-dead')).toEqual({ acked: 1, retried: 0 });
    const again = await nextMessage(shop, taken);
    expect(again.attempt).toBe(1);
    await carry([again]);
    expect(await outcomesOf(shop, orderNo)).toEqual(['delivered']);
  });
});

/** A shop as openShop makes it, for an origin that refuses at first. */
async function openShopRefusing(origin: ScriptedOrigin): Promise<Shop> {
  const { respond } = origin;
  origin.respond = ok;
  const shop = await openShop(origin);
  origin.respond = respond;
  return shop;
}

describe('D1', () => {
  const down = async () => {
    await env.DB.prepare('ALTER TABLE orders RENAME TO orders_away').run();
    return () => env.DB.prepare('ALTER TABLE orders_away RENAME TO orders').run();
  };
  const rowOf = (orderNo: string) => env.DB.prepare('SELECT * FROM orders WHERE order_no = ?').bind(orderNo).first();

  it('that is down hinders neither intake nor delivery, and is told everything afterwards', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const mend = await down();
    const told = vi.spyOn(env.DB, 'batch');
    const orders = [unique('D'), unique('D'), unique('D')];
    for (const orderNo of orders) {
      const { body, headers } = await callback(orderNo);
      expect((await post(shop.channelId, body, headers)).status).toBe(204);
      await settled(shop, orderNo);
    }
    expect(origin.posts).toHaveLength(3);
    await until(shop.shard, async () => told.mock.calls.length > 0);
    await mend();
    for (const orderNo of orders) {
      expect(await until(shop.shard, () => rowOf(orderNo), 400)).toMatchObject({ state: 'paid', version: 1 });
    }
    expect(origin.posts).toHaveLength(3);
  });

  it('that hangs holds no delivery up for ever', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const hanging = vi.spyOn(env.DB, 'batch').mockImplementation(() => new Promise(() => undefined));
    const [one, two] = [unique('D'), unique('D')];
    await record(shop, paid(one));
    await until(shop.shard, async () => hanging.mock.calls.length > 0);
    await record(shop, paid(two));
    await settled(shop, two);
    expect(origin.posts).toHaveLength(2);
    hanging.mockRestore();
    await until(shop.shard, () => rowOf(two), 400);
  });
});

describe('a consumer', () => {
  const without = (method: 'settle' | 'claim' | 'confirm'): Env =>
    ({
      ...env,
      LEDGER: {
        getByName: (name: string) =>
          new Proxy(
            {},
            {
              get: (_, called) =>
                called === method
                  ? () => Promise.reject(new Error('the ledger is out of reach'))
                  : (...given: unknown[]) => Reflect.get(env.LEDGER.getByName(name), called)(...given),
            },
          ),
      },
    }) as unknown as Env; // the real bindings but for one call

  it('that dies after the post and before it settled makes it come again, with the same id', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('C');
    await record(shop, paid(orderNo), refunded(orderNo, 'R1'));
    const message = await nextMessage(shop, taken);
    expect(await carry([message], 'deliver', without('settle'))).toEqual({ acked: 0, retried: 1 });
    expect(origin.posts).toHaveLength(1);
    const again = await nextMessage(shop, taken);
    expect(again).toMatchObject({ seq: message.seq, attempt: 1 });
    await carry([again]);
    expect(new Set(idsOf(origin)).size).toBe(1);
    expect(origin.posts.map(({ body }) => body)[1]).toBe(origin.posts[0]?.body);
    while (origin.posts.length < 3) await carry([await nextMessage(shop, taken)]);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 1, 2]);
    expect(await outcomesOf(shop, orderNo)).toEqual(['delivered', 'delivered']);
  });

  it('that cannot reach the ledger posts nothing and keeps its messages', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('C');
    await record(shop, paid(orderNo));
    const message = await nextMessage(shop, taken);
    expect(await carry([message], 'deliver', without('claim'))).toEqual({ acked: 0, retried: 1 });
    expect(origin.posts).toEqual([]);
    await carry([message]);
    expect(await outcomesOf(shop, orderNo)).toEqual(['delivered']);
  });

  it('shares its messages with another: only one of them posts', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    await record(shop, paid(unique('C')));
    const message = await nextMessage(shop, taken);
    await Promise.all([carry([message]), carry([message]), carry([message])]);
    expect(origin.posts).toHaveLength(1);
  });

  it('that was given up for lost may still say delivered; then the second post’s failure is nothing', async () => {
    const answer = Promise.withResolvers<Response>();
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    origin.respond = (_, nth) => (nth === 1 ? answer.promise : new Response('no', { status: 500 }));
    const taken = takeMessages();
    const orderNo = unique('C');
    await record(shop, paid(orderNo));
    const slow = carry([await nextMessage(shop, taken)]);
    await carry([await nextMessage(shop, taken)]);
    answer.resolve(ok());
    await slow;
    const [delivery] = await settled(shop, orderNo);
    expect(delivery?.state).toBe('delivered');
    expect(origin.posts).toHaveLength(2);
    expect(new Set(idsOf(origin)).size).toBe(1);
    expect(taken.filter(({ body }) => body.shard === shop.shard)).toEqual([]);
  });
});

describe('an eviction of the shard', () => {
  type Step = 'recorded' | 'sent' | 'posting' | 'settled';
  const evict = (shop: Shop) => evictDurableObject(ledger(shop.shard));

  it.each<[Step, Step[]]>([
    ['recorded', ['recorded']],
    ['sent', ['sent']],
    ['posting', ['posting']],
    ['settled', ['settled']],
    ['recorded', ['recorded', 'sent', 'posting', 'settled']],
  ])('from %s on (%j) loses nothing and keeps the sequence', async (_, steps) => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('E');
    const done = new Set<string>();
    const at = async (step: Step) => {
      const once = `${step} ${origin.posts.length}`; // at every event, but not for ever
      if (!steps.includes(step) || done.has(once)) return;
      done.add(once);
      await evict(shop);
    };
    origin.respond = async () => {
      await at('posting');
      return ok();
    };
    await record(shop, paid(orderNo), refunded(orderNo, 'R1'), refunded(orderNo, 'R2'));
    await at('recorded');
    for (let carried = 0; origin.posts.length < 3 && carried < 20; carried++) {
      const message = await nextMessage(shop, taken);
      await at('sent');
      await carry([message]);
      await at('settled');
    }
    await settled(shop, orderNo);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(await outcomesOf(shop, orderNo)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  it('under a post that fails counts one failure and goes on up the ladder', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('E');
    origin.respond = onceThenOk(async () => {
      await evict(shop);
      return new Response('no', { status: 503 });
    });
    await record(shop, paid(orderNo));
    await carry([await nextMessage(shop, taken)]);
    const second = await nextMessage(shop, taken);
    expect(second.attempt).toBe(2);
    await carry([second]);
    expect(await outcomesOf(shop, orderNo)).toEqual(['refused', 'delivered']);
  });

  it('makes what may be with a consumer wait one lease, and what follows it too', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('E');
    await record(shop, paid(orderNo));
    const former = await nextMessage(shop, taken);
    await evict(shop);
    await record(shop, refunded(orderNo, 'R1'));
    expect(await carry([former])).toEqual({ acked: 1, retried: 0 }); // a message of the former life is refused
    expect(origin.posts).toEqual([]);
    const next = await nextMessage(shop, taken);
    expect(next.seq).toBe(former.seq);
    expect(next.epoch).not.toBe(former.epoch);
    await carry([next]);
    await carry([await nextMessage(shop, taken)]);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('lets nothing in doubt be posted twice at once: not before its lease is over', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('E');
    await record(shop, paid(orderNo));
    await nextMessage(shop, taken);
    const now = Date.now() + 1_000;
    vi.setSystemTime(now); // the clock stands still from here on
    await evict(shop);
    const sentAt = async (ms: number) => {
      vi.setSystemTime(now + ms);
      await runDurableObjectAlarm(ledger(shop.shard));
      return mine(taken, shop).length;
    };
    expect([await sentAt(0), await sentAt(299), await sentAt(300)]).toEqual([0, 0, 1]);
  });

  it('is survived because what is sent was durable as sent before', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const heads: unknown[] = [];
    const queue: Queue<DeliveryMessage> = env.DELIVER;
    const really = queue.sendBatch.bind(queue);
    vi.spyOn(queue, 'sendBatch').mockImplementation(async (messages) => {
      const [marks] = await sql(shop, 'SELECT head FROM marks');
      for (const { body } of messages) heads.push(Number(marks?.head) >= body.seq);
      return really(messages);
    });
    const orderNo = unique('E');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(heads).toEqual([true]);
  });
});

describe('the registry', () => {
  const away = () =>
    vi.spyOn(env.REGISTRY, 'getByName').mockImplementation(() => {
      throw new Error('the registry is out of reach');
    });

  it('out of reach stops no delivery to an origin that this isolate knows', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const { origins, ...dispatch } = await dispatchOf(shop);
    const outage = away();
    const orderNo = unique('R');
    // A newer version than the isolate's copy: it would ask the registry.
    const newer = { ...dispatch, origins: origins.map((one) => ({ ...one, version: one.version + 1 })) };
    await ledger(shop.shard).record({ v: 1, facts: [fact(paid(orderNo))], dispatch: newer });
    await settled(shop, orderNo);
    expect(outage).toHaveBeenCalled();
    expect(origin.posts).toHaveLength(1);
  });

  it('out of reach lets an unknown origin wait, no attempt burned', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const taken = takeMessages();
    const orderNo = unique('R');
    await record(shop, paid(orderNo));
    const message = await nextMessage(shop, taken);
    const outage = away();
    expect(await carry([message])).toEqual({ acked: 0, retried: 1 });
    outage.mockRestore();
    const again = await nextMessage(shop, taken);
    expect(again.attempt).toBe(1);
    await carry([again]);
    expect(await outcomesOf(shop, orderNo)).toEqual(['delivered']);
  });
});

describe("the origin's gate", () => {
  it('out of reach slows deliveries down and stops none', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const outage = vi.spyOn(env.ORIGIN_GATE, 'getByName').mockImplementation(() => {
      throw new Error('the gate is out of reach');
    });
    const orders = Array.from({ length: 6 }, () => unique('G'));
    await record(shop, ...orders.map((orderNo) => paid(orderNo)));
    for (const orderNo of orders) await settled(shop, orderNo);
    expect(outage).toHaveBeenCalled();
    expect(origin.posts.map(({ orderNo }) => orderNo).sort()).toEqual(orders.sort());
  });

  it('that hangs holds deliveries up no longer than its time', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const gate = { take: () => new Promise(() => undefined) };
    vi.spyOn(env.ORIGIN_GATE, 'getByName').mockReturnValue(
      gate as unknown as ReturnType<typeof env.ORIGIN_GATE.getByName>,
    );
    const orderNo = unique('G');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo);
    expect(origin.posts).toHaveLength(1);
  });

  it('whose reply is lost gives the permits again', async () => {
    const origin = await makeOrigin(ok, { concurrent: 1 });
    const shop = await openShop(origin);
    const really = env.ORIGIN_GATE.getByName.bind(env.ORIGIN_GATE);
    const lossy = vi.spyOn(env.ORIGIN_GATE, 'getByName').mockImplementation((name) => {
      const take = async (request: Parameters<ReturnType<typeof really>['take']>[0]) => {
        await really(name).take(request);
        throw new Error('the reply was lost');
      };
      return { take } as unknown as ReturnType<typeof really>;
    });
    const [one, two] = [unique('G'), unique('G')];
    await record(shop, paid(one));
    await settled(shop, one);
    expect(lossy).toHaveBeenCalled();
    lossy.mockRestore();
    await record(shop, paid(two));
    await settled(shop, two);
    expect(origin.posts).toHaveLength(2);
  });

  it('asked for a retry while the first post turns out delivered: the retry is not sent', async () => {
    const origin = await makeOrigin(refuse(500), { ladderSeconds: [0, 0, 0] });
    const shop = await makeShop(origin);
    const taken = takeMessages();
    const orderNo = unique('G');
    await record(shop, paid(orderNo));
    const message = await nextMessage(shop, taken);
    const [asked, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const really = env.ORIGIN_GATE.getByName.bind(env.ORIGIN_GATE);
    vi.spyOn(env.ORIGIN_GATE, 'getByName').mockImplementation((name) => {
      const take = async (request: Parameters<ReturnType<typeof really>['take']>[0]) => {
        const reply = await really(name).take(request);
        if (request.wanted > 0) asked.resolve();
        if (request.wanted > 0) await answer.promise;
        return reply;
      };
      return { take } as unknown as ReturnType<typeof really>;
    });
    await carry([message]);
    await asked.promise; // for the second attempt
    const { seq, originId, attempt } = message;
    const settlement = { seq, originId, attempt, claim: 'late', outcome: 'delivered', status: 200 } as const;
    await ledger(shop.shard).settle([{ ...settlement, at: 1, ms: 1, detail: '', retryAfterSeconds: null }]);
    answer.resolve();
    for (let runs = 0; runs < 5; runs++) {
      await new Promise((resolve) => setTimeout(resolve, 20)); // the flush that asked goes on now
      await runDurableObjectAlarm(ledger(shop.shard));
    }
    expect((await deliveriesOf(shop, orderNo)).map(({ state }) => state)).toEqual(['delivered']);
    expect(mine(taken, shop)).toEqual([]);
  });
});

describe('a pause', () => {
  it('between the claim and the post keeps the origin from being called', async () => {
    const gate = Promise.withResolvers<void>();
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    origin.respond = async () => {
      await gate.promise;
      return ok();
    };
    const taken = takeMessages();
    const orders = Array.from({ length: 8 }, () => unique('P'));
    await record(shop, ...orders.map((orderNo) => paid(orderNo)));
    await eventually(shop, () => mine(taken, shop).length === 8);
    const batch = carry(taken.splice(0).map(({ body }) => body)); // six at once; two wait for their turn
    await eventually(shop, () => origin.posts.length === 6);
    await pauseOrigin(origin.id);
    await new Promise((resolve) => setTimeout(resolve, 900)); // the claims are no longer fresh
    gate.resolve();
    expect(await batch).toEqual({ acked: 8, retried: 0 });
    await carry(taken.splice(0).map(({ body }) => body)); // the lease is short in tests: all went out again
    expect(origin.posts).toHaveLength(6);
    const states = (await Promise.all(orders.map((orderNo) => deliveriesOf(shop, orderNo)))).flat();
    expect(states.filter(({ state }) => state === 'paused').map(({ attempts }) => attempts)).toEqual([[], []]);
    await resumeOrigin(origin.id);
    while (origin.posts.length < 8) await carry([await nextMessage(shop, taken)]);
    for (const orderNo of orders) await settled(shop, orderNo);
    expect(origin.posts).toHaveLength(8);
  });

  it('met by a message on its way puts the delivery back, no attempt burned, and a later resume sends it', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('P');
    await record(shop, paid(orderNo), refunded(orderNo, 'R1'));
    const message = await nextMessage(shop, taken);
    await pauseOrigin(origin.id);
    expect(await carry([message])).toEqual({ acked: 1, retried: 0 });
    expect(await settled(shop, orderNo, 'paused')).toMatchObject([{ attempts: [] }, { attempts: [] }]);
    await resumeOrigin(origin.id);
    await carry([await nextMessage(shop, taken)]);
    await carry([await nextMessage(shop, taken)]);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('met by a message on its way is seen in D1 too, which was told of the event before', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    const taken = takeMessages();
    const orderNo = unique('P');
    await record(shop, paid(orderNo));
    const message = await nextMessage(shop, taken);
    const stateOf = (from: string) =>
      env.DB.prepare(`SELECT * FROM ${from} WHERE order_no = ?`).bind(orderNo).first<{ state: string }>();
    await eventually(shop, async () => (await stateOf('events')) !== null);
    await pauseOrigin(origin.id);
    await carry([message]);
    await eventually(shop, async () => (await stateOf('deliveries'))?.state === 'paused');
    expect((await deliveriesOf(shop, orderNo))[0]?.state).toBe('paused');
  });

  it('outlives an eviction', async () => {
    const origin = await makeOrigin();
    const shop = await openShop(origin);
    await pauseOrigin(origin.id);
    await evictDurableObject(ledger(shop.shard));
    const orderNo = unique('P');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo, 'paused');
    await evictDurableObject(ledger(shop.shard));
    expect(origin.posts).toEqual([]);
    await resumeOrigin(origin.id);
    await settled(shop, orderNo);
    expect(await alarmsOf(`origin/${origin.id}`)).toEqual([]);
  });
});

const mine = (taken: readonly Carried[], shop: Shop) => taken.filter(({ body }) => body.shard === shop.shard);
