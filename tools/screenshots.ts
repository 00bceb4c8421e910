// `npm run screenshots`: the pictures of docs/screenshots, taken in a real Chromium of a gateway that has had a busy
// half hour. Changes nothing but those files.
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { dayAfter, dayOf } from '../src/core/bill.ts';
import { openBrowser, whyNoBrowser } from './chromium.ts';
import { CHANNEL } from './demo.ts';
import { ROOT, SECRETS_FILE } from './launch.ts';
import { HOST } from './ports.ts';
import { main, Sentence } from './terminal.ts';
import { startTown, type Town } from './town.ts';

const FOLDER = join(ROOT, 'docs/screenshots');
const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 860 }, locale: 'en-GB', colorScheme: 'light' };
const TALL: BrowserContextOptions = { ...DESK, viewport: { width: 1280, height: 1480 } };
const DARK: BrowserContextOptions = { ...TALL, colorScheme: 'dark' };
const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, locale: 'en-GB', isMobile: true };
const ORDERS = 36;
const AMOUNTS = [1_990, 4_500, 12_800, 888, 29_900, 6_600];
/** What was told is in the lists by then. */
const SETTLE_MS = 8_000;

type Shot = {
  readonly name: string;
  readonly path: string;
  readonly options?: BrowserContextOptions;
  /** A button that is pressed first. */
  readonly press?: string;
};

const shotsOf = (paid: string, day: string): readonly Shot[] => [
  { name: 'overview', path: '/console?range=1h', options: TALL },
  { name: 'overview-dark', path: '/console?range=1h', options: DARK },
  { name: 'overview-phone', path: '/console?range=1h', options: PHONE },
  { name: 'orders', path: '/console/orders' },
  { name: 'order', path: `/console/orders/${CHANNEL}/${paid}`, options: TALL },
  { name: 'dead-letters', path: '/console/deliveries?state=dead' },
  { name: 'callbacks', path: '/console/callbacks?verdict=rejected' },
  { name: 'why', path: `/console/why?channel=${CHANNEL}&orderNo=${paid}`, options: TALL, press: 'Find out' },
  { name: 'reports', path: '/console/reports' },
  { name: 'reconciliation', path: `/console/reconciliations/${CHANNEL}~${day}`, options: TALL },
  { name: 'new-channel', path: '/console/new/channel/wechatpay-v3' },
];

const say = (text: string) => console.error(text);

main(async () => {
  if (whyNoBrowser !== null) throw new Sentence(`No picture can be taken here: ${whyNoBrowser}.`);
  mkdirSync(FOLDER, { recursive: true });
  say('starting the gateway, a pretend WeChat Pay and a pretend merchant');
  const town = await startTown();
  const broken = createServer((_, response) => response.writeHead(500).end('the stock database is full'));
  await new Promise<void>((done) => broken.listen(0, HOST, done));
  const browser = await openBrowser();
  try {
    const address = broken.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const day = dayAfter(dayOf(Date.now()), -2);
    const paid = await play(town, `http://${HOST}:${port}/`, day);
    await sleep(SETTLE_MS);
    for (const shot of shotsOf(paid, day)) await take(browser, town, shot);
  } finally {
    await browser.close();
    await town.stop();
    broken.close();
  }
});

/** A busy half hour in a few seconds; answers the number of an order that was paid. */
async function play(town: Town, brokenUrl: string, day: string): Promise<string> {
  say(`selling ${ORDERS} orders`);
  const pay = (outTradeNo: string, amount: number) =>
    fetch(`${town.wechat}/sandbox/pay`, { method: 'POST', body: JSON.stringify({ outTradeNo, amount }) });
  const numbers = Array.from({ length: ORDERS }, (_, n) => `tea-${day.replaceAll('-', '')}-${String(1_001 + n)}`);
  for (const [n, orderNo] of numbers.entries()) {
    const minor = AMOUNTS[n % AMOUNTS.length] ?? 0;
    const amount = { minor, currency: 'CNY' };
    await town.call('POST', '/v1/orders', { channel: CHANNEL, orderNo, amount, pay: n % 9 === 0 });
    if (n % 6 !== 5) await pay(orderNo, n % 12 === 7 ? minor + 100 : minor);
  }
  const [paid = ''] = numbers;
  await town.call('POST', `/v1/orders/${CHANNEL}/${paid}/refunds`, {
    ...{ refundNo: `${paid}-r1`, amount: { minor: 500, currency: 'CNY' }, reason: 'One cup was broken' },
  });
  for (let n = 0; n < 5; n++) await fetch(`${town.gateway}/callbacks/${CHANNEL}`, { method: 'POST', body: '{}' });
  await past(town);
  await town.call('POST', '/v1/reconciliations', { channel: CHANNEL, day });
  say('losing deliveries at a shop that answers 500');
  await town.call('POST', '/v1/origins', { id: 'stock-room', url: brokenUrl, ladderSeconds: [0] });
  await town.call('PATCH', `/v1/channels/${CHANNEL}`, { origins: ['demo-shop', 'stock-room'] });
  await sleep(11_000); // a channel's copy is kept for ten seconds
  for (let n = 0; n < 4; n++) await pay(`walk-in-${n + 1}`, 1_200);
  return paid;
}

/** Two days ago: a callback that was lost, and a fee that is another than agreed. */
async function past(town: Town): Promise<void> {
  const settings = { exclusive: true, feeRate: '0.006' };
  await town.call('PATCH', `/v1/channels/${CHANNEL}`, { settings });
  await sleep(11_000); // a channel's copy is kept for ten seconds
  const pay = (n: number, more: object) => {
    const order = { outTradeNo: `tea-earlier-${n}`, amount: AMOUNTS[n % AMOUNTS.length], daysAgo: 2, ...more };
    return fetch(`${town.wechat}/sandbox/pay`, { method: 'POST', body: JSON.stringify(order) });
  };
  for (let n = 0; n < 12; n++) await pay(n, n === 4 ? { misbehave: 'lost' } : n === 7 ? { feeFen: 99 } : {});
}

async function take(browser: Browser, { gateway }: Town, { name, path, options = DESK, press }: Shot): Promise<void> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(gateway + path);
  await logIn(page);
  if (press !== undefined) {
    await page.getByRole('button', { name: press }).click();
    await page.waitForLoadState('networkidle');
  }
  await sleep(500); // charts are drawn behind the page
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
  await context.close();
  say(`docs/screenshots/${name}.png`);
}

async function logIn(page: Page): Promise<void> {
  const key = /^TOLLGATE_ADMIN_KEY="(.*)"$/m.exec(readFileSync(SECRETS_FILE, 'utf8'))?.[1] ?? '';
  await page.locator('input[name=key]').fill(key);
  await page.locator('main button[type=submit]').click();
  await page.locator('header nav').waitFor();
}
