// Stripe's doubts about a payment, as the flag risk_review: reviews by people, and warnings that a card's bank sent.
// Never takes one back: what came of it, refunds and disputes tell.
import { ok, type Result } from '../../core/result.ts';
import { type Doubt, idOf } from './objects.ts';
import { type Context, type Fact, type Facts, NOTHING, type OpenFlag, timeOf, told } from './told.ts';

/** Told beside the payment's own flag: where the payment was known before, only this is news. */
export const riskOf = (about: string, { occurredAt, providerState, test }: Fact): OpenFlag => ({
  kind: 'flag',
  occurredAt,
  providerState,
  test,
  flag: 'risk_review',
  about,
});

/** A review that was closed says nothing more: refunds and disputes tell of themselves. */
export function ofDoubt(doubt: Doubt, { seen }: Context): Result<Facts, string> {
  const [intent, charge] = [idOf(doubt.payment_intent), idOf(doubt.charge)];
  if (doubt.open === false) return ok(NOTHING);
  const flag: OpenFlag = {
    kind: 'flag',
    occurredAt: timeOf(doubt, seen),
    providerState: seen.type ?? doubt.object,
    test: seen.test,
    flag: 'risk_review',
    about: doubt.id,
  };
  return told([], null, intent ?? charge, [], [flag]);
}
