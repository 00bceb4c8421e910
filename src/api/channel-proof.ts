// Whether a provider takes these credentials: it is asked for its keys where it has some, and about an order that does
// not exist. Its word that there is none is the proof. Records nothing and believes nothing about any order.
import { type Asker, askProvider } from '../call-provider/ask.ts';
import { aboutOf } from '../call-provider/query.ts';
import { callProvider } from '../call-provider.ts';
import { type ChannelRecord, DEFAULT_CHANNEL_SETTINGS, type FetchedKey } from '../core/channel.ts';
import { err, ok, type Result } from '../core/result.ts';
import { readConfig } from '../env.ts';
import type { QueryTarget } from '../providers/provider.ts';
import type { Checked } from './channel-credentials.ts';
import { askBudget } from './order-actions.ts';

export type Proof = {
  readonly code: 'proved' | 'refused' | 'unverified' | 'unset' | 'away' | 'cannot' | 'skipped';
  readonly detail: string;
};

/** Longest that a person waits for the answer, all questions together. */
const PROOF_TIMEOUT_MS = 12_000;
const proof = (code: Proof['code'], detail = ''): Proof => ({ code, detail });

/** `record`: the channel whose credentials these are to be; null for one that is to be made. */
export async function proofOf(
  env: Env,
  { provider, credentials }: Checked,
  record: ChannelRecord | null,
): Promise<Proof> {
  if (!provider.query) return proof('cannot');
  if (!askBudget.take('check', 1, Date.now())) return proof('away', 'too many checks at once; try again.');
  const keys = await keysFor(env, { provider, credentials }, record);
  if (!keys.ok) return keys.error;
  const asker: Asker = {
    env,
    record: { ...(record ?? DRAFT), keys: keys.value },
    provider,
    credentials,
    deadline: Date.now() + PROOF_TIMEOUT_MS,
    isTrial: true,
  };
  const number = `CHECK${crypto.randomUUID().replaceAll('-', '').slice(0, 20).toUpperCase()}`;
  const asked = await ask(asker, { orderNo: number, metadata: {} });
  // Some know payments by their own numbers alone, and refuse before they ask.
  return asked ?? (await ask(asker, { transactionId: number, metadata: {} })) ?? proof('cannot');
}

/** Null where the provider's file could not ask so. */
async function ask(asker: Asker, target: QueryTarget): Promise<Proof | null> {
  const { provider, credentials } = asker;
  if (!provider.query) return null;
  const said = await askProvider(asker, aboutOf(provider.query, target, credentials));
  if (said.ok) return proof('proved');
  const { code, detail, wasSent } = said.error;
  switch (code) {
    case 'refused':
      // A token that was refused is refused before any question.
      return wasSent || provider.token ? proof('refused', detail) : null;
    case 'not_configured':
      return proof('unset', detail);
    case 'unverified':
      return proof('unverified', detail);
    default:
      return proof('away', detail);
  }
}

/** Keys that the provider's answers are verified with: those at hand, and where they are fetched, fetched now. */
async function keysFor(
  env: Env,
  { provider, credentials }: Checked,
  record: ChannelRecord | null,
): Promise<Result<readonly FetchedKey[], Proof>> {
  const known = record?.keys ?? [];
  const { keys } = provider;
  if (!keys || keys.byId || !keys.wanted(credentials) || keys.brought(credentials)) return ok(known);
  const now = Date.now();
  const nonce = crypto.randomUUID().replaceAll('-', '');
  const answer = await callProvider(await keys.request(credentials, { now, nonce }), readConfig(env));
  if (!answer.ok) return err(proof('away', answer.error.detail));
  const read = await keys.read(answer.value, credentials, known, now);
  if (read.ok) return ok(read.value);
  const { code, detail } = read.error;
  return err(proof(code === 'unavailable' ? 'away' : code === 'unverified' ? 'unverified' : 'refused', detail));
}

/** Stands for a channel that does not exist: nothing is looked up by its name. */
const DRAFT: ChannelRecord = {
  channel: {
    id: '-',
    uid: '-',
    version: 0,
    provider: '-',
    status: 'active',
    mode: 'open',
    settings: DEFAULT_CHANNEL_SETTINGS,
    environment: 'live',
    shards: 1,
    locationHint: null,
    origins: [],
    allowlist: { mode: 'off', ranges: [] },
    credentials: '',
    previous: null,
    createdAt: 0,
    updatedAt: 0,
  },
  keys: [],
  dispatch: {
    channelId: '-',
    provider: '-',
    channelVersion: 0,
    paused: true,
    mode: 'open',
    settings: DEFAULT_CHANNEL_SETTINGS,
    origins: [],
  },
};
