// Fifty texts that want to be more than text, in every place where strangers can put one: each is shown as it is, and
// none does anything.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBrowser, whyNoBrowser } from '../../tools/chromium.ts';
import { startTown, type Town } from '../../tools/town.ts';
import { arrive, DESK, logIn } from './console-visit.ts';

const CHANNEL = 'demo-wechat';

const HOSTILE: readonly string[] = [
  '<script>alert(1)</script>',
  '"><script>alert(1)</script>',
  "'><script>alert(1)</script>",
  '</title><script>alert(1)</script>',
  '</textarea><script>alert(1)</script>',
  '</td></tr></table><script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '"><img src=x onerror=alert(1)>',
  '<img src="https://evil.example/x.png">',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<math><mtext></mtext><script>alert(1)</script>',
  '<iframe src="javascript:alert(1)"></iframe>',
  '<object data="javascript:alert(1)">',
  '<embed src="//evil.example/x.swf">',
  '<link rel=stylesheet href=//evil.example/x.css>',
  '<style>body{display:none}</style>',
  '<base href="https://evil.example/">',
  '<meta http-equiv=refresh content="0;url=//evil.example">',
  '<form action=//evil.example><input name=token>',
  '<a href="javascript:alert(1)">click</a>',
  '<b onmouseover=alert(1)>bold</b>',
  '<body onload=alert(1)>',
  '<input autofocus onfocus=alert(1)>',
  '<details open ontoggle=alert(1)>',
  '<marquee onstart=alert(1)>',
  '<video><source onerror=alert(1)></video>',
  '<!--><script>alert(1)</script>-->',
  '<![CDATA[<script>alert(1)</script>]]>',
  '<scr<script>ipt>alert(1)</scr</script>ipt>',
  '" onmouseover="alert(1)" x="',
  "' onfocus='alert(1)' autofocus x='",
  '` onload=alert(1) `',
  'javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  '{{constructor.constructor("alert(1)")()}}',
  '$' + '{alert(1)}',
  '<%= 7*7 %>',
  "'; DROP TABLE orders; --",
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;alert(1)',
  '\\u003cscript\\u003ealert(1)',
  '%3Cscript%3Ealert(1)%3C/script%3E',
  '../../../../console/logout',
  '{orderNo} {amount} {id}',
  '\u202egnp.exe',
  'a\u0000b'.replace('\u0000', '\ufffd'),
  '龙井茶 "特级" & <新>',
  '👩‍💻<script>🧨</script>',
  'x'.repeat(200),
];

const until = (holds: () => Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 20_000, interval: 200 });

