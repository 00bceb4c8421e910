// Asks PayPal what it knows of a capture. Believed for the connection it comes by: PayPal's API signs no answers.

import type { PaymentStatus } from '../../core/event.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';
import { Transaction } from './objects.ts';
import { hostOf, problem } from './token.ts';
import { ofPayment } from './translate.ts';

// A capture that was refunded, in part or whole, was paid; its refunds tell of themselves.
const STATUSES: ReadonlyMap<string, PaymentStatus> = new Map([
  ['COMPLETED', 'succeeded'],
  ['PARTIALLY_REFUNDED', 'succeeded'],
  ['REFUNDED', 'succeeded'],
  ['PENDING', 'pending'],
  ['DECLINED', 'failed'],
  ['FAILED', 'failed'],
]);

type Query = NonNullable<Provider<Credentials, Notice>['query']>;

export const query: Query = {
  request: async ({ transactionId }, credentials, { token }) => {
    const { clientId, clientSecret } = credentials;
    if (clientId === undefined || clientSecret === undefined) {
      return problem('not_configured', 'clientId and clientSecret are missing: add them so that PayPal can be asked.');
    }
    if (transactionId === undefined || !/^[0-9A-Z]{10,32}$/.test(transactionId)) {
      return problem('refused', 'PayPal knows a payment by its capture ID alone, and none is known for this order.');
    }
    if (token === undefined) return problem('unavailable', 'PayPal is asked with a token, and there is none yet.');
    const url = `${hostOf(credentials)}/v2/payments/captures/${transactionId}`;
    const headers = { accept: 'application/json', authorization: `Bearer ${token}` };
    return ok({ method: 'GET', url, headers, body: null });
  },
  read: async (answer, target, credentials, _keys, now) => readAnswer(answer, target, credentials, now),
};

function readAnswer(
  { status, body }: ProviderAnswer,
  { orderNo, transactionId }: QueryTarget,
  { environment, orderNoFrom }: Credentials,
  now: number,
): Result<Translation, ProviderProblem> {
  const about = { noticeType: 'query', noticeId: null };
  if (status === 404) return ok({ events: [], ...about });
  if (status === 401 || status === 403) {
    return problem('refused', `PayPal answered ${status}: check clientId, clientSecret and environment.`);
  }
  if (status === 429 || status >= 500 || status < 200) return problem('unavailable', `PayPal answered ${status}.`);
  if (status !== 200) return problem('refused', `PayPal answered ${status}.`);
  const resource = parseJsonBody(body);
  const capture = Transaction.safeParse(resource);
  const paid = STATUSES.get(capture.data?.status ?? '');
  if (!capture.success || capture.data.id !== transactionId || paid === undefined) {
    return problem('malformed', 'PayPal answered in a form that cannot be read, or about another capture.');
  }
  // A later refund moves update_time: the payment was made when the capture was.
  const moment = { ...capture.data, update_time: null };
  const facts = ofPayment(moment, resource, paid, {
    at: now,
    type: 'query',
    test: environment === 'sandbox',
    orderNoFrom,
  });
  if (!facts.ok) return problem('malformed', `PayPal answered without a readable ${facts.error}.`);
  const { events, unlinked = [], links = [] } = facts.value;
  if (orderNo === undefined || events.length > 0) return ok({ events, unlinked, links, ...about });
  const named = unlinked.flatMap(({ linkId: _, ...fact }) => (fact.kind === 'payment' ? [{ ...fact, orderNo }] : []));
  return ok({ events: named, ...about });
}
