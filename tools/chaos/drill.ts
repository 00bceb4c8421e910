// The drill: load, kills at random moments, restarts, and after the last one nothing but waiting.
// Owns everything that it starts and leaves nothing of it running.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { createIdentity, credentialsOf, type Identity } from '../../src/sandbox/identity.ts';
import { Client } from '../client.ts';
import { claimPort } from '../ports.ts';
import { Merchant } from './merchant.ts';
import { draw, type Random, seeded } from './random.ts';
import { Runtime } from './runtime.ts';
import { Sender } from './sender.ts';
import { CHANNEL, judge, type Say, type Verdict } from './verdict.ts';

const ORIGIN = 'drill-shop';
const LANES = 24;
/** Short, so that a restart does not wait long for what was in doubt. */
const LEASE_MS = 2_000;
/** Enough steps that no refusal of the merchant's ends in a dead delivery. */
const LADDER_SECONDS = [0, 1, 1, 2, 2, 3, 3, 5, 5, 5, 10, 10];

export type DrillOptions = {
  readonly kills: number;
  /** Time under load, restarts not counted. */
  readonly seconds: number;
  /** Callbacks a second. */
  readonly rate: number;
  readonly seed: number;
  readonly say: Say;
};

export type Figures = { readonly kills: number } & Verdict;

/** What a kill strikes: everything; workerd alone; its owner first; everything and once more while it starts again. */
const STRIKES = { group: 45, workerd: 25, owner: 15, starting: 15 } as const;
type Strike = keyof typeof STRIKES;
const STRIKE_TEXT: Readonly<Record<Strike, string>> = {
  group: 'the whole process group',
  workerd: 'workerd alone',
  owner: "workerd's owner, then the orphan",
  starting: 'the whole process group, and again while it started',
};

/** How often the merchant is out when a kill strikes, and for how long: longer than a restart takes. */
const OUTAGE_SHARE = 0.3;
const OUTAGE_MS = 4_000;

/** Every kind has its turn early, and the last kill leaves nothing alive. */
function planOf(kills: number, random: Random): Strike[] {
  const first: Strike[] = ['group', 'workerd', 'owner', 'starting'];
  const before = Array.from({ length: kills - 1 }, (_, place) => first[place] ?? draw(random, STRIKES));
  return [...before, 'group'];
}

export type Drill = {
  readonly done: Promise<Figures>;
  /** Ends all processes at once; forgets the state, or answers where it and the gateway's words are kept. Any time. */
  readonly stop: (keepState?: boolean) => string | null;
};

export function startDrill(options: DrillOptions): Drill {
  const stateDir = mkdtempSync(join(tmpdir(), 'tollgate-chaos-'));
  const undo: Undo = { steps: [], output: () => '' };
  let isStopped = false;
  const stop = (keepState = false) => {
    if (isStopped) return null;
    isStopped = true;
    for (const step of undo.steps.reverse()) step();
    if (!keepState) {
      rmSync(stateDir, { recursive: true, force: true, maxRetries: 5 });
      return null;
    }
    writeFileSync(join(stateDir, 'gateway.log'), undo.output());
    return stateDir;
  };
  return { done: run(options, stateDir, undo), stop };
}

type Undo = { readonly steps: (() => void)[]; output: () => string };

