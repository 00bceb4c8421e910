// When a channel's bills are due, by its provider's calendar, and which day comes next. Fetches nothing.
import { type BillDay, dayAfter, dayOf, daysDue, nextReadyAt } from '../core/bill.ts';
import { type Channel, shardOf } from '../core/channel.ts';
import { beginRun, wantedBill } from '../core/reconciliation.ts';
import { providerOf } from '../providers/index.ts';
import { daysAsked, isRunning, putRun, readRun } from '../store/reconcile-runs.ts';

/** Channels whose bills are due at one hour are spread over this much of it. */
const SPREAD_MINUTES = 30;

/** Its bills, where they are fetched by the clock. */
const dailyOf = ({ provider, settings, status }: Channel) =>
  settings.fetchBills && status !== 'disabled' ? providerOf(provider)?.bill : undefined;

export const isDaily = (channel: Channel): boolean => dailyOf(channel) !== undefined;

const spreadMs = ({ uid }: Pick<Channel, 'uid'>): number => shardOf(uid, SPREAD_MINUTES) * 60_000;

/** The newest day whose bill can be there and was not asked for. */
function dueDay(sql: SqlStorage, channel: Channel, now: number): BillDay | null {
  const bill = dailyOf(channel);
  if (!bill) return null;
  const since = dayOf(channel.createdAt, bill.offsetMinutes);
  const kept = dayAfter(dayOf(now, bill.offsetMinutes), -bill.keptDays);
  return daysDue(bill, daysAsked(sql, kept), since, now - spreadMs(channel), 1)[0] ?? null;
}

/** Begins the run of a day that is due, while none is under way: one day after the other. */
export function beginDue(sql: SqlStorage, channel: Channel, now: number): void {
  if (isRunning(sql)) return;
  const day = dueDay(sql, channel, now);
  if (day === null) return;
  const kinds = (dailyOf(channel)?.kinds ?? []).filter((kind) => kind !== 'refund');
  const asked = { channel: channel.id, day, kinds, begunBy: 'clock' } as const;
  const bills = kinds.map((kind) => wantedBill(kind));
  putRun(sql, beginRun(readRun(sql, day), asked, bills, now), now);
}

/** When a day is due next; null where none is ever. */
export function nextDueAt(sql: SqlStorage, channel: Channel, now: number): number | null {
  const bill = dailyOf(channel);
  if (!bill) return null;
  if (dueDay(sql, channel, now) !== null) return now;
  return nextReadyAt(now - spreadMs(channel), bill) + spreadMs(channel);
}
