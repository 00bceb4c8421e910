// The isolate's copy of the registry: how long it is trusted, what an outage does to it, and what attackers cannot do.
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ChannelRecord } from '../../src/core/channel.ts';
import { REGISTRY_COPY_FRESH_MS, REGISTRY_READ_TIMEOUT_MS } from '../../src/core/limits.ts';
import type { Origin } from '../../src/core/origin.ts';
import { openCredentials, openOriginSecrets, readChannelCopy, readOriginCopy } from '../../src/store/registry-copy.ts';
import { call, credentials, makeChannel, makeOrigin, unique } from './api-world.ts';

afterEach(() => vi.restoreAllMocks());

const T = 1_790_000_000_000;
const registry = () => env.REGISTRY.getByName('registry');

/** The environment with a registry that is the real one, counted, and down or silent when told so. */
function watched() {
  const world = { asked: [] as string[], state: 'up' as 'up' | 'down' | 'silent' };
  const answer = async <T>(name: string, ask: () => Promise<T>): Promise<T> => {
    world.asked.push(name);
    if (world.state === 'down') throw new Error('the registry is down');
    return world.state === 'silent' ? new Promise<T>(() => {}) : ask();
  };
  const REGISTRY = {
    getByName: () => ({
      readChannel: (id: string) => answer(id, () => registry().readChannel(id)),
      readOrigin: (id: string) => answer(id, () => registry().readOrigin(id)),
      listChannelIds: () => answer('ids', () => registry().listChannelIds()),
    }),
  };
  return { world, env: { ...env, REGISTRY } as unknown as Env }; // a binding that can fail
}

/** Shortens the one wait that the tests must not sit through. */
function hurry() {
  const real = setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, ms: number) =>
    real(run, ms === REGISTRY_READ_TIMEOUT_MS ? 10 : ms)) as typeof setTimeout); // the same form, another delay
}

describe('the copy of a channel', () => {
  it('is trusted for ten seconds and then asked for again', async () => {
    const id = await makeChannel();
    const { world, env } = watched();
    const first = await readChannelCopy(env, id, T);
    expect(first?.channel.id).toBe(id);
    expect(await readChannelCopy(env, id, T + REGISTRY_COPY_FRESH_MS - 1)).toBe(first);
    expect(world.asked).toEqual([id]);
    await call('POST', `/v1/channels/${id}/disable`);
    const second = await readChannelCopy(env, id, T + REGISTRY_COPY_FRESH_MS);
    expect(second?.channel.status).toBe('disabled');
    expect(world.asked).toEqual([id, id]);
  });

  it('serves without limit while the registry is down, and asks no more than once a second', async () => {
    const id = await makeChannel();
    const { world, env } = watched();
    const first = await readChannelCopy(env, id, T);
    world.state = 'down';
    for (let n = 0; n < 50; n++) expect(await readChannelCopy(env, id, T + 3_600_000 + n)).toBe(first);
    expect(world.asked.length).toBe(2);
    expect(await readChannelCopy(env, id, T + 3_601_100)).toBe(first);
    expect(world.asked.length).toBe(3);
    world.state = 'up';
    expect(await readChannelCopy(env, id, T + 3_700_000)).not.toBe(first);
  });

  it('serves while the registry hangs', async () => {
    const id = await makeChannel();
    const { world, env } = watched();
    const first = await readChannelCopy(env, id, T);
    world.state = 'silent';
    hurry();
    expect(await readChannelCopy(env, id, T + 60_000)).toBe(first);
    world.state = 'up';
    expect((await readChannelCopy(env, id, T + 62_001))?.channel.version).toBe(1);
    expect(world.asked.length).toBe(3);
  });

  it('throws when there is none and nobody answers', async () => {
    const { world, env } = watched();
    world.state = 'down';
    await expect(readChannelCopy(env, await makeChannel(), T)).rejects.toThrow('the registry is down');
    world.state = 'silent';
    hurry();
    await expect(readChannelCopy(env, await makeChannel(), T)).rejects.toThrow('did not answer within');
  });

  it('is asked for once by all who miss it at the same time', async () => {
    const id = await makeChannel();
    const { world, env } = watched();
    const found = await Promise.all(Array.from({ length: 30 }, () => readChannelCopy(env, id, T)));
    expect(new Set(found).size).toBe(1);
    expect(world.asked).toEqual([id]);
  });
});

