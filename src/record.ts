// The one door to the ledgers: brings what was told to those of its orders, by way of the locator where it names none.
// Replies when all of it is durable. Never answers a provider, and never asks one.
import { type ChannelRecord, type DispatchConfig, ledgerNameOf, locatorNameOf } from './core/channel.ts';
import type { Fact, Link, Source } from './core/event.ts';
import { ID_BYTES, idOf } from './core/id.ts';
import type { Evidence, FactInput, RecordReply, RecordRequest, RecordVerdict, UnlinkedInput } from './core/record.ts';
import { SPAN_BYTES, TRACE_BYTES, traceFrom } from './core/trace.ts';
import { logHop } from './log.ts';
import type { Translation } from './providers/provider.ts';

/** Least time left for a second try of an object that was moved or restarted under the first. */
const SECOND_TRY_MS = 500;

export type Recording = {
  readonly env: Env;
  readonly record: ChannelRecord;
  /** After this nobody waits for the reply any more; epoch milliseconds. */
  readonly deadline: number;
  readonly receivedAt: number;
  /** Null where no bytes of it are worth keeping. */
  readonly evidence: Evidence | null;
  /** Everything goes to this ledger, and no id is linked: a rehearsal's own. Left out: each order has its own. */
  readonly ledger?: string;
  /** Left out: a new one begins here. */
  readonly trace?: string;
};

export const newTrace = (): string => traceFrom(crypto.getRandomValues(new Uint8Array(TRACE_BYTES)));
export const newSpan = (): string => traceFrom(crypto.getRandomValues(new Uint8Array(SPAN_BYTES)));
export const newId = (prefix: string): string => idOf(prefix, crypto.getRandomValues(new Uint8Array(ID_BYTES)));

/** The ledger that owns the order. */
export function ledgerOf(env: Env, { channel }: Pick<ChannelRecord, 'channel'>, orderNo: string) {
  const hint = channel.locationHint as DurableObjectLocationHint | null; // checked when it was set
  return env.LEDGER.getByName(ledgerNameOf(channel, orderNo), hint === null ? {} : { locationHint: hint });
}

/** What somebody told, and who: the callback itself, or the provider when it was asked. */
export type Told = { readonly source: Source; readonly translation: Translation };

/** All that a translation says of orders that it names. */
export const factsIn = ({ events, flags = [], partial = [] }: Translation): readonly Fact[] => [
  ...events,
  ...flags,
  ...partial,
];

/** All that it says of things that name no order. */
export const unnamedIn = (translation: Translation): readonly UnlinkedInput['event'][] => {
  const { unlinked = [], unlinkedFlags = [], unlinkedPartial = [] } = translation;
  return [...unlinked, ...unlinkedFlags, ...unlinkedPartial];
};

/** A verdict for each fact; `parked` for one that waits for its order. */
export async function recordTold(begun: Recording, told: readonly Told[]): Promise<RecordVerdict[]> {
  const recording = { ...begun, trace: begun.trace ?? newTrace() };
  const inputs = told.flatMap(({ source, translation }) => factsIn(translation).map(inputOf<Fact>(recording, source)));
  const unlinked = told.flatMap(({ source, translation }) =>
    unnamedIn(translation).map(inputOf<UnlinkedInput['event']>(recording, source)),
  );
  const links = told.flatMap(({ translation }) => translation.links ?? []);
  const verdicts = await recordFacts(recording, inputs);
  if (recording.ledger !== undefined || (links.length === 0 && unlinked.length === 0)) return verdicts;
  // After the payment itself, so that what waited for the link finds its order there.
  const { found, waiting } = await locate(recording, links, unlinked);
  return [...verdicts, ...(await recordFacts(recording, found)), ...waiting];
}

const inputOf =
  <Event extends Fact | UnlinkedInput['event']>({ receivedAt, evidence, trace = '' }: Recording, source: Source) =>
  (event: Event) => ({ eventId: newId('evt'), event, source, receivedAt, evidence, trace });

async function recordFacts(recording: Recording, inputs: readonly FactInput[]): Promise<RecordVerdict[]> {
  return [...(await recordInputs(recording, inputs)).values()];
}

