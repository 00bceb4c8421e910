// What the tests of the console in a browser share: a visitor who is logged in, and who hears every complaint.
import { readFileSync } from 'node:fs';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { SECRETS_FILE } from '../../tools/launch.ts';

export const PHONE: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
export const DESK: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
export const AXE = readFileSync('node_modules/axe-core/axe.min.js', 'utf8');

export const adminKey = (): string =>
  /^TOLLGATE_ADMIN_KEY="(.*)"$/m.exec(readFileSync(SECRETS_FILE, 'utf8'))?.[1] ?? '';

export type Visitor = { readonly page: Page; readonly complaints: string[]; readonly leave: () => Promise<void> };

/** Whatever the browser complains of is kept: errors, refused by the policy, files that did not come. */
export async function arrive(browser: Browser, options: BrowserContextOptions): Promise<Visitor> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog ${dialog.message()}`);
    dialog.dismiss().catch(() => undefined);
  });
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('requestfailed', (request) => complaints.push(request.url()));
  return { page, complaints, leave: () => context.close() };
}

export async function logIn({ page }: Visitor, gateway: string, next = '/console'): Promise<void> {
  await page.goto(`${gateway}${next}`);
  await page.locator('input[name=key]').fill(adminKey());
  await page.locator('main button[type=submit]').click();
  await page.locator('header nav').waitFor();
}

/** What axe finds, however small, as `rule: where`. The page lets it in through the debugger alone. */
export async function axeFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const found = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
    violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[];
  }; // axe's own form
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target} ${failureSummary}`),
  );
}
