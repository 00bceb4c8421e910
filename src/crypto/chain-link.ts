// One link of a chain of digests: each holds the one before, so that no earlier entry can change unseen. Synchronous,
// because it is made inside a transaction. Not a signature: whoever can write the whole chain can make it anew.
import { createHash } from 'node:crypto';

/** SHA-256, hex, over the JSON array of the link before (null for the first) and these fields. */
export const chainLink = (previous: string | null, fields: readonly (string | number | null)[]): string =>
  createHash('sha256')
    .update(JSON.stringify([previous, ...fields]))
    .digest('hex');
