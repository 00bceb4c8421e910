// A payment and its refund as a merchant sees them: the gateway on its real runtime, the pretend WeChat Pay behind a
// real socket, nothing in between but HTTP.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createIdentity, credentialsOf } from '../../src/sandbox/identity.ts';
import { startWeChatPay, type WeChatPay } from '../../src/sandbox/wechatpay.ts';
import { Client } from '../../tools/client.ts';
import { type Launched, launch } from '../../tools/launch.ts';

const Refund = z.object({ refundNo: z.string(), state: z.string() });
const Order = z.object({ state: z.string(), refunds: z.array(Refund) });
const Registered = z.object({ order: Order, payment: z.object({ codeUrl: z.string(), payUrl: z.string() }) });
const Queried = z.object({
  order: Order,
  query: z.object({ found: z.boolean(), providerState: z.string().nullable() }),
});
const Refunded = z.object({ order: Order, refund: Refund });
const Detail = z.object({ order: Order });

let folder: string;
let wechat: WeChatPay;
let gateway: Launched;
let client: Client;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-payment-test-'));
  const identity = await createIdentity(Date.now());
  wechat = await startWeChatPay({ port: 0, identity, notifyUrl: null, timeScale: 0.001 });
  const vars = { TOLLGATE_PROVIDER_BASE: wechat.url };
  gateway = await launch({ port: 0, stateDir: join(folder, 'state'), vars });
  client = new Client(gateway.url, gateway.adminKey);
  const channel = { id: 'tea', provider: 'wechatpay-v3', origins: [], credentials: credentialsOf(identity) };
  await client.send('POST', '/v1/channels', channel, z.unknown());
});
afterAll(async () => {
  await gateway?.dispose();
  await wechat?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

const sell = (orderNo: string) => {
  const order = { channel: 'tea', orderNo, amount: { minor: 1_000, currency: 'CNY' }, pay: true };
  return client.send('POST', '/v1/orders', order, Registered);
};
const read = (orderNo: string) => client.get(`/v1/orders/tea/${orderNo}`, Detail);
const refundOf = (refundNo: string) => ({ refundNo, amount: { minor: 400, currency: 'CNY' } });

it('is asked for, paid, told by its callback, and partly given back', async () => {
  const { payment } = await sell('runtime-1');
  expect(payment.codeUrl).toMatch(/^weixin:/);
  expect((await fetch(payment.payUrl)).status).toBe(200);
  await wechat.pay({ outTradeNo: 'runtime-1' }).first;
  expect((await read('runtime-1')).order.state).toBe('paid');
  const path = '/v1/orders/tea/runtime-1/refunds';
  const asked = await Promise.all([1, 2].map(() => client.send('POST', path, refundOf('runtime-r1'), Refunded)));
  expect(asked.map(({ refund }) => refund.refundNo)).toEqual(['runtime-r1', 'runtime-r1']);
  await vi.waitFor(
    async () => {
      const { order } = await read('runtime-1');
      expect(order).toMatchObject({
        state: 'partially_refunded',
        refunds: [{ refundNo: 'runtime-r1', state: 'succeeded' }],
      });
    },
    { timeout: 10_000, interval: 100 },
  );
});

it('is found by asking when its callback never arrives', async () => {
  await sell('runtime-2');
  const nobody = 'http://127.0.0.1:9/callbacks/tea'; // the discard port: nothing listens
  await wechat.pay({ outTradeNo: 'runtime-2', notifyUrl: nobody, attempts: 1 }).first;
  expect((await read('runtime-2')).order.state).toBe('pending');
  const told = await client.send('POST', '/v1/orders/tea/runtime-2/query', {}, Queried);
  expect(told).toMatchObject({ order: { state: 'paid' }, query: { found: true, providerState: 'SUCCESS' } });
});
