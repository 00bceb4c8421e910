// Gathers what a diagnosis is made from: the channel, one call to its address, the order, what its provider
// says now, its origins, and what the lists know of the time. Judges nothing.
import { askerOf } from '../call-provider/ask.ts';
import { query, targetOf } from '../call-provider/query.ts';
import type { AlarmRecord } from '../core/alarm.ts';
import type { ChannelRecord } from '../core/channel.ts';
import type { Asked, DiagnosisFacts, OriginSeen, Reach } from '../core/diagnosis.ts';
import { PERMIT_TIMEOUT_MS } from '../core/limits.ts';
import type { OrderDetail } from '../core/record.ts';
import { within } from '../core/within.ts';
import { isRehearsalNo } from '../crypto/rehearsal-no.ts';
import { readConfig } from '../env.ts';
import type { QueryTarget } from '../providers/provider.ts';
import { ledgerOf } from '../record.ts';
import { findOrderNo, type Look, readArrivals } from '../store/diagnosis.ts';
import { registryOf } from './kit.ts';
import { askBudget } from './order-actions.ts';
import { reachOf } from './reach.ts';

/** Around a moment that is named, or at which the order was paid. */
const AROUND_MS = 10 * 60_000;
/** From an order's beginning, where nobody knows when it was paid. */
const SPAN_MS_MAX = 3 * 3_600_000;
/** How long before the time an alarm may have been raised last. */
const ALARM_MS = 24 * 3_600_000;

export type Question = {
  readonly orderNo: string | null;
  readonly transactionId: string | null;
  readonly at: number | null;
  /** Whether the provider and the address may be called, or only what is known may be read. */
  readonly mayCall: boolean;
};

export async function gather(
  env: Env,
  record: ChannelRecord,
  question: Question,
  now: number,
): Promise<DiagnosisFacts> {
  const { channel } = record;
  const { publicUrl, isLocal } = readConfig(env);
  const callbackUrl = publicUrl === null ? null : `${publicUrl}/callbacks/${channel.id}`;
  const [reach, heard, origins, alarms] = await Promise.all([
    question.mayCall && callbackUrl !== null ? reachOf(callbackUrl, now) : ({ kind: 'skipped' } satisfies Reach),
    hearOf(env, record, question),
    Promise.all(channel.origins.map((id) => originSeen(env, id))),
    registryOf(env).alarmsAbout(`channel/${channel.id}`),
  ]);
  const { orderNo, order, asked } = heard;
  const [from, to] = timeOf(question, order, now);
  return {
    now,
    channel: { id: channel.id, status: channel.status, allowlist: channel.allowlist.mode, origins },
    callbackUrl,
    isLocal,
    reach,
    from,
    to,
    arrivals: await arrivalsOf(env, record, { from, to, orderNo }),
    alarms: alarms.filter((alarm) => stoodAt(alarm, from, to)),
    orderNo,
    isRehearsal: heard.isRehearsal,
    order,
    asked,
  };
}

/** One that was over before the time began explains nothing of it. */
const stoodAt = ({ state, actedAt, firstAt, lastAt }: AlarmRecord, from: number, to: number): boolean =>
  lastAt >= from - ALARM_MS && firstAt <= to && (state !== 'resolved' || (actedAt ?? 0) >= from);

type Heard = Pick<DiagnosisFacts, 'orderNo' | 'isRehearsal' | 'order' | 'asked'>;

/** Asks what is allowed to be asked; what the provider says is recorded as a query of the order is. */
async function hearOf(env: Env, record: ChannelRecord, question: Question): Promise<Heard> {
  const { transactionId } = question;
  const { masterKey } = readConfig(env);
  const orderNo = question.orderNo ?? (await orderNoOf(env, record, transactionId));
  if (orderNo !== null && (await isRehearsalNo(masterKey, orderNo))) {
    return { orderNo, isRehearsal: true, order: null, asked: { kind: 'not_named' } };
  }
  const isRehearsal = false;
  const before = orderNo === null ? null : await ledgerOf(env, record, orderNo).readOrder(orderNo);
  if (orderNo === null && transactionId === null)
    return { orderNo, isRehearsal, order: null, asked: { kind: 'not_named' } };
  const target = { ...targetOf(orderNo ?? '', before?.order ?? null), ...(transactionId ? { transactionId } : {}) };
  const { orderNo: _, ...unnamed } = target;
  const { asked, named } = await ask(env, record, orderNo === null ? unnamed : target, question.mayCall);
  const found = orderNo ?? named;
  if (found === null) return { orderNo: null, isRehearsal, order: null, asked };
  const order = await ledgerOf(env, record, found).readOrder(found);
  if (asked.kind !== 'found') return { orderNo: found, isRehearsal, order, asked };
  return { orderNo: found, isRehearsal, order, asked: { ...asked, isNews: isNews(before, order) } };
}

