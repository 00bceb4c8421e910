// The console's forms for channels and origins: made from what each provider says of itself, sent once, secrets kept.
import { describe, expect, it } from 'vitest';
import { operators } from '../../src/console/app.tsx';
import { Untied } from '../../src/console/reconciliation-parts.tsx';
import { sayIn } from '../../src/console/texts.ts';
import { filesOf, pagesOf } from '../browser/console-pages.ts';
import { HOSTILE } from '../browser/hostile-texts.ts';
import { call, credentials, makeChannel, makeKey, makeOrigin, unique } from './api-world.ts';
import { fieldIn, Visitor } from './console-world.ts';

const providers = (await call('GET', '/v1/providers?limit=200')).body.items;
const ids = [...(providers ?? [])].map(({ id }) => String(id));

describe('the form of a new channel', () => {
  it.each(ids)('has a field with a label for everything that %s needs', async (id) => {
    const visitor = await Visitor.in();
    const { status, text } = await visitor.open(`/console/new/channel/${id}`);
    expect(status).toBe(200);
    const fields = providers?.find((one) => String(one.id) === id)?.credentials ?? [];
    for (const { field, secret } of fields) {
      const [tag] = new RegExp(`<[^>]*name="credentials\\.${field}(?:\\.\\w+)?"[^>]*>`).exec(text) ?? [];
      expect(tag, String(field)).toBeDefined();
      if (String(secret) === 'true') expect(tag).toMatch(/type="password"|class="masked"/);
    }
  });

  it('makes the channel once, however often it is sent', async () => {
    const visitor = await Visitor.in();
    const page = '/console/new/channel/wechatpay-v3';
    const { text } = await visitor.open(page);
    const id = unique('form');
    const sent = Object.fromEntries(
      Object.entries(credentials).map(([name, value]) => [
        `credentials.${name}`,
        typeof value === 'string' ? value : Array.isArray(value) ? value.join('\n') : JSON.stringify(value),
      ]),
    );
    const fields = { id, environment: 'live', mode: 'open', once: fieldIn(text, 'once'), ...sent };
    for (let i = 0; i < 2; i++) {
      const seen = await visitor.send(page, fields);
      expect([seen.status, seen.headers.get('location')]).toEqual([
        303,
        `/console/channels/${id}?done=created&proof=proved`,
      ]);
    }
    expect((await call('GET', `/v1/channels/${id}`)).body.provider).toBe('wechatpay-v3');
  });

  it('names the field that is wrong, and repeats no secret', async () => {
    const visitor = await Visitor.in();
    const basics = { id: 'x', environment: 'live', mode: 'open' };
    const fields = { ...basics, 'credentials.mchId': '12', 'credentials.apiV3Key': 'not-long-enough' };
    const { status, text } = await visitor.send('/console/new/channel/wechatpay-v3', fields);
    expect(status).toBe(422);
    expect(text).toMatch(/<input[^>]*name="credentials\.mchId"[^>]*value="12"[^>]*aria-invalid="true"/);
    expect(text).not.toContain('not-long-enough');
    const unread = { ...fields, 'credentials.platformKeys': '{no json' };
    const seen = await visitor.send('/console/new/channel/wechatpay-v3', unread);
    expect(seen.text).toContain('This is not JSON');
  });
});

describe('the form of the alarm rules', () => {
  it('shows again what was typed, where it is no number', async () => {
    const visitor = await Visitor.in();
    const fields = { 'repeatMinutes.order_held': '60', 'minutes.backlog_age': 'ten minutes' };
    const { status, text } = await visitor.send('/console/alarm-rules', fields);
    expect(status).toBe(422);
    expect(text).toMatch(/<input[^>]*name="minutes\.backlog_age"[^>]*value="ten minutes"/);
    expect(text).not.toContain('NaN');
  });
});

