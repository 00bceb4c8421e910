// /v1/channels and /v1/origins: what is taken, what is refused and how it is worded, and that no secret ever returns.
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { open } from '../../src/crypto/seal.ts';
import {
  ADMIN_KEY,
  call,
  channelInput,
  credentials,
  identity,
  makeChannel,
  makeOrigin,
  playProvider,
  unique,
} from './api-world.ts';

afterEach(() => vi.restoreAllMocks());

async function fetchedBy(id: string): Promise<string[]> {
  const keys = (await call('GET', `/v1/channels/${id}`)).body.keys ?? ([] as never); // not there is not fetched
  return [...keys].filter(({ source }) => String(source) === 'fetched').map(({ serial }) => String(serial));
}

describe('creating a channel', () => {
  it('answers with the address that the provider is to call, and with the published ranges monitored', async () => {
    const origin = await makeOrigin();
    const input = channelInput({ origins: [origin] });
    const { shards: _, ...usual } = input;
    const reply = await call('POST', '/v1/channels', usual);
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      id: input.id,
      provider: 'wechatpay-v3',
      status: 'active',
      mode: 'open',
      environment: 'live',
      origins: [origin],
      shards: 8,
      locationHint: null,
      callbackUrl: `http://127.0.0.1:8787/callbacks/${input.id}`,
      version: 1,
    });
    expect(reply.body.allowlist?.mode).toBe('monitor');
    expect(reply.body.allowlist?.ranges).toContain('101.226.103.0/25');
    const read = await call('GET', `/v1/channels/${input.id}`);
    expect(read.body).toMatchObject(reply.body);
  });

  const long = 'x'.repeat(65);
  it.each<[string, object, string]>([
    ['an id with a slash', { id: 'a/b' }, 'id'],
    ['an id that is too long', { id: long }, 'id'],
    ['an unknown provider', { provider: 'paypigeon' }, 'provider'],
    ['a provider named like a property of objects', { provider: 'constructor' }, 'provider'],
    ['a mode that is none', { mode: 'closed' }, 'mode'],
    ['no age for parked events', { settings: { parkAgeSeconds: 0 } }, 'settings.parkAgeSeconds'],
    ['half a second of it', { settings: { parkAgeSeconds: 0.5 } }, 'settings.parkAgeSeconds'],
    ['more than a month of it', { settings: { parkAgeSeconds: 2_592_001 } }, 'settings.parkAgeSeconds'],
    ['an unknown flag to hold', { settings: { hold: ['odd'] } }, 'settings.hold.0'],
    ['questions that do not rise', { settings: { querySeconds: [60, 60] } }, 'settings.querySeconds'],
    ['no pace of questions', { settings: { queriesPerSecond: 0 } }, 'settings.queriesPerSecond'],
    ['no wait after a refund', { settings: { refundQuerySeconds: [] } }, 'settings.refundQuerySeconds'],
    ['the same flag twice', { settings: { hold: ['overpaid', 'overpaid'] } }, 'settings.hold'],
    [
      'an amount to confirm in fractions',
      { settings: { releaseConfirmAbove: { minor: 0.5, currency: 'CNY' } } },
      'settings.releaseConfirmAbove.minor',
    ],
    [
      'an amount to confirm in no currency',
      { settings: { releaseConfirmAbove: { minor: 1, currency: 'yuan' } } },
      'settings.releaseConfirmAbove.currency',
    ],
    ['a pattern that leaves nothing out', { settings: { orderNoPattern: '*' } }, 'settings.orderNoPattern'],
    ['a fee in percent', { settings: { feeRate: '0.6%' } }, 'settings.feeRate'],
    ['a fee as a number', { settings: { feeRate: 0.006 } }, 'settings.feeRate'],
    ['a fee that is all of it', { settings: { feeRate: '1' } }, 'settings.feeRate'],
    [
      'a table without a column of amounts',
      { settings: { billMapping: { columns: { orderNo: 'Order', at: 'Time' } } } },
      'settings.billMapping.columns.amount',
    ],
    ['a setting that is unknown', { settings: { parkAge: 10 } }, 'settings.parkAge'],
    ['an origin that is not there', { origins: ['nowhere'] }, 'origins.0'],
    ['the same origin twice', { origins: ['a', 'a'] }, 'origins'],
    ['no shards', { shards: 0 }, 'shards'],
    ['too many shards', { shards: 33 }, 'shards'],
    ['a place that is none', { locationHint: 'moon' }, 'locationHint'],
    ['a range without sense', { allowlist: { mode: 'enforce', ranges: ['10.0.0.0/33'] } }, 'allowlist.ranges.0'],
    ['a short form of an address', { allowlist: { mode: 'enforce', ranges: ['10.1/16'] } }, 'allowlist.ranges.0'],
    ['an unknown mode of the allowlist', { allowlist: { mode: 'on', ranges: [] } }, 'allowlist.mode'],
    ['a misspelt field', { environement: 'test' }, 'environement'],
    ['a key that is too short', { credentials: { ...credentials, apiV3Key: 'short' } }, 'credentials.apiV3Key'],
    ['a credential that is unknown', { credentials: { ...credentials, secret: 1 } }, 'credentials.secret'],
    [
      'a private key that is none',
      { credentials: { ...credentials, merchantPrivateKey: 'none' } },
      'credentials.merchantPrivateKey',
    ],
    [
      'a private key where a public one belongs',
      { credentials: { ...credentials, platformKeys: { [identity.publicKey.serial]: identity.publicKey.privatePem } } },
      `credentials.platformKeys.${identity.publicKey.serial}`,
    ],
  ])('refuses %s and names the field', async (_, change, field) => {
    const reply = await call('POST', '/v1/channels', channelInput(change));
    expect([reply.status, reply.body.code]).toEqual([422, 'validation_failed']);
    expect(reply.body.errors?.map((one) => one.field)).toContain(field);
    for (const { message } of reply.body.errors ?? []) expect(message?.length).toBeGreaterThan(8);
    expect(reply.text).not.toContain(identity.publicKey.privatePem.split('\n')[1]);
  });

  it('takes IPv4 and IPv6 ranges', async () => {
    const allowlist = { mode: 'enforce', ranges: ['203.0.113.0/24', '2001:db8::/32', '198.51.100.7'] };
    const reply = await call('POST', '/v1/channels', channelInput({ allowlist }));
    expect(reply.body.allowlist).toEqual(allowlist);
  });

  it('shows how the channel treats its orders: what was chosen, and the usual for the rest', async () => {
    const usual = { parkAgeSeconds: 600, hold: [], releaseConfirmAbove: null };
    const plain = await call('GET', `/v1/channels/${await makeChannel()}`);
    expect(plain.body).toMatchObject({ mode: 'open', settings: usual });
    const id = await makeChannel({ mode: 'registered', settings: { hold: ['underpaid'] } });
    const chosen = await call('GET', `/v1/channels/${id}`);
    expect(chosen.body).toMatchObject({ mode: 'registered', settings: { ...usual, hold: ['underpaid'] } });
  });

  it('refuses an id that is taken', async () => {
    const id = await makeChannel();
    const reply = await call('POST', '/v1/channels', channelInput({ id }));
    expect([reply.status, reply.body.code]).toEqual([409, 'already_exists']);
  });

  it('downloads the provider’s keys in the background when the credentials allow it', async () => {
    const calls = playProvider();
    const id = await makeChannel();
    await vi.waitFor(async () => {
      expect((await fetchedBy(id)).sort()).toEqual(
        [identity.certificate.serial, identity.nextCertificate.serial].sort(),
      );
    });
    expect(calls.map(({ url }) => url)).toEqual(['https://api.mch.weixin.qq.com/v3/certificates']);
  });

  it('seals the credentials for this channel alone, under the master key', async () => {
    const id = await makeChannel();
    const record = await env.REGISTRY.getByName('registry').readChannel(id);
    const { uid = '', credentials: sealed = '' } = record?.channel ?? {};
    expect(sealed).toMatch(/^v1\.[0-9a-f]{8}\.[\w-]{16}\.[\w-]+$/);
    expect(JSON.parse(await open(sealed, env.TOLLGATE_MASTER_KEY, `channel/${uid}`))).toEqual(credentials);
    await expect(open(sealed, env.TOLLGATE_MASTER_KEY, 'channel/other')).rejects.toThrow();
  });
});

