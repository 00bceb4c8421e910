// A notice that names a thing and proves nothing about it: the provider is asked, and only its answer is believed.
// Never reads a fact out of the notice itself.
import { callProvider } from '../call-provider.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { readConfig } from '../env.ts';
import type { AnyProvider, QueryTarget, Translation } from '../providers/provider.ts';

/** An answer whose signature does not hold is asked for once more. */
const ASKS_MAX = 2;

/** What the provider says of the thing. Throws when it does not say: then the notice must come again. */
export async function ask(
  env: Env,
  provider: AnyProvider,
  record: ChannelRecord,
  credentials: unknown,
  target: QueryTarget,
): Promise<Translation> {
  if (!provider.query) throw new Error(`${provider.id} names things in its notices and has no query to ask for them.`);
  const config = readConfig(env);
  for (let asks = 1; ; asks++) {
    const context = { now: Date.now(), nonce: crypto.randomUUID().replaceAll('-', '') };
    const request = await provider.query.request(target, credentials, context);
    if (!request.ok) throw new Error(request.error.detail);
    const answer = await callProvider(request.value, config);
    if (!answer.ok) throw new Error(answer.error.detail);
    const read = await provider.query.read(answer.value, target, credentials, record.keys, Date.now());
    if (read.ok) return read.value;
    if (read.error.code !== 'unverified' || asks === ASKS_MAX) throw new Error(read.error.detail);
  }
}
