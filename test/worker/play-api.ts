// A provider's API behind fetch, for notices that must be asked about, and what became of them at the Worker's door.

import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { vi } from 'vitest';
import { callbackLogNameOf } from '../../src/core/arrival.ts';
import type { ProviderCall } from './api-world.ts';

/** Answers by the path that is asked; null is a connection that cannot be made. Gives what was asked so far. */
export function playApi(respond: (path: string) => Response | null): ProviderCall[] {
  const calls: ProviderCall[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const url = input instanceof Request ? input.url : String(input);
    calls.push({ url, init });
    const { pathname, search } = new URL(url);
    const response = respond(pathname + search);
    if (response === null) throw new TypeError('fetch failed');
    return response;
  });
  return calls;
}

/** How many notices without an order the channel keeps whole. */
export async function keptOf(channel: string): Promise<number> {
  const record = await env.REGISTRY.getByName('registry').readChannel(channel);
  const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(record?.channel.uid ?? ''));
  return runInDurableObject(log, (_, { storage: { sql } }) => {
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'notices'").toArray().length === 0) return 0;
    return Number(sql.exec('SELECT count(*) AS count FROM notices').one().count);
  });
}
