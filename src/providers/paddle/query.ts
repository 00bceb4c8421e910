// Asks Paddle what it knows of a transaction with its adjustments, or of one adjustment, and reads the answer. Never
// makes a call.
import { z } from 'zod';
import type { PaymentEvent } from '../../core/event.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { Adjustment, adjustmentFacts, type Facts, Transaction, transactionFacts } from './facts.ts';
import type { Notice } from './notice.ts';

const HOSTS = { live: 'https://api.paddle.com', test: 'https://sandbox-api.paddle.com' } as const;

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** A reference is the id of an adjustment. */
export const query: NonNullable<Provider<Credentials, Notice>['query']> = {
  request: async ({ reference, transactionId, orderNo }, { apiKey, environment, orderNoPath }) => {
    if (apiKey === undefined) {
      return problem('not_configured', 'apiKey is missing: add it to the channel so that Paddle can be asked.');
    }
    const id = reference ?? transactionId ?? (orderNoPath === 'id' ? orderNo : undefined) ?? '';
    const path = /^txn_[a-z0-9]{1,60}$/.test(id)
      ? `/transactions/${id}?include=adjustments`
      : /^adj_[a-z0-9]{1,60}$/.test(id)
        ? `/adjustments?id=${id}`
        : null;
    if (path === null) {
      return problem('refused', 'Paddle is asked by an id that begins with txn_ or adj_: give the transactionId.');
    }
    return ok({
      method: 'GET',
      url: HOSTS[environment] + path,
      headers: { accept: 'application/json', authorization: `Bearer ${apiKey}`, 'paddle-version': '1' },
      body: null,
    });
  },
  read: async (answer, target, credentials) => readAnswer(answer, target, credentials),
};

const Answer = z.union([
  z.object({ data: Transaction.extend({ adjustments: z.array(Adjustment).max(500).nullish() }) }),
  z.object({ data: z.array(Adjustment).max(500) }),
]);

function readAnswer(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
): Result<Translation, ProviderProblem> {
  const about = { noticeType: 'query', noticeId: null };
  if (answer.status === 404) return ok({ events: [], ...about });
  if (answer.status !== 200) return err(failureOf(answer));
  const parsed = Answer.safeParse(parseJsonBody(answer.body));
  if (!parsed.success) return problem('malformed', 'Paddle answered in a form that cannot be read.');
  const { data } = parsed.data;
  const adjustments = Array.isArray(data) ? data : (data.adjustments ?? []);
  const read = [
    ...(Array.isArray(data) ? [] : [transactionFacts(data, null, credentials)]),
    ...adjustments.map((adjustment) => adjustmentFacts(adjustment, null, credentials)),
  ];
  const facts: Facts[] = [];
  for (const one of read) {
    if (!one.ok) return problem('malformed', `Paddle answered without a readable ${one.error}.`);
    facts.push(one.value);
  }
  const links = facts.flatMap((one) => one.links ?? []);
  const events = facts.flatMap((one) => one.events);
  const unlinked = facts.flatMap((one) => one.unlinked ?? []);
  const orderNo = links[0]?.orderNo ?? target.orderNo;
  const transactionId = links[0]?.id ?? target.transactionId;
  if (orderNo === undefined || unlinked.some(({ linkId }) => linkId !== transactionId)) {
    return ok({ events, unlinked, links, ...about });
  }
  // What belongs to a transaction of a known order belongs to that order, though Paddle does not name it. The spread
  // loses the union's arms; only the order number was missing.
  const named = unlinked.map(({ linkId: _, ...fact }) => ({ ...fact, orderNo }) as PaymentEvent); // see above
  return ok({ events: [...events, ...named], unlinked: [], links, ...about });
}

const ErrorBody = z.object({ error: z.object({ code: z.string().nullish(), detail: z.string().nullish() }) });

function failureOf(answer: ProviderAnswer): ProviderProblem {
  const said = ErrorBody.safeParse(parseJsonBody(answer.body)).data?.error;
  const reason = said === undefined ? 'no reason given' : `${said.code ?? ''} ${said.detail ?? ''}`.trim();
  const detail = `Paddle answered ${answer.status}: ${reason.slice(0, 200)}.`;
  if (answer.status === 401 || answer.status === 403) {
    return { code: 'refused', detail: `${detail} Check apiKey, its permissions and environment.` };
  }
  const isOutage = answer.status === 429 || answer.status >= 500 || answer.status < 400;
  return { code: isOutage ? 'unavailable' : 'refused', detail };
}