/** The lists know of most; where they do not, or cannot be read, the provider's answer may name it. */
async function orderNoOf(env: Env, { channel }: ChannelRecord, transactionId: string | null): Promise<string | null> {
  if (transactionId === null) return null;
  try {
    return await findOrderNo(env.DB, channel.id, transactionId);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'diagnose', channel: channel.id, error: String(error) }));
    return null;
  }
}

type Answer = { readonly asked: Asked; readonly named: string | null };

async function ask(env: Env, record: ChannelRecord, target: QueryTarget, mayCall: boolean): Promise<Answer> {
  const { channel } = record;
  const without = (asked: Asked): Answer => ({ asked, named: null });
  if (!mayCall) return without({ kind: 'skipped' });
  if (channel.status === 'disabled') return without({ kind: 'disabled' });
  if (!askBudget.take(channel.uid, 1, Date.now())) return without({ kind: 'busy' });
  const heard = await query(await askerOf(env, record), target);
  if (heard === null) return without({ kind: 'cannot' });
  if (!heard.ok) return without({ kind: 'problem', code: heard.error.code, detail: heard.error.detail });
  const { isFound, facts, providerState } = heard.value;
  const named = facts[0]?.orderNo ?? null;
  if (!isFound) return without({ kind: target.orderNo === undefined ? 'nameless' : 'unknown' });
  if (target.orderNo === undefined && named === null) return without({ kind: 'nameless' });
  const isPaid = facts.some((fact) => fact.kind === 'payment' && fact.status === 'succeeded');
  return { asked: { kind: 'found', providerState: providerState ?? '', isPaid, isNews: false }, named };
}

/** Whether something came of the answer that a callback should have told. */
function isNews(before: OrderDetail | null, after: OrderDetail | null): boolean {
  const known = new Set(before?.timeline.map(({ eventId }) => eventId));
  return (after?.timeline ?? []).some(
    ({ kind, source, type, eventId }) =>
      kind === 'fact' &&
      source === 'query' &&
      typeof type === 'string' &&
      !type.endsWith('.pending') &&
      !known.has(eventId),
  );
}

function timeOf({ at }: Question, detail: OrderDetail | null, now: number): readonly [from: number, to: number] {
  const order = detail?.order;
  const moment = at ?? order?.payments[0]?.paidAt ?? null;
  if (moment !== null) return [moment - AROUND_MS, Math.min(moment + AROUND_MS, Math.max(now, moment))];
  if (order) return [order.createdAt, Math.min(order.createdAt + SPAN_MS_MAX, now)];
  return [now - AROUND_MS, now];
}

async function arrivalsOf(
  env: Env,
  { channel }: ChannelRecord,
  time: Pick<Look, 'from' | 'to' | 'orderNo'>,
): Promise<DiagnosisFacts['arrivals']> {
  const all = await registryOf(env).listChannels();
  const others = all.filter((one) => one.channel.provider === channel.provider && one.channel.id !== channel.id);
  const { id, updatedAt: changedAt } = channel;
  try {
    return await readArrivals(env.DB, { ...time, channel: id, others: others.map((one) => one.channel.id), changedAt });
  } catch (error) {
    console.error(JSON.stringify({ hop: 'diagnose', channel: id, error: String(error) })); // the rest is told without
    return null;
  }
}

async function originSeen(env: Env, id: string): Promise<OriginSeen> {
  const [origin, gate] = await Promise.all([registryOf(env).readOrigin(id), gateOf(env, id)]);
  if (!origin) return { id, status: 'missing', pauseReason: null, hasFilter: false, acceptsTest: false, gate: null };
  const { status, pauseReason, settings } = origin;
  const { filter, acceptsTest } = settings;
  return { id, status, pauseReason, hasFilter: filter !== null, acceptsTest, gate };
}

async function gateOf(env: Env, id: string): Promise<OriginSeen['gate']> {
  try {
    return await within(env.ORIGIN_GATE.getByName(`v1:${id}`).state(), PERMIT_TIMEOUT_MS, `The gate of ${id}`);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'gate', origin: id, error: String(error) }));
    return null;
  }
}
