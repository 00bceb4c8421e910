// Deliveries of one order that are asked for again: the old snapshot, its lane, its header, its attempts, its record.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';
import type { ReplayRequest } from '../../src/core/replay.ts';
import {
  carry,
  deliveriesOf,
  dispatchOf,
  eventually,
  makeOrigin,
  makeShop,
  nextMessage,
  ok,
  onceThenOk,
  type Post,
  pauseOrigin,
  record,
  refuse,
  resumeOrigin,
  type Shop,
  settled,
  takeMessages,
} from './delivery-world.ts';
import { fact, ledger, paid, refunded, unique } from './ledger-kit.ts';
import { registry } from './receive-world.ts';

vi.setConfig({ testTimeout: 30_000 });
beforeEach(() => {
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ACTOR = { key: 'key_op', reason: 'the shop lost it' };
const replay = (shop: Shop, orderNo: string, change: Partial<ReplayRequest> = {}) =>
  ledger(shop.shard).replay({ v: 1, orderNo, actor: ACTOR, ...change });
const isReplay = (post: Post | undefined) => post?.headers.get('tollgate-replay') ?? null;
const attemptsOf = async (shop: Shop, orderNo: string, nth = 0) =>
  ((await deliveriesOf(shop, orderNo))[nth]?.attempts ?? []).map(({ attempt, outcome }) => `${attempt} ${outcome}`);

/** A shop with an order that was paid and given back, both delivered. */
async function told(respond = ok, ladderSeconds = [0, 0]) {
  const origin = await makeOrigin(respond, { ladderSeconds });
  const shop = await makeShop(origin);
  const orderNo = unique('R');
  await record(shop, paid(orderNo), refunded(orderNo, 'R1'));
  await settled(shop, orderNo);
  return { origin, shop, orderNo };
}

describe('a replay', () => {
  it('of what was delivered sends the same event with its old sequence, and says that it is one', async () => {
    const { origin, shop, orderNo } = await told();
    const [first] = origin.posts;
    expect(origin.posts.map(isReplay)).toEqual([null, null]);
    expect(await replay(shop, orderNo, { sequence: 1 })).toEqual({ kind: 'replayed', deliveries: 1 });
    await eventually(shop, () => origin.posts.length === 3);
    const again = origin.posts.at(-1);
    expect([again?.id, again?.body, isReplay(again)]).toEqual([first?.id, first?.body, 'true']);
    await vi.waitUntil(async () => (await attemptsOf(shop, orderNo)).length === 2);
    expect(await attemptsOf(shop, orderNo)).toEqual(['1 delivered', '2 delivered']);
    expect((await deliveriesOf(shop, orderNo)).map(({ state }) => state)).toEqual(['delivered', 'delivered']);
  });

  it('of what is dead climbs the ladder anew, keeps the old attempts, and is no replay to the origin', async () => {
    const origin = await makeOrigin(onceThenOk(refuse(500), 3), { ladderSeconds: [0, 0] });
    const shop = await makeShop(origin);
    const orderNo = unique('R');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo, 'dead');
    expect(await replay(shop, orderNo)).toEqual({ kind: 'replayed', deliveries: 1 });
    await settled(shop, orderNo);
    expect(await attemptsOf(shop, orderNo)).toEqual(['1 refused', '2 refused', '3 refused', '4 delivered']);
    expect(origin.posts.map(isReplay)).toEqual([null, null, null, null]);
  });

  it('of a whole order goes in its sequence, one at a time, before what comes later', async () => {
    const { origin, shop, orderNo } = await told();
    origin.posts.length = 0;
    origin.respond = onceThenOk(refuse(500));
    expect(await replay(shop, orderNo)).toEqual({ kind: 'replayed', deliveries: 2 });
    await record(shop, refunded(orderNo, 'R2'));
    await settled(shop, orderNo);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 1, 2, 3]);
    expect(origin.posts.map(isReplay)).toEqual(['true', 'true', 'true', null]);
    expect(origin.mostOpen).toBe(1);
  });

  it('waits behind an event of its order that is on its way', async () => {
    const { origin, shop, orderNo } = await told();
    const taken = takeMessages();
    await record(shop, refunded(orderNo, 'R2'));
    const third = await nextMessage(shop, taken);
    expect(await replay(shop, orderNo, { sequence: 1 })).toEqual({ kind: 'replayed', deliveries: 1 });
    expect((await deliveriesOf(shop, orderNo))[0]).toMatchObject({ state: 'waiting', reason: 'behind' });
    await carry([third]);
    while (origin.posts.length < 4) await carry([await nextMessage(shop, taken)]);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 1]);
  });

  it('survives the restart of its shard', async () => {
    const { origin, shop, orderNo } = await told();
    await replay(shop, orderNo);
    await evictDurableObject(ledger(shop.shard));
    await eventually(shop, () => origin.posts.length === 4);
    await settled(shop, orderNo);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 2, 1, 2]);
  });

  it('is not taken for done when its consumer of before settles once more', async () => {
    const { shop, orderNo } = await told();
    await pauseOrigin((await dispatchOf(shop)).origins[0]?.id ?? '');
    await replay(shop, orderNo, { sequence: 1 });
    const [{ originId = '' } = {}] = await deliveriesOf(shop, orderNo);
    const settlement = { seq: 1, originId, claim: 'old', attempt: 1, outcome: 'delivered', status: 200 } as const;
    await ledger(shop.shard).settle([{ ...settlement, at: 1, ms: 1, detail: '', retryAfterSeconds: null }]);
    expect((await deliveriesOf(shop, orderNo))[0]?.state).toBe('paused');
    await resumeOrigin(originId);
    await settled(shop, orderNo);
    expect(await attemptsOf(shop, orderNo)).toEqual(['1 delivered', '2 delivered']);
  });

  it('is on record: who, why, and what went where', async () => {
    const { origin, shop, orderNo } = await told();
    await replay(shop, orderNo, { sequence: 2 });
    const detail = await ledger(shop.shard).readOrder(orderNo);
    const [{ eventId = '' } = {}] = detail?.deliveries.filter(({ sequence }) => sequence === 2) ?? [];
    expect(detail?.timeline.filter(({ kind }) => kind === 'act')).toMatchObject([
      { act: 'replayed', actor: 'key_op', reason: 'the shop lost it', about: `${eventId} to ${origin.id}` },
    ]);
  });

  it('by a bulk replay moves a delivery once, however often it asks', async () => {
    const { origin, shop, orderNo } = await told();
    const job = { sequence: 1, job: 'rpl_1' };
    expect(await replay(shop, orderNo, job)).toEqual({ kind: 'replayed', deliveries: 1 });
    await eventually(shop, () => origin.posts.length === 3);
    await settled(shop, orderNo);
    expect(await replay(shop, orderNo, job)).toEqual({ kind: 'nothing', why: 'done' });
    expect(await replay(shop, orderNo, { ...job, job: 'rpl_2' })).toEqual({ kind: 'replayed', deliveries: 1 });
  });
});

