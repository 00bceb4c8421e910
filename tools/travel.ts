// Drives one payment from the order to the database and tells each hop as it happens. Looks from outside alone: the
// /v1 API, and what the pretend WeChat Pay and the pretend merchant see.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { renderUnicodeCompact } from 'uqr';
import { z } from 'zod';
import type { Attempt } from '../src/sandbox/courier.ts';
import type { WeChatPay } from '../src/sandbox/wechatpay.ts';
import type { Client } from './client.ts';
import { CHANNEL } from './demo.ts';
import type { Witness } from './onlooker.ts';
import { paint, Sentence } from './terminal.ts';

const Registered = z.object({ payment: z.object({ codeUrl: z.string() }).nullable() });
const Detail = z.object({
  order: z.object({ state: z.string(), sequence: z.int() }),
  deliveries: z.array(
    z.object({
      eventId: z.string(),
      state: z.string(),
      attempts: z.array(z.object({ outcome: z.string(), detail: z.string() })),
    }),
  ),
});
const List = z.object({ items: z.array(z.object({ orderNo: z.string(), state: z.string() })) });

export type World = {
  readonly client: Client;
  readonly sandbox: WeChatPay;
  /** Told before the payment, so that no hop is missed. */
  readonly watch: (orderNo: string) => Witness;
};

export type Travelled = {
  readonly orderNo: string;
  readonly eventId: string;
  readonly ackMs: number;
  readonly deliveredMs: number;
};

/** Longest wait for any one hop. */
const HOP_TIMEOUT_MS = 20_000;

export const newOrderNo = (): string => `demo${Date.now()}${randomBytes(3).toString('hex')}`;

export async function travel(world: World, orderNo: string): Promise<Travelled> {
  const startedAt = performance.now();
  const hop = (name: string, text: string, at = performance.now()) => {
    const ms = `${Math.round(at - startedAt)} ms`.padStart(9);
    console.log(`${paint('dim', ms)}  ${paint('bold', name.padEnd(9))} ${text}`);
  };
  const witness = world.watch(orderNo);
  const codeUrl = await register(world.client, orderNo);
  hop('order', `${orderNo} is registered: 0.01 CNY, "a cup of tea"`);
  hop('QR code', `${codeUrl}\n${drawQr(codeUrl)}`);

  hop('paid', 'the payer scans the code and pays at the pretend WeChat Pay');
  const { first } = world.sandbox.pay({ outTradeNo: orderNo });
  await first;
  const { attempt, sentAt } = witness;
  if (!attempt || sentAt === null) throw new Sentence('WeChat Pay sent no callback: this is a fault of the sandbox.');
  hop('callback', `signed (RSA-SHA256) and encrypted (AES-256-GCM) → POST /callbacks/${CHANNEL}`, sentAt);
  if (!attempt.acknowledged) throw new Sentence(refusalOf(attempt));
  hop('answer', `${attempt.status} after ${attempt.tookMs} ms: genuine, decrypted, committed`, sentAt + attempt.tookMs);

  const { order } = await world.client.get(`/v1/orders/${CHANNEL}/${orderNo}`, Detail);
  hop('ledger', `the order is ${order.state}; its event ${order.sequence} waits to be delivered`);
  const { at, event } = await until(
    'the event at the origin',
    async () => witness.event,
    () => lastAttempt(world, orderNo),
  );
  hop('origin', `${event.body.type} ${event.id} received, signature verified`, at);
  await until('the delivery to be settled', () => settled(world.client, orderNo, event.id));
  hop('settled', 'the ledger knows that it was delivered');
  await until('the order in the list', () => listed(world.client, orderNo));
  hop('D1', `GET /v1/orders?channel=${CHANNEL} lists it as paid`);
  return { orderNo, eventId: event.id, ackMs: attempt.tookMs, deliveredMs: Math.round((at - sentAt) * 10) / 10 };
}

async function register(client: Client, orderNo: string): Promise<string> {
  const { payment } = await client.send(
    'POST',
    '/v1/orders',
    { channel: CHANNEL, orderNo, amount: { minor: 1, currency: 'CNY' }, description: 'a cup of tea', pay: true },
    Registered,
  );
  if (!payment) throw new Sentence(`POST /v1/orders gave no payment for ${orderNo}.`);
  return payment.codeUrl;
}

/** Indented, so that it stands under its hop. */
const drawQr = (text: string): string =>
  renderUnicodeCompact(text, { border: 2 })
    .split('\n')
    .map((line) => `           ${line}`)
    .join('\n');

const refusalOf = ({ status, answer }: Attempt): string =>
  status === null
    ? `The gateway did not answer the callback: ${answer}.`
    : `The gateway refused the callback with ${status}: ${answer}. GET /v1/rejections says why.`;

async function until<T>(what: string, look: () => Promise<T | null>, explain?: () => Promise<string>): Promise<T> {
  const deadline = Date.now() + HOP_TIMEOUT_MS;
  for (;;) {
    const found = await look();
    if (found !== null) return found;
    if (Date.now() > deadline) {
      const why = explain ? ` ${await explain()}` : '';
      throw new Sentence(`Waited ${HOP_TIMEOUT_MS / 1_000} s for ${what} in vain.${why}`);
    }
    await sleep(20);
  }
}

async function settled(client: Client, orderNo: string, eventId: string): Promise<true | null> {
  const { deliveries } = await client.get(`/v1/orders/${CHANNEL}/${orderNo}`, Detail);
  return deliveries.some((one) => one.eventId === eventId && one.state === 'delivered') || null;
}

async function listed(client: Client, orderNo: string): Promise<true | null> {
  const { items } = await client.get(`/v1/orders?channel=${CHANNEL}&limit=20`, List);
  return items.some((item) => item.orderNo === orderNo && item.state === 'paid') || null;
}

async function lastAttempt({ client }: World, orderNo: string): Promise<string> {
  const { deliveries } = await client.get(`/v1/orders/${CHANNEL}/${orderNo}`, Detail);
  const [delivery] = deliveries;
  if (!delivery) return 'The order has no delivery.';
  const attempt = delivery.attempts.at(-1);
  const tried = attempt ? `; its last attempt was ${attempt.outcome}: ${attempt.detail}` : ' and was not tried';
  return `The delivery is ${delivery.state}${tried}.`;
}
