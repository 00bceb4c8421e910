// GET /v1/events: the merchant who pulls gets what an origin gets, each event once, whatever happens between the commit
// and the database of lists.
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { Tollgate, TollgateProblem } from '../../clients/typescript/tollgate.ts';
import { DEFAULT_CHANNEL_SETTINGS, ledgerNameOf } from '../../src/core/channel.ts';
import { DAY_MS } from '../../src/core/limits.ts';
import { renderStandard } from '../../src/formats/standard.ts';
import { pruneLists } from '../../src/store/prune-lists.ts';
import { ADMIN_KEY, call, type Json, makeChannel, makeKey } from './api-world.ts';
import { config, fact, ledger, paid, refunded, unique, until } from './ledger-kit.ts';

const read = (query: string) => call('GET', `/v1/events${query}`);
const idsOf = (items: Json): string[] => [...items].map(({ data }) => String(data?.id));
const record = (name: string, events: Parameters<typeof fact>[0][], dispatch = config([])) =>
  ledger(name).record({ v: 1, facts: events.map(fact), dispatch });

/** Everything from a cursor on, as a client that follows `next` gets it. */
async function follow(after: string | null, channel: string, limit = 100) {
  const items: Json[] = [];
  let next = after;
  for (;;) {
    const { body } = await read(`?channel=${channel}&limit=${limit}${next === null ? '' : `&after=${next}`}`);
    items.push(...(body.items ?? []));
    next = String(body.next);
    if (String(body.more) !== 'true') return { items, next };
  }
}

/** Lets the shard tell D1 until the feed of the channel has so many events. */
const untilFed = (name: string, channel: string, count: number) =>
  until(name, async () => {
    const found = await follow(null, channel);
    return found.items.length >= count && found;
  });

const registration = { description: null, expiresAt: null, metadata: {}, registeredAt: 1_790_000_000_000 };
const register = (name: string, orderNo: string, minor: number, dispatch: ReturnType<typeof config>) =>
  ledger(name).register({
    v: 1,
    orderNo,
    registration: { ...registration, amount: { minor, currency: 'CNY' } },
    dispatch,
    eventId: `evt_${unique('r')}`,
  });

const newest = async () => String((await read('?after=latest')).body.next);

describe('the feed', () => {
  it('has the bytes that an origin gets, oldest first, and `next` leads on without a gap', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const dispatch = config([], { channelId });
    await record(name, [paid('A'), refunded('A', 'R1'), paid('B'), paid('C')], dispatch);
    await untilFed(name, channelId, 4);
    const { text } = await read(`?channel=${channelId}`);
    const told = await ledger(name).readTold('A', { sequence: 2 });
    expect(text).toContain(renderStandard(told?.type ?? '', told?.occurredAt ?? 0, told?.data ?? '').body);
    const all = idsOf(JSON.parse(text).items);
    expect(new Set(all).size).toBe(4);
    for (const limit of [1, 3]) expect(idsOf(toJson((await follow(null, channelId, limit)).items))).toEqual(all);
    const refunds = await read(`?channel=${channelId}&type=refund.succeeded`);
    expect(idsOf(refunds.body.items ?? toJson([]))).toEqual([all[1]]);
  });

  it('gives each event once, in the sequence of its order, while shards go on writing', async () => {
    const channelId = unique('ch');
    const names = [unique('shard'), unique('shard'), unique('shard')];
    const dispatch = config([], { channelId });
    let next = await newest();
    const seen: Json[] = [];
    let writing = true;
    const write = async (name: string) => {
      for (let round = 0; round < 6; round++) {
        const orderNo = `${name}-${round}`;
        await record(name, [paid(orderNo), refunded(orderNo, 'R1'), refunded(orderNo, 'R2')], dispatch);
        await runDurableObjectAlarm(ledger(name));
      }
    };
    const reader = (async () => {
      while (writing || seen.length < 54) {
        const { body } = await read(`?channel=${channelId}&limit=5&after=${next}&wait=1`);
        seen.push(...(body.items ?? []));
        next = String(body.next);
        if (!writing) await Promise.all(names.map((name) => runDurableObjectAlarm(ledger(name))));
      }
    })();
    await Promise.all(names.map(write));
    writing = false;
    await reader;
    expect(new Set(idsOf(toJson(seen))).size).toBe(54);
    expect(seen).toHaveLength(54);
    const sequences = new Map<string, number[]>();
    for (const { data } of seen) {
      const orderNo = String(data?.order?.orderNo);
      sequences.set(orderNo, [...(sequences.get(orderNo) ?? []), Number(data?.sequence)]);
    }
    expect([...sequences.values()].every((found) => found.join() === '1,2,3')).toBe(true);
  });

  it('waits for an event, and answers without one when the time is over', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const after = await newest();
    const waiting = read(`?channel=${channelId}&after=${after}&wait=20`);
    await record(name, [paid('W')], config([], { channelId }));
    await untilFed(name, channelId, 1);
    expect([...((await waiting).body.items ?? [])]).toHaveLength(1);
    const none = await read(`?channel=${unique('ch')}&wait=1`);
    expect(none.body).toMatchObject({ items: [], more: false });
  });

  it('leads a reader of a rare channel past what is not for it', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const after = await newest();
    const rows = Array.from({ length: 4_100 }, (_, n) => ({ id: unique('other'), n }));
    await env.DB.prepare(
      `INSERT INTO events (event_id, channel, order_no, type, verdict, source, occurred_at, received_at, data)
       SELECT value ->> '$.id', 'elsewhere', 'X', 'payment.failed', 'applied', 'callback', 1, 1, '{}'
       FROM json_each(?)`,
    )
      .bind(JSON.stringify(rows))
      .run();
    await record(name, [paid('R')], config([], { channelId }));
    const first = await read(`?channel=${channelId}&after=${after}&wait=5`);
    expect(first.body).toMatchObject({ items: [], more: true });
    const found = await until(name, async () => {
      const { items } = await follow(after, channelId);
      return items.length > 0 && items;
    });
    expect(found).toHaveLength(1);
  });
});

