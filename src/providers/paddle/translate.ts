// Puts an authentic Paddle event into our words: transactions and adjustments. Never guesses: an event that lacks what
// an order needs is refused with the member's name.
import type { z } from 'zod';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { Adjustment, adjustmentFacts, type Facts, Transaction, transactionFacts } from './facts.ts';
import type { Notice } from './notice.ts';

/** Events whose entity changes an order. Of all others the data may be anything. */
const TRANSACTIONS: ReadonlySet<string> = new Set([
  'transaction.billed',
  'transaction.canceled',
  'transaction.completed',
  'transaction.created',
  'transaction.paid',
  'transaction.past_due',
  'transaction.payment_failed',
  'transaction.ready',
  'transaction.revised',
  'transaction.updated',
]);
const ADJUSTMENTS: ReadonlySet<string> = new Set(['adjustment.created', 'adjustment.updated']);

export function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { type: noticeType, id: noticeId, occurredAt } = notice;
  const facts = TRANSACTIONS.has(noticeType)
    ? read(Transaction, notice.data, (data) => transactionFacts(data, occurredAt, credentials))
    : ADJUSTMENTS.has(noticeType)
      ? read(Adjustment, notice.data, (data) => adjustmentFacts(data, occurredAt, credentials))
      : ok({ events: [] });
  if (facts.ok) return ok({ ...facts.value, noticeType, noticeId });
  return err(reject('malformed', `An authentic ${noticeType} event without a readable ${facts.error}.`));
}

function read<Entity>(
  schema: z.ZodType<Entity>,
  data: unknown,
  factsOf: (entity: Entity) => Result<Facts, string>,
): Result<Facts, string> {
  const parsed = schema.safeParse(data);
  return parsed.success ? factsOf(parsed.data) : err(parsed.error.issues[0]?.path.join('.') || 'data');
}
