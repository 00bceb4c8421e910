// Orders whose events wait for a person, from one event on. Synchronous SQL; who may release is decided in the object.
import type { DispatchConfig } from '../core/channel.ts';
import { HOLD_ALARM_MS } from '../core/limits.ts';
import type { Flag, Order } from '../core/order.ts';
import { putAlarm } from './ledger-outbox.ts';
import { putTimer } from './ledger-timers.ts';

/** Who asked first, where two have to. */
export type ReleaseAsked = { readonly key: string; readonly discard: boolean; readonly at: number };
export type Hold = {
  readonly orderNo: string;
  readonly since: number;
  /** The first event that is held. */
  readonly fromSeq: number;
  readonly flags: readonly Flag[];
  readonly asked: ReleaseAsked | null;
};

type HoldRow = { orderNo: string; since: number; fromSeq: number; flags: string; asked: string | null };
const HOLD = 'SELECT order_no AS orderNo, since, from_seq AS fromSeq, flags, asked FROM holds';

const holdOf = ({ flags, asked, ...row }: HoldRow): Hold => ({
  ...row,
  flags: JSON.parse(flags) as Flag[], // written by putHold alone
  asked: asked === null ? null : (JSON.parse(asked) as ReleaseAsked), // written by askRelease alone
});

export function readHold(sql: SqlStorage, orderNo: string): Hold | null {
  const [row] = sql.exec<HoldRow>(`${HOLD} WHERE order_no = ?`, orderNo).toArray();
  return row ? holdOf(row) : null;
}

/** For each held order the first event that is. */
export const heldFrom = (sql: SqlStorage): ReadonlyMap<string, number> =>
  new Map(
    sql
      .exec<HoldRow>(HOLD)
      .toArray()
      .map(({ orderNo, fromSeq }) => [orderNo, fromSeq]),
  );

/** Whoever agreed to let it go had not seen a flag that came since. */
function putHold(sql: SqlStorage, { orderNo, since, fromSeq, flags }: Hold): void {
  sql.exec(
    `INSERT INTO holds (order_no, since, from_seq, flags, asked) VALUES (?, ?, ?, ?, NULL)
     ON CONFLICT DO UPDATE SET flags = excluded.flags, asked = NULL`,
    orderNo,
    since,
    fromSeq,
    JSON.stringify(flags),
  );
}

export function askRelease(sql: SqlStorage, orderNo: string, asked: ReleaseAsked): void {
  sql.exec('UPDATE holds SET asked = ? WHERE order_no = ?', JSON.stringify(asked), orderNo);
}

/**
 * What was decided stays with the events, for the feed. Its reminder goes too, or the order's next hold would have two.
 * Reads all timers: a person does this, seldom.
 */
export function endHold(
  sql: SqlStorage,
  { orderNo, fromSeq }: Pick<Hold, 'orderNo' | 'fromSeq'>,
  decision: 'released' | 'discarded',
): void {
  sql.exec('UPDATE events SET decision = ? WHERE order_no = ? AND seq >= ?', decision, orderNo, fromSeq);
  sql.exec('DELETE FROM holds WHERE order_no = ?', orderNo);
  sql.exec("DELETE FROM timers WHERE order_no = ? AND kind = 'hold'", orderNo);
}

/** Holds the order from this event on, when the channel wants a flag of it to wait for a person. Alarms at once. */
export function holdFlagged(
  sql: SqlStorage,
  { channelId, settings }: DispatchConfig,
  before: Order,
  order: Order,
  seq: number,
  now: number,
): void {
  const flags = order.flags.filter((flag) => settings.hold.includes(flag) && !before.flags.includes(flag));
  if (flags.length === 0) return;
  const { orderNo } = order;
  const known = readHold(sql, orderNo);
  const all = [...new Set([...(known?.flags ?? []), ...flags])];
  putHold(sql, { orderNo, since: now, fromSeq: seq, flags: all, asked: null });
  alarmHeld(sql, channelId, { orderNo, flags: all }, now);
  if (!known) putTimer(sql, { dueAt: now + HOLD_ALARM_MS, orderNo, kind: 'hold', ref: '' });
}

export function alarmHeld(
  sql: SqlStorage,
  channelId: string,
  { orderNo, flags }: Pick<Hold, 'orderNo' | 'flags'>,
  now: number,
): void {
  const detail =
    `Its events wait because of ${flags.join(', ')}. Look at the order, then ` +
    `POST /v1/orders/${channelId}/${orderNo}/release with a reason.`;
  putAlarm(sql, { code: 'order_held', subject: `order/${channelId}/${orderNo}`, detail, at: now });
}