const toJson = (items: readonly Json[]): Json => JSON.parse(JSON.stringify(items));

describe('what waits', () => {
  const holding = (channelId: string) =>
    config([], { channelId, settings: { ...DEFAULT_CHANNEL_SETTINGS, hold: ['overpaid'] } });
  const settle = (name: string, orderNo: string, discard: boolean) =>
    ledger(name).release({ v: 1, orderNo, actor: { key: 'key_a', reason: 'looked' }, discard });

  async function held(orderNo: string) {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const dispatch = holding(channelId);
    await register(name, orderNo, 60, dispatch);
    await record(name, [paid(orderNo), refunded(orderNo, 'R1'), paid('FREE')], dispatch);
    const { items, next } = await untilFed(name, channelId, 1);
    expect(items.map(({ data }) => String(data?.order?.orderNo))).toEqual(['FREE']);
    return { name, channelId, dispatch, next };
  }

  it('is not in the feed while it is held, and comes in sequence when it is released', async () => {
    const { name, channelId, dispatch, next } = await held('H1');
    await settle(name, 'H1', false);
    await record(name, [refunded('H1', 'R2')], dispatch);
    await untilFed(name, channelId, 4);
    const { items } = await follow(next, channelId);
    expect(items.map(({ data }) => `${data?.order?.orderNo} ${data?.sequence}`)).toEqual(['H1 1', 'H1 2', 'H1 3']);
  });

  it('comes though the ledger restarted between the release and the projection', async () => {
    const { name, channelId, next } = await held('H2');
    await settle(name, 'H2', false);
    await evictDurableObject(ledger(name));
    await untilFed(name, channelId, 3);
    expect((await follow(next, channelId)).items).toHaveLength(2);
  });

  it('never comes when it was discarded, after a rebuild neither', async () => {
    const { name, channelId, dispatch, next } = await held('H3');
    await settle(name, 'H3', true);
    await ledger(name).rebuild();
    await record(name, [paid('AFTER')], dispatch);
    await untilFed(name, channelId, 2);
    const { items } = await follow(next, channelId);
    expect(items.map(({ data }) => String(data?.order?.orderNo))).toEqual(['AFTER']);
  });

  it('comes when the order that it was parked for is registered', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const dispatch = config([], { channelId, mode: 'registered' });
    await record(name, [paid('P1')], dispatch);
    await until(name, () => env.DB.prepare('SELECT 1 FROM events WHERE channel = ?').bind(channelId).first());
    const { items, next } = await follow(null, channelId);
    expect(items).toEqual([]);
    await register(name, 'P1', 100, dispatch);
    await until(name, async () => (await follow(next, channelId)).items.length === 1);
  });
});

