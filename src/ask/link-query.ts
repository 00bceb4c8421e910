// One question about a provider's id whose order nobody knows: facts wait for it in the locator. The answer enters by
// the ordinary door, its order and its link too. Never guesses an order from anything else than the provider's answer.
import { askerOf, askProvider } from '../call-provider/ask.ts';
import { aboutOf, hear } from '../call-provider/query.ts';
import type { ChannelRecord } from '../core/channel.ts';
import type { Link } from '../core/event.ts';
import type { Translation } from '../providers/provider.ts';
import { type Asked, carefully, unheard } from './order-query.ts';

export function askAboutLink(env: Env, record: ChannelRecord, linkId: string): Promise<Asked> {
  return carefully(record, linkId, async () => {
    const asker = await askerOf(env, record);
    const { query } = asker.provider;
    if (!query) return { next: null, plan: 'end' };
    const said = await askProvider(asker, aboutOf(query, { transactionId: linkId }, asker.credentials));
    if (!said.ok) return unheard(said.error, record.channel.id);
    const { value, answer } = said.value;
    const heard = await hear(asker, { answer, value: { ...value, links: linksOf(value, linkId) } });
    return heard.ok ? { next: null, plan: 'go_on', provider: 'there' } : unheard(heard.error, record.channel.id);
  });
}

/** The payment that was asked about names its order, even where the provider's notices alone give links. */
function linksOf({ events, links = [] }: Translation, linkId: string): readonly Link[] {
  const about = events.find((event) => event.kind === 'payment' && event.transactionId === linkId);
  const isLinked = links.some(({ id }) => id === linkId);
  return about && !isLinked ? [...links, { id: linkId, orderNo: about.orderNo }] : links;
}
