// Refunds of WeChat Pay v2: asks for one, under the merchant's client certificate, and reads what the answer says of
// it. Never makes a call, and takes an accepted refund for no more than that.
import type { RefundFact } from '../../core/event.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { xmlSafe } from '../../core/xml.ts';
import type {
  Provider,
  ProviderAnswer,
  ProviderProblem,
  ProviderRequest,
  RefundOrder,
  Translation,
} from '../provider.ts';
import { cutReason, type Meanings, problem, REFUND_MEANINGS, refundProblem } from '../wechatpay/rules.ts';
import { failureOf, NEEDS_PAYEE, provedFields, SUCCESS, signedRequest } from './api.ts';
import type { Credentials } from './credentials.ts';
import type { Notice } from './notice.ts';
import { payeeOf } from './reference.ts';
import { acceptedRefundOf } from './translate.ts';

const REFUND_PATH = '/secapi/pay/refund';
export const refund: NonNullable<Provider<Credentials, Notice>['refund']> = {
  request: (order, credentials, { nonce }) => requestRefund(order, credentials, nonce),
  read: (answer, order, credentials, _keys, now) => readRefund(answer, order, credentials, now),
};

const OWN_MEANINGS: Meanings = {
  ...REFUND_MEANINGS,
  TRADEOVERDUE: { code: 'refused', mend: 'The payment is older than a year: give the money back another way.' },
  CERTERROR: {
    code: 'refused',
    mend: 'Upload the merchant’s present API certificate and name its binding in refundCertBinding.',
  },
};

const NEEDS_CERTIFICATE =
  'refundCertBinding is missing: refunds of the v2 API need the merchant API certificate. Run: npx wrangler ' +
  'mtls-certificate upload --cert apiclient_cert.pem --key apiclient_key.pem --name mtls_wechatpay; add to ' +
  'wrangler.toml: [[mtls_certificates]] binding = "MTLS_WECHATPAY" certificate_id = "the id it gave"; deploy; then ' +
  'set refundCertBinding to MTLS_WECHATPAY.';

async function requestRefund(
  order: RefundOrder,
  credentials: Credentials,
  nonce: string,
): Promise<Result<ProviderRequest, ProviderProblem>> {
  const { refundNo, amount, paid, reason, transactionId, orderNo, notifyUrl } = order;
  const payee = payeeOf(credentials);
  if (payee === null) return problem('not_configured', NEEDS_PAYEE);
  if (credentials.refundCertBinding === undefined) return problem('not_configured', NEEDS_CERTIFICATE);
  const odd = refundProblem(order);
  if (odd !== null) return odd;
  const desc = cutReason(xmlSafe(reason ?? ''));
  const own = {
    ...(transactionId === null ? { out_trade_no: xmlSafe(orderNo) } : { transaction_id: xmlSafe(transactionId) }),
    out_refund_no: refundNo,
    total_fee: `${paid.minor}`,
    refund_fee: `${amount.minor}`,
    refund_fee_type: amount.currency,
    ...(desc === '' ? {} : { refund_desc: desc }),
    notify_url: notifyUrl,
  };
  return ok(await signedRequest(REFUND_PATH, payee, own, credentials, nonce, credentials.refundCertBinding));
}

async function readRefund(
  answer: ProviderAnswer,
  { refundNo, orderNo }: RefundOrder,
  credentials: Credentials,
  now: number,
): Promise<Result<Translation, ProviderProblem>> {
  const proved = await provedFields(answer, credentials);
  if (!proved.ok) return proved;
  const fields = proved.value;
  if (fields.get('result_code') !== SUCCESS) return err(failureOf(fields, OWN_MEANINGS));
  const fact: Result<RefundFact, string> = acceptedRefundOf(fields, now);
  if (!fact.ok)
    return problem('malformed', `WeChat Pay took the refund and answered without a readable ${fact.error}.`);
  if (fact.value.refundNo !== refundNo || fact.value.orderNo !== orderNo) {
    return problem('malformed', 'WeChat Pay answered about another refund than was asked for.');
  }
  return ok({ events: [fact.value], noticeType: 'refund', noticeId: null });
}
