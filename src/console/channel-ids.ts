// The ids of all channels, for filters to choose from. None for a key that may not list them.
import { z } from 'zod';
import { get } from './call.ts';
import { type Context, type Guest, may } from './kit.ts';

const Ids = z.object({ items: z.array(z.object({ id: z.string() })) });

export async function channelIds(c: Context, guest: Guest): Promise<readonly string[]> {
  if (!may(guest, 'read')) return [];
  const page = await get(c, '/v1/channels?limit=200', Ids);
  return page.ok ? page.value.items.map(({ id }) => id) : []; // a filter must not take its list along
}
