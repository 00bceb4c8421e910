// Cloudflare Access: whoever comes with a token is believed as far as the team's own keys, this application and the
// settings of now go, and not a step further. The team's endpoint is played; everything else is real.
import { env } from 'cloudflare:workers';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isSessionOver } from '../../src/core/access.ts';
import { forgetAccessCopy } from '../../src/store/access-copy.ts';
import { HOSTILE } from '../browser/hostile-texts.ts';
import { ADMIN_KEY, call, makeKey } from './api-world.ts';
import { BASE, type Seen, tokenIn, Visitor } from './console-world.ts';

const AUD = 'a'.repeat(64);
const HOUR_MS = 3_600_000;
const makePair = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
};
type Pair = Awaited<ReturnType<typeof makePair>>;
const [first, second, stranger] = await Promise.all([makePair('k1'), makePair('k2'), makePair('k1')]);

/** Of the signs that a page must not hold as they are. */
const CODES: Readonly<Record<string, number>> = { amp: 38, lt: 60, gt: 62, quot: 34 };
let port = 4_000;
let issuer = '';
let certs: { keys: object[]; status: number; asked: number };

const rules = (email = 'ops@shop.example', role = 'operator') => [
  { kind: 'email', value: email, role },
  { kind: 'domain', value: 'shop.example', role: 'viewer' },
  { kind: 'group', value: 'bosses', role: 'admin' },
];
const put = (more: object = {}) => call('PUT', '/v1/access', { issuer, audiences: [AUD], rules: rules(), ...more });

beforeEach(async () => {
  issuer = `http://127.0.0.1:${port++}`;
  certs = { keys: [first.jwk], status: 200, asked: 0 };
  vi.stubGlobal('fetch', async (input: RequestInfo | URL) => {
    const url = input instanceof Request ? input.url : String(input);
    if (url !== `${issuer}/cdn-cgi/access/certs`) throw new Error(`nobody is at ${url}`);
    certs.asked += 1;
    return Response.json({ keys: certs.keys }, { status: certs.status });
  });
  const reply = await put();
  if (reply.status !== 200) throw new Error(reply.text);
});
afterEach(() => vi.restoreAllMocks());

type Made = { pair?: Pair; alg?: string; key?: Parameters<SignJWT['sign']>[0]; kid?: string; claims?: JWTPayload };
const seconds = (ms: number) => Math.floor((Date.now() + ms) / 1_000);
const tokenWith = ({ pair = first, alg = 'RS256', key = pair.privateKey, kid = pair.kid, claims = {} }: Made = {}) =>
  new SignJWT({
    iss: issuer,
    aud: [AUD],
    email: 'Ops@shop.example',
    iat: seconds(0),
    exp: seconds(24 * HOUR_MS),
    type: 'app',
    ...claims,
  })
    .setProtectedHeader({ alg, kid })
    .sign(key);

