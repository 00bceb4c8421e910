// Square: payments, refunds and disputes by webhook. Never trusts an event before the HMAC over the subscription's URL
// and the raw bytes holds, and never asks the request itself what its URL was.

import { byStatus } from '../core/acknowledgement.ts';
import { err } from '../core/result.ts';
import { byReceipt } from '../core/success.ts';
import { provider } from './provider.ts';
import { Credentials } from './square/credentials.ts';
import { type Notice, openNotice, proveSigned, SIGNATURE_HEADER } from './square/notice.ts';
import { query } from './square/query.ts';
import { write as writeTest } from './square/test-callback.ts';
import { translate } from './square/translate.ts';

export const square = provider<Credentials, Notice>({
  id: 'square',
  name: { en: 'Square', zh: 'Square' },
  credentials: Credentials,
  environmentOf: ({ environment }) => environment,
  // Square waits 10 s (docs: troubleshoot webhooks).
  ackDeadlineMs: 9_000,
  // None is published for webhooks (read 2026-11).
  sourceRanges: [],
  evidenceHeaders: [SIGNATURE_HEADER],
  // For 24 h with growing waits (docs: troubleshoot webhooks); the steps are not published, these are ours.
  retryScheduleSeconds: [60, 120, 240, 480, 960, 1_920, 3_600, 7_200, 14_400, 28_800, 28_800],
  linksById: true,
  verify: async (callback, credentials) => {
    const proof = await proveSigned(callback, credentials);
    return proof.ok ? openNotice(callback.body) : err(proof.error);
  },
  translate,
  // Only the status counts; anything but 2xx is tried again (docs: webhooks).
  acknowledge: byStatus(200),
  readAcknowledgement: byReceipt,
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
