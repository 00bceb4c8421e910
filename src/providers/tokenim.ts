// Tokenim 2.0: no public specification exists, so this is the profile engine with defaults that are Tollgate's own and
// not the vendor's. Compare each with what your console shows and change what differs. Names no host of the vendor's.
import { profileProvider } from './profile.ts';

export const tokenim = profileProvider(
  { id: 'tokenim', name: { en: 'Tokenim 2.0 (configured)', zh: 'Tokenim 2.0（可配置）' } },
  {
    mapping: {
      formats: ['json', 'form', 'xml'],
      fields: {
        orderNo: 'order_id',
        transactionId: 'transaction_id',
        status: 'status',
        amount: 'amount',
        payerAmount: 'paid_amount',
        currency: 'currency',
        occurredAt: 'changed_at',
        kind: 'type',
        noticeId: 'notify_id',
        refundNo: 'refund_no',
        refundId: 'refund_id',
        refundAmount: 'refund_amount',
        reason: 'reason',
        payerId: 'user_id',
        payerAccount: 'user_account',
        payerName: 'user_name',
        method: 'method',
        attach: 'attach',
        merchantId: 'merchant_id',
        test: 'test',
      },
      kinds: { payment: 'payment', refund: 'refund' },
      payments: {
        PENDING: 'pending',
        PROCESSING: 'pending',
        SUCCESS: 'succeeded',
        PAID: 'succeeded',
        FAILED: 'failed',
        CLOSED: 'closed',
        CANCELLED: 'closed',
        EXPIRED: 'closed',
      },
      refunds: {
        PENDING: 'pending',
        PROCESSING: 'pending',
        SUCCESS: 'succeeded',
        REFUNDED: 'succeeded',
        FAILED: 'failed',
        ABNORMAL: 'needs_attention',
      },
      amountUnit: 'minor',
      timeUnit: 'seconds',
      methods: { CARD: 'card', WALLET: 'wallet', BANK: 'bank_transfer', CRYPTO: 'crypto' },
    },
    proof: {
      signature: {
        algorithm: 'hmac-sha256',
        in: 'header',
        name: 'Tokenim-Signature',
        encoding: 'hex',
        content: 'template',
      },
      timestamp: { in: 'header', name: 'Tokenim-Timestamp' },
    },
    acknowledgement: { success: { body: 'success' }, failure: { body: 'fail' } },
  },
);
