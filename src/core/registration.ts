// Registration: what the merchant says was sold, met with what was already paid. Pure.
import { FLAGS, type Flag, type Order, paidOf, type Registration } from './order.ts';

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
  const flags = mismatches(order, registration);
  return {
    kind: 'created',
    order: {
      ...order,
      registration,
      flags: FLAGS.filter((flag) => order.flags.includes(flag) || flags.includes(flag)),
      version: order.version + 1,
      sequence: order.sequence + (flags.length > 0 ? 1 : 0),
      updatedAt: now,
    },
  };
}

function mismatches(order: Order, { amount }: Registration): Flag[] {
  if (order.payments.length === 0) return [];
  if (order.payments.some((payment) => payment.amount.currency !== amount.currency)) return ['currency_mismatch'];
  const paid = paidOf(order)?.minor ?? 0;
  if (paid === amount.minor) return [];
  return ['amount_mismatch', paid < amount.minor ? 'underpaid' : 'overpaid'];
}

function differingField(a: Registration, b: Registration): string | null {
  if (a.amount.minor !== b.amount.minor) return 'amount.minor';
  if (a.amount.currency !== b.amount.currency) return 'amount.currency';
  if (a.description !== b.description) return 'description';
  if (a.expiresAt !== b.expiresAt) return 'expiresAt';
  return canonical(a.metadata) === canonical(b.metadata) ? null : 'metadata';
}

const canonical = (metadata: Registration['metadata']) => JSON.stringify(Object.entries(metadata).sort());
