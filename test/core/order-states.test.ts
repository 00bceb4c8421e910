// The page about order states is made from the tables, so that it cannot say what the code does not do.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { orderStatesPage } from '../../tools/docs/order-states.ts';

it('docs/order-states.md says what the tables say; `npm run docs` writes it', () => {
  expect(readFileSync('docs/order-states.md', 'utf8')).toBe(orderStatesPage());
});
