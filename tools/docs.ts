// `npm run docs`: writes the pages of docs/ that are made from the code. A test fails while one has drifted from it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { orderStatesPage } from './docs/order-states.ts';
import { ROOT } from './launch.ts';
import { main } from './terminal.ts';

main(async () => {
  writeFileSync(join(ROOT, 'docs/order-states.md'), orderStatesPage());
  console.log('docs/order-states.md is written');
});
