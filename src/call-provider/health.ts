// Tells the registry that a channel's provider does not answer, and that it answers again: once a minute and channel at
// most, and nothing at all while all is well. Nobody waits for it, and nothing fails by it.
import { waitUntil } from 'cloudflare:workers';
import type { ChannelRecord } from '../core/channel.ts';
import type { ProviderWord } from '../core/provider-health.ts';

const AGAIN_MS = 60_000;
/** Until it has reached this isolate's copy of the channel that all is well. */
const COPY_MS = 15_000;
const KEPT_MAX = 1_000;

/** What this isolate said last of each channel. */
const said = new Map<string, { readonly kind: ProviderWord['kind']; readonly at: number }>();

export function noteWord(env: Env, { channel, isTroubled = false }: ChannelRecord, word: ProviderWord): void {
  const now = Date.now();
  const last = said.get(channel.id);
  const isNews = last?.kind !== word.kind || now - last.at >= (word.kind === 'answers' ? COPY_MS : AGAIN_MS);
  const isWell = word.kind === 'answers' && !isTroubled && (last === undefined || last.kind === 'answers');
  if (isWell || !isNews) return;
  if (said.size >= KEPT_MAX) said.clear();
  said.set(channel.id, { kind: word.kind, at: now });
  const telling = env.REGISTRY.getByName('registry').noteProvider(channel.id, word, now);
  waitUntil(
    telling.catch((error) => {
      said.delete(channel.id); // the next answer says it again
      console.error(JSON.stringify({ hop: 'ask', channel: channel.id, error: String(error) }));
    }),
  );
}
