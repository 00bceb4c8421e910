// A notice that names a thing and proves nothing about it: the provider is asked, and only its answer is believed.
// Never reads a fact out of the notice itself, and never asks more often than its budget: anybody may send one.
import { type Asker, askProvider } from '../call-provider/ask.ts';
import { aboutOf } from '../call-provider/query.ts';
import { AskBudget } from '../core/ask-budget.ts';
import { ASKS_PER_SECOND_MAX, HINTS_PER_NOTICE_MAX } from '../core/limits.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { QueryTarget, Translation } from '../providers/provider.ts';

/** Who asks for the sake of one callback, whose trace its questions carry. */
type NoticeAsker = Pick<Asker, 'env' | 'provider' | 'record' | 'credentials'> & { readonly trace: string };

const budget = new AskBudget(ASKS_PER_SECOND_MAX);

/** What the provider says of each thing, or why it is not asked. Throws as `ask` does. */
export async function askAll(
  { env, provider, record, credentials, trace }: NoticeAsker,
  targets: readonly QueryTarget[],
): Promise<Result<Translation[], Rejection>> {
  const asker = { env, provider, record, credentials, trace };
  if (targets.length > HINTS_PER_NOTICE_MAX) {
    return err(
      reject('malformed', `The notice names ${targets.length} things to ask about: more than a real one does.`),
    );
  }
  if (!budget.take(record.channel.uid, targets.length, Date.now())) {
    return err(reject('overloaded', BUSY));
  }
  return ok(await Promise.all(targets.map((target) => ask(asker, target))));
}

const BUSY = `More than ${ASKS_PER_SECOND_MAX} notices a second ask for a query; the provider was told to call again.`;

/** What the provider says of the thing. Throws when it does not say: then the notice must come again. */
async function ask(asker: NoticeAsker, target: QueryTarget): Promise<Translation> {
  const { provider, credentials } = asker;
  const { query } = provider;
  if (!query) throw new Error(`${provider.id} names things in its notices and has no query to ask for them.`);
  // Strangers choose what is asked here: a refusal says nothing of the credentials.
  const { isProof: _, ...question } = aboutOf(query, target, credentials);
  const said = await askProvider(asker, question);
  if (!said.ok) throw new Error(said.error.detail);
  return said.value.value;
}
