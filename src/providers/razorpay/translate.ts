// Puts an authentic Razorpay event into our words: payments, refunds and disputes of the channel's accounts alone.
// Never guesses: an event that lacks what an order needs is refused with the member's name.
import type { z } from 'zod';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { Dispute, factsOf, Order, Payment, Refund } from './facts.ts';
import type { Notice } from './notice.ts';

/** Events that change an order, and the entity each is about. Of all others the payload may be anything. */
const KNOWN_TYPES: Readonly<Record<string, 'payment' | 'refund' | 'dispute'>> = {
  'payment.authorized': 'payment',
  'payment.captured': 'payment',
  'payment.failed': 'payment',
  'payment.pending': 'payment',
  'order.paid': 'payment',
  'refund.created': 'refund',
  'refund.failed': 'refund',
  'refund.processed': 'refund',
  'refund.speed_changed': 'refund',
  'payment.dispute.action_required': 'dispute',
  'payment.dispute.closed': 'dispute',
  'payment.dispute.created': 'dispute',
  'payment.dispute.lost': 'dispute',
  'payment.dispute.under_review': 'dispute',
  'payment.dispute.won': 'dispute',
};

export function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { type, accountId, payload } = notice;
  const { accountIds } = credentials;
  if (accountIds.length > 0 && !accountIds.includes(accountId)) {
    const ours = accountIds.slice(0, 5).join(', ');
    return err(reject('wrong_merchant', `A genuine event of account ${accountId}; this channel is for ${ours}.`));
  }
  // The id of a notice is in a header that nobody signed, so it is not believed.
  const about = { noticeType: type, noticeId: null };
  const subject = Object.hasOwn(KNOWN_TYPES, type) ? KNOWN_TYPES[type] : undefined;
  if (subject === undefined) return ok({ events: [], ...about });
  const read = <Entity>(name: string, schema: z.ZodType<Entity>): Result<Entity | null, string> => {
    const entity = Object.hasOwn(payload, name) ? (payload[name] ?? null) : null;
    if (entity === null) return name === subject ? err(name) : ok(null);
    const parsed = schema.safeParse(entity);
    return parsed.success ? ok(parsed.data) : err(`${name}.${parsed.error.issues[0]?.path.join('.') ?? ''}`);
  };
  const payment = read('payment', Payment);
  if (!payment.ok) return incomplete(notice, payment.error);
  const order = read('order', Order);
  if (!order.ok) return incomplete(notice, order.error);
  const refund = subject === 'refund' ? read('refund', Refund) : ok(null);
  if (!refund.ok) return incomplete(notice, refund.error);
  const dispute = subject === 'dispute' ? read('dispute', Dispute) : ok(null);
  if (!dispute.ok) return incomplete(notice, dispute.error);
  const entities = { payment: payment.value, order: order.value, refund: refund.value, dispute: dispute.value };
  const facts = factsOf(entities, notice.createdAt, credentials);
  return facts.ok ? ok({ ...facts.value, ...about }) : incomplete(notice, facts.error);
}

const incomplete = ({ type }: Notice, field: string) =>
  err(reject('malformed', `An authentic ${type} event without a readable ${field}.`));