describe('what waited longer than the lists are kept', () => {
  const LONG_AGO = Date.now() - 800 * DAY_MS;
  const numbersOf = (items: readonly Json[]) => items.map(({ data }) => `${data?.order?.orderNo} ${data?.sequence}`);

  it('comes once it is released, in sequence and only once, behind all that was given', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const hold = { ...DEFAULT_CHANNEL_SETTINGS, hold: ['overpaid' as const] };
    const dispatch = config([], { channelId, settings: hold });
    await register(name, 'OLD', 60, dispatch);
    const old = [paid('OLD'), refunded('OLD', 'R1')].map((event) => ({ ...fact(event), receivedAt: LONG_AGO }));
    await ledger(name).record({ v: 1, facts: [...old, fact(paid('FREE'))], dispatch });
    const { next } = await untilFed(name, channelId, 1);
    await ledger(name).release({ v: 1, orderNo: 'OLD', actor: { key: 'key_a', reason: 'looked' }, discard: false });
    await until(name, async () => (await follow(next, channelId)).items.length === 2);
    const { items, next: after } = await follow(next, channelId);
    expect(numbersOf(items)).toEqual(['OLD 1', 'OLD 2']);
    // Let go of by the lists, and brought back by a rebuild and by each change of the order: nobody is told again.
    const { results } = await env.DB.prepare(
      'SELECT event_id AS id, received_at AS at FROM events WHERE channel = ? AND order_no = ?',
    )
      .bind(channelId, 'OLD')
      .all<{ id: string; at: number }>();
    await pruneLists(env.DB, results);
    await ledger(name).rebuild();
    await record(name, [refunded('OLD', 'R2')], dispatch);
    await until(
      name,
      async () =>
        (await env.DB.prepare('SELECT 1 FROM events WHERE channel = ? AND sequence = 3').bind(channelId).first()) !==
        null,
    );
    await record(name, [refunded('OLD', 'R3')], dispatch);
    await until(name, async () => (await follow(after, channelId)).items.length === 2);
    expect(numbersOf((await follow(after, channelId)).items)).toEqual(['OLD 3', 'OLD 4']);
  });

  it('comes once the order that it was parked for is registered', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const dispatch = config([], { channelId, mode: 'registered' });
    await ledger(name).record({ v: 1, facts: [{ ...fact(paid('P2')), receivedAt: LONG_AGO }], dispatch });
    await until(name, () => env.DB.prepare('SELECT 1 FROM events WHERE channel = ?').bind(channelId).first());
    const { next } = await follow(null, channelId);
    await register(name, 'P2', 100, dispatch);
    await until(name, async () => (await follow(next, channelId)).items.length === 1);
  });
});

