// The isolate's copy of what the registry owns: fresh for a while, then asked again, and used stale for as long as the
// registry cannot be reached. Never writes, never reads D1, never holds a CryptoKey.
import type { Channel, ChannelRecord } from '../core/channel.ts';
import { KEY_USE_NOTED_MS, REGISTRY_COPY_FRESH_MS, REGISTRY_READ_TIMEOUT_MS } from '../core/limits.ts';
import type { Origin, OriginAuth, OriginSecret } from '../core/origin.ts';
import type { Product } from '../core/product.ts';
import type { ApiKeyCopy } from '../core/registry.ts';
import { previousAt } from '../core/rotation.ts';
import { within } from '../core/within.ts';
import { open } from '../crypto/seal.ts';
import { providerOf } from '../providers/index.ts';

/** An unknown id is believed unknown for this long: short, because somebody may be creating it. */
const UNKNOWN_FRESH_MS = 2_000;
/** Unknown ids are an attacker's choice: no more of them are remembered than this. */
const UNKNOWN_KEPT_MAX = 1_000;
/** Questions under way that are shared: one whose request was cut off never ends, and ids are an attacker's choice. */
const QUESTIONS_KEPT_MAX = 1_000;
/** After a failed question the stale copy serves this long before the next one, so that an outage costs no waiting. */
const ASK_AGAIN_MS = 1_000;

/** More unknown ids than this in one second are a flood: then the list of all ids is asked for instead of each. */
const UNKNOWN_ASKED_PER_SECOND_MAX = 50;

type Copy<T> = { readonly value: T; askAgainAt: number };
type Question<T> = { readonly answer: Promise<T | null>; readonly askedAt: number };

/** Copies of one kind of thing by id: known ones stay, unknown ones are few and short-lived. */
class Copies<T extends object> {
  readonly #known = new Map<string, Copy<T>>();
  readonly #unknownUntil = new Map<string, number>();
  readonly #asking = new Map<string, Question<T>>();
  readonly #ask: (env: Env, id: string) => Promise<T | null>;
  readonly #listIds: (env: Env) => Promise<readonly string[]>;
  #ids: { readonly known: Promise<ReadonlySet<string>>; readonly askedAt: number } | null = null;
  #second = { from: 0, unknown: 0 };

  constructor(ask: (env: Env, id: string) => Promise<T | null>, listIds: (env: Env) => Promise<readonly string[]>) {
    this.#ask = ask;
    this.#listIds = listIds;
  }

