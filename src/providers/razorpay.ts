// Razorpay: payments, orders, refunds and disputes by webhook. Never trusts an event before the HMAC over its raw bytes
// holds; the header with the event's id is signed by nobody and not read at all.

import { byStatus } from '../core/acknowledgement.ts';
import { err } from '../core/result.ts';
import { byReceipt } from '../core/success.ts';
import { provider } from './provider.ts';
import { Credentials } from './razorpay/credentials.ts';
import { type Notice, openNotice, proveSigned, SIGNATURE_HEADER } from './razorpay/notice.ts';
import { query } from './razorpay/query.ts';
import { write as writeTest } from './razorpay/test-callback.ts';
import { translate } from './razorpay/translate.ts';

export const razorpay = provider<Credentials, Notice>({
  id: 'razorpay',
  name: { en: 'Razorpay', zh: 'Razorpay' },
  credentials: Credentials,
  environmentOf: ({ environment }) => environment,
  // Razorpay is said to wait 5 s.
  ackDeadlineMs: 4_000,
  // Razorpay publishes addresses that change (read 2026-11): none is safe to keep here.
  sourceRanges: [],
  evidenceHeaders: [SIGNATURE_HEADER],
  // For 24 h with growing waits (docs: webhook best practices); the steps are not published, these are ours.
  retryScheduleSeconds: [60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800],
  linksById: true,
  verify: async (callback, credentials) => {
    const proof = await proveSigned(callback, credentials);
    return proof.ok ? openNotice(callback.body) : err(proof.error);
  },
  translate,
  // Only the status counts; anything but 2xx is tried again (docs: webhook best practices).
  acknowledge: byStatus(200),
  readAcknowledgement: byReceipt,
  query,
  testCallback: { currency: 'INR', write: writeTest },
});
