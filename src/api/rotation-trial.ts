// New credentials tried with callbacks that the channel has already taken, before anything is switched.
// Changes nothing; shows counts alone.
import type { StoredCallback } from '../core/callback.ts';
import { type ChannelRecord, shardNameOf } from '../core/channel.ts';
import { readConfig } from '../env.ts';
import { openCredentials } from '../store/registry-copy.ts';
import type { Checked } from './channel-credentials.ts';
import { type Context, z } from './kit.ts';

export const RotationTrial = z
  .object({
    dryRun: z.literal(true),
    checked: z
      .int()
      .openapi({ description: 'Stored callbacks that were verified again: the last five of each shard.' }),
    both: z.int(),
    newOnly: z.int(),
    oldOnly: z.int(),
    neither: z.int(),
    detail: z.string().openapi({ description: 'What the counts mean, in one sentence.' }),
  })
  .openapi('RotationTrial');

type Trial = z.infer<typeof RotationTrial>;
type Outcome = 'both' | 'newOnly' | 'oldOnly' | 'neither';

/** Each callback is verified as of the moment it came, so that its age is no reason to refuse it. */
export async function tryCredentials(
  c: Context,
  record: ChannelRecord,
  { provider, credentials: next }: Checked,
): Promise<Trial> {
  const { channel, keys } = record;
  const standing = await openCredentials(record, readConfig(c.env).masterKey);
  const verifies = async ({ receivedAt, contentType, ...kept }: StoredCallback, credentials: unknown) => {
    const headers = contentType === null ? kept.headers : { ...kept.headers, 'content-type': contentType };
    const callback = { channelId: channel.id, headers, body: kept.body, remoteAddress: null, receivedAt };
    return (await provider.verify(callback, credentials, keys, receivedAt)).ok;
  };
  const counts: Record<Outcome, number> = { both: 0, newOnly: 0, oldOnly: 0, neither: 0 };
  const stored = await storedCallbacks(c.env, record);
  for (const one of stored) counts[outcomeOf(await verifies(one, next), await verifies(one, standing))] += 1;
  return { dryRun: true, checked: stored.length, ...counts, detail: meaningOf(counts) };
}

async function storedCallbacks(env: Env, { channel }: ChannelRecord): Promise<readonly StoredCallback[]> {
  const names = Array.from({ length: channel.shards }, (_, shard) => shardNameOf(channel, shard));
  const found = await Promise.all(names.map((name) => env.LEDGER.getByName(name).readRecentCallbacks()));
  return found.flat();
}

const outcomeOf = (byNew: boolean, byOld: boolean): Outcome =>
  byNew ? (byOld ? 'both' : 'newOnly') : byOld ? 'oldOnly' : 'neither';

function meaningOf({ both, newOnly, oldOnly, neither }: Readonly<Record<Outcome, number>>): string {
  if (both + newOnly + oldOnly + neither === 0) return 'Nothing to try with: no callback is stored yet.';
  if (both + newOnly > 0 && oldOnly === 0) return 'The new credentials verify what is stored: rotating loses nothing.';
  if (both + newOnly > 0) return 'Some verify with the new credentials, some with the old: keep an overlap.';
  if (oldOnly === 0) return 'Neither verifies what is stored: keys that were fetched then may have ended since.';
  return (
    'All that is stored was signed for the old credentials. Right if the provider has not changed over yet; else the ' +
    'new ones are not what it signs with.'
  );
}
