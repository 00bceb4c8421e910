// The world of the simulation: the gateway's Worker on a played clock, the pretend provider and the pretend merchant on
// the same one, and what they do to each other. Never lets a notice through while the gateway is cut off.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { overNetwork } from '../../src/sandbox/courier.ts';
import { createIdentity, credentialsOf, type Identity } from '../../src/sandbox/identity.ts';
import { type Merchant, type ReceivedEvent, startMerchant } from '../../src/sandbox/merchant.ts';
import { startWeChatPay, type WeChatPay } from '../../src/sandbox/wechatpay.ts';
import { bundle } from '../bundle.ts';
import { Client } from '../client.ts';
import { type BundledWorker, launch, ROOT } from '../launch.ts';
import { type Accidents, isWithin } from './accidents.ts';
import { playedNow } from './clock.ts';
import { PATTERN } from './plan.ts';
import { Timeline, type TimelineOptions } from './timeline.ts';

export const CHANNEL = 'simulated';
const ORIGIN = 'shop';

export type World = {
  readonly client: Client;
  readonly wechat: WeChatPay;
  readonly timeline: Timeline;
  /** Each delivery that was genuine, in the order of arrival, repeats included. */
  readonly received: readonly ReceivedEvent[];
  readonly merchant: Merchant;
  /** What the gateway printed as a warning or an error. */
  readonly complaints: readonly string[];
  readonly callbackUrl: string;
  readonly close: () => Promise<void>;
};

export type WorldOptions = Pick<TimelineOptions, 'stepMs' | 'alarmsLateMs' | 'tickEveryMs'> & {
  readonly accidents: Accidents;
};

export async function buildWorld({ accidents, ...pace }: WorldOptions): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-simulate-'));
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  process.once('exit', remove);
  const undo: (() => Promise<void>)[] = [async () => remove()];
  const close = async () => {
    for (const step of undo.toReversed()) await step();
  };
  const worker = await bundleWorker(join(folder, 'bundle'));
  const received: ReceivedEvent[] = [];
  const merchant = await startMerchant({ port: 0, secrets: [], onEvent: (event) => received.push(event) });
  undo.push(merchant.close);
  const identity = await createIdentity(playedNow());
  // The gateway's address is known once it runs, and it must know the provider's before.
  const later: { timeline: Timeline | null } = { timeline: null };
  const wechat = await startProvider(identity, accidents, later);
  undo.push(wechat.close);
  const complaints: string[] = [];
  const stateDir = join(folder, 'state');
  mkdirSync(stateDir);
  const gateway = await launch({
    port: 0,
    stateDir,
    worker,
    vars: { TOLLGATE_PROVIDER_BASE: wechat.url },
    log: ({ level, message }) => {
      if (level === 'error' || level === 'warn') complaints.push(message);
    },
  });
  undo.push(gateway.dispose);
  const timeline = new Timeline({ ...pace, url: gateway.url });
  later.timeline = timeline;
  const client = new Client(gateway.url, gateway.adminKey);
  await setUp(client, identity, merchant);
  const callbackUrl = `${gateway.url}/callbacks/${CHANNEL}`;
  return { client, wechat, timeline, received, merchant, complaints, callbackUrl, close };
}

async function bundleWorker(folder: string): Promise<BundledWorker> {
  return { folder, modules: await bundle(ROOT, folder, 'tools/simulate/worker.ts'), durableObjects: {} };
}

function startProvider(
  identity: Identity,
  { cutOff }: Accidents,
  later: { readonly timeline: Timeline | null },
): Promise<WeChatPay> {
  const timeline = (): Timeline => {
    if (later.timeline === null) throw new Error('A notice left before the world was whole.');
    return later.timeline;
  };
  return startWeChatPay({
    port: 0,
    identity,
    notifyUrl: null,
    signWith: 'certificate',
    isNextListed: false,
    billHours: 'next-morning',
    wait: (ms, signal) => timeline().wait(ms, signal),
    carry: (url, post) => {
      if (isWithin(cutOff, playedNow())) return Promise.resolve({ status: null, answer: 'connect ECONNREFUSED' });
      return timeline().during(overNetwork(url, post));
    },
  });
}

const Any = z.looseObject({});

/** The channel knows no key of the provider: it fetches its certificates. */
async function setUp(client: Client, identity: Identity, merchant: Merchant): Promise<void> {
  const origin = { id: ORIGIN, url: merchant.webhookUrl, perSecond: 1_000, concurrent: 100 };
  const { secret } = await client.send('POST', '/v1/origins', origin, z.object({ secret: z.string() }));
  merchant.trust(secret);
  const channel = {
    id: CHANNEL,
    provider: 'wechatpay-v3',
    origins: [ORIGIN],
    credentials: { ...credentialsOf(identity), platformKeys: {} },
    shards: 4,
    settings: { orderNoPattern: PATTERN, feeRate: '0.006' },
  };
  await client.send('POST', '/v1/channels', channel, Any);
}
