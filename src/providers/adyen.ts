// Adyen: standard webhooks, one HMAC an item, in order per endpoint. Never drops an item, and never lets one that says
// nothing about our orders hold up the others.

import type { Acknowledgement, Answer } from '../core/acknowledgement.ts';
import { wireOf } from '../core/rejection.ts';
import { unreachable } from '../core/result.ts';
import { byReceipt } from '../core/success.ts';
import { Credentials } from './adyen/credentials.ts';
import { type Notice, openNotice } from './adyen/notice.ts';
import { write as writeTest } from './adyen/test-callback.ts';
import { translate } from './adyen/translate.ts';
import { provider } from './provider.ts';

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const failed = (status: number): Answer => ({ status, headers: {}, body: '' });

// Any 2xx is a receipt today; [accepted] was asked for before and still does no harm (docs: accept webhooks).
function acknowledge(acknowledgement: Acknowledgement): Answer {
  switch (acknowledgement.kind) {
    case 'accepted':
      return { status: 200, headers: TEXT, body: '[accepted]' };
    case 'rejected':
      return failed(wireOf(acknowledgement.rejection.reason).status);
    case 'unavailable':
      return failed(503);
    default:
      return unreachable(acknowledgement);
  }
}

const MINUTE = 60;
const HOUR = 3_600;

export const adyen = provider<Credentials, Notice>({
  id: 'adyen',
  name: { en: 'Adyen', zh: 'Adyen' },
  credentials: Credentials,
  // Adyen waits 10 s (docs: troubleshoot webhooks).
  ackDeadlineMs: 9_000,
  // Addresses change and are not published as ranges; Adyen asks to allow its domain (read 2026-11).
  sourceRanges: [],
  // The signatures are in the body.
  evidenceHeaders: [],
  // Three tries at once, then with growing waits, then every eight hours for 30 days (docs: troubleshoot webhooks).
  retryScheduleSeconds: [
    9,
    18,
    27,
    ...[2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
    ...[1, 2, 4].map((hours) => hours * HOUR),
    ...Array.from({ length: 89 }, () => 8 * HOUR),
  ],
  linksById: true,
  verify: ({ body }, credentials, _keys, now) => openNotice(body, credentials, now),
  translate,
  acknowledge,
  readAcknowledgement: byReceipt,
  testCallback: { currency: 'EUR', write: writeTest },
});
