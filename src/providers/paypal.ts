// PayPal: webhook events of captures, refunds, orders and disputes, proved offline. Never asks PayPal whether a
// callback is genuine: its certificate is fetched once, from its own hosts alone, and believed only with its chain.

import { byStatus } from '../core/acknowledgement.ts';
import { byReceipt } from '../core/success.ts';
import { certificateEnds } from '../crypto/certificate-ends.ts';
import { keys } from './paypal/certificates.ts';
import { Credentials, inspectCredentials } from './paypal/credentials.ts';
import { HEADERS, type Notice, openNotice } from './paypal/notice.ts';
import { query } from './paypal/query.ts';
import { write as writeTest } from './paypal/test-callback.ts';
import { token } from './paypal/token.ts';
import { translate } from './paypal/translate.ts';
import { provider } from './provider.ts';

export const paypal = provider<Credentials, Notice>({
  id: 'paypal',
  name: { en: 'PayPal', zh: 'PayPal' },
  credentials: Credentials,
  environmentOf: ({ environment }) => (environment === 'live' ? 'live' : 'test'),
  inspectCredentials,
  expiries: ({ trustedCerts }) => certificateEnds({ trustedCerts }),
  // No deadline is published.
  ackDeadlineMs: 9_000,
  // PayPal asks not to allow by address (read 2026-11).
  sourceRanges: [],
  evidenceHeaders: HEADERS,
  // Up to 25 times over three days (docs: webhooks integration); the steps are not published, these are ours.
  retryScheduleSeconds: [60, 120, 300, 600, 1_200, 1_800, 3_600, ...Array.from({ length: 18 }, () => 13_950)],
  linksById: true,
  keys,
  verify: (callback, credentials, fetched, now) => openNotice(callback, credentials, fetched, now),
  translate,
  // Any 2xx is a receipt; anything else is tried again (docs: webhooks integration).
  acknowledge: byStatus(200),
  readAcknowledgement: byReceipt,
  token,
  query,
  testCallback: { currency: 'USD', write: writeTest },
});
