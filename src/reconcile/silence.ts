// Watches for channels that have gone quiet: reads the roll-ups of all of them at once, has a few of the open orders of
// those whose past does not explain it asked about, and tells a person. Changes nothing itself.
import { type ChannelRecord, shardNameOf } from '../core/channel.ts';
import { SILENCE_AGAIN_MS, SILENCE_ANSWER_MS, SILENCE_ASKS_MAX, SILENCE_WINDOW_MS } from '../core/limits.ts';
import { type Past, silenceOf, silenceText, type Word, wordText } from '../core/silence.ts';
import { hourOf } from '../core/tally.ts';
import { readPasts } from '../store/figures.ts';

const EVERY_MINUTES = 5;

/** Cron comes each minute; a look now and then is enough. */
export const isTimeToLook = (now: number): boolean => new Date(now).getUTCMinutes() % EVERY_MINUTES === 0;

export async function watchSilence(env: Env, records: readonly ChannelRecord[], now: number): Promise<void> {
  const watched = records.filter(({ channel }) => channel.status !== 'disabled');
  if (watched.length === 0) return;
  const since = hourOf(now - SILENCE_WINDOW_MS);
  const pasts = await readPasts(
    env.DB,
    watched.map(({ channel }) => channel.id),
    since,
    now,
  );
  const quiet = watched.flatMap((record) => {
    const { id, updatedAt } = record.channel;
    const known = pasts.get(id);
    if (!known) return [];
    // A change of the channel, its pause or its return begin a new time.
    const past: Past = { ...known, lastAt: Math.max(known.lastAt ?? since, updatedAt) };
    const silence = silenceOf(past, now);
    return silence.kind === 'silent' ? [{ record, silence, lastAt: past.lastAt }] : [];
  });
  const over = watched.filter((record) => !quiet.some((one) => one.record === record));
  const ends = over.map(({ channel }) => ({ alarm: endOf(channel.id, now), since: now }));
  const news = await Promise.all(
    quiet.map(async ({ record, silence, lastAt }) => {
      const detail =
        `No callback was accepted: ${silenceText(silence)}. ${await wordOf(env, record, lastAt)} See whether they ` +
        'are refused (GET /v1/rejections), whether the provider calls the right address, and whether it has an outage.';
      const alarm = { code: 'channel_silent' as const, subject: `channel/${record.channel.id}`, detail, at: now };
      return { alarm, since: Math.max(lastAt, now - SILENCE_AGAIN_MS) };
    }),
  );
  await env.REGISTRY.getByName('registry').raiseNews([...news, ...ends]);
}

const endOf = (id: string, at: number) =>
  ({ code: 'channel_silent', subject: `channel/${id}`, detail: '', at, ended: true }) as const;

/** What the provider says of the orders that wait. Its answers are facts by the usual way, and counted there. */
async function wordOf(env: Env, { channel, dispatch }: ChannelRecord, since: number): Promise<string> {
  if (dispatch.asks !== true) return wordText(null);
  const shards = Array.from({ length: channel.shards }, (_, shard) => shardNameOf(channel, shard));
  const ofAll = async (ask: (name: string) => Promise<number>) =>
    (await Promise.all(shards.map(ask))).reduce((sum, one) => sum + one, 0);
  const share = Math.ceil(SILENCE_ASKS_MAX / channel.shards);
  try {
    const asked = await ofAll((name) => env.LEDGER.getByName(name).hurry(share));
    if (asked > 0) await scheduler.wait(SILENCE_ANSWER_MS);
    const word: Word = { asked, paid: await ofAll((name) => env.LEDGER.getByName(name).paidByQuery(since)) };
    return wordText(word);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'silence', channel: channel.id, error: String(error) }));
    return 'What the provider says could not be looked up.';
  }
}
