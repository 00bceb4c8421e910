// The gate of one origin as the shards meet it: real objects, real calls; the arithmetic has its own pure tests.
import { evictDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import { carry, makeOrigin, ok, takeMessages } from './delivery-world.ts';
import { fact, ledger, paid, unique } from './ledger-kit.ts';
import { makeChannel, registry } from './receive-world.ts';

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => {
  vi.restoreAllMocks();
});

const gateOf = (id: string) => env.ORIGIN_GATE.getByName(`v1:${id}`);

describe('a gate', () => {
  it('shares its permits between shards and takes back what they no longer hold', async () => {
    const gate = gateOf(unique('o'));
    const ask = { wanted: 10, allowance: { perSecond: 1_000, concurrent: 12 } };
    expect((await gate.take({ ...ask, shard: 'a', holding: 0 })).granted).toBe(10);
    expect((await gate.take({ ...ask, shard: 'b', holding: 0 })).granted).toBe(2);
    expect((await gate.take({ ...ask, shard: 'b', holding: 2 })).granted).toBe(0);
    expect((await gate.take({ ...ask, shard: 'a', wanted: 0, holding: 4 })).granted).toBe(0);
    expect((await gate.take({ ...ask, shard: 'b', holding: 2 })).granted).toBe(6);
  });

  it('that was evicted learns what is out from the shards that call', async () => {
    const gate = gateOf(unique('o'));
    const ask = { wanted: 10, allowance: { perSecond: 1_000, concurrent: 10 } };
    expect((await gate.take({ ...ask, shard: 'a', holding: 0 })).granted).toBe(10);
    await evictDurableObject(gate);
    expect((await gate.take({ ...ask, shard: 'a', holding: 10 })).granted).toBe(0);
    expect((await gate.take({ ...ask, shard: 'b', holding: 0 })).granted).toBe(0);
  });
});

describe('the shards of a channel', () => {
  async function shopWithShards(limits: { perSecond?: number; concurrent?: number }, orders: number) {
    const origin = await makeOrigin(ok, limits);
    const { id, uid } = await makeChannel({ origins: [origin.id], shards: 4 });
    const record = await registry().readChannel(id);
    if (!record) throw new Error('no channel');
    const orderNos = Array.from({ length: orders }, () => unique('W'));
    const shards = Map.groupBy(orderNos, (orderNo) => ledgerNameOf({ uid, shards: 4 }, orderNo));
    for (const [shard, mine] of shards) {
      const facts = mine.map((orderNo) => fact(paid(orderNo)));
      await ledger(shard).record({ v: 1, facts, dispatch: record.dispatch });
    }
    return { origin, orderNos };
  }

  it('together never have more posts open at an origin than it takes', async () => {
    let open = 0;
    let most = 0;
    const { origin, orderNos } = await shopWithShards({ concurrent: 2 }, 16);
    origin.respond = async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 10));
      open -= 1;
      return ok();
    };
    await vi.waitUntil(() => origin.posts.length === orderNos.length, { timeout: 20_000, interval: 50 });
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(2);
  });

  it('together never put more into the queue in a second than the origin takes', async () => {
    const taken = takeMessages();
    const at: number[] = [];
    const { origin, orderNos } = await shopWithShards({ perSecond: 5 }, 14);
    while (origin.posts.length < orderNos.length) {
      const mine = taken.splice(0).filter(({ body }) => body.originId === origin.id);
      at.push(...mine.map(() => Date.now()));
      if (mine.length > 0) await carry(mine.map(({ body }) => body));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const start of at) {
      // A permit is taken a moment before its message is seen here; the moment is what the slack is for.
      expect(at.filter((time) => time >= start && time < start + 500).length).toBeLessThanOrEqual(5);
    }
  });
});
