// Shops with origins that answer as they are told, behind fetch. Every post's signature is checked with the
// specification's own package. The queue is the real one, unless a test takes its messages out.
import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { Webhook } from 'standardwebhooks';
import { beforeEach, vi } from 'vitest';
import { type DispatchConfig, shardNameOf } from '../../src/core/channel.ts';
import type { Origin } from '../../src/core/origin.ts';
import type { DeliveryMessage, DeliveryView } from '../../src/core/record.ts';
import type { OriginDraft } from '../../src/core/registry.ts';
import { SEAL_IV_BYTES, seal } from '../../src/crypto/seal.ts';
import worker from '../../src/index.ts';
import { fact, ledger, unique, until } from './ledger-kit.ts';
import { makeChannel, registry } from './receive-world.ts';

/** One post as the origin saw it. */
export type Post = {
  readonly url: string;
  readonly id: string;
  readonly type: string;
  readonly sequence: number;
  readonly orderNo: string;
  readonly body: string;
  readonly bytes: Uint8Array;
  readonly headers: Headers;
  /** Which of the origin's secrets the signature is made with. */
  readonly signedBy: readonly string[];
  readonly signal: AbortSignal | null;
  readonly redirect: string | undefined;
};
type Respond = (post: Post, nth: number) => Response | Promise<Response>;

export type ScriptedOrigin = {
  readonly id: string;
  readonly secrets: string[];
  readonly posts: Post[];
  /** Posts that are being answered now, and the most there ever were of one order. */
  readonly open: Map<string, number>;
  mostOpen: number;
  respond: Respond;
};

const origins = new Map<string, ScriptedOrigin>();

export const ok = () => new Response('ok');
export const refuse =
  (status: number, headers: Record<string, string> = {}): Respond =>
  () =>
    new Response('no', { status, headers });

/** Never answers; gives up when the caller does. */
export const hang: Respond = ({ signal }) =>
  new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));

/** Answers `first` that many times, then everything with 200. */
export const onceThenOk =
  (first: Respond, times = 1): Respond =>
  (post, nth) =>
    nth <= times ? first(post, nth) : ok();

/** What a `standard` body names; other formats name it elsewhere. */
function namesOf(body: string): Pick<Post, 'type' | 'sequence' | 'orderNo'> {
  if (!body.startsWith('{"type":')) return { type: '', sequence: 0, orderNo: '' };
  const { type, data } = JSON.parse(body);
  return { type, sequence: data.sequence, orderNo: data.order.orderNo };
}

