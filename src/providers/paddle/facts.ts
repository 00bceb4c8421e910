// What a Paddle transaction or adjustment says of an order, in our words. The same whether it came with an event or as
// the answer to a question. Never guesses an order number.
import { z } from 'zod';
import type { Payer, PaymentFact, PaymentStatus, RefundState, UnlinkedEvent } from '../../core/event.ts';
import { own, textAt } from '../../core/json-body.ts';
import { type Money, money } from '../../core/money.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { Instant } from './notice.ts';

export const ORDER_NO_PATH = 'custom_data.orderNo';
/** Longest custom data that goes along with an order: more is asked for at Paddle. */
const ATTACH_CHARS_MAX = 4_096;

const Id = z.string().regex(/^[A-Za-z0-9_]{1,64}$/);
const Word = z.string().max(64);
/** Whole numbers of the smallest unit, as text. */
const Minor = z.string().regex(/^\d{1,15}$/);
const Currency = z.string().regex(/^[A-Z]{3}$/);

const Attempt = z.object({
  status: Word,
  captured_at: Instant.nullish(),
  method_details: z
    .object({
      type: Word,
      card: z.object({ type: Word.nullish(), cardholder_name: z.string().nullish() }).nullish(),
    })
    .nullish(),
});

export const Transaction = z.looseObject({
  id: Id,
  status: Word,
  currency_code: Currency,
  customer_id: Id.nullish(),
  discount_id: Id.nullish(),
  origin: Word.nullish(),
  custom_data: z.unknown().optional(),
  details: z
    .object({
      totals: z.object({ total: Minor, grand_total: Minor.nullish(), discount: Minor.nullish() }).nullish(),
    })
    .nullish(),
  payments: z.array(Attempt).max(500).nullish().catch(null),
  billed_at: Instant.nullish(),
  updated_at: Instant,
});
export type Transaction = z.infer<typeof Transaction>;

export const Adjustment = z.object({
  id: Id,
  action: Word,
  transaction_id: Id,
  status: Word,
  currency_code: Currency,
  reason: z.string().max(2_000).nullish(),
  totals: z.object({ total: Minor }),
  updated_at: Instant,
});
export type Adjustment = z.infer<typeof Adjustment>;

export type Facts = Pick<Translation, 'events' | 'unlinked' | 'links'>;
const NOTHING: Facts = { events: [] };