describe('a cursor', () => {
  it('is refused when the database began anew, was set back, or has let go of what came after', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    await record(name, [paid('G1'), paid('G2')], config([], { channelId }));
    await untilFed(name, channelId, 2);
    const { body } = await read(`?channel=${channelId}&limit=1`);
    const cursorOf = (place: unknown) => btoa(JSON.stringify(place)).replace(/=+$/, '');
    const [generation, place] = JSON.parse(atob(String(body.next)));
    for (const other of [
      ['f'.repeat(16), place],
      [generation, 999_999_999],
    ]) {
      const reply = await read(`?after=${cursorOf(other)}&wait=20`);
      expect([reply.status, reply.body.code]).toEqual([410, 'cursor_gone']);
    }
    expect((await read('?after=WzFd')).status).toBe(422);
    const { results } = await env.DB.prepare('SELECT event_id AS id, received_at AS at FROM events WHERE channel = ?')
      .bind(channelId)
      .all<{ id: string; at: number }>();
    await pruneLists(env.DB, results);
    expect((await read(`?channel=${channelId}&after=${body.next}`)).status).toBe(410);
    expect((await read(`?channel=${unique('ch')}&after=${body.next}`)).status).toBe(200);
    expect((await follow(null, channelId)).items).toEqual([]);
  });

  it('is good still when only what the feed never showed was let go of', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    await record(name, [paid('H1'), paid('H2')], config([], { channelId }));
    const { next } = await untilFed(name, channelId, 2);
    const [generation, place] = JSON.parse(atob(String(next)));
    const before = btoa(JSON.stringify([generation, place - 1])).replace(/=+$/, '');
    const all = env.DB.prepare('SELECT event_id AS id, received_at AS at FROM events WHERE channel = ?').bind(
      channelId,
    );
    await env.DB.prepare('UPDATE events SET withheld = 1 WHERE channel = ?').bind(channelId).run();
    await pruneLists(env.DB, (await all.all<{ id: string; at: number }>()).results);
    expect((await read(`?channel=${channelId}&after=${before}`)).status).toBe(200);
  });

  it('meets nothing again that a rebuild brings back', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const old = { ...fact(paid('OLD')), receivedAt: Date.now() - 800 * DAY_MS };
    const dispatch = config([], { channelId });
    await ledger(name).record({ v: 1, facts: [old, fact(paid('NEW'))], dispatch });
    const { next } = await untilFed(name, channelId, 1);
    await ledger(name).rebuild();
    await record(name, [paid('LAST')], dispatch);
    await untilFed(name, channelId, 2);
    const { items } = await follow(next, channelId);
    expect(items.map(({ data }) => String(data?.order?.orderNo))).toEqual(['LAST']);
  });

  it('needs the scope read', async () => {
    expect((await call('GET', '/v1/events', undefined, { key: await makeKey('metrics') })).status).toBe(403);
  });
});

describe('the TypeScript client', () => {
  const tollgate = (key = ADMIN_KEY) =>
    new Tollgate({ url: 'http://127.0.0.1:8787/', key, fetch: (request) => exports.default.fetch(request) });

  it('registers, reads and lists orders, and says what is wrong by a stable code', async () => {
    const [channel, orderNo] = [await makeChannel(), unique('ORDER/1')];
    const body = { channel, orderNo, amount: { minor: 250, currency: 'CNY' }, metadata: { table: '7' } };
    const made = await tollgate().call('POST /v1/orders', { body }, { idempotencyKey: orderNo });
    expect(made.order.amount).toEqual({ minor: 250, currency: 'CNY' });
    const read = await tollgate().call('GET /v1/orders/{channel}/{orderNo}', { path: { channel, orderNo } });
    expect([read.order.state, read.order.metadata.table, read.payment]).toEqual(['pending', '7', null]);
    const listed = await until(await shardOf(channel, orderNo), async () => {
      const page = await tollgate().call('GET /v1/orders', { query: { channel, limit: 10 } });
      return page.items.length > 0 && page;
    });
    expect([listed.items[0]?.orderNo, listed.next]).toEqual([orderNo, null]);
    const other = { ...body, amount: { minor: 1.5, currency: 'CNY' } };
    await expect(tollgate().call('POST /v1/orders', { body: other })).rejects.toMatchObject({
      name: 'TollgateProblem',
      status: 422,
      code: 'validation_failed',
      errors: [{ field: 'amount.minor' }],
    });
    await expect(tollgate('tg_nobody').call('GET /v1/me')).rejects.toBeInstanceOf(TollgateProblem);
  });

  it('follows the feed from a cursor on', async () => {
    const [name, channelId] = [unique('shard'), unique('ch')];
    const { next: after } = await tollgate().call('GET /v1/events', { query: { after: 'latest' } });
    await record(name, [paid('F1'), paid('F2')], config([], { channelId }));
    await untilFed(name, channelId, 2);
    const seen: string[] = [];
    for await (const { items } of tollgate().feed({ after, channel: channelId, limit: 1 })) {
      seen.push(...items.map(({ data }) => `${data.order.orderNo} ${data.order.paid?.minor}`));
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['F1 100', 'F2 100']);
  });
});

async function shardOf(channel: string, orderNo: string): Promise<string> {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  if (!record) throw new Error('the channel was just made');
  return ledgerNameOf(record.channel, orderNo);
}