describe('an unknown id', () => {
  it('is believed unknown for two seconds, and no longer', async () => {
    const id = unique('not-yet');
    const { world, env } = watched();
    expect(await readChannelCopy(env, id, T)).toBeNull();
    expect(await readChannelCopy(env, id, T + 1_999)).toBeNull();
    expect(world.asked).toEqual([id]);
    await makeChannel({ id });
    expect((await readChannelCopy(env, id, T + 2_000))?.channel.id).toBe(id);
  });

  it('costs the registry next to nothing when thousands of them come, and known ones are still found', async () => {
    const known = await makeChannel();
    const { world, env } = watched();
    const at = T + 10_000_000;
    for (let n = 0; n < 3_000; n++) expect(await readChannelCopy(env, `guess-${n}`, at)).toBeNull();
    expect(world.asked.length).toBeLessThanOrEqual(51);
    expect((await readChannelCopy(env, known, at))?.channel.id).toBe(known);
    const late = unique('late');
    await makeChannel({ id: late });
    expect((await readChannelCopy(env, late, at + 2_000))?.channel.id).toBe(late);
  });
});

describe('questions that are never answered', () => {
  it('are not all remembered when thousands of ids are guessed meanwhile', async () => {
    const { world, env } = watched();
    world.state = 'silent';
    hurry();
    const ask = (id: string) => readChannelCopy(env, id, T + 20_000_000).catch(() => null);
    const first = unique('guess');
    await Promise.all([ask(first), ask(first)]);
    expect(world.asked).toEqual([first]);
    await Promise.all(Array.from({ length: 2_000 }, (_, n) => ask(`silence-${n}`)));
    await ask(first);
    expect(world.asked.filter((id) => id === first)).toEqual([first, first]);
  });
});

describe('the copy of an origin', () => {
  it('is asked for again at once when a newer version is needed', async () => {
    const id = await makeOrigin();
    const { world, env } = watched();
    const first = await readOriginCopy(env, id, T);
    expect(await readOriginCopy(env, id, T + 1, 1)).toBe(first);
    await call('PATCH', `/v1/origins/${id}`, { url: 'https://new.example/' });
    expect((await readOriginCopy(env, id, T + 2))?.version).toBe(1);
    expect(await readOriginCopy(env, id, T + 3, 2)).toMatchObject({ version: 2, url: 'https://new.example/' });
    expect(world.asked).toEqual([id, id]);
    world.state = 'down';
    expect(await readOriginCopy(env, id, T + 4, 3)).toMatchObject({ version: 2 });
  });
});

const recordOf = async (id: string): Promise<ChannelRecord> => {
  const record = await registry().readChannel(id);
  if (!record) throw new Error('the channel is not there');
  return record;
};
const originOf = async (id: string): Promise<Origin> => {
  const origin = await registry().readOrigin(id);
  if (!origin) throw new Error('the origin is not there');
  return origin;
};

describe('what is opened', () => {
  it('is parsed by the provider, and the same object until the credentials change', async () => {
    const id = await makeChannel();
    const key = env.TOLLGATE_MASTER_KEY;
    const first = await openCredentials(await recordOf(id), key);
    expect(first).toMatchObject(credentials);
    await call('POST', `/v1/channels/${id}/pause`);
    expect(await openCredentials(await recordOf(id), key)).toBe(first);
    await call('PATCH', `/v1/channels/${id}`, { credentials: { ...credentials, appIds: ['wx0000'] } });
    const second = await openCredentials(await recordOf(id), key);
    expect(second).not.toBe(first);
    expect(second).toMatchObject({ appIds: ['wx0000'] });
  });

  it('does not open under another master key, and is tried again afterwards', async () => {
    const { merchantSerial: _, merchantPrivateKey: __, ...without } = credentials; // so that nobody opened it before
    const record = await recordOf(await makeChannel({ credentials: without }));
    const other = btoa('another-master-key-of-32-bytes!!');
    await expect(openCredentials(record, other)).rejects.toThrow('set the old key again');
    expect(await openCredentials(record, env.TOLLGATE_MASTER_KEY)).toMatchObject({ mchId: credentials.mchId });
  });

  it('are all secrets of an origin, newest first, the same array until one changes', async () => {
    const made = await call('POST', '/v1/origins', { id: unique('origin'), url: 'https://shop.example/' });
    const id = String(made.body.id);
    const key = env.TOLLGATE_MASTER_KEY;
    const first = await openOriginSecrets(await originOf(id), key);
    expect(first).toEqual([{ kind: 'hmac', secret: made.body.secret, expiresAt: null }]);
    await call('POST', `/v1/origins/${id}/pause`);
    expect(await openOriginSecrets(await originOf(id), key)).toBe(first);
    const rotated = await call('POST', `/v1/origins/${id}/rotate`, { signature: 'ed25519' });
    const second = await openOriginSecrets(await originOf(id), key);
    expect(second.map(({ kind, secret }) => [kind, secret])).toEqual([
      ['ed25519', rotated.body.secret],
      ['hmac', made.body.secret],
    ]);
    expect(second[1]?.expiresAt).toBeGreaterThan(Date.now());
  });
});
