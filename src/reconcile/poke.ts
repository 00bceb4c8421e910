// Cron's nudge to every shard of every channel: an alarm the platform lost is armed again, a configuration that did not
// arrive is brought again, provider keys are kept fresh, old things go. Reads the registry; D1 only for silences.
import { callbackLogNameOf, UNKNOWN_LOG } from '../core/arrival.ts';
import { type Channel, locatorName, shardNameOf, shardOf } from '../core/channel.ts';
import { reconcilerNameOf } from '../core/reconciliation.ts';
import { rehearsalDispatch, rehearsalLedgersAt } from '../core/rehearsal.ts';
import { within } from '../core/within.ts';
import { providerOf } from '../providers/index.ts';
import { isTimeToLook, watchSilence } from './silence.ts';

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
    await Promise.all([
      ...ledgers.map((name) => tried(name, () => env.LEDGER.getByName(name).poke(dispatch))),
      ...rehearsals.map((name) => tried(name, () => env.LEDGER.getByName(name).poke(rehearsalDispatch(dispatch)))),
      ...locators.map((name) => tried(name, () => env.LOCATOR.getByName(name).poke(dispatch, now))),
    ]);
  }
}

const MINUTES = 60;

/** Once an hour, each channel at its own minute; one that can have no bill is left alone. */
const isTimeToReconcile = ({ uid, provider, settings }: Channel, now: number): boolean => {
  const canHave = providerOf(provider)?.bill !== undefined || settings.billMapping !== null;
  return canHave && new Date(now).getUTCMinutes() === shardOf(uid, MINUTES);
};

/** One object that fails or hangs must not keep the tick from the others. */
async function tried(name: string, step: () => Promise<unknown>): Promise<void> {
  try {
    await within(step(), POKE_TIMEOUT_MS, name);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'poke', name, error: String(error) }));
  }
}
