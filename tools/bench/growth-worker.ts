// The Worker of the growth figure: fills a shard, and records into it or into an empty one, many times in one request.
// Never deployed. The ledger is the gateway's own, but that it neither dispatches nor projects.
import type { DispatchConfig } from '../../src/core/channel.ts';
import { DEFAULT_CHANNEL_SETTINGS } from '../../src/core/channel.ts';
import type { Fact } from '../../src/core/event.ts';
import type { FactInput } from '../../src/core/record.ts';
import { OrderLedger } from '../../src/index.ts';

export * from '../../src/index.ts';

/** Records, and nothing behind it: no alarm of one shard may run while the other is measured. */
export class StillLedger extends OrderLedger {
  override async alarm(): Promise<void> {}
}

const DISPATCH: DispatchConfig = {
  channelId: 'growth',
  provider: 'growth',
  channelVersion: 1,
  paused: false,
  mode: 'open',
  settings: DEFAULT_CHANNEL_SETTINGS,
  origins: [],
};
const AT = Date.UTC(2026, 0, 1);
/** As large as a common notice. */
const BODY = new TextEncoder().encode('x'.repeat(1_200));
const FILL_FACTS = 500;

/**
 * Numbers as merchants give them: those that begin with a time come in order and land at the end of the table; random
 * ones land anywhere in it.
 */
const NUMBERS: Readonly<Record<string, (index: number) => string>> = {
  dated: (index) => `20260101${String(index).padStart(10, '0')}`,
  random: (index) => `${(Math.imul(index, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')}-${index}`,
};
const base = (index: number) => ({ orderNo: String(index), occurredAt: AT + index, providerState: 'SUCCESS' });
const CNY = { minor: 8888, currency: 'CNY' };

const paid = (index: number): Fact => ({
  ...base(index),
  kind: 'payment',
  status: 'succeeded',
  transactionId: `4200002700${index}`,
  amount: CNY,
  payerAmount: CNY,
  method: 'wallet',
  providerMethod: 'NATIVE',
  payer: { id: `oUpF8uMuAJO_M2pxb1Q9z${index}`, idType: 'openid' },
  test: false,
});

const refunded = (index: number): Fact => ({
  ...base(index),
  kind: 'refund',
  state: 'succeeded',
  refundNo: `R${index}`,
  providerRefundId: `503000${index}`,
  transactionId: `4200002700${index}`,
  amount: { ...CNY, minor: 100 },
  test: false,
});

const inputOf = (numberOf: (index: number) => string, unnumbered: Fact): FactInput => {
  const event = { ...unnumbered, orderNo: numberOf(Number(unnumbered.orderNo)) };
  return {
    eventId: `evt_${event.orderNo}_${event.kind}`.padEnd(30, '0').slice(0, 30),
    event,
    source: 'callback',
    receivedAt: Date.now(),
    evidence: {
      contentType: 'application/json',
      headers: { 'wechatpay-serial': 'PUB_KEY_ID_0119000001092026010100000001', 'wechatpay-nonce': event.orderNo },
      body: BODY,
      remoteAddress: '203.0.113.7',
      digest: 'd'.repeat(64),
    },
  };
};

const upTo = (from: number, count: number): number[] => Array.from({ length: count }, (_, index) => from + index);

async function run(
  env: Env,
  [what, numbers = '', shard = '', first = '0', many = '0', step = '1']: string[],
): Promise<void> {
  const ledger = env.LEDGER.getByName(shard);
  const [from, count, lanes] = [Number(first), Number(many), Number(step)];
  const numberOf = NUMBERS[numbers];
  if (!numberOf) throw new Error(`nothing here is numbered ${numbers}`);
  const record = (facts: readonly Fact[]) =>
    ledger.record({ v: 1, facts: facts.map((one) => inputOf(numberOf, one)), dispatch: DISPATCH });
  switch (what) {
    case 'fill':
      for (let at = from; at < from + count; at += FILL_FACTS) await record(upTo(at, FILL_FACTS).map(paid));
      return;
    case 'new': // so many at once
      for (let at = from; at < from + count; at += lanes) {
        await Promise.all(upTo(at, lanes).map((index) => record([paid(index)])));
      }
      return;
    case 'refund': // one at a time, of orders that lie apart
      for (let index = from; index < from + count * lanes; index += lanes) await record([refunded(index)]);
      return;
    default:
      throw new Error(`nothing here is called ${what}`);
  }
}

export default {
  async fetch(request, env) {
    try {
      await run(env, new URL(request.url).pathname.slice(1).split('/'));
      return new Response(null, { status: 204 });
    } catch (error) {
      return new Response(String(error), { status: 500 });
    }
  },
} satisfies ExportedHandler<Env>;
