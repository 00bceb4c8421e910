// Puts an authentic Square event into our words: payments, refunds and disputes of the channel's sellers alone. Never
// guesses: an event that lacks what an order needs is refused with the member's name.
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { factsOf, SquareObject } from './facts.ts';
import type { Notice } from './notice.ts';

/** Events whose object changes an order. Of all others the object may be anything. */
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'payment.created',
  'payment.updated',
  'refund.created',
  'refund.updated',
  'dispute.created',
  'dispute.state.changed', // what dispute.state.updated was called before 2021
  'dispute.state.updated',
]);

export function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { merchantId, type: noticeType, id: noticeId } = notice;
  const { merchantIds } = credentials;
  if (merchantIds.length > 0 && !merchantIds.includes(merchantId)) {
    const ours = merchantIds.slice(0, 5).join(', ');
    return err(reject('wrong_merchant', `A genuine event of seller ${merchantId}; this channel is for ${ours}.`));
  }
  if (!KNOWN_TYPES.has(noticeType)) return ok({ events: [], noticeType, noticeId });
  const object = SquareObject.safeParse(notice.object);
  const facts = object.success ? factsOf(object.data, notice.createdAt, credentials) : err(memberOf(notice.object));
  if (facts.ok) return ok({ ...facts.value, noticeType, noticeId });
  return err(reject('malformed', `An authentic ${noticeType} event without a readable ${facts.error}.`));
}

/** The first member that the object's own schema does not like. */
function memberOf(object: unknown): string {
  if (typeof object !== 'object' || object === null) return 'object';
  for (const option of SquareObject.options) {
    const [name = ''] = Object.keys(option.shape);
    const issues = Object.hasOwn(object, name) ? (option.safeParse(object).error?.issues ?? []) : [];
    if (issues[0] !== undefined) return issues[0].path.join('.');
  }
  return 'object';
}