const unsigned = (header: object, claims: object = {}) => {
  const part = (value: object) =>
    btoa(JSON.stringify(value)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');
  const body = {
    iss: issuer,
    aud: [AUD],
    email: 'ops@shop.example',
    iat: seconds(0),
    exp: seconds(HOUR_MS),
    ...claims,
  };
  return `${part(header)}.${part(body)}.`;
};

/** A person behind Access: the edge adds the header to every request. */
class Guest extends Visitor {
  token: string;
  constructor(token: string) {
    super();
    this.token = token;
    this.cookies.set('tollgate-language', 'en');
  }
  override ask(method: string, path: string, more: Parameters<Visitor['ask']>[2] = {}): Promise<Seen> {
    return super.ask(method, path, { ...more, headers: { 'cf-access-jwt-assertion': this.token, ...more.headers } });
  }
  enter(): Promise<Seen> {
    return this.send('/console/login/person', { next: '/console/channels' }, '/console/login');
  }
}
const guestWith = async (made: Made = {}) => new Guest(await tokenWith(made));

describe('a person whom Access knows', () => {
  it('is asked on the login page, and comes in with the role of the rules', async () => {
    const guest = await guestWith();
    const page = await guest.open('/console/channels');
    expect([page.status, page.headers.get('location')]).toEqual([303, '/console/login?next=%2Fconsole%2Fchannels']);
    expect((await guest.open('/console/login')).text).toContain('Log in as ops@shop.example');
    const entered = await guest.enter();
    expect([entered.status, entered.headers.get('location')]).toEqual([303, '/console/channels']);
    const { text } = await guest.open('/console/channels');
    expect(text).toContain('ops@shop.example');
    expect(text).toContain('href="/console/audit"');
    expect(text).not.toContain('href="/console/keys"');
    expect((await guest.open('/console/keys')).status).toBe(403);
  });

  it('is in by the cookie too, and by a group that the token names', async () => {
    const visitor = new Visitor();
    const claims = { email: 'x@other.example', custom: { groups: ['bosses', 'tea'] } };
    visitor.cookies.set('CF_Authorization', await tokenWith({ claims }));
    visitor.cookies.set('tollgate-language', 'en');
    expect((await visitor.send('/console/login/person', {}, '/console/login')).status).toBe(303);
    visitor.cookies.delete('CF_Authorization');
    expect((await visitor.open('/console/keys')).status).toBe(200);
  });

  it('of many groups is in with the highest role, by a cookie that browsers take', async () => {
    const names = Array.from({ length: 60 }, (_, n) => `${n}-组-${'x'.repeat(150)}`);
    const all = names.map((value) => ({ kind: 'group', value, role: value.startsWith('59-') ? 'admin' : 'viewer' }));
    expect((await put({ rules: all })).status).toBe(200);
    const claims = { email: 'many@other.example', custom: { groups: names } };
    const guest = await guestWith({ claims });
    expect((await guest.enter()).status).toBe(303);
    const cookie = guest.cookies.get('tollgate-session') ?? '';
    expect(cookie.length > 0 && cookie.length < 3_900).toBe(true);
    expect((await guest.open('/console/keys')).status).toBe(200);
  });

  it('may be called whatever Access says: it is shown as text, before and behind the login', async () => {
    await put({ rules: [{ kind: 'group', value: 'bosses', role: 'viewer' }] });
    const escaped = (text: string) =>
      text.replace(/[&<>"']/g, (sign) => (sign === "'" ? '&#39;' : `&#${sign.charCodeAt(0)};`));
    const plain = (html: string) => html.replace(/&(amp|lt|gt|quot);/g, (_, name) => `&#${CODES[name] ?? 0};`);
    const names = HOSTILE.filter((text) => !/[\s@]/.test(text) && text.length < 100);
    expect(names.length).toBeGreaterThan(15);
    for (const name of names) {
      const email = `${name.toLowerCase()}@x.example`;
      const guest = await guestWith({ claims: { email, custom: { groups: ['bosses'] } } });
      const before = plain((await guest.open('/console/login')).text);
      expect((await guest.enter()).status, email).toBe(303);
      const behind = plain((await guest.open('/console/me')).text);
      for (const page of [before, behind]) {
        expect(page, email).toContain(escaped(email));
        if (escaped(email) !== email) expect(page).not.toContain(email);
      }
    }
  });

  it('acts under the own name, and the audit log says from where', async () => {
    const guest = await guestWith();
    await guest.enter();
    const id = `origin-${port}`;
    await call('POST', '/v1/origins', { id, url: 'https://a.example/' });
    const headers = { origin: BASE, 'cf-connecting-ip': '203.0.113.50' };
    const { text } = await guest.open(`/console/origins/${id}/pause`);
    const form = { token: tokenIn(text), once: 'once-1' };
    expect((await guest.ask('POST', `/console/origins/${id}/pause`, { headers, form })).status).toBe(303);
    await vi.waitFor(async () => {
      const { body } = await call('GET', `/v1/audit?subject=origin/${id}&act=origin.pause`);
      expect(body.items).toMatchObject([{ actor: 'ops@shop.example', remoteAddress: '203.0.113.50' }]);
    });
    await vi.waitFor(async () => {
      const { body } = await call('GET', '/v1/audit?actor=ops@shop.example&act=login.done');
      expect([...(body.items ?? [])].length).toBeGreaterThan(0);
    });
  });

  it('is out as soon as no rule names the e-mail, the team changes, or the role is less', async () => {
    const guest = await guestWith();
    await guest.enter();
    await put({ rules: rules('ops@shop.example', 'viewer') });
    expect((await guest.open('/console/audit')).status).toBe(403);
    await put({ rules: [] });
    const out = await guest.open('/console/channels');
    expect([out.status, out.headers.get('location')]).toEqual([303, '/console/login?ended=1']);
    expect((await guest.enter()).status).toBe(403);
    await put();
    await guest.enter();
    expect((await guest.open('/console/channels')).status).toBe(200);
    await call('PUT', '/v1/access', { issuer: 'https://other.cloudflareaccess.com', audiences: [AUD], rules: rules() });
    expect((await guest.open('/console/channels')).status).toBe(303);
  });

  it('is out when the application is named no more, and for good: also once the same is named again', async () => {
    const guest = await guestWith();
    await guest.enter();
    await put({ audiences: [AUD, 'b'.repeat(64)] });
    expect((await guest.open('/console/channels')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await put({ audiences: ['b'.repeat(64)] });
    expect((await guest.open('/console/channels')).status).toBe(303);
    await guest.enter();
    expect(guest.cookies.has('tollgate-session')).toBe(false);

    await put();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await guest.enter();
    const cookie = guest.cookies.get('tollgate-session') ?? '';
    const key = await Visitor.in();
    for (const issuer of ['https://other.cloudflareaccess.com', null]) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      await call('PUT', '/v1/access', { issuer, audiences: [AUD], rules: rules() });
      await put();
      guest.cookies.set('tollgate-session', cookie);
      expect((await guest.open('/console/channels')).status).toBe(303);
    }
    expect((await key.open('/console/channels')).status).toBe(200);
  });

  it('is out when what Access said is over, though the session is not', async () => {
    const guest = await guestWith({ claims: { exp: seconds(HOUR_MS / 4) } });
    await guest.enter();
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + HOUR_MS / 4 + 2_000);
    expect((await guest.open('/console/channels')).status).toBe(303);
  });
});

describe('a token', () => {
  const refused = async (token: string) => {
    const guest = new Guest(token);
    const shown = await guest.open('/console/login');
    const seen = await guest.enter();
    return [seen.status, shown.text.includes('Log in as'), guest.cookies.has('tollgate-session')];
  };
  const NO = [401, false, false];

  it('of another application, another team or another time is refused', async () => {
    const wrong: JWTPayload[] = [
      { aud: ['b'.repeat(64)] },
      { aud: [] },
      { iss: 'https://evil.cloudflareaccess.com' },
      { exp: seconds(-60_000) },
      { nbf: seconds(HOUR_MS) },
    ];
    for (const claims of wrong) expect(await refused(await tokenWith({ claims })), JSON.stringify(claims)).toEqual(NO);
    const { exp: _, ...rest } = JSON.parse(atob((await tokenWith()).split('.')[1] ?? ''));
    const endless = await new SignJWT(rest).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(first.privateKey);
    expect(await refused(endless)).toEqual(NO);
  });

  it('that nobody signed, or somebody else did, is refused', async () => {
    const secret = new TextEncoder().encode(await exportSPKI(first.publicKey));
    const modulus = new TextEncoder().encode(String(first.jwk.n));
    const forged = [
      unsigned({ alg: 'none', kid: 'k1' }),
      unsigned({ alg: 'None', kid: 'k1', typ: 'JWT' }),
      await tokenWith({ alg: 'HS256', key: secret }),
      await tokenWith({ alg: 'HS256', key: modulus }),
      await tokenWith({ pair: stranger }),
      await tokenWith({ pair: second }),
      await tokenWith({ alg: 'PS256', key: await rsaAs('PS256') }),
      `${(await tokenWith()).slice(0, -6)}AAAAAA`,
      'x.y.z',
      'not a token',
    ];
    for (const token of forged) expect(await refused(token), token.slice(0, 60)).toEqual(NO);
  });

  it('brings no key of its own', async () => {
    const header = { alg: 'RS256', kid: 'k9', jwk: second.jwk, jku: 'https://evil.example/certs' };
    const own = await new SignJWT({
      iss: issuer,
      aud: [AUD],
      email: 'ops@shop.example',
      iat: seconds(0),
      exp: seconds(HOUR_MS),
    })
      .setProtectedHeader(header)
      .sign(second.privateKey);
    expect(await refused(own)).toEqual(NO);
  });

  it('of a service, which has no e-mail, is refused', async () => {
    expect(await refused(await tokenWith({ claims: { email: '', common_name: 'robot' } }))).toEqual(NO);
    expect(await refused(await tokenWith({ claims: { email: undefined } }))).toEqual(NO);
  });

  it('signed with a new key is taken once the team publishes it, and floods do not hammer the team', async () => {
    const guest = await guestWith({ pair: second });
    expect((await guest.enter()).status).toBe(401);
    certs.keys = [first.jwk, second.jwk];
    for (let n = 0; n < 5; n++) expect((await guest.enter()).status).toBe(401);
    expect(certs.asked).toBeLessThanOrEqual(2);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 31_000);
    expect((await guest.enter()).status).toBe(303);
    certs.keys = [second.jwk];
    vi.spyOn(Date, 'now').mockImplementation(() => now + 11 * 60_000);
    expect((await (await guestWith({ pair: first })).enter()).status).toBe(401);
  });

  it('costs the team one question and no more, however many come at once while its keys cannot be had', async () => {
    certs.status = 503;
    const [bogus, genuine] = [new Guest(unsigned({ alg: 'RS256', kid: 'k7' })), await guestWith()];
    const flood = () => Promise.all(Array.from({ length: 20 }, () => bogus.open('/console/login')));
    for (const { status } of [...(await flood()), ...(await flood())]) expect(status).toBe(200);
    expect((await genuine.enter()).status).toBe(401);
    expect(certs.asked).toBe(1);
    certs.status = 200;
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 6_000);
    expect((await genuine.enter()).status).toBe(303);
    expect(certs.asked).toBe(2);
    await flood();
    expect(certs.asked).toBe(2);
    vi.spyOn(Date, 'now').mockImplementation(() => now + 40_000);
    await Promise.all([flood(), flood()]);
    expect(certs.asked).toBe(3);
  });

  it('is proved by keys of a bounded length, from the team’s own address and no other', async () => {
    const told = Response.redirect('https://evil.example/certs', 302);
    vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
      expect([String(input), init.redirect, init.signal instanceof AbortSignal]).toEqual([
        `${issuer}/cdn-cgi/access/certs`,
        'manual',
        true,
      ]);
      return told;
    });
    expect(await refused(await tokenWith())).toEqual(NO);
    issuer = `http://127.0.0.1:${port++}`;
    await put();
    let pulled = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull: (body) => {
          pulled += 1;
          body.enqueue(new Uint8Array(65_536).fill(32));
        },
      });
    vi.stubGlobal('fetch', async () => new Response(endless(), { headers: { 'content-type': 'application/json' } }));
    expect(await refused(await tokenWith())).toEqual(NO);
    expect(pulled).toBeLessThan(10);
  });

  it('is refused while the keys cannot be had, and sessions go on', async () => {
    const inside = await guestWith();
    await inside.enter();
    issuer = `http://127.0.0.1:${port++}`;
    await put();
    certs.status = 503;
    expect(await refused(await tokenWith())).toEqual(NO);
    certs.status = 200;
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + 6_000);
    expect((await (await guestWith()).enter()).status).toBe(303);
    expect((await inside.open('/console/me')).status).toBe(303); // it came by the other team
  });

  it('says nothing to /v1, and no header makes a person there', async () => {
    const headers = {
      'cf-access-jwt-assertion': await tokenWith(),
      'x-principal': 'admin',
      principal: '{"id":"admin"}',
    };
    expect((await call('GET', '/v1/me', undefined, { key: null, headers })).status).toBe(401);
    expect((await call('POST', '/v1/origins', {}, { key: null, headers })).status).toBe(401);
  });
});

