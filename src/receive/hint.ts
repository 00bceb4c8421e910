// A callback that cannot be verified yet, because its key is not here: the order that it names is asked about, after
// the answer and within a limit that a flood cannot move. Never believes the callback: only what the provider answers.
import { askerOf } from '../call-provider/ask.ts';
import { query, targetOf } from '../call-provider/query.ts';
import { callbackLogNameOf } from '../core/arrival.ts';
import type { Callback } from '../core/callback.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { HINTS_PER_MINUTE_MAX } from '../core/limits.ts';
import type { Order } from '../core/order.ts';
import { PerMinute } from '../core/per-minute.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { ledgerOf } from '../record.ts';
import { type Intake, logOutage } from './aftermath.ts';

/** What one isolate passes on at most; the channel's own limit is kept where all isolates meet. */
const passed = new PerMinute(HINTS_PER_MINUTE_MAX);

export type Unproved = {
  readonly intake: Intake;
  readonly record: ChannelRecord;
  readonly provider: AnyProvider;
  readonly credentials: unknown;
};

/** Answers nothing: whatever comes of it comes as a fact. */
export function followHint(unproved: Unproved, callback: Callback): void {
  const { intake, record, provider } = unproved;
  if (!provider.hint || !provider.query) return;
  const following = follow(unproved, provider.hint, callback);
  intake.ctx.waitUntil(following.catch((error: unknown) => logOutage('hint', record.channel.id, error, intake.now)));
}

async function follow(
  { intake, record, provider, credentials }: Unproved,
  hint: NonNullable<AnyProvider['hint']>,
  callback: Callback,
): Promise<void> {
  const { env, now } = intake;
  const { uid } = record.channel;
  const hinted = await hint(callback, credentials);
  if (hinted === null || !passed.allows(uid, now)) return;
  const { isSealed, target } = hinted;
  // What anybody may have written brings no order in, and says nothing of one that is paid.
  const order = isSealed || target.orderNo === undefined ? null : await orderOf(env, record, target.orderNo);
  if (!isSealed && (order === null || order.paymentState === 'paid')) return;
  if (!(await env.CALLBACK_LOG.getByName(callbackLogNameOf(uid)).mayFollow(now))) return;
  const asker = await askerOf(env, record);
  const known = order === null ? {} : targetOf(order.orderNo, order);
  const heard = await query({ ...asker, provider }, { ...known, ...target });
  if (heard && !heard.ok) logOutage('hint', record.channel.id, new Error(heard.error.detail), now);
}

const orderOf = async (env: Env, record: ChannelRecord, orderNo: string): Promise<Order | null> =>
  (await ledgerOf(env, record, orderNo).readOrder(orderNo))?.order ?? null;
