// The registry object: versions, pushes to the shards, alarms, and downloads of provider keys within their bounds.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Alarm } from '../../src/core/alarm.ts';
import { DEFAULT_CHANNEL_SETTINGS, type DispatchConfig, shardNameOf } from '../../src/core/channel.ts';
import {
  CHANNEL_PAUSED_LONG_MS,
  KEY_REFRESH_INTERVAL_MAX_MS,
  KEY_REFRESH_INTERVAL_MIN_MS,
} from '../../src/core/limits.ts';
import { DEFAULT_ORIGIN_SETTINGS } from '../../src/core/origin.ts';
import { readChannelRow } from '../../src/store/registry-channels.ts';
import { readOriginRow } from '../../src/store/registry-origins.ts';
import { prepareRegistryTables } from '../../src/store/registry-schema.ts';
import { call, credentials, identity, makeChannel, makeOrigin, playProvider, unique } from './api-world.ts';

afterEach(() => vi.restoreAllMocks());

/** The namespace itself, whatever a test puts in its place. */
const ledgers = env.LEDGER;
const registry = () => env.REGISTRY.getByName('registry');
const quiet = () => vi.spyOn(console, 'warn').mockImplementation(() => undefined);

/** A channel whose shards all have storage, because an order lives in each. */
async function livingChannel(origins: readonly string[], more: object = {}): Promise<{ id: string; shards: string[] }> {
  const id = await makeChannel({ origins, ...more });
  const record = await registry().readChannel(id);
  if (!record) throw new Error('the channel is not there');
  for (let n = 0; n < 12; n++) {
    const order = { channel: id, orderNo: unique('LIVE'), amount: { minor: 1, currency: 'CNY' } };
    await call('POST', '/v1/orders', order);
  }
  const shards = Array.from({ length: record.channel.shards }, (_, shard) => shardNameOf(record.channel, shard));
  return { id, shards };
}

/** What a shard keeps of the configuration, read from its own database. */
const configOf = (shard: string): Promise<DispatchConfig> =>
  runInDurableObject(ledgers.getByName(shard), (_, { storage }) =>
    JSON.parse(storage.sql.exec<{ config: string }>('SELECT config FROM marks').one().config),
  );

const pausedOf = async (shards: readonly string[], origin: string) =>
  Promise.all(shards.map(async (shard) => (await configOf(shard)).origins.find(({ id }) => id === origin)?.paused));

describe('a pause of an origin', () => {
  it('is known to every shard of every channel that has the origin before the reply', async () => {
    const origin = await makeOrigin();
    const one = await livingChannel([origin]);
    const two = await livingChannel([await makeOrigin(), origin]);
    const shards = [...one.shards, ...two.shards];
    const paused = await registry().pauseOrigin({ id: origin, version: null, reason: 'operator', now: Date.now() });
    expect(paused).toMatchObject({ status: 'paused', pauseReason: 'operator', version: 2 });
    expect(await pausedOf(shards, origin)).toEqual(shards.map(() => true));
    const resumed = await registry().resumeOrigin({ id: origin, version: null, now: Date.now() });
    expect(resumed).toMatchObject({ status: 'active', pauseReason: null, version: 3 });
    expect(await pausedOf(shards, origin)).toEqual(shards.map(() => false));
  });

  it('is ignored when it speaks of an older version than the one that stands', async () => {
    const origin = await makeOrigin();
    await call('PATCH', `/v1/origins/${origin}`, { url: 'https://new.example/' });
    const late = await registry().pauseOrigin({ id: origin, version: 1, reason: 'gone', now: Date.now() });
    expect(late).toMatchObject({ status: 'active', version: 2 });
    const true_ = await registry().pauseOrigin({ id: origin, version: 2, reason: 'gone', now: Date.now() });
    expect(true_).toMatchObject({ status: 'paused', pauseReason: 'gone', version: 3 });
  });

  it('changes nothing the second time, and a person’s pause outlasts one for being gone', async () => {
    const origin = await makeOrigin();
    const pause = (reason: 'operator' | 'gone') =>
      registry().pauseOrigin({ id: origin, version: null, reason, now: Date.now() });
    expect(await pause('gone')).toMatchObject({ version: 2, pauseReason: 'gone' });
    expect(await pause('gone')).toMatchObject({ version: 2 });
    expect(await pause('operator')).toMatchObject({ version: 3, pauseReason: 'operator' });
    expect(await pause('gone')).toMatchObject({ version: 3, pauseReason: 'operator' });
  });

  it('of an origin that is not there answers null', async () => {
    const now = Date.now();
    expect(await registry().pauseOrigin({ id: 'nowhere', version: null, reason: 'gone', now })).toBeNull();
    expect(await registry().resumeOrigin({ id: 'nowhere', version: null, now })).toBeNull();
  });
});

