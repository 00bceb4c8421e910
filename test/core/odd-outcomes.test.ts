// The page about odd outcomes has a row for each scenario that is played, and says of it what is received there.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { IN_DIALECTS, OUTCOMES, receivedOf } from '../worker/odd-outcomes.ts';

const rows = readFileSync('docs/odd-outcomes.md', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| **'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

it('docs/odd-outcomes.md says of every outcome what is received', () => {
  const played = [...OUTCOMES, ...Object.values(IN_DIALECTS)];
  const told = Object.fromEntries(rows.map(([, name, received]) => [name, received]));
  expect(told).toEqual(Object.fromEntries(played.map((outcome) => [`**${outcome.name}**`, receivedOf(outcome)])));
});

it('docs/odd-outcomes.md says what to do, in two languages', () => {
  for (const [, name, , todo, zh] of rows) {
    expect(todo, name).toMatch(/\w{3}/);
    expect(zh, name).toMatch(/[\u4e00-\u9fff]{4}/);
  }
});
