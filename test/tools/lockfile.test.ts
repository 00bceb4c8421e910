// The lockfile must install anywhere: npm leaves platform packages out of it without a word, and every later `npm ci`
// then fails on that platform.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

type Entry = { version?: string; resolved?: string; optionalDependencies?: Record<string, string> };
const { packages }: { packages: Record<string, Entry> } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

/** Looks where Node would: in the package's own node_modules, then in each folder above. */
function find(from: string, name: string): Entry | undefined {
  for (let folder = from; ; folder = folder.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, '')) {
    const found = packages[folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`];
    if (found || folder === '') return found;
  }
}

it('has an entry for every optional dependency of every package', () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => !find(path, name))
      .map((name) => `${path || 'package.json'} wants ${name}`),
  );
  expect(missing).toEqual([]);
});

it('has the runtime for every platform it is published for', () => {
  const runtimes = Object.keys(packages['node_modules/workerd']?.optionalDependencies ?? {});
  expect(runtimes.length).toBeGreaterThanOrEqual(5);
  const versions = new Set(runtimes.map((name) => packages[`node_modules/${name}`]?.version));
  expect(versions).toEqual(new Set([packages['node_modules/workerd']?.version]));
});

it('names no host: whoever installs chooses the registry', () => {
  const hosts = Object.entries(packages).filter(([, { resolved }]) => resolved && /^https?:/.test(resolved));
  expect(hosts).toEqual([]);
});