describe('a change of a channel', () => {
  it('is known to its shards before the reply: pause, resume, other origins', async () => {
    const [first, second] = [await makeOrigin(), await makeOrigin({ perSecond: 7 })];
    const { id, shards } = await livingChannel([first]);
    await call('POST', `/v1/channels/${id}/pause`);
    expect((await Promise.all(shards.map(configOf))).map(({ paused }) => paused)).toEqual(shards.map(() => true));
    await call('POST', `/v1/channels/${id}/resume`);
    await call('PATCH', `/v1/channels/${id}`, { origins: [second] });
    for (const config of await Promise.all(shards.map(configOf))) {
      expect(config).toMatchObject({ paused: false, channelVersion: 4, origins: [{ id: second, perSecond: 7 }] });
    }
  });

  it('is known to its shards before the reply: mode and settings', async () => {
    const { id, shards } = await livingChannel([]);
    const configs = () => Promise.all(shards.map(configOf));
    for (const config of await configs()) expect(config.settings.parkAgeSeconds).toBe(600);
    await call('PATCH', `/v1/channels/${id}`, { mode: 'registered', settings: { hold: ['overpaid'] } });
    for (const config of await configs()) {
      expect(config).toMatchObject({ mode: 'registered', settings: { parkAgeSeconds: 600, hold: ['overpaid'] } });
    }
  });

  it('that is disabled goes on delivering what it acknowledged', async () => {
    const { id, shards } = await livingChannel([await makeOrigin()]);
    await call('POST', `/v1/channels/${id}/disable`);
    expect((await Promise.all(shards.map(configOf))).map(({ paused }) => paused)).toEqual(shards.map(() => false));
  });

  it('wakes no shard that has nothing stored', async () => {
    const id = await makeChannel({ origins: [await makeOrigin()] });
    await call('POST', `/v1/channels/${id}/pause`);
    const record = await registry().readChannel(id);
    const shard = ledgers.getByName(record ? shardNameOf(record.channel, 0) : '');
    const tables = await runInDurableObject(shard, (_, { storage }) =>
      storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    );
    expect(tables).toEqual([]);
  });
});

describe('a shard that cannot be reached', () => {
  const bindings: { LEDGER: unknown } = env;
  const heal = () => {
    bindings.LEDGER = ledgers;
  };
  afterEach(heal);

  /** Makes every way to one shard fail. */
  const cut = (shard: string) => {
    const refused = { configure: () => Promise.reject(new Error('cut')) };
    bindings.LEDGER = { getByName: (name: string) => (name === shard ? refused : ledgers.getByName(name)) };
  };

  it('does not hold up the change, is told again from the alarm, and then holds the newest', async () => {
    const warned = quiet();
    const origin = await makeOrigin();
    const { shards } = await livingChannel([origin]);
    const [lost = ''] = shards;
    cut(lost);
    await registry().pauseOrigin({ id: origin, version: null, reason: 'operator', now: Date.now() });
    expect(await pausedOf(shards, origin)).toEqual([false, true]);
    expect(warned.mock.calls.flat().join()).toContain('"hop":"push"');
    const armed = await runInDurableObject(registry(), (_, { storage }) => storage.getAlarm());
    expect(armed).not.toBeNull();
    heal();
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 120_000);
    expect(await runDurableObjectAlarm(registry())).toBe(true);
    expect(await pausedOf(shards, origin)).toEqual([true, true]);
    expect(await runInDurableObject(registry(), (_, { storage }) => storage.getAlarm())).toBeNull();
  });

  it('is told again after the registry was restarted meanwhile', async () => {
    quiet();
    const origin = await makeOrigin();
    const { shards } = await livingChannel([origin]);
    cut(shards[1] ?? '');
    await registry().pauseOrigin({ id: origin, version: null, reason: 'operator', now: Date.now() });
    heal();
    await evictDurableObject(registry());
    await registry().tick(Date.now() + 120_000);
    expect(await pausedOf(shards, origin)).toEqual([true, true]);
  });
});

