// One genuine callback of each provider, made by the signer of its tests, and the cryptography that it cannot do
// without. Loaded one by one, because signers are large.
import type { Callback } from '../../src/core/callback.ts';
import type { FetchedKey } from '../../src/core/channel.ts';
import type { Operation } from './bare-operations.ts';

export type Case = {
  readonly entered: unknown;
  readonly now: number;
  readonly callback: Callback;
  /** What the channel has fetched from the provider, where that is what verifies. */
  readonly keys?: readonly FetchedKey[];
  /** None where a notice proves nothing by itself. */
  readonly bare: readonly Operation[];
  /** Of what is encrypted, where something is. */
  readonly sealedBytes?: number;
};

/** By the provider's id; a variant of one has its name in brackets. */
export const CASES: Readonly<Record<string, () => Promise<Case>>> = {
  'wechatpay-v3': async () => {
    const { entered, NOW, noticeOf, signed } = await import('../../test/fixtures/wechatpay-v3/merchant.ts');
    const content = await v3Transaction();
    const callback = signed(noticeOf('TRANSACTION.SUCCESS', content));
    const sealedBytes = JSON.stringify(content).length;
    return { entered, now: NOW, callback, bare: ['RSA-2048', 'AES-256-GCM'], sealedBytes };
  },
  'wechatpay-v3 (SM2)': async () => {
    const { NOW } = await import('../../test/fixtures/wechatpay-v3/merchant.ts');
    const { enteredWithSm, smNoticeOf, smSigned } = await import('../../test/fixtures/wechatpay-v3/merchant-sm.ts');
    const content = await v3Transaction();
    const callback = smSigned(smNoticeOf('TRANSACTION.SUCCESS', content));
    const sealedBytes = JSON.stringify(content).length;
    return { entered: enteredWithSm, now: NOW, callback, bare: ['SM2', 'SM4-GCM'], sealedBytes };
  },
  'wechatpay-v2': async () => {
    const { entered, NOW, payment, signed } = await import('../../test/fixtures/wechatpay-v2/merchant.ts');
    return { entered, now: NOW, callback: signed(payment), bare: ['MD5'] };
  },
  'wechatpay-v2 (HMAC)': async () => {
    const { entered, NOW, payment, signed } = await import('../../test/fixtures/wechatpay-v2/merchant.ts');
    return { entered, now: NOW, callback: signed(payment, 'HMAC-SHA256'), bare: ['HMAC-SHA256'] };
  },
  alipay: async () => {
    const { entered, NOW, signed } = await import('../../test/fixtures/alipay/merchant.ts');
    return { entered, now: NOW, callback: signed(), bare: ['RSA-2048'] };
  },
  unionpay: async () => {
    const { entered, NOW, payment, signed } = await import('../../test/fixtures/unionpay/merchant.ts');
    return { entered, now: NOW, callback: signed(payment), bare: ['RSA-2048'] };
  },
  adyen: async () => {
    const { entered, NOW, signed } = await import('../../test/fixtures/adyen/merchant.ts');
    const { authorisation } = await import('../../test/fixtures/adyen/objects.ts');
    return { entered, now: NOW, callback: signed(authorisation), bare: ['HMAC-SHA256'] };
  },
  stripe: async () => {
    const { entered, eventOf, NOW, signed } = await import('../../test/fixtures/stripe/merchant.ts');
    const { intent } = await import('../../test/fixtures/stripe/objects.ts');
    const callback = signed(eventOf('payment_intent.succeeded', intent));
    return { entered, now: NOW, callback, bare: ['HMAC-SHA256'] };
  },
  paypal: async () => {
    const { entered, eventOf, fetched, NOW, signed } = await import('../../test/fixtures/paypal/merchant.ts');
    const { capture } = await import('../../test/fixtures/paypal/objects.ts');
    const callback = signed(eventOf('PAYMENT.CAPTURE.COMPLETED', capture));
    return { entered, now: NOW, callback, keys: [fetched], bare: ['RSA-2048'] };
  },
  square: async () => {
    const { entered, eventOf, NOW, payment, signed } = await import('../../test/fixtures/square/merchant.ts');
    return { entered, now: NOW, callback: signed(eventOf('payment.updated', { payment })), bare: ['HMAC-SHA256'] };
  },
  razorpay: async () => {
    const { entered, eventOf, NOW, payment, signed } = await import('../../test/fixtures/razorpay/merchant.ts');
    return { entered, now: NOW, callback: signed(eventOf('payment.captured', { payment })), bare: ['HMAC-SHA256'] };
  },
  paddle: async () => {
    const { entered, eventOf, NOW, signed, transaction } = await import('../../test/fixtures/paddle/merchant.ts');
    const callback = signed(eventOf('transaction.completed', transaction));
    return { entered, now: NOW, callback, bare: ['HMAC-SHA256'] };
  },
  mollie: async () => {
    const { entered, NOW, noticeOf, PAYMENT_ID } = await import('../../test/fixtures/mollie/merchant.ts');
    return { entered, now: NOW, callback: noticeOf(`id=${PAYMENT_ID}`), bare: [] };
  },
  btcpay: async () => {
    const { entered, NOW, payment, signed, webhook } = await import('../../test/fixtures/btcpay/merchant.ts');
    const callback = signed(webhook('InvoicePaymentSettled', payment));
    return { entered, now: NOW, callback, bare: ['HMAC-SHA256'] };
  },
  'coinbase-commerce': async () => {
    const { entered, NOW, signed, webhook } = await import('../../test/fixtures/coinbase-commerce/merchant.ts');
    return { entered, now: NOW, callback: signed(webhook('charge:confirmed')), bare: ['HMAC-SHA256'] };
  },
  cryptomus: async () => {
    const { entered, NOW, payment, signed } = await import('../../test/fixtures/cryptomus/merchant.ts');
    return { entered, now: NOW, callback: signed(payment()), bare: ['MD5'] };
  },
  nowpayments: async () => {
    const { entered, NOW, payment, signed } = await import('../../test/fixtures/nowpayments/merchant.ts');
    return { entered, now: NOW, callback: signed(payment()), bare: ['HMAC-SHA512'] };
  },
  oxapay: async () => {
    const { entered, NOW, paid, signed } = await import('../../test/fixtures/oxapay/merchant.ts');
    return { entered, now: NOW, callback: signed(paid), bare: ['HMAC-SHA512'] };
  },
  'standard-webhooks': async () => {
    const { entered, NOW, paid, signed } = await import('../../test/fixtures/standard-webhooks/merchant.ts');
    return { entered, now: NOW, callback: signed(paid), bare: ['HMAC-SHA256'] };
  },
  'standard-webhooks (Ed25519)': async () => {
    const from = await import('../../test/fixtures/standard-webhooks/merchant.ts');
    const entered = { ...from.entered, secrets: [from.WHPK] };
    return { entered, now: from.NOW, callback: from.signed(from.paid, from.ed25519), bare: ['Ed25519'] };
  },
  tokenim: async () => {
    const { callbackOf, enteredFor, NOW, payment, scheme } = await import('../../test/fixtures/tokenim/merchant.ts');
    const made = scheme();
    return { entered: enteredFor(made), now: NOW, callback: callbackOf(payment, 'json', made), bare: ['HMAC-SHA256'] };
  },
  generic: async () => {
    const { entered, NOW, payment, signed } = await import('../../test/fixtures/generic/merchant.ts');
    return { entered, now: NOW, callback: signed(payment), bare: ['RSA-2048'] };
  },
};

async function v3Transaction(): Promise<unknown> {
  return (await import('../../test/fixtures/wechatpay-v3/transaction.json', { with: { type: 'json' } })).default;
}
