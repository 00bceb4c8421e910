// What the ledger's tests share: facts, configurations, and a wait that polls instead of sleeping blindly.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { DEFAULT_CHANNEL_SETTINGS, type DispatchConfig, type DispatchOrigin } from '../../src/core/channel.ts';
import type { PaymentFact, RefundFact } from '../../src/core/event.ts';
import { DEFAULT_ORIGIN_SETTINGS } from '../../src/core/origin.ts';
import type { FactInput } from '../../src/core/record.ts';

let counter = 0;
export const unique = (prefix: string): string => `${prefix}-${Date.now().toString(36)}-${counter++}`;

export const origin = (id: string, change: Partial<DispatchOrigin> = {}): DispatchOrigin => ({
  id,
  version: 1,
  paused: false,
  ladderSeconds: [0, 0, 0],
  perSecond: 10_000,
  concurrent: 1_000,
  filter: null,
  // Most of these origins do not exist, and several tests share one: its gate must not judge them together.
  breaker: { ...DEFAULT_ORIGIN_SETTINGS.breaker, attemptsMin: 1_000_000 },
  pauseAfterSeconds: null,
  ...change,
});

export const config = (origins: readonly DispatchOrigin[], change: Partial<DispatchConfig> = {}): DispatchConfig => ({
  channelId: 'ch-ledger',
  provider: 'test',
  channelVersion: 1,
  paused: false,
  mode: 'open',
  settings: DEFAULT_CHANNEL_SETTINGS,
  origins,
  ...change,
});

export const paid = (orderNo: string, change: Partial<PaymentFact> = {}): PaymentFact => ({
  kind: 'payment',
  status: 'succeeded',
  orderNo,
  transactionId: `tx-${orderNo}`,
  amount: { minor: 100, currency: 'CNY' },
  occurredAt: 1_790_000_000_000,
  providerState: 'SUCCESS',
  test: false,
  ...change,
});

export const refunded = (orderNo: string, refundNo: string, change: Partial<RefundFact> = {}): RefundFact => ({
  kind: 'refund',
  state: 'succeeded',
  orderNo,
  refundNo,
  providerRefundId: `p-${refundNo}`,
  transactionId: `tx-${orderNo}`,
  amount: { minor: 30, currency: 'CNY' },
  occurredAt: 1_790_000_001_000,
  providerState: 'SUCCESS',
  test: false,
  ...change,
});

export const fact = (event: FactInput['event']): FactInput => ({
  eventId: `evt_${crypto.randomUUID().replaceAll('-', '').slice(0, 26)}`,
  event,
  source: 'callback',
  receivedAt: Date.now(),
  evidence: {
    contentType: 'application/json',
    headers: { 'x-signature': 'abc' },
    body: new TextEncoder().encode('{"raw":true}'),
    remoteAddress: '203.0.113.7',
    digest: 'd'.repeat(64),
  },
});

export const ledger = (name: string) => env.LEDGER.getByName(name);

/** Runs the shard's alarms until the check holds. */
export async function until<T>(
  name: string,
  check: () => Promise<T | null | undefined | false>,
  tries = 400,
): Promise<T> {
  for (let i = 0; i < tries; i++) {
    const value = await check();
    if (value) return value;
    await runDurableObjectAlarm(ledger(name));
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the expected state did not come');
}