describe('alarms', () => {
  const alarm = (subject: string, change: Partial<Alarm> = {}): Alarm => ({
    code: 'order_flagged',
    subject,
    detail: 'first',
    at: 1_000,
    ...change,
  });

  it('of one code and subject are one with a count, the latest words and both times', async () => {
    quiet();
    const subject = unique('order/x');
    await registry().raiseAlarms([alarm(subject), alarm(subject, { at: 3_000, detail: 'second' })]);
    await registry().raiseAlarms([
      alarm(subject, { at: 2_000, detail: 'third' }),
      alarm(subject, { code: 'delivery_dead' }),
    ]);
    const all = await registry().listAlarms({ limit: 1_000, after: null });
    const untouched = { state: 'open', actedBy: null, actedAt: null, rev: expect.any(Number) };
    expect(all.filter((one) => one.subject === subject)).toEqual([
      { code: 'order_flagged', subject, detail: 'third', count: 3, firstAt: 1_000, lastAt: 3_000, ...untouched },
      { code: 'delivery_dead', subject, detail: 'first', count: 1, firstAt: 1_000, lastAt: 1_000, ...untouched },
    ]);
  });

  it('write one line when new, and again at each power of ten', async () => {
    const lines = quiet();
    const subject = unique('order/lines');
    for (let n = 0; n < 105; n++) await registry().raiseAlarms([alarm(subject)]);
    const counts = lines.mock.calls
      .map(([line]) => JSON.parse(String(line)))
      .filter((line) => line.subject === subject);
    expect(counts.map(({ hop, count }) => [hop, count])).toEqual([
      ['alarm', 1],
      ['alarm', 10],
      ['alarm', 100],
    ]);
  });

  it('are walked page by page, latest first', async () => {
    quiet();
    await registry().raiseAlarms(
      Array.from({ length: 9 }, (_, n) => alarm(unique('order/page'), { at: 5_000 + (n % 3) })),
    );
    const whole = await registry().listAlarms({ limit: 1_000, after: null, state: 'wanting' });
    const seen: Record<string, unknown>[] = [];
    let cursor = '';
    do {
      const { body } = await call('GET', `/v1/alarms?limit=4${cursor}`);
      seen.push(...(body.items ?? []));
      cursor = body.next ? `&cursor=${body.next}` : '';
    } while (cursor !== '');
    expect(seen.length).toBe(whole.length);
    expect(seen.map(({ code, subject, lastAt }) => [code, subject, lastAt])).toEqual(
      whole.map(({ code, subject, lastAt }) => [code, subject, new Date(lastAt).toISOString()]),
    );
  });

  it('tell of a channel that stays paused for an hour, once an hour', async () => {
    quiet();
    const id = await makeChannel();
    const now = Date.now();
    await call('POST', `/v1/channels/${id}/pause`);
    const counts = async (at: number) => {
      await registry().tick(at);
      const all = await registry().listAlarms({ limit: 1_000, after: null });
      return all.find((one) => one.subject === `channel/${id}` && one.code === 'channel_paused_long')?.count;
    };
    expect(await counts(now + CHANNEL_PAUSED_LONG_MS - 60_000)).toBeUndefined();
    expect(await counts(now + CHANNEL_PAUSED_LONG_MS + 60_000)).toBe(1);
    expect(await counts(now + CHANNEL_PAUSED_LONG_MS + 120_000)).toBe(1);
    expect(await counts(now + 2 * CHANNEL_PAUSED_LONG_MS + 60_000)).toBe(2);
  });
});

