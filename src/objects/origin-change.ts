// What a change of a channel's origins means for the events that wait in one shard. Changes nothing itself.
import type { Alarm } from '../core/alarm.ts';
import type { DispatchConfig, DispatchOrigin } from '../core/channel.ts';
import { countOpen } from '../store/ledger-outbox.ts';

/** Which events pass the head without a row for it: those of the first origin, as it filters now. */
export const filteredBy = (origin: DispatchOrigin | undefined): string =>
  JSON.stringify([origin?.id, origin?.filter, origin?.acceptsTest]);

/** Which events go to whom. */
export const allFilters = ({ origins }: DispatchConfig): string => origins.map(filteredBy).join();

/** What waits for an origin that leaves is kept, and a person is told: only the origin's return would deliver it. */
export function leftBehind(sql: SqlStorage, before: DispatchConfig, after: DispatchConfig, now: number): Alarm[] {
  const gone = before.origins.filter(({ id }) => !after.origins.some((origin) => origin.id === id));
  return gone.flatMap(({ id }) => {
    const waiting = countOpen(sql, id);
    return waiting > 0 ? [waitsForGone(after.channelId, id, waiting, now)] : [];
  });
}

/** So many deliveries wait for an origin that the channel does not have. */
export function waitsForGone(channelId: string, originId: string, waiting: number, now: number): Alarm {
  const detail = `${waiting} deliveries of channel ${channelId} wait for it. Add it to the channel again.`;
  return { code: 'origin_removed', subject: `origin/${originId}`, detail, at: now };
}
