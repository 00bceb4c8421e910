// Puts authentic items into our words, in their order. A modification is found by the payment it modifies and never by
// its own reference, which may be the refund's. Never refuses an item: one that blocks would hold up all that follow.
import type {
  DisputeState,
  PaymentEvent,
  PaymentStatus,
  RefundState,
  UnlinkedEvent,
  UnlinkedFlag,
} from '../../core/event.ts';
import { type Money, money } from '../../core/money.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import type { Rejection } from '../../core/rejection.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import type { Item, Notice } from './notice.ts';
import { paymentWords } from './words.ts';

const TYPE_CHARS_MAX = 128;

type Fact = PaymentEvent extends infer One ? (One extends PaymentEvent ? Omit<One, 'orderNo'> : never) : never;
/** A fact of the item's own payment, or of the payment that it modifies. */
type Reading = { readonly fact: Fact; readonly about: 'own' | 'original' };
type Context = { readonly live: boolean; readonly credentials: Credentials };

export function translate({ live, items }: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const isOurs = (item: Item) => credentials.merchantAccounts.includes(item.merchantAccountCode);
  const told = items.filter(isOurs).map((item) => toldBy(item, { live, credentials }));
  const names = items.map((item) =>
    isOurs(item) ? item.eventCode : `${item.eventCode} of ${item.merchantAccountCode}`,
  );
  const [only, ...more] = items;
  const unlinkedFlags = told.flatMap((one) => one.unlinkedFlags ?? []);
  return ok({
    events: told.flatMap(({ events }) => events),
    unlinked: told.flatMap(({ unlinked = [] }) => unlinked),
    ...(unlinkedFlags.length > 0 ? { unlinkedFlags } : {}),
    links: told.flatMap(({ links = [] }) => links),
    noticeType: [...new Set(names)].join(', ').slice(0, TYPE_CHARS_MAX),
    // A refund that fails later has the reference of the refund: only all three name a message (docs: duplicates).
    noticeId: only && more.length === 0 ? `${only.pspReference} ${only.eventCode} ${only.success}` : null,
  });
}

type Told = Pick<Translation, 'events' | 'unlinked' | 'unlinkedFlags' | 'links'>;

function toldBy(item: Item, context: Context): Told {
  if (RISKS.has(item.eventCode) && item.success === 'true')
    return { events: [], unlinkedFlags: [riskOf(item, context)] };
  const reading = read(item, context);
  if (reading === null) return { events: [] };
  const { fact, about } = reading;
  const { pspReference, originalReference, merchantReference } = item;
  if (about === 'original') {
    return { events: [], unlinked: originalReference ? [unnamed(fact, originalReference)] : [] };
  }
  const orderNo = merchantReference ?? '';
  if (!ORDER_NO.test(orderNo)) return { events: [], unlinked: [unnamed(fact, pspReference)] };
  const event = { ...fact, orderNo } as PaymentEvent; // the spread loses the union's arms
  return { events: [event], links: [{ id: pspReference, orderNo }] };
}

function unnamed(fact: Fact, linkId: string): UnlinkedEvent {
  return { ...fact, linkId } as UnlinkedEvent; // the spread loses the union's arms
}

/** What a person at the merchant decided of a payment under review, and fraud that the card's bank reported. */
const RISKS: ReadonlySet<string> = new Set(['MANUAL_REVIEW_ACCEPT', 'MANUAL_REVIEW_REJECT', 'NOTIFICATION_OF_FRAUD']);

/** Where the message names no original, its reference is the payment's own. */
const riskOf = (item: Item, context: Context): UnlinkedFlag => ({
  kind: 'flag',
  ...baseOf(item, context),
  flag: 'risk_review',
  about: item.pspReference,
  linkId: item.originalReference || item.pspReference,
});

/** Held for a person's review, or anything but green. */
const isDoubted = ({ details }: Item): boolean =>
  details.get('fraudManualReview') === 'true' || /^(?:AMBER|RED|FRAUD)$/.test(details.get('fraudResultType') ?? '');

const flagged = (item: Item) => (isDoubted(item) ? { flags: ['risk_review'] as const } : {});

/** Null for what changes no order: it is acknowledged and kept. */
function read(item: Item, context: Context): Reading | null {
  const { eventCode, success, details } = item;
  const isDone = success === 'true';
  switch (eventCode) {
    case 'AUTHORISATION':
      return authorised(item, context);
    case 'REFUND':
    case 'REFUND_WITH_DATA':
      if (!isDone && success !== 'false') return null;
      return refundOf(item, context, isDone ? 'succeeded' : 'failed');
  }
  if (!isDone) return null;
  switch (eventCode) {
    case 'PENDING':
      return paymentOf(item, context, 'pending');
    case 'OFFER_CLOSED': // one attempt ended; the shopper may have begun another
      return paymentOf(item, context, 'failed');
    case 'CAPTURE':
      return modified(item, context, 'succeeded');
    case 'CANCELLATION':
    case 'TECHNICAL_CANCEL':
    case 'EXPIRE':
      return voided(item, context);
    case 'CANCEL_OR_REFUND': {
      const action = details.get('modification.action'); // nothing else tells which it was
      if (action === 'cancel') return voided(item, context);
      return action === 'refund' ? refundOf(item, context, 'succeeded') : null;
    }
    case 'CAPTURE_FAILED': // money that was told of as paid does not come
      return refundOf(item, context, 'succeeded');
    case 'POSTPONED_REFUND':
      return refundOf(item, context, 'pending');
    case 'REFUND_FAILED':
    case 'REFUNDED_REVERSED':
      return refundOf(item, context, 'failed');
    default:
      return disputeOf(item, context);
  }
}

