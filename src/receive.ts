// POST /callbacks/:channel: verify, translate, record, and answer in the provider's own words. Waits for the ledger
// alone. Never says success before the facts are durable, and never tells the caller why it was refused.

import type { Acknowledgement, Answer } from './core/acknowledgement.ts';
import type { AlarmCode } from './core/alarm.ts';
import { type Allowlist, allows, compileAllowlist } from './core/allowlist.ts';
import { callbackLogNameOf, NO_CHANNEL, UNKNOWN_LOG } from './core/arrival.ts';
import type { Callback } from './core/callback.ts';
import type { Channel, ChannelRecord } from './core/channel.ts';
import type { Evidence } from './core/record.ts';
import { type Rejection, type RejectionReason, reject, wireOf } from './core/rejection.ts';
import { within } from './core/within.ts';
import { readConfig } from './env.ts';
import { evidenceOf, otherEnvironment, prove, strayTest, verdictOf } from './judge.ts';
import { providerOf } from './providers/index.ts';
import type { AnyProvider, Translation } from './providers/provider.ts';
import {
  arrivalOf,
  askForKeys,
  type Finding,
  type Intake,
  logOutage,
  logReceived,
  noteArrival,
  raiseAlarm,
} from './receive/aftermath.ts';
import { askAll } from './receive/ask.ts';
import { followHint } from './receive/hint.ts';
import { answerScan } from './receive/product.ts';
import { channelIdOf, mayNameChannel, readBody, readHeaders } from './receive/request.ts';
import { factsIn, newTrace, recordTold, type Told, unnamedIn } from './record.ts';
import { openCredentials, previousOpener, readChannelCopy } from './store/registry-copy.ts';

/** Kept from the sender of a slow body, so that what it costs is not taken for an outage of the ledger. */
const LEDGER_TIME_MS_MIN = 500;

/** For callers that no provider stands behind: says nothing that could be learned from. */
const NEUTRAL_UNKNOWN: Answer = { status: 404, headers: {}, body: '' };
const NEUTRAL_UNAVAILABLE: Answer = { status: 503, headers: {}, body: '' };

type Route = {
  readonly intake: Intake;
  readonly record: ChannelRecord;
  readonly provider: AnyProvider;
  /** The newest; once a callback is proved, those that proved it. */
  credentials: Promise<unknown>;
  readonly deadline: number;
};

export async function receive(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const channelId = channelIdOf(request.url);
  const remoteAddress = request.headers.get('cf-connecting-ip');
  const intake: Intake = { request, env, ctx, channelId, remoteAddress, now: Date.now(), trace: newTrace() };
  let route: Route | null = null;
  try {
    const record = mayNameChannel(channelId) ? await readChannelCopy(env, channelId, intake.now) : null;
    if (record === null) {
      const stranger = refused(unknownChannel(channelId));
      noteArrival(intake, UNKNOWN_LOG, NO_CHANNEL, stranger);
      logReceived(intake, stranger);
      return responseOf(NEUTRAL_UNKNOWN);
    }
    const provider = providerOf(record.channel.provider);
    if (provider === null) throw new Error(`This version of the gateway has no provider ${record.channel.provider}.`);
    const credentials = opened(record, env);
    credentials.catch(() => undefined); // whoever needs them meets the failure
    route = { intake, record, provider, credentials, deadline: intake.now + provider.ackDeadlineMs };
    // At the deadline the provider's failure answer goes out, so that it still reaches it in time.
    return await within(judged(route), route.deadline - Date.now(), 'The ledger');
  } catch (error) {
    logOutage('receive', channelId, error, intake.now);
    const cause = error instanceof Error ? error.message : String(error);
    const outage = refused(reject('overloaded', `Not recorded; the provider was asked to call again. ${cause}`));
    logReceived(intake, outage);
    if (route === null) noteArrival(intake, UNKNOWN_LOG, NO_CHANNEL, outage);
    else noteArrival(intake, callbackLogNameOf(route.record.channel.uid), channelId, outage);
    return responseOf(route === null ? NEUTRAL_UNAVAILABLE : await answerOf(route, { kind: 'unavailable' }));
  }
}

const opened = async (record: ChannelRecord, env: Env): Promise<unknown> =>
  openCredentials(record, readConfig(env).masterKey);

/** The provider's words; its defaults where the channel's own cannot be read. */
async function answerOf({ provider, credentials }: Route, acknowledgement: Acknowledgement): Promise<Answer> {
  return provider.acknowledge(acknowledgement, await credentials.catch(() => undefined));
}

