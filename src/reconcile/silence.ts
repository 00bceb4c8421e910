// Watches for channels that have gone quiet: reads the roll-ups of all of them at once, and tells a person of those
// whose past does not explain it. Asks no provider and changes nothing.
import type { ChannelRecord } from '../core/channel.ts';
import { SILENCE_AGAIN_MS, SILENCE_WINDOW_MS } from '../core/limits.ts';
import { type Past, silenceOf, silenceText } from '../core/silence.ts';
import { hourOf } from '../core/tally.ts';
import { readPasts } from '../store/rollups.ts';

const EVERY_MINUTES = 5;

/** Cron comes each minute; a look now and then is enough. */
export const isTimeToLook = (now: number): boolean => new Date(now).getUTCMinutes() % EVERY_MINUTES === 0;

export async function watchSilence(env: Env, records: readonly ChannelRecord[], now: number): Promise<void> {
  const watched = records.map(({ channel }) => channel).filter(({ status }) => status !== 'disabled');
  if (watched.length === 0) return;
  const since = hourOf(now - SILENCE_WINDOW_MS);
  const pasts = await readPasts(
    env.DB,
    watched.map(({ id }) => id),
    since,
    now,
  );
  const news = watched.flatMap(({ id, updatedAt }) => {
    const known = pasts.get(id);
    if (!known) return [];
    // A change of the channel, its pause or its return begin a new time.
    const past: Past = { ...known, lastAt: Math.max(known.lastAt ?? since, updatedAt) };
    const silence = silenceOf(past, now);
    if (silence.kind !== 'silent') return [];
    const detail =
      `No callback was accepted: ${silenceText(silence)}. See whether they are refused (GET /v1/rejections), whether ` +
      'the provider calls the right address, and whether it has an outage.';
    const alarm = { code: 'channel_silent' as const, subject: `channel/${id}`, detail, at: now };
    return [{ alarm, since: Math.max(past.lastAt, now - SILENCE_AGAIN_MS) }];
  });
  if (news.length > 0) await env.REGISTRY.getByName('registry').raiseNews(news);
}
