// What happens in the simulated month: every order with its payer, its notices and their fates, drawn from a seed.
// Pure: the same seed is the same month. Knows no clock and no gateway.
import { draw, type Random } from '../chaos/random.ts';

/** How the merchant and the gateway know of an order: registered with a payment, registered without, or not at all. */
export type Origin = 'pay' | 'registered' | 'open';
/** What becomes of a notice on its way. */
export type Fate = 'ok' | 'lost' | 'duplicate' | 'reorder';

export type PlannedRefund = {
  readonly refundNo: string;
  /** After the payment. */
  readonly afterMs: number;
  readonly minor: number;
  /** Asked for through the gateway, or made by hand at the provider. */
  readonly by: 'gateway' | 'console';
  readonly fate: Fate;
  readonly status: 'SUCCESS' | 'ABNORMAL' | 'CLOSED';
};

export type PlannedOrder = {
  readonly orderNo: string;
  readonly origin: Origin;
  readonly minor: number;
  /** From the beginning of the month. */
  readonly atMs: number;
  readonly expiresAfterMs: number;
  /** Null: nobody ever pays. */
  readonly paidAfterMs: number | null;
  readonly fate: Fate;
  /** The payer pays once more, by another transaction. */
  readonly isPaidTwice: boolean;
  readonly refunds: readonly PlannedRefund[];
  readonly isComplainedOf: boolean;
  /** The provider keeps another fee than was agreed: on purpose, to be found. */
  readonly feeFen: number | null;
};

/** A row that is in the bill and no business of the channel: another shop on the same account. */
export type PlannedStranger = {
  readonly orderNo: string;
  readonly minor: number;
  readonly atMs: number;
  readonly appId: string | null;
};

export type Plan = { readonly orders: readonly PlannedOrder[]; readonly strangers: readonly PlannedStranger[] };

/** Shares of all orders, or of all notices where it says so. */
export const SHARES = {
  lost: 0.05,
  duplicated: 0.05,
  reordered: 0.03,
  late: 0.01,
  abandoned: 0.08,
  refunded: 0.08,
  complainedOf: 0.01,
  wrongFee: 0.005,
  paidTwice: 0.003,
  strangers: 0.05,
} as const;

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Orders that the channel's pattern takes for its own, and another shop's. */
export const PATTERN = 'SIM*';
const EXPIRES_AFTER_MS = 15 * MINUTE_MS;

/** Noon and evening: when a shop sells. */
const HOURS = { 9: 1, 10: 1, 11: 4, 12: 6, 13: 3, 17: 2, 18: 6, 19: 5, 20: 2, 23: 1 } as const;

export function planOf({ days, orders, random }: { days: number; orders: number; random: Random }): Plan {
  const atMs = () => {
    const hour = Number(draw(random, HOURS));
    return Math.floor(random() * days) * DAY_MS + (hour + random()) * HOUR_MS;
  };
  const numbered = (prefix: string, n: number) => `${prefix}${String(n).padStart(6, '0')}`;
  const strangers = Math.round(orders * SHARES.strangers);
  return {
    orders: Array.from({ length: orders }, (_, n) => orderOf(numbered('SIM', n), atMs(), random)),
    strangers: Array.from({ length: strangers }, (_, n) => ({
      orderNo: numbered(random() < 0.5 ? 'OTHER' : 'SIMILAR', n).replace('SIMILAR', 'XSIM'),
      minor: amountOf(random),
      atMs: atMs(),
      appId: random() < 0.3 ? 'wxanothershop' : null,
    })),
  };
}

const amountOf = (random: Random): number => 100 + Math.floor(random() * 50_000);

const fateOf = (random: Random): Fate =>
  draw(random, {
    lost: SHARES.lost,
    duplicate: SHARES.duplicated,
    reorder: SHARES.reordered,
    ok: 1 - SHARES.lost - SHARES.duplicated - SHARES.reordered,
  });

function orderOf(orderNo: string, atMs: number, random: Random): PlannedOrder {
  const origin = draw(random, { pay: 0.7, registered: 0.15, open: 0.15 });
  const minor = amountOf(random);
  const isLate = origin !== 'open' && random() < SHARES.late / 0.85;
  const isPaid = origin === 'open' || isLate || random() >= SHARES.abandoned;
  const soonMs = 10_000 + Math.floor(random() ** 2 * 6 * MINUTE_MS);
  const paidAfterMs = isLate ? EXPIRES_AFTER_MS + Math.floor((2 + random() * 60) * MINUTE_MS) : soonMs;
  const isRefunded = isPaid && random() < SHARES.refunded;
  return {
    orderNo,
    origin,
    minor,
    atMs,
    expiresAfterMs: EXPIRES_AFTER_MS,
    paidAfterMs: isPaid ? paidAfterMs : null,
    fate: fateOf(random),
    isPaidTwice: isPaid && random() < SHARES.paidTwice,
    refunds: isRefunded ? refundsOf(orderNo, minor, random) : [],
    isComplainedOf: isPaid && random() < SHARES.complainedOf,
    feeFen: random() < SHARES.wrongFee ? Math.round(minor * 0.006) + 5 : null,
  };
}

function refundsOf(orderNo: string, minor: number, random: Random): PlannedRefund[] {
  const isWhole = random() < 0.4;
  const first = isWhole ? minor : 1 + Math.floor(random() * (minor / 2));
  const count = !isWhole && random() < 0.3 ? 2 : 1;
  return Array.from({ length: count }, (_, n) => {
    const by = draw(random, { gateway: 0.5, console: 0.5 });
    const status = draw(random, { SUCCESS: 0.92, ABNORMAL: 0.05, CLOSED: 0.03 });
    const drawn = fateOf(random);
    // One that the provider closed moved nothing, so that no bill has it: its notice is all that tells of it.
    const fate = by === 'console' && status === 'CLOSED' && drawn === 'lost' ? 'ok' : drawn;
    return {
      refundNo: `${orderNo}R${n}${by === 'gateway' ? wordFor(fate, status) : ''}`,
      afterMs: (n + 1) * (2 * MINUTE_MS + Math.floor(random() * (random() < 0.5 ? 10 * MINUTE_MS : 2 * DAY_MS))),
      minor: n === 0 ? first : 1 + Math.floor(random() * (minor - first)),
      by,
      fate,
      status,
    };
  });
}

/** What the pretend provider does with a refund that is asked for by its API stands in the refund's own number. */
function wordFor(fate: Fate, status: PlannedRefund['status']): string {
  if (status === 'ABNORMAL') return 'abnormal';
  if (status === 'CLOSED') return 'closed';
  return fate === 'lost' ? 'silent' : '';
}
