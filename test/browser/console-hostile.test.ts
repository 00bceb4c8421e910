// Every page of the console, in a town where all that strangers and operators can write is hostile: what was written is
// shown as it is and does nothing, nobody complains, and no page is too wide.
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TEXTS } from '../../src/console/texts.ts';
import { openBrowser, whyNoBrowser } from '../../tools/chromium.ts';
import { startTown, type Town } from '../../tools/town.ts';
import { filesOf, pagesOf } from './console-pages.ts';
import { arrive, axeFindings, DESK, logIn, PHONE, type Visitor } from './console-visit.ts';
import { FORMULAS, flat, HOSTILE, joined, longWord } from './hostile-texts.ts';
import { fillWithHostile, type HostileTown } from './hostile-town.ts';

/** What a page says, wherever it says it, and what would not be there if a text had become more than text. */
const LOOK = `(() => {
  const values = [...document.querySelectorAll('input, textarea')].map(({ value }) => value);
  const strangers = 'iframe, object, embed, base, svg, math, style, video, body *:is(meta, link, script, title)';
  const isOurs = (src) => !src || new URL(src).pathname.startsWith('/console/assets/');
  const acts = ({ attributes }) => [...attributes].some(({ name }) => name === 'style' || name.startsWith('on'));
  const isStrange = (one) => one.matches(strangers) || acts(one) || !(isOurs(one.src) || one.matches('img.code'));
  const shown = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const words = [];
  for (let node = shown.nextNode(); node; node = shown.nextNode())
    if (!node.parentElement.closest('code, pre, time, script, textarea, body [lang]')) words.push(node.data.trim());
  const names = ['aria-label', 'alt', 'placeholder', 'data-head'];
  for (const one of document.querySelectorAll('body *'))
    for (const name of names) words.push(one.getAttribute(name) ?? '');
  return {
    words: [...new Set(words)],
    lang: document.documentElement.lang,
    said: [document.title, document.body.textContent, ...values].join(' '),
    width: document.documentElement.scrollWidth,
    body: [...document.body.children].map(({ localName }) => localName).join(' '),
    strange: [...document.querySelectorAll('*')]
      .filter((one) => isStrange(one) && !one.closest('.plot'))
      .map(({ outerHTML }) => outerHTML.slice(0, 200)),
  };
})()`;
/** Some eighty pages, each looked at by axe. */
const WALK = { timeout: 180_000 };

const ASKED = [
  ...['search', 'channel', 'state', 'flag', 'from', 'to', 'currency', 'amountMin', 'amountMax', 'origin', 'orderNo'],
  ...['verdict', 'reason', 'status', 'kind', 'day', 'owner', 'actor', 'act', 'subject', 'type', 'transactionId', 'at'],
  ...['zone', 'range', 'groupBy', 'done', 'proof', 'echo', 'ended', 'next'],
];
/** What a list's filter shows of what it was asked. */
const FILTERS = `(() => {
  const written = 'form[method=get] input:not([type=date], [type=datetime-local], [type=hidden])';
  return [...document.querySelectorAll(written)].map(({ name, value }) => [name, value]);
})()`;

/** Fills the page's first form to the brim, past what a browser would refuse, and sends it. */
const FILL = `(texts) => {
  const form = document.querySelector('main form.card[method=post]');
  form.querySelectorAll('input:not([type=hidden], [type=checkbox], [type=file]), textarea').forEach((field, at) => {
    if (field.type !== 'password') field.type = 'text';
    field.value = texts[at % texts.length];
  });
  form.noValidate = true;
  form.requestSubmit(form.querySelector('button.main'));
}`;

