// `npm start`: the gateway, a pretend WeChat Pay and a pretend merchant; drives one payment through and stays up.
// `--once` does it on free ports with a state of its own, ends, and prints its figures as the last line.
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Alipay } from '../src/sandbox/alipay.ts';
import { readOrCreateAlipayIdentity } from '../src/sandbox/alipay-identity.ts';
import { readOrCreateIdentity } from '../src/sandbox/identity.ts';
import { type Merchant, startMerchant, WEBHOOK_PATH } from '../src/sandbox/merchant.ts';
import { startWeChatPay, type WeChatPay } from '../src/sandbox/wechatpay.ts';
import { Client } from './client.ts';
import { CHANNEL, readOrCreateDemo } from './demo.ts';
import { type Flags, readFlags } from './flags.ts';
import { type Launched, launch, ROOT, SECRETS_FILE } from './launch.ts';
import { Onlooker } from './onlooker.ts';
import { claimPort, HOST, parsePort } from './ports.ts';
import { describe, main, paint, Sentence, stopOnSignals } from './terminal.ts';
import { newOrderNo, travel, type World } from './travel.ts';

const USAGE = `npm start -- [--once] [--state DIR] [--port N] [--wechat-port N] [--merchant-port N]

  --once             free ports, a state of its own; ends after one payment, with its figures as the last line
  --state DIR        where everything is kept (.tollgate)
  --port N           the gateway (8787)
  --wechat-port N    the pretend WeChat Pay (8788)
  --merchant-port N  the pretend merchant (8789)
  --help             this text`;

type Ports = { gateway: number; wechat: number; merchant: number };
type Plan = { once: boolean; stateDir: string; ports: Ports };

/** Stops in reverse order of starting. */
type Undo = (() => Promise<void> | void)[];

const LOG = 'gateway.log';
const HEALTH_TIMEOUT_MS = 30_000;

main(async () => {
  const undo: Undo = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  const stopWhenTold = () =>
    stopOnSignals(async () => {
      console.log('\nstopping …');
      await stop();
    });
  stopWhenTold();
  const flags = readFlags(USAGE, ['state', 'port', 'wechat-port', 'merchant-port'], ['once']);
  const once = flags.has('once');
  const orderNo = newOrderNo();
  let stateDir: string | null = null;
  try {
    const planned = await plan(once, flags, undo);
    stateDir = planned.stateDir;
    const town = await build(planned, undo);
    stopWhenTold(); // again: Miniflare has put its own handlers beside ours
    if (!once) return await stayUp(town, orderNo);
    const travelled = await travel(town.world, orderNo);
    await stop();
    console.log(JSON.stringify({ delivered: true, ...travelled }));
  } catch (error) {
    console.error(`\n${describe(error)}${stateDir === null ? '' : lastWords(stateDir)}`);
    await stop();
    if (once) console.log(JSON.stringify({ delivered: false, orderNo, reason: describe(error).split('\n')[0] }));
    process.exitCode = 1;
  }
});

/** The end of the gateway's log: what it had to say about a failure. */
function lastWords(stateDir: string): string {
  const file = join(stateDir, LOG);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').slice(-10) : [];
  return lines.some(Boolean) ? `\n\nThe gateway's last words:\n${lines.join('\n')}` : '';
}

