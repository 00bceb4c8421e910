// Cron's nudge to every shard of every channel: an alarm the platform lost is armed again, a configuration that did not
// arrive is brought again, provider keys are kept fresh, old things go. Reads the registry; D1 only for silences.
import { callbackLogNameOf, UNKNOWN_LOG } from '../core/arrival.ts';
import { type Channel, locatorName, shardNameOf, shardOf } from '../core/channel.ts';
import { reconcilerNameOf } from '../core/reconciliation.ts';
import { rehearsalDispatch, rehearsalLedgersAt } from '../core/rehearsal.ts';
import { type Backlog, type ChannelBacklog, sumBacklogs } from '../core/vitals.ts';
import { within } from '../core/within.ts';
import { providerOf } from '../providers/index.ts';
import { isTimeToLook, watchSilence } from './silence.ts';
import { watchBacklogs, watchProviders, watchRefusals } from './watch.ts';

const POKE_TIMEOUT_MS = 10_000;

/** One tick. Safe to run twice or not at all; each shard's failure is its own. */
export async function poke(env: Env, now: number): Promise<void> {
  const registry = env.REGISTRY.getByName('registry');
  await tried('registry', () => registry.tick(now));
  await tried(UNKNOWN_LOG, () => env.CALLBACK_LOG.getByName(UNKNOWN_LOG).poke());
  await tried('alarms', () => env.ALARM_DESK.getByName('alarms').poke(now));
  await tried('replays', () => env.REPLAYS.getByName('replays').poke());
  const records = await registry.listChannels();
  if (isTimeToLook(now)) await tried('silence', () => watchSilence(env, records, now));
  const looked = new Map<string, ChannelBacklog | null>();
  for (const { channel, dispatch } of records) {
    const log = callbackLogNameOf(channel.uid);
    await tried(log, () => env.CALLBACK_LOG.getByName(log).poke(channel.settings.retention));
    if (isTimeToReconcile(channel, now)) {
      const name = reconcilerNameOf(channel);
      await tried(name, () => env.RECONCILER.getByName(name).poke(channel.id));
    }
    const shards = Array.from({ length: channel.shards }, (_, shard) => shard);
    const ledgers = shards.map((shard) => shardNameOf(channel, shard));
    const locates = providerOf(channel.provider)?.linksById ? shards : [];
    const locators = locates.map((shard) => locatorName(channel, shard));
    const rehearsals = rehearsalLedgersAt(channel.uid, now);
    const poked = Promise.all(ledgers.map((name) => tried(name, () => env.LEDGER.getByName(name).poke(dispatch))));
    await Promise.all([
      ...rehearsals.map((name) => tried(name, () => env.LEDGER.getByName(name).poke(rehearsalDispatch(dispatch)))),
      ...locators.map((name) => tried(name, () => env.LOCATOR.getByName(name).poke(dispatch, now))),
    ]);
    looked.set(channel.id, backlogIn(channel.id, await poked));
  }
  await tried('backlogs', () => watchBacklogs(env, looked, now));
  const active = records.flatMap(({ channel }) => (channel.status === 'disabled' ? [] : [channel.id]));
  await tried('providers', () => watchProviders(env, active, now));
  if (isTimeToLook(now)) await tried('refusals', () => watchRefusals(env, active, now));
}

/** Null where a shard did not say. */
function backlogIn(channel: string, shards: readonly (Backlog | null)[]): ChannelBacklog | null {
  const known = shards.filter((shard) => shard !== null);
  return known.length < shards.length ? null : { channel, ...sumBacklogs(known) };
}

const MINUTES = 60;

/** Once an hour, each channel at its own minute; one that can have no bill is left alone. */
const isTimeToReconcile = ({ uid, provider, settings }: Channel, now: number): boolean => {
  const canHave = providerOf(provider)?.bill !== undefined || settings.billMapping !== null;
  return canHave && new Date(now).getUTCMinutes() === shardOf(uid, MINUTES);
};

/** One object that fails or hangs must not keep the tick from the others. */
async function tried<T>(name: string, step: () => Promise<T>): Promise<T | null> {
  try {
    return await within(step(), POKE_TIMEOUT_MS, name);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'poke', name, error: String(error) }));
    return null;
  }
}
