// The ids of all channels and origins, for filters to choose from. None for a key that may not list them.
import { z } from 'zod';
import { get } from './call.ts';
import { type Context, type Guest, may } from './kit.ts';

const Ids = z.object({ items: z.array(z.object({ id: z.string() })) });

async function idsOf(c: Context, guest: Guest, path: string): Promise<readonly string[]> {
  if (!may(guest, 'read')) return [];
  const page = await get(c, path, Ids);
  return page.ok ? page.value.items.map(({ id }) => id) : []; // a filter must not take its list along
}

export const channelIds = (c: Context, guest: Guest) => idsOf(c, guest, '/v1/channels?limit=200');
export const originIds = (c: Context, guest: Guest) => idsOf(c, guest, '/v1/origins?limit=200');
