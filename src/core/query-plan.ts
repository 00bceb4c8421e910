// When an order is asked about at its provider, and when it ends. Pure; counted from the order itself, so that nothing
// has to be remembered between two questions and two plans of one order come to the same.
import type { ChannelSettings } from './channel.ts';
import { CLOSE_AFTER_MS_MIN } from './limits.ts';
import { expiryOf, type Order } from './order.ts';

/** Kinds of a timer. `expire`: the order is at its end, and its provider is told so. */
export type Planned = { readonly kind: 'query' | 'expire'; readonly dueAt: number };

/** Nobody is asked twice within this, however late the first of the two came. */
const APART_MS_MIN = 5_000;
/** What was not answered at an order's end is still asked for so long. */
const GRACE_MS = 86_400_000;

type Window = { readonly from: number; readonly until: number; readonly seconds: readonly number[] };

/** Null: the order needs no question. `canAsk`: the provider can be asked what it knows. */
export function planOf(order: Order, settings: ChannelSettings, canAsk: boolean, now: number): Planned | null {
  const window = windowOf(order, settings);
  if (window === null) return null;
  const { from, until, seconds } = window;
  const asksByClock = canAsk && settings.querySeconds.length > 0;
  const next = nextOf(seconds, settings.queryEverySeconds * 1000, from, now);
  if (asksByClock && next < until) return { kind: 'query', dueAt: next };
  const closesAt = closingOf(order);
  if (closesAt !== null) return { kind: 'expire', dueAt: closesAt };
  // Whoever paid in the last minutes is found too.
  return asksByClock && order.parkedAt === null && now < until ? { kind: 'query', dueAt: until } : null;
}

/** Whether an answer of the provider's could still be news. A failed payment may be tried again until the end. */
export const isOpen = (order: Order): boolean =>
  order.parkedAt !== null || (order.paymentState !== 'paid' && order.paymentState !== 'closed');

/** Until when a question that got no answer is worth asking again. */
export function worthUntil(order: Order, settings: ChannelSettings): number {
  const until = windowOf(order, settings)?.until ?? 0;
  return order.parkedAt === null ? until + GRACE_MS : until;
}

function windowOf(order: Order, settings: ChannelSettings): Window | null {
  const { parkedAt, registration } = order;
  const { querySeconds, queryFromSeconds } = settings;
  if (parkedAt !== null) {
    return { from: parkedAt, until: parkedAt + settings.parkAgeSeconds * 1000, seconds: querySeconds };
  }
  if (registration === null || !isOpen(order)) return null;
  const isPaying = order.payBy !== null;
  const from = order.payAskedAt ?? registration.registeredAt;
  return {
    from,
    until: expiryOf(order) ?? from + settings.queryForSeconds * 1000,
    seconds: isPaying ? querySeconds : querySeconds.filter((one) => one >= queryFromSeconds),
  };
}

/** A provider may refuse to close an order that it has only just heard of. */
function closingOf(order: Order): number | null {
  const { closeOnExpiry, payBy, payAskedAt, createdAt } = order;
  return closeOnExpiry && payBy !== null ? Math.max(payBy, (payAskedAt ?? createdAt) + CLOSE_AFTER_MS_MIN) : null;
}

/** The first of these times that lies ahead, and after the last of them one in every so often. */
function nextOf(seconds: readonly number[], everyMs: number, from: number, now: number): number {
  const earliest = now + APART_MS_MIN;
  const due = seconds.map((one) => from + one * 1000).find((at) => at >= earliest);
  if (due !== undefined) return due;
  const last = from + (seconds.at(-1) ?? 0) * 1000;
  return last + Math.max(1, Math.ceil((earliest - last) / everyMs)) * everyMs;
}

/** When an id whose order is not known is asked about again; null: no more. The first time is at once. */
export function nextQuestion(settings: ChannelSettings, since: number, now: number): number | null {
  const { querySeconds, queryEverySeconds, queryForSeconds } = settings;
  const next = nextOf(querySeconds, queryEverySeconds * 1000, since, now);
  return querySeconds.length > 0 && next < since + queryForSeconds * 1000 ? next : null;
}

/** Each notice that lacks a field is asked for so often, evenly less, until its limit. */
const INCOMPLETE_TRIES = 5;

/** When the rest of an incomplete notice is asked for again; null: no more. The first time is at once. */
export function nextCompletion(since: number, { incompleteAfterSeconds }: ChannelSettings, now: number): number | null {
  // 0, 1/16, 1/8, 1/4 and 1/2 of the time: 0 s, 38 s, 75 s, 150 s and 300 s of ten minutes.
  const shares = Array.from({ length: INCOMPLETE_TRIES - 1 }, (_, index) => 2 ** (index + 1 - INCOMPLETE_TRIES));
  const times = shares.map((share) => since + share * incompleteAfterSeconds * 1000);
  return times.find((at) => at >= now + APART_MS_MIN) ?? null;
}
