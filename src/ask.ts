// Asks providers at the ledger's word: the consumer of the queue `ask`. An order that nobody told of is asked about,
// one at its end is closed there, a refund is followed until it is over. Leaves what it heard as facts and says when
// to ask again; remembers nothing itself.

import { askAboutLink } from './ask/link-query.ts';
import { askAboutOrder } from './ask/order-query.ts';
import { type Asker, type AskProblem, askerOf, leavesOpen, notifyUrlOf } from './call-provider/ask.ts';
import { closeOrder } from './call-provider/close.ts';
import { query, targetOf } from './call-provider/query.ts';
import { type Refunding, refundIn, requestIn, requestRefund } from './call-provider/refund.ts';
import type { AlarmCode } from './core/alarm.ts';
import { type AskSchedule, askedBy, CLOSE_SCHEDULE, refundSchedule } from './core/ask-schedule.ts';
import { type ChannelRecord, type ChannelSettings, locatorNameOf } from './core/channel.ts';
import { CLOSE_AFTER_MS_MIN } from './core/limits.ts';
import { expiryOf, type Order } from './core/order.ts';
import type { RefundRequest } from './core/refund-request.ts';
import { unreachable } from './core/result.ts';
import type { AskMessage, FinishTimer } from './core/timer.ts';
import { ledgerOf } from './record.ts';
import { readChannelCopy } from './store/registry-copy.ts';

/** From this many fruitless questions on a person is told. */
const FRUITLESS_MAX = 3;

type Timer = AskMessage['timer'];
/** Those that are asked by a schedule of their own, and end with a person. */
type Followed = Exclude<Timer['kind'], 'query' | 'link'>;

/** What one question came to. */
type Outcome =
  | { readonly kind: 'over' }
  | { readonly kind: 'later'; readonly at: number }
  /** The provider knows it, and it is not over. */
  | { readonly kind: 'waits' }
  | { readonly kind: 'fruitless'; readonly detail: string; readonly isAway?: boolean }
  /** Over for the gateway, and a person's business. */
  | { readonly kind: 'alarm'; readonly code: AlarmCode; readonly detail: string };

type Errand = {
  readonly env: Env;
  readonly record: ChannelRecord;
  readonly timer: Timer;
};

/** How each kind of question is asked again, and what a person is told when it leads nowhere. */
const KINDS = {
  expire: { schedule: () => CLOSE_SCHEDULE, alarm: 'close_failed', ask: closeExpired, since: endOf },
  refund: { schedule: refundSchedule, alarm: 'refund_needs_attention', ask: followRefund, since: refundSince },
} as const satisfies Record<Followed, Kind>;

type Kind = {
  readonly schedule: (settings: ChannelSettings) => AskSchedule;
  readonly alarm: AlarmCode;
  readonly ask: (errand: Errand, order: Order) => Promise<Outcome>;
  /** When the first question was due. */
  readonly since: (order: Order, ref: string) => number;
};

/** Each message by itself, and acknowledged whatever came of it: the ledger sends it again until it hears. */
export async function ask(batch: MessageBatch<AskMessage>, env: Env): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      const { channel, timer } = message.body;
      try {
        await run(env, channel, timer);
      } catch (error) {
        console.error(JSON.stringify({ hop: 'ask', channel, order: timer.orderNo, error: String(error) }));
      }
      message.ack();
    }),
  );
}

async function run(env: Env, channel: string, timer: Timer): Promise<void> {
  const { orderNo, kind } = timer;
  const record = await readChannelCopy(env, channel, Date.now());
  if (!record) throw new Error(`Channel ${channel} is not known.`);
  if (kind === 'link') {
    const locator = env.LOCATOR.getByName(locatorNameOf(record.channel, timer.ref));
    await locator.finishAsk({ v: 1, timer, ...(await askAboutLink(env, record, timer.ref)) });
    return;
  }
  const ledger = ledgerOf(env, record, orderNo);
  const detail = await ledger.readOrder(orderNo);
  if (!detail) return;
  const { order } = detail;
  const asked =
    kind === 'query'
      ? await askAboutOrder(env, record, timer, order)
      : await follow({ env, record, timer }, kind, order);
  await ledger.finishTimer({ v: 1, timer, ...asked });
}

async function follow(errand: Errand, kind: Followed, order: Order): Promise<Pick<FinishTimer, 'next' | 'provider'>> {
  const outcome = await outcomeOf(errand, kind, order);
  const { schedule, since } = KINDS[kind];
  const { settings } = errand.record.channel;
  const { count, next } = askedBy(schedule(settings), since(order, errand.timer.ref), Date.now());
  await tellPerson(errand, kind, outcome, count, next === null);
  const isAway = outcome.kind === 'fruitless' && outcome.isAway === true;
  return { next: nextOf(outcome, next), provider: isAway ? 'away' : 'there' };
}

/** What cannot even be asked is fruitless too: credentials that do not open, a part of ours that is away. */
async function outcomeOf(errand: Errand, kind: Followed, order: Order): Promise<Outcome> {
  try {
    if (errand.record.channel.status === 'disabled') return { kind: 'waits' };
    return await KINDS[kind].ask(errand, order);
  } catch (error) {
    return { kind: 'fruitless', detail: String(error) };
  }
}

