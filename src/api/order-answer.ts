// One order as the routes of /v1 answer it, and how they find it: the channel of the path, and the order's own ledger.
import type { ChannelRecord } from '../core/channel.ts';
import type { OrderDetail } from '../core/record.ts';
import { err, ok, type Result } from '../core/result.ts';
import { renderOrder } from '../formats/order.ts';
import { ledgerOf } from '../record.ts';
import { readChannelCopy } from '../store/registry-copy.ts';
import { stampOf } from './auth.ts';
import { iso, isoOrNull, OrderNo } from './fields.ts';
import { type Context, z } from './kit.ts';
import { keyReused, notFound, type Problem } from './problem.ts';

export const OrderParams = z.object({
  channel: z.string().openapi({ param: { name: 'channel', in: 'path' } }),
  orderNo: z.string().openapi({ param: { name: 'orderNo', in: 'path' } }),
});

export const bodyOfOrder = (order: Parameters<typeof renderOrder>[0]) => {
  const rendered = renderOrder(order);
  return {
    ...rendered,
    flags: [...rendered.flags],
    metadata: { ...rendered.metadata },
    payments: rendered.payments.map((payment) => ({ ...payment, discounts: [...payment.discounts] })),
  };
};

export const renderDetail = ({ order, held, timeline, deliveries }: OrderDetail) => ({
  order: { ...bodyOfOrder(order), held, sequence: order.sequence },
  timeline: timeline.map(({ at, ...entry }) => ({ ...entry, kind: entry.kind, source: entry.source, at: iso(at) })),
  deliveries: deliveries.map(({ eventId, trace, originId, sequence, state, reason, dueAt, attempts }) => ({
    eventId,
    trace,
    origin: originId,
    sequence,
    state,
    reason,
    dueAt: isoOrNull(dueAt),
    attempts: attempts.map((attempt, index) => ({
      ...attempt,
      at: iso(attempt.at),
      nextAt: isoOrNull(attempts[index + 1]?.at ?? dueAt),
    })),
  })),
});

export type Place = { readonly record: ChannelRecord; readonly orderNo: string; readonly detail: OrderDetail | null };

/** Where the order of the path is, or would be: its channel is known, and its number is one. */
export async function placeOfOrder(
  env: Env,
  { channel, orderNo }: z.infer<typeof OrderParams>,
): Promise<Result<Place, Problem>> {
  const record = await readChannelCopy(env, channel, Date.now());
  if (!record || !OrderNo.safeParse(orderNo).success) return err(notFound(`Order ${channel}/${orderNo}`));
  return ok({ record, orderNo, detail: await ledgerOf(env, record, orderNo).readOrder(orderNo) });
}

/** Why nothing may be asked of this channel's provider; null when it may. */
export const disabledProblem = ({ channel: { id, status } }: ChannelRecord): Problem | null =>
  status === 'disabled' ? { code: 'wrong_status', detail: `Channel ${id} is disabled: enable it first.` } : null;

/** Remembers the write's Idempotency-Key with its request; a problem where it came with another one before. */
export async function claimedProblem(c: Context, record: ChannelRecord): Promise<Problem | null> {
  const { key, digest } = await stampOf(c);
  if (key === null) return null;
  const claim = { v: 1, key, digest, dispatch: record.dispatch } as const;
  return (await ledgerOf(c.env, record, key).claimKey(claim)) === 'reused' ? keyReused : null;
}
