// How one row of a bill is judged beside the order that it names: what differs, and which fact repairs it. Pure, one
// row at a time; reconcile-compare.ts goes through the bill.
import type { BillDay, BillRow } from './bill.ts';
import { FEE_SCALE } from './bill.ts';
import { type Decimal, printDecimal } from './decimal.ts';
import { type Difference, type DifferenceKind, differenceId, type Side } from './discrepancy.ts';
import type { Fact, RefundState } from './event.ts';
import { decimalsOf, isSameMoney, type Money, printMoney } from './money.ts';
import type { Order, Payment, Refund } from './order.ts';
import { ORDER_NO } from './order-no.ts';

/** What the comparison needs of an order; the ledger's own. `registered`: what the merchant asked for it. */
export type LedgerOrder = Pick<Order, 'orderNo' | 'payments' | 'refunds' | 'test'> & {
  readonly registered?: Money | null;
};

export type CompareRules = {
  readonly channel: string;
  readonly day: BillDay;
  /** What the merchant agreed with the provider; null: each row's own rate is held against its fee. */
  readonly feeRate: Decimal | null;
  readonly now: number;
};

/** A payment first learnt this long after it happened is flagged: nobody waits at the counter any more. */
export const LATE_AFTER_MS = 24 * 3_600_000;

/** What the bill calls the same thing by, wherever it stands; the first one is its own. Empty: nothing names it. */
export function keysOf(row: BillRow): readonly string[] {
  const { orderNo, transactionId, refundNo, providerRefundId, amount } = row;
  if (row.kind === 'payment') return paymentKeys(transactionId, orderNo);
  if (row.kind !== 'refund') return [];
  const numbered = refundKeys(orderNo ?? transactionId ?? '', { refundNo, providerRefundId });
  return numbered.length === 0 ? [] : [...numbered, sumKey(orderNo ?? '', amount.minor)];
}

export const paymentKeys = (transactionId: string | null, orderNo: string | null): readonly string[] =>
  transactionId !== null ? [`payment ${transactionId}`] : orderNo !== null ? [`order ${orderNo}`] : [];

export const refundKeys = (
  orderNo: string,
  { providerRefundId, refundNo }: { readonly providerRefundId: string | null; readonly refundNo: string | null },
): readonly string[] => [
  ...(providerRefundId === null ? [] : [`refund ${providerRefundId}`]),
  ...(refundNo === null ? [] : [`refund ${orderNo} ${refundNo}`]),
];

/** A refund told by its order's total alone has no number that a bill could know: its amount names it. */
export const sumKey = (orderNo: string, minor: number): string => `refunded ${orderNo} ${minor}`;
export const isToldByTotal = (refund: Refund): boolean =>
  refund.providerRefundId === null && refund.cumulative !== undefined;

export const paymentIn = (order: LedgerOrder, row: BillRow): Payment | undefined =>
  order.payments.find(({ transactionId, amount }) =>
    row.transactionId === null ? isSameMoney(amount, row.amount) : transactionId === row.transactionId,
  );

export const refundIn = (order: LedgerOrder, row: BillRow): Refund | undefined =>
  order.refunds.find(
    ({ refundNo, providerRefundId }) =>
      (providerRefundId !== null && providerRefundId === row.providerRefundId) || refundNo === row.refundNo,
  ) ?? order.refunds.find((refund) => isToldByTotal(refund) && isSameMoney(refund.amount, row.amount));

/** A refund known by one of its numbers, and a row that has the other alone: telling it would count it twice. */
export const mayBeHeld = ({ refunds }: LedgerOrder, { kind, refundNo, providerRefundId, amount }: BillRow): boolean =>
  kind === 'refund' &&
  refunds.some(
    (held) =>
      held.state !== 'failed' &&
      isSameMoney(held.amount, amount) &&
      ((refundNo === null && held.providerRefundId === null) ||
        (providerRefundId === null && held.refundNo === held.providerRefundId)),
  );

/** Whether the order has taken what a repair told: a fact that the ledger only keeps has changed nothing. */
export function hasTaken({ payments, refunds }: LedgerOrder, fact: Fact): boolean {
  if (fact.kind === 'payment') return payments.some(({ transactionId }) => transactionId === fact.transactionId);
  if (fact.kind !== 'refund') return false;
  return refunds.some(
    (held) =>
      (held.refundNo === fact.refundNo ||
        (held.providerRefundId !== null && held.providerRefundId === fact.providerRefundId)) &&
      refundStanding(fact.state, held.state) === 'same',
  );
}

/** Whatever differs between a payment's row and the payment that we hold. */
export function paymentDifferences(row: BillRow, held: Payment, about: About): readonly Difference[] {
  const here: Side = { amount: held.amount, state: 'succeeded', fee: null, at: held.paidAt };
  if (row.state === 'closed' || row.state === 'failed') {
    return [
      differ(about, 'state', row, here, `The bill says ${row.providerState}, and we hold it as paid: ask for it.`),
    ];
  }
  return [...moneyDifferences(row, here, about), ...feeDifference(row, here, about)];
}

export function refundDifferences(row: BillRow, held: Refund, about: About): readonly Difference[] {
  const here: Side = { amount: held.amount, state: held.state, fee: null, at: held.at };
  const money = moneyDifferences(row, here, about);
  switch (refundStanding(row.state, held.state)) {
    case 'same':
      return money;
    case 'told': {
      const detail = `The bill says ${row.providerState} of this refund, we hold it as ${held.state}.`;
      // An amount that differs is for a person: a repaired state would hide it.
      const repair = money.length > 0 ? null : factOf(row, about.rules.now);
      return [...money, differ(about, 'state', row, here, detail, repair)];
    }
    case 'against': {
      const detail = `The bill says ${row.providerState} of this refund, we hold it as succeeded: ask the provider.`;
      return [...money, differ(about, 'state', row, here, detail)];
    }
  }
}

