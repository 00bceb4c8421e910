// Three in the morning: an alarm leads to what is dead or held, its cause can be read, and a person sets it right.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openBrowser, whyNoBrowser } from '../../tools/chromium.ts';
import { startTown, type Town } from '../../tools/town.ts';
import { arrive, axeFindings, DESK, logIn, PHONE } from './console-visit.ts';

const CHANNEL = 'demo-wechat';

const until = (holds: () => Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 30_000, interval: 500 });

describe.skipIf(whyNoBrowser !== null)('an operator at three in the morning', () => {
  let town: Town;
  let browser: Browser;
  let isMended = false;
  const shop = createServer((_, response) => {
    response.writeHead(isMended ? 204 : 500).end(isMended ? undefined : 'the stock database is full');
  });
  const paged: string[] = [];
  const pager = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    paged.push(body);
    response.end('ok');
  });
  const pay = (outTradeNo: string, amount: number) =>
    fetch(`${town.wechat}/sandbox/pay`, { method: 'POST', body: JSON.stringify({ outTradeNo, amount }) });
  const orderOf = async (orderNo: string) =>
    (await town.call('GET', `/v1/orders/${CHANNEL}/${orderNo}`)).order as { state: string; held: boolean };
  const alarmed = async (code: string) => {
    const { items } = await town.call('GET', '/v1/alarms');
    return (items as { code: string }[]).some((alarm) => alarm.code === code);
  };

  beforeAll(async () => {
    [town, browser] = await Promise.all([startTown(), openBrowser()]);
    for (const server of [shop, pager]) await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = shop.address() as AddressInfo; // it listens
    const url = `http://127.0.0.1:${port}/`;
    await town.call('POST', '/v1/origins', { id: 'night-shop', url, ladderSeconds: [0] });
    await town.call('PATCH', `/v1/channels/${CHANNEL}`, { origins: ['night-shop'], settings: { hold: ['overpaid'] } });
  });
  afterAll(async () => {
    await browser?.close();
    await town?.stop();
    shop.close();
    pager.close();
  });

  it('has said in the evening who is called, in Chinese and by the keyboard, and tried it', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'zh-CN' });
    const { page, complaints } = visitor;
    const enter = async (name: string, role: 'link' | 'button' = 'button') => {
      await page.getByRole(role, { name, exact: true }).focus();
      await page.keyboard.press('Enter');
    };
    await logIn(visitor, town.gateway, '/console/alarms');
    await enter('规则与接收方', 'link');
    expect(await page.locator('main').textContent()).toContain('尚无接收方');
    await enter('新建接收方', 'link');
    await page.locator('[name=id]').fill('night-pager');
    await page.locator('[name=kind]').selectOption('slack');
    await page.locator('[name=url]').fill('https://evil.example/services/x');
    expect(await axeFindings(page)).toEqual([]);
    await enter('新建接收方');
    await page.locator('[name=url][aria-invalid=true]').waitFor();
    expect(await page.locator('[name=id]').inputValue()).toBe('night-pager');
    complaints.length = 0; // Chromium notes that the form was answered with 422
    const { port } = pager.address() as AddressInfo; // it listens
    await page.locator('[name=url]').fill(`http://127.0.0.1:${port}/services/a-token-that-nobody-sees`);
    await enter('新建接收方');
    await page.getByRole('status').waitFor();
    expect(await page.content()).not.toContain('a-token-that-nobody-sees');
    await enter('发送测试');
    await page.getByText('测试消息已被接收').waitFor();
    expect(paged.join()).toContain('告警通知测试');
    expect(await axeFindings(page)).toEqual([]);

    await page.goto(`${town.gateway}/console/alarm-rules`);
    expect(await axeFindings(page)).toEqual([]);
    const rule = page.getByRole('group', { name: '订单被暂扣' });
    await rule.getByLabel('重复通知间隔').fill('0');
    await enter('保存');
    await page.getByRole('alert').waitFor();
    complaints.length = 0;
    await rule.getByLabel('重复通知间隔').fill('30');
    await rule.getByLabel('紧急').focus();
    await page.keyboard.press('Space');
    await enter('保存');
    await page.getByRole('status').waitFor();
    const { rules } = await town.call('GET', '/v1/alarm-rules');
    const chosen = (rules as { order_held: object }).order_held;
    expect(chosen).toMatchObject({ enabled: true, critical: false, repeatMinutes: 30, destinations: null });
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('goes from the alarm to the dead letter, reads the cause, and delivers again once it is mended', async () => {
    // The gateway may go by what it knew of the channel for ten seconds: until then the other shop gets them.
    let made = 0;
    await until(async () => {
      await pay(`dead${Date.now()}x${++made}`, 100);
      return alarmed('delivery_dead');
    });
    const deadLetters = async () =>
      (await town.call('GET', '/v1/deliveries?state=dead')).items as { orderNo: string }[];
    await until(async () => (await deadLetters()).length > 0);
    const orderNo = (await deadLetters()).at(-1)?.orderNo ?? '';
    await until(async () => paged.some((said) => said.includes('投递已用尽重试')));
    const said = paged.find((one) => one.includes('投递已用尽重试')) ?? '';
    expect(said).toContain('处理：');
    expect(said).toContain(`${town.gateway}/console/deliveries?state=dead`);
    const visitor = await arrive(browser, { ...PHONE, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/alarms');
    const listed = page.locator('.note', { hasText: 'A delivery is out of attempts' });
    expect(await listed.textContent()).toContain('night-pager sent');
    await listed.getByRole('button', { name: 'I have it in hand' }).click();
    expect(await listed.textContent()).toContain('In hand by admin');
    expect(await axeFindings(page)).toEqual([]);
    await page.goto(`${town.gateway}/console`);
    const figure = page.getByRole('link', { name: 'Dead deliveries' });
    await until(async () => {
      await page.reload();
      return /^[1-9]/.test((await figure.textContent()) ?? '');
    });
    const alarm = page.locator('.note', { hasText: 'A delivery is out of attempts' });
    expect(await alarm.textContent()).toContain('See what the origin answered');
    await alarm.getByRole('link').click();
    await page.getByRole('link', { name: orderNo }).click();
    expect(await page.locator('.timeline').textContent()).toContain('the stock database is full');
    isMended = true;
    await page.getByRole('link', { name: /^Send again: event 1 to night-/ }).click();
    expect(await page.locator('main tbody').textContent()).toMatch(/^1Payment succeedednight-.*Dead$/);
    await page.getByText(/^Event 1 as night-.* would get it$/).click();
    expect(await page.locator('pre').textContent()).toContain(orderNo);
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole('button', { name: 'Deliver again' }).click();
    expect(await page.getByRole('status').textContent()).toBe('The events go out again.');
    await until(async () => {
      await page.reload();
      const rows = await page.locator('.card', { hasText: 'Deliveries' }).textContent();
      return rows?.includes('Delivered') ?? false;
    });
    expect(await page.locator('.timeline').textContent()).toContain('Delivered again on demand');
    expect(complaints).toEqual([]);
    await visitor.leave();
  });

  it('lets a held order go with a reason, which stays in its history and in the audit log', async () => {
    // As above: until the gateway knows of the hold, orders go through.
    let orderNo = '';
    let made = 0;
    await until(async () => {
      orderNo = `held${Date.now()}x${++made}`;
      await town.call('POST', '/v1/orders', { channel: CHANNEL, orderNo, amount: { minor: 9, currency: 'CNY' } });
      await pay(orderNo, 10);
      const isPaid = async () => (await orderOf(orderNo)).state === 'paid';
      await until(isPaid);
      return (await orderOf(orderNo)).held;
    });
    await until(() => alarmed('order_held'));
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page, complaints } = visitor;
    await logIn(visitor, town.gateway, '/console/alarms');
    await page.getByRole('link', { name: `order/${CHANNEL}/${orderNo}` }).click();
    expect(await page.locator('main').textContent()).toContain('More came than was registered');
    await page.getByRole('link', { name: 'Release what is held' }).click();
    await page.getByRole('button', { name: 'Release what is held' }).click();
    expect(await page.locator('h1').textContent()).toContain('confirm'); // the reason is missing
    await page.getByLabel('Reason').fill('agreed with the payer');
    await page.getByRole('button', { name: 'Release what is held' }).click();
    expect(await page.getByRole('status').textContent()).toBe('The held events go out now.');
    expect(await page.locator('.timeline').textContent()).toContain('agreed with the payer');
    const audited = async () => {
      await page.goto(`${town.gateway}/console/audit`);
      const row = page.locator('tr', { hasText: orderNo });
      return (await row.count()) > 0 && ((await row.first().textContent())?.includes('agreed with the payer') ?? false);
    };
    await until(audited);
    expect(complaints).toEqual([]);
    await visitor.leave();
  });
});
