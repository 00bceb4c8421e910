// Odd outcomes that a dialect makes, told through the Worker's own door: what the origin would receive, word by word.
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createHmac } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { session } from '../fixtures/stripe/objects.ts';
import { call, makeChannel } from './api-world.ts';
import { IN_DIALECTS } from './odd-outcomes.ts';
import { makeSigner } from './receive-world.ts';

const APP_ID = '2021001161683774';
const SELLER_ID = '2088102146225135';
const alipay = await makeSigner();
const STRIPE_SECRET = 'whsec_tollgateTestSecretNumber1aaaaaaaaaaa'; // made up for tests
const seconds = Math.floor(Date.now() / 1000);

/** A notice as Alipay signs it: the sorted fields, joined, RSA2 over them. */
async function alipayForm(fields: Readonly<Record<string, string>>): Promise<string> {
  const lines = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const message = new TextEncoder().encode(lines.map(([name, value]) => `${name}=${value}`).join('&'));
  const signature = new Uint8Array(await crypto.subtle.sign('RSASSA-PKCS1-v1_5', alipay.key, message));
  return String(new URLSearchParams({ ...fields, sign_type: 'RSA2', sign: signature.toBase64() }));
}

const trade = (orderNo: string, status: string, notifyTime: string) => ({
  notify_time: notifyTime,
  notify_type: 'trade_status_sync',
  notify_id: `${notifyTime.replace(/\D/g, '')}${orderNo}`,
  app_id: APP_ID,
  charset: 'utf-8',
  version: '1.0',
  trade_no: `2026010122001404${orderNo}`,
  out_trade_no: orderNo,
  buyer_id: '2088102177846880',
  seller_id: SELLER_ID,
  trade_status: status,
  total_amount: '88.88',
  gmt_create: '2026-01-01 10:34:50',
  gmt_payment: '2026-01-01 10:34:56',
});

function stripePost(object: object) {
  const event = { id: 'evt_1', object: 'event', type: 'checkout.session.completed', livemode: true, created: seconds };
  const body = JSON.stringify({ ...event, data: { object } });
  const hex = createHmac('sha256', STRIPE_SECRET).update(`${seconds}.${body}`).digest('hex');
  return { body, headers: { 'stripe-signature': `t=${seconds},v1=${hex}` } };
}

async function post(channel: string, body: string, headers: Readonly<Record<string, string>>) {
  const { status, text } = await call('POST', `/callbacks/${channel}`, body, { key: null, headers });
  return `${status} ${text}`;
}

async function sentOf(channelId: string, orderNo: string) {
  const record = await env.REGISTRY.getByName('registry').readChannel(channelId);
  if (!record) throw new Error(`no channel ${channelId}`);
  const ledger = env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo));
  const rows = await runInDurableObject(ledger, (_: OrderLedger, state) =>
    state.storage.sql
      .exec<{ type: string; data: string }>(
        'SELECT type, data FROM events WHERE order_no = ? AND type IS NOT NULL ORDER BY seq',
        orderNo,
      )
      .toArray(),
  );
  return rows.map(({ type, data }) => ({ type, data: JSON.parse(data) }));
}

it(`of ${IN_DIALECTS.finished.name}: the success alone, and an acknowledgement each time`, async () => {
  const alipayPublicKey = alipay.pem.replace(/-----[^-]+-----|\s/g, '');
  const channel = await makeChannel({
    provider: 'alipay',
    credentials: { appId: APP_ID, sellerIds: [SELLER_ID], alipayPublicKey },
  });
  const form = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  for (const [status, notifyTime] of [
    ['TRADE_SUCCESS', '2026-01-01 10:34:58'],
    ['TRADE_FINISHED', '2026-04-01 10:34:58'],
    ['TRADE_FINISHED', '2026-04-01 10:38:58'],
  ] as const) {
    expect(await post(channel, await alipayForm(trade('F1', status, notifyTime)), form)).toBe('200 success');
  }
  const yuan = { minor: 8888, currency: 'CNY' };
  const payment = { transactionId: '2026010122001404F1', amount: yuan, payerAmount: null, discounts: [] };
  const means = { method: 'wallet', providerMethod: null, bank: null, received: null };
  const paidAt = '2026-01-01T02:34:56.000Z';
  const none = { dispute: null, flags: [], refunds: [], attach: null, metadata: {}, expiresAt: null };
  expect(await sentOf(channel, 'F1')).toEqual([
    {
      type: IN_DIALECTS.finished.told[0]?.type,
      data: {
        id: expect.stringMatching(/^evt_/),
        sequence: 1,
        source: 'callback',
        receivedAt: expect.stringMatching(/Z$/),
        channel,
        provider: 'alipay',
        test: false,
        order: {
          orderNo: 'F1',
          state: 'paid',
          amountChecked: false,
          amount: yuan,
          paid: yuan,
          refunded: { minor: 0, currency: 'CNY' },
          paidAt,
          providerState: 'TRADE_SUCCESS',
          payments: [{ ...payment, ...means, paidAt }],
          ...none,
        },
        payer: { id: '2088102177846880', idType: 'alipay_user_id', account: null, name: null },
        refund: null,
        provenance: { payer: 'callback' },
      },
    },
  ]);
});

it(`of ${IN_DIALECTS.reused.name}: each its success, and then a flag on both`, async () => {
  const channel = await makeChannel({ provider: 'stripe', credentials: { signingSecrets: [STRIPE_SECRET] } });
  for (const orderNo of ['S1', 'S2', 'S2']) {
    const { body, headers } = stripePost({ ...session, client_reference_id: orderNo });
    expect(await post(channel, body, headers)).toBe('200 ');
  }
  for (const orderNo of ['S1', 'S2']) {
    await vi.waitFor(async () => expect(await sentOf(channel, orderNo)).toHaveLength(2), { timeout: 5_000 });
    const [shipped, flagged] = await sentOf(channel, orderNo);
    expect([shipped, flagged].map((event) => event?.type)).toEqual(IN_DIALECTS.reused.told.map(({ type }) => type));
    const { order } = shipped?.data ?? {};
    expect(order).toMatchObject({ orderNo, state: 'paid', flags: [], paid: { minor: 2599, currency: 'EUR' } });
    // The same order, and nothing but the flag is new.
    expect(flagged?.data.order).toEqual({ ...order, flags: ['transaction_reused'] });
    expect(flagged?.data).toMatchObject({ sequence: 2, source: 'callback', refund: null });
  }
});
