// A notice that names a thing and proves nothing about it: the provider is asked, and only its answer is believed.
// Never reads a fact out of the notice itself, and never asks more often than its budget: anybody may send one.
import { callProvider } from '../call-provider.ts';
import { AskBudget } from '../core/ask-budget.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { ASKS_PER_SECOND_MAX, HINTS_PER_NOTICE_MAX } from '../core/limits.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import { readConfig } from '../env.ts';
import type { AnyProvider, QueryTarget, Translation } from '../providers/provider.ts';

/** An answer whose signature does not hold is asked for once more. */
const ASKS_MAX = 2;

const budget = new AskBudget(ASKS_PER_SECOND_MAX);

/** What the provider says of each thing, or why it is not asked. Throws as `ask` does. */
export async function askAll(
  env: Env,
  provider: AnyProvider,
  record: ChannelRecord,
  credentials: unknown,
  targets: readonly QueryTarget[],
): Promise<Result<Translation[], Rejection>> {
  if (targets.length > HINTS_PER_NOTICE_MAX) {
    return err(
      reject('malformed', `The notice names ${targets.length} things to ask about: more than a real one does.`),
    );
  }
  if (!budget.take(record.channel.uid, targets.length, Date.now())) {
    return err(reject('overloaded', BUSY));
  }
  return ok(await Promise.all(targets.map((target) => ask(env, provider, record, credentials, target))));
}

const BUSY = `More than ${ASKS_PER_SECOND_MAX} notices a second ask for a query; the provider was told to call again.`;

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