const unknownChannel = (id: string) =>
  reject(
    'unknown_channel',
    `No channel is called ${JSON.stringify(id.slice(0, 64))}; check the address at the provider.`,
  );

const refused = ({ reason, detail, keyId }: Rejection, body: Finding['body'] = null): Finding => ({
  verdict: 'rejected',
  reason,
  detail,
  body,
  ...(keyId === undefined ? {} : { keyId }),
});

/** The finding, noted where it leaves no fact, and the provider's answer to it. */
async function judged(route: Route): Promise<Response> {
  const { intake, record } = route;
  const { channel } = record;
  const isOutside = channel.allowlist.mode !== 'off' && !allows(allowlistOf(channel), intake.remoteAddress);
  const found = await judge(route, isOutside);
  const finding: Finding = isOutside && found.reason === null ? { ...found, reason: 'source_not_allowed' } : found;
  const { verdict, reason } = finding;
  logReceived(intake, finding);
  const isKept =
    finding.answer === undefined &&
    !finding.isAnybodys &&
    (verdict === 'ignored' || (verdict !== 'rejected' && verdict !== 'duplicate' && reason === null));
  if (!isKept) noteArrival(intake, callbackLogNameOf(channel.uid), channel.id, finding);
  if (finding.answer !== undefined) return responseOf(finding.answer);
  if (verdict !== 'rejected' || reason === null) return responseOf(await answerOf(route, { kind: 'accepted' }));
  const detail = finding.detail ?? '';
  if (isCurable({ reason })) askForKeys(intake, finding.keyId);
  if (wireOf(reason).alarm) raiseAlarm(intake, reason as AlarmCode, detail); // every reason that alarms is one
  const answer = await answerOf(route, { kind: 'rejected', rejection: { reason, detail } });
  const headers = reason === 'method_not_allowed' ? { ...answer.headers, allow: 'POST' } : answer.headers;
  return responseOf({ ...answer, headers });
}

/** Plausible, and not to be verified with the keys that are here. */
const isCurable = ({ reason }: Pick<Rejection, 'reason'>) => reason === 'unknown_key' || reason === 'keys_unavailable';

/** Cheapest first: nothing of the body is read for a caller who may not call. */
async function judge(route: Route, isOutside: boolean): Promise<Finding> {
  const { intake, record, provider } = route;
  const { channel } = record;
  const { request, now, channelId, remoteAddress } = intake;
  if (request.method !== 'POST') return refused(reject('method_not_allowed', `${request.method} instead of POST.`));
  if (isOutside && channel.allowlist.mode === 'enforce') {
    return refused(reject('source_not_allowed', `${remoteAddress ?? 'An unknown address'} is not in the allowlist.`));
  }
  if (channel.status === 'disabled') {
    return refused(reject('channel_disabled', 'The channel is disabled; enable it, and the provider will call again.'));
  }
  const headers = readHeaders(request.headers);
  if (headers === null) return refused(reject('too_large', 'The headers are larger than any provider sends.'));
  const body = await readBody(request, route.deadline - LEDGER_TIME_MS_MIN - Date.now());
  if (body === 'too_large') return refused(reject('too_large', 'The body is larger than any provider sends.'));
  if (body === 'broken_off') return refused(reject('overloaded', BROKEN_OFF));
  const callback: Callback = { channelId, headers, body, remoteAddress, receivedAt: now };
  const newest = await route.credentials;
  const previous = previousOpener(record, readConfig(intake.env).masterKey, now);
  const proved = await prove({ provider, callback, newest, previous, keys: record.keys, now });
  if (!proved.ok) {
    if (isCurable(proved.error)) followHint({ intake, record, provider, credentials: newest }, callback);
    const claims = async () => (await provider.hint?.(callback, newest))?.target.orderNo ?? null;
    return { ...refused(proved.error, body), claims };
  }
  const { notification, credentials } = proved.value;
  if (credentials !== newest) route.credentials = Promise.resolve(credentials);
  const translated = provider.translate(notification, credentials);
  if (!translated.ok) return refused(translated.error, body);
  const { asks, noticeType } = translated.value;
  if (asks !== undefined) return scanned(route, credentials, notification, asks.productId, noticeType, body);
  const answers = await askAll({ ...intake, provider, record, credentials: newest }, translated.value.hints ?? []);
  if (!answers.ok) return refused(answers.error, body);
  const told: Told[] = [
    { source: 'callback', translation: translated.value },
    ...answers.value.map((translation) => ({ source: 'query' as const, translation })),
  ];
  const facts = told.flatMap(({ translation }) => [...factsIn(translation), ...unnamedIn(translation)]);
  const { masterKey } = readConfig(intake.env);
  const stranger = (await strayTest(masterKey, facts)) ?? otherEnvironment(channel, facts);
  if (stranger !== null) return refused(stranger, body);
  if (facts.length === 0 && told.some(({ translation }) => translation.unproven)) {
    return { verdict: 'ignored', reason: null, detail: UNPROVEN, noticeType, body, isAnybodys: true };
  }
  const headerNames = provider.evidenceHeadersOf?.(credentials) ?? provider.evidenceHeaders;
  const evidence = await evidenceOf(callback, body, headerNames);
  return facts.length === 0 && told.every(({ translation }) => (translation.links ?? []).length === 0)
    ? keepNotice(route, translated.value, evidence, body, isOutside ? 'source_not_allowed' : null)
    : recordAll(route, told, evidence, body);
}

