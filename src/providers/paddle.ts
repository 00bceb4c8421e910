// Paddle Billing: transactions, refunds and chargebacks by notification. Never trusts an event before the HMAC over its
// time and raw bytes holds and that time is near ours, either way.

import { byStatus } from '../core/acknowledgement.ts';
import { err } from '../core/result.ts';
import { byStatuses } from '../core/success.ts';
import { Credentials } from './paddle/credentials.ts';
import { type Notice, openNotice, proveSigned, SIGNATURE_HEADER } from './paddle/notice.ts';
import { query } from './paddle/query.ts';
import { freshUntil, resign } from './paddle/resign.ts';
import { write as writeTest } from './paddle/test-callback.ts';
import { translate } from './paddle/translate.ts';
import { provider } from './provider.ts';

const repeated = (seconds: number, times: number) => Array.from({ length: times }, () => seconds);

export const paddle = provider<Credentials, Notice>({
  id: 'paddle',
  name: { en: 'Paddle Billing', zh: 'Paddle Billing' },
  credentials: Credentials,
  environmentOf: ({ environment }) => environment,
  // Paddle waits 5 s (docs: handle webhook delivery).
  ackDeadlineMs: 4_000,
  // Live, then sandbox (docs: handle webhook delivery, read 2026-11).
  sourceRanges: [
    '34.232.58.13/32',
    '34.195.105.136/32',
    '34.237.3.244/32',
    '35.155.119.135/32',
    '52.11.166.252/32',
    '34.212.5.7/32',
    '34.194.127.46/32',
    '54.234.237.108/32',
    '3.208.120.145/32',
    '44.226.236.210/32',
    '44.241.183.62/32',
    '100.20.172.113/32',
  ],
  evidenceHeaders: [SIGNATURE_HEADER],
  // 60 tries in 3 days, growing (docs: handle webhook delivery); the steps are not published, these are ours.
  retryScheduleSeconds: [...repeated(180, 20), ...repeated(3_060, 27), ...repeated(13_290, 13)],
  linksById: true,
  verify: async (callback, credentials, _keys, now) => {
    const proof = await proveSigned(callback, credentials, now);
    return proof.ok ? openNotice(callback.body) : err(proof.error);
  },
  translate,
  // Paddle asks for 200; anything else is tried again (docs: handle webhook delivery).
  acknowledge: byStatus(200),
  readAcknowledgement: byStatuses(200),
  freshUntil,
  resign,
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
