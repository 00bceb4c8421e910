// Asks Stripe what it knows of a payment, charge, session, refund or dispute, and reads the answer. Never makes a call.
import { z } from 'zod';
import type { PaymentEvent } from '../../core/event.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, QueryTarget, Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { factsOf } from './facts.ts';
import type { Notice } from './notice.ts';
import { StripeObject } from './objects.ts';
import { type Facts, ORDER_NO_PATH } from './told.ts';

const HOST = 'https://api.stripe.com';
/** Answers keep the shape of this version, whatever the account's default becomes. */
const API_VERSION = '2026-10-28.endive';

type Query = NonNullable<Provider<Credentials, Notice>['query']>;

const problem = (code: ProviderProblem['code'], detail: string) => err({ code, detail });

/** Where objects are found by the first letters of their id, and what is wanted with them. */
const PATHS: readonly (readonly [RegExp, string, string])[] = [
  [/^pi_/, '/v1/payment_intents/', '?expand[]=latest_charge.refunds'],
  [/^(?:ch|py)_/, '/v1/charges/', '?expand[]=refunds'],
  [/^cs_/, '/v1/checkout/sessions/', '?expand[]=payment_intent'],
  [/^(?:re|pyr)_/, '/v1/refunds/', ''],
  [/^(?:dp|du)_/, '/v1/disputes/', ''],
  [/^prv_/, '/v1/reviews/', ''],
  [/^issfr_/, '/v1/radar/early_fraud_warnings/', ''],
];

/** A reference is an object's id, behind the connected account that owns it and a colon where there is one. */
export const referenceOf = (id: string, account: string | null): string => (account === null ? id : `${account}:${id}`);

function partsOf({ reference, transactionId }: QueryTarget) {
  const [first = '', second] = (reference ?? transactionId ?? '').split(':');
  return second === undefined ? { account: null, id: first } : { account: first, id: second };
}

export const query: Query = {
  request: async (target, credentials) => {
    const { apiKey, accounts } = credentials;
    if (apiKey === undefined) {
      return problem('not_configured', 'apiKey is missing: add it to the channel so that Stripe can be asked.');
    }
    const path = pathOf(target, credentials);
    if (!path.ok) return path;
    const account = partsOf(target).account ?? accounts[0];
    if (partsOf(target).account === null && accounts.length > 1) {
      return problem('refused', 'accounts lists several accounts: ask with reference acct_…:pi_… to say which.');
    }
    const headers = { accept: 'application/json', authorization: `Bearer ${apiKey}`, 'stripe-version': API_VERSION };
    return ok({
      method: 'GET',
      url: HOST + path.value,
      headers: account === undefined ? headers : { ...headers, 'stripe-account': account },
      body: null,
    });
  },
  read: async (answer, target, credentials, _keys, now) => readAnswer(answer, target, credentials, now),
};

function pathOf(target: QueryTarget, credentials: Credentials): Result<string, ProviderProblem> {
  const { id } = partsOf(target);
  if (id === '') return searchOf(target.orderNo, credentials);
  const found = /^[A-Za-z0-9_]{1,255}$/.test(id) ? PATHS.find(([prefix]) => prefix.test(id)) : undefined;
  if (found === undefined) {
    return problem('refused', 'Stripe is asked by an id that begins with pi_, ch_, py_, cs_, re_, pyr_, dp_ or du_.');
  }
  const [, path, tail] = found;
  return ok(path + id + tail);
}

/** Payments can be searched for by metadata alone; new ones are found after a minute or so (docs: search). */
function searchOf(
  orderNo: string | undefined,
  { orderNoPath = ORDER_NO_PATH }: Credentials,
): Result<string, ProviderProblem> {
  const key = /^metadata\.([A-Za-z0-9_-]+)$/.exec(orderNoPath)?.[1];
  if (orderNo === undefined || key === undefined) {
    return problem('refused', 'Stripe can be asked by orderNo only where it is in metadata: give the transactionId.');
  }
  const quoted = orderNo.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  const query = encodeURIComponent(`metadata['${key}']:'${quoted}'`);
  return ok(`/v1/payment_intents/search?query=${query}&limit=100&expand[]=data.latest_charge.refunds`);
}

