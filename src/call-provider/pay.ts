// Asks a provider for the payment of an order, once: what an earlier request left open is asked about before another is
// made, and every repeat sends the same words. Never shows a code that the ledger does not keep.
import type { Order, PaymentRequest, Registration } from '../core/order.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { ledgerOf } from '../record.ts';
import { type Asker, type AskProblem, askProvider } from './ask.ts';
import { isPaidIn, query, targetOf } from './query.ts';

export type PayAsker = Asker & {
  readonly pay: NonNullable<AnyProvider['pay']>;
  readonly notifyUrl: string;
};

export type Payable =
  | { readonly kind: 'code'; readonly request: PaymentRequest }
  | { readonly kind: 'paid' | 'expired' | 'closed' }
  | { readonly kind: 'problem'; readonly problem: AskProblem };

/**
 * The code that the payer scans. `mayBeAsked`: a request for this order's payment may have reached the provider before,
 * and nobody knows what came of it.
 */
export async function payableOf(asker: PayAsker, order: Order, mayBeAsked: boolean, now: number): Promise<Payable> {
  const { registration, paymentRequest, payBy } = order;
  if (order.paymentState === 'paid') return { kind: 'paid' };
  if (order.paymentState === 'closed') return { kind: 'closed' };
  if (payBy !== null && payBy <= now) return { kind: 'expired' };
  if (paymentRequest && paymentRequest.codeExpiresAt > now) return { kind: 'code', request: paymentRequest };
  if (registration === null) throw new Error(`Order ${order.orderNo} was registered and is not.`);
  if (mayBeAsked && paymentRequest === null) {
    const before = await settled(asker, order);
    if (before !== null) return before;
  }
  // The end is fixed when the payment is first asked for, so that a repeat says the same.
  return ask(asker, order, { ...registration, expiresAt: payBy });
}

/** Null: not paid, as far as the provider knows, or it cannot be asked: the payment may be requested. */
async function settled(asker: PayAsker, order: Order): Promise<Payable | null> {
  const heard = await query(asker, targetOf(order.orderNo, order));
  if (heard === null) return null;
  if (heard.ok) return isPaidIn(heard.value, order.orderNo) ? { kind: 'paid' } : null;
  return isUnanswered(heard.error) ? { kind: 'problem', problem: heard.error } : null;
}

async function ask(asker: PayAsker, order: Order, registration: Registration): Promise<Payable> {
  const first = await create(asker, order, registration);
  if (first.kind !== 'problem' || !isUnanswered(first.problem)) return first;
  const before = await settled(asker, order);
  if (before === null) return create(asker, order, registration);
  return before.kind === 'problem' ? first : before;
}

/** No answer, or one that says later: the provider may have done it. */
const isUnanswered = ({ code, wasSent }: AskProblem): boolean =>
  wasSent && (code === 'timed_out' || code === 'unavailable');

async function create(asker: PayAsker, order: Order, registration: Registration): Promise<Payable> {
  const { orderNo } = order;
  const { pay, notifyUrl, credentials } = asker;
  const said = await askProvider(asker, {
    orderNo,
    request: (context) => pay.request({ orderNo, registration, notifyUrl }, credentials, context),
    read: (answer, keys, now) => pay.read(answer, credentials, keys, now, registration.expiresAt),
  });
  if (said.ok) return keep(asker, orderNo, said.value.value);
  if (said.error.code !== 'already_paid') return { kind: 'problem', problem: said.error };
  await query(asker, targetOf(orderNo, order)); // the payment's notice may still be on its way
  return { kind: 'paid' };
}

/** Of two requests at once the ledger keeps the first code, and both show that one. */
async function keep({ env, record }: Asker, orderNo: string, request: PaymentRequest): Promise<Payable> {
  const order = await ledgerOf(env, record, orderNo).setPaymentRequest(orderNo, request);
  return { kind: 'code', request: order?.paymentRequest ?? request };
}
