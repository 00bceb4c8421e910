// Sends a test callback the way of a real one: written in the provider's form, proved, translated, recorded in the
// ledger for tests, and from there dispatched and delivered. Never touches a real order, a link or a figure.
import type { Callback } from '../core/callback.ts';
import type { ChannelRecord } from '../core/channel.ts';
import type { PaymentEvent } from '../core/event.ts';
import { DAY_MS, REHEARSALS_PER_DAY_MAX, REHEARSALS_PER_MINUTE_MAX } from '../core/limits.ts';
import {
  dayIn,
  type RehearsalOutcome,
  type RehearsalReply,
  rehearsalDayOf,
  rehearsalDispatch,
  rehearsalLedgerOf,
} from '../core/rehearsal.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import { sha256, toHex, utf8 } from '../crypto/bytes.ts';
import { REHEARSAL_SEED_BYTES, rehearsalNoOf } from '../crypto/rehearsal-no.ts';
import { readConfig } from '../env.ts';
import { evidenceOf, otherEnvironment, prove, verdictOf } from '../judge.ts';
import { providerOf } from '../providers/index.ts';
import type { AnyProvider, Translation } from '../providers/provider.ts';
import { newId, recordTold } from '../record.ts';
import { openCredentials, previousOpener } from '../store/registry-copy.ts';
import { actOf, actorOf, idempotencyKeyOf } from './auth.ts';
import { newPair } from './key-pair.ts';
import { type Context, registryOf } from './kit.ts';
import type { Problem } from './problem.ts';

/** One smallest unit: should anybody take it for money, it is little. */
const AMOUNT_MINOR = 1;

export const testLedger = (env: Env, { channel }: ChannelRecord, orderNo: string) =>
  env.LEDGER.getByName(rehearsalLedgerOf(channel.uid, dayIn(orderNo)));

type Writer = Exclude<AnyProvider['testCallback'], { readonly without: unknown }>;
type Test = {
  readonly env: Env;
  readonly record: ChannelRecord;
  readonly provider: AnyProvider;
  readonly credentials: unknown;
  readonly orderNo: string;
  readonly now: number;
};

/** What became of the callback. The same Idempotency-Key means the same test. */
export async function rehearse(c: Context, record: ChannelRecord): Promise<Result<RehearsalOutcome, Problem>> {
  const { env } = c;
  const { channel } = record;
  const provider = providerOf(channel.provider);
  if (provider === null) throw new Error(`This version of the gateway has no provider ${channel.provider}.`);
  const { testCallback } = provider;
  if ('without' in testCallback) return err({ code: 'test_not_supported', detail: testCallback.without.en });
  const now = Date.now();
  const orderNo = await orderNoOf(c, record, now);
  const ledger = testLedger(env, record, orderNo);
  const actor = actorOf(c, null);
  const begun = await ledger.beginRehearsal({ v: 1, orderNo, dispatch: rehearsalDispatch(record.dispatch), actor });
  if (begun.kind === 'busy') return err(busy(begun));
  if (begun.kind === 'begun') await registryOf(env).noteAct(actOf(c), now);
  const credentials = await openCredentials(record, readConfig(env).masterKey);
  const test = { env, record, provider, credentials, orderNo, now };
  const known = begun.kind === 'known' ? await becameOf(test) : null;
  if (known) return ok(known);
  const outcome = await send(test, testCallback);
  if (outcome.ok) await ledger.keepRehearsal(outcome.value);
  return outcome;
}

/** Longest that a repeated request waits for the first one, which may still be at it. */
const FIRST_WITHIN_MS = 5_000;
const LOOK_EVERY_MS = 250;

/** What became of a test that was begun before; null where it was cut off before anything was recorded. */
async function becameOf(test: Test): Promise<RehearsalOutcome | null> {
  const { env, record, provider, credentials, orderNo, now } = test;
  const ledger = testLedger(env, record, orderNo);
  for (;;) {
    const kept = await ledger.readRehearsal(orderNo);
    if (kept) return kept;
    if (Date.now() - now > FIRST_WITHIN_MS) break;
    await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
  }
  const fact = (await ledger.readOrder(orderNo))?.timeline.find(({ kind }) => kind === 'fact');
  const kept = await ledger.readCallback(1);
  if (fact === undefined || kept === null) return null;
  // Cut off between its fact and the word about it. A second callback would be a second payment.
  const headers = kept.contentType === null ? kept.headers : { ...kept.headers, 'content-type': kept.contentType };
  const callback = { channelId: record.channel.id, headers, body: kept.body, remoteAddress: null, receivedAt: fact.at };
  const isShared = (await provider.verify(callback, credentials, record.keys, fact.at)).ok;
  const outcome: RehearsalOutcome = {
    ...{ orderNo, at: fact.at, verdict: 'accepted', reason: null, detail: null, noticeType: null },
    answer: provider.acknowledge({ kind: 'accepted' }, credentials),
    signedWith: isShared ? 'shared_secret' : 'test_key',
  };
  await ledger.keepRehearsal(outcome);
  return outcome;
}

/** Made of the Idempotency-Key where there is one, which is good for a day: the test may have been sent yesterday. */
async function orderNoOf(c: Context, record: ChannelRecord, now: number): Promise<string> {
  const { masterKey } = readConfig(c.env);
  const { uid } = record.channel;
  const key = idempotencyKeyOf(c);
  if (key === null) {
    const seed = crypto.getRandomValues(new Uint8Array(REHEARSAL_SEED_BYTES));
    return rehearsalNoOf(masterKey, rehearsalDayOf(now), seed);
  }
  const seed = await sha256(utf8(`${uid}\n${key}`));
  const before = await rehearsalNoOf(masterKey, rehearsalDayOf(now - DAY_MS), seed);
  if ((await testLedger(c.env, record, before).readRehearsal(before)) !== null) return before;
  return rehearsalNoOf(masterKey, rehearsalDayOf(now), seed);
}

