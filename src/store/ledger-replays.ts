// What a replay reads and turns back in the ledger's outbox. Synchronous SQL; who may replay what is decided elsewhere.
import type { EventType } from '../core/event.ts';
import type { Attempt } from '../core/record.ts';
import type { ReplayRequest } from '../core/replay.ts';
import { type InlineSettlement, putAttempt, settleInline } from './ledger-outbox.ts';

type ReplayRow = {
  seq: number;
  eventId: string;
  type: EventType;
  data: string | null;
  receivedAt: number;
  settled: string | null;
};
export type ReplayEvent = Omit<ReplayRow, 'settled'> & { readonly settled: InlineSettlement | null };

/** What the order told, in its sequence: all of it, or the event that is named. */
export function eventsToReplay(sql: SqlStorage, { orderNo, eventId, sequence }: ReplayRequest): ReplayEvent[] {
  return sql
    .exec<ReplayRow>(
      `SELECT seq, event_id AS eventId, type, data, received_at AS receivedAt, settled FROM events
       WHERE order_no = ?1 AND type IS NOT NULL AND verdict <> 'parked'
         AND (?2 IS NULL OR event_id = ?2) AND (?3 IS NULL OR sequence = ?3) ORDER BY seq`,
      orderNo,
      eventId ?? null,
      sequence ?? null,
    )
    .toArray()
    .map(({ settled, ...row }) => ({
      ...row,
      settled: settled === null ? null : (JSON.parse(settled) as InlineSettlement), // written by settleInline alone
    }));
}

/** True where its order was held and somebody decided that it never goes. */
export const isDiscarded = (sql: SqlStorage, { seq, settled }: Pick<ReplayEvent, 'seq' | 'settled'>): boolean =>
  settled?.state === 'cancelled' ||
  sql.exec("SELECT 1 FROM deliveries WHERE seq = ? AND state = 'cancelled' LIMIT 1", seq).toArray().length > 0;

/** A delivery that was told in its event's own row moves out, so that it can have more attempts than one. */
export function moveOut(sql: SqlStorage, seq: number, originId: string, attempt: Attempt): void {
  putAttempt(sql, seq, originId, attempt);
  settleInline(sql, seq, { state: 'none' });
}

/** Nobody was told then, and somebody will be now. */
export function noteReplayed(sql: SqlStorage, seq: number, settled: InlineSettlement): void {
  if (settled.state === 'skipped' || settled.state === 'cancelled')
    settleInline(sql, seq, { ...settled, replayed: true });
}

/** True when this origin took the event before: what it gets now is a replay. */
export const wasDelivered = (sql: SqlStorage, seq: number, originId: string): boolean =>
  sql
    .exec(
      `SELECT 1 FROM attempts WHERE seq = ? AND origin_id = ? AND doc ->> '$.outcome' = 'delivered' LIMIT 1`,
      seq,
      originId,
    )
    .toArray().length > 0;

/** True when this very attempt was settled as delivered: its consumer says so twice. */
export const isRepeated = (sql: SqlStorage, seq: number, originId: string, attempt: number): boolean =>
  sql
    .exec(
      `SELECT 1 FROM attempts WHERE seq = ? AND origin_id = ? AND attempt = ? AND doc ->> '$.outcome' = 'delivered'`,
      seq,
      originId,
      attempt,
    )
    .toArray().length > 0;