/** RFC 4180. */
const cellsOf = (csv: string): readonly string[] =>
  [...csv.replace(/^\uFEFF/, '').matchAll(/(?:^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? '') : quoted.replaceAll('""', '"'),
  );

type Look = { words: string[]; lang: string; said: string; width: number; body: string; strange: string[] };
const look = async (page: Page): Promise<Look> => (await page.evaluate(LOOK)) as Look; // as it is made above

/** Words that are the same in every language, beside the names of providers, ids and numbers. */
const SAME = new Set([
  ...['hostile', 'hostile-bills', 'mapped', 'demo-shop', 'demo-wechat', 'standard', 'UTC', 'CNY', 'NATIVE', 'OTHERS'],
  ...['read', 'orders', 'operate', 'admin', 'metrics', 'open', 'trade', 'fundflow'],
]);
/** What marks a text as one that was written, as far as lists cut it. */
const MARKS = [...HOSTILE.map((text) => text.slice(0, 12)), ...FORMULAS, longWord(60)];
const CHINESE = /[\u4e00-\u9fff]/;
/** But for the zone, which the reader's own clock names. */
const ENGLISH = new Set(Object.values(TEXTS).flatMap(({ en, zh }) => (en === zh || en === 'UTC' ? [] : [en])));

/** What a page says in the other language: a text of the dictionary, or words in a row that are nobody's data. */
function strayIn({ words, lang }: Look, names: ReadonlySet<string>): readonly string[] {
  const isKnown = (word: string) => SAME.has(word) || names.has(word) || /[\d~_/]/.test(word);
  const isEnglish = (text: string) => {
    const parts = CHINESE.test(text) ? [] : text.split(/:?[\s,·]+/).filter((part) => /[A-Za-z]{2}/.test(part));
    return ENGLISH.has(text) || (parts.length > 1 && !parts.every(isKnown));
  };
  const isStray = lang === 'zh-CN' ? isEnglish : (text: string) => CHINESE.test(text);
  return words.filter((text) => isStray(text) && !MARKS.some((mark) => text.includes(mark)));
}

/** Notes every control that has the focus, and whether that can be seen. */
const WATCH = `(() => {
  const kinds = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const controls = [...document.querySelectorAll(kinds)].filter((one) => !one.disabled && one.checkVisibility());
  const seen = (globalThis.seen = { count: controls.length, order: [], unseen: [] });
  document.addEventListener('focusin', ({ target }) => {
    const at = controls.indexOf(target);
    if (at < 0 || seen.order.includes(at)) return;
    const { outlineStyle, outlineWidth } = getComputedStyle(target);
    const { left, right, top, bottom } = target.getBoundingClientRect();
    const isInside = right > 0 && bottom > 0 && left < innerWidth && top < innerHeight;
    const isMarked = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
    if (!isMarked || !isInside) seen.unseen.push(target.outerHTML.slice(0, 200));
    seen.order.push(at);
  });
})()`;

describe.skipIf(whyNoBrowser !== null)('hostile strings', () => {
  let town: Town;
  let browser: Browser;
  let hostile: HostileTown;
  let names: ReadonlySet<string>;

  beforeAll(async () => {
    [town, browser] = await Promise.all([startTown(), openBrowser()]);
    hostile = await fillWithHostile(town);
    const { items } = await town.call('GET', '/v1/providers?limit=200');
    names = new Set((items as { name: { en: string } }[]).flatMap(({ name }) => name.en.split(/[^\w.]+/)));
  });
  afterAll(async () => {
    await browser?.close();
    await town?.stop();
    hostile?.close();
  });

  /** What the page says; all that is wrong with it goes into `findings`. */
  async function looked({ page, complaints }: Visitor, path: string, findings: string[]): Promise<string> {
    const seen = await look(page);
    const { lang, said, strange, body, width } = seen;
    const wrong = [...strange, ...complaints.splice(0)];
    const locale = String(await page.evaluate('navigator.language'));
    if (lang !== (locale === 'zh-CN' ? 'zh-CN' : 'en')) wrong.push(`its language is ${lang}`);
    wrong.push(...strayIn(seen, names).map((text) => `in another language: ${text}`));
    if (body !== 'a header main footer') wrong.push(`its parts are ${body}`);
    if (width > (page.viewportSize()?.width ?? 0)) wrong.push(`it is ${width} wide`);
    findings.push(...wrong.map((text) => `${path}: ${text}`));
    return flat(said);
  }

  it.each([
    ['a desktop, light, in English', { ...DESK, locale: 'en-GB', colorScheme: 'light' as const }],
    ['a phone, dark, in Chinese', { ...PHONE, locale: 'zh-CN', colorScheme: 'dark' as const }],
  ])(
    'are shown as text on every page, which is whole, accessible and not too wide: on %s',
    WALK,
    async (name, options) => {
      const visitor = await arrive(browser, options);
      const { page } = visitor;
      await page.goto(`${town.gateway}/console/login`);
      expect(await axeFindings(page)).toEqual([]);
      await logIn(visitor, town.gateway, '/console/me');
      const said = new Map<string, string>();
      const findings: string[] = [];
      const shots = process.env.CONSOLE_SHOTS;
      for (const path of Object.values(pagesOf(hostile.sights)).flat()) {
        const answer = await page.goto(town.gateway + path);
        if (answer?.status() !== 200) findings.push(`${path}: ${answer?.status()}`);
        if (shots) {
          const file = `${name.slice(2, 7).trim()}${path.replaceAll(/\W+/g, '-').replaceAll(/\d{6,}/g, '')}`;
          await page.screenshot({ path: `${shots}/${file.slice(0, 100)}.png`, fullPage: true });
        }
        said.set(path, await looked(visitor, path, findings));
        findings.push(...(await axeFindings(page)).map((text) => `${path}: ${text}`));
      }
      const missing = hostile.written.flatMap(({ what, on, texts }) => {
        const pages = [...said].filter(([path]) => path.startsWith(on)).map(([, words]) => words);
        return texts
          .filter((text) => !pages.some((words) => words.includes(flat(text))))
          .map((text) => [what, on, text]);
      });
      expect(missing).toEqual([]);
      expect(findings).toEqual([]);
      await visitor.leave();
    },
  );

  /** Chromium notes that a page was answered with 4xx: that is what is wanted here. */
  const unasked = (findings: readonly string[]) => findings.filter((text) => !/status of 4\d\d/.test(text));

  it('are shown as text where they come in an address, and choose nothing', async () => {
    const visitor = await arrive(browser, { ...PHONE, locale: 'en-GB' });
    const { page } = visitor;
    const findings: string[] = [];
    await logIn(visitor, town.gateway, '/console/me');
    const texts = [...joined(200), longWord(400)];
    const query = new URLSearchParams(ASKED.map((name, at) => [name, texts[at % texts.length] ?? '']));
    const paths = Object.values(pagesOf(hostile.sights)).map(([path = '']) => path);
    for (const path of [...paths, '/console/nowhere']) {
      await page.goto(`${town.gateway}${path.replace(/\?.*/, '')}?${query}`);
      await looked(visitor, path, findings);
      const filled = (await page.evaluate(FILTERS)) as [string, string][]; // as it is made above
      // A currency is shown in capitals.
      const differ = filled.filter(([name, value]) => value.toLowerCase() !== query.get(name)?.toLowerCase());
      expect(differ, path).toEqual([]);
    }
    const word = longWord(10_000);
    for (const path of [`orders?search=${word}`, word, `login?next=/console/${word}`]) {
      await page.goto(`${town.gateway}/console/${path}`);
      expect(await looked(visitor, path.slice(0, 40), findings)).toContain(word);
    }
    expect(unasked(findings)).toEqual([]);
    await visitor.leave();
  });

  it('come back as text in every form that refuses them', async () => {
    const visitor = await arrive(browser, { ...PHONE, locale: 'en-GB' });
    const { page } = visitor;
    const findings: string[] = [];
    await logIn(visitor, town.gateway, '/console/me');
    const { channel, discrepancy, held, refundable, key } = hostile.sights;
    const order = (of: string, orderNo: string, act: string) => `orders/${of}/${encodeURIComponent(orderNo)}/${act}`;
    const forms = {
      ...{
        'new/origin': true,
        'new/channel/stripe': true,
        'new/channel/wechatpay-v3': true,
        'new/alarm-destination': true,
      },
      ...{ keys: true, access: true, why: true, [`discrepancies/${encodeURIComponent(discrepancy)}`]: true },
      ...{ [`channels/${channel}/rotate`]: true, [`channels/${channel}/allowlist`]: true },
      ...{ 'alarm-destinations/hostile0': true, [order(channel, held, 'release')]: true },
      [order('demo-wechat', refundable, 'refund')]: true,
      // These take numbers and days alone, or show what holds instead.
      ...{ 'new/reconciliation': false, 'alarm-rules': false, [`keys/${key}`]: false, 'origins/hostile/rotate': false },
      'new/replay?state=dead': false,
    };
    const [all = ''] = joined(2_000);
    for (const [path, isShown] of Object.entries(forms)) {
      await page.goto(`${town.gateway}/console/${path}`);
      const texts = JSON.stringify([`${longWord(10_000)} ${all}`, all, all, all, all]);
      await Promise.all([page.waitForNavigation(), page.evaluate(`(${FILL})(${texts})`)]);
      const said = await looked(visitor, path, findings);
      expect(said.includes(flat(all)), path).toBe(isShown);
    }
    expect(unasked(findings)).toEqual([]);
    await visitor.leave();
  });

  it('leave every control to the keyboard, in the order of the page, with a focus that is seen', async () => {
    const visitor = await arrive(browser, { ...DESK, locale: 'en-GB' });
    const { page } = visitor;
    await page.goto(`${town.gateway}/console/login`);
    const { channel, held, test } = hostile.sights;
    const paths = [
      ...['/console', '/console/reports', '/console/orders', '/console/alarms', '/console/alarm-rules', '/console/why'],
      ...[
        '/console/keys',
        '/console/new/origin',
        '/console/new/channel/wechatpay-v3',
        '/console/new/replay?state=dead',
      ],
      ...[`/console/orders/${channel}/${held}`, `/console/orders/${channel}/${held}/release`],
      ...[`/console/channels/${channel}`, `/console/channels/${channel}/test/${test}`, '/console/reconciliations'],
    ];
    await logIn(visitor, town.gateway, '/console/me');
    for (const path of paths) {
      await page.goto(town.gateway + path);
      await page.evaluate(WATCH);
      type Seen = { count: number; order: number[]; unseen: string[] };
      const seen = async () => (await page.evaluate('globalThis.seen')) as Seen; // as WATCH makes it
      // A field of a time takes several steps.
      for (let steps = 0, last = -1; steps < 800; steps++) {
        await page.keyboard.press('Tab');
        if (steps % 25 < 24) continue;
        const { order, count } = await seen();
        if (order.length === count || order.length === last) break;
        last = order.length;
      }
      const { count, order, unseen } = await seen();
      expect([order, unseen], path).toEqual([Array.from({ length: count }, (_, at) => at), []]);
      await page.reload();
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      expect(await page.evaluate('document.activeElement.id'), `${path}: the skip link`).toBe('content');
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.closest("main, footer") !== null'), path).toBe(true);
    }
    await visitor.leave();
  });

  it('begin no formula in any table for a spreadsheet', async () => {
    const visitor = await arrive(browser, DESK);
    await logIn(visitor, town.gateway, '/console/me');
    for (const [route, path] of Object.entries(filesOf(hostile.sights))) {
      const file = await visitor.page.context().request.get(town.gateway + path);
      expect([file.status(), file.headers()['content-type']], route).not.toContain('text/html; charset=utf-8');
      expect(file.status(), route).toBe(200);
      if (!path.endsWith('.csv')) continue;
      const cells = cellsOf(await file.text());
      const run = cells.filter((cell) => /^\s*[=+@\t\r-]|;\s*[=+@-]/.test(cell) && !/^-\d+(\.\d+)?$/.test(cell));
      expect(run, route).toEqual([]);
      if (/orders|deliveries|discrepancies/.test(path)) expect(cells, route).toContain("'=1+1");
    }
    await visitor.leave();
  });
});