describe('provider keys', () => {
  const fetched = async (id: string) => (await registry().readChannel(id))?.keys.map(({ serial }) => serial).sort();
  const both = [identity.certificate.serial, identity.nextCertificate.serial].sort();
  const downloads = (calls: ReturnType<typeof playProvider>) =>
    calls.filter(({ url }) => url.endsWith('/certificates'));
  const alarmsOf = async (id: string) =>
    (await registry().listAlarms({ limit: 1_000, after: null })).filter((one) => one.subject === `channel/${id}`);

  /** A channel that has downloaded nothing yet, because its first download is played to fail. */
  async function bareChannel(more: object = {}): Promise<string> {
    quiet();
    const calls = playProvider(() => new Response(null, { status: 503 }));
    const id = await makeChannel(more);
    await vi.waitFor(() => expect(downloads(calls).length).toBe(1));
    await registry().refreshKeys(id, Date.now()); // waits for the one under way
    return id;
  }

  it('are downloaded at most once a minute, however often they are asked for', async () => {
    const id = await bareChannel();
    const calls = playProvider();
    const later = Date.now() + KEY_REFRESH_INTERVAL_MIN_MS;
    expect(await registry().refreshKeys(id, later - 1_000)).toBe('recent');
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => registry().refreshKeys(id, later + 1_000)));
    expect(outcomes).toContain('refreshed');
    expect(outcomes).not.toContain('failed');
    for (let n = 0; n < 20; n++) expect(await registry().refreshKeys(id, later + 2_000)).toBe('recent');
    expect(downloads(calls).length).toBe(1);
    expect(await fetched(id)).toEqual(both);
  });

  it('are not asked for again within the minute after a restart either', async () => {
    const id = await bareChannel();
    const calls = playProvider();
    await evictDurableObject(registry());
    expect(await registry().refreshKeys(id, Date.now())).toBe('recent');
    expect(calls).toEqual([]);
  });

  it('are not wanted for a channel that cannot ask, nor for one that is not there', async () => {
    const { merchantSerial: _, merchantPrivateKey: __, ...without } = credentials;
    const id = await makeChannel({ credentials: without });
    expect(await registry().refreshKeys(id, Date.now())).toBe('not_wanted');
    expect(await registry().refreshKeys('nowhere', Date.now())).toBe('not_wanted');
  });

  it('that do not come are an alarm only when nothing is left to verify with', async () => {
    const withOwn = await bareChannel();
    expect(await alarmsOf(withOwn)).toEqual([]);
    const bare = await bareChannel({ credentials: { ...credentials, platformKeys: {} } });
    const [alarm] = await alarmsOf(bare);
    expect(alarm).toMatchObject({ code: 'keys_unavailable', subject: `channel/${bare}` });
    expect(alarm?.detail).toContain('503');
  });

  it('that were fetched stay when the next download fails, without an alarm', async () => {
    playProvider(undefined, 'certificate');
    const id = await makeChannel({ credentials: { ...credentials, platformKeys: {} } });
    await vi.waitFor(async () => expect(await fetched(id)).toEqual(both));
    quiet();
    playProvider(() => new Response('nonsense'));
    expect(await registry().refreshKeys(id, Date.now() + KEY_REFRESH_INTERVAL_MIN_MS)).toBe('failed');
    expect(await fetched(id)).toEqual(both);
    expect(await alarmsOf(id)).toEqual([]);
  });

  it('are dropped when they expire, at the next download', async () => {
    const id = await bareChannel();
    await runInDurableObject(registry(), (_, { storage }) => {
      const row = "INSERT INTO fetched_keys VALUES (?, 'OLD', 'pem', 0, ?)";
      storage.sql.exec(row, id, Date.now() + 1_000);
    });
    playProvider();
    await registry().refreshKeys(id, Date.now() + KEY_REFRESH_INTERVAL_MIN_MS + 1_000);
    expect(await fetched(id)).toEqual(both);
  });

  it('are looked at again by time: each minute while there is none, each six hours otherwise', async () => {
    playProvider();
    const settled = await makeChannel();
    await vi.waitFor(async () => expect(await fetched(settled)).toEqual(both));
    const bare = await bareChannel({ credentials: { ...credentials, platformKeys: {} } });
    playProvider(undefined, 'certificate');
    const askedAt = (id: string) =>
      runInDurableObject(registry(), (_, { storage }) =>
        Number(storage.sql.exec('SELECT at FROM key_fetches WHERE channel = ?', id).one().at),
      );
    const [before, soon] = [await askedAt(settled), Date.now() + 61_000];
    await registry().tick(soon);
    await vi.waitFor(async () => expect(await askedAt(bare)).toBe(soon));
    expect(await askedAt(settled)).toBe(before);
    const muchLater = Date.now() + KEY_REFRESH_INTERVAL_MAX_MS + 1_000;
    await registry().tick(muchLater);
    await vi.waitFor(async () => expect(await askedAt(settled)).toBe(muchLater));
  });

  it('that were fetched with credentials which changed meanwhile are thrown away', async () => {
    const id = await bareChannel();
    let release = () => {};
    const held = new Promise<void>((resume) => {
      release = resume;
    });
    const calls = playProvider(async (_, genuine) => {
      await held;
      return genuine();
    });
    const refreshing = registry().refreshKeys(id, Date.now() + KEY_REFRESH_INTERVAL_MIN_MS + 1_000);
    await vi.waitFor(() => expect(calls.length).toBe(1));
    const { merchantSerial: _, merchantPrivateKey: __, ...without } = credentials;
    await call('PATCH', `/v1/channels/${id}`, { credentials: without });
    release();
    expect(await refreshing).toBe('failed');
    expect(await fetched(id)).toEqual([]);
  });
});

