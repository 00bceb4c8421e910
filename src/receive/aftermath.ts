// What a callback leaves behind besides its facts: counts and samples of arrivals, alarms, a wish for fresh keys. All
// of it after the answer and bounded per isolate: a flood of refusals writes nothing per request.
import type { Answer } from '../core/acknowledgement.ts';
import type { AlarmCode } from '../core/alarm.ts';
import { type Arrival, type ArrivalBatch, ArrivalBuffer, OncePer } from '../core/arrival.ts';
import type { Verdict } from '../core/callback.ts';
import { ALARM_INTERVAL_MIN_MS, ARRIVAL_FLUSH_MS, KEY_REFRESH_INTERVAL_MIN_MS } from '../core/limits.ts';
import { ORDER_NO } from '../core/order-no.ts';
import type { RejectionReason } from '../core/rejection.ts';
import { sha256, toHex } from '../crypto/bytes.ts';
import { logHop, mayLogRefusal } from '../log.ts';
import { newId } from '../record.ts';

/** One callback on its way through. */
export type Intake = {
  readonly request: Request;
  readonly env: Env;
  readonly ctx: ExecutionContext;
  /** As the path says; untrusted. */
  readonly channelId: string;
  readonly remoteAddress: string | null;
  /** When it arrived. */
  readonly now: number;
  readonly trace: string;
};

export type Finding = {
  readonly verdict: Verdict;
  readonly reason: RejectionReason | null;
  readonly detail: string | null;
  readonly orderNo?: string | null;
  readonly noticeType?: string | null;
  /** What the provider asked for, in place of an acknowledgement. Such an arrival leaves no fact. */
  readonly answer?: Answer;
  /** Ignored and not kept: anybody may have sent it. */
  readonly isAnybodys?: true;
  /** The key to look for, where a refusal names one. */
  readonly keyId?: string;
  /** The order that a refused callback names: unproved, and read after the answer, for a sample alone. */
  readonly claims?: () => Promise<string | null>;
  /** Null where it was never read. */
  readonly body?: Uint8Array<ArrayBuffer> | null;
};

/** Longest texts in a sample: whoever sends them is a stranger. */
const DETAIL_CHARS_MAX = 300;
const ADDRESS_CHARS_MAX = 64;
const CHANNEL_CHARS_MAX = 64;
const RAY_CHARS_MAX = 40;
/** Tries of one flush; what is left goes with the next arrival. */
const FLUSH_TRIES_MAX = 5;

let arrivals: ArrivalBuffer | null = null; // made by the first arrival: an isolate has no randomness before it
const alarmsRaised = new OncePer(ALARM_INTERVAL_MIN_MS);
const keysAsked = new OncePer(KEY_REFRESH_INTERVAL_MIN_MS);
const outagesLogged = new OncePer(ALARM_INTERVAL_MIN_MS);

export async function arrivalOf(intake: Intake, finding: Finding): Promise<Arrival> {
  const body = finding.body ?? null;
  return {
    id: newId('cb'),
    at: intake.now,
    verdict: finding.verdict,
    reason: finding.reason,
    detail: finding.detail?.slice(0, DETAIL_CHARS_MAX) ?? null,
    remoteAddress: intake.remoteAddress?.slice(0, ADDRESS_CHARS_MAX) ?? null,
    orderNo: finding.orderNo ?? (await claimedBy(finding)),
    noticeType: finding.noticeType ?? null,
    digest: body === null ? null : toHex(await sha256(body)),
    bytes: body === null ? null : body.length,
  };
}

/** What a stranger may have written counts as a number only where it looks like one. */
async function claimedBy({ claims }: Finding): Promise<string | null> {
  const orderNo = (await claims?.().catch(() => null)) ?? '';
  return ORDER_NO.test(orderNo) ? orderNo : null;
}

/** One line for the callback. A caller who is refused again and again does not fill the log. */
export function logReceived({ env, channelId, now, trace, request }: Intake, finding: Finding): void {
  const { verdict: outcome, reason, orderNo = null } = finding;
  if (outcome === 'rejected' && !mayLogRefusal(now)) return;
  const channel = channelId.slice(0, CHANNEL_CHARS_MAX);
  const ray = request.headers.get('cf-ray')?.slice(0, RAY_CHARS_MAX) ?? null;
  logHop(env, { hop: 'receive', trace, channel, orderNo, outcome, ms: Date.now() - now, more: { reason, ray } });
}

/** Counts the arrival now; samples and flushes it after the answer. `log` names the channel's log object. */
export function noteArrival(intake: Intake, log: string, channelId: string, finding: Finding): void {
  arrivals ??= new ArrivalBuffer(newId('iso'));
  const { verdict, reason } = finding;
  const buffer = arrivals;
  if (buffer.count(log, channelId, { at: intake.now, verdict, reason })) {
    const sampling = arrivalOf(intake, finding).then((sample) => buffer.addSample(log, channelId, sample));
    intake.ctx.waitUntil(sampling);
  }
  if (buffer.promiseFlush(Date.now())) intake.ctx.waitUntil(flushLater(intake.env, buffer));
}

/** Waits, then sends everything; what could not be sent stays and is sent again as it was, by one flush at a time. */
async function flushLater(env: Env, buffer: ArrivalBuffer): Promise<void> {
  for (let tries = 1; ; tries++) {
    await new Promise((resume) => setTimeout(resume, ARRIVAL_FLUSH_MS));
    await Promise.all(buffer.take().map((batch) => send(env, buffer, batch)));
    if (!buffer.isWaiting || tries === FLUSH_TRIES_MAX || !buffer.promiseFlush(Date.now())) return;
  }
}

async function send(env: Env, buffer: ArrivalBuffer, batch: ArrivalBatch): Promise<void> {
  try {
    await env.CALLBACK_LOG.getByName(batch.log).note(batch);
    buffer.confirm(batch);
  } catch (error) {
    logOutage('callback_log', batch.channelId, error, Date.now());
  }
}

/** Tells a person, once a minute per code and channel. */
export function raiseAlarm(intake: Intake, code: AlarmCode, detail: string): void {
  const { env, ctx, channelId, now } = intake;
  if (!alarmsRaised.allows(`${code} ${channelId}`, now)) return;
  const alarm = { code, subject: `channel/${channelId}`, detail, at: now };
  const raising = env.REGISTRY.getByName('registry').raiseAlarms([alarm]);
  ctx.waitUntil(raising.catch((error: unknown) => logOutage('registry', channelId, error, now)));
}

/** Asks the registry to look for keys it lacks; random names of keys cannot make it more than once a minute. */
export function askForKeys(intake: Intake, keyId?: string): void {
  const { env, ctx, channelId, now } = intake;
  if (!keysAsked.allows(channelId, now)) return;
  const asking = env.REGISTRY.getByName('registry').refreshKeys(channelId, now, keyId);
  ctx.waitUntil(asking.catch((error: unknown) => logOutage('registry', channelId, error, now)));
}

/** One line a minute per part and channel: an outage under load must not become a flood of lines. */
export function logOutage(part: string, channelId: string, error: unknown, now: number): void {
  if (!outagesLogged.allows(`${part} ${channelId}`, now)) return;
  const text = error instanceof Error ? error.message : String(error);
  console.error(JSON.stringify({ hop: 'receive', part, channel: channelId, error: text }));
}
