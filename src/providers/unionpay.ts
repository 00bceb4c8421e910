// UnionPay, ACP gateway 5.1.0: back notices as signed forms that bring their certificate along. Never trusts it without
// the pinned chain.

import { byStatus } from '../core/acknowledgement.ts';
import { byStatuses } from '../core/success.ts';
import { certificateEnds } from '../crypto/certificate-ends.ts';
import { provider } from './provider.ts';
import { Credentials, inspectCredentials } from './unionpay/credentials.ts';
import { hint } from './unionpay/hint.ts';
import { type Notice, openNotice } from './unionpay/notice.ts';
import { query } from './unionpay/query.ts';
import { write as writeTest } from './unionpay/test-callback.ts';
import { translate } from './unionpay/translate.ts';

export const unionpay = provider<Credentials, Notice>({
  id: 'unionpay',
  name: { en: 'UnionPay', zh: '中国银联' },
  credentials: Credentials,
  environmentOf: ({ sandbox }) => (sandbox ? 'test' : 'live'),
  inspectCredentials,
  expiries: ({ rootCert, middleCert, signCert }) => certificateEnds({ rootCert, middleCert, signCert }),
  // UnionPay waits 10 s (FAQ 72).
  ackDeadlineMs: 9_000,
  // Not published for this gateway (read 2026-11).
  sourceRanges: [],
  // The signature and its certificate are in the body.
  evidenceHeaders: [],
  // Five times at most (FAQ 72).
  retryScheduleSeconds: [60, 120, 240, 300],
  linksById: true,
  verify: ({ body }, credentials, _keys, now) => openNotice(body, credentials, now),
  translate,
  // Only the status counts, and only 200 is a receipt (open.unionpay.com: FAQ 72).
  acknowledge: byStatus(200),
  readAcknowledgement: byStatuses(200),
  hint,
  query,
  testCallback: { currency: 'CNY', write: writeTest },
});
