// Who gets into the console, for how long, and what a page of it never does.
import { env, exports } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ADMIN_KEY, call, makeKey, makeOrigin } from './api-world.ts';
import { BASE, tokenIn, Visitor } from './console-world.ts';

afterEach(() => vi.restoreAllMocks());

const SESSION = 'tollgate-session';
const HOUR_MS = 3_600_000;

describe('logging in', () => {
  it('leads to the page that was asked for, and nowhere but into the console', async () => {
    const visitor = new Visitor();
    const first = await visitor.open('/console/orders?state=paid');
    expect(first.status).toBe(303);
    expect(first.headers.get('location')).toBe('/console/login?next=%2Fconsole%2Forders%3Fstate%3Dpaid');
    const next = '/console/orders?state=paid';
    const seen = await visitor.send('/console/login', { key: ADMIN_KEY, next });
    expect([seen.status, seen.headers.get('location')]).toEqual([303, next]);
    expect((await visitor.open(next)).status).toBe(200);
  });

  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '/console/../\\evil.example',
    '/console\\@evil.example',
    '/console/..//evil.example',
    '/consolex',
    '/v1/orders',
    'javascript:alert(1)',
    '/console/\n/evil.example',
    '/console/logout',
  ])('does not lead away to %j', async (next) => {
    const seen = await new Visitor().send('/console/login', { key: ADMIN_KEY, next });
    expect([seen.status, seen.headers.get('location')]).toEqual([303, '/console']);
  });

  it('says so where the key is not known, and starts no session', async () => {
    const visitor = new Visitor();
    const seen = await visitor.send('/console/login', { key: `${ADMIN_KEY}x` });
    expect(seen.status).toBe(401);
    expect(seen.text).toContain('aria-invalid="true"');
    expect(seen.text).not.toContain(ADMIN_KEY);
    expect(visitor.cookies.has(SESSION)).toBe(false);
  });

  it.each(['中文', 'tg_a\nx: y', 'tg_\u0000', 'é'.repeat(40), 'x'.repeat(50_000), `${ADMIN_KEY} x`])(
    'says the same of what can be no key: %j',
    async (key) => {
      const spy = vi.spyOn(console, 'error').mockImplementation(() => undefined);
      const visitor = new Visitor();
      expect((await visitor.send('/console/login', { key })).status).toBe(401);
      expect(visitor.cookies.has(SESSION)).toBe(false);
      expect(spy).not.toHaveBeenCalled();
    },
  );

  it('is limited by address', async () => {
    const visitor = new Visitor();
    const { text } = await visitor.open('/console/login');
    const attempt = async () => {
      const headers = { origin: BASE, 'cf-connecting-ip': '203.0.113.77' };
      return (await visitor.ask('POST', '/console/login', { headers, form: { token: tokenIn(text), key: 'tg_x' } }))
        .status;
    };
    const statuses: number[] = [];
    for (let i = 0; i < 25; i++) statuses.push(await attempt());
    expect(statuses).toContain(401);
    expect(statuses.at(-1)).toBe(429);
  });

  it('keeps the key sealed, where no script and no other site can reach it', async () => {
    const { text } = await new Visitor().open('/console/login');
    const visitor = new Visitor();
    const form = await visitor.open('/console/login');
    const headers = { origin: BASE };
    const seen = await visitor.ask('POST', '/console/login', {
      headers,
      form: { token: tokenIn(form.text), key: ADMIN_KEY },
    });
    const cookie = seen.headers.getSetCookie().find((line) => line.startsWith(SESSION)) ?? '';
    expect(cookie).toMatch(/; Path=\/; Max-Age=3600; HttpOnly; SameSite=Strict$/);
    expect(cookie).not.toContain(ADMIN_KEY);
    expect(text).not.toContain(ADMIN_KEY);
    expect((await visitor.open('/console/orders')).text).not.toContain(ADMIN_KEY);
  });

  it('gives the cookie to https alone where the gateway is not local', async () => {
    const deployed = { ...env, TOLLGATE_PUBLIC_URL: 'https://pay.shop.example' };
    const { operators } = await import('../../src/console/app.tsx');
    const reply = await operators.fetch(new Request('https://pay.shop.example/console/login'), deployed);
    const cookie = reply.headers.getSetCookie()[0] ?? '';
    expect(cookie).toMatch(/^__Host-tollgate-form=.*; Path=\/; .*HttpOnly; SameSite=Strict; Secure$/);
  });
});

