// Registration: what the merchant says was sold, met with what was already paid. Pure.
import { advance, type Order, paidOf, type Registration, withFlags } from './order.ts';

export type Registered =
  | { readonly kind: 'created' | 'same'; readonly order: Order }
  | { readonly kind: 'conflict'; readonly field: string };

/**
 * The first registration stands. The same data again changes nothing; other data names the field that differs.
 * When a callback made the order before, its payments are compared: a difference is a flag and the order's next event.
 */
export function registerOrder(order: Order, registration: Registration, now: number): Registered {
  if (order.registration) {
    const field = differingField(order.registration, registration);
    return field === null ? { kind: 'same', order } : { kind: 'conflict', field };
  }
  const known: Order = { ...order, registration };
  const isForeign = order.payments.every((payment) => payment.amount.currency !== registration.amount.currency);
  const isOther = !isForeign && paidOf(known)?.minor !== registration.amount.minor;
  const compared = withFlags(known, isOther ? ['amount_mismatch'] : []);
  const hasNews = compared.flags.some((flag) => !order.flags.includes(flag));
  const next = advance(compared, now);
  return { kind: 'created', order: hasNews ? next : { ...next, sequence: order.sequence } };
}

/** The end of an order whose payment is asked for: the first such request says it, unless the registration did. */
export function withPay(order: Order, pay: { readonly payBy: number; readonly closeOnExpiry: boolean }, now: number) {
  if (order.payBy !== null) return order;
  const payBy = order.registration?.expiresAt ?? pay.payBy;
  const { closeOnExpiry } = pay;
  return { ...order, payBy, payAskedAt: now, closeOnExpiry, version: order.version + 1, updatedAt: now };
}

function differingField(a: Registration, b: Registration): string | null {
  if (a.amount.minor !== b.amount.minor) return 'amount.minor';
  if (a.amount.currency !== b.amount.currency) return 'amount.currency';
  if (a.description !== b.description) return 'description';
  if (a.expiresAt !== b.expiresAt) return 'expiresAt';
  return canonical(a.metadata) === canonical(b.metadata) ? null : 'metadata';
}

const canonical = (metadata: Registration['metadata']) => JSON.stringify(Object.entries(metadata).sort());
