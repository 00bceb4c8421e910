// Asks Square what it knows of a payment, refund or dispute, and reads the answer. Never makes a call.
import { z } from 'zod';
import type { PaymentEvent } from '../../core/event.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { factsOf, SquareObject } from './facts.ts';
import type { Notice } from './notice.ts';

const HOSTS = { live: 'https://connect.squareup.com', test: 'https://connect.squareupsandbox.com' } as const;
/** Answers keep the shape of this version. */
const API_VERSION = '2026-09-16';
const PATHS: Readonly<Record<string, string>> = { payment: 'payments', refund: 'refunds', dispute: 'disputes' };

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** A reference is `payment:…`, `refund:…` or `dispute:…` and the id. */
export const query: NonNullable<Provider<Credentials, Notice>['query']> = {
  request: async ({ reference, transactionId }, { accessToken, environment }) => {
    if (accessToken === undefined) {
      return problem('not_configured', 'accessToken is missing: add it to the channel so that Square can be asked.');
    }
    const asked = reference ?? (transactionId === undefined ? '' : `payment:${transactionId}`);
    const [, kind = '', id = ''] = /^(payment|refund|dispute):([A-Za-z0-9_-]{1,255})$/.exec(asked) ?? [];
    if (id === '') {
      return problem('refused', 'Square is asked by its own payment id: give the transactionId.');
    }
    return ok({
      method: 'GET',
      url: `${HOSTS[environment]}/v2/${PATHS[kind]}/${id}`,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${accessToken}`,
        'square-version': API_VERSION,
      },
      body: null,
    });
  },
  read: async (answer, target, credentials, _keys, now) => readAnswer(answer, target, credentials, now),
};

const ErrorBody = z.object({ errors: z.array(z.object({ code: z.string(), detail: z.string().nullish() })).min(1) });

function readAnswer(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Result<Translation, ProviderProblem> {
  const about = { noticeType: 'query', noticeId: null };
  if (answer.status === 404) return ok({ events: [], ...about });
  if (answer.status !== 200) return err(failureOf(answer));
  const object = SquareObject.safeParse(parseJsonBody(answer.body));
  const facts = object.success ? factsOf(object.data, now, credentials) : err('payment, refund or dispute');
  if (!facts.ok) return problem('malformed', `Square answered without a readable ${facts.error}.`);
  const { orderNo, transactionId } = target;
  const { events, unlinked = [], links = [] } = facts.value;
  if (orderNo === undefined || unlinked.some(({ linkId }) => linkId !== transactionId)) {
    return ok({ events, unlinked, links, ...about });
  }
  // Whoever asks for a transaction of a known order gets that order's facts, though Square does not name it. The
  // spread loses the union's arms; only the order number was missing.
  const named = unlinked.map(({ linkId: _, ...fact }) => ({ ...fact, orderNo }) as PaymentEvent); // see above
  return ok({ events: [...events, ...named], unlinked: [], links, ...about });
}

function failureOf(answer: ProviderAnswer): ProviderProblem {
  const [first] = ErrorBody.safeParse(parseJsonBody(answer.body)).data?.errors ?? [];
  const said = first === undefined ? 'no reason given' : `${first.code} ${first.detail ?? ''}`.slice(0, 200).trim();
  const detail = `Square answered ${answer.status}: ${said}.`;
  if (answer.status === 401 || answer.status === 403) {
    return { code: 'refused', detail: `${detail} Check accessToken and environment: they belong together.` };
  }
  const isOutage = answer.status === 429 || answer.status >= 500 || answer.status < 400;
  return { code: isOutage ? 'unavailable' : 'refused', detail };
}
