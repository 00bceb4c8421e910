// The payer's page in a real browser, over the whole of what `npm start` starts: seen, scanned, paid, and told so.

import { decode } from 'fast-png';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openBrowser, whyNoBrowser } from '../../tools/chromium.ts';
import { startTown, type Town } from '../../tools/town.ts';
import { scan } from '../pictures.ts';

const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };

type Payment = { readonly codeUrl: string; readonly payUrl: string };

describe.skipIf(whyNoBrowser !== null)(`the payer's page${whyNoBrowser === null ? '' : ` (${whyNoBrowser})`}`, () => {
  let town: Town;
  let browser: Browser;
  beforeAll(async () => {
    [town, browser] = await Promise.all([startTown(), openBrowser()]);
  });
  afterAll(async () => {
    await browser?.close();
    await town?.stop();
  });

  let made = 0;
  async function newPayment(): Promise<{ orderNo: string; payment: Payment }> {
    const orderNo = `page${Date.now()}n${++made}`;
    const amount = { minor: 123_456, currency: 'CNY' };
    const order = { channel: 'demo-wechat', orderNo, amount, description: '<b>secret tea</b>', pay: true };
    const { payment } = (await town.call('POST', '/v1/orders', order)) as { payment: Payment };
    return { orderNo, payment };
  }

  /** Opens the page; whatever the browser complains of fails the test. */
  async function open(url: string, options: BrowserContextOptions): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('requestfailed', (request) => complaints.push(request.url()));
    await page.goto(url);
    return { page, complaints };
  }

  const said = (page: Page, text: string) => page.locator('[role=status]', { hasText: text }).waitFor();

  it.each([
    ['a phone in Chinese', { ...PHONE, locale: 'zh-CN' }, '等待付款', '付款成功', '¥1,234.56'],
    ['a desktop in English', { ...DESK, locale: 'en-GB' }, 'Waiting for the payment', 'Paid', 'CN¥1,234.56'],
  ])('shows on %s what is to be paid, and turns to paid by itself', async (_, options, waiting, paid, amount) => {
    const { orderNo, payment } = await newPayment();
    const { page, complaints } = await open(payment.payUrl, options);
    await said(page, waiting);
    expect(await page.locator('.amount').textContent()).toBe(amount);
    // As a camera sees the screen.
    const { width, height, data, channels } = decode(await page.locator('img.code').screenshot());
    expect(scan({ width, height, data: rgba(Uint8Array.from(data), channels) })).toBe(payment.codeUrl);
    const box = await page.locator('img.code').boundingBox();
    expect(box?.width).toBeGreaterThan(200);
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(page.viewportSize()?.width ?? 0);
    const before = await page.locator('.left').textContent();
    await expect.poll(() => page.locator('.left').textContent()).not.toBe(before);
    await page.evaluate('globalThis.isSame = true');
    const paying = { outTradeNo: orderNo, amount: 123_456 };
    const sent = await fetch(`${town.wechat}/sandbox/pay`, { method: 'POST', body: JSON.stringify(paying) });
    expect(sent.status).toBeLessThan(300);
    await said(page, paid);
    expect(await page.evaluate('globalThis.isSame')).toBe(true); // by itself, without loading anew
    expect(await page.content()).not.toContain('secret tea');
    expect(await page.content()).not.toContain(orderNo);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('can be used by the keyboard alone, in both languages', async () => {
    const { payment } = await newPayment();
    const { page } = await open(payment.payUrl, { ...DESK, locale: 'en-GB' });
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('中文');
    await page.keyboard.press('Enter');
    await said(page, '等待付款');
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
    await page.context().close();
  });

  it('is whole without scripts', async () => {
    const { payment } = await newPayment();
    const { page } = await open(payment.payUrl, { ...PHONE, locale: 'en-GB', javaScriptEnabled: false });
    await said(page, 'Waiting for the payment');
    expect(await page.locator('img.code').isVisible()).toBe(true);
    expect(await page.locator('.left').textContent()).toMatch(/^Valid until \d\d:\d\d UTC$/);
    await page.context().close();
  });

  it('says neutrally that there is nothing at an address that nobody made', async () => {
    const { page } = await open(`${town.gateway}/pay/${'A'.repeat(86)}`, { ...DESK, locale: 'en-GB' });
    expect(await page.locator('[role=alert]').textContent()).toBe('There is no payment here');
    await page.context().close();
  });
});

/** The pixels as the decoder wants them. */
function rgba(data: Uint8Array, channels: number): Uint8Array {
  const pixels = data.length / channels;
  const result = new Uint8Array(pixels * 4).fill(255);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) result[i * 4 + c] = data[i * channels + Math.min(c, channels - 1)] ?? 0;
  }
  return result;
}