/** The schema has seen to both parts, so a refusal here is a bug. */
function moneyOf(minor: string, currency: string): Money {
  const made = money(Number(minor), currency);
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

const STATES: Readonly<Record<string, PaymentStatus>> = {
  draft: 'pending',
  ready: 'pending',
  billed: 'pending',
  past_due: 'pending',
  paid: 'succeeded', // captured; Paddle's own bookkeeping follows as `completed`
  completed: 'succeeded',
  canceled: 'closed',
};

const METHODS: Readonly<Record<string, string>> = {
  card: 'card',
  south_korea_local_card: 'card',
  korea_local: 'card',
  alipay: 'wallet',
  apple_pay: 'wallet',
  google_pay: 'wallet',
  kakao_pay: 'wallet',
  naver_pay: 'wallet',
  payco: 'wallet',
  paypal: 'wallet',
  samsung_pay: 'wallet',
  wechat_pay: 'wallet',
  bancontact: 'bank_transfer',
  blik: 'bank_transfer',
  ideal: 'bank_transfer',
  pix: 'bank_transfer',
  upi: 'bank_transfer',
  wire_transfer: 'bank_transfer',
};

/** `at`: when it was told; null to go by the entity's own time. An error names what cannot be read. */
export function transactionFacts(
  transaction: Transaction,
  at: number | null,
  credentials: Credentials,
): Result<Facts, string> {
  const status = own(STATES, transaction.status);
  if (status === undefined) return err(`status, which is ${JSON.stringify(transaction.status)}`);
  const { id: transactionId, currency_code: currency } = transaction;
  const totals = transaction.details?.totals;
  if (totals == null && status === 'succeeded') return err('details.totals');
  const attempts = transaction.payments ?? [];
  const attempt = attempts.find(({ status: one }) => one === 'captured') ?? attempts[0];
  const word = attempt?.method_details?.type;
  const method = own(METHODS, word ?? '');
  const discount = totals?.discount == null ? 0 : Number(totals.discount);
  const time = attempt?.captured_at ?? transaction.billed_at ?? transaction.updated_at;
  const fact: Omit<PaymentFact, 'orderNo'> = {
    kind: 'payment',
    occurredAt: at ?? Date.parse(time),
    providerState: transaction.status,
    test: credentials.environment === 'test',
    status,
    transactionId,
    amount: totals == null ? null : moneyOf(totals.total, currency),
    ...(totals != null && status === 'succeeded'
      ? { payerAmount: moneyOf(totals.grand_total ?? totals.total, currency) }
      : {}),
    ...(totals?.discount != null && discount > 0
      ? { discounts: [{ id: transaction.discount_id ?? 'discount', amount: moneyOf(totals.discount, currency) }] }
      : {}),
    ...(method === undefined ? {} : { method }),
    ...(word === undefined ? {} : { providerMethod: word }),
    ...payerOf(transaction, attempt?.method_details?.card?.cardholder_name),
    ...attachOf(transaction),
  };
  const orderNo = orderNoOf(transaction, credentials);
  if (orderNo === null) return ok({ events: [], unlinked: [{ ...fact, linkId: transactionId }] });
  return ok({ events: [{ ...fact, orderNo }], links: [{ id: transactionId, orderNo }] });
}

/** A renewal inherits the custom data of its first transaction, and is not its order's second payment. */
function orderNoOf(transaction: Transaction, { orderNoPath }: Credentials): string | null {
  const path = orderNoPath ?? ORDER_NO_PATH;
  if (path.startsWith('custom_data.') && transaction.origin === 'subscription_recurring') return null;
  const orderNo = textAt(transaction, path) ?? '';
  return ORDER_NO.test(orderNo) ? orderNo : null;
}

function payerOf({ customer_id: id }: Transaction, name: string | null | undefined): { readonly payer?: Payer } {
  const payer: Payer = { ...(id ? { id, idType: 'customer' } : {}), ...(name ? { name } : {}) };
  return Object.keys(payer).length === 0 ? {} : { payer };
}

/** The merchant's own custom data, as JSON. */
function attachOf({ custom_data: data }: Transaction): { readonly attach?: string } {
  if (typeof data !== 'object' || data === null || Object.keys(data).length === 0) return {};
  const attach = JSON.stringify(data);
  return attach.length > ATTACH_CHARS_MAX ? {} : { attach };
}

const REFUND_STATES: Readonly<Record<string, RefundState>> = {
  pending_approval: 'pending',
  approved: 'succeeded',
  rejected: 'failed',
  reversed: 'failed',
};

/** Credits stay with Paddle as the customer's balance: no order's money moves. */
export function adjustmentFacts(
  adjustment: Adjustment,
  at: number | null,
  { environment }: Credentials,
): Result<Facts, string> {
  const { action, status, transaction_id: linkId } = adjustment;
  const base = {
    linkId,
    occurredAt: at ?? Date.parse(adjustment.updated_at),
    providerState: `${action} ${status}`,
    test: environment === 'test',
    amount: moneyOf(adjustment.totals.total, adjustment.currency_code),
    ...(adjustment.reason ? { reason: adjustment.reason } : {}),
  };
  const told = (fact: UnlinkedEvent): Result<Facts, string> => ok({ events: [], unlinked: [fact] });
  const state = own(REFUND_STATES, status);
  if (action === 'refund') {
    if (state === undefined) return err(`status, which is ${JSON.stringify(status)}`);
    const { id } = adjustment;
    return told({ kind: 'refund', ...base, state, refundNo: id, providerRefundId: id, transactionId: linkId });
  }
  const dispute = /^(chargeback(?:_warning)?)(_reverse)?$/.exec(action);
  if (dispute === null) return ok(NOTHING);
  if (state === 'pending' || (state === 'failed' && status === 'rejected')) return ok(NOTHING); // took no effect
  // A chargeback and its reversal are two adjustments of one transaction, and have nothing else in common.
  const [, kind, reversal] = dispute;
  const isWon = reversal !== undefined || status === 'reversed';
  return told({ kind: 'dispute', ...base, disputeId: `${linkId}/${kind}`, state: isWon ? 'won' : 'open' });
}
