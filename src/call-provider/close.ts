// Closes an order at its provider: asks whether it was paid, closes, asks again, and only then calls it closed. Safe to
// be cut off between any two steps and begun again.
import type { PaymentFact } from '../core/event.ts';
import { CLOSE_AFTER_MS_MIN } from '../core/limits.ts';
import type { Order } from '../core/order.ts';
import { ok, type Result } from '../core/result.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { type Asker, type AskProblem, askProvider } from './ask.ts';
import { type Heard, isPaidIn, query, targetOf } from './query.ts';
import { recordAnswer } from './record-answer.ts';

export type CloseAsker = Asker & { readonly close: NonNullable<AnyProvider['close']> };

export type Closing =
  | { readonly kind: 'closed' }
  | { readonly kind: 'paid' }
  /** Not before `from`: a provider takes no close so soon after the order was made. */
  | { readonly kind: 'too_early'; readonly from: number }
  /** The provider has no such order yet, and a code of it works until then. */
  | { readonly kind: 'payable'; readonly until: number }
  | { readonly kind: 'problem'; readonly problem: AskProblem };

export async function closeOrder(asker: CloseAsker, order: Order, now: number): Promise<Closing> {
  const { orderNo, paymentState } = order;
  if (paymentState === 'paid' || paymentState === 'closed') return { kind: paymentState };
  // The provider's order is as old as the first request for its payment.
  const from = (order.payAskedAt ?? order.createdAt) + CLOSE_AFTER_MS_MIN;
  if (now < from) return { kind: 'too_early', from };
  const before = await asked(asker, order);
  if (!before.ok) return { kind: 'problem', problem: before.error };
  if (before.value !== 'open') return { kind: before.value };
  const { close, credentials } = asker;
  const said = await askProvider(asker, {
    orderNo,
    request: (context) => close.request({ orderNo }, credentials, context),
    read: (answer, keys, at) => close.read(answer, credentials, keys, at),
  });
  if (!said.ok) return { kind: 'problem', problem: said.error };
  const { value: outcome } = said.value;
  const until = order.paymentRequest?.codeExpiresAt ?? 0;
  if (outcome === 'unknown' && Date.now() < until) return { kind: 'payable', until };
  const after = await asked(asker, order);
  if (!after.ok) return { kind: 'problem', problem: after.error };
  if (after.value !== 'open') return { kind: after.value };
  if (outcome === 'paid') return { kind: 'problem', problem: PAID_AND_NOT_TOLD };
  await recordClosed(asker, orderNo, outcome);
  return { kind: 'closed' };
}

const PAID_AND_NOT_TOLD: AskProblem = {
  code: 'unavailable',
  detail: 'The provider says that the order is paid, and does not tell the payment yet.',
  wasSent: true,
};

type Standing = 'paid' | 'closed' | 'open';

/** How the order stands at the provider, recorded. A provider that cannot be asked leaves it open. */
async function asked(asker: CloseAsker, order: Order): Promise<Result<Standing, AskProblem>> {
  const heard = await query(asker, targetOf(order.orderNo, order));
  if (heard === null) return ok('open');
  return heard.ok ? ok(standingOf(heard.value, order.orderNo)) : heard;
}

function standingOf(heard: Heard, orderNo: string): Standing {
  if (isPaidIn(heard, orderNo)) return 'paid';
  const isClosed = heard.facts.some(
    (fact) => fact.kind === 'payment' && fact.status === 'closed' && fact.orderNo === orderNo,
  );
  return isClosed ? 'closed' : 'open';
}

/** The provider has closed it and has nothing more to tell of it: the fact is ours to write down. */
async function recordClosed(asker: Asker, orderNo: string, providerState: string): Promise<void> {
  const closed: PaymentFact = {
    kind: 'payment',
    status: 'closed',
    orderNo,
    transactionId: null,
    amount: null,
    occurredAt: Date.now(),
    providerState,
    test: asker.record.channel.environment === 'test',
  };
  const translation = { events: [closed], noticeType: 'close', noticeId: null };
  await recordAnswer(asker, translation, null);
}