describe('a session', () => {
  it('is over when nobody used it for an hour', async () => {
    const visitor = await Visitor.in();
    expect((await visitor.open('/console/orders')).status).toBe(200);
    const now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => now + HOUR_MS + 1);
    expect((await visitor.open('/console/orders')).status).toBe(303);
  });

  it('ends when its key is revoked', async () => {
    const key = await makeKey('read');
    const visitor = await Visitor.in(key);
    expect((await visitor.open('/console/orders')).status).toBe(200);
    const { items } = (await call('GET', '/v1/api-keys?limit=200')).body;
    const id = items?.find((one) => String(one.ending) === key.slice(-4))?.id;
    await call('DELETE', `/v1/api-keys/${id}`);
    const seen = await visitor.open('/console/orders');
    expect([seen.status, seen.headers.get('location')]).toEqual([303, '/console/login?ended=1']);
    expect(visitor.cookies.has(SESSION)).toBe(false);
  });

  it('ends when somebody logs out', async () => {
    const visitor = await Visitor.in();
    expect((await visitor.send('/console/logout', {}, '/console/orders')).status).toBe(303);
    expect((await visitor.open('/console/orders')).status).toBe(303);
  });

  it.each(['', 'x', 'v1.00000000.AAAA.AAAA', 'v1.x'])('cannot be made up: %j', async (made) => {
    const visitor = new Visitor();
    visitor.cookies.set(SESSION, made);
    expect((await visitor.open('/console/orders')).status).toBe(303);
  });

  it('shows and does what its key may, and no more', async () => {
    const visitor = await Visitor.in(await makeKey('read'));
    const { text } = await visitor.open('/console/orders');
    expect(text).toContain('href="/console/channels"');
    expect(text).not.toContain('href="/console/audit"');
    const path = `/console/origins/${await makeOrigin()}/pause`;
    const refused = await visitor.send(path, { once: 'abc' }, '/console/orders');
    expect(refused.status).toBe(403);
  });

  it('survives a link from another site: the page asks again by itself', async () => {
    const seen = await new Visitor().open('/console/orders?state=paid', { 'sec-fetch-site': 'cross-site' });
    expect(seen.status).toBe(200);
    expect(seen.text).toContain('<meta http-equiv="refresh" content="0;url=/console/orders?state=paid"');
  });
});

describe('a form', () => {
  const sent = async (change: (headers: Record<string, string>, form: Record<string, string>) => void) => {
    const visitor = await Visitor.in();
    const { text } = await visitor.open('/console/orders');
    const [headers, form] = [{ origin: BASE }, { token: tokenIn(text), theme: 'dark', next: '/console/orders' }];
    change(headers, form);
    return visitor.ask('POST', '/console/preferences', { headers, form });
  };

  it('is taken from our own pages', async () => {
    expect((await sent(() => undefined)).status).toBe(303);
    const noOrigin = await sent((headers) => {
      delete headers.origin;
      headers['sec-fetch-site'] = 'same-origin';
    });
    expect(noOrigin.status).toBe(303);
  });

  it.each<[string, (headers: Record<string, string>, form: Record<string, string>) => void]>([
    ['another origin', (headers) => Object.assign(headers, { origin: 'https://evil.example' })],
    ['an origin that hides', (headers) => Object.assign(headers, { origin: 'null' })],
    ['no word about where it comes from', (headers) => void delete headers.origin],
    ['no token', (_, form) => void delete form.token],
    ['another token', (_, form) => Object.assign(form, { token: 'x'.repeat(32) })],
    ['an empty token', (_, form) => Object.assign(form, { token: '' })],
  ])('is refused with %s', async (_, change) => {
    const seen = await sent(change);
    expect(seen.status).toBe(403);
    expect(seen.headers.getSetCookie()).toEqual([]);
  });

  it('is refused at its bound, whoever sends it, before the rest has come', async () => {
    let [sent, isCancelled] = [0, false];
    const slow = new ReadableStream<Uint8Array>({
      pull: (body) => (++sent > 5 ? new Promise(() => undefined) : body.enqueue(new Uint8Array(16_384))),
      cancel: () => {
        isCancelled = true;
      },
    });
    const { operators } = await import('../../src/console/app.tsx');
    const init = { method: 'POST', headers: { origin: BASE }, body: slow };
    const reply = await operators.fetch(new Request(`${BASE}/console/login`, init), env);
    expect([reply.status, isCancelled]).toEqual([403, true]);
  });

  it('remembers language and theme', async () => {
    const visitor = await Visitor.in(ADMIN_KEY, 'zh');
    expect((await visitor.open('/console/orders')).text).toContain('<html lang="zh-CN" data-theme="system">');
    const fields = { language: 'en', next: '/console/orders?state=paid' };
    const seen = await visitor.send('/console/preferences', fields, '/console/orders');
    expect(seen.headers.get('location')).toBe('/console/orders?state=paid');
    await visitor.send('/console/preferences', { theme: 'dark' }, '/console/orders');
    expect((await visitor.open('/console/orders')).text).toContain('<html lang="en" data-theme="dark">');
  });
});

describe('every answer', () => {
  it.each(['/console/login', '/console/orders', '/console/nowhere', '/console/orders/none/none'])(
    'keeps to itself and runs nothing inline: %s',
    async (path) => {
      const visitor = path === '/console/login' ? new Visitor() : await Visitor.in();
      const { headers, text } = await visitor.open(path);
      expect(headers.get('content-security-policy')).toBe(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
          "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
      );
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('referrer-policy')).toBe('same-origin');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000');
      expect(text).not.toMatch(/<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=/);
    },
  );

  it('brings its files under names that change with them', async () => {
    const { text } = await new Visitor().open('/console/login');
    for (const [, path = ''] of text.matchAll(/(?:href|src)="(\/console\/assets\/[^"]+)"/g)) {
      const file = await exports.default.fetch(new Request(BASE + path));
      expect(file.status).toBe(200);
      expect(file.headers.get('cache-control')).toContain('immutable');
      expect((await exports.default.fetch(new Request(BASE + path.replace(/\.\w{16}\./, '.0.')))).status).toBe(404);
    }
    expect(text.match(/\/console\/assets\//g)).toHaveLength(2);
  });
});
