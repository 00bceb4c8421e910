// Alipay (支付宝), mainland OpenAPI: trade notices by key or certificate, queries, QR payments, closing, refunds. Never
// trusts a notice before RSA over its original bytes holds, nor the browser's return address at all.

import type { Acknowledgement, Answer } from '../core/acknowledgement.ts';
import { wireOf } from '../core/rejection.ts';
import { byWord } from '../core/success.ts';
import { certificateEnds } from '../crypto/certificate-ends.ts';
import { pay } from './alipay/api.ts';
import { bill } from './alipay/bill.ts';
import { close } from './alipay/close.ts';
import { Credentials, inspectCredentials } from './alipay/credentials.ts';
import { hint } from './alipay/hint.ts';
import { type Notice, openNotice } from './alipay/notice.ts';
import { query } from './alipay/query.ts';
import { refund } from './alipay/refund.ts';
import { write as writeTest } from './alipay/test-callback.ts';
import { translate } from './alipay/translate.ts';
import { provider } from './provider.ts';

// Success is these seven bytes and nothing else; anything else makes Alipay call again (asynchronous notices).
const answered = (status: number, body: 'success' | 'fail'): Answer => ({
  status,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

function acknowledge(acknowledgement: Acknowledgement): Answer {
  switch (acknowledgement.kind) {
    case 'accepted':
      return answered(200, 'success');
    case 'rejected':
      return answered(wireOf(acknowledgement.rejection.reason).status, 'fail');
    case 'unavailable':
      return answered(503, 'fail');
  }
}

export const alipay = provider<Credentials, Notice>({
  id: 'alipay',
  name: { en: 'Alipay', zh: '支付宝' },
  credentials: Credentials,
  environmentOf: ({ sandbox }) => (sandbox ? 'test' : 'live'),
  inspectCredentials,
  expiries: ({ alipayCert, appCert, alipayRootCert }) => certificateEnds({ alipayCert, appCert, alipayRootCert }),
  // No deadline is published; five seconds is what its peers give.
  ackDeadlineMs: 4_000,
  // None is published for notices of the mainland OpenAPI (read 2026-11).
  sourceRanges: [],
  // The signature is in the body.
  evidenceHeaders: [],
  // Eight calls in about 25 h (asynchronous notices): 4 min, 10, 10, 1 h, 2 h, 6 h, 15 h.
  retryScheduleSeconds: [240, 600, 600, 3_600, 7_200, 21_600, 54_000],
  verify: (callback, credentials, _keys, now) => openNotice(callback.body, credentials, now),
  translate,
  acknowledge,
  // Anything but these seven letters is a failure; handlers answer 200 with `fail` (asynchronous notices).
  readAcknowledgement: byWord('success'),
  hint,
  query,
  pay,
  close,
  refund,
  bill,
  testCallback: { currency: 'CNY', write: writeTest },
});
