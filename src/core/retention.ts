// How long a channel keeps what, and which orders may lose their evidence. Pure. An order that something may still
// come of keeps all it has, however old it is.
import { DAY_MS } from './limits.ts';
import type { Order } from './order.ts';

export type Retention = {
  /** The bytes of callbacks; their digests and links stay for good. */
  readonly evidenceDays: number;
  /** Events and deliveries in the lists; the ledger keeps its own for good. */
  readonly eventsDays: number;
  /** Samples and counts of what was refused. */
  readonly rejectionsDays: number;
};

export const DEFAULT_RETENTION: Retention = { evidenceDays: 180, eventsDays: 730, rejectionsDays: 32 };

/** What came before this is older than so many days. */
export const cutoffOf = (days: number, now: number): number => now - days * DAY_MS;

/** Nothing of it is parked, disputed, or on its way back to the payer. */
export const isAtRest = (order: Pick<Order, 'parkedAt' | 'disputes' | 'refunds' | 'refundRequests'>): boolean =>
  order.parkedAt === null &&
  order.disputes.every(({ state }) => state !== 'open') &&
  order.refundRequests.length === 0 &&
  order.refunds.every(({ state }) => state === 'succeeded' || state === 'failed');

/** How far a walk over old things has come. */
export type Walk = {
  /** Everything up to here was looked at. */
  readonly seq: number;
  /** The first of those that was left because something may still come of it; null when none was. */
  readonly skipped: number | null;
  readonly startedAt: number;
};

/** A walk that reached the young ones goes back for what it left, once a day at most. */
export const walkAgain = (walk: Walk, now: number): Walk =>
  walk.skipped !== null && now - walk.startedAt >= DAY_MS
    ? { seq: walk.skipped - 1, skipped: null, startedAt: now }
    : walk;
