// An origin's answer contradicted what it was told: a fact about the order, in the transaction that settles the
// delivery, and an alarm. Never changes what the origin was told, nor whether it took it.
import type { DispatchConfig } from '../core/channel.ts';
import type { Settlement } from '../core/record.ts';
import { readOrder, recordFact } from '../store/ledger-book.ts';
import { putAlarm } from '../store/ledger-outbox.ts';

/** Answers the orders that have news. */
export function recordDisagreements(
  sql: SqlStorage,
  config: DispatchConfig,
  settled: readonly { readonly settlement: Settlement; readonly orderNo: string }[],
  now: number,
): readonly string[] {
  return settled.flatMap(({ settlement: { seq, originId, disagreement }, orderNo }) => {
    const order = disagreement && readOrder(sql, orderNo);
    if (!disagreement || !order) return [];
    const fact = {
      ...({ kind: 'flag', flag: 'origin_disagrees', about: `${originId}/${seq}`, orderNo } as const),
      ...{ occurredAt: now, providerState: order.providerState ?? '', test: order.test },
    };
    const { eventId, detail } = disagreement;
    const input = { eventId, event: fact, source: 'merchant', receivedAt: now, evidence: null } as const;
    if (recordFact(sql, config, input, now) === 'duplicate') return [];
    const subject = `order/${config.channelId}/${orderNo}`;
    const told = `${originId} took an event of it and answered otherwise: ${detail}. Compare its books with the order.`;
    putAlarm(sql, { code: 'origin_disagrees', subject, detail: told, at: now });
    return [orderNo];
  });
}