const Search = z.object({ object: z.literal('search_result'), data: z.array(StripeObject).max(100) });
const ErrorBody = z.object({ error: z.object({ message: z.string(), code: z.string().nullish() }) });

function readAnswer(
  answer: ProviderAnswer,
  target: QueryTarget,
  credentials: Credentials,
  now: number,
): Result<Translation, ProviderProblem> {
  const about = { noticeType: 'query', noticeId: null };
  if (answer.status === 404) return ok({ events: [], ...about });
  if (answer.status !== 200) return err(failureOf(answer));
  const parsed = z.union([Search, StripeObject]).safeParse(parseJsonBody(answer.body));
  if (!parsed.success) return problem('malformed', 'Stripe answered in a form that cannot be read.');
  const objects = parsed.data.object === 'search_result' ? parsed.data.data : [parsed.data];
  const facts: Facts[] = [];
  for (const object of objects.flatMap(withCharge)) {
    const read = factsOf(object, seenOf(object, credentials, now), credentials);
    if (!read.ok) return problem('malformed', `Stripe answered about ${object.id} without a readable ${read.error}.`);
    facts.push(named(read.value, target));
  }
  const flags = facts.flatMap((one) => one.flags ?? []);
  const unlinkedFlags = facts.flatMap((one) => one.unlinkedFlags ?? []);
  return ok({
    events: facts.flatMap(({ events }) => events),
    unlinked: facts.flatMap(({ unlinked }) => unlinked ?? []),
    ...(flags.length > 0 ? { flags } : {}),
    ...(unlinkedFlags.length > 0 ? { unlinkedFlags } : {}),
    links: facts.flatMap(({ links }) => links ?? []),
    ...about,
  });
}

/** Whoever asks for a transaction of a known order gets that order's facts, though Stripe does not name it. */
function named(facts: Facts, { orderNo, transactionId }: QueryTarget): Facts {
  const { events, flags = [], unlinked = [], unlinkedFlags = [], links = [] } = facts;
  const isOther = [...unlinked, ...unlinkedFlags].some(({ linkId }) => linkId !== transactionId);
  if (orderNo === undefined || isOther) return facts;
  // The spread loses the union's arms; only the order number was missing.
  const found = unlinked.map(({ linkId: _, ...fact }) => ({ ...fact, orderNo }) as PaymentEvent); // see above
  const odd = unlinkedFlags.map(({ linkId: _, ...flag }) => ({ ...flag, orderNo }));
  return { events: [...events, ...found], flags: [...flags, ...odd], links };
}

/** An intent's charge says who paid and what was refunded; it goes first, because it says more. */
function withCharge(object: StripeObject): StripeObject[] {
  if (object.object !== 'payment_intent') return [object];
  const charge = StripeObject.safeParse(object.latest_charge);
  return charge.success ? [charge.data, object] : [object];
}

/** Payments happened when they were made; that a refund failed or a dispute ended is seen now. */
function seenOf(object: StripeObject, { apiKey }: Credentials, now: number) {
  const test = 'livemode' in object ? !object.livemode : /^[rs]k_test_/.test(apiKey ?? '');
  const isLater =
    (object.object === 'refund' && (object.status === 'failed' || object.status === 'canceled')) ||
    (object.object === 'dispute' && !/needs_response$|under_review$/.test(object.status));
  return { at: isLater ? now : null, test: test === true };
}

function failureOf(answer: ProviderAnswer): ProviderProblem {
  const said = ErrorBody.safeParse(parseJsonBody(answer.body)).data?.error.message.slice(0, 200) ?? 'no reason given';
  const detail = `Stripe answered ${answer.status}: ${said}`;
  if (answer.status === 401 || answer.status === 403) {
    return { code: 'refused', detail: `${detail} Check apiKey: it may be revoked, or lack read access.` };
  }
  const isOutage = answer.status === 409 || answer.status === 429 || answer.status >= 500 || answer.status < 400;
  return { code: isOutage ? 'unavailable' : 'refused', detail };
}
