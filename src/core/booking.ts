// Bookings: what one fact changes of the sums that reports show, each at the time that the provider tells of it. Pure.
// Bookings of an order add up to the order as it stands; test orders have none.
import { type Order, paidAtOf, paidOf, type Refund } from './order.ts';

/** How an order ended so far, as reports count it. `currency` is empty where nobody said one. */
export type Outcome = { readonly as: 'paid' | 'failed' | 'closed'; readonly at: number; readonly currency: string };

/** One change of one sum, such as `gross.CNY` by 100. */
export type Booking = readonly [at: number, name: string, value: number];

export const BOOKED = ['gross', 'refunded', 'reversed', 'refunds', 'reversals', 'paid', 'failed', 'closed'] as const;
export type Booked = (typeof BOOKED)[number];

/** The order with its outcome, where this fact brought one. What was counted once is remembered, to be taken back. */
export function withOutcome(before: Order, order: Order, at: number, told: string | undefined): Order {
  const as = order.paymentState;
  if (as === before.paymentState || as === 'pending') return order;
  const currency = paidOf(order)?.currency ?? told ?? '';
  return { ...order, outcome: { as, at: (as === 'paid' ? paidAtOf(order) : null) ?? at, currency } };
}

export function bookingsOf(before: Order, order: Order): readonly Booking[] {
  const [was, is] = [booked(before), booked(order)];
  if (was.payments === is.payments && was.refunds === is.refunds && was.outcome === is.outcome) return [];
  const outcomes = was.outcome === is.outcome ? [] : [...ofOutcome(was.outcome, -1), ...ofOutcome(is.outcome, 1)];
  return [...ofPayments(was, is), ...ofRefunds(was, is), ...outcomes];
}

type Books = Pick<Order, 'payments' | 'refunds' | 'outcome'>;
const NOTHING: Books = { payments: [], refunds: [], outcome: null };
const booked = (order: Order): Books => (order.test ? NOTHING : order);

const ofOutcome = (outcome: Outcome | null, sign: 1 | -1): readonly Booking[] =>
  outcome === null ? [] : [[outcome.at, `${outcome.as}.${outcome.currency}`, sign]];

function ofPayments(was: Books, is: Books): readonly Booking[] {
  const gone = was.payments.filter((payment) => !is.payments.some((one) => isSame(one, payment)));
  const come = is.payments.filter((payment) => !was.payments.some((one) => isSame(one, payment)));
  const line = ({ paidAt, amount }: Order['payments'][number], sign: 1 | -1): Booking => [
    paidAt,
    `gross.${amount.currency}`,
    sign * amount.minor,
  ];
  return [...gone.map((payment) => line(payment, -1)), ...come.map((payment) => line(payment, 1))];
}

const isSame = (a: Order['payments'][number], b: Order['payments'][number]): boolean =>
  a.transactionId === b.transactionId && a.paidAt === b.paidAt && a.amount.minor === b.amount.minor;

/** A refund that succeeded and then failed is a reversal, on its own day: what a day's report said stays said. */
function ofRefunds(was: Books, is: Books): readonly Booking[] {
  const numbers = new Set([...was.refunds, ...is.refunds].map(({ refundNo }) => refundNo));
  const named = (books: Books, refundNo: string) => books.refunds.find((refund) => refund.refundNo === refundNo);
  return [...numbers].flatMap((refundNo): readonly Booking[] => {
    const [known, now] = [named(was, refundNo), named(is, refundNo)];
    const [had, has] = [known?.state === 'succeeded' ? known : null, now?.state === 'succeeded' ? now : null];
    if (had && has && had.at === has.at && had.amount.minor === has.amount.minor) return [];
    if (had && !has && now) return lines('reversed', 'reversals', { ...had, at: now.at }, 1);
    return [...lines('refunded', 'refunds', had, -1), ...lines('refunded', 'refunds', has, 1)];
  });
}

function lines(sum: Booked, count: Booked, refund: Refund | null, sign: 1 | -1): readonly Booking[] {
  if (refund === null) return [];
  const { at, amount } = refund;
  return [
    [at, `${sum}.${amount.currency}`, sign * amount.minor],
    [at, `${count}.${amount.currency}`, sign],
  ];
}
