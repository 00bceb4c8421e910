// Reads callbacks through one provider as the gateway does, for tests that look at what a dialect says.
import type { Callback } from '../../src/core/callback.ts';
import type { FetchedKey } from '../../src/core/channel.ts';
import type { PaymentEvent, UnlinkedEvent } from '../../src/core/event.ts';
import { providerOf } from '../../src/providers/index.ts';
import type {
  AnyProvider,
  ProviderAnswer,
  QueryTarget,
  RequestContext,
  Translation,
} from '../../src/providers/provider.ts';

export type Outcome = {
  /** `accepted`, or why not. */
  readonly reason: string;
  readonly detail: string;
  readonly translation: Translation;
};

const NOTHING: Translation = { events: [], noticeType: '', noticeId: null };

export function dialectOf(id: string, entered: object, now: number, keys: readonly FetchedKey[] = []) {
  const provider: AnyProvider | null = providerOf(id);
  if (provider === null) throw new Error(`${id} is not registered`);
  const credentialsOf = (changes: object = {}) => provider.credentials.parse({ ...entered, ...changes });

  async function outcomeOf(callback: Callback, changes: object = {}, at = now): Promise<Outcome> {
    const credentials = credentialsOf(changes);
    const notice = await provider?.verify(callback, credentials, keys, at);
    if (!notice?.ok)
      return { reason: notice?.error.reason ?? '', detail: notice?.error.detail ?? '', translation: NOTHING };
    const translated = provider?.translate(notice.value, credentials);
    if (translated?.ok) return { reason: 'accepted', detail: '', translation: translated.value };
    return { reason: translated?.error.reason ?? '', detail: translated?.error.detail ?? '', translation: NOTHING };
  }

  /** What an authentic callback means; throws when it is refused. */
  async function told(callback: Callback, changes: object = {}, at = now): Promise<Translation> {
    const { reason, detail, translation } = await outcomeOf(callback, changes, at);
    if (reason !== 'accepted') throw new Error(`${reason}: ${detail}`);
    return translation;
  }

  /** The one fact of a callback, whether it names its order or not. */
  async function factOf(callback: Callback, changes: object = {}): Promise<PaymentEvent | UnlinkedEvent> {
    const { events, unlinked = [] } = await told(callback, changes);
    const [fact, ...more] = [...events, ...unlinked];
    if (fact === undefined || more.length > 0)
      throw new Error(`expected one fact, got ${events.length + unlinked.length}`);
    return fact;
  }

  const ask = async (target: QueryTarget, changes: object = {}, more: Partial<RequestContext> = {}) => {
    if (!provider.query) throw new Error(`${id} has no query`);
    return provider.query.request(target, credentialsOf(changes), { now, nonce: 'nonce', ...more });
  };

  const answer = async (status: number, body: unknown, target: QueryTarget = {}, changes: object = {}) => {
    if (!provider.query) throw new Error(`${id} has no query`);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const given: ProviderAnswer = { status, headers: {}, body: new TextEncoder().encode(text) };
    return provider.query.read(given, target, credentialsOf(changes), keys, now);
  };

  return {
    provider,
    credentialsOf,
    outcomeOf,
    told,
    factOf,
    ask,
    answer,
    reasonOf: async (callback: Callback, changes: object = {}, at = now) =>
      (await outcomeOf(callback, changes, at)).reason,
    detailOf: async (callback: Callback, changes: object = {}, at = now) =>
      (await outcomeOf(callback, changes, at)).detail,
  };
}

/** The callback with other headers; undefined leaves one out. */
export function withHeaders(callback: Callback, changes: Readonly<Record<string, string | undefined>>): Callback {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries({ ...callback.headers, ...changes })) {
    if (value !== undefined) headers[name] = value;
  }
  return { ...callback, headers };
}
