// Nothing is registered without what people and the suite need: a page, a row in the index, fixtures, and a test that
// runs the conformance suite on it. The guide for adding one quotes what is there.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PROVIDER_IDS, providers } from '../../src/providers/index.ts';
import type { AnyProvider } from '../../src/providers/provider.ts';

const INDEX = 'docs/providers/README.md';
/** In the order of the index's second table. */
const CAPABILITIES: Readonly<Record<string, (provider: AnyProvider) => boolean>> = {
  query: ({ query }) => query !== undefined,
  pay: ({ pay }) => pay !== undefined,
  close: ({ close }) => close !== undefined,
  refund: ({ refund }) => refund !== undefined,
  bill: ({ bill }) => bill !== undefined,
  product: ({ product }) => product !== undefined,
  keys: ({ keys }) => keys !== undefined,
  linksById: ({ linksById }) => linksById === true,
  sourceRanges: ({ sourceRanges }) => sourceRanges.length > 0,
  retryScheduleSeconds: ({ retryScheduleSeconds }) => retryScheduleSeconds.length > 0,
};
/** Whose credentials are those of the profile engine: its page explains the parts. */
const CONFIGURED: ReadonlySet<string> = new Set(['generic', 'standard-webhooks']);

const all = Object.values(providers);
const index = readFileSync(INDEX, 'utf8');
const rows = index.split('\n').filter((line) => line.startsWith('| [`'));
const tests = readdirSync('test/providers')
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(`test/providers/${name}`, 'utf8'));

const pageOf = (id: string) => readFileSync(`docs/providers/${id}.md`, 'utf8');
const fieldsOf = ({ credentials }: AnyProvider) => {
  const { shape } = credentials as unknown as { shape: object }; // every provider's schema is a zod object
  return Object.keys(shape);
};

describe.each(all)('$id', (provider) => {
  const { id } = provider;

  it('has a page that names it and every credential of it', () => {
    const page = pageOf(id);
    expect(page).toMatch(new RegExp(`^# .+\\(\`${id}\`\\)\n`));
    const explained = CONFIGURED.has(id) ? page + pageOf('tokenim') : page;
    expect(fieldsOf(provider).filter((field) => !new RegExp(`\`${field}\\b`).test(explained))).toEqual([]);
  });

  it('has a row in the index that shows what it can do', () => {
    const shown = Object.keys(CAPABILITIES).filter((name) => CAPABILITIES[name]?.(provider));
    const cells = rows.find((row) => row.startsWith(`| [\`${id}\`](${id}.md) |`))?.split(' | ') ?? [];
    // What stands in the last column of its row; a missing row is the empty text.
    expect(cells[3] ?? '').toBe(`${shown.map((name) => `\`${name}\``).join(' ')} |`);
    expect(cells[2]).toMatch(/\w{4}/);
  });

  it('has fixtures, and a test that runs the conformance suite on it', () => {
    expect(existsSync(`test/fixtures/${id}`)).toBe(true);
    const own = tests.filter((text) => text.includes(`providerOf('${id}')`) || text.includes(`dialectOf('${id}'`));
    expect(own.some((text) => /\bconformance\(\{/.test(text))).toBe(true);
  });
});

it('the index has a row for each provider and no other, in the order of the registry', () => {
  expect(rows.map((row) => /^\| \[`([^`]+)`\]/.exec(row)?.[1])).toEqual(PROVIDER_IDS);
});

it('the pages are those of the registered providers', () => {
  const pages = readdirSync('docs/providers').filter((name) => name !== 'README.md');
  expect(pages.sort()).toEqual(PROVIDER_IDS.map((id) => `${id}.md`).sort());
});

describe('the guide for adding a provider', () => {
  const guide = readFileSync('docs/add-a-provider.md', 'utf8');
  const quotes = [...guide.matchAll(/```ts\n\/\/ (\S+)\n(.*?)```/gs)].map(([, path = '', code = '']) => ({
    path,
    code,
  }));

  it('quotes more than one file', () => {
    expect(new Set(quotes.map(({ path }) => path)).size).toBeGreaterThan(1);
    expect(guide.match(/```ts/g)).toHaveLength(quotes.length);
  });

  it.each(quotes)('quotes $path to the letter', ({ path, code }) => {
    expect(readFileSync(path, 'utf8')).toContain(code);
  });

  it('names files that are there', () => {
    const paths = [...guide.matchAll(/`((?:src|test|tools|docs)\/[\w./-]+\.\w+)`/g)].map(([, path = '']) => path);
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
    expect(paths).not.toEqual([]);
  });
});
