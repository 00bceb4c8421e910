// Puts an authentic back notice into our words. A refund carries its own order number; it is found by the payment's
// queryId. Never guesses a currency or a time.
import { z } from 'zod';
import type { PaymentEvent, PaymentStatus, RefundState, UnlinkedEvent } from '../../core/event.ts';
import { type Money, money } from '../../core/money.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';

// Empty parameters are left out before; what only explains an order must not cost it.
const Words = z.string().max(2_048).optional();
const Transaction = z.object({
  merId: z.string(),
  txnType: z.string().regex(/^\d{2}$/),
  orderId: z.string().regex(ORDER_NO),
  queryId: z.string().regex(/^[0-9A-Za-z]{1,64}$/),
  origQryId: z
    .string()
    .regex(/^[0-9A-Za-z]{1,64}$/)
    .optional(),
  respCode: z.string().regex(/^[0-9A-Z]{2}$/),
  txnTime: z.string(),
  traceTime: Words,
  txnAmt: z.string().regex(/^\d{1,12}$/),
  currencyCode: z.string().default('156'),
  accNo: Words,
  payType: Words,
  payCardType: Words,
  payCardIssueName: Words,
  reqReserved: Words,
  respMsg: Words,
});
type Transaction = z.infer<typeof Transaction>;

type Fact = PaymentEvent extends infer One ? (One extends PaymentEvent ? Omit<One, 'orderNo'> : never) : never;

/** What each type of transaction is: of its own order, or of the one that origQryId names. */
const TYPES: ReadonlyMap<string, 'payment' | 'authorisation' | 'completion' | 'release' | 'refund'> = new Map([
  ['01', 'payment'],
  ['11', 'payment'], // collected on the payer's mandate
  ['02', 'authorisation'],
  ['03', 'completion'],
  ['32', 'release'], // of an authorisation
  ['04', 'refund'],
  ['31', 'refund'], // a payment that was revoked on its day
  ['33', 'refund'], // a completion that was revoked
]);

export function translate(notice: Notice, { merId, sandbox }: Credentials): Result<Translation, Rejection> {
  const seen = notice.get('merId');
  if (seen !== undefined && seen !== merId) return err(wrongMerchant(seen, merId));
  const txnType = notice.get('txnType') ?? '';
  const about = {
    noticeType: `txnType ${txnType.slice(0, 16)}`,
    noticeId: notice.get('queryId')?.slice(0, 64) ?? null,
  };
  const type = TYPES.get(txnType);
  if (type === undefined) return ok({ events: [], ...about });
  const parsed = Transaction.safeParse(Object.fromEntries(notice));
  if (!parsed.success) return incomplete(parsed.error.issues[0]?.path.join('.') || 'content');
  const transaction = parsed.data;
  const { orderId: orderNo, queryId, origQryId } = transaction;
  const at = timeOf(transaction);
  if (at === null) return incomplete('txnTime');
  const context = { at, test: sandbox };
  if (type === 'payment' || type === 'authorisation') {
    const status = type === 'authorisation' && stateOf(transaction) === 'succeeded' ? 'pending' : stateOf(transaction);
    const event = { ...paymentOf(transaction, status, context), orderNo } as PaymentEvent; // only that was missing
    return ok({ events: [event], links: [{ id: queryId, orderNo }], ...about });
  }
  if (origQryId === undefined) return incomplete('origQryId');
  const fact = type === 'refund' ? refundOf(transaction, context) : laterOf(transaction, type, context);
  if (fact === null) return type === 'refund' ? incomplete('currencyCode') : ok({ events: [], ...about });
  const unlinked = { ...fact, linkId: origQryId } as UnlinkedEvent; // the spread loses the union's arms
  return ok({ events: [], unlinked: [unlinked], ...about });
}

type Context = { readonly at: number; readonly test: boolean };

// 00 is success, A6 success in part; 03, 04 and 05 are still under way (docs: response codes).
const SUCCESS: ReadonlySet<string> = new Set(['00', 'A6']);
const UNDER_WAY: ReadonlySet<string> = new Set(['03', '04', '05']);

function stateOf({ respCode }: Transaction): 'succeeded' | 'pending' | 'failed' {
  if (SUCCESS.has(respCode)) return 'succeeded';
  return UNDER_WAY.has(respCode) ? 'pending' : 'failed';
}

