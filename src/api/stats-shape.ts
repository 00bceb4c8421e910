// Figures as /v1/stats shows them: counts, sums of money and latencies of one step. Decides nothing.
import {
  bucketsOf,
  LATENCY_BOUNDS_MS,
  type Latency,
  missShareOf,
  successShareOf,
  summaryOf,
  type Tally,
} from '../core/tally.ts';
import { iso, Time } from './fields.ts';
import { z } from './kit.ts';

const count = (description: string) => z.int().openapi({ description });
const LatencyBody = z
  .object({
    count: z.int(),
    p50Ms: z.int().nullable(),
    p95Ms: z.int().nullable(),
    p99Ms: z.int().nullable(),
    buckets: z
      .array(z.object({ upToMs: z.int(), count: z.int() }))
      .openapi({ description: 'Those that hold something; they add up over steps and channels.' }),
  })
  .openapi('Latency', { description: 'Percentiles are the upper ends of their buckets.' });

export const FiguresBody = z
  .object({
    callbacks: z.object({
      accepted: count('Facts that callbacks brought.'),
      duplicate: count('Repeated ones; they change nothing.'),
      ignored: count('Authentic ones about no order.'),
      rejected: count('Refused ones.'),
    }),
    payments: z.object({
      succeeded: count('Orders that were paid.'),
      byCallback: count('Of those, first told by a callback.'),
      byQuery: count('First learnt by asking the provider.'),
      byBill: count('First learnt from the daily bill.'),
      missShare: z.number().nullable().openapi({
        description: 'The share that no callback told first: the callback-miss rate. Null without payments.',
      }),
    }),
    refunds: count('Refunds that succeeded.'),
    disputes: count('Disputes that were opened.'),
    flagged: count('Events that told of something odd.'),
    delivered: count('Deliveries that an origin took.'),
    attempts: z.object({
      refused: count('Attempts that the origin answered with anything but success.'),
      unreachable: z.int(),
      timedOut: z.int(),
      dead: count('Deliveries that ran out of attempts.'),
      successShare: z.number().nullable().openapi({
        description: 'Of all attempts, the share that an origin took. Null without attempts.',
      }),
    }),
    sums: z
      .array(z.object({ currency: z.string(), gross: z.int(), refunded: z.int() }))
      .openapi({ description: 'What was told in the step, in minor units: no balance.' }),
    latencies: z.object({
      acknowledged: LatencyBody.openapi({ description: 'From a callback’s arrival to its facts being durable.' }),
      paidToVerified: LatencyBody,
      verifiedToDelivered: LatencyBody,
      deliveredToSettled: LatencyBody,
      paidToDelivered: LatencyBody.openapi({ description: 'From paid at the provider to taken by an origin.' }),
    }),
  })
  .openapi('Figures');

export const StepBody = z.object({ at: Time, figures: FiguresBody }).openapi('Step');

export const renderStep = ([at, tally]: readonly [number, Tally]) => ({ at: iso(at), figures: renderFigures(tally) });

export function renderFigures(tally: Tally): z.infer<typeof FiguresBody> {
  const of = (name: string) => tally[name] ?? 0;
  return {
    callbacks: {
      accepted: of('facts.callback'),
      duplicate: of('callbacks.duplicate'),
      ignored: of('callbacks.ignored'),
      rejected: of('callbacks.rejected'),
    },
    payments: {
      succeeded: of('events.payment.succeeded'),
      byCallback: of('learnt.callback'),
      byQuery: of('learnt.query'),
      byBill: of('learnt.bill'),
      missShare: missShareOf(tally),
    },
    refunds: of('events.refund.succeeded'),
    disputes: of('events.dispute.opened'),
    flagged: of('events.order.flagged'),
    delivered: of('delivered'),
    attempts: {
      refused: of('attempts.refused'),
      unreachable: of('attempts.unreachable'),
      timedOut: of('attempts.timed_out'),
      dead: of('dead'),
      successShare: successShareOf(tally),
    },
    sums: sumsOf(tally),
    latencies: {
      acknowledged: latency(tally, 'acknowledged'),
      paidToVerified: latency(tally, 'paidToVerified'),
      verifiedToDelivered: latency(tally, 'verifiedToDelivered'),
      deliveredToSettled: latency(tally, 'deliveredToSettled'),
      paidToDelivered: latency(tally, 'paidToDelivered'),
    },
  };
}

function latency(tally: Tally, name: Latency) {
  const counts = bucketsOf(tally, name);
  const buckets = counts.flatMap((n, bucket) =>
    n === 0 ? [] : [{ upToMs: LATENCY_BOUNDS_MS[bucket] ?? 0, count: n }],
  );
  return { ...summaryOf(counts), buckets };
}

function sumsOf(tally: Tally) {
  const currencies = Object.keys(tally).flatMap((name) => /^(?:gross|refunded)\.(.+)$/.exec(name)?.[1] ?? []);
  return [...new Set(currencies)].sort().map((currency) => ({
    currency,
    gross: tally[`gross.${currency}`] ?? 0,
    refunded: tally[`refunded.${currency}`] ?? 0,
  }));
}
