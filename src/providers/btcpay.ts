// BTCPay Server: webhooks signed over their raw bytes that name an invoice and no amount. A webhook says what to ask
// about; the merchant's own server, at the address the channel fixes, says what it is. Without an API key nothing is
// applied.
import { z } from 'zod';
import type { Acknowledgement, Answer } from '../core/acknowledgement.ts';
import type { Received } from '../core/event.ts';
import { parseJsonBody } from '../core/json-body.ts';
import { plainDecimal } from '../core/money.ts';
import { type Rejection, reject, wireOf } from '../core/rejection.ts';
import { err, ok, type Result, unreachable } from '../core/result.ts';
import { byReceipt } from '../core/success.ts';
import { concat, fromHex, utf8 } from '../crypto/bytes.ts';
import { verifyHmac } from '../crypto/hmac.ts';
import { Credentials, ID } from './btcpay/credentials.ts';
import { type About, query } from './btcpay/invoice.ts';
import { provider, type Translation } from './provider.ts';

const SIGNATURE = 'btcpay-sig';

const Word = z.string().max(128);

const Notice = z.object({
  deliveryId: Word.nullish(),
  originalDeliveryId: Word.nullish(),
  type: z.string().min(1).max(64),
  timestamp: z.int().positive().max(99_999_999_999),
  storeId: Word.nullish(),
  invoiceId: Word.nullish(),
  /** Named differently before version 2. */
  paymentMethodId: Word.nullish().catch(null),
  paymentMethod: Word.nullish().catch(null),
  payment: z.object({ value: Word }).nullish().catch(null),
});
type Notice = z.infer<typeof Notice>;

async function verify(
  { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array },
  { secret }: Credentials,
): Promise<Result<Notice, Rejection>> {
  const header = headers[SIGNATURE]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', 'The header BTCPay-Sig is missing or blank.'));
  const signature = header.startsWith('sha256=') ? fromHex(header.slice('sha256='.length)) : null;
  if (signature === null || !(await verifyHmac('SHA-256', utf8(secret), signature, concat(body)))) {
    return err(reject('signature_invalid', 'BTCPay-Sig does not verify: compare secret with the webhook’s own.'));
  }
  const notice = Notice.safeParse(parseJsonBody(body));
  if (notice.success) return ok(notice.data);
  return err(reject('malformed', `An authentic webhook without a readable ${fieldOf(notice.error)}.`));
}

const fieldOf = (error: z.ZodError) => error.issues[0]?.path.join('.') || 'body';

function translate(notice: Notice, credentials: Credentials): Result<Translation, Rejection> {
  const { type: noticeType, storeId, invoiceId } = notice;
  const noticeId = notice.originalDeliveryId ?? notice.deliveryId ?? null;
  if (credentials.storeId !== undefined && storeId && storeId !== credentials.storeId) {
    const detail = `A genuine webhook of store ${storeId}; this channel is for ${credentials.storeId}.`;
    return err(reject('wrong_merchant', `${detail} Correct the webhook's address or the channel.`));
  }
  const isNamed = storeId != null && ID.test(storeId) && invoiceId != null && ID.test(invoiceId);
  // Nothing but the invoice itself says what is paid; a refund is only offered by InvoiceRefund, not yet made.
  const isAsked = noticeType.startsWith('Invoice') && noticeType !== 'InvoiceRefund';
  if (!isNamed || !isAsked || credentials.apiKey === undefined) return ok({ events: [], noticeType, noticeId });
  const received = receivedOf(notice);
  const about: About = { storeId, at: notice.timestamp * 1000, ...(received ? { received } : {}) };
  const hint = { transactionId: invoiceId, reference: JSON.stringify(about) };
  return ok({ events: [], hints: [hint], noticeType, noticeId });
}

/** `BTC-CHAIN`, `BTC-LN`, and before version 2 `BTC` or `BTC-LightningNetwork`. */
function receivedOf({ payment, paymentMethodId, paymentMethod }: Notice): Received | null {
  const method = paymentMethodId || paymentMethod;
  const amount = plainDecimal(payment?.value ?? '');
  if (!method || amount === null) return null;
  return { amount, asset: method.split(/[-_]/)[0] ?? method, network: method };
}

const answer = (status: number): Answer => ({ status, headers: {}, body: '' });

// Any 2xx is a receipt. A 4xx is final: what the merchant can mend is answered so that the webhook comes again.
function acknowledge(acknowledgement: Acknowledgement): Answer {
  switch (acknowledgement.kind) {
    case 'accepted':
      return answer(200);
    case 'rejected': {
      const { status, curable } = wireOf(acknowledgement.rejection.reason);
      return answer(curable ? 503 : status);
    }
    case 'unavailable':
      return answer(503);
    default:
      return unreachable(acknowledgement);
  }
}

export const btcpay = provider<Credentials, Notice>({
  id: 'btcpay',
  name: { en: 'BTCPay Server', zh: 'BTCPay Server' },
  credentials: Credentials,
  // No deadline is documented; asking the server takes its time.
  ackDeadlineMs: 8_000,
  // Every merchant's server has its own address.
  sourceRanges: [],
  evidenceHeaders: [SIGNATURE],
  // Only after 5xx, 408, 429 and network errors (source: WebhookSender).
  retryScheduleSeconds: [10, 60, 600, 600, 600, 600, 600, 600],
  verify,
  translate,
  acknowledge,
  readAcknowledgement: byReceipt,
  query,
  testCallback: {
    without: {
      en:
        'A webhook of BTCPay Server only names an invoice, which is then read from your own server, and that ' +
        'knows none of ours. Use the webhook’s own test button there, or pay an invoice on testnet.',
      zh: 'BTCPay Server 的回调只给出发票编号，内容须向您自己的服务器查询，而那里没有我们的测试发票。请使用其 Webhook 页面的测试按钮，或在测试网支付一张发票。',
    },
  },
});
