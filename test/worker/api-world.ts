// What the tests of /v1 share: a caller, things made through the public API, and a pretend provider behind fetch.
import { env, exports } from 'cloudflare:workers';
import { Buffer } from 'node:buffer';
import { beforeEach, vi } from 'vitest';
import { answerApi } from '../../src/sandbox/api.ts';
import { createIdentity, credentialsOf } from '../../src/sandbox/identity.ts';
import type { SigningKey } from '../../src/sandbox/notice.ts';
import { OrderBook } from '../../src/sandbox/orders.ts';

export const ADMIN_KEY = env.TOLLGATE_ADMIN_KEY;

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Json;
  readonly text: string;
};
/** Parsed JSON, of which the tests say what they expect: any member, and what is needed of lists. */
export type Json = { readonly [name: string]: Json } & Pick<readonly Json[], 'map' | 'find' | 'filter'> &
  Iterable<Json>;
type CallOptions = { readonly key?: string | null; readonly headers?: Readonly<Record<string, string>> };

/** Calls the Worker through its own door; a body that is neither text nor bytes is sent as JSON. */
export async function call(method: string, path: string, body?: unknown, options: CallOptions = {}): Promise<Reply> {
  const key = options.key === undefined ? ADMIN_KEY : options.key;
  const headers = new Headers(options.headers);
  if (key !== null) headers.set('authorization', `Bearer ${key}`);
  if (body !== undefined && !headers.has('content-type')) headers.set('content-type', 'application/json');
  const isSentAsItIs = typeof body === 'string' || body instanceof Uint8Array;
  const sent = body === undefined ? null : isSentAsItIs ? body : JSON.stringify(body);
  const response = await exports.default.fetch(
    new Request(`http://127.0.0.1:8787${path}`, { method, headers, body: sent }),
  );
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text, text };
}

let made = 0;
/** An id that no other test has. */
export const unique = (prefix: string): string => `${prefix}-${++made}`;

export const identity = await createIdentity(Date.now());
export const credentials = credentialsOf(identity);

export async function makeOrigin(more: object = {}): Promise<string> {
  const id = unique('origin');
  const reply = await call('POST', '/v1/origins', { id, url: 'https://shop.example/hooks', ...more });
  if (reply.status !== 201) throw new Error(`the origin was not made: ${reply.text}`);
  return id;
}

export const channelInput = (more: object = {}) => ({
  id: unique('channel'),
  provider: 'wechatpay-v3',
  origins: [],
  credentials,
  shards: 2,
  ...more,
});

export async function makeChannel(more: object = {}): Promise<string> {
  const input = channelInput(more);
  const reply = await call('POST', '/v1/channels', input);
  if (reply.status !== 201) throw new Error(`the channel was not made: ${reply.text}`);
  return input.id;
}

export async function makeKey(...scopes: string[]): Promise<string> {
  const reply = await call('POST', '/v1/api-keys', { name: scopes.join(' '), scopes });
  if (reply.status !== 201) throw new Error(`the key was not made: ${reply.text}`);
  return String(reply.body.key);
}

export type ProviderCall = { readonly url: string; readonly init: RequestInit };
export type Respond = (call: ProviderCall, genuine: () => Promise<Response>) => Response | Promise<Response>;

/**
 * Puts the pretend provider behind fetch; `respond` may misbehave in its stead. Gives what was asked so far. What it
 * knows is forgotten with the next one, unless `orders` outlives it.
 */
export function playProvider(
  respond: Respond = (_, genuine) => genuine(),
  signWith: SigningKey = 'public-key',
  orders = new OrderBook(null),
): ProviderCall[] {
  const calls: ProviderCall[] = [];
  vi.stubGlobal('fetch', async (input: RequestInfo | URL, init: RequestInit = {}) => {
    const asked = { url: input instanceof Request ? input.url : String(input), init };
    calls.push(asked);
    return respond(asked, async () => {
      const url = new URL(asked.url);
      const answer = await answerApi(
        {
          method: init.method ?? 'GET',
          target: url.pathname + url.search,
          path: url.pathname,
          query: url.searchParams,
          headers: Object.fromEntries(new Headers(init.headers)),
          body: Buffer.from(typeof init.body === 'string' ? init.body : ''),
          hungUp: new AbortController().signal,
        },
        { identity, orders, signWith, onRefund: () => undefined },
      );
      return new Response(answer.body || null, { status: answer.status, headers: answer.headers ?? {} });
    });
  });
  return calls;
}

// Work in the background may outlive its test; it must never find the real network.
playProvider();
beforeEach(() => {
  playProvider();
});
