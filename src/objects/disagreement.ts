// An origin's answer contradicted what it was told: a fact about the order, in the transaction that settles the
// delivery, and an alarm. Never changes what the origin was told, nor whether it took it.
import type { DispatchConfig } from '../core/channel.ts';
import type { Settlement } from '../core/record.ts';
import { readOrder, recordFact } from '../store/ledger-book.ts';
import { putAlarm } from '../store/ledger-outbox.ts';

type Told = { readonly settlement: Settlement; readonly orderNo: string };

/** Answers the orders that have news. Whatever goes wrong with it, the deliveries are settled. */
export function recordDisagreements(
  storage: DurableObjectStorage,
  config: DispatchConfig,
  settled: readonly Told[],
  now: number,
): readonly string[] {
  return settled.flatMap((told) => {
    const { orderNo } = told;
    try {
      return storage.transactionSync(() => recordOne(storage.sql, config, told, now)) ? [orderNo] : [];
    } catch (error) {
      console.error(JSON.stringify({ hop: 'disagreement', orderNo, error: String(error) }));
      alarmOf(storage.sql, config, told, now);
      return [];
    }
  });
}

function recordOne(sql: SqlStorage, config: DispatchConfig, told: Told, now: number): boolean {
  const { seq, originId, disagreement } = told.settlement;
  const order = disagreement && readOrder(sql, told.orderNo);
  if (!disagreement || !order) return false;
  const fact = {
    ...({ kind: 'flag', flag: 'origin_disagrees', about: `${originId}/${seq}`, orderNo: told.orderNo } as const),
    ...{ occurredAt: now, providerState: order.providerState ?? '', test: order.test },
  };
  const { eventId } = disagreement;
  const input = { eventId, event: fact, source: 'merchant', receivedAt: now, evidence: null } as const;
  if (recordFact(sql, config, input, now) === 'duplicate') return false;
  alarmOf(sql, config, told, now);
  return true;
}

function alarmOf(sql: SqlStorage, { channelId }: DispatchConfig, told: Told, now: number): void {
  const { originId, disagreement } = told.settlement;
  const subject = `order/${channelId}/${told.orderNo}`;
  const what = `${originId} took an event of it and answered otherwise: ${disagreement?.detail ?? ''}.`;
  const detail = `${what} Compare its books with the order.`;
  putAlarm(sql, { code: 'origin_disagrees', subject, detail, at: now });
}