async function plan(once: boolean, flags: Flags, undo: Undo): Promise<Plan> {
  const port = (name: string, usual: number) => {
    const given = flags.text(name);
    return claimPort(given === undefined ? (once ? 0 : usual) : parsePort(given, `--${name}`), `--${name}`);
  };
  const gateway = await port('port', 8787);
  const ports = { gateway, wechat: await port('wechat-port', 8788), merchant: await port('merchant-port', 8789) };
  const given = flags.text('state');
  if (given !== undefined || !once) return { once, stateDir: resolve(given ?? join(ROOT, '.tollgate')), ports };
  const stateDir = mkdtempSync(join(tmpdir(), 'tollgate-'));
  const remove = () => rmSync(stateDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  undo.push(remove);
  process.once('exit', remove);
  return { once, stateDir, ports };
}

type Town = {
  plan: Plan;
  gateway: Launched;
  wechat: WeChatPay;
  merchant: Merchant;
  obstacle: string | null;
  world: World;
  onlooker: Onlooker;
};

/** Starts everything, the demo's origin and channel included. */
async function build(plan: Plan, undo: Undo): Promise<Town> {
  const { ports, stateDir } = plan;
  const say = stepper();
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const onlooker = new Onlooker();

  const identity = await readOrCreateIdentity(join(stateDir, 'sandbox.json'));
  const gatewayUrl = `http://${HOST}:${ports.gateway}`;
  const alipay = plan.once ? null : await pretendAlipay(stateDir);
  undo.push(() => alipay?.courier.close());
  const wechat = await startWeChatPay({
    port: ports.wechat,
    identity,
    notifyUrl: `${gatewayUrl}/callbacks/${CHANNEL}`,
    ordersFile: plan.once ? null : join(stateDir, 'sandbox-orders.json'),
    beside: (request) => alipay?.answer(request) ?? null,
    onSending: (notice) => onlooker.sending(notice),
    onAttempt: (notice, attempt) => onlooker.attempted(notice, attempt),
  });
  undo.push(wechat.close);
  const merchant = await startMerchant({
    port: ports.merchant,
    secrets: [],
    onEvent: (event) => onlooker.received(event),
    onFailed: (mode) => onlooker.failed(mode),
  });
  undo.push(merchant.close);
  say(`pretend WeChat Pay at ${wechat.url}, pretend merchant at ${merchant.url}`);

  if (!existsSync(SECRETS_FILE)) say(`making local secrets in ${relative(process.cwd(), SECRETS_FILE)}`);
  const log = createWriteStream(join(stateDir, LOG), { flags: 'w' });
  const gateway = await launch({
    port: ports.gateway,
    stateDir,
    vars: { TOLLGATE_PROVIDER_BASE: wechat.url },
    log: ({ level, message }) => log.write(`${new Date().toISOString()} ${level} ${message}\n`),
    onStep: (step) => say(STEPS[step]),
  });
  undo.push(gateway.dispose);
  await healthy(gateway.url);
  say(`gateway at ${gateway.url}`);

  const client = new Client(gateway.url, gateway.adminKey);
  const webhookUrl = `http://${HOST}:${ports.merchant}${WEBHOOK_PATH}`;
  const demo = await readOrCreateDemo(client, join(stateDir, 'demo.json'), identity, webhookUrl);
  merchant.trust(demo.originSecret);
  say(`channel ${CHANNEL} and its origin are set up through /v1`);
  const world = { client, sandbox: wechat, watch: (orderNo: string) => onlooker.watch(orderNo) };
  return { plan, gateway, wechat, merchant, obstacle: demo.obstacle, world, onlooker };
}

/** At the same address as the pretend WeChat Pay: the gateway sends all calls to providers there. */
async function pretendAlipay(stateDir: string): Promise<Alipay> {
  const identity = await readOrCreateAlipayIdentity(join(stateDir, 'sandbox-alipay.json'));
  return new Alipay({ identity, tradesFile: join(stateDir, 'sandbox-trades.json') });
}

const STEPS = { bundle: 'bundling the Worker', runtime: 'starting workerd', migrations: 'applying the D1 migrations' };

function stepper() {
  const startedAt = performance.now();
  return (text: string) => {
    const seconds = `${((performance.now() - startedAt) / 1_000).toFixed(1)} s`.padStart(7);
    console.log(`${paint('dim', seconds)}  ${text}`);
  };
}

async function healthy(url: string): Promise<void> {
  const deadline = Date.now() + HEALTH_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`${url}/healthz`);
    const text = await response.text();
    if (response.status === 200) return;
    if (Date.now() > deadline) throw new Sentence(`The gateway is not healthy: ${text.slice(0, 500)}`);
    await sleep(100);
  }
}

async function stayUp(town: Town, orderNo: string): Promise<void> {
  console.log(`\n${paint('bold', 'One payment, hop by hop')}\n`);
  if (town.obstacle === null) await travel(town.world, orderNo);
  else console.log(town.obstacle);
  console.log(nextSteps(town));
  town.onlooker.speak();
}

function nextSteps({ plan, gateway, wechat, merchant }: Town): string {
  const secrets = relative(process.cwd(), SECRETS_FILE);
  const title = (text: string) => paint('bold', text);
  return `
${title('What to do next')}

  pay for an order that the gateway has never heard of
    curl -X POST ${wechat.url}/sandbox/pay -d '{"outTradeNo":"tea-0001","amount":250}'
  refund a part of it
    curl -X POST ${wechat.url}/sandbox/refund -d '{"outTradeNo":"tea-0001","amount":50}'
  see WeChat Pay's own signature probe refused, and the good callback 15 s later (more of the kind: curl ${wechat.url}/)
    curl -X POST ${wechat.url}/sandbox/pay -d '{"outTradeNo":"tea-0002","amount":250,"misbehave":"signtest"}'
  let the merchant fail twice, pay, and watch the gateway bring the event all the same (after 5 and 30 s)
    curl -X POST ${merchant.url}/mode -d '{"mode":"fail","times":2}'
    curl -X POST ${wechat.url}/sandbox/pay -d '{"outTradeNo":"tea-0003","amount":250}'
    curl ${merchant.url}/events

  ask the gateway (the admin key is TOLLGATE_ADMIN_KEY in ${secrets})
    export KEY=$(sed -n 's/^TOLLGATE_ADMIN_KEY="\\(.*\\)"$/\\1/p' ${secrets})
    curl -H "Authorization: Bearer $KEY" '${gateway.url}/v1/orders?limit=5'
    curl -H "Authorization: Bearer $KEY" ${gateway.url}/v1/orders/${CHANNEL}/tea-0001

  console    ${gateway.url}/console   (log in with that key)
  contract   ${gateway.url}/docs
  state      ${plan.stateDir}
  log        ${join(plan.stateDir, 'gateway.log')}
  stop       Ctrl-C
`;
}
