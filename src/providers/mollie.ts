// Mollie: unsigned notices that name a payment and say nothing of it. Anybody can send one, so a notice is only a hint:
// the payment is fetched with the merchant's key, and what was fetched alone counts. Never believes a notice, and never
// lets one choose what is asked beyond a payment's id.
import { z } from 'zod';
import { byStatus } from '../core/acknowledgement.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import { byStatuses } from '../core/success.ts';
import { fromUtf8 } from '../crypto/bytes.ts';
import { Credentials } from './mollie/credentials.ts';
import { query } from './mollie/payment.ts';
import { provider, type Translation } from './provider.ts';

/** A notice is 16 bytes or so. */
const BODY_BYTES_MAX = 1_024;
/** Payments, orders, refunds, chargebacks, payment links (docs: webhooks). Only payments are asked about. */
const Id = z.string().regex(/^(tr|ord|re|chb|pl)_[A-Za-z0-9]{1,64}$/);

/** What the notice names; nothing about it is proved. */
type Notice = { readonly id: string };

async function verify({ body }: { readonly body: Uint8Array }): Promise<Result<Notice, Rejection>> {
  const text = body.length > BODY_BYTES_MAX ? null : fromUtf8(body);
  const ids = text === null ? [] : new URLSearchParams(text).getAll('id');
  const id = Id.safeParse(ids[0]);
  if (ids.length === 1 && id.success) return ok({ id: id.data });
  return err(reject('malformed', 'The body is not id=tr_… as Mollie sends it. Nothing was asked.'));
}

function translate({ id }: Notice): Result<Translation, Rejection> {
  const about = { events: [], noticeType: id.startsWith('tr_') ? 'payment' : 'other', noticeId: id };
  // Next-generation webhooks name other things and are signed; here such an id is anybody's word.
  return ok(id.startsWith('tr_') ? { ...about, hints: [{ transactionId: id }] } : { ...about, unproven: true });
}

export const mollie = provider<Credentials, Notice>({
  id: 'mollie',
  name: { en: 'Mollie', zh: 'Mollie' },
  credentials: Credentials,
  environmentOf: ({ apiKey }) => (apiKey.startsWith('live_') ? 'live' : 'test'),
  // Mollie waits 15 s.
  ackDeadlineMs: 10_000,
  // Mollie advises against allowlists (docs: webhooks, read 2026-11).
  sourceRanges: [],
  // There is no signature.
  evidenceHeaders: [],
  // Ten calls over 26 hours; how they are spread is not confirmed.
  retryScheduleSeconds: [60, 120, 240, 480, 960, 1_920, 3_840, 28_800, 57_180],
  verify,
  translate,
  // 200 whatever the id means, so that nobody learns which payments exist (docs: webhooks). Anything else comes again.
  acknowledge: byStatus(200),
  readAcknowledgement: byStatuses(200),
  query,
  testCallback: {
    without: {
      en:
        'Mollie’s notices are not signed and only name a payment: what it is, Mollie alone can say, and it ' +
        'knows no test of ours. Pay with a test API key instead.',
      zh: 'Mollie 的通知没有签名，只给出支付编号，内容须向 Mollie 查询，而它不认识我们的测试。请改用 Mollie 的测试密钥付款一次。',
    },
  },
});
