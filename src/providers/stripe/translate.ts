// Puts an authentic Stripe event into our words: what it says itself, or what Stripe must be asked about. Never
// believes more of a thin event than the id it names.
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { factsOf } from './facts.ts';
import type { Notice } from './notice.ts';
import { Charge, StripeObject } from './objects.ts';
import { referenceOf } from './query.ts';

/** Events whose object changes an order. Of all others the object may be anything. */
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'payment_intent.amount_capturable_updated',
  'payment_intent.canceled',
  'payment_intent.partially_funded',
  'payment_intent.payment_failed',
  'payment_intent.processing',
  'payment_intent.requires_action',
  'payment_intent.succeeded',
  'checkout.session.async_payment_failed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.completed',
  'checkout.session.expired',
  'charge.captured',
  'charge.expired',
  'charge.failed',
  'charge.pending',
  'charge.succeeded',
  'charge.refunded',
  'charge.refund.updated',
  'charge.dispute.closed',
  'charge.dispute.created',
  'charge.dispute.funds_reinstated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.updated',
  'refund.created',
  'refund.failed',
  'refund.updated',
  'radar.early_fraud_warning.created',
  'review.opened',
]);

export function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { account } = notice;
  const { accounts } = credentials;
  if (account === null ? accounts.length > 0 : !accounts.includes(account)) return err(wrongAccount(notice, accounts));
  const about = { noticeType: notice.type, noticeId: notice.id };
  if (notice.kind === 'thin') {
    // The same events under another name: v1.charge.refunded is charge.refunded.
    const isKnown = notice.type.startsWith('v1.') && KNOWN_TYPES.has(notice.type.slice(3));
    if (!isKnown || notice.relatedId === null) return ok({ events: [], ...about });
    return ok({ events: [], hints: [{ reference: referenceOf(notice.relatedId, account) }], ...about });
  }
  if (!KNOWN_TYPES.has(notice.type)) return ok({ events: [], ...about });
  const object = StripeObject.safeParse(notice.object);
  if (!object.success) return incomplete(notice, object.error.issues[0]?.path.join('.') || 'object');
  const seen = { at: notice.createdAt, test: !notice.livemode, type: notice.type };
  const facts = factsOf(object.data, seen, credentials);
  if (!facts.ok) return incomplete(notice, facts.error);
  return ok({ ...facts.value, ...hintsOf(notice, object.data, credentials), ...about });
}

/** Newer API versions tell of a refund without naming it: its own events do, or Stripe is asked. */
function hintsOf(notice: Notice, object: StripeObject, { apiKey }: Credentials): Pick<Translation, 'hints'> {
  const isSilent = notice.type === 'charge.refunded' && Charge.safeParse(object).data?.refunds == null;
  if (!isSilent || apiKey === undefined) return {};
  return { hints: [{ reference: referenceOf(object.id, notice.account) }] };
}

const wrongAccount = ({ account }: Notice, accounts: readonly string[]): Rejection =>
  reject(
    'wrong_merchant',
    account === null
      ? `A genuine event of the platform's own account; this channel is for ${accounts.slice(0, 5).join(', ')}.`
      : `A genuine event of connected account ${account}: add it to accounts, or give it a channel of its own.`,
  );

const incomplete = ({ type }: Notice, field: string) =>
  err(reject('malformed', `An authentic ${type} event without a readable ${field}.`));
