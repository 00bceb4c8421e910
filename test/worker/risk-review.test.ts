// What a provider doubts, through the Worker's own door: the flag risk_review on the order, whether the doubt comes
// with the payment or after it.
import { createHmac } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { authorisation, HMAC_KEY, type ItemContent } from '../fixtures/adyen/objects.ts';
import { postOf } from '../fixtures/adyen/post.ts';
import { charge, intent } from '../fixtures/stripe/objects.ts';
import { call, makeChannel } from './api-world.ts';

const SECRET = 'whsec_tollgateTestSecretNumber1aaaaaaaaaaa'; // made up for tests
const ORDER_NO = 'TG20260101-0001';

type Post = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

function stripe(type: string, object: object): Post {
  const seconds = Math.floor(Date.now() / 1000);
  const event = { id: 'evt_1', object: 'event', type, livemode: true, created: seconds, data: { object } };
  const body = JSON.stringify(event);
  const hex = createHmac('sha256', SECRET).update(`${seconds}.${body}`).digest('hex');
  return { body, headers: { 'stripe-signature': `t=${seconds},v1=${hex}` } };
}

const inStripe = () => makeChannel({ provider: 'stripe', credentials: { signingSecrets: [SECRET] } });
const inAdyen = () =>
  makeChannel({ provider: 'adyen', credentials: { hmacKeys: [HMAC_KEY], merchantAccounts: ['TollgateECOM'] } });

async function send(channel: string, { body, headers }: Post): Promise<void> {
  const reply = await call('POST', `/callbacks/${channel}`, body, { key: null, headers });
  expect(reply.status).toBe(200);
}

async function stateOf(channel: string): Promise<readonly [string, unknown]> {
  const { order } = (await call('GET', `/v1/orders/${channel}/${ORDER_NO}`)).body;
  return [String(order?.state), order?.flags];
}

const doubted = { ...charge, outcome: { type: 'manual_review', risk_level: 'elevated' }, review: 'prv_1Tollgate' };

it('is flagged on a payment that Stripe reviews', async () => {
  const channel = await inStripe();
  await send(channel, stripe('payment_intent.succeeded', { ...intent, review: 'prv_1Tollgate' }));
  expect(await stateOf(channel)).toEqual(['paid', ['risk_review']]);
});

it('is flagged though the payment is known already, and once, whatever tells of it again', async () => {
  const channel = await inStripe();
  await send(channel, stripe('payment_intent.succeeded', intent));
  expect(await stateOf(channel)).toEqual(['paid', []]);
  await send(channel, stripe('charge.succeeded', doubted));
  expect(await stateOf(channel)).toEqual(['paid', ['risk_review']]);
  const before = (await call('GET', `/v1/orders/${channel}/${ORDER_NO}`)).body.order;
  await send(channel, stripe('charge.succeeded', doubted));
  await send(channel, stripe('payment_intent.succeeded', { ...intent, review: 'prv_1Tollgate' }));
  expect((await call('GET', `/v1/orders/${channel}/${ORDER_NO}`)).body.order).toEqual(before);
});

it.each<ItemContent>([{ fraudManualReview: 'true' }, { fraudResultType: 'AMBER' }])(
  'is flagged on a payment that Adyen doubts: %j',
  async (additionalData) => {
    const channel = await inAdyen();
    await send(channel, postOf({ ...authorisation, additionalData }));
    expect(await stateOf(channel)).toEqual(['paid', ['risk_review']]);
  },
);

const opened = {
  id: 'prv_1Tollgate',
  object: 'review',
  charge: charge.id,
  payment_intent: intent.id,
  open: true,
  reason: 'rule',
  created: Math.floor(Date.now() / 1000),
  livemode: true,
};

it('is flagged by a review that names no order, after the payment', async () => {
  const channel = await inStripe();
  await send(channel, stripe('payment_intent.succeeded', intent));
  await send(channel, stripe('review.opened', opened));
  expect(await stateOf(channel)).toEqual(['paid', ['risk_review']]);
});

it('is flagged by a review that came before the payment that it is about', async () => {
  const channel = await inStripe();
  await send(channel, stripe('review.opened', opened));
  await send(channel, stripe('payment_intent.succeeded', intent));
  await vi.waitFor(async () => expect(await stateOf(channel)).toEqual(['paid', ['risk_review']]), 5_000);
});