describe('keys as people paste them', () => {
  const page = '/console/new/channel/wechatpay-v3';
  const sent = (name: string, value: unknown): [string, string] => [
    `credentials.${name}`,
    typeof value === 'string' ? value : Array.isArray(value) ? value.join('\n') : JSON.stringify(value),
  ];
  const { merchantPrivateKey, platformKeys, ...rest } = credentials;
  const [[name, key]] = Object.entries(platformKeys) as [[string, string]]; // one public key
  const basics = { environment: 'live', mode: 'open', check: '1' };
  const others = Object.fromEntries(Object.entries(rest).map(([field, value]) => sent(field, value)));

  it.each([
    ['indented, with the line ends of a browser', (pem: string) => pem.replaceAll('\n', '\r\n    ')],
    ['in one line', (pem: string) => pem.replaceAll('\n', ' ')],
    ['with its line ends written out', (pem: string) => pem.trim().replaceAll('\n', '\\n')],
  ])('are taken %s, and by their ID above the key', async (_, bend) => {
    const visitor = await Visitor.in();
    const { status, text } = await visitor.send(page, {
      ...{ ...basics, ...others, id: unique('bent') },
      'credentials.merchantPrivateKey': bend(String(merchantPrivateKey)),
      'credentials.platformKeys': `${name}\n${key}\n`,
    });
    expect([status, text.includes('Nothing is wrong as far as can be told')]).toEqual([200, true]);
  });

  it('are asked for their ID where they have none', async () => {
    const visitor = await Visitor.in();
    const { status, text } = await visitor.send(page, {
      ...{ ...basics, ...others, id: unique('bare') },
      'credentials.merchantPrivateKey': String(merchantPrivateKey),
      'credentials.platformKeys': key,
    });
    expect([status, text.includes('A key has no ID')]).toEqual([422, true]);
  });

  it('are told to be the wrong ones although something else is missing, too', async () => {
    const visitor = await Visitor.in();
    const { merchantSerial: _, ...unnamed } = credentials;
    const { text } = await visitor.send(page, {
      ...{ ...basics, id: unique('two') },
      ...Object.fromEntries(Object.entries(unnamed).map(([field, value]) => sent(field, value))),
      'credentials.merchantPrivateKey': key,
    });
    expect(text).toContain('merchantSerial is missing');
    expect(text).toContain('It is a public key, and a private key belongs here.');
  });

  it('come in parts where a field has parts', async () => {
    const visitor = await Visitor.in();
    const { text } = await visitor.send(page, {
      ...{ ...basics, ...others, id: unique('parts') },
      'credentials.merchantPrivateKey': String(merchantPrivateKey),
      'credentials.platformKeys': JSON.stringify(platformKeys),
      'credentials.partner.spMchId': 'letters',
    });
    expect(text).toMatch(/value="letters"/);
    expect(text).toContain('spMchId');
    expect(text).not.toContain('Nothing is wrong');
  });
});

describe('the check of a form', () => {
  const page = '/console/new/channel/wechatpay-v3';
  const entered = (more: object = {}) => ({
    ...{ id: unique('checked'), environment: 'live', mode: 'open' },
    ...Object.fromEntries(
      Object.entries({ ...credentials, ...more }).map(([name, value]) => [
        `credentials.${name}`,
        typeof value === 'string' ? value : Array.isArray(value) ? value.join('\n') : JSON.stringify(value),
      ]),
    ),
  });

  it('says in the reader’s language what was pasted, makes nothing, and repeats nothing', async () => {
    const visitor = await Visitor.in(undefined, 'zh');
    const fields = entered({ merchantPrivateKey: Object.values(credentials.platformKeys)[0] });
    const { status, text } = await visitor.send(page, { ...fields, check: '1' });
    expect(status).toBe(200);
    expect(text).toContain('这是公钥，此处应为私钥。');
    expect(text).not.toContain(credentials.apiV3Key);
    expect((await call('GET', `/v1/channels/${fields.id}`)).status).toBe(404);
    const sound = await visitor.send(page, { ...entered(), check: '1' });
    expect([sound.status, sound.text.includes('平台接受这些凭据')]).toEqual([200, true]);
  });

  it('keeps what the provider refused only when a person says so', async () => {
    const visitor = await Visitor.in();
    const fields = entered({ merchantSerial: 'ABC123' });
    const refused = await visitor.send(page, fields);
    expect([refused.status, refused.text.includes('name="anyway"')]).toEqual([422, true]);
    expect(refused.text).toContain('The provider refused');
    expect((await call('GET', `/v1/channels/${fields.id}`)).status).toBe(404);
    const kept = await visitor.send(page, { ...fields, anyway: 'yes' });
    expect([kept.status, kept.headers.get('location')]).toEqual([
      303,
      `/console/channels/${fields.id}?done=created&proof=refused`,
    ]);
    const bad = entered({ mchId: 'x' });
    expect((await visitor.send(page, { ...bad, anyway: 'yes' })).status).toBe(422);
  });
});