describe('changing a channel', () => {
  it('changes what is named and nothing else, as a new version', async () => {
    const id = await makeChannel();
    const origin = await makeOrigin();
    const before = (await call('GET', `/v1/channels/${id}`)).body;
    const reply = await call('PATCH', `/v1/channels/${id}`, { origins: [origin] });
    expect(reply.status).toBe(200);
    const { version, updatedAt: _, origins, ...rest } = JSON.parse(reply.text);
    expect([version, origins]).toEqual([2, [origin]]);
    expect(before).toMatchObject(rest);
  });

  it('changes one setting and leaves the others, and takes one back', async () => {
    const id = await makeChannel({ settings: { hold: ['overpaid'] } });
    const above = { minor: 100_000, currency: 'CNY' };
    const one = await call('PATCH', `/v1/channels/${id}`, { settings: { releaseConfirmAbove: above } });
    expect(one.body.settings).toMatchObject({ parkAgeSeconds: 600, hold: ['overpaid'], releaseConfirmAbove: above });
    const asked = { querySeconds: [30, 90], queryEverySeconds: 600, queriesPerSecond: 0.5, refundQuerySeconds: [60] };
    const paced = await call('PATCH', `/v1/channels/${id}`, { settings: asked });
    expect(paced.body.settings).toEqual({ ...one.body.settings, ...asked });
    const two = await call('PATCH', `/v1/channels/${id}`, {
      mode: 'registered',
      settings: { releaseConfirmAbove: null, hold: [], parkAgeSeconds: 60 },
    });
    expect(two.body).toMatchObject({
      version: 4,
      mode: 'registered',
      settings: { parkAgeSeconds: 60, hold: [], releaseConfirmAbove: null },
    });
    expect((await call('PATCH', `/v1/channels/${id}`, { origins: [] })).body.settings).toEqual(two.body.settings);
    const odd = await call('PATCH', `/v1/channels/${id}`, { settings: { hold: 'overpaid' } });
    expect([odd.status, odd.body.errors?.[0]?.field]).toEqual([422, 'settings.hold']);
  });

  it('shows whose rows of a bill are its own, and how a table of the merchant is read', async () => {
    const id = await makeChannel();
    const usual = { exclusive: false, orderNoPattern: null, feeRate: null, billMapping: null, fetchBills: true };
    expect((await call('GET', `/v1/channels/${id}`)).body.settings).toMatchObject(usual);
    const columns = { orderNo: 'Reference', amount: 'Gross', at: 'Booked' };
    const chosen = { exclusive: true, orderNoPattern: 'A2026*', feeRate: '0.006', fetchBills: false };
    const settings = { ...chosen, billMapping: { columns, currency: 'EUR', times: 'iso' } };
    expect((await call('PATCH', `/v1/channels/${id}`, { settings })).status).toBe(200);
    const shown = (await call('GET', `/v1/channels/${id}`)).body.settings;
    expect(shown).toMatchObject(settings);
    expect(shown?.billMapping).toMatchObject({ charset: 'utf-8', separator: ',', offsetMinutes: 480 });
    const back = await call('PATCH', `/v1/channels/${id}`, { settings: usual });
    expect(back.body.settings).toMatchObject(usual);
  });

  it('checks new credentials as it checked the first ones', async () => {
    const id = await makeChannel();
    const reply = await call('PATCH', `/v1/channels/${id}`, { credentials: { ...credentials, mchId: 'x' } });
    expect(reply.body.errors?.[0]?.field).toBe('credentials.mchId');
    expect((await call('GET', `/v1/channels/${id}`)).body.version).toBe(1);
  });

  it('forgets keys that were fetched with credentials that are no more', async () => {
    const id = await makeChannel();
    await vi.waitFor(async () => expect(await fetchedBy(id)).toHaveLength(2));
    const { merchantSerial: _, merchantPrivateKey: __, ...without } = credentials;
    await call('PATCH', `/v1/channels/${id}`, { credentials: without });
    expect(await fetchedBy(id)).toEqual([]);
  });

  it('moves between active, paused and disabled, and refuses the moves that lead nowhere', async () => {
    const id = await makeChannel();
    const moves: readonly [string, number, string][] = [
      ['resume', 200, 'active'],
      ['pause', 200, 'paused'],
      ['pause', 200, 'paused'],
      ['enable', 409, 'paused'],
      ['disable', 200, 'disabled'],
      ['pause', 409, 'disabled'],
      ['resume', 409, 'disabled'],
      ['enable', 200, 'active'],
    ];
    for (const [action, status, after] of moves) {
      const reply = await call('POST', `/v1/channels/${id}/${action}`);
      const read = await call('GET', `/v1/channels/${id}`);
      expect([action, reply.status, read.body.status]).toEqual([action, status, after]);
    }
    expect((await call('POST', '/v1/channels/nowhere/pause')).status).toBe(404);
  });
});

