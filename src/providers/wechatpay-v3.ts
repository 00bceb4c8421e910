// WeChat Pay API v3 (微信支付), direct merchants and service providers: payment and refund notices, platform
// certificates, Native QR payments. Never trusts a notice before its signature over the raw bytes and its seal hold.

import type { Acknowledgement, Answer } from '../core/acknowledgement.ts';
import { type Rejection, wireOf } from '../core/rejection.ts';
import { err, type Result } from '../core/result.ts';
import { byStatuses } from '../core/success.ts';
import { certificateEnds } from '../crypto/certificate-ends.ts';
import { provider } from './provider.ts';
import { SOURCE_RANGES } from './wechatpay/rules.ts';
import { bill } from './wechatpay-v3/bill.ts';
import { keys } from './wechatpay-v3/certificates.ts';
import { Credentials } from './wechatpay-v3/credentials.ts';
import { echo } from './wechatpay-v3/echo.ts';
import { hint } from './wechatpay-v3/hint.ts';
import { inspectCredentials } from './wechatpay-v3/inspect.ts';
import { close, pay } from './wechatpay-v3/native.ts';
import { type Notice, openNotice } from './wechatpay-v3/notice.ts';
import { query } from './wechatpay-v3/query.ts';
import { refund } from './wechatpay-v3/refund.ts';
import { freshUntil, keyringOf, proveSigned } from './wechatpay-v3/signature.ts';
import { write as writeTest } from './wechatpay-v3/test-callback.ts';
import { translate } from './wechatpay-v3/translate.ts';

// Only the HTTP status counts, and the body of a success is ignored, so 204 leaves nothing to get wrong. The failure
// body is the documented one and always the same bytes: the caller learns nothing (notification considerations).
const ACCEPTED: Answer = { status: 204, headers: {}, body: '' };
const failed = (status: number): Answer => ({
  status,
  headers: { 'content-type': 'application/json; charset=utf-8' },
  body: '{"code":"FAIL","message":"失败"}',
});

function acknowledge(acknowledgement: Acknowledgement): Answer {
  switch (acknowledgement.kind) {
    case 'accepted':
      return ACCEPTED;
    case 'rejected':
      return failed(wireOf(acknowledgement.rejection.reason).status);
    case 'unavailable':
      return failed(503);
  }
}

export const wechatpayV3 = provider<Credentials, Notice>({
  id: 'wechatpay-v3',
  name: { en: 'WeChat Pay (API v3)', zh: '微信支付 (API v3)' },
  credentials: Credentials,
  inspectCredentials,
  expiries: ({ platformKeys, merchantCertificate }) =>
    certificateEnds({ platformKeys: Object.values(platformKeys).join('\n'), merchantCertificate }),
  // WeChat Pay waits 5 s.
  ackDeadlineMs: 4_000,
  sourceRanges: SOURCE_RANGES,
  evidenceHeaders: [
    'wechatpay-serial',
    'wechatpay-timestamp',
    'wechatpay-nonce',
    'wechatpay-signature',
    'wechatpay-signature-type',
  ],
  // 24 h 4 min in all; delivery is not promised (APIv3 payment notice).
  retryScheduleSeconds: [
    15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600,
  ],
  verify: async (callback, credentials, fetched, now): Promise<Result<Notice, Rejection>> => {
    const proof = await proveSigned(callback.headers, callback.body, keyringOf(credentials, fetched), now);
    return proof.ok ? openNotice(callback.body, credentials) : err(proof.error);
  },
  translate,
  acknowledge,
  // 200 or 204, whatever the body says (docs: payment notice).
  readAcknowledgement: byStatuses(200, 204),
  freshUntil,
  echo,
  hint,
  keys,
  query,
  pay,
  close,
  refund,
  bill,
  testCallback: { currency: 'CNY', write: writeTest },
});