describe.skipIf(whyNoBrowser !== null)('hostile strings', () => {
  let town: Town;
  let browser: Browser;
  const answers = createServer((_, response) => {
    response.writeHead(500, { 'content-type': 'text/html' }).end(HOSTILE[answered++ % HOSTILE.length]);
  });
  let answered = 0;

  beforeAll(async () => {
    [town, browser] = await Promise.all([startTown(), openBrowser()]);
    await new Promise<void>((done) => answers.listen(0, '127.0.0.1', done));
  });
  afterAll(async () => {
    await browser?.close();
    await town?.stop();
    answers.close();
  });

  const sell = (orderNo: string, more: object = {}) =>
    town.call('POST', '/v1/orders', { channel: CHANNEL, orderNo, amount: { minor: 100, currency: 'CNY' }, ...more });

  const pay = (outTradeNo: string) =>
    fetch(`${town.wechat}/sandbox/pay`, { method: 'POST', body: JSON.stringify({ outTradeNo, amount: 1 }) });
  const deliveriesOf = async (orderNo: string) => {
    const reply = await town.call('GET', `/v1/orders/${CHANNEL}/${orderNo}`).catch(() => null);
    return (reply?.deliveries ?? []) as { origin: string; attempts: { detail: string }[] }[];
  };

  it('are fifty, and shown as text in what merchants attach', async () => {
    expect(new Set(HOSTILE).size).toBe(50);
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway);
    for (let at = 0; at < HOSTILE.length; at += 10) {
      const some = HOSTILE.slice(at, at + 10);
      const orderNo = `hostile${Date.now()}`;
      const metadata = Object.fromEntries(
        some.flatMap((text, i) => [
          [`k${i}`, text],
          [text.slice(0, 60), `v${i}`],
        ]),
      );
      await sell(orderNo, { metadata, description: some[0] });
      await page.goto(`${town.gateway}/console/orders/${CHANNEL}/${orderNo}`);
      const shown = await page.locator('main dl').innerText();
      const flat = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
      for (const text of some) expect(flat(shown)).toContain(flat(text));
      expect(new URL(page.url()).pathname).toBe(`/console/orders/${CHANNEL}/${orderNo}`);
    }
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('are shown as text where they are order numbers, in lists, addresses and titles', async () => {
    const numbers = HOSTILE.filter((text) => /^[\x21-\x7e]{1,64}$/.test(text));
    expect(numbers.length).toBeGreaterThan(20);
    for (const orderNo of numbers) await sell(orderNo);
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway);
    const listed = async () => {
      const { items } = await town.call('GET', `/v1/orders?channel=${CHANNEL}&limit=200`);
      const known = new Set((items as { orderNo: string }[]).map(({ orderNo }) => orderNo));
      return numbers.every((orderNo) => known.has(orderNo));
    };
    await until(listed);
    await page.goto(`${town.gateway}/console/orders?channel=${CHANNEL}`);
    const links = await page.locator('tbody th a').allTextContents();
    for (const orderNo of numbers) {
      expect(links).toContain(orderNo);
      await page.goto(`${town.gateway}/console/orders/${CHANNEL}/${encodeURIComponent(orderNo)}`);
      expect(await page.locator('h1').textContent()).toBe(`Order ${orderNo}`);
      await page.goto(`${town.gateway}/console/why?channel=${CHANNEL}&orderNo=${encodeURIComponent(orderNo)}`);
      expect(await page.locator('input[name=orderNo]').inputValue()).toBe(orderNo);
      await page.goto(`${town.gateway}/console/orders?channel=${CHANNEL}&search=${encodeURIComponent(orderNo)}`);
      expect(await page.locator('input[name=search]').inputValue()).toBe(orderNo);
      await page.locator('tbody th a', { hasText: orderNo }).first().click();
      expect(await page.locator('h1').textContent()).toContain('Order ');
    }
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('are shown as text where people write: names of keys and reasons of replays', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    const flat = (text: string) => text.replaceAll(/\s+/g, ' ').trim();
    const made: string[] = [];
    for (const text of HOSTILE) {
      const isMade = (path: string, body: object) =>
        town.call('POST', path, body).then(
          () => true,
          () => false, // longer than it may be, or nothing but spaces
        );
      const isKey = await isMade('/v1/api-keys', { name: text, scopes: ['metrics'] });
      const isReplay = await isMade('/v1/replays', { state: 'dead', channel: 'nobody', reason: text });
      if (isKey && isReplay) made.push(text);
    }
    expect(made.length).toBeGreaterThan(40);
    await logIn(visitor, town.gateway);
    for (const path of ['/console/keys', '/console/replays']) {
      await page.goto(`${town.gateway}${path}`);
      let shown = await page.locator('main').innerText();
      for (let older = page.getByRole('link', { name: 'Next page' }); (await older.count()) > 0; ) {
        await older.click();
        shown += await page.locator('main').innerText();
      }
      for (const text of made) expect(flat(shown), path).toContain(flat(text));
    }
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('are shown as text where an origin answers with them', async () => {
    const { port } = answers.address() as AddressInfo; // it listens
    // It fails always, and is asked nevertheless.
    const breaker = { failureShare: 1, attemptsMin: 10_000 };
    await town.call('POST', '/v1/origins', {
      id: 'hostile',
      url: `http://127.0.0.1:${port}/`,
      breaker,
      ladderSeconds: [0, 3_600],
    });
    await town.call('PATCH', `/v1/channels/${CHANNEL}`, { origins: ['hostile'] });
    // The gateway may go by what it knew of the channel for ten seconds.
    let probes = 0;
    await until(async () => {
      const probe = `probe${++probes}`;
      await pay(probe);
      await until(async () => (await deliveriesOf(probe)).length > 0);
      return (await deliveriesOf(probe)).some(({ origin }) => origin === 'hostile');
    });
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway);
    const orders = HOSTILE.map((_, at) => `answer${Date.now()}x${at}`);
    await Promise.all(orders.map(pay));
    const seen = new Set<string>();
    for (const orderNo of orders) {
      let detail = '';
      await until(async () => {
        detail = (await deliveriesOf(orderNo))[0]?.attempts[0]?.detail ?? '';
        return detail !== '';
      });
      seen.add(detail);
      await page.goto(`${town.gateway}/console/orders/${CHANNEL}/${orderNo}`);
      const text = detail.replaceAll(/\s+/g, ' ').trim();
      expect((await page.locator('.timeline').innerText()).replaceAll(/\s+/g, ' ')).toContain(text);
      await page.getByRole('link', { name: 'Why did I not get it?' }).click();
      await page.getByRole('button', { name: 'Find out' }).click();
      expect((await page.locator('.steps').innerText()).replaceAll(/\s+/g, ' ')).toContain(text);
    }
    expect(seen.size).toBeGreaterThan(30);
    expect(complaints).toEqual([]);
    await visitor.leave();
  });
});
