// Channels that stay paused wait for a person: says which, once an hour each. Resumes nothing.
import type { Alarm } from '../core/alarm.ts';
import { CHANNEL_PAUSED_LONG_MS } from '../core/limits.ts';
import { readAlarm } from '../store/registry-alarms.ts';
import { listPausedChannels } from '../store/registry-channels.ts';

/** One alarm an hour for each channel that stays paused. */
export function longPauses(sql: SqlStorage, now: number): readonly Alarm[] {
  return listPausedChannels(sql, now - CHANNEL_PAUSED_LONG_MS)
    .map(({ id, pausedAt }) => ({
      code: 'channel_paused_long' as const,
      subject: `channel/${id}`,
      detail: `Paused since ${new Date(pausedAt).toISOString()}; its events wait. Resume it, or disable it.`,
      at: now,
    }))
    .filter(({ code, subject }) => {
      const last = readAlarm(sql, code, subject)?.lastAt ?? Number.NEGATIVE_INFINITY;
      return now - last >= CHANNEL_PAUSED_LONG_MS;
    });
}
