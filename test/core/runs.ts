// How often properties are tried: quickly with every test, and at length by `npm run check:long`, which names the seed.
import fc from 'fast-check';
import { expect } from 'vitest';

const SEQUENCES = 5_000;
const runs = Number(process.env.CHECK_RUNS ?? SEQUENCES);
const seed = Number(process.env.CHECK_SEED ?? Math.floor(Math.random() * 0x7fff_ffff));

/** Never the reason for a failure: several times what a busy machine needs. */
export const LONG_MS = 60_000 + runs * 20;

/** Tries the property as often as asked, in steps with seeds of their own; a long run tells how far it is. */
export function hold<T>(property: fc.IPropertyWithHooks<T>): void {
  for (let done = 0; done < runs; done += SEQUENCES) {
    const numRuns = Math.min(SEQUENCES, runs - done);
    fc.assert(property, { numRuns, seed: (seed + done) | 0 });
    const tried = done + numRuns;
    const isTold = runs > SEQUENCES && (tried === runs || tried % (4 * SEQUENCES) === 0);
    if (isTold) console.log(`${tried} of ${runs}: ${expect.getState().currentTestName}`);
  }
}