async function run(options: DrillOptions, stateDir: string, undo: Undo): Promise<Figures> {
  const { say, seed } = options;
  const random = seeded(seed);
  const startedAt = performance.now();
  const tell: Say = (text) => say(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  const adminKey = `tg_${randomBytes(24).toString('base64url')}`;
  const runtime = new Runtime({
    port: await claimPort(0, '--port'),
    stateDir,
    vars: {
      TOLLGATE_LEASE_MS: String(LEASE_MS),
      TOLLGATE_ADMIN_KEY: adminKey,
      TOLLGATE_MASTER_KEY: randomBytes(32).toString('base64'),
    },
  });
  undo.steps.push(() => runtime.killAtOnce());
  undo.output = () => runtime.output;
  const merchant = new Merchant(seeded(seed + 1));
  const webhookUrl = await merchant.start();
  undo.steps.push(() => void merchant.close());
  const identity = await createIdentity(Date.now());
  runtime.spawn();
  await runtime.ready();
  tell(`the gateway is up at ${runtime.url}`);
  const client = new Client(runtime.url, adminKey);
  merchant.trust(await setUp(client, identity, webhookUrl));

  const url = `${runtime.url}/callbacks/${CHANNEL}`;
  const sender = new Sender({ url, identity, random: seeded(seed + 2), rate: options.rate, lanes: LANES });
  undo.steps.push(() => void sender.abandon());
  sender.start();
  const kills = await killAndRestart(options, { runtime, sender, merchant, random, tell });
  tell(`no further traffic: ${answersOf(sender)}`);
  const verdict = await judge(client, sender, merchant, tell);
  return { kills, ...verdict };
}

const Created = z.object({ secret: z.string() });

/** An origin and a channel through /v1; answers what the merchant verifies deliveries with. */
async function setUp(client: Client, identity: Identity, webhookUrl: string): Promise<string> {
  const pace = { ladderSeconds: LADDER_SECONDS, perSecond: 10_000, concurrent: 1_000 };
  // The merchant fails on purpose and is left alone for it, but for less than what the drill waits for.
  const origin = { id: ORIGIN, url: webhookUrl, ...pace, breaker: { probeAfterSeconds: 1 } };
  const { secret } = await client.send('POST', '/v1/origins', origin, Created);
  const credentials = credentialsOf(identity);
  const channel = { id: CHANNEL, provider: 'wechatpay-v3', origins: [ORIGIN], credentials };
  await client.send('POST', '/v1/channels', channel, z.object({ id: z.string() }));
  return secret;
}

type Scene = { runtime: Runtime; sender: Sender; merchant: Merchant; random: Random; tell: Say };

/** Answers how many kills there were. The load ends with the last one. */
async function killAndRestart(options: DrillOptions, scene: Scene): Promise<number> {
  const { runtime, sender, merchant, random, tell } = scene;
  const plan = planOf(options.kills, random);
  let kills = 0;
  for (const [place, strike] of plan.entries()) {
    await sleep((1_000 * options.seconds * (0.3 + 1.4 * random())) / options.kills);
    const sofar = `${sender.acknowledged.length} acknowledged, ${merchant.report.events} delivered`;
    const isLast = place === plan.length - 1;
    const struckAt = performance.now();
    if (random() < OUTAGE_SHARE) merchant.goOut(OUTAGE_MS);
    if (isLast) runtime.killAtOnce();
    const abandoned = isLast ? sender.abandon() : undefined;
    kills += await strikeWith(strike, scene);
    await abandoned;
    await runtime.ready();
    const seconds = ((performance.now() - struckAt) / 1_000).toFixed(1);
    tell(`kill ${kills}: ${STRIKE_TEXT[strike]} (${sofar}); up again after ${seconds} s`);
  }
  return kills;
}

/** Kills, and starts what does not start by itself. Answers how often it killed. */
async function strikeWith(strike: Strike, { runtime, random }: Scene): Promise<number> {
  switch (strike) {
    case 'workerd':
      await runtime.killWorkerd();
      return 1;
    case 'group':
      await runtime.killGroup();
      runtime.spawn();
      return 1;
    case 'owner':
      await runtime.killOwner();
      await sleep(1_000 * random()); // the orphan goes on taking callbacks meanwhile
      await runtime.killGroup();
      runtime.spawn();
      return 1;
    case 'starting':
      await runtime.killGroup();
      runtime.spawn();
      await sleep(3_000 * random());
      await runtime.killGroup();
      runtime.spawn();
      return 2;
  }
}

const answersOf = ({ answers }: Sender): string =>
  [...answers].map(([answer, times]) => `${times} × ${answer === 'none' ? 'no answer' : answer}`).join(', ');
