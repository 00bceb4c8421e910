// One question of the clock: what the provider knows of an order that nobody has told of. Leaves what it heard as
// facts; the ledger plans what is due next. Never tells a person of one order: its end and its bill do.
import { type AskProblem, askerOf } from '../call-provider/ask.ts';
import { isPaidIn, query, targetOf } from '../call-provider/query.ts';
import { OncePer } from '../core/arrival.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { QUERY_AGAIN_MS } from '../core/limits.ts';
import type { Order } from '../core/order.ts';
import type { FinishTimer, Timer } from '../core/timer.ts';
import type { QueryTarget } from '../providers/provider.ts';

/** What the ledger is told of a question. */
export type Asked = Pick<FinishTimer, 'next' | 'plan' | 'provider'>;

const GO_ON: Asked = { next: null, plan: 'go_on' };
/** No more than one line a day and channel says that it cannot be asked. */
const cannotAsk = new OncePer(86_400_000);
/** Channels whose questions failed alike at once are asked again apart. */
const JITTER_SHARE = 0.2;

export function askAboutOrder(env: Env, record: ChannelRecord, { ref }: Timer, order: Order): Promise<Asked> {
  const target = ref === '' ? targetOf(order.orderNo, order) : restOf(order);
  return carefully(record, order.orderNo, () => ask(env, record, target, order));
}

/** Credentials that do not open, a part of ours that is away: no word of the provider's. */
export async function carefully(record: ChannelRecord, about: string, step: () => Promise<Asked>): Promise<Asked> {
  const { id, status } = record.channel;
  if (status === 'disabled') return GO_ON;
  try {
    return await step();
  } catch (error) {
    console.error(JSON.stringify({ hop: 'ask', channel: id, about, error: String(error) }));
    return { next: soon(), plan: 'go_on' };
  }
}

/** What would complete a notice: the payment that it names, where it names one. */
function restOf({ orderNo, partial, registration }: Order): QueryTarget {
  const transactionId = partial?.transactionId ?? null;
  const metadata = registration?.metadata ?? {};
  return { orderNo, metadata, ...(transactionId === null ? {} : { transactionId }) };
}

async function ask(env: Env, record: ChannelRecord, target: QueryTarget, order: Order): Promise<Asked> {
  const asker = await askerOf(env, record);
  const heard = await query(asker, target);
  if (heard === null) return { next: null, plan: 'end' };
  if (!heard.ok) return unheard(heard.error, record.channel.id);
  // Of an order that waits for its registration there is nothing more to learn.
  const isLearnt = order.parkedAt !== null && isPaidIn(heard.value, order.orderNo);
  return { ...(isLearnt ? { next: null, plan: 'end' } : GO_ON), provider: 'there' };
}

export function unheard({ code, detail }: AskProblem, channel: string): Asked {
  switch (code) {
    case 'not_configured':
      if (cannotAsk.allows(channel, Date.now())) console.log(JSON.stringify({ hop: 'ask', channel, detail }));
      return { next: null, plan: 'end' };
    case 'timed_out':
    case 'unavailable':
      return { next: soon(), plan: 'go_on', provider: 'away' };
    case 'unverified':
    case 'malformed':
      return { next: soon(), plan: 'go_on', provider: 'there' };
    case 'refused':
    case 'insufficient_balance':
    case 'already_paid':
      return { ...GO_ON, provider: 'there' };
  }
}

const soon = () => Date.now() + QUERY_AGAIN_MS * (1 + Math.random() * JITTER_SHARE);
