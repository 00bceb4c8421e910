// Callbacks that name no order, through the Worker's own door: refunds and disputes that come before their payment, and
// payments that come before what names their order, end in that order.
import { createHmac } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { authorisation, HMAC_KEY, modification } from '../fixtures/adyen/objects.ts';
import * as adyen from '../fixtures/adyen/post.ts';
import * as paddle from '../fixtures/paddle/merchant.ts';
import * as razorpay from '../fixtures/razorpay/merchant.ts';
import * as square from '../fixtures/square/merchant.ts';
import { charge, dispute, intent, refund, session } from '../fixtures/stripe/objects.ts';
import { call, makeChannel } from './api-world.ts';

const ORDER_NO = 'TG20260101-0001';
const STRIPE_SECRET = 'whsec_tollgateTestSecretNumber1aaaaaaaaaaa'; // made up for tests
const seconds = Math.floor(Date.now() / 1000);

type Post = { readonly headers: Readonly<Record<string, string>>; readonly body: string };

function stripe(type: string, object: object): Post {
  const body = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type,
    livemode: true,
    created: seconds,
    data: { object },
  });
  const hex = createHmac('sha256', STRIPE_SECRET).update(`${seconds}.${body}`).digest('hex');
  return { body, headers: { 'stripe-signature': `t=${seconds},v1=${hex}` } };
}

const posted = ({ headers, body }: ReturnType<typeof square.signed>): Post => ({
  headers,
  body: new TextDecoder().decode(body),
});

const unnamed = { ...razorpay.payment, notes: [] };
const inPaddle = (type: string, data: object) =>
  posted(paddle.signed(paddle.eventOf(type, data), paddle.SECRET, seconds * 1000));

const CASES: readonly (readonly [string, object, readonly Post[], string])[] = [
  [
    'adyen',
    { hmacKeys: [HMAC_KEY], merchantAccounts: ['TollgateECOM'] },
    [
      adyen.postOf(modification('REFUND')),
      adyen.postOf(modification('NOTIFICATION_OF_CHARGEBACK')),
      adyen.postOf(authorisation),
    ],
    '[accepted]',
  ],
  [
    'stripe',
    { signingSecrets: [STRIPE_SECRET] },
    [
      stripe('refund.created', refund),
      stripe('charge.dispute.created', { ...dispute, payment_intent: null }),
      stripe('payment_intent.succeeded', { ...intent, metadata: {} }),
      stripe('checkout.session.completed', session),
      stripe('charge.succeeded', charge),
    ],
    '',
  ],
  [
    'square',
    { signatureKey: square.SIGNATURE_KEY, notificationUrl: square.NOTIFICATION_URL },
    [
      posted(square.signed(square.eventOf('refund.updated', { refund: square.refund }))),
      posted(square.signed(square.eventOf('dispute.created', { dispute: square.dispute }))),
      posted(square.signed(square.eventOf('payment.updated', { payment: square.payment }))),
    ],
    '',
  ],
  [
    'razorpay',
    { webhookSecrets: [razorpay.SECRET] },
    [
      posted(razorpay.signed(razorpay.eventOf('refund.processed', { refund: razorpay.refund, payment: unnamed }))),
      posted(
        razorpay.signed(razorpay.eventOf('payment.dispute.created', { dispute: razorpay.dispute, payment: unnamed })),
      ),
      posted(razorpay.signed(razorpay.eventOf('payment.captured', { payment: unnamed }))),
      posted(razorpay.signed(razorpay.eventOf('order.paid', { order: razorpay.order, payment: unnamed }))),
    ],
    '',
  ],
  [
    'paddle',
    { secrets: [paddle.SECRET] },
    [
      inPaddle('adjustment.updated', paddle.refund),
      inPaddle('adjustment.created', paddle.chargeback),
      inPaddle('transaction.completed', paddle.transaction),
    ],
    '',
  ],
];

it.each(CASES)(
  'of %s reach their order whatever comes first (pitfall 9)',
  async (provider, credentials, posts, answer) => {
    const channel = await makeChannel({ provider, credentials });
    for (const { body, headers } of [...posts, ...posts]) {
      const reply = await call('POST', `/callbacks/${channel}`, body, { key: null, headers });
      expect([reply.status, reply.text]).toEqual([200, answer]);
    }
    await vi.waitFor(
      async () => {
        const { body } = await call('GET', `/v1/orders/${channel}/${ORDER_NO}`);
        expect(body.order).toMatchObject({ state: 'partially_refunded', dispute: 'open', flags: [] });
        expect([...(body.order?.payments ?? [])]).toHaveLength(1);
        expect([...(body.order?.refunds ?? [])]).toHaveLength(1);
      },
      { timeout: 5_000 },
    );
  },
);
