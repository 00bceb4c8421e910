// Genuine callbacks that are meant for another merchant account than the channel's, through the Worker's own door: not
// acknowledged, so that they come again once that is mended; alarmed, and no order of the channel is touched.
import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { createHash, createHmac } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { callbackLogNameOf } from '../../src/core/arrival.ts';
import { authorisation, HMAC_KEY } from '../fixtures/adyen/objects.ts';
import { postOf } from '../fixtures/adyen/post.ts';
import * as razorpay from '../fixtures/razorpay/merchant.ts';
import * as square from '../fixtures/square/merchant.ts';
import { intent } from '../fixtures/stripe/objects.ts';
import { call, makeChannel } from './api-world.ts';
import { registry } from './receive-world.ts';

const ORDER_NO = 'TG20260101-0001';
const STRIPE_SECRET = 'whsec_tollgateTestSecretNumber1aaaaaaaaaaa'; // made up for tests
const API_KEY = 'TollgateTestApiV2KeyOf32Letters0'; // made up for tests

type Post = { readonly headers: Readonly<Record<string, string>>; readonly body: string };
type Case = {
  readonly provider: string;
  readonly credentials: object;
  readonly ours: object;
  readonly others: object;
  readonly post: () => Post;
};

const seconds = () => Math.floor(Date.now() / 1000);

const posted = ({ headers, body }: ReturnType<typeof square.signed>): Post => ({
  headers,
  body: new TextDecoder().decode(body),
});

function stripe(): Post {
  const event = { id: 'evt_1', object: 'event', type: 'payment_intent.succeeded', livemode: true, created: seconds() };
  const body = JSON.stringify({ ...event, account: 'acct_1Ours0001', data: { object: intent } });
  const hex = createHmac('sha256', STRIPE_SECRET).update(`${seconds()}.${body}`).digest('hex');
  return { body, headers: { 'stripe-signature': `t=${seconds()},v1=${hex}` } };
}

function wechatpay(): Post {
  const fields = {
    ...{ appid: 'wx2421b1c4370ec43b', mch_id: '1900000109', nonce_str: 'n', openid: 'o', out_trade_no: ORDER_NO },
    ...{
      return_code: 'SUCCESS',
      result_code: 'SUCCESS',
      time_end: '20260101103456',
      total_fee: '100',
      cash_fee: '100',
    },
    ...{ trade_type: 'NATIVE', transaction_id: '4200002700000000000000000001' },
  };
  const text = Object.entries(fields)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map((pair) => pair.join('='))
    .join('&');
  const sign = createHash('md5').update(`${text}&key=${API_KEY}`).digest('hex').toUpperCase();
  const members = Object.entries({ ...fields, sign }).map(([name, value]) => `<${name}>${value}</${name}>`);
  return { body: `<xml>${members.join('')}</xml>`, headers: { 'content-type': 'text/xml' } };
}

const CASES: readonly Case[] = [
  {
    provider: 'wechatpay-v2',
    credentials: { apiKey: API_KEY },
    ours: { mchId: '1900000109' },
    others: { mchId: '1900000110' },
    post: wechatpay,
  },
  {
    provider: 'stripe',
    credentials: { signingSecrets: [STRIPE_SECRET] },
    ours: { accounts: ['acct_1Ours0001'] },
    others: { accounts: ['acct_1Other001'] },
    post: stripe,
  },
  {
    provider: 'square',
    credentials: { signatureKey: square.SIGNATURE_KEY, notificationUrl: square.NOTIFICATION_URL },
    ours: {},
    others: { merchantIds: ['MLSTRANGER01'] },
    post: () => posted(square.signed(square.eventOf('payment.updated', { payment: square.payment }))),
  },
  {
    provider: 'razorpay',
    credentials: { webhookSecrets: [razorpay.SECRET] },
    ours: {},
    others: { accountIds: ['acc_Stranger00001'] },
    post: () => posted(razorpay.signed(razorpay.eventOf('payment.captured', { payment: razorpay.payment }))),
  },
];

const send = (channel: string, { body, headers }: Post) =>
  call('POST', `/callbacks/${channel}`, body, {
    key: null,
    headers: { 'cf-connecting-ip': '101.226.103.7', ...headers },
  });

async function alarmsOf(channel: string): Promise<string[]> {
  const { body } = await call('GET', '/v1/alarms?limit=200');
  return [...(body.items ?? [])]
    .filter(({ subject }) => String(subject) === `channel/${channel}`)
    .map(({ code }) => String(code));
}

it.each(CASES)('of $provider are refused and alarmed, and the channel’s own are taken', async (one) => {
  const open = { provider: one.provider, allowlist: { mode: 'off', ranges: [] } };
  const theirs = await makeChannel({ ...open, credentials: { ...one.credentials, ...one.others } });
  const own = await makeChannel({ ...open, credentials: { ...one.credentials, ...one.ours } });
  expect((await send(theirs, one.post())).status).toBe(503);
  expect((await send(own, one.post())).status).toBe(200);
  await vi.waitFor(async () => expect(await alarmsOf(theirs)).toEqual(['wrong_merchant']), { timeout: 5_000 });
  expect(await alarmsOf(own)).toEqual([]);
  expect((await call('GET', `/v1/orders/${theirs}/${ORDER_NO}`)).status).toBe(404);
  expect((await call('GET', `/v1/orders/${own}/${ORDER_NO}`)).status).toBe(200);
});

it('of Adyen are acknowledged and shown, or they would block the company’s queue, and touch no order', async () => {
  const channel = await makeChannel({
    provider: 'adyen',
    credentials: { hmacKeys: [HMAC_KEY], merchantAccounts: ['AnotherShop'] },
  });
  expect(await send(channel, postOf(authorisation))).toMatchObject({ status: 200, text: '[accepted]' });
  const record = await registry().readChannel(channel);
  const log = env.CALLBACK_LOG.getByName(callbackLogNameOf(record?.channel.uid ?? ''));
  await vi.waitFor(
    async () => {
      await runDurableObjectAlarm(log);
      const { items } = (await call('GET', `/v1/callbacks?channel=${channel}`)).body;
      expect([...(items ?? [])]).toMatchObject([{ verdict: 'ignored', noticeType: 'AUTHORISATION of TollgateECOM' }]);
    },
    { timeout: 4_000 },
  );
  expect((await call('GET', `/v1/orders/${channel}/${ORDER_NO}`)).status).toBe(404);
});