  async read(env: Env, id: string, now: number, isEnough: (value: T) => boolean): Promise<T | null> {
    const copy = this.#known.get(id);
    if (copy && now < copy.askAgainAt && isEnough(copy.value)) return copy.value;
    if (!copy && now < (this.#unknownUntil.get(id) ?? 0)) return null;
    if (!copy && this.#isFlooded(now) && !(await this.#knownIds(env, now)).has(id)) return null;
    try {
      return this.#keep(id, now, await within(this.#question(env, id, now), REGISTRY_READ_TIMEOUT_MS, 'The registry'));
    } catch (error) {
      if (!copy) throw error;
      copy.askAgainAt = now + ASK_AGAIN_MS;
      return copy.value;
    }
  }

  /** Concurrent misses share one call; a call whose request was cut off is not waited for by later ones. */
  #question(env: Env, id: string, now: number): Promise<T | null> {
    const asking = this.#asking.get(id);
    if (asking && now - asking.askedAt < REGISTRY_READ_TIMEOUT_MS) return asking.answer;
    const answer = this.#ask(env, id).finally(() => {
      if (this.#asking.get(id)?.answer === answer) this.#asking.delete(id);
    });
    if (this.#asking.size >= QUESTIONS_KEPT_MAX) this.#asking.clear(); // who waits goes on waiting, later ones ask anew
    this.#asking.set(id, { answer, askedAt: now });
    return answer;
  }

  #keep(id: string, now: number, value: T | null): T | null {
    if (value === null) {
      if (now - this.#second.from >= 1_000) this.#second = { from: now, unknown: 0 };
      this.#second.unknown += 1;
      this.#known.delete(id);
      this.#unknownUntil.delete(id); // re-inserted last, so that the oldest is the first to go
      this.#unknownUntil.set(id, now + UNKNOWN_FRESH_MS);
      for (const oldest of this.#unknownUntil.keys()) {
        if (this.#unknownUntil.size <= UNKNOWN_KEPT_MAX) break;
        this.#unknownUntil.delete(oldest);
      }
      return null;
    }
    this.#unknownUntil.delete(id);
    this.#known.set(id, { value, askAgainAt: now + REGISTRY_COPY_FRESH_MS });
    return value;
  }

  #isFlooded(now: number): boolean {
    return now - this.#second.from < 1_000 && this.#second.unknown >= UNKNOWN_ASKED_PER_SECOND_MAX;
  }

  #knownIds(env: Env, now: number): Promise<ReadonlySet<string>> {
    if (this.#ids === null || now - this.#ids.askedAt >= UNKNOWN_FRESH_MS) {
      this.#ids = { known: this.#listIds(env).then((ids) => new Set(ids)), askedAt: now };
    }
    return within(this.#ids.known, REGISTRY_READ_TIMEOUT_MS, 'The registry');
  }
}

const registryOf = (env: Env) => env.REGISTRY.getByName('registry');
const channels = new Copies<ChannelRecord>(
  (env, id) => registryOf(env).readChannel(id),
  (env) => registryOf(env).listChannelIds(),
);
const origins = new Copies<Origin>(
  (env, id) => registryOf(env).readOrigin(id),
  async (env) => (await registryOf(env).listOrigins()).map(({ id }) => id),
);

const products = new Copies<Product>(
  (env, id) => registryOf(env).readProduct(id),
  async (env) => (await registryOf(env).listProducts()).map(({ id }) => id),
);

/** The channel as this isolate knows it; null when there is none. Throws when nothing is known and nobody answers. */
export function readChannelCopy(env: Env, id: string, now: number): Promise<ChannelRecord | null> {
  return channels.read(env, id, now, () => true);
}

/** The origin as this isolate knows it; a copy older than `atLeastVersion` is asked for again at once. */
export function readOriginCopy(env: Env, id: string, now: number, atLeastVersion = 0): Promise<Origin | null> {
  return origins.read(env, id, now, (origin) => origin.version >= atLeastVersion);
}

/** The product as this isolate knows it; null when there is none. */
export function readProductCopy(env: Env, id: string, now: number): Promise<Product | null> {
  return products.read(env, id, now, () => true);
}

type Opened<T> = { readonly sealed: string; readonly value: Promise<T> };
const credentials = new Map<string, Opened<unknown>>();
const previousCredentials = new Map<string, Opened<unknown>>();
const originAuth = new Map<string, Opened<readonly OpenOriginAuth[]>>();
const originSecrets = new Map<string, Opened<readonly OpenOriginSecret[]>>();

/** Opens once per sealed text, so that callers may key imported keys by the object they were given. */
function openOnce<T>(
  opened: Map<string, Opened<T>>,
  id: string,
  sealed: string,
  opening: () => Promise<T>,
): Promise<T> {
  const known = opened.get(id);
  if (known?.sealed === sealed) return known.value;
  const value = opening();
  opened.set(id, { sealed, value });
  value.catch(() => {
    if (opened.get(id)?.value === value) opened.delete(id);
  });
  return value;
}

/** The channel's credentials, opened and parsed by its provider: the same object until they are changed. */
export function openCredentials({ channel }: ChannelRecord, masterKey: string): Promise<unknown> {
  return openOnce(credentials, channel.uid, channel.credentials, () =>
    openSealed(channel, channel.credentials, masterKey),
  );
}

/** How to open the credentials before a rotation, the same way; null when there are none, or no longer. */
export function previousOpener({ channel }: ChannelRecord, masterKey: string, now: number) {
  const { uid } = channel;
  const previous = previousAt(channel, now);
  if (previous !== null) {
    const { sealed } = previous;
    return () => openOnce(previousCredentials, uid, sealed, () => openSealed(channel, sealed, masterKey));
  }
  previousCredentials.delete(uid);
  return null;
}

async function openSealed({ uid, provider: id }: Channel, sealed: string, masterKey: string): Promise<unknown> {
  const provider = providerOf(id);
  if (!provider) throw new Error(`This version of the gateway has no provider ${id}.`);
  return provider.credentials.parse(JSON.parse(await open(sealed, masterKey, `channel/${uid}`)));
}

export type OpenOriginSecret = {
  readonly kind: OriginSecret['kind'];
  readonly secret: string;
  /** After this it no longer signs; null for the newest. */
  readonly expiresAt: number | null;
};

/** The origin's signing secrets, newest first, opened: the same array until they are changed. */
export function openOriginSecrets(origin: Origin, masterKey: string): Promise<readonly OpenOriginSecret[]> {
  const sealed = origin.secrets.map((secret) => `${secret.sealed} ${secret.expiresAt}`).join(' ');
  return openOnce(originSecrets, origin.id, sealed, () =>
    Promise.all(
      origin.secrets.map(async ({ kind, sealed, expiresAt }) => ({
        kind,
        secret: await open(sealed, masterKey, `origin/${origin.id}`),
        expiresAt,
      })),
    ),
  );
}

export type OpenOriginAuth = Pick<OriginAuth, 'kind' | 'name'> & { readonly secret: string };

/** What the origin asks to see, opened. */
export function openOriginAuth(
  { id, settings: { auth } }: Origin,
  masterKey: string,
): Promise<readonly OpenOriginAuth[]> {
  const sealed = auth.map((one) => one.sealed).join(' ');
  return openOnce(originAuth, id, sealed, () =>
    Promise.all(
      auth.map(async ({ kind, name, sealed }) => ({
        kind,
        name,
        secret: await open(sealed, masterKey, `origin/${id}/auth`),
      })),
    ),
  );
}

/** A key that is not in the copy may be new: the list is asked for again, but no more often than this. */
const API_KEYS_GAP_MS = 250;
let apiKeys: { readonly byHash: ReadonlyMap<string, ApiKeyCopy>; readonly askedAt: number } | null = null;

/** The live API key with this hash, or null. One list for all keys, so that guesses cost no question each. */
export async function readApiKeyCopy(env: Env, hash: string, now: number): Promise<ApiKeyCopy | null> {
  const ageMs = apiKeys === null ? Number.POSITIVE_INFINITY : now - apiKeys.askedAt;
  const isEnough = apiKeys?.byHash.has(hash) ? ageMs < REGISTRY_COPY_FRESH_MS : ageMs < API_KEYS_GAP_MS;
  if (!isEnough) {
    try {
      const keys = await within(registryOf(env).listApiKeyCopies(), REGISTRY_READ_TIMEOUT_MS, 'The registry');
      apiKeys = { byHash: new Map(keys.map((key) => [key.hash, key])), askedAt: now };
    } catch (error) {
      if (apiKeys === null) throw error;
      apiKeys = { ...apiKeys, askedAt: now - REGISTRY_COPY_FRESH_MS + ASK_AGAIN_MS };
    }
  }
  const found = apiKeys?.byHash.get(hash);
  return found && (found.expiresAt === null || found.expiresAt > now) ? found : null;
}

/** When this isolate last said that a key is in use. */
const usesNoted = new Map<string, number>();

/** True once an hour and key, as far as this isolate knows. */
export function wantsUseNoted({ id, lastUsedAt }: ApiKeyCopy, now: number): boolean {
  if (now - Math.max(lastUsedAt ?? 0, usesNoted.get(id) ?? 0) < KEY_USE_NOTED_MS) return false;
  usesNoted.set(id, now);
  return true;
}

/** A key was made or revoked here: this isolate asks again at once, others within the copy's lifetime. */
export function forgetApiKeyCopies(): void {
  if (apiKeys) apiKeys = { ...apiKeys, askedAt: 0 };
}
