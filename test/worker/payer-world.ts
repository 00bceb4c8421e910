// What the tests of the payer's page share: an order in any state, its token, and a browser without cookies.
import { env, exports } from 'cloudflare:workers';
import { vi } from 'vitest';
import { ledgerNameOf } from '../../src/core/channel.ts';
import { payTokenOf } from '../../src/crypto/pay-token.ts';
import { call, unique } from './api-world.ts';
import { makeChannel, paid, post, registry } from './receive-world.ts';

export const CODE = 'weixin://wxpay/bizpayurl?pr=jvUKHoQ00';
export const DESCRIPTION = '"><script>alert(1)</script>龙井茶';

const { id: channel } = await makeChannel();

type Payer = { readonly channel: string; readonly orderNo: string; readonly token: string };

export const tokenOf = (orderNo: string): Promise<string> => payTokenOf(env.TOLLGATE_MASTER_KEY, { channel, orderNo });

/** An order of 1.00 CNY that nobody has paid. */
export async function makeOrder(more: object = {}): Promise<Payer> {
  const orderNo = unique('PAYER');
  const input = { channel, orderNo, amount: { minor: 100, currency: 'CNY' }, description: DESCRIPTION, ...more };
  const reply = await call('POST', '/v1/orders', input);
  if (reply.status !== 201) throw new Error(`the order was not made: ${reply.text}`);
  return { channel, orderNo, token: await tokenOf(orderNo) };
}

/** Gives the order a code, as the provider would have. */
export async function giveCode({ orderNo }: Payer, validForMs = 1_800_000, codeUrl = CODE): Promise<number> {
  const record = await registry().readChannel(channel);
  if (!record) throw new Error('the channel is gone');
  const codeExpiresAt = Date.now() + validForMs;
  const ledger = env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo));
  await ledger.setPaymentRequest(orderNo, { codeUrl, codeExpiresAt });
  return codeExpiresAt;
}

/** Pays it by a genuine callback. */
export async function pay({ orderNo }: Payer): Promise<void> {
  const { body, headers } = await paid(orderNo);
  const response = await post(channel, body, headers);
  if (response.status !== 204) throw new Error(`the callback was refused: ${response.status}`);
}

export const open = (path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Response> =>
  exports.default.fetch(new Request(`http://127.0.0.1:8787/pay/${path}`, { method, headers }));

export const stateOf = async ({ token }: Payer): Promise<unknown> => (await open(`${token}/status`)).json();

/** Lets the copies of what was seen grow old. */
export const later = (ms = 1_001): void => {
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + ms);
};
