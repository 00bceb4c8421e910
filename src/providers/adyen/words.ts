// Who paid an Adyen payment and how, as far as the message says. Nothing here is covered by its HMAC: it explains an
// order and never makes one.
import type { Payer } from '../../core/event.ts';
import type { Item } from './notice.ts';

/** Longest metadata that goes along with an order. */
const ATTACH_CHARS_MAX = 4_096;
const TEXT_CHARS_MAX = 256;

// Adyen's payment methods in words that mean the same at every provider; others go by Adyen's word alone. A method may
// have a variant behind it: visa_applepay, klarna_paynow.
const METHODS: readonly (readonly [RegExp, string])[] = [
  [/^(?:alipay|wechatpay|paypal|gcash|dana|kakaopay|momo|twint|mobilepay|vipps|swish|mbway|paysafecard)/, 'wallet'],
  [/(?:applepay|googlepay|paywithgoogle|samsungpay)$/, 'wallet'],
  [/^(?:mc|visa|amex|cup|diners|discover|jcb|maestro|elo|hipercard|cartebancaire|bcmc|interac_card|eftpos)/, 'card'],
  [/^(?:sepadirectdebit|directdebit|ach|bacs)/, 'bank_debit'],
  [
    /^(?:ideal|eps|giropay|trustly|directEbanking|blik|molpay_ebanking|ebanking|multibanco|pix|bankTransfer)/,
    'bank_transfer',
  ],
  [/^(?:klarna|afterpay|affirm|clearpay|ratepay|zip|riverty)/, 'pay_later'],
  [/^(?:giftcard|givex|svs)/, 'gift_card'],
];

export function paymentWords({ paymentMethod, details }: Item) {
  const text = (name: string) => {
    const value = details.get(name) ?? '';
    return value.length > TEXT_CHARS_MAX ? '' : value;
  };
  const method = paymentMethod ? METHODS.find(([pattern]) => pattern.test(paymentMethod))?.[1] : undefined;
  const bank = text('cardIssuingBank') || text('issuerName');
  const payer = payerOf(text('shopperReference'), text('shopperEmail'), text('cardHolderName'));
  return {
    ...(method === undefined ? {} : { method }),
    ...(paymentMethod ? { providerMethod: paymentMethod } : {}),
    ...(bank ? { bank } : {}),
    ...(payer === null ? {} : { payer }),
    ...attachOf(details),
  };
}

function payerOf(reference: string, email: string, name: string): Payer | null {
  const payer: Payer = {
    ...(reference ? { id: reference, idType: 'shopperReference' } : {}),
    ...(email ? { account: email } : {}),
    ...(name ? { name } : {}),
  };
  return Object.keys(payer).length === 0 ? null : payer;
}

/** The merchant's own metadata, as JSON. */
function attachOf(details: ReadonlyMap<string, string>): { readonly attach?: string } {
  const own = [...details].flatMap(([name, value]) =>
    name.startsWith('metadata.') ? [[name.slice('metadata.'.length), value] as const] : [],
  );
  const attach = JSON.stringify(Object.fromEntries(own));
  return own.length === 0 || attach.length > ATTACH_CHARS_MAX ? {} : { attach };
}