/** A bill tells how its day ended: what we know since may have gone on. Only a success never goes back unasked. */
function refundStanding(there: BillRow['state'], here: RefundState): 'same' | 'told' | 'against' {
  if (there === here || there === 'pending') return 'same';
  if (here === 'succeeded') return 'against';
  if (there === 'closed') return 'same';
  if (there === 'succeeded' || here === 'pending') return 'told';
  return 'same';
}

function moneyDifferences(row: BillRow, here: Side, about: About): readonly Difference[] {
  const { amount } = here;
  if (amount === null || isSameMoney(amount, row.amount)) return [];
  const [there, ours] = [shown(row.amount), shown(amount)];
  const kind = amount.currency === row.amount.currency ? 'amount' : 'currency';
  return [differ(about, kind, row, here, `The bill says ${there}, we hold ${ours}: find out which one is right.`)];
}

const shown = (amount: BillRow['amount']): string => `${printMoney(amount)} ${amount.currency}`;

/** Fees are rounded to the smallest unit, one way or the other: less than one unit apart is the same. */
function feeDifference(row: BillRow, here: Side, about: About): readonly Difference[] {
  const rate = about.rules.feeRate ?? row.feeRate;
  if (row.fee === null || rate === null || row.kind !== 'payment') return [];
  const base = row.settled ?? row.amount;
  const unit = 10 ** (FEE_SCALE - decimalsOf(base.currency));
  // Minor units times a rate may pass 2^53 on the way.
  const exact = (BigInt(base.minor) * BigInt(unit) * BigInt(rate.units)) / 10n ** BigInt(rate.scale);
  const expected: Decimal = { units: Number(exact), scale: FEE_SCALE };
  if (Math.abs(row.fee.units - expected.units) < unit) return [];
  const [fee, wanted] = [printDecimal(row.fee), printDecimal(expected)];
  const detail = `The bill charges a fee of ${fee} where its rate makes ${wanted}: ask the provider for its rate.`;
  return [differ(about, 'fee', row, { ...here, fee: wanted }, detail)];
}

export type About = { readonly rules: CompareRules; readonly row: number };

export function differ(
  { rules, row: number }: About,
  kind: DifferenceKind,
  row: BillRow,
  here: Side | null,
  detail: string,
  repair: Fact | null = null,
): Difference {
  const { channel, day } = rules;
  const { orderNo, transactionId, refundNo, kind: about } = row;
  return {
    // What nothing names is found again by where it stands: a day's bill never changes.
    id: differenceId(channel, day, kind, keysOf(row)[0] ?? `${about} ${transactionId ?? orderNo ?? ''} ${number}`),
    kind,
    channel,
    day,
    about,
    orderNo,
    transactionId,
    refundNo,
    row: number,
    there: {
      amount: row.amount,
      state: row.providerState,
      fee: row.fee === null ? null : printDecimal(row.fee),
      at: row.at,
    },
    here,
    repair,
    detail,
  };
}

/** Nothing was paid by it or given back: no order is paid by that, but one that was registered with nothing to pay. */
export const isOfNothing = ({ kind, amount }: BillRow, order: LedgerOrder | undefined): boolean =>
  amount.minor === 0 && !(kind === 'payment' && order?.registered != null && isSameMoney(order.registered, amount));

/** Why `factOf` tells nothing of a row that says enough of its money. */
export function lacksNumber({ kind, orderNo }: BillRow): string {
  const [what, number] =
    kind === 'refund' ? ['refund', 'refund number (refundNo or providerRefundId)'] : ['payment', 'transaction number'];
  const has = `The bill has this ${what} and we have not`;
  if (orderNo === null) return `${has}, and its row gives no order number: find out whose it is.`;
  if (!ORDER_NO.test(orderNo))
    return `${has}, and its order number is none that an order could have: find out whose it is.`;
  return `${has}, and its row gives no ${number} to repair it by: name its column, or ask the provider.`;
}

/** The fact that a row tells; null where it lacks what a fact needs, or tells no success. */
export function factOf(row: BillRow, now: number): Fact | null {
  const { orderNo, transactionId, amount, at: occurredAt, providerState, test } = row;
  if (orderNo === null || !ORDER_NO.test(orderNo)) return null;
  if (row.kind === 'payment') {
    if (row.state !== 'succeeded' || transactionId === null) return null;
    return {
      kind: 'payment',
      orderNo,
      occurredAt,
      providerState,
      test,
      status: 'succeeded',
      transactionId,
      amount,
      ...(row.payerAmount === null ? {} : { payerAmount: row.payerAmount }),
      ...(now - occurredAt > LATE_AFTER_MS ? { flags: ['late_payment'] } : {}),
    };
  }
  const refundNo = row.refundNo ?? row.providerRefundId;
  if (row.kind !== 'refund' || refundNo === null || row.state === 'closed') return null;
  const { providerRefundId, state } = row;
  return {
    kind: 'refund',
    orderNo,
    occurredAt,
    providerState,
    test,
    state,
    refundNo,
    providerRefundId,
    transactionId,
    amount,
  };
}
