// Asks a provider's API one thing and reads the answer: with fresh keys and the identical request again where the
// answer does not verify. Never believes one that does not, and never decides what to ask next.
import { type CallProblem, callProvider } from '../call-provider.ts';
import type { Channel, ChannelRecord, FetchedKey } from '../core/channel.ts';
import { REGISTRY_READ_TIMEOUT_MS } from '../core/limits.ts';
import type { ProviderWord } from '../core/provider-health.ts';
import { err, ok, type Result, unreachable } from '../core/result.ts';
import { within } from '../core/within.ts';
import { readConfig } from '../env.ts';
import { logHop } from '../log.ts';
import { providerOf } from '../providers/index.ts';
import type {
  AccessToken,
  AnyProvider,
  ProviderAnswer,
  ProviderProblem,
  ProviderRequest,
  RequestContext,
} from '../providers/provider.ts';
import { newTrace } from '../record.ts';
import { openCredentials } from '../store/registry-copy.ts';
import { noteWord } from './health.ts';

/** An answer that does not verify (a signature probe, a key that came out since) is asked for twice more. */
const ASKS_MAX = 3;
/** Less time than this is not worth another call. */
const CALL_MS_MIN = 200;

/** Who asks: a channel, with its provider's dialect and its own credentials. */
export type Asker = {
  readonly env: Env;
  readonly record: ChannelRecord;
  readonly provider: AnyProvider;
  readonly credentials: unknown;
  /** After this nobody waits for the answer any more, epoch milliseconds; left out: as long as the calls take. */
  readonly deadline?: number;
  /** Of the callback that asks, or of this errand: what comes of the answer has it too. */
  readonly trace?: string;
  /** These credentials are only tried: what comes of it says nothing of the channel. */
  readonly isTrial?: true;
};

/** One thing to ask, in the words of the provider's file. */
export type Question<T> = {
  readonly request: (context: RequestContext) => Promise<Result<ProviderRequest, ProviderProblem>>;
  readonly read: (
    answer: ProviderAnswer,
    keys: readonly FetchedKey[],
    now: number,
  ) => Promise<Result<T, ProviderProblem>>;
  /** The order that it is about, for the log. */
  readonly orderNo?: string | undefined;
  /** Only what is wrong with the credentials makes the provider refuse it. */
  readonly isProof?: true;
  /** Makes the call where its answer may be a file; left out: the answer is read whole. */
  readonly call?: (request: ProviderRequest) => Promise<Result<ProviderAnswer, CallProblem>>;
};

/** An answer that was read, and its bytes. */
export type Said<T> = { readonly value: T; readonly answer: ProviderAnswer };

export type AskProblem = {
  readonly code: ProviderProblem['code'] | 'timed_out';
  readonly detail: string;
  /** False: no request left, so nothing can have been done. */
  readonly wasSent: boolean;
  /** The provider gave no token: it was asked for nothing else. */
  readonly isAccess?: true;
};

/** Throws where the channel's provider or its credentials cannot be read: that is no answer of the provider's. */
export async function askerOf(env: Env, record: ChannelRecord): Promise<Asker> {
  const provider = providerOf(record.channel.provider);
  if (!provider) throw new Error(`This version of the gateway has no provider ${record.channel.provider}.`);
  const credentials = await openCredentials(record, readConfig(env).masterKey);
  return { env, record, provider, credentials, trace: newTrace() };
}

/** Where the provider is told to call; null while the gateway has no public address. */
export function notifyUrlOf(env: Env, { id }: Pick<Channel, 'id'>): string | null {
  const { publicUrl } = readConfig(env);
  return publicUrl === null ? null : `${publicUrl}/callbacks/${id}`;
}

/** Whether another time may bring another answer; all others are final: the provider has done nothing. */
export const leavesOpen = ({ code }: AskProblem): boolean =>
  code === 'timed_out' || code === 'unavailable' || code === 'unverified' || code === 'malformed';

export async function askProvider<T>(asker: Asker, question: Question<T>): Promise<Result<Said<T>, AskProblem>> {
  const begunAt = Date.now();
  const said = await asked(asker, question);
  const outcome = said.ok ? 'answered' : said.error.code;
  const about = { trace: asker.trace ?? null, channel: asker.record.channel.id, orderNo: question.orderNo ?? null };
  logHop(asker.env, { hop: 'ask', ...about, outcome, ms: Date.now() - begunAt });
  const word = wordOf(question, said);
  if (word !== null && asker.isTrial !== true) noteWord(asker.env, asker.record, word);
  return said;
}

/** What this says of the provider; null: nothing. A payment may be refused for its own sake. */
function wordOf({ isProof }: Question<unknown>, said: Result<unknown, AskProblem>): ProviderWord | null {
  if (said.ok) return { kind: 'answers' };
  const { code, detail, wasSent, isAccess } = said.error;
  switch (code) {
    case 'timed_out':
    case 'unavailable':
      return { kind: 'away', detail };
    case 'malformed':
      return isProof === true ? { kind: 'away', detail } : null;
    case 'unverified':
      return { kind: 'refuses', detail };
    case 'refused':
      return isAccess === true || (isProof === true && wasSent) ? { kind: 'refuses', detail } : null;
    case 'insufficient_balance':
    case 'already_paid':
      return { kind: 'answers' };
    case 'not_configured':
      return null;
    default:
      return unreachable(code);
  }
}