describe('a replay moves nothing', () => {
  it('that is on its way, or that nobody knows', async () => {
    const origin = await makeOrigin(refuse(500), { ladderSeconds: [0, 3_600] });
    const shop = await makeShop(origin);
    const orderNo = unique('R');
    await record(shop, paid(orderNo));
    await eventually(shop, () => origin.posts.length === 1);
    await vi.waitUntil(async () => (await deliveriesOf(shop, orderNo))[0]?.reason === 'retry');
    expect(await replay(shop, orderNo)).toEqual({ kind: 'nothing', why: 'under_way' });
    expect(await replay(shop, orderNo, { sequence: 2 })).toEqual({ kind: 'missing' });
    expect(await replay(shop, orderNo, { eventId: 'evt_nobody' })).toEqual({ kind: 'missing' });
    expect(await replay(shop, unique('R'))).toEqual({ kind: 'missing' });
    expect(await replay(shop, orderNo, { originId: 'elsewhere' })).toEqual({ kind: 'nothing', why: 'no_origin' });
  });

  it('that waits for a person', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const orderNo = unique('R');
    const hold = ['paid_twice'] as const;
    const dispatch = { ...(await dispatchOf(shop)), settings: { ...DEFAULT_CHANNEL_SETTINGS, hold } };
    const tell = (...events: Parameters<typeof fact>[0][]) =>
      ledger(shop.shard).record({ v: 1, facts: events.map(fact), dispatch });
    await tell(paid(orderNo));
    await settled(shop, orderNo);
    await tell(paid(orderNo, { transactionId: 'tx-twice' }));
    await eventually(shop, () => origin.posts.length === 1);
    await vi.waitUntil(async () => (await deliveriesOf(shop, orderNo))[1]?.state === 'held');
    expect(await replay(shop, orderNo, { sequence: 2 })).toEqual({ kind: 'nothing', why: 'held' });
    expect(await replay(shop, orderNo)).toEqual({ kind: 'replayed', deliveries: 1 });
    await eventually(shop, () => origin.posts.length === 2);
    expect(origin.posts.map(({ sequence }) => sequence)).toEqual([1, 1]);
  });
});