describe('an origin', () => {
  it('comes with a secret that is shown this once', async () => {
    const id = unique('origin');
    const made = await call('POST', '/v1/origins', { id, url: 'https://shop.example/hooks?tenant=1' });
    expect(made.status).toBe(201);
    expect(made.body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(made.body).toMatchObject({ id, format: 'standard', status: 'active', signature: 'hmac', publicKey: null });
    const read = await call('GET', `/v1/origins/${id}`);
    expect(read.body).not.toHaveProperty('secret');
    expect(read.text).not.toContain(String(made.body.secret).slice(6));
  });

  it('takes a secret of the merchant’s own', async () => {
    const secret = `whsec_${btoa('a-secret-of-at-least-24-bytes')}`;
    const reply = await call('POST', '/v1/origins', { id: unique('origin'), url: 'https://shop.example/', secret });
    expect(reply.body.secret).toBe(secret);
  });

  it.each([
    ['without its prefix', btoa('a-secret-of-at-least-24-bytes')],
    ['that is too short', `whsec_${btoa('short')}`],
    ['that is too long', `whsec_${btoa('x'.repeat(65))}`],
    ['that is no base64', 'whsec_not base64 at all, not at all!'],
    ['of the other kind', `whsk_${btoa('x'.repeat(32))}`],
  ])('refuses a secret %s, and says what to write', async (_, secret) => {
    const reply = await call('POST', '/v1/origins', { id: unique('origin'), url: 'https://shop.example/', secret });
    expect(reply.status).toBe(422);
    expect(reply.body.errors).toEqual([
      { field: 'secret', message: 'must be whsec_ and 24 to 64 random bytes in base64, or left out' },
    ]);
  });

  it('may sign with ed25519, whose public key verifies and may be read later', async () => {
    const id = unique('origin');
    const made = await call('POST', '/v1/origins', { id, url: 'https://shop.example/', signature: 'ed25519' });
    expect(made.body.secret).toMatch(/^whsk_/);
    const { body } = await call('GET', `/v1/origins/${id}`);
    expect(body.publicKey).toMatch(/^whpk_[A-Za-z0-9+/]{43}=$/);
    const seed = Uint8Array.fromBase64(String(made.body.secret).slice(5));
    const header = Uint8Array.fromHex('302e020100300506032b657004220420');
    const key = await crypto.subtle.importKey('pkcs8', new Uint8Array([...header, ...seed]), 'Ed25519', false, [
      'sign',
    ]);
    const data = new TextEncoder().encode('signed');
    const signature = await crypto.subtle.sign('Ed25519', key, data);
    const raw = Uint8Array.fromBase64(String(body.publicKey).slice(5));
    const publicKey = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
    expect(await crypto.subtle.verify('Ed25519', publicKey, signature, data)).toBe(true);
  });

  it.each([
    'http://shop.example/',
    'ftp://shop.example/',
    'https://user:pass@shop.example/',
    'https://shop.example/#top',
    'https://10.0.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest',
    'https://0x0a.1/',
    'https://167772161/',
    'https://[fd00::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://[fe80::1]/',
    'https://0.0.0.0/',
    'https://224.0.0.1/',
    'https://[::10.0.0.1]/',
    'https://[64:ff9b::10.0.0.1]/',
    'https://10.0.0.1./',
    'https://10.0.0.1../',
    'https://localhost../',
    'https://.shop.example/',
    'https://shop..example/',
    'https://metadata.google.internal/',
    'https://printer.local/',
    'https://Router.home.arpa./',
    'https://intranet/',
    'http://10.0.0.1/',
    'not a url',
    '/relative',
  ])('is not sent to %s', async (url) => {
    const reply = await call('POST', '/v1/origins', { id: unique('origin'), url });
    expect(reply.status).toBe(422);
    expect(reply.body.errors?.[0]?.field).toBe('url');
  });

  it.each(['http://127.0.0.1:9000/hook', 'http://localhost:9000/hook', 'http://[::1]:9000/'])(
    'may be the machine itself in a local run: %s',
    async (url) => expect((await call('POST', '/v1/origins', { id: unique('origin'), url })).status).toBe(201),
  );

  it('changes what is named, and is refused what it would have been refused at first', async () => {
    const id = await makeOrigin();
    const reply = await call('PATCH', `/v1/origins/${id}`, { timeoutMs: 5_000, ladderSeconds: [0, 1] });
    expect(reply.body).toMatchObject({ version: 2, timeoutMs: 5_000, ladderSeconds: [0, 1], perSecond: 100 });
    expect((await call('PATCH', `/v1/origins/${id}`, { url: 'https://10.0.0.1/' })).status).toBe(422);
    expect((await call('PATCH', `/v1/origins/${id}`, { timeoutMs: 30_001 })).status).toBe(422);
    expect((await call('PATCH', `/v1/origins/${id}`, { secret: 'x' })).status).toBe(422);
    expect((await call('PATCH', '/v1/origins/nowhere', {})).status).toBe(404);
  });

  it('is paused and resumed', async () => {
    const id = await makeOrigin();
    expect((await call('POST', `/v1/origins/${id}/pause`)).body).toMatchObject({
      status: 'paused',
      pauseReason: 'operator',
    });
    expect((await call('POST', `/v1/origins/${id}/resume`)).body).toMatchObject({
      status: 'active',
      pauseReason: null,
    });
    expect((await call('POST', '/v1/origins/nowhere/pause')).status).toBe(404);
  });

  it('keeps its old secret beside the new one for the overlap', async () => {
    const id = await makeOrigin();
    const before = Date.now();
    const rotated = await call('POST', `/v1/origins/${id}/rotate`, { overlapSeconds: 600 });
    expect(rotated.status).toBe(200);
    expect(rotated.body.secret).toMatch(/^whsec_/);
    const [newest, older] = (await call('GET', `/v1/origins/${id}`)).body.secrets ?? [];
    expect(newest?.expiresAt).toBeNull();
    const endsAt = Date.parse(String(older?.expiresAt));
    expect(endsAt).toBeGreaterThanOrEqual(before + 600_000);
    expect(endsAt).toBeLessThanOrEqual(Date.now() + 600_000);
  });

  it('drops the old secret at once when no overlap is wanted', async () => {
    const id = await makeOrigin();
    await call('POST', `/v1/origins/${id}/rotate`);
    const rotated = await call('POST', `/v1/origins/${id}/rotate`, { overlapSeconds: 0, signature: 'ed25519' });
    expect(rotated.body.secrets?.map((secret) => [secret.kind, secret.expiresAt])).toEqual([['ed25519', null]]);
  });
});

describe('an Idempotency-Key', () => {
  it('gives the first answer again, the secret included, and makes nothing twice', async () => {
    const headers = { 'idempotency-key': unique('once') };
    const input = { id: unique('origin'), url: 'https://shop.example/' };
    const one = await call('POST', '/v1/origins', input, { headers });
    const two = await call('POST', '/v1/origins', input, { headers });
    expect([one.status, two.status]).toEqual([201, 201]);
    expect(two.body).toEqual(one.body);
    expect((await call('POST', '/v1/origins', input)).status).toBe(409);
  });

  it('is refused when another request comes with it', async () => {
    const headers = { 'idempotency-key': unique('once') };
    const id = await makeOrigin();
    await call('PATCH', `/v1/origins/${id}`, { perSecond: 5 }, { headers });
    const other = await call('PATCH', `/v1/origins/${id}`, { perSecond: 6 }, { headers });
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect((await call('PATCH', `/v1/origins/${id}`, { perSecond: 5 }, { headers })).body.version).toBe(2);
    expect((await call('GET', `/v1/origins/${id}`)).body).toMatchObject({ version: 2, perSecond: 5 });
  });

  it('does not remember a refusal: what was mended goes through', async () => {
    const headers = { 'idempotency-key': unique('once') };
    const input = channelInput({ origins: ['not-yet'] });
    expect((await call('POST', '/v1/channels', input, { headers })).status).toBe(422);
    await call('POST', '/v1/origins', { id: 'not-yet', url: 'https://shop.example/' });
    expect((await call('POST', '/v1/channels', input, { headers })).status).toBe(201);
  });

  it('belongs to its caller: two callers cannot see each other’s answers', async () => {
    const headers = { 'idempotency-key': unique('once') };
    const other = await call('POST', '/v1/api-keys', { name: 'second', scopes: ['admin'] });
    const input = { id: unique('origin'), url: 'https://shop.example/' };
    await call('POST', '/v1/origins', input, { headers });
    expect((await call('POST', '/v1/origins', input, { headers, key: String(other.body.key) })).status).toBe(409);
  });
});

describe('secrets', () => {
  it('come back from no route and stand in no log', async () => {
    const lines: unknown[][] = [];
    for (const level of ['log', 'info', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((...line) => void lines.push(line));
    }
    const secret = `whsec_${btoa('marker-of-an-origin-secret-0')}`;
    const origin = unique('origin');
    await call('POST', '/v1/origins', { id: origin, url: 'https://shop.example/', secret });
    const id = await makeChannel({ origins: [origin] });
    await call('PATCH', `/v1/channels/${id}`, { credentials });
    await call('PATCH', `/v1/channels/${id}`, { credentials: { ...credentials, merchantSerial: 'zz' } });
    const paths = [`/v1/channels/${id}`, `/v1/origins/${origin}`, '/v1/channels?limit=200', '/v1/origins?limit=200'];
    const others = ['/v1/api-keys', '/v1/alarms', '/v1/providers', '/v1/orders', '/v1/callbacks', '/v1/rejections'];
    const seen = await Promise.all([...paths, ...others, '/healthz', '/openapi.json'].map((path) => call('GET', path)));
    for (const action of ['pause', 'resume', 'disable', 'enable']) {
      seen.push(await call('POST', `/v1/channels/${id}/${action}`));
    }
    seen.push(await call('POST', `/v1/origins/${origin}/pause`));
    const shown = `${seen.map(({ text }) => text).join('\n')}\n${lines.flat().join('\n')}`;
    const privateLine = credentials.merchantPrivateKey.split('\n')[3] ?? 'missing';
    expect(shown).toContain(id);
    for (const hidden of [
      secret,
      secret.slice(6),
      credentials.apiV3Key,
      privateLine,
      ADMIN_KEY,
      env.TOLLGATE_MASTER_KEY,
    ]) {
      expect(shown).not.toContain(hidden);
    }
    expect(shown).not.toMatch(/"(sealed|hash|uid)"/);
    expect(shown).not.toMatch(/v1\.[0-9a-f]{8}\.[\w-]{16}\./);
  });
});

describe('a list', () => {
  it('is walked page by page, each thing once and in the order of ids', async () => {
    const made = [];
    for (let n = 0; n < 5; n++) made.push(await makeOrigin());
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await call('GET', `/v1/origins?limit=2${cursor}`);
      expect(page.body.items?.length).toBeLessThanOrEqual(2);
      seen.push(...(page.body.items?.map((one) => String(one.id)) ?? []));
      cursor = page.body.next ? `&cursor=${page.body.next}` : '';
    } while (cursor !== '');
    expect(seen).toEqual([...new Set(seen)].sort());
    expect(seen).toEqual(expect.arrayContaining(made));
  });

  it('of providers tells the fields of their credentials in two languages, and what they can do', async () => {
    const { items } = (await call('GET', '/v1/providers')).body;
    const wechat = items?.find((one) => String(one.id) === 'wechatpay-v3');
    expect(wechat?.capabilities).toEqual(['bill', 'close', 'keys', 'pay', 'query', 'refund']);
    expect(wechat?.bill).toMatchObject({ kinds: ['trade', 'refund', 'fundflow'], offsetMinutes: 480 });
    const fields = wechat?.credentials ?? [];
    expect(fields.filter((one) => one.secret).map((one) => one.field)).toEqual(['apiV3Key', 'merchantPrivateKey']);
    expect(fields.filter((one) => one.required).map((one) => one.field)).toEqual(['mchId', 'apiV3Key']);
    for (const { label, help } of fields) {
      for (const words of [label?.en, label?.zh, help?.en, help?.zh]) expect(words?.length).toBeGreaterThan(2);
    }
  });
});