describe('a key that may only read', () => {
  it('is refused what the console would do with more', async () => {
    const channel = await makeChannel();
    const origin = await makeOrigin();
    const visitor = await Visitor.in(await makeKey('read'));
    const acts: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
      [`/console/channels/${channel}/pause`, {}],
      [`/console/channels/${channel}/allowlist`, { mode: 'off', ranges: '' }],
      [`/console/channels/${channel}/rotate`, { overlapHours: '1', 'credentials.apiV3Key': 'x'.repeat(32) }],
      [`/console/origins/${origin}/pause`, {}],
      [`/console/origins/${origin}/rotate`, { overlapHours: '1' }],
      ['/console/new/origin', { id: 'nobody', url: 'https://shop.example/' }],
    ];
    for (const [path, fields] of acts) expect([path, (await visitor.send(path, fields)).status]).toEqual([path, 403]);
    expect((await call('GET', `/v1/channels/${channel}`)).body.status).toBe('active');
    expect((await visitor.open('/console/audit')).status).toBe(403);
  });
});

describe('the secret of an origin', () => {
  it('is shown by the page that made it, and by none after', async () => {
    const visitor = await Visitor.in();
    const id = unique('shop');
    const fields = { id, url: 'https://shop.example/hooks', format: 'standard', signature: 'hmac', timeoutMs: '5000' };
    const made = await visitor.send('/console/new/origin', fields);
    const [secret = ''] = /whsec_[\w+/=]+/.exec(made.text) ?? [];
    expect(secret.length).toBeGreaterThan(30);
    expect(made.headers.get('cache-control')).toBe('no-store');
    expect((await visitor.open(`/console/origins/${id}`)).text).not.toContain('whsec_');
    const rotated = await visitor.send(`/console/origins/${id}/rotate`, { overlapHours: '24' });
    expect(rotated.text).toMatch(/whsec_/);
    expect(rotated.text).not.toContain(secret);
    expect((await visitor.send(`/console/origins/${id}/rotate`, { overlapHours: '-1' })).status).toBe(422);
  });
});

describe('the walk through the console that axe takes', () => {
  const sights = {
    ...{ channel: 'c', bills: 'b', day: '2026-01-02', dayBefore: '2026-01-01', orders: ['o'], held: 'h', test: 't' },
    ...{ refundable: 'r', pending: 'p', discrepancy: 'd', replay: 'e', key: 'k' },
  };
  const routes = operators.routes.filter(({ method, path }) => method === 'GET' && path.startsWith('/console'));
  const pages = pagesOf(sights);
  const files = filesOf(sights);

  it('sees every page there is, and nothing else', () => {
    const walked = [...Object.keys(pages), ...Object.keys(files)].sort();
    expect(walked).toEqual([...new Set(routes.map(({ path }) => path))].sort());
  });

  it('asks each for addresses of its own', () => {
    const routeOf = (path: string) => {
      const [found] = operators.router.match('GET', path.replace(/\?.*/, ''));
      return found.map(([[, { path: route }]]) => route).findLast((route) => !route.endsWith('*'));
    };
    const walked = [
      ...Object.entries(pages),
      ...Object.entries(files).map(([route, path]) => [route, [path]] as const),
    ];
    expect(walked.filter(([, paths]) => paths.length === 0)).toEqual([]);
    const strayed = walked.flatMap(([route, paths]) => paths.filter((path) => routeOf(path) !== route));
    expect(strayed).toEqual([]);
  });
});

describe('lines of a bill that tie to nothing', () => {
  it('are shown as text, whatever they are called', async () => {
    const me = { id: 'admin', name: 'admin', scopes: ['admin' as const], expiresAt: null };
    const frame = { language: 'en', theme: 'system', token: 't', here: '/console' } as const;
    const amount = { minor: 100, currency: 'CNY' };
    const lines = HOSTILE.map((id, at) => ({
      ...({ side: 'bill', row: at + 1, kind: 'payment' } as const),
      orderNo: id,
      id,
      amount,
    }));
    const guest = { ...frame, me, say: sayIn('en') };
    const html = String(await Untied({ guest, untied: { bill: 50, account: 0, sums: [] }, lines })?.toString());
    const cells: string[] = [];
    const rewriter = new HTMLRewriter().on('*', { element: ({ tagName }) => void cells.push(tagName) });
    await rewriter.transform(new Response(html)).text();
    const OURS = ['section', 'h2', 'p', 'table', 'caption', 'thead', 'tbody', 'tr', 'th', 'td', 'code', 'strong'];
    expect([...new Set(cells)].filter((tag) => !OURS.includes(tag))).toEqual([]);
    expect(cells.filter((tag) => tag === 'code').length).toBe(50);
  });
});