function nextOf(outcome: Outcome, next: number | null): number | null {
  switch (outcome.kind) {
    case 'over':
    case 'alarm':
      return null;
    case 'later':
      return outcome.at;
    case 'waits':
    case 'fruitless':
      return next;
    default:
      return unreachable(outcome);
  }
}

/** The same alarm again is a count, so that a question that is asked twice makes no second one. */
async function tellPerson(
  { env, record, timer }: Errand,
  kind: Followed,
  outcome: Outcome,
  count: number,
  isLast: boolean,
) {
  const { orderNo, ref } = timer;
  const isFruitless = outcome.kind === 'fruitless' && count >= FRUITLESS_MAX;
  if (outcome.kind !== 'alarm' && !isFruitless && !(outcome.kind === 'waits' && isLast)) return;
  const given = `It was asked about ${count} times and is not over${ref && ` (refund ${ref})`}: look at the provider.`;
  const detail = outcome.kind === 'waits' ? given : outcome.detail;
  const subject = `order/${record.channel.id}/${orderNo}`;
  const code = outcome.kind === 'alarm' ? outcome.code : KINDS[kind].alarm;
  const alarm = { code, subject, detail, at: Date.now() };
  await env.REGISTRY.getByName('registry').raiseAlarms([alarm]);
}

function endOf(order: Order): number {
  return Math.max(expiryOf(order) ?? 0, order.createdAt + CLOSE_AFTER_MS_MIN);
}

/** The order's end: whoever paid in time is recorded, and then nobody may pay any more. */
async function closeExpired({ env, record }: Errand, order: Order): Promise<Outcome> {
  const asker = await askerOf(env, record);
  const { close } = asker.provider;
  if (!close || !order.closeOnExpiry) {
    const heard = await query(asker, targetOf(order.orderNo, order));
    return heard === null || heard.ok ? { kind: 'over' } : fruitless(heard.error, '');
  }
  const closing = await closeOrder({ ...asker, close }, order, Date.now());
  switch (closing.kind) {
    case 'closed':
    case 'paid':
      return { kind: 'over' };
    case 'too_early':
      return { kind: 'later', at: closing.from };
    case 'payable':
      return { kind: 'later', at: closing.until };
    case 'problem':
      return fruitless(closing.problem, 'The order could not be closed at its end. ');
    default:
      return unreachable(closing);
  }
}

function refundSince(order: Order, refundNo: string): number {
  return requestIn(order, refundNo)?.requestedAt ?? refundIn(order, refundNo)?.at ?? 0;
}

async function followRefund({ env, record, timer }: Errand, order: Order): Promise<Outcome> {
  const { ref: refundNo } = timer;
  const request = requestIn(order, refundNo);
  if (!request && standing(order, refundNo).kind === 'over') return { kind: 'over' };
  const asker = await askerOf(env, record);
  // A refund that the provider has told of is its own; what it was only asked for may have to be sent again.
  if (!request) return lookAt(asker, order, refundNo);
  const followed = await sendAgain(asker, order, request);
  switch (followed.kind) {
    case 'told':
      return standing(await orderNow(asker, order), refundNo);
    case 'open':
      return fruitless(followed.problem, `Nobody knows what became of refund ${refundNo}. `);
    case 'refused': {
      const told = `The provider refused refund ${refundNo}, and its amount is free again. ${followed.problem.detail}`;
      return { kind: 'alarm', code: 'refund_refused', detail: told };
    }
    default:
      return unreachable(followed);
  }
}

const fruitless = ({ code, detail }: AskProblem, before: string): Outcome => ({
  kind: 'fruitless',
  detail: before + detail,
  isAway: code === 'unavailable' || code === 'timed_out',
});

/** A channel that cannot be asked hears of its refunds by their notices alone. */
async function lookAt(asker: Asker, order: Order, refundNo: string): Promise<Outcome> {
  const heard = await query(asker, { ...targetOf(order.orderNo, order), refundNo });
  if (heard === null || (!heard.ok && heard.error.code === 'not_configured')) return { kind: 'over' };
  if (heard.ok) return standing(await orderNow(asker, order), refundNo);
  if (!leavesOpen(heard.error)) return { kind: 'waits' };
  return fruitless(heard.error, `Nobody knows what became of refund ${refundNo}. `);
}

async function sendAgain(asker: Asker, order: Order, request: RefundRequest): Promise<Refunding> {
  const { refund } = asker.provider;
  const notifyUrl = notifyUrlOf(asker.env, asker.record.channel);
  if (!refund || notifyUrl === null) throw new Error('The channel can no longer be asked for refunds.');
  return requestRefund({ ...asker, refund, notifyUrl }, order, request, true);
}

const orderNow = async ({ env, record }: Asker, { orderNo }: Order): Promise<Order | null> =>
  (await ledgerOf(env, record, orderNo).readOrder(orderNo))?.order ?? null;

function standing(order: Order | null, refundNo: string): Outcome {
  const state = order && refundIn(order, refundNo)?.state;
  return state === 'pending' || state === 'needs_attention' ? { kind: 'waits' } : { kind: 'over' };
}
