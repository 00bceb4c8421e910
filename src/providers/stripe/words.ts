// Who paid a Stripe payment and how, as far as its object says. Details explain an order and do not make it: what is
// missing or odd is left out.
import type { Payer } from '../../core/event.ts';
import { own, textAt } from '../../core/json-body.ts';
import type { Money } from '../../core/money.ts';
import { type Intent, idOf, moneyOf } from './objects.ts';

/** Longest metadata that goes along with an order: more is asked for at Stripe. */
const ATTACH_CHARS_MAX = 4_096;

// Stripe's payment methods in words that mean the same at every provider; others go by Stripe's word alone.
const METHODS: Readonly<Record<string, string>> = {
  card: 'card',
  card_present: 'card',
  interac_present: 'card',
  alipay: 'wallet',
  amazon_pay: 'wallet',
  cashapp: 'wallet',
  grabpay: 'wallet',
  kakao_pay: 'wallet',
  link: 'wallet',
  mobilepay: 'wallet',
  naver_pay: 'wallet',
  paypal: 'wallet',
  revolut_pay: 'wallet',
  wechat_pay: 'wallet',
  acss_debit: 'bank_debit',
  au_becs_debit: 'bank_debit',
  bacs_debit: 'bank_debit',
  sepa_debit: 'bank_debit',
  us_bank_account: 'bank_debit',
  bancontact: 'bank_transfer',
  customer_balance: 'bank_transfer',
  eps: 'bank_transfer',
  fpx: 'bank_transfer',
  ideal: 'bank_transfer',
  p24: 'bank_transfer',
  pix: 'bank_transfer',
  promptpay: 'bank_transfer',
  affirm: 'pay_later',
  afterpay_clearpay: 'pay_later',
  klarna: 'pay_later',
  crypto: 'crypto',
};

/** `type` is the method where exactly one is possible; `amount` is what was paid, once it was. */
export function paymentWords(
  object: Pick<Intent, 'presentment_details'> & Readonly<Record<string, unknown>>,
  type: string | null,
  amount: Money | null,
) {
  const method = own(METHODS, type ?? '');
  const shown = object.presentment_details;
  // What the payer saw in a currency of their own, where Stripe converted for them.
  const payerAmount = amount && shown ? moneyOf(shown.presentment_amount, shown.presentment_currency) : amount;
  const details = type === null ? null : `payment_method_details.${type}`;
  const bank = details && (textAt(object, `${details}.bank`) ?? textAt(object, `${details}.bank_name`));
  return {
    ...(payerAmount ? { payerAmount } : {}),
    ...(method === undefined ? {} : { method }),
    ...(type === null ? {} : { providerMethod: type }),
    ...(bank ? { bank } : {}),
  };
}

export function payerOf(
  customer: Parameters<typeof idOf>[0],
  email: string | null | undefined,
  name: string | null | undefined,
): { readonly payer?: Payer } {
  const id = idOf(customer);
  const payer: Payer = {
    ...(id === null ? {} : { id, idType: 'customer' }),
    ...(email ? { account: email } : {}),
    ...(name ? { name } : {}),
  };
  return Object.keys(payer).length === 0 ? {} : { payer };
}

/** The merchant's own metadata, as JSON. */
export function attachOf({ metadata }: Readonly<Record<string, unknown>>): { readonly attach?: string } {
  if (typeof metadata !== 'object' || metadata === null || Object.keys(metadata).length === 0) return {};
  const attach = JSON.stringify(metadata);
  return attach.length > ATTACH_CHARS_MAX ? {} : { attach };
}