describe('an event that nobody was told', () => {
  const refundsOnly = {
    settings: {
      filter: { types: ['refund.succeeded' as const], states: [], flags: [], channels: [], amount: null, metadata: {} },
    },
  };

  it('goes to the origin that is named, whatever its filter says', async () => {
    const origin = await makeOrigin(ok, refundsOnly);
    const shop = await makeShop(origin);
    const orderNo = unique('R');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo, 'skipped');
    expect(await replay(shop, orderNo)).toEqual({ kind: 'nothing', why: 'no_origin' });
    expect(await replay(shop, orderNo, { originId: origin.id })).toEqual({ kind: 'replayed', deliveries: 1 });
    const deliveries = await settled(shop, orderNo);
    expect(deliveries).toMatchObject([{ originId: origin.id, state: 'delivered' }]);
    expect(origin.posts.map(isReplay)).toEqual([null]);
  });

  it('goes to the origins that came later and take it', async () => {
    const shop = await makeShop();
    const orderNo = unique('R');
    await record(shop, paid(orderNo));
    await settled(shop, orderNo, 'skipped');
    const [all, picky] = [await makeOrigin(), await makeOrigin(ok, refundsOnly)];
    const stamp = { now: Date.now(), key: null, digest: '' };
    await registry().updateChannel(shop.channelId, { origins: [all.id, picky.id] }, stamp);
    expect(await replay(shop, orderNo)).toEqual({ kind: 'replayed', deliveries: 1 });
    await settled(shop, orderNo);
    expect([all.posts.length, picky.posts.length]).toEqual([1, 0]);
    const marks = await runInDurableObject(ledger(shop.shard), (_, { storage }) =>
      storage.sql.exec('SELECT COUNT(*) AS n FROM deliveries').one(),
    );
    expect(marks).toEqual({ n: 1 });
  });

  it('at all gets to a new origin by its name, beside those that had it', async () => {
    const { origin, shop, orderNo } = await told();
    const late = await makeOrigin();
    const stamp = { now: Date.now(), key: null, digest: '' };
    await registry().updateChannel(shop.channelId, { origins: [origin.id, late.id] }, stamp);
    expect(await replay(shop, orderNo, { originId: late.id })).toEqual({ kind: 'replayed', deliveries: 2 });
    await eventually(shop, () => late.posts.length === 2);
    expect(late.posts.map((post) => [post.sequence, isReplay(post)])).toEqual([
      [1, null],
      [2, null],
    ]);
    expect(origin.posts).toHaveLength(2);
  });
});