/** Facts under ids that their teller has chosen, so that it may tell them again; each with its verdict. */
export async function recordInputs(
  recording: Recording,
  inputs: readonly FactInput[],
): Promise<ReadonlyMap<FactInput, RecordVerdict>> {
  const { ledger, record } = recording;
  const { channel, dispatch } = record;
  const groups = Map.groupBy(inputs, ({ event }) => ledger ?? ledgerNameOf(channel, event.orderNo));
  const verdicts = await Promise.all(
    [...groups].map(async ([name, facts]) => {
      const begunAt = Date.now();
      const replies = await recordAt(recording, name, { v: 1, facts, dispatch: textOf(dispatch) });
      return facts.map((fact, index): [FactInput, RecordVerdict] => {
        const reply = replies[index];
        logFact(recording, fact, reply?.verdict, Date.now() - begunAt);
        // Else a fact of which nothing was said would be acknowledged.
        if (reply === undefined) throw new Error(`Ledger ${name} gave no verdict of ${fact.eventId}.`);
        return [fact, reply.verdict];
      });
    }),
  );
  return new Map(verdicts.flat());
}

// Written once per copy of the channel.
const texts = new WeakMap<DispatchConfig, string>();

function textOf(dispatch: DispatchConfig): string {
  const known = texts.get(dispatch) ?? JSON.stringify(dispatch);
  texts.set(dispatch, known);
  return known;
}

function logFact({ env, record }: Recording, { eventId, event, trace, source }: FactInput, outcome = '', ms: number) {
  const isNew = outcome !== 'duplicate' && outcome !== 'refused';
  const about = { channel: record.channel.id, orderNo: event.orderNo, eventId: isNew ? eventId : null };
  logHop(env, { hop: 'record', trace: trace ?? null, ...about, outcome, ms, more: { source } });
}

/** By these ids later notices will mean these orders. */
export async function recordLinks(recording: Recording, links: readonly Link[]): Promise<void> {
  await locate(recording, links, []);
}

async function locate(recording: Recording, links: readonly Link[], unlinked: readonly UnlinkedInput[]) {
  const { env, record, receivedAt: now } = recording;
  const { channel, dispatch } = record;
  const { uid, shards } = channel;
  const names = [...links.map(({ id }) => id), ...unlinked.map(({ event }) => event.linkId)];
  const locators = new Set(names.map((id) => locatorNameOf(channel, id)));
  const found: FactInput[] = [];
  const waiting: RecordVerdict[] = [];
  for (const name of locators) {
    const mine = unlinked.filter(({ event }) => locatorNameOf(channel, event.linkId) === name);
    const its = links.filter(({ id }) => locatorNameOf(channel, id) === name);
    const flagIds = [newId('evt'), newId('evt')] as const;
    const request = { v: 1, uid, shards, dispatch, links: its, unlinked: mine, now, flagIds } as const;
    const { orderNos } = await env.LOCATOR.getByName(name, optionsOf(recording)).locate(request);
    for (const [index, { event, ...rest }] of mine.entries()) {
      const orderNo = orderNos[index];
      if (orderNo === undefined) throw new Error(`Locator ${name} said nothing of ${rest.eventId}.`);
      if (orderNo === null) waiting.push('parked');
      else found.push({ ...rest, event: named(event, orderNo) });
    }
  }
  return { found, waiting };
}

function named({ linkId: _, ...event }: UnlinkedInput['event'], orderNo: string): Fact {
  return { ...event, orderNo } as Fact; // the spread loses the union's arms; only orderNo was missing
}

/** A transient error is tried once more with a new stub: recording repeats without harm. Overloaded is left alone. */
async function recordAt(recording: Recording, name: string, request: RecordRequest): Promise<RecordReply> {
  const { env, deadline } = recording;
  try {
    return await env.LEDGER.getByName(name, optionsOf(recording)).record(request);
  } catch (error) {
    if (!isTransient(error) || Date.now() > deadline - SECOND_TRY_MS) throw error;
    return env.LEDGER.getByName(name, optionsOf(recording)).record(request);
  }
}

function optionsOf({ record, deadline }: Recording): DurableObjectNamespaceGetDurableObjectOptions {
  const hint = record.channel.locationHint;
  return {
    // The platform tries again by itself, for 10 s unless told: longer than a provider waits.
    retry: { timeoutMs: Math.max(0, deadline - Date.now()) },
    ...(hint === null ? {} : { locationHint: hint as DurableObjectLocationHint }), // checked when it was set
  };
}

/** The platform marks its own errors: `retryable` may be tried again, `overloaded` must not be. */
const isTransient = (error: unknown): boolean =>
  error instanceof Error &&
  'retryable' in error &&
  error.retryable === true &&
  !('overloaded' in error && error.overloaded);
