// The console in a real browser, over the whole of what `npm start` starts: found, looked at, acted on, in both
// languages, by keyboard, on a phone, and without a complaint of the browser or of axe.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dayAfter, dayOf } from '../../src/core/bill.ts';
import { openBrowser, whyNoBrowser } from '../../tools/chromium.ts';
import { startTown, type Town } from '../../tools/town.ts';
import { adminKey, arrive, axeFindings, DESK, logIn, PHONE } from './console-visit.ts';

const CHANNEL = 'demo-wechat';
/** Two days ago, in Beijing: its bill can be asked for. */
const day = dayAfter(dayOf(Date.now()), -2);

type Heard = { readonly headers: IncomingHttpHeaders; readonly body: string };

/** A backend of the merchant's own, on this machine: hears what is posted to it, and says yes. */
async function listen() {
  const heard: Heard[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    heard.push({ headers: request.headers, body });
    response.end('ok');
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo; // it listens on a port
  return { url: `http://127.0.0.1:${port}/hooks`, heard, close: () => server.close() };
}

const until = (holds: () => Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 20_000, interval: 200 });

describe.skipIf(whyNoBrowser !== null)(`the console${whyNoBrowser === null ? '' : ` (${whyNoBrowser})`}`, () => {
  let town: Town;
  let browser: Browser;
  let paid: string;
  let unpaid: string;

  async function sell(prefix: string, more: object = {}): Promise<string> {
    const orderNo = `${prefix}${Date.now()}`;
    const amount = { minor: 123_456, currency: 'CNY' };
    await town.call('POST', '/v1/orders', { channel: CHANNEL, orderNo, amount, pay: true, ...more });
    return orderNo;
  }
  async function pay(orderNo: string, amount = 123_456): Promise<void> {
    const sent = await fetch(`${town.wechat}/sandbox/pay`, {
      method: 'POST',
      body: JSON.stringify({ outTradeNo: orderNo, amount }),
    });
    if (!sent.ok) throw new Error(await sent.text());
    const isPaid = async () => {
      const { order } = await town.call('GET', `/v1/orders/${CHANNEL}/${orderNo}`);
      return (order as { paid: unknown }).paid !== null;
    };
    await until(isPaid);
  }

  beforeAll(async () => {
    [town, browser] = await Promise.all([startTown(), openBrowser()]);
    paid = await sell('paid', { metadata: { table: '7' } });
    unpaid = await sell('open');
    await pay(paid);
    await fetch(`${town.gateway}/callbacks/${CHANNEL}`, { method: 'POST', body: '{}' });
    const listed = async () => {
      const page = await town.call('GET', `/v1/orders?channel=${CHANNEL}&orderNo=paid`);
      return (page.items as { paid: unknown }[])[0]?.paid != null;
    };
    await until(listed);
  });
  afterAll(async () => {
    await browser?.close();
    await town?.stop();
  });

  it('finds an order, refunds a part of it after asking twice, and shows that in its history', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/orders');
    await page.getByLabel('Channel').selectOption(CHANNEL);
    await page.getByLabel('Any number').fill('paid');
    await page.getByRole('button', { name: 'Show' }).click();
    expect(new URL(page.url()).search).toContain('search=paid');
    await page.getByRole('link', { name: paid }).click();
    expect(await page.locator('h1').textContent()).toBe(`Order ${paid}`);
    expect(await page.locator('#summary ~ dl').textContent()).toContain('CN¥1,234.56');
    await page.getByRole('link', { name: 'Refund' }).click();

    await page.getByLabel('Amount to give back').fill('99999');
    await page.getByRole('button', { name: 'Continue' }).click();
    const field = page.getByLabel('Amount to give back');
    expect(await field.getAttribute('aria-invalid')).toBe('true');
    const described = await field.getAttribute('aria-describedby');
    expect(await page.locator(`#${described?.split(' ').at(-1)}`).textContent()).toContain('at most CN¥1,234.56');
    complaints.length = 0; // Chromium notes that the form was answered with 422

    await field.fill('34.56');
    await page.getByLabel('Reason').fill('cold <tea>');
    await page.getByRole('button', { name: 'Continue' }).click();
    expect(await page.locator('.note').textContent()).toContain('CN¥34.56');
    const sendForm = `(() => {
      const form = document.querySelector('main form');
      const body = new URLSearchParams(new FormData(form));
      return () => fetch(form.action, { method: 'POST', body }).then((reply) => reply.text().then(() => reply.url));
    })()`;
    expect(await page.evaluate(`${sendForm}()`)).toContain('?done=refund');
    await page.getByRole('button', { name: 'Confirm' }).click(); // once more: it is done already
    expect(await page.getByRole('status').textContent()).toContain('The refund was asked for');
    expect(await page.locator('.timeline').textContent()).toContain('Refund asked for');
    expect(await page.locator('.timeline').textContent()).toContain('cold <tea>');
    const { items } = await town.call('GET', `/v1/orders/${CHANNEL}/${paid}/refunds`);
    expect((items as { amount: unknown }[]).map(({ amount }) => amount)).toEqual([{ minor: 3_456, currency: 'CNY' }]);
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('takes and shows times in the zone of the reader, and keeps UTC in the address', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB', timezoneId: 'Asia/Shanghai' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/orders?from=2026-01-01T18:30');
    const from = page.getByLabel('From');
    expect(await page.locator('label', { hasText: 'From' }).textContent()).toBe('From (Asia/Shanghai)');
    expect(await from.inputValue()).toBe('2026-01-02T02:30');
    await page.getByLabel('Before').fill('2026-01-02T03:30');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.getByText('Nothing matches.').waitFor();
    const { searchParams } = new URL(page.url());
    expect([searchParams.get('from'), searchParams.get('to')]).toEqual(['2026-01-01T18:30', '2026-01-01T19:30']);
    expect(await from.inputValue()).toBe('2026-01-02T02:30');
    expect(await page.locator('footer').textContent()).toContain('Asia/Shanghai');
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('can be used by the keyboard alone, from the login to the answer of the provider', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await page.goto(`${town.gateway}/console/orders/${CHANNEL}/${unpaid}`);
    const press = async (wanted: string) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press('Tab');
        const text = await page.evaluate('document.activeElement.textContent + (document.activeElement.name ?? "")');
        if (String(text).trim() === wanted) return;
      }
      throw new Error(`the keyboard does not reach ${wanted}`);
    };
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await press('key');
    await page.keyboard.type(adminKey());
    await page.keyboard.press('Enter');
    await page.locator('h1', { hasText: unpaid }).waitFor();
    await press('Ask the provider');
    await page.keyboard.press('Enter');
    await page.locator('h1', { hasText: 'confirm' }).waitFor();
    await press('Ask the provider');
    await page.keyboard.press('Enter');
    expect(await page.getByRole('status').textContent()).toContain('The provider was asked');
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('speaks both languages, remembers which, and how it should look', async () => {
    const visitor = await arrive(browser, { ...PHONE, locale: 'zh-CN' });
    const { page } = visitor;
    await logIn(visitor, town.gateway, '/console/orders');
    expect(await page.locator('h1').textContent()).toBe('订单');
    await page.getByRole('button', { name: 'English' }).click();
    await page.locator('h1', { hasText: 'Orders' }).waitFor();
    await page.getByRole('button', { name: 'Dark' }).click();
    await page.locator('html[data-theme=dark]').waitFor();
    await page.goto(`${town.gateway}/console/alarms`);
    expect(await page.locator('h1').textContent()).toBe('Alarms');
    expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
    await visitor.leave();
  });

  it('makes an origin and a channel on the first day, sends a test callback, and sees it arrive', async () => {
    const backend = await listen();
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/origins');
    await page.getByRole('link', { name: 'New origin' }).click();
    await page.getByLabel('Id').fill('first');
    await page.getByLabel('Address').fill('ftp://shop.example/');
    await page.getByRole('button', { name: 'New origin' }).click();
    expect(await page.getByLabel('Address').getAttribute('aria-invalid')).toBe('true');
    await page.getByLabel('Address').fill(backend.url);
    await page.getByRole('checkbox', { name: 'Take test callbacks' }).check();
    await page.getByRole('button', { name: 'New origin' }).click();
    const secret = await page.locator('#secret').textContent();
    expect(secret).toMatch(/^whsec_/);
    await page.getByRole('link', { name: 'I have copied it' }).click();
    expect(await page.content()).not.toContain(secret);

    await page.getByRole('link', { name: 'Channels' }).click();
    await page.getByRole('link', { name: 'New channel' }).click();
    await page.getByRole('link', { name: 'NOWPayments' }).click();
    await page.getByLabel('Id', { exact: true }).fill('first-channel');
    await page.getByRole('checkbox', { name: 'first', exact: true }).check();
    const key = page.locator('[name="credentials.ipnSecret"]');
    expect(await key.getAttribute('type')).toBe('password');
    await key.fill('short');
    await page.getByRole('button', { name: 'Check' }).click();
    await page.locator('#check', { hasText: 'Something is wrong' }).waitFor();
    expect(await key.inputValue()).toBe('short'); // the form was not left
    await page.getByRole('button', { name: 'New channel' }).click();
    expect(await key.getAttribute('aria-invalid')).toBe('true');
    expect(await page.content()).not.toContain('value="short"');
    complaints.length = 0; // Chromium notes that forms were answered with 422
    await key.fill('a-secret-of-thirty-two-characters');
    await page.getByRole('button', { name: 'New channel' }).click();
    expect(await page.getByRole('status').textContent()).toContain('Enter the callback URL');
    expect(await page.locator('#callback-url').textContent()).toBe(`${town.gateway}/callbacks/first-channel`);
    const made = await town.call('GET', '/v1/channels/first-channel');
    expect([made.provider, made.origins]).toEqual(['nowpayments', ['first']]);

    await page.getByRole('link', { name: 'Send a test callback' }).click();
    expect(await page.locator('main').textContent()).toContain('Yes: it is sent one');
    await page.getByRole('button', { name: 'Send a test callback' }).click();
    // Followed by the page itself: nobody loads it again.
    await page.locator('#test .badge', { hasText: 'Delivered' }).waitFor();
    const steps = await page.locator('#test').textContent();
    expect(steps).toContain('Payment succeeded');
    expect(steps).toContain('200 without a body');
    const orderNo = (await page.locator('h1').textContent())?.replace('Test callback ', '');
    const [post] = backend.heard;
    const signed = Object.fromEntries(
      Object.entries(post?.headers ?? {}).map(([name, value]) => [name, String(value)]),
    );
    expect(new Webhook(secret ?? '').verify(post?.body ?? '', signed)).toMatchObject({
      type: 'payment.succeeded',
      data: { test: true, channel: 'first-channel', order: { orderNo, state: 'paid' } },
    });
    const { items } = await town.call('GET', '/v1/orders?channel=first-channel');
    expect([backend.heard.length, items]).toEqual([1, []]);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('link', { name: 'Back', exact: true }).click();

    await page.getByRole('link', { name: 'Pause' }).click();
    expect((await town.call('GET', '/v1/channels/first-channel')).status).toBe('active');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('link', { name: 'Resume' }).waitFor();
    expect((await town.call('GET', '/v1/channels/first-channel')).status).toBe('paused');
    await page.getByRole('link', { name: 'Change the allowlist' }).click();
    await page.getByLabel('Addresses outside the list').selectOption('enforce');
    await page.getByLabel('Ranges, one a line').fill('203.0.113.0/24\n2001:db8::/32');
    await page.getByRole('button', { name: 'See who would be refused' }).click();
    expect(await page.locator('main').textContent()).toContain('Enforcing would have refused nothing genuine.');
    expect(await page.getByLabel('Addresses outside the list').inputValue()).toBe('enforce');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').waitFor();
    const { allowlist } = await town.call('GET', '/v1/channels/first-channel');
    expect(allowlist).toEqual({ mode: 'enforce', ranges: ['203.0.113.0/24', '2001:db8::/32'] });
    await page.getByRole('link', { name: 'Rotate the credentials' }).click();
    await page.locator('[name="credentials.ipnSecret"]').fill('another-secret-of-thirty-two-chars');
    await page.getByRole('button', { name: 'Rotate the credentials' }).click();
    await page.getByRole('status').waitFor();
    expect((await town.call('GET', '/v1/channels/first-channel')).previousUntil).not.toBeNull();
    expect(complaints).toEqual([]);
    backend.close();
    await visitor.leave();
  });

  it('lets a channel tell an origin that came later, and moves the origin to another address', async () => {
    await town.call('POST', '/v1/origins', { id: 'latecomer', url: 'https://shop.example/old' });
    const told = async () => (await town.call('GET', `/v1/channels/${CHANNEL}`)).origins as string[];
    const before = await told();
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/origins/latecomer');
    expect(await page.locator('main').textContent()).toContain('No channel names this origin yet');
    await page.getByRole('link', { name: `Let channel ${CHANNEL} tell it` }).click();
    expect(await page.getByRole('checkbox', { name: 'latecomer' }).isChecked()).toBe(true);
    await page.getByRole('checkbox', { name: 'Paid twice' }).check();
    expect(await axeFindings(page)).toEqual([]);
    expect(await told()).toEqual(before);
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await page.getByRole('status').textContent()).toBe('Saved.');
    expect(await told()).toEqual([...before, 'latecomer']);
    expect((await town.call('GET', `/v1/channels/${CHANNEL}`)).settings).toMatchObject({ hold: ['paid_twice'] });
    await page.getByRole('link', { name: 'latecomer' }).click();
    expect(await page.locator('#channels ~ ul').textContent()).toBe(CHANNEL);
    await page.getByRole('link', { name: 'Change', exact: true }).first().click();
    await page.getByLabel('Address').fill('ftp://shop.example/new');
    await page.getByRole('button', { name: 'Save' }).click();
    expect(await page.getByLabel('Address').getAttribute('aria-invalid')).toBe('true');
    complaints.length = 0; // Chromium notes that the form was answered with 422
    await page.getByLabel('Address').fill('https://shop.example/new');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('status').waitFor();
    expect((await town.call('GET', '/v1/origins/latecomer')).url).toBe('https://shop.example/new');
    await town.call('PATCH', `/v1/channels/${CHANNEL}`, { origins: before, settings: { hold: [] } });
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('shows what an origin that takes no tests would have got, and lets it take them by the keyboard', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'zh-CN' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, `/console/channels/${CHANNEL}/test`);
    await page.getByRole('button', { name: '发送测试回调' }).focus();
    await page.keyboard.press('Enter');
    await page.getByText('未投递。它本会收到：').waitFor();
    await page.locator('summary').first().focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('details[open] pre').textContent()).toContain('webhook-signature: v1,');
    await page.goto(`${town.gateway}/console/channels/${CHANNEL}/test`);
    await page.getByRole('button', { name: '请支付平台回调' }).click();
    expect(await page.getByRole('status').textContent()).toBe('支付平台已回调，通知验证通过。');
    await page.goto(`${town.gateway}/console/origins/demo-shop/tests`);
    await page.getByRole('button', { name: '接受测试回调' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('status').waitFor();
    expect((await town.call('GET', '/v1/origins/demo-shop')).acceptsTest).toBe(true);
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('finds out why an order did not arrive, by the keyboard alone, in both languages', async () => {
    const visitor = await arrive(browser, { ...PHONE, locale: 'zh-CN' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, `/console/orders/${CHANNEL}/${unpaid}`);
    await page.getByRole('link', { name: '为什么没收到？' }).focus();
    await page.keyboard.press('Enter');
    await page.locator('input[name=orderNo]').waitFor();
    expect(await page.locator('input[name=orderNo]').inputValue()).toBe(unpaid);
    await page.locator('input[name=orderNo]').focus();
    await page.keyboard.press('Enter');
    await page.locator('#found').waitFor();
    expect(await page.locator('.steps > li').count()).toBe(9);
    expect(await page.locator('.steps').textContent()).toContain('NOTPAY：尚未付款');
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'English' }).click();
    await page.locator('h1', { hasText: 'Why did I not get it?' }).waitFor();

    await page.getByLabel('Channel').selectOption(CHANNEL);
    await page.getByLabel('Order number').fill(paid);
    await page.getByRole('button', { name: 'Find out' }).click();
    await page.locator('.steps', { hasText: 'Origin demo-shop took event 1' }).waitFor();
    const steps = await page.locator('.steps').textContent();
    expect(steps).toContain('this machine’s own');
    const said = await page.getByRole('status').textContent();
    for (const words of ['No problem was found', 'Origin demo-shop took event ']) expect(said).toContain(words);
    expect(await axeFindings(page)).toEqual([]);
    if (process.env.CONSOLE_SHOTS)
      await page.screenshot({ path: `${process.env.CONSOLE_SHOTS}/why.png`, fullPage: true });
    await page.getByRole('link', { name: 'Deliver again' }).first().click();
    expect(await page.locator('h1').textContent()).toContain('Deliver again');

    await page.goto(`${town.gateway}/console/why?channel=${CHANNEL}`);
    const refused = async () => {
      await page.getByRole('button', { name: 'Find out' }).click();
      return (await page.getByRole('status').textContent())?.includes('Signature headers missing') ?? false;
    };
    await until(refused);
    await page.getByRole('status').getByRole('link', { name: 'See the refusals' }).click();
    expect(await page.locator('main').textContent()).toContain('Signature headers missing');
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('keeps the overview fresh by itself, holds still when told to, and says when nobody answers', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console?range=1h');
    const accepted = page.locator('[data-figure="overview.accepted"] strong');
    const shown = async () => Number(await accepted.textContent());
    await page.locator('.plot canvas').first().waitFor();
    const table = page.locator('[data-table=callbacks]');
    expect(await table.getAttribute('open')).toBeNull(); // the picture has drawn: the table can be opened
    await table.locator('summary').click();
    await page.evaluate('globalThis.isSame = true');
    const before = await shown();
    await pay(`fresh${Date.now()}`, 100);
    await until(async () => (await shown()) > before);
    expect(await page.evaluate('globalThis.isSame')).toBe(true);
    expect(await table.getAttribute('open')).not.toBeNull();
    const sum = (await table.locator('tbody td:nth-child(2)').allTextContents()).reduce((all, n) => all + Number(n), 0);
    expect(sum).toBe(await shown());
    const askNow = async () => {
      await page.getByRole('button', { name: 'Hold still' }).click();
      await page.getByText('Held still: nothing changes').waitFor();
      await page.getByRole('button', { name: 'Go on' }).click();
      await page.getByText('Held still: nothing changes').waitFor({ state: 'hidden' });
    };
    await askNow();
    expect(complaints).toEqual([]);
    await page.route('**/console/live*', (route) => route.abort());
    await askNow();
    await page.getByText('The gateway does not answer').waitFor();
    await page.unroute('**/console/live*');
    await askNow();
    await page.getByText('The gateway does not answer').waitFor({ state: 'hidden' });
    await visitor.leave();
  });

  it('reports what was paid, in a picture, a table, and a file for spreadsheets', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/reports');
    const totals = page.getByRole('table', { name: 'From 20' }).locator('tbody');
    const isTold = async () => {
      await page.reload();
      return (await totals.allTextContents()).join().includes('CN¥1,');
    };
    await until(isTold);
    await page.locator('.plot canvas').waitFor();
    const day = page.getByLabel('First day');
    expect(await day.inputValue()).toMatch(/^\d{4}-\d\d-\d\d$/);
    const weekAgo = new Date(Date.now() - 7 * 86_400_000).toISOString().slice(0, 10);
    await day.fill(weekAgo);
    await page.getByLabel('Channel').selectOption(CHANNEL);
    await page.getByLabel('One line for each').selectOption('month');
    await page.getByRole('button', { name: 'Show' }).click();
    await until(async () => new URL(page.url()).searchParams.get('groupBy') === 'month');
    expect(new URL(page.url()).searchParams.get('from')).toBe(weekAgo); // a day, in no zone
    expect(await day.inputValue()).toBe(weekAgo);
    const line = page.getByRole('region', { name: 'Day by day' }).locator('tbody tr');
    expect(await line.textContent()).toMatch(/^\d{4}-\d\d(?!-).*demo-wechat/);
    const href = await page.getByRole('link', { name: /CSV/ }).getAttribute('href');
    const csv = String(await page.evaluate(`fetch('${href}').then((file) => file.text())`));
    expect(csv.split('\r\n')[1]).toMatch(/^\d{4}-\d\d,demo-wechat,CNY,\d+\.\d\d,/);
    expect(complaints).toEqual([]);
    await page.goto(`${town.gateway}/console/reports?from=2020-01-01&to=2026-01-01`);
    expect(await page.getByLabel('First day').getAttribute('aria-invalid')).toBe('true');
    await visitor.leave();
  });

  it('shows the overview as tables where there is no script', async () => {
    const visitor = await arrive(browser, { ...PHONE, locale: 'zh-CN', javaScriptEnabled: false });
    const { page } = visitor;
    await logIn(visitor, town.gateway, `/console?range=24h&channel=${CHANNEL}`);
    expect(await page.locator('.plot').first().isVisible()).toBe(false);
    expect(await page.locator('[data-rows=callbacks] tr').count()).toBeGreaterThan(140);
    expect(await page.locator('[data-rows=callbacks]').isVisible()).toBe(true);
    expect(await page.getByRole('button', { name: '暂停刷新' }).isVisible()).toBe(false);
    await visitor.leave();
  });

  it('would hear axe, the policy and the browser complain', async () => {
    const visitor = await arrive(browser, DESK);
    const { page, complaints } = visitor;
    await page.goto(`${town.gateway}/console/login`);
    await page.evaluate(`document.querySelector('label').remove();
      document.body.insertAdjacentHTML('beforeend', '<p style="color:red">x</p><img src="https://a.test/x.png">')`);
    expect((await axeFindings(page)).join()).toContain('label');
    await expect.poll(() => complaints.join()).toContain('Content Security Policy');
    await visitor.leave();
  });

  it('compares a day with the bill of the provider, and stays fresh until it is over', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/new/reconciliation');
    await page.locator('select[name=channel]').selectOption(CHANNEL);
    await page.locator('input[name=day]').fill(day);
    await page.locator('main button.main').click();
    await page.getByRole('heading', { name: `${day}, ${CHANNEL}` }).waitFor();
    await page.evaluate('globalThis.told = document.querySelector("#run [role=status]")');
    await page.getByText('Everything was compared').waitFor({ timeout: 30_000 });
    // The status itself changed, so that a screen reader says it.
    expect(await page.evaluate('globalThis.told.isConnected && globalThis.told.textContent')).toContain(
      'Everything was compared',
    );
    expect(await page.locator('[data-live]').count()).toBe(0);
    expect(complaints).toEqual([]);
    await visitor.leave();
  });
});
