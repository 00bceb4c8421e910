// Leads what a Stripe object says to its order: by the number that the object carries, else by an id that means it now
// or later. Never guesses an order number.
import type { FlagFact, PaymentEvent, UnlinkedEvent } from '../../core/event.ts';
import { textAt } from '../../core/json-body.ts';
import { ORDER_NO } from '../../core/order-no.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import type { StripeObject } from './objects.ts';

export const ORDER_NO_PATH = 'metadata.orderNo';

/** Beside the object: what only its event or the answer around it tells. */
export type Seen = {
  /** When this state was seen, epoch milliseconds; null to go by the object's own time of creation. */
  readonly at: number | null;
  readonly test: boolean;
  /** The type of the event that brought it, where one did. */
  readonly type?: string;
};

export type Facts = Pick<Translation, 'events' | 'flags' | 'unlinked' | 'unlinkedFlags' | 'links'>;
export type Fact = PaymentEvent extends infer One ? (One extends PaymentEvent ? Omit<One, 'orderNo'> : never) : never;
export type OpenFlag = Omit<FlagFact, 'orderNo'>;
export type Context = { readonly seen: Seen; readonly credentials: Credentials };

export const NOTHING: Facts = { events: [] };
export const unreadable = (field: string) => err(field);

/** Facts of the order that the object names, or of whatever `linkId` turns out to mean. */
export function told(
  facts: readonly Fact[],
  orderNo: string | null,
  linkId: string | null,
  ids: readonly (string | null)[],
  flags: readonly OpenFlag[] = [],
): Result<Facts, string> {
  if (orderNo === null) {
    const unlinked = linkId === null ? [] : facts.map((fact): UnlinkedEvent => ({ ...fact, linkId }));
    const odd = linkId === null ? [] : flags.map((flag) => ({ ...flag, linkId }));
    return ok({ events: [], unlinked, ...(odd.length > 0 ? { unlinkedFlags: odd } : {}) });
  }
  const links = ids.flatMap((id) => (id === null ? [] : [{ id, orderNo }]));
  const odd = flags.map((flag) => ({ ...flag, orderNo }));
  const events = facts.map((fact): PaymentEvent => ({ ...fact, orderNo }));
  return ok({ events, ...(odd.length > 0 ? { flags: odd } : {}), links });
}

export function orderNoOf(object: StripeObject, { orderNoPath }: Credentials): string | null {
  const path = orderNoPath ?? ORDER_NO_PATH;
  // Only metadata is the merchant's own on every object: a refund's description, say, is not its payment's.
  const isOwn = object.object === 'refund' || object.object === 'dispute';
  const named = isOwn && !path.startsWith('metadata.') ? null : textAt(object, path);
  const spare =
    orderNoPath === undefined && object.object === 'checkout.session' ? object.client_reference_id : undefined;
  const orderNo = named ?? spare ?? '';
  return ORDER_NO.test(orderNo) ? orderNo : null;
}

export const timeOf = ({ created }: { readonly created: number }, { at }: Seen) => at ?? created * 1000;
