// /v1/origins: what an origin may choose beyond its address, and that its secrets never come back.
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { call, makeChannel, makeOrigin, unique } from './api-world.ts';
import { registry } from './receive-world.ts';

const DEFAULTS = {
  format: 'standard',
  formatVersion: 1,
  formatOptions: {},
  success: 'status',
  filter: null,
  breaker: { failureShare: 0.5, windowSeconds: 60, attemptsMin: 20, probeAfterSeconds: 30 },
  pauseAfterSeconds: 259_200,
  binding: null,
  echoCheck: false,
  auth: [],
};

const CHOSEN = {
  format: 'form',
  success: { bodyEquals: 'SUCCESS' },
  pauseAfterSeconds: null,
  echoCheck: true,
};

const create = (more: object) =>
  call('POST', '/v1/origins', { id: unique('origin'), url: 'https://shop.example/hooks', ...more });
const change = (id: string, more: object) => call('PATCH', `/v1/origins/${id}`, more);
const read = async (id: string) => (await call('GET', `/v1/origins/${id}`)).body;

describe('an origin that chose nothing', () => {
  it('gets every event as a Standard Webhook, with the usual breaker', async () => {
    expect(await read(await makeOrigin())).toMatchObject(DEFAULTS);
  });
});

describe('an origin that fails', () => {
  it('shows since when, and when its gate lets the next delivery through', async () => {
    const id = await makeOrigin();
    expect((await read(id)).gate).toMatchObject({ breaker: 'closed', since: null, probeAt: null, failingSince: null });
    const outcomes = { successes: 0, failures: 9, waitUntil: 0, probe: null, slow: false };
    const breaker = { ...DEFAULTS.breaker, attemptsMin: 5 };
    const rules = { version: 1, breaker, pauseAfterSeconds: null, quietSecondsMax: 60 };
    const allowance = { perSecond: 100, concurrent: 10 };
    const ask = { shard: 'a', holding: 0, wanted: 1, allowance, rules, outcomes };
    await env.ORIGIN_GATE.getByName(`v1:${id}`).take(ask);
    const { gate } = await read(id);
    expect(gate).toMatchObject({ breaker: 'open', failingSince: gate?.since, inFlight: 0 });
    expect(Date.parse(String(gate?.probeAt)) - Date.parse(String(gate?.since))).toBe(30_000);
  });
});

describe('what an origin chose', () => {
  it('is kept from the start, with what the format adds to its options', async () => {
    const { status, body } = await create(CHOSEN);
    expect([status, body]).toMatchObject([201, CHOSEN]);
    expect(body.formatOptions).toMatchObject({ signature: { algorithm: 'hmac-sha256', field: 'sign' } });
  });

  it('changes one by one', async () => {
    const { body } = await create(CHOSEN);
    const id = String(body.id);
    expect((await change(id, { success: { bodyContains: 'ok' } })).body).toMatchObject({
      ...CHOSEN,
      success: { bodyContains: 'ok' },
    });
    expect((await change(id, { breaker: { attemptsMin: 5 } })).body.breaker).toEqual({
      ...DEFAULTS.breaker,
      attemptsMin: 5,
    });
    expect((await change(id, { formatOptions: { signature: { algorithm: 'md5' } } })).body).toMatchObject({
      format: 'form',
      formatOptions: { signature: { algorithm: 'md5', field: 'sign' } },
    });
  });

  it('begins with options of its own when the format is another one', async () => {
    const { body } = await create({ ...CHOSEN, formatOptions: { signature: { algorithm: 'md5' } } });
    const changed = await change(String(body.id), { format: 'standard' });
    expect(changed.body).toMatchObject({ format: 'standard', formatVersion: 1, formatOptions: {} });
  });

  it('goes to the shards: filter, breaker and how long it may fail', async () => {
    const id = await makeOrigin({ filter: { types: ['payment.succeeded'], amount: { min: 100, currency: 'CNY' } } });
    const origin = await registry().readOrigin(id);
    expect(origin?.settings.filter).toEqual({
      types: ['payment.succeeded'],
      states: [],
      flags: [],
      channels: [],
      amount: { min: 100, max: null, currency: 'CNY' },
      metadata: {},
    });
    const channel = await makeChannel({ origins: [id] });
    if (!origin) throw new Error('no origin');
    const { filter, breaker, pauseAfterSeconds } = origin.settings;
    expect((await registry().readChannel(channel))?.dispatch.origins).toMatchObject([
      { id, filter, breaker, pauseAfterSeconds },
    ]);
  });
});

