// Cron's nudge to every shard of every channel: an alarm the platform lost is armed again, a configuration that did not
// arrive is brought again, provider keys are kept fresh. Reads the registry, never D1.
import { callbackLogNameOf, UNKNOWN_LOG } from '../core/arrival.ts';
import { locatorName, shardNameOf } from '../core/channel.ts';
import { providerOf } from '../providers/index.ts';

/** One tick. Safe to run twice or not at all; each shard's failure is its own. */
export async function poke(env: Env, now: number): Promise<void> {
  const registry = env.REGISTRY.getByName('registry');
  await registry.tick(now);
  await pokeLog(env, UNKNOWN_LOG);
  for (const { channel, dispatch } of await registry.listChannels()) {
    await pokeLog(env, callbackLogNameOf(channel.uid));
    const shards = Array.from({ length: channel.shards }, (_, shard) => shard);
    const ledgers = shards.map((shard) => env.LEDGER.getByName(shardNameOf(channel, shard)).poke(dispatch));
    const locates = providerOf(channel.provider)?.linksById ? shards : [];
    const locators = locates.map((shard) => env.LOCATOR.getByName(locatorName(channel, shard)).poke(dispatch, now));
    const results = await Promise.allSettled([...ledgers, ...locators]);
    const failed = results.filter((result) => result.status === 'rejected');
    if (failed.length > 0) {
      const error = String(failed[0]?.reason);
      console.error(JSON.stringify({ hop: 'poke', channel: channel.id, shards: failed.length, error }));
    }
  }
}

async function pokeLog(env: Env, name: string): Promise<void> {
  try {
    await env.CALLBACK_LOG.getByName(name).poke();
  } catch (error) {
    console.error(JSON.stringify({ hop: 'poke', log: name, error: String(error) }));
  }
}