async function answerPost(input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> {
  const url = new URL(input instanceof Request ? input.url : String(input));
  const origin = origins.get(url.hostname.replace(/\.example$/, ''));
  if (!origin) return new Response('nobody lives here', { status: 404 });
  const bytes = new Uint8Array(await new Response(init.body ?? '').arrayBuffer());
  const body = new TextDecoder().decode(bytes);
  const headers = new Headers(init.headers);
  const post: Post = {
    url: url.href,
    id: headers.get('webhook-id') ?? '',
    ...namesOf(body),
    body,
    bytes,
    headers,
    signedBy: origin.secrets.filter((secret) => isSignedBy(secret, body, headers)),
    signal: init.signal ?? null,
    redirect: init.redirect,
  };
  origin.posts.push(post);
  const open = (origin.open.get(post.orderNo) ?? 0) + 1;
  origin.open.set(post.orderNo, open);
  origin.mostOpen = Math.max(origin.mostOpen, open);
  try {
    return await origin.respond(post, origin.posts.length);
  } finally {
    origin.open.set(post.orderNo, (origin.open.get(post.orderNo) ?? 1) - 1);
  }
}

function isSignedBy(secret: string, body: string, headers: Headers): boolean {
  try {
    new Webhook(secret).verify(body, Object.fromEntries(headers));
    return true;
  } catch (error) {
    return error instanceof SyntaxError; // it verifies first, and then wants JSON, which not every format is
  }
}

// Deliveries in the background may outlive their test; they must never find the real network.
const play = () => vi.stubGlobal('fetch', answerPost);
play();
beforeEach(() => {
  play();
});

const stamp = () => ({ now: Date.now(), key: null, digest: '' });

export const newSecret = () => `whsec_${crypto.getRandomValues(new Uint8Array(32)).toBase64()}`;

export const sealSecret = async (originId: string, secret: string) => ({
  kind: 'hmac' as const,
  sealed: await seal(
    secret,
    env.TOLLGATE_MASTER_KEY,
    `origin/${originId}`,
    crypto.getRandomValues(new Uint8Array(SEAL_IV_BYTES)),
  ),
});

export async function makeOrigin(respond: Respond = ok, change: Partial<OriginDraft> = {}): Promise<ScriptedOrigin> {
  const id = unique('origin');
  const secret = newSecret();
  const draft: OriginDraft = {
    id,
    url: `https://${id}.example/hooks`,
    format: 'standard',
    timeoutMs: 10_000,
    ladderSeconds: [0, 0, 0, 0, 0, 0],
    perSecond: 1_000,
    concurrent: 100,
    secret: await sealSecret(id, secret),
    ...change,
  };
  const made = await registry().createOrigin(draft, stamp());
  if (made.kind !== 'done') throw new Error(`the origin was not made: ${made.kind}`);
  const scripted = { id, secrets: [secret], posts: [], open: new Map(), mostOpen: 0, respond };
  origins.set(id, scripted);
  return scripted;
}

export const originIs = async (id: string): Promise<Origin> => {
  const origin = await registry().readOrigin(id);
  if (!origin) throw new Error(`no origin ${id}`);
  return origin;
};

export const pauseOrigin = (id: string) =>
  registry().pauseOrigin({ id, version: null, reason: 'operator', now: Date.now() });
export const resumeOrigin = (id: string) => registry().resumeOrigin({ id, version: null, now: Date.now() });

export type Shop = { readonly channelId: string; readonly uid: string; readonly shard: string };

/** A channel with one shard, so that a test knows where its orders live. */
export const makeShop = (...mine: readonly ScriptedOrigin[]): Promise<Shop> => makeShopOf({}, ...mine);

export async function makeShopOf(
  change: Parameters<typeof makeChannel>[0],
  ...mine: readonly ScriptedOrigin[]
): Promise<Shop> {
  const { id, uid } = await makeChannel({ ...change, origins: mine.map((origin) => origin.id), shards: 1 });
  return { channelId: id, uid, shard: shardNameOf({ uid, shards: 1 }, 0) };
}

export async function dispatchOf(shop: Shop): Promise<DispatchConfig> {
  const record = await registry().readChannel(shop.channelId);
  if (!record) throw new Error(`no channel ${shop.channelId}`);
  return record.dispatch;
}

export async function record(shop: Shop, ...events: readonly Parameters<typeof fact>[0][]) {
  return ledger(shop.shard).record({ v: 1, facts: events.map(fact), dispatch: await dispatchOf(shop) });
}

export async function deliveriesOf(shop: Shop, orderNo: string): Promise<readonly DeliveryView[]> {
  return (await ledger(shop.shard).readOrder(orderNo))?.deliveries ?? [];
}

/** Waits until every delivery of the order stands as told; with no state, until there is one. */
export const settled = (shop: Shop, orderNo: string, state: DeliveryView['state'] = 'delivered') =>
  until(
    shop.shard,
    async () => {
      const deliveries = await deliveriesOf(shop, orderNo);
      return deliveries.length > 0 && deliveries.every((one) => one.state === state) ? deliveries : null;
    },
    400,
  );

/** Runs the shard until the check holds. */
export const eventually = <T>(shop: Shop, check: () => T | null | undefined | false) =>
  until(shop.shard, async () => check(), 400);

export const alarmsOf = async (subject: string) =>
  (await registry().listAlarms({ limit: 200, after: null })).filter((alarm) => alarm.subject === subject);

// — the queue, where a test wants to be the one who carries —

export type Carried = { readonly queue: 'deliver' | 'deliver-slow'; readonly body: DeliveryMessage };

/** Takes what is sent out of the queue instead of letting it through. */
export function takeMessages(): Carried[] {
  const taken: Carried[] = [];
  const take = (queue: Carried['queue'], binding: Queue<DeliveryMessage>) =>
    vi.spyOn(binding, 'sendBatch').mockImplementation(async (messages) => {
      for (const { body } of messages) taken.push({ queue, body });
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
    });
  take('deliver', env.DELIVER);
  take('deliver-slow', env.DELIVER_SLOW);
  return taken;
}

/** Gives messages to the Worker as the platform does, and tells what became of each. */
export async function carry(messages: readonly DeliveryMessage[], queue = 'deliver', given: Env = env) {
  const batch = createMessageBatch<DeliveryMessage>(
    queue,
    messages.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts: 1, body })),
  );
  const ctx = createExecutionContext();
  await worker.queue(batch, given);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, ctx);
  return { acked: explicitAcks.length, retried: retryMessages.length };
}

/** Takes the next message out of those taken; runs the shard until there is one. */
export async function nextMessage(shop: Shop, taken: Carried[]): Promise<DeliveryMessage> {
  const mine = () => taken.findIndex(({ body }) => body.shard === shop.shard);
  await eventually(shop, () => mine() >= 0);
  const [message] = taken.splice(mine(), 1);
  if (!message) throw new Error('no message was sent');
  return message.body;
}