/** What became of an authorisation; null while it only failed to become anything. */
function laterOf(transaction: Transaction, type: 'completion' | 'release', context: Context): Fact | null {
  if (stateOf(transaction) !== 'succeeded') return null;
  return paymentOf(transaction, type === 'completion' ? 'succeeded' : 'closed', context);
}

function paymentOf(transaction: Transaction, status: PaymentStatus, { at, test }: Context): Fact {
  const { queryId, payType, payCardType, payCardIssueName: bank, reqReserved: attach, respCode } = transaction;
  const account = accountOf(transaction);
  return {
    kind: 'payment',
    occurredAt: at,
    providerState: respCode,
    test,
    status,
    transactionId: queryId,
    amount: amountOf(transaction),
    ...(payCardType === undefined ? {} : { method: 'card' }),
    ...(payType === undefined ? {} : { providerMethod: payType }),
    ...(bank === undefined ? {} : { bank }),
    ...(account === null ? {} : { payer: { account } }),
    ...(attach === undefined ? {} : { attach }),
  };
}

function refundOf(transaction: Transaction, { at, test }: Context): Fact | null {
  const state: RefundState = stateOf(transaction);
  const { orderId, queryId, origQryId = null, respCode, respMsg } = transaction;
  const account = accountOf(transaction);
  const amount = amountOf(transaction);
  if (amount === null) return null;
  return {
    kind: 'refund',
    occurredAt: at,
    providerState: respCode,
    test,
    state,
    refundNo: orderId,
    providerRefundId: queryId,
    transactionId: origQryId,
    amount,
    ...(state === 'failed' && respMsg !== undefined ? { reason: respMsg } : {}),
    ...(account === null ? {} : { account }),
  };
}

/** The card as people may see it; null where it is sealed for the merchant, or none. */
function accountOf({ accNo = '' }: Transaction): string | null {
  if (/^\d{4,8}\*+\d{2,4}$/.test(accNo)) return accNo;
  return /^\d{12,19}$/.test(accNo) ? `${accNo.slice(0, 6)}****${accNo.slice(-4)}` : null;
}

// ISO 4217 numbers of the currencies that UnionPay names.
const CURRENCIES: ReadonlyMap<string, string> = new Map([
  ['156', 'CNY'],
  ['344', 'HKD'],
  ['446', 'MOP'],
  ['901', 'TWD'],
  ['840', 'USD'],
  ['978', 'EUR'],
  ['826', 'GBP'],
  ['392', 'JPY'],
  ['410', 'KRW'],
  ['702', 'SGD'],
  ['764', 'THB'],
  ['458', 'MYR'],
  ['036', 'AUD'],
  ['554', 'NZD'],
  ['124', 'CAD'],
  ['756', 'CHF'],
]);

/** Null for a currency that is not known here: never taken for yuan. */
function amountOf({ txnAmt, currencyCode }: Transaction): Money | null {
  const amount = money(Number(txnAmt), CURRENCIES.get(currencyCode) ?? '');
  return amount.ok ? amount.value : null;
}

/**
 * When UnionPay sent the transaction on: traceTime has no year, txnTime is when the merchant sent the order. Both are
 * Beijing time, which has no summer time.
 */
function timeOf({ txnTime, traceTime }: Transaction): number | null {
  const sent = instantOf(txnTime);
  if (sent === null || traceTime === undefined) return sent;
  const year = Number(txnTime.slice(0, 4));
  const moments = [year, year + 1].flatMap((one) => instantOf(`${one}${traceTime}`) ?? []);
  // Clocks differ by some minutes; more than that before the order is the next year.
  return moments.find((moment) => moment >= sent - 86_400_000) ?? sent;
}

function instantOf(digits: string): number | null {
  const parts = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$/.exec(digits);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`);
  return Number.isFinite(at) ? at : null;
}

const wrongMerchant = (seen: string, ours: string) =>
  reject(
    'wrong_merchant',
    `A genuine notice for merId ${seen.slice(0, 20)}; this channel is for ${ours}. Correct backUrl or the channel.`,
  );

const incomplete = (field: string) =>
  err(reject('malformed', `An authentic notice without a readable ${field.slice(0, 40)}.`));