/** A question and not a notice: what the provider asked for is the answer. */
async function scanned(
  { intake, provider, record, deadline }: Route,
  credentials: unknown,
  notification: unknown,
  productId: string,
  noticeType: string,
  body: Uint8Array<ArrayBuffer>,
): Promise<Finding> {
  const scan = { env: intake.env, provider, record, credentials, notification, productId, deadline };
  const { answer, orderNo, refusal } = await answerScan(scan);
  const verdict = refusal === null ? 'accepted' : 'ignored';
  return { verdict, reason: null, detail: refusal, orderNo, noticeType, body, answer };
}

const UNPROVEN = 'The provider knows nothing of what this unsigned notice names, so anybody may have sent it.';

// Answered as an outage is: where a genuine sender was cut off, the provider calls again.
const BROKEN_OFF = 'The body broke off or was slower than the deadline allows; that is its sender or the network.';

/** Authentic, and about no order: durable before it is acknowledged, because nobody will send it again. */
async function keepNotice(
  { intake, record }: Route,
  { noticeType, noticeId, unconfirmed }: Translation,
  evidence: Evidence,
  body: Uint8Array<ArrayBuffer>,
  reason: RejectionReason | null,
): Promise<Finding> {
  const { id: channelId, uid } = record.channel;
  const finding: Finding = { verdict: 'ignored', reason, detail: unconfirmed ?? null, noticeType, body };
  const arrival = await arrivalOf(intake, finding);
  const log = intake.env.CALLBACK_LOG.getByName(callbackLogNameOf(uid));
  await log.keep({ v: 1, channelId, arrival, evidence, key: noticeId ?? evidence.digest });
  if (unconfirmed !== undefined) raiseAlarm(intake, 'unconfirmed_notice', unconfirmed);
  return finding;
}

async function recordAll(
  { intake, record, deadline }: Route,
  told: readonly Told[],
  evidence: Evidence,
  body: Uint8Array<ArrayBuffer>,
): Promise<Finding> {
  const { env, now: receivedAt, trace } = intake;
  const verdicts = await recordTold({ env, record, deadline, receivedAt, evidence, trace }, told);
  const verdict = verdictOf(verdicts);
  if (verdict === 'refused') {
    return refused(reject('malformed', 'The order already holds more facts than any real order has.'), body);
  }
  const named = told.flatMap(({ translation }) => factsIn(translation));
  const orderNo = named[0]?.orderNo ?? null;
  const noticeType = told[0]?.translation.noticeType ?? null;
  if (verdicts.includes('incomplete')) {
    const about = { hop: 'receive', trace, channel: record.channel.id, orderNo };
    console.warn(JSON.stringify({ ...about, outcome: 'incomplete', noticeType }));
  }
  return { verdict, reason: null, detail: null, orderNo, noticeType, body };
}

const responseOf = ({ status, headers, body }: Answer): Response =>
  new Response(body === '' ? null : body, { status, headers });

// Parsed once per copy of the channel: the ranges are the same array until the copy is renewed.
const allowlists = new WeakMap<readonly string[], Allowlist>();

function allowlistOf({ allowlist: { ranges } }: Channel): Allowlist {
  const known = allowlists.get(ranges);
  if (known) return known;
  const compiled = compileAllowlist(ranges);
  allowlists.set(ranges, compiled);
  return compiled;
}
