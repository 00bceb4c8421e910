// Stripe: PaymentIntents, Checkout Sessions, charges, refunds and disputes, as snapshot or thin events. Never trusts an
// event before the HMAC over its raw bytes holds and its time is near ours, either way.

import { byStatus } from '../core/acknowledgement.ts';
import { err } from '../core/result.ts';
import { byReceipt } from '../core/success.ts';
import { provider } from './provider.ts';
import { Credentials } from './stripe/credentials.ts';
import { type Notice, openNotice, proveSigned, SIGNATURE_HEADER } from './stripe/notice.ts';
import { query } from './stripe/query.ts';
import { freshUntil, resign } from './stripe/resign.ts';
import { write as writeTest } from './stripe/test-callback.ts';
import { translate } from './stripe/translate.ts';

export const stripe = provider<Credentials, Notice>({
  id: 'stripe',
  name: { en: 'Stripe', zh: 'Stripe' },
  credentials: Credentials,
  environmentOf: ({ apiKey }) => (apiKey === undefined ? null : apiKey.includes('_live_') ? 'live' : 'test'),
  // Stripe publishes no deadline and asks for a quick answer; others have seen it wait longer than this.
  ackDeadlineMs: 9_000,
  // stripe.com/files/ips/ips_webhooks.txt as others published it (read 2026-11).
  sourceRanges: [
    '3.18.12.63/32',
    '3.69.109.8/32',
    '3.120.168.93/32',
    '3.130.192.231/32',
    '13.235.14.237/32',
    '13.235.122.149/32',
    '18.211.135.69/32',
    '35.154.171.200/32',
    '35.157.207.129/32',
    '52.15.183.38/32',
    '54.88.130.119/32',
    '54.88.130.237/32',
    '54.187.174.169/32',
    '54.187.205.235/32',
    '54.187.216.72/32',
  ],
  evidenceHeaders: [SIGNATURE_HEADER],
  // Three days with growing waits; the steps are not published, these are ours (docs: webhooks).
  retryScheduleSeconds: [300, 1_800, 7_200, 18_000, 36_000, 43_200, 43_200, 43_200, 43_200],
  linksById: true,
  verify: async (callback, credentials, _keys, now) => {
    const proof = await proveSigned(callback, credentials, now);
    return proof.ok ? openNotice(callback.body) : err(proof.error);
  },
  translate,
  // Only the status counts; anything but 2xx is tried again (docs: webhooks).
  acknowledge: byStatus(200),
  readAcknowledgement: byReceipt,
  freshUntil,
  resign,
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