const busy = ({ perMinute }: Extract<RehearsalReply, { readonly kind: 'busy' }>): Problem => ({
  code: 'rate_limited',
  detail: perMinute
    ? `A channel takes ${REHEARSALS_PER_MINUTE_MAX} test callbacks a minute: wait a moment, then send it again.`
    : `A channel takes ${REHEARSALS_PER_DAY_MAX} test callbacks a day (UTC): send it again tomorrow.`,
});

async function send(test: Test, { currency, write }: Writer): Promise<Result<RehearsalOutcome, Problem>> {
  const { record, provider, credentials, orderNo, now } = test;
  const { channel } = record;
  const order = { orderNo, amount: { minor: AMOUNT_MINOR, currency }, sandbox: channel.environment === 'test' };
  const nonce = toHex(crypto.getRandomValues(new Uint8Array(16)));
  const written = await write(order, credentials, { now, nonce, makeKeys: newPair });
  if (!written.ok) return err({ code: 'test_not_supported', detail: written.error });
  const { contentType, headers, body, provedBy } = written.value;
  const all = contentType === null ? headers : { ...headers, 'content-type': contentType };
  const callback = { channelId: channel.id, headers: all, body, remoteAddress: null, receivedAt: now };
  const proofs = provedBy ?? { credentials };
  const judged = await judge(test, callback, proofs);
  const kind = judged.ok ? ({ kind: 'accepted' } as const) : ({ kind: 'rejected', rejection: judged.error } as const);
  return ok({
    orderNo,
    at: now,
    verdict: judged.ok ? judged.value.verdict : 'rejected',
    reason: judged.ok ? null : judged.error.reason,
    detail: judged.ok ? null : judged.error.detail,
    noticeType: judged.ok ? judged.value.noticeType : null,
    answer: provider.acknowledge(kind, credentials),
    signedWith: provedBy ? 'test_key' : 'shared_secret',
  });
}

type Proofs = { readonly credentials: unknown; readonly keys?: ChannelRecord['keys'] };
type Judged = { readonly verdict: RehearsalOutcome['verdict']; readonly noticeType: string };

/** As POST /callbacks does, save for the caller's address, which is not the provider's. */
async function judge(test: Test, callback: Callback, proofs: Proofs): Promise<Result<Judged, Rejection>> {
  const { env, record, provider, credentials: own, now } = test;
  const { channel } = record;
  if (channel.status === 'disabled') {
    return err(reject('channel_disabled', 'The channel is disabled; enable it, and the provider will call again.'));
  }
  const previous = proofs.credentials === own ? previousOpener(record, readConfig(env).masterKey, now) : null;
  const { credentials: newest, keys = record.keys } = proofs;
  const proved = await prove({ provider, callback, newest, previous, keys, now });
  if (!proved.ok) return proved;
  const { notification, credentials } = proved.value;
  const translated = provider.translate(notification, credentials);
  if (!translated.ok) return translated;
  const stranger = otherEnvironment(channel, translated.value.events);
  if (stranger !== null) return err(stranger);
  const told = rehearsed(translated.value, test.orderNo);
  const [payment] = told.events;
  const { noticeType } = told;
  if (payment === undefined) return ok({ verdict: 'ignored', noticeType });
  if (channel.mode === 'registered') await register(test, payment);
  const headerNames = provider.evidenceHeadersOf?.(credentials) ?? provider.evidenceHeaders;
  const evidence = await evidenceOf(callback, new Uint8Array(callback.body), headerNames);
  const verdicts = await recordTold(
    {
      env,
      record: { ...record, dispatch: rehearsalDispatch(record.dispatch) },
      deadline: now + provider.ackDeadlineMs,
      receivedAt: now,
      evidence,
      ledger: rehearsalLedgerOf(channel.uid, dayIn(test.orderNo)),
    },
    [{ source: 'callback', translation: told }],
  );
  const verdict = verdictOf(verdicts);
  if (verdict === 'refused') throw new Error('A test order holds more facts than any real one.');
  return ok({ verdict, noticeType });
}

/** Every fact says that it is a test; of another order there is none, and nothing is linked or asked. */
function rehearsed({ events, flags = [], noticeType, noticeId }: Translation, orderNo: string): Translation {
  const stray = [...events, ...flags].find((fact) => fact.orderNo !== orderNo);
  if (stray !== undefined) throw new Error('A test callback told of another order than its own.');
  const test = true;
  return {
    events: events.map((event): PaymentEvent => ({ ...event, test })),
    flags: flags.map((flag) => ({ ...flag, test })),
    noticeType,
    noticeId,
  };
}

/** What the merchant would have done before the payer paid. */
async function register({ env, record, orderNo, now }: Test, { amount }: PaymentEvent): Promise<void> {
  if (amount === null) return;
  const registration = { amount, description: null, expiresAt: null, metadata: {}, registeredAt: now };
  const dispatch = rehearsalDispatch(record.dispatch);
  const request = { v: 1, orderNo, registration, dispatch, eventId: newId('evt') } as const;
  await testLedger(env, record, orderNo).register(request);
}
