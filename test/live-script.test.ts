// The script that keeps parts of a page fresh, run as a browser would run it: each question says that nobody asked it.
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { expect, it } from 'vitest';

it('tells the console that nobody is at work, so that the session may end', async () => {
  const asked: { url: string; headers: Headers }[] = [];
  const timers: (() => Promise<void>)[] = [];
  const part = { id: 'way', dataset: {}, contains: () => false };
  new Script(readFileSync('assets/console/live.js', 'utf8')).runInNewContext({
    document: { querySelector: () => part, querySelectorAll: () => [part], hidden: false, activeElement: null },
    location: { href: 'https://pay.shop.example/console/replays/r1' },
    fetch: async (url: string, init: RequestInit) => {
      asked.push({ url, headers: new Headers(init.headers) });
      throw new TypeError('enough');
    },
    setTimeout: (run: () => Promise<void>) => timers.push(run),
  });
  await timers[0]?.();
  expect(asked.map(({ url, headers }) => [url, headers.get('x-refresh')])).toEqual([
    ['https://pay.shop.example/console/replays/r1', 'self'],
  ]);
});
