// What WeChat Pay asks of payments and refunds, and what its refusals mean, in every version of its API. Never makes a
// call, and knows neither of its forms.
import type { PaymentStatus } from '../../core/event.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { utf8 } from '../../crypto/bytes.ts';
import type { Provider, ProviderProblem, RefundOrder } from '../provider.ts';

export const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** What some codes mean for one kind of call, and what to do then. */
export type Meanings = Readonly<Record<string, { readonly code: ProviderProblem['code']; readonly mend: string }>>;

/** A code_url works this long, whatever the order's own expiry (Native prepay documentation). */
export const CODE_VALID_MS = 2 * 3_600_000;
/** How long a payer has when the merchant did not say. WeChat Pay's own default, 7 days, outlives the code. */
export const EXPIRY_DEFAULT_MS = 30 * 60_000;
/** WeChat Pay refuses an expiry nearer than this. */
const EXPIRY_MIN_MS = 60_000;
const DESCRIPTION_CHARS_MAX = 127;
const BEIJING_AHEAD_MS = 8 * 3_600_000;
/** The payer reads it in the refund message (docs: apply for a refund). */
const REASON_BYTES_MAX = 80;

/** What a refused payment request means (docs: unified order, error codes; Native prepay, business errors). */
export const PAY_MEANINGS: Meanings = {
  ORDERPAID: { code: 'already_paid', mend: 'Query the order: its payment notice is on the way or was lost.' },
  ORDERCLOSED: {
    code: 'refused',
    mend: 'A closed order stays closed at WeChat Pay: register the sale again under another orderNo.',
  },
  OUTTRADENOUSED: {
    code: 'refused',
    mend:
      'WeChat Pay knows this order number with another amount, description, expiry or callback address: register the ' +
      'sale under another orderNo.',
  },
};

/** What a refused refund means, of any version. */
export const REFUND_MEANINGS: Meanings = {
  NOTENOUGH: {
    code: 'insufficient_balance',
    mend: 'Top up the account that pays refunds in the merchant portal, then ask again with the same refundNo.',
  },
  USERACCOUNTABNORMAL: { code: 'refused', mend: 'The payer’s account is closed: give the money back another way.' },
};

export type PayOrder = Parameters<NonNullable<Provider<unknown, unknown>['pay']>['request']>[0];

/** Until when an order may be paid; a problem where WeChat Pay takes no such amount or time. */
export function payByOf(
  { registration: { amount, expiresAt } }: PayOrder,
  now: number,
): Result<number, ProviderProblem> {
  if (amount.currency !== 'CNY' || amount.minor < 1) {
    return problem('refused', 'WeChat Pay Native takes amounts in CNY of at least 0.01: change the order’s amount.');
  }
  const payBy = expiresAt ?? now + EXPIRY_DEFAULT_MS;
  if (payBy >= now + EXPIRY_MIN_MS) return ok(payBy);
  return problem(
    'refused',
    'The order expires in less than a minute, which WeChat Pay refuses: choose a later expiresAt.',
  );
}

/** `2026-01-01T08:00:00`, Beijing time. */
export const beijingClock = (at: number): string => new Date(at + BEIJING_AHEAD_MS).toISOString().slice(0, 19);

export const cutDescription = (text: string): string => [...text].slice(0, DESCRIPTION_CHARS_MAX).join('');

/** Why WeChat Pay would take no such refund; null where it would. */
export function refundProblem({ refundNo, amount, paid }: RefundOrder): Result<never, ProviderProblem> | null {
  if (!/^[0-9A-Za-z_|*@-]{1,64}$/.test(refundNo)) {
    return problem(
      'refused',
      'WeChat Pay takes refund numbers of up to 64 letters, digits, _, -, |, * and @: choose another refundNo.',
    );
  }
  if (amount.currency === 'CNY' && paid.currency === 'CNY' && amount.minor >= 1) return null;
  return problem('refused', 'WeChat Pay refunds amounts in CNY of at least 0.01: change the refund’s amount.');
}

/** As many whole characters of a reason as fit. */
export function cutReason(text: string): string {
  let kept = '';
  for (const character of text) {
    if (utf8(kept + character).length > REASON_BYTES_MAX) break;
    kept += character;
  }
  return kept;
}

/** Where notices of payments, refunds and profit sharing come from (notification considerations, 2026-01-29). */
export const SOURCE_RANGES = [
  '101.226.103.0/25',
  '140.207.54.0/25',
  '121.51.58.128/25',
  '183.3.234.0/25',
  '58.251.80.0/25',
  '121.51.30.128/25',
  '203.205.219.128/25',
  '81.71.199.64/32',
  '81.71.198.25/32',
  '81.71.199.59/32',
  '175.24.214.208/32',
  '175.24.211.24/32',
  '175.24.213.135/32',
  '109.244.180.23/32',
  '114.132.203.119/32',
  '43.139.43.69/32',
];

// REFUND says that the order was paid and some refund exists, even a failed or partial one: the payment stands, and
// refunds are facts of their own. A failure is final for scanned payment codes and contract deductions (query order:
// trade_state); any other order can still be paid until it is closed.
export function statusOf(tradeState: string, tradeType: string): PaymentStatus | null {
  switch (tradeState) {
    case 'SUCCESS':
    case 'REFUND':
      return 'succeeded';
    case 'NOTPAY':
    case 'USERPAYING':
    case 'ACCEPT':
      return 'pending';
    case 'CLOSED':
    case 'REVOKED':
    case 'REVOKE':
      return 'closed';
    case 'PAYERROR':
    case 'PAY_FAIL':
    case 'FAIL':
      return tradeType === 'MICROPAY' || tradeType === 'PAP' ? 'failed' : 'pending';
    default:
      return null;
  }
}
