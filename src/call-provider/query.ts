// Asks a provider what it knows of an order or a refund, and has the ledger hear the answer by the same door as a
// callback. Never believes what names the other environment.
import type { Channel } from '../core/channel.ts';
import type { Fact } from '../core/event.ts';
import { CALLBACK_BODY_BYTES_MAX } from '../core/limits.ts';
import type { Order } from '../core/order.ts';
import { partialOf } from '../core/partial.ts';
import type { Evidence } from '../core/record.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256, toHex } from '../crypto/bytes.ts';
import type { AnyProvider, ProviderAnswer, QueryTarget, Translation } from '../providers/provider.ts';
import { factsIn, unnamedIn } from '../record.ts';
import { type Asker, type AskProblem, askProvider, type Question, type Said } from './ask.ts';
import { recordAnswer } from './record-answer.ts';

type Query = NonNullable<AnyProvider['query']>;

export const aboutOf = (query: Query, target: QueryTarget, credentials: unknown): Question<Translation> => ({
  request: (context) => query.request(target, credentials, context),
  read: (answer, keys, now) => query.read(answer, target, credentials, keys, now),
  isProof: true,
  orderNo: target.orderNo,
});

/** What the provider knew, recorded. */
export type Heard = {
  readonly facts: readonly Fact[];
  /** It knows of what was asked about. */
  readonly isFound: boolean;
  /** The provider's own word for how it stands; null where it said none. */
  readonly providerState: string | null;
};

/** What is known of an order helps to ask for it. */
export const targetOf = (orderNo: string, order: Order | null): QueryTarget => {
  const payment = order?.payments.at(-1);
  return {
    orderNo,
    metadata: order?.registration?.metadata ?? {},
    ...(payment ? { transactionId: payment.transactionId, occurredAt: payment.paidAt } : {}),
  };
};

/** Null where the provider cannot be asked at all. */
export async function query(asker: Asker, target: QueryTarget): Promise<Result<Heard, AskProblem> | null> {
  if (!asker.provider.query) return null;
  const said = await askProvider(asker, aboutOf(asker.provider.query, target, asker.credentials));
  return said.ok ? hear(asker, said.value) : said;
}

export const isPaidIn = ({ facts }: Heard, orderNo: string): boolean =>
  facts.some((fact) => fact.kind === 'payment' && fact.status === 'succeeded' && fact.orderNo === orderNo);

/** Has the ledger hear an answer, with its bytes as evidence. */
export async function hear(asker: Asker, { value, answer }: Said<Translation>): Promise<Result<Heard, AskProblem>> {
  const facts = factsIn(value);
  const stranger = [...facts, ...unnamedIn(value)].find((fact) => fact.test !== isTest(asker.record.channel));
  if (stranger !== undefined) {
    const detail = `The provider answered with a ${stranger.test ? 'test' : 'live'} payment: ask by its own channel.`;
    return err({ code: 'malformed', detail, wasSent: true });
  }
  const lacking = facts.map(partialOf).find((partial) => partial !== null);
  if (lacking) {
    const detail = `The provider's answer about ${lacking.orderNo} has no readable ${lacking.lacks}.`;
    return err({ code: 'malformed', detail, wasSent: true });
  }
  await recordAnswer(asker, value, await evidenceOf(asker, answer));
  const isFound = facts.length > 0 || value.state !== undefined;
  return ok({ facts, isFound, providerState: facts.at(-1)?.providerState ?? value.state ?? null });
}

const isTest = ({ environment }: Channel): boolean => environment === 'test';

/** The answer as it came, with the headers that its signature needs; null where it is too large to keep. */
async function evidenceOf({ provider, credentials }: Asker, answer: ProviderAnswer): Promise<Evidence | null> {
  const { body, headers: all } = answer;
  if (body.length > CALLBACK_BODY_BYTES_MAX) return null;
  const names = provider.evidenceHeadersOf?.(credentials) ?? provider.evidenceHeaders;
  const headers = Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
  const contentType = all['content-type'] ?? null;
  return { contentType, headers, body, remoteAddress: null, digest: toHex(await sha256(new Uint8Array(body))) };
}