const baseOf = ({ at, eventCode }: Item, { live }: Context) => ({
  occurredAt: at,
  providerState: eventCode,
  test: !live,
});

function authorised(item: Item, context: Context): Reading | null {
  if (item.success === 'false') return paymentOf(item, context, 'failed');
  // A card that is checked or kept for nothing was not paid with.
  if (item.success !== 'true' || item.amount?.value === 0) return null;
  return paymentOf(item, context, context.credentials.manualCapture ? 'pending' : 'succeeded');
}

function paymentOf(item: Item, context: Context, status: PaymentStatus): Reading {
  const payerAmount = status === 'failed' ? null : authorisedAmountOf(item);
  const fact: Fact = {
    kind: 'payment',
    ...baseOf(item, context),
    status,
    transactionId: item.pspReference,
    amount: moneyOf(item),
    ...(payerAmount === null ? {} : { payerAmount }),
    ...paymentWords(item),
    ...flagged(item),
  };
  return { fact, about: 'own' };
}

/**
 * What became of the payment. With manual capture each capture is a payment of its own, so that parts add up; without
 * it, the capture tells again what the authorisation told.
 */
function modified(item: Item, context: Context, status: PaymentStatus): Reading {
  const isOwn = status === 'succeeded' && context.credentials.manualCapture;
  const fact: Fact = {
    kind: 'payment',
    ...baseOf(item, context),
    status,
    transactionId: (isOwn ? item.pspReference : item.originalReference) ?? null,
    amount: moneyOf(item),
    ...paymentWords(item),
    ...flagged(item),
  };
  return { fact, about: 'original' };
}

/** An authorisation that was let go. Where it counted as paid already, that money is taken back. */
function voided(item: Item, context: Context): Reading | null {
  const isPaid = !context.credentials.manualCapture && (item.amount?.value ?? 0) > 0;
  return isPaid ? refundOf(item, context, 'succeeded') : modified(item, context, 'closed');
}

function refundOf(item: Item, context: Context, state: RefundState): Reading | null {
  const amount = moneyOf(item);
  if (amount === null) return null;
  const fact: Fact = {
    kind: 'refund',
    ...baseOf(item, context),
    state,
    // The merchant's own reference may be the order's, and then two refunds would be one.
    refundNo: item.pspReference,
    providerRefundId: item.pspReference,
    transactionId: item.originalReference ?? null,
    amount,
    ...(item.reason ? { reason: item.reason } : {}),
  };
  return { fact, about: 'original' };
}

// A chargeback that was reversed can come a second time, and then it is lost (docs: dispute webhooks).
const DISPUTES: ReadonlyMap<string, DisputeState> = new Map([
  ['REQUEST_FOR_INFORMATION', 'open'],
  ['NOTIFICATION_OF_CHARGEBACK', 'open'],
  ['CHARGEBACK', 'open'],
  ['DISPUTE_DEFENSE_PERIOD_ENDED', 'open'],
  ['PREARBITRATION_WON', 'won'],
  ['ISSUER_RESPONSE_TIMEFRAME_EXPIRED', 'won'],
  ['CHARGEBACK_REVERSED', 'won'],
  ['SECOND_CHARGEBACK', 'lost'],
  ['PREARBITRATION_LOST', 'lost'],
]);
const LOST: ReadonlySet<string> = new Set(['Lost', 'Accepted', 'Expired']);

function disputeOf(item: Item, context: Context): Reading | null {
  const state = DISPUTES.get(item.eventCode);
  if (state === undefined) return null;
  const isLost = state === 'open' && LOST.has(item.details.get('disputeStatus') ?? '');
  const fact: Fact = {
    kind: 'dispute',
    ...baseOf(item, context),
    disputeId: item.pspReference,
    state: isLost ? 'lost' : state,
    amount: moneyOf(item),
    ...(item.reason ? { reason: item.reason } : {}),
  };
  return { fact, about: 'original' };
}

// Where Adyen counts another smallest unit than ISO 4217 (docs: currency codes): what ours is worth in theirs.
const UNITS: Readonly<Record<string, number>> = { CLP: 100, ISK: 100, CVE: 0.01, IDR: 0.01 };

/** Null when there is none, or one that ours cannot hold. */
function moneyOf({ amount }: Pick<Item, 'amount'>): Money | null {
  const { value, currency } = amount ?? {};
  if (value == null || currency == null) return null;
  const units = Object.hasOwn(UNITS, currency) ? (UNITS[currency] ?? 1) : 1;
  const read = money(units < 1 ? value * 100 : value / units, currency);
  return read.ok ? read.value : null;
}

/** What the payer's bank let go: another amount where it is converted, or was covered in part. */
function authorisedAmountOf({ details }: Item): Money | null {
  const [value = '', currency = ''] = ['Value', 'Currency'].map((part) => details.get(`authorisedAmount${part}`));
  return /^\d{1,15}$/.test(value) ? moneyOf({ amount: { value: Number(value), currency } }) : null;
}
