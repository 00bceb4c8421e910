// What a BTCPay Server channel needs to know: the schema, with words for people. Fixes the one address that is asked.
import { z } from 'zod';
import { DOTTED_PATH } from '../../core/json-body.ts';
import { publicAddressProblem } from '../../core/origin-address.ts';

/** Ids of stores and invoices are base58; those of test deliveries are not, and name nothing. */
export const ID = /^[0-9A-Za-z]{1,64}$/;

export const Credentials = z
  .strictObject({
    secret: z
      .string('secret must be text: copy the webhook secret.')
      .regex(
        /^[\x21-\x7e]{16,256}$/,
        'secret is shorter than 16 characters or holds spaces: let BTCPay Server make one at Store → Webhooks.',
      )
      .meta({
        label: { en: 'Webhook secret', zh: 'Webhook 密钥' },
        help: {
          en: 'BTCPay Server → Store settings → Webhooks → your webhook → Secret (the eye shows it).',
          zh: 'BTCPay Server → Store settings → Webhooks → 对应的 webhook → Secret（点击眼睛图标显示）。',
        },
        secret: true,
      }),
    apiKey: z
      .string('apiKey must be text: copy the API key.')
      .regex(/^[0-9A-Za-z]{16,128}$/, 'apiKey has the wrong form: copy it whole at Account → API keys.')
      .optional()
      .meta({
        label: { en: 'API key', zh: 'API 密钥' },
        help: {
          en: 'Account → API keys, permission “View invoices” of this store alone. Without it nothing is applied.',
          zh: 'Account → API keys，仅需本商店的“View invoices”权限；缺少时通知只保存、不生效。',
        },
        secret: true,
      }),
    baseUrl: z
      .url({ protocol: /^https$/, error: 'baseUrl must be an https address such as https://btcpay.example.com.' })
      .max(256)
      .refine((text) => !/[?#@]/.test(text), 'baseUrl must hold no user, query or fragment: give the address alone.')
      .refine(
        (text) => !URL.canParse(text) || publicAddressProblem(new URL(text)) === null,
        'baseUrl must name a public host: the gateway calls it from outside.',
      )
      .optional()
      .meta({
        label: { en: 'Server address', zh: '服务器地址' },
        help: {
          en: 'Where your BTCPay Server answers, such as https://btcpay.example.com. Goes with the API key.',
          zh: 'BTCPay Server 的地址，例如 https://btcpay.example.com；与 API 密钥一起填写。',
        },
      }),
    storeId: z
      .string('storeId must be text: copy the store ID.')
      .regex(ID, 'storeId has the wrong form: copy it at Store settings → General.')
      .optional()
      .meta({
        label: { en: 'Store ID', zh: '商店 ID' },
        help: {
          en: 'Store settings → General → Store ID. Webhooks of another store are refused; empty accepts any.',
          zh: 'Store settings → General → Store ID；其他商店的通知会被拒绝，留空则不限制。',
        },
      }),
    orderNoPath: z
      .string('orderNoPath must be text: a path such as metadata.orderId.')
      .regex(DOTTED_PATH, 'orderNoPath must be names joined by dots, such as metadata.orderId.')
      .default('metadata.orderId')
      .meta({
        label: { en: 'Path of the order number', zh: '商户订单号的位置' },
        help: {
          en: 'Where an invoice holds your order number. An invoice without one is known by its own id.',
          zh: '发票中商户订单号的位置；没有该字段的发票以其自身 id 作为订单号。',
        },
      }),
  })
  .superRefine(({ apiKey, baseUrl }, context) => {
    const needs = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (apiKey !== undefined && baseUrl === undefined) needs('baseUrl', 'baseUrl is missing: it goes with apiKey.');
    if (baseUrl !== undefined && apiKey === undefined) needs('apiKey', 'apiKey is missing: it goes with baseUrl.');
  });
export type Credentials = z.infer<typeof Credentials>;
