// The registry of providers: the only door to a dialect. One line each.
import { adyen } from './adyen.ts';
import { alipay } from './alipay.ts';
import { btcpay } from './btcpay.ts';
import { coinbaseCommerce } from './coinbase-commerce.ts';
import { cryptomus } from './cryptomus.ts';
import { generic } from './generic.ts';
import { mollie } from './mollie.ts';
import { nowpayments } from './nowpayments.ts';
import { oxapay } from './oxapay.ts';
import { paddle } from './paddle.ts';
import { paypal } from './paypal.ts';
import type { AnyProvider } from './provider.ts';
import { razorpay } from './razorpay.ts';
import { square } from './square.ts';
import { standardWebhooks } from './standard-webhooks.ts';
import { stripe } from './stripe.ts';
import { tokenim } from './tokenim.ts';
import { unionpay } from './unionpay.ts';
import { wechatpayV2 } from './wechatpay-v2.ts';
import { wechatpayV3 } from './wechatpay-v3.ts';

const ALL: readonly AnyProvider[] = [
  wechatpayV3,
  wechatpayV2,
  alipay,
  unionpay,
  adyen,
  stripe,
  paypal,
  square,
  razorpay,
  paddle,
  mollie,
  btcpay,
  coinbaseCommerce,
  cryptomus,
  nowpayments,
  oxapay,
  standardWebhooks,
  tokenim,
  generic,
];

export const providers: Readonly<Record<string, AnyProvider>> = Object.fromEntries(ALL.map((one) => [one.id, one]));

export const PROVIDER_IDS: readonly string[] = ALL.map((one) => one.id);

/** Null for a word that names no provider, `constructor` included. */
export function providerOf(id: string): AnyProvider | null {
  return Object.hasOwn(providers, id) ? (providers[id] ?? null) : null;
}