describe('what an origin may not choose', () => {
  it.each<[field: string, entered: object]>([
    ['format', { format: 'constructor' }],
    ['formatVersion', { formatVersion: 99 }],
    ['formatOptions', { formatOptions: { color: 'red' } }],
    ['formatOptions.fallback', { format: 'passthrough' }],
    ['success.bodyEquals', { success: { bodyEquals: '' } }],
    ['filter.types.0', { filter: { types: ['payment.imagined'] } }],
    ['filter.amount', { filter: { amount: { currency: 'CNY' } } }],
    ['filter.amount', { filter: { amount: { currency: 'CNY', min: 2, max: 1 } } }],
    ['filter.amount.min', { filter: { amount: { currency: 'CNY', min: 0.5 } } }],
    ['filter.color', { filter: { color: 'red' } }],
    ['breaker.failureShare', { breaker: { failureShare: 0 } }],
    ['breaker.failureShare', { breaker: { failureShare: 1.1 } }],
    ['pauseAfterSeconds', { pauseAfterSeconds: 59 }],
    ['binding', { binding: 'DB' }],
    ['binding', { binding: 'MTLS_SHOP' }],
    ['auth.0.user', { auth: [{ kind: 'basic', user: 'a:b', password: 'p' }] }],
    ['auth.0.token', { auth: [{ kind: 'bearer', token: 'line\nbreak' }] }],
    ['auth.0.name', { auth: [{ kind: 'header', name: 'webhook-id', value: 'x' }] }],
    ['auth.0.name', { auth: [{ kind: 'header', name: 'Content-Length', value: '1' }] }],
    ['auth.0.name', { auth: [{ kind: 'header', name: 'Tollgate-Replay', value: 'true' }] }],
    ['auth.0.name', { auth: [{ kind: 'header', name: 'a b', value: 'x' }] }],
    [
      'auth.1',
      {
        auth: [
          { kind: 'bearer', token: 't' },
          { kind: 'header', name: 'Authorization', value: 'x' },
        ],
      },
    ],
  ])('names %s in what it refuses: %j', async (field, entered) => {
    const { status, body } = await create(entered);
    expect(status).toBe(422);
    expect(body.errors?.map((error) => error.field)).toContain(field);
  });
});

describe('a format that carries its signature in the body', () => {
  const rsa = { format: 'form', formatOptions: { signature: { algorithm: 'rsa-sha256' } } };

  it('wants a secret that can sign it, and says so before anything is sent', async () => {
    const { status, body } = await create(rsa);
    expect([status, body.errors]).toMatchObject([
      422,
      [{ field: 'signature', message: expect.stringMatching(/no rsa secret/) }],
    ]);
    const changed = await change(await makeOrigin(), rsa);
    expect([changed.status, changed.body.errors]).toMatchObject([422, [{ field: 'format' }]]);
  });

  it('is taken with such a secret, whose public half is there to read', async () => {
    const { status, body } = await create({ ...rsa, signature: 'rsa' });
    expect([status, body.signature]).toEqual([201, 'rsa']);
    expect(body.secret).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(body.publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    expect((await read(String(body.id))).publicKey).toBe(body.publicKey);
  });

  it('takes a key of the merchant’s own, unless it is too short or none', async () => {
    const { body } = await create({ signature: 'rsa', ...rsa });
    const again = await create({ signature: 'rsa', ...rsa, secret: body.secret });
    expect([again.status, again.body.publicKey]).toEqual([201, body.publicKey]);
    for (const secret of ['x', body.publicKey, 'whsec_AAAA']) {
      const refused = await create({ signature: 'rsa', ...rsa, secret });
      expect([refused.status, refused.body.errors]).toMatchObject([422, [{ field: 'secret' }]]);
    }
  });

  it('is not left without its secret by a rotation to another kind at once', async () => {
    const { body } = await create({ ...rsa, signature: 'rsa' });
    const rotate = (more: object) => call('POST', `/v1/origins/${body.id}/rotate`, { signature: 'hmac', ...more });
    expect((await rotate({ overlapSeconds: 0 })).status).toBe(422);
    expect((await rotate({})).status).toBe(200);
  });
});

describe('what an origin asks to see', () => {
  const auth = [
    { kind: 'basic', user: 'till', password: 'correct horse battery' },
    { kind: 'header', name: 'X-Api-Key', value: 'short' },
  ];
  const shown = [
    { kind: 'basic', name: 'till', ending: 'tery' },
    { kind: 'header', name: 'x-api-key', ending: null },
  ];

  it('is shown by kind, name and the ending of a long secret, and no call ever repeats it', async () => {
    const made = await create({ auth });
    expect(made.body.auth).toEqual(shown);
    const id = String(made.body.id);
    const replies = [made, await call('GET', `/v1/origins/${id}`), await call('GET', '/v1/origins?limit=200')];
    for (const { text } of replies) expect(text).not.toMatch(/correct horse|short|sealed|v1\./);
  });

  it('rests sealed', async () => {
    const made = await create({ auth });
    const origin = await registry().readOrigin(String(made.body.id));
    expect(origin?.settings.auth.map(({ sealed }) => sealed)).toEqual([
      expect.stringMatching(/^v1\./),
      expect.stringMatching(/^v1\./),
    ]);
  });

  it('does not follow the origin to another host unless it is given again', async () => {
    const made = await create({ auth });
    const id = String(made.body.id);
    expect((await change(id, { url: 'https://shop.example/other' })).status).toBe(200);
    const moved = await change(id, { url: 'https://elsewhere.example/hooks' });
    expect([moved.status, moved.body.errors?.map((error) => error.field)]).toEqual([422, ['auth']]);
    expect((await change(id, { url: 'https://elsewhere.example/hooks', auth })).body.auth).toEqual(shown);
    expect((await change(id, { url: 'https://third.example/hooks', auth: [] })).body.auth).toEqual([]);
  });
});

describe('a change that leans on what stood', () => {
  it('is refused when somebody else changed the origin meanwhile', async () => {
    const id = await makeOrigin();
    const origin = await registry().readOrigin(id);
    await change(id, { timeoutMs: 1_000 });
    const stamp = { now: Date.now(), key: null, digest: '' };
    const reply = await registry().updateOrigin(id, { ifVersion: origin?.version, format: 'form' }, stamp);
    expect(reply).toEqual({ kind: 'changed' });
    expect((await read(id)).format).toBe('standard');
  });
});