async function rsaAs(alg: string) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return privateKey;
}

describe('the settings', () => {
  it('are an admin’s, of a team of Cloudflare, with an application, of the version that was looked at', async () => {
    expect((await call('GET', '/v1/access', undefined, { key: await makeKey('operate', 'read') })).status).toBe(403);
    for (const more of [
      { issuer: 'https://evil.example' },
      { issuer: 'https://x.cloudflareaccess.com.evil.example' },
      { audiences: [] },
      { audiences: ['short'] },
      { rules: [{ kind: 'email', value: 'nobody', role: 'viewer' }] },
      { rules: [{ kind: 'domain', value: '@shop.example', role: 'viewer' }] },
      { rules: [{ kind: 'email', value: 'a@b.example', role: 'root' }] },
    ]) {
      expect((await put(more)).status, JSON.stringify(more)).toBe(422);
    }
    const { body } = await call('GET', '/v1/access');
    expect(body).toMatchObject({ issuer, audiences: [AUD] });
    expect((await put({ ifVersion: Number(body.version) - 1 })).status).toBe(409);
    expect((await put({ ifVersion: Number(body.version) })).status).toBe(200);
  });
});

describe('a session', () => {
  const away = async (visitor: Visitor) => (await visitor.open('/console/channels')).status === 303;

  it('of whom is logged out everywhere is over everywhere, and a new one begins', async () => {
    const [one, two] = [await guestWith(), await guestWith()];
    await Promise.all([one.enter(), two.enter()]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await one.send('/console/me/end', { whose: 'mine' }, '/console/me')).status).toBe(303);
    expect([await away(one), await away(two)]).toEqual([true, true]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await two.enter();
    expect(await away(two)).toBe(false);
  });

  it('of a person is ended by an admin, however the e-mail is written', async () => {
    const person = await guestWith();
    await person.enter();
    expect(await away(person)).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await call('POST', '/v1/sessions/end', { actor: ' Ops@Shop.example' })).status).toBe(200);
    expect(await away(person)).toBe(true);
  });

  it('is over where its cookie was copied, as soon as its owner logs out', async () => {
    const owner = await Visitor.in();
    const thief = new Visitor();
    for (const [name, value] of owner.cookies) thief.cookies.set(name, value);
    const other = await Visitor.in();
    expect(await away(thief)).toBe(false);
    await owner.send('/console/logout', {}, '/console/channels');
    expect(await away(thief)).toBe(true);
    expect(await away(other)).toBe(false);
  });

  it('that ended stays ended, however many others end after it, and few rows say so', async () => {
    const registry = env.REGISTRY.getByName('registry');
    const now = Date.now() - HOUR_MS;
    const end = (id: string, whose: string, at: number) =>
      registry.endSessions(`session/${id}`, { now: at, key: null, digest: '' }, whose);
    for (let n = 0; n < 60; n++) await end(`one-${n}`, 'key_one', now + n);
    const { logouts } = await registry.readAccessCopy();
    const over = (whose: string, id: string, since: number) => isSessionOver(logouts, whose, { id, since });
    expect(Object.keys(logouts.of).filter((name) => name.startsWith('session/one-'))).toHaveLength(50);
    for (let n = 0; n < 60; n++) expect(over('key_one', `one-${n}`, now + n - 1), `${n}`).toBe(true);
    expect(over('key_one', 'late', now + 30)).toBe(false);
    expect(over('key_two', 'other', now)).toBe(false);

    for (let n = 0; n < 1_010; n++) await end(`many-${n}`, `key_${n}`, now + 1_000 + n);
    const after = (await registry.readAccessCopy()).logouts;
    expect(Object.keys(after.of).length).toBeLessThanOrEqual(1_000);
    for (let n = 0; n < 1_010; n++) {
      expect(isSessionOver(after, `key_${n}`, { id: `many-${n}`, since: now + 999 + n }), `${n}`).toBe(true);
    }
    expect(isSessionOver(after, 'key_late', { id: 'late', since: now + 2_000 })).toBe(false);
  });

  it('of others is ended by an admin alone', async () => {
    const key = await makeKey('operate', 'read');
    const everybody = { everybody: true };
    expect((await call('POST', '/v1/sessions/end', everybody, { key })).status).toBe(403);
    expect((await call('POST', '/v1/sessions/end', { actor: 'admin' }, { key })).status).toBe(403);
    expect((await call('POST', '/v1/sessions/end', undefined, { key })).status).toBe(200);
    const admin = await Visitor.in();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await call('POST', '/v1/sessions/end', everybody);
    expect(await away(admin)).toBe(true);
  });

  it('is over after an hour without a page, goes on with one, and ends after twelve', async () => {
    const now = Date.now();
    let aheadMs = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => now + aheadMs);
    const idle = await Visitor.in();
    const busy = await Visitor.in();
    for (aheadMs = 0; aheadMs < 12 * HOUR_MS; aheadMs += HOUR_MS / 2) expect(await away(busy)).toBe(false);
    expect(await away(idle)).toBe(true);
    aheadMs = 12 * HOUR_MS + 1;
    expect(await away(busy)).toBe(true);
  });

  it('is not kept alive by a page that refreshes itself', async () => {
    const now = Date.now();
    let aheadMs = 0;
    vi.spyOn(Date, 'now').mockImplementation(() => now + aheadMs);
    const [left, looking] = [await Visitor.in(), await Visitor.in()];
    const lookAt = (path: string) => left.open(path, { 'x-refresh': 'self' });
    for (aheadMs = 0; aheadMs < HOUR_MS; aheadMs += HOUR_MS / 6) {
      for (const path of ['/console/replays', '/console/live']) expect((await lookAt(path)).status).toBe(200);
      expect(await away(looking)).toBe(false);
    }
    aheadMs = HOUR_MS + 1;
    expect((await lookAt('/console/replays')).status).toBe(303);
    expect(await away(left)).toBe(true);
    expect(await away(looking)).toBe(false);
  });

  it('goes on while the registry cannot be asked, by what was known of it', async () => {
    const visitor = await Visitor.in();
    const { operators } = await import('../../src/console/app.tsx');
    const away = { readAccessCopy: () => Promise.reject(new Error('away')) };
    const broken = { ...env, REGISTRY: { getByName: () => away } };
    forgetAccessCopy();
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const ask = new Request(`${BASE}/console/me`, { headers: { cookie } });
    const context = { waitUntil: () => undefined, passThroughOnException: () => undefined, props: {} };
    const seen = await operators.fetch(ask, broken as never, context as never); // the registry is played
    expect(seen.status).toBe(200);
  });

  it('that failed to begin is on record, without what was entered', async () => {
    const seen = await new Visitor().send('/console/login', { key: `${ADMIN_KEY}x` });
    expect(seen.status).toBe(401);
    await vi.waitFor(async () => {
      const { body, text } = await call('GET', '/v1/audit?act=login.failed');
      expect([...(body.items ?? [])].some(({ about }) => String(about) === 'key')).toBe(true);
      expect(text).not.toContain(ADMIN_KEY);
    });
  });
});
