// What the minute's look showed, and what of it wants a person: backlogs that grow old, refusals that shoot up,
// providers that do not answer. Reads counts, never an order; changes nothing but alarms, which it also ends.
import type { Alarm } from '../core/alarm.ts';
import type { AlarmRules } from '../core/alarm-rule.ts';
import { DAY_MS } from '../core/limits.ts';
import { troubleNews, troubleOver } from '../core/provider-health.ts';
import { type ChannelBacklog, spikeOf } from '../core/vitals.ts';
import { readRefusals } from '../store/figures.ts';

const MINUTE_MS = 60_000;
/** An alarm that goes on is counted once in this. */
const AGAIN_MS = 10 * MINUTE_MS;
/** Counts come to D1 a minute late at most; the newest minutes are not looked at. */
const LATE_MINUTES = 2;
const RECENT_MINUTES = 10;

type News = { readonly alarm: Alarm; readonly since: number };

const deskOf = (env: Env) => env.ALARM_DESK.getByName('alarms');
const tell = (env: Env, news: readonly News[]) => env.REGISTRY.getByName('registry').raiseNews(news);

/** Null: some shard of the channel did not answer, so that nobody knows; then no alarm ends. */
export async function watchBacklogs(
  env: Env,
  looked: ReadonlyMap<string, ChannelBacklog | null>,
  now: number,
): Promise<void> {
  const known = [...looked.values()].filter((backlog) => backlog !== null);
  const rules = await deskOf(env).readRules();
  await deskOf(env).noteVitals({ at: now, backlogs: known });
  await tell(
    env,
    known.map((backlog) => backlogNews(backlog, rules, now)),
  );
}

function backlogNews({ channel, waiting, oldestAt, originId }: ChannelBacklog, rules: AlarmRules, now: number): News {
  const boundMs = (rules.backlog_age.minutes ?? 0) * MINUTE_MS;
  const about = { code: 'backlog_age', subject: `channel/${channel}`, at: now } as const;
  if (oldestAt === null || now - oldestAt < boundMs)
    return { alarm: { ...about, detail: '', ended: true }, since: now };
  const minutes = Math.floor((now - oldestAt) / MINUTE_MS);
  const detail = `${waiting} deliveries wait, the oldest for ${minutes} minutes: for origin ${originId ?? ''}.`;
  return { alarm: { ...about, detail }, since: now - AGAIN_MS + 1 };
}

/** Providers that do not answer what they are asked; the first answer ends it, and so does disabling the channel. */
export async function watchProviders(env: Env, active: readonly string[], now: number): Promise<void> {
  const troubles = await env.REGISTRY.getByName('registry').listTroubles();
  if (troubles.length === 0) return;
  const rules = await deskOf(env).readRules();
  const news = troubles.flatMap((trouble) =>
    active.includes(trouble.channel) ? troubleNews(trouble, rules, now) : troubleOver(trouble.channel, now),
  );
  await tell(env, news);
}

export async function watchRefusals(env: Env, channels: readonly string[], now: number): Promise<void> {
  if (channels.length === 0) return;
  const rules = await deskOf(env).readRules();
  const { perMinute = 0, times = 0 } = rules.rejection_spike;
  const to = now - (now % MINUTE_MS) - LATE_MINUTES * MINUTE_MS;
  const recent = to - RECENT_MINUTES * MINUTE_MS;
  const counts = await readRefusals(env.DB, channels, { from: recent - DAY_MS, recent, to });
  const spans = { recentMinutes: RECENT_MINUTES, beforeMinutes: DAY_MS / MINUTE_MS };
  const news = channels.map((channel): News => {
    const counted = counts.get(channel) ?? { recent: 0, before: 0 };
    const spike = spikeOf({ ...counted, ...spans }, { perMinute, times });
    const about = { code: 'rejection_spike', subject: `channel/${channel}`, at: now } as const;
    if (spike === null) return { alarm: { ...about, detail: '', ended: true }, since: now };
    const [rate, usual] = [spike.now, spike.usual].map((each) => each.toFixed(1));
    const detail = `${rate} callbacks a minute are refused; usually ${usual}. GET /v1/rejections says why.`;
    return { alarm: { ...about, detail }, since: now - AGAIN_MS + 1 };
  });
  await tell(env, news);
}
