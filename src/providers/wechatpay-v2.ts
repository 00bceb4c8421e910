// WeChat Pay API v2 (微信支付), XML: payment and refund notices, order and refund queries, Native QR payments of both
// modes. Never trusts a payment before its signature holds, nor a refund notice before a query has confirmed it.

import type { Acknowledgement, Answer } from '../core/acknowledgement.ts';
import { wireOf } from '../core/rejection.ts';
import type { Taken } from '../core/success.ts';
import { printXml } from '../core/xml.ts';
import { certificateEnds } from '../crypto/certificate-ends.ts';
import { provider } from './provider.ts';
import { SOURCE_RANGES } from './wechatpay/rules.ts';
import { bill } from './wechatpay-v2/bill.ts';
import { Credentials } from './wechatpay-v2/credentials.ts';
import { inspectCredentials } from './wechatpay-v2/inspect.ts';
import { close, pay } from './wechatpay-v2/native.ts';
import { type Notice, openNotice, readFields } from './wechatpay-v2/notice.ts';
import { product } from './wechatpay-v2/product.ts';
import { query } from './wechatpay-v2/query.ts';
import { refund } from './wechatpay-v2/refund.ts';
import { resign } from './wechatpay-v2/resign.ts';
import { write as writeTest } from './wechatpay-v2/test-callback.ts';
import { translate } from './wechatpay-v2/translate.ts';

// The documented bytes and nothing else, not even a line feed; FAIL is always the same: the caller learns nothing.
const answer = (status: number, code: string, message: string): Answer => ({
  status,
  headers: { 'content-type': 'text/xml; charset=utf-8' },
  body: printXml('xml', { return_code: code, return_msg: message }),
});

function acknowledge(acknowledgement: Acknowledgement): Answer {
  switch (acknowledgement.kind) {
    case 'accepted':
      return answer(200, 'SUCCESS', 'OK');
    case 'rejected':
      return answer(wireOf(acknowledgement.rejection.reason).status, 'FAIL', '失败');
    case 'unavailable':
      return answer(503, 'FAIL', '失败');
  }
}

/** A handler that could not do its work answers 200 with FAIL, or with the page of an error (docs: payment notice). */
function readAcknowledgement(status: number, body: Uint8Array): Taken {
  const fields = readFields(body, 'xml');
  const isTaken = status >= 200 && status < 300 && fields.ok && fields.value.get('return_code')?.trim() === 'SUCCESS';
  return isTaken ? 'accepted' : 'refused';
}

export const wechatpayV2 = provider<Credentials, Notice>({
  id: 'wechatpay-v2',
  name: { en: 'WeChat Pay (API v2)', zh: '微信支付 (API v2)' },
  credentials: Credentials,
  inspectCredentials,
  expiries: ({ refundCert }) => certificateEnds({ refundCert }),
  // WeChat Pay waits 5 s.
  ackDeadlineMs: 4_000,
  sourceRanges: SOURCE_RANGES,
  // All that proves a notice is in its body.
  evidenceHeaders: [],
  // Documented for refunds; payments are taken to follow the same (24 h 4 min in all).
  retryScheduleSeconds: [
    15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600, 10_800, 10_800, 10_800, 21_600, 21_600,
  ],
  verify: (callback, credentials) => openNotice(callback.body, credentials),
  translate,
  acknowledge,
  readAcknowledgement,
  resign,
  query,
  pay,
  close,
  refund,
  bill,
  product,
  testCallback: { currency: 'CNY', write: writeTest },
});
