// Facts told to a shop's ledger as its callbacks tell them, past the provider's own words.
import { env } from 'cloudflare:workers';
import type { Fact } from '../../src/core/event.ts';
import { newId, recordTold } from '../../src/record.ts';
import type { Shop } from './order-world.ts';

/** The ledger's verdict on each fact. */
export async function hear(shop: Shop, ...facts: Fact[]): Promise<string[]> {
  const record = await env.REGISTRY.getByName('registry').readChannel(shop.channel);
  const [first] = facts;
  if (!record || !first) throw new Error('nothing to tell');
  const inputs = facts.map((event) => {
    return { eventId: newId('evt'), event, source: 'callback', receivedAt: Date.now(), evidence: null } as const;
  });
  const reply = await (await shop.ledger(first.orderNo)).record({ v: 1, facts: inputs, dispatch: record.dispatch });
  return reply.map(({ verdict }) => verdict);
}

/** The same by the ordinary door, for what names no order. */
export async function hearUnlinked(shop: Shop, translation: Parameters<typeof recordTold>[1][number]['translation']) {
  const record = await env.REGISTRY.getByName('registry').readChannel(shop.channel);
  if (!record) throw new Error('the channel is gone');
  const now = Date.now();
  const recording = { env, record, deadline: now + 4_000, receivedAt: now, evidence: null };
  return recordTold(recording, [{ source: 'callback', translation }]);
}
