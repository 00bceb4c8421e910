// The payer's page: who may see what of an order, in which words, and how it follows the payment.
import { listDurableObjectIds } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { viewOf } from '../../src/payer/view.ts';
import { payer } from '../../src/payer.ts';
import { pictureOfPng, pictureOfSvg, scan } from '../pictures.ts';
import { CODE, DESCRIPTION, giveCode, later, makeOrder, open, pay, stateOf, tokenOf } from './payer-world.ts';

afterEach(() => vi.restoreAllMocks());

const ZH = { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' };

/** What an HTML page shows, its style and script aside. */
const textOf = (html: string): string =>
  html
    .replace(/<(style|script)>[\s\S]*?<\/\1>/g, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ');

describe('a token that nobody was given', () => {
  const forged = (token: string) => `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`;

  it('is told that there is nothing, in a page and in JSON, and touches no object', async () => {
    const before = await listDurableObjectIds(env.LEDGER);
    const reach = vi.spyOn(env.LEDGER, 'getByName');
    for (const token of ['x', '%2e%2e', 'A'.repeat(90), 'A'.repeat(5_000), forged(await tokenOf('nothing'))]) {
      for (const form of ['', '/status', '/qr.svg', '/qr.png']) {
        const reply = await open(`${token}${form}`);
        expect([token, form, reply.status]).toEqual([token, form, 404]);
      }
    }
    expect(reach).not.toHaveBeenCalled();
    expect((await listDurableObjectIds(env.LEDGER)).length).toBe(before.length);
  });

  it('is answered like one whose order does not exist', async () => {
    const [none, wrong] = [await tokenOf('NO-SUCH-ORDER'), forged((await makeOrder()).token)];
    const pages = await Promise.all([none, wrong].map(async (token) => (await open(token)).text()));
    expect(pages[0]).toBe(pages[1]);
    expect(pages[0]).toContain('There is no payment here');
  });

  it.each(['', 'a/b/c', 'x/', 'x/qr.gif', 'x/status/'])('finds nothing at /pay/%s', async (path) => {
    expect((await open(path)).status).toBe(404);
  });
});

describe('the page', () => {
  it('shows the amount, the code and its end, and nothing of the merchant', async () => {
    const order = await makeOrder({ metadata: { cart: 'secret-cart' } });
    await giveCode(order);
    const reply = await open(order.token);
    const html = await reply.text();
    expect(reply.status).toBe(200);
    expect(textOf(html)).toMatch(/Amount CN¥1\.00 Waiting for the payment .*Valid until \d\d:\d\d UTC/);
    expect(html).toContain(`src="/pay/${order.token}/qr.png"`);
    for (const secret of [order.channel, order.orderNo, DESCRIPTION, '龙井茶', 'secret-cart', 'wechat']) {
      expect(html).not.toContain(secret);
      expect(await (await open(`${order.token}/status`)).text()).not.toContain(secret);
    }
  });

  it('says so before there is a code, and has no picture of one', async () => {
    const order = await makeOrder();
    expect(textOf(await (await open(order.token)).text())).toContain('The code is being prepared.');
    expect(await stateOf(order)).toMatchObject({ state: 'waiting', codeExpiresAt: null });
    expect((await open(`${order.token}/qr.png`)).status).toBe(404);
    expect((await open(`${order.token}/qr.svg`)).status).toBe(404);
  });

  it('speaks the language that the browser prefers, and the one that is chosen', async () => {
    const order = await makeOrder();
    await giveCode(order);
    const page = async (query: string, language?: string) =>
      (await open(order.token + query, language === undefined ? {} : { 'accept-language': language })).text();
    const [zh, en] = ['lang="zh-CN">', 'lang="en">'];
    for (const [query, language, expected] of [
      ['', 'zh-CN,zh;q=0.9,en;q=0.8', zh],
      ['', 'zh-TW', zh],
      ['', 'en-GB,en;q=0.9,zh;q=0.8', en],
      ['', 'fr,zh;q=0.2,en;q=0.1', zh],
      ['', 'fr;q=1, de', en],
      ['', 'zh;q=0, en;q=0.1', en],
      ['', '*', en],
      ['', ',;=,q', en],
      ['', undefined, en],
      ['?lang=zh', 'en', zh],
      ['?lang=en', 'zh', en],
      ['?lang="><script>', 'zh', zh],
    ] as const) {
      expect([language, query, (await page(query, language)).includes(`<html ${expected}`)]).toEqual([
        language,
        query,
        true,
      ]);
    }
    expect(textOf(await page('', 'zh'))).toMatch(/金额 ¥1\.00 等待付款/);
  });

  it.each<[number, string, string, string]>([
    [1, 'CNY', 'CN¥0.01', '¥0.01'],
    [123_456_789, 'CNY', 'CN¥1,234,567.89', '¥1,234,567.89'],
    [1_200, 'JPY', '¥1,200', 'JP¥1,200'],
    [12_345, 'KWD', 'KWD 12.345', 'KWD 12.345'],
    [9_007_199_254_740_991, 'USD', '$90,071,992,547,409.91', 'US$90,071,992,547,409.91'],
  ])('writes %d of %s by its digits', async (minor, currency, en, zh) => {
    const { token } = await makeOrder({ amount: { minor, currency } });
    const shown = async (lang: string) =>
      (await (await open(`${token}?lang=${lang}`)).text()).replaceAll('\u00a0', ' ');
    expect(await shown('en')).toContain(`<p class="amount">${en}</p>`);
    expect(await shown('zh')).toContain(`<p class="amount">${zh}</p>`);
  });

  it('links to the code only where a phone can open it', async () => {
    const links = async (codeUrl: string) => {
      const order = await makeOrder();
      await giveCode(order, 60_000, codeUrl);
      const html = await (await open(order.token)).text();
      return [...html.matchAll(/<a class="act" href="([^"]*)"/g)].map(([, href]) => href).slice(1);
    };
    expect(await links(CODE)).toEqual([CODE]);
    expect(await links('https://pay.example/a?b=1&c="2"')).toEqual(['https://pay.example/a?b=1&amp;c=&quot;2&quot;']);
    for (const codeUrl of ['javascript:alert(1)', 'data:text/html,x', 'http://pay.example/', 'intent://x', 'QR TEXT']) {
      expect(await links(codeUrl)).toEqual([]);
    }
  });
});

describe('every answer', () => {
  it('may be kept, framed, indexed and referred to by nobody', async () => {
    const order = await makeOrder();
    await giveCode(order);
    for (const path of ['', '/status', '/qr.svg', '/qr.png'].flatMap((form) => [order.token + form, `x${form}`])) {
      const { headers } = await open(path);
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers.get('set-cookie')).toBeNull();
    }
  });

  it('lets a page run its own style and script alone', async () => {
    const order = await makeOrder();
    await giveCode(order);
    for (const path of [order.token, 'x']) {
      const reply = await open(path);
      const policy = reply.headers.get('content-security-policy') ?? '';
      const html = await reply.text();
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      for (const [, kind, text = ''] of html.matchAll(/<(style|script)>([\s\S]*?)<\/\1>/g)) {
        const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
        expect(policy).toContain(`${kind}-src 'sha256-${digest.toBase64()}'`);
      }
      expect(html).not.toMatch(/ style=| on[a-z]+=|<script [^>]|https?:\/\/(?!www\.w3\.org)/);
    }
  });

  it('is to GET and HEAD', async () => {
    const { token } = await makeOrder();
    const head = await open(token, {}, 'HEAD');
    expect([head.status, await head.text()]).toEqual([200, '']);
    const posted = await open(token, {}, 'POST');
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('the code', () => {
  it('is what the provider gave, as PNG and as SVG', async () => {
    const order = await makeOrder();
    await giveCode(order);
    const [svg, png] = [await open(`${order.token}/qr.svg`), await open(`${order.token}/qr.png`)];
    expect([svg.headers.get('content-type'), png.headers.get('content-type')]).toEqual(['image/svg+xml', 'image/png']);
    expect(scan(pictureOfSvg(await svg.text()))).toBe(CODE);
    expect(scan(pictureOfPng(new Uint8Array(await png.arrayBuffer())))).toBe(CODE);
  });

  it('is shown no longer than it lasts, and a fresh one is shown again', async () => {
    const order = await makeOrder();
    const codeExpiresAt = await giveCode(order, 60_000);
    expect(await stateOf(order)).toMatchObject({
      state: 'waiting',
      codeExpiresAt: new Date(codeExpiresAt).toISOString(),
    });
    later(60_001);
    expect(await stateOf(order)).toMatchObject({ state: 'expired' });
    expect((await open(`${order.token}/qr.png`)).status).toBe(404);
    const html = await (await open(order.token, ZH)).text();
    expect(html).toContain('data-state="expired"');
    expect(html).not.toContain('qr.png');
    const fresh = await giveCode(order, 60_000);
    later();
    expect(await stateOf(order)).toMatchObject({ state: 'waiting', codeExpiresAt: new Date(fresh).toISOString() });
  });

  it('ends with its order, though the provider would take it longer', () => {
    const request = { codeUrl: CODE, codeExpiresAt: 2_000 };
    const seen = { payment: { state: 'pending', amount: null, request, payBy: 1_000 }, appSchemes: [] } as const;
    expect(viewOf(seen, 999)).toMatchObject({ state: 'waiting', codeUrl: CODE, codeExpiresAt: 1_000 });
    expect(viewOf(seen, 1_000)).toMatchObject({ state: 'expired', codeUrl: null, codeExpiresAt: 1_000 });
    const without = { ...seen, payment: { ...seen.payment, request: null } };
    expect(viewOf(without, 1_000)).toMatchObject({ state: 'expired', codeUrl: null, codeExpiresAt: null });
  });

  it.each([
    ['parked', 'waiting'],
    ['failed', 'waiting'],
    ['closed', 'closed'],
    ['paid', 'paid'],
    ['partially_refunded', 'paid'],
    ['refunded', 'paid'],
  ] as const)('of an order that is %s belongs to a page that is %s', (state, expected) => {
    const request = { codeUrl: CODE, codeExpiresAt: 2_000 };
    const view = viewOf({ payment: { state, amount: null, request, payBy: null }, appSchemes: [] }, 1_000);
    expect([view.state, view.codeUrl]).toEqual([expected, expected === 'waiting' ? CODE : null]);
  });
});

describe('a payment', () => {
  it('turns the page to paid within a second, and takes the code away', async () => {
    const order = await makeOrder();
    await giveCode(order);
    expect(await stateOf(order)).toMatchObject({ state: 'waiting' });
    await pay(order);
    later();
    expect(await stateOf(order)).toMatchObject({ state: 'paid' });
    const html = await (await open(order.token, ZH)).text();
    expect(html).toContain('data-state="paid"');
    expect(textOf(html)).toContain('付款成功');
    expect(html).not.toMatch(/qr\.png|http-equiv/);
    expect((await open(`${order.token}/qr.svg`)).status).toBe(404);
  });

  it('is shown though the code expired meanwhile', async () => {
    const order = await makeOrder();
    await giveCode(order, 60_000);
    await pay(order);
    later(60_001);
    expect(await stateOf(order)).toMatchObject({ state: 'paid' });
  });
});

describe('a crowd', () => {
  it('costs the ledger one read a second', async () => {
    const order = await makeOrder();
    await giveCode(order);
    vi.spyOn(Date, 'now').mockReturnValue(Date.now());
    const reach = vi.spyOn(env.LEDGER, 'getByName');
    await Promise.all(Array.from({ length: 50 }, () => stateOf(order)));
    expect(reach).toHaveBeenCalledTimes(1);
    later();
    await Promise.all(Array.from({ length: 50 }, () => stateOf(order)));
    expect(reach).toHaveBeenCalledTimes(2);
  });

  it('is told to come back later, each page and each address by itself', async () => {
    const [order, other] = [await makeOrder(), await makeOrder()];
    const counts = new Map<string, number>();
    const limiterOf = (limit: number) => ({
      limit: async ({ key }: RateLimitOptions) => {
        counts.set(key, (counts.get(key) ?? 0) + 1);
        return { success: (counts.get(key) ?? 0) <= limit };
      },
    });
    const few = { ...env, PAY_BY_TOKEN: limiterOf(2), PAY_BY_ADDRESS: limiterOf(5) };
    const ask = async (path: string, address: string) => {
      const headers = { 'cf-connecting-ip': address };
      const reply = await payer(new Request(`http://gate/pay/${path}`, { headers }), few);
      return [reply.status, reply.headers.get('retry-after')];
    };
    for (let i = 0; i < 2; i++) expect(await ask(`${order.token}/status`, '203.0.113.7')).toEqual([200, null]);
    expect(await ask(`${order.token}/status`, '203.0.113.7')).toEqual([429, '15']);
    expect(await ask(order.token, '203.0.113.8')).toEqual([429, '15']);
    expect(await ask(other.token, '203.0.113.7')).toEqual([200, null]);
    // Whoever tries tokens is held by the address, and a whole /64 is one address.
    for (const i of [1, 2, 3, 4, 5]) expect(await ask('x', `2001:db8:0:1::${i}`)).toEqual([404, null]);
    expect(await ask('x', '2001:db8:0:1:ffff::6')).toEqual([429, '15']);
    expect(await ask('x', '2001:db8:0:2::1')).toEqual([404, null]);
  });

  it('is held by the limiter that the Worker is deployed with', async () => {
    const order = await makeOrder();
    const statuses = new Set<number>();
    for (let i = 0; i < 310; i++) statuses.add((await open(`${order.token}/status`)).status);
    expect([...statuses]).toEqual([200, 429]);
    expect((await open(order.token, ZH)).status).toBe(429);
    expect(await (await open(order.token, ZH)).text()).toContain('请求过于频繁');
  });

  it('is let in when the limiter fails', async () => {
    const { token } = await makeOrder();
    const broken = { limit: () => Promise.reject(new Error('down')) };
    const request = new Request(`http://gate/pay/${token}`, { headers: { 'cf-connecting-ip': '203.0.113.7' } });
    expect((await payer(request, { ...env, PAY_BY_TOKEN: broken, PAY_BY_ADDRESS: broken })).status).toBe(200);
  });
});

describe('an outage', () => {
  it('is told as one, with nothing of what is inside, and is over when it is over', async () => {
    const order = await makeOrder();
    const log = vi.spyOn(console, 'error').mockReturnValue();
    vi.spyOn(env.LEDGER, 'getByName').mockImplementation(() => {
      throw new Error('the ledger of secret-channel is overloaded');
    });
    const page = await open(order.token);
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '15']);
    expect(await page.text()).toMatch(/Do not pay twice/);
    const status = await open(`${order.token}/status`);
    expect([status.status, await status.json()]).toEqual([503, { state: null, reason: 'down' }]);
    expect(log.mock.calls.flat().join()).not.toContain(order.token);
    vi.restoreAllMocks();
    expect((await open(order.token)).status).toBe(200);
  });
});
