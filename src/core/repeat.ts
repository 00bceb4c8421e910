// Repeat: whether a fact that is told again says something new. Pure. Of two words about one thing the newest stands,
// so a repeat that says nothing new may still move the time since when it is said.
import { disputeComesBack, hearDispute } from './dispute.ts';
import { type Fact, factKey } from './event.ts';
import type { Order } from './order.ts';
import { hearRefund, refundComesBack } from './refund.ts';

/** `new`: to be committed under this key. `known`: a duplicate, and the order with the time of its last word. */
export type Admitted =
  | { readonly kind: 'new'; readonly key: string }
  | { readonly kind: 'known'; readonly order: Order };

export function admit(order: Order, fact: Fact, isKnown: (key: string) => boolean): Admitted {
  const key = factKey(fact);
  if (!isKnown(key)) return { kind: 'new', key };
  // Its key then carries its time too: what it says was said before, and something else since.
  const again = `${key}|${fact.occurredAt}`;
  if (comesBack(order, fact) && !isKnown(again)) return { kind: 'new', key: again };
  return { kind: 'known', order: hear(order, fact) };
}

/** What the thing was before it is again: succeeded, reversed, succeeded after all. No duplicate of the first. */
function comesBack(order: Order, fact: Fact): boolean {
  if (fact.kind !== 'refund' && fact.kind !== 'dispute') return false;
  if (order.parkedAt !== null) return true; // nothing is applied yet: judged again when it is
  return fact.kind === 'refund' ? refundComesBack(order, fact) : disputeComesBack(order, fact);
}

function hear(order: Order, fact: Fact): Order {
  if (fact.kind === 'refund') return hearRefund(order, fact);
  return fact.kind === 'dispute' ? hearDispute(order, fact) : order;
}
