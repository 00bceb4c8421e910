// The contract: a public linter has nothing to say, and the client's types are made from what the gateway says now.

import { readdirSync, readFileSync } from 'node:fs';
import { createConfig, lintFromString } from '@redocly/openapi-core';
import { expect, it } from 'vitest';
import { contractText, openApiText } from '../tools/api-client.ts';

const text = openApiText();

it('is valid, and good by the recommended rules', async () => {
  const config = await createConfig({ extends: ['recommended'] });
  const problems = await lintFromString({ source: text, absoluteRef: '/openapi.json', config });
  expect(problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} ${location[0]?.pointer}`)).toEqual([]);
});

it('names each operation once, in one group, and says which scopes open it', () => {
  const { paths, tags }: Contract = JSON.parse(text);
  const operations = Object.values(paths).flatMap((item) => Object.values(item));
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  const groups = tags.map(({ name }) => name);
  for (const { operationId, tags: own, security } of operations) {
    expect([own.length, groups.includes(own[0] ?? '')], operationId).toEqual([1, true]);
    expect(security.at(-1), operationId).toEqual({ key: ['admin'] });
  }
});

type Contract = {
  paths: Record<string, Record<string, { operationId: string; tags: string[]; security: object[] }>>;
  tags: { name: string }[];
};

it('says of a named schema whether it may be null', () => {
  const named = /const (\w+)(?:: [^=]+)? =\s*(?:(?!\n\n|\n(?:export )?const ).)*?\.openapi\(\s*'\w+'/gs;
  const sources = readdirSync('src/api').map((file) => readFileSync(`src/api/${file}`, 'utf8'));
  const names = sources.flatMap((source) => [...source.matchAll(named)].map(([, name]) => name));
  const forgotten = sources.flatMap((source) =>
    [...source.matchAll(/\b([A-Z]\w*)\.nullable\(\)/g)].map(([, name]) => name).filter((name) => names.includes(name)),
  );
  expect(names.length).toBeGreaterThan(50);
  expect(forgotten).toEqual([]); // orNull(name, schema) says it
  expect(text).not.toContain('x-or-null');
});

it('has patterns that any reader of JSON Schema takes, without flags', () => {
  const patterns: string[] = [];
  JSON.parse(text, (name, value: unknown) => {
    if (name === 'pattern' && typeof value === 'string') patterns.push(value);
    return value;
  });
  expect(patterns.length).toBeGreaterThan(20);
  for (const pattern of patterns) {
    expect(new RegExp(pattern, 'u').source).toBe(pattern);
    expect(pattern).toMatch(/\$$/);
  }
});

it('is what the client’s types were made from: npm run client makes them anew', () => {
  expect(readFileSync('clients/typescript/contract.ts', 'utf8')).toBe(contractText(text));
});