async function asked<T>(asker: Asker, question: Question<T>): Promise<Result<Said<T>, AskProblem>> {
  const first = await described(asker, question);
  if (!first.ok) return err({ ...first.error, wasSent: false });
  let { request, isTokenKept } = first.value;
  let { keys } = asker.record;
  for (let asks = 1; ; asks++) {
    const answer = await call(asker, request, question.call);
    if (!answer.ok) return answer;
    const read = await question.read(answer.value, keys, Date.now());
    if (read.ok) return ok({ value: read.value, answer: answer.value });
    const isLast = asks === ASKS_MAX || timeLeftMs(asker) < CALL_MS_MIN;
    if (!isLast && read.error.code === 'unverified') {
      keys = (await freshKeys(asker)) ?? keys;
    } else if (!isLast && isTokenKept && answer.value.status === 401) {
      forgetToken(asker);
      const again = await described(asker, question);
      if (!again.ok) return err({ ...again.error, wasSent: true });
      ({ request, isTokenKept } = again.value);
    } else {
      return err({ ...read.error, wasSent: true });
    }
  }
}

const timeLeftMs = ({ deadline }: Asker): number => (deadline ?? Number.POSITIVE_INFINITY) - Date.now();

type Described = { readonly request: ProviderRequest; readonly isTokenKept: boolean };

async function described(
  asker: Asker,
  { request }: Pick<Question<unknown>, 'request'>,
): Promise<Result<Described, Omit<AskProblem, 'wasSent'>>> {
  const context = { now: Date.now(), nonce: crypto.randomUUID().replaceAll('-', '') };
  const token = await tokenOf(asker, context);
  if (!token.ok) return err({ ...token.error, isAccess: true });
  const made = await request(token.value === null ? context : { ...context, token: token.value.token });
  return made.ok ? ok({ request: made.value, isTokenKept: token.value?.isKept ?? false }) : made;
}

async function call(
  asker: Asker,
  request: ProviderRequest,
  make: NonNullable<Question<unknown>['call']> = (timed) => callProvider(timed, readConfig(asker.env)),
): Promise<Result<ProviderAnswer, AskProblem>> {
  const timeoutMs = Math.max(1, Math.min(request.timeoutMs ?? Number.POSITIVE_INFINITY, timeLeftMs(asker)));
  const answer = await make(Number.isFinite(timeoutMs) ? { ...request, timeoutMs } : request);
  return answer.ok ? answer : err(problemOf(answer.error));
}

/** In the words of those who ask. */
export const problemOf = ({ code, detail }: CallProblem): AskProblem => ({
  code: CALL_CODES[code],
  detail,
  wasSent: code !== 'no_certificate' && code !== 'no_public_address',
});

const CALL_CODES = {
  timed_out: 'timed_out',
  unreachable: 'unavailable',
  too_large: 'malformed',
  no_certificate: 'not_configured',
  no_public_address: 'not_configured',
} as const;

/** The answer may be signed with a key that came out since; null when the registry knows no more than we do. */
async function freshKeys(asker: Asker): Promise<readonly FetchedKey[] | null> {
  const { env, record } = asker;
  const registry = env.REGISTRY.getByName('registry');
  const { id } = record.channel;
  try {
    const refreshing = registry.refreshKeys(id, Date.now());
    const timeLeft = timeLeftMs(asker);
    const refreshed = Number.isFinite(timeLeft) ? within(refreshing, timeLeft, 'The registry') : refreshing;
    if ((await refreshed) === 'not_wanted') return null;
    return (await within(registry.readChannel(id), REGISTRY_READ_TIMEOUT_MS, 'The registry'))?.keys ?? null;
  } catch (error) {
    console.warn(JSON.stringify({ hop: 'ask', channel: id, error: String(error) })); // the keys at hand must do
    return null;
  }
}

// Kept as long as the credentials object, which is made anew when they change.
const tokens = new WeakMap<object, AccessToken>();

const keyOf = ({ credentials }: Asker): object | null => (typeof credentials === 'object' ? credentials : null);

function forgetToken(asker: Asker): void {
  const key = keyOf(asker);
  if (key !== null) tokens.delete(key);
}

/** What the provider's API is asked with; null where it wants none. `isKept`: it was fetched before. */
async function tokenOf(
  asker: Asker,
  context: RequestContext,
): Promise<Result<{ readonly token: string; readonly isKept: boolean } | null, Omit<AskProblem, 'wasSent'>>> {
  const { provider, credentials } = asker;
  if (!provider.token) return ok(null);
  const key = keyOf(asker);
  const kept = key === null ? undefined : tokens.get(key);
  if (kept && context.now < kept.expiresAt) return ok({ token: kept.token, isKept: true });
  const request = await provider.token.request(credentials, context);
  if (!request.ok) return request;
  const answer = await call(asker, request.value);
  if (!answer.ok) return answer;
  const read = await provider.token.read(answer.value, Date.now());
  if (!read.ok) return read;
  if (key !== null) tokens.set(key, read.value);
  return ok({ token: read.value.token, isKept: false });
}