describe('the registry', () => {
  it('makes nothing for an id that it does not know', async () => {
    const rows = () =>
      runInDurableObject(registry(), (_, { storage }) =>
        ['channels', 'origins', 'key_fetches', 'fetched_keys', 'pushes', 'writes'].map(
          (table) => storage.sql.exec(`SELECT count(*) AS n FROM ${table}`).one().n,
        ),
      );
    const before = await rows();
    expect(await registry().readChannel('nowhere')).toBeNull();
    expect(await registry().readOrigin('nowhere')).toBeNull();
    await registry().refreshKeys('nowhere', Date.now());
    expect(await rows()).toEqual(before);
  });

  it('keeps everything across a restart', async () => {
    const origin = await makeOrigin();
    const id = await makeChannel({ origins: [origin] });
    const before = [await registry().readChannel(id), await registry().readOrigin(origin)];
    await evictDurableObject(registry());
    const after = [await registry().readChannel(id), await registry().readOrigin(origin)];
    expect(after).toMatchObject(
      JSON.parse(JSON.stringify(before, (name, value) => (name === 'keys' ? undefined : value))),
    );
  });

  it('forgets an Idempotency-Key after a day', async () => {
    const stamp = { now: Date.now(), key: unique('day'), digest: 'a' };
    const draft = {
      id: unique('key'),
      name: 'n',
      scopes: ['read' as const],
      ending: 'abcd',
      hash: 'h',
      expiresAt: null,
      sealed: 's',
    };
    expect(await registry().createApiKey(draft, stamp)).toMatchObject({ kind: 'done', repeated: false });
    expect(await registry().createApiKey(draft, stamp)).toMatchObject({ kind: 'done', repeated: true });
    expect(await registry().createApiKey(draft, { ...stamp, digest: 'b' })).toEqual({ kind: 'key_reused' });
    const tomorrow = { ...stamp, now: stamp.now + 24 * 3_600_000, digest: 'b' };
    const next = { ...draft, id: unique('key') };
    expect(await registry().createApiKey(next, tomorrow)).toMatchObject({ kind: 'done', repeated: false });
  });
});

it('a registry of an older version gains what is new and keeps its channels', async () => {
  const older = env.REGISTRY.getByName('older');
  await runInDurableObject(older, (_, { storage: { sql } }) => {
    for (const table of ['products', 'acts', 'access', 'logouts', 'provider_troubles']) sql.exec(`DROP TABLE ${table}`);
    for (const column of ['expires_at', 'last_used_at']) sql.exec(`ALTER TABLE api_keys DROP COLUMN ${column}`);
    for (const column of ['settings', 'previous']) sql.exec(`ALTER TABLE channels DROP COLUMN ${column}`);
    sql.exec('ALTER TABLE origins DROP COLUMN settings');
    sql.exec('DROP INDEX alarms_by_rev');
    sql.exec('DROP TABLE alarm_marks');
    for (const column of ['rev', 'state', 'acted_by', 'acted_at']) sql.exec(`ALTER TABLE alarms DROP COLUMN ${column}`);
    sql.exec('UPDATE schema SET version = 1');
    sql.exec(`INSERT INTO channels VALUES ('kept', 'ch_1', 3, 'generic', 'active', 1, 'open', 'live', 8, NULL, '[]',
      '{"mode":"off","ranges":[]}', 'sealed', 1, 1)`);
    sql.exec(`INSERT INTO origins VALUES ('kept', 2, 'https://shop.example/', 'standard', 'active', NULL, '[]', 1000,
      '[0]', 1, 1, 1, 1)`);
    prepareRegistryTables(sql);
    prepareRegistryTables(sql);
    expect(sql.exec('SELECT version FROM schema').toArray()).toEqual([{ version: 8 }]);
    expect(sql.exec('SELECT * FROM products').toArray()).toEqual([]);
    expect(readChannelRow(sql, 'kept')).toMatchObject({ id: 'kept', version: 3, settings: DEFAULT_CHANNEL_SETTINGS });
    expect(readOriginRow(sql, 'kept')).toMatchObject({ id: 'kept', version: 2, settings: DEFAULT_ORIGIN_SETTINGS });
  });
});
